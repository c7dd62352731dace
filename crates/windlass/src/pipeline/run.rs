//! One run: what was left is loaded first, then each source is read into a package, sealed, loaded and committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use indexmap::IndexMap;
use serde_json::{Value, json};
use windlass_core::merge::NewestFirst;
use windlass_core::naming::Naming;
use windlass_core::normalize::{NormalizeSettings, SchemaState};
use windlass_core::package::{Job, JournalEntry, LeftOut, MANIFEST_VERSION, Made, PackageManifest};
use windlass_core::schema::{Schema, SchemaDelta, SystemNames, state_table};
use windlass_core::sql::check_merge;
use windlass_core::state::{STATE_ENGINE_VERSION, State, StateMark};
use windlass_core::value::{Tag, encode_tagged, typed_json};
use windlass_core::{Error, ErrorKind, Result};

use super::cursors::{Cursors, newest_first, of_loaded, without_column};
use super::gave_nothing::{Owners, Undeclared, set_owners};
use super::lease::{HeldLease, POLL};
use super::prepare::{PreparedSource, given_tables};
use super::refresh::Refreshed;
use super::report::{LoadInfo, PackageInfo, error_json};
use super::resume::{GoesOn, starts_over};
use super::warnings::{changed_types, left_in_json, left_without_type, of_several, overwritten};
use super::{Pipeline, RunOptions, keys, partial};
use crate::destination::Session;
use crate::env::iso;
use crate::extract::{self, Extracted, Extraction, JobFiles, TableFormats};
use crate::failpoint::failpoint;
use crate::load;
use crate::packages::{DamagedPackage, LoadPackage, PackageContent, PackageWriter, merged_roots};
use crate::source::{Source, SourceContext};

/// What is known at the start of a run and after each commit.
pub(super) struct Known {
    pub(super) state: State,
    pub(super) schemas: IndexMap<String, Schema>,
    /// The state at the destination; `None` if nobody looked.
    pub(super) remote: Option<StateMark>,
    /// The load that brought it, where that can be seen before its load record.
    pub(super) remote_load_id: Option<String>,
}

/// What the destination says that the working folder does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// The dataset is gone.
    Dropped,
    /// The destination has a newer state.
    Adopted,
}

/// The state's hash when a row of it was written last.
const LAST_EXTRACTED_HASH: &str = "_last_extracted_hash";

impl Pipeline {
    /// Loads what earlier runs left, then all sources.
    ///
    /// Nothing is lost when it fails or is stopped: a package that was sealed is loaded by the next run, anything else
    /// is read again. Errors: another run holds the pipeline; source, contract or destination fail.
    pub async fn run(&self, sources: &[Box<dyn Source>], options: &RunOptions) -> Result<LoadInfo> {
        let until = Instant::now() + options.wait;
        let _lock = loop {
            match self.work.lock() {
                Err(error) if self.waits(&error, until).await? => {}
                lock => break lock?,
            }
        };
        let mut info = self.begin_info()?;
        let result = loop {
            match self.run_locked(sources, options, &mut info).await {
                Err(error) if self.waits(&error, until).await? => {}
                result => break result,
            }
        };
        info.finished_at = iso(self.env.now());
        let system = SystemNames::new(&self.naming(None)?)?.prefix;
        let warnings = self.alerts.tell(&info, result.as_ref().err(), &system).await;
        info.warnings.extend(warnings);
        let mut trace = serde_json::to_value(&info).unwrap_or_default();
        trace["error"] = result.as_ref().err().map_or(Value::Null, error_json);
        let saved = self.work.save_trace(&trace);
        result?;
        saved?;
        Ok(info)
    }

    async fn run_locked(
        &self,
        sources: &[Box<dyn Source>],
        options: &RunOptions,
        info: &mut LoadInfo,
    ) -> Result<()> {
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        let interrupted = self.work.packages().sweep(&names, self.settings.kept_packages)?;
        info.warnings.extend(interrupted.iter().map(|resource| starts_over(resource)));
        if self.dev_mode {
            self.work.wipe()?;
        }
        let mut session = self.connect().await?;
        // Before the state is read: what another run is about to load is not to be extracted twice. Where there is no
        // dataset yet, the first load takes the lease, so that nothing is created before there is something to load;
        // the commit then finds out whether another run was faster.
        let mut lease = self.acquire(session.as_mut(), false).await?;
        let result = self.run_leased(session.as_mut(), &mut lease, sources, options, info).await;
        self.release(session.as_mut(), lease).await;
        result
    }

    /// What is known of a run when it begins.
    pub(super) fn begin_info(&self) -> Result<LoadInfo> {
        Ok(LoadInfo {
            pipeline: self.name.clone(),
            destination: self.destination.kind().to_owned(),
            location: self.location()?,
            dataset: self.dataset_place()?.name,
            warnings: self.notes.clone(),
            started_at: iso(self.env.now()),
            ..LoadInfo::default()
        })
    }

    /// Whether a run that failed with this error is to be tried again, after a pause. Errors: it was stopped meanwhile.
    async fn waits(&self, error: &Error, until: Instant) -> Result<bool> {
        if error.kind() != ErrorKind::Conflict || Instant::now() >= until {
            return Ok(false);
        }
        self.progress.set_stage("wait for another run");
        tokio::time::sleep(POLL).await;
        self.cancel.check()?;
        Ok(true)
    }

    async fn run_leased(
        &self,
        session: &mut dyn Session,
        lease: &mut Option<HeldLease>,
        sources: &[Box<dyn Source>],
        options: &RunOptions,
        info: &mut LoadInfo,
    ) -> Result<()> {
        self.progress.set_stage("sync");
        failpoint("run.sync")?;
        let (mut known, _) = self.sync(session).await?;
        info.first_run = known.state.local("first_run").and_then(Value::as_bool).unwrap_or(true);
        let (pending, damaged) = self.work.packages().unfinished()?;
        settle_damaged(session, damaged, info).await?;
        for package in pending {
            let Some(package) = self.settle_forgotten(session, package, &mut known, info).await? else {
                continue;
            };
            if is_outdated(session, &package, &known).await? {
                info.warnings.push(format!(
                    "package {} was given up: another run has loaded since its rows were extracted; they are extracted \
                     again",
                    package.load_id()
                ));
                self.work.give_up(package, self.env.now())?;
                continue;
            }
            let mut loaded = self.load(session, lease, package, &mut known).await?;
            loaded.was_pending = true;
            info.note_left_out(&loaded.left_out);
            info.packages.push(loaded);
        }
        for source in sources {
            let started = Instant::now();
            let Some((package, was_resumed)) =
                self.extract(source.as_ref(), options, &mut known, info).await?
            else {
                continue;
            };
            let extract_seconds = started.elapsed().as_secs_f64();
            crate::memory::give_back();
            let mut loaded = self.load(session, lease, package, &mut known).await?;
            loaded.extract_seconds = extract_seconds;
            loaded.was_resumed = was_resumed;
            info.note_left_out(&loaded.left_out);
            info.packages.push(loaded);
        }
        self.progress.set_stage("done");
        Ok(())
    }

    /// Gives a package back unless its journal was lost and its rows are at the destination: then what others have
    /// loaded since counts, and it is only noted.
    async fn settle_forgotten(
        &self,
        session: &mut dyn Session,
        mut package: LoadPackage,
        known: &mut Known,
        info: &mut LoadInfo,
    ) -> Result<Option<LoadPackage>> {
        if package.journal.is_started || !session.is_loaded(package.load_id()).await? {
            return Ok(Some(package));
        }
        package.record(JournalEntry::Committed { at: self.env.now() })?;
        info.warnings.push(format!(
            "package {} is not loaded once more: its journal was lost, and the destination has its rows",
            package.load_id()
        ));
        if package.state.version() > known.state.version() {
            self.work.save_schema(&package.schema)?;
            self.work.save_state(&package.state)?;
            known.schemas.insert(package.schema.name.clone(), package.schema.clone());
            known.state = package.state.clone();
        }
        if self.settings.delete_completed_jobs {
            package.remove_jobs()?;
        }
        Ok(None)
    }

    /// Brings the local state and schemas up to what the destination knows, and tells what changed.
    ///
    /// Errors: the destination; a state of another engine.
    pub(super) async fn sync(&self, session: &mut dyn Session) -> Result<(Known, Change)> {
        let (known, change) = self.known(session).await?;
        match change {
            Change::None => {}
            Change::Dropped => self.work.forget()?,
            Change::Adopted => {
                self.work.forget()?;
                known.schemas.values().try_for_each(|schema| self.work.save_schema(schema))?;
                self.work.save_state(&known.state)?;
            }
        }
        Ok((known, change))
    }

    /// The local state and schemas, or the destination's where that is newer.
    pub(super) async fn known(&self, session: &mut dyn Session) -> Result<(Known, Change)> {
        let mut change = Change::None;
        let (mut remote, mut remote_load_id) = (None, None);
        let mut state = self.state()?;
        let mut schemas: IndexMap<String, Schema> =
            self.work.schemas()?.into_iter().map(|schema| (schema.name.clone(), schema)).collect();
        if self.settings.restore_from_destination && !self.dev_mode {
            let stored = session.stored().await?;
            remote = Some(stored.state.as_ref().map(State::mark).unwrap_or_default());
            remote_load_id = stored.state_load_id;
            stored.last_load_id.iter().for_each(|load_id| self.env.follow_load(load_id));
            match stored.state {
                None if !stored.has_dataset && !schemas.is_empty() => {
                    // The dataset was dropped; everything begins anew.
                    state = State::new(&self.name);
                    schemas.clear();
                    change = Change::Dropped;
                }
                None => {}
                Some(found) => {
                    let is_newer =
                        found.version() >= state.version() && found.version_hash() != state.version_hash();
                    if is_newer {
                        state = adopt(&state, found);
                        schemas.clear();
                    }
                    for name in state.schema_names() {
                        if !schemas.contains_key(&name)
                            && let Some(schema) = session.stored_schema(&name).await?
                        {
                            schemas.insert(name, schema);
                        }
                    }
                    state.set_local("first_run", false);
                    if is_newer {
                        change = Change::Adopted;
                    }
                }
            }
        }
        Ok((Known { state, schemas, remote, remote_load_id }, change))
    }

    /// Reads a source into a sealed package, and tells whether an earlier run had begun it; `None` if there is nothing
    /// to load.
    pub(super) async fn extract(
        &self,
        source: &dyn Source,
        options: &RunOptions,
        known: &mut Known,
        info: &mut LoadInfo,
    ) -> Result<Option<(LoadPackage, bool)>> {
        self.progress.set_stage(format!("extract {}", source.name()));
        let stored = known.schemas.get(source.name()).cloned();
        let mut prepared = self.prepare(source, stored, options).await?;
        info.warnings.append(&mut prepared.warnings);
        info.warnings.extend(prepared.repeats(source, true));
        self.write_import_schema(&prepared)?;
        let fingerprint = self.fingerprint(source, &prepared, known, options);
        let open = self.open_package(source.name(), fingerprint.as_deref(), &mut info.warnings)?;
        let (writer, checkpoint) = match open {
            Some((writer, checkpoint)) => (writer, Some(checkpoint)),
            None => {
                let packages = self.work.packages();
                packages.last_load_id().iter().for_each(|load_id| self.env.follow_load(load_id));
                (packages.create(&self.env.new_load_id())?, None)
            }
        };
        let was_resumed = checkpoint.is_some();
        let pages_before = self.progress.pages.load(Ordering::Relaxed);
        let goes_on = GoesOn { fingerprint, checkpoint };
        let filled = Box::pin(self.fill(source, prepared, known, info, &writer, goes_on)).await;
        match filled {
            Ok(Some(content)) => writer.seal(&content).map(|package| Some((package, was_resumed))),
            Ok(None) => {
                writer.discard()?;
                Ok(None)
            }
            Err(error) => {
                let has_moved = self.progress.pages.load(Ordering::Relaxed) > pages_before;
                let is_refused =
                    was_resumed && !has_moved && error.kind() == ErrorKind::Source && !error.is_retryable();
                if writer.has_checkpoint() && !is_refused {
                    return Err(error);
                }
                // What was read so far is read again; rejected records must not pile up.
                drop(writer.discard());
                Err(if is_refused {
                    error.with_hint(
                        "the source did not go on where the run before ended; the next run starts over",
                    )
                } else {
                    error
                })
            }
        }
    }

    async fn fill(
        &self,
        source: &dyn Source,
        prepared: PreparedSource,
        known: &mut Known,
        info: &mut LoadInfo,
        writer: &PackageWriter,
        goes_on: GoesOn,
    ) -> Result<Option<PackageContent>> {
        let PreparedSource {
            stored,
            mut schema,
            naming,
            mut resources,
            replaced,
            reset,
            refreshed,
            declared_types,
            ..
        } = prepared;
        let names = SystemNames::new(&naming)?;
        let mut state = self.next_state(known, source.name(), &reset);
        if let Some(refreshed) = &refreshed {
            refreshed.forget(&mut state, source.name());
        }
        let forces_state = refreshed.as_ref().is_some_and(Refreshed::forces_state);
        let cursors = Cursors::open(source.name(), &mut resources, &state, &naming)?;
        partial::open(source, &mut resources, &state);
        let newest = newest_first(&resources, &schema, &naming);
        for prepared in &mut resources {
            prepared.is_numbered = newest.contains_key(&prepared.root_table);
        }
        let undeclared = Undeclared::new(stored.as_ref(), &resources);
        let owners = Owners::new(&resources);
        let declared = schema.clone();
        let may_change = forces_state || is_new(&state) || cursors.are_stored();
        // The table of the state is part of the pipeline's first schema only.
        let keeps_state = state.default_schema_name().is_none_or(|name| name == source.name());
        count_declared(&mut schema, may_change && keeps_state, &names, &naming)?;

        source.begin(&state.source_state(source.name())).await?;
        let context = SourceContext { folder: self.folder.clone() };
        let mut normalize = self.normalize_settings(&schema, naming, writer.load_id())?;
        normalize.ctx.declared = declared_types;
        normalize.ctx.given_tables = owned(given_tables(&resources));
        let formats = self.table_formats(&schema)?;
        let extracted = extract::run(Extraction {
            source,
            context: &context,
            resources: resources.clone(),
            package: writer.folder().to_owned(),
            load_id: writer.load_id().to_owned(),
            normalize: normalize.clone(),
            formats: Arc::clone(&formats),
            settings: self.settings.extract,
            record_limit: self.settings.record_limit(),
            progress: Arc::clone(&self.progress),
            cancel: self.cancel.clone(),
            fingerprint: goes_on.fingerprint,
            checkpoint: goes_on.checkpoint,
        })
        .await?;
        self.cancel.check()?;
        failpoint("extract.done")?;
        info.warnings.extend(extracted.notices.iter().cloned());
        info.warnings.extend(left_without_type(&extracted, &schema));
        info.warnings.extend(left_in_json(&extracted));
        info.warnings.extend(overwritten(&extracted));
        info.warnings.extend(changed_types(&extracted));
        info.warnings.extend(of_several(&extracted));
        let partial = partial::close(source, &resources, &extracted);
        info.warnings.extend(cursors.close(&extracted.made, &partial.held, &mut state)?);
        partial.store(source.name(), &mut state);
        info.warnings.extend(partial.warnings);
        if let Some(own) = source.end().await? {
            state.set_source_state(source.name(), own);
        }
        info.warnings.extend(keys::check(
            &extracted.state.schema,
            &extracted.made,
            &resources,
            &names,
            &naming,
        )?);
        for (resource, key, value) in source.resource_states() {
            if resources.iter().any(|prepared| prepared.resource.name == resource) {
                state.set_resource_value(source.name(), &resource, &key, Some(value));
            }
        }
        let unread = partial::left_out(&extracted.left);
        let Extracted { state: mut grown, made, .. } = extracted;
        let Made { mut jobs, mut rows, discarded, rejected, reached, tables_found, .. } = made;
        let has_new_state = forces_state || is_new(&state);
        let mut replaced = replaced;
        let is_replaced = |root: &&String| {
            let table = grown.schema.table(root);
            table.and_then(|table| table.text_hint("write_disposition")) == Some("replace")
        };
        replaced.extend(tables_found.iter().filter(is_replaced).cloned());
        let mut forgotten = undeclared.without_rows(&reached);
        forgotten.retain(|table| !tables_found.contains(table) && !rows.contains_key(table));
        let owners = owners.others(stored.as_ref(), &reached);
        if !forgotten.is_empty() || !owners.is_empty() {
            // Versions are counted as if the tables had never been declared.
            let mut counted = declared;
            counted.forget_tables(forgotten.iter().map(String::as_str));
            set_owners(&mut counted, &owners);
            count_declared(&mut counted, has_new_state && keeps_state, &names, &naming)?;
            let schema = &mut Arc::make_mut(&mut grown).schema;
            schema.forget_tables(forgotten.iter().map(String::as_str));
            set_owners(schema, &owners);
            schema.version = counted.version;
            schema.version_hash = counted.version_hash;
            schema.previous_hashes = counted.previous_hashes;
        }
        if has_new_state && keeps_state && grown.schema.table(&names.state_table).is_none() {
            // The source changed its state while it was read.
            add_state_table(&mut Arc::make_mut(&mut grown).schema, &naming)?;
        }
        if has_new_state {
            let (next, state_jobs) = self.write_state(&mut state, normalize, &grown, formats, writer)?;
            grown = next;
            jobs.extend(state_jobs);
            rows.insert(names.state_table.clone(), 1);
        }
        state.set_local("first_run", false);
        state.set_local("_dev_mode", self.dev_mode);
        let mut schema = grown.schema.clone();
        let replaced = replaced_roots(&schema, replaced, &jobs);
        let content = self.content(&mut schema, stored.as_ref(), jobs, rows, replaced, writer)?;
        let (dropped, emptied) =
            refreshed.map(|refreshed| (refreshed.dropped, refreshed.emptied)).unwrap_or_default();
        info.warnings.extend(without_column(&newest, &schema, &content.row_counts));
        let newest = of_loaded(newest, &schema, &content, &resources);
        let manifest = PackageManifest {
            newest,
            base: known.remote.clone(),
            dropped,
            emptied,
            left_out: LeftOut {
                discarded_rows: in_order(discarded.rows),
                discarded_values: in_order(discarded.values),
                rejected_records: in_order(rejected),
                ..unread
            },
            ..content
        };
        if manifest.is_empty() {
            // Hints may have changed the schema all the same.
            self.work.save_schema(&schema)?;
            known.schemas.insert(schema.name.clone(), schema);
            info.note_left_out(&manifest.left_out);
            return Ok(None);
        }
        let delta = SchemaDelta::between(stored.as_ref(), &schema);
        Ok(Some(PackageContent { manifest, schema, delta, state, has_new_state }))
    }

    /// Counts the state's version and writes it as a row of its table; gives the schema after it and the files. A schema
    /// without that table stays as it is: another schema of the pipeline has it.
    pub(super) fn write_state(
        &self,
        state: &mut State,
        normalize: NormalizeSettings,
        schema: &Arc<SchemaState>,
        formats: TableFormats,
        writer: &PackageWriter,
    ) -> Result<(Arc<SchemaState>, Vec<Job>)> {
        let hash = state.content_hash();
        state.bump();
        state.set_local(LAST_EXTRACTED_HASH, hash);
        state.set_local("_last_extracted_at", iso(self.env.now()));
        let files = JobFiles::new(writer.folder(), "state", formats, self.settings.extract.rotation);
        let record = state_record(state, writer.load_id(), self.env.now());
        let table = normalize.ctx.names.state_table.clone();
        if schema.schema.table(&table).is_some() {
            return extract::write_record(normalize, schema, files, &table, &record);
        }
        let mut with_table = Arc::clone(schema);
        add_state_table(&mut Arc::make_mut(&mut with_table).schema, &normalize.ctx.naming)?;
        let (_, jobs) = extract::write_record(normalize, &with_table, files, &table, &record)?;
        Ok((Arc::clone(schema), jobs))
    }

    /// Marks the tables that have rows, counts the schema's version, and describes the package.
    pub(super) fn content(
        &self,
        schema: &mut Schema,
        stored: Option<&Schema>,
        jobs: Vec<Job>,
        mut rows: BTreeMap<String, u64>,
        replaced: Vec<String>,
        writer: &PackageWriter,
    ) -> Result<PackageManifest> {
        for job in &jobs {
            // The table of the state may be another schema's.
            if schema.table(&job.table).is_some_and(|table| !table.normalizer_flag("seen-data")) {
                let table = schema.table_mut(&job.table);
                table.set_normalizer("evolve-columns-once", None);
                table.set_normalizer("seen-data", Some(Value::Bool(true)));
            }
        }
        schema.bump();
        let capabilities = self.destination.capabilities();
        // A list with keys of its own may have got the id of its root row, which its own lists then inherit from it
        // instead. The reference comes to the same version and hash.
        for job in &jobs {
            let table = schema.table(&job.table).filter(|table| !table.is_nested());
            if table.is_some_and(|table| table.columns_with("root_key").next().is_some()) {
                schema.update_root_key(&job.table, capabilities.can_merge());
            }
        }
        schema.bump();
        load::verify(schema, capabilities)?;
        self.destination.check_places(schema)?;
        if capabilities.can_merge() {
            // Once the package is sealed it is too late to say that it cannot be merged.
            let names = SystemNames::new(&self.naming(Some(schema.convention()?))?)?;
            for root in merged_roots(schema, &jobs) {
                check_merge(schema, &names, &root)?;
            }
        }
        if stored.is_none_or(|stored| stored.version_hash != schema.version_hash) {
            self.export_schema(schema)?;
        }
        for table in &replaced {
            rows.entry(table.clone()).or_insert(0);
        }
        Ok(PackageManifest {
            version: MANIFEST_VERSION,
            load_id: writer.load_id().to_owned(),
            pipeline: self.name.clone(),
            schema_name: schema.name.clone(),
            schema_hash: schema.version_hash.clone().unwrap_or_default(),
            jobs,
            replaced,
            dropped: Vec::new(),
            emptied: Vec::new(),
            newest: NewestFirst::new(),
            base: None,
            row_counts: rows.into_iter().collect(),
            left_out: LeftOut::default(),
            warnings: Vec::new(),
        })
    }

    /// The state as it will be when the package is committed, but for its version.
    pub(super) fn next_state(&self, known: &Known, source: &str, reset: &[String]) -> State {
        let mut state = known.state.clone();
        if state.version_hash().is_none() {
            // The first change counts, so the empty state has a hash already.
            state.bump();
        }
        state.set("dataset_name", self.dataset_name());
        state.set("destination_type", format!("dlt.destinations.{}", self.destination.kind()));
        state.set("destination_name", Value::Null);
        state.add_schema(source);
        for resource in reset {
            state.source_mut(source);
            state.reset_resource(source, resource);
        }
        state
    }

    /// Loads a sealed package, commits it and keeps what it made known.
    pub(super) async fn load(
        &self,
        session: &mut dyn Session,
        lease: &mut Option<HeldLease>,
        mut package: LoadPackage,
        known: &mut Known,
    ) -> Result<PackageInfo> {
        if lease.is_none() {
            *lease = self.acquire(session, true).await?;
        }
        self.progress.set_stage(format!("load {}", package.load_id()));
        self.progress.begin_jobs(package.manifest.jobs.len() as u64);
        let started = Instant::now();
        let mut info = PackageInfo::new(&package.manifest, &package.delta);
        let loaded = load::run(session, &mut package, &self.env, &self.progress, &self.cancel).await;
        info.statements = match loaded {
            Ok(statements) => statements,
            Err(error) => {
                return Err(self.explain(lease.as_ref(), error).await.and_hint(format!(
                    "the package {} is complete and will be loaded by the next run as it is, with the filters and hints \
                     that it was made with; `windlass pipeline drop-pending {}` gives it up, and the run after that \
                     reads its rows again",
                    package.load_id(),
                    self.name
                )));
            }
        };
        info.load_seconds = started.elapsed().as_secs_f64();
        self.work.save_schema(&package.schema)?;
        self.work.save_state(&package.state)?;
        if self.settings.delete_completed_jobs {
            package.remove_jobs()?;
        }
        known.schemas.insert(package.schema.name.clone(), package.schema);
        if package.has_new_state && known.remote.is_some() {
            known.remote = Some(package.state.mark());
        }
        known.state = package.state;
        Ok(info)
    }
}

/// Removes packages that cannot be read and were loaded all the same. Errors: one that was not loaded.
async fn settle_damaged(
    session: &mut dyn Session,
    damaged: Vec<DamagedPackage>,
    info: &mut LoadInfo,
) -> Result<()> {
    for package in damaged {
        if !session.is_loaded(package.load_id()).await? {
            return Err(package.into_error());
        }
        info.warnings.push(format!(
            "package {} could not be read any more and was removed: the destination has its rows",
            package.load_id()
        ));
        package.remove()?;
    }
    Ok(())
}

/// Whether another run has loaded since the rows of a package were extracted.
async fn is_outdated(session: &mut dyn Session, package: &LoadPackage, known: &Known) -> Result<bool> {
    let is_own = known.remote_load_id.as_deref() == Some(package.load_id());
    if is_own
        || !package.manifest.is_outdated(known.remote.as_ref().filter(|mark| **mark != StateMark::default()))
    {
        return Ok(false);
    }
    Ok(!session.is_loaded(package.load_id()).await?)
}

/// Adds the table of the state where it is needed, and counts the version of what the resources declare.
fn count_declared(
    schema: &mut Schema,
    needs_state: bool,
    names: &SystemNames,
    naming: &Naming,
) -> Result<()> {
    if needs_state && schema.table(&names.state_table).is_none() {
        // The reference stores a new source's schema once before it adds this table.
        if schema.version_hash.is_none() {
            let hash = schema.content_hash();
            schema.remember_hash(hash);
        }
        add_state_table(schema, naming)?;
    }
    schema.bump();
    Ok(())
}

fn add_state_table(schema: &mut Schema, naming: &Naming) -> Result<()> {
    let mut table = state_table(naming)?;
    // Its rows come as those of a resource, which has no description.
    table.hints.shift_remove("description");
    schema.merge_table(table, false)
}

/// Names as texts of their own.
pub(super) fn owned<'a>(names: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    names.map(|(name, given)| (name.to_owned(), given.to_owned())).collect()
}

/// Whether the state has changed since a row of it was written.
fn is_new(state: &State) -> bool {
    let hash = state.content_hash();
    state.local(LAST_EXTRACTED_HASH).and_then(Value::as_str) != Some(hash.as_str())
}

/// The remote state with what is local.
fn adopt(local: &State, remote: State) -> State {
    let mut state = remote;
    if let Some(Value::Object(values)) = local.get("_local") {
        for (key, value) in values {
            state.set_local(key, value.clone());
        }
    }
    if let Some(hash) = state.version_hash().map(str::to_owned) {
        state.set_local(LAST_EXTRACTED_HASH, hash);
    }
    state
}

/// The state as a record of its table, as JSON with typed strings.
fn state_record(state: &State, load_id: &str, now: i64) -> String {
    json!({
        "version": state.version(),
        "engine_version": STATE_ENGINE_VERSION,
        "pipeline_name": state.get("pipeline_name").map(typed_json),
        "state": state.encode(),
        "created_at": encode_tagged(Tag::Timestamp, &iso(now)),
        "version_hash": state.version_hash(),
        "_dlt_load_id": load_id,
    })
    .to_string()
}

/// Root tables that are replaced: those with new rows, and those that had rows before.
fn replaced_roots(schema: &Schema, candidates: Vec<String>, jobs: &[Job]) -> Vec<String> {
    let mut roots: Vec<String> = candidates
        .into_iter()
        .filter(|root| {
            jobs.iter().any(|job| job.table == *root)
                || schema.table(root).is_some_and(|table| table.normalizer_flag("seen-data"))
        })
        .collect();
    roots.sort();
    roots.dedup();
    roots
}

fn in_order<V>(counts: impl IntoIterator<Item = (String, V)>) -> IndexMap<String, V> {
    counts.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}
