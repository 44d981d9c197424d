//! Request ids [P-36, P-68].

use crate::core_peer::{Peer, handle, id, request_channel, sent};
use crate::proto::{CallEncoder, Connection, Incoming, QueueError, RequestId, Role, Side};
use std::collections::HashSet;

const CLIENT: u64 = 1 << 28;
const SERVER: u64 = 1 << 29;
const BEYOND: u64 = 1 << 30;
const LAST: u64 = (1 << 53) - 1;

fn peer_at(side: Side, next: u64) -> Peer {
    let mut peer = Connection::new(side, 10).with_next_id(id(next));
    peer.open();
    peer
}

fn request(peer: &mut Peer) -> Result<RequestId, QueueError> {
    peer.request(CallEncoder::new("q").finish(None), 1, None, None, None)
}

/// Returns the ids of this many requests.
fn ids(peer: &mut Peer, count: usize) -> Vec<u64> {
    (0..count).map(|_| request(peer).expect("an id is left").get()).collect()
}

#[test]
fn ids_of_each_side_begin_at_its_range() {
    for (side, first) in [(Side::Client, CLIENT + 1), (Side::Server, SERVER + 1)] {
        let mut peer = Connection::new(side, 10);
        peer.open();
        assert_eq!(ids(&mut peer, 3), [first, first + 1, first + 2]);
    }
}

#[test]
fn ids_continue_above_both_ranges_with_odd_or_even_numbers() {
    let mut client = peer_at(Side::Client, SERVER - 1);
    assert_eq!(ids(&mut client, 5), [SERVER - 1, SERVER, BEYOND + 1, BEYOND + 3, BEYOND + 5]);
    let mut server = peer_at(Side::Server, BEYOND - 1);
    assert_eq!(ids(&mut server, 5), [BEYOND - 1, BEYOND, BEYOND + 2, BEYOND + 4, BEYOND + 6]);
}

#[test]
fn ids_of_two_sides_never_meet() {
    let (mut client, mut server) = (peer_at(Side::Client, SERVER - 500), peer_at(Side::Server, BEYOND - 500));
    let mut seen = HashSet::new();
    assert!(ids(&mut client, 2_000).into_iter().chain(ids(&mut server, 2_000)).all(|id| seen.insert(id)));
}

#[test]
fn last_id_is_used_once() {
    for (side, last) in [(Side::Client, LAST), (Side::Server, LAST - 1)] {
        let mut peer = peer_at(side, last - 2);
        assert_eq!(ids(&mut peer, 2), [last - 2, last]);
        assert_eq!((request(&mut peer), request(&mut peer)), (Err(QueueError::NoIds), Err(QueueError::NoIds)));
        assert_eq!(peer.pending_calls(), 2);
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{last}}}"#)), Incoming::Response(1, _)));
    }
}

#[test]
fn numbers_of_open_channels_are_left_out() {
    // The peer counts from 1, and its channels are open at numbers that come next, at the end of the range too.
    for (next, open, expected) in [
        (CLIENT + 1, vec![CLIENT + 1], vec![CLIENT + 2, CLIENT + 3]),
        (CLIENT + 1, vec![CLIENT + 2, CLIENT + 3], vec![CLIENT + 1, CLIENT + 4]),
        (SERVER, vec![SERVER, BEYOND + 1], vec![BEYOND + 3, BEYOND + 5]),
    ] {
        let mut peer = peer_at(Side::Client, next);
        let open: Vec<_> =
            open.into_iter().map(|number| peer.open_channel(id(number), Role::Plain, "in").expect("free")).collect();
        assert_eq!(ids(&mut peer, 2), expected);
        sent(&mut peer);
        // A call on each of them reaches it.
        for key in &open {
            let call = format!(r#"{{"a":["q"],"h":{},"i":3}}"#, key.id());
            assert!(matches!(handle(&mut peer, &call), Incoming::ChannelCall("in", _)));
        }
        // A number that was left out is not used later.
        assert!(open.into_iter().all(|key| peer.close_channel(key).is_some()));
        assert!(request(&mut peer).expect("an id is left").get() > expected[1]);
    }
}

#[test]
fn item_requests_leave_out_the_numbers_of_open_channels() {
    let mut peer = peer_at(Side::Server, SERVER + 1);
    let key = peer.open_channel(id(SERVER + 1), Role::Producer, "in").expect("free");
    handle(&mut peer, &format!(r#"{{"a":["start"],"h":{}}}"#, key.id()));
    assert_eq!(peer.producer(key).item_request(), Some(id(SERVER + 2)));
}

#[test]
fn numbers_that_were_not_issued_belong_to_the_peer() {
    let mut peer = peer_at(Side::Client, SERVER);
    let call = request_channel(&mut peer, Role::Plain);
    assert_eq!(call.get(), SERVER);
    request_channel(&mut peer, Role::Plain);
    // Numbers of the other side's range, and its even numbers above, are not local calls: a late channel of one of
    // them is not aborted.
    for number in [SERVER + 1, BEYOND, BEYOND + 2] {
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{number},"h":1}}"#)), Incoming::Nothing));
    }
    assert!(sent(&mut peer).is_empty());
    assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{},"h":1}}"#, BEYOND + 1)), Incoming::ChannelOpened(1, _)));
    assert!(matches!(
        handle(&mut peer, &format!(r#"{{"a":["e"],"h":{}}}"#, BEYOND + 1)),
        Incoming::ChannelCall("out", _)
    ));
}
