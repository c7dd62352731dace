//! What the engine logs, for Python's `logging`.
//!
//! The threads of the engine have no GIL: they leave texts, which the thread that called hands on.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use windlass::core::masking::masked;

/// Texts that wait at most; what comes meanwhile is lost.
const MOST_WAITING: usize = 10_000;

/// The lowest level that Python wants to see, in its numbers; `WARNING` until it says so.
static LOWEST: AtomicI32 = AtomicI32::new(30);

static WAITING: Mutex<VecDeque<(i32, String)>> = Mutex::new(VecDeque::new());

/// Says from which level on, in Python's numbers, the engine's logs go to the logger `windlass`.
#[pyfunction]
pub(crate) fn set_log_level(level: i32) {
    static INSTALLED: Once = Once::new();
    LOWEST.store(level, Ordering::Relaxed);
    // Another subscriber of this process keeps its place.
    INSTALLED.call_once(|| drop(tracing_subscriber::registry().with(ToPython).try_init()));
}

/// Hands what waits to Python. Errors: those of the logger's handlers.
pub(crate) fn hand_over(py: Python<'_>) -> PyResult<()> {
    let waiting = std::mem::take(&mut *WAITING.lock().unwrap_or_else(PoisonError::into_inner));
    if waiting.is_empty() {
        return Ok(());
    }
    let logger = py.import("logging")?.call_method1("getLogger", ("windlass",))?;
    for (level, text) in waiting {
        // The text is no format.
        logger.call_method1("log", (level, "%s", text))?;
    }
    Ok(())
}

struct ToPython;

fn number(level: &Level) -> i32 {
    match *level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

impl<S: Subscriber> Layer<S> for ToPython {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // The level may change.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        // What libraries log of requests may hold secrets.
        metadata.target().starts_with("windlass")
            && number(metadata.level()) >= LOWEST.load(Ordering::Relaxed)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST_WAITING {
            waiting.push_back((
                number(event.metadata().level()),
                masked(&(text.message + &text.fields)).into_owned(),
            ));
        }
    }
}

/// The message of an event, and its fields behind it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
