//! What chains are made from: the records of the parent, read from the pages that the engine kept.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::task::JoinHandle;
use windlass_core::{Error, Result};

/// What one chain is made from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Its number among all.
    pub(super) index: u64,
    /// The record of the parent; null for the only chain of a resource without parent.
    pub(super) record: Value,
    /// The page of the parent that it is on.
    pub(super) parent_page: u64,
    /// Where in the chain to begin, if not at its first page.
    pub(super) page: Option<Value>,
}

/// Gives the items in order: what failed in the run before, then the records of the parent.
#[derive(Debug)]
pub(super) struct Items {
    next: u64,
    queue: VecDeque<(Value, Option<Value>)>,
    /// What failed before and was put in front; the parent may give it again.
    retried: Vec<Value>,
    parent: Option<ParentPages>,
    parent_page: u64,
}

#[derive(Debug)]
struct ParentPages {
    path: PathBuf,
    reader: Option<BufReader<File>>,
    task: Option<JoinHandle<Result<ReadPage>>>,
}

impl Items {
    /// One item, for a resource without parent.
    pub(super) fn root() -> Self {
        Self {
            next: 0,
            queue: VecDeque::from([(Value::Null, None)]),
            retried: Vec::new(),
            parent: None,
            parent_page: 0,
        }
    }

    /// The records of the parent behind those that are to be read again; these are given as the parts that name them.
    pub(super) fn of_parent(pages: &Path, retries: Vec<(Value, Option<Value>)>) -> Self {
        Self {
            next: 0,
            retried: retries.iter().map(|(record, _)| record.clone()).collect(),
            queue: retries.into(),
            parent: Some(ParentPages { path: pages.to_owned(), reader: None, task: None }),
            parent_page: 0,
        }
    }

    /// Leaves out the items before this one.
    ///
    /// Errors: the pages of the parent cannot be read.
    pub(super) async fn skip_to(&mut self, index: u64, name: impl Fn(&Value) -> Value) -> Result<()> {
        while self.next < index {
            if self.next(&name).await?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The next item. `name` gives the part of a record that names its chain: what was retried is not given twice.
    ///
    /// Errors: the pages of the parent cannot be read.
    pub(super) async fn next(&mut self, name: impl Fn(&Value) -> Value) -> Result<Option<Item>> {
        loop {
            while let Some((record, page)) = self.queue.pop_front() {
                if self.parent_page > 0 && !self.retried.is_empty() {
                    let named = name(&record);
                    if let Some(at) = self.retried.iter().position(|retried| *retried == named) {
                        self.retried.swap_remove(at);
                        continue;
                    }
                }
                let index = self.next;
                self.next += 1;
                return Ok(Some(Item { index, record, page, parent_page: self.parent_page }));
            }
            let Some(parent) = &mut self.parent else { return Ok(None) };
            let Some(records) = parent.read().await? else { return Ok(None) };
            self.parent_page += 1;
            self.queue = records.into_iter().map(|record| (record, None)).collect();
        }
    }
}

impl ParentPages {
    /// The records of the next page; `None` at the end.
    async fn read(&mut self) -> Result<Option<Vec<Value>>> {
        // The task is kept, so that nothing is lost when this call is dropped while it waits.
        let task = match &mut self.task {
            Some(task) => task,
            None => {
                let (path, reader) = (self.path.clone(), self.reader.take());
                self.task.insert(tokio::task::spawn_blocking(move || next_page(&path, reader)))
            }
        };
        let read = task.await;
        self.task = None;
        let (reader, records) =
            read.map_err(|cause| Error::internal("a reading task broke down").with_source(cause))??;
        self.reader = reader;
        Ok(records)
    }
}

type ReadPage = (Option<BufReader<File>>, Option<Vec<Value>>);

/// Reads a line; opens the file first.
fn next_page(path: &Path, reader: Option<BufReader<File>>) -> Result<ReadPage> {
    let failed = |cause| Error::internal("the pages of a parent cannot be read").with_source(cause);
    let mut reader = match reader {
        Some(reader) => reader,
        None => match File::open(path) {
            Ok(file) => BufReader::new(file),
            // A parent that gave nothing has no file.
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok((None, None)),
            Err(cause) => return Err(failed(cause)),
        },
    };
    let mut line = String::new();
    if reader.read_line(&mut line).map_err(failed)? == 0 {
        return Ok((Some(reader), None));
    }
    let records = serde_json::from_str(&line)
        .map_err(|cause| Error::internal("a page of a parent is not a list").with_source(cause))?;
    Ok((Some(reader), Some(records)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn all(items: &mut Items) -> Vec<String> {
        let mut found = Vec::new();
        let name = |record: &Value| json!({"id": record["id"]});
        while let Some(item) = items.next(name).await.unwrap() {
            found
                .push(format!("{} {} of page {} {:?}", item.index, item.record, item.parent_page, item.page));
        }
        found
    }

    fn pages() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[{\"id\":1,\"x\":0},{\"id\":2}]\n[]\n[{\"id\":1}]\n").unwrap();
        file
    }

    #[tokio::test]
    async fn records_come_page_by_page() {
        let file = pages();
        let mut items = Items::of_parent(file.path(), Vec::new());
        assert_eq!(
            all(&mut items).await,
            [
                "0 {\"id\":1,\"x\":0} of page 1 None",
                "1 {\"id\":2} of page 1 None",
                "2 {\"id\":1} of page 3 None"
            ]
        );
        assert!(items.next(Value::clone).await.unwrap().is_none());
        let mut none = Items::of_parent(Path::new("/nowhere/x.jsonl"), Vec::new());
        assert!(all(&mut none).await.is_empty());
        assert_eq!(all(&mut Items::root()).await, ["0 null of page 0 None"]);
    }

    #[tokio::test]
    async fn what_failed_before_comes_first_and_once() {
        let file = pages();
        let retries = vec![(json!({"id": 1}), Some(json!(7))), (json!({"id": 9}), None)];
        let mut items = Items::of_parent(file.path(), retries);
        assert_eq!(
            all(&mut items).await,
            [
                "0 {\"id\":1} of page 0 Some(Number(7))",
                "1 {\"id\":9} of page 0 None",
                "2 {\"id\":2} of page 1 None",
                "3 {\"id\":1} of page 3 None"
            ]
        );
        let mut items = Items::of_parent(file.path(), Vec::new());
        items.skip_to(2, Value::clone).await.unwrap();
        assert_eq!(all(&mut items).await, ["2 {\"id\":1} of page 3 None"]);
    }
}
