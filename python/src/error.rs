//! Errors of the engine as an exception of Python, and exceptions of user code on their way through the engine.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{create_exception, intern};
use windlass::core::Error;

create_exception!(
    _windlass,
    EngineError,
    PyException,
    "An error of the engine; the package turns it into dlt's."
);

/// The exception for an error of the engine, with kind, hint and place as attributes.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let raised = EngineError::new_err(error.chain());
    let value = raised.value(py);
    let at = error.place();
    let place = PyDict::new(py);
    let named = [
        ("source", &at.source),
        ("resource", &at.resource),
        ("table", &at.table),
        ("column", &at.column),
        ("file", &at.file),
    ];
    let filled = named
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
        .try_for_each(|(name, value)| place.set_item(*name, value))
        .and_then(|()| at.row.map_or(Ok(()), |row| place.set_item("row", row)))
        .and_then(|()| at.line.map_or(Ok(()), |line| place.set_item("line", line)))
        .and_then(|()| value.setattr(intern!(py, "kind"), error.kind().as_str()))
        .and_then(|()| value.setattr(intern!(py, "message"), error.message()))
        .and_then(|()| value.setattr(intern!(py, "hint"), error.hint()))
        .and_then(|()| value.setattr(intern!(py, "is_retryable"), error.is_retryable()))
        .and_then(|()| value.setattr(intern!(py, "at"), place));
    match filled {
        Ok(()) => raised,
        Err(other) => other,
    }
}

/// An error of the engine as a Python exception.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for windlass::core::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, &error))
    }
}
