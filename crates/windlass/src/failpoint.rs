//! Named points at which tests make a run fail or die. Without the feature `failpoints` they cost nothing.

use windlass_core::Result;

/// Fails or dies here if `WINDLASS_FAILPOINT` names this point: `name=error`, `name=enospc`, `name=kill` (as by
/// `kill -9`), `name=int`, `name=term` and `name=stop` (a signal to itself), `name=wait` (until the file
/// `WINDLASS_FAILPOINT_GATE` exists), and with `name=kill:3` at the third time only.
#[cfg(feature = "failpoints")]
pub(crate) fn failpoint(name: &str) -> Result<()> {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock, PoisonError};

    static COUNTS: OnceLock<Mutex<HashMap<String, u32>>> = OnceLock::new();
    let Ok(setting) = std::env::var("WINDLASS_FAILPOINT") else { return Ok(()) };
    let Some((point, action)) = setting.split_once('=') else { return Ok(()) };
    if point != name {
        return Ok(());
    }
    let (action, at) = action.split_once(':').unwrap_or((action, "1"));
    let mut counts = COUNTS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(name.to_owned()).or_default();
    *count += 1;
    if at.parse() != Ok(*count) {
        return Ok(());
    }
    match action {
        "error" => Err(windlass_core::Error::internal(format!("failpoint {name}"))),
        "enospc" => {
            let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
            Err(crate::files::io_error("write", std::path::Path::new(name), cause))
        }
        "kill" => {
            signal("KILL");
            std::process::abort()
        }
        "wait" => {
            let gate =
                std::env::var_os("WINDLASS_FAILPOINT_GATE").map(std::path::PathBuf::from).unwrap_or_default();
            drop(std::fs::write(gate.with_extension("reached"), ""));
            while !gate.exists() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            Ok(())
        }
        "stop" => {
            signal("STOP");
            // One thread is told to stop, and tells the others: this one may run on for a moment.
            std::thread::sleep(std::time::Duration::from_millis(500));
            Ok(())
        }
        "int" | "term" => {
            signal(&action.to_uppercase());
            Ok(())
        }
        _ => Err(windlass_core::Error::config(format!("failpoint {name} has no action `{action}`"))),
    }
}

/// Sends a signal to this process; it has arrived when this returns.
#[cfg(feature = "failpoints")]
fn signal(name: &str) {
    let id = std::process::id().to_string();
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &id]).status();
    debug_assert!(sent.is_ok(), "a system with failpoints has `kill`");
}

/// Does nothing: the feature `failpoints` is off.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[expect(clippy::unnecessary_wraps, reason = "the twin with the feature on can fail")]
pub(crate) fn failpoint(_name: &str) -> Result<()> {
    Ok(())
}
