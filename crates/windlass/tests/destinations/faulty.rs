//! A destination that fails once, at a chosen point of a load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass::core::lease::Claim;
use windlass::core::package::Job;
use windlass::core::schema::Schema;
use windlass::core::{Error, Result};
use windlass::destination::{Capabilities, Dataset, Destination, Lease, Session, Stored};
use windlass::packages::LoadPackage;

/// Where it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// After this many calls of `load`.
    Loads(usize),
    BeforeCommit,
    AfterCommit,
}

/// Fails at a point, once.
pub(crate) struct Faulty {
    inner: Arc<dyn Destination>,
    point: Point,
    is_spent: Arc<AtomicBool>,
    /// Calls of `load` that went through.
    pub(crate) loads: Arc<AtomicUsize>,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Destination>, point: Point) -> Self {
        Self { inner, point, is_spent: Arc::default(), loads: Arc::default() }
    }
}

#[async_trait]
impl Destination for Faulty {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    async fn connect(&self, dataset: &Dataset) -> Result<Box<dyn Session>> {
        Ok(Box::new(FaultySession {
            inner: self.inner.connect(dataset).await?,
            point: self.point,
            is_spent: Arc::clone(&self.is_spent),
            loads: Arc::clone(&self.loads),
        }))
    }
}

struct FaultySession {
    inner: Box<dyn Session>,
    point: Point,
    is_spent: Arc<AtomicBool>,
    loads: Arc<AtomicUsize>,
}

impl FaultySession {
    fn fail_at(&self, is_here: bool) -> Result<()> {
        if is_here && !self.is_spent.swap(true, Ordering::SeqCst) {
            return Err(Error::destination("this was planned").retryable());
        }
        Ok(())
    }
}

#[async_trait]
impl Session for FaultySession {
    async fn stored(&mut self) -> Result<Stored> {
        self.inner.stored().await
    }

    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        self.inner.stored_schema(name).await
    }

    async fn acquire(&mut self, claim: &Claim, may_create: bool, now: i64) -> Result<Option<Arc<dyn Lease>>> {
        self.inner.acquire(claim, may_create, now).await
    }

    async fn release(&mut self, now: i64) -> Result<()> {
        self.inner.release(now).await
    }

    async fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        self.inner.is_loaded(load_id).await
    }

    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>> {
        self.inner.plan(schema).await
    }

    async fn migrate(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>> {
        self.inner.migrate(package, now).await
    }

    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()> {
        self.inner.load(package, jobs).await?;
        let loads = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        self.fail_at(self.point == Point::Loads(loads))
    }

    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()> {
        self.fail_at(self.point == Point::BeforeCommit)?;
        self.inner.commit(package, now).await?;
        self.fail_at(self.point == Point::AfterCommit)
    }

    async fn rollback(&mut self) -> Result<()> {
        self.inner.rollback().await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.inner.query(sql).await
    }

    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<RecordBatch>> {
        self.inner.table_rows(table, limit).await
    }
}
