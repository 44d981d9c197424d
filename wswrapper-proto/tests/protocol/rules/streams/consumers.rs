//! Consumers [P-80 to P-83, P-85, P-87, P-89, X-02, X-06].

use crate::core_peer::{
    Peer, abort_frame, bounded, connected, handle, notifications, remote_channel, request_on, sent,
    unknown_channel_abort, unknown_channel_rejection,
};
use crate::proto::{
    Bounds, CallFailure, ChannelKey, ITEM_OVERHEAD, Incoming, Item, Notification, Reason, RequestId, Role,
};

/// Returns a consumer that has started with this window, and the number of its channel.
fn consumer(bounds: Bounds, window: Option<u32>) -> (Peer, ChannelKey, RequestId) {
    let mut peer = bounded(bounds);
    let key = remote_channel(&mut peer, Role::Consumer);
    assert!(peer.consumer(key).start(window));
    sent(&mut peer);
    (peer, key, key.id())
}

fn item(channel: RequestId, request: Option<u64>) -> String {
    let request = request.map_or_else(String::new, |id| format!(r#","i":{id}"#));
    format!(r#"{{"a":["next",{{"value":"v","done":false}}],"h":{channel}{request}}}"#)
}

fn receive(peer: &mut Peer, channel: RequestId, items: usize) {
    for _ in 0..items {
        let frame = item(channel, None);
        let Incoming::Item("out", Item { value: Some("\"v\""), done: false, lost: 0, at: None }) = handle(peer, &frame)
        else {
            panic!("the frame is an item")
        };
    }
}

#[test]
fn consumer_sends_credit_directly_before_its_start() {
    let mut peer = connected();
    let key = remote_channel(&mut peer, Role::Consumer);
    assert!(sent(&mut peer).is_empty(), "nothing is sent before the first item is read");
    assert!(peer.consumer(key).start(Some(64)));
    let number = key.id();
    let frames = [format!(r#"{{"a":["credit",8],"h":{number}}}"#), format!(r#"{{"a":["start"],"h":{number}}}"#)];
    assert_eq!(sent(&mut peer), frames);
    let key = remote_channel(&mut peer, Role::Consumer);
    assert!(peer.consumer(key).start(None));
    assert_eq!(sent(&mut peer), [format!(r#"{{"a":["start"],"h":{}}}"#, key.id())]);
}

#[test]
fn credit_for_taken_items_is_sent_in_batches_of_half_a_window() {
    for (window, batch) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (8, 4)] {
        let (mut peer, key, number) = consumer(Bounds::default(), Some(window));
        receive(&mut peer, number, window as usize);
        assert!(sent(&mut peer).is_empty(), "received items give no credit until they are taken");
        for taken in 1..=window {
            peer.consumer(key).take(1, 3);
            let credit = format!(r#"{{"a":["credit",{batch}],"h":{number}}}"#);
            let expected = if taken % batch == 0 { vec![credit] } else { vec![] };
            assert_eq!(sent(&mut peer), expected, "window {window}, {taken} taken");
        }
    }
    let (mut peer, key, number) = consumer(Bounds::default(), Some(8));
    receive(&mut peer, number, 7);
    peer.consumer(key).take(7, 21);
    assert_eq!(sent(&mut peer), [format!(r#"{{"a":["credit",7],"h":{number}}}"#)]);
}

#[test]
fn consumer_without_a_window_sends_no_credit() {
    let (mut peer, key, number) = consumer(Bounds::default(), None);
    receive(&mut peer, number, 9);
    peer.consumer(key).take(9, 27);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn producer_that_exceeds_its_credit_gets_no_more_credit() {
    let (mut peer, key, number) = consumer(Bounds::default(), Some(4));
    receive(&mut peer, number, 5);
    for _ in 0..2 {
        peer.consumer(key).take(5, 15);
        receive(&mut peer, number, 5);
    }
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn item_before_the_start_is_kept() {
    let mut peer = connected();
    let key = remote_channel(&mut peer, Role::Consumer);
    receive(&mut peer, key.id(), 1);
    assert!(peer.consumer(key).start(None));
    receive(&mut peer, key.id(), 1);
    peer.consumer(key).take(2, 6);
    assert_eq!((sent(&mut peer).len(), peer.open_channels()), (1, 1));
}

#[test]
fn payloads_of_any_form_are_items() {
    for (payload, value, done, lost) in [
        (r#"{"value":1,"done":false}"#, Some("1"), false, 0),
        (r#"{"done":false,"value":1}"#, Some("1"), false, 0),
        (r#"{"value":{"value":2,"done":true}}"#, Some(r#"{"value":2,"done":true}"#), false, 0),
        (r#"{"value":null,"done":false}"#, Some("null"), false, 0),
        (r#"{"done":false}"#, None, false, 0),
        (r"{}", None, false, 0),
        (r#"{"value":3,"done":true}"#, Some("3"), true, 0),
        (r#"{"value":1,"done":true,"value":2,"done":false}"#, Some("2"), false, 0),
        (r#"{"\u0076alue":1,"\u0064one":1}"#, Some("1"), true, 0),
        (r#"{"VALUE":1,"Done":1,"zzz":[]}"#, None, false, 0),
        ("5", None, false, 0),
        ("null", None, false, 0),
        (r#""done""#, None, false, 0),
        (r#"[{"done":true}]"#, None, false, 0),
        (r#"{"value":1,"done":false,"lost":4}"#, Some("1"), false, 4),
        (r#"{"done":true,"lost":4.0}"#, None, true, 4),
        (r#"{"value":1,"lost":-4}"#, Some("1"), false, 0),
        (r#"{"value":1,"lost":"4"}"#, Some("1"), false, 0),
        (r#"{"value":1,"lost":9007199254740992}"#, Some("1"), false, 0),
        (r#"{"value":1,"done":false},{"done":true}"#, Some("1"), false, 0),
    ] {
        let (mut peer, _, number) = consumer(Bounds::default(), None);
        let frame = format!(r#"{{"a":["next",{payload}],"h":{number}}}"#);
        let Incoming::Item("out", item) = handle(&mut peer, &frame) else { panic!("{frame}") };
        assert_eq!(item, Item { value, done, lost, at: None }, "{payload}");
        assert_eq!(peer.open_channels(), usize::from(!done));
    }
    let (mut peer, _, number) = consumer(Bounds::default(), None);
    let frame = format!(r#"{{"a":["next"],"h":{number}}}"#);
    assert!(matches!(
        handle(&mut peer, &frame),
        Incoming::Item("out", Item { value: None, done: false, lost: 0, at: None })
    ));
}

#[test]
fn any_truthy_done_finishes_a_stream() {
    for (done, truthy) in [
        ("1", true),
        ("true", true),
        ("\"false\"", true),
        ("[]", true),
        ("{}", true),
        ("0", false),
        ("-0.0", false),
        ("null", false),
        ("false", false),
        ("\"\"", false),
    ] {
        let (mut peer, _, number) = consumer(Bounds::default(), None);
        let frame = format!(r#"{{"a":["next",{{"done":{done}}}],"h":{number}}}"#);
        assert!(matches!(handle(&mut peer, &frame), Incoming::Item(_, item) if item.done == truthy), "{done}");
    }
}

#[test]
fn finished_stream_closes_its_channel_and_sends_nothing_more() {
    let (mut peer, key, number) = consumer(Bounds::default(), Some(4));
    receive(&mut peer, number, 4);
    request_on(&mut peer, key, 2).expect("an open channel");
    sent(&mut peer);
    let done = format!(r#"{{"a":["next",{{"done":true}}],"h":{number}}}"#);
    assert!(matches!(handle(&mut peer, &done), Incoming::Item("out", Item { done: true, .. })));
    assert_eq!(notifications(&mut peer), [Notification::CallFailed(2, CallFailure::Closed)]);
    peer.consumer(key).take(4, 12);
    assert!(matches!(handle(&mut peer, &format!(r#"{{"h":{number},"x":1}}"#)), Incoming::Nothing));
    assert_eq!(
        (peer.close_channel(key), peer.abort_channel(key, None), peer.consumer(key).start(None)),
        (None, None, false)
    );
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn item_requests_are_answered_when_their_items_are_taken() {
    let (mut peer, key, number) = consumer(Bounds::default(), Some(2));
    handle(&mut peer, &item(number, Some(1)));
    receive(&mut peer, number, 1);
    handle(&mut peer, &item(number, Some(2)));
    assert!(sent(&mut peer).is_empty());
    peer.consumer(key).take(1, 3);
    assert_eq!(sent(&mut peer), [r#"{"i":1}"#], "an item request used no credit, so none is returned");
    peer.consumer(key).take(1, 3);
    assert_eq!(sent(&mut peer), [format!(r#"{{"a":["credit",1],"h":{number}}}"#)]);
    peer.consumer(key).take(1, 3);
    assert_eq!(sent(&mut peer), [r#"{"i":2}"#]);
}

#[test]
fn open_item_requests_are_answered_when_the_stream_finishes() {
    let (mut peer, _, number) = consumer(Bounds::default(), None);
    handle(&mut peer, &item(number, Some(1)));
    handle(&mut peer, &item(number, Some(2)));
    handle(&mut peer, &format!(r#"{{"a":["next",{{"done":true}}],"h":{number},"i":3}}"#));
    assert_eq!(sent(&mut peer), [r#"{"i":1}"#, r#"{"i":2}"#, r#"{"i":3}"#]);
}

#[test]
fn open_item_requests_are_rejected_when_the_channel_closes() {
    let (mut peer, key, number) = consumer(Bounds::default(), None);
    handle(&mut peer, &item(number, Some(1)));
    peer.abort_channel(key, None);
    let rejection = r#"{"i":1,"e":{"message":"Request aborted","code":"ws:ChannelClosed"},"_":1}"#;
    assert_eq!(sent(&mut peer), [abort_frame(number), rejection.into()]);
    let (mut peer, key, number) = consumer(Bounds::default(), None);
    handle(&mut peer, &item(number, Some(1)));
    peer.close_channel(key);
    assert_eq!(sent(&mut peer), [unknown_channel_rejection(1, number)]);
}

#[test]
fn stopped_consumer_aborts_the_stream() {
    let (mut peer, key, number) = consumer(Bounds::default(), Some(4));
    assert!(peer.consumer(key).stop(Some(&Reason::value("why"))));
    assert_eq!((sent(&mut peer), peer.open_channels()), (vec![format!(r#"{{"h":{number},"x":"why"}}"#)], 0));
    assert!(!peer.consumer(key).stop(None));
}

#[test]
fn too_many_items_without_credit_abort_the_stream() {
    for requests in [false, true] {
        let bounds = Bounds { stream_items: 3, ..Bounds::default() };
        let (mut peer, key, number) = consumer(bounds, None);
        let mut ids = (1..).map(|id| requests.then_some(id));
        let mut next = |peer: &mut Peer| handle(peer, &item(number, ids.next().flatten())).is_overflow();
        assert!(!next(&mut peer) && !next(&mut peer) && !next(&mut peer));
        peer.consumer(key).take(2, 6);
        assert!(!next(&mut peer) && !next(&mut peer));
        request_on(&mut peer, key, 2).expect("an open channel");
        sent(&mut peer);
        assert!(next(&mut peer));
        assert_eq!(
            (peer.open_channels(), notifications(&mut peer)),
            (0, vec![Notification::CallFailed(2, CallFailure::Closed)])
        );
        let frames = sent(&mut peer);
        assert!(frames[0].starts_with(&format!(r#"{{"h":{number},"x":{{"message":""#)), "{frames:?}");
        assert_eq!(frames.len(), if requests { 5 } else { 1 }, "each request has a response");
        assert!(!next(&mut peer));
        assert_eq!(sent(&mut peer)[0], unknown_channel_abort(number));
    }
}

#[test]
fn too_many_bytes_abort_the_stream() {
    let three = 3 * (3 + ITEM_OVERHEAD);
    // With credit, a stream may hold eight times the bound: here 112 bytes for 105.
    for (stream_bytes, window) in [(three, None), (three + 2, None), (three.div_ceil(8), Some(100))] {
        let (mut peer, key, number) = consumer(Bounds { stream_bytes, ..Bounds::default() }, window);
        receive(&mut peer, number, 3);
        peer.consumer(key).take(2, 6);
        receive(&mut peer, number, 2);
        assert!(handle(&mut peer, &item(number, None)).is_overflow());
        assert_eq!(peer.open_channels(), 0);
    }
}

#[test]
fn items_without_a_value_count_towards_the_byte_bound() {
    // With credit, a stream may hold eight times the bound.
    for (stream_bytes, window) in [(2 * ITEM_OVERHEAD, None), (2 * ITEM_OVERHEAD / 8, Some(100))] {
        let (mut peer, key, number) = consumer(Bounds { stream_bytes, ..Bounds::default() }, window);
        let nothing = format!(r#"{{"a":["next",{{}}],"h":{number}}}"#);
        for _ in 0..2 {
            assert!(matches!(handle(&mut peer, &nothing), Incoming::Item("out", _)));
        }
        peer.consumer(key).take(1, 0);
        assert!(matches!(handle(&mut peer, &nothing), Incoming::Item("out", _)));
        assert!(handle(&mut peer, &nothing).is_overflow());
        peer.discard(2 * ITEM_OVERHEAD);
        assert_eq!(peer.held_bytes(), 0);
    }
}

#[test]
fn items_within_the_credit_may_exceed_the_item_bound() {
    let (mut peer, _, number) = consumer(Bounds { stream_items: 3, ..Bounds::default() }, Some(8));
    receive(&mut peer, number, 8);
    assert!(handle(&mut peer, &item(number, None)).is_overflow());
}

trait IsOverflow {
    fn is_overflow(&self) -> bool;
}

impl IsOverflow for Incoming<'_, u32, u32, &'static str> {
    fn is_overflow(&self) -> bool {
        matches!(self, Incoming::Overflow("out", _))
    }
}
