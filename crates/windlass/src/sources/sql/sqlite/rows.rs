//! The rows of a running query: read in a thread, handed over in batches.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use async_trait::async_trait;
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::{mpsc, oneshot};
use windlass_core::{Error, Result};

use super::super::catalog::ColumnShape;
use super::super::database::{BATCH_BYTES, Rows};
use super::Batch;
use super::columns::Column;
use super::connection::{Place, problem};

/// The receiving end of the thread that reads.
pub(super) struct SqliteRows {
    batches: mpsc::Receiver<Batch>,
    notices: Arc<Mutex<Vec<String>>>,
    interrupt: InterruptHandle,
}

impl SqliteRows {
    /// Starts the thread. Errors: the file, the query.
    pub(super) async fn start(
        place: Place,
        query: &str,
        columns: &[ColumnShape],
        chunk_rows: usize,
    ) -> Result<Self> {
        let (sender, batches) = mpsc::channel(1);
        let (started, start) = oneshot::channel();
        let notices: Arc<Mutex<Vec<String>>> = Arc::default();
        let reading = Reading {
            place,
            query: query.to_owned(),
            columns: columns.to_vec(),
            chunk_rows: chunk_rows.max(1),
            notices: Arc::clone(&notices),
        };
        std::thread::Builder::new()
            .name("windlass-sqlite".to_owned())
            .spawn(move || reading.run(started, &sender))
            .map_err(|cause| Error::internal("a thread cannot be started").with_source(cause))?;
        let interrupt = start
            .await
            .map_err(|cause| Error::internal("a thread of SQLite broke down").with_source(cause))??;
        Ok(Self { batches, notices, interrupt })
    }
}

impl Drop for SqliteRows {
    fn drop(&mut self) {
        // A query that sorts a large table would go on for nothing.
        self.interrupt.interrupt();
    }
}

#[async_trait]
impl Rows for SqliteRows {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.batches.recv().await.transpose()
    }

    fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the thread does.
struct Reading {
    place: Place,
    query: String,
    columns: Vec<ColumnShape>,
    chunk_rows: usize,
    notices: Arc<Mutex<Vec<String>>>,
}

impl Reading {
    fn run(&self, started: oneshot::Sender<Result<InterruptHandle>>, batches: &mpsc::Sender<Batch>) {
        // Nobody waits any more where sending fails.
        let connection = match self.place.connect() {
            Ok(connection) => connection,
            Err(error) => return drop(started.send(Err(error))),
        };
        let handle = connection.get_interrupt_handle();
        let mut started = Some((started, handle));
        if let Err(error) = self.read(&connection, batches, &mut started) {
            match started {
                Some((started, _)) => drop(started.send(Err(error))),
                None => drop(batches.blocking_send(Err(error))),
            }
        }
    }

    fn read(
        &self,
        connection: &Connection,
        batches: &mpsc::Sender<Batch>,
        started: &mut Option<(oneshot::Sender<Result<InterruptHandle>>, InterruptHandle)>,
    ) -> Result<()> {
        let failed = |cause| problem("read rows of", &self.place.location, cause);
        let mut statement = connection.prepare(&self.query).map_err(failed)?;
        let width = statement.column_count();
        if width != self.columns.len() {
            return Err(Error::source_failed(format!(
                "the query gives {width} columns instead of {}: the table was changed meanwhile",
                self.columns.len()
            ))
            .with_hint("run again"));
        }
        let mut columns = self.columns.iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| Field::new(&column.name, column.sql_type.arrow_type(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let mut rows = statement.query([]).map_err(failed)?;
        if let Some((started, handle)) = started.take()
            && started.send(Ok(handle)).is_err()
        {
            return Ok(());
        }
        let (mut in_batch, mut bytes, mut row_number) = (0, 0, 0);
        while let Some(row) = rows.next().map_err(failed)? {
            for (index, column) in columns.iter_mut().enumerate() {
                bytes += column.append(row.get_ref(index).map_err(failed)?, row_number)?;
            }
            row_number += 1;
            in_batch += 1;
            if in_batch == self.chunk_rows || bytes >= BATCH_BYTES {
                if batches.blocking_send(finish(&mut columns, &schema, in_batch)).is_err() {
                    return Ok(());
                }
                (in_batch, bytes) = (0, 0);
            }
        }
        let notices = columns.iter().filter_map(Column::notice);
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).extend(notices);
        if in_batch > 0 {
            drop(batches.blocking_send(finish(&mut columns, &schema, in_batch)));
        }
        Ok(())
    }
}

fn finish(columns: &mut [Column], schema: &Arc<Schema>, rows: usize) -> Batch {
    let arrays: Vec<ArrayRef> = columns.iter_mut().map(Column::finish).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
        .map_err(|cause| Error::internal("rows of SQLite make no batch").with_source(cause))
}
