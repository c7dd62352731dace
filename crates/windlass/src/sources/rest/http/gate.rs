//! How many requests a host gets at once, and how soon: one gate per host for all resources of the process.
//!
//! The number grows by one per round of answers and is halved when the host says that it is too much; it also shrinks
//! when answers take several times as long as they did. A host that counts requests is left in peace once its count is
//! used up, until it begins anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use windlass_core::value::{Timestamp, parse_timestamp};

use super::Response;
use super::pace::Pace;
use super::retry::parse_http_date;

/// The gates of all hosts.
#[derive(Debug, Default)]
pub struct HostGates {
    hosts: Mutex<HashMap<String, Arc<HostGate>>>,
}

impl HostGates {
    /// Those of this process.
    pub fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<HostGates>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(Arc::default))
    }

    pub(super) fn of(&self, origin: &str) -> Arc<HostGate> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(origin.to_owned()).or_default())
    }
}

/// The gate of one host.
#[derive(Debug, Default)]
pub(super) struct HostGate {
    state: Mutex<GateState>,
    changed: Notify,
}

/// Leave for one request; ends when it is dropped.
pub(super) struct Permit {
    gate: Arc<HostGate>,
    begun: i64,
}

/// What a gate says to a request that wants to go through.
#[derive(Debug, PartialEq)]
enum Admission {
    Go,
    /// Not before this time.
    At(i64),
    /// Not before another is done.
    Full,
}

impl HostGate {
    /// Waits until a request may be sent, among `most` at once; `None` if that is after `deadline`.
    pub(super) async fn enter(self: &Arc<Self>, pace: &dyn Pace, limits: &GateLimits) -> Option<Permit> {
        loop {
            // Before the look, so that no change after it is missed.
            let changed = self.changed.notified();
            let now = pace.now();
            let admission = self.state().admit(now, limits);
            match admission {
                Admission::Go => return Some(Permit { gate: Arc::clone(self), begun: now }),
                Admission::At(time) if limits.deadline.is_some_and(|deadline| time >= deadline) => {
                    return None;
                }
                Admission::At(time) => {
                    let wait = Duration::from_micros(u64::try_from(time - now).unwrap_or_default());
                    tracing::info!(seconds = wait.as_secs_f64(), "waiting for the host's limit of requests");
                    pace.pause(wait).await;
                }
                Admission::Full => changed.await,
            }
        }
    }

    /// Whether the host said that it takes no more requests for now.
    pub(super) fn is_used_up(&self) -> bool {
        self.state().window.is_some_and(|window| window.left <= 0)
    }

    /// The most requests that were under way at once so far.
    pub(super) fn most_at_once(&self) -> usize {
        self.state().most_in_flight
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Tells the gate what became of the request. `headers_at` is when the answer began.
    pub(super) fn answered(&self, response: &Response, headers_at: i64) {
        let mut state = self.gate.state();
        state.note_answer(response.status, self.begun, headers_at);
        if let Some(window) = Window::of(response, headers_at) {
            state.note_window(window);
        }
    }

    /// Keeps all requests away from the host for a while.
    pub(super) fn hold(&self, until: i64) {
        let mut state = self.gate.state();
        state.held_until = state.held_until.max(until);
    }
}

impl HostGates {
    /// The most requests that one host had under way at once so far.
    pub fn most_at_once(&self) -> usize {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.values().map(|gate| gate.most_at_once()).max().unwrap_or(0)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        let free = state.free_slots();
        drop(state);
        for _ in 0..free {
            self.gate.changed.notify_one();
        }
    }
}

/// What a client wants of a gate.
#[derive(Clone, Debug)]
pub(super) struct GateLimits {
    /// Requests at once.
    pub(super) most: usize,
    /// When the client gives up, in microseconds since the epoch.
    pub(super) deadline: Option<i64>,
    /// The longest wait for a count to begin anew, in microseconds.
    pub(super) longest_wait: i64,
}

/// What a host said about the requests that are left.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    left: i64,
    resets: i64,
}

#[derive(Debug)]
struct GateState {
    in_flight: usize,
    /// The most that were under way at once so far.
    most_in_flight: usize,
    /// Requests at once that the host bears.
    limit: f64,
    /// When the limit was lowered last.
    lowered: i64,
    /// No request before this time.
    held_until: i64,
    window: Option<Window>,
    /// Microseconds that answers take when the host has nothing else to do.
    quickest: f64,
    /// Microseconds that answers took lately.
    recent: f64,
}

impl Default for GateState {
    fn default() -> Self {
        Self {
            in_flight: 0,
            most_in_flight: 0,
            limit: f64::from(u16::MAX),
            lowered: i64::MIN,
            held_until: i64::MIN,
            window: None,
            quickest: f64::INFINITY,
            recent: 0.0,
        }
    }
}

/// Answers may take this many times as long as the quickest, and this many microseconds more, before requests get fewer.
const PATIENCE: (f64, f64) = (3.0, 50_000.0);

impl GateState {
    /// Counts a request in, or says when it may come again.
    fn admit(&mut self, now: i64, limits: &GateLimits) -> Admission {
        if now < self.held_until {
            return Admission::At(self.held_until);
        }
        // The limit begins at what clients want, so that lowering it halves what is really under way.
        self.limit = self.limit.min(limits.most.max(1) as f64);
        if self.in_flight >= (self.limit as usize).max(1) {
            return Admission::Full;
        }
        match &mut self.window {
            Some(window) if now >= window.resets => self.window = None,
            Some(window) if window.left > 0 => window.left -= 1,
            Some(window) if window.resets - now <= limits.longest_wait => {
                return Admission::At(window.resets);
            }
            _ => {}
        }
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        Admission::Go
    }

    fn free_slots(&self) -> usize {
        (self.limit as usize).max(1).saturating_sub(self.in_flight).min(64)
    }

    fn note_answer(&mut self, status: u16, begun: i64, ended: i64) {
        let took = (ended - begun).max(0) as f64;
        if matches!(status, 429 | 503) {
            return self.lower(0.5, begun, ended);
        }
        // What was quick once may never be again: the mark rises slowly.
        self.quickest = if took < self.quickest { took } else { self.quickest * 1.01 };
        self.recent = if self.recent == 0.0 { took } else { self.recent * 0.7 + took * 0.3 };
        if self.recent > self.quickest * PATIENCE.0 + PATIENCE.1 && self.limit > 1.0 {
            self.lower(0.9, begun, ended);
        } else {
            self.limit += 1.0 / self.limit;
        }
    }

    /// Requests that began before the limit was lowered say nothing new about it.
    fn lower(&mut self, factor: f64, begun: i64, ended: i64) {
        if begun > self.lowered {
            self.limit = (self.limit * factor).max(1.0);
            self.lowered = ended;
        }
    }

    fn note_window(&mut self, window: Window) {
        // Those under way, besides the one that was answered, are not counted by the host yet.
        let left = window.left - i64::try_from(self.in_flight.saturating_sub(1)).unwrap_or(i64::MAX);
        let left = match self.window {
            Some(known) if (known.resets - window.resets).abs() < 2_000_000 => left.min(known.left),
            _ => left,
        };
        self.window = Some(Window { left, resets: window.resets });
    }
}

impl Window {
    /// Reads `X-RateLimit-Remaining` and `-Reset`, the same without `X-`, and `RateLimit: "name";r=9;t=60`.
    fn of(response: &Response, now: i64) -> Option<Self> {
        let number = |name: &str| response.header(name)?.trim().parse::<f64>().ok();
        for prefix in ["X-RateLimit", "RateLimit", "X-Rate-Limit"] {
            let Some(left) = number(&format!("{prefix}-Remaining")) else { continue };
            let resets =
                response.header(&format!("{prefix}-Reset")).and_then(|text| reset_time(text, now))?;
            return Some(Self { left: left as i64, resets });
        }
        let text = response.header("RateLimit")?;
        let item = |keys: [&str; 2]| {
            text.split([';', ',']).find_map(|part| {
                let (key, value) = part.split_once('=')?;
                keys.contains(&key.trim()).then(|| value.trim().parse::<i64>().ok())?
            })
        };
        let (left, seconds) = (item(["r", "remaining"])?, item(["t", "reset"])?);
        Some(Self { left, resets: now.saturating_add(seconds.saturating_mul(1_000_000)) })
    }
}

/// A time in microseconds: of seconds or milliseconds since the epoch, of seconds from now, or of a date.
fn reset_time(text: &str, now: i64) -> Option<i64> {
    let Ok(number) = text.trim().parse::<f64>() else {
        let iso = parse_timestamp(text.trim()).map(Timestamp::utc_micros);
        return iso.or_else(|| parse_http_date(text));
    };
    let micros = if number >= 1e12 {
        number * 1e3
    } else if number >= 1e9 {
        number * 1e6
    } else {
        now as f64 + number * 1e6
    };
    Some(micros as i64)
}

#[cfg(test)]
mod tests {
    use super::super::pace::NotedPace;
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn limits(most: usize) -> GateLimits {
        GateLimits { most, deadline: None, longest_wait: 3600 * SECOND }
    }

    fn answer(headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response::new(200, "http://h/", headers, Vec::new())
    }

    #[test]
    fn requests_at_once_are_limited() {
        let mut state = GateState::default();
        assert_eq!(
            [(); 3].map(|()| state.admit(0, &limits(2))),
            [Admission::Go, Admission::Go, Admission::Full]
        );
    }

    #[test]
    fn a_host_that_has_too_much_gets_half_and_recovers() {
        let mut state = GateState::default();
        for _ in 0..8 {
            state.admit(0, &limits(8));
        }
        // All eight that were under way are refused, which is one piece of news.
        (0..8).for_each(|_| state.note_answer(429, 0, 10));
        assert_eq!(state.limit, 4.0);
        state.note_answer(503, 20, 30);
        assert_eq!(state.limit, 2.0);
        for time in 0..60 {
            state.note_answer(200, 100 + time, 101 + time);
        }
        assert!(state.limit > 8.0, "{}", state.limit);
        state.admit(0, &limits(8));
        assert_eq!(state.limit, 8.0);
    }

    #[test]
    fn slower_answers_mean_fewer_requests() {
        let mut state = GateState::default();
        state.admit(0, &limits(10));
        for time in 0..20_i64 {
            state.note_answer(200, time * SECOND, time * SECOND + 10_000);
        }
        assert!(state.limit >= 10.0);
        state.limit = 10.0;
        for time in 20..40_i64 {
            state.note_answer(200, time * SECOND, time * SECOND + 900_000);
        }
        assert!(state.limit < 3.0, "{}", state.limit);
    }

    #[test]
    fn a_count_that_is_used_up_is_waited_for() {
        let mut state = GateState::default();
        state.admit(0, &limits(4));
        state.note_window(Window { left: 2, resets: 60 * SECOND });
        state.in_flight = 0;
        let admitted = [(); 3].map(|()| state.admit(SECOND, &limits(4)));
        assert_eq!(admitted, [Admission::Go, Admission::Go, Admission::At(60 * SECOND)]);
        // Answers of before do not raise the count again, and those under way are taken from it.
        state.note_window(Window { left: 2, resets: 60 * SECOND });
        assert_eq!(state.admit(SECOND, &limits(4)), Admission::At(60 * SECOND));
        assert_eq!(state.admit(60 * SECOND, &limits(4)), Admission::Go);
        // A host that asks for more patience than there is gets its request, as without this header.
        state.note_window(Window { left: 0, resets: 9000 * SECOND });
        assert_eq!(state.admit(61 * SECOND, &limits(9)), Admission::Go);
    }

    #[test]
    fn counts_are_read_in_all_forms() {
        let now = 1_700_000_000 * SECOND;
        let read = |headers: &[(&str, &str)]| {
            Window::of(&answer(headers), now).map(|window| (window.left, (window.resets - now) / SECOND))
        };
        assert_eq!(
            read(&[("x-ratelimit-remaining", "0"), ("X-RateLimit-Reset", "1700000060")]),
            Some((0, 60))
        );
        assert_eq!(read(&[("X-RateLimit-Remaining", "3"), ("X-RateLimit-Reset", "30")]), Some((3, 30)));
        assert_eq!(read(&[("RateLimit-Remaining", "3"), ("RateLimit-Reset", "30.5")]), Some((3, 30)));
        assert_eq!(
            read(&[("X-RateLimit-Remaining", "3"), ("X-RateLimit-Reset", "1700000060000")]),
            Some((3, 60))
        );
        assert_eq!(
            read(&[("X-RateLimit-Remaining", "3"), ("X-RateLimit-Reset", "2023-11-14T22:14:20Z")]),
            Some((3, 60))
        );
        assert_eq!(read(&[("RateLimit", "\"default\";r=50;t=30")]), Some((50, 30)));
        assert_eq!(read(&[("RateLimit", "limit=100, remaining=50, reset=30")]), Some((50, 30)));
        assert_eq!(read(&[("X-RateLimit-Remaining", "3")]), None);
        assert_eq!(read(&[("X-RateLimit-Remaining", "x"), ("X-RateLimit-Reset", "y")]), None);
    }

    #[tokio::test]
    async fn who_waits_goes_on_when_another_is_done() {
        let gates = HostGates::default();
        let gate = gates.of("http://h:80");
        let pace = NotedPace::default();
        let first = gate.enter(&pace, &limits(1)).await.unwrap();
        let waiting = gates.of("http://h:80");
        let second =
            tokio::spawn(async move { waiting.enter(&NotedPace::default(), &limits(1)).await.is_some() });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        assert!(second.await.unwrap());
        assert_eq!(pace.pauses(), [0.0; 0]);
    }

    #[tokio::test]
    async fn a_hold_is_waited_for_up_to_the_deadline() {
        let gate = HostGates::default().of("http://h:80");
        let pace = NotedPace::default();
        let permit = gate.enter(&pace, &limits(2)).await.unwrap();
        permit.hold(pace.now() + 10 * SECOND);
        let short = GateLimits { deadline: Some(pace.now() + SECOND), ..limits(2) };
        assert!(gate.enter(&pace, &short).await.is_none());
        assert!(gate.enter(&pace, &limits(2)).await.is_some());
        assert_eq!(pace.pauses().len(), 1);
    }
}
