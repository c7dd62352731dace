//! `windlass plan`.

use std::fmt::Write as _;

use windlass::core::Result;
use windlass::pipeline::Plan;

use super::describe;
use crate::args::PlanArgs;
use crate::output::{Exit, Output, grouped};
use crate::signals::Signals;

pub(super) async fn run(args: &PlanArgs, output: &Output, signals: &Signals) -> Result<Exit> {
    let described = describe(&args.load, false)?;
    signals.stop(&described.pipeline.cancel())?;
    let sample = (args.sample > 0).then_some(args.sample);
    let plan = described.pipeline.plan(&described.sources, &described.options, sample).await?;
    for warning in &plan.warnings {
        output.warning(warning);
    }
    output.result(&plan, || text(&plan))?;
    Ok(if args.detailed_exitcode && plan.has_changes() { Exit::CHANGES } else { Exit::OK })
}

/// The plan for people.
fn text(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let seen = match plan.sample {
        Some(records) => format!("a sample of at most {} records of each resource", grouped(records)),
        None => "all records".to_owned(),
    };
    let _ = writeln!(
        text,
        "pipeline {} into {} {}, dataset {}; from {seen}",
        plan.pipeline, plan.destination, plan.location, plan.dataset
    );
    for load_id in &plan.pending {
        let _ = writeln!(text, "\n> package {load_id} of an earlier run is loaded first");
    }
    for (name, table) in &plan.tables {
        let (sign, what) = if table.is_new { ('+', "new table") } else { ('~', "table") };
        let parent = table.parent.as_deref().map_or_else(String::new, |parent| format!(" below {parent}"));
        let _ = writeln!(
            text,
            "\n{sign} {what} {name}{parent}, {} rows in the sample",
            grouped(table.sample_rows)
        );
        for column in &table.columns {
            let _ = writeln!(text, "    + {column}");
        }
    }
    if !plan.dropped.is_empty() {
        let _ = writeln!(text, "\n- tables that are dropped: {}", plan.dropped.join(", "));
    }
    if !plan.replaced.is_empty() {
        let _ = writeln!(text, "\n- rows that are deleted and replaced: {}", plan.replaced.join(", "));
    }
    for (table, count) in &plan.left_out {
        let _ = writeln!(
            text,
            "\n! the schema contract leaves out {} rows or values of {table}",
            grouped(*count)
        );
    }
    if !plan.statements.is_empty() {
        text.push_str("\nstatements:\n");
        for statement in &plan.statements {
            let _ = writeln!(text, "  {}", statement.replace('\n', "\n  "));
        }
    }
    if !plan.has_changes() {
        text.push_str("\nno change of tables; rows are only added\n");
    }
    text
}
