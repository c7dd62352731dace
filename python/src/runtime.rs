//! Where Python and the engine meet: the engine runs on threads of its own, without the GIL; whatever is Python's runs
//! on the thread that called, one piece after the other.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use windlass::core::{Error, Result};
use windlass::extract::Cancel;

use crate::error::exception;
use crate::logs::hand_over;

/// How often a thread that waits for the engine looks for Ctrl-C.
const POLL: Duration = Duration::from_millis(50);

/// Threads of the engine that wait for the network and for files.
const THREADS: usize = 4;

type Work = Box<dyn FnOnce(Python<'_>) + Send>;

/// Runs pieces of Python on the thread that called the engine.
#[derive(Clone)]
pub(crate) struct Caller {
    work: mpsc::Sender<Work>,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Caller {
    /// Runs `work` with the GIL on the thread that called. An exception ends the run and is raised there in the end.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(Python<'_>) -> PyResult<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let raised = Arc::clone(&self.raised);
        let task: Work = Box::new(move |py| {
            let result = work(py).map_err(|exception| {
                let text = exception.to_string();
                let mut raised = raised.lock().unwrap_or_else(PoisonError::into_inner);
                raised.get_or_insert(exception);
                text
            });
            // Nobody waits any more if the run was stopped.
            drop(sender.send(result));
        });
        self.work.send(task).await.map_err(|_| Error::cancelled())?;
        match receiver.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(text)) => Err(Error::source_failed(format!("Python code raised {text}"))),
            Err(_) => Err(Error::cancelled()),
        }
    }
}

/// Runs a piece of the engine, and Python for it, until it is done.
///
/// An exception of Python code goes to the caller as it is. Ctrl-C stops the engine where nothing is lost.
pub(crate) fn serve<T, F>(py: Python<'_>, cancel: &Cancel, run: impl FnOnce(Caller) -> F) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let runtime = runtime().map_err(|error| exception(py, &error))?;
    let (work, mut inbox) = mpsc::channel::<Work>(16);
    let raised = Arc::new(Mutex::new(None));
    let mut task = runtime.spawn(run(Caller { work, raised: Arc::clone(&raised) }));
    let mut interrupt = None;
    let result = loop {
        let next = py.detach(|| {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    Some(work) = inbox.recv() => Next::Work(work),
                    result = &mut task => Next::Done(result),
                    () = tokio::time::sleep(POLL) => Next::Nothing,
                }
            })
        });
        drop(hand_over(py));
        match next {
            Next::Work(work) if interrupt.is_none() => work(py),
            Next::Done(result) => break result,
            Next::Work(_) | Next::Nothing => {}
        }
        if interrupt.is_none()
            && let Err(signal) = py.check_signals()
        {
            cancel.cancel();
            interrupt = Some(signal);
        }
    };
    let result =
        result.unwrap_or_else(|cause| Err(Error::internal("the engine broke down").with_source(cause)));
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (result, interrupt, raised) {
        (_, Some(signal), _) => Err(signal),
        (Ok(value), None, _) => Ok(value),
        (Err(_), None, Some(exception)) => Err(exception),
        (Err(error), None, None) => Err(exception(py, &error)),
    }
}

/// Waits for something of the engine that needs no Python, without the GIL.
///
/// Ctrl-C ends the waiting; what is waited for is dropped.
pub(crate) fn wait<T: Send>(py: Python<'_>, task: impl Future<Output = Result<T>> + Send) -> PyResult<T> {
    let runtime = runtime().map_err(|error| exception(py, &error))?;
    let mut task = std::pin::pin!(task);
    loop {
        let done =
            py.detach(|| runtime.block_on(async { tokio::time::timeout(POLL, task.as_mut()).await.ok() }));
        match done {
            Some(result) => return result.map_err(|error| exception(py, &error)),
            None => py.check_signals()?,
        }
    }
}

/// Starts something of the engine that goes on by itself.
pub(crate) fn start<F>(py: Python<'_>, task: F) -> PyResult<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = runtime().map_err(|error| exception(py, &error))?;
    drop(runtime.spawn(task));
    Ok(())
}

/// What the calling thread does next.
enum Next<T> {
    Work(Work),
    Done(T),
    Nothing,
}

/// The process that the runtime was made in, and the runtime: a fork inherits its memory but not its threads.
static RUNTIME: Mutex<Option<(u32, Arc<Runtime>)>> = Mutex::new(None);

fn runtime() -> Result<Arc<Runtime>> {
    let mut known = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((made_in, runtime)) = known.as_ref()
        && *made_in == process
    {
        return Ok(Arc::clone(runtime));
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("windlass-async")
        .enable_all()
        .build()
        .map_err(|cause| Error::internal("the runtime cannot be started").with_source(cause))?;
    let runtime = Arc::new(runtime);
    if let Some((_, of_parent)) = known.replace((process, Arc::clone(&runtime))) {
        // Its threads are in the parent; ending it here would wait for them for ever.
        std::mem::forget(of_parent);
    }
    Ok(runtime)
}
