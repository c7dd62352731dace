//! The requests that were made beside those that were recorded.

use super::recording::{Exchange, Ordering, RecordedRequest};

/// Parameters that tell one page of a chain from the next.
const PAGE_PARAMETERS: [&str; 14] = [
    "page",
    "offset",
    "cursor",
    "p",
    "cur",
    "after",
    "next",
    "skip",
    "start",
    "startat",
    "page_token",
    "nextpagetoken",
    "page_info",
    "start_cursor",
];

/// Whether a request is the recorded one, apart from its headers.
pub(super) fn is_same(recorded: &RecordedRequest, made: &RecordedRequest) -> bool {
    recorded.method == made.method
        && recorded.path == made.path
        && recorded.raw_query == made.raw_query
        && is_same_body(recorded.raw_body.as_deref(), made.raw_body.as_deref())
}

fn is_same_body(recorded: Option<&str>, made: Option<&str>) -> bool {
    match (recorded, made) {
        // A signed statement is another one each time.
        (Some(recorded), Some(made)) => match recorded.split_once("<JWT>") {
            Some((start, end)) => {
                made.len() > recorded.len() && made.starts_with(start) && made.ends_with(end)
            }
            None => recorded == made,
        },
        (recorded, made) => recorded.unwrap_or_default() == made.unwrap_or_default(),
    }
}

/// Lines that tell where the requests differ; empty if they do not.
pub(super) fn differences(
    recorded: &[Exchange],
    made: &[RecordedRequest],
    ordering: Ordering,
) -> Vec<String> {
    let mut recorded: Vec<Line> =
        recorded.iter().map(|exchange| Line::of_recorded(&exchange.request)).collect();
    let mut made: Vec<Line> = made.iter().map(Line::of_made).collect();
    let mut lines = Vec::new();
    if ordering == Ordering::PerChain {
        for chain in chains(&recorded) {
            let of = |lines: &[Line]| -> Vec<String> {
                lines.iter().filter(|line| line.chain == chain).map(|line| line.text.clone()).collect()
            };
            let (expected, found) = (of(&recorded), of(&made));
            let mut sorted = found.clone();
            sorted.sort();
            let mut expected_sorted = expected.clone();
            expected_sorted.sort();
            if expected != found && sorted == expected_sorted {
                lines.push(format!("another order in the chain {chain}: {}", found.join(" | ")));
            }
        }
        recorded.sort_by(|a, b| a.text.cmp(&b.text));
        made.sort_by(|a, b| a.text.cmp(&b.text));
    }
    let texts = |lines: &[Line]| -> Vec<String> { lines.iter().map(|line| line.text.clone()).collect() };
    let (recorded, made) = (texts(&recorded), texts(&made));
    if recorded != made {
        let only = |these: &[String], those: &[String], sign: &str, lines: &mut Vec<String>| {
            let mut those = those.to_vec();
            for text in these {
                match those.iter().position(|other| other == text) {
                    Some(index) => drop(those.remove(index)),
                    None => lines.push(format!("{sign} request {text}")),
                }
            }
        };
        let before = lines.len();
        only(&recorded, &made, "-", &mut lines);
        only(&made, &recorded, "+", &mut lines);
        if lines.len() == before {
            lines.push(format!("another order of requests: {}", made.join(" | ")));
        }
    }
    lines
}

/// A request as it is compared.
struct Line {
    text: String,
    chain: String,
}

impl Line {
    fn of_recorded(request: &RecordedRequest) -> Self {
        let mut headers = request.headers.clone();
        if let Some(agent) = headers.get_mut("user-agent") {
            if agent.starts_with("dlt/") {
                *agent = format!("windlass/{}", env!("CARGO_PKG_VERSION"));
            } else if agent.starts_with("python-urllib3") {
                // What the reference's library sends of itself where the user wants none.
                headers.remove("user-agent");
            }
        }
        Self::of(request, &headers, request.raw_body.as_deref())
    }

    fn of_made(request: &RecordedRequest) -> Self {
        let mut body = request.raw_body.clone();
        if let Some(text) = &mut body
            && let Some(at) = text.find("assertion=")
        {
            text.replace_range(at.., "assertion=<JWT>");
        }
        Self::of(request, &request.headers, body.as_deref())
    }

    fn of(
        request: &RecordedRequest,
        headers: &std::collections::BTreeMap<String, String>,
        body: Option<&str>,
    ) -> Self {
        let mut text = format!("{} {}", request.method, request.path);
        if !request.raw_query.is_empty() {
            text.push_str(&format!("?{}", request.raw_query));
        }
        let compared = ["authorization", "content-type", "cookie", "user-agent"];
        for (name, value) in headers {
            if compared.contains(&name.as_str()) || name.starts_with("x-") {
                text.push_str(&format!(" {name}={value}"));
            }
        }
        // No `Accept` says the same as one of everything.
        let accept = headers.get("accept").map_or("*/*", String::as_str);
        if accept != "*/*" {
            text.push_str(&format!(" accept={accept}"));
        }
        if let Some(body) = body.filter(|body| !body.is_empty()) {
            text.push_str(&format!(" body={body}"));
        }
        let rest: Vec<&str> = request
            .raw_query
            .split('&')
            .filter(|pair| {
                let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
                !PAGE_PARAMETERS.contains(&name.as_str())
            })
            .collect();
        Self { text, chain: format!("{} {} {}", request.method, request.path, rest.join("&")) }
    }
}

fn chains(lines: &[Line]) -> Vec<String> {
    let mut chains: Vec<String> = lines.iter().map(|line| line.chain.clone()).collect();
    chains.sort();
    chains.dedup();
    chains
}
