//! What an expression may take for one record: evaluations, depth, and the size of what it makes.
//!
//! Expressions are programs, and some never end. jaq looks a term up for each evaluation, which [`Metered`] counts; what
//! grows between two evaluations is measured by functions that [`limit_definition`] puts around it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jaq_core::data::HasLut;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{Fun, bome, v};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};
use jaq_core::{DataT, Lut, Native};
use jaq_json::Val;
use windlass_core::{Error, Result};

/// Evaluations of an expression on one record.
pub(super) const MAX_STEPS: u64 = 10_000_000;

/// Further evaluations for each byte of the record.
const STEPS_OF_BYTE: u64 = 256;

/// What one more level of a value costs, so that no value is too deep to be written or dropped.
const LEVEL_STEPS: u64 = 128;

/// Bytes of a text, elements of a list and members of an object that are made at the price of one evaluation.
const BYTES_OF_STEP: usize = 64;
const ELEMENTS_OF_STEP: usize = 4;

/// Levels of lists and objects in a text that is read as JSON.
const MAX_LEVELS: usize = 65_536;

/// Stack of the thread that expressions run on. What is not used takes no memory; where a system does not give as much,
/// less is asked for.
const STACK_BYTES: [usize; 3] = [1 << 30, 256 << 20, 32 << 20];

/// The part of it that evaluations may take; the rest is for values, which are as deep as their making allows.
const PART_OF_STACK: usize = 8;

/// The names of the functions that measure.
const LEVEL: &str = "windlass_level";
const SIZE: &str = "windlass_size";
const ALL: &str = "windlass_all";
const READABLE: &str = "windlass_readable";
const TIMES: &str = "windlass_times";

/// What an expression had enough of.
#[derive(Clone, Copy, Debug)]
enum Exceeded {
    Steps,
    Depth,
}

/// Counts what an expression takes on one record.
#[derive(Debug)]
pub(super) struct Meter {
    left: Cell<u64>,
    /// Where the stack for evaluations ends; it grows downwards.
    stack_end: usize,
}

impl Meter {
    fn spend(&self, steps: usize) {
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
    }

    /// Counts all that a value holds, however often it holds the same.
    pub(super) fn spend_all(&self, value: &Val) {
        self.spend(1 + size(value));
        match value {
            Val::Arr(elements) => elements.iter().for_each(|element| self.spend_all(element)),
            Val::Obj(members) => members.iter().for_each(|(key, value)| {
                self.spend_all(key);
                self.spend_all(value);
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

fn size(value: &Val) -> usize {
    match value {
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
    let meter = Meter { left: Cell::new(steps), stack_end };
    catch_unwind(AssertUnwindSafe(|| work(&meter))).unwrap_or_else(|panic| {
        let message = match panic.downcast::<Exceeded>() {
            Ok(limit) if matches!(*limit, Exceeded::Depth) => {
                "the steps of a record call themselves too deep".to_owned()
            }
            Ok(_) => format!("the steps of a record take more than {steps} evaluations"),
            Err(panic) => resume_unwind(panic),
        };
        Err(Error::data(message).with_hint(format!(
            "an expression without end cannot be loaded; the limit is {MAX_STEPS} evaluations for a record and {STEPS_OF_BYTE} for \
             each of its bytes, the values that it makes counted by their size"
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

/// The functions that measure.
pub(super) fn measures() -> impl Iterator<Item = Fun<Limited>> {
    let functions: [jaq_core::native::Filter<jaq_core::RunPtr<Limited>>; 5] = [
        (LEVEL, v(0), |cv| {
            cv.0.data().meter.spend(LEVEL_STEPS as usize);
            bome(Ok(cv.1))
        }),
        (SIZE, v(0), |cv| {
            cv.0.data().meter.spend(size(&cv.1));
            bome(Ok(cv.1))
        }),
        (ALL, v(0), |cv| {
            cv.0.data().meter.spend_all(&cv.1);
            bome(Ok(cv.1))
        }),
        (READABLE, v(0), |cv| match &cv.1 {
            Val::TStr(text) => match check_levels(text) {
                Ok(()) => bome(Ok(cv.1)),
                Err(message) => bome(Err(jaq_core::Error::str(message))),
            },
            _ => bome(Ok(cv.1)),
        }),
        (TIMES, v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            let steps = match (&left, &right) {
                (Val::TStr(text) | Val::BStr(text), Val::Num(number))
                | (Val::Num(number), Val::TStr(text) | Val::BStr(text)) => {
                    let count = number.as_isize().map_or(usize::MAX, |count| count.max(0) as usize);
                    text.len().saturating_mul(count) / BYTES_OF_STEP
                }
                (left, right) => size(left) + size(right),
            };
            cv.0.data().meter.spend(steps);
            bome(left * right)
        }),
    ];
    functions
        .into_iter()
        .map(|(name, arguments, function)| (name, arguments, Native::<Limited>::new(function)))
}

/// The definition with measures around what makes large values.
pub(super) fn limit_definition(definition: Def<&str>) -> Def<&str> {
    Def { body: limit(definition.body), ..definition }
}

fn call(name: &str) -> Term<&str> {
    Term::Call(name, Vec::new())
}

fn pipe<'s>(left: Term<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}

#[allow(clippy::boxed_local, reason = "terms hold each other in boxes")]
fn limit_box(term: Box<Term<&str>>) -> Box<Term<&str>> {
    Box::new(limit(*term))
}

fn limit_all(terms: Vec<Term<&str>>) -> Vec<Term<&str>> {
    terms.into_iter().map(limit).collect()
}

/// The term with measures around what makes large values.
fn limit(term: Term<&str>) -> Term<&str> {
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Arr(None) => term,
        Term::Str(format, parts) => limit_text(format, parts),
        Term::Arr(Some(elements)) => pipe(call(LEVEL), Term::Arr(Some(limit_box(elements)))),
        Term::Obj(members) => {
            // A key alone, as in `{a, "b"}`, has a form of its own.
            let limited = |(key, value): (Term<_>, Option<Term<_>>)| match value {
                Some(value) => (limit(key), Some(limit(value))),
                None => (key, None),
            };
            pipe(call(LEVEL), Term::Obj(members.into_iter().map(limited).collect()))
        }
        Term::Neg(term) => Term::Neg(limit_box(term)),
        Term::BinOp(left, operator, right) => limit_operator(limit_box(left), operator, limit_box(right)),
        Term::Label(name, term) => Term::Label(name, limit_box(term)),
        Term::Fold(kind, values, pattern, terms) => {
            Term::Fold(kind, limit_box(values), limit_pattern(pattern), limit_all(terms))
        }
        Term::TryCatch(term, catch) => Term::TryCatch(limit_box(term), catch.map(limit_box)),
        Term::IfThenElse(branches, otherwise) => {
            let branches = branches.into_iter().map(|(condition, then)| (limit(condition), limit(then)));
            Term::IfThenElse(branches.collect(), otherwise.map(limit_box))
        }
        Term::Def(definitions, term) => {
            Term::Def(definitions.into_iter().map(limit_definition).collect(), limit_box(term))
        }
        Term::Call(name, arguments) => {
            let called = Term::Call(name, limit_all(arguments));
            match name {
                // Each number that comes out is looked at once.
                "range" => pipe(called, Term::Id),
                "tojson" => pipe(call(ALL), called),
                "fromjson" => pipe(call(READABLE), called),
                _ => called,
            }
        }
        Term::Path(term, path) => {
            let parts = path.0.into_iter().map(|(part, option)| {
                let part = match part {
                    Part::Index(index) => Part::Index(limit(index)),
                    Part::Range(from, to) => Part::Range(from.map(limit), to.map(limit)),
                };
                (part, option)
            });
            Term::Path(limit_box(term), Path(parts.collect()))
        }
    }
}

fn limit_text<'s>(format: Option<&'s str>, parts: Vec<StrPart<&'s str, Term<&'s str>>>) -> Term<&'s str> {
    let grows = parts.iter().any(|part| matches!(part, StrPart::Term(_)));
    let parts = parts.into_iter().map(|part| match part {
        StrPart::Term(term) => StrPart::Term(pipe(limit(term), call(ALL))),
        part => part,
    });
    let text = Term::Str(format, parts.collect());
    if grows { pipe(text, call(SIZE)) } else { text }
}

fn limit_operator<'s>(
    left: Box<Term<&'s str>>,
    operator: BinaryOp<&'s str>,
    right: Box<Term<&'s str>>,
) -> Term<&'s str> {
    /// The value that `a += b` adds.
    const ADDED: &str = "$windlass_added";
    match operator {
        BinaryOp::Pipe(pattern) => Term::BinOp(left, BinaryOp::Pipe(pattern.map(limit_pattern)), right),
        BinaryOp::Math(Math::Mul) => Term::Call(TIMES, vec![*left, *right]),
        BinaryOp::Math(Math::Add) => pipe(Term::BinOp(left, operator, right), call(SIZE)),
        BinaryOp::UpdateMath(math @ (Math::Add | Math::Mul)) => {
            let result = Box::new(Term::Var(ADDED));
            let sum = limit_operator(Box::new(Term::Id), BinaryOp::Math(math), result);
            let update = Term::BinOp(left, BinaryOp::Update, Box::new(sum));
            let added = BinaryOp::Pipe(Some(Pattern::Var(ADDED)));
            pipe(call(LEVEL), Term::BinOp(right, added, Box::new(update)))
        }
        BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateAlt | BinaryOp::UpdateMath(_) => {
            pipe(call(LEVEL), Term::BinOp(left, operator, right))
        }
        operator => Term::BinOp(left, operator, right),
    }
}

fn limit_pattern(pattern: Pattern<&str>) -> Pattern<&str> {
    match pattern {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(patterns) => Pattern::Arr(patterns.into_iter().map(limit_pattern).collect()),
        Pattern::Obj(members) => {
            let limited = |(key, pattern)| (limit(key), limit_pattern(pattern));
            Pattern::Obj(members.into_iter().map(limited).collect())
        }
    }
}
