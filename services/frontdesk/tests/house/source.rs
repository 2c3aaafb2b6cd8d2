//! The sources of a crate as modules: where each is, what it defines, and what
//! its code names in other files.
//!
//! An arrow goes from the file that names an item in its own code to the file
//! that defines the item: `mod` and `pub use` say where things are and are no
//! arrows, and who takes a re-exported item from a parent depends on the child
//! that defines it. So a parent that only re-exports its child is in no circle
//! with it; a parent that calls its child, while the child takes something that
//! the parent defines, is.
//!
//! Methods are called without a path, so an arrow that is only a method call is
//! not seen. Code under `#[cfg(test)]` may know everything and is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::str::FromStr as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Names of modules from the crate's root.
type Place = Vec<String>;

/// One crate's files and modules.
#[derive(Default)]
pub struct Sources {
    /// Below `src`, in the order in which they were read.
    pub files: Vec<File>,
    modules: BTreeMap<Place, Module>,
}

/// One file.
pub struct File {
    /// Below `src`, with `/`.
    pub path: String,
    /// What it is, without comments; `#[cfg(test)]` included.
    pub tokens: TokenStream,
    /// Each path of its code with the module that it stands in.
    named: Vec<(Place, Vec<String>)>,
}

#[derive(Default)]
struct Module {
    file: usize,
    /// Each item with its file: `include!` brings items of other files.
    defines: BTreeMap<String, usize>,
    imports: BTreeMap<String, Import>,
    /// Modules of which everything is imported.
    globs: Vec<Vec<String>>,
    /// Names used alone, to know whether a re-exported name is used too.
    words: BTreeSet<String>,
}

/// A name that a module has from elsewhere.
struct Import {
    path: Vec<String>,
    public: bool,
    /// Whose `use` it is.
    file: usize,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Module(Place),
    /// Something that this file defines.
    Item(usize),
}

/// An arrow between files, with the path that makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub to: String,
    pub by: String,
}

/// A scope that is being read.
struct Scope<'a> {
    place: &'a Place,
    file: usize,
    /// Where the files of its modules are.
    folder: &'a Path,
}

impl Sources {
    /// The crate whose root is `src/ROOT`.
    pub fn of(src: &Path, root: &str) -> Self {
        Self::read(root, &|path| fs::read_to_string(src.join(path)).ok())
    }

    /// The crate whose root is `root`, its files given by a function.
    fn read(root: &str, text_of: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut sources = Self::default();
        sources.read_file(Path::new(root), &Vec::new(), Path::new(""), text_of);
        sources
    }

    fn read_file(
        &mut self,
        path: &Path,
        place: &Place,
        folder: &Path,
        text_of: &dyn Fn(&Path) -> Option<String>,
    ) {
        let text = text_of(path).unwrap_or_else(|| panic!("{} is missing", path.display()));
        let tokens =
            TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = self.files.len();
        self.files.push(File { path: path.display().to_string(), tokens: tokens.clone(), named: Vec::new() });
        self.read_module(tokens, &Scope { place, file, folder }, text_of);
    }

    fn read_module(
        &mut self,
        tokens: TokenStream,
        scope: &Scope<'_>,
        text_of: &dyn Fn(&Path) -> Option<String>,
    ) {
        let module = Module { file: scope.file, ..Module::default() };
        self.modules.entry(scope.place.clone()).or_insert(module);
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if is_cfg_test(&tokens[at..]) {
                at = after_item(&tokens, at + 2);
            } else if let Some(path) = included(&tokens[at..]) {
                let path = Path::new(&self.files[scope.file].path).with_file_name(path);
                self.read_file(&path, scope.place, scope.folder, text_of);
                at += 3;
            } else if let Some(name) = word(tokens.get(at + 1)).filter(|_| is_word(&tokens[at], "mod")) {
                let place = [scope.place.clone(), vec![name.clone()]].concat();
                match &tokens[at + 2] {
                    TokenTree::Group(body) => {
                        let folder = scope.folder.join(&name);
                        let inner = Scope { place: &place, file: scope.file, folder: &folder };
                        self.read_module(body.stream(), &inner, text_of);
                    }
                    _ => self.read_child(&name, &place, scope.folder, text_of),
                }
                at += 3;
            } else {
                at = self.read_token(&tokens, at, scope, true);
            }
        }
    }

    /// A module with a file of its own: `name.rs` or `name/mod.rs`.
    fn read_child(
        &mut self,
        name: &str,
        place: &Place,
        folder: &Path,
        text_of: &dyn Fn(&Path) -> Option<String>,
    ) {
        let beside = folder.join(format!("{name}.rs"));
        let inside = folder.join(name).join("mod.rs");
        let path = if text_of(&beside).is_some() { beside } else { inside };
        self.read_file(&path, place, &folder.join(name), text_of);
    }

    /// Reads what begins at `at` and returns where to go on.
    fn read_token(&mut self, tokens: &[TokenTree], at: usize, scope: &Scope<'_>, item: bool) -> usize {
        match &tokens[at] {
            // `impl Trait + use<'a>` captures and imports nothing.
            TokenTree::Ident(ident) if ident == "use" && !is_punct(&tokens[at + 1], '<') => {
                self.read_use(tokens, at, scope)
            }
            TokenTree::Ident(ident) if is_definition(&ident.to_string()) => {
                if let (true, Some(name)) = (item, defined_name(tokens, at)) {
                    self.module(scope).defines.insert(name, scope.file);
                }
                at + 1
            }
            TokenTree::Ident(_) => self.read_path(tokens, at, scope),
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut next = 0;
                while next < inner.len() {
                    if is_cfg_test(&inner[next..]) {
                        next = after_item(&inner, next + 2);
                    } else {
                        next = self.read_token(&inner, next, scope, false);
                    }
                }
                at + 1
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => at + 1,
        }
    }

    /// `a::b::c` in code; what follows `.` or `::` is no beginning.
    fn read_path(&mut self, tokens: &[TokenTree], at: usize, scope: &Scope<'_>) -> usize {
        let (path, next) = path_at(tokens, at);
        let begins = at == 0 || !(is_punct(&tokens[at - 1], '.') || is_separator(tokens, at.wrapping_sub(2)));
        if begins {
            if !matches!(&*path[0], "crate" | "self" | "super") {
                self.module(scope).words.insert(path[0].clone());
            }
            if path.len() > 1 {
                self.files[scope.file].named.push((scope.place.clone(), path));
            }
        }
        next
    }

    fn read_use(&mut self, tokens: &[TokenTree], at: usize, scope: &Scope<'_>) -> usize {
        let end = (at..tokens.len()).find(|next| is_punct(&tokens[*next], ';')).expect("`use` without `;`");
        // `pub use`, `pub(crate) use`
        let public =
            at > 0 && (is_word(&tokens[at - 1], "pub") || (at > 1 && is_word(&tokens[at - 2], "pub")));
        let mut found = Vec::new();
        use_tree(&tokens[at + 1..end], &mut Vec::new(), &mut found);
        let module = self.module(scope);
        for (path, name) in found {
            match name.as_str() {
                "*" => module.globs.push(path),
                _ => drop(module.imports.insert(name, Import { path, public, file: scope.file })),
            }
        }
        end + 1
    }

    fn module(&mut self, scope: &Scope<'_>) -> &mut Module {
        self.modules.get_mut(scope.place).expect("a module is entered before it is read")
    }

    /// Every arrow to another file.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        let mut add = |from: usize, to: usize, by: &[String]| {
            if from != to {
                let (from, to) = (self.files[from].path.clone(), self.files[to].path.clone());
                arrows.insert(Arrow { from, to, by: by.join("::") });
            }
        };
        for (from, file) in self.files.iter().enumerate() {
            for (place, path) in &file.named {
                match self.resolve(place, path, 0) {
                    Some(Target::Item(to)) => add(from, to, path),
                    Some(Target::Module(module)) => add(from, self.modules[&module].file, path),
                    None => {}
                }
            }
        }
        for (place, module) in &self.modules {
            for (name, Import { path, public, file }) in &module.imports {
                // A module that is imported is an arrow where something of it is named.
                if let Some(Target::Item(to)) = self.resolve(place, path, 0)
                    && (!public || module.words.contains(name))
                {
                    add(*file, to, path);
                }
            }
            for path in &module.globs {
                if let Some(Target::Module(target)) = self.resolve(place, path, 0) {
                    add(module.file, self.modules[&target].file, path);
                }
            }
        }
        arrows
    }

    /// The first name of each path of a file that leads out of the crate, if it can
    /// be a crate's: types and macros of the prelude are not.
    pub fn foreign(&self, file: usize) -> BTreeSet<String> {
        let named = self.files[file].named.iter().map(|(place, path)| (place, path));
        let imported =
            self.modules.iter().filter(|(_, module)| module.file == file).flat_map(|(place, module)| {
                let paths = module.imports.values().map(|import| &import.path).chain(&module.globs);
                paths.map(move |path| (place, path))
            });
        named
            .chain(imported)
            .filter(|(place, path)| self.resolve(place, path, 0).is_none())
            .map(|(place, path)| self.first_name(place, path))
            .filter(|name| name.starts_with(char::is_lowercase))
            .collect()
    }

    /// The first name of a path after its imports: `fmt::Debug` is `std`'s.
    fn first_name(&self, place: &Place, path: &[String]) -> String {
        match self.modules[place].imports.get(&path[0]) {
            Some(import) if import.path[0] != path[0] => self.first_name(place, &import.path),
            _ => path[0].clone(),
        }
    }

    /// What a path means in a module; nothing if it leads out of the crate.
    fn resolve(&self, place: &Place, path: &[String], depth: usize) -> Option<Target> {
        assert!(depth < 16, "{path:?} in {place:?} leads round");
        let mut here = place.clone();
        let mut rest = path;
        match &*path[0] {
            "crate" => (here, rest) = (Place::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while let Some((first, after)) = rest.split_first().filter(|(first, _)| *first == "super") {
                    debug_assert_eq!(first, "super");
                    here.pop();
                    rest = after;
                }
            }
            first => {
                let module = &self.modules[&here];
                let known = self.modules.contains_key(&[here.clone(), vec![first.to_owned()]].concat())
                    || module.imports.get(first).is_some_and(|import| import.path[0] != first)
                    || module.defines.contains_key(first);
                if !known {
                    return None;
                }
            }
        }
        for (index, name) in rest.iter().enumerate() {
            let child = [here.clone(), vec![name.clone()]].concat();
            if self.modules.contains_key(&child) {
                here = child;
                continue;
            }
            let module = self.modules.get(&here)?;
            if let Some(file) = module.defines.get(name) {
                return Some(Target::Item(*file));
            }
            if let Some(import) = module.imports.get(name) {
                let on = [import.path.clone(), rest[index + 1..].to_vec()].concat();
                return self.resolve(&here, &on, depth + 1);
            }
            for glob in &module.globs {
                let on = [glob.clone(), rest[index..].to_vec()].concat();
                if let Some(target) = self.resolve(&here, &on, depth + 1) {
                    return Some(target);
                }
            }
            // Made by a macro, or a variant of something further on.
            return Some(Target::Item(module.file));
        }
        Some(Target::Module(here))
    }
}

impl File {
    /// Its tokens without those under `#[cfg(test)]`, one after the other.
    pub fn code(&self) -> Vec<TokenTree> {
        let mut found = Vec::new();
        flatten(self.tokens.clone(), &mut found);
        found
    }
}

fn flatten(tokens: TokenStream, into: &mut Vec<TokenTree>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_cfg_test(&tokens[at..]) {
            at = after_item(&tokens, at + 2);
            continue;
        }
        match &tokens[at] {
            TokenTree::Group(group) => flatten(group.stream(), into),
            token => into.push(token.clone()),
        }
        at += 1;
    }
}

/// Whether `a::b::c` occurs, as one run of tokens that may have more before it.
pub fn names(code: &[TokenTree], path: &[&str]) -> bool {
    (0..code.len()).any(|at| {
        word(code.get(at)).is_some_and(|first| first == path[0]) && {
            let (found, _) = path_at(code, at);
            found.len() >= path.len() && found.iter().zip(path).all(|(found, wanted)| found == wanted)
        }
    })
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_word(token: &TokenTree, text: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == text)
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// `::`
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    at < tokens.len() - 1 && is_punct(&tokens[at], ':') && is_punct(&tokens[at + 1], ':')
}

/// The path that begins at an identifier, and what comes after it.
fn path_at(tokens: &[TokenTree], at: usize) -> (Vec<String>, usize) {
    let mut path = vec![tokens[at].to_string()];
    let mut next = at + 1;
    while is_separator(tokens, next)
        && let Some(name) = word(tokens.get(next + 2))
    {
        path.push(name);
        next += 3;
    }
    (path, next)
}

fn is_definition(keyword: &str) -> bool {
    matches!(
        keyword,
        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" | "macro_rules"
    )
}

/// The name after the keyword; `const fn` is defined at its `fn`.
fn defined_name(tokens: &[TokenTree], at: usize) -> Option<String> {
    let skipped = usize::from(tokens.get(at + 1).is_some_and(|mark| is_punct(mark, '!')));
    word(tokens.get(at + 1 + skipped)).filter(|name| !is_definition(name) && name != "mut")
}

/// `#[cfg(test)]`
fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [mark, TokenTree::Group(attribute), ..]
        if is_punct(mark, '#') && attribute.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// Behind the item that begins at `at`, after its other attributes.
fn after_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends_with_semicolon = tokens[at..]
        .iter()
        .map_while(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => None,
            token => Some(word(Some(token)).unwrap_or_default()),
        })
        .any(|word| matches!(&*word, "use" | "static" | "let"));
    let end = (at..tokens.len()).find(|next| match &tokens[*next] {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !ends_with_semicolon,
        token => is_punct(token, ';'),
    });
    end.map_or(tokens.len(), |end| end + 1)
}

/// The path of `include!("…")`.
fn included(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [word, mark, TokenTree::Group(path), ..] if is_word(word, "include") && is_punct(mark, '!') => {
            Some(path.stream().to_string().trim_matches('"').to_owned())
        }
        _ => None,
    }
}

/// The leaves of a `use` tree: where each comes from and its name here.
fn use_tree(tokens: &[TokenTree], prefix: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    for branch in tokens.split(|token| is_punct(token, ',')) {
        let depth = prefix.len();
        let mut rename = None;
        let mut glob = false;
        let mut inner = None;
        let mut at = 0;
        while at < branch.len() {
            match &branch[at] {
                TokenTree::Ident(ident) if ident == "as" => {
                    rename = word(branch.get(at + 1));
                    at += 1;
                }
                TokenTree::Ident(ident) => prefix.push(ident.to_string()),
                TokenTree::Group(group) => inner = Some(group.stream()),
                token => glob |= is_punct(token, '*'),
            }
            at += 1;
        }
        if let Some(inner) = inner {
            use_tree(&inner.into_iter().collect::<Vec<_>>(), prefix, found);
        } else if prefix.len() > depth || glob {
            // `use a::b::{self}` is `use a::b`.
            if depth > 0 && prefix.last().is_some_and(|last| last == "self") {
                prefix.pop();
            }
            let name = if glob {
                "*".to_owned()
            } else {
                rename.unwrap_or_else(|| prefix[prefix.len() - 1].clone())
            };
            found.push((prefix.clone(), name));
        }
        prefix.truncate(depth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let a =
            "use crate::b::{c::{self, Thing as Other}, Missing}; pub fn run() { c::go(); super::main(); }";
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
        let used = arrows(&[
            ("lib.rs", "mod a; pub use a::Thing; fn f(_: Thing) {}"),
            ("a.rs", "pub struct Thing;"),
        ]);
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
            (
                "a.rs",
                "use super::Json; use std::fmt; fn f(_: fmt::Formatter, _: Json) { uuid::Uuid::nil(); }",
            ),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }
}
