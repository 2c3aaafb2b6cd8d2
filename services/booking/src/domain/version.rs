//! Versions of rows: a decision says which version was read for it, and nothing is
//! decided on what has changed since.
//!
//! A version is made of everything that is read of a row, its `row_version` among
//! it. The number alone would not do: other programs write these tables too, and do
//! not count. A trigger of ours in the single-table layout would be in another
//! program's table, and a row's `xmin` is the same for another row after a restore,
//! is unknown to views and to a database that is distributed. So a version never
//! stays for a row that reads otherwise, whoever wrote it, in whichever cluster; that
//! it may change for one that does not (between builds) costs its holder one more
//! read. What depends on another row, as who fulfils a request does, is part of it
//! as soon as it is read with the row: with every lock as with every get.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The version of a row as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(u64);

/// Which versions a row may have for a call to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whichever it has.
    #[default]
    Any,
    /// One of these.
    OneOf {
        /// As they were sent, without quotes; those that are not ours match nothing.
        tags: Vec<String>,
        /// Whether a weak tag was sent too, which never matches.
        weak: bool,
    },
}

impl Version {
    /// The version of a row.
    pub fn of(row: &impl Hash) -> Self {
        let mut read = DefaultHasher::new();
        row.hash(&mut read);
        Self(read.finish())
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl Expected {
    /// Whether a row of this version is meant.
    pub fn allows(&self, current: Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf { tags, .. } => tags.iter().any(|tag| *tag == current.to_string()),
        }
    }

    /// As part of what a call asks for, which a kept answer is found by: the words
    /// stay, so that a key still gives its answer after the service was replaced.
    pub fn text(&self) -> String {
        match self {
            Self::Any => "None".to_owned(),
            // No tag has a quote in it.
            Self::OneOf { tags, weak } => {
                format!("Some({}){}", tags.join("\""), if *weak { "W" } else { "" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_of_all_that_is_read() {
        let read = |name: &str, number: i64| Version::of(&(name, number, None::<i32>));
        assert_eq!(read("x", 1), read("x", 1));
        assert_ne!(read("x", 1), read("y", 1));
        assert_ne!(read("x", 1), read("x", 2));
        assert_ne!(Version::of(&("x", 1_i64, Some(0))), read("x", 1));
        assert_eq!(read("x", 1).to_string().len(), 16);
    }

    #[test]
    fn one_of_several_versions_is_enough() {
        let current = Version::of(&1);
        let one_of = |tags: &[&str]| Expected::OneOf {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            weak: false,
        };
        assert!(Expected::Any.allows(current));
        assert!(one_of(&["0", &current.to_string()]).allows(current));
        assert!(!one_of(&["0", "x"]).allows(current) && !one_of(&[]).allows(current));
    }

    #[test]
    fn what_is_expected_keeps_its_words() {
        let one_of = |tags: &[&str], weak| Expected::OneOf {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            weak,
        };
        assert_eq!(Expected::Any.text(), "None");
        assert_eq!(one_of(&["5"], false).text(), "Some(5)");
        let all =
            [one_of(&["1", "2"], false), one_of(&["1,2"], false), one_of(&["1"], true), one_of(&[], true)];
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other.text() != one.text()), "{one:?}");
        }
    }
}
