//! Settings: the one reader of the environment. A part keeps one [`Setting`] for
//! each variable beside its own `Config` and reads its value here; everything
//! that is wrong is collected and said at once, one sentence each.
//!
//! The table of settings (`frontdesk settings`, `--help`, the README's block,
//! `deploy/env.example`) is what the parts read: [`Settings::read_by`] runs a
//! reader on an empty environment and lists the rows that it asked for. So a
//! setting cannot be read without being documented. For the same reason a part
//! reads each of its settings whatever the others say.
//!
//! Blanks at the ends of a value mean nothing, except in a secret: a password may
//! end in one. A secret from a file loses the line break at the end, which editors
//! add, and nothing else. Whoever reads a secret in which blanks mean nothing says
//! so with [`Trimmed`]. A variable that holds nothing but blanks is not set.
//!
//! What a value means is the business of the part that reads it.

mod in_force;
mod listen;
mod setting;
mod unknown;

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::str::FromStr;

use self::in_force::{One, Origin};

pub use self::in_force::InForce;
pub use self::setting::{Form, Setting, Unset};

/// Reads variables and collects what is wrong with them.
#[derive(Debug, Default)]
pub struct Settings {
    environment: BTreeMap<String, OsString>,
    rows: Vec<Row>,
    values: Vec<One>,
    problems: Vec<String>,
}

/// A setting as one command reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The setting.
    pub setting: &'static Setting,
    /// What this command does without a value.
    pub unset: Unset,
}

/// A secret in which blanks at the ends mean nothing: a key or a token, which is
/// pasted, and which no program makes with blanks. Not a password.
pub struct Trimmed(pub String);

/// Everything that was wrong, one sentence per line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

impl Row {
    /// Whether this command does not start without a value.
    pub fn is_needed(&self) -> bool {
        self.unset == Unset::Refused
    }
}

impl Settings {
    /// The environment of this process.
    pub fn from_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
        let variables = std::env::vars_os();
        Self::of(variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value))))
    }

    /// Any other environment.
    pub fn of<N: Into<String>, V: Into<OsString>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let environment = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { environment, ..Self::default() }
    }

    /// The settings that a reader reads, in its order.
    pub fn read_by<T>(reader: impl FnOnce(&mut Self) -> T) -> Vec<Row> {
        let mut settings = Self::default();
        reader(&mut settings);
        settings.rows
    }

    /// Text: a secret as it is, anything else without blanks at its ends.
    pub fn text(&mut self, setting: &'static Setting) -> Option<String> {
        self.parsed(setting)
    }

    /// A number; its range is the row's.
    pub fn number<T: TryFrom<i64>>(&mut self, setting: &'static Setting) -> Option<T> {
        let value = self.value(setting, setting.unset)?;
        let Form::Number { least, most } = setting.form else { return self.misfit(setting) };
        let number = value.parse().ok().filter(|number| (least..=most).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.or_else(|| self.refuse(setting, &value, None))
    }

    /// An address to listen on.
    pub fn listen(&mut self, setting: &'static Setting) -> Option<SocketAddr> {
        let value = self.value(setting, setting.unset)?;
        listen::parse(&value).or_else(|| self.refuse(setting, &value, None))
    }

    /// An address to listen on, or nothing to listen on.
    pub fn listen_if_set(&mut self, setting: &'static Setting) -> Option<SocketAddr> {
        let value = self.value_if_set(setting)?;
        listen::parse(&value).or_else(|| self.refuse(setting, &value, None))
    }

    /// Like [`Self::listen_if_set`], for a command that cannot do without.
    pub fn listen_needed(&mut self, setting: &'static Setting) -> Option<SocketAddr> {
        let value = self.value(setting, Unset::Refused)?;
        listen::parse(&value).or_else(|| self.refuse(setting, &value, None))
    }

    /// One of the row's words.
    pub fn word_if_set(&mut self, setting: &'static Setting) -> Option<&'static str> {
        let value = self.value_if_set(setting)?;
        let Form::Word(words) = setting.form else { return self.misfit(setting) };
        let word = words.iter().copied().find(|word| *word == value);
        word.or_else(|| self.refuse(setting, &value, None))
    }

    /// A value that its type reads.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, setting: &'static Setting) -> Option<T> {
        let value = self.value(setting, setting.unset)?;
        self.parse(setting, &value)
    }

    /// Like [`Self::parsed`], for a command that cannot do without a value which
    /// others can do without.
    pub fn needed<T: FromStr<Err: Display>>(&mut self, setting: &'static Setting) -> Option<T> {
        let value = self.value(setting, Unset::Refused)?;
        self.parse(setting, &value)
    }

    /// Like [`Self::parsed`], where the row says what no value means. `None` also
    /// means a value that cannot be used, which [`Self::finish`] tells.
    pub fn if_set<T: FromStr<Err: Display>>(&mut self, setting: &'static Setting) -> Option<T> {
        let value = self.value_if_set(setting)?;
        self.parse(setting, &value)
    }

    /// Like [`Self::if_set`], for a command that works without a value which
    /// others need or have a default for; `without` says what it does then.
    pub fn if_set_else<T: FromStr<Err: Display>>(
        &mut self,
        setting: &'static Setting,
        without: &'static str,
    ) -> Option<T> {
        let value = self.value(setting, Unset::Means(without))?;
        self.parse(setting, &value)
    }

    /// What has been read so far, for operators.
    pub fn in_force(&self) -> InForce {
        InForce::of(&self.values)
    }

    /// The value of a reader, or everything that was wrong on the way to it.
    /// `every` is the table of the whole program, to tell a misspelt variable
    /// from one that another command reads.
    pub fn finish<T>(mut self, value: Option<T>, every: &[&'static Setting]) -> Result<T, SettingsError> {
        let read: Vec<&'static Setting> = self.rows.iter().map(|row| row.setting).collect();
        let is_set = |name: &str| self.environment.get(name).is_some_and(|value| !is_blank(value));
        let set = self.environment.keys().filter(|name| is_set(name));
        let strangers = set.filter_map(|name| unknown::complaint(name, &read, every, is_set));
        self.problems.extend(strangers);
        let mut told = HashSet::new();
        self.problems.retain(|problem| told.insert(problem.clone()));
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(SettingsError(self.problems)),
        }
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, setting: &'static Setting, value: &str) -> Option<T> {
        match value.parse() {
            Ok(value) => Some(value),
            Err(error) => self.refuse(setting, value, Some(&error.to_string())),
        }
    }

    fn value_if_set(&mut self, setting: &'static Setting) -> Option<String> {
        let Unset::Means(_) = setting.unset else { return self.misfit(setting) };
        self.value(setting, setting.unset)
    }

    /// The text of a setting: its variable, its file, its default. A variable
    /// that is set to nothing is not set.
    fn value(&mut self, setting: &'static Setting, unset: Unset) -> Option<String> {
        // Two parts of a process may read the same one: it is one row, and told once.
        let is_first = !self.rows.contains(&Row { setting, unset });
        if is_first {
            self.rows.push(Row { setting, unset });
        }
        let file_variable = setting.file_variable();
        let direct = self.variable(setting.name);
        let direct = if setting.secret { direct } else { direct.map(|value| value.trim().to_owned()) };
        let file = file_variable.as_deref().and_then(|name| self.variable(name).map(|path| (name, path)));
        let (origin, value) = match (direct, file) {
            (Some(_), Some((file, _))) => {
                self.problems.push(format!("{} and {file} are both set; set one.", setting.name));
                return None;
            }
            (Some(value), None) => (Origin::Environment, Some(value)),
            (None, Some((name, path))) => (Origin::File, self.contents(name, path.trim())),
            (None, None) => match unset {
                Unset::Default(value) => (Origin::Default, Some(value.to_owned())),
                Unset::Means(_) => (Origin::Unset, None),
                Unset::Refused => {
                    self.problems.push(format!(
                        "{} is not set: {} It takes {}, for example {}.",
                        setting.either_variable(),
                        setting.meaning,
                        setting.form,
                        setting.example
                    ));
                    (Origin::Unset, None)
                }
            },
        };
        if is_first {
            self.values.push(One::new(setting, origin, value.as_deref()));
        }
        value
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        let value = self.environment.get(name).filter(|value| !is_blank(value))?;
        match value.to_str() {
            Some(value) => Some(value.to_owned()),
            None => {
                self.problems.push(format!("{name} has a value that is not UTF-8."));
                None
            }
        }
    }

    fn contents(&mut self, variable: &str, path: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(secret) if secret.trim().is_empty() => {
                self.problems.push(format!("{variable}: {path} is empty."));
                None
            }
            Ok(secret) => {
                let line = secret.strip_suffix('\n').unwrap_or(&secret);
                Some(line.strip_suffix('\r').unwrap_or(line).to_owned())
            }
            Err(error) => {
                self.problems.push(format!("{variable}: {path} cannot be read: {error}."));
                None
            }
        }
    }

    /// Refuses what was read, in a sentence of whoever knows why.
    pub fn refuse_because<T>(&mut self, sentence: impl Into<String>) -> Option<T> {
        self.problems.push(sentence.into());
        None
    }

    fn refuse<T>(&mut self, setting: &Setting, value: &str, cause: Option<&str>) -> Option<T> {
        self.problems.push(setting.complaint(value, cause));
        None
    }

    /// A row whose form is not that of the reader: a defect, found by the test
    /// that reads every setting.
    fn misfit<T>(&mut self, setting: &Setting) -> Option<T> {
        self.problems.push(format!("{} is read as something that it is not.", setting.name));
        None
    }
}

impl FromStr for Trimmed {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for Trimmed {
    /// Without the text, which is a secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Trimmed")
    }
}

fn is_blank(value: &OsString) -> bool {
    value.to_str().is_some_and(|value| value.trim().is_empty())
}

#[cfg(test)]
mod tests;
