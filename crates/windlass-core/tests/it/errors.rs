//! Walks the list of error codes: each is documented, used, and of the form that programs rely on. Writes docs/errors.md.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use windlass_core::masking::learn;
use windlass_core::{Code, Error, ErrorKind};

const KINDS: [(ErrorKind, &str, &str); 9] = [
    (ErrorKind::Config, "2", "A setting is wrong or missing: fix the configuration."),
    (ErrorKind::Source, "1", "The source failed."),
    (ErrorKind::Data, "1", "The data, or a stored file, is bad; the place says where."),
    (ErrorKind::Contract, "4", "The schema contract forbids a change that the data asks for."),
    (ErrorKind::Destination, "1", "The destination failed."),
    (ErrorKind::Conflict, "6", "Somebody else holds or changed what this run needs."),
    (ErrorKind::Unsupported, "2", "This binary, source or destination cannot do what was asked."),
    (ErrorKind::Cancelled, "130 (143 after SIGTERM)", "The run was stopped on request."),
    (ErrorKind::Internal, "1", "A promise inside windlass was broken: please report it."),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_code_is_one_word_with_a_paragraph() {
    let mut words = HashSet::new();
    for code in Code::ALL {
        let word = code.as_str();
        assert!(words.insert(word), "{word} stands twice");
        let is_snake =
            word.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
        assert!(is_snake, "{word}");
        assert!(code.docs().trim().ends_with('.'), "{word}: {}", code.docs());
        let name: String = format!("{code:?}")
            .char_indices()
            .flat_map(|(at, c)| {
                (at > 0 && c.is_uppercase()).then_some('_').into_iter().chain(c.to_lowercase())
            })
            .collect();
        assert_eq!(name, word, "the name in Rust is another one");
        let error = Error::of(*code, "x");
        assert_eq!((error.code(), error.kind()), (*code, code.kind()));
    }
}

#[test]
fn every_kind_has_a_code_for_the_rest() {
    let mut known: Vec<ErrorKind> = Vec::new();
    for code in Code::ALL {
        if known.last() != Some(&code.kind()) {
            assert!(!known.contains(&code.kind()), "{code} stands apart from its kind");
            assert_eq!(Code::default_of(code.kind()), *code, "the first code of a kind is its default");
            known.push(code.kind());
        }
    }
    assert_eq!(known, KINDS.map(|(kind, ..)| kind));
    for kind in known {
        assert_eq!(Error::new(kind, "x").kind(), kind);
    }
}

#[test]
fn every_code_is_used() {
    let mut used = BTreeSet::new();
    for folder in ["crates/windlass-core/src", "crates/windlass/src", "crates/windlass-cli/src", "python/src"]
    {
        collect(&root().join(folder), &mut used);
    }
    let is_used =
        |code: &&Code| Code::default_of(code.kind()) == **code || used.contains(&format!("{code:?}"));
    let unused: Vec<&Code> = Code::ALL.iter().filter(|code| !is_used(code)).collect();
    assert!(unused.is_empty(), "no error has these codes: {unused:?}");
}

/// The codes that the sources below a folder name.
fn collect(folder: &Path, used: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, used);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names =
                text.split("Code::").skip(1).map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
            used.extend(names.flatten().map(str::to_owned));
        }
    }
}

#[test]
fn the_detail_has_no_secrets_even_those_that_become_known_later() {
    let error = Error::of(Code::InvalidValue, "x")
        .with_detail("key", "a")
        .with_detail("key", "b")
        .with_detail("value", serde_json::json!({"url": "http://h/?token=errors-later-secret"}));
    assert_eq!(error.detail()["key"], "a", "the inner detail wins");
    learn("errors-later-secret");
    let told = serde_json::to_string(&error.detail()).unwrap();
    assert!(!told.contains("errors-later-secret") && told.contains("http://h/"), "{told}");
}

/// `UPDATE_EXPECT=1 cargo nextest run -p windlass-core docs_errors` writes the page anew.
#[test]
fn docs_errors_is_the_list() {
    let path = root().join("docs/errors.md");
    let page = page();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == page,
        "docs/errors.md is stale: UPDATE_EXPECT=1 cargo nextest run -p windlass-core docs_errors"
    );
}

fn page() -> String {
    let mut text = String::from(
        "# Errors\n\n\
         Every error has a `kind` (what its reader can do), a `code` (what it is; one word that stays the same), a message, the place \
         and, where one is known, a remedy. What is behind the message stands in `detail`, by name. Programs look at `code` \
         and `detail`; messages may change.\n\n\
         `--json` prints `{\"error\": {\"kind\", \"code\", \"message\", \"hint\", \"detail\", \"place\"}}`; traces and alerts have the \
         same without the place. In Python `EngineError` has `.kind`, `.code`, `.detail`, `.hint` and `.at`, and the table `EXCEPTIONS` in \
         `python/windlass/_errors.py` says which exception of dlt a code becomes. Secrets stand in none of them.\n\n\
         This page is written from the list in `crates/windlass-core/src/error/code.rs`. The first code of each kind is that of errors \
         that need none of their own.\n",
    );
    for (kind, exit, docs) in KINDS {
        text.push_str(&format!("\n## {}\n\n{docs} The command ends with {exit}.\n", kind.as_str()));
        for code in Code::ALL.iter().filter(|code| code.kind() == kind) {
            let docs: Vec<&str> = code.docs().lines().map(str::trim).collect();
            text.push_str(&format!("\n### `{code}`\n\n{}\n", docs.join(" ")));
        }
    }
    text
}
