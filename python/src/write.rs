//! From Python values to lines of typed JSON: each row is walked once, under the GIL.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString, PyTime,
    PyTuple, PyType,
};
use pyo3::{Py, intern};
use windlass::core::value::{Tag, escape_text};

/// Levels below a row. What is deeper is most likely a circle.
const MAX_DEPTH: usize = 200;

/// What cannot be written, and where it is in the row.
pub(crate) struct Refused {
    /// From the innermost key outwards.
    path: Vec<String>,
    what: What,
}

enum What {
    Unsupported(String),
    TooDeep,
    Raised(PyErr),
}

impl From<PyErr> for Refused {
    fn from(cause: PyErr) -> Self {
        Self { path: Vec::new(), what: What::Raised(cause) }
    }
}

impl Refused {
    fn unsupported(what: impl Into<String>) -> Self {
        Self { path: Vec::new(), what: What::Unsupported(what.into()) }
    }

    fn under(mut self, key: impl Into<String>) -> Self {
        self.path.push(key.into());
        self
    }

    /// The exception, with the path of the value.
    pub(crate) fn into_exception(self, py: Python<'_>) -> PyErr {
        let mut place = String::new();
        for key in self.path.iter().rev() {
            if !key.starts_with('[') && !place.is_empty() {
                place.push('.');
            }
            place.push_str(key);
        }
        let place = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
        match self.what {
            What::Unsupported(what) => PyTypeError::new_err(format!(
                "a value{place} cannot be loaded: {what}; turn it into a number, text, date, list or dict with add_map"
            )),
            What::TooDeep => PyValueError::new_err(format!(
                "a value{} is nested in itself, or deeper than {MAX_DEPTH} levels",
                short(&place)
            )),
            What::Raised(cause) => {
                let kind = cause.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
                let raised = PyTypeError::new_err(format!(
                    "a value{place} cannot be read: {kind}: {}",
                    cause.value(py)
                ));
                raised.set_cause(py, Some(cause));
                raised
            }
        }
    }
}

/// The first and the last keys of a long path.
fn short(place: &str) -> String {
    let count = place.chars().count();
    if count <= 120 {
        return place.to_owned();
    }
    let first: String = place.chars().take(60).collect();
    format!("{first}…`")
}

/// Types that are told apart by more than the interpreter's own.
struct Types {
    decimal: Py<PyType>,
    uuid: Py<PyType>,
    enumeration: Py<PyType>,
    as_dict: Py<PyAny>,
    is_dataclass: Py<PyAny>,
}

static TYPES: PyOnceLock<Types> = PyOnceLock::new();

fn types(py: Python<'_>) -> PyResult<&'static Types> {
    TYPES.get_or_try_init(py, || {
        let class = |module: &str, name: &str| -> PyResult<Py<PyType>> {
            Ok(py.import(module)?.getattr(name)?.cast_into::<PyType>()?.unbind())
        };
        let dataclasses = py.import("dataclasses")?;
        Ok(Types {
            decimal: class("decimal", "Decimal")?,
            uuid: class("uuid", "UUID")?,
            enumeration: class("enum", "Enum")?,
            as_dict: dataclasses.getattr("asdict")?.unbind(),
            is_dataclass: dataclasses.getattr("is_dataclass")?.unbind(),
        })
    })
}

/// Appends a row and a line feed. What could not be written is taken back.
pub(crate) fn write_line(row: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let before = out.len();
    match write(row, out, 0) {
        Ok(()) => {
            out.push(b'\n');
            Ok(())
        }
        Err(refused) => {
            out.truncate(before);
            Err(refused)
        }
    }
}

/// Appends a value as JSON.
pub(crate) fn write(value: &Bound<'_, PyAny>, out: &mut Vec<u8>, depth: usize) -> Result<(), Refused> {
    if let Ok(text) = value.cast_exact::<PyString>() {
        write_text(text.to_str()?, out);
    } else if value.is_none() {
        out.extend_from_slice(b"null");
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        write_int(number, out)?;
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        write_dict(dict, out, depth)?;
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        let items = list.iter().enumerate();
        write_items(items, out, depth)?;
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        write_float(number.value(), out);
    } else if let Ok(flag) = value.cast_exact::<PyBool>() {
        out.extend_from_slice(if flag.is_true() { b"true" } else { b"false" });
    } else {
        write_other(value, out, depth)?;
    }
    Ok(())
}

fn write_dict(dict: &Bound<'_, PyDict>, out: &mut Vec<u8>, depth: usize) -> Result<(), Refused> {
    if depth >= MAX_DEPTH {
        return Err(Refused { path: Vec::new(), what: What::TooDeep });
    }
    out.push(b'{');
    let mut is_first = true;
    let count = dict.len();
    let mut entries = dict.iter();
    // Methods of values are user code, and may change what is read.
    for _ in 0..count {
        if dict.len() != count {
            return Err(Refused::unsupported("the dict changed while it was read"));
        }
        let Some((key, value)) = entries.next() else { break };
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        if let Ok(text) = key.cast_exact::<PyString>() {
            write_string(text.to_str()?, out);
        } else {
            write_string(&key_text(&key)?, out);
        }
        out.push(b':');
        write(&value, out, depth + 1).map_err(|refused| refused.under(key_name(&key)))?;
    }
    out.push(b'}');
    Ok(())
}

fn key_name(key: &Bound<'_, PyAny>) -> String {
    key.str().map_or_else(|_| "?".to_owned(), |text| text.to_string())
}

/// The text of a key that is none, as JSON has it.
fn key_text(key: &Bound<'_, PyAny>) -> Result<String, Refused> {
    if key.is_none() {
        return Ok("null".to_owned());
    }
    if let Ok(flag) = key.cast::<PyBool>() {
        return Ok(if flag.is_true() { "true" } else { "false" }.to_owned());
    }
    if key.is_instance(types(key.py())?.enumeration.bind(key.py()))? {
        return key_text(&key.getattr(intern!(key.py(), "value"))?);
    }
    let is_plain = key.is_instance_of::<PyString>()
        || key.is_instance_of::<PyInt>()
        || key.is_instance_of::<PyFloat>()
        || key.is_instance(types(key.py())?.uuid.bind(key.py()))?;
    if is_plain {
        return Ok(key.str()?.to_str()?.to_owned());
    }
    if key.is_instance_of::<PyDate>() {
        return Ok(key.call_method0(intern!(key.py(), "isoformat"))?.extract::<String>()?);
    }
    Err(Refused::unsupported(format!("a key is of type `{}`", type_name(key))))
}

fn write_items<'py>(
    items: impl Iterator<Item = (usize, Bound<'py, PyAny>)>,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Refused> {
    if depth >= MAX_DEPTH {
        return Err(Refused { path: Vec::new(), what: What::TooDeep });
    }
    out.push(b'[');
    for (index, item) in items {
        if index > 0 {
            out.push(b',');
        }
        write(&item, out, depth + 1).map_err(|refused| refused.under(format!("[{index}]")))?;
    }
    out.push(b']');
    Ok(())
}

fn write_int(number: &Bound<'_, PyInt>, out: &mut Vec<u8>) -> Result<(), Refused> {
    // Writing into memory cannot fail.
    if let Ok(small) = number.extract::<i64>() {
        let _ = serde_json::to_writer(out, &small);
    } else if let Ok(large) = number.extract::<u64>() {
        let _ = serde_json::to_writer(out, &large);
    } else {
        write_tagged(Tag::Number, number.str()?.to_str()?, out);
    }
    Ok(())
}

/// Appends a number.
pub(crate) fn write_float(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        // The shortest text that reads back, always with a point or an exponent. Writing into memory cannot fail.
        let _ = serde_json::to_writer(out, &number);
    } else {
        // As in the reference: what is no number is no value.
        out.extend_from_slice(b"null");
    }
}

fn write_tagged(tag: Tag, body: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut buffer = [0; 4];
    out.extend_from_slice(tag.as_char().encode_utf8(&mut buffer).as_bytes());
    // Bodies have no character that must be escaped.
    out.extend_from_slice(body.as_bytes());
    out.push(b'"');
}

/// Appends a text that is a value.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    write_string(&escape_text(text), out);
}

/// Appends a JSON string: a key, or a text that does not look like a typed string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    use std::io::Write as _;
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let plain = plain_length(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(&byte) = rest.get(plain) else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => drop(write!(out, "\\u{byte:04x}")),
        }
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

/// How many bytes at the start stand in a JSON string as they are.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // The highest bit of a byte is set in the result where it may be one that must be escaped, and always at the first.
    let special = |word: u64| {
        let is = |byte: u8| {
            let other = word ^ (ONES * u64::from(byte));
            other.wrapping_sub(ONES) & !other
        };
        let is_control = word.wrapping_sub(ONES * 0x20) & !word;
        (is(b'"') | is(b'\\') | is_control) & (ONES << 7)
    };
    let (words, _) = bytes.as_chunks::<8>();
    let plain = words.iter().take_while(|word| special(u64::from_le_bytes(**word)) == 0).count() * 8;
    let rest = bytes[plain..].iter();
    plain + rest.take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\').count()
}

fn type_name(value: &Bound<'_, PyAny>) -> String {
    let class = value.get_type();
    class.fully_qualified_name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

/// Appends a value that is not one of JSON's own types.
fn write_other(value: &Bound<'_, PyAny>, out: &mut Vec<u8>, depth: usize) -> Result<(), Refused> {
    let py = value.py();
    let types = types(py)?;
    if value.is_instance_of::<PyDateTime>() {
        let text = value.call_method0(intern!(py, "isoformat"))?.extract::<String>()?;
        // pandas has a time that is none.
        if text == "NaT" {
            out.extend_from_slice(b"null");
        } else {
            write_tagged(Tag::Timestamp, &text, out);
        }
        return Ok(());
    }
    if value.is_instance_of::<PyDate>() {
        let text = value.call_method0(intern!(py, "isoformat"))?.extract::<String>()?;
        write_tagged(Tag::Date, &text, out);
        return Ok(());
    }
    if value.is_instance_of::<PyTime>() {
        let text = value.call_method0(intern!(py, "isoformat"))?.extract::<String>()?;
        write_tagged(Tag::Time, &text, out);
        return Ok(());
    }
    if value.is_instance(types.decimal.bind(py))? {
        return write_decimal(value, out);
    }
    if value.is_instance(types.enumeration.bind(py))? {
        return write(&value.getattr(intern!(py, "value"))?, out, depth + 1);
    }
    if let Ok(text) = value.cast::<PyString>() {
        write_text(text.to_str()?, out);
        return Ok(());
    }
    if value.is_instance_of::<PyBool>() {
        return write(
            &value.is_truthy()?.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any(),
            out,
            depth,
        );
    }
    if let Ok(number) = value.cast::<PyInt>() {
        return write_int(number, out);
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        write_float(number.value(), out);
        return Ok(());
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        let is_hex = value.get_type().name()? == "HexBytes";
        write_bytes(bytes.as_bytes(), is_hex, out);
        return Ok(());
    }
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        write_bytes(&bytes.to_vec(), false, out);
        return Ok(());
    }
    if value.is_instance(types.uuid.bind(py))? {
        write_string(value.str()?.to_str()?, out);
        return Ok(());
    }
    write_container(value, types, out, depth)
}

/// Appends what stands for a dict or a list.
fn write_container(
    value: &Bound<'_, PyAny>,
    types: &Types,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Refused> {
    let py = value.py();
    if depth >= MAX_DEPTH {
        return Err(Refused { path: Vec::new(), what: What::TooDeep });
    }
    for name in [intern!(py, "_asdict"), intern!(py, "asdict")] {
        if let Ok(method) = value.getattr(name)
            && method.is_callable()
            && !value.is_instance_of::<PyType>()
        {
            return write(&method.call0()?, out, depth + 1);
        }
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return write_items(tuple.iter().enumerate(), out, depth);
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        return write_dict(dict, out, depth);
    }
    if let Ok(list) = value.cast::<PyList>() {
        return write_items(list.iter().enumerate(), out, depth);
    }
    let is_class = value.is_instance_of::<PyType>();
    if !is_class && types.is_dataclass.bind(py).call1((value,))?.is_truthy()? {
        return write(&types.as_dict.bind(py).call1((value,))?, out, depth + 1);
    }
    if !is_class && let Ok(dump) = value.getattr(intern!(py, "model_dump")) {
        let options = PyDict::new(py);
        options.set_item("by_alias", true)?;
        return write(&dump.call((), Some(&options))?, out, depth + 1);
    }
    let module: String = value.get_type().getattr(intern!(py, "__module__"))?.extract().unwrap_or_default();
    let has = |name: &str| value.hasattr(name).unwrap_or(false);
    if module.starts_with("numpy") && has("tolist") {
        if let Some(text) = far_moment(value)? {
            write_string(&text, out);
            return Ok(());
        }
        let plain = plain_numpy(value)?.call_method0(intern!(py, "tolist"))?;
        if plain.get_type().is(value.get_type()) {
            return Err(Refused::unsupported(format!("it is of type `{}`", type_name(value))));
        }
        return write(&plain, out, depth + 1);
    }
    if module.starts_with("pandas") && value.get_type().name()? == "NAType" {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    if has("items") && has("keys") && !is_class {
        let dict = PyDict::new(py);
        for pair in value.call_method0(intern!(py, "items"))?.try_iter()? {
            let (key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            dict.set_item(key, item)?;
        }
        return write_dict(&dict, out, depth);
    }
    if value.get_type().name()? == "memoryview" {
        let bytes = value.call_method0(intern!(py, "tobytes"))?;
        write_bytes(bytes.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes(), false, out);
        return Ok(());
    }
    Err(Refused::unsupported(format!("it is of type `{}`", type_name(value))))
}

/// A scalar or array of numpy. Its times finer than microseconds would become numbers, and spans of time as well.
fn plain_numpy<'py>(value: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>, Refused> {
    let py = value.py();
    let Ok(dtype) = value.getattr(intern!(py, "dtype")) else { return Ok(value.clone()) };
    match dtype.getattr(intern!(py, "kind"))?.extract::<String>()?.as_str() {
        "M" => Ok(value.call_method1(intern!(py, "astype"), ("datetime64[us]",))?),
        "m" => Err(Refused::unsupported(format!("it is of type `{}`, a span of time", type_name(value)))),
        _ => Ok(value.clone()),
    }
}

/// The text of a moment of numpy that neither Python nor microseconds of 64 bits hold, as frames have it.
fn far_moment(value: &Bound<'_, PyAny>) -> Result<Option<String>, Refused> {
    let py = value.py();
    if value.get_type().name()? != "datetime64" || value.ne(value)? {
        return Ok(None);
    }
    let dtype = value.getattr(intern!(py, "dtype"))?;
    let unit = dtype.str()?.to_string();
    // What is finer than a microsecond is cut, and none of that is far.
    let is_finer = ["[ns", "[ps", "[fs", "[as"].iter().any(|finer| unit.contains(finer));
    let micros = value.call_method1(intern!(py, "astype"), ("datetime64[us]",))?;
    let is_wrapped = !is_finer && micros.call_method1(intern!(py, "astype"), (dtype,))?.ne(value)?;
    let is_far = micros.call_method0(intern!(py, "tolist"))?.is_instance_of::<PyInt>();
    if !is_wrapped && !is_far {
        return Ok(None);
    }
    let text = value.str()?.to_string();
    Ok(Some(if text.starts_with('-') { text } else { format!("+{text}") }))
}

fn write_bytes(bytes: &[u8], is_hex: bool, out: &mut Vec<u8>) {
    if is_hex {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write_tagged(Tag::HexBytes, &format!("0x{digits}"), out);
    } else {
        write_tagged(Tag::Bytes, &STANDARD.encode(bytes), out);
    }
}

fn write_decimal(value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let text = value.str()?;
    let text = text.to_str()?;
    if text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains("NaN") {
        let is_wei = value.get_type().name()? == "Wei" && !text.contains('.');
        write_tagged(if is_wei { Tag::Wei } else { Tag::Decimal }, text, out);
    } else {
        // A decimal that is no number has no place in a column of numbers.
        out.extend_from_slice(b"null");
    }
    Ok(())
}
