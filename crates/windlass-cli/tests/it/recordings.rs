//! `windlass record` and `--replay`: what servers answered is kept without secrets and loaded without them.

use std::fs;

use serde_json::{Value, json};

use crate::project::{Project, files_below};
use crate::rest_api::{Asked, BLOG, Server, blog, project};

/// Everything that is in a folder, as one text.
fn content(project: &Project, folder: &str) -> String {
    let files = files_below(&project.path(folder));
    assert!(!files.is_empty(), "nothing was recorded");
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn record(project: &Project, args: &[&str]) -> String {
    let done = project.windlass(&[&["record", "p.yaml"], args].concat());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    done.stdout
}

#[test]
fn a_recording_is_loaded_without_a_server() {
    let server = Server::new(blog);
    let project = project(&server.url, BLOG);
    let said = record(&project, &["--out", "tape"]);
    assert!(said.contains("recorded into tape") && said.contains("--replay tape"), "{said}");
    assert!(!project.has_table("posts"), "recording loads nothing");
    assert!(!project.path("work").exists() || files_below(&project.path("work")).is_empty());
    assert_eq!(server.taken().len(), 6);

    project.run_with(&["--replay", "tape"], 0);
    assert_eq!(project.one("SELECT count(*) FROM posts"), "4");
    assert_eq!(project.query("SELECT id, _posts_id FROM comments WHERE id < 12"), ["10,1", "11,1"]);
    let plan = project.windlass(&["plan", "p.yaml", "--replay", "tape", "--json"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert!(server.taken().is_empty(), "a recording needs no server");
}

#[test]
fn the_folder_of_a_recording_has_the_name_of_the_file() {
    let server = Server::new(blog);
    let project = project(&server.url, BLOG);
    record(&project, &["--select", "posts", "--limit", "1"]);
    let text = content(&project, "p.cassette");
    assert!(text.contains("/posts?") && !text.contains("comments"), "{text}");
}

#[test]
fn what_was_not_recorded_is_named() {
    let server = Server::new(blog);
    let project = project(&server.url, BLOG);
    record(&project, &["--select", "posts"]);
    let done = project.run_with(&["--replay", "p.cassette"], 1);
    done.says(
        &["GET /posts/1/comments", "was not recorded in p.cassette"],
        "the nearest that was recorded is GET /posts",
    );
    assert!(server.taken().len() == 2, "nothing is asked for");

    let done = project.run_with(&["--replay", "nowhere"], 2);
    done.says(&["there is no recording", "nowhere"], "windlass record");
    project.write("bad/exchanges.json", "[1]");
    project
        .run_with(&["--replay", "bad"], 2)
        .says(&["another form", "bad/exchanges.json"], "windlass record");
}

#[test]
fn sources_that_ask_nobody_cannot_be_recorded() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"a\":1}\n");
    for args in [&["record", "p.yaml"][..], &["run", "p.yaml", "--replay", "x"]] {
        let done = project.windlass(args);
        assert_eq!(done.code, 2);
        done.says(&["p.yaml:", "nothing to record or replay"], "rest_api");
    }
    assert!(!project.path("p.cassette").exists());
}

/// Answers with everything that it was told, as careless servers do.
fn parrot(asked: &Asked) -> (u16, Value) {
    if asked.path == "/token" {
        return (200, json!({"access_token": "hidden-access-token", "expires_in": 3600}));
    }
    let page = asked.params.get("page").cloned().unwrap_or_default();
    let mut body = json!({
        "items": [{"id": page, "headers": asked.headers, "params": asked.params, "sent": asked.body}],
    });
    if page != "2" {
        let params: Vec<_> = asked.params.iter().filter(|(name, _)| *name != "page").collect();
        let params: String = params.iter().map(|(name, value)| format!("&{name}={value}")).collect();
        body["next"] = format!("http://{}{}?page=2{params}", asked.headers["host"], asked.path).into();
    }
    (200, body)
}

#[test]
fn no_secret_is_in_a_recording() {
    let head = "Set-Cookie: session=hidden-session-cookie\r\nX-Auth-Token: hidden-answer-token\r\n";
    let server = Server::with_headers(head, parrot);
    let resource = |name: &str, auth: &str| {
        format!(
            "  - name: {name}\n    endpoint: {{path: {name}, paginator: {{type: json_link}}, data_selector: items, {auth}}}\n"
        )
    };
    let source = [
        "resources:\n".to_owned(),
        resource("a", "auth: {type: bearer, token: \"${TOKEN}\"}"),
        resource("b", "auth: {type: http_basic, username: me, password: hidden-password}"),
        resource("c", "auth: {type: api_key, name: k, api_key: \"hidden+query/key\", location: query}"),
        resource("d", "auth: {type: api_key, name: c, api_key: hidden-cookie-key, location: cookie}"),
        resource("e", "auth: {type: api_key, name: X-Mine, api_key: hidden-header-key}"),
        resource(
            "f",
            &format!(
                "auth: {{type: oauth2_client_credentials, access_token_url: \"{}token\", client_id: hidden-client, \
                 client_secret: hidden-client-secret}}",
                server.url
            ),
        ),
        resource("g", "params: {api_key: hidden-param, appid: \"${WEATHER_KEY}\"}"),
        resource("h", "headers: {Authorization: \"Bearer hidden-own-bearer\", Cookie: \"s=hidden-own-cookie\"}"),
        resource("\"i/${BOT_TOKEN}/x\"", "method: POST, json: {password: hidden-field, q: \"${BOT_TOKEN}\"}").replace("name: \"i/${BOT_TOKEN}/x\"", "name: i"),
    ]
    .concat();
    let project = project(&server.url, &source);
    project.write(".env", "TOKEN=hidden-bearer\nWEATHER_KEY=hidden-weather\nBOT_TOKEN=hidden-bot\n");
    let done = project.windlass(&["record", "p.yaml", "-vv"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let asked = server.taken();
    assert!(asked.iter().any(|path| path.contains("hidden-weather")), "the server gets them: {asked:?}");
    let text = content(&project, "p.cassette");
    let found: Vec<&str> = text.split("hidden").skip(1).map(|rest| &rest[..rest.len().min(20)]).collect();
    assert!(found.is_empty(), "{found:?}");
    // The password as basic authentication writes it.
    assert!(!text.contains("aGlkZGVu") && !text.contains("bWU6aGlkZGVu"), "{text}");
    assert!(!done.stdout.contains("hidden") && !done.stderr.contains("hidden"), "{}", done.stderr);

    // Nobody needs the secrets to load it.
    fs::remove_file(project.path(".env")).unwrap();
    project.run_with(&["--replay", "p.cassette"], 0);
    for table in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        assert_eq!(project.one(&format!("SELECT count(*) FROM {table}")), "2", "{table}");
    }
    assert!(server.taken().is_empty());
}

#[test]
fn the_end_of_a_budget_and_failures_are_recorded_too() {
    let server = Server::new(|asked: &Asked| match asked.path.as_str() {
        "/posts/2/comments" => (403, json!({"message": "no"})),
        _ => blog(asked),
    });
    let project = project(&server.url, &format!("{BLOG}    on_partition_error: continue\nmax_requests: 5\n"));
    let done = project.windlass(&["record", "p.yaml"]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let asked = server.taken();
    assert_eq!(asked.len(), 5, "{asked:?}");
    project.run_with(&["--replay", "p.cassette"], 3);
    assert_eq!(project.query("SELECT id FROM comments ORDER BY id"), ["10", "11", "30", "31"]);
}

#[test]
fn several_sources_are_recorded_apart() {
    let (one, two) = (
        Server::new(|_: &Asked| (200, json!([{"from": "one"}]))),
        Server::new(|_: &Asked| (200, json!([{"from": "two"}]))),
    );
    let project = Project::new();
    let source = |name: &str, url: &str| {
        format!(
            "  - {{type: rest_api, name: {name}, client: {{base_url: \"{url}\"}}, resources: [{{name: {name}, endpoint: x}}]}}\n"
        )
    };
    let sources = source("s1", &one.url) + &source("s2", &two.url);
    project.write(
        "p.yaml",
        format!("pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsources:\n{sources}"),
    );
    record(&project, &[]);
    project.run_with(&["--replay", "p.cassette"], 0);
    assert_eq!(project.one("SELECT \"from\" FROM s1"), "one");
    assert_eq!(project.one("SELECT \"from\" FROM s2"), "two");
}
