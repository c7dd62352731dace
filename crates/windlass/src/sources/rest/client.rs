//! A client of one API, for programs: addresses below a base, and the pages behind them.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use windlass_core::json::{ParseBuffers, Tape, Tree};
use windlass_core::{Code, Error, Result};

use super::http::{Auth, HttpSettings, HttpTransport, Request, RequestBody, Response, Transport, join_url};
use super::pages::{Pages, PagesOptions, ResponseAction, RestPage};
use super::paginate::{Paginator, PaginatorConfig};
use crate::source::Body;

/// A client of one API: what all of its requests have in common.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use serde_json::json;
/// use windlass::sources::rest::RestClient;
/// use windlass::sources::rest::http::{Request, Response, Transport};
/// use windlass::sources::rest::paginate::{PageNumberOptions, PaginatorConfig};
///
/// // Without a server: the answers come from here.
/// #[derive(Debug)]
/// struct Api;
///
/// #[async_trait]
/// impl Transport for Api {
///     async fn send(&self, request: &Request) -> windlass_core::Result<Response> {
///         let page = request.params["page"].as_i64().unwrap_or_default();
///         let body = json!({"data": [{"id": page}], "total": 2});
///         Ok(Response::new(200, request.url.as_str(), Vec::new(), body.to_string().into_bytes()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> windlass_core::Result<()> {
/// let client = RestClient::over("https://api.example.com/v1/", Arc::new(Api))
///     .paginator(PaginatorConfig::PageNumber(PageNumberOptions::default()));
/// let mut pages = client.paginate("posts").param("sort", "id").pages()?;
/// let mut ids = Vec::new();
/// while let Some(page) = pages.next().await? {
///     ids.extend(page.values()?.into_iter().map(|post| post["id"].clone()));
/// }
/// assert_eq!(ids, [0, 1]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RestClient {
    base_url: String,
    headers: IndexMap<String, String>,
    auth: Option<Arc<dyn Auth>>,
    paginator: Option<PaginatorConfig>,
    selector: Option<String>,
    transport: Arc<dyn Transport>,
}

/// Headers may hold secrets, so none is shown.
impl fmt::Debug for RestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestClient").finish_non_exhaustive()
    }
}

impl RestClient {
    /// A client over the network, with the settings that everything has by default.
    ///
    /// Errors: TLS cannot be set up.
    pub fn new(base_url: impl Into<String>) -> Result<Self> {
        Ok(Self::over(base_url, Arc::new(HttpTransport::new(HttpSettings::default())?)))
    }

    /// A client over a transport: one with other settings, a recording, a fake.
    pub fn over(base_url: impl Into<String>, transport: Arc<dyn Transport>) -> Self {
        Self {
            base_url: base_url.into(),
            headers: IndexMap::new(),
            auth: None,
            paginator: None,
            selector: None,
            transport,
        }
    }

    /// A header of every request.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// What signs every request.
    #[must_use]
    pub fn auth(mut self, auth: Arc<dyn Auth>) -> Self {
        self.auth = Some(auth);
        self
    }

    /// How pages lead to the next, where a call does not say so.
    #[must_use]
    pub fn paginator(mut self, paginator: PaginatorConfig) -> Self {
        self.paginator = Some(paginator);
        self
    }

    /// Where the records are, where a call does not say so.
    #[must_use]
    pub fn data_selector(mut self, selector: impl Into<String>) -> Self {
        self.selector = Some(selector.into());
        self
    }

    /// A request to a path below the base, or to an address of the web.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let mut request = Request::new(method.to_ascii_uppercase(), join_url(&self.base_url, path));
        for (name, value) in &self.headers {
            request.set_header(name, value);
        }
        request.auth.clone_from(&self.auth);
        request
    }

    /// Sends one request and gives the answer, whatever its status. Errors: there is none.
    pub async fn send(&self, request: &Request) -> Result<Response> {
        self.transport.send(request).await
    }

    /// The pages of a path.
    pub fn paginate(&self, path: &str) -> Paginate {
        Paginate {
            request: self.request("GET", path),
            options: PagesOptions {
                paginator: self.paginator.clone(),
                selector: self.selector.clone(),
                ..PagesOptions::default()
            },
            own: None,
            transport: Arc::clone(&self.transport),
        }
    }
}

/// A chain of pages that is about to be read.
#[derive(Debug)]
pub struct Paginate {
    request: Request,
    options: PagesOptions,
    own: Option<Box<dyn Paginator>>,
    transport: Arc<dyn Transport>,
}

impl Paginate {
    /// Another method than GET.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.request.method = method.to_ascii_uppercase();
        self
    }

    /// A parameter of the query.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.request.params.insert(name.into(), value.into());
        self
    }

    /// Parameters of the query.
    #[must_use]
    pub fn params(mut self, params: Map<String, Value>) -> Self {
        self.request.params.extend(params);
        self
    }

    /// A header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.request.set_header(name, value);
        self
    }

    /// A JSON body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.request.body = RequestBody::Json(body);
        self
    }

    /// Any body.
    #[must_use]
    pub fn body(mut self, body: RequestBody) -> Self {
        self.request.body = body;
        self
    }

    /// Another signature than the client's.
    #[must_use]
    pub fn auth(mut self, auth: Arc<dyn Auth>) -> Self {
        self.request.auth = Some(auth);
        self
    }

    /// How one page leads to the next.
    #[must_use]
    pub fn paginator(mut self, paginator: PaginatorConfig) -> Self {
        self.options.paginator = Some(paginator);
        self
    }

    /// A paginator of the program.
    #[must_use]
    pub fn own_paginator(mut self, paginator: Box<dyn Paginator>) -> Self {
        self.own = Some(paginator);
        self
    }

    /// Where the records are.
    #[must_use]
    pub fn data_selector(mut self, selector: impl Into<String>) -> Self {
        self.options.selector = Some(selector.into());
        self
    }

    /// What is done with certain answers.
    #[must_use]
    pub fn action(mut self, action: ResponseAction) -> Self {
        self.options.actions.push(action);
        self
    }

    /// Pages that are fetched before they are asked for; see [`PagesOptions::read_ahead`].
    #[must_use]
    pub fn read_ahead(mut self, pages: usize) -> Self {
        self.options.read_ahead = pages;
        self
    }

    /// Fetches pages at once although it is not known that they exist; see [`PagesOptions::guess_pages`].
    #[must_use]
    pub fn guess_pages(mut self) -> Self {
        self.options.guess_pages = true;
        self
    }

    /// Goes on at a former [`Pages::position`].
    #[must_use]
    pub fn position(mut self, position: Option<Value>) -> Self {
        self.options.position = position;
        self
    }

    /// The pages. Errors: a paginator, selector or position that makes no sense.
    pub fn pages(self) -> Result<Pages> {
        match self.own {
            Some(own) => Pages::with_paginator(self.transport, self.request, own, self.options),
            None => Pages::new(self.transport, self.request, self.options),
        }
    }
}

impl RestPage {
    /// The records as values. Errors: a record that is not JSON, which only parts of large pages may hold.
    pub fn values(&self) -> Result<Vec<Value>> {
        let mut buffers = ParseBuffers::new();
        let parsed = match &self.body {
            Body::Lines(lines) => buffers.parse_lines(lines)?,
            Body::TypedLines(lines) => buffers.parse_typed_lines(lines)?,
            Body::Document(document, select) => {
                buffers.parse_document(document, select).map_err(|error| {
                    Error::of(Code::NotJson, format!("the answer is not JSON: {error}"))
                        .at_file(self.url.as_str())
                })?
            }
            _ => return Err(Error::internal("a page that is no JSON")),
        };
        if let Some(bad) = parsed.bad.first() {
            let error = Error::of(Code::NotJson, format!("a record is not JSON: {}", bad.error));
            return Err(error.at_file(self.url.as_str()));
        }
        let value = |tape: &Tape<'_>, node| Tree::value(tape, node);
        Ok(parsed.rows.iter().map(|row| value(&parsed.tape, row.node)).collect())
    }
}
