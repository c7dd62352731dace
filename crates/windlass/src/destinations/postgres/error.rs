//! What a failure of the server or the connection means for the user.

use tokio_postgres::error::{DbError, SqlState};
use windlass_core::{Error, Result};

use crate::postgres::{Refusal, broken};
use crate::side::Side;

/// What a failure means. `what` continues "Postgres cannot".
pub(super) fn database_error(what: &str, location: &str, cause: tokio_postgres::Error) -> Error {
    let error = Error::destination(format!("Postgres cannot {what} {location}"));
    match cause.as_db_error() {
        Some(refusal) => refused(error, what, refusal),
        None => broken(error, Side::Destination, what, cause),
    }
}

/// The same as a function of the cause, for `map_err`.
pub(super) fn failed<'a>(
    what: &'a str,
    location: &'a str,
) -> impl Fn(tokio_postgres::Error) -> Error + Copy + 'a {
    move |cause| database_error(what, location, cause)
}

/// Whether the outcome of what was sent is unknown: the server did not answer.
pub(super) fn is_unanswered(cause: &tokio_postgres::Error) -> bool {
    match cause.as_db_error() {
        // The server ends the session; a commit that it was told of before may have taken effect.
        Some(refusal) => ["57P01", "57P02", "57P03"].contains(&refusal.code().code()),
        None => true,
    }
}

/// Whether the server was given several statements where it takes one.
pub(super) fn is_several(cause: &tokio_postgres::Error) -> bool {
    let refusal = cause.as_db_error();
    refusal.is_some_and(|refusal| {
        *refusal.code() == SqlState::SYNTAX_ERROR && refusal.message().contains("multiple commands")
    })
}

fn refused(error: Error, what: &str, refusal: &DbError) -> Error {
    let code = refusal.code();
    let mut text = format!("{} (SQLSTATE {})", refusal.message(), code.code());
    if let Some(place) = refusal.where_().filter(|place| place.starts_with("COPY ")) {
        // `COPY t, line 3, column a: "value"`: the value stays here.
        let place = place.split(": \"").next().unwrap_or(place);
        text = format!("{text}, {place}");
    }
    let mut error = error;
    if let Some(table) = refusal.table() {
        error = error.at_table(table);
    }
    if let Some(column) = refusal.column() {
        error = error.at_column(column);
    }
    let class = code.code().get(..2).unwrap_or_default();
    let (is_retryable, hint) = if *code == SqlState::INVALID_PASSWORD || class == "28" {
        (false, Some("check username and password of destination.credentials, and the server's pg_hba.conf"))
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        (false, Some("create the database first, or name another one in destination.credentials"))
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        (
            false,
            Some(
                "the user needs CREATE on the database for new datasets, CREATE and USAGE on the schema for new tables, and \
                 must own the tables that grow or are replaced",
            ),
        )
    } else if *code == SqlState::UNIQUE_VIOLATION && refusal.schema() == Some("pg_catalog")
        || *code == SqlState::DUPLICATE_TABLE
        || *code == SqlState::DUPLICATE_SCHEMA
        || *code == SqlState::DUPLICATE_COLUMN
    {
        (true, Some("another program created the same table at the same time; run again"))
    } else if *code == SqlState::UNIQUE_VIOLATION {
        (
            false,
            Some(
                "rows with the same row id, or with equal values of a column with the hint unique, were loaded before",
            ),
        )
    } else if class == "40" || *code == SqlState::LOCK_NOT_AVAILABLE {
        (true, Some("another program was in the way and the load was rolled back; run again"))
    } else if class == "53" {
        (true, Some("the server is short of disk, memory or connections; run again when it has more"))
    } else if class == "57" || class == "08" {
        (true, Some("the server ended the connection; the load was rolled back, nothing is lost; run again"))
    } else if *code == SqlState::STRING_DATA_RIGHT_TRUNCATION || *code == SqlState::NUMERIC_VALUE_OUT_OF_RANGE
    {
        (
            false,
            Some(
                "the column is too narrow for the value; widen it with ALTER TABLE, or give the column a larger precision \
                 before the table is created",
            ),
        )
    } else if *code == SqlState::DEPENDENT_OBJECTS_STILL_EXIST {
        (
            false,
            Some(
                "a view or another object uses the table, which `staging-optimized` and refresh drop; drop that object, or set \
                 replace_strategy to insert-from-staging",
            ),
        )
    } else if *code == SqlState::SYNTAX_ERROR && refusal.message().contains("multiple commands") {
        (false, Some("give one statement at a time"))
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION && what == "query" {
        (
            false,
            Some(
                "a query only reads; to change data, use a client of the database, or Python's `pipeline.sql_client()`",
            ),
        )
    } else if what == "query" && class == "42" {
        (false, Some("`windlass pipeline schema NAME` shows the tables and columns"))
    } else if what == "query" {
        (false, None)
    } else if *code == SqlState::SYNTAX_ERROR {
        (
            false,
            Some(
                "a condition of a resource (`source_filter`, `destination_scope`) is no SQL that Postgres understands",
            ),
        )
    } else if class == "42" || *code == SqlState::NOT_NULL_VIOLATION || *code == SqlState::CHECK_VIOLATION {
        (
            false,
            Some("the table is not as windlass made it; `windlass pipeline schema NAME` shows the schema"),
        )
    } else {
        (false, None)
    };
    let error = error.with_source(Refusal(text));
    let error = if is_retryable { error.retryable() } else { error };
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The error for a column whose values the destination's column cannot take.
pub(super) fn column_changed(table: &str, column: &str, wants: &str, has: &str) -> Error {
    Error::destination(format!("the column holds {has} at the destination, but the rows have {wants}"))
        .at_table(table)
        .at_column(column)
        .with_hint(
            "somebody changed the column; change it back with ALTER TABLE, or load into another dataset",
        )
}

/// Unwraps what must be there after a migration. Errors: it was removed by hand while the load went on.
pub(super) fn present<T>(found: Option<T>, table: &str, column: &str) -> Result<T> {
    found.ok_or_else(|| {
        Error::destination("the table at the destination has lost a column")
            .at_table(table)
            .at_column(column)
            .with_hint("somebody removed it while the load went on; run again, it will be added")
    })
}
