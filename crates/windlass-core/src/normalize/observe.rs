//! The columnar walk over a chunk: each value is noted under the column it goes to.
//!
//! A record that brings something unknown is undone, the schema grows by it, and it is walked again. Everything else
//! costs one comparison of the key, one of the kind, and one push.

use super::collisions::{LostValue, count_lost};
use super::flatten::truthy_text;
use super::grow::{Discarded, fit, fit_variant, new_column, null_error, variant_of};
use super::names_below::NamesBelow;
use super::physical::Cell;
use super::plan::{Accepts, ColumnPlan, Link, NONE, Plan, RecordRow, Shape, Sources};
use crate::error::Error;
use crate::json::{Node, NodePosition, StaticNode, Tape};
use crate::schema::{Column, ContractMode};
use crate::value::{DataType, Scalar, parse_timestamp};

/// Why the walk over a record stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// It brings something that the plan does not know.
    Novel,
    /// Two of its keys have one name, or its table has no room for one; the definition says what counts.
    Ambiguous,
    /// A contract refuses the row.
    DropRow,
    /// The data cannot be loaded.
    Failed(Error),
}

type Step<T = ()> = Result<T, Stop>;

/// What the rows of a record inherit: a column name and where its value is.
#[derive(Clone, Debug)]
struct Inherited {
    name: String,
    value: InheritedValue,
}

#[derive(Clone, Debug)]
enum InheritedValue {
    Node(NodePosition),
    RowId(u32, u32),
    LoadId,
    Index(u32),
}

/// Walks the records of a chunk.
pub(super) struct Observer<'p, 't> {
    pub(super) plan: &'p mut Plan,
    pub(super) from: Sources<'p>,
    pub(super) tape: &'p Tape<'t>,
    pub(super) discarded: &'p mut Discarded,
    /// Reused stacks.
    pub(super) memory: &'p mut ObserverMemory,
}

/// Memory that is kept from record to record.
#[derive(Debug, Default)]
pub(super) struct ObserverMemory {
    objects: Vec<(NodePosition, u32)>,
    lists: Vec<(u32, NodePosition)>,
    inherited: Vec<Inherited>,
    /// Discards of the record at hand: table, and whether a row or a value.
    discards: Vec<(u32, bool)>,
    /// Values of the record at hand that others took the place of: table and names.
    lost: Vec<(u32, LostValue)>,
    /// The tables that the record at hand has rows in.
    touched: Vec<u32>,
    record: u32,
    /// What full tables have already.
    pub(super) names: NamesBelow,
    /// Objects that were looked at, so that each has a number of its own.
    visits: u32,
}

#[derive(Clone, Copy)]
enum Item {
    Object(NodePosition),
    /// A list in a list.
    List(NodePosition),
    /// An element that is neither object nor list, and its column.
    Value(u32, NodePosition),
    /// A record that is not an object.
    Record(NodePosition),
}

impl Observer<'_, '_> {
    /// Walks one record. On any stop the record leaves no trace.
    pub(super) fn record(&mut self, root: u32, item: NodePosition, ordinal: u32) -> Step {
        self.begin();
        let table = self.plan.shapes[root as usize].table;
        let item = if self.tape.is_object(item) { Item::Object(item) } else { Item::Record(item) };
        let result = self.row(item, root, table, None, ordinal);
        self.settle(result)
    }

    /// Begins a record: nothing of it is noted yet.
    pub(super) fn begin(&mut self) {
        // Never the mark that means none.
        self.memory.record = (self.memory.record + 1) % NONE;
        self.memory.objects.clear();
        self.memory.lists.clear();
        self.memory.inherited.clear();
        self.memory.discards.clear();
        self.memory.lost.clear();
        self.memory.touched.clear();
    }

    /// Ends a record: counts what it left out, or takes everything back.
    pub(super) fn settle(&mut self, result: Step) -> Step {
        match result {
            Ok(()) => {
                for (table, is_row) in self.memory.discards.drain(..) {
                    let name = &self.plan.tables[table as usize].name;
                    let counts = if is_row { &mut self.discarded.rows } else { &mut self.discarded.values };
                    *counts.entry(name.clone()).or_default() += 1;
                }
                for (table, lost) in self.memory.lost.drain(..) {
                    let name = &self.plan.tables[table as usize].name;
                    count_lost(&mut self.discarded.overwritten, name, lost, 1);
                }
                Ok(())
            }
            Err(stop) => {
                for table in self.memory.touched.drain(..) {
                    let table = &mut self.plan.tables[table as usize];
                    table.truncate(table.mark.1);
                }
                Err(stop)
            }
        }
    }

    fn row(&mut self, item: Item, shape: u32, table: u32, link: Option<Link>, ordinal: u32) -> Step {
        let (Item::Object(node) | Item::List(node) | Item::Value(_, node) | Item::Record(node)) = item;
        let Some(row) = self.begin_row(table)? else { return Ok(()) };
        let lists = self.memory.lists.len();
        match self.cells(item, shape, table, row, link) {
            Ok(()) => {}
            Err(Stop::DropRow) => {
                self.memory.lists.truncate(lists);
                self.drop_row(table, row);
                return Ok(());
            }
            Err(stop) => return Err(stop),
        }
        self.end_row(table, row, link, ordinal, node);
        if self.memory.lists.len() == lists {
            return Ok(());
        }
        let inherited = self.memory.inherited.len();
        let replaced = self.inherit(table, row, link);
        for at in lists..self.memory.lists.len() {
            let (list, position) = self.memory.lists[at];
            self.list(list, position, (table, row), ordinal)?;
        }
        self.memory.lists.truncate(lists);
        self.memory.inherited.truncate(inherited);
        for (at, value) in replaced {
            self.memory.inherited[at].value = value;
        }
        Ok(())
    }

    /// The number of the next row of a table; `None` if the table is refused.
    pub(super) fn begin_row(&mut self, table: u32) -> Step<Option<u32>> {
        let plan = &mut self.plan.tables[table as usize];
        if plan.refused.is_some() {
            self.memory.discards.push((table, true));
            return Ok(None);
        }
        if !plan.is_known {
            return Err(Stop::Novel);
        }
        if plan.mark.0 != self.memory.record {
            plan.mark = (self.memory.record, plan.rows);
            self.memory.touched.push(table);
        }
        Ok(Some(plan.rows))
    }

    /// Counts a row whose values are noted.
    pub(super) fn end_row(
        &mut self,
        table: u32,
        row: u32,
        link: Option<Link>,
        ordinal: u32,
        node: NodePosition,
    ) {
        let plan = &mut self.plan.tables[table as usize];
        plan.rows = row + 1;
        plan.links.push(link.unwrap_or(Link { parent: (NONE, 0), index: plan.records.len() as u32 }));
        if link.is_none() || plan.is_root {
            plan.records.push(RecordRow { row, ordinal, node });
        }
    }

    /// Takes back a row that a contract refuses.
    pub(super) fn drop_row(&mut self, table: u32, row: u32) {
        self.plan.tables[table as usize].truncate(row);
        self.memory.discards.push((table, true));
    }

    /// Counts values that a contract refuses.
    pub(super) fn drop_values(&mut self, table: u32, count: usize) {
        self.memory.discards.extend(std::iter::repeat_n((table, false), count));
    }

    /// Notes values that others of the record took the place of.
    pub(super) fn lose(&mut self, table: u32, lost: Vec<LostValue>) {
        self.memory.lost.extend(lost.into_iter().map(|lost| (table, lost)));
    }

    fn list(&mut self, list: u32, position: NodePosition, parent: (u32, u32), ordinal: u32) -> Step {
        let Node::Array { len, .. } = self.tape.nodes[position as usize] else { return Ok(()) };
        let (table, element) = {
            let shape = &self.plan.lists[list as usize];
            (shape.table, shape.element)
        };
        let mut at = position + 1;
        for index in 0..len as u32 {
            let link = Some(Link { parent, index });
            match self.tape.nodes[at as usize] {
                Node::Object { .. } => self.row(Item::Object(at), element, table, link, ordinal)?,
                Node::Array { .. } => {
                    let wrapper = self.plan.wrapper(list);
                    self.row(Item::List(at), wrapper, table, link, ordinal)?;
                }
                _ => {
                    let column = self.plan.lists[list as usize].value;
                    self.row(Item::Value(column, at), element, table, link, ordinal)?;
                }
            }
            at = self.tape.next(at);
        }
        Ok(())
    }

    /// Notes what the rows below this one inherit from it; gives what it took the place of, for the rows beside it.
    fn inherit(&mut self, table: u32, row: u32, link: Option<Link>) -> Vec<(usize, InheritedValue)> {
        let plan = &self.plan.tables[table as usize];
        let mut replaced = Vec::new();
        for (column, to) in &plan.propagates {
            let column_plan = &plan.columns[*column as usize];
            let value = if let Some(node) = column_plan.node_of(row) {
                InheritedValue::Node(node)
            } else if *column == plan.id {
                InheritedValue::RowId(table, row)
            } else if *column == plan.load_id && plan.is_root {
                InheritedValue::LoadId
            } else if let Some(link) = link.filter(|_| !plan.is_root && *column == plan.parent_id) {
                InheritedValue::RowId(link.parent.0, link.parent.1)
            } else if let Some(link) = link.filter(|_| !plan.is_root && *column == plan.list_index) {
                InheritedValue::Index(link.index)
            } else {
                continue;
            };
            match self.memory.inherited.iter_mut().enumerate().find(|(_, known)| known.name == *to) {
                Some((at, known)) => replaced.push((at, std::mem::replace(&mut known.value, value))),
                None => self.memory.inherited.push(Inherited { name: to.clone(), value }),
            }
        }
        replaced
    }

    /// Notes the values of one row, in the order in which the reference would meet them.
    fn cells(&mut self, item: Item, shape: u32, table: u32, row: u32, link: Option<Link>) -> Step {
        let lists = self.memory.lists.len();
        match item {
            Item::Object(position) => self.object(position, shape, table, row, lists)?,
            Item::Value(column, position) => self.value(table, column, row, position)?,
            Item::List(position) => self.wrapped("list", position, shape, table, row, lists)?,
            Item::Record(position) => self.wrapped("value", position, shape, table, row, lists)?,
        }
        for at in 0..self.memory.inherited.len() {
            self.inherited_cell(at, table, row)?;
        }
        self.system_columns(table, row, link.is_some())
    }

    fn object(&mut self, position: NodePosition, shape: u32, table: u32, row: u32, lists: usize) -> Step {
        let objects = self.memory.objects.len();
        self.memory.objects.push((position, shape));
        while self.memory.objects.len() > objects {
            let Some((position, shape)) = self.memory.objects.pop() else { break };
            if let Err(stop) = self.members(position, shape, table, row, lists) {
                self.memory.objects.truncate(objects);
                return Err(stop);
            }
        }
        Ok(())
    }

    fn members(&mut self, position: NodePosition, shape: u32, table: u32, row: u32, lists: usize) -> Step {
        let tape = self.tape;
        let Node::Object { len, .. } = tape.nodes[position as usize] else { return Ok(()) };
        let mut at = position + 1;
        let mut previous = NONE;
        self.memory.visits = self.memory.visits.wrapping_add(1);
        let visit = self.memory.visits;
        for _ in 0..len {
            let Node::String(key) = tape.nodes[at as usize] else { return Err(Stop::Novel) };
            let value = at + 1;
            at = tape.next(value);
            let field = match self.plan.shapes[shape as usize].find(previous, key) {
                Some(field) => field,
                None => self.field(shape, key)?,
            };
            previous = field;
            let entry = &mut self.plan.shapes[shape as usize].fields[field as usize];
            // Of a key that is there twice the last counts, which is for who sees the whole object to say.
            if entry.nested_in == visit {
                return Err(Stop::Ambiguous);
            }
            let is_nested = matches!(tape.nodes[value as usize], Node::Object { .. } | Node::Array { .. });
            if is_nested && !entry.keeps_nested {
                entry.nested_in = visit;
                if self.plan.tables[table as usize].columns[entry.column as usize].stamp == row {
                    return Err(Stop::Ambiguous);
                }
            }
            let entry = &self.plan.shapes[shape as usize].fields[field as usize];
            match tape.nodes[value as usize] {
                Node::Object { .. } if !entry.keeps_nested => {
                    let object = match entry.object {
                        NONE => self.plan.object(self.from, shape, field),
                        object => object,
                    };
                    self.memory.objects.push((value, object));
                }
                Node::Array { .. } if !entry.keeps_nested => {
                    let list = match entry.list {
                        NONE => self.add_list(shape, field, key, false)?,
                        list => list,
                    };
                    self.note_list(list, value, lists)?;
                }
                _ => self.value(table, entry.column, row, value)?,
            }
        }
        Ok(())
    }

    /// One value under a key of the engine: a list in a list, or a record that is no object.
    fn wrapped(
        &mut self,
        key: &'static str,
        position: NodePosition,
        shape: u32,
        table: u32,
        row: u32,
        lists: usize,
    ) -> Step {
        let field = match self.plan.shapes[shape as usize].find(NONE, key) {
            Some(field) => field,
            None => self.plan.add_field(self.from, shape, key),
        };
        let entry = &self.plan.shapes[shape as usize].fields[field as usize];
        match self.tape.nodes[position as usize] {
            Node::Array { .. } if !entry.keeps_nested => {
                let list = match entry.list {
                    NONE => self.add_list(shape, field, key, key == "list")?,
                    list => list,
                };
                self.note_list(list, position, lists)
            }
            _ => self.value(table, entry.column, row, position),
        }
    }

    /// Remembers a list for when the row is done. What two lists of one name mean is for the definition to say.
    fn note_list(&mut self, list: u32, position: NodePosition, from: usize) -> Step {
        if self.memory.lists[from..].iter().any(|(known, _)| *known == list) {
            return Err(Stop::Ambiguous);
        }
        self.memory.lists.push((list, position));
        Ok(())
    }

    fn add_list(&mut self, shape: u32, field: u32, key: &str, is_wrapper: bool) -> Step<u32> {
        let list = self.plan.list(self.from, shape, key, is_wrapper);
        let table = &self.plan.tables[self.plan.lists[list as usize].table as usize].name;
        self.from.ctx.check_list_table(table).map_err(Stop::Failed)?;
        self.plan.shapes[shape as usize].fields[field as usize].list = list;
        Ok(list)
    }

    /// A key that is met for the first time at this place.
    #[cold]
    fn field(&mut self, shape: u32, key: &str) -> Step<u32> {
        let table = &self.plan.tables[self.plan.shapes[shape as usize].table as usize];
        if table.is_full && !self.has_room(shape, key) {
            return Err(Stop::Ambiguous);
        }
        Ok(self.plan.add_field(self.from, shape, key))
    }

    /// Whether a full table knows the key already, so that nothing needs to be added for it.
    fn has_room(&mut self, shape: u32, key: &str) -> bool {
        let name = self.plan.column_name(self.from.ctx, shape, key);
        let Shape { table, top, .. } = self.plan.shapes[shape as usize];
        let table = &self.plan.tables[table as usize].name;
        let (ctx, schema) = (self.from.ctx, &self.from.state.schema);
        let column = schema.table(table).and_then(|table| table.columns.get(&name));
        column.is_some_and(Column::is_complete)
            || (top == shape && self.memory.names.has_any(ctx, schema, table, key))
    }

    /// Notes one value of the record under its column.
    #[inline]
    fn value(&mut self, table: u32, column: u32, row: u32, position: NodePosition) -> Step {
        let plan = &mut self.plan.tables[table as usize].columns[column as usize];
        let node = &self.tape.nodes[position as usize];
        if plan.stamp == row {
            return Err(Stop::Ambiguous);
        }
        plan.stamp = row;
        let fast = match node {
            Node::String(text) => {
                // Every tag begins with this byte.
                let may_be_typed = self.tape.is_typed && text.as_bytes().first() == Some(&0xef);
                plan.accepts == Accepts::Text && !may_be_typed
            }
            Node::Static(StaticNode::I64(_)) => plan.accepts == Accepts::Int,
            // The parser calls every number without a sign unsigned.
            Node::Static(StaticNode::U64(value)) => plan.accepts == Accepts::Int && *value <= i64::MAX as u64,
            Node::Static(StaticNode::F64(_)) => plan.accepts == Accepts::Double,
            Node::Static(StaticNode::Bool(_)) => plan.accepts == Accepts::Bool,
            Node::Object { .. } | Node::Array { .. } => plan.accepts == Accepts::Json,
            Node::Static(StaticNode::Null) if plan.takes_null => {
                plan.saw_null = true;
                return Ok(());
            }
            _ => false,
        };
        if fast {
            plan.push_node(row, position);
            return Ok(());
        }
        self.slow_value(table, column, row, position)
    }

    fn slow_value(&mut self, table: u32, column: u32, row: u32, position: NodePosition) -> Step {
        let plan = &mut self.plan.tables[table as usize].columns[column as usize];
        let known = plan.column.as_ref().map(|column| column.data_type);
        // ISO strings in timestamp columns are as common as numbers in number columns.
        if let (Some(Some(DataType::Timestamp)), Node::String(text)) =
            (known, self.tape.nodes[position as usize])
            && plan.refused.is_none()
            && !plan.is_excluded
            && !self.from.ctx.refuses_coercion
            && self.from.ctx.conversion.is_free(&plan.name)
            && let Some(timestamp) = parse_timestamp(text)
            && let Some(cell) = plan.physical.cell(Scalar::Timestamp(timestamp))
        {
            plan.push_cell(row, cell, position);
            return Ok(());
        }
        self.scalar(table, column, row, &self.tape.scalar(position), position)
    }

    /// Notes a decoded value: converted, in a variant, or not at all.
    pub(super) fn scalar(
        &mut self,
        table: u32,
        column: u32,
        row: u32,
        value: &Scalar<'_>,
        node: NodePosition,
    ) -> Step {
        let from = self.from;
        let literal = self.tape.literal(node);
        let tables = &mut self.plan.tables[table as usize];
        let plan = &mut tables.columns[column as usize];
        if plan.is_excluded {
            return Ok(());
        }
        let Some(own_type) = value.data_type() else {
            plan.saw_null = true;
            return if plan.takes_null {
                Ok(())
            } else {
                Err(Stop::Failed(
                    null_error().at_table(&tables.name).at_column(&tables.columns[column as usize].name),
                ))
            };
        };
        match plan.refused {
            Some(ContractMode::DiscardRow) => return Err(Stop::DropRow),
            Some(_) => {
                self.memory.discards.push((table, false));
                return Ok(());
            }
            None => {}
        }
        match &plan.column {
            Some(definition) => {
                if let Some(cell) = fit(from.ctx, definition, value, literal) {
                    plan.push_cell(row, cell, node);
                    return Ok(());
                }
            }
            None => {
                let hints =
                    from.state.schema.table(&tables.name).and_then(|table| table.columns.get(&plan.name));
                if new_column(from.ctx, &plan.name, hints, value, literal).is_some() {
                    return Err(Stop::Novel);
                }
            }
        }
        let (value, suffix, as_text) = variant_of(from.ctx, plan.column.as_ref(), (own_type, value), literal);
        let variant = tables.variant(from, column, suffix);
        let plan = &mut tables.columns[variant as usize];
        match &plan.column {
            None if plan.refused.is_none() && !plan.is_excluded => return Err(Stop::Novel),
            Some(definition) => {
                if let Some(cell) = fit_variant(from.ctx, definition, &value, as_text) {
                    let is_taken = plan.stamp == row;
                    plan.truncate(row);
                    plan.stamp = row;
                    plan.push_cell(row, cell, node);
                    if is_taken {
                        let (name, kept) = (plan.name.clone(), tables.columns[column as usize].name.clone());
                        self.lose(table, vec![LostValue { lost: name.clone(), name, kept }]);
                    }
                    return Ok(());
                }
            }
            None => {}
        }
        self.scalar(table, variant, row, &value, node)
    }

    /// Makes a column ready for the record's own value under its name, should the variant of another have taken it.
    pub(super) fn take_over(&mut self, table: u32, column: u32, row: u32) {
        let tables = &mut self.plan.tables[table as usize];
        let plan = &mut tables.columns[column as usize];
        let is_taken = plan.stamp == row;
        if is_taken {
            plan.truncate(row);
        }
        plan.stamp = row;
        if is_taken {
            let name = plan.name.clone();
            let is_of = |other: &&ColumnPlan| other.variants.iter().any(|(_, variant)| *variant == column);
            let lost =
                tables.columns.iter().find(is_of).map_or_else(|| name.clone(), |other| other.name.clone());
            self.lose(table, vec![LostValue { lost, kept: name.clone(), name }]);
        }
    }

    fn inherited_cell(&mut self, at: usize, table: u32, row: u32) -> Step {
        let Inherited { name, value } = self.memory.inherited[at].clone();
        let column = self.plan.tables[table as usize].column(self.from, &name);
        match value {
            InheritedValue::Node(position) => self.value(table, column, row, position),
            InheritedValue::Index(index) => {
                self.scalar(table, column, row, &Scalar::Int(i64::from(index)), NONE)
            }
            InheritedValue::LoadId => {
                let load_id = self.from.ctx.load_id.clone();
                self.scalar(table, column, row, &Scalar::Text(load_id.into()), NONE)
            }
            InheritedValue::RowId(of_table, of_row) => {
                let plan = &mut self.plan.tables[table as usize].columns[column as usize];
                if plan.accepts != Accepts::Text {
                    return Err(if plan.is_known() { not_text(&name) } else { Stop::Novel });
                }
                if plan.stamp == row {
                    return Err(Stop::Ambiguous);
                }
                plan.stamp = row;
                plan.push_cell(row, Cell::RowId(of_table, of_row), NONE);
                Ok(())
            }
        }
    }

    /// Checks that the columns which the engine fills exist, and takes the engine's names away from the data.
    #[inline]
    pub(super) fn system_columns(&mut self, table: u32, row: u32, is_nested: bool) -> Step {
        let plan = &mut self.plan.tables[table as usize];
        let is_root = plan.is_root || !is_nested;
        let mut needed = [plan.id, plan.load_id, NONE];
        if is_root {
            plan.columns[plan.load_id as usize].truncate(row);
        }
        if plan.columns[plan.id as usize].stamp == row {
            // The data brings its own id; then it also brings its own links, or none.
            let own = plan.columns[plan.id as usize].node_of(row);
            match own.and_then(|node| truthy_text(&self.tape.scalar(node))) {
                Some(_) => needed[0] = NONE,
                None => plan.columns[plan.id as usize].truncate(row),
            }
        }
        if !is_root {
            needed[1] = NONE;
            if needed[0] != NONE {
                needed[1] = plan.parent_id;
                needed[2] = plan.list_index;
                plan.columns[plan.parent_id as usize].truncate(row);
                plan.columns[plan.list_index as usize].truncate(row);
            }
        }
        let is_ready = needed.iter().all(|&column| {
            column == NONE
                || plan.columns[column as usize].is_known()
                || plan.columns[column as usize].is_excluded
        });
        if is_ready { Ok(()) } else { Err(Stop::Novel) }
    }
}

fn not_text(column: &str) -> Stop {
    Stop::Failed(Error::data("row ids need a text column").at_column(column))
}
