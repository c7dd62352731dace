//! Rows told apart by the values of some columns.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_row::{RowConverter, SortField};
use arrow_schema::SortOptions;
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

/// Ranks by the values of a column: the lower rank comes first, rows without a value last.
pub(super) fn ranks(rows: &RecordBatch, column: &str, descending: bool) -> Result<Vec<Key>> {
    let arrays = arrays(rows, &[column.to_owned()])?;
    let options = SortOptions { descending, nulls_first: false };
    let fields = arrays.iter().map(|array| SortField::new_with_options(array.data_type().clone(), options));
    let converter = RowConverter::new(fields.collect()).map_err(failed)?;
    encoded(&converter, &arrays)
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
