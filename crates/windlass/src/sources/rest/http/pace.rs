//! Time as requests need it: what the clock says, pauses, and chance. Tests have their own.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::env::{Clock as _, SystemClock};

/// Tells the time and lets it pass.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Microseconds since the epoch.
    fn now(&self) -> i64;

    /// Waits.
    async fn pause(&self, time: Duration);

    /// A number from 0 up to 1.
    fn chance(&self) -> f64;
}

/// The pace of the machine.
#[derive(Debug, Default)]
pub struct RealPace;

#[async_trait]
impl Pace for RealPace {
    fn now(&self) -> i64 {
        SystemClock.now()
    }

    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn chance(&self) -> f64 {
        // Each state of the hasher is keyed at random; the quality is enough to spread requests.
        (RandomState::new().build_hasher().finish() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A pace for tests: pauses take no time, but the clock goes on by them, and they are noted. There is no chance.
#[derive(Debug, Default)]
pub struct NotedPace {
    pauses: Mutex<Vec<Duration>>,
}

impl NotedPace {
    /// The pauses so far in seconds.
    pub fn pauses(&self) -> Vec<f64> {
        self.noted().iter().map(Duration::as_secs_f64).collect()
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Vec<Duration>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Pace for NotedPace {
    fn now(&self) -> i64 {
        let paused: Duration = self.noted().iter().sum();
        SystemClock.now().saturating_add(i64::try_from(paused.as_micros()).unwrap_or(i64::MAX))
    }

    async fn pause(&self, time: Duration) {
        self.noted().push(time);
        tokio::task::yield_now().await;
    }

    fn chance(&self) -> f64 {
        0.0
    }
}
