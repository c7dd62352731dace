//! The schema while workers read: who may grow it, and when.
//!
//! Chunks carry tickets in the order of the input. A chunk that brings nothing new passes at once; one that does waits
//! until all chunks before it have been observed, so that the schema grows as if there were one worker.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use windlass_core::normalize::{SchemaState, Turn};
use windlass_core::{Error, Result};

/// The current schema and the chunks that have passed.
pub(crate) struct SchemaBook {
    inner: Mutex<Inner>,
    passed: Condvar,
}

struct Inner {
    state: Arc<SchemaState>,
    /// All tickets below this one have passed.
    next: u64,
    /// Tickets above `next` that have passed.
    ahead: BTreeSet<u64>,
    /// The turns of later tickets never come.
    stopped_at: Option<u64>,
}

impl Inner {
    fn is_stopped(&self, ticket: u64) -> bool {
        self.stopped_at.is_some_and(|stopped_at| stopped_at < ticket)
    }
}

impl SchemaBook {
    /// A schema before the ticket `next`.
    pub(crate) fn new(state: Arc<SchemaState>, next: u64) -> Self {
        let inner = Inner { state, next, ahead: BTreeSet::new(), stopped_at: None };
        Self { inner: Mutex::new(inner), passed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The schema as it stands.
    pub(crate) fn state(&self) -> Arc<SchemaState> {
        Arc::clone(&self.lock().state)
    }

    /// A chunk's place in the order. Dropping it lets the chunks behind it pass.
    pub(crate) fn ticket(self: &Arc<Self>, number: u64) -> Ticket {
        Ticket { book: Arc::clone(self), number }
    }

    /// Wakes everybody who waits with a later ticket; their turn never comes. Those before go on, since one of them may
    /// have the error that counts.
    pub(crate) fn stop(&self, ticket: u64) {
        let mut inner = self.lock();
        inner.stopped_at = Some(inner.stopped_at.map_or(ticket, |known| known.min(ticket)));
        drop(inner);
        self.passed.notify_all();
    }

    /// Whether this ticket's turn never comes.
    pub(crate) fn is_stopped(&self, ticket: u64) -> bool {
        self.lock().is_stopped(ticket)
    }
}

/// The place of one chunk in the order of the input.
pub(crate) struct Ticket {
    book: Arc<SchemaBook>,
    number: u64,
}

impl Ticket {
    /// The number in the order of the input.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Turn for Ticket {
    fn wait(&mut self) -> Result<Arc<SchemaState>> {
        let mut inner = self.book.lock();
        while inner.next < self.number && !inner.is_stopped(self.number) {
            inner = self.book.passed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        if inner.is_stopped(self.number) {
            return Err(Error::cancelled());
        }
        Ok(Arc::clone(&inner.state))
    }

    fn publish(&mut self, state: &Arc<SchemaState>) {
        self.book.lock().state = Arc::clone(state);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.book.lock();
        inner.ahead.insert(self.number);
        while inner.ahead.first() == Some(&inner.next) {
            inner.ahead.pop_first();
            inner.next += 1;
        }
        drop(inner);
        self.book.passed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use windlass_core::naming::Naming;
    use windlass_core::schema::Schema;

    use super::*;

    fn book() -> Arc<SchemaBook> {
        let schema = Schema::new("s", &Naming::default()).unwrap();
        Arc::new(SchemaBook::new(Arc::new(SchemaState::new(schema)), 0))
    }

    #[test]
    fn a_turn_comes_when_all_before_have_passed() {
        let book = book();
        let (first, second, mut third) = (book.ticket(0), book.ticket(1), book.ticket(2));
        let waiting = std::thread::spawn(move || third.wait().is_ok());
        drop(second);
        drop(first);
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn a_stop_wakes_those_who_wait_behind_it() {
        let book = book();
        let mut late = book.ticket(7);
        let waiting = std::thread::spawn(move || late.wait().is_err());
        book.stop(6);
        assert!(waiting.join().unwrap());
        let (first, mut second) = (book.ticket(0), book.ticket(1));
        let waiting = std::thread::spawn(move || second.wait().is_ok());
        drop(first);
        assert!(waiting.join().unwrap(), "an earlier turn comes all the same");
    }
}
