//! Changes of mind between runs: other dispositions, refresh, columns added by hand, and what is refused.

use std::sync::Arc;

use serde_json::{Value, json};
use windlass::core::ErrorKind;
use windlass::destination::Destination;
use windlass::destinations::{Filesystem, FilesystemConfig};
use windlass::pipeline::{Refresh, RunOptions};

use super::{Bench, first_row};

const IDS: &str = "SELECT id::VARCHAR FROM t";

fn merge(strategy: &str) -> Value {
    json!({ "write_disposition": { "disposition": "merge", "strategy": strategy }, "primary_key": "id" })
}

#[test]
fn rows_that_were_appended_are_found_by_a_merge() {
    let bench = Bench::new();
    let options = RunOptions::default();
    let append = json!({ "primary_key": "id" });
    bench.run(&append, &[first_row(1), first_row(2)], 2, &options).unwrap();
    let plain = json!({ "write_disposition": "merge", "primary_key": "id" });
    bench.run(&plain, &[json!({ "id": 1, "l": [{ "x": 7, "m": [8, 9] }] })], 1, &options).unwrap();
    assert_eq!(bench.texts(IDS), ["1", "2"]);
    let inner = "SELECT t.id || ':' || m.value FROM t__l__m AS m JOIN t ON t._dlt_id = m._dlt_root_id";
    assert_eq!(bench.texts(inner), ["1:8", "1:9", "2:0"]);
    assert_eq!(bench.texts("SELECT count(*)::VARCHAR FROM t__l__m"), ["3"]);
    // From here on the stored rows have another kind of id; their lists go with them all the same.
    bench.run(&merge("upsert"), &[json!({ "id": 2, "l": [{ "x": 5 }] })], 1, &options).unwrap();
    assert_eq!(bench.texts(inner), ["1:8", "1:9"]);
    assert_eq!(bench.texts("SELECT count(*)::VARCHAR FROM t__l"), ["2"]);
}

#[test]
fn a_key_that_comes_twice_is_one_row() {
    let bench = Bench::new();
    for strategy in ["upsert", "insert-only"] {
        let rows = [json!({ "id": 1, "w": "a" }), json!({ "id": 1, "w": "b" })];
        bench.run(&merge(strategy), &rows, 2, &RunOptions::default()).unwrap();
        bench.run(&merge(strategy), &rows, 2, &RunOptions::default()).unwrap();
        assert_eq!(bench.texts("SELECT id || w FROM t"), ["1b"], "{strategy}");
    }
}

#[test]
fn the_condition_on_new_rows_comes_before_the_choice_among_them() {
    let bench = Bench::new();
    let hints = json!({
        "write_disposition": { "disposition": "merge", "strategy": "delete-insert", "source_filter": "v < 10" },
        "primary_key": "id", "columns": { "n": { "dedup_sort": "desc" } },
    });
    let rows = [json!({ "id": 1, "v": 50, "n": 2 }), json!({ "id": 1, "v": 5, "n": 1 })];
    bench.run(&hints, &rows, 2, &RunOptions::default()).unwrap();
    assert_eq!(bench.texts("SELECT v::VARCHAR FROM t"), ["5"]);
}

#[test]
fn keys_that_read_alike_are_told_apart_by_scd2() {
    let bench = Bench::new();
    let hints = json!({
        "write_disposition": { "disposition": "merge", "strategy": "scd2" }, "merge_key": ["a", "b"],
    });
    let rows = [json!({ "a": "1", "b": "23", "v": 1 }), json!({ "a": "12", "b": "3", "v": 1 })];
    bench.run(&hints, &rows, 2, &RunOptions::default()).unwrap();
    bench.run(&hints, &[json!({ "a": "1", "b": "23", "v": 2 })], 1, &RunOptions::default()).unwrap();
    let active = "SELECT a || '/' || b || '=' || v FROM t WHERE _dlt_valid_to IS NULL";
    assert_eq!(bench.texts(active), ["1/23=2", "12/3=1"]);
}

#[test]
fn refresh_drops_and_loads_in_one_step() {
    let bench = Bench::new();
    let hints = json!({});
    for (refresh, expected) in [
        (Refresh::DropData, vec!["5"]),
        (Refresh::DropResources, vec!["5"]),
        (Refresh::DropSources, vec!["5"]),
    ] {
        bench.run(&hints, &[first_row(1), first_row(2)], 1, &RunOptions::default()).unwrap();
        let options = RunOptions { refresh: Some(refresh), ..RunOptions::default() };
        bench.run(&hints, &[json!({ "id": 5 })], 1, &options).unwrap();
        assert_eq!(bench.texts(IDS), expected, "{refresh}");
        let tables = bench.texts(
            "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 't\\_\\_%' ESCAPE '\\'",
        );
        assert_eq!(tables.is_empty(), refresh != Refresh::DropData, "{refresh}: {tables:?}");
    }
}

#[test]
fn a_refresh_that_fails_drops_nothing() {
    let bench = Bench::new();
    bench.run(&json!({}), &[first_row(1)], 1, &RunOptions::default()).unwrap();
    let options = RunOptions { refresh: Some(Refresh::DropSources), ..RunOptions::default() };
    let frozen = json!({ "columns": { "id": { "data_type": "bigint" } }, "schema_contract": "freeze" });
    bench.run(&frozen, &[json!({ "id": "x" })], 1, &options).unwrap_err();
    assert_eq!(bench.texts(IDS), ["1"]);
    bench.run(&json!({}), &[json!({ "id": 2 })], 1, &RunOptions::default()).unwrap();
    assert_eq!(bench.texts(IDS), ["1", "2"]);
}

#[test]
fn merge_options_that_cannot_be_are_refused_before_anything_is_read() {
    let bench = Bench::new();
    let cases = [
        (merge("magic"), "no merge strategy `magic`"),
        (
            json!({ "write_disposition": { "disposition": "merge", "strategy": "upsert" } }),
            "needs a primary key",
        ),
        (
            json!({ "write_disposition": { "disposition": "merge", "strategy": "scd2", "deduplicated": true } }),
            "has no option `deduplicated`",
        ),
        (
            json!({ "write_disposition": { "disposition": "merge", "strategy": "scd2", "boundary_timestamp": "soon" } }),
            "is no time",
        ),
        (
            json!({ "write_disposition": "merge", "primary_key": "id",
                "columns": { "a": { "dedup_sort": "asc" }, "b": { "dedup_sort": "desc" } } }),
            "only one column can have dedup_sort",
        ),
    ];
    for (hints, message) in cases {
        let error = bench.run(&hints, &[json!({ "id": 1 })], 1, &RunOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
    assert!(bench.pipeline().work().packages().list().unwrap().is_empty());
}

#[test]
fn a_merge_that_only_appends_is_announced() {
    let bench = Bench::new();
    let info = bench
        .run(&json!({ "write_disposition": "merge" }), &[first_row(1)], 1, &RunOptions::default())
        .unwrap();
    assert!(info.warnings.iter().any(|text| text.contains("rows are appended")), "{:?}", info.warnings);
}

#[test]
fn a_destination_of_files_appends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let config: FilesystemConfig =
        serde_json::from_value(json!({ "bucket_url": folder.path().display().to_string() })).unwrap();
    let files: Arc<dyn Destination> =
        Arc::new(Filesystem::new(config, &windlass::destinations::BuildContext::default()).unwrap());
    let bench = Bench { destination: files, ..Bench::new() };
    for _ in 0..2 {
        let info = bench.run(&merge("delete-insert"), &[first_row(1)], 1, &RunOptions::default()).unwrap();
        assert!(info.warnings.iter().any(|text| text.contains("rows are appended")), "{:?}", info.warnings);
    }
    let schema = bench.pipeline().default_schema().unwrap().unwrap();
    assert!(!schema.tables["t__l"].columns.contains_key("_dlt_root_id"));
}
