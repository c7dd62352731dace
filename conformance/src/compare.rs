//! The differences between what was recorded and what was found.

use serde_json::{Map, Value};

/// Lines that tell where two snapshots differ; empty if they do not.
pub(crate) fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let keys = ["error", "columns", "rows", "duplicate_dlt_ids", "meta", "state", "schema", "row_counts"];
    for key in keys {
        let expected = expected.get(key).unwrap_or(&Value::Null);
        let found = found.get(key).unwrap_or(&Value::Null);
        match key {
            "columns" => compare(&sorted_columns(expected), &sorted_columns(found), key, &mut lines),
            _ => compare(expected, found, key, &mut lines),
        }
    }
    lines
}

/// The order of columns is not significant; the engine's own tables are described by `meta`.
fn sorted_columns(columns: &Value) -> Value {
    let mut columns = columns.clone();
    for table in columns.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Value::Array(columns) = table {
            columns.sort_by_key(ToString::to_string);
        }
    }
    columns
}

fn compare(expected: &Value, found: &Value, path: &str, lines: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let path = format!("{path}.{key}");
                match b.get(key) {
                    // The recorder's digests come in any order.
                    Some(other) if key == "unique_hashes" => {
                        compare(&sorted(value), &sorted(other), &path, lines);
                    }
                    Some(other) => compare(value, other, &path, lines),
                    None => lines.push(format!("- {path}: {value}")),
                }
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                lines.push(format!("+ {path}.{key}: {value}"));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let path = format!("{path}[{index}]");
                match (a.get(index), b.get(index)) {
                    (Some(value), Some(other)) => compare(value, other, &path, lines),
                    (Some(value), None) => lines.push(format!("- {path}: {value}")),
                    (None, Some(value)) => lines.push(format!("+ {path}: {value}")),
                    (None, None) => {}
                }
            }
        }
        _ if same(expected, found) => {}
        _ => {
            lines.push(format!("- {path}: {expected}"));
            lines.push(format!("+ {path}: {found}"));
        }
    }
}

/// Whether two values are the same, the order of members aside.
pub(crate) fn is_equal(expected: &Value, found: &Value) -> bool {
    let mut lines = Vec::new();
    compare(expected, found, "", &mut lines);
    lines.is_empty()
}

fn sorted(list: &Value) -> Value {
    let mut list = list.clone();
    if let Value::Array(items) = &mut list {
        items.sort_by_key(ToString::to_string);
    }
    list
}

/// Numbers are equal by value, and by their text where they are floats.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) if a.is_f64() != b.is_f64() => x == y,
        _ => a == b,
    }
}
