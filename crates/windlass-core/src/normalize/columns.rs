//! Columnar input: batches whose columns have types already.
//!
//! A column goes through as it is where its type is that of the table's column, or the table has none yet. Batches
//! with nested columns, with columns of another type, and under a contract that refuses one of them are taken apart
//! into records, which the row path treats like any others.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{Decimal128Builder, Decimal256Builder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType as ArrowType, Field, Schema as ArrowSchema, TimeUnit};

use super::RECORD_COLUMN;
use super::batch_rows::{json_texts, plain_uuid};
use super::collisions::Collisions;
use super::context::Context;
use super::encode::RecordNumbers;
use super::exact::cast;
use super::grow::{ChangedType, SchemaState};
use super::physical::{Physical, arrow_field, has_own_digits};
use crate::error::{Code, Error, Result};
use crate::schema::{Column, ContractMode, Table};
use crate::value::{DataType, Decimal};

/// The key of a text field's metadata that says what its texts mean: `json` for JSON documents, `decimal` for numbers.
pub const DATA_TYPE_KEY: &str = "windlass:data_type";

/// What the texts of a field mean, if they are not just texts.
pub(super) fn meaning(field: &Field) -> Option<DataType> {
    match field.metadata().get(DATA_TYPE_KEY).map(String::as_str) {
        Some("json") if field.data_type() == &ArrowType::Utf8 => Some(DataType::Json),
        Some("decimal") if field.data_type() == &ArrowType::Utf8 => Some(DataType::Decimal),
        _ => None,
    }
}

/// Whether the texts of a field are decimals.
pub(crate) fn means_decimal(field: &Field) -> bool {
    meaning(field) == Some(DataType::Decimal)
}

/// Metadata of a batch from a file: the width of its integers and the units of its times say how a file was written, not
/// what the next one holds, so that the columns have none.
pub const PLAIN_TYPES: &str = "windlass:plain_types";

/// The key of a field's metadata that names its extension type.
pub const EXTENSION_NAME_KEY: &str = "ARROW:extension:name";

/// The extension type of UUIDs, which are texts here as in the reference.
pub const UUID_EXTENSION: &str = "arrow.uuid";

/// Whether a field holds UUIDs as 16 bytes.
pub(super) fn is_uuid(field: &Field) -> bool {
    let is_named = || field.metadata().get(EXTENSION_NAME_KEY).is_some_and(|name| name == UUID_EXTENSION);
    field.data_type() == &ArrowType::FixedSizeBinary(16) && is_named()
}

/// Metadata of a batch whose nested columns become columns of JSON; those of others become tables and columns.
pub const KEEPS_NESTED: &str = "windlass:keeps_nested";

fn is_nested(kind: &ArrowType) -> bool {
    use ArrowType::{FixedSizeList, LargeList, List, Map, Struct};
    matches!(kind, List(_) | LargeList(_) | FixedSizeList(..) | Struct(_) | Map(..))
}

/// The column that an Arrow field describes; `None` for a type without one (nested, null, intervals).
pub(super) fn column_of_field(name: &str, field: &Field, default_precision: u8) -> Option<Column> {
    let typed = |data_type| Column::typed(name, data_type, field.is_nullable());
    if is_uuid(field) {
        return Some(typed(DataType::Text));
    }
    let by_unit = |data_type, unit: &TimeUnit| {
        let precision = match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        };
        // Finer than a file holds is cut, and the destination's own precision goes without saying.
        let precision = precision.min(6);
        Column {
            precision: (precision != i64::from(default_precision)).then_some(precision),
            ..typed(data_type)
        }
    };
    let bits = |bits: i64| Column { precision: (bits != 64).then_some(bits), ..typed(DataType::Bigint) };
    Some(match field.data_type() {
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => {
            typed(meaning(field).unwrap_or(DataType::Text))
        }
        ArrowType::Float16 | ArrowType::Float32 | ArrowType::Float64 => typed(DataType::Double),
        ArrowType::Boolean => typed(DataType::Bool),
        ArrowType::Timestamp(unit, _) => by_unit(DataType::Timestamp, unit),
        ArrowType::Time32(unit) | ArrowType::Time64(unit) => by_unit(DataType::Time, unit),
        ArrowType::Date32 | ArrowType::Date64 => typed(DataType::Date),
        ArrowType::Int8 => bits(8),
        ArrowType::Int16 => bits(16),
        ArrowType::Int32 => bits(32),
        // A signed column of the same width has no room for the upper half.
        ArrowType::Int64 | ArrowType::UInt8 | ArrowType::UInt16 | ArrowType::UInt32 | ArrowType::UInt64 => {
            bits(64)
        }
        ArrowType::Binary | ArrowType::LargeBinary | ArrowType::BinaryView => typed(DataType::Binary),
        ArrowType::FixedSizeBinary(length) => {
            Column { precision: Some(i64::from(*length)), ..typed(DataType::Binary) }
        }
        ArrowType::Decimal128(precision, scale) | ArrowType::Decimal256(precision, scale) => Column {
            precision: Some(i64::from(*precision)),
            scale: Some(i64::from(*scale)),
            ..typed(DataType::Decimal)
        },
        ArrowType::Dictionary(_, values) => {
            let values = Field::new(field.name(), values.as_ref().clone(), field.is_nullable());
            return column_of_field(name, &values, default_precision);
        }
        _ => return None,
    })
}

/// The columns of a batch, as a table would have them.
pub(super) struct BatchColumns {
    /// Index in the batch and description, without columns of nulls.
    pub(super) columns: Vec<(usize, Column)>,
    /// Whether some column is nested, so that the batch has to be taken apart.
    pub(super) is_nested: bool,
}

impl BatchColumns {
    /// Errors: two fields with one normalized name.
    pub(super) fn new(ctx: &Context, batch: &RecordBatch) -> Result<Self> {
        let mut columns: Vec<(usize, Column)> = Vec::new();
        let mut is_taken_apart = false;
        let keeps_nested = batch.schema_ref().metadata().contains_key(KEEPS_NESTED);
        let is_plain = batch.schema_ref().metadata().contains_key(PLAIN_TYPES);
        let fields = batch.schema_ref().fields();
        for (index, field) in fields.iter().enumerate() {
            if field.data_type() == &ArrowType::Null {
                continue;
            }
            let mut name = ctx.naming.path(field.name())?;
            if name.is_empty() {
                return Err(Error::data(format!("column {index} of a batch has no name"))
                    .with_hint("give each column of the frame a name"));
            }
            let is_taken = |name: &String| columns.iter().any(|(_, column)| column.name == *name);
            if is_taken(&name) && ctx.collisions == Collisions::Number {
                let mut numbered = (2..).map(|number| ctx.join(&[format!("{name}_{number}")]));
                name = numbered.find(|name| !is_taken(name)).unwrap_or(name);
            } else if is_taken(&name) {
                return Err(Error::of(
                    Code::NamesCollide,
                    format!("two columns of a batch are called `{name}` after normalization"),
                )
                .with_detail("name", name.as_str())
                .with_hint("rename one of them"));
            }
            match column_of_field(&name, field, ctx.types.timestamp_precision) {
                Some(column) if is_plain && column.scale.is_none() => {
                    columns.push((index, Column { precision: None, ..column }));
                }
                Some(column) => columns.push((index, column)),
                None if keeps_nested && is_nested(field.data_type()) => {
                    columns.push((index, Column::typed(&name, DataType::Json, field.is_nullable())));
                }
                None => is_taken_apart = true,
            }
        }
        let mut given: Vec<&String> = fields.iter().map(|field| field.name()).collect();
        given.sort_unstable();
        if let Some(twice) = given.windows(2).find(|pair| is_taken_apart && pair[0] == pair[1]) {
            // Taken apart, they are keys of one object.
            return Err(Error::of(Code::NamesCollide, format!("two columns are both called `{}`", twice[0]))
                .with_detail("name", twice[0].as_str())
                .with_hint("rename one of them"));
        }
        Ok(Self { columns, is_nested: is_taken_apart })
    }

    /// What the batch changes in the table: the columns that it lacks, and those that have to take nulls from now on.
    /// `None` if that is nothing.
    ///
    /// Errors: a contract keeps a column from taking nulls.
    pub(super) fn changes(
        &self,
        ctx: &Context,
        state: &SchemaState,
        table: &str,
        batch: &RecordBatch,
    ) -> Result<Option<Table>> {
        let parent = state.schema.table(table).and_then(|known| known.parent.clone());
        let mut partial = Table { parent, ..Table::new(table) };
        // Those of batches that are taken apart come with their values.
        if !self.is_nested {
            self.add_missing(ctx, state, &mut partial);
        }
        self.add_emptied(ctx, state, batch, &mut partial)?;
        Ok((!partial.columns.is_empty()).then_some(partial))
    }

    /// The columns whose type is another than the one that the table has already; those of which this run declares the type
    /// are told elsewhere.
    pub(super) fn changed_types(
        &self,
        ctx: &Context,
        state: &SchemaState,
        table: &str,
    ) -> BTreeMap<String, ChangedType> {
        let Some(known) = state.schema.table(table) else { return BTreeMap::new() };
        let columns = self.columns.iter().filter_map(|(_, given)| {
            let kept = known.columns.get(&given.name).filter(|kept| kept.is_complete())?;
            let is_told = ctx.conversion.is_free(&given.name) || ctx.declared.is_kept(table, &given.name);
            let is_same = given.data_type == kept.data_type
                && (given.data_type != Some(DataType::Decimal) || kept.has_type_of(given));
            let change = ChangedType { given: given.type_text(), kept: kept.type_text() };
            (!is_told && !is_same).then(|| (given.name.clone(), change))
        });
        columns.collect()
    }

    /// The columns that the table lacks, with the engine's own last.
    fn add_missing(&self, ctx: &Context, state: &SchemaState, partial: &mut Table) {
        let table = partial.name.clone();
        let known = state.schema.table(&table);
        let existing = |name: &str| known.and_then(|table| table.columns.get(name));
        let is_refused = |name: &str| state.refused_columns.contains_key(&(table.clone(), name.to_owned()));
        let is_missing =
            |name: &str| existing(name).is_none_or(|column| !column.is_complete()) && !is_refused(name);
        for (_, column) in self.columns.iter().filter(|(_, column)| is_missing(&column.name)) {
            let mut column = column.clone();
            if let Some(hints) = existing(&column.name) {
                column.merge(hints);
            }
            partial.columns.insert(column.name.clone(), column);
        }
        let adds = [(&ctx.names.load_id, ctx.batch_ids.load_id), (&ctx.names.id, ctx.batch_ids.row_id)];
        for (name, is_added) in adds {
            if is_added && is_missing(name) {
                let mut column = ctx.rules.new_column(name, DataType::Text);
                // A row that is told apart by its content may come back, so that its id need not be unique.
                if let Some(hints) = existing(name) {
                    column.merge(hints);
                }
                partial.columns.insert(name.clone(), column);
            }
        }
    }

    /// The columns that refuse nulls, as an earlier batch or source had them, and that this one leaves empty or fills
    /// with something else. Keys and what this run declares stay as they are.
    fn add_emptied(
        &self,
        ctx: &Context,
        state: &SchemaState,
        batch: &RecordBatch,
        partial: &mut Table,
    ) -> Result<()> {
        let Some(known) = state.schema.table(&partial.name) else { return Ok(()) };
        let is_filled = |known: &Column| {
            let given = self.columns.iter().find(|(_, column)| column.name == known.name);
            given.is_some_and(|(index, column)| {
                column.data_type == known.data_type && batch.column(*index).null_count() == 0
            })
        };
        let keys = ["primary_key", "merge_key", "row_key", "parent_key", "root_key"];
        for column in known.complete_columns().filter(|column| !column.is_nullable()) {
            let is_own = column.name.starts_with(&ctx.names.prefix);
            let is_key = keys.iter().any(|key| column.has(key));
            if is_own || is_key || ctx.conversion.is_free(&column.name) || is_filled(column) {
                continue;
            }
            let mode = state.schema.contract(&partial.name)?.data_type;
            if matches!(mode, ContractMode::DiscardRow | ContractMode::DiscardValue) {
                return Err(super::grow::null_error().at_table(&partial.name).at_column(&column.name));
            }
            partial.columns.insert(column.name.clone(), Column { nullable: Some(true), ..column.clone() });
        }
        Ok(())
    }

    /// The columns whose values are JSON.
    pub(super) fn json_columns(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|(_, column)| column);
        columns.filter(|column| column.data_type == Some(DataType::Json)).map(|c| c.name.clone()).collect()
    }

    /// Leaves out the columns whose values a contract refuses; gives how many values are lost by that.
    pub(super) fn leave_refused(&mut self, state: &SchemaState, table: &str, batch: &RecordBatch) -> u64 {
        let is_refused = |name: &str| {
            let mode = state.refused_columns.get(&(table.to_owned(), name.to_owned()));
            mode == Some(&ContractMode::DiscardValue)
        };
        let mut lost = 0;
        self.columns.retain(|(index, column)| {
            let leaves = is_refused(&column.name);
            if leaves {
                let array = batch.column(*index);
                lost += (array.len() - array.null_count()) as u64;
            }
            !leaves
        });
        lost
    }

    /// Whether rows of the batch go into the table without ids.
    pub(super) fn leaves_ids_out(&self, ctx: &Context, state: &SchemaState, table: &str) -> bool {
        let known = state.schema.table(table);
        let has =
            |name: &str| known.and_then(|known| known.columns.get(name)).is_some_and(Column::is_complete);
        self.fits(ctx, state, table) && !(has(&ctx.names.id) && has(&ctx.names.load_id))
    }

    /// Whether every column can go through as it is.
    pub(super) fn fits(&self, ctx: &Context, state: &SchemaState, table: &str) -> bool {
        let Some(known) = state.schema.table(table) else { return false };
        let own = [&ctx.names.id, &ctx.names.load_id, &ctx.names.parent_id, &ctx.names.list_index];
        // Rows without any column are kept by their ids.
        !self.is_nested
            && !self.columns.is_empty()
            && self.columns.iter().all(|(_, column)| {
                let is_same =
                    known.columns.get(&column.name).is_some_and(|k| k.data_type == column.data_type);
                is_same && !own.contains(&&column.name)
            })
    }

    /// The rows in the layout of the table, with load id and row ids. `None` if a value does not fit its column.
    ///
    /// Errors: a null in a column that may not be null.
    pub(super) fn rows(
        &self,
        ctx: &Context,
        table: &Table,
        batch: &RecordBatch,
        numbers: RecordNumbers<'_>,
    ) -> Result<Option<RecordBatch>> {
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        let may_round =
            |column: &Column| ctx.conversion.is_free(&column.name) && has_own_digits(column, &ctx.types);
        for (index, column) in &self.columns {
            let definition = &table.columns[&column.name];
            let field = arrow_field(definition, &ctx.types);
            let physical = Physical::of(definition, &ctx.types);
            let given = batch.column(*index);
            let array = match (physical, given.as_string_opt::<i32>()) {
                (Physical::Decimal(precision, scale), Some(texts)) => {
                    let may_round = may_round(definition);
                    decimals(texts, precision, scale, may_round)
                }
                _ => {
                    let given = plain_uuid(given, batch.schema_ref().field(*index))?;
                    let source: ArrayRef = if is_nested(given.data_type()) {
                        let field = batch.schema_ref().field(*index);
                        Arc::new(json_texts(&given, field).map_err(|error| error.at_column(&column.name))?)
                    } else {
                        given
                    };
                    cast(&source, physical, may_round(definition))
                }
            };
            let Some(array) = array else { return Ok(None) };
            if !definition.is_nullable() && array.null_count() > 0 {
                return Err(super::grow::null_error().at_column(&column.name));
            }
            fields.push(field);
            arrays.push(array);
        }
        let count = batch.num_rows();
        let load_ids = || StringArray::from_iter_values(std::iter::repeat_n(&ctx.load_id, count));
        let row_ids = || {
            let mut ids = StringBuilder::with_capacity(count, count * 14);
            for ordinal in 0..count as u32 {
                ids.append_value(std::str::from_utf8(&numbers.id(ordinal)).unwrap_or_default());
            }
            ids.finish()
        };
        // Most tables of columns have neither, and ten million ids take a second.
        let own: [(&str, &dyn Fn() -> StringArray); 2] =
            [(&ctx.names.load_id, &load_ids), (&ctx.names.id, &row_ids)];
        for (name, values) in own {
            if table.columns.get(name).is_some_and(Column::is_complete) {
                fields.push(Field::new(name, ArrowType::Utf8, false));
                arrays.push(Arc::new(values()));
            }
        }
        let schema = Arc::new(ArrowSchema::new(fields));
        RecordBatch::try_new(schema, arrays)
            .map(Some)
            .map_err(|cause| Error::internal("a batch could not be built").with_source(cause))
    }
}

/// The rows with a column that numbers them from `first` on.
pub(super) fn with_records(rows: RecordBatch, first: i64) -> Result<RecordBatch> {
    let mut fields: Vec<_> = rows.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(RECORD_COLUMN, ArrowType::Int64, true)));
    let mut arrays = rows.columns().to_vec();
    arrays.push(Arc::new(Int64Array::from_iter_values((first..).take(rows.num_rows()))));
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays)
        .map_err(|cause| Error::internal("rows could not be numbered").with_source(cause))
}

/// Numbers in the digits of their column, rounded to its scale if they may be; `None` if one of them is too large, or none.
fn decimals(texts: &StringArray, precision: u8, scale: i8, may_round: bool) -> Option<ArrayRef> {
    let unscaled = |text: &str| {
        let number = Decimal::parse(text)?;
        if may_round || number.is_exact_at(scale) { number.unscaled(precision, scale) } else { None }
    };
    Some(if precision <= 38 {
        let mut builder = Decimal128Builder::with_capacity(texts.len());
        for text in texts {
            match text {
                None => builder.append_null(),
                Some(text) => builder.append_value(unscaled(text)?.to_i128()?),
            }
        }
        Arc::new(builder.with_precision_and_scale(precision, scale).ok()?.finish())
    } else {
        let mut builder = Decimal256Builder::with_capacity(texts.len());
        for text in texts {
            match text {
                None => builder.append_null(),
                Some(text) => builder.append_value(unscaled(text)?),
            }
        }
        Arc::new(builder.with_precision_and_scale(precision, scale).ok()?.finish())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow_array::types::Decimal128Type;

    use super::super::batch_rows::lines;
    use super::*;

    fn annotated(meaning: &str, texts: Vec<Option<&str>>) -> RecordBatch {
        let metadata = HashMap::from([(DATA_TYPE_KEY.to_owned(), meaning.to_owned())]);
        let field = Field::new("c", ArrowType::Utf8, true).with_metadata(metadata);
        let array: ArrayRef = Arc::new(StringArray::from(texts));
        RecordBatch::try_new(Arc::new(ArrowSchema::new(vec![field])), vec![array]).unwrap()
    }

    #[test]
    fn texts_say_what_they_mean() {
        let json = annotated("json", vec![Some("{\"a\":\n1}"), None, Some("{bad")]);
        assert_eq!(column_of_field("c", json.schema().field(0), 6).unwrap().data_type, Some(DataType::Json));
        let text = String::from_utf8(lines(&json).unwrap()).unwrap();
        assert_eq!(text, "{\"c\":{\"a\":1}}\n{\"c\":null}\n{\"c\":\"{bad\"}\n");
        let number = annotated("decimal", vec![Some("1.50"), Some("many")]);
        let text = String::from_utf8(lines(&number).unwrap()).unwrap();
        assert_eq!(text, "{\"c\":\"\u{f026}1.50\"}\n{\"c\":\"many\"}\n");
    }

    #[test]
    fn numbers_take_the_digits_of_their_column_or_do_not_fit() {
        let texts = |texts: Vec<Option<&str>>| StringArray::from(texts);
        let fits = decimals(&texts(vec![Some("1.5"), None, Some("-0.000000001")]), 38, 9, true).unwrap();
        assert_eq!(fits.data_type(), &ArrowType::Decimal128(38, 9));
        assert_eq!(fits.null_count(), 1);
        // As databases do on insert.
        let rounded = decimals(&texts(vec![Some("0.0000000016")]), 38, 9, true).unwrap();
        assert_eq!(rounded.as_primitive::<Decimal128Type>().value(0), 2);
        assert!(decimals(&texts(vec![Some("NaN")]), 38, 9, true).is_none());
        let wide =
            decimals(&texts(vec![Some("123456789012345678901234567890123456789012")]), 76, 10, true).unwrap();
        assert_eq!(wide.data_type(), &ArrowType::Decimal256(76, 10));
    }
}
