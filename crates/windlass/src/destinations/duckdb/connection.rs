//! Opening a database, and what its errors mean.

use std::path::Path;
use std::time::Duration;

use ::duckdb::{Config, Connection};
use arrow_array::RecordBatch;
use serde_json::Value;
use windlass_core::sql::DUCKDB;
use windlass_core::{Error, Result};

use super::DuckDbConnection;
use crate::holder::process_since;
use crate::said::Said;

/// Rows of a row group in new tables: a quarter of DuckDB's default. More of the compression is done while rows come
/// in and less at the commit, which takes a third off the time of a load (bench/README.md).
const ROW_GROUP_ROWS: u32 = 30_720;

/// Oldest DuckDB that reads new database files. Its compression makes them a third as large as those for older ones,
/// and loads a quarter faster.
const STORAGE_VERSION: &str = "v1.3.0";

/// Times that a file is tried whose lock was held by a program that has just ended.
const ATTEMPTS: usize = 20;

/// What lies between them.
const PAUSE: Duration = Duration::from_millis(50);

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Access {
    /// For reading; others may read as well.
    Read,
    /// For one load; nobody else may use it meanwhile.
    Write,
}

/// What a load may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) memory_bytes: u64,
    pub(super) threads: usize,
}

/// Opens a database file. `dataset` is the schema that will be used, whose name must not be the database's.
pub(super) fn open_file(
    path: &Path,
    access: Access,
    options: &DuckDbConnection,
    bounds: Bounds,
    dataset: &str,
) -> Result<Connection> {
    let location = path.display().to_string();
    let failed = |cause| database_error("open", &location, cause);
    let connection = open_memory(options, bounds)?;
    let quote = |name: &str| DUCKDB.quote(name);
    let literal = |text: &str| DUCKDB.literal(text);
    let name = database_name(path, dataset);
    let mode = match access {
        Access::Read => "READ_ONLY".to_owned(),
        // The version of a file that exists stays, for those who read it by an older DuckDB.
        Access::Write if path.exists() => format!("ROW_GROUP_SIZE {ROW_GROUP_ROWS}"),
        Access::Write => {
            let version = options.storage_version.as_deref().unwrap_or(STORAGE_VERSION);
            format!("ROW_GROUP_SIZE {ROW_GROUP_ROWS}, STORAGE_VERSION {}", literal(version))
        }
    };
    // Rows of a table have no order; keeping the one of the files takes twice the time and half again the memory.
    let order = if access == Access::Write { "SET preserve_insertion_order = false; " } else { "" };
    if access == Access::Write
        && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|cause| crate::files::io_error("create", folder, cause))?;
    }
    let attach = format!(
        "{order}SET temp_directory = {}; ATTACH {} AS {} ({mode}); USE {};",
        literal(&format!("{location}.tmp")),
        literal(&location),
        quote(&name),
        quote(&name)
    );
    let mut tries = 1;
    while let Err(cause) = connection.execute_batch(&attach) {
        if tries == ATTEMPTS || !is_held_by_nobody(&cause.to_string()) {
            return Err(failed(cause));
        }
        tries += 1;
        std::thread::sleep(PAUSE);
    }
    prepare(&connection, options, &location)?;
    Ok(connection)
}

/// Opens a database in memory.
pub(super) fn open_memory(options: &DuckDbConnection, bounds: Bounds) -> Result<Connection> {
    let failed = |cause| database_error("open", ":memory:", cause);
    let mut config = Config::default()
        .with("autoinstall_known_extensions", "false")
        .and_then(|config| config.with("threads", bounds.threads.max(1).to_string()))
        .and_then(|config| config.with("memory_limit", format!("{}B", bounds.memory_bytes)))
        .map_err(failed)?;
    for (key, value) in &options.global_config {
        config = config.with(key, text_of(value)).map_err(|cause| {
            Error::config(format!("global_config `{key}` is not a setting of DuckDB"))
                .with_source(Said(cause))
        })?;
    }
    Connection::open_in_memory_with_flags(config).map_err(failed)
}

/// Sets a connection up as the options say.
pub(super) fn prepare(connection: &Connection, options: &DuckDbConnection, location: &str) -> Result<()> {
    let literal = |text: &str| DUCKDB.literal(text);
    let run = |sql: String| {
        connection.execute_batch(&sql).map_err(|cause| database_error("set up", location, cause))
    };
    for extension in &options.extensions {
        run(format!("LOAD {}", DUCKDB.quote(extension)))
            .map_err(|e| e.with_hint(format!("install it once: `INSTALL {extension}` in DuckDB")))?;
    }
    match &options.session_timezone {
        Some(zone) => run(format!("SET TimeZone = {}", literal(zone)))?,
        // Without the time zone extension there is nothing but UTC.
        None => drop(connection.execute_batch("SET TimeZone = 'UTC'")),
    }
    for pragma in &options.pragmas {
        run(format!("PRAGMA {pragma}"))?;
    }
    for (key, value) in &options.local_config {
        run(format!("SET {} = {}", DUCKDB.quote(key), literal(&text_of(value))))?;
    }
    options.statements.iter().try_for_each(|statement| run(statement.clone()))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The name of a database is its file's, as in DuckDB, unless it would hide a schema.
fn database_name(path: &Path, dataset: &str) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let taken = [dataset, "memory", "system", "temp", ""];
    if taken.iter().any(|name| name.eq_ignore_ascii_case(&stem)) { format!("_{stem}_db") } else { stem }
}

/// The rows of a query as Arrow batches.
pub(in crate::destinations) fn batches(
    connection: &Connection,
    sql: &str,
    location: &str,
) -> Result<Vec<RecordBatch>> {
    let failed = |cause| database_error("query", location, cause);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let rows = statement.query_arrow([]).map_err(failed)?;
    let schema = rows.get_schema();
    let mut batches: Vec<RecordBatch> = rows.collect();
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// What a failure of DuckDB means for the user.
pub(in crate::destinations) fn database_error(what: &str, location: &str, cause: ::duckdb::Error) -> Error {
    let text = cause.to_string();
    let has = |piece: &str| text.contains(piece);
    let error = Error::destination(format!("DuckDB cannot {what} {location}"));
    let (error, hint) = if has("Could not set lock") && is_windlass(&text) {
        (
            Error::conflict(format!("another run of windlass uses {location}{}", holder_of(&text))),
            Some(
                "wait until it ends, for example with `--wait 60`; one program at a time can use a database file",
            ),
        )
    } else if has("Could not set lock") {
        (
            error.retryable(),
            Some("another program has the database open, DuckDB names it above; close it and run again"),
        )
    } else if has("No space left") || has("out of disk") || has("max_temp_directory_size") {
        (error.retryable(), Some("free some space and run again: the load was rolled back, nothing is lost"))
    } else if has("Permission denied") || has("Read-only file system") || has("read-only mode") {
        (error, Some("check who may write there, or choose another path with destination.credentials"))
    } else if has("created with a newer version of DuckDB") {
        (
            error,
            Some(
                "update windlass, or write the file by an older DuckDB, whose storage version this one reads",
            ),
        )
    } else if has("not a valid DuckDB database file") {
        (error, Some("the file is something else; choose another path with destination.credentials"))
    } else if has("Out of Memory") || has("could not allocate") {
        (error, Some("give the run more memory, for example `--max-memory 2GB`"))
    } else if has("file system operations are disabled") && what == "query" {
        (error, Some("a query reads the tables of its dataset, and no other file"))
    } else if what == "query"
        && ["Catalog", "Binder", "Parser"].iter().any(|kind| has(&format!("{kind} Error")))
    {
        (error, Some("`windlass pipeline schema NAME` shows the tables and columns"))
    } else {
        (error, None)
    };
    let error = error.with_source(Said(cause));
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Whether the program that had the file open was ending when DuckDB looked for its path, so that it read none:
/// `held in . (PID 7)`.
fn is_held_by_nobody(text: &str) -> bool {
    let holder = text.split("Conflicting lock is held").nth(1).and_then(|rest| rest.split("(PID").next());
    holder.is_some_and(|holder| !holder.trim().trim_start_matches("in").trim_start().starts_with('/'))
}

/// The process that DuckDB names: `: process 7, since 2026-01-02T03:04:05+00:00`.
fn holder_of(text: &str) -> String {
    let Some(id) = text.split("(PID ").nth(1).and_then(|rest| rest.split(')').next()) else {
        return String::new();
    };
    let since = process_since(id).map_or_else(String::new, |since| format!(", since {since}"));
    format!(": process {id}{since}")
}

/// Whether DuckDB names windlass as the program that has the file open: `held in /usr/bin/windlass (PID 7)`.
fn is_windlass(text: &str) -> bool {
    let holder = text.split("held in ").nth(1).and_then(|rest| rest.split(" (PID").next());
    holder.is_some_and(|path| Path::new(path).file_name().is_some_and(|name| name == "windlass"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_without_a_name_has_just_ended() {
        let held = |by: &str| {
            format!("IO Error: Could not set lock on file \"x\": Conflicting lock is held{by}. See")
        };
        for nobody in [" in . (PID 8522)", " in target (PID 25368)", " in  (PID 1)", " (PID 1)"] {
            assert!(is_held_by_nobody(&held(nobody)), "{nobody}");
        }
        for somebody in [" in /usr/bin/windlass (PID 7)", " in /x/. (PID 7) by user root"] {
            assert!(!is_held_by_nobody(&held(somebody)), "{somebody}");
        }
        assert!(!is_held_by_nobody("IO Error: no such file"));
    }

    #[test]
    fn a_lock_that_windlass_holds_is_recognised() {
        let text = |path: &str| {
            format!(
                "IO Error: Could not set lock on file \"/a.duckdb\": Conflicting lock is held in {path} (PID 7) by user x. \
                 See also https://duckdb.org"
            )
        };
        assert!(is_windlass(&text("/opt/my tools/windlass")));
        assert!(!is_windlass(&text("/usr/bin/python3.12")));
        assert!(!is_windlass("IO Error: Could not set lock on file"));
    }

    #[test]
    fn a_database_is_not_called_like_its_schema() {
        assert_eq!(database_name(Path::new("/a/github.duckdb"), "events"), "github");
        assert_eq!(database_name(Path::new("/a/Events.duckdb"), "events"), "_Events_db");
        assert_eq!(database_name(Path::new("temp"), "events"), "_temp_db");
    }
}
