//! Pieces of tables are disjoint and together the table, whatever the table holds; each database says so itself.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use windlass::sources::sql::{
    Address, ColumnShape, Database, OpenOptions, Select, SplitRequest, SqlType, TableShape, open, split,
};

const INT: SqlType = SqlType::Int { bits: 64, is_unsigned: false };
const DECIMAL: SqlType = SqlType::Decimal { digits: Some((20, 4)) };
const TEXT: SqlType = SqlType::Text { length: None };
const TIMESTAMP: SqlType = SqlType::Timestamp { has_zone: false, digits: 6 };

/// A kind of key: its type, as the engine and as the databases have it.
#[derive(Clone, Copy, Debug)]
struct Kind {
    sql_type: SqlType,
    declared: &'static str,
}

const KINDS: [Kind; 6] = [
    Kind { sql_type: INT, declared: "bigint" },
    Kind { sql_type: DECIMAL, declared: "decimal(20,4)" },
    Kind { sql_type: SqlType::Date, declared: "date" },
    Kind { sql_type: TIMESTAMP, declared: "timestamp" },
    Kind { sql_type: SqlType::Uuid, declared: "uuid" },
    Kind { sql_type: TEXT, declared: "varchar" },
];

fn text_value(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Values as SQL: many of them equal, extremes among them.
fn value(kind: Kind) -> BoxedStrategy<String> {
    match kind.sql_type {
        SqlType::Int { .. } => {
            let numbers =
                prop_oneof![4 => -5..5_i64, 2 => -1000..1000_i64, 1 => any::<i64>(), 1 => Just(i64::MAX)];
            numbers.prop_map(|number| number.to_string()).boxed()
        }
        SqlType::Decimal { .. } => prop_oneof![3 => -30..30_i64, 1 => -900_000_000_000..900_000_000_000_i64]
            .prop_map(|number| format!("{}.{:04}", number, number.unsigned_abs() % 10_000))
            .boxed(),
        SqlType::Date => (1..=9999_u32, 1..=12_u32, 1..=28_u32)
            .prop_map(|(year, month, day)| format!("'{year:04}-{month:02}-{day:02}'"))
            .boxed(),
        SqlType::Timestamp { .. } => (1..=9999_u32, 0..24_u32, 0..1_000_000_u32)
            .prop_map(|(year, hour, micros)| format!("'{year:04}-02-03 {hour:02}:00:00.{micros:06}'"))
            .boxed(),
        SqlType::Uuid => (any::<u8>(), 0..3_u128)
            .prop_map(|(first, last)| format!("'{first:02x}000000-0000-0000-0000-{last:012x}'"))
            .boxed(),
        _ => prop::collection::vec(
            prop::sample::select(vec!["a", "A", "ä", "ß", "'", "\\", " ", "z", "0", "日"]),
            0..4,
        )
        .prop_map(|parts| text_value(&parts.concat()))
        .boxed(),
    }
}

/// A table of one or two key columns.
#[derive(Clone, Debug)]
struct Table {
    kinds: Vec<Kind>,
    rows: Vec<Vec<String>>,
    readers: usize,
}

fn tables(kinds: &'static [Kind]) -> impl Strategy<Value = Table> {
    let kinds = prop::collection::vec(prop::sample::select(kinds), 1..=2);
    (kinds, 2..5_usize).prop_flat_map(|(kinds, readers)| {
        let is_alone = kinds.len() == 1;
        let row: Vec<_> = kinds
            .iter()
            .map(|kind| {
                let nulls = prop_oneof![6 => value(*kind), 1 => Just("NULL".to_owned())];
                if is_alone { nulls.boxed() } else { value(*kind) }
            })
            .collect();
        prop::collection::vec(row, 0..150).prop_map(move |rows| Table { kinds: kinds.clone(), rows, readers })
    })
}

impl Table {
    /// The statements that make it.
    fn statements(&self, name: &str) -> String {
        let columns =
            self.kinds.iter().enumerate().map(|(index, kind)| format!("k{index} {}", kind.declared));
        let mut sql = format!(
            "DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({});",
            columns.collect::<Vec<_>>().join(", ")
        );
        let rows: Vec<String> = self.rows.iter().map(|row| format!("({})", row.join(", "))).collect();
        if !rows.is_empty() {
            sql.push_str(&format!("INSERT INTO {name} VALUES {};", rows.join(", ")));
        }
        sql
    }

    fn shape(&self, name: &str) -> TableShape {
        let is_alone = self.kinds.len() == 1;
        let columns = self.kinds.iter().enumerate().map(|(index, kind)| ColumnShape {
            name: format!("k{index}"),
            is_nullable: is_alone,
            sql_type: kind.sql_type,
            declared: kind.declared.to_owned(),
        });
        let columns: Vec<ColumnShape> = columns.collect();
        TableShape {
            schema: None,
            name: name.to_owned(),
            is_view: false,
            primary_key: columns.iter().map(|column| column.name.clone()).collect(),
            columns,
            foreign_keys: Vec::new(),
            indexed: Vec::new(),
        }
    }

    /// Cuts the table as it is at the database, and asks the database how many pieces each row belongs to.
    async fn check(&self, database: &dyn Database, name: &str) {
        let shape = self.shape(name);
        let select = Select { table: name.to_owned(), ..Select::default() };
        let column = (self.kinds.len() == 1).then_some("k0");
        let request =
            SplitRequest { table: &shape, select: &select, column, readers: self.readers, must: true };
        let pieces = split(database, request).await.unwrap().pieces;
        let terms = pieces.iter().map(|piece| match &piece.condition {
            None => "1".to_owned(),
            Some(condition) => format!("CASE WHEN {condition} THEN 1 ELSE 0 END"),
        });
        let count = terms.collect::<Vec<_>>().join(" + ");
        let asked = format!("SELECT min({count}), max({count}), count(*) FROM \"{name}\"");
        let answer = database.ask(&asked).await.unwrap();
        let cells: Vec<_> = answer[0].iter().map(|cell| cell.as_deref().unwrap_or("1")).collect();
        assert_eq!(cells, ["1", "1", &self.rows.len().to_string()], "{self:?}\n{pieces:#?}");
        let mut different: Vec<_> = self.rows.iter().filter(|row| row[0] != "NULL").collect();
        different.sort();
        different.dedup();
        // A table of one page is not cut by place, which Postgres prefers where no column is named.
        if different.len() > 100 && column.is_some() {
            assert!(pieces.len() > self.readers, "{} pieces of {self:?}", pieces.len());
        }
    }
}

fn database(url: &str) -> Arc<dyn Database> {
    open(&Address::parse(url).unwrap(), &OpenOptions::default()).unwrap()
}

fn cases(quick: u32) -> Config {
    let factor = std::env::var("WINDLASS_PROPERTY_FACTOR").ok().and_then(|text| text.parse::<u32>().ok());
    Config { cases: quick * factor.unwrap_or(1), failure_persistence: None, ..Config::default() }
}

fn check_all(quick: u32, kinds: &'static [Kind], check: impl Fn(&Table)) {
    TestRunner::new(cases(quick))
        .run(&tables(kinds), |table| {
            check(&table);
            Ok(())
        })
        .unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A file that is made anew for each table, since the source opens it read-only.
fn check_files(scheme: &str, kinds: &'static [Kind], make: impl Fn(&Path, &str)) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let number = std::cell::Cell::new(0);
    check_all(12, kinds, |table| {
        number.set(number.get() + 1);
        let file = folder.path().join(format!("{}.db", number.get()));
        make(&file, &table.statements("t"));
        let url = format!("{scheme}:///{}", file.display());
        runtime.block_on(table.check(&*database(&url), "t"));
        drop(std::fs::remove_file(&file));
    });
}

#[cfg(feature = "sqlite")]
#[test]
fn pieces_of_sqlite_are_the_table() {
    check_files("sqlite", &KINDS, |file, statements| {
        rusqlite::Connection::open(file).unwrap().execute_batch(statements).unwrap();
    });
}

#[cfg(feature = "duckdb")]
#[test]
fn pieces_of_duckdb_are_the_table() {
    check_files("duckdb", &KINDS, |file, statements| {
        duckdb::Connection::open(file).unwrap().execute_batch(statements).unwrap();
    });
}

#[cfg(feature = "postgres")]
#[test]
fn pieces_of_postgres_are_the_table() {
    let Some(server) = crate::server::Server::shared() else { return };
    let runtime = runtime();
    let database = database(&server.url);
    let client = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server.url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    });
    check_all(12, &KINDS, |table| {
        runtime.block_on(async {
            // The rows lie in the order of the key, so that it cuts them, and not their place.
            let sorted = "DROP TABLE IF EXISTS split_pieces; CREATE TABLE split_pieces AS SELECT * FROM split_rows ORDER BY \
                          k0; ANALYZE split_pieces";
            client.batch_execute(&format!("{}{sorted}", table.statements("split_rows"))).await.unwrap();
            table.check(&*database, "split_pieces").await;
        });
    });
    runtime.block_on(client.batch_execute("DROP TABLE split_pieces, split_rows")).unwrap();
}
