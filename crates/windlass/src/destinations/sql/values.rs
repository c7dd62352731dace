//! The values of a job file, row by row, for databases that take no columns.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use windlass_core::{Error, Result};

/// A value of a row. Times count microseconds.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::destinations) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Real(f64),
    /// The digits without the point, and how many stand behind it.
    Decimal(String, usize),
    Text(&'a str),
    Blob(&'a [u8]),
    /// Days since the epoch.
    Date(i64),
    /// Since midnight.
    Time(i64),
    /// Since the epoch, in UTC.
    Timestamp(i64),
}

/// A column of a batch.
pub(in crate::destinations) struct Column<'a> {
    array: &'a dyn Array,
    /// Ticks of times, whatever their unit, as integers.
    ticks: Option<ArrayRef>,
}

impl<'a> Column<'a> {
    /// The columns of a batch. Errors: values of a type that no column of the engine has; `database` does not take them.
    pub(in crate::destinations) fn all(batch: &'a RecordBatch, database: &str) -> Result<Vec<Self>> {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        columns
            .map(|(field, array)| {
                let ticks = ticks(array).map_err(|cause| {
                    Error::internal("times cannot be read as numbers")
                        .with_source(cause)
                        .at_column(field.name())
                })?;
                let column = Column { array: array.as_ref(), ticks };
                if column.is_known() {
                    return Ok(column);
                }
                let message = format!("{database} takes no values of {}", array.data_type());
                Err(Error::unsupported(message).at_column(field.name()))
            })
            .collect()
    }

    fn is_known(&self) -> bool {
        use ArrowType::{
            Binary, Boolean, Date32, Decimal128, Decimal256, FixedSizeBinary, Float64, Int8, Int16, Int32,
            Int64, LargeUtf8, Utf8,
        };
        self.ticks.is_some()
            || matches!(
                self.array.data_type(),
                Boolean
                    | Int8
                    | Int16
                    | Int32
                    | Int64
                    | Float64
                    | Decimal128(..)
                    | Decimal256(..)
                    | Utf8
                    | LargeUtf8
                    | Binary
                    | FixedSizeBinary(_)
                    | Date32
            )
    }

    /// The value in a row of the batch.
    pub(in crate::destinations) fn value(&self, row: usize) -> Value<'_> {
        let array = self.array;
        if array.is_null(row) {
            return Value::Null;
        }
        match array.data_type() {
            ArrowType::Boolean => Value::Bool(array.as_boolean().value(row)),
            ArrowType::Int8 => Value::Integer(array.as_primitive::<Int8Type>().value(row).into()),
            ArrowType::Int16 => Value::Integer(array.as_primitive::<Int16Type>().value(row).into()),
            ArrowType::Int32 => Value::Integer(array.as_primitive::<Int32Type>().value(row).into()),
            ArrowType::Int64 => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
            ArrowType::Float64 => Value::Real(array.as_primitive::<Float64Type>().value(row)),
            ArrowType::Decimal128(_, scale) => {
                let digits = array.as_primitive::<Decimal128Type>().value(row).to_string();
                Value::Decimal(digits, usize::try_from(*scale).unwrap_or(0))
            }
            ArrowType::Decimal256(_, scale) => {
                let digits = array.as_primitive::<Decimal256Type>().value(row).to_string();
                Value::Decimal(digits, usize::try_from(*scale).unwrap_or(0))
            }
            ArrowType::Utf8 => Value::Text(array.as_string::<i32>().value(row)),
            ArrowType::LargeUtf8 => Value::Text(array.as_string::<i64>().value(row)),
            ArrowType::Binary => Value::Blob(array.as_binary::<i32>().value(row)),
            ArrowType::FixedSizeBinary(_) => Value::Blob(array.as_fixed_size_binary().value(row)),
            ArrowType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row).into()),
            ArrowType::Time32(unit) | ArrowType::Time64(unit) => Value::Time(self.micros(row, *unit)),
            ArrowType::Timestamp(unit, _) => Value::Timestamp(self.micros(row, *unit)),
            _ => Value::Null,
        }
    }

    fn micros(&self, row: usize, unit: TimeUnit) -> i64 {
        let ticks = self.ticks.as_ref().map_or(0, |ticks| ticks.as_primitive::<Int64Type>().value(row));
        match unit {
            TimeUnit::Second => ticks.saturating_mul(1_000_000),
            TimeUnit::Millisecond => ticks.saturating_mul(1000),
            TimeUnit::Microsecond => ticks,
            TimeUnit::Nanosecond => ticks.div_euclid(1000),
        }
    }
}

fn ticks(array: &ArrayRef) -> Result<Option<ArrayRef>, arrow_schema::ArrowError> {
    match array.data_type() {
        // Times of 32 bits go on as the others do.
        ArrowType::Time32(_) => {
            let ticks = arrow_cast::cast(array, &ArrowType::Int32)?;
            arrow_cast::cast(&ticks, &ArrowType::Int64).map(Some)
        }
        ArrowType::Time64(_) | ArrowType::Timestamp(..) => {
            arrow_cast::cast(array, &ArrowType::Int64).map(Some)
        }
        _ => Ok(None),
    }
}

/// The sign, the whole part and the fraction of a decimal: `-1`, `50` for `("-150", 2)`.
pub(in crate::destinations) fn decimal_parts(digits: &str, scale: usize) -> (&'static str, String, String) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    (sign, whole.to_owned(), fraction.to_owned())
}
