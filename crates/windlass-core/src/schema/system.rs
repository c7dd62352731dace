//! The engine's own tables and columns.

use serde_json::Value;

use super::{Column, Table};
use crate::error::{Error, Result};
use crate::naming::Naming;
use crate::value::DataType;

/// Table of schema versions, before normalization.
pub const VERSION_TABLE: &str = "_dlt_version";
/// Table of completed loads, before normalization.
pub const LOADS_TABLE: &str = "_dlt_loads";
/// Table of pipeline states, before normalization.
pub const STATE_TABLE: &str = "_dlt_pipeline_state";

/// The engine's own column and table names under a naming convention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemNames {
    /// Row id.
    pub id: String,
    /// Load that brought a row of a root table.
    pub load_id: String,
    /// Id of the root row.
    pub root_id: String,
    /// Id of the parent row.
    pub parent_id: String,
    /// Position in the parent's list.
    pub list_index: String,
    /// The column of lists of scalars.
    pub value: String,
    /// The part of a table name that stands for a list in a list.
    pub list: String,
    /// Prefix of all of the engine's names.
    pub prefix: String,
    /// Table of schema versions.
    pub version_table: String,
    /// Table of completed loads.
    pub loads_table: String,
    /// Table of pipeline states.
    pub state_table: String,
}

impl SystemNames {
    /// Normalizes the names. Errors: a convention under which system tables cannot be told from others.
    pub fn new(naming: &Naming) -> Result<Self> {
        let names = Self {
            id: naming.identifier("_dlt_id")?,
            load_id: naming.identifier("_dlt_load_id")?,
            root_id: naming.identifier("_dlt_root_id")?,
            parent_id: naming.identifier("_dlt_parent_id")?,
            list_index: naming.identifier("_dlt_list_idx")?,
            value: naming.identifier("value")?,
            list: naming.table_identifier("list")?,
            prefix: naming.table_identifier("_dlt")?,
            version_table: naming.table_identifier(VERSION_TABLE)?,
            loads_table: naming.table_identifier(LOADS_TABLE)?,
            state_table: naming.table_identifier(STATE_TABLE)?,
        };
        let tables = [&names.version_table, &names.loads_table, &names.state_table];
        if let Some(table) = tables.into_iter().find(|table| !table.starts_with(&names.prefix)) {
            return Err(Error::config(format!(
                "system table `{table}` does not start with `{}`",
                names.prefix
            )));
        }
        Ok(names)
    }
}

fn described(name: &str, data_type: DataType, nullable: bool, description: &str) -> Column {
    Column::typed(name, data_type, nullable).with("description", description)
}

fn load_id_of_64(name: &str, description: &str) -> Column {
    Column { precision: Some(64), ..described(name, DataType::Text, false, description) }
}

fn normalized(table: Table, naming: &Naming) -> Result<Table> {
    let mut normalized = Table::new(naming.table_identifier(&table.name)?);
    for column in table.columns.into_values() {
        let name = naming.identifier(&column.name)?;
        normalized = normalized.with_column(Column { name, ..column });
    }
    normalized.hints = table.hints;
    // The resource is never normalized, so that it names the table under every convention.
    normalized.hints.insert("resource".to_owned(), Value::from(table.name));
    Ok(normalized)
}

/// The tables that every schema has: versions and loads.
pub(super) fn required_tables(naming: &Naming) -> Result<[Table; 2]> {
    let (text, bigint, timestamp) = (DataType::Text, DataType::Bigint, DataType::Timestamp);
    let version = Table::new(VERSION_TABLE)
        .with_column(described(
            "version",
            bigint,
            false,
            "Numeric version of the schema, incremented on each schema change",
        ))
        .with_column(described(
            "engine_version",
            bigint,
            false,
            "Version of the dlt schema engine that created this schema",
        ))
        .with_column(described(
            "inserted_at",
            timestamp,
            false,
            "Timestamp when this schema version was stored",
        ))
        .with_column(described("schema_name", text, false, "Name of the schema"))
        .with_column(described(
            "version_hash",
            text,
            false,
            "Unique hash of the schema content, used to detect changes",
        ))
        .with_column(described(
            "schema",
            text,
            false,
            "JSON representation of the complete schema definition",
        ))
        .with("write_disposition", "skip")
        .with("resource", VERSION_TABLE)
        .with("description", "Created by DLT. Tracks schema updates");
    let loads = Table::new(LOADS_TABLE)
        .with_column(load_id_of_64("load_id", "Unique identifier of the load operation"))
        .with_column(described("schema_name", text, true, "Name of the schema associated with this load"))
        .with_column(described("status", bigint, false, "Status of the load operation (0 = success)"))
        .with_column(described("inserted_at", timestamp, false, "Timestamp when the load was completed"))
        .with_column(described(
            "schema_version_hash",
            text,
            true,
            "Hash of the schema version used during this load",
        ))
        .with("write_disposition", "skip")
        .with("resource", LOADS_TABLE)
        .with("description", "Created by DLT. Tracks completed loads");
    Ok([normalized(version, naming)?, normalized(loads, naming)?])
}

/// The table of pipeline states, without the row id that the first row adds.
pub fn state_table(naming: &Naming) -> Result<Table> {
    let (text, bigint, timestamp) = (DataType::Text, DataType::Bigint, DataType::Timestamp);
    let table = Table::new(STATE_TABLE)
        .with_column(described("version", bigint, false, "Numeric version of the pipeline state"))
        .with_column(described("engine_version", bigint, false, "Version of the dlt state engine"))
        .with_column(described("pipeline_name", text, false, "Name of the pipeline this state belongs to"))
        .with_column(described("state", text, false, "Compressed JSON representation of the pipeline state"))
        .with_column(described("created_at", timestamp, false, "Timestamp when this state was created"))
        .with_column(described(
            "version_hash",
            text,
            true,
            "Hash of the state content, used to detect changes",
        ))
        .with_column(load_id_of_64("_dlt_load_id", "Load identifier linking this row to its load operation"))
        .with("write_disposition", "append")
        .with("file_format", "preferred")
        .with("resource", STATE_TABLE)
        .with("description", "Created by DLT. Tracks pipeline state");
    normalized(table, naming)
}
