//! Every type of every database, loaded into DuckDB, Postgres and Parquet: docs/sql-types.md is written by this test.
//!
//! Each column has a sample. What arrives at the three destinations has to be that sample.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use expect_test::expect_file;
use serde_json::Value;
use windlass::sources::sql::{Address, OpenOptions, open};

use crate::mariadb;
use crate::project::Project;

/// A column: its declaration, a literal of the database, and the text of what arrives (bytes as hexadecimal digits).
struct Sample(&'static str, &'static str, &'static str);

const MARIADB: &[Sample] = &[
    Sample("tinyint", "-128", "-128"),
    Sample("tinyint(1)", "1", "1"),
    Sample("tinyint unsigned", "255", "255"),
    Sample("smallint", "-32768", "-32768"),
    Sample("smallint unsigned", "65535", "65535"),
    Sample("mediumint", "-8388608", "-8388608"),
    Sample("mediumint unsigned", "16777215", "16777215"),
    Sample("int", "-2147483648", "-2147483648"),
    Sample("int unsigned", "4294967295", "4294967295"),
    Sample("int(8) zerofill", "42", "42"),
    Sample("bigint", "-9223372036854775808", "-9223372036854775808"),
    Sample("bigint unsigned", "9223372036854775807", "9223372036854775807"),
    Sample("decimal(10,2)", "-1234.50", "-1234.50"),
    Sample(
        "decimal(38,10)",
        "9999999999999999999999999999.0000000001",
        "9999999999999999999999999999.0000000001",
    ),
    Sample("float", "0.5", "0.5"),
    Sample("double", "1234.125", "1234.125"),
    Sample("double(10,2)", "3.14", "3.14"),
    Sample("bit(1)", "b'1'", "01"),
    Sample("bit(10)", "b'1000000001'", "0201"),
    Sample("year", "2024", "2024"),
    Sample("date", "'9999-12-31'", "9999-12-31"),
    Sample("time", "'23:59:59'", "23:59:59"),
    Sample("time(6)", "'23:59:59.999999'", "23:59:59.999999"),
    Sample("datetime", "'1000-01-01 00:00:00'", "1000-01-01 00:00:00"),
    Sample("datetime(6)", "'2024-02-29 12:34:56.789012'", "2024-02-29 12:34:56.789012"),
    Sample("timestamp(3)", "'2024-02-29 12:34:56.789'", "2024-02-29 12:34:56.789"),
    Sample("char(10)", "'Zoë'", "Zoë"),
    Sample("varchar(20)", "'naïve 🦀'", "naïve 🦀"),
    Sample("varchar(20) character set latin1", "'œuf'", "œuf"),
    Sample("tinytext", "'a'", "a"),
    Sample("text", "'it''s'", "it's"),
    Sample("mediumtext", "'b'", "b"),
    Sample("longtext", "'c'", "c"),
    Sample("enum('a','bcd')", "'bcd'", "bcd"),
    Sample("set('x','y','z')", "'x,z'", "x,z"),
    Sample("json", "'{\"a\":[1,2]}'", "{\"a\":[1,2]}"),
    Sample("uuid", "'123e4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"),
    Sample("inet4", "'192.168.0.1'", "192.168.0.1"),
    Sample("inet6", "'2001:db8::1'", "2001:db8::1"),
    Sample("binary(4)", "x'00ff0102'", "00FF0102"),
    Sample("varbinary(8)", "x'00ff'", "00FF"),
    Sample("tinyblob", "x'01'", "01"),
    Sample("blob", "x'02'", "02"),
    Sample("mediumblob", "x'03'", "03"),
    Sample("longblob", "x'04'", "04"),
    Sample(
        "point",
        "ST_GeomFromText('POINT(1 2)', 4326)",
        "E61000000101000000000000000000F03F0000000000000040",
    ),
];

const POSTGRES: &[Sample] = &[
    Sample("boolean", "true", "true"),
    Sample("smallint", "-32768", "-32768"),
    Sample("integer", "-2147483648", "-2147483648"),
    Sample("bigint", "-9223372036854775808", "-9223372036854775808"),
    Sample("oid", "4294967295", "4294967295"),
    Sample("real", "0.5", "0.5"),
    Sample("double precision", "1234.125", "1234.125"),
    Sample("numeric", "12345.6789", "12345.6789"),
    Sample("numeric(10,2)", "-1234.50", "-1234.50"),
    Sample(
        "numeric(38,10)",
        "9999999999999999999999999999.0000000001",
        "9999999999999999999999999999.0000000001",
    ),
    Sample("money", "'12.34'", "$12.34"),
    Sample("text", "'it''s'", "it's"),
    Sample("varchar(20)", "'naïve 🦀'", "naïve 🦀"),
    Sample("char(4)", "'ab'", "ab  "),
    Sample("name", "'a_name'", "a_name"),
    Sample("bytea", "'\\x00ff'", "00FF"),
    Sample("date", "'0001-01-01'", "0001-01-01"),
    Sample("time(3)", "'23:59:59.999'", "23:59:59.999"),
    Sample("timestamp", "'2024-02-29 12:34:56.789012'", "2024-02-29 12:34:56.789012"),
    Sample("timestamptz", "'2024-02-29 12:34:56.789012+02'", "2024-02-29 10:34:56.789012"),
    Sample("interval", "'1 day 02:03:04'", "1 day 02:03:04"),
    Sample("uuid", "'123e4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"),
    Sample("json", "'{\"a\":[1,2]}'", "{\"a\":[1,2]}"),
    Sample("jsonb", "'{\"a\":[1,2]}'", "{\"a\":[1,2]}"),
    Sample("integer[]", "'{1,2}'", "[1,2]"),
    Sample("text[]", "'{a,NULL}'", "[\"a\",null]"),
    Sample("int4range", "'[1,5)'", "[1,5)"),
    Sample("inet", "'192.168.0.1/24'", "192.168.0.1/24"),
    Sample("cidr", "'10.0.0.0/8'", "10.0.0.0/8"),
    Sample("macaddr", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03"),
    Sample("bit(3)", "B'101'", "101"),
    Sample("varbit", "B'1011'", "1011"),
    Sample("xml", "'<a/>'", "<a/>"),
    Sample("point", "'(1,2)'", "(1,2)"),
    Sample("tsvector", "'a:1'", "'a':1"),
];

const SQLITE: &[Sample] = &[
    Sample("INTEGER", "-9223372036854775808", "-9223372036854775808"),
    Sample("SMALLINT", "7", "7"),
    Sample("BIGINT", "9223372036854775807", "9223372036854775807"),
    Sample("REAL", "0.5", "0.5"),
    Sample("FLOAT", "1234.125", "1234.125"),
    Sample("NUMERIC", "12.5", "12.5"),
    Sample("DECIMAL(10,2)", "-1234.5", "-1234.5"),
    Sample("BOOLEAN", "1", "true"),
    Sample("TEXT", "'it''s'", "it's"),
    Sample("VARCHAR(20)", "'naïve 🦀'", "naïve 🦀"),
    Sample("CHAR(4)", "'ab'", "ab"),
    Sample("BLOB", "x'00ff'", "00FF"),
    Sample("DATE", "'2024-02-29'", "2024-02-29"),
    Sample("TIME", "'23:59:59'", "23:59:59"),
    Sample("DATETIME", "'2024-02-29 12:34:56.789012'", "2024-02-29 12:34:56.789012"),
    Sample("TIMESTAMP", "'2024-02-29 12:34:56'", "2024-02-29 12:34:56"),
    Sample("JSON", "'{\"a\":[1,2]}'", "{\"a\":[1,2]}"),
];

const DUCKDB: &[Sample] = &[
    Sample("BOOLEAN", "true", "true"),
    Sample("TINYINT", "-128", "-128"),
    Sample("SMALLINT", "-32768", "-32768"),
    Sample("INTEGER", "-2147483648", "-2147483648"),
    Sample("BIGINT", "-9223372036854775808", "-9223372036854775808"),
    Sample("UTINYINT", "255", "255"),
    Sample("USMALLINT", "65535", "65535"),
    Sample("UINTEGER", "4294967295", "4294967295"),
    Sample("UBIGINT", "9223372036854775807", "9223372036854775807"),
    Sample("FLOAT", "0.5", "0.5"),
    Sample("DOUBLE", "1234.125", "1234.125"),
    Sample("DECIMAL(10,2)", "-1234.50", "-1234.50"),
    Sample(
        "DECIMAL(38,10)",
        "9999999999999999999999999999.0000000001",
        "9999999999999999999999999999.0000000001",
    ),
    Sample("VARCHAR", "'naïve 🦀'", "naïve 🦀"),
    Sample("BLOB", "'\\x00\\xFF'::BLOB", "00FF"),
    Sample("DATE", "'0001-01-01'", "0001-01-01"),
    Sample("TIME", "'23:59:59.999999'", "23:59:59.999999"),
    Sample("TIMESTAMP", "'2024-02-29 12:34:56.789012'", "2024-02-29 12:34:56.789012"),
    Sample("TIMESTAMP_S", "'2024-02-29 12:34:56'", "2024-02-29 12:34:56"),
    Sample("UUID", "'123e4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"),
    Sample("ENUM('a', 'bcd')", "'bcd'", "bcd"),
    Sample("INTEGER[]", "[1, 2]", "[1,2]"),
    Sample("STRUCT(a INTEGER)", "{'a': 1}", "{\"a\":1}"),
    Sample("INTERVAL", "INTERVAL 1 DAY", "1 day"),
    Sample("BIT", "'101'::BIT", "101"),
];

/// A database with the table `every`: `id`, and a column for each sample; a row of the samples and one of nulls.
struct Origin {
    title: &'static str,
    samples: &'static [Sample],
    url: String,
    schema: Option<String>,
    rules: &'static str,
    /// Keeps the database alive.
    _place: Box<dyn std::any::Any>,
}

/// The statements that make the table. Columns are null unless they say otherwise, which a `timestamp` of MariaDB does
/// not take for granted.
fn statements(table: &str, samples: &[Sample]) -> String {
    let columns: String =
        samples.iter().enumerate().map(|(index, sample)| format!(", c{index} {} NULL", sample.0)).collect();
    let values: String = samples.iter().map(|sample| format!(", {}", sample.1)).collect();
    format!(
        "CREATE TABLE {table} (id INT PRIMARY KEY{columns}); INSERT INTO {table} VALUES (1{values}); \
         INSERT INTO {table} (id) VALUES (2);"
    )
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Origin {
    /// The dataset that it is loaded into; a name of its own, since tests share the Postgres.
    fn dataset(&self) -> String {
        let name: String = self.title.chars().filter(char::is_ascii_alphabetic).collect();
        format!("types_{}_{}", name.to_lowercase(), std::process::id())
    }

    fn mariadb() -> Option<Self> {
        let database = mariadb::Database::new("types")?;
        database.execute(&statements("every", MARIADB));
        let url = database.url("");
        let title = "MySQL and MariaDB";
        Some(Self {
            title,
            samples: MARIADB,
            url,
            schema: None,
            rules: MYSQL_RULES,
            _place: Box::new(database),
        })
    }

    fn postgres(url: &str) -> Self {
        let schema = format!("every_type_{}", std::process::id());
        let sql = format!("CREATE SCHEMA {schema}; {}", statements(&format!("{schema}.every"), POSTGRES));
        succeed(Command::new("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", &sql, url]));
        let url = url.to_owned();
        Self {
            title: "PostgreSQL",
            samples: POSTGRES,
            url,
            schema: Some(schema),
            rules: "",
            _place: Box::new(()),
        }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("every.db").display().to_string();
        let script =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()";
        succeed(Command::new("python3").args(["-c", script, &path, &statements("every", SQLITE)]));
        let url = format!("sqlite:///{path}");
        Self { title: "SQLite", samples: SQLITE, url, schema: None, rules: "", _place: Box::new(folder) }
    }

    fn duckdb() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("every.duckdb");
        duckdb::Connection::open(&path).unwrap().execute_batch(&statements("every", DUCKDB)).unwrap();
        let url = format!("duckdb:///{}", path.display());
        Self { title: "DuckDB", samples: DUCKDB, url, schema: None, rules: "", _place: Box::new(folder) }
    }
}

/// A pipeline that loads the table into one destination.
fn load(origin: &Origin, destination: &str) -> Project {
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: {}\ndestination: {destination}\nsource:\n  type: sql_database\n  credentials: \"{}\"\n  \
             tables: [every]\n{}",
            origin.dataset(),
            origin.url,
            origin.schema.as_ref().map(|name| format!("  schema: {name}\n")).unwrap_or_default()
        ),
    );
    project.run(0);
    project
}

/// The type and the text of each column of the row of samples, by DuckDB.
fn by_duckdb(connection: &duckdb::Connection, from: &str, count: usize) -> Vec<(String, String)> {
    let one = |sql: &str| -> Option<String> { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    (0..count)
        .map(|index| {
            let kind = one(&format!("SELECT typeof(c{index}) FROM {from} WHERE id = 1")).unwrap();
            let text =
                if kind == "BLOB" { format!("hex(c{index})") } else { format!("CAST(c{index} AS VARCHAR)") };
            assert_eq!(
                one(&format!("SELECT {text} FROM {from} WHERE id = 2")),
                None,
                "c{index} of the row of nulls"
            );
            (kind, one(&format!("SELECT {text} FROM {from} WHERE id = 1")).unwrap_or_default())
        })
        .collect()
}

fn by_postgres(project: &Project, count: usize) -> Vec<(String, String)> {
    let rows = |sql: String| -> Vec<Value> {
        let done = project.windlass(&["query", "p.yaml", &sql, "--format", "json"]);
        assert_eq!(done.code, 0, "{sql}: {}", done.stderr);
        serde_json::from_str(&done.stdout).unwrap()
    };
    (0..count)
        .map(|index| {
            let kind =
                rows(format!("SELECT CAST(pg_typeof(c{index}) AS text) AS kind FROM every WHERE id = 1"));
            let kind = kind[0]["kind"].as_str().unwrap().to_owned();
            let text = if kind == "bytea" {
                format!("upper(encode(c{index}, 'hex'))")
            } else {
                format!("CAST(c{index} AS text)")
            };
            let found = rows(format!("SELECT {text} AS value FROM every ORDER BY id"));
            assert_eq!(found[1]["value"], Value::Null, "c{index} of the row of nulls");
            (kind, found[0]["value"].as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

/// What is the same whoever writes it: blanks of documents, zeros at the end of fractions, the zone of moments in UTC.
fn plain(text: &str, kind: &str) -> String {
    let text = text.strip_suffix("+00").unwrap_or(text);
    if text.starts_with(['{', '[']) || kind.to_lowercase().contains("json") {
        return text.chars().filter(|character| !character.is_whitespace()).collect();
    }
    let is_number =
        text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) && text.contains('.');
    let is_fraction =
        is_number && text.rsplit('.').next().is_some_and(|end| end.bytes().all(|b| b.is_ascii_digit()));
    let kind = kind.to_lowercase();
    let has_fraction = ["decimal", "numeric", "time", "double"].iter().any(|name| kind.contains(name));
    if is_fraction && has_fraction {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// The type of a column in the schema, with its digits.
fn schema_type(column: &Value) -> String {
    let kind = column["data_type"].as_str().unwrap_or("none");
    let digits: Vec<String> =
        ["precision", "scale"].iter().filter_map(|key| column[key].as_i64()).map(|n| n.to_string()).collect();
    let zone = if column["timezone"] == false { " without zone" } else { "" };
    if digits.is_empty() { format!("{kind}{zone}") } else { format!("{kind}({}){zone}", digits.join(",")) }
}

fn section(out: &mut String, origin: &Origin, postgres: &str) {
    let count = origin.samples.len();
    let in_duckdb = load(origin, "{type: duckdb, credentials: out.duckdb}");
    let schema = in_duckdb.windlass(&["pipeline", "schema", "p.yaml", "--format", "json"]).stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let columns = &schema["tables"]["every"]["columns"];
    let connection = duckdb::Connection::open(in_duckdb.path("out.duckdb")).unwrap();
    let duckdb = by_duckdb(&connection, &format!("{}.every", origin.dataset()), count);

    let in_postgres = load(origin, &format!("{{type: postgres, credentials: \"{postgres}\"}}"));
    let postgres = by_postgres(&in_postgres, count);

    let in_parquet = load(origin, "{type: filesystem, bucket_url: lake, loader_file_format: parquet}");
    let files = format!("read_parquet('{}/**/every/*.parquet')", in_parquet.path("lake").display());
    let parquet = by_duckdb(&duckdb::Connection::open_in_memory().unwrap(), &files, count);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shape = runtime.block_on(async {
        let options = OpenOptions { folder: Path::new(".").to_owned(), ..OpenOptions::default() };
        let database = open(&Address::parse(&origin.url).unwrap(), &options).unwrap();
        database.reflect(origin.schema.as_deref(), &["every".to_owned()]).await.unwrap().remove(0)
    });

    writeln!(out, "\n## {}\n", origin.title).unwrap();
    writeln!(
        out,
        "| declared | schema | Arrow | DuckDB | Postgres | Parquet | sample |\n|---|---|---|---|---|---|---|"
    )
    .unwrap();
    let mut wrong = Vec::new();
    for (index, Sample(declared, _, arrives)) in origin.samples.iter().enumerate() {
        let name = format!("c{index}");
        let (from_duckdb, from_postgres, from_parquet) = (&duckdb[index], &postgres[index], &parquet[index]);
        for (place, (kind, value)) in
            [("DuckDB", from_duckdb), ("Postgres", from_postgres), ("Parquet", from_parquet)]
        {
            if plain(value, kind) != plain(arrives, kind) {
                wrong.push(format!("{declared} in {place}: {value:?} ({kind}) in place of {arrives:?}"));
            }
        }
        let column = shape.columns.iter().find(|column| column.name == name).unwrap();
        writeln!(
            out,
            "| `{declared}` | {} | {} | {} | {} | {} | `{arrives}` |",
            schema_type(&columns[&name]),
            column.sql_type.arrow_type(),
            from_duckdb.0,
            from_postgres.0,
            from_parquet.0,
        )
        .unwrap();
    }
    assert!(wrong.is_empty(), "{}: {wrong:#?}", origin.title);
    out.push_str(origin.rules);
}

const INTRODUCTION: &str = "\
# Types of SQL databases

What each type of a database becomes: its type in the schema (with `reflection_level: full`), the layout of its values on the way
(Arrow), the column at the destination, and a sample that was loaded into each of them. In the Parquet column types have DuckDB's names;
bytes are shown as hexadecimal digits. A test loads these tables and writes this page.
";

const MYSQL_RULES: &str = "
Rules of MySQL and MariaDB:

- Connections use UTF-8 and UTC: texts of any character set arrive as they are, a `timestamp` is the moment in UTC, without a zone in the
  schema as in the reference. A text whose bytes are no UTF-8 ends the run; `cast: {column: binary}` reads it as bytes.
- Dates that do not exist (`0000-00-00`, a day or month 0, February 30), and a `time` that is negative or longer than a day, are null
  with a warning that counts them; `invalid_values: error` ends the run instead, and `cast: {column: char}` reads them as text. A column that is not null at the source
  needs `columns: {column: {nullable: true}}` for that.
- `json` of MariaDB is a `longtext` with a check; it is json here and text in the reference.
- `bit` and geometries are bytes (geometries as the server keeps them: four bytes of the reference system, then WKB); `select: {shape:
  ST_AsText(shape)}` reads text.
- `double` is a decimal of the schema, as the reference reads it; `columns: {c: {data_type: double}}` makes it a double.
- A `bigint unsigned` beyond 9223372036854775807 does not fit into a bigint of any destination: see docs/differences.md.
";

#[test]
fn every_type_arrives_as_documented() {
    let Some(server) = crate::server::Server::shared() else { return };
    let Some(mariadb) = Origin::mariadb() else { return };
    let mut page = INTRODUCTION.to_owned();
    for origin in [mariadb, Origin::postgres(&server.url), Origin::sqlite(), Origin::duckdb()] {
        section(&mut page, &origin, &server.url);
    }
    expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sql-types.md")].assert_eq(&page);
}
