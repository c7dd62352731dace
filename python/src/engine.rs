//! A pipeline of the engine, for `windlass.Pipeline`.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3_arrow::PyTable;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use windlass::config::{parse_options, pipeline_settings};
use windlass::core::hints::WriteDisposition;
use windlass::core::schema::Schema;
use windlass::core::state::State;
use windlass::core::{Error, Result};
use windlass::destination::Destination;
use windlass::destinations::{BuildContext, Filesystem, destination_entry};
use windlass::extract::Cancel;
use windlass::packages::{DamagedPackage, LoadPackage};
use windlass::pipeline::{DropSelection, LoadInfo, Pipeline, Refresh, RunOptions};
use windlass::source::Source;

use crate::arrow::table;
use crate::error::OrRaise as _;
use crate::placeholders::PythonPlaceholders;
use crate::read::rows;
use crate::reader::{Reader, until_cancelled};
use crate::runtime::{Caller, serve};
use crate::sink::{PythonSink, SinkOptions};
use crate::source::PythonSource;

/// What the package says about a pipeline.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    pipelines_dir: PathBuf,
    dataset: Option<String>,
    destination: DescribedDestination,
    /// Folder that relative paths are relative to.
    folder: PathBuf,
    /// The sections of settings, as in a pipeline file.
    settings: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedDestination {
    kind: String,
    #[serde(default)]
    options: Map<String, Value>,
    sink: Option<SinkOptions>,
}

/// What holds for one run.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    write_disposition: Option<WriteDisposition>,
    schema_contract: Option<Value>,
    refresh: Option<Refresh>,
}

impl From<Options> for RunOptions {
    fn from(options: Options) -> Self {
        Self {
            write_disposition: options.write_disposition,
            schema_contract: options.schema_contract,
            refresh: options.refresh,
            ..Self::default()
        }
    }
}

/// A pipeline of the engine.
#[pyclass(frozen, module = "windlass._windlass")]
pub(crate) struct Engine {
    pipeline: Pipeline,
    sink: Option<Arc<PythonSink>>,
    placeholders: Option<Arc<PythonPlaceholders>>,
}

#[pymethods]
impl Engine {
    /// `description` is JSON; `sink` is called with the rows of a custom destination, `placeholders` fills in the layout
    /// of a filesystem.
    #[new]
    #[pyo3(signature = (description, sink=None, placeholders=None))]
    fn new(
        py: Python<'_>,
        description: &str,
        sink: Option<Py<PyAny>>,
        placeholders: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let description: Description = serde_json::from_str(description)
            .map_err(|cause| PyValueError::new_err(format!("the pipeline cannot be set up: {cause}")))?;
        let placeholders = placeholders.map(|object| PythonPlaceholders::new(py, object)).transpose()?;
        Self::build(description, sink, placeholders.map(Arc::new)).or_raise(py)
    }

    /// Loads what waits, then the sources; gives what was done, as JSON.
    fn run(&self, py: Python<'_>, sources: Vec<Bound<'_, PyAny>>, options: &str) -> PyResult<String> {
        self.with_sources(py, sources, options, |pipeline, sources, options| async move {
            pipeline.run(&sources, &options).await
        })
    }

    /// Reads the sources into packages that wait; gives what was done, as JSON.
    fn extract(&self, py: Python<'_>, sources: Vec<Bound<'_, PyAny>>, options: &str) -> PyResult<String> {
        self.with_sources(py, sources, options, |pipeline, sources, options| async move {
            pipeline.extract_only(&sources, &options).await
        })
    }

    /// What is being done.
    fn stage(&self) -> String {
        self.pipeline.progress().stage()
    }

    /// Records normalized, bytes normalized, jobs loaded, jobs to load.
    fn progress(&self) -> (u64, u64, u64, u64) {
        use std::sync::atomic::Ordering::Relaxed;
        let progress = self.pipeline.progress();
        (
            progress.records.load(Relaxed),
            progress.bytes.load(Relaxed),
            progress.jobs_done.load(Relaxed),
            progress.jobs.load(Relaxed),
        )
    }

    /// The state, as typed JSON: that of the packages that wait, else of the last commit; `None` before the first.
    fn state(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let state = || -> Result<Option<State>> {
            let waiting = self.pipeline.work().packages().pending()?;
            match waiting.into_iter().next_back() {
                Some(package) => Ok(Some(package.state)),
                None => self.pipeline.work().state(),
            }
        };
        Ok(py.detach(state).or_raise(py)?.map(|state| state.to_json().to_string()))
    }

    /// Keeps a state, typed JSON, as the one of the last commit; its version is counted.
    fn save_state(&self, py: Python<'_>, text: &str) -> PyResult<()> {
        let save = || -> Result<()> {
            let value = serde_json::from_str(text)
                .map_err(|cause| Error::config("the state is not JSON").with_source(cause))?;
            let mut state = State::from_json(value)?;
            state.bump();
            let _lock = self.pipeline.work().lock()?;
            self.pipeline.work().save_state(&state)
        };
        py.detach(save).or_raise(py)
    }

    /// The schemas by name, as JSON: those of the last commit, and of the packages that wait.
    fn schemas(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let schemas = || -> Result<Vec<Schema>> {
            let mut schemas = self.pipeline.work().schemas()?;
            for package in self.pipeline.work().packages().pending()? {
                schemas.retain(|schema| schema.name != package.schema.name);
                schemas.push(package.schema);
            }
            Ok(schemas)
        };
        let schemas = py.detach(schemas).or_raise(py)?;
        Ok(schemas.iter().map(|schema| Value::Object(schema.to_json()).to_string()).collect())
    }

    /// Brings state and schemas up to what the destination knows; tells what changed.
    fn sync(&self, py: Python<'_>) -> PyResult<String> {
        let pipeline = self.pipeline.clone();
        self.serve(py, |_| async move {
            pipeline.sync_destination().await.map(|change| format!("{change:?}").to_lowercase())
        })
    }

    /// The rows of a query, as an object with `__arrow_c_stream__`.
    fn query(&self, py: Python<'_>, sql: String) -> PyResult<PyTable> {
        let pipeline = self.pipeline.clone();
        let found = self.serve(py, |_| async move { pipeline.connect().await?.query(&sql).await })?;
        table(found)
    }

    /// The rows of a query, to be taken a piece at a time.
    fn stream(&self, py: Python<'_>, sql: String) -> PyResult<Reader> {
        let pipeline = self.pipeline.clone();
        let cancel = Cancel::default();
        let stop = cancel.clone();
        let rows = serve(py, &cancel, |_| async move {
            let begun = async { pipeline.connect().await?.stream(&sql).await };
            until_cancelled(begun, &stop).await
        })?;
        Ok(Reader::new(rows))
    }

    /// Executes a statement that may write; its rows are to be taken a piece at a time.
    fn execute(&self, py: Python<'_>, sql: String) -> PyResult<Reader> {
        let pipeline = self.pipeline.clone();
        let cancel = Cancel::default();
        let stop = cancel.clone();
        let rows = serve(py, &cancel, |_| async move {
            let begun = async { pipeline.connect().await?.execute(&sql).await };
            until_cancelled(begun, &stop).await
        })?;
        Ok(Reader::new(rows))
    }

    /// The names of the columns of a query, and its rows as tuples.
    fn query_rows<'py>(&self, py: Python<'py>, sql: String) -> PyResult<(Vec<String>, Bound<'py, PyList>)> {
        let pipeline = self.pipeline.clone();
        let found = self.serve(py, |_| async move { pipeline.connect().await?.query(&sql).await })?;
        let names = found.first().map(|batch| {
            batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>()
        });
        Ok((names.unwrap_or_default(), rows(py, &found)?))
    }

    /// Whether the destination holds the dataset, and the newest state that it knows, as JSON.
    fn stored(&self, py: Python<'_>) -> PyResult<(bool, Option<String>)> {
        let pipeline = self.pipeline.clone();
        let stored = self.serve(py, |_| async move { pipeline.connect().await?.stored().await })?;
        Ok((stored.has_dataset, stored.state.map(|state| state.to_json().to_string())))
    }

    /// The newest version of a schema that the destination knows, as JSON.
    fn stored_schema(&self, py: Python<'_>, name: String) -> PyResult<Option<String>> {
        let pipeline = self.pipeline.clone();
        let schema =
            self.serve(py, |_| async move { pipeline.connect().await?.stored_schema(&name).await })?;
        Ok(schema.map(|schema| Value::Object(schema.to_json()).to_string()))
    }

    /// Drops tables and state of resources, as one load; gives the plan, as JSON.
    #[pyo3(signature = (resources, drop_all=false, schema=None, state_only=false))]
    fn drop_resources(
        &self,
        py: Python<'_>,
        resources: Vec<String>,
        drop_all: bool,
        schema: Option<String>,
        state_only: bool,
    ) -> PyResult<String> {
        let pipeline = self.pipeline.clone();
        let selection = DropSelection { resources, all: drop_all, schema, state_only };
        let plan = self
            .serve(py, |_| async move { pipeline.drop_resources(&selection).await.map(|(plan, _)| plan) })?;
        Ok(serde_json::to_string(&plan).unwrap_or_default())
    }

    /// All packages that are kept, the oldest first, as JSON.
    fn packages(&self, py: Python<'_>) -> PyResult<String> {
        let packages = || -> Result<Vec<Value>> {
            let packages = self.pipeline.work().packages();
            let mut known: Vec<Value> = packages.list()?.iter().map(package_json).collect();
            known.extend(packages.damaged()?.iter().map(damaged_json));
            Ok(known)
        };
        Ok(Value::Array(py.detach(packages).or_raise(py)?).to_string())
    }

    /// Gives up the packages that wait; gives their load ids.
    fn drop_pending(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let now = windlass::env::Env::default().now();
        py.detach(|| self.pipeline.work().drop_pending(now)).or_raise(py)
    }

    /// Removes state, schemas and packages of the working folder.
    fn wipe(&self, py: Python<'_>) -> PyResult<()> {
        let wipe = || -> Result<()> {
            let _lock = self.pipeline.work().lock()?;
            self.pipeline.work().wipe()
        };
        py.detach(wipe).or_raise(py)
    }

    /// What the last run did, as JSON; `None` as well where its report cannot be read, which nothing else needs.
    fn trace(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.pipeline.work().trace()).ok().flatten().map(|trace| trace.to_string())
    }

    /// Where the destination is, without secrets.
    #[getter]
    fn location(&self) -> String {
        self.pipeline.destination().location()
    }

    /// The dataset's name at the destination.
    fn dataset_name(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.pipeline.dataset_place().or_raise(py)?.name)
    }
}

impl Engine {
    fn build(
        description: Description,
        sink: Option<Py<PyAny>>,
        placeholders: Option<Arc<PythonPlaceholders>>,
    ) -> Result<Self> {
        let Description { name, pipelines_dir, dataset, destination, folder, settings } = description;
        let context = BuildContext {
            folder: folder.clone(),
            pipeline: name.clone(),
            work_dir: pipelines_dir.join(&name),
        };
        let sink = match (destination.sink, sink) {
            (Some(options), Some(callable)) => Some(Arc::new(PythonSink::new(options, callable))),
            _ => None,
        };
        let destination: Arc<dyn Destination> = match (&sink, &placeholders) {
            (Some(sink), _) => Arc::<PythonSink>::clone(sink),
            (None, Some(placeholders)) => {
                let config = parse_options("destination", Value::Object(destination.options))?;
                let placeholders = Arc::<PythonPlaceholders>::clone(placeholders);
                Arc::new(Filesystem::with_placeholders(config, &context, placeholders)?)
            }
            (None, None) => {
                let entry = destination_entry(&destination.kind)?;
                (entry.build)(Value::Object(destination.options), &context)?
            }
        };
        let mut pipeline = Pipeline::new(name, destination, pipelines_dir)?
            .settings(pipeline_settings(settings)?)
            .relative_to(folder);
        if let Some(dataset) = dataset {
            pipeline = pipeline.dataset(dataset);
        }
        Ok(Self { pipeline, sink, placeholders })
    }

    fn serve<T, F>(&self, py: Python<'_>, run: impl FnOnce(Caller) -> F) -> PyResult<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        serve(py, &self.pipeline.cancel(), |caller| {
            if let Some(sink) = &self.sink {
                sink.set_caller(caller.clone());
            }
            if let Some(placeholders) = &self.placeholders {
                placeholders.set_caller(caller.clone());
            }
            run(caller)
        })
    }

    fn with_sources<F>(
        &self,
        py: Python<'_>,
        sources: Vec<Bound<'_, PyAny>>,
        options: &str,
        run: impl FnOnce(Pipeline, Vec<Box<dyn Source>>, RunOptions) -> F,
    ) -> PyResult<String>
    where
        F: Future<Output = Result<LoadInfo>> + Send + 'static,
    {
        let options: Options = serde_json::from_str(options)
            .map_err(|cause| PyValueError::new_err(format!("an option of the run cannot be: {cause}")))?;
        let mut wrong = None;
        let info = self.serve(py, |caller| {
            let sources = sources.iter().map(|source| {
                PythonSource::new(source, caller.clone()).map(|source| Box::new(source) as Box<dyn Source>)
            });
            let sources = sources.collect::<PyResult<Vec<_>>>();
            let task = match sources {
                Ok(sources) => Some(run(self.pipeline.clone(), sources, options.into())),
                Err(cause) => {
                    wrong = Some(cause);
                    None
                }
            };
            async move {
                match task {
                    Some(task) => task.await,
                    None => Err(Error::cancelled()),
                }
            }
        });
        if let Some(cause) = wrong {
            return Err(cause);
        }
        Ok(serde_json::to_string(&info?).unwrap_or_default())
    }
}

fn package_json(package: &LoadPackage) -> Value {
    let state = if package.journal.is_finished() { "loaded" } else { "normalized" };
    json!({
        "load_id": package.load_id(),
        "schema": package.schema.name,
        "schema_hash": package.manifest.schema_hash,
        "state": state,
        "jobs": package.manifest.jobs,
        "rows": package.manifest.row_counts,
    })
}

/// A package that cannot be read: it waits until somebody gives it up, unless it was loaded before.
fn damaged_json(package: &DamagedPackage) -> Value {
    json!({
        "load_id": package.load_id(),
        "schema": Value::Null,
        "schema_hash": "",
        "state": if package.is_finished { "loaded" } else { "normalized" },
        "jobs": [],
        "rows": {},
        "damaged": package.error.to_string(),
    })
}
