//! The name under which the reference reaches databases of SQLAlchemy, so that its configuration and state mean the same
//! here. Which databases there are, their entries say.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use windlass_core::{Error, Result};

use super::{BuildContext, DESTINATIONS, DestinationEntry};
use crate::config::{parse_options, schema_of};
use crate::destination::{Destination, ReplaceStrategy};
use crate::sources::sql::SqlCredentials;

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "sqlalchemy",
    short: "dlt's name for databases of SQLAlchemy: SQLite, MySQL and MariaDB",
    missing: None,
    needed: Some("credentials"),
    example: "\
type: sqlalchemy
credentials: sqlite:///{pipeline}.db   # the database file, relative to this file
",
    schema: schema_of::<SqlAlchemyConfig>,
    build: |options, context| build(parse_options::<SqlAlchemyConfig>("destination", options)?, context),
    sqlalchemy: None,
};

/// How a destination is built for SQLAlchemy's address of it.
#[derive(Clone, Copy, Debug)]
pub struct SqlAlchemyEntry {
    /// The names of the dialect, as they stand before `+` or `://`.
    pub dialects: &'static [&'static str],
    /// Builds it; the destination calls itself `sqlalchemy`. Errors: options that are wrong.
    pub build: fn(SqlAlchemyConfig, &BuildContext) -> Result<Arc<dyn Destination>>,
}

/// Options of a destination that the reference reaches through SQLAlchemy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SqlAlchemyConfig {
    /// A URL such as `sqlite:///path` or `mysql+pymysql://user:password@host/database`, or an object with the key
    /// `drivername` and the parts.
    pub credentials: Option<SqlCredentials>,
    /// Whether columns with the hint `unique`, such as the row ids, get a constraint. Default false.
    pub create_unique_indexes: bool,
    /// Accepted for SQLAlchemy's sake; only false can be had.
    pub create_primary_keys: bool,
    /// Settings of SQLAlchemy's engine, which mean nothing here.
    pub engine_kwargs: Option<serde_json::Map<String, Value>>,
    /// How rows of a table with write disposition replace are replaced.
    pub replace_strategy: ReplaceStrategy,
    /// Name of the staging dataset; `%s` stands for the dataset. Default `%s_staging`.
    pub staging_dataset_name_layout: Option<String>,
    /// Whether the name of the dataset is normalized. Default true.
    pub enable_dataset_name_normalization: Option<bool>,
    /// What the user should know of the settings.
    #[serde(skip)]
    pub(super) warnings: Vec<String>,
}

fn build(mut config: SqlAlchemyConfig, context: &BuildContext) -> Result<Arc<dyn Destination>> {
    let name = dialect(&config)?;
    let known = DESTINATIONS.iter().filter_map(|entry| entry.sqlalchemy);
    let Some(entry) = known.into_iter().find(|entry| entry.dialects.contains(&name.as_str())) else {
        let short = if name == "postgresql" { "postgres" } else { &name };
        let is_destination = DESTINATIONS.iter().any(|entry| entry.name == short);
        let hint = match is_destination {
            true => format!("use the destination {short}"),
            false => "use sqlite, mysql, duckdb or postgres".to_owned(),
        };
        let message = format!("of SQLAlchemy's databases SQLite and MySQL are here, not `{name}`");
        return Err(Error::unsupported(message).with_hint(hint));
    };
    if config.create_primary_keys {
        return Err(Error::unsupported(
            "create_primary_keys is not there: rows with one key may wait to be merged",
        )
        .with_hint("leave it out; merge by primary_key keeps keys unique"));
    }
    if config.engine_kwargs.is_some() {
        config.warnings.push("engine_kwargs are settings of SQLAlchemy and mean nothing here".to_owned());
    }
    (entry.build)(config, context)
}

/// The name of the database's dialect, in small letters. Errors: credentials without one.
fn dialect(config: &SqlAlchemyConfig) -> Result<String> {
    let name = match &config.credentials {
        Some(SqlCredentials::Url(url)) => match url.expose().split_once("://") {
            Some((scheme, _)) => Some(scheme.to_owned()),
            None => {
                return Err(Error::config("the credentials of a sqlalchemy destination are no URL")
                    .with_hint("write `sqlite:///path`, or use the destination sqlite with a plain path"));
            }
        },
        Some(SqlCredentials::Detailed(parts)) => parts.drivername.clone(),
        None => {
            return Err(Error::config("the sqlalchemy destination has no credentials")
                .with_hint("set destination.credentials to a URL such as sqlite:///path"));
        }
    };
    Ok(name.unwrap_or_default().split('+').next().unwrap_or_default().to_ascii_lowercase())
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn sqlalchemy_is_what_is_here_and_says_what_it_is_not() {
        let context =
            BuildContext { folder: "/f".into(), pipeline: "p".to_owned(), ..BuildContext::default() };
        let built = |options: Value| build(parse_options("destination", options)?, &context);
        let sqlite = built(serde_json::json!({"credentials": "sqlite:////x/a.db"})).unwrap();
        assert_eq!((sqlite.kind(), sqlite.location_of("ds")), ("sqlalchemy", "/x/a__ds.db".to_owned()));
        for (credentials, message, hint) in [
            (serde_json::json!("postgresql://u:horse@h/d"), "not `postgresql`", "destination postgres"),
            (serde_json::json!("duckdb:///horse.db"), "not `duckdb`", "destination duckdb"),
            (serde_json::json!({"drivername": "oracle", "database": "d"}), "not `oracle`", "sqlite"),
            (serde_json::json!("a.db"), "no URL", "sqlite:///path"),
            (Value::Null, "no credentials", "sqlite:///path"),
        ] {
            let error = built(serde_json::json!({ "credentials": credentials })).err().unwrap();
            assert!(error.to_string().contains(message), "{error}");
            assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error}");
            assert!(!error.chain().contains("horse"), "{error}");
        }
        assert!(
            built(serde_json::json!({"credentials": "sqlite:///a", "create_primary_keys": true})).is_err()
        );
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn an_address_of_mysql_is_a_mysql_destination() {
        let context = BuildContext::default();
        let built = |options: Value| build(parse_options("destination", options)?, &context);
        for url in ["mysql://u:horse@h/d", "mysql+pymysql://u:horse@h:3307/d", "mariadb+mysqldb://u:horse@h"]
        {
            let mysql = built(serde_json::json!({ "credentials": url })).unwrap();
            assert_eq!(mysql.kind(), "sqlalchemy");
            assert!(mysql.location().starts_with("mysql://h") && !mysql.location().contains("horse"));
        }
    }
}
