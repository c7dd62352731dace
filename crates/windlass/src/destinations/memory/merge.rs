//! Merging in plain Rust: the rules of `windlass_core::sql::merge`, over batches instead of SQL.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array as _, ArrayRef, BooleanArray, RecordBatch, TimestampMicrosecondArray, new_null_array,
};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use arrow_select::zip::zip;
use windlass_core::merge::{
    CursorOrder, MergeSettings, MergeStrategy, NewestFirst, SortOrder, cursor_variants,
};
use windlass_core::normalize::RECORD_COLUMN;
use windlass_core::schema::{Column, Schema, SystemNames, Table};
use windlass_core::sql::merge_chain;
use windlass_core::{Code, Error, Result};

use super::keys::{Key, Keys, ranks};
use super::table::{MemoryTable, failed, filtered, texts, with_columns};

/// What a merge needs to know besides the rows.
pub(super) struct MergeContext<'a> {
    pub(super) schema: &'a Schema,
    pub(super) names: &'a SystemNames,
    /// The time of the load in microseconds since the epoch.
    pub(super) loaded_at: i64,
    /// Root tables of which the newest of several rows with one key stays.
    pub(super) newest: &'a NewestFirst,
}

/// Which of several new rows with one key stays, where no column says so.
#[derive(Clone, Copy, PartialEq)]
enum Survivor {
    First,
    Last,
}

/// A table that takes part: its stored rows and the new ones, which have the same columns.
struct Part<'a> {
    table: &'a Table,
    /// The column that identifies a row.
    row_key: Option<String>,
    stored: RecordBatch,
    new: RecordBatch,
    /// The numbers of the records of the new rows, where they have some.
    records: Option<Vec<i64>>,
    /// The rows afterwards.
    result: Vec<RecordBatch>,
}

/// One merge under way.
struct Merge<'a> {
    context: &'a MergeContext<'a>,
    settings: MergeSettings,
    root: Part<'a>,
    /// Parents before children.
    nested: Vec<Part<'a>>,
    primary_key: Vec<String>,
    merge_key: Vec<String>,
}

/// Merges the new rows of a root table and of those below it into the tables.
///
/// Errors: hints that contradict each other; a nested table whose rows cannot be traced to their root rows.
pub(super) fn merge(
    context: &MergeContext<'_>,
    tables: &mut BTreeMap<String, MemoryTable>,
    staged: &BTreeMap<String, MemoryTable>,
    root: &str,
) -> Result<()> {
    let table = context.schema.table(root);
    let table = table.ok_or_else(|| Error::internal("a table is not in the schema").at_table(root))?;
    let settings = MergeSettings::of(context.schema, table)?
        .ok_or_else(|| Error::internal("a table is to be merged that is not").at_table(root))?;
    let part = |table| part(context, tables, staged, table);
    let mut parts = merge_chain(context.schema, root).into_iter().map(part).collect::<Result<Vec<_>>>()?;
    if parts.is_empty() {
        return Ok(());
    }
    let root = parts.remove(0);
    // A key that never had a value has no column yet.
    let complete = |names: &[String]| -> Vec<String> {
        names.iter().filter(|name| root.table.columns[*name].is_complete()).cloned().collect()
    };
    let (primary_key, merge_key) = (complete(&settings.primary_key), complete(&settings.merge_key));
    let mut merge = Merge { context, settings, root, nested: parts, primary_key, merge_key };
    match merge.settings.strategy {
        MergeStrategy::DeleteInsert => merge.delete_insert(),
        MergeStrategy::Upsert | MergeStrategy::Cdc => merge.upsert(),
        MergeStrategy::InsertOnly => merge.insert_only(),
        MergeStrategy::Scd2 => merge.scd2(),
    }
    .map_err(|error| error.at_table(&merge.root.table.name))?;
    for part in std::iter::once(&merge.root).chain(&merge.nested) {
        if let Some(table) = tables.get_mut(&part.table.name) {
            table.replace(&part.result)?;
        }
    }
    Ok(())
}

fn part<'a>(
    context: &MergeContext<'_>,
    tables: &BTreeMap<String, MemoryTable>,
    staged: &BTreeMap<String, MemoryTable>,
    table: &'a Table,
) -> Result<Part<'a>> {
    let missing = || Error::internal("a table that is merged was not created").at_table(&table.name);
    let stored = tables.get(&table.name).ok_or_else(missing)?;
    let (new, records) = match staged.get(&table.name) {
        Some(new) => {
            let new = new.whole()?;
            let records = new.column_by_name(RECORD_COLUMN);
            let records = records.and_then(|column| column.as_primitive_opt::<Int64Type>());
            (stored.aligned(&new)?, records.map(|records| records.values().to_vec()))
        }
        None => (RecordBatch::new_empty(stored.whole()?.schema()), None),
    };
    let with = |hint: &'static str| table.columns_with(hint).filter(|column| column.is_complete());
    let mut keys = with("primary_key");
    let only_key = keys.next().filter(|_| keys.next().is_none());
    let id = table.columns.get(&context.names.id).filter(|column| column.is_complete());
    let row_key = with("row_key").chain(with("unique")).next().or(id).or(only_key);
    let row_key = row_key.map(|column| column.name.clone());
    Ok(Part { table, row_key, stored: stored.whole()?, new, records, result: Vec::new() })
}

impl Part<'_> {
    fn row_key(&self) -> Result<&str> {
        self.row_key.as_deref().ok_or_else(|| {
            Error::of(
                Code::MergeUntraceable,
                "a table with nested tables has no column that identifies its rows",
            )
            .at_table(&self.table.name)
            .with_hint("let one column have the hint row_key or unique")
        })
    }

    fn keys(&self, columns: &[String]) -> Result<Keys> {
        Keys::of(&self.stored, &self.new, columns)
    }

    /// The rows afterwards: of the stored and of the new ones those that stay.
    fn keep(&mut self, stored: &[bool], new: &[bool]) -> Result<()> {
        self.result = vec![filtered(&self.stored, stored)?, filtered(&self.new, new)?];
        Ok(())
    }

    /// Whether each new row is the only one, the first or the last of its id.
    fn one_of_each(&self, survivor: Survivor) -> Result<Vec<bool>> {
        let ids = texts(&self.new, self.row_key()?)?;
        let mut chosen: HashMap<&Option<String>, usize> = HashMap::new();
        for (row, id) in ids.iter().enumerate() {
            if survivor == Survivor::Last || !chosen.contains_key(id) {
                chosen.insert(id, row);
            }
        }
        let chosen: HashSet<usize> = chosen.into_values().collect();
        Ok((0..ids.len()).map(|row| chosen.contains(&row)).collect())
    }

    /// Whether each new row has the id of a stored one.
    fn is_known(&self) -> Result<Vec<bool>> {
        Ok(self.keys(&[self.row_key()?.to_owned()])?.new_are_stored())
    }
}

impl Merge<'_> {
    fn delete_insert(&mut self) -> Result<()> {
        let keys = [&self.primary_key, &self.merge_key];
        let mut touched = vec![false; self.root.stored.num_rows()];
        for key in keys.into_iter().filter(|key| !key.is_empty()) {
            either(&mut touched, &self.root.keys(key)?.stored_are_new());
        }
        let has_duplicates = !self.primary_key.is_empty() && !self.settings.is_deduplicated;
        let mut kept = match has_duplicates {
            true => self.survivors(Survivor::First)?,
            false => vec![true; self.root.new.num_rows()],
        };
        let gone = self.deletions()?;
        if let Some(gone) = &gone {
            both(&mut kept, &not(gone));
        }
        if !self.nested.is_empty() {
            let touched = self.ids(&self.root.stored, &touched)?;
            let is_limited = has_duplicates || gone.is_some();
            let wanted = if is_limited { Some(self.ids(&self.root.new, &kept)?) } else { None };
            self.keep_nested(&touched, |part, roots| {
                Ok(match &wanted {
                    Some(wanted) => is_in(roots, wanted),
                    None => vec![true; part.new.num_rows()],
                })
            })?;
        }
        self.root.keep(&not(&touched), &kept)
    }

    fn upsert(&mut self) -> Result<()> {
        let keys = self.root.keys(&self.primary_key)?;
        let (matched, known) = (keys.stored_are_new(), keys.new_are_stored());
        let survivors = self.survivors(Survivor::Last)?;
        let gone = self.deletions()?;
        let absent = self.absent(&matched)?;
        if !self.nested.is_empty() {
            // The ids of stored and new rows differ where the stored ones came by another strategy.
            let mut roots = self.ids(&self.root.stored, &matched)?;
            roots.extend(self.ids(&self.root.stored, &absent)?);
            roots.extend(self.ids(&self.root.new, &vec![true; self.root.new.num_rows()])?);
            let wanted = gone.as_ref().map(|gone| self.ids(&self.root.new, &not(gone))).transpose()?;
            let newest = self.newest_records(&survivors, gone.as_deref());
            self.keep_nested(&roots, |part, roots| {
                if let (Some(newest), Some(records)) = (&newest, &part.records) {
                    return Ok(records.iter().map(|record| newest.contains(record)).collect());
                }
                let mut kept = part.one_of_each(Survivor::Last)?;
                if let Some(wanted) = &wanted {
                    both(&mut kept, &is_in(roots, wanted));
                }
                Ok(kept)
            })?;
        }
        let gone = gone.unwrap_or_else(|| vec![false; known.len()]);
        // As in the reference a deletion of an unknown row is a row, except by cdc.
        let is_cdc = self.settings.strategy == MergeStrategy::Cdc;
        let mut inserted = survivors.clone();
        let is_row = |(gone, known): (&bool, &bool)| !gone || !(*known || is_cdc);
        both(&mut inserted, &gone.iter().zip(&known).map(is_row).collect::<Vec<_>>());
        let mut stays = not(&matched);
        both(&mut stays, &not(&absent));
        if self.settings.skips_unchanged {
            self.skip_unchanged(&keys, &survivors, &gone, &mut stays, &mut inserted)?;
        }
        self.root.keep(&stays, &inserted)
    }

    /// Cdc: the stored rows that the load would have if they still were.
    fn absent(&self, matched: &[bool]) -> Result<Vec<bool>> {
        if self.settings.strategy != MergeStrategy::Cdc {
            return Ok(vec![false; matched.len()]);
        }
        let mut absent = not(matched);
        if !self.merge_key.is_empty() {
            both(&mut absent, &self.root.keys(&self.merge_key)?.stored_are_new());
        }
        Ok(absent)
    }

    /// Lets stored rows stay that do not differ from the new row with their key.
    fn skip_unchanged(
        &self,
        keys: &Keys,
        survivors: &[bool],
        gone: &[bool],
        stays: &mut [bool],
        inserted: &mut [bool],
    ) -> Result<()> {
        let compared = self.compared_columns();
        let values = match compared.is_empty() {
            true => None,
            false => Some(self.root.keys(&compared)?),
        };
        // Nulls are equal to each other here, which `groups` tells of new rows; stored ones are encoded likewise.
        let stored_values = match compared.is_empty() {
            true => Vec::new(),
            false => Keys::of(&self.root.new, &self.root.stored, &compared)?.groups,
        };
        let by_key: HashMap<&Key, usize> = (0..survivors.len())
            .filter(|row| survivors[*row] && !gone[*row])
            .filter_map(|row| Some((keys.new[row].as_ref()?, row)))
            .collect();
        for (row, key) in keys.stored.iter().enumerate() {
            let Some(new) = key.as_ref().and_then(|key| by_key.get(key)) else { continue };
            if values.as_ref().is_none_or(|values| values.groups[*new] == stored_values[row]) {
                stays[row] = true;
                inserted[*new] = false;
            }
        }
        Ok(())
    }

    /// The columns in which a row has to differ to be written.
    fn compared_columns(&self) -> Vec<String> {
        let table = self.root.table;
        let mut compared: Vec<String> = match &self.settings.row_version {
            Some(version) if table.columns[version].is_complete() => vec![version.clone()],
            _ => {
                let ignored = ["primary_key", "row_key", "parent_key", "root_key", "hard_delete"];
                let columns = table.complete_columns().filter(|column| {
                    column.name != self.context.names.load_id && !ignored.iter().any(|hint| column.has(hint))
                });
                columns.map(|column| column.name.clone()).collect()
            }
        };
        // Nested rows point to the id of the new row: where it is another one, the stored row has to take it.
        if !self.nested.is_empty()
            && let Some(id) = &self.root.row_key
            && !compared.contains(id)
        {
            compared.push(id.clone());
        }
        compared
    }

    fn insert_only(&mut self) -> Result<()> {
        let mut inserted = self.survivors(Survivor::First)?;
        let gone = self.deletions()?;
        if let Some(gone) = &gone {
            both(&mut inserted, &not(gone));
        }
        both(&mut inserted, &not(&self.root.keys(&self.primary_key)?.new_are_stored()));
        if !self.nested.is_empty() {
            let wanted = gone.map(|gone| self.ids(&self.root.new, &not(&gone))).transpose()?;
            self.keep_nested(&HashSet::new(), |part, roots| {
                let mut kept = part.one_of_each(Survivor::First)?;
                both(&mut kept, &not(&part.is_known()?));
                if let Some(wanted) = &wanted {
                    both(&mut kept, &is_in(roots, wanted));
                }
                Ok(kept)
            })?;
        }
        self.root.keep(&vec![true; self.root.stored.num_rows()], &inserted)
    }

    fn scd2(&mut self) -> Result<()> {
        let settings = &self.settings;
        let (from, to) = settings.validity.clone().ok_or_else(|| missing("validity columns"))?;
        let version = settings.row_version.clone().ok_or_else(|| missing("row version column"))?;
        if !self.root.table.columns[&version].is_complete() {
            return Err(missing("row version column").at_column(&version));
        }
        let boundary = settings.boundary.unwrap_or(self.context.loaded_at);
        let stored = self.root.stored.num_rows();
        let is_active = self.is_active(&to)?;
        let keys = self.root.keys(&[version])?;
        let mut retired = is_active.clone();
        both(&mut retired, &not(&keys.stored_are_new()));
        if !self.merge_key.is_empty() {
            both(&mut retired, &self.root.keys(&self.merge_key)?.stored_are_new());
        }
        let active: HashSet<&Key> = keys
            .stored
            .iter()
            .zip(&is_active)
            .filter(|(_, active)| **active)
            .filter_map(|(key, _)| key.as_ref())
            .collect();
        let is_new = |key: &Option<Key>| key.as_ref().is_none_or(|key| !active.contains(key));
        let is_new: Vec<bool> = keys.new.iter().map(is_new).collect();
        let ended = with_instant(&self.root.stored, &to, Some(boundary), &retired)?;
        let begun = with_instant(&self.root.new, &from, Some(boundary), &is_new)?;
        let begun = with_instant(&begun, &to, self.settings.active_until, &is_new)?;
        self.root.result = vec![filtered(&ended, &vec![true; stored])?, filtered(&begun, &is_new)?];
        self.keep_nested(&HashSet::new(), |part, _| Ok(not(&part.is_known()?)))
    }

    /// Whether each stored row is valid now.
    fn is_active(&self, to: &str) -> Result<Vec<bool>> {
        let stored = &self.root.stored;
        let column = stored.column_by_name(to).ok_or_else(|| missing("validity columns").at_column(to))?;
        let Some(until) = self.settings.active_until else {
            return Ok((0..stored.num_rows()).map(|row| column.is_null(row)).collect());
        };
        let until = instants(until, 1, column.data_type())?;
        let micros = |array: &ArrayRef| cast(array, &MICROS).map_err(failed);
        let (column, until) = (micros(column)?, micros(&until)?);
        let times = column.as_primitive::<arrow_array::types::TimestampMicrosecondType>();
        let until = until.as_primitive::<arrow_array::types::TimestampMicrosecondType>().value(0);
        Ok(times.iter().map(|time| time == Some(until)).collect())
    }

    /// The cursor by which the newest of several new rows with one key is found.
    fn newest(&self) -> Option<&CursorOrder> {
        let table = self.root.table;
        let newest = self.context.newest.get(&table.name).filter(|_| self.settings.takes_newest())?;
        table.columns.get(&newest.column).is_some_and(Column::is_complete).then_some(newest)
    }

    /// The numbers of the records that stay, where the newest do.
    fn newest_records(&self, survivors: &[bool], gone: Option<&[bool]>) -> Option<HashSet<i64>> {
        self.newest()?;
        let records = self.root.records.as_ref()?.iter().zip(survivors).enumerate();
        let stays = |row: usize| gone.is_none_or(|gone| !gone[row]);
        Some(records.filter(|(row, (_, is_kept))| **is_kept && stays(*row)).map(|(_, (r, _))| *r).collect())
    }

    /// Whether each new root row is the one of its primary key that stays.
    fn survivors(&self, survivor: Survivor) -> Result<Vec<bool>> {
        let groups = self.root.keys(&self.primary_key)?.groups;
        let order = self.settings.dedup_sort.as_ref();
        let order = order.filter(|(column, _)| self.root.table.columns[column].is_complete());
        let newest = self.newest().filter(|_| order.is_none());
        let variants = |cursor: &str| {
            let table = self.root.table;
            let variants = table.columns.get(cursor).map(|cursor| cursor_variants(table, cursor));
            variants.into_iter().flatten().map(|variant| variant.name.clone()).collect()
        };
        let order = order
            .map(|(column, order)| (column, Vec::new(), *order))
            .or(newest.map(|newest| (&newest.column, variants(&newest.column), newest.order)));
        let ranks = order
            .map(|(column, variants, order)| {
                ranks(&self.root.new, column, &variants, order == SortOrder::Descending)
            })
            .transpose()?;
        let records = self.root.records.as_ref().filter(|_| newest.is_some());
        let mut best: HashMap<&Key, usize> = HashMap::new();
        for (row, group) in groups.iter().enumerate() {
            let is_better = best.get(group).is_none_or(|known| {
                let order =
                    ranks.as_ref().map_or(std::cmp::Ordering::Equal, |ranks| ranks[row].cmp(&ranks[*known]));
                let is_later = match records {
                    Some(records) => records[row] > records[*known],
                    None => survivor == Survivor::Last || newest.is_some(),
                };
                order.is_lt() || (order.is_eq() && is_later)
            });
            if is_better {
                best.insert(group, row);
            }
        }
        let best: HashSet<usize> = best.into_values().collect();
        Ok((0..groups.len()).map(|row| best.contains(&row)).collect())
    }

    /// Whether each new root row is a deletion; `None` if no column says so.
    fn deletions(&self) -> Result<Option<Vec<bool>>> {
        let Some(hard_delete) = &self.settings.hard_delete else { return Ok(None) };
        if !self.root.table.columns[&hard_delete.column].is_complete() {
            return Ok(None);
        }
        let Some(column) = self.root.new.column_by_name(&hard_delete.column) else { return Ok(None) };
        let is_gone = |row: usize| match column.as_boolean_opt().filter(|_| hard_delete.is_bool) {
            Some(marks) => marks.is_valid(row) && marks.value(row),
            None => column.is_valid(row),
        };
        Ok(Some((0..column.len()).map(is_gone).collect()))
    }

    /// The ids of the root rows that are chosen.
    fn ids(&self, rows: &RecordBatch, chosen: &[bool]) -> Result<HashSet<String>> {
        let ids = texts(rows, self.root.row_key()?)?.into_iter().zip(chosen);
        Ok(ids.filter(|(_, chosen)| **chosen).filter_map(|(id, _)| id).collect())
    }

    /// Removes the stored nested rows of some root rows and adds the new ones that `keeps` chooses, which is told the
    /// root row of each.
    fn keep_nested(
        &mut self,
        removed: &HashSet<String>,
        keeps: impl Fn(&Part<'_>, &[Option<String>]) -> Result<Vec<bool>>,
    ) -> Result<()> {
        let mut results = Vec::new();
        for part in &self.nested {
            let stored = match removed.is_empty() {
                true => vec![true; part.stored.num_rows()],
                false => not(&is_in(&self.roots(part, |part| &part.stored)?, removed)),
            };
            results.push((stored, keeps(part, &self.roots(part, |part| &part.new)?)?));
        }
        for (part, (stored, new)) in self.nested.iter_mut().zip(results) {
            part.keep(&stored, &new)?;
        }
        Ok(())
    }

    /// The id of the root row of each nested row: from the column that has it, or else through the rows above.
    fn roots<'p>(
        &'p self,
        part: &'p Part<'_>,
        rows: impl Fn(&'p Part<'_>) -> &'p RecordBatch + Copy,
    ) -> Result<Vec<Option<String>>> {
        let complete = |hint: &'static str| {
            part.table
                .columns_with(hint)
                .find(|column| column.is_complete())
                .map(|column| column.name.as_str())
        };
        if let Some(column) = complete("root_key") {
            return texts(rows(part), column);
        }
        let lost = || {
            Error::of(
                Code::MergeUntraceable,
                "the rows of a nested table cannot be traced to their root rows",
            )
            .at_table(&part.table.name)
            .with_hint("let one column have the hint parent_key or root_key")
        };
        let parents = texts(rows(part), complete("parent_key").ok_or_else(lost)?)?;
        let above = part.table.parent.as_deref().ok_or_else(lost)?;
        let Some(above) = self.nested.iter().find(|part| part.table.name == above) else {
            return Ok(parents);
        };
        let ids = texts(rows(above), above.row_key()?)?;
        let roots: HashMap<Option<String>, Option<String>> =
            ids.into_iter().zip(self.roots(above, rows)?).collect();
        Ok(parents.into_iter().map(|parent| roots.get(&parent).cloned().flatten()).collect())
    }
}

const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// As many times as there are rows, of the type of a column.
fn instants(micros: i64, rows: usize, column: &DataType) -> Result<ArrayRef> {
    let zone = match column {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let times = TimestampMicrosecondArray::from(vec![micros; rows]).with_timezone_opt(zone);
    cast(&times, column).map_err(failed)
}

/// The rows with another time in a column where `chosen` says so; `None` is no time.
fn with_instant(
    rows: &RecordBatch,
    column: &str,
    micros: Option<i64>,
    chosen: &[bool],
) -> Result<RecordBatch> {
    let (at, field) = rows
        .schema_ref()
        .column_with_name(column)
        .map(|(at, field)| (at, field.clone()))
        .ok_or_else(|| missing("validity columns").at_column(column))?;
    let new = match micros {
        Some(micros) => instants(micros, rows.num_rows(), field.data_type())?,
        None => new_null_array(field.data_type(), rows.num_rows()),
    };
    let mut arrays = rows.columns().to_vec();
    arrays[at] = zip(&BooleanArray::from(chosen.to_vec()), &new, &arrays[at]).map_err(failed)?;
    with_columns(rows.schema(), arrays, rows.num_rows())
}

fn is_in(values: &[Option<String>], set: &HashSet<String>) -> Vec<bool> {
    values.iter().map(|value| value.as_ref().is_some_and(|value| set.contains(value))).collect()
}

fn not(mask: &[bool]) -> Vec<bool> {
    mask.iter().map(|chosen| !chosen).collect()
}

fn both(mask: &mut [bool], other: &[bool]) {
    mask.iter_mut().zip(other).for_each(|(one, other)| *one &= other);
}

fn either(mask: &mut [bool], other: &[bool]) {
    mask.iter_mut().zip(other).for_each(|(one, other)| *one |= other);
}

fn missing(what: &str) -> Error {
    Error::config(format!("an scd2 table has no {what}"))
        .with_hint("every row needs a value in it; see row_version_column_name and validity_column_names")
}
