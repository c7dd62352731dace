//! What DuckDB's catalogue knows.

use ::duckdb::Connection;
use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use windlass_core::{Error, Result};

use super::super::catalog::{ColumnShape, ForeignKey, Relation, TableShape};
use super::super::database::Dialect;
use super::super::query::{bare, text_literal};
use super::connection::{Place, problem};
use super::declared::sql_type;
use crate::config::unknown_name;

/// What keeps the parts of a list of names apart in a text.
const SEPARATOR: char = '\u{1}';

/// The rows of a query as texts.
pub(super) fn texts(
    connection: &Connection,
    place: &Place,
    what: &str,
    query: &str,
) -> Result<Vec<Vec<Option<String>>>> {
    let failed = |cause| problem(what, &place.location, cause);
    let mut statement = connection.prepare(query).map_err(failed)?;
    let batches: Vec<RecordBatch> = statement.query_arrow([]).map_err(failed)?.collect();
    let mut rows = Vec::new();
    let options = FormatOptions::new();
    for batch in &batches {
        let shown = |cause| Error::internal("a value of DuckDB cannot be shown").with_source(cause);
        let columns = batch.columns().iter();
        let formatters = columns
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(shown)?;
        for row in 0..batch.num_rows() {
            let value = |(column, formatter): (&arrow_array::ArrayRef, &ArrayFormatter<'_>)| {
                (!column.is_null(row)).then(|| formatter.value(row).to_string())
            };
            rows.push(batch.columns().iter().zip(&formatters).map(value).collect());
        }
    }
    Ok(rows)
}

const CATALOGUE: &str = "read the tables of";

fn literal(text: &str) -> String {
    text_literal(Dialect::DuckDb, text)
}

/// A schema that exists; `main` for `None`. Errors: there is no such schema.
fn schema_name(connection: &Connection, place: &Place, schema: Option<&str>) -> Result<String> {
    let Some(schema) = schema else { return Ok("main".to_owned()) };
    let sql =
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal";
    let known = texts(connection, place, CATALOGUE, sql)?;
    let known: Vec<String> = known.into_iter().flatten().flatten().collect();
    if schema == "main" || known.iter().any(|name| name == schema) {
        return Ok(schema.to_owned());
    }
    Err(unknown_name("schema", schema, known.iter().map(String::as_str).chain(["main"])))
}

pub(super) fn relations(
    connection: &Connection,
    place: &Place,
    schema: Option<&str>,
) -> Result<Vec<Relation>> {
    let schema = literal(&schema_name(connection, place, schema)?);
    let of = |function: &str, name: &str, is_view: bool| {
        format!(
            "SELECT {name}, {is_view} FROM {function}() \
             WHERE database_name = current_database() AND schema_name = {schema} AND NOT internal"
        )
    };
    let sql = format!(
        "{} UNION ALL {} ORDER BY 1",
        of("duckdb_tables", "table_name", false),
        of("duckdb_views", "view_name", true)
    );
    let rows = texts(connection, place, CATALOGUE, &sql)?;
    let relation = |row: Vec<Option<String>>| {
        let mut row = row.into_iter().flatten();
        Some(Relation { name: row.next()?, is_view: row.next()? == "true" })
    };
    Ok(rows.into_iter().filter_map(relation).collect())
}

pub(super) fn reflect(
    connection: &Connection,
    place: &Place,
    schema: Option<&str>,
    names: &[String],
) -> Result<Vec<TableShape>> {
    let known = relations(connection, place, schema)?;
    let schema_text = literal(&schema_name(connection, place, schema)?);
    let mut shapes = Vec::new();
    for name in names {
        let Some(relation) = known.iter().find(|relation| relation.name == *name) else { continue };
        let place_of = format!(
            "database_name = current_database() AND schema_name = {schema_text} AND table_name = {}",
            literal(name)
        );
        let sql = format!(
            "SELECT column_name, is_nullable, data_type FROM duckdb_columns() WHERE {place_of} ORDER BY column_index"
        );
        let columns = texts(connection, place, CATALOGUE, &sql)?;
        let columns: Vec<ColumnShape> = columns.into_iter().filter_map(shape).collect();
        let (primary_key, foreign_keys) = constraints(connection, place, &place_of)?;
        shapes.push(TableShape {
            schema: schema.map(str::to_owned),
            name: name.clone(),
            is_view: relation.is_view,
            // DuckDB knows the least and the greatest value of each block of each column.
            indexed: columns.iter().map(|column| column.name.clone()).collect(),
            columns,
            primary_key,
            foreign_keys,
        });
    }
    Ok(shapes)
}

/// A column from its name, whether it can be null, and its type.
fn shape(row: Vec<Option<String>>) -> Option<ColumnShape> {
    let mut row = row.into_iter().flatten();
    let (name, nullable, declared) = (row.next()?, row.next()?, row.next()?);
    Some(ColumnShape { name, is_nullable: nullable == "true", sql_type: sql_type(&declared), declared })
}

fn constraints(
    connection: &Connection,
    place: &Place,
    place_of: &str,
) -> Result<(Vec<String>, Vec<ForeignKey>)> {
    let list = |column: &str| format!("array_to_string({column}, chr({}))", u32::from(SEPARATOR));
    let sql = format!(
        "SELECT constraint_type, {}, coalesce(referenced_table, ''), coalesce({}, '') FROM duckdb_constraints() \
         WHERE {place_of} AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') ORDER BY constraint_index",
        list("constraint_column_names"),
        list("referenced_column_names")
    );
    let names = |text: &str| text.split(SEPARATOR).map(str::to_owned).collect::<Vec<_>>();
    let (mut primary_key, mut foreign_keys) = (Vec::new(), Vec::new());
    for row in texts(connection, place, CATALOGUE, &sql)? {
        let row: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
        match row.as_slice() {
            [kind, columns, ..] if kind == "PRIMARY KEY" => primary_key = names(columns),
            [_, columns, table, referenced] => foreign_keys.push(ForeignKey {
                referenced_schema: None,
                referenced_table: table.clone(),
                columns: names(columns),
                referenced_columns: names(referenced),
            }),
            _ => {}
        }
    }
    Ok((primary_key, foreign_keys))
}

pub(super) fn describe(connection: &Connection, place: &Place, query: &str) -> Result<Vec<ColumnShape>> {
    let sql = format!("SELECT column_name, true, column_type FROM (DESCRIBE {}\n)", bare(query));
    Ok(texts(connection, place, "query", &sql)?.into_iter().filter_map(shape).collect())
}
