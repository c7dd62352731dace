//! Loads of the state alone: where a run of a second source changes the state, the reference loads it after the rows, as
//! a load of the pipeline's first schema. This engine commits both together, so that there is no such load.

use serde_json::Value;

/// A recorded snapshot without the loads of the state alone. `sources` are those of the runs so far; `counts`, the
/// recorded number of loads after each of them, grows by one.
pub(crate) fn without_state_loads(recorded: &Value, sources: &[&str], counts: &mut Vec<usize>) -> Value {
    let mut recorded = recorded.clone();
    let loads = recorded.pointer("/meta/_dlt_loads").and_then(Value::as_array).cloned().unwrap_or_default();
    counts.push(loads.len());
    let default = recorded.pointer("/state/default_schema_name").and_then(Value::as_str).unwrap_or_default();
    let is_of_state = |index: usize| {
        let run = counts.iter().position(|count| index < *count).unwrap_or_default();
        let schema = loads.get(index).and_then(|load| load.get(0)).and_then(Value::as_str);
        schema == Some(default) && sources.get(run).is_some_and(|source| *source != default)
    };
    let kept: Vec<usize> = (0..loads.len()).filter(|index| !is_of_state(*index)).collect();
    if kept.len() < loads.len() {
        for (new, old) in kept.iter().enumerate() {
            if let Some(rows) = recorded.get_mut("rows") {
                rename(rows, &format!("load-{old}"), &format!("load-{new}"));
            }
        }
        let list = kept.iter().filter_map(|index| loads.get(*index).cloned()).collect();
        if let Some(place) = recorded.pointer_mut("/meta/_dlt_loads") {
            *place = Value::Array(list);
        }
    }
    recorded
}

/// Puts another name of a load in its place, as a value or in brackets.
fn rename(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, old, new)),
        Value::Object(map) => map.values_mut().for_each(|item| rename(item, old, new)),
        Value::String(text) if text == old => new.clone_into(text),
        Value::String(text) if *text == format!("<{old}>") => *text = format!("<{new}>"),
        _ => {}
    }
}
