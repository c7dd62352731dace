//! Going on with a package that an earlier run could not complete.

use windlass_core::Result;
use windlass_core::package::Checkpoint;

use super::local_state::LocalState;
use super::partial::digest;
use super::prepare::PreparedSource;
use super::{Pipeline, RunOptions};
use crate::packages::{PackageWriter, take_start_over};
use crate::source::Source;

/// Where an extraction goes on, and what its own checkpoints are known by.
#[derive(Debug)]
pub(super) struct Resume {
    pub(super) fingerprint: Option<String>,
    pub(super) checkpoint: Option<Checkpoint>,
}

impl Pipeline {
    /// A digest of everything that what is extracted depends on, but for the data; `None` if the source cannot go on.
    pub(super) fn fingerprint(
        &self,
        source: &dyn Source,
        prepared: &PreparedSource,
        local: &LocalState,
        options: &RunOptions,
    ) -> Option<String> {
        let identity = source.identity()?;
        let mut text = format!(
            "{}\n{identity}\n{:?}\n{}\n{:?}\n",
            env!("CARGO_PKG_VERSION"),
            options.refresh,
            prepared.schema.content_hash(),
            prepared.stored.as_ref().map(|stored| &stored.version_hash),
        );
        for entry in &prepared.resources {
            text.push_str(&format!("{:?} {} {:?}\n", entry.resource, entry.root_table, entry.parent));
        }
        // What is local and what this run adds at the end does not count; what other runs committed does.
        text.push_str(&format!("{}\n{:?}\n", local.state.content_hash(), local.remote));
        let settings = &self.settings;
        text.push_str(&format!(
            "{} {} {:?} {:?} {:?} {:?} {:?}\n",
            self.destination.kind(),
            self.dataset_name(),
            settings.loader_file_format,
            settings.files,
            settings.naming,
            settings.limits,
            settings.collisions,
        ));
        Some(digest(&text))
    }

    /// The open package that a run can go on with. Others of the source are given up.
    pub(super) fn open_package(
        &self,
        source: &str,
        fingerprint: Option<&str>,
        warnings: &mut Vec<String>,
    ) -> Result<Option<(PackageWriter, Checkpoint)>> {
        let mut found = None;
        for (writer, mut checkpoint) in self.work.packages().open_packages(source)? {
            if found.is_none() && Some(checkpoint.fingerprint.as_str()) == fingerprint {
                checkpoint.resumes += 1;
                warnings.extend(take_start_over(writer.folder()).map(|resource| starts_over(&resource)));
                found = Some((writer, checkpoint));
                continue;
            }
            if found.is_none() {
                warnings.push(format!(
                    "what an earlier run had read into package {} is read again: the source, its settings or the state \
                     have changed since",
                    writer.load_id()
                ));
            }
            writer.discard()?;
        }
        Ok(found)
    }
}

/// The warning about a resource that was interrupted and has no position.
pub(super) fn starts_over(resource: &str) -> String {
    format!(
        "resource `{resource}`: the run before was broken off, and this resource cannot go on in its midst; it is read \
         from its start"
    )
}
