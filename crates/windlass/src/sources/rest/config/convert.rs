//! How a cursor value is written in a request.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::value::{
    CivilDate, DAY_MICROS, IsoValue, Timestamp, format_timestamp, parse_iso, strip_tag,
};
use windlass_core::{Error, Result};

use crate::steps::{Step, StepRunner};

/// How a cursor value is written in a request.
///
/// Times are texts such as `2024-01-31T10:00:00Z` or `2024-01-31`, or numbers: seconds since 1970, or milliseconds from
/// 100000000000 on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Convert {
    /// Whole seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// `2024-01-31T10:00:00Z`.
    Iso,
    /// `2024-01-31`.
    Date,
    /// As a format of C's `strftime` says, such as `%Y-%m-%d %H:%M`, in UTC.
    Strftime(String),
    /// What a jq expression makes of it.
    Jq(String),
}

const SECOND_MICROS: i64 = 1_000_000;

/// Numbers from here on are milliseconds: as seconds they would be the year 5138.
const FIRST_MILLISECONDS: f64 = 1e11;

impl Convert {
    /// Errors: an expression that is not jq, a directive of `strftime` that is not known.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Jq(expression) => StepRunner::new(&[Step::Map(expression.clone())]).map(|_| ()),
            Self::Strftime(format) => strftime(format, 0).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// The value in its other form; nothing stays nothing, but a jq expression sees it.
    ///
    /// Errors: a value that is no time, an expression that fails.
    pub(crate) fn apply(&self, value: &Value) -> Result<Value> {
        if let Self::Jq(expression) = self {
            return jq(expression, value);
        }
        if value.is_null() {
            return Ok(Value::Null);
        }
        let micros = instant(value).ok_or_else(|| {
            Error::config("a cursor value is no time, so that `convert` cannot write it in another form")
                .with_hint("convert: {jq: \"…\"} takes any value")
        })?;
        Ok(match self {
            Self::EpochSeconds => micros.div_euclid(SECOND_MICROS).into(),
            Self::EpochMilliseconds => micros.div_euclid(1000).into(),
            Self::Iso => {
                let mut text = String::new();
                format_timestamp(&mut text, Timestamp { micros, offset: None }, 'T');
                text.push('Z');
                text.into()
            }
            Self::Date => strftime("%Y-%m-%d", micros)?.into(),
            Self::Strftime(format) => strftime(format, micros)?.into(),
            Self::Jq(_) => Value::Null,
        })
    }
}

fn jq(expression: &str, value: &Value) -> Result<Value> {
    let mut out = Vec::new();
    let seen = match value {
        Value::String(text) => strip_tag(text).map_or(text.as_str(), |(_, body)| body).into(),
        other => other.clone(),
    };
    StepRunner::new(&[Step::Map(expression.to_owned())])?.run(seen.to_string().as_bytes(), &mut out)?;
    let first = out.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(serde_json::from_slice(first).unwrap_or_default())
}

/// Microseconds since 1970 of a time in one of its forms.
fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64()?;
            let seconds = if number.abs() >= FIRST_MILLISECONDS { number / 1000.0 } else { number };
            let micros = (seconds * SECOND_MICROS as f64).round();
            (micros.abs() < i64::MAX as f64).then_some(micros as i64)
        }
        Value::String(text) => {
            let text = strip_tag(text).map_or(text.as_str(), |(_, body)| body);
            match parse_iso(text) {
                Some(IsoValue::Timestamp(timestamp)) => Some(timestamp.utc_micros()),
                Some(IsoValue::Date(days)) => Some(i64::from(days) * DAY_MICROS),
                Some(IsoValue::Time(_)) => None,
                None => instant(&Value::from(text.parse::<f64>().ok()?)),
            }
        }
        _ => None,
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A time in UTC by a format of `strftime`.
///
/// Errors: a directive that is not known, a year that has not four digits.
fn strftime(format: &str, micros: i64) -> Result<String> {
    let days = micros.div_euclid(DAY_MICROS);
    let within = micros.rem_euclid(DAY_MICROS);
    let date =
        CivilDate::from_days(days).ok_or_else(|| Error::config("the year of a time has not four digits"))?;
    let (seconds, fraction) = (within / SECOND_MICROS, within % SECOND_MICROS);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let month = MONTHS[date.month as usize - 1];
    // 1970-01-01 was a Thursday.
    let weekday = (days + 3).rem_euclid(7);
    let weekday_name = WEEKDAYS[weekday as usize];
    let mut out = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let directive = rest.next();
        // Writing to a String cannot fail.
        let _ = match directive {
            Some('Y') => write!(out, "{:04}", date.year),
            Some('y') => write!(out, "{:02}", date.year % 100),
            Some('m') => write!(out, "{:02}", date.month),
            Some('d') => write!(out, "{:02}", date.day),
            Some('e') => write!(out, "{:2}", date.day),
            Some('H') => write!(out, "{hour:02}"),
            Some('I') => write!(out, "{:02}", (hour + 11) % 12 + 1),
            Some('p') => write!(out, "{}", if hour < 12 { "AM" } else { "PM" }),
            Some('M') => write!(out, "{minute:02}"),
            Some('S') => write!(out, "{second:02}"),
            Some('f') => write!(out, "{fraction:06}"),
            Some('s') => write!(out, "{}", micros.div_euclid(SECOND_MICROS)),
            Some('F') => write!(out, "{:04}-{:02}-{:02}", date.year, date.month, date.day),
            Some('T') => write!(out, "{hour:02}:{minute:02}:{second:02}"),
            Some('j') => {
                let first = CivilDate { month: 1, day: 1, ..date };
                write!(out, "{:03}", days - i64::from(first.days()) + 1)
            }
            Some('u') => write!(out, "{}", weekday + 1),
            Some('w') => write!(out, "{}", (weekday + 1) % 7),
            Some('A') => write!(out, "{weekday_name}"),
            Some('a') => write!(out, "{}", &weekday_name[..3]),
            Some('B') => write!(out, "{month}"),
            Some('b') => write!(out, "{}", &month[..3]),
            Some('z') => write!(out, "+0000"),
            Some('Z') => write!(out, "UTC"),
            Some('%') => write!(out, "%"),
            other => {
                let shown = other.map(String::from).unwrap_or_default();
                return Err(Error::config(format!("`%{shown}` in `{format}` is no directive of strftime"))
                    .with_hint("there are Y y m d e H I p M S f s F T j u w A a B b z Z, and %% for %"));
            }
        };
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(convert: Value, value: Value, expected: Value) {
        let convert: Convert = serde_json::from_value(convert).unwrap();
        convert.check().unwrap();
        assert_eq!(convert.apply(&value).unwrap(), expected, "{convert:?} of {value}");
    }

    #[test]
    fn times_change_their_form() {
        let iso = json!("2024-01-11T00:00:00Z");
        check(json!("epoch_seconds"), iso.clone(), json!(1_704_931_200));
        check(
            json!("epoch_milliseconds"),
            json!("2024-01-11T02:00:00.5+02:00"),
            json!(1_704_931_200_500_i64),
        );
        check(json!("epoch_seconds"), json!("2024-01-11"), json!(1_704_931_200));
        check(json!("iso"), json!(1_704_931_200), iso.clone());
        check(json!("iso"), json!(1_704_931_200_250_i64), json!("2024-01-11T00:00:00.250000Z"));
        check(json!("iso"), json!("1704931200"), iso.clone());
        check(json!("date"), iso.clone(), json!("2024-01-11"));
        check(
            json!({"strftime": "%d.%m.%y %I:%M %p %j %a %b %%"}),
            iso.clone(),
            json!("11.01.24 12:00 AM 011 Thu Jan %"),
        );
        check(json!("date"), Value::Null, Value::Null);
        check(json!("iso"), json!("\u{f027}2024-01-11 00:00:00+00:00"), iso);
    }

    #[cfg(feature = "jq")]
    #[test]
    fn a_jq_expression_sees_everything() {
        check(json!({"jq": ". + 1"}), json!(5), json!(6));
        check(json!({"jq": ". // \"none\""}), Value::Null, json!("none"));
        check(json!({"jq": "split(\"T\")[0]"}), json!("2024-01-11T00:00:00Z"), json!("2024-01-11"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        assert!(Convert::Iso.apply(&json!("soon")).is_err());
        assert!(Convert::Date.apply(&json!([1])).is_err());
        assert!(Convert::Strftime("%Q".to_owned()).check().is_err());
        assert!(Convert::Strftime("50%".to_owned()).check().is_err());
    }
}
