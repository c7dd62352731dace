//! Rows of a query as a table, CSV or JSON.

mod readable;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Fields, Schema};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use windlass::core::path_part::printable as for_terminal;
use windlass::core::{Error, Result};

use self::readable::{nested_as_json, readable};
use crate::args::RowFormat;

/// Characters of a value that a table shows at most.
const WIDEST_VALUE: usize = 60;

/// The zone that times are printed in.
const UTC: &str = "+00:00";

/// The rows as text.
pub(crate) fn format_rows(batches: &[RecordBatch], format: RowFormat) -> Result<Vec<u8>> {
    let print = || {
        let batches = batches.iter().map(|batch| printable(batch, format)).collect::<Result<Vec<_>, _>>()?;
        match format {
            RowFormat::Table => table(&batches),
            RowFormat::Csv => csv(&batches),
            RowFormat::Json => json(&batches),
        }
    };
    print().map_err(|cause: ArrowError| Error::internal("the rows cannot be printed").with_source(cause))
}

/// The same rows as Arrow can print them, with all times in UTC.
fn printable(batch: &RecordBatch, format: RowFormat) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| {
        let column = readable(column)?;
        if format == RowFormat::Csv { nested_as_json(&column) } else { Ok(column) }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let fields = batch
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()))
        .collect::<Fields>();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// The same times in UTC. Databases name its zone, which Arrow prints by offsets only.
fn in_utc(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Timestamp(unit, Some(zone)) if **zone != *UTC => {
            cast(column, &DataType::Timestamp(*unit, Some(UTC.into())))
        }
        _ => Ok(Arc::clone(column)),
    }
}

fn table(batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    let options = FormatOptions::default().with_null("");
    let mut rows = 0;
    for batch in batches {
        if table.header().is_none() {
            table.set_header(batch.schema().fields().iter().map(|field| for_terminal(field.name())));
        }
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(columns.len());
            for (formatter, column) in columns.iter().zip(batch.columns()) {
                let cell = Cell::new(shorten(&for_terminal(&formatter.value(row).try_to_string()?)));
                let is_number = column.data_type().is_numeric();
                cells.push(if is_number { cell.set_alignment(CellAlignment::Right) } else { cell });
            }
            table.add_row(cells);
        }
        rows += batch.num_rows();
    }
    let ending = if rows == 1 { "row" } else { "rows" };
    Ok(format!("{table}\n{rows} {ending}\n").into_bytes())
}

/// One line of at most [`WIDEST_VALUE`] characters.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(WIDEST_VALUE).collect();
    if text.chars().nth(WIDEST_VALUE).is_some() {
        short.pop();
        short.push('…');
    }
    short.replace(['\n', '\r', '\t'], " ")
}

fn csv(batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer = arrow_csv::WriterBuilder::new().with_header(true).build(Vec::new());
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    Ok(writer.into_inner())
}

fn json(batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow_json::writer::JsonArray>(Vec::new());
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()?;
    let mut text = writer.into_inner();
    if text.is_empty() {
        text.extend_from_slice(b"[]");
    }
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn rows() -> Vec<RecordBatch> {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["a\"b", "two\nlines"]));
        vec![RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap()]
    }

    fn check(format: RowFormat, expected: expect_test::Expect) {
        expected.assert_eq(&String::from_utf8(format_rows(&rows(), format).unwrap()).unwrap());
    }

    #[test]
    fn rows_are_printed_in_three_forms() {
        check(
            RowFormat::Table,
            expect_test::expect![[r#"
            ┌────┬───────────┐
            │ id ┆ name      │
            ╞════╪═══════════╡
            │  1 ┆ a"b       │
            │    ┆ two lines │
            └────┴───────────┘
            2 rows
        "#]],
        );
        check(
            RowFormat::Csv,
            expect_test::expect![[r#"
            id,name
            1,"a""b"
            ,"two
            lines"
        "#]],
        );
        check(
            RowFormat::Json,
            expect_test::expect![[r#"
            [{"id":1,"name":"a\"b"},{"id":null,"name":"two\nlines"}]
        "#]],
        );
        assert_eq!(format_rows(&[], RowFormat::Json).unwrap(), b"[]\n");
    }

    #[test]
    fn times_of_named_zones_are_printed_in_utc() {
        let times = |zone: &str| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(vec![Some(1_000_000), None]).with_timezone(zone))
        };
        let zones = ["UTC", "Europe/Berlin", "+00:00"].map(|zone| (zone, times(zone)));
        let batch = RecordBatch::try_from_iter(zones).unwrap();
        let text =
            |format| String::from_utf8(format_rows(std::slice::from_ref(&batch), format).unwrap()).unwrap();
        let second = "1970-01-01T00:00:01Z";
        assert_eq!(text(RowFormat::Csv).lines().nth(1), Some(&*[second; 3].join(",")));
        for format in [RowFormat::Table, RowFormat::Json] {
            assert_eq!(text(format).matches(second).count(), 3);
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(shorten(&"ä".repeat(60)).chars().count(), 60);
        assert_eq!(shorten(&"ä".repeat(61)).chars().last(), Some('…'));
    }
}
