//! `windlass record`.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;
use windlass::config::{Overrides, PipelineFile};
use windlass::core::Result;
use windlass::pipeline::{Reading, RunOptions};
use windlass::sources::Exchanges;

use super::environment;
use crate::args::RecordArgs;
use crate::output::{Exit, Output, grouped, text_table};
use crate::progress::show;
use crate::signals::Signals;

pub(super) async fn run(args: &RecordArgs, output: &Output, signals: &Signals) -> Result<Exit> {
    let folder = args.out.clone().unwrap_or_else(|| default_folder(&args.file));
    let overrides = Overrides { exchanges: Exchanges::Recorded(folder.clone()), ..Overrides::default() };
    let described = PipelineFile::load(&args.file, environment())?.describe(&overrides)?;
    let pipeline = described.pipeline;
    let options = RunOptions { select: args.select.clone(), limit: args.limit, ..described.options };
    signals.stop(&pipeline.cancel())?;
    let shown = show(args.progress, pipeline.progress());
    let result = pipeline.read(&described.sources, &options).await;
    drop(shown);
    let reading = result?;
    for warning in &reading.warnings {
        output.warning(warning);
    }
    let value = json!({ "pipeline": pipeline.name(), "recording": folder, "rows": reading.rows });
    output.result(&value, || text(args, &folder, &reading))?;
    Ok(if reading.is_partial { Exit::PARTIAL } else { Exit::OK })
}

/// Beside the file, under its name.
fn default_folder(file: &std::path::Path) -> PathBuf {
    file.with_extension("cassette")
}

/// What was recorded, for people.
fn text(args: &RecordArgs, folder: &std::path::Path, reading: &Reading) -> String {
    let mut text = String::new();
    let (file, folder) = (args.file.display(), folder.display());
    // Writing to a text cannot fail.
    let _ = writeln!(text, "recorded into {folder}; look through it before you share it\n");
    let rows = reading.rows.iter().map(|(table, count)| vec![format!("  {table}"), grouped(*count)]);
    text.push_str(&text_table(&["  table", "rows"], rows.collect(), &[1]));
    let _ = writeln!(text, "\nnext: `windlass run {file} --replay {folder}` loads it without network");
    text
}
