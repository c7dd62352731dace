//! Secrets, working folders, packages and recordings are for their owner alone, whatever the umask.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::project::{Done, Project};

/// The paths below a folder, itself included, that others than the owner may do anything with, or their owner too much.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    let mut count = 0;
    while let Some(path) = open.pop() {
        let kind = std::fs::symlink_metadata(&path).unwrap();
        let wanted = if kind.is_dir() { 0o700 } else { 0o600 };
        let mode = kind.permissions().mode() & 0o777;
        if mode != wanted {
            found.push(format!("{} {mode:o}", path.display()));
        }
        count += 1;
        if kind.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert!(count > 0);
    found
}

/// The binary under a umask.
fn under(umask: &str, project: &Project, args: &[&str]) -> Done {
    let plain = project.command(args);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("umask {umask}; exec \"$0\" \"$@\"")).arg(plain.get_program()).args(args);
    command.current_dir(project.path("")).env_clear();
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    Done::of(command.output().unwrap())
}

#[test]
fn a_working_folder_is_closed_while_packages_wait_and_afterwards() {
    for umask in ["000", "022", "077"] {
        for destination in ["{type: filesystem, bucket_url: out}", "{type: duckdb, credentials: out.duckdb}"]
        {
            let project = Project::with(destination, "on_bad_record: reject");
            project.write("data/a.jsonl", "{\"id\":1,\"l\":[1]}\nbroken\n{\"id\":2}\n");
            let done = under(umask, &project, &["run", "p.yaml"]);
            // One record was rejected.
            assert_eq!(done.code, 3, "{}", done.stderr);
            assert_eq!(open_to_others(&project.path("work")), Vec::<String>::new(), "{umask}");
            assert_eq!(
                std::fs::metadata(project.path("work/pipelines")).unwrap().permissions().mode() & 0o777,
                0o700
            );
        }
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn packages_are_closed_wherever_a_run_breaks() {
    for point in
        ["extract.done", "package.before_seal", "package.after_seal", "load.migrated", "load.before_commit"]
    {
        let project = Project::with("{type: filesystem, bucket_url: out}", "");
        project.write("data/a.jsonl", "{\"id\":1,\"l\":[1]}\n");
        let args = ["run", "p.yaml"];
        let plain = project.command(&args);
        let mut command = Command::new("sh");
        command.arg("-c").arg("umask 0; exec \"$0\" \"$@\"").arg(plain.get_program()).args(args);
        command.current_dir(project.path("")).env_clear().env("WINDLASS_FAILPOINT", format!("{point}=kill"));
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap());
        }
        assert_eq!(Done::of(command.output().unwrap()).code, 137);
        assert_eq!(open_to_others(&project.path("work")), Vec::<String>::new(), "{point}");
        project.run(0);
    }
}

#[test]
fn files_of_a_bucket_have_the_rights_that_the_umask_says() {
    for (umask, wanted) in [("022", 0o644), ("027", 0o640), ("077", 0o600)] {
        let project = Project::with("{type: filesystem, bucket_url: out}", "");
        project.write("data/a.jsonl", "{\"id\":1}\n");
        let done = under(umask, &project, &["run", "p.yaml"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let file = std::fs::read_dir(project.path("out/d/t")).unwrap().next().unwrap().unwrap().path();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, wanted, "{umask}");
    }
}

#[test]
fn a_working_folder_that_was_left_open_is_closed_by_the_next_run() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\":1}\n");
    project.run(0);
    let work = project.path("work/pipelines/p");
    std::fs::set_permissions(&work, std::fs::Permissions::from_mode(0o755)).unwrap();
    project.run(0);
    assert_eq!(std::fs::metadata(&work).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn secrets_are_closed_from_the_moment_they_are_written() {
    for umask in ["000", "022"] {
        let project = Project::new();
        let done = under(umask, &project, &["init", "inline", "duckdb", "--name", "x"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let secrets = project.path(".windlass/secrets.toml");
        assert_eq!(std::fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o600);
        // One that was there is closed as well.
        std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(under(umask, &project, &["init", "inline", "duckdb", "--name", "y"]).code, 0);
        assert_eq!(std::fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[cfg(feature = "http")]
#[test]
fn recordings_are_closed() {
    let server = crate::rest_api::Server::new(crate::rest_api::blog);
    let project = crate::rest_api::project(&server.url, crate::rest_api::BLOG);
    let done = under("000", &project, &["record", "p.yaml", "--out", "tape/deep"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(open_to_others(&project.path("tape")), Vec::<String>::new());
    // A folder of the user's own stays as it is, what is written into it does not.
    let folder = project.path("own");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(under("000", &project, &["record", "p.yaml", "--out", "own"]).code, 0);
    assert_eq!(open_to_others(&folder), [format!("{} 755", folder.display())]);
}
