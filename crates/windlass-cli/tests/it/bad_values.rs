//! Input that is JSON, but larger, deeper or stranger than most: kept exact, or as a variant, never silently changed.

use std::fmt::Write as _;

use crate::project::Project;

fn loaded(lines: &str) -> Project {
    let project = Project::files("");
    project.write("data/a.jsonl", lines);
    project.run(0);
    project
}

#[test]
fn one_record_of_200_megabytes_is_loaded_where_the_limit_allows_it() {
    let project = Project::with("{type: filesystem, bucket_url: out, loader_file_format: parquet}", "");
    let text = "x".repeat(200 << 20);
    project.write("data/a.jsonl", format!("{{\"id\": 1, \"text\": \"{text}\"}}\n{{\"id\": 2}}\n"));
    project.run(1).says(&["a record is longer than 32 MiB", "data/a.jsonl:1"], "extract.max_record_bytes");
    let file = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", format!("{file}extract: {{max_record_bytes: 256MB}}\n"));
    project.run(0);
    assert_eq!(project.query("SELECT id, length(text) FROM t ORDER BY id"), ["1,209715200", "2,"]);
}

#[test]
fn ten_thousand_levels_of_nesting_are_kept() {
    let depth = 10_000;
    let objects = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let lists = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let project = loaded(&format!("{{\"id\": 1, \"o\": {objects}, \"l\": {lists}}}\n{{\"id\": 2}}\n"));
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"]);
}

#[test]
fn a_hundred_thousand_distinct_keys_do_not_become_columns() {
    let mut lines = String::new();
    for row in 0..1000 {
        write!(lines, "{{\"id\": {row}, \"by_key\": {{").unwrap();
        for key in 0..100 {
            let comma = if key == 0 { "" } else { ", " };
            write!(lines, "{comma}\"key_{}\": {key}", row * 100 + key).unwrap();
        }
        lines.push_str("}}\n");
    }
    let project = Project::files("");
    project.write("data/a.jsonl", lines);
    let done = project.run(0);
    assert!(project.columns("t").len() <= 4096 + 8, "{}", project.columns("t").len());
    let about = done.warnings().into_iter().filter(|warning| warning.contains("columns")).count();
    assert_eq!(about, 1, "one warning: {:?}", done.warnings());
    assert_eq!(project.one("SELECT count(*) FROM t"), "1000");
    // Whatever the thousandth row holds is there, as JSON.
    let kept = project.one("SELECT count(*) FROM t WHERE CAST(by_key AS VARCHAR) LIKE '%key_99999%'");
    assert_eq!(kept, "1");
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let project = loaded("{\"id\": 1, \"a\": 1, \"a\": 2}\n");
    assert_eq!(project.one("SELECT a FROM t"), "2");
}

#[test]
fn numbers_are_exact_or_become_variants() {
    let lines = "{\"id\": 1, \"n\": 9223372036854775807, \"f\": -0.0, \"g\": 1e308}\n\
                 {\"id\": 2, \"n\": 9223372036854775808, \"f\": 0.1, \"g\": -1e308}\n\
                 {\"id\": 3, \"n\": -9223372036854775808}\n\
                 {\"id\": 4, \"n\": 123456789012345678901234567890123456789012345678901234567890123456789012345678901}\n";
    let project = loaded(lines);
    assert_eq!(
        project.query("SELECT id, n FROM t WHERE n IS NOT NULL ORDER BY id"),
        ["1,9223372036854775807", "3,-9223372036854775808"]
    );
    assert_eq!(project.one("SELECT n__v_wei FROM t WHERE id = 2"), "9223372036854775808");
    let columns = project.columns("t");
    assert!(columns.iter().any(|column| column.starts_with("n__v_wei")), "{columns:?}");
    let whole = "123456789012345678901234567890123456789012345678901234567890123456789012345678901";
    let row = project.windlass(&["query", "p", "SELECT * FROM t WHERE id = 4", "--json"]);
    assert!(row.stdout.contains(whole), "{}", row.stdout);
    assert_eq!(project.query("SELECT 1 / f, g FROM t WHERE id = 1"), ["-inf,1e308"]);
}

#[test]
fn what_is_no_number_is_kept() {
    let project = loaded("{\"id\": 1, \"x\": NaN}\n{\"id\": 2, \"x\": 1.5}\n{\"id\": 3, \"x\": -Infinity}\n");
    assert_eq!(project.query("SELECT id, x FROM t ORDER BY id"), ["1,NaN", "2,1.5", "3,-inf"]);
}

#[test]
fn a_number_too_large_for_a_double_is_kept_in_full() {
    let project = loaded("{\"id\": 1, \"x\": 1.5}\n{\"id\": 2, \"x\": 1e400}\n");
    let row = project.windlass(&["query", "p", "SELECT * FROM t WHERE id = 2", "--json"]);
    let digits = row.stdout.contains("1E+400") || row.stdout.contains(&format!("1{}", "0".repeat(400)));
    assert!(digits, "{}", row.stdout);
}

#[test]
fn names_that_are_hard_to_write_become_names() {
    let project =
        loaded("{\"id\": 1, \"Ünï cödé\": 1, \"a.b\": 2, \"SELECT\": 3, \"\u{1f600}\": 4, \"\": 5}\n");
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
    let columns = project.columns("t");
    for name in ["a_b: bigint", "select: bigint"] {
        assert!(columns.iter().any(|column| column == name), "{name} is not in {columns:?}");
    }
}
