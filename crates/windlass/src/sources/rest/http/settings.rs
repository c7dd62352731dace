//! What can be set about requests.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::{Error, Result};

use super::retry::RetryPolicy;

/// Settings of a client, under the reference's names where it has them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Seconds until a connection stands, and until the next bytes of an answer arrive. Default 60.
    pub request_timeout: f64,
    /// Seconds until an answer is complete. Without end by default.
    pub total_timeout: Option<f64>,
    /// Attempts of a request, the first included. Default 5.
    pub request_max_attempts: u32,
    /// Seconds before the second attempt; each further pause is twice as long. Default 1.
    pub request_backoff_factor: f64,
    /// Longest pause between attempts in seconds, also if the server asks for more. Default 300.
    pub request_max_retry_delay: f64,
    /// Part of a pause by which it may be longer at random, so that clients do not come back all at once. Default 0.1.
    pub request_backoff_jitter: f64,
    /// Whether pauses are as long as the header `Retry-After` asks for. Default true.
    pub respect_retry_after_header: bool,
    /// Statuses that are tried again. Default 429 and 500 to 599.
    pub status_codes: Option<Vec<u16>>,
    /// Requests to one host at once; fewer are made when the host has enough of them. Default 16.
    pub max_connections: usize,
    /// Longest wait in seconds for a host's count of requests to begin anew, as `X-RateLimit-Reset` says. Requests are
    /// sent without waiting if it is longer. Default 3600.
    pub rate_limit_max_wait: f64,
    /// Requests after which reading ends; what was read is loaded.
    pub max_requests: Option<u64>,
    /// Seconds after which no request is begun; what was read is loaded.
    pub max_seconds: Option<f64>,
    /// Redirects that a request follows. Default 30.
    pub max_redirects: usize,
    /// Hosts, `host:port` or scheme and host, that get credentials, headers and bodies when a link or redirect leads from
    /// the API to them. A host alone never stands for giving up TLS.
    pub send_credentials_to: Vec<String>,
    /// What servers see as `User-Agent`. Default `windlass/` and the version.
    pub user_agent: String,
    /// File of certificates (PEM) that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether credentials of `~/.netrc` or `$NETRC` are used where no others are given. Default true.
    pub netrc: bool,
    /// Whether `$HTTP_PROXY`, `$HTTPS_PROXY` and `$NO_PROXY` count. Default true.
    pub environment_proxy: bool,
    /// Bytes of a body that are held in memory; more go to a temporary file. Default 32 MiB.
    pub max_body_memory: u64,
    /// Whether errors show what the server answered. Default false.
    pub http_show_error_body: bool,
    /// Characters of it that are shown. Default 8192.
    pub http_max_error_body_length: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            request_timeout: 60.0,
            total_timeout: None,
            request_max_attempts: 5,
            request_backoff_factor: 1.0,
            request_max_retry_delay: 300.0,
            request_backoff_jitter: 0.1,
            respect_retry_after_header: true,
            status_codes: None,
            max_connections: 16,
            rate_limit_max_wait: 3600.0,
            max_requests: None,
            max_seconds: None,
            max_redirects: 30,
            send_credentials_to: Vec::new(),
            user_agent: concat!("windlass/", env!("CARGO_PKG_VERSION")).to_owned(),
            ca_file: None,
            netrc: true,
            environment_proxy: true,
            max_body_memory: 32 * 1024 * 1024,
            http_show_error_body: false,
            http_max_error_body_length: 8192,
        }
    }
}

impl HttpSettings {
    /// Errors: times that are none.
    pub fn validate(&self) -> Result<()> {
        let times = [
            ("request_timeout", Some(self.request_timeout), false),
            ("total_timeout", self.total_timeout, false),
            ("request_backoff_factor", Some(self.request_backoff_factor), true),
            ("request_max_retry_delay", Some(self.request_max_retry_delay), true),
            ("request_backoff_jitter", Some(self.request_backoff_jitter), true),
            ("rate_limit_max_wait", Some(self.rate_limit_max_wait), true),
            ("max_seconds", self.max_seconds, true),
        ];
        for (name, value, may_be_zero) in times {
            let Some(value) = value else { continue };
            if !value.is_finite() || value < 0.0 || value == 0.0 && !may_be_zero {
                return Err(Error::config(format!("`{name}`: {value} is no time in seconds")));
            }
        }
        if self.max_connections == 0 {
            return Err(Error::config("`max_connections`: there has to be one at least"));
        }
        Ok(())
    }

    pub(super) fn retry_policy(&self) -> RetryPolicy {
        let statuses = match &self.status_codes {
            Some(codes) => codes.iter().map(|code| (*code, *code)).collect(),
            None => vec![(429, 429), (500, 599)],
        };
        RetryPolicy {
            attempts: self.request_max_attempts,
            factor: self.request_backoff_factor,
            longest: self.request_max_retry_delay,
            statuses,
            respects_server: self.respect_retry_after_header,
            jitter: self.request_backoff_jitter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_times_are_refused() {
        for (name, value) in
            [("request_timeout", 0.0), ("max_seconds", -1.0), ("request_backoff_factor", -0.5)]
        {
            let settings: HttpSettings = serde_json::from_value(serde_json::json!({ name: value })).unwrap();
            assert!(settings.validate().unwrap_err().message().contains(name));
        }
        assert!(HttpSettings::default().validate().is_ok());
    }
}
