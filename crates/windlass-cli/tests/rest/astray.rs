//! Links and redirects to another host, in all the ways that they can be written: nothing of the caller goes there.

use serde_json::json;

use crate::project::Project;
use crate::weather::{Answer, Asked, Server};

const CANARY: &str = "hushhush";

/// Links to the second server that look as if they led to the first.
fn links(home: &str, other: &str) -> Vec<String> {
    let named = other.replace("127.0.0.1", "localhost");
    let short = other.replace("127.0.0.1", "127.1");
    vec![
        format!("http://{home}\\@{named}/steal"),
        format!("http://{home}\\\\@{named}/steal"),
        format!("http://{home}%5c@{named}/steal"),
        format!("http://{home}#@{named}/steal"),
        format!("http://{home}?@{named}/steal"),
        format!("http://{home};@{named}/"),
        format!("http:\\\\{named}/steal"),
        format!("/\\{named}/steal"),
        format!("http:/{named}/steal"),
        format!("http:{named}/steal"),
        format!("http://{named}\\.{home}/"),
        format!("//{named}/steal"),
        format!("\t//{named}/steal"),
        format!("http://{home}@{named}/"),
        format!("@{named}/steal"),
        format!("http://{other}/steal"),
        format!("http://{short}/steal"),
        format!("http://user:pw@{home}\\@{named}/"),
        format!("http://user:pw@{named}/steal"),
    ]
}

fn place(server: &Server) -> String {
    server.url.strip_prefix("http://").unwrap().to_owned()
}

#[test]
fn no_link_json_next_or_redirect_leads_credentials_to_another_host() {
    let other =
        Server::new(|_: &Asked| Answer::json(&json!([{"id": 2}])).with_header("set-cookie", "other=1"));
    for (how, paginator, selector) in [
        ("link", "header_link", ""),
        ("json", "{type: json_link, next_url_path: next}", ", data_selector: d"),
        ("redirect", "single_page", ""),
    ] {
        let links = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let current = std::sync::Arc::clone(&links);
        let home = Server::new(move |asked: &Asked| {
            let link = current.lock().unwrap().clone();
            let answer = match (asked.path.as_str(), how) {
                ("/start", "link") => {
                    Answer::json(&json!([{"id": 1}])).with_header("link", format!("<{link}>; rel=\"next\""))
                }
                ("/start", "json") => Answer::json(&json!({"d": [{"id": 1}], "next": link})),
                ("/start", _) => Answer::text(302, "").with_header("location", link),
                _ => Answer::text(404, "{}"),
            };
            answer.with_header("set-cookie", format!("session={CANARY}"))
        });
        for link in self::links(&place(&home), &place(&other)) {
            links.lock().unwrap().clone_from(&link);
            let project = Project::in_memory();
            project.write(
                "p.yaml",
                format!(
                    "pipeline: v\ndataset: d\ndestination: {{type: memory}}\nsource:\n  type: rest_api\n  client:\n    \
                     base_url: '{}/'\n    auth: {{type: bearer, token: {CANARY}}}\n    headers: {{X-Anything: {CANARY}}}\n    \
                     paginator: {paginator}\n  resources: [{{name: r, endpoint: {{path: start{selector}}}}}]\n",
                    home.url
                ),
            );
            let done = project.windlass(&["run", "p.yaml"]);
            assert!(!done.stderr.contains(CANARY) && !done.stdout.contains(CANARY), "{}", done.stderr);
            for asked in other.asked() {
                let leaks = asked.headers.values().any(|value| value.contains(CANARY));
                assert!(!leaks && !asked.headers.contains_key("authorization"), "{how} {link:?}: {asked:?}");
            }
        }
        assert!(
            home.asked().iter().any(|asked| asked.headers["authorization"] == format!("Bearer {CANARY}"))
        );
        assert!(!other.asked().is_empty(), "{how}: the other host was never asked");
    }
}

#[test]
fn a_token_is_not_fetched_where_a_redirect_leads() {
    let other = Server::new(|_: &Asked| Answer::json(&json!({"access_token": "t"})));
    let target = format!("{}/token", other.url.replace("127.0.0.1", "localhost"));
    for status in [301, 302, 303, 307, 308] {
        let location = target.clone();
        let home =
            Server::new(move |_: &Asked| Answer::text(status, "").with_header("location", location.clone()));
        let project = Project::in_memory();
        project.write(
            "p.yaml",
            format!(
                "pipeline: v\ndataset: d\ndestination: {{type: memory}}\nsource:\n  type: rest_api\n  client:\n    \
                 base_url: '{}/'\n    auth: {{type: oauth2_client_credentials, access_token_url: '{}/token', client_id: c, \
                 client_secret: {CANARY}}}\n  resources: [{{name: r, endpoint: {{path: start}}}}]\n",
                home.url, home.url
            ),
        );
        let done = project.windlass(&["run", "p.yaml"]);
        assert!(!done.stderr.contains(CANARY), "{}", done.stderr);
        if status >= 307 {
            assert_eq!(done.code, 1, "{}", done.stderr);
            assert!(done.stderr.contains("send_credentials_to"), "{}", done.stderr);
        }
        for asked in other.asked() {
            assert!(!String::from_utf8_lossy(&asked.body).contains(CANARY), "{status}: {asked:?}");
        }
    }
}

#[test]
fn parameters_of_the_file_do_not_follow_an_address_in_a_record() {
    let other = Server::new(|_: &Asked| Answer::json(&json!([{"x": 1}])));
    let address = other.url.replace("127.0.0.1", "localhost");
    let home = Server::new(move |_: &Asked| Answer::json(&json!([{"id": format!("{address}/steal?own=1")}])));
    let project = Project::in_memory();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: rest_api\n  client: \
             {{base_url: \"{}/\", paginator: single_page}}\n  resources:\n    - {{name: t, endpoint: items}}\n    - {{name: k, \
             endpoint: {{path: \"{{resources.t.id}}\", params: {{q: {CANARY}}}}}}}\n",
            home.url
        ),
    );
    project.run(0);
    let asked = other.asked();
    assert!(!asked.is_empty());
    for asked in asked {
        assert!(asked.query.iter().all(|(name, value)| name == "own" && value == "1"), "{:?}", asked.query);
    }
}
