//! From what the file says to resources that are known to be right.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use windlass_core::document::pointer_push;
use windlass_core::{Code, Error, Result};

use super::field::FieldPath;
use super::incremental::{CursorRequests, RestIncremental};
use super::options::{Endpoint, Method, OnPartitionError, RestResourceOptions};
use super::placeholder::{Placeholders, python_text, shortened};
use super::template::{Node, Reference, RequestTemplate, text_of};
use crate::config::{nearest, parse_options, unknown_name};
use crate::source::Resource;
use crate::sources::Places;
use crate::sources::rest::http::{Auth, is_web, masked_url};
use crate::sources::rest::pages::ResponseAction;
use crate::sources::rest::paginate::PaginatorConfig;
use crate::sources::rest::select::Selector;
use crate::steps::StepRunner;

/// A resource that is known to be right.
#[derive(Clone, Debug)]
pub(crate) struct RestResource {
    /// What the engine knows of it.
    pub(crate) resource: Resource,
    pub(crate) method: Method,
    pub(crate) template: RequestTemplate,
    /// How pages follow each other; detected if `None`.
    pub(crate) paginator: Option<PaginatorConfig>,
    /// Where the records are; detected if `None`.
    pub(crate) selector: Option<String>,
    pub(crate) actions: Vec<ResponseAction>,
    pub(crate) auth: Option<Arc<dyn Auth>>,
    /// The fields of the parent's record that requests ask for.
    pub(crate) fields: Vec<FieldPath>,
    /// The fields of the parent's record that its records get.
    pub(crate) include: Vec<String>,
    pub(crate) on_partition_error: OnPartitionError,
    pub(crate) read_ahead: usize,
    pub(crate) guess_pages: bool,
    /// Why it cannot be read, where that is said only when it is.
    pub(crate) defect: Option<String>,
}

/// What endpoints take from the client.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientDefaults {
    pub(crate) paginator: Option<PaginatorConfig>,
    pub(crate) auth: Option<Arc<dyn Auth>>,
}

/// Builds one resource. `pointer` is where it stands in the file, below the source.
///
/// Errors: everything about it that is wrong by itself, with its place.
pub(crate) fn compile(
    mut resource: Resource,
    options: RestResourceOptions,
    client: &ClientDefaults,
    places: &Places,
    pointer: &str,
) -> Result<RestResource> {
    let name = resource.name.clone();
    let at = |part: &str, error: Error| error.at(places.at(&format!("{pointer}{part}"))).at_resource(&name);
    let mut endpoint = options.endpoint.unwrap_or_default();
    let path = endpoint.path.take().unwrap_or_else(|| name.clone());
    check_scheme(&path).map_err(|error| at("/endpoint/path", error))?;
    apply_rules(&path, &mut endpoint);
    let mut params = endpoint.params.take().unwrap_or_default();
    let param_at = |param: &str, error| {
        let mut part = "/endpoint/params".to_owned();
        pointer_push(&mut part, param);
        at(&part, error)
    };

    let mut cursor = cursor_of_params(&mut params).map_err(|(param, error)| param_at(&param, error))?;
    let mut defect = None;
    if cursor.is_none()
        && let Some(incremental) = endpoint.incremental.take()
    {
        if resource.incremental.is_some() {
            return Err(at(
                "/endpoint/incremental",
                Error::of(Code::InvalidCursorOptions, format!("the resource `{name}` has two cursors"))
                    .with_hint("keep `incremental` either in the endpoint or beside it"),
            ));
        }
        cursor = Some(incremental);
    }
    if let Some(incremental) = &cursor {
        check_cursor(incremental).map_err(|error| at("/endpoint/incremental", error))?;
        match incremental.cursor_path {
            Some(_) => {
                let options = incremental.options().map_err(|error| at("/endpoint/incremental", error))?;
                resource.incremental = Some(options);
            }
            None => defect = Some("its `incremental` has no `cursor_path`".to_owned()),
        }
    }
    // The engine's own `incremental` has no words for requests, but its values may stand in placeholders.
    let requests = match (&cursor, &resource.incremental) {
        (Some(incremental), _) => Some(incremental.requests()),
        (None, Some(_)) => Some(CursorRequests::default()),
        (None, None) => None,
    };

    let resolves = resolve_params(&mut params).map_err(|(param, error)| param_at(&param, error))?;
    let cursor_param = cursor.as_ref().and_then(|incremental| incremental.start_param.clone());
    let bound = Bound {
        resource: &name,
        path: &path,
        has_cursor: requests.is_some(),
        resolves: &resolves,
        cursor_param: cursor_param.as_deref(),
    };
    let path_template = bound.path(&mut params).map_err(|error| at("/endpoint/path", error))?;
    let template = template(&mut endpoint, path_template, params, &resolves, requests)
        .map_err(|(part, error)| at(&format!("/endpoint/{part}"), error))?;

    resource.parent = parent(&name, &template).map_err(|error| at("/endpoint", error))?;
    let include = options.include_from_parent.unwrap_or_default();
    if resource.parent.is_none() && !include.is_empty() {
        let error = Error::config(format!(
            "the resource `{name}` has `include_from_parent` but does not depend on another resource"
        ))
        .with_hint("a resource depends on another by a placeholder {resources.<resource>.<field>}");
        return Err(at("/include_from_parent", error));
    }
    let fields = template.parent_fields();
    let fields = fields.iter().map(|field| FieldPath::parse(field)).collect::<Result<_>>();
    let fields = fields.map_err(|error| at("/endpoint", error))?;
    resource.follows_cursor = resource.parent.is_some() && template.follows_cursor();
    resource.selected = options.selected.unwrap_or(true);
    let steps = options.processing_steps.unwrap_or_default();
    resource.steps.extend(steps.into_iter().flat_map(super::options::ProcessingStep::steps));
    StepRunner::new(&resource.steps).map_err(|error| at("/processing_steps", error))?;
    let auth = match endpoint.auth {
        _ if endpoint.custom.auth.is_some() => endpoint.custom.auth.take(),
        None => client.auth.clone(),
        Some(None) => None,
        Some(Some(auth)) => Some(auth.build().map_err(|error| at("/endpoint/auth", error))?),
    };
    let paginator = endpoint.paginator.or_else(|| client.paginator.clone());
    if let Some(paginator) = &paginator {
        paginator.build().map_err(|error| at("/endpoint/paginator", error))?;
    }
    if let Some(selector) = endpoint.data_selector.as_deref().filter(|selector| !selector.is_empty()) {
        Selector::parse(selector).map_err(|error| at("/endpoint/data_selector", error))?;
    }
    let actions = endpoint.response_actions.unwrap_or_default();
    let actions =
        actions.into_iter().map(super::actions::ResponseActionOptions::build).collect::<Result<_>>();
    let mut actions: Vec<_> = actions.map_err(|error| at("/endpoint/response_actions", error))?;
    actions.append(&mut endpoint.custom.actions);
    Ok(RestResource {
        resource,
        method: endpoint.method.unwrap_or_default(),
        template,
        paginator,
        selector: endpoint.data_selector,
        actions,
        auth,
        fields,
        include,
        on_partition_error: options.on_partition_error,
        read_ahead: options.read_ahead.unwrap_or(0),
        guess_pages: options.guess_pages.unwrap_or(false),
        defect,
    })
}

/// Errors: a whole address that is not one of the web. One whose scheme is a placeholder is seen when it is asked for.
fn check_scheme(path: &str) -> Result<()> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    match path.split_once("://") {
        Some((scheme, _)) if !scheme.is_empty() && scheme.chars().all(is_part) && !is_web(path) => Err(
            Error::of(Code::InvalidAddress, format!("`{}` is not an address of the web", masked_url(path)))
                .with_hint(
                    "a path is joined to the `base_url`; a whole address begins with https:// or http://",
                ),
        ),
        _ => Ok(()),
    }
}

/// What the path says about the endpoint, and what `auto` means.
fn apply_rules(path: &str, endpoint: &mut Endpoint) {
    if is_single_entity(path) {
        endpoint.data_selector.get_or_insert_with(|| "$".to_owned());
        endpoint.paginator.get_or_insert(PaginatorConfig::SinglePage);
    }
    // At an endpoint, `auto` says that it has no paginator of its own.
    endpoint.paginator.take_if(|paginator| *paginator == PaginatorConfig::Auto);
}

/// Whether the last part of a path names one thing: it has a placeholder.
fn is_single_entity(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    last.match_indices('{').any(|(at, _)| {
        let inside = last[at + 1..].split('}').next().unwrap_or_default();
        last[at + 1..].len() > inside.len()
            && !inside.is_empty()
            && inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    })
}

/// The error for a parameter that is an object without a meaning.
fn check_param_type(param: &str, value: &Map<String, Value>) -> Result<()> {
    let kind = value.get("type").and_then(Value::as_str);
    match kind {
        Some("resolve" | "incremental") => Ok(()),
        Some(kind) => {
            Err(unknown_name(&format!("kind of parameter for `{param}`,"), kind, ["incremental", "resolve"]))
        }
        None => Err(Error::config(format!("the parameter `{param}` is an object without `type`")).with_hint(
            "the types are incremental and resolve; a JSON text can be given as a text, its braces doubled",
        )),
    }
}

/// Takes the cursor out of the parameters, if one of them is it.
fn cursor_of_params(params: &mut Map<String, Value>) -> Result<Option<RestIncremental>, (String, Error)> {
    for (name, value) in params.iter() {
        if let Value::Object(map) = value {
            check_param_type(name, map).map_err(|error| (name.clone(), error))?;
        }
    }
    let is_cursor = |value: &Value| value.get("type").and_then(Value::as_str) == Some("incremental");
    let names: Vec<String> =
        params.iter().filter(|(_, value)| is_cursor(value)).map(|(name, _)| name.clone()).collect();
    let Some(name) = names.first() else { return Ok(None) };
    if let Some(second) = names.get(1) {
        let error = Error::config(format!("the parameters `{}` are each a cursor", names.join("`, `")))
            .with_hint("an endpoint has one cursor; its end can be sent with `end_param` of `incremental`");
        return Err((second.clone(), error));
    }
    let mut value = params.shift_remove(name).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.shift_remove("type");
        let is_given = |key: &&str| map.get(*key).is_some_and(|value| !value.is_null());
        if let Some(key) = ["end_value", "end_param"].into_iter().find(is_given) {
            let error = Error::config(format!("the parameter `{name}` is a cursor and cannot have `{key}`"))
                .with_hint(
                    "use `incremental` of the endpoint with `start_param`, `end_param` and `end_value`",
                );
            return Err((name.clone(), error));
        }
    }
    let parsed: Result<RestIncremental> = parse_options(&format!("params.{name}"), value);
    let mut incremental = parsed.map_err(|error| (name.clone(), error))?;
    incremental.start_param = Some(name.clone());
    Ok(Some(incremental))
}

/// A field of a parent's record under a short name.
struct Resolve {
    resource: String,
    field: String,
}

/// Takes the parameters of type `resolve` out.
fn resolve_params(params: &mut Map<String, Value>) -> Result<IndexMap<String, Resolve>, (String, Error)> {
    let mut resolves = IndexMap::new();
    let is_resolve = |value: &Value| value.get("type").and_then(Value::as_str) == Some("resolve");
    let names: Vec<String> =
        params.iter().filter(|(_, value)| is_resolve(value)).map(|(name, _)| name.clone()).collect();
    for name in names {
        let value = params.shift_remove(&name).unwrap_or_default();
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let missing = |key: &str| {
            let error = Error::config(format!("the parameter `{name}` of type resolve has no `{key}`"))
                .with_hint("it needs `resource` and `field`, both texts");
            (name.clone(), error)
        };
        let known = ["type", "resource", "field"];
        let unknown = value.as_object().into_iter().flatten().find(|(key, _)| !known.contains(&key.as_str()));
        if let Some((key, _)) = unknown {
            return Err((name, unknown_name("option of a resolve parameter", key, known)));
        }
        let resource = text("resource").ok_or_else(|| missing("resource"))?;
        let field = text("field").ok_or_else(|| missing("field"))?;
        resolves.insert(name.clone(), Resolve { resource, field });
    }
    Ok(resolves)
}

/// What names in a path may stand for.
struct Bound<'a> {
    resource: &'a str,
    path: &'a str,
    has_cursor: bool,
    resolves: &'a IndexMap<String, Resolve>,
    cursor_param: Option<&'a str>,
}

impl Bound<'_> {
    /// The path; parameters that it takes are no longer in the query.
    fn path(&self, params: &mut Map<String, Value>) -> Result<Placeholders> {
        let mut template = Placeholders::parse(self.path)?;
        template.check_formats()?;
        let names: Vec<String> = template.fields().map(|field| field.name.clone()).collect();
        let mut taken = BTreeSet::new();
        for name in &names {
            if name.is_empty()
                || self.resolves.contains_key(name)
                || Reference::parse(name, self.has_cursor)?.is_some()
            {
                continue;
            }
            if params.get(name).is_some() {
                taken.insert(name.clone());
                continue;
            }
            return Err(self.unknown(name, params));
        }
        template.bind(|name| match params.get(name) {
            _ if name.is_empty() => Some(String::new()),
            Some(Value::String(text)) if taken.contains(name) => Some(text.clone()),
            Some(value) if taken.contains(name) => Some(python_text(value)),
            _ => None,
        });
        params.retain(|name, _| !taken.contains(name));
        if let Some(unbound) = self.resolves.keys().find(|name| !names.contains(name)) {
            let resolve = &self.resolves[unbound];
            return Err(Error::config(format!(
                "the resource `{}` has the resolve parameter `{unbound}`, which does not stand in the path `{}`",
                self.resource, self.path
            ))
            .with_hint(format!(
                "write {{{unbound}}} in the path, or give the parameter the value \
                 \"{{resources.{}.{}}}\"",
                resolve.resource, resolve.field
            )));
        }
        Ok(template)
    }

    /// The error for a name that stands for nothing.
    fn unknown(&self, name: &str, params: &Map<String, Value>) -> Error {
        let Self { resource, path, .. } = self;
        if self.cursor_param == Some(name) {
            return Error::config(format!(
                "the path `{path}` of the resource `{resource}` takes the parameter `{name}`, which is a cursor"
            ))
            .with_hint("use `incremental` of the endpoint and {incremental.start_value} in the path");
        }
        if name.contains('.') {
            let hint = match name.split('.').next() {
                Some("incremental") => "it needs `incremental` in the endpoint".to_owned(),
                _ => "placeholders start with `resources.` or `incremental.`".to_owned(),
            };
            return Error::config(format!(
                "the path `{path}` of the resource `{resource}` has the placeholder `{name}`, which stands for nothing"
            ))
            .with_hint(hint);
        }
        let known = params.keys().chain(self.resolves.keys()).map(String::as_str);
        let hint = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add `{name}` to the params of the endpoint, or double the braces"),
        };
        Error::config(format!(
            "the path `{path}` of the resource `{resource}` needs a parameter `{name}`, which is not in its params"
        ))
        .with_hint(hint)
    }
}

/// Reads all parts of the request but the path. Errors: with the part that is wrong.
fn template(
    endpoint: &mut Endpoint,
    path: Placeholders,
    params: Map<String, Value>,
    resolves: &IndexMap<String, Resolve>,
    cursor: Option<CursorRequests>,
) -> Result<RequestTemplate, (&'static str, Error)> {
    let has_cursor = cursor.is_some();
    let check = |part: &'static str| {
        move |name: &str| match Reference::parse(name, has_cursor)? {
            Some(_) => Ok(()),
            None => {
                let contexts = if has_cursor { "`resources.` or `incremental.`" } else { "`resources.`" };
                let hint = match name.split('.').next() {
                    Some("incremental") => "it needs `incremental` in the endpoint".to_owned(),
                    _ => format!(
                        "placeholders start with {contexts}; braces that are no placeholder are doubled: {{{{ and }}}}"
                    ),
                };
                Err(Error::config(format!(
                    "the placeholder `{}` in `{part}` stands for nothing",
                    shortened(name)
                ))
                .with_hint(hint))
            }
        }
    };
    let map = |part: &'static str, map: Map<String, Value>| {
        let mut check = check(part);
        map.into_iter()
            .map(|(key, value)| Ok((text_of(&key, &mut check)?, Node::parse(value, &mut check)?)))
            .collect::<Result<Vec<_>>>()
            .map_err(|error| (part, error))
    };
    let body = |part: &'static str, value: Option<Value>| {
        value
            .filter(|value| !value.is_null())
            .map(|value| Node::parse(value, &mut check(part)))
            .transpose()
            .map_err(|error| (part, error))
    };
    let headers = endpoint.headers.take().unwrap_or_default();
    let headers = headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    // A short name becomes the long one, so that there is one way to say it.
    let mut path = path;
    path.rename(|name| {
        resolves.get(name).map(|Resolve { resource, field }| format!("resources.{resource}.{field}"))
    });
    Ok(RequestTemplate {
        path,
        params: map("params", params)?,
        json: body("json", endpoint.json.take().map(Value::Object))?,
        data: body("data", endpoint.data.take())?,
        headers: map("headers", headers)?,
        cursor,
    })
}

/// The resource whose records the request asks for. Errors: there are several.
fn parent(name: &str, template: &RequestTemplate) -> Result<Option<String>> {
    let mut parents = template.parents().into_iter();
    let first = parents.next();
    match parents.next() {
        None => Ok(first),
        Some(second) => Err(Error::config(format!(
            "the resource `{name}` depends on several resources: `{}`, `{second}`",
            first.unwrap_or_default()
        ))
        .with_hint("a resource has one parent; what a grandparent knows comes by `include_from_parent` of the parent")),
    }
}

/// Errors: a form of the values that cannot be.
fn check_cursor(incremental: &RestIncremental) -> Result<()> {
    incremental.convert.as_ref().map_or(Ok(()), super::convert::Convert::check)
}
