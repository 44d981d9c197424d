//! The start of an upload whose caller may not listen yet [X-05], and items that its handler rejects [P-85].

use super::super::call;
use super::START;
use crate::core_peer::{Peer, connected, handle, local_channel, remote_channel, sent};
use crate::proto::{Allowance, CallEncoder, ChannelKey, ExpectedChannel, Incoming, Message, Role};
use std::time::Duration;

const RESULT: &str = r#"{"a":["result"],"h":7,"i":8}"#;
const FIRST_FRAMES: [&str; 2] = [r#"{"a":["credit",8],"h":7}"#, START];

/// Returns the channel of a handler that takes an upload and has asked for items.
fn started_upload() -> (Peer, ChannelKey) {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Upload);
    assert!(peer.consumer(key).start(Some(64)));
    (peer, key)
}

#[test]
fn upload_starts_after_the_request_for_its_result() {
    let (mut peer, key) = started_upload();
    assert!(sent(&mut peer).is_empty());
    assert!(matches!(handle(&mut peer, RESULT), Incoming::ResultAwaited(..)));
    assert_eq!(sent(&mut peer), FIRST_FRAMES);
    peer.consumer(key).allow_start();
    assert!(sent(&mut peer).is_empty(), "it starts once");
}

#[test]
fn upload_whose_result_is_requested_first_starts_at_once() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Upload);
    handle(&mut peer, RESULT);
    assert!(sent(&mut peer).is_empty());
    assert!(peer.consumer(key).start(None));
    assert_eq!(sent(&mut peer), [START]);
}

#[test]
fn upload_of_a_caller_that_listens_starts_at_once() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Upload);
    peer.consumer(key).allow_start();
    assert!(peer.consumer(key).start(Some(64)));
    assert_eq!(sent(&mut peer), FIRST_FRAMES);
    let (mut peer, key) = started_upload();
    peer.consumer(key).allow_start();
    assert_eq!(sent(&mut peer), FIRST_FRAMES);
}

#[test]
fn upload_whose_items_are_unwanted_or_finished_does_not_start() {
    let finishes: [fn(&mut Peer, ChannelKey); 3] = [
        |peer, key| assert!(!peer.consumer(key).stop(None)),
        |peer, _| drop(handle(peer, r#"{"a":["next",{"done":true}],"h":7}"#)),
        |peer, _| drop(handle(peer, r#"{"h":7,"x":{"message":"no more"},"_":1}"#)),
    ];
    for finish in finishes {
        let (mut peer, key) = started_upload();
        finish(&mut peer, key);
        assert!(matches!(handle(&mut peer, RESULT), Incoming::ResultAwaited(..)));
        assert!(sent(&mut peer).is_empty());
    }
}

#[test]
fn stream_is_started_without_a_mark() {
    let mut peer = connected();
    let key = remote_channel(&mut peer, Role::Consumer);
    peer.consumer(key).start(None);
    assert_eq!(sent(&mut peer), [format!(r#"{{"a":["start"],"h":{}}}"#, key.id())]);
}

#[test]
fn request_of_an_upload_says_that_its_caller_listens() {
    for (role, timeout, meta) in [
        (Role::Producer, None, r#","m":{"u":1}"#),
        (Role::Producer, Some(20), r#","m":{"t":20,"u":1}"#),
        (Role::Consumer, None, ""),
        (Role::Consumer, Some(20), r#","m":{"t":20}"#),
        (Role::Plain, None, ""),
    ] {
        let mut peer = connected();
        let expected = Some(ExpectedChannel { role, state: "out" });
        let timeout = timeout.map(Duration::from_millis);
        let id = peer.request(CallEncoder::new("q").finish(None), 1, None, timeout, expected).expect("capacity");
        let frame = format!(r#"{{"a":["q"],"i":{id}{meta}}}"#);
        assert_eq!(sent(&mut peer), [frame.as_str()]);
        let Message::Call(call) = Message::decode(&frame) else { panic!("{frame}") };
        assert_eq!((call.caller_listens(), call.caller_timeout()), (role == Role::Producer, timeout));
    }
}

#[test]
fn only_the_number_one_is_the_mark_of_a_listening_caller() {
    let ms = |ms| Some(Duration::from_millis(ms));
    for (meta, expected) in [
        (r#"{"u":1}"#, (true, None)),
        (r#"{"zzz":[],"u": 1 ,"t":5}"#, (true, ms(5))),
        (r#"{"u":0,"t":5}"#, (false, ms(5))),
        (r#"{"u":2}"#, (false, None)),
        (r#"{"u":true,"t":5}"#, (false, ms(5))),
        (r#"{"u":"1"}"#, (false, None)),
        (r#"{"u":null}"#, (false, None)),
        (r#"{"u":[1],"t":5}"#, (false, ms(5))),
        (r#"{"u":1,"t":"5"}"#, (true, None)),
        (r#"{"u":1,"t":0}"#, (true, None)),
    ] {
        let frame = format!(r#"{{"a":["q"],"i":1,"m":{meta}}}"#);
        let call = call(&frame);
        assert_eq!((call.caller_listens(), call.caller_timeout()), expected, "{meta}");
    }
}

#[test]
fn rejected_item_is_reported_once() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Producer);
    handle(&mut peer, START);
    for (response, rejected) in [(r#","e":"no""#, true), ("", false), (r#","e":null"#, true), (r#","d":1"#, false)] {
        let item = peer.producer(key).item_request().expect("an open channel");
        assert!(!peer.producer(key).take_rejected(), "it has no response yet");
        handle(&mut peer, &format!(r#"{{"i":{item}{response}}}"#));
        handle(&mut peer, START);
        assert_eq!(peer.producer(key).allowance(), Allowance::OneRequest);
        assert_eq!((peer.producer(key).take_rejected(), peer.producer(key).take_rejected()), (rejected, false));
    }
}

#[test]
fn rejection_that_nobody_looked_at_is_not_that_of_the_next_item() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Producer);
    handle(&mut peer, START);
    let item = peer.producer(key).item_request().expect("an open channel");
    handle(&mut peer, &format!(r#"{{"i":{item},"e":"no"}}"#));
    handle(&mut peer, START);
    let item = peer.producer(key).item_request().expect("an open channel");
    handle(&mut peer, &format!(r#"{{"i":{item}}}"#));
    assert!(!peer.producer(key).take_rejected(), "the item was taken");
}
