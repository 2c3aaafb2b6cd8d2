//! From path to binding: a trie of segments, literal before `*` before `**`,
//! where a branch that lacks the HTTP method does not hide one that has it.

use std::collections::{BTreeMap, HashMap};

use http::Method;

use crate::error::RouteError;
use crate::template::{Segment, Template, Variable};

/// Most segments of a path; a longer one is not looked at.
const MAX_SEGMENTS: usize = 64;

/// The routes.
#[derive(Debug, Default)]
pub struct Router {
    root: Node,
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
    /// Routes that end here, by verb and then HTTP method.
    ends: HashMap<Option<String>, Ends>,
    /// Routes that take all that is left.
    rest: HashMap<Option<String>, Ends>,
}

type Ends = BTreeMap<String, Route>;

#[derive(Debug)]
struct Route {
    index: usize,
    variables: Vec<Span>,
}

#[derive(Debug)]
struct Span {
    from: usize,
    count: Option<usize>,
}

impl Router {
    pub fn add(&mut self, method: &Method, template: &Template, index: usize) -> Result<(), String> {
        let mut node = &mut self.root;
        let mut open = false;
        for segment in &template.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Any => node.any.get_or_insert_default(),
                Segment::Rest => {
                    open = true;
                    break;
                }
            };
        }
        let ends = if open { &mut node.rest } else { &mut node.ends };
        let ends = ends.entry(template.verb.clone()).or_default();
        let spans =
            template.variables.iter().map(|Variable { from, count, .. }| Span { from: *from, count: *count });
        let route = Route { index, variables: spans.collect() };
        match ends.insert(method.as_str().to_owned(), route) {
            None => Ok(()),
            Some(_) => Err("another method has the same route".to_owned()),
        }
    }

    /// The binding of a request. HEAD is answered by GET.
    pub fn find(&self, method: &Method, path: &str) -> Result<(usize, Captures), RouteError> {
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        let segments = split(path)?;
        for (segments, verb) in readings(&segments) {
            if let Some(route) = find(&self.root, &segments, 0, verb, wanted.as_str()) {
                return Ok((route.index, capture(route, &segments)?));
            }
        }
        match self.allowed(path) {
            allow if allow.is_empty() => Err(RouteError::NotFound),
            allow => Err(RouteError::MethodNotAllowed { allow }),
        }
    }

    /// The HTTP methods of a path, HEAD and OPTIONS included; none without a
    /// route.
    pub fn allowed(&self, path: &str) -> Vec<Method> {
        let Ok(segments) = split(path) else { return Vec::new() };
        let all = [Method::DELETE, Method::GET, Method::PATCH, Method::POST, Method::PUT];
        let has = |method: &Method| {
            readings(&segments)
                .iter()
                .any(|(segments, verb)| find(&self.root, segments, 0, *verb, method.as_str()).is_some())
        };
        let mut allow: Vec<Method> = all.into_iter().filter(|method| has(method)).collect();
        if allow.contains(&Method::GET) {
            allow.push(Method::HEAD);
        }
        if !allow.is_empty() {
            allow.push(Method::OPTIONS);
            allow.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        }
        allow
    }
}

/// Depth first; each segment is looked at once per wildcard above it, and
/// templates have few.
fn find<'node>(
    node: &'node Node,
    segments: &[&str],
    at: usize,
    verb: Option<&str>,
    method: &str,
) -> Option<&'node Route> {
    let ending = |ends: &'node HashMap<Option<String>, Ends>| ends.get(&verb.map(str::to_owned))?.get(method);
    let deeper = match segments.get(at) {
        None => ending(&node.ends),
        Some(segment) => node
            .literals
            .get(*segment)
            .and_then(|next| find(next, segments, at + 1, verb, method))
            .or_else(|| node.any.as_deref().and_then(|next| find(next, segments, at + 1, verb, method))),
    };
    deeper.or_else(|| ending(&node.rest))
}

fn split(path: &str) -> Result<Vec<&str>, RouteError> {
    let rest = path.strip_prefix('/').ok_or(RouteError::NotFound)?;
    let segments: Vec<&str> = rest.split('/').take(MAX_SEGMENTS + 1).collect();
    // An empty segment is no value, and `a//b` must not be another spelling of `a/b`.
    if segments.len() > MAX_SEGMENTS || segments.iter().any(|segment| segment.is_empty()) {
        return Err(RouteError::NotFound);
    }
    Ok(segments)
}

/// A path with its verb split off, if it may have one, then the whole as data.
/// `%3A` never starts a verb.
fn readings<'path>(segments: &[&'path str]) -> Vec<(Vec<&'path str>, Option<&'path str>)> {
    let mut readings = Vec::with_capacity(2);
    if let Some((last, front)) = segments.split_last()
        && let Some((value, verb)) = last.rsplit_once(':')
        && !value.is_empty()
    {
        let mut stripped = front.to_vec();
        stripped.push(value);
        readings.push((stripped, Some(verb)));
    }
    readings.push((segments.to_vec(), None));
    readings
}

fn capture(route: &Route, segments: &[&str]) -> Result<Captures, RouteError> {
    let values = route.variables.iter().map(|Span { from, count }| {
        let to = count.map_or(segments.len(), |count| from + count);
        let multi = *count != Some(1);
        let parts =
            segments[*from..to].iter().map(|segment| decode(segment, multi)).collect::<Result<Vec<_>, _>>();
        parts.map(|parts| parts.join("/"))
    });
    Ok(Captures { values: values.collect::<Result<_, _>>()? })
}

/// Percent-decodes a segment; in a value of several segments `%2F` stays, so
/// that it is not taken for a separator.
fn decode(segment: &str, keep_slash: bool) -> Result<String, RouteError> {
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

/// The byte that two hex digits stand for.
pub fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[(&str, Method)]) -> Router {
        let mut built = Router::default();
        for (index, (template, method)) in routes.iter().enumerate() {
            built.add(method, &Template::parse(template).unwrap(), index).unwrap();
        }
        built
    }

    fn found(router: &Router, method: Method, path: &str) -> Option<(usize, Vec<String>)> {
        router.find(&method, path).ok().map(|(index, captures)| (index, captures.values))
    }

    #[test]
    fn literals_win_but_do_not_hide_other_methods() {
        let router = router(&[
            ("/v1/users/me", Method::GET),
            ("/v1/users/{id}", Method::GET),
            ("/v1/users/{id}", Method::DELETE),
            ("/v1/{rest=**}", Method::GET),
        ]);
        assert_eq!(found(&router, Method::GET, "/v1/users/me"), Some((0, vec![])));
        assert_eq!(found(&router, Method::GET, "/v1/users/you"), Some((1, vec!["you".into()])));
        assert_eq!(found(&router, Method::DELETE, "/v1/users/me"), Some((2, vec!["me".into()])));
        assert_eq!(found(&router, Method::GET, "/v1/a/b%2Fc"), Some((3, vec!["a/b%2Fc".into()])));
        assert_eq!(found(&router, Method::GET, "/v1"), Some((3, vec![String::new()])));
        assert_eq!(found(&router, Method::HEAD, "/v1/users/me"), Some((0, vec![])));
        let error = router.find(&Method::POST, "/v1/users/me").unwrap_err();
        let allow = vec![Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS];
        assert_eq!(error, RouteError::MethodNotAllowed { allow });
    }

    #[test]
    fn a_verb_belongs_to_its_path_and_an_encoded_colon_is_data() {
        let router = router(&[("/v1/{id}:approve", Method::POST), ("/v1/{id}", Method::GET)]);
        assert_eq!(found(&router, Method::POST, "/v1/7:approve"), Some((0, vec!["7".into()])));
        assert_eq!(found(&router, Method::GET, "/v1/7:approve"), Some((1, vec!["7:approve".into()])));
        assert_eq!(found(&router, Method::POST, "/v1/7%3Aapprove"), None);
        assert_eq!(found(&router, Method::GET, "/v1/7:other"), Some((1, vec!["7:other".into()])));
    }

    #[test]
    fn other_spellings_of_a_path_do_not_match() {
        let router = router(&[("/v1/users/{id}", Method::GET)]);
        for bad in [
            "/v1/users/",
            "/v1//users/1",
            "/v1/users/1/",
            "v1/users/1",
            "/V1/users/1",
            "/v1/%75sers/1",
            "/v1/users",
        ] {
            assert_eq!(found(&router, Method::GET, bad), None, "{bad}");
        }
        assert_eq!(found(&router, Method::GET, "/v1/users/a%2fb"), Some((0, vec!["a/b".into()])));
        for bad in ["/v1/users/%zz", "/v1/users/%", "/v1/users/%2", "/v1/users/%FF"] {
            assert!(matches!(router.find(&Method::GET, bad), Err(RouteError::Malformed(_))), "{bad}");
        }
        assert_eq!(router.find(&Method::GET, &"/x".repeat(64_000)), Err(RouteError::NotFound));
    }

    #[test]
    fn the_same_route_twice_is_refused() {
        let mut router = router(&[("/v1/{a}", Method::GET)]);
        assert!(router.add(&Method::GET, &Template::parse("/v1/{b}").unwrap(), 1).is_err());
    }
}
