//! The same key several times in one load of a resource with a cursor, in DuckDB and in memory.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_cast::display::array_value_to_string;
use serde_json::{Value, json};
use windlass::core::hints::ResourceHints;
use windlass::core::incremental::IncrementalOptions;
use windlass::destination::Destination;
use windlass::destinations::{DuckDb, Memory};
use windlass::pipeline::{Pipeline, PipelineSettings, RunOptions};
use windlass::source::{Resource, Source, SourceSettings};
use windlass::sources::{InlineResource, InlineSource};

/// Loads the records, `page` on each page, and gives the values of a column of the tables `t` and `t__l`, sorted.
fn load(
    destination: Arc<dyn Destination>,
    strategy: &str,
    records: &[Value],
    page: usize,
) -> [Vec<String>; 2] {
    let hints: ResourceHints = serde_json::from_value(json!({
        "write_disposition": { "disposition": "merge", "strategy": strategy }, "primary_key": "id",
    }))
    .unwrap();
    let pages = records.chunks(page).map(|page| page.iter().map(|row| format!("{row}\n")).collect());
    let resource =
        Resource { hints, incremental: Some(IncrementalOptions::new("seq")), ..Resource::new("t") };
    let source: Box<dyn Source> = Box::new(InlineSource {
        name: "s".to_owned(),
        resources: vec![InlineResource { resource, pages: pages.collect() }],
        settings: SourceSettings::default(),
    });
    let folder = tempfile::tempdir().unwrap();
    let mut settings = PipelineSettings::default();
    settings.extract.workers = 3;
    let pipeline = Pipeline::new("p", destination, folder.path()).unwrap().dataset("ds").settings(settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        pipeline.run(&[source], &RunOptions::default()).await.unwrap();
        let mut session = pipeline.connect().await.unwrap();
        let values = |batches: Vec<RecordBatch>, column: &str| {
            let mut values: Vec<String> = batches
                .iter()
                .flat_map(|batch| {
                    let array = batch.column_by_name(column).unwrap();
                    (0..batch.num_rows())
                        .map(|row| array_value_to_string(array, row).unwrap())
                        .collect::<Vec<_>>()
                })
                .collect();
            values.sort();
            values
        };
        let rows = session.table_rows("t", 1000).await.unwrap();
        assert!(rows[0].schema().fields().iter().all(|field| !field.name().contains("windlass")));
        let nested = session.table_rows("t__l", 1000).await.unwrap();
        [values(rows, "v"), values(nested, "value")]
    })
}

#[test]
fn the_newest_row_stays_with_its_nested_rows_however_the_input_is_cut() {
    let record = |id: i64, seq: i64, v: &str, l: Value| json!({ "id": id, "seq": seq, "v": v, "l": l });
    let mut records = vec![
        record(1, 9, "1new", json!([11])),
        record(2, 1, "2old", json!([1, 2, 3])),
        record(1, 3, "1old", json!([7, 8, 9])),
        record(2, 8, "2new", json!([22])),
        record(3, 2, "3old", json!([5])),
        record(2, 2, "2old", json!([6, 6])),
        record(3, 7, "3new", json!([])),
    ];
    // At a tie the later one stays.
    records.extend((0..40).map(|turn| record(4, 5, &format!("4turn{turn}"), json!([100 + turn]))));
    for strategy in ["delete-insert", "upsert", "cdc"] {
        for page in [1, 3, 100] {
            for destination in [
                Arc::new(DuckDb::memory()) as Arc<dyn Destination>,
                Arc::new(Memory::named(&format!("newest {strategy} {page}"))),
            ] {
                let kind = destination.kind();
                let [rows, nested] = load(destination, strategy, &records, page);
                assert_eq!(rows, ["1new", "2new", "3new", "4turn39"], "{strategy} {page} {kind}");
                assert_eq!(nested, ["11", "139", "22"], "{strategy} {page} {kind}");
            }
        }
    }
}
