//! `windlass backfill`: chunks of a table in the order of a cursor, the rows between two chunks loaded once.

use serde_json::Value;

use crate::project::{Done, Project};

/// A project whose source is the table `family` of a DuckDB file; `rows` is the query that fills it.
pub(crate) fn family(rows: &str, incremental: &str) -> Project {
    let project = Project::new();
    let source = duckdb::Connection::open(project.path("source.duckdb")).unwrap();
    source.execute_batch(&format!("CREATE TABLE family AS {rows}")).unwrap();
    drop(source);
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: sql_database\n  \
             credentials: duckdb:///source.duckdb\n  tables:\n    - {{name: family, primary_key: rfam_id{incremental}}}\n"
        ),
    );
    project
}

/// The table of the reference's example: 4,178 families, several of them created at the same second.
pub(crate) const FAMILIES: &str = "SELECT 'RF' || lpad(i::VARCHAR, 5, '0') AS rfam_id, 'family ' || i AS description, TIMESTAMP \
                                   '2013-10-03 20:41:44' + to_seconds((i // 7) * 3600) AS created FROM range(1, 4179) AS t(i)";

pub(crate) const BY_CREATED: &str = ", incremental: {cursor_path: created}";

fn backfill(project: &Project, arguments: &[&str], code: i32) -> Done {
    let done = project.windlass(&[&["backfill", "p.yaml"], arguments].concat());
    assert_eq!(done.code, code, "{}{}", done.stdout, done.stderr);
    done
}

fn count(project: &Project) -> String {
    project.one("SELECT count(*) || ' ' || count(DISTINCT rfam_id) FROM family")
}

#[test]
fn one_chunk_after_the_other_as_the_reference_does() {
    let one_each = "SELECT 'RF' || i AS rfam_id, TIMESTAMP '2013-10-03 20:41:44' + to_seconds(i * 3600) AS created FROM \
                    range(1, 4179) AS t(i)";
    let project = family(one_each, BY_CREATED);
    for rows in [1000, 1999, 2998, 3997, 4178] {
        let done = backfill(&project, &["--chunk", "1000"], 0);
        assert!(done.stdout.contains("there may be more"), "{}", done.stdout);
        assert_eq!(count(&project), format!("{rows} {rows}"));
    }
    let done = backfill(&project, &["--chunk", "1000"], 0);
    assert!(done.stdout.contains("nothing is left"), "{}", done.stdout);
    assert_eq!(count(&project), "4178 4178");
}

#[test]
fn until_done_is_the_same_in_one_command() {
    let project = family(FAMILIES, BY_CREATED);
    let done = backfill(&project, &["--chunk", "1000", "--until-done", "--json"], 0);
    let info: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(info["is_done"], true);
    assert_eq!(info["rows"]["family"], 4178);
    assert_eq!(info["chunks"].as_array().unwrap().len(), 5);
    assert_eq!(count(&project), "4178 4178");
    assert_eq!(project.one("SELECT count(DISTINCT _dlt_load_id) FROM family"), "5");
    // Rows that come later are the next chunk.
    let source = duckdb::Connection::open(project.path("source.duckdb")).unwrap();
    source.execute_batch("INSERT INTO family SELECT 'new', 'new', max(created) FROM family").unwrap();
    drop(source);
    let done = backfill(&project, &["--chunk", "1000", "--until-done"], 0);
    assert!(done.stdout.contains("chunk 1: 1 rows"), "{}", done.stdout);
    assert_eq!(count(&project), "4179 4179");
}

#[test]
fn a_limit_of_the_file_counts_chunks() {
    let project = family(
        FAMILIES,
        ", chunk_size: 1000, limit: {max_items: 1}, incremental: {cursor_path: created, row_order: asc}",
    );
    let mut before = 0;
    for _ in 0..5 {
        project.run(0);
        let rows: u64 = project.one("SELECT count(*) FROM family").parse().unwrap();
        assert!(rows > before && rows <= before + 1000, "{before}, {rows}");
        before = rows;
    }
    assert_eq!(count(&project), "4178 4178");
}

#[test]
fn more_equal_values_than_a_chunk_is_long() {
    let rows = "SELECT i::VARCHAR AS rfam_id, DATE '2024-01-01' + (i // 500)::INTEGER AS created FROM range(0, 1200) AS t(i)";
    let project = family(rows, BY_CREATED);
    backfill(&project, &["--chunk", "60", "--until-done"], 0);
    assert_eq!(count(&project), "1200 1200");
}

#[test]
fn a_lag_does_not_keep_chunks_in_place() {
    let project =
        family(FAMILIES, ", write_disposition: merge, incremental: {cursor_path: created, lag: 100000000}");
    backfill(&project, &["--chunk", "900", "--until-done"], 0);
    assert_eq!(count(&project), "4178 4178");
    // A run reads what lies within the lag again, and merges it.
    let source = duckdb::Connection::open(project.path("source.duckdb")).unwrap();
    source
        .execute_batch("INSERT INTO family SELECT 'late', 'late', min(created) + INTERVAL 1 DAY FROM family")
        .unwrap();
    drop(source);
    project.run(0);
    assert_eq!(count(&project), "4179 4179");
}

#[test]
fn what_chunks_cannot_do_is_said_before_anything_is_read() {
    for (incremental, expected) in [
        ("", "has no cursor"),
        (", incremental: {cursor_path: created, range_start: open}", "range_start: open"),
        (", incremental: {cursor_path: created, primary_key: []}", "primary_key"),
        (", incremental: {cursor_path: created, on_cursor_value_missing: include}", "without a cursor"),
    ] {
        let project = family(FAMILIES, incremental);
        let done = backfill(&project, &["--chunk", "10", "--until-done"], 2);
        assert!(done.stderr.contains(expected) && done.stderr.contains("hint:"), "{}", done.stderr);
        assert!(!project.path("out.duckdb").exists(), "{incremental}");
    }
    let project = family(FAMILIES, BY_CREATED);
    assert!(backfill(&project, &["--chunk", "0"], 2).stderr.contains("no rows"));
    assert!(backfill(&project, &["--table", "famly"], 2).stderr.contains("hint:"));
}
