//! Schemas in an API document: references are followed, combinations are taken for what they most likely are.

use std::cell::Cell;

use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// References that lead to references; more are a circle.
const MAX_STEPS: usize = 32;

/// Depth of combinations (`allOf` in `allOf`) that are looked at.
const MAX_DEPTH: usize = 12;

/// Schemas that are looked at for one question. Documents may combine themselves without end.
const MAX_VISITS: usize = 4096;

/// A document in which references are followed.
#[derive(Debug)]
pub(super) struct Root<'a> {
    value: &'a Value,
    /// References that lead nowhere or out of the document.
    lost: Cell<usize>,
}

/// The JSON type of what a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A record.
    Object,
    /// A list.
    Array,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// Not said.
    Unknown,
}

impl<'a> Root<'a> {
    pub(super) fn new(value: &'a Value) -> Self {
        Self { value, lost: Cell::new(0) }
    }

    /// How many references were not found so far.
    pub(super) fn lost_references(&self) -> usize {
        self.lost.get()
    }

    /// What a value stands for: itself, or where its `$ref` leads. `None` if that is nowhere, another file, or a circle.
    pub(super) fn follow(&self, value: &'a Value) -> Option<&'a Value> {
        let mut value = value;
        for _ in 0..MAX_STEPS {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Some(value) };
            let Some(target) = self.target(reference) else { break };
            value = target;
        }
        self.lost.set(self.lost.get() + 1);
        None
    }

    fn target(&self, reference: &str) -> Option<&'a Value> {
        let pointer = percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
        self.value.pointer(&pointer)
    }

    /// A schema without what only wraps it: references, and combinations of which one part counts.
    pub(super) fn shape(&self, schema: &'a Value) -> Option<&'a Value> {
        let mut schema = self.follow(schema)?;
        for _ in 0..MAX_DEPTH {
            if schema.get("properties").is_some() || schema.get("items").is_some() {
                return Some(schema);
            }
            let list = |key: &str| schema.get(key).and_then(Value::as_array);
            let one = list("oneOf").or_else(|| list("anyOf"));
            let chosen = match (one, list("allOf").map(Vec::as_slice)) {
                (Some(alternatives), _) => alternatives.iter().find(|part| !is_null(part)),
                (None, Some([part])) => Some(part),
                _ => None,
            };
            match chosen {
                Some(part) => schema = self.follow(part)?,
                None => return Some(schema),
            }
        }
        Some(schema)
    }

    /// The type of what a schema describes.
    pub(super) fn kind(&self, schema: &'a Value) -> Kind {
        let Some(schema) = self.shape(schema) else { return Kind::Unknown };
        let name = match schema.get("type") {
            Some(Value::String(name)) => name.as_str(),
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default()
            }
            _ => "",
        };
        match name {
            "object" => Kind::Object,
            "array" => Kind::Array,
            "string" => Kind::Text,
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Bool,
            _ if schema.get("items").is_some() => Kind::Array,
            _ if !self.members(schema).is_empty() => Kind::Object,
            _ => Kind::Unknown,
        }
    }

    /// What the items of a list are; `None` if that is not said.
    pub(super) fn items(&self, schema: &'a Value) -> Option<&'a Value> {
        self.follow(self.shape(schema)?.get("items")?)
    }

    /// The members of an object, in order, those of all parts of a combination together.
    pub(super) fn members(&self, schema: &'a Value) -> IndexMap<&'a str, &'a Value> {
        let mut members = IndexMap::new();
        self.collect(schema, &mut members, &mut 0, 0);
        members
    }

    fn collect(
        &self,
        schema: &'a Value,
        members: &mut IndexMap<&'a str, &'a Value>,
        visits: &mut usize,
        depth: usize,
    ) {
        *visits += 1;
        if depth > MAX_DEPTH || *visits > MAX_VISITS {
            return;
        }
        let Some(schema) = self.shape(schema) else { return };
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            members.insert(name, member);
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.collect(part, members, visits, depth + 1);
        }
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_and_combinations_are_followed() {
        let document = json!({
            "schemas": {
                "A": {"allOf": [{"$ref": "#/schemas/B~1x"}, {"properties": {"own": {"type": ["null", "integer"]}}}]},
                "B/x": {"properties": {"id": {"oneOf": [{"type": "null"}, {"type": "string"}]}}},
                "List": {"type": "array", "items": {"$ref": "#/schemas/A"}},
                "Circle": {"$ref": "#/schemas/Circle"},
                "Endless": {"allOf": [{"$ref": "#/schemas/Endless"}, {"$ref": "#/schemas/Endless"}]},
            }
        });
        let root = Root::new(&document);
        let at = |name: &str| document.pointer(&format!("/schemas/{name}")).unwrap();
        assert_eq!(root.kind(at("List")), Kind::Array);
        let members = root.members(root.items(at("List")).unwrap());
        let kinds: Vec<_> = members.iter().map(|(name, member)| (*name, root.kind(member))).collect();
        assert_eq!(kinds, [("id", Kind::Text), ("own", Kind::Integer)]);
        assert_eq!(root.lost_references(), 0);
        assert_eq!(root.kind(at("Circle")), Kind::Unknown);
        assert_eq!(root.lost_references(), 1);
        assert!(root.members(at("Endless")).is_empty());
    }
}
