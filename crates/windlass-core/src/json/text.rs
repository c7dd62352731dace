//! From a tape back to text: compact JSON for json columns, canonical JSON for hashes.

use std::collections::HashMap;

use serde_json::{Number, Value};

use super::parse::ParseBuffers;
use super::program::look;
use super::tape::{Node, NodePosition, StaticNode, Tape};
use crate::value::{
    Scalar, Tag, decode_tagged, encode_tagged, escape_text, format_date, format_time, format_timestamp,
    is_tagged, json_double, json_string, strip_tag,
};

/// What is still to be written; a stack of these instead of recursion, since data may nest thousands of levels deep.
enum Todo<'a> {
    Value(NodePosition),
    Key(&'a str, NodePosition),
    Text(&'static str),
}

/// Writes a value as compact JSON in its own order. Typed strings lose their tag; the last of duplicate keys wins.
pub fn write_compact(out: &mut String, tape: &Tape<'_>, position: NodePosition) {
    write(out, tape, vec![Todo::Value(position)], Form::Compact);
}

/// Writes a value as typed JSON in its own order: read by [`ParseBuffers::parse_typed_value`] it is the same value.
pub fn write_typed(out: &mut String, tape: &Tape<'_>, position: NodePosition) {
    write(out, tape, vec![Todo::Value(position)], Form::Typed);
}

/// Writes a value as JSON for programs of users: typed strings as the texts or numbers that they are.
pub(super) fn write_plain(out: &mut String, tape: &Tape<'_>, position: NodePosition) {
    write(out, tape, vec![Todo::Value(position)], Form::Plain);
}

/// Writes a value as canonical JSON: keys sorted by bytes at every level, typed strings with their tag.
///
/// `skip` leaves members of the topmost object out by name.
pub fn write_sorted_node(
    out: &mut String,
    tape: &Tape<'_>,
    position: NodePosition,
    skip: impl Fn(&str) -> bool,
) {
    if !tape.is_object(position) {
        return write(out, tape, vec![Todo::Value(position)], Form::Sorted);
    }
    let mut members = distinct_members(tape, position);
    members.retain(|(key, _)| !skip(key));
    let todo = object_todo(members, Form::Sorted);
    write(out, tape, todo, Form::Sorted);
}

/// Writes a value as the text that boundary digests of incremental loading are taken over: keys sorted at every level,
/// timestamps as microseconds since the epoch, decimals and bytes as strings.
///
/// `legacy` is the form before version 1.29 of the reference: timestamps as ISO text.
pub(crate) fn write_digest_text(out: &mut String, tape: &Tape<'_>, position: NodePosition, legacy: bool) {
    let form = if legacy { Form::LegacyDigest } else { Form::Digest };
    write(out, tape, vec![Todo::Value(position)], form);
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Compact,
    Plain,
    Typed,
    Sorted,
    Digest,
    LegacyDigest,
}

impl Form {
    fn is_sorted(self) -> bool {
        matches!(self, Self::Sorted | Self::Digest | Self::LegacyDigest)
    }
}

fn write<'a>(out: &mut String, tape: &Tape<'a>, mut todo: Vec<Todo<'a>>, form: Form) {
    while let Some(next) = todo.pop() {
        let position = match next {
            Todo::Text(text) => {
                out.push_str(text);
                continue;
            }
            Todo::Key(key, position) => {
                json_string(out, key);
                out.push(':');
                position
            }
            Todo::Value(position) => position,
        };
        match tape.nodes[position as usize] {
            Node::String(text) if tape.is_typed => write_string(out, text, form),
            Node::String(text) => write_text(out, text, form),
            Node::Static(StaticNode::I64(value)) => out.push_str(&value.to_string()),
            Node::Static(StaticNode::U64(value)) => out.push_str(&value.to_string()),
            Node::Static(StaticNode::F64(value)) => match tape.literal(position) {
                Some(literal) if matches!(form, Form::Typed | Form::Plain) => out.push_str(literal),
                _ => json_double(out, value),
            },
            Node::Static(StaticNode::Bool(value)) => out.push_str(if value { "true" } else { "false" }),
            Node::Static(StaticNode::Null) => out.push_str("null"),
            Node::Object { .. } => todo.extend(object_todo(distinct_members(tape, position), form)),
            Node::Array { .. } => {
                let elements: Vec<NodePosition> = tape.elements(position).collect();
                todo.push(Todo::Text("]"));
                for (index, element) in elements.into_iter().enumerate().rev() {
                    todo.push(Todo::Value(element));
                    if index > 0 {
                        todo.push(Todo::Text(","));
                    }
                }
                todo.push(Todo::Text("["));
            }
        }
    }
}

fn object_todo(mut members: Vec<(&str, NodePosition)>, form: Form) -> Vec<Todo<'_>> {
    if form.is_sorted() {
        members.sort_unstable_by_key(|(key, _)| *key);
    }
    let mut todo = Vec::with_capacity(members.len() * 2 + 2);
    todo.push(Todo::Text("}"));
    for (index, (key, value)) in members.into_iter().enumerate().rev() {
        todo.push(Todo::Key(key, value));
        if index > 0 {
            todo.push(Todo::Text(","));
        }
    }
    todo.push(Todo::Text("{"));
    todo
}

/// The members with duplicates resolved: the place of the first, the value of the last.
pub(crate) fn distinct_members<'a>(tape: &Tape<'a>, position: NodePosition) -> Vec<(&'a str, NodePosition)> {
    let mut members: Vec<(&str, NodePosition)> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for (key, value) in tape.members(position) {
        // Small objects, which are nearly all, are compared directly.
        let known = if members.len() < 16 {
            members.iter().position(|(name, _)| *name == key)
        } else {
            if index.is_empty() {
                index = members.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
            }
            index.get(key).copied()
        };
        match known {
            Some(at) => members[at].1 = value,
            None => {
                if !index.is_empty() {
                    index.insert(key, members.len());
                }
                members.push((key, value));
            }
        }
    }
    members
}

fn write_text(out: &mut String, text: &str, form: Form) {
    match form {
        Form::Typed => json_string(out, &escape_text(text)),
        _ => json_string(out, text),
    }
}

/// A string of a tape whose strings may be typed.
fn write_string(out: &mut String, text: &str, form: Form) {
    if !is_tagged(text) {
        return write_text(out, text, form);
    }
    match (strip_tag(text), decode_tagged(text)) {
        (Some((tag, body)), Scalar::Decimal(_) | Scalar::Wei(_))
            if form == Form::Plain && serde_json::from_str::<Number>(look(tag, body)).is_ok() =>
        {
            out.push_str(look(tag, body));
        }
        (Some((tag, body)), scalar)
            if form == Form::Plain && tag != Tag::Number && !matches!(scalar, Scalar::Text(_)) =>
        {
            json_string(out, look(tag, body));
        }
        // Ids and digests are those of the number alone, as of one that Python gave.
        (Some((Tag::ColumnDecimal, body)), Scalar::Decimal(_)) if form != Form::Typed => {
            write_string(out, &encode_tagged(Tag::Decimal, look(Tag::ColumnDecimal, body)), form);
        }
        // A number that did not fit a machine word is written as it came.
        // JSON has no word for NaN and the infinities; as text they are at least not lost.
        (Some((Tag::Number, literal)), Scalar::Double(_)) if form == Form::Compact => {
            json_string(out, literal);
        }
        (Some((Tag::Number, _)), Scalar::Double(value)) if form.is_sorted() => json_double(out, value),
        (Some((Tag::Number, literal)), _) => out.push_str(literal),
        // A body that does not decode is plain text.
        (_, Scalar::Text(text)) => write_text(out, &text, form),
        (Some((_, body)), _) if form == Form::Compact => json_string(out, body),
        (Some((_, body)), scalar) if form != Form::Typed && form != Form::Sorted => {
            write_digest_scalar(out, &scalar, body, form);
        }
        _ => json_string(out, text),
    }
}

/// A typed value inside the text of a digest.
fn write_digest_scalar(out: &mut String, scalar: &Scalar<'_>, body: &str, form: Form) {
    let mut text = String::new();
    match scalar {
        Scalar::Timestamp(timestamp) if form == Form::Digest => {
            out.push_str(&timestamp.utc_micros().to_string());
            return;
        }
        Scalar::Timestamp(timestamp) => {
            format_timestamp(&mut text, *timestamp, 'T');
            if timestamp.offset == Some(0) {
                text.truncate(text.len() - "+00:00".len());
                text.push('Z');
            }
        }
        Scalar::Date(days) => format_date(&mut text, i64::from(*days)),
        Scalar::Time(time) => format_time(&mut text, *time),
        Scalar::Decimal(number) | Scalar::Wei(number) => text = number.to_string(),
        _ => text.push_str(body),
    }
    json_string(out, &text);
}

/// A JSON text in compact form. `None` if it is not JSON.
pub fn compact(text: &str) -> Option<String> {
    let mut buffers = ParseBuffers::new();
    let parsed = buffers.parse_value(text.as_bytes()).ok()?;
    let mut out = String::with_capacity(text.len());
    write_compact(&mut out, &parsed.tape, parsed.rows.first()?.node);
    Some(out)
}

/// Writes a document as canonical JSON: compact, keys sorted by code point at every level.
pub fn write_sorted(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), ..) => out.push_str(&value.to_string()),
            (None, Some(value), _) => out.push_str(&value.to_string()),
            (None, None, value) => json_double(out, value.unwrap_or(f64::NAN)),
        },
        Value::String(text) => json_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_sorted(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_string(out, key);
                out.push(':');
                write_sorted(out, &map[key]);
            }
            out.push('}');
        }
    }
}
