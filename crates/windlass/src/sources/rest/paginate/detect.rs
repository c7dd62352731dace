//! Which paginator an API has, guessed from its first answer in the order of the reference.

use serde_json::Value;
use windlass_core::Result;
use windlass_core::json::{NodePosition, Tape, Tree};

use super::header_link::linked;
use super::values::int_of;
use super::{Answer, CursorOptions, HeaderLinkOptions, JsonLinkOptions, PageNumberOptions, PaginatorConfig};

/// Objects in objects that are searched; deeper ones hold data.
const MAX_DEPTH: usize = 64;

/// The paginator that the answer speaks of; a single page if it speaks of none.
///
/// Errors: none; a path that cannot be read is found when the paginator is made.
pub(crate) fn detect(answer: &Answer<'_>) -> Result<PaginatorConfig> {
    let document = answer.document();
    if linked(answer.response, "next").is_some() {
        tracing::info!("the pages are linked by the header `Link`");
        return Ok(PaginatorConfig::HeaderLink(HeaderLinkOptions::default()));
    }
    let next = find(document, 0, &mut Vec::new(), &next_path);
    if let Some((path, Value::String(link))) = &next
        && (link.starts_with("http") || link.starts_with('/'))
    {
        tracing::info!(path, "the pages are linked in the body");
        let options = JsonLinkOptions { next_url_path: path.clone(), ..JsonLinkOptions::default() };
        return Ok(PaginatorConfig::JsonLink(options));
    }
    let pages = find(document, 0, &mut Vec::new(), &pages_path);
    if let Some((path, total)) = pages
        && int_of(&total).is_some()
    {
        tracing::warn!(
            path,
            "guessed the paginator `page_number` that begins with page 0: set `paginator` if that is wrong"
        );
        let options = PageNumberOptions { total_path: Some(path), ..PageNumberOptions::default() };
        return Ok(PaginatorConfig::PageNumber(options));
    }
    if let Some((path, _)) = next {
        tracing::warn!(path, "guessed the paginator `cursor`: set `paginator` if that is wrong");
        let options = CursorOptions { cursor_path: path, ..CursorOptions::default() };
        return Ok(PaginatorConfig::Cursor(options));
    }
    if answer.records == 1 && !document.is_array(0) {
        tracing::info!("no paginator was found in the first answer: it is taken for the only page");
    } else {
        tracing::warn!(
            "no paginator was found in the first answer, so only this page is read: set `paginator`"
        );
    }
    Ok(PaginatorConfig::SinglePage)
}

/// What a member says: the rest of the path and the value.
type Rule = dyn Fn(&Tape<'_>, &str, NodePosition) -> Option<(Option<String>, Value)>;

/// The first member that fulfils the rule, depth first in the order of the document; lists are not entered.
fn find(tape: &Tape<'_>, node: NodePosition, path: &mut Vec<String>, rule: &Rule) -> Option<(String, Value)> {
    for (key, value) in tape.members(node) {
        path.push(key.to_owned());
        if let Some((inner, found)) = rule(tape, key, value) {
            path.extend(inner);
            // Names are joined as they are, as in the reference: one with a blank is an error later.
            return Some((path.join("."), found));
        }
        if tape.is_object(value)
            && path.len() < MAX_DEPTH
            && let Some(found) = find(tape, value, path, rule)
        {
            return Some(found);
        }
        path.pop();
    }
    None
}

fn scalar(tape: &Tape<'_>, node: NodePosition) -> Option<Value> {
    let is_scalar = !tape.is_object(node) && !tape.is_array(node) && !tape.is_null(node);
    is_scalar.then(|| Tree::value(tape, node))
}

/// `next…` with a scalar, or with an object that has `href…` or `url…`.
fn next_path(tape: &Tape<'_>, key: &str, value: NodePosition) -> Option<(Option<String>, Value)> {
    if !key.to_lowercase().starts_with("next") {
        return None;
    }
    let inner = |(key, value): (&str, NodePosition)| {
        let name = key.to_lowercase();
        let is_link = name.starts_with("href") || name.starts_with("url");
        let found = scalar(tape, value).filter(|_| is_link)?;
        Some((Some(key.to_owned()), found))
    };
    match scalar(tape, value) {
        Some(found) => Some((None, found)),
        None => tape.members(value).find_map(inner),
    }
}

fn pages_path(tape: &Tape<'_>, key: &str, value: NodePosition) -> Option<(Option<String>, Value)> {
    let is_pages = matches!(key.to_lowercase().as_str(), "total_pages" | "pages" | "totalpages");
    scalar(tape, value).filter(|_| is_pages).map(|found| (None, found))
}
