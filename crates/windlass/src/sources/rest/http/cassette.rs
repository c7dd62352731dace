//! Recordings of requests and answers: made while a source is read, and read from later, without the network.
//!
//! A recording is a folder with a file `exchanges.json`:
//!
//! ```json
//! {"version": 1,
//!  "exchanges": [{"request": {"method": "GET", "url": "https://api.example.com/posts?page=1", "path": "/posts",
//!                             "query": [["page", "1"]], "raw_query": "page=1", "headers": {"x-a": "1"},
//!                             "raw_body": "{\"q\": 1}", "json": {"q": 1}},
//!                 "response": {"status": 200, "headers": {"Content-Type": "application/json"}, "body": [{"id": 1}]}}]}
//! ```
//!
//! A body is a JSON value where it is JSON, else a text, else `{"__bytes_hex__": ".."}`. Files by hand may leave out
//! everything of a request but `method` and `path`. Secrets are left out: credentials and cookies, parameters and fields
//! with names of secrets, and every text that the `auth` block holds.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use windlass_core::{Code, Error, Result, masking};

use super::{Request, RequestBody, Response, Transport, encode, is_secret_name, url};
use crate::config::Secret;
use crate::private;

/// The file in the folder of a recording.
pub const EXCHANGES_FILE: &str = "exchanges.json";

/// What stands in place of a secret.
const MASK: &str = "***";

/// Headers of requests that are not kept.
const SECRET_HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// Headers of answers that are kept; others are of the connection, or may be secrets.
const KEPT_HEADERS: [&str; 5] = ["content-type", "link", "retry-after", "location", "last-modified"];

#[derive(Debug, Serialize, Deserialize)]
struct Cassette {
    #[serde(default)]
    version: u32,
    exchanges: Vec<Exchange>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Exchange {
    request: RecordedRequest,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<RecordedResponse>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<RecordedError>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RecordedRequest {
    method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    path: String,
    #[serde(default)]
    query: Vec<(String, String)>,
    #[serde(default)]
    raw_query: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw_body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct RecordedResponse {
    status: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Value,
    /// Where it came from, if not from where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct RecordedError {
    message: String,
    /// Whether a budget was spent, so that reading ended there and what was read was kept.
    #[serde(default)]
    is_budget_spent: bool,
}

/// Carries requests by another transport and writes down what it was asked and what it got.
#[derive(Debug)]
pub struct RecordingTransport {
    inner: Arc<dyn Transport>,
    path: PathBuf,
    file: Mutex<RecordingFile>,
    secrets: Vec<Secret>,
}

#[derive(Debug)]
struct RecordingFile {
    file: File,
    /// Where the next exchange goes: before what closes the document.
    end: u64,
    is_empty: bool,
}

impl RecordingTransport {
    /// Records into a folder, whose former recording is replaced. Errors: the folder cannot be made.
    pub fn new(inner: Arc<dyn Transport>, folder: &Path) -> Result<Self> {
        private::create_folders(folder).map_err(|cause| not_written(folder, cause))?;
        // The folder may be one of the user's own; what was recorded is for its owner alone.
        let path = folder.join(EXCHANGES_FILE);
        let mut file = private::create_file(&path).map_err(|cause| not_written(&path, cause))?;
        file.write_all(format!("{OPENING}{CLOSING}").as_bytes())
            .map_err(|cause| not_written(&path, cause))?;
        let file = RecordingFile { file, end: OPENING.len() as u64, is_empty: true };
        Ok(Self { inner, path, file: Mutex::new(file), secrets: Vec::new() })
    }

    /// Leaves these out as well, wherever they are.
    #[must_use]
    pub fn hiding(self, secrets: Vec<Secret>) -> Self {
        Self { secrets, ..self }
    }

    fn note(&self, request: &Request, answer: &Result<Response>) -> Result<()> {
        let secrets = secrets_of(request, &self.secrets);
        let request = RecordedRequest::of(request, &secrets)?;
        let exchange = match answer {
            Ok(response) => {
                let mut response = RecordedResponse::of(response, &secrets)?;
                response.url = response.url.filter(|url| request.url.as_ref() != Some(url));
                Exchange { request, response: Some(response), error: None }
            }
            Err(error) => {
                let message = without_secrets(&error.chain(), &secrets);
                let error = RecordedError { message, is_budget_spent: error.is_budget_spent() };
                Exchange { request, response: None, error: Some(error) }
            }
        };
        let text = serde_json::to_string(&exchange)
            .map_err(|cause| Error::internal("an exchange cannot be written").with_source(cause))?;
        lock(&self.file).append(&text).map_err(|cause| not_written(&self.path, cause))
    }
}

const OPENING: &str = "{\"version\": 1, \"exchanges\": [";
const CLOSING: &str = "\n]}\n";

impl RecordingFile {
    /// The document is whole after each exchange, so that a recording that is broken off is good as far as it goes.
    fn append(&mut self, exchange: &str) -> io::Result<()> {
        let text = format!("{}\n{exchange}", if self.is_empty { "" } else { "," });
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(format!("{text}{CLOSING}").as_bytes())?;
        self.end += text.len() as u64;
        self.is_empty = false;
        Ok(())
    }
}

#[async_trait]
impl Transport for RecordingTransport {
    async fn send(&self, request: &Request) -> Result<Response> {
        let answer = self.inner.send(request).await;
        self.note(request, &answer)?;
        answer
    }
}

/// Answers from a recording. What is asked for twice is answered by the next answer that was recorded for it; the last
/// one stays.
#[derive(Debug)]
pub struct ReplayingTransport {
    folder: PathBuf,
    exchanges: Vec<Exchange>,
    /// How often each request was answered, by its text.
    answered: Mutex<HashMap<String, usize>>,
    secrets: Vec<Secret>,
}

impl ReplayingTransport {
    /// Reads a recording from its folder. Errors: there is none, or one of another form.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(EXCHANGES_FILE);
        let place = path.display().to_string();
        let text = fs::read(&path).map_err(|cause| {
            Error::of(Code::RecordingUnusable, "there is no recording")
                .with_source(cause)
                .with_hint("`windlass record FILE` makes one")
                .at_file(&place)
        })?;
        let cassette: Cassette = serde_json::from_slice(&text).map_err(|cause| {
            Error::of(Code::RecordingUnusable, "the recording has another form")
                .with_source(cause)
                .with_hint("`windlass record FILE` records anew")
                .at_file(&place)
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            exchanges: cassette.exchanges,
            answered: Mutex::default(),
            secrets: Vec::new(),
        })
    }

    /// Takes requests for those that were recorded without these.
    #[must_use]
    pub fn hiding(self, secrets: Vec<Secret>) -> Self {
        Self { secrets, ..self }
    }

    fn unknown(&self, asked: &RecordedRequest) -> Error {
        let text = asked.line();
        let lines = self.exchanges.iter().map(|exchange| exchange.request.line());
        let nearest = lines
            .map(|line| (strsim::normalized_levenshtein(&line, &text), line))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = match nearest {
            Some((_, line)) => {
                format!("the nearest that was recorded is {line}; `windlass record` records anew")
            }
            None => "the recording is empty; `windlass record` records anew".to_owned(),
        };
        Error::of(Code::NotRecorded, format!("{text} was not recorded in {}", self.folder.display()))
            .with_hint(hint)
    }
}

#[async_trait]
impl Transport for ReplayingTransport {
    async fn send(&self, request: &Request) -> Result<Response> {
        let secrets = secrets_of(request, &self.secrets);
        let asked = RecordedRequest::of(request, &secrets)?;
        let matching: Vec<&Exchange> =
            self.exchanges.iter().filter(|exchange| exchange.request.answers(&asked)).collect();
        let Some(last) = matching.len().checked_sub(1) else { return Err(self.unknown(&asked)) };
        let index = {
            let mut answered = lock(&self.answered);
            let count = answered.entry(asked.line()).or_insert(0);
            *count += 1;
            (*count - 1).min(last)
        };
        let exchange = matching.get(index).ok_or_else(|| Error::internal("a recording has no answer"))?;
        let response = match (&exchange.response, &exchange.error) {
            (Some(response), _) => response,
            (None, Some(error)) if error.is_budget_spent => return Err(Error::budget_spent(&error.message)),
            (None, Some(error)) => {
                return Err(Error::source_failed(&error.message).with_hint("that is what was recorded"));
            }
            (None, None) => {
                return Err(Error::config(format!("{} was recorded without an answer", asked.line()))
                    .with_hint("an exchange has a `response`, or an `error` with a `message`")
                    .at_file(self.folder.join(EXCHANGES_FILE).display().to_string()));
            }
        };
        let headers = response.headers.iter().map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        Ok(Response::new(
            response.status,
            response.url.clone().or(asked.url).unwrap_or_default(),
            headers.collect(),
            response.bytes(),
        ))
    }
}

impl RecordedRequest {
    fn of(request: &Request, secrets: &[Secret]) -> Result<Self> {
        let mut address = url::with_parameters(&request.url, &request.params)?;
        let _ = address.set_username("");
        let _ = address.set_password(None);
        let address = without_secrets(&url::recorded_with(address.as_str(), secrets), secrets);
        let address =
            Url::parse(&address).map_err(|cause| Error::internal("an address is none").with_source(cause))?;
        let raw_query = address.query().unwrap_or_default().to_owned();
        let query = raw_query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (url::decoded(name), url::decoded(value))
        });
        let headers = request
            .headers
            .iter()
            .filter(|(name, _)| {
                !SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) && !is_secret_header(name)
            })
            .map(|(name, value)| (name.to_ascii_lowercase(), without_secrets(value, secrets).into()));
        let body = match &request.body {
            RequestBody::Json(value) => RequestBody::Json(masked_value(value, secrets)),
            RequestBody::Form(fields) => {
                let masked = masked_value(&Value::Object(fields.clone()), secrets);
                RequestBody::Form(masked.as_object().cloned().unwrap_or_default())
            }
            RequestBody::Text(text) => RequestBody::Text(without_secrets(text, secrets)),
            RequestBody::Empty => RequestBody::Empty,
        };
        let raw_body = encode::body(&body).map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned());
        let json = match &body {
            RequestBody::Json(value) => Some(value.clone()),
            _ => None,
        };
        Ok(Self {
            method: request.method.to_ascii_uppercase(),
            path: address.path().to_owned(),
            query: query.collect(),
            raw_query,
            headers: headers.collect(),
            raw_body,
            json,
            url: Some(address.into()),
        })
    }

    /// Whether this recorded request is the one that is asked for. Headers differ from client to client, and a recorded
    /// server may have moved.
    fn answers(&self, asked: &Self) -> bool {
        let own_query = if self.raw_query.is_empty() && !self.query.is_empty() {
            self.query == asked.query
        } else {
            url::same_query(&self.raw_query, &asked.raw_query)
        };
        let same_body = match (&self.json, &asked.json) {
            (Some(own), Some(asked)) => own == asked,
            _ => {
                self.raw_body.as_deref().unwrap_or_default() == asked.raw_body.as_deref().unwrap_or_default()
            }
        };
        self.method.eq_ignore_ascii_case(&asked.method) && self.path == asked.path && own_query && same_body
    }

    fn line(&self) -> String {
        let query = if self.raw_query.is_empty() { String::new() } else { format!("?{}", self.raw_query) };
        let body = self.raw_body.as_ref().map(|body| format!(" {body}")).unwrap_or_default();
        format!("{} {}{query}{body}", self.method, self.path)
    }
}

impl RecordedResponse {
    fn of(response: &Response, secrets: &[Secret]) -> Result<Self> {
        let kept = |name: &str| {
            let name = name.to_ascii_lowercase();
            KEPT_HEADERS.contains(&name.as_str())
                || !is_secret_header(&name)
                    && (name.starts_with("x-") || name.contains("cursor") || name.contains("next"))
        };
        let headers = response
            .headers
            .iter()
            .filter(|(name, _)| kept(name))
            .map(|(name, value)| (name.clone(), without_secrets(value, secrets).into()));
        let bytes = response.read_body()?;
        let body = match (serde_json::from_slice::<Value>(&bytes), std::str::from_utf8(&bytes)) {
            // A text that is JSON would be read as the text that it is the JSON of.
            (Ok(value), _) if !value.is_string() => masked_value(&value, secrets),
            (_, Ok(text)) => without_secrets(text, secrets).into(),
            (_, Err(_)) => {
                json!({ "__bytes_hex__": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() })
            }
        };
        let url = without_secrets(&url::recorded_with(&response.url, secrets), secrets);
        Ok(Self { status: response.status, headers: headers.collect(), body, url: Some(url) })
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.body, self.body.get("__bytes_hex__").and_then(Value::as_str)) {
            (_, Some(hex)) => (0..hex.len() / 2)
                .filter_map(|index| u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok())
                .collect(),
            (Value::String(text), None) => text.clone().into_bytes(),
            (value, None) => value.to_string().into_bytes(),
        }
    }
}

/// Everything of a request that a recording is not to hold: what is known to be secret, and what stands in it under the
/// name of a secret. Servers repeat such things, in links for instance, where they are escaped.
fn secrets_of(request: &Request, known: &[Secret]) -> Vec<Secret> {
    let mut secrets = request.auth.as_ref().map(|auth| auth.secrets()).unwrap_or_default();
    secrets.extend_from_slice(known);
    let params = request.params.iter().filter(|(name, _)| is_secret_name(name));
    secrets.extend(params.filter_map(|(_, value)| value.as_str()).map(Secret::from));
    let headers = request.headers.iter().filter(|(name, _)| {
        SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) || is_secret_header(name)
    });
    for (_, value) in headers {
        // A token without its scheme is what servers repeat.
        let token = value.split_once(' ').map_or(value.as_str(), |(_, token)| token);
        secrets.extend([Secret::from(value.as_str()), token.into()]);
    }
    match &request.body {
        RequestBody::Json(value) => add_secret_fields(value, &mut secrets),
        RequestBody::Form(fields) => add_secret_fields(&Value::Object(fields.clone()), &mut secrets),
        RequestBody::Text(_) | RequestBody::Empty => {}
    }
    if let Ok(address) = Url::parse(&request.url) {
        secrets.extend(address.password().map(|password| Secret::from(url::decoded(password))));
        let pairs = address.query_pairs().filter(|(name, _)| is_secret_name(name));
        secrets.extend(pairs.map(|(_, value)| Secret::from(value.into_owned())));
    }
    let escaped: Vec<Secret> = secrets.iter().map(|secret| url::form_text(secret.expose()).into()).collect();
    secrets.extend(escaped);
    secrets.retain(|secret| !secret.expose().is_empty() && secret.expose() != MASK);
    secrets
}

/// What stands in members with names of secrets.
fn add_secret_fields(value: &Value, secrets: &mut Vec<Secret>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if is_secret_field(name) => secrets.push(text.into()),
                    _ => add_secret_fields(value, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_secret_fields(item, secrets)),
        _ => {}
    }
}

fn is_secret_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret_name(name) || ["auth", "cookie"].iter().any(|part| lower.contains(part))
}

/// A value without secrets: those in members with names of secrets, and the known ones wherever they are.
fn masked_value(value: &Value, secrets: &[Secret]) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let is_secret = is_secret_field(key) && (value.is_string() || value.is_number());
                (key.clone(), if is_secret { MASK.into() } else { masked_value(value, secrets) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| masked_value(item, secrets)).collect(),
        Value::String(text) => without_secrets(text, secrets).into(),
        other => other.clone(),
    }
}

/// Members that hold credentials, besides what is called like a secret parameter.
const SECRET_FIELDS: [&str; 8] = [
    "assertion",
    "client_assertion",
    "refresh_token",
    "id_token",
    "private_key",
    "authorization",
    "cookie",
    "set-cookie",
];

/// Whether a member of a body is a secret by its name. A `key` mostly is none: many APIs name their records so.
fn is_secret_field(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET_FIELDS.contains(&lower.as_str())
        || is_secret_name(name) && !["key", "code", "session", "pass"].contains(&lower.as_str())
}

/// Secrets shorter than this are not looked for inside of other texts, where they would be found by chance.
const LONG_ENOUGH: usize = 6;

fn without_secrets(text: &str, secrets: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(Secret::expose) {
        if text == secret && !secret.is_empty() {
            return MASK.to_owned();
        }
        if secret.len() >= LONG_ENOUGH && text.contains(secret) {
            text = text.replace(secret, MASK);
        }
    }
    masking::masked(&text).into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_written(path: &Path, cause: io::Error) -> Error {
    Error::of(Code::RecordingUnusable, "the recording cannot be written")
        .with_source(cause)
        .at_file(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::rest::http::{ApiKeyAuth, ApiKeyLocation, AuthConfig};

    /// Answers each request by what it was asked, numbered.
    #[derive(Debug, Default)]
    struct Echo {
        count: Mutex<u64>,
    }

    #[async_trait]
    impl Transport for Echo {
        async fn send(&self, request: &Request) -> Result<Response> {
            let mut count = lock(&self.count);
            *count += 1;
            let headers = vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("Link".to_owned(), "<http://h/2>; rel=next".to_owned()),
                ("Set-Cookie".to_owned(), "sid=hidden-cookie".to_owned()),
            ];
            let body = json!({ "n": *count, "echo": "key hidden-key", "access_token": "hidden-token", "token": {"a": 1} });
            Ok(Response::new(200, &request.url, headers, body.to_string().into_bytes()))
        }
    }

    fn request(path: &str) -> Request {
        let mut request = Request::new("get", format!("http://u:hidden-user@h/{path}"));
        request.params.insert("api_key".to_owned(), "hidden-param".into());
        request.params.insert("page".to_owned(), 1.into());
        request.set_header("Authorization", "Bearer hidden-bearer");
        request.set_header("X-Api-Key", "hidden-header");
        request.set_header("X-A", "hidden-key");
        request.body = RequestBody::Json(json!({ "q": ["hidden-key"], "password": "hidden-field" }));
        request.auth = Some(
            AuthConfig::ApiKey(ApiKeyAuth {
                name: "k".to_owned(),
                api_key: Some("hidden-key".into()),
                location: ApiKeyLocation::Query,
            })
            .build()
            .unwrap(),
        );
        request
    }

    #[tokio::test]
    async fn what_is_recorded_is_replayed_and_has_no_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let recording = RecordingTransport::new(Arc::new(Echo::default()), folder.path()).unwrap();
        for path in ["a", "b", "a"] {
            recording.send(&request(path)).await.unwrap();
        }
        let text = fs::read_to_string(folder.path().join(EXCHANGES_FILE)).unwrap();
        assert!(!text.contains("hidden"), "{text}");
        let replaying = ReplayingTransport::open(folder.path()).unwrap();
        let mut numbers = Vec::new();
        for path in ["b", "a", "a", "a"] {
            let response = replaying.send(&request(path)).await.unwrap();
            assert_eq!(response.header("link"), Some("<http://h/2>; rel=next"));
            numbers.push(response.json().unwrap()["n"].as_u64().unwrap());
        }
        assert_eq!(numbers, [2, 1, 3, 3]);
        let error = replaying.send(&request("c")).await.unwrap_err();
        assert!(
            error.message().contains("GET /c?api_key=***&page=1")
                && error.message().contains("was not recorded"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("GET /a?api_key=***&page=1"), "{error:?}");
    }

    #[tokio::test]
    async fn bodies_of_all_kinds_are_the_same_again() {
        #[derive(Debug)]
        struct Bytes(Vec<u8>);
        #[async_trait]
        impl Transport for Bytes {
            async fn send(&self, request: &Request) -> Result<Response> {
                Ok(Response::new(200, &request.url, Vec::new(), self.0.clone()))
            }
        }
        for body in [&b""[..], b"<html>", b"\"text\"", b"[1,2.5,null]", b"\xff\x00", b"{\"a\":\"\xc3\xa9\"}"]
        {
            let folder = tempfile::tempdir().unwrap();
            let recording = RecordingTransport::new(Arc::new(Bytes(body.to_vec())), folder.path()).unwrap();
            recording.send(&Request::new("GET", "http://h/")).await.unwrap();
            let replaying = ReplayingTransport::open(folder.path()).unwrap();
            assert_eq!(replaying.send(&Request::new("GET", "http://h/")).await.unwrap().body, body);
        }
    }

    #[tokio::test]
    async fn where_answers_came_from_and_why_there_was_none_are_kept() {
        #[derive(Debug)]
        struct Moody;
        #[async_trait]
        impl Transport for Moody {
            async fn send(&self, request: &Request) -> Result<Response> {
                match request.url.as_str() {
                    "http://h/spent" => Err(Error::budget_spent("the 3 requests are made")),
                    "http://h/closed" => {
                        Err(Error::source_failed("closed by hidden-value").with_hint("wait"))
                    }
                    _ => Ok(Response::new(200, "http://h/moved/here?key=hidden", Vec::new(), b"[]".to_vec())),
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let recording = RecordingTransport::new(Arc::new(Moody), folder.path()).unwrap();
        let recording = recording.hiding(vec!["hidden-value".into()]);
        for path in ["a", "spent", "closed"] {
            drop(recording.send(&Request::new("GET", format!("http://h/{path}"))).await);
        }
        let text = fs::read_to_string(folder.path().join(EXCHANGES_FILE)).unwrap();
        assert!(!text.contains("hidden"), "{text}");
        let replaying = ReplayingTransport::open(folder.path()).unwrap();
        let send = async |path: &str| replaying.send(&Request::new("GET", format!("http://h/{path}"))).await;
        assert_eq!(send("a").await.unwrap().url, "http://h/moved/here?key=***");
        let spent = send("spent").await.unwrap_err();
        assert!(spent.is_budget_spent() && spent.message() == "the 3 requests are made", "{spent}");
        let closed = send("closed").await.unwrap_err();
        assert!(!closed.is_budget_spent() && closed.message() == "closed by ***", "{closed}");
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            ReplayingTransport::open(folder.path()).unwrap_err().hint().unwrap().contains("windlass record")
        );
        fs::write(folder.path().join(EXCHANGES_FILE), "{\"exchanges\": [{}]}").unwrap();
        assert!(ReplayingTransport::open(folder.path()).is_err());
    }
}
