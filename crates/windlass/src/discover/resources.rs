//! The resources of a configuration: what they are called, and whose records they ask about.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::document::{Api, Operation, Parameter};
use super::pages::{self, Pages};
use super::records::{Records, is_plain, is_same_word, primary_key, records, singular, words};
use super::schema::{Kind, Root};

/// What is written for what only people know.
pub(super) const FILL_IN: &str = "FILL_ME_IN";

/// A resource to be.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) name: String,
    pub(super) operation: &'a Operation<'a>,
    pub(super) records: Records<'a>,
    pub(super) pages: Option<Pages>,
    pub(super) key: Option<&'a str>,
    segments: Vec<Segment<'a>>,
    /// The list whose records it asks about, by index.
    pub(super) parent: Option<usize>,
    /// What each parameter of the path is, in order.
    pub(super) bindings: Vec<(&'a str, Binding)>,
    /// Fields of its parent's record that its own children ask for.
    pub(super) include: Vec<String>,
    /// Parameters of the query that are needed and not known.
    pub(super) unknown: Vec<&'a str>,
    /// Whether it only gives what the list that it depends on gives as well.
    pub(super) is_repetition: bool,
}

/// What a parameter of a path is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Binding {
    /// A field of the parent's record.
    Field { resource: String, field: String },
    /// A variable of the environment.
    Variable(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Segment<'a> {
    Text(&'a str),
    /// A parameter and nothing else.
    Param(&'a str),
}

impl<'a> Draft<'a> {
    /// Whether it can be read as it is.
    pub(super) fn is_complete(&self) -> bool {
        let is_known = |(_, binding): &(_, Binding)| matches!(binding, Binding::Field { .. });
        self.unknown.is_empty() && self.bindings.iter().all(is_known)
    }

    /// The parameters of the query that the paginator does not take care of.
    pub(super) fn query(&self) -> impl Iterator<Item = &Parameter<'a>> {
        let taken = self.pages.as_ref().map(|pages| pages.taken.as_slice()).unwrap_or_default();
        let query = self.operation.parameters.iter().filter(|parameter| parameter.place == "query");
        query.filter(|parameter| !taken.iter().any(|name| name == parameter.name))
    }

    /// The parameters that requests carry.
    pub(super) fn params(&self, root: &Root<'a>) -> Map<String, Value> {
        let mut params = self.pages.as_ref().map(|pages| pages.params.clone()).unwrap_or_default();
        for parameter in self.query().filter(|parameter| parameter.is_required) {
            params.insert(
                parameter.name.to_owned(),
                known_value(root, parameter).unwrap_or_else(|| FILL_IN.into()),
            );
        }
        params
    }
}

/// The value of a parameter that the document names: what is usual, else the first that is allowed.
fn known_value<'a>(root: &Root<'a>, parameter: &Parameter<'a>) -> Option<Value> {
    let schema = root.shape(parameter.schema)?;
    let first = schema.get("enum").and_then(Value::as_array).and_then(|values| values.first());
    let value = schema.get("default").or(first)?;
    (value.is_string() || value.is_number() || value.is_boolean()).then(|| value.clone())
}

/// The resources of an API: lists that need nothing first, then what depends on them, then what people must complete.
pub(super) fn drafts<'a>(api: &'a Api<'a>) -> Vec<Draft<'a>> {
    let mut drafts: Vec<Draft<'a>> =
        api.operations.iter().filter_map(|operation| draft(&api.root, operation)).collect();
    // Parents have shorter paths, so they are known before their children.
    drafts.sort_by_key(|draft| draft.segments.len());
    name_all(&mut drafts);
    for index in 0..drafts.len() {
        find_parent(&api.root, &mut drafts, index);
    }
    drafts
}

/// The order in which resources are written.
pub(super) fn order(drafts: &[Draft<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|index| {
        drafts.get(*index).map(|draft| {
            let is_list = matches!(draft.records, Records::List { .. });
            (!draft.is_complete(), draft.parent.is_some(), !is_list, draft.is_repetition)
        })
    });
    order
}

fn draft<'a>(root: &Root<'a>, operation: &'a Operation<'a>) -> Option<Draft<'a>> {
    let segments = segments(operation.path);
    let last = segments.iter().rev().find_map(|segment| match segment {
        Segment::Text(text) => Some(*text),
        Segment::Param(_) => None,
    });
    let last = last.unwrap_or_default();
    let is_paged = pages::is_paged(operation);
    let mut path_words = words(last);
    path_words.push(last.to_owned());
    let mut records = records(root, operation.answer, &path_words, is_paged);
    if matches!(records, Records::Nothing) {
        return None;
    }
    // What a parameter ends the path of is one record, unless it has pages.
    if let (Records::List { path, .. }, Some(Segment::Param(_)), Some(answer), false) =
        (&records, segments.last(), operation.answer, is_paged)
        && !path.is_empty()
    {
        records = Records::One { path: Vec::new(), record: answer };
    }
    let model = operation.answer.and_then(|_| schema_name(records.record()?)).unwrap_or_default();
    let key = records.record().and_then(|record| primary_key(root, record, &[model, last]));
    let pages = match &records {
        Records::List { path, .. } => pages::guess(root, operation, path, key),
        _ => None,
    };
    let mut draft = Draft {
        name: String::new(),
        operation,
        records,
        pages,
        key,
        segments,
        parent: None,
        bindings: Vec::new(),
        include: Vec::new(),
        unknown: Vec::new(),
        is_repetition: false,
    };
    let unknown =
        draft.query().filter(|parameter| parameter.is_required && known_value(root, parameter).is_none());
    draft.unknown = unknown.map(|parameter| parameter.name).collect();
    Some(draft)
}

/// The last word of a reference to a schema.
fn schema_name(schema: &Value) -> Option<&str> {
    schema.get("title").and_then(Value::as_str).or_else(|| schema.get("$ref")?.as_str()?.rsplit('/').next())
}

fn segments(path: &str) -> Vec<Segment<'_>> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) if !name.contains(['{', '}']) => Segment::Param(name),
            _ => Segment::Text(part),
        })
        .collect()
}

/// Names all resources by the last words of their paths, with more words where that is not enough.
fn name_all(drafts: &mut [Draft<'_>]) {
    let mut taken = HashSet::new();
    for draft in drafts {
        let texts: Vec<&str> = draft
            .segments
            .iter()
            .filter_map(|segment| match segment {
                Segment::Text(text) => Some(*text),
                Segment::Param(_) => None,
            })
            .collect();
        let is_one = matches!(draft.segments.last(), Some(Segment::Param(_)));
        let mut names: Vec<String> = (1..=texts.len())
            .filter_map(|count| texts.get(texts.len() - count..))
            .map(|texts| {
                let mut words: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
                if let Some(last) = words.last_mut().filter(|_| is_one) {
                    *last = singular(last);
                }
                words.join("_")
            })
            .collect();
        names.extend(draft.operation.id.map(|id| words(id).join("_")));
        names.push("resource".to_owned());
        let names: Vec<String> =
            names.iter().map(|name| identifier(name)).filter(|name| !name.is_empty()).collect();
        let free = names.iter().find(|name| !taken.contains(*name)).cloned();
        let numbered = || {
            let base = names.first().cloned().unwrap_or_default();
            (2..)
                .map(|number| format!("{base}_{number}"))
                .find(|name| !taken.contains(name))
                .unwrap_or_default()
        };
        draft.name = free.unwrap_or_else(numbered);
        taken.insert(draft.name.clone());
    }
}

/// Longest name of a resource; tables have names that are a little longer.
const MAX_NAME: usize = 40;

/// A name as resources have it: letters of ASCII, digits, underscores; empty if nothing is left.
fn identifier(name: &str) -> String {
    let kept: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(MAX_NAME).collect();
    let kept = kept.trim_matches('_');
    if kept.starts_with(|first: char| first.is_ascii_digit()) { format!("r_{kept}") } else { kept.to_owned() }
}

/// Looks for the nearest list whose records a path is about, and says where its parameters come from.
fn find_parent<'a>(root: &Root<'a>, drafts: &mut [Draft<'a>], index: usize) {
    let (before, rest) = drafts.split_at_mut(index);
    let Some(draft) = rest.first_mut() else { return };
    let params: Vec<&str> = params_of(draft.operation.path);
    let mut candidates: Vec<usize> = (0..before.len())
        .filter(|at| before.get(*at).is_some_and(|parent| is_below(draft, parent)))
        .collect();
    candidates.sort_by_key(|at| std::cmp::Reverse(before.get(*at).map_or(0, |parent| parent.segments.len())));
    for at in candidates {
        let Some(parent) = before.get_mut(at) else { continue };
        let Some((bindings, include)) = bind(root, draft, parent, &params) else { continue };
        draft.bindings = bindings;
        draft.parent = Some(at);
        draft.is_repetition = matches!(draft.records, Records::One { .. })
            && draft.segments.len() == parent.segments.len() + 1
            && is_same_record(root, draft, parent);
        parent
            .include
            .extend(include.into_iter().filter(|field| !parent.include.contains(field)).collect::<Vec<_>>());
        return;
    }
    draft.bindings = params.into_iter().map(|name| (name, Binding::Variable(variable(name)))).collect();
}

/// The names in braces, in order.
fn params_of(path: &str) -> Vec<&str> {
    let inside = path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0));
    let mut names: Vec<&str> = Vec::new();
    for name in inside {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The name of a variable for a parameter.
fn variable(name: &str) -> String {
    let name = identifier(&words(name).join("_")).to_ascii_uppercase();
    if name.is_empty() { "PARAMETER".to_owned() } else { name }
}

/// Whether the path of a draft goes on behind a list's with a parameter.
fn is_below(draft: &Draft<'_>, list: &Draft<'_>) -> bool {
    let is_prefix = list.segments.iter().zip(&draft.segments).all(|(own, other)| match (own, other) {
        (Segment::Text(one), Segment::Text(other)) => one == other,
        (Segment::Param(_), Segment::Param(_)) => true,
        _ => false,
    });
    matches!(list.records, Records::List { .. })
        && is_prefix
        && matches!(draft.segments.get(list.segments.len()), Some(Segment::Param(_)))
}

type Bound<'a> = (Vec<(&'a str, Binding)>, Vec<String>);

/// Where the parameters of a path come from, if the records of `parent` have what is needed; and the fields that
/// `parent` must take over from its own parent for that.
fn bind<'a>(root: &Root<'a>, draft: &Draft<'a>, parent: &Draft<'a>, params: &[&'a str]) -> Option<Bound<'a>> {
    let members = root.members(parent.records.record()?);
    let scalar = |name: &str| {
        let schema = members.get(name)?;
        matches!(root.kind(schema), Kind::Text | Kind::Integer | Kind::Unknown).then_some(())
    };
    let field_named = |param: &str| {
        members
            .keys()
            .copied()
            .find(|name| is_plain(name) && is_same_word(name, param) && scalar(name).is_some())
    };
    let of_parent = |field: &str| Binding::Field { resource: parent.name.clone(), field: field.to_owned() };
    let mut include = Vec::new();
    let bindings = params.iter().map(|param| {
        let at = draft.segments.iter().position(|segment| *segment == Segment::Param(param));
        let binding = match at {
            // The same record that the parent's own path is about.
            Some(at) if at < parent.segments.len() => {
                let Some(Segment::Param(own)) = parent.segments.get(at) else { return None };
                match parent.bindings.iter().find(|(name, _)| name == own).map(|(_, binding)| binding)? {
                    Binding::Field { resource, field } => {
                        // The parent's parent may have it from its own.
                        include.push(field.clone());
                        of_parent(&format!("_{resource}_{field}"))
                    }
                    variable @ Binding::Variable(_) => variable.clone(),
                }
            }
            Some(at) if at == parent.segments.len() => of_parent(field_named(param).or(parent.key)?),
            _ => match field_named(param) {
                Some(field) => of_parent(field),
                None => Binding::Variable(variable(param)),
            },
        };
        Some((*param, binding))
    });
    let bindings = bindings.collect::<Option<Vec<_>>>()?;
    Some((bindings, include))
}

/// Whether two resources give records with the same fields.
fn is_same_record<'a>(root: &Root<'a>, one: &Draft<'a>, other: &Draft<'a>) -> bool {
    let fields = |draft: &Draft<'a>| -> HashSet<&'a str> {
        draft.records.record().map(|record| root.members(record).into_keys().collect()).unwrap_or_default()
    };
    let (one, other) = (fields(one), fields(other));
    !other.is_empty() && one.is_subset(&other)
}
