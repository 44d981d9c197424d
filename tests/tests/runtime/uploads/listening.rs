//! Callers that may not listen yet when their upload opens [X-05], and items that are rejected [P-85].

use super::{DepotProxy, WatchedSource, depot_server};
use futures_util::stream;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use wswrapper::{Client, Limits, Server, Upload, connection::Counters, ws_handlers};
use wswrapper_tests::{RawPeer, let_others_run, until};

#[tokio::test]
async fn an_upload_that_is_called_by_hand_starts_after_the_request_for_its_result() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["sum",5,"m"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.silence().await;
    assert_eq!(service.handlers.count(), 1);
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"a":["credit",8],"h":1}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["start"],"h":1}"#);
    raw.silence().await;
    raw.send(r#"{"a":["next",{"value":2,"done":false}],"h":1}"#).await;
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    assert_eq!(raw.receive().await, json!({"i": 2, "d": "7 m"}));
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn requests_that_are_handed_over_in_one_turn_get_the_start_last() {
    let (_, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.write(r#"{"a":["sum",5,"m"],"i":1}"#);
    raw.write(r#"{"a":["result"],"h":1,"i":2}"#);
    assert_eq!(raw.receive().await, json!({"i": 1, "h": 1}));
    assert_eq!(raw.receive().await, json!({"a": ["credit", 8], "h": 1}));
    assert_eq!(raw.receive().await, json!({"a": ["start"], "h": 1}));
    raw.silence().await;
}

#[tokio::test]
async fn an_upload_moved_to_a_task_starts_after_the_request_for_its_result() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["hand_on",true],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.silence().await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    assert_eq!(raw.receive().await, json!({"a": ["credit", 8], "h": 1}));
    assert_eq!(raw.receive().await, json!({"a": ["start"], "h": 1}));
    raw.send(r#"{"a":["next",{"value":2,"done":false}],"h":1}"#).await;
    assert_eq!(service.log.has(1).await, ["2"]);
    raw.send(r#"{"i":2,"x":1}"#).await;
    service.handlers.becomes(0).await;
    assert_eq!(raw.receive().await["h"], 1);
    until(|| peer.counters() == Counters::default()).await;
}

#[tokio::test]
async fn an_upload_whose_handler_has_dropped_it_does_not_start() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    // The handler takes one item, which comes before the start, and waits.
    assert_eq!(raw.ask(r#"{"a":["let_go",1],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.silence().await;
    raw.send(r#"{"a":["next",{"value":1,"done":false}],"h":1}"#).await;
    let_others_run().await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    raw.silence().await;
    service.permits.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 1}));
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn an_upload_whose_result_is_never_requested_is_stopped_by_an_abort() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["sum",5,"m"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.silence().await;
    raw.send(r#"{"h":1,"x":1}"#).await;
    service.handlers.becomes(0).await;
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

/// Returns a raw peer that has received the first item of an upload as a request, and the request's id.
async fn first_item_as_request(
    source: &WatchedSource,
    limits: Limits,
) -> (RawPeer, Client, impl Future<Output = String> + use<>, Value) {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let call = tokio::spawn(DepotProxy::new(&client).sum(0, source.numbers(), ""));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    raw.receive().await;
    let item = raw.ask(r#"{"a":["start"],"h":268435457}"#).await;
    assert_eq!(item["a"][1]["value"], 1);
    let result = async { call.await.expect("no panic").expect("an answer") };
    (raw, client, result, item["i"].clone())
}

#[tokio::test]
async fn a_rejected_item_of_an_upload_is_the_first_after_the_next_start() {
    let source = WatchedSource::default();
    let (mut raw, _client, result, id) = first_item_as_request(&source, Limits::default()).await;
    raw.send(&json!({"i": id, "e": "gone"}).to_string()).await;
    raw.silence().await;
    let again = raw.ask(r#"{"a":["start"],"h":268435457}"#).await;
    assert_eq!((&again["a"][1]["value"], source.polled()), (&json!(1), 1));
    // It was taken now.
    let second = raw.ask(&json!({"i": again["i"]}).to_string()).await;
    assert_eq!(second["a"][1]["value"], 2);
    // A start with credit continues with the rejected item, too.
    raw.send(&json!({"i": second["i"], "e": "gone"}).to_string()).await;
    raw.send(r#"{"a":["credit",2],"h":268435457}"#).await;
    raw.send(r#"{"a":["start"],"h":268435457}"#).await;
    for n in [2, 3] {
        assert_eq!(raw.receive().await, wswrapper_tests::item(268_435_457, n));
    }
    raw.send(r#"{"i":268435458,"d":"enough"}"#).await;
    assert_eq!(result.await, "enough");
}

#[tokio::test]
async fn a_rejected_item_that_has_filled_the_queue_is_sent_again() {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(Limits::default().max_outbound_bytes(2_000)));
    let parts = ["x".repeat(3_000), "y".to_owned(), "z".to_owned()];
    let call = tokio::spawn(DepotProxy::new(&client).collect(stream::iter(parts.clone().map(Ok))));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    raw.receive().await;
    let mut frame = raw.ask(r#"{"a":["start"],"h":268435457}"#).await;
    for _ in 0..2 {
        assert_eq!(frame["a"][1]["value"], parts[0]);
        raw.send(&json!({"i": frame["i"], "e": "gone"}).to_string()).await;
        raw.silence().await;
        frame = raw.ask(r#"{"a":["start"],"h":268435457}"#).await;
    }
    for part in parts {
        assert_eq!(frame["a"][1]["value"], part);
        frame = raw.ask(&json!({"i": frame["i"]}).to_string()).await;
    }
    assert_eq!(frame, json!({"a": ["next", {"done": true}], "h": 268_435_457}));
    raw.send(r#"{"i":268435458,"d":"enough"}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), "enough");
}

/// A result that panics while it is encoded.
struct Bomb;

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("boom")
    }
}

struct Bombs;

#[ws_handlers]
impl Bombs {
    pub async fn bomb(&self, _numbers: Upload<u8>) -> Bomb {
        Bomb
    }
}

#[tokio::test]
async fn a_result_of_an_upload_that_panics_while_it_is_encoded_is_rejected_once() {
    let server = Server::builder().service(Bombs).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["bomb"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    assert_eq!(raw.receive().await, json!({"h": 1, "x": {"message": "Request aborted"}, "_": 1}));
    let aborted = json!({"message": "Request aborted", "code": "ws:ChannelClosed"});
    assert_eq!(raw.receive().await, json!({"i": 2, "e": aborted, "_": 1}));
    raw.silence().await;
    until(|| peer.counters() == Counters::default()).await;
}
