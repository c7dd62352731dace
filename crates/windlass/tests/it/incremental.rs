//! Incremental loading through whole runs: any number of workers, columns, limits, restarts and failures.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use serde_json::{Value, json};
use tempfile::TempDir;
use windlass::config::{Overrides, PipelineFile};
use windlass::core::{Error, ErrorKind, Result};
use windlass::pipeline::{LoadInfo, RunOptions};

/// A pipeline in a temporary folder, from files to files.
struct Bench {
    folder: TempDir,
    resource: Value,
    workers: usize,
}

impl Bench {
    fn new(resource: Value) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), resource, workers: 2 }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn lines(&self, name: &str, records: impl IntoIterator<Item = Value>) {
        fs::create_dir_all(self.path().join("in")).unwrap();
        let text: String = records.into_iter().map(|record| format!("{record}\n")).collect();
        fs::write(self.path().join("in").join(name), text).unwrap();
    }

    fn parquet(&self, name: &str, records: &[(i64, Option<i64>)]) {
        fs::create_dir_all(self.path().join("in")).unwrap();
        let ids = Int64Array::from_iter_values(records.iter().map(|record| record.0));
        let cursors: Int64Array = records.iter().map(|record| record.1).collect();
        let columns = [("id", Arc::new(ids) as ArrayRef), ("at", Arc::new(cursors) as ArrayRef)];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = File::create(self.path().join("in").join(name)).unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn file(&self) -> Result<PipelineFile> {
        let path = self.path().join("pipeline.yaml");
        let file = json!({
            "pipeline": "p",
            "dataset": "d",
            "pipelines_dir": "pipelines",
            "destination": { "type": "filesystem", "bucket_url": "out" },
            "source": { "type": "filesystem", "name": "s", "bucket_url": "in", "resources": [self.resource] },
        });
        fs::write(&path, file.to_string()).unwrap();
        PipelineFile::load(&path, BTreeMap::new())
    }

    async fn run(&self) -> Result<LoadInfo> {
        let overrides = Overrides { workers: Some(self.workers), ..Overrides::default() };
        let described = self.file()?.describe(&overrides)?;
        described.pipeline.run(&described.sources, &RunOptions::default()).await
    }

    /// Rows of the table that a run loads.
    async fn rows(&self) -> u64 {
        self.run().await.unwrap().rows().get("t").copied().unwrap_or_default()
    }

    async fn error(&self) -> Error {
        let error = self.run().await.unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error
    }

    fn entry(&self) -> Value {
        let pipeline = self.file().unwrap().describe(&Overrides::default()).unwrap().pipeline;
        pipeline.state().unwrap().cursor("s", "t", "at").cloned().unwrap_or_default()
    }
}

fn resource(options: Value) -> Value {
    json!({"name": "t", "incremental": options})
}

/// Numbers that look random.
fn numbers(count: u64) -> impl Iterator<Item = u64> {
    let next = |seed: &u64| {
        Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    std::iter::successors(Some(42_u64), next).skip(1).take(count as usize).map(|seed| seed >> 33)
}

#[tokio::test]
async fn any_number_of_workers_leaves_the_same_state() {
    let mut found = Vec::new();
    for workers in [1, 2, 4] {
        let bench =
            Bench { workers, ..Bench::new(resource(json!({"cursor_path": "at", "initial_value": 100}))) };
        let write = |files: std::ops::Range<u64>| {
            for file in files {
                let records = numbers(400)
                    .zip(0..)
                    .map(|(n, id)| json!({"id": file * 400 + id, "at": (n + file) % 1000}));
                bench.lines(&format!("{file:02}.jsonl"), records);
            }
        };
        write(0..12);
        let first = bench.rows().await;
        let entry = bench.entry();
        assert!(entry["unique_hashes"].as_array().unwrap().len() > 1, "{entry}");
        assert_eq!(bench.rows().await, 0);
        assert_eq!(bench.entry(), entry);
        write(12..24);
        found.push((first, entry, bench.rows().await, bench.entry()));
    }
    assert!(found[0].0 > 0 && found[0].2 > 0);
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[tokio::test]
async fn columns_load_each_record_once() {
    let options = json!({"cursor_path": "at", "on_cursor_value_missing": "exclude", "primary_key": "id"});
    let bench = Bench::new(resource(options));
    bench.parquet("1.parquet", &[(1, Some(1)), (2, Some(2)), (3, None)]);
    assert_eq!(bench.rows().await, 2);
    bench.parquet("2.parquet", &[(2, Some(2)), (4, Some(2)), (5, Some(3)), (6, Some(1))]);
    assert_eq!(bench.rows().await, 2);
    assert_eq!(bench.entry()["last_value"], 3);
    assert_eq!(bench.rows().await, 0);
    bench.parquet("3.parquet", &[(7, None)]);
    let strict = Bench { resource: resource(json!({"cursor_path": "at"})), ..bench };
    let error = strict.error().await;
    assert_eq!(error.message(), "the cursor `at` is null");
    assert!(error.place().file.as_ref().unwrap().ends_with("1.parquet"));
    assert_eq!(error.place().row, Some(2));
}

#[tokio::test]
async fn limited_runs_load_everything_once_piece_by_piece() {
    for limit in [json!(7), json!({"max_items": 1})] {
        let mut resource = resource(json!({"cursor_path": "at", "row_order": "asc"}));
        resource["limit"] = limit;
        let bench = Bench::new(resource);
        for file in 0..4 {
            // Three records share a cursor, so that pieces end among equals.
            bench.lines(
                &format!("{file}.jsonl"),
                (0..9).map(|id| json!({"id": file * 9 + id, "at": (file * 9 + id) / 3})),
            );
        }
        let mut total = 0;
        for _ in 0..40 {
            let info = bench.run().await.unwrap();
            assert_eq!(info.warnings.iter().filter(|warning| warning.contains("limit")).count(), 0);
            total += info.rows().get("t").copied().unwrap_or_default();
        }
        assert_eq!(total, 36);
        assert_eq!(bench.entry()["last_value"], 11);
    }
}

#[tokio::test]
async fn a_limit_that_may_skip_records_says_so() {
    let mut resource = resource(json!({"cursor_path": "at"}));
    resource["limit"] = json!(1);
    let bench = Bench::new(resource);
    bench.lines("a.jsonl", [json!({"at": 5}), json!({"at": 1})]);
    let info = bench.run().await.unwrap();
    assert!(
        info.warnings.iter().any(|warning| warning.contains("the limit ended the read")),
        "{:?}",
        info.warnings
    );
    assert_eq!(bench.entry()["last_value"], 5);
}

#[tokio::test]
async fn reading_stops_at_the_end_of_a_sorted_range() {
    let options = json!({"cursor_path": "at", "row_order": "asc", "initial_value": 0, "end_value": 5});
    let bench = Bench::new(resource(options));
    bench.lines("1.jsonl", (0..9).map(|at| json!({ "at": at })));
    fs::write(bench.path().join("in/2.jsonl"), "this is never parsed\n").unwrap();
    assert_eq!(bench.rows().await, 5);
    assert_eq!(bench.entry(), Value::Null);
    let broken = Bench::new(resource(json!({"cursor_path": "at", "row_order": "desc"})));
    broken.lines("1.jsonl", [json!({"at": 1}), json!({"at": 2})]);
    let error = broken.error().await;
    assert!(error.message().contains("goes backwards"), "{error}");
    assert_eq!(error.place().line, Some(2));
}

#[tokio::test]
async fn the_state_comes_back_from_the_destination() {
    let bench = Bench::new(resource(json!({"cursor_path": "at"})));
    bench.lines("a.jsonl", (0..5).map(|at| json!({ "at": at })));
    assert_eq!(bench.rows().await, 5);
    let entry = bench.entry();
    fs::remove_dir_all(bench.path().join("pipelines")).unwrap();
    bench.lines("b.jsonl", [json!({"at": 4, "x": 1}), json!({"at": 7})]);
    assert_eq!(bench.rows().await, 2);
    assert_eq!(
        (&bench.entry()["start_value"], &bench.entry()["last_value"]),
        (&entry["last_value"], &json!(7))
    );
}

#[tokio::test]
async fn a_run_that_fails_does_not_move_the_cursor() {
    let bench = Bench::new(resource(json!({"cursor_path": "at"})));
    bench.lines("a.jsonl", (0..5).map(|at| json!({ "at": at })));
    assert_eq!(bench.rows().await, 5);
    let entry = bench.entry();
    bench.lines("b.jsonl", [json!({"at": 8}), json!({"id": 9})]);
    let error = bench.error().await;
    assert_eq!((error.kind(), error.message()), (ErrorKind::Data, "the record has no cursor `at`"));
    assert!(error.place().file.as_ref().unwrap().ends_with("b.jsonl"));
    assert_eq!(error.place().line, Some(2));
    assert_eq!(bench.entry(), entry);
    bench.lines("b.jsonl", [json!({"at": 8}), json!({"at": 9})]);
    assert_eq!(bench.rows().await, 2);
}

#[tokio::test]
async fn replacing_begins_anew_however_it_is_written() {
    for disposition in [json!("replace"), json!({"disposition": "replace"})] {
        let mut resource = resource(json!({"cursor_path": "at"}));
        resource["write_disposition"] = disposition;
        let bench = Bench::new(resource);
        bench.lines("a.jsonl", (0..5).map(|at| json!({ "at": at })));
        assert_eq!((bench.rows().await, bench.rows().await), (5, 5));
    }
}

#[tokio::test]
async fn bad_records_are_kept_aside_also_where_pages_are_filtered() {
    let mut resource = resource(json!({"cursor_path": "at", "row_order": "asc", "initial_value": 5}));
    resource["limit"] = json!({"max_items": 100, "count_rows": true});
    resource["on_bad_record"] = json!("reject");
    let bench = Bench::new(resource);
    fs::create_dir_all(bench.path().join("in")).unwrap();
    fs::write(bench.path().join("in/a.jsonl"), "{\"at\":1}\nno json\n{\"at\":5}\nnor this\n").unwrap();
    fs::write(bench.path().join("in/b.jsonl"), "{\"at\":6}\n").unwrap();
    let info = bench.run().await.unwrap();
    assert_eq!(info.rows().get("t"), Some(&2));
    assert_eq!(info.packages[0].left_out.rejected_records.get("t"), Some(&2));
}

#[tokio::test]
async fn steps_come_before_the_cursor() {
    let mut resource = resource(json!({"cursor_path": "at", "initial_value": 10}));
    resource["steps"] = json!([{"map": "{at: (.n * 10)}"}]);
    let bench = Bench::new(resource);
    bench.lines("a.jsonl", [json!({"n": 0}), json!({"n": 1}), json!({"n": 2})]);
    assert_eq!(bench.rows().await, 2);
    assert_eq!(bench.entry()["last_value"], 20);
}

#[tokio::test]
async fn wrong_options_are_found_before_anything_is_read() {
    for (options, expected) in [
        (
            json!({"cursor_path": "at", "initial_value": 2, "end_value": 1}),
            "`end_value` is before `initial_value`",
        ),
        (json!({"cursor_pth": "at"}), "unknown key `cursor_pth`"),
        (json!({"cursor_path": "at", "last_value_func": "sum"}), "must be one of max, min"),
        (json!({"cursor_path": "at", "lag": "1h"}), "must be a number, not a text"),
    ] {
        let bench = Bench::new(resource(options));
        let error = match bench.file() {
            Err(error) => error,
            Ok(file) => file.describe(&Overrides::default()).unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().ends_with(expected), "{error}");
        assert!(error.place().file.is_some());
    }
}
