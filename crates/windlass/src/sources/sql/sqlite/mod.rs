//! SQLite: read-only, row by row in a thread of its own. A value that does not fit the type of its column is an error
//! that names the row.

mod catalog;
mod columns;
mod connection;
mod declared;
mod moments;
mod rows;

use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use windlass_core::{Error, Result};

use self::connection::{Place, problem};
use self::rows::SqliteRows;
use super::address::Address;
use super::catalog::{ColumnShape, Relation, TableShape};
use super::database::{Database, Dialect, Rows, Snapshot};
use super::open::OpenOptions;

/// Opens nothing yet. Errors: a database in memory, parameters that are unknown.
pub(super) fn open(address: &Address, options: &OpenOptions) -> Result<Arc<dyn Database>> {
    Ok(Arc::new(Sqlite { place: Place::new(address, options)? }))
}

/// A database file.
#[derive(Clone, Debug)]
struct Sqlite {
    place: Place,
}

impl Sqlite {
    /// Runs `work` with a connection on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Place) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place.clone();
        tokio::task::spawn_blocking(move || work(&place.connect()?, &place))
            .await
            .map_err(|cause| Error::internal("a thread of SQLite broke down").with_source(cause))?
    }
}

#[async_trait]
impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
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
        self.with(move |connection, place| ask(connection, place, &query)).await
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
        Ok(Box::new(SqliteRows::start(self.place.clone(), query, columns, chunk_rows).await?))
    }
}

fn ask(connection: &Connection, place: &Place, query: &str) -> Result<Vec<Vec<Option<String>>>> {
    let failed = |cause| problem("query", &place.location, cause);
    let mut statement = connection.prepare(query).map_err(failed)?;
    let width = statement.column_count();
    let mut rows = statement.query([]).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |index| -> Result<Option<String>> {
            Ok(match row.get_ref(index).map_err(failed)? {
                ValueRef::Null => None,
                ValueRef::Integer(number) => Some(number.to_string()),
                ValueRef::Real(number) => Some(format!("{number:?}")),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    Some(String::from_utf8_lossy(bytes).into_owned())
                }
            })
        };
        found.push((0..width).map(text).collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}

/// A batch, or what ended the reading.
type Batch = Result<RecordBatch>;

#[cfg(test)]
mod tests;
