//! Chains of pages over a transport that is scripted.

mod cassettes;
mod chains;
mod fuzzing;
mod large;
mod resume;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use windlass_core::{Error, Result};

use super::RestClient;
use super::http::{Request, RequestBody, Response, Transport, python_text};
use super::pages::Pages;
use super::paginate::PaginatorConfig;

type Script = Box<dyn Fn(&Request) -> Response + Send + Sync>;

/// Answers by a function of the request, and remembers the requests.
pub(super) struct Fake {
    script: Script,
    seen: Mutex<Vec<Request>>,
    is_shuffled: bool,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    fn new(script: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), seen: Mutex::default(), is_shuffled: false })
    }

    /// Gives the answers to requests that are sent at once in another order.
    fn shuffled(script: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), seen: Mutex::default(), is_shuffled: true })
    }

    /// Gives the answers one after the other.
    fn in_order(answers: Vec<Response>) -> Arc<Self> {
        let answers = Mutex::new(VecDeque::from(answers));
        Self::new(move |request| {
            let next = answers.lock().unwrap().pop_front();
            next.unwrap_or_else(|| Response::new(599, request.url.as_str(), Vec::new(), Vec::new()))
        })
    }

    /// What was asked: the URL with its parameters, not encoded.
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(address).collect()
    }
}

#[async_trait]
impl Transport for Fake {
    async fn send(&self, request: &Request) -> Result<Response> {
        if self.is_shuffled {
            // Answers to requests that are on their way at once come in another order.
            for _ in 0..address(request).bytes().map(u32::from).sum::<u32>() * 7 % 5 {
                tokio::task::yield_now().await;
            }
        }
        self.seen.lock().unwrap().push(request.clone());
        if !request.url.starts_with("http://") {
            return Err(Error::config("not an address of the web"));
        }
        Ok((self.script)(request))
    }
}

fn query(request: &Request) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let own = request.url.split_once('?').map_or("", |(_, query)| query);
    for pair in own.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((name.to_owned(), value.to_owned()));
    }
    for (name, value) in &request.params {
        let values = match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(python_text).collect(),
            Value::Object(members) => members.keys().cloned().collect(),
            value => vec![python_text(value)],
        };
        pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
    }
    pairs
}

fn address(request: &Request) -> String {
    let path = request.url.strip_prefix("http://h").unwrap_or(&request.url);
    let path = path.split('?').next().unwrap_or_default();
    let pairs: Vec<String> =
        query(request).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = match &request.body {
        RequestBody::Json(body) => format!(" {body}"),
        _ => String::new(),
    };
    format!("{path}?{}{body}", pairs.join("&"))
}

fn answer(body: &str) -> Response {
    Response::new(200, "http://h/i", Vec::new(), body.as_bytes().to_vec())
}

fn config(value: Value) -> PaginatorConfig {
    PaginatorConfig::parse(value).unwrap()
}

fn client(fake: &Arc<Fake>, base: &str) -> RestClient {
    RestClient::over(base, Arc::clone(fake) as Arc<dyn Transport>)
}

async fn all(pages: &mut Pages) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    while let Some(page) = pages.next().await? {
        let values = page.values()?;
        assert_eq!(page.records, values.len() as u64);
        found.extend(values);
    }
    Ok(found)
}
