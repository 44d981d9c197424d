//! One test for each rule of the protocol that no recording covers.

mod aborts;
mod cancellation;
mod channels;
mod classification;
mod connection;
mod errors;
mod frames;
mod ids;
mod names;
mod responses;
mod streams;
mod traces;

use crate::core_peer::{Peer, connected, sent};
use crate::proto::{Call, CallEncoder, Incoming, Message, Rejection, RequestId, Response};
use std::time::Instant;

/// Returns the frames that the core sends in response to a frame that reaches no handler.
fn responses_to(frame: &str) -> Vec<String> {
    let mut peer = connected();
    let now = Instant::now();
    let mut incoming = peer.handle_frame(frame, now);
    if let Incoming::Call(Call { mut arguments, .. }) = incoming
        && arguments.finish().is_err()
    {
        incoming = peer.handle(Message::decode_whole(frame), now);
    }
    assert!(matches!(incoming, Incoming::Nothing), "{frame}: {incoming:?}");
    sent(&mut peer)
}

/// Sends a request and takes its frame out of the queue.
fn request(peer: &mut Peer, waiter: u32, deadline: Option<Instant>) -> RequestId {
    let id =
        peer.request(CallEncoder::new("q").finish(None), waiter, deadline, None, None).expect("the queue has capacity");
    sent(peer);
    id
}

fn call(frame: &str) -> Call<'_> {
    match Message::decode_whole(frame) {
        Message::Call(call) => call,
        other => panic!("{frame} is {other:?}"),
    }
}

fn rejection(frame: &str) -> Rejection {
    match Message::decode(frame) {
        Message::Response(_, Response::Rejection(reason)) => reason.read(),
        other => panic!("{frame} is {other:?}"),
    }
}
