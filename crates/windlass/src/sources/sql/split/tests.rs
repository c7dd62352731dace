use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use expect_test::{Expect, expect};

use super::*;
use crate::sources::sql::catalog::Relation;
use crate::sources::sql::database::{Rows, Snapshot};

/// Answers questions with what was prepared, and keeps them.
#[derive(Debug)]
struct Oracle {
    dialect: Dialect,
    answers: Mutex<VecDeque<Vec<Vec<Option<String>>>>>,
    questions: Mutex<Vec<String>>,
}

impl Oracle {
    fn new(dialect: Dialect, answers: &[&[&[&str]]]) -> Self {
        let row = |row: &&[&str]| row.iter().map(|cell| Some((*cell).to_owned())).collect();
        let answers = answers.iter().map(|rows| rows.iter().map(row).collect()).collect();
        Self { dialect, answers: Mutex::new(answers), questions: Mutex::default() }
    }
}

#[async_trait]
impl Database for Oracle {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn location(&self) -> &str {
        "here"
    }

    async fn relations(&self, _: Option<&str>) -> Result<Vec<Relation>> {
        Ok(Vec::new())
    }

    async fn reflect(&self, _: Option<&str>, _: &[String]) -> Result<Vec<TableShape>> {
        Ok(Vec::new())
    }

    async fn describe(&self, _: &str) -> Result<Vec<ColumnShape>> {
        Ok(Vec::new())
    }

    async fn ask(&self, query: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.questions.lock().unwrap().push(query.to_owned());
        Ok(self.answers.lock().unwrap().pop_front().unwrap_or_default())
    }

    async fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>> {
        Ok(None)
    }

    async fn read(&self, _: &str, _: &[ColumnShape], _: usize, _: Option<&str>) -> Result<Box<dyn Rows>> {
        Err(Error::internal("nothing is read here"))
    }
}

fn column(name: &str, sql_type: SqlType) -> ColumnShape {
    ColumnShape { name: name.to_owned(), is_nullable: false, sql_type, declared: "as declared".to_owned() }
}

const INT: SqlType = SqlType::Int { bits: 64, is_unsigned: false };
const TEXT: SqlType = SqlType::Text { length: None };

fn table(columns: Vec<ColumnShape>, key: &[&str]) -> TableShape {
    TableShape {
        schema: Some("shop".to_owned()),
        name: "orders".to_owned(),
        is_view: false,
        columns,
        primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
        foreign_keys: Vec::new(),
        indexed: Vec::new(),
    }
}

async fn check(oracle: &Oracle, table: &TableShape, column: Option<&str>, expected: Expect) {
    let select = Select { schema: table.schema.clone(), table: table.name.clone(), ..Select::default() };
    let request = SplitRequest { table, select: &select, column, readers: 2, must: true };
    let found = split(oracle, request).await;
    let text = match found {
        Ok(split) => {
            let pieces = split.pieces.iter();
            let pieces = pieces
                .map(|piece| format!("{}: {}", piece.name, piece.condition.as_deref().unwrap_or("all")));
            format!("{}\nlasting: {}", pieces.collect::<Vec<_>>().join("\n"), split.is_lasting)
        }
        Err(error) => format!("{}\nhint: {}", error.chain(), error.hint().unwrap_or_default()),
    };
    expected.assert_eq(&text);
}

#[tokio::test]
async fn a_key_in_the_order_of_the_disk_is_cut_by_its_sampled_values() {
    let oracle = Oracle::new(
        Dialect::Postgres,
        &[&[&["1000", "true", "0.99"]], &[&["1000", "true", "0.99"]], &[&["10"], &["20"], &["20"]]],
    );
    let table = table(vec![column("id", INT)], &["id"]);
    check(
        &oracle,
        &table,
        None,
        expect![[r#"
        part 1 of 3: "id" < '10'
        part 2 of 3: "id" >= '10' AND "id" < '20'
        part 3 of 3: "id" >= '20'
        lasting: true"#]],
    )
    .await;
    expect![[r#"SELECT CAST("id" AS VARCHAR) FROM (SELECT *, row_number() OVER (ORDER BY "id") AS windlass_row, count(*) OVER () AS windlass_rows FROM (SELECT "id" FROM "shop"."orders" TABLESAMPLE SYSTEM (40.000000) REPEATABLE (1)) AS sampled) AS ordered WHERE windlass_row * 8 % windlass_rows < 8 AND windlass_row < windlass_rows ORDER BY windlass_row"#]]
        .assert_eq(oracle.questions.lock().unwrap().last().unwrap());
}

#[tokio::test]
async fn without_a_key_or_with_one_that_jumps_postgres_reads_by_place() {
    let table = table(vec![column("token", SqlType::Uuid)], &[]);
    let oracle = Oracle::new(Dialect::Postgres, &[&[&["5", "true", "0.01"]]]);
    check(
        &oracle,
        &table,
        None,
        expect![[r#"
        part 1 of 5: ctid >= '(0,0)'::tid AND ctid < '(1,0)'::tid
        part 2 of 5: ctid >= '(1,0)'::tid AND ctid < '(2,0)'::tid
        part 3 of 5: ctid >= '(2,0)'::tid AND ctid < '(3,0)'::tid
        part 4 of 5: ctid >= '(3,0)'::tid AND ctid < '(4,0)'::tid
        part 5 of 5: ctid >= '(4,0)'::tid
        lasting: false"#]],
    )
    .await;
}

#[tokio::test]
async fn a_column_that_may_be_null_has_a_piece_for_that() {
    let mut created = column("created", SqlType::Date);
    created.is_nullable = true;
    let table = table(vec![created], &[]);
    let oracle =
        Oracle::new(Dialect::MySql, &[&[&["100"]], &[&["100"]], &[&["2024-01-01"], &["0000-00-00"]]]);
    check(
        &oracle,
        &table,
        Some("created"),
        expect![[r#"
        part 1 of 3: `created` < '2024-01-01'
        part 2 of 3: `created` >= '2024-01-01'
        part 3 of 3: `created` IS NULL
        lasting: true"#]],
    )
    .await;
}

#[tokio::test]
async fn keys_of_several_columns_are_compared_as_rows() {
    let table = table(vec![column("shop", INT), column("code", TEXT)], &["shop", "code"]);
    let oracle = Oracle::new(Dialect::Sqlite, &[&[&["100"]], &[&["100"]], &[&["1", "'b'"]]]);
    check(
        &oracle,
        &table,
        None,
        expect![[r#"
        part 1 of 2: ("shop", "code") < (1, 'b')
        part 2 of 2: ("shop", "code") >= (1, 'b')
        lasting: true"#]],
    )
    .await;
    let oracle = Oracle::new(Dialect::MySql, &[&[&["100"]], &[&["100"]], &[&["1", "2761"]]]);
    check(
        &oracle,
        &table,
        None,
        expect![[r#"
        part 1 of 2: (`shop` <= 1 AND (`shop` < 1 OR `code` < _utf8mb4 x'2761'))
        part 2 of 2: (`shop` >= 1 AND (`shop` > 1 OR `code` >= _utf8mb4 x'2761'))
        lasting: true"#]],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_cut_is_said_with_the_remedy() {
    let table = table(vec![column("note", SqlType::Json), column("customer", INT)], &[]);
    let oracle = Oracle::new(Dialect::Sqlite, &[]);
    check(
        &oracle,
        &table,
        Some("custmer"),
        expect![[r#"
        table `orders` has no column `custmer` to be cut into pieces by
        hint: did you mean `customer`? `partition_on` names a column as the database does"#]],
    )
    .await;
    check(
        &oracle,
        &table,
        Some("note"),
        expect![[r#"
        table `orders` cannot be cut into pieces by `note`, which is as declared
        hint: give `partition_on` a column of integers, decimals, dates, times with dates, texts or UUIDs"#]],
    )
    .await;
    check(
        &oracle,
        &table,
        None,
        expect![[r#"
        table `orders` cannot be read in partitions: it has no primary key that cuts it
        hint: name a column with `partition_on`, best one with an index, or leave `partitions` out"#]],
    )
    .await;
}

#[tokio::test]
async fn one_reader_takes_the_table_as_it_is() {
    let table = table(vec![column("id", INT)], &["id"]);
    let oracle = Oracle::new(Dialect::DuckDb, &[&[&["1000"]]]);
    let select = Select { table: table.name.clone(), ..Select::default() };
    let request = SplitRequest { table: &table, select: &select, column: None, readers: 1, must: true };
    assert_eq!(split(&oracle, request).await.unwrap(), Split::whole());
}
