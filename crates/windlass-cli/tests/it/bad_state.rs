//! Keys, cursors and states that are not what they should be: what is said, how the run ends, and what stays.

use crate::project::Project;

/// A pipeline whose resource has these hints, after a load of `before` and before one of `now`.
fn project(destination: &str, hints: &str, before: &str, now: &str) -> Project {
    let project = Project::with(destination, hints);
    if !before.is_empty() {
        project.write("data/a.jsonl", before);
        project.run(0);
    }
    project.write("data/a.jsonl", now);
    project
}

const DUCKDB: &str = "{type: duckdb, credentials: out.duckdb}";
const FILES: &str = "{type: filesystem, bucket_url: out}";
const MERGE: &str = "write_disposition: merge, primary_key: id";
const UPSERT: &str = "write_disposition: {disposition: merge, strategy: upsert}, primary_key: id";
const CURSOR: &str = "incremental: {cursor_path: at}";

#[test]
fn a_primary_key_that_is_null_or_missing_is_named() {
    let stored = "{\"id\": 7}\n";
    for hints in [MERGE, UPSERT] {
        let null = project(DUCKDB, hints, stored, "{\"id\": 1}\n{\"id\": null}\n");
        null.run(1).says(&["data/a.jsonl:2", "table `t`", "column `id`", "null"], "fix the data");
        assert_eq!(null.query("SELECT id FROM t"), ["7"]);
    }
    let missing = project(DUCKDB, MERGE, stored, "{\"id\": 1}\n{\"v\": 2}\n");
    missing.run(1).says(&["no value", "table `t`", "column `id`"], "as of a key");
    let missing = project(DUCKDB, UPSERT, stored, "{\"id\": 1}\n{\"v\": 2}\n");
    missing.run(1).says(&["no value for its primary key", "data/a.jsonl:2", "column `id`"], "primary_key");
    assert_eq!(missing.query("SELECT id FROM t"), ["7"]);
}

#[test]
fn a_key_column_whose_type_changes_is_named() {
    for hints in [MERGE, UPSERT] {
        let project = project(DUCKDB, hints, "{\"id\": 1}\n", "{\"id\": \"x\"}\n");
        project.run(1).says(&["table `t`", "column `id`"], "one of another type goes to a column of its own");
        assert_eq!(project.query("SELECT id FROM t"), ["1"]);
        // A text that reads as the number is one.
        project.write("data/a.jsonl", "{\"id\": \"1\", \"v\": 2}\n");
        project.run(0);
        assert_eq!(project.query("SELECT id, v FROM t"), ["1,2"]);
    }
}

#[test]
fn a_cursor_that_is_missing_null_or_of_another_type_is_named() {
    let before = "{\"id\": 1, \"at\": 5}\n";
    let check = |now: &str, said: &[&str], hint: &str| {
        let project = project(DUCKDB, CURSOR, before, now);
        project.run(1).says(&[said, &["data/a.jsonl:1", "resource `t`"]].concat(), hint);
        assert_eq!(project.one("SELECT count(*) FROM t"), "1");
        // The cursor has not moved.
        project.write("data/a.jsonl", "{\"id\": 2, \"at\": 6}\n");
        project.run(0);
        assert_eq!(project.one("SELECT count(*) FROM t"), "2");
    };
    check("{\"id\": 2}\n", &["no cursor `at`"], "on_cursor_value_missing");
    check("{\"id\": 2, \"at\": null}\n", &["the cursor `at` is null"], "on_cursor_value_missing");
    check(
        "{\"id\": 2, \"at\": \"x\"}\n",
        &["the cursor is a text", "last value is a number"],
        "forget the state",
    );
    check("{\"id\": 2, \"at\": {\"x\": 1}}\n", &["a list or an object"], "cursor_path");
}

#[test]
fn a_cursor_that_goes_backwards_is_an_error_where_reading_may_stop_early() {
    let sorted = "incremental: {cursor_path: at, row_order: asc, initial_value: 0, end_value: 9}";
    let backwards = "{\"id\": 1, \"at\": 5}\n{\"id\": 2, \"at\": 4}\n";
    let project = project(DUCKDB, sorted, "", backwards);
    project.run(1).says(&["the cursor goes backwards", "data/a.jsonl:2"], "leave row_order and limit out");
    assert!(!project.has_table("t"));
}

#[test]
fn a_cursor_may_go_backwards_where_all_is_read() {
    let project = project(
        DUCKDB,
        CURSOR,
        "{\"id\": 1, \"at\": 5}\n",
        "{\"id\": 2, \"at\": 6}\n{\"id\": 3, \"at\": 5}\n",
    );
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2", "3"]);
}

#[test]
fn ranges_and_lags_that_cannot_be_are_usage_errors() {
    let reversed = "incremental: {cursor_path: at, initial_value: 9, end_value: 5}";
    let range = project(DUCKDB, reversed, "", "{\"at\": 6}\n");
    range
        .run(2)
        .says(&["`end_value` is before `initial_value`", "p.yaml:8"], "the range runs from initial_value");
    let lag = project(
        DUCKDB,
        "incremental: {cursor_path: at, lag: 1}",
        "{\"at\": \"abc\"}\n",
        "{\"at\": \"abd\"}\n",
    );
    lag.run(2).says(&["`lag` is set", "a text that is neither a date nor a time"], "lag works with numbers");
    assert_eq!(lag.one("SELECT count(*) FROM t"), "1");
}

#[test]
fn a_merge_that_a_destination_cannot_do_is_announced_or_refused() {
    let chosen = project(FILES, UPSERT, "", "{\"id\": 1}\n");
    chosen.run(2).says(&["the filesystem destination has no merge strategy `upsert`"], "append or replace");
    let files = project(FILES, MERGE, "", "{\"id\": 1}\n");
    let done = files.run(0);
    assert!(done.warnings().iter().any(|text| text.contains("rows are appended")), "{}", done.stderr);
    let scoped = "write_disposition: {disposition: merge, strategy: delete-insert, source_filter: \"id > 1\"}, primary_key: id";
    let memory = project("{type: memory}", scoped, "", "{\"id\": 1}\n");
    memory.run(2).says(&["the memory destination knows no SQL", "source_filter", "table `t`"], "steps");
    let csv = project("{type: memory}", "file_format: csv", "", "{\"id\": 1}\n");
    csv.run(2).says(&["the memory destination takes no csv files"], "parquet");
    assert!(!memory.path("work/pipelines/p/packages").exists(), "nothing was extracted");
}

#[test]
fn a_state_that_does_not_decode_is_named() {
    for destination in [DUCKDB, FILES] {
        let project = project(destination, CURSOR, "{\"id\": 1, \"at\": 1}\n", "{\"id\": 2, \"at\": 2}\n");
        if destination == DUCKDB {
            let database = duckdb::Connection::open(project.path("out.duckdb")).unwrap();
            database.execute_batch("UPDATE d._dlt_pipeline_state SET state = 'nonsense'").unwrap();
        } else {
            spoil(&project, "_dlt_pipeline_state", |text| {
                let mut row: serde_json::Value = serde_json::from_str(&text).unwrap();
                row["state"] = "nonsense".into();
                row.to_string()
            });
        }
        project.run(1).says(&["the pipeline state at the destination cannot be read"], "_dlt_pipeline_state");
        std::fs::remove_dir_all(project.path("work")).unwrap();
        project.run(1).says(&["the pipeline state at the destination cannot be read"], "_dlt_pipeline_state");
        assert_eq!(project.one("SELECT count(*) FROM t"), "1", "{destination}");
    }
}

#[test]
fn a_dataset_of_a_newer_engine_is_refused() {
    for destination in [DUCKDB, FILES] {
        let project = project(destination, CURSOR, "{\"id\": 1, \"at\": 1}\n", "{\"id\": 2, \"at\": 2}\n");
        let newer = |text: &str| {
            let at = text.find("engine_version").unwrap() + "engine_version".len();
            let digits = text[at..].find(|c: char| c.is_ascii_digit()).unwrap() + at;
            format!(
                "{}99{}",
                &text[..digits],
                text[digits..].trim_start_matches(|c: char| c.is_ascii_digit())
            )
        };
        if destination == DUCKDB {
            let database = duckdb::Connection::open(project.path("out.duckdb")).unwrap();
            let stored: String =
                database.query_row("SELECT schema FROM d._dlt_version", [], |row| row.get(0)).unwrap();
            database.execute("UPDATE d._dlt_version SET schema = ?", [newer(&stored)]).unwrap();
        } else {
            spoil(&project, "_dlt_version", |text| {
                let mut row: serde_json::Value = serde_json::from_str(&text).unwrap();
                row["schema"] = newer(row["schema"].as_str().unwrap()).into();
                row.to_string()
            });
        }
        // What the working folder knows is as good; without it nobody knows.
        std::fs::remove_dir_all(project.path("work")).unwrap();
        project.run(2).says(&["99"], "update windlass");
    }
    let project = project(FILES, "", "{\"id\": 1}\n", "{\"id\": 2}\n");
    project.write("out/d/init", "{\"initial_version\":2,\"current_version\":99}");
    project.run(2).says(&["files of version 99", "init"], "update windlass");
}

/// Rewrites the only file of a system table.
fn spoil(project: &Project, table: &str, change: impl Fn(String) -> String) {
    let folder = project.path(&format!("out/d/{table}"));
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, change(std::fs::read_to_string(&file).unwrap())).unwrap();
}

#[test]
fn a_table_that_was_changed_by_hand_is_named_or_mended() {
    let project = project(DUCKDB, "", "{\"id\": 1, \"a\": \"x\"}\n", "{\"id\": 2, \"a\": \"y\"}\n");
    let alter = |sql: &str| {
        duckdb::Connection::open(project.path("out.duckdb")).unwrap().execute_batch(sql).unwrap();
    };
    // A column that is gone comes back without its values.
    alter("ALTER TABLE d.t DROP COLUMN a");
    project.run(0);
    assert_eq!(project.query("SELECT id, a FROM t ORDER BY id"), ["1,", "2,y"]);
    alter("ALTER TABLE d.t ALTER COLUMN a TYPE INTEGER USING 0");
    let done = project.run(1);
    done.says(&["table `t`"], "drop-pending");
    assert_eq!(project.one("SELECT count(*) FROM t"), "2");
    // Changed back, the package is loaded, and then the file once more.
    alter("ALTER TABLE d.t ALTER COLUMN a TYPE VARCHAR");
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "4");
}

#[test]
fn a_server_that_cannot_be_reached_is_named_without_its_password() {
    for (address, said, hint) in [
        ("127.0.0.1:1", "Postgres cannot open postgresql://127.0.0.1:1/d", "no server listens there"),
        (
            "host.invalid:5432",
            "Postgres cannot open postgresql://host.invalid:5432/d",
            "no server has this name",
        ),
    ] {
        let url = format!("{{type: postgres, credentials: \"postgresql://u:horse@{address}/d\"}}");
        let done = project(&url, "", "", "{\"id\": 1}\n").run(1);
        done.says(&[said], hint);
        assert!(!done.stderr.contains("horse") && !done.stdout.contains("horse"), "{}", done.stderr);
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn a_wrong_password_and_a_server_without_the_right_to_create_end_with_one() {
    let Some(server) = crate::server::Server::shared().filter(crate::server::Server::is_own) else { return };
    let destination = |url: &str| format!("{{type: postgres, credentials: \"{url}\"}}");
    let wrong = destination(&server.url.replace("correct", "wrong"));
    let done = project(&wrong, "", "", "{\"id\": 1}\n").run(1);
    done.says(&["password authentication failed"], "check username and password");
    assert!(!format!("{}{}", done.stdout, done.stderr).contains("horse"), "{}", done.stderr);
    crate::query_only::psql(
        &server.url,
        "DO $$ BEGIN CREATE ROLE may_nothing LOGIN PASSWORD 'nothing'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    );
    let limited = destination(&server.url.replace("windlass:correct%20horse", "may_nothing:nothing"));
    let done = project(&limited, "", "", "{\"id\": 1}\n").run(1);
    done.says(&["permission denied for database"], "needs CREATE on the database");
}

#[test]
fn a_destination_of_sqlalchemy_is_sqlite_or_refused() {
    let sqlite = project("{type: sqlalchemy, credentials: \"sqlite:///o.db\"}", UPSERT, "", "{\"id\": 1}\n");
    sqlite.run(0);
    assert_eq!(sqlite.query("SELECT id FROM t"), ["1"]);
    assert!(sqlite.path("o__d.db").exists());
    let other = project("{type: sqlalchemy, credentials: \"oracle://u:horse@h/d\"}", "", "", "{\"id\": 1}\n");
    let done = other.run(2);
    done.says(&["SQLite and MySQL are here, not `oracle`", "p.yaml:3"], "sqlite, mysql, duckdb or postgres");
    assert!(!done.stderr.contains("horse"), "{}", done.stderr);
}

#[test]
fn a_run_into_memory_counts_and_forgets() {
    let project = project("{type: memory}", CURSOR, "", "{\"id\": 1, \"at\": 1, \"l\": [1, 2]}\n");
    for _ in 0..2 {
        let done = project.run_with(&["--json"], 0);
        let info: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let rows = &info["packages"][0]["rows"];
        assert_eq!((rows["t"].as_u64(), rows["t__l"].as_u64()), (Some(1), Some(2)), "{info}");
    }
    let done = project.windlass(&["query", "p.yaml", "SELECT 1"]);
    assert_eq!(done.code, 2);
    done.says(&["the memory destination knows no SQL"], "duckdb");
}
