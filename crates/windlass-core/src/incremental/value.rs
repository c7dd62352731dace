//! Cursor values: their JSON form, their order, and what may be one.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::error::{Error, Result};
use crate::value::{
    DAY_MICROS, Decimal, IsoValue, Scalar, Tag, Timestamp, decode_tagged, encode_tagged, escape_text,
    format_date, format_timestamp, parse_far, parse_iso, parse_timestamp,
};

/// A cursor value from its stored form, which may be a typed string; `None` for null.
///
/// Errors: a value that has no order.
pub(super) fn from_json(value: &Value) -> Result<Option<Scalar<'static>>> {
    let scalar = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), ..) => Scalar::Int(value),
            (None, Some(value), _) => Scalar::Wei(value.into()),
            (None, None, Some(value)) => Scalar::Double(value),
            (None, None, None) => return Err(unordered("a number of unknown form")),
        },
        Value::String(text) => decode_tagged(text).into_owned(),
        Value::Bool(_) => Scalar::Bool(true),
        Value::Array(_) | Value::Object(_) => return Err(unordered("a list or an object")),
    };
    check(&scalar)?;
    Ok(Some(scalar))
}

/// The stored form of a cursor value.
pub(super) fn to_json(value: &Scalar<'_>) -> Value {
    let mut text = String::new();
    match value {
        Scalar::Int(value) => (*value).into(),
        Scalar::Double(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Scalar::Text(text) => escape_text(text).into(),
        Scalar::Timestamp(timestamp) => {
            format_timestamp(&mut text, *timestamp, 'T');
            encode_tagged(Tag::Timestamp, &text).into()
        }
        Scalar::Date(days) => {
            format_date(&mut text, i64::from(*days));
            encode_tagged(Tag::Date, &text).into()
        }
        Scalar::Decimal(number) => encode_tagged(Tag::Decimal, &number.to_string()).into(),
        Scalar::Wei(number) => {
            let text = number.to_string();
            // Python's integers have no end; JSON numbers stop at 64 bits.
            text.parse::<u64>().map_or_else(|_| encode_tagged(Tag::Wei, &text).into(), Value::from)
        }
        // Refused by `check` before they get here.
        Scalar::Null | Scalar::Bool(_) | Scalar::Time(_) | Scalar::Binary(_) | Scalar::Json(_) => Value::Null,
    }
}

/// Errors: a value that has no order, or none that lasts.
pub(super) fn check(value: &Scalar<'_>) -> Result<()> {
    match value {
        Scalar::Double(number) if !number.is_finite() => Err(unordered("NaN or infinite")),
        Scalar::Decimal(number) if !number.is_finite() => Err(unordered("NaN or infinite")),
        Scalar::Null | Scalar::Bool(_) | Scalar::Time(_) | Scalar::Binary(_) | Scalar::Json(_) => {
            Err(unordered(kind(value)))
        }
        _ => Ok(()),
    }
}

fn unordered(what: &str) -> Error {
    Error::data(format!("the cursor value is {what}"))
        .with_hint("a cursor must be a number, a text, a timestamp or a date; choose another cursor_path")
}

/// How texts are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextOrder {
    /// Letter by letter.
    #[default]
    Letters,
    /// By the instants that they mean: `…:00.5Z` sorts before `…:00Z` by its letters.
    Instants,
    /// By the numbers that they mean: `10` sorts before `9` by its letters.
    Numbers,
}

impl TextOrder {
    /// The order of texts in a column that is declared to have this type.
    pub fn of_type(declared: Option<&str>) -> Self {
        match declared {
            Some("timestamp" | "date") => Self::Instants,
            Some("bigint" | "decimal" | "double" | "wei") => Self::Numbers,
            _ => Self::Letters,
        }
    }

    /// The error for texts of which one means what the others do, and one does not.
    pub(super) fn mixed(self) -> Error {
        match self {
            Self::Numbers => {
                Error::data("the cursor is a number in one record and another text in the next")
                    .with_hint("its column is declared as a number: write all of them as numbers")
            }
            _ => Error::data("the cursor is a date or a time in one record and another text in the next").with_hint(
                "its column is declared as a timestamp or date: write all of them as ISO dates and times, such as \
                 2024-01-01T00:00:00Z",
            ),
        }
    }
}

/// What kind of value it is, for errors.
pub(super) fn kind(value: &Scalar<'_>) -> &'static str {
    match value {
        Scalar::Null => "null",
        Scalar::Bool(_) => "true or false",
        Scalar::Int(_) | Scalar::Double(_) | Scalar::Decimal(_) | Scalar::Wei(_) => "a number",
        Scalar::Text(_) => "a text",
        Scalar::Timestamp(_) => "a timestamp",
        Scalar::Date(_) => "a date",
        Scalar::Time(_) => "a time of day",
        Scalar::Binary(_) => "bytes",
        Scalar::Json(_) => "a list or an object",
    }
}

/// The order of two cursor values; `None` if they have none. Naive timestamps are taken as UTC.
#[inline]
pub(super) fn compare(a: &Scalar<'_>, b: &Scalar<'_>) -> Option<Ordering> {
    match (a, b) {
        (Scalar::Int(a), Scalar::Int(b)) => Some(a.cmp(b)),
        (Scalar::Text(a), Scalar::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Scalar::Timestamp(a), Scalar::Timestamp(b)) => Some(a.utc_micros().cmp(&b.utc_micros())),
        (Scalar::Date(a), Scalar::Date(b)) => Some(a.cmp(b)),
        (Scalar::Double(a), Scalar::Double(b)) => a.partial_cmp(b),
        (Scalar::Int(a), Scalar::Double(b)) => int_and_double(*a, *b),
        (Scalar::Double(a), Scalar::Int(b)) => int_and_double(*b, *a).map(Ordering::reverse),
        _ => decimal(a)?.compare(decimal(b)?.as_ref()),
    }
}

/// The same, with texts in their order. `None` for a text that means an instant or a number beside one that means none.
#[inline]
pub(super) fn compare_by(order: TextOrder, a: &Scalar<'_>, b: &Scalar<'_>) -> Option<Ordering> {
    match (order, a, b) {
        (TextOrder::Letters, ..) => compare(a, b),
        (TextOrder::Instants, Scalar::Text(one), Scalar::Text(other)) => {
            match (instant(one), instant(other)) {
                (Some(one), Some(other)) => Some(one.cmp(&other)),
                (None, None) => compare(a, b),
                _ => None,
            }
        }
        (TextOrder::Instants, Scalar::Text(text), Scalar::Timestamp(_) | Scalar::Date(_)) => {
            Some(instant(text)?.cmp(&moment(b)?))
        }
        (TextOrder::Instants, Scalar::Timestamp(_) | Scalar::Date(_), Scalar::Text(text)) => {
            Some(moment(a)?.cmp(&instant(text)?))
        }
        (TextOrder::Numbers, Scalar::Text(one), Scalar::Text(other)) => match (number(one), number(other)) {
            (Some(one), Some(other)) => one.compare(&other),
            (None, None) => compare(a, b),
            _ => None,
        },
        (TextOrder::Numbers, Scalar::Text(text), _) => number(text)?.compare(decimal(b)?.as_ref()),
        (TextOrder::Numbers, _, Scalar::Text(text)) => decimal(a)?.compare(&number(text)?),
        _ => compare(a, b),
    }
}

/// The number that a text means, if it has a place among the others.
fn number(text: &str) -> Option<Decimal> {
    Decimal::parse(text.trim()).filter(Decimal::is_finite)
}

/// The microseconds since the epoch that an ISO text means; a text without offset counts as UTC.
fn instant(text: &str) -> Option<i64> {
    if let Some(timestamp) = parse_timestamp(text) {
        return Some(timestamp.utc_micros());
    }
    match parse_iso(text)? {
        IsoValue::Timestamp(timestamp) => Some(timestamp.utc_micros()),
        IsoValue::Date(days) => Some(i64::from(days) * DAY_MICROS),
        IsoValue::Time(_) => None,
    }
}

fn moment(value: &Scalar<'_>) -> Option<i64> {
    match value {
        Scalar::Timestamp(timestamp) => Some(timestamp.utc_micros()),
        Scalar::Date(days) => Some(i64::from(*days) * DAY_MICROS),
        _ => None,
    }
}

/// Whether a value is a number that has a place among the others.
pub(super) fn has_place(value: &Scalar<'_>) -> bool {
    match value {
        Scalar::Double(number) => number.is_finite(),
        Scalar::Decimal(number) | Scalar::Wei(number) => number.is_finite(),
        _ => true,
    }
}

/// Exact, unlike the comparison of both as floats.
fn int_and_double(int: i64, double: f64) -> Option<Ordering> {
    // 2^63, the first float past the integers.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        return None;
    }
    if double >= LIMIT {
        return Some(Ordering::Less);
    }
    if double < -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = double.trunc() as i64;
    Some(int.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(double.fract() + 0.0))))
}

fn decimal<'a>(value: &'a Scalar<'_>) -> Option<Cow<'a, Decimal>> {
    match value {
        Scalar::Decimal(number) | Scalar::Wei(number) => Some(Cow::Borrowed(number)),
        Scalar::Int(number) => Some(Cow::Owned(Decimal::from(*number))),
        Scalar::Double(number) => Some(Cow::Owned(Decimal::from_f64(*number))),
        _ => None,
    }
}

/// A value that many cursors are compared with: one end of the range.
///
/// Settings files have no timestamps, so that a text is read as one where the cursors are timestamps or dates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limit {
    pub(super) value: Scalar<'static>,
    iso: Option<IsoValue>,
    order: TextOrder,
}

impl Limit {
    pub(super) fn new(value: Scalar<'static>) -> Self {
        let iso = match &value {
            // Python has no dates beyond the year 9999, and keeps their text.
            Scalar::Text(text) => parse_iso(text).or_else(|| parse_far(text)),
            _ => None,
        };
        Self { value, iso, order: TextOrder::Letters }
    }

    /// The same, with texts compared in this order.
    pub(super) fn of_texts(self, order: TextOrder) -> Self {
        Self { order, ..self }
    }

    /// The order of a cursor relative to this limit.
    ///
    /// Errors: they cannot be compared; `what` names the limit.
    #[inline]
    pub(super) fn order_of(&self, cursor: &Scalar<'_>, what: &str) -> Result<Ordering> {
        compare_by(self.order, cursor, &self.value).or_else(|| self.as_iso(cursor)).ok_or_else(|| {
            if matches!((cursor, &self.value), (Scalar::Text(_), Scalar::Text(_))) {
                return self.order.mixed();
            }
            Error::data(format!(
                "the cursor is {}, but the {what} is {}",
                kind(cursor),
                kind(&self.value)
            ))
            .with_hint(
                "give initial_value and end_value the type of the cursor; if the source changed its type, forget the \
                 state of the resource and load it again",
            )
        })
    }

    fn as_iso(&self, cursor: &Scalar<'_>) -> Option<Ordering> {
        match (cursor, self.iso?) {
            (Scalar::Timestamp(cursor), IsoValue::Timestamp(limit)) => {
                Some(cursor.utc_micros().cmp(&limit.utc_micros()))
            }
            (Scalar::Timestamp(cursor), IsoValue::Date(days)) => {
                let limit = Timestamp { micros: i64::from(days) * DAY_MICROS, offset: None };
                Some(cursor.utc_micros().cmp(&limit.utc_micros()))
            }
            (Scalar::Date(cursor), IsoValue::Date(limit)) => Some(cursor.cmp(&limit)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scalar(value: Value) -> Scalar<'static> {
        from_json(&value).unwrap().unwrap()
    }

    #[test]
    fn numbers_compare_exactly_whatever_their_type() {
        let ascending = [
            json!(-1.5),
            json!(-1),
            json!(0.5),
            json!(1),
            json!("\u{f026}1.25"),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_994.0),
            json!(i64::MAX),
            json!(9_223_372_036_854_775_808.0),
            json!(u64::MAX),
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                let order = compare(&scalar(a.clone()), &scalar(b.clone()));
                assert_eq!(order, Some(i.cmp(&j)), "{a} {b}");
            }
        }
        assert_eq!(compare(&scalar(json!(1)), &scalar(json!(1.0))), Some(Ordering::Equal));
        assert_eq!(compare(&scalar(json!(0)), &scalar(json!(-0.0))), Some(Ordering::Equal));
        assert_eq!(compare(&scalar(json!(1)), &scalar(json!("1"))), None);
    }

    #[test]
    fn stored_forms_read_back() {
        for value in [
            json!(1),
            json!(2.5),
            json!("x"),
            json!("\u{f02f}\u{f027}2024-01-02"),
            json!("\u{f027}+12024-01-02T03:04:05+00:00"),
            json!("\u{f027}2024-01-02T03:04:05.000060+00:00"),
            json!("\u{f027}2024-01-01T00:00:00"),
            json!("\u{f027}2024-01-01T00:00:00+02:00"),
            json!("\u{f028}2024-01-01"),
            json!("\u{f026}1.50"),
            json!(u64::MAX),
            json!("\u{f02c}123456789012345678901234567890"),
        ] {
            assert_eq!(to_json(&scalar(value.clone())), value);
        }
        assert_eq!(from_json(&Value::Null).unwrap(), None);
        for wrong in [json!(true), json!([1]), json!({}), json!("\u{f02d}01:00:00"), json!("\u{f02b}YWI=")] {
            assert!(from_json(&wrong).unwrap_err().hint().is_some(), "{wrong}");
        }
    }

    #[test]
    fn texts_of_a_timestamp_column_are_compared_by_the_instants_that_they_mean() {
        let ascending = [
            "2023-10-29T02:30:00+02:00",
            "2023-10-29T02:10:00+01:00",
            "2024-01-01",
            "2024-01-01T00:00:00.5Z",
            "2024-01-01T00:00:01Z",
            "2024-01-01 00:00:01.000001",
        ];
        let text = |text: &'static str| Scalar::Text(text.into());
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare_by(TextOrder::Instants, &text(a), &text(b)), Some(i.cmp(&j)), "{a} {b}");
                let limit = Limit::new(text(b)).of_texts(TextOrder::Instants);
                assert_eq!(limit.order_of(&text(a), "x").unwrap(), i.cmp(&j), "{a} {b}");
            }
        }
        let same = [text("2024-01-01T00:00:00Z"), text("2024-01-01"), text("2024-01-01T01:00+01:00")];
        assert!(
            same.iter().all(|one| compare_by(TextOrder::Instants, one, &same[0]) == Some(Ordering::Equal))
        );
        assert_eq!(compare_by(TextOrder::Instants, &text("a"), &text("b")), Some(Ordering::Less));
        assert_eq!(compare_by(TextOrder::Instants, &text("2024-01-01"), &text("soon")), None);
        assert!(
            Limit::new(text("2024-01-01"))
                .of_texts(TextOrder::Instants)
                .order_of(&text("soon"), "x")
                .is_err()
        );
        assert_eq!(
            compare_by(TextOrder::Letters, &text("2024-01-01T00:00:00.5Z"), &same[0]),
            Some(Ordering::Less)
        );
    }

    #[test]
    fn texts_of_a_column_of_numbers_are_compared_by_their_numbers() {
        let ascending = ["-10", "-9.5", "0", "9", "10", "1e2", "1234567890123456789012345678901"];
        let text = |text: &'static str| Scalar::Text(text.into());
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare_by(TextOrder::Numbers, &text(a), &text(b)), Some(i.cmp(&j)), "{a} {b}");
            }
        }
        assert_eq!(compare_by(TextOrder::Numbers, &text("9"), &Scalar::Int(10)), Some(Ordering::Less));
        assert_eq!(
            compare_by(TextOrder::Numbers, &Scalar::Double(9.5), &text("9.50")),
            Some(Ordering::Equal)
        );
        assert_eq!(compare_by(TextOrder::Numbers, &text("9"), &text("nine")), None);
        assert_eq!(compare_by(TextOrder::Numbers, &text("9"), &text("NaN")), None);
    }

    #[test]
    fn a_text_limit_is_a_timestamp_or_date_where_the_cursor_is_one() {
        let limit = |text: &str| Limit::new(scalar(json!(text)));
        let timestamp = scalar(json!("\u{f027}2024-01-02T00:00:00+00:00"));
        assert_eq!(limit("2024-01-02").order_of(&timestamp, "x").unwrap(), Ordering::Equal);
        assert_eq!(limit("2024-01-02T02:00:00+02:00").order_of(&timestamp, "x").unwrap(), Ordering::Equal);
        assert_eq!(
            limit("2024-01-03").order_of(&scalar(json!("\u{f028}2024-01-02")), "x").unwrap(),
            Ordering::Less
        );
        assert!(limit("later").order_of(&timestamp, "x").is_err());
        let error = limit("3").order_of(&scalar(json!(3)), "last value of the run before").unwrap_err();
        assert_eq!(error.message(), "the cursor is a number, but the last value of the run before is a text");
    }
}
