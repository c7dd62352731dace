//! What a run would do, found out from a sample without changing anything.

use indexmap::IndexMap;
use serde::Serialize;
use windlass_core::package::Made;
use windlass_core::schema::{SchemaDelta, SystemNames};
use windlass_core::{Error, Result};

use super::local_state::LocalState;
use super::read::left_unread;
use super::report::schema_update;
use super::warnings::{changed_types, left_in_json, left_without_type, of_several, overwritten};
use super::{Pipeline, RunOptions, keys};
use crate::destination::Session;
use crate::source::{Limit, Source};

/// What a run would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The pipeline.
    pub pipeline: String,
    /// Kind of the destination.
    pub destination: String,
    /// Where it is.
    pub location: String,
    /// Normalized name of the dataset.
    pub dataset: String,
    /// Records that were read of each resource at most; `None` if all were read.
    pub sample: Option<u64>,
    /// Packages of earlier runs that would be loaded first.
    pub pending: Vec<String>,
    /// New tables, and tables with new columns, by name.
    pub tables: IndexMap<String, TablePlan>,
    /// Statements that would change the destination's tables.
    pub statements: Vec<String>,
    /// Tables whose rows would be deleted and replaced.
    pub replaced: Vec<String>,
    /// Tables that would be dropped by a refresh.
    pub dropped: Vec<String>,
    /// Rows and values of the sample that contracts would leave out, by table.
    pub left_out: IndexMap<String, u64>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What would become of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TablePlan {
    /// Whether the table is new.
    pub is_new: bool,
    /// The table whose rows hold its lists.
    pub parent: Option<String>,
    /// New columns as `name: type`.
    pub columns: Vec<String>,
    /// Rows of the sample.
    pub sample_rows: u64,
}

impl Plan {
    /// Whether a run would change tables or delete rows.
    pub fn has_changes(&self) -> bool {
        !(self.tables.is_empty()
            && self.statements.is_empty()
            && self.replaced.is_empty()
            && self.dropped.is_empty()
            && self.pending.is_empty())
    }
}

impl Pipeline {
    /// Reads a sample of all sources and the destination's schema, and tells what a run would change.
    ///
    /// `sample` is the number of records of each resource at most; `None` reads all. Errors: those that the run would
    /// end with.
    pub async fn plan(
        &self,
        sources: &[Box<dyn Source>],
        options: &RunOptions,
        sample: Option<u64>,
    ) -> Result<Plan> {
        let mut session = self.connect().await?;
        let local = self.local_state(session.as_mut()).await?.0;
        let (pending, damaged) = self.work.packages().unfinished()?;
        let mut plan = Plan {
            pipeline: self.name.clone(),
            destination: self.destination.kind().to_owned(),
            location: self.location()?,
            dataset: self.dataset_place()?.name,
            warnings: [
                self.notes.clone(),
                damaged.into_iter().map(|package| package.into_error().to_string()).collect(),
            ]
            .concat(),
            sample,
            pending: pending.iter().map(|package| package.load_id().to_owned()).collect(),
            ..Plan::default()
        };
        let limit = match (sample, options.limit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let options = RunOptions { limit, ..options.clone() };
        for source in sources {
            Box::pin(self.plan_source(source.as_ref(), &local, &options, session.as_mut(), &mut plan))
                .await?;
        }
        Ok(plan)
    }

    async fn plan_source(
        &self,
        source: &dyn Source,
        local: &LocalState,
        options: &RunOptions,
        session: &mut dyn Session,
        plan: &mut Plan,
    ) -> Result<()> {
        let stored = local.schemas.get(source.name()).cloned();
        let mut prepared = self.prepare(source, stored, options).await?;
        plan.warnings.append(&mut prepared.warnings);
        plan.warnings.extend(prepared.repeats(source, false));
        // A sample is not to ask for the children of all parents.
        for entry in prepared.resources.iter_mut().filter(|entry| entry.resource.parent.is_some()) {
            if let (Some(limit), None) = (options.limit, entry.resource.limit) {
                entry.resource.limit = Some(Limit::Records(limit));
            }
        }
        let names = SystemNames::new(&prepared.naming)?;
        let mut state = self.next_state(local, source.name(), &prepared.reset);
        if let Some(refreshed) = &prepared.refreshed {
            refreshed.forget(&mut state, source.name());
        }
        let resources = prepared.resources.clone();
        let extracted = self.read_prepared(source, &mut prepared, &state).await?;
        plan.warnings.extend(extracted.notices.iter().cloned());
        plan.warnings.extend(left_unread(&extracted));
        plan.warnings.extend(left_without_type(&extracted, &prepared.schema));
        plan.warnings.extend(left_in_json(&extracted));
        plan.warnings.extend(overwritten(&extracted));
        plan.warnings.extend(changed_types(&extracted));
        plan.warnings.extend(of_several(&extracted));
        let schema = &extracted.state.schema;
        let keys = keys::check(schema, &extracted.made, &resources, &names, &prepared.naming);
        plan.warnings.extend(keys.or_else(|error| of_sample(error, &extracted.made, options.limit))?);
        crate::load::verify(schema, self.destination.capabilities())?;
        let delta = SchemaDelta::between(prepared.stored.as_ref(), schema);
        for (table, columns) in schema_update(&delta) {
            if table.starts_with(&names.prefix) {
                continue;
            }
            let known = prepared.stored.as_ref().and_then(|schema| schema.table(&table));
            let entry = TablePlan {
                is_new: known.is_none_or(windlass_core::schema::Table::is_new),
                parent: schema.table(&table).and_then(|table| table.parent.clone()),
                columns,
                sample_rows: extracted.made.rows.get(&table).copied().unwrap_or(0),
            };
            plan.tables.insert(table, entry);
        }
        plan.statements.extend(session.plan(schema).await?);
        for root in &prepared.replaced {
            let chain = schema.chain(root).into_iter().filter(|table| table.normalizer_flag("seen-data"));
            plan.replaced.extend(chain.map(|table| table.name.clone()));
        }
        if let Some(refreshed) = prepared.refreshed {
            plan.dropped.extend(refreshed.dropped);
            plan.replaced.extend(refreshed.emptied);
        }
        let discarded = extracted.made.discarded;
        let discarded = [discarded.rows, discarded.values];
        for (table, count) in discarded.into_iter().flatten() {
            *plan.left_out.entry(table).or_default() += count;
        }
        Ok(())
    }
}

/// The error as a warning if the table has records beyond the sample, which may have what those of the sample have not.
fn of_sample(error: Error, made: &Made, limit: Option<u64>) -> Result<Vec<String>> {
    let rows = error.place().table.as_ref().and_then(|table| made.rows.get(table)).copied();
    match rows.zip(limit) {
        Some((rows, limit)) if rows >= limit => Ok(vec![format!(
            "{error}, as far as the sample goes; a run is refused if it is so of all of them"
        )]),
        _ => Err(error),
    }
}
