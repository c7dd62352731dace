//! DuckDB: one database file, or a database in memory. Every load is one transaction.

mod client;
mod connection;
mod reads;
mod stream;
mod turn;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ::duckdb::Connection;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use windlass_core::masking::learn;
use windlass_core::{Error, Result};

use self::client::DuckDbClient;
pub(in crate::destinations) use self::connection::database_error;
pub(in crate::destinations) use self::reads::{check, close_to_others};
pub(in crate::destinations) use self::stream::stream;
use super::sql::{DEFAULT_STAGING_LAYOUT, SqlSession, sql_capabilities, staging_layout};
use super::{BuildContext, DestinationEntry, check_local};
use crate::config::{parse_options, schema_of};
use crate::destination::{Capabilities, Dataset, Destination, ReplaceStrategy, Session};

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "duckdb",
    short: "DuckDB, one database file; a load is one transaction",
    example: "\
type: duckdb
credentials: ./{pipeline}.duckdb   # the database file, relative to this file
# replace_strategy: insert-from-staging
",
    missing: None,
    needed: None,
    schema: schema_of::<DuckDbConfig>,
    build: |options, context| {
        Ok(Arc::new(DuckDb::new(parse_options::<DuckDbConfig>("destination", options)?, context)?))
    },
    sqlalchemy: None,
};

/// Options of a DuckDB destination.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DuckDbConfig {
    /// Path of the database file, `:memory:`, `:pipeline:` for a file in the pipeline's working folder, a URL such as
    /// `duckdb:///path`, or an object with more settings. Default: `<pipeline name>.duckdb` in the current folder.
    pub credentials: Option<DuckDbCredentials>,
    /// How rows of a table with write disposition replace are replaced.
    pub replace_strategy: ReplaceStrategy,
    /// Name of the staging dataset; `%s` stands for the dataset. Default `%s_staging`.
    pub staging_dataset_name_layout: Option<String>,
    /// Whether the name of the dataset is normalized. Default true.
    pub enable_dataset_name_normalization: Option<bool>,
}

/// Where the database is and how connections are set up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DuckDbCredentials {
    /// The database.
    Database(String),
    /// The database and settings.
    Detailed(DuckDbConnection),
}

/// The database and how connections to it are set up.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DuckDbConnection {
    /// Path of the database file, `:memory:` or `:pipeline:`.
    pub database: Option<String>,
    /// Extensions to load.
    pub extensions: Vec<String>,
    /// Settings of the database.
    pub global_config: BTreeMap<String, Value>,
    /// Settings of the connection.
    pub local_config: BTreeMap<String, Value>,
    /// Pragmas, without the word `PRAGMA`.
    pub pragmas: Vec<String>,
    /// Statements that are executed first.
    pub statements: Vec<String>,
    /// Time zone of the connection. Default UTC.
    pub session_timezone: Option<String>,
    /// Oldest version of DuckDB that can read a database file that is created: `v1.0.0`, `v1.2.0`. Default `v1.3.0`.
    pub storage_version: Option<String>,
}

/// A DuckDB database as destination.
#[derive(Clone)]
pub struct DuckDb {
    place: DatabaseFile,
    options: Arc<DuckDbConnection>,
    staging_layout: String,
    capabilities: Capabilities,
    /// The database in memory, which lives as long as this value.
    memory: Arc<Mutex<Option<Connection>>>,
}

#[derive(Clone, Debug, PartialEq)]
enum DatabaseFile {
    Path(PathBuf),
    Memory,
}

impl std::fmt::Debug for DuckDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DuckDb").field("place", &self.place).finish_non_exhaustive()
    }
}

impl DuckDb {
    /// The database in a file, which is created with the first load.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self::at(DatabaseFile::Path(path.as_ref().to_owned()))
    }

    /// A database in memory, which is gone with this value.
    pub fn memory() -> Self {
        Self::at(DatabaseFile::Memory)
    }

    /// The database that the options name. Errors: a URL of something else.
    pub fn new(config: DuckDbConfig, context: &BuildContext) -> Result<Self> {
        let connection = match config.credentials {
            None => DuckDbConnection::default(),
            Some(DuckDbCredentials::Database(text)) => {
                DuckDbConnection { database: Some(text), ..DuckDbConnection::default() }
            }
            Some(DuckDbCredentials::Detailed(connection)) => connection,
        };
        // What DuckDB says of a statement that fails quotes it, and it may make a secret.
        let statements = connection.statements.iter().chain(&connection.pragmas);
        statements.for_each(|statement| learn_literals(statement));
        let mut destination = Self::at(place(connection.database.as_deref(), context)?);
        destination.options = Arc::new(connection);
        destination.staging_layout = staging_layout(config.staging_dataset_name_layout.as_deref())?;
        destination.capabilities.normalizes_dataset_name =
            config.enable_dataset_name_normalization.unwrap_or(true);
        destination.capabilities.replace_strategy = config.replace_strategy;
        Ok(destination)
    }

    /// The database at a place, with default options.
    fn at(place: DatabaseFile) -> Self {
        Self {
            place,
            options: Arc::default(),
            staging_layout: DEFAULT_STAGING_LAYOUT.to_owned(),
            capabilities: sql_capabilities(65_536),
            memory: Arc::default(),
        }
    }
}

/// Bytes of a text in a statement that may be a secret; shorter ones are names and words.
const SHORTEST_SECRET: usize = 8;

/// Remembers the longer texts of a statement as secrets.
fn learn_literals(statement: &str) {
    let texts = statement.split('\'').skip(1).step_by(2);
    texts.filter(|text| text.len() >= SHORTEST_SECRET).for_each(learn);
}

/// Reads the place of a database from a path or URL.
fn place(database: Option<&str>, context: &BuildContext) -> Result<DatabaseFile> {
    let default = format!("{}.duckdb", context.pipeline);
    let text = database.unwrap_or(&default);
    let path = match text.split_once("://") {
        None => text,
        Some(("duckdb", rest)) => rest.split('?').next().unwrap_or(rest).strip_prefix('/').unwrap_or(rest),
        Some((other, _)) => {
            return Err(Error::config(format!("a duckdb destination cannot be at a `{other}://` address"))
                .with_hint("give the path of a database file, or `:memory:`"));
        }
    };
    check_local(path, "duckdb")?;
    Ok(match path {
        ":memory:" => DatabaseFile::Memory,
        ":pipeline:" => DatabaseFile::Path(context.work_dir.join(default)),
        "" => DatabaseFile::Path(context.folder.join(default)),
        path => DatabaseFile::Path(crate::store::local_path(path, &context.folder)?),
    })
}

#[async_trait]
impl Destination for DuckDb {
    fn kind(&self) -> &'static str {
        "duckdb"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn location(&self) -> String {
        match &self.place {
            DatabaseFile::Path(path) => path.display().to_string(),
            DatabaseFile::Memory => ":memory:".to_owned(),
        }
    }

    async fn connect(&self, dataset: &Dataset) -> Result<Box<dyn Session>> {
        let client = DuckDbClient::new(self.clone(), dataset.clone());
        let session = SqlSession::new(client, dataset, &self.staging_layout, &self.capabilities)?;
        Ok(Box::new(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_database_is_read_as_in_the_reference() {
        let context = BuildContext { folder: "/f".into(), pipeline: "p".to_owned(), work_dir: "/w".into() };
        let check = |text: Option<&str>, path: &str| {
            assert_eq!(place(text, &context).unwrap(), DatabaseFile::Path(path.into()), "{text:?}");
        };
        check(None, "/f/p.duckdb");
        check(Some("a/b.db"), "/f/a/b.db");
        check(Some("/x.db"), "/x.db");
        check(Some(":pipeline:"), "/w/p.duckdb");
        check(Some("duckdb:///a.db"), "/f/a.db");
        check(Some("duckdb:////a.db?x=1"), "/a.db");
        assert_eq!(place(Some(":memory:"), &context).unwrap(), DatabaseFile::Memory);
        assert!(place(Some("postgres://x"), &context).is_err());
        for text in ["md:", "md:x?motherduck_token=of-two", "MD:x", "motherduck:x", "duckdb:///md:x"] {
            let error = place(Some(text), &context).unwrap_err();
            assert!(error.message().contains("MotherDuck"), "{text}: {error}");
            assert!(!error.chain().contains("of-two"), "{error}");
        }
        assert!(place(Some("motherduck://x"), &context).unwrap_err().message().contains("motherduck"));
        check(Some("a/md:x"), "/f/a/md:x");
    }
}
