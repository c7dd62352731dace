//! A source whose resources are Python's.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};
use windlass::core::hints::ResourceHints;
use windlass::core::incremental::IncrementalOptions;
use windlass::core::schema::Schema;
use windlass::core::{Error, Result};
use windlass::source::{Extractor, Opening, Resource, Source, SourceContext, SourceSettings};

use crate::error::OrRaise as _;
use crate::extractor::PythonExtractor;
use crate::runtime::Caller;

/// What the package says about a source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    schema_contract: Option<Value>,
    max_table_nesting: Option<i64>,
    root_key: Option<bool>,
    /// A schema that the source brings along.
    schema: Option<Value>,
    resources: Vec<DescribedResource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedResource {
    name: String,
    hints: ResourceHints,
    /// The cursor that Python follows.
    cursor: Option<IncrementalOptions>,
    has_typed_rows: bool,
}

/// A source whose resources are Python's. All of them are read by one extractor, as they depend on each other.
pub(crate) struct PythonSource {
    description: Description,
    schema: Option<Schema>,
    /// Has `begin(state)`, `items()` and `end()`.
    extraction: Py<PyAny>,
    caller: Caller,
    is_open: AtomicBool,
}

impl PythonSource {
    /// `extraction` has `description` (JSON), `begin(state)`, `items()` and `end()`.
    pub(crate) fn new(extraction: &Bound<'_, PyAny>, caller: Caller) -> PyResult<Self> {
        let py = extraction.py();
        let text: String = extraction.getattr(intern!(py, "description"))?.extract()?;
        let description: Description = serde_json::from_str(&text)
            .map_err(|cause| PyValueError::new_err(format!("the hints of a resource cannot be: {cause}")))?;
        let schema = match &description.schema {
            None => None,
            Some(document) => Some(Schema::from_json(document, false).or_raise(py)?),
        };
        Ok(Self {
            description,
            schema,
            extraction: extraction.clone().unbind(),
            caller,
            is_open: AtomicBool::new(false),
        })
    }

    async fn method<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Result<T> {
        let extraction = Python::attach(|py| self.extraction.clone_ref(py));
        self.caller.call(move |py| work(extraction.bind(py))).await
    }
}

#[async_trait]
impl Source for PythonSource {
    fn name(&self) -> &str {
        &self.description.name
    }

    fn settings(&self) -> SourceSettings {
        SourceSettings {
            schema_contract: self.description.schema_contract.clone(),
            max_table_nesting: self.description.max_table_nesting,
            root_key: self.description.root_key,
        }
    }

    async fn resources(&self, _: &SourceContext) -> Result<Vec<Resource>> {
        let resource = |described: &DescribedResource| Resource {
            hints: described.hints.clone(),
            has_typed_records: described.has_typed_rows,
            own_cursor: described.cursor.clone(),
            ..Resource::new(&described.name)
        };
        Ok(self.description.resources.iter().map(resource).collect())
    }

    async fn open(&self, _: &Resource, _: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        if self.is_open.swap(true, Ordering::AcqRel) {
            return Ok(Vec::new());
        }
        let items = self
            .method(|extraction| Ok(extraction.call_method0(intern!(extraction.py(), "items"))?.unbind()))
            .await?;
        let names = self.description.resources.iter().map(|resource| resource.name.clone()).collect();
        Ok(vec![Box::new(PythonExtractor::new(self.caller.clone(), items, names))])
    }

    fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    async fn begin(&self, state: &Map<String, Value>) -> Result<()> {
        let text = Value::Object(state.clone()).to_string();
        self.method(move |extraction| {
            extraction.call_method1(intern!(extraction.py(), "begin"), (text,)).map(drop)
        })
        .await
    }

    async fn end(&self) -> Result<Option<Map<String, Value>>> {
        let text: String = self
            .method(|extraction| extraction.call_method0(intern!(extraction.py(), "end"))?.extract())
            .await?;
        match serde_json::from_str(&text) {
            Ok(Value::Object(state)) => Ok(Some(state)),
            _ => Err(Error::internal("the state of a source is not an object")),
        }
    }
}
