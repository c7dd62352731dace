//! One source's part of a run: opened from what earlier runs left, read, and closed into what its package holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use windlass_core::merge::NewestFirst;
use windlass_core::naming::Naming;
use windlass_core::normalize::{NormalizeSettings, SchemaState};
use windlass_core::package::{LeftOut, Made, PackageManifest};
use windlass_core::schema::{Schema, SchemaDelta, SystemNames};
use windlass_core::state::State;
use windlass_core::{Error, ErrorKind, Result};

use super::content::{add_state_table, count_declared, in_order, is_new, owned, replaced_roots};
use super::cursors::{Cursors, newest_first, of_loaded, without_column};
use super::gave_nothing::{Owners, Undeclared, set_owners};
use super::local_state::LocalState;
use super::prepare::{PreparedSource, given_tables};
use super::refresh::Refreshed;
use super::report::LoadInfo;
use super::resume::Resume;
use super::warnings::of_extracted;
use super::{Pipeline, RunOptions, keys, partial};
use crate::extract::{self, Extracted, Extraction, Prepared, TableFormats};
use crate::failpoint::failpoint;
use crate::packages::{LoadPackage, PackageContent, PackageWriter};
use crate::source::{Source, SourceContext};

impl Pipeline {
    /// Reads a source into a sealed package, and tells whether an earlier run had begun it; `None` if there is nothing
    /// to load.
    pub(super) async fn extract(
        &self,
        source: &dyn Source,
        options: &RunOptions,
        local: &mut LocalState,
        info: &mut LoadInfo,
    ) -> Result<Option<(LoadPackage, bool)>> {
        self.progress.set_stage(format!("extract {}", source.name()));
        let stored = local.schemas.get(source.name()).cloned();
        let mut prepared = self.prepare(source, stored, options).await?;
        info.warnings.append(&mut prepared.warnings);
        info.warnings.extend(prepared.repeats(source, true));
        self.write_import_schema(&prepared)?;
        let fingerprint = self.fingerprint(source, &prepared, local, options);
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
        let resume = Resume { fingerprint, checkpoint };
        let filled = Box::pin(self.fill(source, prepared, local, info, &writer, resume)).await;
        match filled {
            Ok(Some(content)) => writer.seal(&content).map(|package| Some((package, was_resumed))),
            Ok(None) => {
                writer.discard()?;
                Ok(None)
            }
            Err(error) => {
                let has_moved = self.progress.pages.load(Ordering::Relaxed) > pages_before;
                Err(give_up(writer, error, was_resumed && !has_moved))
            }
        }
    }

    async fn fill(
        &self,
        source: &dyn Source,
        prepared: PreparedSource,
        local: &mut LocalState,
        info: &mut LoadInfo,
        writer: &PackageWriter,
        resume: Resume,
    ) -> Result<Option<PackageContent>> {
        let opened = Opened::new(self, source, prepared, local, writer)?;
        source.begin(&opened.state.source_state(source.name())).await?;
        let context = SourceContext { folder: self.folder.clone() };
        let extracted = extract::run(opened.extraction(&context, resume)).await?;
        self.cancel.check()?;
        failpoint("extract.done")?;
        opened.close(extracted, info).await?.into_content(local, info)
    }
}

/// Keeps what a failed extraction has read for the next run, if it has a checkpoint; else it is read again. A source that
/// refuses to go on is not asked twice.
fn give_up(writer: PackageWriter, error: Error, stands_still: bool) -> Error {
    let is_refused = stands_still && error.kind() == ErrorKind::Source && !error.is_retryable();
    if writer.has_checkpoint() && !is_refused {
        return error;
    }
    // What was read so far is read again; rejected records must not pile up.
    drop(writer.discard());
    if is_refused {
        error.with_hint("the source did not go on where the run before ended; the next run starts over")
    } else {
        error
    }
}

/// A source that is ready to be read into a package.
struct Opened<'a> {
    pipeline: &'a Pipeline,
    source: &'a dyn Source,
    writer: &'a PackageWriter,
    stored: Option<Schema>,
    /// The schema as the resources declare it, before its version is counted.
    declared: Schema,
    /// The schema that reading starts with.
    schema: Schema,
    names: SystemNames,
    naming: Naming,
    resources: Vec<Prepared>,
    replaced: Vec<String>,
    refreshed: Option<Refreshed>,
    /// The state as it will be when the package is committed.
    state: State,
    /// Whether the table of the state is part of this schema.
    keeps_state: bool,
    cursors: Cursors,
    newest: NewestFirst,
    undeclared: Undeclared,
    owners: Owners,
    normalize: NormalizeSettings,
    formats: TableFormats,
}

impl<'a> Opened<'a> {
    /// Errors: cursors that cannot be, a state that cannot be read, a table that no file format suits.
    fn new(
        pipeline: &'a Pipeline,
        source: &'a dyn Source,
        prepared: PreparedSource,
        local: &LocalState,
        writer: &'a PackageWriter,
    ) -> Result<Self> {
        let PreparedSource { stored, mut schema, naming, mut resources, refreshed, .. } = prepared;
        let names = SystemNames::new(&naming)?;
        let mut state = pipeline.next_state(local, source.name(), &prepared.reset);
        if let Some(refreshed) = &refreshed {
            refreshed.forget(&mut state, source.name());
        }
        let cursors = Cursors::open(source.name(), &mut resources, &state, &naming)?;
        partial::open(source, &mut resources, &state);
        let newest = newest_first(&resources, &schema, &naming);
        for prepared in &mut resources {
            prepared.is_numbered = newest.contains_key(&prepared.root_table);
        }
        let declared = schema.clone();
        let forces_state = refreshed.as_ref().is_some_and(Refreshed::forces_state);
        let may_change = forces_state || is_new(&state) || cursors.are_stored();
        // The table of the state is part of the pipeline's first schema only.
        let keeps_state = state.default_schema_name().is_none_or(|name| name == source.name());
        count_declared(&mut schema, may_change && keeps_state, &names, &naming)?;
        let mut normalize = pipeline.normalize_settings(&schema, naming, writer.load_id())?;
        normalize.ctx.declared = prepared.declared_types;
        normalize.ctx.given_tables = owned(given_tables(&resources));
        Ok(Self {
            pipeline,
            source,
            writer,
            undeclared: Undeclared::new(stored.as_ref(), &resources),
            owners: Owners::new(&resources),
            formats: pipeline.table_formats(&schema)?,
            replaced: prepared.replaced,
            stored,
            declared,
            schema,
            names,
            naming,
            resources,
            refreshed,
            state,
            keeps_state,
            cursors,
            newest,
            normalize,
        })
    }

    /// What reading needs.
    fn extraction<'b>(&'b self, context: &'b SourceContext, resume: Resume) -> Extraction<'b> {
        let pipeline = self.pipeline;
        Extraction {
            source: self.source,
            context,
            resources: self.resources.clone(),
            package: self.writer.folder().to_owned(),
            load_id: self.writer.load_id().to_owned(),
            normalize: self.normalize.clone(),
            formats: Arc::clone(&self.formats),
            settings: pipeline.settings.extract,
            record_limit: pipeline.settings.record_limit(),
            progress: Arc::clone(&pipeline.progress),
            cancel: pipeline.cancel.clone(),
            fingerprint: resume.fingerprint,
            checkpoint: resume.checkpoint,
        }
    }

    /// Takes what was read, and brings the state up to it. Warnings go to `info`.
    ///
    /// Errors: cursors that cannot be compared, a key that no record has, the source.
    async fn close(mut self, extracted: Extracted, info: &mut LoadInfo) -> Result<Closed<'a>> {
        let source = self.source;
        info.warnings.extend(of_extracted(&extracted, &self.schema));
        let partial = partial::close(source, &self.resources, &extracted);
        info.warnings.extend(self.cursors.close(&extracted.made, &partial.held, &mut self.state)?);
        partial.store(source.name(), &mut self.state);
        info.warnings.extend(partial.warnings);
        if let Some(own) = source.end().await? {
            self.state.set_source_state(source.name(), own);
        }
        let Extracted { state: grown, made, left, .. } = extracted;
        let keys = keys::check(&grown.schema, &made, &self.resources, &self.names, &self.naming)?;
        info.warnings.extend(keys);
        for (resource, key, value) in source.resource_states() {
            if self.resources.iter().any(|prepared| prepared.resource.name == resource) {
                self.state.set_resource_value(source.name(), &resource, &key, Some(value));
            }
        }
        let forces_state = self.refreshed.as_ref().is_some_and(Refreshed::forces_state);
        let has_new_state = forces_state || is_new(&self.state);
        Ok(Closed { unread: partial::left_out(&left), has_new_state, grown, made, opened: self })
    }
}

/// A source that was read.
struct Closed<'a> {
    opened: Opened<'a>,
    /// The schema after it.
    grown: Arc<SchemaState>,
    made: Made,
    unread: LeftOut,
    /// Whether the state goes to the destination with the rows.
    has_new_state: bool,
}

impl Closed<'_> {
    /// Everything of the package but its files; `None` if there is nothing to load. Then the schema is kept all the same.
    ///
    /// Errors: what the destination cannot take, a working folder that cannot be written.
    fn into_content(mut self, local: &mut LocalState, info: &mut LoadInfo) -> Result<Option<PackageContent>> {
        self.replace_found();
        self.settle_declared()?;
        self.write_state()?;
        let Self { opened, grown, made, unread, has_new_state } = self;
        let Opened { pipeline, stored, resources, newest, state, .. } = opened;
        let mut schema = grown.schema.clone();
        let replaced = replaced_roots(&schema, opened.replaced, &made.jobs);
        let writer = opened.writer;
        let content =
            pipeline.content(&mut schema, stored.as_ref(), made.jobs, made.rows, replaced, writer)?;
        let (dropped, emptied) =
            opened.refreshed.map(|refreshed| (refreshed.dropped, refreshed.emptied)).unwrap_or_default();
        info.warnings.extend(without_column(&newest, &schema, &content.row_counts));
        let newest = of_loaded(newest, &schema, &content, &resources);
        let left_out = LeftOut {
            discarded_rows: in_order(made.discarded.rows),
            discarded_values: in_order(made.discarded.values),
            rejected_records: in_order(made.rejected),
            ..unread
        };
        let base = local.remote.clone();
        let manifest = PackageManifest { newest, base, dropped, emptied, left_out, ..content };
        if manifest.is_empty() {
            // Hints may have changed the schema all the same.
            pipeline.work.save_schema(&schema)?;
            local.schemas.insert(schema.name.clone(), schema);
            info.note_left_out(&manifest.left_out);
            return Ok(None);
        }
        let delta = SchemaDelta::between(stored.as_ref(), &schema);
        Ok(Some(PackageContent { manifest, schema, delta, state, has_new_state }))
    }

    /// Tables that were found while data was read are replaced where their hints say so.
    fn replace_found(&mut self) {
        let is_replaced = |root: &&String| {
            let table = self.grown.schema.table(root);
            table.and_then(|table| table.text_hint("write_disposition")) == Some("replace")
        };
        let found = self.made.tables_found.iter().filter(is_replaced).cloned();
        self.opened.replaced.extend(found);
    }

    /// Forgets new tables whose resources gave nothing, and lets tables name the resource that filled them. Versions are
    /// counted as if it had been declared so.
    fn settle_declared(&mut self) -> Result<()> {
        let (opened, made) = (&mut self.opened, &self.made);
        let mut forgotten = opened.undeclared.without_rows(&made.reached);
        forgotten.retain(|table| !made.tables_found.contains(table) && !made.rows.contains_key(table));
        let owners = opened.owners.others(opened.stored.as_ref(), &made.reached);
        if forgotten.is_empty() && owners.is_empty() {
            return Ok(());
        }
        let counted = &mut opened.declared;
        counted.forget_tables(forgotten.iter().map(String::as_str));
        set_owners(counted, &owners);
        let needs_state = self.has_new_state && opened.keeps_state;
        count_declared(counted, needs_state, &opened.names, &opened.naming)?;
        let schema = &mut Arc::make_mut(&mut self.grown).schema;
        schema.forget_tables(forgotten.iter().map(String::as_str));
        set_owners(schema, &owners);
        schema.version = counted.version;
        schema.version_hash.clone_from(&counted.version_hash);
        schema.previous_hashes.clone_from(&counted.previous_hashes);
        Ok(())
    }

    /// Adds the state's row and its file where it has changed.
    fn write_state(&mut self) -> Result<()> {
        let opened = &mut self.opened;
        let state_table = &opened.names.state_table;
        if self.has_new_state {
            if opened.keeps_state && self.grown.schema.table(state_table).is_none() {
                // The source changed its state while it was read.
                add_state_table(&mut Arc::make_mut(&mut self.grown).schema, &opened.naming)?;
            }
            let (normalize, formats) = (opened.normalize.clone(), Arc::clone(&opened.formats));
            let (pipeline, writer) = (opened.pipeline, opened.writer);
            let (grown, jobs) =
                pipeline.write_state(&mut opened.state, normalize, &self.grown, formats, writer)?;
            self.grown = grown;
            self.made.jobs.extend(jobs);
            self.made.rows.insert(state_table.clone(), 1);
        }
        opened.state.set_local("first_run", false);
        opened.state.set_local("_dev_mode", opened.pipeline.dev_mode);
        Ok(())
    }
}
