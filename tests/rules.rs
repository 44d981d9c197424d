//! The protocol's rules that no recording covers, one by one.

#[expect(dead_code, reason = "the rules of channels need more of it")]
mod bare;
#[path = "rules/cancellation.rs"]
mod cancellation;
#[path = "rules/classification.rs"]
mod classification;
#[path = "rules/connection.rs"]
mod connection;
#[path = "rules/errors.rs"]
mod errors;
#[path = "rules/frames.rs"]
mod frames;
#[path = "rules/names.rs"]
mod names;
mod outgoing;
#[path = "rules/responses.rs"]
mod responses;

use bare::{Peer, connected, sent};
use std::time::Instant;
use wswrapper::Rejection;
use wswrapper::proto::{Answer, Call, CallEncoder, Incoming, Message, RequestId};

/// What is sent at once in answer to a frame that no handler gets to see.
fn answered(frame: &str) -> Vec<String> {
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

/// Starts a call and takes its frame out of the queue.
fn request(peer: &mut Peer, waiter: u32, deadline: Option<Instant>) -> RequestId {
    let id = peer.request(CallEncoder::new("q").finish(None), waiter, deadline, None, None).expect("room");
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
        Message::Response(_, Answer::Rejected(reason)) => reason.read(),
        other => panic!("{frame} is {other:?}"),
    }
}
