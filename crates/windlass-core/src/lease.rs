//! Who may load a pipeline: a lease with an end, and a token that only grows.
//!
//! A destination keeps the newest [`Lease`] of each pipeline. A run takes it, and every commit checks that its token is
//! still the newest one: who was stopped for so long that another took over finds a greater token and commits nothing.

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::value::{Timestamp, format_timestamp};

/// What a destination remembers of the lease of one pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Greater than every token before.
    pub token: i64,
    /// Who holds it: the same for all runs in one working folder of one machine.
    pub holder: String,
    /// The holder as people know it.
    pub owner: String,
    /// Microseconds since the epoch.
    pub acquired_at: i64,
    /// Microseconds since the epoch.
    pub renewed_at: i64,
    /// Microseconds since the epoch. A lease that was given back has ended.
    pub expires_at: i64,
}

/// A run that wants the lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The pipeline.
    pub pipeline: String,
    /// Who asks: the same for all runs in one working folder of one machine.
    pub holder: String,
    /// The same for people.
    pub owner: String,
    /// Microseconds for which the lease is taken.
    pub micros: i64,
}

impl Claim {
    /// The lease that follows on the last one.
    ///
    /// A lease that has not ended is given to its own holder again: only one run uses a working folder, so the one
    /// that took it is dead. Errors: [`crate::ErrorKind::Conflict`] if somebody else holds it.
    pub fn take(&self, last: Option<&Lease>, now: i64) -> Result<Lease> {
        if let Some(last) = last.filter(|last| last.expires_at > now && last.holder != self.holder) {
            let seconds = (last.expires_at - now).div_euclid(1_000_000) + 1;
            let mut since = String::new();
            format_timestamp(&mut since, Timestamp { micros: last.acquired_at, offset: Some(0) }, 'T');
            return Err(Error::of(Code::LeaseHeld, format!(
                "another run of pipeline `{}` is under way: {}, since {since}",
                self.pipeline, last.owner
            )).with_detail("pipeline", self.pipeline.as_str())
            .with_hint(format!(
                "wait until it ends, for example with `--wait {seconds}`; if it is dead, its lease ends in {seconds} s"
            )));
        }
        Ok(Lease {
            token: last.map_or(0, |last| last.token) + 1,
            holder: self.holder.clone(),
            owner: self.owner.clone(),
            acquired_at: now,
            renewed_at: now,
            expires_at: now.saturating_add(self.micros),
        })
    }

    /// Errors: [`crate::ErrorKind::Conflict`] if the newest token is not this one.
    pub fn check(&self, token: i64, newest: Option<i64>) -> Result<()> {
        if newest == Some(token) { Ok(()) } else { Err(self.lost()) }
    }

    /// What is said to a run that another one took the lease from.
    pub fn lost(&self) -> Error {
        Error::of(
            Code::LeaseLost,
            format!("another run of pipeline `{}` took over while this one stood still", self.pipeline),
        )
        .with_detail("pipeline", self.pipeline.as_str())
        .with_hint("run again: what the other run did not load is extracted again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn claim(holder: &str) -> Claim {
        Claim {
            pipeline: "p".into(),
            holder: holder.into(),
            owner: format!("host of {holder}"),
            micros: 10_000_000,
        }
    }

    #[test]
    fn a_lease_is_taken_by_one_until_it_ends() {
        let first = claim("a").take(None, 100).unwrap();
        assert_eq!((first.token, first.expires_at), (1, 10_000_100));
        let error = claim("b").take(Some(&first), 200).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("host of a"), "{error}");
        assert!(error.to_string().contains("since 1970-01-01T00:00:00.000100+00:00"), "{error}");
        assert!(error.hint().unwrap().contains("--wait 10"), "{error}");
        let second = claim("b").take(Some(&first), first.expires_at).unwrap();
        assert_eq!((second.token, second.holder.as_str()), (2, "b"));
    }

    #[test]
    fn its_holder_takes_it_again_with_a_greater_token() {
        let first = claim("a").take(None, 100).unwrap();
        assert_eq!(claim("a").take(Some(&first), 101).unwrap().token, 2);
    }

    #[test]
    fn only_the_newest_token_commits() {
        assert!(claim("a").check(2, Some(2)).is_ok());
        for newest in [None, Some(1), Some(3)] {
            assert_eq!(claim("a").check(2, newest).unwrap_err().kind(), ErrorKind::Conflict);
        }
    }

    proptest::proptest! {
        /// Whoever asks when: tokens only grow, and between the start and the end of a lease nobody else gets one.
        #[test]
        fn no_two_holders_at_one_time(asks in proptest::collection::vec((0_u8..3, 0_i64..20_000_000), 1..40)) {
            let (mut last, mut now): (Option<Lease>, i64) = (None, 0);
            for (who, passed) in asks {
                now += passed;
                match claim(&who.to_string()).take(last.as_ref(), now) {
                    Ok(next) => {
                        if let Some(last) = &last {
                            proptest::prop_assert!(next.token > last.token);
                            proptest::prop_assert!(next.holder == last.holder || last.expires_at <= now);
                        }
                        last = Some(next);
                    }
                    Err(_) => {
                        let last = last.as_ref().unwrap();
                        proptest::prop_assert!(last.expires_at > now && last.holder != who.to_string());
                    }
                }
            }
        }
    }
}
