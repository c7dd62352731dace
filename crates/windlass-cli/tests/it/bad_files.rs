//! Input that is broken as bytes: a clear error with the place, nothing lost, nothing half-loaded.

use std::io::Write as _;

use crate::project::{Project, files_below};

/// Runs over one file and expects it to fail as said, with nothing loaded.
fn refused(name: &str, bytes: &[u8], error: &[&str], hint: &str) {
    let project = Project::files("");
    project.write(&format!("data/{name}"), bytes);
    let done = project.run(1);
    done.says(error, hint);
    assert!(!project.has_table("t"), "nothing is half-loaded");
    // What is repaired loads once, in full.
    project.write(&format!("data/{name}"), "{\"id\": 1}\n{\"id\": 2}\n");
    if name.ends_with(".jsonl") {
        project.run(0);
        assert_eq!(project.one("SELECT count(*) FROM t"), "2");
    }
}

#[test]
fn a_broken_line_is_named_by_line_and_byte() {
    refused(
        "a.jsonl",
        b"{\"id\": 1}\n{\"id\": 2}\n{\"id\" 3}\n{\"id\": 4}\n",
        &["this record is not JSON", "data/a.jsonl:3:7", "resource `t`"],
        "on_bad_record: reject",
    );
}

#[test]
fn the_first_broken_line_counts_whatever_the_threads_do() {
    let mut lines = Vec::new();
    for line in 1..=60_000 {
        match line {
            20_000 | 40_000 => lines.extend_from_slice(b"{\"id\": }\n"),
            _ => writeln!(lines, "{{\"id\": {line}, \"text\": \"some more text for the line\"}}").unwrap(),
        }
    }
    let project = Project::files("");
    project.write("data/a.jsonl", lines);
    for workers in ["1", "2", "5"] {
        let done = project.run_with(&["--workers", workers], 1);
        done.says(&["data/a.jsonl:20000:8"], "fix the record");
    }
}

#[test]
fn rejected_records_are_counted_and_kept_with_their_reason() {
    let project = Project::files("on_bad_record: reject");
    project.write("data/a.jsonl", b"{\"id\": 1}\n{\"id\": \n[1, 2\n{\"id\": 4}\n");
    let done = project.run(3);
    assert!(done.stderr.contains("2 records of t could not be read"), "{}", done.stderr);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "4"]);
    let kept: String = files_below(&project.path("work"))
        .iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "rejects"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for piece in ["data/a.jsonl", "[1, 2", "\"line\":2", "\"line\":3"] {
        assert!(kept.contains(piece), "{piece} is not in {kept}");
    }
    let listed = project.windlass(&["pipeline", "failed-jobs", "p"]);
    assert!(listed.stdout.contains("2 records of t were rejected"), "{}", listed.stdout);
}

#[test]
fn two_broken_lines_do_not_make_one_record() {
    refused("a.jsonl", b"{\"id\": 1}\n{\"id\":\n2}\n", &["data/a.jsonl:2:"], "on_bad_record");
    let project = Project::files("on_bad_record: reject");
    project.write("data/a.jsonl", b"{\"id\": 1}\n{\"id\":\n2}\n{\"id\": 3}\n");
    project.run(3);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "3"]);
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    refused(
        "a.jsonl",
        b"{\"id\": 1}\n{\"name\": \"caf\xe9\"}\n",
        &["data/a.jsonl:2:", "UTF-8"],
        "fix the record",
    );
}

#[test]
fn a_byte_order_mark_and_crlf_are_no_data() {
    let project = Project::files("");
    project.write(
        "data/a.jsonl",
        b"\xef\xbb\xbf{\"id\": 1, \"name\": \"a\"}\r\n{\"id\": 2, \"name\": \"b\"}\r\n",
    );
    project.run(0);
    assert_eq!(project.query("SELECT id, name FROM t ORDER BY id"), ["1,a", "2,b"]);
    let project = Project::files("");
    project.write("data/a.csv", b"\xef\xbb\xbfid,name\r\n1,a\r\n2,\"b\r\nc\"\r\n");
    project.run(0);
    assert_eq!(
        project.query("SELECT id, replace(name, chr(13) || chr(10), '+') FROM t ORDER BY id"),
        ["1,a", "2,b+c"]
    );
}

#[test]
fn an_empty_file_gives_no_rows() {
    for name in ["a.jsonl", "a.json", "a.csv"] {
        let project = Project::files("");
        project.write(&format!("data/{name}"), "");
        project.run(0);
        assert!(!project.has_table("t"), "{name}");
        project.write("data/b.jsonl", "{\"id\": 1}\n");
        project.run(0);
        assert_eq!(project.one("SELECT count(*) FROM t"), "1", "{name}");
    }
}

#[test]
fn blank_lines_are_no_records() {
    let project = Project::files("");
    project.write("data/a.jsonl", "\n{\"id\": 1}\n\n   \n{\"id\": 2}");
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"]);
}

#[test]
fn a_truncated_gzip_file_is_refused() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for id in 0..100_000 {
        writeln!(packed, "{{\"id\": {id}}}").unwrap();
    }
    let packed = packed.finish().unwrap();
    refused(
        "a.jsonl.gz",
        &packed[..packed.len() / 2],
        &["a gzip file is cut off", "data/a.jsonl.gz"],
        "fetch or write",
    );
    let mut broken = packed.clone();
    let middle = broken.len() / 2;
    broken[middle..middle + 64].fill(0xff);
    refused("b.jsonl.gz", &broken, &["data/b.jsonl.gz"], "");
}

#[test]
fn packed_files_are_read_as_what_they_hold() {
    let project = Project::files("");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"{\"id\": 1}\n").unwrap();
    project.write("data/a.jsonl.gz", packed.finish().unwrap());
    project.write("data/b.jsonl.zst", zstd::encode_all(&b"{\"id\": 2}\n"[..], 1).unwrap());
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"]);
}

#[test]
fn a_truncated_parquet_file_is_refused() {
    let project = Project::with("{type: filesystem, bucket_url: out, loader_file_format: parquet}", "");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    project.run(0);
    let written = files_below(&project.path("out/d/t")).into_iter().next().unwrap();
    let bytes = std::fs::read(written).unwrap();
    refused("a.parquet", &bytes[..bytes.len() - 6], &["data/a.parquet"], "");
}
