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

#[test]
fn a_method_that_is_left_open_is_any_that_has_no_binding_of_its_own() {
    let any: Method = "*".parse().unwrap();
    let router = router(&[
        ("/v1/pages/{id}", any.clone()),
        ("/v1/pages/{id}", Method::PUT),
        ("/v1/pages/home", Method::HEAD),
        ("/v1/{rest=**}", Method::GET),
        ("/v1/ask/{id}", Method::OPTIONS),
    ]);
    let of = |method, path| found(&router, method, path).map(|(index, _)| index);
    for method in [Method::GET, Method::POST, Method::DELETE, Method::HEAD, "PURGE".parse().unwrap()] {
        assert_eq!(of(method.clone(), "/v1/pages/7"), Some(0), "{method}: the nearer path wins");
    }
    assert_eq!(of(Method::PUT, "/v1/pages/7"), Some(1));
    assert_eq!(of(Method::HEAD, "/v1/pages/home"), Some(2));
    assert_eq!(of(Method::GET, "/v1/pages/home"), Some(0));
    assert_eq!(of(Method::HEAD, "/v1/other"), Some(3));
    assert_eq!(of(Method::OPTIONS, "/v1/ask/7"), Some(4));
    for method in [Method::OPTIONS, Method::TRACE, Method::CONNECT] {
        assert_eq!(of(method.clone(), "/v1/pages/7"), None, "{method} is about the path");
    }
    let allow: Vec<String> = router.allowed("/v1/pages/7").iter().map(ToString::to_string).collect();
    assert_eq!(allow, ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);
    assert_eq!(router.allowed("/v1/ask"), [Method::GET, Method::HEAD, Method::OPTIONS]);
}

#[test]
fn a_verb_may_have_parts_and_the_longest_wins() {
    let router = router(&[
        ("/v1/{id}:read", Method::GET),
        ("/v1/{id}:read:all", Method::GET),
        ("/v1/{id}:all", Method::GET),
        ("/v1/{id}", Method::GET),
        ("/v1/{id}:caf%C3%A9", Method::POST),
    ]);
    for (path, index, id) in [
        ("/v1/7:read", 0, "7"),
        ("/v1/7:read:all", 1, "7"),
        ("/v1/7:x:all", 2, "7:x"),
        ("/v1/7:read:x", 3, "7:read:x"),
        ("/v1/:read", 3, ":read"),
        ("/v1/a:b:read:all", 1, "a:b"),
        ("/v1/7:read%3Aall", 3, "7:read:all"),
    ] {
        assert_eq!(found(&router, Method::GET, path), Some((index, vec![id.to_owned()])), "{path}");
    }
    for path in ["/v1/7:caf%C3%A9", "/v1/7:caf%c3%a9"] {
        assert_eq!(found(&router, Method::POST, path), Some((4, vec!["7".to_owned()])));
    }
    let colons = format!("/v1/{}", ":".repeat(100_000));
    assert_eq!(found(&router, Method::GET, &colons).unwrap().0, 3);
}

#[test]
fn literals_are_met_as_they_are_written_but_for_the_case_of_escapes() {
    let router = router(&[
        ("/v1/$batch", Method::POST),
        ("/v1/caf%C3%A9/{id}", Method::GET),
        ("/v1/{name=**}/a%2fb", Method::GET),
    ]);
    assert_eq!(found(&router, Method::POST, "/v1/$batch"), Some((0, vec![])));
    assert_eq!(found(&router, Method::POST, "/v1/%24batch"), None, "it is another path");
    for path in ["/v1/caf%C3%A9/7", "/v1/caf%c3%a9/7"] {
        assert_eq!(found(&router, Method::GET, path), Some((1, vec!["7".into()])));
    }
    for tail in ["a%2fb", "a%2Fb"] {
        let path = format!("/v1/x/y/{tail}");
        assert_eq!(found(&router, Method::GET, &path), Some((2, vec!["x/y".into()])));
    }
    assert_eq!(found(&router, Method::GET, "/v1/x/a/b"), None);
}

/// The dice of a property: what it throws is the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len())]
    }

    /// A template of the whole grammar, a path that it is met by, and the values of its
    /// variables there.
    fn template(&mut self) -> (String, String, Vec<String>) {
        const LITERALS: [&str; 8] = ["v1", "$batch", "a@b", "x=y", "caf%C3%A9", "a%2Fb", "it's", "(1,2;3)!"];
        let (mut template, mut path, mut values) = (String::new(), String::new(), Vec::new());
        let mut open = true;
        for at in 0..=self.roll(4) {
            let (mut pattern, mut met, may_vary) = (Vec::new(), Vec::new(), open);
            for _ in 0..=self.roll(2) {
                match self.roll(if open { 4 } else { 2 }) {
                    0 | 1 => {
                        let literal = self.one(&LITERALS);
                        pattern.push(literal);
                        met.push(literal.to_owned());
                    }
                    2 => {
                        pattern.push("*");
                        met.push(self.one(&["7", "a%20b", "a:b", "%3A", "é"]).to_owned());
                    }
                    _ => {
                        pattern.push("**");
                        open = false;
                        met.extend((0..self.roll(3)).map(|n| format!("deep{n}")));
                    }
                }
            }
            let is_variable = may_vary && self.roll(2) == 0;
            let pattern = pattern.join("/");
            let segment = if is_variable { format!("{{f{at}={pattern}}}") } else { pattern.clone() };
            template.extend(["/", &segment]);
            path.extend(met.iter().flat_map(|segment| ["/", segment]));
            if is_variable {
                let multi = pattern.contains('/') || pattern == "**";
                values.push(met.iter().map(|one| decode(one, multi).unwrap()).collect::<Vec<_>>().join("/"));
            }
        }
        // Without a segment before it a verb is none.
        if self.roll(3) == 0 && path.len() > 1 {
            let verb = self.one(&[":go", ":go:on", ":$run", ":caf%C3%A9"]);
            template += verb;
            path += verb;
        }
        (template, path, values)
    }
}

#[test]
fn whatever_the_grammar_allows_is_met_by_its_paths_with_its_values() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let (text, path, values) = dice.template();
        let template = Template::parse(&text).unwrap_or_else(|cause| panic!("{text}: {cause}"));
        let mut router = Router::default();
        router.add(&Method::GET, &template, 0).unwrap();
        if path.is_empty() {
            continue;
        }
        assert_eq!(found(&router, Method::GET, &path), Some((0, values)), "{text} by {path}");
        assert_eq!(found(&router, Method::GET, &format!("{path}/")), None, "{text}");
    }
}
