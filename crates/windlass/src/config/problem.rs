//! What is wrong with a document of options: the place, the words, and what kind of flaw it is.

use windlass_core::{Code, Error};

/// Something that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer of the place.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub hint: Option<String>,
    /// What kind of problem it is.
    pub flaw: Flaw,
}

/// What is wrong at the place of a [`Problem`], for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The object has this key, which means nothing there; the pointer leads to the key.
    Unknown(String),
    /// The object lacks this key; the pointer leads to the object.
    Missing(String),
    /// The value is not one that can stand there.
    Value,
}

impl Problem {
    /// A key that has to be there and is not.
    pub(super) fn missing(pointer: impl Into<String>, key: &str, hint: Option<String>) -> Self {
        let message = format!("`{key}` is missing");
        Self { pointer: pointer.into(), message, hint, flaw: Flaw::Missing(key.to_owned()) }
    }

    /// The error for it with this message, under the code of its flaw. `path` leads to the place, with dots.
    pub(super) fn error(&self, message: String, path: &str) -> Error {
        let (code, key) = match &self.flaw {
            Flaw::Unknown(key) => (Code::UnknownKey, key.as_str()),
            Flaw::Missing(key) => (Code::MissingKey, key.as_str()),
            Flaw::Value => (Code::InvalidValue, path),
        };
        Error::of(code, message).with_detail("key", key).with_detail("path", path)
    }
}
