//! Messages to webhooks: what is sent, when, and what a receiver cannot break.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::Value;

use crate::project::Project;

/// A receiver that answers each message with `status`; gives its address and the messages.
fn receiver(status: u16) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/services/hunter2", listener.local_addr().unwrap());
    let (sender, messages) = sync_channel(16);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            let body: Value = loop {
                let count = stream.read(&mut piece).unwrap();
                request.extend_from_slice(&piece[..count]);
                let text = String::from_utf8_lossy(&request);
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
                if let Ok(body) = serde_json::from_str(body) {
                    break body;
                }
            };
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    (url, messages)
}

/// A project whose pipeline file ends with these lines.
fn project(lines: &str) -> Project {
    let project = Project::files("");
    let file = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", file + lines);
    project
}

#[test]
fn new_columns_are_told_once_and_only_they() {
    let (url, messages) = receiver(200);
    let (slack, texts) = receiver(200);
    let project =
        project(&format!("on_schema_change: {{webhook: \"{url}\", slack_webhook: \"${{SLACK}}\"}}\n"));
    project.write(".env", format!("SLACK={slack}\n"));
    project.write("data/a.jsonl", "{\"id\": 1, \"tags\": [\"x\"]}\n");
    let done = project.run(0);
    assert!(!done.stdout.contains("hunter2") && !done.stderr.contains("hunter2"));
    let message = messages.try_recv().unwrap();
    assert_eq!(message["event"], "schema_change");
    assert_eq!(message["pipeline"], "p");
    let columns = message["loads"][0]["new_columns"].as_object().unwrap();
    assert_eq!(columns.keys().collect::<Vec<_>>(), ["t", "t__tags"]);
    assert_eq!(columns["t"][0], "id: bigint");
    let text = texts.try_recv().unwrap();
    assert!(text["text"].as_str().unwrap().contains("• `t`: `id: bigint`"), "{text}");
    assert!(messages.try_recv().is_err() && texts.try_recv().is_err(), "a change is told once");

    project.run(0);
    assert!(messages.try_recv().is_err(), "nothing new, nothing told");
    project.write("data/a.jsonl", "{\"id\": 1, \"size\": 2.5}\n");
    project.run(0);
    let message = messages.try_recv().unwrap();
    assert_eq!(message["loads"][0]["new_columns"], serde_json::json!({"t": ["size: double"]}));
}

#[test]
fn a_failed_run_is_told_with_what_helps() {
    let (url, messages) = receiver(200);
    let project = project(&format!("on_failure: {{webhook: \"{url}\"}}\n"));
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    project.run(0);
    assert!(messages.try_recv().is_err(), "a run that went well is no failure");
    project.write("data/a.jsonl", "{\"id\": 1\n");
    project.run(1);
    let message = messages.try_recv().unwrap();
    assert_eq!(message["event"], "failure");
    assert_eq!(message["error"]["kind"], "data");
    assert!(message["error"]["message"].as_str().unwrap().contains("a.jsonl"), "{message}");
}

#[test]
fn a_receiver_that_refuses_is_a_warning_and_no_failure() {
    let (url, _messages) = receiver(404);
    let project = project(&format!(
        "on_schema_change: {{slack_webhook: \"{url}\"}}\non_failure: {{webhook: \"{url}\"}}\n"
    ));
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    let done = project.run(0);
    assert!(done.stderr.contains("on_schema_change.slack_webhook was not sent"), "{}", done.stderr);
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
    project.write("data/a.jsonl", "{\"id\": 1\n");
    let done = project.run(1);
    assert!(done.stderr.contains("on_failure.webhook was not sent"), "{}", done.stderr);
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
    let trace = std::fs::read_to_string(project.path("work/pipelines/p/trace.json")).unwrap();
    assert!(!trace.contains("hunter2"));
}

#[test]
fn a_webhook_that_is_no_url_is_refused_before_anything_is_read() {
    let project = project("on_failure: {webhook: hunter2}\n");
    let done = project.run(2);
    done.says(&["on_failure.webhook", "URL of the web"], "incoming webhook");
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
}

#[test]
fn the_binary_has_all_destinations() {
    let done = Project::new().windlass(&["destinations"]);
    assert!(!done.stdout.contains("not in this binary"), "{}", done.stdout);
}
