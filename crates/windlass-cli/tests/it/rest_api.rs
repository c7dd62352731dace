//! REST APIs: pipeline files against a server on the loopback.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::project::Project;

/// What a server answers a request: status and body.
type Answer = Arc<dyn Fn(&Asked) -> (u16, Value) + Send + Sync>;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    fn number(&self, param: &str) -> Option<i64> {
        self.params.get(param)?.parse().ok()
    }
}

/// A server on the loopback that notes what it is asked.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) fn new(answer: impl Fn(&Asked) -> (u16, Value) + Send + Sync + 'static) -> Self {
        Self::with_headers("", answer)
    }

    /// The same, with these lines in the head of every answer.
    pub(crate) fn with_headers(
        head: &'static str,
        answer: impl Fn(&Asked) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, noted): (Answer, _) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
                std::thread::spawn(move || serve(stream.unwrap(), head, &answer, &noted));
            }
        });
        Self { url, asked }
    }

    /// What was asked since the last call, as paths with their parameters.
    pub(crate) fn taken(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let line = |asked: &Asked| {
            let params: Vec<String> =
                asked.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if params.is_empty() {
                asked.path.clone()
            } else {
                format!("{}?{}", asked.path, params.join("&"))
            }
        };
        asked.iter().map(line).collect()
    }
}

fn serve(stream: TcpStream, head: &str, answer: &Answer, noted: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let target = first.split(' ').nth(1).unwrap().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let params = query.split('&').filter_map(|pair| pair.split_once('='));
        let params = params.map(|(name, value)| (name.to_owned(), value.replace("%3A", ":"))).collect();
        let asked = Asked { path: path.to_owned(), params, headers, body: String::from_utf8(body).unwrap() };
        let (status, body) = answer(&asked);
        noted.lock().unwrap().push(asked);
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{head}\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// Posts on two pages, comments of each post, none for others.
pub(crate) fn blog(asked: &Asked) -> (u16, Value) {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["posts"] => {
            let page = asked.number("page").unwrap_or(1);
            let posts: Vec<Value> = (page * 2 - 1..=page * 2)
                .map(|id| json!({"id": id, "title": format!("post {id}")}))
                .collect();
            (200, json!({"data": posts, "pages": 2}))
        }
        ["posts", id, "comments"] => {
            let id: i64 = id.parse().unwrap();
            (200, json!([{"id": id * 10, "text": "a"}, {"id": id * 10 + 1, "text": "b"}]))
        }
        _ => (404, json!({"message": "there is no such thing"})),
    }
}

/// A project whose source is a REST API at this address.
pub(crate) fn project(url: &str, source: &str) -> Project {
    let project = Project::new();
    let indented: String = source.lines().map(|line| format!("  {line}\n")).collect();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  \
             type: rest_api\n  client: {{base_url: \"{url}\"}}\n{indented}"
        ),
    );
    project
}

pub(crate) const BLOG: &str = "\
resource_defaults:
  primary_key: id
  write_disposition: merge
resources:
  - name: posts
    endpoint:
      params: {page_size: 2}
      paginator: {type: page_number, base_page: 1, total_path: pages}
  - name: comments
    endpoint: \"posts/{resources.posts.id}/comments\"
    include_from_parent: [id, title]
";

#[test]
fn parents_and_children_are_loaded() {
    let server = Server::new(blog);
    let project = project(&server.url, BLOG);
    project.run(0);
    assert_eq!(
        project.query("SELECT id, title FROM posts ORDER BY id"),
        ["1,post 1", "2,post 2", "3,post 3", "4,post 4"]
    );
    assert_eq!(
        project.query("SELECT id, text, _posts_id, _posts_title FROM comments WHERE id < 22 ORDER BY id"),
        ["10,a,1,post 1", "11,b,1,post 1", "20,a,2,post 2", "21,b,2,post 2"]
    );
    assert_eq!(project.one("SELECT count(*) FROM comments"), "8");
    assert_eq!(
        server.taken(),
        [
            "/posts?page=1&page_size=2",
            "/posts?page=2&page_size=2",
            "/posts/1/comments",
            "/posts/2/comments",
            "/posts/3/comments",
            "/posts/4/comments"
        ]
    );
    // Only the child is wanted: the parent is read and not loaded.
    let done = project.run_with(&["--select", "comments"], 0);
    assert_eq!(server.taken().len(), 6, "{}", done.stderr);
}

#[test]
fn parallel_children_give_the_same_rows_in_the_same_order() {
    let rows = |parallelized: &str| {
        let server = Server::new(blog);
        let project =
            project(&server.url, &BLOG.replace("    include", &format!("    {parallelized}\n    include")));
        // Several workers write several files, which are loaded in any order.
        project.run_with(&["--workers", "1"], 0);
        assert_eq!(server.taken().len(), 6);
        project.query("SELECT * EXCLUDE (_dlt_id, _dlt_load_id) FROM comments")
    };
    assert_eq!(rows("parallelized: true"), rows("parallelized: false"));
}

#[test]
fn an_incremental_cursor_is_asked_for_and_kept() {
    let server = Server::new(|asked: &Asked| {
        let since = asked.params.get("since").cloned().unwrap_or_default();
        let days = ["2024-01-01", "2024-01-02", "2024-01-03"];
        let rows: Vec<Value> =
            days.iter().filter(|day| **day >= since.as_str()).map(|day| json!({"day": day})).collect();
        (200, rows.into())
    });
    let source = "\
resources:
  - name: days
    endpoint:
      params: {since: \"{incremental.start_value}\"}
      incremental: {cursor_path: day, initial_value: \"2024-01-02\"}
";
    let project = project(&server.url, source);
    project.run(0);
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM days"), "2");
    assert_eq!(server.taken(), ["/days?since=2024-01-02", "/days?since=2024-01-03"]);
}

#[test]
fn values_are_converted_for_requests() {
    let server = Server::new(|_| (200, json!([{"at": "2024-01-11T00:00:00Z"}])));
    let source = "\
resources:
  - name: events
    endpoint:
      incremental:
        cursor_path: at
        initial_value: \"2024-01-10T00:00:00Z\"
        start_param: since
        convert: epoch_seconds
  - name: reports
    endpoint:
      path: \"reports/{incremental.start_value}\"
      data_selector: $
      incremental: {cursor_path: at, initial_value: \"2024-01-10T00:00:00Z\", convert: {strftime: \"%Y/%m\"}}
";
    project(&server.url, source).run(0);
    assert_eq!(server.taken(), ["/events?since=1704844800", "/reports/2024/01"]);
}

#[test]
fn one_failing_partition_fails_the_run_or_is_left_for_the_next() {
    let broken = Arc::new(Mutex::new(true));
    let is_broken = Arc::clone(&broken);
    let server = Server::new(move |asked: &Asked| match asked.path.as_str() {
        "/posts/2/comments" if *is_broken.lock().unwrap() => (403, json!({"message": "no"})),
        _ => blog(asked),
    });
    let strict = project(&server.url, BLOG);
    let done = strict.run(1);
    done.says(&["403", "/posts/2/comments"], "auth");
    assert!(!strict.has_table("comments"));

    let lenient = project(&server.url, &format!("{BLOG}    on_partition_error: continue\n"));
    let done = lenient.run(3);
    assert!(done.stderr.contains("/posts/2/comments"), "{}", done.stderr);
    assert_eq!(lenient.one("SELECT count(*) FROM comments"), "6");
    *broken.lock().unwrap() = false;
    server.taken();
    lenient.run(0);
    assert_eq!(lenient.one("SELECT count(*) FROM comments"), "8");
    let asked = server.taken();
    assert_eq!(asked.iter().filter(|path| *path == "/posts/2/comments").count(), 1, "{asked:?}");
}

#[test]
fn bodies_and_headers_are_templates_too() {
    let server = Server::new(|asked: &Asked| match asked.path.as_str() {
        "/posts" => blog(asked),
        _ => {
            assert_eq!(asked.headers["x-post"], "post 1");
            (200, json!({"items": [{"body": asked.body}]}))
        }
    });
    let source = "\
resources:
  - name: posts
    selected: false
    endpoint: {paginator: single_page}
    processing_steps: [{filter: '.id == 1'}]
  - name: found
    endpoint:
      path: search
      method: POST
      headers: {X-Post: \"{resources.posts.title}\"}
      json: {id: \"{resources.posts.id}\", text: \"{{id}}={resources.posts.id}\"}
";
    let project = project(&server.url, source);
    project.run(0);
    let body: Value =
        serde_json::from_str(&project.one("SELECT body FROM found").trim_matches('"').replace("\"\"", "\""))
            .unwrap();
    assert_eq!(body, json!({"id": 1, "text": "{id}=1"}));
    assert!(!project.has_table("posts"), "what is not selected is not loaded");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let check = |source: &str, error: &[&str], hint: &str| {
        let project = project("https://localhost/", source);
        let done = project.windlass(&["validate", "p.yaml"]);
        assert_eq!(done.code, 2, "{source}: {}", done.stderr);
        done.says(error, hint);
    };
    check(
        "resources:\n  - name: a\n    endpoint:\n      parms: {x: 1}\n",
        &["p.yaml:10:", "unknown key `parms`"],
        "did you mean `params`?",
    );
    check(
        "resources: [posts, {name: c, endpoint: \"x/{resources.post.id}\"}]\n",
        &["p.yaml:7:", "`c` refers to the resource `post`"],
        "did you mean `posts`?",
    );
    check(
        "resources:\n  - name: c\n    endpoint:\n      path: c\n      params:\n        q: \"{foo.bar}\"\n",
        &["p.yaml:11:", "`foo.bar` in `params`"],
        "doubled",
    );
    check("resources: [{name: a, endpoint: {paginator: cursr}}]\n", &["p.yaml:7:"], "did you mean `cursor`?");
}

#[test]
fn credentials_come_from_the_settings_and_are_never_shown() {
    let server = Server::new(|asked: &Asked| match asked.headers.get("authorization").map(String::as_str) {
        Some("Bearer hunter2") => (200, json!([{"id": 1}])),
        _ => (401, json!({"message": "who are you?"})),
    });
    let project = project(&server.url, "resources: [{name: a, endpoint: {auth: bearer}}]\n");
    let done = project.run(2);
    done.says(&["`token` is missing"], "SOURCES__REST_API__CREDENTIALS__TOKEN");
    project.write(".windlass/secrets.toml", "[sources.rest_api.credentials]\ntoken = \"hunter3\"\n");
    let done = project.run(1);
    done.says(&["401"], "auth");
    assert!(!done.stderr.contains("hunter3"), "{}", done.stderr);
    project.write(".windlass/secrets.toml", "[sources.rest_api.credentials]\ntoken = \"hunter2\"\n");
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM a"), "1");
}

#[test]
fn a_first_pipeline_file_is_right() {
    let project = Project::new();
    let done = project.windlass(&["init", "rest_api", "duckdb"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done = project.windlass(&["validate", "rest_api.yaml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);

    // What its comments offer works when the signs are taken away.
    let uncomment = |file: &str, lines: &[&str]| {
        let mut text = std::fs::read_to_string(project.path(file)).unwrap();
        for line in lines {
            assert!(text.contains(&format!("# {line}")), "{file} has no `# {line}`:\n{text}");
            text = text.replace(&format!("# {line}"), line);
        }
        project.write(file, text);
    };
    let offers = [
        "auth: bearer",
        "max_requests:",
        "data_selector:",
        "response_actions:",
        "processing_steps:",
        "parallelized:",
    ];
    uncomment("rest_api.yaml", &offers);
    let done = project.windlass(&["validate", "rest_api.yaml"]);
    assert_eq!(done.code, 2, "{}", done.stdout);
    done.says(&["`token` is missing"], "secrets.toml");
    uncomment(".windlass/secrets.toml", &["[sources.rest_api.credentials]", "token = "]);
    let done = project.windlass(&["validate", "rest_api.yaml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
}
