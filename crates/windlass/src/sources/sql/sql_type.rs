//! The types of SQL databases: what the schema says of a column, and how its values are laid out.
//!
//! The rules of the hints are the reference's (its decision order over SQLAlchemy's types); the layout is exact, so no
//! value passes through a float that was none.

use arrow_schema::{DataType as ArrowType, TimeUnit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How much of a table's description the schema takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReflectionLevel {
    /// Names, nullability and keys; JSON and arrays become nested tables.
    Minimal,
    /// And types; digits of decimals.
    #[default]
    Full,
    /// And lengths of texts and bytes, and the width of small integers.
    FullWithPrecision,
}

/// The type of a column in the terms that matter for a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SqlType {
    /// A truth value.
    Bool,
    /// An integer of 8, 16, 32 or 64 bits.
    Int {
        /// Its width.
        bits: u8,
        /// Whether it has no sign.
        is_unsigned: bool,
    },
    /// A float of 32 or 64 bits.
    Float {
        /// Its width.
        bits: u8,
        /// Whether the reference reads it as a decimal (MySQL's `DOUBLE`).
        is_decimal: bool,
    },
    /// A decimal with the digits that were declared; without, any number of them.
    Decimal {
        /// All digits and those after the point.
        digits: Option<(u32, i32)>,
    },
    /// Text; the longest length in characters if there is one.
    Text {
        /// The declared length.
        length: Option<u32>,
    },
    /// One of several texts, or several of them (MySQL's `SET`).
    Enum,
    /// Bytes; the longest length if there is one.
    Binary {
        /// The declared length.
        length: Option<u32>,
    },
    /// A date without time.
    Date,
    /// A time of day; `digits` of a second.
    Time {
        /// The fractional digits, 6 if not declared.
        digits: u8,
    },
    /// A date with time.
    Timestamp {
        /// Whether it is a moment: its zone is known, and the value is kept in UTC.
        has_zone: bool,
        /// The fractional digits, 6 if not declared.
        digits: u8,
    },
    /// A JSON document.
    Json,
    /// A list of values, read as JSON.
    Array,
    /// A UUID, read as text.
    Uuid,
    /// A type without one of the schema's, whose text says it all: intervals, ranges, addresses, money, bits.
    Other,
}

impl SqlType {
    /// How the values are laid out in a batch.
    ///
    /// Numbers without a fixed number of digits are texts, and the engine takes them by the column's type.
    pub fn arrow_type(self) -> ArrowType {
        match self {
            Self::Bool => ArrowType::Boolean,
            Self::Int { bits: 8, is_unsigned: false } => ArrowType::Int8,
            Self::Int { bits: 16, is_unsigned: false } => ArrowType::Int16,
            Self::Int { bits: 32, is_unsigned: false } => ArrowType::Int32,
            Self::Int { bits: 8, is_unsigned: true } => ArrowType::UInt8,
            Self::Int { bits: 16, is_unsigned: true } => ArrowType::UInt16,
            Self::Int { bits: 32, is_unsigned: true } => ArrowType::UInt32,
            Self::Int { is_unsigned: false, .. } => ArrowType::Int64,
            Self::Int { is_unsigned: true, .. } => ArrowType::UInt64,
            Self::Float { bits: 32, .. } => ArrowType::Float32,
            Self::Float { .. } => ArrowType::Float64,
            Self::Decimal { digits: Some((precision @ 1..=38, scale)) } => {
                decimal(precision, scale, ArrowType::Decimal128)
            }
            Self::Decimal { digits: Some((precision @ 39..=76, scale)) } => {
                decimal(precision, scale, ArrowType::Decimal256)
            }
            Self::Decimal { .. }
            | Self::Text { .. }
            | Self::Enum
            | Self::Json
            | Self::Array
            | Self::Uuid
            | Self::Other => ArrowType::Utf8,
            Self::Binary { .. } => ArrowType::Binary,
            Self::Date => ArrowType::Date32,
            Self::Time { .. } => ArrowType::Time64(TimeUnit::Microsecond),
            Self::Timestamp { has_zone, .. } => {
                ArrowType::Timestamp(TimeUnit::Microsecond, has_zone.then(|| "UTC".into()))
            }
        }
    }

    /// What the schema says of a column of this type; without `data_type` where the reference leaves it to the values.
    pub fn hints(self, level: ReflectionLevel) -> Map<String, Value> {
        if level == ReflectionLevel::Minimal {
            return Map::new();
        }
        let is_precise = level == ReflectionLevel::FullWithPrecision;
        let length = |hints: Value, length: Option<u32>| match (length, is_precise) {
            (Some(length), true) => with(hints, "precision", json!(length)),
            _ => hints,
        };
        let hints = match self {
            Self::Uuid | Self::Enum => json!({"data_type": "text"}),
            Self::Float { is_decimal: false, .. } => json!({"data_type": "double"}),
            Self::Float { is_decimal: true, .. } | Self::Decimal { digits: None } => {
                json!({"data_type": "decimal"})
            }
            Self::Decimal { digits: Some((precision, scale)) } => {
                json!({"data_type": "decimal", "precision": precision, "scale": scale})
            }
            Self::Int { bits: 16, .. } if is_precise => json!({"data_type": "bigint", "precision": 32}),
            Self::Int { .. } => json!({"data_type": "bigint"}),
            Self::Text { length: longest } => length(json!({"data_type": "text"}), longest),
            Self::Binary { length: longest } => length(json!({"data_type": "binary"}), longest),
            Self::Timestamp { has_zone, .. } => json!({"data_type": "timestamp", "timezone": has_zone}),
            Self::Date => json!({"data_type": "date"}),
            Self::Time { .. } => json!({"data_type": "time"}),
            Self::Json | Self::Array => json!({"data_type": "json"}),
            Self::Bool => json!({"data_type": "bool"}),
            Self::Other => json!({}),
        };
        match hints {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

fn with(mut hints: Value, key: &str, value: Value) -> Value {
    hints[key] = value;
    hints
}

/// A scale that Arrow does not have leaves the number a text.
fn decimal(precision: u32, scale: i32, arrow_type: fn(u8, i8) -> ArrowType) -> ArrowType {
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision), Ok(scale)) if (0..=i32::from(precision)).contains(&i32::from(scale)) => {
            arrow_type(precision, scale)
        }
        _ => ArrowType::Utf8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_texts() {
        let decimal = |digits| SqlType::Decimal { digits }.arrow_type();
        assert_eq!(decimal(Some((10, 2))), ArrowType::Decimal128(10, 2));
        assert_eq!(decimal(Some((60, 10))), ArrowType::Decimal256(60, 10));
        assert_eq!(decimal(Some((3, 5))), ArrowType::Utf8);
        assert_eq!(decimal(Some((5, -2))), ArrowType::Utf8);
        assert_eq!(decimal(Some((100, 2))), ArrowType::Utf8);
        assert_eq!(decimal(None), ArrowType::Utf8);
    }

    #[test]
    fn the_level_decides_about_lengths() {
        let text = SqlType::Text { length: Some(10) };
        assert_eq!(json!(text.hints(ReflectionLevel::Full)), json!({"data_type": "text"}));
        assert_eq!(
            json!(text.hints(ReflectionLevel::FullWithPrecision)),
            json!({"data_type": "text", "precision": 10})
        );
        assert_eq!(json!(text.hints(ReflectionLevel::Minimal)), json!({}));
    }
}
