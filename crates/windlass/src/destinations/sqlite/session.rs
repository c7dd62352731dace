//! One connection to the files of a dataset, and the transaction of a load.

use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use rusqlite::Connection;
use windlass_core::lease::Claim;
use windlass_core::package::Job;
use windlass_core::schema::Schema;
use windlass_core::sql::Dialect;
use windlass_core::state::State;
use windlass_core::{Error, Result};

use super::connection::{WriterMark, database_error, explain, one_text, open, open_to_read, tables};
use super::insert::insert_file;
use super::{Sqlite, read};
use crate::destination::{Dataset, Lease, Session, Stored};
use crate::destinations::sql_dataset::{Found, FoundDataset, SqlDataset, tables_where};
use crate::destinations::{aside, log_statement};
use crate::failpoint::failpoint;
use crate::packages::LoadPackage;
use crate::rows::RowStream;

/// A connection, opened when it is needed.
pub(super) struct SqliteSession {
    destination: Sqlite,
    sql: SqlDataset,
    location: String,
    /// The connection of the load that is under way.
    writing: Option<Connection>,
    /// Says that it is a load.
    mark: Option<WriterMark>,
}

impl SqliteSession {
    pub(super) fn new(destination: Sqlite, dataset: &Dataset) -> Result<Self> {
        if dataset.name.eq_ignore_ascii_case("temp") || dataset.name.contains(['/', '\\', '\0']) {
            return Err(Error::config(format!("`{}` cannot be the name of a SQLite dataset", dataset.name))
                .with_hint("choose another dataset name"));
        }
        let capabilities = &destination.capabilities;
        let sql = SqlDataset::new(
            Dialect::Sqlite,
            dataset,
            &destination.staging_layout,
            capabilities.types,
            capabilities.replace_strategy,
        )?;
        let location = destination.file(&sql.name).display().to_string();
        Ok(Self { destination, sql, location, writing: None, mark: None })
    }

    /// Runs `work` on a thread that may block, with a connection of its own: `None` if there is no file yet.
    async fn read<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection, &SqlDataset, &str) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let (destination, sql, location) =
            (self.destination.clone(), self.sql.clone(), self.location.clone());
        aside(move || {
            if !destination.file(&sql.name).exists() {
                return Ok(None);
            }
            let connection = open(&destination, &[&sql.name])?;
            work(&connection, &sql, &location).map(Some)
        })
        .await
        .map_err(|error| self.explain(error))
    }

    /// Runs `work` on a thread that may block, in the transaction of the load.
    async fn write<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection, &SqlDataset, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection =
            self.writing.take().ok_or_else(|| Error::internal("a load goes on that was not begun"))?;
        let (sql, location) = (self.sql.clone(), self.location.clone());
        let (connection, result) = aside(move || {
            let result = work(&connection, &sql, &location);
            Ok((connection, result))
        })
        .await?;
        self.writing = Some(connection);
        result.map_err(|error| self.explain(error))
    }

    /// Says who keeps a database busy.
    fn explain(&self, error: Error) -> Error {
        explain(&self.destination, self.mark.is_some(), error)
    }
}

fn no_database(location: &str) -> Error {
    Error::destination(format!("there is no database at {location}")).with_hint("run the pipeline first")
}

fn found(
    connection: &Connection,
    sql: &SqlDataset,
    dataset: &str,
    schema: (&str, &str),
    location: &str,
) -> Result<FoundDataset> {
    let (name, hash) = schema;
    let tables = tables(connection, dataset, location)?;
    let has_version = match sql.version_query(dataset, &tables, hash)? {
        Some(query) => one_text(connection, &query, location)?.is_some(),
        None => false,
    };
    let stored = match sql.schema_query(&tables, name)?.filter(|_| !has_version) {
        Some(query) => one_text(connection, &query, location)?,
        None => None,
    };
    FoundDataset::new(true, tables, has_version, stored.as_deref())
}

#[async_trait]
impl Session for SqliteSession {
    async fn stored(&mut self) -> Result<Stored> {
        let read = self.read(|connection, sql, location| {
            let tables = tables(connection, &sql.name, location)?;
            let text = match sql.state_query(&tables)? {
                Some(query) => one_text(connection, &query, location)?,
                None => None,
            };
            let last_load_id = match sql.last_load_query(&tables)? {
                Some(query) => one_text(connection, &query, location)?,
                None => None,
            };
            let state = text.map(|text| State::decode(&text)).transpose()?;
            Ok(Stored { has_dataset: !tables.is_empty(), state, last_load_id, ..Stored::default() })
        });
        Ok(read.await?.unwrap_or_default())
    }

    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        let name = name.to_owned();
        let read = self.read(move |connection, sql, location| {
            let tables = tables(connection, &sql.name, location)?;
            match sql.schema_query(&tables, &name)? {
                Some(query) => one_text(connection, &query, location),
                None => Ok(None),
            }
        });
        read.await?.flatten().map(|text| Schema::decode(&text)).transpose()
    }

    // `BEGIN IMMEDIATE` keeps all other writers out from the first statement of a load to its commit, and the state that
    // the rows follow on is checked inside. So there is no lease to take.
    async fn acquire(&mut self, _: &Claim, _: bool, _: i64) -> Result<Option<Arc<dyn Lease>>> {
        Ok(None)
    }

    async fn release(&mut self, _: i64) -> Result<()> {
        Ok(())
    }

    async fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        let load_id = load_id.to_owned();
        let read = self.read(move |connection, sql, location| {
            let tables = tables(connection, &sql.name, location)?;
            match sql.load_query(&tables, &load_id)? {
                Some(query) => one_text(connection, &query, location),
                None => Ok(None),
            }
        });
        Ok(read.await?.flatten().is_some())
    }

    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>> {
        let existing = self.read(|connection, sql, location| tables(connection, &sql.name, location)).await?;
        let stored = self.stored_schema(&schema.name).await?;
        self.sql.preview(schema, existing.unwrap_or_default(), stored.as_ref())
    }

    async fn migrate(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>> {
        self.rollback().await?;
        let (destination, sql, location) =
            (self.destination.clone(), self.sql.clone(), self.location.clone());
        let (name, hash) = (package.manifest.schema_name.clone(), package.manifest.schema_hash.clone());
        let uses_staging = !sql.staged_tables(package).is_empty() || destination.file(&sql.staging).exists();
        let begun = aside(move || {
            let mut datasets = vec![sql.name.as_str()];
            datasets.extend(uses_staging.then_some(sql.staging.as_str()));
            let connection = open(&destination, &datasets)?;
            let mark = WriterMark::set(&destination);
            failpoint("sqlite.begin")?;
            log_statement("BEGIN IMMEDIATE");
            connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|cause| database_error("write to", &location, cause))?;
            let main = found(&connection, &sql, &sql.name, (&name, &hash), &location)?;
            let staging = if uses_staging {
                found(&connection, &sql, &sql.staging, (&name, &hash), &location)?
            } else {
                FoundDataset::default()
            };
            let state = match sql.state_query(&main.tables)? {
                Some(query) => one_text(&connection, &query, &location)?,
                None => None,
            };
            Ok((mark, connection, Found { main, staging }, state))
        });
        let (mark, connection, found, state) = begun.await.map_err(|error| self.explain(error))?;
        (self.mark, self.writing) = (mark, Some(connection));
        SqlDataset::check_base(package, state)?;
        let plan = self.sql.plan(package, found, now)?;
        let statements = plan.in_order();
        self.write(move |connection, _, location| {
            let failed = |cause| database_error("change the tables of", location, cause);
            statements.iter().try_for_each(|statement| {
                failpoint("sqlite.ddl")?;
                log_statement(statement);
                connection.execute_batch(statement).map_err(failed)
            })
        })
        .await?;
        failpoint("sqlite.migrated")?;
        Ok(plan.drops.into_iter().chain(plan.ddl).collect())
    }

    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()> {
        for job in jobs {
            let (table, path) = (job.table.clone(), package.job_path(job));
            let dataset = self.sql.dataset_of(&table).to_owned();
            failpoint("sqlite.insert")?;
            self.write(move |connection, _, location| {
                insert_file(connection, &dataset, &table, &path, location)
            })
            .await
            .map_err(|error| error.at_table(&job.table))?;
            failpoint("sqlite.job_loaded")?;
        }
        Ok(())
    }

    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()> {
        let queries = self.sql.duplicate_queries(package)?;
        let unique = self
            .write(move |connection, _, location| {
                tables_where(queries, |query| Ok(one_text(connection, query, location)?.is_none()))
            })
            .await?;
        let statements = self.sql.commit_statements(package, &unique, now)?;
        self.write(move |connection, _, location| {
            let failed = |cause| database_error("commit to", location, cause);
            statements.iter().try_for_each(|sql| {
                failpoint("sqlite.statement")?;
                log_statement(sql);
                connection.execute_batch(sql).map_err(failed)
            })?;
            failpoint("sqlite.before_commit")?;
            log_statement("COMMIT");
            connection.execute_batch("COMMIT").map_err(failed)?;
            failpoint("sqlite.after_commit")
        })
        .await?;
        (self.mark, self.writing) = (None, None);
        Ok(())
    }

    async fn rollback(&mut self) -> Result<()> {
        // Closing a connection undoes what was not committed.
        let (mark, connection) = (self.mark.take(), self.writing.take());
        aside(move || {
            drop(connection);
            drop(mark);
            Ok(())
        })
        .await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let (destination, name, sql) = (self.destination.clone(), self.sql.name.clone(), sql.to_owned());
        let location = self.location.clone();
        let rows = aside(move || {
            if !destination.file(&name).exists() {
                return Err(no_database(&location));
            }
            read::batches(&open_to_read(&destination, &name)?, &sql, &location)
        });
        rows.await.map_err(|error| self.explain(error))
    }

    async fn execute(&mut self, sql: &str) -> Result<RowStream> {
        let sql = sql.to_owned();
        let rows = self.read(move |connection, _, location| read::execute(connection, &sql, location));
        Ok(RowStream::of(rows.await?.ok_or_else(|| no_database(&self.location))?))
    }

    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<RecordBatch>> {
        let table = Dialect::Sqlite.qualify(&self.sql.name, table);
        self.query(&format!("SELECT * FROM {table} LIMIT {limit}")).await
    }
}
