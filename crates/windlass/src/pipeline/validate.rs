//! What is wrong with a pipeline, as far as that can be told without a connection.

use std::collections::HashSet;

use windlass_core::Error;

use super::{Pipeline, RunOptions};
use crate::source::{Source, SourceContext};

/// What is known of a pipeline without a connection.
#[derive(Debug, Default)]
pub struct Validation {
    /// What a run would refuse.
    pub errors: Vec<Error>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Pipeline {
    /// Everything that a run or a plan would refuse or warn about before it asks anybody; nothing is changed.
    ///
    /// Sources that have to ask a server what there is are left out.
    pub async fn validate(&self, sources: &[Box<dyn Source>], options: &RunOptions) -> Validation {
        let mut errors = Vec::new();
        let mut warnings = self.notes.clone();
        // A session asks nobody before it is used.
        errors.extend(self.connect().await.err());
        for source in sources.iter().filter(|source| !source.asks_what_there_is()) {
            let context = SourceContext { folder: self.folder.clone() };
            let resources = match source.resources(&context).await {
                Ok(resources) => resources,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            let found = errors.len();
            for resource in resources.iter().filter(|resource| resource.selected) {
                let options = RunOptions { select: vec![resource.name.clone()], ..options.clone() };
                match self.prepare(source.as_ref(), None, &options).await {
                    Ok(prepared) => errors.extend(self.table_formats(&prepared.schema).err()),
                    Err(error) => errors.push(error),
                }
            }
            if errors.len() == found {
                match self.prepare(source.as_ref(), None, options).await {
                    Ok(prepared) => {
                        warnings.extend(prepared.warnings.iter().cloned());
                        warnings.extend(prepared.repeats(source.as_ref(), false));
                    }
                    Err(error) => errors.push(error),
                }
            }
        }
        let mut told = HashSet::new();
        errors.retain(|error| told.insert(error.to_string()));
        warnings.retain(|warning| told.insert(warning.clone()));
        Validation { errors, warnings }
    }
}
