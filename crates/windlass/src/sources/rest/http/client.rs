//! The transport over the network: retries, limits, redirects, cookies, and credentials that stay where they belong.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url, redirect};
use windlass_core::masking::{self, is_secret_name};
use windlass_core::{Error, Result};

use super::body::BodyReader;
use super::cookies::CookieJar;
use super::failure::Failure;
use super::gate::{GateLimits, HostGates, Permit};
use super::netrc::Netrc;
use super::pace::{Pace, RealPace};
use super::retry::RetryPolicy;
use crate::config::Secret;

use super::{HttpSettings, Request, Response, Transport, encode, tls, url};

/// Tells of an answer or of an error without answer whether the request is tried again.
pub type RetryCondition = Arc<dyn Fn(std::result::Result<&Response, &str>) -> bool + Send + Sync>;

/// Carries requests over the network. Cookies, budgets and connections are those of one client; limits of a host are
/// shared by all clients of the process.
pub struct HttpTransport {
    client: Client,
    settings: HttpSettings,
    policy: RetryPolicy,
    condition: Option<RetryCondition>,
    gates: Arc<HostGates>,
    pace: Arc<dyn Pace>,
    cookies: Mutex<CookieJar>,
    netrc: Netrc,
    sent: AtomicU64,
    begun: OnceLock<i64>,
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

impl HttpTransport {
    /// A client. Errors: settings that make no sense, certificates that cannot be read.
    pub fn new(settings: HttpSettings) -> Result<Self> {
        settings.validate()?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls::config(settings.ca_file.as_deref())?)
            .connect_timeout(seconds(settings.request_timeout))
            .pool_max_idle_per_host(settings.max_connections)
            .redirect(redirect::Policy::none());
        if !settings.environment_proxy {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|cause| Error::config("HTTP cannot be set up").with_source(cause.without_url()))?;
        Ok(Self {
            client,
            policy: settings.retry_policy(),
            condition: None,
            gates: HostGates::shared(),
            pace: Arc::new(RealPace),
            cookies: Mutex::default(),
            netrc: if settings.netrc { Netrc::of_user() } else { Netrc::default() },
            sent: AtomicU64::new(0),
            begun: OnceLock::new(),
            settings,
        })
    }

    /// Another pace than the machine's.
    #[must_use]
    pub fn with_pace(mut self, pace: Arc<dyn Pace>) -> Self {
        self.pace = pace;
        self
    }

    /// Other gates than those of the process.
    #[must_use]
    pub fn with_gates(mut self, gates: Arc<HostGates>) -> Self {
        self.gates = gates;
        self
    }

    /// Credentials of this file, in the form of `.netrc`, in place of the user's.
    #[must_use]
    pub fn with_netrc(mut self, path: &Path) -> Self {
        self.netrc = Netrc::read(path);
        self
    }

    /// Tries requests again where this is true, beside those that are by their status.
    #[must_use]
    pub fn with_retry_condition(mut self, condition: RetryCondition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Requests that were sent so far, attempts and redirects included.
    pub fn requests_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// When the budget of time is spent, in microseconds since the epoch.
    fn deadline(&self) -> Option<i64> {
        let begun = *self.begun.get_or_init(|| self.pace.now());
        Some(begun.saturating_add((self.settings.max_seconds? * 1e6) as i64))
    }

    /// Counts a request. Errors: the budget is spent.
    fn spend(&self) -> Result<()> {
        let sent = self.sent.fetch_add(1, Ordering::Relaxed);
        if let Some(most) = self.settings.max_requests.filter(|most| sent >= *most) {
            self.sent.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::budget_spent(format!("the {most} requests of `max_requests` are made")));
        }
        if self.deadline().is_some_and(|deadline| self.pace.now() >= deadline) {
            self.sent.fetch_sub(1, Ordering::Relaxed);
            return Err(self.time_spent());
        }
        Ok(())
    }

    fn time_spent(&self) -> Error {
        let seconds = self.settings.max_seconds.unwrap_or_default();
        Error::budget_spent(format!("the {seconds} seconds of `max_seconds` are over"))
    }

    /// Makes of a request what goes over the wire.
    async fn prepare(&self, request: &Request) -> Result<Prepared> {
        let mut request = request.clone();
        learn_from(&request);
        let listed = &self.settings.send_credentials_to;
        let (mut address, withheld) =
            url::route(&request.url, &request.params, request.home.as_deref(), listed)?;
        let there = url::origin_of(&address);
        if let Some(place) = &withheld {
            request.headers.clear();
            request.params.retain(|name, _| !request.own_params.contains(name));
            address = url::with_parameters(&request.url, &request.params)?;
            if encode::body(&request.body).is_some() {
                let to = url::masked(address.as_str());
                return Err(body_withheld(&request.method, &to, place));
            }
        } else if let Some(auth) = request.auth.clone() {
            auth.sign(&mut request, self).await?;
            address = url::with_parameters(&request.url, &request.params)?;
            if url::origin_of(&address) != there {
                return Err(Error::config("what signs the request changes the host that it goes to"));
            }
        }
        // A link that another host is named in brings no credentials of its own either.
        let from_url = take_userinfo(&mut address).filter(|_| withheld.is_none());
        if request.auth.is_none()
            && let Some(basic) = self.basic_of(&address, withheld.is_none()).or(from_url)
        {
            request.set_header("Authorization", basic);
        }
        let (body, content_type) = match encode::body(&request.body) {
            Some((body, content_type)) => (Some(body), content_type),
            None => (None, None),
        };
        if let Some(content_type) = content_type.filter(|_| request.header("Content-Type").is_none()) {
            request.set_header("Content-Type", content_type);
        }
        let method = request.method.to_ascii_uppercase();
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|cause| Error::config(format!("`{method}` is no method of HTTP")).with_source(cause))?;
        let defaults = self.default_headers(&request);
        let mut headers = defaults.clone();
        add_headers(&mut headers, &request.headers)?;
        let timeout = request.timeout.unwrap_or_else(|| seconds(self.settings.request_timeout));
        let secrets = request.auth.as_ref().map(|auth| auth.secrets()).unwrap_or_default();
        Ok(Prepared { method, url: address, headers, defaults, body, withheld, secrets, timeout })
    }

    fn default_headers(&self, request: &Request) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let user_agent = HeaderValue::from_str(&self.settings.user_agent).ok();
        let defaults = [
            ("user-agent", user_agent),
            ("accept", Some(HeaderValue::from_static("*/*"))),
            ("accept-encoding", Some(HeaderValue::from_static("gzip, deflate, zstd"))),
        ];
        for (name, value) in defaults {
            let is_wanted = !request.without.iter().any(|other| other.eq_ignore_ascii_case(name));
            if let Some(value) = value.filter(|_| is_wanted) {
                headers.insert(name, value);
            }
        }
        headers
    }

    /// What the user's file of credentials has for a host; its entry for all hosts is for those that the user named.
    fn basic_of(&self, address: &Url, is_named: bool) -> Option<String> {
        let (user, password) = self.netrc.find(address.host_str()?, is_named)?;
        Some(basic(user, password.expose()))
    }

    /// Sends a request as often as it takes, without following redirects.
    async fn send_hop(&self, hop: &Prepared, request: &Request) -> Result<Response> {
        let gate = self.gates.of(&url::origin_of(&hop.url));
        let limits = GateLimits {
            most: self.settings.max_connections,
            deadline: self.deadline(),
            longest_wait: (self.settings.rate_limit_max_wait * 1e6) as i64,
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let permit = gate.enter(&*self.pace, &limits).await.ok_or_else(|| self.time_spent())?;
            self.spend()?;
            let begun = self.pace.now();
            let outcome = self.attempt(hop, &permit).await;
            tracing::info!(
                method = hop.method.as_str(),
                url = hop.shown(),
                status = outcome.as_ref().ok().map(|response| response.status),
                failure = outcome.as_ref().err().map(ToString::to_string),
                milliseconds = (self.pace.now() - begun) / 1000,
                "request"
            );
            if let (Ok(response), Some(settles)) = (&outcome, &request.settles)
                && settles(response)
            {
                return outcome.map_err(|_| Error::internal("an answer is none"));
            }
            let may_pass = match &outcome {
                // Some hosts refuse by 403 what they would grant when their count begins anew.
                Ok(response) => {
                    self.policy.retries(response.status) || response.status == 403 && gate.is_used_up()
                }
                Err(failure) => failure.may_pass(),
            };
            let is_asked = || {
                self.condition.as_ref().is_some_and(|condition| match &outcome {
                    Ok(response) => condition(Ok(response)),
                    Err(failure) => condition(Err(&failure.to_string())),
                })
            };
            let retry_after = outcome.as_ref().ok().and_then(|response| response.header("Retry-After"));
            let now = self.pace.now();
            let pause = if may_pass || is_asked() {
                self.policy.pause(attempt, retry_after, now, self.pace.chance())
            } else {
                None
            };
            let Some(pause) = pause else {
                return outcome.map_err(|failure| failure.into_error(hop.method.as_str(), &hop.shown()));
            };
            let until = now.saturating_add(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX));
            if limits.deadline.is_some_and(|deadline| until >= deadline) {
                return Err(self.time_spent());
            }
            let status = outcome.as_ref().ok().map(|response| response.status);
            if matches!(status, Some(429 | 503)) && retry_after.is_some() {
                permit.hold(until);
            }
            tracing::warn!(
                url = hop.shown(),
                status,
                failure = outcome.as_ref().err().map(ToString::to_string),
                attempt,
                pause = pause.as_secs_f64(),
                "request is tried again"
            );
            // Others may use the place meanwhile.
            drop(permit);
            self.pace.pause(pause).await;
        }
    }

    /// Sends a request once and reads the whole answer.
    async fn attempt(&self, hop: &Prepared, permit: &Permit) -> std::result::Result<Response, Failure> {
        let mut request = reqwest::Request::new(hop.method.clone(), hop.url.clone());
        request.headers_mut().clone_from(&hop.headers);
        let now = self.pace.now();
        let own = hop.headers.get("cookie").and_then(|cookies| cookies.to_str().ok());
        let kept = self.jar().header(&hop.url, now);
        let cookies: Vec<&str> = own.into_iter().chain(kept.as_deref()).collect();
        if !cookies.is_empty()
            && let Ok(cookies) = HeaderValue::from_str(&cookies.join("; "))
        {
            request.headers_mut().insert("cookie", cookies);
        }
        if let Some(body) = &hop.body {
            *request.body_mut() = Some(body.clone().into());
        }
        match self.settings.total_timeout {
            None => self.exchange(request, hop, permit).await,
            Some(total) => tokio::time::timeout(seconds(total), self.exchange(request, hop, permit))
                .await
                .unwrap_or(Err(Failure::Timeout { seconds: total })),
        }
    }

    async fn exchange(
        &self,
        request: reqwest::Request,
        hop: &Prepared,
        permit: &Permit,
    ) -> std::result::Result<Response, Failure> {
        let late = |_| Failure::Timeout { seconds: hop.timeout.as_secs_f64() };
        let answer = tokio::time::timeout(hop.timeout, self.client.execute(request)).await.map_err(late)?;
        let mut answer = answer.map_err(Failure::of)?;
        let headers_at = self.pace.now();
        self.jar().keep(&hop.url, answer.headers(), headers_at);
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let mut response = Response::new(answer.status().as_u16(), hop.named(), headers, Vec::new());
        permit.answered(&response, headers_at);
        let mut body = BodyReader::new(
            response.header("Content-Encoding"),
            answer.content_length(),
            self.settings.max_body_memory,
        )?;
        while let Some(piece) =
            tokio::time::timeout(hop.timeout, answer.chunk()).await.map_err(late)?.map_err(Failure::of)?
        {
            body.take(&piece)?;
        }
        (response.body, response.spooled) = body.finish()?;
        response.shown_body =
            self.settings.http_show_error_body.then_some(self.settings.http_max_error_body_length);
        response.withheld_from.clone_from(&hop.withheld);
        Ok(response)
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, CookieJar> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request that a redirect asks for. Errors: it leads nowhere.
    fn redirected(&self, mut hop: Prepared, status: u16, location: &str) -> Result<Prepared> {
        let nowhere = || {
            let from = hop.shown();
            Error::source_failed(format!(
                "{} {from}: redirects to what is not an address of the web",
                hop.method
            ))
            .with_hint("the server or something before it is wrong: check `base_url` and `path`")
        };
        let to = hop.url.join(location).map_err(|cause| nowhere().with_source(cause))?;
        if !matches!(to.scheme(), "http" | "https") || !to.has_host() {
            return Err(nowhere());
        }
        let becomes_get = match status {
            301 => hop.method == Method::POST,
            302 | 303 => hop.method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            hop.method = Method::GET;
        }
        if !matches!(status, 307 | 308) {
            hop.body = None;
            for name in ["content-type", "content-length", "transfer-encoding"] {
                hop.headers.remove(name);
            }
        }
        let from = url::origin_of(&hop.url);
        let listed = &self.settings.send_credentials_to;
        if let Some(place) = url::foreign_place(&from, &url::origin_of(&to), listed) {
            if hop.body.is_some() {
                return Err(body_withheld(
                    hop.method.as_str(),
                    &url::masked_with(to.as_str(), &hop.secrets),
                    &place,
                ));
            }
            hop.headers.clone_from(&hop.defaults);
            hop.withheld = Some(place);
        }
        hop.url = to;
        hop.url.set_fragment(None);
        // A server names no credentials, neither for itself nor for others.
        take_userinfo(&mut hop.url);
        Ok(hop)
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: &Request) -> Result<Response> {
        let response = self.follow(request).await?;
        // A token may be refused before its time; one more is tried, once.
        let is_refused = response.status == 401 && response.withheld_from.is_none();
        if is_refused && request.auth.as_ref().is_some_and(|auth| auth.refresh()) {
            return self.follow(request).await;
        }
        Ok(response)
    }
}

impl HttpTransport {
    /// Sends a request and what redirects make of it.
    async fn follow(&self, request: &Request) -> Result<Response> {
        let mut hop = self.prepare(request).await?;
        let method = hop.method.clone();
        let first = hop.shown();
        for _ in 0..=self.settings.max_redirects {
            let response = self.send_hop(&hop, request).await?;
            let location = match response.status {
                301 | 302 | 303 | 307 | 308 if request.follow_redirects => response.header("Location"),
                _ => None,
            };
            let Some(location) = location.map(str::to_owned) else { return Ok(response) };
            hop = self.redirected(hop, response.status, &location)?;
        }
        Err(Error::source_failed(format!(
            "{method} {}: more than {} redirects, the last to {}",
            first,
            self.settings.max_redirects,
            hop.shown()
        ))
        .with_hint("the redirects go in a circle: some servers do so when credentials are missing"))
    }
}

/// What goes over the wire.
struct Prepared {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    /// Headers that are the client's own, which any host may see.
    defaults: HeaderMap,
    /// The host that gets neither credentials nor headers.
    withheld: Option<String>,
    /// What is not shown of the address.
    secrets: Vec<Secret>,
    timeout: Duration,
}

impl Prepared {
    /// The address without secrets.
    fn shown(&self) -> String {
        url::masked_with(self.url.as_str(), &self.secrets)
    }

    /// The address as answers name it: what tells one from another stays.
    fn named(&self) -> String {
        url::recorded_with(self.url.as_str(), &self.secrets)
    }
}

fn add_headers(headers: &mut HeaderMap, added: &IndexMap<String, String>) -> Result<()> {
    for (name, value) in added {
        // The value may be a secret, so it is not shown.
        let wrong = || Error::config(format!("the header `{name}` has characters that headers cannot have"));
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?;
        headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
    }
    Ok(())
}

/// The error for a body that a link or redirect leads to another host.
fn body_withheld(method: &str, to: &str, place: &str) -> Error {
    Error::source_failed(format!(
        "{method} {to}: a link or redirect leads to another host, which does not get the body of the request"
    ))
    .with_hint(format!(
        "bodies, headers and credentials stay with the host that they are for: `send_credentials_to: [{place}]` lets them go there"
    ))
}

/// User and password of an address as a header; the address goes without them.
fn take_userinfo(address: &mut Url) -> Option<String> {
    if address.username().is_empty() && address.password().is_none() {
        return None;
    }
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let header = basic(&plain(address.username()), &plain(address.password().unwrap_or_default()));
    // They fail for addresses without host only.
    let _ = address.set_username("");
    let _ = address.set_password(None);
    Some(header)
}

/// Remembers what is secret in a request by its name, so that it is printed nowhere, whoever repeats it.
fn learn_from(request: &Request) {
    for (name, value) in request.headers.iter().filter(|(name, _)| {
        let lower = name.to_ascii_lowercase();
        is_secret_name(name) || lower.contains("auth") || lower.contains("cookie")
    }) {
        masking::learn(value);
        // A token without its scheme, a cookie without its name.
        for part in value.split([' ', ';']) {
            masking::learn(
                part.split_once('=').map_or(part, |(_, value)| {
                    if name.eq_ignore_ascii_case("cookie") { value } else { part }
                }),
            );
        }
    }
    for (_, value) in request.params.iter().filter(|(name, _)| is_secret_name(name)) {
        masking::learn(&encode::python_text(value));
    }
    masking::learn_address(&request.url);
}

/// The header of user and password.
pub(super) fn basic(user: &str, password: &str) -> String {
    masking::learn(password);
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod astray;
#[cfg(test)]
mod tests;
