//! The cursors of a source's resources: from the state of the run before to that of the next.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use windlass_core::Result;
use windlass_core::incremental::{Extreme, Filter, TextOrder, WARN_BOUNDARY_RECORDS};
use windlass_core::merge::{CursorOrder, MergeSettings, NewestFirst, SortOrder};
use windlass_core::naming::Naming;
use windlass_core::package::{Made, PackageManifest};
use windlass_core::schema::{Column, Schema};
use windlass_core::state::State;

use crate::extract::Prepared;
use crate::packages::merged_roots;

/// The filters of the resources that are loaded incrementally.
pub(super) struct Cursors {
    source: String,
    /// By the name of the resource.
    filters: Vec<(String, Arc<Filter>)>,
}

impl Cursors {
    /// Gives each resource the filter of this run.
    ///
    /// Errors: options that are wrong, a state that cannot be read.
    pub(super) fn open(
        source: &str,
        resources: &mut [Prepared],
        state: &State,
        naming: &Naming,
    ) -> Result<Self> {
        let mut filters = Vec::new();
        for prepared in resources.iter_mut() {
            let resource = &prepared.resource;
            let Some(options) = &resource.incremental else { continue };
            let entry = state.cursor(source, &resource.name, &options.cursor_path);
            let filter = Filter::new(options, resource.hints.primary_key.as_ref(), entry)
                .map_err(|error| error.at_resource(&resource.name))?;
            let declared = options.column_name(naming);
            let declared = declared.and_then(|column| resource.hints.declared_type(&column, naming));
            let filter = filter.of_texts(TextOrder::of_type(declared));
            let filter = Arc::new(filter);
            filters.push((resource.name.clone(), Arc::clone(&filter)));
            prepared.filter = Some(filter);
        }
        Ok(Self { source: source.to_owned(), filters })
    }

    /// Whether one of them is kept in the state.
    pub(super) fn are_stored(&self) -> bool {
        self.filters.iter().any(|(_, filter)| !filter.options().is_stateless())
    }

    /// Writes the cursors into the state that becomes true with the package; gives warnings. Those that are held back
    /// stay as they are.
    pub(super) fn close(
        &self,
        made: &Made,
        held: &BTreeSet<String>,
        state: &mut State,
    ) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        for (name, filter) in &self.filters {
            let tally = made.tallies.get(name).cloned().unwrap_or_else(|| filter.tally());
            let path = &filter.options().cursor_path;
            let shared = tally.boundary_records();
            if held.contains(name) {
                // The entry of a first run is there all the same.
                let entry = filter.finish(&filter.tally()).map_err(|error| error.at_resource(name))?;
                if let Some(entry) = entry.filter(|_| state.cursor(&self.source, name, path).is_none()) {
                    state.set_cursor(&self.source, name, path, entry);
                }
                continue;
            }
            if let Some(entry) = filter.finish(&tally).map_err(|error| error.at_resource(name))? {
                state.set_cursor(&self.source, name, path, entry);
            }
            if shared > WARN_BOUNDARY_RECORDS {
                warnings.push(format!(
                    "resource `{name}`: {shared} records have the same last value of the cursor `{path}`, and the \
                     state keeps a digest of each; choose a finer cursor, or set `range_start: open` if no more \
                     records come with a value that was read"
                ));
            }
            if made.may_skip.contains(name) {
                warnings.push(format!(
                    "resource `{name}`: the limit ended the read, and later runs skip records that were not read and \
                     have a cursor `{path}` before the last one; if the source sorts its records by the cursor, say \
                     so with row_order"
                ));
            }
        }
        Ok(warnings)
    }
}

/// The root tables of which the newest of several new rows with one key stays: all resources that fill them have the
/// same cursor.
pub(super) fn newest_first(resources: &[Prepared], schema: &Schema, naming: &Naming) -> NewestFirst {
    let mut found: IndexMap<&str, Option<CursorOrder>> = IndexMap::new();
    for prepared in resources.iter().filter(|prepared| prepared.is_loaded) {
        let table = schema.table(&prepared.root_table);
        let settings = table.and_then(|table| MergeSettings::of(schema, table).ok().flatten());
        let resource = &prepared.resource;
        let cursor = resource.incremental.as_ref().or(resource.own_cursor.as_ref()).and_then(|options| {
            let order = match options.last_value_func {
                Extreme::Max => SortOrder::Descending,
                Extreme::Min => SortOrder::Ascending,
            };
            Some(CursorOrder { column: options.column_name(naming)?, order })
        });
        let cursor = cursor.filter(|_| settings.is_some_and(|settings| settings.takes_newest()));
        let known = found.entry(&prepared.root_table).or_insert_with(|| cursor.clone());
        if *known != cursor {
            *known = None;
        }
    }
    let found = found.into_iter();
    found.filter_map(|(table, cursor)| Some((table.to_owned(), cursor?))).collect()
}

/// Those of the tables that a package has rows of; tables that came up while data was read follow their resource.
pub(super) fn of_loaded(
    newest: NewestFirst,
    schema: &Schema,
    content: &PackageManifest,
    resources: &[Prepared],
) -> NewestFirst {
    let mut of_package = NewestFirst::new();
    for root in merged_roots(schema, &content.jobs) {
        let own = newest.get(&root).or_else(|| {
            let resource = schema.table(&root)?.text_hint("resource")?;
            let prepared = resources.iter().find(|prepared| prepared.resource.name == resource)?;
            newest.get(&prepared.root_table)
        });
        if let Some(own) = own {
            of_package.insert(root, own.clone());
        }
    }
    of_package
}

/// Warnings for tables with new rows whose cursor is none of their columns: which of several rows with one key is the newest
/// cannot be told where they are merged.
pub(super) fn without_column(
    newest: &NewestFirst,
    schema: &Schema,
    rows: &IndexMap<String, u64>,
) -> Vec<String> {
    let has_column = |table: &str, cursor: &CursorOrder| {
        let column = schema.table(table).and_then(|table| table.columns.get(&cursor.column));
        column.is_some_and(Column::is_complete)
    };
    let of_rows = newest.iter().filter(|(table, _)| rows.get(*table).is_some_and(|rows| *rows > 0));
    let warning = |(table, cursor): (&String, &CursorOrder)| {
        format!(
            "table `{table}`: the cursor is no column of its own (`{}`), so that of several new rows with one key not the newest \
             may stay: let it be one (max_table_nesting, its data_type), or sort them by dedup_sort",
            cursor.column
        )
    };
    of_rows.filter(|(table, cursor)| !has_column(table, cursor)).map(warning).collect()
}
