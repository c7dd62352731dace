//! What the user should know about the tables of a run.

use std::collections::BTreeMap;

use windlass_core::normalize::{ChangedType, Overwritten};
use windlass_core::schema::Schema;

use crate::extract::Extracted;

/// Columns that a warning names.
const SHOWN_COLUMNS: usize = 5;

/// All warnings about what was read, and what its source says. `before` is the schema at the start.
pub(super) fn of_extracted(extracted: &Extracted, before: &Schema) -> Vec<String> {
    let mut warnings = extracted.notices.clone();
    warnings.extend(left_without_type(extracted, before));
    warnings.extend(left_in_json(extracted));
    warnings.extend(overwritten(extracted));
    warnings.extend(changed_types(extracted));
    warnings.extend(of_several(extracted));
    warnings
}

/// Warnings for tables that have no room for more columns.
pub(super) fn left_in_json(extracted: &Extracted) -> impl Iterator<Item = String> + '_ {
    extracted.state.full_tables.iter().map(|(table, full)| {
        format!(
            "table `{table}` has no room for more columns: what has new keys, such as `{}`, is kept as JSON; \
             schema.max_columns_per_table sets the limit, max_table_nesting or a json data_type avoids it",
            full.example
        )
    })
}

/// Warnings for columns of batches that keep the type which their table has.
pub(super) fn changed_types(extracted: &Extracted) -> impl Iterator<Item = String> + '_ {
    extracted.made.discarded.changed_types.iter().map(|(table, columns)| {
        let shown: Vec<String> = columns
            .iter()
            .take(SHOWN_COLUMNS)
            .map(|(column, ChangedType { given, kept })| format!("`{column}` is {given} now, but holds {kept} already"))
            .collect();
        let more = match columns.len().saturating_sub(SHOWN_COLUMNS) {
            0 => String::new(),
            more => format!("; so it is with {more} more columns"),
        };
        format!(
            "table `{table}`: column {}{more}: it stays so, and values that it cannot hold unchanged go to variant columns \
             (`…__v_…`)",
            shown.join(", ")
        )
    })
}

/// Warnings for values that another key of their record took the place of.
pub(super) fn overwritten(extracted: &Extracted) -> impl Iterator<Item = String> + '_ {
    extracted.made.discarded.overwritten.iter().map(|(table, names)| {
        let shown: Vec<String> = names
            .iter()
            .take(SHOWN_COLUMNS)
            .map(|(name, lost)| {
                let Overwritten { count, lost, kept } = lost;
                let values = if *count == 1 { "value was" } else { "values were" };
                format!("the keys `{lost}` and `{kept}` both come to `{name}`, and {count} {values} dropped")
            })
            .collect();
        let more = match names.len().saturating_sub(SHOWN_COLUMNS) {
            0 => String::new(),
            more => format!("; so it is with {more} more names"),
        };
        format!(
            "table `{table}`: {}{more}; of several keys of a record the last one counts: rename them by steps, use \
             another schema.naming, or set schema.collisions to number or refuse",
            shown.join("; ")
        )
    })
}

/// Warnings for tables that have the rows of lists of several tables.
pub(super) fn of_several(extracted: &Extracted) -> impl Iterator<Item = String> + '_ {
    extracted.made.discarded.parents.iter().map(|(table, parents)| {
        let parents: Vec<String> = parents.iter().map(|parent| format!("`{parent}`")).collect();
        format!(
            "table `{table}` has the rows of lists of {}, so that `_dlt_parent_id` leads to one of them: rename a key by steps, \
             or use another schema.naming, to part them",
            parents.join(" and ")
        )
    })
}

/// Warnings for columns that were announced or seen, but whose type nobody told.
pub(super) fn left_without_type(extracted: &Extracted, before: &Schema) -> Vec<String> {
    let schema = &extracted.state.schema;
    let mut columns: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (table, column) in &extracted.made.null_columns {
        let known = schema.table(table).and_then(|table| table.columns.get(column));
        if known.is_none_or(|column| !column.is_complete()) {
            columns.entry(table).or_default().push(column);
        }
    }
    for table in before.tables.values().filter(|table| extracted.made.rows.contains_key(&table.name)) {
        let hinted = table.columns.keys().filter(|name| {
            let column = schema.table(&table.name).and_then(|table| table.columns.get(*name));
            column.is_some_and(|column| !column.is_complete())
        });
        columns.entry(&table.name).or_default().extend(hinted.map(String::as_str));
    }
    columns
        .into_iter()
        .filter(|(_, columns)| !columns.is_empty())
        .map(|(table, mut columns)| {
            columns.sort_unstable();
            columns.dedup();
            let shown: Vec<_> = columns.iter().take(SHOWN_COLUMNS).map(|column| format!("`{column}`")).collect();
            let more = match columns.len().saturating_sub(SHOWN_COLUMNS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "table `{table}`: no value tells the type of {}{more}; a column is created when one comes, or give it a \
                 data_type",
                shown.join(", ")
            )
        })
        .collect()
}
