//! The rules of streams that no recording covers, one by one.

mod bare;
mod outgoing;

use bare::{
    HANDLER, Peer, aborted, bounded, connected, events, handle, id, opened, received, rejected, request_on, sent,
    unknown,
};
use outgoing::assert_valid;
use std::time::{Duration, Instant};
use wswrapper::proto::{
    Allowance, Answer, AwaitedResult, Bounds, CallEncoder, ChannelKey, Ended, Event, ITEM_BYTES, Incoming, Item,
    LARGEST_WINDOW, Message, Reason, RequestId, Role, Scope, encode,
};

// Producers [P-80, P-85 to P-88, X-02, X-06].

/// A producer whose consumer has sent this.
fn producer(frames: &[&str]) -> (Peer, ChannelKey) {
    let mut peer = connected();
    let key = opened(&mut peer, Role::Producer);
    for frame in frames {
        assert!(matches!(handle(&mut peer, frame), Incoming::Resumed("in", Some(HANDLER))), "{frame}");
    }
    (peer, key)
}

const START: &str = r#"{"a":["start"],"h":7}"#;

fn credit(items: &str) -> String {
    format!(r#"{{"a":["credit",{items}],"h":7}}"#)
}

#[test]
fn producer_waits_for_the_start() {
    assert_eq!(producer(&[]).0.allowance(producer(&[]).1), Allowance::Idle);
    let (mut peer, key) = producer(&[&credit("5")]);
    assert_eq!((peer.allowance(key), peer.window(key)), (Allowance::Idle, None));
    handle(&mut peer, START);
    assert_eq!((peer.allowance(key), peer.window(key)), (Allowance::Items(5), Some(5)));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn requests_of_the_consumers_are_answered() {
    let (mut peer, key) = producer(&[r#"{"a":["credit",5],"h":7,"i":2}"#, r#"{"a":["start"],"h":7,"i":3}"#]);
    assert_eq!(
        (sent(&mut peer), peer.allowance(key)),
        (vec![r#"{"i":2}"#.into(), r#"{"i":3}"#.into()], Allowance::Items(5))
    );
}

#[test]
fn credit_that_makes_no_sense_is_none() {
    for items in ["-5", "0", "-0", "65537", "1e300", "4294967297", "1.5", "\"5\"", "\"x\"", "true", "null", "[5]", "{}"]
    {
        let (mut peer, key) = producer(&[&credit(items), START]);
        assert_eq!((peer.allowance(key), peer.window(key)), (Allowance::OneRequest, None), "{items}");
    }
    let (mut peer, key) = producer(&[r#"{"a":["credit"],"h":7}"#, START]);
    assert_eq!(peer.allowance(key), Allowance::OneRequest);
    for (items, window) in [("1", 1), ("5.0", 5), ("1e1", 10), ("3,9", 3), ("65536", LARGEST_WINDOW)] {
        let (mut peer, key) = producer(&[&credit(items), START]);
        assert_eq!((peer.allowance(key), peer.window(key)), (Allowance::Items(window), Some(window)), "{items}");
    }
}

#[test]
fn credit_never_goes_beyond_its_first_value() {
    for (sent, more, left) in [
        (3, vec!["2"], 4),
        (3, vec!["3"], 5),
        (3, vec!["4"], 2),
        (3, vec!["2", "2"], 4),
        (5, vec!["5"], 5),
        (0, vec!["1"], 5),
        (5, vec!["-1", "0", "\"1\"", "1.5", "65536", "4294967295", "4294967296", "1e300"], 0),
        (2, vec!["4294967294", "9007199254740991"], 3),
    ] {
        let (mut peer, key) = producer(&[&credit("5"), START]);
        peer.sent(key, sent);
        for items in &more {
            handle(&mut peer, &credit(items));
        }
        let left = if left == 0 { Allowance::Behind } else { Allowance::Items(left) };
        assert_eq!(peer.allowance(key), left, "{sent} sent, {more:?} given");
    }
    let (mut peer, key) = producer(&[&credit("5"), &credit("7"), &credit("5"), &credit("1"), START]);
    assert_eq!((peer.allowance(key), peer.window(key)), (Allowance::Items(5), Some(5)));
}

#[test]
fn credit_after_a_start_without_any_is_none() {
    let (mut peer, key) = producer(&[START, &credit("5")]);
    assert_eq!((peer.allowance(key), peer.window(key)), (Allowance::OneRequest, None));
}

#[test]
fn further_start_while_the_stream_runs_is_ignored() {
    let (mut peer, key) = producer(&[&credit("5"), START]);
    peer.sent(key, 5);
    handle(&mut peer, START);
    assert_eq!(peer.allowance(key), Allowance::Behind);
    let (mut peer, key) = producer(&[START]);
    peer.item_request(key).expect("an open channel");
    handle(&mut peer, START);
    assert_eq!(peer.allowance(key), Allowance::Behind);
}

#[test]
fn items_without_credit_are_requests_one_at_a_time() {
    let (mut peer, key) = producer(&[START]);
    for value in ["", ",\"d\":5", ",\"d\":null", ",\"d\":false"] {
        assert_eq!(peer.allowance(key), Allowance::OneRequest);
        let item = peer.item_request(key).expect("an open channel");
        assert_eq!(peer.allowance(key), Allowance::Behind);
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{}{value}}}"#, item.get() + 1)), Incoming::Nothing));
        let answer = format!(r#"{{"i":{item}{value}}}"#);
        assert!(matches!(handle(&mut peer, &answer), Incoming::Resumed("in", Some(HANDLER))));
        assert!(matches!(handle(&mut peer, &answer), Incoming::Nothing));
    }
    assert_eq!((peer.allowance(key), peer.pending()), (Allowance::OneRequest, 0));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn item_that_a_null_answers_is_taken_and_the_channel_of_it_aborted() {
    let (mut peer, key) = producer(&[START]);
    let item = peer.item_request(key).expect("an open channel");
    assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{item},"h":1}}"#)), Incoming::Resumed("in", _)));
    assert_eq!((peer.allowance(key), sent(&mut peer)), (Allowance::OneRequest, vec![aborted(item)]));
    assert_eq!(peer.open_channels(), 1);
}

#[test]
fn rejected_item_stops_the_producer_until_the_next_start() {
    for rejection in [r#""e":{"message":"No event listener for 'next' on channel '7'"},"_":1"#, r#""e":null"#] {
        let (mut peer, key) = producer(&[START]);
        let item = peer.item_request(key).expect("an open channel");
        let frame = format!(r#"{{"i":{item},{rejection}}}"#);
        assert!(matches!(handle(&mut peer, &frame), Incoming::Resumed("in", Some(HANDLER))));
        assert_eq!(peer.allowance(key), Allowance::Idle);
        handle(&mut peer, START);
        assert_eq!(peer.allowance(key), Allowance::OneRequest);
    }
}

#[test]
fn producer_that_has_ended_is_unknown_to_a_further_start() {
    let (mut peer, key) = producer(&[START]);
    let item = peer.item_request(key).expect("an open channel");
    peer.close_channel(key);
    assert_eq!(peer.unanswered(), 0);
    assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{item}}}"#)), Incoming::Nothing));
    assert!(matches!(handle(&mut peer, START), Incoming::Nothing));
    assert_eq!((peer.allowance(key), sent(&mut peer)), (Allowance::Gone, vec![unknown(7)]));
}

#[test]
fn producer_is_stopped_by_an_abort() {
    let (mut peer, key) = producer(&[&credit("5"), START]);
    let incoming = handle(&mut peer, r#"{"h":7,"x":{"message":"m"},"_":1}"#);
    let Incoming::Aborted(seen, "in", Some(HANDLER), reason) = incoming else { panic!("{incoming:?}") };
    assert_eq!((seen, reason.read()), (key, Reason::new("m")));
    assert_eq!((peer.allowance(key), peer.open_channels()), (Allowance::Gone, 0));
    // What it had sent already does not bring it back.
    peer.sent(key, 3);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn other_events_on_a_streams_channel_are_for_its_handlers() {
    for (role, theirs, others) in [
        (Role::Plain, vec![], vec!["start", "credit", "next", "result", "e"]),
        (Role::Producer, vec!["start", "credit"], vec!["next", "result", "e"]),
        (Role::Consumer, vec!["next"], vec!["start", "credit", "result", "e"]),
        (Role::Upload, vec!["next", "result"], vec!["start", "credit", "e"]),
    ] {
        let mut peer = connected();
        opened(&mut peer, role);
        for event in others {
            assert!(!peer.is_streams(id(7), event), "{event}");
            let frame = format!(r#"{{"a":["{event}",{{"done":true}}],"h":7,"i":3}}"#);
            let incoming = handle(&mut peer, &frame);
            assert!(matches!(incoming, Incoming::ChannelCall("in", _)), "{role:?}: {incoming:?}");
        }
        assert!(theirs.iter().all(|event| peer.is_streams(id(7), event) && !peer.is_streams(id(8), event)));
        assert!(sent(&mut peer).is_empty());
    }
}

#[test]
fn items_and_ends_are_written_as_javascript_does() {
    let item = |request, lost| {
        let mut frame = Vec::new();
        encode::item(&mut frame, id(7), request, lost, &"v").expect("JSON");
        assert_valid(&frame);
        String::from_utf8(frame).expect("UTF-8")
    };
    let done = |lost| {
        let mut frame = Vec::new();
        encode::done(&mut frame, id(7), lost);
        assert_valid(&frame);
        String::from_utf8(frame).expect("UTF-8")
    };
    assert_eq!(item(None, 0), r#"{"a":["next",{"value":"v","done":false}],"h":7}"#);
    assert_eq!(item(Some(id(3)), 0), r#"{"a":["next",{"value":"v","done":false}],"h":7,"i":3}"#);
    assert_eq!(item(None, 4), r#"{"a":["next",{"value":"v","done":false,"lost":4}],"h":7}"#);
    assert_eq!(done(0), r#"{"a":["next",{"done":true}],"h":7}"#);
    assert_eq!(done(4), r#"{"a":["next",{"done":true,"lost":4}],"h":7}"#);
    let mut creation = Vec::new();
    encode::channel(&mut creation, id(7));
    assert_valid(&creation);
    assert_eq!(creation, br#"{"i":7,"h":1}"#);
}

// Consumers [P-80 to P-83, P-85, P-87, P-89, X-02, X-06].

/// A consumer that has started with this window; and the number of its channel.
fn consumer(bounds: Bounds, window: Option<u32>) -> (Peer, ChannelKey, RequestId) {
    let mut peer = bounded(bounds);
    let key = received(&mut peer, Role::Consumer);
    assert!(peer.start(key, window));
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
        let Incoming::Item("out", Item { value: Some("\"v\""), done: false, lost: 0 }) = handle(peer, &frame) else {
            panic!("no item")
        };
    }
}

#[test]
fn consumer_gives_credit_directly_before_it_starts() {
    let mut peer = connected();
    let key = received(&mut peer, Role::Consumer);
    assert!(sent(&mut peer).is_empty(), "not before the first item is asked for");
    assert!(peer.start(key, Some(64)));
    let number = key.id();
    let frames = [format!(r#"{{"a":["credit",64],"h":{number}}}"#), format!(r#"{{"a":["start"],"h":{number}}}"#)];
    assert_eq!(sent(&mut peer), frames);
    let key = received(&mut peer, Role::Consumer);
    assert!(peer.start(key, None));
    assert_eq!(sent(&mut peer), [format!(r#"{{"a":["start"],"h":{}}}"#, key.id())]);
}

#[test]
fn credit_is_given_for_items_that_were_taken_in_batches_of_half_a_window() {
    for (window, batch) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (8, 4), (64, 32)] {
        let (mut peer, key, number) = consumer(Bounds::default(), Some(window));
        receive(&mut peer, number, window as usize);
        assert!(sent(&mut peer).is_empty(), "what was only received gives no credit");
        for taken in 1..=window {
            peer.take(key, 1, 3);
            let given = format!(r#"{{"a":["credit",{batch}],"h":{number}}}"#);
            let expected = if taken % batch == 0 { vec![given] } else { vec![] };
            assert_eq!(sent(&mut peer), expected, "window {window}, {taken} taken");
        }
    }
    let (mut peer, key, number) = consumer(Bounds::default(), Some(8));
    receive(&mut peer, number, 7);
    peer.take(key, 7, 21);
    assert_eq!(sent(&mut peer), [format!(r#"{{"a":["credit",7],"h":{number}}}"#)]);
}

#[test]
fn consumer_without_credit_gives_none() {
    let (mut peer, key, number) = consumer(Bounds::default(), None);
    receive(&mut peer, number, 9);
    peer.take(key, 9, 27);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn consumer_gives_no_more_credit_to_a_producer_without_flow_control() {
    let (mut peer, key, number) = consumer(Bounds::default(), Some(4));
    receive(&mut peer, number, 5);
    for _ in 0..2 {
        peer.take(key, 5, 15);
        receive(&mut peer, number, 5);
    }
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn item_before_the_start_is_kept() {
    let mut peer = connected();
    let key = received(&mut peer, Role::Consumer);
    receive(&mut peer, key.id(), 1);
    assert!(peer.start(key, None));
    receive(&mut peer, key.id(), 1);
    peer.take(key, 2, 6);
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
        assert_eq!(item, Item { value, done, lost }, "{payload}");
        assert_eq!(peer.open_channels(), usize::from(!done));
    }
    let (mut peer, _, number) = consumer(Bounds::default(), None);
    let frame = format!(r#"{{"a":["next"],"h":{number}}}"#);
    assert!(matches!(handle(&mut peer, &frame), Incoming::Item("out", Item { value: None, done: false, lost: 0 })));
}

#[test]
fn whatever_is_truthy_says_that_a_stream_has_ended() {
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
fn end_closes_the_channel_and_nothing_is_sent_after_it() {
    let (mut peer, key, number) = consumer(Bounds::default(), Some(4));
    receive(&mut peer, number, 4);
    request_on(&mut peer, key, 2).expect("an open channel");
    sent(&mut peer);
    let end = format!(r#"{{"a":["next",{{"done":true}}],"h":{number}}}"#);
    assert!(matches!(handle(&mut peer, &end), Incoming::Item("out", Item { done: true, .. })));
    assert_eq!(events(&mut peer), [Event::Ended(2, Ended::Closed)]);
    peer.take(key, 4, 12);
    assert!(matches!(handle(&mut peer, &format!(r#"{{"h":{number},"x":1}}"#)), Incoming::Nothing));
    assert_eq!((peer.close_channel(key), peer.abort_channel(key, None), peer.start(key, None)), (None, None, false));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn items_that_are_requests_are_answered_when_they_are_taken() {
    let (mut peer, key, number) = consumer(Bounds::default(), Some(2));
    handle(&mut peer, &item(number, Some(1)));
    receive(&mut peer, number, 1);
    handle(&mut peer, &item(number, Some(2)));
    assert!(sent(&mut peer).is_empty());
    peer.take(key, 1, 3);
    assert_eq!(sent(&mut peer), [r#"{"i":1}"#], "and no credit, as it took none");
    peer.take(key, 1, 3);
    assert_eq!(sent(&mut peer), [format!(r#"{{"a":["credit",1],"h":{number}}}"#)]);
    peer.take(key, 1, 3);
    assert_eq!(sent(&mut peer), [r#"{"i":2}"#]);
}

#[test]
fn requests_that_are_left_at_the_end_are_answered_with_it() {
    let (mut peer, _, number) = consumer(Bounds::default(), None);
    handle(&mut peer, &item(number, Some(1)));
    handle(&mut peer, &item(number, Some(2)));
    handle(&mut peer, &format!(r#"{{"a":["next",{{"done":true}}],"h":{number},"i":3}}"#));
    assert_eq!(sent(&mut peer), [r#"{"i":1}"#, r#"{"i":2}"#, r#"{"i":3}"#]);
}

#[test]
fn requests_that_are_left_when_the_consumer_goes_are_rejected() {
    let (mut peer, key, number) = consumer(Bounds::default(), None);
    handle(&mut peer, &item(number, Some(1)));
    peer.abort_channel(key, None);
    assert_eq!(sent(&mut peer), [rejected(1, number), aborted(number)]);
    let (mut peer, key, number) = consumer(Bounds::default(), None);
    handle(&mut peer, &item(number, Some(1)));
    peer.close_channel(key);
    assert_eq!(sent(&mut peer), [rejected(1, number)]);
}

#[test]
fn more_items_without_credit_than_the_bound_abort_the_stream() {
    for requests in [false, true] {
        let bounds = Bounds { stream_items: 3, ..Bounds::default() };
        let (mut peer, key, number) = consumer(bounds, None);
        let mut ids = (1..).map(|id| requests.then_some(id));
        let mut next = |peer: &mut Peer| handle(peer, &item(number, ids.next().flatten())).is_overflow();
        assert!(!next(&mut peer) && !next(&mut peer) && !next(&mut peer));
        peer.take(key, 2, 6);
        assert!(!next(&mut peer) && !next(&mut peer));
        request_on(&mut peer, key, 2).expect("an open channel");
        sent(&mut peer);
        assert!(next(&mut peer));
        assert_eq!((peer.open_channels(), events(&mut peer)), (0, vec![Event::Ended(2, Ended::Closed)]));
        let frames = sent(&mut peer);
        assert!(frames[0].starts_with(&format!(r#"{{"h":{number},"x":{{"message":""#)), "{frames:?}");
        assert_eq!(frames.len(), if requests { 5 } else { 1 }, "each request has an answer");
        assert!(!next(&mut peer));
        assert_eq!(sent(&mut peer)[0], unknown(number));
    }
}

#[test]
fn more_bytes_than_the_bound_abort_the_stream() {
    let three = 3 * (3 + ITEM_BYTES);
    for (stream_bytes, window) in [(three, None), (three + 2, None), (three, Some(100))] {
        let (mut peer, key, number) = consumer(Bounds { stream_bytes, ..Bounds::default() }, window);
        receive(&mut peer, number, 3);
        peer.take(key, 2, 6);
        receive(&mut peer, number, 2);
        assert!(handle(&mut peer, &item(number, None)).is_overflow());
        assert_eq!(peer.open_channels(), 0);
    }
}

#[test]
fn items_without_a_value_are_not_held_for_nothing() {
    let (mut peer, key, number) = consumer(Bounds { stream_bytes: 2 * ITEM_BYTES, ..Bounds::default() }, Some(100));
    let nothing = format!(r#"{{"a":["next",{{}}],"h":{number}}}"#);
    for _ in 0..2 {
        assert!(matches!(handle(&mut peer, &nothing), Incoming::Item("out", _)));
    }
    peer.take(key, 1, 0);
    assert!(matches!(handle(&mut peer, &nothing), Incoming::Item("out", _)));
    assert!(handle(&mut peer, &nothing).is_overflow());
    peer.discard(2 * ITEM_BYTES);
    assert_eq!(peer.held_bytes(), 0);
}

#[test]
fn items_within_the_credit_are_held_beyond_the_bound_of_items() {
    let (mut peer, _, number) = consumer(Bounds { stream_items: 3, ..Bounds::default() }, Some(8));
    receive(&mut peer, number, 8);
    assert!(handle(&mut peer, &item(number, None)).is_overflow());
}

trait IsOverflow {
    fn is_overflow(&self) -> bool;
}

impl IsOverflow for Incoming<'_, u32, u32, &'static str> {
    fn is_overflow(&self) -> bool {
        matches!(self, Incoming::Overflow("out"))
    }
}

// Uploads [X-05].

/// A handler that takes an upload.
fn upload() -> (Peer, ChannelKey) {
    let mut peer = connected();
    let key = opened(&mut peer, Role::Upload);
    (peer, key)
}

const RESULT: &str = r#"{"a":["result"],"h":7,"i":8}"#;
const ITEM: &str = r#"{"a":["next",{"value":"v","done":false}],"h":7}"#;
const DONE: &str = r#"{"a":["next",{"done":true}],"h":7}"#;

#[test]
fn result_of_an_upload_goes_to_the_first_request_for_it() {
    let (mut peer, key) = upload();
    assert_eq!(peer.awaited_result(key), AwaitedResult::NotYet);
    assert!(matches!(handle(&mut peer, r#"{"a":["result"],"h":7}"#), Incoming::ChannelCall("in", _)), "an event");
    let incoming = handle(&mut peer, RESULT);
    assert!(matches!(incoming, Incoming::ResultAwaited(Some(HANDLER), seen) if seen == id(8)), "{incoming:?}");
    assert_eq!((peer.awaited_result(key), peer.running()), (AwaitedResult::Request(id(8)), 1));
    let second = r#"{"a":["result"],"h":7,"i":9}"#;
    assert!(matches!(handle(&mut peer, second), Incoming::ChannelCall("in", _)));
    assert_eq!((peer.awaited_result(key), peer.running()), (AwaitedResult::Request(id(8)), 1));
    assert_eq!((peer.close_channel(key), peer.running()), (Some("in"), 0));
    assert_eq!(peer.awaited_result(key), AwaitedResult::Never);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn cancellation_of_the_result_reaches_the_handler() {
    let (mut peer, key) = upload();
    handle(&mut peer, RESULT);
    assert!(matches!(handle(&mut peer, r#"{"i":8,"x":"stop"}"#), Incoming::Cancelled(HANDLER, _)));
    assert!(matches!(handle(&mut peer, r#"{"i":8,"x":"stop"}"#), Incoming::Nothing));
    assert_eq!((peer.running(), peer.is_channel_open(key)), (0, true));
}

#[test]
fn time_that_the_caller_waits_for_the_result_is_the_handlers() {
    let (mut peer, _) = upload();
    let now = Instant::now();
    peer.handle_frame(r#"{"a":["result"],"h":7,"i":8,"m":{"t":20}}"#, now);
    let due = now + Duration::from_millis(20);
    assert_eq!(peer.poll_timeout(), Some(due));
    peer.handle_timeout(due);
    assert_eq!(events(&mut peer), [Event::Expired(HANDLER)]);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn abort_ends_the_items_of_an_upload_but_not_its_result() {
    let (mut peer, key) = upload();
    handle(&mut peer, RESULT);
    let incoming = handle(&mut peer, r#"{"h":7,"x":{"message":"m"},"_":1}"#);
    assert!(matches!(incoming, Incoming::Aborted(seen, "in", None, _) if seen == key), "{incoming:?}");
    assert!(matches!(handle(&mut peer, r#"{"h":7,"x":1}"#), Incoming::Nothing), "they end once");
    assert_eq!((peer.awaited_result(key), peer.running()), (AwaitedResult::Request(id(8)), 1));
    assert!(matches!(handle(&mut peer, ITEM), Incoming::Nothing));
    assert_eq!(sent(&mut peer), [unknown(7)]);
    assert_eq!(peer.close_channel(key), Some("in"));
}

#[test]
fn end_of_an_uploads_items_leaves_its_channel_open_for_the_result() {
    let (mut peer, key) = upload();
    peer.start(key, Some(2));
    sent(&mut peer);
    for frame in [ITEM, ITEM, DONE] {
        assert!(matches!(handle(&mut peer, frame), Incoming::Item("in", _)));
    }
    assert_eq!(peer.awaited_result(key), AwaitedResult::Never, "nobody asks after the end");
    peer.take(key, 2, 6);
    assert!(sent(&mut peer).is_empty(), "no credit after the end");
    assert!(matches!(handle(&mut peer, r#"{"h":7,"x":1}"#), Incoming::Nothing));
    assert!(matches!(handle(&mut peer, RESULT), Incoming::ResultAwaited(Some(HANDLER), _)));
    assert_eq!(peer.awaited_result(key), AwaitedResult::Request(id(8)));
    handle(&mut peer, DONE);
    assert_eq!((sent(&mut peer), peer.open_channels()), (vec![unknown(7)], 1));
}

#[test]
fn overflow_of_an_upload_leaves_its_handler_running() {
    let mut peer = bounded(Bounds { stream_items: 1, ..Bounds::default() });
    let key = opened(&mut peer, Role::Upload);
    handle(&mut peer, RESULT);
    handle(&mut peer, ITEM);
    assert!(matches!(handle(&mut peer, ITEM), Incoming::Overflow("in")));
    assert_eq!((peer.running(), peer.open_channels(), sent(&mut peer).len()), (1, 1, 1));
    assert_eq!(peer.close_channel(key), Some("in"));
}

#[test]
fn handler_that_leaves_its_upload_still_gives_its_result() {
    let (mut peer, key) = upload();
    handle(&mut peer, RESULT);
    let next = |id| format!(r#"{{"a":["next",{{"value":"v","done":false}}],"h":7,"i":{id}}}"#);
    let refused = |id| format!(r#"{{"i":{id},"e":{{"message":"No event listener for 'next' on channel '7'"}},"_":1}}"#);
    handle(&mut peer, &next(9));
    assert!(peer.leave(key, None));
    assert_eq!(sent(&mut peer), [refused(9)]);
    assert!(!peer.leave(key, None));
    assert!(matches!(handle(&mut peer, ITEM), Incoming::Nothing));
    assert!(matches!(handle(&mut peer, &next(10)), Incoming::Nothing));
    assert_eq!(sent(&mut peer), [refused(10)]);
    let seeming = r#"{"a":["next",{"done":true},],"h":7,"i":11}"#;
    assert!(matches!(handle(&mut peer, seeming), Incoming::Nothing));
    let end = r#"{"a":["next",{"done":true}],"h":7,"i":11}"#;
    assert!(matches!(handle(&mut peer, end), Incoming::Nothing));
    assert_eq!(sent(&mut peer), [r#"{"i":11}"#]);
    assert_eq!((peer.awaited_result(key), peer.open_channels()), (AwaitedResult::Request(id(8)), 1));
}

#[test]
fn consumer_that_leaves_aborts_the_stream() {
    let (mut peer, key, number) = consumer(Bounds::default(), Some(4));
    assert!(peer.leave(key, Some(&Reason::value("why"))));
    assert_eq!((sent(&mut peer), peer.open_channels()), (vec![format!(r#"{{"h":{number},"x":"why"}}"#)], 0));
    assert!(!peer.leave(key, None));
}

#[test]
fn caller_whose_items_fail_still_gets_the_result() {
    let mut peer = connected();
    let key = received(&mut peer, Role::Producer);
    let number = key.id();
    let result = peer.request(CallEncoder::new("result").finish_on(key), 2, None, None, None).expect("an open channel");
    handle(&mut peer, &format!(r#"{{"a":["credit",5],"h":{number}}}"#));
    handle(&mut peer, &format!(r#"{{"a":["start"],"h":{number}}}"#));
    assert_eq!(peer.allowance(key), Allowance::Items(5));
    sent(&mut peer);
    peer.abort_items(key, &Reason::value("why"));
    assert_eq!(sent(&mut peer), [format!(r#"{{"h":{number},"x":"why"}}"#)]);
    handle(&mut peer, &format!(r#"{{"a":["start"],"h":{number}}}"#));
    handle(&mut peer, &format!(r#"{{"a":["credit",1],"h":{number}}}"#));
    assert_eq!((peer.allowance(key), peer.open_channels()), (Allowance::Gone, 1));
    let answer = format!(r#"{{"i":{result},"d":5}}"#);
    assert!(matches!(handle(&mut peer, &answer), Incoming::Response(2, Answer::Result(Some("5")))));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn items_that_failed_do_not_go_on_when_the_last_is_answered() {
    for answer in ["", r#","e":"no""#] {
        let mut peer = connected();
        let key = received(&mut peer, Role::Producer);
        let number = key.id();
        handle(&mut peer, &format!(r#"{{"a":["start"],"h":{number}}}"#));
        let item = peer.item_request(key).expect("an open channel");
        assert_eq!(peer.unanswered(), 1);
        peer.abort_items(key, &Reason::value("why"));
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{item}{answer}}}"#)), Incoming::Resumed("out", None)));
        handle(&mut peer, &format!(r#"{{"a":["start"],"h":{number}}}"#));
        assert_eq!((peer.allowance(key), peer.unanswered()), (Allowance::Gone, 0));
    }
}

// What only seems to be said on a channel.

#[test]
fn frame_that_is_not_what_it_seems_changes_nothing() {
    let on_seven = |call: &str| format!(r#"{{"a":[{call}],"h":7}}"#);
    for (role, calls) in [
        (Role::Plain, vec![]),
        (Role::Producer, vec!["\"start\",", "\"start\",01", "\"credit\",5,", "\"credit\",05", "\"credit\" 5"]),
        (
            Role::Consumer,
            vec![r#""next",{"done":tru}"#, r#""next",{"done":true},"#, r#""next",{"value":01,"done":false}"#],
        ),
        (Role::Upload, vec![r#""result",}"#, r#""result","]"#, r#""next",{"value":1,"done":false}]"#]),
    ] {
        for call in calls {
            let mut peer = connected();
            let key = opened(&mut peer, role);
            let request = format!(r#"{{"a":[{call}],"h":7,"i":3}}"#);
            let event = (!call.starts_with(r#""result""#)).then(|| on_seven(call));
            for frame in event.into_iter().chain([request]) {
                let quick = peer.handle(Message::decode(&frame), Instant::now());
                assert!(matches!(quick, Incoming::NotJson), "{frame}: {quick:?}");
                assert!(matches!(handle(&mut peer, &frame), Incoming::Nothing), "{frame}");
            }
            handle(&mut peer, START);
            let expected = if role == Role::Producer { Allowance::OneRequest } else { Allowance::Gone };
            assert_eq!((peer.allowance(key), peer.running()), (expected, 0), "{call}");
            assert!(sent(&mut peer).is_empty(), "{call}");
        }
    }
    let mut peer = connected();
    for frame in [on_seven("\"e\","), on_seven("\"next\",{]")] {
        assert!(matches!(handle(&mut peer, &frame), Incoming::Nothing));
    }
    assert!(sent(&mut peer).is_empty(), "an unknown channel is not told of it either");
}

#[test]
fn frame_with_a_second_reading_is_read_as_the_whole() {
    let mut peer = connected();
    opened(&mut peer, Role::Consumer);
    let item = r#"{"a":["next",{"value":1,"done":true,"value":2,"done":false}],"h":7}"#;
    assert!(matches!(handle(&mut peer, item), Incoming::Item("in", Item { value: Some("2"), done: false, .. })));
    let twice = r#"{"a":["next",{"value":1,"done":false}],"a":["next",{"value":2,"done":false}],"h":7}"#;
    assert!(matches!(handle(&mut peer, twice), Incoming::Item("in", Item { value: Some("2"), .. })));
    let other = r#"{"a":["next",{"done":true}],"a":["e"],"h":7}"#;
    let Incoming::ChannelCall("in", call) = handle(&mut peer, other) else { panic!("a call") };
    assert_eq!((call.scope, &*call.event), (Scope::Anonymous(id(7)), "e"));
    let none = r#"{"a":["next",{"done":true}],"a":[],"h":7}"#;
    assert!(matches!(handle(&mut peer, none), Incoming::Nothing));
    assert_eq!((peer.open_channels(), sent(&mut peer).len()), (1, 0));
}
