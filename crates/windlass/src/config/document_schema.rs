//! The JSON Schema of the pipeline file, put together from what the connectors say.

use std::collections::BTreeSet;
use std::sync::{LazyLock, OnceLock};

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use windlass_core::hints::ResourceHints;

use super::check::resolve;
use super::resource::ResourceOptions;
use super::settings::Settings;
use crate::destinations::DESTINATIONS;
use crate::sources::SOURCES;

/// The keys of a resource that are the engine's.
pub(super) struct ResourceKeys {
    pub(super) hints: BTreeSet<String>,
    pub(super) common: BTreeSet<String>,
}

/// The JSON Schema of the pipeline file.
pub fn json_schema() -> Value {
    schema().clone()
}

/// The keys of a resource that are the engine's.
pub(super) fn resource_keys() -> &'static ResourceKeys {
    static KEYS: OnceLock<ResourceKeys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let keys = |schema: schemars::Schema, generator: &mut schemars::SchemaGenerator| {
            let root = json!({ "$defs": generator.definitions() });
            let schema = schema.to_value();
            properties(&root, &schema).keys().cloned().collect()
        };
        let hints = generator.subschema_for::<ResourceHints>();
        let common = generator.subschema_for::<ResourceOptions>();
        ResourceKeys { hints: keys(hints, &mut generator), common: keys(common, &mut generator) }
    })
}

fn properties(root: &Value, schema: &Value) -> Map<String, Value> {
    resolve(root, schema)
        .and_then(|schema| schema.get("properties")?.as_object().cloned())
        .unwrap_or_default()
}

fn required(root: &Value, schema: &Value) -> Vec<Value> {
    let list = resolve(root, schema).and_then(|schema| schema.get("required")?.as_array().cloned());
    list.unwrap_or_default()
}

/// The schema, which is built once: that takes a few milliseconds.
pub(super) fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(build);
    &SCHEMA
}

fn build() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let settings = generator.subschema_for::<Settings>().to_value();
    let hints = generator.subschema_for::<ResourceHints>().to_value();
    let common = generator.subschema_for::<ResourceOptions>().to_value();
    let destinations: Vec<_> =
        DESTINATIONS.iter().map(|entry| (entry, (entry.schema)(&mut generator).to_value())).collect();
    let sources: Vec<_> = SOURCES
        .iter()
        .map(|entry| {
            let own = (entry.options)(&mut generator).to_value();
            (entry, own, (entry.resource)(&mut generator).to_value())
        })
        .collect();
    let mut definitions = generator.take_definitions(true);
    let root = json!({ "$defs": definitions });
    let reference = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
    let object = |description: &str, properties: Map<String, Value>, required: Vec<Value>| {
        json!({
            "type": "object",
            "description": description,
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    let mut destination_refs =
        vec![json!({ "type": "string", "description": "Kind or name of the destination." })];
    for (entry, own) in destinations {
        let mut keys = Map::new();
        keys.insert("type".to_owned(), json!({ "const": entry.name }));
        keys.insert(
            "name".to_owned(),
            json!({ "type": "string", "description": "Name of its section in the settings." }),
        );
        keys.extend(properties(&root, &own));
        let mut needed = vec![json!("type")];
        needed.extend(required(&root, &own));
        let name = format!("destination:{}", entry.name);
        definitions.insert(name.clone(), object(entry.short, keys, needed));
        destination_refs.push(reference(&name));
    }
    let mut source_refs = Vec::new();
    for (entry, own, resource) in sources {
        let mut keys = properties(&root, &common);
        keys.extend(properties(&root, &hints));
        keys.extend(properties(&root, &resource));
        let mut needed = required(&root, &common);
        needed.extend(required(&root, &resource));
        let resource_name = format!("resource:{}", entry.name);
        let mut resource_refs = vec![reference(&resource_name)];
        let mut defaults = None;
        if let Some(forms) = entry.forms {
            resource_refs.push(json!({ "type": "string", "description": "Name and path of a resource." }));
            let mut keys = keys.clone();
            keys.shift_remove("name");
            // A text would say nothing that holds for several resources.
            if let Some(endpoint) = keys.get_mut("endpoint") {
                *endpoint = object_variant(&root, endpoint);
            }
            let mut all = object("What holds for all resources that do not say otherwise.", keys, Vec::new());
            all["type"] = json!(["object", "null"]);
            let name = format!("defaults:{}", entry.name);
            definitions.insert(name.clone(), all);
            defaults = Some((forms.defaults, reference(&name)));
        }
        definitions.insert(resource_name, object("One stream of records.", keys, needed));
        let mut keys = Map::new();
        keys.insert("type".to_owned(), json!({ "const": entry.name }));
        keys.insert(
            "name".to_owned(),
            json!({ "type": "string", "description": "Name of the source and of its schema; the pipeline's by default." }),
        );
        keys.insert("schema_contract".to_owned(), contract());
        keys.insert(
            "max_table_nesting".to_owned(),
            json!({ "type": "integer", "minimum": 0, "description": "Levels of nesting that become tables." }),
        );
        keys.insert(
            "root_key".to_owned(),
            json!({ "type": "boolean", "description": "Whether rows of nested tables carry the id of their root row." }),
        );
        keys.extend(properties(&root, &own));
        if let Some((key, schema)) = defaults {
            keys.insert(key.to_owned(), schema);
        }
        let items = match resource_refs.as_slice() {
            [one] => one.clone(),
            _ => json!({ "anyOf": resource_refs }),
        };
        let lists = entry.lists();
        for key in lists.keys {
            keys.insert((*key).to_owned(), json!({ "type": "array", "items": items }));
        }
        let mut needed = vec![json!("type")];
        needed.extend(required(&root, &own));
        if !lists.may_be_left_out {
            needed.push(json!("resources"));
        }
        let name = format!("source:{}", entry.name);
        definitions.insert(name.clone(), object(entry.short, keys, needed));
        source_refs.push(reference(&name));
    }
    let mut keys = Map::new();
    keys.insert(
        "pipeline".to_owned(),
        json!({ "type": "string", "description": "Name; the working folder and the state are keyed by it." }),
    );
    keys.insert(
        "dataset".to_owned(),
        json!({ "type": "string", "description": "Schema or folder at the destination; <pipeline>_dataset by default." }),
    );
    keys.insert("destination".to_owned(), json!({ "anyOf": destination_refs }));
    keys.insert("source".to_owned(), json!({ "anyOf": source_refs }));
    keys.insert("sources".to_owned(), json!({ "type": "array", "items": { "anyOf": source_refs } }));
    keys.insert("schema_contract".to_owned(), contract());
    let settings = properties(&root, &settings);
    let section = |name: &str| settings.get(name).cloned().unwrap_or_default();
    keys.extend(properties(&root, &section("pipeline")));
    for name in ["extract", "normalize", "load", "schema"] {
        keys.insert(name.to_owned(), section(name));
    }
    let mut schema = object("A windlass pipeline.", keys, vec![json!("pipeline"), json!("destination")]);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "windlass pipeline".into();
    schema["$defs"] = Value::Object(definitions);
    schema
}

/// The variant of a schema that is an object; the schema itself if it has none.
fn object_variant(root: &Value, schema: &Value) -> Value {
    let is_object = |schema: &Value| resolve(root, schema).is_some_and(|s| s.contains_key("properties"));
    let mut variants = vec![schema.clone()];
    while let Some(variant) = variants.pop() {
        if is_object(&variant) {
            return variant;
        }
        let inner = resolve(root, &variant).and_then(|schema| schema.get("anyOf")?.as_array().cloned());
        variants.extend(inner.unwrap_or_default());
    }
    schema.clone()
}

fn contract() -> Value {
    let mode = json!({ "enum": ["evolve", "freeze", "discard_row", "discard_value"] });
    json!({
        "description": "What new tables, columns and types may do.",
        "anyOf": [mode, {
            "type": "object",
            "properties": { "tables": mode, "columns": mode, "data_type": mode },
            "additionalProperties": false,
        }],
    })
}
