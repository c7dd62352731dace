//! What a failure of the server or the connection means for the user.

use tokio_postgres::error::{DbError, SqlState};
use windlass_core::Error;

use crate::postgres::{Refusal, broken};
use crate::side::Side;

/// What a failure means, as a function of the cause for `map_err`. `what` continues "Postgres cannot".
pub(super) fn failed<'a>(
    what: &'a str,
    location: &'a str,
) -> impl Fn(tokio_postgres::Error) -> Error + Copy + 'a {
    move |cause| {
        let error = Error::source_failed(format!("Postgres cannot {what} {location}"));
        match cause.as_db_error() {
            Some(refusal) => refused(error, refusal),
            None => broken(error, Side::Source, what, cause),
        }
    }
}

fn refused(error: Error, refusal: &DbError) -> Error {
    let code = refusal.code();
    let class = code.code().get(..2).unwrap_or_default();
    let (is_retryable, hint) = if *code == SqlState::INVALID_PASSWORD || class == "28" {
        (false, "check username and password of source.credentials, and the server's pg_hba.conf")
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        (false, "check the name of the database in source.credentials")
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        (false, "the user needs USAGE on the schema and SELECT on the table")
    } else if *code == SqlState::QUERY_CANCELED {
        (
            false,
            "the server ended the query, by statement_timeout or by hand; raise it for this connection with \
             `?options=-c%20statement_timeout%3D0`, or read less at once with `limit` or a cursor",
        )
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        (
            true,
            "the server has no connection left; try later, use fewer `partitions`, or raise max_connections",
        )
    } else if *code == SqlState::UNDEFINED_TABLE {
        (false, "the table is gone; it was there when the run began, or `query` names one that is not there")
    } else if *code == SqlState::UNDEFINED_COLUMN {
        (
            false,
            "the column is gone; it was there when the run began, or `where`, `select` or `query` names another",
        )
    } else if *code == SqlState::T_R_SERIALIZATION_FAILURE || class == "40" {
        (true, "the server broke the read off in favour of another transaction; run again")
    } else if *code == SqlState::CHARACTER_NOT_IN_REPERTOIRE || *code == SqlState::UNTRANSLATABLE_CHARACTER {
        (
            false,
            "a text holds bytes that are none in the database's encoding; read the column as bytes with `select`, such as \
             {name: \"convert_to(name, 'SQL_ASCII')\"}, or leave it out with `excluded_columns`",
        )
    } else if class == "53" {
        (true, "the server is short of disk, memory or connections; run again when it has more")
    } else if class == "57" || class == "08" {
        (true, "the server ended the connection; run again")
    } else if class == "42" {
        (false, "check the SQL of `query`, `where`, `select` and `cast`")
    } else {
        (false, "the server refused the query; its words are above")
    };
    let error = error.with_source(Refusal(format!("{} (SQLSTATE {})", refusal.message(), code.code())));
    let error = if is_retryable { error.retryable() } else { error };
    error.with_hint(hint)
}
