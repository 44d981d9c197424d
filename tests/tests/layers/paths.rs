//! The paths that the source of a crate names, such as `crate::rt::Timer`. Documents and unit tests are left out.

use proc_macro2::{TokenStream, TokenTree};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{File, UseTree};

/// A file of a crate, and the paths that it names.
pub(crate) struct SourceFile {
    pub(crate) file: PathBuf,
    /// Its module, from the crate's root on.
    pub(crate) module: Vec<String>,
    /// A path that starts with `super` in the source starts with `crate` here.
    pub(crate) paths: Vec<Vec<String>>,
}

/// Reads all files below a crate's `src`.
pub(crate) fn read_files(src: &Path) -> Vec<SourceFile> {
    let mut files = Vec::new();
    read_folder(src, src, &mut files);
    files
}

fn read_folder(src: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            read_folder(src, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(read_file(src, path));
        }
    }
}

fn read_file(src: &Path, file: PathBuf) -> SourceFile {
    let place = file.strip_prefix(src).expect("the file lies in the folder").with_extension("");
    let mut module: Vec<_> = place.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|name| name == "mod" || name == "lib") {
        module.pop();
    }
    let mut paths = Paths { module: module.clone(), found: Vec::new() };
    let content = parse(&file);
    if !is_for_tests(&content.attrs) {
        paths.visit_file(&content);
    }
    SourceFile { file, module, paths: paths.found }
}

/// Collects the paths of a file.
struct Paths {
    module: Vec<String>,
    found: Vec<Vec<String>>,
}

impl Paths {
    fn add(&mut self, path: &[String]) {
        let supers = path.iter().take_while(|name| *name == "super").count();
        let kept = self.module.len().saturating_sub(supers);
        let resolved = match path.first().map(String::as_str) {
            Some("super") => {
                ["crate".to_owned()].iter().chain(&self.module[..kept]).chain(&path[supers..]).cloned().collect()
            }
            Some(_) => path.to_vec(),
            None => return,
        };
        self.found.push(resolved);
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

pub(crate) fn leaves(tree: &UseTree, path: &mut Vec<String>) -> Vec<Vec<String>> {
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

pub(crate) fn is_for_tests(attrs: &[syn::Attribute]) -> bool {
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

pub(crate) fn parse(path: &Path) -> File {
    let text = fs::read_to_string(path).expect("the file can be read");
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
