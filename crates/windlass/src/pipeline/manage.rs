//! What can be done with a pipeline beside running it: giving up packages, dropping tables.

use std::sync::Arc;

use regex::Regex;
use serde::Serialize;
use serde_json::Value;
use windlass_core::normalize::SchemaState;
use windlass_core::package::PackageManifest;
use windlass_core::schema::{Schema, SchemaDelta, SystemNames};
use windlass_core::{Error, Result};

use super::lease::HeldLease;
use super::local_state::{Change, LocalState};
use super::{PackageInfo, Pipeline};
use crate::destination::Session;
use crate::packages::PackageContent;

/// What is to be dropped.
#[derive(Clone, Debug, Default)]
pub struct DropSelection {
    /// Names of resources, or patterns that start with `re:`.
    pub resources: Vec<String>,
    /// Whether all resources are meant.
    pub all: bool,
    /// The schema; the default one when left out.
    pub schema: Option<String>,
    /// Whether tables stay and only the state is forgotten.
    pub state_only: bool,
}

/// What dropping would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DropPlan {
    /// The schema.
    pub schema: String,
    /// The resources that were selected.
    pub resources: Vec<String>,
    /// Tables that are dropped at the destination and in the schema, nested ones first.
    pub tables: Vec<String>,
    /// Resources whose state is forgotten.
    pub state: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl DropPlan {
    /// Whether nothing was selected.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.state.is_empty()
    }
}

impl Pipeline {
    /// Brings state and schemas of the working folder up to what the destination knows; tells what changed.
    ///
    /// Errors: a run is under way; the destination.
    pub async fn sync_destination(&self) -> Result<Change> {
        let _lock = self.work.lock()?;
        let mut session = self.connect().await?;
        Ok(self.sync(session.as_mut()).await?.1)
    }

    /// What dropping would do; nothing is changed. Errors: there is no such schema; a pattern that is none.
    pub async fn plan_drop(&self, selection: &DropSelection) -> Result<DropPlan> {
        let mut session = self.connect().await?;
        let (local, _) = self.local_state(session.as_mut()).await?;
        self.drop_plan(selection, &local).map(|(plan, _)| plan)
    }

    /// Drops tables and forgets state, as one load.
    ///
    /// Errors: packages are pending; the destination.
    pub async fn drop_resources(&self, selection: &DropSelection) -> Result<(DropPlan, Option<PackageInfo>)> {
        let _lock = self.work.lock()?;
        if let Some(package) = self.work.packages().pending_whole()?.first() {
            return Err(Error::conflict(format!("the package {} is not loaded yet", package.load_id()))
                .with_hint(format!("run the pipeline, or `windlass pipeline drop-pending {}`", self.name)));
        }
        let mut session = self.connect().await?;
        let mut lease = self.acquire(session.as_mut(), false).await?;
        let result = self.drop_leased(session.as_mut(), &mut lease, selection).await;
        self.release(session.as_mut(), lease).await;
        result
    }

    async fn drop_leased(
        &self,
        session: &mut dyn Session,
        lease: &mut Option<HeldLease>,
        selection: &DropSelection,
    ) -> Result<(DropPlan, Option<PackageInfo>)> {
        let (mut local, _) = self.sync(session).await?;
        let (plan, schema) = self.drop_plan(selection, &local)?;
        if plan.is_empty() {
            return Ok((plan, None));
        }
        let writer = self.work.packages().create(&self.env.new_load_id())?;
        let mut state = local.state.clone();
        for resource in &plan.state {
            state.reset_resource(&plan.schema, resource);
        }
        let naming = self.naming(Some(schema.convention()?))?;
        let names = SystemNames::new(&naming)?;
        let mut grown = Arc::new(SchemaState::new(schema.clone()));
        let mut jobs = Vec::new();
        let mut row_counts = std::collections::BTreeMap::new();
        let is_second = local.state.default_schema_name().is_some_and(|name| name != schema.name);
        if schema.table(&names.state_table).is_some() || is_second {
            let normalize = self.normalize_settings(&schema, naming, writer.load_id())?;
            let formats = self.table_formats(&schema)?;
            (grown, jobs) = self.write_state(&mut state, normalize, &grown, formats, &writer)?;
            row_counts.insert(names.state_table, 1);
        }
        let mut schema = grown.schema.clone();
        let content = self.content(&mut schema, None, jobs, row_counts, Vec::new(), &writer)?;
        let manifest =
            PackageManifest { base: local.remote.clone(), dropped: plan.tables.clone(), ..content };
        let content =
            PackageContent { manifest, schema, delta: SchemaDelta::default(), state, has_new_state: true };
        let package = writer.seal(&content)?;
        let info = self.load(session, lease, package, &mut local).await?;
        Ok((plan, Some(info)))
    }

    /// The error for a schema that is not there.
    fn no_schema(&self, name: &str, local: &LocalState) -> Error {
        let what = if name.is_empty() { "no schema yet".to_owned() } else { format!("no schema `{name}`") };
        let hint = match local.schemas.is_empty() {
            true => "run it first: its first run makes the tables",
            false => "`windlass pipeline info NAME` shows what it has",
        };
        Error::config(format!("pipeline `{}` has {what}", self.name)).with_hint(hint)
    }

    /// The plan, and the schema without the tables.
    fn drop_plan(&self, selection: &DropSelection, local: &LocalState) -> Result<(DropPlan, Schema)> {
        let default = local.state.default_schema_name().map(str::to_owned);
        let name = selection.schema.clone().or(default).unwrap_or_default();
        let schema = local.schemas.get(&name).ok_or_else(|| self.no_schema(&name, local))?;
        let naming = self.naming(Some(schema.convention()?))?;
        let prefix = SystemNames::new(&naming)?.prefix;
        let mut resources: Vec<String> = schema
            .data_tables(&prefix)
            .filter(|table| table.parent.is_none())
            .map(|table| schema.resource_of(&table.name).to_owned())
            .collect();
        let state = local.state.to_json();
        let with_state = state.pointer(&format!("/sources/{name}/resources")).and_then(Value::as_object);
        resources.extend(with_state.into_iter().flat_map(|map| map.keys().cloned()));
        resources.sort();
        resources.dedup();
        let mut plan = DropPlan { schema: name, ..DropPlan::default() };
        for wanted in &selection.resources {
            let matches: Vec<String> = match wanted.strip_prefix("re:") {
                None => resources.iter().filter(|resource| *resource == wanted).cloned().collect(),
                Some(pattern) => {
                    let pattern = Regex::new(pattern).map_err(|cause| {
                        Error::config(format!("`{pattern}` is not a regular expression")).with_source(cause)
                    })?;
                    resources.iter().filter(|resource| pattern.is_match(resource)).cloned().collect()
                }
            };
            if matches.is_empty() {
                plan.warnings.push(format!(
                    "`{wanted}` selects nothing; the resources of schema {} are {}",
                    plan.schema,
                    resources.join(", ")
                ));
            }
            plan.resources.extend(matches);
        }
        if selection.all {
            plan.resources = resources;
        }
        plan.resources.sort();
        plan.resources.dedup();
        plan.state = plan
            .resources
            .iter()
            .filter(|resource| with_state.is_some_and(|map| map.contains_key(*resource)))
            .cloned()
            .collect();
        let mut without = schema.clone();
        if !selection.state_only {
            let mut tables: Vec<_> = schema
                .data_tables(&prefix)
                .filter(|table| plan.resources.iter().any(|name| name == schema.resource_of(&table.name)))
                .map(|table| (schema.ancestry(&table.name).count(), table))
                .collect();
            tables.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
            for (_, table) in tables {
                without.remove_tables([table.name.as_str()]);
                if table.normalizer_flag("seen-data") {
                    plan.tables.push(table.name.clone());
                }
            }
        }
        Ok((plan, without))
    }
}
