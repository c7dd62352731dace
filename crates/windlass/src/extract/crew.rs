//! The worker threads, from one checkpoint to the next, and the first error of all.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use windlass_core::package::Made;
use windlass_core::{Error, ErrorKind, Result};

use super::book::SchemaBook;
use super::worker::{Worker, WorkerSettings};
use super::{Cancel, Work};

/// Pages that wait at most; their bytes are bounded elsewhere.
const WAITING_PAGES: usize = 256;

/// Stack of a thread: a thousand levels of lists are walked one in the other, also by a build that is not optimized. What
/// is not used takes no memory.
const STACK_BYTES: usize = 64 << 20;

/// Threads that take pages until the channel to them is closed.
pub(super) struct Crew {
    sender: mpsc::Sender<Work>,
    threads: Vec<std::thread::JoinHandle<Option<Made>>>,
    failure: Arc<Failure>,
}

impl Crew {
    /// Starts the threads. `segment` tells their files from those of the crews before.
    pub(super) fn start(
        settings: &WorkerSettings,
        segment: u64,
        workers: usize,
        failure: &Arc<Failure>,
        cancel: &Cancel,
    ) -> Result<Self> {
        let (sender, receiver) = mpsc::channel::<Work>(WAITING_PAGES);
        let receiver = Arc::new(Mutex::new(receiver));
        let threads = (0..workers.max(1)).map(|index| {
            let name = if segment == 0 { index.to_string() } else { format!("{segment}-{index}") };
            let worker = Worker::new(name, settings);
            let (receiver, failure, cancel) = (Arc::clone(&receiver), Arc::clone(failure), cancel.clone());
            std::thread::Builder::new()
                .name(format!("windlass-shred-{index}"))
                .stack_size(STACK_BYTES)
                .spawn(move || work(worker, &receiver, &failure, &cancel))
                .map_err(|cause| Error::internal("a worker thread cannot be started").with_source(cause))
        });
        Ok(Self { sender, threads: threads.collect::<Result<_>>()?, failure: Arc::clone(failure) })
    }

    /// Hands a page to the next worker that is free.
    pub(super) async fn send(&self, work: Work) {
        // The workers only leave when something failed, and then that error counts.
        let _ = self.sender.send(work).await;
    }

    /// Lets the workers finish what they have, and gives what they made. Errors are in the [`Failure`].
    pub(super) async fn finish(self) -> Result<Vec<Made>> {
        let Self { sender, threads, failure } = self;
        drop(sender);
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().map(std::thread::JoinHandle::join).collect::<Vec<_>>()
        })
        .await;
        let joined = joined.map_err(|cause| Error::internal("the workers broke down").with_source(cause))?;
        let mut parts = Vec::new();
        for result in joined {
            match result {
                Ok(part) => parts.extend(part),
                Err(_) => failure.fail(u64::MAX, Error::internal("a worker broke down")),
            }
        }
        Ok(parts)
    }
}

/// The first error in the order of the input.
pub(super) struct Failure {
    first: Mutex<Option<(u64, Error)>>,
    book: Arc<SchemaBook>,
    /// Tells the driver to stop.
    stop: Cancel,
}

impl Failure {
    pub(super) fn new(book: Arc<SchemaBook>) -> Self {
        Self { first: Mutex::new(None), book, stop: Cancel::default() }
    }

    pub(super) fn fail(&self, ticket: u64, error: Error) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waited for a turn that never came was stopped by the error that counts.
        let is_echo = error.kind() == ErrorKind::Cancelled && first.is_some();
        if !is_echo
            && first.as_ref().is_none_or(|(known, e)| ticket < *known || e.kind() == ErrorKind::Cancelled)
        {
            *first = Some((ticket, error));
        }
        drop(first);
        self.stop.cancel();
        self.book.stop(ticket);
    }

    /// Whether something failed.
    pub(super) fn has_failed(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(super) fn take(&self) -> Option<Error> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take().map(|(_, error)| error)
    }
}

/// The loop of one worker thread.
fn work(
    mut worker: Worker,
    receiver: &Mutex<mpsc::Receiver<Work>>,
    failure: &Failure,
    cancel: &Cancel,
) -> Option<Made> {
    loop {
        // Whoever holds the lock waits for the next page; the order of the pages is the order of the tickets.
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(work) = next else { break };
        let ticket = work.ticket.number();
        if failure.book.is_stopped(ticket) {
            continue;
        }
        if let Err(error) = cancel.check().and_then(|()| worker.shred(work)) {
            failure.fail(ticket, error);
        }
    }
    if failure.has_failed() {
        return None;
    }
    worker.finish().map_err(|error| failure.fail(u64::MAX, error)).ok()
}
