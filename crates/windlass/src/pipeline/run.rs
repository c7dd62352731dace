//! One run: what was left is loaded first, then each source is read into a package, sealed, loaded and committed.

use std::time::Instant;

use serde_json::Value;
use windlass_core::package::JournalEntry;
use windlass_core::schema::SystemNames;
use windlass_core::state::StateMark;
use windlass_core::{Error, ErrorKind, Result};

use super::lease::{HeldLease, POLL};
use super::local_state::LocalState;
use super::report::{LoadInfo, PackageInfo, error_json};
use super::resume::starts_over;
use super::{Pipeline, RunOptions};
use crate::destination::Session;
use crate::env::iso;
use crate::failpoint::failpoint;
use crate::load;
use crate::packages::{DamagedPackage, LoadPackage};
use crate::source::Source;

impl Pipeline {
    /// Loads what earlier runs left, then all sources.
    ///
    /// Nothing is lost when it fails or is stopped: a package that was sealed is loaded by the next run, anything else
    /// is read again. Errors: another run holds the pipeline; source, contract or destination fail.
    pub async fn run(&self, sources: &[Box<dyn Source>], options: &RunOptions) -> Result<LoadInfo> {
        let until = Instant::now() + options.wait;
        let _lock = loop {
            match self.work.lock() {
                Err(error) if self.waits(&error, until).await? => {}
                lock => break lock?,
            }
        };
        let mut info = self.begin_info()?;
        let result = loop {
            match self.run_locked(sources, options, &mut info).await {
                Err(error) if self.waits(&error, until).await? => {}
                result => break result,
            }
        };
        info.finished_at = iso(self.env.now());
        let system = SystemNames::new(&self.naming(None)?)?.prefix;
        let warnings = self.alerts.tell(&info, result.as_ref().err(), &system).await;
        info.warnings.extend(warnings);
        let mut trace = serde_json::to_value(&info).unwrap_or_default();
        trace["error"] = result.as_ref().err().map_or(Value::Null, error_json);
        let saved = self.work.save_trace(&trace);
        result?;
        saved?;
        Ok(info)
    }

    async fn run_locked(
        &self,
        sources: &[Box<dyn Source>],
        options: &RunOptions,
        info: &mut LoadInfo,
    ) -> Result<()> {
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        let interrupted = self.work.packages().sweep(&names, self.settings.kept_packages)?;
        info.warnings.extend(interrupted.iter().map(|resource| starts_over(resource)));
        if self.dev_mode {
            self.work.wipe()?;
        }
        let mut session = self.connect().await?;
        // Before the state is read: what another run is about to load is not to be extracted twice. Where there is no
        // dataset yet, the first load takes the lease, so that nothing is created before there is something to load;
        // the commit then finds out whether another run was faster.
        let mut lease = self.acquire(session.as_mut(), false).await?;
        let result = self.run_leased(session.as_mut(), &mut lease, sources, options, info).await;
        self.release(session.as_mut(), lease).await;
        result
    }

    /// The report of a run when it begins.
    pub(super) fn begin_info(&self) -> Result<LoadInfo> {
        Ok(LoadInfo {
            pipeline: self.name.clone(),
            destination: self.destination.kind().to_owned(),
            location: self.location()?,
            dataset: self.dataset_place()?.name,
            warnings: self.notes.clone(),
            started_at: iso(self.env.now()),
            ..LoadInfo::default()
        })
    }

    /// Whether a run that failed with this error is to be tried again, after a pause. Errors: it was stopped meanwhile.
    async fn waits(&self, error: &Error, until: Instant) -> Result<bool> {
        if error.kind() != ErrorKind::Conflict || Instant::now() >= until {
            return Ok(false);
        }
        self.progress.set_stage("wait for another run");
        tokio::time::sleep(POLL).await;
        self.cancel.check()?;
        Ok(true)
    }

    async fn run_leased(
        &self,
        session: &mut dyn Session,
        lease: &mut Option<HeldLease>,
        sources: &[Box<dyn Source>],
        options: &RunOptions,
        info: &mut LoadInfo,
    ) -> Result<()> {
        self.progress.set_stage("sync");
        failpoint("run.sync")?;
        let (mut local, _) = self.sync(session).await?;
        info.first_run = local.state.local("first_run").and_then(Value::as_bool).unwrap_or(true);
        let (pending, damaged) = self.work.packages().unfinished()?;
        settle_damaged(session, damaged, info).await?;
        for package in pending {
            let Some(package) = self.settle_forgotten(session, package, &mut local, info).await? else {
                continue;
            };
            if is_outdated(session, &package, &local).await? {
                info.warnings.push(format!(
                    "package {} was given up: another run has loaded since its rows were extracted; they are extracted \
                     again",
                    package.load_id()
                ));
                self.work.give_up(package, self.env.now())?;
                continue;
            }
            let mut loaded = self.load(session, lease, package, &mut local).await?;
            loaded.was_pending = true;
            info.note_left_out(&loaded.left_out);
            info.packages.push(loaded);
        }
        for source in sources {
            let started = Instant::now();
            let Some((package, was_resumed)) =
                self.extract(source.as_ref(), options, &mut local, info).await?
            else {
                continue;
            };
            let extract_seconds = started.elapsed().as_secs_f64();
            crate::memory::give_back();
            let mut loaded = self.load(session, lease, package, &mut local).await?;
            loaded.extract_seconds = extract_seconds;
            loaded.was_resumed = was_resumed;
            info.note_left_out(&loaded.left_out);
            info.packages.push(loaded);
        }
        self.progress.set_stage("done");
        Ok(())
    }

    /// Gives a package back unless its journal was lost and its rows are at the destination: then what others have
    /// loaded since counts, and it is only noted.
    async fn settle_forgotten(
        &self,
        session: &mut dyn Session,
        mut package: LoadPackage,
        local: &mut LocalState,
        info: &mut LoadInfo,
    ) -> Result<Option<LoadPackage>> {
        if package.journal.is_started || !session.is_loaded(package.load_id()).await? {
            return Ok(Some(package));
        }
        package.record(JournalEntry::Committed { at: self.env.now() })?;
        info.warnings.push(format!(
            "package {} is not loaded once more: its journal was lost, and the destination has its rows",
            package.load_id()
        ));
        if package.state.version() > local.state.version() {
            self.work.save_schema(&package.schema)?;
            self.work.save_state(&package.state)?;
            local.schemas.insert(package.schema.name.clone(), package.schema.clone());
            local.state = package.state.clone();
        }
        if self.settings.delete_completed_jobs {
            package.remove_jobs()?;
        }
        Ok(None)
    }

    /// Loads a sealed package, commits it and keeps the state and schema that it brought.
    pub(super) async fn load(
        &self,
        session: &mut dyn Session,
        lease: &mut Option<HeldLease>,
        mut package: LoadPackage,
        local: &mut LocalState,
    ) -> Result<PackageInfo> {
        if lease.is_none() {
            *lease = self.acquire(session, true).await?;
        }
        self.progress.set_stage(format!("load {}", package.load_id()));
        self.progress.begin_jobs(package.manifest.jobs.len() as u64);
        let started = Instant::now();
        let mut info = PackageInfo::new(&package.manifest, &package.delta);
        let loaded = load::run(session, &mut package, &self.env, &self.progress, &self.cancel).await;
        info.statements = match loaded {
            Ok(statements) => statements,
            Err(error) => {
                return Err(self.explain(lease.as_ref(), error).await.and_hint(format!(
                    "the package {} is complete and will be loaded by the next run as it is, with the filters and hints \
                     that it was made with; `windlass pipeline drop-pending {}` gives it up, and the run after that \
                     reads its rows again",
                    package.load_id(),
                    self.name
                )));
            }
        };
        info.load_seconds = started.elapsed().as_secs_f64();
        self.work.save_schema(&package.schema)?;
        self.work.save_state(&package.state)?;
        if self.settings.delete_completed_jobs {
            package.remove_jobs()?;
        }
        local.schemas.insert(package.schema.name.clone(), package.schema);
        if package.has_new_state && local.remote.is_some() {
            local.remote = Some(package.state.mark());
        }
        local.state = package.state;
        Ok(info)
    }
}

/// Removes packages that cannot be read and were loaded all the same. Errors: one that was not loaded.
async fn settle_damaged(
    session: &mut dyn Session,
    damaged: Vec<DamagedPackage>,
    info: &mut LoadInfo,
) -> Result<()> {
    for package in damaged {
        if !session.is_loaded(package.load_id()).await? {
            return Err(package.into_error());
        }
        info.warnings.push(format!(
            "package {} could not be read any more and was removed: the destination has its rows",
            package.load_id()
        ));
        package.remove()?;
    }
    Ok(())
}

/// Whether another run has loaded since the rows of a package were extracted.
async fn is_outdated(session: &mut dyn Session, package: &LoadPackage, local: &LocalState) -> Result<bool> {
    let is_own = local.remote_load_id.as_deref() == Some(package.load_id());
    if is_own
        || !package.manifest.is_outdated(local.remote.as_ref().filter(|mark| **mark != StateMark::default()))
    {
        return Ok(false);
    }
    Ok(!session.is_loaded(package.load_id()).await?)
}
