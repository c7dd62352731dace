//! The folders of a project and of a user, by environment variables: where settings, data and working folders are.

use std::path::{Path, PathBuf};

use windlass_core::{Error, Result};

/// The folder of the project, in place of the one of the pipeline file or the current one. dlt's name.
pub const PROJECT_DIR: &str = "DLT_PROJECT_DIR";

/// The name of the folder of settings within the project, in place of `.windlass` and `.dlt`. dlt's name.
pub const CONFIG_FOLDER: &str = "DLT_CONFIG_FOLDER";

/// The folder of this user's data: working folders of pipelines, settings of all projects. Default `~/.windlass`.
pub const DATA_DIR: &str = "WINDLASS_DATA_DIR";

/// The same under dlt's name; [`DATA_DIR`] counts more.
pub const DLT_DATA_DIR: &str = "DLT_DATA_DIR";

/// The folder that relative paths of a Python program are relative to, in place of the project's. dlt's name.
pub const LOCAL_DIR: &str = "DLT_LOCAL_DIR";

/// The folder of files with one secret each, as containers are given them. Default `/run/secrets`.
pub const SECRETS_DIR: &str = "WINDLASS_SECRETS_DIR";

/// Folders of settings, the strongest first. The second is dlt's, so that its projects work as they are.
pub(super) const SETTINGS: [&str; 2] = [".windlass", ".dlt"];

/// The folders of a project, as environment variables move them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The folder of the project.
    pub project: PathBuf,
    /// The folder of this user's data; `None` if neither it nor a home folder is known.
    pub data: Option<PathBuf>,
    /// The folder that relative paths are relative to.
    pub local: PathBuf,
    /// The folder of files with one secret each.
    pub secrets: PathBuf,
    names: Vec<String>,
    home: Option<PathBuf>,
}

impl Folders {
    /// The folders by what `variable` says, `HOME` included; an empty variable counts as none. `base` is the folder of
    /// the project unless [`PROJECT_DIR`] is set: that of the pipeline file, or the current one for a Python program.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>, base: &Path) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = |name: &str| set(name).map(PathBuf::from);
        let home = folder("HOME");
        let project = folder(PROJECT_DIR).unwrap_or_else(|| base.to_owned());
        let data = folder(DATA_DIR).or_else(|| folder(DLT_DATA_DIR));
        Self {
            data: data.or_else(|| Some(home.as_ref()?.join(".windlass"))),
            local: folder(LOCAL_DIR).unwrap_or_else(|| project.clone()),
            secrets: folder(SECRETS_DIR).unwrap_or_else(|| PathBuf::from("/run/secrets")),
            names: set(CONFIG_FOLDER).map_or_else(|| SETTINGS.map(str::to_owned).to_vec(), |name| vec![name]),
            project,
            home,
        }
    }

    /// The folders of settings of the project, the strongest first.
    pub fn settings_of_project(&self) -> impl Iterator<Item = PathBuf> {
        self.names.iter().map(|name| self.project.join(name))
    }

    /// All folders of settings, the strongest first: those of the project, that of the user's data, those at home.
    /// One that is there under two names is given once.
    pub fn settings(&self) -> Vec<PathBuf> {
        let at_home = self.home.iter().flat_map(|home| SETTINGS.map(|name| home.join(name)));
        let mut known = Vec::new();
        let all = self.settings_of_project().chain(self.data.clone()).chain(at_home);
        all.filter(|folder| {
            let full = folder
                .canonicalize()
                .or_else(|_| std::path::absolute(folder))
                .unwrap_or_else(|_| folder.clone());
            let is_new = !known.contains(&full);
            known.push(full);
            is_new
        })
        .collect()
    }
}

/// The folder of all working folders: `pipelines` in the folder of the user's data.
///
/// Errors: that is not known.
pub fn pipelines_dir(folders: &Folders) -> Result<PathBuf> {
    folders.data.as_ref().map(|data| data.join("pipelines")).ok_or_else(|| {
        Error::config("there is no place for the working folder").with_hint(format!("set {DATA_DIR} or HOME"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Vec<String> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let folders = Folders::of(&variable, Path::new("/base"));
        folders.settings().iter().map(|folder| folder.display().to_string()).collect()
    }

    #[test]
    fn the_project_comes_before_the_user() {
        assert_eq!(settings(&[]), ["/base/.windlass", "/base/.dlt"]);
        assert_eq!(settings(&[("HOME", "/h")]), ["/base/.windlass", "/base/.dlt", "/h/.windlass", "/h/.dlt"]);
        assert_eq!(
            settings(&[("HOME", "/h"), (PROJECT_DIR, "/p"), (CONFIG_FOLDER, "conf"), (DLT_DATA_DIR, "/d")]),
            ["/p/conf", "/d", "/h/.windlass", "/h/.dlt"]
        );
        assert_eq!(settings(&[(DATA_DIR, "/w"), (DLT_DATA_DIR, "/d"), (PROJECT_DIR, "")])[2], "/w");
    }
}
