//! The cases of `normalize_rows.json`: what records become, with types, ids, columns and schema hash.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};
use windlass_core::naming::Naming;
use windlass_core::normalize::{Cell, Limits, Physical, TypeDefaults};
use windlass_core::schema::{Column, Schema, Table};
use windlass_core::value::{Scalar, coerce, decode_tagged};

use crate::load::{Loaded, Rows, load_lines};

/// The schema as it was before the records came.
fn schema_before(case: &Value) -> Schema {
    let mut schema = Schema::new("vec", &Naming::default()).unwrap();
    schema.normalizers = case["normalizers"].as_object().unwrap().clone();
    let name = case["case"].as_str().unwrap();
    let final_root = &case["tables"]["events"];
    let mut root = Table::new("events");
    for (key, value) in final_root.as_object().unwrap() {
        if !["name", "columns"].contains(&key.as_str()) {
            root.hints.insert(key.clone(), value.clone());
        }
    }
    let hint = |hint: &str| Column { nullable: Some(false), ..Column::new(hint) };
    match name {
        "json_hint" => {
            for column in ["l", "f__g"] {
                let column = Column::from_json(column, &final_root["columns"][column]).unwrap();
                root = root.with_column(column);
            }
        }
        "merge_upsert" => {
            for column in ["id", "d"] {
                root = root.with_column(hint(column).with("primary_key", true));
            }
        }
        "scd2" => {
            let id = hint("_dlt_id").with("x-row-version", true).with("unique", false).with("row_key", false);
            root = root.with_column(id);
        }
        "preferred_types" => {
            let types =
                serde_json::json!({"re:^value$": "wei", "re:confidence": "double", "ts": "timestamp"});
            schema.settings.insert("preferred_types".to_owned(), types);
        }
        _ => {}
    }
    schema.tables.insert("events".to_owned(), root.into());
    schema
}

/// The text that a batch shows for a typed JSON value in a column.
fn expected_text(value: &Value, column: &Column) -> String {
    let scalar = match value {
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Number(number) if number.is_i64() => Scalar::Int(number.as_i64().unwrap()),
        Value::Number(number) => Scalar::Double(number.as_f64().unwrap()),
        Value::String(text) => decode_tagged(text),
        nested => Scalar::Json(serde_json::to_string(nested).unwrap().into()),
    };
    let physical = Physical::of(column, &TypeDefaults::default());
    let scalar = coerce(&scalar, column.data_type.unwrap()).unwrap();
    let show =
        |kind: &str, value: i64| if kind.is_empty() { value.to_string() } else { format!("{kind} {value}") };
    match (physical.cell(scalar).unwrap(), physical) {
        (Cell::Text(text), _) => format!("{text:?}"),
        (Cell::Int(value), Physical::Bool) => (value != 0).to_string(),
        (Cell::Int(value), Physical::Date) => show("date", value),
        (Cell::Int(value), Physical::Time(_)) => show("time", value),
        (Cell::Int(value), Physical::Timestamp { .. }) => show("timestamp", value),
        (Cell::Int(value), _) => show("", value),
        (Cell::Double(value), _) => format!("{value:?}"),
        (Cell::Decimal(value), _) => format!("decimal {value}"),
        (Cell::Bytes(bytes), _) => format!("binary {bytes:?}"),
        (other, _) => panic!("{other:?}"),
    }
}

fn expected_tables(case: &Value) -> BTreeMap<String, Rows> {
    let mut tables: BTreeMap<String, Rows> = BTreeMap::new();
    for row in case["rows"].as_array().unwrap() {
        let (table, cells) = (row[0].as_str().unwrap(), row[1].as_object().unwrap());
        let column = |name: &str| Column::from_json(name, &case["tables"][table]["columns"][name]).unwrap();
        let cells = cells.iter().map(|(name, value)| (name.clone(), expected_text(value, &column(name))));
        tables.entry(table.to_owned()).or_default().push(cells.collect());
    }
    tables
}

fn check(case: &Value) {
    let name = case["case"].as_str().unwrap();
    let items: Vec<String> =
        case["input_typed_json"].as_array().unwrap().iter().map(Value::to_string).collect();
    for chunk in [1, 2, 1000] {
        let loaded = load_lines(schema_before(case), "events", &items, chunk, 2, Limits::default()).unwrap();
        let Loaded { mut schema, mut tables, null_columns, .. } = loaded;
        // Rows of several workers come in any order.
        let mut expected = expected_tables(case);
        tables.values_mut().chain(expected.values_mut()).for_each(|rows| rows.sort());
        // Random ids of the reference are given in the input, so all rows are equal.
        assert_eq!(tables, expected, "{name}");
        let nulls: BTreeMap<String, Vec<String>> = serde_json::from_value(case["null_only"].clone()).unwrap();
        assert_eq!(null_columns, nulls, "{name}");
        let columns = |tables: &Map<String, Value>| -> BTreeMap<String, Vec<String>> {
            let names = |table: &Value| table["columns"].as_object().unwrap().keys().cloned().collect();
            tables.iter().map(|(name, table)| (name.clone(), names(table))).collect()
        };
        let made = schema.to_json();
        let mut made = made["tables"].as_object().unwrap().clone();
        made.retain(|name, _| !name.starts_with("_dlt"));
        let wanted = case["tables"].as_object().unwrap();
        assert_eq!(columns(&made), columns(wanted), "column order of {name}");
        assert_eq!(made, *wanted, "{name}");
        schema.bump();
        assert_eq!(schema.version_hash.as_deref(), case["version_hash"].as_str(), "{name}");
    }
}

#[test]
fn records_become_the_reference_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/vectors/normalize_rows.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 17);
    cases.iter().for_each(check);
}
