//! What a failure of the server or the connection means for the user.

use std::fmt;

use mysql_async::{DriverError, Error as ClientError, IoError, ServerError};
use windlass_core::{Error, Result};

/// What the server said.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// What a failure means, as a function of the cause for `map_err`. `what` continues "MySQL cannot".
pub(super) fn failed<'a>(what: &'a str, location: &'a str) -> impl Fn(ClientError) -> Error + Copy + 'a {
    move |cause| {
        let error = Error::source_failed(format!("MySQL cannot {what} {location}"));
        match cause {
            ClientError::Server(refusal) => refused(error, refusal),
            cause => broken(error, what, cause),
        }
    }
}

/// The server did not answer in time.
pub(super) fn no_answer(what: &str, location: &str) -> Error {
    Error::source_failed(format!("MySQL cannot {what} {location}: no answer in time"))
        .with_hint("check host and port, firewalls, and the parameters connect_timeout and read_timeout of the address")
        .retryable()
}

/// The rows have another form than the catalogue promised.
pub(super) fn changed(column: &str, has: &str, wants: &str) -> Error {
    Error::source_failed(format!("the column gives {has}, but {wants} were expected"))
        .at_column(column)
        .with_hint("the table was changed while it was read; run again")
        .retryable()
}

fn refused(error: Error, refusal: ServerError) -> Error {
    let ServerError { code, message, state } = refusal;
    let (is_retryable, hint) = meaning(code, &state);
    let error = error.with_source(Refusal(format!("{message} (error {code}, SQLSTATE {state})")));
    let error = if is_retryable { error.retryable() } else { error };
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
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
pub(super) fn present<T>(value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::internal("the catalogue of MySQL left out a column"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let error = |code, state: &str| {
            let cause = ServerError { code, message: "no".to_owned(), state: state.to_owned() };
            failed("read from", "mysql://h")(ClientError::Server(cause))
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
