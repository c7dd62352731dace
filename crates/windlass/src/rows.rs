//! The rows of a query, batch by batch.
#![cfg_attr(
    not(any(feature = "duckdb", feature = "postgres")),
    allow(dead_code, unused_imports, reason = "other destinations give all rows at once")
)]

mod far;
mod reading;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use tokio::sync::mpsc;
use windlass_core::Result;

pub use self::far::{FarTime, far_time};
pub(crate) use self::reading::{Reading, ask_to_end};

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
    reading: Option<Reading>,
    /// Whether batches go into memory, because somebody wants to write what is read.
    is_keeping: bool,
}

/// Both ends of a stream that reads a place which others may want to write.
pub(crate) fn row_stream(schema: SchemaRef, reading: Option<Reading>) -> (RowSender, RowStream) {
    let (sender, receiver) = mpsc::channel(READY_BATCHES);
    let kept = Kept::default();
    let stream = RowStream { schema, batches: receiver, kept: Arc::clone(&kept) };
    (RowSender { batches: sender, kept, reading, is_keeping: false }, stream)
}

impl RowStream {
    /// Rows that are all there.
    pub fn of(batches: Vec<RecordBatch>) -> Self {
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let (sender, stream) = row_stream(schema, None);
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
    /// Hands a batch over as soon as the reader has room, or keeps it once the place is wanted. False if nobody reads
    /// any more.
    pub(crate) async fn send(&mut self, batch: Result<RecordBatch>) -> bool {
        if !self.is_keeping {
            let reading = self.reading.as_ref();
            let wanted = async move {
                match reading {
                    Some(reading) => reading.wanted().await,
                    None => std::future::pending().await,
                }
            };
            let room = tokio::select! {
                biased;
                room = self.batches.reserve() => Some(room),
                () = wanted => None,
            };
            match room {
                Some(Ok(room)) => {
                    room.send(batch);
                    return true;
                }
                Some(Err(_)) => return false,
                None => self.is_keeping = true,
            }
        }
        self.keep(batch);
        !self.batches.is_closed()
    }

    fn keep(&self, batch: Result<RecordBatch>) {
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
        let (mut sender, mut rows) = row_stream(batch(0).schema(), Some(Reading::note("kept")));
        assert!(sender.send(Ok(batch(1))).await && sender.send(Ok(batch(2))).await);
        // There is no room for more, and somebody waits for the place.
        let asked = ask_to_end("kept");
        assert!(sender.send(Ok(batch(3))).await);
        assert!(sender.send(Err(Error::destination("the query failed"))).await);
        drop(sender);
        assert!(!asked.is_read());
        for value in 1..=3 {
            assert_eq!(rows.next().await.unwrap(), Some(batch(value)));
        }
        assert!(rows.next().await.is_err());
        assert_eq!(rows.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_is_noticed() {
        let (mut sender, rows) = row_stream(batch(0).schema(), None);
        drop(rows);
        assert!(!sender.send(Ok(batch(1))).await);
    }
}
