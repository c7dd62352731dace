//! The rows of the engine's own tables, by the names of their columns: what a destination records of a load.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{Field, Schema as ArrowSchema};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::naming::Naming;
use crate::schema::{LOADS_TABLE, STATE_TABLE, VERSION_TABLE};
use crate::sql::Dialect;
use crate::value::{Timestamp, format_timestamp};

/// A row of `_dlt_version`, `_dlt_loads` or `_dlt_pipeline_state`.
///
/// Times are microseconds since the epoch, in UTC. The columns are those of the reference; see
/// [`schema::SystemNames`](crate::schema::SystemNames) for the names of the tables under a naming convention.
///
/// ```
/// use windlass_core::naming::Naming;
/// use windlass_core::sql::DUCKDB;
/// use windlass_core::system_row::SystemRow;
///
/// let row = SystemRow::Load {
///     load_id: "1700000000.5", schema_name: "shop", inserted_at: 0, schema_version_hash: "h",
/// };
/// assert_eq!(
///     row.to_sql(DUCKDB, "sales", &Naming::default()).unwrap(),
///     "INSERT INTO \"sales\".\"_dlt_loads\" \
///      (\"load_id\", \"schema_name\", \"status\", \"inserted_at\", \"schema_version_hash\") \
///      VALUES ('1700000000.5', 'shop', 0, '1970-01-01 00:00:00+00:00', 'h')"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemRow<'a> {
    /// A version of a schema.
    Version {
        /// The number of the version.
        version: i64,
        /// The version of the form that the schema is stored in.
        engine_version: i64,
        /// When it was stored.
        inserted_at: i64,
        /// The name of the schema.
        schema_name: &'a str,
        /// The hash of the schema.
        version_hash: &'a str,
        /// The schema as JSON.
        schema: &'a str,
    },
    /// A load that is complete: its presence is what makes a load count.
    Load {
        /// The load.
        load_id: &'a str,
        /// The schema of its rows.
        schema_name: &'a str,
        /// When it was committed.
        inserted_at: i64,
        /// The hash of the schema.
        schema_version_hash: &'a str,
    },
    /// A state of a pipeline.
    State {
        /// The number of the version.
        version: i64,
        /// The version of the form that the state is stored in.
        engine_version: i64,
        /// The pipeline.
        pipeline_name: &'a str,
        /// The state as it is stored: compressed JSON in base64.
        state: &'a str,
        /// When it was made.
        created_at: i64,
        /// The hash of the state.
        version_hash: Option<&'a str>,
        /// The load that brought it.
        load_id: &'a str,
    },
}

/// A value of a [`SystemRow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemValue<'a> {
    /// None.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(&'a str),
    /// Microseconds since the epoch.
    Instant(i64),
}

impl<'a> SystemRow<'a> {
    /// The table, by the reference's name.
    pub fn table(&self) -> &'static str {
        match self {
            Self::Version { .. } => VERSION_TABLE,
            Self::Load { .. } => LOADS_TABLE,
            Self::State { .. } => STATE_TABLE,
        }
    }

    /// The values with the reference's names of their columns, in its order.
    pub fn fields(&self) -> Vec<(&'static str, SystemValue<'a>)> {
        use SystemValue::{Instant, Integer, Null, Text};
        match *self {
            Self::Version { version, engine_version, inserted_at, schema_name, version_hash, schema } => {
                vec![
                    ("version", Integer(version)),
                    ("engine_version", Integer(engine_version)),
                    ("inserted_at", Instant(inserted_at)),
                    ("schema_name", Text(schema_name)),
                    ("version_hash", Text(version_hash)),
                    ("schema", Text(schema)),
                ]
            }
            Self::Load { load_id, schema_name, inserted_at, schema_version_hash } => vec![
                ("load_id", Text(load_id)),
                ("schema_name", Text(schema_name)),
                ("status", Integer(0)),
                ("inserted_at", Instant(inserted_at)),
                ("schema_version_hash", Text(schema_version_hash)),
            ],
            Self::State {
                version,
                engine_version,
                pipeline_name,
                state,
                created_at,
                version_hash,
                load_id,
            } => vec![
                ("version", Integer(version)),
                ("engine_version", Integer(engine_version)),
                ("pipeline_name", Text(pipeline_name)),
                ("state", Text(state)),
                ("created_at", Instant(created_at)),
                ("version_hash", version_hash.map_or(Null, Text)),
                ("_dlt_load_id", Text(load_id)),
            ],
        }
    }

    /// The statement that inserts the row. Errors: names that the convention refuses.
    pub fn to_sql(&self, dialect: &dyn Dialect, dataset: &str, naming: &Naming) -> Result<String> {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (name, value) in self.fields() {
            columns.push(dialect.quote(&naming.identifier(name)?));
            values.push(match value {
                SystemValue::Null => "NULL".to_owned(),
                SystemValue::Integer(number) => number.to_string(),
                SystemValue::Text(text) => dialect.literal(text),
                SystemValue::Instant(micros) => dialect.timestamp_literal(micros),
            });
        }
        let table = dialect.qualify(dataset, &naming.table_identifier(self.table())?);
        Ok(format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), values.join(", ")))
    }

    /// The row as a batch. Errors: names that the convention refuses.
    pub fn to_batch(&self, naming: &Naming) -> Result<RecordBatch> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for (name, value) in self.fields() {
            let array: ArrayRef = match value {
                SystemValue::Null => Arc::new(StringArray::from(vec![None::<&str>])),
                SystemValue::Integer(number) => Arc::new(Int64Array::from(vec![number])),
                SystemValue::Text(text) => Arc::new(StringArray::from(vec![text])),
                SystemValue::Instant(micros) => {
                    Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"))
                }
            };
            fields.push(Field::new(naming.identifier(name)?, array.data_type().clone(), true));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays)
            .map_err(|cause| Error::internal("a row of a system table has no batch").with_source(cause))
    }

    /// The row as an object with the reference's names, times as ISO 8601 texts.
    pub fn to_json(&self) -> Map<String, Value> {
        let value = |value| match value {
            SystemValue::Null => Value::Null,
            SystemValue::Integer(number) => number.into(),
            SystemValue::Text(text) => text.into(),
            SystemValue::Instant(micros) => {
                let mut text = String::new();
                format_timestamp(&mut text, Timestamp { micros, offset: Some(0) }, 'T');
                text.into()
            }
        };
        self.fields().into_iter().map(|(name, field)| (name.to_owned(), value(field))).collect()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::schema::{Schema, state_table};
    use crate::sql::DUCKDB;

    const STATE: SystemRow<'_> = SystemRow::State {
        version: 1,
        engine_version: 4,
        pipeline_name: "p",
        state: "eJw",
        created_at: 1,
        version_hash: None,
        load_id: "1.5",
    };
    const VERSION: SystemRow<'_> = SystemRow::Version {
        version: 2,
        engine_version: 11,
        inserted_at: 0,
        schema_name: "s",
        version_hash: "h",
        schema: "{}",
    };
    const LOAD: SystemRow<'_> = SystemRow::Load {
        load_id: "1.5",
        schema_name: "s'x",
        inserted_at: 1_000_000,
        schema_version_hash: "h",
    };

    #[test]
    fn records_name_their_columns() {
        let naming = Naming::default();
        expect![[r#"INSERT INTO "ds"."_dlt_loads" ("load_id", "schema_name", "status", "inserted_at", "schema_version_hash") VALUES ('1.5', 's''x', 0, '1970-01-01 00:00:01+00:00', 'h')"#]]
            .assert_eq(&LOAD.to_sql(DUCKDB, "ds", &naming).unwrap());
        expect![[r#"INSERT INTO "ds"."_dlt_version" ("version", "engine_version", "inserted_at", "schema_name", "version_hash", "schema") VALUES (2, 11, '1970-01-01 00:00:00+00:00', 's', 'h', '{}')"#]]
            .assert_eq(&VERSION.to_sql(DUCKDB, "ds", &naming).unwrap());
    }

    #[test]
    fn a_row_has_the_columns_of_its_table() {
        let naming = Naming::default();
        let schema = Schema::new("s", &naming).unwrap();
        for row in [VERSION, LOAD, STATE] {
            let state = state_table(&naming).unwrap();
            let table = schema.table(row.table()).unwrap_or(&state);
            let columns: Vec<&str> = table.columns.keys().map(String::as_str).collect();
            assert_eq!(row.fields().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), columns);
        }
    }

    #[test]
    fn a_row_is_an_object_with_times_as_texts() {
        expect![[r#"{"version":1,"engine_version":4,"pipeline_name":"p","state":"eJw","created_at":"1970-01-01T00:00:00.000001+00:00","version_hash":null,"_dlt_load_id":"1.5"}"#]]
            .assert_eq(&Value::Object(STATE.to_json()).to_string());
    }
}
