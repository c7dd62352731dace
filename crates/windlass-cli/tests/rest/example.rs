//! The examples, as their users run them: the commands of `session.txt` and what is in the tables after each.

use std::path::{Path, PathBuf};

use expect_test::expect_file;

use crate::project::{Done, Project, files_below};
use crate::recording::Recording;
use crate::weather::{Answer, Asked, Server, Weather};

/// An example in its folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Example {
    pub(crate) folder: &'static str,
    pub(crate) file: &'static str,
    /// Where its API is, as the pipeline file has it, and as links of the API have it.
    pub(crate) hosts: [&'static str; 2],
    /// The secret that it needs, and the header that it becomes.
    secret: Option<[&'static str; 3]>,
}

pub(crate) const GITHUB: Example = Example {
    folder: "github_api",
    file: "github.yaml",
    hosts: ["https://api.github.com"; 2],
    secret: Some(["GITHUB_TOKEN", "ghp_hunter2", "Bearer ghp_hunter2"]),
};
pub(crate) const CHESS: Example =
    Example { folder: "chess", file: "chess.yaml", hosts: ["https://api.chess.com"; 2], secret: None };
pub(crate) const FRESHDESK: Example = Example {
    folder: "freshdesk",
    file: "freshdesk.yaml",
    hosts: ["https://${FRESHDESK_DOMAIN:-acme}.freshdesk.com", "https://acme.freshdesk.com"],
    secret: Some(["FRESHDESK_API_KEY", "hunter2", "Basic aHVudGVyMjpY"]),
};
pub(crate) const BLOG: Example = Example {
    folder: "posts_comments",
    file: "blog.yaml",
    hosts: ["https://blog.example.com"; 2],
    secret: None,
};
pub(crate) const SEARCH: Example = Example {
    folder: "search",
    file: "notion.yaml",
    hosts: ["https://api.notion.com"; 2],
    secret: Some(["NOTION_TOKEN", "secret_hunter2", "Bearer secret_hunter2"]),
};
pub(crate) const ALL: [Example; 5] = [GITHUB, CHESS, FRESHDESK, BLOG, SEARCH];

/// A command of a session: its words, and the recording that it runs from.
pub(crate) struct Command {
    line: String,
    pub(crate) args: Vec<String>,
    pub(crate) recording: Option<String>,
}

impl Example {
    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(self.folder)
    }

    fn session_path(&self) -> PathBuf {
        self.path().join("session.txt")
    }

    /// What users see.
    pub(crate) fn session(&self) -> String {
        std::fs::read_to_string(self.session_path()).unwrap()
    }

    pub(crate) fn commands(&self) -> Vec<Command> {
        let session = self.session();
        session.lines().filter_map(|line| line.strip_prefix("$ windlass ")).map(Command::parse).collect()
    }

    pub(crate) fn recording(&self, name: &str) -> Recording {
        Recording::read(&self.path().join(name))
    }

    /// A copy of the pipeline file whose API is at this address.
    pub(crate) fn project(&self, url: &str) -> Project {
        let project = Project::in_memory();
        let text = std::fs::read_to_string(self.path().join(self.file)).unwrap();
        assert!(text.contains(self.hosts[0]), "{text}");
        project.write(self.file, text.replace(self.hosts[0], url));
        self.write_secret(&project);
        project
    }

    fn write_secret(&self, project: &Project) {
        let text = self.secret.map(|[name, value, _]| format!("{name}={value}\n"));
        project.write(".env", text.unwrap_or_default());
    }

    /// The answers of a recording, for those who have the secret.
    pub(crate) fn answers(&self, recording: &str, url: &str) -> impl Fn(&Asked) -> Answer + Send + 'static {
        let (recording, host, url) = (self.recording(recording), self.hosts[1], url.to_owned());
        let wanted = self.secret.map(|[_, _, header]| header);
        move |asked: &Asked| {
            if asked.headers.get("authorization").map(String::as_str) != wanted {
                return Answer::text(401, "who are you?");
            }
            recording.answer(asked, host, &url)
        }
    }

    /// Runs the session; `run` runs what has a recording. What users see then.
    pub(crate) fn transcript(&self, project: &Project, mut run: impl FnMut(&Command)) -> String {
        let mut text = String::new();
        for command in self.commands() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("$ windlass {}\n", command.line));
            if command.recording.is_some() {
                run(&command);
            } else {
                let done = self.windlass(project, &command);
                assert_eq!(done.code, 0, "{}: {}", command.line, done.stderr);
                text.push_str(&done.stdout);
            }
        }
        text
    }

    /// Runs a command, with pauses between attempts that suit a test.
    pub(crate) fn windlass(&self, project: &Project, command: &Command) -> Done {
        Done::of(self.command(project, command).output().unwrap())
    }

    pub(crate) fn command(&self, project: &Project, command: &Command) -> std::process::Command {
        let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
        let mut process = project.command(&args);
        process.env("SOURCES__REST_API__CLIENT__SESSION__REQUEST_BACKOFF_FACTOR", "0.01");
        process.env("SOURCES__REST_API__CLIENT__SESSION__REQUEST_TIMEOUT", "0.5");
        process
    }

    /// Runs the session in this weather, where no run may fail, and compares what users see.
    pub(crate) fn survives<F: Fn(&Asked) -> Weather + Clone + Send + 'static>(&self, forecast: F) {
        let server = Server::new(|_| Answer::text(500, ""));
        let project = self.project(&server.url);
        let transcript = self.transcript(&project, |command| {
            server.set(self.answers(command.recording.as_deref().unwrap(), &server.url), forecast.clone());
            let done = self.windlass(&project, command);
            assert_eq!(done.code, 0, "{}: {}\n{:#?}", command.line, done.stderr, server.lines());
        });
        self.check(&transcript);
    }

    /// Compares what users see.
    pub(crate) fn check(&self, transcript: &str) {
        assert!(
            transcript == self.session(),
            "{}: {transcript}\ninstead of\n{}",
            self.folder,
            self.session()
        );
    }
}

impl Command {
    /// Takes a line apart as a shell does that knows double quotes. The recording is left out of the words.
    fn parse(line: &str) -> Self {
        let mut args: Vec<String> = Vec::new();
        for (index, part) in line.split('"').enumerate() {
            if index % 2 == 1 {
                args.push(part.to_owned());
            } else {
                args.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        let at = args.iter().position(|arg| arg == "--replay");
        let recording = at.map(|at| args.drain(at..at + 2).nth(1).unwrap());
        Self { line: line.to_owned(), args, recording }
    }
}

/// The commands of the session as they stand there, without a server and without secrets.
#[test]
fn the_examples_run_from_their_recordings() {
    for example in ALL {
        let project = Project::in_memory();
        for file in files_below(&example.path()) {
            let name = file.strip_prefix(example.path()).unwrap();
            project.write(name.to_str().unwrap(), std::fs::read(&file).unwrap());
        }
        let transcript = example.transcript(&project, |command| {
            let replay = ["--replay", command.recording.as_deref().unwrap()];
            let done = Done::of(example.command(&project, command).args(replay).output().unwrap());
            assert_eq!(done.code, 0, "{}: {}", command.line, done.stderr);
        });
        example.check(&transcript);
    }
}

/// The session is right, and `UPDATE_EXPECT=1` writes it anew.
#[test]
fn the_examples_load_their_rows() {
    for example in ALL {
        let server = Server::new(|_| Answer::text(500, ""));
        let project = example.project(&server.url);
        let transcript = example.transcript(&project, |command| {
            let name = command.recording.as_deref().unwrap();
            server.set(example.answers(name, &server.url), |_| Weather::Clear);
            let done = example.windlass(&project, command);
            assert_eq!(done.code, 0, "{}: {}\n{:#?}", command.line, done.stderr, server.lines());
            assert_eq!(server.asked().len(), example.recording(name).len(), "{:#?}", server.lines());
        });
        expect_file![example.session_path()].assert_eq(&transcript);
    }
}
