//! JSONPath, in the dialect of the reference: where cursors, totals, links and records are in a document.
//!
//! A path is read once ([`JsonPath::parse`]) and followed in any [`Tree`]: a parsed [`Tape`](super::Tape) or a
//! [`serde_json::Value`]. Lists are entered by an index, a slice, `*`, `..` or a filter only, never by a name.

mod find;
mod function;
mod parse;
mod tree;

use serde_json::Value;

pub use tree::{Found, Tree};

use crate::error::Result;

/// A path to values: `data.items[*].id`, `$['@odata.nextLink']`, `data[-1:].id`, `items[?state=='open']`, `a.b + a.c`.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    text: String,
    expr: Expr,
}

/// What a path is made of.
#[derive(Clone, Debug, PartialEq)]
enum Expr {
    /// `$`, and the document that a path without it begins at.
    Root,
    /// `` `this` ``, and the element that the path of a filter begins at.
    This,
    /// A step taken from everything that the left side finds.
    Step(Box<Expr>, Step),
    /// `..`: a path taken from everything that the left side finds and from all below.
    Descent(Box<Expr>, Box<Expr>),
    /// A path taken from everything that the left side finds.
    Child(Box<Expr>, Box<Expr>),
    /// `|`: what either finds.
    Union(Box<Expr>, Box<Expr>),
    /// `+`, `-` or `*` of what both sides find.
    Arithmetic(Box<Expr>, Operator, Box<Expr>),
    /// A number or text in arithmetic.
    Literal(Value),
}

/// One step from a value.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Members of an object by name.
    Keys(Vec<String>),
    /// All members or elements.
    All,
    /// Elements of a list; negative ones from its end.
    Indexes(Vec<i64>),
    /// `[from:to:by]`
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// Children that fulfil all conditions.
    Filter(Vec<Condition>),
    /// The list in the order of paths into its elements; `true` is descending.
    Sorted(Vec<(Expr, bool)>),
    /// What it is part of.
    Parent,
    /// A named operator.
    Function(Function),
}

/// A condition on an element; without comparison the path only has to lead somewhere.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    path: Expr,
    comparison: Option<(Comparison, Value)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Plus,
    Minus,
    Times,
}

/// The named operators that compute a value.
#[derive(Clone, Debug, PartialEq)]
enum Function {
    /// Elements, members or characters.
    Length,
    /// Names of the members, each by itself.
    Keys,
    /// The list in order.
    Sorted,
    /// The value as text.
    Text,
    /// A regular expression replaced in a text.
    Substitute { pattern: String, replacement: String },
    /// A part of a text; `None` is all parts.
    Split { separator: String, part: Option<i64>, most: i64 },
}

impl JsonPath {
    /// Reads a path. Errors: it is not in the dialect; the place is named.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { text: text.to_owned(), expr: parse::parse(text)? })
    }

    /// A path of names.
    pub fn of_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = "$".to_owned();
        let mut expr = Expr::Root;
        for key in keys {
            text.push_str("['");
            text.push_str(&key.replace('\\', "\\\\").replace('\'', "\\'"));
            text.push_str("']");
            expr = Expr::Step(Box::new(expr), Step::Keys(vec![key.to_owned()]));
        }
        Self { text, expr }
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the path, if it has nothing else: `data.items`, `$`.
    pub fn keys(&self) -> Option<Vec<&str>> {
        let mut keys = Vec::new();
        let mut expr = &self.expr;
        loop {
            match expr {
                Expr::Root | Expr::This => break,
                Expr::Step(_, Step::Keys(names)) => match names.as_slice() {
                    [name] => keys.push(name.as_str()),
                    _ => return None,
                },
                _ => return None,
            }
            let Expr::Step(before, _) = expr else { break };
            expr = before;
        }
        keys.reverse();
        Some(keys)
    }

    /// The name, if the path is nothing but one: `id`, `'na.me'`; not `$.id`.
    pub fn field(&self) -> Option<&str> {
        let text = self.text.trim_start();
        if text.starts_with('`') || text.starts_with("@.") || text.starts_with("@[") {
            return None;
        }
        match &self.expr {
            Expr::Step(before, Step::Keys(names)) if **before == Expr::This => match names.as_slice() {
                [name] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the path goes into the elements of the list at `keys` otherwise than by `[0]`, `[-1]` or `[-1:]`, or
    /// takes the list itself. Such a path cannot be followed where only the first and the last element are kept.
    pub fn needs_elements_of(&self, keys: &[&str]) -> bool {
        let mut steps = Vec::new();
        let mut expr = &self.expr;
        while let Expr::Step(before, step) = expr {
            steps.push(step);
            expr = before;
        }
        if !matches!(expr, Expr::Root | Expr::This) {
            return true;
        }
        let mut steps = steps.into_iter().rev();
        for key in keys {
            match steps.next() {
                Some(Step::Keys(names)) if names.iter().any(|name| name == key) => {}
                Some(Step::Keys(_)) => return false,
                _ => return true,
            }
        }
        match steps.next() {
            Some(Step::Slice(Some(-1), None, None)) => false,
            Some(Step::Indexes(indexes)) => !matches!(indexes.as_slice(), [0 | -1]),
            // A name leads nowhere in a list.
            Some(Step::Keys(_)) => false,
            _ => true,
        }
    }

    /// All values that the path leads to, in the order of the document.
    ///
    /// Errors: a function that has no meaning for a value it meets, such as an order among objects.
    pub fn find<T: Tree>(&self, tree: &T, root: T::Node) -> Result<Vec<Found<T::Node>>> {
        if let Some(keys) = self.keys() {
            let found = keys.iter().try_fold(root, |node, key| tree.member(node, key));
            return Ok(found.map(Found::Node).into_iter().collect());
        }
        find::find(&self.expr, tree, root)
    }

    /// The first value that the path leads to. Errors: as [`JsonPath::find`].
    pub fn first<T: Tree>(&self, tree: &T, root: T::Node) -> Result<Option<Found<T::Node>>> {
        Ok(self.find(tree, root)?.into_iter().next())
    }

    /// The values that the path leads to in a [`Value`]. Errors: as [`JsonPath::find`].
    pub fn values(&self, root: &Value) -> Result<Vec<Value>> {
        let tree = tree::Values::default();
        Ok(self.find(&tree, root)?.into_iter().map(|found| found.into_value(&tree)).collect())
    }
}

#[cfg(test)]
mod tests;
