//! CSV as it comes: every line end, quotes that are not closed, encodings, empty texts and nulls.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::project::{Project, files_below};

fn project(resource: &str, csv: impl AsRef<[u8]>) -> Project {
    let project = Project::files(resource);
    project.write("data/a.csv", csv);
    project
}

/// Rows of more than the first MiB, which is looked at in one piece.
fn many_rows(end: &str) -> String {
    let mut text = format!("id,k,s{end}");
    for id in 0..35_000 {
        write!(text, "{id},{id},some text of the row {id}{end}").unwrap();
    }
    assert!(text.len() > 1 << 20);
    text
}

#[test]
fn rows_have_ids_of_their_own_whatever_ends_the_lines() {
    for end in ["\r\n", "\n", "\r"] {
        let project = project("", many_rows(end));
        project.run(0);
        assert_eq!(
            project.query("SELECT count(*), count(DISTINCT _dlt_id), count(DISTINCT id), min(s) FROM t"),
            ["35000,35000,35000,some text of the row 0"],
            "{end:?}"
        );
    }
}

#[test]
fn children_of_rows_that_end_with_crlf_have_one_parent() {
    let project = project("steps: [{map: '.tags = [.k, .s]'}]", many_rows("\r\n"));
    project.run(0);
    let joined = "SELECT count(*) FROM t JOIN t__tags ON t__tags._dlt_parent_id = t._dlt_id";
    assert_eq!(project.one(joined), "70000");
}

#[test]
fn a_row_that_cannot_be_read_has_its_line() {
    for (end, line) in [("\r\n", 4), ("\n", 4), ("\r", 4)] {
        let project = project("", ["id,s", "1,a", "2,b", "3,c,x", ""].join(end));
        project.run(1).says(&[&format!("data/a.csv:{line}:"), "3 values in 2 columns"], "fix the record");
    }
    // Behind the first MiB, with a line break of each kind in quotes and blank lines.
    let mut text = many_rows("\r\n");
    text.push_str("\r\n\n\"a\r\nb\",\"c\rd\",e\r\n1,2,3,4\r\n");
    let done = project("", text).run(1);
    done.says(&["data/a.csv:35007:"], "fix the record");
}

#[test]
fn line_ends_may_be_mixed() {
    let project = project("", "id,s\r\n1,a\n2,b\r3,\"c\rd\"\r\n\r4,e");
    project.run(0);
    assert_eq!(
        project.query("SELECT id, replace(s, chr(13), '+') FROM t ORDER BY id"),
        ["1,a", "2,b", "3,c+d", "4,e"]
    );
}

#[test]
fn a_quote_that_is_not_closed_is_an_error_where_it_is_opened() {
    for (text, place) in [
        ("id,n\n1,\"abc\n2,d\n3,e\n4,f\n".to_owned(), "data/a.csv:2:3"),
        ("id,\"n\n1,a\n2,b\n".to_owned(), "data/a.csv:1:4"),
        ("id,n\r\n1,a\r\n2,\"b\"\"\r\n3,c".to_owned(), "data/a.csv:3:3"),
        (format!("{}9,8,\"7\r\n6,5,4\r\n", many_rows("\r\n")), "data/a.csv:35002:5"),
        (format!("a\r\"{}", many_rows("\r")), "data/a.csv:2:1"),
    ] {
        for resource in ["", "on_bad_record: reject"] {
            let project = project(resource, &text);
            let done = project.run(1);
            done.says(&[place, "a quote is opened here that is not closed"], "quote");
            assert!(!project.has_table("t"));
        }
    }
    let project = Project::files("");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"id,n\n1,\"abc\n2,d\n").unwrap();
    project.write("data/a.csv.gz", packed.finish().unwrap());
    project.run(1).says(&["data/a.csv.gz:2:3"], "quote");
}

#[test]
fn text_of_another_encoding_is_refused_by_its_name() {
    let utf16 =
        |to: fn(u16) -> [u8; 2]| "id,name\n1,abc\n2,def\n".encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let utf32: Vec<u8> = "id,name\n1,abc\n".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    for (bytes, name) in [
        (utf16(u16::to_le_bytes), "utf-16le"),
        (utf16(u16::to_be_bytes), "utf-16be"),
        (utf32, "utf-32le"),
        (b"id,name\n1,caf\xe9\n".to_vec(), "windows-1252"),
        (b"id,n\xe4me\n1,a\n".to_vec(), "windows-1252"),
    ] {
        let refused = project("", &bytes);
        refused.run(1).says(&["UTF-8", "data/a.csv"], &format!("encoding: {name}"));
        assert!(!refused.has_table("t"));
        let read = project(&format!("encoding: {name}"), &bytes);
        read.run(0);
        assert_ne!(read.one("SELECT count(*) FROM t"), "0", "{name}");
    }
    let json: Vec<u8> = "[{\"id\": 1}]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for name in ["a.json", "a.jsonl"] {
        let project = Project::files("");
        project.write(&format!("data/{name}"), &json);
        project.run(1).says(&["UTF-8", name], "encoding: utf-16le");
    }
}

#[test]
fn files_are_read_in_the_encoding_that_is_set() {
    let text = "id,name\n1,café €\n2,\"x\ny\"\n";
    let utf16 =
        |mark: &str| format!("{mark}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (encoding, bytes) in [
        ("encoding: utf-16be", utf16("")),
        // A mark says it, whatever is set.
        ("", utf16("\u{feff}")),
        ("encoding: shift_jis", utf16("\u{feff}")),
        ("encoding: windows-1252", text.replace('€', "\u{80}").chars().map(|c| c as u8).collect()),
        ("encoding: utf-8", format!("\u{feff}{text}").into_bytes()),
    ] {
        let project = project(encoding, bytes);
        project.run(0);
        let rows = project.query("SELECT id, replace(name, chr(10), '+') FROM t ORDER BY id");
        assert_eq!(rows, ["1,café €", "2,x+y"], "{encoding}");
    }
    let wrong = project("encoding: utf-16le", b"id\n1\n2\n");
    wrong.run(1).says(&["the text is not utf-16le", "data/a.csv"], "encoding");
    let unknown = project("encoding: klingon", "id\n1\n");
    unknown.run(2).says(&["there is no encoding `klingon`"], "utf-16le");
}

#[test]
fn an_escape_character_may_be_set() {
    let project = project(
        "csv: {escape: '\\', null_values: ['\\N']}",
        "id,s,n\n1,\"a \\\"b\\\"\",1\n2,c\\,d,\\N\n3,\\N,3\n4,e\\\nf,4\n",
    );
    project.run(0);
    assert_eq!(
        project.query("SELECT id, replace(s, chr(10), '+') AS s, n FROM t ORDER BY id"),
        ["1,\"a \"\"b\"\"\",1", "2,\"c,d\",", "3,,3", "4,e+f,4"]
    );
}

#[test]
fn nulls_and_empty_texts_come_back_as_they_were_written() {
    let records = "{\"id\":1,\"s\":\"\",\"n\":1,\"e\":\"\"}\n{\"id\":2,\"s\":\"x\",\"n\":null,\"e\":\"\"}\n{\"id\":3,\"s\":null,\"n\":3,\"e\":null}\n";
    let told = |column: &str| {
        format!(
            "CASE WHEN {column} IS NULL THEN 'null' WHEN {column} = '' THEN 'empty' ELSE {column} END AS {column}"
        )
    };
    for quoting in ["quote_needed", "quote_all", "quote_minimal"] {
        let writer = Project::with("{type: filesystem, bucket_url: out, loader_file_format: csv}", "");
        let yaml = std::fs::read_to_string(writer.path("p.yaml")).unwrap();
        writer.write("p.yaml", format!("{yaml}normalize: {{data_writer: {{quoting: {quoting}}}}}\n"));
        writer.write("data/a.jsonl", records);
        let done = writer.windlass(&["run", "p.yaml"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let file = files_below(&writer.path("out/d/t")).into_iter().next().unwrap();
        let reader = Project::files("");
        let name =
            if file.extension().is_some_and(|end| end == "gz") { "data/a.csv.gz" } else { "data/a.csv" };
        reader.write(name, std::fs::read(file).unwrap());
        reader.run(0);
        assert_eq!(
            reader.query(&format!("SELECT id, {}, n, {} FROM t ORDER BY id", told("s"), told("e"))),
            ["1,empty,1,empty", "2,x,,empty", "3,null,3,null"],
            "{quoting}"
        );
    }
}

#[test]
fn blank_lines_are_no_rows() {
    let project = project("", "\n\nid,s\n\n1,a\n\n\n2,b\n\n");
    project.run(0);
    assert_eq!(project.query("SELECT id, s FROM t ORDER BY id"), ["1,a", "2,b"]);
}
