//! The keys that every resource of a pipeline file may have.

use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::Result;
use windlass_core::hints::ResourceHints;
use windlass_core::incremental::IncrementalOptions;

use crate::source::{Limit, OnBadRecord, Resource};
use crate::steps::{Step, StepRunner};

/// Keys of a resource that are neither hints of its tables nor options of its connector.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceOptions {
    /// Name, unique in the source; also the name of the table unless `table_name` says otherwise.
    pub(super) name: String,
    /// How new records are told from those that were loaded before.
    #[serde(default)]
    pub(super) incremental: Option<IncrementalOptions>,
    /// Where to stop: a number of records, or an object.
    #[serde(default)]
    pub(super) limit: Option<LimitOptions>,
    /// jq expressions that each record passes through, in order.
    #[serde(default)]
    pub(super) steps: Vec<Step>,
    /// What happens to records that cannot be read.
    #[serde(default)]
    pub(super) on_bad_record: OnBadRecord,
    /// Whether it may be read while other resources are.
    #[serde(default)]
    pub(super) parallelized: bool,
}

/// Where to stop.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum LimitOptions {
    /// Number of records.
    Records(u64),
    /// A number of pages or records, or a time.
    Detailed(DetailedLimit),
}

/// A number of pages or records, or a time.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DetailedLimit {
    /// Number of pages, or of records with `count_rows`.
    pub(super) max_items: Option<u64>,
    /// Seconds.
    pub(super) max_time: Option<f64>,
    /// Whether `max_items` counts records.
    pub(super) count_rows: bool,
}

impl ResourceOptions {
    /// The resource. Errors: steps that are not jq, a cursor that cannot be.
    pub(super) fn resource(self, hints: ResourceHints) -> Result<Resource> {
        // Steps are compiled here once, so that a wrong one is found before anything is read.
        StepRunner::new(&self.steps).map_err(|error| error.at_resource(&self.name))?;
        if let Some(incremental) = &self.incremental {
            incremental.validate().map_err(|error| error.at_resource(&self.name))?;
        }
        let limit = match self.limit {
            None => None,
            Some(LimitOptions::Records(count)) => Some(Limit::Records(count)),
            Some(LimitOptions::Detailed(limit)) => match (limit.max_items, limit.max_time) {
                (Some(count), _) if limit.count_rows => Some(Limit::Records(count)),
                (Some(count), _) => Some(Limit::Pages(count)),
                (None, Some(seconds)) => Some(Limit::Seconds(seconds)),
                (None, None) => None,
            },
        };
        Ok(Resource {
            hints,
            incremental: self.incremental,
            limit,
            steps: self.steps,
            on_bad_record: self.on_bad_record,
            parallelized: self.parallelized,
            ..Resource::new(self.name)
        })
    }
}
