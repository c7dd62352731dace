//! One connection to a DuckDB database, and the transaction of a load.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::duckdb::Connection;
use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::lease::Claim;
use windlass_core::package::Job;
use windlass_core::schema::Schema;
use windlass_core::sql::{Dialect, ExistingColumn, ExistingTables};
use windlass_core::state::State;
use windlass_core::{Error, ErrorKind, Result};

use super::connection::{Access, Bounds, batches, database_error, open_file, open_memory, prepare};
use super::reads::{Purpose, check, check_in_memory, close_to_others, purpose};
use super::stream::stream;
use super::turn::Turn;
use super::{DuckDb, Place};
use crate::destination::{Dataset, Destination as _, Lease, Session, Stored};
use crate::destinations::sql_dataset::{Found, FoundDataset, Planned, SqlDataset, tables_where};
use crate::destinations::{aside, log_statement};
use crate::failpoint::failpoint;
use crate::packages::LoadPackage;
use crate::rows::{Reading, RowStream, ask_to_end};

const DIALECT: Dialect = Dialect::DuckDb;

/// Bytes that DuckDB needs for each column of a table that is written, per thread, whatever the size of its row groups:
/// 400 columns go through with 244 MiB, 800 do not (bench/README.md).
const COLUMN_BYTES: u64 = 640 << 10;

/// What DuckDB holds for a table of a load until the commit: 900 small ones go through with 272 MiB, 1,500 do not.
const TABLE_BYTES: u64 = 512 << 10;

/// How long to wait for other runs that have the database open.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a statement that takes long looks whether it is to stop.
const INTERRUPT_POLL: Duration = Duration::from_millis(50);

/// How often one who waits for the readers of the file looks.
const READER_POLL: Duration = Duration::from_millis(2);

/// A connection, opened when it is needed.
pub(super) struct DuckDbSession {
    destination: DuckDb,
    dataset: Dataset,
    /// The connection of the load that is under way.
    writing: Option<Connection>,
    /// Keeps other threads from the file while it goes on, and until the connection is closed.
    turn: Option<Arc<Turn>>,
    /// What was found out for the load that is under way.
    planned: Arc<Planned>,
    /// The settings that the last table was written under.
    room: String,
    /// Tables that the load has written so far; each holds memory until the commit.
    tables: u64,
}

impl DuckDbSession {
    pub(super) fn new(destination: DuckDb, dataset: Dataset) -> Self {
        Self {
            destination,
            dataset,
            writing: None,
            turn: None,
            planned: Arc::default(),
            room: String::new(),
            tables: 0,
        }
    }

    /// The settings under which a table of this many columns is written: what the user chose, or what fits the memory.
    fn room(&self, columns: usize) -> String {
        let needed = columns.max(1) as u64 * COLUMN_BYTES;
        // In steps, so that few tables cost no statement of their own.
        let memory = self.dataset.memory_bytes + self.tables / 64 * 64 * TABLE_BYTES;
        let threads = (self.dataset.memory_bytes / needed).clamp(1, self.dataset.threads.max(1) as u64);
        let settings =
            [("threads", threads.to_string()), ("memory_limit", format!("'{}B'", memory.max(needed)))];
        let chosen = &self.destination.options.global_config;
        let settings = settings.iter().filter(|(name, _)| !chosen.contains_key(*name));
        settings.map(|(name, value)| format!("SET {name} = {value}; ")).collect()
    }

    fn sql(&self) -> Result<SqlDataset> {
        let destination = &self.destination;
        let capabilities = &destination.capabilities;
        SqlDataset::new(
            DIALECT,
            &self.dataset,
            &destination.staging_layout,
            capabilities.types,
            capabilities.replace_strategy,
        )
    }

    /// The same, with what was found out for the load that is under way.
    fn planned_sql(&self) -> Result<SqlDataset> {
        let mut sql = self.sql()?;
        sql.planned = Arc::clone(&self.planned);
        Ok(sql)
    }

    /// Runs `work` on a thread that may block, with a connection of its own: `None` if there is no database yet.
    async fn read<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let (destination, dataset) = (self.destination.clone(), self.dataset.clone());
        // The load of this very session has its turn already.
        let is_writing = self.turn.is_some();
        aside(move || {
            let _turn = if is_writing { None } else { turn(&destination, Access::Read, &dataset)? };
            match open(&destination, Access::Read, &dataset)? {
                Some(connection) => work(&connection).map(Some),
                None => Ok(None),
            }
        })
        .await
    }

    /// Runs `work` on a thread that may block, in the transaction of the load.
    async fn write<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection =
            self.writing.take().ok_or_else(|| Error::internal("a load goes on that was not begun"))?;
        // A future that is dropped leaves its thread at work.
        let turn = self.turn.clone();
        let (connection, _turn, result) = aside(move || {
            let result = work(&connection);
            Ok((connection, turn, result))
        })
        .await?;
        self.writing = Some(connection);
        result
    }

    /// The same for statements that may take long: a stop that is asked for ends them.
    async fn write_interruptibly(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let cancel = self.dataset.cancel.clone();
        let handle = self.writing.as_ref().map(Connection::interrupt_handle);
        let write = self.write(work);
        tokio::pin!(write);
        let result = loop {
            tokio::select! {
                result = &mut write => break result,
                () = tokio::time::sleep(INTERRUPT_POLL), if !cancel.is_cancelled() => {}
                () = tokio::time::sleep(INTERRUPT_POLL), if cancel.is_cancelled() => {
                    handle.iter().for_each(|handle| handle.interrupt());
                }
            }
        };
        // What an interrupted statement says of itself helps nobody.
        cancel.check().and(result)
    }
}

/// Waits for the turn of this thread at the file of the database. A database in memory is shared.
fn turn(destination: &DuckDb, access: Access, dataset: &Dataset) -> Result<Option<Turn>> {
    match &destination.place {
        Place::File(path) => Turn::take(path, access, &dataset.cancel).map(Some),
        Place::Memory => Ok(None),
    }
}

/// Opens the database; `None` if it is to be read and does not exist.
fn open(destination: &DuckDb, access: Access, dataset: &Dataset) -> Result<Option<Connection>> {
    let bounds = Bounds { memory_bytes: dataset.memory_bytes, threads: dataset.threads };
    let options = &destination.options;
    match &destination.place {
        Place::File(path) => {
            if access == Access::Read && !path.exists() {
                return Ok(None);
            }
            if access == Access::Write {
                // One process must not read and write a file by two instances of DuckDB: whoever writes overwrites what the
                // other still refers to, and the locks of files do not keep a process from itself.
                let asked = ask_to_end(&path.display().to_string());
                while asked.is_read() {
                    dataset.cancel.check()?;
                    std::thread::sleep(READER_POLL);
                }
            }
            let until = Instant::now() + BUSY_TIMEOUT;
            loop {
                match open_file(path, access, options, bounds, &dataset.name) {
                    // Another run that only reads what is known is gone in a moment.
                    Err(error) if error.kind() == ErrorKind::Conflict && Instant::now() < until => {
                        dataset.cancel.check()?;
                        std::thread::sleep(INTERRUPT_POLL);
                    }
                    result => return result.map(Some),
                }
            }
        }
        Place::Memory => {
            let mut shared = destination.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if shared.is_none() {
                let connection = open_memory(options, bounds)?;
                prepare(&connection, options, ":memory:")?;
                *shared = Some(connection);
            }
            let clone = shared.as_ref().map(Connection::try_clone).transpose();
            clone.map_err(|cause| database_error("open", ":memory:", cause))
        }
    }
}

/// The tables of one schema with their columns.
fn existing_tables(connection: &Connection, schema: &str, location: &str) -> Result<ExistingTables> {
    let failed = |cause| database_error("read the tables of", location, cause);
    let mut statement = connection
        .prepare(
            "SELECT table_name, column_name, is_nullable = 'NO' FROM information_schema.columns \
             WHERE table_catalog = current_database() AND table_schema = ? \
             ORDER BY table_name, ordinal_position",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([schema], |row| {
            Ok((row.get::<_, String>(0)?, ExistingColumn { name: row.get(1)?, is_required: row.get(2)? }))
        })
        .map_err(failed)?;
    let mut tables: ExistingTables = HashMap::new();
    for row in rows {
        let (table, column) = row.map_err(failed)?;
        tables.entry(table).or_default().push(column);
    }
    Ok(tables)
}

fn no_database(location: &str) -> Error {
    Error::destination(format!("there is no database at {location}")).with_hint("run the pipeline first")
}

/// Makes the tables of the dataset, if there are any, known without the dataset before their names.
fn look_into(connection: &Connection, dataset: &str, location: &str) -> Result<()> {
    if existing_tables(connection, dataset, location)?.is_empty() {
        return Ok(());
    }
    let search = DIALECT.literal(&DIALECT.quote(dataset));
    connection
        .execute_batch(&format!("SET search_path = {search}"))
        .map_err(|cause| database_error("query", location, cause))
}

/// Makes a connection ready for a query that may do nothing but read this database. Errors: a query that does more.
fn only_read(destination: &DuckDb, connection: &Connection, sql: &str, location: &str) -> Result<()> {
    match &destination.place {
        Place::File(_) => {
            check(connection, sql, location)?;
            close_to_others(connection, &[], location)
        }
        // Its connections share their settings with those that load files.
        Place::Memory => check_in_memory(connection, sql),
    }
}

/// The first column of the first row of a query.
fn one_text(connection: &Connection, sql: &str, location: &str) -> Result<Option<String>> {
    let failed = |cause| database_error("query", location, cause);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
    row.get(0).map(Some).map_err(failed)
}

#[async_trait]
impl Session for DuckDbSession {
    async fn stored(&mut self) -> Result<Stored> {
        let (sql, location) = (self.sql()?, self.destination.location());
        let read = self
            .read(move |connection| {
                let tables = existing_tables(connection, &sql.name, &location)?;
                let text = match sql.state_query(&tables)? {
                    Some(query) => one_text(connection, &query, &location)?,
                    None => None,
                };
                let last_load_id = match sql.last_load_query(&tables)? {
                    Some(query) => one_text(connection, &query, &location)?,
                    None => None,
                };
                let state = text.map(|text| State::decode(&text)).transpose()?;
                Ok(Stored { has_dataset: !tables.is_empty(), state, last_load_id, ..Stored::default() })
            })
            .await?;
        Ok(read.unwrap_or_default())
    }

    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        let (sql, location, name) = (self.sql()?, self.destination.location(), name.to_owned());
        let text = self
            .read(move |connection| {
                let tables = existing_tables(connection, &sql.name, &location)?;
                match sql.schema_query(&tables, &name)? {
                    Some(query) => one_text(connection, &query, &location),
                    None => Ok(None),
                }
            })
            .await?;
        text.flatten().map(|text| Schema::decode(&text)).transpose()
    }

    // The lock of the file is held from the first statement of a load to its commit, and the state that the rows follow
    // on is checked under it. A run that was stopped before has loaded nothing; one that is stopped in between keeps
    // all others out. So there is no lease to take.
    async fn acquire(&mut self, _: &Claim, _: bool, _: i64) -> Result<Option<Arc<dyn Lease>>> {
        Ok(None)
    }

    async fn release(&mut self, _: i64) -> Result<()> {
        Ok(())
    }

    async fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        let (sql, location, load_id) = (self.sql()?, self.destination.location(), load_id.to_owned());
        let found = self
            .read(move |connection| {
                let tables = existing_tables(connection, &sql.name, &location)?;
                match sql.load_query(&tables, &load_id)? {
                    Some(query) => one_text(connection, &query, &location),
                    None => Ok(None),
                }
            })
            .await?;
        Ok(found.flatten().is_some())
    }

    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>> {
        let (sql, location) = (self.sql()?, self.destination.location());
        let name = sql.name.clone();
        let existing = self.read(move |connection| existing_tables(connection, &name, &location)).await?;
        let stored = self.stored_schema(&schema.name).await?;
        sql.preview(schema, existing.unwrap_or_default(), stored.as_ref())
    }

    async fn migrate(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>> {
        self.rollback().await?;
        let (destination, dataset, sql) = (self.destination.clone(), self.dataset.clone(), self.sql()?);
        let (schema, hash) = (package.manifest.schema_name.clone(), package.manifest.schema_hash.clone());
        let location = destination.location();
        let (turn, connection, found, state) = aside(move || {
            failpoint("duckdb.open")?;
            let turn = turn(&destination, Access::Write, &dataset)?;
            let connection = open(&destination, Access::Write, &dataset)?
                .ok_or_else(|| Error::internal("a database that is written was not opened"))?;
            let failed = |cause| database_error("write to", &location, cause);
            failpoint("duckdb.begin")?;
            log_statement("BEGIN TRANSACTION");
            connection.execute_batch("BEGIN TRANSACTION").map_err(failed)?;
            let found = |dataset: &str| -> Result<FoundDataset> {
                let tables = existing_tables(&connection, dataset, &location)?;
                let has_version = match sql.version_query(dataset, &tables, &hash)? {
                    Some(query) => one_text(&connection, &query, &location)?.is_some(),
                    None => false,
                };
                let stored = match sql.schema_query(&tables, &schema)?.filter(|_| !has_version) {
                    Some(query) => one_text(&connection, &query, &location)?,
                    None => None,
                };
                FoundDataset::new(!tables.is_empty(), tables, has_version, stored.as_deref())
            };
            let found = Found { main: found(&sql.name)?, staging: found(&sql.staging)? };
            let state = match sql.state_query(&found.main.tables)? {
                Some(query) => one_text(&connection, &query, &location)?,
                None => None,
            };
            Ok((turn, connection, found, state))
        })
        .await?;
        self.writing = Some(connection);
        self.room.clear();
        self.tables = 0;
        self.turn = turn.map(Arc::new);
        SqlDataset::check_base(package, state)?;
        let mut sql = self.sql()?;
        let plan = sql.plan(package, found, now)?;
        self.planned = sql.planned;
        let statements = plan.in_order();
        let location = self.destination.location();
        self.write(move |connection| {
            statements.iter().try_for_each(|statement| {
                failpoint("duckdb.ddl")?;
                log_statement(statement);
                connection
                    .execute_batch(statement)
                    .map_err(|cause| database_error("change the tables of", &location, cause))
            })
        })
        .await?;
        failpoint("duckdb.migrated")?;
        Ok(plan.drops.into_iter().chain(plan.ddl).collect())
    }

    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()> {
        let Some(table) = jobs.first().map(|job| job.table.clone()) else { return Ok(()) };
        let dataset = self.planned_sql()?.dataset_of(&table).to_owned();
        let files: Vec<String> =
            jobs.iter().map(|job| DIALECT.literal(&package.job_path(job).display().to_string())).collect();
        let width = package.schema.table(&table).map_or(0, |table| table.columns.len());
        let room = self.room(width);
        let settings = if room == self.room { "" } else { room.as_str() };
        let sql = format!(
            "{settings}INSERT INTO {} BY NAME SELECT * FROM read_parquet([{}], union_by_name = true)",
            DIALECT.qualify(&dataset, &table),
            files.join(", ")
        );
        let location = self.destination.location();
        failpoint("duckdb.copy")?;
        log_statement(&sql);
        self.write_interruptibly(move |connection| {
            connection.execute_batch(&sql).map_err(|cause| database_error("write to", &location, cause))
        })
        .await
        .map_err(|error| error.at_table(&table))?;
        self.room = room;
        self.tables += 1;
        failpoint("duckdb.job_loaded")
    }

    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()> {
        let sql = self.planned_sql()?;
        let (queries, location) = (sql.duplicate_queries(package)?, self.destination.location());
        let unique = self
            .write(move |connection| {
                let is_unique = |query: &str| Ok(one_text(connection, query, &location)?.is_none());
                tables_where(queries, is_unique)
            })
            .await?;
        let statements = sql.commit_statements(package, &unique, now)?;
        let location = self.destination.location();
        self.write(move |connection| {
            let failed = |cause| database_error("commit to", &location, cause);
            statements.iter().try_for_each(|sql| {
                failpoint("duckdb.statement")?;
                log_statement(sql);
                connection.execute_batch(sql).map_err(failed)
            })?;
            failpoint("duckdb.before_commit")?;
            log_statement("COMMIT");
            connection.execute_batch("COMMIT").map_err(failed)?;
            failpoint("duckdb.after_commit")
        })
        .await?;
        // Closing writes the log into the database file; the commit itself is done.
        let (connection, turn) = (self.writing.take(), self.turn.take());
        aside(move || {
            failpoint("duckdb.close")?;
            drop(connection);
            drop(turn);
            failpoint("duckdb.closed")
        })
        .await
    }

    async fn rollback(&mut self) -> Result<()> {
        let (connection, turn) = (self.writing.take(), self.turn.take());
        let Some(connection) = connection else { return Ok(()) };
        // Without a transaction there is nothing to give up; closing does the rest.
        aside(move || {
            failpoint("duckdb.rollback")?;
            drop(connection.execute_batch("ROLLBACK"));
            drop(connection);
            drop(turn);
            Ok(())
        })
        .await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let (sql, name, location) = (sql.to_owned(), self.dataset.name.clone(), self.destination.location());
        let destination = self.destination.clone();
        let rows = self
            .read(move |connection| {
                look_into(connection, &name, &location)?;
                only_read(&destination, connection, &sql, &location)?;
                batches(connection, &sql, &location)
            })
            .await?;
        rows.ok_or_else(|| no_database(&self.destination.location()))
    }

    async fn stream(self: Box<Self>, sql: &str) -> Result<RowStream> {
        rows(self.destination.clone(), self.dataset.clone(), sql, true).await
    }

    async fn execute(&mut self, sql: &str) -> Result<RowStream> {
        let (query, location) = (sql.to_owned(), self.destination.location());
        let purpose = self.read(move |connection| purpose(connection, &query, &location)).await?;
        // What only reads leaves others their turn at the file.
        if purpose.ok_or_else(|| no_database(&self.destination.location()))? == Purpose::Read {
            return rows(self.destination.clone(), self.dataset.clone(), sql, false).await;
        }
        let (destination, dataset, sql) = (self.destination.clone(), self.dataset.clone(), sql.to_owned());
        let batches = aside(move || {
            let _turn = turn(&destination, Access::Write, &dataset)?;
            let location = destination.location();
            let connection =
                open(&destination, Access::Write, &dataset)?.ok_or_else(|| no_database(&location))?;
            look_into(&connection, &dataset.name, &location)?;
            batches(&connection, &sql, &location)
        });
        Ok(RowStream::of(batches.await?))
    }

    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<RecordBatch>> {
        let table = DIALECT.qualify(&self.dataset.name, table);
        self.query(&format!("SELECT * FROM {table} LIMIT {limit}")).await
    }
}

/// The rows of a query as they come, from a connection of their own; `is_bound` to do nothing but read.
async fn rows(destination: DuckDb, dataset: Dataset, sql: &str, is_bound: bool) -> Result<RowStream> {
    let location = destination.location();
    // Noted within the turn, so that whoever writes next asks this stream to end; its turn lasts until it is open.
    let (turn, destination, dataset) = aside(move || {
        let turn = turn(&destination, Access::Read, &dataset)?;
        Ok((turn, destination, dataset))
    })
    .await?;
    let reading = match &destination.place {
        Place::File(path) => Some(Reading::note(&path.display().to_string())),
        Place::Memory => None,
    };
    let (place, query) = (location.clone(), sql.to_owned());
    let open = move || {
        let _turn = turn;
        let connection = open(&destination, Access::Read, &dataset)?.ok_or_else(|| no_database(&place))?;
        look_into(&connection, &dataset.name, &place)?;
        if is_bound {
            only_read(&destination, &connection, &query, &place)?;
        }
        Ok(connection)
    };
    stream(sql.to_owned(), location, reading, open).await
}
