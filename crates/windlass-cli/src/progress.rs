//! Progress on stderr: a bar that follows the counters of a run.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use windlass::extract::Progress;

use crate::args::ProgressKind;
use crate::output::{grouped, size};

/// How often the bar looks at the counters.
const REFRESH: Duration = Duration::from_millis(100);

/// How often a plain line is written at least.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Shows progress until it is dropped.
pub(crate) struct Shown {
    task: Option<JoinHandle<()>>,
    bar: Option<ProgressBar>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Begins to show the progress of a run.
pub(crate) fn show(kind: ProgressKind, progress: Arc<Progress>) -> Shown {
    match kind {
        ProgressKind::Auto if std::io::stderr().is_terminal() => {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
                bar.set_style(style);
            }
            let watched = bar.clone();
            let task = tokio::spawn(async move {
                loop {
                    watched.set_message(line(&progress));
                    watched.tick();
                    tokio::time::sleep(REFRESH).await;
                }
            });
            Shown { task: Some(task), bar: Some(bar) }
        }
        ProgressKind::Plain => {
            let task = tokio::spawn(async move {
                let (mut stage, mut told) = (String::new(), Instant::now());
                loop {
                    let now = progress.stage();
                    if now != stage || told.elapsed() >= PLAIN_EVERY {
                        // Where stderr is closed there is nobody to tell.
                        drop(writeln!(std::io::stderr().lock(), "{}", line(&progress)));
                        (stage, told) = (now, Instant::now());
                    }
                    tokio::time::sleep(REFRESH).await;
                }
            });
            Shown { task: Some(task), bar: None }
        }
        _ => Shown { task: None, bar: None },
    }
}

/// The counters in one line.
fn line(progress: &Progress) -> String {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let (records, bytes) = (count(&progress.records), count(&progress.bytes));
    let (jobs, done) = (count(&progress.jobs), count(&progress.jobs_done));
    let mut text = progress.stage();
    if records > 0 {
        text.push_str(&format!("  {} records, {}", grouped(records), size(bytes)));
    }
    if jobs > 0 {
        text.push_str(&format!("  {done}/{jobs} files loaded"));
    }
    text
}
