//! What a failure of the server or the connection means for the user.

use std::fmt;

use tokio_postgres::error::{DbError, SqlState};
use windlass_core::Error;

/// What the server said, without its details, which may hold values of rows.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// What a failure means, as a function of the cause for `map_err`. `what` continues "Postgres cannot".
pub(super) fn failed<'a>(
    what: &'a str,
    location: &'a str,
) -> impl Fn(tokio_postgres::Error) -> Error + Copy + 'a {
    move |cause| {
        let error = Error::source_failed(format!("Postgres cannot {what} {location}"));
        match cause.as_db_error() {
            Some(refusal) => refused(error, refusal),
            None => broken(error, what, cause),
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

fn broken(error: Error, what: &str, cause: tokio_postgres::Error) -> Error {
    let mut text = String::new();
    let mut io = None;
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&cause);
    while let Some(piece) = next {
        text.push_str(&piece.to_string());
        text.push('\n');
        io = io.or(piece.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
        next = piece.source();
    }
    let has = |piece: &str| text.contains(piece);
    let hint = if has("password missing") {
        "the server asks for a password; set source.credentials.password"
    } else if has("TLS") || has("certificate") || has("tls") {
        "check sslmode and sslrootcert: `disable` speaks no TLS, `require` verifies nothing, `verify-full` needs a \
         certificate that is signed for the host"
    } else if has("lookup address") {
        "no server has this name; check the host of source.credentials"
    } else if io == Some(std::io::ErrorKind::ConnectionRefused) || io == Some(std::io::ErrorKind::NotFound) {
        "no server listens there; check host and port of source.credentials, and that the server runs"
    } else if io == Some(std::io::ErrorKind::TimedOut) || has("timeout") || has("timed out") {
        "the server does not answer; check host and port, firewalls, and connect_timeout"
    } else if what == "open" {
        "check host and port of source.credentials"
    } else {
        "the connection was lost; run again"
    };
    let is_setting = has("password missing") || has("does not support TLS") || has("certificate");
    let error = if is_setting { error } else { error.retryable() };
    error.with_source(cause).with_hint(hint)
}
