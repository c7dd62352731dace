//! Opening a file for reading, and what errors mean.

use std::path::Path;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use windlass_core::{Error, Result};

use super::super::address::Address;
use super::super::database::Dialect;
use super::super::open::OpenOptions;
use super::super::query::{quote, text_literal};
use super::columns::NO_MOMENT;
use super::moments;
use crate::config::unknown_name;
use crate::said::Said;

/// How long to wait for others that write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Parameters of a URL that are understood; those of Python's driver mean nothing here.
const PARAMETERS: [&str; 12] = [
    "timeout",
    "attach",
    "immutable",
    "uri",
    "mode",
    "cache",
    "nolock",
    "check_same_thread",
    "isolation_level",
    "detect_types",
    "cached_statements",
    "pool_recycle",
];

/// What a path cannot hold in a URI of SQLite.
const IN_PATH: &AsciiSet = &CONTROLS.add(b'?').add(b'#').add(b'%');

/// Where the database is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// For people.
    pub(super) location: String,
    uri: String,
    timeout: Duration,
    /// Names and paths of databases that are attached.
    attached: Vec<(String, String)>,
}

impl Place {
    pub(super) fn new(address: &Address, options: &OpenOptions) -> Result<Self> {
        for key in address.query.keys() {
            if !PARAMETERS.contains(&key.as_str()) {
                return Err(unknown_name("parameter of a SQLite database", key, PARAMETERS));
            }
        }
        let path = address.database.as_deref().filter(|path| *path != ":memory:");
        let Some(path) = path else {
            return Err(Error::config("a SQLite database in memory has no tables that could be read")
                .with_hint(
                    "give the path of a file: sqlite:///relative/path.db or sqlite:////absolute/path.db",
                ));
        };
        let timeout = match address.query.get("timeout") {
            None => BUSY_TIMEOUT,
            Some(text) => Duration::try_from_secs_f64(text.parse().unwrap_or(-1.0)).map_err(|_| {
                Error::config("`timeout` of the SQLite database is no number of seconds")
                    .with_hint("write it like sqlite:///path.db?timeout=30")
            })?,
        };
        let is_immutable =
            address.query.get("immutable").is_some_and(|value| value == "1" || value == "true");
        let uri = match path.strip_prefix("file:") {
            // The path of a URI is percent-encoded as it was given; `mode` must not open it for writing.
            Some(rest) => format!("file:{}?mode=ro", rest.split('?').next().unwrap_or(rest)),
            None => format!("file:{}?mode=ro", utf8_percent_encode(path, IN_PATH)),
        };
        let attach = |entry: &str| -> Result<(String, String)> {
            let (name, path) = entry
                .split_once(':')
                .filter(|(name, path)| !name.is_empty() && !path.is_empty())
                .ok_or_else(|| {
                    Error::config("`attach` of the SQLite database is not `name:path`").with_hint(
                        "write it like sqlite:///path.db?attach=other:other.db; commas part several",
                    )
                })?;
            Ok((name.to_owned(), options.folder.join(path).display().to_string()))
        };
        let attached = address.query.get("attach").map(String::as_str).unwrap_or_default();
        Ok(Self {
            location: path.to_owned(),
            uri: if is_immutable { format!("{uri}&immutable=1") } else { uri },
            timeout,
            attached: attached
                .split(',')
                .filter(|entry| !entry.is_empty())
                .map(attach)
                .collect::<Result<_>>()?,
        })
    }

    /// Opens the file for reading. Errors: it does not exist or is something else.
    pub(super) fn connect(&self) -> Result<Connection> {
        let failed = |cause| problem("open", &self.location, cause);
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(Path::new(&self.uri), flags).map_err(failed)?;
        connection.busy_timeout(self.timeout).map_err(failed)?;
        moments::add(&connection).map_err(failed)?;
        for (name, path) in &self.attached {
            let uri = format!("file:{}?mode=ro", utf8_percent_encode(path, IN_PATH));
            let sql =
                format!("ATTACH {} AS {}", text_literal(Dialect::Sqlite, &uri), quote(Dialect::Sqlite, name));
            connection.execute_batch(&sql).map_err(|cause| problem("open", path, cause))?;
        }
        // Opening reads nothing; a file that is something else is found here.
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())).map_err(failed)?;
        Ok(connection)
    }
}

/// What a failure of SQLite means for the user.
pub(super) fn problem(what: &str, location: &str, cause: rusqlite::Error) -> Error {
    let error = Error::source_failed(format!("SQLite cannot {what} {location}"));
    let text = cause.to_string();
    if text.contains(NO_MOMENT) {
        return Error::data(NO_MOMENT).with_hint(
            "a cursor needs dates and times as ISO texts, seconds since 1970 or Julian days: correct the row, or name another \
             column as cursor_path",
        );
    }
    let (error, hint) = match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            error.retryable(),
            "another program writes to it: have it end its transaction, or wait longer by `?timeout=60` in the URL",
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => (
            error,
            "check the path and who may read it; a file in WAL mode in a folder that cannot be written to needs \
             `?immutable=1` in the URL, if nobody writes to it",
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            (error, "the file is something else, encrypted or damaged; check the path")
        }
        Some(ErrorCode::ReadOnly) => (error, "the query writes, but the database is opened for reading"),
        _ if text.contains("no such table")
            || text.contains("no such column")
            || text.contains("syntax error") =>
        {
            (
                Error::config(format!("SQLite cannot {what} {location}")),
                "check the names in the query; identifiers stand in double quotes",
            )
        }
        _ => return error.with_source(Said(cause)),
    };
    error.with_source(Said(cause)).with_hint(hint)
}
