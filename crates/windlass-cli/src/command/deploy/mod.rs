//! `windlass deploy`: what runs a pipeline elsewhere. Secrets are named, never written.

mod schedule;
mod templates;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use windlass::config::Needs;
use windlass::core::{Code, Error, Result};

use self::schedule::Schedule;
use self::templates::{DOCKERIGNORE, Subject};
use crate::args::{
    AirflowArgs, CrontabArgs, DeployArgs, DeployTarget, DeployedFiles, DockerfileArgs, GithubActionArgs,
    SecretsFormat,
};
use crate::output::{Exit, Output};

/// A file that is to be written: its path below the root, its text, and whether one that exists stays.
struct Planned {
    path: String,
    text: String,
    stays: bool,
}

impl Planned {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), stays: false }
    }

    /// The same for a file that users add to.
    fn kept(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { stays: true, ..Self::new(path, text) }
    }
}

pub(super) fn run(args: &DeployArgs, output: &Output) -> Result<Exit> {
    match &args.target {
        DeployTarget::GithubAction(target) => github_action(&args.file, target, output),
        DeployTarget::Airflow(target) => airflow(&args.file, target, output),
        DeployTarget::Crontab(target) => crontab(&args.file, target, output),
        DeployTarget::Dockerfile(target) => dockerfile(&args.file, target, output),
    }
}

fn github_action(file: &Path, args: &GithubActionArgs, output: &Output) -> Result<Exit> {
    let schedule = Schedule::parse(&args.schedule)?;
    let subject = subject(file, &args.files.out)?;
    let requirements = "requirements_github_action.txt";
    let text =
        templates::github_action(&subject, &schedule, args.run_manually, args.run_on_push, requirements);
    let planned = [
        Planned::new(format!(".github/workflows/run_{}_workflow.yml", subject.slug()), text),
        Planned::kept(requirements, requirement(&args.files)),
    ];
    if is_local(&subject) {
        output.warning(
            "the destination is a file of the machine that runs the job, and is gone when the job ends",
        );
    }
    written(
        &subject,
        &args.files,
        &planned,
        "commit and push the files",
        "the settings of the repository",
        output,
    )
}

fn airflow(file: &Path, args: &AirflowArgs, output: &Output) -> Result<Exit> {
    let schedule = Schedule::parse(&args.schedule)?;
    let subject = subject(file, &args.files.out)?;
    let is_variables = args.secrets_format == SecretsFormat::Variables;
    let text = templates::airflow(&subject, &schedule, is_variables);
    let planned = [
        Planned::new(format!("dags/dag_{}.py", subject.slug()), text),
        Planned::kept("requirements_airflow.txt", requirement(&args.files)),
    ];
    let place = if is_variables { "Variables of Airflow" } else { "the environment of the workers" };
    written(&subject, &args.files, &planned, "bring dags/ and the pipeline to Airflow", place, output)
}

fn dockerfile(file: &Path, args: &DockerfileArgs, output: &Output) -> Result<Exit> {
    let subject = subject(file, &args.files.out)?;
    let requirements = "requirements_docker.txt";
    let is_python = args.python || subject.is_script;
    let text = templates::dockerfile(&subject, is_python.then_some(requirements));
    let mut planned = vec![Planned::new("Dockerfile", text), Planned::kept(".dockerignore", DOCKERIGNORE)];
    if is_python {
        planned.push(Planned::kept(requirements, requirement(&args.files)));
    }
    written(
        &subject,
        &args.files,
        &planned,
        "docker build -t IMAGE .",
        "the environment of the container",
        output,
    )
}

fn crontab(file: &Path, args: &CrontabArgs, output: &Output) -> Result<Exit> {
    let schedule = Schedule::parse(&args.schedule)?;
    let folder = absolute(&parent(file))?;
    let subject = subject(file, &folder)?;
    let log = match &args.log {
        Some(log) => std::path::absolute(log).map_err(|cause| failed("find", log, cause))?,
        None => {
            let settings = folder.join(".windlass");
            fs::create_dir_all(&settings).map_err(|cause| failed("create", &settings, cause))?;
            settings.join(format!("{}.log", subject.slug()))
        }
    };
    let program = program(subject.is_script)?;
    let line = templates::crontab(&subject, &schedule, &text(&folder)?, &program, &text(&log)?);
    let names: Vec<&String> = subject.needs.variables.keys().collect();
    output.result(
        &json!({ "pipeline": subject.needs.pipeline, "line": line.trim_end(), "variables": names }),
        || line.clone(),
    )?;
    // cron starts with an almost empty environment.
    let missing: Vec<&str> = required(&subject.needs).collect();
    if !missing.is_empty() {
        output.warning(&format!(
            "cron does not know the variables of your shell: put {} into a .env or .windlass/secrets.toml beside the pipeline",
            missing.join(", ")
        ));
    }
    Ok(Exit::OK)
}

/// What is deployed, as seen from `root`. Errors: it does not lie below that.
fn subject(file: &Path, root: &Path) -> Result<Subject> {
    let is_script = file.extension().is_some_and(|extension| extension == "py");
    let needs = if is_script { Needs::of_script(file)? } else { Needs::of_file(file)? };
    let (root, folder) = (absolute(root)?, absolute(&parent(file))?);
    let below = folder.strip_prefix(&root).map_err(|_| {
        Error::config(format!("{} does not lie below {}", file.display(), root.display()))
            .with_hint("name the root of the repository by --out")
    })?;
    let parts: Vec<String> = below.iter().map(|part| text(Path::new(part))).collect::<Result<_>>()?;
    let name = text(Path::new(file.file_name().unwrap_or_default()))?;
    Ok(Subject { folder: parts.join("/"), file: name, is_script, needs })
}

/// Writes the files and says what is left to do.
fn written(
    subject: &Subject,
    args: &DeployedFiles,
    planned: &[Planned],
    next: &str,
    place: &str,
    output: &Output,
) -> Result<Exit> {
    // All or nothing: what is in the way is found before anything is written.
    for file in planned {
        let path = args.out.join(&file.path);
        if path.exists() && !file.stays && !args.force {
            return Err(Error::of(Code::FileExists, format!("{} exists already", path.display()))
                .with_detail("path", path.display().to_string())
                .with_hint("give --force to write over it"));
        }
    }
    let mut paths = Vec::new();
    for file in planned {
        let path = args.out.join(&file.path);
        if path.exists() && file.stays {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|cause| failed("create", folder, cause))?;
        }
        fs::write(&path, &file.text).map_err(|cause| failed("write", &path, cause))?;
        paths.push(file.path.clone());
    }
    let names = |wanted: bool| -> Vec<&str> {
        let variables = subject.needs.variables.iter();
        variables.filter(|(_, one)| one.is_secret == wanted).map(|(name, _)| name.as_str()).collect()
    };
    let (secrets, variables) = (names(true), names(false));
    let value = json!({
        "pipeline": subject.needs.pipeline, "written": paths, "secrets": secrets, "variables": variables,
    });
    output.result(&value, || {
        let mut told = format!("wrote {}\n", paths.join(", "));
        if !secrets.is_empty() {
            told += &format!("secrets to set in {place}: {}\n", secrets.join(", "));
        }
        if !variables.is_empty() {
            told += &format!("variables to set in {place}: {}\n", variables.join(", "));
        }
        told + &format!("next: {next}\n")
    })?;
    Ok(Exit::OK)
}

fn required(needs: &Needs) -> impl Iterator<Item = &str> {
    needs.variables.iter().filter(|(_, variable)| !variable.has_default).map(|(name, _)| name.as_str())
}

/// Whether the destination is a file of the machine.
fn is_local(subject: &Subject) -> bool {
    matches!(subject.needs.destination.as_deref(), Some("duckdb" | "sqlite" | "sqlalchemy"))
}

/// The line of a file of requirements.
fn requirement(args: &DeployedFiles) -> String {
    let default = || format!("windlass>={}", env!("CARGO_PKG_VERSION"));
    format!("{}\n", args.requirement.clone().unwrap_or_else(default))
}

/// The program that cron starts, by its full path: cron has a short PATH of its own.
fn program(is_script: bool) -> Result<String> {
    let names: &[&str] = if is_script { &["python", "python3"] } else { &["windlass"] };
    let own = std::env::current_exe().ok().filter(|path| {
        path.file_stem().is_some_and(|stem| names.iter().any(|name| stem == *name)) && !is_script
    });
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = own.or_else(|| {
        names.iter().find_map(|name| {
            std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file())
        })
    });
    match found {
        Some(path) => text(&path),
        None => Err(Error::config(format!("there is no `{}` on the PATH", names.join("` or `")))
            .with_hint("add its folder to PATH, so that the line can name it")),
    }
}

fn parent(file: &Path) -> PathBuf {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")).to_owned()
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    folder.canonicalize().map_err(|cause| failed("find", folder, cause))
}

/// A path as text; shells, YAML and TOML have no other.
fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).filter(|text| !text.contains(['\n', '\r'])).ok_or_else(|| {
        Error::config(format!(
            "the path {} cannot be written into a file: it is not one line of text",
            path.display()
        ))
        .with_hint("rename it")
    })
}

fn failed(what: &str, path: &Path, cause: std::io::Error) -> Error {
    Error::config(format!("cannot {what} {}", path.display()))
        .with_source(cause)
        .with_hint("check the path and who may write there, or choose another --out")
}
