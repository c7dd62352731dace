//! Names that are paths: of pipelines, datasets, tables, resources, files, and keys of the data.

use std::collections::BTreeMap;
use std::path::Path;

use crate::project::Project;

/// Everything below a folder, links not followed: path to content.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let kind = std::fs::symlink_metadata(&path).unwrap();
        if kind.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let content = if kind.is_file() {
            String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned()
        } else {
            String::new()
        };
        found.insert(path.strip_prefix(folder).unwrap().display().to_string(), content);
    }
    found
}

/// A project in `proj` beside a folder `victim`, with a pipeline file of these parts.
fn sandbox(pipeline: &str, dataset: &str, destination: &str, resource: &str, more: &str) -> Project {
    let project = Project::new();
    project.write("victim/precious.txt", "precious").write("victim/sub/deep.txt", "precious");
    project.write(
        "p.yaml",
        format!(
            "pipeline: {pipeline}\ndataset: {dataset}\ndestination: {destination}\n{more}source:\n  type: \
             filesystem\n  bucket_url: data\n  resources:\n    - {{name: r, {resource}}}\n"
        ),
    );
    project.write("data/a.jsonl", "{\"id\":1}\n");
    project
}

const OUT: &str = "{type: filesystem, bucket_url: out/put}";
const GLOB: &str = "file_glob: \"*.jsonl\"";

/// A run that is refused with this, and touches neither the victim nor the destination.
#[track_caller]
fn refused(project: &Project, said: &[&str], hint: &str) {
    let before = tree(&project.path("victim"));
    for _ in 0..2 {
        let done = project.windlass(&["run", "p.yaml"]);
        assert!(done.code == 1 || done.code == 2, "{} {}", done.code, done.stderr);
        done.says(said, hint);
        assert_eq!(tree(&project.path("victim")), before);
        let outside: Vec<String> = tree(&project.path("")).into_keys().collect();
        assert!(
            !outside.iter().any(|path| path.contains(".jsonl.gz") && !path.contains("work/")),
            "{outside:?}"
        );
    }
}

#[test]
fn keys_of_data_that_are_paths_are_refused_and_delete_nothing() {
    let keys = ["../../../../../victim", "../victim", "/victim", "a/b", "..\\\\victim", "x\\u0000y"];
    for (naming, disposition) in [("direct", "replace"), ("duck_case", "replace"), ("direct", "append")] {
        for key in keys {
            let resource = format!("{GLOB}, write_disposition: {disposition}");
            let project = sandbox("trav", "ds", OUT, &resource, &format!("schema: {{naming: {naming}}}\n"));
            project.write("data/a.jsonl", format!("{{\"id\":1,\"{key}\":[{{\"x\":1}}]}}\n"));
            refused(
                &project,
                &["cannot be the name of a table", "resource `r`"],
                "names become parts of paths",
            );
        }
    }
    // Where names are replaced, the same key is a harmless one.
    let project = sandbox("trav", "ds", OUT, &format!("{GLOB}, write_disposition: replace"), "");
    project.write("data/a.jsonl", "{\"id\":1,\"../../victim\":[{\"x\":1}]}\n");
    let before = tree(&project.path("victim"));
    for _ in 0..2 {
        project.run(0);
        assert_eq!(tree(&project.path("victim")), before);
    }
}

#[test]
fn other_signs_in_names_are_kept_and_stay_out_of_our_own_folders() {
    let more = "schema: {naming: direct}\nload: {delete_completed_jobs: false}\n";
    let resource = format!("{GLOB}, table_name: \"a b*[x]%\", write_disposition: replace");
    let project = sandbox("p", "ds", OUT, &resource, more);
    project.write("data/a.jsonl", "{\"id\":1,\"~ <\":[{\"x\":1}]}\n");
    project.run(0);
    project.run(0);
    for table in ["a b*[x]%", "a b*[x]%▶~ <"] {
        assert_eq!(std::fs::read_dir(project.path(&format!("out/put/ds/{table}"))).unwrap().count(), 1);
        assert_eq!(project.one(&format!("SELECT count(*) FROM \"{table}\"")), "1");
    }
    let jobs: Vec<String> =
        tree(&project.path("work")).into_keys().filter(|path| path.contains("/jobs/")).collect();
    let is_number = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.split('.').next().is_some_and(|stem| !stem.contains(['a', 'b', '*', '%']))
    };
    assert!(
        !jobs.is_empty() && jobs.iter().filter(|path| !path.contains("/jobs/state")).all(is_number),
        "{jobs:?}"
    );
}

#[test]
fn names_of_tables_and_resources_that_are_paths_are_refused_before_anything_is_written() {
    for name in ["../../victim", "/tmp/x", "a/b", "a\\\\b", "..", ".", "C:\\\\x", "c:x", "a\\0b"] {
        for destination in
            [OUT, "{type: duckdb, credentials: out.duckdb}", "{type: sqlite, credentials: out.db}"]
        {
            let resource = format!("{GLOB}, table_name: \"{name}\", write_disposition: replace");
            let project = sandbox("p", "ds", destination, &resource, "schema: {naming: direct}\n");
            refused(&project, &["cannot be the name of a table"], "names become parts of paths");
            assert!(!project.path("out").exists() && !project.path("out.duckdb").exists());
            assert!(!project.path("out.db").exists());
        }
    }
    for name in ["_dlt_loads", "_dlt_version", "_dlt_pipeline_state"] {
        let project =
            sandbox("p", "ds", OUT, &format!("{GLOB}, table_name: {name}, write_disposition: replace"), "");
        refused(&project, &["the engine has one of this name"], "another table_name");
    }
}

#[test]
fn names_of_datasets_that_are_paths_are_refused() {
    let kinds = [
        "type: filesystem, bucket_url: out/put",
        "type: duckdb, credentials: out.duckdb",
        "type: sqlite, credentials: sub/out.db",
    ];
    for kind in kinds {
        for name in ["../../victim", "..", "/tmp/x", "a/b", "x\\\\y", "c:x"] {
            let destination = format!("{{{kind}, enable_dataset_name_normalization: false}}");
            let project = sandbox("p", &format!("\"{name}\""), &destination, GLOB, "");
            refused(&project, &["cannot be the name of a dataset"], "rename it");
        }
    }
    let staging = "{type: sqlite, credentials: out.db, staging_dataset_name_layout: \"../%s\"}";
    let project = sandbox("p", "ds", staging, GLOB, "schema: {naming: direct}\n");
    refused(&project, &["cannot be the name of a staging dataset"], "rename it");
}

#[test]
fn names_of_pipelines_that_are_paths_are_refused_everywhere() {
    for name in ["../../victim", "..", "/tmp/x", "a/b", "x\\\\y", ".hidden", "c:x"] {
        refused(
            &sandbox(&format!("\"{name}\""), "ds", OUT, GLOB, ""),
            &["cannot be the name of a pipeline"],
            "folder",
        );
    }
    let project = sandbox("p", "ds", OUT, GLOB, "");
    project.write("work/victim2/packages/1/checkpoint.json", "{}");
    for command in ["info", "loads", "drop-pending", "state", "trace"] {
        let done = project.windlass(&["pipeline", command, "../victim2"]);
        assert_eq!(done.code, 2, "{}", done.stderr);
    }
    assert!(project.path("work/victim2/packages/1/checkpoint.json").exists());
    let done = project.windlass(&["init", "inline", "duckdb", "--name", "../victim/x"]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert!(!project.path("victim/x.yaml").exists());
}

#[test]
fn layouts_and_placeholders_cannot_leave_the_bucket() {
    let layouts = [
        "../{table_name}/{file_id}",
        "/tmp/{table_name}/{file_id}",
        "{table_name}/../../../victim/{file_id}",
        "{table_name}/./{file_id}",
        "{table_name}/a\\\\b/{file_id}",
        "{table_name}/{up}/{file_id}",
        "{table_name}/.{dot}/{file_id}",
        "{table_name}/x\\0/{file_id}",
    ];
    for layout in layouts {
        let destination = format!(
            "{{type: filesystem, bucket_url: out/put, layout: \"{layout}\", extra_placeholders: {{up: \"../../..\", \
             dot: \".\"}}}}"
        );
        refused(&sandbox("p", "ds", &destination, GLOB, ""), &["layout"], "folder of the dataset");
    }
    // Folders in the value of a placeholder are fine as long as they lie below.
    let destination = "{type: filesystem, bucket_url: out/put, layout: \"{table_name}/{team}/{file_id}.{ext}\", \
                       extra_placeholders: {team: \"a/b\"}}";
    let project = sandbox("p", "ds", destination, GLOB, "");
    project.run(0);
    assert_eq!(std::fs::read_dir(project.path("out/put/ds/r/a/b")).unwrap().count(), 1);
}

#[test]
fn tables_that_would_lie_in_the_place_of_the_engines_own_files_are_refused() {
    for name in ["init", ".windlass", ".WINDLASS"] {
        let resource = format!("{GLOB}, table_name: {name}, write_disposition: replace");
        let project = sandbox("p", "ds", OUT, &resource, "schema: {naming: direct}\n");
        refused(&project, &["which is the engine's own", "table `"], "change the layout");
    }
    let long = "x".repeat(300);
    let project = sandbox("p", "ds", OUT, &format!("{GLOB}, table_name: {long}"), "");
    refused(&project, &["longer than a file system takes"], "name of the table");
    // Nothing is left that could never be loaded.
    project.write("p.yaml", std::fs::read_to_string(project.path("p.yaml")).unwrap().replace(&long, "t"));
    project.run(0);
}

#[test]
fn globs_cannot_leave_the_bucket() {
    for glob in ["../victim/*", "**/../../victim/*", "/etc/host*", ".."] {
        let project = sandbox("p", "ds", OUT, &format!("file_glob: \"{glob}\", format: jsonl"), "");
        refused(&project, &["leads out of bucket_url"], "name the folder that holds all of the files");
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_bucket_are_not_followed_for_deletion() {
    use std::os::unix::fs::symlink;
    let replace = format!("{GLOB}, write_disposition: replace");
    for place in ["out/put/ds/r", "out/put/ds", "out/put/ds/r/sub"] {
        let project = sandbox("p", "ds", OUT, &replace, "");
        project.run(0);
        let link = project.path(place);
        if link.exists() {
            std::fs::remove_dir_all(&link).unwrap();
        }
        project.write("victim/r/precious.txt", "precious");
        symlink(project.path("victim"), &link).unwrap();
        let before = tree(&project.path("victim"));
        project.run(1).says(&["symbolic link"], "put the folder itself in its place");
        let after = tree(&project.path("victim"));
        assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)), "{place}: {after:?}");
        std::fs::remove_file(&link).unwrap();
        project.run(0);
    }
    // A link that stands for one file is removed, not what it leads to.
    let project = sandbox("p", "ds", OUT, &replace, "");
    project.run(0);
    symlink(project.path("victim/precious.txt"), project.path("out/put/ds/r/link.jsonl")).unwrap();
    project.run(0);
    assert!(
        project.path("victim/precious.txt").exists() && !project.path("out/put/ds/r/link.jsonl").exists()
    );
}

#[test]
fn a_commit_in_the_bucket_that_names_paths_outside_is_not_carried_out() {
    let project = sandbox("p", "ds", OUT, &format!("{GLOB}, write_disposition: replace"), "");
    project.run(0);
    let leases = project.path("out/put/ds/.windlass/.lease/p");
    let newest = std::fs::read_dir(&leases).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    let commit = serde_json::json!({ "committed": {
        "load_id": "1.1", "gathering": "../../../victim", "removed": ["../../../victim/precious.txt"], "moved": [],
        "state": null, "load": { "path": "_dlt_loads/x.jsonl", "content": {} },
    }});
    std::fs::write(newest.with_extension("end"), commit.to_string()).unwrap();
    let before = tree(&project.path("victim"));
    project.run(1).says(&["leads out of the dataset"], ".windlass/.lease");
    assert_eq!(tree(&project.path("victim")), before);
}

#[test]
fn replacing_a_table_keeps_the_files_of_tables_whose_names_begin_like_its() {
    for separator in [".", "-", "_", "/"] {
        let project = Project::new();
        let resource = |name: &str, disposition: &str| {
            format!("    - {{name: {name}, file_glob: '*', write_disposition: {disposition}}}\n")
        };
        let others = ["ev.x", "ev-1", "ev_archive", "ev.x.y"];
        let resources: String = [resource("ev", "replace")]
            .into_iter()
            .chain(others.map(|name| resource(name, "append")))
            .collect();
        project.write("data/a.jsonl", "{\"id\":1,\"list\":[1]}\n");
        project.write(
            "p.yaml",
            format!(
                "pipeline: p\ndataset: d\ndestination: {{type: filesystem, bucket_url: out, layout: \
                 '{{table_name}}{separator}{{load_id}}.{{file_id}}.{{ext}}'}}\nschema: {{naming: direct}}\nsource:\n  type: \
                 filesystem\n  bucket_url: data\n  resources:\n{resources}"
            ),
        );
        let count = |table: &str| project.one(&format!("SELECT count(*) FROM \"{table}\""));
        project.run(0);
        project.write("d/foreign.txt", "").write("out/d/ev.notes.txt", "mine");
        project.run_with(&["--select", "ev"], 0);
        for table in others {
            assert_eq!(count(table), "1", "{separator} {table}");
            assert_eq!(count(&format!("{table}▶list")), "1", "{separator} {table}");
        }
        assert_eq!((count("ev"), count("ev▶list")), ("1".to_owned(), "1".to_owned()), "{separator}");
        assert!(project.path("out/d/ev.notes.txt").exists(), "{separator}");
        project.run(0);
        assert_eq!((count("ev"), count("ev.x")), ("1".to_owned(), "2".to_owned()), "{separator}");
        // What is dropped takes no more with it.
        let done = project.windlass(&["pipeline", "drop", "p.yaml", "ev", "--yes"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        for table in others {
            assert_eq!(count(table), "2", "{separator} {table}");
        }
    }
}

#[test]
fn an_address_of_a_service_is_no_name_of_a_local_file() {
    for kind in ["duckdb", "sqlite"] {
        for address in [
            "md:mydb?motherduck_token=of-two",
            "motherduck:mydb",
            "MD:mydb",
            "md://mydb?motherduck_token=of-two",
        ] {
            let project = Project::with(&format!("{{type: {kind}, credentials: '{address}'}}"), "");
            project.write("data/a.jsonl", "{\"id\":1}\n");
            let before = tree(&project.path(""));
            for command in ["validate", "plan", "run"] {
                let done = project.windlass(&[command, "p.yaml"]);
                assert_eq!(done.code, 2, "{address} {command}: {}{}", done.stdout, done.stderr);
                assert!(!done.stderr.contains("of-two"), "{}", done.stderr);
            }
            let added: Vec<String> =
                tree(&project.path("")).into_keys().filter(|path| !before.contains_key(path)).collect();
            assert!(added.iter().all(|path| path.starts_with("work")), "{added:?}");
        }
    }
}
