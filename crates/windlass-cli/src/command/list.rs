//! What this binary was built with.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;
use windlass::core::Result;
use windlass::destinations::DESTINATIONS;
use windlass::sources::SOURCES;

use crate::args::Args;
use crate::output::{Exit, Output, text_table};

pub(super) fn sources(output: &Output) -> Result<Exit> {
    list(output, SOURCES.iter().map(|entry| (entry.name, entry.short, entry.missing)))
}

pub(super) fn destinations(output: &Output) -> Result<Exit> {
    list(output, DESTINATIONS.iter().map(|entry| (entry.name, entry.short, entry.missing)))
}

fn list<'a>(
    output: &Output,
    entries: impl Iterator<Item = (&'a str, &'a str, Option<&'a str>)>,
) -> Result<Exit> {
    let entries: Vec<_> = entries.collect();
    let value: Vec<_> = entries
        .iter()
        .map(|(name, short, missing)| json!({ "name": name, "about": short, "missing": missing }))
        .collect();
    output.result(&value, || {
        let rows = entries.iter().map(|(name, short, _)| vec![(*name).to_owned(), (*short).to_owned()]);
        text_table(&["name", "about"], rows.collect(), &[])
    })?;
    Ok(Exit::OK)
}

pub(super) fn json_schema(output: &Output) -> Result<Exit> {
    output.print_json(&windlass::config::json_schema())?;
    Ok(Exit::OK)
}

pub(super) fn completions(shell: Shell, output: &Output) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "windlass", &mut script);
    output.print(script)?;
    Ok(Exit::OK)
}
