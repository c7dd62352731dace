//! Where a request carries a cursor or number: a parameter of its query, or a member of its JSON body.

use serde_json::{Map, Value};
use windlass_core::{Error, Result};

use crate::sources::rest::http::{Request, RequestBody};

/// A place in a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// A parameter of the query.
    Param(String),
    /// Names of members, one in the other; not a JSONPath.
    Body(Vec<String>),
}

impl Place {
    /// The place that two options name, of which one must be left out or empty.
    ///
    /// `default` is the parameter if neither is given. Errors: both are given, or both are empty.
    pub(super) fn new(
        (param_option, param): (&str, Option<&str>),
        (body_option, body): (&str, Option<&str>),
        default: &str,
    ) -> Result<Self> {
        let body = body.filter(|body| !body.is_empty());
        match (param, body) {
            (None, None) => Ok(Self::Param(default.to_owned())),
            (Some(param), None) if !param.is_empty() => Ok(Self::Param(param.to_owned())),
            (None | Some(""), Some(body)) => Ok(Self::Body(body.split('.').map(str::to_owned).collect())),
            _ => Err(Error::config(format!(
                "either '{param_option}' or '{body_option}' must be provided, not both"
            ))
            .with_hint(format!(
                "`{param_option}` is a parameter of the URL, `{body_option}` a member of the JSON body"
            ))),
        }
    }

    /// Writes a value there. Members on the way are made. Errors: the body is not a JSON object.
    pub(super) fn write(&self, request: &mut Request, value: Value) -> Result<()> {
        let keys = match self {
            Self::Param(name) => {
                request.params.insert(name.clone(), value);
                return Ok(());
            }
            Self::Body(keys) => keys,
        };
        let wrong = || {
            Error::config(format!("`{}` cannot be written into the body of the request", keys.join(".")))
                .with_hint("give the endpoint a `json` object as its body, and no `data`")
        };
        if matches!(request.body, RequestBody::Empty | RequestBody::Json(Value::Null)) {
            request.body = RequestBody::Json(Value::Object(Map::new()));
        }
        let RequestBody::Json(body) = &mut request.body else { return Err(wrong()) };
        let mut at = body;
        for key in keys {
            if at.is_null() {
                *at = Value::Object(Map::new());
            }
            let Value::Object(members) = at else { return Err(wrong()) };
            at = members.entry(key.as_str()).or_insert(Value::Null);
        }
        *at = value;
        Ok(())
    }
}
