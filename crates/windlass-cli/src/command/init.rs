//! `windlass init`: a pipeline file to begin with.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde_json::json;
use windlass::core::{Code, Error, Result};
use windlass::destinations::destination_entry;
use windlass::pipeline::check_name;
use windlass::private;
use windlass::sources::source_entry;

use crate::args::InitArgs;
use crate::output::{Exit, Output};

const CONFIG: &str = "\
# Settings that are no secrets. The environment comes first, then secrets.toml, then this file.
# [normalize]
# workers = 2
# [load]
# delete_completed_jobs = true
";

const SECRETS: &str = "\
# Secrets; keep this file out of version control.
# [destination.postgres]
# credentials = \"postgres://user:password@host:5432/database\"
# What an auth block of a REST API leaves out: token, api_key, username and password, client_id and client_secret.
# [sources.rest_api.credentials]
# token = \"...\"
";

/// What version control is to leave alone.
const IGNORED: [&str; 4] = [".windlass/secrets.toml", ".env", "*.duckdb", "*.duckdb.wal"];

pub(super) fn run(args: &InitArgs, output: &Output) -> Result<Exit> {
    let source = source_entry(&args.source)?;
    let destination = destination_entry(&args.destination)?;
    if let Some(missing) = [source.missing, destination.missing].into_iter().flatten().next() {
        return Err(Error::unsupported(missing));
    }
    let name = args.name.clone().unwrap_or_else(|| args.source.clone());
    check_name(&name)?;
    let text = pipeline_file(&name, source.example, destination.example);
    let file = format!("{name}.yaml");
    let mut schema = serde_json::to_string_pretty(&windlass::config::json_schema()).unwrap_or_default();
    schema.push('\n');
    fs::create_dir_all(args.folder.join(".windlass")).map_err(|cause| failed(&args.folder, cause))?;
    create(&args.folder.join(&file), &text)?;
    let mut written = vec![file.clone()];
    for (path, text) in [
        (".windlass/config.toml", CONFIG),
        (".windlass/secrets.toml", SECRETS),
        (".windlass/windlass.schema.json", &schema),
    ] {
        // Settings of other pipelines in the same folder stay.
        if !args.folder.join(path).exists() {
            create(&args.folder.join(path), text)?;
            written.push(path.to_owned());
        }
    }
    let secrets = args.folder.join(".windlass/secrets.toml");
    private::keep_to_owner(&secrets).map_err(|cause| failed(&secrets, cause))?;
    if ignore(&args.folder)? {
        written.push(".gitignore".to_owned());
    }
    output.result(&json!({ "pipeline": name, "file": file, "written": written }), || {
        format!(
            "wrote {}\nnext: edit {file}, then `windlass plan {file}` and `windlass run {file}`\n",
            written.join(", ")
        )
    })?;
    Ok(Exit::OK)
}

fn pipeline_file(name: &str, source: &str, destination: &str) -> String {
    let indented = |text: &str| {
        text.replace("{pipeline}", name).lines().map(|line| format!("  {line}\n")).collect::<String>()
    };
    format!(
        "# yaml-language-server: $schema=.windlass/windlass.schema.json\n\
         pipeline: {name}\n\
         dataset: {name}_data                # the schema or folder at the destination\n\
         destination:\n{}\
         source:\n{}\
         # schema_contract: {{tables: evolve, columns: evolve, data_type: evolve}}\n",
        indented(destination),
        indented(source)
    )
}

/// Writes a file that does not exist yet.
fn create(path: &Path, text: &str) -> Result<()> {
    // Whatever the umask, nobody else reads secrets, not even for a moment.
    let is_secret = path.ends_with("secrets.toml");
    let create = if is_secret { private::create_new_file } else { |path: &Path| File::create_new(path) };
    match create(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            Err(Error::of(Code::FileExists, format!("{} exists already", path.display()))
                .with_detail("path", path.display().to_string())
                .with_hint("choose another --name or --folder"))
        }
        result => result.map_err(|cause| failed(path, cause)),
    }
}

/// Adds what is missing to `.gitignore`; whether anything was.
fn ignore(folder: &Path) -> Result<bool> {
    let path = folder.join(".gitignore");
    let before = match fs::read_to_string(&path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => String::new(),
        result => result.map_err(|cause| failed(&path, cause))?,
    };
    let missing: Vec<&str> =
        IGNORED.into_iter().filter(|line| !before.lines().any(|known| known.trim() == *line)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let text = format!("{before}{gap}{}\n", missing.join("\n"));
    fs::write(&path, text).map_err(|cause| failed(&path, cause))?;
    Ok(true)
}

fn failed(path: &Path, cause: std::io::Error) -> Error {
    Error::of(Code::FileFailed, format!("cannot write {}", path.display()))
        .with_source(cause)
        .with_hint("check who may write there, or choose another --folder")
}
