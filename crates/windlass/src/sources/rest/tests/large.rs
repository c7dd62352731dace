//! Large bodies come in parts.

use std::io::{Seek as _, Write as _};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Fake, all, answer, client, config};
use crate::record_limit::RecordLimit;
use crate::sources::rest::http::{Response, Spooled};
use crate::sources::rest::split::{Splitter, outline};

/// Reads a few bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.len().min(buffer.len()).min(self.1);
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

fn split(text: &str, keys: &[&str], part: usize) -> Result<(Vec<Value>, Value), String> {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    let mut splitter = Splitter::new(Slow(text.as_bytes(), 7), "http://h/i".to_owned(), keys);
    let mut records = Vec::new();
    while let Some((lines, count)) = splitter.next(part).map_err(|error| error.to_string())? {
        let lines: Vec<Value> = String::from_utf8(lines)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len() as u64, count);
        records.extend(lines);
    }
    assert!(splitter.is_done());
    Ok((records, serde_json::from_slice(splitter.rest()).map_err(|error| error.to_string())?))
}

#[test]
fn records_are_taken_out_and_the_rest_is_kept() {
    let text = "{\"a\": [1], \"d\": {\"x\": \"]}\\\"\", \"items\" : [ {\"id\":\n1} , [2], \"3,\", null,5 ], \"y\": {}}, \"next\": \"n\"} ";
    let (records, rest) = split(text, &["d", "items"], 1).unwrap();
    assert_eq!(records, [json!({"id": 1}), json!([2]), json!("3,"), json!(null), json!(5)]);
    assert_eq!(rest, json!({"a": [1], "d": {"x": "]}\"", "items": [{"id": 1}, 5], "y": {}}, "next": "n"}));
    assert_eq!(split(" [] ", &[], 9).unwrap(), (vec![], json!([])));
    assert_eq!(split("[1]", &[], 9).unwrap(), (vec![json!(1)], json!([1])));
    assert_eq!(split("5", &[], 9).unwrap(), (vec![json!(5)], json!(5)));
    assert_eq!(split("null", &[], 9).unwrap(), (vec![], json!(null)));
    assert_eq!(split("{\"d\": {\"id\": 1}}", &["d"], 9).unwrap().0, [json!({"id": 1})]);
    assert_eq!(split("{\"d\": null}", &["d"], 9).unwrap().0, [] as [Value; 0]);
    assert_eq!(split("{\"d\": []}", &["e"], 9).unwrap(), (vec![], json!({"d": []})));
    assert_eq!(split("{}", &["e"], 9).unwrap(), (vec![], json!({})));
}

#[test]
fn a_record_longer_than_the_limit_is_refused_without_reading_it_whole() {
    let text = format!("[{{\"s\": \"{}\"}}]", "a".repeat(1 << 20));
    let mut input = text.as_bytes();
    let limit = RecordLimit::new(Some(1000), 0);
    let mut splitter = Splitter::new(&mut input, "http://h/i".to_owned(), Vec::new()).with_limit(limit);
    let error = splitter.next(1).unwrap_err();
    assert_eq!(error.message(), "a record is longer than 1000 bytes");
    assert!(error.hint().unwrap().contains("extract.max_record_bytes") && !input.is_empty());
}

#[test]
fn documents_that_are_cut_are_refused_with_the_byte() {
    for text in [
        "{\"d\": [1, 2",
        "{\"d\": [1, 2]",
        "{\"d\": [1 2]}",
        "{\"d\" [1]}",
        "{\"d\": [\"x]}",
        "{\"d\": [1]} x",
        "",
        "{\"d\":",
        "{,}",
        "[1]]",
    ] {
        let error = split(text, &["d"], 1).unwrap_err();
        assert!(error.contains("byte") || error.contains("line"), "{text}: {error}");
    }
    assert!(split("{\"d\": [1], \"d\": [2]}", &["d"], 1).unwrap_err().contains("`d` is there twice"));
}

#[test]
fn an_outline_has_no_elements() {
    let text = r#"{"a": {"b": [1, [2], "]"]}, "c]": "[", "d": []}"#;
    let found = outline(Slow(text.as_bytes(), 3), "x").unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&found).unwrap(), json!({"a": {"b": []}, "c]": "[", "d": []}));
}

proptest! {
    #[test]
    fn splitting_gives_what_parsing_gives(
        records in prop::collection::vec(prop_oneof![
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\\n{}\\[\\],é]{0,6}".prop_map(Value::from),
            prop::collection::vec(any::<bool>(), 0..3).prop_map(Value::from),
            ("[a\"]{0,2}", any::<i32>()).prop_map(|(key, value)| json!({key: value})),
        ], 0..12),
        before in "[a-c\"\\[{]{0,4}",
        pretty in any::<bool>(),
        part in 1_usize..40,
    ) {
        let document = json!({"before": before, "in": {"list": records, "after": [1, {"list": [2]}]}, "z": null});
        let text = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
        let (found, rest) = split(&text, &["in", "list"], part).unwrap();
        prop_assert_eq!(&found, &records);
        prop_assert_eq!(&rest["in"]["after"], &document["in"]["after"]);
        prop_assert_eq!(&rest["before"], &document["before"]);
        prop_assert_eq!(rest["in"]["list"].as_array().unwrap().first(), records.first());
        prop_assert_eq!(rest["in"]["list"].as_array().unwrap().last(), records.last());
    }
}

fn page(first: u64, count: u64, next: Option<&str>) -> String {
    let row = |id: u64| json!({"id": id, "text": "x".repeat(200)});
    json!({"meta": {"pages": [1, 2]}, "data": (first..first + count).map(row).collect::<Vec<_>>(), "next": next}).to_string()
}

fn spooled(body: &str) -> Response {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(body.as_bytes()).unwrap();
    file.rewind().unwrap();
    let mut response = Response::new(200, "http://h/i", Vec::new(), Vec::new());
    response.spooled = Some(Spooled::new(file, body.len() as u64));
    response
}

#[tokio::test]
async fn a_large_page_comes_in_parts_and_leads_on() {
    for is_spooled in [false, true] {
        let bodies = [page(0, 30_000, Some("/i?p=2")), page(30_000, 5, None)];
        let fake = Fake::new(move |request| {
            let body = &bodies[usize::from(request.url.ends_with("p=2"))];
            if is_spooled { spooled(body) } else { answer(body) }
        });
        let mut pages = client(&fake, "http://h").paginate("/i").read_ahead(1).pages().unwrap();
        let mut sizes = Vec::new();
        let mut ids = Vec::new();
        while let Some(page) = pages.next().await.unwrap() {
            sizes.push(page.body.bytes());
            ids.extend(page.values().unwrap().into_iter().map(|row| row["id"].as_u64().unwrap()));
        }
        assert!(ids.iter().copied().eq(0..30_005), "{}", ids.len());
        assert!(sizes.len() > 6 && sizes.iter().all(|size| *size < 1 << 21), "{sizes:?}");
        assert_eq!(fake.seen(), ["/i?", "/i?p=2"]);
    }
}

#[tokio::test]
async fn reading_goes_on_inside_of_a_large_page() {
    let bodies = [page(0, 30_000, Some("/i?p=2")), page(30_000, 30_000, None)];
    let fake = Fake::new(move |request| answer(&bodies[usize::from(request.url.ends_with("p=2"))]));
    let mut ids = Vec::new();
    let mut position = None;
    let mut runs = 0;
    loop {
        let mut pages = client(&fake, "http://h").paginate("/i").position(position).pages().unwrap();
        // Each run reads two parts.
        for _ in 0..2 {
            let Some(page) = pages.next().await.unwrap() else { break };
            ids.extend(page.values().unwrap().into_iter().map(|row| row["id"].as_u64().unwrap()));
        }
        position = pages.position();
        runs += 1;
        if position == Some(json!({"end": true})) {
            break;
        }
        assert!(runs < 50);
    }
    assert!(runs > 4, "{runs}");
    assert!(ids.iter().copied().eq(0..60_000), "{}", ids.len());
}

#[tokio::test]
async fn a_large_page_gives_the_cursor_of_its_last_record() {
    let bodies = [page(0, 30_000, None), page(30_000, 1, None), r#"{"data":[]}"#.to_owned()];
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let fake = Fake::new(move |_| answer(&bodies[seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed)]));
    let paginator = json!({"type": "cursor", "cursor_path": "data[-1:].id", "cursor_param": "after"});
    let mut pages = client(&fake, "http://h")
        .paginate("/i")
        .paginator(config(paginator))
        .data_selector("data")
        .pages()
        .unwrap();
    assert_eq!(all(&mut pages).await.unwrap().len(), 30_001);
    assert_eq!(fake.seen(), ["/i?", "/i?after=29999", "/i?after=30000"]);
}

#[tokio::test]
async fn what_needs_the_whole_document_is_refused() {
    let body = page(0, 3, None);
    let fake = Fake::new(move |_| spooled(&body));
    let error = |selector: &str, paginator: Value| {
        let pages = client(&fake, "http://h")
            .paginate("/i")
            .data_selector(selector)
            .paginator(config(paginator))
            .pages();
        async move { pages.unwrap().next().await.unwrap_err().to_string() }
    };
    assert!(error("data[*]", json!("single_page")).await.contains("`data[*]` needs the whole document"));
    let cursor = json!({"type": "cursor", "cursor_path": "data[1].id"});
    assert!(error("data", cursor).await.contains("`data[1].id` needs the whole document"));
}

#[tokio::test]
async fn a_large_page_without_records_is_a_page() {
    let fake = Fake::new(|_| spooled(r#"{"data": [], "next": null}"#));
    let mut pages = client(&fake, "http://h").paginate("/i").pages().unwrap();
    assert_eq!(pages.next().await.unwrap().unwrap().records, 0);
    assert!(pages.next().await.unwrap().is_none());
}
