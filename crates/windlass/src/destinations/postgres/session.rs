//! One connection to a Postgres database, and the transaction of a load.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use tokio_postgres::Statement;
use windlass_core::lease::Claim;
use windlass_core::package::Job;
use windlass_core::schema::Schema;
use windlass_core::sql::Dialect;
use windlass_core::state::State;
use windlass_core::{Error, Result};

use super::connection::{Connection, TargetColumn, TargetTables};
use super::copy::copy_file;
use super::error::{database_error, failed, is_several, is_unanswered};
use super::lease::{Place, PostgresLease};
use super::stream::stream;
use super::{Postgres, read};
use crate::destination::{Dataset, Lease, Session, Stored};
use crate::destinations::log_statement;
use crate::destinations::sql_dataset::{Found, FoundDataset, SqlDataset};
use crate::failpoint::failpoint;
use crate::packages::LoadPackage;
use crate::rows::{RowStream, ask_to_end};

const DIALECT: Dialect = Dialect::Postgres;

/// How often one who waits for the readers of this process looks.
const READER_POLL: Duration = Duration::from_millis(2);

/// Statements that are sent at once: the way to the server may take longer than its work.
const STATEMENTS_AT_ONCE: usize = 32;

/// A connection, opened when it is needed.
pub(super) struct PostgresSession {
    destination: Postgres,
    sql: SqlDataset,
    connection: Option<Connection>,
    /// Whether the connection is in the transaction of a load.
    is_loading: bool,
    lease: Option<PostgresLease>,
    /// Whether the dataset was created for the lease, which is to be told with the load.
    is_new_dataset: bool,
    /// The columns of the tables of a dataset, asked for at once: a load may have thousands of tables.
    targets: HashMap<String, TargetTables>,
}

impl PostgresSession {
    pub(super) fn new(destination: Postgres, dataset: &Dataset) -> Result<Self> {
        // The server cuts longer names off without a word, which would make two of them one.
        if dataset.name.len() > 63 || dataset.name.starts_with("pg_") {
            return Err(Error::config(format!("`{}` cannot be the name of a Postgres schema", dataset.name))
                .with_hint("use at most 63 bytes, and no `pg_` at the beginning"));
        }
        let capabilities = &destination.capabilities;
        let sql = SqlDataset::new(
            DIALECT,
            dataset,
            &destination.staging_layout,
            capabilities.types,
            capabilities.replace_strategy,
        )?;
        Ok(Self {
            destination,
            sql,
            connection: None,
            is_loading: false,
            lease: None,
            is_new_dataset: false,
            targets: HashMap::new(),
        })
    }

    /// The connection; a new one if there is none or it was lost outside of a load.
    async fn connected(&mut self) -> Result<&Connection> {
        let is_lost = self.connection.as_ref().is_none_or(|connection| connection.client.is_closed());
        if is_lost && !self.is_loading {
            self.connection = None;
            self.connection = Some(Connection::open(&self.destination.address).await?);
        }
        self.connection.as_ref().ok_or_else(|| Error::internal("a load goes on that was not begun"))
    }

    /// Makes the tables of the dataset known without its name, on a connection that loads nothing.
    async fn asked(&mut self) -> Result<&Connection> {
        if self.is_loading {
            return Err(Error::internal("a query is asked on the connection of a load"));
        }
        let path = format!("SET search_path TO {}", DIALECT.quote(&self.sql.name));
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
        let connection = self.connection.as_ref().filter(|_| self.is_loading);
        connection.ok_or_else(|| Error::internal("a load goes on that was not begun"))
    }

    /// What the database has of the package's datasets.
    async fn found(&self, package: &LoadPackage) -> Result<Found> {
        let (name, hash) = (&package.manifest.schema_name, &package.manifest.schema_hash);
        let connection = self.loading()?;
        let mut found = Found::default();
        for (dataset, found) in [(&self.sql.name, &mut found.main), (&self.sql.staging, &mut found.staging)] {
            let tables = connection.tables(dataset).await?;
            let has_version = match self.sql.version_query(dataset, &tables, hash)? {
                Some(query) => connection.one_text(&query).await?.is_some(),
                None => false,
            };
            let stored = match self.sql.schema_query(&tables, name)?.filter(|_| !has_version) {
                Some(query) => connection.one_text(&query).await?,
                None => None,
            };
            let exists = connection.has_dataset(dataset).await?;
            *found = FoundDataset::new(exists, tables, has_version, stored.as_deref())?;
        }
        found.main.exists &= !self.is_new_dataset;
        Ok(found)
    }

    /// Errors: another run has loaded since the rows of the package were extracted. From now on to the end of the
    /// transaction no other run of the pipeline passes here.
    async fn check_base(&self, package: &LoadPackage) -> Result<()> {
        let connection = self.loading()?;
        connection
            .lock(&format!("windlass pipeline {}.{}", self.sql.name, package.manifest.pipeline))
            .await?;
        let tables = connection.tables(&self.sql.name).await?;
        let state = match self.sql.state_query(&tables)? {
            Some(query) => connection.one_text(&query).await?,
            None => None,
        };
        SqlDataset::check_base(package, state)
    }

    /// The name of the lock that the transaction of a load holds until its outcome is known.
    fn load_lock(&self, load_id: &str) -> String {
        format!("windlass load {}.{load_id}", self.sql.name)
    }

    /// Looks a load up that may still be about to commit on a connection that was lost.
    async fn look_up(&mut self, load_id: &str) -> Result<bool> {
        let lock = self.load_lock(load_id);
        let sql = self.sql.clone();
        let connection = self.connected().await?;
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", "query").await?;
        let found = async {
            // The lock is free when the other transaction has come to its end.
            connection.lock(&lock).await?;
            let tables = connection.tables(&sql.name).await?;
            match sql.load_query(&tables, load_id)? {
                Some(query) => connection.one_text(&query).await,
                None => Ok(None),
            }
        };
        let found = found.await;
        connection.execute("ROLLBACK", "query").await?;
        Ok(found?.is_some())
    }

    /// What became of a commit that the server did not confirm.
    async fn settle(&mut self, load_id: &str, cause: tokio_postgres::Error) -> Result<()> {
        let error = database_error("commit to", &self.destination.address.location, cause);
        match self.look_up(load_id).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(error),
            Err(_) => Err(Error::destination("the connection was lost while the load was committed")
                .with_source(error)
                .retryable()
                .with_hint("whether it was committed will be looked up by the next run; run again when the server is back")),
        }
    }
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
impl Session for PostgresSession {
    async fn stored(&mut self) -> Result<Stored> {
        let sql = self.sql.clone();
        let connection = self.connected().await?;
        let tables = connection.tables(&sql.name).await?;
        let text = match sql.state_query(&tables)? {
            Some(query) => connection.one_text(&query).await?,
            None => None,
        };
        let last_load_id = match sql.last_load_query(&tables)? {
            Some(query) => connection.one_text(&query).await?,
            None => None,
        };
        let state = text.map(|text| State::decode(&text)).transpose()?;
        Ok(Stored { has_dataset: !tables.is_empty(), state, last_load_id, ..Stored::default() })
    }

    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        let sql = self.sql.clone();
        let connection = self.connected().await?;
        let tables = connection.tables(&sql.name).await?;
        let Some(query) = sql.schema_query(&tables, name)? else { return Ok(None) };
        let text = connection.one_text(&query).await?;
        text.map(|text| Schema::decode(&text)).transpose()
    }

    async fn acquire(&mut self, claim: &Claim, may_create: bool, _: i64) -> Result<Option<Arc<dyn Lease>>> {
        let (dataset, address) = (self.sql.name.clone(), Arc::clone(&self.destination.address));
        let connection = self.connected().await?;
        let place = Place::find(connection, &dataset).await?;
        if !place.has_tables && !may_create {
            return Ok(None);
        }
        self.lease = PostgresLease::take(connection, &address, &dataset, &place, claim).await?;
        self.is_new_dataset = self.lease.is_some() && !place.has_dataset;
        Ok(self.lease.clone().map(|lease| -> Arc<dyn Lease> { Arc::new(lease) }))
    }

    async fn release(&mut self, _: i64) -> Result<()> {
        self.rollback().await?;
        match self.lease.take() {
            Some(lease) => lease.release(self.connected().await?).await,
            None => Ok(()),
        }
    }

    async fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        self.look_up(load_id).await
    }

    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>> {
        let name = self.sql.name.clone();
        let tables = self.connected().await?.tables(&name).await?;
        let stored = self.stored_schema(&schema.name).await?;
        self.sql.preview(schema, tables, stored.as_ref())
    }

    async fn migrate(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>> {
        self.rollback().await?;
        let lock = self.load_lock(package.load_id());
        let connection = self.connected().await?;
        failpoint("postgres.begin")?;
        let asked = ask_to_end(&connection.location);
        while asked.is_read() {
            tokio::time::sleep(READER_POLL).await;
        }
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", "write to").await?;
        self.is_loading = true;
        if let Some(lease) = &self.lease {
            self.loading()?.execute(&lease.name_load(), "set up").await?;
        }
        failpoint("postgres.lock")?;
        self.loading()?.lock(&lock).await?;
        let mut plan = self.sql.plan(package, self.found(package).await?, now)?;
        if !plan.ddl.is_empty() || !plan.drops.is_empty() {
            // Two loads must not create the same table; the one that waits then finds it.
            failpoint("postgres.lock_tables")?;
            self.loading()?.lock(&format!("windlass tables {}", self.sql.name)).await?;
            plan = self.sql.plan(package, self.found(package).await?, now)?;
        }
        let connection = self.loading()?;
        for statements in plan.in_order().chunks(STATEMENTS_AT_ONCE) {
            failpoint("postgres.ddl")?;
            connection.execute(&statements.join(";\n"), "change the tables of").await?;
        }
        failpoint("postgres.migrated")?;
        Ok(plan.drops.into_iter().chain(plan.ddl).collect())
    }

    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()> {
        let Some(table) = jobs.first().map(|job| job.table.as_str()) else { return Ok(()) };
        let dataset = self.sql.dataset_of(table).to_owned();
        let model = self.sql.model_of(table).to_owned();
        if !self.targets.contains_key(&model) {
            let columns = self.loading()?.columns(&model).await?;
            self.targets.insert(model.clone(), columns);
        }
        let targets = self.targets.get(&model).and_then(|tables| tables.get(table));
        let mut targets = targets.cloned().unwrap_or_default();
        if !package.manifest.newest.is_empty() && dataset != model {
            targets.push(TargetColumn::of_records());
        }
        for job in jobs {
            let path = package.job_path(job);
            failpoint("postgres.copy")?;
            let connection = self.loading()?;
            let rows = connection
                .telling_waits(copy_file(connection, &dataset, table, &path, &targets))
                .await
                .map_err(|error| error.at_table(table))?;
            if rows != job.rows {
                let message = format!("the server took {rows} of {} rows", job.rows);
                return Err(Error::destination(message).at_table(table).with_hint(
                    "a trigger or a rule of the table leaves rows out; the load was rolled back",
                ));
            }
            failpoint("postgres.job_loaded")?;
        }
        Ok(())
    }

    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()> {
        self.check_base(package).await?;
        let mut unique = HashSet::new();
        for statement in self.sql.look_at_staged(package) {
            failpoint("postgres.statement")?;
            self.loading()?.execute(&statement, "commit to").await?;
        }
        for (table, query) in self.sql.duplicate_queries(package)? {
            if self.loading()?.one_text(&query).await?.is_none() {
                unique.insert(table);
            }
        }
        let statements = self.sql.commit_statements(package, &unique, now)?;
        let connection = self.loading()?;
        for statement in &statements {
            failpoint("postgres.statement")?;
            connection.execute(statement, "commit to").await?;
        }
        if let Some(lease) = &self.lease {
            lease.check(connection).await?;
        }
        failpoint("postgres.before_commit")?;
        log_statement("COMMIT");
        let result = connection.client.batch_execute("COMMIT").await;
        self.is_loading = false;
        self.is_new_dataset &= result.is_err();
        self.targets.clear();
        match result {
            Ok(()) => {}
            Err(cause) if is_unanswered(&cause) => {
                self.connection = None;
                failpoint("postgres.settle")?;
                self.settle(package.load_id(), cause).await?;
            }
            Err(cause) => {
                return Err(database_error("commit to", &self.destination.address.location, cause));
            }
        }
        failpoint("postgres.after_commit")
    }

    async fn rollback(&mut self) -> Result<()> {
        self.targets.clear();
        if !std::mem::take(&mut self.is_loading) {
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

    async fn execute(&mut self, sql: &str) -> Result<RowStream> {
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

    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<RecordBatch>> {
        let table = DIALECT.qualify(&self.sql.name, table);
        self.query(&format!("SELECT * FROM {table} LIMIT {limit}")).await
    }
}
