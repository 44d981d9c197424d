//! The surface example, driven through every kind of call by a client that knows nothing but the protocol's frames. What
//! is done there is in `surface/client.mjs`.

use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use wswrapper_tests::{example, node};

/// Far more than it takes.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// The example, on a port of its own; it is killed when this is dropped.
async fn surface() -> (Child, String) {
    let mut program = Command::new(example::program("surface"));
    program.args(["--port", "0"]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut surface = program.spawn().expect("the example can be run");
    let stdout = surface.stdout.take().expect("its output is piped");
    let line = BufReader::new(stdout).lines().next_line().await;
    let line = line.expect("its output can be read").expect("it says where it is");
    let url = line.split(' ').find(|word| word.starts_with("ws://")).expect("it says its URL");
    (surface, url.to_owned())
}

#[tokio::test]
async fn every_row_of_the_surface_example_behaves_as_expected() {
    // It has a WebSocket for those versions of Node that have none.
    if node::package("interop").is_none() {
        return;
    }
    let (_surface, url) = surface().await;
    let mut client = Command::new("node");
    client.arg("client.mjs").arg(&url).kill_on_drop(true);
    client.current_dir(node::directory("surface"));
    let client = timeout(TIME_LIMIT, client.output()).await.expect("it ends in time").expect("Node can be run");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(client.status.success(), "{}\n{}{}", client.status, text(&client.stdout), text(&client.stderr));
}
