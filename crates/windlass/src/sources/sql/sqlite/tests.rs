use arrow_cast::pretty::pretty_format_batches;
use expect_test::{Expect, expect};
use tempfile::TempDir;
use windlass_core::ErrorKind;

use super::*;
use crate::sources::sql::{SqlType, open as open_address};

struct File {
    folder: TempDir,
    writer: Connection,
}

impl File {
    fn new(sql: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let writer = Connection::open(folder.path().join("a.db")).unwrap();
        writer.execute_batch(sql).unwrap();
        Self { folder, writer }
    }

    fn database(&self) -> Arc<dyn Database> {
        self.opened("sqlite:///a.db")
    }

    fn opened(&self, url: &str) -> Arc<dyn Database> {
        let address = Address::parse(url).unwrap().relative_to(self.folder.path()).unwrap();
        let options = OpenOptions { folder: self.folder.path().to_owned(), ..OpenOptions::default() };
        open_address(&address, &options).unwrap()
    }

    async fn shape(&self, table: &str) -> TableShape {
        self.database().reflect(None, &[table.to_owned()]).await.unwrap().remove(0)
    }

    /// All rows of a table by its own columns, and what was noticed.
    async fn rows(&self, table: &str, chunk_rows: usize) -> Result<(Vec<RecordBatch>, Vec<String>)> {
        let columns = self.shape(table).await.columns;
        let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let query = format!("SELECT {} FROM \"{table}\"", names.join(", "));
        let mut rows = self.database().read(&query, &columns, chunk_rows, None).await?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.next_batch().await? {
            batches.push(batch);
        }
        Ok((batches, rows.notices()))
    }

    async fn check(&self, table: &str, expected: Expect) {
        let (batches, _) = self.rows(table, 100).await.unwrap();
        expected.assert_eq(&format!("{}\n", pretty_format_batches(&batches).unwrap()));
    }
}

#[tokio::test]
async fn values_are_read_by_the_declared_types() {
    let file = File::new(
        "CREATE TABLE t (i INTEGER, r REAL, n NUMERIC, d DECIMAL(10,2), w DECIMAL(50,1), t TEXT, b BLOB, o BOOLEAN,
           a DATE, s DATETIME, m TIME, j JSON, u UUID);
         INSERT INTO t VALUES
           (1, 3, 0.1, 1.239, 12, 'x', x'00ff', 1, '2024-01-02', '2024-01-02T03:04:05.5+02:00', '03:04', '{\"a\":1}', 'a-b'),
           (-9223372036854775808, 1e300, 12345678901234567890, 7, -0.5, 5, 'text', 'false', NULL, '2024-01-02', NULL, 5, NULL);",
    );
    file.check(
        "t",
        expect![[r#"
            +----------------------+-------+----------------------+------+------+---+----------+-------+------------+-------------------------+----------+---------+-----+
            | i                    | r     | n                    | d    | w    | t | b        | o     | a          | s                       | m        | j       | u   |
            +----------------------+-------+----------------------+------+------+---+----------+-------+------------+-------------------------+----------+---------+-----+
            | 1                    | 3.0   | 0.1                  | 1.24 | 12.0 | x | 00ff     | true  | 2024-01-02 | 2024-01-02T01:04:05.500 | 03:04:00 | {"a":1} | a-b |
            | -9223372036854775808 | 1e300 | 12345678901234567168 | 7.00 | -0.5 | 5 | 74657874 | false |            | 2024-01-02T00:00:00     |          | 5       |     |
            +----------------------+-------+----------------------+------+------+---+----------+-------+------------+-------------------------+----------+---------+-----+
        "#]],
    )
    .await;
}

#[tokio::test]
async fn values_decide_about_columns_without_type() {
    let file = File::new(
        "CREATE TABLE t (a, b, c, d, e, f STRING); INSERT INTO t VALUES (1, 1, 'x', x'01', NULL, 7), (2, 1.5, 3, NULL, NULL, 'y');
         CREATE VIEW v AS SELECT a, count(*) AS n, avg(a) AS m, upper(c) AS u FROM t GROUP BY a;",
    );
    let types = |shape: &TableShape| -> Vec<String> {
        shape
            .columns
            .iter()
            .map(|column| format!("{} {}", column.name, column.sql_type.arrow_type()))
            .collect()
    };
    assert_eq!(
        types(&file.shape("t").await),
        ["a Int64", "b Float64", "c Utf8", "d Binary", "e Utf8", "f Utf8"]
    );
    let view = file.shape("v").await;
    assert!(view.is_view);
    assert_eq!(types(&view), ["a Int64", "n Int64", "m Float64", "u Utf8"]);
    file.check(
        "t",
        expect![[r#"
            +---+-----+---+----+---+---+
            | a | b   | c | d  | e | f |
            +---+-----+---+----+---+---+
            | 1 | 1.0 | x | 01 |   | 7 |
            | 2 | 1.5 | 3 |    |   | y |
            +---+-----+---+----+---+---+
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_catalogue_tells_keys_and_references() {
    let file = File::new(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, twice INT AS (id * 2));
         CREATE TABLE pairs (a TEXT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID;
         CREATE TABLE orders (id INT PRIMARY KEY, user_id INT REFERENCES users, b INT, a TEXT,
           FOREIGN KEY (b, a) REFERENCES pairs (b, a));
         CREATE INDEX by_user ON orders (user_id, id); CREATE INDEX some ON orders (a) WHERE a > 'x';
         CREATE VIEW v AS SELECT * FROM users;",
    );
    let relations = file.database().relations(None).await.unwrap();
    let names: Vec<(&str, bool)> = relations.iter().map(|r| (r.name.as_str(), r.is_view)).collect();
    assert_eq!(names, [("orders", false), ("pairs", false), ("users", false), ("v", true)]);
    let users = file.shape("users").await;
    assert_eq!(users.primary_key, ["id"]);
    assert_eq!(users.columns.len(), 3);
    assert!(!users.columns[1].is_nullable);
    assert_eq!(users.columns[1].sql_type, SqlType::Text { length: Some(20) });
    assert_eq!(file.shape("pairs").await.primary_key, ["b", "a"]);
    let orders = file.shape("orders").await;
    assert_eq!(orders.indexed, ["id", "user_id"]);
    let keys: Vec<String> = orders
        .foreign_keys
        .iter()
        .map(|key| format!("{:?} -> {} {:?}", key.columns, key.referenced_table, key.referenced_columns))
        .collect();
    assert_eq!(keys, [r#"["user_id"] -> users ["id"]"#, r#"["b", "a"] -> pairs ["b", "a"]"#]);
    assert!(file.database().reflect(None, &["nothing".to_owned()]).await.unwrap().is_empty());
    let error = file.database().relations(Some("mian")).await.unwrap_err();
    assert_eq!(error.hint(), Some("did you mean `main`? there is no other"));
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_its_row_and_column() {
    let cases = [
        ("INTEGER", "1.5", "a column of the type INTEGER holds a float that is no integer"),
        ("INTEGER", "'abc'", "a text that is no integer"),
        ("REAL", "'abc'", "a text that is no number"),
        ("BOOLEAN", "'maybe'", "a text that is neither true nor false"),
        ("DATE", "'2024-01-02 03:04'", "a date with a time of day"),
        ("DATETIME", "'yesterday'", "a text that is no timestamp"),
        ("TIME", "5", "an integer that is no time of day"),
        ("NUMERIC(4,2)", "123456", "longer than the declared digits"),
        ("TEXT", "x'ff'", "a blob that is not UTF-8"),
        ("TEXT", "CAST(x'ff' AS TEXT)", "a text that is not UTF-8"),
        ("BLOB", "5", "an integer that is no bytes"),
    ];
    for (declared, value, message) in cases {
        let file = File::new(&format!(
            "CREATE TABLE t (id INT, c {declared}); INSERT INTO t VALUES (1, NULL), (2, {value})"
        ));
        let error = file.rows("t", 10).await.unwrap_err();
        assert!(error.chain().contains(message), "{declared} {value}: {}", error.chain());
        assert_eq!((error.place().row, error.place().column.as_deref()), (Some(1), Some("c")), "{declared}");
        assert!(error.hint().is_some_and(|hint| hint.contains("cast: {c: text}")));
    }
}

#[tokio::test]
async fn numbers_are_moments_as_sqlite_documents_them() {
    let file = File::new(
        "CREATE TABLE t (s DATETIME, d DATE); INSERT INTO t VALUES (1700000000, 86400), (2460000.5, 2440587.5), (-1, NULL);",
    );
    let (_, notices) = file.rows("t", 10).await.unwrap();
    assert_eq!(notices.len(), 2);
    assert!(notices[0].starts_with("3 numbers in the column `s` of type DATETIME"), "{}", notices[0]);
    file.check(
        "t",
        expect![[r#"
            +---------------------+------------+
            | s                   | d          |
            +---------------------+------------+
            | 2023-11-14T22:13:20 | 1970-01-02 |
            | 2023-02-25T00:00:00 | 1970-01-01 |
            | 1969-12-31T23:59:59 |            |
            +---------------------+------------+
        "#]],
    )
    .await;
}

#[tokio::test]
async fn rows_come_in_chunks_and_large_rows_in_smaller_ones() {
    let file = File::new(
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) INSERT INTO t SELECT i, NULL FROM n;",
    );
    let sizes = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>();
    assert_eq!(sizes(&file.rows("t", 4).await.unwrap().0), [4, 4, 2]);
    assert_eq!(sizes(&file.rows("t", 5).await.unwrap().0), [5, 5]);
    file.writer.execute_batch("UPDATE t SET b = zeroblob(5000000)").unwrap();
    assert_eq!(sizes(&file.rows("t", 100).await.unwrap().0), [2, 2, 2, 2, 2]);
    file.writer.execute_batch("DELETE FROM t").unwrap();
    assert!(file.rows("t", 4).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_reader_keeps_no_writer_out_in_wal_mode() {
    let file = File::new(
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT i FROM n;",
    );
    let columns = file.shape("t").await.columns;
    let mut rows = file.database().read("SELECT a FROM t", &columns, 10, None).await.unwrap();
    let mut count = rows.next_batch().await.unwrap().unwrap().num_rows();
    file.writer.busy_timeout(std::time::Duration::ZERO).unwrap();
    file.writer.execute_batch("DELETE FROM t").unwrap();
    while let Some(batch) = rows.next_batch().await.unwrap() {
        count += batch.num_rows();
    }
    // The rows of the moment at which the read began.
    assert_eq!(count, 100);
    let mut writing = file.database().read("DELETE FROM t", &[], 10, None).await.unwrap();
    let error = writing.next_batch().await.unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("opened for reading")), "{}", error.chain());
}

#[tokio::test]
async fn attached_databases_are_schemas() {
    let file = File::new("CREATE TABLE t (a INT)");
    let other = Connection::open(file.folder.path().join("o.db")).unwrap();
    other.execute_batch("CREATE TABLE u (b INT PRIMARY KEY); INSERT INTO u VALUES (5)").unwrap();
    let database = file.opened("sqlite:///a.db?attach=other:o.db&timeout=1");
    assert_eq!(database.relations(Some("other")).await.unwrap()[0].name, "u");
    let shape = database.reflect(Some("other"), &["u".to_owned()]).await.unwrap().remove(0);
    assert_eq!(shape.primary_key, ["b"]);
    assert_eq!(database.ask("SELECT b, NULL FROM other.u").await.unwrap(), [[Some("5".to_owned()), None]]);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("text.db"),
        "this is no database, only a text that is long enough to be read",
    )
    .unwrap();
    let opened = |url: &str| {
        let address = Address::parse(url).unwrap().relative_to(folder.path()).unwrap();
        open_address(&address, &OpenOptions::default())
    };
    let error = opened("sqlite:///none.db").unwrap().relations(None).await.unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.starts_with("check the path")), "{error}");
    assert!(!folder.path().join("none.db").exists());
    let error = opened("sqlite:///text.db").unwrap().relations(None).await.unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("something else")), "{error}");
    assert_eq!(opened("sqlite://").unwrap_err().kind(), ErrorKind::Config);
    assert!(
        opened("sqlite:///a.db?timout=1").unwrap_err().hint().is_some_and(|hint| hint.contains("timeout"))
    );
    let file = File::new("CREATE TABLE t (a INT)");
    let error = file.database().describe("SELECT x FROM t").await.unwrap_err();
    assert!(error.chain().contains("no such column: x"), "{}", error.chain());
}

#[tokio::test]
async fn a_query_is_described() {
    let file = File::new("CREATE TABLE t (a VARCHAR(3), b INT); INSERT INTO t VALUES ('x', 1)");
    let columns = file.database().describe("SELECT a, b + 0.5 AS c, 'k' AS \"d e\" FROM t;").await.unwrap();
    let types: Vec<(String, SqlType)> =
        columns.into_iter().map(|column| (column.name, column.sql_type)).collect();
    let text = |length| SqlType::Text { length };
    assert_eq!(
        types,
        [
            ("a".to_owned(), text(Some(3))),
            ("c".to_owned(), SqlType::Float { bits: 64, is_decimal: false }),
            ("d e".to_owned(), text(None)),
        ]
    );
}
