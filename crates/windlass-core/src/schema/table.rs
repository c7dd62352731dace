//! Tables: a named list of columns with hints, and how a partial table is merged into one.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::column::{COMPOUND_HINTS, Column};
use crate::error::{Code, Error, Result};

/// Definition of one table. The order of the columns is part of the schema's hash.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Normalized name.
    pub name: String,
    /// The columns by name, in the order in which they were added.
    pub columns: IndexMap<String, Column>,
    /// The table whose rows hold this table's lists. Its presence alone makes a table nested.
    pub parent: Option<String>,
    /// Every other key in stored order: write disposition, resource, contract, `x-…`.
    pub hints: Map<String, Value>,
}

impl Table {
    /// A table without columns.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The same table with one more hint.
    #[must_use]
    pub fn with(mut self, hint: &str, value: impl Into<Value>) -> Self {
        self.hints.insert(hint.to_owned(), value.into());
        self
    }

    /// The same table with one more column.
    #[must_use]
    pub fn with_column(mut self, column: Column) -> Self {
        self.columns.insert(column.name.clone(), column);
        self
    }

    /// Whether the rows belong to rows of another table.
    pub fn is_nested(&self) -> bool {
        self.parent.is_some()
    }

    /// A hint as text.
    pub fn text_hint(&self, hint: &str) -> Option<&str> {
        self.hints.get(hint)?.as_str()
    }

    /// The columns whose type is known, in order.
    pub fn complete_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.values().filter(|column| column.is_complete())
    }

    /// Whether no column is complete, so that any column may still be added under a contract.
    pub fn is_new(&self) -> bool {
        self.complete_columns().next().is_none()
    }

    /// The columns that carry a hint, in order.
    pub fn columns_with<'a>(&'a self, hint: &'a str) -> impl Iterator<Item = &'a Column> {
        self.columns.values().filter(move |column| column.has(hint))
    }

    /// A flag of the normalizer: `seen-data`, `evolve-columns-once`.
    pub fn normalizer_flag(&self, flag: &str) -> bool {
        self.normalizer(flag) == Some(&Value::Bool(true))
    }

    /// A setting of the normalizer: `max_nesting` or one of the flags.
    pub fn normalizer(&self, key: &str) -> Option<&Value> {
        self.hints.get("x-normalizer")?.get(key)
    }

    /// Sets or removes (`None`) a setting of the normalizer.
    pub fn set_normalizer(&mut self, key: &str, value: Option<Value>) {
        let mut settings = match self.hints.get("x-normalizer") {
            Some(Value::Object(settings)) => settings.clone(),
            _ => Map::new(),
        };
        match value {
            Some(value) => drop(settings.insert(key.to_owned(), value)),
            None => drop(settings.shift_remove(key)),
        }
        // An empty block stays where it was, as in the reference: it is part of the hash.
        if !settings.is_empty() || self.hints.contains_key("x-normalizer") {
            self.hints.insert("x-normalizer".to_owned(), Value::Object(settings));
        }
    }

    /// Merges new and changed columns and hints into this table.
    ///
    /// `add_keys` says whether primary keys and the like of `partial` are added to those that exist; otherwise they
    /// replace them, as hints of a resource do. A column that becomes complete moves to the end.
    ///
    /// Errors: another name or another parent.
    pub fn merge(&mut self, partial: &Table, add_keys: bool) -> Result<()> {
        if self.name != partial.name {
            return Err(Error::internal(format!("table `{}` was merged with `{}`", self.name, partial.name)));
        }
        if self.parent != partial.parent {
            let holds = |parent: &Option<String>| match parent {
                Some(parent) => format!("rows of lists of `{parent}`"),
                None => "records of a resource".to_owned(),
            };
            return Err(Error::of(
                Code::TableParentChanged,
                format!(
                    "the table holds {}, and cannot take {}",
                    holds(&self.parent),
                    holds(&partial.parent)
                ),
            )
            .with_detail("parent", partial.parent.clone())
            .at_table(&self.name)
            .with_hint("give the resource another name or table_name"));
        }
        if !add_keys {
            for hint in COMPOUND_HINTS {
                if partial.columns.values().any(|column| column.has(hint)) {
                    for column in self.columns.values_mut() {
                        column.hints.shift_remove(hint);
                    }
                }
            }
        }
        for column in partial.columns.values() {
            self.merge_column(column);
        }
        for (key, value) in &partial.hints {
            if key == "references" {
                self.merge_references(value);
            } else {
                self.hints.insert(key.clone(), value.clone());
            }
        }
        Ok(())
    }

    /// Adds a column or overwrites the properties that it sets.
    pub fn merge_column(&mut self, column: &Column) {
        match self.columns.get_mut(&column.name) {
            None => drop(self.columns.insert(column.name.clone(), column.clone())),
            Some(mine) if column.is_complete() && !mine.is_complete() => {
                let mut merged = mine.clone();
                merged.merge(column);
                self.columns.shift_remove(&column.name);
                self.columns.insert(column.name.clone(), merged);
            }
            Some(mine) => mine.merge(column),
        }
    }

    /// References to other tables are kept one per referenced table.
    fn merge_references(&mut self, incoming: &Value) {
        let mut merged: Vec<Value> = match self.hints.get("references") {
            Some(Value::Array(references)) => references.clone(),
            _ => Vec::new(),
        };
        for reference in incoming.as_array().into_iter().flatten() {
            let table = reference.get("referenced_table");
            match merged.iter_mut().find(|mine| mine.get("referenced_table") == table) {
                Some(mine) => *mine = reference.clone(),
                None => merged.push(reference.clone()),
            }
        }
        self.hints.insert("references".to_owned(), Value::Array(merged));
    }

    /// Reads the stored form, full or compact. `name` is the key of the table in its schema.
    pub fn from_json(name: &str, value: &Value) -> Result<Self> {
        let Value::Object(map) = value else {
            return Err(Error::of(Code::InvalidSchema, "a table is not an object").at_table(name));
        };
        let mut table = Self::new(name);
        for (key, value) in map {
            match (key.as_str(), value) {
                ("name", _) => {}
                ("columns", Value::Object(columns)) => {
                    for (name, column) in columns {
                        let column = Column::from_json(name, column).map_err(|e| e.at_table(&table.name))?;
                        table.columns.insert(name.clone(), column);
                    }
                }
                ("columns", _) => {
                    return Err(Error::of(Code::InvalidSchema, "`columns` is not an object").at_table(name));
                }
                ("parent", Value::String(parent)) if !parent.is_empty() => {
                    table.parent = Some(parent.clone());
                }
                _ => drop(table.hints.insert(key.clone(), value.clone())),
            }
        }
        if table.parent.is_none() {
            table.hints.entry("write_disposition").or_insert_with(|| "append".into());
            table.hints.entry("resource").or_insert_with(|| name.into());
        }
        Ok(table)
    }

    /// The stored form.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("name".to_owned(), self.name.clone().into());
        let columns = self.columns.iter().map(|(name, column)| (name.clone(), column.to_json().into()));
        map.insert("columns".to_owned(), Value::Object(columns.collect()));
        if let Some(parent) = &self.parent {
            map.insert("parent".to_owned(), parent.clone().into());
        }
        for (key, value) in &self.hints {
            map.insert(key.clone(), value.clone());
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::DataType;

    #[test]
    fn a_hinted_column_moves_to_the_end_when_its_type_is_found() {
        let mut table = Table::new("t")
            .with_column(Column::new("id").with("primary_key", true))
            .with_column(Column::typed("a", DataType::Text, true));
        table.merge_column(&Column::typed("id", DataType::Bigint, false));
        assert_eq!(table.columns.keys().collect::<Vec<_>>(), ["a", "id"]);
        assert!(table.columns["id"].has("primary_key"));
    }

    #[test]
    fn a_new_primary_key_replaces_the_old_one_unless_added() {
        let table = Table::new("t").with_column(Column::new("a").with("primary_key", true));
        let partial = Table::new("t").with_column(Column::new("b").with("primary_key", true));
        let keys = |add| {
            let mut merged = table.clone();
            merged.merge(&partial, add).unwrap();
            merged.columns_with("primary_key").map(|column| column.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(keys(false), ["b"]);
        assert_eq!(keys(true), ["a", "b"]);
    }
}
