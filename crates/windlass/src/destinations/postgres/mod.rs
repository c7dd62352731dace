//! PostgreSQL. Every load is one transaction: tables, rows by binary `COPY`, load record and state.

mod client;
mod connection;
mod copy;
mod encode;
mod error;
mod lease;
mod read;
mod stream;

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::normalize::TypeDefaults;
use windlass_core::{Error, Result};

use self::client::PostgresClient;
use super::DestinationEntry;
use super::sql::{SqlSession, sql_capabilities, staging_layout};
use crate::config::{parse_options, schema_of};
use crate::destination::{Capabilities, Dataset, Destination, ReplaceStrategy, Session};
use crate::postgres::Address;
pub use crate::postgres::{PostgresConnection, PostgresCredentials};
use crate::side::Side;

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "postgres",
    short: "PostgreSQL; a load is one transaction",
    missing: None,
    needed: Some("credentials"),
    example: "\
type: postgres
credentials: ${POSTGRES_URL}   # postgresql://user:password@host/database
",
    schema: schema_of::<PostgresConfig>,
    build: |options, _| {
        Ok(Arc::new(Postgres::new(parse_options::<PostgresConfig>("destination", options)?)?))
    },
    sqlalchemy: None,
};

/// Options of a Postgres destination.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// The server and the database: a URL such as `postgresql://user:password@host:5432/database?sslmode=require`, or
    /// an object with the parts.
    pub credentials: Option<PostgresCredentials>,
    /// Whether columns with the hint `unique`, such as the row ids, get a constraint. Default true.
    pub create_indexes: Option<bool>,
    /// How csv files are written; accepted and unused, because rows are sent in the server's binary form.
    pub csv_format: Option<CsvFormat>,
    /// How rows of a table with write disposition replace are replaced.
    pub replace_strategy: ReplaceStrategy,
    /// Name of the staging dataset; `%s` stands for the dataset. Default `%s_staging`.
    pub staging_dataset_name_layout: Option<String>,
    /// Whether the name of the dataset is normalized. Default true.
    pub enable_dataset_name_normalization: Option<bool>,
}

/// The reference's options of csv files that a database reads.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvFormat {
    /// What stands between values.
    pub delimiter: Option<char>,
    /// Whether the first line names the columns.
    pub include_header: Option<bool>,
    /// Which values stand in quotes.
    pub quoting: Option<windlass_core::file::CsvQuoting>,
    /// What ends a line.
    pub lineterminator: Option<String>,
    /// The encoding.
    pub encoding: Option<String>,
    /// What becomes of characters that the encoding does not have.
    pub encoding_errors: Option<String>,
    /// Whether rows that cannot be read are left out.
    pub on_error_continue: Option<bool>,
}

/// A PostgreSQL database as destination.
#[derive(Clone, Debug)]
pub struct Postgres {
    address: Arc<Address>,
    staging_layout: String,
    capabilities: Capabilities,
}

impl Postgres {
    /// The database that the options name. Errors: no credentials, a URL of something else, unknown parameters.
    pub fn new(config: PostgresConfig) -> Result<Self> {
        let credentials = config.credentials.ok_or_else(|| {
            Error::config("the postgres destination has no credentials").with_hint(
                "set destination.credentials to a URL such as postgresql://user:password@host/database, or to an object \
                 with host, database, username and password",
            )
        })?;
        let sql = sql_capabilities(63);
        let unused = "csv_format means nothing here: rows are sent in the server's binary form";
        Ok(Self {
            address: Arc::new(Address::new(&credentials, Side::Destination)?),
            staging_layout: staging_layout(config.staging_dataset_name_layout.as_deref())?,
            capabilities: Capabilities {
                normalizes_dataset_name: config.enable_dataset_name_normalization.unwrap_or(true),
                replace_strategy: config.replace_strategy,
                warnings: config.csv_format.iter().map(|_| unused.to_owned()).collect(),
                counts_identifier_bytes: true,
                has_case_sensitive_identifiers: true,
                types: TypeDefaults {
                    // All digits that a file can hold; the column is wider.
                    wei: (76, 0),
                    max_decimal_precision: TypeDefaults::default().max_decimal_precision,
                    limits_text: true,
                    unique_constraints: config.create_indexes.unwrap_or(true),
                    ..sql.types
                },
                ..sql
            },
        })
    }
}

#[async_trait]
impl Destination for Postgres {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn location(&self) -> String {
        self.address.location.clone()
    }

    async fn connect(&self, dataset: &Dataset) -> Result<Box<dyn Session>> {
        let client = PostgresClient::new(Arc::clone(&self.address), dataset)?;
        let session = SqlSession::new(client, dataset, &self.staging_layout, &self.capabilities)?;
        Ok(Box::new(session))
    }
}
