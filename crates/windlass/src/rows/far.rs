//! Dates and times that databases know and programs mostly do not: infinity, 24:00, years beyond 1 to 9999.

use arrow_array::Array;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Date64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_schema::{DataType, TimeUnit};
use windlass_core::value::{CivilDate, format_date};

const DAY_SECONDS: i64 = 86_400;

/// A date or time outside of the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FarTime {
    /// After everything else.
    Infinity,
    /// Before everything else.
    MinusInfinity,
    /// A year outside of 1 to 9999, or the end of a day; in ISO form.
    Text(String),
}

impl FarTime {
    /// The value as databases write it.
    pub fn text(&self) -> &str {
        match self {
            Self::Infinity => "infinity",
            Self::MinusInfinity => "-infinity",
            Self::Text(text) => text,
        }
    }
}

/// The value of a row if it is a date or time outside of the calendar; of other columns and usual values `None`.
pub fn far_time(array: &dyn Array, row: usize) -> Option<FarTime> {
    if array.is_null(row) {
        return None;
    }
    macro_rules! value {
        ($kind:ty) => {
            i64::from(array.as_primitive::<$kind>().value(row))
        };
    }
    match array.data_type() {
        DataType::Date32 => {
            let days = value!(Date32Type);
            let bound = i64::from(i32::MAX);
            infinity(days, bound).or_else(|| far_date(days))
        }
        DataType::Date64 => {
            let millis = value!(Date64Type);
            infinity(millis, i64::MAX).or_else(|| far_date(millis.div_euclid(DAY_SECONDS * 1000)))
        }
        DataType::Timestamp(unit, zone) => {
            let (value, per_second) = match unit {
                TimeUnit::Second => (value!(TimestampSecondType), 1),
                TimeUnit::Millisecond => (value!(TimestampMillisecondType), 1000),
                TimeUnit::Microsecond => (value!(TimestampMicrosecondType), 1_000_000),
                TimeUnit::Nanosecond => (value!(TimestampNanosecondType), 1_000_000_000),
            };
            infinity(value, i64::MAX).or_else(|| far_timestamp(value, per_second, zone.is_some()))
        }
        DataType::Time32(TimeUnit::Second) => far_time_of_day(value!(Time32SecondType), 1),
        DataType::Time32(_) => far_time_of_day(value!(Time32MillisecondType), 1000),
        DataType::Time64(TimeUnit::Microsecond) => far_time_of_day(value!(Time64MicrosecondType), 1_000_000),
        DataType::Time64(_) => far_time_of_day(value!(Time64NanosecondType), 1_000_000_000),
        _ => None,
    }
}

fn infinity(value: i64, bound: i64) -> Option<FarTime> {
    if value == bound {
        Some(FarTime::Infinity)
    } else if value <= -bound {
        Some(FarTime::MinusInfinity)
    } else {
        None
    }
}

fn far_date(days: i64) -> Option<FarTime> {
    if CivilDate::from_days(days).is_some() {
        return None;
    }
    let mut text = String::new();
    format_date(&mut text, days);
    Some(FarTime::Text(text))
}

fn far_timestamp(value: i64, per_second: i64, has_zone: bool) -> Option<FarTime> {
    let seconds = value.div_euclid(per_second);
    let FarTime::Text(mut text) = far_date(seconds.div_euclid(DAY_SECONDS))? else { return None };
    text.push('T');
    text.push_str(&clock(seconds.rem_euclid(DAY_SECONDS), value.rem_euclid(per_second), per_second));
    if has_zone {
        text.push('Z');
    }
    Some(FarTime::Text(text))
}

fn far_time_of_day(value: i64, per_second: i64) -> Option<FarTime> {
    let seconds = value.div_euclid(per_second);
    if (0..DAY_SECONDS).contains(&seconds) {
        return None;
    }
    Some(FarTime::Text(clock(seconds, value.rem_euclid(per_second), per_second)))
}

/// `24:00:00`, with as many digits of the second as the unit has, if there are any.
fn clock(seconds: i64, fraction: i64, per_second: i64) -> String {
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let digits = per_second.ilog10() as usize;
    if fraction == 0 { text } else { format!("{text}.{fraction:0digits$}") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, Date32Array, Int64Array, Time64MicrosecondArray, TimestampMicrosecondArray,
        TimestampNanosecondArray, TimestampSecondArray,
    };

    use super::*;

    fn check(array: ArrayRef, expected: &[Option<&str>]) {
        let found: Vec<Option<String>> =
            (0..array.len()).map(|row| far_time(&array, row).map(|far| far.text().to_owned())).collect();
        let expected: Vec<Option<String>> = expected.iter().map(|text| text.map(str::to_owned)).collect();
        assert_eq!(found, expected, "{:?}", array.data_type());
    }

    #[test]
    fn what_no_calendar_knows_has_a_text() {
        let far = 9_000_000_000_000_000_001;
        check(
            Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX, i64::MIN, -i64::MAX, 0, far])),
            &[
                Some("infinity"),
                Some("-infinity"),
                Some("-infinity"),
                None,
                Some("+287168-08-24T16:00:00.000001"),
            ],
        );
        check(
            Arc::new(TimestampSecondArray::from(vec![Some(-62_135_596_801), None]).with_timezone("UTC")),
            &[Some("0000-12-31T23:59:59Z"), None],
        );
        check(
            Arc::new(TimestampNanosecondArray::from(vec![i64::MAX, i64::MAX - 1])),
            &[Some("infinity"), None],
        );
        check(
            Arc::new(Date32Array::from(vec![i32::MAX, i32::MIN, -i32::MAX, 0, 2_932_897])),
            &[Some("infinity"), Some("-infinity"), Some("-infinity"), None, Some("+10000-01-01")],
        );
        check(
            Arc::new(Time64MicrosecondArray::from(vec![86_400_000_000, 86_399_999_999, 86_400_000_001])),
            &[Some("24:00:00"), None, Some("24:00:00.000001")],
        );
        check(Arc::new(Int64Array::from(vec![i64::MAX])), &[None]);
    }
}
