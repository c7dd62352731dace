//! Reading over a database whose connections break, and what names stand for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::Value;
use windlass_core::incremental::MissingCursor;
use windlass_core::{Error, Result};

use super::table::expand;
use super::*;
use crate::source::{Body, Extractor as _};

/// A SQLite database of one table `t(id, grp)`, whose reads break after so many batches each.
struct Breaking {
    connection: Mutex<rusqlite::Connection>,
    breaks: Mutex<VecDeque<usize>>,
}

impl std::fmt::Debug for Breaking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Breaking")
    }
}

impl Breaking {
    fn new(groups: &[i64], breaks: &[usize]) -> Self {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (id INTEGER, grp INTEGER)").unwrap();
        for (id, group) in groups.iter().enumerate() {
            connection.execute("INSERT INTO t VALUES (?1, ?2)", (id as i64, group)).unwrap();
        }
        Self { connection: Mutex::new(connection), breaks: Mutex::new(breaks.iter().copied().collect()) }
    }
}

struct BreakingRows {
    batches: VecDeque<RecordBatch>,
    left: usize,
}

#[async_trait]
impl Rows for BreakingRows {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(Error::source_failed("the connection was lost").retryable());
        };
        self.left = left;
        Ok(self.batches.pop_front())
    }
}

#[async_trait]
impl Database for Breaking {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn location(&self) -> &str {
        "memory"
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

    async fn ask(&self, _: &str) -> Result<Vec<Vec<Option<String>>>> {
        Ok(Vec::new())
    }

    async fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>> {
        Ok(None)
    }

    async fn read(
        &self,
        query: &str,
        columns: &[ColumnShape],
        chunk_rows: usize,
        _: Option<&str>,
    ) -> Result<Box<dyn Rows>> {
        let connection = self.connection.lock().unwrap();
        let mut statement = connection.prepare(query).unwrap();
        let rows: Vec<(i64, i64)> = statement
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(|row| row.unwrap())
            .collect();
        let batch = |rows: &[(i64, i64)]| {
            let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0)));
            let groups: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
            RecordBatch::try_from_iter([(&columns[0].name, ids), (&columns[1].name, groups)]).unwrap()
        };
        let left = self.breaks.lock().unwrap().pop_front().unwrap_or(usize::MAX);
        Ok(Box::new(BreakingRows { batches: rows.chunks(chunk_rows).map(batch).collect(), left }))
    }
}

fn table(chunk: usize, has_key: bool) -> PlannedTable {
    let column = |name: &str| ColumnShape {
        name: name.to_owned(),
        is_nullable: false,
        sql_type: SqlType::Int { bits: 64, is_unsigned: false },
        declared: "bigint".to_owned(),
    };
    let shape = TableShape {
        schema: None,
        name: "t".to_owned(),
        is_view: false,
        columns: vec![column("id"), column("grp")],
        primary_key: if has_key { vec!["id".to_owned()] } else { Vec::new() },
        foreign_keys: Vec::new(),
        indexed: Vec::new(),
    };
    let options = TableOptions { chunk_size: std::num::NonZeroUsize::new(chunk), ..TableOptions::default() };
    let own = SqlResourceOptions { table_options: options, ..SqlResourceOptions::default() };
    PlannedTable::new("t", own, &TableOptions::default(), shape).unwrap()
}

fn reader(database: &Arc<Breaking>, chunk: usize, has_key: bool, position: Option<&Value>) -> TableReader {
    let table = Arc::new(table(chunk, has_key));
    let cursor = (table.columns[1].clone(), Direction::Asc, MissingCursor::Raise);
    let read = TableRead {
        database: Arc::clone(database) as Arc<dyn Database>,
        select: table.select(),
        table,
        cursor: Some(cursor),
        form: stored_form::StoredForm::Unknown,
        limit: None,
        snapshot: None,
        is_by_record: false,
    };
    TableReader::new(read, Vec::new(), position).unwrap()
}

/// Reads until the end, or until so many pages are read. Gives the ids, and whether an error ended it.
async fn read_pages(reader: &mut TableReader, pages: usize, ids: &mut Vec<i64>) -> bool {
    for _ in 0..pages {
        match reader.next_page().await {
            Ok(Some(page)) => {
                assert_eq!(page.first, ids.len() as u64);
                let Body::Batch(batch) = page.body else { panic!("no batch") };
                ids.extend(batch.column(0).as_primitive::<Int64Type>().values());
            }
            Ok(None) => return false,
            Err(error) => {
                assert!(error.is_retryable());
                return true;
            }
        }
    }
    false
}

proptest! {
    #[test]
    fn every_row_is_read_once_however_often_the_connection_breaks(
        groups in proptest::collection::vec(0_i64..8, 0..60),
        breaks in proptest::collection::vec(0_usize..5, 0..6),
        chunk in 1_usize..9,
        has_key in any::<bool>(),
        stop in 0_usize..12,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let database = Arc::new(Breaking::new(&groups, &breaks));
            let mut ids = Vec::new();
            let mut first = reader(&database, chunk, has_key, None);
            let has_failed = read_pages(&mut first, stop, &mut ids).await;
            let position = first.position();
            // Where no position is known, the next run begins anew; nothing of this one counts then.
            if position.is_none() {
                ids.clear();
            }
            if has_failed {
                assert!(position.is_none() || breaks.len() > 3);
            }
            database.breaks.lock().unwrap().clear();
            let mut second = reader(&database, chunk, has_key, position.as_ref());
            assert!(!read_pages(&mut second, usize::MAX, &mut ids).await);
            let mut expected: Vec<i64> = (0..groups.len() as i64).collect();
            let order = |ids: &[i64]| ids.iter().map(|id| groups[*id as usize]).collect::<Vec<_>>();
            assert!(order(&ids).is_sorted(), "{ids:?}");
            ids.sort_unstable();
            expected.sort_unstable();
            assert_eq!(ids, expected);
        });
    }
}

#[test]
fn names_win_over_patterns_and_views_need_to_be_asked_for() {
    let relation = |name: &str, is_view| Relation { name: name.to_owned(), is_view };
    let relations =
        [relation("a1", false), relation("a2", false), relation("a_view", true), relation("b", false)];
    let names = |entries: &[(&str, bool)]| -> Vec<(usize, String)> {
        let entries: Vec<(String, bool)> =
            entries.iter().map(|(name, views)| ((*name).to_owned(), *views)).collect();
        expand(&entries, &relations, "here").unwrap()
    };
    let found = |entries: &[(&str, bool)]| -> Vec<String> {
        names(entries).into_iter().map(|(index, name)| format!("{index}:{name}")).collect()
    };
    assert_eq!(found(&[("a*", false), ("a2", false)]), ["0:a1", "1:a2"]);
    assert_eq!(found(&[("*", true)]), ["0:a1", "0:a2", "0:a_view", "0:b"]);
    assert_eq!(found(&[("a_view", false), ("?", false)]), ["0:a_view", "1:b"]);
    let error = expand(&[("x*".to_owned(), false)], &relations, "here").unwrap_err();
    assert!(error.message().contains("no table of here matches `x*`"));
}
