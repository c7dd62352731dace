//! What streams of this process read, for those who want to write it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

/// Whether somebody wants to write what is read.
type Wanted = watch::Sender<bool>;

/// The streams of this process by the place that they read.
static PLACES: Mutex<BTreeMap<String, Vec<Weak<Wanted>>>> = Mutex::new(BTreeMap::new());

/// A place is read as long as this or a clone of it lives.
#[derive(Clone, Debug)]
pub(crate) struct Reading(Arc<Wanted>);

impl Reading {
    /// Notes that a place is read.
    pub(crate) fn note(place: &str) -> Self {
        let wanted = Arc::new(watch::Sender::new(false));
        let mut places = places();
        let streams = places.entry(place.to_owned()).or_default();
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&wanted));
        Self(wanted)
    }

    /// Waits until somebody wants to write the place.
    pub(super) async fn wanted(&self) {
        // The sender is here, so that waiting cannot fail.
        drop(self.0.subscribe().wait_for(|is_wanted| *is_wanted).await);
    }
}

/// Streams that were asked to take what is left into memory, and to let go of what they read.
#[must_use = "the place is free only when nobody reads it"]
pub(crate) struct Asked(Vec<Weak<Wanted>>);

impl Asked {
    /// Whether the place is still read.
    pub(crate) fn is_read(&self) -> bool {
        self.0.iter().any(|stream| stream.strong_count() > 0)
    }
}

/// Asks the streams of this process that read a place to end.
pub(crate) fn ask_to_end(place: &str) -> Asked {
    let streams = places().remove(place).unwrap_or_default();
    for stream in &streams {
        if let Some(wanted) = stream.upgrade() {
            wanted.send_replace(true);
        }
    }
    Asked(streams)
}

fn places() -> MutexGuard<'static, BTreeMap<String, Vec<Weak<Wanted>>>> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_reads_learns_that_the_place_is_wanted() {
        assert!(!ask_to_end("nowhere").is_read());
        let (one, other) = (Reading::note("here"), Reading::note("there"));
        let asked = ask_to_end("here");
        one.wanted().await;
        assert!(asked.is_read());
        let clone = one.clone();
        drop(one);
        assert!(asked.is_read());
        drop(clone);
        assert!(!asked.is_read() && ask_to_end("there").is_read());
        drop(other);
    }
}
