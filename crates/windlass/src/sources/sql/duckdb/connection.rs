//! Opening a file for reading, and what errors mean.

use std::sync::{Mutex, PoisonError};

use ::duckdb::{Config, Connection};
use windlass_core::{Error, Result};

use super::super::address::Address;
use super::super::database::Dialect;
use super::super::query::{quote, text_literal};
use crate::said::Said;

/// Memory of the database when the URL does not say otherwise: reading a table takes little, and sorts go to files.
const MEMORY_LIMIT: &str = "256MB";

/// Where the database is, and the connection that others are made from.
pub(super) struct Place {
    /// For people.
    pub(super) location: String,
    settings: Vec<(String, String)>,
    opened: Mutex<Option<(Connection, String)>>,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Settings can hold keys to clouds.
        f.debug_struct("Place").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Place {
    pub(super) fn new(address: &Address) -> Result<Self> {
        let path = address.database.as_deref().filter(|path| *path != ":memory:");
        let Some(path) = path else {
            return Err(Error::config("a DuckDB database in memory has no tables that could be read").with_hint(
                "give the path of a file: duckdb:///relative/path.duckdb or duckdb:////absolute/path.duckdb",
            ));
        };
        if path.starts_with("md:") || path.starts_with("motherduck:") {
            return Err(Error::unsupported("databases of MotherDuck cannot be read yet")
                .with_hint("give the path of a file: duckdb:///path.duckdb"));
        }
        let settings = address.query.iter().filter(|(key, _)| *key != "access_mode");
        Ok(Self {
            location: path.to_owned(),
            settings: settings.map(|(key, value)| (key.clone(), value.clone())).collect(),
            opened: Mutex::new(None),
        })
    }

    /// A connection to the file, which is opened with the first one.
    ///
    /// Errors: it does not exist, is something else, or another program writes to it.
    pub(super) fn connect(&self) -> Result<Connection> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, name) = match opened.take() {
            Some(known) => known,
            None => self.open()?,
        };
        let clone = connection.try_clone();
        let set_up = format!("USE {};", quote(Dialect::DuckDb, &name));
        *opened = Some((connection, name));
        let failed = |cause| problem("open", &self.location, cause);
        let clone = clone.map_err(failed)?;
        clone.execute_batch(&set_up).map_err(failed)?;
        // Without the time zone extension there is nothing but UTC.
        drop(clone.execute_batch("SET TimeZone = 'UTC'"));
        Ok(clone)
    }

    fn open(&self) -> Result<(Connection, String)> {
        let failed = |cause| problem("open", &self.location, cause);
        let mut config = Config::default()
            .with("autoinstall_known_extensions", "false")
            .and_then(|config| config.with("memory_limit", MEMORY_LIMIT))
            .map_err(failed)?;
        for (key, value) in &self.settings {
            config = config.with(key, value).map_err(|cause| {
                Error::config(format!("`{key}` of the DuckDB database is no setting, or has a wrong value"))
                    .with_source(cause)
                    .with_hint("parameters of the URL are settings of DuckDB, such as `?threads=2`")
            })?;
        }
        let connection = Connection::open_in_memory_with_flags(config).map_err(failed)?;
        let stem = std::path::Path::new(&self.location).file_stem().unwrap_or_default().to_string_lossy();
        let is_taken = ["memory", "system", "temp", ""].contains(&stem.to_lowercase().as_str());
        let name = if is_taken { format!("_{stem}_db") } else { stem.into_owned() };
        let attach = |name: &str| {
            let path = text_literal(Dialect::DuckDb, &self.location);
            connection
                .execute_batch(&format!("ATTACH {path} AS {} (READ_ONLY)", quote(Dialect::DuckDb, name)))
        };
        attach(&name).map_err(failed)?;
        // `name.table` would mean both the schema and the database; views name the database, so it is only renamed then.
        let sql = format!(
            "SELECT count(*) FROM duckdb_schemas() WHERE database_name = {0} AND schema_name ILIKE {0}",
            text_literal(Dialect::DuckDb, &name)
        );
        let count: i64 = connection.query_row(&sql, [], |row| row.get(0)).map_err(failed)?;
        if count == 0 {
            return Ok((connection, name));
        }
        let other = format!("_{name}_db");
        connection
            .execute_batch(&format!("DETACH {}", quote(Dialect::DuckDb, &name)))
            .and_then(|()| attach(&other))
            .map_err(failed)?;
        Ok((connection, other))
    }
}

/// What a failure of DuckDB means for the user.
pub(super) fn problem(what: &str, location: &str, cause: ::duckdb::Error) -> Error {
    let text = cause.to_string();
    let has = |piece: &str| text.contains(piece);
    let error = Error::source_failed(format!("DuckDB cannot {what} {location}"));
    let (error, hint) = if has("Could not set lock") || has("Conflicting lock") {
        (
            error.retryable(),
            "another program has the file open for writing, DuckDB names it above; close it and run again",
        )
    } else if has("does not exist") && what == "open" || has("No such file") {
        (error, "check the path of the file")
    } else if has("options were not recognized") {
        (
            Error::config(format!("the URL of {location} has parameters that are no settings of DuckDB")),
            "DuckDB names them above; parameters are its settings, such as `?threads=2`",
        )
    } else if has("not a valid DuckDB database file") {
        (error, "the file is something else; check the path")
    } else if has("newer version of DuckDB") {
        (error, "update windlass, or write the file by an older DuckDB, whose storage version this one reads")
    } else if has("Permission denied") {
        (error, "check who may read the file")
    } else if has("Out of Memory") || has("could not allocate") {
        (error, "give it more memory, for example `?memory_limit=1GB` in the URL")
    } else if has("Conversion Error") || has("Out of Range Error") {
        (
            Error::data(format!("a value of {location} does not fit the type that it is read as")),
            "read the column as text: `cast: {column: varchar}` in the pipeline file",
        )
    } else if has("Catalog Error") || has("Parser Error") || has("Binder Error") {
        (
            Error::config(format!("DuckDB cannot {what} {location}")),
            "check the names and the SQL of the query",
        )
    } else {
        return error.with_source(Said(cause));
    };
    error.with_source(Said(cause)).with_hint(hint)
}
