//! Names in order, to find those below a key without going through all of them.

use std::collections::BTreeSet;
use std::ops::Bound;

use hashbrown::HashMap;
use indexmap::IndexMap;

use super::context::Context;
use crate::schema::Schema;

/// The names of a schema's columns and tables as far as somebody asked for them. Follows a schema that grows.
#[derive(Debug, Default)]
pub(super) struct NamesBelow {
    columns: HashMap<String, BTreeSet<String>>,
    tables: BTreeSet<String>,
}

impl NamesBelow {
    /// Whether keys below a key of a table's records have columns or tables.
    pub(super) fn has_any(&mut self, ctx: &Context, schema: &Schema, table: &str, key: &str) -> bool {
        let separator = ctx.naming.separator();
        if let Some(definition) = schema.table(table) {
            let names = self.columns.entry_ref(table).or_default();
            follow(names, &definition.columns);
            if is_below(names, &ctx.column_key(key), separator) {
                return true;
            }
        }
        follow(&mut self.tables, &schema.tables);
        is_below(&self.tables, &ctx.join(&[table, &ctx.table_key(key)]), separator)
    }
}

/// Adds the names that are not there yet. New ones stand at the end, unless an old one has moved there.
fn follow<V>(names: &mut BTreeSet<String>, known: &IndexMap<String, V>) {
    if names.len() < known.len() {
        names.extend(known.keys().skip(names.len()).cloned());
    }
    if names.len() != known.len() {
        *names = known.keys().cloned().collect();
    }
}

/// Whether one of the names is `prefix`, or begins with it and a separator.
fn is_below(names: &BTreeSet<String>, prefix: &str, separator: &str) -> bool {
    let start = format!("{prefix}{separator}");
    let next = || names.range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded)).next();
    names.contains(prefix) || next().is_some_and(|name| name.starts_with(&start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_followed_also_where_one_has_moved_to_the_end() {
        let mut known: IndexMap<String, ()> = ["a", "b__x"].map(|name| (name.to_owned(), ())).into();
        let mut names = BTreeSet::new();
        follow(&mut names, &known);
        assert!(is_below(&names, "a", "__") && is_below(&names, "b", "__"));
        assert!(!is_below(&names, "b__", "__") && !is_below(&names, "c", "__"));
        known.insert("c".to_owned(), ());
        known.shift_remove("a");
        known.insert("a".to_owned(), ());
        follow(&mut names, &known);
        assert_eq!(names.len(), 3);
        assert!(is_below(&names, "c", "__"));
    }
}
