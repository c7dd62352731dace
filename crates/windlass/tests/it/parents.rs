//! Resources that are made from the records of others, that follow their cursor, and that are read at the same time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use windlass::core::hints::ResourceHints;
use windlass::core::incremental::IncrementalOptions;
use windlass::core::{ErrorKind, Result};
use windlass::pipeline::RunOptions;
use windlass::source::{
    Body, Extractor, Limit, Opening, Origin, Page, Resource, Source, SourceContext, SourceSettings,
};

use crate::script::{Bench, Gives, Records, Script, rows};

fn child(name: &str, parent: &str) -> Resource {
    Resource { parent: Some(parent.to_owned()), ..Resource::new(name) }
}

/// Two pages for each record: its id times ten, and one more.
fn two_pages(parent: &Value) -> Vec<Records> {
    let id = parent["id"].as_i64().unwrap();
    vec![rows([id * 10]), rows([id * 10 + 1])]
}

/// Children are listed before their parents, so that the order of the list does not help.
fn family() -> Script {
    Script::new(vec![
        (child("replies", "comments"), Gives::OfParent(two_pages)),
        (child("comments", "posts"), Gives::OfParent(two_pages)),
        (Resource::new("posts"), Gives::Pages(vec![rows(1..3), rows(3..4)])),
    ])
}

fn selecting(names: &[&str]) -> RunOptions {
    RunOptions { select: names.iter().map(|name| (*name).to_owned()).collect(), ..RunOptions::default() }
}

#[tokio::test]
async fn resources_are_made_from_parents_to_any_depth() {
    let (bench, script) = (Bench::new(), family());
    bench.run(&script).await.unwrap();
    assert_eq!(bench.ids("posts").await, [1, 2, 3]);
    assert_eq!(bench.ids("comments").await, [10, 11, 20, 21, 30, 31]);
    assert_eq!(bench.ids("replies").await.len(), 12);
    let given = script.given();
    assert_eq!(given[..4], ["posts 1", "posts 3", "comments 10", "comments 11"]);
    assert_eq!(given[8], "replies 100");
}

#[tokio::test]
async fn a_parent_that_is_not_selected_is_read_and_not_loaded() {
    let (bench, mut script) = (Bench::new(), family());
    script.resources[2].0.incremental = Some(IncrementalOptions::new("at"));
    let info = bench.run_with(&script, &selecting(&["comments"])).await.unwrap();
    assert_eq!(bench.ids("comments").await.len(), 6);
    assert!(!info.rows().contains_key("posts") && !info.rows().contains_key("replies"), "{:?}", info.rows());
    assert_eq!(bench.state("posts", "incremental")["at"]["last_value"], 30);
    script.given();
    // What the parent gave before is no new record, so that it has no children either.
    let info = bench.run_with(&script, &selecting(&["comments"])).await.unwrap();
    assert!(info.packages.is_empty());
    assert_eq!(script.given(), ["posts 1", "posts 3"]);
    let info = bench.run_with(&script, &selecting(&["posts"])).await.unwrap();
    assert!(info.packages.is_empty());
    assert_eq!(script.given(), ["posts 1", "posts 3"], "no requests for children");
}

#[tokio::test]
async fn a_limit_counts_for_roots_and_children_are_read_as_a_whole() {
    let (bench, script) = (Bench::new(), family());
    let options = RunOptions { limit: Some(2), ..RunOptions::default() };
    bench.run_with(&script, &options).await.unwrap();
    assert_eq!(bench.ids("posts").await, [1, 2]);
    assert_eq!(bench.ids("comments").await, [10, 11, 20, 21]);
    let mut script = family();
    script.resources[2].0.limit = Some(Limit::Pages(1));
    script.resources[1].0.limit = Some(Limit::Records(3));
    let bench = Bench::new();
    bench.run(&script).await.unwrap();
    assert_eq!(bench.ids("comments").await, [10, 11, 20]);
    assert_eq!(bench.ids("replies").await.len(), 6);
}

#[tokio::test]
async fn children_see_what_the_steps_of_their_parent_left() {
    let (bench, mut script) = (Bench::new(), family());
    let steps = json!([{ "filter": ".id != 2" }, { "map": ".seen = true" }]);
    script.resources[2].0.steps = serde_json::from_value(steps).unwrap();
    script.resources.remove(0);
    bench.run(&script).await.unwrap();
    assert_eq!(bench.ids("comments").await, [10, 11, 30, 31]);
    assert_eq!(bench.texts("SELECT seen::VARCHAR FROM posts").await, ["true", "true"]);
}

#[tokio::test]
async fn a_parent_that_gives_nothing_has_no_children() {
    let (bench, mut script) = (Bench::new(), family());
    script.resources[2].1 = Gives::Pages(vec![Vec::new()]);
    let info = bench.run(&script).await.unwrap();
    assert_eq!(script.given(), ["posts null"]);
    assert!(info.packages[0].rows.keys().all(|table| table.starts_with("_dlt")), "{:?}", info.rows());
}

#[tokio::test]
async fn parents_that_are_not_there_or_their_own_are_errors() {
    let bench = Bench::new();
    let lost = Script::new(vec![
        (child("a", "psots"), Gives::Pages(Vec::new())),
        (Resource::new("posts"), Gives::Pages(Vec::new())),
    ]);
    let error = bench.run(&lost).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.chain().contains("psots") && error.hint().unwrap().contains("posts"),
        "{error} {:?}",
        error.hint()
    );
    let circle = Script::new(vec![
        (child("a", "b"), Gives::Pages(Vec::new())),
        (child("b", "a"), Gives::Pages(Vec::new())),
    ]);
    let error = bench.run(&circle).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("its own records"), "{error}");
}

fn cursor(options: Value) -> Option<IncrementalOptions> {
    let mut all = json!({ "cursor_path": "at" });
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    Some(serde_json::from_value(all).unwrap())
}

#[tokio::test]
async fn requests_see_the_cursor_of_the_pages_before() {
    for is_parallel in [false, true] {
        let bench = Bench::new();
        let follows = Resource {
            follows_cursor: true,
            parallelized: is_parallel,
            incremental: cursor(json!({ "initial_value": 5 })),
            ..Resource::new("t")
        };
        let mut script = Script::new(vec![(follows, Gives::Pages(vec![rows(1..3), rows(4..5), rows(3..4)]))]);
        bench.run(&script).await.unwrap();
        let cursors = |script: &Script| script.stage(|stage| std::mem::take(&mut stage.cursors));
        assert_eq!(cursors(&script), [json!(5), json!(20), json!(40)]);
        // The next run starts where this one ended, or a lag before.
        script.resources[0].0.incremental = cursor(json!({ "initial_value": 5, "lag": 15.0 }));
        bench.run(&script).await.unwrap();
        assert_eq!(cursors(&script), [json!(25), json!(40), json!(40)]);
        let opened = script.stage(|stage| stage.opened.pop().unwrap().1.cursor.unwrap());
        assert_eq!(opened.initial_value, Some(json!(5)));
        assert_eq!((opened.start_value, opened.end_value), (Some(json!(25)), None));
    }
}

#[tokio::test]
async fn a_resource_without_cursor_is_opened_without_range() {
    let (bench, script) = (Bench::new(), family());
    bench.run(&script).await.unwrap();
    script.stage(|stage| {
        assert!(stage.opened.iter().all(|(_, opening)| opening.cursor.is_none()));
        let with_parent: Vec<bool> =
            stage.opened.iter().map(|(_, opening)| opening.parent_pages.is_some()).collect();
        assert_eq!(with_parent, [false, true, true]);
    });
}

/// Resources `a` and `b`; the page of `a` comes only after `b` was asked.
struct Crossed {
    b_is_asked: Arc<tokio::sync::Notify>,
}

struct CrossedExtractor {
    is_a: bool,
    is_done: bool,
    b_is_asked: Arc<tokio::sync::Notify>,
}

#[async_trait]
impl Source for Crossed {
    fn name(&self) -> &str {
        "s"
    }

    fn settings(&self) -> SourceSettings {
        SourceSettings::default()
    }

    async fn resources(&self, _: &SourceContext) -> Result<Vec<Resource>> {
        let resource = |name: &str| Resource {
            parallelized: true,
            hints: ResourceHints::default(),
            ..Resource::new(name)
        };
        Ok(vec![resource("a"), resource("b")])
    }

    async fn open(&self, resource: &Resource, _: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        let b_is_asked = Arc::clone(&self.b_is_asked);
        Ok(vec![Box::new(CrossedExtractor { is_a: resource.name == "a", is_done: false, b_is_asked })])
    }
}

#[async_trait]
impl Extractor for CrossedExtractor {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        if std::mem::replace(&mut self.is_done, true) {
            return Ok(None);
        }
        if self.is_a {
            self.b_is_asked.notified().await;
        } else {
            self.b_is_asked.notify_one();
        }
        let body = Body::Lines(b"{\"id\": 1}\n".to_vec());
        Ok(Some(Page { body, first: 0, origin: Arc::new(Origin::default()) }))
    }
}

#[tokio::test]
async fn parallelized_resources_are_read_at_the_same_time_and_loaded_in_order() {
    let bench = Bench::new();
    let source = Box::new(Crossed { b_is_asked: Arc::default() });
    let pipeline = bench.pipeline();
    let options = RunOptions::default();
    let sources: [Box<dyn Source>; 1] = [source];
    let run = pipeline.run(&sources, &options);
    let info = tokio::time::timeout(Duration::from_secs(60), run).await.expect("a waits for b").unwrap();
    assert_eq!((info.rows()["a"], info.rows()["b"]), (1, 1));
}
