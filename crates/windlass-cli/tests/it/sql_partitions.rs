//! Tables that are read in pieces, and several at once under one limit of connections.

use crate::project::Project;

/// Three tables of a DuckDB file, each of so many rows.
fn tables(options: &str, table: &str) -> Project {
    let project = Project::new();
    let source = duckdb::Connection::open(project.path("source.duckdb")).unwrap();
    for name in ["a", "b", "c"] {
        source
            .execute_batch(&format!(
                "CREATE TABLE {name} (id BIGINT PRIMARY KEY, shop INTEGER, title VARCHAR); INSERT INTO {name} SELECT i, CASE WHEN \
                 i % 10 > 0 THEN i % 97 END, 'row ' || i FROM range({ROWS}) AS t(i)"
            ))
            .unwrap();
    }
    drop(source);
    let of_table = |name: &str| format!("    - {{name: {name}, chunk_size: 500, {table}}}\n");
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: sql_database\n  \
             credentials: duckdb:///source.duckdb\n  {options}\n  tables:\n{}{}{}",
            of_table("a"),
            of_table("b"),
            of_table("c")
        ),
    );
    project
}

const ROWS: u64 = 20_000;

fn check(project: &Project) {
    project.run(0);
    for name in ["a", "b", "c"] {
        let question =
            format!("SELECT count(*) || ' ' || count(DISTINCT title) || ' ' || sum(id)::BIGINT FROM {name}");
        assert_eq!(project.one(&question), format!("{ROWS} {ROWS} {}", ROWS * (ROWS - 1) / 2), "{name}");
    }
}

#[test]
fn pieces_by_key_and_by_column_are_the_table() {
    check(&tables("partitions: 3", "write_disposition: append"));
    check(&tables("partitions: 2", "partition_on: shop"));
}

#[test]
fn tables_that_are_read_together_share_the_connections() {
    for connections in [1, 2, 5] {
        let options = format!("partitions: 3\n  max_connections: {connections}");
        check(&tables(&options, "parallelized: true"));
    }
}

#[test]
fn a_column_that_does_not_cut_is_refused_with_the_remedy() {
    let project = tables("partitions: 2", "partition_on: shp");
    let done = project.run(2);
    assert!(done.stderr.contains("did you mean `shop`"), "{}", done.stderr);
}
