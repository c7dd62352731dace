//! What is particular to tables in memory: what programs read, what is refused, and that its own merge comes to the rows
//! that a database's does.

use std::sync::Arc;

use arrow_array::RecordBatch;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use windlass::core::ErrorKind;
use windlass::core::hints::ResourceHints;
use windlass::destination::Destination;
use windlass::destinations::{BuildContext, Memory, destination_entry};
use windlass::pipeline::{LoadInfo, Pipeline, PipelineSettings, RunOptions};
use windlass::source::{Resource, Source, SourceSettings};
use windlass::sources::{InlineResource, InlineSource};

use crate::place::{Kind, Place, Rows, load};
use crate::run;

/// A pipeline with a working folder of its own.
struct Bench {
    destination: Arc<dyn Destination>,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(destination: impl Destination + 'static) -> Self {
        Self { destination: Arc::new(destination), folder: tempfile::tempdir().unwrap() }
    }

    /// Into a database that lives as long as this.
    fn database() -> Self {
        let entry = destination_entry("duckdb").unwrap();
        let options = json!({ "credentials": ":memory:" });
        let destination = (entry.build)(options, &BuildContext::default()).unwrap();
        Self { destination, folder: tempfile::tempdir().unwrap() }
    }

    fn pipeline(&self) -> Pipeline {
        let mut settings = PipelineSettings::default();
        settings.extract.workers = 1;
        let pipeline = Pipeline::new("p", Arc::clone(&self.destination), self.folder.path()).unwrap();
        pipeline.dataset("ds").settings(settings)
    }

    async fn run(&self, hints: &Value, records: &[Value]) -> windlass::core::Result<LoadInfo> {
        let hints: ResourceHints = serde_json::from_value(hints.clone()).unwrap();
        let page = records.iter().map(|row| format!("{row}\n")).collect();
        let resource =
            InlineResource { resource: Resource { hints, ..Resource::new("t") }, pages: vec![page] };
        let source: Box<dyn Source> = Box::new(InlineSource {
            name: "s".to_owned(),
            resources: vec![resource],
            settings: SourceSettings::default(),
        });
        self.pipeline().run(&[source], &RunOptions::default()).await
    }

    /// The rows of all tables without what differs from load to load, each with its table.
    async fn rows(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for table in ["t", "t__l", "t__l__m"] {
            let mut session = self.pipeline().connect().await.unwrap();
            let Ok(batches) = session.table_rows(table, 1_000_000).await else { continue };
            let rows = crate::rows::lines(&batches, |column| {
                !column.starts_with("_dlt_") || column == "_dlt_list_idx"
            });
            lines.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
        }
        lines
    }
}

fn merge(strategy: &str, more: Value) -> Value {
    let mut hints =
        json!({ "write_disposition": { "disposition": "merge", "strategy": strategy }, "primary_key": "id" });
    hints.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    hints
}

/// A record: its lists tell whose they are, so that rows say what they belong to.
fn record((id, version, number, gone, items): (u8, u8, u8, bool, Vec<Vec<u8>>)) -> Value {
    let whose = format!("{id}.{version}");
    let items: Vec<Value> = items.iter().map(|inner| json!({ "of": whose, "m": inner })).collect();
    json!({ "id": id, "part": id % 2, "v": version, "n": number, "d": gone, "l": items })
}

fn histories() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let items = prop::collection::vec(prop::collection::vec(0_u8..3, 0..3), 0..3);
    let record = (0_u8..5, 0_u8..3, 0_u8..3, prop::bool::weighted(0.2), items).prop_map(record);
    prop::collection::vec(prop::collection::vec(record, 0..6), 1..4)
}

/// Without two rows of one key, of which databases may keep either.
fn distinct(rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row["id"].as_u64());
    rows.dedup_by_key(|row| row["id"].as_u64());
    rows
}

fn comes_to_the_rows_of_a_database(hints: &Value, is_distinct: bool) {
    let factor = std::env::var("WINDLASS_PROPERTY_FACTOR").ok().and_then(|factor| factor.parse::<u32>().ok());
    let config = ProptestConfig {
        cases: 12 * factor.unwrap_or(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = TestRunner::new(config).run(&histories(), |history| {
        runtime.block_on(async {
            let (memory, database) = (Bench::new(Memory::private()), Bench::database());
            // All tables and columns are there from the first load on; before that, rows are appended.
            let first = record((9, 0, 0, false, vec![vec![0]]));
            for bench in [&memory, &database] {
                bench.run(&json!({}), std::slice::from_ref(&first)).await.unwrap();
            }
            for rows in &history {
                let rows = if is_distinct { distinct(rows) } else { rows.clone() };
                for bench in [&memory, &database] {
                    bench.run(hints, &rows).await.unwrap();
                }
                prop_assert_eq!(memory.rows().await, database.rows().await);
            }
            Ok(())
        })
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn delete_insert_comes_to_the_rows_of_a_database() {
    for more in [
        json!({ "columns": { "n": { "dedup_sort": "desc" } } }),
        json!({ "columns": { "d": { "hard_delete": true }, "n": { "dedup_sort": "asc" } } }),
        json!({ "merge_key": "part" }),
    ] {
        comes_to_the_rows_of_a_database(&merge("delete-insert", more), true);
    }
    comes_to_the_rows_of_a_database(
        &json!({ "write_disposition": "merge", "merge_key": ["part", "v"] }),
        false,
    );
    comes_to_the_rows_of_a_database(&json!({ "write_disposition": "merge" }), false);
}

#[test]
fn upsert_comes_to_the_rows_of_a_database() {
    for more in [json!({}), json!({ "columns": { "d": { "hard_delete": true } } })] {
        comes_to_the_rows_of_a_database(&merge("upsert", more), true);
    }
    let disposition = json!({ "disposition": "merge", "strategy": "upsert", "skip_unchanged_rows": true });
    comes_to_the_rows_of_a_database(&json!({ "write_disposition": disposition, "primary_key": "id" }), true);
}

#[test]
fn cdc_comes_to_the_rows_of_a_database() {
    for more in [json!({}), json!({ "merge_key": "part", "columns": { "d": { "hard_delete": true } } })] {
        comes_to_the_rows_of_a_database(&merge("cdc", more), true);
    }
}

#[test]
fn insert_only_comes_to_the_rows_of_a_database() {
    for more in [json!({}), json!({ "columns": { "d": { "hard_delete": true } } })] {
        comes_to_the_rows_of_a_database(&merge("insert-only", more), true);
    }
}

#[test]
fn scd2_comes_to_the_rows_of_a_database() {
    let scd2 = |more: Value| {
        let mut disposition = json!({
            "disposition": "merge", "strategy": "scd2", "boundary_timestamp": "2024-05-06T07:08:09Z",
        });
        disposition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "write_disposition": disposition })
    };
    comes_to_the_rows_of_a_database(&scd2(json!({})), true);
    let mut keyed = scd2(json!({ "active_record_timestamp": "9999-12-31" }));
    keyed["merge_key"] = "part".into();
    comes_to_the_rows_of_a_database(&keyed, true);
}

#[test]
fn programs_read_tables_as_batches() {
    run(Kind::Memory, "batches", async |place: Place| {
        let memory = Memory::private();
        let bench = Bench::new(memory.clone());
        assert_eq!(memory.tables("ds"), Vec::<String>::new());
        bench.run(&json!({}), &[json!({ "id": 1, "l": [{ "of": "a" }] })]).await.unwrap();
        bench.run(&json!({}), &[json!({ "id": 2, "more": 1.5 })]).await.unwrap();
        assert_eq!(memory.tables("ds"), ["_dlt_loads", "_dlt_pipeline_state", "_dlt_version", "t", "t__l"]);
        let batches = memory.table("ds", "t").unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
        let schema = batches[0].schema();
        assert!(batches.iter().all(|batch| batch.schema() == schema));
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["id", "_dlt_load_id", "_dlt_id", "more"]);
        assert!(memory.table("ds", "nowhere").is_none() && memory.table("other", "t").is_none());
        // Stores are told apart by their names.
        assert_eq!(place.count("t").await, 0);
    });
}

#[test]
fn a_named_store_is_found_by_later_runs_until_it_is_forgotten() {
    run(Kind::Memory, "named", async |place: Place| {
        let name = place.folder().display().to_string();
        place.load(&[Rows::append("items", "{\"id\":1}\n")]).await;
        assert_eq!(Memory::named(&name).table(&place.dataset, "items").unwrap().len(), 1);
        Memory::forget(&name);
        assert_eq!(Memory::named(&name).tables(&place.dataset), Vec::<String>::new());
        // As where a dataset was dropped, everything begins anew.
        place.load(&[Rows::append("items", "{\"id\":2}\n")]).await;
        assert_eq!(place.rows("items").await, ["id=2"]);
    });
}

#[test]
fn what_it_cannot_do_is_refused_before_anything_is_read() {
    run(Kind::Memory, "refused", async |place: Place| {
        let bench = Bench::new(Memory::private());
        let merge = |more: Value| {
            let mut disposition = json!({ "disposition": "merge" });
            disposition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "write_disposition": disposition, "primary_key": "id" })
        };
        for (hints, message, hint) in [
            (
                merge(json!({ "strategy": "delete-insert", "source_filter": "id > 1" })),
                "source_filter",
                "steps",
            ),
            (
                merge(json!({ "strategy": "delete-insert", "destination_scope": "{table}.id > 1" })),
                "destination_scope",
                "steps",
            ),
            (json!({ "file_format": "csv" }), "takes no csv files", "parquet"),
        ] {
            let error = bench.run(&hints, &[json!({ "id": 1 })]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains(message), "{error}");
            assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error}");
        }
        assert!(bench.pipeline().work().packages().list().unwrap().is_empty());
        let error = place.session().await.query("SELECT 1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.hint().is_some_and(|hint| hint.contains("Memory::table")));
    });
}

#[test]
fn a_zombie_commits_nothing() {
    run(Kind::Memory, "zombie", async |place: Place| {
        use windlass::core::lease::Claim;
        let claim = |holder: &str| Claim {
            pipeline: "suite".to_owned(),
            holder: holder.to_owned(),
            owner: holder.to_owned(),
            micros: 1000,
        };
        place.load(&[Rows::append("items", "{\"id\":1}\n")]).await;
        let (mut first, mut second) = (place.session().await, place.session().await);
        let far = i64::MAX / 4;
        let lease = first.acquire(&claim("a"), true, far).await.unwrap().unwrap();
        assert_eq!(
            second.acquire(&claim("b"), true, far + 1).await.err().unwrap().kind(),
            ErrorKind::Conflict
        );
        lease.renew(far + 10).await.unwrap();
        assert!(second.acquire(&claim("b"), true, far + 1005).await.is_err());
        second.acquire(&claim("b"), true, far + 1010).await.unwrap();
        assert_eq!(lease.renew(far + 1011).await.unwrap_err().kind(), ErrorKind::Conflict);
        first.release(far + 1012).await.unwrap();
        let error = load(&place.pipeline(), &[Rows::append("items", "{\"id\":2}\n")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(place.rows("items").await, ["id=1"]);
        second.release(0).await.unwrap();
        place.load(&[Rows::append("items", "{\"id\":2}\n")]).await;
        assert_eq!(place.rows("items").await, ["id=1", "id=2"]);
    });
}
