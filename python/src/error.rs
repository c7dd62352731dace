//! Errors of the engine as an exception of Python, and exceptions of user code on their way through the engine.

use pyo3::exceptions::{PyBaseException, PyException};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{create_exception, intern};
use serde_json::Value;
use windlass::core::masking::masked;
use windlass::core::{Code, Error};

use crate::typed::plain;

create_exception!(
    _windlass,
    EngineError,
    PyException,
    "An error of the engine; the package turns it into dlt's."
);

/// The exception for an error of the engine, with kind, code, detail, hint and place as attributes.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let raised = EngineError::new_err(error.chain());
    match fill(raised.value(py), error) {
        Ok(()) => raised,
        Err(other) => other,
    }
}

fn fill(value: &Bound<'_, PyBaseException>, error: &Error) -> PyResult<()> {
    let py = value.py();
    value.setattr(intern!(py, "kind"), error.kind().as_str())?;
    value.setattr(intern!(py, "code"), error.code().as_str())?;
    value.setattr(intern!(py, "detail"), plain(py, &Value::Object(error.detail()))?)?;
    value.setattr(intern!(py, "message"), error.message())?;
    value.setattr(intern!(py, "hint"), error.hint())?;
    value.setattr(intern!(py, "is_retryable"), error.is_retryable())?;
    value.setattr(intern!(py, "at"), place(py, error)?)
}

/// The known parts of the place, by name.
fn place<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyDict>> {
    let at = error.place();
    let place = PyDict::new(py);
    let named = [
        ("source", &at.source),
        ("resource", &at.resource),
        ("table", &at.table),
        ("column", &at.column),
        ("file", &at.file),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            place.set_item(name, masked(value))?;
        }
    }
    for (name, value) in [("row", at.row), ("line", at.line)] {
        if let Some(value) = value {
            place.set_item(name, value)?;
        }
    }
    Ok(place)
}

/// The codes that errors of the engine can have, each with its kind.
#[pyfunction]
pub(crate) fn error_codes() -> Vec<(&'static str, &'static str)> {
    Code::ALL.iter().map(|code| (code.as_str(), code.kind().as_str())).collect()
}

/// An error as a Python exception.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for windlass::core::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, &error))
    }
}
