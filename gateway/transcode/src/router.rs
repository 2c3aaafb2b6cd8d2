//! From path to binding: a trie of segments, literal before `*` before `**`,
//! where a branch that lacks the HTTP method does not hide one that has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use http::Method;

use crate::error::RouteError;
use crate::escape::{canonical, hex_pair};
use crate::near::Near;
use crate::prefix::Prefixes;
use crate::template::{End, Segment, Template, Variable};

/// Most segments of a path; a longer one is not looked at.
const MAX_SEGMENTS: usize = 64;
/// The method of a rule that leaves it open (`custom: {kind: "*"}`).
const ANY_METHOD: &str = "*";

/// The routes.
#[derive(Debug, Default)]
pub struct Router {
    root: Node,
    pub prefixes: Prefixes,
    methods: BTreeSet<String>,
    near: Near,
    /// How many `:` a verb has at most, with the one before it.
    colons: usize,
}

/// The values of a path's variables, decoded, in the template's order.
#[derive(Debug, PartialEq, Eq)]
pub struct Captures {
    pub values: Vec<String>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    any: Option<Box<Node>>,
    /// Routes that end here.
    ends: Ends,
    /// Routes that go on with `**`, those with the longest tail first.
    rests: Vec<Rest>,
}

/// `**` and the literals after it.
#[derive(Debug)]
struct Rest {
    tail: Vec<String>,
    ends: Ends,
}

/// Routes of one pattern, by verb and then HTTP method.
type Ends = HashMap<Option<String>, BTreeMap<String, Route>>;

#[derive(Debug)]
struct Route {
    index: usize,
    variables: Vec<Span>,
}

#[derive(Debug)]
struct Span {
    from: usize,
    to: End,
    /// Whether it may be more or less than one segment.
    multi: bool,
}

impl Router {
    pub fn add(&mut self, method: &Method, template: &Template, index: usize) -> Result<(), String> {
        let rest = template.segments.iter().position(|segment| *segment == Segment::Rest);
        let (front, tail) = template.segments.split_at(rest.unwrap_or(template.segments.len()));
        let mut node = &mut self.root;
        for segment in front {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Any | Segment::Rest => node.any.get_or_insert_default(),
            };
        }
        let ends = match tail.split_first() {
            None => &mut node.ends,
            Some((_, tail)) => node.rest(literals(tail)),
        };
        let spans = template.variables.iter().map(|Variable { from, to, .. }| Span {
            from: *from,
            to: *to,
            multi: *to != End::Before(from + 1),
        });
        let route = Route { index, variables: spans.collect() };
        let of_verb = ends.entry(template.verb.clone()).or_default();
        let colons = template.verb.as_ref().map_or(0, |verb| 1 + verb.matches(':').count());
        self.colons = self.colons.max(colons);
        self.methods.insert(method.as_str().to_owned());
        match of_verb.insert(method.as_str().to_owned(), route) {
            None => Ok(()),
            Some(_) => Err("another method has the same route".to_owned()),
        }
    }

    /// Adds a path that is only named, with its method.
    pub fn name(&mut self, method: &Method, path: &str, template: &Template) {
        self.near.add(method, path, template);
    }

    /// The paths that are nearest to one that is none, with their methods.
    pub fn near(&self, path: &str) -> Vec<(&[Method], String)> {
        self.near.to_path(path, &self.prefixes)
    }

    /// Makes paths that begin with `alias` mean those that begin with `prefix`.
    pub fn alias(&mut self, alias: &str, prefix: &str) -> Result<(), String> {
        self.prefixes.add(alias, prefix)
    }

    /// Whether a template cannot be reached, since an alias takes its paths.
    pub fn is_hidden(&self, template: &str) -> bool {
        self.prefixes.contains(template)
    }

    /// The binding of a request. HEAD is answered by GET where it has no binding of its own.
    pub fn find(&self, method: &Method, path: &str) -> Result<(usize, Captures), RouteError> {
        let segments = self.split(path)?;
        if let Some((route, segments)) = self.route(&segments, &wanted(method)) {
            return Ok((route.index, capture(route, &segments)?));
        }
        match self.allowed(path) {
            allow if allow.is_empty() => Err(RouteError::NotFound),
            allow => Err(RouteError::MethodNotAllowed { allow }),
        }
    }

    /// The HTTP methods of a path, HEAD and OPTIONS included; none without a
    /// route.
    pub fn allowed(&self, path: &str) -> Vec<Method> {
        let Ok(segments) = self.split(path) else { return Vec::new() };
        let bound = self.methods.iter().filter(|method| self.route(&segments, &[method]).is_some());
        let mut allow: BTreeSet<&str> = bound.map(String::as_str).collect();
        if allow.remove(ANY_METHOD) {
            allow.extend(["DELETE", "GET", "PATCH", "POST", "PUT"]);
        }
        if allow.contains("GET") {
            allow.insert("HEAD");
        }
        if !allow.is_empty() {
            allow.insert("OPTIONS");
        }
        allow.into_iter().filter_map(|method| Method::from_bytes(method.as_bytes()).ok()).collect()
    }

    /// The segments of a path, with those that its alias stands for in place of the
    /// alias.
    fn split<'path>(&'path self, path: &'path str) -> Result<Vec<&'path str>, RouteError> {
        let (instead, rest) = self.prefixes.split(path);
        let mut segments = Vec::with_capacity(8);
        segments.extend(instead.iter().map(String::as_str));
        if let Some(rest) = rest.strip_prefix('/') {
            segments.extend(rest.split('/').take(MAX_SEGMENTS + 1));
        }
        // An empty segment is not a value, and `a//b` must not be another spelling of `a/b`.
        if segments.len() > MAX_SEGMENTS || segments.iter().any(|segment| segment.is_empty()) {
            return Err(RouteError::NotFound);
        }
        Ok(segments)
    }

    /// The path is read with its verb split off, the longest that a route has, and
    /// else as data. `%3A` never starts a verb.
    fn route<'path>(&self, segments: &[&'path str], wanted: &[&str]) -> Option<(&Route, Vec<&'path str>)> {
        let (last, front) = segments.split_last()?;
        // No more than a verb can have: a path of colons is looked at as often as any other.
        let colons: Vec<usize> = last.rmatch_indices(':').take(self.colons).map(|(at, _)| at).collect();
        for at in colons.into_iter().rev().filter(|at| *at > 0) {
            let mut stripped = front.to_vec();
            stripped.push(&last[..at]);
            if let Some(route) = self.root.find(&stripped, 0, Some(&canonical(&last[at + 1..])), wanted) {
                return Some((route, stripped));
            }
        }
        Some((self.root.find(segments, 0, None, wanted)?, segments.to_vec()))
    }
}

/// The methods of bindings that answer a request, the nearest first. What asks about a
/// path or the way to it is no method that a rule means by leaving it open.
fn wanted(method: &Method) -> Vec<&str> {
    match *method {
        Method::HEAD => vec!["HEAD", "GET", ANY_METHOD],
        Method::OPTIONS | Method::TRACE | Method::CONNECT => vec![method.as_str()],
        _ => vec![method.as_str(), ANY_METHOD],
    }
}

impl Node {
    fn rest(&mut self, tail: Vec<String>) -> &mut Ends {
        let at = match self.rests.iter().position(|rest| rest.tail == tail) {
            Some(at) => at,
            None => {
                let at = self.rests.partition_point(|rest| rest.tail.len() >= tail.len());
                self.rests.insert(at, Rest { tail, ends: Ends::new() });
                at
            }
        };
        &mut self.rests[at].ends
    }

    /// Depth first; every node is looked at once at most, for only one path leads
    /// to it.
    fn find(&self, segments: &[&str], at: usize, verb: Option<&str>, wanted: &[&str]) -> Option<&Route> {
        let deeper = match segments.get(at) {
            None => end(&self.ends, verb, wanted),
            Some(segment) => {
                let literal = self.literals.get(&*canonical(segment));
                literal.and_then(|next| next.find(segments, at + 1, verb, wanted)).or_else(|| {
                    self.any.as_deref().and_then(|next| next.find(segments, at + 1, verb, wanted))
                })
            }
        };
        deeper.or_else(|| {
            let left = &segments[at..];
            self.rests
                .iter()
                .filter(|rest| {
                    let tail = left.len().checked_sub(rest.tail.len());
                    tail.is_some_and(|from| {
                        left[from..]
                            .iter()
                            .zip(&rest.tail)
                            .all(|(segment, literal)| canonical(segment) == *literal)
                    })
                })
                .find_map(|rest| end(&rest.ends, verb, wanted))
        })
    }
}

fn end<'ends>(ends: &'ends Ends, verb: Option<&str>, wanted: &[&str]) -> Option<&'ends Route> {
    // The key's type asks for an owned text; few patterns have more than one verb.
    let (_, of_verb) = ends.iter().find(|(of, _)| of.as_deref() == verb)?;
    wanted.iter().find_map(|method| of_verb.get(*method))
}

fn literals(segments: &[Segment]) -> Vec<String> {
    let text = |segment: &Segment| match segment {
        Segment::Literal(text) => Some(text.clone()),
        // The template's parser lets only literals follow `**`.
        Segment::Any | Segment::Rest => None,
    };
    segments.iter().filter_map(text).collect()
}

fn capture(route: &Route, segments: &[&str]) -> Result<Captures, RouteError> {
    let values = route.variables.iter().map(|Span { from, to, multi }| {
        let to = match to {
            End::Before(to) => *to,
            End::FromBack(left) => segments.len() - left,
        };
        match &segments[*from..to] {
            [segment] => decode(segment, *multi),
            segments => {
                let parts = segments.iter().map(|segment| decode(segment, *multi));
                parts.collect::<Result<Vec<_>, _>>().map(|parts| parts.join("/"))
            }
        }
    });
    Ok(Captures { values: values.collect::<Result<_, _>>()? })
}

/// Percent-decodes a segment; in a value of several segments `%2F` stays, so
/// that it is not taken for a separator.
fn decode(segment: &str, keep_slash: bool) -> Result<String, RouteError> {
    if !segment.contains('%') {
        return Ok(segment.to_owned());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let byte = hex_pair(after).ok_or(RouteError::Malformed("a % is not followed by two hex digits"))?;
        if keep_slash && byte == b'/' {
            bytes.extend(&rest[..3]);
        } else {
            bytes.push(byte);
        }
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| RouteError::Malformed("a segment is not UTF-8"))
}

#[cfg(test)]
mod tests;
