//! The client against a server that behaves badly.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::{AuthConfig, NotedPace, RequestBody};
use super::*;

/// What the server does with a request.
#[derive(Clone, Debug)]
enum Reply {
    /// Sends this and goes on.
    Send(String),
    /// Sends this and closes the connection.
    SendAndClose(String),
    /// Sends this and then nothing more.
    SendAndHang(String),
    /// Closes the connection.
    Close,
}

fn ok(body: &str) -> Reply {
    status(200, "", body)
}

fn status(status: u16, headers: &str, body: &str) -> Reply {
    Reply::Send(format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()))
}

/// A server that answers one request after the other by these, the last of them forever.
struct Server {
    url: String,
    requests: mpsc::Receiver<String>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel(1000);
        let replies = Arc::new(Mutex::new((replies.into_iter(), Reply::Close)));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&replies), sender.clone()));
            }
        });
        Self { url, requests, task }
    }

    /// The requests so far.
    fn requests(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }

    fn at_localhost(&self) -> String {
        self.url.replace("127.0.0.1", "localhost")
    }
}

type Replies = Arc<Mutex<(std::vec::IntoIter<Reply>, Reply)>>;

async fn serve(mut stream: TcpStream, replies: Replies, requests: mpsc::Sender<String>) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |text| text.parse().unwrap());
        while buffer.len() < end + length {
            stream.read_buf(&mut buffer).await.unwrap();
        }
        let request: Vec<u8> = buffer.drain(..end + length).collect();
        requests.send(String::from_utf8(request).unwrap()).await.unwrap();
        let reply = {
            let mut replies = replies.lock().unwrap();
            if let Some(next) = replies.0.next() {
                replies.1 = next;
            }
            replies.1.clone()
        };
        match reply {
            Reply::Send(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Reply::SendAndClose(text) => return stream.write_all(text.as_bytes()).await.unwrap(),
            Reply::SendAndHang(text) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                std::future::pending::<()>().await;
            }
            Reply::Close => return,
        }
    }
}

fn settings(options: Value) -> HttpSettings {
    let mut all = json!({ "netrc": false, "environment_proxy": false, "request_backoff_jitter": 0.0 });
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn client(options: Value) -> (HttpTransport, Arc<NotedPace>) {
    let pace = Arc::new(NotedPace::default());
    let transport = HttpTransport::new(settings(options)).unwrap();
    let transport = transport.with_pace(Arc::clone(&pace) as Arc<dyn Pace>).with_gates(Arc::default());
    (transport, pace)
}

fn bearer() -> Option<Arc<dyn super::super::Auth>> {
    let config: AuthConfig = serde_json::from_value(json!({ "token": "hidden" })).unwrap();
    Some(config.build().unwrap())
}

/// Sends a GET request for `/i?key=hidden`; gives what came of it, the requests that were made, and the pauses.
async fn get(replies: Vec<Reply>, options: Value) -> (Result<Response>, Vec<String>, Vec<f64>) {
    let mut server = Server::start(replies).await;
    let (client, pace) = client(options);
    let mut request = Request::new("GET", format!("{}/i?key=hidden", server.url));
    request.auth = bearer();
    let result = client.send(&request).await;
    if let Err(error) = &result {
        assert!(!error.chain().contains("hidden"), "{error:?}");
    }
    (result, server.requests(), pace.pauses())
}

#[tokio::test]
async fn connections_that_break_are_tried_again() {
    let cut = Reply::SendAndClose("HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{\"a\":".to_owned());
    let cut_chunk = Reply::SendAndClose(
        "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n".to_owned(),
    );
    let cut_head = Reply::SendAndClose("HTTP/1.1 200 x\r\ncontent-".to_owned());
    let (result, requests, pauses) =
        get(vec![Reply::Close, cut, cut_chunk, cut_head, ok("[1]")], json!({})).await;
    assert_eq!(result.unwrap().body, b"[1]");
    assert_eq!(requests.len(), 5);
    assert_eq!(pauses, [1.0, 2.0, 4.0, 8.0]);
}

#[tokio::test]
async fn errors_name_method_and_address_without_secrets() {
    let (result, requests, _) = get(vec![Reply::Close], json!({ "request_max_attempts": 2 })).await;
    let error = result.unwrap_err();
    assert!(
        error.message().starts_with("GET http://127.0.0.1:") && error.message().contains("/i?key=***"),
        "{error}"
    );
    assert!(error.is_retryable());
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let (client, pace) = client(json!({}));
    let error = client.send(&Request::new("GET", url)).await.unwrap_err();
    assert!(error.message().contains("the server cannot be reached"), "{error}");
    assert_eq!(pace.pauses(), [1.0, 2.0, 4.0, 8.0]);
}

#[tokio::test]
async fn tls_with_a_server_that_has_none_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 x\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let (client, _) = client(json!({ "request_max_attempts": 1, "request_timeout": 5 }));
    let error = client.send(&Request::new("GET", url)).await.unwrap_err();
    assert!(error.message().contains("TLS cannot be agreed on"), "{error:?}");
    assert!(error.hint().unwrap().contains("ca_file"));
}

#[tokio::test]
async fn slow_answers_time_out() {
    let hang = |text: &str| Reply::SendAndHang(text.to_owned());
    let replies = vec![hang(""), hang("HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\n[1,"), ok("[1]")];
    let (result, requests, pauses) = get(replies, json!({ "request_timeout": 0.2 })).await;
    assert_eq!(result.unwrap().body, b"[1]");
    assert_eq!((requests.len(), pauses.len()), (3, 2));
    let (result, ..) = get(vec![hang("")], json!({ "total_timeout": 0.1, "request_max_attempts": 1 })).await;
    assert!(result.unwrap_err().message().contains("did not answer in time (0.1 s)"));
}

#[tokio::test]
async fn statuses_are_answers_and_some_are_tried_again() {
    let storm =
        vec![status(429, "retry-after: 7\r\n", ""), status(500, "", ""), status(503, "", "x"), ok("[1]")];
    let (result, _, pauses) = get(storm, json!({})).await;
    assert_eq!((result.unwrap().status, pauses), (200, vec![7.0, 2.0, 4.0]));
    let (result, requests, _) = get(vec![status(401, "", "")], json!({})).await;
    assert_eq!(requests.len(), 1);
    let error = result.unwrap().check_status("GET").unwrap_err();
    assert!(error.message().contains("401 Client Error: Unauthorized for url: http://127.0.0.1"), "{error}");
    assert!(error.message().contains("key=***") && !error.is_retryable());
    assert!(error.hint().unwrap().contains("`auth` block"));
}

#[tokio::test]
async fn what_settles_is_not_tried_again() {
    let mut server = Server::start(vec![status(500, "", "known")]).await;
    let (client, _) = client(json!({}));
    let mut request = Request::new("GET", &server.url);
    request.settles = Some(Arc::new(|response| response.status == 500 && response.body == b"known"));
    assert_eq!(client.send(&request).await.unwrap().status, 500);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn redirects_keep_or_change_the_method() {
    let cases = [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ];
    for (code, method, expected) in cases {
        let mut server =
            Server::start(vec![status(code, "location: /j?x=1\r\n", ""), status(204, "", "")]).await;
        let (client, _) = client(json!({}));
        let mut request = Request::new(method, format!("{}/i?q=1", server.url));
        request.body = RequestBody::Json(json!({ "a": 1 }));
        request.auth = bearer();
        client.send(&request).await.unwrap();
        let requests = server.requests();
        assert!(requests[1].starts_with(&format!("{expected} /j?x=1 ")), "{code} {method}: {}", requests[1]);
        assert!(requests[1].contains("authorization: Bearer hidden"));
        assert_eq!(requests[1].contains("{\"a\": 1}"), matches!(code, 307 | 308), "{code}");
    }
}

#[tokio::test]
async fn redirects_end() {
    let (result, requests, _) =
        get(vec![status(302, "location: /again\r\n", "")], json!({ "max_redirects": 3 })).await;
    let error = result.unwrap_err();
    assert!(error.message().contains("more than 3 redirects"), "{error}");
    assert_eq!(requests.len(), 4);
    for place in ["ftp://h/", "data:,x", "http://[", "http://u:hidden@/"] {
        let (result, ..) = get(vec![status(302, &format!("location: {place}\r\n"), "")], json!({})).await;
        assert!(result.unwrap_err().message().contains("not an address of the web"), "{place}");
    }
}

#[tokio::test]
async fn credentials_do_not_follow_to_another_host() {
    let mut other = Server::start(vec![status(403, "", "")]).await;
    let location = format!("location: {}/j\r\n", other.at_localhost());
    let server = Server::start(vec![status(302, &location, "")]).await;
    for allowed in [false, true] {
        let hosts = if allowed { json!(["localhost"]) } else { json!([]) };
        let (client, _) = client(json!({ "send_credentials_to": hosts }));
        // By a redirect.
        let mut request = Request::new("GET", format!("{}/i", server.url));
        request.auth = bearer();
        let response = client.send(&request).await.unwrap();
        let hint = response.check_status("GET").unwrap_err();
        assert_eq!(hint.hint().unwrap().contains("send_credentials_to"), !allowed);
        // By a link that takes the place of the template's address.
        request.url = format!("{}/next", other.at_localhost());
        request.set_header("X-Api-Key", "hidden");
        client.send(&request).await.unwrap();
        for request in other.requests() {
            assert_eq!(request.contains("hidden"), allowed, "{request}");
        }
    }
}

#[tokio::test]
async fn credentials_of_the_address_and_of_the_file_are_used() {
    let mut server = Server::start(vec![ok("[]")]).await;
    let folder = tempfile::tempdir().unwrap();
    let netrc = folder.path().join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1 login nu password np").unwrap();
    let with_user = server.url.replace("http://", "http://u%40:p@");
    let plain = |address: &str| Request::new("GET", address);
    client(json!({})).0.send(&plain(&with_user)).await.unwrap();
    let (client, _) = client(json!({}));
    let client = client.with_netrc(&netrc);
    client.send(&plain(&server.url)).await.unwrap();
    let mut signed = plain(&server.url);
    signed.auth = bearer();
    client.send(&signed).await.unwrap();
    let found: Vec<bool> = server
        .requests()
        .iter()
        .zip(["Basic dUA6cA==", "Basic bnU6bnA=", "Bearer hidden"])
        .map(|(request, expected)| request.contains(&format!("authorization: {expected}\r\n")))
        .collect();
    assert_eq!(found, [true; 3]);
}

#[tokio::test]
async fn budgets_end_reading() {
    let mut server = Server::start(vec![ok("[]")]).await;
    let (few, _) = client(json!({ "max_requests": 2 }));
    let request = Request::new("GET", &server.url);
    few.send(&request).await.unwrap();
    few.send(&request).await.unwrap();
    let error = few.send(&request).await.unwrap_err();
    assert!(error.is_budget_spent() && error.message().contains("max_requests"), "{error}");
    assert_eq!((server.requests().len(), few.requests_sent()), (2, 2));
    // A pause that ends after the time is over is not begun.
    let (result, requests, pauses) =
        get(vec![status(429, "retry-after: 60\r\n", "")], json!({ "max_seconds": 30.0 })).await;
    let error = result.unwrap_err();
    assert!(error.is_budget_spent() && error.message().contains("max_seconds"), "{error}");
    assert_eq!((requests.len(), pauses.len()), (1, 0));
}

#[tokio::test]
async fn a_count_that_is_used_up_is_waited_for() {
    let reply = status(200, "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 30\r\n", "[]");
    let server = Server::start(vec![reply, ok("[]")]).await;
    let (client, pace) = client(json!({}));
    let request = Request::new("GET", &server.url);
    client.send(&request).await.unwrap();
    client.send(&request).await.unwrap();
    let pauses = pace.pauses();
    assert!(matches!(pauses[..], [pause] if (29.0..=30.0).contains(&pause)), "{pauses:?}");
}

#[tokio::test]
async fn a_refusal_of_a_host_that_counts_is_waited_out() {
    let refused = status(403, "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 30\r\n", "");
    let (result, _, pauses) = get(vec![refused, ok("[1]")], json!({})).await;
    assert_eq!(result.unwrap().status, 200);
    assert!(pauses.len() == 2 && pauses.iter().sum::<f64>() > 29.0, "{pauses:?}");
}

#[tokio::test]
async fn cookies_come_back() {
    let mut server = Server::start(vec![status(200, "set-cookie: sid=1; Path=/\r\n", "[]"), ok("[]")]).await;
    let (client, _) = client(json!({}));
    let request = Request::new("GET", &server.url);
    client.send(&request).await.unwrap();
    client.send(&request).await.unwrap();
    let requests = server.requests();
    assert!(!requests[0].contains("cookie:") && requests[1].contains("cookie: sid=1\r\n"));
}

#[tokio::test]
async fn large_bodies_go_to_a_file() {
    let body = format!("[{}]", "1,".repeat(50_000) + "1");
    let (result, ..) = get(vec![ok(&body)], json!({ "max_body_memory": 1000 })).await;
    let response = result.unwrap();
    assert!(response.body.is_empty() && response.json().is_none());
    assert_eq!(response.spooled.as_ref().unwrap().bytes(), body.len() as u64);
    assert_eq!(response.read_body().unwrap(), body.as_bytes());
    assert_eq!(response.excerpt(4), "[1,1");
}

#[tokio::test]
async fn errors_show_the_body_on_request() {
    let (result, ..) = get(vec![status(400, "", "0123456789ABCDEF")], json!({})).await;
    assert!(!result.unwrap().failure("GET").message().contains("0123"));
    let shown = json!({ "http_show_error_body": true, "http_max_error_body_length": 10 });
    let (result, ..) = get(vec![status(400, "", "0123456789ABCDEF")], shown).await;
    let text = result.unwrap().failure("GET").message().to_owned();
    assert!(text.ends_with("\nResponse: 0123456789… (truncated)"), "{text}");
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once_on_request() {
    let token = ok(r#"{"access_token": "t"}"#);
    for (refreshes, expected) in [(false, 2), (true, 4)] {
        let mut server =
            Server::start(vec![token.clone(), status(401, "", ""), token.clone(), ok("[]")]).await;
        let (client, _) = client(json!({}));
        let config: AuthConfig = serde_json::from_value(json!({
            "type": "oauth2_client_credentials", "access_token_url": format!("{}/token", server.url), "client_id": "c",
            "client_secret": "s", "refresh_on_unauthorized": refreshes,
        }))
        .unwrap();
        let mut request = Request::new("GET", &server.url);
        request.auth = Some(config.build().unwrap());
        let status = client.send(&request).await.unwrap().status;
        assert_eq!((server.requests().len(), status), (expected, if refreshes { 200 } else { 401 }));
    }
}

#[tokio::test]
async fn requests_at_once_are_limited_over_all_clients() {
    let server = Server::start(vec![status(200, "", "[]")]).await;
    let gates = Arc::new(HostGates::default());
    let clients: Vec<Arc<HttpTransport>> = (0..2)
        .map(|_| {
            Arc::new(
                HttpTransport::new(settings(json!({ "max_connections": 3 })))
                    .unwrap()
                    .with_gates(Arc::clone(&gates)),
            )
        })
        .collect();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..40 {
        let client = Arc::clone(&clients[index % 2]);
        let request = Request::new("GET", &server.url);
        tasks.spawn(async move { client.send(&request).await.unwrap().status });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses, [200; 40]);
    assert!((1..=3).contains(&gates.most_at_once()));
}

#[tokio::test]
async fn headers_that_cannot_be_sent_are_refused_unseen() {
    let (client, _) = client(json!({}));
    let mut request = Request::new("GET", "http://127.0.0.1:1/");
    request.set_header("X-A", "hidden\nhidden");
    let error = client.send(&request).await.unwrap_err();
    assert!(error.message().contains("`X-A`") && !error.chain().contains("hidden"), "{error}");
    let error = client.send(&Request::new("G T", "http://127.0.0.1:1/")).await.unwrap_err();
    assert_eq!(error.kind(), windlass_core::ErrorKind::Config);
}
