//! Every recorded case is a test; a case that is pending must fail, so that the list of them stays true.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let pending = windlass_conformance::pending(&folder).unwrap();
    let files = windlass_conformance::case_files(&folder).unwrap();
    let names: Vec<String> = files.iter().map(|path| windlass_conformance::case_name(path)).collect();
    let mut trials: Vec<Trial> = files
        .into_iter()
        .map(|path| {
            let name = windlass_conformance::case_name(&path);
            let reason = pending.get(&name).cloned();
            let kind = if reason.is_some() { "pending" } else { "recorded" };
            Trial::test(name, move || check(&path, reason.as_deref())).with_kind(kind)
        })
        .collect();
    trials.push(Trial::test("all_cases_are_there", move || {
        if names.len() < 95 {
            return Err(format!("only {} cases", names.len()).into());
        }
        match pending.keys().find(|name| !names.contains(name)) {
            Some(name) => Err(format!("{name} is pending, but no case").into()),
            None => Ok(()),
        }
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn check(path: &Path, pending: Option<&str>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome =
        runtime.block_on(windlass_conformance::run_file(path, &windlass_conformance::Target::DuckDb));
    match (outcome.differences.is_empty(), pending) {
        (true, None) | (false, Some(_)) => Ok(()),
        (true, Some(reason)) => Err(format!("passes, but pending.txt says: {reason}").into()),
        (false, None) => Err(outcome.differences.join("\n").into()),
    }
}
