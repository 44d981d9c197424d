//! Uploads whose result is requested late or never.

use serde_json::json;
use std::error::Error;
use wswrapper::{Server, Upload, connection::Counters, ws_handlers};
use wswrapper_tests::{RawPeer, until};

/// Drops the upload and returns a result.
struct DropsUpload;

#[ws_handlers]
impl DropsUpload {
    pub async fn sum(&self, numbers: Upload<i64>) -> i64 {
        drop(numbers);
        5
    }
}

#[tokio::test(start_paused = true)]
async fn a_finished_upload_is_closed_without_a_request_for_its_result() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(DropsUpload).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["sum"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.silence().await;
    raw.send(r#"{"a":["next",{"value":7,"done":false}],"h":1}"#).await;
    raw.silence().await;
    assert_eq!(peer.counters().open_channels, 1, "its result can still be requested");
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    until(|| peer.counters() == Counters::default()).await;
    let not_requested = json!({"message": "The result was not asked for", "code": "ws:ChannelClosed"});
    assert_eq!(raw.receive().await, json!({"h": 1, "x": not_requested, "_": 1}));
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_upload_finished_by_a_request_is_closed_without_a_request_for_its_result() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(DropsUpload).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["sum"],"i":1}"#).await;
    assert_eq!(raw.ask(r#"{"a":["next",{"done":true}],"h":1,"i":2}"#).await, json!({"i": 2}));
    until(|| peer.counters() == Counters::default()).await;
    assert_eq!(raw.receive().await["x"]["message"], "The result was not asked for");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_result_requested_before_the_finish_is_sent() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(DropsUpload).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["sum"],"i":1}"#).await;
    assert_eq!(raw.ask(r#"{"a":["result"],"h":1,"i":2}"#).await, json!({"i": 2, "d": 5}));
    until(|| peer.counters() == Counters::default()).await;
    raw.silence().await;
    Ok(())
}
