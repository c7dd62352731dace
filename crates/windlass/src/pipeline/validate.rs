//! What is wrong with a pipeline, as far as that can be told without a connection.

use windlass_core::Error;

use super::{Pipeline, RunOptions};
use crate::source::{Source, SourceContext};

impl Pipeline {
    /// Everything that a run or a plan would refuse before it asks anybody; all of it, and nothing is changed.
    ///
    /// Sources that have to ask a server what there is are left out.
    pub async fn validate(&self, sources: &[Box<dyn Source>], options: &RunOptions) -> Vec<Error> {
        let mut errors = Vec::new();
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
                errors.extend(self.prepare(source.as_ref(), None, options).await.err());
            }
        }
        let mut told = std::collections::HashSet::new();
        errors.retain(|error| told.insert(error.to_string()));
        errors
    }
}
