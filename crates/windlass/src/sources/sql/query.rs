//! The text of queries. All values are literals, since `COPY` takes no parameters.

use serde_json::Value;
use windlass_core::incremental::{Bound, Extreme, IncrementalOptions, MissingCursor, RowOrder};
use windlass_core::value::{
    DAY_MICROS, Decimal, IsoValue, Scalar, Timestamp, decode_tagged, format_date, format_timestamp, parse_iso,
};
use windlass_core::{Error, Result};

use super::catalog::ColumnShape;
use super::database::Dialect;
use super::sql_type::SqlType;
use super::stored_form::{MOMENT, StoredForm};

/// An order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Values ascend.
    Asc,
    /// Values descend.
    Desc,
}

/// A column of a query's result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectedColumn {
    /// Its name in the result, and in the table unless it is computed.
    pub name: String,
    /// The type that the server casts it to.
    pub cast: Option<String>,
    /// SQL that it is computed by.
    pub expression: Option<String>,
    /// SQL of the same value in the form that a database's client reads.
    pub read_as: Option<String>,
}

impl SelectedColumn {
    /// A column of the table as it is.
    pub fn plain(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The SQL of its value.
    pub fn value(&self, dialect: Dialect) -> String {
        let name = || quote(dialect, &self.name);
        let plain = self.expression.clone().unwrap_or_else(name);
        match &self.cast {
            None => plain,
            Some(cast) => format!("CAST({plain} AS {cast})"),
        }
    }

    fn sql(&self, dialect: Dialect) -> String {
        let name = quote(dialect, &self.name);
        match self.read_as.clone().unwrap_or_else(|| self.value(dialect)) {
            value if value == name => name,
            value => format!("{value} AS {name}"),
        }
    }
}

/// A query of one table, or of another query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// The schema of the table; the connection's for `None`.
    pub schema: Option<String>,
    /// The table, or what the query is called.
    pub table: String,
    /// A query in place of the table.
    pub query: Option<String>,
    /// The columns in order.
    pub columns: Vec<SelectedColumn>,
    /// Conditions that all hold.
    pub conditions: Vec<String>,
    /// What the rows are sorted by, first things first.
    pub order: Vec<(String, Direction)>,
    /// How many rows at most.
    pub limit: Option<u64>,
}

impl Select {
    /// The text.
    pub fn sql(&self, dialect: Dialect) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| column.sql(dialect)).collect();
        let mut sql = format!("SELECT {} FROM {}", columns.join(", "), self.from(dialect));
        match self.conditions.as_slice() {
            [] => {}
            [one] => sql.push_str(&format!(" WHERE {one}")),
            several => {
                let all: Vec<String> = several.iter().map(|condition| format!("({condition})")).collect();
                sql.push_str(&format!(" WHERE {}", all.join(" AND ")));
            }
        }
        if !self.order.is_empty() {
            let terms: Vec<String> = self
                .order
                .iter()
                .map(|(column, direction)| match direction {
                    Direction::Asc => format!("{column} ASC"),
                    Direction::Desc => format!("{column} DESC"),
                })
                .collect();
            sql.push_str(&format!(" ORDER BY {}", terms.join(", ")));
        }
        if let Some(limit) = self.limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        sql
    }

    /// What stands after `FROM`.
    pub fn from(&self, dialect: Dialect) -> String {
        let table = quote(dialect, &self.table);
        match (&self.query, &self.schema) {
            // A comment at its end would swallow the parenthesis.
            (Some(query), _) => format!("({}\n) AS {table}", bare(query)),
            (None, Some(schema)) => format!("{}.{table}", quote(dialect, schema)),
            (None, None) => table,
        }
    }
}

/// A query without the semicolon at its end.
pub fn bare(query: &str) -> &str {
    query.trim().trim_end_matches(';').trim_end()
}

/// A name as an identifier.
pub fn quote(dialect: Dialect, name: &str) -> String {
    dialect.sql().quote(name)
}

/// A text as a literal.
pub(super) fn text_literal(dialect: Dialect, text: &str) -> String {
    dialect.sql().literal(text)
}

/// A value, as settings and states write it, as a literal that is compared with a column of this type.
///
/// A moment is written in UTC for columns with a zone and for those without; a date and time without zone counts as
/// UTC. Errors: a value that cannot be compared with the type.
pub fn literal(dialect: Dialect, value: &Value, sql_type: &SqlType) -> Result<String> {
    let scalar = scalar(value)?;
    let wrong = || {
        Error::config(format!(
            "a column of the type {} cannot be compared with {value}",
            type_name(*sql_type)
        ))
        .with_hint("give a value of the column's type; timestamps and dates as ISO text")
    };
    Ok(match sql_type {
        SqlType::Int { .. } | SqlType::Float { .. } | SqlType::Decimal { .. } => match &scalar {
            Scalar::Int(number) => number.to_string(),
            Scalar::Wei(number) | Scalar::Decimal(number) if number.is_finite() => number.to_string(),
            Scalar::Double(number) if number.is_finite() => format!("{number:?}"),
            Scalar::Text(text) => {
                let number = Decimal::parse(text.trim()).filter(Decimal::is_finite).ok_or_else(wrong)?;
                number.to_string()
            }
            _ => return Err(wrong()),
        },
        SqlType::Timestamp { has_zone, .. } => {
            timestamp_literal(dialect, moment(&scalar).ok_or_else(wrong)?, *has_zone)
        }
        SqlType::Date => match &scalar {
            Scalar::Date(days) => date_literal(dialect, i64::from(*days)),
            Scalar::Text(text) if matches!(parse_iso(text), Some(IsoValue::Date(_))) => {
                let Some(IsoValue::Date(days)) = parse_iso(text) else { return Err(wrong()) };
                date_literal(dialect, i64::from(days))
            }
            other => timestamp_literal(dialect, moment(other).ok_or_else(wrong)?, false),
        },
        _ => match &scalar {
            Scalar::Text(text) => text_literal(dialect, text),
            Scalar::Int(number) => text_literal(dialect, &number.to_string()),
            Scalar::Decimal(number) | Scalar::Wei(number) => text_literal(dialect, &number.to_string()),
            _ => return Err(wrong()),
        },
    })
}

fn type_name(sql_type: SqlType) -> &'static str {
    match sql_type {
        SqlType::Int { .. } | SqlType::Float { .. } | SqlType::Decimal { .. } => "number",
        SqlType::Timestamp { .. } => "timestamp",
        SqlType::Date => "date",
        SqlType::Bool => "bool",
        SqlType::Binary { .. } => "bytes",
        SqlType::Time { .. } => "time",
        _ => "text",
    }
}

fn scalar(value: &Value) -> Result<Scalar<'_>> {
    Ok(match value {
        Value::String(text) => decode_tagged(text),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Scalar::Int(number),
            (None, Some(number), _) => Scalar::Wei(number.into()),
            (None, None, number) => Scalar::Double(number.unwrap_or(f64::NAN)),
        },
        _ => {
            return Err(Error::config("the value of a cursor is neither a number nor a text")
                .with_hint("give a number, a text, or a timestamp as ISO text"));
        }
    })
}

fn moment(scalar: &Scalar<'_>) -> Option<Timestamp> {
    let of_days =
        |days: i32| Timestamp { micros: i64::from(days).saturating_mul(86_400_000_000), offset: None };
    match scalar {
        Scalar::Timestamp(timestamp) => Some(*timestamp),
        Scalar::Date(days) => Some(of_days(*days)),
        Scalar::Text(text) => match parse_iso(text)? {
            IsoValue::Timestamp(timestamp) => Some(timestamp),
            IsoValue::Date(days) => Some(of_days(days)),
            IsoValue::Time(_) => None,
        },
        _ => None,
    }
}

fn timestamp_literal(dialect: Dialect, timestamp: Timestamp, has_zone: bool) -> String {
    if dialect == Dialect::Sqlite {
        // What a stored value means is compared, as microseconds.
        return timestamp.utc_micros().to_string();
    }
    let mut text = String::new();
    format_timestamp(&mut text, Timestamp { micros: timestamp.utc_micros(), offset: None }, ' ');
    match (dialect, has_zone) {
        (Dialect::Postgres | Dialect::DuckDb, true) => format!("TIMESTAMP WITH TIME ZONE '{text}+00:00'"),
        _ => format!("TIMESTAMP '{text}'"),
    }
}

fn date_literal(dialect: Dialect, days: i64) -> String {
    if dialect == Dialect::Sqlite {
        return (days * DAY_MICROS).to_string();
    }
    let mut text = String::new();
    format_date(&mut text, days);
    format!("DATE '{text}'")
}

/// Digits behind the point that a number of SQLite is read with where its column declares none.
const SQLITE_SCALE: i32 = 10;

/// A column in conditions and orders: texts are compared byte by byte, as the cursor's own order is; what SQLite stores in
/// several forms, by what it is read as.
pub(super) fn comparable(dialect: Dialect, column: &ColumnShape) -> String {
    let name = quote(dialect, &column.name);
    match (dialect, column.sql_type) {
        (Dialect::Postgres, SqlType::Text { .. }) => format!("{name} COLLATE \"C\""),
        (Dialect::MySql, SqlType::Text { .. }) => format!("CAST({name} AS BINARY)"),
        // Numbers may stand among its texts, and before all of them.
        (Dialect::Sqlite, SqlType::Text { .. }) if !keeps_texts(&column.declared) => {
            format!("CAST({name} AS TEXT)")
        }
        // A column may have a collation of its own, such as NOCASE.
        (Dialect::Sqlite, SqlType::Text { .. }) => format!("{name} COLLATE BINARY"),
        (Dialect::DuckDb, SqlType::Text { .. }) => format!("{name} COLLATE POSIX"),
        (Dialect::Sqlite, SqlType::Timestamp { .. } | SqlType::Date) => format!("{MOMENT}({name})"),
        (Dialect::Sqlite, SqlType::Decimal { digits }) => {
            let scale = digits.map_or(SQLITE_SCALE, |(_, scale)| scale);
            format!("CASE typeof({name}) WHEN 'real' THEN round({name}, {scale}) ELSE {name} END")
        }
        _ => name,
    }
}

/// Whether SQLite makes a text of each number that is stored in a column of this type.
fn keeps_texts(declared: &str) -> bool {
    let declared = declared.to_uppercase();
    !declared.contains("INT") && ["CHAR", "CLOB", "TEXT"].iter().any(|part| declared.contains(part))
}

/// Whether SQLite stores the values of a column in other forms than those that they are read as.
pub(super) fn has_forms(dialect: Dialect, column: &ColumnShape) -> bool {
    let types =
        matches!(column.sql_type, SqlType::Timestamp { .. } | SqlType::Date | SqlType::Decimal { .. });
    dialect == Dialect::Sqlite && types
}

/// A column in an order: its stored values where they are in the order of what they mean, so that an index gives it.
pub(super) fn in_order(dialect: Dialect, column: &ColumnShape, form: StoredForm) -> String {
    let is_number = matches!(column.sql_type, SqlType::Decimal { .. });
    match has_forms(dialect, column) && (is_number || form.is_in_order()) {
        true => quote(dialect, &column.name),
        false => comparable(dialect, column),
    }
}

/// A condition on the stored values of a column that holds where one on their meaning does, for an index to answer.
///
/// Errors: as of [`literal`].
pub(super) fn reach(
    dialect: Dialect,
    column: &ColumnShape,
    operator: &str,
    value: &Value,
    form: StoredForm,
) -> Result<Option<String>> {
    if !has_forms(dialect, column) {
        return Ok(None);
    }
    let name = quote(dialect, &column.name);
    let literal = literal(dialect, value, &column.sql_type)?;
    if let SqlType::Decimal { digits } = column.sql_type {
        let Ok(number) = literal.parse::<f64>() else { return Ok(None) };
        let slack = 10_f64.powi(-digits.map_or(SQLITE_SCALE, |(_, scale)| scale)) + number.abs() * 1e-15;
        return Ok(Some(match operator.starts_with('<') {
            true => format!("{name} <= {:?}", number + slack),
            false => format!("{name} >= {:?}", number - slack),
        }));
    }
    Ok(literal.parse().ok().and_then(|micros| form.reach(&name, operator, micros)))
}

/// The condition of rows whose cursor counts as missing: null, and what the engine has no place for, wherever the database
/// puts it.
fn is_missing(dialect: Dialect, column: &ColumnShape) -> String {
    let name = quote(dialect, &column.name);
    let has_no_place = match (dialect, column.sql_type) {
        (Dialect::Postgres, SqlType::Timestamp { .. } | SqlType::Date)
        | (Dialect::DuckDb, SqlType::Timestamp { .. } | SqlType::Date | SqlType::Float { .. }) => {
            format!("NOT isfinite({name})")
        }
        (Dialect::Postgres, SqlType::Float { .. }) => format!("{name} IN ('NaN', 'Infinity', '-Infinity')"),
        // Zero dates, which come before all others.
        (Dialect::MySql, SqlType::Timestamp { .. } | SqlType::Date) => {
            format!("DAYOFMONTH({name}) = 0 OR MONTH({name}) = 0")
        }
        _ => return format!("{name} IS NULL"),
    };
    format!("{name} IS NULL OR {has_no_place}")
}

/// The condition that takes the rows of a cursor's range; `None` if it takes all.
///
/// Errors: ends that cannot be compared with the column.
pub(super) fn range_condition(
    dialect: Dialect,
    options: &IncrementalOptions,
    column: &ColumnShape,
    form: StoredForm,
    start: Option<&Value>,
    end: Option<&Value>,
) -> Result<Option<String>> {
    let name = comparable(dialect, column);
    let plain = quote(dialect, &column.name);
    let is_max = options.last_value_func == Extreme::Max;
    let operator = |is_start: bool, bound: Bound| match (is_start == is_max, bound) {
        (true, Bound::Closed) => ">=",
        (true, Bound::Open) => ">",
        (false, Bound::Closed) => "<=",
        (false, Bound::Open) => "<",
    };
    let compare = |operator: &str, value: &Value| -> Result<String> {
        let place = |error: Error| error.at_column(&column.name);
        let literal = literal(dialect, value, &column.sql_type).map_err(place)?;
        let exact = format!("{name} {operator} {literal}");
        let reach = reach(dialect, column, operator, value, form).map_err(place)?;
        Ok(reach.map_or(exact.clone(), |reach| format!("{reach} AND {exact}")))
    };
    let mut condition = None;
    if let Some(start) = start {
        let mut range = compare(operator(true, options.range_start), start)?;
        if let Some(end) = end {
            range.push_str(&format!(" AND {}", compare(operator(false, options.range_end), end)?));
        }
        if options.on_cursor_value_missing == MissingCursor::Include {
            range.push_str(&format!(" OR {}", is_missing(dialect, column)));
        }
        condition = Some(range);
    }
    if options.on_cursor_value_missing == MissingCursor::Exclude {
        let present = format!("{plain} IS NOT NULL");
        condition = Some(condition.map_or(present.clone(), |range| format!("{range} AND {present}")));
    }
    Ok(condition)
}

/// The order that the rows are wanted in: relative to the direction in which the cursor grows.
pub fn cursor_direction(options: &IncrementalOptions) -> Option<Direction> {
    Some(match (options.row_order?, options.last_value_func) {
        (RowOrder::Asc, Extreme::Max) | (RowOrder::Desc, Extreme::Min) => Direction::Asc,
        (RowOrder::Asc, Extreme::Min) | (RowOrder::Desc, Extreme::Max) => Direction::Desc,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn column(name: &str, sql_type: SqlType) -> ColumnShape {
        ColumnShape { name: name.to_owned(), is_nullable: true, sql_type, declared: String::new() }
    }

    /// The reference quotes only names that need it, and names the table of each column.
    fn as_recorded(sql: &str) -> String {
        let quoted = regex::Regex::new(r#""([a-z_]+)""#).unwrap();
        quoted.replace_all(sql, "$1").into_owned()
    }

    #[test]
    fn ranges_are_those_of_the_reference() {
        let recorded: Value =
            serde_json::from_str(include_str!("testdata/incremental_queries.json")).unwrap();
        let cases = recorded["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 144);
        for case in cases {
            let options: IncrementalOptions = serde_json::from_value(case["incremental"].clone()).unwrap();
            let id = column("id", SqlType::Int { bits: 64, is_unsigned: false });
            let some = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
            let (start, end) = (some(&options.initial_value), some(&options.end_value));
            let condition = range_condition(
                Dialect::Postgres,
                &options,
                &id,
                StoredForm::Unknown,
                start.as_ref(),
                end.as_ref(),
            )
            .unwrap();
            let direction = cursor_direction(&options);
            let select = Select {
                table: "events".to_owned(),
                columns: ["id", "updated_at", "Odd Name"].map(SelectedColumn::plain).to_vec(),
                conditions: condition.into_iter().collect(),
                order: direction
                    .map(|direction| (quote(Dialect::Postgres, "id"), direction))
                    .into_iter()
                    .collect(),
                ..Select::default()
            };
            let mut expected = case["sql"].as_str().unwrap().replace("events.", "");
            for (name, value) in case["params"].as_object().unwrap() {
                expected = expected.replace(&format!("%({name})s"), value.as_str().unwrap());
            }
            assert_eq!(as_recorded(&select.sql(Dialect::Postgres)), expected, "{}", case["incremental"]);
        }
    }

    #[test]
    fn conditions_of_several_kinds_hold_together() {
        let select = Select {
            schema: Some("s".to_owned()),
            table: "t".to_owned(),
            columns: vec![
                SelectedColumn::plain("a"),
                SelectedColumn { cast: Some("text".to_owned()), ..SelectedColumn::plain("b") },
                SelectedColumn { expression: Some("a + 1".to_owned()), ..SelectedColumn::plain("c") },
            ],
            conditions: vec!["a > 1 OR a IS NULL".to_owned(), "b = 2".to_owned()],
            limit: Some(5),
            ..Select::default()
        };
        assert_eq!(
            select.sql(Dialect::Postgres),
            "SELECT \"a\", CAST(\"b\" AS text) AS \"b\", a + 1 AS \"c\" FROM \"s\".\"t\" WHERE (a > 1 OR a IS NULL) \
             AND (b = 2) LIMIT 5"
        );
        let query = Select {
            table: "q".to_owned(),
            query: Some("select 1 as a -- one;\n ; ".to_owned()),
            columns: vec![SelectedColumn::plain("a")],
            ..Select::default()
        };
        assert_eq!(query.sql(Dialect::MySql), "SELECT `a` FROM (select 1 as a -- one;\n) AS `q`");
    }

    #[test]
    fn literals_cannot_end_early() {
        let text = |dialect| literal(dialect, &json!("a'b\\'c"), &SqlType::Text { length: None }).unwrap();
        assert_eq!(text(Dialect::Postgres), "E'a''b\\\\''c'");
        assert_eq!(text(Dialect::MySql), "'a''b\\\\''c'");
        assert_eq!(text(Dialect::Sqlite), "'a''b\\''c'");
        assert_eq!(quote(Dialect::Postgres, "a\"b"), "\"a\"\"b\"");
        assert_eq!(quote(Dialect::MySql, "a`b"), "`a``b`");
    }

    #[test]
    fn literals_are_of_the_type_of_their_column() {
        let zoned = SqlType::Timestamp { has_zone: true, digits: 6 };
        let plain = SqlType::Timestamp { has_zone: false, digits: 6 };
        let number = SqlType::Decimal { digits: Some((10, 2)) };
        let cases = [
            (
                json!("2024-01-01T02:00:00+02:00"),
                zoned,
                "TIMESTAMP WITH TIME ZONE '2024-01-01 00:00:00+00:00'",
            ),
            (
                json!("2024-01-01T00:00:00.5"),
                zoned,
                "TIMESTAMP WITH TIME ZONE '2024-01-01 00:00:00.500000+00:00'",
            ),
            (json!("2024-01-01T02:00:00+02:00"), plain, "TIMESTAMP '2024-01-01 00:00:00'"),
            (json!("\u{f027}2024-01-01T00:00:00+00:00"), plain, "TIMESTAMP '2024-01-01 00:00:00'"),
            (json!("2024-01-01"), SqlType::Date, "DATE '2024-01-01'"),
            (json!("\u{f028}2024-01-01"), SqlType::Date, "DATE '2024-01-01'"),
            (json!("12.50"), number, "12.50"),
            (json!("\u{f026}12.50"), number, "12.50"),
            (json!(7), SqlType::Text { length: None }, "'7'"),
        ];
        for (value, sql_type, expected) in cases {
            assert_eq!(literal(Dialect::Postgres, &value, &sql_type).unwrap(), expected, "{value}");
        }
        for (value, sql_type) in [
            (json!("1; drop table t"), number),
            (json!("soon"), zoned),
            (json!(3), SqlType::Date),
            (json!([1]), number),
        ] {
            assert!(literal(Dialect::Postgres, &value, &sql_type).is_err(), "{value}");
        }
    }
}
