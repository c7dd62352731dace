//! `windlass-conformance [--destination duckdb|sqlite|postgres=URL] FOLDER [NAME ...]`: runs the cases of a folder,
//! prints what differs, and closes with a count.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use windlass_conformance::Target;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut target = Ok(Target::DuckDb);
    if let Some(at) = arguments.iter().position(|argument| argument == "--destination") {
        arguments.remove(at);
        target = if at < arguments.len() { arguments.remove(at) } else { String::new() }.parse();
    }
    let target = match target {
        Ok(target) if !arguments.is_empty() => target,
        _ => {
            let usage = "[--destination duckdb|sqlite|postgres=URL] FOLDER [NAME ...]";
            let _ = writeln!(std::io::stderr(), "usage: windlass-conformance {usage}");
            return ExitCode::from(2);
        }
    };
    let folder = PathBuf::from(arguments.remove(0));
    let names = arguments;
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    match runtime.block_on(run(&folder, &names, &target)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", error.chain());
            ExitCode::from(2)
        }
    }
}

/// Runs the cases; gives the number that failed.
async fn run(folder: &std::path::Path, names: &[String], target: &Target) -> windlass::core::Result<usize> {
    let mut out = std::io::stdout().lock();
    let pending = windlass_conformance::pending(folder)?;
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for path in windlass_conformance::case_files(folder)? {
        let name = windlass_conformance::case_name(&path);
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        if let Some(reason) = target.exception(&name) {
            let _ = writeln!(out, "{name} left out: {reason}");
            left_out += 1;
            continue;
        }
        let outcome = windlass_conformance::run_file(&path, target).await;
        match (outcome.differences.is_empty(), pending.get(&name)) {
            (true, None) => {
                passed += 1;
                continue;
            }
            (true, Some(_)) => {
                failed += 1;
                let _ = writeln!(out, "{name} passes, but is listed in pending.txt: take it off");
                continue;
            }
            (false, Some(reason)) => {
                let _ = writeln!(out, "{name} is pending: {reason}");
                continue;
            }
            (false, None) => failed += 1,
        }
        let _ = writeln!(out, "{} differs (- recorded, + windlass):", outcome.name);
        for line in &outcome.differences {
            let _ = writeln!(out, "  {line}");
        }
    }
    let _ = writeln!(out, "{passed} passed, {failed} failed, {left_out} left out");
    Ok(failed)
}
