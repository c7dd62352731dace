//! Cursors that the database casts or computes, or whose texts are declared to be numbers: conditions and orders see the values that are read.

use std::process::Command;

#[cfg(feature = "mysql")]
use crate::mariadb::Database;
use crate::project::{Project, sqlite};
use crate::server::Server;

/// What is read of the table `name`, by a cursor `n` that is made of its column of texts.
fn project(url: &str, name: &str, made: &str, more: &str) -> Project {
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: sql_database\n  \
             credentials: \"{url}\"\n  tables:\n    - {{name: t, table: {name}, write_disposition: append, {made}, incremental: \
             {{cursor_path: n{more}}}}}\n"
        ),
    );
    project
}

/// Two runs, between which `10` comes, which is less than `9` only as a text.
fn check(url: &str, name: &str, execute: &dyn Fn(&Project, &str), number: &str) {
    let cast = format!("cast: {{n: {number}}}");
    let computed = format!("select: {{n: \"CAST(t AS {number})\"}}");
    let declared = ["bigint", "decimal"].map(|kind| format!("columns: {{n: {{data_type: {kind}}}}}"));
    for (made, column) in [(&cast, "n"), (&computed, "t"), (&declared[0], "n"), (&declared[1], "n")] {
        for more in [
            "",
            ", row_order: asc",
            ", on_cursor_value_missing: include",
            ", on_cursor_value_missing: exclude",
        ] {
            if made.starts_with("columns") && more.contains("row_order") {
                continue;
            }
            let project = project(url, name, made, more);
            execute(&project, &format!("DROP TABLE IF EXISTS {name}"));
            execute(&project, &format!("CREATE TABLE {name} (id int, {column} varchar(9))"));
            execute(&project, &format!("INSERT INTO {name} VALUES (1, '9'), (2, '8')"));
            project.run(0);
            execute(&project, &format!("INSERT INTO {name} VALUES (3, '10'), (4, '7')"));
            project.run(0);
            assert_eq!(
                project.query("SELECT DISTINCT id FROM t ORDER BY id"),
                ["1", "2", "3"],
                "{made}{more}"
            );
        }
    }
}

#[test]
fn a_made_cursor_of_sqlite_loses_no_row() {
    check("sqlite:///s.db", "t", &|project, sql| sqlite(project, "s.db", sql), "bigint");
}

#[test]
fn a_made_cursor_of_postgres_loses_no_row() {
    let Some(server) = Server::shared() else { return };
    let execute = |_: &Project, sql: &str| {
        let done = Command::new("psql").args(["-X", "-q", &server.url, "-c", sql]).output().unwrap();
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let name = format!("made_{}", std::process::id());
    check(&server.url, &name, &execute, "bigint");
    execute(&Project::new(), &format!("DROP TABLE {name}"));
}

#[cfg(feature = "mysql")]
#[test]
fn a_made_cursor_of_mariadb_loses_no_row() {
    let Some(database) = Database::new("made") else { return };
    check(&database.url(""), "t", &|_, sql| drop(database.execute(sql)), "signed");
}

#[test]
fn a_range_of_texts_that_are_declared_as_numbers_has_no_order_in_the_database() {
    let made = "columns: {n: {data_type: bigint}}";
    let project = project("sqlite:///s.db", "t", made, ", row_order: asc");
    sqlite(&project, "s.db", "CREATE TABLE t (id int, n text); INSERT INTO t VALUES (1, '9')");
    let done = project.windlass(&["run", "p.yaml"]);
    done.says(&["declared to be numbers"], "cast: {column: type}");
}
