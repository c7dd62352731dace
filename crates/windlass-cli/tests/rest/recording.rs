//! What a server answered once, from the recordings of the examples.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::weather::{Answer, Asked};

/// Answers by what is asked.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Recording {
    exchanges: Vec<Exchange>,
}

#[derive(Debug, Deserialize)]
struct Exchange {
    request: Request,
    response: Response,
}

#[derive(Debug, Deserialize)]
struct Request {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    json: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
    headers: Map<String, Value>,
    body: Value,
}

impl Recording {
    pub(crate) fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("exchanges.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn len(&self) -> usize {
        self.exchanges.len()
    }

    /// The requests, in order, as [`Asked::line`] has them.
    pub(crate) fn lines(&self) -> Vec<String> {
        let asked = self.exchanges.iter().map(|exchange| Asked {
            method: exchange.request.method.clone(),
            path: exchange.request.path.clone(),
            query: exchange.request.sorted_query(),
            headers: BTreeMap::new(),
            body: exchange
                .request
                .json
                .as_ref()
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
            number: 0,
            again: 0,
            at: Instant::now(),
        });
        asked.map(|asked| asked.line()).collect()
    }

    /// The answer to a request. Links to `host` lead to `url`.
    pub(crate) fn answer(&self, asked: &Asked, host: &str, url: &str) -> Answer {
        match self.exchanges.iter().find(|exchange| exchange.request.is(asked)) {
            Some(exchange) => exchange.response.answer(host, url),
            None => Answer::text(410, &format!("{} was not recorded", asked.line())),
        }
    }

    /// The first answer.
    pub(crate) fn first(&self, host: &str, url: &str) -> Answer {
        self.exchanges[0].response.answer(host, url)
    }
}

impl Response {
    fn answer(&self, host: &str, url: &str) -> Answer {
        let moved = |text: &str| text.replace(host, url);
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), moved(value.as_str().unwrap())));
        Answer {
            status: self.status,
            headers: headers.collect(),
            body: moved(&self.body.to_string()).into_bytes(),
        }
    }
}

impl Request {
    fn sorted_query(&self) -> Vec<(String, String)> {
        let mut query = self.query.clone();
        query.sort();
        query
    }

    fn is(&self, asked: &Asked) -> bool {
        let body = serde_json::from_slice::<Value>(&asked.body).ok();
        self.method == asked.method
            && self.path == asked.path
            && self.sorted_query() == asked.query
            && self.json == body
    }
}
