//! What `windlass check` asks, what `-v` shows of it, and documents in several files.

use crate::project::Project;
use crate::rest_api::{BLOG, Server, blog, project};

#[test]
fn check_asks_the_api_for_dependent_resources_too() {
    let server = Server::new(blog);
    let project = project(&server.url, BLOG);
    let done = project.windlass(&["check", "p.yaml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("resources posts, comments can be read"), "{}", done.stdout);
    let asked = server.taken();
    assert!(asked.iter().any(|path| path.starts_with("/posts?")), "{asked:?}");
    assert!(asked.iter().any(|path| path.ends_with("/comments")), "{asked:?}");
    assert!(asked.len() <= 4, "a check asks for little: {asked:?}");
    assert!(!project.path("out.duckdb").exists(), "a check loads nothing");
}

#[test]
fn check_tells_what_the_api_refuses() {
    let server = Server::new(|_| (401, serde_json::json!({"message": "who are you"})));
    let project = project(&server.url, BLOG);
    let done = project.windlass(&["check", "p.yaml"]);
    assert_eq!(done.code, 1, "{}", done.stdout);
    assert!(done.error().contains("401"), "{}", done.stderr);
    assert!(!done.stderr.contains("bug in windlass"), "{}", done.stderr);
}

#[test]
fn requests_are_logged_and_their_secrets_are_not() {
    let server = Server::new(blog);
    let project = project(&server.url, BLOG);
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    let auth = "auth: {type: api_key, name: token, api_key: \"${TOKEN}\", location: query}";
    project.write("p.yaml", text.replacen("client: {", &format!("client: {{{auth}, "), 1));
    for level in ["-v", "-vvv"] {
        let mut command = project.command(&["run", "p.yaml", level]);
        let output = command.env("TOKEN", "hunter2-very-secret").output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(stderr.contains("request") && stderr.contains("/posts"), "{stderr}");
        assert!(stderr.contains("status=200"), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

const ROOT: &str = "\
openapi: 3.0.0
info: {title: Shop}
servers: [{url: 'https://shop.test/'}]
paths:
  /orders: {$ref: 'paths/orders.yaml'}
  /users:
    get:
      responses:
        '200': {content: {application/json: {schema: {type: array, items: {$ref: './schemas.yaml#/User'}}}}}
";

const ORDERS: &str = "\
get:
  responses:
    '200': {content: {application/json: {schema: {type: array, items: {$ref: '../schemas.yaml#/Order'}}}}}
";

const SCHEMAS: &str = "\
User: {type: object, properties: {id: {type: integer}, name: {type: string}}}
Order: {type: object, properties: {id: {type: integer}, user: {$ref: '#/User'}}}
";

#[test]
fn a_document_in_several_files_is_discovered_as_one() {
    let project = Project::new();
    project
        .write("api/openapi.yaml", ROOT)
        .write("api/paths/orders.yaml", ORDERS)
        .write("api/schemas.yaml", SCHEMAS);
    let done = project.windlass(&["discover", "--openapi", "api/openapi.yaml", "--out", "p.yaml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("2 resources"), "{}", done.stdout);
    assert_eq!(done.warnings(), Vec::<&str>::new());
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    assert!(text.contains("orders") && text.contains("users"), "{text}");
}

#[test]
fn a_file_that_cannot_be_followed_is_named() {
    let project = Project::new();
    project.write("openapi.yaml", ROOT).write("schemas.yaml", SCHEMAS);
    let done = project.windlass(&["discover", "--openapi", "openapi.yaml", "--out", "p.yaml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.warnings().iter().any(|text| text.contains("paths/orders.yaml is not followed")),
        "{}",
        done.stderr
    );
}
