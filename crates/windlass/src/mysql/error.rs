//! What a failure of the server or the connection means for the user.

use mysql_async::{DriverError, Error as ClientError, IoError, ServerError};
use windlass_core::{Error, Result};

use crate::said::Said;
use crate::side::Side;

/// What helps where the server would have to change a value to store it.
pub(crate) const TOO_NARROW: &str = "the column is too narrow for the value, or of another type; widen it with ALTER TABLE, or give \
     the column a larger precision before the table is created. Dates are those of the years 1 to 9999";

/// What a failure means, as a function of the cause for `map_err`. `what` continues "MySQL cannot".
pub(crate) fn failed<'a>(
    side: Side,
    what: &'a str,
    location: &'a str,
) -> impl Fn(ClientError) -> Error + Copy + 'a {
    move |cause| {
        let error = at_side(side, format!("MySQL cannot {what} {location}"));
        match cause {
            ClientError::Server(refusal) => refused(error, side, what, refusal),
            cause => broken(error, what, cause),
        }
    }
}

fn at_side(side: Side, message: String) -> Error {
    match side {
        Side::Source => Error::source_failed(message),
        Side::Destination => Error::destination(message),
    }
}

/// The server did not answer in time.
pub(crate) fn no_answer(side: Side, what: &str, location: &str) -> Error {
    at_side(side, format!("MySQL cannot {what} {location}: no answer in time"))
        .with_hint("check host and port, firewalls, and the parameters connect_timeout and read_timeout of the address")
        .retryable()
}

/// The number of the error that the server gave, if it gave one.
pub(crate) fn server_code(cause: &ClientError) -> Option<u16> {
    match cause {
        ClientError::Server(refusal) => Some(refusal.code),
        _ => None,
    }
}

/// Whether the outcome of what was sent is unknown: the server did not answer, or ended the connection.
pub(crate) fn is_unanswered(cause: &ClientError) -> bool {
    server_code(cause).is_none_or(|code| [1053, 1077, 1079, 1080, 1317, 1927].contains(&code))
}

/// The rows have another form than the catalogue promised.
pub(crate) fn changed(column: &str, has: &str, wants: &str) -> Error {
    Error::source_failed(format!("the column gives {has}, but {wants} were expected"))
        .at_column(column)
        .with_hint("the table was changed while it was read; run again")
        .retryable()
}

fn refused(error: Error, side: Side, what: &str, refusal: ServerError) -> Error {
    let ServerError { code, message, state } = refusal;
    let written = if side == Side::Destination { meaning_of_write(code, what) } else { None };
    let (is_retryable, hint) = written.unwrap_or_else(|| meaning(code, &state));
    let error = error.with_source(Said(format!("{message} (error {code}, SQLSTATE {state})")));
    let error = if is_retryable { error.retryable() } else { error };
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The same for what only a destination meets, or meets in another way.
fn meaning_of_write(code: u16, what: &str) -> Option<(bool, Option<&'static str>)> {
    let hint = match code {
        1044 | 1142 | 1143 | 1227 | 1370 => {
            "the user needs CREATE, ALTER, DROP, INDEX, CREATE TEMPORARY TABLES, SELECT, INSERT, UPDATE and DELETE on the \
             dataset and on its staging dataset (GRANT ... ON `dataset`.*)"
        }
        1062 => {
            "rows with the same row id, or with equal values of a column with the hint unique, were loaded before"
        }
        1118 => {
            "a row of MySQL has 65,535 bytes without its long texts: give fewer columns a length (precision), so that they \
             become LONGTEXT, or split the resource"
        }
        1117 => {
            "a table of InnoDB has 1,017 columns at most; leave columns out, or set a lower max_table_nesting"
        }
        1153 | 1301 => "a value or a statement is longer than max_allowed_packet of the server; raise it",
        1264 | 1265 | 1292 | 1366 | 1406 | 3140 | 4025 => TOO_NARROW,
        1048 | 1364 | 1054 if what != "query" => {
            "the table is not as windlass made it; `windlass pipeline schema NAME` shows the schema"
        }
        1792 if what == "query" => {
            "a query only reads; to change data, use a client of the database, or Python's `pipeline.sql_client()`"
        }
        1054 | 1064 | 1146 if what == "query" => {
            "`windlass pipeline schema NAME` shows the tables and columns"
        }
        1064 => {
            "a condition of a resource (`source_filter`, `destination_scope`) is no SQL that MySQL understands"
        }
        1205 | 1213 | 1020 => {
            return Some((
                true,
                Some("another program was in the way and the load was rolled back; run again"),
            ));
        }
        1317 | 1053 | 1927 | 1077 | 1079 | 1080 => {
            return Some((
                true,
                Some("the server ended the connection; the load was rolled back, nothing is lost; run again"),
            ));
        }
        _ => return None,
    };
    Some((false, Some(hint)))
}

/// Whether trying again may help, and what the user can do.
fn meaning(code: u16, state: &str) -> (bool, Option<&'static str>) {
    match code {
        1045 | 1698 => (
            false,
            Some(
                "check user and password of the credentials, and from where the server lets this user connect",
            ),
        ),
        1044 | 1049 => (
            false,
            Some(
                "check the database of the credentials: it must exist, and the user needs rights on it (GRANT SELECT)",
            ),
        ),
        1130 => (
            false,
            Some(
                "the server lets nobody connect from this machine; allow it with CREATE USER ...@'this host'",
            ),
        ),
        1040 | 1203 | 1226 => (
            true,
            Some(
                "the server has no connection left; raise max_connections or max_user_connections, or read fewer tables at a time",
            ),
        ),
        1142 | 1143 | 1227 | 1370 => {
            (false, Some("the user needs the right SELECT on the tables and columns that are read"))
        }
        1146 | 1109 => (
            false,
            Some("check the names of the tables and of the schema; a table may have been dropped meanwhile"),
        ),
        1054 => (
            false,
            Some("check the names of the columns; a column may have been dropped or renamed meanwhile"),
        ),
        1064 | 1149 => (false, Some("check the SQL of `query`, `where`, `select` and `cast`")),
        1356 => (false, Some("the view refers to what is no longer there; repair or leave it out")),
        3024 | 1969 => (
            true,
            Some(
                "the server ends statements after max_execution_time (MariaDB: max_statement_time); raise it for this user, \
                  or read less at a time with chunk_size and limit, or in parallel pieces",
            ),
        ),
        1317 | 1053 | 1927 | 1077 | 1079 | 1080 => {
            (true, Some("the query or the connection was ended at the server; nothing is lost; run again"))
        }
        1205 | 1213 | 1412 | 1615 | 1020 => (true, Some("another program was in the way; run again")),
        1820 | 1862 => (false, Some("the password of the user has expired; set a new one with ALTER USER")),
        3159 => (false, Some("the server wants TLS; add ssl_ca=FILE or ssl=true to the address")),
        1251 | 2059 | 1524 | 1275 => {
            (false, Some("the server asks for a way to authenticate that it or windlass does not have"))
        }
        1153 | 1301 => (false, Some("a value is longer than max_allowed_packet of the server; raise it")),
        1041 | 1037 | 1038 | 1021 | 3 => {
            (true, Some("the server is short of memory or disk; run again when it has more"))
        }
        _ if state.starts_with("08") => (true, Some("the connection was lost; nothing is lost; run again")),
        _ => (false, None),
    }
}

fn broken(error: Error, what: &str, cause: ClientError) -> Error {
    let (is_retryable, hint) = match &cause {
        // The handshake hides what was wrong with it in an error of the stream.
        ClientError::Io(cause) if is_of_tls(cause) => (
            false,
            "check the parameters of TLS: with ssl_ca the certificate must be signed by it and be the host's; \
             connect by a name that it has, or leave verification out by ssl_verify_cert=false",
        ),
        ClientError::Io(IoError::Io(cause)) => of_io(cause, what),
        ClientError::Driver(DriverError::NoClientSslFlagFromServer) => (
            false,
            "the server speaks no TLS; leave out the parameters that begin with ssl, or set it up at the server",
        ),
        ClientError::Driver(DriverError::ConnectionClosed | DriverError::PacketOutOfOrder) => {
            (true, "the connection was lost; nothing is lost; run again")
        }
        ClientError::Driver(
            DriverError::UnknownAuthPlugin { .. }
            | DriverError::CleartextPluginDisabled
            | DriverError::MysqlOldPasswordDisabled,
        ) => (
            false,
            "the server asks for a way to authenticate that windlass does not have; give the user another plugin, such as caching_sha2_password",
        ),
        ClientError::Driver(DriverError::NoKeyFound) => {
            (false, "ssl_key names a file without a key in PEM form")
        }
        _ => (false, "check the address of the server, and that it is MySQL or MariaDB"),
    };
    let error = if is_retryable { error.retryable() } else { error };
    error.with_source(cause).with_hint(hint)
}

fn is_of_tls(cause: &IoError) -> bool {
    match cause {
        IoError::Tls(_) => true,
        IoError::Io(cause) => {
            cause.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        }
    }
}

fn of_io(cause: &std::io::Error, what: &str) -> (bool, &'static str) {
    use std::io::ErrorKind;
    match cause.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::NotFound => {
            (true, "no server listens there; check host, port and unix_socket, and that the server runs")
        }
        ErrorKind::PermissionDenied => (false, "windlass may not use the socket; check its rights"),
        ErrorKind::TimedOut => (true, "the server does not answer; check host and port, and firewalls"),
        _ if cause.to_string().contains("lookup address") => {
            (false, "no server has this name; check the host of the credentials")
        }
        _ if what == "open" => {
            (true, "check host and port of the credentials, and that a MySQL or MariaDB server listens there")
        }
        _ => (true, "the connection was lost; nothing is lost; run again"),
    }
}

/// Unwraps a column that every answer of the catalogue has. Errors: it is missing, which would be a bug.
pub(crate) fn present<T>(value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::internal("the catalogue of MySQL left out a column"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let error = |code, state: &str| {
            let cause = ServerError { code, message: "no".to_owned(), state: state.to_owned() };
            failed(Side::Source, "read from", "mysql://h")(ClientError::Server(cause))
        };
        for (code, retryable, hint) in [
            (1045, false, "password"),
            (1049, false, "database"),
            (1040, true, "max_connections"),
            (1317, true, "run again"),
            (1969, true, "max_statement_time"),
            (1146, false, "dropped"),
            (1054, false, "columns"),
        ] {
            let error = error(code, "HY000");
            assert_eq!(error.is_retryable(), retryable, "{code}");
            assert!(error.hint().unwrap().contains(hint), "{code}: {:?}", error.hint());
        }
        assert!(error(9999, "08S01").is_retryable());
        assert!(!error(9999, "42000").is_retryable());
    }
}
