//! Cursors that are texts of a column that is declared to be a timestamp or a number.

use crate::project::Project;

fn run_twice(columns: &str, first: &str, second: &str) -> Vec<String> {
    let project =
        Project::files(&format!("incremental: {{cursor_path: u}}, write_disposition: append{columns}"));
    project.write("data/a.jsonl", first);
    project.run(0);
    project.write("data/b.jsonl", second);
    project.run(0);
    project.query("SELECT id FROM t ORDER BY id")
}

const DECLARED: &str = ", columns: {u: {data_type: timestamp}}";

#[test]
fn a_fraction_that_is_left_out_loses_no_row() {
    let first =
        "{\"id\":1,\"u\":\"2024-01-01T00:00:00Z\"}\n{\"id\":10,\"u\":\"2023-10-29T02:30:00+02:00\"}\n";
    let second = "{\"id\":2,\"u\":\"2024-01-01T00:00:00.5Z\"}\n";
    assert_eq!(run_twice(DECLARED, first, second), ["1", "2", "10"]);
}

#[test]
fn the_end_of_summer_time_loses_no_row() {
    let first = "{\"id\":1,\"u\":\"2023-10-29T02:30:00+02:00\"}\n";
    let second =
        "{\"id\":2,\"u\":\"2023-10-29T02:10:00+01:00\"}\n{\"id\":3,\"u\":\"2023-10-29T02:29:00+02:00\"}\n";
    assert_eq!(run_twice(DECLARED, first, second), ["1", "2"]);
}

#[test]
fn texts_of_a_column_of_numbers_are_compared_as_numbers() {
    for declared in ["bigint", "decimal", "double"] {
        let columns = format!(", columns: {{u: {{data_type: {declared}}}}}");
        let first = "{\"id\":1,\"u\":\"9\"}\n{\"id\":2,\"u\":\"-10\"}\n";
        let second = "{\"id\":3,\"u\":\"10\"}\n{\"id\":4,\"u\":\"8\"}\n{\"id\":5,\"u\":11}\n";
        assert_eq!(run_twice(&columns, first, second), ["1", "2", "3", "5"], "{declared}");
    }
}

#[test]
fn texts_of_other_columns_are_compared_as_texts() {
    let first = "{\"id\":1,\"u\":\"b\"}\n";
    assert_eq!(run_twice("", first, "{\"id\":2,\"u\":\"a\"}\n{\"id\":3,\"u\":\"c\"}\n"), ["1", "3"]);
}

#[test]
fn a_text_that_is_no_time_beside_one_that_is_is_refused() {
    let project =
        Project::files(&format!("incremental: {{cursor_path: u}}, write_disposition: append{DECLARED}"));
    project.write("data/a.jsonl", "{\"id\":1,\"u\":\"2024-01-01T00:00:00Z\"}\n{\"id\":2,\"u\":\"soon\"}\n");
    let done = project.windlass(&["run", "p.yaml"]);
    done.says(&["a date or a time in one record"], "ISO");
}

#[test]
fn a_number_without_a_place_is_treated_as_a_missing_cursor() {
    // Such a number comes from a Parquet file here, as it may come from any database.
    for (missing, code, ids) in
        [("raise", 1, vec![]), ("include", 0, vec!["1", "2"]), ("exclude", 0, vec!["1"])]
    {
        let project = Project::files(&format!(
            "incremental: {{cursor_path: u, on_cursor_value_missing: {missing}}}, write_disposition: append"
        ));
        let path = project.path("data/a.parquet").display().to_string();
        let sql = format!(
            "COPY (SELECT * FROM (VALUES (1, 1.5::DOUBLE), (2, 'NaN'::DOUBLE)) AS t(id, u)) TO '{path}' (FORMAT parquet)"
        );
        duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
        let done = project.windlass(&["run", "p.yaml"]);
        assert_eq!(done.code.min(1), code, "{missing}: {}", done.stderr);
        if code == 0 {
            assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ids, "{missing}");
        } else {
            done.says(&["NaN or infinite"], "on_cursor_value_missing");
        }
    }
}
