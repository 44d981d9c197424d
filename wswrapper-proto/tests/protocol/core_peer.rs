//! A connection without a transport, and helpers that bring it into the state that a test needs.

use crate::outgoing::assert_valid;
use crate::proto::{
    Bounds, CallEncoder, ChannelKey, Connection, ExpectedChannel, Incoming, Notification, QueueError, RequestId, Role,
    Side,
};
use std::time::Instant;

/// A connection whose waiters and handlers are numbers. The state of a channel is a name.
pub(crate) type Peer = Connection<u32, u32, &'static str>;

/// The handler that runs while its channel is open.
pub(crate) const HANDLER: u32 = 50;

pub(crate) fn connected() -> Peer {
    bounded(Bounds::default())
}

pub(crate) fn bounded(bounds: Bounds) -> Peer {
    let mut peer = Peer::new(Side::Client, 10).with_bounds(bounds);
    peer.open();
    peer
}

pub(crate) fn id(number: u64) -> RequestId {
    RequestId::new(number).expect("an id")
}

/// Takes the frames that wait to be sent. Panics if one of them is invalid.
pub(crate) fn sent(peer: &mut Peer) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some(frame) = peer.poll_transmit() {
        assert_valid(frame.as_bytes());
        frames.push(String::from_utf8(frame.as_bytes().to_vec()).expect("UTF-8"));
    }
    frames
}

pub(crate) fn notifications(peer: &mut Peer) -> Vec<Notification<u32, u32, &'static str>> {
    std::iter::from_fn(|| peer.poll_notification()).collect()
}

pub(crate) fn handle<'f>(peer: &mut Peer, frame: &'f str) -> Incoming<'f, u32, u32, &'static str> {
    peer.handle_frame(frame, Instant::now())
}

/// Opens the channel with which a handler answers request 7.
pub(crate) fn local_channel(peer: &mut Peer, role: Role) -> ChannelKey {
    let key = peer.open_channel(id(7), role, "in").expect("a free number");
    peer.attach(key, HANDLER);
    key
}

/// Sends a request whose response may be a channel.
pub(crate) fn request_channel(peer: &mut Peer, role: Role) -> RequestId {
    let expected = Some(ExpectedChannel { role, state: "out" });
    let id = peer.request(CallEncoder::new("q").finish(None), 1, None, None, expected).expect("the queue has capacity");
    sent(peer);
    id
}

/// Opens the channel with which the peer answers a request.
pub(crate) fn remote_channel(peer: &mut Peer, role: Role) -> ChannelKey {
    let call = request_channel(peer, role);
    match handle(peer, &format!(r#"{{"i":{call},"h":1}}"#)) {
        Incoming::ChannelOpened(1, key) => key,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn request_on(peer: &mut Peer, channel: ChannelKey, waiter: u32) -> Result<RequestId, QueueError> {
    peer.request(CallEncoder::new("q").finish_on(channel), waiter, None, None, None)
}

/// Returns the Error that names an unknown channel, and the end of its frame.
fn unknown_channel(channel: impl std::fmt::Display) -> String {
    format!(r#"{{"message":"Anonymous channel '{channel}' does not exist","code":"ws:UnknownChannel"}},"_":1}}"#)
}

pub(crate) fn unknown_channel_abort(channel: impl std::fmt::Display) -> String {
    format!(r#"{{"h":{channel},"x":{}"#, unknown_channel(&channel))
}

pub(crate) fn unknown_channel_rejection(request: u64, channel: impl std::fmt::Display) -> String {
    format!(r#"{{"i":{request},"e":{}"#, unknown_channel(channel))
}

pub(crate) fn abort_frame(channel: impl std::fmt::Display) -> String {
    format!(r#"{{"h":{channel},"x":{{"message":"Request aborted"}},"_":1}}"#)
}
