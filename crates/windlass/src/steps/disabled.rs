//! Steps of a binary without jq.

use windlass_core::{Code, Error, Result};

use super::Step;

/// Runs the steps of a resource.
#[derive(Debug)]
pub struct StepRunner;

/// The steps on the thread that they run on.
#[derive(Debug)]
pub struct RunningSteps<'a> {
    _runner: &'a StepRunner,
}

impl StepRunner {
    /// Errors: always, unless there are no steps.
    pub fn new(steps: &[Step]) -> Result<Self> {
        if steps.is_empty() {
            return Ok(Self);
        }
        Err(Error::of(
            Code::FeatureMissing,
            "this windlass was built without feature \"jq\", which steps need",
        ))
    }

    /// Runs `work`.
    pub fn with_stack<T: Send>(&self, work: impl FnOnce(&RunningSteps<'_>) -> Result<T> + Send) -> Result<T> {
        work(&RunningSteps { _runner: self })
    }

    /// Passes the record on.
    pub fn run(&self, record: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        RunningSteps { _runner: self }.run(record, out)
    }
}

impl RunningSteps<'_> {
    /// Passes the record on.
    pub fn run(&self, record: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        out.extend_from_slice(record);
        out.push(b'\n');
        Ok(1)
    }
}
