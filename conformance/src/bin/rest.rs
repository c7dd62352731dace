//! `windlass-rest-conformance FOLDER [NAME ...]`: runs recordings of the reference at HTTP servers, prints a line for each,
//! and closes with a count.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use windlass_conformance::{RestOutcome, Waiting, case_files, case_name, run_rest_file};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        let _ = writeln!(std::io::stderr(), "usage: windlass-rest-conformance FOLDER [NAME ...]");
        return ExitCode::from(2);
    };
    let names: Vec<String> = arguments.collect();
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    match runtime.block_on(run(&folder, &names)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", error.chain());
            ExitCode::from(2)
        }
    }
}

/// Runs the recordings; gives the number that failed.
async fn run(folder: &Path, names: &[String]) -> windlass::core::Result<usize> {
    let mut out = std::io::stdout().lock();
    let waiting = Waiting::of_project()?;
    let (mut passed, mut failed) = (0, 0);
    for path in case_files(folder)? {
        let name = case_name(&path);
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        match run_rest_file(&path, &waiting).await? {
            RestOutcome::NotRecorded => {}
            RestOutcome::Waits(reason) => drop(writeln!(out, "waits {name}: {reason}")),
            RestOutcome::Ran { on_purpose, differences } if differences.is_empty() => {
                passed += 1;
                let note = on_purpose.map(|reason| format!(" (another way on purpose: {reason})"));
                let _ = writeln!(out, "ok {name}{}", note.unwrap_or_default());
            }
            RestOutcome::Ran { differences, .. } => {
                failed += 1;
                let _ = writeln!(out, "FAILED {name} (- recorded, + windlass):");
                for line in &differences {
                    let _ = writeln!(out, "  {line}");
                }
            }
        }
    }
    let _ = writeln!(out, "{passed} passed, {failed} failed");
    Ok(failed)
}
