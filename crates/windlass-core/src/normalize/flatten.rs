//! One record to its rows, exactly as the reference does it, value by value.
//!
//! This is the definition of what a record becomes: the order of columns and rows, which duplicate wins, what stays
//! nested. It runs for the first record that brings something new; all others take the columnar path of
//! [`observe`](super::observe), which must come to the same rows.

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

use super::collisions::{Collisions, LostValue, keys_collide};
use super::context::{Context, RowIdKind};
use super::row_id::{child_id, content_id, key_id};
use crate::error::{Code, Error, Result};
use crate::json::{NodePosition, Tape, distinct_members, write_compact};
use crate::nearest::did_you_mean;
use crate::schema::Schema;
use crate::value::{DataType, Scalar};

/// A value of a row before it is given a type.
#[derive(Clone, Debug, PartialEq)]
pub enum FlatCell {
    /// A value of the record.
    Node(NodePosition),
    /// An id that the engine made.
    Text(String),
    /// A list position.
    Int(i64),
    /// Members that are kept together as JSON text.
    Json(String),
}

impl FlatCell {
    /// The value with its type decoded.
    pub fn scalar<'a>(&self, tape: &Tape<'a>) -> Scalar<'a> {
        match self {
            Self::Node(position) => tape.scalar(*position),
            Self::Text(text) => Scalar::Text(text.clone().into()),
            Self::Int(value) => Scalar::Int(*value),
            Self::Json(text) => Scalar::Json(text.clone().into()),
        }
    }

    /// The text of a number that its float does not hold exactly.
    pub(super) fn literal<'a>(&self, tape: &'a Tape<'_>) -> Option<&'a str> {
        match self {
            Self::Node(position) => tape.literal(*position),
            _ => None,
        }
    }
}

/// One row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct FlatRow {
    /// Normalized table name.
    pub table: String,
    /// Normalized name of the parent table; `None` for the first row of a record.
    pub parent: Option<String>,
    /// Number of rows above this one in the record.
    pub depth: usize,
    /// Position in the list that the row comes from.
    pub index: u32,
    /// What the row is made of.
    pub node: NodePosition,
    /// The values by normalized column name, in the order in which columns are created.
    pub cells: IndexMap<String, FlatCell>,
    /// Where each cell that comes from the record stands in it.
    pub(super) origins: IndexMap<String, Origin>,
    /// The tables of the lists in the row that hold something, and where these stand in it.
    pub(super) lists: Vec<(String, Origin)>,
    /// Values of other keys that came to the same names.
    pub(super) lost: Vec<LostValue>,
}

/// Where a value stands in the record of its row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Origin {
    /// The raw key at the top of the record.
    pub(super) top: String,
    /// Whether it stands deeper than that.
    pub(super) is_nested: bool,
}

/// Top-level keys of a row that are not taken apart, because the table has no room for more columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptKeys {
    /// Kept as JSON in a column of their own.
    pub nested: IndexSet<String>,
    /// Kept together in the overflow column.
    pub overflow: IndexSet<String>,
}

impl KeptKeys {
    /// Whether every key is taken apart.
    pub fn is_empty(&self) -> bool {
        self.nested.is_empty() && self.overflow.is_empty()
    }
}

/// Takes rows and decides about them: which keys to keep together (then the row is made again), and whether to go on
/// to the lists in it.
pub trait RowVisitor {
    /// Looks at a row. A non-empty answer asks for the row again, with those keys kept as well.
    fn check(&mut self, row: &FlatRow, kept: &KeptKeys) -> Result<KeptKeys>;
    /// Takes the row; answers whether its lists are wanted.
    fn take(&mut self, row: FlatRow) -> Result<bool>;
    /// The schema as it is now, with all rows taken so far.
    #[must_use]
    fn schema(&self) -> &Schema;
}

/// What a row is made of.
#[derive(Clone, Copy)]
enum Item<'k> {
    /// An object: its members.
    Object(NodePosition),
    /// One value under a key of the engine.
    Wrapped(&'k str, NodePosition),
}

impl Item<'_> {
    fn node(self) -> NodePosition {
        match self {
            Self::Object(node) | Self::Wrapped(_, node) => node,
        }
    }
}

/// What the rows of a list have in common.
struct Place<'a> {
    /// Normalized parts of the table name.
    parts: &'a [String],
    /// Nesting levels left.
    level: i64,
    /// Parent table and id of the parent row.
    parent: Option<(&'a str, &'a str)>,
    depth: usize,
    index: u32,
    /// Values handed down from the rows above.
    inherited: &'a IndexMap<String, FlatCell>,
}

/// Makes rows of records of one root table.
pub struct Flattener<'a, 't> {
    ctx: &'a Context,
    start: &'a Schema,
    tape: &'a Tape<'t>,
    scratch: Vec<u8>,
}

/// What flattening one row gives.
#[derive(Default)]
struct Cells {
    cells: IndexMap<String, FlatCell>,
    origins: IndexMap<String, Origin>,
    /// By the parts of the table name below the row's own table.
    lists: IndexMap<Vec<String>, (NodePosition, Origin)>,
    /// The keys that names come from, from the row down.
    keys: IndexMap<String, String>,
    list_keys: IndexMap<Vec<String>, String>,
    lost: Vec<LostValue>,
}

impl<'a, 't> Flattener<'a, 't> {
    /// A flattener over one tape.
    ///
    /// `start` is the schema at the start of the run. It decides which objects and lists stay nested, so that this does
    /// not depend on what other records bring.
    pub fn new(ctx: &'a Context, start: &'a Schema, tape: &'a Tape<'t>) -> Self {
        Self { ctx, start, tape, scratch: Vec::new() }
    }

    /// Hands the rows of a record to the visitor, parents before children, lists in the order of their discovery.
    ///
    /// `id` is the id of the root row where it does not come from the data. Errors: the visitor's, and a record
    /// without a value for a primary key that its id needs.
    pub fn record(
        &mut self,
        item: NodePosition,
        root_table: &str,
        id: &str,
        visitor: &mut dyn RowVisitor,
    ) -> Result<()> {
        let level = self.ctx.nesting_budget(self.start, self.start.table(root_table));
        let parts = [root_table.to_owned()];
        let place =
            Place { parts: &parts, level, parent: None, depth: 0, index: 0, inherited: &IndexMap::new() };
        let item = if self.tape.is_object(item) { Item::Object(item) } else { Item::Wrapped("value", item) };
        self.row(item, &place, id, visitor)
    }

    fn row(
        &mut self,
        item: Item<'_>,
        place: &Place<'_>,
        id: &str,
        visitor: &mut dyn RowVisitor,
    ) -> Result<()> {
        let table = self.ctx.join(place.parts);
        let mut kept = KeptKeys::default();
        let (row, lists, row_id, inherited) = loop {
            if place.parent.is_some() {
                self.ctx.check_list_table(&table)?;
            }
            let cells =
                self.cells(item, &table, place.level, &kept).map_err(|error| error.at_table(&table))?;
            let Cells { cells, origins, lists, lost, .. } = cells;
            let list_table = |path: &Vec<String>| {
                let parts: Vec<&String> = place.parts.iter().chain(path).collect();
                self.ctx.join(&parts)
            };
            let mut row = FlatRow {
                table: table.clone(),
                parent: place.parent.map(|(parent, _)| parent.to_owned()),
                depth: place.depth,
                index: place.index,
                node: item.node(),
                cells,
                origins,
                lists: lists
                    .iter()
                    .filter(|(_, (list, _))| self.tape.elements(*list).next().is_some())
                    .map(|(path, (_, origin))| (list_table(path), origin.clone()))
                    .collect(),
                lost,
            };
            let row_id = self.add_system_columns(&mut row, item, place, id, visitor.schema())?;
            let inherited = self.inherited(&row, place, visitor.schema());
            let more = visitor.check(&row, &kept)?;
            if more.is_empty() {
                break (row, lists, row_id, inherited);
            }
            kept.nested.extend(more.nested);
            kept.overflow.extend(more.overflow);
        };
        if !visitor.take(row)? {
            return Ok(());
        }
        for (path, (list, _)) in lists {
            let parts: Vec<String> = place.parts.iter().cloned().chain(path).collect();
            let lists = Place {
                parts: &parts,
                level: place.level - 1,
                parent: Some((&table, &row_id)),
                depth: place.depth + 1,
                index: 0,
                inherited: &inherited,
            };
            self.list(list, &lists, visitor)?;
        }
        Ok(())
    }

    /// The rows of a list; `rows` is the place of the first.
    fn list(&mut self, list: NodePosition, rows: &Place<'_>, visitor: &mut dyn RowVisitor) -> Result<()> {
        let table = self.ctx.join(rows.parts);
        let parent_id = rows.parent.map_or("", |(_, id)| id);
        let elements: Vec<NodePosition> = self.tape.elements(list).collect();
        for (index, element) in (0..).zip(elements) {
            let id = child_id(&mut self.scratch, parent_id.as_bytes(), &table, index);
            let id = String::from_utf8_lossy(&id).into_owned();
            let mut place = Place { index, ..*rows };
            let item = if self.tape.is_object(element) {
                Item::Object(element)
            } else if self.tape.is_array(element) {
                place.level -= 1;
                Item::Wrapped("list", element)
            } else {
                Item::Wrapped("value", element)
            };
            self.row(item, &place, &id, visitor)?;
        }
        Ok(())
    }

    /// Flattens one row: its cells, where they come from, and the lists in it.
    ///
    /// Errors: two keys of one name, where that is refused.
    fn cells(&self, item: Item<'_>, table: &str, level: i64, kept: &KeptKeys) -> Result<Cells> {
        let mut out = Cells::default();
        // A key that is there twice has its last value.
        let mut overflow: IndexMap<&str, NodePosition> = IndexMap::new();
        // The last object found is taken apart first; that order decides about columns and duplicates.
        let mut stack: Vec<(Item<'_>, i64, Vec<String>, String, String)> =
            vec![(item, level, Vec::new(), String::new(), String::new())];
        while let Some((object, level, path, top, above)) = stack.pop() {
            let members: Vec<(&str, NodePosition)> = match object {
                Item::Object(position) => distinct_members(self.tape, position),
                Item::Wrapped(key, position) => vec![(key, position)],
            };
            for (key, value) in members {
                let is_nested = !path.is_empty();
                let top = if is_nested { &top } else { key };
                if !is_nested && kept.overflow.contains(key) {
                    overflow.insert(key, value);
                    continue;
                }
                let given = if is_nested { format!("{above}.{key}") } else { key.to_owned() };
                let mut column_path = path.clone();
                column_path.push(self.ctx.column_key(key));
                let column = self.ctx.join(&column_path);
                let is_kept = !is_nested && kept.nested.contains(key);
                let stays = || is_kept || self.ctx.keeps_nested(self.start, table, &column, level);
                let origin = Origin { top: top.to_owned(), is_nested };
                if self.tape.is_object(value) && !stays() {
                    stack.push((Item::Object(value), level - 1, column_path, top.to_owned(), given));
                } else if self.tape.is_array(value) && !stays() {
                    let mut list_path = path.clone();
                    list_path.push(match object {
                        Item::Wrapped("list", _) => self.ctx.names.list.clone(),
                        _ => self.ctx.table_key(key),
                    });
                    let list_path = self.place_list(&mut out, list_path, given)?;
                    out.lists.insert(list_path, (value, origin));
                } else {
                    let column = self.place_cell(&mut out, column, given)?;
                    out.origins.insert(column.clone(), origin);
                    out.cells.insert(column, FlatCell::Node(value));
                }
            }
        }
        if !overflow.is_empty() {
            let text = overflow_json(self.tape, &overflow);
            out.cells.insert(self.ctx.overflow_column(), FlatCell::Json(text));
        }
        Ok(out)
    }

    /// The column for a key, which may have taken the place of another key's.
    fn place_cell(&self, out: &mut Cells, column: String, given: String) -> Result<String> {
        let is_lost = |out: &Cells, name: &String| matches!(out.cells.get(name), Some(FlatCell::Node(node)) if !self.tape.is_null(*node));
        let number = |name: &String, number: usize| self.ctx.join(&[format!("{name}_{number}")]);
        let shown = column.clone();
        let (name, lost) = self.settle(&out.keys, column, &shown, &given, number)?;
        if let Some(lost) = lost.filter(|_| is_lost(out, &name)) {
            out.lost.push(LostValue { name: name.clone(), lost, kept: given.clone() });
        }
        out.keys.insert(name.clone(), given);
        Ok(name)
    }

    /// The same for a list, by the parts of the name of its table.
    fn place_list(&self, out: &mut Cells, path: Vec<String>, given: String) -> Result<Vec<String>> {
        let number = |path: &Vec<String>, number: usize| {
            let mut path = path.clone();
            if let Some(last) = path.last_mut() {
                last.push_str(&format!("_{number}"));
            }
            path
        };
        let shown = self.ctx.join(&path);
        let (path, lost) = self.settle(&out.list_keys, path, &shown, &given, number)?;
        let has_elements = |(list, _): &(NodePosition, Origin)| self.tape.elements(*list).next().is_some();
        if let Some(lost) = lost.filter(|_| out.lists.get(&path).is_some_and(has_elements)) {
            out.lost.push(LostValue { name: self.ctx.join(&path), lost, kept: given.clone() });
        }
        out.list_keys.insert(path.clone(), given);
        Ok(path)
    }

    /// The name that a key gets, and the other key that had it. The same key once more is JSON's business.
    fn settle<N: Clone + Eq + std::hash::Hash>(
        &self,
        known: &IndexMap<N, String>,
        name: N,
        shown: &str,
        given: &str,
        number: impl Fn(&N, usize) -> N,
    ) -> Result<(N, Option<String>)> {
        let Some(other) = known.get(&name).filter(|other| *other != given) else { return Ok((name, None)) };
        match self.ctx.collisions {
            Collisions::Last => Ok((name, Some(other.clone()))),
            Collisions::Refuse => Err(keys_collide(self.ctx, shown, other, given)),
            Collisions::Number => {
                if let Some((numbered, _)) = known.iter().find(|(_, key)| *key == given) {
                    return Ok((numbered.clone(), None));
                }
                let mut free = (2..).map(|next| number(&name, next)).filter(|name| !known.contains_key(name));
                Ok((free.next().unwrap_or(name), None))
            }
        }
    }

    /// Adds what the engine knows of the row; returns the id of the row.
    fn add_system_columns(
        &self,
        row: &mut FlatRow,
        item: Item<'_>,
        place: &Place<'_>,
        id: &str,
        schema: &Schema,
    ) -> Result<String> {
        let names = &self.ctx.names;
        for (name, value) in place.inherited {
            row.cells.insert(name.clone(), value.clone());
        }
        let is_root =
            place.parent.is_none() || schema.table(&row.table).is_some_and(|table| !table.is_nested());
        if is_root {
            row.cells.insert(names.load_id.clone(), FlatCell::Text(self.ctx.load_id.clone()));
        }
        if let Some(own) = row.cells.get(&names.id).and_then(|cell| truthy_text(&cell.scalar(self.tape))) {
            return Ok(own);
        }
        let id = if is_root { self.root_id(row, item, id, schema)? } else { id.to_owned() };
        if let Some((_, parent_id)) = place.parent.filter(|_| !is_root) {
            row.cells.insert(names.parent_id.clone(), FlatCell::Text(parent_id.to_owned()));
            row.cells.insert(names.list_index.clone(), FlatCell::Int(i64::from(place.index)));
        }
        row.cells.insert(names.id.clone(), FlatCell::Text(id.clone()));
        Ok(id)
    }

    fn root_id(&self, row: &FlatRow, item: Item<'_>, id: &str, schema: &Schema) -> Result<String> {
        let id = match self.ctx.row_id_kind(schema, &row.table) {
            RowIdKind::Position => return Ok(id.to_owned()),
            RowIdKind::RowHash => match item {
                Item::Object(position) => content_id(self.tape, position, &self.ctx.names.prefix),
                Item::Wrapped(key, position) => key_id(self.tape, &mut [(key.to_owned(), position)]),
            },
            RowIdKind::KeyHash => {
                let mut key = Vec::new();
                let columns = schema.table(&row.table).map(|table| table.columns_with("primary_key"));
                for column in columns.into_iter().flatten() {
                    match row.cells.get(&column.name) {
                        Some(FlatCell::Node(position)) => key.push((column.name.clone(), *position)),
                        _ => {
                            let known = row.cells.keys().map(String::as_str);
                            let known = known.filter(|name| !name.starts_with(&self.ctx.names.prefix));
                            return Err(Error::of(
                                Code::PrimaryKeyNull,
                                "a record has no value for its primary key",
                            )
                            .at_table(&row.table)
                            .at_column(&column.name)
                            .with_hint(format!(
                                "{}check the names in primary_key, or leave such records out by `steps`",
                                did_you_mean(&column.name, known)
                            )));
                        }
                    }
                }
                key_id(self.tape, &mut key)
            }
        };
        Ok(String::from_utf8_lossy(&id).into_owned())
    }

    /// The values that the rows below this one inherit: those of the rows above, and what is configured for it.
    fn inherited(&self, row: &FlatRow, place: &Place<'_>, schema: &Schema) -> IndexMap<String, FlatCell> {
        let mut inherited = place.inherited.clone();
        let is_root =
            place.parent.is_none() || schema.table(&row.table).is_some_and(|table| !table.is_nested());
        for (from, to) in propagated(schema, &row.table, is_root) {
            if let Some(value) = row.cells.get(&from) {
                inherited.insert(to, value.clone());
            }
        }
        inherited
    }
}

/// The columns of a table whose values the rows below it inherit, and under which name.
pub(super) fn propagated(schema: &Schema, table: &str, is_root: bool) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let Some(config) = schema.normalizer_config("propagation") else { return pairs };
    let mut add = |mapping: Option<&Value>| {
        for (from, to) in mapping.and_then(Value::as_object).into_iter().flatten() {
            if let Some(to) = to.as_str() {
                pairs.push((from.clone(), to.to_owned()));
            }
        }
    };
    if is_root {
        add(config.get("root"));
    }
    add(config.get("tables").and_then(|tables| tables.get(table)));
    pairs
}

/// The text of a value that counts as given; `None` for null, empty text, zero and false.
pub(super) fn truthy_text(value: &Scalar<'_>) -> Option<String> {
    match value {
        Scalar::Null | Scalar::Bool(false) | Scalar::Int(0) => None,
        Scalar::Double(value) if *value == 0.0 => None,
        Scalar::Text(text) if text.is_empty() => None,
        value => match crate::value::coerce(value, DataType::Text) {
            Some(Scalar::Text(text)) => Some(text.into_owned()),
            _ => None,
        },
    }
}

/// Members of a record as one JSON object.
fn overflow_json(tape: &Tape<'_>, members: &IndexMap<&str, NodePosition>) -> String {
    let mut text = String::from("{");
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        crate::value::json_string(&mut text, key);
        text.push(':');
        write_compact(&mut text, tape, *value);
    }
    text.push('}');
    text
}
