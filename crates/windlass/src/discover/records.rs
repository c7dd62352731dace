//! Where the records are in an answer, and what tells them apart.

use serde_json::Value;

use super::schema::{Kind, Root};

/// Names of members that hold the records of a list.
const LIST_NAMES: [&str; 17] = [
    "data",
    "items",
    "results",
    "records",
    "values",
    "value",
    "entries",
    "rows",
    "list",
    "objects",
    "content",
    "elements",
    "hits",
    "documents",
    "edges",
    "nodes",
    "result",
];

/// Levels of an answer in which a list is looked for.
const MAX_LEVELS: usize = 3;

/// What an answer holds.
#[derive(Clone, Debug)]
pub(super) enum Records<'a> {
    /// A list at this path, of such items.
    List { path: Vec<&'a str>, item: Option<&'a Value> },
    /// One record at this path.
    One { path: Vec<&'a str>, record: &'a Value },
    /// The document does not say.
    Unknown,
    /// Neither: a text or a number.
    Nothing,
}

impl<'a> Records<'a> {
    /// The schema of a record.
    pub(super) fn record(&self) -> Option<&'a Value> {
        match self {
            Self::List { item, .. } => *item,
            Self::One { record, .. } => Some(record),
            Self::Unknown | Self::Nothing => None,
        }
    }
}

/// Finds the records. `words` are the last words of the path; `is_paged` is whether the request has parameters of pages.
pub(super) fn records<'a>(
    root: &Root<'a>,
    answer: Option<&'a Value>,
    words: &[String],
    is_paged: bool,
) -> Records<'a> {
    let Some(answer) = answer.and_then(|answer| root.shape(answer)) else { return Records::Unknown };
    match root.kind(answer) {
        Kind::Array => Records::List { path: Vec::new(), item: root.items(answer) },
        Kind::Unknown => Records::Unknown,
        Kind::Object => match find_list(root, answer, words, is_paged) {
            Some((path, list)) => Records::List { path, item: root.items(list) },
            None => unwrapped(root, answer),
        },
        _ => Records::Nothing,
    }
}

/// The list that is the point of an answer, if there is one: by its name, or because pages can only be of it.
fn find_list<'a>(
    root: &Root<'a>,
    answer: &'a Value,
    words: &[String],
    is_paged: bool,
) -> Option<(Vec<&'a str>, &'a Value)> {
    let mut first = None;
    for (path, member) in levels(root, answer, MAX_LEVELS) {
        if root.kind(member) != Kind::Array {
            continue;
        }
        let name = path.last().copied().unwrap_or_default();
        let is_of_records = root.items(member).is_none_or(|item| root.kind(item) == Kind::Object);
        let is_named = LIST_NAMES.contains(&name.to_ascii_lowercase().as_str())
            || words.iter().any(|word| is_same_word(word, name));
        if is_named && (is_of_records || path.len() == 1) {
            return Some((path, member));
        }
        if is_of_records && first.is_none() {
            first = Some((path, member));
        }
    }
    // A list in a record is no list of records, unless there are pages of it.
    first.filter(|_| is_paged)
}

/// A record that stands alone in an envelope: `{"data": {..}}`.
fn unwrapped<'a>(root: &Root<'a>, answer: &'a Value) -> Records<'a> {
    let (mut path, mut record) = (Vec::new(), answer);
    for _ in 0..MAX_LEVELS {
        let members = root.members(record);
        match members.first().map(|(name, member)| (*name, root.shape(member))) {
            Some((name, Some(member)))
                if members.len() == 1 && is_quotable(name) && root.kind(member) == Kind::Object =>
            {
                path.push(name);
                record = member;
            }
            _ => break,
        }
    }
    Records::One { path, record }
}

/// The members of an object and of the objects in it, those of higher levels first, with their paths.
pub(super) fn levels<'a>(root: &Root<'a>, answer: &'a Value, most: usize) -> Vec<(Vec<&'a str>, &'a Value)> {
    /// Members that are looked at of one answer.
    const MAX_MEMBERS: usize = 2000;
    let mut found: Vec<(Vec<&'a str>, &'a Value)> = Vec::new();
    let mut level = vec![(Vec::new(), answer)];
    for _ in 0..most {
        let mut next = Vec::new();
        for (path, object) in level {
            for (name, member) in root.members(object).into_iter().filter(|(name, _)| is_quotable(name)) {
                let mut path: Vec<&'a str> = path.clone();
                path.push(name);
                if root.kind(member) == Kind::Object {
                    next.push((path.clone(), member));
                }
                found.push((path, member));
            }
            if found.len() > MAX_MEMBERS {
                return found;
            }
        }
        level = next;
    }
    found
}

/// The words of a name, in lower case: `petOwners`, `pet-owners` and `pet_owners` are the same.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_new = true;
    let mut was_lower = false;
    for character in name.chars() {
        if !character.is_alphanumeric() {
            is_new = true;
            was_lower = false;
            continue;
        }
        if is_new || (character.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
        is_new = false;
        was_lower = character.is_lowercase() || character.is_numeric();
    }
    words
}

/// One thing of many, by the rules of English that hold for most names.
pub(super) fn singular(word: &str) -> String {
    let stem = |end: &str| word.strip_suffix(end).filter(|stem| stem.len() > 1);
    if let Some(stem) = stem("ies") {
        return format!("{stem}y");
    }
    for end in ["sses", "shes", "ches", "xes", "zes"] {
        if stem(end).is_some() {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    match stem("s") {
        Some(stem) if !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// Whether two names say the same, in any case, spelling and number.
pub(super) fn is_same_word(one: &str, other: &str) -> bool {
    let plain = |name: &str| singular(&words(name).concat());
    plain(one) == plain(other)
}

/// Names of fields that tell records apart, whatever the records are.
const KEY_NAMES: [&str; 6] = ["id", "pk", "uuid", "unique", "identifier", "primary_key"];

/// The field that tells records apart. `model` is what one record is called: the name of its schema, or the last word
/// of the path.
pub(super) fn primary_key<'a>(root: &Root<'a>, record: &'a Value, model: &[&str]) -> Option<&'a str> {
    let members = root.members(record);
    let can_be_key = |member: &'a Value| matches!(root.kind(member), Kind::Text | Kind::Integer);
    let keys: Vec<(&str, &Value)> =
        members.into_iter().filter(|(name, member)| is_plain(name) && can_be_key(member)).collect();
    let named = |wanted: &dyn Fn(&str) -> bool| keys.iter().map(|(name, _)| *name).find(|name| wanted(name));
    if let Some(name) = KEY_NAMES.iter().find_map(|key| named(&|name| name.eq_ignore_ascii_case(key))) {
        return Some(name);
    }
    for model in model.iter().filter(|model| !model.is_empty()) {
        for variation in [words(model).concat(), singular(&words(model).concat())] {
            let fits = |name: &str| {
                let name = words(name).concat();
                let rest = name.strip_prefix(&variation).or_else(|| name.strip_suffix(&variation));
                rest.is_some_and(|rest| ["id", "pk", "uuid", "key"].contains(&rest))
            };
            if let Some(name) = named(&fits) {
                return Some(name);
            }
        }
    }
    let text = |schema: &'a Value, key: &str| {
        root.shape(schema).and_then(|schema| schema.get(key)?.as_str()).unwrap_or_default()
    };
    let described = keys.iter().find(|(_, schema)| {
        let text = text(schema, "description").trim().trim_end_matches('.').to_ascii_lowercase();
        ["unique", "id", "identifier", "unique identifier"].contains(&text.as_str())
    });
    described
        .or_else(|| keys.iter().find(|(_, schema)| text(schema, "format") == "uuid"))
        .map(|(name, _)| *name)
}

/// A path of names as JSONPath.
pub(super) fn json_path(path: &[&str]) -> String {
    let mut text = String::new();
    for name in path {
        if !is_plain(name) {
            text.push_str(&format!("['{name}']"));
            continue;
        }
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(name);
    }
    text
}

/// Whether a name can stand in a JSONPath at all.
pub(super) fn is_quotable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['\'', '"', '\\', '{', '}', '$']) && !name.contains(char::is_control)
}

/// Whether a name can stand in a path or a placeholder as it is.
pub(super) fn is_plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(answer: Value, path: &str, is_paged: bool) -> String {
        let document = json!({});
        let root = Root::new(&document);
        match records(&root, Some(&answer), &words(path), is_paged) {
            Records::List { path, .. } => format!("list {}", path.join(".")),
            Records::One { path, .. } => format!("one {}", path.join(".")),
            Records::Unknown => "unknown".to_owned(),
            Records::Nothing => "nothing".to_owned(),
        }
    }

    fn object(members: Value) -> Value {
        json!({"type": "object", "properties": members})
    }

    #[test]
    fn records_are_found_by_what_lists_are_called() {
        let list = || json!({"type": "array", "items": {"type": "object"}});
        let texts = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(found(list(), "x", false), "list ");
        assert_eq!(found(object(json!({"errors": list(), "data": list()})), "x", false), "list data");
        assert_eq!(found(object(json!({"tags": texts, "pets": list()})), "pets", false), "list pets");
        assert_eq!(
            found(object(json!({"page": object(json!({"petList": list()})), "n": {}})), "x", true),
            "list page.petList"
        );
        assert_eq!(
            found(object(json!({"id": {"type": "integer"}, "addresses": list()})), "me", false),
            "one "
        );
        assert_eq!(
            found(object(json!({"user": object(json!({"id": {}, "b": {}}))})), "me", false),
            "one user"
        );
        assert_eq!(found(json!({"type": "string"}), "x", false), "nothing");
        assert_eq!(found(json!({}), "x", false), "unknown");
    }

    #[test]
    fn keys_are_guessed_by_name_description_and_format() {
        let document = json!({});
        let root = Root::new(&document);
        let key =
            |members: Value, model: &[&str]| primary_key(&root, &object(members), model).map(str::to_owned);
        let text = json!({"type": "string"});
        assert_eq!(key(json!({"name": text, "ID": text}), &[]), Some("ID".to_owned()));
        assert_eq!(
            key(json!({"id": {"type": "boolean"}, "petId": text}), &["Pets"]),
            Some("petId".to_owned())
        );
        assert_eq!(key(json!({"a": text, "id_order": text}), &["", "orders"]), Some("id_order".to_owned()));
        assert_eq!(
            key(json!({"a": {"type": "string", "description": "Unique identifier."}}), &[]),
            Some("a".to_owned())
        );
        assert_eq!(
            key(json!({"a": text, "b": {"type": "string", "format": "uuid"}}), &[]),
            Some("b".to_owned())
        );
        assert_eq!(key(json!({"name": text}), &["name"]), None);
    }

    #[test]
    fn words_are_told_apart_and_made_singular() {
        assert_eq!(words("petOwners-v2_x"), ["pet", "owners", "v2", "x"]);
        let singulars: Vec<String> =
            ["companies", "boxes", "classes", "status", "posts", "news", "s"].map(singular).to_vec();
        assert_eq!(singulars, ["company", "box", "class", "status", "post", "new", "s"]);
        assert!(is_same_word("pet_owners", "petOwner"));
    }
}
