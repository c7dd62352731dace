//! The cursor of an endpoint: what the engine's cursor has, and how requests ask for the range.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use windlass_core::hints::OneOrMany;
use windlass_core::incremental::{Bound, Extreme, IncrementalOptions, MissingCursor, RowOrder};
use windlass_core::{Code, Error, Result};

use super::convert::Convert;
use super::placeholder::untyped;
use crate::source::CursorRange;

/// How new records are told from those that were loaded before, and how requests ask for them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RestIncremental {
    /// The parameter of the query that says where the range starts.
    pub start_param: Option<String>,
    /// The parameter of the query that says where the range ends.
    pub end_param: Option<String>,
    /// How the values are written in requests, where the API wants another form than its records have.
    pub convert: Option<Convert>,
    /// The field of a record that grows with time: a name, or a path such as `meta.updated_at`.
    pub cursor_path: Option<String>,
    /// Where the first run starts; everything is loaded when left out.
    pub initial_value: Value,
    /// Where the range ends. A run with an end loads just that range and neither reads nor changes the state.
    pub end_value: Value,
    /// Which of two cursor values is the later one.
    pub last_value_func: Option<Extreme>,
    /// Columns that identify a record, for those that have the last value of the run before.
    pub primary_key: Option<OneOrMany>,
    /// The order in which the API gives its records, if it has one: reading stops where the range ends.
    pub row_order: Option<RowOrder>,
    /// Whether a scheduler may set the range. Not supported: set `initial_value` and `end_value`.
    pub allow_external_schedulers: Option<bool>,
    /// What happens to records whose cursor is missing or null.
    pub on_cursor_value_missing: Option<MissingCursor>,
    /// How far before the last value reading starts: seconds for timestamps, days for dates, else a number.
    pub lag: Option<f64>,
    /// Whether records with the start value belong to the range.
    pub range_start: Option<Bound>,
    /// Whether records with the end value belong to the range.
    pub range_end: Option<Bound>,
}

impl RestIncremental {
    /// The engine's options. Errors: no `cursor_path`, a cursor that cannot be.
    pub(crate) fn options(&self) -> Result<IncrementalOptions> {
        let path = self.cursor_path.clone().ok_or_else(|| {
            Error::of(Code::MissingKey, "`incremental` has no `cursor_path`")
                .with_detail("key", "cursor_path")
                .with_hint("name the field of a record that grows with time, such as `updated_at`")
        })?;
        let defaults = IncrementalOptions::new(path);
        let options = IncrementalOptions {
            initial_value: self.initial_value.clone(),
            end_value: self.end_value.clone(),
            last_value_func: self.last_value_func.unwrap_or_default(),
            primary_key: self.primary_key.clone(),
            row_order: self.row_order,
            allow_external_schedulers: self.allow_external_schedulers,
            on_cursor_value_missing: self.on_cursor_value_missing.unwrap_or_default(),
            lag: self.lag,
            range_start: self.range_start.unwrap_or(defaults.range_start),
            range_end: self.range_end.unwrap_or(defaults.range_end),
            ..defaults
        };
        options.validate()?;
        Ok(options)
    }

    /// What requests need of it.
    pub(crate) fn requests(&self) -> CursorRequests {
        CursorRequests {
            start_param: self.start_param.clone(),
            end_param: self.end_param.clone(),
            convert: self.convert.clone(),
        }
    }
}

/// How requests ask for the range of a cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CursorRequests {
    /// The parameter for the start.
    pub(crate) start_param: Option<String>,
    /// The parameter for the end.
    pub(crate) end_param: Option<String>,
    /// The form of the values.
    pub(crate) convert: Option<Convert>,
}

/// A value of the cursor that placeholders may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorValue {
    Start,
    Initial,
    Last,
    End,
}

impl CursorValue {
    /// The values by their names in placeholders.
    pub(crate) const NAMES: [(&'static str, Self); 4] = [
        ("start_value", Self::Start),
        ("initial_value", Self::Initial),
        ("last_value", Self::Last),
        ("end_value", Self::End),
    ];
}

/// The values of a cursor at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CursorMoment {
    start: Value,
    initial: Value,
    last: Value,
    end: Value,
}

impl CursorMoment {
    /// The values of now.
    pub(crate) fn of(range: &CursorRange) -> Self {
        let value = |value: &Option<Value>| value.clone().unwrap_or_default();
        let last = range.last_value.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Self {
            start: value(&range.start_value),
            initial: value(&range.initial_value),
            last: last.clone().or_else(|| range.start_value.clone()).unwrap_or_default(),
            end: value(&range.end_value),
        }
    }

    /// One of the values in the form that requests want.
    pub(crate) fn value(&self, which: CursorValue, requests: &CursorRequests) -> Result<Value> {
        let value = match which {
            CursorValue::Start => &self.start,
            CursorValue::Initial => &self.initial,
            CursorValue::Last => &self.last,
            CursorValue::End => &self.end,
        };
        match &requests.convert {
            Some(convert) if !value.is_null() => convert.apply(value),
            _ => Ok(value.clone()),
        }
    }

    /// The parameters for start and end; those without a value are left out when they are sent.
    pub(crate) fn params(&self, requests: &CursorRequests) -> Result<Vec<(String, Value)>> {
        let converted = |value: &Value| match &requests.convert {
            Some(convert) => convert.apply(value),
            None => Ok(untyped(value.clone())),
        };
        let mut params = Vec::new();
        if let Some(name) = &requests.start_param {
            params.push((name.clone(), converted(&self.last)?));
        }
        if let Some(name) = &requests.end_param {
            params.push((name.clone(), converted(&self.end)?));
        }
        Ok(params)
    }
}
