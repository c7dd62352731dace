//! What the hints of tables ask of a destination: what changes the stored data and is not there is refused by name, what
//! only says how it lies on disk is ignored, with one warning.

use std::collections::BTreeSet;

use windlass_core::hints::KeptType;
use windlass_core::merge::MergeStrategy;
use windlass_core::schema::{Schema, Table};
use windlass_core::{Code, Error, Result};

use crate::destination::Destination;

/// Hints of this engine, which are neither physical nor of an adapter.
const OWN_HINTS: [&str; 9] = [
    "x-normalizer",
    "x-merge-",
    "x-stage-data-deduplicated",
    "x-boundary-timestamp",
    "x-row-version",
    "x-valid-",
    "x-active-record-timestamp",
    "x-extractor",
    "x-loader",
];

/// Hints about the place of rows on disk.
const PHYSICAL_HINTS: [&str; 5] = ["partition", "cluster", "sort", "distribution", "index"];

/// Errors: a table format, or a merge strategy that somebody chose, that the destination has not.
pub(super) fn check(schema: &Schema, table: &Table, destination: &dyn Destination) -> Result<()> {
    let kind = destination.kind();
    let format = schema.inherited_hint(&table.name, "table_format").and_then(|format| format.as_str());
    if let Some(format) = format.filter(|format| *format != "native") {
        return Err(Error::of(
            Code::TableFormatUnsupported,
            format!("the {kind} destination has no table format `{format}`"),
        )
        .with_detail("format", format)
        .at_table(&table.name)
        .with_hint(
            "leave table_format out: its only value here is native, the tables or files of the destination",
        ));
    }
    let capabilities = destination.capabilities();
    let strategy = table.text_hint("x-merge-strategy").filter(|_| !capabilities.can_merge());
    // Rows are appended where nothing can be merged, but not as versions, nor without those that are there.
    if let Some(strategy) = strategy.filter(|strategy| *strategy != MergeStrategy::DeleteInsert.as_str()) {
        return Err(Error::of(
            Code::MergeStrategyUnsupported,
            format!("the {kind} destination has no merge strategy `{strategy}`"),
        )
        .with_detail("strategy", strategy)
        .at_table(&table.name)
        .with_hint("use append or replace, or a database as destination"));
    }
    Ok(())
}

/// The hints of a table and its columns that no destination here acts on.
pub(super) fn ignored_hints(table: &Table) -> BTreeSet<String> {
    let is_ignored = |hint: &str| {
        PHYSICAL_HINTS.contains(&hint)
            || (hint.starts_with("x-") && !OWN_HINTS.iter().any(|own| hint.starts_with(own)))
    };
    let of_columns = table
        .columns
        .values()
        .flat_map(|column| column.hints.keys().filter(|hint| column.has(hint)).map(String::as_str));
    let all = table.hints.keys().map(String::as_str).chain(of_columns);
    all.filter(|hint| is_ignored(hint)).map(str::to_owned).collect()
}

/// The one warning about hints that are ignored; `None` without any.
pub(super) fn ignored(kind: &str, hints: &BTreeSet<String>) -> Option<String> {
    let names: Vec<String> = hints.iter().map(|hint| format!("`{hint}`")).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the {kind} destination ignores the physical hints {}: the data is the same",
            names.join(", ")
        )
    })
}

/// The warning about a column that keeps its type.
pub(super) fn kept_type(resource: &str, kept: &KeptType) -> String {
    let KeptType { table, column, declared } = kept;
    format!(
        "resource `{resource}`: column `{}` of `{table}` is {} now, but holds {} already and stays so; values that it \
         cannot hold unchanged go to variant columns (`{}__v_…`)",
        column.name,
        declared.type_text(),
        column.type_text(),
        column.name
    )
}
