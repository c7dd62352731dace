//! The package folder: packages are created, filled, sealed by one rename, listed and resumed.

mod damaged;

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_core::package::{CHECKPOINT_VERSION, Checkpoint, Job, Journal, JournalEntry, PackageManifest};
use windlass_core::path_part::flaw_of_part;
use windlass_core::schema::{Lineage, Schema, SchemaDelta};
use windlass_core::sql::merge_chain;
use windlass_core::state::State;
use windlass_core::{Code, Error, Result};

pub use self::damaged::DamagedPackage;
use self::damaged::{Form, check_jobs, damaged, read_part};
use crate::destination::ReplaceStrategy;
use crate::env::time_of_load_id;
use crate::failpoint::{SPLITS_WRITES, failpoint};
use crate::files::{io_error, sync_folder, sync_folders, write_private};
use crate::private;
use crate::removal::{is_being_removed, remove_file, remove_folder, remove_piece_by_piece};

/// The packages of one pipeline.
#[derive(Clone, Debug)]
pub struct PackageStore {
    root: PathBuf,
}

const MANIFEST: &str = "manifest.json";
const JOURNAL: &str = "journal.jsonl";
const SCHEMA: &str = "schema.json";
const DELTA: &str = "delta.json";
const STATE: &str = "state.json";
const CHECKPOINT: &str = "checkpoint.json";
/// Names the resource that could not go on after a crash.
const STARTS_OVER: &str = "starts_over.txt";
/// The pages of parents.
const SPOOL: &str = "spool";

/// Finished packages that are kept for `windlass pipeline loads` when nobody says otherwise; older ones are removed.
pub const DEFAULT_KEPT_PACKAGES: usize = 50;

impl PackageStore {
    /// The store in a folder, which is created with the first package.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Creates an empty package. Errors: the folder cannot be written.
    pub fn create(&self, load_id: &str) -> Result<PackageWriter> {
        let folder = self.root.join(load_id);
        failpoint("package.create")?;
        private::create_folders(&folder.join("jobs")).map_err(|cause| io_error("create", &folder, cause))?;
        Ok(PackageWriter { folder, load_id: load_id.to_owned() })
    }

    /// All sealed packages that can be read, the oldest first.
    pub fn list(&self) -> Result<Vec<LoadPackage>> {
        Ok(self.sealed(|_| true)?.0)
    }

    /// Sealed packages that cannot be read, the oldest first.
    pub fn damaged(&self) -> Result<Vec<DamagedPackage>> {
        Ok(self.sealed(|_| true)?.1)
    }

    /// Sealed packages that can be read and are neither loaded nor dropped, the oldest first.
    pub fn pending(&self) -> Result<Vec<LoadPackage>> {
        Ok(self.unfinished()?.0)
    }

    /// The pending packages for who is to load them, or to go on from them.
    ///
    /// Errors: one of them cannot be read; what comes after it relies on it.
    pub fn pending_whole(&self) -> Result<Vec<LoadPackage>> {
        let (packages, damaged) = self.unfinished()?;
        damaged.into_iter().next().map_or(Ok(packages), |damaged| Err(damaged.into_error()))
    }

    /// Sealed packages that are neither loaded nor dropped, and those of them that cannot be read, the oldest first.
    pub fn unfinished(&self) -> Result<(Vec<LoadPackage>, Vec<DamagedPackage>)> {
        let is_open =
            |folder: &Path| !read_journal(&folder.join(JOURNAL)).is_ok_and(|known| known.is_finished());
        self.sealed(is_open)
    }

    /// The sealed packages in folders of this kind: those that can be read, and the others.
    fn sealed(&self, is_meant: impl Fn(&Path) -> bool) -> Result<(Vec<LoadPackage>, Vec<DamagedPackage>)> {
        let (mut packages, mut broken) = (Vec::new(), Vec::new());
        for folder in self.folders()? {
            if Form::of(&folder) == Form::Open || !is_meant(&folder) {
                continue;
            }
            match LoadPackage::open(&folder) {
                Ok(package) => packages.push(package),
                Err(error) => broken.push(DamagedPackage::new(folder, error)),
            }
        }
        packages.sort_by(|a, b| a.manifest.load_id.cmp(&b.manifest.load_id));
        broken.sort_by(|a, b| a.load_id().cmp(b.load_id()));
        Ok((packages, broken))
    }

    /// The greatest load id of all packages, whatever became of them.
    pub fn last_load_id(&self) -> Option<String> {
        let folders = self.folders().unwrap_or_default();
        let load_ids = folders.iter().filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()));
        load_ids.max_by_key(|load_id| time_of_load_id(load_id))
    }

    /// One package. Errors: it does not exist; it cannot be read.
    pub fn get(&self, load_id: &str) -> Result<LoadPackage> {
        let folder = self.root.join(load_id);
        if flaw_of_part(load_id).is_some() || !folder.is_dir() || Form::of(&folder) == Form::Open {
            return Err(Error::of(Code::UnknownPackage, format!("there is no load package `{load_id}`"))
                .with_detail("load_id", load_id)
                .with_hint("`windlass pipeline loads NAME` lists the packages"));
        }
        LoadPackage::open(&folder)
    }

    /// Removes what runs left that did not come to an end, but for what one of these sources can go on with, and all
    /// finished packages but the newest `kept`. Gives the names of resources that a crash interrupted and that can only
    /// start over.
    pub fn sweep(&self, sources: &[&str], kept: usize) -> Result<Vec<String>> {
        let (mut finished, mut starting_over) = (Vec::new(), Vec::new());
        for left in self.entries()?.into_iter().filter(|path| is_being_removed(path)) {
            remove_piece_by_piece("package.remove", &left)?;
        }
        for folder in self.folders()? {
            if Form::of(&folder) == Form::Open {
                let checkpoint = read_checkpoint(&folder);
                if checkpoint.is_some_and(|checkpoint| sources.contains(&checkpoint.source.as_str())) {
                    continue;
                }
                starting_over.extend(fs::read_to_string(folder.join(STARTS_OVER)).ok());
                remove_folder("package.remove", &folder)?;
            } else if read_journal(&folder.join(JOURNAL)).is_ok_and(|journal| journal.is_finished()) {
                finished.push((folder.file_name().map(std::ffi::OsStr::to_owned), folder));
            }
        }
        finished.sort();
        let surplus = finished.len().saturating_sub(kept);
        finished.iter().take(surplus).try_for_each(|(_, folder)| remove_folder("package.remove", folder))?;
        Ok(starting_over)
    }

    /// The open packages of a source that a run can go on with, the newest first.
    pub fn open_packages(&self, source: &str) -> Result<Vec<(PackageWriter, Checkpoint)>> {
        let mut packages = Vec::new();
        for folder in self.folders()? {
            let is_open = Form::of(&folder) == Form::Open;
            let checkpoint = if is_open { read_checkpoint(&folder) } else { None };
            let load_id = folder.file_name().map(|name| name.to_string_lossy().into_owned());
            if let (Some(checkpoint), Some(load_id)) = (checkpoint, load_id)
                && checkpoint.source == source
            {
                packages.push((PackageWriter { folder, load_id }, checkpoint));
            }
        }
        packages.sort_by(|(a, _), (b, _)| b.load_id.cmp(&a.load_id));
        Ok(packages)
    }

    /// Load ids of the packages that broken runs left open and that a run can go on with.
    pub fn begun(&self) -> Result<Vec<String>> {
        let mut begun = Vec::new();
        for folder in self.folders()? {
            let load_id = folder.file_name().map(|name| name.to_string_lossy().into_owned());
            let is_begun = Form::of(&folder) == Form::Open && folder.join(CHECKPOINT).exists();
            begun.extend(load_id.filter(|_| is_begun));
        }
        begun.sort();
        Ok(begun)
    }

    /// Removes the packages that broken runs left open; gives the load ids of those that a run could go on with.
    pub fn discard_open(&self) -> Result<Vec<String>> {
        let begun = self.begun()?;
        for folder in self.folders()?.into_iter().filter(|folder| Form::of(folder) == Form::Open) {
            remove_folder("package.remove", &folder)?;
        }
        Ok(begun)
    }

    /// Removes all packages.
    pub fn remove_all(&self) -> Result<()> {
        self.entries()?.iter().try_for_each(|path| match is_being_removed(path) {
            true => remove_piece_by_piece("package.remove", path),
            false => remove_folder("package.remove", path),
        })
    }

    /// The folders of packages, but for those that are being removed.
    fn folders(&self) -> Result<Vec<PathBuf>> {
        let mut folders = self.entries()?;
        folders.retain(|path| path.is_dir() && !is_being_removed(path));
        Ok(folders)
    }

    fn entries(&self) -> Result<Vec<PathBuf>> {
        let failed = |cause| io_error("read", &self.root, cause);
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(failed(cause)),
        };
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
    }
}

/// The checkpoint of an open package; `None` if there is none that can be read.
fn read_checkpoint(folder: &Path) -> Option<Checkpoint> {
    let text = fs::read_to_string(folder.join(CHECKPOINT)).ok()?;
    let checkpoint: Checkpoint = serde_json::from_str(&text).ok()?;
    (checkpoint.version == CHECKPOINT_VERSION).then_some(checkpoint)
}

/// Keeps how far the extraction of an open package has come; it is on disk when this returns.
pub(crate) fn write_checkpoint(folder: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let bytes = serde_json::to_vec(checkpoint)
        .map_err(|cause| Error::internal("the checkpoint cannot be written").with_source(cause))?;
    write_private("package.checkpoint", &folder.join(CHECKPOINT), &bytes)
}

/// Notes in an open package that this resource cannot go on after a crash.
pub(crate) fn note_start_over(folder: &Path, resource: &str) -> Result<()> {
    let path = folder.join(STARTS_OVER);
    failpoint("package.starts_over")?;
    let written = private::create_file(&path).and_then(|mut file| file.write_all(resource.as_bytes()));
    written.map_err(|cause| io_error("write", &path, cause))
}

/// The name of the resource that was noted, which is forgotten.
pub(crate) fn take_start_over(folder: &Path) -> Option<String> {
    let path = folder.join(STARTS_OVER);
    let resource = fs::read_to_string(&path).ok()?;
    // Where it stays, the next run warns once more.
    drop(remove_file("package.started_over", &path));
    Some(resource)
}

/// An open package: files are added, nothing is loaded yet.
#[derive(Debug)]
pub struct PackageWriter {
    folder: PathBuf,
    load_id: String,
}

/// Everything of a package but its files.
#[derive(Debug)]
pub struct PackageContent {
    /// What the package holds.
    pub manifest: PackageManifest,
    /// The schema of the rows.
    pub schema: Schema,
    /// What the run added to the schema.
    pub delta: SchemaDelta,
    /// The pipeline's state after the run.
    pub state: State,
    /// Whether the state goes to the destination with the rows.
    pub has_new_state: bool,
}

impl PackageWriter {
    /// The load.
    pub fn load_id(&self) -> &str {
        &self.load_id
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Completes the package: the manifest appears by one rename. Nothing can be added afterwards.
    pub fn seal(self, content: &PackageContent) -> Result<LoadPackage> {
        let json = |what: &str, name: &str, value: &Value| {
            write_private(what, &self.folder.join(name), value.to_string().as_bytes())
        };
        let mut state = serde_json::Map::new();
        state.insert("state".to_owned(), content.state.to_json());
        state.insert("is_new".to_owned(), content.has_new_state.into());
        json("package.schema", SCHEMA, &Value::Object(content.schema.to_json()))?;
        json("package.delta", DELTA, &Value::Object(content.delta.to_json()))?;
        json("package.state", STATE, &Value::Object(state))?;
        // A name is on disk when its folder is: the folders of the files, those that hold them, and our own.
        let jobs = content
            .manifest
            .jobs
            .iter()
            .filter_map(|job| self.folder.join(&job.file).parent().map(Path::to_owned));
        let mut folders: BTreeSet<PathBuf> = jobs.collect();
        folders.insert(self.folder.join("jobs"));
        folders.extend(self.folder.parent().map(Path::to_owned));
        sync_folders(&folders, || failpoint("package.sync_jobs"))?;
        failpoint("package.before_seal")?;
        let manifest = serde_json::to_vec_pretty(&content.manifest)
            .map_err(|cause| Error::internal("the manifest cannot be written").with_source(cause))?;
        write_private("package.manifest", &self.folder.join(MANIFEST), &manifest)?;
        failpoint("package.after_seal")?;
        for name in [CHECKPOINT, STARTS_OVER, SPOOL] {
            // What only an open package needs does no harm in a sealed one.
            drop(remove_piece_by_piece("package.unneeded", &self.folder.join(name)));
        }
        LoadPackage::open(&self.folder)
    }

    /// Whether a later run can go on with the package.
    pub fn has_checkpoint(&self) -> bool {
        self.folder.join(CHECKPOINT).exists()
    }

    /// Removes the package.
    pub fn discard(self) -> Result<()> {
        remove_folder("package.remove", &self.folder)
    }
}

/// A sealed package and how far its load has come.
#[derive(Debug)]
pub struct LoadPackage {
    folder: PathBuf,
    /// What it holds.
    pub manifest: PackageManifest,
    /// The schema of its rows.
    pub schema: Schema,
    /// What its run added to the schema.
    pub delta: SchemaDelta,
    /// The pipeline's state after its run.
    pub state: State,
    /// Whether the state goes to the destination with the rows.
    pub has_new_state: bool,
    /// How far its load has come.
    pub journal: Journal,
}

impl LoadPackage {
    fn open(folder: &Path) -> Result<Self> {
        let of_part = |name: &str, error: Error| damaged(&folder.join(name), error);
        let manifest: PackageManifest = serde_json::from_value(read_part(folder, MANIFEST)?)
            .map_err(|cause| damaged(&folder.join(MANIFEST), cause))?;
        let journal = read_journal(&folder.join(JOURNAL)).map_err(|error| of_part(JOURNAL, error))?;
        check_jobs(folder, &manifest.jobs, journal.is_finished())?;
        let schema = Schema::from_json(&read_part(folder, SCHEMA)?, false);
        let delta = SchemaDelta::from_json(
            read_part(folder, DELTA)?
                .as_object()
                .ok_or_else(|| of_part(DELTA, Error::data("it is not an object")))?,
        );
        let mut state = read_part(folder, STATE)?;
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
            schema: schema.map_err(|error| of_part(SCHEMA, error))?,
            delta: delta.map_err(|error| of_part(DELTA, error))?,
            has_new_state: state.get("is_new").and_then(Value::as_bool).unwrap_or(false),
            state: State::from_json(state.get_mut("state").map(Value::take).unwrap_or_default())
                .map_err(|error| of_part(STATE, error))?,
            journal,
        })
    }

    /// The load.
    pub fn load_id(&self) -> &str {
        &self.manifest.load_id
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a job's file.
    pub fn job_path(&self, job: &Job) -> PathBuf {
        self.folder.join(&job.file)
    }

    /// The tables whose rows are deleted before new ones come: those that are replaced, those that a refresh empties.
    pub fn emptied_tables(&self, replace: ReplaceStrategy) -> Vec<String> {
        let mut tables = self.manifest.emptied.clone();
        if !replace.is_staged() {
            tables.extend(self.replaced_tables());
        }
        tables.sort();
        tables.dedup();
        tables
    }

    /// The tables whose rows are replaced: each root and all tables below it that were ever filled.
    pub fn replaced_tables(&self) -> Vec<String> {
        let lineage = Lineage::of(&self.schema);
        let chains = self.manifest.replaced.iter().flat_map(|root| lineage.chain(root));
        chains.filter(|table| !table.is_new()).map(|table| table.name.clone()).collect()
    }

    /// The root tables whose rows are merged: those that have new rows, their own or nested ones.
    pub fn merged_roots(&self) -> Vec<String> {
        merged_roots(&self.schema, &self.manifest.jobs)
    }

    /// The tables whose rows are merged: each root and all tables below it that were ever filled.
    pub fn merged_tables(&self) -> Vec<String> {
        let roots = self.merged_roots();
        let chains = roots.iter().flat_map(|root| merge_chain(&self.schema, root));
        chains.map(|table| table.name.clone()).collect()
    }

    /// The tables whose new rows go to staging first: what is merged, and what is replaced if that is done so.
    pub fn staged_tables(&self, replace: ReplaceStrategy) -> Vec<String> {
        let mut tables = self.merged_tables();
        if replace.is_staged() {
            tables.extend(self.replaced_tables());
        }
        tables
    }

    /// The tables that the load needs: those with rows, the roots that are replaced, and what is merged.
    pub fn migrated_tables(&self) -> Vec<String> {
        let mut needed: HashSet<String> = self.merged_tables().into_iter().collect();
        needed.extend(self.manifest.replaced.iter().cloned());
        needed.extend(self.manifest.jobs.iter().map(|job| job.table.clone()));
        self.schema.tables.keys().filter(|table| needed.contains(*table)).cloned().collect()
    }

    /// Appends a step to the journal; it is on disk when this returns.
    pub fn record(&mut self, entry: JournalEntry) -> Result<()> {
        append_line(&self.folder.join(JOURNAL), entry.to_line().as_bytes())?;
        self.journal.apply(entry);
        Ok(())
    }

    /// Removes the job files, which a finished package does not need.
    pub fn remove_jobs(&self) -> Result<()> {
        let jobs = self.folder.join("jobs");
        failpoint("package.remove_jobs")?;
        remove_piece_by_piece("package.remove_jobs", &jobs)
    }
}

/// The root tables that are merged and for which there are jobs, their own or those of nested tables.
pub(crate) fn merged_roots(schema: &Schema, jobs: &[Job]) -> Vec<String> {
    let lineage = Lineage::of(schema);
    let roots: BTreeSet<&str> =
        jobs.iter().filter_map(|job| lineage.root(&job.table)).map(|root| root.name.as_str()).collect();
    let merged = roots.into_iter().filter(|root| schema.write_disposition(root) == "merge");
    merged.map(str::to_owned).collect()
}

/// Appends a line to a file, which is created; the line and the file are on disk when this returns.
fn append_line(path: &Path, line: &[u8]) -> Result<()> {
    let failed = |cause| io_error("write", path, cause);
    failpoint("package.journal.open")?;
    let options = File::options().create(true).append(true).read(true).to_owned();
    let mut file = private::open_file(path, &options).map_err(failed)?;
    let is_new = file.metadata().map_err(failed)?.len() == 0;
    if !is_new {
        // A line that a crash cut off must not swallow the next one.
        let mut last = [0];
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(failed)?;
        if last != *b"\n" {
            file.write_all(b"\n").map_err(failed)?;
        }
    }
    let (head, tail) = line.split_at(if SPLITS_WRITES { line.len() / 2 } else { 0 });
    file.write_all(head).map_err(failed)?;
    failpoint("package.journal.write")?;
    file.write_all(tail).map_err(failed)?;
    failpoint("package.journal.sync")?;
    file.sync_data().map_err(failed)?;
    match path.parent() {
        Some(folder) if is_new => {
            failpoint("package.journal.sync_folder")?;
            sync_folder(folder)
        }
        _ => Ok(()),
    }
}

/// The steps that a journal tells of; none if there is no journal.
fn read_journal(path: &Path) -> Result<Journal> {
    match fs::read(path) {
        // A crash may cut a line off in the middle of a character.
        Ok(bytes) => Ok(Journal::replay(&String::from_utf8_lossy(&bytes))),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Journal::default()),
        Err(cause) => Err(io_error("read", path, cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_spoils_neither_the_journal_nor_the_next_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(JOURNAL);
        assert_eq!(read_journal(&path).unwrap(), Journal::default());
        let failed = JournalEntry::Failed { file: None, message: "é".to_owned(), at: 1 }.to_line();
        let cut = failed.find('é').unwrap() + 1;
        fs::write(&path, &failed.as_bytes()[..cut]).unwrap();
        assert_eq!(read_journal(&path).unwrap(), Journal::default());
        append_line(&path, JournalEntry::Started { at: 1 }.to_line().as_bytes()).unwrap();
        assert!(read_journal(&path).unwrap().is_started);
    }
}
