//! What only a Postgres server can get wrong: errors that say what to do, and connections that break.

use serde_json::json;
use windlass::core::{Error, ErrorKind};

use crate::place::{Kind, Place, Rows, load};
use crate::proxy::{Break, Cut, Proxy};
use crate::run;

const ONE: &str = "{\"id\":1}\n";

/// Loads a row with another URL and gives the error.
async fn refused(place: &mut Place, url: String) -> Error {
    place.url = Some(url);
    let error = load(&place.pipeline(), &[Rows::append("items", ONE)]).await.unwrap_err();
    place.url = None;
    assert!(!error.chain().contains("horse"), "{}", error.chain());
    error
}

fn says(error: &Error, message: &str, hint: &str) {
    assert!(error.chain().contains(message), "{}", error.chain());
    assert!(error.hint().is_some_and(|text| text.contains(hint)), "{:?}", error.hint());
}

#[test]
fn who_cannot_connect_is_told_why() {
    run(Kind::Postgres, "who_cannot_connect", async |mut place: Place| {
        if !place.has_own_server() {
            return;
        }
        let url = place.server_url();
        let error = refused(&mut place, url.replace("correct", "wrong")).await;
        says(&error, "password authentication failed", "check username and password");
        let error = refused(&mut place, url.replace("/postgres", "/nowhere")).await;
        says(&error, "database \"nowhere\" does not exist", "create the database first");
        let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
        let error = refused(&mut place, url.replace(&format!("127.0.0.1:{port}"), "host.invalid:5432")).await;
        says(
            &error,
            "Postgres cannot open postgresql://host.invalid:5432/postgres",
            "no server has this name",
        );
        assert!(error.is_retryable());
        let error = refused(&mut place, url.replace(port, "1")).await;
        says(&error, "cannot open", "no server listens there");
    });
}

#[test]
fn tls_is_spoken_and_verified_as_asked() {
    run(Kind::Postgres, "tls_is_spoken", async |mut place: Place| {
        let Some(certificate) = place.server_certificate() else { return };
        let url = place.server_url();
        for mode in ["disable", "prefer", "require"] {
            place.url = Some(format!("{url}?sslmode={mode}"));
            place.load(&[Rows::append("items", ONE)]).await;
        }
        let own = url.replace("127.0.0.1", "localhost");
        let root = certificate.display();
        for (url, mode) in [(&own, "verify-full"), (&url, "verify-ca")] {
            place.url = Some(format!("{url}?sslmode={mode}&sslrootcert={root}"));
            place.load(&[Rows::append("items", ONE)]).await;
        }
        place.url = None;
        assert_eq!(place.count("items").await, 5);
        let error = refused(&mut place, format!("{url}?sslmode=verify-full&sslrootcert={root}")).await;
        says(&error, "not valid for name", "check sslmode and sslrootcert");
        let error = refused(&mut place, format!("{own}?sslmode=verify-full&sslrootcert=/nowhere")).await;
        says(&error, "the file of sslrootcert cannot be used", "");
    });
}

#[test]
fn a_server_without_tls_is_named() {
    run(Kind::Postgres, "a_server_without_tls", async |mut place: Place| {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut request = [0; 8];
                drop(client.read_exact(&mut request).await);
                drop(client.write_all(b"N").await);
            }
        });
        let error = refused(&mut place, format!("postgresql://u:p@127.0.0.1:{port}/d?sslmode=require")).await;
        says(&error, "server does not support TLS", "sslmode");
    });
}

#[test]
fn who_may_not_create_a_schema_is_told_what_to_grant() {
    run(Kind::Postgres, "who_may_not_create", async |mut place: Place| {
        if !place.has_own_server() {
            return;
        }
        let dataset = place.dataset.clone();
        place.execute("DROP ROLE IF EXISTS limited").await;
        place.execute("CREATE ROLE limited LOGIN PASSWORD 'limited'").await;
        let url = place.server_url().replace("windlass:correct%20horse", "limited:limited");
        let error = refused(&mut place, url.clone()).await;
        says(&error, "permission denied for database", "needs CREATE on the database");
        // A schema that somebody made for the user will do.
        place.execute(&format!("CREATE SCHEMA \"{dataset}\" AUTHORIZATION limited")).await;
        place.url = Some(url);
        load(&place.pipeline(), &[]).await.unwrap();
        assert_eq!(place.rows("items").await, ["id=1"]);
        place.url = None;
        place.execute(&format!("DROP SCHEMA \"{dataset}\" CASCADE")).await;
        place.execute("DROP ROLE limited").await;
    });
}

#[test]
fn a_connection_that_breaks_in_a_copy_leaves_nothing() {
    for cut in [Cut::Fin, Cut::Reset] {
        run(Kind::Postgres, &format!("breaks_in_a_copy_{cut:?}"), async |mut place: Place| {
            place.url = Some(Proxy::start(&place.server_url(), Break::AfterBytes(300_000), cut).url);
            let lines: String =
                (0..40_000).map(|id| format!("{{\"id\":{id},\"text\":\"some text\"}}\n")).collect();
            let error = load(&place.pipeline(), &[Rows::append("items", lines)]).await.unwrap_err();
            says(&error, "cannot write to", "nothing is lost");
            assert!(error.is_retryable(), "{cut:?}");
            assert_eq!(place.count("items").await, 0);
            load(&place.pipeline(), &[]).await.unwrap();
            assert_eq!(place.count("items").await, 40_000);
        });
    }
}

#[test]
fn a_commit_without_an_answer_is_looked_up() {
    for cut in [Cut::Fin, Cut::Reset] {
        run(Kind::Postgres, &format!("a_commit_without_an_answer_{cut:?}"), async |mut place: Place| {
            place.url = Some(Proxy::start(&place.server_url(), Break::Answer(b"COMMIT\0"), cut).url);
            place.load(&[Rows::append("items", ONE)]).await;
            assert_eq!(place.count("items").await, 1, "{cut:?}");
            assert_eq!(place.count("_dlt_loads").await, 1, "{cut:?}");
            assert!(place.pipeline().work().packages().pending().unwrap().is_empty());
        });
    }
}

#[test]
fn a_table_that_is_replaced_by_its_staging_table_loses_nothing() {
    run(Kind::Postgres, "swapped", async |place: Place| {
        let options = json!({ "replace_strategy": "staging-optimized" });
        let pipeline = || place.pipeline_to(place.destination(options.clone()), "pipelines");
        let oid = async || {
            let sql = format!("SELECT '\"{}\".items'::regclass::oid::text AS oid", place.dataset);
            crate::rows::lines(&place.session().await.query(&sql).await.unwrap(), |_| true)
        };
        load(&pipeline(), &[Rows::replace("items", "{\"id\":1,\"tags\":[1]}\n")]).await.unwrap();
        let first = oid().await;
        load(&pipeline(), &[Rows::replace("items", "{\"id\":2,\"new\":true}\n")]).await.unwrap();
        let second = oid().await;
        assert_ne!(first, second, "the table is another one");
        assert_eq!(place.rows("items").await, ["id=2 new=true"]);
        // What somebody added by hand would be lost with the table, so its rows are replaced instead.
        place.execute(&format!("ALTER TABLE \"{}\".items ADD COLUMN note text", place.dataset)).await;
        load(&pipeline(), &[Rows::replace("items", "{\"id\":3,\"tags\":[3]}\n")]).await.unwrap();
        assert_eq!(oid().await, second);
        assert_eq!(place.rows("items").await, ["id=3 new=∅ note=∅"]);
        assert_eq!(place.rows("items__tags").await, ["value=3"]);
        // Row ids stay unique.
        place.execute(&format!("ALTER TABLE \"{}\".items DROP COLUMN note", place.dataset)).await;
        load(&pipeline(), &[Rows::replace("items", ONE)]).await.unwrap();
        let sql = format!(
            "SELECT count(*) AS n FROM pg_constraint WHERE contype = 'u' AND conrelid = '\"{}\".items'::regclass",
            place.dataset
        );
        assert_eq!(crate::rows::lines(&place.session().await.query(&sql).await.unwrap(), |_| true), ["n=1"]);
    });
}

#[test]
fn a_view_of_a_table_that_is_to_be_swapped_is_named_and_the_rows_stay() {
    run(Kind::Postgres, "swapped_view", async |place: Place| {
        let options = json!({ "replace_strategy": "staging-optimized" });
        let pipeline = || place.pipeline_to(place.destination(options.clone()), "pipelines");
        load(&pipeline(), &[Rows::replace("items", ONE)]).await.unwrap();
        place
            .execute(&format!("CREATE VIEW \"{0}\".seen AS SELECT * FROM \"{0}\".items", place.dataset))
            .await;
        let error = load(&pipeline(), &[Rows::replace("items", "{\"id\":2}\n")]).await.unwrap_err();
        says(&error, "other objects depend on it", "insert-from-staging");
        assert_eq!(place.rows("items").await, ["id=1"]);
        // The package is complete: with another strategy it is loaded.
        load(&place.pipeline(), &[]).await.unwrap();
        assert_eq!(place.rows("items").await, ["id=2"]);
    });
}

#[test]
fn csv_options_are_accepted_and_mean_nothing() {
    run(Kind::Postgres, "csv_options", async |place: Place| {
        let options = json!({ "csv_format": { "delimiter": "|", "include_header": false, "quoting": "quote_all",
            "encoding": "utf-8", "encoding_errors": "strict", "on_error_continue": false, "lineterminator": "\n" } });
        let pipeline = place.pipeline_to(place.destination(options), "pipelines");
        let info = load(&pipeline, &[Rows::append("items", "{\"id\":1,\"t\":\"a|b\"}\n")]).await.unwrap();
        assert!(
            info.warnings.iter().any(|text| text.contains("csv_format means nothing")),
            "{:?}",
            info.warnings
        );
        assert_eq!(place.rows("items").await, ["id=1 t=a|b"]);
    });
}

#[test]
fn a_column_that_was_changed_by_hand_is_named() {
    run(Kind::Postgres, "changed_by_hand", async |place: Place| {
        let table = format!("\"{}\".items", place.dataset);
        place.load(&[Rows::append("items", "{\"id\":1,\"a\":\"x\",\"b\":1}\n")]).await;
        // A column that is gone comes back without its values.
        place.execute(&format!("ALTER TABLE {table} DROP COLUMN a")).await;
        place.load(&[Rows::append("items", "{\"id\":2,\"a\":\"y\",\"b\":2}\n")]).await;
        assert_eq!(place.rows("items").await, ["a=y b=2 id=2", "a=∅ b=1 id=1"]);
        place.execute(&format!("ALTER TABLE {table} ALTER COLUMN a TYPE boolean USING true")).await;
        let error = load(&place.pipeline(), &[Rows::append("items", "{\"a\":\"z\"}\n")]).await.unwrap_err();
        says(
            &error,
            "the column holds boolean at the destination, but the rows have texts",
            "change it back",
        );
        assert_eq!(error.place().column.as_deref(), Some("a"));
        place.execute(&format!("ALTER TABLE {table} ALTER COLUMN a TYPE varchar(5)")).await;
        load(&place.pipeline(), &[]).await.unwrap();
        let error = load(&place.pipeline(), &[Rows::append("items", "{\"a\":\"secret value\"}\n")])
            .await
            .unwrap_err();
        says(&error, "value too long for type character varying(5)", "too narrow");
        assert!(!error.chain().contains("secret value"), "{}", error.chain());
        assert_eq!(place.count("items").await, 3);
    });
}

#[test]
fn a_schema_of_a_newer_engine_is_refused() {
    run(Kind::Postgres, "a_newer_engine", async |place: Place| {
        place.load(&[Rows::append("items", ONE)]).await;
        let table = format!("\"{}\"._dlt_version", place.dataset);
        let newer = "regexp_replace(schema, '\"engine_version\": ?[0-9]+', '\"engine_version\":99')";
        place.execute(&format!("UPDATE {table} SET schema = {newer}")).await;
        let elsewhere = place.pipeline_to(place.destination(json!({})), "elsewhere");
        let error = load(&elsewhere, &[Rows::append("items", ONE)]).await.unwrap_err();
        says(&error, "99", "update windlass");
        assert_eq!(place.count("items").await, 1);
    });
}

#[test]
fn rows_that_a_trigger_leaves_out_are_an_error() {
    run(Kind::Postgres, "a_trigger", async |place: Place| {
        place.load(&[Rows::append("items", ONE)]).await;
        let dataset = &place.dataset;
        place
            .execute(&format!(
                "CREATE FUNCTION \"{dataset}\".drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
            ))
            .await;
        place
            .execute(&format!(
                "CREATE TRIGGER t BEFORE INSERT ON \"{dataset}\".items FOR EACH ROW EXECUTE FUNCTION \"{dataset}\".drop_row()"
            ))
            .await;
        let error = load(&place.pipeline(), &[Rows::append("items", ONE)]).await.unwrap_err();
        says(&error, "the server took 0 of 1 rows", "trigger");
        assert_eq!(error.kind(), ErrorKind::Destination);
    });
}

#[test]
fn unique_row_ids_are_a_constraint_unless_switched_off() {
    run(Kind::Postgres, "unique_row_ids", async |place: Place| {
        let constraints = async || {
            let sql = format!(
                "SELECT count(*) AS n FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace \
                 WHERE n.nspname = '{}' AND c.contype = 'u'",
                place.dataset
            );
            crate::rows::lines(&place.session().await.query(&sql).await.unwrap(), |_| true)
        };
        let without = place.pipeline_to(place.destination(json!({ "create_indexes": false })), "pipelines");
        load(&without, &[Rows::append("plain", ONE)]).await.unwrap();
        assert_eq!(constraints().await, ["n=0"]);
        place.load(&[Rows::append("items", ONE)]).await;
        assert_eq!(constraints().await, ["n=1"]);
    });
}

#[test]
fn long_names_are_shortened_to_what_the_server_keeps() {
    run(Kind::Postgres, "long_names", async |place: Place| {
        let long = "a_very_long_column_name_that_goes_on_and_on_until_it_is_longer_than_the_server_takes";
        place.load(&[Rows::append("items", format!("{{\"{long}_1\":1,\"{long}_2\":2}}\n"))]).await;
        let names: Vec<String> = place.rows("items").await[0]
            .split(' ')
            .map(|value| value.split('=').next().unwrap().to_owned())
            .collect();
        assert_eq!(names.iter().map(String::len).collect::<Vec<_>>(), [63, 63]);
        place.load(&[Rows::append("items", format!("{{\"{long}_1\":3}}\n"))]).await;
        assert_eq!(place.count("items").await, 2);
    });
}

#[test]
fn names_with_more_bytes_than_the_server_keeps_are_refused() {
    run(Kind::Postgres, "names_with_more_bytes", async |place: Place| {
        let naming = Some("direct".parse().unwrap());
        let settings = windlass::pipeline::PipelineSettings { naming, ..Default::default() };
        let pipeline = place.pipeline().settings(settings);
        let name = "ü".repeat(40);
        let error =
            load(&pipeline, &[Rows::append("items", format!("{{\"{name}\":1}}\n"))]).await.unwrap_err();
        says(&error, "is longer than 63 bytes", "max_identifier_length");
        let short = "ü".repeat(30);
        load(&pipeline, &[Rows::append("items", format!("{{\"{short}\":1}}\n"))]).await.unwrap();
        assert_eq!(place.rows("items").await, [format!("{short}=1")]);
    });
}

#[test]
fn a_pipeline_file_may_leave_the_password_to_the_environment() {
    run(Kind::Postgres, "a_pipeline_file", async |place: Place| {
        if !place.has_own_server() {
            return;
        }
        let url = place.server_url();
        let port: u16 = url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
        let file = json!({
            "pipeline": "suite", "dataset": place.dataset, "pipelines_dir": "pipelines",
            "destination": {"type": "postgres", "credentials": {
                "host": "127.0.0.1", "port": port, "database": "postgres", "username": "windlass",
                "query": {"sslmode": "prefer"},
            }},
        });
        let path = place.folder().join("pipeline.yaml");
        std::fs::write(&path, file.to_string()).unwrap();
        let password = |value: &str| {
            let name = "DESTINATION__POSTGRES__CREDENTIALS__PASSWORD".to_owned();
            std::collections::BTreeMap::from([(name, value.to_owned())])
        };
        for (value, is_right) in [("correct horse", true), ("wrong horse", false)] {
            let file = windlass::config::PipelineFile::load(&path, password(value)).unwrap();
            let pipeline = file.describe(&windlass::config::Overrides::default()).unwrap().pipeline;
            let result = load(&pipeline, &[Rows::append("items", ONE)]).await;
            assert_eq!(result.is_ok(), is_right, "{result:?}");
            assert!(!format!("{result:?}{:?}", pipeline.destination().location()).contains("horse"));
        }
        assert_eq!(place.count("items").await, 1);
    });
}

#[test]
fn a_schema_survives_a_server_whose_strings_do_not_conform_to_the_standard() {
    run(Kind::Postgres, "nonconforming_strings", async |mut place: Place| {
        let options = "options=-c%20standard_conforming_strings%3Doff";
        let separator = if place.server_url().contains('?') { '&' } else { '?' };
        place.url = Some(format!("{}{separator}{options}", place.server_url()));
        let description = r#"a "path" such as C:\new \ 'it' is"#;
        let columns = json!({ "v": { "data_type": "text", "description": description } });
        place.load(&[Rows::append("t", "{\"v\":\"a\\\\b\"}\n").with_columns(columns)]).await;
        let schema = place.session().await.stored_schema("suite").await.unwrap().unwrap();
        let column = &schema.table("t").unwrap().columns["v"];
        assert_eq!(column.hints["description"], json!(description));
        assert_eq!(place.rows("t").await, [r"v=a\b"]);
    });
}
