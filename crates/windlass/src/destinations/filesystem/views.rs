//! SQL over files: an in-memory DuckDB with one view per table, and nothing else that it could open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ::duckdb::Connection;
use windlass_core::normalize::TypeDefaults;
use windlass_core::schema::Column;
use windlass_core::sql::DUCKDB;
use windlass_core::value::DataType;
use windlass_core::{Error, Result};

use super::tables::FileTable;
use super::wide::{self, is_wide};
use crate::destination::Dataset;
use crate::destinations::duckdb::{self, check, close_to_others, database_error};
use crate::rows::RowStream;

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
        let asked = query.to_lowercase();
        let is_asked = |table: &str| asked.contains(&table.to_lowercase().replace('"', "\"\""));
        let (connection, unreadable) = open(&dataset, &types, &tables, is_asked, &place)?;
        check(&connection, &query, &place).map_err(|error| unreadable.unwrap_or(error))?;
        let files = tables.into_iter().flat_map(|table| table.files);
        // A path is checked once as the pattern that it is asked for by, once as what that finds.
        let files: Vec<PathBuf> = files.flat_map(|file| [exactly(&file).into(), file]).collect();
        close_to_others(&connection, &files, &place)?;
        Ok(connection)
    };
    duckdb::stream(sql, location, None, open).await
}

/// A database with a view for each table, and why one that may be asked for has none: it stands in no other's way.
fn open(
    dataset: &Dataset,
    types: &TypeDefaults,
    tables: &[FileTable],
    is_asked: impl Fn(&str) -> bool,
    location: &str,
) -> Result<(Connection, Option<Error>)> {
    let failed = |cause| database_error("read", location, cause);
    let connection = Connection::open_in_memory().map_err(failed)?;
    let name = DUCKDB.quote(&dataset.name);
    connection.execute_batch(&format!("CREATE SCHEMA {name}; USE {name}")).map_err(failed)?;
    drop(connection.execute_batch("SET TimeZone = 'UTC'"));
    let mut unreadable = None;
    for table in tables {
        let is_asked = is_asked(&table.name);
        let create = || connection.execute_batch(&view(&connection, table, types, is_asked)?).map_err(failed);
        match create() {
            Err(error) if is_asked => drop(unreadable.get_or_insert(error.at_table(&table.name))),
            _ => {}
        }
    }
    Ok((connection, unreadable))
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

/// The view over the files of a table, which may be of several formats. What takes long is done for tables that are asked
/// for alone.
fn view(connection: &Connection, table: &FileTable, types: &TypeDefaults, is_asked: bool) -> Result<String> {
    let of = |format: Format| {
        let files: Vec<&Path> =
            table.files.iter().map(PathBuf::as_path).filter(|file| Format::of(file) == format).collect();
        let wide = table
            .columns
            .iter()
            .filter(|column| is_asked && format == Format::Parquet && is_wide(column, types));
        let wide: Vec<&str> = wide.map(|column| column.name.as_str()).collect();
        match (files.is_empty(), wide.is_empty()) {
            (true, _) => None,
            (_, true) => Some(selection(format, &files, &table.columns, types)),
            _ => Some(
                wide::create(connection, &table.name, &wide, &files)
                    .map(|()| wide::selection(&table.name, &wide, &list(&files))),
            ),
        }
    };
    let parts: Vec<String> =
        [Format::Parquet, Format::Csv, Format::Jsonl].into_iter().filter_map(of).collect::<Result<_>>()?;
    let body = parts.join(" UNION ALL BY NAME ");
    Ok(format!("CREATE VIEW {} AS {body}", DUCKDB.quote(&table.name)))
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

/// The paths of files as texts of SQL.
fn list(files: &[&Path]) -> String {
    files.iter().map(|file| DUCKDB.literal(&exactly(file))).collect::<Vec<_>>().join(", ")
}

/// The rows of the files of one format.
fn selection(format: Format, files: &[&Path], columns: &[Column], types: &TypeDefaults) -> Result<String> {
    let list = list(files);
    let literal = |name: &str| DUCKDB.literal(name);
    let names = told_apart(columns);
    let typed = || {
        let entry = |(column, name): (&Column, &String)| {
            Ok(format!("{}: '{}'", literal(name), read_type(column, types)?))
        };
        columns.iter().zip(&names).map(entry).collect::<Result<Vec<_>>>().map(|entries| entries.join(", "))
    };
    Ok(match format {
        Format::Parquet => format!("SELECT * FROM read_parquet([{list}], union_by_name = true)"),
        Format::Csv => {
            let is_text = |(column, _): &(&Column, &String)| column.data_type == Some(DataType::Text);
            let texts: Vec<String> =
                columns.iter().zip(&names).filter(is_text).map(|(_, name)| literal(name)).collect();
            let is_date = |(column, _): &(&Column, &String)| column.data_type == Some(DataType::Date);
            let dates: Vec<String> = columns
                .iter()
                .zip(&names)
                .filter(is_date)
                .map(|(column, name)| decoded(column, &DUCKDB.quote(name), &DUCKDB.quote(name)))
                .collect();
            let dates =
                if dates.is_empty() { String::new() } else { format!(" REPLACE ({})", dates.join(", ")) };
            format!(
                "SELECT *{dates} FROM read_csv([{list}], header = true, union_by_name = true, null_padding = true, \
                 force_not_null = [{}], types = {{{}}})",
                texts.join(", "),
                typed()?
            )
        }
        Format::Jsonl if columns.iter().zip(&names).any(|(column, name)| column.name != *name) => {
            let selected = |(column, name): (&Column, &String)| {
                let path = literal(&format!("$.\"{}\"", column.name.replace('"', "\\\"")));
                let value = match column.data_type {
                    Some(DataType::Json) => format!("json -> {path}"),
                    _ => format!("json ->> {path}"),
                };
                let value = format!("CAST({value} AS {})", read_type(column, types)?);
                Ok(decoded(column, &value, &DUCKDB.quote(name)))
            };
            let selected: Vec<String> = columns.iter().zip(&names).map(selected).collect::<Result<_>>()?;
            format!(
                "SELECT {} FROM read_json_objects([{list}], format = 'newline_delimited')",
                selected.join(", ")
            )
        }
        Format::Jsonl => {
            let selected = columns.iter().map(|column| {
                let name = DUCKDB.quote(&column.name);
                decoded(column, &name, &name)
            });
            format!(
                "SELECT {} FROM read_json([{list}], format = 'newline_delimited', columns = {{{}}})",
                selected.collect::<Vec<_>>().join(", "),
                typed()?
            )
        }
    })
}

/// The type that a column of a file is read as.
fn read_type(column: &Column, types: &TypeDefaults) -> Result<String> {
    match column.data_type {
        // DuckDB reads no sign before years beyond 9999.
        Some(DataType::Binary | DataType::Date) => Ok("VARCHAR".to_owned()),
        // Files hold more digits than DuckDB has.
        _ if is_wide(column, types) => Ok("VARCHAR".to_owned()),
        _ => DUCKDB.column_type(column, types),
    }
}

/// A value of a text file under its name.
fn decoded(column: &Column, value: &str, name: &str) -> String {
    match column.data_type {
        Some(DataType::Binary) => format!("from_base64({value}) AS {name}"),
        Some(DataType::Date) => format!("CAST(ltrim({value}, '+') AS DATE) AS {name}"),
        _ if value == name => name.to_owned(),
        _ => format!("{value} AS {name}"),
    }
}

/// The names of the columns as DuckDB has them: it does not tell them apart by case, and numbers those that it meets again.
fn told_apart(columns: &[Column]) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut names = Vec::new();
    for column in columns {
        let mut name = column.name.clone();
        while let Some(count) = counts.get_mut(&name.to_ascii_lowercase()) {
            name = format!("{name}_{count}");
            *count += 1;
        }
        counts.insert(name.to_ascii_lowercase(), 1);
        names.push(name);
    }
    names
}
