//! Checks a document against the JSON Schema of its options: the part of JSON Schema that the options use.
//!
//! Values are never shown, since they may be secrets; only keys and kinds are.

use serde_json::{Map, Value};
use windlass_core::document::pointer_push;

use super::formats::check_format;
use super::problem::{Flaw, Problem};
use super::{choices, nearest, nearest_first};

/// All problems of `value`. Keys that are required but missing come last.
pub fn check(schema: &Value, value: &Value) -> Vec<Problem> {
    let mut checker = Checker { root: schema, problems: Vec::new(), above: Vec::new() };
    checker.check(schema, value, &mut String::new());
    checker.problems
}

struct Checker<'a> {
    root: &'a Value,
    problems: Vec<Problem>,
    /// The keys of the objects around the place, the outermost first.
    above: Vec<&'a Map<String, Value>>,
}

impl<'a> Checker<'a> {
    fn problem(&mut self, pointer: &str, message: String, hint: Option<String>) {
        self.problems.push(Problem { pointer: pointer.to_owned(), message, hint, flaw: Flaw::Value });
    }

    fn no_word(&mut self, pointer: &str, value: &Value, words: &[&str]) {
        let word = value.as_str().unwrap_or_default();
        let hint = nearest(word, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let all = nearest_first(word, words.iter().copied()).join(", ");
        self.problem(pointer, format!("must be one of {all}"), hint);
    }

    fn check(&mut self, schema: &'a Value, value: &Value, pointer: &mut String) {
        let Some(schema) = resolve(self.root, schema) else { return };
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(variants)) = schema.get(key) {
                self.check_variants(variants, value, pointer);
            }
        }
        if let Some(constant) = schema.get("const")
            && constant != value
        {
            let word = constant.as_str().unwrap_or("another value");
            self.problem(pointer, format!("must be {word}"), None);
        }
        if let Some(Value::Array(words)) = schema.get("enum")
            && !words.contains(value)
        {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            self.no_word(pointer, value, &words);
            return;
        }
        if !fits_type(schema, value) {
            self.problem(
                pointer,
                format!("must be {}, not {}", expected_types(schema), kind_of(value)),
                None,
            );
            return;
        }
        if let (Some(minimum), Some(number)) = (schema.get("minimum").and_then(Value::as_f64), value.as_f64())
            && number < minimum
        {
            self.problem(pointer, format!("must be at least {minimum}"), None);
        }
        if let (Some(maximum), Some(number)) = (schema.get("maximum").and_then(Value::as_f64), value.as_f64())
            && number > maximum
        {
            self.problem(pointer, format!("must be at most {maximum}"), None);
        }
        match value {
            Value::Object(map) => self.check_object(schema, map, pointer),
            Value::Array(items) => self.check_list(schema, items, pointer),
            Value::String(text) => self.check_text(schema, text, pointer),
            _ => {}
        }
    }

    fn check_list(&mut self, schema: &'a Map<String, Value>, items: &[Value], pointer: &mut String) {
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
        if let Some(wanted) = wanted_count(bound("minItems"), bound("maxItems"), items.len() as u64) {
            self.problem(pointer, format!("needs {wanted} items, not {}", items.len()), None);
            return;
        }
        let first = schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, item) in items.iter().enumerate() {
            if let Some(item_schema) = first.get(index).or_else(|| schema.get("items")) {
                self.below(item_schema, item, pointer, &index.to_string());
            }
        }
    }

    fn check_text(&mut self, schema: &Map<String, Value>, text: &str, pointer: &str) {
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
        let count = text.chars().count() as u64;
        if let Some(wanted) = wanted_count(bound("minLength"), bound("maxLength"), count) {
            let characters = if wanted == "1" { "character" } else { "characters" };
            self.problem(pointer, format!("needs {wanted} {characters}, not {count}"), None);
            return;
        }
        let format = schema.get("format").and_then(Value::as_str);
        if let Some(error) = format.and_then(|format| check_format(format, text)) {
            self.problem(pointer, error.message().to_owned(), error.hint().map(str::to_owned));
        }
    }

    fn below(&mut self, schema: &'a Value, value: &Value, pointer: &mut String, key: &str) {
        let length = pointer.len();
        pointer_push(pointer, key);
        self.check(schema, value, pointer);
        pointer.truncate(length);
    }

    fn check_object(
        &mut self,
        schema: &'a Map<String, Value>,
        map: &Map<String, Value>,
        pointer: &mut String,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, value) in map {
            if let Some(property) = properties.and_then(|properties| properties.get(key)) {
                self.above.extend(properties);
                self.below(property, value, pointer, key);
                self.above.truncate(self.above.len() - usize::from(properties.is_some()));
                continue;
            }
            let patterns = schema.get("patternProperties").and_then(Value::as_object);
            // Patterns here are beginnings of keys.
            if patterns
                .into_iter()
                .flat_map(Map::keys)
                .any(|start| key.starts_with(start.trim_start_matches('^')))
            {
                continue;
            }
            match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => {
                    let known: Vec<&str> =
                        properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                    let hint = self.other_place(properties, key).unwrap_or_else(|| {
                        match nearest(key, known.iter().copied()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("the keys here are {}", known.join(", ")),
                        }
                    });
                    let length = pointer.len();
                    pointer_push(pointer, key);
                    self.problems.push(Problem {
                        pointer: pointer.clone(),
                        message: format!("unknown key `{key}`"),
                        hint: Some(hint),
                        flaw: Flaw::Unknown(key.clone()),
                    });
                    pointer.truncate(length);
                }
                Some(other @ Value::Object(_)) => self.below(other, value, pointer, key),
                _ => {}
            }
        }
        for key in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            // A key that is only misspelt is told once.
            let is_misspelt = |key: &str| {
                let hint = format!("did you mean `{key}`?");
                self.problems.iter().any(|problem| problem.hint.as_deref() == Some(hint.as_str()))
            };
            if let Some(key) = key.as_str().filter(|key| !map.contains_key(*key) && !is_misspelt(key)) {
                self.problems.push(Problem::missing(pointer.as_str(), key, None));
            }
        }
    }

    /// Where a key would be right that is wrong here: further down, or further up.
    fn other_place(&self, properties: Option<&'a Map<String, Value>>, key: &str) -> Option<String> {
        if let Some(path) = properties.and_then(|properties| path_below(self.root, properties, key)) {
            return Some(format!(
                "`{key}` stands below `{}`: write `{}.{key}`",
                path.join("."),
                path.join(".")
            ));
        }
        let above = self.above.iter().rev().find(|properties| properties.contains_key(key));
        above.map(|_| format!("`{key}` stands further up, not here"))
    }

    /// Tells of an object whose `type` is none of those that the variants have.
    fn has_unknown_tag(&mut self, variants: &'a [Value], value: &Value, pointer: &str) -> bool {
        let Some(tag) = value.get("type").and_then(Value::as_str) else { return false };
        let mut tags = Vec::new();
        variants.iter().for_each(|variant| add_tags(self.root, variant, &mut tags));
        if tags.len() < 2 || tags.contains(&tag) {
            return false;
        }
        let mut place = pointer.to_owned();
        pointer_push(&mut place, "type");
        self.no_word(&place, &Value::from(tag), &tags);
        true
    }

    /// Tells of an object without a `type` where each of the variants needs one.
    fn has_no_tag(&mut self, variants: &'a [Value], value: &Value, pointer: &str) -> bool {
        let Some(map) = value.as_object().filter(|map| !map.contains_key("type")) else { return false };
        let objects = objects_of(self.root, variants);
        let needs_type = |schema: &&Map<String, Value>| {
            let required = schema.get("required").and_then(Value::as_array);
            required.is_some_and(|required| required.iter().any(|key| key == "type"))
        };
        if objects.len() < 2 || !objects.iter().all(needs_type) {
            return false;
        }
        let mut tags = Vec::new();
        variants.iter().for_each(|variant| add_tags(self.root, variant, &mut tags));
        let hint = match map.keys().find(|key| tags.contains(&key.as_str())) {
            Some(tag) => format!("write `type: {tag}`, with the options beside it"),
            None => choices("", tags),
        };
        self.problems.push(Problem::missing(pointer, "type", Some(hint)));
        true
    }

    /// The value must fit one of the variants; the problems of the nearest one are reported.
    fn check_variants(&mut self, variants: &'a [Value], value: &Value, pointer: &mut String) {
        if self.has_unknown_tag(variants, value, pointer) || self.has_no_tag(variants, value, pointer) {
            return;
        }
        let mut best: Option<(usize, Vec<Problem>)> = None;
        for variant in variants {
            let mut checker = Checker { root: self.root, problems: Vec::new(), above: self.above.clone() };
            checker.check(variant, value, pointer);
            if checker.problems.is_empty() {
                return;
            }
            let distance = distance(self.root, variant, value, pointer, &checker.problems);
            if best.as_ref().is_none_or(|(known, _)| distance < *known) {
                best = Some((distance, checker.problems));
            }
        }
        let mut kinds = Vec::new();
        variants.iter().for_each(|variant| add_types(self.root, variant, &mut kinds));
        let words: Vec<&str> = variants.iter().flat_map(|variant| words(self.root, variant)).collect();
        match best {
            Some(_) if value.is_string() && words.len() > 1 => self.no_word(pointer, value, &words),
            // None of the variants is of the value's kind.
            Some((usize::MAX, _)) if !kinds.is_empty() => {
                let message = format!("must be {}, not {}", named_types(&kinds), kind_of(value));
                self.problem(pointer, message, None);
            }
            Some((_, problems)) => self.problems.extend(problems),
            None => {}
        }
    }
}

/// The words that `type` may be in the objects that a schema describes.
fn add_tags<'a>(root: &'a Value, schema: &'a Value, tags: &mut Vec<&'a str>) {
    let Some(schema) = resolve(root, schema) else { return };
    if let Some(tag) = schema.get("properties").and_then(|properties| properties.get("type")) {
        tags.extend(words(root, tag));
    }
    for variants in ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()) {
        variants.iter().for_each(|variant| add_tags(root, variant, tags));
    }
}

/// Levels that a key is looked for below where it was written.
const LEVELS: usize = 3;

/// The shortest path of keys to an object that has `key`; items of lists have the list's name.
fn path_below<'a>(root: &'a Value, properties: &'a Map<String, Value>, key: &str) -> Option<Vec<&'a str>> {
    let mut level: Vec<(Vec<&str>, &Map<String, Value>)> = vec![(Vec::new(), properties)];
    for _ in 0..LEVELS {
        let mut next = Vec::new();
        for (path, properties) in level {
            // What is said of a column never stands at a resource.
            for (name, property) in properties.iter().filter(|(name, _)| *name != "columns") {
                let path = [path.as_slice(), &[name.as_str()]].concat();
                let mut objects = Vec::new();
                add_objects(root, property, &mut objects);
                if objects.iter().any(|object| object.contains_key(key)) {
                    return Some(path);
                }
                next.extend(objects.into_iter().map(|object| (path.clone(), object)));
            }
        }
        level = next;
    }
    None
}

/// The keys of the objects that a schema describes, or the items of its lists.
fn add_objects<'a>(root: &'a Value, schema: &'a Value, objects: &mut Vec<&'a Map<String, Value>>) {
    let Some(schema) = resolve(root, schema) else { return };
    objects.extend(schema.get("properties").and_then(Value::as_object));
    schema.get("items").into_iter().for_each(|items| add_objects(root, items, objects));
    for variants in ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()) {
        variants.iter().for_each(|variant| add_objects(root, variant, objects));
    }
}

/// How far a value is from a variant: another kind is farthest, then another tag, then each problem counts.
fn distance(root: &Value, variant: &Value, value: &Value, pointer: &str, problems: &[Problem]) -> usize {
    let Some(variant) = resolve(root, variant) else { return usize::MAX };
    if !fits_type(variant, value) {
        return usize::MAX;
    }
    let mut tag = pointer.to_owned();
    pointer_push(&mut tag, "type");
    let wrong_tag = problems.iter().any(|problem| problem.pointer == tag);
    problems.len() + if wrong_tag { 1000 } else { 0 }
}

/// Follows references to definitions.
pub(super) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Map<String, Value>> {
    let mut schema = schema.as_object()?;
    for _ in 0..16 {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Some(schema) };
        schema = root.pointer(reference.strip_prefix('#')?)?.as_object()?;
    }
    Some(schema)
}

/// The words that a schema takes, if it takes only some.
fn words<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    let Some(schema) = resolve(root, schema).filter(|schema| !schema.contains_key("deprecated")) else {
        return Vec::new();
    };
    let list = |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten();
    let own = schema.get("const").into_iter().chain(list("enum")).filter_map(Value::as_str);
    own.chain(list("anyOf").chain(list("oneOf")).flat_map(|variant| words(root, variant))).collect()
}

/// The types that a schema names.
fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ if schema.contains_key("properties") => vec!["object"],
        _ if schema.contains_key("enum") || schema.contains_key("const") => vec!["string"],
        _ => types_of_variants(schema),
    }
}

/// The types that the variants of a schema name; none if one of them takes any.
fn types_of_variants(schema: &Map<String, Value>) -> Vec<&str> {
    let mut all = Vec::new();
    for variant in ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten() {
        match variant.as_object().map(types) {
            Some(names) if !names.is_empty() => all.extend(names),
            _ => return Vec::new(),
        }
    }
    all
}

fn fits_type(schema: &Map<String, Value>, value: &Value) -> bool {
    let types = types(schema);
    types.is_empty()
        || types.iter().any(|name| match *name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        })
}

/// The types that a schema and its variants name, each once.
fn add_types<'a>(root: &'a Value, schema: &'a Value, all: &mut Vec<&'a str>) {
    let Some(schema) = resolve(root, schema) else { return };
    for name in types(schema) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    for variants in ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()) {
        variants.iter().for_each(|variant| add_types(root, variant, all));
    }
}

/// The schemas of objects with known keys among the variants.
fn objects_of<'a>(root: &'a Value, variants: &'a [Value]) -> Vec<&'a Map<String, Value>> {
    let mut objects = Vec::new();
    for schema in variants.iter().filter_map(|variant| resolve(root, variant)) {
        if schema.contains_key("properties") {
            objects.push(schema);
        }
        for inner in ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()) {
            objects.extend(objects_of(root, inner));
        }
    }
    objects
}

/// The number that is wanted, if a count is not within its bounds.
fn wanted_count(minimum: Option<u64>, maximum: Option<u64>, count: u64) -> Option<String> {
    match (minimum, maximum) {
        (Some(least), Some(most)) if least == most && count != least => Some(least.to_string()),
        (Some(least), _) if count < least => Some(format!("at least {least}")),
        (_, Some(most)) if count > most => Some(format!("at most {most}")),
        _ => None,
    }
}

fn expected_types(schema: &Map<String, Value>) -> String {
    named_types(&types(schema))
}

/// Types in words.
fn named_types(types: &[&str]) -> String {
    let named = types.iter().filter(|name| **name != "null").map(|name| match *name {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        _ => "an object",
    });
    let names: Vec<&str> = named.collect();
    if names.is_empty() { "a value".to_owned() } else { names.join(" or ") }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A text as the kind of value that the schema wants, as settings in the environment are texts.
///
/// `None` if the text cannot be such a value.
pub(super) fn coerce_text(root: &Value, schema: &Value, text: &str) -> Option<Value> {
    let schema = resolve(root, schema)?;
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(variants)) = schema.get(key) {
            let is_text =
                |variant: &&Value| resolve(root, variant).is_some_and(|v| types(v).contains(&"string"));
            // A variant that takes text takes all of it, unless the text is JSON for another one.
            let coerced = variants.iter().filter(|v| !is_text(v)).find_map(|v| coerce_text(root, v, text));
            return coerced.or_else(|| variants.iter().find(is_text).map(|_| Value::from(text)));
        }
    }
    let lower = text.to_lowercase();
    let types = types(schema);
    if types.is_empty() || types.contains(&"string") {
        return Some(Value::from(text));
    }
    types.iter().find_map(|name| match *name {
        "boolean" => match lower.as_str() {
            "yes" | "true" | "t" | "y" | "1" => Some(Value::Bool(true)),
            "no" | "false" | "f" | "n" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        "integer" => {
            let hex = lower.strip_prefix("0x").and_then(|digits| i64::from_str_radix(digits, 16).ok());
            hex.or_else(|| lower.parse().ok()).map(Value::from)
        }
        "number" => lower.parse::<f64>().ok().map(Value::from),
        "array" => serde_json::from_str(text).ok().filter(Value::is_array),
        "object" => serde_json::from_str(text).ok().filter(Value::is_object),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(schema: &Value, value: &Value) -> Vec<String> {
        let all = check(schema, value).into_iter();
        all.map(|p| format!("{}: {} [{}]", p.pointer, p.message, p.hint.unwrap_or_default())).collect()
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "layout": {"type": ["string", "null"]},
                "limit": {"type": "integer", "minimum": 0},
                "mode": {"enum": ["append", "replace"]},
                "place": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/place"}]},
                "list": {"type": "array", "items": {"$ref": "#/$defs/place"}},
            },
            "required": ["limit"],
            "additionalProperties": false,
            "$defs": {"place": {
                "type": "object",
                "properties": {"type": {"const": "a"}, "path": {"type": "string"}},
                "additionalProperties": false,
            }},
        })
    }

    #[test]
    fn a_misspelt_key_is_named_with_the_nearest_one() {
        let found = problems(&schema(), &json!({"layuot": "x", "limit": 1}));
        assert_eq!(found, ["/layuot: unknown key `layuot` [did you mean `layout`?]"]);
        let found = problems(&schema(), &json!({"list": [{"pth": "x"}], "limit": 1}));
        assert_eq!(found, ["/list/0/pth: unknown key `pth` [did you mean `path`?]"]);
    }

    #[test]
    fn kinds_words_and_bounds_are_checked() {
        let found = problems(&schema(), &json!({"layout": 5, "limit": -1, "mode": "apend"}));
        assert_eq!(
            found,
            [
                "/layout: must be a text, not a number []",
                "/limit: must be at least 0 []",
                "/mode: must be one of append, replace [did you mean `append`?]",
            ]
        );
        assert_eq!(problems(&schema(), &json!({})), [": `limit` is missing []"]);
    }

    #[test]
    fn the_nearest_variant_tells_what_is_wrong() {
        let found = problems(&schema(), &json!({"limit": 1, "place": {"typ": "a"}}));
        assert_eq!(found, ["/place/typ: unknown key `typ` [did you mean `type`?]"]);
        let found = problems(&schema(), &json!({"limit": 1, "place": 7}));
        assert_eq!(found, ["/place: must be a text or an object, not a number []"]);
    }

    #[test]
    fn a_key_that_stands_elsewhere_is_named_with_its_place() {
        let found = problems(&schema(), &json!({"limit": 1, "path": "x"}));
        assert_eq!(found, ["/path: unknown key `path` [`path` stands below `place`: write `place.path`]"]);
        let found = problems(&schema(), &json!({"limit": 1, "place": {"mode": "append"}}));
        assert_eq!(found, ["/place/mode: unknown key `mode` [`mode` stands further up, not here]"]);
    }

    #[test]
    fn a_type_that_is_none_is_told_with_all_of_them_the_nearest_first() {
        let kind = |name: &str| json!({"type": "object", "properties": {"type": {"const": name}, "a": {}}});
        let schema = json!({"anyOf": [{"type": "string"}, {"oneOf": [kind("cursor"), kind("page_number")]}]});
        assert_eq!(
            problems(&schema, &json!({"type": "pagenumber", "b": 1})),
            ["/type: must be one of page_number, cursor [did you mean `page_number`?]"]
        );
        assert_eq!(problems(&schema, &json!({"type": "cursor", "a": 1})), Vec::<String>::new());
    }

    #[test]
    fn texts_become_what_the_schema_wants() {
        let coerce = |schema: Value, text: &str| coerce_text(&schema, &schema, text);
        assert_eq!(coerce(json!({"type": "boolean"}), "Yes"), Some(json!(true)));
        assert_eq!(coerce(json!({"type": "boolean"}), "maybe"), None);
        assert_eq!(coerce(json!({"type": ["integer", "null"]}), "0x10"), Some(json!(16)));
        assert_eq!(coerce(json!({"type": "array"}), "[1]"), Some(json!([1])));
        let either = json!({"anyOf": [{"type": "string"}, {"type": "object"}]});
        assert_eq!(coerce(either.clone(), "a.db"), Some(json!("a.db")));
        assert_eq!(coerce(either, "{\"a\":1}"), Some(json!({"a": 1})));
    }
}
