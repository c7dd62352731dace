//! `windlass discover`: from a document to a file that loads.

use serde_json::{Value, json};

use crate::project::Project;
use crate::rest_api::{Asked, Server};

/// What the API says about itself.
fn document() -> Value {
    let list = |item: Value| {
        json!({"200": {"content": {"application/json": {"schema": {"type": "object", "properties": {
            "data": {"type": "array", "items": {"type": "object", "properties": item}},
            "pages": {"type": "integer"},
        }}}}}})
    };
    json!({
        "openapi": "3.0.0", "info": {"title": "Blog"}, "servers": [{"url": "/"}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/posts": {"get": {
                "summary": "All posts",
                "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}],
                "responses": list(json!({"id": {"type": "integer"}, "title": {"type": "string"}})),
            }},
            "/posts/{post_id}/comments": {"get": {"responses": list(json!({"id": {"type": "integer"}}))}},
        },
    })
}

/// The API itself, with pages of two posts.
fn api(asked: &Asked) -> (u16, Value) {
    let id = |id: i64| json!({"id": id, "title": format!("post {id}")});
    match asked.path.as_str() {
        "/openapi.json" => (200, document()),
        _ if asked.headers.get("authorization").map(String::as_str) != Some("Bearer hunter2") => {
            (401, json!({}))
        }
        "/posts" => match asked.params.get("page").map(String::as_str) {
            Some("1") => (200, json!({"data": [id(1), id(2)], "pages": 2})),
            Some("2") => (200, json!({"data": [id(3)], "pages": 2})),
            page => (400, json!({"page": page})),
        },
        path => {
            let post: i64 = path.split('/').nth(2).unwrap().parse().unwrap();
            (200, json!({"data": [{"id": post * 10}, {"id": post * 10 + 1}], "pages": 1}))
        }
    }
}

#[test]
fn what_an_api_says_about_itself_is_loaded() {
    let server = Server::new(api);
    let project = Project::new();
    let address = format!("{}openapi.json", server.url);
    let done = project.windlass(&["discover", "--openapi", &address, "--out", "p.yaml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stdout.contains("wrote p.yaml: 2 resources") && done.stdout.contains("BLOG_TOKEN"),
        "{}",
        done.stdout
    );
    let done = project.windlass(&["validate", "p.yaml"]);
    assert_eq!(done.code, 2);
    done.says(&["BLOG_TOKEN is not set", "p.yaml:"], "set BLOG_TOKEN");
    project.write(".env", "BLOG_TOKEN=hunter2\n");
    assert_eq!(project.windlass(&["validate", "p.yaml"]).code, 0);
    project.run(0);
    assert_eq!(
        project.query("SELECT id, title FROM posts ORDER BY id"),
        ["1,post 1", "2,post 2", "3,post 3"]
    );
    assert_eq!(project.query("SELECT id FROM comments ORDER BY id"), ["10", "11", "20", "21", "30", "31"]);

    let done = project.windlass(&["discover", "--openapi", &address, "--out", "p.yaml"]);
    assert_eq!(done.code, 2);
    done.says(&["p.yaml exists already"], "another --out");
}

#[test]
fn a_configuration_is_printed_where_no_file_is_named() {
    let project = Project::new();
    project.write("api.json", document().to_string());
    let done =
        project.windlass(&["discover", "https://blog.example", "--openapi", "api.json", "--name", "mine"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stdout.contains("pipeline: mine") && done.stdout.contains("base_url: \"https://blog.example/\"")
    );
    let done = project.windlass(&["discover", "https://blog.example", "--openapi", "api.json", "--json"]);
    let value: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&value["resources"], &value["variables"]),
        (&json!(["posts", "comments"]), &json!(["BLOG_TOKEN"]))
    );
}

#[test]
fn documents_that_cannot_be_had_are_named() {
    let server = Server::new(|_| (404, json!({"message": "none"})));
    let project = Project::new();
    let done = project.windlass(&["discover", "--openapi", "nowhere.json"]);
    assert_eq!(done.code, 2);
    done.says(&["cannot read nowhere.json"], "openapi.json");
    let done = project.windlass(&["discover", "--openapi", &format!("{}x?token=hunter2", server.url)]);
    assert_eq!(done.code, 1);
    done.says(&["404", "/x?token=***"], "");
    project.write("page.html", "<html></html>");
    let done = project.windlass(&["discover", "--openapi", "page.html"]);
    assert_eq!(done.code, 2);
    done.says(&["a page for browsers", "page.html"], "openapi.json");
    project.write("bytes", b"\xff\xfe");
    project.windlass(&["discover", "--openapi", "bytes"]).says(&["this is not text", "bytes"], "UTF-8");
}
