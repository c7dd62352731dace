//! What is computed on the way: named operators, comparisons, arithmetic.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::{Number, Value};

use super::{Function, Operator};
use crate::error::{Code, Error, Result};

/// The results of a named operator; none where it has no meaning for this value.
///
/// Errors: an order among values that have none, a pattern that is no regular expression.
pub(super) fn call(function: &Function, value: Value) -> Result<Vec<Value>> {
    let result = match (function, value) {
        (Function::Length, Value::Array(list)) => Some(list.len().into()),
        (Function::Length, Value::Object(members)) => Some(members.len().into()),
        (Function::Length, Value::String(text)) => Some(text.chars().count().into()),
        (Function::Keys, Value::Object(members)) => {
            return Ok(members.into_iter().map(|(key, _)| key.into()).collect());
        }
        (Function::Sorted, Value::Array(list)) => Some(Value::Array(sorted(list)?)),
        (Function::Text, value) => Some(python_text(&value).into()),
        (Function::Substitute { pattern, replacement }, Value::String(text)) => {
            let pattern = Regex::new(pattern).map_err(|cause| {
                Error::of(Code::InvalidPattern, "a pattern of `sub` is not one").with_source(cause)
            })?;
            Some(pattern.replace_all(&text, replacement.as_str()).into_owned().into())
        }
        (Function::Split { separator, part, most }, Value::String(text)) => {
            let parts: Vec<Value> = match usize::try_from(*most) {
                Ok(most) => {
                    text.splitn(most.saturating_add(1), separator.as_str()).map(Value::from).collect()
                }
                Err(_) => text.split(separator.as_str()).map(Value::from).collect(),
            };
            match part {
                None => Some(Value::Array(parts)),
                Some(part) => usize::try_from(*part).ok().and_then(|part| parts.into_iter().nth(part)),
            }
        }
        _ => None,
    };
    Ok(result.into_iter().collect())
}

fn sorted(mut list: Vec<Value>) -> Result<Vec<Value>> {
    if list.windows(2).any(|pair| matches!(pair, [a, b] if compare(a, b).is_none())) {
        return Err(Error::data("a list holds values that have no order, so it cannot be sorted"));
    }
    list.sort_by(|a, b| compare(a, b).unwrap_or(Ordering::Equal));
    Ok(list)
}

/// The order of two values of one type; `None` for others. Nulls and containers are equal or have no order.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (left, right) => (left == right).then_some(Ordering::Equal),
    }
}

/// Two values combined; `None` where that has no meaning.
pub(super) fn add(left: &Value, operator: Operator, right: &Value) -> Option<Value> {
    if let (Value::String(left), Operator::Plus, Value::String(right)) = (left, operator, right) {
        return Some(format!("{left}{right}").into());
    }
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        let whole = match operator {
            Operator::Plus => left.checked_add(right),
            Operator::Minus => left.checked_sub(right),
            Operator::Times => left.checked_mul(right),
        };
        return whole.map(Value::from);
    }
    let (left, right) = (left.as_f64()?, right.as_f64()?);
    Number::from_f64(match operator {
        Operator::Plus => left + right,
        Operator::Minus => left - right,
        Operator::Times => left * right,
    })
    .map(Value::Number)
}

/// The text that the reference makes of a value: `True`, `None`, `1.0`; lists and objects as JSON.
fn python_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}
