//! Runs that load a part: partitions that fail, budgets that are spent.

use serde_json::{Value, json};
use windlass::core::incremental::IncrementalOptions;
use windlass::source::Resource;

use crate::script::{Bench, Gives, Records, Script, rows};

const KEY: &str = "_windlass_partial";

fn two_pages(parent: &Value) -> Vec<Records> {
    let id = parent["id"].as_i64().unwrap();
    vec![rows([id * 10]), rows([id * 10 + 1])]
}

/// Posts with a cursor, so that a second run sees only new ones, and their comments.
fn script(pages: &[&[i64]]) -> Script {
    let posts = Resource { incremental: Some(IncrementalOptions::new("at")), ..Resource::new("posts") };
    let comments = Resource { parent: Some("posts".to_owned()), ..Resource::new("comments") };
    let pages = pages.iter().map(|ids| rows(ids.iter().copied())).collect();
    Script::new(vec![(posts, Gives::Pages(pages)), (comments, Gives::OfParent(two_pages))])
}

#[tokio::test]
async fn partitions_that_fail_are_read_by_the_next_run_until_they_succeed() {
    let (bench, script) = (Bench::new(), script(&[&[1, 2], &[3, 4]]));
    script.stage(|stage| stage.broken = [2, 4].into());
    let info = bench.run(&script).await.unwrap();
    assert!(info.is_partial() && info.has_unread());
    let failed: Vec<_> = info
        .failed_partitions
        .iter()
        .map(|failed| (&failed.partition["id"], failed.error.as_str()))
        .collect();
    assert_eq!(failed, [(&json!(2), "no children of 2"), (&json!(4), "no children of 4")]);
    assert_eq!(info.failed_partitions[0].resource, "comments");
    assert_eq!(bench.ids("comments").await, [10, 11, 30, 31]);
    assert_eq!(bench.ids("posts").await, [1, 2, 3, 4]);
    assert_eq!(bench.state("comments", KEY)["retries"].as_array().unwrap().len(), 2);
    // The trace lists them as well.
    let trace = bench.pipeline().work().trace().unwrap().unwrap();
    assert_eq!(trace["failed_partitions"][1]["partition"]["id"], 4);

    script.stage(|stage| stage.broken = [4].into());
    script.given();
    let info = bench.run(&script).await.unwrap();
    assert_eq!(info.failed_partitions.len(), 1);
    assert_eq!(script.given(), ["posts 1", "posts 3", "comments 20", "comments 21"]);
    // Nothing new to load, and still partial.
    let info = bench.run(&script).await.unwrap();
    assert!(info.packages.is_empty() && info.is_partial());

    script.stage(|stage| stage.broken.clear());
    let info = bench.run(&script).await.unwrap();
    assert!(!info.is_partial());
    assert_eq!(bench.ids("comments").await, [10, 11, 20, 21, 30, 31, 40, 41]);
    assert_eq!(bench.state("comments", KEY), Value::Null);
    assert!(bench.run(&script).await.unwrap().packages.is_empty());
}

#[tokio::test]
async fn failures_before_a_crash_are_not_forgotten() {
    let (bench, script) = (Bench::new(), script(&[&[1, 2], &[3]]));
    script.stage(|stage| (stage.broken, stage.pages_to_crash) = ([1].into(), Some(4)));
    bench.run(&script).await.unwrap_err();
    script.stage(|stage| stage.pages_to_crash = None);
    let info = bench.run(&script).await.unwrap();
    assert!(info.packages[0].was_resumed);
    assert_eq!(info.failed_partitions.len(), 1);
    assert_eq!(bench.ids("comments").await, [20, 21, 30, 31]);
    script.stage(|stage| stage.broken.clear());
    assert!(!bench.run(&script).await.unwrap().is_partial());
    assert_eq!(bench.ids("comments").await, [10, 11, 20, 21, 30, 31]);
}

#[tokio::test]
async fn the_cursor_of_a_resource_with_failed_partitions_stays() {
    let (bench, mut script) = (Bench::new(), script(&[&[1, 2]]));
    script.resources[1].0.incremental = Some(IncrementalOptions::new("at"));
    script.stage(|stage| stage.broken = [1].into());
    let info = bench.run(&script).await.unwrap();
    assert!(info.warnings.iter().any(|w| w.contains("its cursor stays")), "{:?}", info.warnings);
    assert_eq!(bench.state("comments", "incremental")["at"]["last_value"], Value::Null);
    script.stage(|stage| stage.broken.clear());
    bench.run(&script).await.unwrap();
    assert_eq!(bench.ids("comments").await, [10, 11, 20, 21]);
    assert_eq!(bench.state("comments", "incremental")["at"]["last_value"], 210);
}

/// Spends a budget again and again until everything is read.
async fn run_with_budget(bench: &Bench, script: &Script, budget: usize) -> usize {
    for run in 1..100 {
        script.stage(|stage| stage.budget = Some(budget));
        let info = bench.run(script).await.unwrap();
        if !info.is_partial() {
            return run;
        }
        assert!(info.failed_partitions.is_empty());
        let (_, reason) = info.unfinished_resources.first().unwrap();
        assert!(reason.contains("max_requests"), "{reason}");
    }
    panic!("a budget of {budget} never ends");
}

#[tokio::test]
async fn a_spent_budget_commits_what_was_read_and_the_next_run_goes_on() {
    // The records of a page descend, so that the first page has the furthest cursor. Each run asks for four pages of
    // posts, so that a smaller budget would leave nothing for comments.
    for budget in [5, 6, 8, 13] {
        let (bench, script) = (Bench::new(), script(&[&[5], &[4, 3], &[2], &[1]]));
        let runs = run_with_budget(&bench, &script, budget).await;
        assert_eq!(bench.ids("posts").await, [1, 2, 3, 4, 5], "budget {budget}");
        let comments: Vec<i64> = (1..6).flat_map(|id| [id * 10, id * 10 + 1]).collect();
        assert_eq!(bench.ids("comments").await, comments, "budget {budget}");
        assert!(runs > 1, "budget {budget}");
        assert_eq!(bench.state("posts", "incremental")["at"]["last_value"], 50);
        assert_eq!((bench.state("posts", KEY), bench.state("comments", KEY)), (Value::Null, Value::Null));
    }
}

#[tokio::test]
async fn a_budget_that_ends_in_the_midst_of_a_resource_is_taken_up_there() {
    let (bench, mut script) = (Bench::new(), script(&[&[5], &[4, 3], &[2], &[1]]));
    script.resources.truncate(1);
    for (run, expected) in [(1, vec![5]), (2, vec![3, 4, 5]), (3, vec![2, 3, 4, 5]), (4, vec![1, 2, 3, 4, 5])]
    {
        script.stage(|stage| stage.budget = Some(1));
        let info = bench.run(&script).await.unwrap();
        assert_eq!(bench.ids("posts").await, expected);
        assert_eq!(info.is_partial(), run < 4);
        let last = if run < 4 { Value::Null } else { 50.into() };
        assert_eq!(bench.state("posts", "incremental")["at"]["last_value"], last, "run {run}");
    }
    assert_eq!(bench.state("posts", KEY), Value::Null);
}

#[tokio::test]
async fn a_resource_that_cannot_go_on_after_a_budget_says_so_and_loses_nothing() {
    let (bench, mut script) = (Bench::new(), script(&[&[3], &[2], &[1]]));
    script.has_positions = false;
    script.resources.truncate(1);
    script.stage(|stage| stage.budget = Some(2));
    let info = bench.run(&script).await.unwrap();
    assert!(info.warnings.iter().any(|w| w.contains("starts over")), "{:?}", info.warnings);
    script.stage(|stage| stage.budget = None);
    bench.run(&script).await.unwrap();
    assert_eq!(bench.ids("posts").await, [1, 2, 2, 3, 3]);
}

#[tokio::test]
async fn children_that_do_not_say_what_is_unread_make_their_parent_come_again() {
    let (bench, mut script) = (Bench::new(), script(&[&[1], &[2]]));
    script.lists_unread = false;
    let merge = json!({ "write_disposition": "merge", "primary_key": "id" });
    script.resources.iter_mut().for_each(|(resource, _)| {
        resource.hints = serde_json::from_value(merge.clone()).unwrap();
    });
    script.stage(|stage| stage.budget = Some(3));
    let info = bench.run(&script).await.unwrap();
    assert!(
        info.warnings.iter().any(|w| w.contains("`posts`") && w.contains("again")),
        "{:?}",
        info.warnings
    );
    script.stage(|stage| stage.budget = None);
    bench.run(&script).await.unwrap();
    assert_eq!(bench.ids("posts").await, [1, 2]);
    assert_eq!(bench.ids("comments").await, [10, 11, 20, 21]);
}
