//! Loads into stores that fail: whatever is lost on the way, the next run puts it right.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use windlass_core::file::FileFormat;
use windlass_core::hints::{Disposition, WriteDisposition};

use super::Filesystem;
use super::inside::GATHERING;
use crate::env::{Clock, Env};
use crate::pipeline::{Pipeline, PipelineSettings, RunOptions};
use crate::source::{Resource, Source, SourceSettings};
use crate::sources::{InlineResource, InlineSource};
use crate::store::{Fault, Faults, Key, Links, Local, Memory, Store};

/// Always the same time, so that two histories of loads differ by nothing but what went wrong.
struct Frozen;

impl Clock for Frozen {
    fn now(&self) -> i64 {
        1_795_290_827_000_000
    }
}

fn pipeline(store: Arc<dyn Store>, work: &Path) -> Pipeline {
    let plain = Filesystem::folder("unused", FileFormat::Jsonl).unwrap();
    let mut inner = Arc::into_inner(plain.0).unwrap();
    inner.bucket = store;
    let destination = Arc::new(Filesystem(Arc::new(inner)));
    let mut settings = PipelineSettings::default();
    // Names of files tell which worker wrote them.
    settings.extract.workers = 1;
    Pipeline::new("p", destination, work)
        .unwrap()
        .dataset("d")
        .env(Env::new(Arc::new(Frozen)))
        .settings(settings)
}

/// A row for a table that is appended to, and one for a table that is replaced.
fn rows(number: u32) -> Box<dyn Source> {
    let resource = |name: &str, disposition| {
        let mut resource = Resource::new(name);
        resource.hints.write_disposition = Some(WriteDisposition::Plain(disposition));
        InlineResource { resource, pages: vec![format!("{{\"id\":{number}}}\n")] }
    };
    Box::new(InlineSource {
        name: "s".to_owned(),
        resources: vec![resource("added", Disposition::Append), resource("replaced", Disposition::Replace)],
        settings: SourceSettings::default(),
    })
}

/// All objects that a reader of the dataset sees.
fn seen(store: &dyn Store) -> BTreeMap<String, Bytes> {
    let keys = store.list("d/", None, Links::Refuse).unwrap().map(|entry| entry.unwrap().key);
    let is_hidden = |key: &Key| key.to_string().starts_with(&format!("d/{GATHERING}/"));
    let read = |key: Key| (key.to_string(), store.get(&key, None, None).unwrap().unwrap());
    keys.filter(|key| !is_hidden(key)).map(read).collect()
}

/// Loads twice, the second time with a fault at the writing call that is `fault.0` calls away, and again until it goes well.
/// Gives what is seen then, and the writing calls of the second load; `None` if it had no such call.
async fn history(
    store: Arc<dyn Store>,
    fault: Option<(usize, Fault)>,
) -> Option<(BTreeMap<String, Bytes>, Vec<String>)> {
    let work = tempfile::tempdir().unwrap();
    let faults = Faults::new(store);
    let pipeline = pipeline(Arc::new(faults.clone()), work.path());
    let options = RunOptions::default();
    pipeline.run(&[rows(1)], &options).await.unwrap();
    pipeline.extract_only(&[rows(2)], &options).await.unwrap();
    faults.passed();
    if let Some((calls, fault)) = fault {
        faults.fail(calls, fault);
    }
    let failed = pipeline.run(&[], &options).await.is_err();
    let (passed, was_met) = faults.passed();
    if !was_met {
        return None;
    }
    if failed {
        pipeline.run(&[], &options).await.unwrap();
    }
    let after = seen(&faults);
    // The lease is in nobody's way.
    pipeline.run(&[rows(3)], &options).await.unwrap();
    assert_eq!(
        seen(&faults).len(),
        after.len() + 2,
        "a file of the table that is appended to and a record more"
    );
    Some((after, passed))
}

async fn check(new_store: impl Fn(usize) -> Arc<dyn Store>) {
    let (expected, passed) = history(new_store(0), None).await.unwrap();
    for step in
        ["filesystem.gather", "filesystem.end", "filesystem.delete", "filesystem.move", "filesystem.load"]
    {
        assert!(passed.iter().any(|name| name == step), "{step}: {passed:?}");
    }
    let mut stores = 0;
    for fault in [Fault::Before, Fault::After] {
        let mut calls = 0;
        loop {
            stores += 1;
            let Some((after, passed)) = history(new_store(stores), Some((calls, fault))).await else { break };
            assert_eq!(after, expected, "{fault:?} {:?}", passed.last());
            calls += 1;
        }
        assert!(calls >= passed.len(), "each call fails once: {calls} of {passed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_write_to_a_folder_fails_the_next_run_puts_it_right() {
    let folder = tempfile::tempdir().unwrap();
    check(|number| Arc::new(Local::new(folder.path().join(number.to_string())))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_write_to_memory_fails_the_next_run_puts_it_right() {
    check(|_| Arc::new(Memory::new())).await;
}
