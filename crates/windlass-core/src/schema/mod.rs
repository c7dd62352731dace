//! The schema: all tables of one source, its settings, and how it is stored, hashed and changed.
//!
//! In reading order: [`Column`], [`Table`], [`Contract`], the [`Schema`] itself, the system tables, what is inferred
//! for a new column, the stored forms ([`codec`](Schema::from_json)), the migrations of old documents.

mod codec;
mod column;
mod contract;
mod delta;
mod export;
mod infer;
mod lineage;
mod migrate;
mod pattern;
mod system;
mod table;
mod validate;

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

pub use codec::document_hash;
pub use column::{COMPOUND_HINTS, Column, SINGLE_HINTS};
pub use contract::{Contract, ContractMode, Entity, Violation};
pub use delta::SchemaDelta;
pub use export::{SchemaFormat, export, parse_document};
pub use infer::ColumnRules;
pub use lineage::{Lineage, Placed};
pub use migrate::ENGINE_VERSION;
pub use pattern::Pattern;
pub use system::{LOADS_TABLE, STATE_TABLE, SystemNames, VERSION_TABLE, state_table};
pub use table::Table;

use crate::error::{Code, Error, ErrorKind, Result};
use crate::naming::{Convention, Naming};
use crate::path_part::check_part;

/// The module name of the relational normalizer in stored schemas.
pub const RELATIONAL: &str = "dlt.common.normalizers.json.relational";

/// Most hashes that a schema remembers of its former contents.
const MAX_PREVIOUS_HASHES: usize = 10;

/// All tables of one source. Changes are made on a copy; tables are shared between copies.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// Name of the source; at most 64 characters, a valid identifier.
    pub name: String,
    /// Number of stored versions; `None` before the first.
    pub version: Option<i64>,
    /// The hash when the version was counted last; see [`Schema::bump`].
    pub version_hash: Option<String>,
    /// The tables by name. Their order is not part of the hash.
    pub tables: IndexMap<String, Arc<Table>>,
    /// Detections, default hints, preferred types, contract: the stored document, in order.
    pub settings: Map<String, Value>,
    /// Naming convention and normalizer with its configuration: the stored document, in order.
    pub normalizers: Map<String, Value>,
    /// Former hashes, the newest first.
    pub previous_hashes: Vec<String>,
    /// Hash of the import file when it was read or written last.
    pub imported_version_hash: Option<String>,
    /// Free text.
    pub description: Option<String>,
}

impl Schema {
    /// A schema with the system tables and the default settings. Errors: a name that is no identifier.
    pub fn new(name: &str, naming: &Naming) -> Result<Self> {
        check_schema_name(name)?;
        let names = SystemNames::new(naming)?;
        let mut schema = Self {
            name: name.to_owned(),
            version: None,
            version_hash: None,
            tables: IndexMap::new(),
            settings: Map::new(),
            normalizers: Map::new(),
            previous_hashes: Vec::new(),
            imported_version_hash: None,
            description: None,
        };
        for table in system::required_tables(naming)? {
            schema.tables.insert(table.name.clone(), Arc::new(table));
        }
        schema.settings.insert("detections".to_owned(), json!(["iso_timestamp"]));
        schema.settings.insert(
            "default_hints".to_owned(),
            json!({
                "not_null": [names.id, names.root_id, names.parent_id, names.list_index, names.load_id],
                "parent_key": [names.parent_id],
                "root_key": [names.root_id],
                "unique": [names.id],
                "row_key": [names.id],
            }),
        );
        schema.normalizers.insert("names".to_owned(), naming.convention().as_str().into());
        schema.normalizers.insert("json".to_owned(), json!({ "module": RELATIONAL }));
        Ok(schema)
    }

    /// A table by normalized name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).map(Arc::as_ref)
    }

    /// A table to change; copied if another schema shares it. Added when missing.
    pub fn table_mut(&mut self, name: &str) -> &mut Table {
        let table = self.tables.entry(name.to_owned()).or_insert_with(|| Arc::new(Table::new(name)));
        Arc::make_mut(table)
    }

    /// Merges a partial table, adding it when missing.
    ///
    /// Errors: a new table whose parent is missing, or whose name would lead elsewhere as a part of a path.
    pub fn merge_table(&mut self, partial: Table, add_keys: bool) -> Result<()> {
        match self.tables.get_mut(&partial.name) {
            Some(table) => {
                Arc::make_mut(table).merge(&partial, add_keys).map_err(|e| e.at_table(&partial.name))
            }
            None => {
                check_part(ErrorKind::Data, "a table", &partial.name)?;
                if let Some(parent) =
                    partial.parent.as_ref().filter(|parent| !self.tables.contains_key(*parent))
                {
                    return Err(Error::of(
                        Code::ParentTableMissing,
                        format!("the parent table `{parent}` does not exist"),
                    )
                    .with_detail("parent", parent.as_str())
                    .at_table(&partial.name)
                    .with_hint("declare the tables between the root and the nested table as well"));
                }
                self.tables.insert(partial.name.clone(), Arc::new(partial));
                Ok(())
            }
        }
    }

    /// Takes over the tables and settings of another schema, as those of a source that brings its own.
    ///
    /// Errors: a table whose parent is missing.
    pub fn adopt(&mut self, other: &Self) -> Result<()> {
        for table in other.tables.values() {
            self.merge_table(Table::clone(table), false)?;
        }
        for (key, value) in &other.settings {
            self.settings.insert(key.clone(), value.clone());
        }
        Ok(())
    }

    /// The table and its ancestors, the nearest first.
    pub fn ancestry<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Table> {
        // A hand-made document may hold a cycle of parents.
        let limit = self.tables.len();
        std::iter::successors(self.table(name), |table| self.table(table.parent.as_deref()?)).take(limit)
    }

    /// The root of a nested table, or the table itself.
    pub fn root_of<'a>(&'a self, name: &str) -> Option<&'a Table> {
        self.ancestry(name).last()
    }

    /// The tables whose root is `root`, itself first, parents before children.
    pub fn chain<'a>(&'a self, root: &str) -> Vec<&'a Table> {
        Lineage::of(self).chain(root)
    }

    /// A hint of the table or of its nearest ancestor that has it.
    pub fn inherited_hint<'a>(&'a self, table: &str, hint: &str) -> Option<&'a Value> {
        self.ancestry(table).find_map(|table| table.hints.get(hint))
    }

    /// The write disposition of a table: its own or its root's; `append` when nobody says.
    pub fn write_disposition(&self, table: &str) -> &str {
        self.inherited_hint(table, "write_disposition").and_then(Value::as_str).unwrap_or("append")
    }

    /// The resource that fills a table.
    pub fn resource_of<'a>(&'a self, table: &'a str) -> &'a str {
        self.inherited_hint(table, "resource").and_then(Value::as_str).unwrap_or(table)
    }

    /// The contract that holds for a table: the nearest hint as it is, else the schema's.
    pub fn contract(&self, table: &str) -> Result<Contract> {
        let hint =
            self.inherited_hint(table, "schema_contract").or_else(|| self.settings.get("schema_contract"));
        Contract::from_json(hint.unwrap_or(&Value::Null)).map_err(|e| e.at_table(table))
    }

    /// The naming convention that the schema is stored with.
    pub fn convention(&self) -> Result<Convention> {
        match self.normalizers.get("names").and_then(Value::as_str) {
            None => Ok(Convention::SnakeCase),
            Some(name) => name.parse(),
        }
    }

    /// Whether keys are split at `__` before they are normalized; old schemas say no.
    pub fn breaks_paths(&self) -> bool {
        self.normalizers.get("use_break_path_on_normalize") != Some(&Value::Bool(false))
    }

    /// Whether values never convert to another type, each mismatch making a variant.
    pub fn refuses_coercion(&self) -> bool {
        let module = self.normalizers.get("json").and_then(|json| json.get("module")).and_then(Value::as_str);
        module.is_some_and(|module| module.ends_with("relational_no_coercion"))
    }

    /// A part of the relational normalizer's configuration.
    pub fn normalizer_config(&self, key: &str) -> Option<&Value> {
        self.normalizers.get("json")?.get("config")?.get(key)
    }

    /// Sets a part of the relational normalizer's configuration.
    pub fn set_normalizer_config(&mut self, key: &str, value: Value) {
        let json = self.normalizers.entry("json").or_insert_with(|| json!({ "module": RELATIONAL }));
        if let Value::Object(json) = json
            && let Value::Object(config) = json.entry("config").or_insert_with(|| json!({}))
        {
            config.insert(key.to_owned(), value);
        }
    }

    /// Lets the rows below a root table carry its row id, where the normalizer's configuration, a root key column or the
    /// merge strategy asks for it; the latter only if the destination `can_merge`.
    pub fn update_root_key(&mut self, table: &str, can_merge: bool) {
        let Some(root) = self.root_of(table).map(|root| root.name.clone()) else { return };
        let setting = self.normalizer_config("root_key_propagation").and_then(Value::as_bool);
        let merges = can_merge
            && self.write_disposition(&root) == "merge"
            && self.inherited_hint(&root, "x-merge-strategy").and_then(Value::as_str) != Some("scd2");
        if !(setting.unwrap_or(merges) || self.has_root_key(&root)) {
            return;
        }
        let row_key = self.table(&root).and_then(|table| table.columns_with("row_key").next());
        let row_key = row_key.map_or_else(|| "_dlt_id".to_owned(), |column| column.name.clone());
        let mut propagation = self.normalizer_config("propagation").cloned().unwrap_or_else(|| json!({}));
        if let Some(tables) =
            propagation.as_object_mut().map(|map| map.entry("tables").or_insert_with(|| json!({})))
        {
            let mapping = json!({ row_key: "_dlt_root_id" });
            if tables.get(&root) == Some(&mapping) {
                return;
            }
            tables[root] = mapping;
        }
        self.set_normalizer_config("propagation", propagation);
    }

    /// Whether a table or one below it has a column for the id of the root row. Few tables have one: only those look for
    /// their root.
    fn has_root_key(&self, root: &str) -> bool {
        let has = |table: &Table| table.columns_with("root_key").next().is_some();
        let is_below = |table: &Table| self.root_of(&table.name).is_some_and(|found| found.name == root);
        let nested = || self.tables.values().filter(|table| table.is_nested());
        self.table(root).is_some_and(has) || nested().any(|table| has(table) && is_below(table))
    }

    /// Removes tables and what the normalizer's configuration says of them.
    pub fn remove_tables<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let propagation = |schema: &mut Self, name: &str| -> Option<()> {
            let json = schema.normalizers.get_mut("json")?;
            let tables = json.get_mut("config")?.get_mut("propagation")?.get_mut("tables")?;
            tables.as_object_mut()?.shift_remove(name).map(drop)
        };
        for name in names {
            self.tables.shift_remove(name);
            let _ = propagation(self, name);
        }
    }

    /// Removes tables as if they had never been declared.
    pub fn forget_tables<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.remove_tables(names);
        let Some(Value::Object(json)) = self.normalizers.get_mut("json") else { return };
        let Some(Value::Object(config)) = json.get_mut("config") else { return };
        let is_empty = |value: Option<&Value>| value.and_then(Value::as_object).is_some_and(Map::is_empty);
        if is_empty(config.get("propagation").and_then(|propagation| propagation.get("tables"))) {
            config.shift_remove("propagation");
        }
        if config.is_empty() {
            json.shift_remove("config");
        }
    }

    /// Names that start with this belong to the engine: they escape contracts and row hashes.
    pub fn system_prefix(&self, naming: &Naming) -> String {
        naming.table_identifier("_dlt").unwrap_or_else(|_| "_dlt".to_owned())
    }

    /// The tables that are neither `_dlt_…` nor unknown to the destination.
    pub fn data_tables<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Table> {
        self.tables.values().map(Arc::as_ref).filter(move |table| !table.name.starts_with(prefix))
    }

    /// The hash of the present content.
    pub fn content_hash(&self) -> String {
        document_hash(&Value::Object(self.to_json()))
    }

    /// Whether the content differs from what was counted last.
    pub fn is_modified(&self) -> bool {
        self.version_hash.as_deref() != Some(self.content_hash().as_str())
    }

    /// Counts a new version if the content changed, and remembers the former hash.
    pub fn bump(&mut self) {
        let hash = self.content_hash();
        match self.version_hash.take().filter(|hash| !hash.is_empty()) {
            None => self.version = Some(self.version.unwrap_or(1)),
            Some(old) if old != hash => {
                self.version = Some(self.version.unwrap_or(0) + 1);
                self.remember_hash(old);
            }
            Some(_) => {}
        }
        self.version_hash = Some(hash);
    }

    /// Puts a hash at the front of the former ones, unless it is there.
    pub fn remember_hash(&mut self, hash: String) {
        if !self.previous_hashes.contains(&hash) {
            self.previous_hashes.insert(0, hash);
            self.previous_hashes.truncate(MAX_PREVIOUS_HASHES);
        }
    }
}

/// Checks a schema name: an identifier of at most 64 characters.
fn check_schema_name(name: &str) -> Result<()> {
    let mut chars = name.chars();
    let starts_well = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic());
    if starts_well && chars.all(|c| c == '_' || c.is_alphanumeric()) && name.chars().count() <= 64 {
        return Ok(());
    }
    Err(Error::of(Code::InvalidName, format!("`{name}` cannot be the name of a source"))
        .with_detail("name", name)
        .with_hint("use letters, digits and `_`, not a digit first, at most 64 characters"))
}

/// The name of the schema that a pipeline gets when its source has none: snake case, without a trailing `_pipeline`.
pub fn default_schema_name(pipeline: &str) -> Result<String> {
    let name = pipeline.strip_suffix("_pipeline").filter(|name| !name.is_empty()).unwrap_or(pipeline);
    Naming::new(Convention::SnakeCase, Some(64))?.identifier(name)
}
