//! The package folder: packages are created, filled, sealed by one rename, listed and resumed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_core::package::{CHECKPOINT_VERSION, Checkpoint, Job, Journal, JournalEntry, PackageManifest};
use windlass_core::schema::{Schema, SchemaDelta};
use windlass_core::sql::merge_chain;
use windlass_core::state::State;
use windlass_core::{Error, Result};

use crate::destination::ReplaceStrategy;
use crate::failpoint::{SPLITS_WRITES, failpoint};
use crate::files::{io_error, read_to_string, sync_folder, write_atomic};

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

/// Finished packages that are kept for `windlass pipeline loads`; older ones are removed.
const KEEP_FINISHED: usize = 50;

impl PackageStore {
    /// The store in a folder, which is created with the first package.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Creates an empty package. Errors: the folder cannot be written.
    pub fn create(&self, load_id: &str) -> Result<PackageWriter> {
        let folder = self.root.join(load_id);
        failpoint("package.create")?;
        fs::create_dir_all(folder.join("jobs")).map_err(|cause| io_error("create", &folder, cause))?;
        Ok(PackageWriter { folder, load_id: load_id.to_owned() })
    }

    /// All sealed packages, the oldest first.
    pub fn list(&self) -> Result<Vec<LoadPackage>> {
        let mut packages = Vec::new();
        for folder in self.folders()? {
            if folder.join(MANIFEST).exists() {
                packages.push(LoadPackage::open(&folder)?);
            }
        }
        packages.sort_by(|a, b| a.manifest.load_id.cmp(&b.manifest.load_id));
        Ok(packages)
    }

    /// Sealed packages that are neither loaded nor dropped, the oldest first.
    pub fn pending(&self) -> Result<Vec<LoadPackage>> {
        let mut packages = self.list()?;
        packages.retain(|package| !package.journal.is_finished());
        Ok(packages)
    }

    /// One package. Errors: it does not exist.
    pub fn get(&self, load_id: &str) -> Result<LoadPackage> {
        let folder = self.root.join(load_id);
        if load_id.contains(['/', '\\']) || !folder.join(MANIFEST).exists() {
            return Err(Error::config(format!("there is no load package `{load_id}`"))
                .with_hint("`windlass pipeline loads NAME` lists the packages"));
        }
        LoadPackage::open(&folder)
    }

    /// Removes what runs left that did not come to an end, but for what one of these sources can go on with, and old
    /// finished packages. Gives the names of resources that a crash interrupted and that can only start over.
    pub fn sweep(&self, sources: &[&str]) -> Result<Vec<String>> {
        let (mut finished, mut starting_over) = (Vec::new(), Vec::new());
        for folder in self.folders()? {
            if !folder.join(MANIFEST).exists() {
                let checkpoint = read_checkpoint(&folder);
                if checkpoint.is_some_and(|checkpoint| sources.contains(&checkpoint.source.as_str())) {
                    continue;
                }
                starting_over.extend(fs::read_to_string(folder.join(STARTS_OVER)).ok());
                remove_folder(&folder)?;
            } else if let Ok(package) = LoadPackage::open(&folder)
                && package.journal.is_finished()
            {
                finished.push((package.manifest.load_id, folder));
            }
        }
        finished.sort();
        let surplus = finished.len().saturating_sub(KEEP_FINISHED);
        finished.iter().take(surplus).try_for_each(|(_, folder)| remove_folder(folder))?;
        Ok(starting_over)
    }

    /// The open packages of a source that a run can go on with, the newest first.
    pub fn open_packages(&self, source: &str) -> Result<Vec<(PackageWriter, Checkpoint)>> {
        let mut packages = Vec::new();
        for folder in self.folders()? {
            let checkpoint = if folder.join(MANIFEST).exists() { None } else { read_checkpoint(&folder) };
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
            let is_begun = !folder.join(MANIFEST).exists() && folder.join(CHECKPOINT).exists();
            begun.extend(load_id.filter(|_| is_begun));
        }
        begun.sort();
        Ok(begun)
    }

    /// Removes the packages that broken runs left open; gives the load ids of those that a run could go on with.
    pub fn discard_open(&self) -> Result<Vec<String>> {
        let begun = self.begun()?;
        for folder in self.folders()?.into_iter().filter(|folder| !folder.join(MANIFEST).exists()) {
            remove_folder(&folder)?;
        }
        Ok(begun)
    }

    fn folders(&self) -> Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(io_error("read", &self.root, cause)),
        };
        let mut folders = Vec::new();
        for entry in entries {
            let path = entry.map_err(|cause| io_error("read", &self.root, cause))?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
        Ok(folders)
    }
}

fn remove_folder(folder: &Path) -> Result<()> {
    failpoint("package.remove")?;
    fs::remove_dir_all(folder).map_err(|cause| io_error("remove", folder, cause))
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
    write_atomic("package.checkpoint", &folder.join(CHECKPOINT), &bytes)
}

/// Notes in an open package that this resource cannot go on after a crash.
pub(crate) fn note_start_over(folder: &Path, resource: &str) -> Result<()> {
    let path = folder.join(STARTS_OVER);
    failpoint("package.starts_over")?;
    fs::write(&path, resource).map_err(|cause| io_error("write", &path, cause))
}

/// The name of the resource that was noted, which is forgotten.
pub(crate) fn take_start_over(folder: &Path) -> Option<String> {
    let path = folder.join(STARTS_OVER);
    let resource = fs::read_to_string(&path).ok()?;
    // Where it stays, the next run warns once more.
    drop(fs::remove_file(&path));
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
            write_atomic(what, &self.folder.join(name), value.to_string().as_bytes())
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
        for folder in &folders {
            failpoint("package.sync_jobs")?;
            sync_folder(folder)?;
        }
        failpoint("package.before_seal")?;
        let manifest = serde_json::to_vec_pretty(&content.manifest)
            .map_err(|cause| Error::internal("the manifest cannot be written").with_source(cause))?;
        write_atomic("package.manifest", &self.folder.join(MANIFEST), &manifest)?;
        failpoint("package.after_seal")?;
        for name in [CHECKPOINT, STARTS_OVER, SPOOL] {
            let path = self.folder.join(name);
            // What only an open package needs does no harm in a sealed one.
            drop(if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) });
        }
        LoadPackage::open(&self.folder)
    }

    /// Whether a later run can go on with the package.
    pub fn has_checkpoint(&self) -> bool {
        self.folder.join(CHECKPOINT).exists()
    }

    /// Removes the package.
    pub fn discard(self) -> Result<()> {
        remove_folder(&self.folder)
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
        let read = |name: &str| -> Result<Value> {
            let path = folder.join(name);
            serde_json::from_str(&read_to_string(&path)?).map_err(|cause| damaged(&path, cause))
        };
        let manifest = serde_json::from_value(read(MANIFEST)?)
            .map_err(|cause| damaged(&folder.join(MANIFEST), cause))?;
        let delta = read(DELTA)?;
        let mut state = read(STATE)?;
        let journal = read_journal(&folder.join(JOURNAL))?;
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
            schema: Schema::from_json(&read(SCHEMA)?, false)?,
            delta: SchemaDelta::from_json(delta.as_object().unwrap_or(&serde_json::Map::new()))?,
            has_new_state: state["is_new"].as_bool().unwrap_or(false),
            state: State::from_json(state["state"].take())?,
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
        let roots = self.manifest.replaced.iter();
        let chains = roots.flat_map(|root| self.schema.chain(root));
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
        let merged = self.merged_tables();
        let needed = |table: &String| {
            self.manifest.replaced.contains(table)
                || merged.contains(table)
                || self.manifest.jobs.iter().any(|job| job.table == *table)
        };
        self.schema.tables.keys().filter(|table| needed(table)).cloned().collect()
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
        if jobs.exists() { remove_folder(&jobs) } else { Ok(()) }
    }
}

/// The root tables that are merged and for which there are jobs, their own or those of nested tables.
pub(crate) fn merged_roots(schema: &Schema, jobs: &[Job]) -> Vec<String> {
    let roots = jobs.iter().filter_map(|job| schema.root_of(&job.table));
    let merged = roots.filter(|root| schema.write_disposition(&root.name) == "merge");
    let mut names: Vec<String> = merged.map(|root| root.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// Appends a line to a file, which is created; the line and the file are on disk when this returns.
fn append_line(path: &Path, line: &[u8]) -> Result<()> {
    let failed = |cause| io_error("write", path, cause);
    failpoint("package.journal.open")?;
    let mut file = File::options().create(true).append(true).read(true).open(path).map_err(failed)?;
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

fn damaged(path: &Path, cause: serde_json::Error) -> Error {
    Error::data("a file of a load package is damaged")
        .with_source(cause)
        .at_file(path.display().to_string())
        .with_hint("`windlass pipeline drop-pending NAME` gives the package up; its data is extracted again")
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
