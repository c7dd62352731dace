//! From a source to the files of an open package: extractors on the async side, CPU workers on the other, one bounded
//! channel between them.
//!
//! ```text
//! Extractor ──Page──> driver (limit, ticket) ══ channel, bounded by bytes ══> Worker 0..n ──> job files
//!                                                                         └─> SchemaBook (order)
//! ```

mod book;
mod budget;
mod gate;
mod job_files;
mod records;
mod single;
mod targets;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use windlass_core::incremental::{Filter, Tally};
use windlass_core::normalize::{Discarded, NormalizeSettings, SchemaState};
use windlass_core::package::Job;
use windlass_core::{Error, Result};

use self::book::{SchemaBook, Ticket};
use self::budget::ByteBudget;
use self::gate::{Chosen, Gate};
pub use self::job_files::FileRotation;
pub(crate) use self::job_files::{JobFiles, TableFormats};
pub(crate) use self::single::write_record;
use self::worker::{Shredded, Worker, WorkerSettings};
use crate::source::{Opening, Page, Resource, Source, SourceContext, Target};

/// A resource whose tables are declared.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) resource: Resource,
    /// Normalized name of its table.
    pub(crate) root_table: String,
    /// The tables that it declares.
    pub(crate) tables: Vec<String>,
    /// Which of its records belong to this run.
    pub(crate) filter: Option<Arc<Filter>>,
}

/// What a run may use.
#[derive(Clone, Copy, Debug)]
pub struct ExtractSettings {
    /// CPU workers; as many as there are cores by default.
    pub workers: usize,
    /// Bytes of pages in memory between reading and normalizing. Default 12 MiB.
    pub max_inflight_bytes: usize,
    /// When job files are closed.
    pub rotation: FileRotation,
}

/// Bytes after which a job file is closed when nobody says otherwise. A Parquet writer remembers all row groups of its
/// file, a kilobyte for each column: one file without end would take memory without bound.
const FILE_BYTES: u64 = 256 << 20;

impl Default for ExtractSettings {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            workers,
            max_inflight_bytes: 12 << 20,
            rotation: FileRotation { max_rows: None, max_bytes: Some(FILE_BYTES) },
        }
    }
}

/// How far a run has come; read by progress bars.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of pages that were normalized.
    pub bytes: AtomicU64,
    /// Records that were normalized.
    pub records: AtomicU64,
    /// Jobs of the load.
    pub jobs: AtomicU64,
    /// Jobs that are loaded.
    pub jobs_done: AtomicU64,
    /// What is being done.
    stage: Mutex<String>,
}

impl Progress {
    /// What is being done.
    pub fn stage(&self) -> String {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to count the jobs of a load.
    pub(crate) fn begin_jobs(&self, jobs: u64) {
        self.jobs_done.store(0, Ordering::Relaxed);
        self.jobs.store(jobs, Ordering::Relaxed);
    }

    pub(crate) fn count_jobs_done(&self, jobs: u64) {
        self.jobs_done.fetch_add(jobs, Ordering::Relaxed);
    }

    pub(crate) fn set_stage(&self, stage: impl Into<String>) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage.into();
    }
}

/// A request to stop, shared by everything that runs.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks everything to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// What is set when a stop is asked for, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether a stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Errors: a stop was asked for.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }
}

/// A page on its way to a worker.
pub(crate) struct Work {
    /// Index of the resource.
    resource: usize,
    page: Page,
    ticket: Ticket,
    /// Records to take of the page, where a gate chose them.
    chosen: Option<Chosen>,
    /// Where they go, if not to the resource's own tables.
    target: Option<Arc<Target>>,
    /// Gives the page's bytes back to the channel when the page is done.
    _permit: OwnedSemaphorePermit,
}

/// What an extraction made.
#[derive(Debug)]
pub(crate) struct Extracted {
    pub(crate) state: Arc<SchemaState>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) rows: BTreeMap<String, u64>,
    pub(crate) discarded: Discarded,
    pub(crate) rejected: BTreeMap<String, u64>,
    pub(crate) null_columns: Vec<(String, String)>,
    /// Indexes of the resources that gave pages.
    pub(crate) reached: BTreeSet<usize>,
    /// What was seen of the cursors, by resource.
    pub(crate) tallies: BTreeMap<usize, Tally>,
    /// Resources whose limit may make later runs skip records.
    pub(crate) may_skip: Vec<usize>,
    /// Root tables that came up while data was read.
    pub(crate) came_up: BTreeSet<String>,
}

/// What an extraction needs.
pub(crate) struct Extraction<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) context: &'a SourceContext,
    pub(crate) resources: Vec<Prepared>,
    pub(crate) package: PathBuf,
    pub(crate) load_id: String,
    pub(crate) normalize: NormalizeSettings,
    pub(crate) formats: TableFormats,
    pub(crate) settings: ExtractSettings,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cancel: Cancel,
}

/// Reads all resources and writes their rows into the package.
///
/// Errors: the first error in the order of the input; nothing of the package is usable then.
pub(crate) async fn run(extraction: Extraction<'_>) -> Result<Extracted> {
    let Extraction {
        source,
        context,
        resources,
        package,
        load_id,
        normalize,
        formats,
        settings,
        progress,
        cancel,
    } = extraction;
    let resources = Arc::new(resources);
    let state = Arc::new(SchemaState::new(normalize.start.clone()));
    let book = Arc::new(SchemaBook::new(Arc::clone(&state)));
    let worker_settings = WorkerSettings {
        package,
        load_id,
        resources: Arc::clone(&resources),
        normalize: Arc::new(normalize),
        state,
        formats,
        rotation: settings.rotation,
        progress,
    };
    let (sender, receiver) = mpsc::channel::<Work>(256);
    let receiver = Arc::new(Mutex::new(receiver));
    let failure =
        Arc::new(Failure { first: Mutex::new(None), book: Arc::clone(&book), stop: Cancel::default() });
    let workers: Vec<_> = (0..settings.workers.max(1))
        .map(|index| {
            let worker = Worker::new(index, &worker_settings);
            let (receiver, failure, cancel) = (Arc::clone(&receiver), Arc::clone(&failure), cancel.clone());
            std::thread::Builder::new()
                .name(format!("windlass-shred-{index}"))
                .spawn(move || work(worker, &receiver, &failure, &cancel))
                .map_err(|cause| Error::internal("a worker thread cannot be started").with_source(cause))
        })
        .collect::<Result<_>>()?;
    let driver = Driver {
        source,
        context,
        resources: &resources,
        book: Arc::clone(&book),
        sender,
        budget: ByteBudget::new(settings.max_inflight_bytes),
        failure: Arc::clone(&failure),
        cancel,
        next_ticket: 0,
    };
    // The channel closes with the driver; then the workers finish what they have.
    let driven = driver.drive().await;
    let driven = driven.map_err(|error| failure.fail(u64::MAX, error)).unwrap_or_default();
    let joined = tokio::task::spawn_blocking(move || {
        workers.into_iter().map(std::thread::JoinHandle::join).collect::<Vec<_>>()
    })
    .await;
    let joined = joined.map_err(|cause| Error::internal("the workers broke down").with_source(cause))?;
    let mut shredded = Vec::new();
    for result in joined {
        match result {
            Ok(Some(part)) => shredded.push(part),
            Ok(None) => {}
            Err(_) => failure.fail(u64::MAX, Error::internal("a worker broke down")),
        }
    }
    if let Some(error) = failure.take() {
        return Err(error);
    }
    let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
    let of_workers = shredded.iter_mut().flat_map(|part| std::mem::take(&mut part.tallies));
    for (resource, tally) in driven.tallies.into_iter().chain(of_workers) {
        match tallies.get_mut(&resource) {
            Some(all) => {
                let name = &resources[resource].resource.name;
                all.merge(tally).map_err(|error| error.at_resource(name))?;
            }
            None => drop(tallies.insert(resource, tally)),
        }
    }
    Ok(Extracted { tallies, may_skip: driven.may_skip, ..merge(shredded, book.state()) })
}

fn merge(parts: Vec<Shredded>, state: Arc<SchemaState>) -> Extracted {
    let mut extracted = Extracted {
        state,
        jobs: Vec::new(),
        rows: BTreeMap::new(),
        discarded: Discarded::default(),
        rejected: BTreeMap::new(),
        null_columns: Vec::new(),
        reached: BTreeSet::new(),
        tallies: BTreeMap::new(),
        may_skip: Vec::new(),
        came_up: BTreeSet::new(),
    };
    for part in parts {
        extracted.reached.extend(part.reached);
        extracted.came_up.extend(part.came_up);
        extracted.jobs.extend(part.jobs);
        extracted.discarded.add(&part.discarded);
        extracted.null_columns.extend(part.null_columns);
        for (table, rows) in part.rows {
            *extracted.rows.entry(table).or_default() += rows;
        }
        for (resource, records) in part.rejected {
            *extracted.rejected.entry(resource).or_default() += records;
        }
    }
    extracted.jobs.sort_by(|a, b| (&a.table, &a.file).cmp(&(&b.table, &b.file)));
    extracted
}

/// The first error in the order of the input.
struct Failure {
    first: Mutex<Option<(u64, Error)>>,
    book: Arc<SchemaBook>,
    /// Tells the driver to stop.
    stop: Cancel,
}

impl Failure {
    fn fail(&self, ticket: u64, error: Error) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waited for a turn that never came was stopped by the error that counts.
        let is_echo = error.kind() == windlass_core::ErrorKind::Cancelled && first.is_some();
        if !is_echo
            && first
                .as_ref()
                .is_none_or(|(known, e)| ticket < *known || e.kind() == windlass_core::ErrorKind::Cancelled)
        {
            *first = Some((ticket, error));
        }
        drop(first);
        self.stop.cancel();
        self.book.stop();
    }

    fn take(&self) -> Option<Error> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take().map(|(_, error)| error)
    }
}

/// The loop of one worker thread.
fn work(
    mut worker: Worker,
    receiver: &Mutex<mpsc::Receiver<Work>>,
    failure: &Failure,
    cancel: &Cancel,
) -> Option<Shredded> {
    loop {
        // Whoever holds the lock waits for the next page; the order of the pages is the order of the tickets.
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(work) = next else { break };
        if failure.stop.is_cancelled() {
            continue;
        }
        let ticket = work.ticket.number();
        if let Err(error) = cancel.check().and_then(|()| worker.shred(work)) {
            failure.fail(ticket, error);
        }
    }
    if failure.stop.is_cancelled() {
        return None;
    }
    worker.finish().map_err(|error| failure.fail(u64::MAX, error)).ok()
}

/// Pulls pages from the extractors, in order, and hands them to the workers.
struct Driver<'a> {
    source: &'a dyn Source,
    context: &'a SourceContext,
    resources: &'a [Prepared],
    book: Arc<SchemaBook>,
    sender: mpsc::Sender<Work>,
    budget: ByteBudget,
    failure: Arc<Failure>,
    cancel: Cancel,
    next_ticket: u64,
}

/// What the gates knew in the end.
#[derive(Debug, Default)]
struct Driven {
    tallies: Vec<(usize, Tally)>,
    may_skip: Vec<usize>,
}

impl Driver<'_> {
    async fn drive(mut self) -> Result<Driven> {
        let mut driven = Driven::default();
        for (index, prepared) in self.resources.iter().enumerate() {
            let named = |error: Error| error.at_resource(&prepared.resource.name);
            let opening = Opening { folder: self.context.folder.clone(), ..Opening::default() };
            let extractors = self.source.open(&prepared.resource, &opening).await.map_err(named)?;
            let mut gate = Gate::new(prepared).map_err(named)?;
            'resource: for mut extractor in extractors {
                while let Some(page) = extractor.next_page().await.map_err(named)? {
                    self.cancel.check()?;
                    if self.failure.stop.is_cancelled() {
                        return Ok(driven);
                    }
                    if let Some(target) = extractor.target() {
                        self.send_to(target, page).await?;
                        continue;
                    }
                    match gate.as_mut() {
                        None => self.send(index, page, None, None).await?,
                        Some(gate) => {
                            if let Some((page, chosen)) = gate.pass(page, self.next_ticket).map_err(named)? {
                                self.send(index, page, chosen, None).await?;
                            }
                            if gate.is_done() {
                                break 'resource;
                            }
                        }
                    }
                }
            }
            let passed = gate.map(Gate::finish).unwrap_or_default();
            driven.tallies.extend(passed.tally.map(|tally| (index, tally)));
            if passed.may_skip {
                driven.may_skip.push(index);
            }
        }
        Ok(driven)
    }

    /// Sends a page to where it says it belongs; what belongs to a resource that is not loaded is left out.
    async fn send_to(&mut self, target: Arc<Target>, page: Page) -> Result<()> {
        let index = self.resources.iter().position(|prepared| prepared.resource.name == target.resource);
        match index {
            Some(index) => self.send(index, page, None, target.table.is_some().then_some(target)).await,
            None => Ok(()),
        }
    }

    async fn send(
        &mut self,
        resource: usize,
        page: Page,
        chosen: Option<Chosen>,
        target: Option<Arc<Target>>,
    ) -> Result<()> {
        let permit = self.budget.take(page.body.bytes()).await?;
        let ticket = self.book.ticket(self.next_ticket);
        self.next_ticket += 1;
        // The workers only leave when something failed, and then that error counts.
        let _ = self.sender.send(Work { resource, page, ticket, chosen, target, _permit: permit }).await;
        Ok(())
    }
}
