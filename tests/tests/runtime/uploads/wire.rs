//! Frames of uploads, from both endpoints.

use super::{DepotProxy, DepotService, WatchedSource, depot_server};
use futures_util::stream;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use tokio::task::JoinHandle;
use wswrapper::{CallError, Client, Peer, Server, connection::Counters};
use wswrapper_tests::{RawPeer, until};

/// Returns a raw peer, and a client whose call to `sum` has sent both requests and waits for `start`.
async fn waiting_call(source: &WatchedSource) -> (RawPeer, Client, JoinHandle<Result<String, CallError<Infallible>>>) {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(DepotProxy::new(&client).sum(0, source.numbers(), ""));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    raw.receive().await;
    (raw, client, call)
}

/// Connects a raw peer whose upload to `sum` is on channel 1 and was asked for items.
async fn open_sum_upload() -> (DepotService, RawPeer, Peer, Server) {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["sum",0,"m"],"i":1,"m":{"u":1}}"#).await, json!({"i": 1, "h": 1}));
    assert_eq!(raw.receive().await, json!({"a": ["credit", 8], "h": 1}));
    assert_eq!(raw.receive().await, json!({"a": ["start"], "h": 1}));
    (service, raw, peer, server)
}

#[tokio::test]
async fn a_handler_of_an_upload_sends_the_frames_of_the_protocol() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["sum",5,"m"],"i":1,"m":{"u":1}}"#).await, json!({"i": 1, "h": 1}));
    assert_eq!(raw.receive_text().await, r#"{"a":["credit",8],"h":1}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["start"],"h":1}"#);
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    for group in 0..8 {
        for n in 4 * group + 1..=4 * group + 4 {
            raw.send(&format!(r#"{{"a":["next",{{"value":{n},"done":false}}],"h":1}}"#)).await;
        }
        assert_eq!(raw.receive_text().await, r#"{"a":["credit",4],"h":1}"#);
    }
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"i":2,"d":"533 m"}"#);
    raw.silence().await;
    service.handlers.becomes(0).await;
    assert_eq!(peer.counters(), Counters::default());
    // The channel does not exist any more.
    let gone = json!({"message": "Anonymous channel '1' does not exist", "code": "ws:UnknownChannel"});
    assert_eq!(raw.ask(r#"{"a":["result"],"h":1,"i":3}"#).await, json!({"h": 1, "x": gone, "_": 1}));
    assert_eq!(raw.receive().await, json!({"i": 3, "e": gone, "_": 1}));
}

#[tokio::test]
async fn a_caller_sends_the_frames_of_the_protocol() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(DepotProxy::new(&client).sum(5, stream::iter(1..=3), "m"));
    assert_eq!(raw.receive_text().await, r#"{"a":["sum",5,"m"],"i":268435457,"m":{"u":1}}"#);
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"a":["result"],"h":268435457,"i":268435458}"#);
    raw.silence().await;
    raw.send(r#"{"a":["credit",2],"h":268435457}"#).await;
    raw.send(r#"{"a":["start"],"h":268435457}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"a":["next",{"value":1,"done":false}],"h":268435457}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["next",{"value":2,"done":false}],"h":268435457}"#);
    raw.silence().await;
    raw.send(r#"{"a":["credit",1],"h":268435457}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"a":["next",{"value":3,"done":false}],"h":268435457}"#);
    // The finish needs no credit.
    assert_eq!(raw.receive_text().await, r#"{"a":["next",{"done":true}],"h":268435457}"#);
    raw.send(r#"{"i":268435458,"d":"11 m"}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), "11 m");
    raw.silence().await;
    assert_eq!(client.counters(), Counters::default());
}

#[tokio::test]
async fn items_are_sent_one_by_one_to_a_handler_without_credit() {
    let source = WatchedSource::default();
    let (mut raw, _client, call) = waiting_call(&source).await;
    raw.send(r#"{"a":["start"],"h":268435457}"#).await;
    for n in 1..=3 {
        let (value, id) = (json!({"value": n, "done": false}), 268_435_458 + n);
        assert_eq!(raw.receive().await, json!({"a": ["next", value], "h": 268_435_457, "i": id}));
        raw.silence().await;
        assert_eq!(source.polled(), n);
        raw.send(&json!({"i": id}).to_string()).await;
    }
    raw.receive().await;
    raw.send(r#"{"i":268435458,"d":"enough"}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), "enough");
    source.alive.becomes(0).await;
}

#[tokio::test]
async fn wrong_arguments_are_rejected_without_a_channel() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for (arguments, message) in [
        (r#""sum","x","m""#, "argument 1 (`start`) of `sum`: invalid type: string \"x\", expected i64"),
        (r#""sum",1"#, "too few arguments for `sum`: expected 2 (`start`, `unit`), got 1"),
        (r#""sum",1,"m",3"#, "too many arguments for `sum`: expected 2 (`start`, `unit`), got 3"),
    ] {
        let request = format!(r#"{{"a":[{arguments}],"i":1}}"#);
        assert_eq!(
            raw.ask(&request).await,
            json!({"i": 1, "e": {"message": message, "code": "ws:BadArguments"}, "_": 1})
        );
    }
    raw.silence().await;
    raw.send(r#"{"a":["sum",1,"m"]}"#).await;
    let reports = service.log.has(1).await;
    let dropped = "event `sum` was dropped: `sum` answers with a channel, and an event has no answer";
    assert_eq!(reports, [dropped]);
    raw.silence().await;
    service.handlers.becomes(0).await;
}

#[tokio::test]
async fn a_result_that_is_never_requested_is_not_sent() {
    let (service, mut raw, peer, _server) = open_sum_upload().await;
    raw.send(r#"{"a":["next",{"value":7,"done":false}],"h":1}"#).await;
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    service.handlers.becomes(0).await;
    until(|| peer.counters() == Counters::default()).await;
    // A caller that has not finished its items can still request the result.
    raw.receive().await;
    assert_eq!(raw.ask(r#"{"a":["first",0],"i":2}"#).await, json!({"i": 2, "h": 1}));
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["result"],"h":2,"i":3}"#).await, json!({"i": 3, "d": []}));
    until(|| peer.counters() == Counters::default()).await;
}

#[tokio::test]
async fn a_result_can_be_requested_once() {
    let (service, mut raw, _, _server) = open_sum_upload().await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    let refused = json!({"message": "No event listener for 'result' on channel '1'", "code": "ws:UnknownEvent"});
    assert_eq!(raw.ask(r#"{"a":["result"],"h":1,"i":3}"#).await, json!({"i": 3, "e": refused, "_": 1}));
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    assert_eq!(raw.receive().await, json!({"i": 2, "d": "0 m"}));
    service.handlers.becomes(0).await;
}

#[tokio::test]
async fn an_abort_by_the_caller_finishes_the_items() {
    let (service, mut raw, peer, _server) = open_sum_upload().await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    raw.send(r#"{"a":["next",{"value":7,"done":false}],"h":1}"#).await;
    raw.send(r#"{"h":1,"x":{"message":"no more"},"_":1}"#).await;
    assert_eq!(raw.receive().await, json!({"i": 2, "d": "no more"}));
    service.handlers.becomes(0).await;
    // An abort before the request for the result cancels the handler.
    assert_eq!(raw.ask(r#"{"a":["wait"],"i":3}"#).await, json!({"i": 3, "h": 1}));
    raw.send(r#"{"h":3,"x":{"message":"changed my mind"},"_":1}"#).await;
    assert_eq!(service.log.has(1).await, ["changed my mind"]);
    service.handlers.becomes(0).await;
    until(|| peer.counters() == Counters::default()).await;
    raw.silence().await;
}

#[tokio::test]
async fn items_sent_as_requests_are_answered_when_they_are_taken() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["let_go",1],"i":1,"m":{"u":1}}"#).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["next",{"value":1,"done":false}],"h":1,"i":3}"#).await, json!({"i": 3}));
    // The handler takes no further items and continues.
    let refused = json!({"message": "No event listener for 'next' on channel '1'", "code": "ws:UnknownEvent"});
    let item = r#"{"a":["next",{"value":2,"done":false}],"h":1,"i":4}"#;
    assert_eq!(raw.ask(item).await, json!({"i": 4, "e": refused, "_": 1}));
    raw.send(r#"{"a":["next",{"value":3,"done":false}],"h":1}"#).await;
    raw.send(r#"{"a":["next",{"value":4,"done":false],"h":1}"#).await;
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["next",{"done":true}],"h":1,"i":5}"#).await, json!({"i": 5}));
    service.permits.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 1}));
    assert_eq!(peer.counters(), Counters::default());

    // Items that were not taken before the call was cancelled are rejected, too.
    raw.ask(r#"{"a":["slow",8],"i":6}"#).await;
    raw.send(r#"{"a":["next",{"value":1,"done":false}],"h":6,"i":7}"#).await;
    raw.silence().await;
    raw.send(r#"{"a":["result"],"h":6,"i":8}"#).await;
    raw.send(r#"{"i":8,"x":{"message":"stop"},"_":1}"#).await;
    assert_eq!(raw.receive().await, json!({"h": 6, "x": {"message": "Request aborted"}, "_": 1}));
    let aborted = json!({"message": "Request aborted", "code": "ws:ChannelClosed"});
    assert_eq!(raw.receive().await, json!({"i": 7, "e": aborted, "_": 1}));
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_cancelled_when_the_deadline_of_its_result_passes() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["wait"],"i":1}"#).await;
    raw.send(r#"{"a":["result"],"h":1,"i":2,"m":{"t":5000}}"#).await;
    tokio::time::sleep(Duration::from_millis(4_900)).await;
    assert_eq!(service.handlers.count(), 1);
    service.handlers.becomes(0).await;
    assert_eq!(service.log.has(1).await, ["The caller's time ran out"]);
    assert_eq!(raw.receive().await["h"], 1);
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn an_abort_by_the_handlers_endpoint_fails_the_call() {
    let source = WatchedSource::default();
    let (mut raw, _client, call) = waiting_call(&source).await;
    raw.send(r#"{"h":268435457,"x":{"message":"no"},"_":1}"#).await;
    let error = call.await.expect("no panic");
    assert!(matches!(error, Err(CallError::ChannelClosed(_))), "{error:?}");
    source.alive.becomes(0).await;
    raw.silence().await;
}

#[tokio::test]
async fn a_plain_response_finishes_the_call_before_the_first_item() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let depot = DepotProxy::new(&client);
    for (answer, expected) in [
        (json!({"d": "at once"}), Ok("at once".to_owned())),
        (json!({"e": {"message": "no"}, "_": 1}), Err("no".to_owned())),
    ] {
        let source = WatchedSource::default();
        let call = tokio::spawn(depot.sum(0, source.numbers(), ""));
        let id = &raw.receive().await["i"];
        let mut answer = answer;
        answer["i"] = id.clone();
        raw.send(&answer.to_string()).await;
        assert_eq!(call.await.expect("no panic").map_err(|error| error.to_string()), expected);
        assert_eq!((source.polled(), source.alive.count()), (0, 0));
    }
    raw.silence().await;
}
