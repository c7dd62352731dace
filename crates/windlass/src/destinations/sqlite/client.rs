//! A connection to the files of a dataset that is asked or loads.

use arrow_array::RecordBatch;
use async_trait::async_trait;
use rusqlite::Connection;
use windlass_core::sql::{Dialect, ExistingTables, SQLITE};
use windlass_core::{Error, Result};

use super::connection::{WriterMark, database_error, explain, one_text, open, open_to_read, tables};
use super::insert::insert_file;
use super::{Sqlite, read};
use crate::destination::Dataset;
use crate::destinations::sql::{Blocking, Copy, LoadKey, Outcome, SqlClient, Work, no_database};
use crate::destinations::{log_statement, run_blocking};
use crate::failpoint::failpoint;
use crate::rows::RowStream;

/// Connections, opened when they are needed.
pub(super) struct SqliteClient {
    destination: Sqlite,
    dataset: String,
    location: String,
    /// The connection that questions are asked on.
    reading: Blocking<Opened>,
    /// The connection of the load that is under way.
    writing: Blocking<Opened>,
}

/// An open connection.
struct Opened {
    connection: Connection,
    /// The files that are attached.
    datasets: Vec<String>,
    /// Says that it is a load.
    mark: Option<WriterMark>,
}

impl SqliteClient {
    pub(super) fn new(destination: Sqlite, dataset: &Dataset) -> Result<Self> {
        if dataset.name.eq_ignore_ascii_case("temp") || dataset.name.contains(['/', '\\', '\0']) {
            return Err(Error::config(format!("`{}` cannot be the name of a SQLite dataset", dataset.name))
                .with_hint("choose another dataset name"));
        }
        let location = destination.file(&dataset.name).display().to_string();
        let (reading, writing) = Default::default();
        Ok(Self { destination, dataset: dataset.name.clone(), location, reading, writing })
    }

    /// Runs `work` on the connection that is open: that of questions, or that of the load.
    async fn on_open<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Opened, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let location = self.location.clone();
        let opened = if self.reading.is_open() { &mut self.reading } else { &mut self.writing };
        let result = opened.run(move |opened| work(opened, &location)).await;
        result.map_err(|error| self.explain(error))
    }

    /// Says who keeps a database busy.
    fn explain(&self, error: Error) -> Error {
        let has_mark = self.writing.get().is_some_and(|opened| opened.mark.is_some());
        explain(&self.destination, has_mark, error)
    }
}

#[async_trait]
impl SqlClient for SqliteClient {
    fn dialect(&self) -> &'static dyn Dialect {
        SQLITE
    }

    async fn open(&mut self) -> Result<bool> {
        let (destination, dataset) = (self.destination.clone(), self.dataset.clone());
        let open = move || {
            if !destination.file(&dataset).exists() {
                return Ok(None);
            }
            let connection = open(&destination, &[&dataset])?;
            Ok(Some(Opened { connection, datasets: vec![dataset], mark: None }))
        };
        let opened = self.reading.open(open).await;
        opened.map_err(|error| self.explain(error))
    }

    async fn close(&mut self) -> Result<()> {
        self.reading.close(|_| Ok(())).await
    }

    async fn tables(&mut self, dataset: &str) -> Result<ExistingTables> {
        let dataset = dataset.to_owned();
        let found = self.on_open(move |opened, location| match opened.datasets.contains(&dataset) {
            true => tables(&opened.connection, &dataset, location),
            false => Ok(ExistingTables::new()),
        });
        found.await
    }

    /// A file that is attached exists; one that is not is none of this load.
    async fn has_dataset(&mut self, _: &str, _: &ExistingTables) -> Result<bool> {
        Ok(true)
    }

    async fn one_text(&mut self, sql: &str) -> Result<Option<String>> {
        let sql = sql.to_owned();
        self.on_open(move |opened, location| one_text(&opened.connection, &sql, location)).await
    }

    // `BEGIN IMMEDIATE` keeps all other writers out from the first statement of a load to its commit, and the state that
    // the rows follow on is checked inside. So there is no lease to take.
    async fn begin(&mut self, key: &LoadKey, staging: &str, uses_staging: bool) -> Result<bool> {
        let (destination, location) = (self.destination.clone(), self.location.clone());
        let mut datasets = vec![key.dataset.clone()];
        if uses_staging || destination.file(staging).exists() {
            datasets.push(staging.to_owned());
        }
        let open = move || {
            let names: Vec<&str> = datasets.iter().map(String::as_str).collect();
            let connection = open(&destination, &names)?;
            let mark = WriterMark::set(&destination);
            failpoint("sqlite.begin")?;
            log_statement("BEGIN IMMEDIATE");
            connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|cause| database_error("write to", &location, cause))?;
            Ok(Some(Opened { connection, datasets, mark }))
        };
        let begun = self.writing.open(open).await;
        begun.map_err(|error| self.explain(error))
    }

    async fn execute(&mut self, statements: Vec<String>, work: Work) -> Result<()> {
        let (name, what) = match work {
            Work::Migrate | Work::Prepare => ("sqlite.ddl", "change the tables of"),
            Work::Merge => ("sqlite.statement", "commit to"),
        };
        self.on_open(move |opened, location| {
            statements.iter().try_for_each(|statement| {
                failpoint(name)?;
                log_statement(statement);
                let failed = |cause| database_error(what, location, cause);
                opened.connection.execute_batch(statement).map_err(failed)
            })
        })
        .await?;
        if work == Work::Prepare { failpoint("sqlite.migrated") } else { Ok(()) }
    }

    async fn copy(&mut self, copy: Copy) -> Result<()> {
        for (path, _) in copy.files {
            let (dataset, table) = (copy.dataset.clone(), copy.table.name.clone());
            failpoint("sqlite.insert")?;
            self.on_open(move |opened, location| {
                insert_file(&opened.connection, &dataset, &table, &path, location)
            })
            .await?;
            failpoint("sqlite.job_loaded")?;
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Outcome> {
        self.on_open(move |opened, location| {
            failpoint("sqlite.before_commit")?;
            log_statement("COMMIT");
            let committed = opened.connection.execute_batch("COMMIT");
            committed.map_err(|cause| database_error("commit to", location, cause))?;
            failpoint("sqlite.after_commit")
        })
        .await?;
        self.rollback().await.map(|()| Outcome::Committed)
    }

    async fn rollback(&mut self) -> Result<()> {
        self.writing.close(|_| Ok(())).await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let (destination, name, sql) = (self.destination.clone(), self.dataset.clone(), sql.to_owned());
        let location = self.location.clone();
        let rows = run_blocking(move || {
            if !destination.file(&name).exists() {
                return Err(no_database(&location));
            }
            read::batches(&open_to_read(&destination, &name)?, &sql, &location)
        });
        rows.await.map_err(|error| self.explain(error))
    }

    async fn stream(mut self: Box<Self>, sql: &str) -> Result<RowStream> {
        Ok(RowStream::of(self.query(sql).await?))
    }

    async fn run(&mut self, sql: &str) -> Result<RowStream> {
        if !self.open().await? {
            return Err(no_database(&self.location));
        }
        let sql = sql.to_owned();
        let rows = self.on_open(move |opened, location| read::execute(&opened.connection, &sql, location));
        let rows = rows.await;
        self.close().await?;
        Ok(RowStream::of(rows?))
    }
}
