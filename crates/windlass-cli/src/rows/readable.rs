//! Columns whose values Arrow's writers do not know, as text: infinite and far times, unions, maps by other keys than
//! texts, and in CSV everything that is nested.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Decimal128Type;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, StringArray,
    StructArray,
};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_json::EncoderOptions;
use arrow_json::writer::make_encoder;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields};
use windlass::rows::{FarTime, far_time};

use super::in_utc;

type Result<T> = std::result::Result<T, ArrowError>;

/// The array with everything that Arrow cannot print as text, at any depth.
pub(super) fn readable(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(..)
        | DataType::Time32(_)
        | DataType::Time64(_) => times(&in_utc(array)?)?,
        DataType::List(field) => list(array.as_list::<i32>(), field)?,
        DataType::LargeList(field) => list(array.as_list::<i64>(), field)?,
        DataType::FixedSizeList(field, size) => {
            let lists = array.as_fixed_size_list();
            let values = readable(lists.values())?;
            let field = with_type(field, &values);
            Arc::new(FixedSizeListArray::try_new(field, *size, values, lists.nulls().cloned())?)
        }
        DataType::Struct(fields) => Arc::new(structs(array.as_struct(), fields)?),
        DataType::Map(field, is_sorted) => {
            let map = array.as_map();
            if *map.keys().data_type() != DataType::Utf8 {
                return texts(array);
            }
            let DataType::Struct(fields) = field.data_type() else { return texts(array) };
            let entries = structs(map.entries(), fields)?;
            let field = Arc::new(field.as_ref().clone().with_data_type(entries.data_type().clone()));
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(field, offsets, entries, nulls, *is_sorted)?)
        }
        DataType::Union(..) => texts(array)?,
        // DuckDB's HUGEINT has 39 digits; the printer leaves out what a precision of 38 has no room for.
        DataType::Decimal128(_, scale) if is_beyond_38_digits(array) => {
            cast(array, &DataType::Decimal256(76, *scale))?
        }
        _ => Arc::clone(array),
    })
}

fn is_beyond_38_digits(array: &ArrayRef) -> bool {
    let limit = 10_u128.pow(38);
    array.as_primitive::<Decimal128Type>().iter().flatten().any(|number| number.unsigned_abs() >= limit)
}

/// A column of lists, structures or maps as JSON text, one for each row.
pub(super) fn nested_as_json(array: &ArrayRef) -> Result<ArrayRef> {
    if !array.data_type().is_nested() {
        return Ok(Arc::clone(array));
    }
    let field: FieldRef = Arc::new(Field::new("value", array.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, array, &options)?;
    let mut texts = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if encoder.is_null(row) {
            texts.push(None);
            continue;
        }
        let mut text = Vec::new();
        encoder.encode(row, &mut text);
        texts.push(Some(String::from_utf8_lossy(&text).into_owned()));
    }
    Ok(Arc::new(StringArray::from(texts)))
}

fn list<O: OffsetSizeTrait>(lists: &GenericListArray<O>, field: &FieldRef) -> Result<ArrayRef> {
    let values = readable(lists.values())?;
    let field = with_type(field, &values);
    let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
    Ok(Arc::new(GenericListArray::try_new(field, offsets, values, nulls)?))
}

fn structs(array: &StructArray, fields: &Fields) -> Result<StructArray> {
    let columns = array.columns().iter().map(readable).collect::<Result<Vec<_>>>()?;
    let fields: Fields =
        fields.iter().zip(&columns).map(|(field, column)| with_type(field, column)).collect();
    StructArray::try_new_with_length(fields, columns, array.nulls().cloned(), array.len())
}

fn with_type(field: &FieldRef, values: &ArrayRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(values.data_type().clone()))
}

/// Times as they are if Arrow can print all of them, else as text.
fn times(array: &ArrayRef) -> Result<ArrayRef> {
    let rows = 0..array.len();
    if !rows.clone().any(|row| far_time(array, row).is_some()) {
        return Ok(Arc::clone(array));
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let text = |row: usize| {
        if array.is_null(row) {
            return None;
        }
        let far = far_time(array, row);
        match &far {
            // Arrow takes the largest of some units for a time like others.
            Some(FarTime::Infinity | FarTime::MinusInfinity) => far.map(|far| far.text().to_owned()),
            _ => match formatter.value(row).try_to_string() {
                Ok(text) => Some(text),
                Err(_) => far.map(|far| far.text().to_owned()),
            },
        }
    };
    Ok(Arc::new(rows.map(text).collect::<StringArray>()))
}

fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let text = |row: usize| {
        if array.is_null(row) { Ok(None) } else { formatter.value(row).try_to_string().map(Some) }
    };
    Ok(Arc::new((0..array.len()).map(text).collect::<Result<StringArray>>()?))
}
