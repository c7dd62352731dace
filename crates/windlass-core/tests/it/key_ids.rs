//! Ids that come from the primary key of a record, however its values were noted.

use serde_json::{Value, json};
use windlass_core::hints::{ResourceHints, declare};
use windlass_core::json::ParseBuffers;
use windlass_core::naming::Naming;
use windlass_core::normalize::{Limits, key_id};
use windlass_core::schema::Schema;

use crate::load::load_lines;

/// The id that a key makes: an object of its columns and values.
fn expected(key: &Value) -> String {
    let text = key.to_string();
    let mut buffers = ParseBuffers::new();
    let parsed = buffers.parse_typed_value(text.as_bytes()).unwrap();
    let mut key: Vec<(String, u32)> =
        parsed.tape.members(0).map(|(name, node)| (name.to_owned(), node)).collect();
    String::from_utf8(key_id(&parsed.tape, &mut key).to_vec()).unwrap()
}

/// The ids of records that are merged by `a` and `b`, in order.
fn ids(columns: Value, records: &[Value], chunk: usize) -> Vec<String> {
    let naming = Naming::default();
    let mut schema = Schema::new("s", &naming).unwrap();
    let hints: ResourceHints = serde_json::from_value(json!({
        "write_disposition": { "disposition": "merge", "strategy": "upsert" }, "primary_key": ["a", "b"],
        "columns": columns,
    }))
    .unwrap();
    declare(&mut schema, hints.tables("t", "t", &naming).unwrap(), &naming, true).unwrap();
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let loaded = load_lines(schema, "t", &lines, chunk, 1, Limits::default()).unwrap();
    let id = |row: &std::collections::BTreeMap<String, String>| row["_dlt_id"].trim_matches('"').to_owned();
    loaded.tables["t"].iter().map(id).collect()
}

#[test]
fn the_id_is_that_of_the_key_as_it_was_given() {
    let records = [
        json!({ "a": 1, "b": "x", "v": 1 }),
        json!({ "v": 2, "b": "x", "a": 2 }),
        // To variants.
        json!({ "a": "text", "b": 7, "new": [1, 2] }),
        json!({ "a": 1.5, "b": true }),
        json!({ "a": 3, "b": "2024-01-01T00:00:00Z" }),
        // Keys of other names that come to the same one.
        json!({ "A": 4, "B ": "y" }),
    ];
    let keys = [
        json!({ "a": 1, "b": "x" }),
        json!({ "a": 2, "b": "x" }),
        json!({ "a": "text", "b": 7 }),
        json!({ "a": 1.5, "b": true }),
        json!({ "a": 3, "b": "2024-01-01T00:00:00Z" }),
        json!({ "a": 4, "b": "y" }),
    ];
    let declared = json!({ "a": { "data_type": "text" }, "b": { "data_type": "text" } });
    let nullable = json!({ "a": { "nullable": true }, "b": { "nullable": true } });
    for columns in [nullable, declared] {
        for chunk in 1..=records.len() {
            let expected: Vec<String> = keys.iter().map(expected).collect();
            assert_eq!(ids(columns.clone(), &records, chunk), expected, "{columns} {chunk}");
        }
    }
}

#[test]
fn a_record_keeps_an_id_of_its_own() {
    let records = [
        json!({ "a": 1, "b": 1, "_dlt_id": "own" }),
        json!({ "a": 2, "b": 1 }),
        json!({ "a": 2.5, "b": 1, "_dlt_id": "another" }),
        json!({ "a": 3, "b": 1, "_dlt_id": "" }),
    ];
    for chunk in 1..=records.len() {
        assert_eq!(
            ids(json!({ "a": { "data_type": "double" } }), &records, chunk),
            [
                "own".to_owned(),
                expected(&json!({ "a": 2, "b": 1 })),
                "another".to_owned(),
                expected(&json!({ "a": 3, "b": 1 })),
            ]
        );
    }
}
