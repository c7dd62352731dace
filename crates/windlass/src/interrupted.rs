//! Why a query of DuckDB broke off that nobody interrupted.

use duckdb::{Connection, Error};

/// The failure behind `cause`. Where several threads of DuckDB work, the failure of one interrupts the others, and a
/// stream may tell of nothing but the interrupt. A query that is not streamed tells the failure, so it is asked again.
///
/// Only for queries that this program has not interrupted itself.
pub(crate) fn failure_behind(connection: &Connection, sql: &str, cause: Error) -> Error {
    if !cause.to_string().contains("INTERRUPT Error") {
        return cause;
    }
    let again = connection.prepare(sql).and_then(|mut statement| statement.query_arrow([]).map(drop));
    // Rows that find no room are a failure of this second try alone.
    again.err().filter(|again| !again.to_string().contains("Out of Memory")).unwrap_or(cause)
}
