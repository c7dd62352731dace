//! What a database can do for a source.

use std::fmt;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::{Error, Result, sql};

use super::catalog::{ColumnShape, Relation, TableShape};

/// Bytes of values after which a batch ends before its rows are full: wide rows must not fill the memory.
pub const BATCH_BYTES: usize = 8 << 20;

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

impl Dialect {
    /// How its SQL is written.
    pub fn sql(self) -> &'static dyn sql::Dialect {
        match self {
            Self::Postgres => sql::POSTGRES,
            Self::MySql => sql::MYSQL,
            Self::Sqlite => sql::SQLITE,
            Self::DuckDb => sql::DUCKDB,
        }
    }
}

/// A database that tables are read from. Holds no connection by itself; each call may take one.
#[async_trait]
pub trait Database: Send + Sync + fmt::Debug {
    /// How it is spoken to.
    fn dialect(&self) -> Dialect;

    /// The SQL that reads a column in the form that [`Database::read`] takes; by default the column itself, by its quoted
    /// name.
    fn selected(&self, _column: &ColumnShape, quoted: &str) -> String {
        quoted.to_owned()
    }

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

    /// Conditions that keep rows away whose transactions may still be overtaken by one with an earlier cursor.
    ///
    /// Errors: a database or a table that knows nothing of the kind.
    async fn guard(&self, table: &TableShape, _cursor: &ColumnShape) -> Result<Vec<String>> {
        Err(Error::unsupported("this database has no `guard: snapshot` for cursors")
            .with_hint("use `lag`, and merge the rows that are loaded again")
            .at_table(&table.name))
    }

    /// A moment that several reads can see together; `None` where the database has no such thing.
    ///
    /// Errors: no connection, missing rights.
    async fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>>;

    /// Runs a query and streams its rows, `chunk_rows` in each batch but the last, or fewer where rows are large
    /// ([`BATCH_BYTES`]); holds no more than two batches.
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
pub trait Snapshot: Send + Sync {
    /// What names it to other connections.
    fn name(&self) -> &str;

    /// Whether it lasts still: it is gone with the connection that holds it.
    fn is_held(&self) -> bool;
}
