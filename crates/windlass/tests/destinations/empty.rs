//! An extract without rows takes nothing away, unless the table is replaced: whatever the disposition, the strategy,
//! and what the other tables of the load get.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::json;

use crate::place::{Kind, Place, Rows, load};

/// Dispositions of tables that are not replaced, and one that is, which must not draw others with it.
const DISPOSITIONS: [&str; 7] =
    ["append", "delete-insert", "upsert", "scd2", "insert-only", "cdc", "replace"];

/// The ids of the rows that a table gets from one load; none is an extract without rows.
type Extract = Vec<u8>;

#[derive(Clone, Debug)]
struct History {
    inserts_from_staging: bool,
    tables: Vec<&'static str>,
    /// For each load what each table gets.
    loads: Vec<Vec<Extract>>,
}

fn history() -> impl Strategy<Value = History> {
    let extract = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(0_u8..6, 1..4)];
    (any::<bool>(), prop::collection::vec(prop::sample::select(&DISPOSITIONS[..]), 1..5)).prop_flat_map(
        move |(inserts_from_staging, tables)| {
            let width = tables.len();
            let loads = prop::collection::vec(prop::collection::vec(extract.clone(), width), 2..4);
            loads.prop_map(move |loads| History { inserts_from_staging, tables: tables.clone(), loads })
        },
    )
}

fn rows<'a>(table: &'a str, disposition: &'static str, extract: &Extract) -> Rows<'a> {
    // Two rows with one key in one load are an error to some strategies.
    let mut ids = extract.clone();
    ids.sort_unstable();
    ids.dedup();
    let lines: String = ids.iter().map(|id| format!("{{\"id\":{id},\"tags\":[{id}]}}\n")).collect();
    match disposition {
        "append" => Rows::append(table, lines),
        "replace" => Rows::replace(table, lines),
        strategy => Rows::merge(table, lines).with_strategy(strategy),
    }
}

pub(crate) async fn an_extract_without_rows_takes_nothing_away(place: Place) {
    let factor = std::env::var("WINDLASS_PROPERTY_FACTOR").ok().and_then(|factor| factor.parse::<u32>().ok());
    let config = ProptestConfig {
        cases: 5 * factor.unwrap_or(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let case = AtomicUsize::new(0);
    let result = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&history(), |history| {
            let case = case.fetch_add(1, Ordering::Relaxed);
            tokio::runtime::Handle::current().block_on(play(&place, case, &history))
        })
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

async fn play(place: &Place, case: usize, history: &History) -> Result<(), TestCaseError> {
    let options = match (place.kind, history.inserts_from_staging) {
        (Kind::Filesystem, _) | (_, false) => json!({}),
        _ => json!({ "replace_strategy": "insert-from-staging" }),
    };
    let names: Vec<String> = (0..history.tables.len()).map(|table| format!("c{case}_{table}")).collect();
    for extracts in &history.loads {
        let tables = names.iter().zip(&history.tables).zip(extracts);
        // A folder merges by appending, and refuses a strategy that somebody chose.
        let possible = |disposition: &'static str| match (place.kind, disposition) {
            (Kind::Filesystem, "append" | "replace") => disposition,
            (Kind::Filesystem, _) => "delete-insert",
            _ => disposition,
        };
        let resources: Vec<Rows<'_>> = tables
            .clone()
            .map(|((name, disposition), extract)| rows(name, possible(disposition), extract))
            .collect();
        let mut before = Vec::new();
        for ((name, disposition), extract) in tables {
            if *disposition != "replace" && extract.is_empty() {
                before.push((name, place.everything(name).await));
            }
        }
        let pipeline = place.pipeline_to(place.destination(options.clone()), "pipelines");
        let loaded = load(&pipeline, &resources).await;
        prop_assert!(loaded.is_ok(), "{loaded:?}");
        for (name, rows) in before {
            prop_assert_eq!(place.everything(name).await, rows, "rows of {}", name);
        }
    }
    Ok(())
}
