//! First configurations of REST APIs, made from what the API says about itself.
//!
//! ```text
//! text ──parse──> Value ──Api::read──> operations ──drafts──> names, parents, records, pages ──write──> YAML
//! ```
//!
//! What documents do not say is guessed: a guess that is wrong must be easy to see and to change in the file.

mod document;
mod pages;
mod parts;
mod records;
mod resources;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use reqwest::Url;
use serde::Serialize;
use serde_json::Value;
use windlass_core::{Code, Error, Result};

use self::document::Api;
pub use self::parts::Parts;
use self::resources::Draft;
use self::write::Frame;
use crate::destinations::destination_entry;
use crate::sources::rest::http::is_web;

/// What is to be made of a document.
#[derive(Clone, Debug)]
pub struct DiscoverOptions {
    /// Name of the pipeline; that of the API by default.
    pub pipeline: Option<String>,
    /// Kind of the destination.
    pub destination: String,
    /// Where the API is, if the document does not say it, or says only the path.
    pub base_url: Option<String>,
    /// Where the document comes from.
    pub file: String,
}

/// A configuration that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Discovery {
    /// Name of the pipeline.
    pub pipeline: String,
    /// The pipeline file, as YAML.
    pub text: String,
    /// Names of the resources that can be read.
    pub resources: Vec<String>,
    /// Names of the resources that people must complete first, or that repeat others.
    pub unselected: Vec<String>,
    /// Variables that must be set.
    pub variables: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Makes a pipeline file from an OpenAPI document: version 3.x or 2.0 (Swagger), JSON or YAML.
///
/// Errors: no such document, nothing in it that can be loaded, no address of the API.
pub fn openapi(text: &str, options: &DiscoverOptions) -> Result<Discovery> {
    openapi_of(&Parts::new(text, &options.file)?, options)
}

/// The same of a document in several files. Errors: as of [`openapi`].
pub fn openapi_of(parts: &Parts, options: &DiscoverOptions) -> Result<Discovery> {
    let at_file =
        |error: Error| if error.place().file.is_some() { error } else { error.at_file(&options.file) };
    let (value, mut told) = parts.join();
    let api = Api::read(&value).map_err(at_file)?;
    let base_url = base_url(api.server.as_deref(), options).map_err(at_file)?;
    let pipeline = match &options.pipeline {
        Some(name) => name.clone(),
        None => pipeline_name(api.title),
    };
    let destination = destination_entry(&options.destination)?.example.replace("{pipeline}", &pipeline);
    let drafts = resources::drafts(&api);
    if drafts.is_empty() {
        return Err(at_file(Error::config("no answer that the document describes has records")));
    }
    let is_selected = selected(&drafts);
    let paginator = most_common(&drafts);
    let frame = Frame {
        file: &options.file,
        pipeline: &pipeline,
        destination,
        base_url: &base_url,
        paginator: paginator.as_ref(),
    };
    let order = resources::order(&drafts);
    let text = write::pipeline_file(&api, &frame, &drafts, &order, &is_selected)?;
    let named = |wanted: bool| {
        let chosen = order.iter().filter(|index| is_selected.get(**index) == Some(&wanted));
        chosen.filter_map(|index| Some(drafts.get(*index)?.name.clone())).collect()
    };
    Ok(Discovery {
        text,
        resources: named(true),
        unselected: named(false),
        variables: write::variables(api.signature.as_ref(), &pipeline),
        warnings: {
            told.extend(warnings(&api, drafts.len()));
            told
        },
        pipeline,
    })
}

/// Which resources can be read as they are: those that nothing is missing of, whose parents can be read.
fn selected(drafts: &[Draft<'_>]) -> Vec<bool> {
    let mut can_be_read: Vec<bool> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        // Parents stand before their children.
        let parent = draft.parent.is_none_or(|at| can_be_read.get(at) == Some(&true));
        can_be_read.push(parent && draft.is_complete());
    }
    drafts.iter().zip(can_be_read).map(|(draft, can_be_read)| can_be_read && !draft.is_repetition).collect()
}

/// The paginator that more resources have than any other; `None` if there is no such, or only one resource has it.
fn most_common(drafts: &[Draft<'_>]) -> Option<Value> {
    let mut counts: Vec<(&Value, usize)> = Vec::new();
    for paginator in drafts.iter().filter_map(|draft| Some(&draft.pages.as_ref()?.paginator)) {
        match counts.iter_mut().find(|(known, _)| *known == paginator) {
            Some((_, count)) => *count += 1,
            None => counts.push((paginator, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    let mut leading = counts.into_iter().filter(|(_, count)| *count == most && most > 1);
    let first = leading.next()?.0.clone();
    leading.next().is_none().then_some(first)
}

fn warnings(api: &Api<'_>, count: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    let lost = api.root.lost_references();
    if lost > 0 {
        warnings.push(format!(
            "{lost} references lead nowhere or into another file; join the files first, for instance by `redocly bundle`"
        ));
    }
    let without_records = api.operations.len() - count.min(api.operations.len());
    if without_records + api.left_out.len() > 0 {
        let number = without_records + api.left_out.len();
        warnings.push(format!("{number} paths are left out: their answers have no records in JSON"));
    }
    warnings
}

/// Where the API is: what the user says, completed by the path that the document says; else what the document says.
fn base_url(server: Option<&str>, options: &DiscoverOptions) -> Result<String> {
    let wrong = |url: &str| {
        Error::of(Code::InvalidAddress, format!("`{url}` is not an address of the web"))
            .with_hint("say where the API is: windlass discover https://api.example.com --openapi FILE")
    };
    let server = server.unwrap_or_default();
    let given = match &options.base_url {
        Some(given) => Some(Url::parse(given).ok().filter(|_| is_web(given)).ok_or_else(|| wrong(given))?),
        // Servers are relative to the document.
        None if is_web(&options.file) => Url::parse(&options.file).ok(),
        None => None,
    };
    let url = match (given, is_web(server)) {
        // Whoever names a path means it.
        (Some(given), _) if options.base_url.is_some() && given.path() != "/" => given,
        (Some(given), true) if options.base_url.is_some() => {
            let path = Url::parse(server).map(|server| server.path().to_owned()).unwrap_or_default();
            given.join(&path).map_err(|_| wrong(server))?
        }
        (_, true) => Url::parse(server).map_err(|_| wrong(server))?,
        (Some(given), false) => given.join(server).map_err(|_| wrong(server))?,
        (None, false) => {
            return Err(Error::config("the document does not say where the API is")
                .with_hint("say it: windlass discover https://api.example.com --openapi FILE"));
        }
    };
    if !is_web(url.as_str()) || url.host_str().is_none() {
        return Err(wrong(url.as_str()));
    }
    let mut url = url;
    url.set_fragment(None);
    url.set_query(None);
    let text = url.as_str();
    Ok(if text.ends_with('/') { text.to_owned() } else { format!("{text}/") })
}

/// The name of an API as that of a pipeline.
fn pipeline_name(title: Option<&str>) -> String {
    let mut words = records::words(title.unwrap_or_default());
    words.retain(|word| !["api", "rest", "openapi", "swagger", "the"].contains(&word.as_str()));
    let name: String =
        words.join("_").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect();
    let name = name.trim_matches('_');
    match name.chars().next() {
        None => "api".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("api_{name}"),
        Some(_) => name.to_owned(),
    }
}

/// What the names of variables of a pipeline begin with.
fn variable_prefix(pipeline: &str) -> String {
    pipeline.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}
