//! The commands, one file for each group.

mod backfill;
mod check;
mod deploy;
#[cfg_attr(feature = "http", path = "discover.rs")]
#[cfg_attr(not(feature = "http"), path = "discover_disabled.rs")]
mod discover;
mod init;
mod list;
mod named;
mod pipeline;
mod plan;
mod query;
mod record;
mod run;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};

use windlass::config::{Described, Overrides, PipelineFile, parse_byte_size};
use windlass::core::{Code, Error, Result};
use windlass::pipeline::Refresh;
use windlass::sources::Exchanges;

use crate::args::{Args, Command, LoadArgs};
use crate::output::{Exit, Output};
use crate::signals::Signals;

/// Runs the command.
pub(crate) async fn run(args: Args, output: &Output, signals: &Signals) -> Result<Exit> {
    match args.command {
        Command::Init(args) => init::run(&args, output),
        Command::Run(args) => run::run(&args, output, signals).await,
        Command::Backfill(args) => backfill::run(args, output, signals).await,
        Command::Plan(args) => plan::run(&args, output, signals).await,
        Command::Discover(args) => discover::run(&args, output).await,
        Command::Record(args) => record::run(&args, output, signals).await,
        Command::Validate(args) => check::validate(&args.files, output).await,
        Command::Check(args) => check::check(&args.file, output).await,
        Command::Deploy(args) => deploy::run(&args, output),
        Command::Pipeline(command) => pipeline::run(command, output).await,
        Command::Query(args) => query::query(&args, output).await,
        Command::Preview(args) => query::preview(&args, output).await,
        Command::Sources => list::sources(output),
        Command::Destinations => list::destinations(output),
        Command::JsonSchema => list::json_schema(output),
        Command::Completions { shell } => list::completions(shell, output),
    }
}

/// The environment; names and values that are not text are of no use here.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Reads the pipeline file and what the command line says in place of it.
fn describe(args: &LoadArgs, dev_mode: bool) -> Result<Described> {
    let max_memory = args.max_memory.as_deref().map(parse_byte_size).transpose()?;
    let overrides = Overrides {
        dataset: args.dataset.clone(),
        dev_mode,
        max_memory,
        workers: args.workers,
        exchanges: args.replay.clone().map_or(Exchanges::Live, Exchanges::Replayed),
    };
    let file = match args.replay {
        Some(_) => PipelineFile::load_offline(&args.file, environment())?,
        None => PipelineFile::load(&args.file, environment())?,
    };
    let mut described = file.describe(&overrides)?;
    described.options.select = args.select.clone();
    described.options.limit = args.limit;
    described.options.write_disposition =
        args.write_disposition.as_deref().map(parse_disposition).transpose()?;
    described.options.refresh = match &args.refresh {
        Some(mode) => Some(mode.parse()?),
        None => args.full_refresh.then_some(Refresh::DropSources),
    };
    Ok(described)
}

fn parse_disposition(name: &str) -> Result<windlass::core::hints::WriteDisposition> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).map_err(|_| {
        Error::of(Code::UnknownChoice, format!("`{name}` is not a write disposition"))
            .with_detail("what", "write disposition")
            .with_detail("name", name)
            .with_hint("use append, replace, merge or skip")
    })
}

/// Asks before something is destroyed. Errors: nobody can answer and `--yes` was not given.
fn confirm(question: &str, yes: bool) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::of(
            Code::ConfirmationNeeded,
            "this destroys something, and there is nobody to ask",
        )
        .with_hint("give --yes to go ahead"));
    }
    let failed = |cause| Error::internal("cannot ask").with_source(cause);
    write!(std::io::stderr().lock(), "{question} [y/N] ").map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
