//! The rows of a query as the server sends them, at the pace of the reader.

use futures_util::TryStreamExt as _;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use windlass_core::Result;

use super::connection::Connection;
use super::error::failed;
use super::read;
use crate::rows::{Reading, RowSender, RowStream, row_stream};

/// Rows of a batch.
const BATCH_ROWS: usize = 4096;

/// Runs a query; the connection ends with its rows or when nobody reads any more.
pub(super) async fn stream(connection: Connection, statement: Statement) -> Result<RowStream> {
    let failed_by = failed("query", &connection.location);
    let no_parameters: [&(dyn ToSql + Sync); 0] = [];
    let rows = connection.client.query_raw(&statement, no_parameters).await.map_err(failed_by)?;
    let schema = read::batch(statement.columns(), &[])?.schema();
    // A query that is under way holds locks which a load of this process would wait for.
    let reading = Reading::note(&connection.location);
    let (mut sender, stream) = row_stream(schema, Some(reading.clone()));
    tokio::spawn(async move {
        match send_rows(rows, &statement, &connection.location, &mut sender).await {
            // The transaction of a query keeps its locks until it ends; whoever loads next must not wait for them.
            Ok(true) => drop(connection.client.batch_execute("ROLLBACK").await),
            // Closing the connection ends what is under way.
            Ok(false) => {}
            Err(error) => {
                sender.send(Err(error)).await;
            }
        }
        drop(connection);
        drop(reading);
    });
    Ok(stream)
}

/// Hands all rows over; false if nobody wants the rest.
async fn send_rows(
    rows: tokio_postgres::RowStream,
    statement: &Statement,
    location: &str,
    sender: &mut RowSender,
) -> Result<bool> {
    let mut rows = std::pin::pin!(rows);
    let mut chunk = Vec::with_capacity(BATCH_ROWS);
    loop {
        let row = rows.try_next().await.map_err(failed("query", location))?;
        let is_end = row.is_none();
        chunk.extend(row);
        if chunk.len() == BATCH_ROWS || (is_end && !chunk.is_empty()) {
            let batch = read::batch(statement.columns(), &chunk)?;
            chunk.clear();
            if !sender.send(Ok(batch)).await {
                return Ok(false);
            }
        }
        if is_end {
            return Ok(true);
        }
    }
}
