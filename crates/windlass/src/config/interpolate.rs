//! `${VAR}` and `${VAR:-default}` in the texts of a document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use windlass_core::document::pointer_push;

use super::problem::{Flaw, Problem};

/// Fills in all placeholders of a document. `$${` stands for a plain `${`.
///
/// `stand_in` says what takes the place of a variable that is not set, by the pointer of the text. Gives the problems:
/// variables that are not set, placeholders that do not end.
pub(super) fn interpolate(
    value: &mut Value,
    get: &dyn Fn(&str) -> Option<String>,
    stand_in: &dyn Fn(&str) -> Option<&'static str>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(value, &mut String::new(), &mut |text, pointer| match fill(text, get, stand_in(pointer)) {
        Ok(None) => {}
        Ok(Some(filled)) => *text = filled,
        Err((message, hint)) => {
            let hint = Some(hint);
            problems.push(Problem { pointer: pointer.to_owned(), message, hint, flaw: Flaw::Value });
        }
    });
    problems
}

/// The names of the variables in a document that are likely to hold secrets.
pub(super) fn secret_variables(value: &Value) -> BTreeSet<String> {
    variables(value).into_keys().filter(|name| is_secret_variable(name)).collect()
}

/// The names of the variables in a document, and whether each has a default wherever it stands.
pub(super) fn variables(value: &Value) -> BTreeMap<String, bool> {
    let mut names = BTreeMap::new();
    let mut copy = value.clone();
    walk(&mut copy, &mut String::new(), &mut |text, _| {
        let mut before = "";
        for (index, part) in text.split("${").enumerate() {
            // `$${` is a plain `${`.
            if index > 0 && !before.ends_with('$') {
                let inside = part.split('}').next().unwrap_or_default();
                let name = inside.split(':').next().unwrap_or_default();
                let has_default = names.entry(name.to_owned()).or_insert(true);
                *has_default &= inside.contains(":-");
            }
            before = part;
        }
    });
    names
}

/// Words of names of variables that hold secrets.
const SECRET_WORDS: [&str; 10] =
    ["key", "apikey", "token", "secret", "password", "passwd", "pwd", "pass", "auth", "credentials"];

/// Whether the name of a variable says that its value is secret.
pub(super) fn is_secret_variable(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.split('_')
        .any(|word| SECRET_WORDS.contains(&word.trim_end_matches('s')) || SECRET_WORDS.contains(&word))
}

fn walk(value: &mut Value, pointer: &mut String, visit: &mut dyn FnMut(&mut String, &str)) {
    let length = pointer.len();
    match value {
        Value::String(text) => visit(text, pointer),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                pointer_push(pointer, &index.to_string());
                walk(item, pointer, visit);
                pointer.truncate(length);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                pointer_push(pointer, key);
                walk(item, pointer, visit);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}
fn fill(
    text: &str,
    get: &dyn Fn(&str) -> Option<String>,
    stand_in: Option<&str>,
) -> Result<Option<String>, (String, String)> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            filled.push_str(&rest[..at]);
            filled.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            return Err(("`${` is not closed by `}`".to_owned(), "write `$${` for a plain `${`".to_owned()));
        };
        let inside = &rest[at + 2..at + end];
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        // As in a shell, a default also stands in for an empty value.
        let set = get(name).filter(|value| default.is_none() || !value.is_empty());
        match set.or_else(|| default.or(stand_in).map(str::to_owned)) {
            Some(value) => filled.push_str(&value),
            None => {
                return Err((
                    format!("the variable {name} is not set"),
                    format!(
                        "set {name} in the environment or in .env, or give a default: ${{{name}:-value}}"
                    ),
                ));
            }
        }
        rest = &rest[at + end + 1..];
    }
    filled.push_str(rest);
    Ok(Some(filled))
}

/// Reads the lines `NAME=value` of a `.env` file; quotes around a value and `export` in front are left out.
pub(super) fn parse_env_file(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='))
        .map(|(name, value)| {
            let value = value.trim();
            let quoted =
                ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
            let plain = || value.split(" #").next().unwrap_or(value).trim_end();
            (name.trim().to_owned(), quoted.unwrap_or_else(plain).to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(mut value: Value) -> Result<Value, String> {
        let get = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        match interpolate(&mut value, &get, &|_| None).into_iter().next() {
            None => Ok(value),
            Some(problem) => Err(format!("{} {}", problem.pointer, problem.message)),
        }
    }

    #[test]
    fn placeholders_are_filled_in_everywhere() {
        assert_eq!(run(json!({"a": ["x${A}y${A}", 5]})), Ok(json!({"a": ["x1y1", 5]})));
        assert_eq!(run(json!("${B:-z}${EMPTY:-e}${EMPTY}")), Ok(json!("ze")));
        assert_eq!(run(json!("$${A} $A")), Ok(json!("${A} $A")));
        assert_eq!(run(json!({"a": ["${B}"]})), Err("/a/0 the variable B is not set".to_owned()));
        assert!(run(json!("${A")).is_err());
    }

    #[test]
    fn what_is_not_set_is_stood_in_for_where_that_is_allowed() {
        let mut value = json!({"source": "${A}${B}${C:-d}", "other": "${B}"});
        let stand_in = |pointer: &str| pointer.starts_with("/source").then_some("?");
        let problems = interpolate(&mut value, &|name| (name == "A").then(|| "1".to_owned()), &stand_in);
        assert_eq!(value["source"], "1?d");
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].pointer, "/other");
    }

    #[test]
    fn variables_with_secrets_are_known_by_their_names() {
        let value = json!(["${API_KEY} ${HOST:-h}", {"a": "${GithubTokens}${GITHUB_TOKEN:-}"}, "${KEYBOARD}", "${PW_SECRETS"]);
        let names: Vec<_> = secret_variables(&value).into_iter().collect();
        assert_eq!(names, ["API_KEY", "GITHUB_TOKEN", "PW_SECRETS"]);
    }

    #[test]
    fn env_files_have_comments_quotes_and_export() {
        let env = parse_env_file("# c\nA=1\nexport B = \"x # y\"\nC='q' \nD=v # note\n\nnothing");
        let pairs: Vec<_> = env.iter().map(|(a, b)| format!("{a}={b}")).collect();
        assert_eq!(pairs, ["A=1", "B=x # y", "C=q", "D=v"]);
    }
}
