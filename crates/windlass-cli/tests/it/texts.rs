//! Texts of users in every format: what begins like a mark of the engine's own is a text like any other. Dates of any
//! year and numbers of any size inside nested values.

use crate::project::Project;

const NESTED_FAR_DATE: &[u8] = include_bytes!("testdata/nested_far_date.parquet");

/// Texts that ended a run, and texts that begin like the engine's own marks.
const TEXTS: [&str; 14] = [
    "🧡 love",
    "🦄",
    "🪄x",
    "🫶",
    "A香",
    ".香港",
    "P২Y",
    "\u{f020}x",
    "\u{f026}1.50",
    "\u{f027}2024-01-01T00:00:00Z",
    "\u{f028}2024-01-01",
    "\u{f02b}YQ==",
    "\u{f02e}NaN",
    "\u{f02f}\u{f026}1",
];

/// The texts of the lists in `t`.
const IN_LISTS: &str = "(SELECT value, id, _dlt_load_id FROM t__l JOIN t ON t__l._dlt_parent_id = t._dlt_id)";

/// A text as SQL of DuckDB writes it, in characters that every terminal has.
fn codes(project: &Project, column: &str, table: &str) -> Vec<String> {
    project.query(&format!(
        "SELECT list_aggregate(list_transform(string_split({column}, ''), c -> printf('%x', unicode(c))), \
         'string_agg', ' ') FROM {table} ORDER BY _dlt_load_id, id"
    ))
}

fn expected() -> Vec<String> {
    let code = |c: char| format!("{:x}", u32::from(c));
    TEXTS.iter().map(|text| text.chars().map(code).collect::<Vec<_>>().join(" ")).collect()
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn check(name: &str, file: &str, resource: &str) {
    let project = Project::files(resource);
    project.write(&format!("data/{name}"), file);
    project.run(0);
    assert_eq!(codes(&project, "v", "t"), expected(), "{name} {resource}");
    assert_eq!(project.query("SELECT DISTINCT typeof(v) FROM t"), ["VARCHAR"], "{name} {resource}");
}

#[test]
fn a_text_is_itself_in_every_format() {
    for neighbour in ["0", "NaN", "123456789012345678901234567890"] {
        let record = |(id, text): (usize, &&str)| {
            format!("{{\"id\": {id}, \"v\": {}, \"n\": {neighbour}}}", json(text))
        };
        let records: Vec<String> = TEXTS.iter().enumerate().map(record).collect();
        check("a.jsonl", &records.join("\n"), "");
        check("a.json", &format!("[{}]", records.join(", ")), "");
        check("a.json", &format!("{{\"data\": [{}]}}", records.join(", ")), "records: data");
        check("a.jsonl", &records.join("\n"), "steps: [{map: \".\"}]");
    }
    let rows: String = TEXTS.iter().enumerate().map(|(id, text)| format!("{id},\"{text}\"\n")).collect();
    check("a.csv", &format!("id,v\n{rows}"), "");
}

#[test]
fn a_text_is_itself_in_the_pipeline_file_and_in_nested_rows() {
    let project = Project::new();
    let items: Vec<String> = TEXTS
        .iter()
        .enumerate()
        .map(|(id, text)| {
            format!("{{\"id\": {id}, \"v\": {0}, \"l\": [{0}], \"o\": {{\"p\": {0}}}}}", json(text))
        })
        .collect();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  \
             type: inline\n  resources:\n    - name: t\n      items: [{}]\n",
            items.join(", ")
        ),
    );
    project.run(0);
    assert_eq!(codes(&project, "v", "t"), expected());
    assert_eq!(codes(&project, "o__p", "t"), expected());
    assert_eq!(codes(&project, "value", IN_LISTS), expected());
}

#[test]
fn a_text_of_a_parquet_file_is_itself_at_every_depth() {
    let project = Project::with("{type: filesystem, bucket_url: out, loader_file_format: parquet}", "");
    let copy = Project::files("");
    let rows: String = TEXTS
        .iter()
        .enumerate()
        .map(|(id, text)| format!("({id}, '{text}', ['{text}'], {{'p': '{text}'}}),"))
        .collect();
    let file = copy.path("data/a.parquet");
    duckdb::Connection::open_in_memory()
        .unwrap()
        .execute_batch(&format!(
            "COPY (SELECT * FROM (VALUES {}) AS t(id, v, l, o)) TO '{}' (FORMAT parquet)",
            rows.trim_end_matches(','),
            file.display()
        ))
        .unwrap();
    copy.run(0);
    assert_eq!(codes(&copy, "v", "t"), expected());
    assert_eq!(codes(&copy, "o__p", "t"), expected());
    assert_eq!(codes(&copy, "value", IN_LISTS), expected());
    // A folder of Parquet files has the same.
    project.write("data/a.parquet", std::fs::read(file).unwrap());
    project.run(0);
    assert_eq!(codes(&project, "v", "t"), expected());
}

#[test]
fn dates_of_far_years_are_the_same_in_nested_rows_as_in_columns() {
    let project = Project::files("");
    project.write("data/f.parquet", NESTED_FAR_DATE);
    project.run(0);
    assert_eq!(
        project.query("SELECT typeof(value), value - DATE '1970-01-01' FROM t__s ORDER BY 2"),
        ["DATE,-1000000", "DATE,6585259"]
    );
}

#[test]
fn a_declared_decimal_has_every_digit_in_every_format() {
    let check = |name: &str, file: &str, resource: &str| {
        let project = Project::files(&format!("columns: {{m: {{data_type: decimal}}}}{resource}"));
        project.write(&format!("data/{name}"), file);
        project.run(0);
        assert_eq!(
            project.query("SELECT m FROM t ORDER BY m"),
            ["0.100000000", "123456789012.123456000", "12345678901234567890.123456789"],
            "{name} {resource}"
        );
    };
    let numbers = ["0.1", "123456789012.123456", "12345678901234567890.123456789"];
    let records: Vec<String> =
        numbers.iter().map(|number| format!("{{\"v\": 1.5, \"m\": {number}}}")).collect();
    check("a.jsonl", &records.join("\n"), "");
    check("a.json", &format!("[{}]", records.join(", ")), "");
    check("a.json", &format!("{{\"data\": [{}]}}", records.join(", ")), ", records: data");
    check("a.jsonl", &records.join("\n"), ", steps: [{map: \".\"}]");
    check("a.csv", &format!("m\n{}\n", numbers.join("\n")), "");
}

#[test]
fn decimals_whose_scale_lies_outside_of_their_precision_are_kept() {
    let project = Project::files(
        "columns: {small: {data_type: decimal, precision: 3, scale: 5}, large: {data_type: decimal, precision: 5, scale: -2}}",
    );
    project.write(
        "data/a.jsonl",
        "{\"small\": 0.00999, \"large\": 9999900}\n{\"small\": -0.00001, \"large\": -100}\n",
    );
    project.run(0);
    assert_eq!(
        project.query("SELECT small, large FROM t ORDER BY small"),
        ["-0.00001,-100", "0.00999,9999900"]
    );
}

#[test]
fn decimals_within_nested_columns_keep_their_digits() {
    let project = Project::files("");
    let file = |name: &str, sql: &str| {
        let file = project.path(&format!("data/{name}.parquet"));
        let connection = duckdb::Connection::open_in_memory().unwrap();
        connection.execute_batch(&format!("COPY ({sql}) TO '{}' (FORMAT parquet)", file.display())).unwrap();
    };
    let small = "0.0000000000006377336::DECIMAL(38,25)";
    file("a", &format!("SELECT 1 AS id, {small} AS top, [{small}] AS l, {{'p': {small}}} AS o"));
    project.run(0);
    let digits = |column: &str, table: &str| {
        project
            .query(&format!("SELECT rtrim({column}::VARCHAR, '0') FROM {table} WHERE {column} IS NOT NULL"))
    };
    let expected = "0.0000000000006377336";
    assert_eq!(digits("top", "t"), [expected]);
    assert_eq!(digits("o__p", "t"), [expected]);
    assert_eq!(digits("value", "t__l"), [expected]);
    assert_eq!(project.one("SELECT typeof(value) FROM t__l"), "\"DECIMAL(38,25)\"");
    // Digits that the column does not have are in a variant.
    std::fs::remove_file(project.path("data/a.parquet")).unwrap();
    file(
        "b",
        "SELECT 2 AS id, 0::DECIMAL(38,25) AS top, [0.1234567890123456789012345678::DECIMAL(38,30)] AS l",
    );
    project.run(0);
    assert_eq!(digits("value__v_text", "t__l"), ["0.1234567890123456789012345678"]);
}

#[test]
fn numbers_too_large_for_a_declared_decimal_keep_all_their_digits() {
    let project = Project::files("columns: {a: {data_type: decimal}}");
    let digits = "123456789012345678901234567890.123456789";
    project.write("data/a.jsonl", format!("{{\"a\":{digits}}}\n{{\"a\":1.5}}\n{{\"a\":1e40}}\n"));
    project.run(0);
    assert_eq!(
        project.query("SELECT a__v_text FROM t WHERE a__v_text IS NOT NULL ORDER BY 1"),
        [digits, "1E+40"]
    );
    assert_eq!(project.columns("t").iter().filter(|name| name.contains("v_double")).count(), 0);
}

#[test]
fn decimals_and_texts_of_no_length_are_those_without_one() {
    for destination in ["{type: duckdb, credentials: out.duckdb}", "{type: sqlite, credentials: out.db}"] {
        let project = Project::with(
            destination,
            "columns: {a: {data_type: decimal, precision: 0, scale: 0}, b: {data_type: text, precision: 0}}",
        );
        project.write("data/a.jsonl", "{\"a\":1.5,\"b\":\"x\"}\n");
        project.run(0);
        assert_eq!(project.one("SELECT b FROM t WHERE a = 1.5"), "x");
    }
}
