//! Cancellation and timeouts [P-50 to P-57].

use super::request;
use crate::core_peer::{connected, id, sent};
use crate::proto::{CallEncoder, CallFailure, Incoming, Notification, Rejection};
use std::time::{Duration, Instant};

#[test]
fn any_reason_cancels_a_handler() {
    for (x, mark, error) in [
        (r#"{"message":"m"}"#, r#","_":1"#, true),
        (r#"{"message":"m"}"#, "", false),
        ("null", "", false),
        ("0", "", false),
        ("false", "", false),
        ("\"\"", "", false),
    ] {
        let mut peer = connected();
        peer.handler_started(id(1), 5, None);
        let frame = format!(r#"{{"i":1,"x":{x}{mark}}}"#);
        let Incoming::Cancelled(5, reason) = peer.handle_frame(&frame, Instant::now()) else { panic!("{frame}") };
        assert_eq!((reason.value, reason.error), (x, error));
    }
}

#[test]
fn cancellation_is_never_taken_for_a_response() {
    let mut peer = connected();
    let call = request(&mut peer, 1, None);
    for rest in [r#""x":1"#, r#""x":null"#, r#""x":1,"d":2"#, r#""x":1,"e":2"#] {
        let frame = format!(r#"{{"i":{call},{rest}}}"#);
        assert!(matches!(peer.handle_frame(&frame, Instant::now()), Incoming::Nothing), "{frame}");
    }
    assert_eq!(peer.pending_calls(), 1);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn cancellation_with_a_channel_aborts_the_channel() {
    let mut peer = connected();
    peer.handler_started(id(1), 5, None);
    assert!(matches!(peer.handle_frame(r#"{"i":1,"x":"stop","h":7}"#, Instant::now()), Incoming::Nothing));
    assert_eq!(peer.running_handlers(), 1);
    assert!(matches!(peer.handle_frame(r#"{"i":1,"x":"stop","h":null}"#, Instant::now()), Incoming::Cancelled(5, _)));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn call_is_cancelled_once_and_only_while_it_is_pending() {
    let mut peer = connected();
    let call = request(&mut peer, 1, None);
    assert_eq!(peer.cancel(call, Some(&Rejection::value("why"))), Some(1));
    assert_eq!(peer.cancel(call, None), None);
    assert_eq!(sent(&mut peer), [format!(r#"{{"i":{call},"x":"why"}}"#)]);
}

#[test]
fn call_times_out_at_its_deadline_and_not_before() {
    let now = Instant::now();
    let after = |milliseconds| now + Duration::from_millis(milliseconds);
    let mut peer = connected();
    let later = request(&mut peer, 1, Some(after(50)));
    let sooner = request(&mut peer, 2, Some(after(40)));
    let answered = request(&mut peer, 3, Some(after(30)));
    request(&mut peer, 4, None);
    assert_eq!(peer.poll_timeout(), Some(after(30)));
    peer.handle_frame(&format!(r#"{{"i":{answered}}}"#), now);
    assert_eq!(peer.poll_timeout(), Some(after(40)));
    peer.handle_timeout(after(39));
    assert_eq!(peer.poll_notification(), None);
    peer.handle_timeout(after(40));
    assert_eq!(peer.poll_notification(), Some(Notification::CallFailed(2, CallFailure::TimedOut)));
    peer.handle_timeout(after(1000));
    assert_eq!(peer.poll_notification(), Some(Notification::CallFailed(1, CallFailure::TimedOut)));
    assert_eq!((peer.poll_notification(), peer.poll_timeout(), peer.pending_calls()), (None, None, 1));
    let cancellation = |id| format!(r#"{{"i":{id},"x":{{"message":"Request aborted"}},"_":1}}"#);
    assert_eq!(sent(&mut peer), [cancellation(sooner), cancellation(later)]);
}

#[test]
fn new_deadline_replaces_the_previous_one() {
    let now = Instant::now();
    let after = |milliseconds| now + Duration::from_millis(milliseconds);
    let mut peer = connected();
    let call = request(&mut peer, 1, Some(after(30)));
    for deadline in [None, Some(after(20)), Some(after(50))] {
        peer.set_deadline(call, deadline);
        assert_eq!(peer.poll_timeout(), deadline);
    }
    peer.handle_timeout(after(49));
    assert_eq!((peer.poll_notification(), peer.poll_timeout()), (None, Some(after(50))));
    peer.handle_timeout(after(50));
    assert_eq!(peer.poll_notification(), Some(Notification::CallFailed(1, CallFailure::TimedOut)));
    peer.set_deadline(call, Some(after(60)));
    assert_eq!(peer.poll_timeout(), None);
}

#[test]
fn expired_handler_is_reported_and_nothing_is_sent() {
    let now = Instant::now();
    let mut peer = connected();
    peer.handler_started(id(1), 5, Some(now + Duration::from_millis(20)));
    peer.handler_started(id(2), 6, Some(now + Duration::from_millis(10)));
    peer.handler_finished(id(2), &6);
    peer.handle_timeout(now + Duration::from_millis(20));
    assert_eq!((peer.poll_notification(), peer.poll_notification()), (Some(Notification::HandlerExpired(5)), None));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn caller_timeout_is_sent_in_milliseconds() {
    let mut peer = connected();
    let call = CallEncoder::new("q").finish(Some("io"));
    peer.request(call, 1, None, Some(Duration::from_micros(1_500_900)), None).expect("the queue has capacity");
    assert_eq!(sent(&mut peer), [r#"{"a":["q"],"c":"io","i":268435457,"m":{"t":1500}}"#]);
}
