//! When a request is sent again, and after which pause.

use std::time::{Duration, UNIX_EPOCH};

/// How often and after which pauses requests are sent again.
#[derive(Clone, Debug)]
pub(super) struct RetryPolicy {
    /// Attempts at most, the first included.
    pub(super) attempts: u32,
    /// Seconds before the second attempt; each further pause is twice as long.
    pub(super) factor: f64,
    /// Longest pause in seconds.
    pub(super) longest: f64,
    /// Statuses that are tried again.
    pub(super) statuses: Vec<(u16, u16)>,
    /// Whether the server may say how long to wait.
    pub(super) respects_server: bool,
    /// Part of a pause by which it may be longer at random.
    pub(super) jitter: f64,
}

impl RetryPolicy {
    /// Whether an answer of this status is tried again.
    pub(super) fn retries(&self, status: u16) -> bool {
        self.statuses.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }

    /// The pause after the attempt of this number, counted from 1; `None` if it was the last. `retry_after` is the
    /// server's header, `now` in microseconds since the epoch, `chance` from 0 up to 1.
    pub(super) fn pause(
        &self,
        attempt: u32,
        retry_after: Option<&str>,
        now: i64,
        chance: f64,
    ) -> Option<Duration> {
        if attempt >= self.attempts.max(1) {
            return None;
        }
        let told = retry_after.filter(|_| self.respects_server).and_then(|text| parse_retry_after(text, now));
        let seconds = match told {
            Some(seconds) => seconds.min(self.longest),
            None => {
                let doubled = self.factor * 2_f64.powi(i32::try_from(attempt - 1).unwrap_or(i32::MAX));
                doubled.min(self.longest) * (1.0 + self.jitter * chance)
            }
        };
        Some(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }
}

/// Seconds to wait, from a whole number of them or a date; `None` if it is neither, or not in the future.
fn parse_retry_after(text: &str, now: i64) -> Option<f64> {
    let text = text.trim();
    let seconds = match text.parse::<i64>() {
        Ok(seconds) => seconds as f64,
        Err(_) => (parse_http_date(text)? - now) as f64 / 1e6,
    };
    (seconds > 0.0).then_some(seconds)
}

/// A date of HTTP in microseconds since the epoch.
pub(super) fn parse_http_date(text: &str) -> Option<i64> {
    // Cookies write dashes where headers have spaces.
    let since =
        httpdate::parse_http_date(&text.replace('-', " ")).or_else(|_| httpdate::parse_http_date(text));
    i64::try_from(since.ok()?.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_445_412_480_000_000; // Wed, 21 Oct 2015 07:28:00 GMT

    fn policy() -> RetryPolicy {
        RetryPolicy {
            attempts: 5,
            factor: 1.0,
            longest: 300.0,
            statuses: vec![(429, 429), (500, 599)],
            respects_server: true,
            jitter: 0.0,
        }
    }

    fn pauses(policy: &RetryPolicy, retry_after: Option<&str>) -> Vec<f64> {
        (1..)
            .map_while(|attempt| policy.pause(attempt, retry_after, NOW, 0.5))
            .map(|pause| pause.as_secs_f64())
            .collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!(pauses(&policy(), None), [1.0, 2.0, 4.0, 8.0]);
        let short = RetryPolicy { attempts: 3, factor: 0.5, longest: 0.7, ..policy() };
        assert_eq!(pauses(&short, None), [0.5, 0.7]);
        assert_eq!(pauses(&RetryPolicy { attempts: 0, ..policy() }, None), [0.0; 0]);
        assert_eq!(pauses(&RetryPolicy { attempts: 2, jitter: 0.2, ..policy() }, None), [1.1]);
        assert_eq!(pauses(&RetryPolicy { attempts: 3, factor: f64::INFINITY, ..policy() }, None), [300.0; 2]);
    }

    #[test]
    fn the_server_says_how_long() {
        let first = |text| pauses(&policy(), Some(text))[0];
        assert_eq!(first("7"), 7.0);
        assert_eq!(first("99999"), 300.0);
        assert_eq!(first("Wed, 21 Oct 2015 07:28:50 GMT"), 50.0);
        for ignored in
            ["0", "-1", "1.5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "Mon, 01 Jan 1990 00:00:00 GMT"]
        {
            assert_eq!(first(ignored), 1.0, "{ignored}");
        }
        let deaf = RetryPolicy { respects_server: false, ..policy() };
        assert_eq!(pauses(&deaf, Some("7"))[0], 1.0);
    }

    #[test]
    fn some_statuses_are_tried_again() {
        let retried: Vec<u16> = (400..=600).filter(|status| policy().retries(*status)).collect();
        assert_eq!((retried[0], retried[1], retried.len()), (429, 500, 101));
    }
}
