//! What a database's catalogue knows of its tables.

use super::sql_type::SqlType;

/// A table or a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its name as the database stores it.
    pub name: String,
    /// Whether it is a view, materialized or not.
    pub is_view: bool,
}

/// A table as the catalogue describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TableShape {
    /// The schema; `None` for the default one.
    pub schema: Option<String>,
    /// Its name as the database stores it.
    pub name: String,
    /// Whether it is a view.
    pub is_view: bool,
    /// Its columns in order.
    pub columns: Vec<ColumnShape>,
    /// The columns of the primary key in the key's order; empty without.
    pub primary_key: Vec<String>,
    /// Its foreign keys, in the catalogue's order.
    pub foreign_keys: Vec<ForeignKey>,
    /// Columns that an index can find rows by: the first column of each index and of the key.
    pub indexed: Vec<String>,
}

/// A column of a table or of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnShape {
    /// Its name as the database stores it.
    pub name: String,
    /// Whether it can be null.
    pub is_nullable: bool,
    /// Its type.
    pub sql_type: SqlType,
    /// The type as the database writes it, such as `numeric(10,2)`.
    pub declared: String,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The schema of the other table; `None` if it is the same as this one's.
    pub referenced_schema: Option<String>,
    /// The other table.
    pub referenced_table: String,
    /// The columns of this table.
    pub columns: Vec<String>,
    /// The columns of the other table.
    pub referenced_columns: Vec<String>,
}
