//! How the values of a column are laid out: the Arrow type, and what fits into it.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_buffer::i256;
use arrow_schema::{DataType as ArrowType, Field, TimeUnit};

use crate::schema::Column;
use crate::value::{DAY_MICROS, DataType, Scalar};

/// Digits and precisions that a destination gives to types that come without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeDefaults {
    /// Precision and scale of `decimal`.
    pub decimal: (u8, i8),
    /// Most digits of a decimal. One with more has the digits of a `decimal` that comes without.
    pub max_decimal_precision: i64,
    /// Whether texts longer than their column are refused.
    pub limits_text: bool,
    /// Precision and scale of `wei`.
    pub wei: (u8, i8),
    /// Fractional digits of `timestamp` and `time`.
    pub timestamp_precision: u8,
    /// Whether files hold timestamps and times with the default precision, whatever the column says.
    pub ignores_time_precision: bool,
    /// Whether a decimal given by precision alone has the default scale (SQL destinations) or none (files).
    pub scale_defaults_alone: bool,
    /// Whether columns with the hint `unique` get a constraint.
    pub unique_constraints: bool,
}

/// Arrow's widest decimal.
const MAX_ARROW_DIGITS: u8 = 76;

impl Default for TypeDefaults {
    fn default() -> Self {
        Self {
            decimal: (38, 9),
            max_decimal_precision: 1000,
            limits_text: false,
            wei: (38, 0),
            timestamp_precision: 6,
            ignores_time_precision: false,
            scale_defaults_alone: true,
            unique_constraints: false,
        }
    }
}

/// The layout of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Physical {
    /// UTF-8 text.
    Text,
    /// UTF-8 text of at most so many characters.
    ShortText(u32),
    /// UTF-8 text that is compact JSON.
    Json,
    /// 64-bit float.
    Double,
    /// One bit.
    Bool,
    /// Signed integer of 8, 16, 32 or 64 bits.
    Int(u8),
    /// Ticks since the epoch.
    Timestamp {
        /// Length of a tick.
        unit: TimeUnit,
        /// Whether the ticks are of UTC.
        utc: bool,
    },
    /// Days since the epoch.
    Date,
    /// Ticks since midnight.
    Time(TimeUnit),
    /// Bytes; of one length if given.
    Binary(Option<i32>),
    /// Unscaled integer of at most this many digits, with this scale.
    Decimal(u8, i8),
}

/// A converted value in the layout of its column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Integers, ticks, days, and bools as 0 and 1.
    Int(i64),
    /// Floats.
    Double(f64),
    /// Unscaled decimals.
    Decimal(Box<i256>),
    /// Text and JSON.
    Text(Box<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// The id of a row: table of the plan and row of the chunk.
    RowId(u32, u32),
    /// A value that turned out to be null, such as the JSON text `null`.
    Null,
}

fn unit_of_precision(precision: i64) -> TimeUnit {
    match precision {
        ..=0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

impl Physical {
    /// The layout of a complete column; incomplete ones are laid out as text.
    pub fn of(column: &Column, defaults: &TypeDefaults) -> Self {
        let column = &*with_held_digits(column, defaults);
        let given = column.precision.filter(|_| !defaults.ignores_time_precision);
        let unit = || unit_of_precision(given.unwrap_or(i64::from(defaults.timestamp_precision)));
        match column.data_type.unwrap_or(DataType::Text) {
            DataType::Text => {
                let limit = column.precision.filter(|limit| *limit > 0 && defaults.limits_text);
                limit.and_then(|limit| u32::try_from(limit).ok()).map_or(Self::Text, Self::ShortText)
            }
            DataType::Json => Self::Json,
            DataType::Double => Self::Double,
            DataType::Bool => Self::Bool,
            DataType::Bigint => match column.precision.unwrap_or(64) {
                ..=8 => Self::Int(8),
                9..=16 => Self::Int(16),
                17..=32 => Self::Int(32),
                33..=64 => Self::Int(64),
                // A 128-bit integer has up to 39 digits; Arrow's widest exact integer has 38.
                _ => Self::Decimal(38, 0),
            },
            DataType::Timestamp => Self::Timestamp { unit: unit(), utc: column.timezone.unwrap_or(true) },
            DataType::Date => Self::Date,
            DataType::Time => Self::Time(unit()),
            DataType::Binary => {
                Self::Binary(column.precision.and_then(|p| i32::try_from(p).ok()).filter(|p| *p > 0))
            }
            DataType::Decimal => decimal(column, defaults.decimal, defaults.scale_defaults_alone),
            DataType::Wei => decimal(column, defaults.wei, defaults.scale_defaults_alone),
        }
    }

    /// The Arrow type.
    pub fn arrow_type(self) -> ArrowType {
        match self {
            Self::Text | Self::ShortText(_) | Self::Json => ArrowType::Utf8,
            Self::Double => ArrowType::Float64,
            Self::Bool => ArrowType::Boolean,
            Self::Int(8) => ArrowType::Int8,
            Self::Int(16) => ArrowType::Int16,
            Self::Int(32) => ArrowType::Int32,
            Self::Int(_) => ArrowType::Int64,
            Self::Timestamp { unit, utc } => ArrowType::Timestamp(unit, utc.then(|| Arc::from("UTC"))),
            Self::Date => ArrowType::Date32,
            Self::Time(unit @ (TimeUnit::Second | TimeUnit::Millisecond)) => ArrowType::Time32(unit),
            Self::Time(unit) => ArrowType::Time64(unit),
            Self::Binary(_) => ArrowType::Binary,
            Self::Decimal(precision @ ..=38, scale) => ArrowType::Decimal128(precision, scale),
            Self::Decimal(precision, scale) => ArrowType::Decimal256(precision, scale),
        }
    }

    /// The value in this layout; `None` when it does not fit without changing.
    ///
    /// The value has the type of the column. Ticks finer than the column's unit are cut off.
    pub fn cell(self, value: Scalar<'_>) -> Option<Cell> {
        Some(match (self, value) {
            (Self::ShortText(limit), Scalar::Text(text)) if is_short(&text, limit) => {
                Cell::Text(text.into_owned().into_boxed_str())
            }
            (Self::Text, Scalar::Text(text)) | (Self::Json, Scalar::Json(text)) => {
                Cell::Text(text.into_owned().into_boxed_str())
            }
            (Self::Double, Scalar::Double(value)) => Cell::Double(value),
            (Self::Bool, Scalar::Bool(value)) => Cell::Int(i64::from(value)),
            (Self::Int(bits), Scalar::Int(value)) => {
                let unused = 64 - u32::from(bits);
                Cell::Int((value << unused >> unused == value).then_some(value)?)
            }
            (Self::Timestamp { unit, .. }, Scalar::Timestamp(timestamp))
                if is_near(timestamp.utc_micros()) =>
            {
                Cell::Int(ticks(timestamp.utc_micros(), unit)?)
            }
            (Self::Date, Scalar::Date(days)) if is_date(i64::from(days)) => Cell::Int(i64::from(days)),
            (Self::Time(unit), Scalar::Time(time)) => Cell::Int(ticks(time.in_utc().micros, unit)?),
            (Self::Binary(length), Scalar::Binary(binary)) => {
                let fits = length.is_none_or(|length| binary.bytes.len() <= length as usize);
                Cell::Bytes(fits.then_some(binary.bytes)?)
            }
            (Self::Decimal(precision, scale), Scalar::Decimal(value) | Scalar::Wei(value)) => {
                Cell::Decimal(Box::new(value.unscaled(precision, scale)?))
            }
            (Self::Decimal(precision, scale), Scalar::Int(value)) => {
                let value = crate::value::Decimal::from(value);
                Cell::Decimal(Box::new(value.unscaled(precision, scale)?))
            }
            _ => return None,
        })
    }
}

/// Whether a text has at most so many characters.
pub(super) fn is_short(text: &str, limit: u32) -> bool {
    text.len() <= limit as usize || text.chars().nth(limit as usize).is_none()
}

/// The first and the last day of the years 1 to 9999, counted from 1970-01-01. Beyond them the client libraries of most
/// databases cannot read a timestamp, and nanoseconds and units finer than a second end at different years.
const NEAR_DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// The dates that all databases have: those of Postgres, 4713 BC to 5874897.
const DATES: std::ops::RangeInclusive<i64> = -2_440_588..=2_145_031_948;

/// Whether an instant is of the years 1 to 9999. Others are kept as text.
pub(super) fn is_near(micros: i64) -> bool {
    NEAR_DAYS.contains(&micros.div_euclid(DAY_MICROS))
}

/// Whether a day is one that columns of dates hold. Others are kept as text.
pub(super) fn is_date(days: i64) -> bool {
    DATES.contains(&days)
}

/// Whether the destination has the digits that a decimal's column asks for.
pub(super) fn has_own_digits(column: &Column, defaults: &TypeDefaults) -> bool {
    let (digits, _) = decimal_size(column.precision.unwrap_or(0), column.scale.unwrap_or(0));
    let is_some = digits >= 1 || column.precision.is_none();
    is_some && digits <= defaults.max_decimal_precision
}

/// The column with the digits that the destination has: a decimal of more has those of one that comes without.
pub fn with_held_digits<'a>(column: &'a Column, defaults: &TypeDefaults) -> Cow<'a, Column> {
    let is_decimal = matches!(column.data_type, Some(DataType::Decimal | DataType::Wei));
    if !is_decimal || has_own_digits(column, defaults) {
        return Cow::Borrowed(column);
    }
    Cow::Owned(Column { precision: None, scale: None, ..column.clone() })
}

fn decimal(column: &Column, (precision, scale): (u8, i8), scale_defaults_alone: bool) -> Physical {
    let given = column.precision.filter(|p| *p >= 1).map(|p| p.min(i64::from(MAX_ARROW_DIGITS)) as u8);
    let default_scale = if given.is_some() && !scale_defaults_alone { 0 } else { scale };
    let precision = given.unwrap_or(precision.min(76));
    let scale = column.scale.and_then(|s| i8::try_from(s).ok());
    let (precision, scale) = match scale.map(|scale| decimal_size(i64::from(precision), i64::from(scale))) {
        Some((precision, scale)) if precision <= 76 => (precision as u8, scale as i8),
        Some((_, scale)) => (76, scale.min(76) as i8),
        None => (precision, default_scale),
    };
    // A default scale above a given precision is cut to it.
    Physical::Decimal(precision, scale.min(precision as i8))
}

/// The digits of a decimal in the terms that all databases and Arrow have, where the scale lies within the precision.
///
/// `numeric(3,5)` holds 0.00001 to 0.00999, which takes five digits after the point; `numeric(5,-2)` hundreds up to
/// 9999900, which takes seven before it.
pub fn decimal_size(precision: i64, scale: i64) -> (i64, i64) {
    if scale < 0 { (precision.saturating_sub(scale), 0) } else { (precision.max(scale), scale) }
}

/// Microseconds in another unit, rounded down. `None` past the range of nanoseconds.
fn ticks(micros: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Second => Some(micros.div_euclid(1_000_000)),
        TimeUnit::Millisecond => Some(micros.div_euclid(1000)),
        TimeUnit::Microsecond => Some(micros),
        TimeUnit::Nanosecond => micros.checked_mul(1000),
    }
}

/// The Arrow field of a column.
pub fn arrow_field(column: &Column, defaults: &TypeDefaults) -> Field {
    Field::new(&column.name, Physical::of(column, defaults).arrow_type(), column.is_nullable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_integers_refuse_what_does_not_fit() {
        assert_eq!(Physical::Int(8).cell(Scalar::Int(127)), Some(Cell::Int(127)));
        assert_eq!(Physical::Int(8).cell(Scalar::Int(128)), None);
        assert_eq!(Physical::Int(16).cell(Scalar::Int(-32_768)), Some(Cell::Int(-32_768)));
        assert_eq!(Physical::Int(64).cell(Scalar::Int(i64::MIN)), Some(Cell::Int(i64::MIN)));
    }

    #[test]
    fn a_cell_is_three_words() {
        assert_eq!(size_of::<Cell>(), 24);
    }

    #[test]
    fn a_scale_beyond_the_precision_gets_the_digits_that_it_needs() {
        let layout = |precision, scale| {
            let column = Column {
                precision: Some(precision),
                scale: Some(scale),
                ..Column::typed("a", DataType::Decimal, true)
            };
            Physical::of(&column, &TypeDefaults::default())
        };
        assert_eq!(layout(3, 5), Physical::Decimal(5, 5));
        assert_eq!(layout(5, -2), Physical::Decimal(7, 0));
        assert_eq!(layout(10, 2), Physical::Decimal(10, 2));
        assert_eq!(layout(70, -30), Physical::Decimal(76, 0));
    }

    #[test]
    fn precision_alone_keeps_the_default_scale_on_sql_destinations() {
        let column = Column { precision: Some(10), ..Column::typed("a", DataType::Decimal, true) };
        assert_eq!(Physical::of(&column, &TypeDefaults::default()), Physical::Decimal(10, 9));
        let files = TypeDefaults { scale_defaults_alone: false, ..TypeDefaults::default() };
        assert_eq!(Physical::of(&column, &files), Physical::Decimal(10, 0));
    }
}
