//! The steps of a run apart: sources are read into sealed packages now, which are loaded later.

use indexmap::IndexMap;
use windlass_core::Result;
use windlass_core::schema::Schema;

use super::local_state::LocalState;
use super::report::{LoadInfo, PackageInfo};
use super::resume::starts_over;
use super::{Pipeline, RunOptions};
use crate::env::iso;
use crate::source::Source;

impl Pipeline {
    /// Reads all sources into packages that the next run, or a run without sources, loads in order.
    ///
    /// The destination is not asked: state and schemas are those of the working folder, and of the packages that wait
    /// there. Errors: another run holds the pipeline; source or contract fail.
    pub async fn extract_only(&self, sources: &[Box<dyn Source>], options: &RunOptions) -> Result<LoadInfo> {
        let _lock = self.work.lock()?;
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        let interrupted = self.work.packages().sweep(&names, self.settings.kept_packages)?;
        let mut local = self.waiting()?;
        let mut info = self.begin_info()?;
        info.warnings.extend(interrupted.iter().map(|resource| starts_over(resource)));
        for source in sources {
            let package = self.extract(source.as_ref(), options, &mut local, &mut info).await?;
            let Some((package, was_resumed)) = package else { continue };
            let extracted =
                PackageInfo { was_resumed, ..PackageInfo::new(&package.manifest, &package.delta) };
            info.note_left_out(&extracted.left_out);
            info.packages.push(extracted);
            local.schemas.insert(package.schema.name.clone(), package.schema);
            local.state = package.state;
        }
        info.finished_at = iso(self.env.now());
        Ok(info)
    }

    /// The state and schemas as they will be when all waiting packages are loaded.
    fn waiting(&self) -> Result<LocalState> {
        let schemas = self.work.schemas()?.into_iter();
        let mut schemas: IndexMap<String, Schema> =
            schemas.map(|schema| (schema.name.clone(), schema)).collect();
        let mut state = self.state()?;
        for package in self.work.packages().pending_whole()? {
            schemas.insert(package.schema.name.clone(), package.schema);
            state = package.state;
        }
        Ok(LocalState { state, schemas, remote: None, remote_load_id: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts such as the Python package run pipelines on a runtime of many threads.
    #[expect(dead_code, reason = "that it compiles is the test")]
    fn runs_can_be_spawned(pipeline: &Pipeline, sources: &[Box<dyn Source>], options: &RunOptions) {
        fn check<T: Send>(_: T) {}
        check(pipeline.run(sources, options));
        check(pipeline.extract_only(sources, options));
    }
}
