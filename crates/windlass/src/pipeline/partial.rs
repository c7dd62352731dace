//! What a run could not read, and how the next one comes to read it: partitions that failed, resources that a spent
//! budget ended.
//!
//! It is kept in the state of the resource, so that it becomes true with the rows that were read.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::hash::shake128;
use windlass_core::hints::Disposition;
use windlass_core::incremental::Tally;
use windlass_core::package::{FailedPartition, LeftBehind, LeftOut, UnfinishedResource};
use windlass_core::state::State;

use crate::extract::{Extracted, LeftToRead, Prepared};
use crate::source::{Resource, Source};

/// The key in the state of a resource.
const KEY: &str = "_windlass_partial";

/// What is kept in the state.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retries: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedPartition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<UnfinishedResource>,
    #[serde(skip_serializing_if = "Value::is_null")]
    tally: Value,
    /// What must be the same for the place to mean anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

/// What is to be done about what a run could not read.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// Resources whose cursors stay as they are, since records before them were not read.
    pub(super) held: BTreeSet<String>,
    /// Entries of the state by the name of the resource; `None` removes one.
    entries: BTreeMap<String, Option<Value>>,
    pub(super) warnings: Vec<String>,
}

/// What decides about the requests of a resource, as a digest.
fn fingerprint(source: &dyn Source, resource: &Resource) -> Option<String> {
    source.identity().map(|identity| digest(&format!("{identity}\n{resource:?}")))
}

/// A short digest of a text.
pub(super) fn digest(text: &str) -> String {
    let mut bytes = [0; 16];
    shake128(text.as_bytes(), &mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Gives each resource what the run before left of it.
pub(super) fn open(source: &dyn Source, resources: &mut [Prepared], state: &State) {
    for prepared in resources {
        let entry = state.resource_value(source.name(), &prepared.resource.name, KEY).cloned();
        let entry = entry.and_then(|entry| serde_json::from_value::<Entry>(entry).ok()).unwrap_or_default();
        let is_same =
            entry.fingerprint.is_some() && entry.fingerprint == fingerprint(source, &prepared.resource);
        prepared.left = LeftToRead { retries: entry.retries, ..LeftToRead::default() };
        if is_same {
            prepared.left.failed = entry.failed;
            prepared.left.place = entry.place;
            prepared.left.tally = entry.tally;
        } else {
            // What failed before the place is read again with everything.
            prepared.left.retries.extend(entry.failed.into_iter().map(|failed| failed.partition));
        }
    }
}

/// What names a failed partition. Where in it reading goes on stays in the state: it may be a link with the server's tokens.
fn named(failed: &FailedPartition) -> FailedPartition {
    let mut named = failed.clone();
    if let Some(partition) = named.partition.as_object_mut() {
        partition.shift_remove("page");
    }
    named
}

/// What could not be read, for the report.
pub(super) fn left_out(left: &IndexMap<String, LeftBehind>) -> LeftOut {
    let mut out = LeftOut::default();
    for (resource, left) in left {
        out.failed_partitions.extend(left.failed.iter().map(named));
        if let Some(end) = &left.unfinished {
            out.unfinished_resources.insert(resource.clone(), end.reason.clone());
        }
    }
    out
}

/// Decides what becomes of what was not read.
pub(super) fn close(source: &dyn Source, resources: &[Prepared], extracted: &Extracted) -> Partial {
    let mut partial = Partial::default();
    let again = come_again(resources, &extracted.left);
    for prepared in resources {
        let name = &prepared.resource.name;
        if again.contains(name) {
            partial.held.insert(name.clone());
            partial.warnings.push(format!(
                "resource `{name}`: its records are read and loaded again by the next run, since a budget was spent \
                 before all that is made of them was read; use the merge disposition or a larger budget"
            ));
            continue;
        }
        let Some(left) = extracted.left.get(name) else {
            partial.entries.insert(name.clone(), None);
            continue;
        };
        let mut entry = Entry { retries: left.retries.clone(), ..Entry::default() };
        let is_held = match &left.unfinished {
            Some(end) if prepared.parent.is_none() => {
                partial.end(prepared, end, left, fingerprint(source, &prepared.resource), &mut entry)
            }
            Some(_) => true,
            None => false,
        };
        // A place holds its cursor without harm; what comes after it is told from what was read by the tally.
        if !left.retries.is_empty() && keeps_cursor(prepared) && entry.place.is_none() {
            partial.held.insert(name.clone());
            partial.warnings.push(format!(
                "resource `{name}`: its cursor stays where it was, so that nothing of the partitions that were not \
                 read is skipped; records of the others come again in the next run: use the merge disposition"
            ));
        }
        if is_held {
            partial.held.insert(name.clone());
        }
        if keeps_cursor(prepared) && partial.held.contains(name) && has_rest(&entry) {
            // What was seen counts once the rest is read.
            let tally = extracted.made.tallies.get(name);
            entry.tally = tally.map(Tally::to_json).unwrap_or_default();
            entry.fingerprint = fingerprint(source, &prepared.resource);
        }
        if is_replaced(&prepared.resource) {
            // The next run reads everything in any case.
            entry = Entry::default();
        }
        let value = if has_rest(&entry) { serde_json::to_value(&entry).ok() } else { None };
        partial.entries.insert(name.clone(), value);
    }
    partial
}

/// Resources whose records have to come again: a budget ended one that is made from them, and it did not say what it
/// has not read.
fn come_again(resources: &[Prepared], left: &IndexMap<String, LeftBehind>) -> BTreeSet<String> {
    let mut again = BTreeSet::new();
    for prepared in resources.iter().filter(|prepared| prepared.parent.is_some()) {
        let left = left.get(&prepared.resource.name);
        if left.is_some_and(|left| left.unfinished.is_some() && !left.lists_unread) {
            let chain = std::iter::successors(Some(prepared), |child| resources.get(child.parent?));
            again.extend(chain.take(resources.len()).map(|prepared| prepared.resource.name.clone()));
        }
    }
    again
}

/// Whether something is left to read.
fn has_rest(entry: &Entry) -> bool {
    entry.place.is_some() || !entry.retries.is_empty()
}

/// Whether the state keeps a cursor of it.
fn keeps_cursor(prepared: &Prepared) -> bool {
    prepared.filter.as_ref().is_some_and(|filter| !filter.options().is_stateless())
}

impl Partial {
    /// A resource without parent that ended before its end; gives whether its cursor is held back.
    fn end(
        &mut self,
        prepared: &Prepared,
        end: &UnfinishedResource,
        left: &LeftBehind,
        fingerprint: Option<String>,
        entry: &mut Entry,
    ) -> bool {
        let name = &prepared.resource.name;
        if is_replaced(&prepared.resource) {
            self.warnings.push(format!(
                "resource `{name}`: its table holds only what was read before the budget was spent; the next run \
                 reads all of it again"
            ));
            return true;
        }
        if fingerprint.is_some() && (end.position.is_some() || end.is_at_start) {
            entry.retries.clone_from(&prepared.left.retries);
            entry.failed.clone_from(&left.failed);
            entry.place = Some(end.clone());
            entry.fingerprint = fingerprint;
            self.warnings
                .push(format!("resource `{name}` was not read to its end; the next run goes on there"));
            return true;
        }
        entry.retries.splice(0..0, prepared.left.retries.iter().cloned());
        let filter = prepared.filter.as_ref();
        if filter.is_some_and(|filter| filter.options().can_resume()) && entry.retries.is_empty() {
            return false;
        }
        self.warnings.push(format!(
            "resource `{name}` was not read to its end and cannot go on in its midst: the next run starts over, and \
             what was read is loaded again"
        ));
        true
    }

    /// Writes what is left into the state of the resources.
    pub(super) fn store(&self, source: &str, state: &mut State) {
        for (resource, entry) in &self.entries {
            state.set_resource_value(source, resource, KEY, entry.clone());
        }
    }
}

fn is_replaced(resource: &Resource) -> bool {
    let disposition = resource.hints.write_disposition.as_ref();
    disposition.is_some_and(|disposition| disposition.disposition() == Disposition::Replace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reports_name_a_partition_and_not_the_link_at_which_it_goes_on() {
        let partition = json!({"parent": {"id": 1}, "page": "https://h/?token=T"});
        let failed = FailedPartition { resource: "comments".into(), partition, error: "500".into() };
        let left = LeftBehind { failed: vec![failed], ..LeftBehind::default() };
        let left = IndexMap::from([("comments".to_owned(), left)]);
        let told = left_out(&left).failed_partitions;
        assert_eq!(told[0].partition, json!({"parent": {"id": 1}}));
        assert_eq!(left["comments"].failed[0].partition["page"], "https://h/?token=T");
    }
}
