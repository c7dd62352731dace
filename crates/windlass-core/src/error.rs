//! The one public error: what went wrong, where, and what to do about it.

mod code;

use std::error::Error as StdError;
use std::fmt;

use serde_json::{Map, Value};

use crate::masking::{mask_value, masked};
use crate::path_part::printable;

pub use code::Code;

/// Result of everything in windlass that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// What went wrong, where and what helps. One word wide.
///
/// Programs tell errors apart by [`Error::code`] and [`Error::detail`], never by the words of the message.
/// `Display` prints the message and the place; the cause chain is reached through [`StdError::source`] and the
/// remedy through [`Error::hint`].
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    message: String,
    hint: Option<String>,
    detail: Map<String, Value>,
    at: At,
    cause: Option<Cause>,
    retry: bool,
}

/// What the reader of an error can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is wrong or missing: fix the configuration.
    Config,
    /// The source failed; [`Error::is_retryable`] tells whether trying again may help.
    Source,
    /// These bytes are bad; the place says where.
    Data,
    /// The schema contract forbids a change that the data asks for.
    Contract,
    /// The destination failed; [`Error::is_retryable`] tells whether trying again may help.
    Destination,
    /// Somebody else holds or changed what this run needs.
    Conflict,
    /// This binary, source or destination cannot do what was asked.
    Unsupported,
    /// The run was stopped on request.
    Cancelled,
    /// A promise inside windlass was broken: please report it.
    Internal,
}

impl ErrorKind {
    /// The lower-case name, as in `--json` output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Source => "source",
            Self::Data => "data",
            Self::Contract => "contract",
            Self::Destination => "destination",
            Self::Conflict => "conflict",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

/// Where it happened. Every part is optional and filled in while the error travels up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// Name of the source (which is also the schema's name).
    pub source: Option<String>,
    /// Name of the resource.
    pub resource: Option<String>,
    /// Normalized table name.
    pub table: Option<String>,
    /// Normalized column name.
    pub column: Option<String>,
    /// File or URL that was read or written.
    pub file: Option<String>,
    /// 1-based line in `file`.
    pub line: Option<u64>,
    /// 1-based byte within the line when `line` is known, otherwise within the file.
    pub byte: Option<u64>,
    /// 0-based row within the resource.
    pub row: Option<u64>,
}

impl At {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn fill(&mut self, other: At) {
        fn keep<T>(mine: &mut Option<T>, other: Option<T>) {
            if mine.is_none() {
                *mine = other;
            }
        }
        let had_file = self.file.is_some();
        keep(&mut self.source, other.source);
        keep(&mut self.resource, other.resource);
        keep(&mut self.table, other.table);
        keep(&mut self.column, other.column);
        keep(&mut self.file, other.file);
        // A line without its file means nothing, so the two travel together.
        if !had_file {
            keep(&mut self.line, other.line);
            keep(&mut self.byte, other.byte);
        }
        keep(&mut self.row, other.row);
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sep = "";
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            match (self.line, self.byte) {
                (Some(line), Some(byte)) => write!(f, ":{line}:{byte}")?,
                (Some(line), None) => write!(f, ":{line}")?,
                (None, Some(byte)) => write!(f, ": byte {byte}")?,
                (None, None) => {}
            }
            sep = ", ";
        }
        let named = [
            ("source", &self.source),
            ("resource", &self.resource),
            ("table", &self.table),
            ("column", &self.column),
        ];
        for (what, value) in named {
            if let Some(value) = value {
                write!(f, "{sep}{what} `{value}`")?;
                sep = ", ";
            }
        }
        if let Some(row) = self.row {
            write!(f, "{sep}row {row}")?;
        }
        Ok(())
    }
}

impl Error {
    /// An error with a code of its own, which says the kind as well. The message is lower-case, without a full stop, and
    /// does not repeat its cause. Secrets that are known do not stand in it.
    pub fn of(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: without_secrets(message.into()),
            hint: None,
            detail: Map::new(),
            at: At::default(),
            cause: None,
            retry: false,
        }))
    }

    /// An error of `kind` that needs no code of its own; otherwise like [`Error::of`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::of(Code::default_of(kind), message)
    }

    /// An error of kind [`ErrorKind::Config`].
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// An error of kind [`ErrorKind::Source`].
    pub fn source_failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Source, message)
    }

    /// The end of a budget that the user set, such as a number of requests: reading stops, and what was read is kept.
    /// Of kind [`ErrorKind::Source`]; [`Error::is_budget_spent`] tells it from a failure.
    pub fn budget_spent(message: impl Into<String>) -> Self {
        Self::of(Code::BudgetSpent, message)
    }

    /// An error of kind [`ErrorKind::Data`].
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// An error of kind [`ErrorKind::Contract`].
    pub fn contract(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Contract, message)
    }

    /// An error of kind [`ErrorKind::Destination`].
    pub fn destination(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Destination, message)
    }

    /// An error of kind [`ErrorKind::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// An error of kind [`ErrorKind::Unsupported`].
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// An error of kind [`ErrorKind::Cancelled`].
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "the run was stopped")
            .with_hint("nothing is lost: run again to go on")
    }

    /// An error of kind [`ErrorKind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message).with_hint("this is a bug in windlass; please report it")
    }

    /// Adds the cause; it is shown in the chain, so the message should not contain it.
    #[must_use]
    pub fn with_source(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds the remedy, unless a more specific one was given already.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| without_secrets(hint.into()));
        self
    }

    /// Adds a remedy to the one that was given.
    #[must_use]
    pub fn and_hint(mut self, hint: impl Into<String>) -> Self {
        let hint = without_secrets(hint.into());
        self.0.hint = Some(match self.0.hint.take() {
            Some(given) => format!("{given}; {hint}"),
            None => hint,
        });
        self
    }

    /// Adds a fact that programs may ask for, under the name that the documentation of the code gives it. A fact that is
    /// there already stays.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.detail.entry(name).or_insert_with(|| value.into());
        self
    }

    /// Marks the error as worth another attempt.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.0.retry = true;
        self
    }

    /// Fills in what is not known yet of the place.
    #[must_use]
    pub fn at(mut self, at: At) -> Self {
        self.0.at.fill(at);
        self
    }

    /// Forgets the number of the row, for who knows a better place.
    #[must_use]
    pub fn without_row(mut self) -> Self {
        self.0.at.row = None;
        self
    }

    /// Names the table, unless one is named already.
    #[must_use]
    pub fn at_table(self, table: impl Into<String>) -> Self {
        self.at(At { table: Some(table.into()), ..At::default() })
    }

    /// Names the column, unless one is named already.
    #[must_use]
    pub fn at_column(self, column: impl Into<String>) -> Self {
        self.at(At { column: Some(column.into()), ..At::default() })
    }

    /// Names the resource, unless one is named already.
    #[must_use]
    pub fn at_resource(self, resource: impl Into<String>) -> Self {
        self.at(At { resource: Some(resource.into()), ..At::default() })
    }

    /// Names the file, unless one is named already.
    #[must_use]
    pub fn at_file(self, file: impl Into<String>) -> Self {
        self.at(At { file: Some(without_secrets(file.into())), ..At::default() })
    }

    /// What can be done about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.code.kind()
    }

    /// What the error is, for programs.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The facts behind the message, by name, as far as they are known. Secrets do not stand in them.
    pub fn detail(&self) -> Map<String, Value> {
        let mut detail = self.0.detail.clone();
        detail.values_mut().for_each(mask_value);
        detail
    }

    /// The message without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The remedy, if one is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Where it happened.
    pub fn place(&self) -> &At {
        &self.0.at
    }

    /// Whether another attempt may succeed without a change of settings or data.
    pub fn is_retryable(&self) -> bool {
        self.0.retry
    }

    /// Whether this is no failure but the end of a budget, so that what was read so far is to be loaded.
    pub fn is_budget_spent(&self) -> bool {
        self.0.code == Code::BudgetSpent
    }

    /// The message, the place and every cause, joined by `: `.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = StdError::source(self);
        while let Some(next) = cause {
            let piece = next.to_string();
            if !text.contains(&piece) {
                text.push_str(": ");
                text.push_str(&piece);
            }
            cause = next.source();
        }
        printable(&without_secrets(text)).into_owned()
    }
}

/// Causes and places come from anywhere, and a secret may become known after its error.
fn without_secrets(text: String) -> String {
    match masked(&text) {
        std::borrow::Cow::Owned(without) => without,
        std::borrow::Cow::Borrowed(_) => text,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&masked(&self.0.message)))?;
        if !self.0.at.is_empty() {
            write!(f, " ({})", printable(&masked(&self.0.at.to_string())))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind(), self.chain())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn prints_message_place_and_chain() {
        let inner = Error::data("unexpected `}`");
        let error = Error::data("this line is not JSON").with_source(inner).at(At {
            file: Some("a.jsonl".into()),
            line: Some(3),
            byte: Some(17),
            ..At::default()
        });
        assert_eq!(error.to_string(), "this line is not JSON (a.jsonl:3:17)");
        assert_eq!(error.chain(), "this line is not JSON (a.jsonl:3:17): unexpected `}`");
    }

    #[test]
    fn control_characters_of_names_are_escaped() {
        let error = Error::data("cannot read a\r\u{1b}c")
            .with_source(Error::data("z\u{1b}[2J"))
            .at_file("e/z\u{1b}[31mred");
        assert_eq!(error.chain(), "cannot read a\\r\\u{1b}c (e/z\\u{1b}[31mred): z\\u{1b}[2J");
    }

    #[test]
    fn a_spent_budget_is_recognised_wherever_it_is_named() {
        let error = Error::budget_spent("max_requests of 10 are made").at_resource("posts").with_hint("x");
        assert!(error.is_budget_spent() && error.kind() == ErrorKind::Source);
        assert!(!Error::source_failed("x").is_budget_spent());
    }

    #[test]
    fn the_inner_place_wins() {
        let error = Error::data("x").at_column("a").at_column("b").at_table("t");
        assert_eq!(error.to_string(), "x (table `t`, column `a`)");
    }
}
