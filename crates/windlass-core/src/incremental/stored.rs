//! The entry of a cursor in the pipeline's state.

use serde_json::{Map, Value, json};

use super::digest::{DigestForm, Digests};
use super::options::IncrementalOptions;
use super::value::{self, Limit};
use crate::error::{Code, Error, Result};

/// What a run starts from: the stored entry, or the one that a first run begins with.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// The entry, with keys that this engine does not know.
    pub(super) entry: Map<String, Value>,
    pub(super) last: Option<Limit>,
    pub(super) digests: Digests,
}

impl Stored {
    /// Errors: an entry that is no cursor's.
    pub(super) fn new(options: &IncrementalOptions, entry: Option<&Value>) -> Result<Self> {
        let entry = match entry {
            // A range with two ends has nothing to do with what is stored.
            Some(entry) if !options.is_stateless() => entry.as_object().cloned().ok_or_else(|| {
                Error::of(Code::DamagedState, "the stored state of the cursor is not an object")
                    .with_hint(HINT)
            })?,
            _ => {
                let initial = &options.initial_value;
                let first = json!({
                    "initial_value": initial,
                    "last_value": initial,
                    "unique_hashes": [],
                    "start_value": initial,
                });
                first.as_object().cloned().unwrap_or_default()
            }
        };
        let last = entry.get("last_value").map_or(Ok(None), value::from_json).map_err(|cause| {
            Error::of(Code::DamagedState, "the stored last value of the cursor cannot be read")
                .with_source(cause)
                .with_hint(HINT)
        })?;
        let digests = match entry.get("unique_hashes") {
            Some(list) => Digests::from_json(list)?,
            None => Digests::empty(DigestForm::Current),
        };
        Ok(Self { entry, last: last.map(Limit::new), digests })
    }
}

const HINT: &str = "forget the state of the resource, and load it again or set initial_value";
