//! From what was observed to columns: one loop per column over the values of the chunk.

use std::ops::Range;

use hashbrown::HashMap;

use super::batch::{BatchBuilder, ColumnBuilder};
use super::context::{Context, RowIdKind};
use super::first_record;
use super::flatten::{FlatRow, Flattener, KeptKeys, RowVisitor, truthy_text};
use super::grow::SchemaState;
use super::physical::Cell;
use super::plan::{CONVERTED, ColumnPlan, NONE, Observed, Plan, TablePlan};
use super::row_id::{PositionIds, child_id, content_id, key_id};
use super::{BATCH_BYTES, BATCH_ROWS};
use crate::error::{Error, Result};
use crate::hash::RowId;
use crate::json::{Node, NodePosition, StaticNode, Tape, write_compact};
use crate::schema::Schema;
use crate::value::Scalar;

/// Bytes of a batch that a wide table may take before it is handed on.
const WINDOW_BYTES: usize = 16 << 20;

/// Rows that are encoded at once whatever the width of their table.
const MIN_WINDOW: u32 = 64;

/// The ids of the rows of one table in a chunk.
#[derive(Debug, Default)]
struct TableIds {
    ids: Vec<RowId>,
    /// Ids that the data brought.
    own: HashMap<u32, String>,
    is_done: bool,
}

impl TableIds {
    fn get(&self, row: u32) -> &[u8] {
        match self.own.get(&row) {
            Some(own) => own.as_bytes(),
            None => &self.ids[row as usize],
        }
    }

    fn text(&self, row: u32) -> &str {
        // Ids are base64 text or came as text.
        std::str::from_utf8(self.get(row)).unwrap_or_default()
    }
}

/// Where the records of a chunk come from, for their ids.
#[derive(Clone, Copy, Debug)]
pub struct RecordNumbers<'a> {
    /// Ids of the stream.
    pub ids: &'a PositionIds,
    /// Number of the chunk's first record in the stream.
    pub first: u64,
    /// Numbers of the chunk's records by ordinal, where they are not consecutive.
    pub explicit: Option<&'a [u64]>,
}

impl RecordNumbers<'_> {
    /// The id of the record with this number in the chunk.
    #[inline]
    pub fn id(&self, ordinal: u32) -> RowId {
        let number = match self.explicit {
            Some(numbers) => numbers.get(ordinal as usize).copied().unwrap_or_default(),
            None => self.first + u64::from(ordinal),
        };
        self.ids.id(number)
    }
}

/// Which builder each column of the plan goes to, per table; rebuilt when a table grew.
#[derive(Debug, Default)]
pub(super) struct Targets {
    columns: Vec<u32>,
    plan_width: usize,
    batch_width: usize,
}

/// Rows of a chunk, and where they go in a batch.
struct Place {
    /// Rows of the batch before them.
    base: usize,
    rows: Range<u32>,
}

impl Place {
    /// The place of a row in the batch.
    fn of(&self, row: u32) -> usize {
        self.base + (row - self.rows.start) as usize
    }

    /// The values of these rows.
    fn cells<'p>(&self, plan: &'p ColumnPlan) -> &'p [Observed] {
        let at = |row| plan.cells.partition_point(|cell| cell.row < row);
        // Nearly always they are all rows of the chunk.
        let start = if self.rows.start == 0 { 0 } else { at(self.rows.start) };
        let is_last = plan.cells.last().is_none_or(|cell| cell.row < self.rows.end);
        &plan.cells[start..if is_last { plan.cells.len() } else { at(self.rows.end) }]
    }
}

/// The values of the primary key of a row, by column; `None` if not all of them were noted as they are.
fn noted_key(table: &TablePlan, keys: &[u32], row: u32) -> Option<Vec<(String, NodePosition)>> {
    let key = keys.iter().map(|column| {
        let column = &table.columns[*column as usize];
        Some((column.name.clone(), column.node_in(row)?))
    });
    key.collect::<Option<Vec<_>>>().filter(|key| !key.is_empty())
}

/// Rows that are encoded at once: each takes eight bytes in every column, whether it has a value there or not.
fn window(width: usize) -> u32 {
    let rows = WINDOW_BYTES / (8 * width.max(1));
    u32::try_from(rows).unwrap_or(u32::MAX).max(MIN_WINDOW)
}

/// One chunk on its way to the builders.
pub(super) struct Encoder<'a, 't> {
    pub(super) ctx: &'a Context,
    pub(super) start: &'a Schema,
    pub(super) state: &'a SchemaState,
    pub(super) plan: &'a Plan,
    pub(super) tape: &'a Tape<'t>,
    pub(super) numbers: RecordNumbers<'a>,
    /// The page whose records are numbered.
    pub(super) page: Option<u64>,
}

impl Encoder<'_, '_> {
    /// Appends the rows of every table to its builder, and hands full ones on.
    pub(super) fn encode(
        &self,
        batches: &mut HashMap<String, BatchBuilder>,
        targets: &mut Vec<Targets>,
        finish: &mut dyn FnMut(&str, &mut BatchBuilder) -> Result<()>,
    ) -> Result<()> {
        let mut ids: Vec<TableIds> = self.plan.tables.iter().map(|_| TableIds::default()).collect();
        for table in 0..self.plan.tables.len() {
            self.ensure_ids(table, &mut ids)?;
        }
        targets.resize_with(self.plan.tables.len(), Targets::default);
        for (index, table) in self.plan.tables.iter().enumerate().filter(|(_, table)| table.rows > 0) {
            let Some(definition) = self.state.schema.table(&table.name) else {
                return Err(Error::internal("rows were observed for a table without a definition")
                    .at_table(&table.name));
            };
            let batch = batches
                .entry_ref(table.name.as_str())
                .or_insert_with(|| BatchBuilder::new(definition, &self.ctx.types));
            batch.widen(definition, &self.ctx.types);
            let page = self.page.filter(|_| self.ctx.has_records(&self.state.schema, &table.name));
            if let Some(page) = page {
                let first = first_record(page);
                let builder = batch.record_column();
                (0..table.rows)
                    .for_each(|row| builder.push_int(first + i64::from(self.root_row(index, row))));
            }
            let target = &mut targets[index];
            target.update(table, batch);
            let mut rows = 0..0;
            while rows.end < table.rows {
                rows = rows.end..table.rows.min(rows.end.saturating_add(window(batch.width())));
                self.table(index, rows.clone(), batch, target, &ids);
                batch.advance(rows.len());
                if batch.rows() >= BATCH_ROWS || batch.bytes() >= BATCH_BYTES {
                    finish(&table.name, batch)?;
                }
            }
        }
        Ok(())
    }

    /// The row of the root table that a row belongs to.
    fn root_row(&self, table: usize, row: u32) -> u32 {
        let (mut table, mut row) = (table, row);
        loop {
            let plan = &self.plan.tables[table];
            let (parent, parent_row) = plan.links[row as usize].parent;
            if plan.is_root || parent == NONE {
                return row;
            }
            (table, row) = (parent as usize, parent_row);
        }
    }

    /// Makes the ids of a table's rows, those of its parents first.
    fn ensure_ids(&self, index: usize, ids: &mut Vec<TableIds>) -> Result<()> {
        let table = &self.plan.tables[index];
        if ids[index].is_done || table.rows == 0 {
            return Ok(());
        }
        ids[index].is_done = true;
        let mut last = NONE;
        for link in &table.links {
            if link.parent.0 != NONE && link.parent.0 != last {
                last = link.parent.0;
                self.ensure_ids(last as usize, ids)?;
            }
        }
        let own = &table.columns[table.id as usize];
        for cell in &own.cells {
            let node = own.node_behind(cell);
            if let Some(text) = node.and_then(|node| truthy_text(&self.tape.scalar(node))) {
                ids[index].own.insert(cell.row, text);
            }
        }
        let mut made = Vec::with_capacity(table.rows as usize);
        let mut scratch = Vec::new();
        // Only records are asked for it: to know it of a nested table takes all tables above.
        let (mut known_kind, mut known_keys) = (None, None);
        for (row, link) in table.links.iter().enumerate() {
            let is_nested = link.parent.0 != NONE;
            // A list whose table has keys of its own has rows like those of a root table.
            let record = match (table.is_root, is_nested) {
                (true, _) => table.records.get(row),
                (false, false) => table.records.get(link.index as usize),
                (false, true) => None,
            };
            let kind = record.map_or(RowIdKind::Position, |_| {
                *known_kind.get_or_insert_with(|| self.ctx.row_id_kind(&self.state.schema, &table.name))
            });
            let id = match (record, kind) {
                (Some(record), RowIdKind::RowHash) => self.row_hash(record.node, is_nested),
                // A record that brings its own id needs no other.
                (Some(_), RowIdKind::KeyHash) if ids[index].own.contains_key(&(row as u32)) => {
                    RowId::default()
                }
                (Some(record), RowIdKind::KeyHash) => {
                    let keys = known_keys.get_or_insert_with(|| self.key_columns(table));
                    match noted_key(table, keys, row as u32) {
                        Some(mut key) => key_id(self.tape, &mut key),
                        None => self.key_hash(table, record.node)?,
                    }
                }
                (Some(record), RowIdKind::Position) if !is_nested => self.numbers.id(record.ordinal),
                (Some(record), RowIdKind::Position) => {
                    // Such a table is appended to while the root rows may keep their ids: ids are of this load only.
                    let (parent, parent_row) = link.parent;
                    let mut place = self.numbers.id(record.ordinal).to_vec();
                    place.extend_from_slice(ids[parent as usize].get(parent_row));
                    child_id(&mut scratch, &place, &table.name, link.index)
                }
                _ => {
                    let (parent, parent_row) = link.parent;
                    let parent_id = ids[parent as usize].get(parent_row);
                    child_id(&mut scratch, parent_id, &table.name, link.index)
                }
            };
            made.push(id);
        }
        ids[index].ids = made;
        Ok(())
    }

    /// The id of a record from its content; a value that is no object counts as the record that it makes.
    fn row_hash(&self, node: NodePosition, is_nested: bool) -> RowId {
        let key = match self.tape.nodes[node as usize] {
            Node::Object { .. } => return content_id(self.tape, node, &self.ctx.names.prefix),
            Node::Array { .. } if is_nested => "list",
            _ => "value",
        };
        key_id(self.tape, &mut [(key.to_owned(), node)])
    }

    /// The columns of a table's primary key, by their places in the plan; none if one of them has no place.
    fn key_columns(&self, table: &TablePlan) -> Vec<u32> {
        let columns = self.state.schema.table(&table.name).map(|table| table.columns_with("primary_key"));
        let places = columns.into_iter().flatten().map(|column| table.place_of(&column.name));
        places.collect::<Option<_>>().unwrap_or_default()
    }

    /// The id of a record from its primary key where that was not noted, such as a key that went to a variant: its root row
    /// is flattened once more.
    fn key_hash(&self, table: &TablePlan, node: NodePosition) -> Result<RowId> {
        let mut root =
            RootId { schema: &self.state.schema, id_column: &self.ctx.names.id, id: None, tape: self.tape };
        Flattener::new(self.ctx, self.start, self.tape).record(node, &table.name, "", &mut root)?;
        let id = root.id.ok_or_else(|| Error::internal("a record has no root row").at_table(&table.name))?;
        id.as_bytes()
            .try_into()
            .map_err(|_| Error::internal("a key hash has another length").at_table(&table.name))
    }

    /// Appends some rows of a table.
    fn table(
        &self,
        index: usize,
        rows: Range<u32>,
        batch: &mut BatchBuilder,
        target: &Targets,
        ids: &[TableIds],
    ) {
        let table = &self.plan.tables[index];
        let place = Place { base: batch.rows(), rows };
        let own = &ids[index];
        let is_root = |row: u32| table.is_root || table.links[row as usize].parent.0 == NONE;
        let has_link = |row: u32| !is_root(row) && !own.own.contains_key(&row);
        for (column, (plan, target)) in (0..).zip(table.columns.iter().zip(&target.columns)) {
            if *target == NONE {
                continue;
            }
            let builder = batch.column(*target as usize);
            // The engine's own columns: what it makes goes before what the data brought under their names.
            if column == table.id {
                place.rows.clone().for_each(|row| builder.push_text(own.text(row)));
            } else if column == table.load_id {
                self.fill(plan, builder, &place, ids, |row, builder| {
                    is_root(row).then(|| builder.push_text(&self.ctx.load_id)).is_some()
                });
            } else if column == table.parent_id {
                self.fill(plan, builder, &place, ids, |row, builder| {
                    let (parent, parent_row) = table.links[row as usize].parent;
                    has_link(row).then(|| builder.push_text(ids[parent as usize].text(parent_row))).is_some()
                });
            } else if column == table.list_index {
                self.fill(plan, builder, &place, ids, |row, builder| {
                    has_link(row)
                        .then(|| builder.push_int(i64::from(table.links[row as usize].index)))
                        .is_some()
                });
            } else {
                for cell in place.cells(plan) {
                    builder.pad(place.of(cell.row));
                    self.push(plan, cell.source, builder, ids);
                }
            }
        }
    }

    /// Fills a column row by row: with what `make` gives, else with the value of the data.
    fn fill(
        &self,
        plan: &ColumnPlan,
        builder: &mut ColumnBuilder,
        place: &Place,
        ids: &[TableIds],
        make: impl Fn(u32, &mut ColumnBuilder) -> bool,
    ) {
        let mut cells = place.cells(plan).iter().peekable();
        for row in place.rows.clone() {
            let cell = cells.next_if(|cell| cell.row == row);
            builder.pad(place.of(row));
            if !make(row, builder)
                && let Some(cell) = cell
            {
                self.push(plan, cell.source, builder, ids);
            }
        }
    }

    #[inline]
    fn push(&self, plan: &ColumnPlan, source: u32, builder: &mut ColumnBuilder, ids: &[TableIds]) {
        if let Some(converted) = plan.converted_of(source) {
            return match converted {
                Cell::RowId(table, row) => builder.push_text(ids[*table as usize].text(*row)),
                converted => builder.push_cell(converted),
            };
        }
        match self.tape.nodes[source as usize] {
            Node::String(text) => builder.push_text(text),
            Node::Static(StaticNode::I64(value)) => builder.push_int(value),
            Node::Static(StaticNode::U64(value)) => builder.push_int(value as i64),
            Node::Static(StaticNode::F64(value)) => builder.push_double(value),
            Node::Static(StaticNode::Bool(value)) => builder.push_int(i64::from(value)),
            Node::Object { .. } | Node::Array { .. } => {
                let mut text = String::new();
                write_compact(&mut text, self.tape, source);
                builder.push_text(&text);
            }
            Node::Static(_) => {}
        }
    }
}

impl ColumnPlan {
    fn converted_of(&self, source: u32) -> Option<&Cell> {
        (source & CONVERTED != 0).then(|| &self.converted[(source & !CONVERTED) as usize].0)
    }
}

impl Targets {
    fn update(&mut self, table: &TablePlan, batch: &BatchBuilder) {
        if self.plan_width == table.columns.len() && self.batch_width == batch.width() {
            return;
        }
        let find = |column: &ColumnPlan| batch.position(&column.name).map_or(NONE, |at| at as u32);
        self.columns = table.columns.iter().map(find).collect();
        self.plan_width = table.columns.len();
        self.batch_width = batch.width();
    }
}

/// Takes the id of the root row and nothing else.
struct RootId<'a, 't> {
    schema: &'a Schema,
    id_column: &'a str,
    id: Option<String>,
    tape: &'a Tape<'t>,
}

impl RowVisitor for RootId<'_, '_> {
    fn check(&mut self, _: &FlatRow, _: &KeptKeys) -> Result<KeptKeys> {
        Ok(KeptKeys::default())
    }

    fn take(&mut self, row: FlatRow) -> Result<bool> {
        if let Some(Scalar::Text(id)) = row.cells.get(self.id_column).map(|cell| cell.scalar(self.tape)) {
            self.id = Some(id.into_owned());
        }
        Ok(false)
    }

    fn schema(&self) -> &Schema {
        self.schema
    }
}
