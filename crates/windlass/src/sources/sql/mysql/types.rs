//! The types of MySQL and MariaDB in the terms of the schema.
//!
//! The rules are those of SQLAlchemy's reflection, which the reference goes by: `tinyint(1)` is a number, `double` a
//! decimal, `timestamp` has no zone. What it leaves to the values (`bit`, `year`, geometries) has the type that it
//! infers from them.

use mysql_async::Column;
use mysql_async::consts::{ColumnFlags, ColumnType};

use super::super::catalog::ColumnShape;
use super::super::sql_type::SqlType;

/// A column as the catalogue describes it.
pub(super) struct Declared<'a> {
    /// The type without anything, such as `int`.
    pub(super) kind: &'a str,
    /// The type as it is written, such as `int(10) unsigned`.
    pub(super) column_type: &'a str,
    /// The longest length in characters, or bytes.
    pub(super) length: Option<u64>,
    /// The digits of a number.
    pub(super) precision: Option<u64>,
    /// Those after the point.
    pub(super) scale: Option<u64>,
    /// The digits of a second.
    pub(super) digits: Option<u64>,
    /// Whether a check makes it a JSON document.
    pub(super) is_document: bool,
}

/// A double keeps this many decimal digits.
const EXACT_DIGITS: u32 = 15;

/// The type of a column of a table.
pub(super) fn of_declared(column: &Declared<'_>) -> SqlType {
    let written = column.column_type.to_ascii_lowercase();
    let is_unsigned = written.contains(" unsigned") || written.contains(" zerofill");
    let int = |bits| SqlType::Int { bits, is_unsigned };
    let length = column.length.and_then(|length| u32::try_from(length).ok());
    let decimal = || {
        let digits = column.precision.and_then(|precision| u32::try_from(precision).ok());
        let scale = column.scale.and_then(|scale| i32::try_from(scale).ok());
        SqlType::Decimal { digits: digits.map(|digits| (digits, scale.unwrap_or(0))) }
    };
    let digits = column.digits.and_then(|digits| u8::try_from(digits).ok()).unwrap_or(0);
    match column.kind.to_ascii_lowercase().as_str() {
        "tinyint" => int(8),
        "smallint" => int(16),
        "mediumint" | "int" | "integer" => int(32),
        "bigint" => int(64),
        // Two digits of a year are no number of another width to the reference either.
        "year" => SqlType::Int { bits: 32, is_unsigned: false },
        "decimal" | "numeric" => decimal(),
        "float" => SqlType::Float { bits: 32, is_decimal: false },
        // A declared number of digits makes a `double(10,2)` a decimal of the schema.
        "double" | "real" => match decimal() {
            SqlType::Decimal { digits: Some((precision, scale)) }
                if column.scale.is_some() && precision <= EXACT_DIGITS =>
            {
                SqlType::Decimal { digits: Some((precision, scale)) }
            }
            _ => SqlType::Float { bits: 64, is_decimal: true },
        },
        "char" | "varchar" => SqlType::Text { length },
        _ if column.is_document => SqlType::Json,
        "tinytext" | "text" | "mediumtext" | "longtext" => SqlType::Text { length: None },
        "enum" | "set" => SqlType::Text { length: longest_member(column.column_type) },
        "binary" | "varbinary" => SqlType::Binary { length },
        "tinyblob" | "blob" | "mediumblob" | "longblob" | "bit" | "vector" | "geometry" | "point"
        | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
        | "geometrycollection" | "geomcollection" => SqlType::Binary { length: None },
        "date" => SqlType::Date,
        "time" => SqlType::Time { digits },
        "datetime" | "timestamp" => SqlType::Timestamp { has_zone: false, digits },
        "json" => SqlType::Json,
        "uuid" => SqlType::Uuid,
        _ => SqlType::Other,
    }
}

/// The length of the longest text of `enum('a','it''s')`.
fn longest_member(column_type: &str) -> Option<u32> {
    let list = column_type.split_once('(')?.1.rsplit_once(')')?.0;
    let mut longest = 0;
    let mut length = 0;
    let mut is_inside = false;
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' if !is_inside => (is_inside, length) = (true, 0),
            '\'' if characters.peek() == Some(&'\'') => {
                characters.next();
                length += 1;
            }
            '\'' => {
                is_inside = false;
                longest = longest.max(length);
            }
            _ => length += 1,
        }
    }
    Some(longest)
}

/// Characters of the pseudo character set of bytes.
const BYTES: u16 = 63;

/// The column of a query's result.
pub(super) fn of_result(column: &Column) -> ColumnShape {
    let flags = column.flags();
    let is_unsigned = flags.contains(ColumnFlags::UNSIGNED_FLAG);
    let int = |bits| SqlType::Int { bits, is_unsigned };
    // 31 stands for as many as there are.
    let digits = Some(column.decimals()).filter(|&digits| digits <= 6).unwrap_or(6);
    let (sql_type, declared) = match column.column_type() {
        // The length is what tells truth values from small numbers.
        ColumnType::MYSQL_TYPE_TINY if column.column_length() == 1 => (int(8), "tinyint(1)"),
        ColumnType::MYSQL_TYPE_TINY => (int(8), "tinyint"),
        ColumnType::MYSQL_TYPE_SHORT => (int(16), "smallint"),
        ColumnType::MYSQL_TYPE_INT24 => (int(32), "mediumint"),
        ColumnType::MYSQL_TYPE_LONG => (int(32), "int"),
        ColumnType::MYSQL_TYPE_LONGLONG => (int(64), "bigint"),
        ColumnType::MYSQL_TYPE_YEAR => (SqlType::Int { bits: 32, is_unsigned: false }, "year"),
        ColumnType::MYSQL_TYPE_FLOAT => (SqlType::Float { bits: 32, is_decimal: false }, "float"),
        ColumnType::MYSQL_TYPE_DOUBLE => (SqlType::Float { bits: 64, is_decimal: false }, "double"),
        ColumnType::MYSQL_TYPE_NEWDECIMAL | ColumnType::MYSQL_TYPE_DECIMAL => {
            let scale = column.decimals();
            // The length counts the sign and the point.
            let extra = u32::from(scale > 0) + u32::from(!is_unsigned);
            let precision = column.column_length().saturating_sub(extra).max(1);
            let digits = (precision <= 65).then_some((precision, i32::from(scale)));
            (SqlType::Decimal { digits }, "decimal")
        }
        ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => (SqlType::Date, "date"),
        ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => (SqlType::Time { digits }, "time"),
        ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_DATETIME2 => {
            (SqlType::Timestamp { has_zone: false, digits }, "datetime")
        }
        ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => {
            (SqlType::Timestamp { has_zone: false, digits }, "timestamp")
        }
        ColumnType::MYSQL_TYPE_BIT => (SqlType::Binary { length: None }, "bit"),
        ColumnType::MYSQL_TYPE_GEOMETRY => (SqlType::Binary { length: None }, "geometry"),
        ColumnType::MYSQL_TYPE_JSON => (SqlType::Json, "json"),
        ColumnType::MYSQL_TYPE_NULL => (SqlType::Other, "null"),
        _ if column.character_set() == BYTES => (SqlType::Binary { length: None }, "blob"),
        _ => (SqlType::Text { length: None }, "text"),
    };
    let declared = if is_unsigned { format!("{declared} unsigned") } else { declared.to_owned() };
    ColumnShape {
        name: column.name_str().into_owned(),
        is_nullable: !flags.contains(ColumnFlags::NOT_NULL_FLAG),
        sql_type,
        declared,
    }
}

/// What a column of a result gives, in words; `None` if it can be read as the type that was promised.
pub(super) fn mismatch(promised: SqlType, column: &Column) -> Option<String> {
    let given = of_result(column);
    let is_text = |sql_type| {
        matches!(
            sql_type,
            SqlType::Text { .. }
                | SqlType::Enum
                | SqlType::Json
                | SqlType::Array
                | SqlType::Uuid
                | SqlType::Other
        )
    };
    let fits = match (promised, given.sql_type) {
        // A wider wire is as good, and values that do not fit are noticed.
        (SqlType::Int { .. } | SqlType::Bool, SqlType::Int { .. }) => true,
        (SqlType::Float { .. }, SqlType::Float { .. }) => true,
        (SqlType::Decimal { .. }, SqlType::Decimal { .. } | SqlType::Int { .. } | SqlType::Float { .. }) => {
            true
        }
        (SqlType::Binary { .. }, SqlType::Binary { .. }) => true,
        (SqlType::Date, SqlType::Date) | (SqlType::Time { .. }, SqlType::Time { .. }) => true,
        (SqlType::Timestamp { .. }, SqlType::Timestamp { .. } | SqlType::Date) => true,
        // Texts in a binary character set are texts if they are UTF-8.
        (promised, given) if is_text(promised) => is_text(given) || matches!(given, SqlType::Binary { .. }),
        _ => false,
    };
    (!fits).then_some(given.declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_enums_are_measured() {
        assert_eq!(longest_member("enum('a','bcd','it''s')"), Some(4));
        assert_eq!(longest_member("set('é','')"), Some(1));
        assert_eq!(longest_member("enum('a)(b')"), Some(4));
    }

    #[test]
    fn a_decimal_of_a_result_has_the_digits_of_its_length() {
        let column = Column::new(ColumnType::MYSQL_TYPE_NEWDECIMAL).with_decimals(2).with_column_length(12);
        assert_eq!(of_result(&column).sql_type, SqlType::Decimal { digits: Some((10, 2)) });
        let column = column.with_flags(ColumnFlags::UNSIGNED_FLAG).with_column_length(11);
        assert_eq!(of_result(&column).sql_type, SqlType::Decimal { digits: Some((10, 2)) });
    }

    #[test]
    fn a_column_of_another_type_does_not_fit() {
        let text = Column::new(ColumnType::MYSQL_TYPE_VAR_STRING).with_character_set(45);
        assert_eq!(mismatch(SqlType::Int { bits: 32, is_unsigned: false }, &text).as_deref(), Some("text"));
        assert_eq!(mismatch(SqlType::Uuid, &text), None);
        let int = Column::new(ColumnType::MYSQL_TYPE_LONGLONG);
        assert_eq!(mismatch(SqlType::Int { bits: 8, is_unsigned: true }, &int), None);
        assert_eq!(mismatch(SqlType::Date, &int).as_deref(), Some("bigint"));
    }
}
