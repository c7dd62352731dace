//! Which paginator an API has, guessed from its first answer in the order of the reference.

use serde_json::Value;
use windlass_core::Result;
use windlass_core::json::{NodePosition, Tape, Tree};

use super::header_link::linked;
use super::values::int_of;
use super::{
    Answer, CursorOptions, HeaderLinkOptions, JsonLinkOptions, PageNotice, PageNumberOptions, PaginatorConfig,
};

/// The path of a member that says that there is more, such as `has_more: true`; `None` if there is none, or another says
/// that there is no more.
pub(crate) fn says_more(answer: &Answer<'_>) -> Option<String> {
    let found = find(answer.document(), 0, &mut Vec::new(), &more_path);
    found.filter(|(_, value)| value == &Value::Bool(true)).map(|(path, _)| path)
}

/// Objects in objects that are searched; deeper ones hold data.
const MAX_DEPTH: usize = 64;

/// The paginator that the answer speaks of; a single page if it speaks of none.
///
/// Errors: none; a path that cannot be read is found when the paginator is made.
pub(crate) fn detect(answer: &Answer<'_>) -> Result<(PaginatorConfig, Option<PageNotice>)> {
    let document = answer.document();
    if linked(answer.response, "next").is_some() {
        tracing::info!("the pages are linked by the header `Link`");
        return Ok((PaginatorConfig::HeaderLink(HeaderLinkOptions::default()), None));
    }
    let next = find(document, 0, &mut Vec::new(), &next_path);
    if let Some((path, Value::String(link))) = &next
        && (link.starts_with("http") || link.starts_with('/'))
    {
        tracing::info!(path, "the pages are linked in the body");
        let options = JsonLinkOptions { next_url_path: path.clone(), ..JsonLinkOptions::default() };
        return Ok((PaginatorConfig::JsonLink(options), None));
    }
    let pages = find(document, 0, &mut Vec::new(), &pages_path);
    if let Some((path, total)) = pages
        && int_of(&total).is_some()
    {
        let current = find(document, 0, &mut Vec::new(), &current_path);
        let base_page = i64::from(current.is_some_and(|(_, page)| int_of(&page) == Some(1)));
        let text = format!(
            "the paginator is guessed: `page_number` in the parameter `page`, the number of pages at `{path}`, the first one {}: \
             set `paginator` to be sure",
            if base_page == 1 { "1" } else { "0, or 1 if page 1 is the first again" }
        );
        let options = PageNumberOptions { base_page, total_path: Some(path), ..PageNumberOptions::default() };
        return Ok((PaginatorConfig::PageNumber(options), Some(PageNotice::new(GUESSED, text))));
    }
    if let Some((path, _)) = next {
        let above = |path: &str| path.rfind('.').map_or(String::new(), |end| path[..=end].to_owned());
        let more = find(document, 0, &mut Vec::new(), &more_path);
        let more = more.map(|(more, _)| more).filter(|more| path.starts_with(&above(more)));
        let until = more.as_ref().map(|more| format!(" while `{more}` is true")).unwrap_or_default();
        let text = format!(
            "the paginator is guessed: `cursor`, found at `{path}` and sent as the parameter `cursor`{until}: set `paginator` to be \
             sure"
        );
        let options = CursorOptions {
            cursor_path: path,
            has_more_path: more,
            may_lack_has_more: true,
            ..CursorOptions::default()
        };
        return Ok((PaginatorConfig::Cursor(options), Some(PageNotice::new(GUESSED, text))));
    }
    let is_list = answer.records > 1 || answer.records == 1 && document.is_array(0);
    let notice = is_list.then(|| {
        PageNotice::new(
            GUESSED,
            "no paginator was found in the first answer, so that only this page is read: set `paginator`, to `single_page` if \
             that is all",
        )
    });
    Ok((PaginatorConfig::SinglePage, notice))
}

/// Names of members that say whether there is more, in lower case and without `_`.
pub(crate) const MORE_MEMBERS: [&str; 5] = ["hasmore", "hasnext", "hasnextpage", "more", "morepages"];

/// What the notices of this file are about.
const GUESSED: &str = "guessed";

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

/// The number of the page that this answer is.
fn current_path(tape: &Tape<'_>, key: &str, value: NodePosition) -> Option<(Option<String>, Value)> {
    let names = ["page", "current_page", "currentpage", "page_number", "pagenumber", "page_no", "pageno"];
    let is_current = names.contains(&key.to_lowercase().as_str());
    scalar(tape, value).filter(|value| is_current && int_of(value).is_some()).map(|found| (None, found))
}

/// What says whether there is more.
fn more_path(tape: &Tape<'_>, key: &str, value: NodePosition) -> Option<(Option<String>, Value)> {
    let name: String = key.to_lowercase().chars().filter(|letter| *letter != '_' && *letter != '-').collect();
    scalar(tape, value)
        .filter(|value| value.is_boolean() && MORE_MEMBERS.contains(&name.as_str()))
        .map(|found| (None, found))
}

fn pages_path(tape: &Tape<'_>, key: &str, value: NodePosition) -> Option<(Option<String>, Value)> {
    let is_pages = matches!(key.to_lowercase().as_str(), "total_pages" | "pages" | "totalpages");
    scalar(tape, value).filter(|_| is_pages).map(|found| (None, found))
}
