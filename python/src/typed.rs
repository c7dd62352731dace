//! Typed JSON and Python values: the form of states and hints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use serde_json::Value;
use windlass::core::value::{Tag, strip_tag};

/// The Python value of a JSON text whose strings may be typed.
pub(crate) fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let value: Value = serde_json::from_str(text)
        .map_err(|cause| PyValueError::new_err(format!("this is not JSON: {cause}")))?;
    object(py, &value)
}

/// The Python value of a JSON value whose strings may be typed.
pub(crate) fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    built(py, value, typed)
}

/// The Python value of a JSON value whose strings are only strings.
pub(crate) fn plain<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    built(py, value, |py, text| text.into_bound_py_any(py))
}

/// What a string becomes.
type OfText = for<'py> fn(Python<'py>, &str) -> PyResult<Bound<'py, PyAny>>;

fn built<'py>(py: Python<'py>, value: &Value, of_text: OfText) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(flag) => flag.into_bound_py_any(py),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => number.into_bound_py_any(py),
            (_, Some(number), _) => number.into_bound_py_any(py),
            (_, _, number) => number.unwrap_or(f64::NAN).into_bound_py_any(py),
        },
        Value::String(text) => of_text(py, text),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(built(py, item, of_text)?)?;
            }
            Ok(list.into_any())
        }
        Value::Object(map) => {
            let dict = PyDict::new(py);
            for (key, value) in map {
                dict.set_item(key, built(py, value, of_text)?)?;
            }
            Ok(dict.into_any())
        }
    }
}

/// The value of a string; one whose body does not decode stays as it is.
fn typed<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let plain = || text.into_bound_py_any(py);
    let Some((tag, body)) = strip_tag(text) else { return plain() };
    let decoded = match tag {
        Tag::ColumnDecimal => {
            let number = body.split_once(';').map_or(body, |(_, number)| number);
            py.import("decimal")?.getattr("Decimal")?.call1((number,))
        }
        Tag::Decimal | Tag::Wei => py.import("decimal")?.getattr("Decimal")?.call1((body,)),
        // Python has no years but those of four digits.
        Tag::Timestamp | Tag::Date if body.starts_with(['+', '-']) => return body.into_bound_py_any(py),
        Tag::Timestamp => iso(py, "datetime", body),
        Tag::Date => iso(py, "date", body),
        Tag::Time => iso(py, "time", body),
        Tag::Uuid => py.import("uuid")?.getattr("UUID")?.call1((body,)),
        Tag::Text => return body.into_bound_py_any(py),
        Tag::Bytes => match STANDARD.decode(body) {
            Ok(bytes) => return Ok(PyBytes::new(py, &bytes).into_any()),
            Err(_) => return plain(),
        },
        Tag::HexBytes => {
            py.get_type::<PyBytes>().call_method1("fromhex", (body.strip_prefix("0x").unwrap_or(body),))
        }
        Tag::Number if body.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
            py.import("builtins")?.getattr("int")?.call1((body,))
        }
        Tag::Number => py.import("builtins")?.getattr("float")?.call1((body,)),
    };
    decoded.or_else(|_| plain())
}

/// A value of the module `datetime` from its ISO form.
fn iso<'py>(py: Python<'py>, class: &str, body: &str) -> PyResult<Bound<'py, PyAny>> {
    // Before 3.11 a `Z` was not understood.
    let body = body.strip_suffix('Z').map_or_else(|| body.to_owned(), |local| format!("{local}+00:00"));
    py.import("datetime")?.getattr(class)?.call_method1("fromisoformat", (body,))
}
