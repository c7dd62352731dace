//! REST APIs: requests, pages and the resources that depend on each other.
//!
//! ```text
//! the file ──config──> RestResource ──┐
//!                                     ├─ chain: Request ──Pages──> Page ──> engine
//! records of the parent ──items───────┘
//! ```
//!
//! A chain is one resource, or one resource and one record of its parent: it has a request, a paginator and a selector
//! of its own and shares nothing with others.

pub mod http;
pub mod paginate;
pub mod select;

#[doc(hidden)]
pub mod fuzzing;

mod actions;
mod client;
mod decode;
mod parts;
mod position;
mod problem;
mod repeats;
mod split;

pub mod pages;

pub mod config;

mod builder;
mod chains;
mod include;
mod items;
mod source;

use super::SourceEntry;
use crate::config::schema_of;

pub use builder::{EndpointBuilder, RestBuilder};
pub use client::{Paginate, RestClient};
pub use source::RestSource;

pub(super) const ENTRY: SourceEntry = SourceEntry {
    name: "rest_api",
    short: "REST APIs: pages, dependent resources, incremental loading",
    example: EXAMPLE,
    missing: None,
    has_exchanges: true,
    needed: None,
    options: schema_of::<config::RestOptions>,
    resource: schema_of::<config::RestResourceOptions>,
    forms: Some(config::FORMS),
    build: |parts| Ok(Box::new(RestSource::of_file(parts)?)),
};

const EXAMPLE: &str = "\
type: rest_api
client:
  base_url: https://api.github.com/repos/duckdb/duckdb/
  headers: {Accept: application/vnd.github+json}
  # auth: bearer                   # its token stands in .windlass/secrets.toml, or here: {type: bearer, token: \"${VAR}\"};
                                   # bearer | api_key | http_basic | oauth2_client_credentials | oauth_jwt
  paginator: header_link           # detected when left out; single_page | json_link | header_link | header_cursor
                                   # | cursor | offset | page_number, as a word or as {type: ..., options}
# max_requests: 100                # stop there and load what was read; the next run goes on
resource_defaults:                 # what holds for all resources
  primary_key: id
  write_disposition: merge         # append | replace | merge
  endpoint: {params: {per_page: 100}}
resources:
  - name: issues                   # becomes the table, and the path unless the endpoint has one
    endpoint:
      path: issues
      params: {state: all, sort: updated, direction: asc, since: \"{incremental.start_value}\"}
      incremental: {cursor_path: updated_at, initial_value: \"2026-01-01T00:00:00Z\", row_order: asc}
      # data_selector: items       # where the records are; detected when left out
      # response_actions: [{status_code: 404, action: ignore}]
    # processing_steps: [{filter: '.pull_request == null'}, {map: 'del(.body)'}]   # jq
    limit: {max_items: 2}          # pages; remove it to load everything
  - name: comments                 # for every issue that is new or changed
    endpoint: \"issues/{resources.issues.number}/comments\"
    include_from_parent: [number]  # becomes the column _issues_number
    # parallelized: true           # several issues at the same time
    # on_partition_error: continue # load the others when the requests for one issue fail
";

#[cfg(test)]
mod tests;
