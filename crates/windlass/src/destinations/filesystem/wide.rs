//! Decimals of more than 38 digits in Parquet files. DuckDB reads them wrongly or as doubles, so that they are read here, as
//! texts, and stand in a table of their own beside the files.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ::duckdb::Connection;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use windlass_core::normalize::{TypeDefaults, arrow_field};
use windlass_core::schema::Column;
use windlass_core::sql::Dialect;
use windlass_core::{Error, Result};

use crate::store::{Chunks, Key, Local};

const DIALECT: Dialect = Dialect::DuckDb;

/// Whether a column has more digits than DuckDB.
pub(super) fn is_wide(column: &Column, types: &TypeDefaults) -> bool {
    matches!(arrow_field(column, types).data_type(), DataType::Decimal256(..))
}

/// Makes a temporary table with the texts of columns, by file and row. Errors: a file that cannot be read.
pub(super) fn create(connection: &Connection, table: &str, columns: &[&str], files: &[&Path]) -> Result<()> {
    let failed = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::destination("cannot read decimals of more than 38 digits").with_source(cause)
    };
    let copy = tempfile::NamedTempFile::new().map_err(|cause| failed(cause.into()))?;
    let mut fields =
        vec![Field::new("file", DataType::Utf8, false), Field::new("row", DataType::Int64, false)];
    fields.extend(columns.iter().map(|column| Field::new(*column, DataType::Utf8, true)));
    let schema = Arc::new(Schema::new(fields));
    let out = copy.reopen().map_err(|cause| failed(cause.into()))?;
    let mut writer =
        ArrowWriter::try_new(out, Arc::clone(&schema), None).map_err(|cause| failed(cause.into()))?;
    for file in files {
        write_texts(&mut writer, &schema, columns, file)
            .map_err(failed)
            .map_err(|error| error.at_file(file.display().to_string()))?;
    }
    writer.close().map_err(|cause| failed(cause.into()))?;
    let path = DIALECT.literal(&copy.path().display().to_string());
    let sql =
        format!("CREATE TEMP TABLE {} AS SELECT * FROM read_parquet({path})", DIALECT.quote(&name(table)));
    connection.execute_batch(&sql).map_err(|cause| failed(cause.into()))
}

/// The rows of Parquet files whose wide columns come from the temporary table.
pub(super) fn selection(table: &str, columns: &[&str], list: &str) -> String {
    let replaced = columns.iter().map(|column| {
        let column = DIALECT.quote(column);
        format!("w.{column} AS {column}")
    });
    format!(
        "SELECT p.* EXCLUDE (filename, file_row_number) REPLACE ({}) FROM read_parquet([{list}], union_by_name = true, \
         filename = true, file_row_number = true) p LEFT JOIN {} w ON w.file = p.filename AND w.row = p.file_row_number",
        replaced.collect::<Vec<_>>().join(", "),
        DIALECT.quote(&name(table))
    )
}

fn name(table: &str) -> String {
    format!("_windlass_wide_{table}")
}

fn write_texts(
    writer: &mut ArrowWriter<impl Write + Send>,
    schema: &Arc<Schema>,
    columns: &[&str],
    file: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Chunks::open(&Local::new(file), &Key::root())?)?;
    let fields = builder.schema().fields().iter().enumerate();
    let roots = fields.filter(|(_, field)| columns.contains(&field.name().as_str())).map(|(root, _)| root);
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots.collect::<Vec<_>>());
    let mut row = 0;
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let rows = batch.num_rows();
        let next = row + i64::try_from(rows)?;
        let mut out: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![file.display().to_string(); rows])),
            Arc::new(Int64Array::from_iter_values(row..next)),
        ];
        for column in columns {
            out.push(match batch.column_by_name(column) {
                Some(values) => cast(values, &DataType::Utf8)?,
                None => new_null_array(&DataType::Utf8, rows),
            });
        }
        writer.write(&RecordBatch::try_new(Arc::clone(schema), out)?)?;
        row = next;
    }
    Ok(())
}
