//! Recordings of chains of pages.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use windlass::core::json::ParseBuffers;
use windlass::core::{Error, Result};
use windlass::source::Body;
use windlass::sources::rest::http::{HttpTransport, Response, Transport};
use windlass::sources::rest::pages::{Action, Pages, PagesOptions, ResponseAction, ResponseHook, Verdict};
use windlass::sources::rest::paginate::PaginatorConfig;

use super::{Run, client, outcome};

/// Runs a recording of pages and gives the differences.
pub(super) async fn run(run: &Run) -> Result<Vec<String>> {
    let config = &run.recording.config;
    let mut client = config.get("client").cloned().unwrap_or_else(|| json!({}));
    if let Some(auth) = config.get("auth") {
        client["auth"] = auth.clone();
    }
    let mut call = config.get("paginate").cloned().unwrap_or_else(|| json!({ "path": "/items" }));
    if run.recording.kind.ends_with("+response_actions") {
        call = config.clone();
    }
    let most = config.get("consumer_stops_after_pages").and_then(Value::as_u64);
    let transport = Arc::new(run.transport(run.settings()?)?);
    let (pages, error) = read(run, &transport, &client, &call, most).await;
    let mut found = json!({ "pages": pages });
    if run.recording.kind.ends_with(" x2") {
        let (second, _) = read(run, &transport, &client, &call, most).await;
        found = json!({ "first": found["pages"], "second": second });
    }
    let mut recorded = run.recording.result.clone();
    if let Some(recorded) = recorded.as_object_mut() {
        // What signs a token is checked where it is made, and arguments of callers are never changed here.
        recorded.retain(|key, _| !matches!(key.as_str(), "assertions" | "caller_params_after"));
    }
    let mut differences = outcome::compare("result", &recorded, &found);
    differences.extend(outcome::compare_error(run.recording.error.as_ref(), error.as_ref()));
    if let Some(error) = &error
        && error.chain().contains("SECRET")
    {
        differences.push(format!("+ a secret in the error {}", error.chain()));
    }
    Ok(differences)
}

/// Makes a paginator, which is all that the recording does.
pub(super) fn make_paginator(run: &Run) -> Vec<String> {
    let built = serde_json::from_value::<PaginatorConfig>(run.recording.config.clone())
        .map_err(|cause| Error::config("no paginator").with_source(cause))
        .and_then(|config| config.build());
    outcome::compare_error(run.recording.error.as_ref(), built.err().as_ref())
}

/// The pages up to `most`, and the error that they ended with.
async fn read(
    run: &Run,
    transport: &Arc<HttpTransport>,
    client: &Value,
    call: &Value,
    most: Option<u64>,
) -> (Vec<Value>, Option<Error>) {
    let mut found = Vec::new();
    let result = read_into(&mut found, run, transport, client, call, most).await;
    (found, result.err())
}

async fn read_into(
    found: &mut Vec<Value>,
    run: &Run,
    transport: &Arc<HttpTransport>,
    client: &Value,
    call: &Value,
    most: Option<u64>,
) -> Result<()> {
    let request = client::request(client, call, &run.base_url())?;
    let given =
        |key: &str| [call, client].into_iter().find_map(|of| of.get(key).filter(|value| !value.is_null()));
    let paginator = given("paginator").map(|config| serde_json::from_value(config.clone())).transpose();
    let options = PagesOptions {
        paginator: paginator.map_err(|cause| Error::config("no paginator").with_source(cause))?,
        selector: given("data_selector").and_then(Value::as_str).map(str::to_owned),
        actions: actions(call)?,
        ..PagesOptions::default()
    };
    let transport: Arc<dyn Transport> = Arc::clone(transport) as Arc<dyn Transport>;
    let mut pages = Pages::new(transport, request, options)?;
    while most.is_none_or(|most| (found.len() as u64) < most)
        && let Some(page) = pages.next().await?
    {
        found.push(items(&page.body)?.into());
    }
    Ok(())
}

fn actions(call: &Value) -> Result<Vec<ResponseAction>> {
    let list = call.get("response_actions").and_then(Value::as_array);
    let action = |action: &Value| {
        let fields: Map<String, Value> = action.as_object().cloned().unwrap_or_default();
        Ok(ResponseAction {
            status_code: fields.get("status_code").and_then(Value::as_i64),
            content: fields.get("content").and_then(Value::as_str).map(str::to_owned),
            action: if !fields.contains_key("action") {
                Action::Hooks(vec![Arc::new(Incomplete)])
            } else if fields.get("action").is_some_and(|action| action == "ignore") {
                Action::Ignore
            } else {
                Action::Nothing
            },
        })
    };
    list.into_iter().flatten().map(action).collect()
}

/// An action that says nothing of what is done is an error when there is an answer.
struct Incomplete;

impl ResponseHook for Incomplete {
    fn on_response(&self, _response: &mut Response) -> Result<Verdict> {
        Err(Error::config("a response action has no `action`"))
    }
}

/// The records of a page.
pub(super) fn items(body: &Body) -> Result<Vec<Value>> {
    let wrong = |cause: serde_json::Error| Error::internal("a record is not JSON").with_source(cause);
    match body {
        Body::Lines(bytes) | Body::TypedLines(bytes) | Body::Numbered(bytes, _) => bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
            .map(|line| serde_json::from_slice(line).map_err(wrong))
            .collect(),
        Body::Document(bytes, select) => {
            let mut buffers = ParseBuffers::new();
            let parsed = buffers
                .parse_value(bytes)
                .map_err(|error| Error::internal(format!("a page is not JSON: {}", error.message)))?;
            let mut records = Vec::new();
            select.records(&parsed.tape, 0, &mut records);
            let mut text = String::new();
            records
                .into_iter()
                .map(|record| {
                    text.clear();
                    windlass::core::json::write_compact(&mut text, &parsed.tape, record);
                    serde_json::from_str(&text).map_err(wrong)
                })
                .collect()
        }
        Body::Elements(_) | Body::Csv(..) | Body::Batch(_) => Err(Error::internal("a page is not of JSON")),
    }
}
