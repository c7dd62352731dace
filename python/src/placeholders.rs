//! Placeholders of a layout that Python functions fill in.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use pyo3::prelude::*;
use windlass::core::value::Timestamp;
use windlass::core::{Error, Result};
use windlass::destinations::{FileName, Placeholders};

use crate::runtime::Caller;

/// An object of `windlass.destinations.layout`, called on the thread that runs the pipeline.
pub(crate) struct PythonPlaceholders {
    names: Vec<String>,
    filled_in_by: Py<PyAny>,
    caller: Mutex<Option<Caller>>,
}

impl PythonPlaceholders {
    pub(crate) fn new(py: Python<'_>, filled_in_by: Py<PyAny>) -> PyResult<Self> {
        let names = filled_in_by.bind(py).getattr("names")?.extract()?;
        Ok(Self { names, filled_in_by, caller: Mutex::new(None) })
    }

    /// The caller of the run that begins.
    pub(crate) fn set_caller(&self, caller: Caller) {
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(caller);
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Result<T> {
        let caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let caller = caller.ok_or_else(|| Error::internal("a layout is filled in outside a run"))?;
        let object = Python::attach(|py| self.filled_in_by.clone_ref(py));
        caller.call(move |py| work(object.bind(py))).await
    }
}

impl fmt::Debug for PythonPlaceholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PythonPlaceholders").field("names", &self.names).finish_non_exhaustive()
    }
}

#[async_trait]
impl Placeholders for PythonPlaceholders {
    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    async fn current_datetime(&self) -> Result<Option<Timestamp>> {
        let told: Option<(i64, Option<i32>)> =
            self.call(|object| object.call_method0("current_datetime")?.extract()).await?;
        Ok(told.map(|(micros, offset)| Timestamp { micros, offset }))
    }

    async fn values(&self, file: &FileName<'_>) -> Result<Vec<String>> {
        let names = [file.schema_name, file.table_name, file.load_id, file.file_id, file.ext];
        let [schema, table, load_id, file_id, ext] = names.map(str::to_owned);
        self.call(move |object| {
            object.call_method1("values", (schema, table, load_id, file_id, ext))?.extract()
        })
        .await
    }
}
