//! A connection to a store: a load is gathered here and takes effect at its commit.

use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::lease::Claim;
use windlass_core::package::Job;
use windlass_core::schema::{Schema, SystemNames};
use windlass_core::{Error, Result};

use super::dataset::{Load, MemoryDataset, StagedRows};
use super::{Memory, Store};
use crate::destination::{Dataset, Lease, Session, Stored};
use crate::destinations::job_file::{damaged, open_job_file};
use crate::destinations::run_blocking;
use crate::failpoint::failpoint;
use crate::packages::LoadPackage;

/// One connection.
pub(super) struct MemorySession {
    memory: Memory,
    dataset: Dataset,
    names: SystemNames,
    lease: Option<MemoryLease>,
    /// The rows of the load that is under way.
    staged: StagedRows,
}

/// A lease that was taken.
#[derive(Clone)]
struct MemoryLease {
    store: Arc<Store>,
    dataset: String,
    claim: Claim,
    token: i64,
}

impl MemorySession {
    /// Errors: a naming convention under which the engine's own tables cannot be told from others.
    pub(super) fn new(memory: &Memory, dataset: &Dataset) -> Result<Self> {
        Ok(Self {
            memory: memory.clone(),
            dataset: dataset.clone(),
            names: SystemNames::new(&dataset.naming)?,
            lease: None,
            staged: StagedRows::new(),
        })
    }

    /// The dataset as it is now; `None` before the first load.
    fn held(&self) -> Option<MemoryDataset> {
        self.memory.store.lock().get(&self.dataset.name).and_then(|held| held.dataset.clone())
    }
}

impl MemoryLease {
    /// Errors: another run has taken over.
    fn check(&self, held: &super::Held) -> Result<()> {
        let newest = held.leases.get(&self.claim.pipeline).map(|lease| lease.token);
        self.claim.check(self.token, newest)
    }

    /// Moves the end of the lease. Errors: another run has taken over.
    fn end_at(&self, now: i64, expires_at: i64) -> Result<()> {
        let mut store = self.store.lock();
        let held = store.entry(self.dataset.clone()).or_default();
        self.check(held)?;
        if let Some(lease) = held.leases.get_mut(&self.claim.pipeline) {
            lease.renewed_at = now;
            lease.expires_at = expires_at;
        }
        Ok(())
    }
}

#[async_trait]
impl Lease for MemoryLease {
    async fn renew(&self, now: i64) -> Result<()> {
        self.end_at(now, now.saturating_add(self.claim.micros))
    }
}

#[async_trait]
impl Session for MemorySession {
    async fn stored(&mut self) -> Result<Stored> {
        let Some(held) = self.held() else { return Ok(Stored::default()) };
        let state = held.state(&self.dataset.pipeline, &self.names, &self.dataset.naming)?;
        let last_load_id = held.last_load_id(&self.names, &self.dataset.naming)?;
        Ok(Stored { has_dataset: true, state, last_load_id, ..Stored::default() })
    }

    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        let Some(held) = self.held() else { return Ok(None) };
        held.schema(name, &self.names, &self.dataset.naming)
    }

    async fn acquire(&mut self, claim: &Claim, may_create: bool, now: i64) -> Result<Option<Arc<dyn Lease>>> {
        let mut store = self.memory.store.lock();
        if !may_create && store.get(&self.dataset.name).is_none_or(|held| held.dataset.is_none()) {
            return Ok(None);
        }
        let held = store.entry(self.dataset.name.clone()).or_default();
        let next = claim.take(held.leases.get(&claim.pipeline), now)?;
        let lease = MemoryLease {
            store: Arc::clone(&self.memory.store),
            dataset: self.dataset.name.clone(),
            claim: claim.clone(),
            token: next.token,
        };
        held.leases.insert(claim.pipeline.clone(), next);
        self.lease = Some(lease.clone());
        Ok(Some(Arc::new(lease)))
    }

    async fn release(&mut self, now: i64) -> Result<()> {
        // Who has taken over keeps it.
        self.lease.take().map_or(Ok(()), |lease| lease.end_at(now, now).or(Ok(())))
    }

    async fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        self.held().map_or(Ok(false), |held| held.has_load(load_id, &self.names, &self.dataset.naming))
    }

    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>> {
        let tables = schema.tables.values().map(AsRef::as_ref).filter(|table| !table.is_new());
        Ok(self.held().unwrap_or_default().additions(tables))
    }

    async fn migrate(&mut self, package: &LoadPackage, _: i64) -> Result<Vec<String>> {
        self.rollback().await?;
        failpoint("memory.migrate")?;
        Ok(self.held().unwrap_or_default().changes(&Load::new(package), &self.names))
    }

    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()> {
        for job in jobs {
            let path = package.job_path(job);
            let read = run_blocking(move || {
                failpoint("memory.load")?;
                let batches = open_job_file(&path)?;
                batches
                    .map(|batch| batch.map_err(|cause| damaged(&path, cause)))
                    .collect::<Result<Vec<RecordBatch>>>()
            });
            let rows = read.await.map_err(|error| error.at_table(&job.table))?;
            self.staged.insert(job.file.clone(), rows);
        }
        Ok(())
    }

    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()> {
        let (load, rows, lease) = (Load::new(package), std::mem::take(&mut self.staged), self.lease.clone());
        let (memory, dataset, names) = (self.memory.clone(), self.dataset.clone(), self.names.clone());
        run_blocking(move || {
            // One load at a time: the next one begins with what this one leaves.
            let mut store = memory.store.lock();
            let held = store.entry(dataset.name.clone()).or_default();
            if let Some(lease) = &lease {
                lease.check(held)?;
            }
            let before = held.dataset.clone().unwrap_or_default();
            let state = before.state(&dataset.pipeline, &names, &dataset.naming)?;
            load.manifest.check_base(state.map(|state| state.mark()).as_ref())?;
            let after =
                before.after(&load, &rows, &names, &dataset.naming, &memory.capabilities.types, now)?;
            failpoint("memory.before_commit")?;
            held.dataset = Some(after);
            failpoint("memory.after_commit")
        })
        .await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.staged.clear();
        Ok(())
    }

    async fn query(&mut self, _: &str) -> Result<Vec<RecordBatch>> {
        Err(Error::unsupported("the memory destination knows no SQL").with_hint(
            "read whole tables with `Memory::table`, or load into duckdb with credentials `:memory:`",
        ))
    }

    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<RecordBatch>> {
        let batches = self.held().and_then(|held| held.batches(table)).ok_or_else(|| {
            Error::destination(format!("there is no table `{table}` in dataset `{}`", self.dataset.name))
                .with_hint("`Memory::tables` lists them; a store is gone when its process ends")
        })?;
        let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
        let batches = batches.iter().map(|batch| {
            let rows = batch.slice(0, batch.num_rows().min(left));
            left -= rows.num_rows();
            rows
        });
        Ok(batches.collect())
    }
}
