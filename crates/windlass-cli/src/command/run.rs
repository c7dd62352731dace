//! `windlass run`.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use windlass::core::{ErrorKind, Result};
use windlass::pipeline::{LoadInfo, PackageInfo, RunOptions};

use super::describe;
use crate::args::RunArgs;
use crate::output::{Exit, Output, grouped, size, text_table};
use crate::progress::show;
use crate::signals::Signals;

pub(super) async fn run(args: &RunArgs, output: &Output, signals: &Signals) -> Result<Exit> {
    let described = describe(&args.load, args.dev_mode)?;
    let pipeline = described.pipeline;
    let options = RunOptions { wait: Duration::from_secs(args.wait.into()), ..described.options };
    signals.stop(&pipeline.cancel())?;
    pipeline.work().remember_file(&args.load.file)?;
    let shown = show(args.progress, pipeline.progress());
    let result = pipeline.run(&described.sources, &options).await;
    drop(shown);
    if let Err(error) = &result
        && error.kind() != ErrorKind::Conflict
        && let Ok(Some(trace)) = pipeline.work().trace()
    {
        // The report of a failed run is lost to the error, what it warns of must not be.
        let warnings = trace.get("warnings").and_then(Value::as_array).into_iter().flatten();
        warnings.filter_map(Value::as_str).for_each(|warning| output.warning(warning));
    }
    let info = result?;
    for warning in &info.warnings {
        output.warning(warning);
    }
    for package in &info.packages {
        left_out(package, output);
    }
    unread(&info, output);
    output.result(&info, || text(&info))?;
    Ok(if info.is_partial() { Exit::PARTIAL } else { Exit::OK })
}

/// Tells what did not get into the tables.
fn left_out(package: &PackageInfo, output: &Output) {
    for (resource, count) in &package.left_out.rejected_records {
        output.warning(&format!(
            "{} records of {resource} could not be read and were left out; `windlass pipeline failed-jobs` tells where \
             they are kept",
            grouped(*count)
        ));
    }
    for (table, count) in &package.left_out.discarded_rows {
        output.warning(&format!("the schema contract left out {} rows of {table}", grouped(*count)));
    }
    for (table, count) in &package.left_out.discarded_values {
        output.warning(&format!("the schema contract left out {} values of {table}", grouped(*count)));
    }
}

/// Failed partitions that are named; `--json` and the trace list all of them.
const SHOWN_PARTITIONS: usize = 20;

/// Tells what could not be read.
fn unread(info: &LoadInfo, output: &Output) {
    for (resource, reason) in &info.unfinished_resources {
        output.warning(&format!("{resource} was not read to its end: {reason}"));
    }
    for failed in info.failed_partitions.iter().take(SHOWN_PARTITIONS) {
        output.warning(&format!(
            "partition {} of {} could not be read, the next run tries again: {}",
            failed.partition, failed.resource, failed.error
        ));
    }
    if let Some(more) = info.failed_partitions.len().checked_sub(SHOWN_PARTITIONS).filter(|more| *more > 0) {
        output.warning(&format!("{} more partitions could not be read", grouped(more as u64)));
    }
}

/// What a run did, for people.
pub(super) fn text(info: &LoadInfo) -> String {
    let mut text = String::new();
    let place = format!("{} {}, dataset {}", info.destination, info.location, info.dataset);
    if info.packages.is_empty() {
        return format!("pipeline {}: nothing new to load into {place}\n", info.pipeline);
    }
    // Writing to a text cannot fail.
    let _ = writeln!(text, "pipeline {} loaded into {place}", info.pipeline);
    for package in &info.packages {
        let left = match (package.was_pending, package.was_resumed) {
            (true, _) => " (left by an earlier run)",
            (_, true) => " (begun by an earlier run)",
            _ => "",
        };
        let rows: u64 = package.rows.values().sum();
        let _ = writeln!(
            text,
            "\npackage {}{left}: {} rows, {} in {} files; extract and normalize {:.2} s, load {:.2} s",
            package.load_id,
            grouped(rows),
            size(package.bytes),
            package.jobs,
            package.extract_seconds,
            package.load_seconds
        );
        let mut tables: Vec<_> = package.rows.iter().collect();
        tables.sort();
        let rows = tables.into_iter().map(|(table, count)| {
            let update = package.schema_update.get(table).map_or(0, Vec::len);
            let update = if update == 0 { String::new() } else { format!("{update} new columns") };
            vec![format!("  {table}"), grouped(*count), update]
        });
        text.push_str(&text_table(&["  table", "rows", "schema"], rows.collect(), &[1]));
    }
    text
}
