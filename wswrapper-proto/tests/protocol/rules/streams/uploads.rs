//! Uploads [X-05].

use crate::core_peer::{
    HANDLER, Peer, bounded, connected, handle, id, local_channel, notifications, remote_channel, sent,
    unknown_channel_abort,
};
use crate::proto::{
    Allowance, AwaitedResult, Bounds, CallEncoder, ChannelKey, Incoming, Notification, Reason, Response, Role,
    StreamBound,
};
use std::time::{Duration, Instant};

/// Returns the channel of a handler that takes an upload.
fn upload() -> (Peer, ChannelKey) {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Upload);
    (peer, key)
}

const RESULT: &str = r#"{"a":["result"],"h":7,"i":8}"#;
const ITEM: &str = r#"{"a":["next",{"value":"v","done":false}],"h":7}"#;
const DONE: &str = r#"{"a":["next",{"done":true}],"h":7}"#;

#[test]
fn result_of_an_upload_goes_to_the_first_request_for_it() {
    let (mut peer, key) = upload();
    assert_eq!(peer.consumer(key).awaited_result(), AwaitedResult::NotYet);
    assert!(
        matches!(handle(&mut peer, r#"{"a":["result"],"h":7}"#), Incoming::ChannelCall("in", _)),
        "an event is passed to the handlers"
    );
    let incoming = handle(&mut peer, RESULT);
    assert!(matches!(incoming, Incoming::ResultAwaited(Some(HANDLER), seen) if seen == id(8)), "{incoming:?}");
    assert_eq!((peer.consumer(key).awaited_result(), peer.running_handlers()), (AwaitedResult::Request(id(8)), 1));
    let second = r#"{"a":["result"],"h":7,"i":9}"#;
    assert!(matches!(handle(&mut peer, second), Incoming::ChannelCall("in", _)));
    assert_eq!((peer.consumer(key).awaited_result(), peer.running_handlers()), (AwaitedResult::Request(id(8)), 1));
    assert_eq!((peer.close_channel(key), peer.running_handlers()), (Some("in"), 0));
    assert_eq!(peer.consumer(key).awaited_result(), AwaitedResult::Never);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn cancellation_of_the_result_request_cancels_the_handler() {
    let (mut peer, key) = upload();
    handle(&mut peer, RESULT);
    assert!(matches!(handle(&mut peer, r#"{"i":8,"x":"stop"}"#), Incoming::Cancelled(HANDLER, _)));
    assert!(matches!(handle(&mut peer, r#"{"i":8,"x":"stop"}"#), Incoming::Nothing));
    assert_eq!((peer.running_handlers(), peer.is_channel_open(key)), (0, true));
}

#[test]
fn caller_timeout_of_the_result_request_expires_the_handler() {
    let (mut peer, _) = upload();
    let now = Instant::now();
    peer.handle_frame(r#"{"a":["result"],"h":7,"i":8,"m":{"t":20}}"#, now);
    let due = now + Duration::from_millis(20);
    assert_eq!(peer.poll_timeout(), Some(due));
    peer.handle_timeout(due);
    assert_eq!(notifications(&mut peer), [Notification::HandlerExpired(HANDLER)]);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn abort_of_an_upload_stops_its_items_but_not_its_result() {
    let (mut peer, key) = upload();
    handle(&mut peer, RESULT);
    let incoming = handle(&mut peer, r#"{"h":7,"x":{"message":"m"},"_":1}"#);
    assert!(matches!(incoming, Incoming::ChannelAborted(seen, "in", None, _) if seen == key), "{incoming:?}");
    assert!(matches!(handle(&mut peer, r#"{"h":7,"x":1}"#), Incoming::Nothing), "the items are aborted once");
    assert_eq!((peer.consumer(key).awaited_result(), peer.running_handlers()), (AwaitedResult::Request(id(8)), 1));
    assert!(matches!(handle(&mut peer, ITEM), Incoming::Nothing));
    assert_eq!(sent(&mut peer), [unknown_channel_abort(7)]);
    assert_eq!(peer.close_channel(key), Some("in"));
}

#[test]
fn finished_upload_items_leave_the_channel_open_for_the_result() {
    let (mut peer, key) = upload();
    peer.consumer(key).start(Some(2));
    sent(&mut peer);
    for frame in [ITEM, ITEM, DONE] {
        assert!(matches!(handle(&mut peer, frame), Incoming::Item("in", _)));
    }
    assert_eq!(peer.consumer(key).awaited_result(), AwaitedResult::Never, "no result is requested after the last item");
    peer.consumer(key).take(2, 6);
    assert!(sent(&mut peer).is_empty(), "no credit is sent after the last item");
    assert!(matches!(handle(&mut peer, r#"{"h":7,"x":1}"#), Incoming::Nothing));
    assert!(matches!(handle(&mut peer, RESULT), Incoming::ResultAwaited(Some(HANDLER), _)));
    assert_eq!(peer.consumer(key).awaited_result(), AwaitedResult::Request(id(8)));
    handle(&mut peer, DONE);
    assert_eq!((sent(&mut peer), peer.open_channels()), (vec![unknown_channel_abort(7)], 1));
}

#[test]
fn overflow_of_an_upload_leaves_its_handler_running() {
    let mut peer = bounded(Bounds { stream_items: 1, ..Bounds::default() });
    let key = local_channel(&mut peer, Role::Upload);
    handle(&mut peer, RESULT);
    handle(&mut peer, ITEM);
    assert!(matches!(handle(&mut peer, ITEM), Incoming::Overflow("in", StreamBound::Items)));
    assert_eq!((peer.running_handlers(), peer.open_channels(), sent(&mut peer).len()), (1, 1, 1));
    assert_eq!(peer.close_channel(key), Some("in"));
}

#[test]
fn handler_that_stops_reading_an_upload_still_sends_its_result() {
    let (mut peer, key) = upload();
    handle(&mut peer, RESULT);
    let next = |id| format!(r#"{{"a":["next",{{"value":"v","done":false}}],"h":7,"i":{id}}}"#);
    let error = r#"{"message":"No event listener for 'next' on channel '7'","code":"ws:UnknownEvent"}"#;
    let rejection = |id| format!(r#"{{"i":{id},"e":{error},"_":1}}"#);
    handle(&mut peer, &next(9));
    assert!(peer.consumer(key).stop(None));
    assert_eq!(sent(&mut peer), [rejection(9)]);
    assert!(!peer.consumer(key).stop(None));
    assert!(matches!(handle(&mut peer, ITEM), Incoming::Nothing));
    assert!(matches!(handle(&mut peer, &next(10)), Incoming::Nothing));
    assert_eq!(sent(&mut peer), [rejection(10)]);
    let malformed = r#"{"a":["next",{"done":true},],"h":7,"i":11}"#;
    assert!(matches!(handle(&mut peer, malformed), Incoming::Nothing));
    let done = r#"{"a":["next",{"done":true}],"h":7,"i":11}"#;
    assert!(matches!(handle(&mut peer, done), Incoming::Nothing));
    assert_eq!(sent(&mut peer), [r#"{"i":11}"#]);
    assert_eq!((peer.consumer(key).awaited_result(), peer.open_channels()), (AwaitedResult::Request(id(8)), 1));
}

#[test]
fn caller_with_failed_items_still_receives_the_result() {
    let mut peer = connected();
    let key = remote_channel(&mut peer, Role::Producer);
    let number = key.id();
    let result = peer.request(CallEncoder::new("result").finish_on(key), 2, None, None, None).expect("an open channel");
    handle(&mut peer, &format!(r#"{{"a":["credit",5],"h":{number}}}"#));
    handle(&mut peer, &format!(r#"{{"a":["start"],"h":{number}}}"#));
    assert_eq!(peer.producer(key).allowance(), Allowance::Items(5));
    sent(&mut peer);
    peer.producer(key).abort_items(&Reason::value("why"));
    assert_eq!(sent(&mut peer), [format!(r#"{{"h":{number},"x":"why"}}"#)]);
    handle(&mut peer, &format!(r#"{{"a":["start"],"h":{number}}}"#));
    handle(&mut peer, &format!(r#"{{"a":["credit",1],"h":{number}}}"#));
    assert_eq!((peer.producer(key).allowance(), peer.open_channels()), (Allowance::Closed, 1));
    let response = format!(r#"{{"i":{result},"d":5}}"#);
    assert!(matches!(handle(&mut peer, &response), Incoming::Response(2, Response::Result(Some("5")))));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn failed_items_do_not_resume_when_the_last_item_request_is_answered() {
    for response in ["", r#","e":"no""#] {
        let mut peer = connected();
        let key = remote_channel(&mut peer, Role::Producer);
        let number = key.id();
        handle(&mut peer, &format!(r#"{{"a":["start"],"h":{number}}}"#));
        let item = peer.producer(key).item_request().expect("an open channel");
        assert_eq!(peer.unanswered_items(), 1);
        peer.producer(key).abort_items(&Reason::value("why"));
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{item}{response}}}"#)), Incoming::Resumed("out", None)));
        handle(&mut peer, &format!(r#"{{"a":["start"],"h":{number}}}"#));
        assert_eq!((peer.producer(key).allowance(), peer.unanswered_items()), (Allowance::Closed, 0));
    }
}
