use proptest::prelude::*;
use serde_json::{Value, json};

use super::{JsonPath, Tree};
use crate::json::ParseBuffers;

/// Recorded from the reference: expressions over one document.
const CASES: &str = include_str!("jsonpath_cases.json");

fn on_tape(path: &JsonPath, text: &str) -> Option<Vec<Value>> {
    let mut buffers = ParseBuffers::new();
    let parsed = buffers.parse_value(text.as_bytes()).unwrap();
    let found = path.find(&parsed.tape, 0).ok()?;
    Some(found.into_iter().map(|found| found.into_value(&parsed.tape)).collect())
}

#[test]
fn recorded_expressions_find_what_the_reference_finds() {
    let recorded: Value = serde_json::from_str(CASES).unwrap();
    let document = &recorded["document"];
    let text = document.to_string();
    let cases = recorded["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 92);
    for case in cases {
        let expr = case["expr"].as_str().unwrap();
        let path = JsonPath::parse(expr).ok();
        let found = path.as_ref().and_then(|path| path.values(document).ok());
        let wanted = case["values"].as_array().cloned();
        assert_eq!(found, wanted, "{expr}");
        let Some(path) = path else { continue };
        assert_eq!(on_tape(&path, &text), wanted, "{expr} on a tape");
        let simple = case["simple_field_name"].as_str().filter(|name| *name != "<error>");
        assert_eq!(path.field(), simple, "{expr} as a field");
    }
}

#[test]
fn more_expressions_find_what_the_reference_finds() {
    let document = json!({
        "a": {"b": 1, "c": 2, "list": [{"b": 1, "n": "xa"}, {"b": 2, "n": "yb"}, {"b": "3", "n": "xc"}, {"n": "zz"}, {"b": null}, 5]},
        "items": [{"id": 2, "t": ["p", "q"]}, {"id": 1, "t": []}],
        "s": "a,b,c", "n": 5, "nums": [3, 1, 2, 2.5], "o": {"k": {"id": 1}, "l": {"id": 2}}, "dup": {"id": 1}
    });
    for (expr, wanted) in [
        ("dup[*].id", json!([])),
        ("o[*].id", json!([1, 2])),
        ("s[0]", json!([])),
        ("nums[::-1]", json!([2.5, 2, 1, 3])),
        ("nums[1:-1]", json!([1, 2])),
        ("nums[1:3:2]", json!([1])),
        ("nums[-9]", json!([])),
        ("a.list[-1,0]", json!([5, {"b": 1, "n": "xa"}])),
        ("a.list[?b!=2]", json!([{"b": 1, "n": "xa"}, {"b": "3", "n": "xc"}, {"n": "zz"}, {"b": null}, 5])),
        ("a.list[?b>=\"2\"]", json!([{"b": "3", "n": "xc"}])),
        ("a.list[?(@.b==null)]", json!([{"b": null}])),
        ("a.list[?n==xa].b", json!([1])),
        ("a.list[?b == 1.0].b", json!([1])),
        ("a.list[?(@.n =~ 'x')].n", json!(["xa", "xc"])),
        ("o[?(@.id>1)]", json!([{"id": 2}])),
        ("items[?(id==2)&(id==2)].id", json!([2])),
        ("items[?t[0]=='p'].id", json!([2])),
        ("nums[?(@>=2)]", json!([3, 2, 2.5])),
        ("o..id", json!([1, 2])),
        ("$..id", json!([2, 1, 1, 2, 1])),
        ("nums.`sorted`", json!([[1, 2, 2.5, 3]])),
        ("items[/id]", json!([[{"id": 1, "t": []}, {"id": 2, "t": ["p", "q"]}]])),
        ("items[\\id][0].id", json!([2])),
        ("o.`keys`", json!(["k", "l"])),
        ("n.`str()`", json!(["5"])),
        ("s.`sub(/(a),/, \\\\1)`", json!(["ab,c"])),
        ("s.`split(,, *, -1)`", json!([["a", "b", "c"]])),
        ("nums[*]+1", json!([4, 2, 3, 3.5])),
        ("nums[*]+nums[*]", json!([6, 2, 4, 5.0])),
        ("a.b + a.c * 2", json!([5])),
        ("(a.b + 1) * 2", json!([4])),
        ("n + 1", json!([])),
        ("s + 'x'", json!(["sx"])),
        ("a.$.n", json!([5])),
        ("items[0].id.`parent`.id", json!([2])),
        ("nums[0].`parent`.`parent`.dup.id", json!([1])),
        (" a . b ", json!([1])),
        ("items.[0]['id']", json!([2])),
        ("a.(b|c)", json!([1, 2])),
        ("items[0]|n", json!([{"id": 2, "t": ["p", "q"]}, 5])),
        ("$.items[*].(id|t)", json!([2, ["p", "q"], 1, []])),
        ("a,b.c", json!([2])),
    ] {
        let path = JsonPath::parse(expr).unwrap();
        assert_eq!(Value::Array(path.values(&document).unwrap()), wanted, "{expr}");
    }
}

#[test]
fn what_is_no_path_is_refused_with_its_place() {
    for (expr, wanted) in [
        ("next page", "`next page` is not a JSONPath: unexpected `page` at character 6"),
        ("a.", "`a.` is not a JSONPath: it ends too early at character 3"),
        ("$a", "`$a` is not a JSONPath: unexpected `a` at character 2"),
        ("a['x", "`a['x` is not a JSONPath: a quote is not closed at character 3"),
        ("items[0:1,1]", "`items[0:1,1]` is not a JSONPath: unexpected `,` at character 10"),
        ("über", "`über` is not a JSONPath: unexpected 'ü' at character 1"),
        ("..id", "`..id` is not a JSONPath: unexpected part at character 1"),
        ("a.`nope`", "`a.`nope`` is not a JSONPath: unexpected part at character 3"),
    ] {
        let error = JsonPath::parse(expr).unwrap_err();
        assert_eq!(error.to_string(), wanted);
        assert!(error.hint().unwrap().contains("quotes"), "{expr}");
    }
    assert!(JsonPath::parse(&"(".repeat(100_000)).is_err());
    assert!(JsonPath::parse(&format!("a[?{}", "(".repeat(100_000))).is_err());
}

#[test]
fn plain_paths_are_known_as_such() {
    let keys = |text: &str| JsonPath::parse(text).unwrap().keys().map(|keys| keys.join("/"));
    assert_eq!(keys("$").as_deref(), Some(""));
    assert_eq!(keys("data.items").as_deref(), Some("data/items"));
    assert_eq!(keys("$['a b'].c").as_deref(), Some("a b/c"));
    assert_eq!(keys("data[*]"), None);
    assert_eq!(keys("a,b"), None);
    let quoted = JsonPath::of_keys(["a'b\\", "c"]);
    assert_eq!(JsonPath::parse(quoted.as_str()).unwrap().keys(), quoted.keys());
}

#[test]
fn paths_into_a_list_that_is_not_kept_are_known() {
    let needs = |text: &str| JsonPath::parse(text).unwrap().needs_elements_of(&["data", "items"]);
    for kept in
        ["next", "data.next", "data.items[0].id", "data.items[-1].id", "data.items[-1:].id", "meta[*]"]
    {
        assert!(!needs(kept), "{kept}");
    }
    for lost in
        ["data.items[1].id", "data.items[*].id", "data", "data.items", "$..id", "*.next", "data.items.`len`"]
    {
        assert!(needs(lost), "{lost}");
    }
}

#[test]
fn a_number_of_many_digits_keeps_them() {
    let path = JsonPath::parse("next").unwrap();
    let found = on_tape(&path, r#"{"next": 123456789012345678901234567890}"#).unwrap();
    assert_eq!(found, [json!("123456789012345678901234567890")]);
}

#[test]
fn deep_documents_are_searched_without_recursion() {
    let text = format!("{}{{\"id\":1}}{}", "[".repeat(20_000), "]".repeat(20_000));
    let path = JsonPath::parse("$..id").unwrap();
    assert_eq!(on_tape(&path, &text).unwrap(), [json!(1)]);
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_tape_and_a_value_give_the_same(
        document in document(),
        path in r"(\$|a|b)((\.(a|b|c|\*))|(\.\.(a|b))|(\[(\*|0|-1|-1:|:1|\?a|\?a==1|\?b>0)\])){0,4}",
    ) {
        let path = JsonPath::parse(&path).unwrap();
        prop_assert_eq!(on_tape(&path, &document.to_string()), path.values(&document).ok());
    }

    #[test]
    fn any_text_is_read_or_refused(text in r"[a-b0-2$@.\[\]()*:,?|&+`'<=>~/\\ -]{0,16}") {
        if let Ok(path) = JsonPath::parse(&text) {
            let _ = path.values(&json!({"a": [{"b": 1}], "b": {"a": 2}, "0": "x"}));
        }
    }
}

#[test]
fn the_last_of_duplicate_members_counts() {
    let mut buffers = ParseBuffers::new();
    let parsed = buffers.parse_value(br#"{"a":1,"a":2}"#).unwrap();
    assert_eq!(Tree::value(&parsed.tape, Tree::member(&parsed.tape, 0, "a").unwrap()), json!(2));
}
