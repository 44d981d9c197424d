//! The imports between the top-level modules of a crate, read from its source.

use crate::paths::{SourceFile, is_for_tests, leaves, parse, read_files};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::{Item, UseTree};

/// One module imports another.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) file: PathBuf,
}

/// The imports between the top-level modules of a crate.
pub(crate) struct Imports {
    modules: BTreeSet<String>,
    /// Names that the crate's root re-exports, with their modules.
    exports: BTreeMap<String, String>,
    arrows: BTreeSet<Arrow>,
}

impl Imports {
    /// Reads all files below a crate's `src`.
    pub(crate) fn of(src: &Path) -> Self {
        let root = parse(&src.join("lib.rs"));
        let modules = root.items.iter().filter_map(|item| match item {
            Item::Mod(module) if module.content.is_none() && !is_for_tests(&module.attrs) => Some(module),
            _ => None,
        });
        // The module `__private` has the name of its file, `private.rs`.
        let modules = modules.map(|module| module.ident.to_string().trim_start_matches('_').to_owned()).collect();
        let mut imports = Self { modules, exports: BTreeMap::new(), arrows: BTreeSet::new() };
        for item in &root.items {
            if let Item::Use(item) = item {
                imports.export(&item.tree, &mut Vec::new());
            }
        }
        for file in read_files(src) {
            imports.add_file(file);
        }
        imports
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = String> {
        self.modules.iter().cloned()
    }

    pub(crate) fn arrows(&self) -> impl Iterator<Item = &Arrow> {
        self.arrows.iter()
    }

    fn export(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        for path in leaves(tree, path) {
            let path: Vec<_> = path.into_iter().skip_while(|name| matches!(&**name, "self" | "crate")).collect();
            if let [module, .., name] = &path[..]
                && self.modules.contains(module)
            {
                self.exports.insert(name.clone(), module.clone());
            }
        }
    }

    fn add_file(&mut self, source: SourceFile) {
        let Some(from) = source.module.first().filter(|name| self.modules.contains(*name)) else { return };
        for path in source.paths {
            let [first, name, ..] = &path[..] else { continue };
            let to = if self.modules.contains(name) { Some(name) } else { self.exports.get(name) };
            if let Some(to) = to.filter(|to| first == "crate" && *to != from) {
                self.arrows.insert(Arrow { from: from.clone(), to: to.clone(), file: source.file.clone() });
            }
        }
    }
}
