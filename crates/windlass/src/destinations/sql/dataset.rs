//! Which statements a load needs and what is asked before it. Nothing here executes.

use std::collections::HashSet;

use windlass_core::file::FileFormat;
use windlass_core::merge::MergeStrategy;
use windlass_core::normalize::TypeDefaults;
use windlass_core::path_part::check_part;
use windlass_core::schema::{Schema, SystemNames, Table, state_table};
use windlass_core::sql::{
    Dialect, ExistingColumn, ExistingTables, LoadPlan, LoadTarget, MergeTarget, migration,
    replace_from_staging,
};
use windlass_core::system_row::SystemRow;
use windlass_core::{Error, ErrorKind, Result};

use crate::destination::{Capabilities, Dataset, ReplaceStrategy};
use crate::destinations::job_file::uncompressed_parquet;
use crate::env::time_of_load_id;
use crate::packages::LoadPackage;

/// A pipeline's tables in a SQL database.
#[derive(Clone, Debug)]
pub(super) struct SqlDataset {
    pub(super) dialect: &'static dyn Dialect,
    pub(super) name: String,
    /// The dataset that new rows go to before they replace others.
    pub(super) staging: String,
    names: SystemNames,
    place: Dataset,
    types: TypeDefaults,
    replace_strategy: ReplaceStrategy,
    /// What was found out for the load that is planned.
    planned: Planned,
}

/// What holds for the tables of a load that is planned, found out once: a load may have thousands.
#[derive(Clone, Debug, Default)]
struct Planned {
    /// Tables with columns that the schema of the load does not know.
    widened: HashSet<String>,
    /// Tables whose new rows go to staging first.
    staged: HashSet<String>,
    /// Those of them that take the place of the stored ones.
    swapped: HashSet<String>,
}

/// What a database has of one dataset.
#[derive(Clone, Debug, Default)]
pub(super) struct FoundDataset {
    /// Whether the dataset exists, with or without tables.
    pub(super) exists: bool,
    pub(super) tables: ExistingTables,
    /// Whether the version of the schema that is loaded was recorded.
    pub(super) has_version: bool,
}

impl FoundDataset {
    /// `stored` is the newest version of the schema that the dataset knows, if it is not the one that is loaded.
    ///
    /// Errors: it cannot be read.
    pub(super) fn new(
        exists: bool,
        mut tables: ExistingTables,
        has_version: bool,
        stored: Option<&str>,
    ) -> Result<Self> {
        let stored = stored.map(Schema::decode).transpose()?;
        keep_added_constraints(&mut tables, stored.as_ref());
        Ok(Self { exists, tables, has_version })
    }
}

/// Lets columns count as required only where the stored schema is the reason: a `NOT NULL` that somebody has added by hand
/// stays.
fn keep_added_constraints(tables: &mut ExistingTables, stored: Option<&Schema>) {
    for (name, columns) in tables {
        let stored = stored.and_then(|schema| schema.table(name));
        for column in columns.iter_mut().filter(|column| column.is_required) {
            let known = stored.and_then(|table| table.columns.get(&column.name));
            column.is_required = known.is_some_and(|known| !known.is_nullable());
        }
    }
}

/// What a database has before a load.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) main: FoundDataset,
    pub(super) staging: FoundDataset,
}

impl SqlDataset {
    /// Errors: a naming convention under which the engine's own tables cannot be told from others.
    pub(super) fn new(
        dialect: &'static dyn Dialect,
        place: &Dataset,
        staging_layout: &str,
        capabilities: &Capabilities,
    ) -> Result<Self> {
        let staging = staging_layout.replace("%s", &place.name);
        let staging = place.naming.table_identifier(&staging).unwrap_or(staging);
        check_part(ErrorKind::Config, "a staging dataset", &staging)?;
        Ok(Self {
            dialect,
            name: place.name.clone(),
            staging,
            names: SystemNames::new(&place.naming)?,
            place: place.clone(),
            types: capabilities.types,
            replace_strategy: capabilities.replace_strategy,
            planned: Planned::default(),
        })
    }

    fn column(&self, name: &str) -> Result<String> {
        Ok(self.dialect.quote(&self.place.naming.identifier(name)?))
    }

    /// Asks for the greatest load id of the dataset; `None` if there is no table of loads.
    pub(super) fn last_load_query(&self, tables: &ExistingTables) -> Result<Option<String>> {
        if !tables.contains_key(&self.names.loads_table) {
            return Ok(None);
        }
        let column = self.column("load_id")?;
        let loads = self.dialect.qualify(&self.name, &self.names.loads_table);
        // They are numbers as texts: those with more digits before the point are the greater ones.
        let digits = format!("{}({column}, '.')", self.dialect.facts().position_function);
        Ok(Some(format!("SELECT {column} FROM {loads} ORDER BY {digits} DESC, {column} DESC LIMIT 1")))
    }

    /// Asks for the newest state of the pipeline, which is the one with the highest version: a clock may have been set
    /// back between two loads. `None` if there is no table that could have it.
    pub(super) fn state_query(&self, tables: &ExistingTables) -> Result<Option<String>> {
        let state = self.column("state")?;
        self.newest_state(tables, &format!("s.{state}"))
    }

    /// Asks whether the rows of a package follow on the newest state of the pipeline, for a row if they do. `None` where
    /// they follow on whatever there is.
    pub(super) fn base_query(
        &self,
        package: &LoadPackage,
        tables: &ExistingTables,
    ) -> Result<Option<String>> {
        let Some(base) = &package.manifest.base else { return Ok(None) };
        let (version, hash) = (self.column("version")?, self.column("version_hash")?);
        let Some(newest) = self.newest_state(tables, &format!("s.{version}, s.{hash}"))? else {
            return Ok(None);
        };
        let is_other = format!(
            "newest.{version} <> {} OR newest.{hash} <> {}",
            base.version,
            self.dialect.literal(&base.hash)
        );
        Ok(Some(format!(
            "SELECT '1' FROM (SELECT count(*) AS others FROM ({newest}) AS newest WHERE {is_other}) AS counted \
             WHERE others = 0"
        )))
    }

    /// Selects columns of the newest state of the pipeline whose load was recorded, called `s`.
    fn newest_state(&self, tables: &ExistingTables, columns: &str) -> Result<Option<String>> {
        let names = &self.names;
        if !tables.contains_key(&names.state_table) || !tables.contains_key(&names.loads_table) {
            return Ok(None);
        }
        Ok(Some(format!(
            "SELECT {columns} FROM {states} AS s JOIN {loads} AS l ON l.{load_id} = s.{state_load_id} \
             WHERE s.{pipeline} = {name} AND l.{status} = 0 ORDER BY s.{version} DESC, l.{load_id} DESC LIMIT 1",
            version = self.column("version")?,
            states = self.dialect.qualify(&self.name, &names.state_table),
            loads = self.dialect.qualify(&self.name, &names.loads_table),
            load_id = self.column("load_id")?,
            state_load_id = self.dialect.quote(&names.load_id),
            pipeline = self.column("pipeline_name")?,
            name = self.dialect.literal(&self.place.pipeline),
            status = self.column("status")?,
        )))
    }

    /// Asks for the newest version of a schema; `None` if there is no table that could have it.
    pub(super) fn schema_query(&self, tables: &ExistingTables, schema: &str) -> Result<Option<String>> {
        if !tables.contains_key(&self.names.version_table) {
            return Ok(None);
        }
        Ok(Some(format!(
            "SELECT {} FROM {} WHERE {} = {} ORDER BY {} DESC, {} DESC LIMIT 1",
            self.column("schema")?,
            self.dialect.qualify(&self.name, &self.names.version_table),
            self.column("schema_name")?,
            self.dialect.literal(schema),
            self.column("version")?,
            self.column("inserted_at")?
        )))
    }

    /// Asks for the record of a load, of which there is a row or none; `None` if there is no table for it.
    pub(super) fn load_query(&self, tables: &ExistingTables, load_id: &str) -> Result<Option<String>> {
        if !tables.contains_key(&self.names.loads_table) {
            return Ok(None);
        }
        let column = self.column("load_id")?;
        let loads = self.dialect.qualify(&self.name, &self.names.loads_table);
        let load_id = self.dialect.literal(load_id);
        Ok(Some(format!("SELECT {column} FROM {loads} WHERE {column} = {load_id}")))
    }

    /// Asks whether a schema version was recorded in one of the datasets; `None` if there is no table for it.
    pub(super) fn version_query(
        &self,
        dataset: &str,
        tables: &ExistingTables,
        hash: &str,
    ) -> Result<Option<String>> {
        if !tables.contains_key(&self.names.version_table) {
            return Ok(None);
        }
        let column = self.column("version_hash")?;
        let table = self.dialect.qualify(dataset, &self.names.version_table);
        Ok(Some(format!("SELECT {column} FROM {table} WHERE {column} = {}", self.dialect.literal(hash))))
    }

    /// The statements that would bring the dataset up to a schema, of which it has stored another version.
    pub(super) fn preview(
        &self,
        schema: &Schema,
        mut tables: ExistingTables,
        stored: Option<&Schema>,
    ) -> Result<Vec<String>> {
        keep_added_constraints(&mut tables, stored);
        let all = schema.tables.values().map(AsRef::as_ref);
        migration(self.dialect, &self.name, all, &tables, &self.types, &self.names.prefix)
    }

    /// The tables whose new rows go to staging first: what is merged, and what is replaced if that is done so.
    pub(super) fn staged_tables(&self, package: &LoadPackage) -> Vec<String> {
        package.staged_tables(self.replace_strategy)
    }

    /// The dataset that the rows of a table go to, in the load that is planned.
    pub(super) fn dataset_of(&self, table: &str) -> &str {
        match self.planned.staged.contains(table) {
            true if self.planned.swapped.contains(table) => &self.staging,
            true => self.staged(),
            false => &self.name,
        }
    }

    /// The tables of the staging dataset that take the place of the stored ones.
    fn swapped(&self, package: &LoadPackage, widened: &HashSet<String>) -> HashSet<String> {
        if self.replace_strategy != ReplaceStrategy::StagingOptimized || !self.dialect.facts().moves_tables {
            return HashSet::new();
        }
        // A table that takes another's place would not have the columns that somebody added by hand.
        package.replaced_tables().into_iter().filter(|table| !widened.contains(table)).collect()
    }

    /// The dataset whose table has the columns of the one that the rows go to, in the load that is planned.
    pub(super) fn model_of(&self, table: &str) -> &str {
        if self.is_staged(table) { &self.staging } else { &self.name }
    }

    /// Whether the rows of a table are staged to be merged, in the load that is planned.
    pub(super) fn is_staged(&self, table: &str) -> bool {
        self.planned.staged.contains(table)
    }

    /// A table of a package. Errors: the schema does not have it.
    pub(super) fn table_of(&self, package: &LoadPackage, table: &str) -> Result<Table> {
        match package.schema.table(table) {
            Some(table) => Ok(table.clone()),
            // The schema of a second source has none.
            None if table == self.names.state_table => state_table(&self.place.naming),
            None => Err(Error::internal("a table is not in the schema").at_table(table)),
        }
    }

    /// Where staged rows are.
    fn staged(&self) -> &str {
        let facts = self.dialect.facts();
        facts.temporary_dataset.filter(|_| facts.stages_in_temporary_tables).unwrap_or(&self.staging)
    }

    /// What is executed before the rows of a package come. Its commit is planned for the same package.
    pub(super) fn plan(&mut self, package: &LoadPackage, mut found: Found, now: i64) -> Result<LoadPlan> {
        let load = LoadTarget {
            dialect: self.dialect,
            types: &self.types,
            schema: &package.schema,
            names: &self.names,
            naming: &self.place.naming,
            now,
        };
        let (tables, staged) = (package.migrated_tables(), self.staged_tables(package));
        let truncated = package.emptied_tables(self.replace_strategy);
        let dropped = &package.manifest.dropped;
        let drops = load.drop_tables(&self.name, dropped, &mut found.main.tables)?;
        let widened = widened(&package.schema, &found.main.tables);
        let swapped = self.swapped(package, &widened);
        self.planned = Planned { widened, staged: staged.iter().cloned().collect(), swapped };
        let has_version = found.main.has_version && dropped.is_empty();
        let mut plan = load.plan(&self.name, &tables, &truncated, &found.main.tables, has_version)?;
        plan.drops = drops;
        self.forget_creation(&mut plan, &self.name, found.main.exists);
        plan.ddl.extend(self.state_of_another_schema(package, &found.main.tables)?);
        if !dropped.is_empty() && !found.staging.tables.is_empty() {
            plan.drops.extend(load.drop_tables(&self.staging, dropped, &mut found.staging.tables)?);
        }
        if !staged.is_empty() {
            let has_version = found.staging.has_version && dropped.is_empty();
            let (existing, swapped) = (&found.staging.tables, &self.planned.swapped);
            let has_records = !package.manifest.newest.is_empty();
            let mut next =
                load.plan_staging(&self.staging, &staged, swapped, existing, has_version, has_records)?;
            self.forget_creation(&mut next, &self.staging, found.staging.exists);
            plan.extend(next);
        }
        Ok(plan)
    }

    /// What makes the table of the state, should it be missing: the schema of a second source has none.
    fn state_of_another_schema(
        &self,
        package: &LoadPackage,
        existing: &ExistingTables,
    ) -> Result<Vec<String>> {
        let has_state = package.manifest.jobs.iter().any(|job| job.table == self.names.state_table);
        if !has_state || package.schema.table(&self.names.state_table).is_some() {
            return Ok(Vec::new());
        }
        let table = state_table(&self.place.naming)?;
        migration(self.dialect, &self.name, [&table], existing, &self.types, &self.names.prefix)
    }

    /// Who may not create datasets may still load into one that somebody created.
    fn forget_creation(&self, plan: &mut LoadPlan, dataset: &str, exists: bool) {
        if exists {
            let creation = self.dialect.create_dataset(dataset);
            plan.ddl.retain(|statement| Some(statement) != creation.as_ref());
        }
    }

    /// How the rows of a package are merged. `unique`: root tables whose staged rows have keys of their own.
    fn merge_target<'a>(&'a self, package: &'a LoadPackage, unique: &'a HashSet<String>) -> MergeTarget<'a> {
        MergeTarget {
            dialect: self.dialect,
            dataset: &self.name,
            staging: self.staged(),
            schema: &package.schema,
            names: &self.names,
            types: &self.types,
            loaded_at: time_of_load_id(package.load_id()),
            widened: &self.planned.widened,
            unique,
            newest: &package.manifest.newest,
        }
    }

    /// Lets the database look at what was staged, before it is asked and merged.
    pub(super) fn look_at_staged(&self, package: &LoadPackage) -> Vec<String> {
        package.merged_tables().iter().filter_map(|table| self.dialect.analyze_staged(table)).collect()
    }

    /// Root tables that are merged, each with a query that has a row if two of its staged rows have the same key.
    pub(super) fn duplicate_queries(&self, package: &LoadPackage) -> Result<Vec<(String, String)>> {
        let nothing_known = HashSet::new();
        let merge = self.merge_target(package, &nothing_known);
        let queries =
            package.merged_roots().into_iter().map(|root| Ok((merge.duplicate_query(&root)?, root)));
        let queries = queries.collect::<Result<Vec<_>>>()?.into_iter();
        Ok(queries.filter_map(|(query, root)| Some((root, query?))).collect())
    }

    /// What makes the rows count: those of staging move over, and the load is recorded. `unique` are the tables whose
    /// query of [`Self::duplicate_queries`] has no row.
    pub(super) fn commit_statements(
        &self,
        package: &LoadPackage,
        unique: &HashSet<String>,
        now: i64,
    ) -> Result<Vec<String>> {
        let schema = &package.schema;
        let mut statements = Vec::new();
        if self.replace_strategy.is_staged() {
            let replaced = package.replaced_tables();
            let tables = replaced.iter().filter_map(|table| schema.table(table));
            let (swapped, filled): (Vec<_>, Vec<_>) =
                tables.partition(|table| self.planned.swapped.contains(&table.name));
            statements.extend(
                swapped.iter().flat_map(|table| {
                    self.dialect.replace_by_staging(&self.name, &self.staging, &table.name)
                }),
            );
            statements.extend(replace_from_staging(self.dialect, &self.name, self.staged(), &filled));
        }
        let merge = self.merge_target(package, unique);
        for root in package.merged_roots() {
            statements.extend(merge.statements(&root)?);
        }
        if !self.dialect.facts().stages_in_temporary_tables {
            // Rows that were staged and deleted in one transaction need not stay on the disk.
            let merged = package.merged_tables();
            statements.extend(merged.iter().map(|table| self.dialect.empty_table(&self.staging, table)));
        }
        let row = SystemRow::Load {
            load_id: package.load_id(),
            schema_name: &package.manifest.schema_name,
            inserted_at: now,
            schema_version_hash: &package.manifest.schema_hash,
        };
        statements.push(row.to_sql(self.dialect, &self.name, &self.place.naming)?);
        Ok(statements)
    }
}

/// The tables that have columns which the schema does not know.
fn widened(schema: &Schema, existing: &ExistingTables) -> HashSet<String> {
    let is_widened = |(name, columns): &(&String, &Vec<ExistingColumn>)| {
        let Some(table) = schema.table(name) else { return false };
        let known: HashSet<String> = table.columns.keys().map(|column| column.to_ascii_lowercase()).collect();
        !columns.iter().all(|column| known.contains(&column.name.to_ascii_lowercase()))
    };
    existing.iter().filter(is_widened).map(|(name, _)| name.clone()).collect()
}

/// Name of the staging dataset; `%s` stands for the dataset.
pub(in crate::destinations) const DEFAULT_STAGING_LAYOUT: &str = "%s_staging";

/// Checks the layout of the staging dataset's name and gives it, or the default. Errors: it names the dataset itself.
pub(in crate::destinations) fn staging_layout(layout: Option<&str>) -> Result<String> {
    match layout {
        None => Ok(DEFAULT_STAGING_LAYOUT.to_owned()),
        Some("%s") => Err(Error::config(
            "staging_dataset_name_layout `%s` gives the staging dataset the name of the dataset",
        )
        .with_hint("use something like `%s_staging`")),
        Some(layout) => Ok(layout.to_owned()),
    }
}

/// What SQL databases have in common; names and types are for each to say.
pub(in crate::destinations) fn sql_capabilities(max_identifier_length: usize) -> Capabilities {
    Capabilities {
        formats: vec![FileFormat::Parquet],
        file_options: uncompressed_parquet(),
        max_identifier_length,
        counts_identifier_bytes: false,
        has_case_sensitive_identifiers: false,
        // Databases round to the precision of a column when they load; a file that cuts digits off before would differ.
        types: TypeDefaults {
            ignores_time_precision: true,
            max_decimal_precision: 38,
            ..TypeDefaults::default()
        },
        merge_strategies: MergeStrategy::ALL.to_vec(),
        takes_sql_conditions: true,
        replace_strategy: ReplaceStrategy::TruncateAndInsert,
        normalizes_dataset_name: true,
        merge_falls_back_to_append: false,
        warnings: Vec::new(),
    }
}
