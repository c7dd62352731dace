//! Named points at which tests make a run fail or die. Without the feature `failpoints` they cost nothing.
//!
//! A name says where it stands: `package.manifest.rename` is passed just before that rename.

use windlass_core::Result;

/// Fails or dies here if `WINDLASS_FAILPOINT` names this point.
///
/// `name=ACTION` acts at the first time that the point is passed, `name=ACTION:3` at the third only:
/// - `panic`, `kill` (as by `kill -9`), `int` and `term` (a signal to itself);
/// - `stop` (a signal to itself) and `wait` (until the file `WINDLASS_FAILPOINT_GATE` exists);
/// - `eio` and `enospc`, errors as of a disk; `error`, one of our own.
///
/// `WINDLASS_FAILPOINT_TRACE` names a file to which every point that is passed appends its name.
#[cfg(feature = "failpoints")]
#[expect(clippy::panic, reason = "a panic is what is asked for")]
pub(crate) fn failpoint(name: &str) -> Result<()> {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock, PoisonError};

    static COUNTS: OnceLock<Mutex<HashMap<String, u32>>> = OnceLock::new();
    trace(name);
    let Ok(setting) = std::env::var("WINDLASS_FAILPOINT") else { return Ok(()) };
    let Some((point, action)) = setting.split_once('=') else { return Ok(()) };
    if point != name {
        return Ok(());
    }
    let (action, at) = action.split_once(':').unwrap_or((action, "1"));
    {
        let mut counts = COUNTS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(name.to_owned()).or_default();
        *count += 1;
        if at.parse() != Ok(*count) {
            return Ok(());
        }
    }
    let disk = |cause| Err(crate::files::io_error("write", std::path::Path::new(name), cause));
    match action {
        "error" => Err(windlass_core::Error::internal(format!("failpoint {name}"))),
        "eio" => disk(std::io::Error::from_raw_os_error(EIO)),
        "enospc" => disk(std::io::ErrorKind::StorageFull.into()),
        "panic" => std::panic::panic_any(format!("failpoint {name}")),
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

/// The same for a point whose name has two parts: what is written, and the step of it.
#[cfg(feature = "failpoints")]
pub(crate) fn failpoint_at(what: &str, step: &str) -> Result<()> {
    failpoint(&format!("{what}.{step}"))
}

/// The number of the error that a broken disk gives, on Linux and macOS.
#[cfg(feature = "failpoints")]
const EIO: i32 = 5;

/// Whether what is written at once is written in two pieces, with a failpoint between them.
pub(crate) const SPLITS_WRITES: bool = cfg!(feature = "failpoints");

/// Notes that a point was passed. One write of a short line to a file that is appended to is not torn apart.
#[cfg(feature = "failpoints")]
fn trace(name: &str) {
    use std::io::Write as _;
    let Some(path) = std::env::var_os("WINDLASS_FAILPOINT_TRACE") else { return };
    let file = std::fs::File::options().create(true).append(true).open(path);
    let written = file.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
    debug_assert!(written.is_ok(), "the trace of a test can be written");
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

/// Does nothing: the feature `failpoints` is off.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[expect(clippy::unnecessary_wraps, reason = "the twin with the feature on can fail")]
pub(crate) fn failpoint_at(_what: &str, _step: &str) -> Result<()> {
    Ok(())
}
