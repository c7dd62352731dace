use serde_json::{Map, Value, json};
use windlass_core::Result;

use super::compile::{ClientDefaults, RestResource, compile};
use super::field::bind;
use super::template::Expanded;
use super::{CursorMoment, RestResourceOptions};
use crate::source::{CursorRange, Resource};
use crate::sources::Places;
use crate::sources::rest::paginate::PaginatorConfig;

/// The resource `r` with this endpoint.
fn resource(endpoint: Value) -> Result<RestResource> {
    let options: RestResourceOptions = serde_json::from_value(json!({ "endpoint": endpoint })).unwrap();
    let client =
        ClientDefaults { paginator: Some(PaginatorConfig::HeaderLink(Default::default())), auth: None };
    compile(Resource::new("r"), options, &client, &Places::default(), "/resources/0")
}

fn moment(range: &CursorRange) -> CursorMoment {
    CursorMoment::of(range)
}

/// The first request for a record of the parent.
fn expand(endpoint: Value, record: &Value) -> Expanded {
    let rest = resource(endpoint).unwrap();
    let binding = bind(record, "posts", &rest.fields, &[]).unwrap();
    rest.template.expand(&binding.fields, &CursorMoment::default(), &[]).unwrap()
}

#[test]
fn only_a_whole_placeholder_in_json_keeps_its_type() {
    let record = json!({"id": 1, "title": "A", "author": {"id": 10}, "none": null});
    let request = expand(
        json!({
            "path": "search/{resources.posts.none}",
            "json": {"id": "{resources.posts.id}", "text": "id={resources.posts.id}", "o": ["{resources.posts.author}"], "{resources.posts.title}": true},
            "params": {"q": "{resources.posts.id}", "flag": true},
            "headers": {"X": "{resources.posts.author}"},
        }),
        &record,
    );
    assert_eq!(request.path, "search/None");
    assert_eq!(request.json, Some(json!({"id": 1, "text": "id=1", "o": [{"id": 10}], "A": true})));
    assert_eq!(Value::Object(request.params), json!({"q": "1", "flag": true}));
    assert_eq!(request.headers, [("X".to_owned(), "{'id': 10}".to_owned())]);
    let request = expand(json!({"data": {"id": "{resources.posts.id}"}}), &record);
    assert_eq!(request.data, Some(json!({"id": "1"})));
}

#[test]
fn parameters_of_the_path_leave_the_query() {
    let request = expand(
        json!({"path": "a/{pid}/{p}/{}/b", "params": {
            "pid": 2, "v": 1, "p": {"type": "resolve", "resource": "posts", "field": "author.id"},
        }}),
        &json!({"author": {"id": 7}}),
    );
    assert_eq!((request.path.as_str(), Value::Object(request.params)), ("a/2/7//b", json!({"v": 1})));
}

#[test]
fn a_path_that_ends_in_a_placeholder_is_one_thing() {
    let is_single = |path: &str| {
        let rest = resource(json!({"path": path, "params": {"id": 1}})).unwrap();
        assert_eq!(rest.selector.is_some(), rest.paginator == Some(PaginatorConfig::SinglePage), "{path}");
        rest.selector.is_some()
    };
    for path in ["posts/{id}", "posts/{id}/", "posts/{id}.json", "x-{id}-y", "posts?id={id}"] {
        assert!(is_single(path), "{path}");
    }
    for path in ["posts/{id}?x=a/b", "posts/{id}/comments", "posts", "posts/{}"] {
        assert!(!is_single(path), "{path}");
    }
}

#[test]
fn the_endpoint_comes_before_the_client_and_auto_is_the_clients() {
    let paginator = |endpoint: Value| resource(endpoint).unwrap().paginator.unwrap().name().to_owned();
    assert_eq!(paginator(json!({})), "header_link");
    assert_eq!(paginator(json!({"paginator": "auto"})), "header_link");
    assert_eq!(paginator(json!({"paginator": {"type": "auto"}})), "header_link");
    assert_eq!(paginator(json!({"paginator": "cursor"})), "cursor");
    assert_eq!(paginator(json!({"path": "{id}", "params": {"id": 1}, "paginator": "cursor"})), "cursor");
}

#[test]
fn the_range_of_a_cursor_is_asked_for_in_both_ways() {
    let rest = resource(json!({
        "path": "{incremental.start_value}",
        "params": {"a": "{incremental.end_value}", "i": "{incremental.initial_value}"},
        "incremental": {"cursor_path": "at", "start_param": "since", "end_param": "until", "convert": "date"},
    }))
    .unwrap();
    let range = CursorRange {
        initial_value: Some(json!("2024-01-01T05:00:00Z")),
        start_value: Some(json!("2024-01-02T05:00:00Z")),
        ..CursorRange::default()
    };
    *range.last_value.lock().unwrap() = Some(json!("2024-01-03T05:00:00Z"));
    let requests = rest.template.cursor.clone().unwrap();
    let params = moment(&range).params(&requests).unwrap();
    let request = rest.template.expand(&Map::new(), &moment(&range), &params).unwrap();
    assert_eq!(request.path, "2024-01-02");
    assert_eq!(
        Value::Object(request.params),
        json!({"a": "None", "i": "2024-01-01", "since": "2024-01-03", "until": null})
    );
}

#[test]
fn only_children_that_ask_for_the_last_value_follow_the_cursor() {
    let follows = |path: &str, incremental: Value| {
        let endpoint =
            json!({"path": path, "params": {"x": "{incremental.start_value}"}, "incremental": incremental});
        resource(endpoint).unwrap().resource.follows_cursor
    };
    let plain = || json!({"cursor_path": "at"});
    assert!(!follows("a", json!({"cursor_path": "at", "start_param": "since"})));
    assert!(!follows("a/{resources.p.id}/b", plain()));
    assert!(follows("a/{resources.p.id}/b", json!({"cursor_path": "at", "start_param": "since"})));
    assert!(follows("a/{resources.p.id}/{incremental.last_value}", plain()));
}

#[test]
fn what_is_wrong_by_itself_is_refused() {
    for (endpoint, why) in [
        (json!({"data_selector": "a b"}), "not a JSONPath"),
        (json!({"path": "{resources.p.'}"}), "a quote is not closed"),
        (
            json!({"params": {"a": "{incremental.sart_value}"}, "incremental": {"cursor_path": "x"}}),
            "`sart_value`",
        ),
        (json!({"params": {"a": "{resources.p.id:>3}"}}), "the format `>3`"),
        (json!({"params": {"p": {"type": "resolve", "resource": "a", "feld": "b"}}}), "`feld`"),
        (json!({"incremental": {"cursor_path": "x", "convert": {"strftime": "%Q"}}}), "`%Q`"),
    ] {
        let error = resource(endpoint.clone()).unwrap_err();
        assert!(error.to_string().contains(why), "{endpoint}: {error}");
        assert!(error.hint().is_some(), "{endpoint}");
    }
}
