//! The sources of a crate as modules: where each is, what it defines, and which
//! paths its code names. Code under `#[cfg(test)]` may know everything and is left
//! out. Where a path leads is found in `resolve.rs`.

mod resolve;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::str::FromStr as _;

use proc_macro2::{TokenStream, TokenTree};

pub use self::resolve::Arrow;
use self::tokens::{
    after_item, defined_name, included, is_cfg_test, is_definition, is_punct, is_separator, is_word, path_at,
    use_tree, word,
};
pub use self::tokens::{names, renames};

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

    /// `a::b::c` in code; what follows `.` or `::` is not a beginning.
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

#[cfg(test)]
mod tests;
