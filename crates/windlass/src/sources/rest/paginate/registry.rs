//! Paginators of the program that embeds this one, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};
use windlass_core::{Code, Error, Result};

use super::{Paginator, PaginatorConfig};

/// Makes a paginator from the options that stand beside its `type`. Errors: they are wrong.
pub type PaginatorFactory = Arc<dyn Fn(&Map<String, Value>) -> Result<Box<dyn Paginator>> + Send + Sync>;

static REGISTRY: RwLock<BTreeMap<String, PaginatorFactory>> = RwLock::new(BTreeMap::new());

/// Lets configurations use a paginator by a name. One that was registered under the name before is replaced.
///
/// Errors: the name is that of a paginator of the engine.
pub fn register_paginator(
    name: impl Into<String>,
    factory: impl Fn(&Map<String, Value>) -> Result<Box<dyn Paginator>> + Send + Sync + 'static,
) -> Result<()> {
    let name = name.into();
    if PaginatorConfig::NAMES.contains(&name.as_str()) {
        return Err(Error::of(Code::DuplicateName, format!("there is a paginator `{name}` already"))
            .with_detail("name", name)
            .with_hint("register it under another name"));
    }
    REGISTRY.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::new(factory));
    Ok(())
}

pub(super) fn registered(name: &str) -> Option<PaginatorFactory> {
    REGISTRY.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

pub(super) fn registered_names() -> Vec<String> {
    REGISTRY.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
}
