//! `windlass deploy`: what is written is what the other side reads.

use std::process::Command;

use serde_json::Value;
use windlass::core::document::{Document, DocumentFormat};

use crate::project::Project;

/// A pipeline with a secret variable, a plain one, one with a default, and a secret in a file.
fn project(file: &str) -> Project {
    let project = Project::new();
    project.write(
        file,
        "pipeline: shop\ndataset: d\ndestination: {type: postgres, credentials: \"${PG_URL}\"}\n\
         source:\n  type: inline\n  resources: [{name: t, items: [{id: \"${API_TOKEN}\", at: \"${BASE:-x}\"}]}]\n",
    );
    let folder = std::path::Path::new(file).parent().unwrap();
    let secrets = folder.join(".windlass/secrets.toml");
    project.write(secrets.to_str().unwrap(), "[sources.inline]\npassword = \"very-secret\"\n");
    project
}

fn json(project: &Project, args: &[&str]) -> Value {
    let done = project.windlass(&[args, &["--json"]].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(!done.stdout.contains("very-secret"));
    serde_json::from_str(&done.stdout).unwrap()
}

fn read(project: &Project, path: &str) -> String {
    let text = std::fs::read_to_string(project.path(path)).unwrap();
    assert!(!text.contains("very-secret"), "{path} holds a secret");
    text
}

/// Whether a shell can read the text.
fn is_shell(text: &str) -> bool {
    Command::new("sh").args(["-n", "-c", text]).status().unwrap().success()
}

#[test]
fn a_workflow_of_github_is_yaml_that_names_secrets() {
    let project = project("jobs/my shop/p.yaml");
    let told =
        json(&project, &["deploy", "jobs/my shop/p.yaml", "github-action", "--schedule", "30 3 * * 1-5"]);
    let path = ".github/workflows/run_shop_workflow.yml";
    assert_eq!(told["written"], serde_json::json!([path, "requirements_github_action.txt"]));
    assert_eq!(told["secrets"], serde_json::json!(["API_TOKEN", "SOURCES__INLINE__PASSWORD"]));
    assert_eq!(told["variables"], serde_json::json!(["BASE", "PG_URL"]));
    let workflow = Document::parse(&read(&project, path), DocumentFormat::Yaml, path).unwrap().value;
    assert_eq!(workflow["on"]["schedule"][0]["cron"], "30 3 * * 1-5");
    assert!(workflow["on"]["workflow_dispatch"].is_object() && workflow["on"].get("push").is_none());
    let job = &workflow["jobs"]["run_pipeline"];
    assert_eq!(job["env"]["API_TOKEN"], "${{ secrets.API_TOKEN }}");
    assert_eq!(job["env"]["PG_URL"], "${{ vars.PG_URL }}");
    let steps: Vec<&str> =
        job["steps"].as_array().unwrap().iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(
        steps,
        [
            "pip install -r requirements_github_action.txt",
            "cd 'jobs/my shop' && windlass run p.yaml --progress plain"
        ]
    );
    assert!(steps.iter().all(|step| is_shell(step)));
    assert!(read(&project, "requirements_github_action.txt").starts_with("windlass>="));
}

#[test]
fn triggers_of_a_workflow_are_what_was_asked_for() {
    let project = project("p.yaml");
    let args = [
        "deploy",
        "p.yaml",
        "github-action",
        "--schedule",
        "@daily",
        "--run-manually",
        "false",
        "--run-on-push",
    ];
    json(&project, &[&args[..], &["--requirement", "windlass==1.2"]].concat());
    let path = ".github/workflows/run_shop_workflow.yml";
    let workflow = Document::parse(&read(&project, path), DocumentFormat::Yaml, path).unwrap().value;
    assert_eq!(workflow["on"]["schedule"][0]["cron"], "0 0 * * *");
    assert!(workflow["on"].get("workflow_dispatch").is_none() && workflow["on"]["push"].is_object());
    assert_eq!(read(&project, "requirements_github_action.txt"), "windlass==1.2\n");
}

#[test]
fn what_exists_is_written_over_only_by_force() {
    let project = project("p.yaml");
    let args = ["deploy", "p.yaml", "dockerfile"];
    json(&project, &args);
    project.write(".dockerignore", "my own\n").write("Dockerfile", "FROM scratch\n");
    let done = project.windlass(&args);
    assert_eq!(done.code, 2);
    done.says(&["Dockerfile exists already"], "--force");
    assert_eq!(read(&project, "Dockerfile"), "FROM scratch\n");
    json(&project, &[&args[..], &["--force"]].concat());
    assert!(read(&project, "Dockerfile").contains("FROM debian"));
    // What users add to stays.
    assert_eq!(read(&project, ".dockerignore"), "my own\n");
}

#[test]
fn a_dockerfile_copies_the_binary_or_installs_the_package() {
    let project = project("jobs/p.yaml");
    json(&project, &["deploy", "jobs/p.yaml", "dockerfile"]);
    let binary = read(&project, "Dockerfile");
    json(&project, &["deploy", "jobs/p.yaml", "dockerfile", "--python", "--force"]);
    let package = read(&project, "Dockerfile");
    for text in [&binary, &package] {
        let known =
            ["#", "FROM ", "RUN ", "COPY ", "USER ", "ENV ", "VOLUME ", "WORKDIR ", "ENTRYPOINT ", "    "];
        for line in text.lines() {
            assert!(known.iter().any(|word| line.starts_with(word)), "{line}");
        }
        let one_line = text.replace("\\\n", " ");
        for line in one_line.lines() {
            if let Some(command) = line.strip_prefix("RUN ") {
                assert!(is_shell(command), "{command}");
            }
            if let Some(words) = line.strip_prefix("ENTRYPOINT ") {
                let words: Vec<String> = serde_json::from_str(words).unwrap();
                assert_eq!(words, ["windlass", "run", "p.yaml", "--progress", "plain"]);
            }
        }
        assert!(text.contains("COPY --chown=windlass [\"jobs/\", \"/pipeline/\"]"));
        assert!(text.contains("USER windlass") && text.contains("-e API_TOKEN"));
    }
    assert!(binary.contains("COPY --chmod=755 windlass /usr/local/bin/windlass"));
    assert!(package.contains("FROM python:") && package.contains("pip install"));
    assert!(read(&project, ".dockerignore").contains("**/secrets.toml"));
}

#[test]
fn a_line_for_cron_runs_as_it_is() {
    let project = Project::new();
    project.write(
        "my 100% shop/p.yaml",
        "pipeline: p\ndataset: d\ndestination: {type: duckdb, credentials: out.duckdb}\n\
         source: {type: inline, resources: [{name: t, items: [{id: 1}]}]}\n",
    );
    let args = ["deploy", "my 100% shop/p.yaml", "crontab", "--schedule", "*/5 * * * *"];
    let mut command = project.command(&args);
    let path = std::env::join_paths([std::path::Path::new(env!("CARGO_BIN_EXE_windlass")).parent().unwrap()])
        .unwrap();
    let done = crate::project::Done::of(command.env("PATH", path).output().unwrap());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let line = done.stdout.trim_end();
    let command = line.strip_prefix("*/5 * * * * ").unwrap();
    assert!(!command.replace("\\%", "").contains('%'), "{command}");
    // What cron hands to the shell.
    let command = command.replace("\\%", "%");
    let ran = Command::new("/bin/sh")
        .args(["-c", &command])
        .env("HOME", project.path(""))
        .env("WINDLASS_DATA_DIR", project.path("work"))
        .status()
        .unwrap();
    assert!(ran.success());
    assert!(project.path("my 100% shop/out.duckdb").exists());
    assert!(project.path("my 100% shop/.windlass/p.log").exists());
}

#[test]
fn cron_is_told_of_as_knowing_no_variables() {
    let project = project("p.yaml");
    let done = project.windlass(&["deploy", "p.yaml", "crontab", "--schedule", "@hourly"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("API_TOKEN, PG_URL, SOURCES__INLINE__PASSWORD"), "{}", done.stderr);
}

#[test]
fn a_script_is_run_by_python() {
    let project = Project::new();
    project.write("etl/load.py", "import os\nimport windlass as dlt\nkey = os.environ['API_KEY']\ndlt.pipeline('my shop', destination='duckdb')\n");
    let done = project.windlass(&["deploy", "etl/load.py", "github-action", "--schedule", "@daily"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("gone when the job ends"), "{}", done.stderr);
    let workflow = read(&project, ".github/workflows/run_my_shop_workflow.yml");
    assert!(
        workflow.contains("cd etl && python load.py") && workflow.contains("secrets.API_KEY"),
        "{workflow}"
    );
    let told = json(&project, &["deploy", "etl/load.py", "airflow"]);
    assert_eq!(told["written"][0], "dags/dag_my_shop.py");
    json(&project, &["deploy", "etl/load.py", "dockerfile"]);
    assert!(read(&project, "Dockerfile").contains("ENTRYPOINT [\"python\", \"load.py\"]"));
}

#[test]
fn a_dag_names_variables_of_airflow() {
    let project = project("jobs/p.yaml");
    json(&project, &["deploy", "jobs/p.yaml", "airflow-composer", "--schedule", "@weekly"]);
    let dag = read(&project, "dags/dag_shop.py");
    for piece in [
        "\"run_shop\"",
        "schedule=\"0 0 * * 0\"",
        "/ \"jobs\"",
        "\"API_TOKEN\": \"{{ var.value.API_TOKEN }}\"",
        "\"BASE\": \"{{ var.value.get('BASE', '') }}\"",
        "windlass run p.yaml --progress plain",
    ] {
        assert!(dag.contains(piece), "{piece} is not in {dag}");
    }
    json(&project, &["deploy", "jobs/p.yaml", "airflow", "--secrets-format", "env", "--force"]);
    assert!(!read(&project, "dags/dag_shop.py").contains("API_TOKEN"));
}

#[test]
fn what_cannot_be_deployed_is_a_matter_of_usage() {
    let project = project("p.yaml");
    for (args, what, hint) in [
        (&["deploy", "nowhere.yaml", "dockerfile"][..], "there is no file nowhere.yaml", "windlass init"),
        (&["deploy", "nowhere.py", "dockerfile"], "there is no file nowhere.py", "Python script"),
        (&["deploy", "p.yaml", "crontab", "--schedule", "61 * * * *"], "`61` is no minute", "@daily"),
        (&["deploy", "p.yaml", "dockerfile", "--out", "work"], "work", "--out"),
    ] {
        let done = project.windlass(args);
        assert_eq!(done.code, 2, "{args:?}: {}", done.stderr);
        done.says(&[what], hint);
    }
    assert_eq!(project.windlass(&["deploy", "p.yaml", "github-action"]).code, 2);
    assert_eq!(project.windlass(&["deploy", "p.yaml"]).code, 2);
    assert!(!project.path("Dockerfile").exists() && !project.path(".github").exists());
}
