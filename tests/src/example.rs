//! Builds examples as programs.

use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Builds an example unless it is up to date, and returns the path of its program.
pub fn program(name: &str) -> PathBuf {
    program_with(name, "")
}

/// Builds an example with these features, separated by commas.
pub fn program_with(name: &str, features: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "wswrapper-examples", "--example", name, "--message-format=json"]);
    cargo.args(["--features", features]);
    cargo.arg("--target-dir").arg(crate::target_directory()).current_dir(env!("CARGO_MANIFEST_DIR"));
    let built = cargo.output().expect("Cargo can be run");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let messages = serde_json::Deserializer::from_slice(&built.stdout).into_iter::<Value>();
    let program = messages.map(|message| message.expect("a message is JSON")).find_map(|message| {
        let is_example = message["target"]["name"] == name;
        message["executable"].as_str().filter(|_| is_example).map(PathBuf::from)
    });
    program.expect("the example has an executable")
}
