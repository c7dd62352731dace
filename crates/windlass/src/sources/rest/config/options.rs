//! What the pipeline file says: the keys of the source, of its client and of its resources.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::actions::ResponseActionOptions;
use super::incremental::RestIncremental;
use crate::sources::rest::http::{Auth, AuthConfig, HttpSettings};
use crate::sources::rest::pages::ResponseAction;
use crate::sources::rest::paginate::PaginatorConfig;
use crate::steps::Step;

/// Options of a `rest_api` source. `resource_defaults` and `resources` stand beside them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestOptions {
    /// What holds for all requests.
    pub client: ClientConfig,
    /// Whether resources may be read at the same time, for those that do not say so themselves.
    #[serde(default)]
    pub parallelized: bool,
    /// How many records of a parent a parallelized resource asks for at the same time; fewer when the
    /// server slows down. Default 8.
    #[serde(default = "parallel_requests")]
    #[schemars(range(min = 1))]
    pub parallel_requests: usize,
    /// Requests after which reading stops; what was read until then is loaded.
    #[serde(default)]
    pub max_requests: Option<u64>,
    /// Seconds after which reading stops; what was read until then is loaded.
    #[serde(default)]
    pub max_seconds: Option<f64>,
}

impl Default for RestOptions {
    fn default() -> Self {
        Self {
            client: ClientConfig::default(),
            parallelized: false,
            parallel_requests: parallel_requests(),
            max_requests: None,
            max_seconds: None,
        }
    }
}

fn parallel_requests() -> usize {
    8
}

/// What holds for all requests.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// Where the API is; paths are put behind it.
    pub base_url: String,
    /// Headers of all requests.
    #[serde(default)]
    pub headers: Option<IndexMap<String, String>>,
    /// Who sends the requests.
    #[serde(default)]
    pub auth: Option<AuthConfig>,
    /// How pages follow each other, for endpoints that do not say so; detected by default.
    #[serde(default)]
    pub paginator: Option<PaginatorConfig>,
    /// Retries, timeouts, limits and the like.
    #[serde(default)]
    pub session: Option<HttpSettings>,
}

/// Options of a resource of a `rest_api` source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RestResourceOptions {
    /// What is asked for: a path, or all of it.
    #[schemars(with = "Option<EndpointOption>")]
    pub endpoint: Option<Endpoint>,
    /// Fields of the parent's record that its records get, as `_<parent>_<field>`.
    pub include_from_parent: Option<Vec<String>>,
    /// jq expressions that each record passes through, in order.
    pub processing_steps: Option<Vec<ProcessingStep>>,
    /// Whether its records are loaded; what is not is only read for the resources that depend on it.
    pub selected: Option<bool>,
    /// What happens when the requests for one record of the parent fail.
    pub on_partition_error: OnPartitionError,
    /// Pages that are fetched before they are asked for: none by default, the next one with 1; several at once with
    /// more, where offsets or numbers of pages are known beforehand.
    pub read_ahead: Option<usize>,
    /// Whether pages are fetched ahead although it is not known that they exist; those behind the end are thrown away.
    pub guess_pages: Option<bool>,
}

/// What is asked for, as the file says it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the two forms; what is read is always the second one")]
enum EndpointOption {
    /// The path.
    Path(String),
    /// All of it.
    Detailed(Box<Endpoint>),
}

/// What happens when the requests for one record of the parent fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnPartitionError {
    /// The run fails; nothing is loaded.
    #[default]
    Fail,
    /// The others are loaded; the run tells which failed, and the next one asks for them again.
    Continue,
}

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoint {
    /// Where, behind the client's `base_url`; the resource's name by default. May have placeholders.
    pub path: Option<String>,
    /// `GET` or `POST`.
    pub method: Option<Method>,
    /// Parameters of the query. May have placeholders.
    pub params: Option<Map<String, Value>>,
    /// The body, as JSON. May have placeholders.
    pub json: Option<Map<String, Value>>,
    /// The body: a form, or a text. May have placeholders.
    pub data: Option<Value>,
    /// Headers. May have placeholders.
    pub headers: Option<IndexMap<String, String>>,
    /// How pages follow each other.
    pub paginator: Option<PaginatorConfig>,
    /// Where the records are in an answer, such as `data.items`; detected by default.
    pub data_selector: Option<String>,
    /// What is done with certain answers.
    pub response_actions: Option<Vec<ResponseActionOptions>>,
    /// How new records are told from those that were loaded before, and how requests ask for them.
    pub incremental: Option<RestIncremental>,
    /// Who sends the requests, if not the client's; `null` is nobody.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<AuthConfig>")]
    pub auth: Option<Option<AuthConfig>>,
    /// What programs add that a file cannot say.
    #[serde(skip)]
    #[schemars(skip)]
    pub custom: Custom,
}

/// What programs add to an endpoint that a file cannot say.
#[derive(Clone, Debug, Default)]
pub struct Custom {
    /// Who sends the requests; comes before `auth`.
    pub auth: Option<Arc<dyn Auth>>,
    /// What is done with certain answers, behind `response_actions`.
    pub actions: Vec<ResponseAction>,
}

/// A value that is there, even if it is null.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Asks.
    #[default]
    Get,
    /// Sends a body.
    Post,
}

impl Method {
    /// As it goes over the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What each record passes through: of several, `filter` comes first.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessingStep {
    /// Records for which the jq expression is true go on.
    pub filter: Option<String>,
    /// Each record becomes what the jq expression makes of it.
    pub map: Option<String>,
    /// Each record becomes the records that the jq expression makes of it.
    pub yield_map: Option<String>,
}

impl ProcessingStep {
    /// The engine's steps.
    pub(crate) fn steps(self) -> impl Iterator<Item = Step> {
        let maps = [self.map, self.yield_map].into_iter().flatten().map(Step::Map);
        self.filter.map(Step::Filter).into_iter().chain(maps)
    }
}
