//! What keeps a query of DuckDB from writing, and from files that are not its own.

use std::path::PathBuf;

use ::duckdb::Connection;
use serde_json::Value;
use windlass_core::sql::DUCKDB;
use windlass_core::{Error, Result};

use super::connection::database_error;

/// Pragmas that only tell something.
const TELLING_PRAGMAS: [&str; 10] = [
    "collations",
    "database_list",
    "database_size",
    "functions",
    "platform",
    "show_tables",
    "show_tables_expanded",
    "storage_info",
    "table_info",
    "version",
];

/// What the names of functions that open files begin with, in a database that cannot be closed to them.
const OPENING_FUNCTIONS: [&str; 5] = ["glob", "read_", "sniff_csv", "parquet_", "query_table"];

/// Functions that do something, although a query can call them; `query` and its like run SQL that is a text.
const DOING_FUNCTIONS: [&str; 11] = [
    "checkpoint",
    "disable_logging",
    "disable_profiling",
    "enable_logging",
    "enable_profiling",
    "force_checkpoint",
    "json_execute_serialized_sql",
    "nextval",
    "query",
    "truncate_duckdb_logs",
    "write_log",
];

/// What a statement is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Purpose {
    /// It gives rows, or says how it would.
    Read,
    /// Anything else.
    Other,
    /// DuckDB cannot read it, and says why.
    Unreadable(String),
}

/// What the statements are for, as DuckDB's own parser reads them. Errors: the parser cannot be asked.
pub(super) fn purpose(connection: &Connection, sql: &str, location: &str) -> Result<Purpose> {
    let statement = explained(sql).unwrap_or(sql);
    if is_telling_pragma(statement) {
        return Ok(Purpose::Read);
    }
    let tree = parsed(connection, statement, location)?;
    let text = |key: &str| tree.get(key).and_then(Value::as_str);
    if matches!(text("error_type"), Some("parser" | "syntax")) {
        return Ok(Purpose::Unreadable(text("error_message").unwrap_or_default().to_owned()));
    }
    let is_select = tree.get("error") == Some(&Value::Bool(false));
    let does =
        called(&tree, &|name| DOING_FUNCTIONS.iter().any(|function| name.eq_ignore_ascii_case(function)));
    Ok(if is_select && does.is_none() { Purpose::Read } else { Purpose::Other })
}

/// Errors: a statement that does more than read.
pub(in crate::destinations) fn check(connection: &Connection, sql: &str, location: &str) -> Result<()> {
    match purpose(connection, sql, location)? {
        Purpose::Read => Ok(()),
        Purpose::Other => Err(only_reads(location)),
        // It is not executed: what this parser cannot read, another might.
        Purpose::Unreadable(why) => Err(Error::destination(format!("DuckDB cannot query {location}: {why}"))
            .with_hint("`windlass pipeline schema NAME` shows the tables and columns")),
    }
}

/// Errors: a statement that does more than read this database, which is open to the file system.
pub(super) fn check_in_memory(connection: &Connection, sql: &str) -> Result<()> {
    check(connection, sql, ":memory:")?;
    let tree = parsed(connection, explained(sql).unwrap_or(sql), ":memory:")?;
    let opens = |name: &str| {
        let name = name.to_lowercase();
        OPENING_FUNCTIONS.iter().any(|function| name.starts_with(function)) || name.ends_with("_scan")
    };
    match called(&tree, &opens).or_else(|| file(&tree)) {
        Some(name) => Err(Error::destination(format!("a query cannot use `{name}` in :memory:"))
            .with_hint("a query reads the tables of its dataset only")),
        None => Ok(()),
    }
}

/// Closes a database to everything but what is attached and these files: from now on nothing else is opened, and no
/// setting is changed.
pub(in crate::destinations) fn close_to_others(
    connection: &Connection,
    files: &[PathBuf],
    location: &str,
) -> Result<()> {
    let literal = |file: &PathBuf| DUCKDB.literal(&file.display().to_string());
    let files: Vec<String> = files.iter().map(literal).collect();
    let sql = format!(
        "SET allowed_paths = [{}]; SET enable_external_access = false; SET lock_configuration = true",
        files.join(", ")
    );
    connection.execute_batch(&sql).map_err(|cause| database_error("set up", location, cause))
}

fn only_reads(location: &str) -> Error {
    Error::destination(format!("a query only reads, and this statement does more, at {location}")).with_hint(
        "use SELECT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN; to change data, use a client of the database, or Python's \
         `pipeline.sql_client()`",
    )
}

/// The statement behind `EXPLAIN` or `EXPLAIN ANALYZE`.
fn explained(sql: &str) -> Option<&str> {
    let rest = without_word(sql, "explain")?;
    Some(without_word(rest, "analyze").unwrap_or(rest))
}

fn without_word<'a>(sql: &'a str, word: &str) -> Option<&'a str> {
    let sql = sql.trim_start();
    let (start, rest) = (sql.get(..word.len())?, sql.get(word.len()..)?);
    (start.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace)).then_some(rest)
}

/// Whether this is one pragma, and one that changes nothing.
fn is_telling_pragma(sql: &str) -> bool {
    let Some(rest) = without_word(sql, "pragma") else { return false };
    let rest = rest.trim().trim_end_matches(';').trim_end();
    let name = rest.split('(').next().unwrap_or(rest).trim().to_lowercase();
    TELLING_PRAGMAS.contains(&name.as_str()) && !rest.contains([';', '='])
}

/// The syntax tree of statements that only read, or why there is none.
fn parsed(connection: &Connection, sql: &str, location: &str) -> Result<Value> {
    let failed = |cause| database_error("query", location, cause);
    let mut statement =
        connection.prepare("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR").map_err(failed)?;
    let text: String = statement.query_row([sql], |row| row.get(0)).map_err(failed)?;
    serde_json::from_str(&text)
        .map_err(|cause| Error::internal("DuckDB's syntax tree is no JSON").with_source(cause))
}

/// The first function of the tree whose name is meant.
fn called<'a>(tree: &'a Value, is_meant: &dyn Fn(&str) -> bool) -> Option<&'a str> {
    match tree {
        Value::Array(items) => items.iter().find_map(|item| called(item, is_meant)),
        Value::Object(map) => {
            let name = map.get("function_name").and_then(Value::as_str);
            let below = || map.values().find_map(|value| called(value, is_meant));
            name.filter(|name| is_meant(name)).or_else(below)
        }
        _ => None,
    }
}

/// The first table of the tree that is a file: its name is a path.
fn file(tree: &Value) -> Option<&str> {
    match tree {
        Value::Array(items) => items.iter().find_map(file),
        Value::Object(map) => {
            let name = map.get("table_name").and_then(Value::as_str);
            let is_path = |name: &&str| name.contains(['/', '\\', '*', '.']);
            name.filter(is_path).or_else(|| map.values().find_map(file))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose_of(sql: &str) -> Purpose {
        purpose(&Connection::open_in_memory().unwrap(), sql, "x").unwrap()
    }

    #[test]
    fn what_gives_rows_reads() {
        for sql in [
            "SELECT 1",
            "FROM range(3)",
            "VALUES (1)",
            "TABLE t",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "SHOW TABLES",
            "DESCRIBE t",
            "SUMMARIZE t",
            "explain select 1",
            "EXPLAIN ANALYZE SELECT 1",
            "PRAGMA table_info('t')",
            "pragma version;",
            "SELECT 1; SELECT 2",
            "SELECT '; COPY t TO x'",
        ] {
            assert_eq!(purpose_of(sql), Purpose::Read, "{sql}");
        }
    }

    #[test]
    fn everything_else_does_not() {
        for sql in [
            "DELETE FROM t",
            "/* SELECT */ DELETE FROM t",
            "SELECT 1; DELETE FROM t",
            "SELECT 1; COMMIT; DROP TABLE t",
            "COPY t TO 'x'",
            "COPY (SELECT 1) TO 'x' (FORMAT parquet)",
            "EXPLAIN ANALYZE DELETE FROM t",
            "EXPLAIN SELECT 1; DELETE FROM t",
            "ATTACH 'x'",
            "DETACH x",
            "EXPORT DATABASE 'x'",
            "IMPORT DATABASE 'x'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET threads = 1",
            "RESET threads",
            "PRAGMA threads = 1",
            "PRAGMA enable_profiling",
            "PRAGMA table_info('t'); DELETE FROM t",
            "CALL enable_logging()",
            "SELECT * FROM enable_logging()",
            "SELECT nextval('s')",
            "FROM query('DELETE FROM t')",
            "CHECKPOINT",
            "VACUUM",
            "CREATE TABLE t (a INT)",
            "CREATE OR REPLACE SECRET s (TYPE s3)",
            "PREPARE x AS DELETE FROM t",
            "BEGIN",
            "COMMIT",
            "USE memory",
        ] {
            assert_eq!(purpose_of(sql), Purpose::Other, "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_executed() {
        for sql in [
            "SELEC 1",
            "SELECT",
            "EXPLAIN (ANALYZE, FORMAT json) DELETE FROM t",
            "WITH a AS (DELETE FROM t) FROM a",
        ] {
            assert!(matches!(purpose_of(sql), Purpose::Unreadable(_)), "{sql}");
        }
    }

    #[test]
    fn a_closed_database_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (folder.path().join("own.csv"), folder.path().join("other.csv"));
        [&own, &other].into_iter().for_each(|file| std::fs::write(file, "a\n1\n").unwrap());
        let connection = Connection::open_in_memory().unwrap();
        close_to_others(&connection, std::slice::from_ref(&own), "x").unwrap();
        let count = |sql: String| connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
        let read = |file: &PathBuf| count(format!("SELECT count(*) FROM read_csv('{}')", file.display()));
        assert_eq!(read(&own).unwrap(), 1);
        assert!(read(&other).unwrap_err().to_string().contains("disabled by configuration"));
        for sql in [
            format!("SELECT count(*) FROM '{}'", other.display()),
            format!("SELECT count(*) FROM read_text('{}')", other.display()),
            format!("SELECT count(*) FROM glob('{}/*')", folder.path().display()),
            "SELECT count(*) FROM read_text('/etc/passwd')".to_owned(),
        ] {
            assert!(count(sql.clone()).is_err(), "{sql}");
        }
        assert!(connection.execute_batch("SET enable_external_access = true").is_err());
        assert!(connection.execute_batch("SET threads = 1").is_err());
    }

    #[test]
    fn a_database_in_memory_opens_nothing_for_a_query() {
        let connection = Connection::open_in_memory().unwrap();
        for sql in [
            "SELECT * FROM read_text('/etc/passwd')",
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM 'a.csv'",
            "SELECT (SELECT count(*) FROM GLOB('*'))",
            "EXPLAIN ANALYZE SELECT * FROM parquet_scan('x')",
        ] {
            assert!(check_in_memory(&connection, sql).is_err(), "{sql}");
        }
        for sql in ["SELECT 1 AS read_me", "FROM t", "SELECT t.a FROM d.t AS t", "SELECT 'a.csv'"] {
            check_in_memory(&connection, sql).unwrap();
        }
    }
}
