//! Each option by itself: runs over records, and the entry that each leaves.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use serde_json::{Value, json};

use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::hints::OneOrMany;
use crate::json::{ParseBuffers, write_compact};
use crate::state::State;

fn options(value: Value) -> IncrementalOptions {
    serde_json::from_value(value).unwrap()
}

/// One run over pages of records: the records that are kept, and the entry of the next run.
fn run(options: &IncrementalOptions, entry: Option<&Value>, pages: &[Value]) -> Result<(Vec<String>, Value)> {
    run_with(options, None, entry, pages, PageScan::default())
}

fn run_with(
    options: &IncrementalOptions,
    primary_key: Option<&OneOrMany>,
    entry: Option<&Value>,
    pages: &[Value],
    scan: PageScan,
) -> Result<(Vec<String>, Value)> {
    let filter = Filter::new(options, primary_key, entry)?;
    let mut tally = filter.tally();
    let mut kept = Vec::new();
    let mut buffers = ParseBuffers::new();
    for (number, page) in pages.iter().enumerate() {
        let lines: String = page.as_array().unwrap().iter().map(|record| format!("{record}\n")).collect();
        let parsed = buffers.parse_typed_lines(lines.as_bytes())?;
        let scan = PageScan { page: number as u64, ..scan };
        let judged = filter.records(&parsed.tape, &parsed.rows, scan, &mut tally)?;
        for index in judged.kept {
            let mut text = String::new();
            write_compact(&mut text, &parsed.tape, parsed.rows[index as usize].node);
            kept.push(text);
        }
        if judged.is_past {
            kept.push("past".to_owned());
            break;
        }
    }
    Ok((kept, filter.finish(&tally)?.unwrap_or_default()))
}

/// Cursor values of what is kept of one page, and the last value.
fn check(options_json: Value, runs: &[(Value, &str)]) {
    let options = options(options_json);
    let mut entry = None;
    for (cursors, expected) in runs {
        let page: Value = cursors.as_array().unwrap().iter().map(|at| json!({ "at": at })).collect();
        let (kept, next) = run(&options, entry.as_ref(), &[page]).unwrap();
        let kept: Vec<String> = kept
            .iter()
            .map(|record| match serde_json::from_str::<Value>(record) {
                Ok(record) => record["at"].to_string(),
                Err(_) => record.clone(),
            })
            .collect();
        assert_eq!(format!("{} -> {}", kept.join(" "), next["last_value"]), *expected);
        entry = Some(next);
    }
}

fn error(options_json: Value, entry: Option<Value>, page: Value) -> Error {
    let error = run(&options(options_json), entry.as_ref(), &[page]).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    error
}

#[test]
fn records_before_the_last_value_are_dropped_and_those_at_it_once() {
    check(
        json!({"cursor_path": "at", "initial_value": 1}),
        &[(json!([0, 1, 2]), "1 2 -> 2"), (json!([2, 1, 3, 2]), "3 -> 3"), (json!([1, 2, 3]), " -> 3")],
    );
}

#[test]
fn min_walks_backwards() {
    check(
        json!({"cursor_path": "at", "last_value_func": "min"}),
        &[(json!([10, 8]), "10 8 -> 8"), (json!([9, 8, 5]), "5 -> 5")],
    );
}

#[test]
fn an_open_start_leaves_the_boundary_out() {
    check(
        json!({"cursor_path": "at", "initial_value": 1, "range_start": "open"}),
        &[(json!([1, 2]), "2 -> 2"), (json!([2, 3]), "3 -> 3")],
    );
}

#[test]
fn a_range_with_an_end_is_stateless() {
    let range = json!({"cursor_path": "at", "initial_value": 2, "end_value": 5});
    check(range.clone(), &[(json!([1, 2, 5, 4]), "2 4 -> null")]);
    let closed = json!({"cursor_path": "at", "initial_value": 2, "end_value": 5, "range_end": "closed"});
    check(closed, &[(json!([1, 2, 5, 6]), "2 5 -> null")]);
    let entry = json!({"last_value": "another type", "unique_hashes": 7});
    let (kept, _) = run(&options(range), Some(&entry), &[json!([{"at": 3}])]).unwrap();
    assert_eq!(kept, ["{\"at\":3}"]);
}

#[test]
fn a_lag_looks_back_but_not_before_the_initial_value() {
    check(
        json!({"cursor_path": "at", "lag": 5}),
        &[
            (json!([100]), "100 -> 100"),
            (json!([94, 95, 100]), "95 100 -> 100"),
            (json!([101]), "101 -> 101"),
        ],
    );
    check(
        json!({"cursor_path": "at", "lag": 50, "initial_value": 90}),
        &[(json!([100]), "100 -> 100"), (json!([89, 90]), "90 -> 100")],
    );
}

#[test]
fn missing_cursors_follow_the_option() {
    let page = || json!([{"id": 1, "at": 1}, {"id": 2}, {"id": 3, "at": null}]);
    let with = |word: &str| options(json!({"cursor_path": "at", "on_cursor_value_missing": word}));
    let (kept, entry) = run(&with("include"), None, &[page()]).unwrap();
    assert_eq!((kept.len(), &entry["last_value"]), (3, &json!(1)));
    assert_eq!(run(&with("exclude"), None, &[page()]).unwrap().0.len(), 1);
    let absent = error(json!({"cursor_path": "at"}), None, json!([{"at": 1}, {"id": 2}]));
    assert_eq!((absent.message(), absent.place().row), ("the record has no cursor `at`", Some(1)));
    let null = error(json!({"cursor_path": "at"}), None, json!([{"at": null}]));
    assert_eq!((null.message(), null.kind()), ("the cursor `at` is null", ErrorKind::Data));
}

#[test]
fn records_with_the_last_value_are_told_apart_by_the_key() {
    let options_of = |key: Value| {
        let mut map = json!({"cursor_path": "at"});
        if !key.is_null() {
            map["primary_key"] = key;
        }
        options(map)
    };
    let first = json!([{"id": 1, "x": 1, "at": 1}]);
    let changed = json!([{"id": 1, "x": 2, "at": 1}, {"id": 2, "x": 2, "at": 1}]);
    for (own, resource, second) in [
        (Value::Null, None, 2),
        (json!("id"), None, 1),
        (json!(["id"]), None, 1),
        (json!(["id", "x"]), None, 2),
        (Value::Null, Some(OneOrMany::One("id".to_owned())), 1),
        (json!([]), Some(OneOrMany::One("id".to_owned())), 2),
    ] {
        let options = options_of(own.clone());
        let resource = resource.as_ref();
        let (_, entry) =
            run_with(&options, resource, None, std::slice::from_ref(&first), PageScan::default()).unwrap();
        let is_off = own == json!([]);
        assert_eq!(entry["unique_hashes"].as_array().unwrap().is_empty(), is_off);
        let again = std::slice::from_ref(&changed);
        let (kept, _) = run_with(&options, resource, Some(&entry), again, PageScan::default()).unwrap();
        assert_eq!(kept.len(), second, "{own} {resource:?}");
    }
    let missing = error(json!({"cursor_path": "at", "primary_key": "id"}), None, json!([{"at": 1}]));
    assert_eq!(missing.message(), "the record has no `id`, which is its primary key");
}

#[test]
fn digests_of_the_old_form_count_until_the_cursor_moves() {
    let options = options(json!({"cursor_path": "at", "primary_key": "id"}));
    let entry = json!({"initial_value": null, "last_value": 1, "unique_hashes": ["669czW83KR00ut4bv/U5"]});
    let page = json!([{"id": 1, "at": 1}, {"id": 2, "at": 1}]);
    let (kept, next) = run(&options, Some(&entry), &[page]).unwrap();
    assert_eq!(kept, ["{\"id\":2,\"at\":1}"]);
    let hashes = next["unique_hashes"].as_array().unwrap();
    assert!(hashes.len() == 2 && hashes.iter().all(|hash| hash.as_str().unwrap().len() == 20), "{hashes:?}");
    let (_, next) = run(&options, Some(&next), &[json!([{"id": 3, "at": 2}])]).unwrap();
    assert_eq!(next["unique_hashes"][0].as_str().unwrap().len(), 12);
}

#[test]
fn entries_have_the_reference_s_shape_and_change_only_with_records() {
    let options = options(json!({"cursor_path": "at", "initial_value": 0}));
    let (_, entry) = run(&options, None, &[]).unwrap();
    assert_eq!(entry.to_string(), r#"{"initial_value":0,"last_value":0,"unique_hashes":[],"start_value":0}"#);
    let (_, entry) = run(&options, Some(&entry), &[json!([{"id": 1, "at": 1}, {"id": 2, "at": 2}])]).unwrap();
    let expected = r#"{"initial_value":0,"last_value":2,"unique_hashes":["x1wVD2B5PZ9S"],"start_value":0}"#;
    assert_eq!(entry.to_string(), expected);
    let (_, same) = run(&options, Some(&entry), &[json!([{"id": 2, "at": 2}])]).unwrap();
    assert_eq!(same, entry);
    let mut foreign = entry;
    foreign["of another tool"] = json!(1);
    foreign["unique_hashes"] = json!(["x1wVD2B5PZ9S", "669czW83KR00"]);
    let (_, same) = run(&options, Some(&foreign), &[json!([{"id": 2, "at": 2}])]).unwrap();
    assert_eq!(same.to_string(), foreign.to_string());
}

#[test]
fn states_hash_as_in_the_reference() {
    for (cursors, hash) in [
        (
            json!(["\u{f027}2024-01-01T00:00:00+00:00", "\u{f027}2024-01-02T03:04:05.000060+00:00"]),
            "maIRgC77jO2KL8BOSqP9Z3v/ugM93wHlCr8p9mRQWlE=",
        ),
        (json!(["\u{f027}2024-01-01T00:00:00+02:00"]), "A/jOzlNSl4g1oqjkZHwR05MowRnRJn2sXTK25QdyStw="),
        (json!(["\u{f028}2024-01-01"]), "lzAU1LfLwjzg+ZYMRp833QG3J+2OxHEJjAyDC7zOkEg="),
        (json!(["\u{f026}1.50"]), "7JRYGKjzn+ixBpzbhGkhG6VIwEuoLZBAoBNUtDePX0k="),
        (json!([1, 1.0, 2.5]), "8gv1FkkVno5NTB6JG+pNhtJ1ZlnAmnnQY62O6HKfbz4="),
        (json!([]), "QvG7Aguc1oTqrZgu2S+APtOS0ATuXe+E77938lg89ZA="),
    ] {
        let records = cursors.as_array().unwrap().iter().enumerate();
        let page: Value = records.map(|(id, at)| json!({"id": id, "at": at})).collect();
        let (_, entry) = run(&options(json!({"cursor_path": "at"})), None, &[page]).unwrap();
        let mut state = State::new("p");
        state.add_schema("s");
        state.set("dataset_name", "d");
        state.set("destination_type", "dlt.destinations.dummy");
        state.set("destination_name", Value::Null);
        state.set_cursor("s", "t", "at", entry);
        assert_eq!(state.content_hash(), hash, "{}", state.to_json());
    }
}

#[test]
fn paths_take_the_first_match() {
    for (path, record) in [
        ("meta.at", json!({"meta": {"at": 5}})),
        ("$.meta['at']", json!({"meta": {"at": 5}})),
        ("l[*].at", json!({"l": [{}, {"at": 5}, {"at": 9}]})),
        ("l[1]", json!({"l": [4, 5]})),
        ("l[*]", json!({"l": [5, 9]})),
    ] {
        let (_, entry) = run(&options(json!({"cursor_path": path})), None, &[json!([record])]).unwrap();
        assert_eq!(entry["last_value"], 5, "{path}");
    }
    assert_eq!(options(json!({"cursor_path": "created-at"})).column().as_deref(), Some("created-at"));
    assert_eq!(options(json!({"cursor_path": "['at']"})).column().as_deref(), Some("at"));
    assert_eq!(options(json!({"cursor_path": "$.at"})).column(), None);
    assert_eq!(options(json!({"cursor_path": "a.b"})).column(), None);
}

#[test]
fn a_promised_order_ends_the_read() {
    let pages = |order: &str| {
        let mut pages =
            vec![json!([{"at": 1}, {"at": 2}]), json!([{"at": 5}, {"at": 6}]), json!([{"at": 7}])];
        if order == "desc" {
            pages.reverse();
            for page in &mut pages {
                page.as_array_mut().unwrap().reverse();
            }
        }
        pages
    };
    let past = |options_json: Value, entry: Option<Value>| {
        let order = options_json["row_order"].as_str().unwrap().to_owned();
        let options = options(options_json);
        assert!(options.can_stop_early());
        let scan = PageScan { in_order: true, ..PageScan::default() };
        run_with(&options, None, entry.as_ref(), &pages(&order), scan).unwrap().0
    };
    let kept =
        past(json!({"cursor_path": "at", "row_order": "asc", "initial_value": 0, "end_value": 5}), None);
    assert_eq!(kept, ["{\"at\":1}", "{\"at\":2}", "past"]);
    let entry = json!({"last_value": 6, "unique_hashes": []});
    let kept = past(json!({"cursor_path": "at", "row_order": "desc"}), Some(entry));
    assert_eq!(kept, ["{\"at\":7}", "{\"at\":6}", "past"]);
    let entry = json!({"last_value": 2, "unique_hashes": []});
    let kept = past(json!({"cursor_path": "at", "row_order": "asc", "last_value_func": "min"}), Some(entry));
    assert_eq!(kept, ["{\"at\":1}", "{\"at\":2}", "past"]);
    let options = options(json!({"cursor_path": "at", "row_order": "asc"}));
    assert!(!options.can_stop_early() && options.can_resume());
}

#[test]
fn a_broken_promise_of_order_is_an_error_where_it_would_lose_records() {
    let options = options(json!({"cursor_path": "at", "row_order": "asc"}));
    let pages = [json!([{"at": 1}, {"at": 3}]), json!([{"at": 3}, {"at": 2}])];
    let scan = PageScan { in_order: true, ..PageScan::default() };
    let error = run_with(&options, None, None, &pages, scan).unwrap_err();
    assert!(error.message().starts_with("row_order is asc, but the cursor goes backwards"), "{error}");
    assert_eq!(error.place().row, Some(1));
    assert!(run(&options, None, &pages).is_ok());
}

#[test]
fn a_limit_ends_the_cursor_with_the_last_record_that_is_kept() {
    let options = options(json!({"cursor_path": "at"}));
    let page = [json!([{"id": 1, "at": 1}, {"id": 2, "at": 2}, {"id": 3, "at": 2}, {"id": 4, "at": 3}])];
    let scan = PageScan { most: Some(2), ..PageScan::default() };
    let mut entry = None;
    let mut loaded = Vec::new();
    for _ in 0..3 {
        let (kept, next) = run_with(&options, None, entry.as_ref(), &page, scan).unwrap();
        loaded.push(kept.len());
        entry = Some(next);
    }
    assert_eq!(loaded, [2, 2, 0]);
    assert_eq!(entry.unwrap()["last_value"], 3);
}

#[test]
fn cursors_without_order_or_of_another_type_are_errors() {
    let plain = || json!({"cursor_path": "at"});
    let message = |entry: Option<Value>, page: Value| error(plain(), entry, page).message().to_owned();
    assert_eq!(message(None, json!([{"at": [1]}])), "the cursor value is a list or an object");
    assert_eq!(message(None, json!([{"at": true}])), "the cursor value is true or false");
    assert_eq!(
        message(None, json!([{"at": 1}, {"at": "a"}])),
        "the cursor is a number in one record and a text in another"
    );
    assert_eq!(
        message(Some(json!({"last_value": 1, "unique_hashes": []})), json!([{"at": "a"}])),
        "the cursor is a text, but the initial or stored last value is a number"
    );
}

#[test]
fn states_that_cannot_be_read_are_errors() {
    for entry in [
        json!("x"),
        json!({"last_value": [1]}),
        json!({"last_value": 1, "unique_hashes": "x"}),
        json!({"last_value": 1, "unique_hashes": ["not a digest"]}),
    ] {
        let error = error(json!({"cursor_path": "at"}), Some(entry), json!([{"at": 2}]));
        assert!(error.message().starts_with("the stored "), "{error}");
    }
}

#[test]
fn options_that_contradict_each_other_are_errors() {
    let message = |value: Value| {
        let error = options(value).validate().unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error.message().to_owned()
    };
    assert_eq!(
        message(json!({"cursor_path": "at", "initial_value": 9, "end_value": 5})),
        "`end_value` is before `initial_value`"
    );
    assert_eq!(
        message(json!({"cursor_path": "at", "initial_value": 5, "end_value": 9, "last_value_func": "min"})),
        "`end_value` is after `initial_value`"
    );
    assert_eq!(
        message(json!({"cursor_path": "at", "end_value": 5})),
        "`end_value` is set, but `initial_value` is not"
    );
    assert_eq!(
        message(json!({"cursor_path": "at", "initial_value": "a", "end_value": 5})),
        "`initial_value` and `end_value` are of different types"
    );
    assert_eq!(message(json!({"cursor_path": "at", "lag": -1})), "`lag` is not a positive number");
    assert_eq!(message(json!({"cursor_path": "$"})), "`cursor_path` is empty");
    assert_eq!(
        message(json!({"cursor_path": "at", "allow_external_schedulers": true})),
        "a range set by an external scheduler is not supported"
    );
    let unknown = serde_json::from_value::<IncrementalOptions>(json!({"cursor_path": "at", "cursor": 1}));
    assert!(unknown.is_err());
    let lag = error(
        json!({"cursor_path": "at", "lag": 1}),
        Some(json!({"last_value": "x", "unique_hashes": []})),
        json!([]),
    );
    assert_eq!(lag.kind(), ErrorKind::Config);
}

#[test]
fn tallies_merge_to_the_same_in_any_order() {
    let options = options(json!({"cursor_path": "at"}));
    let filter = Filter::new(&options, None, None).unwrap();
    let pages = ["{\"at\":1.0}\n{\"at\":1}\n", "{\"at\":1}\n", "{\"at\":0}\n"];
    let tallies: Vec<Tally> = pages
        .iter()
        .enumerate()
        .map(|(number, page)| {
            let mut tally = filter.tally();
            let mut buffers = ParseBuffers::new();
            let parsed = buffers.parse_typed_lines(page.as_bytes()).unwrap();
            let scan = PageScan { page: number as u64, ..PageScan::default() };
            filter.records(&parsed.tape, &parsed.rows, scan, &mut tally).unwrap();
            tally
        })
        .collect();
    let entry = |order: [usize; 3]| {
        let mut all = filter.tally();
        order.iter().for_each(|&index| all.merge(tallies[index].clone()).unwrap());
        filter.finish(&all).unwrap().unwrap().to_string()
    };
    let expected = entry([0, 1, 2]);
    assert!(expected.contains("\"last_value\":1.0"), "{expected}");
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(entry(order), expected);
    }
}

fn batch(at: ArrayRef) -> RecordBatch {
    let ids = Int64Array::from_iter_values(0..at.len() as i64);
    RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef), ("at", at)]).unwrap()
}

fn run_batch(options_json: Value, entry: Option<&Value>, batch: &RecordBatch) -> Result<(Vec<u32>, Value)> {
    let filter = Filter::new(&options(options_json), None, entry)?;
    let mut tally = filter.tally();
    let judged = filter.batch(batch, PageScan::default(), &mut tally)?;
    Ok((judged.kept, filter.finish(&tally)?.unwrap_or_default()))
}

#[test]
fn columns_give_the_reference_s_state() {
    let plain = || json!({"cursor_path": "at"});
    let ints = batch(Arc::new(Int64Array::from(vec![1, 2, 2])));
    let (kept, entry) = run_batch(plain(), None, &ints).unwrap();
    assert_eq!(kept, [0, 1, 2]);
    assert_eq!(entry["unique_hashes"], json!(["DLhFP6QPHLxd", "x1wVD2B5PZ9S"]));
    let (kept, _) = run_batch(plain(), Some(&entry), &ints).unwrap();
    assert_eq!(kept, [0_u32; 0]);
    let zoned = TimestampMicrosecondArray::from(vec![1_704_067_200_000_000]).with_timezone("Europe/Berlin");
    let naive = TimestampMicrosecondArray::from(vec![1_704_067_200_000_000]);
    let decimal = Decimal128Array::from(vec![150]).with_precision_and_scale(5, 2).unwrap();
    let cases: [(ArrayRef, &str, &str); 6] = [
        (Arc::new(zoned), "\u{f027}2024-01-01T00:00:00+00:00", "jSvJZgb0Cvdr"),
        (Arc::new(naive), "\u{f027}2024-01-01T00:00:00", "jSvJZgb0Cvdr"),
        (Arc::new(Date32Array::from(vec![19_723])), "\u{f028}2024-01-01", "083aGlNxml5D"),
        (Arc::new(decimal), "\u{f026}1.50", "EDo8Brh5+uUL"),
        (Arc::new(Int32Array::from(vec![1])), "1", "lNXMe1aIp0mZ"),
        (Arc::new(StringArray::from(vec!["x"])), "x", "AxPwsacRdw6s"),
    ];
    for (array, last, digest) in cases {
        let (_, entry) = run_batch(plain(), None, &batch(array)).unwrap();
        let found =
            entry["last_value"].as_str().map_or_else(|| entry["last_value"].to_string(), str::to_owned);
        assert_eq!(found, last);
        assert_eq!(entry["unique_hashes"], json!([digest]));
    }
}

#[test]
fn columns_take_settings_as_text_and_nulls_by_option() {
    let timestamps: ArrayRef = Arc::new(
        TimestampMicrosecondArray::from(vec![Some(0), None, Some(1_704_067_200_000_000)])
            .with_timezone("UTC"),
    );
    let with = |missing: &str| json!({"cursor_path": "at", "initial_value": "2023-01-01", "on_cursor_value_missing": missing});
    let kept = |missing: &str| run_batch(with(missing), None, &batch(Arc::clone(&timestamps))).unwrap().0;
    assert_eq!(kept("include"), [1, 2]);
    assert_eq!(kept("exclude"), [2]);
    let fail = |options_json: Value, array: ArrayRef| {
        let error = run_batch(options_json, None, &batch(array)).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error.message().to_owned()
    };
    assert_eq!(fail(with("raise"), Arc::clone(&timestamps)), "the cursor `at` is null");
    assert_eq!(
        fail(json!({"cursor_path": "x"}), Arc::clone(&timestamps)),
        "there is no column `x`, which is the cursor"
    );
    assert_eq!(
        fail(json!({"cursor_path": "a.b"}), timestamps),
        "the cursor `a.b` is a path, but the records are columns"
    );
    let flags: ArrayRef = Arc::new(arrow_array::BooleanArray::from(vec![true]));
    assert_eq!(fail(json!({"cursor_path": "at"}), flags), "a column of type Boolean cannot be a cursor");
}
