//! Root keys of nested tables that had rows before their rows carried the id of the root row.

use std::collections::HashMap;

use super::{Dialect, ExistingColumn, ExistingTables};
use crate::schema::{Column, Lineage, Schema, Table};

/// The statements that give stored nested rows the id of their root row, where `existing` tables lack the column.
///
/// They are executed after the column was added. Without them a merge would not find the rows of an append. Where a
/// column comes before the load that needs it ([`Facts::has_transactional_ddl`](super::Facts)) and `is_migrated` is false,
/// a run may have died in between: rows without the id get it then.
pub fn fill_root_keys(
    dialect: &dyn Dialect,
    dataset: &str,
    schema: &Schema,
    tables: &[&Table],
    existing: &ExistingTables,
    is_migrated: bool,
) -> Vec<String> {
    if existing.is_empty() {
        return Vec::new();
    }
    let existing = existing.iter().map(|(name, columns)| (name.to_ascii_lowercase(), columns)).collect();
    let lineage = Lineage::of(schema);
    let mut tables: Vec<(usize, &Table)> =
        tables.iter().map(|table| (lineage.depth(&table.name), *table)).collect();
    tables.sort_by_key(|(depth, _)| *depth);
    let may_be_half_done = !dialect.facts().has_transactional_ddl && !is_migrated;
    let fill = |(_, table)| fill(dialect, dataset, schema, table, &existing, may_be_half_done);
    tables.into_iter().filter_map(fill).collect()
}

fn fill(
    dialect: &dyn Dialect,
    dataset: &str,
    schema: &Schema,
    table: &Table,
    existing: &HashMap<String, &Vec<ExistingColumn>>,
    may_be_half_done: bool,
) -> Option<String> {
    let complete = |table: &Table, hint: &str| -> Option<String> {
        let column: &Column =
            table.columns.values().find(|column| column.has(hint) && column.is_complete())?;
        Some(column.name.clone())
    };
    let root_key = complete(table, "root_key")?;
    let parent_key = complete(table, "parent_key")?;
    let parent = schema.table(table.parent.as_deref()?)?;
    let columns = existing.get(&table.name.to_ascii_lowercase())?;
    let is_there = columns.iter().any(|column| column.name.eq_ignore_ascii_case(&root_key));
    if is_there && !may_be_half_done {
        return None;
    }
    let name = dialect.qualify(dataset, &table.name);
    let (root, parent_key) = (dialect.quote(&root_key), dialect.quote(&parent_key));
    if !parent.is_nested() {
        let missing = if is_there { format!(" WHERE {root} IS NULL") } else { String::new() };
        return Some(format!("UPDATE {name} SET {root} = {parent_key}{missing}"));
    }
    let (above, id) = (complete(parent, "root_key")?, complete(parent, "row_key")?);
    let missing = if is_there { format!(" AND d.{root} IS NULL") } else { String::new() };
    Some(dialect.update_from(
        &name,
        &[(root, format!("s.{}", dialect.quote(&above)))],
        &dialect.qualify(dataset, &parent.name),
        &format!("d.{parent_key} = s.{}{missing}", dialect.quote(&id)),
    ))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::naming::Naming;
    use crate::sql::{DUCKDB, MYSQL};
    use crate::value::DataType;

    #[test]
    fn stored_nested_rows_get_the_id_of_their_root_parents_first() {
        let mut schema = Schema::new("s", &Naming::default()).unwrap();
        schema.merge_table(Table::new("t"), false).unwrap();
        for (name, parent) in [("t__l", "t"), ("t__l__m", "t__l")] {
            let text = |name: &str| Column::typed(name, DataType::Text, false);
            let mut table = Table::new(name)
                .with_column(text("_dlt_root_id").with("root_key", true))
                .with_column(text("_dlt_parent_id").with("parent_key", true))
                .with_column(text("_dlt_id").with("row_key", true));
            table.parent = Some(parent.to_owned());
            schema.merge_table(table, false).unwrap();
        }
        let tables: Vec<&Table> = ["t__l__m", "t__l", "t"].map(|name| schema.table(name).unwrap()).into();
        let fills = |dialect: &dyn Dialect, columns: &[&str]| {
            let column = |name: &&str| ExistingColumn { name: (*name).to_owned(), is_required: true };
            let columns: Vec<ExistingColumn> = columns.iter().map(column).collect();
            let existing: ExistingTables =
                ["t", "t__l", "t__l__m"].map(|name| (name.to_owned(), columns.clone())).into();
            fill_root_keys(dialect, "ds", &schema, &tables, &existing, false).join(";\n")
        };
        expect![[r#"
            UPDATE "ds"."t__l" SET "_dlt_root_id" = "_dlt_parent_id";
            UPDATE "ds"."t__l__m" AS d SET "_dlt_root_id" = s."_dlt_root_id" FROM "ds"."t__l" AS s WHERE d."_dlt_parent_id" = s."_dlt_id""#]].assert_eq(&fills(DUCKDB, &["_dlt_id", "_dlt_parent_id"]));
        let with_root = ["_dlt_id", "_dlt_parent_id", "_dlt_root_id"];
        assert_eq!(fills(DUCKDB, &with_root), "");
        // The column may have come with a load that died before its rows were written.
        expect![[r#"
            UPDATE `ds`.`t__l` SET `_dlt_root_id` = `_dlt_parent_id` WHERE `_dlt_root_id` IS NULL;
            UPDATE `ds`.`t__l__m` AS d JOIN `ds`.`t__l` AS s ON d.`_dlt_parent_id` = s.`_dlt_id` AND d.`_dlt_root_id` IS NULL SET d.`_dlt_root_id` = s.`_dlt_root_id`"#]]
        .assert_eq(&fills(MYSQL, &with_root));
    }
}
