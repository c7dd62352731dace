//! What is said about the cursor of a resource.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::{self, TextOrder};
use crate::error::{Code, Error, Result};
use crate::hints::OneOrMany;
use crate::json::Select;
use crate::naming::Naming;

/// How new records are told from those that were loaded before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncrementalOptions {
    /// The field of a record that grows with time: a name, or a path such as `meta.updated_at`.
    pub cursor_path: String,
    /// Where the first run starts; everything is loaded when left out.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub initial_value: Value,
    /// Where the range ends. A run with an end loads just that range and neither reads nor changes the state.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub end_value: Value,
    /// Which of two cursor values is the later one.
    #[serde(default)]
    pub last_value_func: Extreme,
    /// Columns that identify a record, for those that have the last value of the run before; the resource's primary
    /// key by default, else the whole record. An empty list loads them again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<OneOrMany>,
    /// The order in which the source gives its records, if it has one: reading stops where the range ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_order: Option<RowOrder>,
    /// Whether a scheduler may set the range. Not supported: set `initial_value` and `end_value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_external_schedulers: Option<bool>,
    /// What happens to records whose cursor is missing or null.
    #[serde(default)]
    pub on_cursor_value_missing: MissingCursor,
    /// How far before the last value reading starts: seconds for timestamps, days for dates, else a number. Records in
    /// between are loaded again, so that they should be merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub lag: Option<f64>,
    /// What keeps records safe that become visible later than others with a later cursor; for SQL databases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// Whether records with the start value belong to the range.
    #[serde(default = "closed")]
    pub range_start: Bound,
    /// Whether records with the end value belong to the range.
    #[serde(default = "open")]
    pub range_end: Bound,
}

fn closed() -> Bound {
    Bound::Closed
}

fn open() -> Bound {
    Bound::Open
}

/// Which of two cursor values is the later one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Extreme {
    /// The larger one.
    #[default]
    Max,
    /// The smaller one: loading walks backwards.
    Min,
}

impl Extreme {
    /// The order in which a later value is the greater one.
    pub(super) fn order(self, order: Ordering) -> Ordering {
        match self {
            Self::Max => order,
            Self::Min => order.reverse(),
        }
    }
}

/// The order of the records of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RowOrder {
    /// Cursor values ascend.
    Asc,
    /// Cursor values descend.
    Desc,
}

/// What happens to records whose cursor is missing or null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MissingCursor {
    /// The run fails.
    #[default]
    Raise,
    /// They are loaded, in every run.
    Include,
    /// They are left out.
    Exclude,
}

/// What keeps records safe that become visible later than others with a later cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// Only records of transactions that ended before the oldest one that still runs are read.
    Snapshot,
}

/// Whether the end of a range belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// It does not.
    Open,
    /// It does.
    Closed,
}

impl IncrementalOptions {
    /// A cursor with the defaults of everything else.
    pub fn new(cursor_path: impl Into<String>) -> Self {
        Self {
            cursor_path: cursor_path.into(),
            initial_value: Value::Null,
            end_value: Value::Null,
            last_value_func: Extreme::default(),
            primary_key: None,
            row_order: None,
            allow_external_schedulers: None,
            on_cursor_value_missing: MissingCursor::default(),
            lag: None,
            guard: None,
            range_start: Bound::Closed,
            range_end: Bound::Open,
        }
    }

    /// Errors: a path that is none, a range that ends before it starts, a lag that is negative.
    pub fn validate(&self) -> Result<()> {
        let path = Select::parse_value(&self.cursor_path)?;
        if path.is_root() {
            return Err(Error::of(Code::InvalidCursorOptions, "`cursor_path` is empty")
                .with_hint("name the field of a record that grows with time, such as `updated_at`"));
        }
        if self.allow_external_schedulers == Some(true) {
            return Err(Error::unsupported("a range set by an external scheduler is not supported")
                .with_hint("set `initial_value` and `end_value`, which may come from the environment"));
        }
        if self.lag.is_some_and(|lag| !lag.is_finite() || lag < 0.0) {
            return Err(Error::of(Code::InvalidCursorOptions, "`lag` is not a positive number")
                .with_hint("give seconds for timestamps, days for dates, else a number"));
        }
        let initial = value::from_json(&self.initial_value).map_err(|e| e.at_column("initial_value"))?;
        let end = value::from_json(&self.end_value).map_err(|e| e.at_column("end_value"))?;
        let Some(end) = end else { return Ok(()) };
        let Some(initial) = initial else {
            return Err(Error::of(
                Code::InvalidCursorOptions,
                "`end_value` is set, but `initial_value` is not",
            )
            .with_hint("a range needs both ends"));
        };
        // Texts may stand for instants or numbers, which the type of the column says. Only what is wrong in any case is.
        let order =
            |texts| value::compare_by(texts, &end, &initial).or_else(|| value::compare(&end, &initial));
        let orders = [TextOrder::Instants, TextOrder::Numbers].map(order);
        let orders = orders.map(|order| order.map(|order| self.last_value_func.order(order)));
        match orders.into_iter().max().flatten() {
            None => Err(Error::of(
                Code::InvalidCursorOptions,
                "`initial_value` and `end_value` are of different types",
            )
            .with_hint("write both as a number, or both as a text")),
            Some(Ordering::Less) => {
                let (is, func) = match self.last_value_func {
                    Extreme::Max => ("before", "max"),
                    Extreme::Min => ("after", "min"),
                };
                Err(Error::of(Code::InvalidCursorOptions, format!("`end_value` is {is} `initial_value`"))
                    .with_hint(format!(
                        "with last_value_func {func} the range runs from initial_value to end_value"
                    )))
            }
            Some(_) => Ok(()),
        }
    }

    /// Whether the state is left alone, because the range has an end.
    pub fn is_stateless(&self) -> bool {
        !self.end_value.is_null()
    }

    /// The name of the field, if the path is nothing but a name.
    pub fn column(&self) -> Option<String> {
        let path = Select::parse_value(&self.cursor_path).ok()?;
        match path.keys()?.as_slice() {
            [key] if !self.cursor_path.trim_start().starts_with('$') => Some((*key).to_owned()),
            _ => None,
        }
    }

    /// The column that holds the cursor: its path as the names of a table; `None` for a path through lists.
    pub fn column_name(&self, naming: &Naming) -> Option<String> {
        let path = Select::parse_value(&self.cursor_path).ok()?;
        match path.keys()?.as_slice() {
            [] => None,
            [key] => naming.path(key).ok(),
            keys => {
                let parts: Vec<String> =
                    keys.iter().map(|key| naming.identifier(key)).collect::<Result<_>>().ok()?;
                naming.shorten_fragments(&parts)
            }
        }
    }

    /// Whether reading can stop before the end of the data, because records come in the order of the cursor.
    pub fn can_stop_early(&self) -> bool {
        self.row_order.is_some_and(|order| !self.is_towards(order) || self.is_stateless())
    }

    /// Whether records in this order come from the start of the range towards its end.
    pub(super) fn is_towards(&self, order: RowOrder) -> bool {
        (order == RowOrder::Asc) == (self.last_value_func == Extreme::Max)
    }

    /// Whether all records before the one read last are known to be read, so that a run may end anywhere.
    pub fn can_resume(&self) -> bool {
        self.row_order.is_some_and(|order| self.is_towards(order))
    }
}
