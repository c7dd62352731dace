//! A field of the parent's record, by its path.

use serde_json::{Map, Value};
use windlass_core::json::JsonPath;
use windlass_core::{Error, Result};

/// The path of a field of the parent's record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldPath {
    text: String,
    path: JsonPath,
}

impl FieldPath {
    /// Errors: a text that is no path.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(Self { text: text.to_owned(), path: JsonPath::parse(text)? })
    }

    /// The first value of the record that the path leads to.
    fn first(&self, record: &Value) -> Result<Option<Value>> {
        Ok(self.path.values(record)?.into_iter().next())
    }
}

/// What a chain of requests needs of its parent's record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Binding {
    /// Values by the paths of the fields.
    pub(crate) fields: Map<String, Value>,
    /// What its records get, by the names that they get.
    pub(crate) include: Map<String, Value>,
}

/// Takes the fields out of a record of the resource `parent`.
///
/// Errors: the record is no object, or has not all of them; those that it has are named.
pub(crate) fn bind(
    record: &Value,
    parent: &str,
    fields: &[FieldPath],
    include: &[String],
) -> Result<Binding> {
    let Value::Object(members) = record else {
        return Err(Error::data(format!(
            "a record of `{parent}` is no object, so that nothing can be asked for it"
        ))
        .with_hint("make it one by a step, such as {map: '{value: .}'}"));
    };
    let missing = |field: &str, what: &str| {
        let known: Vec<&str> = members.keys().map(String::as_str).collect();
        let hint = match crate::config::nearest(field, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? its fields are {}", known.join(", ")),
            None => format!("its fields are {}", known.join(", ")),
        };
        Error::data(format!("a record of `{parent}` has no field `{field}`, which {what}")).with_hint(hint)
    };
    let mut binding = Binding::default();
    for field in fields {
        let value = field.first(record)?.ok_or_else(|| missing(&field.text, "a request asks for"))?;
        binding.fields.insert(field.text.clone(), value);
    }
    for name in include {
        let value = members.get(name).ok_or_else(|| missing(name, "include_from_parent names"))?;
        binding.include.insert(format!("_{parent}_{name}"), value.clone());
    }
    Ok(binding)
}

/// The part of a record that names its chain and from which the chain can be built again.
pub(crate) fn reduced(record: &Value, fields: &[FieldPath], include: &[String]) -> Value {
    let Value::Object(members) = record else { return record.clone() };
    // A path that does not begin with a name may lead anywhere.
    let heads: Option<Vec<String>> = fields.iter().map(|field| head(&field.text)).collect();
    let Some(heads) = heads else { return record.clone() };
    let is_needed = |name: &String| heads.contains(name) || include.contains(name);
    Value::Object(
        members.iter().filter(|(name, _)| is_needed(name)).map(|(k, v)| (k.clone(), v.clone())).collect(),
    )
}

/// The plain name that a path begins with.
fn head(path: &str) -> Option<String> {
    let path = path.strip_prefix("$.").unwrap_or(path);
    let end = path.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    let is_step = rest.is_empty() || (rest.starts_with(['.', '[']) && !rest.starts_with(".."));
    // Unions, functions and arithmetic may name other members.
    (!name.is_empty() && is_step && !path.contains(['|', '+', '*', '`', ',', '?', '(']))
        .then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(texts: &[&str]) -> Vec<FieldPath> {
        texts.iter().map(|text| FieldPath::parse(text).unwrap()).collect()
    }

    #[test]
    fn fields_are_found_by_their_paths() {
        let record = json!({"id": 1, "tags": [{"n": "x"}], "author": {"id": 7}, "null": null});
        let binding =
            bind(&record, "posts", &paths(&["id", "tags[0].n", "author.id", "null"]), &["id".to_owned()])
                .unwrap();
        assert_eq!(
            Value::Object(binding.fields),
            json!({"id": 1, "tags[0].n": "x", "author.id": 7, "null": null})
        );
        assert_eq!(Value::Object(binding.include), json!({"_posts_id": 1}));
    }

    #[test]
    fn a_missing_field_is_named_with_those_that_are_there() {
        let record = json!({"id": 1, "title": "A"});
        let error = bind(&record, "posts", &paths(&["titel"]), &[]).unwrap_err();
        assert!(error.to_string().contains("`posts` has no field `titel`"), "{error}");
        assert_eq!(error.hint(), Some("did you mean `title`? its fields are id, title"));
        assert!(bind(&record, "posts", &[], &["x".to_owned()]).is_err());
        assert!(bind(&json!(5), "posts", &paths(&["id"]), &[]).is_err());
    }

    #[test]
    fn a_chain_is_named_by_what_it_needs() {
        let record = json!({"id": 1, "tags": [{"n": "x"}], "big": "text"});
        assert_eq!(
            reduced(&record, &paths(&["tags[0].n"]), &["id".to_owned()]),
            json!({"id": 1, "tags": [{"n": "x"}]})
        );
        assert_eq!(reduced(&record, &paths(&["$..n"]), &[]), record);
        assert_eq!(reduced(&record, &paths(&["id + big"]), &[]), record);
    }
}
