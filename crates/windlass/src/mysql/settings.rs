//! The parameters of an address, as the drivers of SQLAlchemy understand them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mysql_async::{ClientIdentity, Compression, Opts, OptsBuilder, SslOpts};
use serde_json::{Map, Value};
use windlass_core::sql::MYSQL;
use windlass_core::{Error, Result};

use crate::config::unknown_name;
use crate::side::Side;
use crate::sources::sql::Address;

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read: the server refuses all else.
    Read,
    /// Read and write.
    Write,
}

/// How a connection is opened.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) side: Side,
    /// For people: without user, password and parameters.
    pub(crate) location: String,
    /// The database that statements mean if they name none.
    pub(crate) database: Option<String>,
    /// How long opening a connection may take.
    pub(crate) connect_timeout: Duration,
    /// How long the next row may take; for ever if missing.
    pub(crate) read_timeout: Option<Duration>,
    /// What is run first.
    setup: Vec<String>,
    tls: Tls,
    options: OptsBuilder,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("location", &self.location).finish_non_exhaustive()
    }
}

/// What is encrypted, and what is checked of the server's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tls {
    mode: TlsMode,
    authority: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum TlsMode {
    #[default]
    Off,
    /// If the server can.
    Preferred,
    /// Encrypted, but maybe to anybody.
    Unverified,
    /// Who signed the certificate. mysql_async 0.37 looks for a name of rustls' error that it does not have any more, so
    /// that the host is verified, too.
    Chain,
    /// Who signed it, and that it is the server's.
    ChainAndHost,
}

/// Drivers wait this long for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A row may be as long as the server's own limit allows; this is the protocol's.
const MAX_PACKET: usize = 1024 * 1024 * 1024;

/// Parameters of drivers that have no meaning here: the text is always UTF-8, and what is written is up to the engine.
const WITHOUT_EFFECT: [&str; 17] = [
    "autocommit",
    "binary_prefix",
    "charset",
    "client_flag",
    "collation",
    "converter",
    "cursorclass",
    "host",
    "local_infile",
    "max_allowed_packet",
    "port",
    "program_name",
    "server_public_key",
    "ssl_cipher",
    "use_pure",
    "use_unicode",
    "write_timeout",
];

const WITH_EFFECT: [&str; 19] = [
    "compress",
    "connect_timeout",
    "connection_timeout",
    "init_command",
    "password",
    "read_timeout",
    "sql_mode",
    "ssl",
    "ssl_ca",
    "ssl_capath",
    "ssl_cert",
    "ssl_check_hostname",
    "ssl_disabled",
    "ssl_key",
    "ssl_mode",
    "ssl_verify_cert",
    "ssl_verify_identity",
    "unix_socket",
    "user",
];

impl Settings {
    /// Errors: a parameter that is unknown or has a wrong value.
    pub(crate) fn new(address: &Address, side: Side, access: Access) -> Result<Self> {
        let parameters = with_ssl_unfolded(&address.query);
        for name in parameters.keys() {
            if !WITH_EFFECT.contains(&name.as_str()) && !WITHOUT_EFFECT.contains(&name.as_str()) {
                return Err(unknown_name("parameter of a MySQL address", name, WITH_EFFECT));
            }
        }
        let parameter = |name: &str| parameters.get(name).map(String::as_str);
        let seconds = |name: &str| parameter(name).map(|text| duration(name, text)).transpose();
        let sql_mode = parameter("sql_mode").map(|mode| format!("SET sql_mode = {}", MYSQL.literal(mode)));
        let setup = sql_mode
            .into_iter()
            .chain(session(access).iter().map(|statement| (*statement).to_owned()))
            .chain(parameter("init_command").map(str::to_owned))
            .collect();
        let socket = parameter("unix_socket").map(str::to_owned);
        let options = OptsBuilder::default()
            .ip_or_hostname(address.host.clone().unwrap_or_else(|| "localhost".to_owned()))
            .tcp_port(address.port.unwrap_or(3306))
            .user(address.username.clone().or_else(|| parameter("user").map(str::to_owned)))
            .pass(
                address
                    .password
                    .as_ref()
                    .map(|password| password.expose().to_owned())
                    .or_else(|| parameter("password").map(str::to_owned)),
            )
            .db_name(address.database.clone())
            .socket(socket)
            // What the address says is what is used.
            .prefer_socket(false)
            .compression(flag("compress", parameter("compress"))?.unwrap_or(false).then(Compression::default))
            .max_allowed_packet(Some(MAX_PACKET))
            .wait_timeout(Some(28_800))
            // A server that is gone without a word is noticed.
            .tcp_keepalive(Some(Duration::from_secs(60)))
            .stmt_cache_size(1);
        Ok(Self {
            side,
            location: address.location(),
            database: address.database.clone().filter(|name| !name.is_empty()),
            connect_timeout: seconds("connect_timeout")?
                .or(seconds("connection_timeout")?)
                .unwrap_or(CONNECT_TIMEOUT),
            read_timeout: seconds("read_timeout")?,
            setup,
            tls: Tls::new(&parameter)?,
            options,
        })
    }

    /// What the client is to do, first with and then without TLS if either will do. Errors: files of certificates.
    pub(crate) fn attempts(&self) -> Result<Vec<Opts>> {
        let options = || self.options.clone().setup(self.setup.clone());
        let plain = || Opts::from(options());
        let encrypted = || Ok::<_, Error>(Opts::from(options().ssl_opts(self.tls.options()?)));
        match self.tls.mode {
            TlsMode::Off => Ok(vec![plain()]),
            TlsMode::Preferred => Ok(vec![encrypted()?, plain()]),
            _ => Ok(vec![encrypted()?]),
        }
    }
}

/// What every connection sets: texts are UTF-8 and moments UTC whatever the server's settings are, and backslashes in
/// literals mean what they mean by default.
fn session(access: Access) -> &'static [&'static str] {
    match access {
        // A read sees one moment and changes nothing; a destination that is slower than the server does not end the
        // connection.
        Access::Read => &[
            "SET NAMES utf8mb4",
            "SET time_zone = '+00:00', net_write_timeout = 86400, \
             sql_mode = REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '')",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SET SESSION TRANSACTION READ ONLY",
        ],
        // No value is changed to fit a column; a run that waits for another one's rows sees them then.
        Access::Write => &[
            "SET NAMES utf8mb4",
            "SET time_zone = '+00:00', net_read_timeout = 86400, lock_wait_timeout = 600, \
             sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "SET SESSION TRANSACTION READ WRITE",
        ],
    }
}

impl Tls {
    fn new<'a>(parameter: &impl Fn(&str) -> Option<&'a str>) -> Result<Self> {
        let is_set = |name: &str| flag(name, parameter(name));
        let file = |name: &str| parameter(name).filter(|path| !path.is_empty()).map(str::to_owned);
        let (authority, certificate, key) = (file("ssl_ca"), file("ssl_cert"), file("ssl_key"));
        if certificate.is_some() != key.is_some() {
            return Err(Error::config("`ssl_cert` and `ssl_key` need each other")
                .with_hint("name the files of the certificate and of its key"));
        }
        if file("ssl_capath").is_some() {
            return Err(Error::unsupported("`ssl_capath` is not understood")
                .with_hint("name one file with all certificates as `ssl_ca`"));
        }
        let is_named = authority.is_some() || certificate.is_some() || is_set("ssl")?.unwrap_or(false);
        let verifies = is_set("ssl_verify_cert")?;
        let verifies_host = is_set("ssl_verify_identity")?.or(is_set("ssl_check_hostname")?);
        let mode = match parameter("ssl_mode").map(str::to_ascii_uppercase).as_deref() {
            Some("DISABLED") => TlsMode::Off,
            Some("PREFERRED") => TlsMode::Preferred,
            Some("REQUIRED") => TlsMode::Unverified,
            Some("VERIFY_CA") => TlsMode::Chain,
            Some("VERIFY_IDENTITY") => TlsMode::ChainAndHost,
            Some(_) => {
                return Err(Error::config("`ssl_mode` has an unknown value")
                    .with_hint("it is one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY"));
            }
            None if is_set("ssl_disabled")? == Some(true) => TlsMode::Off,
            None if !is_named && verifies != Some(true) && verifies_host != Some(true) => TlsMode::Off,
            // Who names an authority wants the server to be checked; a name that differs has to be allowed explicitly.
            None if verifies == Some(false)
                || (authority.is_none() && verifies != Some(true) && verifies_host != Some(true)) =>
            {
                TlsMode::Unverified
            }
            None if verifies_host == Some(false) => TlsMode::Chain,
            None => TlsMode::ChainAndHost,
        };
        Ok(Self { mode, authority, certificate, key })
    }

    fn options(&self) -> Result<SslOpts> {
        // The process may have no provider of cryptography yet, and the client asks for the one of the process.
        drop(rustls::crypto::ring::default_provider().install_default());
        let is_verified = matches!(self.mode, TlsMode::Chain | TlsMode::ChainAndHost);
        let mut options = SslOpts::default()
            .with_danger_accept_invalid_certs(!is_verified)
            .with_danger_skip_domain_validation(self.mode != TlsMode::ChainAndHost);
        if is_verified {
            options = options
                .with_disable_built_in_roots(true)
                .with_root_certs(self.roots()?.into_iter().map(Into::into).collect());
        }
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            readable("ssl_cert", certificate)?;
            readable("ssl_key", key)?;
            let identity = ClientIdentity::new(PathBuf::from(certificate).into(), PathBuf::from(key).into());
            options = options.with_client_identity(Some(identity));
        }
        Ok(options)
    }

    /// The certificates that are trusted, in PEM or DER form.
    fn roots(&self) -> Result<Vec<Vec<u8>>> {
        if let Some(file) = &self.authority {
            return Ok(vec![readable("ssl_ca", file)?]);
        }
        let found = rustls_native_certs::load_native_certs().certs;
        if found.is_empty() {
            return Err(Error::config("there are no certificates to verify the server with")
                .with_hint("name a file with ssl_ca"));
        }
        Ok(found.into_iter().map(|certificate| certificate.as_ref().to_vec()).collect())
    }
}

/// The parameters, with those of a `ssl` that is an object (`{"ca": "ca.pem"}`, as `connect_args` may have it) by their
/// names in a URL.
fn with_ssl_unfolded(parameters: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut parameters = parameters.clone();
    let object = parameters.get("ssl").and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    if let Some(object) = object {
        parameters.insert("ssl".to_owned(), "true".to_owned());
        for (key, value) in object {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            parameters.entry(format!("ssl_{key}")).or_insert(text);
        }
    }
    parameters
}

/// What a file of certificates or keys holds. Errors: it cannot be read, which the client would say without its name.
fn readable(parameter: &str, file: &str) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|cause| {
        Error::config(format!("the file of {parameter} cannot be used"))
            .with_source(cause)
            .at_file(file)
            .with_hint("name a file in PEM form that windlass may read")
    })
}

fn flag(name: &str, value: Option<&str>) -> Result<Option<bool>> {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true" | "1" | "yes" | "on") => Ok(Some(true)),
        Some("false" | "0" | "no" | "off" | "") => Ok(Some(false)),
        Some(_) => {
            Err(Error::config(format!("`{name}` is neither true nor false")).with_hint("write true or false"))
        }
    }
}

fn duration(name: &str, text: &str) -> Result<Duration> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|seconds| !seconds.is_zero()).ok_or_else(|| {
        Error::config(format!("`{name}` is no number of seconds")).with_hint("write a number such as 10")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str) -> Result<TlsMode> {
        Settings::new(&Address::parse(url).unwrap(), Side::Source, Access::Read)
            .map(|settings| settings.tls.mode)
    }

    #[test]
    fn parameters_of_drivers_choose_the_encryption() {
        for (parameters, mode) in [
            ("", TlsMode::Off),
            ("?charset=utf8mb4&local_infile=0", TlsMode::Off),
            ("?ssl_ca=ca.pem", TlsMode::ChainAndHost),
            ("?ssl_ca=ca.pem&ssl_check_hostname=false", TlsMode::Chain),
            ("?ssl_ca=ca.pem&ssl_verify_cert=false", TlsMode::Unverified),
            ("?ssl=true", TlsMode::Unverified),
            ("?ssl_verify_cert=true", TlsMode::ChainAndHost),
            ("?ssl_verify_identity=true", TlsMode::ChainAndHost),
            ("?ssl_cert=c.pem&ssl_key=k.pem", TlsMode::Unverified),
            ("?ssl_mode=PREFERRED", TlsMode::Preferred),
            ("?ssl_mode=verify_ca&ssl_ca=ca.pem", TlsMode::Chain),
            ("?ssl_ca=ca.pem&ssl_disabled=true", TlsMode::Off),
        ] {
            assert_eq!(tls(&format!("mysql+pymysql://u:p@h/d{parameters}")).unwrap(), mode, "{parameters}");
        }
    }

    #[test]
    fn parameters_that_are_wrong_are_refused_with_a_remedy() {
        for (parameters, says) in [
            ("?ssl_ac=ca.pem", "ssl_ac"),
            ("?ssl_cert=c.pem", "need each other"),
            ("?ssl_mode=maybe", "ssl_mode"),
            ("?connect_timeout=soon", "connect_timeout"),
            ("?compress=perhaps", "compress"),
            ("?ssl_capath=/etc/ssl", "ssl_capath"),
        ] {
            let error = tls(&format!("mysql://u:secret@h/d{parameters}")).unwrap_err();
            assert!(error.message().contains(says) && error.hint().is_some(), "{error:?}");
            assert!(!error.chain().contains("secret"));
        }
    }

    #[test]
    fn an_object_of_ssl_means_its_parameters() {
        let mut address = Address::parse("mysql://u:p@h/d").unwrap();
        address.query.insert("ssl".to_owned(), r#"{"ca": "ca.pem", "check_hostname": false}"#.to_owned());
        let tls = Settings::new(&address, Side::Source, Access::Read).unwrap().tls;
        assert_eq!((tls.mode, tls.authority.as_deref()), (TlsMode::Chain, Some("ca.pem")));
    }

    #[test]
    fn nothing_of_the_password_is_printed() {
        let settings = Settings::new(
            &Address::parse("mysql://u:p%40ss%2Fword@h:3307/d").unwrap(),
            Side::Source,
            Access::Read,
        )
        .unwrap();
        assert_eq!(Opts::from(settings.options.clone()).pass(), Some("p@ss/word"));
        assert!(!format!("{settings:?}").contains("ss/word"));
    }
}
