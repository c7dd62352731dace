//! Whole documents, and documents that are none.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::{Overrides, PipelineFile};

const PETS: &str = include_str!("testdata/pets.yaml");
const HUB: &str = include_str!("testdata/hub.json");
const CURSORS: &str = include_str!("testdata/cursors.yaml");

fn options(url: Option<&str>) -> DiscoverOptions {
    DiscoverOptions {
        pipeline: None,
        destination: "duckdb".to_owned(),
        base_url: url.map(str::to_owned),
        file: "api.yaml".to_owned(),
    }
}

/// The part of a file behind the destination, after the file was found to be right.
fn made(document: &str, url: Option<&str>) -> (String, Discovery) {
    let discovery = openapi(document, &options(url)).unwrap();
    validate(&discovery);
    let source = discovery.text.split_once("source:\n").unwrap().1.lines();
    (source.map(|line| format!("{}\n", line.strip_prefix("  ").unwrap())).collect(), discovery)
}

/// Reads a configuration as `windlass validate` does.
fn validate(discovery: &Discovery) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    std::fs::write(&path, &discovery.text).unwrap();
    let mut env: BTreeMap<String, String> =
        discovery.variables.iter().map(|name| (name.clone(), "x".to_owned())).collect();
    env.insert("WINDLASS_DATA_DIR".to_owned(), folder.path().display().to_string());
    let file = PipelineFile::load(&path, env).unwrap_or_else(|error| panic!("{error:?}\n{}", discovery.text));
    let described = file.describe(&Overrides::default());
    described.unwrap_or_else(|error| panic!("{error:?}\n{}", discovery.text));
}

fn check(document: &str, url: Option<&str>, expected: &Expect) -> Discovery {
    let (text, discovery) = made(document, url);
    expected.assert_eq(&text);
    discovery
}

#[test]
fn a_swagger_document_with_offsets_parents_and_an_api_key() {
    let discovery = check(
        PETS,
        None,
        &expect![[r#"
            type: rest_api
            client:
              base_url: "https://petstore.example.com/v2/"
              auth: {type: api_key, name: X-Api-Key, api_key: "${PET_STORE_API_KEY}", location: header}
            resources:
              - name: pets   # All pets: the ones that can be bought, and the others.
                primary_key: id
                write_disposition: merge
                endpoint:
                  path: pets
                  # params:
                    # status:   # available | sold: What became of them
                  data_selector: items
                  paginator: {type: offset, limit: 200, offset_param: skip, total_path: total}
              - name: photos
                primary_key: photoId
                write_disposition: merge
                include_from_parent: [id]
                endpoint:
                  path: "pets/{resources.pets.id}/photos"
              - name: likes
                write_disposition: replace
                endpoint:
                  path: "pets/{resources.photos._pets_id}/photos/{resources.photos.photoId}/likes"
              - name: pet   # One pet
                selected: false   # a request for each record; load it if there is more in it than in the list
                primary_key: id
                write_disposition: merge
                endpoint:
                  path: "pets/{resources.pets.id}"
                  data_selector: $
                  paginator: single_page
              - name: find_by_tag
                selected: false   # complete it first
                primary_key: id
                write_disposition: merge
                endpoint:
                  path: pets/findByTag
                  params:
                    "tag{{0}}": FILL_ME_IN
                    order: asc
              - name: inventory
                selected: false   # complete it first
                write_disposition: replace
                endpoint:
                  path: "stores/${STORE_ID:-FILL_ME_IN}/inventory"
                  data_selector: $
                  paginator: single_page
        "#]],
    );
    assert_eq!(discovery.pipeline, "pet_store");
    assert_eq!(discovery.variables, ["PET_STORE_API_KEY"]);
    assert_eq!(discovery.resources, ["pets", "photos", "likes"]);
    assert_eq!(discovery.unselected, ["pet", "find_by_tag", "inventory"]);
    assert_eq!(discovery.warnings, ["1 paths are left out: their answers have no records in JSON"]);
}

#[test]
fn a_document_with_link_headers_shared_parts_and_circles() {
    let discovery = check(
        HUB,
        None,
        &expect![[r#"
            type: rest_api
            client:
              base_url: "https://eu.hub.example/api/"
              auth: {type: bearer, token: "${HUB_TOKEN}"}
              paginator: {type: header_link}
            resources:
              - name: events
                primary_key: event_id
                write_disposition: merge
                endpoint:
                  path: events
                  params:
                    per_page: 100
              - name: meta
                write_disposition: replace
                endpoint:
                  path: meta
                  data_selector: $
                  paginator: single_page
              - name: outside
                write_disposition: replace
                endpoint:
                  path: outside
                  paginator: auto
              - name: issues   # Issues of a repository
                selected: false   # complete it first
                primary_key: number
                write_disposition: merge
                endpoint:
                  path: "repos/${OWNER:-FILL_ME_IN}/${REPO:-FILL_ME_IN}/issues"
                  params:
                    per_page: 100
                    # since:   # text (date-time); with `incremental`: "{incremental.start_value}": Only those updated after
              - name: comments
                selected: false   # complete it first
                primary_key: id
                write_disposition: merge
                endpoint:
                  path: "repos/${OWNER:-FILL_ME_IN}/${REPO:-FILL_ME_IN}/issues/{resources.issues.number}/comments"
                  params:
                    per_page: 100
        "#]],
    );
    assert_eq!(discovery.resources, ["events", "meta", "outside"]);
    assert_eq!(discovery.unselected, ["issues", "comments"]);
    assert!(discovery.warnings[0].contains("1 references lead nowhere"), "{:?}", discovery.warnings);
}

#[test]
fn cursors_in_all_their_forms() {
    let discovery = check(
        CURSORS,
        Some("https://ledger.example"),
        &expect![[r#"
            type: rest_api
            client:
              base_url: "https://ledger.example/v1/"
              auth: {type: oauth2_client_credentials, access_token_url: "https://auth.ledger.example/token", client_id: "${LEDGER_CLIENT_ID}", client_secret: "${LEDGER_CLIENT_SECRET}"}
            resources:
              - name: accounts
                primary_key: account_uuid
                write_disposition: merge
                endpoint:
                  path: accounts
                  params:
                    page_size: 1000
                  data_selector: data
                  paginator: {type: cursor, cursor_path: meta.next_cursor, cursor_param: cursor}
              - name: charges
                primary_key: id
                write_disposition: merge
                endpoint:
                  path: charges
                  params:
                    limit: 100
                  data_selector: data
                  paginator: {type: cursor, cursor_path: "data[-1].id", cursor_param: starting_after, has_more_path: has_more}
              - name: payouts
                write_disposition: replace
                endpoint:
                  path: payouts
                  data_selector: payouts
                  paginator: {type: page_number, base_page: 0, total_path: pageInfo.totalPages}
              - name: odata
                primary_key: odataId
                write_disposition: merge
                endpoint:
                  path: odata
                  data_selector: value
                  paginator: {type: json_link, next_url_path: "['@odata.nextLink']"}
              - name: account
                primary_key: account_uuid
                write_disposition: merge
                endpoint:
                  path: "accounts/{resources.accounts.account_uuid}"
                  data_selector: account
                  paginator: single_page
        "#]],
    );
    assert_eq!(discovery.variables, ["LEDGER_CLIENT_ID", "LEDGER_CLIENT_SECRET"]);
}

#[test]
fn where_the_api_is() {
    let base = |server: Option<&str>, url: Option<&str>, file: &str| {
        base_url(server, &DiscoverOptions { file: file.to_owned(), ..options(url) })
            .map_err(|error| error.chain())
    };
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(base(Some("https://a/v1"), None, "f"), ok("https://a/v1/"));
    assert_eq!(
        base(Some("https://a/v1"), Some("http://localhost:8080"), "f"),
        ok("http://localhost:8080/v1").map(|url: String| url + "/")
    );
    assert_eq!(base(Some("https://a/v1"), Some("https://b/v2/"), "f"), ok("https://b/v2/"));
    assert_eq!(base(Some("/v1"), Some("https://b"), "f"), ok("https://b/v1/"));
    assert_eq!(base(Some("v1"), None, "https://c/docs/openapi.json?x=1"), ok("https://c/docs/v1/"));
    assert_eq!(base(None, None, "https://c/openapi.json"), ok("https://c/openapi.json/"));
    assert!(base(Some("/v1"), None, "f").unwrap_err().contains("does not say where the API is"));
    assert!(base(None, Some("ftp://b"), "f").unwrap_err().contains("not an address of the web"));
}

#[test]
fn what_is_no_document_is_said_with_its_place() {
    let fails = |text: &str, message: &str, hint: &str| {
        let error = openapi(text, &options(Some("https://a"))).unwrap_err();
        assert!(error.chain().contains(message) && error.chain().contains("api.yaml"), "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{error:?}");
    };
    fails("<!doctype html>", "a page for browsers", "openapi.json");
    fails("{\"openapi\": \n\"3.0.0\",}", "this is not JSON", "");
    fails("a: [1", "this is not YAML", "brackets");
    fails("", "neither `openapi` nor `swagger`", "openapi");
    fails("- 1", "neither `openapi` nor `swagger`", "openapi");
    fails("openapi: 4.0.0", "version 4.0.0", "3.1");
    fails("swagger: 1.2", "version 1.2", "2.0");
    fails("openapi: 3.0.0", "has no `paths`", "bundle");
    fails("openapi: 3.0.0\npaths: {/a: {post: {}}}", "can be asked for by GET", "by hand");
    fails(
        "openapi: 3.0.0\npaths: {/a: {get: {responses: {200: {content: {x/json: {schema: {type: string}}}}}}}}",
        "has records",
        "",
    );
}

#[test]
fn names_are_unique_and_clean() {
    let path = |path: &str| (path.to_owned(), json!({"get": {}}));
    let paths: serde_json::Map<String, Value> =
        ["/a/items", "/b/items", "/b/items/", "/1", "/{x}", "/{y}/{z}", "/ü", "/${A}/{{b}}", "/a.b:c"]
            .map(path)
            .into_iter()
            .collect();
    let document = json!({"openapi": "3.0.0", "servers": [{"url": "https://a"}], "paths": paths}).to_string();
    let (_, discovery) = made(&document, None);
    let names: Vec<&str> =
        discovery.resources.iter().chain(&discovery.unselected).map(String::as_str).collect();
    assert_eq!(
        names,
        ["r_1", "resource_2", "a_b_c", "items", "b_items", "items_2", "resource", "resource_3", "b"]
    );
    assert!(discovery.text.contains("\"$FILL_ME_IN/FILL_ME_IN}}\""), "{}", discovery.text);
}

/// Values of all kinds with the words that documents are made of.
fn values() -> impl Strategy<Value = Value> {
    let words = [
        "type",
        "properties",
        "items",
        "object",
        "array",
        "string",
        "integer",
        "$ref",
        "allOf",
        "oneOf",
        "anyOf",
        "get",
        "responses",
        "200",
        "schema",
        "content",
        "application/json",
        "parameters",
        "name",
        "in",
        "query",
        "path",
        "id",
        "data",
        "next",
        "cursor",
        "page",
        "limit",
        "offset",
        "#/paths",
        "#/components/schemas/Pet",
        "#",
        "/a/{b}",
        "{",
        "}",
        "${X}",
        "",
        "\u{0}",
        "a b",
        "required",
        "enum",
        "default",
        "format",
        "date-time",
        "headers",
        "Link",
    ];
    let word = move || prop::sample::select(words.to_vec()).prop_map(str::to_owned);
    let leaf = prop_oneof![
        word().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The places of all values in a document.
fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(key, value)| pointers(value, &format!("{pointer}/{}", escaped(key)), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| pointers(value, &format!("{pointer}/{index}"), found));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever stands in a document: an error, or a configuration that is right.
    #[test]
    fn documents_with_anything_in_them_never_panic(
        document in prop::sample::select(vec![PETS, HUB, CURSORS]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), values()), 1..6),
    ) {
        let mut value = document::parse(document, "x").unwrap();
        for (index, replacement) in changes {
            let mut places = Vec::new();
            pointers(&value, "", &mut places);
            let place: &String = index.get(&places);
            *value.pointer_mut(place).unwrap() = replacement;
        }
        if let Ok(discovery) = openapi(&value.to_string(), &options(Some("https://a.example"))) {
            validate(&discovery);
        }
    }

    #[test]
    fn texts_that_are_no_documents_never_panic(text in any::<String>(), value in values()) {
        let _ = openapi(&text, &options(None));
        let paths = json!({"openapi": "3.1.0", "paths": value, "servers": [{"url": "https://a"}]});
        if let Ok(discovery) = openapi(&paths.to_string(), &options(None)) {
            validate(&discovery);
        }
    }
}
