//! The registered source: from the configuration to resources and extractors.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use windlass_core::hash::sha3_256_base64;
use windlass_core::{Code, Error, Result};

use super::builder::RestBuilder;
use super::chains::{Chains, Links};
use super::config::{
    ClientDefaults, OnPartitionError, RestOptions, RestResource, RestResourceOptions, compile, order,
};
use super::http::{HttpSettings, HttpTransport, RecordingTransport, ReplayingTransport, Transport, is_web};
use crate::config::{Secret, parse_options};
use crate::source::{Extractor, Opening, Resource, Source, SourceContext, SourceSettings};
use crate::sources::{Exchanges, Places, SourceParts};

/// The resources of a REST API.
#[derive(Debug)]
pub struct RestSource {
    name: String,
    settings: SourceSettings,
    base_url: String,
    headers: Vec<(String, String)>,
    /// In the order in which they are read: parents before those that depend on them.
    resources: Vec<Arc<RestResource>>,
    parallel_requests: usize,
    http: HttpSettings,
    /// What carries the requests; made when the first resource is opened.
    transport: Mutex<Option<Arc<dyn Transport>>>,
    exchanges: Exchanges,
    /// What recordings are not to hold, besides what the auth block has.
    secrets: Vec<Secret>,
}

impl RestSource {
    /// Builds the source of a pipeline file.
    ///
    /// Errors: everything about the configuration that is wrong, with its place in the file.
    pub(super) fn of_file(parts: SourceParts) -> Result<Self> {
        let SourceParts { name, settings, mut options, mut resources, places, exchanges, secrets } = parts;
        if let Exchanges::Replayed(_) = exchanges {
            // A recording asks for no credentials, so nobody needs to have them.
            without_auth(options.get_mut("client"));
            resources.iter_mut().for_each(|(_, own)| without_auth(own.get_mut("endpoint")));
        }
        let options: RestOptions =
            parse_options("source", options).map_err(|error| error.at(places.at("")))?;
        let resources = resources.into_iter().enumerate().map(|(index, (resource, own))| {
            let own = parse_options(&format!("source.resources.{}", resource.name), own)
                .map_err(|error| error.at(places.at(&format!("/resources/{index}"))))?;
            Ok((resource, own))
        });
        let source = Self::build(name, settings, options, resources.collect::<Result<_>>()?, &places)?;
        Ok(Self { exchanges, secrets, ..source })
    }

    /// A source of these resources.
    ///
    /// Errors: everything about the configuration that is wrong.
    pub fn new(
        name: impl Into<String>,
        options: RestOptions,
        resources: Vec<(Resource, RestResourceOptions)>,
    ) -> Result<Self> {
        Self::build(name.into(), SourceSettings::default(), options, resources, &Places::default())
    }

    fn build(
        name: String,
        settings: SourceSettings,
        options: RestOptions,
        resources: Vec<(Resource, RestResourceOptions)>,
        places: &Places,
    ) -> Result<Self> {
        let client = options.client;
        check_url(&client.base_url).map_err(|error| error.at(places.at("/client/base_url")))?;
        let at_client = |part: &str, error: Error| error.at(places.at(&format!("/client/{part}")));
        let auth = client.auth.map(super::http::AuthConfig::build).transpose();
        let defaults = ClientDefaults {
            auth: auth.map_err(|error| at_client("auth", error))?,
            paginator: client.paginator,
        };
        if let Some(paginator) = &defaults.paginator {
            paginator.build().map_err(|error| at_client("paginator", error))?;
        }
        let mut compiled = Vec::new();
        for (index, (mut resource, own)) in resources.into_iter().enumerate() {
            resource.parallelized |= options.parallelized;
            compiled.push(compile(resource, own, &defaults, places, &format!("/resources/{index}"))?);
        }
        let names: Vec<_> =
            compiled.iter().map(|rest| (rest.resource.name.clone(), rest.resource.parent.clone())).collect();
        let order = order(&names).map_err(|(index, error)| {
            error.at(places.at(&format!("/resources/{index}/endpoint"))).at_resource(&names[index].0)
        })?;
        let mut by_index: Vec<_> = compiled.into_iter().map(|rest| Some(Arc::new(rest))).collect();
        let resources = order.into_iter().filter_map(|index| by_index.get_mut(index)?.take()).collect();
        let mut http = client.session.unwrap_or_default();
        http.max_requests = options.max_requests.or(http.max_requests);
        http.max_seconds = options.max_seconds.or(http.max_seconds);
        http.validate().map_err(|error| at_client("session", error))?;
        Ok(Self {
            name,
            settings,
            base_url: client.base_url,
            headers: client.headers.unwrap_or_default().into_iter().collect(),
            resources,
            parallel_requests: options.parallel_requests.max(1),
            http,
            transport: Mutex::default(),
            exchanges: Exchanges::Live,
            secrets: Vec::new(),
        })
    }

    /// Describes a source: its name, which is also its schema's, and where the API is.
    pub fn builder(name: impl Into<String>, base_url: impl Into<String>) -> RestBuilder {
        RestBuilder::new(name, base_url)
    }

    /// The names of the resources in the order in which they are read.
    pub fn resource_names(&self) -> Vec<&str> {
        self.resources.iter().map(|rest| rest.resource.name.as_str()).collect()
    }

    /// Sends the requests of this source by `transport`, such as a recording.
    #[must_use]
    pub fn with_transport(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport: Mutex::new(Some(transport)), ..self }
    }

    /// Errors: settings of the client that contradict each other, a recording that cannot be written or read.
    fn transport(&self) -> Result<Arc<dyn Transport>> {
        let mut slot = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(transport) = &*slot {
            return Ok(Arc::clone(transport));
        }
        let network = || HttpTransport::new(self.http.clone());
        let transport: Arc<dyn Transport> = match &self.exchanges {
            Exchanges::Live => Arc::new(network()?),
            Exchanges::Recorded(folder) => {
                let recording = RecordingTransport::new(Arc::new(network()?), folder)?;
                Arc::new(recording.hiding(self.secrets.clone()))
            }
            Exchanges::Replayed(folder) => {
                Arc::new(ReplayingTransport::open(folder)?.hiding(self.secrets.clone()))
            }
        };
        Ok(Arc::clone(slot.insert(transport)))
    }
}

/// Takes the credentials out of what may have some.
fn without_auth(holder: Option<&mut Value>) {
    if let Some(Value::Object(map)) = holder {
        map.shift_remove("auth");
    }
}

/// Errors: an address that is not one of the web. An empty one is allowed: paths are then whole addresses.
fn check_url(base_url: &str) -> Result<()> {
    if base_url.is_empty() || is_web(base_url) {
        return Ok(());
    }
    Err(Error::of(Code::InvalidAddress, "`base_url` is not an address of the web")
        .with_hint("it begins with https:// or http://, such as https://api.github.com/"))
}

#[async_trait]
impl Source for RestSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn settings(&self) -> SourceSettings {
        self.settings.clone()
    }

    async fn resources(&self, _: &SourceContext) -> Result<Vec<Resource>> {
        Ok(self.resources.iter().map(|rest| rest.resource.clone()).collect())
    }

    fn identity(&self) -> Option<Value> {
        // A digest, since parameters and headers may hold secrets.
        let requests = self.resources.iter().map(|rest| {
            let RestResource { resource, method, template, paginator, selector, actions, include, .. } =
                &**rest;
            format!(
                "{} {method:?} {template:?} {paginator:?} {selector:?} {actions:?} {include:?}",
                resource.name
            )
        });
        let client = format!("{} {:?}", self.base_url, self.headers);
        let all: Vec<String> = std::iter::once(client).chain(requests).collect();
        Some(sha3_256_base64(all.iter().map(String::as_bytes)).into())
    }

    fn remedy_for_repeats(&self, _: &Resource) -> Option<String> {
        Some("set `incremental: {cursor_path: …}` to load only what is new".to_owned())
    }

    async fn open(&self, resource: &Resource, opening: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        let rest =
            self.resources.iter().find(|rest| rest.resource.name == resource.name).ok_or_else(|| {
                Error::internal("a resource is not of this source").at_resource(&resource.name)
            })?;
        if let Some(defect) = &rest.defect {
            return Err(Error::config(format!("the resource cannot be read: {defect}"))
                .at_resource(&resource.name)
                .with_hint("name the field of a record that grows with time, such as `updated_at`"));
        }
        let links = Links {
            rest: Arc::clone(rest),
            base_url: self.base_url.clone(),
            headers: self.headers.clone(),
            transport: self.transport()?,
            record_limit: opening.record_limit,
        };
        // Where requests wait for the cursor of the answers before, they cannot be made at the same time.
        let width = match rest.resource.parallelized && !rest.resource.follows_cursor {
            true => self.parallel_requests,
            false => 1,
        };
        Ok(vec![Box::new(Chains::open(links, width, opening)?)])
    }
}

/// Whether the resources say what to do when the requests for a parent's record fail.
pub(super) fn goes_on(rest: &RestResource) -> bool {
    rest.on_partition_error == OnPartitionError::Continue && rest.resource.parent.is_some()
}

/// What names a chain to people and to the state: the fields of its parent's record.
pub(super) const PARENT: &str = "parent";

/// Where in a chain reading goes on.
pub(super) const PAGE: &str = "page";

/// The record of the parent that a partition is about, and the page that it failed at.
pub(super) fn partition_parts(partition: &Value) -> (Value, Option<Value>) {
    let part = |key: &str| partition.get(key).filter(|value| !value.is_null()).cloned();
    (part(PARENT).unwrap_or_default(), part(PAGE))
}
