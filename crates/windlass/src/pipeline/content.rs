//! What goes into a package beside the rows: the schema as it is counted, the state as a row of its own, the manifest.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value, json};
use windlass_core::Result;
use windlass_core::merge::NewestFirst;
use windlass_core::naming::Naming;
use windlass_core::normalize::{NormalizeSettings, SchemaState};
use windlass_core::package::{Job, LeftOut, MANIFEST_VERSION, PackageManifest};
use windlass_core::schema::{Schema, SystemNames, state_table};
use windlass_core::sql::check_merge;
use windlass_core::state::{STATE_ENGINE_VERSION, State};
use windlass_core::value::{Tag, encode_tagged, typed_json};

use super::Pipeline;
use super::local_state::LocalState;
use crate::env::iso;
use crate::extract::{self, JobFiles, TableFormats};
use crate::load;
use crate::packages::{PackageWriter, merged_roots};

/// The state's hash when a row of it was written last.
pub(super) const LAST_EXTRACTED_HASH: &str = "_last_extracted_hash";

impl Pipeline {
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
    pub(super) fn next_state(&self, local: &LocalState, source: &str, reset: &[String]) -> State {
        let mut state = local.state.clone();
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
}

/// Adds the table of the state where it is needed, and counts the version of what the resources declare.
pub(super) fn count_declared(
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

pub(super) fn add_state_table(schema: &mut Schema, naming: &Naming) -> Result<()> {
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
pub(super) fn is_new(state: &State) -> bool {
    let hash = state.content_hash();
    state.local(LAST_EXTRACTED_HASH).and_then(Value::as_str) != Some(hash.as_str())
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
pub(super) fn replaced_roots(schema: &Schema, candidates: Vec<String>, jobs: &[Job]) -> Vec<String> {
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

pub(super) fn in_order<V>(counts: impl IntoIterator<Item = (String, V)>) -> IndexMap<String, V> {
    counts.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}
