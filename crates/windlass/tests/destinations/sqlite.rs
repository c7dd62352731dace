//! What is particular to SQLite files.

use crate::place::{Kind, Place, Rows, load};
use crate::run;

#[test]
fn a_file_that_is_something_else_is_named() {
    run(Kind::Sqlite, "something_else", async |place: Place| {
        let file = place.folder().join("out__something_else.db");
        std::fs::write(&file, "this is a text that is longer than the header of a database file ".repeat(20))
            .unwrap();
        let error = load(&place.pipeline(), &[Rows::append("items", "{\"id\":1}\n")]).await.unwrap_err();
        assert!(error.chain().contains("file is not a database"), "{}", error.chain());
        assert!(error.chain().contains("out__something_else.db"), "{}", error.chain());
        assert!(error.hint().is_some_and(|hint| hint.contains("the file is something else")));
    });
}

#[test]
fn a_database_that_another_program_has_locked_is_no_other_run() {
    run(Kind::Sqlite, "locked", async |place: Place| {
        place.load(&[Rows::append("items", "{\"id\":1}\n")]).await;
        let other = rusqlite::Connection::open(place.folder().join("out__locked.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = load(&place.pipeline(), &[Rows::append("items", "{\"id\":2}\n")]).await.unwrap_err();
        assert_eq!(error.kind(), windlass::core::ErrorKind::Destination, "{error}");
        assert!(error.to_string().contains("which another program has locked"), "{error}");
        assert!(
            error.is_retryable() && error.hint().is_some_and(|hint| hint.contains("end its transaction"))
        );
        other.execute_batch("ROLLBACK").unwrap();
        load(&place.pipeline(), &[]).await.unwrap();
        assert_eq!(place.rows("items").await, ["id=1", "id=2"]);
    });
}

#[test]
fn a_database_that_another_run_writes_to_is_a_conflict() {
    run(Kind::Sqlite, "two_runs", async |place: Place| {
        place.load(&[Rows::append("items", "{\"id\":1}\n")]).await;
        // What a load that is under way holds: the lock of the database and the mark beside it.
        let other = rusqlite::Connection::open(place.folder().join("out__two_runs.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mark = std::fs::File::create(place.folder().join("out.db-windlass")).unwrap();
        mark.lock().unwrap();
        let error = load(&place.pipeline(), &[Rows::append("items", "{\"id\":2}\n")]).await.unwrap_err();
        assert_eq!(error.kind(), windlass::core::ErrorKind::Conflict, "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("--wait")), "{error}");
        drop(mark);
        drop(other);
        load(&place.pipeline(), &[]).await.unwrap();
        assert_eq!(place.rows("items").await, ["id=1", "id=2"]);
    });
}

#[test]
fn each_dataset_is_a_file_and_nothing_else_is_left() {
    run(Kind::Sqlite, "files", async |place: Place| {
        place.load(&[Rows::append("items", "{\"id\":1}\n")]).await;
        let mut files: Vec<String> = std::fs::read_dir(place.folder())
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter(|name| name.starts_with("out"))
            .collect();
        files.sort();
        assert_eq!(files, ["out.db", "out__files.db"]);
    });
}

#[test]
fn a_dataset_called_main_is_in_the_file_itself() {
    run(Kind::Sqlite, "main", async |place: Place| {
        let options = serde_json::json!({ "replace_strategy": "insert-from-staging" });
        let pipeline = place.pipeline_to(place.destination(options), "pipelines");
        for id in 1..=2 {
            load(&pipeline, &[Rows::replace("items", format!("{{\"id\":{id}}}\n"))]).await.unwrap();
        }
        assert_eq!(place.rows("items").await, ["id=2"]);
        assert!(!place.folder().join("out__main.db").exists());
        assert!(place.folder().join("out__main_staging.db").exists());
    });
}
