//! What is not recorded: options of our own, endless chains, bad answers, hooks, links.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use windlass_core::Result;

use super::{Fake, all, answer, client, config};
use crate::config::{check, schema_of};
use crate::sources::rest::http::{Request, Response};
use crate::sources::rest::pages::{Action, ResponseAction, ResponseHook, Verdict};
use crate::sources::rest::paginate::{Answer, Paginator, PaginatorConfig, register_paginator, resolve_link};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// Pages of `size` records out of `total`, by page or offset.
fn server(total: u64, size: u64, says_total: bool) -> Arc<Fake> {
    Fake::shuffled(move |request| {
        let from = match (request.params.get("page"), request.params.get("offset")) {
            (Some(page), _) => page.as_u64().unwrap() * size,
            (None, Some(offset)) => offset.as_u64().unwrap(),
            _ => 0,
        };
        let data: Vec<Value> = (from..total.min(from + size)).map(|id| json!({"id": id})).collect();
        let said = if request.params.contains_key("page") { total.div_ceil(size) } else { total };
        answer(
            &if says_total { json!({"data": data, "total": said}) } else { json!({"data": data}) }
                .to_string(),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_read_ahead_gives_the_same_records_in_the_same_order(
        total in 0_u64..60, size in 1_u64..9, read_ahead in 0_usize..12, guess in any::<bool>(), by_page in any::<bool>(),
        says_total in any::<bool>(),
    ) {
        let path = says_total.then_some("total");
        let paginator = if by_page {
            json!({"type": "page_number", "total_path": path})
        } else {
            json!({"type": "offset", "limit": size, "total_path": path})
        };
        let fake = server(total, size, says_total);
        let mut pages = client(&fake, "http://h").paginate("/i").paginator(config(paginator)).read_ahead(read_ahead);
        if guess {
            pages = pages.guess_pages();
        }
        let found = runtime().block_on(all(&mut pages.pages().unwrap())).unwrap();
        prop_assert_eq!(found, (0..total).map(|id| json!({"id": id})).collect::<Vec<_>>());
        let needed = if says_total { total.div_ceil(size).max(1) } else { total.div_ceil(size) + 1 };
        let sent = fake.seen().len() as u64;
        let guessed = if guess { read_ahead as u64 } else { 0 };
        prop_assert!(sent >= needed && sent <= needed + guessed, "{sent} for {needed}");
    }

    #[test]
    fn references_resolve_as_urls_do(
        base in r"http://h(:80)?(/[a-c]{1,2}){0,3}/?(\?[a-c]=1)?",
        reference in r"((//o/|/)?([a-c]|\.|\.\.)(/([a-c]|\.|\.\.)){0,3}/?)?(\?[a-c]=[a-z$]{0,3})?",
    ) {
        prop_assume!(!reference.is_empty());
        let wanted = reqwest::Url::parse(&base).unwrap().join(&reference).unwrap();
        prop_assert_eq!(reqwest::Url::parse(&resolve_link(&base, &reference)).unwrap(), wanted);
    }
}

#[tokio::test]
async fn pages_that_are_known_are_fetched_at_once() {
    let fake = server(40, 4, true);
    let mut pages = client(&fake, "http://h")
        .paginate("/i")
        .paginator(config(json!("page_number")))
        .read_ahead(4)
        .pages()
        .unwrap();
    pages.next().await.unwrap();
    assert_eq!(fake.seen().len(), 1, "only the first page says how many there are");
    tokio::task::yield_now().await;
    pages.next().await.unwrap();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fake.seen().len(), 6, "two that were given and four ahead");
}

#[tokio::test]
async fn without_read_ahead_nothing_is_asked_before_it_is_wanted() {
    let fake = server(40, 4, true);
    let mut pages =
        client(&fake, "http://h").paginate("/i").paginator(config(json!("page_number"))).pages().unwrap();
    assert_eq!(fake.seen().len(), 0);
    pages.next().await.unwrap();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn a_page_that_fails_ahead_fails_when_it_is_its_turn() {
    let fake = Fake::new(|request| match request.params["page"].as_u64().unwrap() {
        2 => Response::new(500, "http://h/i?page=2", Vec::new(), Vec::new()),
        page => answer(&json!({"data": [page], "total": 9}).to_string()),
    });
    let mut pages = client(&fake, "http://h")
        .paginate("/i")
        .paginator(config(json!("page_number")))
        .read_ahead(5)
        .pages()
        .unwrap();
    assert_eq!(pages.next().await.unwrap().unwrap().values().unwrap(), [0]);
    assert_eq!(pages.next().await.unwrap().unwrap().values().unwrap(), [1]);
    let error = pages.next().await.unwrap_err().to_string();
    assert!(error.contains("500 Server Error: Internal Server Error for url: http://h/i?page=2"), "{error}");
    assert_eq!(pages.position(), Some(json!({"next": {"value": 2}, "selector": "data"})));
}

async fn failure(fake: &Arc<Fake>, paginator: Value) -> String {
    let mut pages = client(fake, "http://h").paginate("/i").paginator(config(paginator)).pages().unwrap();
    let mut read = 0;
    loop {
        match pages.next().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => return format!("ended after {read}"),
            Err(error) => return format!("after {read}: {} [{}]", error, error.hint().unwrap_or_default()),
        }
        assert!(read < 50, "endless");
    }
}

#[tokio::test]
async fn chains_that_never_end_are_found() {
    let same = |body: &'static str| Fake::new(move |_| answer(body));
    let error = failure(&same(r#"{"data":[1],"next":"http://h/i?token=T&p=2"}"#), json!("json_link")).await;
    assert!(error.contains("`http://h/i?token=***&p=2` was the next page before"), "{error}");
    assert!(error.contains("[the server does not heed"), "{error}");
    let error =
        failure(&same(r#"{"data":[1],"next":"c7"}"#), json!({"type": "cursor", "cursor_path": "next"})).await;
    assert!(error.contains("`c7` was the next page before"), "{error}");
    let error = failure(&same(r#"{"data":[1,2]}"#), json!({"type": "page_number", "total_path": null})).await;
    assert!(
        error.starts_with("after 3: GET http://h/i: the pages never end: one page came again"),
        "{error}"
    );
    let error = failure(&same(r#"{"data":[],"more":true}"#), json!({
        "type": "offset", "limit": 1, "total_path": null, "has_more_path": "more", "maximum_offset": 30, "stop_after_empty_page": false
    })).await;
    assert_eq!(error, "ended after 30", "empty pages may follow each other");
}

#[tokio::test]
async fn a_server_that_keeps_the_place_itself_gives_one_cursor() {
    let count = std::sync::atomic::AtomicU64::new(0);
    let fake = Fake::new(move |_| {
        let page = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        answer(
            &if page < 9 { json!({"data": [page], "next": "scroll"}) } else { json!({"data": []}) }
                .to_string(),
        )
    });
    assert_eq!(failure(&fake, json!({"type": "cursor", "cursor_path": "next"})).await, "ended after 10");
}

#[tokio::test]
async fn bad_answers_say_what_they_are() {
    let auto = |status: u16, body: &'static str| {
        Fake::new(move |_| Response::new(status, "http://h/i?key=K", Vec::new(), body.as_bytes().to_vec()))
    };
    for (status, body, wanted) in [
        (200, "<html><p>Hi", "GET http://h/i?key=***: the answer is a web page instead of JSON"),
        (200, "", "the answer (status 200) has no body"),
        (200, "[1,2", "the answer is not JSON at byte"),
        (200, "[1] x", "the value ends here, but more follows"),
        (401, "{}", "401 Client Error: Unauthorized for url: http://h/i?key=***"),
        (403, "{}", "`auth` block"),
        (503, "{}", "503 Server Error: Service Unavailable"),
    ] {
        let error = failure(&auto(status, body), json!("auto")).await;
        assert!(error.contains(wanted), "{error}");
        assert!(!error.contains("key=K"), "{error}");
    }
}

#[tokio::test]
async fn a_selector_that_finds_nothing_gives_an_empty_page() {
    let fake = Fake::new(|_| answer(r#"{"error": {"message": "no"}}"#));
    let mut pages = client(&fake, "http://h").paginate("/i").data_selector("data.items").pages().unwrap();
    assert_eq!(pages.next().await.unwrap().unwrap().records, 0);
    assert!(pages.next().await.unwrap().is_none());
    let error = client(&fake, "http://h").paginate("/i").data_selector("data items").pages().unwrap_err();
    assert!(error.to_string().contains("`data_selector`: `data items` is not a JSONPath"), "{error}");
}

#[tokio::test]
async fn an_empty_link_can_be_taken_for_the_end() {
    let fake = Fake::new(|_| answer(r#"{"data": [1], "next": ""}"#));
    let paginator = json!({"type": "json_link", "stop_on_empty_link": true});
    assert_eq!(failure(&fake, paginator).await, "ended after 1");
    let error = failure(&fake, json!("json_link")).await;
    assert!(error.starts_with("after 1: invalid URL") && error.contains("stop_on_empty_link"), "{error}");
}

struct Adds;

impl ResponseHook for Adds {
    fn on_response(&self, response: &mut Response) -> Result<Verdict> {
        if response.status == 410 {
            return Ok(Verdict::Ignore);
        }
        let body = String::from_utf8_lossy(&response.body).replace("1", "2").into_bytes();
        *response = Response::new(200, response.url.as_str(), response.headers.clone(), body);
        Ok(Verdict::Continue)
    }
}

#[tokio::test]
async fn hooks_may_replace_an_answer_or_end_the_pages() {
    let fake = Fake::in_order(vec![
        Response::new(418, "http://h/i", Vec::new(), br#"{"data":[1],"next":"/j"}"#.to_vec()),
        Response::new(410, "http://h/j", Vec::new(), Vec::new()),
    ]);
    let action = ResponseAction { action: Action::Hooks(vec![Arc::new(Adds)]), ..ResponseAction::default() };
    let mut pages = client(&fake, "http://h").paginate("/i").action(action).pages().unwrap();
    assert_eq!(all(&mut pages).await.unwrap(), [2]);
    assert_eq!(fake.seen(), ["/i?", "/j?"]);
    assert_eq!(pages.position(), Some(json!({"end": true})));
}

#[tokio::test]
async fn requests_tell_the_transport_what_is_ignored() {
    let fake = Fake::new(|_| Response::new(500, "http://h/i", Vec::new(), Vec::new()));
    let action = ResponseAction { status_code: Some(500), content: None, action: Action::Ignore };
    let mut pages = client(&fake, "http://h").paginate("/i").action(action).pages().unwrap();
    assert!(pages.next().await.unwrap().is_none());
    let settles = fake.seen.lock().unwrap()[0].settles.clone().unwrap();
    assert!(settles(&Response::new(500, "", Vec::new(), Vec::new())));
    assert!(!settles(&Response::new(503, "", Vec::new(), Vec::new())));
}

#[derive(Debug)]
struct Countdown(i64);

impl Paginator for Countdown {
    fn begin(&mut self, request: &mut Request) -> Result<()> {
        self.apply(request)
    }
    fn update(&mut self, _: &Answer<'_>) -> Result<()> {
        self.0 -= 1;
        Ok(())
    }
    fn apply(&self, request: &mut Request) -> Result<()> {
        request.params.insert("left".to_owned(), self.0.into());
        Ok(())
    }
    fn has_next(&self) -> bool {
        self.0 > 0
    }
}

#[tokio::test]
async fn programs_bring_paginators_of_their_own() {
    register_paginator("countdown", |options: &Map<String, Value>| {
        Ok(Box::new(Countdown(options.get("from").and_then(Value::as_i64).unwrap_or(1)))
            as Box<dyn Paginator>)
    })
    .unwrap();
    let fake = Fake::new(|request| answer(&json!([request.params["left"]]).to_string()));
    let mut pages = client(&fake, "http://h")
        .paginate("/i")
        .paginator(config(json!({"type": "countdown", "from": 3})))
        .pages()
        .unwrap();
    assert_eq!(all(&mut pages).await.unwrap(), [3, 2, 1]);
    assert_eq!(pages.position(), Some(json!({"end": true})));
    let mut pages =
        client(&fake, "http://h").paginate("/i").own_paginator(Box::new(Countdown(2))).pages().unwrap();
    pages.next().await.unwrap();
    assert_eq!(pages.position(), None, "it has no positions");
    assert!(register_paginator("cursor", |_| Err(windlass_core::Error::internal("never"))).is_err());
}

#[test]
fn configurations_are_read_and_written() {
    let cursor = config(json!({"type": "cursor", "cursor_path": "meta.next"}));
    assert_eq!(PaginatorConfig::parse(serde_json::to_value(&cursor).unwrap()).unwrap(), cursor);
    assert_eq!(config(json!("json_response")), config(json!({"type": "json_link"})));
    let error = |value: Value| PaginatorConfig::parse(value).unwrap_err().to_string();
    assert!(error(json!("page_numbers")).contains("did you mean `page_number`?"));
    assert!(error(json!({"type": "offset"})).contains("`limit`"));
    assert!(error(json!({"type": "cursor", "cursor": "x"})).contains("unknown field `cursor`"));
    assert!(error(json!({"base_page": 1})).contains("`type` of a paginator is missing"));
    for (value, wanted) in [
        (json!({"type": "offset", "limit": 0}), "less than 1"),
        (
            json!({"type": "json_link", "next_url_path": "next page"}),
            "`next_url_path`: `next page` is not a JSONPath",
        ),
    ] {
        let error = config(value).build().unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn the_schema_accepts_what_is_read() {
    let mut generator = schemars::SchemaGenerator::default();
    let schema = schema_of::<PaginatorConfig>(&mut generator);
    let mut root = schema.to_value();
    root["$defs"] = Value::Object(generator.take_definitions(true));
    for good in [
        json!("auto"),
        json!("single_page"),
        json!({"type": "single_page"}),
        json!({"type": "json_link", "next_url_path": "a.b"}),
        json!({"type": "json_response"}),
        json!({"type": "header_link"}),
        json!({"type": "header_cursor", "cursor_param": "p"}),
        json!({"type": "cursor", "cursor_body_path": "a.b"}),
        json!({"type": "offset", "limit": 10, "total_path": null}),
        json!({"type": "page_number", "maximum_page": 5}),
    ] {
        assert_eq!(check(&root, &good), [], "{good}");
    }
    for (bad, wanted) in [
        (json!("cursors"), "did you mean `cursor`?"),
        (json!({"type": "offset", "limit": 10, "totl_path": "x"}), "did you mean `total_path`?"),
        (json!({"type": "page_number", "base_page": "one"}), ""),
    ] {
        let problems = check(&root, &bad);
        assert!(
            problems.iter().any(|problem| problem.hint.as_deref().unwrap_or_default().contains(wanted)),
            "{problems:?}"
        );
    }
}

#[tokio::test]
async fn bodies_that_end_in_the_middle_are_asked_for_again() {
    let pages = ["{\"data\": [{\"id\": 1}], \"next\": \"c\"}", "{\"data\": [{\"id\": 2}], \"next\": null}"];
    for read_ahead in [0, 1, 4] {
        let cut = |page: usize, end: usize| answer(&pages[page][..end]);
        let fake =
            Fake::in_order(vec![cut(0, 9), cut(0, 19), answer(pages[0]), cut(1, 30), answer(pages[1])]);
        let mut chain = client(&fake, "http://h")
            .paginate("/i")
            .paginator(config(json!({"type": "cursor", "cursor_path": "next"})))
            .read_ahead(read_ahead)
            .pages()
            .unwrap();
        assert_eq!(all(&mut chain).await.unwrap(), [json!({"id": 1}), json!({"id": 2})]);
        assert_eq!(fake.seen(), ["/i?", "/i?", "/i?", "/i?cursor=c", "/i?cursor=c"]);
    }
    let fake = Fake::new(move |_| answer("{\"data\": ["));
    let mut chain = client(&fake, "http://h").paginate("/i").pages().unwrap();
    let error = all(&mut chain).await.unwrap_err();
    assert!(error.to_string().contains("the answer is not JSON at byte 11"), "{error}");
    assert_eq!(fake.seen().len(), 4);
}
