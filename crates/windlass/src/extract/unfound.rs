//! Documents in which the path to the records led nowhere: a typo would otherwise load nothing without a word.

use std::collections::BTreeSet;

use windlass_core::json::Select;

use crate::config::nearest;

/// Names of the document that a warning lists at most.
const LISTED_NAMES: usize = 8;

/// The documents of one resource.
#[derive(Debug, Default)]
pub(crate) struct Unfound {
    path: String,
    files: BTreeSet<String>,
    /// What to do about it, by the names of the first document.
    hint: String,
}

impl Unfound {
    /// Notes a document and the names of its members.
    pub(super) fn add<'a>(&mut self, select: &Select, file: &str, names: impl Iterator<Item = &'a str>) {
        if self.files.is_empty() {
            let names: Vec<&str> = names.collect();
            let near = select.first_key().and_then(|key| nearest(key, names.iter().copied()));
            self.hint = match near.filter(|near| Some(*near) != select.first_key()) {
                Some(near) => format!("; did you mean `{near}`?"),
                None if names.is_empty() => String::new(),
                None => {
                    let listed: Vec<&str> = names.into_iter().take(LISTED_NAMES).collect();
                    format!("; the document has `{}`", listed.join("`, `"))
                }
            };
            select.as_str().clone_into(&mut self.path);
        }
        self.files.insert(file.to_owned());
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds what somebody else noted.
    pub(super) fn merge(&mut self, other: Self) {
        if self.files.is_empty() {
            *self = other;
        } else {
            self.files.extend(other.files);
        }
    }

    /// What people should know.
    pub(super) fn notice(&self, resource: &str) -> Option<String> {
        let first = self.files.first()?;
        let more = match self.files.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (path, hint) = (&self.path, &self.hint);
        Some(format!("resource `{resource}`: nothing is at `records: {path}` in {first}{more}{hint}"))
    }
}
