//! What a destination holds, in a form in which two runs of the same input are equal.

use std::collections::{BTreeMap, BTreeSet};

use windlass::destination::Session;

use crate::rows::{NULL, Record, records};

/// The data of a dataset without ids, and what its own tables contradict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Each row of the root table with its nested rows.
    pub(crate) rows: Vec<String>,
    /// Number of loads that are recorded.
    pub(crate) loads: usize,
    /// Contradictions.
    pub(crate) problems: Vec<String>,
}

/// Rows that one content has and another has not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference {
    pub(crate) lost: Vec<String>,
    pub(crate) doubled: Vec<String>,
}

impl Content {
    /// Reads a dataset. A table that is not there has no rows.
    pub(crate) async fn read(session: &mut dyn Session) -> Self {
        let mut tables: BTreeMap<&str, Vec<Record>> = BTreeMap::new();
        for table in ["t", "t__tags", "t__lines", "_dlt_loads", "_dlt_version", "_dlt_pipeline_state"] {
            if let Ok(batches) = session.table_rows(table, 1_000_000).await {
                tables.insert(table, records(&batches));
            }
        }
        let rows_of = |table: &str| tables.get(table).map_or(&[][..], Vec::as_slice);
        let mut content = Self::default();
        let mut nested: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for table in ["t__tags", "t__lines"] {
            for row in rows_of(table) {
                let order = format!("{:0>4}", row["_dlt_list_idx"]);
                let line = format!("{table} {order} {}", values(row, |_| None));
                nested.entry(row["_dlt_parent_id"].as_str()).or_default().push(line);
            }
        }
        let rows = rows_of("t");
        let times = boundaries(rows);
        for row in rows {
            // Times of validity differ from run to run; their order does not.
            let validity = |column: &str, value: &str| {
                let is_boundary = ["_dlt_valid_from", "_dlt_valid_to"].contains(&column) && value != NULL;
                is_boundary.then(|| times.iter().position(|time| time == value).unwrap_or_default())
            };
            let mut line = values(row, |(column, value)| validity(column, value));
            let mut children = nested.remove(row["_dlt_id"].as_str()).unwrap_or_default();
            children.sort();
            children.iter().for_each(|child| line.push_str(&format!(" [{child}]")));
            content.rows.push(line);
        }
        content.rows.sort();
        content.problems.extend(nested.keys().map(|parent| format!("no row {parent} for nested rows")));
        content.loads = rows_of("_dlt_loads").len();
        content.check(rows, rows_of("_dlt_loads"), "load_id");
        content.check(&[], rows_of("_dlt_version"), "version_hash");
        content.check(&[], rows_of("_dlt_pipeline_state"), "version");
        content
    }

    /// The rows; without nulls where a new column says nothing yet.
    pub(crate) fn rows_without_nulls(&self, is_without: bool) -> Vec<String> {
        if !is_without {
            return self.rows.clone();
        }
        let end = format!("={NULL}");
        let without = |row: &String| -> String {
            row.split(' ')
                .filter(|value| !value.trim_end_matches(']').ends_with(&end))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut rows: Vec<String> = self.rows.iter().map(without).collect();
        rows.sort();
        rows
    }

    /// What is recorded is recorded once, and each row is of a load that is recorded.
    fn check(&mut self, rows: &[Record], recorded: &[Record], key: &str) {
        let mut known = BTreeSet::new();
        for record in recorded {
            if !known.insert(record[key].as_str()) {
                self.problems.push(format!("{key} {} is recorded twice", record[key]));
            }
        }
        let loads: BTreeSet<&str> = rows.iter().map(|row| row["_dlt_load_id"].as_str()).collect();
        let unknown = loads.difference(&known);
        self.problems.extend(unknown.map(|load| format!("rows of load {load}, which is not recorded")));
    }

    /// What this lacks and what it has too much, against what is expected.
    pub(crate) fn against(&self, expected: &Self) -> Difference {
        let mut counts: BTreeMap<&String, i64> = BTreeMap::new();
        self.rows.iter().for_each(|row| *counts.entry(row).or_default() += 1);
        expected.rows.iter().for_each(|row| *counts.entry(row).or_default() -= 1);
        let mut difference = Difference::default();
        for (row, count) in counts {
            let side = if count < 0 { &mut difference.lost } else { &mut difference.doubled };
            side.extend((0..count.abs()).map(|_| row.clone()));
        }
        difference
    }
}

/// The values that have a meaning, as text; what `instead` gives stands in place of a value.
fn values(row: &Record, instead: impl Fn((&str, &str)) -> Option<usize>) -> String {
    let mut values = Vec::new();
    for (column, value) in row {
        match instead((column, value)) {
            Some(other) => values.push(format!("{column}=#{other}")),
            None if column.starts_with("_dlt_valid") || !column.starts_with("_dlt_") => {
                values.push(format!("{column}={value}"));
            }
            None => {}
        }
    }
    values.join(" ")
}

/// All times at which rows begin or end to be valid.
fn boundaries(rows: &[Record]) -> Vec<String> {
    let columns = ["_dlt_valid_from", "_dlt_valid_to"];
    let times = rows.iter().flat_map(|row| columns.iter().filter_map(|column| row.get(*column)));
    times.filter(|time| *time != NULL).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}
