//! Names that come to one name: what is dropped by that is counted, and what was declared is refused.
//!
//! The keys of a record are data: the last one counts, as in the reference, and what it takes the place of is counted.
//! The columns of a file or a table, and tables themselves, are declared: two of one name are a mistake.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use arrow_schema::{DataType as ArrowType, Fields, Schema as ArrowSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::columns::KEEPS_NESTED;
use super::context::Context;
use crate::error::{Code, Error, Result};
use crate::naming::{Convention, Naming};
use crate::schema::Schema;

/// What becomes of several keys of one record, or of several columns, that come to one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Collisions {
    /// The last key of a record counts, with a warning; two columns of one name are refused.
    #[default]
    Last,
    /// Both are refused.
    Refuse,
    /// The second gets the name with `_2`, the third with `_3`, in the order of each record.
    Number,
}

/// Values of one name that were dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overwritten {
    /// How many.
    pub count: u64,
    /// A key whose values were dropped.
    pub lost: String,
    /// The key that counted instead.
    pub kept: String,
}

/// Values that were dropped, by table and name.
pub type OverwrittenNames = BTreeMap<String, BTreeMap<String, Overwritten>>;

/// A value of a row that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LostValue {
    pub(super) name: String,
    pub(super) lost: String,
    pub(super) kept: String,
}

/// Counts dropped values. Which keys are named does not depend on the order in which they are counted.
pub(super) fn count_lost(names: &mut OverwrittenNames, table: &str, lost: LostValue, count: u64) {
    let LostValue { name, lost, kept } = lost;
    match names.entry(table.to_owned()).or_default().entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(Overwritten { count, lost, kept });
        }
        Entry::Occupied(mut entry) => {
            let known = entry.get_mut();
            known.count += count;
            if (&lost, &kept) < (&known.lost, &known.kept) {
                (known.lost, known.kept) = (lost, kept);
            }
        }
    }
}

/// Adds the counts of another worker.
pub(super) fn add_lost(names: &mut OverwrittenNames, other: &OverwrittenNames) {
    for (table, columns) in other {
        for (name, Overwritten { count, lost, kept }) in columns {
            let lost = LostValue { name: name.clone(), lost: lost.clone(), kept: kept.clone() };
            count_lost(names, table, lost, *count);
        }
    }
}

/// The error for two keys of a record of one name.
pub(super) fn keys_collide(ctx: &Context, name: &str, first: &str, second: &str) -> Error {
    Error::of(
        Code::NamesCollide,
        format!("the keys `{first}` and `{second}` of one record both come to the name `{name}`"),
    )
    .with_detail("name", name)
    .with_detail("first", first)
    .with_detail("second", second)
    .with_hint(remedy(&ctx.naming, &[first, second], "rename one of them by `steps`", true))
}

/// The error for two columns of one name.
fn columns_collide(ctx: &Context, name: &str, first: &str, second: &str) -> Error {
    Error::of(
        Code::NamesCollide,
        format!("two columns are called `{name}` after normalization: `{first}` and `{second}`"),
    )
    .with_detail("name", name)
    .with_detail("first", first)
    .with_detail("second", second)
    .with_hint(remedy(&ctx.naming, &[first, second], "rename one of them", true))
}

/// Errors: two tables that were given under different names and come to one.
pub fn check_tables<'a>(naming: &Naming, tables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<()> {
    let mut known: HashMap<&str, &str> = HashMap::new();
    for (table, given) in tables {
        let other = *known.entry(table).or_insert(given);
        if other != given {
            return Err(Error::of(
                Code::DuplicateName,
                format!("the tables `{other}` and `{given}` both come to the name `{table}`"),
            )
            .with_detail("name", table)
            .with_hint(remedy(
                naming,
                &[other, given],
                "give one of them another table_name",
                false,
            )));
        }
    }
    Ok(())
}

/// What to do: rename, or a convention under which the names differ, by more than case.
fn remedy(naming: &Naming, names: &[&str], rename: &str, has_setting: bool) -> String {
    let conventions = [Convention::SqlCiV1, Convention::SqlCsV1, Convention::DuckCase, Convention::Direct];
    let apart = conventions.into_iter().find(|convention| {
        let Ok(other) = Naming::new(*convention, naming.max_length()) else { return false };
        let mut seen: Vec<String> = names
            .iter()
            .filter_map(|name| other.identifier(name).ok())
            .map(|name| name.to_lowercase())
            .collect();
        seen.sort();
        seen.dedup();
        seen.len() == names.len()
    });
    let mut text = rename.to_owned();
    if let Some(convention) = apart {
        text.push_str(&format!(
            ", load with schema.naming: {}, under which they differ",
            convention.as_str()
        ));
    }
    if has_setting {
        text.push_str(", or set schema.collisions: number to keep both under numbered names");
    }
    text
}

/// Errors: two of the columns that a file declares come to one name.
pub(super) fn check_columns(ctx: &Context, names: &[String]) -> Result<()> {
    if ctx.collisions == Collisions::Number {
        return Ok(());
    }
    let mut known: HashMap<String, &str> = HashMap::with_capacity(names.len());
    for given in names {
        let name = ctx.join(&[ctx.column_key(given)]);
        if let Some(other) = known.insert(name.clone(), given) {
            return Err(columns_collide(ctx, &name, other, given));
        }
    }
    Ok(())
}

/// Errors: two fields of columns come to one name, also those of nested columns that become columns and tables.
pub(super) fn check_fields(ctx: &Context, start: &Schema, table: &str, schema: &ArrowSchema) -> Result<()> {
    if ctx.collisions == Collisions::Number {
        return Ok(());
    }
    let keeps_nested = schema.metadata.contains_key(KEEPS_NESTED);
    let level = if keeps_nested { 0 } else { ctx.nesting_budget(start, start.table(table)) };
    Declared::new(ctx, start, &[table.to_owned()]).fields(schema.fields(), level, &[], "")
}

/// The names that the fields of one table have taken.
struct Declared<'a> {
    ctx: &'a Context,
    start: &'a Schema,
    /// Parts of the name of the table.
    parts: Vec<String>,
    table: String,
    columns: HashMap<String, String>,
    lists: HashMap<Vec<String>, String>,
}

impl<'a> Declared<'a> {
    fn new(ctx: &'a Context, start: &'a Schema, parts: &[String]) -> Self {
        let table = ctx.join(parts);
        Self { ctx, start, parts: parts.to_vec(), table, columns: HashMap::new(), lists: HashMap::new() }
    }

    fn fields(&mut self, fields: &Fields, level: i64, path: &[String], above: &str) -> Result<()> {
        for field in fields.iter().filter(|field| field.data_type() != &ArrowType::Null) {
            let given =
                if above.is_empty() { field.name().clone() } else { format!("{above}.{}", field.name()) };
            let mut column_path = path.to_vec();
            column_path.push(self.ctx.column_key(field.name()));
            let column = self.ctx.join(&column_path);
            let stays = self.ctx.keeps_nested(self.start, &self.table, &column, level);
            match field.data_type() {
                ArrowType::Struct(inner) if !stays => self.fields(inner, level - 1, &column_path, &given)?,
                ArrowType::List(item) | ArrowType::LargeList(item) | ArrowType::FixedSizeList(item, _)
                    if !stays =>
                {
                    let mut list_path = path.to_vec();
                    list_path.push(self.ctx.table_key(field.name()));
                    let parts: Vec<String> = self.parts.iter().chain(&list_path).cloned().collect();
                    if let Some(other) = self.lists.insert(list_path, given.clone()) {
                        return Err(columns_collide(self.ctx, &self.ctx.join(&parts), &other, &given));
                    }
                    if let ArrowType::Struct(inner) = item.data_type() {
                        Declared::new(self.ctx, self.start, &parts).fields(inner, level - 1, &[], &given)?;
                    }
                }
                // The keys of a map are data.
                ArrowType::Map(..) if !stays => {}
                _ => {
                    if let Some(other) = self.columns.insert(column.clone(), given.clone()) {
                        return Err(columns_collide(self.ctx, &column, &other, &given));
                    }
                }
            }
        }
        Ok(())
    }
}
