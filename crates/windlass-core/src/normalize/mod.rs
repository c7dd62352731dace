//! From parsed chunks to typed columns of many tables.
//!
//! ```text
//!  chunk ──> Tape ──observe──> values by column ──encode──> RecordBatch per table
//!                      │  something new
//!                      └──> Turn: wait for the chunks before, grow the schema, go on
//! ```
//!
//! In reading order: [`Context`] (settings), `flatten` (the definition: one record to its rows), `grow` (the only
//! code that adds columns), `plan` (the columnar mirror of the schema), `observe` and `encode` (the fast path).

mod batch;
pub(crate) mod batch_rows;
mod collisions;
mod columns;
mod context;
mod define;
mod encode;
mod exact;
mod flatten;
mod grow;
mod names_below;
mod observe;
mod physical;
mod plan;
mod row_filter;
mod row_id;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hashbrown::HashMap;

pub use batch_rows::lines as batch_lines;
pub use collisions::{Collisions, Overwritten, OverwrittenNames, check_tables};
pub(crate) use columns::means_decimal;
pub use columns::{DATA_TYPE_KEY, EXTENSION_NAME_KEY, KEEPS_NESTED, PLAIN_TYPES, UUID_EXTENSION};
pub use context::{BatchIds, Context, DEFAULT_MAX_COLUMNS, DEFAULT_MAX_NESTING, Limits, RowIdKind};
pub use encode::RecordNumbers;
pub use flatten::{FlatCell, FlatRow, Flattener, KeptKeys, RowVisitor};
pub use grow::{ChangedType, Discarded, FullTable, SchemaState, column_for};
pub use physical::{Cell, Physical, TypeDefaults, arrow_field, decimal_size, with_held_digits};
pub use row_filter::RowFilters;
pub use row_id::{PositionIds, child_id, content_id, key_id};

use batch::BatchBuilder;
use columns::BatchColumns;
use encode::{Encoder, Targets};
use observe::{Observer, ObserverMemory, Stop};
use plan::{Plan, Sources};

use crate::error::{At, Error, Result};
use crate::hints::{Declared, declare, keep_types};
use crate::json::{ParseBuffers, ParsedRow, Tape};
use crate::schema::{Column, ContractMode, Schema, SystemNames, Table};
use crate::value::DataType;

/// The column of job files that numbers the records of a load in the order of the input. It is not of the table: it says
/// which of several rows with one key came last, and which nested rows came with it, until they are merged.
pub const RECORD_COLUMN: &str = "_windlass_record";

/// The number of the first row of a page; rows of later pages have greater ones.
fn first_record(page: u64) -> i64 {
    i64::try_from(page).unwrap_or(i64::MAX >> 32).saturating_mul(1 << 32)
}

/// Rows of a table that are gathered before they are handed on.
const BATCH_ROWS: usize = 16_384;

/// Bytes of a table that are gathered before they are handed on.
const BATCH_BYTES: usize = 4 << 20;

/// How a chunk waits for the chunks before it, so that the schema grows in the order of the input.
pub trait Turn {
    /// Waits until all chunks before this one have been observed, and gives the schema they left.
    fn wait(&mut self) -> Result<Arc<SchemaState>>;
    /// Makes a grown schema the current one. Only called after [`Turn::wait`].
    fn publish(&mut self, state: &Arc<SchemaState>);
}

/// The turn of the only worker, or of one that takes all chunks in order.
impl Turn for Arc<SchemaState> {
    fn wait(&mut self) -> Result<Arc<SchemaState>> {
        Ok(Self::clone(self))
    }

    fn publish(&mut self, state: &Arc<SchemaState>) {
        self.clone_from(state);
    }
}

/// Takes finished batches.
pub trait BatchSink {
    /// A batch of a table. Later batches may have more columns at the end, never fewer.
    fn receive(&mut self, table: &str, batch: TableBatch) -> Result<()>;
}

/// Rows of one table.
#[derive(Clone, Debug)]
pub struct TableBatch {
    /// The rows.
    pub rows: RecordBatch,
    /// The text columns whose values are JSON.
    pub json_columns: Vec<String>,
}

/// The settings that all workers of a run share.
#[derive(Clone, Debug)]
pub struct NormalizeSettings {
    /// Names, types and limits.
    pub ctx: Context,
    /// Keys that are left out.
    pub filters: RowFilters,
    /// The schema at the start of the run.
    pub start: Schema,
}

/// Normalizes chunks for one worker. Holds no locks.
pub struct Normalizer {
    settings: Arc<NormalizeSettings>,
    /// The settings for columns that have types, by root table.
    typed: HashMap<String, Arc<NormalizeSettings>>,
    state: Arc<SchemaState>,
    plan: Plan,
    memory: ObserverMemory,
    discarded: Discarded,
    batches: HashMap<String, BatchBuilder>,
    targets: Vec<Targets>,
    row_counts: HashMap<String, u64>,
    keys: HashMap<String, Keys>,
    /// The page whose records are numbered.
    page: Option<u64>,
    /// Fields whose names were checked last.
    checked: Option<SchemaRef>,
}

/// The columns that tell the rows of a table apart: those that no row had so far, and those that one had.
#[derive(Clone, Debug, Default)]
struct Keys {
    unseen: Vec<String>,
    seen: Vec<String>,
}

impl Normalizer {
    /// A worker that starts with this schema.
    pub fn new(settings: Arc<NormalizeSettings>, state: Arc<SchemaState>) -> Self {
        Self {
            settings,
            typed: HashMap::new(),
            state,
            plan: Plan::default(),
            memory: ObserverMemory::default(),
            discarded: Discarded::default(),
            batches: HashMap::new(),
            targets: Vec::new(),
            row_counts: HashMap::new(),
            keys: HashMap::new(),
            page: None,
            checked: None,
        }
    }

    /// Has the rows of the next chunks carry the number of their record in [`RECORD_COLUMN`], where they are merged;
    /// `page` is the chunk's place in the order of the input. `None` for rows that need none.
    pub fn number_records(&mut self, page: Option<u64>) {
        self.page = page;
    }

    /// Notes the values of a chunk's records, growing the schema where they bring something new.
    ///
    /// When this returns, later chunks may take their turn. Errors: data that cannot be loaded, with the number of the
    /// record; a contract that freezes.
    pub fn observe(
        &mut self,
        root_table: &str,
        tape: &Tape<'_>,
        rows: &[ParsedRow],
        numbers: RecordNumbers<'_>,
        turn: &mut dyn Turn,
    ) -> Result<()> {
        let settings = Arc::clone(&self.settings);
        self.observe_by(&settings, root_table, (tape, rows), numbers, turn)
    }

    /// As [`Normalizer::observe`], for records that are rows of columns with types: no conversion changes a value.
    pub fn observe_typed(
        &mut self,
        root_table: &str,
        tape: &Tape<'_>,
        rows: &[ParsedRow],
        numbers: RecordNumbers<'_>,
        turn: &mut dyn Turn,
    ) -> Result<()> {
        let settings = self.typed_settings(root_table);
        self.observe_by(&settings, root_table, (tape, rows), numbers, turn)
    }

    fn observe_by(
        &mut self,
        settings: &Arc<NormalizeSettings>,
        root_table: &str,
        (tape, rows): (&Tape<'_>, &[ParsedRow]),
        numbers: RecordNumbers<'_>,
        turn: &mut dyn Turn,
    ) -> Result<()> {
        self.plan.clear();
        let root = self.plan.root(sources(settings, &self.state), root_table);
        let mut has_turn = false;
        let mut has_grown = false;
        for row in rows {
            let at = |error: Error| error.at(At { row: Some(u64::from(row.ordinal)), ..At::default() });
            let mut by_definition = false;
            let mut attempts = 0;
            loop {
                let mut observer = Observer {
                    plan: &mut self.plan,
                    from: sources(settings, &self.state),
                    tape,
                    discarded: &mut self.discarded,
                    memory: &mut self.memory,
                };
                let result = if by_definition {
                    let id = numbers.id(row.ordinal);
                    observer.define(
                        root_table,
                        row.node,
                        row.ordinal,
                        &String::from_utf8_lossy(&id),
                        has_turn,
                    )
                } else {
                    observer.record(root, row.node, row.ordinal)
                };
                match result {
                    Ok(()) => break,
                    Err(Stop::Failed(error)) => return Err(at(error)),
                    Err(Stop::Ambiguous) if !by_definition => by_definition = true,
                    Err(_) if !has_turn => {
                        has_turn = true;
                        self.state = turn.wait()?;
                        self.plan.refresh(sources(settings, &self.state));
                    }
                    Err(_) => {
                        // Growth looks at the values that count; the walk may have met one that does not.
                        by_definition |= attempts > 0;
                        attempts += 1;
                        if attempts > 3 {
                            return Err(at(Error::internal(
                                "a record is still new after the schema grew by it",
                            )));
                        }
                        Arc::make_mut(&mut self.state)
                            .grow(
                                &settings.ctx,
                                &settings.filters,
                                tape,
                                row.node,
                                root_table,
                                &settings.start,
                            )
                            .map_err(at)?;
                        has_grown = true;
                        self.plan.refresh(sources(settings, &self.state));
                    }
                }
            }
        }
        if has_grown {
            turn.publish(&self.state);
        }
        self.discarded.add_parents(std::mem::take(&mut self.plan.parents));
        Ok(())
    }

    /// Declares tables that come up while data is read, before the first record of them is observed. `given` is the name
    /// of the first as it was given.
    ///
    /// Records of a root table that a contract refuses are discarded. Errors: a contract that freezes; a table of
    /// another given name that comes to the same name.
    pub fn declare(&mut self, given: &str, tables: &[Table], turn: &mut dyn Turn) -> Result<()> {
        let Some(root) = tables.first().map(|table| table.name.clone()) else { return Ok(()) };
        self.state = turn.wait()?;
        let settings = Arc::make_mut(&mut self.settings);
        self.typed.clear();
        let mut tables = tables.to_vec();
        let kept = keep_types(&mut tables, &self.state.schema);
        settings.ctx.declared.note(&tables, &kept);
        let ctx = &settings.ctx;
        let mut state = SchemaState::clone(&self.state);
        let others = [ctx.given_tables.get(&root), state.given_tables.get(&root)].into_iter().flatten();
        check_tables(
            &ctx.naming,
            others.map(|other| (root.as_str(), other.as_str())).chain([(root.as_str(), given)]),
        )?;
        state.given_tables.insert(root.clone(), given.to_owned());
        match declare(&mut state.schema, tables.clone(), &ctx.naming, ctx.can_merge)? {
            Declared::Tables => {
                // What stays nested is decided by the schema at the start, so they count as if they had been there.
                declare(&mut settings.start, tables.clone(), &ctx.naming, ctx.can_merge)?;
            }
            Declared::Refused => drop(state.refused_tables.insert(root, ContractMode::DiscardRow)),
        }
        state.note_declared(tables.iter().map(|table| table.name.as_str()));
        self.state = Arc::new(state);
        turn.publish(&self.state);
        let settings = Arc::clone(&self.settings);
        self.plan.refresh(sources(&settings, &self.state));
        Ok(())
    }

    /// Whether records of a root table may hold numbers whose digits count beyond what a float holds: a column of its
    /// tables is declared as `decimal` or `wei`. Then their tapes are to be made by [`ParseBuffers::keep_literals`].
    pub fn keeps_literals(&self, root_table: &str) -> bool {
        let schema = &self.settings.start;
        let is_exact = |data_type: DataType| matches!(data_type, DataType::Decimal | DataType::Wei);
        let is_of_root =
            |table: &Table| schema.root_of(&table.name).is_some_and(|root| root.name == root_table);
        self.settings.ctx.rules.prefers(is_exact)
            || schema.tables.values().any(|table| {
                let mut columns = table.columns.values();
                columns.any(|column| column.data_type.is_some_and(is_exact)) && is_of_root(table)
            })
    }

    /// Errors: two of the columns that a file declares come to one name.
    pub fn check_columns(&self, names: &[String]) -> Result<()> {
        collisions::check_columns(&self.settings.ctx, names)
    }

    /// The settings of the run.
    pub fn context(&self) -> &Context {
        &self.settings.ctx
    }

    /// Appends what was observed to the batches and hands on those that are full.
    pub fn encode(
        &mut self,
        tape: &Tape<'_>,
        numbers: RecordNumbers<'_>,
        sink: &mut dyn BatchSink,
    ) -> Result<()> {
        let encoder = Encoder {
            ctx: &self.settings.ctx,
            start: &self.settings.start,
            state: &self.state,
            plan: &self.plan,
            tape,
            numbers,
            page: self.page,
        };
        encoder.encode(&mut self.batches, &mut self.targets, &mut |table, batch| {
            finish_batch(table, batch, sink)
        })?;
        for table in self.plan.tables.iter().filter(|table| table.rows > 0) {
            note_keys(&mut self.keys, &self.settings.ctx, &self.state, &table.name, |key| {
                let mut columns = table.columns.iter();
                columns.any(|column| column.name == key && (column.saw_null || !column.cells.is_empty()))
            });
            *self.row_counts.entry_ref(table.name.as_str()).or_default() += u64::from(table.rows);
        }
        Ok(())
    }

    /// Normalizes a batch whose columns have types already: as it is, or row by row where it has to be.
    ///
    /// Errors: two columns of one name, a type that no column can hold, a contract that freezes.
    pub fn columns(
        &mut self,
        root_table: &str,
        batch: &RecordBatch,
        numbers: RecordNumbers<'_>,
        turn: &mut dyn Turn,
        sink: &mut dyn BatchSink,
    ) -> Result<()> {
        let settings = self.typed_settings(root_table);
        let ctx = &settings.ctx;
        let is_new_form = !self.checked.as_ref().is_some_and(|known| Arc::ptr_eq(known, batch.schema_ref()));
        if is_new_form {
            collisions::check_fields(ctx, &settings.start, root_table, batch.schema_ref())
                .map_err(|error| error.at_table(root_table))?;
            self.checked = Some(batch.schema());
        }
        let mut columns = BatchColumns::new(ctx, batch)?;
        let changes = |state: &SchemaState| columns.changes(ctx, state, root_table, batch);
        // A row that is told apart by its content gets the id that the same record would have.
        let is_by_content =
            |state: &SchemaState| ctx.row_id_kind(&state.schema, root_table) == RowIdKind::RowHash;
        let becomes_bare = |state: &SchemaState| {
            batch.num_rows() > 0
                && !state.bare_tables.contains(root_table)
                && !is_by_content(state)
                && columns.leaves_ids_out(ctx, state, root_table)
        };
        if changes(&self.state)?.is_some() || becomes_bare(&self.state) {
            self.state = turn.wait()?;
            let state = Arc::make_mut(&mut self.state);
            if let Some(partial) = changes(state)? {
                state.merge(ctx, partial)?;
            }
            if becomes_bare(state) {
                state.bare_tables.insert(root_table.to_owned());
            }
            turn.publish(&self.state);
            self.plan.refresh(sources(&settings, &self.state));
        }
        if is_new_form {
            let changed = columns.changed_types(ctx, &self.state, root_table);
            self.discarded.note_changed_types(root_table, changed);
        }
        if batch.num_columns() == 0 {
            return Ok(());
        }
        if self.state.refused_tables.contains_key(root_table) {
            *self.discarded.rows.entry(root_table.to_owned()).or_default() += batch.num_rows() as u64;
            return Ok(());
        }
        let lost = columns.leave_refused(&self.state, root_table, batch);
        let table = self.state.schema.table(root_table);
        let goes_through = !is_by_content(&self.state) && columns.fits(ctx, &self.state, root_table);
        if let Some(table) = table.filter(|_| goes_through)
            && let Some(rows) =
                columns.rows(ctx, table, batch, numbers).map_err(|e| e.at_table(root_table))?
        {
            let page = self.page.filter(|_| ctx.has_records(&self.state.schema, root_table));
            let rows = match page {
                Some(page) => columns::with_records(rows, first_record(page))?,
                None => rows,
            };
            *self.row_counts.entry_ref(root_table).or_default() += rows.num_rows() as u64;
            note_keys(&mut self.keys, ctx, &self.state, root_table, |key| {
                rows.num_rows() == 0 || columns.columns.iter().any(|(_, column)| column.name == key)
            });
            if lost > 0 {
                *self.discarded.values.entry(root_table.to_owned()).or_default() += lost;
            }
            return sink.receive(root_table, TableBatch { rows, json_columns: columns.json_columns() });
        }
        let lines = batch_rows::lines(batch)?;
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_typed_lines(&lines)?;
        self.observe_by(&settings, root_table, (&parsed.tape, &parsed.rows), numbers, turn)?;
        self.encode(&parsed.tape, numbers, sink)
    }

    fn typed_settings(&mut self, root_table: &str) -> Arc<NormalizeSettings> {
        let settings = &self.settings;
        let typed = self.typed.entry_ref(root_table).or_insert_with(|| {
            let ctx = settings.ctx.exact(root_table);
            Arc::new(NormalizeSettings { ctx, ..NormalizeSettings::clone(settings) })
        });
        Arc::clone(typed)
    }

    /// Hands on everything that is left, in the order of the table names.
    pub fn flush(&mut self, sink: &mut dyn BatchSink) -> Result<()> {
        let mut tables: Vec<_> = self.batches.iter_mut().filter(|(_, batch)| batch.rows() > 0).collect();
        tables.sort_unstable_by(|a, b| a.0.cmp(b.0));
        tables.into_iter().try_for_each(|(table, batch)| finish_batch(table, batch, sink))
    }

    /// What contracts left out so far.
    pub fn discarded(&self) -> &Discarded {
        &self.discarded
    }

    /// Rows that were encoded so far, by table.
    pub fn row_counts(&self) -> &HashMap<String, u64> {
        &self.row_counts
    }

    /// Table and column of the keys that some row had so far.
    pub fn seen_keys(&self) -> impl Iterator<Item = (&str, &str)> {
        let keys = self.keys.iter();
        keys.flat_map(|(table, keys)| keys.seen.iter().map(move |key| (table.as_str(), key.as_str())))
    }

    /// Columns that held nothing but nulls so far and have no type, by table.
    pub fn null_columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.plan.tables.iter().flat_map(|table| {
            let unknown = table.columns.iter().filter(|column| column.saw_null && !column.is_known());
            unknown.map(|column| (table.name.as_str(), column.name.as_str()))
        })
    }
}

/// Whether a column tells the rows of its table apart by what records say.
pub fn is_key(column: &Column, names: &SystemNames) -> bool {
    column.name != names.id
        && ["primary_key", "merge_key", "x-row-version"].iter().any(|hint| column.has(hint))
}

/// Notes which keys of a table the rows of a chunk have.
fn note_keys(
    keys: &mut HashMap<String, Keys>,
    ctx: &Context,
    state: &SchemaState,
    table: &str,
    has: impl Fn(&str) -> bool,
) {
    let keys = keys.entry_ref(table).or_insert_with(|| {
        let columns = state.schema.table(table).into_iter().flat_map(|table| table.columns.values());
        let unseen = columns.filter(|column| is_key(column, &ctx.names)).map(|column| column.name.clone());
        Keys { unseen: unseen.collect(), seen: Vec::new() }
    });
    if !keys.unseen.is_empty() {
        let (seen, unseen) = std::mem::take(&mut keys.unseen).into_iter().partition(|key| has(key));
        keys.unseen = unseen;
        let seen: Vec<String> = seen;
        keys.seen.extend(seen);
    }
}

fn finish_batch(table: &str, batch: &mut BatchBuilder, sink: &mut dyn BatchSink) -> Result<()> {
    let rows = batch.finish().map_err(|e| e.at_table(table))?;
    sink.receive(table, TableBatch { rows, json_columns: batch.json_columns() })
}

fn sources<'a>(settings: &'a NormalizeSettings, state: &'a SchemaState) -> Sources<'a> {
    Sources { ctx: &settings.ctx, filters: &settings.filters, start: &settings.start, state }
}
