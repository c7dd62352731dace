//! A connection to a DuckDB database that is asked or loads.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ::duckdb::Connection;
use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::sql::{DUCKDB, Dialect, ExistingColumn, ExistingTables};
use windlass_core::{Error, ErrorKind, Result};

use super::connection::{Access, Bounds, batches, database_error, open_file, open_memory, prepare};
use super::reads::{Purpose, check, check_in_memory, close_to_others, purpose};
use super::stream::stream;
use super::turn::Turn;
use super::{DatabaseFile, DuckDb};
use crate::destination::{Dataset, Destination as _};
use crate::destinations::sql::{Blocking, Copy, LoadKey, Outcome, SqlClient, Work, no_database};
use crate::destinations::{log_statement, run_blocking};
use crate::failpoint::failpoint;
use crate::rows::{Reading, RowStream, ask_to_end};

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

/// Connections, opened when they are needed.
pub(super) struct DuckDbClient {
    destination: DuckDb,
    dataset: Dataset,
    /// The connection that questions are asked on.
    reading: Blocking<Opened>,
    /// The connection of the load that is under way.
    writing: Blocking<Opened>,
    /// The settings that the last table was written under.
    room: String,
    /// Tables that the load has written so far; each holds memory until the commit.
    tables: u64,
}

/// An open database, and the turn at its file, which ends after the connection.
struct Opened {
    connection: Connection,
    _turn: Option<Turn>,
}

impl DuckDbClient {
    pub(super) fn new(destination: DuckDb, dataset: Dataset) -> Self {
        Self {
            destination,
            dataset,
            reading: Blocking::default(),
            writing: Blocking::default(),
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

    /// Runs `work` on the connection that is open: that of questions, or that of the load.
    async fn on_open<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let location = self.destination.location();
        let opened = if self.reading.is_open() { &mut self.reading } else { &mut self.writing };
        opened.run(move |opened| work(&opened.connection, &location)).await
    }

    /// Runs `work` on a connection of its own. Errors: there is no database.
    async fn asking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if !self.open().await? {
            return Err(no_database(&self.destination.location()));
        }
        let result = self.on_open(work).await;
        self.close().await?;
        result
    }

    /// Executes a statement of the load that may take long: a stop that is asked for ends it.
    async fn write_interruptibly(&mut self, sql: String) -> Result<()> {
        let (cancel, location) = (self.dataset.cancel.clone(), self.destination.location());
        let handle = self.writing.get().map(|opened| opened.connection.interrupt_handle());
        let write = self.writing.run(move |opened| {
            let failed = |cause| database_error("write to", &location, cause);
            opened.connection.execute_batch(&sql).map_err(failed)
        });
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
        DatabaseFile::Path(path) => Turn::take(path, access, &dataset.cancel).map(Some),
        DatabaseFile::Memory => Ok(None),
    }
}

/// Opens the database; `None` if it is to be read and does not exist.
fn open(destination: &DuckDb, access: Access, dataset: &Dataset) -> Result<Option<Connection>> {
    let bounds = Bounds { memory_bytes: dataset.memory_bytes, threads: dataset.threads };
    let options = &destination.options;
    match &destination.place {
        DatabaseFile::Path(path) => {
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
        DatabaseFile::Memory => {
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

/// Makes the tables of the dataset, if there are any, known without the dataset before their names.
fn look_into(connection: &Connection, dataset: &str, location: &str) -> Result<()> {
    if existing_tables(connection, dataset, location)?.is_empty() {
        return Ok(());
    }
    let search = DUCKDB.literal(&DUCKDB.quote(dataset));
    connection
        .execute_batch(&format!("SET search_path = {search}"))
        .map_err(|cause| database_error("query", location, cause))
}

/// Makes a connection ready for a query that may do nothing but read this database. Errors: a query that does more.
fn only_read(destination: &DuckDb, connection: &Connection, sql: &str, location: &str) -> Result<()> {
    match &destination.place {
        DatabaseFile::Path(_) => {
            check(connection, sql, location)?;
            close_to_others(connection, &[], location)
        }
        // Its connections share their settings with those that load files.
        DatabaseFile::Memory => check_in_memory(connection, sql),
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
impl SqlClient for DuckDbClient {
    fn dialect(&self) -> &'static dyn Dialect {
        DUCKDB
    }

    async fn open(&mut self) -> Result<bool> {
        let (destination, dataset) = (self.destination.clone(), self.dataset.clone());
        // The load of this very client has its turn already.
        let is_writing = self.writing.is_open();
        let open = move || {
            let turn = if is_writing { None } else { turn(&destination, Access::Read, &dataset)? };
            let connection = open(&destination, Access::Read, &dataset)?;
            Ok(connection.map(|connection| Opened { connection, _turn: turn }))
        };
        self.reading.open(open).await
    }

    async fn close(&mut self) -> Result<()> {
        self.reading
            .close(|opened| {
                drop(opened);
                Ok(())
            })
            .await
    }

    async fn tables(&mut self, dataset: &str) -> Result<ExistingTables> {
        let dataset = dataset.to_owned();
        self.on_open(move |connection, location| existing_tables(connection, &dataset, location)).await
    }

    async fn has_dataset(&mut self, _: &str, tables: &ExistingTables) -> Result<bool> {
        Ok(!tables.is_empty())
    }

    async fn one_text(&mut self, sql: &str) -> Result<Option<String>> {
        let sql = sql.to_owned();
        self.on_open(move |connection, location| one_text(connection, &sql, location)).await
    }

    // The lock of the file is held from the first statement of a load to its commit, and the state that the rows follow
    // on is checked under it. A run that was stopped before has loaded nothing; one that is stopped in between keeps
    // all others out. So there is no lease to take.
    async fn begin(&mut self, _: &LoadKey, _: &str, _: bool) -> Result<bool> {
        let (destination, dataset) = (self.destination.clone(), self.dataset.clone());
        let open = move || {
            failpoint("duckdb.open")?;
            let turn = turn(&destination, Access::Write, &dataset)?;
            let connection = open(&destination, Access::Write, &dataset)?
                .ok_or_else(|| Error::internal("a database that is written was not opened"))?;
            failpoint("duckdb.begin")?;
            log_statement("BEGIN TRANSACTION");
            connection
                .execute_batch("BEGIN TRANSACTION")
                .map_err(|cause| database_error("write to", &destination.location(), cause))?;
            Ok(Some(Opened { connection, _turn: turn }))
        };
        self.writing.open(open).await?;
        self.room.clear();
        self.tables = 0;
        Ok(true)
    }

    async fn execute(&mut self, statements: Vec<String>, work: Work) -> Result<()> {
        let location = self.destination.location();
        let (name, what) = match work {
            Work::Migrate | Work::Prepare => ("duckdb.ddl", "change the tables of"),
            Work::Merge => ("duckdb.statement", "commit to"),
        };
        let execute = move |opened: &Opened| {
            statements.iter().try_for_each(|statement| {
                failpoint(name)?;
                log_statement(statement);
                opened
                    .connection
                    .execute_batch(statement)
                    .map_err(|cause| database_error(what, &location, cause))
            })
        };
        self.writing.run(execute).await?;
        if work == Work::Prepare { failpoint("duckdb.migrated") } else { Ok(()) }
    }

    async fn copy(&mut self, copy: Copy) -> Result<()> {
        let files: Vec<String> =
            copy.files.iter().map(|(path, _)| DUCKDB.literal(&path.display().to_string())).collect();
        let room = self.room(copy.table.columns.len());
        let settings = if room == self.room { "" } else { room.as_str() };
        let sql = format!(
            "{settings}INSERT INTO {} BY NAME SELECT * FROM read_parquet([{}], union_by_name = true)",
            DUCKDB.qualify(&copy.dataset, &copy.table.name),
            files.join(", ")
        );
        failpoint("duckdb.copy")?;
        log_statement(&sql);
        self.write_interruptibly(sql).await?;
        self.room = room;
        self.tables += 1;
        failpoint("duckdb.job_loaded")
    }

    async fn commit(&mut self) -> Result<Outcome> {
        let location = self.destination.location();
        self.writing
            .run(move |opened| {
                failpoint("duckdb.before_commit")?;
                log_statement("COMMIT");
                let committed = opened.connection.execute_batch("COMMIT");
                committed.map_err(|cause| database_error("commit to", &location, cause))?;
                failpoint("duckdb.after_commit")
            })
            .await?;
        // Closing writes the log into the database file; the commit itself is done.
        let close = |opened| {
            failpoint("duckdb.close")?;
            drop(opened);
            failpoint("duckdb.closed")
        };
        self.writing.close(close).await.map(|()| Outcome::Committed)
    }

    async fn rollback(&mut self) -> Result<()> {
        // Without a transaction there is nothing to give up; closing does the rest.
        let close = |opened: Opened| {
            failpoint("duckdb.rollback")?;
            drop(opened.connection.execute_batch("ROLLBACK"));
            Ok(())
        };
        self.writing.close(close).await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let (sql, name, destination) = (sql.to_owned(), self.dataset.name.clone(), self.destination.clone());
        self.asking(move |connection, location| {
            look_into(connection, &name, location)?;
            only_read(&destination, connection, &sql, location)?;
            batches(connection, &sql, location)
        })
        .await
    }

    async fn stream(self: Box<Self>, sql: &str) -> Result<RowStream> {
        rows(self.destination.clone(), self.dataset.clone(), sql, true).await
    }

    async fn run(&mut self, sql: &str) -> Result<RowStream> {
        let query = sql.to_owned();
        let purpose = self.asking(move |connection, location| purpose(connection, &query, location));
        // What only reads leaves others their turn at the file.
        if purpose.await? == Purpose::Read {
            return rows(self.destination.clone(), self.dataset.clone(), sql, false).await;
        }
        let (destination, dataset, sql) = (self.destination.clone(), self.dataset.clone(), sql.to_owned());
        let batches = run_blocking(move || {
            let _turn = turn(&destination, Access::Write, &dataset)?;
            let location = destination.location();
            let connection =
                open(&destination, Access::Write, &dataset)?.ok_or_else(|| no_database(&location))?;
            look_into(&connection, &dataset.name, &location)?;
            batches(&connection, &sql, &location)
        });
        Ok(RowStream::of(batches.await?))
    }
}

/// The rows of a query as they come, from a connection of their own; `is_bound` to do nothing but read.
async fn rows(destination: DuckDb, dataset: Dataset, sql: &str, is_bound: bool) -> Result<RowStream> {
    let location = destination.location();
    // Noted within the turn, so that whoever writes next asks this stream to end; its turn lasts until it is open.
    let (turn, destination, dataset) = run_blocking(move || {
        let turn = turn(&destination, Access::Read, &dataset)?;
        Ok((turn, destination, dataset))
    })
    .await?;
    let reading = match &destination.place {
        DatabaseFile::Path(path) => Some(Reading::note(&path.display().to_string())),
        DatabaseFile::Memory => None,
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
