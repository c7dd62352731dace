//! SQLite: a file for each dataset, attached under the dataset's name. Every load is one transaction over the files.

mod connection;
mod insert;
mod read;
mod session;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::normalize::TypeDefaults;
use windlass_core::{Error, Result};

use self::session::SqliteSession;
use super::sql_dataset::{sql_capabilities, staging_layout};
use super::{BuildContext, DestinationEntry, check_local};
use crate::config::{parse_options, schema_of};
use crate::destination::{Capabilities, Dataset, Destination, ReplaceStrategy, Session};

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
};

/// The name under which the reference reaches SQLite, so that its configuration and state mean the same here.
pub(super) const SQLALCHEMY: DestinationEntry = DestinationEntry {
    name: "sqlalchemy",
    short: "dlt's name for databases of SQLAlchemy, of which SQLite is here",
    missing: None,
    needed: Some("credentials"),
    example: "\
type: sqlalchemy
credentials: sqlite:///{pipeline}.db   # the database file, relative to this file
",
    schema: schema_of::<SqlAlchemyConfig>,
    build: |options, context| {
        let config = parse_options::<SqlAlchemyConfig>("destination", options)?;
        Ok(Arc::new(Sqlite::sqlalchemy(config, context)?))
    },
};

/// Options of a destination that the reference reaches through SQLAlchemy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SqlAlchemyConfig {
    /// A URL such as `sqlite:///path`, or an object with the keys `drivername` and `database`.
    pub credentials: Option<SqliteCredentials>,
    /// Whether columns with the hint `unique`, such as the row ids, get a constraint. Default false.
    pub create_unique_indexes: bool,
    /// Accepted for SQLAlchemy's sake; only false can be had.
    pub create_primary_keys: bool,
    /// Settings of SQLAlchemy's engine, which mean nothing here.
    pub engine_kwargs: Option<serde_json::Map<String, serde_json::Value>>,
    /// How rows of a table with write disposition replace are replaced.
    pub replace_strategy: ReplaceStrategy,
    /// Name of the staging dataset; `%s` stands for the dataset. Default `%s_staging`.
    pub staging_dataset_name_layout: Option<String>,
    /// Whether the name of the dataset is normalized. Default true.
    pub enable_dataset_name_normalization: Option<bool>,
}

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

    /// The database that options in the reference's form name. Errors: a database that is not SQLite; as of
    /// [`Sqlite::new`].
    pub fn sqlalchemy(config: SqlAlchemyConfig, context: &BuildContext) -> Result<Self> {
        let dialect = match &config.credentials {
            Some(SqliteCredentials::Database(url)) => match url.split_once("://") {
                Some((scheme, _)) => Some(scheme),
                None => {
                    return Err(Error::config("the credentials of a sqlalchemy destination are no URL")
                        .with_hint(
                            "write `sqlite:///path`, or use the destination sqlite with a plain path",
                        ));
                }
            },
            Some(SqliteCredentials::Detailed(parts)) => parts.drivername.as_deref(),
            None => {
                return Err(Error::config("the sqlalchemy destination has no credentials")
                    .with_hint("set destination.credentials to a URL such as sqlite:///path"));
            }
        };
        let name = dialect.and_then(|name| name.split('+').next()).unwrap_or_default();
        if name != "sqlite" {
            let hint = match name {
                "postgresql" | "postgres" => "use the destination postgres",
                "duckdb" => "use the destination duckdb",
                _ => "use sqlite, duckdb or postgres",
            };
            let message = format!("of SQLAlchemy's databases only SQLite is here, not `{name}`");
            return Err(Error::unsupported(message).with_hint(hint));
        }
        if config.create_primary_keys {
            return Err(Error::unsupported(
                "create_primary_keys is not there: rows with one key may wait to be merged",
            )
            .with_hint("leave it out; merge by primary_key keeps keys unique"));
        }
        let plain = SqliteConfig {
            credentials: config.credentials,
            replace_strategy: config.replace_strategy,
            staging_dataset_name_layout: config.staging_dataset_name_layout,
            enable_dataset_name_normalization: config.enable_dataset_name_normalization,
        };
        let mut sqlite = Self::new(plain, context)?;
        sqlite.kind = "sqlalchemy";
        sqlite.capabilities.types.unique_constraints = config.create_unique_indexes;
        if config.engine_kwargs.is_some() {
            sqlite
                .capabilities
                .warnings
                .push("engine_kwargs are settings of SQLAlchemy and mean nothing here".to_owned());
        }
        Ok(sqlite)
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
        Ok(Box::new(SqliteSession::new(self.clone(), dataset)?))
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
    fn sqlalchemy_is_sqlite_and_says_what_it_is_not() {
        let context =
            BuildContext { folder: "/f".into(), pipeline: "p".to_owned(), ..BuildContext::default() };
        let build =
            |options: serde_json::Value| Sqlite::sqlalchemy(parse_options("destination", options)?, &context);
        let sqlite = build(serde_json::json!({"credentials": "sqlite:////x/a.db"})).unwrap();
        assert_eq!((sqlite.kind(), sqlite.file("ds")), ("sqlalchemy", PathBuf::from("/x/a__ds.db")));
        for (credentials, message, hint) in [
            (serde_json::json!("mysql+pymysql://u:horse@h/d"), "not `mysql`", "sqlite, duckdb or postgres"),
            (serde_json::json!("postgresql://u:horse@h/d"), "not `postgresql`", "destination postgres"),
            (serde_json::json!({"drivername": "oracle", "database": "d"}), "not `oracle`", "sqlite"),
            (serde_json::json!("a.db"), "no URL", "sqlite:///path"),
            (serde_json::Value::Null, "no credentials", "sqlite:///path"),
        ] {
            let error = build(serde_json::json!({ "credentials": credentials })).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
            assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error}");
            assert!(!error.chain().contains("horse"), "{error}");
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        for credentials in [":memory:", "sqlite://", "postgres://h/d"] {
            assert!(sqlite(credentials.into()).is_err(), "{credentials}");
        }
        assert!(sqlite(serde_json::json!({"drivername": "mysql", "database": "d"})).is_err());
    }
}
