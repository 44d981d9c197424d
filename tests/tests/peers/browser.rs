//! The pages of examples in a browser. Scripts in `browser` click through them and make outages.

use std::env;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use wswrapper_tests::{example, node};

/// A script takes about a minute on an idle machine.
const TIME_LIMIT: Duration = Duration::from_mins(5);

#[tokio::test]
async fn the_chat_works_in_a_browser() {
    run("chat").await;
}

#[tokio::test]
async fn the_axum_application_works_in_a_browser() {
    run("axum_app").await;
}

/// Runs the script of an example with its program.
async fn run(name: &str) {
    let Some(package) = node::package("browser") else { return };
    let chromium = env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    if !node::runs(&chromium) {
        return node::skip(&chromium);
    }
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser").join(name);
    let mut command = Command::new("node");
    command.arg(format!("{name}.mjs")).arg(example::program(name)).arg(&screenshots).current_dir(package);
    command.env("CHROMIUM", chromium);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut script = command.spawn().expect("Node can be run");

    // The script stops itself, its browser and its server when its stdin is closed, also if this process exits.
    let stdin = script.stdin.take();
    tokio::spawn(async move {
        tokio::time::sleep(TIME_LIMIT).await;
        drop(stdin);
    });
    let Output { status, stdout, stderr } = script.wait_with_output().await.expect("its output can be read");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        status.success(),
        "{status}, screenshots are in {}\n{}{}",
        screenshots.display(),
        text(&stdout),
        text(&stderr),
    );
}
