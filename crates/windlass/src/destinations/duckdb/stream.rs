//! The rows of a query as DuckDB computes them: on a thread of their own, at the pace of the reader.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ::duckdb::{Connection, Statement};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::coalesce::BatchCoalescer;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use windlass_core::{Error, Result};

use super::connection::database_error;
use crate::extract::Cancel;
use crate::rows::{RowSender, RowStream, row_stream};

/// Bytes of a batch. DuckDB gives 2048 rows at a time, too few for what comes after.
const BATCH_BYTES: usize = 4 << 20;

/// Rows of a batch, at least and at most.
const BATCH_ROWS: (usize, usize) = (2048, 64 << 10);

/// How often one who waits for streams to end looks.
const POLL: Duration = Duration::from_millis(2);

/// Who reads a file asks this whether somebody wants to write it.
type Wanted = watch::Sender<bool>;

/// The streams of this process by the file they read.
static READ_FILES: Mutex<BTreeMap<PathBuf, Vec<Weak<Wanted>>>> = Mutex::new(BTreeMap::new());

/// A stream that reads a database file. One process must not read and write a file by two instances of DuckDB: whoever
/// writes overwrites what the other still refers to, and the locks of files do not keep a process from itself.
pub(in crate::destinations) struct ReadFile(Arc<Wanted>);

impl ReadFile {
    /// Notes that the file is read.
    pub(super) fn note(path: &Path) -> Self {
        let wanted = Arc::new(watch::Sender::new(false));
        let mut files = read_files();
        let streams = files.entry(path.to_owned()).or_default();
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&wanted));
        Self(wanted)
    }

    async fn wanted(&self) {
        // The sender is here, so that waiting cannot fail.
        drop(self.0.subscribe().wait_for(|is_wanted| *is_wanted).await);
    }
}

/// Waits until no stream of this process reads the file: they take what is left into memory.
pub(super) fn end_streams(path: &Path, cancel: &Cancel) -> Result<()> {
    let streams = read_files().remove(path).unwrap_or_default();
    for stream in &streams {
        if let Some(wanted) = stream.upgrade() {
            wanted.send_replace(true);
        }
    }
    while streams.iter().any(|stream| stream.strong_count() > 0) {
        cancel.check()?;
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn read_files() -> MutexGuard<'static, BTreeMap<PathBuf, Vec<Weak<Wanted>>>> {
    READ_FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a query on a connection of its own, which is closed with the last row or when nobody reads any more.
pub(in crate::destinations) async fn stream(
    sql: String,
    location: String,
    file: Option<ReadFile>,
    open: impl FnOnce() -> Result<Connection> + Send + 'static,
) -> Result<RowStream> {
    let (answer, answered) = oneshot::channel();
    let runtime = Handle::current();
    let work = move || {
        match open() {
            Ok(connection) => run(&connection, &sql, &location, answer, &runtime, file.as_ref()),
            Err(error) => drop(answer.send(Err(error))),
        }
        // Only now may the file be written.
        drop(file);
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
    file: Option<&ReadFile>,
) {
    let begun = connection.prepare(sql).and_then(|mut statement| {
        let schema = statement.stream_arrow([])?.get_schema();
        Ok((statement, schema))
    });
    let (statement, schema) = match begun {
        Ok(begun) => begun,
        Err(cause) => return drop(answer.send(Err(database_error("query", location, cause)))),
    };
    let (sender, stream) = row_stream(SchemaRef::clone(&schema));
    if answer.send(Ok(stream)).is_err() {
        return;
    }
    let mut delivery = Delivery { sender, runtime, file, is_kept: false };
    if let Err(error) = deliver_all(&statement, schema, location, &mut delivery) {
        delivery.deliver(Err(error));
    }
}

fn deliver_all(
    statement: &Statement<'_>,
    schema: SchemaRef,
    location: &str,
    delivery: &mut Delivery<'_>,
) -> Result<()> {
    let failed = |cause| Error::internal("batches of DuckDB cannot be joined").with_source(cause);
    let mut gathered: Option<BatchCoalescer> = None;
    while let Some(rows) = statement.step().map_err(|cause| database_error("query", location, cause))? {
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

/// Hands batches to the reader, or keeps them once somebody waits for the file.
struct Delivery<'a> {
    sender: RowSender,
    runtime: &'a Handle,
    file: Option<&'a ReadFile>,
    is_kept: bool,
}

impl Delivery<'_> {
    /// False if nobody reads any more.
    fn deliver(&mut self, batch: Result<RecordBatch>) -> bool {
        if !self.is_kept {
            let wanted = async {
                match self.file {
                    Some(file) => file.wanted().await,
                    None => std::future::pending().await,
                }
            };
            let room = self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    room = self.sender.room() => Some(room),
                    () = wanted => None,
                }
            });
            match room {
                Some(Some(room)) => {
                    room.send(batch);
                    return true;
                }
                Some(None) => return false,
                None => self.is_kept = true,
            }
        }
        self.sender.keep(batch);
        self.sender.is_read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn counted(rows: &mut RowStream) -> usize {
        let mut count = 0;
        while let Some(batch) = rows.next().await.unwrap() {
            count += batch.num_rows();
        }
        count
    }

    async fn numbers(sql: &str, file: Option<ReadFile>) -> Result<RowStream> {
        stream(sql.to_owned(), "memory".to_owned(), file, || Ok(Connection::open_in_memory().unwrap())).await
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
        let sql = "SELECT CASE WHEN range = 299999 THEN error('late') ELSE range END FROM range(300000)";
        let mut rows = numbers(sql, None).await.unwrap();
        let error = loop {
            match rows.next().await {
                Ok(batch) => assert!(batch.is_some(), "the rows end without an error"),
                Err(error) => break error,
            }
        };
        assert!(error.chain().contains("late"), "{}", error.chain());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_wants_to_write_waits_until_the_rest_is_in_memory() {
        let path = PathBuf::from("/nowhere/streamed.duckdb");
        let file = ReadFile::note(&path);
        let mut rows = numbers("SELECT range AS n FROM range(2000000)", Some(file)).await.unwrap();
        let first = rows.next().await.unwrap().unwrap().num_rows();
        let known = path.clone();
        tokio::task::spawn_blocking(move || end_streams(&known, &Cancel::default())).await.unwrap().unwrap();
        assert!(!read_files().contains_key(&path));
        assert_eq!(first + counted(&mut rows).await, 2_000_000);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stream_that_nobody_reads_ends() {
        let path = PathBuf::from("/nowhere/abandoned.duckdb");
        let file = ReadFile::note(&path);
        let wanted = Arc::downgrade(&file.0);
        drop(numbers("SELECT range AS n FROM range(2000000)", Some(file)).await.unwrap());
        while wanted.strong_count() > 0 {
            tokio::time::sleep(POLL).await;
        }
    }
}
