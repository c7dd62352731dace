//! What a run added to a schema.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{Schema, Table};
use crate::error::Result;

/// New tables and columns, as partial tables by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaDelta {
    /// The partial tables.
    pub tables: IndexMap<String, Table>,
}

impl SchemaDelta {
    /// What `after` has and `before` has not: tables, complete columns.
    pub fn between(before: Option<&Schema>, after: &Schema) -> Self {
        let mut tables = IndexMap::new();
        for table in after.tables.values() {
            let known = before.and_then(|schema| schema.table(&table.name));
            let mut partial = Table { columns: IndexMap::new(), ..table.as_ref().clone() };
            for column in table.complete_columns() {
                let is_known = known
                    .and_then(|table| table.columns.get(&column.name))
                    .is_some_and(super::column::Column::is_complete);
                if !is_known {
                    partial.columns.insert(column.name.clone(), column.clone());
                }
            }
            if !partial.columns.is_empty() {
                tables.insert(table.name.clone(), partial);
            }
        }
        Self { tables }
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The stored form: partial tables by name.
    pub fn to_json(&self) -> Map<String, Value> {
        self.tables.iter().map(|(name, table)| (name.clone(), table.to_json().into())).collect()
    }

    /// Reads the stored form.
    pub fn from_json(map: &Map<String, Value>) -> Result<Self> {
        let tables = map
            .iter()
            .map(|(name, table)| Ok((name.clone(), Table::from_json(name, table)?)))
            .collect::<Result<_>>()?;
        Ok(Self { tables })
    }
}
