//! One test for each rule of anonymous channels that no recording covers.

use crate::core_peer::{
    HANDLER, Peer, abort_frame, bounded, connected, handle, id, local_channel, notifications, remote_channel,
    request_channel, request_on, sent, unknown_channel_abort, unknown_channel_rejection,
};
use crate::proto::{
    Allowance, Bounds, CallEncoder, CallFailure, ChannelKey, Incoming, Notification, OpenChannelError, Opener,
    QueueError, RawReason, Reason, Response, Role, Side,
};
use std::time::Instant;

// Addresses of channels [P-16, P-17, P-60, P-68, P-72].

#[test]
fn any_value_but_null_in_a_response_opens_the_channel_of_the_request() {
    for h in ["1", "0", "false", "true", "\"7\"", "\"\"", "[]", "{}", "268435999", "-1"] {
        let mut peer = connected();
        let call = request_channel(&mut peer, Role::Plain);
        let frame = format!(r#"{{"i":{call},"h":{h},"d":5}}"#);
        let Incoming::ChannelOpened(1, key) = handle(&mut peer, &frame) else { panic!("{frame}") };
        assert_eq!((key.id(), key.opened_by()), (call, Opener::Remote), "{h}");
        assert_eq!((peer.pending_calls(), peer.open_channels()), (0, 1));
    }
    let mut peer = connected();
    let call = request_channel(&mut peer, Role::Plain);
    let frame = format!(r#"{{"i":{call},"h":null,"d":5}}"#);
    assert!(matches!(handle(&mut peer, &frame), Incoming::Response(1, Response::Result(Some("5")))));
    assert_eq!(peer.open_channels(), 0);
}

#[test]
fn rejection_opens_no_channel() {
    let mut peer = connected();
    let call = request_channel(&mut peer, Role::Plain);
    let frame = format!(r#"{{"i":{call},"h":1,"e":5}}"#);
    assert!(matches!(handle(&mut peer, &frame), Incoming::Response(1, Response::Rejection(_))));
    assert_eq!((peer.open_channels(), sent(&mut peer).len()), (0, 0));
}

#[test]
fn channel_number_in_any_form_takes_precedence_over_a_channel_name() {
    let mut peer = connected();
    local_channel(&mut peer, Role::Plain);
    for h in ["7", "7.0", "70e-1", "\"7\"", "7,\"c\":\"io\"", "7,\"c\":5"] {
        for frame in [format!(r#"{{"a":["open",1],"h":{h}}}"#), format!(r#"{{"h":{h},"i":3,"a":["open",1]}}"#)] {
            assert!(matches!(handle(&mut peer, &frame), Incoming::ChannelCall("in", _)), "{frame}");
        }
    }
    for h in ["true", "[7]", "\"0x7\"", "\" 7 \"", "7.5", "-7", "{}"] {
        let frame = format!(r#"{{"a":["open",1],"h":{h}}}"#);
        assert!(matches!(handle(&mut peer, &frame), Incoming::Nothing), "{frame}");
        assert!(matches!(handle(&mut peer, &format!(r#"{{"h":{h},"x":1}}"#)), Incoming::Nothing), "{h}");
    }
    assert!(matches!(handle(&mut peer, r#"{"a":["e"],"h":null,"c":"io"}"#), Incoming::Call(_)));
    assert_eq!((sent(&mut peer).len(), peer.open_channels()), (0, 1));
    let incoming = handle(&mut peer, r#"{"i":7,"h":"7.0","x":1}"#);
    assert!(matches!(
        incoming,
        Incoming::ChannelAborted(_, "in", Some(HANDLER), RawReason { value: "1", error: false })
    ));
}

#[test]
fn local_and_remote_channels_with_the_same_number_are_distinct() {
    let mut peer = connected();
    let number = Side::Client.first_id();
    // The peer requests this number while a local call with it is pending.
    let call = request_channel(&mut peer, Role::Plain);
    let local = peer.open_channel(number, Role::Plain, "in").expect("a free number");
    let Incoming::ChannelOpened(1, remote) = handle(&mut peer, &format!(r#"{{"i":{call},"h":1}}"#)) else {
        panic!("the response is a channel")
    };
    assert_eq!((local.id(), remote.id(), peer.open_channels()), (number, number, 2));
    assert_eq!((local.opened_by(), remote.opened_by()), (Opener::Local, Opener::Remote));
    let event = format!(r#"{{"a":["e"],"h":{number}}}"#);
    assert!(matches!(handle(&mut peer, &event), Incoming::ChannelCall("out", _)));
    request_on(&mut peer, local, 2).expect("an open channel");
    request_on(&mut peer, remote, 3).expect("an open channel");
    assert_eq!(
        (peer.close_channel(remote), notifications(&mut peer)),
        (Some("out"), vec![Notification::CallFailed(3, CallFailure::Closed)])
    );
    assert!(matches!(handle(&mut peer, &event), Incoming::ChannelCall("in", _)));
    assert_eq!(
        (peer.close_channel(local), notifications(&mut peer)),
        (Some("in"), vec![Notification::CallFailed(2, CallFailure::Closed)])
    );
}

#[test]
fn channel_with_a_number_in_use_is_not_opened() {
    let mut peer = connected();
    let remote = remote_channel(&mut peer, Role::Plain);
    let local = local_channel(&mut peer, Role::Plain);
    for key in [remote, local] {
        assert_eq!(peer.open_channel(key.id(), Role::Plain, "again"), Err(OpenChannelError::Taken(key.id())));
    }
    peer.close_channel(local);
    let again = peer.open_channel(id(7), Role::Plain, "again").expect("a free number");
    assert!(again != local && !peer.is_channel_open(local) && peer.is_channel_open(again));
    assert_eq!((peer.close_channel(local), peer.abort_channel(local, None)), (None, None));
    assert_eq!(request_on(&mut peer, local, 2), Err(QueueError::ChannelClosed));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn channels_of_streams_and_uploads_are_counted_in_both_directions() {
    let mut peer = connected();
    let upload = peer.open_channel(id(1), Role::Upload, "in").expect("a free number");
    let stream = peer.open_channel(id(2), Role::Producer, "in").expect("a free number");
    peer.open_channel(id(3), Role::Plain, "in").expect("a free number");
    remote_channel(&mut peer, Role::Plain);
    remote_channel(&mut peer, Role::Consumer);
    assert_eq!((peer.open_channels(), peer.open_streams()), (5, 3));
    peer.close_channel(upload);
    peer.close_channel(upload);
    peer.abort_channel(stream, None);
    assert_eq!((peer.open_channels(), peer.open_streams()), (3, 1));
    peer.close();
    assert_eq!((peer.open_channels(), peer.open_streams()), (0, 0));
}

#[test]
fn handlers_cannot_open_more_channels_than_the_bound() {
    let mut peer = bounded(Bounds { open_channels: 2, ..Bounds::default() });
    for _ in 0..3 {
        remote_channel(&mut peer, Role::Plain);
    }
    let keys =
        [1, 2].map(|number| peer.open_channel(id(number), Role::Plain, "in").expect("fewer channels than the bound"));
    assert_eq!(peer.open_channel(id(3), Role::Plain, "in"), Err(OpenChannelError::TooMany));
    assert_eq!(peer.open_channels(), 5);
    peer.close_channel(keys[0]);
    assert!(peer.open_channel(id(3), Role::Plain, "in").is_ok());
}

// Calls on channels [P-61 to P-66, P-69].

#[test]
fn events_and_requests_on_a_channel_carry_its_number() {
    let mut peer = connected();
    for key in [local_channel(&mut peer, Role::Plain), remote_channel(&mut peer, Role::Plain)] {
        let number = key.id();
        peer.emit(CallEncoder::new("open").finish_on(key)).expect("an open channel");
        let call = request_on(&mut peer, key, 2).expect("an open channel");
        let frames = [format!(r#"{{"a":["open"],"h":{number}}}"#), format!(r#"{{"a":["q"],"h":{number},"i":{call}}}"#)];
        assert_eq!(sent(&mut peer), frames);
        let response = format!(r#"{{"i":{call},"d":5}}"#);
        assert!(matches!(handle(&mut peer, &response), Incoming::Response(2, Response::Result(Some("5")))));
        assert_eq!(peer.close_channel(key).map(|_| notifications(&mut peer)), Some(Vec::new()));
    }
}

#[test]
fn call_on_an_unknown_channel_is_answered_with_an_abort() {
    for (frame, responses) in [
        (r#"{"a":["e",1],"h":7}"#, vec![unknown_channel_abort(7)]),
        (r#"{"a":["e",1],"h":7,"i":2}"#, vec![unknown_channel_abort(7), unknown_channel_rejection(2, 7)]),
        (r#"{"a":["open"],"h":"7","c":"x","i":2}"#, vec![unknown_channel_abort(7), unknown_channel_rejection(2, 7)]),
        (r#"{"a":["next",{"done":true}],"h":7}"#, vec![unknown_channel_abort(7)]),
        (r#"{"a":["start"],"h":7,"i":2}"#, vec![unknown_channel_abort(7), unknown_channel_rejection(2, 7)]),
        (r#"{"a":["e"],"h":true,"i":2}"#, vec![unknown_channel_rejection(2, "true")]),
    ] {
        let mut peer = connected();
        assert!(matches!(handle(&mut peer, frame), Incoming::Nothing), "{frame}");
        assert_eq!(sent(&mut peer), responses, "{frame}");
    }
}

#[test]
fn abort_of_an_unknown_channel_is_ignored() {
    let mut peer = connected();
    for frame in
        [r#"{"h":7,"x":1}"#, r#"{"h":7,"x":{"message":"m"},"_":1}"#, r#"{"h":"abc","x":1}"#, r#"{"h":0,"x":1}"#]
    {
        assert!(matches!(handle(&mut peer, frame), Incoming::Nothing), "{frame}");
    }
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn pending_calls_fail_when_their_channel_closes() {
    let closings: [fn(&mut Peer, ChannelKey) -> bool; 3] = [
        |peer, key| matches!(handle(peer, &format!(r#"{{"h":{},"x":1}}"#, key.id())), Incoming::ChannelAborted(..)),
        |peer, key| peer.abort_channel(key, None).is_some(),
        |peer, key| peer.close_channel(key).is_some(),
    ];
    for close in closings {
        let mut peer = connected();
        let (key, other) = (local_channel(&mut peer, Role::Plain), remote_channel(&mut peer, Role::Plain));
        let answered = request_on(&mut peer, key, 2).expect("an open channel");
        let call = request_on(&mut peer, key, 3).expect("an open channel");
        request_on(&mut peer, other, 4).expect("an open channel");
        request_channel(&mut peer, Role::Plain);
        handle(&mut peer, &format!(r#"{{"i":{answered}}}"#));
        assert!(close(&mut peer, key));
        assert_eq!(notifications(&mut peer), [Notification::CallFailed(3, CallFailure::Closed)]);
        assert_eq!((peer.pending_calls(), peer.open_channels()), (2, 1));
        assert_eq!(peer.cancel(call, None), None);
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{call},"d":1}}"#)), Incoming::Nothing));
    }
}

#[test]
fn closed_channel_sends_nothing_until_the_peer_uses_it() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Plain);
    assert_eq!((peer.close_channel(key), peer.close_channel(key)), (Some("in"), None));
    assert!(sent(&mut peer).is_empty());
    handle(&mut peer, r#"{"a":["e"],"h":7,"i":3}"#);
    assert_eq!(sent(&mut peer), [unknown_channel_abort(7), unknown_channel_rejection(3, 7)]);
    handle(&mut peer, r#"{"h":7,"x":1}"#);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn aborted_channel_notifies_the_peer_once() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Plain);
    assert_eq!(peer.abort_channel(key, Some(&Reason::value("why"))), Some("in"));
    assert_eq!((peer.abort_channel(key, None), peer.close_channel(key)), (None, None));
    assert_eq!(sent(&mut peer), [r#"{"h":7,"x":"why"}"#]);
    let key = local_channel(&mut peer, Role::Plain);
    peer.abort_channel(key, None);
    assert_eq!(sent(&mut peer), [abort_frame(7)]);
}

#[test]
fn nothing_is_sent_on_a_closed_channel() {
    let mut peer = connected();
    let key = local_channel(&mut peer, Role::Producer);
    handle(&mut peer, r#"{"h":7,"x":1}"#);
    assert_eq!(peer.emit(CallEncoder::new("e").finish_on(key)), Err(QueueError::ChannelClosed));
    assert_eq!(request_on(&mut peer, key, 2), Err(QueueError::ChannelClosed));
    assert_eq!((peer.producer(key).allowance(), peer.producer(key).item_request()), (Allowance::Closed, None));
    peer.producer(key).abort_items(&Reason::new("late"));
    assert_eq!((peer.pending_calls(), sent(&mut peer).len()), (0, 0));
    assert_eq!(request_channel(&mut peer, Role::Plain), Side::Client.first_id(), "no id was used");
    peer.close();
    assert_eq!(request_on(&mut peer, key, 2), Err(QueueError::Closed));
}

// Requests that are answered with channels [P-32, P-67, P-70, P-73].

#[test]
fn channel_for_a_cancelled_or_expired_request_is_aborted() {
    let mut peer = connected();
    let cancelled = request_channel(&mut peer, Role::Plain);
    peer.cancel(cancelled, None);
    let now = Instant::now();
    let late =
        peer.request(CallEncoder::new("q").finish(None), 2, Some(now), None, None).expect("the queue has capacity");
    peer.handle_timeout(now);
    sent(&mut peer);
    for call in [cancelled, late] {
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{call},"h":1}}"#)), Incoming::Nothing));
        assert_eq!(sent(&mut peer), [abort_frame(call)]);
    }
}

#[test]
fn unrequested_channel_is_ignored() {
    let mut peer = connected();
    let key = remote_channel(&mut peer, Role::Plain);
    // The numbers of a remote channel, of a local channel, and of two requests that were never sent.
    local_channel(&mut peer, Role::Plain);
    for number in [key.id().get(), 7, 8, key.id().get() + 1] {
        assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{number},"h":1}}"#)), Incoming::Nothing));
        assert!(sent(&mut peer).is_empty(), "{number}");
    }
    assert_eq!(peer.open_channels(), 2);
    peer.close_channel(key);
    handle(&mut peer, &format!(r#"{{"i":{},"h":1}}"#, key.id()));
    assert_eq!(sent(&mut peer), [abort_frame(key.id())]);
}

#[test]
fn channel_in_place_of_a_value_is_reported_and_aborted() {
    let mut peer = connected();
    let call = peer.request(CallEncoder::new("q").finish(None), 1, None, None, None).expect("the queue has capacity");
    sent(&mut peer);
    let creation = format!(r#"{{"i":{call},"h":1}}"#);
    assert!(matches!(handle(&mut peer, &creation), Incoming::Response(1, Response::Channel)));
    assert_eq!((sent(&mut peer), peer.open_channels()), (vec![abort_frame(call)], 0));
}

#[test]
fn request_answered_with_a_channel_is_finished() {
    let mut peer = connected();
    peer.handler_started(id(7), HANDLER, None);
    peer.handler_finished(id(7), &HANDLER);
    local_channel(&mut peer, Role::Producer);
    assert!(matches!(handle(&mut peer, r#"{"i":7,"x":"late"}"#), Incoming::Nothing));
    assert_eq!((peer.open_channels(), sent(&mut peer).len()), (1, 0));
    let key = remote_channel(&mut peer, Role::Plain);
    assert_eq!(peer.cancel(key.id(), None), None);
    assert_eq!((peer.open_channels(), sent(&mut peer).len()), (2, 0));
}

#[test]
fn lost_connection_closes_every_channel_once() {
    let mut peer = connected();
    let producer = local_channel(&mut peer, Role::Producer);
    handle(&mut peer, r#"{"a":["start"],"h":7}"#);
    let item = peer.producer(producer).item_request().expect("an open channel");
    let consumer = remote_channel(&mut peer, Role::Consumer);
    request_on(&mut peer, consumer, 2).expect("an open channel");
    peer.close();
    let mut closed = notifications(&mut peer);
    closed.sort_by_key(|notification| format!("{notification:?}"));
    assert_eq!(
        closed,
        [
            Notification::CallFailed(2, CallFailure::Closed),
            Notification::ChannelClosed("in"),
            Notification::ChannelClosed("out")
        ]
    );
    assert_eq!((peer.open_channels(), peer.pending_calls(), peer.unanswered_items()), (0, 0, 0));
    assert_eq!(peer.open_channel(id(8), Role::Plain, "late"), Err(OpenChannelError::Closed));
    peer.open();
    assert!(matches!(handle(&mut peer, &format!(r#"{{"i":{item}}}"#)), Incoming::Nothing));
    for key in [producer, consumer] {
        assert_eq!((peer.close_channel(key), peer.abort_channel(key, None)), (None, None));
        assert!(!peer.consumer(key).start(Some(5)));
        peer.consumer(key).take(0, 0);
    }
    assert!(sent(&mut peer).is_empty());
    handle(&mut peer, r#"{"a":["start"],"h":7}"#);
    assert_eq!(sent(&mut peer), [unknown_channel_abort(7)]);
}
