//! Two hundred names that were made to do harm, as tables and as keys of the data, under each naming convention and at
//! each destination: nothing outside the destination is touched, and each name is loaded or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;
use windlass::core::ErrorKind;
use windlass::core::naming::{Convention, Naming};
use windlass::core::path_part::flaw_of_part;
use windlass::core::schema::SystemNames;
use windlass::pipeline::PipelineSettings;

use crate::place::{Kind, Place, Rows, load};

const CONVENTIONS: [Convention; 6] = [
    Convention::SnakeCase,
    Convention::DuckCase,
    Convention::Direct,
    Convention::SqlCsV1,
    Convention::SqlCiV1,
    Convention::S3Tables,
];

/// The names; `victim` is a folder that must not be touched.
fn hostile(victim: &Path) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let victim = victim.display().to_string();
    for depth in 0..12 {
        names.push(format!("{}victim", "../".repeat(depth)));
        names.push(format!("{}victim", "..\\".repeat(depth)));
        names.push(format!("t/{}victim", "../".repeat(depth)));
    }
    names.extend([
        victim.clone(),
        format!("/{victim}"),
        format!("file://{victim}"),
        format!("{victim}/precious"),
    ]);
    let plain = [
        ".",
        "..",
        "...",
        ". .",
        " ..",
        ".. ",
        "../",
        "./",
        "/",
        "//",
        "\\",
        "\\\\host\\share",
        "C:",
        "c:x",
        "C:\\x",
        "a/..",
        "a/../b",
        "a/./b",
        ".a",
        "a.",
        "~",
        "~root",
        "$HOME",
        "${HOME}",
        "`id`",
        "$(id)",
        "%2e%2e%2fvictim",
        "..%2fvictim",
        "..%c0%afvictim",
        "\u{2024}\u{2024}/victim",
        "\u{ff0e}\u{ff0e}\u{ff0f}victim",
        "..;/victim",
        "....//victim",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "**",
        "a*",
        "a b",
        " ",
        "\t",
        "\n",
        "\r\n",
        "a\nb",
        "\0",
        "a\0b",
        "../\0victim",
        "\u{1b}[2J",
        "\u{202e}mitciv",
        "\u{200b}",
        "\u{feff}",
        "'",
        "\"",
        "`",
        ";",
        "--",
        "/*",
        "*/",
        "'; DROP TABLE t; --",
        "\"; DROP SCHEMA d CASCADE; --",
        "a\"b",
        "a'b",
        "a`b",
        "a;b",
        "a--b",
        "a/*b*/c",
        "$$",
        "$1",
        ":a",
        "@a",
        "#a",
        "%s",
        "%n%n%n",
        "{table_name}",
        "{0}",
        "{{",
        "}}",
        "select",
        "SELECT",
        "table",
        "from",
        "where",
        "order",
        "group",
        "user",
        "null",
        "true",
        "default",
        "rowid",
        "oid",
        "ctid",
        "xmin",
        "main",
        "temp",
        "information_schema",
        "pg_catalog",
        "sqlite_master",
        "sqlite_sequence",
        "sqlite_x",
        "duckdb_tables",
        "public",
        "init",
        ".windlass",
        ".lease",
        ".git",
        ".ssh",
        "CON",
        "NUL",
        "AUX",
        "COM1",
        "LPT1",
        "nul.txt",
        "a:b",
        "a::$DATA",
        "a|b",
        "a<b",
        "a>b",
        "a^b",
        "a&b",
        "a!b",
        "a=b",
        "a+b",
        "a,b",
        "a~b",
        "a@b",
        "a#b",
        "_dlt_loads",
        "_dlt_version",
        "_dlt_pipeline_state",
        "_dlt_id",
        "_dlt_x",
        "_dlt",
        "__",
        "_",
        "a__b",
        "a▶b",
        "▶",
        "a___b",
        "é",
        "e\u{301}",
        "日本",
        "🦀",
        "ß",
        "İ",
        "ı",
        "Ω",
        "ﬁ",
        "0",
        "1e9",
        "-1",
        "NaN",
        "True",
        "constructor",
        "__proto__",
        "hasOwnProperty",
        "x'00'",
        "\\x00",
        "\\u0000",
        "a\\b",
        "a\\",
        "\\a",
        "id",
        "value",
        "list",
        "jobs",
        "packages",
        "rejects",
        "state.json",
        "manifest.json",
        "schemas",
        "lock",
    ];
    names.extend(plain.map(str::to_owned));
    names.extend([64, 255, 256, 300, 5000].map(|length| "x".repeat(length)));
    names.extend([64, 128, 300].map(|length| "é".repeat(length)));
    names.push(format!("{}{victim}", "../".repeat(300)));
    names
}

/// What is beside the destination, as paths and contents.
fn beside(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.insert(path.display().to_string(), std::fs::read(&path).unwrap_or_default());
    }
    found
}

fn lines(key: &str) -> String {
    format!("{}\n", json!({ "id": 1, key: [{ "x": 1 }], "o": { key: 2 } }))
}

/// Loads under one convention whatever can be loaded, twice, and tells what was refused.
async fn check_convention(kind: Kind, convention: Convention, name: &str) {
    let Some(place) = Place::new(kind, name).await else { return };
    let outside = tempfile::tempdir().unwrap();
    for folder in [place.folder().join("victim"), outside.path().join("victim")] {
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        std::fs::write(folder.join("precious"), "p").unwrap();
        std::fs::write(folder.join("sub/precious"), "p").unwrap();
    }
    let names = hostile(&outside.path().join("victim"));
    assert!(names.len() >= 200, "{}", names.len());
    let victims = || (beside(&place.folder().join("victim")), beside(outside.path()));
    let before = victims();
    // The longest that the convention takes.
    let longest = place.destination(json!({})).capabilities().max_identifier_length;
    let longest = if convention == Convention::S3Tables { longest.min(255) } else { longest };
    let pipeline = |work: &str| {
        let mut settings = PipelineSettings {
            naming: Some(convention),
            max_identifier_length: Some(longest),
            ..PipelineSettings::default()
        };
        settings.extract.workers = 1;
        place.pipeline_to(place.destination(json!({})), work).settings(settings)
    };
    let naming = Naming::new(convention, Some(longest)).unwrap();
    let is_long =
        |parts: &[&str; 2]| naming.shorten_fragments(parts).is_some_and(|name| name.len() > longest);
    let (mut good, mut seen, mut refused) = (Vec::new(), BTreeSet::new(), 0);
    let system = SystemNames::new(&naming).unwrap();
    let owned = [&system.loads_table, &system.version_table, &system.state_table];
    for (number, name) in names.iter().enumerate() {
        let table = naming.table_identifier(name).unwrap_or_default();
        let is_harmful = flaw_of_part(&table).is_some() || owned.contains(&&table);
        // Those that file systems cannot hold, that are the engine's own or some system's are tried alone as well.
        let is_doubtful = table.len() > 200
            || table.starts_with("sqlite_")
            || table.to_lowercase() == "init"
            || table.to_lowercase() == ".windlass"
            || table.contains('\0')
            // Names of MySQL have characters of the basic plane, and no blank at their end.
            || (kind == Kind::MySql && (table.ends_with(' ') || table.chars().any(|c| u32::from(c) > 0xffff)))
            // Names are shortened by characters, and a server counts bytes.
            || (kind == Kind::Postgres && [[table.as_str(), "k"], ["hostile_keys", table.as_str()]].iter().any(is_long));
        if !is_harmful && !is_doubtful {
            if seen.insert(table.to_lowercase()) {
                good.push(name.as_str());
            }
            continue;
        }
        let result = load(&pipeline(&format!("alone{number}")), &[Rows::replace(name, lines("k"))]).await;
        assert_eq!(victims(), before, "{name:?} as a table");
        match result {
            Err(error) => {
                assert!(error.kind() != ErrorKind::Internal, "{name:?}: {}", error.chain());
                refused += 1;
            }
            Ok(_) => assert!(!is_harmful, "{name:?} was loaded"),
        }
    }
    for (number, name) in names.iter().enumerate() {
        // As a key: below the root, and so of a table whose name only begins with the root's.
        let child = naming.make_path(&["t", &naming.table_identifier(name).unwrap_or_default()]);
        if flaw_of_part(&child).is_some() {
            let result = load(&pipeline(&format!("key{number}")), &[Rows::replace("t", lines(name))]).await;
            assert!(result.is_err(), "{name:?} was loaded as a key");
            assert_eq!(victims(), before, "{name:?} as a key");
        }
    }
    let is_kept = |name: &&&str| {
        let child = naming.make_path(&["t", &naming.table_identifier(name).unwrap_or_default()]);
        flaw_of_part(&child).is_none()
    };
    let keys: Vec<&str> = good.iter().filter(is_kept).copied().collect();
    for _ in 0..2 {
        let tables: Vec<Rows<'_>> = good.iter().map(|name| Rows::replace(name, lines("k"))).collect();
        load(&pipeline("all"), &tables).await.unwrap();
        let record: serde_json::Map<String, serde_json::Value> =
            keys.iter().map(|key| ((*key).to_owned(), json!([{ "x": 1 }]))).collect();
        let keys = format!("{}\n", serde_json::Value::Object(record));
        load(&pipeline("keys"), &[Rows::replace("hostile_keys", keys)]).await.unwrap();
        assert_eq!(victims(), before);
    }
    assert!(good.len() > 60, "{} of {}, {refused} refused", good.len(), names.len());
}

fn check(kind: Kind, name: &str) {
    for convention in CONVENTIONS {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let dataset = format!("{name}_{}", convention.as_str());
        runtime.block_on(check_convention(kind, convention, &dataset));
    }
}

#[test]
fn hostile_names_touch_nothing_outside_a_folder() {
    check(Kind::Filesystem, "hostile_folder");
}

#[test]
fn hostile_names_touch_nothing_outside_duckdb() {
    check(Kind::DuckDb, "hostile_duckdb");
}

#[test]
fn hostile_names_touch_nothing_outside_sqlite() {
    check(Kind::Sqlite, "hostile_sqlite");
}

#[test]
fn hostile_names_touch_nothing_outside_memory() {
    check(Kind::Memory, "hostile_memory");
}

#[test]
fn hostile_names_touch_nothing_outside_postgres() {
    check(Kind::Postgres, "hostile_pg");
}

#[test]
fn hostile_names_touch_nothing_outside_mysql() {
    check(Kind::MySql, "hostile_mysql");
}
