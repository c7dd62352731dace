//! Types and literals of each database, as text.

use expect_test::{Expect, expect};

use super::*;

fn check(dialect: &dyn Dialect, expected: Expect) {
    let typed =
        |data_type, precision, scale| Column { precision, scale, ..Column::typed("c", data_type, true) };
    let naive = |precision| Column { timezone: Some(false), ..typed(DataType::Timestamp, precision, None) };
    let columns = [
        typed(DataType::Text, None, None),
        typed(DataType::Text, Some(50), None),
        typed(DataType::Timestamp, None, None),
        typed(DataType::Timestamp, Some(3), None),
        typed(DataType::Timestamp, Some(9), None),
        naive(None),
        naive(Some(0)),
        typed(DataType::Time, Some(3), None),
        typed(DataType::Bigint, Some(8), None),
        typed(DataType::Bigint, Some(32), None),
        typed(DataType::Bigint, None, None),
        typed(DataType::Bigint, Some(128), None),
        typed(DataType::Decimal, None, None),
        typed(DataType::Decimal, Some(6), Some(2)),
        typed(DataType::Decimal, Some(10), None),
        typed(DataType::Wei, None, None),
        typed(DataType::Wei, Some(20), None),
        typed(DataType::Json, None, None),
        Column::typed("id", DataType::Text, false).with("unique", true),
    ];
    let defaults = TypeDefaults { unique_constraints: true, ..TypeDefaults::default() };
    let lines: Vec<String> = columns
        .iter()
        .map(|column| match dialect.column_definition(column, &defaults) {
            Ok(text) => text,
            Err(error) => format!("error: {error}"),
        })
        .collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn types_of_postgres_are_those_of_the_reference() {
    check(
        POSTGRES,
        expect![[r#"
        "c" varchar
        "c" varchar(50)
        "c" timestamp with time zone
        "c" timestamp (3) with time zone
        error: Postgres has no times finer than a microsecond (column `c`)
        "c" timestamp without time zone
        "c" timestamp (0) without time zone
        "c" time (3) without time zone
        "c" smallint
        "c" integer
        "c" bigint
        error: Postgres has no integers of more than 64 bits (column `c`)
        "c" numeric(38,9)
        "c" numeric(6,2)
        "c" numeric(10,9)
        "c" numeric(156,78)
        "c" numeric(20,0)
        "c" jsonb
        "id" varchar UNIQUE NOT NULL"#]],
    );
}

#[test]
fn types_of_sqlite_are_those_of_the_reference() {
    check(
        SQLITE,
        expect![[r#"
        "c" TEXT
        "c" VARCHAR(50)
        "c" DATETIME
        "c" DATETIME
        "c" DATETIME
        "c" DATETIME
        "c" DATETIME
        "c" TIME
        "c" SMALLINT
        "c" INTEGER
        "c" BIGINT
        error: SQLite has no integers of more than 64 bits (column `c`)
        "c" NUMERIC(38,9)
        "c" NUMERIC(6,2)
        "c" NUMERIC(10)
        "c" NUMERIC(38,0)
        "c" NUMERIC(20)
        "c" JSON
        "id" TEXT UNIQUE NOT NULL"#]],
    );
}

#[test]
fn times_of_sqlite_are_texts_that_sort() {
    assert_eq!(SQLITE.timestamp_literal(1_000_000), "'1970-01-01 00:00:01.000000'");
    assert_eq!(SQLITE.timestamp_literal(1), "'1970-01-01 00:00:00.000001'");
    assert_eq!(POSTGRES.timestamp_literal(1_000_000), "'1970-01-01 00:00:01+00:00'");
}

#[test]
fn types_of_mysql_are_those_of_the_reference_but_texts_without_an_end() {
    check(
        MYSQL,
        expect![[r#"
        `c` LONGTEXT
        `c` VARCHAR(50)
        `c` DATETIME(6)
        `c` DATETIME(3)
        error: MySQL has no times finer than a microsecond (column `c`)
        `c` DATETIME(6)
        `c` DATETIME
        `c` TIME(3)
        `c` SMALLINT
        `c` INTEGER
        `c` BIGINT
        error: MySQL has no integers of more than 64 bits (column `c`)
        `c` NUMERIC(38,9)
        `c` NUMERIC(6,2)
        `c` NUMERIC(10,9)
        `c` NUMERIC(38,0)
        `c` NUMERIC(20,0)
        `c` JSON
        `id` VARCHAR(128) UNIQUE NOT NULL"#]],
    );
}

#[test]
fn a_literal_is_read_as_its_text_whatever_the_settings_of_the_server() {
    let text = r#"it's a "C:\new" path"#;
    assert_eq!(POSTGRES.literal(text), r#"E'it''s a "C:\\new" path'"#);
    assert_eq!(MYSQL.literal(text), r#"'it''s a "C:\\new" path'"#);
    for plain in [DUCKDB, SQLITE] {
        assert_eq!(plain.literal(text), r#"'it''s a "C:\new" path'"#);
    }
    assert_eq!(POSTGRES.literal("a'b"), "'a''b'");
    assert_eq!(DUCKDB.literal("a\0'"), "('a' || chr(0) || '''')");
    assert_eq!(SQLITE.literal("\0b"), "('' || char(0) || 'b')");
    assert_eq!(MYSQL.literal("a\0b"), r"'a\0b'");
    assert_eq!(POSTGRES.literal("a\0b"), "'ab'");
}

#[test]
fn a_quote_in_a_name_is_doubled() {
    assert_eq!(POSTGRES.qualify("d\"s", "t`"), "\"d\"\"s\".\"t`\"");
    assert_eq!(MYSQL.qualify("d\"s", "t`"), "`d\"s`.`t```");
}

#[test]
fn an_index_of_mysql_holds_the_beginning_of_long_texts() {
    let text = |precision| Column { precision, ..Column::typed("c", DataType::Text, true) };
    assert_eq!(MYSQL.index_part(&text(None), 1), "`c`(128)");
    assert_eq!(MYSQL.index_part(&text(Some(64)), 1), "`c`");
    assert_eq!(MYSQL.index_part(&text(Some(1000)), 10), "`c`(76)");
    assert_eq!(MYSQL.index_part(&text(None).with("unique", true), 1), "`c`");
    assert_eq!(MYSQL.index_part(&Column::typed("c", DataType::Bigint, true), 10), "`c`");
}
