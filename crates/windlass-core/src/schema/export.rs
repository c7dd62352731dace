//! Schemas as files for people and tools: YAML, JSON, Mermaid, DBML.

use std::fmt::Write as _;
use std::str::FromStr;

use serde_json::Value;

use super::{Column, Schema, Table};
use crate::document::{Document, DocumentFormat, to_yaml};
use crate::error::{Code, Error, Result};

/// How a schema is written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaFormat {
    /// The compact form as YAML.
    #[default]
    Yaml,
    /// The full form as JSON.
    Json,
    /// An entity relationship diagram for Mermaid.
    Mermaid,
    /// An entity relationship diagram for dbdiagram.io.
    Dbml,
}

impl FromStr for SchemaFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "mermaid" => Self::Mermaid,
            "dbml" => Self::Dbml,
            _ => {
                return Err(Error::of(Code::UnknownChoice, format!("unknown schema format `{text}`"))
                    .with_detail("what", "schema format")
                    .with_detail("name", text)
                    .with_hint(crate::nearest::choices(text, ["yaml", "json", "mermaid", "dbml"])));
            }
        })
    }
}

/// The schema as text.
pub fn export(schema: &Schema, format: SchemaFormat) -> String {
    match format {
        SchemaFormat::Yaml => to_yaml(&Value::Object(schema.to_compact_json())),
        SchemaFormat::Json => {
            // A map of strings always serializes.
            let mut text = serde_json::to_string_pretty(&Value::Object(schema.to_json())).unwrap_or_default();
            text.push('\n');
            text
        }
        SchemaFormat::Mermaid => mermaid(schema),
        SchemaFormat::Dbml => dbml(schema),
    }
}

/// Reads an import file: YAML or JSON, full or compact form, of any engine version.
pub fn parse_document(text: &str, name: &str) -> Result<Schema> {
    let document = Document::parse(text, DocumentFormat::Yaml, name)?;
    Schema::from_json(&document.value, true).map_err(|e| e.at_file(name))
}

fn type_name(column: &Column) -> String {
    column.data_type.map_or_else(|| "unknown".to_owned(), |data_type| data_type.to_string())
}

/// Child, parent and the label of the relation for each nested table.
fn relations(schema: &Schema) -> impl Iterator<Item = (&str, &str)> {
    schema.tables.values().filter_map(|table| Some((table.name.as_str(), table.parent.as_deref()?)))
}

/// References that hints declare: table, its columns, the other table, its columns.
fn references(table: &Table) -> Vec<(Vec<&str>, &str, Vec<&str>)> {
    fn names<'a>(reference: &'a Value, key: &str) -> Vec<&'a str> {
        reference.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }
    let list = table.hints.get("references").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|reference| {
        let other = reference.get("referenced_table")?.as_str()?;
        Some((names(reference, "columns"), other, names(reference, "referenced_columns")))
    })
    .collect()
}

fn mermaid(schema: &Schema) -> String {
    let mut out = String::from("erDiagram\n");
    for table in schema.tables.values() {
        let _ = writeln!(out, "  {} {{", table.name);
        for column in table.columns.values() {
            let key = if column.has("primary_key") || column.has("row_key") { " PK" } else { "" };
            let _ = writeln!(out, "    {} {}{key}", type_name(column), column.name);
        }
        out.push_str("  }\n");
    }
    for (child, parent) in relations(schema) {
        let _ = writeln!(out, "  {parent} ||--o{{ {child} : _dlt_parent_id");
    }
    for table in schema.tables.values() {
        for (columns, other, _) in references(table) {
            let _ = writeln!(out, "  {other} ||--o{{ {} : {}", table.name, columns.join("_"));
        }
    }
    out
}

fn dbml(schema: &Schema) -> String {
    let mut out = String::new();
    for table in schema.tables.values() {
        let _ = writeln!(out, "Table \"{}\" {{", table.name);
        for column in table.columns.values() {
            let mut settings = Vec::new();
            if column.has("primary_key") {
                settings.push("pk");
            }
            if column.has("unique") {
                settings.push("unique");
            }
            if !column.is_nullable() {
                settings.push("not null");
            }
            let settings =
                if settings.is_empty() { String::new() } else { format!(" [{}]", settings.join(", ")) };
            let _ = writeln!(out, "  \"{}\" {}{settings}", column.name, type_name(column));
        }
        out.push_str("}\n\n");
    }
    for (child, parent) in relations(schema) {
        let _ = writeln!(out, "Ref: \"{child}\".\"_dlt_parent_id\" > \"{parent}\".\"_dlt_id\"");
    }
    for table in schema.tables.values() {
        for (columns, other, others) in references(table) {
            let quoted = |names: &[&str]| {
                names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
            };
            let _ = writeln!(
                out,
                "Ref: \"{}\".({}) > \"{other}\".({})",
                table.name,
                quoted(&columns),
                quoted(&others)
            );
        }
    }
    out
}
