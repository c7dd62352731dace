//! Keys that no record has: a table that is told apart by such a column is not told apart at all.

use std::collections::{BTreeMap, BTreeSet};

use windlass_core::hints::OneOrMany;
use windlass_core::naming::Naming;
use windlass_core::normalize::is_key;
use windlass_core::schema::{Column, Schema, SystemNames, Table};
use windlass_core::{Error, Result};

use crate::config::nearest;
use crate::extract::{Gathered, Prepared};

/// Names that a hint shows at most.
const SHOWN_NAMES: usize = 20;

/// Checks that the tables of a load have the columns that tell their rows apart, before anything is loaded. Gives
/// warnings for columns that mark deletions or sort duplicates and that never came, as they may come later.
///
/// A table without new rows is left alone. Errors: a key that no record of the load has.
pub(super) fn check(
    schema: &Schema,
    gathered: &Gathered,
    resources: &[Prepared],
    names: &SystemNames,
    naming: &Naming,
) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for table in with_rows(schema, &gathered.rows) {
        for column in table.columns.values() {
            let has = |hint: &str| column.has(hint);
            if is_key(column, names) && is_missing(table, column, &gathered.seen_keys) {
                let written = as_written(column, table, resources, naming);
                let role = match (has("primary_key"), has("merge_key")) {
                    (true, _) => "primary_key",
                    (_, true) => "merge_key",
                    _ => "row_version_column_name",
                };
                return Err(Error::data(format!("no record has `{written}`, which is named in {role}"))
                    .at_table(&table.name)
                    .with_hint(format!(
                        "{}; keys that no record has would not tell rows apart",
                        suggestion(&written, table, names)
                    )));
            }
            let marks = [("hard_delete", "marks deletions"), ("dedup_sort", "sorts duplicates")];
            for (hint, does) in marks.into_iter().filter(|(hint, _)| has(hint) && !column.is_complete()) {
                warnings.push(format!(
                    "table `{}`: no record has `{}`, which {does} ({hint}); {}, or declare its data_type if it comes \
                     later",
                    table.name,
                    column.name,
                    suggestion(&column.name, table, names)
                ));
            }
        }
    }
    Ok(warnings)
}

fn with_rows<'a>(schema: &'a Schema, rows: &'a BTreeMap<String, u64>) -> impl Iterator<Item = &'a Table> {
    rows.iter().filter(|(_, rows)| **rows > 0).filter_map(|(name, _)| schema.table(name))
}

/// Whether no row of the load has the key. A part of a key that may be null, and whose type is known, may be left out while
/// other parts tell the rows apart.
fn is_missing(table: &Table, column: &Column, seen: &BTreeSet<(String, String)>) -> bool {
    let is_seen = |column: &Column| seen.contains(&(table.name.clone(), column.name.clone()));
    if !column.is_complete() && !column.is_nullable() {
        return true;
    }
    let is_optional = column.is_complete() && column.is_nullable();
    let hints = ["primary_key", "merge_key"].into_iter().filter(|hint| column.has(hint));
    let mut parts = hints.flat_map(|hint| table.columns_with(hint));
    !(is_seen(column) || is_optional && parts.any(is_seen))
}

/// The name of a key as its author wrote it.
fn as_written(column: &Column, table: &Table, resources: &[Prepared], naming: &Naming) -> String {
    let of_table = resources.iter().filter(|prepared| prepared.tables.contains(&table.name));
    let keys = of_table.flat_map(|prepared| {
        let hints = &prepared.resource.hints;
        let nested = hints.nested_hints.iter().flatten().map(|(_, hints)| hints);
        std::iter::once(hints).chain(nested).flat_map(|hints| [&hints.primary_key, &hints.merge_key])
    });
    let mut names = keys.flatten().flat_map(OneOrMany::names);
    let is_meant = |name: &&str| naming.path(name).is_ok_and(|name| name == column.name);
    names.find(is_meant).unwrap_or(&column.name).to_owned()
}

fn suggestion(name: &str, table: &Table, names: &SystemNames) -> String {
    let columns = table.complete_columns().map(|column| column.name.as_str());
    let known: Vec<&str> =
        columns.filter(|known| *known != name && !known.starts_with(&names.prefix)).collect();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    match known.len() {
        0 => "check its name".to_owned(),
        count if count <= SHOWN_NAMES => format!("the columns are {}", known.join(", ")),
        count => {
            format!("the columns are {} and {} more", known[..SHOWN_NAMES].join(", "), count - SHOWN_NAMES)
        }
    }
}
