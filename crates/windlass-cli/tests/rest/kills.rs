//! Runs that are killed at a page, by SIGKILL: the next run leaves the rows of a run that was left alone.

use std::process::Child;
use std::time::Duration;

use crate::example::{ALL, Command, Example, GITHUB, SEARCH};
use crate::project::Project;
use crate::weather::{Answer, Asked, Server, Weather};

/// When a run is killed: at the request of this number, counted from 0.
#[derive(Clone, Copy, Debug)]
struct Kill {
    request: usize,
    moment: Moment,
    /// Whether what was read is made durable at every page, instead of every few seconds.
    checkpoints: bool,
}

#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The request has arrived; no answer yet.
    Before,
    /// Half of the answer is out.
    Within,
    /// The answer is out.
    Behind,
}

impl Kill {
    fn weather(self) -> impl Fn(&Asked) -> Weather + Send + 'static {
        move |asked: &Asked| match (asked.number == self.request, self.moment) {
            (false, _) => Weather::Clear,
            (true, Moment::Before) => Weather::StopBefore,
            (true, Moment::Within) => Weather::StopWithin,
            (true, Moment::Behind) => Weather::StopBehind,
        }
    }
}

/// All of them, or as many as a quick test bears: each third request, at another moment in each example and run.
fn kills(requests: usize, offset: usize) -> impl Iterator<Item = Kill> {
    let all = std::env::var_os("WINDLASS_PROPERTY_FACTOR").is_some();
    let moments = [Moment::Before, Moment::Within, Moment::Behind];
    (0..requests).flat_map(move |request| {
        let chosen = (0..6).filter(move |number| {
            all || (request + offset) % 3 == 0 && *number == (request + offset) / 3 % 6
        });
        chosen.map(move |number| Kill { request, moment: moments[number % 3], checkpoints: number % 2 == 0 })
    })
}

fn spawn(example: &Example, project: &Project, command: &Command, kill: Kill) -> Child {
    let mut process = example.command(project, command);
    if kill.checkpoints {
        process.env("EXTRACT__CHECKPOINT_SECONDS", "0");
    }
    process.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
}

/// Kills the run of a command as asked, waiting `pause` once the moment has come. It may be done before.
fn killed(
    example: &Example,
    project: &Project,
    command: &Command,
    server: &Server,
    kill: Kill,
    pause: Duration,
) {
    server.set(example.answers(command.recording.as_deref().unwrap(), &server.url), kill.weather());
    let mut child = spawn(example, project, command, kill);
    server.stops.recv_timeout(Duration::from_secs(30)).unwrap();
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Kills one run of the session as asked and runs it again.
fn check(example: &Example, turn: usize, kill: Kill) {
    let server = Server::new(|_| Answer::text(500, ""));
    let project = example.project(&server.url);
    let mut runs = 0;
    let transcript = example.transcript(&project, |command| {
        if runs == turn {
            killed(example, &project, command, &server, kill, Duration::ZERO);
        }
        runs += 1;
        server.set(example.answers(command.recording.as_deref().unwrap(), &server.url), |_| Weather::Clear);
        let done = example.windlass(&project, command);
        assert_eq!(
            done.code,
            0,
            "{} {turn} {kill:?}: {}\n{:#?}",
            example.folder,
            done.stderr,
            server.lines()
        );
    });
    let session = example.session();
    assert!(transcript == session, "{} {turn} {kill:?}: {transcript}\ninstead of\n{session}", example.folder);
}

fn check_all(example: &Example) {
    let runs = example.commands().into_iter().filter_map(|command| command.recording);
    for (turn, recording) in runs.enumerate() {
        let requests = example.recording(&recording).len();
        for kill in kills(requests, turn + example.folder.len()) {
            check(example, turn, kill);
        }
    }
}

#[test]
fn github_events_killed_at_a_page() {
    check_all(&ALL[0]);
}

#[test]
fn chess_killed_at_a_month() {
    check_all(&ALL[1]);
}

#[test]
fn freshdesk_killed_at_a_page() {
    check_all(&ALL[2]);
}

#[test]
fn posts_and_comments_killed_at_a_page() {
    check_all(&ALL[3]);
}

#[test]
fn search_killed_at_a_page() {
    check_all(&ALL[4]);
}

/// A run that is killed time and again, each time one page further, is done at last.
#[test]
fn killed_at_every_page_one_after_the_other() {
    for example in [GITHUB, SEARCH] {
        let server = Server::new(|_| Answer::text(500, ""));
        let project = example.project(&server.url);
        let transcript = example.transcript(&project, |command| {
            let recording = command.recording.as_deref().unwrap();
            let requests = example.recording(recording).len();
            // The first attempt begins at the first page; each later one at the page that the one before was killed at.
            for page in 0..requests {
                let kill = Kill { request: usize::from(page > 0), moment: Moment::Before, checkpoints: true };
                killed(&example, &project, command, &server, kill, Duration::from_millis(200));
                if page > 1 {
                    let lines = server.lines();
                    assert_eq!(lines.len(), 2, "{lines:#?}");
                    assert_eq!(
                        lines[0],
                        lines_of(&example, recording)[page - 1],
                        "page {page} goes on where it was"
                    );
                }
            }
            server.set(example.answers(recording, &server.url), |_| Weather::Clear);
            let done = example.windlass(&project, command);
            assert_eq!(done.code, 0, "{}", done.stderr);
            assert_eq!(server.lines().len(), 1, "only the last page is left: {:#?}", server.lines());
        });
        example.check(&transcript);
    }
}

/// The requests of a recording, in order.
fn lines_of(example: &Example, recording: &str) -> Vec<String> {
    example.recording(recording).lines()
}
