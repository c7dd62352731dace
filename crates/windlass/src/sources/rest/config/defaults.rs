//! Resources in all the forms that the file allows, as objects that hold everything: texts become objects, and what
//! holds for all resources is merged in.

use serde_json::{Map, Value, json};

/// The key of what holds for all resources.
pub(crate) const DEFAULTS: &str = "resource_defaults";

/// Each resource as an object with `name` and `endpoint.path`, the defaults merged in; takes the defaults out of the
/// options. What is neither text nor object stays as it is.
pub(crate) fn complete(options: &mut Map<String, Value>, resources: Vec<Value>) -> Vec<Value> {
    let defaults = match options.shift_remove(DEFAULTS) {
        Some(Value::Object(defaults)) => defaults,
        _ => Map::new(),
    };
    resources
        .into_iter()
        .map(|resource| match with_endpoint(resource) {
            Value::Object(resource) => Value::Object(merge(&defaults, resource)),
            other => other,
        })
        .collect()
}

/// A resource as an object whose endpoint is one with a path.
fn with_endpoint(resource: Value) -> Value {
    match resource {
        Value::String(name) => json!({ "name": name, "endpoint": { "path": name } }),
        Value::Object(mut resource) => {
            let mut endpoint = match resource.shift_remove("endpoint") {
                Some(Value::Object(endpoint)) => endpoint,
                Some(Value::String(path)) => Map::from_iter([("path".to_owned(), Value::String(path))]),
                _ => Map::new(),
            };
            if endpoint.get("path").is_none_or(Value::is_null)
                && let Some(name) = resource.get("name")
            {
                endpoint.insert("path".to_owned(), name.clone());
            }
            resource.insert("endpoint".to_owned(), Value::Object(endpoint));
            Value::Object(resource)
        }
        other => other,
    }
}

/// The resource's keys win; its endpoint's keys win too, but parameters and JSON bodies are merged key by key, and
/// columns hint by hint.
fn merge(defaults: &Map<String, Value>, resource: Map<String, Value>) -> Map<String, Value> {
    let mut merged = defaults.clone();
    for (key, own) in resource {
        let value = match (key.as_str(), merged.get(&key)) {
            ("endpoint", Some(Value::Object(default))) => merge_endpoint(default, own),
            ("columns", Some(default)) => merge_columns(default, own),
            _ => own,
        };
        merged.insert(key, value);
    }
    merged
}

fn merge_endpoint(defaults: &Map<String, Value>, own: Value) -> Value {
    let Value::Object(own) = own else { return own };
    let mut merged = defaults.clone();
    for (key, own) in own {
        let value = match (key.as_str(), merged.get(&key), own) {
            ("params" | "json", Some(Value::Object(default)), Value::Object(own)) => {
                let mut both = default.clone();
                both.extend(own);
                Value::Object(both)
            }
            ("params" | "json", Some(default @ Value::Object(_)), Value::Null) => default.clone(),
            (_, _, own) => own,
        };
        merged.insert(key, value);
    }
    Value::Object(merged)
}

fn merge_columns(defaults: &Value, own: Value) -> Value {
    let (Some(mut merged), Some(columns)) = (by_name(defaults), by_name(&own)) else { return own };
    for (name, hints) in columns {
        match (merged.get_mut(&name), hints) {
            (Some(Value::Object(known)), Value::Object(hints)) => known.extend(hints),
            (_, hints) => drop(merged.insert(name, hints)),
        }
    }
    Value::Object(merged)
}

/// Columns by name; `None` if they are neither an object nor a list of objects with names.
fn by_name(columns: &Value) -> Option<Map<String, Value>> {
    match columns {
        Value::Object(columns) => Some(columns.clone()),
        Value::Array(list) => list
            .iter()
            .map(|column| Some((column.get("name")?.as_str()?.to_owned(), column.clone())))
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(defaults: Value, resource: Value, expected: Value) {
        let mut options = Map::from_iter([(DEFAULTS.to_owned(), defaults)]);
        let completed = complete(&mut options, vec![resource]);
        assert_eq!(completed, [expected]);
        assert!(options.is_empty());
    }

    #[test]
    fn texts_and_paths_are_filled_in() {
        check(Value::Null, json!("a"), json!({"name": "a", "endpoint": {"path": "a"}}));
        check(Value::Null, json!({"name": "a"}), json!({"name": "a", "endpoint": {"path": "a"}}));
        check(
            Value::Null,
            json!({"name": "a", "endpoint": "x"}),
            json!({"name": "a", "endpoint": {"path": "x"}}),
        );
        check(
            json!({"endpoint": {"path": "default"}}),
            json!({"name": "a", "endpoint": {"path": ""}}),
            json!({"endpoint": {"path": ""}, "name": "a"}),
        );
    }

    #[test]
    fn parameters_are_merged_and_the_rest_is_replaced() {
        check(
            json!({"endpoint": {"params": {"per_page": 2, "x": 1}, "headers": {"a": "1"}, "json": {"q": 1}}}),
            json!({"name": "a", "endpoint": {"params": {"x": 2, "y": 3}, "headers": {"b": "1"}, "json": null}}),
            json!({"endpoint": {
                "params": {"per_page": 2, "x": 2, "y": 3}, "headers": {"b": "1"}, "json": {"q": 1}, "path": "a",
            }, "name": "a"}),
        );
        check(
            json!({"write_disposition": {"disposition": "merge", "strategy": "scd2"}, "primary_key": "id"}),
            json!({"name": "a", "write_disposition": {"disposition": "append"}}),
            json!({
                "write_disposition": {"disposition": "append"}, "primary_key": "id", "name": "a",
                "endpoint": {"path": "a"},
            }),
        );
    }

    #[test]
    fn columns_are_merged_hint_by_hint() {
        check(
            json!({"columns": {"a": {"data_type": "text", "nullable": false}}}),
            json!({"name": "r", "columns": [{"name": "a", "data_type": "bigint"}, {"name": "b"}]}),
            json!({
                "columns": {
                    "a": {"data_type": "bigint", "nullable": false, "name": "a"}, "b": {"name": "b"},
                },
                "name": "r", "endpoint": {"path": "r"},
            }),
        );
    }
}
