//! What the server's catalogue says of tables, by a few queries for all of them.

use indexmap::IndexMap;
use tokio_postgres::Row;
use windlass_core::{Error, Result};

use super::super::catalog::{ColumnShape, ForeignKey, Relation, TableShape};
use super::client::Client;
use super::error::failed;
use super::types::{self, TypeFacts};

/// The schema that is meant: the given one, or the connection's.
const SCHEMA: &str = "coalesce($1::text, pg_catalog.current_schema()::text)";

fn get<'a, T: tokio_postgres::types::FromSql<'a>>(client: &Client, row: &'a Row, index: usize) -> Result<T> {
    row.try_get(index).map_err(failed("read the catalogue of", &client.location))
}

/// Tables and views by name. Partitions are left out: their rows are those of the table above.
pub(super) async fn relations(client: &Client, schema: Option<&str>) -> Result<Vec<Relation>> {
    let failed = failed("read the catalogue of", &client.location);
    let sql = format!("SELECT n.nspname::text FROM pg_catalog.pg_namespace n WHERE n.nspname = {SCHEMA}");
    if client.client.query(&sql, &[&schema]).await.map_err(failed)?.is_empty() {
        return Err(missing_schema(client, schema).await?);
    }
    let sql = format!(
        "SELECT c.relname::text, c.relkind IN ('v', 'm') FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {SCHEMA} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
         ORDER BY c.relname"
    );
    let rows = client.client.query(&sql, &[&schema]).await.map_err(failed)?;
    rows.iter()
        .map(|row| Ok(Relation { name: get(client, row, 0)?, is_view: get(client, row, 1)? }))
        .collect()
}

async fn missing_schema(client: &Client, schema: Option<&str>) -> Result<Error> {
    let sql = "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1";
    let names: Vec<String> = client.texts(sql).await?.into_iter().flatten().flatten().collect();
    Ok(match schema {
        Some(schema) => crate::config::unknown_name("schema", schema, names.iter().map(String::as_str)),
        None => Error::config(format!("{} has no default schema for this user", client.location))
            .with_hint(format!("set `schema`: there are {}", names.join(", "))),
    })
}

/// The descriptions of tables, in the order given; what does not exist is left out.
pub(super) async fn reflect(
    client: &Client,
    schema: Option<&str>,
    names: &[String],
) -> Result<Vec<TableShape>> {
    let failed = failed("read the catalogue of", &client.location);
    let mut shapes: IndexMap<String, TableShape> = IndexMap::new();
    let sql = format!(
        "SELECT c.relname::text, c.relkind IN ('v', 'm'), a.attname::text, \
         (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)), \
         b.oid, b.typtype::text, b.typname::text, b.typelem <> 0 AND b.typlen = -1 AND b.typcategory = 'A', \
         CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, \
         pg_catalog.format_type(a.atttypid, a.atttypmod) \
         FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
         JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END \
         WHERE n.nspname = {SCHEMA} AND c.relname = ANY($2) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
         AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
    );
    for row in client.client.query(&sql, &[&schema, &names]).await.map_err(failed)? {
        let table: String = get(client, &row, 0)?;
        let is_view = get(client, &row, 1)?;
        let kind: String = get(client, &row, 5)?;
        let name: String = get(client, &row, 6)?;
        let facts = TypeFacts {
            oid: get(client, &row, 4)?,
            kind: kind.chars().next().unwrap_or('b'),
            name: &name,
            is_array: get(client, &row, 7)?,
            modifier: get(client, &row, 8)?,
        };
        let shape = shapes.entry(table.clone()).or_insert_with(|| TableShape {
            schema: schema.map(str::to_owned),
            name: table,
            is_view,
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            indexed: Vec::new(),
        });
        let is_required: bool = get(client, &row, 3)?;
        shape.columns.push(ColumnShape {
            name: get(client, &row, 2)?,
            is_nullable: !is_required,
            sql_type: types::sql_type(&facts),
            declared: get(client, &row, 9)?,
        });
    }
    add_keys(client, schema, names, &mut shapes).await?;
    add_foreign_keys(client, schema, names, &mut shapes).await?;
    Ok(names.iter().filter_map(|name| shapes.shift_remove(name)).collect())
}

/// The primary key, and the columns that an index begins with. A partial index finds only some rows.
async fn add_keys(
    client: &Client,
    schema: Option<&str>,
    names: &[String],
    shapes: &mut IndexMap<String, TableShape>,
) -> Result<()> {
    let sql = format!(
        "SELECT c.relname::text, i.indisprimary, a.attname::text, k.place::int4 FROM pg_catalog.pg_index i \
         JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
         WHERE n.nspname = {SCHEMA} AND c.relname = ANY($2) AND i.indisvalid AND i.indpred IS NULL \
         AND k.place <= i.indnkeyatts ORDER BY c.relname, NOT i.indisprimary, i.indexrelid, k.place"
    );
    let rows = client.client.query(&sql, &[&schema, &names]).await;
    for row in rows.map_err(failed("read the catalogue of", &client.location))? {
        let table: String = get(client, &row, 0)?;
        let Some(shape) = shapes.get_mut(&table) else { continue };
        let (is_primary, column, place): (bool, String, i32) =
            (get(client, &row, 1)?, get(client, &row, 2)?, get(client, &row, 3)?);
        if place == 1 && !shape.indexed.contains(&column) {
            shape.indexed.push(column.clone());
        }
        if is_primary {
            shape.primary_key.push(column);
        }
    }
    Ok(())
}

async fn add_foreign_keys(
    client: &Client,
    schema: Option<&str>,
    names: &[String],
    shapes: &mut IndexMap<String, TableShape>,
) -> Result<()> {
    let columns = |key: &str, table: &str| {
        format!(
            "ARRAY(SELECT a.attname::text FROM unnest(o.{key}) WITH ORDINALITY AS k(attnum, place) \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = o.{table} AND a.attnum = k.attnum ORDER BY k.place)"
        )
    };
    let sql = format!(
        "SELECT c.relname::text, nullif(fn.nspname::text, n.nspname::text), f.relname::text, {}, {} \
         FROM pg_catalog.pg_constraint o \
         JOIN pg_catalog.pg_class c ON c.oid = o.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_class f ON f.oid = o.confrelid \
         JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace \
         WHERE o.contype = 'f' AND n.nspname = {SCHEMA} AND c.relname = ANY($2) AND o.conparentid = 0 \
         ORDER BY c.relname, o.oid",
        columns("conkey", "conrelid"),
        columns("confkey", "confrelid"),
    );
    let rows = client.client.query(&sql, &[&schema, &names]).await;
    for row in rows.map_err(failed("read the catalogue of", &client.location))? {
        let table: String = get(client, &row, 0)?;
        let Some(shape) = shapes.get_mut(&table) else { continue };
        shape.foreign_keys.push(ForeignKey {
            referenced_schema: get(client, &row, 1)?,
            referenced_table: get(client, &row, 2)?,
            columns: get(client, &row, 3)?,
            referenced_columns: get(client, &row, 4)?,
        });
    }
    Ok(())
}

/// The columns that a query gives.
pub(super) async fn describe(client: &Client, query: &str) -> Result<Vec<ColumnShape>> {
    let statement =
        client.client.prepare(query).await.map_err(failed("understand a query of", &client.location))?;
    if statement.columns().is_empty() {
        return Err(Error::config("the query gives no rows").with_hint("write a SELECT"));
    }
    let mut columns: Vec<ColumnShape> = Vec::new();
    for column in statement.columns() {
        if columns.iter().any(|other| other.name == column.name()) {
            return Err(Error::config(format!("the query gives two columns `{}`", column.name()))
                .with_hint("name one of them otherwise with AS"));
        }
        columns.push(ColumnShape {
            name: column.name().to_owned(),
            is_nullable: true,
            sql_type: types::of_query(column),
            declared: column.type_().name().to_owned(),
        });
    }
    Ok(columns)
}
