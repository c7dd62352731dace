//! What a request carries, as bytes: the forms that Python's libraries give values.

use serde_json::Value;
use windlass_core::value::python_double;

use super::{RequestBody, url};

/// The bytes of a body and their type, if it has one. `None` is no body at all.
pub(super) fn body(body: &RequestBody) -> Option<(Vec<u8>, Option<&'static str>)> {
    match body {
        RequestBody::Empty => None,
        RequestBody::Json(value) => Some((python_json(value).into_bytes(), Some("application/json"))),
        RequestBody::Form(fields) => {
            Some((url::form(fields).into_bytes(), Some("application/x-www-form-urlencoded")))
        }
        RequestBody::Text(text) => Some((text.clone().into_bytes(), None)),
    }
}

/// A value as JSON with `", "` and `": "` between the parts, and ASCII only.
pub fn python_json(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value);
    out
}

fn write_json(out: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_json_text(out, key);
                out.push_str(": ");
                write_json(out, value);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_json(out, item);
            }
            out.push(']');
        }
        Value::String(text) => write_json_text(out, text),
        Value::Number(number) if number.is_f64() => python_double(out, number.as_f64().unwrap_or_default()),
        Value::Number(_) | Value::Bool(_) | Value::Null => out.push_str(&value.to_string()),
    }
}

fn write_json_text(out: &mut String, text: &str) {
    for c in Value::from(text).to_string().chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

/// A value as Python's `str` writes it: `True`, `None`, `1.0`, `['a', 1]`; a text is itself.
pub fn python_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => {
            let mut out = String::new();
            write_python(&mut out, value, &PythonTexts { value: write_quoted, name: write_quoted });
            out
        }
    }
}

/// How [`write_python`] writes texts.
pub(crate) struct PythonTexts {
    /// Texts that are values.
    pub(crate) value: fn(&mut String, &str),
    /// Texts that name the members of objects.
    pub(crate) name: fn(&mut String, &str),
}

/// Writes a value as Python's `repr` does.
pub(crate) fn write_python(out: &mut String, value: &Value, texts: &PythonTexts) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) if number.is_f64() => python_double(out, number.as_f64().unwrap_or_default()),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => (texts.value)(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_python(out, item, texts);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                (texts.name)(out, key);
                out.push_str(": ");
                write_python(out, value, texts);
            }
            out.push('}');
        }
    }
}

/// Python prefers single quotes, unless there are only such inside.
pub(crate) fn write_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_written_as_python_does() {
        let value = json!({"a": [1, 2], "b": null, "u": "é😀\u{1}", "f": 1.5, "big": 1e22, "t": true, "o": {}, "l": []});
        assert_eq!(
            python_json(&value),
            r#"{"a": [1, 2], "b": null, "u": "\u00e9\ud83d\ude00\u0001", "f": 1.5, "big": 1e+22, "t": true, "o": {}, "l": []}"#
        );
    }

    #[test]
    fn values_become_text_as_in_python() {
        let cases = [
            (json!("a'b"), "a'b"),
            (json!(true), "True"),
            (json!(1.0), "1.0"),
            (json!(12), "12"),
            (json!(["a'b", "c\"d'", null, "\n"]), r#"["a'b", 'c"d\'', None, '\n']"#),
            (json!({"x": false}), "{'x': False}"),
            (json!(["\u{7f}\u{85}"]), r"['\x7f\x85']"),
        ];
        for (value, expected) in cases {
            assert_eq!(python_text(&value), expected);
        }
    }

    #[test]
    fn bodies_say_what_they_are() {
        let fields = json!({"a": "1 2", "b": ["x", "y"], "n": null});
        let form = RequestBody::Form(fields.as_object().unwrap().clone());
        let text = |body: &RequestBody| {
            super::body(body).map(|(bytes, kind)| (String::from_utf8(bytes).unwrap(), kind))
        };
        assert_eq!(
            text(&form).unwrap(),
            ("a=1+2&b=x&b=y".to_owned(), Some("application/x-www-form-urlencoded"))
        );
        assert_eq!(text(&RequestBody::Json(json!({}))).unwrap(), ("{}".to_owned(), Some("application/json")));
        assert_eq!(text(&RequestBody::Text("raw".to_owned())).unwrap(), ("raw".to_owned(), None));
        assert_eq!(text(&RequestBody::Empty), None);
    }
}
