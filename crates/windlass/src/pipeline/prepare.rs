//! Before a source is read: its schema, the tables that its resources declare, and how their files are written.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;
use windlass_core::file::{FileFormat, FileOptions};
use windlass_core::hints::{Declared, DeclaredTypes, Disposition, WriteDisposition, declare, keep_types};
use windlass_core::incremental::IncrementalOptions;
use windlass_core::incremental::RowOrder;
use windlass_core::merge::{MergeSettings, unused_hints};
use windlass_core::naming::Naming;
use windlass_core::normalize::{Context, NormalizeSettings, RowFilters, check_tables};
use windlass_core::path_part::escape_part;
use windlass_core::schema::{Column, Contract, Schema, SchemaFormat, SystemNames, export, parse_document};
use windlass_core::{Code, Error, Result};

use super::asked;
use super::refresh::Refreshed;
use super::{Pipeline, RunOptions};
use crate::destination::Capabilities;
use crate::extract::{Prepared, TableFormats};
use crate::files::{io_error, read_to_string, write_atomic};
use crate::source::{Limit, Resource, Source, SourceContext, SourceSettings};

/// A source that is ready to be read.
pub(super) struct PreparedSource {
    /// The schema as it was stored; `None` if it never was.
    pub(super) stored: Option<Schema>,
    /// The schema with everything that the resources declare.
    pub(super) schema: Schema,
    pub(super) naming: Naming,
    pub(super) resources: Vec<Prepared>,
    /// Root tables whose rows are replaced.
    pub(super) replaced: Vec<String>,
    /// Resources whose state begins anew.
    pub(super) reset: Vec<String>,
    /// What is dropped and forgotten; `None` also for a source that never ran.
    pub(super) refreshed: Option<Refreshed>,
    /// Columns whose types the resources declare.
    pub(super) declared_types: DeclaredTypes,
    /// Hints that this destination ignores.
    pub(super) ignored_hints: BTreeSet<String>,
    pub(super) warnings: Vec<String>,
}

impl PreparedSource {
    /// Warnings about resources whose records every run appends again; `only_loaded` leaves out those that were never
    /// loaded.
    pub(super) fn repeats(&self, source: &dyn Source, only_loaded: bool) -> Vec<String> {
        let is_loaded = |prepared: &Prepared| {
            let table = self.stored.as_ref().and_then(|stored| stored.table(&prepared.root_table));
            table.is_some_and(|table| !table.is_new())
        };
        let is_appended = |prepared: &&Prepared| {
            let disposition = prepared.resource.hints.write_disposition.as_ref();
            prepared.is_loaded
                && prepared.resource.incremental.is_none()
                && prepared.resource.parent.is_none()
                && disposition.map_or(Disposition::Append, WriteDisposition::disposition)
                    == Disposition::Append
                && (!only_loaded || is_loaded(prepared))
        };
        let warning = |prepared: &Prepared| {
            let name = &prepared.resource.name;
            let remedy = source.remedy_for_repeats(&prepared.resource)?;
            Some(format!(
                "resource `{name}`: every run appends all of its records again; {remedy}, or `write_disposition: replace`"
            ))
        };
        self.resources.iter().filter(is_appended).filter_map(warning).collect()
    }
}

impl Pipeline {
    /// Declares the tables of all selected resources.
    ///
    /// Errors: a resource that does not exist; hints, contracts or dispositions that cannot be.
    pub(super) async fn prepare(
        &self,
        source: &dyn Source,
        stored: Option<Schema>,
        options: &RunOptions,
    ) -> Result<PreparedSource> {
        let context = SourceContext { folder: self.folder.clone() };
        let named = |error: Error| {
            error.at(windlass_core::At { source: Some(source.name().to_owned()), ..Default::default() })
        };
        let resources = select(source.resources(&context).await.map_err(named)?, &options.select)?;
        let (resources, parents) = resources;
        let (refreshed, stored) = match (options.refresh, stored) {
            (Some(mode), Some(stored)) => {
                let prefix = SystemNames::new(&self.naming(Some(stored.convention()?))?)?.prefix;
                let names = resources.iter().map(|resource| resource.name.clone());
                let (refreshed, left) = Refreshed::new(mode, stored, names, &prefix);
                (Some(refreshed), left)
            }
            (_, stored) => (None, stored),
        };
        let stored = self.imported(source.name(), stored)?;
        let convention = stored.as_ref().or(source.schema()).map(Schema::convention).transpose()?;
        if let (Some(stored), Some(wanted)) = (convention, self.settings.naming)
            && stored != wanted
        {
            return Err(Error::config(format!(
                "the schema is stored with naming convention {}, not {}",
                stored.as_str(),
                wanted.as_str()
            ))
            .with_hint("the names of tables with data cannot change; load into a new dataset under another pipeline name"));
        }
        let naming = self.naming(convention)?;
        let mut schema = match (&stored, source.schema()) {
            (Some(stored), _) => stored.clone(),
            (None, Some(own)) => own.clone(),
            (None, None) => Schema::new(source.name(), &naming)?,
        };
        if let Some(own) = source.schema().filter(|_| stored.is_some()) {
            schema.adopt(own)?;
        }
        if let Some(refreshed) = &refreshed {
            refreshed.remember(&mut schema);
        }
        apply_settings(&mut schema, &source.settings(), options)?;
        let mut prepared = PreparedSource {
            stored,
            schema,
            naming,
            resources: Vec::new(),
            replaced: Vec::new(),
            reset: Vec::new(),
            refreshed,
            declared_types: DeclaredTypes::default(),
            ignored_hints: BTreeSet::new(),
            warnings: self.destination.capabilities().warnings.clone(),
        };
        for resource in resources {
            let name = resource.name.clone();
            self.declare_resource(&mut prepared, resource, options)
                .map_err(|e| named(e.at_resource(name)))?;
        }
        check_tables(&prepared.naming, given_tables(&prepared.resources)).map_err(named)?;
        add_parents(&mut prepared.resources, parents, options).map_err(named)?;
        let ignored = &prepared.ignored_hints;
        prepared.warnings.extend(asked::ignored(self.destination.kind(), ignored));
        Ok(prepared)
    }

    fn declare_resource(
        &self,
        prepared: &mut PreparedSource,
        mut resource: Resource,
        options: &RunOptions,
    ) -> Result<()> {
        let hints = &mut resource.hints;
        if let Some(disposition) = &options.write_disposition {
            hints.write_disposition = Some(disposition.clone());
        }
        if let Some(contract) = &options.schema_contract {
            hints.schema_contract = Some(contract.clone());
        }
        limit_root(&mut resource, options);
        let hints = &resource.hints;
        let disposition =
            hints.write_disposition.as_ref().map_or(Disposition::Append, WriteDisposition::disposition);
        let capabilities = self.destination.capabilities();
        let can_merge = capabilities.can_merge();
        match (disposition, &hints.write_disposition) {
            (Disposition::Merge, _) if !can_merge => {
                if !capabilities.merge_falls_back_to_append {
                    return Err(Error::of(
                        Code::DispositionUnsupported,
                        format!(
                            "the {} destination has no write disposition `merge`",
                            self.destination.kind()
                        ),
                    )
                    .with_detail("disposition", "merge")
                    .with_hint("use append or replace"));
                }
                prepared.warnings.push(format!(
                    "resource `{}`: this destination cannot merge, rows are appended",
                    resource.name
                ));
            }
            (Disposition::Merge, Some(WriteDisposition::Detailed(options))) => {
                options.check()?;
            }
            _ => {}
        }
        if let Some(format) = hints.file_format
            && !capabilities.formats.contains(&format)
        {
            return Err(Error::unsupported(format!(
                "the {} destination takes no {format} files",
                self.destination.kind()
            ))
            .with_hint(format!("use {}", list(capabilities))));
        }
        let naming = prepared.naming;
        let table = hints.table_name.as_deref().unwrap_or(&resource.name);
        let context =
            Context::new(&prepared.schema, naming, capabilities.types, self.settings.limits, String::new())?;
        let root_table = context.root_table(table)?;
        let mut tables = hints.tables(&resource.name, &root_table, &naming)?;
        if let Some(cursor) = resource.incremental.as_ref().and_then(IncrementalOptions::column)
            && let Some(root) = tables.first_mut()
        {
            root.merge_column(&Column::new(naming.path(&cursor)?).with("incremental", true));
        }
        let kept = keep_types(&mut tables, &prepared.schema);
        prepared.warnings.extend(kept.iter().map(|kept| asked::kept_type(&resource.name, kept)));
        prepared.declared_types.note(&tables, &kept);
        let declared = tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
        // Of several resources that write one table, the first says what it is like.
        let is_declared = prepared.resources.iter().any(|other| other.root_table == root_table);
        let tables = if is_declared { Vec::new() } else { tables };
        if declare(&mut prepared.schema, tables, &naming, can_merge)? == Declared::Refused {
            prepared.warnings.push(format!(
                "resource `{}` is left out: the schema contract allows no new table `{root_table}`",
                resource.name
            ));
            return Ok(());
        }
        for table in declared.iter().filter_map(|name| prepared.schema.table(name)) {
            asked::check(&prepared.schema, table, self.destination.as_ref())?;
            prepared.ignored_hints.extend(asked::ignored_hints(table));
        }
        if can_merge {
            for table in declared.iter().filter_map(|name| prepared.schema.table(name)) {
                let settings = MergeSettings::of(&prepared.schema, table)?;
                if let Some(settings) = settings.as_ref().filter(|_| !table.is_nested()) {
                    self.check_merge(settings).map_err(|error| error.at_table(&table.name))?;
                }
                let warnings = match settings {
                    Some(settings) if !table.is_nested() => settings.warnings(),
                    Some(_) => Vec::new(),
                    None => unused_hints(table),
                };
                let named = warnings.into_iter().map(|text| format!("resource `{}`: {text}", resource.name));
                prepared.warnings.extend(named);
            }
        }
        if disposition == Disposition::Replace {
            // The reference keeps the state where the disposition has options, and then replaces all rows by the new
            // ones only.
            prepared.reset.push(resource.name.clone());
            let all = prepared.schema.tables.values();
            let of_resource =
                all.filter(|t| t.parent.is_none() && t.text_hint("resource") == Some(&resource.name));
            let replaced = of_resource
                .filter(|t| t.text_hint("write_disposition") == Some("replace"))
                .map(|t| t.name.clone());
            prepared.replaced.extend(replaced);
        }
        if disposition != Disposition::Skip {
            prepared.resources.push(Prepared::new(resource, root_table, declared));
        }
        Ok(())
    }

    /// Errors: the destination cannot merge like this.
    fn check_merge(&self, settings: &MergeSettings) -> Result<()> {
        let (capabilities, kind) = (self.destination.capabilities(), self.destination.kind());
        let strategy = settings.strategy;
        if !capabilities.merge_strategies.contains(&strategy) {
            let names = capabilities.merge_strategies.iter().map(|strategy| strategy.as_str());
            return Err(Error::of(
                Code::MergeStrategyUnsupported,
                format!("the {kind} destination has no merge strategy `{strategy}`"),
            )
            .with_detail("strategy", strategy.as_str())
            .with_hint(format!("use {}", names.collect::<Vec<_>>().join(", "))));
        }
        let conditions =
            [("source_filter", &settings.source_filter), ("destination_scope", &settings.destination_scope)];
        match conditions.into_iter().find(|(_, condition)| condition.is_some()) {
            Some((option, _)) if !capabilities.takes_sql_conditions => Err(Error::unsupported(format!(
                "the {kind} destination knows no SQL, and {option} is a condition in SQL"
            ))
            .with_hint("leave the option out and filter records by `steps`, or load into a database")),
            _ => Ok(()),
        }
    }

    /// What the workers need to know.
    pub(super) fn normalize_settings(
        &self,
        schema: &Schema,
        naming: Naming,
        load_id: &str,
    ) -> Result<NormalizeSettings> {
        let types = self.destination.capabilities().types;
        let mut ctx = Context::new(schema, naming, types, self.settings.limits, load_id)?;
        ctx.can_merge = self.destination.capabilities().can_merge();
        ctx.batch_ids = self.settings.batch_ids;
        ctx.collisions = self.settings.collisions;
        Ok(NormalizeSettings { ctx, filters: RowFilters::new(schema, naming)?, start: schema.clone() })
    }

    /// How the files of each table are written. Errors: a format that the destination does not take.
    pub(super) fn table_formats(&self, schema: &Schema) -> Result<TableFormats> {
        let capabilities = self.destination.capabilities();
        let preferred = match self.settings.loader_file_format {
            None => capabilities.file_options.format,
            Some(format) if capabilities.formats.contains(&format) => format,
            Some(format) => {
                return Err(Error::config(format!(
                    "the {} destination takes no {format} files",
                    self.destination.kind()
                ))
                .with_hint(format!("set loader_file_format to {}", list(capabilities))));
            }
        };
        let mut options = FileOptions { format: preferred, ..capabilities.file_options.clone() };
        let files = &self.settings.files;
        options.gzip &= !files.disable_compression;
        if let Some(compression) = files.parquet_compression {
            options.parquet.compression = compression;
        }
        if let Some(rows) = files.row_group_size {
            options.parquet.row_group_rows = rows;
        }
        if let Some(csv) = &files.csv {
            options.csv = csv.clone();
        }
        let mut by_root: HashMap<String, FileFormat> = HashMap::new();
        for table in schema.tables.values() {
            if let Some(format) = table.text_hint("file_format").and_then(|text| text.parse().ok()) {
                by_root.insert(table.name.clone(), format);
            }
        }
        if by_root.is_empty() {
            return Ok(Arc::new(move |_| options.clone()));
        }
        let separator = self.naming(None)?.separator();
        Ok(Arc::new(move |table| {
            // Nested tables are named after their root.
            let own = by_root.get(table).or_else(|| {
                let roots = by_root.iter().filter(|(root, _)| {
                    table.strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with(separator))
                });
                roots.max_by_key(|(root, _)| root.len()).map(|(_, format)| format)
            });
            FileOptions { format: own.copied().unwrap_or(options.format), ..options.clone() }
        }))
    }

    /// The stored schema, or the one that somebody edited since.
    fn imported(&self, name: &str, stored: Option<Schema>) -> Result<Option<Schema>> {
        let Some(folder) = &self.settings.import_schema_path else { return Ok(stored) };
        let path = schema_file(folder, name);
        if !path.exists() {
            return Ok(stored);
        }
        let mut imported = parse_document(&read_to_string(&path)?, &path.display().to_string())?;
        let hash = imported.content_hash();
        if stored
            .as_ref()
            .is_some_and(|stored| stored.imported_version_hash.as_deref() == Some(hash.as_str()))
        {
            return Ok(stored);
        }
        let naming = self.naming(Some(imported.convention()?))?;
        for (name, table) in Schema::new(name, &naming)?.tables {
            imported.tables.entry(name).or_insert(table);
        }
        imported.imported_version_hash = Some(hash);
        if let Some(stored) = stored {
            // The tables of the engine and what it knows of tables with data stay.
            for table in stored.tables.values().filter(|table| table.normalizer_flag("seen-data")) {
                match imported.table(&table.name) {
                    Some(_) => {
                        imported.table_mut(&table.name).set_normalizer("seen-data", Some(Value::Bool(true)));
                    }
                    None if table.name.starts_with("_dlt") => {
                        drop(imported.tables.insert(table.name.clone(), Arc::clone(table)));
                    }
                    None => {}
                }
            }
            imported.version = stored.version;
            imported.version_hash = stored.version_hash;
            imported.previous_hashes = stored.previous_hashes;
        }
        Ok(Some(imported))
    }

    /// Writes the file that people may edit, once.
    pub(super) fn write_import_schema(&self, prepared: &PreparedSource) -> Result<()> {
        let Some(folder) = &self.settings.import_schema_path else { return Ok(()) };
        let path = schema_file(folder, &prepared.schema.name);
        if path.exists() {
            return Ok(());
        }
        let mut schema = prepared.schema.clone();
        schema.strip_processing_hints();
        let prefix = schema.system_prefix(&prepared.naming);
        schema.tables.retain(|name, _| !name.starts_with(&prefix));
        write_schema(&path, &schema)
    }

    /// Writes a schema for people to read.
    pub(super) fn export_schema(&self, schema: &Schema) -> Result<()> {
        match &self.settings.export_schema_path {
            Some(folder) => write_schema(&schema_file(folder, &schema.name), schema),
            None => Ok(()),
        }
    }
}

/// The root tables of resources, and the names under which they were given.
pub(super) fn given_tables(resources: &[Prepared]) -> impl Iterator<Item = (&str, &str)> {
    resources.iter().filter(|prepared| prepared.is_loaded).map(|prepared| {
        let resource = &prepared.resource;
        let given = resource.hints.table_name.as_deref().unwrap_or(&resource.name);
        (prepared.root_table.as_str(), given)
    })
}

fn list(capabilities: &Capabilities) -> String {
    capabilities.formats.iter().map(FileFormat::to_string).collect::<Vec<_>>().join(", ")
}

fn schema_file(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join(format!("{}.schema.yaml", escape_part(name)))
}

fn write_schema(path: &Path, schema: &Schema) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|cause| io_error("create", folder, cause))?;
    }
    write_atomic("pipeline.export", path, export(schema, SchemaFormat::Yaml).as_bytes())
}

/// The resources with these names, those that are loaded by themselves when there are none, and all resources of the source by name.
///
/// Errors: a name that no resource has.
fn select(resources: Vec<Resource>, names: &[String]) -> Result<(Vec<Resource>, IndexMap<String, Resource>)> {
    if let Some(unknown) = names.iter().find(|name| !resources.iter().any(|r| r.name == **name)) {
        return Err(crate::config::unknown_name(
            "resource",
            unknown,
            resources.iter().map(|r| r.name.as_str()),
        ));
    }
    let all = resources.iter().map(|resource| (resource.name.clone(), resource.clone())).collect();
    let is_meant = |resource: &Resource| match names {
        [] => resource.selected,
        names => names.contains(&resource.name),
    };
    Ok((resources.into_iter().filter(is_meant).collect(), all))
}

/// The limit of a run counts for resources that have no parent: of those, their children are read as a whole.
fn limit_root(resource: &mut Resource, options: &RunOptions) {
    if let (Some(rows), Some(incremental)) = (options.chunks.get(&resource.name), &mut resource.incremental) {
        // With a lag, what a chunk ends with would be read again and again.
        (incremental.row_order, incremental.lag) = (Some(RowOrder::Asc), None);
        resource.limit = Some(Limit::Records(*rows));
        return;
    }
    if let Some(limit) = options.limit.filter(|_| resource.parent.is_none()) {
        let limit = match resource.limit {
            Some(Limit::Records(own)) => own.min(limit),
            _ => limit,
        };
        resource.limit = Some(Limit::Records(limit));
    }
}

/// Finds the parent of each resource, and adds those that are only read for others.
///
/// Errors: a parent that the source has not, or that is made from its own children.
fn add_parents(
    prepared: &mut Vec<Prepared>,
    all: IndexMap<String, Resource>,
    options: &RunOptions,
) -> Result<()> {
    let mut index = 0;
    while let Some(entry) = prepared.get(index) {
        if let Some(parent) = entry.resource.parent.clone() {
            let name = entry.resource.name.clone();
            let known = prepared.iter().position(|other| other.resource.name == parent);
            let found = match known {
                Some(found) => found,
                None => {
                    let mut resource = all
                        .get(&parent)
                        .cloned()
                        .ok_or_else(|| {
                            crate::config::unknown_name("resource", &parent, all.keys().map(String::as_str))
                        })
                        .map_err(|error| error.at_resource(&name))?;
                    limit_root(&mut resource, options);
                    let unloaded = Prepared::new(resource, String::new(), Vec::new());
                    prepared.push(Prepared { is_loaded: false, ..unloaded });
                    prepared.len() - 1
                }
            };
            prepared[index].parent = Some(found);
            prepared[found].is_parent = true;
        }
        index += 1;
    }
    for entry in prepared.iter() {
        let chain = std::iter::successors(entry.parent, |index| prepared.get(*index)?.parent);
        if chain.take(prepared.len() + 1).count() > prepared.len() {
            return Err(Error::config("the resource is made from its own records")
                .at_resource(&entry.resource.name)
                .with_hint("break the circle of parents"));
        }
    }
    Ok(())
}

/// Sets what the source and the run say about the whole schema.
fn apply_settings(schema: &mut Schema, settings: &SourceSettings, options: &RunOptions) -> Result<()> {
    if let Some(contract) = options.schema_contract.as_ref().or(settings.schema_contract.as_ref()) {
        Contract::from_json(contract)?;
        schema.settings.insert("schema_contract".to_owned(), contract.clone());
    }
    if let Some(levels) = settings.max_table_nesting {
        schema.set_normalizer_config("max_nesting", levels.into());
    }
    if let Some(root_key) = settings.root_key {
        schema.set_normalizer_config("root_key_propagation", root_key.into());
    }
    Ok(())
}
