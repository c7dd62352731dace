//! Opening the files of datasets, and what errors mean.

use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use windlass_core::sql::{Dialect, ExistingTables};
use windlass_core::{Error, Result};

use super::Sqlite;
use crate::files::io_error;

/// How long to wait for others that write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Opens the main file with the files of datasets attached, which are created when they are missing.
pub(super) fn open(destination: &Sqlite, datasets: &[&str]) -> Result<Connection> {
    let location = destination.path.display().to_string();
    let failed = |cause| database_error("open", &location, cause);
    if let Some(folder) = destination.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|cause| io_error("create", folder, cause))?;
    }
    // With a file as main database, a transaction is atomic over all files that are attached.
    let connection = Connection::open(&destination.path).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    for dataset in datasets.iter().filter(|dataset| **dataset != "main") {
        let file = destination.file(dataset);
        let sql = format!(
            "ATTACH {} AS {}",
            Dialect::Sqlite.literal(&file.display().to_string()),
            Dialect::Sqlite.quote(dataset)
        );
        let failed = |cause| database_error("open", &file.display().to_string(), cause);
        connection.execute_batch(&sql).map_err(failed)?;
        // Attaching reads nothing; a file that is something else is found here.
        let check = format!("SELECT count(*) FROM {}.sqlite_master", Dialect::Sqlite.quote(dataset));
        connection.query_row(&check, [], |_| Ok(())).map_err(failed)?;
    }
    Ok(connection)
}

/// Table and column names of one dataset.
pub(super) fn tables(connection: &Connection, dataset: &str, location: &str) -> Result<ExistingTables> {
    let failed = |cause| database_error("read the tables of", location, cause);
    let sql = format!(
        "SELECT m.name, p.name FROM {}.sqlite_master AS m, pragma_table_info(m.name, {}) AS p \
         WHERE m.type IN ('table', 'view') ORDER BY m.name, p.cid",
        Dialect::Sqlite.quote(dataset),
        Dialect::Sqlite.literal(dataset)
    );
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut tables = ExistingTables::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let table: String = row.get(0).map_err(failed)?;
        tables.entry(table).or_default().push(row.get(1).map_err(failed)?);
    }
    Ok(tables)
}

/// The first column of the first row of a query.
pub(super) fn one_text(connection: &Connection, sql: &str, location: &str) -> Result<Option<String>> {
    let failed = |cause| database_error("query", location, cause);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
    row.get(0).map(Some).map_err(failed)
}

/// What a failure of SQLite means for the user.
pub(super) fn database_error(what: &str, location: &str, cause: rusqlite::Error) -> Error {
    let error = Error::destination(format!("SQLite cannot {what} {location}"));
    let (error, hint) = match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            // SQLite does not say who it is; another run is what it is most of the time.
            let error =
                Error::conflict(format!("another program is writing, and SQLite cannot {what} {location}"));
            (error.retryable(), Some("run again when it is done, or use `--wait 60`"))
        }
        Some(ErrorCode::DiskFull) => (
            error.retryable(),
            Some("free some space and run again: the load was rolled back, nothing is lost"),
        ),
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            (error, Some("check who may write there, or choose another path with destination.credentials"))
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => (
            error,
            Some("the file is something else or damaged; choose another path with destination.credentials"),
        ),
        Some(ErrorCode::ConstraintViolation) => (
            error,
            Some("the table is not as windlass made it; `windlass pipeline schema NAME` shows the schema"),
        ),
        _ if what == "query" => (error, Some("`windlass pipeline schema NAME` shows the tables and columns")),
        _ => (error, None),
    };
    let error = error.with_source(cause);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
