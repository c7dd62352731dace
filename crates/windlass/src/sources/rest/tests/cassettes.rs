//! What was recorded from the reference: the same requests, pages and errors.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use serde_json::{Map, Value, json};
use windlass_core::Result;

use super::{Fake, client, query};
use crate::sources::rest::http::{Request, RequestBody, Response};
use crate::sources::rest::pages::{Action, ResponseAction};
use crate::sources::rest::paginate::PaginatorConfig;

/// Recordings of chains of pages that describe neither the network nor Python code.
const CHAINS: [&str; 11] = [
    "pg_",
    "sel_",
    "det_",
    "ra_",
    "next_link_",
    "quirk_params_mutated",
    "consumer_",
    "json_",
    "utf8_",
    "body_json",
    "err_",
];

/// Described by Python callables, which come with the Python package.
const CALLABLES: [&str; 1] = ["ra_callables"];

const BASE: &str = "http://h";

fn recordings() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/rest");
    let mut found: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let text =
                text.replace("{{BASE_URL}}", BASE).replace("{{HOST}}", "h").replace("{{ALT_HOST}}", "other");
            (path.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
        })
        .filter(|(name, _): &(String, Value)| CHAINS.iter().any(|prefix| name.starts_with(prefix)))
        .filter(|(name, _)| !CALLABLES.contains(&name.as_str()))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn response(recorded: &Value, url: &str) -> Response {
    let body = match &recorded["body"] {
        Value::String(text) => text.clone().into_bytes(),
        Value::Object(body) if body.contains_key("__bytes_hex__") => {
            let hex = body["__bytes_hex__"].as_str().unwrap();
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
        }
        body => body.to_string().into_bytes(),
    };
    let headers = recorded["headers"].as_object().cloned().unwrap_or_default();
    let headers =
        headers.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect();
    Response::new(u16::try_from(recorded["status"].as_u64().unwrap()).unwrap(), url, headers, body)
}

/// The recorded form of a request.
fn recorded_form(request: &Request) -> Value {
    let path = request.url.split('?').next().unwrap();
    let path = path.strip_prefix(BASE).or_else(|| path.strip_prefix("http://other")).unwrap();
    let body = match &request.body {
        RequestBody::Json(body) => body.clone(),
        _ => Value::Null,
    };
    let query: Vec<Value> = query(request).into_iter().map(|(name, value)| json!([name, value])).collect();
    json!({"method": request.method, "path": path, "query": query, "json": body})
}

/// What the error of the reference has to be here.
fn wanted_error(error: &Value) -> &'static [&'static str] {
    let kind = error["type"].as_str().unwrap().rsplit('.').next().unwrap();
    match kind {
        "HTTPError" => &[" Error: "],
        "JSONDecodeError" => &["is not JSON", "has no body"],
        "JsonPathParserError" => &["is not a JSONPath"],
        "MissingSchema" => &["invalid URL"],
        "ValueError" => {
            &["not found in the response", "is not a `bool`", "is not an `int`", "must be provided"]
        }
        "TypeError" => &["missing field", "unknown field"],
        other => panic!("{other}"),
    }
}

fn actions(config: &Value) -> Vec<ResponseAction> {
    let list = config["response_actions"].as_array().cloned().unwrap_or_default();
    list.into_iter()
        .map(|action| ResponseAction {
            status_code: action["status_code"].as_i64(),
            content: action["content"].as_str().map(str::to_owned),
            action: if action["action"] == "ignore" { Action::Ignore } else { Action::Nothing },
        })
        .collect()
}

async fn replay(recording: &Value, read_ahead: usize) -> (Vec<Value>, Vec<Value>, Option<String>) {
    let config = &recording["config"];
    let exchanges = recording["exchanges"].as_array().unwrap().clone();
    let at = Mutex::new(0);
    let fake = Fake::new(move |request| {
        let mut at = at.lock().unwrap();
        *at += 1;
        match exchanges.get(*at - 1) {
            Some(exchange) => {
                response(&exchange["response"], &super::address(request).replacen('/', "http://h/", 1))
            }
            None => Response::new(599, "http://h/nothing-more-was-recorded", Vec::new(), Vec::new()),
        }
    });
    let empty = json!({});
    let call = config.get("paginate").unwrap_or(config);
    let common = config.get("client").unwrap_or(&empty);
    let base = common["base_url"].as_str().unwrap_or(BASE);
    let given =
        |key: &str| call.get(key).or_else(|| common.get(key)).filter(|value| !value.is_null()).cloned();
    let result: Result<Vec<Value>> = async {
        let mut pages = client(&fake, base).paginate(call["path"].as_str().unwrap_or("/items"));
        if let Some(method) = call["method"].as_str() {
            pages = pages.method(method);
        }
        pages = pages.params(call["params"].as_object().cloned().unwrap_or_else(Map::new));
        if let Some(body) = given("json") {
            pages = pages.json(body);
        }
        if let Some(paginator) = given("paginator") {
            pages = pages.paginator(PaginatorConfig::parse(paginator)?);
        }
        if let Some(selector) = given("data_selector") {
            pages = pages.data_selector(selector.as_str().unwrap());
        }
        for action in actions(config) {
            pages = pages.action(action);
        }
        let mut pages = pages.read_ahead(read_ahead).pages()?;
        let most = config["consumer_stops_after_pages"].as_u64().unwrap_or(u64::MAX);
        let mut found = Vec::new();
        let mut error = None;
        while (found.len() as u64) < most {
            match pages.next().await {
                Ok(None) => break,
                Ok(Some(page)) => found.push(Value::Array(page.values()?)),
                Err(failed) => {
                    error = Some(failed);
                    break;
                }
            }
        }
        found.push(error.map_or(Value::Null, |error| error.chain().into()));
        Ok(found)
    }
    .await;
    let requests = fake.seen.lock().unwrap().iter().map(recorded_form).collect();
    match result {
        Ok(mut found) => {
            let error = found.pop().and_then(|error| error.as_str().map(str::to_owned));
            (requests, found, error)
        }
        Err(error) => (requests, Vec::new(), Some(error.chain())),
    }
}

#[tokio::test]
async fn chains_are_as_recorded() {
    let mut count = 0;
    for (name, recording) in recordings() {
        let kind = recording["kind"].as_str().unwrap();
        if !matches!(kind, "rest_client.paginate" | "rest_client.paginate+response_actions") {
            continue;
        }
        count += 1;
        let (requests, pages, error) = replay(&recording, 0).await;
        let wanted: Vec<Value> = recording["exchanges"].as_array().unwrap().iter().map(|exchange| {
            let request = &exchange["request"];
            let query: Vec<Value> = request["query"].as_array().unwrap().clone();
            json!({"method": request["method"], "path": request["path"], "query": query, "json": request["json"]})
        }).collect();
        assert_eq!(pages, *recording["result"]["pages"].as_array().unwrap(), "{name}: {error:?}");
        assert_eq!(requests, wanted, "{name}");
        match &recording["error"] {
            Value::Null => assert_eq!(error, None, "{name}"),
            wanted => {
                let error = error.unwrap_or_else(|| panic!("{name} does not fail"));
                assert!(wanted_error(wanted).iter().any(|part| error.contains(part)), "{name}: {error}");
                assert!(!error.contains("SECRET"), "{name}: {error}");
            }
        }
    }
    assert_eq!(count, 105);
}

#[tokio::test]
async fn pages_are_the_same_when_the_next_one_is_fetched_ahead() {
    for (name, recording) in recordings() {
        // With a consumer that stops, more requests are made than were recorded.
        if recording["kind"] != "rest_client.paginate" || name.starts_with("consumer_") {
            continue;
        }
        for read_ahead in [1, 3] {
            let (requests, pages, error) = replay(&recording, read_ahead).await;
            assert_eq!(pages, *recording["result"]["pages"].as_array().unwrap(), "{name}");
            assert_eq!(requests.len(), recording["exchanges"].as_array().unwrap().len(), "{name}");
            assert_eq!(error.is_some(), !recording["error"].is_null(), "{name}: {error:?}");
        }
    }
}

#[test]
fn options_that_the_reference_refuses_are_refused() {
    let mut count = 0;
    for (name, recording) in recordings() {
        if recording["kind"] != "paginator.new" {
            continue;
        }
        count += 1;
        let error =
            PaginatorConfig::parse(recording["config"].clone()).and_then(|config| config.build().map(|_| ()));
        let error = error.unwrap_err().chain();
        assert!(wanted_error(&recording["error"]).iter().any(|part| error.contains(part)), "{name}: {error}");
    }
    assert_eq!(count, 9);
}
