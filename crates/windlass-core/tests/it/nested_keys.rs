//! Lists whose tables have keys of their own: ids and links as recorded from dlt 1.31.0.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use windlass_core::hints::{ResourceHints, declare};
use windlass_core::naming::Naming;
use windlass_core::normalize::Limits;
use windlass_core::schema::Schema;

use crate::load::load_lines;

/// Loads records into `t`, merged by upsert; gives the wanted columns of each row of the tables below it.
fn rows(nested: Value, records: &[Value]) -> BTreeMap<String, Vec<String>> {
    let naming = Naming::default();
    let mut schema = Schema::new("s", &naming).unwrap();
    let hints: ResourceHints = serde_json::from_value(json!({
        "write_disposition": { "disposition": "merge", "strategy": "upsert" }, "primary_key": "id",
        "nested_hints": { "items": nested },
    }))
    .unwrap();
    declare(&mut schema, hints.tables("t", "t", &naming).unwrap(), &naming, true).unwrap();
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let mut tables = BTreeMap::new();
    // Whatever the chunking: the first record of a chunk may take another way than the others.
    for chunk in 1..=lines.len() {
        let loaded = load_lines(schema.clone(), "t", &lines, chunk, 1, Limits::default()).unwrap();
        let shown = loaded.tables.into_iter().filter(|(table, _)| table != "t").map(|(table, rows)| {
            let ids = ["k", "value", "_dlt_id", "_dlt_root_id", "_dlt_parent_id"];
            let line = |row: &BTreeMap<String, String>| {
                let values = ids.iter().filter_map(|column| Some(format!("{column}={}", row.get(*column)?)));
                values.collect::<Vec<_>>().join(" ")
            };
            (table, rows.iter().map(line).collect::<Vec<_>>())
        });
        let shown: BTreeMap<_, _> = shown.collect();
        assert!(tables.is_empty() || tables == shown, "{tables:?} and {shown:?}");
        tables = shown;
    }
    tables
}

fn records() -> [Value; 2] {
    [
        json!({ "id": 1, "items": [{ "k": 1, "v": "a", "subs": [1, 2] }, { "k": 2, "v": "b" }] }),
        json!({ "id": 2, "items": [{ "k": 3, "v": "c" }] }),
    ]
}

fn upsert() -> Value {
    json!({ "disposition": "merge", "strategy": "upsert" })
}

#[test]
fn rows_of_a_keyed_list_that_is_upserted_have_ids_of_their_keys() {
    let tables = rows(json!({ "primary_key": "k", "write_disposition": upsert() }), &records());
    assert_eq!(
        tables["t__items"],
        [
            r#"k=1 _dlt_id="xv0xpksgSHe+ow" _dlt_root_id="z5jIxXIbUnmbKw""#,
            r#"k=2 _dlt_id="Df9EwmA7U3rzDg" _dlt_root_id="z5jIxXIbUnmbKw""#,
            r#"k=3 _dlt_id="ok/6GMrcAekuSg" _dlt_root_id="M6/KlLzJ2FeV/w""#,
        ]
    );
    assert_eq!(
        tables["t__items__subs"],
        [
            r#"value=1 _dlt_id="h27rohnekUW+BA" _dlt_root_id="xv0xpksgSHe+ow" _dlt_parent_id="xv0xpksgSHe+ow""#,
            r#"value=2 _dlt_id="SD26R31KIOf28A" _dlt_root_id="xv0xpksgSHe+ow" _dlt_parent_id="xv0xpksgSHe+ow""#,
        ]
    );
}

#[test]
fn compound_keys_of_a_list_count_as_a_whole() {
    let tables = rows(json!({ "primary_key": ["k", "v"], "write_disposition": upsert() }), &records());
    let ids: Vec<&str> = tables["t__items"].iter().map(|row| row.split('"').nth(1).unwrap()).collect();
    assert_eq!(ids, ["OlyxjKyo9l/mDQ", "9bS1bhEP9SxZUg", "k4V4PANKfCJdmg"]);
}

#[test]
fn rows_of_a_list_with_versions_have_ids_of_their_content() {
    let scd2 = json!({ "disposition": "merge", "strategy": "scd2" });
    let tables = rows(json!({ "primary_key": "k", "write_disposition": scd2 }), &records());
    let ids: Vec<&str> = tables["t__items"].iter().map(|row| row.split('"').nth(1).unwrap()).collect();
    assert_eq!(ids, ["qlgT1vy+Jvui7g", "9bS1bhEP9SxZUg", "k4V4PANKfCJdmg"]);
    // Rows below a table with versions point to the root of all.
    assert!(tables["t__items__subs"][0].ends_with(
        r#"_dlt_id="HMLike3avjzTOg" _dlt_root_id="z5jIxXIbUnmbKw" _dlt_parent_id="qlgT1vy+Jvui7g""#
    ));
}

/// The reference draws them at random: the table is appended to, whatever becomes of the one above.
#[test]
fn rows_of_a_keyed_list_without_a_disposition_of_its_own_have_ids_of_their_place() {
    let tables = rows(json!({ "primary_key": "k" }), &records());
    assert!(!tables["t__items"][0].contains("xv0xpksgSHe+ow"), "{tables:?}");
    assert!(tables["t__items__subs"][0].contains(r#"_dlt_root_id="z5jIxXIbUnmbKw""#), "{tables:?}");
    // A record that comes twice keeps its id, but the rows that it appends are others.
    let twice = rows(json!({ "primary_key": "k" }), &[records()[0].clone(), records()[0].clone()]);
    let ids: std::collections::BTreeSet<&String> = twice["t__items"].iter().collect();
    assert_eq!(ids.len(), 4, "{twice:?}");
}

/// Two keys of one name make a record take the way on which rows are made one by one.
#[test]
fn ids_do_not_depend_on_how_rows_are_made() {
    let twice: Value =
        serde_json::from_str(r#"{"id": 1, "Items": [], "items": [{"k": 1, "K ": 1, "v": "a"}]}"#).unwrap();
    let tables =
        rows(json!({ "primary_key": "k", "write_disposition": upsert() }), &[records()[1].clone(), twice]);
    assert!(tables["t__items"][1].contains(r#"_dlt_id="xv0xpksgSHe+ow""#), "{tables:?}");
}
