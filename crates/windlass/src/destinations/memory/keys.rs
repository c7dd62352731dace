//! Rows told apart by the values of some columns.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, Float64Array, Int8Array, RecordBatch};
use arrow_cast::cast;
use arrow_row::{RowConverter, SortField};
use arrow_schema::{DataType, SortOptions};
use windlass_core::{Error, Result};

use super::table::failed;

/// The key of a row: equal for equal values.
pub(super) type Key = Box<[u8]>;

/// The keys of the rows of a table, old and new, in one encoding.
pub(super) struct Keys {
    /// `None` where a part of the key is null: such a row is equal to no stored one.
    pub(super) stored: Vec<Option<Key>>,
    pub(super) new: Vec<Option<Key>>,
    /// The keys of the new rows, in which nulls are equal.
    pub(super) groups: Vec<Key>,
}

impl Keys {
    /// The keys in these columns, which both batches have. Errors: a type that has no order.
    pub(super) fn of(stored: &RecordBatch, new: &RecordBatch, columns: &[String]) -> Result<Self> {
        let (stored, new) = (arrays(stored, columns)?, arrays(new, columns)?);
        let fields = stored.iter().map(|array| SortField::new(array.data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(failed)?;
        let groups = encoded(&converter, &new)?;
        let matching = |keys: Vec<Key>, arrays: &[ArrayRef]| {
            let is_null = |row: usize| arrays.iter().any(|array| array.is_null(row));
            keys.into_iter().enumerate().map(|(row, key)| (!is_null(row)).then_some(key)).collect()
        };
        Ok(Self {
            stored: matching(encoded(&converter, &stored)?, &stored),
            new: matching(groups.clone(), &new),
            groups,
        })
    }

    /// Whether each stored row has the key of a new one.
    pub(super) fn stored_are_new(&self) -> Vec<bool> {
        is_among(&self.stored, &self.new)
    }

    /// Whether each new row has the key of a stored one.
    pub(super) fn new_are_stored(&self) -> Vec<bool> {
        is_among(&self.new, &self.stored)
    }
}

fn is_among(keys: &[Option<Key>], others: &[Option<Key>]) -> Vec<bool> {
    let others: HashSet<&Key> = others.iter().flatten().collect();
    keys.iter().map(|key| key.as_ref().is_some_and(|key| others.contains(key))).collect()
}

/// Ranks by the values of a column: the lower rank comes first, rows without a value last. Values that went to its variants
/// have their places among them: numbers by their size, texts behind all moments, or before them with a minus.
pub(super) fn ranks(
    rows: &RecordBatch,
    column: &str,
    variants: &[String],
    descending: bool,
) -> Result<Vec<Key>> {
    let mut arrays = arrays(rows, &[&[column.to_owned()], variants].concat())?;
    if !variants.is_empty() {
        arrays.insert(0, across(&arrays)?);
    }
    let options = SortOptions { descending, nulls_first: false };
    let fields = arrays.iter().map(|array| SortField::new_with_options(array.data_type().clone(), options));
    let converter = RowConverter::new(fields.collect()).map_err(failed)?;
    encoded(&converter, &arrays)
}

/// What sorts the values of a column and of its variants together.
fn across(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let rows = 0..arrays.first().map_or(0, arrow_array::Array::len);
    if arrays.first().is_some_and(|array| array.data_type().is_numeric()) {
        let numbers = arrays.iter().filter(|array| array.data_type().is_numeric());
        let doubles: Vec<ArrayRef> =
            numbers.map(|array| cast(array, &DataType::Float64).map_err(failed)).collect::<Result<_>>()?;
        let doubles: Vec<&Float64Array> =
            doubles.iter().map(arrow_array::cast::AsArray::as_primitive).collect();
        let first = |row| doubles.iter().find(|array| array.is_valid(row)).map(|array| array.value(row));
        return Ok(Arc::new(rows.map(first).collect::<Float64Array>()));
    }
    let rank = |row| {
        let array = arrays.iter().find(|array| array.is_valid(row))?;
        let text = array.as_string_opt::<i32>().filter(|_| !Arc::ptr_eq(array, &arrays[0]));
        Some(text.map_or(0, |texts| if texts.value(row).starts_with('-') { -1 } else { 1 }))
    };
    Ok(Arc::new(rows.map(rank).collect::<Int8Array>()))
}

fn arrays(rows: &RecordBatch, columns: &[String]) -> Result<Vec<ArrayRef>> {
    let array = |name: &String| {
        let array = rows.column_by_name(name);
        array.map(Arc::clone).ok_or_else(|| Error::internal("a key has no column").at_column(name))
    };
    columns.iter().map(array).collect()
}

fn encoded(converter: &RowConverter, arrays: &[ArrayRef]) -> Result<Vec<Key>> {
    let rows = converter.convert_columns(arrays).map_err(failed)?;
    Ok(rows.iter().map(|row| Key::from(row.as_ref())).collect())
}
