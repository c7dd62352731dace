//! The working folder of a pipeline: its state and schemas as they were committed last, its packages, its lock.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_core::masking::mask_value;
use windlass_core::package::JournalEntry;
use windlass_core::path_part::escape_part;
use windlass_core::schema::Schema;
use windlass_core::state::State;
use windlass_core::{Code, Error, Result};

use crate::failpoint::failpoint;
use crate::files::{io_error, write_private};
use crate::holder;
use crate::packages::{LoadPackage, PackageStore};
use crate::private;
use crate::removal::{remove_file, remove_folder};

/// A working folder.
#[derive(Clone, Debug)]
pub struct WorkFolder {
    path: PathBuf,
}

/// Held while a run uses the working folder; released when dropped or when the process ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

const FILE: &str = "pipeline.json";
const STATE: &str = "state.json";
const TRACE: &str = "trace.json";
const SCHEMA_END: &str = ".schema.json";

impl WorkFolder {
    /// The folder, which is created when something is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The packages.
    pub fn packages(&self) -> PackageStore {
        PackageStore::new(self.path.join("packages"))
    }

    /// Takes the folder for one run. Errors: another run has it; it cannot be written.
    pub fn lock(&self) -> Result<RunLock> {
        self.create()?;
        let path = self.path.join("lock");
        failpoint("pipeline.lock")?;
        let file = private::open_file(&path, File::options().create(true).truncate(false).write(true));
        let file = file.map_err(|cause| io_error("open", &path, cause))?;
        match file.try_lock() {
            Ok(()) => {
                holder::note(&file);
                Ok(RunLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let who = holder::noted(&path).map_or_else(String::new, |who| format!(": {who}"));
                let place = self.path.display();
                Err(Error::of(Code::FolderInUse, format!("another run uses the working folder {place}{who}")).with_hint(
                    "wait until it ends, for example with `--wait 60`, or give this pipeline another name",
                ))
            }
            Err(TryLockError::Error(cause)) => Err(io_error("lock", &path, cause)),
        }
    }

    /// Gives up all packages that are not loaded, readable or not, and those that a broken run left open, at `now` in
    /// microseconds since the epoch; gives their load ids. Their data is extracted again by the next run.
    ///
    /// Errors: a run is under way.
    pub fn drop_pending(&self, now: i64) -> Result<Vec<String>> {
        let _lock = self.lock()?;
        let mut dropped = Vec::new();
        let (pending, damaged) = self.packages().unfinished()?;
        for package in pending {
            dropped.push(package.load_id().to_owned());
            let folder = package.folder().to_owned();
            if self.give_up(package, now).is_err() {
                // Where nothing can be noted, as in a journal that is a link to nowhere, it goes as a whole.
                remove_folder("package.remove", &folder)?;
            }
        }
        for package in damaged {
            dropped.push(package.load_id().to_owned());
            package.remove()?;
        }
        dropped.sort();
        dropped.extend(self.packages().discard_open()?);
        Ok(dropped)
    }

    /// Gives up a package at `now` in microseconds since the epoch.
    pub(super) fn give_up(&self, mut package: LoadPackage, now: i64) -> Result<()> {
        package.record(JournalEntry::Dropped { at: now })?;
        package.remove_jobs()
    }

    /// The state after the last commit; `None` before the first.
    pub fn state(&self) -> Result<Option<State>> {
        let path = self.path.join(STATE);
        if !path.exists() {
            return Ok(None);
        }
        State::from_json(read_json(&path, REMEDY)?).map(Some).map_err(|error| damaged(&path, error, REMEDY))
    }

    /// The schemas after the last commit, by the order of their names.
    pub fn schemas(&self) -> Result<Vec<Schema>> {
        let folder = self.path.join("schemas");
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.to_string_lossy().ends_with(SCHEMA_END));
        paths.sort();
        let schema = |path: &PathBuf| {
            Schema::from_json(&read_json(path, REMEDY)?, false).map_err(|error| damaged(path, error, REMEDY))
        };
        paths.iter().map(schema).collect()
    }

    /// Keeps the state.
    pub fn save_state(&self, state: &State) -> Result<()> {
        self.write("pipeline.state", STATE, state.to_json().to_string().as_bytes())
    }

    /// Keeps a schema.
    pub fn save_schema(&self, schema: &Schema) -> Result<()> {
        let text = Value::Object(schema.to_json()).to_string();
        let name = format!("schemas/{}{SCHEMA_END}", escape_part(&schema.name));
        self.write("pipeline.schema", &name, text.as_bytes())
    }

    /// The pipeline file that was run last.
    pub fn pipeline_file(&self) -> Result<Option<PathBuf>> {
        let path = self.path.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        Ok(read_json(&path, FILE_REMEDY)?.get("file").and_then(Value::as_str).map(PathBuf::from))
    }

    /// Keeps where the pipeline file is, so that commands find it by the pipeline's name.
    pub fn remember_file(&self, file: &Path) -> Result<()> {
        let file = fs::canonicalize(file).map_err(|cause| io_error("read", file, cause))?;
        if self.pipeline_file().is_ok_and(|known| known.as_ref() == Some(&file)) {
            return Ok(());
        }
        // This is done before the folder is locked: several runs may write it at once, each a file of its own first.
        let own = format!("{FILE}.{}", std::process::id());
        self.write(
            "pipeline.file",
            &own,
            serde_json::json!({ "file": file.display().to_string() }).to_string().as_bytes(),
        )?;
        let (own, path) = (self.path.join(own), self.path.join(FILE));
        fs::rename(&own, &path).map_err(|cause| io_error("write", &path, cause))
    }

    /// What the last run did. Errors: its report cannot be read.
    pub fn trace(&self) -> Result<Option<Value>> {
        let path = self.path.join(TRACE);
        if !path.exists() {
            return Ok(None);
        }
        // Nothing reads it but people: the next run writes another.
        read_json(&path, TRACE_REMEDY).map(Some)
    }

    /// Keeps what the run did, without the secrets that it knew: who prints it later does not.
    pub fn save_trace(&self, trace: &Value) -> Result<()> {
        let mut trace = trace.clone();
        mask_value(&mut trace);
        let text = serde_json::to_string_pretty(&trace).unwrap_or_default();
        self.write("pipeline.trace", TRACE, text.as_bytes())
    }

    /// Forgets state and schemas; packages stay.
    pub fn forget(&self) -> Result<()> {
        // The state first: without it, what is left of the schemas is not taken for what was committed.
        remove_file("pipeline.forget", &self.path.join(STATE))?;
        let Ok(entries) = fs::read_dir(self.path.join("schemas")) else { return Ok(()) };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        paths.iter().try_for_each(|path| remove_file("pipeline.forget", path))
    }

    /// Forgets everything, packages included.
    pub fn wipe(&self) -> Result<()> {
        self.forget()?;
        self.packages().remove_all()
    }

    /// Makes sure that the folder is there, for its owner alone.
    fn create(&self) -> Result<()> {
        private::create_folders(&self.path).map_err(|cause| io_error("create", &self.path, cause))?;
        // Earlier versions left it open to others. Who does not own the folder cannot close it.
        drop(private::keep_to_owner(&self.path));
        Ok(())
    }

    fn write(&self, what: &str, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        self.create()?;
        if let Some(folder) = path.parent() {
            private::create_folders(folder).map_err(|cause| io_error("create", folder, cause))?;
        }
        write_private(what, &path, bytes)
    }
}

/// What to do about a file that cannot be read: of state and schemas, of the report, of the place of the pipeline file.
const REMEDY: &str = "delete it: what it held is read back from the destination";
const TRACE_REMEDY: &str = "delete it, or run the pipeline: it only tells what the last run did";
const FILE_REMEDY: &str =
    "give the path of the pipeline file instead of the name; `windlass run FILE` writes it again";

/// A file of JSON, an object. Errors, which name it and the remedy: it cannot be read, or is something else.
fn read_json(path: &Path, remedy: &str) -> Result<Value> {
    let bytes = fs::read(path).map_err(|cause| match path.is_file() {
        true => io_error("read", path, cause),
        false => damaged(path, cause, remedy),
    })?;
    match serde_json::from_slice(&bytes).map_err(|cause| damaged(path, cause, remedy))? {
        value @ Value::Object(_) => Ok(value),
        _ => Err(damaged(path, Error::data("it is not an object"), remedy)),
    }
}

fn damaged(path: &Path, cause: impl std::error::Error + Send + Sync + 'static, remedy: &str) -> Error {
    Error::of(Code::DamagedFolder, "a file of the working folder is damaged")
        .with_source(cause)
        .at_file(path.display().to_string())
        .with_hint(remedy)
}
