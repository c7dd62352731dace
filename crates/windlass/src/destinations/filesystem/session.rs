//! A load into a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use serde_json::{Value, json};
use windlass_core::hash::shake128;
use windlass_core::lease::Claim;
use windlass_core::package::{Job, PackageManifest};
use windlass_core::schema::{Schema, SystemNames};
use windlass_core::state::{STATE_ENGINE_VERSION, State};
use windlass_core::system_row::SystemRow;
use windlass_core::{Error, Result};

use super::commit::{Commit, Moved, Record};
use super::inside::{GATHERING, INIT, Purpose, files_with_prefix, key_of};
use super::layout::iso;
use super::lease::FilesystemLease;
use super::owner::{Named, Whose};
use super::system_files::{self, SystemFile, files_in, hex, hex_hash};
use super::tables::file_tables;
use super::{FileName, Inner, views};
use crate::destination::{Dataset, Lease, ReplaceStrategy, Session, Stored};
use crate::destinations::run_blocking;
use crate::env::time_of_load_id;
use crate::failpoint::failpoint;
use crate::files::io_error;
use crate::packages::LoadPackage;
use crate::rows::RowStream;
use crate::store::{Key, Store};

/// A dataset as a folder.
pub(super) struct FilesystemSession {
    inner: Arc<Inner>,
    dataset: Dataset,
    /// The files of the dataset.
    store: Arc<dyn Store>,
    lease: Option<FilesystemLease>,
    /// The load that was begun.
    load_id: Option<String>,
}

impl FilesystemSession {
    /// Errors: the name of the dataset is none of a folder.
    pub(super) fn new(inner: Arc<Inner>, dataset: Dataset) -> Result<Self> {
        let store = inner.bucket.below(&Key::root().child(&dataset.name)?);
        Ok(Self { inner, dataset, store, lease: None, load_id: None })
    }

    fn location(&self) -> String {
        self.store.location(&Key::root())
    }

    /// Whether there is a dataset.
    fn has_dataset(&self) -> Result<bool> {
        Ok(self.store.head(&Key::new(INIT)?)?.is_some())
    }

    fn names(&self) -> Result<SystemNames> {
        SystemNames::new(&self.dataset.naming)
    }

    /// The folder of this load's files until the commit.
    fn gathering(&self, load_id: &str) -> Result<Key> {
        key_of(&gathering_below(&self.dataset.pipeline, load_id))
    }

    /// What the commit of a package does.
    fn commit_of(
        &self,
        package: &LoadPackage,
        moved: Vec<Moved>,
        removed: Vec<PathBuf>,
        now: i64,
    ) -> Result<Commit> {
        let names = self.names()?;
        let (manifest, load_id) = (&package.manifest, package.load_id());
        let state = package.has_new_state.then(|| {
            let name = format!("{}__{load_id}__{}.jsonl", manifest.pipeline, hex_hash(&manifest.schema_hash));
            let row = SystemRow::State {
                version: package.state.version(),
                engine_version: STATE_ENGINE_VERSION,
                pipeline_name: &manifest.pipeline,
                state: &package.state.encode(),
                created_at: now,
                version_hash: package.state.version_hash(),
                load_id,
            };
            Record { path: Path::new(&names.state_table).join(name), content: Value::Object(row.to_json()) }
        });
        let name = format!("{}__{load_id}.jsonl", manifest.schema_name);
        let row = SystemRow::Load {
            load_id,
            schema_name: &manifest.schema_name,
            inserted_at: now,
            schema_version_hash: &manifest.schema_hash,
        };
        Ok(Commit {
            load_id: load_id.to_owned(),
            gathering: gathering_below(&self.dataset.pipeline, load_id),
            removed,
            moved,
            state,
            load: Record {
                path: Path::new(&names.loads_table).join(name),
                content: Value::Object(row.to_json()),
            },
        })
    }

    /// Where all files of a package go. The state travels in a file of its own.
    async fn placed(&self, package: &LoadPackage, has_suffix: bool) -> Result<Vec<Moved>> {
        let names = self.names()?;
        let load_id = package.load_id();
        let times = self.inner.times(time_of_load_id(load_id)).await?;
        let mut taken = BTreeSet::new();
        let mut placed = Vec::new();
        for job in package.manifest.jobs.iter().filter(|job| job.table != names.state_table) {
            let file_id = file_id(load_id, job);
            // Datasets of the first version have compressed files without the suffix.
            let ext = if has_suffix { job.extension() } else { job.extension().trim_end_matches(".gz") };
            let name = FileName {
                schema_name: &package.manifest.schema_name,
                table_name: &job.table,
                load_id,
                file_id: &file_id,
                ext,
            };
            let path = self.inner.path(&name, times).await.map_err(|error| error.at_table(&job.table))?;
            if !taken.insert(path.clone()) {
                return Err(Error::config(format!("the layout gives two files of a load the path `{path}`"))
                    .at_table(&job.table)
                    .with_hint("put `{file_id}` into the layout"));
            }
            placed.push(Moved {
                table: job.table.clone(),
                from: gathering_below(&self.dataset.pipeline, load_id).join(&file_id),
                to: path.into(),
            });
        }
        Ok(placed)
    }

    /// The files of tables that are emptied or dropped, and of the schemas that had the latter, relative to the dataset.
    fn files_to_remove(
        &self,
        manifest: &PackageManifest,
        emptied: &[String],
        kept: &BTreeSet<PathBuf>,
    ) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let known = self.known_tables(&self.names()?)?;
        for table in emptied.iter().chain(&manifest.dropped) {
            let found = self.files_of(&manifest.schema_name, table, Purpose::Delete, &known);
            files.extend(found.map_err(|error| error.at_table(table))?);
        }
        if !manifest.dropped.is_empty() {
            let hash = hex_hash(&manifest.schema_hash);
            let versions = system_files::list(&*self.store, &Key::new(&self.names()?.version_table)?)?;
            let others =
                versions.into_iter().filter(|file| file.owner == manifest.schema_name && file.hash != hash);
            files.extend(others.map(|file| file.key));
        }
        let paths = files.iter().map(|key| key.as_path().to_owned());
        Ok(paths.filter(|path| !kept.contains(path)).collect())
    }

    /// The files that exist of a table, among all that are `known`.
    ///
    /// Errors: for deletion a file that may be another table's as well.
    fn files_of(
        &self,
        schema: &str,
        table: &str,
        purpose: Purpose,
        known: &BTreeSet<Named>,
    ) -> Result<Vec<Key>> {
        let layout = &self.inner.layout;
        let prefix = layout.prefix(schema, table);
        let found = files_with_prefix(&*self.inner.bucket, &self.dataset.name, &prefix, purpose)?;
        if layout.has_sure_prefix() {
            return Ok(found);
        }
        let table = (schema.to_owned(), table.to_owned());
        let mut files = Vec::new();
        for key in found {
            match layout.whose(&key.to_string(), &table, known) {
                Whose::Mine => files.push(key),
                Whose::NotMine => {}
                Whose::Unclear(other) if purpose == Purpose::Read => {
                    if other.1.len() < table.1.len() {
                        files.push(key);
                    }
                }
                Whose::Unclear(other) => return Err(unclear(self.store.location(&key), &other.1)),
            }
        }
        Ok(files)
    }

    /// The tables of all schemas of the dataset, if the names of files do not tell theirs at once.
    fn known_tables(&self, names: &SystemNames) -> Result<BTreeSet<Named>> {
        if self.inner.layout.has_sure_prefix() {
            Ok(BTreeSet::new())
        } else {
            Ok(named(&self.newest_schemas(names)?))
        }
    }

    /// Runs `work`, which may block, aside.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let session = Self {
            inner: Arc::clone(&self.inner),
            dataset: self.dataset.clone(),
            store: Arc::clone(&self.store),
            lease: self.lease.clone(),
            load_id: self.load_id.clone(),
        };
        run_blocking(move || work(&session)).await
    }
}

/// The tables of schemas.
fn named(schemas: &[Schema]) -> BTreeSet<Named> {
    let tables = |schema: &Schema| {
        schema.tables.keys().map(|table| (schema.name.clone(), table.clone())).collect::<Vec<_>>()
    };
    schemas.iter().flat_map(tables).collect()
}

fn unclear(file: String, other: &str) -> Error {
    Error::config(format!("a file that is to be deleted may be one of table `{other}`"))
        .at_file(file)
        .with_hint("set names of tables off by `/` in the layout, and move the files that are there")
}

/// The folder of a load's files until the commit, below the dataset's.
fn gathering_below(pipeline: &str, load_id: &str) -> PathBuf {
    Path::new(GATHERING).join(pipeline).join(load_id)
}

/// The id of a file: the same for the same job of the same load, so that loading it again overwrites it.
fn file_id(load_id: &str, job: &Job) -> String {
    let mut bytes = [0_u8; 5];
    shake128(format!("{load_id}/{}", job.file).as_bytes(), &mut bytes);
    hex(&bytes)
}

#[async_trait]
impl Session for FilesystemSession {
    async fn stored(&mut self) -> Result<Stored> {
        let names = self.names()?;
        self.aside(move |session| session.newest_state(&names)).await
    }

    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>> {
        let (names, name) = (self.names()?, name.to_owned());
        self.aside(move |session| session.newest_schema(&names, &name)).await
    }

    async fn acquire(&mut self, claim: &Claim, may_create: bool, now: i64) -> Result<Option<Arc<dyn Lease>>> {
        let claim = claim.clone();
        let taken = self.aside(move |session| {
            if !may_create && !session.has_dataset()? {
                return Ok(None);
            }
            FilesystemLease::take(&session.store, &Key::new(GATHERING)?, &claim, now).map(Some)
        });
        self.lease = taken.await?;
        Ok(self.lease.clone().map(|lease| -> Arc<dyn Lease> { Arc::new(lease) }))
    }

    async fn release(&mut self, now: i64) -> Result<()> {
        let Some(lease) = self.lease.take() else { return Ok(()) };
        self.aside(move |_| lease.release(now)).await
    }

    async fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        let (names, end) = (self.names()?, format!("__{load_id}.jsonl"));
        self.aside(move |session| {
            let files = files_in(&*session.store, &Key::new(&names.loads_table)?)?;
            Ok(files.iter().any(|key| key.to_string().ends_with(&end)))
        })
        .await
    }

    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>> {
        let (names, schema) = (self.names()?, schema.clone());
        self.aside(move |session| {
            let mut lines = Vec::new();
            let known = session.known_tables(&names)?;
            for table in schema.data_tables(&names.prefix).filter(|table| !table.is_new()) {
                if session.files_of(&schema.name, &table.name, Purpose::Read, &known)?.is_empty() {
                    let prefix = session.inner.layout.prefix(&schema.name, &table.name);
                    lines.push(format!("new files {}/{prefix}*", session.location()));
                }
            }
            Ok(lines)
        })
        .await
    }

    async fn migrate(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>> {
        self.load_id = Some(package.load_id().to_owned());
        let names = self.names()?;
        let gathering = self.gathering(package.load_id())?;
        let schema = package.schema.clone();
        self.aside(move |session| {
            session.check_lease()?;
            // What loads left that were broken off. The lease is held: nobody else gathers files of this pipeline.
            session.remove_gathered(&Key::new(GATHERING)?.child(&session.dataset.pipeline)?)?;
            let store = &*session.store;
            let is_new = !session.has_dataset()?;
            failpoint("filesystem.gathering")?;
            store.make_folder(&gathering)?;
            system_files::init(store)?;
            let hash = schema.version_hash.clone().unwrap_or_default();
            let versions = Key::new(&names.version_table)?;
            let known = system_files::list(store, &versions)?;
            let hex_hash = hex_hash(&hash);
            if !known.iter().any(|file| file.owner == schema.name && file.hash == hex_hash) {
                let seconds = format!("{}.{:06}", now.div_euclid(1_000_000), now.rem_euclid(1_000_000));
                let content = json!({
                    "version_hash": hash,
                    "schema_name": schema.name,
                    "version": schema.version.unwrap_or(1),
                    "engine_version": windlass_core::schema::ENGINE_VERSION,
                    "inserted_at": iso(now),
                    "schema": Value::Object(schema.to_json()).to_string(),
                });
                let name = format!("{}__{seconds}__{hex_hash}.jsonl", schema.name);
                let key = versions.child(name)?;
                system_files::write("filesystem.version", store, &gathering, &key, &content)?;
            }
            failpoint("filesystem.migrated")?;
            Ok(if is_new { vec![format!("create folder {}", session.location())] } else { Vec::new() })
        })
        .await
    }

    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()> {
        let names = self.names()?;
        let gathering = self.gathering(package.load_id())?;
        let jobs = jobs.iter().filter(|job| job.table != names.state_table);
        let files: Vec<(PathBuf, Key)> = jobs
            .map(|job| Ok((package.job_path(job), gathering.child(file_id(package.load_id(), job))?)))
            .collect::<Result<_>>()?;
        self.aside(move |session| {
            let gather = |(from, to): &(PathBuf, Key)| session.store.upload("filesystem.gather", from, to);
            files.iter().try_for_each(gather)?;
            failpoint("filesystem.job_loaded")
        })
        .await
    }

    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()> {
        let names = self.names()?;
        let has_suffix = self.aside(|session| system_files::init(&*session.store)).await? >= 2;
        let moved = self.placed(package, has_suffix).await?;
        let kept: BTreeSet<PathBuf> = moved.iter().map(|file| file.to.clone()).collect();
        let emptied = package.emptied_tables(ReplaceStrategy::TruncateAndInsert);
        let manifest = package.manifest.clone();
        let removed = self.aside(move |session| session.files_to_remove(&manifest, &emptied, &kept)).await?;
        let commit = self.commit_of(package, moved, removed, now)?;
        let manifest = package.manifest.clone();
        let sealed = self.aside(move |session| {
            // The lease does not end while the last checks are made, unless they take longer than it lasts.
            if let Some(lease) = &session.lease {
                lease.prolong(now)?;
            }
            session.check_base(&manifest, &names)?;
            let gathering = key_of(&commit.gathering)?;
            session.store.settle("filesystem.gathered.sync_folder", &[gathering.clone()].into())?;
            failpoint("filesystem.before_commit")?;
            if let Some(lease) = &session.lease {
                lease.seal(&commit)?;
            }
            Ok((commit, names, gathering))
        });
        let (commit, names, gathering) = sealed.await?;
        // From here on the load counts: who comes next finishes it if this run cannot.
        self.load_id = None;
        self.aside(move |session| {
            failpoint("filesystem.sealed")?;
            commit.finish(&*session.store)?;
            failpoint("filesystem.after_record")?;
            session.remove_old_states(&names)?;
            failpoint("filesystem.clean")?;
            // Who has taken over may have tidied up.
            session.remove_gathered(&gathering)?;
            session.lease.as_ref().map_or(Ok(()), |lease| lease.go_on(now))
        })
        .await
    }

    async fn rollback(&mut self) -> Result<()> {
        // Only what is its own: who has taken over gathers files beside it.
        let Some(load_id) = self.load_id.take() else { return Ok(()) };
        self.aside(move |session| {
            failpoint("filesystem.rollback")?;
            // What failed after the commit was in place is finished by the next run, which needs the files.
            if session.lease.as_ref().is_some_and(FilesystemLease::may_be_sealed) {
                return Ok(());
            }
            session.remove_gathered(&session.gathering(&load_id)?)
        })
        .await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let mut rows = self.rows(sql).await?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().await? {
            batches.push(batch);
        }
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(rows.schema()));
        }
        Ok(batches)
    }

    async fn stream(self: Box<Self>, sql: &str) -> Result<RowStream> {
        self.rows(sql).await
    }

    async fn execute(&mut self, sql: &str) -> Result<RowStream> {
        self.rows(sql).await
    }

    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<RecordBatch>> {
        self.query(&format!("SELECT * FROM \"{}\" LIMIT {limit}", table.replace('"', "\"\""))).await
    }
}

impl FilesystemSession {
    /// The rows of a query over the files that there are now.
    async fn rows(&self, sql: &str) -> Result<RowStream> {
        let names = self.names()?;
        let tables = self.aside(move |session| {
            let schemas = session.newest_schemas(&names)?;
            let known = named(&schemas);
            let mut tables = Vec::new();
            for schema in &schemas {
                for table in schema.tables.values() {
                    let files = if table.name.starts_with(&names.prefix) {
                        files_in(&*session.store, &Key::new(&table.name)?)?
                    } else {
                        session.files_of(&schema.name, &table.name, Purpose::Read, &known)?
                    };
                    if !files.is_empty() {
                        tables.push((table.as_ref(), session.paths(files)?));
                    }
                }
            }
            Ok(file_tables(tables))
        });
        let (types, location) = (self.inner.capabilities.types, self.location());
        views::stream(self.dataset.clone(), types, tables.await?, sql.to_owned(), location).await
    }

    /// The paths of files, which do not depend on the current folder. Errors: a store without them.
    fn paths(&self, files: Vec<Key>) -> Result<Vec<PathBuf>> {
        let path = |key: Key| {
            let path = self.store.local_path(&key).ok_or_else(|| {
                Error::unsupported(format!(
                    "{} is not on this machine, where queries read files",
                    self.location()
                ))
            })?;
            std::path::absolute(&path).map_err(|cause| io_error("read", &path, cause))
        };
        files.into_iter().map(path).collect()
    }

    /// The newest state of the pipeline.
    fn newest_state(&self, names: &SystemNames) -> Result<Stored> {
        let mut files = system_files::list(&*self.store, &Key::new(&names.state_table)?)?;
        files.retain(|file| file.owner == self.dataset.pipeline);
        let mut newest: Option<((i64, i64), SystemFile, Value)> = None;
        for file in files {
            let content = system_files::read(&*self.store, &file.key)?;
            // A clock may have been set back between two loads, so that the version counts.
            let version = content.get("version").and_then(Value::as_i64).unwrap_or_default();
            let place = (version, time_of_load_id(&file.middle));
            if newest.as_ref().is_none_or(|(known, ..)| place > *known) {
                newest = Some((place, file, content));
            }
        }
        let mut stored = Stored { has_dataset: self.has_dataset()?, ..Stored::default() };
        let loads = files_in(&*self.store, &Key::new(&names.loads_table)?)?;
        let load_id = |key: &Key| {
            let name = key.as_path().file_stem()?.to_str()?.rsplit_once("__")?.1.to_owned();
            Some((time_of_load_id(&name), name))
        };
        stored.last_load_id = loads.iter().filter_map(load_id).max().map(|(_, load_id)| load_id);
        if let Some((_, file, content)) = newest {
            let state = State::decode(content.get("state").and_then(Value::as_str).unwrap_or_default())
                .map_err(|e| e.at_file(self.store.location(&file.key)))?;
            stored.state = Some(state);
            stored.state_load_id = Some(file.middle);
        }
        Ok(stored)
    }

    /// Errors: another run has taken the lease over.
    fn check_lease(&self) -> Result<()> {
        self.lease.as_ref().map_or(Ok(()), FilesystemLease::check)
    }

    /// Errors: another run has loaded since the rows were extracted.
    fn check_base(&self, manifest: &PackageManifest, names: &SystemNames) -> Result<()> {
        let stored = self.newest_state(names)?;
        if stored.state_load_id.as_ref() == Some(&manifest.load_id) {
            // This load was broken off between its records.
            return Ok(());
        }
        manifest.check_base(stored.state.map(|state| state.mark()).as_ref())
    }

    /// Removes a folder of files that were gathered.
    fn remove_gathered(&self, folder: &Key) -> Result<()> {
        // Nothing in it counts, half of it no more than all of it: it is swept before files are gathered there.
        self.store.delete_below("filesystem.gathered", folder)?;
        self.remove_empty_gathering()
    }

    fn newest_schema(&self, names: &SystemNames, name: &str) -> Result<Option<Schema>> {
        let files = system_files::list(&*self.store, &Key::new(&names.version_table)?)?;
        let mut newest: Option<((i64, i64), SystemFile, Value)> = None;
        for file in files.into_iter().filter(|file| file.owner == name) {
            let content = system_files::read(&*self.store, &file.key)?;
            let version = content.get("version").and_then(Value::as_i64).unwrap_or_default();
            let place = (version, time_of_load_id(&file.middle));
            if newest.as_ref().is_none_or(|(known, ..)| place > *known) {
                newest = Some((place, file, content));
            }
        }
        newest
            .map(|(_, file, content)| {
                Schema::decode(content.get("schema").and_then(Value::as_str).unwrap_or_default())
                    .map_err(|e| e.at_file(self.store.location(&file.key)))
            })
            .transpose()
    }

    fn newest_schemas(&self, names: &SystemNames) -> Result<Vec<Schema>> {
        let files = system_files::list(&*self.store, &Key::new(&names.version_table)?)?;
        let owners: BTreeSet<String> = files.into_iter().map(|file| file.owner).collect();
        owners.iter().filter_map(|name| self.newest_schema(names, name).transpose()).collect()
    }

    /// Keeps the newest state files of the pipeline.
    fn remove_old_states(&self, names: &SystemNames) -> Result<()> {
        let Ok(keep) = usize::try_from(self.inner.max_state_files) else { return Ok(()) };
        if keep == 0 {
            return Ok(());
        }
        let mut files = system_files::list(&*self.store, &Key::new(&names.state_table)?)?;
        files.retain(|file| file.owner == self.dataset.pipeline);
        files.sort_by_key(|file| std::cmp::Reverse(time_of_load_id(&file.middle)));
        let old: Vec<Key> = files.into_iter().skip(keep).map(|file| file.key).collect();
        Ok(self.store.delete("filesystem.state.remove_file", &old)?)
    }

    /// Removes the hidden folders that nobody uses any more.
    fn remove_empty_gathering(&self) -> Result<()> {
        let hidden = Key::new(GATHERING)?;
        self.store.remove_empty_folder(&hidden.child(&self.dataset.pipeline)?);
        self.store.remove_empty_folder(&hidden);
        Ok(())
    }
}
