//! What a database can do for a source.

use std::fmt;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::Result;

use super::catalog::{ColumnShape, Relation, TableShape};

/// A kind of database, for what differs in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
    /// DuckDB.
    DuckDb,
}

/// A database that tables are read from. Holds no connection by itself; each call may take one.
#[async_trait]
pub trait Database: Send + Sync + fmt::Debug {
    /// How it is spoken to.
    fn dialect(&self) -> Dialect;

    /// Where it is, for people: without user, password and parameters.
    fn location(&self) -> &str;

    /// The tables and views of a schema (of a database, for MySQL); of the default one for `None`. In the catalogue's
    /// order. Errors: no connection; no such schema.
    async fn relations(&self, schema: Option<&str>) -> Result<Vec<Relation>>;

    /// What the catalogue knows of these relations, in the order given; one that does not exist is left out.
    ///
    /// Errors: no connection, the catalogue cannot be read.
    async fn reflect(&self, schema: Option<&str>, names: &[String]) -> Result<Vec<TableShape>>;

    /// The columns that a query gives. Errors: no connection; a query that cannot be run, with the database's words.
    async fn describe(&self, query: &str) -> Result<Vec<ColumnShape>>;

    /// The few rows of a small query as texts: statistics, bounds, plans. Errors: as [`Database::describe`].
    async fn ask(&self, query: &str) -> Result<Vec<Vec<Option<String>>>>;

    /// A moment that several reads can see together; `None` where the database has no such thing.
    ///
    /// Errors: no connection, missing rights.
    async fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>>;

    /// Runs a query and streams its rows, `chunk_rows` in each batch but the last; holds no more than two batches.
    ///
    /// `columns` are those of the query, in its order, as [`Database::reflect`] or [`Database::describe`] gave them;
    /// the columns of the batches have their names and [`SqlType::arrow_type`](super::SqlType::arrow_type). `snapshot`
    /// is the [`Snapshot::name`] of a snapshot that is still held.
    ///
    /// Errors: no connection; a query that cannot be run. They are retryable where trying again may help.
    async fn read(
        &self,
        query: &str,
        columns: &[ColumnShape],
        chunk_rows: usize,
        snapshot: Option<&str>,
    ) -> Result<Box<dyn Rows>>;
}

/// The rows of a query that is running.
#[async_trait]
pub trait Rows: Send {
    /// The next rows, or `None` at the end. Errors: a lost connection; a value that its type does not allow, with the
    /// column and the remedy; rows of another form than promised, since the table was changed meanwhile.
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>>;

    /// What people should know of what was read since the last call, as sentences without a full stop.
    fn notices(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// A moment of a database, which lasts until this is dropped.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// What names it to other connections.
    fn name(&self) -> &str;
}
