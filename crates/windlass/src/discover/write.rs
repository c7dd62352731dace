//! The configuration as text, with comments for those who go on with it.

use std::fmt::Write as _;

use serde_json::{Value, json};
use windlass_core::{Error, Result};

use super::document::{Api, Parameter, Signature};
use super::records::{Records, json_path};
use super::resources::{Binding, Draft, FILL_IN};
use super::schema::Kind;
use super::variable_prefix;

/// What stands around the resources.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// The document, for a comment.
    pub(super) file: &'a str,
    pub(super) pipeline: &'a str,
    /// The destination's part, as YAML without indentation.
    pub(super) destination: String,
    pub(super) base_url: &'a str,
    /// The paginator that most resources have.
    pub(super) paginator: Option<&'a Value>,
}

/// The variables that hold what servers want to see, by the kind of signature.
pub(super) fn variables(signature: Option<&Signature<'_>>, pipeline: &str) -> Vec<String> {
    let names: &[&str] = match signature {
        None => &[],
        Some(Signature::ApiKey { .. }) => &["API_KEY"],
        Some(Signature::Basic) => &["USERNAME", "PASSWORD"],
        Some(Signature::Bearer) => &["TOKEN"],
        Some(Signature::ClientCredentials { .. }) => &["CLIENT_ID", "CLIENT_SECRET"],
    };
    let prefix = variable_prefix(pipeline);
    names.iter().map(|name| format!("{prefix}_{name}")).collect()
}

/// The whole file. Errors: none that depend on the document.
pub(super) fn pipeline_file(
    api: &Api<'_>,
    frame: &Frame<'_>,
    drafts: &[Draft<'_>],
    order: &[usize],
    is_selected: &[bool],
) -> Result<String> {
    let mut text = String::new();
    write_file(&mut text, api, frame, drafts, order, is_selected)
        .map_err(|cause| Error::internal("a text cannot be written").with_source(cause))?;
    Ok(text)
}

fn write_file(
    text: &mut String,
    api: &Api<'_>,
    frame: &Frame<'_>,
    drafts: &[Draft<'_>],
    order: &[usize],
    is_selected: &[bool],
) -> std::fmt::Result {
    writeln!(text, "# {}, from {}.", comment(api.title.unwrap_or("An API")), comment(frame.file))?;
    writeln!(
        text,
        "# How pages follow each other, where the records are and their keys are guessed: look at them, then run"
    )?;
    writeln!(text, "# `windlass plan FILE`.")?;
    let variables = variables(api.signature.as_ref(), frame.pipeline);
    if !variables.is_empty() {
        writeln!(text, "# Set before, in the environment or in .env: {}.", variables.join(", "))?;
    }
    writeln!(text, "pipeline: {}\ndataset: {}", frame.pipeline, scalar(&format!("{}_data", frame.pipeline)))?;
    writeln!(text, "destination:")?;
    for line in frame.destination.lines() {
        writeln!(text, "  {line}")?;
    }
    writeln!(text, "source:\n  type: rest_api\n  client:\n    base_url: {}", literal(frame.base_url))?;
    if let Some(auth) = api.signature.as_ref().map(|signature| auth(signature, &variables)) {
        writeln!(text, "    auth: {}", flow(&auth))?;
    }
    if let Some(paginator) = frame.paginator {
        writeln!(text, "    paginator: {}", flow(paginator))?;
    }
    writeln!(text, "  resources:")?;
    for index in order {
        if let (Some(draft), Some(is_selected)) = (drafts.get(*index), is_selected.get(*index)) {
            write_resource(text, api, frame, draft, *is_selected)?;
        }
    }
    Ok(())
}

fn write_resource(
    text: &mut String,
    api: &Api<'_>,
    frame: &Frame<'_>,
    draft: &Draft<'_>,
    is_selected: bool,
) -> std::fmt::Result {
    write!(text, "    - name: {}", scalar(&draft.name))?;
    match draft.operation.summary {
        Some(summary) => writeln!(text, "   # {}", comment(summary))?,
        None => writeln!(text)?,
    }
    if !is_selected {
        let why = if draft.is_repetition {
            "a request for each record; load it if there is more in it than in the list"
        } else if draft.is_complete() {
            "its parent is to be completed first"
        } else {
            "complete it first"
        };
        writeln!(text, "      selected: false   # {why}")?;
    }
    if let Some(key) = draft.key {
        writeln!(text, "      primary_key: {}", scalar(key))?;
    }
    let disposition = if draft.key.is_some() { "merge" } else { "replace" };
    // Rows of one parent must not replace those of the others in a later run that asks for some parents only.
    writeln!(text, "      write_disposition: {disposition}")?;
    if !draft.include.is_empty() {
        writeln!(text, "      include_from_parent: {}", flow(&json!(draft.include)))?;
    }
    writeln!(text, "      endpoint:\n        path: {}", path(draft))?;
    let params = draft.params(&api.root);
    let hidden: Vec<&Parameter<'_>> = draft.query().filter(|parameter| !parameter.is_required).collect();
    if !params.is_empty() || !hidden.is_empty() {
        writeln!(text, "        {}params:", if params.is_empty() { "# " } else { "" })?;
    }
    for (name, value) in &params {
        let name = literal(&braces_doubled(name));
        let value =
            if let Value::String(value) = value { literal(&braces_doubled(value)) } else { flow(value) };
        writeln!(text, "          {name}: {value}")?;
    }
    for parameter in hidden {
        writeln!(text, "          # {}:   # {}", comment(parameter.name), about(api, parameter))?;
    }
    match &draft.records {
        Records::List { path, .. } if path.is_empty() => {}
        Records::List { path, .. } => writeln!(text, "        data_selector: {}", literal(&json_path(path)))?,
        Records::One { path, .. } => {
            let path = json_path(path);
            writeln!(
                text,
                "        data_selector: {}",
                if path.is_empty() { "$".to_owned() } else { literal(&path) }
            )?;
        }
        Records::Unknown | Records::Nothing => {}
    }
    match (&draft.records, &draft.pages) {
        (Records::One { .. }, _) => writeln!(text, "        paginator: single_page"),
        (_, Some(pages)) if Some(&pages.paginator) == frame.paginator => Ok(()),
        (_, Some(pages)) => writeln!(text, "        paginator: {}", flow(&pages.paginator)),
        // What the other resources have need not be right here.
        (_, None) if frame.paginator.is_some() => writeln!(text, "        paginator: auto"),
        (_, None) => Ok(()),
    }
}

/// The path with what its parameters are.
fn path(draft: &Draft<'_>) -> String {
    let mut path = String::new();
    let mut rest = draft.operation.path.trim_start_matches('/');
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else { break };
        path.push_str(&escaped(&braces_doubled(before)));
        match draft.bindings.iter().find(|(known, _)| *known == name).map(|(_, binding)| binding) {
            Some(Binding::Field { resource, field }) => {
                path.push_str(&format!("{{resources.{resource}.{field}}}"));
            }
            // Behind a dollar sign it would be a text.
            Some(Binding::Variable(variable)) if !path.ends_with('$') => {
                path.push_str(&format!("${{{variable}:-{FILL_IN}}}"));
            }
            _ => path.push_str(FILL_IN),
        }
        rest = after;
    }
    path.push_str(&escaped(&braces_doubled(rest)));
    scalar(&path)
}

fn auth(signature: &Signature<'_>, variables: &[String]) -> Value {
    let variable =
        |index: usize| variables.get(index).map_or_else(String::new, |name| format!("${{{name}}}"));
    match signature {
        Signature::ApiKey { name, place } => {
            json!({"type": "api_key", "name": escaped(name), "api_key": variable(0), "location": place})
        }
        Signature::Basic => json!({"type": "http_basic", "username": variable(0), "password": variable(1)}),
        Signature::Bearer => json!({"type": "bearer", "token": variable(0)}),
        Signature::ClientCredentials { token_url } => json!({
            "type": "oauth2_client_credentials", "access_token_url": escaped(token_url), "client_id": variable(0),
            "client_secret": variable(1),
        }),
    }
}

/// What is to be known of a parameter: its type, what it may be, what it is for.
fn about(api: &Api<'_>, parameter: &Parameter<'_>) -> String {
    let kind = match api.root.kind(parameter.schema) {
        Kind::Object => "object",
        Kind::Array => "list",
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::Bool => "bool",
        Kind::Unknown => "any",
    };
    let schema = api.root.shape(parameter.schema);
    let format = schema.and_then(|schema| schema.get("format")?.as_str()).unwrap_or_default();
    let values = schema.and_then(|schema| schema.get("enum")?.as_array()).map(|values| {
        let values: Vec<String> = values.iter().take(8).map(plain_text).collect();
        values.join(" | ")
    });
    let mut about = values.unwrap_or_else(|| kind.to_owned());
    if !format.is_empty() {
        about.push_str(&format!(" ({format})"));
    }
    if format.starts_with("date") {
        about.push_str("; with `incremental`: \"{incremental.start_value}\"");
    }
    match parameter.description {
        Some(description) => comment(&format!("{about}: {description}")),
        None => comment(&about),
    }
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Longest comment behind a line.
const MAX_COMMENT: usize = 100;

/// A text as a comment: one line, not too long, without what cannot be read.
fn comment(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control() || !is_printable(c)).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_COMMENT {
        return line;
    }
    let short: String = line.chars().take(MAX_COMMENT).collect();
    let end = short.rfind(' ').unwrap_or(short.len());
    format!("{} ...", short.get(..end).unwrap_or_default())
}

/// Whether YAML may have a character as it is.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}')
}

/// A text that is no template.
fn braces_doubled(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// A text in which nothing is filled in from the environment.
fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// A text as it is.
fn literal(text: &str) -> String {
    scalar(&escaped(text))
}

/// A text in YAML, quoted where it must be.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if is_printable(character) => quoted.push(character),
            _ => {
                // Writing to a text cannot fail.
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", scalar(name), flow(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use windlass_core::document::{Document, DocumentFormat};

    use super::*;

    #[test]
    fn texts_are_read_as_they_were_written() {
        for text in [
            "a",
            "true",
            "No",
            "1",
            "",
            " a",
            "a: b",
            "#",
            "\"\\",
            "é\n\t\u{0}\u{85}\u{feff}",
            "{x}",
            "a/b.c-d",
            "*",
            "🦀",
        ] {
            let yaml = format!("a: {}\nb: {}\n", scalar(text), flow(&json!({text: [text, 1, null]})));
            let read = Document::parse(&yaml, DocumentFormat::Yaml, "x").unwrap().value;
            assert_eq!(read, json!({"a": text, "b": {text: [text, 1, null]}}), "{yaml}");
        }
    }

    #[test]
    fn comments_are_one_line_and_not_too_long() {
        assert_eq!(comment(" a\r\n b\u{0}\u{2028}c "), "a b c");
        let long = comment(&"word ".repeat(50));
        assert!(long.len() < 110 && long.ends_with("word ..."), "{long}");
    }
}
