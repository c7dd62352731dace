//! Input that is made to be costly: four times as much of it takes about four times as long, not sixteen times.

use std::time::Instant;

use serde_json::{Map, Value, json};
use windlass_core::naming::Naming;
use windlass_core::normalize::Limits;
use windlass_core::schema::Schema;

use crate::load::{Loaded, load_lines};

/// Nanoseconds that this thread had a processor; what else the machine does counts little.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    stat.and_then(|stat| stat.split(' ').next()?.parse().ok()).unwrap_or_else(|| {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_nanos() as u64
    })
}

fn load(lines: &[String], max_columns: usize) -> Loaded {
    let schema = Schema::new("costly", &Naming::default()).unwrap();
    load_lines(schema, "t", lines, lines.len(), 1, Limits { max_columns }).unwrap()
}

/// Runs `work` with a stack as the engine's threads have it.
fn on_large_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(64 << 20).spawn(work).unwrap().join().unwrap();
}

/// Loads `count` and four times as many of something, and expects the time to grow by less than `factor`.
#[track_caller]
fn grows_by(factor: f64, count: usize, max_columns: usize, lines: impl Fn(usize) -> Vec<String>) {
    let time = |count: usize| {
        let lines = lines(count);
        let times = (0..3).map(|_| {
            let start = processor_time();
            let loaded = load(&lines, max_columns);
            assert!(!loaded.tables.is_empty());
            processor_time() - start
        });
        times.min().unwrap_or_default() as f64
    };
    let (few, many) = (time(count), time(4 * count));
    assert!(many < factor * few, "{count}: {few} ns, {}: {many} ns, {:.1} times", 4 * count, many / few);
}

/// A record with so many keys.
fn keys(count: usize, value: impl Fn(usize) -> Value) -> String {
    let members: Map<String, Value> =
        (0..count).map(|number| (format!("key_{number}"), value(number))).collect();
    Value::Object(members).to_string()
}

const NO_LIMIT: usize = 1 << 20;

#[test]
fn new_keys_of_a_record_take_linear_time() {
    grows_by(8.0, 2500, NO_LIMIT, |count| vec![keys(count, |number| json!(number))]);
}

#[test]
fn new_keys_past_the_limit_of_columns_take_linear_time() {
    grows_by(8.0, 4000, 100, |count| vec![keys(count, |number| json!(number))]);
}

#[test]
fn new_objects_past_the_limit_of_columns_take_linear_time() {
    grows_by(8.0, 3000, 500, |count| vec![keys(count, |number| json!({ "a": number }))]);
}

#[test]
fn a_new_key_in_each_record_past_the_limit_of_columns_takes_linear_time() {
    grows_by(8.0, 2000, 50, |count| {
        (0..count).map(|number| json!({ "id": number, format!("key_{number}"): 1 }).to_string()).collect()
    });
}

#[test]
fn a_new_list_in_each_record_takes_linear_time() {
    grows_by(8.0, 700, NO_LIMIT, |count| {
        (0..count).map(|number| json!({ format!("list_{number}"): [{ "a": 1 }] }).to_string()).collect()
    });
}

#[test]
fn new_lists_of_a_record_take_linear_time() {
    grows_by(8.0, 700, NO_LIMIT, |count| vec![keys(count, |number| json!([number]))]);
}

#[test]
fn lists_in_lists_take_no_more_time_than_their_names_have_characters() {
    // The names of the tables alone grow by sixteen.
    let lists = |depth: usize| vec![format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth))];
    on_large_stack(move || grows_by(28.0, 100, NO_LIMIT, lists));
}

#[test]
fn a_wide_record_comes_out_as_it_went_in() {
    let loaded = load(&[keys(3000, |number| json!(number)), keys(3000, |number| json!(number + 1))], 100);
    let rows = &loaded.tables["t"];
    assert_eq!(loaded.schema.table("t").unwrap().complete_columns().count(), 1 + 2);
    for (row, added) in rows.iter().zip(0..) {
        let overflow: String = serde_json::from_str(&row["_overflow"]).unwrap();
        let overflow: Map<String, Value> = serde_json::from_str(&overflow).unwrap();
        for number in 0..3000 {
            let key = format!("key_{number}");
            let value = row.get(&key).map(|text| text.parse::<u64>().unwrap());
            assert_eq!(value.or_else(|| overflow[&key].as_u64()), Some(number + added), "{key}");
        }
    }
}

#[test]
fn a_wide_table_with_many_rows_is_encoded_bit_by_bit() {
    let mut lines = vec![keys(2000, |number| json!(number))];
    lines.extend((0..3000).map(|number| json!({ "id": number, "list": [number] }).to_string()));
    let loaded = load(&lines, NO_LIMIT);
    let rows = &loaded.tables["t"];
    assert_eq!(rows.len(), 3001);
    for (number, row) in rows.iter().skip(1).enumerate() {
        assert_eq!(row["id"], number.to_string());
        assert_eq!(loaded.tables["t__list"][number]["_dlt_parent_id"], row["_dlt_id"]);
    }
}
