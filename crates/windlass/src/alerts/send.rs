//! Sending a message by HTTP.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url, redirect};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use windlass_core::{Code, Error, Result, masking};

use crate::config::Secret;

/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pauses before the second and the third attempt.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// Errors: a text that is no URL of the web; the text is not shown.
pub(super) fn check(key: &str, url: &Secret) -> Result<()> {
    match Url::parse(url.expose()) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            // The path is what lets anybody send.
            masking::learn(parsed.path());
            Ok(())
        }
        _ => Err(Error::of(Code::InvalidAddress, format!("`{key}`: must be a URL of the web"))
            .with_hint("it begins with https:// and is what the receiver calls its incoming webhook")),
    }
}

/// Sends a JSON object; tries thrice. Errors: nobody took it; the URL is not shown.
pub(super) async fn send(url: &Secret, body: &Value) -> Result<()> {
    deliver(url, body, TIMEOUT, &PAUSES).await
}

async fn deliver(url: &Secret, body: &Value, timeout: Duration, pauses: &[Duration]) -> Result<()> {
    let client = client(timeout)?;
    let body = body.to_string();
    let mut pauses = pauses.iter();
    loop {
        let error = match attempt(&client, url, &body).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match pauses.next() {
            Some(pause) if error.is_retryable() => tokio::time::sleep(*pause).await,
            _ => return Err(error),
        }
    }
}

async fn attempt(client: &Client, url: &Secret, body: &str) -> Result<()> {
    let request = client
        .post(url.expose())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(body.to_owned());
    let response = request.send().await.map_err(|cause| {
        let what = if cause.is_timeout() {
            "the receiver did not answer in time"
        } else {
            "the receiver cannot be reached"
        };
        // The URL is a secret, and an error of the client names it.
        Error::destination(what).with_source(cause.without_url()).retryable()
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let error = Error::of(Code::AlertFailed, format!("the receiver answered {status}"));
    let may_pass = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    Err(if may_pass { error.retryable() } else { error })
}

fn client(timeout: Duration) -> Result<Client> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::config("TLS cannot be set up").with_source(cause))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(timeout)
        // What a redirect leads to would get the request without its body.
        .redirect(redirect::Policy::none())
        .build()
        .map_err(|cause| Error::config("HTTP cannot be set up").with_source(cause.without_url()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request after the other with these statuses, the last of them forever; gives the bodies.
    async fn serve(listener: TcpListener, statuses: Vec<u16>, bodies: tokio::sync::mpsc::Sender<Value>) {
        let mut statuses = statuses.into_iter();
        let mut status = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            status = statuses.next().unwrap_or(status);
            let mut request = Vec::new();
            let body = loop {
                stream.read_buf(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length")
                        .then(|| value.trim().parse::<usize>().unwrap())
                });
                if body.len() >= length.unwrap() {
                    break body.to_owned();
                }
            };
            bodies.send(serde_json::from_str(&body).unwrap()).await.unwrap();
            if status == 0 {
                // A receiver that never answers.
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    drop(stream);
                });
                continue;
            }
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    /// Delivers to a receiver that answers so; gives what came of it, and how often it was asked.
    async fn deliver_to(statuses: &[u16]) -> (Result<()>, Vec<Value>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hidden", listener.local_addr().unwrap());
        let (sender, mut inbox) = tokio::sync::mpsc::channel(16);
        let server = tokio::spawn(serve(listener, statuses.to_vec(), sender));
        let pauses = [Duration::from_millis(1); 2];
        let (url, body) = (Secret::from(url.as_str()), json!({ "text": "é" }));
        let result = deliver(&url, &body, Duration::from_millis(300), &pauses).await;
        server.abort();
        let mut bodies = Vec::new();
        while let Ok(body) = inbox.try_recv() {
            bodies.push(body);
        }
        (result, bodies)
    }

    #[tokio::test]
    async fn a_message_is_sent_once() {
        let (result, bodies) = deliver_to(&[204]).await;
        assert!(result.is_ok());
        assert_eq!(bodies, [json!({ "text": "é" })]);
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again() {
        let (result, bodies) = deliver_to(&[503, 429, 200]).await;
        assert!(result.is_ok());
        assert_eq!(bodies.len(), 3);
    }

    #[tokio::test]
    async fn three_attempts_are_enough() {
        for statuses in [[500], [0]] {
            let (result, bodies) = deliver_to(&statuses).await;
            let error = result.unwrap_err().chain();
            assert!(error.contains("the receiver"), "{error}");
            assert!(!error.contains("hidden"), "{error}");
            assert_eq!(bodies.len(), 3, "{statuses:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        for status in [404, 302] {
            let (result, bodies) = deliver_to(&[status]).await;
            assert!(result.unwrap_err().chain().contains(&status.to_string()));
            assert_eq!(bodies.len(), 1);
        }
    }

    #[tokio::test]
    async fn a_receiver_that_is_gone_is_named_without_its_url() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hidden", listener.local_addr().unwrap());
        drop(listener);
        let pauses = [Duration::from_millis(1)];
        let error =
            deliver(&Secret::from(url.as_str()), &json!({}), TIMEOUT, &pauses).await.unwrap_err().chain();
        assert!(error.contains("cannot be reached") && !error.contains("hidden"), "{error}");
    }

    #[test]
    fn only_urls_of_the_web_are_webhooks() {
        assert!(check("k", &Secret::from("https://hooks.slack.com/services/x")).is_ok());
        for text in ["", "hunter2", "file:///etc/passwd", "ftp://x/y", "https://"] {
            let error = check("on_failure.webhook", &Secret::from(text)).unwrap_err().to_string();
            assert!(error.contains("on_failure.webhook") && !error.contains("hunter2"), "{error}");
        }
    }
}
