//! The JSON Schemas of hints whose words are known.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::COLUMN_KEYS;
use crate::merge::MergeStrategy;
use crate::schema::ContractMode;
use crate::value::DataType;

/// The strategies by name.
pub(super) fn strategy_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "enum": MergeStrategy::ALL.map(MergeStrategy::as_str) }, { "type": "null" }] })
}

/// Says what the hints of one column are.
pub(super) struct ColumnSchema;

impl JsonSchema for ColumnSchema {
    fn schema_name() -> Cow<'static, str> {
        "ColumnHint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        column_schema()
    }
}

/// The hints of one column.
fn column_schema() -> Schema {
    let mut keys: Map<String, Value> =
        COLUMN_KEYS.iter().map(|key| ((*key).to_owned(), json!(true))).collect();
    keys.insert(
        "data_type".to_owned(),
        json!({ "anyOf": [
            { "enum": DataType::ALL.map(DataType::as_str) },
            { "const": "complex", "deprecated": true },
            { "type": "null" },
        ] }),
    );
    json_schema!({
        "type": "object",
        "properties": keys,
        "patternProperties": { "^x-": true },
        "additionalProperties": false,
    })
}

/// A contract: one mode for everything, or one for each kind of change.
pub(super) fn contract_schema(_: &mut SchemaGenerator) -> Schema {
    let mode = json!({ "enum": ContractMode::ALL.map(ContractMode::as_str) });
    json_schema!({ "anyOf": [mode, { "type": "null" }, {
        "type": "object",
        "properties": { "tables": mode, "columns": mode, "data_type": mode },
        "additionalProperties": false,
    }] })
}
