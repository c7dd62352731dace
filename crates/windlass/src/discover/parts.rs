//! Documents that are written in several files: references into other files are joined into one document.

use std::path::{Component, Path, PathBuf};

use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use serde_json::{Map, Value};
use windlass_core::Result;

use super::document;
use crate::sources::rest::http::is_web;

/// The key under which other files stand in the joined document.
const FILES: &str = "x-windlass-files";

/// Files of one document; more are most likely a circle of generated names.
const MOST_FILES: usize = 500;

/// A document and the files that it refers to, as far as they were added.
#[derive(Clone, Debug)]
pub struct Parts {
    /// By their places, the document itself first.
    files: IndexMap<String, Value>,
    /// Places that cannot be read, and why.
    missing: IndexMap<String, String>,
}

impl Parts {
    /// A document and its place, a path or an address. Errors: neither JSON nor YAML.
    pub fn new(text: &str, place: &str) -> Result<Self> {
        let value = document::parse(text, place)?;
        Ok(Self { files: IndexMap::from([(normal(place), value)]), missing: IndexMap::new() })
    }

    /// The place of a file that is referred to and was neither added nor missed; a path, or an address of the same host.
    pub fn wanted(&mut self) -> Option<String> {
        let mut all = Vec::new();
        for (place, value) in &self.files {
            references(value, &mut |reference| {
                if let Some((target, _)) = target(place, reference) {
                    all.push((place.clone(), target));
                }
            });
        }
        for (from, place) in all {
            if self.files.contains_key(&place) || self.missing.contains_key(&place) {
                continue;
            }
            let why = if self.files.len() >= MOST_FILES {
                Some(format!("there are more than {MOST_FILES} files"))
            } else if is_web(&place) && !is_same_host(&from, &place) {
                Some("it is on another host".to_owned())
            } else {
                None
            };
            match why {
                Some(why) => self.miss(&place, why),
                None => return Some(place),
            }
        }
        None
    }

    /// Adds a file that was wanted. Errors: neither JSON nor YAML.
    pub fn add(&mut self, place: &str, text: &str) -> Result<()> {
        let value = document::parse(text, place)?;
        self.files.insert(place.to_owned(), value);
        Ok(())
    }

    /// Says why a file that was wanted cannot be read.
    pub fn miss(&mut self, place: &str, why: impl Into<String>) {
        self.missing.insert(place.to_owned(), why.into());
    }

    /// One document, in which references lead nowhere else, and what the user should know of it.
    pub(super) fn join(&self) -> (Value, Vec<String>) {
        let mut joined = Value::Null;
        let mut others = Map::new();
        for (index, (place, value)) in self.files.iter().enumerate() {
            let mut value = value.clone();
            rewrite(&mut value, &|reference| {
                let (target, pointer) = match reference.strip_prefix('#') {
                    Some(pointer) => (place.clone(), pointer.to_owned()),
                    None => target(place, reference)?,
                };
                match self.files.get_index_of(&target)? {
                    0 => Some(format!("#{pointer}")),
                    other => Some(format!("#/{FILES}/{other}{pointer}")),
                }
            });
            if index == 0 {
                joined = value;
            } else {
                others.insert(index.to_string(), value);
            }
        }
        if let (Value::Object(joined), false) = (&mut joined, others.is_empty()) {
            joined.insert(FILES.to_owned(), Value::Object(others));
        }
        let missing = self.missing.iter();
        (
            joined,
            missing.map(|(place, why)| format!("a reference into {place} is not followed: {why}")).collect(),
        )
    }
}

/// Calls with every reference of a document.
fn references(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                found(reference);
            }
            map.values().for_each(|value| references(value, found));
        }
        _ => {}
    }
}

fn rewrite(value: &mut Value, by: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, by)),
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get_mut("$ref")
                && let Some(other) = by(reference)
            {
                *reference = other;
            }
            map.values_mut().for_each(|value| rewrite(value, by));
        }
        _ => {}
    }
}

/// The place that a reference of the file at `place` leads to, and the pointer there; `None` within the file.
fn target(place: &str, reference: &str) -> Option<(String, String)> {
    let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
    if file.is_empty() {
        return None;
    }
    let target = if is_web(file) {
        file.to_owned()
    } else if is_web(place) {
        Url::parse(place).ok()?.join(file).ok()?.to_string()
    } else {
        // A reference is a URL even where it leads to a file.
        let file = percent_decode_str(file).decode_utf8().ok()?;
        let folder = Path::new(place).parent().unwrap_or_else(|| Path::new(""));
        normal(&folder.join(&*file).display().to_string())
    };
    Some((target, pointer.to_owned()))
}

/// A path without `.` and without `..` behind a name, so that one file has one place.
fn normal(place: &str) -> String {
    if is_web(place) {
        return place.to_owned();
    }
    let mut path = PathBuf::new();
    for part in Path::new(place).components() {
        let goes_up = part == Component::ParentDir;
        match part {
            Component::CurDir => {}
            _ if goes_up && path.file_name().is_some() => drop(path.pop()),
            part => path.push(part),
        }
    }
    path.display().to_string()
}

fn is_same_host(from: &str, place: &str) -> bool {
    match (Url::parse(from), Url::parse(place)) {
        (Ok(from), Ok(place)) => from.origin() == place.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_into_other_files_are_joined() {
        let root = "{\"a\":{\"$ref\":\"./parts/%61.yaml#/x\"},\"own\":{\"$ref\":\"#/a\"},\"c\":1}";
        let mut parts = Parts::new(root, "api/openapi.json").unwrap();
        assert_eq!(parts.wanted().as_deref(), Some("api/parts/a.yaml"));
        let text =
            "x: {$ref: '#/y'}\ny: {$ref: '../openapi.json#/c'}\nz: {$ref: b.json}\nw: {$ref: 'http://h/x'}\n";
        parts.add("api/parts/a.yaml", text).unwrap();
        assert_eq!(parts.wanted().as_deref(), Some("api/parts/b.json"));
        parts.miss("api/parts/b.json", "there is none");
        assert_eq!(parts.wanted(), None);
        let (joined, warnings) = parts.join();
        assert_eq!(joined["a"], json!({"$ref": "#/x-windlass-files/1/x"}));
        assert_eq!(joined["own"], json!({"$ref": "#/a"}));
        assert_eq!(joined[FILES]["1"]["x"], json!({"$ref": "#/x-windlass-files/1/y"}));
        assert_eq!(joined[FILES]["1"]["y"], json!({"$ref": "#/c"}));
        assert_eq!(joined[FILES]["1"]["z"], json!({"$ref": "b.json"}));
        assert_eq!(
            warnings,
            [
                "a reference into api/parts/b.json is not followed: there is none",
                "a reference into http://h/x is not followed: it is on another host"
            ]
        );
    }

    #[test]
    fn files_of_the_same_host_are_wanted_and_circles_end() {
        let mut parts = Parts::new("{\"a\":{\"$ref\":\"b.json\"}}", "http://h/v1/a.json").unwrap();
        assert_eq!(parts.wanted().as_deref(), Some("http://h/v1/b.json"));
        parts.add("http://h/v1/b.json", "{\"x\":{\"$ref\":\"a.json#/a\"}}").unwrap();
        assert_eq!(parts.wanted(), None);
        assert_eq!(parts.join().0[FILES]["1"]["x"], json!({"$ref": "#/a"}));
    }
}
