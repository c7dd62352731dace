//! `windlass record` and `run --replay`: a source is read again without its server.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::project::Project;

/// Two pages of posts, the second behind a link.
fn serve(stream: TcpStream, url: &str, asked: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        asked.fetch_add(1, Ordering::SeqCst);
        let body = if head.contains("page=2") {
            r#"{"data": [{"id": 3}], "next": null}"#.to_owned()
        } else {
            format!(
                r#"{{"data": [{{"id": 1}}, {{"id": 2}}], "next": "{url}/posts?page=2", "token": "hidden-field"}}"#
            )
        };
        let answer = format!(
            "HTTP/1.1 200 x\r\ncontent-type: application/json\r\nset-cookie: a=hidden-cookie\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_recording_is_replayed_without_the_server_and_has_no_secrets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let (base, count) = (url.clone(), Arc::clone(&asked));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (base, count) = (base.clone(), Arc::clone(&count));
            std::thread::spawn(move || serve(stream.unwrap(), &base, &count));
        }
    });
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: rest_api\n  \
             client: {{base_url: \"{url}\", auth: {{token: hidden-token}}}}\n  resources:\n    - name: posts\n      \
             write_disposition: replace\n      endpoint: {{params: {{api_key: hidden-key}}}}\n"
        ),
    );
    let recorded = project.windlass(&["record", "p.yaml", "--into", "tape"]);
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let text = fs::read_to_string(project.path("tape/p/exchanges.json")).unwrap();
    assert!(!text.contains("hidden"), "{text}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["exchanges"].as_array().unwrap().len(),
        2
    );

    project.run_with(&["--replay", "tape", "--dataset", "again"], 0);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "the server is not asked again");
    assert_eq!(project.query("SELECT id FROM again.posts ORDER BY id"), ["1", "2", "3"]);

    let nowhere = project.run_with(&["--replay", "nowhere"], 2);
    nowhere.says(&["there is no recording"], "windlass record");
}
