//! Cursors that have no place among the others: NaN and infinity of Postgres, zero dates of MariaDB, times of day.

use std::process::Command;

use crate::project::{Done, Project};
use crate::server::Server;

fn pipeline(url: &str, source: &str, table: &str, missing: &str) -> Project {
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: sql_database\n  \
             credentials: \"{url}\"\n{source}  tables:\n    - {{name: t, table: {table}, write_disposition: append, incremental: \
             {{cursor_path: u, on_cursor_value_missing: {missing}}}}}\n"
        ),
    );
    project
}

fn ids(project: &Project) -> Vec<String> {
    project.query("SELECT DISTINCT id FROM t ORDER BY id")
}

/// A table with the values of `first`, a run, those of `second`, a run; for each way to treat a missing cursor.
fn check(url: &str, execute: &dyn Fn(&str), name: &str, kind: &str, first: &str, second: &[&str]) {
    for missing in ["raise", "include", "exclude"] {
        execute(&format!("DROP TABLE IF EXISTS {name}; CREATE TABLE {name} (id int PRIMARY KEY, u {kind})"));
        execute(&format!("INSERT INTO {name} VALUES (1, {first})"));
        let project = pipeline(url, "", name, missing);
        project.run(0);
        for (index, value) in second.iter().enumerate() {
            execute(&format!("INSERT INTO {name} VALUES ({}, {value})", index + 2));
        }
        let done = project.windlass(&["run", "p.yaml"]);
        let case = format!("{kind} {second:?} {missing}: {}", done.stderr);
        if missing == "raise" && done.code != 0 {
            assert!(done.hint().contains("on_cursor_value_missing"), "{case}");
            continue;
        }
        assert_eq!(done.code, 0, "{case}");
        let expected: Vec<String> = match missing {
            "include" => (1..second.len() + 2).map(|id| id.to_string()).collect(),
            _ => vec!["1".to_owned()],
        };
        assert_eq!(ids(&project), expected, "{case}");
        project.run(0);
        assert_eq!(ids(&project), expected, "{case}, a third run");
    }
    execute(&format!("DROP TABLE {name}"));
}

#[test]
fn nan_and_infinity_of_postgres_count_as_missing() {
    let Some(server) = Server::shared() else { return };
    let execute = |sql: &str| {
        let mut psql = Command::new("psql");
        let done = Done::of(
            psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", &server.url, "-c", sql]).output().unwrap(),
        );
        assert_eq!(done.code, 0, "{sql}: {}", done.stderr);
    };
    let name = format!("missing_{}", std::process::id());
    check(&server.url, &execute, &name, "double precision", "1.5", &["'NaN'", "'Infinity'", "'-Infinity'"]);
    check(&server.url, &execute, &name, "real", "1.5", &["'NaN'"]);
    check(&server.url, &execute, &name, "numeric(10,2)", "1.5", &["'NaN'"]);
    check(&server.url, &execute, &name, "timestamptz", "'2024-01-01'", &["'infinity'", "'-infinity'"]);
    check(&server.url, &execute, &name, "date", "'2024-01-01'", &["'infinity'", "'-infinity'"]);
}

#[test]
#[cfg(feature = "mysql")]
fn zero_dates_of_mariadb_count_as_missing() {
    let Some(database) = crate::mariadb::Database::new("missing_cursors") else { return };
    let execute = |sql: &str| drop(database.execute(&format!("SET sql_mode = ''; {sql}")));
    let url = database.url("");
    check(&url, &execute, "t", "datetime", "'2024-01-01'", &["'0000-00-00 00:00:00'", "NULL"]);
    check(&url, &execute, "t", "date", "'2024-01-01'", &["'0000-00-00'", "'2024-00-10'"]);
}

#[test]
#[cfg(feature = "mysql")]
fn a_time_of_day_is_refused_as_a_cursor() {
    let Some(database) = crate::mariadb::Database::new("time_cursors") else { return };
    database.execute("CREATE TABLE t (id int PRIMARY KEY, u time); INSERT INTO t VALUES (1, '10:00:00')");
    let project = pipeline(&database.url(""), "", "t", "raise");
    let done = project.windlass(&["run", "p.yaml"]);
    assert_ne!(done.code, 0);
    assert!(
        done.hint().contains("a cursor must be a number, a text, a timestamp or a date"),
        "{}",
        done.stderr
    );
}
