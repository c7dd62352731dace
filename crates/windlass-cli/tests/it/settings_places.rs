//! Where settings of a pipeline file may stand, beside the folders of settings next to it.

use crate::project::{Done, Project};

/// A pipeline that says neither where its data is nor where it goes.
fn project() -> Project {
    let project = Project::new();
    project.write(
        "p.yaml",
        "pipeline: p\ndataset: d\ndestination: duckdb\nsource:\n  type: filesystem\n  name: shop\n  resources:\n    \
         - {name: t, file_glob: \"*\"}\n",
    );
    project.write("data/a.jsonl", "{\"a\": 1}\n");
    project
}

fn run(project: &Project, env: &[(&str, &str)]) -> Done {
    let env =
        env.iter().map(|(name, value)| (*name, value.replace('~', &project.path("").display().to_string())));
    let done = Done::of(project.command(&["run", "p.yaml"]).envs(env).output().unwrap());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    done
}

#[test]
fn the_type_of_a_source_may_be_left_out() {
    let project = project();
    project.write(".dlt/config.toml", "[sources.shop]\nbucket_url = \"data\"\n");
    run(&project, &[("DESTINATION__DUCKDB__CREDENTIALS", "out.duckdb")]);
    assert!(project.path("out.duckdb").exists());
}

#[test]
fn secrets_may_stand_in_files_of_their_own() {
    let project = project();
    project.write("mounted/sources--filesystem--bucket-url", "data\n");
    project.write(
        "mounted/destination--duckdb--credentials/destination--duckdb--credentials",
        "of-a-secret.duckdb",
    );
    run(&project, &[("WINDLASS_SECRETS_DIR", "~mounted")]);
    assert!(project.path("of-a-secret.duckdb").exists());
}

#[test]
fn the_project_and_its_folder_of_settings_may_be_elsewhere() {
    let project = project();
    let settings = |name: &str| {
        format!(
            "[destination.duckdb]\ncredentials = \"{name}.duckdb\"\n[sources.shop]\nbucket_url = \"data\"\n"
        )
    };
    project.write(".dlt/config.toml", settings("beside"));
    project.write("other/.dlt/config.toml", settings("other"));
    project.write("other/conf/config.toml", settings("conf"));
    let in_other = ("DLT_PROJECT_DIR", "~other");
    run(&project, &[in_other]);
    run(&project, &[in_other, ("DLT_CONFIG_FOLDER", "conf")]);
    // Relative paths stay those of the pipeline file.
    assert!(project.path("other.duckdb").exists() && project.path("conf.duckdb").exists());
    assert!(!project.path("beside.duckdb").exists());
}

#[test]
fn the_data_of_the_user_may_be_elsewhere() {
    let project = project();
    project.write("user/config.toml", "[sources.shop]\nbucket_url = \"data\"\n");
    let mut command = project.command(&["run", "p.yaml"]);
    command.env_remove("WINDLASS_DATA_DIR").env("DLT_DATA_DIR", project.path("user"));
    let done = Done::of(command.env("CREDENTIALS", "out.duckdb").output().unwrap());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(project.path("user/pipelines/p").is_dir());
}
