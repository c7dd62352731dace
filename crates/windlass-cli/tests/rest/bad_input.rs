//! What servers and files get wrong: each time the message, the hint, the place and the exit code, no second request
//! where that would not help, and nothing loaded.

use serde_json::{Value, json};

use crate::project::{Done, Project};
use crate::tls;
use crate::weather::{Answer, Asked, Server};

/// A pipeline that reads a REST API; `source` are the keys of the source beside its type.
fn project(source: &str) -> Project {
    let project = Project::in_memory();
    let indented: String = source.lines().map(|line| format!("  {line}\n")).collect();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: rest_api\n\
             {indented}"
        ),
    );
    project
}

/// A source of one resource, `t`, at this address.
fn reading(url: &str, endpoint: &str) -> Project {
    project(&format!(
        "client: {{base_url: \"{url}\", auth: {{token: hunter2hunter2}}, session: {{request_backoff_factor: 0.01}}}}\n\
         resources: [{{name: t, endpoint: {{{endpoint}}}}}]"
    ))
}

/// Runs what must fail without a trace of the secret, and leave nothing behind.
fn fails(project: &Project, code: i32) -> Done {
    let done = project.run(code);
    assert!(!done.stderr.contains("hunter2") && !done.stdout.contains("hunter2"), "{}", done.stderr);
    assert!(!project.has_table("t"), "something was loaded");
    done
}

fn always(answer: Answer) -> Server {
    Server::new(move |_| answer.clone())
}

#[test]
fn answers_that_are_no_json() {
    for (body, error, hint) in [
        (
            "<!doctype html>\n<title>Log in</title>",
            "the answer is a web page instead of JSON",
            "`auth` block",
        ),
        ("<?xml version=\"1.0\"?><a/>", "XML instead of JSON", "Accept: application/json"),
        ("", "has no body", "response_actions"),
        ("It works!", "not JSON at byte 1", "one JSON document"),
        ("{\"id\": 1} trailing", "not JSON at byte 11", "one JSON document"),
        ("[{\"id\": NaN}]", "not JSON at byte 9", "one JSON document"),
    ] {
        let server = always(Answer::text(200, body));
        let done = fails(&reading(&server.url, "path: things"), 1);
        done.says(&[error, "/things", "resource `t`"], hint);
        assert_eq!(server.asked().len(), 1, "{body}");
    }
}

#[test]
fn json_that_ends_in_the_middle_is_asked_for_again_and_then_refused() {
    let server = always(Answer::text(200, "[{\"id\": 1}, {\"id\""));
    let done = fails(&reading(&server.url, "path: things"), 1);
    done.says(&["not JSON at byte 18", "resource `t`"], "was cut by the server");
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn json_of_another_shape_than_the_selector_expects() {
    for body in [json!({"error": {"message": "no"}}), json!({"data": null}), json!("no"), json!(5)] {
        let server = always(Answer::json(&body));
        let project = reading(&server.url, "path: things, data_selector: data.items, paginator: json_link");
        let done = project.run(0);
        let wanted = [
            "resource `t`: the selector `data.items` finds nothing in the answer of http://127.0.0.1:",
            "/things, which is taken for empty; `data_selector` says where the records are",
        ];
        let warnings = done.warnings();
        assert!(
            warnings.len() == 1 && wanted.iter().all(|piece| warnings[0].contains(piece)),
            "{body}: {}",
            done.stderr
        );
        assert!(!project.has_table("t"));
    }
}

#[test]
fn records_that_are_no_objects_are_values() {
    let server = always(Answer::json(&json!({"data": [1, "two", [3]]})));
    let project = reading(&server.url, "path: things, data_selector: data");
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "3");
}

#[test]
fn chains_without_end() {
    let page = |next: Value| Answer::json(&json!({"items": [{"id": 1}], "next": next, "more": true}));
    for (paginator, next) in [
        ("json_link", json!("/things?page=2")),
        ("{type: cursor, cursor_path: next}", json!("c1")),
        ("{type: cursor, cursor_path: next, cursor_body_path: c}, method: POST", json!("c1")),
        ("{type: offset, limit: 1, total_path: null}", json!(null)),
        ("{type: page_number, total_path: null, has_more_path: more}", json!(null)),
    ] {
        let server = always(page(next));
        let done = fails(&reading(&server.url, &format!("path: things, paginator: {paginator}")), 1);
        done.says(&["the pages never end", "/things", "resource `t`"], "check the `paginator`");
        assert!(server.asked().len() <= 4, "{paginator}: {:#?}", server.lines());
    }
}

#[test]
fn credentials_do_not_follow_a_link_to_another_host() {
    let other = Server::new(|asked: &Asked| match asked.headers.get("authorization") {
        Some(_) => Answer::json(&json!({"items": [{"id": 2}], "next": null})),
        None => Answer::text(401, "who are you?"),
    });
    let link = format!("{}/things?page=2", other.url);
    let server = always(Answer::json(&json!({"items": [{"id": 1}], "next": link})));
    let project = reading(&server.url, "path: things, paginator: json_link");
    let done = fails(&project, 1);
    let place = other.url.strip_prefix("http://").unwrap();
    done.says(&["401", "/things?page=2"], &format!("send_credentials_to: [{place}]"));
    assert_eq!(other.lines(), ["GET /things?page=2"]);
    assert!(!other.asked()[0].headers.contains_key("authorization"));
    assert_eq!(server.asked()[0].headers["authorization"], "Bearer hunter2hunter2");

    // Only who says so sends them there.
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write(
        "p.yaml",
        text.replace("session: {", &format!("session: {{send_credentials_to: [\"{place}\"], ")),
    );
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"]);
}

#[test]
fn tls_that_cannot_be_agreed_on() {
    let server = always(Answer::json(&json!([{"id": 1}])));
    let done = fails(&reading(&server.url.replace("http://", "https://"), "path: things"), 1);
    done.says(&["TLS cannot be agreed on", "/things"], "ca_file");
}

#[test]
fn certificates_of_strangers() {
    let port = tls::serve("[{\"id\": 1}]");
    let project = reading(&format!("https://localhost:{port}"), "path: things");
    let done = fails(&project, 1);
    done.says(&["TLS cannot be agreed on", "/things", "UnknownIssuer"], "ca_file");
    project.write("ca.pem", tls::AUTHORITY);
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    let trusting = text.replace("session: {", "session: {ca_file: ca.pem, ");
    // The certificate is for another name.
    project.write("p.yaml", trusting.replace("localhost", "127.0.0.1"));
    fails(&project, 1).says(&["TLS cannot be agreed on", "/things"], "not for this host");
    project.write("p.yaml", trusting);
    project.run(0);
    assert_eq!(project.one("SELECT id FROM t"), "1");
}

#[test]
fn servers_that_are_not_there() {
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let done = fails(&reading(&format!("http://127.0.0.1:{port}"), "path: things"), 1);
    done.says(&["the server cannot be reached", "/things"], "check host and port");
}

#[test]
fn refusals_are_final() {
    for (status, hint) in [(401, "`auth` block"), (403, "`auth` block"), (404, "response_actions"), (400, "")]
    {
        let server = always(Answer::text(status, "{\"message\": \"no\"}"));
        let done = project_that_tells(&server.url, status);
        if !hint.is_empty() {
            done.says(&[], hint);
        }
        assert_eq!(server.asked().len(), 1, "{status} is not tried again");
    }
}

fn project_that_tells(url: &str, status: u16) -> Done {
    let done = fails(&reading(url, "path: things, params: {api_key: hunter2}"), 1);
    for piece in [&*status.to_string(), "/things", "resource `t`"] {
        assert!(done.error().contains(piece), "{}", done.stderr);
    }
    done
}

#[test]
fn a_parent_without_the_field() {
    let server = always(Answer::json(&json!([{"id": 1, "name": "a"}, {"title": "b"}])));
    for (child, field, fields) in [
        ("endpoint: \"posts/{resources.posts.id}/comments\"", "id", "title"),
        (
            "endpoint: \"posts/{resources.posts.name}/comments\", include_from_parent: [author]",
            "author",
            "id, name",
        ),
        ("endpoint: {path: c, params: {q: \"{resources.posts.user.id}\"}}", "user.id", "id, name"),
    ] {
        let project = project(&format!(
            "client: {{base_url: \"{}\"}}\nresources:\n  - {{name: posts, endpoint: posts}}\n  - {{name: t, {child}}}",
            server.url
        ));
        let done = fails(&project, 1);
        done.says(
            &["a record of `posts`", &format!("`{field}`"), "resource `t`"],
            &format!("its fields are {fields}"),
        );
    }
}

/// What is wrong in the file is said before anything is asked.
#[test]
fn configurations_that_cannot_be() {
    let check = |source: &str, error: &[&str], hint: &str| {
        let project = project(source);
        for command in ["validate", "run"] {
            let done = project.windlass(&[command, "p.yaml"]);
            assert_eq!(done.code, 2, "{source}: {}", done.stderr);
            done.says(error, hint);
        }
    };
    let depends = |names: &[(&str, &str)]| {
        let resource = |(name, on): &(&str, &str)| {
            format!("  - {{name: {name}, endpoint: \"x/{{resources.{on}.id}}/y\"}}\n")
        };
        format!(
            "client: {{base_url: \"https://h/\"}}\nresources:\n{}",
            names.iter().map(resource).collect::<String>()
        )
    };
    check(&depends(&[("a", "b"), ("b", "c"), ("c", "a")]), &["p.yaml:8:", "`a`"], "");
    check(&depends(&[("a", "a")]), &["p.yaml:8:", "`a`"], "");
    check(&depends(&[("a", "z")]), &["p.yaml:8:", "`z`"], "");
    for url in ["ftp://h/", "file:///etc/passwd", "h.example.com/api", "https//h/", "javascript:alert(1)"] {
        let source = format!("client:\n  base_url: \"{url}\"\nresources: [t]");
        check(&source, &["p.yaml:7:", "`base_url` is not an address of the web"], "https://");
    }
    check(
        "client: {base_url: \"\"}\nresources: [{name: t, endpoint: \"ftp://h/things\"}]",
        &["ftp://h/things"],
        "http",
    );
}

/// Links of the server that lead out of the web.
#[test]
fn links_that_lead_out_of_the_web() {
    for link in ["ftp://127.0.0.1/things", "file:///etc/passwd", "https://", "http://[::1"] {
        let server = always(Answer::json(&json!({"items": [{"id": 1}], "next": link})));
        let done = fails(&reading(&server.url, "path: things, paginator: json_link"), 1);
        done.says(
            &[link, "is not an address of the web", "GET http://127.0.0.1:", "resource `t`"],
            "`paginator`",
        );
        let server = always(Answer::text(302, "").with_header("Location", link));
        let done = fails(&reading(&server.url, "path: things"), 1);
        done.says(&["redirects to what is not an address of the web", "/things"], "");
        assert_eq!(server.asked().len(), 1);
    }
}
