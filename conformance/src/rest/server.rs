//! A server on the loopback that answers as it is scripted and notes what it is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use windlass::core::{Error, Result};

use super::recording::{Exchange, RecordedRequest, RecordedResponse};

/// A server; it ends when it is dropped.
pub(super) struct ScriptedServer {
    port: u16,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Script {
    exchanges: Vec<Exchange>,
    is_served: Vec<bool>,
    asked: Vec<RecordedRequest>,
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ScriptedServer {
    /// A server without script. Errors: there is no port.
    pub(super) async fn start() -> Result<Self> {
        let wrong =
            |cause: std::io::Error| Error::internal("there is no port for a server").with_source(cause);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(wrong)?;
        let port = listener.local_addr().map_err(wrong)?.port();
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A connection that breaks off is the client's business.
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        });
        Ok(Self { port, script, task })
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Sets what is answered from now on.
    pub(super) fn script(&self, exchanges: Vec<Exchange>) {
        let mut script = lock(&self.script);
        script.is_served = vec![false; exchanges.len()];
        script.exchanges = exchanges;
    }

    /// What was asked since the last call.
    pub(super) fn take_asked(&self) -> Vec<RecordedRequest> {
        std::mem::take(&mut lock(&self.script).asked)
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Script {
    /// The answer to a request: of the first exchange left that has the same request, else of one to the same place, so
    /// that the run goes on and the difference is shown.
    fn answer(&mut self, request: &RecordedRequest) -> Option<RecordedResponse> {
        let left = |index: &usize| !self.is_served[*index];
        let same = |index: &usize| super::requests::is_same(&self.exchanges[*index].request, request);
        let similar = |index: &usize| {
            let recorded = &self.exchanges[*index].request;
            (&recorded.method, &recorded.path) == (&request.method, &request.path)
        };
        let indexes = || (0..self.exchanges.len()).filter(left);
        let found = indexes().find(same).or_else(|| indexes().find(similar))?;
        self.is_served[found] = true;
        Some(self.exchanges[found].response.clone())
    }
}

async fn converse(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let response = {
            let mut script = lock(&script);
            let response = script.answer(&request);
            script.asked.push(request.clone());
            response
        };
        let response = response.unwrap_or_else(|| RecordedResponse {
            status: Some(404),
            headers: BTreeMap::new(),
            body: "this request was not recorded".into(),
        });
        let Some(status) = response.status else { return };
        if write_response(&mut stream, &request.method, status, &response).await.is_none() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<RecordedRequest> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body: Vec<u8> = buffer.drain(..length).collect();
    let raw_body = (length > 0).then(|| String::from_utf8_lossy(&body).into_owned());
    Some(RecordedRequest {
        method,
        path: path.to_owned(),
        raw_query: raw_query.to_owned(),
        headers,
        raw_body,
    })
}

async fn write_response(
    stream: &mut TcpStream,
    method: &str,
    status: u16,
    response: &RecordedResponse,
) -> Option<()> {
    let mut body = response.bytes();
    let mut head = format!("HTTP/1.1 {status} x\r\n");
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if status != 204 {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    if method == "HEAD" || status == 204 {
        body.clear();
    }
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()?;
    stream.flush().await.ok()
}
