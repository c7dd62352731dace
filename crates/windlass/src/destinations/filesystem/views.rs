//! SQL over files: an in-memory DuckDB with one view per table, and nothing else that it could open.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use ::duckdb::Connection;
use windlass_core::Result;
use windlass_core::normalize::{TypeDefaults, with_held_digits};
use windlass_core::schema::Column;
use windlass_core::sql::Dialect;
use windlass_core::value::DataType;

use super::tables::FileTable;
use crate::destination::Dataset;
use crate::destinations::duckdb::{self, check, close_to_others, database_error};
use crate::rows::RowStream;

const DIALECT: Dialect = Dialect::DuckDb;

/// The rows of a query over tables and their files. Errors: SQL that fails, or does more than read.
pub(super) async fn stream(
    dataset: Dataset,
    types: TypeDefaults,
    tables: Vec<FileTable>,
    sql: String,
    location: String,
) -> Result<RowStream> {
    let (place, query) = (location.clone(), sql.clone());
    let open = move || {
        let connection = open(&dataset, &types, &tables, &place)?;
        check(&connection, &query, &place)?;
        let files = tables.into_iter().flat_map(|table| table.files);
        // A path is checked once as the pattern that it is asked for by, once as what that finds.
        let files: Vec<PathBuf> = files.flat_map(|file| [exactly(&file).into(), file]).collect();
        close_to_others(&connection, &files, &place)?;
        Ok(connection)
    };
    duckdb::stream(sql, location, None, open).await
}

/// A database with a view for each table.
fn open(dataset: &Dataset, types: &TypeDefaults, tables: &[FileTable], location: &str) -> Result<Connection> {
    let failed = |cause| database_error("read", location, cause);
    let connection = Connection::open_in_memory().map_err(failed)?;
    let name = DIALECT.quote(&dataset.name);
    connection.execute_batch(&format!("CREATE SCHEMA {name}; USE {name}")).map_err(failed)?;
    drop(connection.execute_batch("SET TimeZone = 'UTC'"));
    for table in tables {
        let view = view(table, types)?;
        connection.execute_batch(&view).map_err(failed).map_err(|e| e.at_table(&table.name))?;
    }
    Ok(connection)
}

/// The path as a pattern that only matches itself: names of tables may hold signs of patterns.
fn exactly(file: &Path) -> String {
    let mut pattern = String::new();
    for c in file.display().to_string().chars() {
        if matches!(c, '*' | '?' | '[') {
            pattern.extend(['[', c, ']']);
        } else {
            pattern.push(c);
        }
    }
    pattern
}

/// The view over the files of a table, which may be of several formats.
fn view(table: &FileTable, types: &TypeDefaults) -> Result<String> {
    let of = |format: Format| {
        let files: Vec<&Path> =
            table.files.iter().map(PathBuf::as_path).filter(|file| Format::of(file) == format).collect();
        (!files.is_empty()).then(|| selection(format, &files, &table.columns, types))
    };
    let parts: Vec<String> =
        [Format::Parquet, Format::Csv, Format::Jsonl].into_iter().filter_map(of).collect::<Result<_>>()?;
    let body = parts.join(" UNION ALL BY NAME ");
    Ok(format!("CREATE VIEW {} AS {body}", DIALECT.quote(&table.name)))
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Parquet,
    Csv,
    Jsonl,
}

impl Format {
    /// The format that the name of a file tells.
    fn of(file: &Path) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_end_matches(".gz");
        if name.ends_with(".parquet") {
            Self::Parquet
        } else if name.ends_with(".csv") {
            Self::Csv
        } else {
            Self::Jsonl
        }
    }
}

/// The rows of the files of one format.
fn selection(format: Format, files: &[&Path], columns: &[Column], types: &TypeDefaults) -> Result<String> {
    let list: Vec<String> = files.iter().map(|file| DIALECT.literal(&exactly(file))).collect();
    let list = list.join(", ");
    let own = TypeDefaults { max_decimal_precision: 38, ..*types };
    let literal = |name: &str| DIALECT.literal(name);
    let typed = || {
        let entry = |column: &Column| {
            let data_type = match column.data_type {
                Some(DataType::Binary) => "VARCHAR".to_owned(),
                // Files hold more digits than DuckDB has.
                _ if matches!(with_held_digits(column, &own), Cow::Owned(_)) => "VARCHAR".to_owned(),
                _ => DIALECT.column_type(column, types)?,
            };
            Ok(format!("{}: '{data_type}'", literal(&column.name)))
        };
        columns.iter().map(entry).collect::<Result<Vec<_>>>().map(|entries| entries.join(", "))
    };
    let selected = |column: &Column| {
        let name = DIALECT.quote(&column.name);
        match column.data_type {
            Some(DataType::Binary) => format!("from_base64({name}) AS {name}"),
            _ => name,
        }
    };
    Ok(match format {
        Format::Parquet => format!("SELECT * FROM read_parquet([{list}], union_by_name = true)"),
        Format::Csv => {
            let is_text = |column: &&Column| column.data_type == Some(DataType::Text);
            let texts: Vec<String> =
                columns.iter().filter(is_text).map(|column| literal(&column.name)).collect();
            format!(
                "SELECT * FROM read_csv([{list}], header = true, union_by_name = true, null_padding = true, \
                 force_not_null = [{}], types = {{{}}})",
                texts.join(", "),
                typed()?
            )
        }
        Format::Jsonl => format!(
            "SELECT {} FROM read_json([{list}], format = 'newline_delimited', columns = {{{}}})",
            columns.iter().map(selected).collect::<Vec<_>>().join(", "),
            typed()?
        ),
    })
}
