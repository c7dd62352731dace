//! Where a server is and how it is spoken to: the options as they are written, and what they mean.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use windlass_core::{Error, Result};

use super::tls::{Tls, Verification};
use crate::config::{Secret, SecretAddress, unknown_name};
use crate::side::Side;

/// Where the server is and who connects.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PostgresCredentials {
    /// `postgresql://user:password@host:port/database?sslmode=require`
    Url(SecretAddress),
    /// The parts.
    Detailed(PostgresConnection),
}

/// The parts of the credentials.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConnection {
    /// `postgresql`; other names are not for this destination.
    pub drivername: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The server's name or address, or the folder of a Unix socket.
    pub host: Option<String>,
    /// The port. Default 5432.
    pub port: Option<u16>,
    /// Seconds to wait for a connection. Default 15.
    pub connect_timeout: Option<u64>,
    /// Only UTF-8 is spoken.
    pub client_encoding: Option<String>,
    /// Time zone of the connection. Default UTC.
    pub session_timezone: Option<String>,
    /// Parameters that could follow the `?` of a URL, such as `sslmode`.
    pub query: BTreeMap<String, Value>,
}

/// Seconds to wait for a connection when nobody says otherwise.
const CONNECT_TIMEOUT: u64 = 15;

/// Seconds of silence after which a connection is probed, and between probes. A load would wait for hours otherwise
/// when the network loses the server.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Parameters of a URL that are understood.
const PARAMETERS: [&str; 15] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "application_name",
    "connect_timeout",
    "options",
    "client_encoding",
    "keepalives_idle",
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "gssencmode",
];

/// How a server is reached.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    pub(crate) timezone: String,
    /// For people.
    pub(crate) location: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Address {
    /// Errors: parts that are missing, a URL of something else, unknown parameters.
    pub(crate) fn new(credentials: &PostgresCredentials, side: Side) -> Result<Self> {
        match credentials {
            PostgresCredentials::Url(url) => Self::from_parts(parse_url(url.expose())?, side),
            PostgresCredentials::Detailed(parts) => Self::from_parts(parts.clone(), side),
        }
    }

    fn from_parts(mut parts: PostgresConnection, side: Side) -> Result<Self> {
        if let Some(driver) = &parts.drivername
            && !is_postgres(driver)
        {
            return Err(Error::config(format!("a postgres {} has no driver `{driver}`", side.name()))
                .with_hint("leave drivername out"));
        }
        let mut query = BTreeMap::new();
        for (key, value) in std::mem::take(&mut parts.query) {
            if !PARAMETERS.contains(&key.as_str()) {
                return Err(unknown_name("parameter of a Postgres connection", &key, PARAMETERS));
            }
            query.insert(key, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        let mut take = |key: &str| query.remove(key);
        let host = take("host").or(parts.host);
        let database = take("dbname").or(parts.database);
        let user = take("user").or(parts.username);
        let needed = |value: Option<String>, key: &str| {
            value.filter(|value| !value.is_empty()).ok_or_else(|| {
                Error::config(format!("the credentials of the {} have no {key}", side.name()))
                    .with_hint(format!("set {}.{key}, or put it into the URL", side.key()))
            })
        };
        let (host, database) = (needed(host, "host")?, needed(database, "database")?);
        let user = needed(user, "username")?;
        let port = number(take("port"), "port")?.or(parts.port).unwrap_or(5432);
        let timeout = number(take("connect_timeout"), "connect_timeout")?
            .or(parts.connect_timeout)
            .unwrap_or(CONNECT_TIMEOUT);
        let mut config = Config::new();
        config.host(&host).port(port).dbname(&database).user(&user);
        config.connect_timeout(Duration::from_secs(timeout.max(1)));
        config.application_name(take("application_name").unwrap_or_else(|| "windlass".to_owned()));
        if let Some(password) = take("password").map(|text| Secret::from(text.as_str())).or(parts.password) {
            config.password(password.expose());
        }
        if let Some(options) = take("options") {
            config.options(options);
        }
        let idle = number(take("keepalives_idle"), "keepalives_idle")?.map_or(KEEPALIVE, Duration::from_secs);
        config.keepalives_idle(idle).keepalives_interval(KEEPALIVE_INTERVAL).keepalives_retries(6);
        if let Some(encoding) = take("client_encoding").or(parts.client_encoding)
            && !matches!(
                encoding.to_lowercase().replace(['-', '_'], "").as_str(),
                "utf8" | "auto" | "unicode"
            )
        {
            return Err(Error::config(format!("client_encoding cannot be `{encoding}`"))
                .with_hint("windlass speaks UTF-8 with every server; leave client_encoding out"));
        }
        let mode = take("sslmode").unwrap_or_else(|| "prefer".to_owned());
        let root = take("sslrootcert");
        let (ssl_mode, verification) = match mode.as_str() {
            "disable" => (SslMode::Disable, Verification::None),
            "allow" | "prefer" => (SslMode::Prefer, Verification::None),
            // As libpq does: who names a root certificate wants it to be looked at.
            "require" if root.is_some() => (SslMode::Require, Verification::Chain),
            "require" => (SslMode::Require, Verification::None),
            "verify-ca" => (SslMode::Require, Verification::Chain),
            "verify-full" => (SslMode::Require, Verification::ChainAndHost),
            other => {
                let known = ["disable", "prefer", "require", "verify-ca", "verify-full"];
                return Err(unknown_name("sslmode", other, known));
            }
        };
        config.ssl_mode(ssl_mode);
        let client = match (take("sslcert"), take("sslkey")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(Error::config("sslcert and sslkey belong together")
                    .with_hint("give the files of both, or of none"));
            }
        };
        Ok(Self {
            config,
            tls: Tls { verification, root, client },
            timezone: parts.session_timezone.unwrap_or_else(|| "UTC".to_owned()),
            location: format!("postgresql://{host}:{port}/{database}"),
        })
    }
}

fn is_postgres(driver: &str) -> bool {
    matches!(driver.split('+').next(), Some("postgresql" | "postgres"))
}

fn number<T: std::str::FromStr>(text: Option<String>, key: &str) -> Result<Option<T>> {
    let parse = |text: String| {
        text.parse().map_err(|_| {
            Error::config(format!("`{key}` of the Postgres connection is not a number in its range"))
        })
    };
    text.map(parse).transpose()
}

/// Reads a URL. No part of it is shown in errors: the password may stand anywhere in a misspelt one.
fn parse_url(url: &str) -> Result<PostgresConnection> {
    let wrong = |what: &str| {
        Error::config(format!("the URL of the postgres destination {what}")).with_hint(
            "write it like postgresql://user:password@host:5432/database; encode special characters as %40",
        )
    };
    let (scheme, rest) = url.trim().split_once("://").ok_or_else(|| wrong("has no `://`"))?;
    if !is_postgres(scheme) {
        return Err(wrong("does not begin with `postgresql://`"));
    }
    let decode = |text: &str| -> Result<String> {
        let text = percent_decode_str(text).decode_utf8();
        Ok(text.map_err(|_| wrong("is not UTF-8"))?.into_owned())
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6.split_once(']').ok_or_else(|| wrong("has a `[` without `]`"))?;
            (host, rest.strip_prefix(':'))
        }
        None => place.rsplit_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let port = port.filter(|port| !port.is_empty());
    let mut parts = PostgresConnection {
        database: some(decode(database)?),
        username: some(decode(user)?),
        password: password.map(decode).transpose()?.map(|password| Secret::from(password.as_str())),
        host: some(decode(host)?),
        port: port.map(|port| port.parse().map_err(|_| wrong("has a port that is no number"))).transpose()?,
        ..PostgresConnection::default()
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| wrong("has a parameter without `=`"))?;
        parts.query.insert(decode(key)?, Value::from(decode(value)?));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<Address> {
        Address::new(&PostgresCredentials::Url(text.into()), Side::Destination)
    }

    #[test]
    fn a_url_is_read_with_its_escapes() {
        let address =
            url("postgresql://me%40x:p%2Fw:1@db.example:6000/my%20db?sslmode=verify-full&connect_timeout=3")
                .unwrap();
        assert_eq!(address.location, "postgresql://db.example:6000/my db");
        assert_eq!(address.config.get_user(), Some("me@x"));
        assert_eq!(address.config.get_password(), Some(&b"p/w:1"[..]));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(url("postgres://u@[::1]/d").unwrap().location, "postgresql://::1:5432/d");
        assert_eq!(
            url("postgresql:///d?host=/run/pg&user=u&port=1").unwrap().location,
            "postgresql:///run/pg:1/d"
        );
    }

    #[test]
    fn parts_have_the_names_of_the_reference() {
        let parts: PostgresCredentials = serde_json::from_value(serde_json::json!({
            "drivername": "postgresql", "database": "d", "username": "u", "password": "secret!", "host": "h",
            "port": 5433, "connect_timeout": 1, "client_encoding": "utf-8", "query": {"sslmode": "disable"},
        }))
        .unwrap();
        assert!(!format!("{parts:?}").contains("secret!"));
        let address = Address::new(&parts, Side::Destination).unwrap();
        assert_eq!(address.location, "postgresql://h:5433/d");
        assert_eq!(address.config.get_ssl_mode(), SslMode::Disable);
        assert!(!format!("{address:?}").contains("secret!"));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let cases = [
            ("mysql://u:hunter2@h/d", "does not begin with"),
            ("u:hunter2@h/d", "has no `://`"),
            ("postgresql://u:hunter2@h", "have no database"),
            ("postgresql://u:hunter2@/d", "have no host"),
            ("postgresql://h/d", "have no username"),
            ("postgresql://u:hunter2@h:x/d", "port that is no number"),
            ("postgresql://u:hunter2@h/d?sslmod=require", "no parameter of a Postgres connection `sslmod`"),
            ("postgresql://u:hunter2@h/d?sslmode=required", "no sslmode `required`"),
            ("postgresql://u:hunter2@h/d?client_encoding=latin1", "client_encoding cannot be"),
            ("postgresql://u:hunter2@h/d?sslcert=a", "belong together"),
        ];
        for (text, message) in cases {
            let error = url(text).unwrap_err();
            assert!(error.chain().contains(message), "{text}: {error}");
            assert!(error.hint().is_some_and(|hint| !hint.contains("hunter2")), "{text}");
            assert!(!error.chain().contains("hunter2"), "{error}");
        }
    }
}
