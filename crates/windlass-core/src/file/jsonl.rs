//! One compact JSON object per line. Nulls are left out; decimals and dates are text, as in the reference.

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::TextEncoder;
use super::scalar_text::{Kind, TextColumn};
use crate::error::Result;
use crate::value::{json_double, json_string};

pub(super) struct Jsonl {
    /// `"name":` for each column, and whether its text is JSON already.
    keys: Vec<(String, bool)>,
}

impl Jsonl {
    pub(super) fn new(schema: &Schema, json_columns: &[String]) -> Self {
        let key = |name: &String| {
            let mut key = String::new();
            json_string(&mut key, name);
            key.push(':');
            (key, json_columns.contains(name))
        };
        Self { keys: schema.fields().iter().map(|field| key(field.name())).collect() }
    }
}

impl TextEncoder for Jsonl {
    fn encode(&mut self, batch: &RecordBatch, out: &mut String) -> Result<()> {
        let schema = batch.schema();
        let columns = batch
            .columns()
            .iter()
            .zip(schema.fields())
            .map(|(array, field)| TextColumn::new(array, field.name()));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            out.push('{');
            let mut is_first = true;
            for (column, (key, is_json)) in columns.iter().zip(&self.keys) {
                if column.is_null(row) {
                    continue;
                }
                if !is_first {
                    out.push(',');
                }
                is_first = false;
                out.push_str(key);
                match column.kind() {
                    Kind::Int => column.write_plain(row, 'T', out),
                    Kind::Double => json_double(out, column.double(row)),
                    Kind::Bool => out.push_str(if column.bool(row) { "true" } else { "false" }),
                    Kind::Text if *is_json => out.push_str(column.text(row)),
                    Kind::Text => json_string(out, column.text(row)),
                    Kind::Binary => json_string(out, &column.base64(row)),
                    Kind::Decimal | Kind::Iso => {
                        out.push('"');
                        column.write_plain(row, 'T', out);
                        out.push('"');
                    }
                }
            }
            out.push_str("}\n");
        }
        Ok(())
    }
}
