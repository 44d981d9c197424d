//! Messages of streams on a channel, and malformed ones.

use super::START;
use crate::core_peer::{connected, handle, id, local_channel, sent};
use crate::outgoing::assert_valid;
use crate::proto::{Address, Allowance, CallEncoder, Incoming, Item, Message, Position, Resume, Role, encode};
use std::time::{Duration, Instant};

#[test]
fn other_events_on_a_stream_channel_are_passed_to_its_handlers() {
    for (role, stream_events, other_events) in [
        (Role::Plain, vec![], vec!["start", "credit", "next", "result", "e"]),
        (Role::Producer, vec!["start", "credit"], vec!["next", "result", "e"]),
        (Role::Consumer, vec!["next"], vec!["start", "credit", "result", "e"]),
        (Role::Upload, vec!["next", "result"], vec!["start", "credit", "e"]),
    ] {
        let mut peer = connected();
        local_channel(&mut peer, role);
        for event in other_events {
            assert!(!peer.is_stream_message(id(7), event), "{event}");
            let frame = format!(r#"{{"a":["{event}",{{"done":true}}],"h":7,"i":3}}"#);
            let incoming = handle(&mut peer, &frame);
            assert!(matches!(incoming, Incoming::ChannelCall("in", _)), "{role:?}: {incoming:?}");
        }
        assert!(
            stream_events
                .iter()
                .all(|event| peer.is_stream_message(id(7), event) && !peer.is_stream_message(id(8), event))
        );
        assert!(sent(&mut peer).is_empty());
    }
}

#[test]
fn item_and_done_frames_have_the_form_of_the_javascript_library() {
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

#[test]
fn a_position_is_written_before_the_lost_items_and_read_again() {
    let at = Some(Position { epoch: 5, offset: 9 });
    let mut frame = Vec::new();
    encode::item_at(&mut frame, id(7), None, 4, at, &"v").expect("JSON");
    assert_valid(&frame);
    let frame = String::from_utf8(frame).expect("UTF-8");
    assert_eq!(frame, r#"{"a":["next",{"value":"v","done":false,"at":[5,9],"lost":4}],"h":7}"#);
    let Message::Call(call) = Message::decode(&frame) else { panic!("it is a call") };
    let item = Item::read(&call.arguments).expect("it is an item");
    assert_eq!(item, Item { value: Some("\"v\""), done: false, lost: 4, at });
    // Anything else is an unknown member.
    for at in ["[5]", "[]", "[5,0]", "\"[5,9]\"", "null", "7"] {
        let frame = format!(r#"{{"a":["next",{{"value":1,"done":false,"at":{at}}}],"h":7}}"#);
        let Message::Call(call) = Message::decode(&frame) else { panic!("it is a call") };
        let item = Item::read(&call.arguments).expect("it is an item");
        assert_eq!((item.value, item.at), (Some("1"), None), "{at}");
    }
}

#[test]
fn a_request_for_a_resumable_stream_says_where_it_begins() {
    let request = |resume, timeout: Option<u64>| {
        let mut call = CallEncoder::new("ticks").finish(Some("desk"));
        call.resume(resume);
        let timeout = timeout.map(Duration::from_millis);
        let length = call.request_len(id(3), timeout, false);
        let frame = call.into_request(id(3), timeout, false);
        assert_eq!(frame.len(), length);
        let frame = String::from_utf8(frame).expect("UTF-8");
        let Message::Call(call) = Message::decode(&frame) else { panic!("it is a call") };
        assert_eq!((call.resume(), call.caller_timeout()), (Some(resume), timeout));
        frame
    };
    assert_eq!(request(Resume::New, None), r#"{"a":["ticks"],"c":"desk","i":3,"m":{"r":[]}}"#);
    let after = Resume::After(Position { epoch: 5, offset: 9 });
    assert_eq!(request(after, Some(20)), r#"{"a":["ticks"],"c":"desk","i":3,"m":{"t":20,"r":[5,9]}}"#);
    let plain = CallEncoder::new("ticks").finish(None).into_request(id(3), None, false);
    let Message::Call(call) = Message::decode(std::str::from_utf8(&plain).expect("UTF-8")) else { panic!("a call") };
    assert_eq!(call.resume(), None);
}

#[test]
fn a_call_knows_its_event_and_its_channel() {
    let call = CallEncoder::new("a \"b\"").finish(Some("c/d"));
    assert_eq!(call.event_and_channel(), ("a \"b\"".to_owned(), Some("c/d".to_owned())));
    let mut encoder = CallEncoder::new("sum");
    encoder.argument(&[1, 2]).expect("JSON");
    assert_eq!(encoder.finish(None).event_and_channel(), ("sum".to_owned(), None));
}

#[test]
fn malformed_stream_frame_changes_nothing() {
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
            let key = local_channel(&mut peer, role);
            let request = format!(r#"{{"a":[{call}],"h":7,"i":3}}"#);
            let event = (!call.starts_with(r#""result""#)).then(|| on_seven(call));
            for frame in event.into_iter().chain([request]) {
                let quick = peer.handle(Message::decode(&frame), Instant::now());
                assert!(matches!(quick, Incoming::NotJson), "{frame}: {quick:?}");
                assert!(matches!(handle(&mut peer, &frame), Incoming::Nothing), "{frame}");
            }
            handle(&mut peer, START);
            let expected = if role == Role::Producer { Allowance::OneRequest } else { Allowance::Closed };
            assert_eq!((peer.producer(key).allowance(), peer.running_handlers()), (expected, 0), "{call}");
            assert!(sent(&mut peer).is_empty(), "{call}");
        }
    }
    let mut peer = connected();
    for frame in [on_seven("\"e\","), on_seven("\"next\",{]")] {
        assert!(matches!(handle(&mut peer, &frame), Incoming::Nothing));
    }
    assert!(sent(&mut peer).is_empty(), "a malformed frame for an unknown channel is not answered either");
}

#[test]
fn stream_frame_with_repeated_keys_is_decoded_as_a_whole() {
    let mut peer = connected();
    local_channel(&mut peer, Role::Consumer);
    let item = r#"{"a":["next",{"value":1,"done":true,"value":2,"done":false}],"h":7}"#;
    assert!(matches!(handle(&mut peer, item), Incoming::Item("in", Item { value: Some("2"), done: false, .. })));
    let twice = r#"{"a":["next",{"value":1,"done":false}],"a":["next",{"value":2,"done":false}],"h":7}"#;
    assert!(matches!(handle(&mut peer, twice), Incoming::Item("in", Item { value: Some("2"), .. })));
    let other = r#"{"a":["next",{"done":true}],"a":["e"],"h":7}"#;
    let Incoming::ChannelCall("in", call) = handle(&mut peer, other) else { panic!("a call") };
    assert_eq!((call.address, &*call.event), (Address::Anonymous(id(7)), "e"));
    let none = r#"{"a":["next",{"done":true}],"a":[],"h":7}"#;
    assert!(matches!(handle(&mut peer, none), Incoming::Nothing));
    assert_eq!((peer.open_channels(), sent(&mut peer).len()), (1, 0));
}
