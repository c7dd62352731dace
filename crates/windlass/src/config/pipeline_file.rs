//! The pipeline file: YAML or TOML that names a pipeline, its sources and its destination.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use windlass_core::document::{Document, DocumentFormat};
use windlass_core::hints::ResourceHints;
use windlass_core::schema::default_schema_name;
use windlass_core::{At, Error, Result, masking};

use super::check::{Problem, check, coerce_text};
use super::document_schema::{resource_keys, schema};
use super::fill::Scope;
use super::folders::pipelines_dir;
use super::interpolate::{interpolate, parse_env_file, secret_variables};
use super::layers::{Found, Layers};
use super::parse_options;
use super::resource::ResourceOptions;
use super::secret::Secret;
use super::settings::Settings;
use super::unused::unused_keys;
use crate::destinations::{BuildContext, destination_entry};
use crate::env::Env;
use crate::files::read_to_string;
use crate::pipeline::{Pipeline, RunOptions, check_name};
use crate::source::{Resource, Source, SourceSettings};
use crate::sources::{Exchanges, Places, SOURCES, SourceParts, source_entry};

/// What the command line says in place of the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Name of the dataset.
    pub dataset: Option<String>,
    /// Whether to load into a new dataset.
    pub dev_mode: bool,
    /// Bytes of memory that the run takes at most.
    pub max_memory: Option<u64>,
    /// Worker threads.
    pub workers: Option<usize>,
    /// Where the answers to the requests of the sources come from.
    pub exchanges: Exchanges,
}

/// What stands in for secrets of a source that is read from a recording.
const STAND_IN: &str = "***";

/// A pipeline file, checked and with everything filled in.
#[derive(Debug)]
pub struct PipelineFile {
    folder: PathBuf,
    pub(super) document: Document,
    file: String,
    pub(super) layers: Layers,
    /// Whether no server sees the secrets of the sources, so that they need not be known.
    is_offline: bool,
    /// Secrets that came from variables.
    secrets: Vec<Secret>,
    /// JSON pointers of what is wrong.
    pub(super) wrong: Vec<String>,
}

/// Everything that a pipeline file describes.
#[derive(Debug)]
pub struct Described {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Its sources, in order.
    pub sources: Vec<Box<dyn Source>>,
    /// What holds for its runs.
    pub options: RunOptions,
}

impl std::fmt::Debug for dyn Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl PipelineFile {
    /// Reads a file, fills in variables and settings and checks every key.
    ///
    /// `env` is the environment; a `.env` beside the file adds to it. Errors: the first thing that is wrong, with its
    /// place in the file.
    pub fn load(path: &Path, env: BTreeMap<String, String>) -> Result<Self> {
        Self::load_with(path, env, false)
    }

    /// The same where no server sees the secrets of the sources, such as in a run from a recording: those that are not
    /// set are made up.
    pub fn load_offline(path: &Path, env: BTreeMap<String, String>) -> Result<Self> {
        Self::load_with(path, env, true)
    }

    fn load_with(path: &Path, env: BTreeMap<String, String>, is_offline: bool) -> Result<Self> {
        let mut loaded = Self::read(path, env, is_offline)?;
        match loaded.complete().into_iter().next() {
            Some(error) => Err(error),
            None => Ok(loaded),
        }
    }

    /// Reads file and settings, and fills in nothing yet.
    pub(super) fn read(path: &Path, env: BTreeMap<String, String>, is_offline: bool) -> Result<Self> {
        let file = path.display().to_string();
        let text = read_to_string(path).map_err(|error| match path.exists() {
            true => error,
            false => Error::config(format!("there is no pipeline file {file}"))
                .with_hint("`windlass init SOURCE DESTINATION` writes one"),
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let mut env = env;
        if let Ok(text) = std::fs::read_to_string(folder.join(".env")) {
            for (name, value) in parse_env_file(&text) {
                env.entry(name).or_insert(value);
            }
        }
        let layers = Layers::of_project(env, &folder)?;
        let document = Document::parse(&text, DocumentFormat::of_path(&file), &file)?;
        Ok(Self { folder, document, file, layers, is_offline, secrets: Vec::new(), wrong: Vec::new() })
    }

    /// What the user should know of the files of settings: keys that mean nothing.
    pub fn warnings(&self) -> Vec<String> {
        let value = &self.document.value;
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let own = text("/destination/name").or_else(|| text("/destination/type"));
        unused_keys(&self.layers, schema(), text("/pipeline").unwrap_or_default(), own.unwrap_or_default())
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn at(&self, pointer: &str) -> At {
        place_in(&self.document, &self.file, pointer)
    }

    fn problem(&self, problem: Problem) -> Error {
        let path = problem.pointer.trim_start_matches('/').replace('/', ".");
        let message =
            if path.is_empty() { problem.message } else { format!("`{path}`: {}", problem.message) };
        let error = Error::config(message).at(self.at(&problem.pointer));
        let general = || "`windlass json-schema` prints what stands where".to_owned();
        error.with_hint(problem.hint.unwrap_or_else(general))
    }

    /// Variables, then settings of the layers, then the check. Gives everything that is wrong, in that order.
    pub(super) fn complete(&mut self) -> Vec<Error> {
        let mut value = std::mem::take(&mut self.document.value);
        let before = value.clone();
        let layers = self.layers.clone();
        let secrets =
            secret_variables(&value).into_iter().filter_map(|name| layers.env(&name).map(Secret::from));
        self.secrets = secrets.filter(|secret| !secret.expose().is_empty()).collect();
        let stand_in = |pointer: &str| {
            let is_of_source = pointer.starts_with("/source/") || pointer.starts_with("/sources/");
            (self.is_offline && is_of_source).then_some(STAND_IN)
        };
        let unset = interpolate(&mut value, &|name| layers.env(name).map(str::to_owned), &stand_in);
        masking::learn_settings(&value);
        // Places of which enough is said.
        let mut told: Vec<String> = unset.iter().map(|problem| problem.pointer.clone()).collect();
        let mut errors: Vec<Error> = unset.into_iter().map(|problem| self.problem(problem)).collect();
        if !value.is_object() {
            let error = Error::config("a pipeline file is an object with the key `pipeline`");
            errors.push(error.at(self.at("")));
            return errors;
        }
        let pipeline = value.get("pipeline").and_then(Value::as_str).unwrap_or_default().to_owned();
        for (pointer, error) in self.known_types(&mut value, &pipeline) {
            told.push(pointer);
            errors.push(error);
        }
        let schema = schema();
        let filled = self.fill_sections(schema, &mut value, &pipeline);
        let unfilled = filled.iter().map(|(pointer, _)| pointer.clone()).collect::<Vec<_>>();
        errors.extend(filled.into_iter().map(|(_, error)| error));
        let mut problems = check(schema, &value);
        problems.extend(needed_of_destination(&value));
        if !self.is_offline {
            problems.extend(needed_of_sources(&value));
        }
        problems.retain(|problem| !told.iter().any(|pointer| is_within(&problem.pointer, pointer)));
        // What a variable brought is text; where something else belongs it is read as that.
        problems.retain(|problem| {
            let filled = before.pointer(&problem.pointer) != value.pointer(&problem.pointer);
            let text = value.pointer(&problem.pointer).and_then(Value::as_str).filter(|_| filled);
            let kinds = json!({ "type": ["boolean", "integer", "number"] });
            let coerced = text.and_then(|text| coerce_text(&kinds, &kinds, text));
            match (coerced, value.pointer_mut(&problem.pointer)) {
                (Some(coerced), Some(place)) => {
                    *place = coerced;
                    false
                }
                _ => true,
            }
        });
        if problems.is_empty() && errors.is_empty() {
            problems = check(schema, &value);
        }
        told.extend(problems.iter().map(|problem| problem.pointer.clone()).chain(unfilled));
        let problems = problems.into_iter().map(|problem| self.with_places(problem, &value, &pipeline));
        errors.extend(problems.map(|problem| self.problem(problem)).collect::<Vec<_>>());
        self.document.value = value;
        self.wrong = told;
        errors
    }

    /// Says where a missing option of the destination or of a source was looked for.
    fn with_places(&self, mut problem: Problem, value: &Value, pipeline: &str) -> Problem {
        let missing = problem.message.strip_prefix('`').and_then(|text| text.strip_suffix("` is missing"));
        let place = problem.pointer.as_str();
        let (Some(key), Some(map)) = (missing, value.pointer(place).and_then(Value::as_object)) else {
            return problem;
        };
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let sections = if place == "/destination" {
            vec!["destination", text("name").or(text("type")).unwrap_or_default()]
        } else if source_pointers(value).iter().any(|pointer| pointer == place)
            && let Some(entry) = text("type").and_then(|kind| source_entry(kind).ok())
            && !entry.lists().keys.contains(&key)
        {
            ["sources", entry.name].into_iter().chain(text("name")).collect()
        } else {
            return problem;
        };
        if key != "type" {
            let places = self.layers.places(pipeline, &sections, &[key]);
            problem.hint = Some(format!("set it in the file, or in one of these: {}", places.join("; ")));
        }
        problem
    }

    /// Destination and sources as objects with a `type` that exists; gives those that have none, and where they stand.
    fn known_types(&self, value: &mut Value, pipeline: &str) -> Vec<(String, Error)> {
        let mut errors = Vec::new();
        if let Some(name) = value.get("destination").and_then(Value::as_str) {
            value["destination"] = json!({ "type": name });
        }
        let located = |error: Error, pointer: &str| error.at(self.at(pointer));
        if let Some(name) = value.pointer("/destination/type").and_then(Value::as_str).map(str::to_owned)
            && let Err(error) = destination_entry(&name)
        {
            // A name of its own, whose kind stands in the settings.
            let found = self.layers.get(pipeline, &["destination", &name], &["destination_type"]);
            let entry = match found {
                Some(Found::Text(text)) => destination_entry(&text),
                Some(Found::Value(Value::String(text))) => destination_entry(text),
                _ => Err(error),
            };
            match entry {
                Ok(entry) => {
                    value["destination"]["type"] = entry.name.into();
                    value["destination"]["name"] = name.into();
                }
                Err(error) => errors.push(("/destination".to_owned(), located(error, "/destination/type"))),
            }
        }
        for pointer in source_pointers(value) {
            let kind = value.pointer(&format!("{pointer}/type")).and_then(Value::as_str);
            if let Some(error) = kind.and_then(|kind| source_entry(kind).err()) {
                let error = located(error, &format!("{pointer}/type"));
                errors.push((pointer, error));
            }
        }
        errors
    }

    /// Fills in what the settings say. Gives what is wrong with them, and credentials that are nowhere, with their
    /// places.
    fn fill_sections(&self, schema: &Value, value: &mut Value, pipeline: &str) -> Vec<(String, Error)> {
        let mut missing = Vec::new();
        let filled = self.fill_from_layers(schema, value, pipeline, &mut missing);
        let missing = missing.into_iter().map(|problem| (problem.pointer.clone(), self.problem(problem)));
        // A setting that cannot be read leaves the others unfilled, wherever they belong.
        filled.err().into_iter().map(|error| (String::new(), error)).chain(missing).collect()
    }

    fn fill_from_layers(
        &self,
        schema: &Value,
        value: &mut Value,
        pipeline: &str,
        unset: &mut Vec<Problem>,
    ) -> Result<()> {
        let fill = |sections: &[&str], definition: &Value, map: &mut Map<String, Value>| {
            Scope { layers: &self.layers, pipeline, sections }.fill(schema, definition, map)
        };
        let definition = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
        let Some(root) = value.as_object_mut() else { return Ok(()) };
        // The keys of the pipeline itself stand at the top of the file.
        fill(&["pipelines", pipeline], &definition("PipelineSection"), root)?;
        for (key, name) in [
            ("extract", "ExtractSection"),
            ("normalize", "NormalizeSection"),
            ("load", "LoadSection"),
            ("schema", "SchemaSection"),
        ] {
            if let Value::Object(section) = root.entry(key).or_insert_with(|| json!({})) {
                fill(&[key], &definition(name), section)?;
            }
        }
        if let Some(Value::Object(destination)) = root.get_mut("destination") {
            let kind = text_of(destination, "type");
            let name = destination.get("name").and_then(Value::as_str).unwrap_or(&kind).to_owned();
            let options = without(schema, &format!("destination:{kind}"), &["type", "name"]);
            fill(&["destination", &name], &options, destination)?;
        }
        for pointer in source_pointers(value) {
            let Some(Value::Object(source)) = value.pointer_mut(&pointer) else { continue };
            let (kind, name) = (text_of(source, "type"), text_of(source, "name"));
            let lists = source_entry(&kind).map_or(&[][..], |entry| entry.lists().keys);
            let of_file = [&["type", "name"][..], lists].concat();
            let options = without(schema, &format!("source:{kind}"), &of_file);
            let sections = ["sources", &kind, &name];
            fill(if name.is_empty() { &sections[..2] } else { &sections }, &options, source)?;
            if let Some(forms) = source_entry(&kind).ok().and_then(|entry| entry.forms) {
                if forms.lists.may_be_left_out {
                    let options = without(schema, &format!("resource:{kind}"), &["name"]);
                    with_sections(source, lists, |name, map| fill(&["sources", &kind, name], &options, map))?;
                }
                let sections = credential_sections(&kind, &name);
                let missing = (forms.credentials)(source, &|key| match self.layers.get(
                    pipeline,
                    &sections,
                    &["credentials", key],
                )? {
                    Found::Text(text) => Some(Value::from(&*text)),
                    Found::Value(value) => Some(value.clone()),
                });
                let problem = |(block, key): (String, &str)| {
                    let places = self.layers.places(pipeline, &sections, &["credentials", key]).join("; ");
                    let message = format!("`{key}` is missing");
                    let hint = Some(format!("set it in the file, or in one of these: {places}"));
                    Problem { pointer: format!("{pointer}{block}"), message, hint }
                };
                unset.extend(missing.into_iter().map(problem));
            }
        }
        Ok(())
    }

    /// Builds everything that the file describes. Errors: options that contradict each other.
    pub fn describe(&self, overrides: &Overrides) -> Result<Described> {
        let pipeline = self.pipeline(overrides)?;
        let sources = self.sources(pipeline.name(), &overrides.exchanges)?;
        let schema_contract = self.document.value.get("schema_contract").cloned();
        Ok(Described { pipeline, sources, options: RunOptions { schema_contract, ..RunOptions::default() } })
    }

    /// Builds the pipeline alone. Errors: options that contradict each other.
    pub fn pipeline(&self, overrides: &Overrides) -> Result<Pipeline> {
        let value = &self.document.value;
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let name = text("/pipeline").unwrap_or_default();
        check_name(&name).map_err(|error| error.at(self.at("/pipeline")))?;
        let settings = self.settings()?;
        let mut pipeline_settings = settings.pipeline_settings().map_err(|e| e.at(self.at("")))?;
        let alerts = settings.alerts().map_err(|error| error.at(self.at("")))?;
        if let Some(bytes) = overrides.max_memory {
            pipeline_settings.max_memory = bytes;
        }
        if let Some(workers) = overrides.workers {
            pipeline_settings.extract.workers = workers.max(1);
        }
        for path in [&mut pipeline_settings.import_schema_path, &mut pipeline_settings.export_schema_path] {
            *path = path.take().map(|path| self.folder.join(path));
        }
        let pipelines_dir = match &settings.pipeline.pipelines_dir {
            Some(folder) => self.folder.join(folder),
            None => pipelines_dir(self.layers.folders())?,
        };
        // A working folder may outlive the current folder, so places are named in full.
        let folder =
            std::path::absolute(Path::new(".").join(&self.folder)).unwrap_or_else(|_| self.folder.clone());
        let context = BuildContext { folder, pipeline: name.clone(), work_dir: pipelines_dir.join(&name) };
        let destination = self.destination(&context)?;
        let mut dataset = overrides.dataset.clone().or_else(|| text("/dataset"));
        if let Some(layout) = &settings.pipeline.dataset_name_layout {
            if !layout.contains("%s") {
                return Err(Error::config("`dataset_name_layout` has no `%s` for the name of the dataset")
                    .at(self.at("/dataset_name_layout")));
            }
            let given = dataset.unwrap_or_else(|| format!("{name}_dataset"));
            dataset = Some(layout.replace("%s", &given));
        }
        let dev_mode = settings.pipeline.dev_mode || overrides.dev_mode;
        let env = Env::default();
        if dev_mode {
            let given = dataset.unwrap_or_else(|| format!("{name}_dataset"));
            dataset = Some(format!("{given}_{}", env.stamp()));
        }
        let mut pipeline = Pipeline::new(name, destination, pipelines_dir)?
            .settings(pipeline_settings)
            .env(env)
            .dev_mode(dev_mode)
            .alerts(alerts)
            .notes(self.warnings())
            .relative_to(&self.folder);
        if let Some(dataset) = dataset {
            pipeline = pipeline.dataset(dataset);
        }
        Ok(pipeline)
    }

    fn sources(&self, pipeline: &str, exchanges: &Exchanges) -> Result<Vec<Box<dyn Source>>> {
        let pointers = source_pointers(&self.document.value);
        self.check_exchanges(exchanges, &pointers)?;
        pointers.iter().map(|pointer| self.source(pointer, pipeline, exchanges)).collect()
    }

    fn settings(&self) -> Result<Settings> {
        let mut sections = Map::new();
        let mut own = Map::new();
        for (key, value) in self.document.value.as_object().into_iter().flatten() {
            match key.as_str() {
                "extract" | "normalize" | "load" | "schema" => {
                    drop(sections.insert(key.clone(), value.clone()));
                }
                "pipeline" | "dataset" | "destination" | "source" | "sources" | "schema_contract" => {}
                _ => drop(own.insert(key.clone(), value.clone())),
            }
        }
        sections.insert("pipeline".to_owned(), Value::Object(own));
        parse_options("settings", Value::Object(sections)).map_err(|error| error.at(self.at("")))
    }

    fn destination(
        &self,
        context: &BuildContext,
    ) -> Result<std::sync::Arc<dyn crate::destination::Destination>> {
        let mut options = self.document.value.get("destination").cloned().unwrap_or_default();
        let kind = options.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Value::Object(options) = &mut options {
            options.shift_remove("type");
            options.shift_remove("name");
        }
        let entry = destination_entry(&kind)?;
        (entry.build)(options, context).map_err(|error| error.at(self.at("/destination")))
    }

    fn has_exchanges(&self, pointer: &str) -> bool {
        let kind = self.document.value.pointer(&format!("{pointer}/type")).and_then(Value::as_str);
        kind.and_then(|kind| source_entry(kind).ok()).is_some_and(|entry| entry.has_exchanges)
    }

    /// Errors: requests are to be recorded or replayed, and no source makes any.
    fn check_exchanges(&self, exchanges: &Exchanges, pointers: &[String]) -> Result<()> {
        if *exchanges == Exchanges::Live || pointers.iter().any(|pointer| self.has_exchanges(pointer)) {
            return Ok(());
        }
        let kinds = SOURCES.iter().filter(|entry| entry.has_exchanges).map(|entry| entry.name);
        let place = pointers.first().map_or("", String::as_str);
        Err(Error::config(
            "no source of this pipeline asks a server, so there is nothing to record or replay",
        )
        .with_hint(format!("sources that do are of the type {}", kinds.collect::<Vec<_>>().join(", ")))
        .at(self.at(place)))
    }

    /// Builds one source. Errors: options that are wrong, with the place of the resource or of the source.
    pub(super) fn source(
        &self,
        pointer: &str,
        pipeline: &str,
        exchanges: &Exchanges,
    ) -> Result<Box<dyn Source>> {
        self.build_source(pointer, pipeline, exchanges).map_err(|error| self.located_below(error, pointer))
    }

    fn build_source(&self, pointer: &str, pipeline: &str, exchanges: &Exchanges) -> Result<Box<dyn Source>> {
        let Some(Value::Object(mut options)) = self.document.value.pointer(pointer).cloned() else {
            return Err(Error::config("a source is not an object"));
        };
        let mut take = |key: &str| options.shift_remove(key);
        let kind = take("type");
        let entry = source_entry(kind.as_ref().and_then(Value::as_str).unwrap_or_default())?;
        let name = match take("name").as_ref().and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => default_schema_name(pipeline)?,
        };
        let settings = SourceSettings {
            schema_contract: take("schema_contract"),
            max_table_nesting: take("max_table_nesting").as_ref().and_then(Value::as_i64),
            root_key: take("root_key").as_ref().and_then(Value::as_bool),
        };
        let lists = entry.lists();
        let mut found = lists.keys.iter().filter_map(|key| Some((*key, take(key)?)));
        let (key, list) = match (found.next(), found.next()) {
            (Some((key, Value::Array(list))), None) => (key, list),
            (None, _) if lists.may_be_left_out => ("resources", Vec::new()),
            (Some(_), Some((other, _))) => {
                return Err(Error::config(format!("`{other}` is one list of the resources too many"))
                    .with_hint("the keys mean the same; use one of them"));
            }
            _ => {
                return Err(Error::config("`resources` is missing").with_hint("list at least one resource"));
            }
        };
        let list = match entry.forms {
            Some(forms) => (forms.complete)(&mut options, list),
            None => list,
        };
        let mut resources: Vec<(Resource, Value)> = Vec::new();
        for (index, resource) in list.into_iter().enumerate() {
            let at = |error: Error| error.at(self.at(&format!("{pointer}/{key}/{index}")));
            let (resource, own) = split_resource(resource).map_err(at)?;
            if resource.incremental.as_ref().is_some_and(|options| options.guard.is_some())
                && !entry.forms.is_some_and(|forms| forms.has_guard)
            {
                let error = Error::config(format!("a cursor of a {} source has no `guard`", entry.name));
                return Err(at(error.with_hint("use `lag`, and merge the rows that are loaded again")));
            }
            if resources.iter().any(|(other, _)| other.name == resource.name) {
                let error = Error::config(format!("two resources have the name `{}`", resource.name));
                return Err(at(
                    error.with_hint("every resource has a name of its own; table_name may be the same")
                ));
            }
            resources.push((resource, own));
        }
        // One recording of several sources would not tell their requests apart: only paths are compared.
        let recorded = source_pointers(&self.document.value);
        let exchanges = match recorded.iter().filter(|pointer| self.has_exchanges(pointer)).count() {
            0 | 1 => exchanges.clone(),
            _ => exchanges.below(&name),
        };
        let (document, file, below) = (self.document.clone(), self.file.clone(), pointer.to_owned());
        let places = Places::new(move |pointer| place_in(&document, &file, &format!("{below}{pointer}")));
        (entry.build)(SourceParts {
            name,
            settings,
            options: Value::Object(options),
            resources,
            places,
            exchanges,
            secrets: self.secrets.clone(),
        })
    }
}

/// Whether a JSON pointer leads to a place, or to one below it.
pub(super) fn is_within(pointer: &str, place: &str) -> bool {
    pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the sources cannot do without and nobody has said.
fn needed_of_sources(value: &Value) -> Vec<Problem> {
    let needed = source_pointers(value).into_iter().filter_map(|pointer| {
        let source = value.pointer(&pointer)?.as_object()?;
        let entry = source_entry(source.get("type")?.as_str()?).ok()?;
        lacks(&pointer, source, entry.needed)
    });
    needed.collect()
}

/// What the destination cannot do without and nobody has said.
fn needed_of_destination(value: &Value) -> Option<Problem> {
    let destination = value.get("destination")?.as_object()?;
    let entry = destination_entry(destination.get("type")?.as_str()?).ok()?;
    lacks("/destination", destination, entry.needed)
}

/// What is wrong with options that lack the key that is needed.
fn lacks(pointer: &str, options: &Map<String, Value>, needed: Option<&str>) -> Option<Problem> {
    let key = needed.filter(|key| options.get(*key).is_none_or(Value::is_null))?;
    Some(Problem { pointer: pointer.to_owned(), message: format!("`{key}` is missing"), hint: None })
}

/// Fills in the settings of each table that is named, which have a section of their own.
fn with_sections(
    source: &mut Map<String, Value>,
    lists: &[&str],
    fill: impl Fn(&str, &mut Map<String, Value>) -> Result<()>,
) -> Result<()> {
    let key =
        lists.iter().find(|key| source.contains_key(**key)).or(lists.first()).copied().unwrap_or_default();
    let mut list = match source.get(key) {
        None => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        Some(_) => return Ok(()),
    };
    for entry in &mut list {
        let name = entry.as_str().or_else(|| entry.get("name")?.as_str()).unwrap_or_default().to_owned();
        let mut map = match &*entry {
            Value::Object(map) => map.clone(),
            _ => Map::new(),
        };
        fill(&name, &mut map)?;
        if !map.is_empty() {
            map.entry("name").or_insert_with(|| name.into());
            *entry = Value::Object(map);
        }
    }
    // Names that stand in another list become entries where something is said about them.
    for name in source.get("table_names").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = name.as_str() else { continue };
        let mut map = Map::new();
        fill(name, &mut map)?;
        let is_listed =
            list.iter().any(|entry| entry == name || entry.get("name").is_some_and(|n| n == name));
        if !map.is_empty() && !is_listed {
            map.insert("name".to_owned(), name.into());
            list.push(Value::Object(map));
        }
    }
    if !list.is_empty() {
        source.insert(key.to_owned(), Value::Array(list));
    }
    Ok(())
}

/// Splits the keys of a resource into the engine's and the connector's.
pub(super) fn split_resource(resource: Value) -> Result<(Resource, Value)> {
    let Value::Object(map) = resource else {
        return Err(Error::config("a resource is not an object"));
    };
    let keys = resource_keys();
    let (mut hints, mut common, mut own) = (Map::new(), Map::new(), Map::new());
    for (key, value) in map {
        // A name in place of a cursor is for the connector to understand.
        let is_connectors = key == "incremental" && value.is_string();
        let target = if is_connectors {
            &mut own
        } else if keys.hints.contains(&key) {
            &mut hints
        } else if keys.common.contains(&key) {
            &mut common
        } else {
            &mut own
        };
        target.insert(key, value);
    }
    let options: ResourceOptions = parse_options("resource", Value::Object(common))?;
    let what = format!("resource `{}`", options.name);
    let hints: ResourceHints = parse_options(&what, Value::Object(hints))?;
    Ok((options.resource(hints)?, Value::Object(own)))
}

fn place_in(document: &Document, file: &str, pointer: &str) -> At {
    let place = document.place(pointer);
    At {
        file: Some(file.to_owned()),
        line: place.map(|place| place.line),
        byte: place.map(|place| place.column),
        ..At::default()
    }
}

/// The sections in which credentials of a source are looked for; the name of a source is its kind by default.
fn credential_sections<'a>(kind: &'a str, name: &'a str) -> [&'a str; 3] {
    ["sources", kind, if name.is_empty() { kind } else { name }]
}

/// A definition of an object without some of its properties.
fn without(root: &Value, name: &str, keys: &[&str]) -> Value {
    let definition = root.get("$defs").and_then(|definitions| definitions.get(name));
    let properties = definition.and_then(|definition| definition.get("properties")?.as_object().cloned());
    let mut properties = properties.unwrap_or_default();
    properties.retain(|key, _| !keys.contains(&key.as_str()));
    json!({ "properties": properties })
}

fn text_of(map: &Map<String, Value>, key: &str) -> String {
    map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The sources of a file: one under `source`, or a list under `sources`.
pub(super) fn source_pointers(value: &Value) -> Vec<String> {
    let one = value.get("source").map(|_| "/source".to_owned());
    let count = value.get("sources").and_then(Value::as_array).map_or(0, Vec::len);
    one.into_iter().chain((0..count).map(|index| format!("/sources/{index}"))).collect()
}
