//! Settings from environment variables. Everything that is wrong is said at
//! once, one sentence each.

use std::fmt::Display;
use std::str::FromStr;

/// Reads variables and collects what is wrong with them.
#[derive(Debug, Default)]
pub struct Settings {
    problems: Vec<String>,
}

/// Everything that was wrong, one sentence per line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    /// No problems yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A variable that must be set; `purpose` finishes "is needed: ".
    pub fn required<T>(&mut self, name: &str, purpose: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        if let Some(text) = read(name) {
            self.parse(name, &text)
        } else {
            self.problem(format!("{name} is not set; it is needed: {purpose}."));
            None
        }
    }

    /// A variable with a default.
    pub fn or<T>(&mut self, name: &str, default: T) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match read(name) {
            Some(text) => self.parse(name, &text),
            None => Some(default),
        }
    }

    /// A secret that need not be there.
    pub fn optional_secret(&mut self, name: &str) -> Option<String> {
        let set = read(name).is_some() || read(&format!("{name}_FILE")).is_some();
        if set { self.secret(name, "") } else { None }
    }

    /// A secret: `NAME`, or the contents of the file that `NAME_FILE` names.
    pub fn secret(&mut self, name: &str, purpose: &str) -> Option<String> {
        let file_name = format!("{name}_FILE");
        match (read(name), read(&file_name)) {
            (Some(_), Some(_)) => {
                self.problem(format!("{name} and {file_name} are both set; set one."));
                None
            }
            (Some(secret), None) => Some(secret),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(secret) => Some(secret.trim().to_owned()),
                Err(error) => {
                    self.problem(format!("{file_name}: {path} cannot be read: {error}."));
                    None
                }
            },
            (None, None) => {
                self.problem(format!("{name} or {file_name} is not set; it is needed: {purpose}."));
                None
            }
        }
    }

    /// Adds a problem found elsewhere.
    pub fn problem(&mut self, sentence: impl Into<String>) {
        self.problems.push(sentence.into());
    }

    /// The value, or everything that was wrong on the way to it.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, SettingsError> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(SettingsError(self.problems)),
        }
    }

    fn parse<T>(&mut self, name: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        text.trim()
            .parse()
            .map_err(|error| self.problem(format!("{name} has a value that cannot be used: {error}.")))
            .ok()
    }
}

fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
