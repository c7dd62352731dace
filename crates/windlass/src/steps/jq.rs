//! Steps by jaq, an implementation of jq.

use std::fmt::{Debug, Display};

use jaq_core::load::parse::Def;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, ValX, Vars};
use jaq_json::write::{Pp, write};
use jaq_json::{Val, read};
use windlass_core::{Code, Error, Result};

use super::Step;
use super::costs::{limit_definition, measures};
use super::limits::{Limited, Meter, Metered, check_levels, metered, on_large_stack};

/// Runs the steps of a resource. Compiled once per worker.
pub struct StepRunner {
    steps: Vec<(Step, Filter<Limited>)>,
}

impl Debug for StepRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.steps.iter().map(|(step, _)| step)).finish()
    }
}

impl StepRunner {
    /// Compiles the expressions. Errors: an expression that is not jq, or that names something unknown.
    pub fn new(steps: &[Step]) -> Result<Self> {
        if steps.is_empty() {
            return Ok(Self { steps: Vec::new() });
        }
        // An expression may be deep itself.
        on_large_stack(|_| {
            let steps = steps.iter().map(|step| Ok((step.clone(), compile(step.expression())?)));
            Ok(Self { steps: steps.collect::<Result<_>>()? })
        })
    }

    /// Runs `work`, which may pass any number of records through the steps, on a thread that has the stack for them.
    ///
    /// Errors: what `work` says; no thread can be started.
    pub fn with_stack<T: Send>(&self, work: impl FnOnce(&RunningSteps<'_>) -> Result<T> + Send) -> Result<T> {
        on_large_stack(|stack_end| work(&RunningSteps { runner: self, stack_end }))
    }

    /// As [`RunningSteps::run`], for one record.
    pub fn run(&self, record: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        self.with_stack(|steps| steps.run(record, out))
    }
}

/// The steps on the thread that they run on.
#[derive(Debug)]
pub struct RunningSteps<'a> {
    runner: &'a StepRunner,
    stack_end: usize,
}

impl RunningSteps<'_> {
    /// Passes one record, as JSON text, through all steps and appends what comes out as lines; gives their number.
    ///
    /// Errors: an expression that fails on this record, or that takes too much for it.
    pub fn run(&self, record: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        let unreadable = |cause: &dyn Display| {
            Error::of(Code::StepFailed, format!("a record cannot be read for its steps: {cause}"))
        };
        check_levels(record).map_err(|cause| unreadable(&cause))?;
        metered(record.len(), self.stack_end, |meter| {
            let value = read::parse_single(record).map_err(|cause| unreadable(&cause))?;
            self.pass(0, value, out, meter)
        })
    }

    fn pass(&self, index: usize, value: Val, out: &mut Vec<u8>, meter: &Meter) -> Result<usize> {
        let Some((step, filter)) = self.runner.steps.get(index) else {
            meter.spend_all(&value);
            if let Some(wrong) = not_of_json(&value) {
                return Err(Error::of(Code::StepFailed, format!("the steps of a record make {wrong}")).with_hint(
                    "JSON has texts for keys and no bytes: make a text of it, as in `{(.n | tostring): 1}`",
                ));
            }
            write(out, &Pp::default(), 0, &value)
                .map_err(|cause| Error::internal("a record cannot be written").with_source(cause))?;
            out.push(b'\n');
            return Ok(1);
        };
        let failed = |cause: &dyn Display| {
            let mut text = cause.to_string();
            text.truncate(text.char_indices().nth(200).map_or(text.len(), |(end, _)| end));
            Error::of(Code::StepFailed, format!("the step `{}` fails on a record: {text}", step.expression()))
                .with_hint("guard the expression, as in `.a // empty` or `.a?`")
        };
        let context = Ctx::<Limited>::new(Metered::new(&filter.lut, meter), Vars::new([]));
        let mut outputs = filter.id.run((context, value.clone())).map(value_or_error);
        match step {
            Step::Filter(_) => match outputs.next() {
                Some(Ok(Val::Null | Val::Bool(false))) | None => Ok(0),
                Some(Ok(_)) => self.pass(index + 1, value, out, meter),
                Some(Err(cause)) => Err(failed(&cause)),
            },
            Step::Map(_) => {
                let mut count = 0;
                for output in outputs {
                    match output.map_err(|cause| failed(&cause))? {
                        // As in the reference, nothing is no record.
                        Val::Null => {}
                        value => count += self.pass(index + 1, value, out, meter)?,
                    }
                }
                Ok(count)
            }
        }
    }
}

/// What an expression gave, unless it failed. jaq would end the whole process where an expression asks for that.
fn value_or_error(output: ValX<'_, Val>) -> std::result::Result<Val, jaq_core::Error<Val>> {
    let unknown = |_| jaq_core::Error::str("it does not end like an expression");
    output.map_err(|exception| exception.get_err().unwrap_or_else(unknown))
}

/// What of a value JSON has not: jaq knows keys of any kind, and bytes.
fn not_of_json(value: &Val) -> Option<String> {
    match value {
        Val::BStr(_) => Some("a text of bytes".to_owned()),
        Val::Arr(elements) => elements.iter().find_map(not_of_json),
        Val::Obj(members) => members.iter().find_map(|(key, value)| match key {
            Val::TStr(_) => not_of_json(value),
            _ => {
                let key: String = key.to_string().chars().take(60).collect();
                Some(format!("an object with the key {key}, which is no text"))
            }
        }),
        _ => None,
    }
}

/// What ends the program in jq, which no step may.
fn is_end_of_program(name: &str) -> bool {
    matches!(name, "halt" | "halt_error")
}

/// The name of the expression among the definitions.
const STEP: &str = "windlass_step";

/// Bytes of an expression.
const MAX_EXPRESSION: usize = 256 << 10;

fn compile(expression: &str) -> Result<Filter<Limited>> {
    if expression.len() > MAX_EXPRESSION {
        return Err(Error::config(format!(
            "an expression of a step is longer than {} KiB",
            MAX_EXPRESSION >> 10
        )));
    }
    let wrong = |what: String| {
        Error::of(Code::InvalidExpression, format!("`{expression}` is not a jq expression: {what}"))
            .with_detail("expression", expression)
            .with_hint("steps are jq expressions, such as `.type != \"x\"` or `del(.a)`")
    };
    let defs = || {
        let all = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        all.filter(|definition| !is_end_of_program(definition.name))
    };
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs()).chain(measures());
    let funs = funs.filter(|(name, ..)| !is_end_of_program(name));
    let arena = Arena::default();
    // As it is, for what is wrong with it; then as one of the definitions, which can be changed.
    let loaded = Loader::new(defs()).load(&arena, File { code: expression, path: () });
    drop(loaded.map_err(|errors| wrong(load_error(&errors)))?);
    let body = jaq_core::load::parse(expression, |parser| parser.term())
        .ok_or_else(|| wrong("it has more than one expression, or a module".to_owned()))?;
    let own = Def { name: STEP, args: Vec::new(), body };
    let limited = defs().map(of_program).chain([own]).map(limit_definition);
    let modules = Loader::new(limited)
        .load(&arena, File { code: STEP, path: () })
        .map_err(|errors| wrong(load_error(&errors)))?;
    let filter = Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
        let unknown: Vec<String> = errors
            .into_iter()
            .flat_map(|(_, undefined)| undefined)
            .map(|(name, kind)| match name {
                name if is_end_of_program(name) => format!(
                    "`{name}` would end the program, which a step cannot; leave records out by a filter, or fail by `error(\"why\")`"
                ),
                name => format!("{kind:?} `{name}` is not defined"),
            })
            .collect();
        wrong(unknown.join(", "))
    })?;
    Ok(filter)
}

/// A definition that lives as long as the program.
fn of_program<'s>(definition: Def<&'static str>) -> Def<&'s str> {
    definition
}

fn load_error<S: Debug, P>(errors: &[(File<S, P>, jaq_core::load::Error<&str>)]) -> String {
    use jaq_core::load::Error as LoadError;
    let near = |text: &str| if text.is_empty() { "the end".to_owned() } else { format!("`{text}`") };
    let texts = errors.iter().flat_map(|(_, error)| match error {
        LoadError::Io(list) => list.iter().map(|(_, message)| message.clone()).collect::<Vec<_>>(),
        LoadError::Lex(list) => {
            list.iter().map(|(expected, at)| format!("expected {expected:?} at {}", near(at))).collect()
        }
        LoadError::Parse(list) => {
            list.iter().map(|(expected, at)| format!("expected {expected:?} at {}", near(at))).collect()
        }
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(steps: &[Step], record: &str) -> Result<String> {
        let mut out = Vec::new();
        StepRunner::new(steps)?.run(record.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn map(expression: &str) -> Step {
        Step::Map(expression.to_owned())
    }

    #[test]
    fn records_are_filtered_and_changed_in_order() {
        let steps = [Step::Filter(".type != \"x\"".to_owned()), map("del(.a) | .b += 1")];
        assert_eq!(run(&steps, r#"{"type":"y","a":1,"b":2}"#).unwrap(), "{\"type\":\"y\",\"b\":3}\n");
        assert_eq!(run(&steps, r#"{"type":"x"}"#).unwrap(), "");
    }

    #[test]
    fn one_record_may_become_several_or_none() {
        assert_eq!(run(&[map(".l[]")], r#"{"l":[{"a":1},{"a":2}]}"#).unwrap(), "{\"a\":1}\n{\"a\":2}\n");
        assert_eq!(run(&[map("empty")], "{}").unwrap(), "");
        assert_eq!(run(&[map("null")], "{}").unwrap(), "");
    }

    #[test]
    fn numbers_keep_their_digits() {
        let record = r#"{"a":12345678901234567890123,"b":1.10,"c":1e400}"#;
        assert_eq!(run(&[map(".")], record).unwrap(), format!("{record}\n"));
    }

    #[test]
    fn steps_cannot_end_the_program() {
        for expression in [
            "halt",
            "halt(0)",
            "if .a then halt else . end",
            "halt_error",
            "\"x\" | halt_error(0)",
            "try halt catch .",
            "[.[] | halt_error(1)]",
        ] {
            let error = run(&[map(expression)], "{}").unwrap_err();
            assert!(error.message().contains("would end the program"), "{expression}: {error}");
        }
        assert_eq!(run(&[map("def halt: 1; {a: halt}")], "{}").unwrap(), "{\"a\":1}\n");
    }

    #[test]
    fn what_is_no_json_is_the_fault_of_the_step() {
        for expression in ["{x: setpath([1]; 2)}", "[{a: ({} | .[true] = 1)}]", "{x: (\"é\" | tobytes)}"] {
            let error = run(&[map(expression)], "{}").unwrap_err();
            assert!(error.message().starts_with("the steps of a record make "), "{expression}: {error}");
        }
    }

    #[test]
    fn measured_operators_give_what_others_give() {
        for (expression, given) in [
            ("[(1,2) < (2,1)]", "[true,false,false,false]"),
            (
                "[(1,2) as $a | (1,2) as $b | $a == $b, $a != $b, $a <= $b, $a > $b, $a >= $b, $a < $b]",
                "[true,false,true,false,true,false,false,true,true,false,false,true,false,true,false,true,true,false,true,false,true,false,true,false]",
            ),
            ("[(\"a,b\",\"c\") / (\",\", \"b\")]", r#"[["a","b"],["a,",""],["c"],["c"]]"#),
            ("[(1,2) as $a | $a + (10,20)]", "[11,21,12,22]"),
            (".b = 6 | .b /= 4 | .c = 3 | .c -= 1 | [.b, .c]", "[1.5,2]"),
            (
                "{a: [1,2,3]} | .a[1:] = [9] | [.a, .a[:-1], .a[0:1], [.a[(0,1):]], (.a - [1])]",
                "[[1,9],[1],[1],[[1,9],[9]],[9]]",
            ),
            ("[\"abcb\" | indices(\"b\",\"c\")]", "[[1,3],[2]]"),
            (
                "[3,1,2] | sort, group_by(. > 1), min, max, (sort_by(-.)), contains([1])",
                "[1,2,3]\n[[1],[3,2]]\n1\n3\n[3,2,1]\ntrue",
            ),
            (
                "\"a1b2\" | [gsub(\"[0-9]\"; \"x\"), test(\"B\"; \"i\"), (scan(\"[a-z]\")), split(\"1\")]",
                r#"["axbx",true,"a","b",["a","b2"]]"#,
            ),
        ] {
            assert_eq!(run(&[map(expression)], "{}").unwrap().trim_end(), given, "{expression}");
        }
    }

    #[test]
    fn wrong_expressions_say_what_is_wrong() {
        let error = run(&[map(".a |")], "{}").unwrap_err();
        assert!(error.to_string().contains("not a jq expression"), "{error}");
        let error = run(&[map("nofun(1)")], "{}").unwrap_err();
        assert!(error.to_string().contains("`nofun`"), "{error}");
        let error = run(&[map(".a.b")], r#"{"a":1}"#).unwrap_err();
        assert!(error.to_string().contains("fails on a record"), "{error}");
    }
}
