//! Random histories: runs that insert, change, delete and repeat rows with lists in lists.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use windlass::pipeline::RunOptions;

use super::{Bench, first_row};

/// One new row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    id: i64,
    v: Option<i64>,
    /// Position in its load: what `dedup_sort` sorts by.
    n: i64,
    d: Option<bool>,
    l: Vec<(i64, Vec<i64>)>,
}

impl Row {
    fn record(&self) -> Value {
        let list: Vec<Value> = self.l.iter().map(|(x, m)| json!({ "x": x, "m": m })).collect();
        json!({ "id": self.id, "v": self.v, "n": self.n, "d": self.d, "l": list })
    }

    fn root(&self) -> String {
        format!("{} {:?} {} {:?}", self.id, self.v, self.n, self.d)
    }

    /// The nested rows as text, each with the key of its root.
    fn nested(&self, key: &str) -> Vec<String> {
        let mut rows = Vec::new();
        for (index, (x, inner)) in self.l.iter().enumerate() {
            rows.push(format!("{key}/{index}: {x}"));
            rows.extend(inner.iter().enumerate().map(|(at, value)| format!("{key}/{index}/{at}: {value}")));
        }
        rows
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let list = prop::collection::vec((0..3_i64, prop::collection::vec(0..3_i64, 0..3)), 0..3);
    let deleted = prop_oneof![4 => Just(Some(false)), 1 => Just(None), 1 => Just(Some(true))];
    let row = (0..6_i64, prop::option::of(0..3_i64), deleted, list);
    prop::collection::vec(row, 0..8).prop_map(|rows| {
        let number = |(n, (id, v, d, l))| Row { id, v, n: n as i64, d, l };
        // Later rows are not always the ones that win.
        rows.into_iter().enumerate().map(|(n, row)| number(((n * 5) % 8, row))).collect()
    })
}

fn history() -> impl Strategy<Value = Vec<(Vec<Row>, usize)>> {
    prop::collection::vec((rows(), 1..4_usize), 1..5)
}

/// Text of a root row `t` in SQL, as [`Row::root`] writes it.
const ROOT: &str = "t.id || ' ' || coalesce('Some(' || t.v || ')', 'None') || ' ' || t.n || ' ' || \
    coalesce('Some(' || t.d || ')', 'None')";

/// The root rows and the nested rows that are stored. Nested rows without a root come out as `lost`.
fn stored(bench: &Bench) -> (Vec<String>, Vec<String>) {
    let roots = bench.texts(&format!("SELECT {ROOT} FROM t"));
    let mut nested = bench.texts(
        "SELECT coalesce(t.id::VARCHAR, 'lost') || '/' || l._dlt_list_idx || ': ' || l.x FROM t__l AS l \
         LEFT JOIN t ON t._dlt_id = l._dlt_root_id AND t._dlt_id = l._dlt_parent_id",
    );
    nested.extend(bench.texts(
        "SELECT coalesce(t.id::VARCHAR, 'lost') || '/' || coalesce(l._dlt_list_idx::VARCHAR, 'lost') || '/' || \
         m._dlt_list_idx || ': ' || m.value FROM t__l__m AS m LEFT JOIN t ON t._dlt_id = m._dlt_root_id \
         LEFT JOIN t__l AS l ON l._dlt_id = m._dlt_parent_id",
    ));
    nested.sort();
    (roots, nested)
}

fn texts(rows: &BTreeMap<i64, Row>) -> (Vec<String>, Vec<String>) {
    let mut roots: Vec<String> = rows.values().map(Row::root).collect();
    let mut nested: Vec<String> = rows.values().flat_map(|row| row.nested(&row.id.to_string())).collect();
    roots.sort();
    nested.sort();
    (roots, nested)
}

/// The row of each key that stays: the one with the highest `n`.
fn survivors(load: &[Row]) -> BTreeMap<i64, Row> {
    let mut kept: BTreeMap<i64, Row> = BTreeMap::new();
    for row in load {
        if kept.get(&row.id).is_none_or(|other| other.n < row.n) {
            kept.insert(row.id, row.clone());
        }
    }
    kept
}

fn first() -> Row {
    Row { id: 100, v: Some(0), n: 0, d: Some(false), l: vec![(0, vec![0])] }
}

fn play(
    hints: &Value,
    history: &[(Vec<Row>, usize)],
    mut interpret: impl FnMut(&mut BTreeMap<i64, Row>, &[Row]),
) -> Result<(), TestCaseError> {
    let bench = Bench::new();
    let options = RunOptions::default();
    bench.run(hints, &[first_row(100)], 1, &options).unwrap();
    let mut table = BTreeMap::from([(100, first())]);
    for (load, page) in history {
        let records: Vec<Value> = load.iter().map(Row::record).collect();
        bench.run(hints, &records, *page, &options).unwrap();
        interpret(&mut table, load);
        prop_assert_eq!(stored(&bench), texts(&table));
    }
    Ok(())
}

fn cases() -> ProptestConfig {
    let factor = std::env::var("WINDLASS_PROPERTY_FACTOR").ok().and_then(|factor| factor.parse::<u32>().ok());
    ProptestConfig { cases: 12 * factor.unwrap_or(1), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn delete_insert_keeps_the_last_word_on_each_key(history in history()) {
        let hints = json!({
            "write_disposition": "merge", "primary_key": "id",
            "columns": { "n": { "dedup_sort": "desc" }, "d": { "hard_delete": true } },
        });
        play(&hints, &history, |table, load| {
            table.retain(|id, _| !load.iter().any(|row| row.id == *id));
            table.extend(survivors(load).into_iter().filter(|(_, row)| row.d != Some(true)));
        })?;
    }

    #[test]
    fn upsert_updates_known_keys_and_inserts_others(history in history(), skips in any::<bool>()) {
        let hints = json!({
            "write_disposition": { "disposition": "merge", "strategy": "upsert", "skip_unchanged_rows": skips },
            "primary_key": "id", "columns": { "d": { "hard_delete": true } },
        });
        // Lists of several rows with one key cannot be told apart: their ids derive from the key.
        let unique = |load: &[Row]| survivors(load).into_values().collect::<Vec<_>>();
        let history: Vec<_> = history.iter().map(|(load, page)| (unique(load), *page)).collect();
        play(&hints, &history, |table, load| {
            for row in load {
                let is_known = table.contains_key(&row.id);
                if row.d == Some(true) && is_known {
                    table.remove(&row.id);
                } else if row.d == Some(true) {
                    // As in the reference, a deletion of an unknown row is a row, but its lists are gone.
                    table.insert(row.id, Row { l: Vec::new(), ..row.clone() });
                } else {
                    let old = table.insert(row.id, row.clone());
                    // What deletes is not compared: such a row stays as it was, but for its lists.
                    if let Some(old) = old.filter(|old| skips && (old.v, old.n) == (row.v, row.n)) {
                        table.insert(row.id, Row { l: row.l.clone(), ..old });
                    }
                }
            }
        })?;
    }

    #[test]
    fn insert_only_never_changes_a_row(history in history()) {
        let hints = json!({
            "write_disposition": { "disposition": "merge", "strategy": "insert-only" }, "primary_key": "id",
            "columns": { "n": { "dedup_sort": "desc" } },
        });
        let without_lists = |load: &[Row]| load.iter().map(|row| Row { l: Vec::new(), ..row.clone() }).collect::<Vec<_>>();
        let history: Vec<_> = history.iter().map(|(load, page)| (without_lists(load), *page)).collect();
        play(&hints, &history, |table, load| {
            for (id, row) in survivors(load) {
                table.entry(id).or_insert(row);
            }
        })?;
    }

    #[test]
    fn scd2_keeps_every_version_with_its_time(history in history()) {
        let bench = Bench::new();
        let hints = |load: usize| json!({
            "write_disposition": {
                "disposition": "merge", "strategy": "scd2",
                "boundary_timestamp": format!("2024-01-{:02}T00:00:00Z", load + 1),
            },
        });
        bench.run(&hints(0), &[first_row(100)], 1, &RunOptions::default()).unwrap();
        // Each version: the row, the loads that began and ended it.
        let mut versions: Vec<(Row, usize, Option<usize>)> = vec![(first(), 0, None)];
        for (load, (rows, page)) in history.iter().enumerate() {
            let load = load + 1;
            let rows: BTreeSet<Row> = rows.iter().map(|row| Row { n: 0, ..row.clone() }).collect();
            let records: Vec<Value> = rows.iter().map(Row::record).collect();
            bench.run(&hints(load), &records, *page, &RunOptions::default()).unwrap();
            if !rows.is_empty() {
                for version in versions.iter_mut().filter(|version| version.2.is_none() && !rows.contains(&version.0)) {
                    version.2 = Some(load);
                }
                let active: BTreeSet<Row> =
                    versions.iter().filter(|version| version.2.is_none()).map(|version| version.0.clone()).collect();
                versions.extend(rows.into_iter().filter(|row| !active.contains(row)).map(|row| (row, load, None)));
            }
            let mut expected: Vec<String> = versions
                .iter()
                .map(|(row, from, to)| format!("{} {from} {:?}", row.root(), to.unwrap_or(99)))
                .collect();
            expected.sort();
            let found = bench.texts(&format!(
                "SELECT {ROOT} || ' ' || (day(_dlt_valid_from) - 1) || ' ' || coalesce(day(_dlt_valid_to) - 1, 99) FROM t"
            ));
            prop_assert_eq!(found, expected);
            // The lists of a row are there once, however often it came back.
            let known: BTreeSet<&Row> = versions.iter().map(|version| &version.0).collect();
            let mut expected: Vec<String> = known.iter().flat_map(|row| row.nested(&row.root())).collect();
            expected.sort();
            let mut found = bench.texts(&format!(
                "SELECT coalesce({ROOT}, 'lost') || '/' || l._dlt_list_idx || ': ' || l.x FROM t__l AS l \
                 LEFT JOIN (SELECT DISTINCT _dlt_id, id, v, n, d FROM t) AS t ON t._dlt_id = l._dlt_parent_id"
            ));
            found.extend(bench.texts(&format!(
                "SELECT coalesce({ROOT}, 'lost') || '/' || l._dlt_list_idx || '/' || m._dlt_list_idx || ': ' || m.value \
                 FROM t__l__m AS m LEFT JOIN t__l AS l ON l._dlt_id = m._dlt_parent_id \
                 LEFT JOIN (SELECT DISTINCT _dlt_id, id, v, n, d FROM t) AS t ON t._dlt_id = l._dlt_parent_id"
            )));
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
