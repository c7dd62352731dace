//! Loading history in chunks: run after run, each with the next rows in the order of the cursor, each committed.

use std::collections::BTreeMap;

use serde::Serialize;
use windlass_core::incremental::{Bound, Extreme, IncrementalOptions, MissingCursor, RowOrder};
use windlass_core::{Code, Error, Result};

use super::report::LoadInfo;
use super::{Pipeline, RunOptions};
use crate::config::unknown_name;
use crate::source::{Resource, Source, SourceContext};

/// Records with one cursor value that a chunk is widened for: their digests are part of the state.
const MOST_EQUAL: u64 = 1_000_000;

/// How a backfill goes on.
#[derive(Clone, Copy, Debug)]
pub struct Backfill {
    /// Rows of a chunk, read again ones included.
    pub chunk_rows: u64,
    /// Whether to go on until a chunk brings nothing new.
    pub until_done: bool,
}

/// What a backfill did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BackfillInfo {
    /// The runs that brought rows, in order.
    pub chunks: Vec<LoadInfo>,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Whether nothing is left to load.
    pub is_done: bool,
    /// Resources that have no cursor, so that they were left out.
    pub left_out: Vec<String>,
}

/// A resource that is loaded in chunks.
struct Chunked {
    source: String,
    name: String,
    cursor_path: String,
}

/// Where a resource stands: its last value, and how many records are known to have it.
#[derive(Clone, Debug, PartialEq)]
struct Stand {
    entry: serde_json::Value,
    equal: u64,
}

impl Pipeline {
    /// Loads a chunk of each resource that has a cursor, or chunk after chunk until none brings anything new. Tells
    /// `on_chunk` of each run. A backfill that was broken off goes on where it was: each chunk is a run of its own.
    ///
    /// Errors: as [`Pipeline::run`]; cursors that chunks would lose or repeat rows with; more equal values of a cursor
    /// than a chunk can hold.
    pub async fn backfill(
        &self,
        sources: &[Box<dyn Source>],
        options: &RunOptions,
        backfill: Backfill,
        mut on_chunk: impl FnMut(&LoadInfo),
    ) -> Result<BackfillInfo> {
        if backfill.chunk_rows == 0 {
            return Err(
                Error::config("a chunk of no rows brings nothing").with_hint("give --chunk 1 or more")
            );
        }
        let mut info = BackfillInfo::default();
        let mut left = self.chunked(sources, options, &mut info.left_out).await?;
        while !left.is_empty() {
            let before = self.stands(&left)?;
            let widths = left.iter().zip(&before).map(|(resource, stand)| {
                Ok((
                    resource.name.clone(),
                    width(backfill.chunk_rows, stand).map_err(|e| e.at_resource(&resource.name))?,
                ))
            });
            let chunks: BTreeMap<String, u64> = widths.collect::<Result<_>>()?;
            let options = RunOptions { select: chunks.keys().cloned().collect(), chunks, ..options.clone() };
            let run = self.run(sources, &options).await?;
            let after = self.stands(&left)?;
            for (table, rows) in run.rows() {
                *info.rows.entry(table).or_default() += rows;
            }
            on_chunk(&run);
            if !run.packages.is_empty() {
                info.chunks.push(run);
            }
            let mut moved = before.iter().zip(&after).map(|(before, after)| before != after);
            left.retain(|_| moved.next().unwrap_or(false));
            if !backfill.until_done {
                break;
            }
        }
        info.is_done = left.is_empty();
        Ok(info)
    }

    /// The resources that chunks can be read of. Errors: none has a cursor; a cursor that chunks do not go with.
    async fn chunked(
        &self,
        sources: &[Box<dyn Source>],
        options: &RunOptions,
        left_out: &mut Vec<String>,
    ) -> Result<Vec<Chunked>> {
        let context = SourceContext { folder: self.folder.clone() };
        let (mut chunked, mut known) = (Vec::new(), Vec::new());
        for source in sources {
            for resource in source.resources(&context).await? {
                known.push(resource.name.clone());
                let is_meant = match options.select.as_slice() {
                    [] => resource.selected,
                    names => names.contains(&resource.name),
                };
                if !is_meant {
                    continue;
                }
                let Some(incremental) = &resource.incremental else {
                    left_out.push(resource.name);
                    continue;
                };
                check(&resource, incremental, source.sorts_by_cursor())
                    .map_err(|error| error.at_resource(&resource.name))?;
                chunked.push(Chunked {
                    source: source.name().to_owned(),
                    cursor_path: incremental.cursor_path.clone(),
                    name: resource.name,
                });
            }
        }
        if let Some(unknown) = options.select.iter().find(|name| !known.contains(name)) {
            return Err(unknown_name("resource", unknown, known.iter().map(String::as_str)));
        }
        if chunked.is_empty() {
            let what = match left_out.first() {
                Some(name) => {
                    format!("resource `{name}` has no cursor that chunks could be read in the order of")
                }
                None => "the sources have no resource".to_owned(),
            };
            return Err(Error::config(what).with_hint(
                "give the table an `incremental: {cursor_path: …}`, best of a column with an index",
            ));
        }
        Ok(chunked)
    }

    fn stands(&self, resources: &[Chunked]) -> Result<Vec<Stand>> {
        let state = self.state()?;
        let stands = resources.iter().map(|Chunked { source, name, cursor_path }| {
            let entry = state.cursor(source, name, cursor_path).cloned().unwrap_or_default();
            let equal = entry["unique_hashes"].as_array().map_or(0, |hashes| hashes.len() as u64);
            Stand { entry, equal }
        });
        Ok(stands.collect())
    }
}

/// How many rows to ask for: enough that, behind all records that are known to have the last value, there is a new one
/// if there is any.
///
/// Errors: too many have it.
fn width(chunk_rows: u64, stand: &Stand) -> Result<u64> {
    if stand.equal > MOST_EQUAL {
        return Err(Error::of(
            Code::CursorTies,
            format!("more than {MOST_EQUAL} rows have the same value of the cursor"),
        )
        .with_hint(
            "take a cursor with finer values, such as a timestamp with fractions or an ascending key",
        ));
    }
    // Twice as many, so that a long run of equal values takes few chunks.
    Ok(if stand.equal < chunk_rows { chunk_rows } else { stand.equal.saturating_mul(2) })
}

/// Errors: rows would be lost or loaded twice between two chunks.
fn check(resource: &Resource, incremental: &IncrementalOptions, sorts: bool) -> Result<()> {
    let refuse = |problem: &str, hint: &'static str| Err(Error::config(problem.to_owned()).with_hint(hint));
    if resource.parent.is_some() {
        return refuse(
            "a resource that is made from another one cannot be loaded in chunks",
            "backfill the other one, or run the pipeline",
        );
    }
    if !sorts && incremental.row_order != Some(RowOrder::Asc) {
        return refuse(
            "chunks need rows in the order of the cursor, which this source does not sort by",
            "set `row_order: asc` if the rows come in that order",
        );
    }
    if incremental.last_value_func == Extreme::Min {
        return refuse(
            "a cursor that goes down cannot be loaded in chunks",
            "use `last_value_func: max`, or run the pipeline with `row_order` and a limit",
        );
    }
    if !incremental.end_value.is_null() {
        return refuse(
            "a cursor with `end_value` remembers nothing, so that each chunk would be the first",
            "leave `end_value` out while the history is loaded",
        );
    }
    if incremental.range_start == Bound::Open {
        return refuse(
            "with `range_start: open`, rows would be lost whose value the last row of a chunk has",
            "leave `range_start` out: rows that are read again are not loaded again",
        );
    }
    if incremental.primary_key.as_ref().is_some_and(|key| key.names().next().is_none()) {
        return refuse(
            "with an empty `primary_key` of the cursor, each chunk would load the last rows of the one before again",
            "leave it out: rows are told apart by the key of the table, or as a whole",
        );
    }
    if incremental.on_cursor_value_missing == MissingCursor::Include {
        return refuse(
            "rows without a cursor have no place between the chunks",
            "set `on_cursor_value_missing: exclude` while the history is loaded, or load them by themselves with `where`",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_chunk_is_wider_than_what_is_known_of_its_first_value() {
        let width_of = |equal| width(1000, &Stand { entry: json!({}), equal });
        assert_eq!(width_of(0).unwrap(), 1000);
        assert_eq!(width_of(999).unwrap(), 1000, "one new row at least");
        assert_eq!(width_of(1500).unwrap(), 3000);
        assert!(width_of(MOST_EQUAL + 1).is_err());
    }

    #[test]
    fn cursors_that_chunks_lose_rows_with_are_refused() {
        let check = |options: serde_json::Value, sorts| {
            let incremental: IncrementalOptions = serde_json::from_value(options).unwrap();
            check(&Resource::new("family"), &incremental, sorts)
        };
        assert!(check(json!({"cursor_path": "created"}), true).is_ok());
        assert!(check(json!({"cursor_path": "created", "lag": 60}), true).is_ok());
        assert!(check(json!({"cursor_path": "created"}), false).is_err());
        assert!(check(json!({"cursor_path": "created", "row_order": "asc"}), false).is_ok());
        for bad in [
            json!({"end_value": 5, "initial_value": 1}),
            json!({"range_start": "open"}),
            json!({"last_value_func": "min"}),
            json!({"primary_key": []}),
            json!({"on_cursor_value_missing": "include"}),
        ] {
            let mut options = bad.clone();
            options["cursor_path"] = json!("created");
            let error = check(options, true).unwrap_err();
            assert!(error.hint().is_some(), "{bad}: {error:?}");
        }
    }
}
