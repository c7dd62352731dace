//! Where a database is: SQLAlchemy's URLs, and the same in parts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use regex::Regex;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use windlass_core::{Error, Result};

use super::database::Dialect;
use crate::config::{Secret, SecretAddress, unknown_name};
use crate::store::local_path;

/// Where a database is and who connects.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum SqlCredentials {
    /// `dialect[+driver]://user:password@host:port/database?query`, as SQLAlchemy reads it.
    Url(SecretAddress),
    /// The parts.
    Detailed(SqlParts),
}

/// The parts of the credentials.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SqlParts {
    /// The kind of database, such as `postgresql` or `mysql+pymysql`; a driver after the `+` changes nothing.
    pub drivername: Option<String>,
    /// The database, or the path of its file.
    pub database: Option<String>,
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The server's name or address.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// Parameters that could follow the `?` of a URL.
    pub query: BTreeMap<String, Value>,
}

/// Where a database is, for the client that speaks to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The kind of database.
    pub dialect: Dialect,
    /// The server's name or address.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The database, or the path of its file.
    pub database: Option<String>,
    /// Parameters of the connection; the values of one that is given several times have commas between them.
    pub query: BTreeMap<String, String>,
}

/// The kinds of databases: the names of their dialects in SQLAlchemy, and its drivers for them.
const DIALECTS: [(&[&str], Dialect, &[&str]); 4] = [
    (
        &["postgresql", "postgres"],
        Dialect::Postgres,
        &["psycopg2", "psycopg", "psycopg_async", "psycopg2cffi", "asyncpg", "pg8000", "pygresql"],
    ),
    (
        &["mysql", "mariadb"],
        Dialect::MySql,
        &[
            "mysqldb",
            "pymysql",
            "mysqlconnector",
            "mariadbconnector",
            "asyncmy",
            "aiomysql",
            "cymysql",
            "pyodbc",
        ],
    ),
    (&["sqlite"], Dialect::Sqlite, &["pysqlite", "pysqlite_numeric", "aiosqlite"]),
    (&["duckdb"], Dialect::DuckDb, &["duckdb_engine", "duckdb"]),
];

/// Databases that SQLAlchemy has dialects for and windlass has no client for.
const WITHOUT_CLIENT: [&str; 24] = [
    "access",
    "awsathena",
    "bigquery",
    "clickhouse",
    "clickhousedb",
    "cockroachdb",
    "crate",
    "databricks",
    "db2",
    "dremio",
    "druid",
    "exa",
    "firebird",
    "hana",
    "hive",
    "ibm_db_sa",
    "impala",
    "mssql",
    "oracle",
    "presto",
    "redshift",
    "snowflake",
    "teradatasql",
    "trino",
];

const URL_HINT: &str = "write it like postgresql://user:password@host:5432/database; in user and password write `@` as %40, \
                        `:` as %3A and `/` as %2F";

impl SqlCredentials {
    /// Where the database is. Errors: a URL that cannot be read, a kind of database that there is no client for.
    pub fn address(&self) -> Result<Address> {
        match self {
            Self::Url(url) => Address::parse(url.expose()),
            Self::Detailed(parts) => Address::from_parts(parts.clone()),
        }
    }
}

impl<'de> Deserialize<'de> for SqlCredentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UrlOrParts;
        impl<'de> Visitor<'de> for UrlOrParts {
            type Value = SqlCredentials;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL such as postgresql://user:password@host/database, or its parts")
            }
            fn visit_str<E>(self, url: &str) -> Result<SqlCredentials, E> {
                Ok(SqlCredentials::Url(url.into()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SqlCredentials, A::Error> {
                SqlParts::deserialize(MapAccessDeserializer::new(map)).map(SqlCredentials::Detailed)
            }
        }
        deserializer.deserialize_any(UrlOrParts)
    }
}

impl Address {
    /// Reads a URL as SQLAlchemy 2.1 does. No part of it is shown in errors: the password may stand anywhere in a
    /// misspelt one.
    ///
    /// Errors: no URL; a port that is no number; a kind of database or a driver that is unknown or not there.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong =
            |what: &str| Error::config(format!("the URL of the SQL database {what}")).with_hint(URL_HINT);
        let url = url.trim();
        let parts = UrlParts::read(url).ok_or_else(|| wrong("is none"))?;
        // What SQLAlchemy takes for a host or a database is the end of a password that was not encoded.
        let is_file = matches!(dialect(&parts.drivername), Ok(Dialect::Sqlite | Dialect::DuckDb));
        if parts.has_stray_at && !is_file {
            return Err(wrong("has an `@` too many"));
        }
        let port = match parts.port {
            None => None,
            Some(port) => Some(port.trim().parse().map_err(|_| wrong("has a port that is no number"))?),
        };
        Self::new(
            &parts.drivername,
            SqlParts {
                database: parts.database,
                username: parts.username,
                password: parts.password.map(Secret::from),
                host: parts.host,
                port,
                query: parts.query.into_iter().map(|(key, value)| (key, Value::from(value))).collect(),
                drivername: None,
            },
        )
    }

    /// Takes the parts as they are. Errors: no kind of database, or one that is unknown or not there; a parameter that
    /// is a list or an object.
    pub fn from_parts(parts: SqlParts) -> Result<Self> {
        let Some(drivername) = parts.drivername.clone() else {
            return Err(Error::config("the credentials of the SQL database have no drivername")
                .with_hint("set drivername to postgresql, mysql, sqlite or duckdb, or give a URL"));
        };
        Self::new(&drivername, parts)
    }

    fn new(drivername: &str, parts: SqlParts) -> Result<Self> {
        let mut query = BTreeMap::new();
        for (key, value) in parts.query {
            let value = match value {
                Value::String(text) => text,
                Value::Array(_) | Value::Object(_) | Value::Null => {
                    return Err(Error::config(format!(
                        "the parameter `{key}` of the SQL database is no text"
                    ))
                    .with_hint("give a text, a number, true or false"));
                }
                simple => simple.to_string(),
            };
            query.insert(key, value);
        }
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            dialect: dialect(drivername)?,
            host: some(parts.host),
            port: parts.port,
            username: some(parts.username),
            // As the reference does: a password that was pasted with a line break is meant without.
            password: parts.password.map(|password| Secret::from(password.expose().trim())),
            database: some(parts.database),
            query,
        })
    }

    /// The same with the path of the database's file, if it is one, relative to a folder.
    ///
    /// Errors: a path that is none, such as a URL of another kind of place.
    pub fn relative_to(mut self, folder: &Path) -> Result<Self> {
        if let (Dialect::Sqlite | Dialect::DuckDb, Some(path)) = (self.dialect, &self.database)
            && path != ":memory:"
            && !["file:", "md:", "motherduck:"].iter().any(|scheme| path.starts_with(scheme))
        {
            self.database = Some(local_path(path, folder)?.display().to_string());
        }
        Ok(self)
    }

    /// Where it is, for people: without user, password and parameters.
    pub fn location(&self) -> String {
        let database = self.database.as_deref();
        let name = match self.dialect {
            Dialect::Sqlite | Dialect::DuckDb => return database.unwrap_or(":memory:").to_owned(),
            Dialect::Postgres => "postgresql",
            Dialect::MySql => "mysql",
        };
        let socket = self.query.get("host").or_else(|| self.query.get("unix_socket"));
        let host = self.host.as_deref().or(socket.map(String::as_str)).unwrap_or("localhost");
        let host =
            if host.contains(':') && !host.starts_with('/') { format!("[{host}]") } else { host.to_owned() };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{name}://{host}{port}{}", database.map(|name| format!("/{name}")).unwrap_or_default())
    }
}

/// The kind of database that a name such as `mysql+pymysql` means.
fn dialect(drivername: &str) -> Result<Dialect> {
    let (name, driver) = match drivername.split_once('+') {
        Some((name, driver)) => (name, Some(driver)),
        None => (drivername, None),
    };
    let name = name.to_lowercase();
    let Some((_, dialect, drivers)) = DIALECTS.iter().find(|(names, ..)| names.contains(&name.as_str()))
    else {
        if WITHOUT_CLIENT.contains(&name.as_str()) {
            return Err(Error::unsupported(format!("windlass has no client for `{name}` databases")).with_hint(
                "it reads postgresql, mysql, mariadb, sqlite and duckdb; its Python package reads others through SQLAlchemy: \
                 `from windlass.sources.sql_database import sql_database`",
            ));
        }
        return Err(unknown_name(
            "kind of database",
            &name,
            DIALECTS.iter().flat_map(|(names, ..)| *names).copied(),
        ));
    };
    match driver {
        Some(driver) if !drivers.contains(&driver.to_lowercase().as_str()) => {
            Err(unknown_name(&format!("driver of `{name}`"), driver, drivers.iter().copied()))
        }
        _ => Ok(*dialect),
    }
}

/// What stands in a URL, before it means anything.
#[derive(Debug)]
struct UrlParts {
    drivername: String,
    username: Option<String>,
    password: Option<String>,
    host: Option<String>,
    port: Option<String>,
    database: Option<String>,
    /// Whether an `@` stands behind the one that ends the password.
    has_stray_at: bool,
    query: BTreeMap<String, String>,
}

/// SQLAlchemy's grammar, which is its documentation of what a `@`, `/` or `:` in a password means.
#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test reads it")]
static GRAMMAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^(?P<drivername>[\w+]+)://
        (?:(?P<username>[^:/]*)(?::(?P<password>[^@]*))?@)?
        (?:(?:\[(?P<v6>[^/?]+)\]|(?P<host>[^/:?]+))?(?::(?P<port>[^/?]*))?)?
        (?:/(?P<database>[^?]*))?
        (?:\?(?P<query>.*))?",
    )
    .expect("the grammar is a regular expression")
});

impl UrlParts {
    fn read(url: &str) -> Option<Self> {
        let captures = GRAMMAR.captures(url)?;
        let part = |name: &str| captures.name(name).map(|part| part.as_str().to_owned());
        let decoded = |name: &str| captures.name(name).map(|part| decode(part.as_str()));
        let mut query: BTreeMap<String, String> = BTreeMap::new();
        for pair in captures.name("query").map(|query| query.as_str()).unwrap_or_default().split('&') {
            let Some((key, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty()) else {
                continue;
            };
            let (key, value) = (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")));
            query.entry(key).and_modify(|values| *values = format!("{values},{value}")).or_insert(value);
        }
        Some(Self {
            drivername: part("drivername")?,
            username: decoded("username"),
            password: decoded("password"),
            host: part("v6").or_else(|| part("host")),
            port: part("port"),
            database: decoded("database"),
            has_stray_at: ["v6", "host", "database", "query"]
                .iter()
                .any(|name| captures.name(name).is_some_and(|part| part.as_str().contains('@'))),
            query,
        })
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn urls_are_read_as_sqlalchemy_reads_them() {
        let mut count = 0;
        for line in include_str!("testdata/urls.jsonl").lines() {
            let recorded: Value = serde_json::from_str(line).unwrap();
            let url = recorded["url"].as_str().unwrap();
            let read = UrlParts::read(url);
            let port = read.as_ref().map(|read| read.port.as_ref().map(|port| port.trim().parse::<i64>()));
            let port = match port {
                Some(Some(Err(_))) => {
                    assert_eq!(recorded["answer"], Value::Null, "{url}");
                    continue;
                }
                Some(Some(Ok(port))) => Some(port),
                _ => None,
            };
            let texts = |value: &Value| match value {
                Value::Array(values) => {
                    let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                    Value::from(texts.join(","))
                }
                text => text.clone(),
            };
            let mut expected = recorded["answer"].clone();
            if let Some(query) = expected.get_mut("query").and_then(Value::as_object_mut) {
                query.values_mut().for_each(|value| *value = texts(value));
            }
            let answer = read.map_or(Value::Null, |read| {
                json!({
                    "drivername": read.drivername, "username": read.username, "password": read.password,
                    "host": read.host, "port": port, "database": read.database, "query": read.query,
                })
            });
            assert_eq!(answer, expected, "{url}");
            count += 1;
        }
        assert!(count > 500, "{count}");
    }

    #[test]
    fn an_address_says_where_it_is_without_secrets() {
        let cases = [
            ("postgresql+psycopg2://u:hunter2@db:6000/d?sslmode=require", "postgresql://db:6000/d"),
            ("postgres://u:hunter2@[::1]/d", "postgresql://[::1]/d"),
            ("postgresql://u:hunter2@/d?host=/run/pg", "postgresql:///run/pg/d"),
            ("mariadb+pymysql://u:hunter2@h/d", "mysql://h/d"),
            ("mysql://u:hunter2%0A@/d", "mysql://localhost/d"),
            ("sqlite:////a/b.db", "/a/b.db"),
            ("sqlite://", ":memory:"),
            ("duckdb:///b.duckdb", "b.duckdb"),
        ];
        for (url, location) in cases {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.location(), location);
            assert!(!format!("{address:?}").contains("hunter2"));
            assert!(address.password.is_none_or(|password| password.expose() == "hunter2"));
        }
        let relative = Address::parse("sqlite:///a.db").unwrap().relative_to(Path::new("/f")).unwrap();
        assert_eq!(relative.location(), "/f/a.db");
    }

    #[test]
    fn parts_mean_what_the_url_means() {
        let credentials: SqlCredentials = serde_json::from_value(json!({
            "drivername": "mysql+pymysql", "username": "u", "password": " p@/: \n", "host": "h", "port": 3307,
            "database": "d", "query": {"charset": "utf8mb4", "connect_timeout": 3},
        }))
        .unwrap();
        let url = "mysql://u:p%40%2F%3A@h:3307/d?charset=utf8mb4&connect_timeout=3";
        assert_eq!(credentials.address().unwrap(), Address::parse(url).unwrap());
        let credentials: SqlCredentials = serde_json::from_value(json!(url)).unwrap();
        assert_eq!(credentials.address().unwrap(), Address::parse(url).unwrap());
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let cases = [
            ("u:hunter2@h/d", "is none"),
            ("postgresql://u:hunter2@h:x/d", "port that is no number"),
            ("postgresql://u:hunter2@h:70000/d", "port that is no number"),
            ("postgresql://u:a@hunter2@h/d", "an `@` too many"),
            ("postgresq://u:hunter2@h/d", "no kind of database `postgresq`"),
            ("mysql+pymsql://u:hunter2@h/d", "no driver of `mysql` `pymsql`"),
            ("mssql+pyodbc://u:hunter2@h/d", "no client for `mssql`"),
            ("snowflake://u:hunter2@h/d", "no client for `snowflake`"),
        ];
        for (url, message) in cases {
            let error = Address::parse(url).unwrap_err();
            assert!(error.chain().contains(message), "{url}: {error}");
            assert!(error.hint().is_some_and(|hint| !hint.contains("hunter2")), "{url}");
            assert!(!error.chain().contains("hunter2"), "{error}");
        }
        let wrong = |value| serde_json::from_value::<SqlCredentials>(value).map(|parts| parts.address());
        assert!(
            wrong(json!({"drivername": "mysql", "user": "u"}))
                .unwrap_err()
                .to_string()
                .contains("unknown field `user`")
        );
        assert!(wrong(json!(1)).unwrap_err().to_string().contains("a URL such as"));
        assert!(wrong(json!({"host": "h"})).unwrap().unwrap_err().chain().contains("no drivername"));
        assert!(wrong(json!({"drivername": "mysql", "query": {"a": [1]}})).unwrap().is_err());
    }

    proptest! {
        #[test]
        fn no_password_is_ever_shown(url in "postgresql(\\+[a-z]{0,3})?://[a-z@:/]{0,6}:HUNTER[@:/?]{0,3}[a-z]{1,4}@[a-z:@0-9]{0,6}/d") {
            match Address::parse(&url) {
                Ok(address) => {
                    let shown = format!("{address:?} {}", address.location());
                    prop_assert!(!shown.contains("HUNTER"), "{}", shown);
                }
                Err(error) => prop_assert!(!error.chain().contains("HUNTER")),
            }
        }
    }
}
