use std::path::Path;

use super::{Arrow, Sources};

fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    let text_of = |path: &Path| {
        files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned())
    };
    let arrows = Sources::read("lib.rs", &text_of).arrows();
    arrows.into_iter().map(|Arrow { from, to, by }| format!("{from} -> {to} by {by}")).collect()
}

#[test]
fn paths_and_imports_are_arrows_to_the_file_that_defines() {
    let lib = "mod a; mod b { pub mod c; } fn main() { a::run(); }";
    let a = "use crate::b::{c::{self, Thing as Other}, Missing}; pub fn run() { c::go(); super::main(); }";
    let found = arrows(&[("lib.rs", lib), ("a.rs", a), ("b/c.rs", "pub fn go() {} pub struct Thing;")]);
    assert_eq!(
        found,
        [
            "a.rs -> b/c.rs by c::go",
            "a.rs -> b/c.rs by crate::b::c::Thing",
            "a.rs -> lib.rs by crate::b::Missing",
            "a.rs -> lib.rs by super::main",
            "lib.rs -> a.rs by a::run",
        ]
    );
}

#[test]
fn a_re_export_is_no_arrow_but_leads_to_one() {
    let lib = "mod a; pub mod b; pub use a::Thing;";
    let found =
        arrows(&[("lib.rs", lib), ("a.rs", "pub struct Thing;"), ("b.rs", "fn f(_: crate::Thing) {}")]);
    assert_eq!(found, ["b.rs -> a.rs by crate::Thing"]);
    let used =
        arrows(&[("lib.rs", "mod a; pub use a::Thing; fn f(_: Thing) {}"), ("a.rs", "pub struct Thing;")]);
    assert_eq!(used, ["lib.rs -> a.rs by a::Thing"]);
}

#[test]
fn a_child_that_takes_from_the_parent_that_calls_it_is_a_circle() {
    let found = arrows(&[
        ("lib.rs", "mod a; const LIMIT: u8 = 1; fn f() { a::g(); }"),
        ("a.rs", "use super::LIMIT; pub fn g() -> u8 { LIMIT }"),
    ]);
    assert_eq!(found, ["a.rs -> lib.rs by super::LIMIT", "lib.rs -> a.rs by a::g"]);
}

#[test]
fn globs_functions_and_macros_are_read_tests_strings_and_comments_are_not() {
    let a = r##"
        use crate::b::*;
        fn f() { use crate::c::D; println!("{} crate::e::f()", crate::c::g()); let _ = r#"crate::e::x"#; }
        // crate::e::h()
        #[cfg(test)]
        use crate::e::{J, K};
        #[cfg(test)]
        mod tests { fn i() { crate::e::h(); } }
        impl D { #[cfg(test)] fn k() { crate::e::l() } fn m() { std::b::c(); x.e::<u8>(); } }
    "##;
    let found = arrows(&[
        ("lib.rs", "mod a; mod b; mod c; mod e;"),
        ("a.rs", a),
        ("b.rs", ""),
        ("c.rs", "pub struct D;"),
        ("e.rs", ""),
    ]);
    assert_eq!(
        found,
        ["a.rs -> b.rs by crate::b", "a.rs -> c.rs by crate::c::D", "a.rs -> c.rs by crate::c::g"]
    );
}

#[test]
fn what_is_included_is_a_file_of_its_own() {
    let lib = "mod a; mod made { use crate::a::B; include!(\"made/all.rs\"); } pub use made::Made;";
    let found = arrows(&[
        ("lib.rs", lib),
        ("a.rs", "pub struct B; fn f(_: crate::Made) {}"),
        ("made/all.rs", "pub struct Made; impl B {}"),
    ]);
    assert_eq!(found, ["a.rs -> made/all.rs by crate::Made", "lib.rs -> a.rs by crate::a::B"]);
}

#[test]
fn what_comes_from_elsewhere_is_no_arrow() {
    let found = arrows(&[
        ("lib.rs", "mod a; use serde_json::Value as Json;"),
        ("a.rs", "use super::Json; use std::fmt; fn f(_: fmt::Formatter, _: Json) { uuid::Uuid::nil(); }"),
    ]);
    assert_eq!(found, Vec::<String>::new());
}
