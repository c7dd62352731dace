//! The outside world that is not data: the clock, and what is derived from it. Fixed in tests.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use windlass_core::value::{Timestamp, format_timestamp};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Microseconds since the epoch.
    fn now(&self) -> i64;
}

/// The clock of the machine.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX).saturating_add(set_off_by())
    }
}

/// Microseconds that tests set the clock forward or back, by `WINDLASS_CLOCK_SET_OFF` in seconds.
#[cfg(feature = "failpoints")]
fn set_off_by() -> i64 {
    let seconds = std::env::var("WINDLASS_CLOCK_SET_OFF").ok().and_then(|text| text.parse::<i64>().ok());
    seconds.unwrap_or_default().saturating_mul(1_000_000)
}

#[cfg(not(feature = "failpoints"))]
const fn set_off_by() -> i64 {
    0
}

/// Clock and load ids of a pipeline.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<i64>>,
}

impl Default for Env {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

impl Env {
    /// An environment with this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, last: Arc::new(Mutex::new(0)) }
    }

    /// Microseconds since the epoch.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// The time as `YYYYMMDDhhmmss`, for names that are new each time.
    pub fn stamp(&self) -> String {
        let now = self.now();
        let mut text = String::new();
        format_timestamp(&mut text, Timestamp { micros: now - now.rem_euclid(1_000_000), offset: None }, 'T');
        text.retain(|c| c.is_ascii_digit());
        text
    }

    /// Lets no load id be smaller than this one: a clock that was set back must not put a load before those that are known.
    pub fn follow_load(&self, load_id: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = time_of_load_id(load_id).max(*last);
    }

    /// A load id: the time in seconds as decimal text. Each is greater than the one before.
    pub fn new_load_id(&self) -> String {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = self.now().max(*last + 1);
        load_id_of(*last)
    }
}

/// The load id of a time in microseconds.
fn load_id_of(micros: i64) -> String {
    let fraction = format!("{:06}", micros.rem_euclid(1_000_000));
    let fraction = fraction.trim_end_matches('0');
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    format!("{}.{fraction}", micros.div_euclid(1_000_000))
}

/// The time of a load id in microseconds; 0 if it is not one.
pub fn time_of_load_id(load_id: &str) -> i64 {
    load_id.parse::<f64>().map_or(0, |seconds| (seconds * 1e6).round() as i64)
}

/// The time of a load id in ISO form; the id itself if it is not one.
pub fn iso_of_load_id(load_id: &str) -> String {
    match time_of_load_id(load_id) {
        0 => load_id.to_owned(),
        micros => iso(micros),
    }
}

/// A time in microseconds since the epoch in ISO form.
pub(crate) fn iso(micros: i64) -> String {
    let mut text = String::new();
    format_timestamp(&mut text, Timestamp { micros, offset: Some(0) }, 'T');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Frozen;

    impl Clock for Frozen {
        fn now(&self) -> i64 {
            1_795_290_827_326_900
        }
    }

    #[test]
    fn load_ids_ascend_even_when_time_stands_still() {
        let env = Env::new(Arc::new(Frozen));
        assert_eq!(env.new_load_id(), "1795290827.3269");
        assert_eq!(env.new_load_id(), "1795290827.326901");
        assert_eq!(time_of_load_id("1795290827.326901"), 1_795_290_827_326_901);
        assert_eq!(load_id_of(1_000_000), "1.0");
        assert_eq!(env.stamp(), "20261121195347");
    }

    #[test]
    fn a_load_id_follows_those_that_are_known_whatever_the_clock_says() {
        let env = Env::new(Arc::new(Frozen));
        env.follow_load("1895290827.5");
        env.follow_load("1795290827.3");
        env.follow_load("no load id");
        assert_eq!(env.new_load_id(), "1895290827.500001");
    }
}
