//! A job file on its way into a table: a thread reads and encodes it, the connection sends what is ready.

use std::path::Path;

use arrow_array::RecordBatchReader as _;
use bytes::Bytes;
use futures_util::SinkExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use tokio::sync::mpsc;
use tokio_postgres::CopyInSink;
use windlass_core::Result;
use windlass_core::sql::POSTGRES;

use super::connection::{Connection, TargetColumn};
use super::encode::{Encoder, HEADER, TRAILER};
use super::error::failed;
use crate::destinations::job_file::{damaged, open_job_file};
use crate::destinations::run_blocking;
use crate::failpoint::failpoint;

/// Bytes that are sent at once.
const PIECE_BYTES: usize = 256 << 10;

/// Pieces that wait to be sent; more would only take memory.
const WAITING_PIECES: usize = 4;

/// Copies the rows of a file into a table and gives their number.
///
/// Errors: the file, values that do not fit, the server.
pub(super) async fn copy_file(
    connection: &Connection,
    dataset: &str,
    table: &str,
    path: &Path,
    targets: &[TargetColumn],
) -> Result<u64> {
    let failed = failed("write to", &connection.location);
    let reader = open_job_file(path)?;
    let encoder = Encoder::new(table, &reader.schema(), targets)?;
    let columns: Vec<String> = encoder.column_names().map(|name| POSTGRES.quote(name)).collect();
    let sql = format!(
        "COPY {} ({}) FROM STDIN (FORMAT binary)",
        POSTGRES.qualify(dataset, table),
        columns.join(", ")
    );
    failpoint("postgres.copy_begin")?;
    let sink: CopyInSink<Bytes> = connection.client.copy_in(&sql).await.map_err(failed)?;
    let mut sink = std::pin::pin!(sink);
    let (pieces, mut inbox) = mpsc::channel(WAITING_PIECES);
    let place = path.to_owned();
    let encoding = run_blocking(move || encode(reader, &encoder, &place, &pieces));
    let mut open_sink = sink.as_mut();
    // A refusal ends the sending, and without a receiver the thread stops.
    let sending = async move {
        while let Some(piece) = inbox.recv().await {
            open_sink.feed(piece).await?;
        }
        Ok::<_, tokio_postgres::Error>(())
    };
    let (encoded, sent) = tokio::join!(encoding, sending);
    if let Err(cause) = sent {
        // What the server has to say about it comes with the end of the statement.
        let cause = sink.finish().await.err().unwrap_or(cause);
        return Err(failed(cause));
    }
    // Dropping the sink without an end makes the server forget the rows.
    encoded?;
    failpoint("postgres.copy_end")?;
    sink.finish().await.map_err(failed)
}

fn encode(
    reader: ParquetRecordBatchReader,
    encoder: &Encoder,
    path: &Path,
    pieces: &mpsc::Sender<Bytes>,
) -> Result<()> {
    let mut piece = HEADER.to_vec();
    for batch in reader {
        failpoint("postgres.copy_batch")?;
        let batch = batch.map_err(|cause| damaged(path, cause))?;
        let rows = encoder.rows(&batch)?;
        for row in 0..batch.num_rows() {
            rows.put(row, &mut piece)?;
            if piece.len() >= PIECE_BYTES {
                let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES + 4096));
                if pieces.blocking_send(full.into()).is_err() {
                    return Ok(());
                }
            }
        }
    }
    piece.extend_from_slice(TRAILER);
    // Nobody receives any more if the server refused the rows, and that is the error that counts.
    drop(pieces.blocking_send(piece.into()));
    Ok(())
}
