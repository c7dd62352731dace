//! Every recording of requests is a test; those that wait are listed with the reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use windlass_conformance::{RestOutcome, Waiting, case_files, case_name, rest_folder, run_rest_file};

fn main() {
    let waiting = Arc::new(Waiting::of_project().unwrap());
    let files = case_files(&rest_folder()).unwrap();
    let names: Vec<String> = files.iter().map(|path| case_name(path)).collect();
    let mut trials: Vec<Trial> = files
        .into_iter()
        .map(|path| {
            let name = case_name(&path);
            let waiting = Arc::clone(&waiting);
            Trial::test(name, move || check(&path, &waiting)).with_kind("rest")
        })
        .collect();
    trials.push(Trial::test("all_recordings_are_there", move || {
        if names.len() < 246 {
            return Err(format!("only {} recordings", names.len()).into());
        }
        match waiting.entries().find(|(name, _)| !names.iter().any(|known| known == name)) {
            Some((name, _)) => Err(format!("{name} waits, but is no recording").into()),
            None => Ok(()),
        }
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn check(path: &Path, waiting: &Waiting) -> Result<(), Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    match runtime.block_on(run_rest_file(path, waiting)).map_err(|error| error.chain())? {
        RestOutcome::NotRecorded => Err("this is no recording".into()),
        RestOutcome::Ran { differences, .. } if !differences.is_empty() => Err(differences.join("\n").into()),
        RestOutcome::Waits(_) | RestOutcome::Ran { .. } => Ok(()),
    }
}
