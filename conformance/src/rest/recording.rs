//! A recording of the reference at a server: what was configured, the requests and answers, and what came of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use windlass::core::{Error, Result};

/// A recording.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Recording {
    /// Its name.
    pub(super) name: String,
    /// What of the reference was run.
    pub(super) kind: String,
    /// Settings of the run.
    pub(super) config: Value,
    /// Requests and answers in their order.
    pub(super) exchanges: Vec<Exchange>,
    /// What came of it.
    #[serde(default)]
    pub(super) result: Value,
    /// The error that it ended with.
    #[serde(default)]
    pub(super) error: Option<RecordedError>,
    /// Whether the requests have this order.
    #[serde(default)]
    pub(super) ordering: Ordering,
    /// The pauses before requests were sent again.
    #[serde(default)]
    pub(super) retry_sleeps_seconds: Option<Vec<f64>>,
    /// Variables of the environment.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
}

/// Whether requests have an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ordering {
    /// All of them.
    #[default]
    Strict,
    /// Those of one chain of pages.
    PerChain,
}

/// A request and its answer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Exchange {
    pub(super) request: RecordedRequest,
    pub(super) response: RecordedResponse,
}

/// A request as it went over the wire.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct RecordedRequest {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) raw_query: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) raw_body: Option<String>,
}

/// An answer; without status, the connection is closed instead.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RecordedResponse {
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Value,
}

/// An error of the reference.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RecordedError {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: String,
}

/// Whether a file is such a recording.
pub(super) fn is_recording(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.get("exchanges").is_some())
}

/// The first Python callable in the configuration of a recording, as the recorder describes it: `<callable ...>`.
pub(super) fn callable(text: &str) -> Option<String> {
    fn find(value: &Value) -> Option<String> {
        match value {
            Value::String(text) if text.starts_with("<callable") => Some(text.clone()),
            Value::Array(items) => items.iter().find_map(find),
            Value::Object(members) => members.values().find_map(find),
            _ => None,
        }
    }
    find(serde_json::from_str::<Value>(text).ok()?.get("config")?)
}

impl Recording {
    /// Reads a recording for a server at this port. Errors: a file of another form.
    pub(super) fn read(path: &Path, text: &str, port: u16) -> Result<Self> {
        let text = text
            .replace("{{BASE_URL}}", &format!("http://127.0.0.1:{port}"))
            .replace("{{HOST}}", &format!("127.0.0.1:{port}"))
            .replace("{{ALT_HOST}}", &format!("localhost:{port}"));
        serde_json::from_str(&text).map_err(|cause| {
            Error::config("a recording has another form")
                .with_source(cause)
                .at_file(path.display().to_string())
        })
    }
}

impl RecordedResponse {
    /// The bytes of the body.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let hex = self.body.get("__bytes_hex__").and_then(Value::as_str);
        match (&self.body, hex) {
            (_, Some(hex)) => (0..hex.len() / 2)
                .filter_map(|index| u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok())
                .collect(),
            (Value::String(text), None) => text.clone().into_bytes(),
            (value, None) => value.to_string().into_bytes(),
        }
    }
}
