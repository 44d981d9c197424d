//! Handlers that run once.

use super::server;
use serde_json::json;
use std::error::Error;
use std::time::Duration;
use wswrapper::Server;
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn a_once_handler_is_not_consumed_by_a_call_with_wrong_arguments() -> Result<(), Box<dyn Error>> {
    let server = server();
    let (mut raw, _) = RawPeer::dial(&server);
    server.once("take", |n: i64| async move { n })?;
    assert_eq!(raw.ask(r#"{"a":["take","x"],"i":1}"#).await["_"], 1);
    assert_eq!(raw.ask(r#"{"a":["take",7],"i":2}"#).await, json!({"i": 2, "d": 7}));
    assert_eq!(raw.ask(r#"{"a":["take",7],"i":3}"#).await["e"]["message"], "No event listener for 'take'");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_once_handler_is_not_consumed_by_a_call_whose_deadline_passed() -> Result<(), Box<dyn Error>> {
    // No handler starts in the first five seconds.
    let server = Server::builder().on_open(|_| tokio::time::sleep(Duration::from_secs(5))).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    for (first, event) in [(1, "server's"), (3, "peer's")] {
        let handler = || async { 7 };
        if event == "server's" { server.once(event, handler) } else { peer.once(event, handler) }?;
        raw.send(&json!({"a": [event], "i": first, "m": {"t": 1_000}}).to_string()).await;
        raw.send(&json!({"a": [event], "i": first + 1}).to_string()).await;
    }
    for id in [2, 4] {
        assert_eq!(raw.receive().await, json!({"i": id, "d": 7}));
    }
    raw.silence().await;
    Ok(())
}

#[tokio::test]
async fn a_channel_exists_until_its_once_handler_has_run() -> Result<(), Box<dyn Error>> {
    let server = server();
    let (mut raw, peer) = RawPeer::dial(&server);
    // A handler that is not on the channel.
    peer.on("x", || async {})?;
    peer.channel("io").once("take", |n: i64| async move { n })?;
    assert_eq!(raw.ask(r#"{"a":["take","x"],"c":"io","i":1}"#).await["_"], 1);
    let unknown = raw.ask(r#"{"a":["other"],"c":"io","i":2}"#).await;
    assert_eq!(unknown["e"]["message"], "No event listener for 'other' on channel 'io'");
    assert_eq!(raw.ask(r#"{"a":["take",7],"c":"io","i":3}"#).await, json!({"i": 3, "d": 7}));
    let gone = raw.ask(r#"{"a":["take",7],"c":"io","i":4}"#).await;
    assert_eq!(gone["e"]["message"], "Channel 'io' does not exist");
    Ok(())
}
