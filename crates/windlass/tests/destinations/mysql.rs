//! What only MySQL and MariaDB can get wrong.

use serde_json::json;

use crate::place::{Kind, Place, Rows, load};
use crate::run;

#[test]
fn keys_that_differ_by_case_or_a_blank_are_two() {
    run(Kind::MySql, "case_and_blanks", async |place: Place| {
        place
            .load(&[Rows::merge(
                "t",
                "{\"id\":\"a\"}\n{\"id\":\"A\"}\n{\"id\":\"a \"}\n{\"id\":\"\\u00e4\"}\n",
            )])
            .await;
        place.load(&[Rows::merge("t", "{\"id\":\"a\",\"n\":1}\n")]).await;
        assert_eq!(place.rows("t").await, ["id=A n=∅", "id=a  n=∅", "id=a n=1", "id=ä n=∅"]);
    });
}

#[test]
fn rows_are_inserted_or_refused_where_the_server_takes_no_files() {
    run(Kind::MySql, "without_local_infile", async |place: Place| {
        for table in ["many", "narrow"] {
            place.load(&[Rows::append(table, "{\"v\":\"ab\"}\n")]).await;
        }
        let narrow = format!("ALTER TABLE `{}`.narrow MODIFY v VARCHAR(2)", place.dataset);
        place.mariadb().execute(&narrow);
        let lines = "{\"id\":1,\"t\":\"it's \\\\ \\u0000 \\t\",\"b\":true,\"n\":null}\n{\"id\":2}\n";
        // More than waits to be sent.
        let many = format!("{{\"v\":\"{}\"}}\n", "x".repeat(1000)).repeat(8000);
        // The setting is that of the whole server: no other test may change it meanwhile.
        place.mariadb().execute("SET GLOBAL local_infile = 0");
        let few = load(&place.pipeline(), &[Rows::append("few", lines)]).await;
        let loaded = load(&place.pipeline(), &[Rows::append("many", many.as_str())]).await;
        let refused = load(&place.pipeline(), &[Rows::append("narrow", many.as_str())]).await;
        place.mariadb().execute("SET GLOBAL local_infile = 1");
        few.unwrap();
        loaded.unwrap();
        assert!(refused.unwrap_err().chain().contains("Data too long"));
        assert_eq!(place.rows("few").await, ["b=true id=1 t=it's \\ \0 \t", "b=∅ id=2 t=∅"]);
        assert_eq!(place.count("many").await, 8001);
        assert_eq!(place.rows("narrow").await, ["v=ab"]);
    });
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_its_column() {
    run(Kind::MySql, "does_not_fit", async |place: Place| {
        place.load(&[Rows::append("t", "{\"id\":1,\"v\":\"ab\"}\n")]).await;
        place.mariadb().execute(&format!("ALTER TABLE `{}`.t MODIFY v VARCHAR(2)", place.dataset));
        let error =
            load(&place.pipeline(), &[Rows::append("t", "{\"id\":2,\"v\":\"abc\"}\n")]).await.unwrap_err();
        assert!(error.to_string().contains("column `v`"), "{error}");
        assert!(error.chain().contains("Data truncated for column"), "{}", error.chain());
        assert_eq!(place.rows("t").await, ["id=1 v=ab"]);
    });
}

#[test]
fn texts_are_as_long_as_they_are() {
    run(Kind::MySql, "long_texts", async |place: Place| {
        let long = "é".repeat(100_000);
        place.load(&[Rows::append("t", format!("{{\"id\":1,\"v\":\"{long}\"}}\n"))]).await;
        assert_eq!(place.rows("t").await, [format!("id=1 v={long}")]);
    });
}

#[test]
fn long_keys_that_begin_alike_are_told_apart() {
    run(Kind::MySql, "long_keys", async |place: Place| {
        let key = |end: &str| format!("{}{end}", "k".repeat(900));
        let row = |end: &str, n: u8| format!("{{\"id\":\"{}\",\"n\":{n}}}\n", key(end));
        place.load(&[Rows::merge("t", row("a", 1) + &row("b", 2))]).await;
        place.load(&[Rows::merge("t", row("b", 3))]).await;
        assert_eq!(place.rows("t").await, [format!("id={} n=1", key("a")), format!("id={} n=3", key("b"))]);
    });
}

#[test]
fn the_settings_of_the_server_change_nothing() {
    run(Kind::MySql, "settings_of_the_server", async |place: Place| {
        let server = place.mariadb();
        let before = server.execute("SELECT @@GLOBAL.sql_mode, @@GLOBAL.time_zone");
        server.execute("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT', GLOBAL time_zone = '+05:00'");
        let columns = json!({ "at": { "data_type": "timestamp" } });
        let rows =
            Rows::append("t", "{\"id\":1,\"v\":\"a\\\\b\\\"\",\"at\":\"2024-01-02T03:04:05.678901Z\"}\n");
        let loaded = load(&place.pipeline(), &[rows.with_columns(columns)]).await;
        let (mode, zone) = before.trim_end().split_once('\t').unwrap();
        server.execute(&format!("SET GLOBAL sql_mode = '{mode}', GLOBAL time_zone = '{zone}'"));
        loaded.unwrap();
        let stored = server.execute(&format!("SELECT v, at FROM `{}`.t", place.dataset));
        // The client doubles backslashes.
        assert_eq!(stored, "a\\\\b\"\t2024-01-02 03:04:05.678901\n");
    });
}

#[test]
fn a_load_without_its_transaction_leaves_tables_and_no_rows() {
    run(Kind::MySql, "only_tables", async |place: Place| {
        place.load(&[Rows::append("t", "{\"id\":1}\n")]).await;
        let trigger = format!(
            "CREATE TRIGGER `{0}`.stop BEFORE INSERT ON `{0}`._dlt_loads FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
            place.dataset
        );
        place.mariadb().execute(&trigger);
        let pipeline = place.pipeline();
        assert!(load(&pipeline, &[Rows::append("t", "{\"id\":2,\"new\":1}\n")]).await.is_err());
        assert_eq!(place.rows("t").await, ["id=1 new=∅"]);
        place.mariadb().execute(&format!("DROP TRIGGER `{}`.stop", place.dataset));
        load(&pipeline, &[]).await.unwrap();
        assert_eq!(place.rows("t").await, ["id=1 new=∅", "id=2 new=1"]);
    });
}

#[test]
fn a_query_only_reads_and_knows_truth_values() {
    run(Kind::MySql, "queries", async |place: Place| {
        place.load(&[Rows::append("t", "{\"id\":1,\"yes\":true}\n")]).await;
        let mut session = place.session().await;
        let batches = session.query("SELECT yes FROM t").await.unwrap();
        assert_eq!(crate::rows::lines(&batches, |_| true), ["yes=true"]);
        for statement in
            ["DELETE FROM t", "INSERT INTO t (id) VALUES (3) RETURNING id", "SELECT 1 INTO OUTFILE '/tmp/x'"]
        {
            assert!(session.query(statement).await.is_err(), "{statement}");
        }
        assert_eq!(place.count("t").await, 1);
    });
}

#[test]
fn an_address_of_something_else_is_refused_without_its_password() {
    for credentials in ["postgresql://u:horse@h/d", "horse", "mysql://u:horse@h/d?colour=red"] {
        let options = json!({ "credentials": credentials });
        let entry = windlass::destinations::destination_entry("mysql").unwrap();
        let error = (entry.build)(options, &windlass::destinations::BuildContext::default()).err().unwrap();
        assert!(!error.chain().contains("horse"), "{}", error.chain());
        assert!(error.hint().is_some(), "{error}");
    }
}
