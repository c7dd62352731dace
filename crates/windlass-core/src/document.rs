//! Files that people write: YAML, TOML and JSON read into one form that knows where everything stands.

use std::collections::HashMap;

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar as YamlScalar, Yaml, YamlData, YamlEmitter};
use serde_json::{Map, Number, Value};

use crate::error::{At, Code, Error, Result};

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentFormat {
    /// YAML 1.2; JSON is a part of it.
    Yaml,
    /// TOML 1.
    Toml,
}

impl DocumentFormat {
    /// The format of a file by its extension: `.toml`, else YAML.
    pub fn of_path(path: &str) -> Self {
        if path.to_ascii_lowercase().ends_with(".toml") { Self::Toml } else { Self::Yaml }
    }
}

/// A position in a document, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Character in the line.
    pub column: u64,
}

/// A parsed document with the place of every key.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The content.
    pub value: Value,
    places: HashMap<String, Place>,
}

impl Document {
    /// Parses a text. Errors carry line and column, and `name` as the file.
    pub fn parse(text: &str, format: DocumentFormat, name: &str) -> Result<Self> {
        match format {
            DocumentFormat::Yaml => parse_yaml(text, name),
            DocumentFormat::Toml => parse_toml(text, name),
        }
    }

    /// Where the key or item at a JSON pointer (`/source/resources/0/name`) stands, or its nearest ancestor.
    pub fn place(&self, pointer: &str) -> Option<Place> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return Some(*place);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// Appends a key to a JSON pointer.
pub fn pointer_push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

fn at(name: &str, line: usize, column: usize) -> At {
    At { file: Some(name.to_owned()), line: Some(line as u64), byte: Some(column as u64), ..At::default() }
}

fn parse_yaml(text: &str, name: &str) -> Result<Document> {
    let documents = MarkedYaml::load_from_str(text).map_err(|cause| {
        let marker = *cause.marker();
        Error::of(Code::InvalidDocument, format!("this is not YAML: {}", cause.info()))
            .at(at(name, marker.line(), marker.col() + 1))
            .with_hint("look at the indentation, the quotes and the brackets there and on the line before")
    })?;
    let mut document = Document::default();
    match documents.as_slice() {
        [] => {}
        [node] => document.value = convert_yaml(node, &mut String::new(), &mut document.places, name, 0)?,
        [_, second, ..] => {
            return Err(Error::of(Code::InvalidDocument, "a file holds one YAML document, this has several")
                .at(at(name, second.span.start.line(), 1)));
        }
    }
    Ok(document)
}

/// Documents nest no deeper; anchors could make a small text unfold without end.
const MAX_DEPTH: usize = 64;

fn convert_yaml(
    node: &MarkedYaml<'_>,
    pointer: &mut String,
    places: &mut HashMap<String, Place>,
    name: &str,
    depth: usize,
) -> Result<Value> {
    let start = node.span.start;
    if depth > MAX_DEPTH {
        return Err(Error::of(Code::InvalidDocument, "the document is nested too deeply").at(at(
            name,
            start.line(),
            start.col() + 1,
        )));
    }
    let place = |node: &MarkedYaml<'_>| Place {
        line: node.span.start.line() as u64,
        column: node.span.start.col() as u64 + 1,
    };
    Ok(match &node.data {
        YamlData::Value(scalar) => match scalar {
            YamlScalar::Null => Value::Null,
            YamlScalar::Boolean(value) => Value::from(*value),
            YamlScalar::Integer(value) => Value::from(*value),
            YamlScalar::FloatingPoint(value) => Number::from_f64(value.into_inner())
                .map_or_else(|| Value::from(value.to_string()), Value::Number),
            YamlScalar::String(text) => Value::from(text.as_ref()),
        },
        YamlData::Sequence(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let parent = pointer.len();
                pointer_push(pointer, &index.to_string());
                places.insert(pointer.clone(), place(item));
                list.push(convert_yaml(item, pointer, places, name, depth + 1)?);
                pointer.truncate(parent);
            }
            Value::Array(list)
        }
        YamlData::Mapping(entries) => {
            let mut map = Map::new();
            for (key, item) in entries {
                let key_text = match &key.data {
                    YamlData::Value(YamlScalar::String(text)) => text.to_string(),
                    YamlData::Value(YamlScalar::Integer(value)) => value.to_string(),
                    YamlData::Value(YamlScalar::Boolean(value)) => value.to_string(),
                    YamlData::Value(YamlScalar::Null) => "null".to_owned(),
                    _ => {
                        let start = key.span.start;
                        return Err(Error::of(Code::InvalidDocument, "a key must be text").at(at(
                            name,
                            start.line(),
                            start.col() + 1,
                        )));
                    }
                };
                let parent = pointer.len();
                pointer_push(pointer, &key_text);
                places.insert(pointer.clone(), place(key));
                map.insert(key_text, convert_yaml(item, pointer, places, name, depth + 1)?);
                pointer.truncate(parent);
            }
            Value::Object(map)
        }
        YamlData::Tagged(_, inner) => convert_yaml(inner, pointer, places, name, depth + 1)?,
        YamlData::Representation(text, ..) => Value::from(text.as_ref()),
        YamlData::BadValue | YamlData::Alias(_) => {
            return Err(Error::of(Code::InvalidDocument, "this value cannot be read").at(at(
                name,
                start.line(),
                start.col() + 1,
            )));
        }
    })
}

fn parse_toml(text: &str, name: &str) -> Result<Document> {
    let lines: Vec<usize> =
        std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|i| i + 1)).collect();
    let place = |offset: usize| {
        let line = lines.partition_point(|&start| start <= offset);
        let start = lines.get(line - 1).copied().unwrap_or(0);
        Place { line: line as u64, column: (offset - start) as u64 + 1 }
    };
    let parsed = toml_edit::Document::parse(text).map_err(|cause| {
        let place = cause.span().map(|span| place(span.start));
        let error = Error::of(
            Code::InvalidDocument,
            format!("this is not TOML: {}", cause.message().replace('\n', " ")),
        );
        error.with_hint("look at the quotes and the brackets there").at(At {
            file: Some(name.to_owned()),
            line: place.map(|place| place.line),
            byte: place.map(|place| place.column),
            ..At::default()
        })
    })?;
    let mut document = Document::default();
    document.value = convert_table(parsed.as_table(), &mut String::new(), &mut document.places, &place);
    Ok(document)
}

fn convert_table(
    table: &dyn toml_edit::TableLike,
    pointer: &mut String,
    places: &mut HashMap<String, Place>,
    place: &dyn Fn(usize) -> Place,
) -> Value {
    let mut map = Map::new();
    for (key, item) in table.iter() {
        let parent = pointer.len();
        pointer_push(pointer, key);
        let span = table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
        if let Some(span) = span {
            places.insert(pointer.clone(), place(span.start));
        }
        let value = if let Some(table) = item.as_table_like() {
            convert_table(table, pointer, places, place)
        } else if let Some(tables) = item.as_array_of_tables() {
            let mut list = Vec::new();
            for (index, table) in tables.iter().enumerate() {
                let parent = pointer.len();
                pointer_push(pointer, &index.to_string());
                if let Some(span) = table.span() {
                    places.insert(pointer.clone(), place(span.start));
                }
                list.push(convert_table(table, pointer, places, place));
                pointer.truncate(parent);
            }
            Value::Array(list)
        } else {
            item.as_value().map_or(Value::Null, |value| convert_toml(value, pointer, places, place))
        };
        map.insert(key.to_owned(), value);
        pointer.truncate(parent);
    }
    Value::Object(map)
}

fn convert_toml(
    value: &toml_edit::Value,
    pointer: &mut String,
    places: &mut HashMap<String, Place>,
    place: &dyn Fn(usize) -> Place,
) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::from(text.value().as_str()),
        toml_edit::Value::Integer(value) => Value::from(*value.value()),
        toml_edit::Value::Float(value) => Number::from_f64(*value.value()).map_or(Value::Null, Value::Number),
        toml_edit::Value::Boolean(value) => Value::from(*value.value()),
        toml_edit::Value::Datetime(value) => Value::from(value.value().to_string()),
        toml_edit::Value::Array(items) => {
            let mut list = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let parent = pointer.len();
                pointer_push(pointer, &index.to_string());
                if let Some(span) = item.span() {
                    places.insert(pointer.clone(), place(span.start));
                }
                list.push(convert_toml(item, pointer, places, place));
                pointer.truncate(parent);
            }
            Value::Array(list)
        }
        toml_edit::Value::InlineTable(table) => convert_table(table, pointer, places, place),
    }
}

/// A value as block-style YAML text.
pub fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    let yaml = yaml_of(value);
    // Writing to a String cannot fail, and no value here is bad.
    let _ = YamlEmitter::new(&mut text).dump(&yaml);
    let body = text.strip_prefix("---\n").unwrap_or(&text);
    format!("{body}\n")
}

fn yaml_of(value: &Value) -> Yaml<'_> {
    match value {
        Value::Null => Yaml::Value(YamlScalar::Null),
        Value::Bool(value) => Yaml::Value(YamlScalar::Boolean(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Yaml::Value(YamlScalar::Integer(value)),
            None => Yaml::Value(YamlScalar::FloatingPoint(number.as_f64().unwrap_or(f64::NAN).into())),
        },
        Value::String(text) => Yaml::Value(YamlScalar::String(text.as_str().into())),
        Value::Array(items) => Yaml::Sequence(items.iter().map(yaml_of).collect()),
        Value::Object(map) => Yaml::Mapping(
            map.iter()
                .map(|(key, value)| (Yaml::Value(YamlScalar::String(key.as_str().into())), yaml_of(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_have_places_in_both_formats() {
        let yaml =
            Document::parse("a: 1\nb:\n  - c: x\n    d: 2025-02-25\n", DocumentFormat::Yaml, "f").unwrap();
        assert_eq!(yaml.value, json!({"a": 1, "b": [{"c": "x", "d": "2025-02-25"}]}));
        assert_eq!(yaml.place("/b/0/d"), Some(Place { line: 4, column: 5 }));
        assert_eq!(yaml.place("/b/0/missing"), Some(Place { line: 3, column: 5 }));
        let toml = Document::parse("a = 1\n[b]\nc = [{ d = \"x\" }]\n", DocumentFormat::Toml, "f").unwrap();
        assert_eq!(toml.value, json!({"a": 1, "b": {"c": [{"d": "x"}]}}));
        assert_eq!(toml.place("/b/c"), Some(Place { line: 3, column: 1 }));
        assert_eq!(toml.place("/b/c/0/d"), Some(Place { line: 3, column: 8 }));
    }

    #[test]
    fn a_broken_document_says_where() {
        let error = Document::parse("a: [1,\nb: }", DocumentFormat::Yaml, "p.yaml").unwrap_err();
        assert!(error.to_string().contains("p.yaml:2:"), "{error}");
        let error = Document::parse("a = \nb = 1", DocumentFormat::Toml, "p.toml").unwrap_err();
        assert!(error.to_string().contains("p.toml:1:"), "{error}");
        let error = Document::parse("a: 1\na: 2\n", DocumentFormat::Yaml, "p.yaml").unwrap_err();
        assert!(error.to_string().contains("p.yaml:2:"), "{error}");
    }

    #[test]
    fn yaml_text_reads_back() {
        let value =
            json!({"a": {"b": [1, 1.5, true, null, "x"], "re:^x$": "yes", "e": [], "o": {}}, "n": "1"});
        let text = to_yaml(&value);
        assert_eq!(Document::parse(&text, DocumentFormat::Yaml, "f").unwrap().value, value, "{text}");
    }
}
