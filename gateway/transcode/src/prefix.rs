//! Prefixes of paths that stand for others: with the alias `/api/v1` of `/v1`, the
//! path `/api/v1/books` is looked up as `/v1/books`. One rule for every path, so
//! that no method needs a second binding. Only the look-up knows: whoever shows a
//! path shows the one that the caller used.
//!
//! A prefix ends where a segment ends, and is compared as it is written: neither
//! `/api/v10` nor `/%61pi/v1` begins with `/api/v1`, as with the literals of a
//! template. What is left of the path is read once, by the router.

use crate::template::{Segment, Template};

/// The aliases of a transcoder.
#[derive(Debug, Default)]
pub struct Prefixes {
    aliases: Vec<Alias>,
}

#[derive(Debug)]
struct Alias {
    /// As paths begin, `/api/v1`.
    prefix: String,
    /// The segments that are looked up instead.
    instead: Vec<String>,
}

impl Prefixes {
    /// Makes `alias` stand for `prefix`; both are a `/` and literal segments.
    pub fn add(&mut self, alias: &str, prefix: &str) -> Result<(), String> {
        literals(alias)?;
        if self.aliases.iter().any(|other| begins(alias, &other.prefix) || begins(&other.prefix, alias)) {
            return Err("another alias begins in the same way".to_owned());
        }
        self.aliases.push(Alias { prefix: alias.to_owned(), instead: literals(prefix)? });
        Ok(())
    }

    /// Whether a path or template begins with an alias.
    pub fn contains(&self, path: &str) -> bool {
        self.aliases.iter().any(|alias| begins(path, &alias.prefix))
    }

    /// A path or template as it is written with the alias that another path has.
    pub fn written_like(&self, other: &str, path: &str) -> String {
        let alias = self.aliases.iter().find(|alias| begins(other, &alias.prefix));
        let Some(alias) = alias else { return path.to_owned() };
        let instead: String = alias.instead.iter().flat_map(|segment| ["/", segment]).collect();
        match path.strip_prefix(&instead) {
            Some(rest) if begins(path, &instead) => format!("{}{rest}", alias.prefix),
            _ => path.to_owned(),
        }
    }

    /// The segments that a path's alias stands for, and the rest of the path.
    pub fn split<'p>(&'p self, path: &'p str) -> (&'p [String], &'p str) {
        let found = self.aliases.iter().find(|alias| begins(path, &alias.prefix));
        found.map_or((&[], path), |alias| (&alias.instead, &path[alias.prefix.len()..]))
    }
}

/// Whether a path begins with the segments of a prefix.
fn begins(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn literals(prefix: &str) -> Result<Vec<String>, String> {
    let template = Template::parse(prefix)?;
    let segments = template.segments.into_iter().map(|segment| match segment {
        Segment::Literal(text) if template.verb.is_none() => Ok(text),
        _ => Err(format!("the prefix {prefix} has more than literal segments")),
    });
    segments.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_ends_where_a_segment_ends() {
        let mut prefixes = Prefixes::default();
        prefixes.add("/api/v1", "/v1").unwrap();
        let v1 = ["v1".to_owned()];
        for (path, instead, rest) in [
            ("/api/v1", &v1[..], ""),
            ("/api/v1/", &v1, "/"),
            ("/api/v1/a%2Fb:go", &v1, "/a%2Fb:go"),
            ("/api/v1/api/v1", &v1, "/api/v1"),
            ("/api/v10/a", &[], "/api/v10/a"),
            ("/%61pi/v1/a", &[], "/%61pi/v1/a"),
            ("/API/v1/a", &[], "/API/v1/a"),
            ("/api", &[], "/api"),
            ("/v1/a", &[], "/v1/a"),
            ("", &[], ""),
        ] {
            assert_eq!(prefixes.split(path), (instead, rest), "{path}");
        }
    }

    #[test]
    fn what_is_shown_has_the_alias_of_the_path_that_was_asked_for() {
        let mut prefixes = Prefixes::default();
        prefixes.add("/api/v1", "/v1").unwrap();
        for (other, path, shown) in [
            ("/api/v1/x", "/v1/a/{id}", "/api/v1/a/{id}"),
            ("/api/v1/x", "/v1", "/api/v1"),
            ("/api/v1/x", "/v10/a", "/v10/a"),
            ("/v1/x", "/v1/a", "/v1/a"),
        ] {
            assert_eq!(prefixes.written_like(other, path), shown);
        }
    }

    #[test]
    fn aliases_that_cannot_work_are_refused() {
        let mut prefixes = Prefixes::default();
        for (alias, prefix) in [("api", "/v1"), ("/", "/v1"), ("/{a}", "/v1"), ("/a", "/*"), ("/a:b", "/v1")]
        {
            assert!(prefixes.add(alias, prefix).is_err(), "{alias} for {prefix}");
        }
        prefixes.add("/api/v1", "/v1").unwrap();
        for alias in ["/api/v1", "/api", "/api/v1/deeper"] {
            assert!(prefixes.add(alias, "/v2").is_err(), "{alias}");
        }
    }
}
