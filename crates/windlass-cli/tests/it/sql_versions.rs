//! Tables of a SQL database as slowly changing dimensions: a row that did not change stays as it is.

use crate::project::{Project, sqlite};
use crate::server::Server;

fn pipeline(destination: &str, source: &str) -> Project {
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {destination}\nsource:\n  type: sql_database\n  credentials: \"{source}\"\n  \
             tables:\n    - {{name: t, write_disposition: {{disposition: merge, strategy: scd2}}}}\n"
        ),
    );
    project
}

const ROWS: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), price NUMERIC(10,2), made TIMESTAMP); INSERT INTO \
                    t VALUES (1, 'a', 1.50, '2024-01-01 10:00:00'), (2, 'b', NULL, '2024-01-01 10:00:00.5');";

fn versions(project: &Project) -> String {
    project.one("SELECT count(*) || ' ' || count(*) FILTER (WHERE _dlt_valid_to IS NULL) FROM t")
}

#[test]
fn rows_of_sqlite_that_did_not_change_are_not_retired() {
    for destination in ["{type: duckdb, credentials: out.duckdb}", "{type: sqlite, credentials: out.db}"] {
        let project = pipeline(destination, "sqlite:///s.db");
        sqlite(&project, "s.db", ROWS);
        project.run(0);
        project.run(0);
        assert_eq!(versions(&project), "2 2", "{destination}");
        sqlite(&project, "s.db", "UPDATE t SET price = 2.5 WHERE id = 1");
        project.run(0);
        assert_eq!(versions(&project), "3 2", "{destination}");
        sqlite(&project, "s.db", "DELETE FROM t WHERE id = 2");
        project.run(0);
        assert_eq!(versions(&project), "3 1", "{destination}");
    }
}

#[test]
fn rows_of_postgres_that_did_not_change_are_not_retired() {
    let Some(server) = Server::shared() else { return };
    let schema = format!("versions_{}", std::process::id());
    let psql = |sql: &str| {
        let done = std::process::Command::new("psql")
            .args([server.url.as_str(), "-qc", &format!("SET search_path = {schema}; {sql}")])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    psql(&format!(
        "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; SET search_path = {schema}; {ROWS}"
    ));
    let project = pipeline("{type: duckdb, credentials: out.duckdb}", &server.url);
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", text.replace("  tables:", &format!("  schema: {schema}\n  tables:")));
    project.run(0);
    project.run(0);
    assert_eq!(versions(&project), "2 2");
    psql("UPDATE t SET name = 'c' WHERE id = 2");
    project.run(0);
    assert_eq!(versions(&project), "3 2");
}

#[test]
fn rows_of_parquet_files_that_did_not_change_are_not_retired() {
    let project = Project::files("write_disposition: {disposition: merge, strategy: scd2}");
    let write = |price: &str| {
        let path = project.path("data/a.parquet").display().to_string();
        let sql = format!(
            "COPY (SELECT * FROM (VALUES (1, 'a', DATE '2024-01-01', 1.5::DECIMAL(10,2)), (2, 'b', NULL, {price})) AS \
             t(id, name, day, price)) TO '{path}' (FORMAT parquet)"
        );
        duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
    };
    write("2");
    project.run(0);
    project.run(0);
    assert_eq!(versions(&project), "2 2");
    write("3");
    project.run(0);
    assert_eq!(versions(&project), "3 2");
}
