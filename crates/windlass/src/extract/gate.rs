//! What must see the pages of a resource one by one, in order: its limit, a range that ends before the data does,
//! requests that follow its cursor, and resources that are made from its records.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass_core::incremental::{Filter, Judged, PageScan, Tally};
use windlass_core::json::write_typed;
use windlass_core::normalize::batch_lines;
use windlass_core::{Error, Result};

use super::Prepared;
use super::records::{PageBuffers, apply_steps, bad_record, located, parse};
use super::unfound::Unfound;
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
    /// Whether other resources need the records.
    keeps_records: bool,
    /// Whether a promised order is relied on.
    checks_order: bool,
    /// Whether a record past the range ends the resource.
    can_stop: bool,
    /// Whether records go no further than to those resources, so that no worker sees them.
    is_last: bool,
    /// Where requests see the furthest value of the cursor.
    last_value: Arc<Mutex<Option<Value>>>,
}

/// What a gate lets through of a page.
#[derive(Debug)]
pub(super) struct Let {
    pub(super) page: Page,
    pub(super) chosen: Option<Chosen>,
    /// The list of the records as JSON, for resources that are made from them.
    pub(super) records: Option<String>,
}

/// What a gate knows when its resource is read.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) tally: Option<Tally>,
    /// Whether the limit ended a load that cannot take up there in its next run.
    pub(super) may_skip: bool,
    /// Documents that have no records where the resource says.
    pub(super) unfound: Unfound,
}

/// What a page holds, after filter and limit.
struct Counted {
    records: u64,
    bad: usize,
    kept: u64,
    judged: Option<Judged>,
    /// The kept records as a list, where they are needed.
    records_text: Option<String>,
}

impl Gate {
    /// `None` if the pages of the resource can be treated on their own. Errors: steps that are not jq.
    pub(super) fn new(prepared: &Prepared, last_value: Arc<Mutex<Option<Value>>>) -> Result<Option<Self>> {
        let resource = &prepared.resource;
        let filter = prepared.filter.clone();
        if !prepared.is_in_step() && !prepared.is_parent {
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
            keeps_records: prepared.is_parent,
            checks_order: prepared.can_stop_early() || resource.limit.is_some(),
            can_stop: prepared.can_stop_early(),
            is_last: !prepared.is_loaded,
            last_value,
        }))
    }

    /// What the gate knows so far, for a run that goes on here.
    pub(super) fn mark(&self) -> Value {
        json!({
            "tally": self.tally.as_ref().map(Tally::to_json),
            "count": self.count,
            "seconds": self.started.elapsed().as_secs_f64(),
            "is_done": self.is_done,
            "is_limited": self.is_limited,
        })
    }

    /// Takes up what [`Gate::mark`] gave. Errors: something else.
    pub(super) fn resume(&mut self, mark: &Value) -> Result<()> {
        let broken = || Error::data("what a limit knew before the crash cannot be read");
        self.count = mark["count"].as_u64().ok_or_else(broken)?;
        self.is_done = mark["is_done"].as_bool().ok_or_else(broken)?;
        self.is_limited = mark["is_limited"].as_bool().ok_or_else(broken)?;
        let seconds = mark["seconds"].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let seconds = seconds.ok_or_else(broken)?;
        self.started = self.started.checked_sub(seconds).unwrap_or(self.started);
        self.resume_tally(&mark["tally"])
    }

    /// Takes up what was seen of the cursor.
    pub(super) fn resume_tally(&mut self, tally: &Value) -> Result<()> {
        if let Some(known) = &mut self.tally
            && !tally.is_null()
        {
            known.resume(tally)?;
        }
        self.tell_last_value()
    }

    /// Lets the next request see the furthest value.
    fn tell_last_value(&self) -> Result<()> {
        if let (Some(filter), Some(tally)) = (&self.filter, &self.tally) {
            let last = filter.last_value(tally)?;
            *self.last_value.lock().unwrap_or_else(PoisonError::into_inner) = last;
        }
        Ok(())
    }

    /// The page after its steps and what to load of it; `None` if nothing of it.
    ///
    /// Errors: a document that is not JSON, a bad record that fails the run, a cursor that cannot be one.
    pub(super) fn pass(&mut self, page: Page, number: u64) -> Result<Option<Let>> {
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
        if self.filter.is_none() && !self.keeps_records && matches!(self.limit, Some(Limit::Seconds(_))) {
            self.watch_time();
            return Ok(Some(Let { page, chosen: None, records: None }));
        }
        let counted = self.count_page(&page, number, most).map_err(|error| located(error, &page))?;
        self.tell_last_value()?;
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
        self.is_done |= self.is_limited
            || (self.can_stop && counted.judged.as_ref().is_some_and(|judged| judged.is_past));
        if is_emptied && counted.bad == 0 {
            return Ok(None);
        }
        let chosen = match counted.judged {
            Some(judged) => {
                Some(Chosen::Rows { rows: judged.kept, is_cut: most.is_some() && self.is_limited })
            }
            None => most.is_some().then_some(Chosen::First(counted.kept)),
        };
        Ok(Some(Let { page, chosen, records: counted.records_text.filter(|list| !list.is_empty()) }))
    }

    fn watch_time(&mut self) {
        if let Some(Limit::Seconds(seconds)) = self.limit {
            self.is_limited = self.started.elapsed().as_secs_f64() > seconds;
            self.is_done |= self.is_limited;
        }
    }

    fn count_page(&mut self, page: &Page, number: u64, most: Option<u64>) -> Result<Counted> {
        let scan = PageScan { page: number, most, in_order: self.checks_order };
        let filter = self.filter.as_ref().zip(self.tally.as_mut());
        let records;
        let mut bad = 0;
        let mut records_text = self.keeps_records.then(String::new);
        let judged = if let Body::Batch(batch) = &page.body {
            records = batch.num_rows() as u64;
            let judged = filter.map(|(filter, tally)| filter.batch(batch, scan, tally)).transpose()?;
            if let Some(list) = &mut records_text {
                let lines = batch_lines(batch)?;
                let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
                write_list(list, records, most, judged.as_ref(), |list, index| {
                    list.push_str(&String::from_utf8_lossy(lines.get(index).copied().unwrap_or_default()));
                });
            }
            judged
        } else {
            self.buffers.keep_literals(records_text.is_some());
            let parsed = parse(page, &mut self.buffers)?;
            records = parsed.rows.len() as u64;
            bad = parsed.bad.len();
            if let Some(first) = parsed.bad.first()
                && self.is_last
                && self.on_bad_record == OnBadRecord::Fail
            {
                return Err(bad_record(page, first));
            }
            let judged = filter
                .map(|(filter, tally)| filter.records(&parsed.tape, &parsed.rows, scan, tally))
                .transpose()?;
            if let Some(list) = &mut records_text {
                write_list(list, records, most, judged.as_ref(), |list, index| {
                    if let Some(row) = parsed.rows.get(index) {
                        write_typed(list, &parsed.tape, row.node);
                    }
                });
            }
            let memory = parsed.into_memory();
            self.buffers.restore(page, memory);
            judged
        };
        let kept = match &judged {
            Some(judged) => judged.kept.len() as u64,
            None => records.min(most.unwrap_or(u64::MAX)),
        };
        Ok(Counted { records, bad, kept, judged, records_text })
    }

    /// Whether no more pages are wanted.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// What the gate knows in the end.
    pub(super) fn finish(mut self) -> Passed {
        let can_resume = |filter: &Arc<Filter>| {
            let options = filter.options();
            options.is_stateless() || options.can_resume()
        };
        let may_skip = self.is_limited && self.filter.as_ref().is_some_and(|filter| !can_resume(filter));
        Passed { tally: self.tally, may_skip, unfound: self.buffers.take_unfound() }
    }
}

/// Writes the list of the records that are kept.
fn write_list(
    list: &mut String,
    records: u64,
    most: Option<u64>,
    judged: Option<&Judged>,
    mut write: impl FnMut(&mut String, usize),
) {
    let mut push = |index: usize| {
        list.push(if list.is_empty() { '[' } else { ',' });
        write(list, index);
    };
    match judged {
        Some(judged) => judged.kept.iter().for_each(|index| push(*index as usize)),
        None => (0..records.min(most.unwrap_or(u64::MAX))).for_each(|index| push(index as usize)),
    }
    if !list.is_empty() {
        list.push(']');
    }
}
