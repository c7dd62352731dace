//! Which rows of a staging table count, and how they get into the table.

use super::{Merge, MergeTarget, conjunction};
use crate::error::{Error, Result};
use crate::merge::{SortOrder, cursor_variants};
use crate::normalize::RECORD_COLUMN;
use crate::schema::{Column, Table};
use crate::sql::{Dialect, RowAddress};
use crate::value::DataType;

/// Number of a row among those with its key.
const NUMBER: &str = "_windlass_number";

/// Place of a row in its staging table.
const PLACE: &str = "_windlass_place";

/// A table and its staging table.
pub(super) struct Part<'a> {
    pub(super) table: &'a Table,
    /// The table with the stored rows, qualified.
    pub(super) main: String,
    /// The table with the new rows, qualified.
    pub(super) staged: String,
    /// The columns, quoted.
    pub(super) columns: Vec<String>,
    /// The column that identifies a row, quoted.
    pub(super) row_key: Option<String>,
    /// The same as part of an index.
    row_key_part: Option<String>,
    /// What tells apart the rows of the staging table.
    place: Option<String>,
}

/// Which of several new rows with one key stays, where no column says so.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Survivor {
    First,
    Last,
}

impl<'a> Part<'a> {
    pub(super) fn new(target: &MergeTarget<'_>, table: &'a Table) -> Self {
        let dialect = target.dialect;
        let columns = table.complete_columns().map(|column| dialect.quote(&column.name)).collect();
        let complete = |hint: &'static str| {
            table.columns.values().filter(move |column| column.has(hint) && column.is_complete())
        };
        let row_key = complete("row_key").chain(complete("unique")).next().or_else(|| {
            let id = table.columns.get(&target.names.id).filter(|column| column.is_complete());
            id.or_else(|| complete("primary_key").next().filter(|_| complete("primary_key").count() == 1))
        });
        let row_key_part = row_key.map(|column| dialect.index_part(column, 1));
        let row_key = row_key.map(|column| dialect.quote(&column.name));
        let place = match dialect.facts().row_address {
            RowAddress::Added(name) => Some(dialect.quote(name)),
            RowAddress::Hidden(name) => {
                let is_hidden = !table.columns.keys().any(|column| column.eq_ignore_ascii_case(name));
                if is_hidden { Some(name.to_owned()) } else { row_key.clone() }
            }
        };
        Self {
            table,
            main: dialect.qualify(target.dataset, &table.name),
            staged: dialect.qualify(target.staging, &table.name),
            columns,
            row_key,
            row_key_part,
            place,
        }
    }

    /// The column that identifies a row, as part of an index. Errors: there is none.
    pub(super) fn row_key_part(&self) -> Result<&str> {
        self.row_key().map(|key| self.row_key_part.as_deref().unwrap_or(key))
    }

    /// The column that identifies a row. Errors: there is none.
    pub(super) fn row_key(&self) -> Result<&str> {
        self.row_key.as_deref().ok_or_else(|| {
            Error::config("a table with nested tables has no column that identifies its rows")
                .at_table(&self.table.name)
                .with_hint("let one column have the hint row_key or unique")
        })
    }

    /// What tells apart the rows of the staging table. Errors: a column hides it.
    pub(super) fn place(&self) -> Result<&str> {
        self.place.as_deref().ok_or_else(|| {
            Error::config(
                "a column with the name of the database's own row number keeps rows from being told apart",
            )
            .at_table(&self.table.name)
            .with_hint("rename the column")
        })
    }

    /// Inserts new rows: those of the staging table, called `s`, that meet the conditions.
    pub(super) fn insert(&self, conditions: &[String]) -> String {
        let columns = self.columns.join(", ");
        let mut text =
            format!("INSERT INTO {} ({columns}) SELECT {columns} FROM {} AS s", self.main, self.staged);
        if !conditions.is_empty() {
            text.push_str(" WHERE ");
            text.push_str(&conjunction(conditions.iter().cloned()));
        }
        text
    }

    /// Selects the place of one row of each key.
    pub(super) fn one_of_each(&self, key: &str, survivor: Survivor) -> Result<String> {
        let (place, which) = (self.place()?, if survivor == Survivor::First { "min" } else { "max" });
        Ok(format!("SELECT {which}({place}) FROM {} GROUP BY {key}", self.staged))
    }
}

impl Merge<'_> {
    /// Selects `what` of the new root rows that take part, one of each primary key, meeting `conditions`.
    ///
    /// The survivor is chosen before the conditions are looked at: where it is a deletion, the key is gone. `what` and
    /// the conditions see the columns in `carried`.
    pub(super) fn survivors(
        &self,
        what: &str,
        carried: &[String],
        survivor: Survivor,
        conditions: &[String],
    ) -> Result<String> {
        let place = self.root.place()?;
        let place_name = self.place_name();
        let staged = format!("{}{}", self.root.staged, self.where_filter());
        let mut inner = vec![format!("{place} AS {place_name}")];
        inner.extend(carried.iter().cloned());
        let inner = inner.join(", ");
        let key = self.primary_key.join(", ");
        let filter = |conditions: &[String]| match conditions {
            [] => String::new(),
            conditions => format!(" WHERE {}", conjunction(conditions.iter().cloned())),
        };
        if !self.has_duplicates() {
            return Ok(format!(
                "SELECT {what} FROM (SELECT {inner} FROM {staged}) AS numbered{}",
                filter(conditions)
            ));
        }
        let by_cursor = self.newest();
        let Some((columns, sort)) =
            self.dedup_sort().map(|(column, sort)| (vec![column], sort)).or_else(|| by_cursor.clone())
        else {
            // An aggregate takes a third of the time of numbering the rows.
            let which = if survivor == Survivor::First { "min" } else { "max" };
            if what == place_name && conditions.is_empty() {
                return Ok(format!("SELECT {which}({place}) AS {place_name} FROM {staged} GROUP BY {key}"));
            }
            let one_of_each = format!(
                "SELECT {inner} FROM {} WHERE {place} IN (SELECT {which}({place}) FROM {staged} GROUP BY {key})",
                self.root.staged
            );
            return Ok(format!("SELECT {what} FROM ({one_of_each}) AS numbered{}", filter(conditions)));
        };
        // Databases differ in where they sort nulls; a row without a value never wins over one that has it.
        let sort = if sort == SortOrder::Ascending { "ASC" } else { "DESC" };
        let place = match by_cursor {
            Some(_) => format!("{} DESC", self.record()),
            None if survivor == Survivor::First => place.to_owned(),
            None => format!("{place} DESC"),
        };
        let order: String = columns
            .iter()
            .map(|column| format!("{}, ", self.target.dialect.nulls_last(column, sort)))
            .collect();
        let number = self.target.dialect.quote(NUMBER);
        let numbered = format!(
            "SELECT {inner}, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {order}{place}) AS {number} FROM {staged}"
        );
        let first = std::iter::once(format!("{number} = 1"));
        let all = conjunction(first.chain(conditions.iter().cloned()));
        Ok(format!("SELECT {what} FROM ({numbered}) AS numbered WHERE {all}"))
    }

    /// The cursor by which the newest of several new rows is found, where nothing else says which one stays: expressions
    /// that sort one after the other.
    pub(super) fn newest(&self) -> Option<(Vec<String>, SortOrder)> {
        let root = self.root.table;
        let newest = self.target.newest.get(&root.name).filter(|_| self.settings.takes_newest())?;
        let column = root.columns.get(&newest.column).filter(|column| column.is_complete())?;
        let dialect = self.target.dialect;
        let mut order = vec![dialect.in_byte_order(column)];
        let variants = cursor_variants(root, column);
        if !variants.is_empty() {
            order.insert(0, across_variants(dialect, column, &variants));
            order.extend(variants.into_iter().map(|variant| dialect.in_byte_order(variant)));
        }
        Some((order, newest.order))
    }

    /// The name of a row's place in what is selected.
    pub(super) fn place_name(&self) -> String {
        self.target.dialect.quote(PLACE)
    }

    /// The column that numbers the records of the new rows.
    pub(super) fn record(&self) -> String {
        self.target.dialect.quote(RECORD_COLUMN)
    }

    /// The column that says which of several new rows stays; one that never had a value says nothing.
    fn dedup_sort(&self) -> Option<(String, SortOrder)> {
        let (column, sort) = self.settings.dedup_sort.as_ref()?;
        self.root.table.columns[column].is_complete().then(|| (self.target.dialect.quote(column), *sort))
    }
}

/// An expression that sorts the values of a column among those that went to its variants: numbers by their size, texts
/// behind all moments, or before them where they begin with a minus.
fn across_variants(dialect: &dyn Dialect, column: &Column, variants: &[&Column]) -> String {
    if is_number(column) {
        let double = dialect.facts().double_type;
        let numbers = std::iter::once(&column).chain(variants).filter(|column| is_number(column));
        let numbers = numbers.map(|column| format!("CAST({} AS {double})", dialect.quote(&column.name)));
        let numbers: Vec<String> = numbers.collect();
        return if numbers.len() == 1 {
            numbers.concat()
        } else {
            format!("COALESCE({})", numbers.join(", "))
        };
    }
    let ranks = variants.iter().map(|variant| {
        let name = dialect.quote(&variant.name);
        match variant.data_type {
            Some(DataType::Text) => {
                format!(" WHEN {name} LIKE '-%' THEN -1 WHEN {name} IS NOT NULL THEN 1")
            }
            _ => format!(" WHEN {name} IS NOT NULL THEN 0"),
        }
    });
    format!("CASE WHEN {} IS NOT NULL THEN 0{} END", dialect.quote(&column.name), ranks.collect::<String>())
}

fn is_number(column: &Column) -> bool {
    use DataType::{Bigint, Decimal, Double, Wei};
    matches!(column.data_type, Some(Bigint | Decimal | Double | Wei))
}
