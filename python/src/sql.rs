//! SQL databases for the Python package: what their catalogues say, and their rows.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3_arrow::PyTable;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use windlass::config::Secret;
use windlass::core::incremental::IncrementalOptions;
use windlass::core::normalize::batch_lines;
use windlass::core::{Code, Error, Result};
use windlass::sources::sql::{
    Address, ColumnShape, Database, Direction, OpenOptions, ReflectionLevel, Rows, Select, SelectedColumn,
    SqlCredentials, SqlType, TableShape, add_range, annotated, bare, cursor_direction, open, quote,
};

use crate::arrow::table;
use crate::cursor::Rows as Lines;
use crate::error::OrRaise as _;
use crate::read::dicts;
use crate::runtime::{start, wait};

/// Adds the functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sql_url_parts, module)?)?;
    module.add_function(wrap_pyfunction!(sql_location, module)?)?;
    module.add_function(wrap_pyfunction!(sql_relations, module)?)?;
    module.add_function(wrap_pyfunction!(sql_reflect, module)?)?;
    module.add_function(wrap_pyfunction!(sql_read, module)?)
}

/// The database that credentials name: JSON of a URL or of its parts.
fn database(credentials: &str) -> Result<Arc<dyn Database>> {
    let wrong = |cause: serde_json::Error| {
        Error::config(format!("the credentials of the SQL database cannot be used: {cause}"))
            .with_hint("give a URL such as postgresql://user:password@host/database, or its parts")
    };
    let credentials: SqlCredentials = serde_json::from_str(credentials).map_err(wrong)?;
    let folder = std::env::current_dir()
        .map_err(|cause| Error::config("the current folder does not exist").with_source(cause))?;
    let address = credentials.address()?.relative_to(&folder)?;
    open(&address, &OpenOptions { folder, ..OpenOptions::default() })
}

/// The parts of a URL as JSON, as SQLAlchemy reads them.
#[pyfunction]
fn sql_url_parts(py: Python<'_>, url: &str) -> PyResult<String> {
    let address = Address::parse(url).or_raise(py)?;
    let drivername = url.trim().split("://").next().unwrap_or_default();
    Ok(json!({
        "drivername": drivername,
        "database": address.database,
        "username": address.username,
        "password": address.password.as_ref().map(Secret::expose),
        "host": address.host,
        "port": address.port,
        "query": address.query,
    })
    .to_string())
}

/// Where a database is, for people. Raises for kinds of databases that there is no client for.
#[pyfunction]
fn sql_location(py: Python<'_>, credentials: &str) -> PyResult<String> {
    Ok(database(credentials).or_raise(py)?.location().to_owned())
}

/// Names of tables and views as JSON: `[[name, is_view], ...]`.
#[pyfunction]
fn sql_relations(py: Python<'_>, credentials: &str, schema: Option<&str>) -> PyResult<String> {
    let database = database(credentials).or_raise(py)?;
    let found = wait(py, async move { database.relations(schema).await })?;
    let pairs: Vec<Value> = found.iter().map(|relation| json!([relation.name, relation.is_view])).collect();
    Ok(Value::from(pairs).to_string())
}

/// What the catalogue knows of tables, as JSON, at a level of reflection.
#[pyfunction]
fn sql_reflect(
    py: Python<'_>,
    credentials: &str,
    schema: Option<&str>,
    names: Vec<String>,
    level: &str,
) -> PyResult<String> {
    let database = database(credentials).or_raise(py)?;
    let level: ReflectionLevel = serde_json::from_value(Value::from(level))
        .map_err(|cause| {
            Error::of(Code::UnknownChoice, "there is no such reflection level")
                .with_detail("what", "reflection level")
                .with_source(cause)
        })
        .or_raise(py)?;
    let shapes = wait(py, async move { database.reflect(schema, &names).await })?;
    Ok(Value::from(shapes.iter().map(|shape| described(shape, level)).collect::<Vec<_>>()).to_string())
}

fn described(shape: &TableShape, level: ReflectionLevel) -> Value {
    let column = |column: &ColumnShape| {
        json!({
            "name": column.name,
            "nullable": column.is_nullable,
            "declared": column.declared,
            "hints": column.sql_type.hints(level),
            "is_nested": matches!(column.sql_type, SqlType::Json | SqlType::Array),
        })
    };
    let keys = shape.foreign_keys.iter().filter(|key| key.referenced_schema.is_none()).map(|key| {
        json!({
            "referenced_table": key.referenced_table,
            "columns": key.columns,
            "referenced_columns": key.referenced_columns,
        })
    });
    json!({
        "name": shape.name,
        "is_view": shape.is_view,
        "columns": shape.columns.iter().map(column).collect::<Vec<_>>(),
        "primary_key": shape.primary_key,
        "references": keys.collect::<Vec<_>>(),
    })
}

/// What is to be read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    schema: Option<String>,
    #[serde(default)]
    table: String,
    /// The columns to read; all of them for `None`.
    columns: Option<Vec<String>>,
    /// SQL in place of a table.
    query: Option<String>,
    /// Options of the cursor, and where this run starts.
    cursor: Option<IncrementalOptions>,
    start: Option<Value>,
    limit: Option<u64>,
    chunk_rows: usize,
    /// Whether chunks are never smaller, but for the last.
    #[serde(default)]
    is_exact: bool,
}

/// The rows of a query that is running.
#[pyclass(frozen, module = "windlass._windlass")]
pub(crate) struct SqlReader {
    batches: Arc<tokio::sync::Mutex<mpsc::Receiver<Result<RecordBatch>>>>,
    notices: Arc<Mutex<Vec<String>>>,
    schema: arrow_schema::SchemaRef,
}

/// Starts to read rows; `request` is JSON.
#[pyfunction]
fn sql_read(py: Python<'_>, credentials: &str, request: &str) -> PyResult<SqlReader> {
    let database = database(credentials).or_raise(py)?;
    let request: Request = serde_json::from_str(request)
        .map_err(|cause| Error::internal("a request for rows is broken").with_source(cause))
        .or_raise(py)?;
    let chunk_rows = request.chunk_rows.max(1);
    let is_exact = request.is_exact;
    let (columns, rows, notices) = wait(py, async move {
        let mut notices = Vec::new();
        let (query, columns) = query(database.as_ref(), &request, &mut notices).await?;
        let rows = database.read(&query, &columns, chunk_rows, None).await?;
        Ok((columns, rows, notices))
    })?;
    let schema = annotated(&columns);
    let notices = Arc::new(Mutex::new(notices));
    let (sender, receiver) = mpsc::channel(1);
    let reading =
        Reading { rows, schema: Arc::clone(&schema), chunk_rows, is_exact, notices: Arc::clone(&notices) };
    start(py, reading.run(sender))?;
    Ok(SqlReader { batches: Arc::new(tokio::sync::Mutex::new(receiver)), notices, schema })
}

/// The text of the query and its columns. Errors: a table, a column or a cursor that does not exist.
async fn query(
    database: &dyn Database,
    request: &Request,
    notices: &mut Vec<String>,
) -> Result<(String, Vec<ColumnShape>)> {
    let dialect = database.dialect();
    let read_as = |column: &ColumnShape| {
        let quoted = quote(dialect, &column.name);
        let read_as = database.selected(column, &quoted);
        (read_as != quoted).then_some(read_as)
    };
    if let Some(query) = &request.query {
        let columns = database.describe(bare(query)).await?;
        if columns.iter().all(|column| read_as(column).is_none()) {
            return Ok((query.clone(), columns));
        }
        let select = Select {
            query: Some(query.clone()),
            table: "windlass_query".to_owned(),
            columns: columns.iter().map(|column| selected(column, read_as(column))).collect(),
            ..Select::default()
        };
        return Ok((select.sql(dialect), columns));
    }
    let missing = || {
        Error::of(
            Code::UnknownTable,
            format!("there is no table `{}` in {}", request.table, database.location()),
        )
        .with_detail("table", request.table.as_str())
        .with_hint("check the name and the schema: names are as the database stores them")
        .at_table(&request.table)
    };
    let names = [request.table.clone()];
    let shape =
        database.reflect(request.schema.as_deref(), &names).await?.into_iter().next().ok_or_else(missing)?;
    let known = shape.columns.iter();
    let is_read =
        |column: &&ColumnShape| request.columns.as_ref().is_none_or(|names| names.contains(&column.name));
    let columns: Vec<ColumnShape> = known.filter(is_read).cloned().collect();
    if columns.is_empty() {
        return Err(Error::config(format!("no column of `{}` is left to be read", request.table))
            .with_hint("check included_columns and excluded_columns: names are as the database has them"));
    }
    let mut select = Select {
        schema: request.schema.clone(),
        table: request.table.clone(),
        columns: columns.iter().map(|column| selected(column, read_as(column))).collect(),
        limit: request.limit,
        ..Select::default()
    };
    if let Some(options) = &request.cursor {
        let name = options.column().unwrap_or_else(|| options.cursor_path.clone());
        let column = shape.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            Error::of(
                Code::UnknownColumn,
                format!("`{}` has no column `{name}` for the cursor", request.table),
            )
            .with_detail("column", name.as_str())
            .with_hint("name a column as the database has it as cursor_path")
        })?;
        let end = Some(&options.end_value).filter(|end| !end.is_null());
        *notices = add_range(database, &mut select, options, column, (request.start.as_ref(), end)).await?;
        if cursor_direction(options).is_some() {
            // Rows of equal cursors come in one order, so that a limit cuts them at the same place.
            let rest = shape.primary_key.iter().filter(|key| **key != name);
            select.order.extend(rest.map(|key| (quote(dialect, key), Direction::Asc)));
        }
    }
    Ok((select.sql(dialect), columns))
}

fn selected(column: &ColumnShape, read_as: Option<String>) -> SelectedColumn {
    SelectedColumn { read_as, ..SelectedColumn::plain(&column.name) }
}

/// Hands the batches on, ahead of who takes them by one.
struct Reading {
    rows: Box<dyn Rows>,
    schema: arrow_schema::SchemaRef,
    chunk_rows: usize,
    is_exact: bool,
    notices: Arc<Mutex<Vec<String>>>,
}

impl Reading {
    async fn run(mut self, sender: mpsc::Sender<Result<RecordBatch>>) {
        loop {
            let next = self.next().await.transpose();
            let notices = self.rows.notices();
            self.notices.lock().unwrap_or_else(PoisonError::into_inner).extend(notices);
            let Some(next) = next else { return };
            let is_last = next.is_err();
            if sender.send(next).await.is_err() || is_last {
                return;
            }
        }
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(first) = self.rows.next_batch().await? else { return Ok(None) };
        let mut count = first.num_rows();
        let mut parts = vec![first];
        while self.is_exact && count < self.chunk_rows {
            let Some(more) = self.rows.next_batch().await? else { break };
            count += more.num_rows();
            parts.push(more);
        }
        let whole = match parts.as_slice() {
            [only] => Ok(only.clone()),
            parts => concat_batches(&parts[0].schema(), parts),
        };
        whole
            .and_then(|batch| RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec()))
            .map(Some)
            .map_err(|cause| {
                Error::internal("rows have other columns than were asked for").with_source(cause)
            })
    }
}

impl SqlReader {
    fn next(&self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        let batches = Arc::clone(&self.batches);
        wait(py, async move { batches.lock().await.recv().await.transpose() })
    }
}

#[pymethods]
impl SqlReader {
    /// The next rows as a table, `None` at the end.
    fn next_table(&self, py: Python<'_>) -> PyResult<Option<PyTable>> {
        self.next(py)?.map(|batch| table(vec![batch])).transpose()
    }

    /// The next rows in the form in which rows of Python go to the engine, `None` at the end.
    fn next_lines(&self, py: Python<'_>) -> PyResult<Option<Lines>> {
        let Some(batch) = self.next(py)? else { return Ok(None) };
        let lines = py.detach(|| batch_lines(&batch)).or_raise(py)?;
        Ok(Some(Lines { lines, count: batch.num_rows() as u64 }))
    }

    /// The next rows as dicts, `None` at the end. JSON and decimals of any digits are texts still.
    fn next_rows<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        self.next(py)?.map(|batch| dicts(py, &batch)).transpose()
    }

    /// What texts mean that are more than texts: pairs of a column and `json` or `decimal`.
    fn meanings(&self) -> Vec<(String, String)> {
        let meaning = |field: &Arc<arrow_schema::Field>| {
            Some((field.name().clone(), field.metadata().values().next()?.clone()))
        };
        self.schema.fields().iter().filter_map(meaning).collect()
    }

    /// What people should know of what was read since the last call.
    fn notices(&self) -> Vec<String> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
