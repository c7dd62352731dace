//! Texts with placeholders in braces, read as Python's `str.format` reads them.

use serde_json::Value;
use windlass_core::value::{Tag, json_string, strip_tag};
use windlass_core::{Code, Error, Result};

use crate::sources::rest::http::{PythonTexts, write_python, write_quoted};

/// A text with placeholders: `{name}`; doubled braces are braces.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placeholders {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Field(Field),
}

/// One placeholder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// What stands between the braces, without conversion and format.
    pub(crate) name: String,
    /// Whether texts are quoted, as `!r` asks for.
    is_quoted: bool,
    /// What stands behind `:`.
    format: String,
}

impl Placeholders {
    /// Reads a text. Errors: braces that do not match.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" || rest.is_empty() {
                return Err(unbalanced(text, &format!("a single `{brace}` stands in it")));
            }
            let (field, after) = field(text, rest)?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Field(field));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self { pieces })
    }

    /// What stands before the first placeholder.
    pub(crate) fn start(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// The placeholders in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(field),
            Piece::Text(_) => None,
        })
    }

    /// The name of the placeholder, if the text is nothing but one without conversion and format.
    pub(crate) fn whole(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Field(field)] if !field.is_quoted && field.format.is_empty() => Some(&field.name),
            _ => None,
        }
    }

    /// The text with each placeholder replaced by what `value` gives for its name.
    pub(crate) fn fill(&self, mut value: impl FnMut(&str) -> Result<Value>) -> Result<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Field(field) if field.is_quoted => write_repr(&mut text, &value(&field.name)?),
                Piece::Field(field) => text.push_str(&python_text(&value(&field.name)?)),
            }
        }
        Ok(text)
    }

    /// Replaces placeholders whose value is known already: `value` gives the text of a name, or `None`.
    pub(crate) fn bind(&mut self, mut value: impl FnMut(&str) -> Option<String>) {
        for piece in &mut self.pieces {
            if let Piece::Field(field) = piece
                && let Some(text) = value(&field.name)
            {
                *piece = Piece::Text(text);
            }
        }
    }

    /// Gives placeholders other names.
    pub(crate) fn rename(&mut self, mut name: impl FnMut(&str) -> Option<String>) {
        for piece in &mut self.pieces {
            if let Piece::Field(field) = piece
                && let Some(other) = name(&field.name)
            {
                field.name = other;
            }
        }
    }

    /// Errors: a format, such as `:>5`, that is not supported.
    pub(crate) fn check_formats(&self) -> Result<()> {
        match self.fields().find(|field| !field.format.is_empty()) {
            None => Ok(()),
            Some(field) => Err(Error::unsupported(format!(
                "the placeholder `{}` has the format `{}`, which is not supported",
                field.name, field.format
            ))
            .with_hint("leave it out; for times there is `convert`")),
        }
    }
}

fn unbalanced(text: &str, why: &str) -> Error {
    Error::of(Code::InvalidTemplate, format!("the braces of `{}` do not match: {why}", shortened(text)))
        .with_hint("braces that are no placeholder are doubled: {{ and }}")
}

/// Reads a placeholder from behind its opening brace; gives the rest of the text.
fn field<'a>(text: &str, rest: &'a str) -> Result<(Field, &'a str)> {
    let open = || unbalanced(text, "a placeholder is not closed");
    let mut end = 0;
    loop {
        let at = rest[end..].find(['{', '}', ':', '!', '[']).ok_or_else(open)?;
        end += at;
        match &rest[end..=end] {
            // What stands in brackets is a key of its own.
            "[" => end += rest[end..].find(']').ok_or_else(open)?,
            "{" => return Err(unbalanced(text, "a `{` stands in a placeholder")),
            _ => break,
        }
    }
    let name = rest[..end].to_owned();
    let mut after = &rest[end..];
    let mut field = Field { name, is_quoted: false, format: String::new() };
    if let Some(conversion) = after.strip_prefix('!') {
        let kind = conversion.chars().next().ok_or_else(open)?;
        if !matches!(kind, 'r' | 's' | 'a') {
            return Err(unbalanced(text, "a conversion is `!r` or `!s`"));
        }
        field.is_quoted = kind != 's';
        after = &conversion[1..];
    }
    if let Some(format) = after.strip_prefix(':') {
        let mut depth = 1;
        let end = format.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '{') - i32::from(*c == '}');
            depth == 0
        });
        let (end, _) = end.ok_or_else(open)?;
        field.format = format[..end].to_owned();
        after = &format[end..];
    }
    let after = after.strip_prefix('}').ok_or_else(open)?;
    Ok((field, after))
}

/// The beginning of a text, for messages.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value as Python's `str` writes it.
pub(crate) fn python_text(value: &Value) -> String {
    match value {
        Value::String(text) => plain_text(text),
        other => {
            let mut text = String::new();
            write_repr(&mut text, other);
            text
        }
    }
}

/// A value whose typed strings are the texts that a request carries.
pub(crate) fn untyped(value: Value) -> Value {
    match value {
        Value::String(text) => plain_text(&text).into(),
        Value::Array(items) => items.into_iter().map(untyped).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, untyped(value))).collect(),
        other => other,
    }
}

/// A text, or the value of a typed string, times as Python writes them.
fn plain_text(text: &str) -> String {
    match strip_tag(text) {
        Some((Tag::Timestamp, body)) => body.replacen('T', " ", 1).replacen('Z', "+00:00", 1),
        Some((_, body)) => body.to_owned(),
        None => text.to_owned(),
    }
}

/// A value as Python's `repr` writes it.
fn write_repr(out: &mut String, value: &Value) {
    write_python(out, value, &PythonTexts { value: write_typed, name: write_quoted });
}

fn write_typed(out: &mut String, text: &str) {
    match strip_tag(text) {
        // Numbers that fit no machine word are typed strings.
        Some((Tag::Number | Tag::Wei, _)) => out.push_str(&plain_text(text)),
        _ => write_quoted(out, &plain_text(text)),
    }
}

/// A text in quotes of JSON.
pub(crate) fn quoted_json(text: &str) -> String {
    let mut out = String::new();
    json_string(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill(text: &str) -> Result<String> {
        Placeholders::parse(text)?.fill(|name| Ok(json!({"n": 1, "s": "it's", "x": null})[name].clone()))
    }

    #[test]
    fn placeholders_are_replaced_and_doubled_braces_are_braces() {
        assert_eq!(fill("a/{n}/{s}-{x}").unwrap(), "a/1/it's-None");
        assert_eq!(fill("{{\"a\":[{n}]}}").unwrap(), "{\"a\":[1]}");
        assert_eq!(fill("{s!r} {n!s}").unwrap(), "\"it's\" 1");
        assert_eq!(fill("}}{{").unwrap(), "}{");
    }

    #[test]
    fn braces_must_match() {
        for (text, why) in [
            ("{", "a single `{`"),
            ("a}", "a single `}`"),
            ("query { a { id } }", "a `{` stands in a placeholder"),
            ("{n", "not closed"),
            ("{n!x}", "conversion"),
            ("{a[b}", "not closed"),
        ] {
            let error = Placeholders::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_ends_at_a_colon_and_brackets_belong_to_it() {
        let names = |text: &str| -> Vec<String> {
            Placeholders::parse(text).unwrap().fields().map(|field| field.name.clone()).collect()
        };
        assert_eq!(names("{\"a\": 1}"), ["\"a\""]);
        assert_eq!(names("{a[x:y].b}"), ["a[x:y].b"]);
        assert!(Placeholders::parse("{n:>5}").unwrap().check_formats().is_err());
        assert_eq!(Placeholders::parse("{n}").unwrap().whole(), Some("n"));
        assert_eq!(Placeholders::parse("{n!r}").unwrap().whole(), None);
        assert_eq!(Placeholders::parse(" {n}").unwrap().whole(), None);
    }

    #[test]
    fn values_are_written_as_python_writes_them() {
        let text = |value: Value| python_text(&value);
        assert_eq!(text(json!(true)), "True");
        assert_eq!(text(json!(1.0)), "1.0");
        assert_eq!(text(json!(12345678901234567890_u64)), "12345678901234567890");
        assert_eq!(text(json!([1, "a", null])), "[1, 'a', None]");
        assert_eq!(text(json!({"k": {"l": "b\n"}})), "{'k': {'l': 'b\\n'}}");
        assert_eq!(text(json!("\u{f027}2024-01-01T00:00:00Z")), "2024-01-01 00:00:00+00:00");
    }
}
