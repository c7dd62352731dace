//! A folder with a pipeline file, and the binary that is run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A pipeline named `p` in a temporary folder, with a working folder of its own.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// An empty folder in memory, if this machine has that: writing to a disk takes most of the time of a small run.
    #[allow(dead_code, reason = "for tests that run the binary thousands of times")]
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { folder: folder.unwrap() }
    }

    /// A pipeline that reads `data/*` into table `t` of a DuckDB file; `resource` adds keys to its resource.
    pub(crate) fn files(resource: &str) -> Self {
        Self::with("{type: duckdb, credentials: out.duckdb}", resource)
    }

    /// The same with another destination.
    pub(crate) fn with(destination: &str, resource: &str) -> Self {
        Self::new().reading_files(destination, resource)
    }

    /// The same in a folder that is there.
    pub(crate) fn reading_files(self, destination: &str, resource: &str) -> Self {
        let project = self;
        std::fs::create_dir(project.path("data")).unwrap();
        let separator = if resource.is_empty() { "" } else { ", " };
        project.write(
            "p.yaml",
            format!(
                "pipeline: p\ndataset: d\ndestination: {destination}\nsource:\n  type: filesystem\n  \
                 bucket_url: data\n  resources:\n    - {{name: t, file_glob: \"*\"{separator}{resource}}}\n"
            ),
        );
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// The binary in this folder, with nothing of the environment but what is given.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("WINDLASS_DATA_DIR", self.path("work"));
        command
    }

    pub(crate) fn windlass(&self, args: &[&str]) -> Done {
        Done::of(self.command(args).output().unwrap())
    }

    /// `windlass run p.yaml`, which must end with `code`.
    pub(crate) fn run(&self, code: i32) -> Done {
        self.run_with(&[], code)
    }

    pub(crate) fn run_with(&self, args: &[&str], code: i32) -> Done {
        let done = self.windlass(&[&["run", "p.yaml"], args].concat());
        assert_eq!(done.code, code, "{}{}", done.stdout, done.stderr);
        done
    }

    /// The rows of a query as CSV lines without header.
    pub(crate) fn query(&self, sql: &str) -> Vec<String> {
        let done = self.windlass(&["query", "p.yaml", sql, "--format", "csv"]);
        assert_eq!(done.code, 0, "{sql}: {}", done.stderr);
        done.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// The only value of a query.
    pub(crate) fn one(&self, sql: &str) -> String {
        let rows = self.query(sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows[0].clone()
    }

    /// Whether anything was loaded: a failed first run leaves no table behind.
    pub(crate) fn has_table(&self, table: &str) -> bool {
        self.path("out.duckdb").exists()
            && self
                .one(&format!("SELECT count(*) FROM information_schema.tables WHERE table_name = '{table}'"))
                != "0"
    }

    /// The schema's columns of a table as `name: type`.
    pub(crate) fn columns(&self, table: &str) -> Vec<String> {
        let done = self.windlass(&["pipeline", "schema", "p.yaml", "--format", "json"]);
        let schema: Value = serde_json::from_str(&done.stdout).unwrap();
        let columns = schema["tables"][table]["columns"].as_object().unwrap();
        let typed = columns.iter().filter(|(_, column)| column["data_type"].is_string());
        typed.map(|(name, column)| format!("{name}: {}", column["data_type"].as_str().unwrap())).collect()
    }
}

impl Done {
    pub(crate) fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
        Self {
            code,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The only `error:` line.
    pub(crate) fn error(&self) -> &str {
        let mut lines = self.stderr.lines().filter_map(|line| line.strip_prefix("error: "));
        let error = lines.next().unwrap_or_else(|| panic!("no error in {:?}", self.stderr));
        assert_eq!(lines.next(), None, "more than one error");
        error
    }

    /// The only `hint:` line.
    pub(crate) fn hint(&self) -> &str {
        self.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).expect("an error has a hint")
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.stderr.lines().filter_map(|line| line.strip_prefix("warning: ")).collect()
    }

    /// Checks that the error and the hint contain these pieces.
    #[track_caller]
    pub(crate) fn says(&self, error: &[&str], hint: &str) {
        for piece in error {
            assert!(self.error().contains(piece), "`{piece}` is not in {:?}", self.error());
        }
        assert!(self.hint().contains(hint), "`{hint}` is not in {:?}", self.hint());
    }
}

/// All files below a folder, by path.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Executes statements in a SQLite file of a project.
#[track_caller]
pub(crate) fn sqlite(project: &Project, file: &str, sql: &str) {
    let program =
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()";
    let mut python = Command::new("python3");
    let done = Done::of(python.args(["-c", program]).arg(project.path(file)).arg(sql).output().unwrap());
    assert_eq!(done.code, 0, "{sql}: {}", done.stderr);
}
