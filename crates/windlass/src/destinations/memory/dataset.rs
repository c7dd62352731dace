//! A dataset and what a load makes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use windlass_core::naming::Naming;
use windlass_core::normalize::TypeDefaults;
use windlass_core::package::PackageManifest;
use windlass_core::schema::{ENGINE_VERSION, Schema, SystemNames, Table, VERSION_TABLE};
use windlass_core::state::State;
use windlass_core::system_row::SystemRow;
use windlass_core::{Error, Result};

use super::merge::{MergeContext, merge};
use super::table::{MemoryTable, filtered, texts, with_columns};
use crate::destination::ReplaceStrategy;
use crate::env::time_of_load_id;
use crate::packages::LoadPackage;

/// The tables of a dataset. A clone shares their rows.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryDataset(BTreeMap<String, MemoryTable>);

/// The rows of a load by the file that brought them.
pub(super) type StagedRows = BTreeMap<String, Vec<RecordBatch>>;

/// A load package as values.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) manifest: PackageManifest,
    schema: Schema,
    /// The tables that it needs.
    tables: Vec<String>,
    emptied: Vec<String>,
    merged: Vec<String>,
    merged_roots: Vec<String>,
}

/// Texts as numbers; what is none counts as 0.
fn numbers(texts: Vec<Option<String>>) -> Vec<i64> {
    texts.into_iter().map(|text| text.and_then(|text| text.parse().ok()).unwrap_or_default()).collect()
}

impl Load {
    pub(super) fn new(package: &LoadPackage) -> Self {
        Self {
            manifest: package.manifest.clone(),
            schema: package.schema.clone(),
            tables: package.migrated_tables(),
            emptied: package.emptied_tables(ReplaceStrategy::TruncateAndInsert),
            merged: package.merged_tables(),
            merged_roots: package.merged_roots(),
        }
    }

    /// The definitions of the tables that it needs, the engine's own among them.
    fn definitions<'a>(&'a self, names: &'a SystemNames) -> impl Iterator<Item = &'a Table> {
        let system = [&names.version_table, &names.loads_table];
        system.into_iter().chain(&self.tables).filter_map(|name| self.schema.table(name))
    }
}

impl MemoryDataset {
    /// The names of the tables in order.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// The rows of a table; `None` if there is none.
    pub(super) fn batches(&self, table: &str) -> Option<Vec<RecordBatch>> {
        self.0.get(table).map(MemoryTable::batches)
    }

    /// What a load would add, for people.
    pub(super) fn additions<'a>(&self, tables: impl Iterator<Item = &'a Table>) -> Vec<String> {
        let mut lines = Vec::new();
        for table in tables {
            match self.0.get(&table.name) {
                None => lines.push(format!("create table {}", table.name)),
                Some(known) => lines.extend(
                    table
                        .complete_columns()
                        .filter(|column| !known.has(&column.name))
                        .map(|column| format!("add column {}.{}", table.name, column.name)),
                ),
            }
        }
        lines
    }

    /// What a load drops and adds, for people.
    pub(super) fn changes(&self, load: &Load, names: &SystemNames) -> Vec<String> {
        let dropped = load.manifest.dropped.iter().filter(|table| self.0.contains_key(*table));
        let mut lines: Vec<String> = dropped.map(|table| format!("drop table {table}")).collect();
        let mut left = self.clone();
        left.0.retain(|table, _| !load.manifest.dropped.contains(table));
        lines.extend(left.additions(load.definitions(names)));
        lines
    }

    /// The newest state of a pipeline whose load was recorded.
    pub(super) fn state(
        &self,
        pipeline: &str,
        names: &SystemNames,
        naming: &Naming,
    ) -> Result<Option<State>> {
        let (Some(states), Some(loads)) = (self.0.get(&names.state_table), self.0.get(&names.loads_table))
        else {
            return Ok(None);
        };
        let (states, loads) = (states.whole()?, loads.whole()?);
        let column = |rows, name: &str| texts(rows, &naming.identifier(name)?);
        let (loaded, status) = (column(&loads, "load_id")?, column(&loads, "status")?);
        let loaded: Vec<&String> = loaded
            .iter()
            .zip(&status)
            .filter(|(_, status)| status.as_deref() == Some("0"))
            .filter_map(|(id, _)| id.as_ref())
            .collect();
        let owners = column(&states, "pipeline_name")?;
        let ids = texts(&states, &names.load_id)?;
        let versions = numbers(column(&states, "version")?);
        let newest = (0..owners.len())
            .filter(|row| owners[*row].as_deref() == Some(pipeline))
            .filter(|row| ids[*row].as_ref().is_some_and(|id| loaded.contains(&id)))
            .max_by(|a, b| (versions[*a], &ids[*a]).cmp(&(versions[*b], &ids[*b])));
        let texts = column(&states, "state")?;
        newest.and_then(|row| texts[row].as_deref()).map(State::decode).transpose()
    }

    /// The greatest load id that was recorded.
    pub(super) fn last_load_id(&self, names: &SystemNames, naming: &Naming) -> Result<Option<String>> {
        let Some(loads) = self.0.get(&names.loads_table) else { return Ok(None) };
        let ids = texts(&loads.whole()?, &naming.identifier("load_id")?)?;
        Ok(ids.into_iter().flatten().max_by_key(|id| time_of_load_id(id)))
    }

    /// The newest version of a schema.
    pub(super) fn schema(&self, name: &str, names: &SystemNames, naming: &Naming) -> Result<Option<Schema>> {
        let Some(versions) = self.0.get(&names.version_table) else { return Ok(None) };
        let versions = versions.whole()?;
        let column = |name: &str| texts(&versions, &naming.identifier(name)?);
        let (owners, times, documents) = (column("schema_name")?, column("inserted_at")?, column("schema")?);
        let versions = numbers(column("version")?);
        let newest = (0..owners.len())
            .filter(|row| owners[*row].as_deref() == Some(name))
            .max_by(|a, b| (versions[*a], &times[*a]).cmp(&(versions[*b], &times[*b])));
        newest.and_then(|row| documents[row].as_deref()).map(Schema::decode).transpose()
    }

    /// Whether a load was recorded.
    pub(super) fn has_load(&self, load_id: &str, names: &SystemNames, naming: &Naming) -> Result<bool> {
        let Some(loads) = self.0.get(&names.loads_table) else { return Ok(false) };
        let ids = texts(&loads.whole()?, &naming.identifier("load_id")?)?;
        Ok(ids.iter().any(|id| id.as_deref() == Some(load_id)))
    }

    /// The dataset after a load at `now` in microseconds since the epoch. Errors: rows that cannot be merged.
    pub(super) fn after(
        &self,
        load: &Load,
        rows: &StagedRows,
        names: &SystemNames,
        naming: &Naming,
        types: &TypeDefaults,
        now: i64,
    ) -> Result<Self> {
        let mut next = self.clone();
        next.drop_tables(load, names, naming)?;
        for definition in load.definitions(names) {
            let table = next.0.entry(definition.name.clone()).or_default();
            table.widen(definition, types)?;
        }
        next.fill_root_keys(load)?;
        next.record_version(load, naming, now)?;
        for table in &load.emptied {
            if let Some(table) = next.0.get_mut(table) {
                table.empty();
            }
        }
        let mut staged: BTreeMap<String, MemoryTable> = BTreeMap::new();
        for job in &load.manifest.jobs {
            let missing = || Error::internal("a file was not loaded before the commit").at_table(&job.table);
            let tables = if load.merged.contains(&job.table) { &mut staged } else { &mut next.0 };
            let table = tables.entry(job.table.clone()).or_default();
            if let Some(definition) = load.schema.table(&job.table) {
                table.widen(definition, types)?;
            }
            if load.merged.contains(&job.table) && !load.manifest.newest.is_empty() {
                table.number_records()?;
            }
            let rows = rows.get(&job.file).ok_or_else(missing)?;
            rows.iter()
                .try_for_each(|rows| table.append(rows))
                .map_err(|error| error.at_table(&job.table))?;
        }
        let context = MergeContext {
            schema: &load.schema,
            names,
            loaded_at: time_of_load_id(&load.manifest.load_id),
            newest: &load.manifest.newest,
        };
        for root in &load.merged_roots {
            merge(&context, &mut next.0, &staged, root)?;
        }
        next.record_load(load, naming, now)?;
        Ok(next)
    }

    fn drop_tables(&mut self, load: &Load, names: &SystemNames, naming: &Naming) -> Result<()> {
        let dropped = &load.manifest.dropped;
        self.0.retain(|name, _| !dropped.contains(name));
        // With the tables goes the memory of the schemas that had them.
        if !dropped.is_empty()
            && let Some(versions) = self.0.get_mut(&names.version_table)
        {
            let column = naming.identifier("schema_name")?;
            let rows = versions.whole()?;
            let owners = texts(&rows, &column)?;
            let keeps: Vec<bool> =
                owners.iter().map(|owner| owner.as_deref() != Some(load.schema.name.as_str())).collect();
            versions.replace(&[filtered(&rows, &keeps)?])?;
        }
        Ok(())
    }

    /// Gives stored nested rows the id of their root row where they came before rows carried it: a merge needs it.
    fn fill_root_keys(&mut self, load: &Load) -> Result<()> {
        let mut tables: Vec<&Table> = load.tables.iter().filter_map(|name| load.schema.table(name)).collect();
        tables.sort_by_key(|table| load.schema.ancestry(&table.name).count());
        for table in tables {
            let complete = |table: &Table, hint: &'static str| {
                table.columns_with(hint).find(|column| column.is_complete()).map(|column| column.name.clone())
            };
            let (Some(root_key), Some(parent_key), Some(parent)) = (
                complete(table, "root_key"),
                complete(table, "parent_key"),
                table.parent.as_deref().and_then(|parent| load.schema.table(parent)),
            ) else {
                continue;
            };
            let Some(stored) = self.0.get(&table.name) else { continue };
            let rows = stored.whole()?;
            let mut roots = texts(&rows, &root_key)?;
            if roots.iter().all(Option::is_some) {
                continue;
            }
            let mut above = texts(&rows, &parent_key)?;
            if parent.is_nested()
                && let Some(parents) = self.0.get(&parent.name)
            {
                let parents = parents.whole()?;
                let ids = texts(&parents, &complete(parent, "row_key").unwrap_or_default())?;
                let of = texts(&parents, &complete(parent, "root_key").unwrap_or_default())?;
                let known: BTreeMap<_, _> = ids.into_iter().zip(of).collect();
                above = above.iter().map(|id| known.get(id).cloned().flatten()).collect();
            }
            for (root, above) in roots.iter_mut().zip(above) {
                *root = root.take().or(above);
            }
            let Some((at, _)) = rows.schema_ref().column_with_name(&root_key) else { continue };
            let mut arrays = rows.columns().to_vec();
            arrays[at] = Arc::new(StringArray::from(roots));
            let filled = with_columns(rows.schema(), arrays, rows.num_rows())?;
            if let Some(stored) = self.0.get_mut(&table.name) {
                stored.replace(&[filled])?;
            }
        }
        Ok(())
    }

    fn record_version(&mut self, load: &Load, naming: &Naming, now: i64) -> Result<()> {
        let schema = &load.schema;
        let hash = schema.version_hash.as_deref().unwrap_or_default();
        let table = self.0.entry(naming.table_identifier(VERSION_TABLE)?).or_default();
        let known = texts(&table.whole()?, &naming.identifier("version_hash")?)?;
        if known.iter().any(|known| known.as_deref() == Some(hash)) {
            return Ok(());
        }
        let text = serde_json::Value::Object(schema.to_json()).to_string();
        let row = SystemRow::Version {
            version: schema.version.unwrap_or(1),
            engine_version: ENGINE_VERSION,
            inserted_at: now,
            schema_name: &schema.name,
            version_hash: hash,
            schema: &text,
        };
        table.append(&row.to_batch(naming)?)
    }

    fn record_load(&mut self, load: &Load, naming: &Naming, now: i64) -> Result<()> {
        let row = SystemRow::Load {
            load_id: &load.manifest.load_id,
            schema_name: &load.manifest.schema_name,
            inserted_at: now,
            schema_version_hash: &load.manifest.schema_hash,
        };
        let table = self.0.entry(naming.table_identifier(row.table())?).or_default();
        table.append(&row.to_batch(naming)?)
    }
}
