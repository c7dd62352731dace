//! The destinations that this engine has. A destination is known outside its own file by one line here.

#[cfg_attr(feature = "duckdb", path = "duckdb/mod.rs")]
#[cfg_attr(not(feature = "duckdb"), path = "duckdb/disabled.rs")]
mod duckdb;
mod filesystem;
mod job_file;
mod memory;
#[cfg_attr(feature = "mysql", path = "mysql/mod.rs")]
#[cfg_attr(not(feature = "mysql"), path = "mysql/disabled.rs")]
mod mysql;
#[cfg_attr(feature = "postgres", path = "postgres/mod.rs")]
#[cfg_attr(not(feature = "postgres"), path = "postgres/disabled.rs")]
mod postgres;
#[cfg(any(feature = "duckdb", feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod sql;
mod sqlalchemy;
#[cfg_attr(feature = "sqlite", path = "sqlite/mod.rs")]
#[cfg_attr(not(feature = "sqlite"), path = "sqlite/disabled.rs")]
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use windlass_core::{Error, Result};

#[cfg(feature = "duckdb")]
pub use self::duckdb::{DuckDb, DuckDbConfig};
pub use self::filesystem::{FileName, Filesystem, FilesystemConfig, Placeholders};
pub use self::memory::{Memory, MemoryConfig};
#[cfg(feature = "mysql")]
pub use self::mysql::{MySql, MySqlConfig};
#[cfg(feature = "postgres")]
pub use self::postgres::{CsvFormat, Postgres, PostgresConfig, PostgresConnection, PostgresCredentials};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{Sqlite, SqliteConfig, SqliteCredentials, SqliteParts};

pub use self::sqlalchemy::{SqlAlchemyConfig, SqlAlchemyEntry};
use crate::config::unknown_name;
use crate::destination::Destination;

/// A kind of destination: what help, documentation and the pipeline file know of it.
#[derive(Clone, Copy, Debug)]
pub struct DestinationEntry {
    /// The name in pipeline files.
    pub name: &'static str,
    /// One line for people.
    pub short: &'static str,
    /// What `windlass init` writes, as YAML without indentation; the first line names the type.
    pub example: &'static str,
    /// Why this binary does not have it, if so.
    pub missing: Option<&'static str>,
    /// The option that it cannot do without, and that is looked for in the settings.
    pub needed: Option<&'static str>,
    /// The JSON Schema of its options.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Builds it from its options. Errors: options that are unknown or wrong.
    pub build: fn(Value, &BuildContext) -> Result<Arc<dyn Destination>>,
    /// How it is built for an address of SQLAlchemy, if the reference reaches it that way.
    pub sqlalchemy: Option<SqlAlchemyEntry>,
}

/// What a destination may know of the pipeline that it is built for.
#[derive(Clone, Debug, Default)]
pub struct BuildContext {
    /// Folder that relative paths are relative to.
    pub folder: PathBuf,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Working folder of the pipeline.
    pub work_dir: PathBuf,
}

/// All kinds of destinations.
pub const DESTINATIONS: &[DestinationEntry] = &[
    duckdb::ENTRY,
    filesystem::ENTRY,
    memory::ENTRY,
    mysql::ENTRY,
    postgres::ENTRY,
    sqlite::ENTRY,
    sqlalchemy::ENTRY,
];

/// The kind of destination with this name. Errors: there is none.
pub fn destination_entry(name: &str) -> Result<&'static DestinationEntry> {
    // The reference's state and configuration name a destination by its module.
    let short = name.strip_prefix("dlt.destinations.").unwrap_or(name);
    DESTINATIONS
        .iter()
        .find(|entry| entry.name == short)
        .ok_or_else(|| unknown_name("destination", name, DESTINATIONS.iter().map(|entry| entry.name)))
}

/// Characters of a statement that are logged; all of them with `-vv`.
#[cfg(any(feature = "duckdb", feature = "mysql", feature = "postgres", feature = "sqlite"))]
const LOGGED_STATEMENT: usize = 200;

/// Logs a statement that changes a destination.
#[cfg(any(feature = "duckdb", feature = "mysql", feature = "postgres", feature = "sqlite"))]
fn log_statement(sql: &str) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        tracing::debug!(sql, "statement");
    } else if tracing::enabled!(tracing::Level::INFO) {
        let mut short: String = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((end, _)) = short.char_indices().nth(LOGGED_STATEMENT) {
            short.truncate(end);
            short.push('…');
        }
        tracing::info!(sql = short, "statement");
    }
}

/// Errors: the address of a service that would become the name of a local file, its token with it.
#[cfg(any(feature = "duckdb", feature = "sqlite"))]
fn check_local(path: &str, kind: &str) -> Result<()> {
    let start = path.split(':').next().filter(|start| start.len() < path.len()).unwrap_or_default();
    if ["md", "motherduck"].iter().any(|known| start.eq_ignore_ascii_case(known)) {
        return Err(Error::unsupported(format!(
            "`{start}:` is an address of MotherDuck, and a {kind} destination is a local file"
        ))
        .with_hint("windlass has no destination for MotherDuck yet: give the path of a database file"));
    }
    Ok(())
}

/// Runs `work` on a thread that may block.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| Error::internal("the thread of a destination broke down").with_source(cause))?
}
