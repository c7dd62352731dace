//! The columnar plan of one worker: for each place in a record, the column its values go to.
//!
//! The plan mirrors the schema. It is built lazily, as keys are met, and refreshed when the schema grew. Entries never
//! change their meaning: a column that is known stays what it is.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::context::Context;
use super::flatten::propagated;
use super::grow::{SchemaState, variant_name};
use super::physical::{Cell, Physical};
use super::row_filter::RowFilters;
use crate::json::NodePosition;
use crate::schema::{Column, ContractMode, Schema, Table};
use crate::value::DataType;

/// Index that stands for none.
pub(super) const NONE: u32 = u32::MAX;

/// The kind of JSON value that goes straight into a column, without conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepts {
    Text,
    Int,
    Double,
    Bool,
    /// Objects and lists, as they are.
    Json,
    /// Every value takes the slow path.
    Nothing,
}

/// One observed value: its row in the chunk, and its node or, with the highest bit, its converted cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    pub(super) row: u32,
    pub(super) source: u32,
}

/// Marks the source of an observed value as an index of converted cells.
pub(super) const CONVERTED: u32 = 1 << 31;

/// A column, the variants of it, and what this chunk holds for it.
#[derive(Debug)]
pub(super) struct ColumnPlan {
    pub(super) name: String,
    /// The complete definition; `None` while nothing is known.
    pub(super) column: Option<Column>,
    pub(super) physical: Physical,
    pub(super) accepts: Accepts,
    pub(super) takes_null: bool,
    pub(super) refused: Option<ContractMode>,
    pub(super) is_excluded: bool,
    /// Variant columns by the suffix of their name.
    pub(super) variants: Vec<(&'static str, u32)>,
    /// Whether a null was seen while the type was unknown.
    pub(super) saw_null: bool,
    /// Row that set the column last, to find two keys of one name.
    pub(super) stamp: u32,
    pub(super) cells: Vec<Observed>,
    /// Converted values and the nodes they come from.
    pub(super) converted: Vec<(Cell, NodePosition)>,
}

impl ColumnPlan {
    #[inline]
    pub(super) fn push_node(&mut self, row: u32, node: u32) {
        self.cells.push(Observed { row, source: node });
    }

    /// Adds a converted value; `node` is `NONE` if no node of the record holds it.
    pub(super) fn push_cell(&mut self, row: u32, cell: Cell, node: NodePosition) {
        if cell == Cell::Null {
            return;
        }
        self.cells.push(Observed { row, source: CONVERTED | self.converted.len() as u32 });
        self.converted.push((cell, node));
    }

    /// The node behind the value of the last row, if it has one.
    pub(super) fn node_of(&self, row: u32) -> Option<NodePosition> {
        self.node_behind(self.cells.last().filter(|cell| cell.row == row)?)
    }

    /// The node behind the value of any row, if it has one.
    pub(super) fn node_in(&self, row: u32) -> Option<NodePosition> {
        let at = self.cells.partition_point(|cell| cell.row < row);
        self.node_behind(self.cells.get(at).filter(|cell| cell.row == row)?)
    }

    /// The node behind a value of this column, if it has one.
    pub(super) fn node_behind(&self, cell: &Observed) -> Option<NodePosition> {
        match cell.source & CONVERTED {
            0 => Some(cell.source),
            _ => Some(self.converted[(cell.source & !CONVERTED) as usize].1).filter(|node| *node != NONE),
        }
    }

    /// Forgets what was observed from this row on.
    pub(super) fn truncate(&mut self, row: u32) {
        while self.cells.last().is_some_and(|cell| cell.row >= row) {
            self.cells.pop();
        }
        if self.stamp != NONE && self.stamp >= row {
            self.stamp = NONE;
        }
    }

    /// Forgets the chunk.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.converted.clear();
        self.stamp = NONE;
    }

    pub(super) fn is_known(&self) -> bool {
        self.column.is_some()
    }
}

/// Where a row hangs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// Table and row of the parent in this chunk; the table is `NONE` for the first row of a record.
    pub(super) parent: (u32, u32),
    /// Index in the parent's list, or in [`TablePlan::records`].
    pub(super) index: u32,
}

/// The first row of a record, or a row of a list that has a table of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordRow {
    pub(super) row: u32,
    /// Number of the record in the chunk.
    pub(super) ordinal: u32,
    pub(super) node: NodePosition,
}

/// A table, and what this chunk holds for it.
#[derive(Debug)]
pub(super) struct TablePlan {
    pub(super) name: String,
    pub(super) parent: Option<u32>,
    /// Whether the schema has the table.
    pub(super) is_known: bool,
    /// Whether rows are roots: no parent in the schema.
    pub(super) is_root: bool,
    pub(super) refused: Option<ContractMode>,
    pub(super) is_full: bool,
    pub(super) columns: Vec<ColumnPlan>,
    by_name: HashMap<String, u32>,
    pub(super) id: u32,
    pub(super) load_id: u32,
    pub(super) parent_id: u32,
    pub(super) list_index: u32,
    /// Columns whose values rows below inherit, and under which name.
    pub(super) propagates: Vec<(u32, String)>,
    /// Rows of this chunk.
    pub(super) rows: u32,
    /// For each row, where it hangs.
    pub(super) links: Vec<Link>,
    /// The rows whose ids may come from their content: all rows of a root table, else the first ones of records.
    pub(super) records: Vec<RecordRow>,
    /// Rows before the record at hand, and which record that is.
    pub(super) mark: (u32, u32),
}

/// A key of an object, and where its values go.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: Box<str>,
    pub(super) column: u32,
    /// The shape of objects here; `NONE` until one is met.
    pub(super) object: u32,
    /// The lists here; `NONE` until one is met.
    pub(super) list: u32,
    /// Whether objects and lists stay one JSON value.
    pub(super) keeps_nested: bool,
    /// The field that followed this one last time.
    pub(super) next: u32,
    /// The object in which an object or list stood here last; `NONE` for none.
    pub(super) nested_in: u32,
}

/// The keys that objects have at one place.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) table: u32,
    pub(super) level: i64,
    /// Normalized keys from the row to here.
    pub(super) path: Vec<String>,
    pub(super) fields: Vec<Field>,
    index: HashMap<Box<str>, u32>,
    /// The shape at the top of the row.
    pub(super) top: u32,
    /// The list whose elements have this shape; `NONE` for records.
    list: u32,
    /// Lists of the row by path; only used at the top.
    lists: HashMap<Vec<String>, u32>,
    pub(super) first: u32,
}

/// The lists at one place.
#[derive(Debug)]
pub(super) struct ListShape {
    pub(super) table: u32,
    pub(super) level: i64,
    pub(super) parts: Vec<String>,
    /// Shape of elements that are objects.
    pub(super) element: u32,
    /// Shape of the rows that stand for elements that are lists; `NONE` until one is met.
    pub(super) wrapper: u32,
    /// Column of elements that are neither.
    pub(super) value: u32,
}

/// All tables, shapes and lists that this worker met.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) tables: Vec<TablePlan>,
    by_name: HashMap<String, u32>,
    pub(super) shapes: Vec<Shape>,
    pub(super) lists: Vec<ListShape>,
    roots: HashMap<String, u32>,
    /// Tables that lists of several tables come to, and those.
    pub(super) parents: BTreeMap<String, BTreeSet<String>>,
    /// How many of the schema's changes the plan has followed.
    followed: usize,
}

/// What the plan is built from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) ctx: &'a Context,
    pub(super) filters: &'a RowFilters,
    /// The schema at the start of the run.
    pub(super) start: &'a Schema,
    pub(super) state: &'a SchemaState,
}

impl Plan {
    /// The shape of the records of a root table.
    pub(super) fn root(&mut self, from: Sources<'_>, table: &str) -> u32 {
        if let Some(&shape) = self.roots.get(table) {
            return shape;
        }
        let level = from.ctx.nesting_budget(from.start, from.start.table(table));
        let table_index = self.table(from, table, None);
        let shape = self.row_shape(table_index, level, NONE);
        self.roots.insert(table.to_owned(), shape);
        shape
    }

    fn row_shape(&mut self, table: u32, level: i64, list: u32) -> u32 {
        let top = self.shapes.len() as u32;
        self.shapes.push(Shape {
            table,
            level,
            path: Vec::new(),
            fields: Vec::new(),
            index: HashMap::new(),
            top,
            list,
            lists: HashMap::new(),
            first: NONE,
        });
        top
    }

    /// The table of a name; adds it to the plan, known or not.
    pub(super) fn table(&mut self, from: Sources<'_>, name: &str, parent: Option<u32>) -> u32 {
        if let Some(&table) = self.by_name.get(name) {
            self.note_parent(table, parent);
            return table;
        }
        let index = self.tables.len() as u32;
        let mut table = TablePlan {
            name: name.to_owned(),
            parent,
            is_known: false,
            is_root: parent.is_none(),
            refused: None,
            is_full: false,
            columns: Vec::new(),
            by_name: HashMap::new(),
            id: NONE,
            load_id: NONE,
            parent_id: NONE,
            list_index: NONE,
            propagates: Vec::new(),
            rows: 0,
            links: Vec::new(),
            records: Vec::new(),
            mark: (NONE, 0),
        };
        let names = &from.ctx.names;
        table.id = table.column(from, &names.id);
        table.load_id = table.column(from, &names.load_id);
        table.parent_id = table.column(from, &names.parent_id);
        table.list_index = table.column(from, &names.list_index);
        table.refresh(from);
        let propagated = propagated(from.start, name, table.is_root);
        table.propagates =
            propagated.into_iter().map(|(column, to)| (table.column(from, &column), to)).collect();
        let known = from.state.schema.table(name).and_then(|table| table.parent.clone());
        self.tables.push(table);
        self.by_name.insert(name.to_owned(), index);
        if let (Some(known), Some(parent)) = (known, parent) {
            self.note_parents(name, known, self.tables[parent as usize].name.clone());
        }
        index
    }

    /// Notes that lists of several tables come to one.
    fn note_parent(&mut self, table: u32, parent: Option<u32>) {
        let known = &self.tables[table as usize];
        if let (Some(first), Some(parent)) = (known.parent, parent)
            && first != parent
        {
            let (name, first) = (known.name.clone(), self.tables[first as usize].name.clone());
            self.note_parents(&name, first, self.tables[parent as usize].name.clone());
        }
    }

    fn note_parents(&mut self, table: &str, one: String, other: String) {
        if one != other {
            self.parents.entry(table.to_owned()).or_default().extend([one, other]);
        }
    }

    /// The lists under a key of an object: adds them when they are met first.
    pub(super) fn list(&mut self, from: Sources<'_>, shape: u32, key: &str, is_wrapper: bool) -> u32 {
        let Shape { table, top, .. } = self.shapes[shape as usize];
        let mut path = self.shapes[shape as usize].path.clone();
        path.push(if is_wrapper { from.ctx.names.list.clone() } else { from.ctx.table_key(key) });
        if let Some(&list) = self.shapes[top as usize].lists.get(&path) {
            return list;
        }
        let mut parts = self.row_parts(top);
        parts.extend(path.iter().cloned());
        let level = self.shapes[top as usize].level - 1;
        let name = from.ctx.join(&parts);
        let child = self.table(from, &name, Some(table));
        let list = self.lists.len() as u32;
        let element = self.row_shape(child, level, list);
        let value = self.tables[child as usize].column(from, &from.ctx.names.value);
        self.lists.push(ListShape { table: child, level, parts, element, wrapper: NONE, value });
        self.shapes[top as usize].lists.insert(path, list);
        list
    }

    /// The parts of the table name of a row shape.
    fn row_parts(&self, top: u32) -> Vec<String> {
        let shape = &self.shapes[top as usize];
        match self.lists.get(shape.list as usize) {
            Some(list) => list.parts.clone(),
            None => vec![self.tables[shape.table as usize].name.clone()],
        }
    }

    /// The shape of the rows that stand for lists in a list.
    pub(super) fn wrapper(&mut self, list: u32) -> u32 {
        let ListShape { table, level, wrapper, .. } = self.lists[list as usize];
        if wrapper != NONE {
            return wrapper;
        }
        let shape = self.row_shape(table, level - 1, list);
        self.lists[list as usize].wrapper = shape;
        shape
    }

    /// The shape of the objects under a field.
    pub(super) fn object(&mut self, from: Sources<'_>, shape: u32, field: u32) -> u32 {
        let known = self.shapes[shape as usize].fields[field as usize].object;
        if known != NONE {
            return known;
        }
        let parent = &self.shapes[shape as usize];
        let mut path = parent.path.clone();
        path.push(from.ctx.column_key(&parent.fields[field as usize].key));
        let child = Shape {
            table: parent.table,
            level: parent.level - 1,
            path,
            fields: Vec::new(),
            index: HashMap::new(),
            top: parent.top,
            list: parent.list,
            lists: HashMap::new(),
            first: NONE,
        };
        let index = self.shapes.len() as u32;
        self.shapes.push(child);
        self.shapes[shape as usize].fields[field as usize].object = index;
        index
    }

    /// The name of the column that a key of this shape has.
    pub(super) fn column_name(&self, ctx: &Context, shape: u32, key: &str) -> String {
        let mut path = self.shapes[shape as usize].path.clone();
        path.push(ctx.column_key(key));
        ctx.join(&path)
    }

    /// Adds a key to a shape.
    pub(super) fn add_field(&mut self, from: Sources<'_>, shape: u32, key: &str) -> u32 {
        let name = self.column_name(from.ctx, shape, key);
        let Shape { table, level, .. } = self.shapes[shape as usize];
        let table = &mut self.tables[table as usize];
        let keeps_nested = from.ctx.keeps_nested(from.start, &table.name, &name, level);
        let column = table.column(from, &name);
        let shape = &mut self.shapes[shape as usize];
        let field = shape.fields.len() as u32;
        shape.fields.push(Field {
            key: key.into(),
            column,
            object: NONE,
            list: NONE,
            keeps_nested,
            next: NONE,
            nested_in: NONE,
        });
        shape.index.insert(key.into(), field);
        field
    }

    /// Brings everything that was unknown up to date with a schema that grew.
    pub(super) fn refresh(&mut self, from: Sources<'_>) {
        let changes = from.state.changes();
        let fresh = changes.get(self.followed..).unwrap_or(changes).iter();
        let mut changed: Vec<u32> = fresh.filter_map(|table| self.by_name.get(&**table).copied()).collect();
        changed.sort_unstable();
        changed.dedup();
        changed.into_iter().for_each(|table| self.tables[table as usize].refresh(from));
        self.followed = changes.len();
    }

    /// Forgets the chunk.
    pub(super) fn clear(&mut self) {
        for table in &mut self.tables {
            table.rows = 0;
            table.links.clear();
            table.records.clear();
            table.mark = (NONE, 0);
            table.columns.iter_mut().for_each(ColumnPlan::clear);
        }
    }
}

impl Shape {
    /// The field of a key: first the one that followed `previous` last time, then by hash.
    #[inline]
    pub(super) fn find(&mut self, previous: u32, key: &str) -> Option<u32> {
        let guess = match self.fields.get(previous as usize) {
            Some(field) => field.next,
            None => self.first,
        };
        if let Some(field) = self.fields.get(guess as usize)
            && *field.key == *key
        {
            return Some(guess);
        }
        let found = *self.index.get(key)?;
        match self.fields.get_mut(previous as usize) {
            Some(field) => field.next = found,
            None => self.first = found,
        }
        Some(found)
    }
}

impl TablePlan {
    /// The place of a column, if the plan has one of this name.
    pub(super) fn place_of(&self, column: &str) -> Option<u32> {
        self.by_name.get(column).copied()
    }

    /// The column of a name; adds it, known or not.
    pub(super) fn column(&mut self, from: Sources<'_>, name: &str) -> u32 {
        if let Some(&column) = self.by_name.get(name) {
            return column;
        }
        let index = self.columns.len() as u32;
        let mut column = ColumnPlan {
            name: name.to_owned(),
            column: None,
            physical: Physical::Text,
            accepts: Accepts::Nothing,
            takes_null: takes_null(from.ctx, name),
            refused: None,
            is_excluded: from.filters.excludes(&self.name, name),
            variants: Vec::new(),
            saw_null: false,
            stamp: NONE,
            cells: Vec::new(),
            converted: Vec::new(),
        };
        column.resolve(from, from.state.schema.table(&self.name), &self.name);
        self.columns.push(column);
        self.by_name.insert(name.to_owned(), index);
        index
    }

    /// The variant of a column with this suffix; adds it to the plan, known or not.
    pub(super) fn variant(&mut self, from: Sources<'_>, column: u32, suffix: &'static str) -> u32 {
        let known = &self.columns[column as usize];
        if let Some((_, variant)) = known.variants.iter().find(|(known, _)| *known == suffix) {
            return *variant;
        }
        let mut name = variant_name(from.ctx, &known.name, suffix);
        if suffix == DataType::Json.as_str() {
            let old = variant_name(from.ctx, &known.name, "complex");
            let table = from.state.schema.table(&self.name);
            if table.and_then(|table| table.columns.get(&old)).is_some_and(Column::is_variant) {
                name = old;
            }
        }
        let variant = self.column(from, &name);
        self.columns[column as usize].variants.push((suffix, variant));
        variant
    }

    fn refresh(&mut self, from: Sources<'_>) {
        let table = from.state.schema.table(&self.name);
        self.is_known = table.is_some();
        self.is_root = table.map_or(self.parent.is_none(), |table| !table.is_nested());
        self.refused = from.state.refused_tables.get(&self.name).copied();
        self.is_full = from.state.full_tables.contains_key(&self.name);
        // A column that refuses nulls may have come to take them.
        for column in self.columns.iter_mut().filter(|column| !column.is_known() || !column.takes_null) {
            column.resolve(from, table, &self.name);
        }
    }

    /// Forgets the rows from this one on.
    pub(super) fn truncate(&mut self, row: u32) {
        self.rows = row;
        self.links.truncate(row as usize);
        while self.records.last().is_some_and(|record| record.row >= row) {
            self.records.pop();
        }
        for column in &mut self.columns {
            column.truncate(row);
        }
    }
}

impl ColumnPlan {
    fn resolve(&mut self, from: Sources<'_>, definition: Option<&Table>, table: &str) {
        let known = definition.and_then(|table| table.columns.get(&self.name));
        if let Some(column) = known.filter(|column| column.is_complete()) {
            self.physical = Physical::of(column, &from.ctx.types);
            self.accepts = match self.physical {
                Physical::Text => Accepts::Text,
                Physical::Int(64) => Accepts::Int,
                Physical::Double => Accepts::Double,
                Physical::Bool => Accepts::Bool,
                Physical::Json => Accepts::Json,
                _ => Accepts::Nothing,
            };
            self.takes_null = is_filled(from.ctx, &self.name) || column.is_nullable();
            self.column = Some(column.clone());
        }
        if self.is_excluded {
            self.accepts = Accepts::Nothing;
        }
        if !from.state.refused_columns.is_empty() {
            let key = (table.to_owned(), self.name.clone());
            self.refused = from.state.refused_columns.get(&key).copied();
        }
    }
}

/// Whether the engine fills a column where the data has nothing.
fn is_filled(ctx: &Context, column: &str) -> bool {
    let names = &ctx.names;
    [&names.id, &names.load_id, &names.parent_id, &names.list_index].iter().any(|name| *name == column)
}

/// Whether nulls may stand under a name of which nothing else is known.
fn takes_null(ctx: &Context, column: &str) -> bool {
    is_filled(ctx, column) || !ctx.rules.is_not_null(column)
}
