//! Runs what was recorded of the reference at HTTP servers: a server on the loopback answers as the recorded one did,
//! and the requests, the records, the pauses and the kind of error are compared.

mod client;
mod outcome;
mod pages;
mod recording;
mod requests;
mod server;
mod source;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use windlass::core::{Error, Result};
use windlass::sources::rest::http::{HostGates, HttpSettings, HttpTransport, NotedPace};

use recording::Recording;
use server::ScriptedServer;

/// What became of a recording.
#[derive(Clone, Debug)]
pub enum RestOutcome {
    /// It is no recording of requests.
    NotRecorded,
    /// It says nothing about this engine yet, for this reason.
    Waits(String),
    /// It was run.
    Ran {
        /// Why the engine does something else on purpose, if it does.
        on_purpose: Option<String>,
        /// Where it differs; empty if it passes.
        differences: Vec<String>,
    },
}

/// The recordings that wait, by name, with the reason: lines of `waiting.txt`.
pub struct Waiting(Vec<(String, String)>);

impl Waiting {
    /// Those of this project. Errors: a line of another form.
    pub fn of_project() -> Result<Self> {
        Ok(Self(super::listed_in(&own_folder().join("waiting.txt"))?.into_iter().collect()))
    }

    /// The names and reasons.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, reason)| (name.as_str(), reason.as_str()))
    }

    fn reason(&self, name: &str) -> Option<&str> {
        self.entries().find(|(known, _)| *known == name).map(|(_, reason)| reason)
    }
}

/// Where this project keeps its recordings.
pub fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rest")
}

/// A patch (RFC 7396) of a recording: in `on_purpose` what the engine does instead of a recorded behaviour, and the
/// `reason`; in `completed` what the recording says in words only.
fn patch_of(folder: &str, name: &str) -> Result<Option<Value>> {
    let path = own_folder().join(folder).join(format!("{name}.json"));
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|cause| {
        Error::config("the patch of a recording is not JSON")
            .with_source(cause)
            .at_file(path.display().to_string())
    })
}

/// Runs the recording in a file. Errors: it cannot be read.
pub async fn run_rest_file(path: &Path, waiting: &Waiting) -> Result<RestOutcome> {
    let name = super::case_name(path);
    let mut text = fs::read_to_string(path).map_err(|cause| {
        Error::config("a recording cannot be read").with_source(cause).at_file(path.display().to_string())
    })?;
    if !recording::is_recording(&text) {
        return Ok(RestOutcome::NotRecorded);
    }
    if let Some(reason) = waiting.reason(&name) {
        return Ok(RestOutcome::Waits(reason.to_owned()));
    }
    let mut on_purpose = None;
    for folder in ["completed", "on_purpose"] {
        let Some(mut patch) = patch_of(folder, &name)? else { continue };
        let reason = patch.as_object_mut().and_then(|patch| patch.shift_remove("reason"));
        on_purpose = reason.as_ref().and_then(Value::as_str).map(str::to_owned).or(on_purpose);
        let mut value: Value = serde_json::from_str(&text).unwrap_or_default();
        merge(&mut value, patch);
        text = value.to_string();
    }
    if let Some(callable) = recording::callable(&text) {
        return Ok(RestOutcome::Waits(format!(
            "needs {callable}; run by python/tests/test_rest_recorded.py"
        )));
    }
    let server = ScriptedServer::start().await?;
    let recording = Recording::read(path, &text, server.port())?;
    let differences = run(recording, &server).await.unwrap_or_else(|error| vec![error.chain()]);
    Ok(RestOutcome::Ran { on_purpose, differences })
}

fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(members), Value::Object(patch)) => {
            for (key, change) in patch {
                match change {
                    Value::Null => drop(members.shift_remove(&key)),
                    change => merge(members.entry(key).or_insert(Value::Null), change),
                }
            }
        }
        (value, patch) => *value = patch,
    }
}

async fn run(mut recording: Recording, server: &ScriptedServer) -> Result<Vec<String>> {
    move_dates(&mut recording);
    server.script(recording.exchanges.clone());
    let run = Run::new(recording, server.port())?;
    let mut differences = match run.recording.kind.as_str() {
        "requests.Client" | "requests.get" | "rest_client.request" | "rest_client.get" => {
            client::run(&run).await?
        }
        "paginator.new" => pages::make_paginator(&run),
        kind if kind.starts_with("rest_client.paginate") => pages::run(&run).await?,
        "rest_api" => source::extraction(&run).await?,
        "rest_api.pipeline_runs" => source::pipeline_runs(&run).await?,
        kind => vec![format!("recordings of the kind `{kind}` cannot be run")],
    };
    differences.extend(requests::differences(
        &run.recording.exchanges,
        &server.take_asked(),
        run.recording.ordering,
    ));
    differences
        .extend(outcome::compare_pauses(run.recording.retry_sleeps_seconds.as_deref(), &run.pace.pauses()));
    Ok(differences)
}

/// A recording that is run, and what it is run with.
struct Run {
    recording: Recording,
    pace: Arc<NotedPace>,
    port: u16,
    /// Holds the file of credentials.
    folder: tempfile::TempDir,
}

impl Run {
    fn new(recording: Recording, port: u16) -> Result<Self> {
        let folder = tempfile::tempdir()
            .map_err(|cause| Error::internal("there is no temporary folder").with_source(cause))?;
        Ok(Self { recording, pace: Arc::default(), port, folder })
    }

    fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The settings of the recording: those of its environment, and nothing of this machine's.
    fn settings(&self) -> Result<HttpSettings> {
        let mut options = serde_json::Map::new();
        for (name, text) in &self.recording.env {
            if let Some(name) = name.strip_prefix("RUNTIME__") {
                let value = serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into());
                options.insert(name.to_ascii_lowercase(), value);
            }
        }
        let settings: HttpSettings = serde_json::from_value(options.into())
            .map_err(|cause| Error::config("the settings of a recording are not known").with_source(cause))?;
        Ok(HttpSettings { netrc: false, environment_proxy: false, request_backoff_jitter: 0.0, ..settings })
    }

    fn transport(&self, settings: HttpSettings) -> Result<HttpTransport> {
        let transport = HttpTransport::new(settings)?
            .with_pace(Arc::clone(&self.pace) as Arc<dyn windlass::sources::rest::http::Pace>)
            .with_gates(Arc::new(HostGates::default()));
        // The recorder had this file when it recorded these.
        if !self.recording.name.starts_with("auth_netrc") {
            return Ok(transport);
        }
        let path = self.folder.path().join("netrc");
        fs::write(&path, "machine 127.0.0.1 login nu password np\n")
            .map_err(|cause| Error::internal("a file cannot be written").with_source(cause))?;
        Ok(transport.with_netrc(&path))
    }
}

/// Dates in `Retry-After` that were to come when they were recorded are to come again.
fn move_dates(recording: &mut Recording) {
    let Some([pause]) = recording.retry_sleeps_seconds.as_deref() else { return };
    let is_date = |text: &str| text.ends_with(" GMT");
    for exchange in &mut recording.exchanges {
        if let Some(text) = exchange.response.headers.get_mut("Retry-After")
            && is_date(text)
            && pause.fract() != 0.0
        {
            let seconds = windlass::env::Env::default().now() / 1_000_000 + pause.ceil() as i64;
            *text = outcome::http_date(seconds);
        }
    }
}
