//! SQLite: a file for each dataset, attached under the dataset's name. Every load is one transaction over the files.

mod client;
mod connection;
mod insert;
mod read;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::normalize::TypeDefaults;
use windlass_core::{Error, Result};

use self::client::SqliteClient;
use super::sql::{SqlSession, sql_capabilities, staging_layout};
use super::sqlalchemy::{SqlAlchemyConfig, SqlAlchemyEntry};
use super::{BuildContext, DestinationEntry, check_local};
use crate::config::{parse_options, schema_of};
use crate::destination::{Capabilities, Dataset, Destination, ReplaceStrategy, Session};
use crate::sources::sql::SqlCredentials;

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "sqlite",
    short: "SQLite, one file for each dataset; a load is one transaction",
    missing: None,
    needed: None,
    example: "\
type: sqlite
credentials: ./{pipeline}.db   # the database file, relative to this file
",
    schema: schema_of::<SqliteConfig>,
    build: |options, context| {
        Ok(Arc::new(Sqlite::new(parse_options::<SqliteConfig>("destination", options)?, context)?))
    },
    sqlalchemy: Some(SqlAlchemyEntry { dialects: &["sqlite"], build: Sqlite::sqlalchemy }),
};

/// Options of a SQLite destination.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SqliteConfig {
    /// Path of the database file, a URL such as `sqlite:///path`, or an object with the key `database`. The tables of
    /// dataset `ds` are in a file beside it: `a.db` becomes `a__ds.db`; those of a dataset `main` are in the file itself.
    /// Default: `<pipeline name>.db` in the current folder.
    pub credentials: Option<SqliteCredentials>,
    /// How rows of a table with write disposition replace are replaced.
    pub replace_strategy: ReplaceStrategy,
    /// Name of the staging dataset; `%s` stands for the dataset. Default `%s_staging`.
    pub staging_dataset_name_layout: Option<String>,
    /// Whether the name of the dataset is normalized. Default true.
    pub enable_dataset_name_normalization: Option<bool>,
}

/// Where the database is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SqliteCredentials {
    /// The path or URL.
    Database(String),
    /// The parts.
    Detailed(SqliteParts),
}

/// The parts of the credentials.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SqliteParts {
    /// `sqlite`; other names are not for this destination.
    pub drivername: Option<String>,
    /// Path of the database file.
    pub database: Option<String>,
}

/// SQLite files as destination.
#[derive(Clone, Debug)]
pub struct Sqlite {
    kind: &'static str,
    /// The file that the files of datasets stand beside.
    path: PathBuf,
    staging_layout: String,
    capabilities: Capabilities,
}

impl Sqlite {
    /// The database that the options name. Errors: a URL of something else; a database in memory.
    pub fn new(config: SqliteConfig, context: &BuildContext) -> Result<Self> {
        let parts = match config.credentials {
            None => SqliteParts::default(),
            Some(SqliteCredentials::Database(database)) => {
                SqliteParts { database: Some(database), ..SqliteParts::default() }
            }
            Some(SqliteCredentials::Detailed(parts)) => parts,
        };
        if let Some(driver) = parts.drivername.filter(|driver| driver.split('+').next() != Some("sqlite")) {
            return Err(Error::config(format!("a sqlite destination has no driver `{driver}`"))
                .with_hint("leave drivername out"));
        }
        let sql = sql_capabilities(9999);
        Ok(Self {
            kind: "sqlite",
            path: path(parts.database.as_deref(), context)?,
            staging_layout: staging_layout(config.staging_dataset_name_layout.as_deref())?,
            capabilities: Capabilities {
                normalizes_dataset_name: config.enable_dataset_name_normalization.unwrap_or(true),
                replace_strategy: config.replace_strategy,
                types: TypeDefaults {
                    scale_defaults_alone: false,
                    max_decimal_precision: TypeDefaults::default().max_decimal_precision,
                    ..sql.types
                },
                ..sql
            },
        })
    }

    /// The database that options in the reference's form name. Errors: as of [`Sqlite::new`].
    fn sqlalchemy(config: SqlAlchemyConfig, context: &BuildContext) -> Result<Arc<dyn Destination>> {
        let credentials = config.credentials.map(|credentials| match credentials {
            SqlCredentials::Url(url) => SqliteCredentials::Database(url.expose().to_owned()),
            SqlCredentials::Detailed(parts) => SqliteCredentials::Detailed(SqliteParts {
                drivername: parts.drivername,
                database: parts.database,
            }),
        });
        let plain = SqliteConfig {
            credentials,
            replace_strategy: config.replace_strategy,
            staging_dataset_name_layout: config.staging_dataset_name_layout,
            enable_dataset_name_normalization: config.enable_dataset_name_normalization,
        };
        let mut sqlite = Self::new(plain, context)?;
        sqlite.kind = "sqlalchemy";
        sqlite.capabilities.types.unique_constraints = config.create_unique_indexes;
        sqlite.capabilities.warnings = config.warnings;
        Ok(Arc::new(sqlite))
    }

    /// The file of a dataset.
    fn file(&self, dataset: &str) -> PathBuf {
        if dataset == "main" {
            return self.path.clone();
        }
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let extension = self.path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
        self.path.with_file_name(format!("{stem}__{dataset}{}", extension.unwrap_or_default()))
    }
}

/// Reads the place of a database from a path or URL.
fn path(database: Option<&str>, context: &BuildContext) -> Result<PathBuf> {
    let text = database.filter(|text| !text.is_empty());
    let Some(text) = text else { return Ok(context.folder.join(format!("{}.db", context.pipeline))) };
    let path = match text.split_once("://") {
        None => text,
        Some((scheme, rest)) if scheme.split('+').next() == Some("sqlite") => {
            rest.split('?').next().unwrap_or(rest).strip_prefix('/').unwrap_or(rest)
        }
        Some((other, _)) => {
            return Err(Error::config(format!("a sqlite destination cannot be at a `{other}://` address"))
                .with_hint("give the path of a database file"));
        }
    };
    if path.is_empty() || path == ":memory:" {
        return Err(Error::config("a SQLite database in memory would be gone after the load")
            .with_hint("give the path of a file, or use the duckdb destination with `:memory:`"));
    }
    check_local(path, "sqlite")?;
    crate::store::local_path(path, &context.folder)
}

#[async_trait]
impl Destination for Sqlite {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn location_of(&self, dataset: &str) -> String {
        self.file(dataset).display().to_string()
    }

    async fn connect(&self, dataset: &Dataset) -> Result<Box<dyn Session>> {
        let client = SqliteClient::new(self.clone(), dataset)?;
        let session = SqlSession::new(client, dataset, &self.staging_layout, &self.capabilities)?;
        Ok(Box::new(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(credentials: serde_json::Value) -> Result<Sqlite> {
        let context =
            BuildContext { folder: "/f".into(), pipeline: "p".to_owned(), ..BuildContext::default() };
        let options = serde_json::json!({ "credentials": credentials });
        Sqlite::new(parse_options("destination", options)?, &context)
    }

    #[test]
    fn each_dataset_has_a_file_of_its_own() {
        let check = |credentials: serde_json::Value, dataset: &str, file: &str| {
            assert_eq!(sqlite(credentials).unwrap().file(dataset), PathBuf::from(file));
        };
        check("a.db".into(), "ds", "/f/a__ds.db");
        check("sqlite:////x/a".into(), "ds", "/x/a__ds");
        check("sqlite:///a.b.db".into(), "main", "/f/a.b.db");
        check(serde_json::json!({"database": "/y.sqlite"}), "d2", "/y__d2.sqlite");
        check(serde_json::Value::Null, "ds", "/f/p__ds.db");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        for credentials in [":memory:", "sqlite://", "postgres://h/d"] {
            assert!(sqlite(credentials.into()).is_err(), "{credentials}");
        }
        assert!(sqlite(serde_json::json!({"drivername": "mysql", "database": "d"})).is_err());
    }
}
