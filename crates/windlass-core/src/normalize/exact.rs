//! What typed values may become: nothing that changes them.
//!
//! A column of a Parquet file, an Arrow frame or a database has a type already. Where the table's column has another
//! one, because its type changed since or differs between files, a value goes into that column only if it stays what it
//! is; else it goes to a variant. A type that the run itself declares is a wish, and converts by the rules of records.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, PrimitiveArray, make_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType as ArrowType, TimeUnit};

use super::physical::{Physical, TypeDefaults, has_own_digits, is_date, is_near, is_short};
use crate::schema::Column;
use crate::value::{DAY_MICROS, DataType, Decimal, Scalar};

/// How values convert into columns of another type.
#[derive(Clone, Debug, Default)]
pub(super) enum Conversion {
    /// By the rules of records, which are the reference's.
    #[default]
    ByRules,
    /// Not at all where that changes a value, but for the columns whose types the run declares.
    Exact(Arc<HashSet<String>>),
}

impl Conversion {
    /// Whether values have types that no conversion changes.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }

    /// Whether values of every type convert into the column.
    pub(super) fn is_free(&self, column: &str) -> bool {
        match self {
            Self::ByRules => true,
            Self::Exact(declared) => declared.contains(column),
        }
    }

    /// Whether the value may go into the column, if it converts at all.
    pub(super) fn allows(&self, column: &Column, value: &Scalar<'_>, defaults: &TypeDefaults) -> bool {
        let Self::Exact(declared) = self else { return true };
        let is_number = matches!(value, Scalar::Decimal(_) | Scalar::Wei(_));
        let is_wish = declared.contains(&column.name) && (!is_number || has_own_digits(column, defaults));
        is_wish || keeps(value, column, Physical::of(column, defaults))
    }
}

/// Whole numbers up to here are exact in a double.
const EXACT_IN_DOUBLE: u64 = 1 << 53;

fn keeps(value: &Scalar<'_>, column: &Column, physical: Physical) -> bool {
    use DataType as T;
    let to = column.data_type.unwrap_or(DataType::Text);
    let has_digits = |number: &Decimal| match physical {
        Physical::Decimal(_, scale) => number.is_exact_at(scale),
        _ => true,
    };
    match (value, to) {
        (Scalar::Text(_), T::Text) => true,
        (Scalar::Text(_), _) => false,
        (Scalar::Decimal(number) | Scalar::Wei(number), T::Decimal | T::Wei) => has_digits(number),
        (Scalar::Decimal(number) | Scalar::Wei(number), T::Double) => number.to_f64().is_some_and(|double| {
            Decimal::from_f64(double).compare(number) == Some(std::cmp::Ordering::Equal)
        }),
        (Scalar::Decimal(number) | Scalar::Wei(number), T::Bigint) => number.is_exact_at(0),
        (Scalar::Double(double), T::Decimal | T::Wei) => has_digits(&Decimal::from_f64(*double)),
        (Scalar::Int(int), T::Double) => int.unsigned_abs() <= EXACT_IN_DOUBLE,
        (Scalar::Timestamp(timestamp), T::Timestamp) => is_whole(timestamp.micros, physical),
        (Scalar::Time(time), T::Time) => is_whole(time.micros, physical),
        (value, to) => match to {
            // Seven is not true, and an hour is no part of a date.
            T::Bool | T::Date | T::Binary | T::Time | T::Json => value.data_type() == Some(to),
            T::Timestamp => matches!(value, Scalar::Date(_) | Scalar::Timestamp(_)),
            _ => true,
        },
    }
}

/// Whether the microseconds are whole ticks of the column.
fn is_whole(micros: i64, physical: Physical) -> bool {
    let tick = match physical {
        Physical::Timestamp { unit, .. } | Physical::Time(unit) => micros_of(unit),
        _ => 1,
    };
    micros % tick == 0
}

fn micros_of(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000,
        TimeUnit::Millisecond => 1000,
        TimeUnit::Microsecond | TimeUnit::Nanosecond => 1,
    }
}

fn nanos_of(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Nanosecond => 1,
        unit => micros_of(unit) * 1000,
    }
}

/// Microseconds of so many ticks, rounded down; `None` past the range of 64 bits.
pub(super) fn micros(ticks: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Nanosecond => Some(ticks.div_euclid(1000)),
        unit => ticks.checked_mul(micros_of(unit)),
    }
}

/// Days of so many milliseconds, rounded down; `None` past the range of 32 bits.
pub(super) fn days(millis: i64) -> Option<i32> {
    i32::try_from(millis.div_euclid(DAY_MICROS / 1000)).ok()
}

/// The ticks or numbers of a timestamp, date or time in 64 bits.
pub(super) fn ticks(array: &ArrayRef) -> Option<PrimitiveArray<Int64Type>> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let whole = match array.data_type() {
        ArrowType::Date32 | ArrowType::Time32(_) => ArrowType::Int32,
        _ => ArrowType::Int64,
    };
    let numbers = cast_with_options(array, &whole, &strict).ok()?;
    let numbers = cast_with_options(&numbers, &ArrowType::Int64, &strict).ok()?;
    Some(numbers.as_primitive::<Int64Type>().clone())
}

/// The array in the layout of its column; `None` if a value would change or does not fit.
///
/// `may_round` says whether digits beyond the column's may be rounded. Nanoseconds are cut to microseconds always.
pub(super) fn cast(array: &ArrayRef, target: Physical, may_round: bool) -> Option<ArrayRef> {
    let to = target.arrow_type();
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    match (array.data_type(), target) {
        (ArrowType::Dictionary(_, values), _) => {
            return cast(&cast_with_options(array, values, &strict).ok()?, target, may_round);
        }
        (ArrowType::Timestamp(unit, _), Physical::Timestamp { unit: to_unit, .. }) => {
            return timestamps(array, *unit, to_unit, &to, may_round);
        }
        (ArrowType::Date64, Physical::Date) => {
            let days = mapped(array, &ArrowType::Int64, |millis| days(millis).map(i64::from))?;
            let days = cast_with_options(&days, &ArrowType::Int32, &strict).ok()?;
            return cast(&cast_with_options(&days, &to, &strict).ok()?, target, may_round);
        }
        (ArrowType::Date32, Physical::Date) => {
            mapped(array, &ArrowType::Int64, |days| is_date(days).then_some(days))?;
        }
        (ArrowType::Time32(unit) | ArrowType::Time64(unit), Physical::Time(to_unit)) => {
            let day = DAY_MICROS / micros_of(*unit) * if *unit == TimeUnit::Nanosecond { 1000 } else { 1 };
            let coarser = nanos_of(to_unit) / nanos_of(*unit);
            let is_held = |ticks: i64| {
                let is_cut = coarser > 1 && ticks % coarser != 0 && to_unit != TimeUnit::Microsecond;
                ((0..day).contains(&ticks) && (may_round || !is_cut)).then_some(ticks)
            };
            mapped(array, &ArrowType::Int64, is_held)?;
        }
        _ => {}
    }
    let made = cast_with_options(array, &to, &strict).ok()?;
    let scale = |kind: &ArrowType| match kind {
        ArrowType::Decimal128(_, scale) | ArrowType::Decimal256(_, scale) => Some(*scale),
        _ => None,
    };
    if let (Physical::ShortText(limit), Some(texts)) = (target, made.as_string_opt::<i32>())
        && texts.iter().flatten().any(|text| !is_short(text, limit))
    {
        return None;
    }
    if let (Physical::Binary(Some(limit)), Some(bytes)) = (target, made.as_binary_opt::<i32>())
        && bytes.iter().flatten().any(|bytes| bytes.len() > limit as usize)
    {
        return None;
    }
    if !may_round
        && let (Some(from), Some(into)) = (scale(array.data_type()), scale(&to))
        && into < from
    {
        let back = cast_with_options(&made, array.data_type(), &strict).ok()?;
        if back.as_ref() != array.as_ref() {
            return None;
        }
    }
    Some(made)
}

/// The numbers of an array, each made another one; `None` as soon as one is none. Nulls are not asked.
fn mapped(array: &ArrayRef, to: &ArrowType, make: impl Fn(i64) -> Option<i64>) -> Option<ArrayRef> {
    let numbers = ticks(array)?;
    let mut made = Vec::with_capacity(numbers.len());
    for (row, number) in numbers.values().iter().enumerate() {
        made.push(if numbers.is_valid(row) { make(*number)? } else { 0 });
    }
    let made = PrimitiveArray::<Int64Type>::new(made.into(), numbers.nulls().cloned());
    made.to_data().into_builder().data_type(to.clone()).build().ok().map(make_array)
}

/// One instant is one value, whatever the unit it comes in: years of four digits, else it is none of a timestamp.
fn timestamps(
    array: &ArrayRef,
    unit: TimeUnit,
    to_unit: TimeUnit,
    to: &ArrowType,
    may_round: bool,
) -> Option<ArrayRef> {
    let (from_nanos, to_nanos) = (nanos_of(unit), nanos_of(to_unit));
    let may_cut = may_round || (unit == TimeUnit::Nanosecond && to_unit == TimeUnit::Microsecond);
    mapped(array, to, |ticks| {
        if !is_near(micros(ticks, unit)?) {
            return None;
        }
        if from_nanos >= to_nanos {
            return ticks.checked_mul(from_nanos / to_nanos);
        }
        let ratio = to_nanos / from_nanos;
        (may_cut || ticks % ratio == 0).then(|| ticks.div_euclid(ratio))
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use arrow_array::{
        Date64Array, Decimal128Array, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
        TimestampNanosecondArray, UInt64Array,
    };

    use super::*;
    use crate::value::{Binary, Timestamp};

    fn kept(value: &Scalar<'_>, to: DataType) -> bool {
        let column = Column::typed("c", to, true);
        Conversion::Exact(Arc::default()).allows(&column, value, &TypeDefaults::default())
    }

    #[test]
    fn values_become_only_what_they_are() {
        let number = |text: &str| Scalar::Decimal(Decimal::parse(text).unwrap());
        let moment = Scalar::Timestamp(Timestamp { micros: 0, offset: None });
        use DataType as T;
        for (value, to) in [
            (Scalar::Int(7), T::Text),
            (Scalar::Int(7), T::Double),
            (Scalar::Int(7), T::Decimal),
            (Scalar::Double(2.0), T::Decimal),
            (number("0.1"), T::Double),
            (number("7.00"), T::Bigint),
            (Scalar::Date(1), T::Timestamp),
            (moment.clone(), T::Text),
        ] {
            assert!(kept(&value, to), "{value:?} as {to}");
        }
        for (value, to) in [
            (Scalar::Int(7), T::Bool),
            (Scalar::Int(9_007_199_254_740_993), T::Double),
            (Scalar::Int(1), T::Timestamp),
            (Scalar::Int(1), T::Binary),
            (number("0.10000000000000000001"), T::Double),
            (number("0.1234567891"), T::Decimal),
            (number("7.5"), T::Bigint),
            (moment, T::Date),
            (Scalar::Text(Cow::Borrowed("7")), T::Bigint),
            (Scalar::Text(Cow::Borrowed("true")), T::Bool),
            (Scalar::Text(Cow::Borrowed("{}")), T::Json),
            (Scalar::Text(Cow::Borrowed("eA==")), T::Binary),
            (Scalar::Binary(Binary { bytes: Box::new([]), hex: false }), T::Json),
        ] {
            assert!(!kept(&value, to), "{value:?} as {to}");
        }
    }

    #[test]
    fn what_the_run_declares_converts_freely() {
        let declared = Conversion::Exact(Arc::new(HashSet::from(["c".to_owned()])));
        let column = Column::typed("c", DataType::Bigint, true);
        let text = Scalar::Text(Cow::Borrowed("7"));
        assert!(declared.allows(&column, &text, &TypeDefaults::default()));
        assert!(!declared.allows(
            &Column { name: "d".to_owned(), ..column },
            &text,
            &TypeDefaults::default()
        ));
    }

    #[test]
    fn arrays_are_cast_only_without_loss() {
        let micros = Physical::Timestamp { unit: TimeUnit::Microsecond, utc: true };
        let seconds = Physical::Timestamp { unit: TimeUnit::Second, utc: true };
        let one = |array: ArrayRef, target| cast(&array, target, false).is_some();
        assert!(one(Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None])), micros));
        assert!(!one(Arc::new(TimestampMillisecondArray::from(vec![i64::MAX])), micros));
        assert!(!one(Arc::new(TimestampMillisecondArray::from(vec![253_402_300_800_000])), micros));
        assert!(!one(Arc::new(TimestampMicrosecondArray::from(vec![253_402_300_800_000_000])), micros));
        assert!(!one(Arc::new(TimestampMicrosecondArray::from(vec![1])), seconds));
        assert!(one(Arc::new(TimestampMicrosecondArray::from(vec![1_000_000])), seconds));
        assert!(one(Arc::new(Date64Array::from(vec![86_400_000])), Physical::Date));
        assert!(!one(Arc::new(Date64Array::from(vec![i64::MAX])), Physical::Date));
        assert!(!one(Arc::new(UInt64Array::from(vec![u64::MAX])), Physical::Int(64)));
        assert!(!one(Arc::new(StringArray::from(vec!["été!"])), Physical::ShortText(3)));
        assert!(one(Arc::new(StringArray::from(vec!["été"])), Physical::ShortText(3)));
        let decimal = |value: i128| -> ArrayRef {
            Arc::new(Decimal128Array::from(vec![value]).with_precision_and_scale(20, 6).unwrap())
        };
        assert!(one(decimal(1_230_000), Physical::Decimal(10, 2)));
        assert!(!one(decimal(1_234_567), Physical::Decimal(10, 2)));
        assert!(cast(&decimal(1_234_567), Physical::Decimal(10, 2), true).is_some());
    }

    #[test]
    fn nanoseconds_are_rounded_down_before_and_after_1970() {
        let micros = Physical::Timestamp { unit: TimeUnit::Microsecond, utc: true };
        let array: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![-1, 1999]));
        let made = cast(&array, micros, false).unwrap();
        let ticks = ticks(&made).unwrap();
        assert_eq!(ticks.values().as_ref(), [-1, 1]);
    }
}
