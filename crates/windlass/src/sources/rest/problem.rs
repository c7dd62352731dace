//! Answers that hold no records, said so that one sees why.

use regex::Regex;
use windlass_core::json::{ParseBuffers, SyntaxError};
use windlass_core::masking::MASK;
use windlass_core::{Code, Error};

use super::http::{Response, masked_url, shown_body};

/// The error for a body that is not JSON: what it is instead, and how it begins.
pub(super) fn not_json(response: &Response, method: &str, syntax: &SyntaxError) -> Error {
    let place = format!("{method} {}", masked_url(&response.url));
    let body = response.excerpt(response.shown_body.unwrap_or_default() + 1024);
    let text = body.trim_start();
    if text.is_empty() {
        return Error::data(format!("{place}: the answer (status {}) has no body", response.status))
            .with_hint(format!(
                "`response_actions: [{{status_code: {}, action: ignore}}]` takes it for no records",
                response.status
            ));
    }
    // What a body holds is anybody's; who wants to see it says so.
    let shown = match response.shown_body {
        Some(most) => format!(": `{}`", masked_text(text, most)),
        None => String::new(),
    };
    let start = text.get(..9.min(text.len())).unwrap_or_default().to_ascii_lowercase();
    if start.starts_with("<!doctype") || start.starts_with("<html") {
        return Error::of(Code::NotJson, format!("{place}: the answer is a web page instead of JSON{shown}")).with_hint(
            "check `base_url` and `path`; a page that asks for a login means that the `auth` block is missing or wrong",
        );
    }
    if start.starts_with('<') {
        return Error::of(Code::NotJson, format!("{place}: the answer is XML instead of JSON{shown}"))
            .with_hint("many APIs give JSON for the header `Accept: application/json`");
    }
    let error = Error::of(
        Code::NotJson,
        format!("{place}: the answer is not JSON at byte {}: {syntax}{shown}", syntax.at + 1),
    )
    .with_hint("the answer must be one JSON document; a body that ends in the middle was cut by the server");
    // What begins as a document may be whole the next time.
    let is_cut = ends_in_the_middle(response.body.trim_ascii(), syntax.at);
    if is_cut { error.retryable() } else { error }
}

/// Bytes of the longest escape, which are one thing to the parser as literals and characters are.
const LONGEST_TOKEN: usize = 12;

/// Whether a document that is wrong at `at` is so because the rest of it is missing.
fn ends_in_the_middle(body: &[u8], at: usize) -> bool {
    let closing = match body.first() {
        Some(b'{') => b'}',
        Some(b'[') => b']',
        _ => return false,
    };
    // What is cut within an escape or a literal is wrong from its beginning; what follows a whole document is not cut.
    let is_within_token = at + LONGEST_TOKEN >= body.len() && body.last() != Some(&closing);
    let before = body.get(..at).unwrap_or_default();
    at >= body.len() || is_within_token && ParseBuffers::new().parse_value(before).is_err()
}

/// The beginning of a text on one line, what looks like a secret masked.
fn masked_text(text: &str, characters: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let masked = match Regex::new(r"[A-Za-z0-9_\-+/=.]{20,}") {
        Ok(token) => token.replace_all(&line, MASK).into_owned(),
        Err(_) => String::new(),
    };
    shown_body(&masked, characters)
}

/// The first `NaN` or `Infinity` outside of strings: the engine reads them, but they are no JSON, and the reference
/// refuses them.
pub(super) fn non_number(body: &[u8]) -> Option<SyntaxError> {
    memchr::memchr2(b'N', b'I', body)?;
    let (mut is_string, mut is_escaped) = (false, false);
    for (at, &byte) in body.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'N' | b'I' if !is_string => {
                return Some(SyntaxError { at, message: "NaN and Infinity are no JSON".to_owned() });
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> String {
        let mut response = Response::new(status, "https://h/a?token=T", Vec::new(), body.as_bytes().to_vec());
        response.shown_body = Some(80);
        let syntax = SyntaxError { at: 0, message: "found 'h' where a value should be".to_owned() };
        let error = not_json(&response, "GET", &syntax);
        format!("{error} [{}]", error.hint().unwrap())
    }

    #[test]
    fn errors_say_what_the_answer_is_instead() {
        assert!(error(204, "").starts_with("GET https://h/a?token=***: the answer (status 204) has no body"));
        assert!(error(204, "").contains("status_code: 204, action: ignore"));
        assert!(
            error(200, " <!DOCTYPE html>\n<title>Sign in")
                .contains("a web page instead of JSON: `<!DOCTYPE html> <title>Sign in`")
        );
        assert!(error(200, "<?xml version='1.0'?>").contains("XML"));
        assert!(
            error(200, "hello").contains("not JSON at byte 1: found 'h' where a value should be: `hello`")
        );
        let masked = error(200, "token is sk_live_0123456789abcdefghij ok");
        assert!(masked.contains("`token is *** ok`"), "{masked}");
    }

    #[test]
    fn bodies_are_not_shown_unless_asked_for() {
        for body in ["hello", "<html>hello", "<a>hello</a>", "[hello]"] {
            let syntax = ParseBuffers::new().parse_value(body.as_bytes()).err().unwrap();
            let response = Response::new(200, "https://h/a", Vec::new(), body.as_bytes().to_vec());
            assert!(!not_json(&response, "GET", &syntax).chain().contains("hello"), "{body}");
        }
    }

    #[test]
    fn only_what_ends_in_the_middle_may_be_whole_the_next_time() {
        let may_pass = |body: &str| {
            let syntax = ParseBuffers::new().parse_value(body.as_bytes()).err().unwrap();
            let response = Response::new(200, "https://h/a", Vec::new(), body.as_bytes().to_vec());
            not_json(&response, "GET", &syntax).is_retryable()
        };
        let whole =
            r#"{"data": [{"id": 1, "text": "a\"b\ud83d\ude00é", "n": [true, null, -1.5]}, {"id": 2}]}"#;
        for end in (1..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            assert!(may_pass(&whole[..end]), "{}", &whole[..end]);
        }
        for never in ["hello", "<html>", "[1,]", "{\"a\": 1}}", "[1] [2]", "[1] more", "tru"] {
            assert!(!may_pass(never), "{never}");
        }
    }

    #[test]
    fn numbers_that_are_none_are_found_outside_of_strings() {
        assert_eq!(non_number(br#"[{"n":NaN}]"#).map(|error| error.at), Some(6));
        assert_eq!(non_number(br#"{"NaN":"Infinity \" NaN"}"#), None);
    }
}
