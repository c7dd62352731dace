//! The configuration of a `rest_api` source: what the file says, and the resources that come of it.
//!
//! In reading order: the keys of the file, resources in all their forms and their defaults, texts with placeholders,
//! requests with placeholders, the cursor in requests, the order of resources, and the compilation of it all.

mod actions;
mod compile;
mod convert;
mod credentials;
mod defaults;
mod field;
mod graph;
mod incremental;
mod options;
mod placeholder;
mod template;
#[cfg(test)]
mod tests;

pub use actions::ResponseActionOptions;
pub use convert::Convert;
pub use incremental::RestIncremental;
pub use options::{
    ClientConfig, Endpoint, Method, OnPartitionError, ProcessingStep, RestOptions, RestResourceOptions,
};

pub(crate) use compile::{ClientDefaults, RestResource, compile};
pub(crate) use field::{Binding, bind, reduced};
pub(crate) use graph::order;
pub(crate) use incremental::CursorMoment;
pub(crate) use placeholder::quoted_json;

use crate::sources::{ResourceLists, SourceForms};

/// The forms that the file allows besides a list of objects.
pub(super) const FORMS: SourceForms = SourceForms {
    defaults: defaults::DEFAULTS,
    complete: defaults::complete,
    credentials: credentials::fill,
    lists: ResourceLists { keys: &["resources"], may_be_left_out: false },
    has_guard: false,
};
