//! Documents of older engine versions, brought up to date step by step.

use serde_json::{Map, Value, json};

use super::{LOADS_TABLE, RELATIONAL, VERSION_TABLE, system};
use crate::error::{Code, Error, Result};
use crate::naming::{Convention, Naming};

/// The version of the stored form that this engine reads and writes.
pub const ENGINE_VERSION: i64 = 11;

type Document = Map<String, Value>;

/// Applies every step from the document's engine version on. Errors: a newer document, or none at all.
pub(super) fn migrate(document: Value) -> Result<Value> {
    let Value::Object(mut doc) = document else {
        return Err(Error::of(Code::InvalidSchema, "a schema is not an object"));
    };
    let from = doc.get("engine_version").and_then(Value::as_i64).unwrap_or(1);
    if !(1..=ENGINE_VERSION).contains(&from) {
        return Err(Error::of(
            Code::VersionUnsupported,
            format!("the schema is of engine version {from}, this is engine version {ENGINE_VERSION}"),
        )
        .with_hint("the dataset was written by a newer version; update windlass"));
    }
    let steps: [fn(&mut Document) -> Result<()>; 10] = [
        row_filters,
        table_objects,
        version_hash,
        current_system_tables,
        current_loads_table,
        unseal,
        previous_hashes,
        seen_data,
        row_and_parent_keys,
        keep_paths,
    ];
    for step in &steps[(from - 1) as usize..] {
        step(&mut doc)?;
    }
    doc.insert("engine_version".to_owned(), ENGINE_VERSION.into());
    forget_null_columns(&mut doc);
    Ok(Value::Object(doc))
}

fn object<'a>(doc: &'a mut Document, key: &str) -> &'a mut Document {
    let value = doc.entry(key).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        // Replaced by an object just above.
        _ => unreachable!("the value is an object"),
    }
}

fn tables(doc: &mut Document) -> impl Iterator<Item = (&String, &mut Document)> {
    object(doc, "tables").iter_mut().filter_map(|(name, table)| Some((name, table.as_object_mut()?)))
}

fn columns(table: &mut Document) -> impl Iterator<Item = (&String, &mut Document)> {
    let columns = table.get_mut("columns").and_then(Value::as_object_mut);
    columns.into_iter().flatten().filter_map(|(name, column)| Some((name, column.as_object_mut()?)))
}

/// 1 → 2.
fn row_filters(doc: &mut Document) -> Result<()> {
    doc.insert("includes".to_owned(), json!([]));
    doc.insert("excludes".to_owned(), json!([]));
    Ok(())
}

/// 2 → 3: tables become objects, hints become settings, patterns get their prefix.
fn table_objects(doc: &mut Document) -> Result<()> {
    doc.insert(
        "normalizers".to_owned(),
        json!({
            "names": "snake_case",
            "json": {
                "module": RELATIONAL,
                "config": { "propagation": { "root": { "_dlt_id": "_dlt_root_id" } } },
            },
        }),
    );
    let mut settings = Map::new();
    if let Some(Value::Object(hints)) = doc.shift_remove("hints") {
        let hints = hints.into_iter().map(|(hint, patterns)| {
            let patterns = patterns.as_array().into_iter().flatten().filter_map(Value::as_str);
            (hint, patterns.map(|pattern| Value::from(format!("re:{pattern}"))).collect())
        });
        settings.insert("default_hints".to_owned(), Value::Object(hints.collect()));
    }
    if let Some(Value::Object(types)) = doc.shift_remove("preferred_types") {
        let types = types.into_iter().map(|(pattern, data_type)| (format!("re:{pattern}"), data_type));
        settings.insert("preferred_types".to_owned(), Value::Object(types.collect()));
    }
    doc.insert("settings".to_owned(), Value::Object(settings));
    let old = std::mem::take(object(doc, "tables"));
    let names: Vec<String> = old.keys().cloned().collect();
    let mut migrated = Map::new();
    for (name, columns) in old {
        let mut table = Map::new();
        table.insert("name".to_owned(), name.clone().into());
        table.insert("columns".to_owned(), columns);
        match parent_of(&name, &names) {
            Some(parent) => drop(table.insert("parent".to_owned(), parent.into())),
            None => {
                table.insert("write_disposition".to_owned(), "append".into());
                table.insert("resource".to_owned(), name.clone().into());
            }
        }
        migrated.insert(name, Value::Object(table));
    }
    for kind in ["excludes", "includes"] {
        let Some(Value::Array(patterns)) = doc.shift_remove(kind) else { continue };
        for pattern in patterns.iter().filter_map(Value::as_str) {
            let path = pattern.strip_prefix('^').unwrap_or(pattern);
            let (root, rest) = path.split_once("__").unwrap_or((path, ""));
            let table = migrated.entry(root).or_insert_with(
                || json!({ "name": root, "columns": {}, "write_disposition": "append", "resource": root }),
            );
            let Value::Object(table) = table else { continue };
            let filters = object(table, "filters");
            if let Value::Array(list) = filters.entry(kind).or_insert_with(|| json!([])) {
                list.push(format!("re:^{rest}").into());
            }
        }
    }
    doc.insert("tables".to_owned(), Value::Object(migrated));
    Ok(())
}

/// The longest proper prefix, cut at `__`, that is the name of a table.
fn parent_of<'a>(name: &'a str, names: &[String]) -> Option<&'a str> {
    let mut prefix = name;
    while let Some((head, _)) = prefix.rsplit_once("__") {
        if names.iter().any(|name| name == head) {
            return Some(head);
        }
        prefix = head;
    }
    None
}

/// 3 → 4.
fn version_hash(doc: &mut Document) -> Result<()> {
    doc.entry("version_hash").or_insert_with(|| "".into());
    Ok(())
}

fn replace_system_tables(doc: &mut Document, names: &[&str]) -> Result<()> {
    let naming = Naming::new(Convention::SnakeCase, None)?;
    for table in system::required_tables(&naming)? {
        if names.contains(&table.name.as_str()) {
            object(doc, "tables").insert(table.name.clone(), Value::Object(table.to_json()));
        }
    }
    Ok(())
}

/// 4 → 5.
fn current_system_tables(doc: &mut Document) -> Result<()> {
    replace_system_tables(doc, &[VERSION_TABLE, LOADS_TABLE])
}

/// 5 → 6.
fn current_loads_table(doc: &mut Document) -> Result<()> {
    replace_system_tables(doc, &[LOADS_TABLE])
}

/// 6 → 7.
fn unseal(doc: &mut Document) -> Result<()> {
    object(doc, "settings").shift_remove("schema_sealed");
    tables(doc).for_each(|(_, table)| drop(table.shift_remove("table_sealed")));
    Ok(())
}

/// 7 → 8.
fn previous_hashes(doc: &mut Document) -> Result<()> {
    doc.insert("previous_hashes".to_owned(), json!([]));
    Ok(())
}

/// 8 → 9: a table with row ids has seen data.
fn seen_data(doc: &mut Document) -> Result<()> {
    for (_, table) in tables(doc) {
        if table.get("columns").and_then(|columns| columns.get("_dlt_id")).is_some() {
            object(table, "x-normalizer").insert("seen-data".to_owned(), true.into());
        }
    }
    Ok(())
}

/// 9 → 10: `complex` is called `json`, and the keys of rows and parents have hints of their own.
fn row_and_parent_keys(doc: &mut Document) -> Result<()> {
    let naming = Naming::new(Convention::SnakeCase, None)?;
    let (id, parent_id) = (naming.identifier("_dlt_id")?, naming.identifier("_dlt_parent_id")?);
    for (_, table) in tables(doc) {
        for (name, column) in columns(table) {
            if column.get("data_type").and_then(Value::as_str) == Some("complex") {
                column.insert("data_type".to_owned(), "json".into());
            }
            if *name == id {
                let unique = column.get("unique").cloned().unwrap_or(false.into());
                column.insert("row_key".to_owned(), unique);
            }
            if *name == parent_id {
                let foreign = column.get("foreign_key").cloned().unwrap_or(false.into());
                column.insert("parent_key".to_owned(), foreign);
            }
            column.shift_remove("foreign_key");
        }
    }
    let settings = object(doc, "settings");
    if let Some(Value::Object(types)) = settings.get_mut("preferred_types") {
        types.values_mut().filter(|value| **value == "complex").for_each(|value| *value = "json".into());
    }
    if let Some(Value::Object(hints)) =
        settings.get_mut("default_hints").filter(|h| h.as_object().is_some_and(|h| !h.is_empty()))
    {
        hints.shift_remove("foreign_key");
        hints.insert("row_key".to_owned(), json!([id]));
        hints.insert("parent_key".to_owned(), json!([parent_id]));
    }
    if let Some(Value::Object(config)) =
        doc.get_mut("normalizers").and_then(|n| n.get_mut("json")).and_then(|json| json.get_mut("config"))
    {
        config.shift_remove("generate_dlt_id");
    }
    Ok(())
}

/// 10 → 11: keys with `__` go on being squeezed into one identifier.
fn keep_paths(doc: &mut Document) -> Result<()> {
    object(doc, "normalizers").insert("use_break_path_on_normalize".to_owned(), false.into());
    Ok(())
}

/// Removes columns that were only ever null, which older engines noted in the schema.
fn forget_null_columns(doc: &mut Document) {
    for (_, table) in tables(doc) {
        let Some(Value::Object(columns)) = table.get_mut("columns") else { continue };
        columns.retain(|_, column| {
            let Some(column) = column.as_object_mut() else { return true };
            let Some(Value::Object(settings)) = column.get_mut("x-normalizer") else { return true };
            let was_null = settings.shift_remove("seen-null-first").is_some();
            if was_null && settings.is_empty() {
                column.shift_remove("x-normalizer");
            }
            !was_null || column.contains_key("data_type")
        });
    }
}
