//! jq expressions for records that pass through Python.

use pyo3::prelude::*;
use windlass::core::{Error, Result};
use windlass::steps::{Step, StepRunner};

use crate::error::OrRaise as _;

/// Expressions that records pass through, one after the other.
#[pyclass(frozen, module = "windlass._windlass")]
pub(crate) struct Steps {
    runner: StepRunner,
}

#[pymethods]
impl Steps {
    /// `steps` are pairs of `filter`, `map` or `yield_map` and an expression.
    #[new]
    fn new(py: Python<'_>, steps: Vec<(String, String)>) -> PyResult<Self> {
        let runner = parse(steps).and_then(|steps| StepRunner::new(&steps)).or_raise(py)?;
        Ok(Self { runner })
    }

    /// The records that come out, as lines of JSON, for records as lines of JSON.
    fn run(&self, py: Python<'_>, lines: &[u8]) -> PyResult<Vec<u8>> {
        py.detach(|| {
            self.runner.with_stack(|steps| {
                let mut out = Vec::new();
                lines
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .try_for_each(|line| steps.run(line, &mut out).map(drop))
                    .map(|()| out)
            })
        })
        .or_raise(py)
    }
}

fn parse(steps: Vec<(String, String)>) -> Result<Vec<Step>> {
    let step = |(kind, expression): (String, String)| match kind.as_str() {
        "filter" => Ok(Step::Filter(expression)),
        // An expression gives as many records as it likes.
        "map" | "yield_map" => Ok(Step::Map(expression)),
        _ => Err(Error::config(format!("`{kind}` is no step: steps are `filter`, `map` and `yield_map`"))),
    };
    steps.into_iter().map(step).collect()
}
