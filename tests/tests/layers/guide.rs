//! The links of the guide in `wswrapper/docs`.

use super::workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The targets that rustdoc uses in place of those of a chapter.
const RUSTDOC_LINKS: &str = "links.md";

/// Returns the definitions of links in a text, `[label]: target`.
fn links_of(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).collect()
}

/// Returns the names and texts of the chapters.
fn chapters() -> Vec<(String, String)> {
    let files = fs::read_dir(workspace().join("wswrapper/docs")).expect("the folder exists");
    files
        .map(|file| file.expect("it can be listed"))
        .map(|file| (file.file_name().into_string().expect("a name in UTF-8"), file.path()))
        .filter(|(name, _)| name != RUSTDOC_LINKS)
        .map(|(name, path)| (name, fs::read_to_string(path).expect("a text")))
        .collect()
}

#[test]
fn each_link_of_a_chapter_leads_to_a_file_and_has_a_target_in_rustdoc() {
    let docs = workspace().join("wswrapper/docs");
    let rustdoc = fs::read_to_string(docs.join(RUSTDOC_LINKS)).expect("the file exists");
    let rustdoc = links_of(&rustdoc);
    let chapters = chapters();
    let mut used = BTreeSet::new();
    for (chapter, text) in &chapters {
        for (label, target) in links_of(text) {
            let file = target.split('#').next().unwrap_or(target);
            assert!(docs.join(file).exists(), "{chapter} links to {target}");
            assert!(rustdoc.contains_key(label), "[{label}] of {chapter} is not in {RUSTDOC_LINKS}");
            used.insert(label);
        }
    }
    assert_eq!(used, rustdoc.into_keys().collect(), "the links in {RUSTDOC_LINKS} are those of the chapters");
}

#[test]
fn each_example_is_linked_from_a_chapter() {
    let chapters = chapters();
    let linked: BTreeSet<_> = chapters
        .iter()
        .flat_map(|(_, text)| links_of(text).into_values())
        .filter_map(|target| Path::new(target.strip_prefix("../../examples/")?).iter().next()?.to_str())
        .collect();
    let no_examples = ["Cargo.toml", "arguments.rs"];
    for entry in fs::read_dir(workspace().join("examples")).expect("the folder exists") {
        let name = entry.expect("it can be listed").file_name();
        let name = name.to_str().expect("a name in UTF-8");
        assert!(linked.contains(name) || no_examples.contains(&name), "no chapter links to the example {name}");
    }
}
