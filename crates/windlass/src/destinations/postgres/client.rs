//! A connection to a Postgres database that is asked or loads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use tokio_postgres::Statement;
use windlass_core::lease::Claim;
use windlass_core::sql::{Dialect, ExistingTables, POSTGRES};
use windlass_core::{Error, Result};

use super::connection::{Connection, TargetColumn, TargetTables};
use super::copy::copy_file;
use super::error::{database_error, failed, is_several, is_unanswered};
use super::lease::{Found, PostgresLease};
use super::read;
use super::stream::stream;
use crate::destination::{Dataset, Lease};
use crate::destinations::log_statement;
use crate::destinations::sql::{Copy, LoadKey, Outcome, SqlClient, Work};
use crate::failpoint::failpoint;
use crate::postgres::Address;
use crate::rows::{RowStream, ask_to_end};

/// How often one who waits for the readers of this process looks.
const READER_POLL: Duration = Duration::from_millis(2);

/// Statements that are sent at once: the way to the server may take longer than its work.
const STATEMENTS_AT_ONCE: usize = 32;

/// A connection, opened when it is needed.
pub(super) struct PostgresClient {
    address: Arc<Address>,
    dataset: String,
    connection: Option<Connection>,
    transaction: Transaction,
    lease: Option<PostgresLease>,
    /// Whether the dataset was created for the lease, which is to be told with the load.
    is_new_dataset: bool,
    /// The columns of the tables of a dataset, asked for at once: a load may have thousands of tables.
    targets: HashMap<String, TargetTables>,
}

/// What the connection is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Transaction {
    None,
    /// A look at a load that may still be about to commit.
    Look,
    /// A load.
    Load,
}

impl PostgresClient {
    pub(super) fn new(address: Arc<Address>, dataset: &Dataset) -> Result<Self> {
        // The server cuts longer names off without a word, which would make two of them one.
        if dataset.name.len() > 63 || dataset.name.starts_with("pg_") {
            return Err(Error::config(format!("`{}` cannot be the name of a Postgres schema", dataset.name))
                .with_hint("use at most 63 bytes, and no `pg_` at the beginning"));
        }
        Ok(Self {
            address,
            dataset: dataset.name.clone(),
            connection: None,
            transaction: Transaction::None,
            lease: None,
            is_new_dataset: false,
            targets: HashMap::new(),
        })
    }

    /// The connection; a new one if there is none or it was lost outside of a load.
    async fn connected(&mut self) -> Result<&Connection> {
        let is_lost = self.connection.as_ref().is_none_or(|connection| connection.client.is_closed());
        if is_lost && self.transaction != Transaction::Load {
            self.connection = None;
            self.transaction = Transaction::None;
            self.connection = Some(Connection::open(&self.address).await?);
        }
        self.connection.as_ref().ok_or_else(not_loading)
    }

    /// Makes the tables of the dataset known without its name, on a connection that loads nothing.
    async fn asked(&mut self) -> Result<&Connection> {
        if self.transaction == Transaction::Load {
            return Err(Error::internal("a query is asked on the connection of a load"));
        }
        let path = format!("SET search_path TO {}", POSTGRES.quote(&self.dataset));
        let connection = self.connected().await?;
        connection.execute(&path, "query").await?;
        Ok(connection)
    }

    /// A query that is ready, in a transaction that cannot write. The server takes one statement at a time like this,
    /// so that none can leave the transaction before another. Errors: a statement that gives no rows.
    async fn prepared(&mut self, sql: &str) -> Result<Statement> {
        let connection = self.asked().await?;
        connection.execute("BEGIN TRANSACTION READ ONLY", "query").await?;
        let location = &connection.location;
        let prepared = connection.client.prepare(sql).await.map_err(failed("query", location));
        let result = prepared.and_then(|statement| {
            // `COPY` writes files of the server in any transaction; it has no columns, nor have `SET`, `DO`, `COMMIT`.
            if statement.columns().is_empty() { Err(only_reads(location)) } else { Ok(statement) }
        });
        if result.is_err() {
            connection.execute("ROLLBACK", "query").await?;
        }
        result
    }

    /// All rows of a query that is ready; its transaction is over with them.
    async fn all_rows(&self, statement: &Statement) -> Result<RecordBatch> {
        let connection =
            self.connection.as_ref().ok_or_else(|| Error::internal("a query is run without a connection"))?;
        let rows = connection.client.query(statement, &[]).await;
        let rows = rows.map_err(failed("query", &connection.location));
        // Nothing is kept of what a query did, such as notifications and locks.
        connection.execute("ROLLBACK", "query").await?;
        read::batch(statement.columns(), &rows?)
    }

    /// The connection in the transaction of the load.
    fn loading(&self) -> Result<&Connection> {
        let connection = self.connection.as_ref().filter(|_| self.transaction == Transaction::Load);
        connection.ok_or_else(not_loading)
    }

    /// The columns of the table that takes the rows.
    async fn targets(&mut self, copy: &Copy) -> Result<Vec<TargetColumn>> {
        if !self.targets.contains_key(&copy.model) {
            let columns = self.loading()?.columns(&copy.model).await?;
            self.targets.insert(copy.model.clone(), columns);
        }
        let targets = self.targets.get(&copy.model).and_then(|tables| tables.get(&copy.table.name));
        let mut targets = targets.cloned().unwrap_or_default();
        if copy.has_records && copy.dataset != copy.model {
            targets.push(TargetColumn::of_records());
        }
        Ok(targets)
    }
}

/// The name of the lock that the transaction of a load holds until its outcome is known.
fn load_lock(key: &LoadKey) -> String {
    format!("windlass load {}.{}", key.dataset, key.load_id)
}

fn not_loading() -> Error {
    Error::internal("a load goes on outside of its transaction; migrate() begins it")
}

fn only_reads(location: &str) -> Error {
    Error::destination(format!("a query only reads, and this statement does more, at {location}")).with_hint(
        "use SELECT, SHOW or EXPLAIN; to change data, use a client of the database, or Python's `pipeline.sql_client()`",
    )
}

/// Whether a statement is one that is run for its rows.
fn gives_rows_only(sql: &str) -> bool {
    let word: String = sql.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    ["select", "table", "values", "show"].iter().any(|read| word.eq_ignore_ascii_case(read))
}

#[async_trait]
impl SqlClient for PostgresClient {
    fn dialect(&self) -> &'static dyn Dialect {
        POSTGRES
    }

    async fn open(&mut self) -> Result<bool> {
        self.connected().await.map(|_| true)
    }

    async fn close(&mut self) -> Result<()> {
        if self.transaction == Transaction::Look {
            self.transaction = Transaction::None;
            self.connected().await?.execute("ROLLBACK", "query").await?;
        }
        Ok(())
    }

    async fn tables(&mut self, dataset: &str) -> Result<ExistingTables> {
        self.connected().await?.tables(dataset).await
    }

    async fn has_dataset(&mut self, dataset: &str, _: &ExistingTables) -> Result<bool> {
        let exists = self.connected().await?.has_dataset(dataset).await?;
        Ok(exists && !(self.is_new_dataset && dataset == self.dataset))
    }

    async fn one_text(&mut self, sql: &str) -> Result<Option<String>> {
        self.connected().await?.one_text(sql).await
    }

    async fn await_load(&mut self, key: &LoadKey) -> Result<()> {
        let connection = self.connected().await?;
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", "query").await?;
        self.transaction = Transaction::Look;
        // The lock is free when the other transaction has come to its end.
        self.connected().await?.lock(&load_lock(key)).await
    }

    async fn begin(&mut self, key: &LoadKey, _: &str, _: bool) -> Result<bool> {
        let connection = self.connected().await?;
        failpoint("postgres.begin")?;
        let asked = ask_to_end(&connection.location);
        while asked.is_read() {
            tokio::time::sleep(READER_POLL).await;
        }
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", "write to").await?;
        self.transaction = Transaction::Load;
        if let Some(lease) = &self.lease {
            self.loading()?.execute(&lease.name_load(), "set up").await?;
        }
        failpoint("postgres.lock")?;
        self.loading()?.lock(&load_lock(key)).await?;
        Ok(false)
    }

    async fn lock_tables(&mut self, key: &LoadKey) -> Result<bool> {
        failpoint("postgres.lock_tables")?;
        self.loading()?.lock(&format!("windlass tables {}", key.dataset)).await?;
        Ok(true)
    }

    async fn execute(&mut self, statements: Vec<String>, work: Work) -> Result<()> {
        let connection = self.loading()?;
        let (name, what, at_once) = match work {
            Work::Migrate | Work::Prepare => ("postgres.ddl", "change the tables of", STATEMENTS_AT_ONCE),
            Work::Merge => ("postgres.statement", "commit to", 1),
        };
        for statements in statements.chunks(at_once) {
            failpoint(name)?;
            connection.execute(&statements.join(";\n"), what).await?;
        }
        if work == Work::Prepare { failpoint("postgres.migrated") } else { Ok(()) }
    }

    async fn copy(&mut self, copy: Copy) -> Result<()> {
        let targets = self.targets(&copy).await?;
        let connection = self.loading()?;
        for (path, rows) in &copy.files {
            failpoint("postgres.copy")?;
            let copying = copy_file(connection, &copy.dataset, &copy.table.name, path, &targets);
            let taken = connection.telling_waits(copying).await?;
            if taken != *rows {
                let message = format!("the server took {taken} of {rows} rows");
                return Err(Error::destination(message).with_hint(
                    "a trigger or a rule of the table leaves rows out; the load was rolled back",
                ));
            }
            failpoint("postgres.job_loaded")?;
        }
        Ok(())
    }

    async fn lock_pipeline(&mut self, key: &LoadKey) -> Result<()> {
        self.loading()?.lock(&format!("windlass pipeline {}.{}", key.dataset, key.pipeline)).await
    }

    async fn commit(&mut self) -> Result<Outcome> {
        let connection = self.loading()?;
        failpoint("postgres.before_commit")?;
        log_statement("COMMIT");
        let result = connection.client.batch_execute("COMMIT").await;
        self.transaction = Transaction::None;
        self.is_new_dataset &= result.is_err();
        self.targets.clear();
        match result {
            Ok(()) => failpoint("postgres.after_commit").map(|()| Outcome::Committed),
            Err(cause) if is_unanswered(&cause) => {
                self.connection = None;
                failpoint("postgres.settle")?;
                Ok(Outcome::Unknown(database_error("commit to", &self.address.location, cause)))
            }
            Err(cause) => Err(database_error("commit to", &self.address.location, cause)),
        }
    }

    async fn rollback(&mut self) -> Result<()> {
        self.targets.clear();
        if std::mem::replace(&mut self.transaction, Transaction::None) == Transaction::None {
            return Ok(());
        }
        let Some(connection) = &self.connection else { return Ok(()) };
        failpoint("postgres.rollback")?;
        if connection.client.batch_execute("ROLLBACK").await.is_err() {
            // A connection that is lost has rolled back.
            self.connection = None;
        }
        Ok(())
    }

    async fn acquire(
        &mut self,
        dataset: &str,
        claim: &Claim,
        may_create: bool,
    ) -> Result<Option<Arc<dyn Lease>>> {
        let address = Arc::clone(&self.address);
        let connection = self.connected().await?;
        let found = Found::of(connection, dataset).await?;
        if !found.has_tables && !may_create {
            return Ok(None);
        }
        self.lease = PostgresLease::take(connection, &address, dataset, &found, claim).await?;
        self.is_new_dataset = self.lease.is_some() && !found.has_dataset;
        Ok(self.lease.clone().map(|lease| -> Arc<dyn Lease> { Arc::new(lease) }))
    }

    async fn release(&mut self) -> Result<()> {
        match self.lease.take() {
            Some(lease) => lease.release(self.connected().await?).await,
            None => Ok(()),
        }
    }

    fn fence(&self) -> Option<String> {
        self.lease.as_ref().map(|lease| lease.row.fence())
    }

    fn fenced(&self) -> Error {
        self.lease.as_ref().map_or_else(not_loading, |lease| lease.row.claim.lost())
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let statement = self.prepared(sql).await?;
        Ok(vec![self.all_rows(&statement).await?])
    }

    async fn stream(mut self: Box<Self>, sql: &str) -> Result<RowStream> {
        let statement = self.prepared(sql).await?;
        if !read::has_fixed_types(statement.columns()) {
            return Ok(RowStream::of(vec![self.all_rows(&statement).await?]));
        }
        let connection = self.connection.take();
        stream(connection.ok_or_else(|| Error::internal("a query is run without a connection"))?, statement)
            .await
    }

    async fn run(&mut self, sql: &str) -> Result<RowStream> {
        let connection = self.asked().await?;
        let failed = failed("query", &connection.location);
        let statement = match connection.client.prepare(sql).await {
            Ok(statement) => statement,
            Err(cause) if is_several(&cause) => {
                connection.client.batch_execute(sql).await.map_err(failed)?;
                return Ok(RowStream::of(Vec::new()));
            }
            Err(cause) => return Err(failed(cause)),
        };
        // What may write is done before anybody looks at its rows; the rest comes as it is read.
        if gives_rows_only(sql) && read::has_fixed_types(statement.columns()) {
            let connection = self.connection.take();
            let connection =
                connection.ok_or_else(|| Error::internal("a query is run without a connection"))?;
            return stream(connection, statement).await;
        }
        let rows = connection.client.query(&statement, &[]).await.map_err(failed)?;
        Ok(RowStream::of(vec![read::batch(statement.columns(), &rows)?]))
    }
}
