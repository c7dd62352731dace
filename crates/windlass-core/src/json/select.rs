//! Where the records are in a document.

use super::tape::{NodePosition, Tape};
use super::text::distinct_members;
use crate::error::{Code, Error, Result};

/// A path to the records: `$`, `data.items`, `$.data.items[*]`, `data[0].rows`, `*.rows`.
///
/// Keys are joined by dots or stand in `['…']`; `*` is every member or element. A list at the end of the path gives
/// its elements, anything else is one record; null, except for a document that is nothing else, is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    steps: Vec<Step>,
    /// Whether a `*` ends the path: the members of an object are the records as the elements of a list are.
    takes_members: bool,
    /// The path as it was written; empty for one that nobody wrote.
    text: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(Box<str>),
    Index(usize),
    All,
}

impl Select {
    /// Reads a path to records. Errors: an unclosed bracket, an index that is no number.
    pub fn parse(path: &str) -> Result<Self> {
        let mut select = Self::parse_value(path)?;
        // A final `[*]` says of a list the same as the list itself.
        select.takes_members = select.steps.pop_if(|step| *step == Step::All).is_some();
        Ok(select)
    }

    /// Reads a path to one value, for [`Select::first`]. Errors: as [`Select::parse`].
    pub fn parse_value(path: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::of(Code::InvalidPath, format!("`{path}` is not a path into a record or document: {why}"))
                .with_detail("path", path)
                .with_hint("write keys joined by dots, such as `data.items`, or `$` for the whole document")
        };
        let mut rest = path.trim();
        rest = rest.strip_prefix('$').unwrap_or(rest);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (inside, after) =
                    inner.split_once(']').ok_or_else(|| wrong("a bracket is not closed"))?;
                let quoted = ['\'', '"'].into_iter().find_map(|q| inside.strip_prefix(q)?.strip_suffix(q));
                steps.push(match (quoted, inside) {
                    (Some(key), _) => Step::Key(key.into()),
                    (None, "*") => Step::All,
                    (None, index) => {
                        Step::Index(index.parse().map_err(|_| wrong("an index is not a number"))?)
                    }
                });
                rest = after;
            } else {
                let name = rest.strip_prefix('.').unwrap_or(rest);
                let end = name.find(['.', '[']).unwrap_or(name.len());
                match &name[..end] {
                    "" => return Err(wrong("a key is empty")),
                    "*" => steps.push(Step::All),
                    key => steps.push(Step::Key(key.into())),
                }
                rest = &name[end..];
            }
        }
        Ok(Self { steps, takes_members: false, text: path.into() })
    }

    /// A path of names, whatever characters they have.
    pub fn of_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self { steps: keys.into_iter().map(|key| Step::Key(key.into())).collect(), ..Self::default() }
    }

    /// Whether the records are the document itself, or its elements if it is a list.
    pub fn is_root(&self) -> bool {
        self.steps.is_empty() && !self.takes_members
    }

    /// Whether the records of a list are its elements.
    pub fn takes_elements(&self) -> bool {
        self.steps.is_empty()
    }

    /// The path as it was written; empty for one that was made of names.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name that the path begins with.
    pub fn first_key(&self) -> Option<&str> {
        match self.steps.first()? {
            Step::Key(key) => Some(key),
            _ => None,
        }
    }

    /// The keys of the path, if it has nothing else. Such documents can be read piece by piece.
    pub fn keys(&self) -> Option<Vec<&str>> {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Key(key) => Some(&**key),
                _ => None,
            })
            .collect()
    }

    /// The first value below `root` that the path leads to.
    pub fn first(&self, tape: &Tape<'_>, root: NodePosition) -> Option<NodePosition> {
        first(&self.steps, tape, root)
    }

    /// Appends the positions of the records below `root`. A path that leads nowhere gives none.
    pub fn records(&self, tape: &Tape<'_>, root: NodePosition, out: &mut Vec<NodePosition>) {
        let mut level = vec![root];
        for step in &self.steps {
            let mut next = Vec::new();
            for position in level {
                match step {
                    Step::Key(key) => next.extend(tape.member(position, key)),
                    Step::Index(index) => next.extend(tape.elements(position).nth(*index)),
                    Step::All => {
                        next.extend(tape.elements(position));
                        next.extend(distinct_members(tape, position).into_iter().map(|(_, value)| value));
                    }
                }
            }
            level = next;
        }
        for position in level {
            if tape.is_array(position) {
                out.extend(tape.elements(position));
            } else if self.takes_members {
                out.extend(distinct_members(tape, position).into_iter().map(|(_, value)| value));
            } else if self.steps.is_empty() || !tape.is_null(position) {
                out.push(position);
            }
        }
    }
}

/// Depth first, so that the first match is the first in the order of the document.
fn first(steps: &[Step], tape: &Tape<'_>, position: NodePosition) -> Option<NodePosition> {
    let Some((step, rest)) = steps.split_first() else { return Some(position) };
    match step {
        Step::Key(key) => first(rest, tape, tape.member(position, key)?),
        Step::Index(index) => first(rest, tape, tape.elements(position).nth(*index)?),
        Step::All => {
            let members = distinct_members(tape, position).into_iter().map(|(_, value)| value);
            tape.elements(position).chain(members).find_map(|child| first(rest, tape, child))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{ParseBuffers, write_compact};

    fn check(path: &str, document: &str) -> Vec<String> {
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_document(document.as_bytes(), &Select::parse(path).unwrap()).unwrap();
        let text = |node| {
            let mut text = String::new();
            write_compact(&mut text, &parsed.tape, node);
            text
        };
        parsed.rows.iter().map(|row| text(row.node)).collect()
    }

    #[test]
    fn a_final_star_takes_members_as_it_takes_elements() {
        assert_eq!(check("items.*", r#"{"items":{"x":{"a":1},"y":{"a":2}}}"#), [r#"{"a":1}"#, r#"{"a":2}"#]);
        assert_eq!(check("items[*]", r#"{"items":[{"a":1},[2]]}"#), [r#"{"a":1}"#, "[2]"]);
        assert_eq!(check("$.*", r#"{"x":{"a":1},"x":{"a":2}}"#), [r#"{"a":2}"#]);
        assert_eq!(check("*.rows", r#"{"x":{"rows":[1,2]},"y":{"rows":[3]},"z":4}"#), ["1", "2", "3"]);
        assert_eq!(check("items.*", r#"{"items":5}"#), [""; 0]);
        assert_eq!(check("items", r#"{"items":{"x":1}}"#), [r#"{"x":1}"#]);
    }

    #[test]
    fn null_is_no_record_below_a_path() {
        assert_eq!(check("items", r#"{"items":null}"#), [""; 0]);
        assert_eq!(check("$", "null"), ["null"]);
    }
}
