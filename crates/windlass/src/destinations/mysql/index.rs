//! Indexes by which a merge finds rows: MariaDB compares every pair of rows without one.

use std::collections::{HashMap, HashSet};

use windlass_core::Result;
use windlass_core::hash::shake128;
use windlass_core::schema::Column;
use windlass_core::sql::{KeyIndex, MYSQL};
use windlass_core::value::DataType;

use crate::mysql::Connection;

/// Columns that an index of InnoDB may have.
const MAX_COLUMNS: usize = 16;

/// The statements that make the missing indexes of a dataset. Errors: the catalogue cannot be read.
pub(super) async fn missing(
    connection: &mut Connection,
    dataset: &str,
    wanted: &[KeyIndex],
) -> Result<Vec<String>> {
    let known = known(connection, dataset).await?;
    let mut statements = Vec::new();
    for KeyIndex { table, keys } in wanted {
        let known = known.get(&table.to_lowercase());
        let mut added: HashSet<Vec<String>> = HashSet::new();
        let mut parts = Vec::new();
        for key in keys.iter().filter(|key| can_be_indexed(key)) {
            let names: Vec<String> = key.iter().map(|column| column.name.to_lowercase()).collect();
            let is_known = known.is_some_and(|known| known.iter().any(|index| index.starts_with(&names)));
            if is_known || !added.insert(names.clone()) {
                continue;
            }
            let columns: Vec<String> = key.iter().map(|column| MYSQL.index_part(column, key.len())).collect();
            parts.push(format!("ADD INDEX {} ({})", MYSQL.quote(&name(&names)), columns.join(", ")));
        }
        if !parts.is_empty() {
            statements.push(format!("ALTER TABLE {} {}", MYSQL.qualify(dataset, table), parts.join(", ")));
        }
    }
    Ok(statements)
}

fn can_be_indexed(key: &[Column]) -> bool {
    key.len() <= MAX_COLUMNS && !key.iter().any(|column| column.data_type == Some(DataType::Json))
}

fn name(columns: &[String]) -> String {
    let mut bytes = [0_u8; 8];
    shake128(columns.join("\0").as_bytes(), &mut bytes);
    format!("_windlass_{:016x}", u64::from_be_bytes(bytes))
}

/// The columns of each index, by table, in small letters.
async fn known(connection: &mut Connection, dataset: &str) -> Result<HashMap<String, Vec<Vec<String>>>> {
    let sql = format!(
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = {} \
         ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        MYSQL.literal(dataset)
    );
    let mut tables: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    let mut last = None;
    for row in connection.texts(&sql, "read the tables of").await? {
        let mut texts = row.into_iter().map(|text| text.unwrap_or_default().to_lowercase());
        let (table, index) = (texts.next().unwrap_or_default(), texts.next());
        let column = texts.next().unwrap_or_default();
        let indexes = tables.entry(table.clone()).or_default();
        let this = Some((table, index));
        match indexes.last_mut() {
            Some(columns) if last == this => columns.push(column),
            _ => indexes.push(vec![column]),
        }
        last = this;
    }
    Ok(tables)
}
