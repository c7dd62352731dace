//! MariaDB as a source: what arrives, what is said when something is wrong, and what survives a killed query.

use std::time::{Duration, Instant};

use crate::mariadb::{Database, PASSWORD_IN_URL, USER};
use crate::project::{Done, Project};

/// A project that loads from a database into `out.duckdb`; `source` adds lines to the source.
fn project(url: &str, source: &str) -> Project {
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  \
             type: sql_database\n  credentials: \"{url}\"\n{source}"
        ),
    );
    project
}

/// Nothing of the password is printed, neither as it is nor as it stands in the URL.
fn keeps_the_password(done: &Done) {
    for text in [&done.stdout, &done.stderr] {
        assert!(!text.contains("p@ss") && !text.contains(PASSWORD_IN_URL), "{text}");
    }
}

const PEOPLE: &str = "CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, born DATE, pay DECIMAL(10,2)); \
                      INSERT INTO people VALUES (1, 'Ada', '1815-12-10', 12.34), (2, 'Émile 🦀', NULL, -0.05); ";

#[test]
fn tables_and_views_arrive_typed() {
    let Some(database) = Database::new("typed") else { return };
    database.execute(&format!(
        "{PEOPLE} CREATE TABLE pets (id INT PRIMARY KEY, owner INT, FOREIGN KEY (owner) REFERENCES people (id)); \
         INSERT INTO pets VALUES (7, 1); CREATE VIEW rich AS SELECT name, pay * 2 AS double_pay FROM people;"
    ));
    let project = project(
        &database.url("?charset=utf8mb4"),
        "  tables: [people, pets, rich]\n  resolve_foreign_keys: true\n",
    );
    let done = project.run(0);
    keeps_the_password(&done);
    assert_eq!(
        project.query("SELECT id, name, born, pay FROM people ORDER BY id"),
        ["1,Ada,1815-12-10,12.34", "2,Émile 🦀,,-0.05"]
    );
    assert_eq!(
        project.query("SELECT name, double_pay FROM rich ORDER BY 1"),
        ["Ada,24.68", "Émile 🦀,-0.10"]
    );
    let columns = project.columns("people");
    assert_eq!(columns[..4], ["id: bigint", "name: text", "born: date", "pay: decimal"]);
    let schema = project.windlass(&["pipeline", "schema", "p.yaml", "--format", "json"]).stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let people = &schema["tables"]["people"]["columns"];
    assert_eq!(people["id"]["primary_key"], true);
    assert_eq!(people["name"]["nullable"], false);
    assert_eq!((&people["pay"]["precision"], &people["pay"]["scale"]), (&10.into(), &2.into()));
    let references = &schema["tables"]["pets"]["references"][0];
    assert_eq!(
        (references["referenced_table"].as_str(), references["columns"][0].as_str()),
        (Some("people"), Some("owner"))
    );
}

#[test]
fn all_tables_of_the_database_are_read_without_a_list() {
    let Some(database) = Database::new("all") else { return };
    database.execute("CREATE TABLE sales_1 (a INT); CREATE TABLE sales_2 (a INT); CREATE TABLE other (a INT); \
                      INSERT INTO sales_1 VALUES (1); INSERT INTO sales_2 VALUES (2); INSERT INTO other VALUES (3);");
    let all = project(&database.url(""), "");
    all.run(0);
    assert_eq!(all.one("SELECT a FROM other"), "3");
    let some = project(&database.url(""), "  table_names: [\"sales_*\"]\n");
    some.run(0);
    assert_eq!(some.one("SELECT (SELECT a FROM sales_1) + (SELECT a FROM sales_2)"), "3");
    assert!(!some.has_table("other"));
}

#[test]
fn numbers_keep_their_ends() {
    let Some(database) = Database::new("ends") else { return };
    database.execute(
        "CREATE TABLE t (id INT, s BIGINT, u BIGINT UNSIGNED, d DECIMAL(38,10), y YEAR, b BIT(10)); \
         INSERT INTO t VALUES (1, -9223372036854775808, 9223372036854775807, 9999999999999999999999999999.9999999999, 2155, b'1000000001');",
    );
    let project = project(&database.url(""), "  tables: [t]\n");
    project.run(0);
    assert_eq!(
        project.one("SELECT s, u, d, y, hex(b) FROM t"),
        "-9223372036854775808,9223372036854775807,9999999999999999999999999999.9999999999,2155,0201"
    );
}

#[test]
fn texts_come_as_utf_8_whatever_their_character_set() {
    let Some(database) = Database::new("charset") else { return };
    database.execute(
        "CREATE TABLE t (l VARCHAR(20) CHARACTER SET latin1, u VARCHAR(20) CHARACTER SET utf16, s TEXT CHARACTER SET sjis); \
         INSERT INTO t VALUES ('Zoë œuf', 'naïve 🦀', '日本');",
    );
    let project = project(&database.url(""), "  tables: [t]\n");
    project.run(0);
    assert_eq!(project.one("SELECT l, u, s FROM t"), "Zoë œuf,naïve 🦀,日本");
}

const ZEROS: &str = "CREATE TABLE t (id INT, d DATE NOT NULL, m DATETIME); \
                     INSERT INTO t VALUES (1, '0000-00-00', '2024-02-00 10:00:00'), (2, '2024-02-29', '2024-02-29 10:00:00.5');";

#[test]
fn dates_that_are_none_are_null_with_a_warning() {
    let Some(database) = Database::new("zeros") else { return };
    database.execute(ZEROS);
    let project = project(&database.url(""), "  tables: [{name: t, columns: {d: {nullable: true}}}]\n");
    let done = project.run(0);
    assert_eq!(project.query("SELECT id, d, m FROM t ORDER BY id")[0], "1,,");
    assert!(project.query("SELECT id, d, m FROM t ORDER BY id")[1].starts_with("2,2024-02-29,2024-02-29"));
    let warnings = done.warnings().join("\n");
    assert!(
        warnings.contains("`d`") && warnings.contains("`m`") && warnings.contains("null"),
        "{}",
        done.stderr
    );
}

#[test]
fn dates_that_are_none_can_end_the_run() {
    let Some(database) = Database::new("zeros_end") else { return };
    database.execute(ZEROS);
    let project = project(&database.url(""), "  invalid_values: error\n  tables: [t]\n");
    project.run(1).says(&["does not exist in the calendar", "column `d`"], "invalid_values: null");
    assert!(!project.has_table("t"));
}

#[test]
fn times_that_are_no_times_of_a_day_are_read_as_text_on_demand() {
    let Some(database) = Database::new("times") else { return };
    database.execute(
        "CREATE TABLE t (id INT, w TIME(3)); INSERT INTO t VALUES (1, '-838:59:59'), (2, '10:11:12.5');",
    );
    let strict = project(&database.url(""), "  invalid_values: error\n  tables: [t]\n");
    strict.run(1).says(&["negative or longer than a day"], "cast: {w: char}");
    let lenient = project(&database.url(""), "  tables: [t]\n");
    let done = lenient.run(0);
    assert!(done.warnings().join("\n").contains("cast: {w: char}"), "{}", done.stderr);
    assert_eq!(lenient.query("SELECT id, w FROM t ORDER BY id"), ["1,", "2,10:11:12.500"]);
    let text = project(&database.url(""), "  tables: [{name: t, cast: {w: char}}]\n");
    text.run(0);
    assert_eq!(text.query("SELECT w FROM t ORDER BY id"), ["-838:59:59.000", "10:11:12.500"]);
}

#[test]
fn json_is_json_in_mariadb_too() {
    let Some(database) = Database::new("json") else { return };
    database.execute(
        "CREATE TABLE t (id INT, j JSON, plain LONGTEXT); INSERT INTO t VALUES (1, '{\"a\": [1, 2]}', '{}');",
    );
    let kept = project(&database.url(""), "  tables: [t]\n");
    kept.run(0);
    assert_eq!(kept.columns("t")[1..3], ["j: json", "plain: text"]);
    assert_eq!(kept.one("SELECT j->'a'->>1 FROM t"), "2");
    let unpacked = project(&database.url(""), "  tables: [{name: t, unpack: true}]\n");
    unpacked.run(0);
    assert_eq!(unpacked.query("SELECT value FROM t__j__a ORDER BY _dlt_list_idx"), ["1", "2"]);
}

#[test]
fn a_cursor_reads_only_what_is_new() {
    let Some(database) = Database::new("cursor") else { return };
    database.execute(
        "CREATE TABLE t (id INT PRIMARY KEY, at DATETIME(6)); CREATE INDEX i ON t (at); \
                      INSERT INTO t VALUES (1, '2024-01-01 00:00:00.000001'), (2, '2024-01-02');",
    );
    let project = project(
        &database.url(""),
        "  tables: [{name: t, incremental: {cursor_path: at}, write_disposition: append}]\n",
    );
    project.run(0);
    database.execute("INSERT INTO t VALUES (3, '2024-01-02'), (4, '2024-01-03'), (5, '2023-01-01');");
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2", "3", "4"]);
}

/// Rows as Rfam's table of families has them, with moments that several rows share.
fn families(database: &Database, count: u32) {
    database.execute(&format!(
        "CREATE TABLE family (rfam_acc VARCHAR(7) PRIMARY KEY, rfam_id VARCHAR(40) NOT NULL, created DATETIME NOT NULL, \
         KEY (created)); INSERT INTO family SELECT CONCAT('RF', LPAD(seq, 5, '0')), CONCAT('family_', seq), \
         '2013-10-03 20:41:44' + INTERVAL seq MINUTE FROM seq_1_to_{count};"
    ));
}

#[test]
fn a_table_is_loaded_in_chunks_and_the_overlap_once() {
    let Some(database) = Database::new("chunks") else { return };
    families(&database, 4178);
    let project = project(
        &database.url(""),
        "  chunk_size: 1000\n  tables: [{name: family, limit: {max_items: 1}, primary_key: rfam_id, \
         incremental: {cursor_path: created, row_order: asc}}]\n",
    );
    for expected in [1000, 1999, 2998, 3997, 4178, 4178] {
        project.run(0);
        assert_eq!(project.one("SELECT count(*) FROM family"), expected.to_string());
    }
    assert_eq!(project.one("SELECT count(DISTINCT rfam_acc) FROM family"), "4178");
}

#[test]
fn a_query_is_a_table_too() {
    let Some(database) = Database::new("query") else { return };
    database.execute(PEOPLE);
    let project = project(
        &database.url(""),
        "  tables: [{name: sums, query: \"SELECT COUNT(*) AS n, SUM(pay) AS total, NOW(6) AS moment, '?:x' AS marks FROM people;\"}]\n",
    );
    project.run(0);
    assert_eq!(project.one("SELECT n, total, marks FROM sums"), "2,12.29,?:x");
    let columns = project.columns("sums");
    assert_eq!(columns[..4], ["n: bigint", "total: decimal", "moment: timestamp", "marks: text"]);
}

#[test]
fn mistakes_are_named_with_a_remedy() {
    let Some(database) = Database::new("mistakes") else { return };
    database.execute(PEOPLE);
    let (url, port) = (database.url(""), &database.server.port);
    let run = |url: &str, source: &str| {
        let done = project(url, source).windlass(&["run", "p.yaml"]);
        keeps_the_password(&done);
        done
    };
    run(&url, "  tables: [peoples]\n").says(&["peoples"], "did you mean `people`");
    run(&url, "  tables: [{name: people, incremental: {cursor_path: borns}}]\n")
        .says(&["borns"], "did you mean `born`");
    run(&url, "  tables: [{name: people, where: \"namex = 1\"}]\n").says(&["namex"], "columns");
    run(&url, "  tables: [{name: q, query: \"CHOOSE 1\"}]\n").says(&["CHOOSE"], "SQL");
    run(&url.replace(&database.name, "nowhere"), "").says(&["nowhere"], "database");
    run(&url.replace(USER, "nobody"), "").says(&["Access denied"], "user and password");
    run(&format!("{url}?ssl_ac=x"), "").says(&["ssl_ac"], "did you mean");
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    run(&url.replace(port.as_str(), &unused), "").says(&["cannot open"], "no server listens");
}

#[test]
fn tls_verifies_the_server_where_it_is_asked_to() {
    let Some(database) = Database::new("tls") else { return };
    let Some(certificate) = database.server.certificate() else { return };
    database.execute(PEOPLE);
    let by_name = database.url("").replace("127.0.0.1", "localhost");
    let good = project(
        &format!("{by_name}?ssl_ca={}", certificate.display()),
        "  tables: [{name: s, query: \"SELECT variable_value AS value FROM information_schema.session_status WHERE variable_name = 'SSL_CIPHER'\"}, people]\n",
    );
    good.run(0);
    assert_eq!(good.one("SELECT count(*) FROM people"), "2");
    assert!(good.one("SELECT length(value) > 0 FROM s").contains("true"));
    let unverified = project(&database.url("?ssl=true"), "  tables: [people]\n");
    unverified.run(0);
    let wrong_host = database.url(&format!("?ssl_ca={}", certificate.display()));
    project(&wrong_host, "  tables: [people]\n")
        .windlass(&["run", "p.yaml"])
        .says(&["cannot open"], "by a name that it has");
    // The client cannot leave out the host alone: it is stricter than asked for, and says what to do.
    project(&format!("{wrong_host}&ssl_check_hostname=false"), "  tables: [people]\n")
        .windlass(&["run", "p.yaml"])
        .says(&["cannot open"], "ssl_verify_cert=false");
    project(&format!("{wrong_host}&ssl_verify_cert=false"), "  tables: [people]\n").run(0);
    let done = project(&format!("{by_name}?ssl_ca=nowhere.pem"), "  tables: [people]\n")
        .windlass(&["run", "p.yaml"]);
    done.says(&["ssl_ca", "nowhere.pem"], "PEM");
}

#[test]
fn a_socket_is_a_way_too() {
    let Some(database) = Database::new("socket") else { return };
    database.execute(PEOPLE);
    let url = format!(
        "mysql://{USER}:{PASSWORD_IN_URL}@/{}?unix_socket={}",
        database.name,
        database.server.socket().display()
    );
    let project = project(&url, "  tables: [people]\n");
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM people"), "2");
}

#[test]
fn rows_of_many_megabytes_arrive() {
    let Some(database) = Database::new("large") else { return };
    database.execute(
        "CREATE TABLE t (id INT, b LONGBLOB, s LONGTEXT); \
                      INSERT INTO t SELECT seq, REPEAT('x', 24000000), REPEAT('é', 6000000) FROM seq_1_to_3;",
    );
    let project = project(&database.url(""), "  tables: [t]\n");
    project.run(0);
    assert_eq!(
        project.query("SELECT id, octet_length(b), length(s) FROM t ORDER BY id"),
        ["1,24000000,6000000", "2,24000000,6000000", "3,24000000,6000000"]
    );
}

#[test]
fn a_killed_query_goes_on_after_the_last_rows() {
    let Some(database) = Database::new("killed") else { return };
    families(&database, 3000);
    // Slow enough to be met in the middle.
    let project = project(
        &database.url(""),
        "  chunk_size: 100\n  tables: [{name: family, where: \"SLEEP(0.0005) = 0\", primary_key: rfam_acc, \
         incremental: {cursor_path: created, row_order: asc}}]\n",
    );
    let run = project
        .command(&["run", "p.yaml"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut kills = 0;
    let deadline = Instant::now() + Duration::from_secs(20);
    while kills < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
        let running = database.server.execute(&format!(
            "SELECT id FROM information_schema.PROCESSLIST WHERE user = '{USER}' AND db = '{}' AND info LIKE '%SLEEP%'",
            database.name
        ));
        for id in running.lines() {
            database
                .server
                .execute(&format!("KILL {} {id}", if kills == 0 { "CONNECTION" } else { "QUERY" }));
            kills += 1;
        }
    }
    let done = Done::of(run.wait_with_output().unwrap());
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(kills, 2, "the queries were not met while they ran");
    assert_eq!(project.one("SELECT count(*) || ' ' || count(DISTINCT rfam_acc) FROM family"), "3000 3000");
}

#[test]
fn a_statement_that_takes_too_long_is_explained() {
    let Some(database) = Database::new("slow") else { return };
    families(&database, 100);
    let url = database.url("?init_command=SET%20max_statement_time%3D0.3");
    let project = project(&url, "  tables: [{name: family, where: \"SLEEP(0.05) = 0\"}]\n");
    let done = project.windlass(&["run", "p.yaml"]);
    assert_eq!(done.code, 1);
    done.says(&["max_statement_time"], "max_execution_time");
}

#[test]
fn a_table_that_is_dropped_between_runs_is_named() {
    let Some(database) = Database::new("dropped") else { return };
    database.execute(PEOPLE);
    let project = project(&database.url(""), "  tables: [people]\n");
    project.run(0);
    database.execute("ALTER TABLE people ADD COLUMN size INT; UPDATE people SET size = 3;");
    project.run(0);
    assert_eq!(project.one("SELECT sum(size) FROM people"), "6");
    database.execute("DROP TABLE people;");
    project.windlass(&["run", "p.yaml"]).says(&["people"], "");
}
