//! Streams with a remote endpoint in JavaScript, which has no flow control.

use super::sources::SourcesService;
use super::{all, done, expect_close, item, request_item, stream_of_raw, take_buffered, until_error};
use serde_json::{Value, json};
use wswrapper::{CallError, Limits, Server, connection::Counters};
use wswrapper_tests::RawPeer;

/// Connects a raw peer and opens a stream for it on channel 1.
async fn open_stream(request: &str) -> (SourcesService, RawPeer, Server) {
    let service = SourcesService::default();
    let server = Server::builder().service(service.clone()).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(&format!(r#"{{"a":{request},"i":1}}"#)).await, json!({"i": 1, "h": 1}));
    (service, raw, server)
}

/// Checks that `frame` is a request with this item, and returns the request's id.
fn expect_item_request(frame: &Value, value: u32) -> u64 {
    let id = frame["i"].as_u64().expect("a request");
    assert_eq!(*frame, json!({"a": ["next", {"value": value, "done": false}], "h": 1, "i": id}));
    id
}

#[tokio::test]
async fn a_consumer_without_credit_gets_items_as_requests_one_at_a_time() {
    let (service, mut raw, _server) = open_stream(r#"["counted",3]"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    for n in 1..=3 {
        let id = expect_item_request(&raw.receive().await, n);
        raw.silence().await;
        assert_eq!(service.produced(), n as usize);
        raw.send(&json!({"i": id}).to_string()).await;
    }
    assert_eq!(raw.receive().await, done(1));
    service.alive.becomes(0).await;
    raw.silence().await;
}

#[tokio::test]
async fn ten_thousand_items_arrive_without_credit() {
    let (service, mut raw, _server) = open_stream(r#"["counted",10000]"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    for n in 1..=10_000 {
        let id = expect_item_request(&raw.receive().await, n);
        raw.send(&json!({"i": id}).to_string()).await;
    }
    assert_eq!(raw.receive().await, done(1));
    service.alive.becomes(0).await;
}

#[tokio::test]
async fn a_start_sent_as_a_request_is_answered() {
    let (_, mut raw, _server) = open_stream(r#"["counted",3]"#).await;
    assert_eq!(raw.ask(r#"{"a":["start"],"h":1,"i":2}"#).await, json!({"i": 2}));
    expect_item_request(&raw.receive().await, 1);
}

#[tokio::test]
async fn a_consumer_that_leaves_its_loop_pauses_the_stream_until_it_starts_again() {
    let (service, mut raw, server) = open_stream(r#"["endless"]"#).await;
    let id = expect_item_request(&raw.ask(r#"{"a":["start"],"h":1}"#).await, 1);
    let left = json!({"i": id, "e": {"message": "No event listener for 'next' on channel '1'"}, "_": 1});
    raw.send(&left.to_string()).await;
    raw.silence().await;
    assert_eq!((service.produced(), service.alive.count()), (1, 1));
    // The rejected item was not taken.
    let id = expect_item_request(&raw.ask(r#"{"a":["start"],"h":1}"#).await, 1);
    expect_item_request(&raw.ask(&json!({"i": id}).to_string()).await, 2);
    raw.send(r#"{"h":1,"x":{"message":"enough"},"_":1}"#).await;
    service.alive.becomes(0).await;
    raw.silence().await;
    assert_eq!(
        (service.log.has(1).await, server.peers()[0].counters()),
        (vec!["enough".to_owned()], Counters::default())
    );
}

#[tokio::test]
async fn a_consumer_that_left_its_loop_may_resume_with_credit() {
    let (_, mut raw, _server) = open_stream(r#"["endless"]"#).await;
    let id = expect_item_request(&raw.ask(r#"{"a":["start"],"h":1}"#).await, 1);
    raw.send(&json!({"i": id, "e": "gone"}).to_string()).await;
    raw.send(r#"{"a":["credit",2],"h":1}"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(raw.receive().await, item(1, 1));
    assert_eq!(raw.receive().await, item(1, 2));
    raw.silence().await;
}

#[tokio::test]
async fn a_repeated_start_is_ignored_while_the_stream_runs() {
    let (service, mut raw, _server) = open_stream(r#"["counted",3]"#).await;
    let id = expect_item_request(&raw.ask(r#"{"a":["start"],"h":1}"#).await, 1);
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    raw.silence().await;
    let id = expect_item_request(&raw.ask(&json!({"i": id}).to_string()).await, 2);
    // A repeated response, like those of several listeners.
    raw.send(&json!({"i": id}).to_string()).await;
    expect_item_request(&raw.ask(&json!({"i": id}).to_string()).await, 3);
    raw.silence().await;
    assert_eq!(service.produced(), 3);
}

#[tokio::test]
async fn a_start_after_the_finish_is_rejected() {
    let (_, mut raw, _server) = open_stream(r#"["counted",0]"#).await;
    assert_eq!(raw.ask(r#"{"a":["start"],"h":1}"#).await, done(1));
    let gone = json!({"message": "Anonymous channel '1' does not exist", "code": "ws:UnknownChannel"});
    assert_eq!(raw.ask(r#"{"a":["start"],"h":1}"#).await, json!({"h": 1, "x": gone, "_": 1}));
    assert_eq!(raw.ask(r#"{"a":["start"],"h":1,"i":7}"#).await, json!({"h": 1, "x": gone, "_": 1}));
    assert_eq!(raw.receive().await, json!({"i": 7, "e": gone, "_": 1}));
}

#[tokio::test]
async fn a_producer_without_flow_control_loses_nothing() {
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    request_item(&mut items);
    raw.receive().await;
    raw.receive().await;
    for n in 0..10_000 {
        raw.send(&item(channel, n).to_string()).await;
    }
    raw.send(&done(channel).to_string()).await;
    assert_eq!(all(items).await, (0..10_000).collect::<Vec<_>>());
    expect_close(raw).await;
}

#[tokio::test]
async fn a_producer_that_exceeded_its_credit_is_granted_no_more() {
    let (mut raw, items, channel) = stream_of_raw(Limits::default()).await;
    let mut items = items.window(2);
    request_item(&mut items);
    raw.receive().await;
    raw.receive().await;
    for n in 1..=3 {
        raw.send(&item(channel, n).to_string()).await;
    }
    raw.silence().await;
    assert_eq!((take_buffered(&mut items), take_buffered(&mut items), take_buffered(&mut items)), (1, 2, 3));
    request_item(&mut items);
    raw.silence().await;
}

#[tokio::test]
async fn every_truthy_done_finishes_the_stream_without_an_item() {
    for payload in [
        r#"{"done":true}"#,
        r#"{"value":7,"done":true}"#,
        r#"{"done":1}"#,
        r#"{"done":"yes","value":null}"#,
        r#"{"done":{},"more":[]}"#,
        r#"{"done":false,"done":true}"#,
    ] {
        let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
        raw.send(&item(channel, 1).to_string()).await;
        raw.send(&format!(r#"{{"a":["next",{payload}],"h":{channel}}}"#)).await;
        raw.silence().await;
        assert_eq!(take_buffered(&mut items), 1, "{payload}");
        assert!(items.next().await.is_none(), "{payload}");
        assert!(items.next().await.is_none(), "{payload}");
        raw.silence().await;
    }
}

#[tokio::test]
async fn a_payload_without_a_value_is_an_item_that_cannot_be_decoded() {
    let payloads = ["", ",5", ",null", ",\"x\"", ",[1]", ",{}", ",{\"done\":0}", ",{\"value\":null,\"done\":null}"];
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    for payload in payloads {
        raw.send(&format!(r#"{{"a":["next"{payload}],"h":{channel}}}"#)).await;
    }
    raw.send(&item(channel, 3).to_string()).await;
    raw.send(&done(channel).to_string()).await;
    for payload in payloads {
        let item = items.next().await;
        assert!(matches!(item, Some(Err(CallError::Decode(_)))), "{payload}: {item:?}");
    }
    assert_eq!(all(items).await, [3]);
}

#[tokio::test]
async fn items_sent_as_requests_are_answered_when_they_are_taken() {
    let (mut raw, items, channel) = stream_of_raw(Limits::default()).await;
    let mut items = items.window(2);
    request_item(&mut items);
    raw.receive().await;
    raw.receive().await;
    for n in 1..=3 {
        raw.send(&json!({"a": ["next", {"value": n, "done": false}], "h": channel, "i": n}).to_string()).await;
    }
    raw.silence().await;
    for n in 1..=3 {
        assert_eq!(take_buffered(&mut items), n);
        assert_eq!(raw.receive().await, json!({"i": n}));
        raw.silence().await;
    }
    // A producer that waits for each response sends one item at a time. A finish sent as a request is answered at once.
    for n in 4..=6 {
        raw.send(&json!({"a": ["next", {"value": n, "done": false}], "h": channel, "i": n}).to_string()).await;
        raw.silence().await;
        assert_eq!(take_buffered(&mut items), n);
        assert_eq!(raw.receive().await, json!({"i": n}));
    }
    let end = json!({"a": ["next", {"done": true}], "h": channel, "i": 7});
    assert_eq!(raw.ask(&end.to_string()).await, json!({"i": 7}));
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn items_sent_as_requests_are_rejected_when_the_stream_is_dropped() {
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    request_item(&mut items);
    raw.receive().await;
    raw.receive().await;
    raw.send(&json!({"a": ["next", {"value": 1, "done": false}], "h": channel, "i": 5}).to_string()).await;
    raw.silence().await;
    drop(items);
    let frames = [raw.receive().await, raw.receive().await];
    assert_eq!(frames[0], json!({"h": channel, "x": {"message": "Request aborted"}, "_": 1}));
    let aborted = json!({"message": "Request aborted", "code": "ws:ChannelClosed"});
    assert_eq!(frames[1], json!({"i": 5, "e": aborted, "_": 1}));
}

#[tokio::test]
async fn an_overflowing_stream_finishes_with_an_error_after_the_buffered_items() {
    let limits = Limits::default().max_stream_items(100);
    let (mut raw, items, channel) = stream_of_raw(limits).await;
    let mut items = items.window(8);
    request_item(&mut items);
    raw.receive().await;
    raw.receive().await;
    for n in 1..=150 {
        raw.write(&item(channel, n).to_string());
    }
    let abort = raw.receive().await;
    assert_eq!(abort["h"], channel);
    assert_eq!(abort["x"]["message"], "The consumer is too slow and its buffer is full");
    let (items, error) = until_error(items).await;
    assert_eq!(items, (1..=100).collect::<Vec<_>>());
    assert!(matches!(error, Some(CallError::Overflow { limit: "max_stream_items" })), "{error:?}");
    // The channel of later items does not exist any more.
    for _ in 101..150 {
        assert_eq!(raw.receive().await["x"]["message"], format!("Anonymous channel '{channel}' does not exist"));
    }
    expect_close(raw).await;
}

#[tokio::test]
async fn a_rejected_item_is_the_first_after_the_next_start() {
    let (service, mut raw, _server) = open_stream(r#"["counted",2]"#).await;
    let id = expect_item_request(&raw.ask(r#"{"a":["start"],"h":1}"#).await, 1);
    raw.send(&json!({"i": id, "e": {"message": "No event listener for 'next' on channel '1'"}, "_": 1}).to_string())
        .await;
    raw.silence().await;
    for n in [1, 2] {
        let id = if n == 1 {
            expect_item_request(&raw.ask(r#"{"a":["start"],"h":1}"#).await, n)
        } else {
            expect_item_request(&raw.receive().await, n)
        };
        raw.send(&json!({"i": id}).to_string()).await;
    }
    assert_eq!(raw.receive().await, done(1));
    assert_eq!(service.produced(), 2);
    raw.silence().await;
}

#[tokio::test]
async fn an_item_may_be_rejected_more_than_once() {
    let (service, mut raw, _server) = open_stream(r#"["counted",1]"#).await;
    for _ in 0..5 {
        let id = expect_item_request(&raw.ask(r#"{"a":["start"],"h":1}"#).await, 1);
        raw.send(&json!({"i": id, "e": "gone"}).to_string()).await;
        raw.silence().await;
    }
    let id = expect_item_request(&raw.ask(r#"{"a":["start"],"h":1}"#).await, 1);
    assert_eq!(raw.ask(&json!({"i": id}).to_string()).await, done(1));
    service.alive.becomes(0).await;
}
