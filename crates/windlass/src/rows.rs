//! The rows of a query, batch by batch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use tokio::sync::mpsc;
use windlass_core::Result;

/// Batches that lie ready while the reader is busy with one.
const READY_BATCHES: usize = 2;

/// Batches that were read before anybody asked for them.
type Kept = Arc<Mutex<VecDeque<Result<RecordBatch>>>>;

/// The rows of a query. Whoever drops it gives the rest up.
#[derive(Debug)]
pub struct RowStream {
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch>>,
    kept: Kept,
}

/// The other end: where the rows come from.
#[derive(Debug)]
pub(crate) struct RowSender {
    batches: mpsc::Sender<Result<RecordBatch>>,
    kept: Kept,
}

/// Both ends of a stream.
pub(crate) fn row_stream(schema: SchemaRef) -> (RowSender, RowStream) {
    let (sender, receiver) = mpsc::channel(READY_BATCHES);
    let kept = Kept::default();
    let stream = RowStream { schema, batches: receiver, kept: Arc::clone(&kept) };
    (RowSender { batches: sender, kept }, stream)
}

impl RowStream {
    /// Rows that are all there.
    pub fn of(batches: Vec<RecordBatch>) -> Self {
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let (sender, stream) = row_stream(schema);
        batches.into_iter().for_each(|batch| sender.keep(Ok(batch)));
        stream
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next rows; `None` at the end. Cancel-safe. Errors: a query that fails on its way; nothing comes after it.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let next = match self.batches.recv().await {
            Some(batch) => Some(batch),
            None => lock(&self.kept).pop_front(),
        };
        next.transpose()
    }
}

impl RowSender {
    /// Waits until the reader has room. False if nobody reads any more.
    #[cfg(any(feature = "postgres", test))]
    pub(crate) async fn send(&self, batch: Result<RecordBatch>) -> bool {
        self.batches.send(batch).await.is_ok()
    }

    /// Waits until the reader has room; `None` if nobody reads any more.
    #[cfg(feature = "duckdb")]
    pub(crate) async fn room(&self) -> Option<mpsc::Permit<'_, Result<RecordBatch>>> {
        self.batches.reserve().await.ok()
    }

    /// Whether somebody reads.
    #[cfg(feature = "duckdb")]
    pub(crate) fn is_read(&self) -> bool {
        !self.batches.is_closed()
    }

    /// Keeps a batch in memory for later; from then on everything is to be kept.
    pub(crate) fn keep(&self, batch: Result<RecordBatch>) {
        lock(&self.kept).push_back(batch);
    }
}

fn lock(kept: &Kept) -> MutexGuard<'_, VecDeque<Result<RecordBatch>>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;
    use windlass_core::Error;

    use super::*;

    fn batch(value: i64) -> RecordBatch {
        RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from(vec![value])) as _)]).unwrap()
    }

    #[tokio::test]
    async fn rows_that_are_there_come_in_order() {
        let mut rows = RowStream::of(vec![batch(1), batch(2)]);
        assert_eq!(rows.schema().field(0).name(), "a");
        assert_eq!(rows.next().await.unwrap(), Some(batch(1)));
        assert_eq!(rows.next().await.unwrap(), Some(batch(2)));
        assert_eq!(rows.next().await.unwrap(), None);
        assert_eq!(rows.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_kept_comes_after_what_was_sent() {
        let (sender, mut rows) = row_stream(batch(0).schema());
        assert!(sender.send(Ok(batch(1))).await);
        sender.keep(Ok(batch(2)));
        sender.keep(Err(Error::destination("the query failed")));
        drop(sender);
        assert_eq!(rows.next().await.unwrap(), Some(batch(1)));
        assert_eq!(rows.next().await.unwrap(), Some(batch(2)));
        assert!(rows.next().await.is_err());
        assert_eq!(rows.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_is_noticed() {
        let (sender, rows) = row_stream(batch(0).schema());
        drop(rows);
        assert!(!sender.send(Ok(batch(1))).await);
    }
}
