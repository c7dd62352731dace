//! The tables of a folder as they can be asked: pipelines may share one, each with a schema of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use windlass_core::schema::{Column, Table};
use windlass_core::value::DataType;

/// A table with its files.
#[derive(Debug)]
pub(super) struct FileTable {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) files: BTreeSet<PathBuf>,
}

/// The tables of all schemas, each with the columns and files that any of them knows.
///
/// SQL does not tell names apart by case: a table whose name differs from another's by case only is numbered.
pub(super) fn file_tables(known: Vec<(&Table, Vec<PathBuf>)>) -> Vec<FileTable> {
    let mut tables: Vec<FileTable> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (table, files) in known {
        let place = *places.entry(table.name.clone()).or_insert_with(|| {
            let empty = FileTable { name: table.name.clone(), columns: Vec::new(), files: BTreeSet::new() };
            tables.push(empty);
            tables.len() - 1
        });
        let Some(merged) = tables.get_mut(place) else { continue };
        merged.files.extend(files);
        table.complete_columns().for_each(|column| merge(&mut merged.columns, column));
    }
    let mut taken = BTreeSet::new();
    for table in &mut tables {
        let (name, mut number) = (table.name.clone(), 1);
        while !taken.insert(table.name.to_lowercase()) {
            number += 1;
            table.name = format!("{name}_{number}");
        }
    }
    tables
}

/// Adds a column. Where two schemas give it different types, both are read as text.
fn merge(columns: &mut Vec<Column>, column: &Column) {
    let Some(mine) = columns.iter_mut().find(|mine| mine.name == column.name) else {
        columns.push(column.clone());
        return;
    };
    let form = |column: &Column| (column.data_type, column.precision, column.scale, column.timezone);
    if form(mine) != form(column) {
        *mine = Column::typed(&column.name, DataType::Text, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, column: &str, data_type: DataType) -> Table {
        Table::new(name).with_column(Column::typed(column, data_type, true))
    }

    fn text(tables: &[FileTable]) -> Vec<String> {
        let column = |column: &Column| format!("{} {}", column.name, column.data_type.unwrap());
        tables
            .iter()
            .map(|table| {
                let columns: Vec<String> = table.columns.iter().map(column).collect();
                format!("{}({}) {}", table.name, columns.join(", "), table.files.len())
            })
            .collect()
    }

    #[test]
    fn a_table_of_two_schemas_has_the_columns_and_files_of_both() {
        let (one, two) = (table("t", "a", DataType::Bigint), table("t", "b", DataType::Bool));
        let tables =
            file_tables(vec![(&one, vec!["x".into(), "y".into()]), (&two, vec!["y".into(), "z".into()])]);
        assert_eq!(text(&tables), ["t(a bigint, b bool) 3"]);
    }

    #[test]
    fn a_column_of_two_types_is_read_as_text() {
        let (one, two) = (table("t", "a", DataType::Bigint), table("t", "a", DataType::Timestamp));
        assert_eq!(text(&file_tables(vec![(&one, vec![]), (&two, vec![])])), ["t(a text) 0"]);
    }

    #[test]
    fn names_that_differ_by_case_only_are_numbered() {
        let tables = ["A", "a", "a_2"].map(|name| table(name, "x", DataType::Text));
        let tables = file_tables(tables.iter().map(|table| (table, vec![])).collect());
        assert_eq!(text(&tables), ["A(x text) 0", "a_2(x text) 0", "a_2_2(x text) 0"]);
    }
}
