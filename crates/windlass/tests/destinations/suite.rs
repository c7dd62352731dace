//! The checks that every destination passes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use windlass::core::value::{Tag, encode_tagged};

pub(crate) use crate::empty::an_extract_without_rows_takes_nothing_away;
use crate::faulty::{Faulty, Point};
use crate::place::{Kind, Place, Rows, load};

pub(crate) async fn appending_twice_keeps_both_loads(place: Place) {
    place.load(&[Rows::append("items", "{\"id\":1}\n{\"id\":2}\n")]).await;
    place.load(&[Rows::append("items", "{\"id\":2}\n{\"id\":3}\n")]).await;
    assert_eq!(place.rows("items").await, ["id=1", "id=2", "id=2", "id=3"]);
    let mut ids = place.columns("items", &["_dlt_id"]).await;
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let mut loads = place.columns("items", &["_dlt_load_id"]).await;
    loads.dedup();
    assert_eq!(loads.len(), 2);
}

pub(crate) async fn lists_become_child_tables_that_point_to_their_parents(place: Place) {
    place
        .load(&[Rows::append(
            "items",
            "{\"id\":1,\"tags\":[\"a\",\"b\"],\"sub\":[{\"x\":[7]}]}\n{\"id\":2}\n",
        )])
        .await;
    assert_eq!(place.rows("items__tags").await, ["value=a", "value=b"]);
    assert_eq!(place.rows("items__sub__x").await, ["value=7"]);
    let parents = place.columns("items", &["_dlt_id"]).await;
    let links = place.columns("items__tags", &["_dlt_parent_id", "_dlt_list_idx"]).await;
    assert_eq!(links.len(), 2);
    for (index, link) in links.iter().enumerate() {
        assert!(link.starts_with(&format!("_dlt_list_idx={index} ")), "{link}");
        let parent = link.split("_dlt_parent_id=").nth(1).unwrap();
        assert!(parents.contains(&format!("_dlt_id={parent}")), "{parent} is not of {parents:?}");
    }
}

pub(crate) async fn replacing_empties_the_table_and_its_children(place: Place) {
    place.load(&[Rows::replace("items", "{\"id\":1,\"tags\":[\"a\",\"b\"]}\n{\"id\":2}\n")]).await;
    place.load(&[Rows::replace("items", "{\"id\":3}\n")]).await;
    assert_eq!(place.rows("items").await, ["id=3"]);
    assert_eq!(place.count("items__tags").await, 0);
}

pub(crate) async fn replacing_without_rows_empties_the_table(place: Place) {
    place.load(&[Rows::replace("items", "{\"id\":1}\n"), Rows::append("kept", "{\"id\":1}\n")]).await;
    place.load(&[Rows::replace("items", ""), Rows::append("kept", "")]).await;
    assert_eq!(place.count("items").await, 0);
    assert_eq!(place.count("kept").await, 1);
}

pub(crate) async fn replacing_from_staging_leaves_only_new_rows(place: Place) {
    if place.kind == Kind::Filesystem {
        return;
    }
    for strategy in ["insert-from-staging", "staging-optimized"] {
        replaces_from_staging(&place, strategy).await;
    }
}

async fn replaces_from_staging(place: &Place, strategy: &str) {
    let name = strategy.replace('-', "_");
    let log = format!("log_{name}");
    let options = json!({ "replace_strategy": strategy });
    let pipeline = || place.pipeline_to(place.destination(options.clone()), "pipelines");
    for lines in
        ["{\"id\":1,\"tags\":[1]}\n{\"id\":2}\n", "{\"id\":3,\"tags\":[2,3]}\n", "{\"id\":4,\"new\":true}\n"]
    {
        load(&pipeline(), &[Rows::replace(&name, lines), Rows::append(&log, "{\"n\":1}\n")]).await.unwrap();
    }
    assert_eq!(place.rows(&name).await, ["id=4 new=true"]);
    assert_eq!(place.count(&format!("{name}__tags")).await, 0);
    assert_eq!(place.count(&log).await, 3);
    load(&pipeline(), &[Rows::replace(&name, "")]).await.unwrap();
    assert_eq!(place.count(&name).await, 0);
}

pub(crate) async fn an_extract_without_rows_keeps_appended_rows(place: Place) {
    place.load(&[Rows::append("items", "{\"id\":1,\"tags\":[1]}\n")]).await;
    place.load(&[Rows::append("items", "")]).await;
    assert_eq!(place.rows("items").await, ["id=1"]);
    assert_eq!(place.count("items__tags").await, 1);
}

pub(crate) async fn new_columns_and_tables_are_added(place: Place) {
    place.load(&[Rows::append("items", "{\"id\":1}\n")]).await;
    let needed = json!({ "b": { "data_type": "text", "nullable": false } });
    let rows = Rows::append("items", "{\"id\":2,\"a\":1.5,\"b\":\"x\",\"c\":[1]}\n").with_columns(needed);
    place.load(&[rows, Rows::append("more", "{\"k\":true}\n")]).await;
    place.load(&[Rows::append("items", "{\"id\":\"text\",\"b\":\"y\"}\n")]).await;
    assert_eq!(
        place.rows("items").await,
        ["a=1.5 b=x id=2 id__v_text=∅", "a=∅ b=y id=∅ id__v_text=text", "a=∅ b=∅ id=1 id__v_text=∅",]
    );
    assert_eq!(place.rows("items__c").await, ["value=1"]);
    assert_eq!(place.rows("more").await, ["k=true"]);
}

pub(crate) async fn every_type_keeps_its_edge_values(place: Place) {
    let tagged = |tag: Tag, text: &str| json!(encode_tagged(tag, text)).to_string();
    let decimal = |text: &str| tagged(Tag::Decimal, text);
    let timestamp = |text: &str| tagged(Tag::Timestamp, text);
    let cases: Vec<(&str, String, &str)> = vec![
        ("int", i64::MIN.to_string(), "-9223372036854775808"),
        ("int", i64::MAX.to_string(), "9223372036854775807"),
        ("double", "-0.0".to_owned(), "-0.0"),
        ("double", "1.7976931348623157e308".to_owned(), "1.7976931348623157e308"),
        ("double", "5e-324".to_owned(), "5e-324"),
        (
            "decimal",
            decimal("12345678901234567890123456789.123456789"),
            "12345678901234567890123456789.123456789",
        ),
        ("decimal", decimal("-0.000000001"), "-0.000000001"),
        ("decimal", decimal("0"), "0"),
        ("timestamp", timestamp("1969-12-31T23:59:59.999999Z"), "1969-12-31T23:59:59.999999"),
        ("timestamp", timestamp("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00.000000"),
        ("timestamp", timestamp("9999-12-31T23:59:59.999999Z"), "9999-12-31T23:59:59.999999"),
        ("timestamp", timestamp("2024-02-29T12:00:00+05:30"), "2024-02-29T06:30:00.000000"),
        ("date", tagged(Tag::Date, "0001-01-01"), "0001-01-01"),
        ("date", tagged(Tag::Date, "9999-12-31"), "9999-12-31"),
        ("time", tagged(Tag::Time, "00:00:00"), "00:00:00"),
        ("time", tagged(Tag::Time, "23:59:59.999999"), "23:59:59.999999"),
        ("bool", "true".to_owned(), "true"),
        ("bool", "false".to_owned(), "false"),
        ("bytes", tagged(Tag::Bytes, "AP8nAA=="), "00ff2700"),
        ("bytes", tagged(Tag::Bytes, "AA=="), "00"),
        ("text", "\"\"".to_owned(), ""),
    ];
    for (column, value, _) in &cases {
        let lines = format!("{{\"{column}\":{value}}}\n");
        place.load(&[Rows::append(&format!("t_{column}"), lines)]).await;
    }
    for column in ["int", "double", "decimal", "timestamp", "date", "time", "bool", "bytes", "text"] {
        let mut expected: Vec<String> = cases
            .iter()
            .filter(|(name, ..)| *name == column)
            .map(|(name, _, text)| format!("{name}={text}"))
            .collect();
        if column == "decimal" && place.kind == Kind::Sqlite {
            // Numbers of SQLite are integers or floats, as the reference's are.
            expected = ["-1e-9", "0.0", "1.2345678901234568e28"].map(|text| format!("decimal={text}")).into();
        }
        if column == "double" && matches!(place.kind, Kind::Sqlite | Kind::MySql) {
            // SQLite keeps floats that are integers as integers, and those have no negative zero; nor has MySQL.
            expected[0] = "double=0.0".to_owned();
        }
        expected.sort();
        assert_eq!(place.rows(&format!("t_{column}")).await, expected);
    }
    let special = "{\"double\":NaN}\n{\"double\":Infinity}\n{\"double\":-Infinity}\n";
    let special = Rows::append("special", format!("{{\"double\":0.5}}\n{special}"));
    if place.kind == Kind::MySql {
        // It has neither, and nothing is stored in their place.
        let error = load(&place.pipeline_to(place.destination(json!({})), "special"), &[special]).await;
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("MySQL has no number NaN (table `special`, column `double`")
        );
    } else {
        place.load(&[special]).await;
        // A NaN is nothing to SQLite.
        let nan = if place.kind == Kind::Sqlite { "double=∅" } else { "double=NaN" };
        let mut expected = ["double=-inf", "double=0.5", "double=inf", nan];
        expected.sort_unstable();
        assert_eq!(place.rows("special").await, expected);
    }
    let columns = json!({
        "small": { "data_type": "bigint", "precision": 16 }, "medium": { "data_type": "bigint", "precision": 32 },
        "exact": { "data_type": "decimal", "precision": 6, "scale": 2 }, "wei": { "data_type": "wei" },
        "naive": { "data_type": "timestamp", "timezone": false }, "doc": { "data_type": "json" },
        "short": { "data_type": "text", "precision": 5 },
    });
    let wei = decimal("-12345678901234567890123456789012345678");
    let exact = decimal("-1234.56");
    let lines = format!(
        "{{\"small\":-32768,\"medium\":2147483647,\"exact\":{exact},\"wei\":{wei},\"naive\":{},\
          \"doc\":{{\"b\":[1,null,\"x\"],\"a\":{{}}}},\"short\":\"abcde\"}}\n",
        timestamp("2024-01-02T03:04:05.000006")
    );
    place.load(&[Rows::append("hinted", lines).with_columns(columns)]).await;
    let wei = match place.kind {
        Kind::Sqlite => "-1.2345678901234568e37",
        _ => "-12345678901234567890123456789012345678",
    };
    assert_eq!(
        place.rows("hinted").await,
        [format!(
            "doc={{\"a\":{{}},\"b\":[1,null,\"x\"]}} exact=-1234.56 medium=2147483647 \
             naive=2024-01-02T03:04:05.000006 short=abcde small=-32768 wei={wei}"
        )]
    );
}

pub(crate) async fn odd_names_and_texts_survive(place: Place) {
    let texts = ["it's \"quoted\" \\ back", "tab\tnew\nline\r", "naïve 日本 🦀", "NULL", "\\N", "a\u{0}b"];
    for text in texts {
        let line = json!({ "select": text, "Group By": 1, "doc": { "k'ey": text } }).to_string();
        let columns = json!({ "doc": { "data_type": "json" } });
        place.load(&[Rows::append("order", format!("{line}\n")).with_columns(columns)]).await;
    }
    let mut expected: Vec<String> = texts
        .iter()
        .map(|text| {
            // Postgres cannot hold NUL characters; they are left out, as by the reference.
            let text = if place.kind == Kind::Postgres { text.replace('\0', "") } else { (*text).to_owned() };
            format!("doc={} group_by=1 select={text}", json!({ "k'ey": text }))
        })
        .collect();
    expected.sort();
    assert_eq!(place.rows("order").await, expected);
}

pub(crate) async fn a_merge_that_fails_is_done_once_by_the_next_run(place: Place) {
    if place.kind == Kind::Filesystem {
        return;
    }
    place.load(&[Rows::merge("items", "{\"id\":1,\"v\":\"a\",\"l\":[1,2]}\n{\"id\":2,\"v\":\"b\"}\n")]).await;
    let faulty = Arc::new(Faulty::new(place.destination(json!({})), Point::BeforeCommit));
    let pipeline = place.pipeline_to(faulty, "pipelines");
    let lines = "{\"id\":1,\"v\":\"c\",\"l\":[3]}\n{\"id\":3,\"v\":\"d\",\"new\":true}\n";
    load(&pipeline, &[Rows::merge("items", lines)]).await.unwrap_err();
    // Columns of MySQL come before the load that needs them.
    let before = if place.kind == Kind::MySql {
        ["id=1 new=∅ v=a", "id=2 new=∅ v=b"]
    } else {
        ["id=1 v=a", "id=2 v=b"]
    };
    assert_eq!(place.rows("items").await, before);
    load(&pipeline, &[]).await.unwrap();
    assert_eq!(place.rows("items").await, ["id=1 new=∅ v=c", "id=2 new=∅ v=b", "id=3 new=true v=d"]);
    assert_eq!(place.rows("items__l").await, ["value=3"]);
}

fn two_tables() -> [Rows<'static>; 3] {
    [
        Rows::append("first", "{\"id\":1}\n{\"id\":2}\n"),
        Rows::append("second", "{\"id\":3,\"l\":[1]}\n"),
        Rows::replace("third", "{\"id\":4}\n"),
    ]
}

async fn fails_and_is_loaded_again(place: Place, point: Point) {
    place.load(&[Rows::append("first", "{\"id\":0}\n"), Rows::replace("third", "{\"id\":9}\n")]).await;
    let faulty = Arc::new(Faulty::new(place.destination(json!({})), point));
    let pipeline = place.pipeline_to(faulty, "pipelines");
    let error = load(&pipeline, &two_tables()).await.unwrap_err();
    assert!(error.chain().contains("this was planned"), "{}", error.chain());
    assert_eq!(place.rows("first").await, ["id=0"]);
    assert_eq!(place.count("second").await, 0);
    assert_eq!(place.rows("third").await, ["id=9"]);
    let loads = if place.kind == Kind::Filesystem { 0 } else { place.count("_dlt_loads").await };
    // The next run loads what was left, and nothing else.
    let info = load(&pipeline, &[]).await.unwrap();
    assert!(info.packages[0].was_pending);
    assert_eq!(place.rows("first").await, ["id=0", "id=1", "id=2"]);
    assert_eq!(place.rows("second").await, ["id=3"]);
    assert_eq!(place.rows("second__l").await, ["value=1"]);
    assert_eq!(place.rows("third").await, ["id=4"]);
    if place.kind != Kind::Filesystem {
        assert_eq!(place.count("_dlt_loads").await, loads + 1);
    }
}

pub(crate) async fn nothing_is_seen_of_a_load_that_fails_before_its_commit(place: Place) {
    fails_and_is_loaded_again(place, Point::BeforeCommit).await;
}

pub(crate) async fn nothing_is_seen_of_a_load_that_fails_in_the_middle(place: Place) {
    fails_and_is_loaded_again(place, Point::Loads(2)).await;
}

pub(crate) async fn a_commit_that_nobody_heard_of_is_recognised(place: Place) {
    let faulty = Arc::new(Faulty::new(place.destination(json!({})), Point::AfterCommit));
    let loads = Arc::clone(&faulty.loads);
    let pipeline = place.pipeline_to(faulty, "pipelines");
    load(&pipeline, &two_tables()).await.unwrap_err();
    assert_eq!(place.rows("first").await, ["id=1", "id=2"]);
    let before = loads.load(Ordering::SeqCst);
    load(&pipeline, &[]).await.unwrap();
    assert_eq!(loads.load(Ordering::SeqCst), before, "rows were loaded again");
    assert_eq!(place.rows("first").await, ["id=1", "id=2"]);
    assert_eq!(place.rows("second").await, ["id=3"]);
}

pub(crate) async fn state_and_schema_come_back_from_the_destination(place: Place) {
    place.load(&[Rows::append("items", "{\"id\":1,\"Name\":\"x\"}\n")]).await;
    let before = place.pipeline();
    let (state, schema) = (before.state().unwrap(), before.default_schema().unwrap().unwrap());
    let elsewhere = place.pipeline_to(place.destination(json!({})), "elsewhere");
    load(&elsewhere, &[Rows::append("items", "{\"id\":2,\"Name\":\"y\"}\n")]).await.unwrap();
    let found = elsewhere.default_schema().unwrap().unwrap();
    assert_eq!((found.version, &found.version_hash), (schema.version, &schema.version_hash));
    assert_eq!(elsewhere.state().unwrap().version(), state.version());
    assert_eq!(place.rows("items").await, ["id=1 name=x", "id=2 name=y"]);
}

pub(crate) async fn system_tables_tell_of_each_load(place: Place) {
    if place.kind == Kind::Filesystem {
        return;
    }
    let first = place.load(&[Rows::append("items", "{\"id\":1}\n")]).await;
    let second = place.load(&[Rows::append("items", "{\"id\":2,\"more\":1}\n")]).await;
    let third = place.load(&[Rows::append("items", "{\"id\":3}\n")]).await;
    let mut expected: Vec<String> = [&first, &second, &third]
        .iter()
        .map(|info| {
            let package = &info.packages[0];
            let (id, hash) = (&package.load_id, &package.schema_hash);
            format!("load_id={id} schema_name=suite schema_version_hash={hash} status=0")
        })
        .collect();
    expected.sort();
    let columns = ["load_id", "schema_name", "schema_version_hash", "status"];
    assert_eq!(place.columns("_dlt_loads", &columns).await, expected);
    let versions = place.columns("_dlt_version", &["version_hash"]).await;
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert_eq!(place.count("_dlt_pipeline_state").await, 1);
    assert!(third.packages[0].statements.is_empty(), "{:?}", third.packages[0].statements);
}
