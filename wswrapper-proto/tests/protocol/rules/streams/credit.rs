//! The credit of a consumer [X-02].

use crate::core_peer::{Peer, bounded, handle, remote_channel, sent};
use crate::proto::{Bounds, ChannelKey, ITEM_OVERHEAD, Incoming, Role, StreamBound};

/// The charge of one item whose value is `"v"`.
const ITEM: usize = 3 + ITEM_OVERHEAD;

fn started(stream_bytes: usize, window: u32) -> (Peer, ChannelKey) {
    let mut peer = bounded(Bounds { stream_bytes, ..Bounds::default() });
    let key = remote_channel(&mut peer, Role::Consumer);
    peer.consumer(key).start(Some(window));
    (peer, key)
}

fn receive(peer: &mut Peer, key: ChannelKey, items: u32) {
    let frame = format!(r#"{{"a":["next",{{"value":"v","done":false}}],"h":{}}}"#, key.id());
    for _ in 0..items {
        assert!(matches!(handle(peer, &frame), Incoming::Item("out", _)));
    }
}

fn take(peer: &mut Peer, key: ChannelKey, items: u32) {
    peer.consumer(key).take(items, items as usize * 3);
}

/// Returns the credit that was sent, without the start.
fn credit(peer: &mut Peer) -> Option<u32> {
    let frames = sent(peer);
    assert!(frames.len() <= 2, "{frames:?}");
    let items = frames.first()?.strip_prefix(r#"{"a":["credit","#)?.split(']').next()?;
    Some(items.parse().expect("a number"))
}

#[test]
fn credit_doubles_up_to_the_window_when_all_of_it_was_used() {
    for (window, expected) in [
        (256, vec![8, 16, 32, 64, 128, 256, 256]),
        (64, vec![8, 16, 32, 64, 64]),
        (20, vec![8, 16, 20, 20]),
        (9, vec![8, 9, 9]),
        (8, vec![8, 8]),
        (3, vec![3, 3]),
        (1, vec![1, 1]),
    ] {
        let (mut peer, key) = started(1 << 20, window);
        for amount in expected {
            assert_eq!(credit(&mut peer), Some(amount), "window {window}");
            receive(&mut peer, key, amount);
            take(&mut peer, key, amount);
        }
    }
}

#[test]
fn credit_is_granted_with_its_growth_when_half_of_it_was_taken() {
    let (mut peer, key) = started(1 << 20, 64);
    assert_eq!(credit(&mut peer), Some(8));
    receive(&mut peer, key, 8);
    // 8 and 8 more, with 4 of them taken.
    for (taken, expected) in [(3, None), (1, Some(4 + 8)), (4, None)] {
        take(&mut peer, key, taken);
        assert_eq!(credit(&mut peer), expected);
    }
    receive(&mut peer, key, 12);
    for (taken, expected) in [(3, None), (1, Some(8 + 16)), (8, None)] {
        take(&mut peer, key, taken);
        assert_eq!(credit(&mut peer), expected);
    }
}

#[test]
fn credit_that_was_not_used_up_does_not_grow() {
    let (mut peer, key) = started(1 << 20, 64);
    assert_eq!(credit(&mut peer), Some(8));
    for _ in 0..5 {
        receive(&mut peer, key, 7);
        take(&mut peer, key, 7);
        assert_eq!(credit(&mut peer), Some(7));
    }
}

#[test]
fn credit_grows_only_while_the_held_items_fit_four_times() {
    for (stream_bytes, second) in [(4 * 8 * ITEM, 16), (4 * 8 * ITEM - 1, 8)] {
        let (mut peer, key) = started(stream_bytes, 64);
        assert_eq!(credit(&mut peer), Some(8));
        receive(&mut peer, key, 8);
        take(&mut peer, key, 8);
        assert_eq!(credit(&mut peer), Some(second), "{stream_bytes}");
    }
}

#[test]
fn items_held_by_another_stream_keep_the_credit_from_growing() {
    let (mut peer, key) = started(4 * 8 * ITEM, 64);
    assert_eq!(credit(&mut peer), Some(8));
    let other = remote_channel(&mut peer, Role::Consumer);
    receive(&mut peer, other, 1);
    receive(&mut peer, key, 8);
    take(&mut peer, key, 8);
    assert_eq!(credit(&mut peer), Some(8));
}

#[test]
fn item_with_credit_may_exceed_the_byte_bound_eight_times() {
    for (stream_bytes, overflows) in [(ITEM, false), (ITEM - 1, true)] {
        let (mut peer, key) = started(stream_bytes, 64);
        receive(&mut peer, key, 7);
        let frame = format!(r#"{{"a":["next",{{"value":"v","done":false}}],"h":{}}}"#, key.id());
        let incoming = handle(&mut peer, &frame);
        assert_eq!(matches!(incoming, Incoming::Overflow("out", StreamBound::Bytes)), overflows, "{incoming:?}");
    }
}

#[test]
fn item_without_credit_keeps_the_byte_bound() {
    let (mut peer, key) = started(8 * ITEM, 64);
    receive(&mut peer, key, 8);
    let frame = format!(r#"{{"a":["next",{{"value":"v","done":false}}],"h":{}}}"#, key.id());
    assert!(matches!(handle(&mut peer, &frame), Incoming::Overflow("out", StreamBound::Bytes)));
}

#[test]
fn overflow_names_its_bound() {
    let mut peer = bounded(Bounds { stream_items: 1, ..Bounds::default() });
    let key = remote_channel(&mut peer, Role::Consumer);
    receive(&mut peer, key, 1);
    let frame = format!(r#"{{"a":["next",{{"value":"v","done":false}}],"h":{}}}"#, key.id());
    assert!(matches!(handle(&mut peer, &frame), Incoming::Overflow("out", StreamBound::Items)));
}
