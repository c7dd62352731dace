//! The rows of a query that is running.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use mysql_async::{Row, Value};
use windlass_core::{At, Error, Result};

use super::super::catalog::ColumnShape;
use super::super::config::InvalidValues;
use super::super::database::{BATCH_BYTES, Rows};
use super::types;
use super::value::Filling;
use crate::mysql::{Connection, changed};

/// Columns make room for this many rows at first.
const FIRST_ROWS: usize = 8 * 1024;

/// Rows that come one after the other.
pub(super) struct MySqlRows {
    /// Is there until the last row has come.
    connection: Option<Connection>,
    schema: SchemaRef,
    columns: Vec<Filling>,
    chunk_rows: usize,
    /// How many rows were given.
    given: u64,
}

impl MySqlRows {
    /// Starts a query. Errors: as the server says; columns of another form than promised.
    pub(super) async fn start(
        mut connection: Connection,
        query: &str,
        columns: &[ColumnShape],
        chunk_rows: usize,
        invalid_values: InvalidValues,
    ) -> Result<Self> {
        let given = connection.start(query).await?;
        if given.len() != columns.len() {
            return Err(Error::source_failed(format!(
                "the query gives {} columns, but {} were expected",
                given.len(),
                columns.len()
            ))
            .with_hint("the table was changed while it was read; run again")
            .retryable());
        }
        for (column, given) in columns.iter().zip(given.iter()) {
            if let Some(kind) = types::mismatch(column.sql_type, given) {
                return Err(changed(&column.name, &kind, &column.declared));
            }
        }
        let fields = columns.iter().map(|column| {
            // Zero dates of a column that allows no nulls become nulls.
            Field::new(&column.name, column.sql_type.arrow_type(), true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let rows = chunk_rows.min(FIRST_ROWS);
        let columns = columns
            .iter()
            .map(|column| Filling::new(column, rows, invalid_values))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { connection: Some(connection), schema, columns, chunk_rows: chunk_rows.max(1), given: 0 })
    }

    fn push(&mut self, row: &Row) -> Result<usize> {
        let mut bytes = 0;
        for (index, column) in self.columns.iter_mut().enumerate() {
            bytes += column.push(row.as_ref(index).unwrap_or(&Value::NULL))?;
        }
        Ok(bytes)
    }
}

#[async_trait]
impl Rows for MySqlRows {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let (mut rows, mut bytes) = (0, 0);
        while rows < self.chunk_rows && bytes < BATCH_BYTES {
            let Some(connection) = &mut self.connection else { break };
            let Some(row) = connection.next_row().await? else {
                if let Some(connection) = self.connection.take() {
                    connection.close();
                }
                break;
            };
            bytes += self
                .push(&row)
                .map_err(|error| error.at(At { row: Some(self.given + rows as u64), ..At::default() }))?;
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        self.given += rows as u64;
        let columns: Vec<ArrayRef> = self.columns.iter_mut().map(Filling::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(|cause| Error::internal("rows of MySQL make no batch").with_source(cause))
    }

    fn notices(&mut self) -> Vec<String> {
        self.columns.iter_mut().filter_map(Filling::notice).collect()
    }
}
