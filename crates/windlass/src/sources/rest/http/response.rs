//! What a server answered.

use std::sync::OnceLock;

use serde_json::Value;

/// A whole answer, its body in memory and decoded from its transfer and content encoding.
#[derive(Debug, Default)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Where it came from, after redirects.
    pub url: String,
    /// Headers in the order of arrival; names as they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The body as JSON, parsed when it is asked for.
    json: OnceLock<Option<Value>>,
}

impl Response {
    /// An answer.
    pub fn new(status: u16, url: impl Into<String>, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self { status, url: url.into(), headers, body, json: OnceLock::new() }
    }

    /// The first header with this name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `None` if it is none. Parsed once.
    pub fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_slice(&self.body).ok()).as_ref()
    }
}
