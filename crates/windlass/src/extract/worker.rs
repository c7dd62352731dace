//! One CPU worker: pages in, job files out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use windlass_core::csv::CsvTable;
use windlass_core::incremental::{Filter, Judged, PageScan, Tally, take_rows};
use windlass_core::json::BadRecord;
use windlass_core::normalize::{NormalizeSettings, Normalizer, PositionIds, RecordNumbers, SchemaState};
use windlass_core::package::Made;
use windlass_core::{At, Error, Result};

use super::gate::Chosen;
use super::job_files::{FileRotation, JobFiles, TableFormats, folder_name};
use super::records::{PageBuffers, apply_steps, bad_bytes, bad_record, located, parse};
use super::targets::Targets;
use super::{Prepared, Progress, Ticket, Work};
use crate::files::io_error;
use crate::private;
use crate::source::{Body, OnBadRecord, Page};
use crate::steps::StepRunner;

/// The bits of a partition's number that tell one attempt of a load from the next.
const RESUMES_AT: u32 = 48;

/// One worker. Everything in it is its own.
pub(crate) struct Worker {
    load_id: String,
    resumes: u64,
    resources: Arc<Vec<Prepared>>,
    normalizer: Normalizer,
    files: JobFiles,
    buffers: PageBuffers,
    /// Compiled steps by resource.
    steps: BTreeMap<usize, StepRunner>,
    rejects: Rejects,
    reached: BTreeSet<usize>,
    tallies: BTreeMap<usize, Tally>,
    targets: Targets,
    progress: Arc<Progress>,
    /// The columns of the CSV file whose names were checked last.
    checked_header: Option<Arc<CsvTable>>,
}

/// What all workers of a run have in common.
#[derive(Clone)]
pub(crate) struct WorkerSettings {
    pub(crate) package: PathBuf,
    pub(crate) load_id: String,
    /// How often runs went on with the package.
    pub(crate) resumes: u64,
    pub(crate) resources: Arc<Vec<Prepared>>,
    pub(crate) normalize: Arc<NormalizeSettings>,
    pub(crate) state: Arc<SchemaState>,
    pub(crate) formats: TableFormats,
    pub(crate) rotation: FileRotation,
    pub(crate) progress: Arc<Progress>,
}

impl Worker {
    /// A worker whose files begin with `name`.
    pub(crate) fn new(name: String, settings: &WorkerSettings) -> Self {
        let formats = Arc::clone(&settings.formats);
        Self {
            load_id: settings.load_id.clone(),
            resumes: settings.resumes,
            resources: Arc::clone(&settings.resources),
            normalizer: Normalizer::new(Arc::clone(&settings.normalize), Arc::clone(&settings.state)),
            files: JobFiles::new(&settings.package, name.clone(), formats, settings.rotation),
            buffers: PageBuffers::default(),
            steps: BTreeMap::new(),
            rejects: Rejects {
                folder: settings.package.clone(),
                worker: name,
                files: BTreeMap::new(),
                counts: BTreeMap::new(),
                names: Vec::new(),
            },
            reached: BTreeSet::new(),
            tallies: BTreeMap::new(),
            targets: Targets::default(),
            progress: Arc::clone(&settings.progress),
            checked_header: None,
        }
    }

    /// Normalizes one page. The ticket is given up as soon as later pages may grow the schema.
    pub(crate) fn shred(&mut self, work: Work) -> Result<()> {
        let Work { resource, mut page, mut ticket, chosen, target, .. } = work;
        let resources = Arc::clone(&self.resources);
        let prepared = &resources[resource];
        let named = |error: Error| error.at_resource(&prepared.resource.name);
        let bytes = page.body.bytes() as u64;
        if !prepared.resource.steps.is_empty() && !matches!(page.body, Body::Numbered(..)) {
            page = self.run_steps(resource, page).map_err(named)?;
        }
        // Who goes on after a crash may number its records anew, so that each attempt has ids of its own.
        let partition = page.origin.partition ^ (self.resumes << RESUMES_AT);
        let ids = PositionIds::new(&self.load_id, &prepared.resource.name, partition);
        let table = match &target {
            None => prepared.root_table.clone(),
            Some(target) => {
                let name = &prepared.resource.name;
                self.targets.declare(target, name, &mut self.normalizer, &mut ticket).map_err(named)?
            }
        };
        let is_reached = self
            .normalize(resource, &table, &page, &ids, ticket, chosen)
            .map_err(|e| named(located(e, &page)))?;
        if is_reached && target.is_none() {
            self.reached.insert(resource);
        }
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The records of a page that are to be loaded, where they are not all: what a gate chose, or the filter does.
    fn choose(
        &mut self,
        resource: usize,
        number: u64,
        chosen: Option<Chosen>,
        judge: impl FnOnce(&Filter, PageScan, &mut Tally) -> Result<Judged>,
    ) -> Result<Option<Chosen>> {
        let filter = self.resources[resource].filter.as_ref();
        let (None, Some(filter)) = (&chosen, filter) else { return Ok(chosen) };
        let tally = self.tallies.entry(resource).or_insert_with(|| filter.tally());
        let scan = PageScan { page: number, ..PageScan::default() };
        Ok(Some(Chosen::Rows { rows: judge(filter, scan, tally)?.kept, is_cut: false }))
    }

    /// Gives whether anything of the page was left.
    fn normalize(
        &mut self,
        resource: usize,
        root_table: &str,
        page: &Page,
        ids: &PositionIds,
        mut ticket: Ticket,
        chosen: Option<Chosen>,
    ) -> Result<bool> {
        let resources = Arc::clone(&self.resources);
        let prepared = &resources[resource];
        self.normalizer.number_records(prepared.is_numbered.then(|| ticket.number()));
        let explicit = match &page.body {
            Body::Numbered(_, numbers) => Some(numbers.as_slice()),
            _ => None,
        };
        let mut numbers = RecordNumbers { ids, first: page.first, explicit };
        if let Body::Batch(batch) = &page.body {
            let chosen = self.choose(resource, ticket.number(), chosen, |filter, scan, tally| {
                filter.batch(batch, scan, tally)
            })?;
            let taken: Vec<u64>;
            let rows = match chosen {
                Some(Chosen::First(take)) => batch.slice(0, batch.num_rows().min(take as usize)),
                Some(Chosen::Rows { rows, .. }) if rows.len() < batch.num_rows() => {
                    taken = rows.iter().map(|&row| page.first + u64::from(row)).collect();
                    numbers.explicit = Some(&taken);
                    take_rows(batch, &rows)?
                }
                _ => batch.clone(),
            };
            if rows.num_rows() == 0 && batch.num_rows() > 0 {
                return Ok(false);
            }
            self.progress.records.fetch_add(rows.num_rows() as u64, Ordering::Relaxed);
            self.normalizer.columns(root_table, &rows, numbers, &mut ticket, &mut self.files)?;
            return Ok(true);
        }
        self.check_header(page, root_table)?;
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.keep_literals(self.normalizer.keeps_literals(root_table));
        let mut parsed = parse(page, &mut buffers)?;
        let count = parsed.rows.len();
        let is_cut = matches!(chosen, Some(Chosen::First(_) | Chosen::Rows { is_cut: true, .. }));
        let chosen = self.choose(resource, ticket.number(), chosen, |filter, scan, tally| {
            filter.records(&parsed.tape, &parsed.rows, scan, tally)
        })?;
        match chosen {
            Some(Chosen::First(take)) => parsed.rows.truncate(take as usize),
            Some(Chosen::Rows { rows, .. }) if rows.len() < count => {
                parsed.rows = rows.iter().filter_map(|&row| parsed.rows.get(row as usize).copied()).collect();
            }
            _ => {}
        }
        if is_cut {
            // What lies behind the last record that is taken does not count.
            let last = parsed.rows.last().map_or(0, |row| row.ordinal);
            parsed.bad.retain(|bad| bad.ordinal < last);
        }
        for bad in &parsed.bad {
            self.rejects.refuse(prepared, page, bad)?;
        }
        let is_reached = count == 0 || !parsed.rows.is_empty();
        if is_reached {
            let observe = if prepared.resource.has_typed_records {
                Normalizer::observe_typed
            } else {
                Normalizer::observe
            };
            observe(&mut self.normalizer, root_table, &parsed.tape, &parsed.rows, numbers, &mut ticket)?;
            // Later chunks may take their turn while this one is encoded.
            drop(ticket);
            self.normalizer.encode(&parsed.tape, numbers, &mut self.files)?;
            self.progress.records.fetch_add(parsed.rows.len() as u64, Ordering::Relaxed);
        }
        let memory = parsed.into_memory();
        buffers.restore(page, memory);
        prepared.note_unfound(buffers.take_unfound());
        self.buffers = buffers;
        Ok(is_reached)
    }

    /// Errors: two columns of a CSV file come to one name.
    fn check_header(&mut self, page: &Page, root_table: &str) -> Result<()> {
        let Body::Csv(_, table) = &page.body else { return Ok(()) };
        if self.checked_header.as_ref().is_some_and(|known| Arc::ptr_eq(known, table)) {
            return Ok(());
        }
        let file = page.origin.file.clone();
        let named = |error: Error| error.at(At { file, ..At::default() }).at_table(root_table);
        self.normalizer.check_columns(table.names()).map_err(named)?;
        self.checked_header = Some(Arc::clone(table));
        Ok(())
    }

    fn run_steps(&mut self, resource: usize, page: Page) -> Result<Page> {
        let resources = Arc::clone(&self.resources);
        let prepared = &resources[resource];
        if let std::collections::btree_map::Entry::Vacant(e) = self.steps.entry(resource) {
            e.insert(StepRunner::new(&prepared.resource.steps)?);
        }
        let Some(runner) = self.steps.get(&resource) else { return Ok(page) };
        let rejects = &mut self.rejects;
        let page = apply_steps(page, runner, &mut self.buffers, &mut |page, bad| {
            rejects.refuse(prepared, page, bad)
        })?;
        prepared.note_unfound(self.buffers.take_unfound());
        Ok(page)
    }

    /// Writes what is left, closes all files, and gives what was made; the schema is in the book.
    pub(crate) fn finish(mut self) -> Result<Made> {
        self.normalizer.flush(&mut self.files)?;
        for file in self.rejects.files.values() {
            file.sync_data().map_err(|cause| io_error("write", &self.rejects.folder, cause))?;
        }
        let owned = |(table, column): (&str, &str)| (table.to_owned(), column.to_owned());
        let name = |index: usize| self.resources[index].resource.name.clone();
        Ok(Made {
            rows: self.normalizer.row_counts().iter().map(|(table, rows)| (table.clone(), *rows)).collect(),
            discarded: self.normalizer.discarded().clone(),
            null_columns: self.normalizer.null_columns().map(owned).collect(),
            seen_keys: self.normalizer.seen_keys().map(owned).collect(),
            reject_files: self.rejects.names,
            rejected: self.rejects.counts,
            reached: self.reached.into_iter().map(name).collect(),
            tallies: self.tallies.into_iter().map(|(index, tally)| (name(index), tally)).collect(),
            tables_found: self.targets.roots(),
            jobs: self.files.finish()?,
            may_skip: BTreeSet::new(),
            schema: None,
        })
    }
}

/// Keeps bad records aside, with the reason.
struct Rejects {
    folder: PathBuf,
    worker: String,
    files: BTreeMap<String, File>,
    counts: BTreeMap<String, u64>,
    names: Vec<String>,
}

impl Rejects {
    /// Errors: the resource does not reject, so that the run fails by this record.
    fn refuse(&mut self, prepared: &Prepared, page: &Page, bad: &BadRecord) -> Result<()> {
        let error = bad_record(page, bad);
        if prepared.resource.on_bad_record == OnBadRecord::Fail {
            return Err(error);
        }
        let resource = &prepared.resource.name;
        if !self.files.contains_key(resource) {
            let folder = self.folder.join("rejects");
            private::create_folders(&folder).map_err(|cause| io_error("create", &folder, cause))?;
            let name = format!("{}.{}.jsonl", folder_name(&prepared.root_table), self.worker);
            let path = folder.join(&name);
            self.names.push(format!("rejects/{name}"));
            let file = private::create_file(&path).map_err(|cause| io_error("create", &path, cause))?;
            self.files.insert(resource.clone(), file);
        }
        let at = error.place();
        let line = json!({
            "resource": resource,
            "file": at.file,
            "line": at.line,
            "byte": at.byte,
            "row": at.row,
            "reason": error.message(),
            "record": String::from_utf8_lossy(bad_bytes(page, bad)),
        });
        if let Some(file) = self.files.get_mut(resource) {
            writeln!(file, "{line}").map_err(|cause| io_error("write", &self.folder, cause))?;
        }
        *self.counts.entry(resource.clone()).or_default() += 1;
        Ok(())
    }
}
