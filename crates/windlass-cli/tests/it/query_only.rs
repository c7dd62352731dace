//! `windlass query` and `windlass preview` only read, at every destination.

use std::process::Command;

use crate::project::{Done, Project};
use crate::server::Server;

/// A project whose table `u` holds the rows 1 and 2, and a file that is none of its business.
fn loaded(destination: &str) -> Project {
    let project = Project::with(destination, "table_name: u");
    project.write("data/a.jsonl", "{\"id\":1}\n{\"id\":2}\n").write("other.txt", "secret words");
    project.run(0);
    project
}

fn ask(project: &Project, sql: &str) -> Done {
    project.windlass(&["query", "p.yaml", sql, "--format", "csv"])
}

/// Every one of these fails, and nothing has changed after it.
#[track_caller]
fn refused(project: &Project, statements: &[&str]) {
    for sql in statements {
        let done = ask(project, sql);
        assert_eq!(done.code, 1, "{sql}: {}{}", done.stdout, done.stderr);
        assert!(!done.stdout.contains("secret words"), "{sql}: {}", done.stdout);
        assert_eq!(project.query("SELECT id FROM u ORDER BY id"), ["1", "2"], "{sql}");
        assert!(!project.path("stolen").exists(), "{sql}");
    }
}

/// What writes in every dialect.
const WRITES: [&str; 12] = [
    "delete from u",
    "DROP TABLE u",
    "UPDATE u SET id = 7",
    "INSERT INTO u (id) VALUES (3)",
    "ALTER TABLE u ADD COLUMN x INT",
    "CREATE TABLE v (a INT)",
    "CREATE VIEW v AS SELECT 1 AS a",
    "/* SELECT */ DELETE FROM u",
    "SELECT 1; DELETE FROM u",
    "COMMIT; DELETE FROM u",
    "ROLLBACK",
    "BEGIN",
];

#[test]
fn sqlite_is_not_written_to() {
    let project = loaded("{type: sqlite, credentials: out.db}");
    refused(&project, &WRITES);
    refused(
        &project,
        &[
            "WITH x AS (SELECT 1) DELETE FROM u",
            "DELETE FROM u RETURNING id",
            "PRAGMA query_only = OFF; DELETE FROM u",
            "PRAGMA user_version = 7",
            "VACUUM INTO 'stolen'",
            "VACUUM",
            "ATTACH 'stolen' AS s",
            "DETACH d",
            "REINDEX",
        ],
    );
    assert_eq!(project.query("PRAGMA user_version"), ["0"]);
    assert_eq!(project.query("EXPLAIN QUERY PLAN SELECT 1").len(), 1);
    assert_eq!(project.query("WITH x AS (SELECT 1 AS a) SELECT a FROM x; -- all"), ["1"]);
    assert!(ask(&project, "delete from u").hint().contains("sql_client"));
}

#[test]
fn a_journal_that_a_crash_left_does_not_keep_sqlite_from_being_read() {
    let project = loaded("{type: sqlite, credentials: out.db}");
    project.write("out__d.db-journal", "");
    assert_eq!(project.query("SELECT count(*) FROM u"), ["2"]);
}

#[test]
fn duckdb_is_not_written_to_and_reads_no_other_file() {
    let project = loaded("{type: duckdb, credentials: out.duckdb}");
    refused(&project, &WRITES);
    refused(&project, &OF_DUCKDB);
    assert_eq!(project.query("PRAGMA table_info('u')").len(), 3);
    assert!(!project.query("EXPLAIN SELECT 1").is_empty());
    assert!(ask(&project, "delete from u").hint().contains("sql_client"));
}

/// What DuckDB can do to the file system and to itself.
const OF_DUCKDB: [&str; 24] = [
    "COPY u TO 'stolen'",
    "COPY (SELECT 1) TO 'stolen' (FORMAT csv)",
    "EXPLAIN ANALYZE DELETE FROM u",
    "EXPLAIN ANALYZE COPY u TO 'stolen'",
    "EXPORT DATABASE 'stolen'",
    "ATTACH 'stolen'",
    "ATTACH 'other.txt' AS o",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "SET threads = 1",
    "PRAGMA enable_profiling",
    "PRAGMA profiling_output = 'stolen'",
    "CALL enable_logging(storage = 'file', storage_path = 'stolen')",
    "SELECT * FROM enable_logging(storage = 'file', storage_path = 'stolen')",
    "SELECT * FROM read_text('other.txt')",
    "SELECT * FROM read_blob('other.txt')",
    "SELECT * FROM read_csv('other.txt', header = false)",
    "SELECT * FROM 'other.txt'",
    "SELECT * FROM glob('*')",
    "SELECT (SELECT content FROM read_text('other.txt'))",
    "FROM query('SELECT content FROM read_text(''other.txt'')')",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM enable_logging()'))",
];

#[test]
fn a_folder_is_not_written_to_and_reads_only_its_own_files() {
    for format in ["jsonl", "parquet", "csv"] {
        let project =
            loaded(&format!("{{type: filesystem, bucket_url: ./out, loader_file_format: {format}}}"));
        refused(&project, &OF_DUCKDB);
        let done = ask(&project, "DROP VIEW u");
        assert_eq!((done.code, project.query("SELECT count(*) FROM u")), (1, vec!["2".to_owned()]));
        let rows = project.windlass(&["preview", "p.yaml", "u", "--format", "csv"]);
        assert_eq!(rows.stdout.lines().count(), 3, "{}", rows.stderr);
    }
}

/// A database of its own.
struct Database {
    server: Server,
    name: String,
}

impl Database {
    fn new(name: &str) -> Option<Self> {
        let server = Server::shared()?;
        let name = format!("query_{name}_{}", std::process::id());
        let database = Self { server, name };
        database.administer(&format!("DROP DATABASE IF EXISTS {}", database.name));
        database.administer(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    fn url(&self) -> String {
        self.server.url.replace("/postgres", &format!("/{}", self.name))
    }

    fn administer(&self, sql: &str) {
        psql(&self.server.url, sql);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

pub(crate) fn psql(url: &str, sql: &str) -> String {
    let output =
        Command::new("psql").args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).output().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn postgres_is_not_written_to_not_even_by_functions() {
    let Some(database) = Database::new("writes") else { return };
    let project = loaded(&format!("{{type: postgres, credentials: \"{}\"}}", database.url()));
    psql(
        &database.url(),
        "CREATE FUNCTION d.wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM d.u; SELECT 1'; \
         CREATE FUNCTION d.freed() RETURNS int LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM set_config('transaction_read_only', 'off', false); DELETE FROM d.u; RETURN 1; END $$; \
         CREATE PROCEDURE d.left_it(INOUT x int) LANGUAGE plpgsql AS \
         $$ BEGIN COMMIT; DELETE FROM d.u; END $$; \
         CREATE SEQUENCE d.numbers",
    );
    refused(&project, &WRITES);
    refused(
        &project,
        &[
            "SELECT d.wipe()",
            "SELECT d.freed()",
            "CALL d.left_it(1)",
            "SELECT nextval('d.numbers')",
            "WITH x AS (DELETE FROM u RETURNING id) SELECT * FROM x",
            "DELETE FROM u RETURNING id",
            "EXPLAIN ANALYZE DELETE FROM u",
            "SELECT * INTO v FROM u",
            "SELECT * FROM u FOR UPDATE",
            "DO $$ BEGIN DELETE FROM u; END $$",
            "DO $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM u; END $$",
            "SET TRANSACTION READ WRITE; DELETE FROM u",
            "SET TRANSACTION READ WRITE",
            "SET default_transaction_read_only = off",
            "COMMIT",
            "TRUNCATE u",
            "COPY u TO '/tmp/windlass-stolen'",
            "COPY u TO PROGRAM 'cat'",
            "COPY (SELECT 1) TO STDOUT",
            "PREPARE x AS DELETE FROM u",
            "LOCK TABLE u",
            "NOTIFY x",
            "CREATE DATABASE stolen",
        ],
    );
    assert_eq!(project.query("SHOW transaction_read_only"), ["on"]);
    assert!(!project.query("EXPLAIN SELECT 1").is_empty());
    assert_eq!(project.query("SELECT numeric '1.50' AS n"), ["1.5"]);
    assert!(ask(&project, "SELECT d.wipe()").hint().contains("sql_client"));
    // What was read is not in the way of the next load.
    project.write("data/b.jsonl", "{\"id\":3,\"more\":true}\n");
    project.run(0);
}

#[test]
fn a_query_that_is_wrong_says_where_the_tables_are_told() {
    let Some(database) = Database::new("wrong") else { return };
    let places = [
        format!("{{type: postgres, credentials: \"{}\"}}", database.url()),
        "{type: sqlite, credentials: out.db}".to_owned(),
        "{type: duckdb, credentials: out.duckdb}".to_owned(),
        "{type: filesystem, bucket_url: ./out}".to_owned(),
    ];
    for place in places {
        let project = loaded(&place);
        for sql in ["SELEC 1", "SELECT id FROM", "SELECT nope FROM u", "SELECT * FROM nope"] {
            let done = ask(&project, sql);
            assert_eq!(done.code, 1, "{place}: {sql}");
            assert!(!done.stderr.contains("not as windlass made it"), "{place}: {sql}: {}", done.stderr);
            assert!(done.hint().contains("windlass pipeline schema"), "{place}: {sql}: {}", done.stderr);
        }
    }
}

#[test]
fn who_holds_a_lock_that_a_load_waits_for_is_told() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;

    let Some(database) = Database::new("waits") else { return };
    let project = loaded(&format!("{{type: postgres, credentials: \"{}\"}}", database.url()));
    let mut holder = Command::new("psql")
        .args(["-XAtq", &database.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut words = holder.stdin.take().unwrap();
    writeln!(words, "BEGIN; LOCK TABLE d.u; SELECT pg_backend_pid();").unwrap();
    let mut pid = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    project.write("data/b.jsonl", "{\"id\":3,\"more\":true}\n");
    let mut run =
        project.command(&["run", "p.yaml"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut told = String::new();
    let mut stderr = BufReader::new(run.stderr.take().unwrap());
    while !told.contains("waiting for pid") {
        let mut line = String::new();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "the run ended without a word: {told}");
        told.push_str(&line);
    }
    assert!(told.contains(&format!("waiting for pid {} (", pid.trim())), "{told}");
    assert!(told.contains(") since 20"), "{told}");
    drop(words);
    assert!(holder.wait().unwrap().success());
    assert!(run.wait().unwrap().success());
    assert_eq!(project.query("SELECT count(*) FROM u"), ["5"]);
}
