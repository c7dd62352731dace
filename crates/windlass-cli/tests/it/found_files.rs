//! Which files are read: odd names, links, URLs, and only those that are new.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::project::Project;

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_and_loops_of_links_are_no_trouble() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let project = Project::files("");
    let yaml = std::fs::read_to_string(project.path("p.yaml")).unwrap().replace("\"*\"", "\"**/*\"");
    project.write("p.yaml", yaml);
    project.write("data/a.jsonl", "{\"a\":1}\n").write("data/x/b.jsonl", "{\"a\":3}\n");
    std::fs::write(project.path("data").join(OsStr::from_bytes(b"caf\xe9.jsonl")), "{\"a\":2}\n").unwrap();
    std::os::unix::fs::symlink("..", project.path("data/x/up")).unwrap();
    std::os::unix::fs::symlink("itself", project.path("data/itself")).unwrap();
    project.run(0);
    assert_eq!(project.query("SELECT a FROM t ORDER BY a"), ["1", "2", "3"]);
    // An error names such a file as well as that can be.
    std::fs::write(project.path("data").join(OsStr::from_bytes(b"caf\xe9.jsonl")), "{\n").unwrap();
    project.run(1).says(&["caf\u{fffd}.jsonl:1:"], "fix the record");
}

#[test]
fn a_url_may_say_blanks_by_their_numbers() {
    let project = Project::files("");
    project.write("my dir/a.jsonl", "{\"id\":1}\n");
    let url = format!("file://{}", project.path("my%20dir").display());
    let yaml = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", yaml.replace("bucket_url: data", &format!("bucket_url: {url}")));
    project.run(0);
    assert_eq!(project.one("SELECT id FROM t"), "1");
    // A destination understands the same.
    let out = format!("file://{}", project.path("my%20out").display());
    let project = Project::with(&format!("{{type: filesystem, bucket_url: '{out}'}}"), "");
    project.write("data/a.jsonl", "{\"id\":1}\n");
    project.run(0);
    let folder = Path::new(&out["file://".len()..]).with_file_name("my out");
    assert!(folder.join("d/t").is_dir(), "{}", folder.display());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn gzip_files_may_be_padded_with_zeros() {
    let project = Project::files("");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"{\"id\": 1}\n").unwrap();
    let mut bytes = packed.finish().unwrap();
    bytes.resize(bytes.len() + 5000, 0);
    project.write("data/a.jsonl.gz", bytes);
    project.run(0);
    assert_eq!(project.one("SELECT id FROM t"), "1");
}

fn set_time(path: &Path, seconds: u64) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

#[test]
fn only_new_files_are_read_by_their_date() {
    let project = Project::files("incremental: modification_date, write_disposition: append");
    let ids = || project.query("SELECT id FROM t ORDER BY id").join(" ");
    let put = |name: &str, id: u64, at: u64| {
        project.write(name, format!("{{\"id\":{id}}}\n"));
        set_time(&project.path(name), at);
    };
    put("data/b.jsonl", 1, 2_000_000);
    project.run(0);
    assert_eq!(project.run(0).warnings(), Vec::<&str>::new());
    assert_eq!(ids(), "1");
    // One that is older than what was loaded is new all the same.
    put("data/a.jsonl", 2, 1_000_000);
    let planned = project.windlass(&["plan", "p.yaml"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    project.run(0);
    assert_eq!(ids(), "1 2");
    // So is one that was written again.
    put("data/b.jsonl", 3, 3_000_000);
    project.run(0);
    project.run(0);
    assert_eq!(ids(), "1 2 3");
    // The working folder may be lost: the state is at the destination.
    std::fs::remove_dir_all(project.path("work")).unwrap();
    project.run(0);
    assert_eq!(ids(), "1 2 3");
}

#[test]
fn only_new_files_are_read_by_their_names() {
    let project = Project::files("incremental: file_url");
    project.write("data/b.jsonl", "{\"id\":1}\n");
    project.run(0);
    project.write("data/b.jsonl", "{\"id\":9}\n").write("data/a.jsonl", "{\"id\":2}\n");
    project.run(0);
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"]);
    // A load that fails leaves its files new.
    project.write("data/c.jsonl", "{\"id\":3}\n{\n");
    project.run(1);
    project.write("data/c.jsonl", "{\"id\":3}\n");
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2", "3"]);
    project.windlass(&["run", "p.yaml", "--refresh", "drop_resources"]);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["2", "3", "9"]);
}

#[test]
fn a_folder_that_is_written_differently_has_no_new_files() {
    for by in ["modification_date", "file_url"] {
        let project = Project::files(&format!("incremental: {by}, write_disposition: append"));
        let yaml = std::fs::read_to_string(project.path("p.yaml")).unwrap();
        project.write("data/a.jsonl", "{\"id\":1}\n").write("data/x/b.jsonl", "{\"id\":2}\n");
        project.run(0);
        let whole = project.path("data").display().to_string();
        for url in [
            "./data",
            "data/",
            "./data/.",
            "data/../data",
            &whole,
            &format!("{whole}/"),
            &format!("file://{whole}"),
        ] {
            project.write("p.yaml", yaml.replace("bucket_url: data", &format!("bucket_url: {url}")));
            project.run(0);
            assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1"], "{by} {url}");
        }
        // A part of the pattern may be one of the folder.
        project.write("p.yaml", yaml.replace("\"*\"", "\"x/*\""));
        project.run(0);
        project.write("p.yaml", yaml.replace("bucket_url: data", "bucket_url: data/x"));
        project.run(0);
        assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"], "{by}");
    }
}

#[cfg(unix)]
#[test]
fn control_characters_of_a_name_do_not_reach_the_terminal() {
    let project = Project::files("");
    project.write("data/z\u{1b}[31mred\r.jsonl", "{\n");
    let done = project.run(1);
    assert!(!done.stderr.contains(['\u{1b}', '\r']), "{:?}", done.stderr);
    done.says(&["z\\u{1b}[31mred\\r.jsonl:1"], "fix the record");
    project.write("data/z\u{1b}[31mred\r.jsonl", "{\"a\": \"\\u001b[2J\"}\n");
    project.run(0);
    let shown = project.windlass(&["preview", "p.yaml", "t"]).stdout;
    assert!(shown.contains("\\u{1b}[2J") && !shown.contains('\u{1b}'), "{shown:?}");
    assert_eq!(project.query("SELECT a FROM t"), ["\u{1b}[2J"], "who asks for CSV gets what is there");
}

#[cfg(feature = "failpoints")]
#[test]
fn a_run_that_dies_behind_its_package_loads_each_file_once() {
    for point in ["extract.page=kill", "extract.done=kill", "package.manifest.sync_folder=kill"] {
        let project = Project::files("incremental: modification_date");
        project.write("data/a.jsonl", "{\"id\":1}\n");
        let mut killed = project.command(&["run", "p.yaml"]);
        killed.env("WINDLASS_FAILPOINT", point);
        assert!(!killed.output().unwrap().status.success(), "{point}");
        project.write("data/b.jsonl", "{\"id\":2}\n");
        project.run(0);
        project.run(0);
        assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"], "{point}");
    }
}

#[test]
fn new_files_are_of_files_alone_and_never_cut() {
    let project = Project::files("incremental: modified");
    project.run(2).says(&["incremental"], "");
    let project = Project::files("incremental: file_url, limit: 5");
    project.run(2).says(&["a limit would end in the midst of a file"], "limit");
    let project = Project::new();
    project.write(
        "p.yaml",
        "pipeline: p\ndestination: {type: duckdb, credentials: out.duckdb}\nsource:\n  type: inline\n  resources:\n    \
         - {name: t, incremental: file_url, items: [{a: 1}]}\n",
    );
    project.run(2).says(&["incremental"], "");
}

#[test]
fn appending_everything_again_is_told() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\":1}\n");
    let told = |command: &str| {
        let done = project.windlass(&[command, "p.yaml"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        done.warnings()
            .iter()
            .any(|text| text.contains("appends all of its records again") && text.contains("`t`"))
    };
    assert!(told("plan"), "a plan tells it before anything is doubled");
    assert!(!told("run"), "the first run adds nothing again");
    assert!(told("run"));
    let project = Project::files("write_disposition: replace");
    project.write("data/a.jsonl", "{\"id\":1}\n");
    project.run(0);
    assert_eq!(project.run(0).warnings(), Vec::<&str>::new());
}

#[test]
fn the_first_example_does_not_double_its_rows() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let start = readme.find("pipeline: my\n").unwrap();
    let example = &readme[start..start + readme[start..].find("```").unwrap()];
    let project = Project::new();
    project.write("my.yaml", example);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"{\"id\": 1}\n").unwrap();
    project.write("data/2026/a.jsonl.gz", packed.finish().unwrap());
    for _ in 0..2 {
        let done = project.windlass(&["run", "my.yaml"]);
        assert_eq!((done.code, done.warnings()), (0, vec![]), "{}", done.stderr);
    }
    let done = project.windlass(&["query", "my", "SELECT count(*) FROM events", "--format", "csv"]);
    assert_eq!(done.stdout.lines().nth(1), Some("1"), "{}", done.stderr);
    // So does what `init` writes.
    let init = project.windlass(&["init", "filesystem", "duckdb", "--name", "other"]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    assert!(
        std::fs::read_to_string(project.path("other.yaml"))
            .unwrap()
            .contains("incremental: modification_date")
    );
}
