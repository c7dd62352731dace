//! Tokens that are fetched and hold for a while.

use serde_json::Value;
use tokio::sync::Mutex;
use windlass_core::{Code, Error, Result};

use crate::config::Secret;
use crate::env::{Clock as _, SystemClock};
use crate::sources::rest::http::{Request, Transport, masked_url};

/// A token that is fetched when it is needed, and again when it is no longer good.
#[derive(Debug, Default)]
pub(super) struct FetchedToken {
    current: Mutex<Option<Token>>,
}

#[derive(Debug)]
struct Token {
    text: Secret,
    /// Microseconds since the epoch.
    expires: i64,
}

impl FetchedToken {
    /// The token, by this request if there is none that holds. `default_seconds` is for how long it holds if the answer
    /// does not say so. Errors: no answer, or one without token.
    pub(super) async fn get(
        &self,
        request: impl FnOnce() -> Result<Request> + Send,
        default_seconds: i64,
        transport: &dyn Transport,
    ) -> Result<Secret> {
        // Held while it is fetched, so that requests that begin at once fetch one token only.
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| SystemClock.now() < token.expires) {
            return Ok(token.text.clone());
        }
        *current = None;
        let request = request()?;
        let response = transport.send(&request).await?;
        response.check_status(&request.method).map_err(|error| {
            error.with_hint("no token was given: look at the id and the secret in the `auth` block")
        })?;
        let (text, seconds) = read(response.json(), default_seconds).map_err(|error| {
            error.with_hint(format!(
                "this came from {}, which the `auth` block names",
                masked_url(&request.url)
            ))
        })?;
        let expires = SystemClock.now().saturating_add(seconds.saturating_mul(1_000_000));
        *current = Some(Token { text: text.clone(), expires });
        Ok(text)
    }

    /// Forgets the token.
    pub(super) fn forget(&self) {
        if let Ok(mut current) = self.current.try_lock() {
            *current = None;
        }
    }

    /// The token, if there is one now.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let current = self.current.try_lock();
        current.ok().and_then(|current| Some(vec![current.as_ref()?.text.clone()])).unwrap_or_default()
    }
}

/// Token and seconds that it holds.
fn read(answer: Option<&Value>, default_seconds: i64) -> Result<(Secret, i64)> {
    let answer = answer
        .ok_or_else(|| Error::of(Code::TokenRefused, "the answer to the request for a token is not JSON"))?;
    let token = match answer.get("access_token") {
        Some(Value::String(token)) if !token.is_empty() => token.as_str().into(),
        _ => {
            return Err(Error::of(
                Code::TokenRefused,
                "the answer to the request for a token has no `access_token`",
            ));
        }
    };
    let seconds = match answer.get("expires_in") {
        None | Some(Value::Null) => Some(default_seconds),
        Some(Value::Number(number)) => number.as_i64().or_else(|| Some(number.as_f64()? as i64)),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    match seconds {
        Some(seconds) => Ok((token, seconds)),
        None => Err(Error::source_failed("`expires_in` of the token is not a number of seconds")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_read() {
        let seconds = |answer: Value| {
            read(Some(&answer), 60).map(|(token, seconds)| (token.expose().to_owned(), seconds))
        };
        assert_eq!(seconds(json!({"access_token": "t"})).unwrap(), ("t".to_owned(), 60));
        assert_eq!(seconds(json!({"access_token": "t", "expires_in": "30"})).unwrap().1, 30);
        assert_eq!(seconds(json!({"access_token": "t", "expires_in": 0})).unwrap().1, 0);
        assert_eq!(seconds(json!({"access_token": "t", "expires_in": 1.5})).unwrap().1, 1);
        for wrong in [
            json!({"tok": "hidden"}),
            json!({"access_token": ""}),
            json!({"access_token": "hidden", "expires_in": "x"}),
            json!([]),
        ] {
            let error = seconds(wrong).unwrap_err();
            assert!(!error.chain().contains("hidden"), "{error}");
        }
        assert!(read(None, 1).is_err());
    }
}
