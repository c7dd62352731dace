//! Which files of a resource earlier runs have loaded.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_core::hash::shake128;
use windlass_core::incremental::IncrementalOptions;
use windlass_core::{Error, Result};

/// Where the state of a resource keeps its files.
pub(super) const KEY: &str = "_windlass_files";

/// Which files are new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewFiles {
    /// Those that were not loaded since they were written last: changed files are loaded again, as a whole.
    ModificationDate,
    /// Those that were never loaded, by their names.
    FileUrl,
}

/// The key `incremental` of a resource of files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the cursor of records is the engine's; here it is a part of the schema alone")]
pub(super) enum FileIncremental {
    /// Only new files are read.
    Files(NewFiles),
    /// All files are read; only records with a new cursor are loaded.
    Records(Box<IncrementalOptions>),
}

impl NewFiles {
    fn as_str(self) -> &'static str {
        match self {
            Self::ModificationDate => "modification_date",
            Self::FileUrl => "file_url",
        }
    }

    /// What tells one file from others and, where that counts, from itself after a change.
    ///
    /// It holds the `bucket_url` as it is written, so that a project may be moved. Errors: the file is gone.
    fn mark(self, bucket_url: &str, base: &Path, path: &Path) -> Result<Mark> {
        let relative = path.strip_prefix(base).unwrap_or(path);
        let mut text = format!("{bucket_url}\n").into_bytes();
        text.extend_from_slice(relative.as_os_str().as_encoded_bytes());
        if self == Self::ModificationDate {
            let written = path.metadata().map_err(|cause| {
                Error::source_failed(format!("cannot look at {}", path.display())).with_source(cause)
            })?;
            text.extend_from_slice(format!("\n{} {}", modified(&written), written.len()).as_bytes());
        }
        let mut mark = Mark::default();
        shake128(&text, &mut mark);
        Ok(mark)
    }
}

/// Nanoseconds from 1970 on; 0 where the system does not tell.
fn modified(metadata: &Metadata) -> i128 {
    let Ok(time) = metadata.modified() else { return 0 };
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

/// A digest of nine bytes, twelve characters in the state.
type Mark = [u8; 9];

/// The files that earlier runs and this one have read.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    before: BTreeSet<Mark>,
    now: BTreeSet<Mark>,
}

/// What is kept of a file that is read, until it is read to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread(Mark);

impl Seen {
    /// What the state says. Errors: a state that nobody wrote so.
    pub(super) fn restore(stored: Option<&Value>) -> Result<Self> {
        let Some(stored) = stored else { return Ok(Self::default()) };
        let broken = || {
            Error::data("the stored list of files that were loaded cannot be read")
                .with_hint("forget the state of the resource and load all files again")
        };
        let text = stored.get("loaded").and_then(Value::as_str).ok_or_else(broken)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| broken())?;
        let (marks, rest) = bytes.as_chunks::<9>();
        if !rest.is_empty() {
            return Err(broken());
        }
        Ok(Self { before: marks.iter().copied().collect(), now: BTreeSet::new() })
    }

    /// What the next run is to know.
    pub(super) fn store(&self, by: NewFiles) -> Value {
        let all: Vec<u8> = self.before.union(&self.now).flatten().copied().collect();
        json!({ "by": by.as_str(), "loaded": STANDARD_NO_PAD.encode(all) })
    }

    /// Whether a file is new. Errors: it is gone.
    pub(super) fn look(
        &self,
        by: NewFiles,
        bucket_url: &str,
        base: &Path,
        path: &Path,
    ) -> Result<Option<Unread>> {
        let mark = by.mark(bucket_url, base, path)?;
        Ok((!self.before.contains(&mark)).then_some(Unread(mark)))
    }

    /// Notes that a file was read to its end.
    pub(super) fn note(&mut self, file: Unread) {
        self.now.insert(file.0);
    }
}
