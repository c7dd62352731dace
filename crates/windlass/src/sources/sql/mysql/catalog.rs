//! What `information_schema` knows.

use std::collections::{HashMap, HashSet};

use windlass_core::Result;
use windlass_core::sql::MYSQL;

use super::super::catalog::{ColumnShape, ForeignKey, Relation, TableShape};
use super::types::{self, Declared};
use crate::mysql::{Connection, present};

type Texts = Vec<Option<String>>;

fn literal(text: &str) -> String {
    MYSQL.literal(text)
}

/// The tables and views of a database, by name.
pub(super) async fn relations(connection: &mut Connection, schema: &str) -> Result<Vec<Relation>> {
    let sql = format!(
        "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} \
         AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW', 'SYSTEM VIEW') ORDER BY TABLE_NAME",
        literal(schema)
    );
    let rows = connection.texts(&sql, WHAT).await?;
    if rows.is_empty() {
        exists(connection, schema).await?;
    }
    rows.into_iter()
        .map(|row| {
            let [name, kind] = columns(row)?;
            Ok(Relation { name: present(name)?, is_view: kind.is_some_and(|kind| kind.ends_with("VIEW")) })
        })
        .collect()
}

/// The tables of these names, in their order, without those that do not exist.
pub(super) async fn tables(
    connection: &mut Connection,
    schema: &str,
    names: &[String],
) -> Result<Vec<TableShape>> {
    let schema_literal = literal(schema);
    let list = names.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ");
    let chosen = format!("TABLE_SCHEMA = {schema_literal} AND TABLE_NAME IN ({list})");
    let folds_case = connection.texts("SELECT @@lower_case_table_names", WHAT).await?;
    let folds_case =
        folds_case.first().and_then(|row| row.first()).is_some_and(|value| value.as_deref() != Some("0"));

    let sql = format!("SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE {chosen}");
    let mut found = Vec::new();
    for row in connection.texts(&sql, WHAT).await? {
        let [name, kind] = columns(row)?;
        found.push((present(name)?, kind.is_some_and(|kind| kind.ends_with("VIEW"))));
    }
    if found.is_empty() {
        exists(connection, schema).await?;
        return Ok(Vec::new());
    }
    let documents = json_columns(connection, &schema_literal).await?;
    let mut shapes: HashMap<String, TableShape> = HashMap::new();
    for (name, is_view) in found {
        let shape = TableShape {
            schema: None,
            name: name.clone(),
            is_view,
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            indexed: Vec::new(),
        };
        shapes.insert(name, shape);
    }
    add_columns(connection, &chosen, &documents, &mut shapes).await?;
    add_keys(connection, &chosen, &mut shapes).await?;
    add_foreign_keys(connection, schema, &chosen, &mut shapes).await?;

    let mut tables = Vec::new();
    for name in names {
        let stored = match shapes.contains_key(name) {
            true => Some(name.clone()),
            false if folds_case => shapes.keys().find(|stored| stored.eq_ignore_ascii_case(name)).cloned(),
            false => None,
        };
        tables.extend(stored.and_then(|stored| shapes.remove(&stored)));
    }
    Ok(tables)
}

const WHAT: &str = "read the catalogue of";

/// Errors: there is no such database, or the user sees nothing of it.
async fn exists(connection: &mut Connection, schema: &str) -> Result<()> {
    let sql = format!("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}", literal(schema));
    if !connection.texts(&sql, WHAT).await?.is_empty() {
        return Ok(());
    }
    let sql = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME";
    let known: Vec<String> = connection
        .texts(sql, WHAT)
        .await?
        .into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .collect();
    Err(crate::config::unknown_name("database", schema, known.iter().map(String::as_str)))
}

/// The columns that MariaDB keeps as JSON: a check says so, since the type is that of a long text.
async fn json_columns(connection: &mut Connection, schema: &str) -> Result<HashSet<(String, String)>> {
    let version = connection.texts("SELECT VERSION()", WHAT).await?;
    let is_mariadb = version.iter().flatten().flatten().any(|version| version.contains("MariaDB"));
    if !is_mariadb {
        return Ok(HashSet::new());
    }
    let sql = format!(
        "SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA = {schema} AND CHECK_CLAUSE LIKE 'json\\_valid(`%`)'"
    );
    let mut documents = HashSet::new();
    for row in connection.texts(&sql, WHAT).await? {
        let [table, clause] = columns(row)?;
        let clause = present(clause)?;
        if let Some(column) = clause.strip_prefix("json_valid(`").and_then(|rest| rest.strip_suffix("`)")) {
            documents.insert((present(table)?, column.replace("``", "`")));
        }
    }
    Ok(documents)
}

async fn add_columns(
    connection: &mut Connection,
    chosen: &str,
    documents: &HashSet<(String, String)>,
    shapes: &mut HashMap<String, TableShape>,
) -> Result<()> {
    let sql = format!(
        "SELECT TABLE_NAME, COLUMN_NAME, IS_NULLABLE, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, \
         NUMERIC_SCALE, DATETIME_PRECISION FROM information_schema.COLUMNS WHERE {chosen} ORDER BY ORDINAL_POSITION"
    );
    for row in connection.texts(&sql, WHAT).await? {
        let [table, name, nullable, kind, declared, length, precision, scale, digits] = columns(row)?;
        let (table, name, declared) = (present(table)?, present(name)?, present(declared)?);
        let Some(shape) = shapes.get_mut(&table) else { continue };
        let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
        let sql_type = types::of_declared(&Declared {
            kind: &present(kind)?,
            column_type: &declared,
            length: number(length),
            precision: number(precision),
            scale: number(scale),
            digits: number(digits),
            is_document: documents.contains(&(table, name.clone())),
        });
        let is_nullable = nullable.as_deref() == Some("YES");
        shape.columns.push(ColumnShape { name, is_nullable, sql_type, declared });
    }
    Ok(())
}

async fn add_keys(
    connection: &mut Connection,
    chosen: &str,
    shapes: &mut HashMap<String, TableShape>,
) -> Result<()> {
    let sql = format!(
        "SELECT TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME FROM information_schema.STATISTICS WHERE {chosen} \
         ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
    );
    for row in connection.texts(&sql, WHAT).await? {
        let [table, index, position, column] = columns(row)?;
        // An index over an expression has no column.
        let (Some(shape), Some(column)) = (shapes.get_mut(&present(table)?), column) else { continue };
        if position.as_deref() == Some("1") && !shape.indexed.contains(&column) {
            shape.indexed.push(column.clone());
        }
        if index.as_deref() == Some("PRIMARY") {
            shape.primary_key.push(column);
        }
    }
    Ok(())
}

async fn add_foreign_keys(
    connection: &mut Connection,
    schema: &str,
    chosen: &str,
    shapes: &mut HashMap<String, TableShape>,
) -> Result<()> {
    let sql = format!(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, \
         REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE {chosen} \
         AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"
    );
    let mut last = None;
    for row in connection.texts(&sql, WHAT).await? {
        let [table, constraint, column, other_schema, other_table, other_column] = columns(row)?;
        let (table, constraint) = (present(table)?, present(constraint)?);
        let Some(shape) = shapes.get_mut(&table) else { continue };
        let key = Some((table, constraint));
        if key != last {
            shape.foreign_keys.push(ForeignKey {
                referenced_schema: other_schema.filter(|other| other != schema),
                referenced_table: present(other_table)?,
                columns: Vec::new(),
                referenced_columns: Vec::new(),
            });
            last = key;
        }
        if let Some(foreign) = shape.foreign_keys.last_mut() {
            foreign.columns.push(present(column)?);
            foreign.referenced_columns.push(present(other_column)?);
        }
    }
    Ok(())
}

fn columns<const N: usize>(row: Texts) -> Result<[Option<String>; N]> {
    present(row.try_into().ok())
}
