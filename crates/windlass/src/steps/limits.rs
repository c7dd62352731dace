//! What an expression may take for one record: evaluations, depth, and the size of what it makes or looks through.
//!
//! Expressions are programs, and some never end. jaq looks a term up for each evaluation, which [`Metered`] counts; what
//! happens between two evaluations is measured by functions that [`super::costs`] puts around it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use jaq_core::data::HasLut;
use jaq_core::{DataT, Lut};
use jaq_json::{Num, Val};
use windlass_core::{Error, Result};

/// Evaluations of an expression on one record.
pub(super) const MAX_STEPS: u64 = 10_000_000;

/// Further evaluations for each byte of the record.
const STEPS_OF_BYTE: u64 = 256;

/// What one more level of a value costs, so that no value is too deep to be written or dropped.
pub(super) const LEVEL_STEPS: usize = 128;

/// Bytes of a text, elements of a list and members of an object that are made at the price of one evaluation. All that
/// fits into the limit at once stays well below the memory of a run.
pub(super) const BYTES_OF_STEP: usize = 16;
const ELEMENTS_OF_STEP: usize = 2;

/// How long an expression may work on one record, whatever the evaluations cost: far more than they take when the limit
/// of evaluations holds, so that it ends only what nobody has thought of.
const MAX_TIME: Duration = Duration::from_secs(60);

/// Evaluations between two looks at the clock.
const STEPS_OF_LOOK: u32 = 4096;

/// Levels of lists and objects in a text that is read as JSON.
const MAX_LEVELS: usize = 65_536;

/// Stack of the thread that expressions run on. What is not used takes no memory; where a system does not give as much,
/// less is asked for.
const STACK_BYTES: [usize; 3] = [1 << 30, 256 << 20, 32 << 20];

/// The part of it that evaluations may take; the rest is for values, which are as deep as their making allows.
const PART_OF_STACK: usize = 8;

/// What an expression had enough of.
#[derive(Clone, Copy, Debug)]
enum Exceeded {
    Steps,
    Depth,
    Time,
}

/// Counts what an expression takes on one record.
#[derive(Debug)]
pub(super) struct Meter {
    left: Cell<u64>,
    /// Evaluations until the clock is looked at.
    until_look: Cell<u32>,
    started: Instant,
    /// Where the stack for evaluations ends; it grows downwards.
    stack_end: usize,
}

impl Meter {
    pub(super) fn spend(&self, steps: usize) {
        match self.left.get().checked_sub(steps as u64) {
            Some(left) => self.left.set(left),
            None => exceed(Exceeded::Steps),
        }
    }

    fn evaluate(&self) {
        self.spend(1);
        if stack_position() < self.stack_end {
            exceed(Exceeded::Depth);
        }
        match self.until_look.get().checked_sub(1) {
            Some(left) => self.until_look.set(left),
            None if self.started.elapsed() > MAX_TIME => exceed(Exceeded::Time),
            None => self.until_look.set(STEPS_OF_LOOK),
        }
    }

    /// Counts all that a value holds, however often it holds the same; gives the count.
    pub(super) fn spend_all(&self, value: &Val) -> usize {
        let own = 1 + size(value);
        self.spend(own);
        own + match value {
            Val::Arr(elements) => elements.iter().map(|element| self.spend_all(element)).sum::<usize>(),
            Val::Obj(members) => {
                members.iter().map(|(k, v)| self.spend_all(k) + self.spend_all(v)).sum::<usize>()
            }
            _ => 0,
        }
    }

    /// Counts what it takes to compare two values: what both of them hold.
    pub(super) fn spend_common(&self, left: &Val, right: &Val) {
        self.spend(1 + size(left).min(size(right)));
        match (left, right) {
            (Val::Arr(left), Val::Arr(right)) => {
                left.iter().zip(right.iter()).for_each(|(left, right)| self.spend_common(left, right));
            }
            (Val::Obj(left), Val::Obj(right)) => left.iter().for_each(|(key, value)| {
                self.spend_all(key);
                if let Some(other) = right.get(key) {
                    self.spend_common(value, other);
                }
            }),
            _ => {}
        }
    }
}

/// Leaves the expression: an error could be caught by it, and then it would go on.
fn exceed(limit: Exceeded) -> ! {
    resume_unwind(Box::new(limit))
}

/// About where on the stack the caller is.
#[inline(never)]
fn stack_position() -> usize {
    let here = 0_u8;
    std::hint::black_box(&raw const here).addr()
}

/// What a value costs without what it holds.
pub(super) fn size(value: &Val) -> usize {
    match value {
        // To print a long number takes time by the square of its length.
        Val::Num(Num::BigInt(number)) => ((number.bits() >> 6) as usize).saturating_pow(2) / BYTES_OF_STEP,
        Val::TStr(text) | Val::BStr(text) => text.len() / BYTES_OF_STEP,
        Val::Arr(elements) => elements.len() / ELEMENTS_OF_STEP,
        Val::Obj(members) => members.len() / ELEMENTS_OF_STEP,
        _ => 0,
    }
}

/// The kind of data that metered expressions work on.
pub(super) enum Limited {}

impl DataT for Limited {
    type V<'a> = Val;
    type Data<'a> = Metered<'a>;
}

/// The terms of an expression, each look at which is counted.
#[derive(Clone, Copy)]
pub(super) struct Metered<'a> {
    lut: &'a Lut<Limited>,
    meter: &'a Meter,
}

impl<'a> Metered<'a> {
    pub(super) fn new(lut: &'a Lut<Limited>, meter: &'a Meter) -> Self {
        Self { lut, meter }
    }

    pub(super) fn meter(&self) -> &'a Meter {
        self.meter
    }
}

impl<'a> HasLut<'a, Limited> for Metered<'a> {
    fn lut(&self) -> &'a Lut<Limited> {
        self.meter.evaluate();
        self.lut
    }
}

/// Runs `work`, which may be deep, on a thread with a large stack.
///
/// Errors: what `work` says; no thread can be started.
pub(super) fn on_large_stack<T: Send>(work: impl FnOnce(usize) -> Result<T> + Send) -> Result<T> {
    let work = std::sync::Mutex::new(Some(work));
    let mut failed = None;
    for bytes in STACK_BYTES {
        let result = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("windlass-jq".to_owned()).stack_size(bytes);
            let work = || {
                let work = work.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
                work.map(|work| work(stack_position().saturating_sub(bytes / PART_OF_STACK)))
            };
            thread.spawn_scoped(scope, work).map(std::thread::ScopedJoinHandle::join)
        });
        match result {
            Ok(Ok(Some(result))) => return result,
            Ok(Ok(None)) => break,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(cause) => failed = Some(cause),
        }
    }
    let error = Error::internal("a thread for steps cannot be started");
    Err(match failed {
        Some(cause) => error.with_source(cause),
        None => error,
    })
}

/// Runs expressions on one record of `bytes`. Errors: what `work` says; it takes too much.
pub(super) fn metered<T>(
    bytes: usize,
    stack_end: usize,
    work: impl FnOnce(&Meter) -> Result<T>,
) -> Result<T> {
    let steps = MAX_STEPS.saturating_add((bytes as u64).saturating_mul(STEPS_OF_BYTE));
    let meter = Meter {
        left: Cell::new(steps),
        until_look: Cell::new(STEPS_OF_LOOK),
        started: Instant::now(),
        stack_end,
    };
    catch_unwind(AssertUnwindSafe(|| work(&meter))).unwrap_or_else(|panic| {
        let message = match panic.downcast::<Exceeded>() {
            Ok(limit) if matches!(*limit, Exceeded::Depth) => {
                "the steps of a record call themselves too deep".to_owned()
            }
            Ok(limit) if matches!(*limit, Exceeded::Time) => {
                format!("the steps of a record take more than {} seconds", MAX_TIME.as_secs())
            }
            Ok(_) => format!("the steps of a record take more than {steps} evaluations"),
            Err(panic) => resume_unwind(panic),
        };
        Err(Error::data(message).with_hint(format!(
            "an expression without end cannot be loaded; the limit is {MAX_STEPS} evaluations for a record and {STEPS_OF_BYTE} for \
             each of its bytes, the values that it makes or looks through counted by their size"
        )))
    })
}

/// Errors: lists and objects in each other too deep to be read.
pub(super) fn check_levels(text: &[u8]) -> std::result::Result<(), String> {
    if text.len() <= MAX_LEVELS {
        return Ok(());
    }
    let (mut levels, mut is_string, mut is_escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'[' | b'{' if !is_string => levels += 1,
            b']' | b'}' if !is_string => levels = levels.saturating_sub(1),
            _ => {}
        }
        if levels > MAX_LEVELS {
            return Err(format!("lists and objects stand in each other more than {MAX_LEVELS} levels deep"));
        }
    }
    Ok(())
}
