//! `windlass pipeline`: what a pipeline knows, and cleaning it up.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};
use windlass::core::schema::{Schema, SchemaFormat, export};
use windlass::core::{Code, Error, Result};
use windlass::env::iso_of_load_id;
use windlass::packages::{DamagedPackage, LoadPackage};
use windlass::pipeline::{Change, DropPlan, DropSelection, WorkFolder};

use super::{confirm, named};
use crate::args::{DropArgs, PipelineCommand};
use crate::output::{Exit, Output, grouped, text_table};

pub(super) async fn run(command: PipelineCommand, output: &Output) -> Result<Exit> {
    match command {
        PipelineCommand::List => list(output)?,
        PipelineCommand::Info(args) => info(&named::work(&args.name)?, output)?,
        PipelineCommand::Trace(args) => trace(&named::work(&args.name)?, output)?,
        PipelineCommand::Schema { name, format, schema } => {
            let schema = find_schema(&named::work(&name.name)?, schema.as_deref())?;
            let format: SchemaFormat = if output.is_json() { SchemaFormat::Json } else { format.parse()? };
            output.print(export(&schema, format))?;
        }
        PipelineCommand::State(args) => state(&named::work(&args.name)?, output)?,
        PipelineCommand::Loads(args) => loads(&named::work(&args.name)?, output)?,
        PipelineCommand::FailedJobs(args) => failed_jobs(&named::work(&args.name)?, output)?,
        PipelineCommand::Sync(args) => {
            let change = named::pipeline(&args.name)?.sync_destination().await?;
            let (word, text) = match change {
                Change::None => ("none", "state and schemas are as at the destination\n"),
                Change::Dropped => (
                    "dropped",
                    "the dataset is gone: state and schemas were forgotten, the next run begins anew\n",
                ),
                Change::Adopted => ("adopted", "state and schemas were taken over from the destination\n"),
            };
            output.result(&json!({ "change": word }), || text.to_owned())?;
        }
        PipelineCommand::Drop(args) => drop_resources(&args, output).await?,
        PipelineCommand::DropPending { name, yes } => drop_pending(&name.name, yes, output)?,
    }
    Ok(Exit::OK)
}

fn list(output: &Output) -> Result<()> {
    let folder = named::work_folders()?;
    let mut names: Vec<String> = match fs::read_dir(&folder) {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect(),
        Err(_) => Vec::new(),
    };
    names.sort();
    let mut values = Vec::new();
    let mut rows = Vec::new();
    for name in names {
        let work = WorkFolder::new(folder.join(&name));
        let (trace, is_readable) = trace_if_readable(&work, output);
        let last = trace["finished_at"].as_str().unwrap_or("").to_owned();
        let place = format!("{} {}", text(&trace["destination"]), text(&trace["location"]));
        let result = match &trace["error"] {
            _ if !is_readable => "not known",
            _ if trace.is_null() => "never ran",
            Value::Null => "ok",
            _ => "failed",
        };
        values.push(json!({ "name": name, "last_run": last, "result": result, "destination": place.trim() }));
        rows.push(vec![name, last, result.to_owned(), place]);
    }
    output.result(&json!({ "folder": folder.display().to_string(), "pipelines": values }), || {
        if rows.is_empty() {
            return format!("no pipeline ran on this machine yet ({})\n", folder.display());
        }
        text_table(&["name", "last run", "result", "destination"], rows, &[])
    })
}

/// The report of the last run, and whether it can be read. One that cannot is told: nothing else needs it.
fn trace_if_readable(work: &WorkFolder, output: &Output) -> (Value, bool) {
    match work.trace() {
        Ok(trace) => (trace.unwrap_or(Value::Null), true),
        Err(error) => {
            output.passing(&error);
            (Value::Null, false)
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn info(work: &WorkFolder, output: &Output) -> Result<()> {
    let state = work.state()?;
    let schemas = work.schemas()?;
    let (pending, damaged) = work.packages().unfinished()?;
    let begun = work.packages().begun()?;
    let (trace, _) = trace_if_readable(work, output);
    let file = work.pipeline_file().unwrap_or_else(|error| {
        output.passing(&error);
        None
    });
    let file = file.map(|file| file.display().to_string());
    let value = json!({
        "working_folder": work.path().display().to_string(),
        "file": file,
        "destination": trace["destination"], "location": trace["location"], "dataset": trace["dataset"],
        "state_version": state.as_ref().map(windlass::core::state::State::version),
        "schemas": schemas.iter().map(schema_json).collect::<Vec<_>>(),
        "pending_packages": pending.iter().map(LoadPackage::load_id).collect::<Vec<_>>(),
        "damaged_packages": damaged.iter().map(damaged_json).collect::<Vec<_>>(),
        "begun_packages": begun,
        "last_run": trace["finished_at"], "last_error": trace["error"],
    });
    output.result(&value, || {
        let line = |name: &str, value: &str| format!("{name:<16} {value}\n");
        let mut out = line("working folder", &work.path().display().to_string());
        out += &line("pipeline file", file.as_deref().unwrap_or("not known"));
        if trace.is_null() {
            out += &line("last run", "none has ended yet; it will tell destination and dataset");
        } else {
            let place = format!("{} {}", text(&trace["destination"]), text(&trace["location"]));
            out += &line("destination", &place);
            out += &line("dataset", text(&trace["dataset"]));
            out += &line("last run", text(&trace["finished_at"]));
        }
        if let Some(message) = trace["error"]["message"].as_str() {
            out += &line("last error", message);
        }
        for package in &pending {
            out += &line("pending", package.load_id());
        }
        for package in &damaged {
            out += &line("damaged", &damaged_text(package));
        }
        for schema in &schemas {
            let hash = schema.version_hash.as_deref().unwrap_or("");
            out += &line(
                "schema",
                &format!("{}, version {} ({hash})", schema.name, schema.version.unwrap_or(1)),
            );
            let rows = schema.tables.values().map(|table| {
                let parent = table.parent.clone().unwrap_or_default();
                vec![format!("  {}", table.name), table.columns.len().to_string(), parent]
            });
            out += &text_table(&["  table", "columns", "parent"], rows.collect(), &[1]);
        }
        out
    })
}

fn schema_json(schema: &Schema) -> Value {
    json!({
        "name": schema.name, "version": schema.version, "version_hash": schema.version_hash,
        "tables": schema.tables.keys().collect::<Vec<_>>(),
    })
}

fn trace(work: &WorkFolder, output: &Output) -> Result<()> {
    let Some(trace) = work.trace()? else {
        return Err(Error::of(Code::PipelineNeverRan, "the pipeline did not run yet")
            .with_hint("`windlass run FILE` runs it"));
    };
    output.result(&trace, || {
        let info = serde_json::from_value::<windlass::pipeline::LoadInfo>(trace.clone());
        let mut out = format!("run from {} to {}\n", text(&trace["started_at"]), text(&trace["finished_at"]));
        if let Some(message) = trace["error"]["message"].as_str() {
            let _ = writeln!(out, "failed: {message}");
        }
        if let Ok(info) = info {
            out.push_str(&super::run::text(&info));
            for package in info.packages.iter().filter(|package| !package.statements.is_empty()) {
                let _ = writeln!(out, "\nstatements of package {}:", package.load_id);
                for statement in &package.statements {
                    let _ = writeln!(out, "  {}", statement.replace('\n', "\n  "));
                }
            }
        }
        out
    })
}

fn find_schema(work: &WorkFolder, name: Option<&str>) -> Result<Schema> {
    let schemas = work.schemas()?;
    let names: Vec<String> = schemas.iter().map(|schema| schema.name.clone()).collect();
    let default = work.state()?.and_then(|state| state.default_schema_name().map(str::to_owned));
    let wanted = name.map(str::to_owned).or(default).or_else(|| names.first().cloned());
    schemas.into_iter().find(|schema| Some(&schema.name) == wanted.as_ref()).ok_or_else(|| {
        let error = match name {
            Some(name) => Error::of(Code::PipelineNeverRan, format!("there is no schema `{name}`")),
            None => Error::of(Code::PipelineNeverRan, "the pipeline has no schema yet"),
        };
        if names.is_empty() {
            error.with_hint("run it first")
        } else {
            error.with_hint(format!("there are {}", names.join(", ")))
        }
    })
}

fn state(work: &WorkFolder, output: &Output) -> Result<()> {
    output.print_json(&work.state()?.map_or(Value::Null, |state| state.to_json()))
}

fn status(package: &LoadPackage) -> &'static str {
    let journal = &package.journal;
    if journal.committed_at.is_some() {
        "loaded"
    } else if journal.dropped_at.is_some() {
        "dropped"
    } else if journal.failed.is_empty() {
        "pending"
    } else {
        "failed"
    }
}

/// A package that cannot be read, for programs.
fn damaged_json(package: &DamagedPackage) -> Value {
    json!({
        "load_id": package.load_id(), "created_at": iso_of_load_id(package.load_id()), "status": "damaged",
        "is_finished": package.is_finished, "message": package.error.to_string(), "hint": package.error.hint(),
    })
}

/// The same for people: what is wrong with it, and what to do.
fn damaged_text(package: &DamagedPackage) -> String {
    let what_to_do = match package.error.hint() {
        _ if package.is_finished => "; it was loaded or given up before, nothing is missing".to_owned(),
        Some(hint) => format!("; {hint}"),
        None => String::new(),
    };
    format!("{}: {}{what_to_do}", package.load_id(), package.error)
}

fn loads(work: &WorkFolder, output: &Output) -> Result<()> {
    let (packages, damaged) = (work.packages().list()?, work.packages().damaged()?);
    let mut value: Vec<Value> = packages
        .iter()
        .map(|package| {
            json!({
                "load_id": package.load_id(), "created_at": iso_of_load_id(package.load_id()),
                "status": status(package), "schema": package.manifest.schema_name,
                "rows": package.manifest.row_counts, "files": package.manifest.jobs.len(),
            })
        })
        .collect();
    value.extend(damaged.iter().map(damaged_json));
    output.result(&value, || {
        if packages.is_empty() && damaged.is_empty() {
            return "no load package yet\n".to_owned();
        }
        let rows = packages.iter().map(|package| {
            let rows: u64 = package.manifest.row_counts.values().sum();
            vec![
                package.load_id().to_owned(),
                iso_of_load_id(package.load_id()),
                status(package).to_owned(),
                package.manifest.schema_name.clone(),
                grouped(rows),
                package.manifest.jobs.len().to_string(),
            ]
        });
        let mut out =
            text_table(&["load id", "created", "status", "schema", "rows", "files"], rows.collect(), &[4, 5]);
        for package in &damaged {
            let _ = writeln!(out, "damaged package {}", damaged_text(package));
        }
        out
    })
}

fn failed_jobs(work: &WorkFolder, output: &Output) -> Result<()> {
    let packages = work.packages().list()?;
    let mut values = Vec::new();
    let mut out = String::new();
    for package in &packages {
        let is_open = !package.journal.is_finished();
        for (file, message) in package.journal.failed.iter().filter(|_| is_open) {
            values.push(json!({ "load_id": package.load_id(), "file": file, "message": message }));
            // Writing to a text cannot fail.
            let _ = writeln!(out, "package {}: {message}", package.load_id());
        }
        for (resource, count) in &package.manifest.left_out.rejected_records {
            let folder = package.folder().join("rejects").display().to_string();
            values.push(json!({
                "load_id": package.load_id(), "resource": resource, "rejected_records": count, "folder": folder,
            }));
            let _ = writeln!(
                out,
                "package {}: {} records of {resource} were rejected; they are in {folder}",
                package.load_id(),
                grouped(*count)
            );
        }
        for failed in &package.manifest.left_out.failed_partitions {
            values.push(json!({
                "load_id": package.load_id(), "resource": failed.resource, "partition": failed.partition,
                "message": failed.error,
            }));
            let _ = writeln!(
                out,
                "package {}: partition {} of {} could not be read: {}",
                package.load_id(),
                failed.partition,
                failed.resource,
                failed.error
            );
        }
    }
    for package in work.packages().damaged()? {
        values.push(damaged_json(&package));
        let _ = writeln!(out, "damaged package {}", damaged_text(&package));
    }
    output.result(&values, || if out.is_empty() { "nothing failed\n".to_owned() } else { out })
}

async fn drop_resources(args: &DropArgs, output: &Output) -> Result<()> {
    if args.resources.is_empty() && !args.drop_all {
        return Err(Error::config("nothing is selected").with_hint("name resources, or give --drop-all"));
    }
    let pipeline = named::pipeline(&args.name.name)?;
    let selection = DropSelection {
        resources: args.resources.clone(),
        all: args.drop_all,
        schema: args.schema.clone(),
        state_only: args.state_only,
    };
    let plan = pipeline.plan_drop(&selection).await?;
    plan.warnings.iter().for_each(|warning| output.warning(warning));
    if plan.is_empty() {
        return output.result(&plan, || "nothing to drop\n".to_owned());
    }
    if !args.yes {
        output.say(drop_text(&plan))?;
    }
    if !confirm("drop this?", args.yes)? {
        return output.say("nothing was changed");
    }
    let (plan, _) = pipeline.drop_resources(&selection).await?;
    output.result(&plan, || format!("{}\ndone\n", drop_text(&plan)))
}

fn drop_text(plan: &DropPlan) -> String {
    let or_none = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!(
        "schema {}: tables to drop: {}; resources whose state is forgotten: {}",
        plan.schema,
        or_none(&plan.tables),
        or_none(&plan.state)
    )
}

fn drop_pending(name: &str, yes: bool, output: &Output) -> Result<()> {
    let work = named::work(name)?;
    let packages = work.packages();
    let (waiting, damaged) = packages.unfinished()?;
    let mut pending: Vec<String> = waiting.iter().map(|package| package.load_id().to_owned()).collect();
    pending.extend(damaged.iter().map(|package| package.load_id().to_owned()));
    pending.extend(packages.begun()?);
    if pending.is_empty() {
        return output.result(&json!({ "dropped": pending }), || "no package is pending\n".to_owned());
    }
    if !confirm(&format!("give up the packages {}?", pending.join(", ")), yes)? {
        return output.say("nothing was changed");
    }
    let dropped = work.drop_pending(windlass::env::Env::default().now())?;
    output.result(&json!({ "dropped": dropped }), || format!("gave up {}\n", dropped.join(", ")))
}
