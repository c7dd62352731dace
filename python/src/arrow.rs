//! Arrow data in and out, by the PyCapsule interface: buffers are shared, not copied.

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;
use pyo3_arrow::input::AnyRecordBatch;
use std::sync::Arc;

/// Whether an object hands out Arrow record batches.
pub(crate) fn is_arrow(item: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = item.py();
    if is_of_polars(item) && item.get_type().name()? == "LazyFrame" {
        return Ok(true);
    }
    Ok(item.hasattr(intern!(py, "__arrow_c_stream__"))? || item.hasattr(intern!(py, "__arrow_c_array__"))?)
}

/// The record batches of an Arrow table, batch, reader or frame, one after the other.
pub(crate) struct Batches {
    reader: Box<dyn RecordBatchReader + Send>,
    has_begun: bool,
}

impl Batches {
    /// Reads what an object hands out. Errors: it hands out no columns.
    pub(crate) fn new(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { reader: reader(item)?, has_begun: false })
    }

    /// The next one; without any, one without rows, whose columns are known.
    pub(crate) fn next(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        // Whoever makes the batches may need the GIL on a thread of its own.
        let next = py.detach(|| self.reader.next());
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        match next {
            None if is_first => Ok(Some(RecordBatch::new_empty(self.reader.schema()))),
            next => next.transpose().map_err(|cause| unreadable(&cause)),
        }
    }
}

fn unreadable(cause: &ArrowError) -> PyErr {
    PyTypeError::new_err(format!("the Arrow columns cannot be read: {cause}"))
}

/// All record batches of an Arrow table, batch, reader or frame.
pub(crate) fn batches(item: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    let mut batches = Batches::new(item)?;
    std::iter::from_fn(|| batches.next(item.py()).transpose()).collect()
}

fn is_of_polars(item: &Bound<'_, PyAny>) -> bool {
    item.get_type().module().is_ok_and(|module| module.to_string().starts_with("polars."))
}

fn reader(item: &Bound<'_, PyAny>) -> PyResult<Box<dyn RecordBatchReader + Send>> {
    let py = item.py();
    let readable;
    let item = if is_of_polars(item) {
        readable = py
            .import(intern!(py, "windlass.extract.frames"))?
            .call_method1(intern!(py, "readable"), (item,))?;
        &readable
    } else {
        item
    };
    let found: AnyRecordBatch = item.extract().map_err(|cause: PyErr| {
        PyTypeError::new_err(format!(
            "an object of type `{}` gives no Arrow columns: {}",
            item.get_type().name().map(|name| name.to_string()).unwrap_or_default(),
            cause.value(item.py())
        ))
    })?;
    found.into_reader()
}

/// Record batches as a table for Python, with `__arrow_c_stream__`.
pub(crate) fn table(batches: Vec<RecordBatch>) -> PyResult<PyTable> {
    let schema: SchemaRef = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    PyTable::try_new(batches, schema)
}
