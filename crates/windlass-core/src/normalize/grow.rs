//! The only code that adds tables and columns while data is read.
//!
//! A record that brings something new is taken row by row and value by value; each new column, variant and table
//! passes the contract, in the order of the record. What a contract refuses is noted, so that later records are
//! treated alike.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::collisions::{OverwrittenNames, add_lost};
use super::context::Context;
use super::flatten::{FlatCell, FlatRow, Flattener, KeptKeys, Origin, RowVisitor};
use super::names_below::NamesBelow;
use super::physical::{Cell, Physical};
use super::row_filter::RowFilters;
use crate::error::{Code, Error, Result};
use crate::json::{NodePosition, Tape};
use crate::schema::{Column, Contract, ContractMode, Entity, Schema, Table, Violation};
use crate::value::{DataType, Decimal, Scalar, coerce};

/// The schema while data is read, and what contracts refused so far. Entries are only ever added.
#[derive(Clone, Debug)]
pub struct SchemaState {
    /// The schema as it stands.
    pub schema: Schema,
    /// Tables that a contract refused.
    pub refused_tables: BTreeMap<String, ContractMode>,
    /// Columns and variants that a contract refused, by table and column.
    pub refused_columns: BTreeMap<(String, String), ContractMode>,
    /// Tables that reached the limit of columns.
    pub full_tables: BTreeMap<String, FullTable>,
    /// Root tables that came up while data was read, and the names under which they were given.
    pub given_tables: BTreeMap<String, String>,
    /// Root tables of which this run has written rows without ids, as frames have none: a column of ids that comes later
    /// takes nulls.
    pub bare_tables: BTreeSet<String>,
    /// The tables of which something changed, in the order of the changes: who mirrors the schema looks at these only.
    changes: Vec<Arc<str>>,
    /// The contracts of tables, by their position in the schema, as far as somebody asked for them.
    contracts: Vec<Option<Contract>>,
}

/// What a table does with keys for which it has no room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FullTable {
    /// A key that found no room, for the warning.
    pub example: String,
}

impl SchemaState {
    /// The state at the start of a run.
    pub fn new(schema: Schema) -> Self {
        Self {
            schema,
            refused_tables: BTreeMap::new(),
            refused_columns: BTreeMap::new(),
            full_tables: BTreeMap::new(),
            given_tables: BTreeMap::new(),
            bare_tables: BTreeSet::new(),
            changes: Vec::new(),
            contracts: Vec::new(),
        }
    }

    /// The tables of which something changed, in the order of the changes.
    pub(super) fn changes(&self) -> &[Arc<str>] {
        &self.changes
    }

    /// Notes that tables were declared, perhaps with contracts of their own.
    pub(super) fn note_declared<'a>(&mut self, tables: impl IntoIterator<Item = &'a str>) {
        self.contracts.clear();
        self.changes.extend(tables.into_iter().map(Arc::from));
    }

    /// As [`Schema::contract`], which goes through all tables above: here each is asked once.
    fn contract(&mut self, table: &str) -> Result<Contract> {
        let mut above = Vec::new();
        let mut at = self.schema.tables.get_full(table);
        let contract = loop {
            let Some((index, name, definition)) = at else { break self.schema.contract("")? };
            if let Some(contract) = self.contracts.get(index).copied().flatten() {
                break contract;
            }
            // A hand-made document may hold a cycle of parents.
            if above.len() > self.schema.tables.len() {
                break self.schema.contract("")?;
            }
            above.push(index);
            if let Some(hint) = definition.hints.get("schema_contract") {
                break Contract::from_json(hint).map_err(|error| error.at_table(name))?;
            }
            at = definition.parent.as_ref().and_then(|parent| self.schema.tables.get_full(parent));
        };
        self.contracts.resize(self.schema.tables.len(), None);
        above.into_iter().for_each(|index| self.contracts[index] = Some(contract));
        Ok(contract)
    }

    /// The form for a run that goes on after a crash.
    pub fn to_json(&self) -> Value {
        let columns = self.refused_columns.iter();
        let columns: Vec<Value> =
            columns.map(|((table, column), mode)| json!([table, column, mode])).collect();
        let full: BTreeMap<&String, &String> =
            self.full_tables.iter().map(|(table, full)| (table, &full.example)).collect();
        json!({
            "schema": self.schema.to_json(),
            "refused_tables": self.refused_tables,
            "refused_columns": columns,
            "full_tables": full,
            "given_tables": self.given_tables,
            "bare_tables": self.bare_tables,
        })
    }

    /// Reads what [`SchemaState::to_json`] wrote; versions are counted as in `declared`, the schema at the start of
    /// that run.
    ///
    /// Errors: something else.
    pub fn from_json(value: &Value, declared: &Schema) -> Result<Self> {
        let broken = |cause| {
            Error::of(Code::DamagedState, "the schema from before the crash cannot be read")
                .with_source(cause)
        };
        let mut schema = Schema::from_json(&value["schema"], false)?;
        schema.version = declared.version;
        schema.version_hash.clone_from(&declared.version_hash);
        schema.previous_hashes.clone_from(&declared.previous_hashes);
        let columns: Vec<(String, String, ContractMode)> =
            serde_json::from_value(value["refused_columns"].clone()).map_err(broken)?;
        let full: BTreeMap<String, String> =
            serde_json::from_value(value["full_tables"].clone()).map_err(broken)?;
        Ok(Self {
            schema,
            refused_tables: serde_json::from_value(value["refused_tables"].clone()).map_err(broken)?,
            refused_columns: columns
                .into_iter()
                .map(|(table, column, mode)| ((table, column), mode))
                .collect(),
            full_tables: full.into_iter().map(|(table, example)| (table, FullTable { example })).collect(),
            given_tables: match value.get("given_tables") {
                Some(tables) => serde_json::from_value(tables.clone()).map_err(broken)?,
                None => BTreeMap::new(),
            },
            bare_tables: match value.get("bare_tables") {
                Some(tables) => serde_json::from_value(tables.clone()).map_err(broken)?,
                None => BTreeSet::new(),
            },
            changes: Vec::new(),
            contracts: Vec::new(),
        })
    }

    /// The keys of a row that need more columns or child tables than its table may have, but for those kept already.
    pub(super) fn without_room(
        &self,
        ctx: &Context,
        tape: &Tape<'_>,
        row: &FlatRow,
        kept: &KeptKeys,
        names: &mut NamesBelow,
    ) -> KeptKeys {
        let mut more = KeptKeys::default();
        let known = self.schema.table(&row.table);
        let is_full = self.full_tables.contains_key(&row.table);
        let needed = row.cells.len() + row.lists.len();
        let limit = ctx.limits.max_columns;
        // Counting takes as long as there are columns, so that it waits until it can matter.
        if !is_full && known.map_or(0, |table| table.columns.len()) + needed <= limit {
            return more;
        }
        let complete = || known.map_or(0, |table| table.complete_columns().count());
        let count = if is_full { 0 } else { complete() };
        if !is_full && count + needed <= limit {
            return more;
        }
        let has =
            |name: &str| known.and_then(|table| table.columns.get(name)).is_some_and(Column::is_complete);
        let is_new_column = |name: &String, cell: &FlatCell| {
            !cell.is_null(tape) && !has(name) && !self.has_variant(ctx, tape, &row.table, (name, cell))
        };
        let columns = row.cells.iter().filter(|(name, cell)| is_new_column(name, cell));
        let columns = columns.filter_map(|(name, _)| row.origins.get(name));
        let lists = row.lists.iter().filter(|(table, _)| self.schema.table(table).is_none());
        let lists = lists.map(|(_, origin)| origin);
        let is_child = |table: &&Arc<Table>| table.parent.as_ref() == Some(&row.table);
        let children = || self.schema.tables.values().filter(is_child).count();
        let room = if is_full { 0 } else { limit.saturating_sub(count + children()) };
        for Origin { top, is_nested } in columns.chain(lists).skip(room) {
            // A kept object needs a column of its own: where its key is new as well, it goes to the overflow.
            if kept.nested.contains(top) || kept.overflow.contains(top) {
                continue;
            }
            let has_columns = *is_nested && names.has_any(ctx, &self.schema, &row.table, top);
            let keys = if has_columns { &mut more.nested } else { &mut more.overflow };
            if !keys.contains(top) {
                keys.insert(top.clone());
            }
        }
        more
    }

    /// Whether a value that makes no column of its own has a variant already, so that its key needs no more room.
    fn has_variant(
        &self,
        ctx: &Context,
        tape: &Tape<'_>,
        table: &str,
        (name, cell): (&String, &FlatCell),
    ) -> bool {
        let Some(table) = self.schema.table(table) else { return false };
        let (value, literal) = (cell.scalar(tape), cell.literal(tape));
        let Some(own_type) = value.data_type() else { return false };
        if new_column(ctx, name, table.columns.get(name), &value, literal).is_some() {
            return false;
        }
        let (_, suffix, _) = variant_of(ctx, None, (own_type, &value), literal);
        table.columns.get(&variant_name(ctx, name, suffix)).is_some_and(Column::is_complete)
    }

    /// Removes the values of a row that a contract refused, and counts them; `None` if it refuses the whole row.
    ///
    /// Nulls never ask for anything, so they are let through whatever came before them.
    pub(super) fn without_refused(&self, ctx: &Context, tape: &Tape<'_>, row: &mut FlatRow) -> Option<usize> {
        if self.refused_columns.is_empty() {
            return Some(0);
        }
        let table = self.schema.table(&row.table);
        let refused = |column: String| self.refused_columns.get(&(row.table.clone(), column)).copied();
        let mut drop_row = false;
        let before = row.cells.len();
        row.cells.retain(|name, cell| {
            let value = cell.scalar(tape);
            let Some(own_type) = value.data_type() else { return true };
            let mode = refused(name.clone()).or_else(|| {
                let column =
                    table.and_then(|table| table.columns.get(name)).filter(|column| column.is_complete())?;
                let literal = cell.literal(tape);
                if fit(ctx, column, &value, literal).is_some() {
                    return None;
                }
                let (_, suffix, _) = variant_of(ctx, Some(column), (own_type, &value), literal);
                refused(variant_name(ctx, name, suffix))
            });
            drop_row |= mode == Some(ContractMode::DiscardRow);
            mode != Some(ContractMode::DiscardValue)
        });
        (!drop_row).then(|| before - row.cells.len())
    }

    /// Merges a partial table as far as its contract allows, and notes what it refuses.
    ///
    /// Errors: a contract that freezes.
    pub(super) fn merge(&mut self, ctx: &Context, partial: Table) -> Result<()> {
        let table = partial.name.clone();
        let is_system = table.starts_with(&ctx.names.prefix);
        let owner =
            if self.schema.tables.contains_key(&table) { Some(&table) } else { partial.parent.as_ref() };
        let contract = match owner {
            Some(owner) if !is_system => self.contract(owner)?,
            _ => Default::default(),
        };
        self.changes.push(Arc::from(table.as_str()));
        let (allowed, violations) = contract.check(self.schema.table(&table), partial, &ctx.names.prefix);
        for violation in violations {
            if violation.mode == ContractMode::Freeze {
                return Err(frozen(&violation, &table));
            }
            let Violation { mode, column, .. } = violation;
            match column {
                None => drop(self.refused_tables.insert(table.clone(), mode)),
                Some(column) => drop(self.refused_columns.insert((table.clone(), column), mode)),
            }
        }
        match allowed {
            Some(allowed) => self.schema.merge_table(allowed, true),
            None => Ok(()),
        }
    }

    /// Adds everything that a record brings. `start` is the schema at the start of the run, which decides what stays
    /// nested.
    ///
    /// Errors: a contract that freezes, a null where none may be.
    pub fn grow(
        &mut self,
        ctx: &Context,
        filters: &RowFilters,
        tape: &Tape<'_>,
        item: NodePosition,
        root_table: &str,
        start: &Schema,
    ) -> Result<()> {
        let mut growth = Growth { state: self, ctx, filters, tape, names: NamesBelow::default() };
        Flattener::new(ctx, start, tape).record(item, root_table, "", &mut growth)
    }
}

struct Growth<'a, 't> {
    state: &'a mut SchemaState,
    ctx: &'a Context,
    filters: &'a RowFilters,
    tape: &'a Tape<'t>,
    names: NamesBelow,
}

/// The variant column of `column` for values of this type: its name.
pub(super) fn variant_name(ctx: &Context, column: &str, suffix: &str) -> String {
    ctx.join(&[column, &format!("v_{suffix}")])
}

impl RowVisitor for Growth<'_, '_> {
    fn schema(&self) -> &Schema {
        &self.state.schema
    }

    fn check(&mut self, row: &FlatRow, kept: &KeptKeys) -> Result<KeptKeys> {
        let more = self.state.without_room(self.ctx, self.tape, row, kept, &mut self.names);
        if let Some(example) = more.nested.first().or(more.overflow.first()) {
            self.state.changes.push(Arc::from(row.table.as_str()));
            let full = self.state.full_tables.entry(row.table.clone()).or_default();
            if full.example.is_empty() {
                full.example.clone_from(example);
            }
        }
        Ok(more)
    }

    fn take(&mut self, mut row: FlatRow) -> Result<bool> {
        if self.state.refused_tables.contains_key(&row.table) {
            return Ok(false);
        }
        self.filters.apply(&row.table, &mut row.cells);
        if self.state.without_refused(self.ctx, self.tape, &mut row).is_none() {
            return Ok(false);
        }
        let partial = self.partial_table(&row).map_err(|e| e.at_table(&row.table))?;
        if !partial.columns.is_empty() || self.state.schema.table(&row.table).is_none() {
            self.state.merge(self.ctx, partial)?;
            let is_refused = self.state.refused_tables.contains_key(&row.table);
            return Ok(!is_refused && self.state.without_refused(self.ctx, self.tape, &mut row).is_some());
        }
        Ok(true)
    }
}

impl Growth<'_, '_> {
    /// The columns that a row needs and its table does not have.
    fn partial_table(&self, row: &FlatRow) -> Result<Table> {
        let known = self.state.schema.table(&row.table);
        let mut partial = match known {
            Some(table) => Table { parent: table.parent.clone(), ..Table::new(&row.table) },
            None => Table { parent: row.parent.clone(), ..Table::new(&row.table) },
        };
        for (name, cell) in &row.cells {
            let value = cell.scalar(self.tape);
            let column =
                partial.columns.get(name).or_else(|| known.and_then(|table| table.columns.get(name)));
            let column = column.cloned();
            let literal = cell.literal(self.tape);
            self.place(&mut partial, known, (name, column.as_ref()), &value, literal)
                .map_err(|e| e.at_column(name))?;
        }
        if self.state.bare_tables.contains(&row.table) {
            for name in [&self.ctx.names.id, &self.ctx.names.load_id] {
                if let Some(column) = partial.columns.get_mut(name) {
                    column.nullable = Some(true);
                }
            }
        }
        Ok(partial)
    }

    /// Finds the column for a value, adding one to `partial` where none fits; `literal` as for [`fit`].
    fn place(
        &self,
        partial: &mut Table,
        known: Option<&Table>,
        (name, column): (&str, Option<&Column>),
        value: &Scalar<'_>,
        literal: Option<&str>,
    ) -> Result<()> {
        let Some(own_type) = value.data_type() else {
            return self.check_null(name, column);
        };
        let complete = column.filter(|column| column.is_complete());
        let new = match complete {
            Some(column) if fit(self.ctx, column, value, literal).is_some() => return Ok(()),
            Some(_) => None,
            None => new_column(self.ctx, name, column, value, literal),
        };
        if let Some(new) = new {
            partial.columns.insert(name.to_owned(), new);
            return Ok(());
        }
        // The value does not fit the column: it needs a variant, of its own type or, failing that, as text.
        let (value, suffix, as_text) = variant_of(self.ctx, complete, (own_type, value), literal);
        let (value, own_type) = (&*value, value.data_type().unwrap_or(own_type));
        let variant = self.existing_complex_variant(known, name, own_type);
        let variant = variant.unwrap_or_else(|| variant_name(self.ctx, name, suffix));
        let existing =
            partial.columns.get(&variant).or_else(|| known.and_then(|t| t.columns.get(&variant))).cloned();
        match existing.filter(Column::is_complete) {
            Some(existing) if fit_variant(self.ctx, &existing, value, as_text).is_some() => Ok(()),
            // A variant that was detected as a timestamp cannot take every text; it has a variant then.
            Some(existing) => self.place(partial, known, (&variant, Some(&existing)), value, literal),
            None => {
                let data_type =
                    if as_text { DataType::Text } else { detect(self.ctx, value).unwrap_or(own_type) };
                let mut new = self.ctx.rules.new_column(&variant, data_type);
                new.hints.insert("variant".to_owned(), Value::Bool(true));
                let description = format!("Variant of column {variant} generated by dlt");
                new.hints.insert("description".to_owned(), description.into());
                partial.columns.insert(variant, new);
                Ok(())
            }
        }
    }

    /// Schemas of old engines have variants for objects under the former name of the type.
    fn existing_complex_variant(
        &self,
        known: Option<&Table>,
        name: &str,
        own_type: DataType,
    ) -> Option<String> {
        let old = (own_type == DataType::Json).then(|| variant_name(self.ctx, name, "complex"))?;
        known?.columns.get(&old).filter(|column| column.is_variant()).map(|_| old)
    }

    fn check_null(&self, name: &str, column: Option<&Column>) -> Result<()> {
        let allowed = match column.filter(|column| column.is_complete()) {
            Some(column) => column.is_nullable(),
            None => !self.ctx.rules.is_not_null(name),
        };
        if allowed { Ok(()) } else { Err(null_error()) }
    }
}

/// The column that a first value makes, with what hints say of it; `None` if the value does not fit what it makes.
pub(super) fn new_column(
    ctx: &Context,
    name: &str,
    hints: Option<&Column>,
    value: &Scalar<'_>,
    literal: Option<&str>,
) -> Option<Column> {
    let data_type = ctx.rules.preferred(name).or_else(|| detect(ctx, value))?;
    let mut new = ctx.rules.new_column(name, data_type);
    if let (DataType::Decimal, Scalar::Decimal(number)) = (data_type, value)
        && let Some((precision, scale)) = number.column_digits().filter(|(precision, _)| *precision <= 38)
    {
        // A column within a nested one has the digits that one beside it would have. All destinations have so many.
        (new.precision, new.scale) = (Some(i64::from(precision)), Some(i64::from(scale)));
    }
    if let Some(hints) = hints {
        new.merge(hints);
    }
    fit(ctx, &new, value, literal).map(|_| new)
}

/// The type of a new column for a value. A text of a typed column is a text, whatever it looks like.
fn detect(ctx: &Context, value: &Scalar<'_>) -> Option<DataType> {
    if ctx.conversion.is_exact() { value.data_type() } else { ctx.rules.detect(value) }
}

/// The value as a cell of the column, converted if need be; `None` if it needs a variant.
///
/// `literal` is the text of a number that its float does not hold exactly: a decimal is made of that.
pub(super) fn fit(ctx: &Context, column: &Column, value: &Scalar<'_>, literal: Option<&str>) -> Option<Cell> {
    let data_type = column.data_type?;
    if ctx.refuses_coercion && value.data_type() != Some(data_type) {
        return None;
    }
    if !ctx.conversion.allows(column, value, &ctx.types) {
        return None;
    }
    let exact = literal.filter(|_| matches!(data_type, DataType::Decimal | DataType::Wei));
    let value = match exact.and_then(Decimal::parse) {
        Some(number) => Scalar::Decimal(number),
        None => coerce(value, data_type)?,
    };
    if value == Scalar::Null {
        return Some(Cell::Null);
    }
    Physical::of(column, &ctx.types).cell(value)
}

/// What a variant of the column holds of a value of this type, the suffix of its name, and whether it holds that as text;
/// `literal` as for [`fit`].
pub(super) fn variant_of<'v, 's>(
    ctx: &Context,
    column: Option<&Column>,
    (own_type, value): (DataType, &'v Scalar<'s>),
    literal: Option<&str>,
) -> (Cow<'v, Scalar<'s>>, &'static str, bool) {
    let value = exact_number(ctx, column, value, literal).map_or(Cow::Borrowed(value), Cow::Owned);
    let (suffix, as_text) = variant_suffix(ctx, value.data_type().unwrap_or(own_type), &value);
    (value, suffix, as_text)
}

/// What a variant of a column of decimals holds of a number that a float may not hold; `literal` as for [`fit`].
fn exact_number(
    ctx: &Context,
    column: Option<&Column>,
    value: &Scalar<'_>,
    literal: Option<&str>,
) -> Option<Scalar<'static>> {
    let is_decimal = column.is_some_and(|column| match column.data_type {
        Some(DataType::Decimal) => !column.is_variant(),
        Some(DataType::Wei) => literal.is_some() && !column.is_variant(),
        _ => false,
    });
    match value {
        Scalar::Double(double) if is_decimal && double.is_finite() && !ctx.conversion.is_exact() => {
            let number = literal.and_then(Decimal::parse).unwrap_or_else(|| Decimal::from_f64(*double));
            Some(Scalar::Decimal(number))
        }
        _ => None,
    }
}

/// The column of a grown table that takes a value of the column `name`, and the value as a cell of it.
///
/// `None` when no column takes it, because it is null, refused, or not grown yet.
pub fn column_for(ctx: &Context, table: &Table, name: &str, value: &Scalar<'_>) -> Option<(String, Cell)> {
    let own_type = value.data_type()?;
    let column = table.columns.get(name);
    match column.filter(|column| column.is_complete()) {
        Some(column) => {
            if let Some(cell) = fit(ctx, column, value, None) {
                return (cell != Cell::Null).then(|| (name.to_owned(), cell));
            }
        }
        None if new_column(ctx, name, column, value, None).is_some() => return None,
        None => {}
    }
    let complete = column.filter(|column| column.is_complete());
    let (value, suffix, as_text) = variant_of(ctx, complete, (own_type, value), None);
    let variant = variant_name(ctx, name, suffix);
    match fit_variant(ctx, table.columns.get(&variant)?, &value, as_text) {
        Some(cell) => Some((variant, cell)),
        None => column_for(ctx, table, &variant, &value),
    }
}

/// As [`fit`], for a variant that may hold values as text because nothing else holds them.
pub(super) fn fit_variant(ctx: &Context, column: &Column, value: &Scalar<'_>, as_text: bool) -> Option<Cell> {
    if !as_text {
        return fit(ctx, column, value, None);
    }
    let text = coerce(value, DataType::Text)?;
    Physical::of(column, &ctx.types).cell(text)
}

/// The suffix of the variant for a value, and whether it holds the value as text.
///
/// A value that no column of its own type can hold (a decimal with too many digits) is kept as text.
fn variant_suffix(ctx: &Context, own_type: DataType, value: &Scalar<'_>) -> (&'static str, bool) {
    let plain = Column::typed("", own_type, true);
    match own_type {
        own_type if fit(ctx, &plain, value, None).is_some() => (own_type.as_str(), false),
        // The reference's own name for a wei that is too large.
        DataType::Wei => ("str", true),
        _ => ("text", true),
    }
}

pub(super) fn null_error() -> Error {
    Error::of(Code::NullInRequiredColumn, "a null stands in a column that may not be null")
        .with_hint("allow nulls in the column's hints (nullable: true), or fix the data")
}

fn frozen(violation: &Violation, table: &str) -> Error {
    let (entity, column) = (violation.entity, violation.column.as_deref());
    let what = match (entity, column) {
        (Entity::Tables, _) | (_, None) => "the data brings a new table".to_owned(),
        (Entity::Columns, Some(column)) => format!("the data brings a new column `{column}`"),
        (Entity::DataType, Some(column)) => format!("the data brings another type, in column `{column}`"),
    };
    let error = violation.error(table, &what).with_hint(format!(
        "set schema_contract {entity} to evolve to let it in, or to discard_row or discard_value to leave it out"
    ));
    match column {
        Some(column) => error.at_column(column),
        None => error,
    }
}

/// Counts of what contracts, limits and other keys kept out, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discarded {
    /// Rows left out.
    pub rows: HashMap<String, u64>,
    /// Values left out of rows that stayed.
    pub values: HashMap<String, u64>,
    /// Values that another key of the record took the place of.
    #[serde(default)]
    pub overwritten: OverwrittenNames,
    /// Tables that have the rows of lists of several tables, and those tables. Nothing of them is left out.
    #[serde(default)]
    pub parents: BTreeMap<String, BTreeSet<String>>,
    /// Columns of batches whose type is another than the one that the table has and keeps, by table and column.
    #[serde(default)]
    pub changed_types: BTreeMap<String, BTreeMap<String, ChangedType>>,
}

/// What the type of a column was to become, and what it stays. Nothing is left out by that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedType {
    /// What the batch has.
    pub given: String,
    /// What the table has.
    pub kept: String,
}

impl Discarded {
    /// Adds the counts of another worker.
    pub fn add(&mut self, other: &Discarded) {
        for (table, count) in &other.rows {
            *self.rows.entry(table.clone()).or_default() += count;
        }
        for (table, count) in &other.values {
            *self.values.entry(table.clone()).or_default() += count;
        }
        add_lost(&mut self.overwritten, &other.overwritten);
        self.add_parents(other.parents.clone());
        for (table, columns) in &other.changed_types {
            self.note_changed_types(table, columns.clone());
        }
    }

    /// Adds columns that keep their type; of several changes of one column the first is told.
    pub(super) fn note_changed_types(&mut self, table: &str, columns: BTreeMap<String, ChangedType>) {
        if columns.is_empty() {
            return;
        }
        let known = self.changed_types.entry(table.to_owned()).or_default();
        for (column, change) in columns {
            known.entry(column).or_insert(change);
        }
    }

    /// Adds tables that lists of several tables come to.
    pub(super) fn add_parents(&mut self, parents: BTreeMap<String, BTreeSet<String>>) {
        for (table, parents) in parents {
            self.parents.entry(table).or_default().extend(parents);
        }
    }
}

impl FlatCell {
    /// Whether nothing is there to be stored.
    pub(super) fn is_null(&self, tape: &Tape<'_>) -> bool {
        matches!(self, Self::Node(position) if tape.is_null(*position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::Naming;

    #[test]
    fn a_schema_that_has_grown_reads_back_with_its_versions() {
        let naming = Naming::default();
        let declared = Schema::new("s", &naming).unwrap();
        let mut state = SchemaState::new(declared.clone());
        let mut table = Table::new("t");
        table.hints.insert("write_disposition".to_owned(), "append".into());
        table.hints.insert("resource".to_owned(), "t".into());
        table.columns.insert("a".to_owned(), Column::typed("a", DataType::Bigint, true));
        table.columns.insert("unknown".to_owned(), Column::new("unknown"));
        state.schema.merge_table(table, false).unwrap();
        state.refused_tables.insert("no".to_owned(), ContractMode::DiscardRow);
        state.refused_columns.insert(("t".to_owned(), "b".to_owned()), ContractMode::DiscardValue);
        state.full_tables.insert("t".to_owned(), FullTable { example: "key".to_owned() });
        let read = SchemaState::from_json(&state.to_json(), &declared).unwrap();
        assert_eq!(read.schema, state.schema);
        assert_eq!(read.refused_tables, state.refused_tables);
        assert_eq!(read.refused_columns, state.refused_columns);
        assert_eq!(read.full_tables, state.full_tables);
        assert!(SchemaState::from_json(&json!({ "schema": 1 }), &declared).is_err());
    }
}
