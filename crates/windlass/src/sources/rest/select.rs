//! Which part of an answer is the page: the selector, and how it is found on the first answer.

use std::sync::Arc;

use serde_json::Value;
use windlass_core::json::{Found, JsonPath, NodePosition, Select, Tape, write_typed};
use windlass_core::value::typed_json;
use windlass_core::{Error, Result};

/// Names of members that hold records, as the reference knows them.
const RECORD_KEYS: [&str; 11] = [
    "data", "items", "results", "entries", "records", "rows", "entities", "payload", "content", "objects",
    "values",
];

/// Names in a path to a list that is looked for.
const MAX_DEPTH: usize = 3;

/// Where the records are.
#[derive(Clone, Debug)]
pub struct Selector {
    path: JsonPath,
    /// The same for who reads the document, where the path is only names.
    plain: Option<Arc<Select>>,
}

/// The records of a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Records {
    /// So many, where the plain path leads.
    Plain(u64, Option<NodePosition>),
    /// Values that are found or computed one by one.
    Found(Vec<Found<NodePosition>>),
}

impl Selector {
    /// Reads a selector. Errors: it is no JSONPath.
    pub fn parse(text: &str) -> Result<Self> {
        let path = JsonPath::parse(text).map_err(|error| {
            let hint = error.hint().unwrap_or_default().to_owned();
            Error::config(format!("`data_selector`: {error}")).with_hint(hint)
        })?;
        let plain = path.keys().map(|keys| Arc::new(Select::of_keys(keys)));
        Ok(Self { path, plain })
    }

    /// The selector that the reference would find for this answer.
    ///
    /// Errors: it leads through a name that has to be quoted and is not.
    pub(crate) fn detect(document: &Tape<'_>) -> Result<Self> {
        let mut lists = Vec::new();
        collect_lists(document, 0, &mut Vec::new(), &mut lists);
        let is_known =
            |path: &&Vec<String>| path.last().is_some_and(|key| RECORD_KEYS.contains(&key.as_str()));
        let chosen = lists.iter().find(is_known).or_else(|| lists.first());
        let Some(keys) = chosen else { return Self::parse("$") };
        // Names are joined as they are, as in the reference.
        let text = keys.join(".");
        if keys.iter().any(|key| key.contains('.')) {
            tracing::warn!(
                path = text,
                "the records are under a name with a dot, which a guessed selector does not find: set `data_selector`"
            );
        }
        Self::parse(&text).map_err(|error| {
            error.with_hint(format!(
                "the selector was guessed: set `data_selector` to {}",
                JsonPath::of_keys(keys.iter().map(String::as_str)).as_str()
            ))
        })
    }

    /// What is doubtful about the selector that [`Selector::detect`] finds: there are several lists, and none is called as
    /// records are.
    pub(crate) fn doubt(document: &Tape<'_>) -> Option<String> {
        let mut lists = Vec::new();
        collect_lists(document, 0, &mut Vec::new(), &mut lists);
        let is_known =
            |path: &Vec<String>| path.last().is_some_and(|key| RECORD_KEYS.contains(&key.as_str()));
        let names: Vec<String> = lists.iter().take(5).map(|path| format!("`{}`", path.join("."))).collect();
        (lists.len() > 1 && !lists.iter().any(is_known)).then(|| {
            format!(
                "the records are guessed to be at {} of {}: set `data_selector` to be sure",
                names.first().map_or("", String::as_str),
                names.join(", ")
            )
        })
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        self.path.as_str()
    }

    /// The names of the path, if it has nothing else.
    pub fn keys(&self) -> Option<Vec<&str>> {
        self.path.keys()
    }

    /// The same for who reads the document, if the path is only names.
    pub fn plain(&self) -> Option<&Arc<Select>> {
        self.plain.as_ref()
    }

    /// The records of a document. One match that is a list gives its elements; null and no match give none.
    ///
    /// Errors: as [`JsonPath::find`].
    pub(crate) fn records(&self, document: &Tape<'_>) -> Result<Records> {
        let mut found = self.path.find(document, 0)?;
        if self.plain.is_some() {
            let node = found.first().and_then(Found::node).filter(|node| !document.is_null(*node));
            let count = node.map_or(0, |node| match document.is_array(node) {
                true => document.elements(node).count() as u64,
                false => 1,
            });
            return Ok(Records::Plain(count, node));
        }
        if let [only] = found.as_slice() {
            found = match only {
                Found::Node(node) if document.is_null(*node) => Vec::new(),
                Found::Node(node) if document.is_array(*node) => {
                    document.elements(*node).map(Found::Node).collect()
                }
                Found::Value(Value::Null) => Vec::new(),
                Found::Value(Value::Array(items)) => items.iter().cloned().map(Found::Value).collect(),
                _ => found,
            };
        }
        Ok(Records::Found(found))
    }
}

impl Records {
    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Plain(count, _) => *count,
            Self::Found(found) => found.len() as u64,
        }
    }

    /// The records as lines of typed JSON.
    pub(crate) fn lines(&self, document: &Tape<'_>) -> Vec<u8> {
        let mut out = String::new();
        let mut line = |found: &Found<NodePosition>| {
            match found {
                Found::Node(node) => write_typed(&mut out, document, *node),
                Found::Value(value) => out.push_str(&typed_json(value).to_string()),
            }
            out.push('\n');
        };
        match self {
            Self::Plain(_, None) => {}
            Self::Plain(_, Some(node)) if document.is_array(*node) => {
                document.elements(*node).for_each(|element| line(&Found::Node(element)));
            }
            Self::Plain(_, Some(node)) => line(&Found::Node(*node)),
            Self::Found(found) => found.iter().for_each(line),
        }
        out.into_bytes()
    }
}

/// The paths of all lists below an object, depth first in the order of the document; lists are not entered.
fn collect_lists(tape: &Tape<'_>, node: NodePosition, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    if path.len() == MAX_DEPTH {
        return;
    }
    for (key, value) in tape.members(node) {
        path.push(key.to_owned());
        if tape.is_array(value) {
            out.push(path.clone());
        } else {
            collect_lists(tape, value, path, out);
        }
        path.pop();
    }
}
