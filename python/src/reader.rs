//! The rows of a query, taken a piece at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3_arrow::PyTable;
use windlass::core::{Error, Result};
use windlass::extract::Cancel;
use windlass::rows::RowStream;

use crate::read::rows;
use crate::runtime::serve;

/// How often one who waits for rows looks for Ctrl-C.
const POLL: Duration = Duration::from_millis(50);

/// The rows of a query that were not taken yet.
#[pyclass(frozen, module = "windlass._windlass")]
pub(crate) struct Reader {
    schema: SchemaRef,
    inner: Mutex<Inner>,
}

struct Inner {
    /// `None` at the end, and while a thread waits for the next rows.
    stream: Option<RowStream>,
    is_waiting: bool,
    is_started: bool,
    ready: VecDeque<RecordBatch>,
}

impl Reader {
    pub(crate) fn new(stream: RowStream) -> Self {
        let schema = stream.schema();
        let ready = VecDeque::new();
        let inner = Inner { stream: Some(stream), is_waiting: false, is_started: false, ready };
        Self { schema, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next rows as slices of batches: at most `count`, all that are left if there is none.
    fn take(&self, py: Python<'_>, count: Option<usize>) -> PyResult<Vec<RecordBatch>> {
        let mut missing = count.unwrap_or(usize::MAX);
        let mut taken = Vec::new();
        self.lock().is_started = true;
        while missing > 0 {
            let Some(batch) = self.next(py)? else { break };
            let rows = batch.num_rows().min(missing);
            if rows < batch.num_rows() {
                self.lock().ready.push_front(batch.slice(rows, batch.num_rows() - rows));
            }
            missing -= rows;
            taken.push(batch.slice(0, rows));
        }
        Ok(taken)
    }

    /// The next batch; nobody waits for it with the lock or the GIL in hand.
    fn next(&self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        let mut inner = self.lock();
        if let Some(batch) = inner.ready.pop_front() {
            return Ok(Some(batch));
        }
        if inner.is_waiting {
            return Err(PyRuntimeError::new_err("another thread reads from this cursor: give each its own"));
        }
        let Some(mut stream) = inner.stream.take() else { return Ok(None) };
        inner.is_waiting = true;
        drop(inner);
        let cancel = Cancel::default();
        let stop = cancel.clone();
        let next = serve(py, &cancel, |_| async move {
            let next = until_cancelled(stream.next(), &stop).await?;
            Ok((stream, next))
        });
        let mut inner = self.lock();
        inner.is_waiting = false;
        let (stream, next) = next?;
        inner.stream = next.is_some().then_some(stream);
        Ok(next)
    }
}

#[pymethods]
impl Reader {
    /// The names of the columns.
    fn columns(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Whether rows were asked for.
    #[getter]
    fn is_started(&self) -> bool {
        self.lock().is_started
    }

    /// The next rows as tuples: at most `count`, all that are left without.
    #[pyo3(signature = (count=None))]
    fn fetch<'py>(&self, py: Python<'py>, count: Option<usize>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let mut missing = count;
        // Each batch is let go before the next one comes.
        while missing != Some(0) {
            let piece = self.take(py, Some(missing.unwrap_or(usize::MAX).min(PIECE_ROWS)))?;
            let read: usize = piece.iter().map(RecordBatch::num_rows).sum();
            if read == 0 {
                break;
            }
            list.call_method1("extend", (rows(py, &piece)?,))?;
            missing = missing.map(|missing| missing - read);
        }
        Ok(list)
    }

    /// The next rows as columns, an object with `__arrow_c_stream__`; without rows at the end.
    #[pyo3(signature = (count=None))]
    fn table(&self, py: Python<'_>, count: Option<usize>) -> PyResult<PyTable> {
        let mut batches = self.take(py, count)?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let schema = batches.first().map_or_else(|| Arc::clone(&self.schema), RecordBatch::schema);
        PyTable::try_new(batches, schema)
    }

    /// Gives the rest up.
    fn close(&self) {
        let mut inner = self.lock();
        inner.ready.clear();
        inner.stream = None;
    }
}

/// Rows that are made into tuples at once.
const PIECE_ROWS: usize = 64 << 10;

/// Errors: a stop was asked for.
pub(crate) async fn until_cancelled<T>(work: impl Future<Output = Result<T>>, stop: &Cancel) -> Result<T> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(POLL) => if stop.is_cancelled() {
                return Err(Error::cancelled());
            },
        }
    }
}
