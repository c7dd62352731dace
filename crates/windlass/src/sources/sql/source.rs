//! The source: which tables there are, what is said about them, and their readers.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};
use windlass_core::incremental::{Guard, IncrementalOptions, RowOrder};
use windlass_core::{Error, Result};

use super::address::Address;
use super::catalog::{Relation, TableShape};
use super::config::{SqlOptions, SqlResourceOptions};
use super::connections::Connections;
use super::cursor::{add_number, declared_number, is_declared_moment, limit, reach_of_texts};
use super::database::{Database, Dialect};
use super::open::{OpenOptions, open};
use super::partitions;
use super::query::{Direction, bare};
use super::reader::TableRead;
use super::sql_type::SqlType;
use super::stored_form::StoredForm;
use super::table::{PlannedTable, expand, explain, unindexed};
use crate::config::{parse_options, unknown_name};
use crate::source::{Extractor, Limit, Opening, Resource, Source, SourceContext, SourceSettings};
use crate::sources::SourceParts;

/// Connections that rows are read over when nobody says otherwise.
const MAX_CONNECTIONS: usize = 8;

/// Tables and queries of one database.
#[derive(Debug)]
pub struct SqlSource {
    name: String,
    settings: SourceSettings,
    address: Address,
    options: SqlOptions,
    /// Entries of the file; a name may be a pattern.
    entries: Vec<(Resource, SqlResourceOptions)>,
    database: OnceCell<Arc<dyn Database>>,
    connections: Arc<Connections>,
    /// What is read, by the names of the resources.
    planned: Mutex<IndexMap<String, Arc<PlannedTable>>>,
    /// How the values of cursors are stored, where somebody looked; the chunks of a backfill look once.
    forms: Mutex<HashMap<String, StoredForm>>,
}

impl SqlSource {
    /// Errors: options that are wrong, no credentials, a kind of database that there is no client for.
    pub fn new(parts: SourceParts) -> Result<Self> {
        let options: SqlOptions = parse_options("source", parts.options)?;
        let credentials = options.credentials.as_ref().ok_or_else(|| {
            Error::config("the sql_database source has no credentials").with_hint(
                "set source.credentials to a URL such as postgresql://user:password@host/database, or \
                 sources.sql_database.credentials in .windlass/secrets.toml",
            )
        })?;
        let mut address = credentials.address()?;
        let arguments = options.engine_kwargs.as_ref().and_then(|options| options.get("connect_args"));
        for (key, value) in arguments.and_then(Value::as_object).into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            address.query.entry(key.clone()).or_insert(text);
        }
        let entry = |(resource, own): (Resource, Value)| -> Result<_> {
            let what = format!("source.resources.{}", resource.name);
            let own: SqlResourceOptions = parse_options(&what, own)?;
            let problem = match (&own.query, &own.table) {
                (Some(_), Some(_)) => Some("`query` and `table` exclude each other"),
                (Some(query), _) if bare(query).is_empty() => Some("`query` is empty"),
                _ => None,
            };
            if let Some(problem) = problem {
                return Err(Error::config(problem)
                    .with_hint("name a table, or write a query that gives rows")
                    .at_resource(resource.name));
            }
            Ok((resource, own))
        };
        let connections =
            Connections::new(options.max_connections.map_or(MAX_CONNECTIONS, NonZeroUsize::get));
        Ok(Self {
            name: parts.name,
            settings: parts.settings,
            address,
            options,
            entries: parts.resources.into_iter().map(entry).collect::<Result<_>>()?,
            database: OnceCell::new(),
            connections,
            planned: Mutex::default(),
            forms: Mutex::default(),
        })
    }

    /// The database; opened when it is needed first.
    pub async fn database(&self, folder: &Path) -> Result<Arc<dyn Database>> {
        let database = self.database.get_or_try_init(|| async {
            let address = self.address.clone().relative_to(folder)?;
            open(
                &address,
                &OpenOptions { folder: folder.to_owned(), invalid_values: self.options.invalid_values },
            )
        });
        database.await.cloned()
    }

    /// The entries as resources of one table each, with the table.
    async fn tables(&self, database: &dyn Database) -> Result<Vec<(Resource, SqlResourceOptions)>> {
        let mut listed: IndexMap<Option<String>, Vec<Relation>> = IndexMap::new();
        let mut names: IndexMap<Option<String>, Vec<(usize, String)>> = IndexMap::new();
        for (index, (resource, own)) in
            self.entries.iter().enumerate().filter(|(_, (_, own))| own.query.is_none())
        {
            let table = own.table.clone().unwrap_or_else(|| resource.name.clone());
            names.entry(self.schema(own)).or_default().push((index, table));
        }
        let mut found: Vec<(usize, String)> = Vec::new();
        for (schema, entries) in names {
            let relations = match listed.get(&schema) {
                Some(relations) => relations.clone(),
                None => database.relations(schema.as_deref()).await?,
            };
            let patterns: Vec<(String, bool)> =
                entries.iter().map(|(_, name)| (name.clone(), self.options.include_views)).collect();
            for (entry, name) in expand(&patterns, &relations, database.location())? {
                // A partition is no relation of its own, but may be named.
                if !relations.iter().any(|relation| relation.name == name)
                    && database.reflect(schema.as_deref(), std::slice::from_ref(&name)).await?.is_empty()
                {
                    let known = relations.iter().map(|relation| relation.name.as_str());
                    return Err(unknown_name("table", &name, known).at_table(&name));
                }
                found.extend(entries.get(entry).map(|(index, _)| (*index, name)));
            }
            listed.insert(schema, relations);
        }
        let mut tables = Vec::new();
        for (index, (resource, own)) in self.entries.iter().enumerate() {
            if own.query.is_some() {
                tables.push((resource.clone(), own.clone()));
            }
            for (_, table) in found.iter().filter(|(entry, _)| *entry == index) {
                let named = own.table.clone().unwrap_or_else(|| resource.name.clone());
                let is_expanded = named != *table;
                let name = if is_expanded { table.clone() } else { resource.name.clone() };
                let own = SqlResourceOptions { table: Some(table.clone()), ..own.clone() };
                tables.push((Resource { name, ..resource.clone() }, own));
            }
        }
        Ok(tables)
    }

    fn schema(&self, own: &SqlResourceOptions) -> Option<String> {
        own.table_options.schema.clone().or_else(|| self.options.table.schema.clone())
    }

    /// The catalogue's descriptions, by schema and name.
    async fn shapes(
        &self,
        database: &dyn Database,
        tables: &[(Resource, SqlResourceOptions)],
    ) -> Result<IndexMap<(Option<String>, String), TableShape>> {
        let mut names: IndexMap<Option<String>, Vec<String>> = IndexMap::new();
        for (_, own) in tables {
            let wanted = names.entry(self.schema(own)).or_default();
            wanted.extend(own.table.clone().filter(|table| !wanted.contains(table)));
        }
        let mut shapes = IndexMap::new();
        for (schema, names) in names {
            for mut shape in database.reflect(schema.as_deref(), &names).await? {
                shape.schema.clone_from(&schema);
                shapes.insert((schema.clone(), shape.name.clone()), shape);
            }
        }
        Ok(shapes)
    }

    /// What is read of one table or query.
    async fn plan(
        &self,
        database: &dyn Database,
        resource: &Resource,
        own: SqlResourceOptions,
        shapes: &IndexMap<(Option<String>, String), TableShape>,
    ) -> Result<PlannedTable> {
        let shape = match (&own.query, &own.table) {
            (Some(query), _) => TableShape {
                schema: None,
                name: resource.name.clone(),
                is_view: true,
                columns: database.describe(bare(query)).await?,
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
                indexed: Vec::new(),
            },
            (None, table) => {
                let table = table.clone().unwrap_or_else(|| resource.name.clone());
                let key = (self.schema(&own), table);
                shapes.get(&key).cloned().ok_or_else(|| {
                    let known = shapes.keys().map(|(_, name)| name.as_str());
                    unknown_name("table", &key.1, known)
                })?
            }
        };
        let mut planned = PlannedTable::new(&resource.name, own, &self.options.table, shape)?;
        if planned.needs_description() {
            let described = database.describe(&planned.select().sql(database.dialect())).await?;
            planned.describe(described);
        }
        let cursor = resource.incremental.as_ref().and_then(IncrementalOptions::column);
        planned.nest(database.dialect(), cursor.as_deref());
        planned.adapt(database);
        Ok(planned)
    }

    /// What the file says of all tables.
    fn with_defaults(&self, mut resource: Resource) -> Resource {
        let hints = &mut resource.hints;
        hints.write_disposition = hints.write_disposition.take().or(self.options.write_disposition.clone());
        hints.primary_key = hints.primary_key.take().or(self.options.primary_key.clone());
        hints.merge_key = hints.merge_key.take().or(self.options.merge_key.clone());
        resource
    }
}

#[async_trait]
impl Source for SqlSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn settings(&self) -> SourceSettings {
        self.settings.clone()
    }

    fn asks_what_there_is(&self) -> bool {
        true
    }

    async fn resources(&self, context: &SourceContext) -> Result<Vec<Resource>> {
        let database = self.database(&context.folder).await?;
        let tables = self.tables(database.as_ref()).await?;
        let shapes = self.shapes(database.as_ref(), &tables).await?;
        let mut planned = IndexMap::new();
        let mut resources = Vec::new();
        for (resource, own) in tables {
            let name = resource.name.clone();
            let named = |error: Error| error.at_resource(&name);
            let mut resource = self.with_defaults(resource);
            let table = self.plan(database.as_ref(), &resource, own, &shapes).await.map_err(named)?;
            table.declare(&mut resource).map_err(named)?;
            resource.has_typed_records = resource.steps.is_empty();
            // Batches may be smaller than chunks, so that pages say nothing about the number of chunks.
            if let Some(Limit::Pages(chunks)) = resource.limit {
                resource.limit =
                    Some(Limit::Records(chunks.saturating_mul(table.options.chunk_rows() as u64)));
            }
            if planned.insert(resource.name.clone(), Arc::new(table)).is_some() {
                return Err(Error::config(format!("two resources have the name `{}`", resource.name))
                    .with_hint("give one of them another `name`, and its table as `table`"));
            }
            resources.push(resource);
        }
        *self.planned.lock().await = planned;
        Ok(resources)
    }

    fn sorts_by_cursor(&self) -> bool {
        true
    }

    fn identity(&self) -> Option<Value> {
        let entries: Vec<String> = self.entries.iter().map(|(_, own)| format!("{own:?}")).collect();
        Some(json!({
            "location": self.address.location(),
            "options": format!("{:?}", self.options.table),
            "entries": entries,
        }))
    }

    fn remedy_for_repeats(&self, _: &Resource) -> Option<String> {
        Some("set `incremental: {cursor_path: …}` to load only what is new".to_owned())
    }

    async fn open(&self, resource: &Resource, opening: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        let database = self.database(&opening.folder).await?;
        let planned = self.planned.lock().await.get(&resource.name).cloned();
        let mut table = planned.ok_or_else(|| Error::internal("a resource is not of this source"))?;
        let dialect = database.dialect();
        let mut select = table.select();
        let mut notices = Vec::new();
        let (mut cursor, mut form) = (None, StoredForm::Unknown);
        if let Some(options) = &resource.incremental {
            let mut column = table.cursor(options)?.clone();
            let range = opening.cursor.clone().unwrap_or_default();
            let start = range.start_value.as_ref().or(range.initial_value.as_ref());
            let ends = (start, range.end_value.as_ref());
            // As `declare` has left it.
            let direction = options.row_order.map(|order| match order {
                RowOrder::Asc => Direction::Asc,
                RowOrder::Desc => Direction::Desc,
            });
            let before = select.conditions.len();
            let is_declared = is_declared_moment(resource, &column);
            if let Some(declared) = declared_number(resource, &column) {
                if direction.is_some() {
                    return Err(unknown_order(&column.name, "numbers").at_table(&table.shape.name));
                }
                column = add_number(dialect, &mut select, &column, declared);
                // What holds of the table's rows does not hold of the query's.
                Arc::make_mut(&mut table).shape.is_view = true;
            }
            if is_declared && dialect != Dialect::Sqlite {
                if direction.is_some() {
                    return Err(unknown_order(&column.name, "timestamps").at_table(&table.shape.name));
                }
                select.conditions.extend(reach_of_texts(dialect, options, &column, start));
            } else {
                if is_declared {
                    column.sql_type = SqlType::Timestamp { has_zone: false, digits: 6 };
                }
                let known = self.forms.lock().await.get(&resource.name).copied();
                let select = &mut select;
                form =
                    limit(&*database, select, options, &column, direction, ends, known, &mut notices).await?;
                self.forms.lock().await.insert(resource.name.clone(), form);
            }
            let needs_index = select.conditions.len() > before || direction.is_some();
            if options.guard == Some(Guard::Snapshot) {
                select.conditions.extend(database.guard(&table.shape, &column).await?);
            }
            if needs_index && !table.shape.is_view && !table.shape.indexed.contains(&column.name) {
                let plan = database.ask(&explain(dialect, &select.sql(dialect))).await.unwrap_or_default();
                let plan: Vec<String> =
                    plan.into_iter().map(|row| row.into_iter().flatten().collect()).collect();
                notices.push(unindexed(&table.shape.name, &column.name, &plan));
            }
            cursor = direction.map(|direction| (column, direction, options.on_cursor_value_missing));
        }
        let most = match resource.limit {
            Some(Limit::Records(rows)) => Some(rows),
            Some(Limit::Pages(chunks)) => Some(chunks.saturating_mul(table.options.chunk_rows() as u64)),
            Some(Limit::Seconds(_)) | None => None,
        };
        let read = TableRead {
            database,
            table,
            select,
            cursor,
            form,
            limit: most,
            snapshot: None,
            is_by_record: !resource.steps.is_empty(),
        };
        Ok(vec![partitions::open(read, notices, opening, &self.connections).await?])
    }
}

fn unknown_order(column: &str, kind: &str) -> Error {
    Error::config(format!(
        "the texts of `{column}` are declared to be {kind}, whose order the database does not know"
    ))
    .with_hint("leave `row_order` and limits out, or cast the column: `cast: {column: type}`")
}
