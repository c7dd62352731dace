//! What must see the pages of a resource one by one, in order: its limit, and a range that ends before the data does.

use std::sync::Arc;
use std::time::Instant;

use windlass_core::Result;
use windlass_core::incremental::{Filter, Judged, Reading, Tally};

use super::Prepared;
use super::records::{PageBuffers, apply_steps, bad_record, located, parse};
use crate::source::{Body, Limit, OnBadRecord, Page};
use crate::steps::StepRunner;

/// The records of a page that are to be loaded.
#[derive(Clone, Debug)]
pub(crate) enum Chosen {
    /// So many from the beginning.
    First(u64),
    /// Those with these indexes; what follows the last one does not count where a limit cut it off.
    Rows { rows: Vec<u32>, is_cut: bool },
}

/// Lets the pages of one resource pass as far as they are wanted.
pub(super) struct Gate {
    limit: Option<Limit>,
    filter: Option<Arc<Filter>>,
    tally: Option<Tally>,
    steps: Option<StepRunner>,
    on_bad_record: OnBadRecord,
    buffers: PageBuffers,
    started: Instant,
    count: u64,
    is_done: bool,
    is_limited: bool,
}

/// What a gate knows when its resource is read.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) tally: Option<Tally>,
    /// Whether the limit ended a load that cannot take up there in its next run.
    pub(super) may_skip: bool,
}

/// What a page holds, after filter and limit.
struct Counted {
    records: u64,
    bad: usize,
    kept: u64,
    judged: Option<Judged>,
}

impl Gate {
    /// `None` if the pages of the resource can be treated on their own. Errors: steps that are not jq.
    pub(super) fn new(prepared: &Prepared) -> Result<Option<Self>> {
        let resource = &prepared.resource;
        let filter = prepared.filter.clone();
        let stops = filter.as_ref().is_some_and(|filter| filter.options().can_stop_early());
        if resource.limit.is_none() && !stops {
            return Ok(None);
        }
        let steps = if resource.steps.is_empty() { None } else { Some(StepRunner::new(&resource.steps)?) };
        let is_closed = matches!(resource.limit, Some(Limit::Records(0) | Limit::Pages(0)));
        Ok(Some(Self {
            limit: resource.limit,
            tally: filter.as_ref().map(|filter| filter.tally()),
            filter,
            steps,
            on_bad_record: resource.on_bad_record,
            buffers: PageBuffers::default(),
            started: Instant::now(),
            count: 0,
            is_done: is_closed,
            is_limited: is_closed,
        }))
    }

    /// The page after its steps and what to load of it; `None` if nothing of it.
    ///
    /// Errors: a document that is not JSON, a bad record that fails the run, a cursor that cannot be one.
    pub(super) fn pass(&mut self, page: Page, number: u64) -> Result<Option<(Page, Option<Chosen>)>> {
        if self.is_done {
            return Ok(None);
        }
        // Steps come before the limit, so that it counts what is left. Bad records are refused here already where they
        // fail the run; rejected ones are met again by the worker only if the page has no steps.
        let page = match &self.steps {
            None => page,
            Some(steps) => {
                let fails = self.on_bad_record == OnBadRecord::Fail;
                apply_steps(page, steps, &mut self.buffers, &mut |page, bad| {
                    if fails { Err(bad_record(page, bad)) } else { Ok(()) }
                })?
            }
        };
        let most = match self.limit {
            Some(Limit::Records(max)) => Some(max - self.count),
            _ => None,
        };
        if self.filter.is_none() && matches!(self.limit, Some(Limit::Seconds(_))) {
            self.watch_time();
            return Ok(Some((page, None)));
        }
        let counted = self.count_page(&page, number, most).map_err(|error| located(error, &page))?;
        // An empty page counts as a page; one that steps or filter emptied does not.
        let is_emptied = counted.kept == 0 && (counted.records > 0 || self.steps.is_some());
        match self.limit {
            Some(Limit::Records(max)) => {
                self.count += counted.kept;
                self.is_limited = self.count >= max;
            }
            Some(Limit::Pages(max)) => {
                self.count += u64::from(!is_emptied);
                self.is_limited = self.count >= max;
            }
            Some(Limit::Seconds(_)) if !is_emptied => self.watch_time(),
            Some(Limit::Seconds(_)) | None => {}
        }
        self.is_done |= self.is_limited || counted.judged.as_ref().is_some_and(|judged| judged.is_past);
        if is_emptied && counted.bad == 0 {
            return Ok(None);
        }
        let chosen = match counted.judged {
            Some(judged) => {
                Some(Chosen::Rows { rows: judged.kept, is_cut: most.is_some() && self.is_limited })
            }
            None => most.is_some().then_some(Chosen::First(counted.kept)),
        };
        Ok(Some((page, chosen)))
    }

    fn watch_time(&mut self) {
        if let Some(Limit::Seconds(seconds)) = self.limit {
            self.is_limited = self.started.elapsed().as_secs_f64() > seconds;
            self.is_done |= self.is_limited;
        }
    }

    fn count_page(&mut self, page: &Page, number: u64, most: Option<u64>) -> Result<Counted> {
        let reading = Reading { page: number, most, in_order: true };
        let filter = self.filter.as_ref().zip(self.tally.as_mut());
        let records;
        let mut bad = 0;
        let judged = if let Body::Batch(batch) = &page.body {
            records = batch.num_rows() as u64;
            filter.map(|(filter, tally)| filter.batch(batch, reading, tally)).transpose()?
        } else {
            let parsed = parse(page, &mut self.buffers)?;
            records = parsed.rows.len() as u64;
            bad = parsed.bad.len();
            let judged = filter
                .map(|(filter, tally)| filter.records(&parsed.tape, &parsed.rows, reading, tally))
                .transpose()?;
            let memory = parsed.into_memory();
            self.buffers.restore(page, memory);
            judged
        };
        let kept = match &judged {
            Some(judged) => judged.kept.len() as u64,
            None => records.min(most.unwrap_or(u64::MAX)),
        };
        Ok(Counted { records, bad, kept, judged })
    }

    /// Whether no more pages are wanted.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    pub(super) fn finish(self) -> Passed {
        let can_resume = |filter: &Arc<Filter>| {
            let options = filter.options();
            options.is_stateless() || options.can_resume()
        };
        let may_skip = self.is_limited && self.filter.as_ref().is_some_and(|filter| !can_resume(filter));
        Passed { tally: self.tally, may_skip }
    }
}
