//! Everything that is wrong with a pipeline file, at once and with its place.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use windlass_core::naming::Naming;
use windlass_core::{Error, Result};

use super::pipeline_file::{Described, Overrides, PipelineFile, is_within, source_pointers, split_resource};
use crate::pipeline::RunOptions;
use crate::sources::{Exchanges, source_entry};

impl PipelineFile {
    /// Everything that is wrong with a file, in its order; the file with its settings if that is nothing.
    pub fn examine(path: &Path, env: BTreeMap<String, String>) -> Result<Self, Vec<Error>> {
        let mut loaded = Self::read(path, env, false).map_err(|error| vec![error])?;
        let mut errors = loaded.complete();
        if errors.is_empty() {
            return Ok(loaded);
        }
        errors.extend(loaded.wrong_meanings());
        Err(errors)
    }

    /// Builds everything that the file describes, and gives everything that is wrong with it.
    pub fn describe_all(&self, overrides: &Overrides) -> Result<Described, Vec<Error>> {
        let mut errors = Vec::new();
        let pipeline = self.pipeline(overrides).map_err(|error| errors.push(error)).ok();
        let mut sources = Vec::new();
        let name = self.document.value.get("pipeline").and_then(Value::as_str).unwrap_or_default();
        for pointer in source_pointers(&self.document.value) {
            let wrong = self.wrong_resources(&pointer);
            if !wrong.is_empty() {
                errors.extend(wrong);
                continue;
            }
            match self.source(&pointer, name, &overrides.exchanges) {
                Ok(source) => sources.push(source),
                Err(error) => errors.push(error),
            }
        }
        let schema_contract = self.document.value.get("schema_contract").cloned();
        match pipeline {
            Some(pipeline) if errors.is_empty() => {
                let options = RunOptions { schema_contract, ..RunOptions::default() };
                Ok(Described { pipeline, sources, options })
            }
            _ => Err(errors),
        }
    }

    /// What the parts mean whose form is right, where that of others is not.
    fn wrong_meanings(&self) -> Vec<Error> {
        let value = &self.document.value;
        let pipeline = value.get("pipeline").and_then(Value::as_str).unwrap_or_default();
        let mut errors = Vec::new();
        let pointers = source_pointers(value);
        if self.wrong.iter().any(String::is_empty) {
            return pointers.iter().flat_map(|pointer| self.wrong_resources(pointer)).collect();
        }
        let is_of_source = |wrong: &String| pointers.iter().any(|pointer| is_within(wrong, pointer));
        if self.wrong.iter().all(is_of_source) {
            errors.extend(self.pipeline(&Overrides::default()).err());
        }
        for pointer in &pointers {
            let found = self.wrong_resources(pointer);
            if found.is_empty() && !self.wrong.iter().any(|wrong| is_within(wrong, pointer)) {
                errors.extend(self.source(pointer, pipeline, &Exchanges::Live).err());
            }
            errors.extend(found);
        }
        errors
    }

    /// The resources of a source with the places of their objects.
    fn resources_of(&self, pointer: &str) -> Vec<(String, &Value)> {
        let Some(source) = self.document.value.pointer(pointer) else { return Vec::new() };
        let entry = source.get("type").and_then(Value::as_str).and_then(|kind| source_entry(kind).ok());
        let keys = entry.map_or(&[][..], |entry| entry.lists().keys);
        let lists = keys.iter().filter_map(|key| Some((key, source.get(*key)?.as_array()?)));
        let resources = lists.flat_map(|(key, list)| {
            list.iter().enumerate().map(move |(index, item)| (format!("{pointer}/{key}/{index}"), item))
        });
        resources.collect()
    }

    /// What each resource of a source means by itself, for those whose form is right.
    fn wrong_resources(&self, pointer: &str) -> Vec<Error> {
        let is_right = |place: &str| {
            let mut wrong = self.wrong.iter().filter(|wrong| !wrong.is_empty());
            !wrong.any(|wrong| is_within(wrong, place))
        };
        let resources = self.resources_of(pointer).into_iter();
        let resources = resources.filter(|(place, resource)| resource.is_object() && is_right(place));
        let meaning = |resource: &Value| -> Result<()> {
            let (resource, _) = split_resource(resource.clone())?;
            let tables = resource.hints.tables(&resource.name, &resource.name, &Naming::default());
            tables.map(drop).map_err(|error| error.at_resource(resource.name))
        };
        let wrong = |(place, resource): (String, &Value)| {
            meaning(resource).err().map(|error| error.at(self.at(&place)))
        };
        resources.filter_map(wrong).collect()
    }

    /// An error of a source with the place of the resource that it names, or of the source.
    pub(super) fn located_below(&self, error: Error, pointer: &str) -> Error {
        let name = error.place().resource.as_deref();
        let is_named = |resource: &Value| resource.get("name").unwrap_or(resource).as_str() == name;
        let resources = self.resources_of(pointer);
        let place = name.and_then(|_| resources.iter().find(|(_, resource)| is_named(resource)));
        let place = place.map_or(pointer, |(place, _)| place).to_owned();
        error.at(self.at(&place))
    }

    /// An error about the pipeline with the place of the resource that it names, or of the file.
    pub fn located(&self, error: Error) -> Error {
        let value = &self.document.value;
        let pipeline = value.get("pipeline").and_then(Value::as_str).unwrap_or_default();
        let own = error.place().source.as_deref().unwrap_or(pipeline);
        let name = |pointer: &String| value.pointer(pointer)?.get("name")?.as_str();
        let pointers = source_pointers(value);
        let is_meant = |pointer: &&String| name(pointer).unwrap_or(pipeline) == own || pointers.len() == 1;
        let meant = pointers.iter().find(is_meant).filter(|_| error.place().resource.is_some());
        match (error.place().file.is_some(), meant) {
            (true, _) => error,
            (false, Some(pointer)) => self.located_below(error, pointer),
            (false, None) => error.at_file(self.file()),
        }
    }
}
