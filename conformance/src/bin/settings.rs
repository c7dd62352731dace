//! Answers the questions of layouts of settings as pipeline files do: `windlass-settings LAYOUTS.json ANSWERS.json`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value};
use windlass::core::{Error, Result};
use windlass_conformance::Layout;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [layouts, answers] => answer(Path::new(layouts), Path::new(answers)),
        _ => Err(Error::config("usage: windlass-settings LAYOUTS.json ANSWERS.json")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.chain());
            ExitCode::FAILURE
        }
    }
}

fn answer(layouts: &Path, answers: &Path) -> Result<()> {
    let failed =
        |path: &Path, cause| Error::config(format!("cannot use {}", path.display())).with_source(cause);
    let text = fs::read_to_string(layouts).map_err(|cause| failed(layouts, cause))?;
    let mut found = Map::new();
    for layout in Layout::parse_all(&text)? {
        found.insert(layout.name.clone(), Value::Array(layout.answer()?));
    }
    fs::write(answers, Value::Object(found).to_string()).map_err(|cause| failed(answers, cause))
}
