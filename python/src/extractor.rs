//! Pages from what the resources of a Python source yield.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use async_trait::async_trait;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyTuple};
use windlass::core::Result;
use windlass::core::hints::ResourceHints;
use windlass::core::normalize::KEEPS_NESTED;
use windlass::source::{Body, Extractor, Origin, Page, Target, TargetTable, batch_bytes};

use crate::arrow::{Batches, is_arrow};
use crate::cursor::Rows;
use crate::runtime::Caller;
use crate::write::write_line;

/// Bytes of rows after which a page goes to the workers.
const PAGE_BYTES: usize = 256 << 10;

/// Bytes of rows that wait for their page to be filled, over all tables.
const WAITING_BYTES: usize = 8 << 20;

/// Bytes of columns that go to one worker at a time.
const BATCH_BYTES: usize = 2 << 20;

/// Rows of columns that go to one worker at least, unless there are no more.
const BATCH_ROWS: usize = 1024;

/// How long pages are gathered before the engine gets them: each handover costs as much as a hundred rows.
const GATHERING: Duration = Duration::from_millis(3);

/// Pages that are gathered at most.
const GATHERED: usize = 4;

/// Reads all resources of a Python source at once.
pub(crate) struct PythonExtractor {
    caller: Caller,
    pull: Arc<Mutex<Pull>>,
    target: Option<Arc<Target>>,
}

impl PythonExtractor {
    /// `items` yields `(index of the resource, table or None, what the resource gave)`.
    pub(crate) fn new(caller: Caller, items: Py<PyAny>, resources: Vec<String>) -> Self {
        let pull = Pull {
            items,
            iterator: None,
            records: vec![0; resources.len()],
            resources,
            slots: Vec::new(),
            index: HashMap::new(),
            waiting: 0,
            begun: Vec::new(),
            ready: VecDeque::new(),
            is_done: false,
            origin: Arc::default(),
        };
        Self { caller, pull: Arc::new(Mutex::new(pull)), target: None }
    }
}

#[async_trait]
impl Extractor for PythonExtractor {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        let ready = lock(&self.pull).ready.pop_front();
        let next = match ready {
            Some(next) => Some(next),
            None => {
                let pull = Arc::clone(&self.pull);
                self.caller.call(move |py| lock(&pull).next(py)).await?
            }
        };
        Ok(next.map(|(page, target)| {
            self.target = Some(target);
            page
        }))
    }

    fn target(&self) -> Option<Arc<Target>> {
        self.target.clone()
    }
}

fn lock(pull: &Mutex<Pull>) -> std::sync::MutexGuard<'_, Pull> {
    pull.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rows of one table that wait for their page to be filled.
struct Slot {
    resource: usize,
    target: Arc<Target>,
    lines: Vec<u8>,
    rows: u64,
    /// Whether the table is known to the engine.
    is_announced: bool,
}

/// An item that makes many pages: it is taken bit by bit, so that they do not all wait in memory.
struct Begun {
    slot: usize,
    what: What,
}

enum What {
    /// Rows, from an index on.
    List {
        list: Py<PyList>,
        at: usize,
    },
    Columns(Batches),
}

/// What is read of a source. Only the thread that holds the GIL touches it.
struct Pull {
    items: Py<PyAny>,
    iterator: Option<Py<PyIterator>>,
    resources: Vec<String>,
    /// Records of each resource so far.
    records: Vec<u64>,
    slots: Vec<Slot>,
    index: HashMap<(usize, Option<usize>), usize>,
    waiting: usize,
    /// What was begun and is not done, the innermost last.
    begun: Vec<Begun>,
    ready: VecDeque<(Page, Arc<Target>)>,
    is_done: bool,
    origin: Arc<Origin>,
}

impl Pull {
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<(Page, Arc<Target>)>> {
        let iterator = match &self.iterator {
            Some(iterator) => iterator.clone_ref(py),
            None => {
                let iterator = self.items.bind(py).try_iter()?.unbind();
                self.iterator.insert(iterator).clone_ref(py)
            }
        };
        let mut iterator = iterator.into_bound(py);
        let began = Instant::now();
        let mut gathered = self.ready.len();
        while !self.is_done {
            if self.ready.len() != gathered {
                gathered = self.ready.len();
                if gathered >= GATHERED || began.elapsed() > GATHERING {
                    break;
                }
            }
            if let Some(begun) = self.begun.pop() {
                let slot = begun.slot;
                self.go_on(py, begun).map_err(|cause| self.named(py, slot, cause))?;
            } else {
                match iterator.next() {
                    Some(item) => self.take(&item?)?,
                    None => self.end(),
                }
            }
            if self.waiting > WAITING_BYTES
                && let Some(largest) = (0..self.slots.len()).max_by_key(|&slot| self.slots[slot].lines.len())
            {
                self.flush(largest);
            }
        }
        Ok(self.ready.pop_front())
    }

    fn take(&mut self, item: &Bound<'_, PyAny>) -> PyResult<()> {
        let item = item.cast_exact::<PyTuple>()?;
        let resource: usize = item.get_item(0)?.extract()?;
        let table = item.get_item(1)?;
        let payload = item.get_item(2)?;
        let slot = self.slot(resource, &table)?;
        self.add(slot, &payload).map_err(|cause| self.named(payload.py(), slot, cause))
    }

    /// What cannot be loaded is said with the resource that gave it.
    fn named(&self, py: Python<'_>, slot: usize, cause: PyErr) -> PyErr {
        if !cause.is_instance_of::<PyTypeError>(py) {
            return cause;
        }
        let name = self.resources.get(self.slots[slot].resource).map_or("", String::as_str);
        let told = PyTypeError::new_err(format!("resource `{name}`: {}", cause.value(py)));
        told.set_cause(py, cause.cause(py));
        told
    }

    fn end(&mut self) {
        self.is_done = true;
        for slot in 0..self.slots.len() {
            self.flush(slot);
        }
    }

    /// The place of a resource's rows, or of those of a table that the item names.
    fn slot(&mut self, resource: usize, table: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = table.py();
        let id: Option<usize> =
            if table.is_none() { None } else { Some(table.getattr(intern!(py, "id"))?.extract()?) };
        if let Some(&slot) = self.index.get(&(resource, id)) {
            return Ok(slot);
        }
        let target_table = match id {
            None => None,
            Some(_) => {
                let name: String = table.getattr(intern!(py, "name"))?.extract()?;
                let hints: String = table.getattr(intern!(py, "hints"))?.extract()?;
                let hints: ResourceHints = serde_json::from_str(&hints).map_err(|cause| {
                    PyTypeError::new_err(format!("the hints of table `{name}` cannot be: {cause}"))
                })?;
                Some(TargetTable { name, hints })
            }
        };
        let name = self.resources.get(resource).cloned().unwrap_or_default();
        self.slots.push(Slot {
            resource,
            target: Arc::new(Target { resource: name, table: target_table }),
            lines: Vec::new(),
            rows: 0,
            is_announced: false,
        });
        self.index.insert((resource, id), self.slots.len() - 1);
        Ok(self.slots.len() - 1)
    }

    fn add(&mut self, slot: usize, payload: &Bound<'_, PyAny>) -> PyResult<()> {
        if payload.cast_exact::<PyDict>().is_ok() {
            return self.add_row(slot, payload);
        }
        if let Ok(list) = payload.cast::<PyList>() {
            if list.is_empty() && !self.slots[slot].is_announced {
                self.flush(slot);
                self.send(slot, Body::TypedLines(Vec::new()), 0);
            }
            let what = What::List { list: list.clone().unbind(), at: 0 };
            self.begun.push(Begun { slot, what });
            return Ok(());
        }
        self.add_item(slot, payload)
    }

    fn add_item(&mut self, slot: usize, item: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(rows) = item.cast_exact::<Rows>() {
            let rows = rows.get();
            let own = &mut self.slots[slot];
            own.lines.extend_from_slice(&rows.lines);
            own.rows += rows.count;
            self.waiting += rows.lines.len();
            if own.lines.len() >= PAGE_BYTES {
                self.flush(slot);
            }
            return Ok(());
        }
        if is_arrow(item)? {
            self.flush(slot);
            self.begun.push(Begun { slot, what: What::Columns(Batches::new(item)?) });
            return Ok(());
        }
        self.add_row(slot, item)
    }

    /// Takes some more of what was begun. What is left goes back on the stack, below what it holds itself.
    fn go_on(&mut self, py: Python<'_>, begun: Begun) -> PyResult<()> {
        let Begun { slot, what } = begun;
        match what {
            What::List { list, at } => self.add_items(py, slot, list, at),
            What::Columns(mut batches) => {
                let Some(batch) = batches.next(py)? else { return Ok(()) };
                self.begun.push(Begun { slot, what: What::Columns(batches) });
                self.add_batch(slot, batch);
                Ok(())
            }
        }
    }

    /// Adds items of a list from `at` on until a page is full.
    fn add_items(&mut self, py: Python<'_>, slot: usize, list: Py<PyList>, mut at: usize) -> PyResult<()> {
        let before = self.ready.len();
        let items = list.bind(py).clone();
        // The list may change while it is read, as its items may run code.
        while at < items.len() {
            let item = items.get_item(at)?;
            at += 1;
            if item.cast_exact::<PyDict>().is_ok() {
                self.add_row(slot, &item)?;
                if self.ready.len() == before {
                    continue;
                }
                self.begun.push(Begun { slot, what: What::List { list, at } });
            } else {
                self.begun.push(Begun { slot, what: What::List { list, at } });
                self.add_item(slot, &item)?;
            }
            break;
        }
        Ok(())
    }

    /// Makes pages of a batch: parts of it, so that all workers have some. Nothing is copied.
    fn add_batch(&mut self, slot: usize, batch: RecordBatch) {
        let batch = keep_nested(batch);
        let rows = batch.num_rows();
        let parts = batch_bytes(&batch).div_ceil(BATCH_BYTES).max(1);
        let step = rows.div_ceil(parts).max(BATCH_ROWS);
        for start in (0..rows.max(1)).step_by(step) {
            let part = batch.slice(start, step.min(rows - start));
            let rows = part.num_rows() as u64;
            self.send(slot, Body::Batch(part), rows);
        }
    }

    fn add_row(&mut self, slot: usize, row: &Bound<'_, PyAny>) -> PyResult<()> {
        let own = &mut self.slots[slot];
        let before = own.lines.len();
        write_line(row, &mut own.lines).map_err(|refused| refused.into_exception(row.py()))?;
        own.rows += 1;
        self.waiting += own.lines.len() - before;
        if own.lines.len() >= PAGE_BYTES {
            self.flush(slot);
        }
        Ok(())
    }

    /// Makes a page of the rows that wait.
    fn flush(&mut self, slot: usize) {
        let own = &mut self.slots[slot];
        if own.rows == 0 {
            return;
        }
        let lines = std::mem::take(&mut own.lines);
        let rows = std::mem::take(&mut own.rows);
        self.waiting -= lines.len();
        self.send(slot, Body::TypedLines(lines), rows);
    }

    fn send(&mut self, slot: usize, body: Body, rows: u64) {
        let own = &mut self.slots[slot];
        own.is_announced = true;
        let count = &mut self.records[own.resource];
        let page = Page { body, first: *count, origin: Arc::clone(&self.origin) };
        *count += rows;
        self.ready.push_back((page, Arc::clone(&own.target)));
    }
}

/// The batch, marked so that its nested columns become JSON, as the reference has it for frames.
fn keep_nested(batch: RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    if !schema.fields().iter().any(|field| field.data_type().is_nested()) {
        return batch;
    }
    let mut metadata = schema.metadata().clone();
    metadata.insert(KEEPS_NESTED.to_owned(), String::new());
    let marked = Schema::new_with_metadata(schema.fields().clone(), metadata);
    batch.clone().with_schema(Arc::new(marked)).unwrap_or(batch)
}
