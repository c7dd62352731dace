//! Every kind of credential, every failure, every stream and file: the secret stands nowhere but where the user wrote it.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::project::Project;
use crate::weather::{Answer, Asked, Server};

/// What is escaped in URLs, in JSON and in base64.
const CANARY: &str = "cana/ry+Xy7\"&q zz9";

fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// The ways in which the secret could be written.
fn forms() -> Vec<String> {
    let json = serde_json::Value::from(CANARY).to_string();
    vec![
        CANARY.to_owned(),
        encoded(CANARY),
        encoded(CANARY).replace("%20", "+"),
        json.trim_matches('"').to_owned(),
        CANARY.replace([' ', '"'], "-"),
        // Base64 of `user:` and the secret, of the secret, and of `user:` and its form without blanks.
        "dXNlcjpjYW5hL3J5K1h5NyImcSB6ejk=".to_owned(),
        "Y2FuYS9yeStYeTciJnEgeno5".to_owned(),
        "dXNlcjpjYW5hL3J5K1h5Ny0mcS16ejk=".to_owned(),
    ]
}

/// Keys of the client, and of the request, that carry the secret.
fn kinds(server: &str) -> Vec<(&'static str, String, String, String)> {
    let yaml = serde_json::Value::from(CANARY).to_string();
    let client = |auth: &str| format!("base_url: '{server}/', {auth}");
    let with_user = server.replace("http://", &format!("http://user:{}@", encoded(CANARY)));
    let plain = String::new;
    vec![
        ("bearer", client(&format!("auth: {{type: bearer, token: {yaml}}}")), plain(), plain()),
        (
            "basic",
            client(&format!("auth: {{type: http_basic, username: user, password: {yaml}}}")),
            plain(),
            plain(),
        ),
        (
            "header",
            client(&format!("auth: {{type: api_key, name: X-Key, api_key: {yaml}}}")),
            plain(),
            plain(),
        ),
        (
            "query",
            client(&format!("auth: {{type: api_key, name: wid, api_key: {yaml}, location: query}}")),
            plain(),
            plain(),
        ),
        (
            "cookie",
            client(&format!("auth: {{type: api_key, name: c, api_key: {yaml}, location: cookie}}")),
            plain(),
            plain(),
        ),
        (
            "oauth",
            client(&format!(
                "auth: {{type: oauth2_client_credentials, access_token_url: '{server}/token', client_id: c, client_secret: {yaml}}}"
            )),
            plain(),
            plain(),
        ),
        ("own header", client(&format!("headers: {{X-Api-Token: {yaml}}}")), plain(), plain()),
        ("listed parameter", client("headers: {}"), format!(", params: {{sig: {yaml}}}"), plain()),
        ("any parameter", client("headers: {}"), format!(", params: {{wid: {yaml}}}"), plain()),
        ("user in the URL", format!("base_url: '{with_user}/'"), plain(), plain()),
        ("environment", client("auth: {type: bearer, token: \"${MY_TOKEN}\"}"), plain(), plain()),
        (
            "settings",
            client("auth: bearer"),
            plain(),
            format!("[sources.rest_api.credentials]\ntoken = {yaml}\n"),
        ),
        ("netrc", client("headers: {}"), plain(), plain()),
    ]
}

/// A server that repeats everything that it is asked in what it answers.
fn echo(failure: &'static str) -> Server {
    Server::new(move |asked: &Asked| {
        let sent = json!({"headers": asked.headers, "query": asked.query, "body": String::from_utf8_lossy(&asked.body)});
        if asked.path == "/token" && failure != "token" {
            return Answer::json(&json!({"access_token": CANARY.replace(['"', ' ', '&'], "-")}));
        }
        match failure {
            "status" => Answer::text(404, &sent.to_string()),
            "refused" => Answer::text(401, &sent.to_string()),
            "server" => Answer::text(500, &sent.to_string()),
            "html" => Answer::text(200, &format!("<html>{sent}")),
            "token" if asked.path == "/token" => Answer::text(400, &sent.to_string()),
            "loop" => Answer::text(302, "").with_header("location", format!("/again?t={}", encoded(CANARY))),
            "cut" => Answer::text(200, &sent.to_string()[1..]),
            _ => Answer::text(200, &format!("{{\"data\": {sent}, ")),
        }
    })
}

/// Files in which the secret stands, besides those that the user wrote.
fn leaking_files(folder: &Path, forms: &[String], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            leaking_files(&path, forms, found);
        } else if !["p.yaml", "secrets.toml", ".netrc"].contains(&name.as_str()) {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            found.extend(
                forms
                    .iter()
                    .filter(|form| text.contains(*form))
                    .map(|form| format!("{}: {form}", path.display())),
            );
        }
    }
}

#[test]
fn a_secret_stands_nowhere_but_where_the_user_wrote_it() {
    let forms = forms();
    let mut leaks = Vec::new();
    for failure in ["status", "server", "html", "token", "loop", "cut", "broken"] {
        let server = echo(failure);
        for (kind, client, params, settings) in kinds(&server.url) {
            for (args, extra) in [
                (&["run", "p.yaml", "-vv"][..], "http_show_error_body: true, "),
                (&["run", "p.yaml", "--json"][..], ""),
                (&["record", "p.yaml"][..], ""),
            ] {
                if args.contains(&"--json") && !["status", "broken"].contains(&failure) {
                    continue;
                }
                // A recording, and a body that is asked for, keep what nothing says to be a secret.
                if kind == "any parameter" && args[1..] != ["p.yaml", "--json"] {
                    continue;
                }
                let project = Project::in_memory();
                project.write(
                    "p.yaml",
                    format!(
                        "pipeline: v\ndataset: d\ndestination: {{type: duckdb, credentials: o.duckdb}}\nsource:\n  type: rest_api\n  client: \
                         {{{client}, session: {{{extra}request_max_attempts: 2, request_backoff_factor: 0.01, max_redirects: 2}}}}\n  \
                         resources: [{{name: r, endpoint: {{path: things{params}}}}}]\n"
                    ),
                );
                if !settings.is_empty() {
                    project.write(".windlass/secrets.toml", &settings);
                }
                if kind == "netrc" {
                    let password = CANARY.replace([' ', '"'], "-");
                    project.write(".netrc", format!("machine 127.0.0.1 login user password {password}"));
                }
                let mut command = project.command(args);
                let output = command.env("MY_TOKEN", CANARY).output().unwrap();
                for (stream, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let said = forms.iter().filter(|form| text.contains(*form));
                    leaks.extend(
                        said.map(|form| format!("{kind}, {failure}, {args:?}: {stream} has {form}: {text}")),
                    );
                }
                let mut files = Vec::new();
                leaking_files(&project.path("."), &forms, &mut files);
                leaks.extend(files.into_iter().map(|file| format!("{kind}, {failure}, {args:?}: {file}")));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks, the first: {:#?}", leaks.len(), &leaks[..leaks.len().min(5)]);
}

#[test]
fn addresses_of_databases_are_told_without_their_secrets() {
    for (address, hidden) in [
        ("md:mine?motherduck_token=eyJhbGciOi.canary", "eyJhbGciOi.canary"),
        ("postgresql://loader:can%40ary-1@127.0.0.1:1/db", "can@ary-1"),
        ("postgresql://loader:can%40ary-1@127.0.0.1:1/db", "can%40ary-1"),
        ("mysql://loader:canary-1@127.0.0.1:1/db", "canary-1"),
        ("oracle://loader:canary-1@127.0.0.1:1/db", "canary-1"),
    ] {
        for kind in ["duckdb", "postgres", "sqlite", "sqlalchemy"] {
            let project = Project::in_memory();
            project.write(
                "p.yaml",
                format!(
                    "pipeline: v\ndataset: d\ndestination: {{type: {kind}, credentials: '{address}'}}\nsource: {{type: inline, resources: \
                     [{{name: r, items: [{{a: 1}}]}}]}}\n"
                ),
            );
            for args in [
                &["run", "p.yaml", "-vv"][..],
                &["run", "p.yaml", "--json"],
                &["plan", "p.yaml"],
                &["check", "p.yaml"],
            ] {
                let done = project.windlass(args);
                let all = format!("{}{}", done.stdout, done.stderr);
                assert!(!all.contains(hidden), "{kind} {address} {args:?}: {all}");
            }
        }
    }
}
