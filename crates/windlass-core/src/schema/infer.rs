//! What is inferred for a new column: its type and its hints.

use serde_json::Value;

use super::{Column, Pattern, Schema};
use crate::error::Result;
use crate::value::{DataType, Scalar, is_iso_date, is_iso_timestamp};

/// How new columns are typed: the compiled settings of a schema.
#[derive(Clone, Debug)]
pub struct ColumnRules {
    detections: Vec<Detection>,
    preferred: Vec<(Pattern, DataType)>,
    hints: Vec<(String, Vec<Pattern>)>,
}

/// A rule that looks at the first value of a new column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detection {
    IsoTimestamp,
    IsoDate,
    Timestamp,
    LargeInteger,
    HexBytesToText,
    WeiToDouble,
}

/// Seconds either side of the first release of this rule's clock within which a number is a time.
///
/// The reference compares with the process start; a fixed centre gives the same schema on every day.
const TIMESTAMP_CENTRE: f64 = 1_767_225_600.0;
const TIMESTAMP_RANGE: f64 = 157_680_000.0;

/// The reference's bound above which a large integer is text: 2^256 - 1 divided by 2 * 10^38.
const MAX_WEI: f64 = 578_960_446_186_580_977_117_854_925_043_439_539_266.0;

impl ColumnRules {
    /// Compiles the settings. Errors: a pattern that is no regular expression, an unknown type.
    pub fn new(schema: &Schema) -> Result<Self> {
        let detections = schema
            .settings
            .get("detections")
            .or_else(|| schema.normalizers.get("detections"))
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(|name| Detection::named(name.as_str()?)).collect())
            .unwrap_or_default();
        let mut preferred = Vec::new();
        if let Some(Value::Object(types)) = schema.settings.get("preferred_types") {
            for (pattern, data_type) in types {
                preferred.push((Pattern::new(pattern)?, data_type.as_str().unwrap_or_default().parse()?));
            }
        }
        let mut hints = Vec::new();
        if let Some(Value::Object(defaults)) = schema.settings.get("default_hints") {
            for (hint, patterns) in defaults {
                let patterns = patterns.as_array().into_iter().flatten().filter_map(Value::as_str);
                hints.push((hint.clone(), patterns.map(Pattern::new).collect::<Result<_>>()?));
            }
        }
        Ok(Self { detections, preferred, hints })
    }

    /// The preferred type of a column name, if a pattern matches.
    pub fn preferred(&self, name: &str) -> Option<DataType> {
        self.preferred.iter().find(|(pattern, _)| pattern.matches(name)).map(|(_, data_type)| *data_type)
    }

    /// Whether some column is to have one of the types that are asked for, by its name.
    pub fn prefers(&self, is_asked_for: impl Fn(DataType) -> bool) -> bool {
        self.preferred.iter().any(|(_, data_type)| is_asked_for(*data_type))
    }

    /// The type that the detectors give to a first value, else its own. `None` for null.
    pub fn detect(&self, value: &Scalar<'_>) -> Option<DataType> {
        let own = value.data_type()?;
        Some(self.detections.iter().find_map(|detection| detection.detect(value)).unwrap_or(own))
    }

    /// Whether a null may not stand in a new column of this name.
    pub fn is_not_null(&self, name: &str) -> bool {
        self.hints
            .iter()
            .any(|(hint, patterns)| hint == "not_null" && patterns.iter().any(|p| p.matches(name)))
    }

    /// A new column with the default hints of its name.
    pub fn new_column(&self, name: &str, data_type: DataType) -> Column {
        let mut column = Column::typed(name, data_type, true);
        for (hint, patterns) in &self.hints {
            if !patterns.iter().any(|pattern| pattern.matches(name)) {
                continue;
            }
            match hint.as_str() {
                "not_null" => column.nullable = Some(false),
                "nullable" => column.nullable = Some(true),
                hint => drop(column.hints.insert(hint.to_owned(), Value::Bool(true))),
            }
        }
        column
    }
}

impl Detection {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "iso_timestamp" => Self::IsoTimestamp,
            "iso_date" => Self::IsoDate,
            "timestamp" => Self::Timestamp,
            "large_integer" => Self::LargeInteger,
            "hexbytes_to_text" => Self::HexBytesToText,
            "wei_to_double" => Self::WeiToDouble,
            _ => return None,
        })
    }

    fn detect(self, value: &Scalar<'_>) -> Option<DataType> {
        let found = match (self, value) {
            (Self::IsoTimestamp, Scalar::Text(text)) if is_iso_timestamp(text) => DataType::Timestamp,
            (Self::IsoDate, Scalar::Text(text)) if is_iso_date(text) => DataType::Date,
            (Self::Timestamp, Scalar::Int(value)) if is_recent(*value as f64) => DataType::Timestamp,
            (Self::Timestamp, Scalar::Double(value)) if is_recent(*value) => DataType::Timestamp,
            // Integers past 64 bits are wei already.
            (Self::LargeInteger, Scalar::Wei(value)) if value.to_f64().is_some_and(|v| v > MAX_WEI) => {
                DataType::Text
            }
            (Self::HexBytesToText, Scalar::Binary(binary)) if binary.hex => DataType::Text,
            (Self::WeiToDouble, Scalar::Wei(_)) => DataType::Double,
            _ => return None,
        };
        Some(found)
    }
}

fn is_recent(seconds: f64) -> bool {
    (seconds - TIMESTAMP_CENTRE).abs() <= TIMESTAMP_RANGE
}
