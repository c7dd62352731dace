//! `windlass discover`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde_json::json;
use windlass::core::{Code, Error, Result};
use windlass::discover::{DiscoverOptions, Discovery, Parts, openapi_of};
use windlass::sources::rest::http::{
    HttpSettings, HttpTransport, Request, Transport as _, is_web, masked_url,
};

use crate::args::DiscoverArgs;
use crate::output::{Exit, Output};

pub(super) async fn run(args: &DiscoverArgs, output: &Output) -> Result<Exit> {
    let mut parts = Parts::new(&text_at(&args.openapi).await?, &args.openapi)?;
    while let Some(place) = parts.wanted() {
        match text_at(&place).await {
            Ok(text) => parts.add(&place, &text)?,
            Err(error) => parts.miss(&place, error.chain()),
        }
    }
    let options = DiscoverOptions {
        pipeline: args.name.clone(),
        destination: args.destination.clone(),
        base_url: args.url.clone(),
        file: if is_web(&args.openapi) { masked_url(&args.openapi) } else { args.openapi.clone() },
    };
    let discovery = openapi_of(&parts, &options)?;
    for warning in &discovery.warnings {
        output.warning(warning);
    }
    let Some(path) = &args.out else {
        output.result(&discovery, || discovery.text.clone())?;
        return Ok(Exit::OK);
    };
    create(path, &discovery.text)?;
    let value = json!({
        "file": path, "pipeline": discovery.pipeline, "resources": discovery.resources,
        "unselected": discovery.unselected, "variables": discovery.variables, "warnings": discovery.warnings,
    });
    output.result(&value, || summary(path, &discovery))?;
    Ok(Exit::OK)
}

/// The text of a file, or of what is at an address.
async fn text_at(place: &str) -> Result<String> {
    if is_web(place) { fetch(place).await } else { read(Path::new(place)) }
}

async fn fetch(url: &str) -> Result<String> {
    let response = HttpTransport::new(HttpSettings::default())?.send(&Request::new("GET", url)).await?;
    response.check_status("GET")?;
    text_of(response.read_body()?.into_owned(), &masked_url(url))
}

fn read(path: &Path) -> Result<String> {
    let file = path.display().to_string();
    let bytes = fs::read(path).map_err(|cause| {
        Error::config(format!("cannot read {file}"))
            .with_source(cause)
            .with_hint("--openapi takes a file, or an address such as https://api.example.com/openapi.json")
    })?;
    text_of(bytes, &file)
}

fn text_of(bytes: Vec<u8>, file: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        Error::config("this is not text, but an OpenAPI document is")
            .with_hint("documents are JSON or YAML in UTF-8")
            .at_file(file)
    })
}

/// Writes a file that does not exist yet.
fn create(path: &Path, text: &str) -> Result<()> {
    match File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            Err(Error::of(Code::FileExists, format!("{} exists already", path.display()))
                .with_detail("path", path.display().to_string())
                .with_hint("choose another --out"))
        }
        result => result.map_err(|cause| {
            Error::config(format!("cannot write {}", path.display()))
                .with_source(cause)
                .with_hint("check who may write there, or choose another --out")
        }),
    }
}

/// What was made, for people.
fn summary(path: &Path, discovery: &Discovery) -> String {
    let file = path.display();
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(text, "wrote {file}: {} resources", discovery.resources.len());
    if !discovery.unselected.is_empty() {
        let _ = writeln!(text, "not selected: {} more; the file says why", discovery.unselected.len());
    }
    if !discovery.variables.is_empty() {
        let _ = writeln!(text, "set in the environment or in .env: {}", discovery.variables.join(", "));
    }
    let _ = writeln!(text, "next: look through {file}, then `windlass plan {file}`");
    text
}
