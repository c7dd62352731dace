//! The parsed form of a chunk: a flat list of nodes that borrow from the chunk.

pub(crate) use simd_json::{Node, StaticNode};

use crate::value::{DataType, Scalar, decode_tagged, is_tagged};

/// Index of a node in a tape.
pub type NodePosition = u32;

/// Parsed JSON values, one after the other, each followed by its children.
///
/// An object is followed by its keys and values in turn; duplicate keys are all there.
#[derive(Debug)]
pub struct Tape<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    /// Whether strings may be typed strings. Else every string is the text that it is.
    pub(crate) is_typed: bool,
    /// The texts of floats that a float does not hold exactly, by position, where they were asked for.
    pub(crate) literals: Vec<(NodePosition, Box<str>)>,
}

impl<'a> Tape<'a> {
    /// A tape without nodes.
    pub fn empty() -> Self {
        Self::plain(Vec::new())
    }

    /// A tape whose strings are plain texts.
    pub(crate) fn plain(nodes: Vec<Node<'a>>) -> Self {
        Self { nodes, is_typed: false, literals: Vec::new() }
    }

    /// The text of a float that a float does not hold exactly.
    pub(crate) fn literal(&self, position: NodePosition) -> Option<&str> {
        if self.literals.is_empty() {
            return None;
        }
        let at = self.literals.binary_search_by_key(&position, |(position, _)| *position).ok()?;
        Some(&self.literals[at].1)
    }

    /// The typed value that a string stands for; `None` for a text.
    #[inline]
    fn typed(&self, text: &'a str) -> Option<Scalar<'a>> {
        (self.is_typed && is_tagged(text)).then(|| decode_tagged(text))
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The position behind a node and all of its children.
    #[inline]
    pub fn next(&self, position: NodePosition) -> NodePosition {
        match self.nodes[position as usize] {
            Node::Object { count, .. } | Node::Array { count, .. } => position + 1 + count as NodePosition,
            _ => position + 1,
        }
    }

    /// The members of an object: each key and the position of its value. Empty for anything else.
    pub fn members(&self, position: NodePosition) -> impl Iterator<Item = (&'a str, NodePosition)> {
        let len = match self.nodes[position as usize] {
            Node::Object { len, .. } => len,
            _ => 0,
        };
        let mut at = position + 1;
        (0..len).map(move |_| {
            let value = at + 1;
            let key = match self.nodes[at as usize] {
                Node::String(key) => key,
                _ => "",
            };
            at = self.next(value);
            (key, value)
        })
    }

    /// The positions of the elements of an array. Empty for anything else.
    pub fn elements(&self, position: NodePosition) -> impl Iterator<Item = NodePosition> {
        let len = match self.nodes[position as usize] {
            Node::Array { len, .. } => len,
            _ => 0,
        };
        let mut at = position + 1;
        (0..len).map(move |_| {
            let element = at;
            at = self.next(at);
            element
        })
    }

    /// The value of a member of an object; the last one of duplicates.
    pub fn member(&self, position: NodePosition, key: &str) -> Option<NodePosition> {
        self.members(position).filter(|(name, _)| *name == key).last().map(|(_, value)| value)
    }

    /// Whether the node is an object.
    pub fn is_object(&self, position: NodePosition) -> bool {
        matches!(self.nodes[position as usize], Node::Object { .. })
    }

    /// Whether the node is an array.
    pub fn is_array(&self, position: NodePosition) -> bool {
        matches!(self.nodes[position as usize], Node::Array { .. })
    }

    /// Whether the node is null.
    pub fn is_null(&self, position: NodePosition) -> bool {
        matches!(self.nodes[position as usize], Node::Static(StaticNode::Null))
    }

    /// The type of the value, `None` for null. Objects and arrays are `json`.
    pub fn data_type(&self, position: NodePosition) -> Option<DataType> {
        Some(match self.nodes[position as usize] {
            Node::String(text) => match self.typed(text) {
                Some(value) => return value.data_type(),
                None => DataType::Text,
            },
            Node::Object { .. } | Node::Array { .. } => DataType::Json,
            Node::Static(StaticNode::I64(_)) => DataType::Bigint,
            Node::Static(StaticNode::U64(value)) if i64::try_from(value).is_ok() => DataType::Bigint,
            Node::Static(StaticNode::U64(_)) => DataType::Wei,
            Node::Static(StaticNode::F64(_)) => DataType::Double,
            Node::Static(StaticNode::Bool(_)) => DataType::Bool,
            Node::Static(StaticNode::Null) => return None,
        })
    }

    /// The value of a node: typed strings decoded, objects and arrays as compact JSON text.
    pub fn scalar(&self, position: NodePosition) -> Scalar<'a> {
        match self.nodes[position as usize] {
            Node::String(text) => self.typed(text).unwrap_or(Scalar::Text(text.into())),
            Node::Object { .. } | Node::Array { .. } => {
                let mut text = String::new();
                super::write_compact(&mut text, self, position);
                Scalar::Json(text.into())
            }
            Node::Static(StaticNode::I64(value)) => Scalar::Int(value),
            Node::Static(StaticNode::U64(value)) => match i64::try_from(value) {
                Ok(value) => Scalar::Int(value),
                Err(_) => Scalar::Wei(value.into()),
            },
            Node::Static(StaticNode::F64(value)) => Scalar::Double(value),
            Node::Static(StaticNode::Bool(value)) => Scalar::Bool(value),
            Node::Static(StaticNode::Null) => Scalar::Null,
        }
    }
}

/// Builds a tape node by node, for values that do not come as JSON text.
#[derive(Debug)]
pub struct TapeBuilder<'a> {
    nodes: Vec<Node<'a>>,
    open: Vec<usize>,
    literals: Vec<(NodePosition, Box<str>)>,
}

impl<'a> TapeBuilder<'a> {
    /// A builder that reuses the memory of a former tape.
    pub fn new(former: Tape<'_>) -> Self {
        let nodes = simd_json::Tape(former.nodes).reset().0;
        Self { nodes, open: Vec::new(), literals: Vec::new() }
    }

    /// The position of the next node.
    pub fn position(&self) -> NodePosition {
        self.nodes.len() as NodePosition
    }

    fn count_child(&mut self) {
        if let Some(&parent) = self.open.last()
            && let Some(Node::Array { len, .. }) = self.nodes.get_mut(parent)
        {
            *len += 1;
        }
    }

    /// Adds a key of the open object; its value comes next.
    pub fn key(&mut self, key: &'a str) {
        if let Some(&parent) = self.open.last()
            && let Some(Node::Object { len, .. }) = self.nodes.get_mut(parent)
        {
            *len += 1;
        }
        self.nodes.push(Node::String(key));
    }

    /// Adds null.
    pub fn null(&mut self) {
        self.count_child();
        self.nodes.push(Node::Static(StaticNode::Null));
    }

    /// Adds a bool.
    pub fn bool(&mut self, value: bool) {
        self.count_child();
        self.nodes.push(Node::Static(StaticNode::Bool(value)));
    }

    /// Adds an integer.
    pub fn int(&mut self, value: i64) {
        self.count_child();
        self.nodes.push(Node::Static(StaticNode::I64(value)));
    }

    /// Adds a float.
    pub fn double(&mut self, value: f64) {
        self.count_child();
        self.nodes.push(Node::Static(StaticNode::F64(value)));
    }

    /// Adds a float with the text that it stands for, which a float does not hold exactly.
    pub fn literal(&mut self, value: f64, literal: &str) {
        self.literals.push((self.position(), literal.into()));
        self.double(value);
    }

    /// Adds a text.
    pub fn text(&mut self, text: &'a str) {
        self.count_child();
        self.nodes.push(Node::String(text));
    }

    /// Opens an object; [`TapeBuilder::close`] ends it.
    pub fn open_object(&mut self) {
        self.count_child();
        self.open.push(self.nodes.len());
        self.nodes.push(Node::Object { len: 0, count: 0 });
    }

    /// Opens an array; [`TapeBuilder::close`] ends it.
    pub fn open_array(&mut self) {
        self.count_child();
        self.open.push(self.nodes.len());
        self.nodes.push(Node::Array { len: 0, count: 0 });
    }

    /// Ends the object or array that was opened last.
    pub fn close(&mut self) {
        let Some(start) = self.open.pop() else { return };
        let children = self.nodes.len() - start - 1;
        if let Some(Node::Object { count, .. } | Node::Array { count, .. }) = self.nodes.get_mut(start) {
            *count = children;
        }
    }

    /// The tape; what is still open is closed.
    pub fn finish(mut self) -> Tape<'a> {
        while !self.open.is_empty() {
            self.close();
        }
        Tape { literals: self.literals, ..Tape::plain(self.nodes) }
    }
}
