//! Where the paths of a crate's code lead, and the arrows between its files.
//!
//! An arrow goes from the file that names an item in its own code to the file
//! that defines the item: `mod` and `pub use` say where things are and are no
//! arrows, and a file that takes a re-exported item from a parent depends on the child
//! that defines it. So a parent that only re-exports its child is in no circle
//! with it; a parent that calls its child, while the child takes something that
//! the parent defines, is.
//!
//! Methods are called without a path, so an arrow that is only a method call is
//! not seen.

use std::collections::BTreeSet;

use super::{Import, Place, Sources};

/// An arrow between files, with the path that makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub to: String,
    pub by: String,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Module(Place),
    /// Something that this file defines.
    Item(usize),
}

impl Sources {
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
