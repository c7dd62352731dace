//! A REST API described by a program.

use std::sync::Arc;

use serde_json::{Map, Value};
use windlass_core::Result;
use windlass_core::hints::ResourceHints;

use super::config::{
    ClientConfig, Endpoint, Method, OnPartitionError, RestIncremental, RestOptions, RestResourceOptions,
};
use super::http::{Auth, AuthConfig, HttpSettings, Transport};
use super::pages::{Action, ResponseAction};
use super::paginate::PaginatorConfig;
use super::source::RestSource;
use crate::source::{Limit, Resource};
use crate::steps::Step;

/// Builds a [`RestSource`], with the words of the pipeline file.
///
/// ```
/// use serde_json::json;
/// use windlass::sources::rest::{EndpointBuilder, RestSource};
///
/// let source = RestSource::builder("blog", "https://blog.example/api/")
///     .resource(EndpointBuilder::new("posts").param("per_page", 100))
///     .resource(
///         EndpointBuilder::new("comments")
///             .path("posts/{resources.posts.id}/comments")
///             .include_from_parent(["id"])
///             .ignore_status(404),
///     )
///     .build()?;
/// # assert_eq!(source.resource_names(), ["posts", "comments"]);
/// # Ok::<(), windlass::core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RestBuilder {
    name: String,
    options: RestOptions,
    resources: Vec<EndpointBuilder>,
    transport: Option<Arc<dyn Transport>>,
}

impl RestBuilder {
    pub(super) fn new(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        let client = ClientConfig { base_url: base_url.into(), ..ClientConfig::default() };
        Self {
            name: name.into(),
            options: RestOptions { client, ..RestOptions::default() },
            resources: Vec::new(),
            transport: None,
        }
    }

    /// Sends this header with every request.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.client.headers.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// Signs the requests.
    #[must_use]
    pub fn auth(mut self, auth: AuthConfig) -> Self {
        self.options.client.auth = Some(auth);
        self
    }

    /// How pages follow each other, for endpoints that do not say so.
    #[must_use]
    pub fn paginator(mut self, paginator: PaginatorConfig) -> Self {
        self.options.client.paginator = Some(paginator);
        self
    }

    /// Retries, timeouts, limits and the like.
    #[must_use]
    pub fn http(mut self, settings: HttpSettings) -> Self {
        self.options.client.session = Some(settings);
        self
    }

    /// Stops after so many requests and keeps what was read.
    #[must_use]
    pub fn max_requests(mut self, requests: u64) -> Self {
        self.options.max_requests = Some(requests);
        self
    }

    /// Stops after so many seconds and keeps what was read.
    #[must_use]
    pub fn max_seconds(mut self, seconds: f64) -> Self {
        self.options.max_seconds = Some(seconds);
        self
    }

    /// Sends the requests by something else than the network, such as a recording.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Adds a resource.
    #[must_use]
    pub fn resource(mut self, resource: EndpointBuilder) -> Self {
        self.resources.push(resource);
        self
    }

    /// The source. Errors: everything about the description that is wrong.
    pub fn build(self) -> Result<RestSource> {
        let resources = self.resources.into_iter().map(|builder| (builder.resource, builder.options));
        let source = RestSource::new(self.name, self.options, resources.collect())?;
        Ok(match self.transport {
            Some(transport) => source.with_transport(transport),
            None => source,
        })
    }
}

/// Builds one resource of a [`RestSource`].
#[derive(Clone, Debug)]
pub struct EndpointBuilder {
    resource: Resource,
    options: RestResourceOptions,
}

impl EndpointBuilder {
    /// A resource that asks for its own name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { resource: Resource::new(name), options: RestResourceOptions::default() }
    }

    fn endpoint(&mut self) -> &mut Endpoint {
        self.options.endpoint.get_or_insert_default()
    }

    /// Where, behind the source's address. May have placeholders.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.endpoint().path = Some(path.into());
        self
    }

    /// Asks by `POST` with this JSON. May have placeholders.
    #[must_use]
    pub fn post(mut self, json: Map<String, Value>) -> Self {
        self.endpoint().method = Some(Method::Post);
        self.endpoint().json = Some(json);
        self
    }

    /// Adds a parameter of the query. May have placeholders.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.endpoint().params.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// Adds a header. May have placeholders.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.endpoint().headers.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// How pages follow each other.
    #[must_use]
    pub fn paginator(mut self, paginator: PaginatorConfig) -> Self {
        self.endpoint().paginator = Some(paginator);
        self
    }

    /// Where the records are in an answer.
    #[must_use]
    pub fn data_selector(mut self, path: impl Into<String>) -> Self {
        self.endpoint().data_selector = Some(path.into());
        self
    }

    /// Signs the requests by code of the program.
    #[must_use]
    pub fn auth(mut self, auth: Arc<dyn Auth>) -> Self {
        self.endpoint().custom.auth = Some(auth);
        self
    }

    /// Ends the pages quietly where an answer has this status.
    #[must_use]
    pub fn ignore_status(self, status: u16) -> Self {
        let status_code = Some(i64::from(status));
        self.on_response(ResponseAction { status_code, content: None, action: Action::Ignore })
    }

    /// What is done with certain answers.
    #[must_use]
    pub fn on_response(mut self, action: ResponseAction) -> Self {
        self.endpoint().custom.actions.push(action);
        self
    }

    /// How new records are told from those that were loaded before, and how requests ask for them.
    #[must_use]
    pub fn incremental(mut self, incremental: RestIncremental) -> Self {
        self.endpoint().incremental = Some(incremental);
        self
    }

    /// Fields of the parent's record that its records get.
    #[must_use]
    pub fn include_from_parent<T: Into<String>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        self.options.include_from_parent = Some(fields.into_iter().map(Into::into).collect());
        self
    }

    /// What its tables are to be like.
    #[must_use]
    pub fn hints(mut self, hints: ResourceHints) -> Self {
        self.resource.hints = hints;
        self
    }

    /// Passes each record through this step, behind those before.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.resource.steps.push(step);
        self
    }

    /// Where to stop.
    #[must_use]
    pub fn limit(mut self, limit: Limit) -> Self {
        self.resource.limit = Some(limit);
        self
    }

    /// Reads it at the same time as others, and several records of its parent at once.
    #[must_use]
    pub fn parallelized(mut self) -> Self {
        self.resource.parallelized = true;
        self
    }

    /// Does not load it: it is only read for the resources that are made from it.
    #[must_use]
    pub fn unselected(mut self) -> Self {
        self.options.selected = Some(false);
        self
    }

    /// What happens when the requests for one record of the parent fail.
    #[must_use]
    pub fn on_partition_error(mut self, choice: OnPartitionError) -> Self {
        self.options.on_partition_error = choice;
        self
    }

    /// Pages that are fetched before they are asked for.
    #[must_use]
    pub fn read_ahead(mut self, pages: usize) -> Self {
        self.options.read_ahead = Some(pages);
        self
    }
}
