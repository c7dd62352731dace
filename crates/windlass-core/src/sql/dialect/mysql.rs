//! MySQL and MariaDB.

use super::{Backslash, Clock, Dialect, Facts, Nul, RowAddress, decimal_digits, not_in, whole_number};
use crate::error::Result;
use crate::normalize::TypeDefaults;
use crate::schema::Column;
use crate::value::DataType;

const FACTS: Facts = Facts {
    name: "MySQL",
    identifier_quote: '`',
    // Connections of the engine never have `NO_BACKSLASH_ESCAPES`.
    backslash: Backslash::Escape,
    nul: Nul::Escaped("\\0"),
    has_time_zones: false,
    has_transactional_ddl: false,
    moves_tables: false,
    alters_many_columns: true,
    // They are in the dataset, before a table of the same name.
    temporary_dataset: None,
    // A statement of MySQL can name a temporary table once only.
    stages_in_temporary_tables: false,
    row_address: RowAddress::Added("_windlass_row"),
    finds_rows_by_index: true,
    position_function: "instr",
    double_type: "double",
    // Connections of the engine are in UTC.
    clock: Some(Clock {
        now: "SYSDATE(6)",
        epoch: "'1970-01-01 00:00:00'",
        column_type: "DATETIME(6)",
        key_type: "VARCHAR(255)",
        later: |micros| format!("SYSDATE(6) + INTERVAL {micros} MICROSECOND"),
        micros: |time| format!("TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', {time})"),
    }),
};

/// MySQL and MariaDB.
pub const MYSQL: &dyn Dialect = &MySql;

/// Bytes of a key in an index.
const INDEX_BYTES: usize = 3072;

/// Bytes that a character of a text may take.
const CHARACTER_BYTES: usize = 4;

/// Characters of a text that an index holds; two texts that begin alike are told apart by the rows.
const INDEXED_CHARACTERS: usize = 128;

/// Characters of a text that is a key and has no length, as in the reference.
const KEY_CHARACTERS: i64 = 128;

/// The longest text that is stored in the row, of which all columns have 65,535 bytes together.
const ROW_CHARACTERS: i64 = 16_000;

#[derive(Debug)]
struct MySql;

impl Dialect for MySql {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    /// 'a' is not 'A', and trailing blanks count: the collation that does so has another name on each of the two servers,
    /// and each takes the other's for a comment.
    fn table_options(&self) -> &'static str {
        " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 \
         /*M!100202 COLLATE=utf8mb4_nopad_bin */ /*!80017 COLLATE=utf8mb4_0900_bin */"
    }

    fn create_dataset(&self, dataset: &str) -> Option<String> {
        Some(format!("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4", self.quote(dataset)))
    }

    fn allow_nulls(&self, table: &str, _: &Column, definition: &str) -> Vec<String> {
        vec![format!("ALTER TABLE {table} MODIFY COLUMN {definition}")]
    }

    fn temporary_table(&self, dataset: &str, name: &str) -> String {
        self.qualify(dataset, name)
    }

    fn index_part(&self, column: &Column, of: usize) -> String {
        let name = self.quote(&column.name);
        let limit = INDEXED_CHARACTERS.min(INDEX_BYTES / CHARACTER_BYTES / of.max(1));
        let held = match column.data_type.unwrap_or(DataType::Text) {
            DataType::Text => text_length(column),
            DataType::Binary | DataType::Json => None,
            _ => return name,
        };
        // A prefix must be shorter than what it is a prefix of.
        match held.and_then(|held| usize::try_from(held).ok()) {
            Some(held) if held <= limit => name,
            _ => format!("{name}({limit})"),
        }
    }

    fn create_temporary(&self, table: &str, key: &str, select: &str) -> String {
        format!("CREATE TEMPORARY TABLE {table} (KEY ({key})) ENGINE=InnoDB AS {select}")
    }

    /// Without the word, the transaction would be committed.
    fn drop_temporary(&self, table: &str) -> String {
        format!("DROP TEMPORARY TABLE {table}")
    }

    fn in_byte_order(&self, column: &Column) -> String {
        let name = self.quote(&column.name);
        if column.data_type == Some(DataType::Text) { format!("CAST({name} AS BINARY)") } else { name }
    }

    fn nulls_last(&self, expression: &str, direction: &str) -> String {
        format!("ISNULL({expression}), {expression} {direction}")
    }

    fn is_distinct(&self, left: &str, right: &str) -> String {
        format!("NOT ({left} <=> {right})")
    }

    fn insert_missing(&self, table: &str, values: &str) -> String {
        format!("INSERT IGNORE INTO {table} VALUES ({values})")
    }

    fn update_from(&self, table: &str, set: &[(String, String)], from: &str, condition: &str) -> String {
        let set: Vec<String> = set.iter().map(|(column, value)| format!("d.{column} = {value}")).collect();
        format!("UPDATE {table} AS d JOIN {from} AS s ON {condition} SET {}", set.join(", "))
    }

    fn type_of(&self, column: &Column, data_type: DataType, defaults: &TypeDefaults) -> Result<String> {
        let fraction = |name: &str| match column.precision.unwrap_or(6) {
            0 => Ok(name.to_owned()),
            digits @ 1..=6 => Ok(format!("{name}({digits})")),
            _ => {
                let hint = "set the precision to 6 digits or less";
                Err(not_in(FACTS.name, "times finer than a microsecond", column, hint))
            }
        };
        let decimal = |default| {
            let (precision, scale) = decimal_digits(column, default);
            if precision > 65 || scale > 30 {
                let hint = "use at most 65 digits, of which 30 after the point, or the type text";
                return Err(not_in(FACTS.name, "decimals of so many digits", column, hint));
            }
            Ok(format!("NUMERIC({precision},{scale})"))
        };
        Ok(match data_type {
            // The reference's TEXT ends after 65,535 bytes.
            DataType::Text => match text_length(column) {
                Some(length) => format!("VARCHAR({length})"),
                None => "LONGTEXT".to_owned(),
            },
            DataType::Double => "DOUBLE".to_owned(),
            DataType::Bool => "BOOL".to_owned(),
            DataType::Binary => "LONGBLOB".to_owned(),
            DataType::Json => "JSON".to_owned(),
            DataType::Date => "DATE".to_owned(),
            DataType::Time => fraction("TIME")?,
            DataType::Timestamp => fraction("DATETIME")?,
            DataType::Bigint => whole_number(FACTS.name, column, ["SMALLINT", "INTEGER", "BIGINT"])?,
            DataType::Decimal => decimal(defaults.decimal)?,
            DataType::Wei => decimal(defaults.wei)?,
        })
    }
}

/// The characters that a text may have, if they are limited. A text that may be the key of an index has to be.
fn text_length(column: &Column) -> Option<i64> {
    match column.precision.filter(|length| *length > 0) {
        Some(length) => (length <= ROW_CHARACTERS).then_some(length),
        None => column.has("unique").then_some(KEY_CHARACTERS),
    }
}
