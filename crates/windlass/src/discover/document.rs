//! An OpenAPI document: where the API is, who may ask, and what can be asked for. Versions 3.x and 2.0 (Swagger) alike.

use serde_json::Value;
use windlass_core::document::{Document, DocumentFormat};
use windlass_core::{At, Code, Error, Result};

use super::schema::Root;

/// A request that the API answers.
#[derive(Clone, Debug)]
pub(super) struct Operation<'a> {
    /// The path with its parameters in braces.
    pub(super) path: &'a str,
    pub(super) id: Option<&'a str>,
    pub(super) summary: Option<&'a str>,
    pub(super) parameters: Vec<Parameter<'a>>,
    /// The schema of a good answer.
    pub(super) answer: Option<&'a Value>,
    /// Whether answers have the header `Link`.
    pub(super) has_link: bool,
}

/// A parameter of a request.
#[derive(Clone, Debug)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    /// `query`, `path` or `header`.
    pub(super) place: &'a str,
    pub(super) is_required: bool,
    pub(super) description: Option<&'a str>,
    pub(super) schema: &'a Value,
}

/// How requests are signed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Signature<'a> {
    ApiKey { name: &'a str, place: &'a str },
    Basic,
    Bearer,
    ClientCredentials { token_url: &'a str },
}

/// What a document says, in its own words.
#[derive(Debug)]
pub(super) struct Api<'a> {
    pub(super) root: Root<'a>,
    pub(super) title: Option<&'a str>,
    /// Where the API is, maybe relative to the document.
    pub(super) server: Option<String>,
    pub(super) signature: Option<Signature<'a>>,
    /// The requests by `GET` that give JSON.
    pub(super) operations: Vec<Operation<'a>>,
    /// Paths by `GET` that give something else.
    pub(super) left_out: Vec<&'a str>,
}

/// Parses a document. Errors: neither JSON nor YAML, with the place.
pub(super) fn parse(text: &str, file: &str) -> Result<Value> {
    let at = |line: usize, column: usize| At {
        file: Some(file.to_owned()),
        line: Some(line as u64),
        byte: Some(column as u64),
        ..At::default()
    };
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with('<') {
        return Err(no_document("this is a page for browsers")
            .at(At { file: Some(file.to_owned()), ..At::default() }));
    }
    if start.starts_with(['{', '[']) {
        // JSON documents are large; the parser of YAML, which knows all places, is slow.
        return serde_json::from_str(start).map_err(|cause| {
            Error::of(Code::InvalidDocument, format!("this is not JSON: {cause}"))
                .at(at(cause.line(), cause.column()))
        });
    }
    Ok(Document::parse(text, DocumentFormat::Yaml, file)?.value)
}

fn no_document(why: &str) -> Error {
    Error::of(Code::InvalidDocument, format!("{why}, not an OpenAPI document"))
        .with_hint("its first key is `openapi` or `swagger`; many APIs serve it as openapi.json")
}

impl<'a> Api<'a> {
    /// Reads a document. Errors: it is none of a version that is known, or nothing can be asked for.
    pub(super) fn read(value: &'a Value) -> Result<Self> {
        let version = |key: &str| match value.get(key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let is_swagger = match (version("openapi"), version("swagger")) {
            (Some(version), _) if version.starts_with("3.") || version == "3" => false,
            (None, Some(version)) if version.starts_with('2') => true,
            (Some(version), _) | (None, Some(version)) => {
                return Err(Error::of(
                    Code::VersionUnsupported,
                    format!("version {version} of OpenAPI is not known"),
                )
                .with_hint("3.0, 3.1 and 2.0 (Swagger) are"));
            }
            (None, None) => return Err(no_document("this has neither `openapi` nor `swagger`")),
        };
        let Some(paths) = value.get("paths").and_then(Value::as_object) else {
            return Err(Error::config("the document has no `paths`")
                .with_hint("is it one part of several? join them first, for instance by `redocly bundle`"));
        };
        let mut api = Self {
            root: Root::new(value),
            title: value.pointer("/info/title").and_then(Value::as_str),
            server: if is_swagger { swagger_server(value) } else { server(value) },
            signature: None,
            operations: Vec::new(),
            left_out: Vec::new(),
        };
        api.signature = api.find_signature(value);
        for (path, item) in paths {
            let Some(item) = api.root.follow(item) else { continue };
            let Some(get) = item.get("get").filter(|get| get.is_object()) else { continue };
            match api.operation(path, item, get, value) {
                Some(operation) => api.operations.push(operation),
                None => api.left_out.push(path),
            }
        }
        if api.operations.is_empty() {
            return Err(Error::config(
                "nothing in the document can be asked for by GET and answers with JSON",
            )
            .with_hint("write the resources by hand; `windlass init rest_api duckdb` shows how"));
        }
        Ok(api)
    }

    fn operation(
        &self,
        path: &'a str,
        item: &'a Value,
        get: &'a Value,
        document: &'a Value,
    ) -> Option<Operation<'a>> {
        let responses = get.get("responses").and_then(Value::as_object);
        let good = responses.into_iter().flatten().find(|(status, _)| status.starts_with('2'));
        let good = good.or_else(|| responses?.iter().find(|(status, _)| *status == "default"));
        let response = good.and_then(|(_, response)| self.root.follow(response));
        let is_json = |kind: &str| kind.contains("json") || kind == "*/*";
        let answer = match response.and_then(|response| response.get("content")).and_then(Value::as_object) {
            Some(content) if !content.is_empty() => {
                content.iter().find(|(kind, _)| is_json(kind))?.1.get("schema")
            }
            Some(_) | None => {
                let kinds =
                    get.get("produces").or_else(|| document.get("produces")).and_then(Value::as_array);
                if kinds.is_some_and(|kinds| !kinds.iter().filter_map(Value::as_str).any(is_json)) {
                    return None;
                }
                response.and_then(|response| response.get("schema"))
            }
        };
        let headers = response.and_then(|response| response.get("headers")).and_then(Value::as_object);
        let text = |key: &str| get.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        Some(Operation {
            path,
            id: text("operationId"),
            summary: text("summary").or_else(|| text("description")),
            parameters: self.parameters(item, get),
            answer,
            has_link: headers
                .is_some_and(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case("link"))),
        })
    }

    /// The parameters of the operation, and those of its path that it does not replace.
    fn parameters(&self, item: &'a Value, get: &'a Value) -> Vec<Parameter<'a>> {
        let mut parameters: Vec<Parameter<'a>> = Vec::new();
        for holder in [get, item] {
            for value in holder.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                let Some(value) = self.root.follow(value) else { continue };
                let text = |key: &str| value.get(key).and_then(Value::as_str);
                let (Some(name), Some(place)) = (text("name"), text("in")) else { continue };
                if parameters.iter().any(|known| known.name == name && known.place == place) {
                    continue;
                }
                let content = value.get("content").and_then(Value::as_object);
                let in_content = content.and_then(|content| content.values().next()?.get("schema"));
                parameters.push(Parameter {
                    name,
                    place,
                    is_required: value.get("required").and_then(Value::as_bool).unwrap_or(false),
                    description: text("description"),
                    schema: value.get("schema").or(in_content).unwrap_or(value),
                });
            }
        }
        parameters
    }

    /// The first scheme that the document asks for and that is known here; the first of all if it asks for none.
    fn find_signature(&self, value: &'a Value) -> Option<Signature<'a>> {
        let schemes =
            value.pointer("/components/securitySchemes").or_else(|| value.get("securityDefinitions"));
        let schemes = schemes.and_then(Value::as_object)?;
        let wanted = value.get("security").and_then(Value::as_array);
        let wanted = wanted.into_iter().flatten().filter_map(Value::as_object).flat_map(|one| one.keys());
        let named = wanted.filter_map(|name| schemes.get(name));
        named.chain(schemes.values()).find_map(|scheme| signature(self.root.follow(scheme)?))
    }
}

fn signature(scheme: &Value) -> Option<Signature<'_>> {
    let text = |key: &str| scheme.get(key).and_then(Value::as_str);
    match text("type")? {
        "apiKey" => {
            let place = text("in").filter(|place| ["header", "query", "cookie"].contains(place))?;
            Some(Signature::ApiKey { name: text("name")?, place })
        }
        "basic" => Some(Signature::Basic),
        "http" => match text("scheme")?.to_ascii_lowercase().as_str() {
            "basic" => Some(Signature::Basic),
            "bearer" => Some(Signature::Bearer),
            _ => None,
        },
        "oauth2" => {
            let flow = scheme.pointer("/flows/clientCredentials");
            let is_application = text("flow") == Some("application");
            let token_url = flow.or(is_application.then_some(scheme)).and_then(|flow| flow.get("tokenUrl"));
            match token_url.and_then(Value::as_str) {
                Some(token_url) => Some(Signature::ClientCredentials { token_url }),
                // People sign in by a browser; what they get is a token.
                None => Some(Signature::Bearer),
            }
        }
        "openIdConnect" => Some(Signature::Bearer),
        _ => None,
    }
}

/// The address of the first server, its variables filled in.
fn server(value: &Value) -> Option<String> {
    let server = value.pointer("/servers/0")?;
    let mut url = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(Value::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    Some(url)
}

fn swagger_server(value: &Value) -> Option<String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let path = text("basePath").unwrap_or("/");
    let Some(host) = text("host") else { return text("basePath").map(str::to_owned) };
    let schemes = value.get("schemes").and_then(Value::as_array);
    let mut schemes = schemes.into_iter().flatten().filter_map(Value::as_str);
    let scheme = match schemes.clone().any(|scheme| scheme == "https") {
        true => "https",
        false => schemes.find(|scheme| *scheme == "http").unwrap_or("https"),
    };
    Some(format!("{scheme}://{host}/{}", path.trim_start_matches('/')))
}
