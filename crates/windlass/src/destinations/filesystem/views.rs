//! SQL over files: an in-memory DuckDB with one view per table.

use std::path::PathBuf;
use std::sync::Arc;

use ::duckdb::Connection;
use windlass_core::Result;
use windlass_core::normalize::TypeDefaults;
use windlass_core::schema::Table;
use windlass_core::sql::Dialect;
use windlass_core::value::DataType;

use crate::destination::Dataset;
use crate::destinations::duckdb::{self, database_error};
use crate::rows::RowStream;

const DIALECT: Dialect = Dialect::DuckDb;

/// The rows of a query over tables and their files. Errors: SQL that fails.
pub(super) async fn stream(
    dataset: Dataset,
    types: TypeDefaults,
    tables: Vec<(Arc<Table>, Vec<PathBuf>)>,
    sql: String,
    location: String,
) -> Result<RowStream> {
    let place = location.clone();
    duckdb::stream(sql, location, None, move || open(&dataset, &types, &tables, &place)).await
}

/// A database with a view for each table.
fn open(
    dataset: &Dataset,
    types: &TypeDefaults,
    tables: &[(Arc<Table>, Vec<PathBuf>)],
    location: &str,
) -> Result<Connection> {
    let failed = |cause| database_error("read", location, cause);
    let connection = Connection::open_in_memory().map_err(failed)?;
    let name = DIALECT.quote(&dataset.name);
    connection.execute_batch(&format!("CREATE SCHEMA {name}; USE {name}")).map_err(failed)?;
    drop(connection.execute_batch("SET TimeZone = 'UTC'"));
    for (table, files) in tables {
        let view = view(table, files, types)?;
        connection.execute_batch(&view).map_err(failed).map_err(|e| e.at_table(&table.name))?;
    }
    Ok(connection)
}

/// The view over the files of a table. The first file tells the format of all.
fn view(table: &Table, files: &[PathBuf], types: &TypeDefaults) -> Result<String> {
    let list: Vec<String> = files.iter().map(|file| DIALECT.literal(&file.display().to_string())).collect();
    let list = list.join(", ");
    let first = files.first().map(|file| file.display().to_string()).unwrap_or_default();
    let columns: Vec<_> = table.complete_columns().collect();
    let typed = |quote: fn(&str) -> String| {
        let entry = |column: &&windlass_core::schema::Column| {
            let data_type = match column.data_type {
                Some(DataType::Binary) => "VARCHAR".to_owned(),
                _ => DIALECT.column_type(column, types)?,
            };
            Ok(format!("{}: '{data_type}'", quote(&column.name)))
        };
        columns.iter().map(entry).collect::<Result<Vec<_>>>().map(|entries| entries.join(", "))
    };
    let key = |name: &str| DIALECT.literal(name);
    let select: Vec<String> = columns
        .iter()
        .map(|column| {
            let name = DIALECT.quote(&column.name);
            match column.data_type {
                Some(DataType::Binary) => format!("from_base64({name}) AS {name}"),
                _ => name,
            }
        })
        .collect();
    let body = if first.ends_with(".parquet") {
        format!("SELECT * FROM read_parquet([{list}], union_by_name = true)")
    } else if first.contains(".csv") {
        let texts: Vec<String> = columns
            .iter()
            .filter(|column| column.data_type == Some(DataType::Text))
            .map(|column| key(&column.name))
            .collect();
        format!(
            "SELECT * FROM read_csv([{list}], header = true, union_by_name = true, null_padding = true, \
             force_not_null = [{}], types = {{{}}})",
            texts.join(", "),
            typed(|name| DIALECT.literal(name))?
        )
    } else {
        format!(
            "SELECT {} FROM read_json([{list}], format = 'newline_delimited', columns = {{{}}})",
            select.join(", "),
            typed(|name| DIALECT.literal(name))?
        )
    };
    Ok(format!("CREATE VIEW {} AS {body}", DIALECT.quote(&table.name)))
}
