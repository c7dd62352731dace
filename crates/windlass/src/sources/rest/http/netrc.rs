//! Credentials from the user's `.netrc`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Secret;

/// The credentials of hosts.
#[derive(Debug, Default)]
pub(super) struct Netrc {
    /// Host, user and password; the host of what holds for all others is `None`.
    entries: Vec<(Option<String>, String, Secret)>,
}

impl Netrc {
    /// Reads the file that `$NETRC` names, else `.netrc` of the home folder. A file that is not there is empty.
    pub(super) fn of_user() -> Self {
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".netrc"));
        match std::env::var_os("NETRC").map(PathBuf::from).or_else(home) {
            Some(path) => Self::read(&path),
            None => Self::default(),
        }
    }

    /// Reads a file. One that cannot be read is empty.
    pub(super) fn read(path: &Path) -> Self {
        fs::read_to_string(path).map(|text| Self::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &str) -> Self {
        let mut entries: Vec<(Option<String>, String, Secret)> = Vec::new();
        let mut is_macro = false;
        for line in text.lines() {
            // A macro goes up to the next empty line.
            if is_macro {
                is_macro = !line.trim().is_empty();
                continue;
            }
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    word if word.starts_with('#') => break,
                    "macdef" => {
                        is_macro = true;
                        break;
                    }
                    "default" => entries.push((None, String::new(), Secret::default())),
                    "machine" => {
                        let host = words.next().unwrap_or_default().to_owned();
                        entries.push((Some(host), String::new(), Secret::default()));
                    }
                    "login" => {
                        if let (Some(entry), Some(user)) = (entries.last_mut(), words.next()) {
                            user.clone_into(&mut entry.1);
                        }
                    }
                    "password" => {
                        if let (Some(entry), Some(password)) = (entries.last_mut(), words.next()) {
                            entry.2 = password.into();
                        }
                    }
                    // Accounts are of no use for HTTP.
                    _ => {}
                }
            }
        }
        Self { entries }
    }

    /// User and password for a host; with `default` also those of the entry for all hosts.
    pub(super) fn find(&self, host: &str, default: bool) -> Option<(&str, &Secret)> {
        let entry = self.entries.iter().find(|entry| entry.0.as_deref() == Some(host));
        let entry = entry.or_else(|| self.entries.iter().find(|entry| default && entry.0.is_none()))?;
        Some((&entry.1, &entry.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_by_host() {
        let text = "# mine\nmachine h login u password p\nmacdef m\n machine x login y\n\nmachine o\n  login a\n  \
                    password b\ndefault login anonymous password none";
        let netrc = Netrc::parse(text);
        let found = |host| netrc.find(host, true).map(|(user, password)| (user, password.expose()));
        assert_eq!(found("h"), Some(("u", "p")));
        assert_eq!(found("o"), Some(("a", "b")));
        assert_eq!(found("x"), Some(("anonymous", "none")));
        assert_eq!(netrc.find("x", false), None, "a link that leads to any host is not the user's");
        assert_eq!(Netrc::parse("machine h login u password p").find("x", true), None);
        assert_eq!(Netrc::parse("login password machine").find("x", true), None);
    }
}
