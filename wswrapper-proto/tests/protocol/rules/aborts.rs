//! Requests that are unanswered when their channel is aborted [P-30, P-63].

use crate::core_peer::{
    HANDLER, Peer, abort_frame, connected, handle, local_channel, remote_channel, request_on, sent,
    unknown_channel_abort, unknown_channel_rejection,
};
use crate::proto::{ChannelKey, Incoming, Reason, Role};

const LEFT: &str = r#"{"message":"left"}"#;

fn rejection(id: u64, reason: &str) -> String {
    let mark = if reason.starts_with('{') { r#","_":1"# } else { "" };
    format!(r#"{{"i":{id},"e":{reason}{mark}}}"#)
}

/// Returns a consumer that holds two items which came as requests 1 and 2.
fn consumer_with_item_requests() -> (Peer, ChannelKey) {
    let mut peer = connected();
    let key = remote_channel(&mut peer, Role::Consumer);
    peer.consumer(key).start(None);
    sent(&mut peer);
    for id in [1, 2] {
        let frame = format!(r#"{{"a":["next",{{"value":{id},"done":false}}],"h":{},"i":{id}}}"#, key.id());
        assert!(matches!(handle(&mut peer, &frame), Incoming::Item(..)));
    }
    (peer, key)
}

/// Returns the channel of an upload whose handler runs. The result was requested with id 8.
fn upload_with_result_request() -> (Peer, ChannelKey) {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Upload);
    handle(&mut peer, r#"{"a":["result"],"h":7,"i":8}"#);
    (peer, key)
}

#[test]
fn items_sent_as_requests_are_rejected_with_the_reason_of_the_peers_abort() {
    for (reason, mark) in
        [(LEFT, r#","_":1"#), (r#""bare""#, ""), ("5", ""), (r#"{"message":"m","code":"Own"}"#, r#","_":1"#)]
    {
        let (mut peer, key) = consumer_with_item_requests();
        let abort = format!(r#"{{"h":{},"x":{reason}{mark}}}"#, key.id());
        assert!(matches!(handle(&mut peer, &abort), Incoming::ChannelAborted(..)));
        assert_eq!(sent(&mut peer), [rejection(1, reason), rejection(2, reason)]);
        assert!(matches!(handle(&mut peer, &abort), Incoming::Nothing));
        peer.consumer(key).take(2, 2);
        assert!(sent(&mut peer).is_empty(), "each request has one response");
    }
}

#[test]
fn peers_abort_without_a_value_rejects_with_an_error() {
    let (mut peer, key) = consumer_with_item_requests();
    handle(&mut peer, &format!(r#"{{"h":{},"x":null}}"#, key.id()));
    assert_eq!(sent(&mut peer), [rejection(1, r#"{"message":"Error"}"#), rejection(2, r#"{"message":"Error"}"#)]);
}

#[test]
fn items_sent_as_requests_are_rejected_after_the_local_abort() {
    let (mut peer, key) = consumer_with_item_requests();
    peer.abort_channel(key, Some(&Reason::new("left")));
    let abort = format!(r#"{{"h":{},"x":{LEFT},"_":1}}"#, key.id());
    assert_eq!(sent(&mut peer), [abort, rejection(1, LEFT), rejection(2, LEFT)]);
    assert_eq!(peer.abort_channel(key, None), None);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn taken_items_are_not_rejected_by_a_later_abort() {
    let (mut peer, key) = consumer_with_item_requests();
    peer.consumer(key).take(1, 1);
    assert_eq!(sent(&mut peer), [r#"{"i":1}"#]);
    handle(&mut peer, &format!(r#"{{"h":{},"x":{LEFT},"_":1}}"#, key.id()));
    assert_eq!(sent(&mut peer), [rejection(2, LEFT)]);
}

#[test]
fn item_that_overflows_is_rejected_after_the_abort() {
    let bounds = crate::proto::Bounds { stream_items: 1, ..Default::default() };
    let error = r#"{"message":"The consumer is too slow and its buffer is full","code":"ws:TooMany"}"#;
    let mut peer = crate::core_peer::bounded(bounds);
    let number = remote_channel(&mut peer, Role::Consumer).id();
    let next = |number, id| format!(r#"{{"a":["next",{{"value":1,"done":false}}],"h":{number},"i":{id}}}"#);
    handle(&mut peer, &next(number.get(), 1));
    handle(&mut peer, &next(number.get(), 2));
    let abort = format!(r#"{{"h":{number},"x":{error},"_":1}}"#);
    assert_eq!(sent(&mut peer), [abort, rejection(1, error), rejection(2, error)]);
    // The handler of an upload still takes the earlier item.
    let mut peer = crate::core_peer::bounded(bounds);
    let key = local_channel(&mut peer, Role::Upload);
    handle(&mut peer, &next(7, 1));
    handle(&mut peer, &next(7, 2));
    assert_eq!(sent(&mut peer), [format!(r#"{{"h":7,"x":{error},"_":1}}"#), rejection(2, error)]);
    peer.consumer(key).take(1, 1);
    assert_eq!(sent(&mut peer), [r#"{"i":1}"#]);
}

#[test]
fn request_for_the_result_is_rejected_after_the_local_abort() {
    let (mut peer, key) = upload_with_result_request();
    peer.abort_channel(key, Some(&Reason::new("left")));
    assert_eq!(sent(&mut peer), [format!(r#"{{"h":7,"x":{LEFT},"_":1}}"#), rejection(8, LEFT)]);
    assert_eq!(peer.running_handlers(), 0);
    let (mut peer, key) = upload_with_result_request();
    peer.abort_channel(key, None);
    let aborted = r#"{"message":"Request aborted","code":"ws:ChannelClosed"}"#;
    assert_eq!(sent(&mut peer), [abort_frame(7), rejection(8, aborted)]);
}

#[test]
fn request_for_the_result_that_was_answered_or_cancelled_is_not_rejected() {
    let (mut peer, key) = upload_with_result_request();
    peer.handler_finished(crate::core_peer::id(8), &HANDLER);
    peer.abort_channel(key, None);
    assert_eq!(sent(&mut peer), [abort_frame(7)]);
    let (mut peer, key) = upload_with_result_request();
    handle(&mut peer, r#"{"i":8,"x":"stop"}"#);
    peer.abort_channel(key, None);
    assert_eq!(sent(&mut peer), [abort_frame(7)]);
}

#[test]
fn closed_channel_rejects_the_items_that_came_as_requests() {
    let (mut peer, key) = consumer_with_item_requests();
    peer.close_channel(key);
    let number = key.id();
    assert_eq!(sent(&mut peer), [unknown_channel_rejection(1, number), unknown_channel_rejection(2, number)]);
    handle(&mut peer, &format!(r#"{{"h":{number},"x":1}}"#));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn request_that_comes_after_the_abort_is_rejected_once() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Plain);
    peer.abort_channel(key, None);
    sent(&mut peer);
    handle(&mut peer, r#"{"a":["q"],"h":7,"i":9}"#);
    assert_eq!(sent(&mut peer), [unknown_channel_abort(7), unknown_channel_rejection(9, 7)]);
}

#[test]
fn response_to_a_call_on_an_aborted_channel_is_ignored() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Plain);
    let call = request_on(&mut peer, key, 2).expect("an open channel");
    handle(&mut peer, r#"{"h":7,"x":1}"#);
    sent(&mut peer);
    assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{call},"e":{LEFT},"_":1}}"#)), Incoming::Nothing));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn response_on_a_closed_connection_is_dropped() {
    let mut peer = connected();
    peer.close();
    peer.respond(br#"{"i":1}"#.to_vec());
    assert!(peer.is_drained());
    peer.open();
    assert!(sent(&mut peer).is_empty(), "a response of an old connection is not sent on a new one");
}
