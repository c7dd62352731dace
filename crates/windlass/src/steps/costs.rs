//! What the parts of an expression cost that work between two evaluations: functions that measure, and where they stand.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{Filter, Fun, bome, v};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path::{Part, Path};
use jaq_core::{Cv, Native, RunPtr};
use jaq_json::{Num, Val};

use super::limits::{BYTES_OF_STEP, LEVEL_STEPS, Limited, Meter, check_levels, size};

/// The names of the functions that measure.
const LEVEL: &str = "windlass_level";
const SIZE: &str = "windlass_size";
const ALL: &str = "windlass_all";
const LISTS: &str = "windlass_lists";
const TEXT: &str = "windlass_text";
const CALLED: &str = "windlass_called";
const READABLE: &str = "windlass_readable";
const SEARCHED: &str = "windlass_searched";
const MATCHED: &str = "windlass_matched";
const PLUS: &str = "windlass_plus";
const MINUS: &str = "windlass_minus";
const TIMES: &str = "windlass_times";
const OVER: &str = "windlass_over";
const COMPARED: &str = "windlass_compared";

/// What a small list or object costs beside its elements, a text beside its bytes, and the call of a function that takes
/// arguments: about the memory of each.
const SMALL_LIST: usize = 8;
const SMALL_TEXT: usize = 2;
const CALL: usize = 6;

/// What is found in a text takes many times its memory.
const STEPS_OF_MATCH: usize = 16;

fn meter<'a>(cv: &Cv<'a, Limited>) -> &'a Meter {
    cv.0.data().meter()
}

/// The functions that measure.
pub(super) fn measures() -> impl Iterator<Item = Fun<Limited>> {
    of_values()
        .into_iter()
        .chain(of_pairs())
        .map(|(name, arguments, function)| (name, arguments, Native::<Limited>::new(function)))
}

/// Those that measure a value before or after something is done with it.
fn of_values() -> [Filter<RunPtr<Limited>>; 7] {
    [
        (LEVEL, v(0), |cv| {
            meter(&cv).spend(LEVEL_STEPS);
            bome(Ok(cv.1))
        }),
        (SIZE, v(0), |cv| {
            meter(&cv).spend(size(&cv.1));
            bome(Ok(cv.1))
        }),
        (ALL, v(0), |cv| {
            meter(&cv).spend_all(&cv.1);
            bome(Ok(cv.1))
        }),
        // Each element or character becomes a list or a text of its own.
        (LISTS, v(0), |cv| {
            let parts = match &cv.1 {
                Val::Arr(elements) => elements.len(),
                Val::Obj(members) => members.len(),
                value => text_bytes(value),
            };
            meter(&cv).spend(parts.saturating_mul(SMALL_LIST));
            bome(Ok(cv.1))
        }),
        (TEXT, v(0), |cv| {
            meter(&cv).spend(text_bytes(&cv.1) / BYTES_OF_STEP);
            bome(Ok(cv.1))
        }),
        (CALLED, v(0), |cv| {
            meter(&cv).spend(CALL);
            bome(Ok(cv.1))
        }),
        (READABLE, v(0), |cv| match &cv.1 {
            Val::TStr(text) => match check_levels(text) {
                Ok(()) => {
                    meter(&cv).spend(text.len() / 2);
                    bome(Ok(cv.1))
                }
                Err(message) => bome(Err(jaq_core::Error::str(message))),
            },
            _ => bome(Ok(cv.1)),
        }),
    ]
}

/// Those that measure a value and what it is compared or joined with.
fn of_pairs() -> [Filter<RunPtr<Limited>>; 7] {
    [
        (SEARCHED, v(1), |mut cv| {
            let wanted = cv.0.pop_var();
            let meter = meter(&cv);
            let all = meter.spend_all(&cv.1);
            meter.spend(all.saturating_mul(meter.spend_all(&wanted)) / 4);
            bome(Ok(cv.1))
        }),
        (MATCHED, v(1), |mut cv| {
            let flags = cv.0.pop_var();
            let all = matches!(&flags, Val::TStr(flags) if flags.contains(&b'g'));
            let of_text = if all { STEPS_OF_MATCH * text_bytes(&cv.1) } else { text_bytes(&cv.1) / 8 };
            meter(&cv).spend(SMALL_LIST + of_text);
            bome(Ok(cv.1))
        }),
        (PLUS, v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            meter(&cv).spend(cost_of_sum(&left, &right));
            bome(left + right)
        }),
        (MINUS, v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            let of_lists = if let (Val::Arr(_), Val::Arr(_)) = (&left, &right) { SMALL_LIST } else { 0 };
            meter(&cv).spend(of_lists + size(&left) + size(&right));
            bome(left - right)
        }),
        (TIMES, v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            meter(&cv).spend(cost_of_product(&left, &right));
            bome(left * right)
        }),
        (OVER, v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            meter(&cv).spend(text_bytes(&left).saturating_mul(4) + size(&left));
            bome(left / right)
        }),
        (COMPARED, v(3), |mut cv| {
            let (right, left, operator) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            meter(&cv).spend_common(&left, &right);
            let operator = match &operator {
                Val::Num(Num::Int(index)) => OPERATORS.get(*index as usize).copied(),
                _ => None,
            };
            bome(Ok(Val::Bool(operator.unwrap_or(Cmp::Eq).run(&left, &right))))
        }),
    ]
}

fn text_bytes(value: &Val) -> usize {
    match value {
        Val::TStr(text) | Val::BStr(text) => text.len(),
        _ => 0,
    }
}

fn cost_of_sum(left: &Val, right: &Val) -> usize {
    match (left, right) {
        (Val::Null, _) | (_, Val::Null) => 0,
        (Val::TStr(_) | Val::BStr(_), _) => SMALL_TEXT + size(left) + size(right),
        (Val::Arr(_), _) => SMALL_LIST + size(left) + size(right),
        (Val::Obj(_), _) => SMALL_LIST + (size(left) + size(right)) / 2,
        _ => size(left) + size(right),
    }
}

fn cost_of_product(left: &Val, right: &Val) -> usize {
    match (left, right) {
        (Val::TStr(text) | Val::BStr(text), Val::Num(number))
        | (Val::Num(number), Val::TStr(text) | Val::BStr(text)) => {
            let count = number.as_isize().map_or(usize::MAX, |count| count.max(0) as usize);
            text.len().saturating_mul(count) / BYTES_OF_STEP
        }
        (left, right) => size(left).saturating_add(size(right)).saturating_mul(2),
    }
}

/// The comparisons, which [`COMPARED`] takes by their number.
const OPERATORS: [Cmp; 6] = [Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge, Cmp::Eq, Cmp::Ne];
const NUMBERS: [&str; 6] = ["0", "1", "2", "3", "4", "5"];

/// The definition with measures around what makes or looks through large values.
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
            Term::Def(definitions.into_iter().map(limit_own_definition).collect(), limit_box(term))
        }
        Term::Call(name, arguments) => limit_call(name, limit_all(arguments)),
        Term::Path(term, path) => limit_path(limit(*term), path),
    }
}

/// A path, at whose end a part of a list or text is measured by the whole of it.
fn limit_path<'s>(term: Term<&'s str>, path: Path<Term<&'s str>>) -> Term<&'s str> {
    const FROM: &str = "$windlass_from";
    const TO: &str = "$windlass_to";
    let parts = path.0.into_iter().map(|(part, option)| {
        let part = match part {
            Part::Index(index) => Part::Index(limit(index)),
            Part::Range(from, to) => Part::Range(from.map(limit), to.map(limit)),
        };
        (part, option)
    });
    let mut parts: Vec<_> = parts.collect();
    match parts.pop() {
        Some((Part::Range(from, to), option)) if from.is_some() || to.is_some() => {
            // The bounds are of what the whole path is asked of.
            let measured = |name: &'static str| pipe(call(SIZE), Term::Var(name));
            let bounds =
                Part::Range(from.as_ref().map(|_| measured(FROM)), to.as_ref().map(|_| measured(TO)));
            let whole = if parts.is_empty() { term } else { Term::Path(Box::new(term), Path(parts)) };
            let part = pipe(whole, Term::Path(Box::new(Term::Id), Path(vec![(bounds, option)])));
            let bind = |bound: Option<Term<&'s str>>, name, rest| match bound {
                Some(bound) => {
                    Term::BinOp(Box::new(bound), BinaryOp::Pipe(Some(Pattern::Var(name))), Box::new(rest))
                }
                None => rest,
            };
            bind(from, FROM, bind(to, TO, part))
        }
        last => {
            parts.extend(last);
            Term::Path(Box::new(term), Path(parts))
        }
    }
}

/// A definition within an expression. What it is called with is kept until it has ended.
fn limit_own_definition(definition: Def<&str>) -> Def<&str> {
    let takes_arguments = !definition.args.is_empty();
    let limited = limit_definition(definition);
    if takes_arguments { Def { body: pipe(call(CALLED), limited.body), ..limited } } else { limited }
}

/// A call, whose arguments are limited, with measures of what is built in and looks through what it is given.
fn limit_call<'s>(name: &'s str, mut arguments: Vec<Term<&'s str>>) -> Term<&'s str> {
    match (name, arguments.len()) {
        // Each number that comes out is looked at once.
        ("range", _) => pipe(Term::Call(name, arguments), Term::Id),
        ("path" | "path_value", 1) => pipe(Term::Call(name, arguments), call(SIZE)),
        ("tojson" | "sort" | "tobytes", 0) => before(ALL, name, arguments),
        ("fromjson", 0) => before(READABLE, name, arguments),
        ("keys_unsorted" | "reverse" | "implode", 0) => before(SIZE, name, arguments),
        ("explode" | "key_values", 0) => before(LISTS, name, arguments),
        ("group_by" | "sort_by" | "min_by_or_empty" | "max_by_or_empty", 1) => {
            let keys = arguments.into_iter().map(|key| pipe(key, call(ALL))).collect();
            before(LISTS, name, keys)
        }
        (
            "length" | "ascii_downcase" | "ascii_upcase" | "trim" | "ltrim" | "rtrim" | "escape_sh"
            | "escape_html" | "unescape_html" | "encode_uri" | "decode_uri" | "encode_base64"
            | "decode_base64",
            0,
        )
        | ("startswith" | "endswith" | "ltrimstr" | "rtrimstr", 1) => before(TEXT, name, arguments),
        ("indices" | "contains" | "bsearch", 1) => match arguments.pop() {
            Some(wanted) => with_value(wanted, |wanted| {
                pipe(Term::Call(SEARCHED, vec![wanted.clone()]), Term::Call(name, vec![wanted]))
            }),
            None => Term::Call(name, arguments),
        },
        ("matches" | "split_matches" | "split_", 2) => match (arguments.pop(), arguments.pop()) {
            (Some(flags), Some(expression)) => with_value(flags, |flags| {
                let found = Term::Call(name, vec![expression, flags.clone()]);
                pipe(pipe(Term::Call(MATCHED, vec![flags]), found), call(SIZE))
            }),
            _ => Term::Call(name, arguments),
        },
        _ => Term::Call(name, arguments),
    }
}

/// The call after a measure of what it is given.
fn before<'s>(measure: &'static str, name: &'s str, arguments: Vec<Term<&'s str>>) -> Term<&'s str> {
    pipe(call(measure), Term::Call(name, arguments))
}

/// What is done with each value of a term, which is evaluated once.
fn with_value<'s>(term: Term<&'s str>, work: impl FnOnce(Term<&'s str>) -> Term<&'s str>) -> Term<&'s str> {
    const VALUE: &str = "$windlass_value";
    let done = work(Term::Var(VALUE));
    Term::BinOp(Box::new(term), BinaryOp::Pipe(Some(Pattern::Var(VALUE))), Box::new(done))
}

/// Whether it is written as it is, and so is no larger than the expression.
fn is_plain(term: &Term<&str>) -> bool {
    match term {
        Term::Num(_) | Term::Arr(None) => true,
        Term::Obj(members) => members.is_empty(),
        Term::Str(None, parts) => parts.iter().all(|part| !matches!(part, StrPart::Term(_))),
        Term::Call(name, arguments) => arguments.is_empty() && matches!(*name, "null" | "true" | "false"),
        _ => false,
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
        BinaryOp::Math(Math::Add) if is_plain(&left) || is_plain(&right) => {
            pipe(Term::BinOp(left, operator, right), call(SIZE))
        }
        BinaryOp::Math(Math::Add) => Term::Call(PLUS, vec![*left, *right]),
        BinaryOp::Math(Math::Sub) if !matches!((&*left, &*right), (Term::Num(_), _) | (_, Term::Num(_))) => {
            Term::Call(MINUS, vec![*left, *right])
        }
        BinaryOp::Math(Math::Div) if !matches!(*right, Term::Num(_)) => Term::Call(OVER, vec![*left, *right]),
        BinaryOp::Cmp(operator) if !is_plain(&left) && !is_plain(&right) => {
            let number = OPERATORS.iter().zip(NUMBERS).find(|(known, _)| **known == operator);
            let number = number.map_or(NUMBERS[4], |(_, number)| number);
            Term::Call(COMPARED, vec![Term::Num(number), *left, *right])
        }
        BinaryOp::UpdateMath(math @ (Math::Add | Math::Sub | Math::Mul | Math::Div)) => {
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
