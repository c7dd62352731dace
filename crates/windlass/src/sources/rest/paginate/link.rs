//! Links to the next page, and what they are relative to.

use std::fmt;

use serde_json::{Value, json};
use windlass_core::json::JsonPath;
use windlass_core::{Error, Result};

use super::{ABSENT, Answer, PageNotice, Paginator};
use crate::sources::rest::http::{Request, is_address, masked_url};

/// Where an answer has the link to the next page.
pub(super) trait FindLink: Send + Sync + fmt::Debug {
    /// The link; nothing or null ends the pages. Errors: as [`Answer::first`].
    fn find(&self, answer: &Answer<'_>) -> Result<Option<Value>>;

    /// What to tell where the first answer has records and nothing, not even null, where the link should be. Errors: as
    /// [`Answer::first`].
    fn absent(&self, answer: &Answer<'_>) -> Result<Option<PageNotice>> {
        let _ = answer;
        Ok(None)
    }

    /// The paths that it follows in the document.
    fn paths(&self) -> Vec<&JsonPath> {
        Vec::new()
    }
}

/// The notice about a path that leads nowhere in the first answer.
pub(super) fn absent_notice(option: &str, path: &JsonPath, answer: &Answer<'_>) -> PageNotice {
    PageNotice::new(
        ABSENT,
        format!(
            "`{}` is not in the first answer, which has {}, so that it is taken for the only page: correct `{option}` if \
             there are more",
            path.as_str(),
            answer.shape()
        ),
    )
}

/// The notice about a header that the first answer does not have.
pub(super) fn absent_header_notice(option: &str, header: &str, has: &str) -> PageNotice {
    PageNotice::new(
        ABSENT,
        format!(
            "{header} is not in the first answer{has}, so that the answer is taken for the only page: correct `{option}` if there are \
             more"
        ),
    )
}

/// Pages that follow each other by links.
#[derive(Debug)]
pub(super) struct LinkChain<F> {
    finder: F,
    link: Link,
    notices: Vec<PageNotice>,
}

impl<F> LinkChain<F> {
    pub(super) fn new(finder: F) -> Self {
        Self { finder, link: Link::new(), notices: Vec::new() }
    }
}

impl<F: FindLink> Paginator for LinkChain<F> {
    fn begin(&mut self, _: &mut Request) -> Result<()> {
        self.link = Link::new();
        Ok(())
    }

    fn update(&mut self, answer: &Answer<'_>) -> Result<()> {
        let next = self.finder.find(answer)?;
        if !self.link.is_begun && answer.records > 0 {
            self.notices.extend(self.finder.absent(answer)?);
        }
        self.link.set(next.as_ref(), answer.request);
        Ok(())
    }

    fn apply(&self, request: &mut Request) -> Result<()> {
        self.link.apply(request)
    }

    fn has_next(&self) -> bool {
        self.link.has_next()
    }

    fn next_name(&self) -> Option<String> {
        self.link.name()
    }

    fn position(&self) -> Option<Value> {
        self.link.name().map(|url| json!({"url": url}))
    }

    fn resume(&mut self, position: &Value) -> Result<()> {
        self.link.resume(position)
    }

    fn notices(&mut self) -> Vec<PageNotice> {
        std::mem::take(&mut self.notices)
    }

    fn paths(&self) -> Vec<&JsonPath> {
        self.finder.paths()
    }
}

/// The link to the next page, as a chain of links keeps it.
#[derive(Clone, Debug)]
struct Link {
    next: Option<Result<String, String>>,
    is_begun: bool,
}

impl Link {
    fn new() -> Self {
        Self { next: None, is_begun: false }
    }

    /// Keeps the link that an answer gave, made absolute by the URL that was asked.
    ///
    /// Anything but null is a link for the reference, so what is none is an error when it is followed, and no end.
    fn set(&mut self, reference: Option<&Value>, request: &Request) {
        self.is_begun = true;
        self.next = match reference {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if !text.is_empty() => Some(Ok(resolve(&request.url, text))),
            Some(Value::String(_)) => Some(Err("it is an empty text".to_owned())),
            Some(Value::Bool(_)) => Some(Err("it is a bool".to_owned())),
            Some(Value::Number(_)) => Some(Err("it is a number".to_owned())),
            Some(_) => Some(Err("it is a list or an object".to_owned())),
        };
    }

    /// Lets the request go to the link; the link has its own parameters.
    fn apply(&self, request: &mut Request) -> Result<()> {
        match &self.next {
            None => Ok(()),
            Some(Ok(url)) if !is_address(url) => Err(Error::source_failed(format!(
                "invalid URL: the link to the next page is `{}`, which is not an address of the web (after {} {})",
                masked_url(url),
                request.method,
                masked_url(&request.url)
            ))
            .with_hint("the `paginator` takes a value for a link that is none: check where it looks for it")),
            Some(Ok(url)) => {
                request.url.clone_from(url);
                request.params.clear();
                Ok(())
            }
            Some(Err(why)) => Err(Error::source_failed(format!(
                "invalid URL: the link to the next page is none: {why} (after {} {})",
                request.method,
                masked_url(&request.url)
            ))
            .with_hint(
                "an API ends its links with null or without a link; where this one ends them with another empty value, \
                 set `stop_on_empty_link: true` on its `json_link` paginator",
            )),
        }
    }

    fn has_next(&self) -> bool {
        self.next.is_some() || !self.is_begun
    }

    fn name(&self) -> Option<String> {
        self.next.as_ref()?.as_ref().ok().cloned()
    }

    fn resume(&mut self, position: &Value) -> Result<()> {
        let url = position.get("url").and_then(Value::as_str);
        let url = url.ok_or_else(|| Error::internal("the position of a chain of links has no link"))?;
        self.is_begun = true;
        self.next = Some(Ok(url.to_owned()));
        Ok(())
    }
}

/// A reference made absolute: RFC 3986 §5.2. One with a scheme stands for itself, its text untouched.
pub fn resolve(base: &str, reference: &str) -> String {
    let reference = reference.trim();
    if scheme(reference).is_some() {
        return reference.to_owned();
    }
    let Some((scheme, rest)) = scheme(base) else { return reference.to_owned() };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(authority_end);
    let path_end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, base_rest) = rest.split_at(path_end);
    if let Some(network) = reference.strip_prefix("//") {
        return format!("{scheme}://{network}");
    }
    let reference_end = reference.find(['?', '#']).unwrap_or(reference.len());
    let (reference_path, reference_rest) = reference.split_at(reference_end);
    if reference_path.is_empty() {
        let query = match reference_rest.starts_with('?') {
            true => "",
            false => base_rest.split('#').next().unwrap_or_default(),
        };
        return format!("{scheme}://{authority}{path}{query}{reference_rest}");
    }
    let merged = if reference_path.starts_with('/') {
        reference_path.to_owned()
    } else {
        let folder = path.rfind('/').map_or("", |at| &path[..at]);
        format!("{folder}/{reference_path}")
    };
    format!("{scheme}://{authority}{}{reference_rest}", without_dots(&merged))
}

/// The scheme of a URL and what follows its colon.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then_some((scheme, rest))
}

/// A path without `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').collect();
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." && out.len() > 1 {
                    out.pop();
                }
                if is_last {
                    out.push("");
                }
            }
            segment => out.push(segment),
        }
    }
    out.join("/")
}
