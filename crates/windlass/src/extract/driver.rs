//! Pulls pages from the extractors, in order, and hands them to the workers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use windlass_core::normalize::SchemaState;
use windlass_core::package::{
    CHECKPOINT_VERSION, Checkpoint, CurrentResource, FailedPartition, LeftBehind, Made, UnfinishedResource,
};
use windlass_core::{Error, Result};

use super::book::SchemaBook;
use super::budget::ByteBudget;
use super::checkpoint::{self, Schedule};
use super::crew::{Crew, Failure};
use super::gate::{Chosen, Gate};
use super::reader::{Pages, Place, Reader, Step};
use super::spool::{Spool, spool_path};
use super::worker::WorkerSettings;
use super::{Cancel, ExtractSettings, Extracted, Extraction, Prepared, Work};
use crate::failpoint::failpoint;
use crate::packages;
use crate::record_limit::RecordLimit;
use crate::source::{CursorRange, Opening, Page, PartitionFailure, Source, Target};

/// Resources that are read ahead of their turn at the same time.
const RESOURCES_AHEAD: usize = 8;

/// Reads all resources and writes their rows into the package.
///
/// Errors: the first error in the order of the input; nothing of the package is usable then but its last checkpoint.
pub(crate) async fn run(extraction: Extraction<'_>) -> Result<Extracted> {
    let mut driver = Driver::new(extraction)?;
    if let Err(error) = driver.drive().await {
        driver.failure.fail(u64::MAX, error);
    }
    driver.finish().await
}

struct Driver<'a> {
    source: &'a dyn Source,
    folder: PathBuf,
    resources: Arc<Vec<Prepared>>,
    package: PathBuf,
    fingerprint: Option<String>,
    settings: ExtractSettings,
    workers: WorkerSettings,
    book: Arc<SchemaBook>,
    /// `None` while a checkpoint is made, and when that fails.
    crew: Option<Crew>,
    budget: ByteBudget,
    failure: Arc<Failure>,
    cancel: Cancel,
    next_ticket: u64,
    segment: u64,
    made: Made,
    /// Names of resources that are read to their end.
    finished: BTreeSet<String>,
    left: BTreeMap<String, LeftBehind>,
    notices: Vec<String>,
    record_limit: RecordLimit,
    /// Pages of parents.
    spools: BTreeMap<usize, Spool>,
    /// Resources that were opened before their turn.
    ahead: BTreeMap<usize, Opened>,
    schedule: Schedule,
    /// Where a checkpoint says that a resource is to go on.
    resumed: Option<CurrentResource>,
    /// Whether it was noted that a resource cannot go on in its midst.
    has_noted: bool,
    /// Tells extractors that a checkpoint waits for them.
    checkpoint_due: watch::Sender<bool>,
}

/// A resource that can be read.
struct Opened {
    reader: Reader,
    last_value: Arc<Mutex<Option<Value>>>,
}

/// How often somebody who waits for a source looks whether the run goes on.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// Returns when the run was asked to stop or has failed elsewhere.
async fn stopped(cancel: &Cancel, failure: &Failure) {
    while !(cancel.is_cancelled() || failure.has_failed()) {
        tokio::time::sleep(LOOK_AROUND).await;
    }
}

/// The resources in an order in which each comes after the one that it is made from; else as they are listed.
fn reading_order(resources: &[Prepared]) -> Vec<usize> {
    let mut order = Vec::new();
    for index in 0..resources.len() {
        let chain = std::iter::successors(Some(index), |index| resources.get(*index)?.parent);
        let chain: Vec<usize> =
            chain.take(resources.len()).take_while(|index| !order.contains(index)).collect();
        order.extend(chain.into_iter().rev());
    }
    order
}

impl<'a> Driver<'a> {
    fn new(extraction: Extraction<'a>) -> Result<Self> {
        let Extraction { source, context, resources, package, load_id, normalize, formats, .. } = extraction;
        let Extraction { settings, record_limit, progress, cancel, fingerprint, checkpoint, .. } = extraction;
        let mut spools = BTreeMap::new();
        let (state, from) = match checkpoint {
            None => {
                let left = left_before(&resources);
                (SchemaState::new(normalize.start.clone()), Checkpoint { left, ..Checkpoint::default() })
            }
            Some(mut from) => {
                checkpoint::remove_later_files(&package, &from.made)?;
                for (index, prepared) in resources.iter().enumerate() {
                    let name = &prepared.resource.name;
                    if let Some(bytes) = from.spools.get(name) {
                        spools.insert(index, Spool::open(spool_path(&package, index, name), *bytes)?);
                    }
                }
                let schema = from.made.schema.take().unwrap_or_default();
                (SchemaState::from_json(&schema, &normalize.start)?, from)
            }
        };
        let state = Arc::new(state);
        let resources = Arc::new(resources);
        let book = Arc::new(SchemaBook::new(Arc::clone(&state), from.next_ticket));
        let failure = Arc::new(Failure::new(Arc::clone(&book)));
        let workers = WorkerSettings {
            package: package.clone(),
            load_id,
            resumes: from.resumes,
            resources: Arc::clone(&resources),
            normalize: Arc::new(normalize),
            state,
            formats,
            rotation: settings.rotation,
            progress,
        };
        Ok(Self {
            source,
            folder: context.folder.clone(),
            package,
            fingerprint,
            crew: Some(Crew::start(&workers, from.segment, settings.workers, &failure, &cancel)?),
            budget: ByteBudget::new(settings.max_inflight_bytes),
            schedule: Schedule::new(settings.checkpoints),
            settings,
            workers,
            book,
            failure,
            cancel,
            next_ticket: from.next_ticket,
            segment: from.segment,
            made: from.made,
            finished: from.finished,
            left: from.left,
            notices: Vec::new(),
            record_limit,
            spools,
            ahead: BTreeMap::new(),
            resumed: from.current,
            has_noted: false,
            checkpoint_due: watch::Sender::new(false),
            resources,
        })
    }

    async fn drive(&mut self) -> Result<()> {
        let order = reading_order(&self.resources);
        for (turn, index) in order.iter().enumerate() {
            let resources = Arc::clone(&self.resources);
            let name = &resources[*index].resource.name;
            if self.finished.contains(name) {
                continue;
            }
            self.read_ahead(&order[turn..]).await?;
            self.read(*index).await.map_err(|error| error.at_resource(name))?;
            if self.failure.has_failed() {
                break;
            }
            if self.schedule.is_due() {
                self.checkpoint(None).await?;
            }
        }
        Ok(())
    }

    /// Starts to read resources that may be read ahead and whose parents are read.
    async fn read_ahead(&mut self, order: &[usize]) -> Result<()> {
        let resources = Arc::clone(&self.resources);
        for index in order {
            let Some(prepared) = resources.get(*index) else { continue };
            let is_finished = |index: usize| self.finished.contains(&resources[index].resource.name);
            let is_ready = prepared.parent.is_none_or(is_finished);
            if self.ahead.len() >= RESOURCES_AHEAD {
                break;
            }
            if is_ready && prepared.is_read_ahead() && !is_finished(*index) {
                if self.ahead.contains_key(index) {
                    continue;
                }
                let (pages, last_value) =
                    self.open(*index).await.map_err(|error| error.at_resource(&prepared.resource.name))?;
                let bytes = self.settings.max_inflight_bytes / RESOURCES_AHEAD;
                let reader = Reader::ahead(pages, bytes, prepared.is_in_step());
                self.ahead.insert(*index, Opened { reader, last_value });
            }
        }
        Ok(())
    }

    /// Opens a resource where a checkpoint, a spent budget or nothing says that it begins.
    async fn open(&mut self, index: usize) -> Result<(Pages, Arc<Mutex<Option<Value>>>)> {
        let prepared = &self.resources[index];
        let place = match (&self.resumed, &prepared.left.place) {
            (Some(current), _) if current.resource == prepared.resource.name => {
                let position = current.position.clone();
                Place { partition: current.partition, is_at_start: position.is_none(), position }
            }
            (_, Some(left)) => Place {
                partition: left.partition,
                position: left.position.clone(),
                is_at_start: left.is_at_start,
            },
            _ => Place { partition: 0, position: None, is_at_start: true },
        };
        let last_value = Arc::new(Mutex::new(None));
        let cursor = match &prepared.filter {
            None => None,
            Some(filter) => {
                let start_value = filter.start_value();
                *last_value.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = start_value.clone();
                Some(CursorRange {
                    initial_value: filter.initial_value(),
                    start_value,
                    end_value: filter.end_value(),
                    last_value: Arc::clone(&last_value),
                })
            }
        };
        let parent_pages = prepared
            .parent
            .and_then(|parent| Some((parent, self.resources.get(parent)?)))
            .map(|(parent, prepared)| spool_path(&self.package, parent, &prepared.resource.name));
        let opening = Opening {
            folder: self.folder.clone(),
            cursor,
            parent_pages,
            position: place.position.clone(),
            partition: place.partition,
            retries: prepared.left.retries.clone(),
            checkpoint_due: self.fingerprint.as_ref().map(|_| self.checkpoint_due.subscribe()),
            record_limit: self.record_limit,
        };
        let extractors = self.source.open(&prepared.resource, &opening).await?;
        Ok((Pages::new(extractors, place), last_value))
    }

    /// The gate of a resource, with what it knew before.
    fn gate(&mut self, index: usize, last_value: Arc<Mutex<Option<Value>>>) -> Result<Option<Gate>> {
        let resources = Arc::clone(&self.resources);
        let prepared = &resources[index];
        let mut gate = Gate::new(prepared, last_value)?;
        let resumed = self.resumed.take_if(|current| current.resource == prepared.resource.name);
        match (&mut gate, resumed) {
            (Some(gate), Some(current)) => gate.resume(&current.gate)?,
            (Some(gate), None) if prepared.left.place.is_some() => gate.resume_tally(&prepared.left.tally)?,
            // What workers saw before a crash is with what was made.
            (None, Some(_)) => {}
            // Requests for partitions that failed must not see how far the others were.
            (_, None) => {
                if let Some(filter) = prepared.filter.as_ref().filter(|_| !prepared.left.tally.is_null()) {
                    let mut tally = filter.tally();
                    tally.resume(&prepared.left.tally)?;
                    self.made.add_tally(&prepared.resource.name, tally)?;
                }
            }
        }
        Ok(gate)
    }

    async fn read(&mut self, index: usize) -> Result<()> {
        let resources = Arc::clone(&self.resources);
        let prepared = &resources[index];
        let opened = match self.ahead.remove(&index) {
            Some(opened) => opened,
            None => {
                let (pages, last_value) = self.open(index).await?;
                Opened { reader: Reader::Here(pages), last_value }
            }
        };
        let Opened { mut reader, last_value } = opened;
        let mut gate = self.gate(index, last_value)?;
        if prepared.is_parent && !self.spools.contains_key(&index) {
            let path = spool_path(&self.package, index, &prepared.resource.name);
            self.spools.insert(index, Spool::open(path, 0)?);
        }
        loop {
            let read = tokio::select! {
                biased;
                read = reader.next() => Some(read),
                () = stopped(&self.cancel, &self.failure) => None,
            };
            self.cancel.check()?;
            if self.failure.has_failed() {
                return Ok(());
            }
            let Some(read) = read.transpose()? else { return Ok(()) };
            self.note_failures(index, read.failures);
            let name = &prepared.resource.name;
            self.notices.extend(read.notices.iter().map(|notice| format!("resource `{name}`: {notice}")));
            match read.step {
                Step::End => break,
                Step::Spent(error) => {
                    self.note_end(index, &error, read.place);
                    break;
                }
                Step::Page(page) => {
                    failpoint("extract.page")?;
                    self.record_limit.check_page(&page.body).map_err(|error| {
                        let error = error.at_resource(name);
                        match &page.origin.file {
                            Some(file) => error.at_file(file.clone()),
                            None => error,
                        }
                    })?;
                    self.schedule.count(page.body.bytes());
                    self.workers.progress.pages.fetch_add(1, Ordering::Relaxed);
                    match read.target {
                        Some(target) => self.send_to(target, page).await?,
                        None => self.take(index, page, gate.as_mut()).await?,
                    }
                }
            }
            if gate.as_ref().is_some_and(Gate::is_done) {
                break;
            }
            if self.schedule.is_due() {
                self.checkpoint_within(index, gate.as_ref(), read.place).await?;
                if self.failure.has_failed() {
                    return Ok(());
                }
            }
        }
        let passed = gate.map(Gate::finish).unwrap_or_default();
        if let Some(tally) = passed.tally {
            self.made.add_tally(&prepared.resource.name, tally)?;
        }
        prepared.note_unfound(passed.unfound);
        if passed.may_skip {
            self.made.may_skip.insert(prepared.resource.name.clone());
        }
        if let Some(spool) = self.spools.get_mut(&index) {
            spool.flush()?;
        }
        self.finished.insert(prepared.resource.name.clone());
        Ok(())
    }

    /// Lets a page through the gate of its resource, keeps it for others, and hands it to the workers.
    async fn take(&mut self, index: usize, page: Page, gate: Option<&mut Gate>) -> Result<()> {
        let Some(gate) = gate else { return self.send(index, page, None, None).await };
        let Some(passed) = gate.pass(page, self.next_ticket)? else { return Ok(()) };
        if let (Some(records), Some(spool)) = (&passed.records, self.spools.get_mut(&index)) {
            spool.push(records.as_bytes())?;
        }
        if self.resources[index].is_loaded {
            return self.send(index, passed.page, passed.chosen, None).await;
        }
        drop(self.book.ticket(self.next_ticket));
        self.next_ticket += 1;
        Ok(())
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
        if let Some(crew) = &self.crew {
            crew.send(Work { resource, page, ticket, chosen, target, _permit: permit }).await;
        }
        Ok(())
    }

    fn note_failures(&mut self, index: usize, failures: Vec<PartitionFailure>) {
        for PartitionFailure { partition, error } in failures {
            let resource = self.resources[index].resource.name.clone();
            let left = self.left.entry(resource.clone()).or_default();
            left.retries.push(partition.clone());
            if error.is_budget_spent() {
                left.lists_unread = true;
                continue;
            }
            tracing::warn!(resource = %resource, "partition failed");
            left.failed.push(FailedPartition { resource, partition, error: error.chain() });
        }
    }

    fn note_end(&mut self, index: usize, error: &Error, place: Place) {
        let Place { partition, position, is_at_start } = place;
        let reason = error.chain();
        let name = self.resources[index].resource.name.clone();
        self.left.entry(name).or_default().unfinished =
            Some(UnfinishedResource { reason, partition, position, is_at_start });
    }

    /// Makes a checkpoint in the midst of a resource, if it can go on there.
    async fn checkpoint_within(&mut self, index: usize, gate: Option<&Gate>, place: Place) -> Result<()> {
        if !place.can_resume() {
            self.checkpoint_due.send_replace(true);
            if self.fingerprint.is_some() && !std::mem::replace(&mut self.has_noted, true) {
                packages::note_start_over(&self.package, &self.resources[index].resource.name)?;
            }
            return Ok(());
        }
        let gate = gate.map(Gate::mark).unwrap_or_default();
        let Place { partition, position, .. } = place;
        let resource = self.resources[index].resource.name.clone();
        self.checkpoint(Some(CurrentResource { resource, partition, position, gate })).await
    }

    /// Lets the workers close their files and notes how far all has come.
    async fn checkpoint(&mut self, current: Option<CurrentResource>) -> Result<()> {
        let Some(fingerprint) = &self.fingerprint else { return Ok(()) };
        failpoint("checkpoint.begin")?;
        let mut saved = Checkpoint {
            version: CHECKPOINT_VERSION,
            source: self.source.name().to_owned(),
            fingerprint: fingerprint.clone(),
            resumes: self.workers.resumes,
            segment: self.segment + 1,
            next_ticket: self.next_ticket,
            finished: self.finished.clone(),
            current,
            ..Checkpoint::default()
        };
        self.dismiss().await?;
        if self.failure.has_failed() {
            return Ok(());
        }
        self.workers.state = self.book.state();
        saved.made = Made { schema: Some(self.workers.state.to_json()), ..self.made.clone() };
        for (index, spool) in &mut self.spools {
            saved.spools.insert(self.resources[*index].resource.name.clone(), spool.sync()?);
        }
        saved.left.clone_from(&self.left);
        checkpoint::write(&self.package, &saved)?;
        if std::mem::take(&mut self.has_noted) {
            packages::take_start_over(&self.package);
        }
        failpoint("checkpoint.done")?;
        self.segment += 1;
        let workers = self.settings.workers;
        self.crew = Some(Crew::start(&self.workers, self.segment, workers, &self.failure, &self.cancel)?);
        self.checkpoint_due.send_replace(false);
        self.schedule.restart();
        Ok(())
    }

    /// Lets the workers finish, and gathers what they made.
    async fn dismiss(&mut self) -> Result<()> {
        let Some(crew) = self.crew.take() else { return Ok(()) };
        for part in crew.finish().await? {
            self.made.add(part)?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Extracted> {
        self.ahead.clear();
        let dismissed = self.dismiss().await;
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        dismissed?;
        self.made.sort();
        self.notices.extend(self.resources.iter().filter_map(Prepared::unfound_notice));
        let names = self.resources.iter().map(|prepared| &prepared.resource.name);
        let left = names.filter_map(|name| self.left.remove_entry(name)).collect();
        Ok(Extracted { state: self.book.state(), made: self.made, left, notices: self.notices })
    }
}

/// What resources leave to the next run, as far as that is known at the start: what failed in the part that is loaded
/// already.
fn left_before(resources: &[Prepared]) -> BTreeMap<String, LeftBehind> {
    let begun = resources.iter().filter(|prepared| prepared.left.place.is_some());
    let left = begun.map(|prepared| {
        let failed = prepared.left.failed.clone();
        let retries = failed.iter().map(|failed| failed.partition.clone()).collect();
        (prepared.resource.name.clone(), LeftBehind { failed, retries, ..LeftBehind::default() })
    });
    left.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Resource;

    fn order(parents: &[Option<usize>]) -> Vec<usize> {
        let prepared = parents.iter().enumerate().map(|(index, parent)| {
            let resource = Resource::new(format!("r{index}"));
            Prepared { parent: *parent, ..Prepared::new(resource, String::new(), Vec::new()) }
        });
        reading_order(&prepared.collect::<Vec<_>>())
    }

    #[test]
    fn parents_are_read_before_their_children() {
        assert_eq!(order(&[None, None]), [0, 1]);
        assert_eq!(order(&[Some(2), None, Some(3), None]), [3, 2, 0, 1]);
        assert_eq!(order(&[Some(1), None, Some(1)]), [1, 0, 2]);
    }
}
