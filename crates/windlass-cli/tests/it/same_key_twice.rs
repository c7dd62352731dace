//! The same key several times in one load: the row with the greatest cursor stays, with its nested rows alone.

use crate::project::{Project, sqlite};
use crate::server::Server;

const DUCKDB: &str = "{type: duckdb, credentials: out.duckdb}";
const SQLITE: &str = "{type: sqlite, credentials: out.db}";

fn project(destination: &str, strategy: &str, more: &str) -> Project {
    let project = Project::with(
        destination,
        &format!(
            "write_disposition: {{disposition: merge, strategy: {strategy}}}, primary_key: id, incremental: {{cursor_path: \
             seq{more}}}"
        ),
    );
    // The newest rows of the keys stand in the first, in the second and in the last place.
    project.write(
        "data/a.jsonl",
        "{\"id\":1,\"seq\":9,\"v\":\"new\",\"l\":[1]}\n{\"id\":2,\"seq\":1,\"v\":\"old\",\"l\":[1,2,3]}\n\
         {\"id\":1,\"seq\":3,\"v\":\"old\",\"l\":[7,8,9]}\n{\"id\":2,\"seq\":8,\"v\":\"new\",\"l\":[4]}\n\
         {\"id\":3,\"seq\":2,\"v\":\"old\",\"l\":[5]}\n{\"id\":2,\"seq\":2,\"v\":\"old\",\"l\":[6,6]}\n\
         {\"id\":3,\"seq\":7,\"v\":\"new\",\"l\":[]}\n{\"id\":4,\"seq\":5,\"v\":\"old\"}\n\
         {\"id\":4,\"seq\":5,\"v\":\"new\",\"l\":[2]}\n",
    );
    project
}

fn rows(project: &Project) -> Vec<String> {
    project.query("SELECT id, seq, v FROM t ORDER BY id, seq")
}

fn nested(project: &Project) -> Vec<String> {
    project.query(
        "SELECT t.id, l.value FROM t JOIN t__l AS l ON l._dlt_parent_id = t._dlt_id ORDER BY t.id, l.value",
    )
}

fn check(project: &Project, case: &str) {
    project.run(0);
    assert_eq!(rows(project), ["1,9,new", "2,8,new", "3,7,new", "4,5,new"], "{case}");
    assert_eq!(nested(project), ["1,1", "2,4", "4,2"], "{case}");
    assert_eq!(project.one("SELECT count(*) FROM t__l"), "3", "{case}: no nested row of a row that went");
    project.write(
        "data/b.jsonl",
        "{\"id\":1,\"seq\":20,\"v\":\"newer\",\"l\":[5]}\n{\"id\":1,\"seq\":12,\"v\":\"x\",\"l\":[3]}\n",
    );
    project.run(0);
    let first = &rows(project)[0];
    assert_eq!(first, "1,20,newer", "{case}");
    assert_eq!(nested(project)[0], "1,5", "{case}");
    assert!(!project.columns("t").iter().any(|column| column.contains("windlass")), "{case}");
}

#[test]
fn the_greatest_cursor_wins_in_duckdb_and_sqlite() {
    for destination in [DUCKDB, SQLITE] {
        for strategy in ["delete-insert", "upsert"] {
            check(&project(destination, strategy, ""), &format!("{destination} {strategy}"));
        }
    }
}

#[test]
fn the_greatest_cursor_wins_in_postgres() {
    let Some(server) = Server::shared() else { return };
    for strategy in ["delete-insert", "upsert"] {
        let dataset = format!("twice_{}_{}", strategy.replace('-', "_"), std::process::id());
        let project = project(&format!("{{type: postgres, credentials: \"{}\"}}", server.url), strategy, "");
        let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
        project.write("p.yaml", text.replace("dataset: d\n", &format!("dataset: {dataset}\n")));
        check(&project, strategy);
    }
}

#[test]
fn the_greatest_cursor_wins_under_cdc() {
    for destination in [DUCKDB, SQLITE] {
        let project = project(destination, "cdc", "");
        project.run(0);
        assert_eq!(rows(&project), ["1,9,new", "2,8,new", "3,7,new", "4,5,new"], "{destination}");
        assert_eq!(nested(&project), ["1,1", "2,4", "4,2"], "{destination}");
    }
}

#[test]
fn the_lowest_cursor_wins_where_the_cursor_goes_down() {
    let project = project(DUCKDB, "delete-insert", ", last_value_func: min");
    project.run(0);
    assert_eq!(rows(&project), ["1,3,old", "2,1,old", "3,2,old", "4,5,new"]);
}

#[test]
fn insert_only_and_resources_without_a_cursor_stay_as_they_were() {
    let project = project(DUCKDB, "insert-only", "");
    project.run(0);
    assert_eq!(rows(&project), ["1,9,new", "2,1,old", "3,2,old", "4,5,old"]);
    let project = self::project(DUCKDB, "delete-insert", "");
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", text.replace(", incremental: {cursor_path: seq}", ""));
    project.run(0);
    assert_eq!(rows(&project), ["1,9,new", "2,1,old", "3,2,old", "4,5,old"]);
}

#[test]
fn a_declared_order_wins_over_the_cursor() {
    let project = project(DUCKDB, "delete-insert", "");
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write(
        "p.yaml",
        text.replace("primary_key: id", "primary_key: id, columns: {seq: {dedup_sort: asc}}"),
    );
    project.run(0);
    assert_eq!(rows(&project)[..3], ["1,3,old", "2,1,old", "3,2,old"]);
}

#[test]
fn the_later_file_wins_at_a_tie() {
    for strategy in ["delete-insert", "upsert"] {
        let project = project(DUCKDB, strategy, "");
        for file in 0..30 {
            project.write(
                &format!("data/{file:02}.jsonl"),
                format!("{{\"id\":1,\"seq\":100,\"v\":\"{file}\",\"l\":[{file}]}}"),
            );
        }
        project.write("data/a.jsonl", "");
        project.run(0);
        assert_eq!(rows(&project), ["1,100,29"], "{strategy}");
        assert_eq!(nested(&project), ["1,29"], "{strategy}");
    }
}

#[test]
fn a_cursor_below_a_key_and_a_deletion_that_is_the_newest() {
    let project = Project::files(
        "write_disposition: merge, primary_key: id, incremental: {cursor_path: meta.at}, columns: {gone: {hard_delete: true, \
         data_type: bool}}",
    );
    project.write(
        "data/a.jsonl",
        "{\"id\":1,\"meta\":{\"at\":5},\"gone\":true}\n{\"id\":1,\"meta\":{\"at\":3},\"gone\":false}\n\
         {\"id\":2,\"meta\":{\"at\":6},\"gone\":false}\n{\"id\":2,\"meta\":{\"at\":4},\"gone\":true}\n",
    );
    project.run(0);
    assert_eq!(project.query("SELECT id, meta__at FROM t"), ["2,6"]);
}

#[test]
fn rows_of_a_table_without_a_key_of_its_own_too() {
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {DUCKDB}\nsource:\n  type: sql_database\n  credentials: sqlite:///s.db\n  \
             tables:\n    - {{name: t, primary_key: id, write_disposition: merge, incremental: {{cursor_path: seq}}}}\n"
        ),
    );
    sqlite(
        &project,
        "s.db",
        "CREATE TABLE t (id INTEGER, seq INTEGER, v TEXT); INSERT INTO t VALUES (1, 9, 'new'), (1, 3, 'old'), (2, 4, 'old'), (2, 4, 'new');",
    );
    project.run(0);
    assert_eq!(rows(&project), ["1,9,new", "2,4,new"]);
}

#[test]
fn the_greatest_cursor_stays_where_its_value_went_to_a_variant() {
    let lines = |values: [&str; 3]| {
        let line =
            |(index, value): (usize, &&str)| format!("{{\"id\":1,\"seq\":{value},\"v\":\"{index}\"}}\n");
        values.iter().enumerate().map(line).collect::<String>()
    };
    for destination in [DUCKDB, SQLITE] {
        for strategy in ["delete-insert", "upsert"] {
            for values in [
                ["5", "7.5", "6"],
                ["5", "99999999999999999999", "7"],
                ["\"2024-01-01T00:00:00Z\"", "\"99999-01-01T00:00:00Z\"", "\"2024-02-01T00:00:00Z\""],
            ] {
                let project = project(destination, strategy, "");
                std::fs::remove_file(project.path("data/a.jsonl")).unwrap();
                project.write("data/a.jsonl", lines(values));
                project.run(0);
                assert_eq!(project.query("SELECT v FROM t"), ["1"], "{destination} {strategy} {values:?}");
            }
        }
    }
}

#[test]
fn a_cursor_that_is_no_column_is_told_of() {
    let project = Project::with(
        DUCKDB,
        "write_disposition: merge, primary_key: id, incremental: {cursor_path: m.at}, columns: {m: {data_type: json}}",
    );
    project.write("data/a.jsonl", "{\"id\":1,\"m\":{\"at\":1}}\n{\"id\":1,\"m\":{\"at\":9}}\n");
    let done = project.run(0);
    assert!(done.stderr.contains("the cursor is no column of its own (`m__at`)"), "{}", done.stderr);
}
