//! A table: batches of one schema, which only gains columns.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema as ArrowSchema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use windlass_core::normalize::{Physical, RECORD_COLUMN, TypeDefaults};
use windlass_core::schema::Table;
use windlass_core::{Error, Result};

/// The rows of a table.
#[derive(Clone, Debug)]
pub(super) struct MemoryTable {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Default for MemoryTable {
    fn default() -> Self {
        Self { schema: Arc::new(ArrowSchema::empty()), batches: Vec::new() }
    }
}

impl MemoryTable {
    /// Whether there is a column with this name.
    pub(super) fn has(&self, column: &str) -> bool {
        self.schema.column_with_name(column).is_some()
    }

    /// The rows in their batches; at least one batch, which tells the columns.
    pub(super) fn batches(&self) -> Vec<RecordBatch> {
        match self.batches.as_slice() {
            [] => vec![RecordBatch::new_empty(Arc::clone(&self.schema))],
            batches => batches.to_vec(),
        }
    }

    /// All rows in one batch.
    pub(super) fn whole(&self) -> Result<RecordBatch> {
        concat_batches(&self.schema, &self.batches).map_err(failed)
    }

    /// Adds the columns that the definition has and this does not; stored rows have no value in them.
    pub(super) fn widen(&mut self, definition: &Table, types: &TypeDefaults) -> Result<()> {
        let new: Vec<Field> = definition
            .complete_columns()
            .filter(|column| !self.has(&column.name))
            .map(|column| Field::new(&column.name, Physical::of(column, types).arrow_type(), true))
            .collect();
        self.add_fields(new)
    }

    /// Adds the column that numbers the records of new rows.
    pub(super) fn number_records(&mut self) -> Result<()> {
        let field = Field::new(RECORD_COLUMN, DataType::Int64, true);
        self.add_fields(if self.has(RECORD_COLUMN) { Vec::new() } else { vec![field] })
    }

    fn add_fields(&mut self, new: Vec<Field>) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let fields = self.schema.fields().iter().map(|field| field.as_ref().clone()).chain(new);
        self.schema = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
        let batches = std::mem::take(&mut self.batches);
        self.batches = batches.iter().map(|batch| self.aligned(batch)).collect::<Result<_>>()?;
        Ok(())
    }

    /// Removes all rows.
    pub(super) fn empty(&mut self) {
        self.batches.clear();
    }

    /// Adds rows by the names of their columns. Errors: values that are of another type than the column.
    pub(super) fn append(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() > 0 {
            self.batches.push(self.aligned(rows)?);
        }
        Ok(())
    }

    /// Puts these rows in the place of all others.
    pub(super) fn replace(&mut self, rows: &[RecordBatch]) -> Result<()> {
        self.empty();
        rows.iter().try_for_each(|rows| self.append(rows))
    }

    /// The rows with the columns of this table.
    pub(super) fn aligned(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let column = |field: &Arc<Field>| -> Result<ArrayRef> {
            match rows.column_by_name(field.name()) {
                None => Ok(new_null_array(field.data_type(), rows.num_rows())),
                Some(array) if array.data_type() == field.data_type() => Ok(Arc::clone(array)),
                Some(array) => {
                    cast(array, field.data_type()).map_err(|cause| failed(cause).at_column(field.name()))
                }
            }
        };
        let arrays = self.schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        with_columns(Arc::clone(&self.schema), arrays, rows.num_rows())
    }
}

/// A batch of these columns, of which there may be none. Errors: none but an internal one.
pub(super) fn with_columns(schema: SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, arrays, &options).map_err(failed)
}

/// The rows for which `keeps` is true.
pub(super) fn filtered(rows: &RecordBatch, keeps: &[bool]) -> Result<RecordBatch> {
    filter_record_batch(rows, &BooleanArray::from(keeps.to_vec())).map_err(failed)
}

/// The values of a column as texts; none if there is no such column.
pub(super) fn texts(rows: &RecordBatch, column: &str) -> Result<Vec<Option<String>>> {
    use arrow_array::cast::AsArray as _;
    let Some(array) = rows.column_by_name(column) else { return Ok(vec![None; rows.num_rows()]) };
    // A text with a zone would need the names of all zones; times with a zone are of UTC everywhere.
    let array = match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => cast(array, &DataType::Timestamp(*unit, None)),
        _ => Ok(Arc::clone(array)),
    };
    let array = array
        .and_then(|array| cast(&array, &DataType::Utf8))
        .map_err(|cause| failed(cause).at_column(column))?;
    Ok(array.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
}

/// The error for rows that cannot be handled as their schema says.
pub(super) fn failed(cause: ArrowError) -> Error {
    Error::internal("rows in memory do not fit their columns").with_source(cause)
}
