//! Fills in what a document leaves out from the layers of settings, key by key of its JSON Schema.

use serde_json::{Map, Value};
use windlass_core::{Error, Result};

use super::check::{coerce_text, resolve};
use super::layers::{Found, Layers};

/// Where the settings of a document are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) layers: &'a Layers,
    pub(super) pipeline: &'a str,
    pub(super) sections: &'a [&'a str],
}

impl Scope<'_> {
    /// Adds to `map` every key of the schema's properties that is missing and set somewhere.
    ///
    /// Errors: a text that cannot be the kind of value that the schema wants.
    pub(super) fn fill(&self, root: &Value, schema: &Value, map: &mut Map<String, Value>) -> Result<()> {
        self.fill_below(root, schema, map, &mut Vec::new())
    }

    fn fill_below<'b>(
        &self,
        root: &'b Value,
        schema: &'b Value,
        map: &mut Map<String, Value>,
        above: &mut Vec<&'b str>,
    ) -> Result<()> {
        let Some(schema) = resolve(root, schema) else { return Ok(()) };
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            above.push(key);
            let mut nested = match map.get(key) {
                // Connections are texts and objects of parts; the parts fill in what is missing.
                Some(Value::Object(nested)) => Some(nested.clone()),
                Some(_) => {
                    above.pop();
                    continue;
                }
                None => match self.layers.get(self.pipeline, self.sections, above) {
                    Some(Found::Value(Value::Object(nested))) => Some(self.known(root, property, nested)),
                    Some(Found::Value(value)) => {
                        map.insert(key.clone(), value.clone());
                        None
                    }
                    Some(Found::Text(text)) => {
                        let value = coerce_text(root, property, &text).ok_or_else(|| {
                            Error::config(format!(
                                "the setting `{}` has a value of the wrong kind",
                                above.join(".")
                            ))
                            .with_hint("true and false for switches, digits for numbers, JSON for lists")
                        })?;
                        map.insert(key.clone(), value);
                        None
                    }
                    None => Some(Map::new()),
                },
            };
            if let Some(nested) = &mut nested {
                for variant in object_variants(root, property) {
                    self.fill_below(root, variant, nested, above)?;
                }
                if !nested.is_empty() {
                    map.insert(key.clone(), Value::Object(std::mem::take(nested)));
                }
            }
            above.pop();
        }
        Ok(())
    }
}

/// Sections whose keys that mean nothing are warned about, see `unused`.
const WARNED: [&str; 5] = ["extract", "normalize", "load", "schema", "destination"];

impl Scope<'_> {
    /// A section of a file of settings, without keys that mean nothing: it may be there for other programs, too.
    fn known(&self, root: &Value, property: &Value, section: &Map<String, Value>) -> Map<String, Value> {
        let mut section = section.clone();
        let variants = object_variants(root, property);
        let is_closed = |variant: &&Value| {
            resolve(root, variant)
                .is_some_and(|schema| schema.get("additionalProperties") == Some(&Value::Bool(false)))
        };
        if self.sections.first().is_some_and(|first| WARNED.contains(first)) && variants.iter().all(is_closed)
        {
            let has = |variant: &Value, key: &str| {
                resolve(root, variant).is_some_and(|schema| schema["properties"].get(key).is_some())
            };
            section.retain(|key, _| variants.is_empty() || variants.iter().any(|variant| has(variant, key)));
        }
        section
    }
}

/// The schemas of objects with known keys that a property may be.
fn object_variants<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let Some(resolved) = resolve(root, schema) else { return Vec::new() };
    if resolved.contains_key("properties") {
        return vec![schema];
    }
    let variants = ["anyOf", "oneOf"].into_iter().filter_map(|key| resolved.get(key)?.as_array()).flatten();
    variants.flat_map(|variant| object_variants(root, variant)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_filled_by_name_also_within_credentials() {
        let schema = json!({
            "properties": {
                "credentials": {"anyOf": [
                    {"type": "string"},
                    {"properties": {"database": {"type": "string"}, "port": {"type": "integer"}}},
                ]},
                "create_indexes": {"type": "boolean"},
            },
        });
        let fill = |env: &[(&str, &str)], given: Value| {
            let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let layers = Layers::from_env(env);
            let scope = Scope { layers: &layers, pipeline: "p", sections: &["destination", "pg"] };
            let Value::Object(mut map) = given else { unreachable!() };
            scope.fill(&schema, &schema, &mut map).map(|()| Value::Object(map))
        };
        let parts =
            [("DESTINATION__PG__CREDENTIALS__PORT", "5433"), ("DESTINATION__PG__CREATE_INDEXES", "no")];
        assert_eq!(
            fill(&parts, json!({"credentials": {"database": "d"}})).unwrap(),
            json!({"credentials": {"database": "d", "port": 5433}, "create_indexes": false})
        );
        let whole = [("DESTINATION__CREDENTIALS", "a.db")];
        assert_eq!(fill(&whole, json!({})).unwrap(), json!({"credentials": "a.db"}));
        assert_eq!(fill(&whole, json!({"credentials": "b.db"})).unwrap(), json!({"credentials": "b.db"}));
        assert_eq!(fill(&[], json!({})).unwrap(), json!({}));
        assert!(fill(&[("CREATE_INDEXES", "maybe")], json!({})).is_err());
    }
}
