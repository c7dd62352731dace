//! Runs that are broken off and go on: at any page, with any pages, whatever becomes of the rows.

use proptest::prelude::*;
use serde_json::{Value, json};
use windlass::core::incremental::IncrementalOptions;
use windlass::core::{ErrorKind, Result};
use windlass::pipeline::RunOptions;
use windlass::source::{Extractor, Limit, Opening, Page, Resource, TargetTable};

use crate::script::{Bench, Gives, Records, Script, rows};

fn resource(name: &str, hints: Value) -> Resource {
    Resource { hints: serde_json::from_value(hints).unwrap(), ..Resource::new(name) }
}

/// One page for each record.
fn one_page(parent: &Value) -> Vec<Records> {
    vec![rows([parent["id"].as_i64().unwrap() * 10])]
}

fn hints(disposition: &str) -> Value {
    match disposition {
        "merge" => json!({ "write_disposition": "merge", "primary_key": "id" }),
        other => json!({ "write_disposition": other }),
    }
}

/// A parent with cursor, its children, and a resource of its own.
fn script(disposition: &str, pages: &[Vec<i64>], is_incremental: bool) -> Script {
    let pages: Vec<Records> = pages.iter().map(|ids| rows(ids.iter().copied())).collect();
    let mut posts = resource("posts", hints(disposition));
    posts.incremental = is_incremental.then(|| IncrementalOptions::new("at"));
    let mut comments = resource("comments", hints(disposition));
    comments.parent = Some("posts".to_owned());
    Script::new(vec![
        (posts, Gives::Pages(pages.clone())),
        (comments, Gives::OfParent(one_page)),
        (Resource { parallelized: true, ..resource("tags", hints(disposition)) }, Gives::Pages(pages)),
    ])
}

const TABLES: [&str; 3] = ["posts", "comments", "tags"];

/// Everything that is there, ids of rows but not their values.
async fn content(bench: &Bench) -> Vec<String> {
    let mut all = Vec::new();
    for table in TABLES {
        let exists =
            format!("SELECT table_name::VARCHAR FROM information_schema.tables WHERE table_name = '{table}'");
        if bench.texts(&exists).await.is_empty() {
            continue;
        }
        let rows = bench.texts(&format!("SELECT concat(id, ' ', \"at\") FROM d.{table}")).await;
        let ids = bench.texts(&format!("SELECT DISTINCT _dlt_id FROM d.{table}")).await;
        assert_eq!(ids.len(), rows.len(), "each row of {table} has an id of its own");
        all.extend(rows.into_iter().map(|row| format!("{table} {row}")));
    }
    all
}

/// Runs until a run ends; `breaks` are the pages after which the runs before break.
async fn run_broken(bench: &Bench, script: &Script, breaks: &[usize]) -> usize {
    for pages in breaks {
        script.stage(|stage| stage.pages_to_crash = Some(*pages));
        match bench.run(script).await {
            Ok(_) => return 0,
            Err(error) => assert_eq!(error.message(), "the source broke"),
        }
    }
    script.stage(|stage| stage.pages_to_crash = None);
    script.given();
    let info = bench.run(script).await.unwrap();
    info.packages.iter().filter(|package| package.was_resumed).count()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn pages() -> impl Strategy<Value = Vec<Vec<i64>>> {
    prop::collection::vec(prop::collection::vec(0_i64..40, 0..4), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    /// Any pages, any number of crashes anywhere: the rows and the state of one clean run.
    #[test]
    fn broken_runs_leave_what_one_run_leaves(
        first in pages(),
        second in pages(),
        breaks in prop::collection::vec(0_usize..14, 1..4),
        disposition in prop::sample::select(vec!["append", "merge", "replace"]),
        is_incremental in any::<bool>(),
        workers in 1_usize..4,
    ) {
        runtime().block_on(async {
            let clean = Bench { workers, ..Bench::new() };
            let broken = Bench { workers, ..Bench::new() };
            for pages in [&first, &second] {
                let script = script(disposition, pages, is_incremental);
                clean.run(&script).await.unwrap();
                run_broken(&broken, &script, &breaks).await;
                assert_eq!(content(&broken).await, content(&clean).await);
                assert_eq!(broken.state("posts", "incremental"), clean.state("posts", "incremental"));
                assert_eq!(broken.state("posts", "_windlass_partial"), Value::Null);
            }
        });
    }
}

#[tokio::test]
async fn a_run_goes_on_at_each_page_and_asks_for_no_page_twice() {
    let pages = [vec![1, 2], vec![3], vec![4, 5, 6]];
    // Three pages of posts, six of comments, three of tags; those of tags are read ahead.
    for broken_at in 0..9 {
        let bench = Bench::new();
        let mut script = script("append", &pages, true);
        script.resources[2].0.parallelized = false;
        let resumed = run_broken(&bench, &script, &[broken_at]).await;
        assert_eq!(resumed, usize::from(broken_at > 0));
        assert_eq!(script.given().len(), 12 - broken_at);
        assert_eq!(bench.ids("comments").await, [10, 20, 30, 40, 50, 60]);
    }
}

#[tokio::test]
async fn tables_that_came_up_before_a_crash_are_replaced_all_the_same() {
    let late = |disposition: &str, ids: &[i64]| {
        let hints = json!({ "write_disposition": disposition });
        let table = TargetTable { name: "late".to_owned(), hints: serde_json::from_value(hints).unwrap() };
        (Some(table), rows(ids.iter().copied()))
    };
    let pages = |disposition: &str, ids: [i64; 2]| {
        let pages = vec![late(disposition, &ids[..1]), late(disposition, &ids[1..]), (None, rows([9]))];
        Script::new(vec![(resource("events", json!({})), Gives::Into(pages))])
    };
    let bench = Bench::new();
    bench.run(&pages("append", [1, 2])).await.unwrap();
    // The table is replaced from now on, and the run goes on behind its last page.
    assert_eq!(run_broken(&bench, &pages("replace", [3, 4]), &[2]).await, 1);
    assert_eq!(bench.ids("late").await, [3, 4]);
}

#[tokio::test]
async fn a_small_run_makes_no_checkpoint_and_a_broken_one_starts_over() {
    let bench = Bench { interval: 3600.0, ..Bench::new() };
    let script = script("append", &[vec![1], vec![2]], false);
    assert_eq!(run_broken(&bench, &script, &[3]).await, 0);
    assert_eq!(bench.ids("posts").await, [1, 2]);
}

#[tokio::test]
async fn other_settings_another_selection_and_another_state_start_over() {
    let pages = [vec![1], vec![2], vec![3]];
    let changes: [fn(&mut Script, &mut RunOptions); 3] = [
        |script, _| script.resources[0].0.limit = Some(Limit::Pages(2)),
        |_, options| options.select = vec!["posts".to_owned(), "comments".to_owned()],
        |script, _| {
            script.resources[0].0.hints.primary_key = Some(serde_json::from_value(json!("id")).unwrap());
        },
    ];
    for change in changes {
        let bench = Bench::new();
        let mut script = script("append", &pages, false);
        script.stage(|stage| stage.pages_to_crash = Some(2));
        bench.run(&script).await.unwrap_err();
        script.stage(|stage| stage.pages_to_crash = None);
        let mut options = RunOptions::default();
        change(&mut script, &mut options);
        let info = bench.run_with(&script, &options).await.unwrap();
        assert!(!info.packages[0].was_resumed);
        assert!(info.warnings.iter().any(|warning| warning.contains("is read again")), "{:?}", info.warnings);
        let expected: &[i64] = if script.resources[0].0.limit.is_some() { &[1, 2] } else { &[1, 2, 3] };
        assert_eq!(bench.ids("posts").await, expected);
    }
}

#[tokio::test]
async fn a_package_that_was_begun_can_be_given_up() {
    let bench = Bench::new();
    let script = script("append", &[vec![1], vec![2]], false);
    script.stage(|stage| stage.pages_to_crash = Some(1));
    bench.run(&script).await.unwrap_err();
    let dropped = bench.pipeline().work().drop_pending(1).unwrap();
    assert_eq!(dropped.len(), 1);
    script.stage(|stage| stage.pages_to_crash = None);
    assert!(!bench.run(&script).await.unwrap().packages[0].was_resumed);
}

#[tokio::test]
async fn what_cannot_go_on_in_its_midst_starts_over_and_says_so() {
    let pages = [vec![1], vec![2], vec![3]];
    let bench = Bench::new();
    let mut script = script("append", &pages, false);
    script.has_positions = false;
    script.resources[2].0.parallelized = false;
    // In the midst of the first resource there is no checkpoint at all.
    script.stage(|stage| stage.pages_to_crash = Some(2));
    bench.run(&script).await.unwrap_err();
    // Between two resources there is one, so that the first is not read again.
    script.stage(|stage| stage.pages_to_crash = Some(4));
    let error = bench.run(&script).await.unwrap_err();
    assert_eq!(error.message(), "the source broke");
    script.stage(|stage| stage.pages_to_crash = None);
    script.given();
    let info = bench.run(&script).await.unwrap();
    assert!(info.packages[0].was_resumed);
    assert_eq!(script.given()[0], "comments 10");
    assert!(
        info.warnings.iter().any(|w| w.contains("`comments`") && w.contains("from its start")),
        "{:?}",
        info.warnings
    );
    assert_eq!((bench.ids("posts").await, bench.ids("comments").await), (vec![1, 2, 3], vec![10, 20, 30]));
}

#[tokio::test]
async fn a_position_that_the_source_refuses_is_not_tried_for_ever() {
    let bench = Bench::new();
    let script = script("append", &[vec![1], vec![2]], false);
    script.stage(|stage| stage.pages_to_crash = Some(1));
    bench.run(&script).await.unwrap_err();
    script.stage(|stage| (stage.pages_to_crash, stage.refuses_positions) = (None, true));
    let error = bench.run(&script).await.unwrap_err();
    assert!(error.hint().unwrap().contains("starts over"), "{:?}", error.hint());
    bench.run(&script).await.unwrap();
    assert_eq!(bench.ids("posts").await, [1, 2]);
}

#[tokio::test]
async fn rejected_records_are_counted_once() {
    let bench = Bench::new();
    let bad = Resource { on_bad_record: windlass::source::OnBadRecord::Reject, ..Resource::new("t") };
    let source = |pages: &[&str]| windlass::sources::InlineSource {
        name: "s".to_owned(),
        resources: vec![windlass::sources::InlineResource {
            resource: bad.clone(),
            pages: pages.iter().map(|page| (*page).to_owned()).collect(),
        }],
        settings: windlass::source::SourceSettings::default(),
    };
    let pages = ["{\"id\": 1}\nno\n", "{\"id\": 2}\n", "neither\n{\"id\": 3}\n"];
    let info = bench.pipeline().run(&[Box::new(source(&pages))], &RunOptions::default()).await.unwrap();
    assert_eq!(info.packages[0].left_out.rejected_records["t"], 2);
    assert_eq!(bench.ids("t").await, [1, 2, 3]);
}

/// Never answers.
struct Silent {
    is_asked: std::sync::Arc<tokio::sync::Notify>,
}

#[async_trait::async_trait]
impl windlass::source::Source for Silent {
    fn name(&self) -> &str {
        "s"
    }

    fn settings(&self) -> windlass::source::SourceSettings {
        windlass::source::SourceSettings::default()
    }

    async fn resources(&self, _: &windlass::source::SourceContext) -> Result<Vec<Resource>> {
        Ok(vec![Resource::new("t")])
    }

    async fn open(&self, _: &Resource, _: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        Ok(vec![Box::new(Self { is_asked: std::sync::Arc::clone(&self.is_asked) })])
    }
}

#[async_trait::async_trait]
impl Extractor for Silent {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        self.is_asked.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_source_that_is_silent() {
    let bench = Bench::new();
    let pipeline = bench.pipeline();
    let source = Silent { is_asked: std::sync::Arc::default() };
    let is_asked = std::sync::Arc::clone(&source.is_asked);
    let cancel = pipeline.cancel();
    let stop = async {
        is_asked.notified().await;
        cancel.cancel();
    };
    let sources: [Box<dyn windlass::source::Source>; 1] = [Box::new(source)];
    let options = RunOptions::default();
    let run = tokio::time::timeout(std::time::Duration::from_secs(60), pipeline.run(&sources, &options));
    let (ended, ()) = tokio::join!(run, stop);
    assert_eq!(ended.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
}
