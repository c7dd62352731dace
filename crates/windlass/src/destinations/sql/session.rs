//! The protocol of a load, once for all SQL databases.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::lease::Claim;
use windlass_core::package::Job;
use windlass_core::schema::Schema;
use windlass_core::sql::{ExistingTables, key_indexes};
use windlass_core::state::State;
use windlass_core::{Error, Result};

use super::client::{Copy, LoadKey, Outcome, Refusal, SqlClient, Step, Work};
use super::dataset::{Found, FoundDataset, SqlDataset};
use crate::destination::{Capabilities, Dataset, Lease, Session, Stored};
use crate::packages::LoadPackage;
use crate::rows::RowStream;

/// A session of a SQL database.
pub(in crate::destinations) struct SqlSession<C> {
    client: Box<C>,
    sql: SqlDataset,
    pipeline: String,
    /// Whether the state that the rows follow on is to be looked at when they are committed, since others may write
    /// meanwhile.
    checks_base: bool,
}

impl<C: SqlClient> SqlSession<C> {
    /// Errors: a naming convention under which the engine's own tables cannot be told from others.
    pub(in crate::destinations) fn new(
        client: C,
        dataset: &Dataset,
        staging_layout: &str,
        capabilities: &Capabilities,
    ) -> Result<Self> {
        let sql = SqlDataset::new(client.dialect(), dataset, staging_layout, capabilities)?;
        Ok(Self { client: Box::new(client), sql, pipeline: dataset.pipeline.clone(), checks_base: true })
    }

    fn key(&self, load_id: &str) -> LoadKey {
        LoadKey {
            dataset: self.sql.name.clone(),
            pipeline: self.pipeline.clone(),
            load_id: load_id.to_owned(),
        }
    }

    async fn text_of(&mut self, query: Option<String>) -> Result<Option<String>> {
        match query {
            Some(query) => self.client.one_text(&query).await,
            None => Ok(None),
        }
    }

    async fn read_stored(&mut self) -> Result<Stored> {
        let tables = self.client.tables(&self.sql.name).await?;
        let text = self.text_of(self.sql.state_query(&tables)?).await?;
        let last_load_id = self.text_of(self.sql.last_load_query(&tables)?).await?;
        let state = text.map(|text| State::decode(&text)).transpose()?;
        Ok(Stored { has_dataset: !tables.is_empty(), state, last_load_id, ..Stored::default() })
    }

    async fn read_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        let tables = self.client.tables(&self.sql.name).await?;
        let text = self.text_of(self.sql.schema_query(&tables, name)?).await?;
        text.map(|text| Schema::decode(&text)).transpose()
    }

    async fn find_load(&mut self, key: &LoadKey) -> Result<bool> {
        self.client.await_load(key).await?;
        let tables = self.client.tables(&self.sql.name).await?;
        Ok(self.text_of(self.sql.load_query(&tables, &key.load_id)?).await?.is_some())
    }

    /// What the database has of one of the package's datasets.
    async fn found_dataset(&mut self, dataset: &str, package: &LoadPackage) -> Result<FoundDataset> {
        let (name, hash) = (&package.manifest.schema_name, &package.manifest.schema_hash);
        let tables = self.client.tables(dataset).await?;
        let has_version = self.text_of(self.sql.version_query(dataset, &tables, hash)?).await?.is_some();
        let query = self.sql.schema_query(&tables, name)?.filter(|_| !has_version);
        let stored = self.text_of(query).await?;
        let exists = self.client.has_dataset(dataset, &tables).await?;
        FoundDataset::new(exists, tables, has_version, stored.as_deref())
    }

    async fn found(&mut self, package: &LoadPackage) -> Result<Found> {
        let (main, staging) = (self.sql.name.clone(), self.sql.staging.clone());
        let main = self.found_dataset(&main, package).await?;
        Ok(Found { main, staging: self.found_dataset(&staging, package).await? })
    }

    /// Begins the load, makes its tables and gives what was executed for that.
    async fn begin(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>> {
        let key = self.key(package.load_id());
        let uses_staging = !self.sql.staged_tables(package).is_empty();
        let is_alone = self.client.begin(&key, &self.sql.staging, uses_staging).await?;
        self.checks_base = !is_alone;
        let found = self.found(package).await?;
        if is_alone {
            let state = self.text_of(self.sql.state_query(&found.main.tables)?).await?;
            let state = state.map(|text| State::decode(&text)).transpose()?;
            package.manifest.check_base(state.map(|state| state.mark()).as_ref())?;
        }
        let mut plan = self.sql.plan(package, found, now)?;
        // Two loads must not create the same table; the one that waits then finds it.
        if plan.changes_tables() && self.client.lock_tables(&key).await? {
            let found = self.found(package).await?;
            plan = self.sql.plan(package, found, now)?;
        }
        self.client.execute(plan.table_statements(), Work::Migrate).await?;
        let indexes = self.index(package).await?;
        self.client.execute(plan.row_statements(), Work::Prepare).await?;
        Ok(plan.drops.into_iter().chain(plan.ddl).chain(indexes).collect())
    }

    /// Makes the indexes by which a merge finds rows, where a database needs them.
    async fn index(&mut self, package: &LoadPackage) -> Result<Vec<String>> {
        let merged = package.merged_tables();
        if merged.is_empty() || !self.sql.dialect.facts().finds_rows_by_index {
            return Ok(Vec::new());
        }
        let indexes = key_indexes(&package.schema, &merged);
        let (main, staging) = (self.sql.name.clone(), self.sql.staging.clone());
        let mut made = self.client.index(&main, &indexes).await?;
        made.extend(self.client.index(&staging, &indexes).await?);
        Ok(made)
    }

    /// What makes the rows of a package count, and what has to hold for it.
    async fn commit_steps(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<Step>> {
        self.client.execute(self.sql.look_at_staged(package), Work::Merge).await?;
        let mut unique = HashSet::new();
        for (table, query) in self.sql.duplicate_queries(package)? {
            if self.client.one_text(&query).await?.is_none() {
                unique.insert(table);
            }
        }
        let guard = |sql, refusal| Step::Guard { sql, refusal };
        let mut steps = Vec::new();
        if self.checks_base {
            let tables = self.client.tables(&self.sql.name).await?;
            let query = self.sql.base_query(package, &tables)?;
            steps.extend(query.map(|sql| guard(sql, Refusal::BaseChanged)));
        }
        steps.extend(self.sql.commit_statements(package, &unique, now)?.into_iter().map(Step::Sql));
        steps.extend(self.client.fence().map(|sql| guard(sql, Refusal::Fenced)));
        Ok(steps)
    }

    /// What became of a commit that the database did not confirm.
    async fn settle(&mut self, key: &LoadKey, error: Error) -> Result<()> {
        let found = match self.client.open().await {
            Ok(true) => self.find_load(key).await,
            Ok(false) => Ok(false),
            Err(error) => Err(error),
        };
        drop(self.client.close().await);
        match found {
            Ok(true) => Ok(()),
            Ok(false) => Err(error),
            Err(_) => Err(Error::destination("the connection was lost while the load was committed")
                .with_source(error)
                .retryable()
                .with_hint(
                    "whether it was committed will be looked up by the next run; run again when the server is back",
                )),
        }
    }
}

#[async_trait]
impl<C: SqlClient + 'static> Session for SqlSession<C> {
    async fn stored(&mut self) -> Result<Stored> {
        if !self.client.open().await? {
            return Ok(Stored::default());
        }
        let stored = self.read_stored().await;
        self.client.close().await?;
        stored
    }

    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        if !self.client.open().await? {
            return Ok(None);
        }
        let schema = self.read_schema(name).await;
        self.client.close().await?;
        schema
    }

    async fn acquire(&mut self, claim: &Claim, may_create: bool, _: i64) -> Result<Option<Arc<dyn Lease>>> {
        self.client.acquire(&self.sql.name, claim, may_create).await
    }

    async fn release(&mut self, _: i64) -> Result<()> {
        self.client.rollback().await?;
        self.client.release().await
    }

    async fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        let key = self.key(load_id);
        if !self.client.open().await? {
            return Ok(false);
        }
        let found = self.find_load(&key).await;
        self.client.close().await?;
        found
    }

    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>> {
        if !self.client.open().await? {
            return self.sql.preview(schema, ExistingTables::new(), None);
        }
        let tables = self.client.tables(&self.sql.name).await;
        let stored = self.read_schema(&schema.name).await;
        self.client.close().await?;
        self.sql.preview(schema, tables?, stored?.as_ref())
    }

    async fn migrate(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>> {
        self.client.rollback().await?;
        self.begin(package, now).await
    }

    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()> {
        let Some(name) = jobs.first().map(|job| job.table.as_str()) else { return Ok(()) };
        let (dataset, model) = (self.sql.dataset_of(name).to_owned(), self.sql.model_of(name).to_owned());
        let copy = Copy {
            table: self.sql.table_of(package, name)?,
            files: jobs.iter().map(|job| (package.job_path(job), job.rows)).collect(),
            has_records: !package.manifest.newest.is_empty() && self.sql.is_staged(name),
            dataset,
            model,
        };
        self.client.copy(copy).await.map_err(|error| error.at_table(name))
    }

    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()> {
        let key = self.key(package.load_id());
        let steps = self.commit_steps(package, now).await?;
        match self.client.atomic(steps, &key).await? {
            Outcome::Committed => Ok(()),
            Outcome::Refused(Refusal::Fenced) => Err(self.client.fenced()),
            Outcome::Refused(Refusal::BaseChanged) => Err(package.manifest.base_changed()),
            Outcome::Unknown(error) => self.settle(&key, error).await,
        }
    }

    async fn rollback(&mut self) -> Result<()> {
        self.client.rollback().await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.client.query(sql).await
    }

    async fn stream(self: Box<Self>, sql: &str) -> Result<RowStream> {
        self.client.stream(sql).await
    }

    async fn execute(&mut self, sql: &str) -> Result<RowStream> {
        self.client.run(sql).await
    }

    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<RecordBatch>> {
        let table = self.sql.dialect.qualify(&self.sql.name, table);
        self.client.query(&format!("SELECT * FROM {table} LIMIT {limit}")).await
    }
}
