//! The cursor of an incremental resource, for resources whose records pass through Python.

use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3_arrow::PyTable;
use serde_json::Value;
use windlass::core::hints::OneOrMany;
use windlass::core::incremental::{Filter, IncrementalOptions, Reading, Tally, TextOrder, take_rows};
use windlass::core::json::ParseBuffers;
use windlass::core::{Code, Error, Result};

use crate::arrow::{batches, table};
use crate::error::OrRaise as _;
use crate::write::write_line;

/// Rows that are written already: lines of typed JSON.
#[pyclass(frozen, module = "windlass._windlass")]
pub(crate) struct Rows {
    pub(crate) lines: Vec<u8>,
    pub(crate) count: u64,
}

#[pymethods]
impl Rows {
    fn __len__(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// As tables of columns have it.
    #[getter]
    fn num_rows(&self) -> u64 {
        self.count
    }
}

/// Which records belong to this run, and where the next one starts.
#[pyclass(frozen, module = "windlass._windlass")]
pub(crate) struct Cursor {
    inner: Mutex<Inner>,
}

struct Inner {
    filter: Filter,
    tally: Tally,
    pages: u64,
    lines: Vec<u8>,
    buffers: ParseBuffers,
}

#[pymethods]
impl Cursor {
    /// `options`, the resource's primary key and the stored entry are JSON. `declared_type`: the type that
    /// the column is declared to have, which says how texts are compared.
    #[new]
    fn new(
        py: Python<'_>,
        options: &str,
        primary_key: Option<&str>,
        entry: Option<&str>,
        declared_type: Option<&str>,
    ) -> PyResult<Self> {
        let filter = filter(options, primary_key, entry).or_raise(py)?;
        let filter = filter.of_texts(TextOrder::of_type(declared_type));
        let inner = Inner {
            tally: filter.tally(),
            filter,
            pages: 0,
            lines: Vec::new(),
            buffers: ParseBuffers::new(),
        };
        Ok(Self { inner: Mutex::new(inner) })
    }

    /// The records of a page that are to be loaded, the very list if all are, and whether no later page can have one.
    fn rows<'py>(&self, page: &Bound<'py, PyList>) -> PyResult<(Bound<'py, PyList>, bool)> {
        let py = page.py();
        let mut inner = self.lock();
        let Inner { filter, tally, pages, lines, buffers } = &mut *inner;
        lines.clear();
        for row in page.iter() {
            write_line(&row, lines).map_err(|refused| refused.into_exception(py))?;
        }
        let reading = Reading { page: *pages, most: None, in_order: filter.options().can_stop_early() };
        *pages += 1;
        let parsed = buffers.parse_typed_lines(lines).or_raise(py)?;
        let judged = filter.records(&parsed.tape, &parsed.rows, reading, tally).or_raise(py)?;
        let memory = parsed.into_memory();
        buffers.restore(memory);
        if judged.kept.len() == page.len() {
            return Ok((page.clone(), judged.is_past));
        }
        let kept = PyList::empty(py);
        for index in judged.kept {
            kept.append(page.get_item(index as usize)?)?;
        }
        Ok((kept, judged.is_past))
    }

    /// The same for rows that are written already.
    fn lines(&self, py: Python<'_>, page: &Bound<'_, Rows>) -> PyResult<(Rows, bool)> {
        let mut inner = self.lock();
        let Inner { filter, tally, pages, lines, buffers } = &mut *inner;
        let written = &page.get().lines;
        // Parsing changes the text that it reads.
        lines.clear();
        lines.extend_from_slice(written);
        let reading = Reading { page: *pages, most: None, in_order: filter.options().can_stop_early() };
        *pages += 1;
        let parsed = buffers.parse_typed_lines(lines).or_raise(py)?;
        let judged = filter.records(&parsed.tape, &parsed.rows, reading, tally).or_raise(py)?;
        let memory = parsed.into_memory();
        buffers.restore(memory);
        let all: Vec<&[u8]> = written.split_inclusive(|byte| *byte == b'\n').collect();
        let kept: Vec<&[u8]> =
            judged.kept.iter().filter_map(|&index| all.get(index as usize).copied()).collect();
        Ok((Rows { count: kept.len() as u64, lines: kept.concat() }, judged.is_past))
    }

    /// The same for columns.
    fn columns(&self, py: Python<'_>, page: &Bound<'_, PyAny>) -> PyResult<(PyTable, bool)> {
        let mut inner = self.lock();
        let Inner { filter, tally, pages, .. } = &mut *inner;
        let mut kept: Vec<RecordBatch> = Vec::new();
        let mut is_past = false;
        for batch in batches(page)? {
            let reading = Reading { page: *pages, most: None, in_order: filter.options().can_stop_early() };
            *pages += 1;
            let judged = filter.batch(&batch, reading, tally).or_raise(py)?;
            is_past |= judged.is_past;
            kept.push(if judged.kept.len() == batch.num_rows() {
                batch
            } else {
                take_rows(&batch, &judged.kept).or_raise(py)?
            });
        }
        Ok((table(kept)?, is_past))
    }

    /// The entry of the state after what was read so far, as JSON; `None` if nothing is stored.
    fn entry(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let inner = self.lock();
        Ok(inner.filter.finish(&inner.tally).or_raise(py)?.map(|entry| entry.to_string()))
    }

    /// Where this run started, its lag applied, as JSON.
    fn start_value(&self) -> Option<String> {
        self.lock().filter.start_value().map(|value| value.to_string())
    }

    /// The furthest value so far, as JSON.
    fn last_value(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let inner = self.lock();
        Ok(inner.filter.last_value(&inner.tally).or_raise(py)?.map(|value| value.to_string()))
    }

    /// Records that were kept so far.
    #[getter]
    fn kept(&self) -> u64 {
        self.lock().tally.kept()
    }

    /// Records that share the last value and are told apart by their digests.
    #[getter]
    fn boundary_records(&self) -> usize {
        self.lock().tally.boundary_records()
    }
}

impl Cursor {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn filter(options: &str, primary_key: Option<&str>, entry: Option<&str>) -> Result<Filter> {
    let wrong = |cause| {
        Error::of(Code::InvalidCursorOptions, "the cursor has an option that cannot be").with_source(cause)
    };
    let options: IncrementalOptions = serde_json::from_str(options).map_err(wrong)?;
    let key: Option<OneOrMany> = primary_key.map(serde_json::from_str).transpose().map_err(wrong)?;
    let entry: Option<Value> = entry.map(serde_json::from_str).transpose().map_err(wrong)?;
    Filter::new(&options, key.as_ref(), entry.as_ref())
}
