use std::path::PathBuf;

use arrow_array::RecordBatch;
use arrow_cast::pretty::pretty_format_batches;
use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;
use crate::sources::sql::{SqlType, open as open_address};

struct File {
    folder: TempDir,
}

impl File {
    fn new(sql: &str) -> Self {
        Self::called("a.duckdb", sql)
    }

    fn called(name: &str, sql: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let writer = Connection::open(folder.path().join(name)).unwrap();
        writer.execute_batch(sql).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.duckdb")
    }

    fn opened(&self, url: &str, invalid_values: InvalidValues) -> Arc<dyn Database> {
        let address = Address::parse(url).unwrap().relative_to(self.folder.path()).unwrap();
        let options = OpenOptions { folder: self.folder.path().to_owned(), invalid_values };
        open_address(&address, &options).unwrap()
    }

    fn database(&self) -> Arc<dyn Database> {
        self.opened("duckdb:///a.duckdb", InvalidValues::Null)
    }

    async fn rows(
        &self,
        database: &dyn Database,
        table: &str,
        chunk_rows: usize,
    ) -> Result<(Vec<RecordBatch>, Vec<String>)> {
        let columns = database.reflect(None, &[table.to_owned()]).await?.remove(0).columns;
        let selected = |column: &ColumnShape| {
            let name = format!("\"{}\"", column.name);
            format!("{} AS {name}", database.selected(column, &name))
        };
        let selected: Vec<String> = columns.iter().map(selected).collect();
        let query = format!("SELECT {} FROM \"{table}\"", selected.join(", "));
        let mut rows = database.read(&query, &columns, chunk_rows, None).await?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.next_batch().await? {
            batches.push(batch);
        }
        Ok((batches, rows.notices()))
    }

    async fn check(&self, table: &str, expected: Expect) {
        let (batches, _) = self.rows(self.database().as_ref(), table, 100).await.unwrap();
        expected.assert_eq(&format!("{}\n", pretty_format_batches(&batches).unwrap()));
    }
}

#[tokio::test]
async fn numbers_texts_and_bytes_are_exact() {
    let file = File::new(
        "CREATE TYPE mood AS ENUM ('sad', 'ok');
         CREATE TABLE t (b BOOLEAN, i TINYINT, u UBIGINT, h HUGEINT, f FLOAT, d DECIMAL(38,9), n DECIMAL(4,1), v VARCHAR(3),
           x BLOB, e mood, k UUID, z BIT);
         INSERT INTO t VALUES (true, -128, 18446744073709551615, 99999999999999999999999999999999999999, 1.5,
           -12345678901234567890123456789.123456789, 1.5, 'ä', '\\xAA'::BLOB, 'ok', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '0101');",
    );
    file.check(
        "t",
        expect![[r#"
            +------+------+----------------------+----------------------------------------+-----+------------------------------------------+-----+---+----+----+--------------------------------------+------+
            | b    | i    | u                    | h                                      | f   | d                                        | n   | v | x  | e  | k                                    | z    |
            +------+------+----------------------+----------------------------------------+-----+------------------------------------------+-----+---+----+----+--------------------------------------+------+
            | true | -128 | 18446744073709551615 | 99999999999999999999999999999999999999 | 1.5 | -12345678901234567890123456789.123456789 | 1.5 | ä | aa | ok | a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 | 0101 |
            +------+------+----------------------+----------------------------------------+-----+------------------------------------------+-----+---+----+----+--------------------------------------+------+
        "#]],
    )
    .await;
}

#[tokio::test]
async fn moments_are_microseconds() {
    let file = File::new(
        "CREATE TABLE t (d DATE, t TIME, z TIMETZ, s TIMESTAMP_S, m TIMESTAMP_MS, u TIMESTAMP, n TIMESTAMP_NS, w TIMESTAMPTZ,
           i INTERVAL);
         INSERT INTO t VALUES ('2024-01-02', '03:04:05.000006', '03:04:05+02:00', '2024-01-02 03:04:05', '2024-01-02 03:04:05.123',
           '2024-01-02 03:04:05.123456', '2024-01-02 03:04:05.123456789', '2024-01-02 03:04:05+02:00', INTERVAL '1 month 2 days');",
    );
    file.check(
        "t",
        expect![[r#"
            +------------+-----------------+----------+---------------------+-------------------------+----------------------------+----------------------------+----------------------+----------------+
            | d          | t               | z        | s                   | m                       | u                          | n                          | w                    | i              |
            +------------+-----------------+----------+---------------------+-------------------------+----------------------------+----------------------------+----------------------+----------------+
            | 2024-01-02 | 03:04:05.000006 | 03:04:05 | 2024-01-02T03:04:05 | 2024-01-02T03:04:05.123 | 2024-01-02T03:04:05.123456 | 2024-01-02T03:04:05.123456 | 2024-01-02T01:04:05Z | 1 month 2 days |
            +------------+-----------------+----------+---------------------+-------------------------+----------------------------+----------------------------+----------------------+----------------+
        "#]],
    )
    .await;
}

#[tokio::test]
async fn nested_values_are_json() {
    let file = File::new(
        "CREATE TABLE t (l INTEGER[], f INTEGER[2], s STRUCT(a INTEGER, b VARCHAR), m MAP(VARCHAR, DECIMAL(3,1)),
           u UNION(i INTEGER, v VARCHAR), j JSON);
         INSERT INTO t VALUES ([1, NULL], [1, 2], {'a': 1, 'b': 'x'}, MAP {'k': 1.5}, 'y', '{\"z\": [1]}'), (NULL, NULL, NULL, NULL, NULL, NULL);",
    );
    file.check(
        "t",
        expect![[r#"
            +----------+-------+-----------------+-----------+-----------+------------+
            | l        | f     | s               | m         | u         | j          |
            +----------+-------+-----------------+-----------+-----------+------------+
            | [1,null] | [1,2] | {"a":1,"b":"x"} | {"k":1.5} | {"v":"y"} | {"z": [1]} |
            |          |       |                 |           |           |            |
            +----------+-------+-----------------+-----------+-----------+------------+
        "#]],
    )
    .await;
}

#[tokio::test]
async fn infinite_dates_are_null_with_a_notice_or_an_error() {
    let file = File::new(
        "CREATE TABLE t (i INT, d DATE, w TIMESTAMPTZ);
         INSERT INTO t VALUES (1, '2024-01-02', '2024-01-02'), (2, 'infinity', '-infinity'), (3, '10000-01-01', NULL), (4, '9999-12-31', NULL);",
    );
    let (batches, notices) = file.rows(file.database().as_ref(), "t", 100).await.unwrap();
    assert_eq!(batches[0].column(1).null_count(), 2);
    assert_eq!(notices.len(), 2);
    assert!(notices[0].starts_with("2 values of the column `d`"), "{notices:?}");
    let strict = file.opened("duckdb:///a.duckdb", InvalidValues::Error);
    let error = file.rows(strict.as_ref(), "t", 100).await.unwrap_err();
    assert_eq!((error.place().row, error.place().column.as_deref()), (Some(1), Some("d")));
}

#[tokio::test]
async fn a_hugeint_that_no_decimal_holds_is_an_error() {
    let file = File::new("CREATE TABLE t (h HUGEINT); INSERT INTO t VALUES (170141183460469231731687303715884105727)");
    let error = file.rows(file.database().as_ref(), "t", 100).await.unwrap_err();
    assert!(error.chain().contains("does not fit"), "{}", error.chain());
    assert!(error.hint().is_some_and(|hint| hint.contains("cast")));
}

#[tokio::test]
async fn the_catalogue_tells_keys_and_references() {
    let file = File::new(
        "CREATE TABLE users (a INT, id BIGINT NOT NULL, PRIMARY KEY (id, a));
         CREATE TABLE orders (id INT PRIMARY KEY, user_id BIGINT, user_a INT, FOREIGN KEY (user_id, user_a) REFERENCES users (id, a));
         CREATE VIEW v AS SELECT count(*) AS n FROM users; CREATE SCHEMA s; CREATE TABLE s.x (y INT);",
    );
    let database = file.database();
    let relations = database.relations(None).await.unwrap();
    let names: Vec<(&str, bool)> = relations.iter().map(|r| (r.name.as_str(), r.is_view)).collect();
    assert_eq!(names, [("orders", false), ("users", false), ("v", true)]);
    let shapes = database.reflect(None, &["users".to_owned(), "orders".to_owned(), "none".to_owned()]).await.unwrap();
    assert_eq!(shapes.len(), 2);
    assert_eq!(shapes[0].primary_key, ["id", "a"]);
    assert!(!shapes[0].columns[1].is_nullable);
    assert_eq!(shapes[1].foreign_keys[0].columns, ["user_id", "user_a"]);
    assert_eq!(shapes[1].foreign_keys[0].referenced_columns, ["id", "a"]);
    assert_eq!(database.relations(Some("s")).await.unwrap()[0].name, "x");
    assert_eq!(database.relations(Some("z")).await.unwrap_err().kind(), windlass_core::ErrorKind::Config);
    let described = database.describe("SELECT sum(user_id) AS s, 'x' AS t FROM orders;").await.unwrap();
    assert_eq!(described[0].sql_type, SqlType::Decimal { digits: Some((38, 0)) });
    assert_eq!(described[1].sql_type, SqlType::Text { length: None });
}

#[tokio::test]
async fn rows_come_in_chunks() {
    let file = File::new("CREATE TABLE t AS SELECT range AS a FROM range(10000)");
    let database = file.database();
    let (batches, _) = file.rows(database.as_ref(), "t", 3000).await.unwrap();
    let sizes: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [3000, 3000, 3000, 1000]);
    assert!(file.rows(database.as_ref(), "t", 20_000).await.unwrap().0.len() == 1);
    // A reader that is dropped in the middle lets go of the database.
    let columns = database.describe("SELECT a FROM t").await.unwrap();
    let mut rows = database.read("SELECT a FROM t", &columns, 10, None).await.unwrap();
    assert_eq!(rows.next_batch().await.unwrap().unwrap().num_rows(), 10);
    drop(rows);
    assert_eq!(database.ask("SELECT count(*), NULL FROM t").await.unwrap(), [[Some("10000".to_owned()), None]]);
}

#[tokio::test]
async fn a_file_that_is_called_like_its_schema_is_read() {
    let file = File::called("events.duckdb", "CREATE SCHEMA events; CREATE TABLE events.t (a INT); INSERT INTO events.t VALUES (5)");
    let database = file.opened("duckdb:///events.duckdb?threads=1", InvalidValues::Null);
    assert_eq!(database.ask("SELECT a FROM \"events\".\"t\"").await.unwrap(), [[Some("5".to_owned())]]);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let file = File::new("CREATE TABLE t (a INT)");
    let opened = |url: &str| file.opened(url, InvalidValues::Null);
    let error = opened("duckdb:///none.duckdb").relations(None).await.unwrap_err();
    assert_eq!(error.hint(), Some("check the path of the file"), "{}", error.chain());
    std::fs::write(file.folder.path().join("b.duckdb"), vec![b'x'; 10_000]).unwrap();
    let error = opened("duckdb:///b.duckdb").relations(None).await.unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("something else")), "{}", error.chain());
    let error = opened("duckdb:///a.duckdb?thread=1").relations(None).await.unwrap_err();
    assert!(error.chain().contains("`thread` of the DuckDB database"), "{}", error.chain());
    assert!(file.path().exists());
    let open = |url: &str| open_address(&Address::parse(url).unwrap(), &OpenOptions::default()).unwrap_err();
    assert!(open("duckdb://").chain().contains("in memory"));
    assert!(open("duckdb:///md:x").chain().contains("MotherDuck"));
    let error = file.database().describe("SELECT b FROM t").await.unwrap_err();
    assert!(error.chain().contains("Binder Error"), "{}", error.chain());
}
