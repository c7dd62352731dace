//! Recordings of single requests.

use std::sync::Arc;

use serde_json::{Value, json};
use windlass::core::{Error, Result};
use windlass::sources::rest::http::{
    Auth, AuthConfig, HttpSettings, Request, RequestBody, Response, Transport as _, join_url,
};

use super::recording::RecordedRequest;
use super::{Run, outcome};

/// Runs a recording of single requests and gives the differences.
pub(super) async fn run(run: &Run) -> Result<Vec<String>> {
    match run.recording.kind.as_str() {
        "requests.Client" => requests_client(run).await,
        "requests.get" => {
            let response = get(run, run.settings()?).await?;
            let result = response.check_status("GET");
            Ok(outcome::compare_error(run.recording.error.as_ref(), result.err().as_ref()))
        }
        "rest_client.get" => {
            let response = get(run, run.settings()?).await?;
            Ok(outcome::compare("result", &run.recording.result, &json!({ "status": response.status })))
        }
        _ => {
            let mut statuses = Vec::new();
            let transport = run.transport(run.settings()?)?;
            for exchange in &run.recording.exchanges {
                let request = request_as_recorded(run, &exchange.request)?;
                statuses.push(transport.send(&request).await?.status);
            }
            Ok(outcome::compare("result", &run.recording.result, &json!(statuses)))
        }
    }
}

async fn get(run: &Run, settings: HttpSettings) -> Result<Response> {
    let path = run.recording.config.get("path").and_then(Value::as_str).unwrap_or("/i");
    run.transport(settings)?.send(&Request::new("GET", join_url(&run.base_url(), path))).await
}

/// A client with settings of its own; the result is the status, or the body where a condition looks at it.
async fn requests_client(run: &Run) -> Result<Vec<String>> {
    let mut options = run.recording.config.as_object().cloned().unwrap_or_default();
    let condition = options.shift_remove("retry_condition");
    let own: HttpSettings = serde_json::from_value(options.into())
        .map_err(|cause| Error::config("a setting is not known").with_source(cause))?;
    let settings =
        HttpSettings { netrc: false, environment_proxy: false, request_backoff_jitter: 0.0, ..own };
    let mut transport = run.transport(settings)?;
    if let Some(condition) = &condition {
        if condition != "body == 'again'" {
            return Ok(vec![format!("the condition {condition} cannot be run")]);
        }
        transport = transport.with_retry_condition(Arc::new(|outcome| {
            outcome.is_ok_and(|response| response.body == b"again")
        }));
    }
    let response = transport.send(&Request::new("GET", join_url(&run.base_url(), "/i"))).await?;
    let found = match condition {
        Some(_) => json!([String::from_utf8_lossy(&response.body)]),
        None => json!([response.status]),
    };
    Ok(outcome::compare("result", &run.recording.result, &found))
}

/// A request that was made by hand, from what went over the wire.
fn request_as_recorded(run: &Run, recorded: &RecordedRequest) -> Result<Request> {
    let call = json!({ "path": recorded.path, "method": recorded.method });
    let mut request = request(&run.recording.config["client"], &call, &run.base_url())?;
    for (name, value) in recorded.raw_query.split('&').filter_map(|pair| pair.split_once('=')) {
        request.params.insert(name.to_owned(), value.into());
    }
    if let Some(body) = &recorded.raw_body {
        let body = serde_json::from_str(body);
        request.body =
            RequestBody::Json(body.map_err(|cause| Error::config("a body is not JSON").with_source(cause))?);
    }
    Ok(request)
}

/// The request of a call of a client, as the reference takes its arguments.
pub(super) fn request(client: &Value, call: &Value, base_url: &str) -> Result<Request> {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    let base_url = text(client, "base_url").unwrap_or_else(|| base_url.to_owned());
    let url = join_url(&base_url, &text(call, "path").unwrap_or_default());
    let mut request = Request::new(text(call, "method").unwrap_or_else(|| "GET".to_owned()), url);
    for headers in [client, call].iter().filter_map(|of| of.get("headers")?.as_object()) {
        for (name, value) in headers {
            match value {
                Value::Null => request.remove_header(name),
                Value::String(value) => request.set_header(name, value),
                _ => return Err(Error::config(format!("the header `{name}` is not a text"))),
            }
        }
    }
    request.params = call.get("params").and_then(Value::as_object).cloned().unwrap_or_default();
    let given = |key: &str| call.get(key).filter(|value| !value.is_null());
    request.body = match (given("json"), given("data")) {
        (Some(_), Some(_)) => return Err(Error::config("a request carries `json` or `data`, not both")),
        (Some(json), None) => RequestBody::Json(json.clone()),
        (None, Some(Value::Object(fields))) => RequestBody::Form(fields.clone()),
        (None, Some(Value::String(text))) => RequestBody::Text(text.clone()),
        (None, Some(_)) => return Err(Error::config("`data` is a form or a text")),
        (None, None) => RequestBody::Empty,
    };
    request.auth = [call, client]
        .iter()
        .find_map(|of| of.get("auth").filter(|auth| !auth.is_null()))
        .map(auth)
        .transpose()?;
    Ok(request)
}

/// The recorder's private key was another one; what it signs is not compared.
const KEY: &str = include_str!("../../rest/key_for_tests.pem");

/// The option `auth`, where the recorder names classes of the reference by `class`.
pub(super) fn auth(config: &Value) -> Result<Arc<dyn Auth>> {
    let mut config = config.clone();
    if let Some(fields) = config.as_object_mut()
        && fields.shift_remove("class").is_some_and(|class| class == "OAuthJWTAuth")
    {
        fields.insert("type".to_owned(), "oauth_jwt".into());
        fields.insert("private_key".to_owned(), KEY.into());
    }
    let config: AuthConfig = serde_json::from_value(config)
        .map_err(|cause| Error::config("this auth is not known").with_source(cause))?;
    config.build()
}
