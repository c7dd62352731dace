//! One connection to a DuckDB database, and the transaction of a load.

use std::collections::{HashMap, HashSet};

use ::duckdb::Connection;
use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::package::Job;
use windlass_core::schema::{Schema, SystemNames};
use windlass_core::sql::{
    Dialect, ExistingTables, LoadPlan, MergeTarget, delete_all, load_record, migration, replace_from_staging,
};
use windlass_core::state::State;
use windlass_core::{Error, Result};

use super::connection::{Access, Bounds, batches, database_error, open_file, open_memory, prepare};
use super::{DuckDb, Place};
use crate::destination::{Dataset, Destination as _, ReplaceStrategy, Session, Stored};
use crate::env::time_of_load_id;
use crate::failpoint::failpoint;
use crate::packages::LoadPackage;

const DIALECT: Dialect = Dialect::DuckDb;

/// A connection, opened when it is needed.
pub(super) struct DuckDbSession {
    destination: DuckDb,
    dataset: Dataset,
    /// The connection of the load that is under way.
    writing: Option<Connection>,
    /// Tables with columns that the schema of the load does not know.
    widened: HashSet<String>,
}

impl DuckDbSession {
    pub(super) fn new(destination: DuckDb, dataset: Dataset) -> Self {
        Self { destination, dataset, writing: None, widened: HashSet::new() }
    }

    fn staging(&self) -> String {
        let name = self.destination.staging_layout.replace("%s", &self.dataset.name);
        self.dataset.naming.table_identifier(&name).unwrap_or(name)
    }

    fn names(&self) -> Result<SystemNames> {
        SystemNames::new(&self.dataset.naming)
    }

    /// Runs `work` on a thread that may block, with a connection of its own: `None` if there is no database yet.
    async fn read<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let (destination, dataset) = (self.destination.clone(), self.dataset.clone());
        blocking(move || match open(&destination, Access::Read, &dataset)? {
            Some(connection) => work(&connection).map(Some),
            None => Ok(None),
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
        let (connection, result) = blocking(move || {
            let result = work(&connection);
            Ok((connection, result))
        })
        .await?;
        self.writing = Some(connection);
        result
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
            open_file(path, access, options, bounds, &dataset.name).map(Some)
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| Error::internal("the thread of DuckDB broke down").with_source(cause))?
}

/// Table and column names of one schema.
fn existing_tables(connection: &Connection, schema: &str, location: &str) -> Result<ExistingTables> {
    let failed = |cause| database_error("read the tables of", location, cause);
    let mut statement = connection
        .prepare(
            "SELECT table_name, column_name FROM information_schema.columns \
             WHERE table_catalog = current_database() AND table_schema = ? \
             ORDER BY table_name, ordinal_position",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([schema], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .map_err(failed)?;
    let mut tables: ExistingTables = HashMap::new();
    for row in rows {
        let (table, column) = row.map_err(failed)?;
        tables.entry(table).or_default().push(column);
    }
    Ok(tables)
}

/// The first column of the first row of a query.
fn one_text(connection: &Connection, sql: &str, params: &[&str], location: &str) -> Result<Option<String>> {
    let failed = |cause| database_error("query", location, cause);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query(::duckdb::params_from_iter(params)).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
    row.get(0).map(Some).map_err(failed)
}

/// The tables that have columns which the schema does not know.
fn widened(schema: &Schema, existing: &ExistingTables) -> HashSet<String> {
    let is_known = |name: &str, column: &String| {
        let table = schema.table(name);
        table.is_none_or(|table| table.columns.keys().any(|known| known.eq_ignore_ascii_case(column)))
    };
    let is_widened =
        |(name, columns): &(&String, &Vec<String>)| !columns.iter().all(|column| is_known(name, column));
    existing.iter().filter(is_widened).map(|(name, _)| name.clone()).collect()
}

/// What a database has before a load.
struct Found {
    tables: ExistingTables,
    staging_tables: ExistingTables,
    has_version: bool,
    has_staging_version: bool,
}

#[async_trait]
impl Session for DuckDbSession {
    async fn stored(&mut self) -> Result<Stored> {
        let (names, dataset) = (self.names()?, self.dataset.clone());
        let location = self.destination.location();
        let read = self
            .read(move |connection| {
                let tables = existing_tables(connection, &dataset.name, &location)?;
                let is_there = |table: &str| tables.contains_key(table);
                if !is_there(&names.state_table) || !is_there(&names.loads_table) {
                    return Ok(Stored { has_dataset: !tables.is_empty(), state: None });
                }
                let column = |name: &str| -> Result<String> { Ok(DIALECT.quote(&dataset.naming.identifier(name)?)) };
                let sql = format!(
                    "SELECT s.{state} FROM {states} AS s JOIN {loads} AS l ON l.{load_id} = s.{state_load_id} \
                     WHERE s.{pipeline} = ? AND l.{status} = 0 ORDER BY l.{load_id} DESC LIMIT 1",
                    state = column("state")?,
                    states = DIALECT.qualify(&dataset.name, &names.state_table),
                    loads = DIALECT.qualify(&dataset.name, &names.loads_table),
                    load_id = column("load_id")?,
                    state_load_id = DIALECT.quote(&names.load_id),
                    pipeline = column("pipeline_name")?,
                    status = column("status")?,
                );
                let text = one_text(connection, &sql, &[&dataset.pipeline], &location)?;
                let state = text.map(|text| State::decode(&text)).transpose()?;
                Ok(Stored { has_dataset: true, state })
            })
            .await?;
        Ok(read.unwrap_or_default())
    }

    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        let (names, dataset, name) = (self.names()?, self.dataset.clone(), name.to_owned());
        let location = self.destination.location();
        let text = self
            .read(move |connection| {
                let tables = existing_tables(connection, &dataset.name, &location)?;
                if !tables.contains_key(&names.version_table) {
                    return Ok(None);
                }
                let column =
                    |name: &str| -> Result<String> { Ok(DIALECT.quote(&dataset.naming.identifier(name)?)) };
                let sql = format!(
                    "SELECT {} FROM {} WHERE {} = ? ORDER BY {} DESC LIMIT 1",
                    column("schema")?,
                    DIALECT.qualify(&dataset.name, &names.version_table),
                    column("schema_name")?,
                    column("inserted_at")?
                );
                one_text(connection, &sql, &[&name], &location)
            })
            .await?;
        text.flatten().map(|text| Schema::decode(&text)).transpose()
    }

    async fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        let (names, dataset, load_id) = (self.names()?, self.dataset.clone(), load_id.to_owned());
        let location = self.destination.location();
        let found = self
            .read(move |connection| {
                let tables = existing_tables(connection, &dataset.name, &location)?;
                if !tables.contains_key(&names.loads_table) {
                    return Ok(None);
                }
                let column = DIALECT.quote(&dataset.naming.identifier("load_id")?);
                let loads = DIALECT.qualify(&dataset.name, &names.loads_table);
                let sql = format!("SELECT {column} FROM {loads} WHERE {column} = ?");
                one_text(connection, &sql, &[&load_id], &location)
            })
            .await?;
        Ok(found.flatten().is_some())
    }

    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>> {
        let (name, location) = (self.dataset.name.clone(), self.destination.location());
        let existing = self
            .read(move |connection| existing_tables(connection, &name, &location))
            .await?
            .unwrap_or_default();
        migration(
            DIALECT,
            &self.dataset.name,
            schema.tables.values().map(AsRef::as_ref),
            &existing,
            &self.destination.capabilities.types,
            &self.names()?.prefix,
        )
    }

    async fn migrate(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>> {
        self.rollback().await?;
        let (destination, dataset, names) = (self.destination.clone(), self.dataset.clone(), self.names()?);
        let (staging, hash) = (self.staging(), package.manifest.schema_hash.clone());
        let location = destination.location();
        let (connection, found) = blocking(move || {
            let connection = open(&destination, Access::Write, &dataset)?
                .ok_or_else(|| Error::internal("a database that is written was not opened"))?;
            let failed = |cause| database_error("write to", &location, cause);
            connection.execute_batch("BEGIN TRANSACTION").map_err(failed)?;
            let version = |dataset_name: &str, tables: &ExistingTables| -> Result<bool> {
                if !tables.contains_key(&names.version_table) {
                    return Ok(false);
                }
                let column = DIALECT.quote(&dataset.naming.identifier("version_hash")?);
                let table = DIALECT.qualify(dataset_name, &names.version_table);
                let sql = format!("SELECT {column} FROM {table} WHERE {column} = ?");
                Ok(one_text(&connection, &sql, &[&hash], &location)?.is_some())
            };
            let tables = existing_tables(&connection, &dataset.name, &location)?;
            let has_version = version(&dataset.name, &tables)?;
            let staging_tables = existing_tables(&connection, &staging, &location)?;
            let has_staging_version = version(&staging, &staging_tables)?;
            Ok((connection, Found { tables, staging_tables, has_version, has_staging_version }))
        })
        .await?;
        self.writing = Some(connection);
        self.widened = widened(&package.schema, &found.tables);
        let plan = self.plan_load(package, found, now)?;
        let statements = plan.in_order();
        let location = self.destination.location();
        self.write(move |connection| {
            statements.iter().try_for_each(|statement| {
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
        let is_staged = self.staged_tables(package).contains(&table);
        let dataset = if is_staged { self.staging() } else { self.dataset.name.clone() };
        let files: Vec<String> =
            jobs.iter().map(|job| DIALECT.literal(&package.job_path(job).display().to_string())).collect();
        let sql = format!(
            "INSERT INTO {} BY NAME SELECT * FROM read_parquet([{}], union_by_name = true)",
            DIALECT.qualify(&dataset, &table),
            files.join(", ")
        );
        let location = self.destination.location();
        self.write(move |connection| {
            connection.execute_batch(&sql).map_err(|cause| database_error("write to", &location, cause))
        })
        .await
        .map_err(|error| error.at_table(&table))?;
        failpoint("duckdb.job_loaded")
    }

    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()> {
        let names = self.names()?;
        let mut statements = self.staged_into_place(package, &names)?;
        let loads = package.schema.table(&names.loads_table);
        let loads = loads.ok_or_else(|| Error::internal("the schema has no table of loads"))?;
        let (load_id, schema) = (package.load_id(), &package.manifest);
        statements.push(load_record(
            DIALECT,
            &self.dataset.name,
            loads,
            load_id,
            &schema.schema_name,
            now,
            &schema.schema_hash,
        ));
        let location = self.destination.location();
        self.write(move |connection| {
            let failed = |cause| database_error("commit to", &location, cause);
            statements.iter().try_for_each(|sql| connection.execute_batch(sql)).map_err(failed)?;
            failpoint("duckdb.before_commit")?;
            connection.execute_batch("COMMIT").map_err(failed)?;
            failpoint("duckdb.after_commit")
        })
        .await?;
        // Closing writes the log into the database file; the commit itself is done.
        let connection = self.writing.take();
        blocking(move || {
            drop(connection);
            Ok(())
        })
        .await
    }

    async fn rollback(&mut self) -> Result<()> {
        let Some(connection) = self.writing.take() else { return Ok(()) };
        // Without a transaction there is nothing to give up; closing does the rest.
        blocking(move || {
            drop(connection.execute_batch("ROLLBACK"));
            drop(connection);
            Ok(())
        })
        .await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let (sql, name, location) = (sql.to_owned(), self.dataset.name.clone(), self.destination.location());
        let rows = self
            .read(move |connection| {
                let exists = !existing_tables(connection, &name, &location)?.is_empty();
                if exists {
                    let search = DIALECT.literal(&DIALECT.quote(&name));
                    connection
                        .execute_batch(&format!("SET search_path = {search}"))
                        .map_err(|cause| database_error("query", &location, cause))?;
                }
                batches(connection, &sql, &location)
            })
            .await?;
        rows.ok_or_else(|| {
            Error::destination(format!("there is no database at {}", self.destination.location()))
                .with_hint("run the pipeline first")
        })
    }

    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<RecordBatch>> {
        let table = DIALECT.qualify(&self.dataset.name, table);
        self.query(&format!("SELECT * FROM {table} LIMIT {limit}")).await
    }
}

impl DuckDbSession {
    fn staged_tables(&self, package: &LoadPackage) -> Vec<String> {
        package.staged_tables(self.destination.capabilities.replace_strategy)
    }

    /// The statements that bring staged rows to where they count, and then empty the staging tables.
    fn staged_into_place(&self, package: &LoadPackage, names: &SystemNames) -> Result<Vec<String>> {
        let (schema, staging) = (&package.schema, self.staging());
        let mut statements = Vec::new();
        if self.destination.capabilities.replace_strategy == ReplaceStrategy::InsertFromStaging {
            let replaced = package.replaced_tables();
            let tables: Vec<_> = replaced.iter().filter_map(|table| schema.table(table)).collect();
            statements.extend(replace_from_staging(DIALECT, &self.dataset.name, &staging, &tables));
        }
        let merge = MergeTarget {
            dialect: DIALECT,
            dataset: &self.dataset.name,
            staging: &staging,
            schema,
            names,
            types: &self.destination.capabilities.types,
            loaded_at: time_of_load_id(package.load_id()),
            widened: &self.widened,
        };
        for root in package.merged_roots() {
            statements.extend(merge.statements(&root)?);
        }
        // Rows that were staged and deleted in one transaction never reach the disk.
        let merged = package.merged_tables();
        statements.extend(merged.iter().map(|table| delete_all(DIALECT, &staging, table)));
        Ok(statements)
    }

    fn plan_load(&self, package: &LoadPackage, mut found: Found, now: i64) -> Result<LoadPlan> {
        let load = windlass_core::sql::LoadTarget {
            dialect: DIALECT,
            types: &self.destination.capabilities.types,
            schema: &package.schema,
            names: &self.names()?,
            now,
        };
        let (main, staged) = (package.migrated_tables(), self.staged_tables(package));
        let truncated = package.emptied_tables(self.destination.capabilities.replace_strategy);
        let dropped = &package.manifest.dropped;
        let drops = load.drop_tables(&self.dataset.name, dropped, &mut found.tables)?;
        let has_version = found.has_version && dropped.is_empty();
        let mut plan = load.plan(&self.dataset.name, &main, &truncated, &found.tables, has_version)?;
        plan.drops = drops;
        if !dropped.is_empty() && !found.staging_tables.is_empty() {
            let staging = self.staging();
            plan.drops.extend(load.drop_tables(&staging, dropped, &mut found.staging_tables)?);
        }
        if !staged.is_empty() {
            let staging = self.staging();
            let has_staging_version = found.has_staging_version && dropped.is_empty();
            let next = load.plan_staging(&staging, &staged, &found.staging_tables, has_staging_version)?;
            plan.extend(next);
        }
        Ok(plan)
    }
}
