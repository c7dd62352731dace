//! The rows of a query as DuckDB computes them: on a thread of their own, at the pace of the reader.

use ::duckdb::{Connection, Statement};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::coalesce::BatchCoalescer;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use windlass_core::{Error, Result};

use super::connection::database_error;
use crate::interrupted::failure_behind;
use crate::rows::{Reading, RowSender, RowStream, row_stream};

/// Bytes of a batch. DuckDB gives 2048 rows at a time, too few for what comes after.
const BATCH_BYTES: usize = 4 << 20;

/// Rows of a batch, at least and at most.
const BATCH_ROWS: (usize, usize) = (2048, 64 << 10);

/// Runs a query on a connection of its own, which is closed with the last row or when nobody reads any more.
pub(in crate::destinations) async fn stream(
    sql: String,
    location: String,
    reading: Option<Reading>,
    open: impl FnOnce() -> Result<Connection> + Send + 'static,
) -> Result<RowStream> {
    let (answer, answered) = oneshot::channel();
    let runtime = Handle::current();
    let work = move || {
        match open() {
            Ok(connection) => run(&connection, &sql, &location, answer, &runtime, reading.clone()),
            Err(error) => drop(answer.send(Err(error))),
        }
        // Only now may the file be written.
        drop(reading);
    };
    std::thread::Builder::new()
        .name("windlass-rows".to_owned())
        .spawn(work)
        .map_err(|cause| Error::internal("no thread for a query can be started").with_source(cause))?;
    answered.await.map_err(|_| Error::internal("the thread of a query broke down"))?
}

fn run(
    connection: &Connection,
    sql: &str,
    location: &str,
    answer: oneshot::Sender<Result<RowStream>>,
    runtime: &Handle,
    reading: Option<Reading>,
) {
    let begun = connection.prepare(sql).and_then(|mut statement| {
        let schema = statement.stream_arrow([])?.get_schema();
        Ok((statement, schema))
    });
    let (statement, schema) = match begun {
        Ok(begun) => begun,
        Err(cause) => return drop(answer.send(Err(database_error("query", location, cause)))),
    };
    let (sender, stream) = row_stream(SchemaRef::clone(&schema), reading);
    if answer.send(Ok(stream)).is_err() {
        return;
    }
    let mut delivery = Delivery { sender, runtime };
    let failed = |cause| database_error("query", location, failure_behind(connection, sql, cause));
    if let Err(error) = deliver_all(&statement, schema, failed, &mut delivery) {
        delivery.deliver(Err(error));
    }
}

fn deliver_all(
    statement: &Statement<'_>,
    schema: SchemaRef,
    query_failed: impl Fn(::duckdb::Error) -> Error,
    delivery: &mut Delivery<'_>,
) -> Result<()> {
    let failed = |cause| Error::internal("batches of DuckDB cannot be joined").with_source(cause);
    let mut gathered: Option<BatchCoalescer> = None;
    while let Some(rows) = statement.step().map_err(&query_failed)? {
        let batch = RecordBatch::from(&rows);
        let gathered = gathered
            .get_or_insert_with(|| BatchCoalescer::new(SchemaRef::clone(&schema), batch_rows(&batch)));
        gathered.push_batch(batch).map_err(failed)?;
        while let Some(batch) = gathered.next_completed_batch() {
            if !delivery.deliver(Ok(batch)) {
                return Ok(());
            }
        }
    }
    if let Some(mut gathered) = gathered {
        gathered.finish_buffered_batch().map_err(failed)?;
        while let Some(batch) = gathered.next_completed_batch() {
            delivery.deliver(Ok(batch));
        }
    }
    Ok(())
}

/// Rows of a batch of about [`BATCH_BYTES`], if the others are as wide as these.
fn batch_rows(batch: &RecordBatch) -> usize {
    let width = batch.get_array_memory_size() / batch.num_rows().max(1);
    (BATCH_BYTES / width.max(1)).clamp(BATCH_ROWS.0, BATCH_ROWS.1)
}

/// Hands batches to the reader from a thread that may block.
struct Delivery<'a> {
    sender: RowSender,
    runtime: &'a Handle,
}

impl Delivery<'_> {
    /// False if nobody reads any more.
    fn deliver(&mut self, batch: Result<RecordBatch>) -> bool {
        self.runtime.block_on(self.sender.send(batch))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rows::ask_to_end;

    async fn counted(rows: &mut RowStream) -> usize {
        let mut count = 0;
        while let Some(batch) = rows.next().await.unwrap() {
            count += batch.num_rows();
        }
        count
    }

    async fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn numbers(sql: &str, reading: Option<Reading>) -> Result<RowStream> {
        stream(sql.to_owned(), "memory".to_owned(), reading, || Ok(Connection::open_in_memory().unwrap()))
            .await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_come_in_batches_of_their_width() {
        let mut rows = numbers("SELECT range AS n FROM range(200000)", None).await.unwrap();
        assert_eq!(rows.schema().field(0).name(), "n");
        assert_eq!(rows.next().await.unwrap().unwrap().num_rows(), BATCH_ROWS.1);
        assert_eq!(counted(&mut rows).await, 200_000 - BATCH_ROWS.1);
        let mut wide = numbers("SELECT repeat('x', 10000) AS t FROM range(5000)", None).await.unwrap();
        assert_eq!(wide.next().await.unwrap().unwrap().num_rows(), BATCH_ROWS.0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_query_that_fails_says_so_at_once_or_on_its_way() {
        assert!(numbers("SELECT nope", None).await.is_err());
        // One of DuckDB's threads fails and the others are interrupted, whoever comes first.
        let sql = "SELECT CASE WHEN range = 299999 THEN error('late') ELSE range END FROM range(300000)";
        for _ in 0..20 {
            let threads = || {
                let connection = Connection::open_in_memory().unwrap();
                connection.execute_batch("SET threads = 4").unwrap();
                Ok(connection)
            };
            let mut rows = stream(sql.to_owned(), "memory".to_owned(), None, threads).await.unwrap();
            let error = loop {
                match rows.next().await {
                    Ok(batch) => assert!(batch.is_some(), "the rows end without an error"),
                    Err(error) => break error,
                }
            };
            assert!(error.chain().contains("late"), "{}", error.chain());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_wants_to_write_waits_until_the_rest_is_in_memory() {
        let reading = Reading::note("streamed.duckdb");
        let mut rows = numbers("SELECT range AS n FROM range(2000000)", Some(reading)).await.unwrap();
        let first = rows.next().await.unwrap().unwrap().num_rows();
        let asked = ask_to_end("streamed.duckdb");
        until(|| !asked.is_read()).await;
        assert_eq!(first + counted(&mut rows).await, 2_000_000);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stream_that_nobody_reads_ends() {
        let reading = Reading::note("abandoned.duckdb");
        drop(numbers("SELECT range AS n FROM range(2000000)", Some(reading)).await.unwrap());
        let asked = ask_to_end("abandoned.duckdb");
        until(|| !asked.is_read()).await;
    }
}
