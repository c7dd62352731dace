//! A request before it is sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{Auth, Response, url};

/// Tells whether an answer is taken as it is, so that the request is not tried again whatever its status.
pub type Settles = Arc<dyn Fn(&Response) -> bool + Send + Sync>;

/// One request. A template is cloned and changed for every page, so that pages never share state.
#[derive(Clone)]
pub struct Request {
    /// `GET`, `POST`, ... as it goes over the wire.
    pub method: String,
    /// The whole URL; may have a query of its own, which is kept byte for byte.
    pub url: String,
    /// What is added to the query, in order. Lists repeat the name, nulls are left out.
    pub params: Map<String, Value>,
    /// Names of parameters that are the caller's, as headers are: they go to no other host.
    pub own_params: Vec<String>,
    /// Headers in order; a name stands once, whatever its case.
    pub headers: IndexMap<String, String>,
    /// What is sent.
    pub body: RequestBody,
    /// Who sends it.
    pub auth: Option<Arc<dyn Auth>>,
    /// Time for one attempt, if not the client's.
    pub timeout: Option<Duration>,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// Headers of every request, such as `User-Agent`, that this one goes without.
    pub without: Vec<String>,
    /// Answers that are not tried again, though their status is one that is.
    pub settles: Option<Settles>,
    /// Scheme, host and port that credentials, headers and body are for: those of the first URL; an empty text is no
    /// host at all. A template whose URL is replaced by a link to somewhere else keeps it, and what is sent there goes
    /// without them.
    pub home: Option<String>,
}

/// What a request carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RequestBody {
    /// Nothing.
    #[default]
    Empty,
    /// JSON; sets the content type unless a header does.
    Json(Value),
    /// A form of names and values.
    Form(Map<String, Value>),
    /// Text as it is.
    Text(String),
}

impl Request {
    /// A request without parameters, headers and body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            method: method.into(),
            home: Some(url::origin(&url).unwrap_or_default()),
            url,
            params: Map::new(),
            own_params: Vec::new(),
            headers: IndexMap::new(),
            body: RequestBody::Empty,
            auth: None,
            timeout: None,
            follow_redirects: true,
            without: Vec::new(),
            settles: None,
        }
    }

    /// Binds credentials, headers and body to the host of the first of these URLs that has one, in place of the
    /// request's own, which others may have named. Where none has a host they are sent to nobody.
    pub fn bind_credentials(&mut self, urls: &[&str]) {
        self.home = Some(urls.iter().find_map(|url| url::origin(url)).unwrap_or_default());
    }

    /// Takes a header back, also one that every request has.
    pub fn remove_header(&mut self, name: &str) {
        self.headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.without.push(name.to_owned());
    }

    /// Sets a header, in place of one with this name in any case.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        let known = self.headers.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        self.headers.insert(known.unwrap_or_else(|| name.to_owned()), value.into());
    }

    /// A header by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Headers, parameters and bodies may hold secrets, so none is shown.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}
