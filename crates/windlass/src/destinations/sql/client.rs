//! What a SQL database has to be able to do for a session.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::lease::Claim;
use windlass_core::schema::Table;
use windlass_core::sql::{Dialect, ExistingTables, KeyIndex};
use windlass_core::{Error, Result};

use crate::destination::Lease;
use crate::rows::RowStream;

/// What a load is called, for locks and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::destinations) struct LoadKey {
    /// The dataset.
    pub(in crate::destinations) dataset: String,
    /// The pipeline.
    pub(in crate::destinations) pipeline: String,
    /// The load.
    pub(in crate::destinations) load_id: String,
}

/// What statements of a load are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::destinations) enum Work {
    /// They change tables. Where such statements commit by themselves, the transaction of the load begins after them.
    Migrate,
    /// They record and empty, before rows come.
    Prepare,
    /// They make rows count.
    Merge,
}

/// One of the steps that take effect together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::destinations) enum Step {
    /// A statement.
    Sql(String),
    /// A query that has to give a row; without one, nothing of the list takes effect.
    Guard {
        /// The query.
        sql: String,
        /// What it means that there is none.
        refusal: Refusal,
    },
}

/// Why steps did not take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::destinations) enum Refusal {
    /// Another run has taken the lease over.
    Fenced,
    /// Another run has loaded since the rows were extracted.
    BaseChanged,
}

/// What became of steps that take effect together.
#[derive(Debug)]
pub(in crate::destinations) enum Outcome {
    /// They took effect.
    Committed,
    /// A guard did not hold, and nothing took effect.
    Refused(Refusal),
    /// The database did not answer: they may have taken effect. The load record tells.
    Unknown(Error),
}

/// Files whose rows go into a table.
#[derive(Clone, Debug)]
pub(in crate::destinations) struct Copy {
    /// The dataset, as it is written before the table: a temporary one has no quotes.
    pub(in crate::destinations) dataset: String,
    /// The dataset whose table has the same columns, for the catalogue.
    pub(in crate::destinations) model: String,
    /// The table as the schema knows it.
    pub(in crate::destinations) table: Table,
    /// The files and their rows.
    pub(in crate::destinations) files: Vec<(PathBuf, u64)>,
    /// Whether the files have the column that numbers records, which the model lacks.
    pub(in crate::destinations) has_records: bool,
}

/// A connection to a SQL database, opened when it is needed: for questions between [`SqlClient::open`] and
/// [`SqlClient::close`], for a load from [`SqlClient::begin`] to [`SqlClient::atomic`] or [`SqlClient::rollback`].
///
/// # Contract
/// What a load does is undone unless [`SqlClient::atomic`] says [`Outcome::Committed`]; where
/// [`Facts::has_transactional_ddl`](windlass_core::sql::Facts) is false, tables and columns that were added stay. A client
/// that is dropped leaves nothing behind that was not committed.
#[async_trait]
pub(in crate::destinations) trait SqlClient: Send {
    /// How it is spoken to.
    fn dialect(&self) -> &'static dyn Dialect;

    /// Makes ready for questions; false if there is no database yet. Errors: it cannot be reached.
    async fn open(&mut self) -> Result<bool>;

    /// The end of the questions.
    async fn close(&mut self) -> Result<()> {
        Ok(())
    }

    /// The tables of a dataset with their columns; views count, since their names are taken. Errors: as of a query.
    async fn tables(&mut self, dataset: &str) -> Result<ExistingTables>;

    /// Whether a dataset exists, with or without tables. Errors: as of a query.
    async fn has_dataset(&mut self, dataset: &str, tables: &ExistingTables) -> Result<bool>;

    /// The first column of the first row of a query, as text. Errors: a query that cannot be run.
    async fn one_text(&mut self, sql: &str) -> Result<Option<String>>;

    /// Waits until no other connection can commit this load any more. For questions, before the load record is looked
    /// for.
    async fn await_load(&mut self, _key: &LoadKey) -> Result<()> {
        Ok(())
    }

    /// Begins a load, which may use the staging dataset. Gives whether nobody else can write until its end, so that what
    /// is read now holds at the commit.
    async fn begin(&mut self, key: &LoadKey, staging: &str, uses_staging: bool) -> Result<bool>;

    /// Keeps other loads from creating the same tables; gives whether it had to, so that the tables are to be read again.
    async fn lock_tables(&mut self, _key: &LoadKey) -> Result<bool> {
        Ok(false)
    }

    /// Makes indexes that are missing, of tables that are merged, and gives the statements. Only asked where
    /// [`Facts::finds_rows_by_index`](windlass_core::sql::Facts) says so.
    async fn index(&mut self, _dataset: &str, _indexes: &[KeyIndex]) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Executes statements of the load in their order. Errors: as the database says, with the remedy.
    async fn execute(&mut self, statements: Vec<String>, work: Work) -> Result<()>;

    /// Copies the rows of files into a table. All of them or none: a failure ends the load.
    async fn copy(&mut self, copy: Copy) -> Result<()>;

    /// Keeps other loads of the pipeline from committing until the end of this one, where they could.
    async fn lock_pipeline(&mut self, _key: &LoadKey) -> Result<()> {
        Ok(())
    }

    /// Commits the transaction of the load; never [`Outcome::Refused`].
    async fn commit(&mut self) -> Result<Outcome>;

    /// Executes the last steps of the load and makes everything that it did visible, or nothing.
    ///
    /// As it is here, in the transaction of the load. Databases that take such a list as one script do so instead.
    async fn atomic(&mut self, steps: Vec<Step>, key: &LoadKey) -> Result<Outcome> {
        self.lock_pipeline(key).await?;
        let mut statements = Vec::new();
        for step in steps {
            match step {
                Step::Sql(statement) => statements.push(statement),
                Step::Guard { sql, refusal } => {
                    self.execute(std::mem::take(&mut statements), Work::Merge).await?;
                    if self.one_text(&sql).await?.is_none() {
                        self.rollback().await?;
                        return Ok(Outcome::Refused(refusal));
                    }
                }
            }
        }
        self.execute(statements, Work::Merge).await?;
        self.commit().await
    }

    /// Gives up everything that is not committed. Without a load there is nothing to do.
    async fn rollback(&mut self) -> Result<()>;

    /// Takes the lease of a pipeline; `None` where nobody else can write during a load. As of
    /// [`Session::acquire`](crate::destination::Session::acquire).
    async fn acquire(
        &mut self,
        _dataset: &str,
        _claim: &Claim,
        _may_create: bool,
    ) -> Result<Option<Arc<dyn Lease>>> {
        Ok(None)
    }

    /// Gives the lease back, if there is one.
    async fn release(&mut self) -> Result<()> {
        Ok(())
    }

    /// A query with a row exactly if the lease that is held was not taken over; it keeps others from doing so until the end
    /// of the transaction. `None` without a lease.
    fn fence(&self) -> Option<String> {
        None
    }

    /// What it means that the lease was lost.
    fn fenced(&self) -> Error {
        Error::internal("a lease was lost that nobody holds")
    }

    /// The rows of a query that only reads. As of [`Session::query`](crate::destination::Session::query).
    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>>;

    /// The same as they come.
    async fn stream(self: Box<Self>, sql: &str) -> Result<RowStream>;

    /// The rows of a statement that may write.
    async fn run(&mut self, sql: &str) -> Result<RowStream>;
}
