//! Arrow data in and out, by the PyCapsule interface: buffers are shared, not copied.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;
use pyo3_arrow::input::AnyRecordBatch;
use std::sync::Arc;

/// Whether an object hands out Arrow record batches.
pub(crate) fn is_arrow(item: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = item.py();
    Ok(item.hasattr(intern!(py, "__arrow_c_stream__"))? || item.hasattr(intern!(py, "__arrow_c_array__"))?)
}

/// The record batches of an Arrow table, batch, reader or frame.
pub(crate) fn batches(item: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    let found: AnyRecordBatch = item.extract().map_err(|cause: PyErr| {
        PyTypeError::new_err(format!(
            "an object of type `{}` gives no Arrow columns: {}",
            item.get_type().name().map(|name| name.to_string()).unwrap_or_default(),
            cause.value(item.py())
        ))
    })?;
    let reader = found.into_reader()?;
    let schema = reader.schema();
    let read: Result<Vec<RecordBatch>, _> = reader.collect();
    let mut batches =
        read.map_err(|cause| PyTypeError::new_err(format!("the Arrow columns cannot be read: {cause}")))?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// Record batches as a table for Python, with `__arrow_c_stream__`.
pub(crate) fn table(batches: Vec<RecordBatch>) -> PyResult<PyTable> {
    let schema: SchemaRef = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    PyTable::try_new(batches, schema)
}
