//! Merging: the strategies, and what the hints of a table say about how its new rows meet the stored ones.

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::nearest::choices;
use crate::schema::{Column, Schema, Table};
use crate::value::{DAY_MICROS, DataType, IsoValue, parse_iso};

/// How new rows and stored rows become one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MergeStrategy {
    /// Stored rows with the key of a new row are deleted, then the new rows are inserted.
    #[default]
    DeleteInsert,
    /// Stored rows are updated by the new row with the same primary key; others are inserted.
    Upsert,
    /// Rows with an unknown primary key are inserted; stored rows never change.
    InsertOnly,
    /// Stored rows that are not in the load end to be valid; new versions of rows are inserted.
    Scd2,
    /// The load is the whole truth: stored rows that it does not have are deleted, the others upserted.
    Cdc,
}

impl MergeStrategy {
    /// All strategies, the default first.
    pub const ALL: [Self; 5] = [Self::DeleteInsert, Self::Upsert, Self::Scd2, Self::InsertOnly, Self::Cdc];

    /// The name in hints and stored schemas.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeleteInsert => "delete-insert",
            Self::Upsert => "upsert",
            Self::InsertOnly => "insert-only",
            Self::Scd2 => "scd2",
            Self::Cdc => "cdc",
        }
    }

    /// Whether rows are told apart by the primary key, so that a table without one cannot be merged.
    pub fn needs_primary_key(self) -> bool {
        matches!(self, Self::Upsert | Self::InsertOnly | Self::Cdc)
    }

    /// Whether an option of the write disposition means something to this strategy.
    fn takes(self, option: &str) -> bool {
        match option {
            "deduplicated" => self == Self::DeleteInsert,
            "source_filter" => self != Self::InsertOnly,
            "destination_scope" => matches!(self, Self::DeleteInsert | Self::Scd2 | Self::Cdc),
            "skip_unchanged_rows" => matches!(self, Self::Upsert | Self::Cdc),
            "row_version_column_name" => matches!(self, Self::Scd2 | Self::Upsert | Self::Cdc),
            _ => self == Self::Scd2,
        }
    }

    /// Checks that each of the options means something to this strategy. Errors: one does not.
    pub fn check_options<'a>(self, options: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let Some(option) = options.into_iter().find(|option| !self.takes(option)) else { return Ok(()) };
        let takers: Vec<&str> =
            Self::ALL.into_iter().filter(|other| other.takes(option)).map(Self::as_str).collect();
        Err(Error::of(Code::InvalidMergeOption, format!("merge strategy {self} has no option `{option}`"))
            .with_detail("option", option)
            .with_hint(format!("{option} goes with {}", takers.join(", "))))
    }
}

impl fmt::Display for MergeStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MergeStrategy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == text).ok_or_else(|| {
            Error::of(Code::UnknownMergeStrategy, format!("there is no merge strategy `{text}`"))
                .with_detail("strategy", text)
                .with_hint(choices(text, Self::ALL.map(Self::as_str)))
        })
    }
}

/// Which of several rows with one key stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortOrder {
    /// The one with the lowest value.
    Ascending,
    /// The one with the highest value.
    Descending,
}

/// The cursor that tells which of several new rows with one primary key is the newest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CursorOrder {
    /// Name of the column.
    pub column: String,
    /// Whether the lowest or the highest value is the newest.
    pub order: SortOrder,
}

/// The columns of a table that hold the values which their cursor's own column could not.
pub fn cursor_variants<'a>(table: &'a Table, cursor: &Column) -> Vec<&'a Column> {
    let is_of_cursor = |column: &&Column| {
        let rest = column.name.strip_prefix(&cursor.name).unwrap_or_default();
        column.is_variant() && rest.trim_start_matches('_').starts_with("v_")
    };
    table.complete_columns().filter(is_of_cursor).collect()
}

/// The cursors of root tables of which the newest of several rows with one key stays.
pub type NewestFirst = IndexMap<String, CursorOrder>;

/// The column that marks deleted rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardDelete {
    /// Name of the column.
    pub column: String,
    /// Whether `true` deletes; otherwise any value does.
    pub is_bool: bool,
}

/// How the rows of one root table are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeSettings {
    /// The strategy.
    pub strategy: MergeStrategy,
    /// Columns that identify a row.
    pub primary_key: Vec<String>,
    /// Columns whose rows are replaced together.
    pub merge_key: Vec<String>,
    /// The column that marks deleted rows.
    pub hard_delete: Option<HardDelete>,
    /// The column that says which of several new rows with one primary key stays.
    pub dedup_sort: Option<(String, SortOrder)>,
    /// Whether the new rows have no duplicates.
    pub is_deduplicated: bool,
    /// SQL condition over the new rows.
    pub source_filter: Option<String>,
    /// SQL condition over the stored rows.
    pub destination_scope: Option<String>,
    /// Whether rows are only written where a value differs.
    pub skips_unchanged: bool,
    /// The column that tells versions of a row apart.
    pub row_version: Option<String>,
    /// The columns that say from when to when a row is valid.
    pub validity: Option<(String, String)>,
    /// The end of validity of rows that are valid now, in microseconds since the epoch; null by default.
    pub active_until: Option<i64>,
    /// When the new rows became valid, in microseconds since the epoch; the time of the load by default.
    pub boundary: Option<i64>,
}

impl MergeSettings {
    /// The settings of a root table; `None` if it is not merged.
    ///
    /// Errors: hints that contradict each other, a time or a condition that cannot be read, a key that is missing.
    pub fn of(schema: &Schema, table: &Table) -> Result<Option<Self>> {
        if schema.write_disposition(&table.name) != "merge" {
            return Ok(None);
        }
        Self::read(table).map(Some).map_err(|error| error.at_table(&table.name))
    }

    fn read(table: &Table) -> Result<Self> {
        let strategy =
            table.text_hint("x-merge-strategy").map_or(Ok(MergeStrategy::default()), str::parse)?;
        let names = |hint: &str| table.columns_with(hint).map(|column| column.name.clone()).collect();
        let primary_key: Vec<String> = names("primary_key");
        if strategy.needs_primary_key() && primary_key.is_empty() {
            return Err(Error::of(
                Code::MergeKeyMissing,
                format!("merge strategy {strategy} needs a primary key"),
            )
            .with_detail("strategy", strategy.as_str())
            .with_hint("set primary_key of the resource"));
        }
        let hard_delete = single(table, "hard_delete")?.map(|column| HardDelete {
            column: column.name.clone(),
            is_bool: column.data_type == Some(DataType::Bool),
        });
        let dedup_sort = single(table, "dedup_sort")?
            .map(|column| match column.hints.get("dedup_sort").and_then(Value::as_str) {
                Some("asc") => Ok((column.name.clone(), SortOrder::Ascending)),
                Some("desc") => Ok((column.name.clone(), SortOrder::Descending)),
                _ => Err(Error::of(Code::InvalidValue, "dedup_sort is neither `asc` nor `desc`")
                    .with_detail("key", "dedup_sort")
                    .at_column(&column.name)),
            })
            .transpose()?;
        // Options that another strategy left in a stored schema mean nothing.
        let text = |option: &str, hint: &str| {
            table.text_hint(hint).filter(|_| strategy.takes(option)).map(str::to_owned)
        };
        let flag = |option: &str, hint: &str| {
            strategy.takes(option) && table.hints.get(hint) == Some(&Value::Bool(true))
        };
        let is_scd2 = strategy == MergeStrategy::Scd2;
        let versions =
            if strategy.takes("row_version_column_name") { names("x-row-version") } else { vec![] };
        let valid_to = table.columns_with("x-valid-to").next();
        let valid_from = table.columns_with("x-valid-from").next();
        let active = valid_to.and_then(|column| column.hints.get("x-active-record-timestamp"));
        let settings = Self {
            strategy,
            primary_key,
            merge_key: names("merge_key"),
            hard_delete,
            dedup_sort,
            is_deduplicated: flag("deduplicated", "x-stage-data-deduplicated"),
            source_filter: text("source_filter", "x-merge-source-filter"),
            destination_scope: text("destination_scope", "x-merge-destination-scope"),
            skips_unchanged: flag("skip_unchanged_rows", "x-merge-skip-unchanged-rows"),
            row_version: versions.into_iter().next(),
            validity: valid_from.zip(valid_to).map(|(from, to)| (from.name.clone(), to.name.clone())),
            active_until: if is_scd2 { instant("active_record_timestamp", active)? } else { None },
            boundary: if is_scd2 {
                instant("boundary_timestamp", table.hints.get("x-boundary-timestamp"))?
            } else {
                None
            },
        };
        if let Some(filter) = &settings.source_filter {
            expand("source_filter", filter, &[])?;
        }
        if let Some(scope) = &settings.destination_scope {
            expand("destination_scope", scope, &[("table", ""), ("staging_table", "")])?;
        }
        Ok(settings)
    }

    /// Whether the newest of several new rows with one key is to be found by a cursor: where nothing else says which one
    /// stays, and rows do not stay as they came first.
    pub fn takes_newest(&self) -> bool {
        let strategies = [MergeStrategy::DeleteInsert, MergeStrategy::Upsert, MergeStrategy::Cdc];
        strategies.contains(&self.strategy)
            && !self.is_deduplicated
            && self.dedup_sort.is_none()
            && !self.primary_key.is_empty()
    }

    /// What the user should know: hints without effect, a merge that only appends.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let strategy = self.strategy;
        let has_keys = !(self.primary_key.is_empty() && self.merge_key.is_empty());
        if strategy == MergeStrategy::DeleteInsert && !has_keys && self.destination_scope.is_none() {
            warnings.push("merge without primary_key and merge_key: rows are appended".to_owned());
        }
        if !self.merge_key.is_empty() {
            if matches!(strategy, MergeStrategy::Upsert | MergeStrategy::InsertOnly) {
                warnings.push(format!("merge_key means nothing to merge strategy {strategy}"));
            } else if self.destination_scope.is_some() {
                warnings.push("merge_key means nothing beside destination_scope".to_owned());
            }
        }
        warnings
    }
}

/// What the user should know of merge hints of a table that is not merged.
pub fn unused_hints(table: &Table) -> Vec<String> {
    ["hard_delete", "dedup_sort"]
        .into_iter()
        .filter_map(|hint| {
            let column = &table.columns_with(hint).next()?.name;
            Some(format!("{hint} of column `{column}` means nothing without write disposition merge"))
        })
        .collect()
}

/// The column with a hint that only one may have.
fn single<'a>(table: &'a Table, hint: &'a str) -> Result<Option<&'a Column>> {
    let columns: Vec<&Column> = table.columns_with(hint).collect();
    match columns.as_slice() {
        [] => Ok(None),
        [column] => Ok(Some(column)),
        several => {
            let names: Vec<&str> = several.iter().map(|column| column.name.as_str()).collect();
            Err(Error::of(
                Code::DuplicateHint,
                format!("only one column can have {hint}, not {}", names.join(" and ")),
            )
            .with_detail("hint", hint)
            .with_detail("columns", names.clone()))
        }
    }
}

/// A time as microseconds since the epoch; a date is its midnight in UTC.
fn instant(option: &str, value: Option<&Value>) -> Result<Option<i64>> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let parsed = value.as_str().and_then(parse_iso).and_then(|value| match value {
        IsoValue::Timestamp(timestamp) => Some(timestamp.utc_micros()),
        IsoValue::Date(days) => i64::from(days).checked_mul(DAY_MICROS),
        _ => None,
    });
    match parsed {
        Some(micros) => Ok(Some(micros)),
        None => Err(Error::of(Code::InvalidValue, format!("{option} {value} is no time"))
            .with_detail("key", option)
            .with_hint("write it as in 2024-08-21T12:15:00+00:00")),
    }
}

/// A condition with its placeholders replaced; braces that are meant are written twice.
///
/// Errors: a placeholder that is none of `names`, a single brace.
pub fn expand(option: &str, condition: &str, names: &[(&str, &str)]) -> Result<String> {
    let mut text = String::with_capacity(condition.len());
    let mut rest = condition;
    let wrong = |what: String| {
        let known: Vec<String> = names.iter().map(|(name, _)| format!("{{{name}}}")).collect();
        let known = if known.is_empty() { "it takes none".to_owned() } else { known.join(" or ") };
        Error::of(Code::InvalidValue, format!("{option} has {what}"))
            .with_detail("key", option)
            .with_hint(format!("placeholders: {known}; a brace that is meant is written twice"))
    };
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let (name, after) = after
            .split_once('}')
            .filter(|_| brace == "{")
            .ok_or_else(|| wrong(format!("a single `{brace}`")))?;
        let (_, value) = names
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| wrong(format!("an unknown placeholder `{{{name}}}`")))?;
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::Naming;

    fn settings(table: Table) -> Result<MergeSettings> {
        let mut schema = Schema::new("s", &Naming::default()).unwrap();
        let table = table.with("write_disposition", "merge");
        schema.merge_table(table.clone(), false).unwrap();
        MergeSettings::of(&schema, &table).map(Option::unwrap)
    }

    #[test]
    fn placeholders_are_replaced_and_braces_are_written_twice() {
        let names = [("table", "T")];
        assert_eq!(expand("c", "{table}.a = '{{x}}'", &names).unwrap(), "T.a = '{x}'");
        for bad in ["{other}", "{", "a } b", "{table"] {
            assert!(expand("c", bad, &names).is_err(), "{bad}");
        }
    }

    #[test]
    fn contradictions_are_refused_with_what_to_do() {
        let two = Table::new("t")
            .with_column(Column::new("a").with("hard_delete", true))
            .with_column(Column::new("b").with("hard_delete", true));
        assert!(
            settings(two)
                .unwrap_err()
                .to_string()
                .contains("only one column can have hard_delete, not a and b")
        );
        let upsert = Table::new("t").with("x-merge-strategy", "upsert");
        let error = settings(upsert).unwrap_err();
        assert!(error.to_string().contains("needs a primary key"), "{error}");
        assert_eq!(error.hint(), Some("set primary_key of the resource"));
        let magic = settings(Table::new("t").with("x-merge-strategy", "magic")).unwrap_err();
        assert!(magic.hint().unwrap().contains("insert-only"));
        let soon = Table::new("t").with("x-merge-strategy", "scd2").with("x-boundary-timestamp", "soon");
        assert!(settings(soon).is_err());
    }

    #[test]
    fn options_of_another_strategy_are_refused_when_declared_and_ignored_when_stored() {
        assert!(MergeStrategy::DeleteInsert.check_options(["skip_unchanged_rows"]).is_err());
        assert!(MergeStrategy::Upsert.check_options(["skip_unchanged_rows", "source_filter"]).is_ok());
        let stored = Table::new("t").with("x-merge-skip-unchanged-rows", true);
        assert!(!settings(stored).unwrap().skips_unchanged);
    }

    #[test]
    fn a_date_is_its_midnight() {
        let value = Value::from("9999-12-31");
        assert_eq!(instant("x", Some(&value)).unwrap(), Some(253_402_214_400_000_000));
    }

    #[test]
    fn a_merge_without_keys_is_announced() {
        assert!(settings(Table::new("t")).unwrap().warnings()[0].contains("rows are appended"));
        let key = Column::new("a").with("merge_key", true);
        assert_eq!(settings(Table::new("t").with_column(key)).unwrap().warnings(), Vec::<String>::new());
    }
}
