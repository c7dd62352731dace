//! The examples in bad weather: what arrives broken is asked for again, and what cannot be mended ends the run with its
//! reason, so that the next one in better weather has all rows once.

use std::time::Duration;

use crate::example::{ALL, BLOG, Example, FRESHDESK, GITHUB, SEARCH};
use crate::project::Done;
use crate::weather::{Answer, Asked, Server, Weather};

/// Answers that hold for one attempt each, then none.
fn first_then_clear(weathers: &'static [fn() -> Weather]) -> impl Fn(&Asked) -> Weather + Clone + Send {
    move |asked: &Asked| weathers.get(asked.again).map_or(Weather::Clear, |weather| weather())
}

fn refused() -> Weather {
    Weather::Instead(Answer::text(429, "slow down"))
}

fn survive(weathers: &'static [fn() -> Weather]) {
    ALL.iter().for_each(|example| example.survives(first_then_clear(weathers)));
}

#[test]
fn storms_of_429() {
    survive(&[refused, refused]);
}

#[test]
fn failures_of_the_server() {
    survive(&[
        || Weather::Instead(Answer::text(500, "<html>it is broken</html>")),
        || Weather::Instead(Answer::text(503, "")),
        || Weather::Instead(Answer::text(502, "{\"error\": \"bad gateway\"}")),
    ]);
}

#[test]
fn bodies_that_are_cut_and_connections_that_end() {
    survive(&[|| Weather::Cut, || Weather::Close]);
}

#[test]
fn lengths_that_are_too_long() {
    survive(&[|| Weather::TooLong(1), || Weather::TooLong(100_000)]);
}

#[test]
fn lengths_that_are_too_short() {
    survive(&[|| Weather::TooShort(1), || Weather::TooShort(40)]);
}

#[test]
fn slow_bytes_and_silence() {
    for example in ALL {
        example.survives(|asked: &Asked| match (asked.number % 5, asked.again) {
            (3, 0) => Weather::Silence(Duration::from_millis(700)),
            _ => Weather::Slow(10, Duration::from_millis(3)),
        });
    }
}

#[test]
fn redirects_that_end() {
    for example in ALL {
        example.survives(|asked: &Asked| {
            let query: Vec<String> =
                asked.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let location = format!("{}?{}", asked.path, query.join("&"));
            // 307 keeps method and body.
            match asked.again {
                0..3 => Weather::Instead(Answer::text(307, "").with_header("Location", location)),
                _ => Weather::Clear,
            }
        });
    }
}

/// The server says how long to wait, and nobody comes before.
#[test]
fn retry_after_is_heeded_by_all() {
    for example in [FRESHDESK, BLOG] {
        let server = Server::new(|_| Answer::text(500, ""));
        let project = example.project(&server.url);
        let transcript = example.transcript(&project, |command| {
            let recording = command.recording.as_deref().unwrap();
            // The fifth request is one of several at a time where children are read in parallel.
            server.set(example.answers(recording, &server.url), |asked: &Asked| match asked.number {
                4 => Weather::Instead(Answer::text(429, "slow down").with_header("Retry-After", "1")),
                _ => Weather::Clear,
            });
            let done = example.windlass(&project, command);
            assert_eq!(done.code, 0, "{}", done.stderr);
            let asked = server.asked();
            let refused = asked[4].at;
            let waited = asked.iter().filter(|asked| asked.at > refused + Duration::from_millis(50));
            let soonest = waited.map(|asked| asked.at - refused).min().unwrap();
            assert!(soonest >= Duration::from_millis(990), "asked after {soonest:?}");
            assert!(asked.iter().any(|asked| asked.again == 1), "the refused request is sent again");
        });
        example.check(&transcript);
    }
}

/// A run of the example's first recording that fails in this weather; then its whole session in better weather.
fn fails_then_loads(
    example: Example,
    forecast: impl Fn(&Asked) -> Weather + Send + 'static,
    check: impl FnOnce(&Done, &Server),
) {
    let server = Server::new(|_| Answer::text(500, ""));
    let project = example.project(&server.url);
    let command = example.commands().remove(0);
    server.set(example.answers(command.recording.as_deref().unwrap(), &server.url), forecast);
    let done = example.windlass(&project, &command);
    assert_eq!(done.code, 1, "{}: {}{}", example.folder, done.stdout, done.stderr);
    check(&done, &server);
    let transcript = example.transcript(&project, |command| {
        server.set(example.answers(command.recording.as_deref().unwrap(), &server.url), |_| Weather::Clear);
        let done = example.windlass(&project, command);
        assert_eq!(done.code, 0, "{}: {}", example.folder, done.stderr);
    });
    example.check(&transcript);
}

#[test]
fn a_storm_without_end_ends_the_run() {
    for example in ALL {
        let storm = |asked: &Asked| match asked.number {
            0..2 => Weather::Clear,
            _ => refused(),
        };
        fails_then_loads(example, storm, |done, _| {
            done.says(&["429", "Too Many Requests"], "max_connections");
        });
    }
}

#[test]
fn redirects_in_circles_end_the_run() {
    for example in ALL {
        let circle = |asked: &Asked| match asked.number {
            0 => Weather::Clear,
            _ => Weather::Instead(Answer::text(302, "").with_header("Location", "/round?and=round")),
        };
        fails_then_loads(example, circle, |done, server| {
            // A value of a query may be a secret.
            done.says(&["more than 30 redirects", "/round?and=***"], "credentials are missing");
            assert!(server.asked().len() < 200, "{}", server.asked().len());
        });
    }
}

/// A server that gives one page for all ends the run where links, cursors and numbers would go on forever.
#[test]
fn one_page_again_and_again_ends_the_run() {
    for example in [GITHUB, SEARCH, FRESHDESK] {
        let server = Server::new(|_| Answer::text(500, ""));
        let recording = example.recording("recordings/1");
        let project = example.project(&server.url);
        let first = recording.first(example.hosts[1], &server.url);
        server.set(move |_| first.clone(), |_| Weather::Clear);
        let command = example.commands().remove(0);
        let done = example.windlass(&project, &command);
        assert_eq!(done.code, 1, "{}: {}", example.folder, done.stderr);
        done.says(&["the pages never end"], "check the `paginator`");
        assert!(server.asked().len() < 10, "{}", server.asked().len());
        let transcript = example.transcript(&project, |command| {
            server
                .set(example.answers(command.recording.as_deref().unwrap(), &server.url), |_| Weather::Clear);
            assert_eq!(example.windlass(&project, command).code, 0);
        });
        example.check(&transcript);
    }
}

/// A page that comes once more before the next one: its link or cursor leads on, and keys keep its rows single.
#[test]
fn a_page_that_is_repeated_once() {
    for example in [GITHUB, SEARCH] {
        let server = Server::new(|_| Answer::text(500, ""));
        let project = example.project(&server.url);
        let transcript = example.transcript(&project, |command| {
            let answers = example.answers(command.recording.as_deref().unwrap(), &server.url);
            let before = std::sync::Mutex::new(None);
            let repeating = move |asked: &Asked| {
                let answer = answers(asked);
                let before = before.lock().unwrap().replace(answer.clone());
                match (asked.number, before) {
                    (2, Some(before)) => before,
                    _ => answer,
                }
            };
            server.set(repeating, |_| Weather::Clear);
            let done = example.windlass(&project, command);
            assert_eq!(done.code, 0, "{}", done.stderr);
            let recorded = example.recording(command.recording.as_deref().unwrap()).len();
            assert_eq!(server.asked().len(), recorded + 1, "{:#?}", server.lines());
        });
        example.check(&transcript);
    }
}
