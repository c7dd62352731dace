//! The key that rows are read in the order of, and where reading goes on.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use serde_json::{Value, json};
use windlass_core::Result;
use windlass_core::incremental::MissingCursor;
use windlass_core::value::{Tag, Timestamp, encode_tagged, format_date, format_timestamp};

use super::catalog::ColumnShape;
use super::database::Dialect;
use super::query::{Direction, comparable, has_forms, in_order, literal, quote, reach};
use super::sql_type::SqlType;
use super::stored_form::StoredForm;
use super::table::PlannedTable;

/// The cursor, and the columns of the primary key that order rows of equal cursors.
#[derive(Clone, Debug)]
pub(super) struct ReadKey {
    dialect: Dialect,
    columns: Vec<ColumnShape>,
    /// How the values of the cursor are stored.
    form: StoredForm,
    names: Vec<String>,
    direction: Direction,
    is_total: bool,
    /// Whether rows without cursor would be lost behind a condition.
    has_nulls: bool,
    /// Whether texts are compared as the database does, and not byte by byte as cursors are.
    is_native: bool,
}

impl ReadKey {
    /// The key of a table that is read in the order of a cursor.
    pub(super) fn new(
        dialect: Dialect,
        table: &PlannedTable,
        cursor: &ColumnShape,
        form: StoredForm,
        direction: Direction,
        missing: MissingCursor,
    ) -> Self {
        let rest = table.key().iter().filter(|name| **name != cursor.name);
        let rest: Vec<ColumnShape> = rest.filter_map(|name| table.column(name).ok().cloned()).collect();
        // Rows whose stored values differ but mean the same are not in the order of the rest of the key.
        let is_exact = in_order(dialect, cursor, form) == comparable(dialect, cursor) || form.is_exact();
        let is_total =
            is_exact && !table.key().is_empty() && rest.iter().all(|column| is_ordered(column.sql_type));
        let mut columns = vec![cursor.clone()];
        if is_total {
            columns.extend(rest);
        }
        Self {
            dialect,
            form,
            names: columns.iter().map(|column| column.name.clone()).collect(),
            columns,
            direction,
            is_total,
            has_nulls: cursor.is_nullable && missing == MissingCursor::Include,
            is_native: false,
        }
    }

    /// The primary key of a table, in the order of its index. `None` where it is not read whole and as it is, or has
    /// values that cannot be compared with what was read.
    pub(super) fn primary(dialect: Dialect, table: &PlannedTable) -> Option<Self> {
        let key = &table.shape.primary_key;
        let column = |name: &String| {
            let of_table = table.shape.columns.iter().find(|column| column.name == *name)?;
            let selected = table.selected.iter().find(|selected| selected.name == *name)?;
            let is_plain = selected.cast.is_none() && selected.expression.is_none();
            let is_usable = is_ordered(of_table.sql_type) && !has_forms(dialect, of_table);
            (is_plain && is_usable && !of_table.is_nullable).then(|| of_table.clone())
        };
        let columns = key.iter().map(column).collect::<Option<Vec<_>>>()?;
        (!columns.is_empty()).then(|| Self {
            dialect,
            form: StoredForm::Unknown,
            names: key.clone(),
            columns,
            direction: Direction::Asc,
            is_total: true,
            has_nulls: false,
            is_native: true,
        })
    }

    fn comparable(&self, column: &ColumnShape) -> String {
        if self.is_native { quote(self.dialect, &column.name) } else { comparable(self.dialect, column) }
    }

    /// The names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        if self.has_nulls { &[] } else { &self.names }
    }

    /// Whether no two rows have the same key.
    pub(super) fn is_total(&self) -> bool {
        self.is_total
    }

    /// What the query sorts by.
    pub(super) fn order(&self) -> Vec<(String, Direction)> {
        let mut terms: Vec<(String, Direction)> =
            self.columns.iter().map(|column| (self.comparable(column), self.direction)).collect();
        if let (Some(cursor), Some((term, _)), false) =
            (self.columns.first(), terms.first_mut(), self.is_native)
        {
            *term = in_order(self.dialect, cursor, self.form);
        }
        terms
    }

    /// The condition of the rows after a key. Errors: values that are not of the columns' types.
    pub(super) fn condition_after(&self, values: &[Value]) -> Result<String> {
        let further = match self.direction {
            Direction::Asc => ">",
            Direction::Desc => "<",
        };
        let mut terms = Vec::new();
        let mut equal: Vec<String> = Vec::new();
        for (column, value) in self.columns.iter().zip(values) {
            let name = self.comparable(column);
            let value = literal(self.dialect, value, &column.sql_type)?;
            let mut all = equal.clone();
            all.push(format!("{name} {further} {value}"));
            terms.push(format!("({})", all.join(" AND ")));
            equal.push(format!("{name} = {value}"));
        }
        let first = match (self.columns.first(), values.first()) {
            (Some(column), Some(value)) if has_forms(self.dialect, column) => {
                let reach = reach(self.dialect, column, further, value, self.form)?;
                reach.map_or_else(String::new, |reach| format!("{reach} AND "))
            }
            (Some(column), Some(value)) if terms.len() > 1 => {
                // An index on the cursor alone finds the place by this.
                let value = literal(self.dialect, value, &column.sql_type)?;
                format!("{} {further}= {value} AND ", self.comparable(column))
            }
            _ => String::new(),
        };
        Ok(format!("{first}({})", terms.join(" OR ")))
    }
}

/// Whether the values of a type come in an order that a condition can go on in.
fn is_ordered(sql_type: SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::Int { .. }
            | SqlType::Text { .. }
            | SqlType::Date
            | SqlType::Timestamp { .. }
            | SqlType::Decimal { .. }
            | SqlType::Uuid
    )
}

/// The values of a row in the form of cursors; `None` if one is null or of a type without order, or there are no names.
pub(super) fn key_values(batch: &RecordBatch, names: &[String], row: usize) -> Option<Vec<Value>> {
    if names.is_empty() || row >= batch.num_rows() {
        return None;
    }
    names.iter().map(|name| key_value(batch.column_by_name(name)?.as_ref(), row)).collect()
}

fn key_value(array: &dyn Array, row: usize) -> Option<Value> {
    if array.is_null(row) {
        return None;
    }
    let tagged = |tag: Tag, text: &str| json!(encode_tagged(tag, text));
    Some(match array.data_type() {
        ArrowType::Int8 => json!(array.as_primitive::<Int8Type>().value(row)),
        ArrowType::Int16 => json!(array.as_primitive::<Int16Type>().value(row)),
        ArrowType::Int32 => json!(array.as_primitive::<Int32Type>().value(row)),
        ArrowType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        ArrowType::UInt8 => json!(array.as_primitive::<UInt8Type>().value(row)),
        ArrowType::UInt16 => json!(array.as_primitive::<UInt16Type>().value(row)),
        ArrowType::UInt32 => json!(array.as_primitive::<UInt32Type>().value(row)),
        ArrowType::UInt64 => json!(array.as_primitive::<UInt64Type>().value(row)),
        ArrowType::Float64 => {
            json!(Some(array.as_primitive::<Float64Type>().value(row)).filter(|n| n.is_finite())?)
        }
        ArrowType::Utf8 => json!(array.as_string::<i32>().value(row)),
        ArrowType::Decimal128(..) => {
            tagged(Tag::Decimal, &array.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        ArrowType::Decimal256(..) => {
            tagged(Tag::Decimal, &array.as_primitive::<Decimal256Type>().value_as_string(row))
        }
        ArrowType::Date32 => {
            let mut text = String::new();
            format_date(&mut text, i64::from(array.as_primitive::<Date32Type>().value(row)));
            tagged(Tag::Date, &text)
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, zone) => {
            let mut text = String::new();
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            format_timestamp(&mut text, Timestamp { micros, offset: zone.is_some().then_some(0) }, 'T');
            tagged(Tag::Timestamp, &text)
        }
        _ => return None,
    })
}

/// The first row of those at the end that have the same key.
pub(super) fn last_group(batch: &RecordBatch, names: &[String]) -> usize {
    let rows = batch.num_rows();
    let last = key_values(batch, names, rows.saturating_sub(1));
    let mut start = rows.saturating_sub(1);
    while start > 0 && key_values(batch, names, start - 1) == last {
        start -= 1;
    }
    start
}
