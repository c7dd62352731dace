//! The texts of the files that `windlass deploy` writes. Secrets are named in them, never written.

use windlass::config::{Needs, Variable};

use super::schedule::Schedule;

/// What is deployed, from the root of the repository.
pub(super) struct Subject {
    /// The folder of the pipeline below the root, with `/`; empty for the root itself.
    pub(super) folder: String,
    /// The name of the file in that folder.
    pub(super) file: String,
    /// Whether it is a Python script.
    pub(super) is_script: bool,
    /// What it needs.
    pub(super) needs: Needs,
}

impl Subject {
    /// The command that runs it, as words.
    pub(super) fn words(&self) -> Vec<&str> {
        if self.is_script {
            vec!["python", &self.file]
        } else {
            vec!["windlass", "run", &self.file, "--progress", "plain"]
        }
    }

    /// The command for a shell, in the folder of the pipeline, where settings are looked for.
    pub(super) fn shell(&self) -> String {
        let words: Vec<String> = self.words().iter().map(|word| shell_quoted(word)).collect();
        let command = words.join(" ");
        if self.folder.is_empty() {
            command
        } else {
            format!("cd {} && {command}", shell_quoted(&self.folder))
        }
    }

    /// A name that can be that of a file, a job or a DAG.
    pub(super) fn slug(&self) -> String {
        let name: String = self
            .needs
            .pipeline
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
            .collect();
        name
    }

    fn variables(&self) -> impl Iterator<Item = (&str, Variable)> {
        self.needs.variables.iter().map(|(name, variable)| (name.as_str(), *variable))
    }
}

/// A word of a shell: nothing in it has a meaning.
pub(super) fn shell_quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A text in YAML, in single quotes.
fn yaml_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text in Python, TOML and JSON.
fn double_quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The workflow of GitHub Actions.
pub(super) fn github_action(
    subject: &Subject,
    schedule: &Schedule,
    run_manually: bool,
    run_on_push: bool,
    requirements: &str,
) -> String {
    let mut on = format!("  schedule:\n    - cron: {}\n", yaml_quoted(schedule.fields()));
    if run_manually {
        on += "  workflow_dispatch: {}\n";
    }
    if run_on_push {
        on += "  push: {}\n";
    }
    let mut env = String::new();
    for (name, variable) in subject.variables() {
        let context = if variable.is_secret { "secrets" } else { "vars" };
        env += &format!("      {name}: ${{{{ {context}.{name} }}}}\n");
    }
    if !env.is_empty() {
        env = format!("    env:\n{env}");
    }
    let name = &subject.needs.pipeline;
    format!(
        "# Written by `windlass deploy`. Secrets and variables belong into the settings of the repository:\n\
         # Settings > Secrets and variables > Actions.\n\
         name: {title}\n\
         on:\n\
         {on}\
         # A pipeline runs once at a time.\n\
         concurrency:\n\
         \x20 group: {group}\n\
         \x20 cancel-in-progress: false\n\
         permissions:\n\
         \x20 contents: read\n\
         jobs:\n\
         \x20 run_pipeline:\n\
         \x20   runs-on: ubuntu-latest\n\
         {env}\
         \x20   steps:\n\
         \x20     - uses: actions/checkout@v4\n\
         \x20     - uses: actions/setup-python@v5\n\
         \x20       with:\n\
         \x20         python-version: '3.12'\n\
         \x20         cache: pip\n\
         \x20         cache-dependency-path: {requirements}\n\
         \x20     - run: {install}\n\
         \x20     - name: {step}\n\
         \x20       run: {run}\n",
        title = yaml_quoted(&format!("Run pipeline {name}")),
        group = yaml_quoted(&format!("windlass-{}", subject.slug())),
        requirements = yaml_quoted(requirements),
        install = yaml_quoted(&format!("pip install -r {}", shell_quoted(requirements))),
        step = yaml_quoted(&format!("Run {name}")),
        run = yaml_quoted(&subject.shell()),
    )
}

/// The DAG of Airflow. `variables` says whether secrets are Variables of Airflow.
pub(super) fn airflow(subject: &Subject, schedule: &Schedule, variables: bool) -> String {
    let mut env = String::new();
    if variables {
        for (name, variable) in subject.variables() {
            let template = if variable.has_default {
                format!("{{{{ var.value.get('{name}', '') }}}}")
            } else {
                format!("{{{{ var.value.{name} }}}}")
            };
            env += &format!("            {}: {},\n", double_quoted(name), double_quoted(&template));
        }
    }
    let where_secrets = if variables {
        "Its secrets are Variables of Airflow, by the names below."
    } else {
        "Its secrets are in the environment of the workers."
    };
    let env = if env.is_empty() { "{}".to_owned() } else { format!("{{\n{env}        }}") };
    let words: Vec<String> = subject.words().iter().map(|word| shell_quoted(word)).collect();
    format!(
        "# Written by `windlass deploy`: runs the pipeline as a task. {where_secrets}\n\
         # For one task for each resource see `windlass.helpers.airflow_helper.PipelineTasksGroup`.\n\
         import pathlib\n\
         from datetime import datetime, timedelta, timezone\n\
         \n\
         try:\n\
         \x20   from airflow.providers.standard.operators.bash import BashOperator\n\
         \x20   from airflow.sdk import DAG\n\
         except ImportError:  # Airflow 2\n\
         \x20   from airflow import DAG\n\
         \x20   from airflow.operators.bash import BashOperator\n\
         \n\
         # The folder of the pipeline, where its settings are: `dags` lies beside it.\n\
         FOLDER = pathlib.Path(__file__).resolve().parent.parent / {folder}\n\
         \n\
         with DAG(\n\
         \x20   {dag_id},\n\
         \x20   schedule={schedule},\n\
         \x20   start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),\n\
         \x20   catchup=False,\n\
         \x20   # A pipeline runs once at a time.\n\
         \x20   max_active_runs=1,\n\
         \x20   tags=[\"windlass\"],\n\
         ):\n\
         \x20   BashOperator(\n\
         \x20       task_id=\"run\",\n\
         \x20       bash_command={command},\n\
         \x20       cwd=str(FOLDER),\n\
         \x20       env={env},\n\
         \x20       append_env=True,\n\
         \x20       retries=2,\n\
         \x20       retry_delay=timedelta(minutes=5),\n\
         \x20   )\n",
        folder = double_quoted(if subject.folder.is_empty() { "." } else { &subject.folder }),
        dag_id = double_quoted(&format!("run_{}", subject.slug())),
        schedule = double_quoted(schedule.fields()),
        // The space at the end keeps Airflow from taking a name that ends in .sh for the name of a template.
        command = double_quoted(&format!("{} ", words.join(" "))),
    )
}

/// A line of a crontab. `folder` and `log` are absolute, `program` runs the pipeline.
pub(super) fn crontab(
    subject: &Subject,
    schedule: &Schedule,
    folder: &str,
    program: &str,
    log: &str,
) -> String {
    let words: Vec<String> =
        std::iter::once(program).chain(subject.words().into_iter().skip(1)).map(shell_quoted).collect();
    let log = shell_quoted(log);
    let command = format!("cd {} && {} >> {log} 2>&1", shell_quoted(folder), words.join(" "));
    // To cron a percent sign is the end of a line.
    format!("{} {}\n", schedule.fields(), command.replace('%', r"\%"))
}

/// The Dockerfile. With `requirements` the Python package is installed, else a binary is copied.
pub(super) fn dockerfile(subject: &Subject, requirements: Option<&str>) -> String {
    let mut text =
        String::from("# Written by `windlass deploy`. Secrets come with `docker run`, not with the image:\n");
    let mut run = format!("#   docker run --rm -v {}_state:/var/lib/windlass", subject.slug());
    for (name, variable) in subject.variables() {
        if !variable.has_default {
            run += &format!(" -e {name}");
        }
    }
    text += &format!("{run} IMAGE\n");
    match requirements {
        Some(requirements) => {
            text += "FROM python:3.12-slim\nENV PYTHONUNBUFFERED=1\n";
            text += &format!(
                "COPY {requirements} /tmp/requirements.txt\n\
                 RUN pip install --no-cache-dir -r /tmp/requirements.txt\n"
            );
        }
        None => {
            text += "# `windlass` beside this file is the binary: cargo build --release -p windlass-cli --features bundled\n\
                     FROM debian:bookworm-slim\n\
                     RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \\\n\
                     \x20   && rm -rf /var/lib/apt/lists/*\n\
                     COPY --chmod=755 windlass /usr/local/bin/windlass\n";
        }
    }
    let root = if subject.folder.is_empty() { ".".to_owned() } else { subject.folder.clone() };
    text += "RUN useradd --create-home windlass && mkdir -p /var/lib/windlass && chown windlass /var/lib/windlass\n\
             USER windlass\n\
             # Working folders: kept in a volume, a run that was broken off goes on where it was.\n\
             ENV WINDLASS_DATA_DIR=/var/lib/windlass\n\
             VOLUME /var/lib/windlass\n\
             WORKDIR /pipeline\n";
    text += &format!("COPY --chown=windlass [{}, \"/pipeline/\"]\n", double_quoted(&format!("{root}/")));
    let words = subject.words();
    text += &format!("ENTRYPOINT {}\n", json_list(&words));
    text
}

fn json_list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| double_quoted(word)).collect();
    format!("[{}]", quoted.join(", "))
}

/// What is not to get into an image.
pub(super) const DOCKERIGNORE: &str = "\
# Secrets and what a run leaves behind.
**/.env
**/secrets.toml
**/*.duckdb
**/*.duckdb.wal
.git
**/__pycache__
";
