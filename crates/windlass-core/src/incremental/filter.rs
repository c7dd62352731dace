//! Which records belong to a run.

use std::cmp::Ordering;

use serde_json::Value;

use super::digest::{Digest, DigestForm};
use super::lag;
use super::options::{Bound, Extreme, IncrementalOptions, MissingCursor, RowOrder};
use super::stored::Stored;
use super::tally::Tally;
use super::value::{self, Limit, TextOrder};
use crate::error::{At, Error, Result};
use crate::hints::OneOrMany;
use crate::json::{NodePosition, ParsedRow, Select, Tape, write_digest_text};
use crate::value::Scalar;

/// The range of one run, fixed when it starts; shared by all workers.
#[derive(Clone, Debug)]
pub struct Filter {
    pub(super) options: IncrementalOptions,
    pub(super) path: CursorPath,
    start: Option<Limit>,
    end: Option<Limit>,
    stored: Stored,
    pub(super) key: RecordKey,
    /// Whether records at the start of the range are compared with what was loaded before.
    deduplicates: bool,
    text_order: TextOrder,
}

/// Where the cursor is in a record.
#[derive(Clone, Debug)]
pub(super) enum CursorPath {
    Key(String),
    Path(Select),
}

/// What identifies a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RecordKey {
    Record,
    Column(String),
    Columns(Vec<String>),
}

/// How records are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageScan {
    /// Number of the page in the order of the input.
    pub page: u64,
    /// Records to keep at most; what follows the last one is not looked at.
    pub most: Option<u64>,
    /// Whether pages come in the order of the input, so that a promised order of records can be checked.
    pub in_order: bool,
}

/// What became of the records of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// Indexes of the records that are kept, ascending.
    pub kept: Vec<u32>,
    /// Whether no later page can have a record of the range.
    pub is_past: bool,
}

/// What is known of a record's cursor.
#[derive(Clone, Debug)]
pub(super) enum Cursor<'a> {
    Value(Scalar<'a>),
    Null,
    Absent,
    /// NaN or infinite: a number that has no place among the others, so that no run could go on after it.
    NoPlace,
}

impl<'a> Cursor<'a> {
    pub(super) fn of(value: Scalar<'a>) -> Self {
        if value::has_place(&value) { Self::Value(value) } else { Self::NoPlace }
    }
}

/// Takes the digests of the records with these indexes.
pub(super) type DigestOf<'a> = dyn FnMut(&[u32], DigestForm) -> Result<Vec<Digest>> + 'a;

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Keep,
    /// At the start: kept unless it was loaded before.
    Boundary,
    Drop,
}

impl Filter {
    /// The range of a run that starts from a stored entry. `primary_key` is the resource's.
    ///
    /// Errors: options that are wrong, an entry that cannot be read, a lag on what has none.
    pub fn new(
        options: &IncrementalOptions,
        primary_key: Option<&OneOrMany>,
        entry: Option<&Value>,
    ) -> Result<Self> {
        options.validate()?;
        let stored = Stored::new(options, entry)?;
        let func = options.last_value_func;
        let initial = value::from_json(&options.initial_value)?.map(Limit::new);
        let lag = options.lag.filter(|_| !options.is_stateless());
        let start = match (&stored.last, lag) {
            (Some(last), Some(lag)) => Some(start_with_lag(last, lag, func, initial)?),
            (last, _) => last.clone(),
        };
        let key = match options.primary_key.as_ref().or(primary_key) {
            None => RecordKey::Record,
            Some(OneOrMany::One(name)) => RecordKey::Column(name.clone()),
            Some(OneOrMany::Many(names)) => RecordKey::Columns(names.clone()),
        };
        let is_off = matches!(&key, RecordKey::Column(name) if name.is_empty())
            || matches!(&key, RecordKey::Columns(names) if names.is_empty());
        let path = Select::parse_value(&options.cursor_path)?;
        let path = match path.keys().as_deref() {
            Some([key]) => CursorPath::Key((*key).to_owned()),
            _ => CursorPath::Path(path),
        };
        Ok(Self {
            deduplicates: options.range_start == Bound::Closed
                && !options.is_stateless()
                && lag.is_none()
                && !is_off,
            options: options.clone(),
            path,
            start,
            end: value::from_json(&options.end_value)?.map(Limit::new),
            stored,
            key,
            text_order: TextOrder::Letters,
        })
    }

    /// The same, with texts compared in this order.
    pub fn of_texts(mut self, order: TextOrder) -> Self {
        self.text_order = order;
        let limit = |limit: Limit| limit.of_texts(order);
        self.start = self.start.map(limit);
        self.end = self.end.map(limit);
        self.stored.last = self.stored.last.map(limit);
        self
    }

    /// The options of the cursor.
    pub fn options(&self) -> &IncrementalOptions {
        &self.options
    }

    /// The option `initial_value`; `None` if there is none.
    pub fn initial_value(&self) -> Option<Value> {
        Some(self.options.initial_value.clone()).filter(|value| !value.is_null())
    }

    /// Where the run starts, its lag applied; `None` if it takes everything.
    pub fn start_value(&self) -> Option<Value> {
        self.start.as_ref().map(|start| value::to_json(&start.value))
    }

    /// The option `end_value`; `None` if there is none.
    pub fn end_value(&self) -> Option<Value> {
        Some(self.options.end_value.clone()).filter(|value| !value.is_null())
    }

    /// The furthest value that was seen in this run and those before; the start of the run while nothing was read.
    ///
    /// Errors: values that cannot be compared.
    pub fn last_value(&self, tally: &Tally) -> Result<Option<Value>> {
        let Some(seen) = &tally.last else {
            let start = if tally.has_pages { self.stored.last.as_ref() } else { self.start.as_ref() };
            return Ok(start.map(|start| value::to_json(&start.value)));
        };
        Ok(Some(match &self.stored.last {
            Some(stored)
                if self.options.last_value_func.order(stored.order_of(&seen.value, LAST)?)
                    == Ordering::Less =>
            {
                value::to_json(&stored.value)
            }
            _ => value::to_json(&seen.value),
        }))
    }

    /// A tally for one worker.
    pub fn tally(&self) -> Tally {
        Tally::new(self.options.last_value_func).of_texts(self.text_order)
    }

    /// Judges the records of a page of JSON.
    ///
    /// Errors: a cursor that is missing, has no order or another type; a record without its key; records that are not
    /// in the promised order. The number of the record is in the error.
    pub fn records(
        &self,
        tape: &Tape<'_>,
        rows: &[ParsedRow],
        scan: PageScan,
        tally: &mut Tally,
    ) -> Result<Judged> {
        let cursors: Vec<Cursor<'_>> = rows.iter().map(|row| self.cursor(tape, row.node)).collect();
        let mut text = String::new();
        let ordinal = |index: u32| u64::from(rows.get(index as usize).map_or(index, |row| row.ordinal));
        let mut digest = |indexes: &[u32], form: DigestForm| {
            let digest = |&index: &u32| {
                text.clear();
                self.key
                    .write(&mut text, tape, rows[index as usize].node, form == DigestForm::Legacy)
                    .map_err(|e| e.at(At { row: Some(ordinal(index)), ..At::default() }))?;
                Ok(form.digest(&text))
            };
            indexes.iter().map(digest).collect()
        };
        self.judge(&cursors, &ordinal, &mut digest, scan, tally)
    }

    fn cursor<'a>(&self, tape: &Tape<'a>, node: NodePosition) -> Cursor<'a> {
        let found = match &self.path {
            CursorPath::Key(key) => tape.member(node, key),
            CursorPath::Path(path) => path.first(tape, node),
        };
        match found.map(|position| tape.scalar(position)) {
            None => Cursor::Absent,
            Some(Scalar::Null) => Cursor::Null,
            Some(value) => Cursor::of(value),
        }
    }

    /// Judges records by their cursors.
    pub(super) fn judge(
        &self,
        cursors: &[Cursor<'_>],
        ordinal: &dyn Fn(u32) -> u64,
        digest: &mut DigestOf<'_>,
        scan: PageScan,
        tally: &mut Tally,
    ) -> Result<Judged> {
        tally.has_pages |= !cursors.is_empty();
        let located =
            |error: Error, index: usize| error.at(At { row: Some(ordinal(index as u32)), ..At::default() });
        let mut judged = Judged::default();
        let mut fates = Vec::with_capacity(cursors.len());
        let mut boundary = Vec::new();
        let former = tally.previous.take();
        let mut previous = former.as_ref();
        for (index, cursor) in cursors.iter().enumerate() {
            let (fate, is_past) = match cursor {
                Cursor::Value(value) => {
                    let fate = self.fate(value).map_err(|e| located(e, index))?;
                    if scan.in_order {
                        self.check_order(previous, value).map_err(|e| located(e, index))?;
                        previous = Some(value);
                    }
                    fate
                }
                missing => (self.fate_of_missing(missing).map_err(|e| located(e, index))?, false),
            };
            judged.is_past |= is_past;
            if fate == Fate::Boundary {
                boundary.push(index as u32);
            }
            fates.push(fate);
        }
        tally.previous = previous.map(|value| value.clone().into_owned());
        if !boundary.is_empty() {
            let digests = digest(&boundary, self.stored.digests.form)?;
            for (index, digest) in boundary.into_iter().zip(digests) {
                let is_known = self.stored.digests.set.contains(&digest);
                fates[index as usize] = if is_known { Fate::Drop } else { Fate::Keep };
            }
        }
        let most = scan.most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let kept = fates.iter().zip(0..).filter(|(fate, _)| **fate == Fate::Keep).map(|(_, index)| index);
        judged.kept.extend(kept.take(most));
        tally.kept += judged.kept.len() as u64;
        self.note_last(cursors, &judged.kept, digest, scan.page, tally)?;
        Ok(judged)
    }

    /// Adds the last cursor of the kept records to the tally.
    fn note_last(
        &self,
        cursors: &[Cursor<'_>],
        kept: &[u32],
        digest: &mut DigestOf<'_>,
        page: u64,
        tally: &mut Tally,
    ) -> Result<()> {
        if self.options.is_stateless() {
            return Ok(());
        }
        let func = self.options.last_value_func;
        let mut last: Option<(&Scalar<'_>, Vec<u32>)> = None;
        for &index in kept {
            let Some(Cursor::Value(value)) = cursors.get(index as usize) else { continue };
            match &mut last {
                None => last = Some((value, vec![index])),
                Some((best, same)) => {
                    match value::compare_by(self.text_order, value, best).map(|order| func.order(order)) {
                        Some(Ordering::Less) => {}
                        Some(Ordering::Equal) => same.push(index),
                        Some(Ordering::Greater) => {
                            *best = value;
                            same.clear();
                            same.push(index);
                        }
                        // The tally says what is wrong.
                        None => tally
                            .note(best, (page, 0), DigestForm::Current, [])
                            .and_then(|()| tally.note(value, (page, index), DigestForm::Current, []))?,
                    }
                }
            }
        }
        let Some((value, same)) = last else { return Ok(()) };
        if tally.is_behind(value)? {
            return Ok(());
        }
        // Digests of the stored form are added to those that are stored.
        let is_stored = match &self.stored.last {
            Some(last) => last.order_of(value, LAST)? == Ordering::Equal,
            None => false,
        };
        let form = if is_stored { self.stored.digests.form } else { DigestForm::Current };
        let place = (page, same.first().copied().unwrap_or_default());
        let digests = if self.deduplicates { digest(&same, form)? } else { Vec::new() };
        tally.note(value, place, form, digests)
    }

    /// What becomes of a record, and whether a promised order says that it is the last one of the range.
    fn fate(&self, cursor: &Scalar<'_>) -> Result<(Fate, bool)> {
        value::check(cursor)?;
        let func = self.options.last_value_func;
        let order = self.options.row_order;
        if let Some(end) = &self.end {
            let beyond = func.order(end.order_of(cursor, "end_value")?);
            let is_out = beyond == Ordering::Greater
                || (beyond == Ordering::Equal && self.options.range_end == Bound::Open);
            if is_out {
                return Ok((Fate::Drop, order.is_some_and(|order| self.options.is_towards(order))));
            }
        }
        let Some(start) = &self.start else { return Ok((Fate::Keep, false)) };
        let is_backwards = order.is_some_and(|order| !self.options.is_towards(order));
        Ok(match func.order(start.order_of(cursor, LAST)?) {
            Ordering::Greater => (Fate::Keep, false),
            Ordering::Less => (Fate::Drop, is_backwards),
            Ordering::Equal if self.options.range_start == Bound::Open => (Fate::Drop, is_backwards),
            // More records with the start value may follow, so the end is only sure behind them.
            Ordering::Equal if self.deduplicates && !self.stored.digests.set.is_empty() => {
                (Fate::Boundary, false)
            }
            Ordering::Equal => (Fate::Keep, false),
        })
    }

    fn fate_of_missing(&self, cursor: &Cursor<'_>) -> Result<Fate> {
        match self.options.on_cursor_value_missing {
            MissingCursor::Include => Ok(Fate::Keep),
            MissingCursor::Exclude => Ok(Fate::Drop),
            MissingCursor::Raise => {
                let path = &self.options.cursor_path;
                Err(Error::data(match cursor {
                    Cursor::Absent => format!("the record has no cursor `{path}`"),
                    Cursor::NoPlace => format!("the cursor `{path}` is NaN or infinite"),
                    _ => format!("the cursor `{path}` is null"),
                })
                .with_hint("check cursor_path, or set on_cursor_value_missing to include or exclude"))
            }
        }
    }

    fn check_order(&self, previous: Option<&Scalar<'_>>, cursor: &Scalar<'_>) -> Result<()> {
        let (Some(order), Some(previous)) = (self.options.row_order, previous) else { return Ok(()) };
        let backwards = match order {
            RowOrder::Asc => Ordering::Less,
            RowOrder::Desc => Ordering::Greater,
        };
        if value::compare_by(self.text_order, cursor, previous) != Some(backwards) {
            return Ok(());
        }
        let word = if order == RowOrder::Asc { "asc" } else { "desc" };
        Err(Error::data(format!(
            "row_order is {word}, but the cursor goes backwards: a run that stops early would lose records"
        ))
        .with_hint("have the source sort its records by the cursor, or leave row_order and limit out"))
    }

    /// The entry of the next run; `None` if a run with these options stores nothing.
    pub fn finish(&self, tally: &Tally) -> Result<Option<Value>> {
        if self.options.is_stateless() {
            return Ok(None);
        }
        let mut entry = self.stored.entry.clone();
        let stored = &self.stored.digests;
        let mut digests = None;
        if let Some(last) = &tally.last {
            let order = match &self.stored.last {
                None => Ordering::Greater,
                Some(stored) => self.options.last_value_func.order(stored.order_of(&last.value, LAST)?),
            };
            match order {
                Ordering::Greater => {
                    entry.insert("last_value".to_owned(), value::to_json(&last.value));
                    digests = Some(last.digests.clone());
                }
                Ordering::Equal => {
                    let mut all = stored.clone();
                    all.extend(last.digests.set.iter().copied())?;
                    digests = Some(all);
                }
                Ordering::Less => {}
            }
        }
        if !self.deduplicates && tally.has_pages {
            digests = Some(super::digest::Digests::empty(DigestForm::Current));
        }
        // The same digests stay as they are stored, so that an idle run changes nothing.
        if let Some(digests) = digests.filter(|digests| digests.set != stored.set) {
            entry.insert("unique_hashes".to_owned(), digests.to_json());
        }
        if tally.kept > 0 {
            let start = self.stored.entry.get("last_value").cloned().unwrap_or_default();
            entry.insert("start_value".to_owned(), start);
        }
        Ok(Some(Value::Object(entry)))
    }
}

/// What the start of a range is called in errors.
const LAST: &str = "initial or stored last value";

/// The last value less the lag, but never before the initial value.
fn start_with_lag(last: &Limit, lag: f64, func: Extreme, initial: Option<Limit>) -> Result<Limit> {
    let start = lag::apply(&last.value, lag, func)?;
    Ok(match initial {
        Some(initial) if func.order(initial.order_of(&start, "initial_value")?) == Ordering::Less => initial,
        _ => Limit::new(start),
    })
}

impl RecordKey {
    /// The text that the digest of a record is taken over. Errors: the key is missing.
    fn write(&self, out: &mut String, tape: &Tape<'_>, node: NodePosition, legacy: bool) -> Result<()> {
        let find = |name: &str| {
            tape.member(node, name).ok_or_else(|| {
                Error::data(format!("the record has no `{name}`, which is its primary key")).with_hint(
                    "write the names of the key as in the data, or give the incremental its own primary_key",
                )
            })
        };
        match self {
            Self::Record => write_digest_text(out, tape, node, legacy),
            Self::Column(name) => write_digest_text(out, tape, find(name)?, legacy),
            Self::Columns(names) => {
                for (index, name) in names.iter().enumerate() {
                    out.push(if index == 0 { '[' } else { ',' });
                    write_digest_text(out, tape, find(name)?, legacy);
                }
                out.push(']');
            }
        }
        Ok(())
    }

    /// The columns of the key; `None` for the whole record.
    pub(super) fn columns(&self) -> Option<&[String]> {
        match self {
            Self::Record => None,
            Self::Column(name) => Some(std::slice::from_ref(name)),
            Self::Columns(names) => Some(names),
        }
    }

    /// Digests of whole records that hold just the key.
    pub(super) fn digest(&self, tape: &Tape<'_>, node: NodePosition, form: DigestForm) -> Result<Digest> {
        let mut text = String::new();
        self.write(&mut text, tape, node, form == DigestForm::Legacy)?;
        Ok(form.digest(&text))
    }
}
