//! What SQLite's catalogue knows, and what only the values know.

use rusqlite::{Connection, Row};
use windlass_core::Result;

use super::super::catalog::{ColumnShape, ForeignKey, Relation, TableShape};
use super::super::database::Dialect;
use super::super::query::{bare, quote};
use super::connection::{Place, problem};
use super::declared::{Declared, Kinds, declared};
use crate::config::unknown_name;

/// A hidden column of a virtual table, which `SELECT *` leaves out.
const HIDDEN: i64 = 1;

/// The rows of a query about the catalogue.
fn all<T>(
    connection: &Connection,
    place: &Place,
    sql: &str,
    parameters: &[&str],
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let failed = |cause| problem("read the tables of", &place.location, cause);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let rows = statement.query_map(rusqlite::params_from_iter(parameters), read).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

/// The name of a schema that exists; `main` for `None`. Errors: there is no such database.
fn schema_name(connection: &Connection, place: &Place, schema: Option<&str>) -> Result<String> {
    let Some(schema) = schema else { return Ok("main".to_owned()) };
    let known: Vec<String> =
        all(connection, place, "SELECT name FROM pragma_database_list", &[], |row| row.get(0))?;
    if known.iter().any(|name| name == schema) || schema == "temp" {
        return Ok(schema.to_owned());
    }
    Err(unknown_name("attached database", schema, known.iter().map(String::as_str)))
}

pub(super) fn relations(
    connection: &Connection,
    place: &Place,
    schema: Option<&str>,
) -> Result<Vec<Relation>> {
    let schema = quote(Dialect::Sqlite, &schema_name(connection, place, schema)?);
    let sql = format!(
        "SELECT name, type = 'view' FROM {schema}.sqlite_master \
         WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name"
    );
    all(connection, place, &sql, &[], |row| Ok(Relation { name: row.get(0)?, is_view: row.get(1)? }))
}

pub(super) fn reflect(
    connection: &Connection,
    place: &Place,
    schema: Option<&str>,
    names: &[String],
) -> Result<Vec<TableShape>> {
    let known = relations(connection, place, schema)?;
    let schema_name = schema_name(connection, place, schema)?;
    let mut shapes = Vec::new();
    for name in names {
        let Some(relation) = known.iter().find(|relation| relation.name == *name) else { continue };
        let columns = columns(connection, place, &schema_name, name)?;
        let mut key: Vec<(i64, String)> = columns
            .iter()
            .filter(|(_, key)| *key > 0)
            .map(|(column, key)| (*key, column.name.clone()))
            .collect();
        key.sort_unstable();
        let primary_key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
        let mut indexed: Vec<String> = primary_key.first().cloned().into_iter().collect();
        let leading = all(
            connection,
            place,
            "SELECT i.name FROM pragma_index_list(?1, ?2) AS l, pragma_index_info(l.name, ?2) AS i \
             WHERE i.seqno = 0 AND l.partial = 0 AND i.name IS NOT NULL",
            &[name, &schema_name],
            |row| row.get::<_, String>(0),
        )?;
        indexed.extend(leading);
        indexed.sort_unstable();
        indexed.dedup();
        shapes.push(TableShape {
            schema: schema.map(str::to_owned),
            name: name.clone(),
            is_view: relation.is_view,
            columns: columns.into_iter().map(|(column, _)| column).collect(),
            primary_key,
            foreign_keys: foreign_keys(connection, place, &schema_name, name)?,
            indexed,
        });
    }
    Ok(shapes)
}

/// The columns of a table, each with its place in the primary key, from 1.
fn columns(
    connection: &Connection,
    place: &Place,
    schema: &str,
    table: &str,
) -> Result<Vec<(ColumnShape, i64)>> {
    let sql =
        "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> ?3 ORDER BY cid";
    let failed = |cause| problem("read the tables of", &place.location, cause);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let read = |row: &Row<'_>| -> rusqlite::Result<(String, String, bool, i64)> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    };
    let found: Vec<(String, String, bool, i64)> = statement
        .query_map(rusqlite::params![table, schema, HIDDEN], read)
        .and_then(Iterator::collect)
        .map_err(failed)?;
    let from = format!("{}.{}", quote(Dialect::Sqlite, schema), quote(Dialect::Sqlite, table));
    let described = found.iter().map(|(name, declared, ..)| (name.clone(), declared.clone())).collect();
    let shapes = shapes(connection, place, described, &from)?;
    let with_key = |(shape, (_, _, not_null, key)): (ColumnShape, &(String, String, bool, i64))| {
        (ColumnShape { is_nullable: !not_null, ..shape }, *key)
    };
    Ok(shapes.into_iter().zip(&found).map(with_key).collect())
}

/// Columns by their declared types. Where these say nothing, the values do: `from` is looked through once.
fn shapes(
    connection: &Connection,
    place: &Place,
    described: Vec<(String, String)>,
    from: &str,
) -> Result<Vec<ColumnShape>> {
    let types: Vec<Declared> = described.iter().map(|(_, text)| declared(text)).collect();
    let unknown: Vec<&str> = described
        .iter()
        .zip(&types)
        .filter(|(_, declared)| declared.needs_values())
        .map(|((name, _), _)| name.as_str())
        .collect();
    let mut kinds = kinds(connection, place, &unknown, from)?.into_iter();
    let shape = |((name, text), declared): ((String, String), Declared)| {
        let kinds = if declared.needs_values() { kinds.next() } else { None };
        ColumnShape {
            name,
            is_nullable: true,
            sql_type: declared.decide(kinds.unwrap_or_default()),
            declared: text,
        }
    };
    Ok(described.into_iter().zip(types).map(shape).collect())
}

fn kinds(connection: &Connection, place: &Place, columns: &[&str], from: &str) -> Result<Vec<Kinds>> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let terms: Vec<String> = columns
        .iter()
        .map(|name| {
            let name = quote(Dialect::Sqlite, name);
            let has = |kind: &str| format!("coalesce(max(typeof({name}) = '{kind}'), 0)");
            ["integer", "real", "text", "blob"].map(has).join(", ")
        })
        .collect();
    let sql = format!("SELECT {} FROM {from}", terms.join(", "));
    let read = |row: &Row<'_>| {
        (0..columns.len())
            .map(|column| {
                let at = column * 4;
                Ok(Kinds {
                    integer: row.get(at)?,
                    real: row.get(at + 1)?,
                    text: row.get(at + 2)?,
                    blob: row.get(at + 3)?,
                })
            })
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    connection
        .query_row(&sql, [], read)
        .map_err(|cause| problem("look at the values of", &place.location, cause))
}

fn foreign_keys(
    connection: &Connection,
    place: &Place,
    schema: &str,
    table: &str,
) -> Result<Vec<ForeignKey>> {
    let rows = all(
        connection,
        place,
        "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1, ?2) ORDER BY id DESC, seq",
        &[table, schema],
        |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<String>>(3)?,
            ))
        },
    )?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    for (id, referenced_table, from, to) in rows {
        if keys.last().is_none_or(|(last, _)| *last != id) {
            let key = ForeignKey {
                referenced_schema: None,
                referenced_table: referenced_table.clone(),
                columns: Vec::new(),
                referenced_columns: Vec::new(),
            };
            keys.push((id, key));
        }
        let Some((_, key)) = keys.last_mut() else { continue };
        key.columns.push(from);
        key.referenced_columns.extend(to);
    }
    for (_, key) in &mut keys {
        // Without columns, the key of the other table is meant.
        if key.referenced_columns.is_empty() {
            key.referenced_columns = all(
                connection,
                place,
                "SELECT name FROM pragma_table_xinfo(?1, ?2) WHERE pk > 0 ORDER BY pk",
                &[&key.referenced_table, schema],
                |row| row.get(0),
            )?;
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

pub(super) fn describe(connection: &Connection, place: &Place, query: &str) -> Result<Vec<ColumnShape>> {
    let query = bare(query);
    let statement = connection.prepare(query).map_err(|cause| problem("query", &place.location, cause))?;
    let described: Vec<(String, String)> = statement
        .columns()
        .map(|column| (column.name().to_owned(), column.decl_type().unwrap_or_default().to_owned()))
        .collect();
    shapes(connection, place, described, &format!("({query}\n)"))
}
