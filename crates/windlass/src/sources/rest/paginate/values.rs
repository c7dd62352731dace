//! What paginators make of values, as Python makes of them.

use serde_json::Value;
use windlass_core::json::JsonPath;
use windlass_core::{Error, Result};

use super::Answer;

/// Whether a value counts as something: not null, false, zero or empty.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// A whole number, as `int()` makes it: texts of digits, floats cut off, true is one.
pub(super) fn int_of(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(whole),
            #[expect(clippy::cast_possible_truncation, reason = "checked against the range of the type")]
            None => number.as_f64().filter(|float| float.abs() < 9e18).map(|float| float.trunc() as i64),
        },
        Value::String(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

/// A path that is an option; an empty one is none.
pub(super) fn path_of(option: &str, text: Option<&str>) -> Result<Option<JsonPath>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = |error: Error| {
        let hint = error.hint().map(str::to_owned);
        let wrapped = Error::config(format!("`{option}`: {error}"));
        match hint {
            Some(hint) => wrapped.with_hint(hint),
            None => wrapped,
        }
    };
    JsonPath::parse(text).map(Some).map_err(wrong)
}

/// What the server says about whether there is more.
///
/// Errors: it says nothing, or something that is neither a bool nor a text that means one.
pub(super) fn has_more(path: &JsonPath, answer: &Answer<'_>, paginator: &str) -> Result<bool> {
    let value = answer.first(path)?;
    let path = path.as_str();
    match value {
        None | Some(Value::Null) => Err(Error::data(format!(
            "has more value not found in the response: the paginator `{paginator}` expects `{path}`, and there is {}",
            answer.shape()
        ))
        .with_hint("correct `has_more_path`, or set it to null")),
        Some(Value::Bool(value)) => Ok(value),
        Some(value) => value.as_str().and_then(bool_of).ok_or_else(|| {
            Error::data(format!(
                "'{path}' is not a `bool` in the response: the paginator `{paginator}` cannot tell whether there is more"
            ))
            .with_hint("`has_more_path` leads to true or false, or to a text such as `yes` or `no`")
        }),
    }
}

fn bool_of(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "t" | "y" | "1" => Some(true),
        "no" | "false" | "f" | "n" | "0" => Some(false),
        _ => None,
    }
}
