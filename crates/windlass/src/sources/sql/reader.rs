//! Reads the rows of one query page by page. Where they come in the order of a key, reading goes on after the last page
//! when the connection is lost, and in the next run.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::Schema as ArrowSchema;
use async_trait::async_trait;
use serde_json::{Value, json};
use windlass_core::incremental::MissingCursor;
use windlass_core::normalize::{DATA_TYPE_KEY, batch_lines};
use windlass_core::{Error, Result};

use super::catalog::ColumnShape;
use super::database::{Database, Rows};
use super::key::{ReadKey, key_values, last_group};
use super::query::{Direction, Select};
use super::snapshot::SharedSnapshot;
use super::sql_type::SqlType;
use super::stored_form::StoredForm;
use super::table::PlannedTable;
use crate::source::{Body, Extractor, Origin, Page};

/// How often a read is tried again without a row in between.
const ATTEMPTS: u32 = 5;

/// The wait before the first repetition; each one waits twice as long.
const BACKOFF: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });

/// What is to be read.
#[derive(Clone, Debug)]
pub struct TableRead {
    /// Where.
    pub database: Arc<dyn Database>,
    /// The table.
    pub table: Arc<PlannedTable>,
    /// The query, without order and limit.
    pub select: Select,
    /// The column that the rows are sorted by.
    pub cursor: Option<(ColumnShape, Direction, MissingCursor)>,
    /// How the values of that column are stored.
    pub(super) form: StoredForm,
    /// How many rows at most.
    pub limit: Option<u64>,
    /// The snapshot that the rows are seen in.
    pub snapshot: Option<Arc<SharedSnapshot>>,
    /// Whether the rows are wanted as records, for steps that look at each.
    pub is_by_record: bool,
}

/// Reads one query.
pub struct TableReader {
    read: TableRead,
    /// What the rows are sorted by, if they are.
    key: Option<ReadKey>,
    rows: Option<Box<dyn Rows>>,
    /// Batches that were read and not given out.
    waiting: VecDeque<RecordBatch>,
    is_at_end: bool,
    /// The key of the last row that was given out, if reading can go on after it.
    after: Option<Vec<Value>>,
    /// Rows that were given out, in this run and those before.
    given: u64,
    schema: Arc<ArrowSchema>,
    unpacks: bool,
    origin: Arc<Origin>,
    failures: u32,
    notices: Vec<String>,
}

impl std::fmt::Debug for TableReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableReader")
            .field("read", &self.read)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

impl TableReader {
    /// A reader that begins at a position, or at the start.
    ///
    /// Errors: a position that is none.
    pub fn new(read: TableRead, notices: Vec<String>, position: Option<&Value>) -> Result<Self> {
        let key = read.cursor.as_ref().map(|(column, direction, missing)| {
            ReadKey::new(read.database.dialect(), &read.table, column, read.form, *direction, *missing)
        });
        Self::in_order(read, key, notices, position)
    }

    /// A reader in the order of a key, which is not that of a cursor; begins at a position, or at the start.
    ///
    /// Errors: as [`TableReader::new`].
    pub(super) fn in_order(
        read: TableRead,
        key: Option<ReadKey>,
        notices: Vec<String>,
        position: Option<&Value>,
    ) -> Result<Self> {
        let schema = annotated(&read.table.columns);
        let unpacks = read.is_by_record || read.table.columns.iter().any(|column| read.table.unpacks(column));
        let (mut after, mut given) = (None, 0);
        if let Some(position) = position {
            let broken = || Error::data("where a read was broken off cannot be understood");
            after = Some(position["after"].as_array().ok_or_else(broken)?.clone());
            given = position["rows"].as_u64().ok_or_else(broken)?;
        }
        let origin = Arc::new(Origin { file: None, counts_lines: false, partition: 0 });
        Ok(Self {
            read,
            key,
            rows: None,
            waiting: VecDeque::new(),
            is_at_end: false,
            after,
            given,
            schema,
            unpacks,
            origin,
            failures: 0,
            notices,
        })
    }

    /// The query from where reading stands; `None` if the limit is reached.
    fn query(&self) -> Result<Option<String>> {
        let dialect = self.read.database.dialect();
        let mut select = self.read.select.clone();
        if let Some(key) = &self.key {
            select.order = key.order();
            if let Some(after) = &self.after {
                select.conditions.push(key.condition_after(after)?);
            }
        }
        if let Some(limit) = self.read.limit {
            let left = limit.saturating_sub(self.given);
            if left == 0 && self.given > 0 {
                return Ok(None);
            }
            select.limit = Some(left);
        }
        Ok(Some(select.sql(dialect)))
    }

    /// The next batch as the server gives it; begins or repeats the read where that is needed.
    async fn fetch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match self.try_fetch().await {
                Ok(batch) => {
                    if let Some(rows) = &mut self.rows {
                        self.notices.extend(rows.notices());
                    }
                    return Ok(batch);
                }
                Err(error) => self.recover(error).await?,
            }
        }
    }

    async fn try_fetch(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows.is_none() {
            let Some(query) = self.query()? else { return Ok(None) };
            let (database, table) = (&self.read.database, &self.read.table);
            let chunk = table.options.chunk_rows();
            let snapshot = match &self.read.snapshot {
                Some(shared) => shared.name(&**database, &mut self.notices).await?,
                None => None,
            };
            self.rows = Some(database.read(&query, &table.columns, chunk, snapshot.as_deref()).await?);
        }
        match &mut self.rows {
            Some(rows) => rows.next_batch().await,
            None => Ok(None),
        }
    }

    /// Waits before the next attempt. Errors: `error`, where trying again cannot help or would give rows twice.
    async fn recover(&mut self, error: Error) -> Result<()> {
        self.rows = None;
        if !error.is_retryable() {
            return Err(error);
        }
        // What was read but not given out is read again, so that only what was given out counts.
        self.waiting.clear();
        if self.given > 0 && self.after.is_none() {
            let lost = "the read was broken off, and rows without an order cannot be taken up in their midst";
            return Err(Error::source_failed(lost).with_source(error).retryable().with_hint(
                "run again: the table is read anew; with `row_order` of an incremental cursor, or with `partitions`, a \
                 read goes on where it was",
            ));
        }
        if self.failures >= ATTEMPTS {
            return Err(error);
        }
        tracing::warn!(attempt = self.failures + 1, "read is repeated");
        if self.failures == 0 {
            let place = if self.given == 0 { "from its start" } else { "after the last rows" };
            self.notices.push(format!("the read was broken off and goes on {place}: {}", error.message()));
        }
        tokio::time::sleep(BACKOFF * 2_u32.saturating_pow(self.failures)).await;
        self.failures += 1;
        Ok(())
    }

    /// The next rows, and the key after which reading can go on when they are done with.
    async fn next_rows(&mut self) -> Result<Option<(RecordBatch, Option<Vec<Value>>)>> {
        if self.waiting.is_empty() && !self.is_at_end {
            match self.fetch().await? {
                None => self.is_at_end = true,
                Some(batch) => self.waiting.push_back(batch),
            }
        }
        let Some(key) = self.key.as_ref() else {
            return Ok(self.waiting.pop_front().map(|batch| (batch, None)));
        };
        let Some(batch) = self.waiting.pop_front() else { return Ok(None) };
        let last = key_values(&batch, key.columns(), batch.num_rows().saturating_sub(1));
        if key.is_total() || last.is_none() {
            return Ok(Some((batch, last)));
        }
        // Several rows may have the last value: those before them are complete, these only if the next row has another.
        let start = last_group(&batch, key.columns());
        if start > 0 {
            self.waiting.push_front(batch.slice(start, batch.num_rows() - start));
            let head = batch.slice(0, start);
            let after = key_values(&head, key.columns(), start - 1);
            return Ok(Some((head, after)));
        }
        if self.waiting.is_empty() && !self.is_at_end {
            // The rows in hand are not given out yet; a read that fails here takes them up again.
            self.waiting.push_back(batch);
            match self.fetch().await? {
                None => self.is_at_end = true,
                Some(next) => self.waiting.push_back(next),
            }
            let Some(batch) = self.waiting.pop_front() else { return Ok(None) };
            return Ok(Some(self.complete(batch, last)));
        }
        Ok(Some(self.complete(batch, last)))
    }

    /// A batch of one value: reading can go on after it if the next row has another value, or there is none.
    fn complete(&self, batch: RecordBatch, last: Option<Vec<Value>>) -> (RecordBatch, Option<Vec<Value>>) {
        let Some(key) = &self.key else { return (batch, None) };
        let last = key_values(&batch, key.columns(), batch.num_rows().saturating_sub(1)).or(last);
        let next = self.waiting.front().and_then(|next| key_values(next, key.columns(), 0));
        let is_complete = match self.waiting.front() {
            Some(_) => next != last,
            None => self.is_at_end,
        };
        (batch, last.filter(|_| is_complete))
    }

    fn body(&self, batch: RecordBatch) -> Result<Body> {
        let batch =
            RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec()).map_err(|cause| {
                Error::internal("rows have other columns than were asked for").with_source(cause)
            })?;
        Ok(if self.unpacks { Body::TypedLines(batch_lines(&batch)?) } else { Body::Batch(batch) })
    }
}

/// The schema of batches with these columns; fields say what their texts mean.
pub fn annotated(columns: &[ColumnShape]) -> Arc<ArrowSchema> {
    let fields = columns.iter().map(|column| {
        let field = arrow_schema::Field::new(&column.name, column.sql_type.arrow_type(), true);
        let meaning = match column.sql_type {
            SqlType::Json | SqlType::Array => "json",
            SqlType::Decimal { .. } if field.data_type() == &arrow_schema::DataType::Utf8 => "decimal",
            _ => return field,
        };
        field.with_metadata(HashMap::from([(DATA_TYPE_KEY.to_owned(), meaning.to_owned())]))
    });
    Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
}

#[async_trait]
impl Extractor for TableReader {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        let read = self.next_rows().await.map_err(|error| error.at_table(&self.read.table.shape.name))?;
        let Some((batch, after)) = read else { return Ok(None) };
        let first = self.given;
        self.given += batch.num_rows() as u64;
        self.after = after;
        self.failures = 0;
        Ok(Some(Page { body: self.body(batch)?, first, origin: Arc::clone(&self.origin) }))
    }

    fn position(&self) -> Option<Value> {
        let after = self.after.as_ref()?;
        Some(json!({ "after": after, "rows": self.given }))
    }

    fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }
}
