//! The destination that cases run against, and how what it holds is compared with what DuckDB held.

use std::path::Path;

use serde_json::{Map, Value, json};
use windlass::core::{Error, Result};
use windlass::destination::Session;

/// A destination for cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The destination of the recorder.
    DuckDb,
    /// The database at this URL, in which the cases' datasets are dropped and made anew.
    Postgres(String),
    /// A file.
    Sqlite,
}

impl std::str::FromStr for Target {
    type Err = Error;

    /// Reads `duckdb`, `postgres=URL` or `sqlite`.
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            None if text == "duckdb" => Ok(Self::DuckDb),
            None if text == "sqlite" => Ok(Self::Sqlite),
            Some(("postgres", url)) => Ok(Self::Postgres(url.to_owned())),
            _ => Err(Error::config(format!("no destination `{text}`"))
                .with_hint("use duckdb, sqlite or postgres=URL")),
        }
    }
}

impl Target {
    /// The options of the destination in a pipeline file.
    pub(crate) fn options(&self) -> Value {
        match self {
            Self::DuckDb => json!({ "type": "duckdb", "credentials": "out.duckdb" }),
            Self::Postgres(url) => json!({ "type": "postgres", "credentials": url }),
            Self::Sqlite => json!({ "type": "sqlite", "credentials": "out.db" }),
        }
    }

    /// Why a case cannot be the same at this destination; `None` if it can.
    pub fn exception(&self, case: &str) -> Option<&'static str> {
        match (self, case) {
            (Self::Postgres(_), "names_long") => Some("names have 63 bytes at most"),
            _ => None,
        }
    }

    /// Whether there is something that could be looked at. `location` is the destination's.
    pub(crate) async fn exists(&self, session: &mut dyn Session, location: &str) -> Result<bool> {
        match self {
            Self::DuckDb => Ok(Path::new(location).exists()),
            Self::Postgres(_) | Self::Sqlite => Ok(session.stored().await?.has_dataset),
        }
    }

    /// Removes what earlier cases left of a dataset.
    pub(crate) async fn clear(&self, session: &mut dyn Session, dataset: &str) -> Result<()> {
        if let Self::Postgres(_) = self {
            for name in [dataset.to_owned(), format!("{dataset}_staging")] {
                session.query(&format!("DROP SCHEMA IF EXISTS \"{name}\" CASCADE")).await?;
            }
        }
        Ok(())
    }

    /// Asks for table, column, type and nullability of all columns of a dataset.
    pub(crate) fn columns_query(&self, dataset: &str) -> String {
        match self {
            Self::DuckDb => format!(
                "SELECT table_name AS t, column_name AS c, data_type AS d, is_nullable = 'YES' AS n \
                 FROM information_schema.columns WHERE table_schema = '{dataset}' ORDER BY t, ordinal_position"
            ),
            Self::Postgres(_) => format!(
                "SELECT c.relname AS t, a.attname AS c, format_type(a.atttypid, a.atttypmod) AS d, \
                 NOT a.attnotnull AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace \
                 JOIN pg_attribute a ON a.attrelid = c.oid WHERE s.nspname = '{dataset}' \
                 AND c.relkind = 'r' AND c.relname <> '_windlass_lease' AND a.attnum > 0 \
                 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
            ),
            Self::Sqlite => format!(
                "SELECT m.name AS t, p.name AS c, p.type AS d, p.\"notnull\" = 0 AS n \
                 FROM \"{dataset}\".sqlite_master AS m, pragma_table_info(m.name, '{dataset}') AS p \
                 WHERE m.type = 'table' ORDER BY m.name, p.cid"
            ),
        }
    }

    /// DuckDB's name for a type, or a name that several of its types share where the destination has but one.
    pub(crate) fn type_name(&self, name: &str) -> String {
        let plain = name.split('(').next().unwrap_or(name).trim_end();
        let fixed = match (self, plain) {
            (Self::DuckDb, _) => name,
            (Self::Postgres(_), "character varying") => "VARCHAR",
            (Self::Postgres(_), "double precision") => "DOUBLE",
            (Self::Postgres(_), "bytea") => "BLOB",
            (Self::Postgres(_), "jsonb") => "JSON",
            (Self::Postgres(_), "numeric") if name == "numeric(156,78)" => "DECIMAL(38,0)",
            (Self::Postgres(_), "numeric") => return name.replace("numeric", "DECIMAL"),
            (Self::Postgres(_), _) if name.starts_with("timestamp") && name.ends_with("with time zone") => {
                "TIMESTAMP WITH TIME ZONE"
            }
            (Self::Postgres(_), _) if name.starts_with("timestamp") => match name.as_bytes().get(10) {
                Some(b'0') => "TIMESTAMP_S",
                Some(b'3') => "TIMESTAMP_MS",
                _ => "TIMESTAMP",
            },
            (Self::Postgres(_), _) if name.starts_with("time") => "TIME",
            (Self::Sqlite, "TEXT" | "VARCHAR") => "VARCHAR",
            (Self::Sqlite, "DATETIME") => "TIMESTAMP",
            (Self::Sqlite, "NUMERIC") => "DECIMAL",
            (Self::Postgres(_) | Self::Sqlite, "TINYINT") => "SMALLINT",
            // These are the names of recorded types.
            (Self::Sqlite, _) if name.starts_with("TIMESTAMP") => "TIMESTAMP",
            (Self::Sqlite, "DECIMAL") => "DECIMAL",
            _ => return name.to_uppercase(),
        };
        fixed.to_owned()
    }

    /// A recorded or found snapshot with the differences between the destinations taken away.
    pub(crate) fn comparable(&self, mut snapshot: Value) -> Value {
        if *self == Self::DuckDb {
            return snapshot;
        }
        let columns = snapshot["columns"].as_object().cloned().unwrap_or_default();
        for column in snapshot["columns"].as_object_mut().into_iter().flat_map(Map::values_mut) {
            for column in column.as_array_mut().into_iter().flatten() {
                let name = self.type_name(column[1].as_str().unwrap_or_default());
                column[1] = name.into();
            }
        }
        let rows = snapshot["rows"].as_object_mut().into_iter().flat_map(|tables| tables.iter_mut());
        for (table, rows) in rows {
            let described = columns.get(table).and_then(Value::as_array);
            let rows = rows.as_array_mut().into_iter().flatten();
            for row in rows.filter_map(Value::as_object_mut) {
                for column in described.into_iter().flatten() {
                    let name = column[0].as_str().unwrap_or_default();
                    if let Some(value) = row.get_mut(name) {
                        let is_json = column[1]
                            .as_str()
                            .is_some_and(|d| d.eq_ignore_ascii_case("json") || d == "jsonb");
                        self.simplify(value, is_json);
                    }
                }
            }
        }
        for rows in snapshot["rows"].as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Some(rows) = rows.as_array_mut() {
                rows.sort_by_key(|row| row.as_object().map(crate::snapshot::canonical));
            }
        }
        snapshot
    }

    fn simplify(&self, value: &mut Value, is_json: bool) {
        let is_text = value.as_str().is_some();
        if is_json && (is_text || *self == Self::Sqlite) && !value.is_null() {
            // The binary form keeps no order of keys and no spaces; SQLite makes numbers of texts that are numbers.
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let mut document: Value = serde_json::from_str(&text).unwrap_or_else(|_| text.into());
            document.sort_all_objects();
            *value = document;
            return;
        }
        if *self != Self::Sqlite {
            return;
        }
        // Times are in UTC without saying so, and decimals are floats.
        if let Some(time) = value.get("$timestamp").and_then(Value::as_str) {
            *value = json!({ "$timestamp": time.trim_end_matches('Z') });
        } else if let Some(digits) = value.get("$decimal").and_then(Value::as_str) {
            *value = json!(digits.parse::<f64>().unwrap_or(f64::NAN));
        } else if let Some(number) = value.as_f64().filter(|_| !value.is_object()) {
            *value = json!(number);
        }
    }
}
