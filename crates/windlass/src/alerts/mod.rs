//! Messages about schema changes and failed runs, for people who do not look at the logs.
//!
//! A message is sent after the commit, at most once, and whatever becomes of it never changes the outcome of the run.

mod message;
#[cfg_attr(feature = "http", path = "send.rs")]
#[cfg_attr(not(feature = "http"), path = "disabled.rs")]
mod send;

use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::{Error, ErrorKind, Result};

use self::message::Message;
use self::send::send;
use crate::config::Secret;
use crate::pipeline::LoadInfo;

/// Where messages about one thing go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// URL of an incoming webhook of Slack, or of what understands its messages.
    slack_webhook: Option<Secret>,
    /// URL that takes the message as a JSON object.
    webhook: Option<Secret>,
}

/// Who is told what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerts {
    /// Told of new tables and columns.
    pub on_schema_change: Webhooks,
    /// Told of runs that failed, or that loaded only a part.
    pub on_failure: Webhooks,
}

impl Webhooks {
    /// Messages in Slack's form to this URL, and as JSON to that one.
    pub fn new(slack_webhook: Option<Secret>, webhook: Option<Secret>) -> Self {
        Self { slack_webhook, webhook }
    }

    /// Whether nobody is told.
    pub fn is_empty(&self) -> bool {
        self.slack_webhook.is_none() && self.webhook.is_none()
    }

    /// Errors: a text that is no URL of the web, a binary that cannot send; the text is not shown.
    pub fn check(&self, key: &str) -> Result<()> {
        for (name, url) in [("slack_webhook", &self.slack_webhook), ("webhook", &self.webhook)] {
            if let Some(url) = url {
                send::check(&format!("{key}.{name}"), url)?;
            }
        }
        Ok(())
    }

    /// Sends a message everywhere and gives a warning for each place that did not take it.
    async fn tell(&self, key: &str, message: &Message<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        for (name, url, body) in [
            ("slack_webhook", &self.slack_webhook, message.slack()),
            ("webhook", &self.webhook, message.json()),
        ] {
            let Some(url) = url else { continue };
            if let Err(error) = send(url, &body).await {
                let warning = format!("the message to {key}.{name} was not sent: {}", error.chain());
                tracing::warn!("{warning}");
                warnings.push(warning);
            }
        }
        warnings
    }
}

impl Alerts {
    /// Tells what a run did, as far as somebody wants to know; gives warnings about messages that nobody took.
    ///
    /// `system` begins the names of the engine's own tables, which are not worth a message.
    pub(crate) async fn tell(&self, info: &LoadInfo, error: Option<&Error>, system: &str) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.on_schema_change.is_empty()
            && let Some(message) = Message::schema_change(info, system)
        {
            warnings.extend(self.on_schema_change.tell("on_schema_change", &message).await);
        }
        // Who stopped a run knows it.
        let failure = error.filter(|error| error.kind() != ErrorKind::Cancelled);
        if !self.on_failure.is_empty()
            && let Some(error) = failure
        {
            warnings.extend(self.on_failure.tell("on_failure", &Message::failure(info, error)).await);
        }
        if !self.on_failure.is_empty()
            && error.is_none()
            && let Some(message) = Message::partial(info)
        {
            warnings.extend(self.on_failure.tell("on_failure", &message).await);
        }
        warnings
    }
}
