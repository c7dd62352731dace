//! Interrupted chains go on where they were.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Fake, answer, client, config};
use crate::sources::rest::http::Response;

/// Pages of links, cursors, header cursors, offsets, numbers: whatever the request asks with.
fn server(pages: u64) -> Arc<Fake> {
    Fake::new(move |request| {
        let of = |name: &str| {
            request.params.get(name).and_then(|value| match value {
                Value::String(text) => text.parse().ok(),
                value => value.as_u64(),
            })
        };
        let in_url = request.url.split_once("p=").and_then(|(_, page)| page.parse().ok());
        let page: u64 =
            of("page").or(of("cursor")).or(of("offset").map(|offset| offset / 2)).or(in_url).unwrap_or(0);
        let next = page + 1;
        let has_next = next < pages;
        let body = json!({
            "meta": {"next_url": has_next.then(|| format!("/i?p={next}")), "token": has_next.then_some(next)},
            "rows": if page < pages { vec![json!({"id": page * 2}), json!({"id": page * 2 + 1})] } else { Vec::new() },
        });
        let mut headers = Vec::new();
        if has_next {
            headers.push(("Link".to_owned(), format!("<http://h/i?p={next}>; rel=\"next\"")));
            headers.push(("X-Next".to_owned(), next.to_string()));
        }
        Response::new(200, "http://h/i", headers, body.to_string().into_bytes())
    })
}

fn paginators() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!("auto"),
        json!({"type": "json_link", "next_url_path": "meta.next_url"}),
        json!("header_link"),
        json!({"type": "header_cursor", "cursor_key": "x-next"}),
        json!({"type": "cursor", "cursor_path": "meta.token"}),
        json!({"type": "offset", "limit": 2, "total_path": null}),
        json!({"type": "page_number", "total_path": null}),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_interruptions_give_the_records_of_one_run(
        paginator in paginators(),
        pages in 1_u64..8,
        runs in prop::collection::vec((0_usize..4, 0_usize..4), 1..9),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let fake = server(pages);
        let found = runtime.block_on(async {
            let mut found = Vec::new();
            let mut position: Option<Value> = None;
            for (read_ahead, most) in runs.into_iter().chain([(0, usize::MAX)]) {
                let mut chain = client(&fake, "http://h")
                    .paginate("/i")
                    .paginator(config(paginator.clone()))
                    .read_ahead(read_ahead)
                    .position(position.take())
                    .pages()
                    .unwrap();
                let mut read = 0;
                while read < most && let Some(page) = chain.next().await.unwrap() {
                    found.extend(page.values().unwrap());
                    read += 1;
                }
                position = chain.position();
                assert!(position.is_some());
            }
            found
        });
        prop_assert_eq!(found, (0..pages * 2).map(|id| json!({"id": id})).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_was_found_out_on_the_first_page_is_part_of_the_position() {
    let fake = server(3);
    let mut pages = client(&fake, "http://h").paginate("/i").pages().unwrap();
    pages.next().await.unwrap();
    assert_eq!(
        pages.position(),
        Some(
            json!({"next": {"url": "http://h/i?p=1"}, "paginator": {"type": "header_link", "links_next_key": "next"}, "selector": "rows"})
        )
    );
    let other = json!({"from": "elsewhere"});
    let error = client(&fake, "http://h").paginate("/i").position(Some(other)).pages().unwrap_err();
    assert!(error.to_string().contains("position to go on from"), "{error}");
}

#[tokio::test]
async fn a_chain_that_ended_stays_at_its_end() {
    let fake = Fake::new(|_| answer("[1]"));
    let mut pages =
        client(&fake, "http://h").paginate("/i").position(Some(json!({"end": true}))).pages().unwrap();
    assert!(pages.next().await.unwrap().is_none());
    assert!(fake.seen().is_empty());
}
