//! Row filters of a table: keys that are left out before anything else looks at them.

use indexmap::IndexMap;
use serde_json::Value;

use super::flatten::FlatCell;
use crate::error::Result;
use crate::naming::Naming;
use crate::schema::{Pattern, Schema};

/// The compiled `filters` of all tables of a schema.
#[derive(Clone, Debug, Default)]
pub struct RowFilters {
    tables: IndexMap<String, TableFilter>,
    naming: Naming,
}

#[derive(Clone, Debug)]
struct TableFilter {
    excludes: Vec<Pattern>,
    includes: Vec<Pattern>,
}

impl RowFilters {
    /// Compiles the filters. Errors: a pattern that is no regular expression.
    pub fn new(schema: &Schema, naming: Naming) -> Result<Self> {
        let mut tables = IndexMap::new();
        for table in schema.tables.values() {
            let Some(filters) = table.hints.get("filters") else { continue };
            let patterns = |key: &str| {
                let list = filters.get(key).and_then(Value::as_array).into_iter().flatten();
                list.filter_map(Value::as_str).map(Pattern::new).collect::<Result<Vec<_>>>()
            };
            let filter = TableFilter { excludes: patterns("excludes")?, includes: patterns("includes")? };
            if !filter.excludes.is_empty() {
                tables.insert(table.name.clone(), filter);
            }
        }
        Ok(Self { tables, naming })
    }

    /// Whether no table has filters.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Whether a column of a table is left out: an exclude of the table, or of one whose name is a prefix, is found in
    /// the path from there, and no include of the same table is.
    pub fn excludes(&self, table: &str, column: &str) -> bool {
        if self.tables.is_empty() {
            return false;
        }
        let parts = self.naming.break_path(table);
        (1..=parts.len()).rev().any(|length| {
            let Some(filter) = self.tables.get(&self.naming.make_path(&parts[..length])) else {
                return false;
            };
            let rest: Vec<&str> = parts[length..].iter().copied().chain(std::iter::once(column)).collect();
            let path = self.naming.make_path(&rest);
            filter.excludes.iter().any(|p| p.matches(&path))
                && !filter.includes.iter().any(|p| p.matches(&path))
        })
    }

    /// Removes what is left out of a row.
    pub(super) fn apply(&self, table: &str, cells: &mut IndexMap<String, FlatCell>) {
        if !self.tables.is_empty() {
            cells.retain(|column, _| !self.excludes(table, column));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn excludes_and_includes_look_at_the_path() {
        let mut schema = Schema::new("s", &Naming::default()).unwrap();
        let filters = json!({
            "excludes": ["re:^user__secret", "re:^meta$", "tag", "re:^kids__x"],
            "includes": ["re:^user__secret__ok$"],
        });
        schema.table_mut("ev").hints.insert("filters".to_owned(), filters);
        let filters = RowFilters::new(&schema, Naming::default()).unwrap();
        let kept = |table: &str, columns: &[&str]| -> Vec<String> {
            columns
                .iter()
                .filter(|column| !filters.excludes(table, column))
                .map(|c| (*c).to_owned())
                .collect()
        };
        assert_eq!(
            kept("ev", &["user__secret__ok", "user__secret__b", "meta", "metas", "tag", "tags"]),
            ["user__secret__ok", "metas", "tags"]
        );
        assert_eq!(kept("ev__kids", &["x", "y", "tag"]), ["y", "tag"]);
        assert_eq!(kept("ev__user__secret", &["ok", "b"]), ["ok"]);
    }
}
