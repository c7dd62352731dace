//! The steps of a run apart: sources are read into sealed packages now, which are loaded later.

use indexmap::IndexMap;
use windlass_core::Result;
use windlass_core::schema::Schema;

use super::report::{LoadInfo, PackageInfo};
use super::run::Known;
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
        self.work.packages().sweep()?;
        let mut known = self.waiting()?;
        let mut info = LoadInfo {
            pipeline: self.name.clone(),
            destination: self.destination.kind().to_owned(),
            location: self.destination.location(),
            dataset: self.dataset_place()?.name,
            started_at: iso(self.env.now()),
            ..LoadInfo::default()
        };
        for source in sources {
            let package = self.extract(source.as_ref(), options, &mut known, &mut info.warnings).await?;
            let Some(package) = package else { continue };
            info.packages.push(PackageInfo::new(&package.manifest, &package.delta));
            known.schemas.insert(package.schema.name.clone(), package.schema);
            known.state = package.state;
        }
        info.finished_at = iso(self.env.now());
        Ok(info)
    }

    /// What will be known when all waiting packages are loaded.
    fn waiting(&self) -> Result<Known> {
        let schemas = self.work.schemas()?.into_iter();
        let mut schemas: IndexMap<String, Schema> =
            schemas.map(|schema| (schema.name.clone(), schema)).collect();
        let mut state = self.state()?;
        for package in self.work.packages().pending()? {
            schemas.insert(package.schema.name.clone(), package.schema);
            state = package.state;
        }
        Ok(Known { state, schemas, remote: None, remote_load_id: None })
    }
}
