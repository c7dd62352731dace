//! What is done with answers besides taking their records.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use memchr::memmem;
use windlass_core::{Error, Result};

use super::http::{Response, Settles};

/// What is done with an answer that matches.
#[derive(Clone, Debug, Default)]
pub struct ResponseAction {
    /// The status that it is for; any if there is none.
    pub status_code: Option<i64>,
    /// What the body has to contain; anything if there is none.
    pub content: Option<String>,
    /// What is done.
    pub action: Action,
}

/// What is done with an answer.
#[derive(Clone, Default)]
pub enum Action {
    /// Nothing.
    #[default]
    Nothing,
    /// The pages end quietly, and nothing is read from this answer. Needs a condition to be done.
    Ignore,
    /// Code of the program, in order. Without condition it is run for every answer.
    Hooks(Vec<Arc<dyn ResponseHook>>),
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Ignore => f.write_str("Ignore"),
            Self::Hooks(hooks) => write!(f, "Hooks({})", hooks.len()),
        }
    }
}

/// Code that sees each answer before its records are taken.
pub trait ResponseHook: Send + Sync {
    /// Looks at the answer, and may replace it. Errors: reading ends with it.
    fn on_response(&self, response: &mut Response) -> Result<Verdict>;
}

/// What a hook says of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on with it.
    Continue,
    /// End the pages quietly, and read nothing from this answer.
    Ignore,
}

impl ResponseAction {
    fn matches(&self, response: &Response) -> Result<bool> {
        let has_status = self.status_code.is_none_or(|status| status == i64::from(response.status));
        match &self.content {
            Some(content) if has_status => contains(response, content.as_bytes())
                .map_err(|cause| Error::source_failed("the body cannot be read").with_source(cause)),
            _ => Ok(has_status),
        }
    }

    fn is_conditional(&self) -> bool {
        self.status_code.is_some() || self.content.is_some()
    }
}

/// Runs the actions for an answer, in order. Errors: those of hooks; a body that cannot be read.
pub(super) fn run(actions: &[ResponseAction], response: &mut Response) -> Result<Verdict> {
    for action in actions {
        match &action.action {
            Action::Nothing => {}
            Action::Ignore => {
                if action.is_conditional() && action.matches(response)? {
                    return Ok(Verdict::Ignore);
                }
            }
            Action::Hooks(hooks) => {
                if !action.matches(response)? {
                    continue;
                }
                for hook in hooks {
                    if hook.on_response(response)? == Verdict::Ignore {
                        return Ok(Verdict::Ignore);
                    }
                }
            }
        }
    }
    Ok(Verdict::Continue)
}

/// Tells the transport which answers it need not try to better.
pub(super) fn settles(actions: &[ResponseAction]) -> Option<Settles> {
    let ignoring: Vec<ResponseAction> = actions
        .iter()
        .filter(|action| matches!(action.action, Action::Ignore) && action.is_conditional())
        .cloned()
        .collect();
    if ignoring.is_empty() {
        return None;
    }
    Some(Arc::new(move |response| ignoring.iter().any(|action| action.matches(response).unwrap_or(false))))
}

fn contains(response: &Response, wanted: &[u8]) -> io::Result<bool> {
    let Some(spooled) = &response.spooled else {
        return Ok(memmem::find(&response.body, wanted).is_some());
    };
    let mut file = spooled.open()?;
    let mut window = Vec::new();
    loop {
        // The end of the window before may be the beginning of what is looked for.
        let kept = window.len().min(wanted.len().saturating_sub(1));
        window.drain(..window.len() - kept);
        let read = file.by_ref().take(1 << 20).read_to_end(&mut window)?;
        if memmem::find(&window, wanted).is_some() {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
    }
}
