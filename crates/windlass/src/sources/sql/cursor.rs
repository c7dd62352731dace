//! The part of a table that a cursor asks for: its condition, its order, and how the values of the cursor are stored.

use serde_json::Value;
use windlass_core::incremental::{Extreme, IncrementalOptions, TextOrder};
use windlass_core::naming::Naming;
use windlass_core::value::{DAY_MICROS, IsoValue, parse_iso};
use windlass_core::{Error, Result};

use super::catalog::ColumnShape;
use super::database::{Database, Dialect};
use super::query::{
    Direction, Select, comparable, cursor_direction, has_forms, in_order, quote, range_condition,
};
use super::sql_type::SqlType;
use super::stored_form::{FORM, StoredForm, date};
use crate::source::Resource;

/// The start of a range and its end.
pub(super) type Ends<'a> = (Option<&'a Value>, Option<&'a Value>);

/// Limits a query to the range of a cursor, and sorts it if the cursor has an order.
///
/// Errors: no connection; ends that cannot be compared with the column; a stored value that is no date or time.
pub async fn add_range(
    database: &dyn Database,
    select: &mut Select,
    options: &IncrementalOptions,
    column: &ColumnShape,
    ends: (Option<&Value>, Option<&Value>),
) -> Result<Vec<String>> {
    let direction = cursor_direction(options);
    let mut notices = Vec::new();
    let form = limit(database, select, options, column, direction, ends, None, &mut notices).await?;
    select.order.extend(direction.map(|direction| (in_order(database.dialect(), column, form), direction)));
    Ok(notices)
}

/// Limits a query to the range of a cursor, and finds out how its values are stored where rows are wanted in an order and
/// nobody knows it.
///
/// Errors: as of [`add_range`].
#[expect(
    clippy::too_many_arguments,
    reason = "what is read, of what, from where to where, and what is known of it"
)]
pub(super) async fn limit(
    database: &dyn Database,
    select: &mut Select,
    options: &IncrementalOptions,
    column: &ColumnShape,
    direction: Option<Direction>,
    ends: Ends<'_>,
    known: Option<StoredForm>,
    notices: &mut Vec<String>,
) -> Result<StoredForm> {
    let dialect = database.dialect();
    check_type(options, column, ends.0)?;
    let condition = |form| range_condition(dialect, options, column, form, ends.0, ends.1);
    let mut form = StoredForm::Unknown;
    let is_moment = has_forms(dialect, column) && !matches!(column.sql_type, SqlType::Decimal { .. });
    if is_moment && ends.0.is_some() {
        check_first_text(database, select, column).await?;
    }
    if is_moment && direction.is_some() {
        form = match known.filter(|known| *known != StoredForm::Unknown) {
            Some(known) => known,
            None => look(database, select, condition(form)?, column).await?,
        };
        if form == StoredForm::Mixed {
            notices.push(format!(
                "the dates and times of the cursor `{}` are stored in several forms, or in one whose order is not theirs: \
                 each read converts and sorts all that is left, which no index helps with",
                column.name
            ));
        }
    }
    select.conditions.extend(condition(form)?);
    Ok(form)
}

/// Errors: the range begins at a number where the column now has texts, which have another order.
fn check_type(options: &IncrementalOptions, column: &ColumnShape, start: Option<&Value>) -> Result<()> {
    let is_stored = |start: &&Value| start.is_number() && **start != options.initial_value;
    match (start.filter(is_stored), column.sql_type) {
        (Some(start), SqlType::Text { .. } | SqlType::Uuid) => Err(Error::data(format!(
            "the cursor stands at the number {start}, and its column `{}` has texts now",
            column.name
        ))
        .at_column(&column.name)
        .with_hint("if the source changed its type, forget the state of the resource and load it again")),
        _ => Ok(()),
    }
}

/// The form in which the values of a range are stored. Errors: no connection; a value that is no date or time.
async fn look(
    database: &dyn Database,
    select: &Select,
    condition: Option<String>,
    column: &ColumnShape,
) -> Result<StoredForm> {
    let dialect = database.dialect();
    let filter = filter(select.conditions.iter().cloned().chain(condition));
    let name = quote(dialect, &column.name);
    let sql = format!("SELECT DISTINCT {FORM}({name}) FROM {}{filter}", select.from(dialect));
    let rows = database.ask(&sql).await.map_err(|error| error.at_column(&column.name))?;
    let forms: Vec<String> = rows.into_iter().flatten().flatten().collect();
    Ok(StoredForm::of(forms.iter().map(String::as_str)))
}

/// The `WHERE` of conditions that all hold; nothing without any.
fn filter(conditions: impl Iterator<Item = String>) -> String {
    let conditions: Vec<String> = conditions.map(|condition| format!("({condition})")).collect();
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// Looks at the text that comes first of all: one that is no date or time may stand before a range that it belongs to.
///
/// Errors: no connection; such a text.
async fn check_first_text(database: &dyn Database, select: &Select, column: &ColumnShape) -> Result<()> {
    let dialect = database.dialect();
    let name = quote(dialect, &column.name);
    let sql = format!(
        "SELECT {} FROM (SELECT {name} FROM {} WHERE {name} >= '' ORDER BY {name} LIMIT 1) AS windlass_first",
        comparable(dialect, column),
        select.from(dialect)
    );
    database.ask(&sql).await.map(drop).map_err(|error| error.at_column(&column.name))
}

/// Whether the author of a resource says that a column of texts holds moments.
pub(super) fn is_declared_moment(resource: &Resource, column: &ColumnShape) -> bool {
    TextOrder::of_type(declared_type(resource, column)) == TextOrder::Instants
}

/// The type that the author of a resource declares for a column of texts, if it is one of numbers.
pub(super) fn declared_number<'a>(resource: &'a Resource, column: &ColumnShape) -> Option<&'a str> {
    let declared = declared_type(resource, column);
    declared.filter(|_| TextOrder::of_type(declared) == TextOrder::Numbers)
}

/// The type that is declared for a column of texts.
fn declared_type<'a>(resource: &'a Resource, column: &ColumnShape) -> Option<&'a str> {
    let naming = Naming::default();
    match (column.sql_type, naming.path(&column.name)) {
        (SqlType::Text { .. }, Ok(name)) => resource.hints.declared_type(&name, &naming),
        _ => None,
    }
}

/// The column that [`add_number`] adds.
const NUMBER: &str = "windlass_number";

/// Reads from a query that has the number which a text means as another column, which it gives: databases compare texts
/// letter by letter, and `10` comes before `9`.
pub(super) fn add_number(
    dialect: Dialect,
    select: &mut Select,
    column: &ColumnShape,
    declared: &str,
) -> ColumnShape {
    let number = match (dialect, declared) {
        (Dialect::Postgres | Dialect::Sqlite, _) => "numeric",
        (Dialect::MySql, _) => "decimal(65,20)",
        (Dialect::DuckDb, "bigint" | "wei") => "hugeint",
        (Dialect::DuckDb, "double") => "double",
        (Dialect::DuckDb, _) => "decimal(38,12)",
    };
    let filter = filter(select.conditions.drain(..));
    select.query = Some(format!(
        "SELECT *, CAST({} AS {number}) AS {} FROM {}{filter}",
        quote(dialect, &column.name),
        quote(dialect, NUMBER),
        select.from(dialect)
    ));
    ColumnShape {
        name: NUMBER.to_owned(),
        is_nullable: true,
        sql_type: SqlType::Decimal { digits: None },
        declared: number.to_owned(),
    }
}

/// The condition that texts of a declared moment fulfil if they belong to a range: by their date alone, since databases do
/// not know the order of the moments. The engine compares those that are read.
pub(super) fn reach_of_texts(
    dialect: Dialect,
    options: &IncrementalOptions,
    column: &ColumnShape,
    start: Option<&Value>,
) -> Option<String> {
    let micros = match parse_iso(start?.as_str()?)? {
        IsoValue::Timestamp(timestamp) => timestamp.utc_micros(),
        IsoValue::Date(days) => i64::from(days) * DAY_MICROS,
        IsoValue::Time(_) => return None,
    };
    let (name, plain) = (comparable(dialect, column), quote(dialect, &column.name));
    let range = match options.last_value_func {
        Extreme::Max => format!("{name} >= '{}'", date(micros - DAY_MICROS)),
        Extreme::Min => format!("{name} < '{}'", date(micros + 2 * DAY_MICROS)),
    };
    Some(format!("{range} OR {plain} IS NULL"))
}
