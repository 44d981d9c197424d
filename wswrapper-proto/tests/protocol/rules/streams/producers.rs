//! Producers [P-80, P-85 to P-88, X-02, X-06].

use super::START;
use crate::core_peer::{HANDLER, Peer, abort_frame, connected, handle, local_channel, sent, unknown_channel_abort};
use crate::proto::{Allowance, ChannelKey, Incoming, MAX_WINDOW, Reason, Role};

/// Returns a producer that has received these frames from its consumer.
fn producer(frames: &[&str]) -> (Peer, ChannelKey) {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Producer);
    for frame in frames {
        assert!(matches!(handle(&mut peer, frame), Incoming::Resumed("in", Some(HANDLER))), "{frame}");
    }
    (peer, key)
}

fn credit(items: &str) -> String {
    format!(r#"{{"a":["credit",{items}],"h":7}}"#)
}

#[test]
fn producer_waits_for_the_start() {
    let (mut peer, key) = producer(&[]);
    assert_eq!(peer.producer(key).allowance(), Allowance::Idle);
    let (mut peer, key) = producer(&[&credit("5")]);
    assert_eq!((peer.producer(key).allowance(), peer.producer(key).window()), (Allowance::Idle, None));
    handle(&mut peer, START);
    assert_eq!((peer.producer(key).allowance(), peer.producer(key).window()), (Allowance::Items(5), Some(5)));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn credit_and_start_requests_are_answered() {
    let (mut peer, key) = producer(&[r#"{"a":["credit",5],"h":7,"i":2}"#, r#"{"a":["start"],"h":7,"i":3}"#]);
    assert_eq!(
        (sent(&mut peer), peer.producer(key).allowance()),
        (vec![r#"{"i":2}"#.into(), r#"{"i":3}"#.into()], Allowance::Items(5))
    );
}

#[test]
fn invalid_credit_is_ignored() {
    for items in ["-5", "0", "-0", "65537", "1e300", "4294967297", "1.5", "\"5\"", "\"x\"", "true", "null", "[5]", "{}"]
    {
        let (mut peer, key) = producer(&[&credit(items), START]);
        assert_eq!(
            (peer.producer(key).allowance(), peer.producer(key).window()),
            (Allowance::OneRequest, None),
            "{items}"
        );
    }
    let (mut peer, key) = producer(&[r#"{"a":["credit"],"h":7}"#, START]);
    assert_eq!(peer.producer(key).allowance(), Allowance::OneRequest);
    for (items, window) in [("1", 1), ("5.0", 5), ("1e1", 10), ("3,9", 3), ("65536", MAX_WINDOW)] {
        let (mut peer, key) = producer(&[&credit(items), START]);
        assert_eq!(
            (peer.producer(key).allowance(), peer.producer(key).window()),
            (Allowance::Items(window), Some(window)),
            "{items}"
        );
    }
}

#[test]
fn credit_in_hand_never_exceeds_the_largest_window() {
    for (sent, more, left) in [
        (3, vec!["2"], 4),
        (3, vec!["3"], 5),
        (3, vec!["4"], 6),
        (3, vec!["2", "2"], 6),
        (5, vec!["5"], 5),
        (0, vec!["1"], 6),
        (0, vec!["65531"], MAX_WINDOW),
        (0, vec!["65532"], 5),
        (0, vec!["65531", "1"], MAX_WINDOW),
        (5, vec!["65536"], MAX_WINDOW),
        (5, vec!["-1", "0", "\"1\"", "1.5", "65537", "4294967295", "4294967296", "1e300"], 0),
        (2, vec!["4294967294", "9007199254740991"], 3),
    ] {
        let (mut peer, key) = producer(&[&credit("5"), START]);
        peer.producer(key).sent(sent);
        for items in &more {
            handle(&mut peer, &credit(items));
        }
        let left = if left == 0 { Allowance::Blocked } else { Allowance::Items(left) };
        assert_eq!(peer.producer(key).allowance(), left, "{sent} sent, {more:?} given");
    }
    let (mut peer, key) = producer(&[&credit("5"), &credit("7"), &credit("5"), &credit("1"), START]);
    assert_eq!((peer.producer(key).allowance(), peer.producer(key).window()), (Allowance::Items(18), Some(18)));
}

#[test]
fn credit_after_a_start_without_credit_is_ignored() {
    let (mut peer, key) = producer(&[START, &credit("5")]);
    assert_eq!((peer.producer(key).allowance(), peer.producer(key).window()), (Allowance::OneRequest, None));
}

#[test]
fn further_start_while_the_stream_runs_is_ignored() {
    let (mut peer, key) = producer(&[&credit("5"), START]);
    peer.producer(key).sent(5);
    handle(&mut peer, START);
    assert_eq!(peer.producer(key).allowance(), Allowance::Blocked);
    let (mut peer, key) = producer(&[START]);
    peer.producer(key).item_request().expect("an open channel");
    handle(&mut peer, START);
    assert_eq!(peer.producer(key).allowance(), Allowance::Blocked);
}

#[test]
fn items_without_credit_are_requests_one_at_a_time() {
    let (mut peer, key) = producer(&[START]);
    for value in ["", ",\"d\":5", ",\"d\":null", ",\"d\":false"] {
        assert_eq!(peer.producer(key).allowance(), Allowance::OneRequest);
        let item = peer.producer(key).item_request().expect("an open channel");
        assert_eq!(peer.producer(key).allowance(), Allowance::Blocked);
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{}{value}}}"#, item.get() + 1)), Incoming::Nothing));
        let response = format!(r#"{{"i":{item}{value}}}"#);
        assert!(matches!(handle(&mut peer, &response), Incoming::Resumed("in", Some(HANDLER))));
        assert!(matches!(handle(&mut peer, &response), Incoming::Nothing));
    }
    assert_eq!((peer.producer(key).allowance(), peer.pending_calls()), (Allowance::OneRequest, 0));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn item_answered_with_a_channel_is_taken_and_the_channel_aborted() {
    let (mut peer, key) = producer(&[START]);
    let item = peer.producer(key).item_request().expect("an open channel");
    assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{item},"h":1}}"#)), Incoming::Resumed("in", _)));
    assert_eq!((peer.producer(key).allowance(), sent(&mut peer)), (Allowance::OneRequest, vec![abort_frame(item)]));
    assert_eq!(peer.open_channels(), 1);
}

#[test]
fn rejected_item_stops_the_producer_until_the_next_start() {
    for rejection in [r#""e":{"message":"No event listener for 'next' on channel '7'"},"_":1"#, r#""e":null"#] {
        let (mut peer, key) = producer(&[START]);
        let item = peer.producer(key).item_request().expect("an open channel");
        let frame = format!(r#"{{"i":{item},{rejection}}}"#);
        assert!(matches!(handle(&mut peer, &frame), Incoming::Resumed("in", Some(HANDLER))));
        assert_eq!(peer.producer(key).allowance(), Allowance::Idle);
        handle(&mut peer, START);
        assert_eq!(peer.producer(key).allowance(), Allowance::OneRequest);
    }
}

#[test]
fn start_of_a_closed_producer_is_answered_with_an_abort() {
    let (mut peer, key) = producer(&[START]);
    let item = peer.producer(key).item_request().expect("an open channel");
    peer.close_channel(key);
    assert_eq!(peer.unanswered_items(), 0);
    assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{item}}}"#)), Incoming::Nothing));
    assert!(matches!(handle(&mut peer, START), Incoming::Nothing));
    assert_eq!((peer.producer(key).allowance(), sent(&mut peer)), (Allowance::Closed, vec![unknown_channel_abort(7)]));
}

#[test]
fn producer_is_stopped_by_an_abort() {
    let (mut peer, key) = producer(&[&credit("5"), START]);
    let incoming = handle(&mut peer, r#"{"h":7,"x":{"message":"m"},"_":1}"#);
    let Incoming::ChannelAborted(seen, "in", Some(HANDLER), reason) = incoming else { panic!("{incoming:?}") };
    assert_eq!((seen, reason.read()), (key, Reason::new("m")));
    assert_eq!((peer.producer(key).allowance(), peer.open_channels()), (Allowance::Closed, 0));
    // Items that were sent before the abort do not resume the producer.
    peer.producer(key).sent(3);
    assert!(sent(&mut peer).is_empty());
}
