//! Column name patterns of a schema's settings.

use regex::Regex;

use crate::error::{Code, Error, Result};

/// A pattern: `re:` and a regular expression that is searched in the name, or a name that must be equal.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// The name is this.
    Exact(String),
    /// The expression is found somewhere in the name.
    Search(Regex),
}

impl Pattern {
    /// Reads a pattern. Errors: an expression that does not compile.
    pub fn new(text: &str) -> Result<Self> {
        match text.strip_prefix("re:") {
            None => Ok(Self::Exact(text.to_owned())),
            Some(expression) => Regex::new(expression).map(Self::Search).map_err(|cause| {
                Error::of(Code::InvalidPattern, format!("`{text}` is not a regular expression"))
                    .with_detail("pattern", text)
                    .with_source(cause)
            }),
        }
    }

    /// Whether the name matches.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(text) => text == name,
            Self::Search(expression) => expression.is_match(name),
        }
    }
}
