//! One CPU worker: pages in, job files out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use windlass_core::json::BadRecord;
use windlass_core::normalize::{
    Discarded, NormalizeSettings, Normalizer, PositionIds, RecordNumbers, SchemaState, Turn,
};
use windlass_core::package::Job;
use windlass_core::{Error, Result};

use super::job_files::{FileRotation, JobFiles, TableFormats};
use super::records::{PageBuffers, apply_steps, bad_bytes, bad_record, parse, place};
use super::{Prepared, Progress, Work};
use crate::files::io_error;
use crate::source::{Body, OnBadRecord, Page};
use crate::steps::StepRunner;

/// What a worker made.
#[derive(Debug, Default)]
pub(crate) struct Shredded {
    pub(crate) jobs: Vec<Job>,
    pub(crate) rows: BTreeMap<String, u64>,
    pub(crate) discarded: Discarded,
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Table and column of columns that held only nulls.
    pub(crate) null_columns: Vec<(String, String)>,
}

/// One worker. Everything in it is its own.
pub(crate) struct Worker {
    load_id: String,
    resources: Arc<Vec<Prepared>>,
    normalizer: Normalizer,
    files: JobFiles,
    buffers: PageBuffers,
    /// Compiled steps by resource.
    steps: BTreeMap<usize, StepRunner>,
    rejects: Rejects,
    progress: Arc<Progress>,
}

/// What all workers of a run have in common.
#[derive(Clone)]
pub(crate) struct WorkerSettings {
    pub(crate) package: PathBuf,
    pub(crate) load_id: String,
    pub(crate) resources: Arc<Vec<Prepared>>,
    pub(crate) normalize: Arc<NormalizeSettings>,
    pub(crate) state: Arc<SchemaState>,
    pub(crate) formats: TableFormats,
    pub(crate) rotation: FileRotation,
    pub(crate) progress: Arc<Progress>,
}

impl Worker {
    pub(crate) fn new(index: usize, settings: &WorkerSettings) -> Self {
        let formats = Arc::clone(&settings.formats);
        Self {
            load_id: settings.load_id.clone(),
            resources: Arc::clone(&settings.resources),
            normalizer: Normalizer::new(Arc::clone(&settings.normalize), Arc::clone(&settings.state)),
            files: JobFiles::new(&settings.package, index.to_string(), formats, settings.rotation),
            buffers: PageBuffers::default(),
            steps: BTreeMap::new(),
            rejects: Rejects {
                folder: settings.package.clone(),
                worker: index,
                files: BTreeMap::new(),
                counts: BTreeMap::new(),
            },
            progress: Arc::clone(&settings.progress),
        }
    }

    /// Normalizes one page. The ticket is given up as soon as later pages may grow the schema.
    pub(crate) fn shred(&mut self, work: Work) -> Result<()> {
        let Work { resource, mut page, ticket, take, .. } = work;
        let resources = Arc::clone(&self.resources);
        let prepared = &resources[resource];
        let named = |error: Error| error.at_resource(&prepared.resource.name);
        let bytes = page.body.bytes() as u64;
        if !prepared.resource.steps.is_empty() && !matches!(page.body, Body::Numbered(..)) {
            page = self.run_steps(resource, page).map_err(named)?;
        }
        let ids = PositionIds::new(&self.load_id, &prepared.resource.name, page.origin.partition);
        self.normalize(prepared, &page, &ids, ticket, take).map_err(named)?;
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn normalize(
        &mut self,
        prepared: &Prepared,
        page: &Page,
        ids: &PositionIds,
        mut ticket: impl Turn,
        take: Option<u64>,
    ) -> Result<()> {
        let explicit = match &page.body {
            Body::Numbered(_, numbers) => Some(numbers.as_slice()),
            _ => None,
        };
        let numbers = RecordNumbers { ids, first: page.first, explicit };
        if let Body::Batch(batch) = &page.body {
            let rows = take.map_or(batch.num_rows(), |take| batch.num_rows().min(take as usize));
            let batch = batch.slice(0, rows);
            self.progress.records.fetch_add(rows as u64, Ordering::Relaxed);
            return self.normalizer.columns(
                &prepared.root_table,
                &batch,
                numbers,
                &mut ticket,
                &mut self.files,
            );
        }
        let mut parsed = parse(page, &mut self.buffers)?;
        if let Some(take) = take {
            parsed.rows.truncate(take as usize);
            // What lies behind the last record that is taken does not count.
            let last = parsed.rows.last().map_or(0, |row| row.ordinal);
            parsed.bad.retain(|bad| bad.ordinal < last);
        }
        for bad in &parsed.bad {
            self.rejects.refuse(prepared, page, bad)?;
        }
        let located = |error: Error| match error.place().row {
            Some(row) if error.place().file.is_none() => relocate(error, page, row),
            _ => error,
        };
        self.normalizer
            .observe(&prepared.root_table, &parsed.tape, &parsed.rows, numbers, &mut ticket)
            .map_err(located)?;
        // Later chunks may take their turn while this one is encoded.
        drop(ticket);
        self.normalizer.encode(&parsed.tape, numbers, &mut self.files).map_err(located)?;
        self.progress.records.fetch_add(parsed.rows.len() as u64, Ordering::Relaxed);
        let memory = parsed.into_memory();
        self.buffers.restore(page, memory);
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
        apply_steps(page, runner, &mut self.buffers, &mut |page, bad| rejects.refuse(prepared, page, bad))
    }

    /// Writes what is left and closes all files.
    pub(crate) fn finish(mut self) -> Result<Shredded> {
        self.normalizer.flush(&mut self.files)?;
        let null_columns =
            self.normalizer.null_columns().map(|(t, c)| (t.to_owned(), c.to_owned())).collect();
        for file in self.rejects.files.values() {
            file.sync_data().map_err(|cause| io_error("write", &self.rejects.folder, cause))?;
        }
        Ok(Shredded {
            rows: self.normalizer.row_counts().iter().map(|(table, rows)| (table.clone(), *rows)).collect(),
            discarded: self.normalizer.discarded().clone(),
            rejected: self.rejects.counts,
            null_columns,
            jobs: self.files.finish()?,
        })
    }
}

/// Names file and line instead of the number of the record in its chunk.
fn relocate(error: Error, page: &Page, row: u64) -> Error {
    error.without_row().at(place(page, row))
}

/// Keeps bad records aside, with the reason.
struct Rejects {
    folder: PathBuf,
    worker: usize,
    files: BTreeMap<String, File>,
    counts: BTreeMap<String, u64>,
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
            fs::create_dir_all(&folder).map_err(|cause| io_error("create", &folder, cause))?;
            let path = folder.join(format!("{}.{}.jsonl", prepared.root_table, self.worker));
            let file = File::create(&path).map_err(|cause| io_error("create", &path, cause))?;
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
