//! The connections that the tables of a source share.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How many connections may be open at the same time, and who waits for one.
///
/// Tables are read in the order in which they were opened, and a table that is read ahead keeps its connection until
/// somebody takes its rows. So the first connection of each table is given in that order, and further ones only while
/// nobody waits: the table whose turn it is always has one.
#[derive(Debug)]
pub(super) struct Connections {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    free: usize,
    waiting: BTreeSet<u64>,
    next: u64,
}

/// The right to one connection.
#[derive(Debug)]
pub(super) struct Connection(Arc<Connections>);

/// A table's place among those that wait for their first connection.
#[derive(Debug)]
pub(super) struct Turn {
    connections: Arc<Connections>,
    number: u64,
}

impl Connections {
    /// At most so many, but one.
    pub(super) fn new(most: usize) -> Arc<Self> {
        let state = State { free: most.max(1), waiting: BTreeSet::new(), next: 0 };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new() })
    }

    /// Lines up for the first connection of a table.
    pub(super) fn line_up(self: &Arc<Self>) -> Turn {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number);
        Turn { connections: Arc::clone(self), number }
    }

    /// One more connection, if there is one that nobody waits for.
    pub(super) fn one_more(self: &Arc<Self>) -> Option<Connection> {
        let mut state = self.state();
        if state.free <= state.waiting.len() {
            return None;
        }
        state.free -= 1;
        Some(Connection(Arc::clone(self)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits for the connection. A dropped call keeps the place.
    pub(super) async fn come(&self) -> Connection {
        loop {
            let changed = self.connections.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.connections.state();
                if state.free > 0 && state.waiting.first() == Some(&self.number) {
                    state.free -= 1;
                    state.waiting.remove(&self.number);
                    drop(state);
                    self.connections.changed.notify_waiters();
                    return Connection(Arc::clone(&self.connections));
                }
            }
            changed.await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.connections.state().waiting.remove(&self.number);
        self.connections.changed.notify_waiters();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.state().free += 1;
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn comes(turn: &Turn) -> Option<Connection> {
        tokio::time::timeout(Duration::from_millis(30), turn.come()).await.ok()
    }

    #[tokio::test]
    async fn first_connections_are_given_in_the_order_of_the_tables() {
        let connections = Connections::new(1);
        let (first, second) = (connections.line_up(), connections.line_up());
        assert!(comes(&second).await.is_none());
        let held = comes(&first).await.unwrap();
        assert!(comes(&second).await.is_none());
        drop(held);
        assert!(comes(&second).await.is_some());
    }

    #[tokio::test]
    async fn nobody_gets_a_second_one_while_others_wait_for_their_first() {
        let connections = Connections::new(2);
        let (first, second) = (connections.line_up(), connections.line_up());
        let held = comes(&first).await.unwrap();
        assert!(connections.one_more().is_none());
        drop(second);
        let more = connections.one_more().unwrap();
        assert!(connections.one_more().is_none());
        drop((held, more));
        assert!(connections.one_more().is_some());
    }
}
