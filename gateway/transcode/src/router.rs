//! From path to binding: a trie of segments, literal before `*` before `**`,
//! where a branch that lacks the HTTP method does not hide one that has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use http::Method;

use crate::error::RouteError;
use crate::near::Near;
use crate::prefix::Prefixes;
use crate::template::{End, Segment, Template, Variable};

/// Most segments of a path; a longer one is not looked at.
const MAX_SEGMENTS: usize = 64;

/// The routes.
#[derive(Debug, Default)]
pub struct Router {
    root: Node,
    prefixes: Prefixes,
    methods: BTreeSet<String>,
    near: Near,
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

    /// The binding of a request. HEAD is answered by GET.
    pub fn find(&self, method: &Method, path: &str) -> Result<(usize, Captures), RouteError> {
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        let segments = self.split(path)?;
        if let Some((route, segments)) = self.route(&segments, wanted.as_str()) {
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
        let mut allow: Vec<Method> = self
            .methods
            .iter()
            .filter(|method| self.route(&segments, method).is_some())
            .filter_map(|method| Method::from_bytes(method.as_bytes()).ok())
            .collect();
        if allow.contains(&Method::GET) && !allow.contains(&Method::HEAD) {
            allow.push(Method::HEAD);
        }
        if !allow.is_empty() && !allow.contains(&Method::OPTIONS) {
            allow.push(Method::OPTIONS);
        }
        allow.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        allow
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

    /// The path is read with its verb split off, if a route has that verb, and
    /// else as data. `%3A` never starts a verb.
    fn route<'path>(&self, segments: &[&'path str], method: &str) -> Option<(&Route, Vec<&'path str>)> {
        let (last, front) = segments.split_last()?;
        if let Some((value, verb)) = last.rsplit_once(':')
            && !value.is_empty()
        {
            let mut stripped = front.to_vec();
            stripped.push(value);
            if let Some(route) = self.root.find(&stripped, 0, Some(verb), method) {
                return Some((route, stripped));
            }
        }
        Some((self.root.find(segments, 0, None, method)?, segments.to_vec()))
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
    fn find(&self, segments: &[&str], at: usize, verb: Option<&str>, method: &str) -> Option<&Route> {
        let deeper = match segments.get(at) {
            None => end(&self.ends, verb, method),
            Some(segment) => {
                let literal = self.literals.get(*segment);
                literal.and_then(|next| next.find(segments, at + 1, verb, method)).or_else(|| {
                    self.any.as_deref().and_then(|next| next.find(segments, at + 1, verb, method))
                })
            }
        };
        deeper.or_else(|| {
            let left = &segments[at..];
            self.rests
                .iter()
                .filter(|rest| {
                    let tail = left.len().checked_sub(rest.tail.len());
                    tail.is_some_and(|from| left[from..].iter().eq(rest.tail.iter()))
                })
                .find_map(|rest| end(&rest.ends, verb, method))
        })
    }
}

fn end<'ends>(ends: &'ends Ends, verb: Option<&str>, method: &str) -> Option<&'ends Route> {
    // The key's type asks for an owned text; few patterns have more than one verb.
    let (_, of_verb) = ends.iter().find(|(of, _)| of.as_deref() == verb)?;
    of_verb.get(method)
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
    fn two_stars_take_what_is_before_their_tail() {
        let router = router(&[
            ("/v1/{n=**}", Method::GET),
            ("/v1/{n=**}/end", Method::GET),
            ("/v1/{n=a/**}/big/end:go", Method::POST),
        ]);
        let get = |path| found(&router, Method::GET, path);
        assert_eq!(get("/v1/x/y"), Some((0, vec!["x/y".into()])));
        assert_eq!(get("/v1/x/y/end"), Some((1, vec!["x/y".into()])));
        assert_eq!(get("/v1/end"), Some((1, vec![String::new()])));
        assert_eq!(get("/v1/end/x"), Some((0, vec!["end/x".into()])));
        let post = |path| found(&router, Method::POST, path);
        assert_eq!(post("/v1/a/1/2/big/end:go"), Some((2, vec!["a/1/2".into()])));
        assert_eq!(post("/v1/a/big/end:go"), Some((2, vec!["a".into()])));
        assert_eq!(post("/v1/a/big/end"), None);
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
    fn an_alias_is_looked_up_as_what_it_stands_for() {
        let mut router = router(&[
            ("/v1/users/{id}", Method::GET),
            ("/v1/{name=files/**}:read", Method::POST),
            ("/other/{id}", Method::GET),
        ]);
        router.alias("/api/v1", "/v1").unwrap();
        for (method, path) in [
            (Method::GET, "/users/a%2Fb"),
            (Method::HEAD, "/users/x:y"),
            (Method::POST, "/files/a/b%2Fc:read"),
            (Method::POST, "/users/1"),
            (Method::GET, "/users/%zz"),
            (Method::GET, "/users/"),
            (Method::GET, "//users/1"),
            (Method::GET, ""),
            (Method::GET, "/api/v1/users/1"),
            (Method::GET, &"/x".repeat(63)),
            (Method::GET, &"/x".repeat(64)),
        ] {
            let (plain, alias) = (format!("/v1{path}"), format!("/api/v1{path}"));
            assert_eq!(router.find(&method, &alias), router.find(&method, &plain), "{method} {path}");
            assert_eq!(router.allowed(&alias), router.allowed(&plain), "{path}");
        }
        assert_eq!(found(&router, Method::GET, "/api/v1/users/1"), Some((0, vec!["1".into()])));
        assert_eq!(found(&router, Method::GET, "/api/other/1"), None);
    }

    #[test]
    fn the_same_route_twice_is_refused() {
        let mut router = router(&[("/v1/{a}", Method::GET)]);
        assert!(router.add(&Method::GET, &Template::parse("/v1/{b}").unwrap(), 1).is_err());
    }
}
