//! Columns and their hints.

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::value::DataType;

/// One column of a table: its type, if known, and its hints.
///
/// A column without a data type is *incomplete*: hints came before data. It is never created at a destination.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Normalized name.
    pub name: String,
    /// The type; `None` while incomplete.
    pub data_type: Option<DataType>,
    /// Whether nulls are allowed; absent means yes. Explicit and absent differ in the schema's hash.
    pub nullable: Option<bool>,
    /// Width, length or digits, depending on the type.
    pub precision: Option<i64>,
    /// Fractional digits of a decimal.
    pub scale: Option<i64>,
    /// `false` for timestamps without a time zone; absent means with.
    pub timezone: Option<bool>,
    /// Every other key, in stored order: keys, variant, description, `x-…`.
    pub hints: Map<String, Value>,
}

/// Hints of which several columns of a table may carry one and the same.
pub const COMPOUND_HINTS: [&str; 5] = ["primary_key", "merge_key", "partition", "cluster", "incremental"];

/// Hints that carry `true` on at most one column, and those with `asc` or `desc`.
pub const SINGLE_HINTS: [&str; 9] = [
    "sort",
    "unique",
    "row_key",
    "parent_key",
    "root_key",
    "hard_delete",
    "dedup_sort",
    "variant",
    "description",
];

impl Column {
    /// An incomplete column without hints.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A complete column with an explicit nullability.
    pub fn typed(name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self { name: name.into(), data_type: Some(data_type), nullable: Some(nullable), ..Self::default() }
    }

    /// The same column with one more hint.
    #[must_use]
    pub fn with(mut self, hint: &str, value: impl Into<Value>) -> Self {
        self.hints.insert(hint.to_owned(), value.into());
        self
    }

    /// Whether the type is known.
    pub fn is_complete(&self) -> bool {
        self.data_type.is_some() && !self.name.is_empty()
    }

    /// Whether nulls are allowed.
    pub fn is_nullable(&self) -> bool {
        self.nullable.unwrap_or(true)
    }

    /// Whether the hint is set to something other than `false` or null.
    pub fn has(&self, hint: &str) -> bool {
        !matches!(self.hints.get(hint), None | Some(Value::Bool(false) | Value::Null))
    }

    /// Whether the column holds the values that did not fit another one.
    pub fn is_variant(&self) -> bool {
        self.has("variant")
    }

    /// Whether nothing that `other` says of the type differs.
    pub fn has_type_of(&self, other: &Column) -> bool {
        fn agrees<T: PartialEq>(mine: &Option<T>, other: &Option<T>) -> bool {
            other.is_none() || mine == other
        }
        agrees(&self.data_type, &other.data_type)
            && agrees(&self.precision, &other.precision)
            && agrees(&self.scale, &other.scale)
            && self.timezone.unwrap_or(true) == other.timezone.or(self.timezone).unwrap_or(true)
    }

    /// The type in words: `decimal(10,2)`, `timestamp without time zone`.
    pub fn type_text(&self) -> String {
        let mut text = self.data_type.map_or_else(|| "unknown".to_owned(), |data_type| data_type.to_string());
        match (self.precision, self.scale) {
            (Some(precision), Some(scale)) => text.push_str(&format!("({precision},{scale})")),
            (Some(precision), None) => text.push_str(&format!("({precision})")),
            _ => {}
        }
        if self.timezone == Some(false) {
            text.push_str(" without time zone");
        }
        text
    }

    /// Overwrites property by property with what `other` sets. Nothing is removed.
    pub fn merge(&mut self, other: &Column) {
        fn set<T: Copy>(mine: &mut Option<T>, other: Option<T>) {
            if other.is_some() {
                *mine = other;
            }
        }
        set(&mut self.data_type, other.data_type);
        set(&mut self.nullable, other.nullable);
        set(&mut self.precision, other.precision);
        set(&mut self.scale, other.scale);
        set(&mut self.timezone, other.timezone);
        for (key, value) in &other.hints {
            self.hints.insert(key.clone(), value.clone());
        }
    }

    /// Reads the stored form. `name` is the key of the column in its table. Unknown keys are kept as hints.
    pub fn from_json(name: &str, value: &Value) -> Result<Self> {
        let Value::Object(map) = value else {
            return Err(Error::of(Code::InvalidSchema, "a column is not an object").at_column(name));
        };
        let mut column = Self::new(name);
        for (key, value) in map {
            let wrong = || {
                Error::of(Code::InvalidSchema, format!("`{key}` of a column cannot be {value}"))
                    .at_column(name)
            };
            match (key.as_str(), value) {
                ("name", _) => {}
                // An explicit null is a part of the document, and of its hash.
                (_, Value::Null) => drop(column.hints.insert(key.clone(), Value::Null)),
                ("data_type", value) => {
                    let text = value.as_str().ok_or_else(wrong)?;
                    column.data_type = Some(text.parse().map_err(|e: Error| e.at_column(name))?);
                }
                ("nullable", value) => column.nullable = Some(value.as_bool().ok_or_else(wrong)?),
                ("timezone", value) => column.timezone = Some(value.as_bool().ok_or_else(wrong)?),
                ("precision", value) => column.precision = Some(value.as_i64().ok_or_else(wrong)?),
                ("scale", value) => column.scale = Some(value.as_i64().ok_or_else(wrong)?),
                _ => drop(column.hints.insert(key.clone(), value.clone())),
            }
        }
        Ok(column)
    }

    /// The stored form.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("name".to_owned(), Value::from(self.name.clone()));
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        };
        set("data_type", self.data_type.map(|data_type| data_type.as_str().into()));
        set("nullable", self.nullable.map(Value::from));
        set("precision", self.precision.map(Value::from));
        set("scale", self.scale.map(Value::from));
        set("timezone", self.timezone.map(Value::from));
        for (key, value) in &self.hints {
            set(key, Some(value.clone()));
        }
        map
    }
}
