//! A column of a typed source changes its type between two runs: no value is changed, and no package is sealed that its
//! destination cannot load.

use std::process::Command;

use crate::project::Project;
use crate::server::Server;

fn sqlite(project: &Project, statements: &str) {
    let script =
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()";
    let path = project.path("s.db").display().to_string();
    let done = Command::new("python3").args(["-c", script, &path, statements]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

const DUCKDB: &str = "{type: duckdb, credentials: out.duckdb}";

fn source(destination: &str) -> Project {
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {destination}\nsource:\n  type: sql_database\n  \
             credentials: sqlite:///./s.db\n  tables:\n    - {{name: t, write_disposition: append}}\n"
        ),
    );
    project
}

/// Loads one row with a column of the first type, then one with a column of the second.
fn changed(destination: &str, before: (&str, &str), after: (&str, &str)) -> Project {
    let project = source(destination);
    sqlite(
        &project,
        &format!("CREATE TABLE t (id int, n {}); INSERT INTO t VALUES (1, {})", before.0, before.1),
    );
    project.run(0);
    let (kind, value) = after;
    sqlite(
        &project,
        &format!("DROP TABLE t; CREATE TABLE t (id int, n {kind}); INSERT INTO t VALUES (2, {value})"),
    );
    let done = project.run(0);
    assert!(done.stderr.contains("column `n` of `t`"), "{}", done.stderr);
    // Nothing is left that the next run would fail at.
    project.run(0);
    project
}

#[track_caller]
fn kept(before: (&str, &str), after: (&str, &str), variant: &str, value: &str) {
    let sql = format!("SELECT DISTINCT n, {variant} FROM t WHERE id = 2");
    for destination in [DUCKDB, "{type: sqlite, credentials: out.db}"] {
        let rows = changed(destination, before, after).query(&sql);
        let [row] = rows.as_slice() else { panic!("{destination}: {rows:?}") };
        let (old, new) = row.split_once(',').unwrap();
        assert_eq!(old, "", "{destination}: {before:?} to {after:?}");
        assert!(new.starts_with(value), "{destination}: {before:?} to {after:?}: {new}");
    }
}

#[test]
fn fractions_do_not_become_whole_numbers() {
    kept(("int", "1"), ("real", "2.7"), "n__v_double", "2.7");
    kept(("int", "1"), ("decimal(10,2)", "2.75"), "n__v_decimal", "2.75");
    kept(("decimal(10,2)", "1.23"), ("decimal(20,6)", "1.234567"), "n__v_decimal", "1.234567");
}

#[test]
fn hours_are_not_cut_off_and_seven_is_not_true() {
    kept(("date", "'2024-01-01'"), ("timestamp", "'2024-01-02 13:14:15'"), "n__v_timestamp", "2024-01-02");
    kept(("boolean", "1"), ("int", "7"), "n__v_bigint", "7");
}

#[test]
fn what_the_column_can_never_hold_does_not_stop_the_pipeline() {
    kept(("int", "1"), ("text", "'x'"), "n__v_text", "x");
    kept(("int", "1"), ("text", "'7'"), "n__v_text", "7");
    kept(("int", "1"), ("timestamp", "'2024-01-01 00:00:00'"), "n__v_timestamp", "2024-01-01");
    kept(("timestamp", "'2024-01-01 00:00:00'"), ("text", "'x'"), "n__v_text", "x");
    kept(("timestamp", "'2024-01-01 00:00:00'"), ("text", "'2024-05-05'"), "n__v_text", "2024-05-05");
    kept(
        ("decimal(10,2)", "1.23"),
        ("decimal(20,6)", "12345678901234.5"),
        "n__v_decimal",
        "12345678901234.5",
    );
    kept(("int", "1"), ("blob", "x'00'"), "octet_length(n__v_binary)", "1");
}

#[test]
fn a_column_that_refuses_nulls_changes_its_type_as_well() {
    kept(("int NOT NULL", "1"), ("text NOT NULL", "'x'"), "n__v_text", "x");
    kept(("int NOT NULL", "1"), ("real NOT NULL", "2.7"), "n__v_double", "2.7");
    kept(
        ("date NOT NULL", "'2024-01-01'"),
        ("timestamp NOT NULL", "'2024-01-02 13:14:15'"),
        "n__v_timestamp",
        "2024-01-02",
    );
}

/// Loads a table with a column that refuses nulls, changes the source, loads again, and gives what is stored.
fn emptied(destination: &str, disposition: &str, change: &str) -> Vec<String> {
    let project = source(destination);
    let dataset = format!("emptied_{}", std::process::id());
    if let Some(url) = destination.split('"').nth(1) {
        let drop = format!(
            "DROP SCHEMA IF EXISTS {dataset} CASCADE; DROP SCHEMA IF EXISTS {dataset}_staging CASCADE"
        );
        assert!(Command::new("psql").args(["-X", "-q", url, "-c", &drop]).status().unwrap().success());
    }
    let dataset = format!("dataset: {dataset}\n");
    let pipeline = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    let pipeline =
        pipeline.replace("write_disposition: append", disposition).replace("dataset: d\n", &dataset);
    project.write("p.yaml", pipeline);
    sqlite(
        &project,
        "CREATE TABLE t (id int NOT NULL, n int NOT NULL, o text NOT NULL); INSERT INTO t VALUES (1, 1, 'a')",
    );
    project.run(0);
    sqlite(&project, change);
    project.run(0);
    // The schema that is stored and the tables agree from now on.
    project.run(0);
    project.query("SELECT DISTINCT id, n, o FROM t ORDER BY id")
}

#[test]
fn a_column_that_comes_to_allow_nulls_or_is_dropped_does_not_stop_the_pipeline() {
    let allows = "CREATE TABLE u (id int NOT NULL, n int, o text NOT NULL); INSERT INTO u VALUES (2, NULL, 'b'); \
                  DROP TABLE t; ALTER TABLE u RENAME TO t";
    let drops = "DELETE FROM t; INSERT INTO t VALUES (2, 2, 'b'); ALTER TABLE t DROP COLUMN n";
    let merge = "write_disposition: merge, primary_key: id";
    let mut destinations = vec![DUCKDB.to_owned(), "{type: sqlite, credentials: out.db}".to_owned()];
    let server = Server::shared();
    if let Some(server) = &server {
        destinations.push(format!("{{type: postgres, credentials: \"{}\"}}", server.url));
    }
    for destination in &destinations {
        for change in [allows, drops] {
            assert_eq!(
                emptied(destination, "write_disposition: append", change),
                ["1,1,a", "2,,b"],
                "{destination}: {change}"
            );
            assert_eq!(emptied(destination, merge, change), ["1,1,a", "2,,b"], "{destination}: {change}");
            assert_eq!(
                emptied(destination, "write_disposition: replace", change),
                ["2,,b"],
                "{destination}: {change}"
            );
        }
    }
}

#[test]
fn what_fits_unchanged_stays_in_its_column() {
    let project = changed(DUCKDB, ("int", "1"), ("real", "2.0"));
    assert_eq!(project.query("SELECT DISTINCT n FROM t ORDER BY n"), ["1", "2"]);
    let project = changed(DUCKDB, ("text", "'a'"), ("int", "7"));
    assert_eq!(project.query("SELECT DISTINCT n FROM t ORDER BY n"), ["7", "a"]);
}

#[test]
fn a_contract_that_freezes_types_stops_before_anything_is_sealed() {
    let project = source(DUCKDB);
    sqlite(&project, "CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 1)");
    project.run(0);
    sqlite(&project, "DROP TABLE t; CREATE TABLE t (id int, n text); INSERT INTO t VALUES (2, 'x')");
    let with_contract =
        std::fs::read_to_string(project.path("p.yaml")).unwrap() + "schema_contract: {data_type: freeze}\n";
    let plain = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", with_contract);
    let done = project.windlass(&["run", "p.yaml"]);
    assert_ne!(done.code, 0, "{}", done.stdout);
    assert!(done.stderr.contains("freezes data_type"), "{}", done.stderr);
    project.write("p.yaml", plain);
    project.run(0);
    assert_eq!(project.one("SELECT n__v_text FROM t WHERE id = 2"), "x");
}

#[test]
fn parquet_files_that_change_a_type_lose_nothing() {
    let changes = [
        ("DATE '2024-01-01'", "TIMESTAMP '2024-01-02 13:14:15'", "n__v_timestamp"),
        ("true", "7::BIGINT", "n__v_bigint"),
        ("7::BIGINT", "'x'", "n__v_text"),
        ("7::BIGINT", "'8'", "n__v_text"),
        ("1.23::DECIMAL(10,2)", "1.234567::DECIMAL(20,6)", "n__v_decimal"),
        ("1.5::DOUBLE", "9007199254740993::BIGINT", "n__v_bigint"),
        ("7::BIGINT", "2.5::DOUBLE", "n__v_double"),
        ("TIME '01:02:03'", "TIMESTAMP '2024-01-02 13:14:15'", "n__v_timestamp"),
        ("TIMESTAMP '2024-01-02 13:14:15'", "1704201255::BIGINT", "n__v_bigint"),
        ("'a'::BLOB", "'x'", "n__v_text"),
    ];
    for (before, after, variant) in changes {
        let project = Project::files("");
        let connection = duckdb::Connection::open_in_memory().unwrap();
        for (name, value) in [("a", before), ("b", after)] {
            let path = project.path(&format!("data/{name}.parquet"));
            let copy = format!("COPY (SELECT {value} AS n) TO '{}' (FORMAT parquet)", path.display());
            connection.execute_batch(&copy).unwrap();
        }
        let done = project.run(0);
        assert!(done.stderr.contains("already: it stays so"), "{before} to {after}: {}", done.stderr);
        let rows = project.query(&format!("SELECT count(n), count({variant}) FROM t"));
        assert_eq!(rows, ["1,1"], "{before} to {after}");
    }
}

#[test]
fn a_type_that_the_run_declares_converts_texts() {
    let project = Project::files("columns: {n: {data_type: bigint}, moment: {data_type: timestamp}}");
    let path = project.path("data/a.parquet");
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let select = "SELECT '7' AS n, '2024-01-02T03:04:05Z' AS moment";
    connection.execute_batch(&format!("COPY ({select}) TO '{}' (FORMAT parquet)", path.display())).unwrap();
    project.run(0);
    assert_eq!(project.query("SELECT n, epoch_ms(moment) FROM t"), ["7,1704164645000"]);
}

#[test]
fn a_hint_that_changes_the_type_of_a_loaded_column_seals_nothing_that_cannot_be_loaded() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"n\": 1}\n");
    project.run(0);
    let hinted = std::fs::read_to_string(project.path("p.yaml"))
        .unwrap()
        .replace("{name: t,", "{name: t, columns: {n: {data_type: text}},");
    project.write("p.yaml", hinted);
    project.write("data/a.jsonl", "{\"n\": \"x\"}\n");
    let done = project.run(0);
    assert!(
        done.warnings().iter().any(|warning| warning.contains("column `n` of `t`")),
        "{:?}",
        done.warnings()
    );
    assert_eq!(project.query("SELECT n, n__v_text FROM t ORDER BY n NULLS LAST"), ["1,", ",x"]);
    project.run(0);
}

#[test]
fn texts_that_look_like_moments_are_texts_where_a_typed_column_was_another() {
    for before in [("datetime", "'2024-01-02 13:14:15'"), ("date", "'2024-01-02'"), ("int", "5")] {
        for text in ["'2024-01-02 13:14:15'", "'2024-01-02T00:00:00Z'"] {
            kept(before, ("text", text), "n__v_text", text.trim_matches('\''));
        }
    }
}

#[test]
fn documents_of_a_column_that_becomes_json_are_not_taken_apart() {
    let project = source(DUCKDB);
    sqlite(&project, "CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 1)");
    project.run(0);
    sqlite(
        &project,
        "DROP TABLE t; CREATE TABLE t (id int, n json); INSERT INTO t VALUES (2, '[1,2]'), (3, '5'), (6, '{}'), \
         (7, '[]'), (8, '{\"a\":{}}'), (9, '{\"a\":2}')",
    );
    project.run(0);
    assert_eq!(
        project.query("SELECT id, coalesce(n__v_json::VARCHAR, n::VARCHAR) FROM t WHERE id > 1 ORDER BY id"),
        ["2,\"[1,2]\"", "3,5", "6,{}", "7,[]", "8,\"{\"\"a\"\":{}}\"", "9,\"{\"\"a\"\":2}\""]
    );
    assert!(!project.has_table("t__n"));
}
