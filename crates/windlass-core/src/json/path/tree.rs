//! What paths can be followed in.

use std::marker::PhantomData;

use serde_json::{Number, Value};

use crate::json::{NodePosition, Tape, write_compact};
use crate::value::Scalar;

/// A parsed document.
pub trait Tree {
    /// A value of the document.
    type Node: Copy;

    /// A member of an object by its name, the last one of duplicates; `None` for anything else.
    fn member(&self, node: Self::Node, key: &str) -> Option<Self::Node>;

    /// The members of an object; empty for anything else.
    fn members(&self, node: Self::Node) -> Vec<(String, Self::Node)>;

    /// The elements of a list; `None` for anything else.
    fn elements(&self, node: Self::Node) -> Option<Vec<Self::Node>>;

    /// A copy of the value.
    fn value(&self, node: Self::Node) -> Value;
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<N> {
    /// A value of the document.
    Node(N),
    /// A value that was computed.
    Value(Value),
}

impl<N: Copy> Found<N> {
    /// A copy of the value.
    pub fn into_value<T: Tree<Node = N>>(self, tree: &T) -> Value {
        match self {
            Self::Node(node) => tree.value(node),
            Self::Value(value) => value,
        }
    }

    /// The value of the document, if it is one.
    pub fn node(&self) -> Option<N> {
        match self {
            Self::Node(node) => Some(*node),
            Self::Value(_) => None,
        }
    }
}

impl Tree for Tape<'_> {
    type Node = NodePosition;

    fn member(&self, node: NodePosition, key: &str) -> Option<NodePosition> {
        self.member(node, key)
    }

    fn members(&self, node: NodePosition) -> Vec<(String, NodePosition)> {
        self.members(node).map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn elements(&self, node: NodePosition) -> Option<Vec<NodePosition>> {
        self.is_array(node).then(|| self.elements(node).collect())
    }

    fn value(&self, node: NodePosition) -> Value {
        match self.scalar(node) {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => value.into(),
            Scalar::Int(value) => value.into(),
            Scalar::Double(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
            Scalar::Text(text) => text.into(),
            // Deeper than 128 levels is no value that anything is asked of.
            Scalar::Json(text) => serde_json::from_str(&text).unwrap_or_default(),
            _ => {
                let mut text = String::new();
                write_compact(&mut text, self, node);
                match serde_json::from_str(&text) {
                    // A number of more than 64 bits keeps its digits as a text.
                    Ok(Value::Number(number)) if number.is_f64() => text.into(),
                    Ok(value) => value,
                    Err(_) => text.into(),
                }
            }
        }
    }
}

/// A [`Value`] as a tree.
#[derive(Default)]
pub(super) struct Values<'v>(PhantomData<&'v Value>);

impl<'v> Tree for Values<'v> {
    type Node = &'v Value;

    fn member(&self, node: &'v Value, key: &str) -> Option<&'v Value> {
        node.as_object()?.get(key)
    }

    fn members(&self, node: &'v Value) -> Vec<(String, &'v Value)> {
        node.as_object()
            .map(|members| members.iter().map(|(key, value)| (key.clone(), value)).collect())
            .unwrap_or_default()
    }

    fn elements(&self, node: &'v Value) -> Option<Vec<&'v Value>> {
        node.as_array().map(|elements| elements.iter().collect())
    }

    fn value(&self, node: &'v Value) -> Value {
        node.clone()
    }
}
