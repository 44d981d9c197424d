//! The order of the modules of each crate, as `ARCHITECTURE.md` states it: a module imports only those that stand before
//! it. Also the names that only one module may use, and the links of the guide.

mod guide;
mod imports;
mod paths;

use imports::Imports;
use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// Reads the line of `krate` in the fenced blocks of `ARCHITECTURE.md`: `wswrapper: rt lock …`.
fn stated_order(krate: &str) -> Vec<String> {
    let text = fs::read_to_string(workspace().join("ARCHITECTURE.md")).expect("the file exists");
    let line = text.lines().find_map(|line| line.strip_prefix(krate)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no order of `{krate}`")).split_whitespace().map(str::to_owned).collect()
}

/// Asserts that the stated order names each module once, and that no import goes against it.
fn assert_order(krate: &str) {
    let order = stated_order(krate);
    let imports = Imports::of(&workspace().join(krate).join("src"));
    let mut stated = order.clone();
    stated.sort();
    assert_eq!(stated, imports.modules().collect::<Vec<_>>(), "the modules of {krate}");
    let place = |module: &str| order.iter().position(|name| name == module);
    let upward: Vec<_> = imports
        .arrows()
        .filter(|arrow| place(&arrow.from) < place(&arrow.to))
        .map(|arrow| format!("{} imports {} in {}", arrow.from, arrow.to, arrow.file.display()))
        .collect();
    assert!(upward.is_empty(), "imports against the order of {krate}:\n{}", upward.join("\n"));
    assert!(imports.arrows().count() >= order.len() / 2, "the imports of {krate} were not found");
}

#[test]
fn core_modules_import_only_those_below() {
    assert_order("wswrapper-proto");
}

#[test]
fn runtime_modules_import_only_those_below() {
    assert_order("wswrapper");
}

#[test]
fn macro_modules_import_only_those_below() {
    assert_order("wswrapper-macros");
}

#[test]
fn only_rt_names_the_clock_and_the_tasks_of_the_runtime() {
    let files = paths::read_files(&workspace().join("wswrapper/src"));
    let (in_rt, elsewhere): (Vec<_>, _) =
        files.iter().partition(|file| file.module.first().is_some_and(|module| module == "rt"));
    let named = |files: Vec<&paths::SourceFile>| -> Vec<_> {
        let paths =
            files.into_iter().flat_map(|file| file.paths.iter().map(|path| (file.file.display(), path.join("::"))));
        paths.filter(|(_, path)| is_of_the_runtime(path)).map(|(file, path)| format!("{path} in {file}")).collect()
    };
    let elsewhere = named(elsewhere);
    assert!(elsewhere.is_empty(), "to be taken from `rt`:\n{}", elsewhere.join("\n"));
    assert!(!named(in_rt).is_empty(), "the names in `rt` were not found");
}

fn is_of_the_runtime(path: &str) -> bool {
    ["runtime", "spawn", "task", "time"].iter().any(|module| {
        let rest = path.strip_prefix("tokio::").and_then(|path| path.strip_prefix(module));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}
