//! The imports between the top-level modules of a crate, read from its source.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{File, Item, UseTree};

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
        imports.read_folder(src, src);
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

    fn read_folder(&mut self, src: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).expect("the folder exists") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                self.read_folder(src, &path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.read_file(src, &path);
            }
        }
    }

    fn read_file(&mut self, src: &Path, path: &Path) {
        let place = path.strip_prefix(src).expect("the file lies in the folder").with_extension("");
        let mut module: Vec<_> = place.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|name| name == "mod") {
            module.pop();
        }
        let Some(from) = module.first().filter(|name| self.modules.contains(*name)).cloned() else { return };
        let mut paths = Paths { module, found: Vec::new() };
        paths.visit_file(&parse(path));
        for first in paths.found {
            let to = if self.modules.contains(&first) { Some(first) } else { self.exports.get(&first).cloned() };
            if let Some(to) = to.filter(|to| *to != from) {
                self.arrows.insert(Arrow { from: from.clone(), to, file: path.to_owned() });
            }
        }
    }
}

/// The paths of a file that begin at the crate's root: the first name of each.
struct Paths {
    module: Vec<String>,
    found: Vec<String>,
}

impl Paths {
    /// Adds a path if it begins with `crate` or `super` and reaches the crate's root.
    fn add(&mut self, path: &[String]) {
        let supers = path.iter().take_while(|name| *name == "super").count();
        let absolute = match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            Some("super") => {
                let kept = self.module.len().saturating_sub(supers);
                self.module[..kept].iter().chain(&path[supers..]).cloned().collect()
            }
            _ => return,
        };
        self.found.extend(absolute.into_iter().next());
    }

    /// Finds paths in the tokens of a macro, which is not parsed.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut after_colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if after_colons != 2 {
                        self.add(&std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    after_colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => after_colons += 1,
                TokenTree::Group(group) => {
                    self.add(&std::mem::take(&mut path));
                    self.add_tokens(group.stream());
                }
                _ => self.add(&std::mem::take(&mut path)),
            }
        }
        self.add(&path);
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            self.module.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_docs(&item.attrs) {
            for path in leaves(&item.tree, &mut Vec::new()) {
                self.add(&path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&names);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.add_tokens(called.tokens.clone());
    }
}

fn leaves(tree: &UseTree, path: &mut Vec<String>) -> Vec<Vec<String>> {
    let with = |path: &[String], name: &syn::Ident| path.iter().cloned().chain([name.to_string()]).collect();
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            let found = leaves(&inner.tree, path);
            path.pop();
            found
        }
        UseTree::Name(name) => vec![with(path, &name.ident)],
        UseTree::Rename(name) => vec![with(path, &name.ident)],
        UseTree::Glob(_) => vec![path.clone()],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, path)).collect(),
    }
}

fn is_for_tests(attrs: &[syn::Attribute]) -> bool {
    has_cfg(attrs, "test")
}

fn is_for_docs(attrs: &[syn::Attribute]) -> bool {
    has_cfg(attrs, "doc")
}

fn has_cfg(attrs: &[syn::Attribute], word: &str) -> bool {
    let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    cfgs.filter_map(|attr| attr.meta.require_list().ok())
        .any(|list| list.tokens.clone().into_iter().any(|token| token.to_string() == word))
}

fn parse(path: &Path) -> File {
    let text = fs::read_to_string(path).expect("the file can be read");
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
