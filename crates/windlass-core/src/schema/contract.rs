//! Schema contracts: what new tables, new columns and new types are allowed to do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Column, Table};
use crate::error::{Code, Error, Result};
use crate::nearest::choices;
use crate::value::DataType;

/// What happens when the data asks for a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractMode {
    /// The schema changes.
    #[default]
    Evolve,
    /// The run fails.
    Freeze,
    /// The row is dropped and counted.
    DiscardRow,
    /// The value is dropped and counted, the row stays.
    DiscardValue,
}

impl ContractMode {
    /// All modes, the default first.
    pub const ALL: [Self; 4] = [Self::Evolve, Self::Freeze, Self::DiscardRow, Self::DiscardValue];

    /// The name in stored schemas.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evolve => "evolve",
            Self::Freeze => "freeze",
            Self::DiscardRow => "discard_row",
            Self::DiscardValue => "discard_value",
        }
    }

    fn parse(value: &Value) -> Result<Self> {
        Self::ALL.into_iter().find(|mode| Some(mode.as_str()) == value.as_str()).ok_or_else(|| {
            Error::of(Code::InvalidContract, format!("{value} is not a schema contract mode"))
                .with_hint(choices(value.as_str().unwrap_or_default(), Self::ALL.map(Self::as_str)))
        })
    }
}

/// What a contract is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// New tables.
    Tables,
    /// New columns in a table that has some.
    Columns,
    /// Variant columns, and hints that change a type.
    DataType,
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tables => "tables",
            Self::Columns => "columns",
            Self::DataType => "data_type",
        })
    }
}

/// A contract: one mode for each entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Contract {
    /// New tables.
    pub tables: ContractMode,
    /// New columns in a table that has some.
    pub columns: ContractMode,
    /// Variant columns, and hints that change a type.
    pub data_type: ContractMode,
}

/// A change that a contract does not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What kind of change it is.
    pub entity: Entity,
    /// What the contract says about it.
    pub mode: ContractMode,
    /// The column; `None` for a table.
    pub column: Option<String>,
    /// The type that the column was to have; `None` for a table, or where a hint names none.
    pub data_type: Option<DataType>,
}

impl Violation {
    /// The error for a change that freezes. `what` says who brings it, as in "the data brings a new table".
    pub fn error(&self, table: &str, what: &str) -> Error {
        let message = format!("{what}, and the schema contract freezes {}", self.entity);
        let mut error = Error::of(Code::ContractFrozen, message)
            .with_detail("entity", self.entity.to_string())
            .with_detail("mode", self.mode.as_str())
            .with_detail("table", table)
            .at_table(table);
        if let Some(column) = &self.column {
            error = error.with_detail("column", column.as_str());
        }
        if let Some(data_type) = self.data_type {
            error = error.with_detail("data_type", data_type.as_str());
        }
        error
    }
}

impl Contract {
    /// Reads a contract: one mode for all entities, or an object with some of them.
    pub fn from_json(value: &Value) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::default()),
            Value::Object(map) => {
                let mut contract = Self::default();
                for (key, value) in map {
                    let mode = ContractMode::parse(value)?;
                    match key.as_str() {
                        "tables" => contract.tables = mode,
                        "columns" => contract.columns = mode,
                        "data_type" => contract.data_type = mode,
                        _ => {
                            return Err(Error::of(
                                Code::InvalidContract,
                                format!("`{key}` is not part of a schema contract"),
                            )
                            .with_hint(choices(key, ["tables", "columns", "data_type"])));
                        }
                    }
                }
                Ok(contract)
            }
            mode => {
                let mode = ContractMode::parse(mode)?;
                Ok(Self { tables: mode, columns: mode, data_type: mode })
            }
        }
    }

    /// Whether every change is allowed.
    pub fn is_evolve(&self) -> bool {
        *self == Self::default()
    }

    /// Splits the changes that `partial` makes to `existing` into what may be merged and what may not.
    ///
    /// The first part is `None` when nothing of `partial` remains, because its table is refused. Columns whose name
    /// starts with `system_prefix` are never refused.
    pub fn check(
        &self,
        existing: Option<&Table>,
        partial: Table,
        system_prefix: &str,
    ) -> (Option<Table>, Vec<Violation>) {
        if self.is_evolve() {
            return (Some(partial), Vec::new());
        }
        let is_new_table = existing.is_none_or(Table::is_new);
        if is_new_table && self.tables != ContractMode::Evolve {
            let violation =
                Violation { entity: Entity::Tables, mode: self.tables, column: None, data_type: None };
            return (None, vec![violation]);
        }
        let evolves_once = existing.is_some_and(|table| table.normalizer_flag("evolve-columns-once"));
        let columns = if is_new_table || evolves_once { ContractMode::Evolve } else { self.columns };
        let mut violations = Vec::new();
        let mut allowed = partial;
        allowed.columns.retain(|name, column| {
            if name.starts_with(system_prefix) {
                return true;
            }
            let known =
                existing.and_then(|table| table.columns.get(name)).filter(|known| known.is_complete());
            let (entity, mode) = match known {
                None if !column.is_variant() => (Entity::Columns, columns),
                Some(known) if !column.is_variant() && !changes_type(known, column) => return true,
                _ => (Entity::DataType, self.data_type),
            };
            if mode != ContractMode::Evolve {
                let data_type = column.data_type;
                violations.push(Violation { entity, mode, column: Some(name.clone()), data_type });
            }
            mode == ContractMode::Evolve
        });
        (Some(allowed), violations)
    }
}

/// Whether `column` sets a part of the type to something else than `known` has.
fn changes_type(known: &Column, column: &Column) -> bool {
    fn differs<T: PartialEq>(known: Option<T>, given: Option<T>) -> bool {
        given.is_some() && known != given
    }
    differs(known.data_type, column.data_type)
        || differs(known.nullable, column.nullable)
        || differs(known.precision, column.precision)
        || differs(known.scale, column.scale)
        || differs(known.timezone, column.timezone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::DataType;

    fn check(contract: &str, existing: Option<Table>, partial: Table) -> (Vec<String>, Vec<String>) {
        let contract = Contract::from_json(&serde_json::from_str(contract).unwrap()).unwrap();
        let (allowed, violations) = contract.check(existing.as_ref(), partial, "_dlt");
        let allowed = allowed.map(|table| table.columns.into_keys().collect()).unwrap_or_default();
        let refused = violations.into_iter().map(|v| format!("{} {:?} {:?}", v.entity, v.mode, v.column));
        (allowed, refused.collect())
    }

    fn items() -> Table {
        Table::new("items").with_column(Column::typed("id", DataType::Bigint, true))
    }

    #[test]
    fn a_new_table_takes_all_columns_unless_tables_are_frozen() {
        let partial = items;
        assert_eq!(check(r#"{"columns":"freeze"}"#, None, partial()).0, ["id"]);
        assert_eq!(check(r#""freeze""#, None, partial()).1, ["tables Freeze None"]);
    }

    #[test]
    fn variants_are_a_matter_of_data_type_not_of_columns() {
        let variant = Column::typed("id__v_text", DataType::Text, true).with("variant", true);
        let partial = || Table::new("items").with_column(variant.clone());
        assert_eq!(check(r#"{"columns":"freeze"}"#, Some(items()), partial()).0, ["id__v_text"]);
        let refused = check(r#"{"data_type":"discard_row"}"#, Some(items()), partial()).1;
        assert_eq!(refused, ["data_type DiscardRow Some(\"id__v_text\")"]);
    }

    #[test]
    fn a_not_null_hint_on_a_nullable_column_changes_the_type() {
        let partial = Table::new("items").with_column(Column { nullable: Some(false), ..Column::new("id") });
        let refused = check(r#"{"data_type":"freeze"}"#, Some(items()), partial).1;
        assert_eq!(refused, ["data_type Freeze Some(\"id\")"]);
    }

    #[test]
    fn system_columns_pass() {
        let partial = Table::new("items").with_column(Column::typed("_dlt_x", DataType::Text, true));
        assert_eq!(check(r#""freeze""#, Some(items()), partial).0, ["_dlt_x"]);
    }
}
