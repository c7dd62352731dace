//! `windlass backfill`.

use std::time::Duration;

use windlass::core::Result;
use windlass::pipeline::{Backfill, LoadInfo, RunOptions};

use super::describe;
use crate::args::{BackfillArgs, LoadArgs};
use crate::output::{Exit, Output, grouped};
use crate::progress::show;
use crate::signals::Signals;

pub(super) async fn run(args: BackfillArgs, output: &Output, signals: &Signals) -> Result<Exit> {
    let BackfillArgs { file, chunk, until_done, table, dataset, max_memory, workers, wait, progress } = args;
    let load = LoadArgs {
        file,
        select: table,
        limit: None,
        dataset,
        write_disposition: None,
        refresh: None,
        full_refresh: false,
        max_memory,
        workers,
        replay: None,
    };
    let described = describe(&load, false)?;
    let pipeline = described.pipeline;
    let options = RunOptions { wait: Duration::from_secs(wait.into()), ..described.options };
    signals.stop(&pipeline.cancel())?;
    pipeline.work().remember_file(&load.file)?;
    let shown = show(progress, pipeline.progress());
    let (mut chunks, mut all, mut is_partial) = (0, 0, false);
    let mut said = Ok(());
    let backfill = Backfill { chunk_rows: chunk, until_done };
    let result = pipeline.backfill(&described.sources, &options, backfill, |run| {
        is_partial |= run.is_partial();
        run.warnings.iter().for_each(|warning| output.warning(warning));
        let rows = rows(run);
        if run.packages.is_empty() || output.is_json() {
            return;
        }
        (chunks, all) = (chunks + 1, all + rows);
        let line = format!("chunk {chunks}: {} rows, {} in all\n", grouped(rows), grouped(all));
        if said.is_ok() {
            said = output.print(line);
        }
    });
    let info = result.await?;
    drop(shown);
    said?;
    for name in &info.left_out {
        output.warning(&format!("{name} has no cursor, so that it is not loaded in chunks"));
    }
    output.result(&info, || match (info.is_done, until_done) {
        (true, _) => "nothing is left to load\n".to_owned(),
        (false, _) => "there may be more: run it again, or with --until-done\n".to_owned(),
    })?;
    Ok(if is_partial { Exit::PARTIAL } else { Exit::OK })
}

/// Rows of the tables that are not the engine's own.
fn rows(run: &LoadInfo) -> u64 {
    let rows = run.rows();
    rows.iter().filter(|(table, _)| !table.starts_with("_dlt")).map(|(_, rows)| rows).sum()
}
