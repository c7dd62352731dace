//! What an extraction made: by one worker or all of them, so far or in the end, here or on another machine.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Job;
use crate::error::Result;
use crate::incremental::Tally;
use crate::normalize::Discarded;

/// What an extraction made, or a part of it; parts add up by [`Made::add`].
///
/// The same value is what a worker gives when it ends, what a checkpoint keeps and what a sealed package is described by.
/// Resources go by their names, tables and columns by their normalized ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The files with rows.
    pub jobs: Vec<Job>,
    /// Files of rejected records, below the package.
    pub reject_files: Vec<String>,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// What contracts, limits and other keys kept out.
    pub discarded: Discarded,
    /// Rejected records by resource.
    pub rejected: BTreeMap<String, u64>,
    /// Table and column of columns that held only nulls.
    pub null_columns: BTreeSet<(String, String)>,
    /// Table and column of the keys that some row had.
    pub seen_keys: BTreeSet<(String, String)>,
    /// Resources that gave pages for tables of their own.
    pub reached: BTreeSet<String>,
    /// What was seen of the cursors, by resource.
    pub tallies: BTreeMap<String, Tally>,
    /// Resources whose limit may make later runs skip records.
    pub may_skip: BTreeSet<String>,
    /// Root tables that were found while data was read.
    pub tables_found: BTreeSet<String>,
    /// The grown schema and what contracts refused, in the form of
    /// [`SchemaState::to_json`](crate::normalize::SchemaState::to_json). `None` while it is still growing in the process that
    /// made the rest.
    pub schema: Option<Value>,
}

impl Made {
    /// Adds what another worker made. Of two schemas the one of `part` stays: it comes after.
    ///
    /// Errors: cursors that cannot be compared with those of other workers, at their resource.
    pub fn add(&mut self, part: Self) -> Result<()> {
        // Taken apart, so that no field can be forgotten.
        let Self {
            jobs,
            reject_files,
            rows,
            discarded,
            rejected,
            null_columns,
            seen_keys,
            reached,
            tallies,
            may_skip,
            tables_found,
            schema,
        } = part;
        self.jobs.extend(jobs);
        self.reject_files.extend(reject_files);
        add_counts(&mut self.rows, rows);
        self.discarded.add(&discarded);
        add_counts(&mut self.rejected, rejected);
        self.null_columns.extend(null_columns);
        self.seen_keys.extend(seen_keys);
        self.reached.extend(reached);
        self.may_skip.extend(may_skip);
        self.tables_found.extend(tables_found);
        if schema.is_some() {
            self.schema = schema;
        }
        tallies.into_iter().try_for_each(|(resource, tally)| self.add_tally(&resource, tally))
    }

    /// Adds what was seen of a resource's cursor. Errors: cursors that cannot be compared, at their resource.
    pub fn add_tally(&mut self, resource: &str, tally: Tally) -> Result<()> {
        match self.tallies.get_mut(resource) {
            Some(all) => all.merge(tally).map_err(|error| error.at_resource(resource)),
            None => {
                self.tallies.insert(resource.to_owned(), tally);
                Ok(())
            }
        }
    }

    /// Puts the files into an order that does not depend on who was faster.
    pub fn sort(&mut self) {
        self.jobs.sort_by(|a, b| (&a.table, &a.file).cmp(&(&b.table, &b.file)));
        self.reject_files.sort();
    }

    /// All files below the package, with rows or rejected records.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.jobs.iter().map(|job| &job.file).chain(&self.reject_files).map(String::as_str)
    }
}

fn add_counts(all: &mut BTreeMap<String, u64>, part: BTreeMap<String, u64>) {
    for (name, count) in part {
        *all.entry(name).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::incremental::{Filter, IncrementalOptions, PageScan};
    use crate::json::ParseBuffers;
    use crate::normalize::{ChangedType, Overwritten};

    fn name() -> impl Strategy<Value = String> {
        prop_oneof![3 => "[a-c]", 1 => "\\PC{0,6}"]
    }

    fn names() -> impl Strategy<Value = BTreeSet<String>> {
        prop::collection::btree_set(name(), 0..3)
    }

    fn pairs() -> impl Strategy<Value = BTreeSet<(String, String)>> {
        prop::collection::btree_set((name(), name()), 0..3)
    }

    fn counts() -> impl Strategy<Value = BTreeMap<String, u64>> {
        prop::collection::btree_map(name(), 0_u64..1 << 40, 0..3)
    }

    fn job() -> impl Strategy<Value = Job> {
        (name(), name(), any::<u32>(), any::<u32>()).prop_map(|(file, table, rows, bytes)| Job {
            file,
            table,
            rows: rows.into(),
            bytes: bytes.into(),
        })
    }

    fn discarded() -> impl Strategy<Value = Discarded> {
        (counts(), counts(), pairs(), counts()).prop_map(|(rows, values, pairs, lost)| {
            let mut discarded = Discarded {
                rows: rows.into_iter().collect(),
                values: values.into_iter().collect(),
                ..Discarded::default()
            };
            for (table, column) in pairs {
                let changed = ChangedType { given: column.clone(), kept: table.clone() };
                discarded.parents.entry(table.clone()).or_default().insert(column.clone());
                discarded.changed_types.entry(table.clone()).or_default().insert(column.clone(), changed);
                for (kept, count) in &lost {
                    let lost = Overwritten { count: *count, lost: column.clone(), kept: kept.clone() };
                    discarded.overwritten.entry(table.clone()).or_default().insert(kept.clone(), lost);
                }
            }
            discarded
        })
    }

    /// What a filter saw of records with these cursors.
    fn tally(values: &[i64], page: u64) -> Tally {
        let filter = Filter::new(&IncrementalOptions::new("at"), None, None).unwrap();
        let mut tally = filter.tally();
        let lines: String = values.iter().map(|at| format!("{}\n", json!({ "at": at }))).collect();
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_lines(lines.as_bytes()).unwrap();
        let scan = PageScan { page, in_order: true, ..PageScan::default() };
        filter.records(&parsed.tape, &parsed.rows, scan, &mut tally).unwrap();
        tally
    }

    fn tallies() -> impl Strategy<Value = BTreeMap<String, Tally>> {
        let seen = (prop::collection::vec(0_i64..5, 0..4), 0_u64..9);
        let seen = seen.prop_map(|(mut values, page)| {
            values.sort_unstable();
            tally(&values, page)
        });
        prop::collection::btree_map(name(), seen, 0..3)
    }

    prop_compose! {
        fn made()(
            jobs in prop::collection::vec(job(), 0..4),
            (reject_files, reached, may_skip, tables_found) in
                (prop::collection::vec(name(), 0..3), names(), names(), names()),
            (rows, rejected) in (counts(), counts()),
            discarded in discarded(),
            (null_columns, seen_keys) in (pairs(), pairs()),
            tallies in tallies(),
            schema in prop::option::of(name().prop_map(|name| json!({ "schema": { "name": name } }))),
        ) -> Made {
            Made {
                jobs, reject_files, rows, discarded, rejected, null_columns, seen_keys, reached, tallies, may_skip,
                tables_found, schema,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn what_was_made_is_the_same_after_a_journey_as_text(made in made()) {
            let text = serde_json::to_string(&made).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Made>(&text).unwrap(), &made);
        }

        /// A part that was written down counts as if its worker had just ended.
        #[test]
        fn parts_that_come_as_text_add_up_to_the_same(parts in prop::collection::vec(made(), 1..4)) {
            let (mut here, mut sent) = (Made::default(), Made::default());
            for part in parts {
                let text = serde_json::to_string(&part).unwrap();
                here.add(part).unwrap();
                sent.add(serde_json::from_str(&text).unwrap()).unwrap();
            }
            prop_assert_eq!(sent, here);
        }
    }

    #[test]
    fn cursors_that_cannot_be_compared_are_told_with_their_resource() {
        let filter = Filter::new(&IncrementalOptions::new("at"), None, None).unwrap();
        let mut of_texts = filter.tally();
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_lines(b"{\"at\":\"x\"}\n").unwrap();
        filter.records(&parsed.tape, &parsed.rows, PageScan::default(), &mut of_texts).unwrap();
        let mut made = Made { tallies: [("r".to_owned(), tally(&[1], 0))].into(), ..Made::default() };
        let part = Made { tallies: [("r".to_owned(), of_texts)].into(), ..Made::default() };
        assert_eq!(made.add(part).unwrap_err().place().resource.as_deref(), Some("r"));
    }
}
