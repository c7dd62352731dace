//! Paginators as configurations write them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use windlass_core::Result;

use super::registry::{registered, registered_names};
use super::{
    CursorOptions, HeaderCursorOptions, HeaderLinkOptions, JsonLinkOptions, OffsetOptions, PageNumberOptions,
    Paginator, SinglePage,
};
use crate::config::{choices, parse_plainly, unknown_name};

/// Which paginator, with its options: a name alone, or an object with the name as `type`.
#[derive(Clone, Debug, PartialEq)]
pub enum PaginatorConfig {
    /// Found out on the first page.
    Auto,
    /// One page.
    SinglePage,
    /// A link in the body.
    JsonLink(JsonLinkOptions),
    /// A link in the header `Link`.
    HeaderLink(HeaderLinkOptions),
    /// A cursor in a header.
    HeaderCursor(HeaderCursorOptions),
    /// A cursor in the body.
    Cursor(CursorOptions),
    /// An offset.
    Offset(OffsetOptions),
    /// A number of a page.
    PageNumber(PageNumberOptions),
    /// One of the program: its name and options.
    Custom(String, Map<String, Value>),
}

impl PaginatorConfig {
    /// The names of the engine's paginators. `json_response` is the former name of `json_link`.
    pub const NAMES: [&'static str; 9] = [
        "json_link",
        "json_response",
        "header_link",
        "header_cursor",
        "cursor",
        "offset",
        "page_number",
        "single_page",
        "auto",
    ];

    /// A paginator for one chain of pages; `None` if it is to be found out on the first page.
    ///
    /// Errors: options that contradict each other, a path that is none.
    pub fn build(&self) -> Result<Option<Box<dyn Paginator>>> {
        Ok(Some(match self {
            Self::Auto => return Ok(None),
            Self::SinglePage => Box::new(SinglePage::default()),
            Self::JsonLink(options) => options.build()?,
            Self::HeaderLink(options) => options.build(),
            Self::HeaderCursor(options) => options.build(),
            Self::Cursor(options) => options.build()?,
            Self::Offset(options) => options.build()?,
            Self::PageNumber(options) => options.build()?,
            Self::Custom(name, options) => match registered(name) {
                Some(factory) => factory(options)?,
                None => return Err(unknown_name("paginator", name, Self::NAMES)),
            },
        }))
    }

    /// The name of its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Auto => "auto",
            Self::SinglePage => "single_page",
            Self::JsonLink(_) => "json_link",
            Self::HeaderLink(_) => "header_link",
            Self::HeaderCursor(_) => "header_cursor",
            Self::Cursor(_) => "cursor",
            Self::Offset(_) => "offset",
            Self::PageNumber(_) => "page_number",
            Self::Custom(name, _) => name,
        }
    }

    /// Reads a configuration. Errors: an unknown name or option.
    pub fn parse(value: Value) -> Result<Self> {
        parse_plainly("paginator", value)
    }

    /// The options beside the type.
    fn options(&self) -> Value {
        let options = match self {
            Self::Auto | Self::SinglePage => Ok(json!({})),
            Self::JsonLink(options) => serde_json::to_value(options),
            Self::HeaderLink(options) => serde_json::to_value(options),
            Self::HeaderCursor(options) => serde_json::to_value(options),
            Self::Cursor(options) => serde_json::to_value(options),
            Self::Offset(options) => serde_json::to_value(options),
            Self::PageNumber(options) => serde_json::to_value(options),
            Self::Custom(_, options) => Ok(Value::Object(options.clone())),
        };
        options.unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for PaginatorConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, options) = match Value::deserialize(deserializer)? {
            Value::String(name) => (name, Map::new()),
            Value::Object(mut members) => match members.shift_remove("type") {
                Some(Value::String(name)) => (name, members),
                Some(_) => return Err(D::Error::custom("`type` of a paginator must be a text")),
                None => return Err(D::Error::custom("`type` of a paginator is missing")),
            },
            _ => return Err(D::Error::custom("a paginator is a name, or an object with a `type`")),
        };
        fn read<T: DeserializeOwned, E: serde::de::Error>(options: Map<String, Value>) -> Result<T, E> {
            T::deserialize(Value::Object(options)).map_err(E::custom)
        }
        /// Has no options.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        match name.as_str() {
            "auto" => read(options).map(|Nothing {}| Self::Auto),
            "single_page" => read(options).map(|Nothing {}| Self::SinglePage),
            "json_link" | "json_response" => read(options).map(Self::JsonLink),
            "header_link" => read(options).map(Self::HeaderLink),
            "header_cursor" => read(options).map(Self::HeaderCursor),
            "cursor" => read(options).map(Self::Cursor),
            "offset" => read(options).map(Self::Offset),
            "page_number" => read(options).map(Self::PageNumber),
            _ if registered(&name).is_some() => Ok(Self::Custom(name, options)),
            _ => {
                let help = choices(&name, Self::NAMES);
                Err(D::Error::custom(format!("there is no paginator `{name}`: {help}")))
            }
        }
    }
}

impl Serialize for PaginatorConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = Map::new();
        members.insert("type".to_owned(), self.name().into());
        if let Value::Object(options) = self.options() {
            members.extend(options);
        }
        members.serialize(serializer)
    }
}

impl JsonSchema for PaginatorConfig {
    fn schema_name() -> Cow<'static, str> {
        "Paginator".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut names: Vec<String> = Self::NAMES.iter().map(|name| (*name).to_owned()).collect();
        names.extend(registered_names());
        let mut variants = vec![json!({"type": "string", "enum": names})];
        let mut add = |name: &str, schema: Schema| {
            let mut schema = schema.to_value();
            if let Value::Object(schema) = &mut schema {
                let tag = json!({"type": "string", "const": name});
                match schema.get_mut("properties").and_then(Value::as_object_mut) {
                    Some(properties) => {
                        properties.shift_insert(0, "type".to_owned(), tag);
                    }
                    None => {
                        schema.insert("properties".to_owned(), json!({"type": tag}));
                    }
                }
                let required = schema.entry("required").or_insert_with(|| json!([]));
                if let Value::Array(required) = required {
                    required.insert(0, "type".into());
                }
            }
            variants.push(schema);
        };
        let none = || json_schema!({"type": "object", "additionalProperties": false});
        add("json_link", JsonLinkOptions::json_schema(generator));
        add("json_response", JsonLinkOptions::json_schema(generator));
        add("header_link", HeaderLinkOptions::json_schema(generator));
        add("header_cursor", HeaderCursorOptions::json_schema(generator));
        add("cursor", CursorOptions::json_schema(generator));
        add("offset", OffsetOptions::json_schema(generator));
        add("page_number", PageNumberOptions::json_schema(generator));
        add("single_page", none());
        add("auto", none());
        for name in registered_names() {
            add(&name, json_schema!({"type": "object"}));
        }
        json_schema!({
            "description": "How one page leads to the next: a name, or an object with the name as `type`.",
            "anyOf": variants
        })
    }
}
