//! A request with placeholders, and what it becomes for one record of the parent.

use indexmap::IndexSet;
use serde_json::{Map, Value};
use windlass_core::{Error, Result};

use super::incremental::{CursorMoment, CursorRequests, CursorValue};
use super::placeholder::{Placeholders, python_text, untyped};
use crate::config::unknown_name;

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A field of the parent's record.
    Parent {
        /// The parent.
        resource: String,
        /// The path of the field.
        field: String,
    },
    /// A value of the cursor.
    Cursor(CursorValue),
}

impl Reference {
    /// Reads a name that starts with a context; `None` if it starts with another word.
    ///
    /// Errors: a name that has the context but not what belongs behind it.
    pub(crate) fn parse(name: &str, has_cursor: bool) -> Result<Option<Self>> {
        let (context, rest) = name.split_once('.').unwrap_or((name, ""));
        match context {
            "resources" => match rest.split_once('.') {
                Some((resource, field)) if !resource.is_empty() && !field.is_empty() => {
                    Ok(Some(Self::Parent { resource: resource.to_owned(), field: field.to_owned() }))
                }
                _ => Err(Error::config(format!(
                    "the placeholder `{name}` does not name a field of a resource"
                ))
                .with_hint("write {resources.<resource>.<field>}")),
            },
            "incremental" if has_cursor => {
                let known = CursorValue::NAMES.into_iter().find(|(known, _)| *known == rest);
                match known {
                    Some((_, value)) => Ok(Some(Self::Cursor(value))),
                    None => Err(unknown_name(
                        "value of the cursor",
                        rest,
                        CursorValue::NAMES.into_iter().map(|(known, _)| known),
                    )),
                }
            }
            _ => Ok(None),
        }
    }
}

/// Part of a request: a value whose texts may have placeholders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// Has none.
    Value(Value),
    /// A text with placeholders.
    Text(Placeholders),
    /// A list.
    List(Vec<Self>),
    /// An object, whose keys may have placeholders too.
    Map(Vec<(Placeholders, Self)>),
}

impl Node {
    /// Reads a value; `check` sees every placeholder. Errors: braces that do not match, and those of `check`.
    pub(crate) fn parse(value: Value, check: &mut dyn FnMut(&str) -> Result<()>) -> Result<Self> {
        Ok(match value {
            Value::String(text) => Self::Text(text_of(&text, check)?),
            Value::Array(items) => {
                Self::List(items.into_iter().map(|item| Self::parse(item, check)).collect::<Result<_>>()?)
            }
            Value::Object(map) => Self::Map(
                map.into_iter()
                    .map(|(key, item)| Ok((text_of(&key, check)?, Self::parse(item, check)?)))
                    .collect::<Result<_>>()?,
            ),
            other => Self::Value(other),
        })
    }

    /// The value with all placeholders replaced. With `keep_types` a text that is nothing but a placeholder becomes the
    /// value itself.
    fn expand(&self, keep_types: bool, value: &mut dyn FnMut(&str) -> Result<Value>) -> Result<Value> {
        Ok(match self {
            Self::Value(value) => value.clone(),
            Self::Text(text) => match text.whole().filter(|_| keep_types) {
                Some(name) => untyped(value(name)?),
                None => Value::String(text.fill(value)?),
            },
            Self::List(items) => {
                Value::Array(items.iter().map(|item| item.expand(keep_types, value)).collect::<Result<_>>()?)
            }
            Self::Map(members) => {
                let mut map = Map::new();
                for (key, item) in members {
                    map.insert(key.fill(&mut *value)?, item.expand(keep_types, value)?);
                }
                Value::Object(map)
            }
        })
    }
}

/// Reads a text; `check` sees every placeholder.
pub(crate) fn text_of(text: &str, check: &mut dyn FnMut(&str) -> Result<()>) -> Result<Placeholders> {
    let parsed = Placeholders::parse(text)?;
    parsed.fields().try_for_each(|field| check(&field.name))?;
    parsed.check_formats()?;
    Ok(parsed)
}

/// A request with placeholders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RequestTemplate {
    pub(crate) path: Placeholders,
    pub(crate) params: Vec<(Placeholders, Node)>,
    pub(crate) json: Option<Node>,
    pub(crate) data: Option<Node>,
    pub(crate) headers: Vec<(Placeholders, Node)>,
    /// How the cursor's range is asked for, if there is a cursor.
    pub(crate) cursor: Option<CursorRequests>,
}

/// A request whose placeholders are replaced.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expanded {
    pub(crate) path: String,
    pub(crate) params: Map<String, Value>,
    pub(crate) json: Option<Value>,
    pub(crate) data: Option<Value>,
    pub(crate) headers: Vec<(String, String)>,
}

impl RequestTemplate {
    /// The request for these fields of the parent's record, by their paths, and at this moment of the cursor.
    ///
    /// `range` are the parameters for the cursor's range, which move less often than the placeholders.
    pub(crate) fn expand(
        &self,
        fields: &Map<String, Value>,
        cursor: &CursorMoment,
        range: &[(String, Value)],
    ) -> Result<Expanded> {
        let requests = self.cursor.clone().unwrap_or_default();
        let mut value = |name: &str| -> Result<Value> {
            let field = |field: &str| {
                fields.get(field).cloned().ok_or_else(|| {
                    Error::internal(format!("the field `{field}` was not taken from the parent's record"))
                })
            };
            match Reference::parse(name, self.cursor.is_some())? {
                Some(Reference::Parent { field: path, .. }) => field(&path),
                Some(Reference::Cursor(which)) => cursor.value(which, &requests),
                None => Err(Error::internal(format!("the placeholder `{name}` was not checked"))),
            }
        };
        let mut params = Map::new();
        for (key, node) in &self.params {
            params.insert(key.fill(&mut value)?, node.expand(false, &mut value)?);
        }
        params.extend(range.iter().cloned());
        let mut headers = Vec::new();
        for (key, node) in &self.headers {
            let text = match node.expand(false, &mut value)? {
                Value::String(text) => text,
                other => python_text(&other),
            };
            headers.push((key.fill(&mut value)?, text));
        }
        Ok(Expanded {
            path: self.path.fill(&mut value)?,
            params,
            json: self.json.as_ref().map(|node| node.expand(true, &mut value)).transpose()?,
            data: self.data.as_ref().map(|node| node.expand(false, &mut value)).transpose()?,
            headers,
        })
    }

    /// Whether what is asked for depends on a cursor that moves during the run.
    pub(crate) fn follows_cursor(&self) -> bool {
        let Some(cursor) = &self.cursor else { return false };
        let mut follows = cursor.start_param.is_some();
        self.visit(&mut |name| {
            follows |= matches!(Reference::parse(name, true), Ok(Some(Reference::Cursor(CursorValue::Last))));
        });
        follows
    }

    /// Every field of the parent's record that is asked for, once.
    pub(crate) fn parent_fields(&self) -> IndexSet<String> {
        self.parent_references().into_iter().map(|(_, field)| field).collect()
    }

    /// Every resource that a field is asked of, once.
    pub(crate) fn parents(&self) -> IndexSet<String> {
        self.parent_references().into_iter().map(|(resource, _)| resource).collect()
    }

    fn parent_references(&self) -> Vec<(String, String)> {
        let mut references = Vec::new();
        self.visit(&mut |name| {
            if let Ok(Some(Reference::Parent { resource, field })) =
                Reference::parse(name, self.cursor.is_some())
            {
                references.push((resource, field));
            }
        });
        references
    }

    /// Shows every placeholder.
    fn visit(&self, see: &mut dyn FnMut(&str)) {
        let texts = |text: &Placeholders, see: &mut dyn FnMut(&str)| {
            text.fields().for_each(|field| see(&field.name));
        };
        texts(&self.path, see);
        for (key, node) in self.params.iter().chain(&self.headers) {
            texts(key, see);
            visit_node(node, see);
        }
        for node in self.json.iter().chain(&self.data) {
            visit_node(node, see);
        }
    }
}

fn visit_node(node: &Node, see: &mut dyn FnMut(&str)) {
    match node {
        Node::Value(_) => {}
        Node::Text(text) => text.fields().for_each(|field| see(&field.name)),
        Node::List(items) => items.iter().for_each(|item| visit_node(item, see)),
        Node::Map(members) => {
            for (key, item) in members {
                key.fields().for_each(|field| see(&field.name));
                visit_node(item, see);
            }
        }
    }
}
