//! DuckDB: a file that is opened for reading, whose columns are handed over as they are.

mod catalog;
mod connection;
mod declared;
mod rows;

use std::sync::Arc;

use ::duckdb::Connection;
use async_trait::async_trait;
use windlass_core::{Error, Result};

use self::connection::{Place, problem};
use self::rows::DuckDbRows;
use super::address::Address;
use super::catalog::{ColumnShape, Relation, TableShape};
use super::config::InvalidValues;
use super::database::{Database, Dialect, Rows, Snapshot};
use super::open::OpenOptions;

/// Opens nothing yet. Errors: a database in memory or in a cloud.
pub(super) fn open(address: &Address, options: &OpenOptions) -> Result<Arc<dyn Database>> {
    Ok(Arc::new(DuckDb { place: Arc::new(Place::new(address)?), invalid_values: options.invalid_values }))
}

/// A database file.
#[derive(Clone, Debug)]
struct DuckDb {
    place: Arc<Place>,
    invalid_values: InvalidValues,
}

impl DuckDb {
    /// Runs `work` with a connection on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Place) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.place);
        tokio::task::spawn_blocking(move || work(&place.connect()?, &place))
            .await
            .map_err(|cause| Error::internal("a thread of DuckDB broke down").with_source(cause))?
    }
}

#[async_trait]
impl Database for DuckDb {
    fn dialect(&self) -> Dialect {
        Dialect::DuckDb
    }

    fn selected(&self, column: &ColumnShape, quoted: &str) -> String {
        declared::selected(&column.declared, column.sql_type, quoted)
    }

    fn location(&self) -> &str {
        &self.place.location
    }

    async fn relations(&self, schema: Option<&str>) -> Result<Vec<Relation>> {
        let schema = schema.map(str::to_owned);
        self.with(move |connection, place| catalog::relations(connection, place, schema.as_deref())).await
    }

    async fn reflect(&self, schema: Option<&str>, names: &[String]) -> Result<Vec<TableShape>> {
        let (schema, names) = (schema.map(str::to_owned), names.to_vec());
        self.with(move |connection, place| catalog::reflect(connection, place, schema.as_deref(), &names))
            .await
    }

    async fn describe(&self, query: &str) -> Result<Vec<ColumnShape>> {
        let query = query.to_owned();
        self.with(move |connection, place| catalog::describe(connection, place, &query)).await
    }

    async fn ask(&self, query: &str) -> Result<Vec<Vec<Option<String>>>> {
        let query = query.to_owned();
        self.with(move |connection, place| catalog::texts(connection, place, "query", &query)).await
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
        let place = Arc::clone(&self.place);
        Ok(Box::new(DuckDbRows::start(place, query, columns, chunk_rows, self.invalid_values).await?))
    }
}

#[cfg(test)]
mod tests;
