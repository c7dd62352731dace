//! Opening the files of datasets, and what errors mean.

use std::error::Error as _;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use windlass_core::sql::{ExistingColumn, ExistingTables, SQLITE};
use windlass_core::{Error, Result};

use super::Sqlite;
use crate::files::io_error;
use crate::holder;
use crate::said::Said;

/// How long to wait for others that write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// A file beside the database that tells a busy database apart from one that another run of the engine writes to. It is
/// locked while a load goes on; what a crash leaves of it means nothing.
#[derive(Debug)]
pub(super) struct WriterMark {
    path: PathBuf,
    _file: File,
}

impl WriterMark {
    /// `None` if another run has it, or if it cannot be written; then only a message says less.
    pub(super) fn set(destination: &Sqlite) -> Option<Self> {
        let path = mark_path(destination);
        let file = File::options().create(true).truncate(false).write(true).open(&path).ok()?;
        file.try_lock().ok()?;
        holder::note(&file);
        Some(Self { path, _file: file })
    }
}

impl Drop for WriterMark {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

fn mark_path(destination: &Sqlite) -> PathBuf {
    let mut name = destination.path.file_name().unwrap_or_default().to_owned();
    name.push("-windlass");
    destination.path.with_file_name(name)
}

/// What a busy database means: another run of the engine, unless its mark is our own, or some other program.
pub(super) fn explain(destination: &Sqlite, has_mark: bool, error: Error) -> Error {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<Said<rusqlite::Error>>());
    let is_busy = cause.and_then(|said| said.0.sqlite_error_code()).is_some_and(is_busy);
    let is_run = || {
        let mark = File::open(mark_path(destination));
        mark.is_ok_and(|mark| matches!(mark.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
    };
    if has_mark || !is_busy || !is_run() {
        return error;
    }
    let place = destination.path.display();
    let who = holder::noted(&mark_path(destination)).map_or_else(String::new, |who| format!(": {who}"));
    Error::conflict(format!("another run of windlass writes to {place}{who}"))
        .retryable()
        .with_source(error)
        .with_hint("run again when it is done, or use `--wait 60`")
}

fn is_busy(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
}

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
    attach(&connection, destination, datasets)?;
    Ok(connection)
}

/// Opens the files of a dataset, which exist, so that nothing can be written to them.
pub(super) fn open_to_read(destination: &Sqlite, dataset: &str) -> Result<Connection> {
    let location = destination.path.display().to_string();
    let failed = |cause| database_error("open", &location, cause);
    // What a crash left in a journal is undone by whoever may write; who only reads could not read at all.
    let has_journal = [destination.file(dataset), destination.path.clone()].into_iter().any(|file| {
        ["-journal", "-wal"].iter().any(|ending| {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name).exists()
        })
    });
    if has_journal {
        drop(open(destination, &[dataset])?);
    }
    // What is attached is opened like the main database.
    let place = if destination.path.exists() { destination.path.clone() } else { PathBuf::from(":memory:") };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(place, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    attach(&connection, destination, &[dataset])?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(failed)?;
    Ok(connection)
}

/// Attaches the files of datasets to a connection.
fn attach(connection: &Connection, destination: &Sqlite, datasets: &[&str]) -> Result<()> {
    for dataset in datasets.iter().filter(|dataset| **dataset != "main") {
        let file = destination.file(dataset);
        let sql =
            format!("ATTACH {} AS {}", SQLITE.literal(&file.display().to_string()), SQLITE.quote(dataset));
        let failed = |cause| database_error("open", &file.display().to_string(), cause);
        connection.execute_batch(&sql).map_err(failed)?;
        // Attaching reads nothing; a file that is something else is found here.
        let check = format!("SELECT count(*) FROM {}.sqlite_master", SQLITE.quote(dataset));
        connection.query_row(&check, [], |_| Ok(())).map_err(failed)?;
    }
    Ok(())
}

/// The tables of one dataset with their columns.
pub(super) fn tables(connection: &Connection, dataset: &str, location: &str) -> Result<ExistingTables> {
    let failed = |cause| database_error("read the tables of", location, cause);
    let sql = format!(
        "SELECT m.name, p.name, p.\"notnull\" FROM {}.sqlite_master AS m, pragma_table_info(m.name, {}) AS p \
         WHERE m.type IN ('table', 'view') ORDER BY m.name, p.cid",
        SQLITE.quote(dataset),
        SQLITE.literal(dataset)
    );
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut tables = ExistingTables::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let table: String = row.get(0).map_err(failed)?;
        tables.entry(table).or_default().push(ExistingColumn {
            name: row.get(1).map_err(failed)?,
            is_required: row.get(2).map_err(failed)?,
        });
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
        Some(code) if is_busy(code) => {
            let error = Error::destination(format!(
                "SQLite cannot {what} {location}, which another program has locked for {} s",
                BUSY_TIMEOUT.as_secs()
            ));
            (error.retryable(), Some("have that program end its transaction, and run again: nothing is lost"))
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
    let error = error.with_source(Said(cause));
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
