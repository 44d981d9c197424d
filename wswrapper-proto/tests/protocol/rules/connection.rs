//! The connection [P-90 to P-92].

use super::request;
use crate::core_peer::{Peer, connected, id, sent};
use crate::proto::{CallEncoder, CallFailure, Incoming, Notification, Outgoing, QueueError, Side};
use std::time::{Duration, Instant};

#[test]
fn queue_before_the_first_opening_limits_events_and_requests_only() {
    let event = || Outgoing::Owned(CallEncoder::new("e").finish(None).into_event());
    let mut peer = Peer::new(Side::Server, 2);
    let call = peer.request(CallEncoder::new("q").finish(None), 1, None, None, None).expect("the queue has capacity");
    assert_eq!(peer.emit_frame(event()), Ok(()));
    assert_eq!(peer.emit_frame(event()), Err(QueueError::QueueFull));
    let refused = peer.request(CallEncoder::new("q").finish(None), 2, None, None, None);
    assert_eq!((refused, peer.pending_calls()), (Err(QueueError::QueueFull), 1));
    assert_eq!(peer.cancel(call, None), Some(1));
    assert!(peer.poll_transmit().is_none());
    peer.open();
    let frames = [
        r#"{"a":["q"],"i":536870913}"#,
        r#"{"a":["e"]}"#,
        r#"{"i":536870913,"x":{"message":"Request aborted"},"_":1}"#,
    ];
    assert_eq!(sent(&mut peer), frames);
}

#[test]
fn lost_connection_fails_calls_and_drops_queued_frames() {
    let mut peer = connected();
    let later = Instant::now() + Duration::from_secs(1);
    let call = request(&mut peer, 1, Some(later));
    peer.handler_started(id(1), 5, Some(later));
    peer.emit_frame(Outgoing::Shared(br#"{"a":["e"]}"#.as_slice().into())).expect("the connection is open");
    assert_eq!(peer.queued_bytes(), 11);
    peer.close();
    assert_eq!(peer.emit_frame(Outgoing::Owned(Vec::new())), Err(QueueError::Closed));
    peer.handle_frame(r#"{"a":["e"],"h":7}"#, later);
    peer.open();
    assert_eq!(
        (peer.poll_notification(), peer.poll_notification()),
        (Some(Notification::CallFailed(1, CallFailure::Closed)), None)
    );
    assert_eq!((peer.pending_calls(), peer.running_handlers(), peer.poll_timeout()), (0, 0, None));
    assert!(sent(&mut peer).is_empty());
    assert!(matches!(peer.handle_frame(&format!(r#"{{"i":{call},"d":1}}"#), later), Incoming::Nothing));
    peer.handle_timeout(later);
    assert_eq!(peer.poll_notification(), None);
}
