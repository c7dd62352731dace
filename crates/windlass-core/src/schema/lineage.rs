//! Where each table hangs below its root, found for all tables at once: a table may have a thousand above it.

use std::collections::HashMap;

use super::{Schema, Table};

/// The roots and depths of all tables of a schema.
#[derive(Clone, Debug)]
pub struct Lineage<'a> {
    placed: HashMap<&'a str, Placed<'a>>,
    /// The tables in the order of the schema.
    tables: Vec<&'a Table>,
}

/// Where a table hangs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed<'a> {
    /// The table above all others; the table itself if there is none.
    pub root: &'a Table,
    /// Tables above it.
    pub depth: usize,
}

impl<'a> Lineage<'a> {
    /// Goes through a schema once.
    pub fn of(schema: &'a Schema) -> Self {
        let mut placed: HashMap<&'a str, Placed<'a>> = HashMap::with_capacity(schema.tables.len());
        let mut above: Vec<&'a Table> = Vec::new();
        for table in schema.tables.values() {
            let mut at = table.as_ref();
            let mut known = placed.get(at.name.as_str()).copied();
            while known.is_none() {
                above.push(at);
                let parent = at.parent.as_deref().and_then(|parent| schema.table(parent));
                // A hand-made document may hold a cycle of parents.
                match parent.filter(|_| above.len() <= schema.tables.len()) {
                    Some(parent) => at = parent,
                    None => break,
                }
                known = placed.get(at.name.as_str()).copied();
            }
            while let Some(table) = above.pop() {
                let place = match known {
                    Some(parent) => Placed { root: parent.root, depth: parent.depth + 1 },
                    None => Placed { root: table, depth: 0 },
                };
                placed.insert(&table.name, place);
                known = Some(place);
            }
        }
        Self { placed, tables: schema.tables.values().map(AsRef::as_ref).collect() }
    }

    /// Where a table hangs; `None` if the schema has no such table.
    pub fn place(&self, table: &str) -> Option<Placed<'a>> {
        self.placed.get(table).copied()
    }

    /// The root of a table, or the table itself.
    pub fn root(&self, table: &str) -> Option<&'a Table> {
        self.place(table).map(|place| place.root)
    }

    /// Tables above a table.
    pub fn depth(&self, table: &str) -> usize {
        self.place(table).map_or(0, |place| place.depth)
    }

    /// The tables whose root is `root`, itself first, parents before children.
    pub fn chain(&self, root: &str) -> Vec<&'a Table> {
        let places = self.tables.iter().filter_map(|table| Some((self.place(&table.name)?, *table)));
        let mut chain: Vec<(usize, &Table)> = places
            .filter(|(place, _)| place.root.name == root)
            .map(|(place, table)| (place.depth, table))
            .collect();
        chain.sort_by_key(|(depth, _)| *depth);
        chain.into_iter().map(|(_, table)| table).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::Naming;

    fn schema(tables: &[(&str, Option<&str>)]) -> Schema {
        let mut schema = Schema::new("s", &Naming::default()).unwrap();
        for (name, parent) in tables {
            schema.table_mut(name).parent = parent.map(str::to_owned);
        }
        schema
    }

    #[test]
    fn the_place_of_a_table_is_what_its_ancestry_says() {
        let schema = schema(&[
            ("t__l__m", Some("t__l")),
            ("t", None),
            ("t__l", Some("t")),
            ("lost", Some("nowhere")),
            ("below", Some("lost")),
        ]);
        let lineage = Lineage::of(&schema);
        for table in schema.tables.keys() {
            assert_eq!(lineage.root(table).unwrap().name, schema.root_of(table).unwrap().name, "{table}");
            assert_eq!(lineage.depth(table) + 1, schema.ancestry(table).count(), "{table}");
        }
        let names: Vec<&str> = lineage.chain("t").iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["t", "t__l", "t__l__m"]);
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let schema = schema(&[("a", Some("b")), ("b", Some("a"))]);
        assert!(Lineage::of(&schema).root("a").is_some());
    }
}
