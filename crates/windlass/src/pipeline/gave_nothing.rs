//! What becomes of the tables of resources that gave nothing: known only after the data was read.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::Value;
use windlass_core::schema::Schema;

use crate::extract::Prepared;

/// Tables that are new with this run. A table exists once its resource gives something, if only an empty page.
pub(super) struct Undeclared {
    /// The new tables of each resource, by its name.
    tables: Vec<(String, Vec<String>)>,
}

impl Undeclared {
    pub(super) fn new(stored: Option<&Schema>, resources: &[Prepared]) -> Self {
        let is_new = |name: &&String| stored.is_none_or(|stored| stored.table(name).is_none());
        let of = |prepared: &Prepared| prepared.tables.iter().filter(is_new).cloned().collect();
        let tables = resources.iter().map(|prepared| (prepared.resource.name.clone(), of(prepared)));
        Self { tables: tables.collect() }
    }

    /// The tables of resources that gave nothing.
    pub(super) fn without_rows(&self, reached: &BTreeSet<String>) -> BTreeSet<String> {
        let of = |is_reached: bool| {
            let resources = self.tables.iter();
            resources.filter(move |(name, _)| reached.contains(name) == is_reached).flat_map(|(_, t)| t)
        };
        let needed: BTreeSet<&String> = of(true).collect();
        of(false).filter(|table| !needed.contains(table)).cloned().collect()
    }
}

/// The resources of each root table, in their order. The first of them that gives something is the one that the table
/// names, as in dlt; until the data is read it is taken to be the first that was declared.
pub(super) struct Owners {
    tables: IndexMap<String, Vec<String>>,
}

impl Owners {
    pub(super) fn new(resources: &[Prepared]) -> Self {
        let mut tables: IndexMap<String, Vec<String>> = IndexMap::new();
        for prepared in resources.iter().filter(|prepared| prepared.is_loaded) {
            let owners = tables.entry(prepared.root_table.clone()).or_default();
            owners.push(prepared.resource.name.clone());
        }
        Self { tables }
    }

    /// Tables whose first resource gave nothing, with the one that they name instead: the first that gave something, else
    /// the one that was stored.
    pub(super) fn others(&self, stored: Option<&Schema>, reached: &BTreeSet<String>) -> Vec<(String, Value)> {
        let stored_owner = |table: &str| stored?.table(table)?.hints.get("resource").cloned();
        let other = |(table, owners): (&String, &Vec<String>)| {
            let first = owners.iter().position(|name| reached.contains(name));
            let owner = match first {
                Some(0) => return None,
                Some(at) => Value::from(owners[at].clone()),
                None => stored_owner(table).filter(|owner| owner.as_str() != Some(&owners[0]))?,
            };
            Some((table.clone(), owner))
        };
        self.tables.iter().filter_map(other).collect()
    }
}

/// Lets tables name their resources.
pub(super) fn set_owners(schema: &mut Schema, owners: &[(String, Value)]) {
    for (table, owner) in owners {
        if schema.table(table).is_some_and(|table| table.hints.contains_key("resource")) {
            schema.table_mut(table).hints.insert("resource".to_owned(), owner.clone());
        }
    }
}
