//! How pages follow each other, guessed from parameters and answers.

use serde_json::{Map, Value, json};

use super::document::{Operation, Parameter};
use super::records::{json_path, levels, words};
use super::schema::{Kind, Root};
use crate::sources::rest::paginate::MORE_MEMBERS;

/// What was guessed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pages {
    /// The configuration of the paginator.
    pub(super) paginator: Value,
    /// Parameters that say how large pages are.
    pub(super) params: Map<String, Value>,
    /// Parameters that the paginator takes care of.
    pub(super) taken: Vec<String>,
}

const SIZE_PARAMS: [&str; 11] = [
    "limit",
    "perpage",
    "pagesize",
    "size",
    "count",
    "maxresults",
    "top",
    "first",
    "pagelimit",
    "itemsperpage",
    "take",
];
const OFFSET_PARAMS: [&str; 6] = ["offset", "skip", "start", "startat", "startindex", "from"];
const PAGE_PARAMS: [&str; 6] = ["page", "pagenumber", "pagenum", "pageno", "pageindex", "p"];
const CURSOR_PARAMS: [&str; 15] = [
    "cursor",
    "after",
    "since",
    "pagetoken",
    "nexttoken",
    "nextpagetoken",
    "startingafter",
    "continuationtoken",
    "continuation",
    "marker",
    "nextcursor",
    "startcursor",
    "scrollid",
    "pagecursor",
    "token",
];
const CURSOR_MEMBERS: [&str; 10] = [
    "nextcursor",
    "cursor",
    "nextpagetoken",
    "nexttoken",
    "endcursor",
    "after",
    "nextpagecursor",
    "continuationtoken",
    "nextmarker",
    "next",
];
const LINK_MEMBERS: [&str; 9] = [
    "next",
    "nexturl",
    "nextlink",
    "odatanextlink",
    "nextpageurl",
    "nexthref",
    "nextpage",
    "more",
    "nextpagelink",
];
const TOTAL_MEMBERS: [&str; 9] = [
    "total",
    "totalcount",
    "totalrecords",
    "totalitems",
    "totalresults",
    "count",
    "totalelements",
    "totalsize",
    "recordcount",
];
const TOTAL_PAGES_MEMBERS: [&str; 9] = [
    "totalpages",
    "pages",
    "pagecount",
    "lastpage",
    "numpages",
    "totalpage",
    "pagestotal",
    "numberofpages",
    "maxpage",
];

/// Records of a page where the document does not say how many there may be.
const DEFAULT_SIZE: i64 = 100;

/// Records of a page at most, whatever the document allows.
const MAX_SIZE: i64 = 1000;

/// Levels of an answer in which cursors, links and totals are looked for.
const MAX_LEVELS: usize = 3;

/// Whether a request has parameters of pages.
pub(super) fn is_paged(operation: &Operation<'_>) -> bool {
    let names = || operation.parameters.iter().filter(|p| p.place == "query").map(|p| plain(p.name));
    operation.has_link
        || names().any(|name| {
            let name = name.as_str();
            OFFSET_PARAMS.contains(&name) && name != "from"
                || PAGE_PARAMS.contains(&name)
                || SIZE_PARAMS.contains(&name) && name != "count"
                || CURSOR_PARAMS.contains(&name) && !["since", "token"].contains(&name)
        })
}

/// Guesses how the pages of a list follow each other; `list` is the path of the list in an answer.
pub(super) fn guess<'a>(
    root: &Root<'a>,
    operation: &Operation<'a>,
    list: &[&str],
    key: Option<&str>,
) -> Option<Pages> {
    let query: Vec<&Parameter<'a>> = operation.parameters.iter().filter(|p| p.place == "query").collect();
    let answer = operation.answer.map(|answer| levels(root, answer, MAX_LEVELS)).unwrap_or_default();
    let question = Question { root, query: &query, answer: &answer };
    let size = question.param(&SIZE_PARAMS);
    let sized = |paginator: Value, taken: Option<&Parameter<'_>>| {
        let mut params = Map::new();
        if let Some(size) = size {
            params.insert(size.name.to_owned(), size_of(root, size).into());
        }
        let taken = taken.into_iter().chain(size).map(|parameter| parameter.name.to_owned()).collect();
        Pages { paginator, params, taken }
    };
    if operation.has_link {
        return Some(sized(json!({"type": "header_link"}), question.param(&PAGE_PARAMS)));
    }
    let has_more = question.member(&MORE_MEMBERS, &[Kind::Bool]);
    if let Some(param) = question.param(&CURSOR_PARAMS) {
        let own = plain(param.name);
        let path = question
            .member(&[own.as_str()], &[Kind::Text, Kind::Integer])
            .or_else(|| question.member(&CURSOR_MEMBERS, &[Kind::Text, Kind::Integer]));
        // Some APIs go on behind the last record that they gave.
        let last = || {
            let goes_on = own == "startingafter" || own == "after" && has_more.is_some();
            let key = key.filter(|_| goes_on)?;
            let list = json_path(list);
            Some(if list.is_empty() { format!("$[-1].{key}") } else { format!("{list}[-1].{key}") })
        };
        if let Some(path) = path.or_else(last) {
            let mut paginator = json!({"type": "cursor", "cursor_path": path, "cursor_param": param.name});
            if let Some(has_more) = has_more {
                paginator["has_more_path"] = has_more.into();
            }
            return Some(sized(paginator, Some(param)));
        }
    }
    if let (Some(offset), Some(limit)) = (question.param(&OFFSET_PARAMS), size) {
        let mut paginator = json!({"type": "offset", "limit": size_of(root, limit)});
        if offset.name != "offset" {
            paginator["offset_param"] = offset.name.into();
        }
        if limit.name != "limit" {
            paginator["limit_param"] = limit.name.into();
        }
        set_end(&mut paginator, question.member(&TOTAL_MEMBERS, &[Kind::Integer, Kind::Number]), has_more);
        let taken = vec![offset.name.to_owned(), limit.name.to_owned()];
        return Some(Pages { paginator, params: Map::new(), taken });
    }
    if let Some(page) = question.param(&PAGE_PARAMS) {
        let first = |key: &str| root.shape(page.schema).and_then(|schema| schema.get(key)?.as_i64());
        let base = first("minimum")
            .or_else(|| first("default"))
            .filter(|first| (0..=1).contains(first))
            .unwrap_or(1);
        let mut paginator = json!({"type": "page_number", "base_page": base});
        if page.name != "page" {
            paginator["page_param"] = page.name.into();
        }
        let total = question.member(&TOTAL_PAGES_MEMBERS, &[Kind::Integer, Kind::Number]);
        set_end(&mut paginator, total, has_more);
        return Some(sized(paginator, Some(page)));
    }
    if let Some(path) = question.member(&LINK_MEMBERS, &[Kind::Text]) {
        return Some(sized(json!({"type": "json_link", "next_url_path": path}), None));
    }
    let href = |(path, _): &&(Vec<&str>, &Value)| matches!(path.as_slice(), [.., next, "href" | "url"] if LINK_MEMBERS.contains(&plain(next).as_str()));
    let (path, _) = answer.iter().find(href)?;
    Some(sized(json!({"type": "json_link", "next_url_path": json_path(path)}), None))
}

/// How the last page is known: by a total, by what the answer says, else by an empty page.
fn set_end(paginator: &mut Value, total: Option<String>, has_more: Option<String>) {
    paginator["total_path"] = total.into();
    if let Some(has_more) = has_more {
        paginator["has_more_path"] = has_more.into();
    }
}

/// What a request can say and what its answer has.
struct Question<'q, 'a> {
    root: &'q Root<'a>,
    query: &'q [&'q Parameter<'a>],
    answer: &'q [(Vec<&'a str>, &'a Value)],
}

impl<'q, 'a> Question<'q, 'a> {
    /// The parameter with the first of these names.
    fn param(&self, names: &[&str]) -> Option<&'q Parameter<'a>> {
        names
            .iter()
            .find_map(|name| self.query.iter().find(|parameter| plain(parameter.name) == *name).copied())
    }

    /// The path of the member with one of these names that is nested least, the first of the names first.
    fn member(&self, names: &[&str], kinds: &[Kind]) -> Option<String> {
        (1..=MAX_LEVELS).find_map(|depth| {
            let level = || self.answer.iter().filter(|(path, _)| path.len() == depth);
            names.iter().find_map(|name| {
                let fits = |(path, schema): &&(Vec<&'a str>, &'a Value)| {
                    path.last().is_some_and(|last| plain(last) == *name)
                        && kinds.contains(&self.root.kind(schema))
                };
                level().find(fits).map(|(path, _)| json_path(path))
            })
        })
    }
}

/// A name without case and separators.
fn plain(name: &str) -> String {
    words(name).concat()
}

/// How many records a page may have: what the document allows, else what it says is usual.
fn size_of(root: &Root<'_>, parameter: &Parameter<'_>) -> i64 {
    let schema = root.shape(parameter.schema);
    let number = |key: &str| schema.and_then(|schema| schema.get(key)?.as_i64()).filter(|size| *size > 0);
    number("maximum").or_else(|| number("default")).unwrap_or(DEFAULT_SIZE).min(MAX_SIZE)
}
