//! Incremental loading against a small interpreter of the reference's row by row algorithm: random histories of
//! records, cut into any pages and given to any number of workers.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use proptest::prelude::*;
use serde_json::{Value, json};
use windlass_core::incremental::{Filter, IncrementalOptions, PageScan, Tally};
use windlass_core::json::ParseBuffers;

use super::property_cases;

/// A record: its id, its cursor (absent, null or a number).
#[derive(Clone, Debug)]
struct Record {
    id: i64,
    at: Option<Option<i64>>,
}

impl Record {
    fn json(&self) -> Value {
        match self.at {
            None => json!({ "id": self.id }),
            Some(at) => json!({ "id": self.id, "at": at }),
        }
    }

    fn cursor(&self) -> Option<i64> {
        self.at.flatten()
    }
}

/// What the interpreter keeps from run to run.
#[derive(Clone, Debug, Default, PartialEq)]
struct Memory {
    last: Option<i64>,
    start: Option<i64>,
    seen: BTreeSet<String>,
}

/// The settings of a history.
#[derive(Clone, Debug)]
struct Setting {
    is_min: bool,
    is_open: bool,
    initial: Option<i64>,
    end: Option<i64>,
    lag: Option<i64>,
    key: Option<Value>,
    includes_missing: bool,
}

impl Setting {
    fn options(&self) -> IncrementalOptions {
        let mut map = json!({
            "cursor_path": "at",
            "initial_value": self.initial,
            "end_value": self.end,
            "last_value_func": if self.is_min { "min" } else { "max" },
            "range_start": if self.is_open { "open" } else { "closed" },
            "on_cursor_value_missing": if self.includes_missing { "include" } else { "exclude" },
            "lag": self.lag,
        });
        if let Some(key) = &self.key {
            map["primary_key"] = key.clone();
        }
        serde_json::from_value(map).unwrap()
    }

    fn identity(&self, record: &Record) -> String {
        match &self.key {
            None => record.json().to_string(),
            Some(_) => record.id.to_string(),
        }
    }

    /// The later of two cursors.
    fn later(&self, a: i64, b: i64) -> i64 {
        if self.is_min { a.min(b) } else { a.max(b) }
    }

    /// One run, record by record in the order of the input.
    fn interpret(&self, memory: &mut Memory, records: &[Record]) -> Vec<usize> {
        let is_stateless = self.end.is_some();
        let mut state = if is_stateless {
            Memory { last: self.initial, start: self.initial, ..Memory::default() }
        } else {
            memory.clone()
        };
        let first = state.last;
        let lag = self.lag.filter(|_| !is_stateless);
        let mut start = state.last;
        if let (Some(lag), Some(last)) = (lag, start) {
            let shifted = if self.is_min { last + lag } else { last - lag };
            start = Some(self.initial.map_or(shifted, |initial| self.later(shifted, initial)));
        }
        let is_empty_key = self.key == Some(json!([]));
        let dedup = !self.is_open && !is_stateless && lag.is_none() && !is_empty_key;
        let loaded = state.seen.clone();
        let mut kept = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let Some(cursor) = record.cursor() else {
                if self.includes_missing {
                    kept.push(index);
                }
                continue;
            };
            if self.end.is_some_and(|end| self.later(cursor, end) != end || cursor == end) {
                continue;
            }
            let last = state.last.map_or(cursor, |last| self.later(cursor, last));
            if state.last == Some(last) {
                if self.is_open && Some(cursor) == start {
                    continue;
                }
                if start.is_some_and(|start| self.later(cursor, start) == start && cursor != start) {
                    continue;
                }
                let is_known = dedup && loaded.contains(&self.identity(record)) && Some(cursor) == start;
                if is_known {
                    continue;
                }
                if cursor == last && dedup {
                    state.seen.insert(self.identity(record));
                }
            } else {
                state.last = Some(last);
                state.seen = if dedup { BTreeSet::from([self.identity(record)]) } else { BTreeSet::new() };
            }
            kept.push(index);
        }
        if !kept.is_empty() {
            state.start = first;
        }
        if !is_stateless {
            *memory = state;
        }
        kept
    }
}

fn setting() -> impl Strategy<Value = Setting> {
    let key =
        prop_oneof![Just(None), Just(Some(json!("id"))), Just(Some(json!(["id"]))), Just(Some(json!([])))];
    let optional = |range: std::ops::Range<i64>| proptest::option::weighted(0.4, range);
    (
        any::<bool>(),
        any::<bool>(),
        optional(0..6),
        optional(0..6),
        proptest::option::weighted(0.2, 0..4_i64),
        key,
        any::<bool>(),
    )
        .prop_map(|(is_min, is_open, initial, end, lag, key, includes_missing)| {
            // An end needs a start that it does not precede.
            let end =
                initial.zip(end).map(|(initial, end)| if is_min { initial - end } else { initial + end });
            Setting { is_min, is_open, initial, end, lag, key, includes_missing }
        })
}

fn record() -> impl Strategy<Value = Record> {
    let at =
        prop_oneof![1 => Just(None), 1 => Just(Some(None)), 12 => (0..8_i64).prop_map(|at| Some(Some(at)))];
    (0..6_i64, at).prop_map(|(id, at)| Record { id, at })
}

/// Records of some runs, and for each record whether a page ends behind it and which worker gets its page.
fn history() -> impl Strategy<Value = Vec<Vec<(Record, bool, usize)>>> {
    let run = proptest::collection::vec((record(), any::<bool>(), 0..3_usize), 0..14);
    proptest::collection::vec(run, 1..5)
}

/// One run of the engine: the indexes of the kept records and the next entry.
fn run(
    setting: &Setting,
    entry: Option<&Value>,
    records: &[(Record, bool, usize)],
    as_columns: bool,
) -> (Vec<usize>, Option<Value>) {
    let filter = Filter::new(&setting.options(), None, entry).unwrap();
    let mut tallies: Vec<Tally> = (0..3).map(|_| filter.tally()).collect();
    let mut kept = Vec::new();
    let mut buffers = ParseBuffers::new();
    let mut first = 0;
    for (number, page) in records.split_inclusive(|(_, ends, _)| *ends).enumerate() {
        let worker = page[0].2;
        let scan = PageScan { page: number as u64, ..PageScan::default() };
        let judged = if as_columns {
            let ids = Int64Array::from_iter_values(page.iter().map(|(record, ..)| record.id));
            let cursors: Int64Array = page.iter().map(|(record, ..)| record.cursor()).collect();
            let columns = [("id", Arc::new(ids) as ArrayRef), ("at", Arc::new(cursors) as ArrayRef)];
            filter.batch(&RecordBatch::try_from_iter(columns).unwrap(), scan, &mut tallies[worker]).unwrap()
        } else {
            let lines: String = page.iter().map(|(record, ..)| format!("{}\n", record.json())).collect();
            let parsed = buffers.parse_typed_lines(lines.as_bytes()).unwrap();
            filter.records(&parsed.tape, &parsed.rows, scan, &mut tallies[worker]).unwrap()
        };
        kept.extend(judged.kept.into_iter().map(|index| first + index as usize));
        first += page.len();
    }
    let mut all = filter.tally();
    // The workers finish in any order.
    tallies.into_iter().rev().for_each(|tally| all.merge(tally).unwrap());
    (kept, filter.finish(&all).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(property_cases(512)))]

    #[test]
    fn any_pages_and_workers_load_what_the_reference_loads(setting in setting(), history in history()) {
        let mut memory = Memory { last: setting.initial, start: setting.initial, seen: BTreeSet::new() };
        let mut entry: Option<Value> = None;
        for records in history {
            let plain: Vec<Record> = records.iter().map(|(record, ..)| record.clone()).collect();
            let expected = setting.interpret(&mut memory, &plain);
            let (kept, next) = run(&setting, entry.as_ref(), &records, false);
            prop_assert_eq!(&kept, &expected);
            let whole: Vec<_> = plain.iter().map(|record| (record.clone(), false, 0)).collect();
            prop_assert_eq!(&run(&setting, entry.as_ref(), &whole, false), &(kept, next.clone()));
            if let Some(next) = &next {
                prop_assert_eq!(&next["last_value"], &json!(memory.last));
                prop_assert_eq!(&next["start_value"], &json!(memory.start));
                prop_assert_eq!(next["unique_hashes"].as_array().unwrap().len(), memory.seen.len());
                entry = Some(next.clone());
            }
        }
    }

    #[test]
    fn columns_load_what_records_load(setting in setting(), history in history()) {
        let mut entry: Option<Value> = None;
        for mut records in history {
            // A column has a null where a record has no cursor.
            records.iter_mut().for_each(|(record, ..)| record.at = Some(record.cursor()));
            let by_record = run(&setting, entry.as_ref(), &records, false);
            prop_assert_eq!(&run(&setting, entry.as_ref(), &records, true), &by_record);
            entry = by_record.1.or(entry);
        }
    }
}
