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
