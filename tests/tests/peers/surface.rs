//! The surface example, called by a client that sends single frames of the protocol. The calls are in
//! `surface/client.mjs`.

use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use wswrapper_tests::{example, node};

/// Far longer than the script takes.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// Starts the example on a free port and returns its URL. It is killed when the child is dropped.
pub(crate) async fn surface() -> (Child, String) {
    let mut program = Command::new(example::program("surface"));
    program.args(["--port", "0"]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut surface = program.spawn().expect("the example can be run");
    let stdout = surface.stdout.take().expect("stdout is piped");
    let line = BufReader::new(stdout).lines().next_line().await;
    let line = line.expect("the output can be read").expect("the example prints its URL");
    let url = line.split(' ').find(|word| word.starts_with("ws://")).expect("the line contains the URL");
    (surface, url.to_owned())
}

#[tokio::test]
async fn every_row_of_the_surface_example_behaves_as_expected() {
    // The package contains a WebSocket for versions of Node that have none.
    if node::package("interop").is_none() {
        return;
    }
    let (_surface, url) = surface().await;
    let mut client = Command::new("node");
    client.arg("client.mjs").arg(&url).kill_on_drop(true);
    client.current_dir(node::directory("surface"));
    let client =
        timeout(TIME_LIMIT, client.output()).await.expect("the script finishes in time").expect("Node can be run");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(client.status.success(), "{}\n{}{}", client.status, text(&client.stdout), text(&client.stderr));
}
