//! Settings for Python: the engine's search over the environment as Python sees it, over the files, and over providers of
//! user code.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use windlass::config::{Answer, Folders, Provider, Query, SecretFiles, TomlFiles, variable_name};

use crate::error::OrRaise as _;
use crate::typed;

/// The engine's settings of this process.
#[pyclass(module = "windlass._windlass", frozen)]
pub(crate) struct Settings {
    files: Mutex<Files>,
}

/// The files of both names, as they were read last.
#[derive(Clone)]
struct Files {
    secrets: Arc<TomlFiles>,
    config: Arc<TomlFiles>,
    /// How often a file was found new or changed.
    reads: u64,
}

/// What a search found, and where it looked.
#[pyclass(module = "windlass._windlass", frozen, get_all)]
pub(crate) struct Lookup {
    /// The value; `None` if there is none.
    value: Option<Py<PyAny>>,
    /// The position of a provider that must not have the secret that it has, and its path there.
    refused: Option<Asked>,
    /// Positions of the providers that were asked, and the paths, in order.
    asked: Vec<Asked>,
}

/// Position of a provider, sections and name.
type Asked = (usize, Vec<String>);

/// What the program set over `secrets.toml` and over `config.toml`, and its own providers, which are asked by `get_value` or
/// `get`.
type OfProgram<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Vec<Bound<'py, PyAny>>);

/// The folders of the project, of the user's data and of relative paths.
type FolderNames = (PathBuf, Option<PathBuf>, PathBuf);

#[pymethods]
impl Settings {
    #[new]
    fn new() -> Self {
        let [secrets, config] =
            [TomlFiles::SECRETS, TomlFiles::CONFIG].map(|name| Arc::new(TomlFiles::new(name)));
        Self { files: Mutex::new(Files { secrets, config, reads: 0 }) }
    }

    /// The value of a setting: `key` is its name behind the sections that are never left out. Providers are the
    /// environment, `secrets.toml`, `config.toml`, and then those of the program. Raises what a provider raises, and
    /// `EngineError` for a file that is not TOML.
    fn find<'py>(
        &self,
        py: Python<'py>,
        key: Vec<String>,
        sections: Vec<String>,
        pipeline: Option<String>,
        is_secret: bool,
        of_program: OfProgram<'py>,
    ) -> PyResult<Lookup> {
        let environ = Environ::of(py)?;
        let files = self.files_now(py, &environ)?;
        let environ = environ.with_secret_files();
        let (over_secrets, over_config, others) = of_program;
        let secrets = Toml { files: &files.secrets, overlay: over_secrets, holds_secrets: true };
        let config = Toml { files: &files.config, overlay: over_config, holds_secrets: false };
        let others: Vec<Registered<'_>> = others.into_iter().map(Registered).collect();
        let mut providers: Vec<&dyn Provider<Value = Bound<'py, PyAny>, Error = PyErr>> =
            vec![&environ, &secrets, &config];
        providers.extend(others.iter().map(|provider| provider as &dyn Provider<Value = _, Error = _>));

        let (key, sections) = (borrowed(&key), borrowed(&sections));
        let pipeline = pipeline.unwrap_or_default();
        let query = Query { pipeline: &pipeline, sections: &sections, key: &key, is_secret };
        let mut asked: Vec<Asked> = Vec::new();
        let answer = query.find(&providers, &mut |position, path| {
            asked.push((position, path.iter().map(|part| (*part).to_owned()).collect()));
        })?;
        Ok(match answer {
            Answer::Found(value) => Lookup { value: Some(value.unbind()), refused: None, asked },
            Answer::NotSecret { provider, path } => {
                Lookup { value: None, refused: Some((provider, path)), asked }
            }
            Answer::Absent => Lookup { value: None, refused: None, asked },
        })
    }

    /// The value of the environment, or of a file of a secret, at a path.
    fn variable<'py>(&self, py: Python<'py>, path: Vec<String>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Environ::of(py)?.with_secret_files().value(&borrowed(&path))
    }

    /// The value of the files of one name at a path, without what the program set over it.
    fn file_value<'py>(
        &self,
        py: Python<'py>,
        is_secrets: bool,
        path: Vec<String>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let files = self.files_of(py, is_secrets)?;
        files.value(&borrowed(&path)).map(|value| typed::object(py, value)).transpose()
    }

    /// Whether the files of one name hold nothing.
    fn is_empty(&self, py: Python<'_>, is_secrets: bool) -> PyResult<bool> {
        Ok(self.files_of(py, is_secrets)?.is_empty())
    }

    /// The files of one name that were read, and those that do not exist.
    fn locations(&self, py: Python<'_>, is_secrets: bool) -> PyResult<(Vec<PathBuf>, Vec<PathBuf>)> {
        let files = self.files_of(py, is_secrets)?;
        let present = files.files().map(|(path, _)| path.to_owned()).collect();
        Ok((present, files.absent().map(Path::to_owned).collect()))
    }

    /// All files that were read and what each holds, those of secrets first.
    fn contents<'py>(&self, py: Python<'py>) -> PyResult<Vec<(PathBuf, Bound<'py, PyAny>)>> {
        let files = self.files_now(py, &Environ::of(py)?)?;
        let all = files.secrets.files().chain(files.config.files());
        all.map(|(path, value)| Ok((path.to_owned(), typed::object(py, value)?))).collect()
    }

    /// How often files were found new or changed: equal numbers mean equal files.
    fn reads(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.files_now(py, &Environ::of(py)?)?.reads)
    }

    /// The folders of the project, of the user's data, and the one that relative paths are relative to.
    #[staticmethod]
    fn folders(py: Python<'_>) -> PyResult<FolderNames> {
        let folders = Environ::of(py)?.folders();
        Ok((folders.project, folders.data, folders.local))
    }
}

impl Settings {
    /// The files as they are now.
    fn files_now(&self, py: Python<'_>, environ: &Environ<'_>) -> PyResult<Files> {
        let folders = environ.folders().settings();
        // Nothing of Python runs while this is locked: whoever waits for it has the GIL.
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Files { secrets, config, reads } = &mut *files;
        let read = [secrets, config].map(|files| Arc::make_mut(files).refresh(&folders));
        if read.iter().any(|read| matches!(read, Ok(true))) {
            *reads += 1;
        }
        let now = read.into_iter().collect::<Result<Vec<_>, _>>().map(|_| files.clone());
        drop(files);
        now.or_raise(py)
    }

    fn files_of(&self, py: Python<'_>, is_secrets: bool) -> PyResult<Arc<TomlFiles>> {
        let files = self.files_now(py, &Environ::of(py)?)?;
        Ok(if is_secrets { files.secrets } else { files.config })
    }
}

fn borrowed(parts: &[String]) -> Vec<&str> {
    parts.iter().map(String::as_str).collect()
}

/// `os.environ`, and files of secrets behind it path by path.
struct Environ<'py> {
    environ: Bound<'py, PyAny>,
    home: Option<String>,
    secret_files: SecretFiles,
}

impl<'py> Environ<'py> {
    fn of(py: Python<'py>) -> PyResult<Self> {
        let os = py.import("os")?;
        let home: String = os.getattr("path")?.call_method1("expanduser", ("~",))?.extract()?;
        let home = Some(home).filter(|home| home != "~");
        Ok(Self { environ: os.getattr("environ")?, home, secret_files: SecretFiles::default() })
    }

    fn with_secret_files(mut self) -> Self {
        self.secret_files = SecretFiles::list(&self.folders().secrets);
        self
    }

    fn folders(&self) -> Folders {
        let variable = |name: &str| match self.variable(name).ok().flatten() {
            Some(value) => value.extract().ok(),
            None if name == "HOME" => self.home.clone(),
            None => None,
        };
        Folders::of(&variable, &std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")))
    }

    fn variable(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = self.environ.call_method1("get", (name,))?;
        Ok((!value.is_none()).then_some(value))
    }
}

impl<'py> Provider for Environ<'py> {
    type Value = Bound<'py, PyAny>;
    type Error = PyErr;

    fn value(&self, path: &[&str]) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.variable(&variable_name(path))?;
        let of_file = || self.secret_files.value(path).map(|text| text.into_pyobject(self.environ.py()));
        Ok(match found {
            Some(found) => Some(found),
            None => of_file().transpose()?.map(Bound::into_any),
        })
    }

    fn is_empty(&self) -> PyResult<bool> {
        Ok(false)
    }

    fn holds_secrets(&self) -> PyResult<bool> {
        Ok(true)
    }
}

/// The files of one name, and what the program set over them.
struct Toml<'a, 'py> {
    files: &'a TomlFiles,
    overlay: Bound<'py, PyAny>,
    holds_secrets: bool,
}

impl<'py> Provider for Toml<'_, 'py> {
    type Value = Bound<'py, PyAny>;
    type Error = PyErr;

    fn value(&self, path: &[&str]) -> PyResult<Option<Bound<'py, PyAny>>> {
        match below(&self.overlay, path)? {
            Some(value) => Ok(Some(value)),
            None => self.files.value(path).map(|value| typed::object(self.overlay.py(), value)).transpose(),
        }
    }

    fn is_empty(&self) -> PyResult<bool> {
        Ok(self.files.is_empty() && self.overlay.is_empty()?)
    }

    fn holds_secrets(&self) -> PyResult<bool> {
        Ok(self.holds_secrets)
    }
}

/// The value at a path of dictionaries within each other; `None` counts as none.
fn below<'py>(values: &Bound<'py, PyAny>, path: &[&str]) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut value = values.clone();
    for key in path {
        let Ok(map) = value.cast::<PyDict>() else { return Ok(None) };
        let Some(inner) = map.get_item(key)? else { return Ok(None) };
        value = inner;
    }
    Ok((!value.is_none()).then_some(value))
}

/// A provider of user code: with dlt's `get_value`, or with `get` of a whole path.
struct Registered<'py>(Bound<'py, PyAny>);

impl<'py> Registered<'py> {
    fn is_true(&self, name: &str, default: bool) -> PyResult<bool> {
        self.0.getattr_opt(name)?.map_or(Ok(default), |value| value.is_truthy())
    }
}

impl<'py> Provider for Registered<'py> {
    type Value = Bound<'py, PyAny>;
    type Error = PyErr;

    fn value(&self, path: &[&str]) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = self.0.py();
        let value = match (self.0.getattr_opt("get_value")?, path.split_last()) {
            (Some(get_value), Some((key, sections))) => {
                let kind = py.import("builtins")?.getattr("object")?;
                // dlt's arguments are name, type, pipeline and sections; the pipeline is one of the sections here.
                let mut arguments =
                    vec![PyString::new(py, key).into_any(), kind, PyString::new(py, "").into_any()];
                arguments.extend(sections.iter().map(|section| PyString::new(py, section).into_any()));
                get_value.call1(PyTuple::new(py, arguments)?)?.get_item(0)?
            }
            _ => self.0.call_method1("get", (PyTuple::new(py, path.iter().copied())?,))?,
        };
        Ok((!value.is_none()).then_some(value))
    }

    fn is_empty(&self) -> PyResult<bool> {
        self.is_true("is_empty", false)
    }

    fn holds_secrets(&self) -> PyResult<bool> {
        self.is_true("supports_secrets", true)
    }
}
