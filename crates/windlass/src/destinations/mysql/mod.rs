//! MySQL and MariaDB. Tables and columns come first, since each statement that makes them commits by itself; then the
//! rows, load record and state are one transaction.

mod client;
mod copy;
mod encode;
mod index;
mod lease;
mod read;

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::normalize::TypeDefaults;
use windlass_core::schema::Schema;
use windlass_core::{Error, Result};

use self::client::MySqlClient;
use super::sql::{SqlSession, sql_capabilities, staging_layout};
use super::sqlalchemy::{SqlAlchemyConfig, SqlAlchemyEntry};
use super::{BuildContext, DestinationEntry};
use crate::config::{parse_options, schema_of};
use crate::destination::{Capabilities, Dataset, Destination, ReplaceStrategy, Session};
use crate::mysql::{Access, Settings};
use crate::side::Side;
use crate::sources::sql::{Address, Dialect, SqlCredentials};

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "mysql",
    short: "MySQL and MariaDB; the rows of a load are one transaction",
    missing: None,
    needed: Some("credentials"),
    example: "\
type: mysql
credentials: ${MYSQL_URL}   # mysql://user:password@host:3306/database
",
    schema: schema_of::<MySqlConfig>,
    build: |options, _| Ok(Arc::new(MySql::new(parse_options::<MySqlConfig>("destination", options)?)?)),
    sqlalchemy: Some(SqlAlchemyEntry { dialects: &["mysql", "mariadb"], build: MySql::sqlalchemy }),
};

/// Options of a MySQL destination.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MySqlConfig {
    /// The server: a URL such as `mysql://user:password@host:3306/database?ssl_ca=ca.pem`, or an object with the parts.
    /// Datasets are databases of the server; the one that is named may be left out.
    pub credentials: Option<SqlCredentials>,
    /// Whether columns with the hint `unique`, such as the row ids, get a constraint. Default false.
    pub create_unique_indexes: bool,
    /// How rows of a table with write disposition replace are replaced.
    pub replace_strategy: ReplaceStrategy,
    /// Name of the staging dataset; `%s` stands for the dataset. Default `%s_staging`.
    pub staging_dataset_name_layout: Option<String>,
    /// Whether the name of the dataset is normalized. Default true.
    pub enable_dataset_name_normalization: Option<bool>,
}

/// A MySQL or MariaDB server as destination.
#[derive(Clone, Debug)]
pub struct MySql {
    kind: &'static str,
    address: Address,
    settings: Arc<Settings>,
    staging_layout: String,
    capabilities: Capabilities,
}

impl MySql {
    /// The server that the options name. Errors: no credentials, a URL of something else, unknown parameters.
    pub fn new(config: MySqlConfig) -> Result<Self> {
        let credentials = config.credentials.ok_or_else(|| {
            Error::config("the mysql destination has no credentials").with_hint(
                "set destination.credentials to a URL such as mysql://user:password@host:3306/database, or to an object with \
                 drivername, host, username and password",
            )
        })?;
        let credentials = match credentials {
            SqlCredentials::Detailed(mut parts) => {
                parts.drivername.get_or_insert_with(|| "mysql".to_owned());
                SqlCredentials::Detailed(parts)
            }
            url => url,
        };
        let mut address = credentials.address()?;
        if address.dialect != Dialect::MySql {
            return Err(Error::config(format!("a mysql destination cannot be at {}", address.location()))
                .with_hint("use the destination of that database"));
        }
        // Datasets are databases: the one that is named need not exist.
        address.database = None;
        let sql = sql_capabilities(64);
        Ok(Self {
            kind: "mysql",
            settings: Arc::new(Settings::new(&address, Side::Destination, Access::Write)?),
            address,
            staging_layout: staging_layout(config.staging_dataset_name_layout.as_deref())?,
            capabilities: Capabilities {
                normalizes_dataset_name: config.enable_dataset_name_normalization.unwrap_or(true),
                replace_strategy: config.replace_strategy,
                types: TypeDefaults {
                    scale_defaults_alone: false,
                    // All digits that a column can hold.
                    wei: (65, 0),
                    max_decimal_precision: 65,
                    limits_text: true,
                    unique_constraints: config.create_unique_indexes,
                    ..sql.types
                },
                ..sql
            },
        })
    }

    /// The same with options in the reference's form. Errors: as of [`MySql::new`].
    fn sqlalchemy(config: SqlAlchemyConfig, _: &BuildContext) -> Result<Arc<dyn Destination>> {
        let mut mysql = Self::new(MySqlConfig {
            credentials: config.credentials,
            create_unique_indexes: config.create_unique_indexes,
            replace_strategy: config.replace_strategy,
            staging_dataset_name_layout: config.staging_dataset_name_layout,
            enable_dataset_name_normalization: config.enable_dataset_name_normalization,
        })?;
        mysql.kind = "sqlalchemy";
        mysql.capabilities.warnings = config.warnings;
        Ok(Arc::new(mysql))
    }
}

#[async_trait]
impl Destination for MySql {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn location(&self) -> String {
        self.settings.location.clone()
    }

    fn check_places(&self, schema: &Schema) -> Result<()> {
        for table in schema.tables.values() {
            check_name(&table.name).map_err(|error| error.at_table(&table.name))?;
            for column in table.complete_columns() {
                let checked = check_name(&column.name);
                checked.map_err(|error| error.at_table(&table.name).at_column(&column.name))?;
            }
        }
        Ok(())
    }

    async fn connect(&self, dataset: &Dataset) -> Result<Box<dyn Session>> {
        let client = MySqlClient::new(&self.address, Arc::clone(&self.settings), dataset)?;
        let session = SqlSession::new(client, dataset, &self.staging_layout, &self.capabilities)?;
        Ok(Box::new(session))
    }
}

/// Errors: a name that MySQL does not take, in whatever quotes.
fn check_name(name: &str) -> Result<()> {
    let is_wrong = |character: char| character == '\0' || u32::from(character) > 0xffff;
    if name.ends_with(' ') || name.chars().any(is_wrong) {
        return Err(Error::config(format!("`{}` cannot be a name in MySQL", name.escape_debug())).with_hint(
            "its names have characters of the basic plane only, and no blank at their end: choose the naming convention \
             snake_case, or rename it with a step",
        ));
    }
    Ok(())
}
