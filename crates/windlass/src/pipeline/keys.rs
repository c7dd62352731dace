//! Keys that no record has: a table that is told apart by such a column is not told apart at all.

use std::collections::{BTreeMap, BTreeSet};

use windlass_core::hints::OneOrMany;
use windlass_core::naming::Naming;
use windlass_core::normalize::is_key;
use windlass_core::package::Made;
use windlass_core::schema::{Column, Schema, SystemNames, Table};
use windlass_core::{Error, Result};

use crate::config::nearest;
use crate::extract::Prepared;

/// Names that a hint shows at most.
const SHOWN_NAMES: usize = 20;

/// Checks that the tables of a load have the columns that tell their rows apart, before anything is loaded. Gives
/// warnings for columns that mark deletions or sort duplicates and that never came, as they may come later.
///
/// A table without new rows is left alone. Errors: a key that no record of the load has.
pub(super) fn check(
    schema: &Schema,
    made: &Made,
    resources: &[Prepared],
    names: &SystemNames,
    naming: &Naming,
) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for table in with_rows(schema, &made.rows) {
        for column in table.columns.values() {
            let has = |hint: &str| column.has(hint);
            if is_key(column, names) && is_missing(table, column, &made.seen_keys) {
                if let Some(variant) = table.columns.values().find(|other| is_variant_of(other, column)) {
                    return Err(changed_type(table, column, variant));
                }
                let written = as_written(column, table, resources, naming);
                let way_on = match written {
                    Some(_) => String::new(),
                    None => format!("; if it is the key of an earlier run, {LOAD_AGAIN}"),
                };
                let written = written.unwrap_or_else(|| column.name.clone());
                let role = match (has("primary_key"), has("merge_key")) {
                    (true, _) => "primary_key",
                    (_, true) => "merge_key",
                    _ => "row_version_column_name",
                };
                return Err(Error::data(format!("no record has `{written}`, which is named in {role}"))
                    .at_table(&table.name)
                    .with_hint(format!(
                        "{}; keys that no record has would not tell rows apart{way_on}",
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

fn is_variant_of(other: &Column, column: &Column) -> bool {
    other.is_variant() && other.name.strip_prefix(&column.name).is_some_and(|rest| rest.starts_with("__v_"))
}

const LOAD_AGAIN: &str = "load the table again from its start with `--refresh drop_resources` (Python: refresh=\"drop_resources\")";

fn changed_type(table: &Table, column: &Column, variant: &Column) -> Error {
    Error::data(format!(
        "the values of the key `{}` do not fit its type any more, and went to `{}`",
        column.name, variant.name
    ))
    .at_table(&table.name)
    .at_column(&column.name)
    .with_hint(format!("a key has one type: {LOAD_AGAIN}, or cast the key at the source"))
}

/// The name of a key as its author wrote it in this run; `None` if it is not said there.
fn as_written(column: &Column, table: &Table, resources: &[Prepared], naming: &Naming) -> Option<String> {
    let of_table = resources.iter().filter(|prepared| prepared.tables.contains(&table.name));
    let keys = of_table.flat_map(|prepared| {
        let hints = &prepared.resource.hints;
        let nested = hints.nested_hints.iter().flatten().map(|(_, hints)| hints);
        std::iter::once(hints).chain(nested).flat_map(|hints| [&hints.primary_key, &hints.merge_key])
    });
    let mut names = keys.flatten().flat_map(OneOrMany::names);
    let is_meant = |name: &&str| naming.path(name).is_ok_and(|name| name == column.name);
    names.find(is_meant).map(str::to_owned)
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
