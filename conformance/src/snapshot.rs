//! What a destination holds after a run, in the form of the cases: ids and clocks masked.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use windlass::core::Result;
use windlass::core::schema::Schema;
use windlass::core::state::State;
use windlass::destination::Session;

use crate::Target;
use crate::rows::rows;

/// Keys of the state that are compared.
const STATE_KEYS: [&str; 5] =
    ["sources", "_state_version", "_state_engine_version", "default_schema_name", "schema_names"];

/// Takes the snapshot of a dataset.
pub(crate) async fn snapshot(
    session: &mut dyn Session,
    target: &Target,
    dataset: &str,
    schema: Option<&Schema>,
    state: &State,
) -> Result<Value> {
    let info = rows(&session.query(&target.columns_query(dataset)).await?);
    let mut columns: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in &info {
        let column = json!([row["c"], row["d"], is_true(&row["n"])]);
        columns.entry(text(&row["t"])).or_default().push(column);
    }
    let mut meta = Map::new();
    let mut loads = BTreeMap::new();
    if columns.contains_key("_dlt_loads") {
        let sql = format!(
            "SELECT load_id, schema_name, status, schema_version_hash FROM \"{dataset}\".\"_dlt_loads\" \
             ORDER BY inserted_at, load_id"
        );
        let mut list = Vec::new();
        for (index, row) in rows(&session.query(&sql).await?).into_iter().enumerate() {
            loads.insert(text(&row["load_id"]), format!("load-{index}"));
            list.push(json!([row["schema_name"], row["status"], row["schema_version_hash"]]));
        }
        meta.insert("_dlt_loads".to_owned(), list.into());
    }
    if columns.contains_key("_dlt_version") {
        let sql = format!(
            "SELECT version, engine_version, schema_name, version_hash FROM \"{dataset}\".\"_dlt_version\" \
             ORDER BY inserted_at, version"
        );
        let list = rows(&session.query(&sql).await?).into_iter();
        let list: Vec<Value> = list
            .map(|row| {
                json!([row["version"], row["engine_version"], row["schema_name"], row["version_hash"]])
            })
            .collect();
        meta.insert("_dlt_version".to_owned(), list.into());
    }
    let mut data: Vec<&String> = columns.keys().filter(|table| !table.starts_with("_dlt_")).collect();
    // Parents come before their children: they have fewer separators.
    data.sort_by_key(|table| (table.matches("__").count(), (*table).clone()));
    let mut all_ids: BTreeMap<String, String> = BTreeMap::new();
    let mut tables: BTreeMap<String, Vec<Map<String, Value>>> = BTreeMap::new();
    let mut duplicates = Map::new();
    for table in &data {
        let huge: Vec<&str> = columns[*table]
            .iter()
            .filter(|column| column[1] == "HUGEINT")
            .filter_map(|column| column[0].as_str())
            .collect();
        let mut found = Vec::new();
        let mut ids = Vec::new();
        for mut row in rows(&session.query(&format!("SELECT * FROM \"{dataset}\".\"{table}\"")).await?) {
            let id = row.shift_remove("_dlt_id");
            for (name, value) in &mut row {
                mask(name, value, &loads, &all_ids);
                if huge.contains(&name.as_str())
                    && let Some(digits) = value.get("$decimal").and_then(Value::as_str)
                {
                    *value = digits.parse::<i64>().map_or_else(|_| json!(digits), Value::from);
                }
            }
            let canonical = canonical(&row);
            if let Some(id) = id.as_ref().and_then(Value::as_str) {
                ids.push((id.to_owned(), format!("{table}:{canonical}")));
            }
            found.push((canonical, row));
        }
        if columns[*table].iter().any(|column| column[0] == "_dlt_id") {
            let mut distinct: Vec<&String> = ids.iter().map(|(id, _)| id).collect();
            distinct.sort_unstable();
            distinct.dedup();
            duplicates.insert((*table).clone(), (ids.len() - distinct.len()).into());
        }
        all_ids.extend(ids);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        tables.insert((*table).clone(), found.into_iter().map(|(_, row)| row).collect());
    }
    let positions: BTreeMap<String, String> = tables
        .iter()
        .flat_map(|(table, rows)| {
            rows.iter()
                .enumerate()
                .map(move |(index, row)| (format!("{table}:{}", canonical(row)), format!("{table}[{index}]")))
        })
        .collect();
    for rows in tables.values_mut() {
        for row in rows.iter_mut() {
            for key in ["_dlt_parent_id", "_dlt_root_id"] {
                if let Some(place) = row.get(key).and_then(Value::as_str).and_then(|id| positions.get(id)) {
                    row.insert(key.to_owned(), place.clone().into());
                }
            }
        }
        rows.sort_by_key(canonical);
    }
    let columns: BTreeMap<_, _> =
        columns.into_iter().filter(|(table, _)| !table.starts_with("_dlt_")).collect();
    Ok(json!({
        "columns": columns,
        "rows": tables,
        "duplicate_dlt_ids": duplicates,
        "meta": meta,
        "schema": schema.map(Schema::to_json),
        "state": compared_state(state),
    }))
}

/// The snapshot of a destination that does not exist.
pub(crate) fn of_nothing(schema: Option<&Schema>, state: &State) -> Value {
    let schema = schema.map(Schema::to_json);
    let state = compared_state(state);
    json!({ "columns": {}, "rows": {}, "duplicate_dlt_ids": {}, "meta": {}, "schema": schema, "state": state })
}

fn compared_state(state: &State) -> Map<String, Value> {
    let state = state.to_json();
    STATE_KEYS.iter().filter_map(|key| Some(((*key).to_owned(), recorded_state(state.get(*key)?)))).collect()
}

/// The state as the recorder writes it: typed values in Python's text form.
fn recorded_state(value: &Value) -> Value {
    match value {
        Value::String(text) => match windlass::core::value::strip_tag(text) {
            Some((windlass::core::value::Tag::Timestamp, body)) => body.replace('T', " ").into(),
            Some((_, body)) => body.into(),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(recorded_state).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), recorded_state(value))).collect(),
        _ => value.clone(),
    }
}

/// SQLite has no booleans.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_i64() == Some(1))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn mask(name: &str, value: &mut Value, loads: &BTreeMap<String, String>, ids: &BTreeMap<String, String>) {
    match (name, &*value) {
        (_, Value::Null) => {}
        ("_dlt_load_id" | "load_id", Value::String(id)) => {
            if let Some(load) = loads.get(id) {
                *value = load.clone().into();
            }
        }
        ("_dlt_parent_id" | "_dlt_root_id", Value::String(id)) => {
            *value = ids.get(id).map_or("<dangling>", String::as_str).into();
        }
        ("_dlt_valid_from" | "_dlt_valid_to", time) => {
            let micros = |text: &str| {
                windlass::core::value::parse_timestamp(text).map(windlass::core::value::Timestamp::utc_micros)
            };
            let time = time.get("$timestamp").and_then(Value::as_str).and_then(micros);
            let load = loads.iter().find(|(id, _)| {
                let load_time = windlass::env::time_of_load_id(id);
                time.is_some_and(|time| (time - load_time).abs() < 1000)
            });
            *value = format!("<{}>", load.map_or("clock", |(_, name)| name)).into();
        }
        _ => {}
    }
}

/// The row as text with sorted keys, as the recorder sorts by: `", "` and `": "` between the parts.
pub(crate) fn canonical(row: &Map<String, Value>) -> String {
    let mut text = String::new();
    python_json(&mut text, &Value::Object(row.clone()));
    text
}

fn python_json(out: &mut String, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                python_json(out, &map[key]);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                python_json(out, item);
            }
            out.push(']');
        }
        Value::Number(number) if number.is_f64() => {
            windlass::core::value::python_double(out, number.as_f64().unwrap_or_default());
        }
        other => out.push_str(&other.to_string()),
    }
}
