//! MySQL and MariaDB: prepared statements, whose rows come in the binary protocol and are never held as a whole.
//!
//! A connection lives as long as one call or one read. Each read is one statement at the isolation level REPEATABLE
//! READ, so it sees one moment of the tables whatever happens meanwhile; neither server lets several connections share
//! such a moment, so there is no [`Snapshot`].

mod catalog;
mod rows;
mod types;
mod value;

use std::sync::Arc;

use async_trait::async_trait;
use windlass_core::{Error, Result};

use super::address::Address;
use super::catalog::{ColumnShape, Relation, TableShape};
use super::config::InvalidValues;
use super::database::{Database, Dialect, Rows, Snapshot};
use super::open::OpenOptions;
use crate::mysql::{Access, Connection, Settings};
use crate::side::Side;

/// A MySQL or MariaDB server.
#[derive(Debug)]
pub(crate) struct MySql {
    settings: Arc<Settings>,
    invalid_values: InvalidValues,
}

/// The server at an address. Errors: parameters of the address that are unknown or wrong; the network is not used.
pub(super) fn open(address: &Address, options: &OpenOptions) -> Result<Arc<dyn Database>> {
    let settings = Arc::new(Settings::new(address, Side::Source, Access::Read)?);
    Ok(Arc::new(MySql { settings, invalid_values: options.invalid_values }))
}

impl MySql {
    /// A reader of what the engine itself has written.
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, invalid_values: InvalidValues::default() }
    }

    /// The database that is meant by `schema`. Errors: none is named anywhere.
    fn schema<'a>(&'a self, schema: Option<&'a str>) -> Result<&'a str> {
        schema.or(self.settings.database.as_deref()).ok_or_else(|| {
            Error::config(format!("the address of {} names no database", self.settings.location)).with_hint(
                "write it behind the host, as in mysql://user:password@host/database, or set `schema`",
            )
        })
    }
}

#[async_trait]
impl Database for MySql {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn location(&self) -> &str {
        &self.settings.location
    }

    async fn relations(&self, schema: Option<&str>) -> Result<Vec<Relation>> {
        let schema = self.schema(schema)?;
        let mut connection = Connection::open(&self.settings).await?;
        let relations = catalog::relations(&mut connection, schema).await?;
        connection.close();
        Ok(relations)
    }

    async fn reflect(&self, schema: Option<&str>, names: &[String]) -> Result<Vec<TableShape>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let database = self.schema(schema)?;
        let mut connection = Connection::open(&self.settings).await?;
        let mut tables = catalog::tables(&mut connection, database, names).await?;
        connection.close();
        for table in &mut tables {
            table.schema = schema.map(str::to_owned);
        }
        Ok(tables)
    }

    async fn describe(&self, query: &str) -> Result<Vec<ColumnShape>> {
        let mut connection = Connection::open(&self.settings).await?;
        let columns = connection.prepare(query).await?;
        connection.close();
        Ok(columns.1.iter().map(types::of_result).collect())
    }

    async fn ask(&self, query: &str) -> Result<Vec<Vec<Option<String>>>> {
        let mut connection = Connection::open(&self.settings).await?;
        let rows = connection.texts(query, "run a query at").await?;
        connection.close();
        Ok(rows)
    }

    async fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>> {
        Ok(None)
    }

    async fn read(
        &self,
        query: &str,
        columns: &[ColumnShape],
        chunk_rows: usize,
        _snapshot: Option<&str>,
    ) -> Result<Box<dyn Rows>> {
        let connection = Connection::open(&self.settings).await?;
        let rows =
            rows::MySqlRows::start(connection, query, columns, chunk_rows, self.invalid_values).await?;
        Ok(Box::new(rows))
    }
}
