//! The configuration of `rest_api`, as a pipeline file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::expect_file;
use serde_json::{Value, json};
use windlass::config::{Overrides, PipelineFile};
use windlass::core::{Error, Result};
use windlass::source::SourceContext;

/// What the recordings and this engine see differently, and why.
const DIFFERENCES: [(&str, &str); 1] = [(
    "name callable",
    "the recording shows a Python function as a text, and a text is a name; functions come with Python",
)];

/// The names of the resources of a source, in order.
async fn resources(source: &Value) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    let mut source = source.clone();
    source["type"] = "rest_api".into();
    let file = json!({
        "pipeline": "p",
        "destination": {"type": "filesystem", "bucket_url": "out"},
        "pipelines_dir": folder.path(),
        "source": source,
    });
    std::fs::write(&path, file.to_string()).unwrap();
    let described = PipelineFile::load(&path, BTreeMap::new())?.describe(&Overrides::default())?;
    let resources = described.sources[0].resources(&SourceContext::default()).await?;
    Ok(resources.into_iter().map(|resource| resource.name).collect())
}

/// Message and hint without the place and the folders that were searched: their name is another one every time.
fn shown(error: &Error) -> String {
    let hint = error.hint().unwrap_or("no hint").split("; /").next().unwrap_or_default();
    format!("{} | {hint}", error.message())
}

#[tokio::test]
async fn recorded_configurations_are_taken_or_refused_as_the_reference_does() {
    let recorded: Value = serde_json::from_str(include_str!("validation.json")).unwrap();
    let cases = recorded["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 80);
    let mut report = String::new();
    let mut wrong = Vec::new();
    for case in cases {
        let title = case["title"].as_str().unwrap();
        let found = resources(&case["config"]).await;
        let line = match &found {
            Ok(names) => format!("ok {}", names.join(" ")),
            Err(error) => format!("{} {}", error.kind().as_str(), shown(error)),
        };
        writeln!(report, "{title}\n    {line}").unwrap();
        let is_alike = match &found {
            Ok(names) => case["result"]["resources"] == json!(names),
            Err(error) => {
                assert!(error.place().file.is_some(), "{title} has no place: {error:?}");
                assert!(error.hint().is_some(), "{title} has no hint");
                !case["error"].is_null()
            }
        };
        if is_alike == DIFFERENCES.iter().any(|(known, _)| *known == title) {
            wrong.push(format!("{title}: {line}"));
        }
        assert!(!line.contains("supersecret"), "{title}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    expect_file!["validation.txt"].assert_eq(&report);
}
