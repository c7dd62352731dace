//! Growing batches: one builder per column, filled over several chunks.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, StringBuilder};
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch};
use arrow_buffer::{NullBuffer, NullBufferBuilder, ScalarBuffer, i256};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use indexmap::IndexSet;

use super::RECORD_COLUMN;
use super::physical::{Cell, Physical, TypeDefaults, arrow_field};
use crate::error::{Code, Error, Result};
use crate::nearest::did_you_mean;
use crate::schema::Table;

/// Builds one column.
#[derive(Debug)]
pub(super) struct ColumnBuilder {
    physical: Physical,
    values: Values,
    /// For the layouts that do not bring their own.
    nulls: NullBufferBuilder,
}

#[derive(Debug)]
enum Values {
    Int(Vec<i64>),
    Double(Vec<f64>),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Binary(BinaryBuilder),
    Decimal(Vec<i128>),
    BigDecimal(Vec<i256>),
}

impl ColumnBuilder {
    fn new(physical: Physical) -> Self {
        let values = match physical {
            Physical::Text | Physical::ShortText(_) | Physical::Json => Values::Text(StringBuilder::new()),
            Physical::Double => Values::Double(Vec::new()),
            Physical::Bool => Values::Bool(BooleanBuilder::new()),
            Physical::Binary(_) => Values::Binary(BinaryBuilder::new()),
            Physical::Decimal(..=38, _) => Values::Decimal(Vec::new()),
            Physical::Decimal(..) => Values::BigDecimal(Vec::new()),
            _ => Values::Int(Vec::new()),
        };
        Self { physical, values, nulls: NullBufferBuilder::new(0) }
    }

    /// Values so far, nulls included.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Int(values) => values.len(),
            Values::Double(values) => values.len(),
            Values::Bool(builder) => arrow_array::builder::ArrayBuilder::len(builder),
            Values::Text(builder) => builder.offsets_slice().len() - 1,
            Values::Binary(builder) => builder.offsets_slice().len() - 1,
            Values::Decimal(values) => values.len(),
            Values::BigDecimal(values) => values.len(),
        }
    }

    /// Fills up with nulls to this length.
    #[inline]
    pub(super) fn pad(&mut self, length: usize) {
        let missing = length.saturating_sub(self.len());
        if missing == 0 {
            return;
        }
        match &mut self.values {
            Values::Int(values) => values.resize(length, 0),
            Values::Double(values) => values.resize(length, 0.0),
            Values::Decimal(values) => values.resize(length, 0),
            Values::BigDecimal(values) => values.resize(length, i256::ZERO),
            Values::Bool(builder) => return builder.append_nulls(missing),
            Values::Text(builder) => return builder.append_nulls(missing),
            Values::Binary(builder) => return builder.append_nulls(missing),
        }
        self.nulls.append_n_nulls(missing);
    }

    #[inline]
    pub(super) fn push_int(&mut self, value: i64) {
        match &mut self.values {
            Values::Int(values) => {
                values.push(value);
                self.nulls.append_non_null();
            }
            Values::Bool(builder) => builder.append_value(value != 0),
            _ => debug_assert!(false, "an integer in a column of {:?}", self.physical),
        }
    }

    #[inline]
    pub(super) fn push_double(&mut self, value: f64) {
        if let Values::Double(values) = &mut self.values {
            values.push(value);
            self.nulls.append_non_null();
        }
    }

    #[inline]
    pub(super) fn push_text(&mut self, text: &str) {
        if let Values::Text(builder) = &mut self.values {
            builder.append_value(text);
        }
    }

    /// Adds a converted value. Row ids are given as text by the caller.
    pub(super) fn push_cell(&mut self, cell: &Cell) {
        match (cell, &mut self.values) {
            (Cell::Int(value), _) => self.push_int(*value),
            (Cell::Double(value), _) => self.push_double(*value),
            (Cell::Text(text), _) => self.push_text(text),
            (Cell::Decimal(value), Values::Decimal(values)) => {
                values.push(value.to_i128().unwrap_or_default());
                self.nulls.append_non_null();
            }
            (Cell::Decimal(value), Values::BigDecimal(values)) => {
                values.push(**value);
                self.nulls.append_non_null();
            }
            (Cell::Bytes(bytes), Values::Binary(builder)) => builder.append_value(bytes),
            _ => debug_assert!(false, "{cell:?} in a column of {:?}", self.physical),
        }
    }

    fn bytes(&self) -> usize {
        match &self.values {
            Values::Text(builder) => builder.values_slice().len() + builder.offsets_slice().len() * 4,
            Values::Binary(builder) => builder.values_slice().len() + builder.offsets_slice().len() * 4,
            Values::Bool(_) => self.len() / 8,
            Values::Decimal(values) => values.len() * 16,
            Values::BigDecimal(values) => values.len() * 32,
            Values::Int(_) | Values::Double(_) => self.len() * 8,
        }
    }

    fn finish(self) -> Result<ArrayRef> {
        fn primitive<T: ArrowPrimitiveType>(
            values: Vec<T::Native>,
            nulls: Option<NullBuffer>,
        ) -> PrimitiveArray<T> {
            PrimitiveArray::new(ScalarBuffer::from(values), nulls)
        }
        fn narrow<T: ArrowPrimitiveType>(
            values: Vec<i64>,
            nulls: Option<NullBuffer>,
            convert: impl Fn(i64) -> T::Native,
        ) -> ArrayRef {
            Arc::new(primitive::<T>(values.into_iter().map(convert).collect(), nulls))
        }
        let Self { physical, values, mut nulls } = self;
        let nulls = nulls.finish();
        Ok(match values {
            Values::Text(mut builder) => Arc::new(builder.finish()),
            Values::Binary(mut builder) => Arc::new(builder.finish()),
            Values::Bool(mut builder) => Arc::new(builder.finish()),
            Values::Double(values) => Arc::new(primitive::<Float64Type>(values, nulls)),
            Values::Decimal(values) => match physical {
                Physical::Decimal(precision, scale) => Arc::new(
                    primitive::<Decimal128Type>(values, nulls)
                        .with_precision_and_scale(precision, scale)
                        .map_err(not_representable)?,
                ),
                _ => return Err(not_representable("the layout of a decimal column changed")),
            },
            Values::BigDecimal(values) => match physical {
                Physical::Decimal(precision, scale) => Arc::new(
                    primitive::<Decimal256Type>(values, nulls)
                        .with_precision_and_scale(precision, scale)
                        .map_err(not_representable)?,
                ),
                _ => return Err(not_representable("the layout of a decimal column changed")),
            },
            Values::Int(values) => match physical {
                Physical::Int(8) => narrow::<Int8Type>(values, nulls, |value| value as i8),
                Physical::Int(16) => narrow::<Int16Type>(values, nulls, |value| value as i16),
                Physical::Int(32) => narrow::<Int32Type>(values, nulls, |value| value as i32),
                Physical::Date => narrow::<Date32Type>(values, nulls, |value| value as i32),
                Physical::Time(TimeUnit::Second) => {
                    narrow::<Time32SecondType>(values, nulls, |value| value as i32)
                }
                Physical::Time(TimeUnit::Millisecond) => {
                    narrow::<Time32MillisecondType>(values, nulls, |value| value as i32)
                }
                Physical::Time(TimeUnit::Microsecond) => {
                    Arc::new(primitive::<Time64MicrosecondType>(values, nulls))
                }
                Physical::Time(TimeUnit::Nanosecond) => {
                    Arc::new(primitive::<Time64NanosecondType>(values, nulls))
                }
                Physical::Timestamp { unit, utc } => {
                    let zone = utc.then(|| Arc::from("UTC"));
                    match unit {
                        TimeUnit::Second => {
                            Arc::new(primitive::<TimestampSecondType>(values, nulls).with_timezone_opt(zone))
                        }
                        TimeUnit::Millisecond => Arc::new(
                            primitive::<TimestampMillisecondType>(values, nulls).with_timezone_opt(zone),
                        ),
                        TimeUnit::Microsecond => Arc::new(
                            primitive::<TimestampMicrosecondType>(values, nulls).with_timezone_opt(zone),
                        ),
                        TimeUnit::Nanosecond => Arc::new(
                            primitive::<TimestampNanosecondType>(values, nulls).with_timezone_opt(zone),
                        ),
                    }
                }
                _ => Arc::new(primitive::<Int64Type>(values, nulls)),
            },
        })
    }
}

fn not_representable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal("a column could not be built").with_source(cause)
}

/// Rows of one table that are not yet written.
#[derive(Debug)]
pub(super) struct BatchBuilder {
    names: IndexSet<String>,
    columns: Vec<ColumnBuilder>,
    schema: SchemaRef,
    rows: usize,
}

impl BatchBuilder {
    /// A builder for the complete columns of a table.
    pub(super) fn new(table: &Table, defaults: &TypeDefaults) -> Self {
        let (names, schema) = (IndexSet::new(), Arc::new(ArrowSchema::empty()));
        let mut batch = Self { names, columns: Vec::new(), schema, rows: 0 };
        batch.widen(table, defaults);
        batch
    }

    /// Adds the columns that the table gained; rows so far have nulls there.
    pub(super) fn widen(&mut self, table: &Table, defaults: &TypeDefaults) {
        // Columns are only ever added.
        let numbers = usize::from(self.names.contains(RECORD_COLUMN));
        if table.complete_columns().count() + numbers == self.names.len() {
            return;
        }
        let mut fields: Vec<_> = self.schema.fields().iter().cloned().collect();
        for column in table.complete_columns() {
            if !self.names.insert(column.name.clone()) {
                continue;
            }
            let mut builder = ColumnBuilder::new(Physical::of(column, defaults));
            builder.pad(self.rows);
            self.columns.push(builder);
            fields.push(Arc::new(arrow_field(column, defaults)));
        }
        self.schema = Arc::new(ArrowSchema::new(fields));
    }

    /// The builder of the column that numbers records, which is added where it is not there.
    pub(super) fn record_column(&mut self) -> &mut ColumnBuilder {
        let index = match self.names.get_index_of(RECORD_COLUMN) {
            Some(index) => index,
            None => {
                let mut builder = ColumnBuilder::new(Physical::Int(64));
                builder.pad(self.rows);
                self.names.insert(RECORD_COLUMN.to_owned());
                self.columns.push(builder);
                let mut fields: Vec<_> = self.schema.fields().iter().cloned().collect();
                fields.push(Arc::new(Field::new(RECORD_COLUMN, DataType::Int64, true)));
                self.schema = Arc::new(ArrowSchema::new(fields));
                self.columns.len() - 1
            }
        };
        &mut self.columns[index]
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Where a column stands.
    pub(super) fn position(&self, column: &str) -> Option<usize> {
        self.names.get_index_of(column)
    }

    /// The builder of a column.
    pub(super) fn column(&mut self, index: usize) -> &mut ColumnBuilder {
        &mut self.columns[index]
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Names of the columns that hold JSON text.
    pub(super) fn json_columns(&self) -> Vec<String> {
        let is_json = |column: &ColumnBuilder| column.physical == Physical::Json;
        self.names
            .iter()
            .zip(&self.columns)
            .filter(|(_, column)| is_json(column))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Ends a chunk: every column gets nulls where it got nothing.
    pub(super) fn advance(&mut self, rows: usize) {
        self.rows += rows;
        for column in &mut self.columns {
            column.pad(self.rows);
        }
    }

    /// About how much memory the values take.
    pub(super) fn bytes(&self) -> usize {
        self.columns.iter().map(ColumnBuilder::bytes).sum()
    }

    /// The rows as a batch; the builder starts again.
    ///
    /// Errors: a column that may not be null has a null, or no value in some row.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let fresh = ColumnBuilder::new(column.physical);
            arrays.push(std::mem::replace(column, fresh).finish()?);
        }
        self.rows = 0;
        for (field, array) in self.schema.fields().iter().zip(&arrays) {
            if !field.is_nullable() && array.null_count() > 0 {
                // Only where all rows lack it, its name may be wrong.
                let filled = self.schema.fields().iter().zip(&arrays);
                let filled = filled.filter(|(_, other)| other.null_count() < other.len());
                let names =
                    filled.map(|(field, _)| field.name().as_str()).filter(|name| !name.starts_with('_'));
                let is_empty = array.null_count() == array.len();
                let question = if is_empty { did_you_mean(field.name(), names) } else { String::new() };
                return Err(Error::of(Code::NullInRequiredColumn, "a row has no value in a column that may not be null")
                    .at_column(field.name())
                    .with_hint(format!(
                        "{question}every record needs a value that fits the column, as of a key; one of another type goes \
                         to a column of its own and leaves this one empty. Fix the data, or allow nulls (nullable: true)"
                    )));
            }
        }
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(not_representable)
    }
}
