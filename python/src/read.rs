//! From Arrow columns to rows of Python values.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use windlass::rows::{FarTime, far_time};

/// The rows of batches as tuples.
pub(crate) fn rows<'py>(py: Python<'py>, batches: &[RecordBatch]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let maker = Maker::new(py)?;
    for batch in batches {
        for row in 0..batch.num_rows() {
            let values = batch
                .columns()
                .iter()
                .map(|column| maker.value(column, row))
                .collect::<PyResult<Vec<_>>>()?;
            list.append(PyTuple::new(py, values)?)?;
        }
    }
    Ok(list)
}

/// The rows of batches as dicts; with `drops_nulls` without keys that are null.
pub(crate) fn dicts<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let maker = Maker::new(py)?;
    let schema = batch.schema();
    for row in 0..batch.num_rows() {
        let dict = PyDict::new(py);
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            dict.set_item(field.name(), maker.value(column, row)?)?;
        }
        list.append(dict)?;
    }
    Ok(list)
}

/// Makes Python values; holds the classes that are needed.
pub(crate) struct Maker<'py> {
    py: Python<'py>,
    decimal: Bound<'py, PyAny>,
    timedelta: Bound<'py, PyAny>,
    epoch: Bound<'py, PyAny>,
    epoch_utc: Bound<'py, PyAny>,
    epoch_date: Bound<'py, PyAny>,
    time: Bound<'py, PyAny>,
}

impl<'py> Maker<'py> {
    pub(crate) fn new(py: Python<'py>) -> PyResult<Self> {
        let module = py.import("datetime")?;
        let datetime = module.getattr("datetime")?;
        let utc = module.getattr("timezone")?.getattr("utc")?;
        Ok(Self {
            py,
            decimal: py.import("decimal")?.getattr("Decimal")?,
            timedelta: module.getattr("timedelta")?,
            epoch: datetime.call1((1970, 1, 1))?,
            epoch_utc: datetime.call1((1970, 1, 1, 0, 0, 0, 0, utc))?,
            epoch_date: module.getattr("date")?.call1((1970, 1, 1))?,
            time: module.getattr("time")?,
        })
    }

    /// The value of a row.
    pub(crate) fn value(&self, array: &dyn Array, row: usize) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        if array.is_null(row) {
            return Ok(py.None().into_bound(py));
        }
        if let Some(far) = far_time(array, row) {
            return self.far(array.data_type(), &far);
        }
        macro_rules! number {
            ($kind:ty) => {
                array.as_primitive::<$kind>().value(row).into_bound_py_any(py)
            };
        }
        match array.data_type() {
            DataType::Boolean => array.as_boolean().value(row).into_bound_py_any(py),
            DataType::Int8 => number!(Int8Type),
            DataType::Int16 => number!(Int16Type),
            DataType::Int32 => number!(Int32Type),
            DataType::Int64 => number!(Int64Type),
            DataType::UInt8 => number!(UInt8Type),
            DataType::UInt16 => number!(UInt16Type),
            DataType::UInt32 => number!(UInt32Type),
            DataType::UInt64 => number!(UInt64Type),
            DataType::Float32 => number!(Float32Type),
            DataType::Float64 => number!(Float64Type),
            DataType::Utf8 => array.as_string::<i32>().value(row).into_bound_py_any(py),
            DataType::LargeUtf8 => array.as_string::<i64>().value(row).into_bound_py_any(py),
            DataType::Utf8View => array.as_string_view().value(row).into_bound_py_any(py),
            DataType::Binary => Ok(PyBytes::new(py, array.as_binary::<i32>().value(row)).into_any()),
            DataType::LargeBinary => Ok(PyBytes::new(py, array.as_binary::<i64>().value(row)).into_any()),
            DataType::BinaryView => Ok(PyBytes::new(py, array.as_binary_view().value(row)).into_any()),
            DataType::Decimal128(..) => {
                self.decimal.call1((array.as_primitive::<Decimal128Type>().value_as_string(row),))
            }
            DataType::Decimal256(..) => {
                self.decimal.call1((array.as_primitive::<Decimal256Type>().value_as_string(row),))
            }
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>().value(row);
                self.epoch_date.call_method1("__add__", (self.timedelta.call1((days,))?,))
            }
            DataType::Timestamp(unit, zone) => {
                let micros = match unit {
                    TimeUnit::Second => {
                        array.as_primitive::<TimestampSecondType>().value(row).checked_mul(1_000_000)
                    }
                    TimeUnit::Millisecond => {
                        array.as_primitive::<TimestampMillisecondType>().value(row).checked_mul(1000)
                    }
                    TimeUnit::Microsecond => {
                        Some(array.as_primitive::<TimestampMicrosecondType>().value(row))
                    }
                    TimeUnit::Nanosecond => {
                        Some(array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1000))
                    }
                };
                let epoch = if zone.is_some() { &self.epoch_utc } else { &self.epoch };
                epoch.call_method1("__add__", (self.timedelta.call1((0, 0, micros.unwrap_or(i64::MAX)))?,))
            }
            DataType::Time32(TimeUnit::Second) => {
                self.time_of_day(i64::from(array.as_primitive::<Time32SecondType>().value(row)) * 1_000_000)
            }
            DataType::Time32(_) => {
                self.time_of_day(i64::from(array.as_primitive::<Time32MillisecondType>().value(row)) * 1000)
            }
            DataType::Time64(TimeUnit::Microsecond) => {
                self.time_of_day(array.as_primitive::<Time64MicrosecondType>().value(row))
            }
            DataType::Time64(_) => {
                self.time_of_day(array.as_primitive::<Time64NanosecondType>().value(row) / 1000)
            }
            DataType::List(_) => self.items(&array.as_list::<i32>().value(row)),
            DataType::LargeList(_) => self.items(&array.as_list::<i64>().value(row)),
            DataType::Struct(fields) => {
                let dict = PyDict::new(py);
                for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                    dict.set_item(field.name(), self.value(column, row)?)?;
                }
                Ok(dict.into_any())
            }
            DataType::Null => Ok(py.None().into_bound(py)),
            other => Err(PyTypeError::new_err(format!(
                "a column of type {other} cannot be read as rows; read it by arrow()"
            ))),
        }
    }

    /// A date or time that Python's calendar does not reach: infinity is its last or first day, as with DuckDB's own
    /// client; anything else is text.
    fn far(&self, data_type: &DataType, far: &FarTime) -> PyResult<Bound<'py, PyAny>> {
        let epoch = match data_type {
            DataType::Timestamp(_, Some(_)) => &self.epoch_utc,
            DataType::Timestamp(_, None) => &self.epoch,
            _ => &self.epoch_date,
        };
        let name = match far {
            FarTime::Infinity => "max",
            FarTime::MinusInfinity => "min",
            FarTime::Text(text) => return text.into_bound_py_any(self.py),
        };
        let bound = epoch.getattr(name)?;
        if matches!(data_type, DataType::Timestamp(_, Some(_))) {
            let zone = PyDict::new(self.py);
            zone.set_item("tzinfo", epoch.getattr("tzinfo")?)?;
            return bound.call_method("replace", (), Some(&zone));
        }
        Ok(bound)
    }

    fn items(&self, items: &dyn Array) -> PyResult<Bound<'py, PyAny>> {
        let list = PyList::empty(self.py);
        for index in 0..items.len() {
            list.append(self.value(items, index)?)?;
        }
        Ok(list.into_any())
    }

    fn time_of_day(&self, micros: i64) -> PyResult<Bound<'py, PyAny>> {
        let seconds = micros.div_euclid(1_000_000);
        self.time.call1((seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, micros.rem_euclid(1_000_000)))
    }
}
