//! The rows of a query, which are read as a source reads them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use windlass_core::Result;

use crate::destinations::sql::no_database;
use crate::mysql::{Connection, Settings, server_code};
use crate::rows::{RowStream, row_stream};
use crate::sources::sql::{ColumnShape, Database as _, MySqlReader, Rows, SqlType};

/// Rows of a batch.
const BATCH_ROWS: usize = 4096;

/// A query that is running.
pub(super) struct Query {
    schema: Arc<Schema>,
    rows: Box<dyn Rows>,
}

impl Query {
    /// Runs a query on a connection that can only read. Errors: a statement that gives no rows, or does more.
    pub(super) async fn start(settings: &Arc<Settings>, sql: &str) -> Result<Self> {
        let reader = MySqlReader::new(Arc::clone(settings));
        let mut columns = reader.describe(sql).await?;
        columns.iter_mut().for_each(as_stored);
        let fields =
            columns.iter().map(|column| Field::new(&column.name, column.sql_type.arrow_type(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let rows = reader.read(sql, &columns, BATCH_ROWS, None).await?;
        Ok(Self { schema, rows })
    }

    /// All rows.
    pub(super) async fn all(mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        while let Some(batch) = self.rows.next_batch().await? {
            batches.push(batch);
        }
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(self.schema));
        }
        Ok(batches)
    }

    /// The rows at the pace of who reads them.
    pub(super) fn stream(mut self) -> RowStream {
        let (mut sender, stream) = row_stream(Arc::clone(&self.schema), None);
        tokio::spawn(async move {
            while let Some(batch) = self.rows.next_batch().await.transpose() {
                let is_last = batch.is_err();
                if !sender.send(batch).await || is_last {
                    return;
                }
            }
        });
        stream
    }
}

/// A column as the engine has stored it: MySQL's truth values are numbers of one digit.
fn as_stored(column: &mut ColumnShape) {
    if column.declared == "tinyint(1)" {
        column.sql_type = SqlType::Bool;
    }
}

/// Errors: the dataset does not exist.
pub(super) async fn check_dataset(settings: &Arc<Settings>, dataset: &str) -> Result<()> {
    let mut connection = match Connection::try_open(settings).await? {
        Ok(connection) => connection,
        // An unknown database.
        Err(cause) if server_code(&cause) == Some(1049) => {
            return Err(no_database(&format!("{}/{dataset}", settings.location)));
        }
        Err(cause) => {
            return Err(crate::mysql::failed(settings.side, "open", &settings.location)(cause));
        }
    };
    connection.execute("DO 1", "query").await?;
    connection.close();
    Ok(())
}
