//! Requests and responses [P-30 to P-39].

use super::{call, request};
use crate::core_peer::{Peer, connected, id, sent};
use crate::outgoing::assert_valid;
use crate::proto::{ArgumentsError, CallEncoder, Incoming, Message, Response, Side, encode};
use serde_json::{Value, json};
use std::time::Instant;

#[test]
fn unit_result_has_no_value_and_none_is_sent_as_null() {
    fn result(value: &impl serde::Serialize) -> String {
        let mut frame = Vec::new();
        encode::result(&mut frame, id(1), value).expect("JSON");
        assert_valid(&frame);
        String::from_utf8(frame).expect("UTF-8")
    }
    assert_eq!(result(&()), r#"{"i":1}"#);
    assert_eq!(result(&None::<u32>), r#"{"i":1,"d":null}"#);
    assert_eq!(result(&Some(())), r#"{"i":1,"d":null}"#);
    assert_eq!(result(&f64::NAN), r#"{"i":1,"d":null}"#);
    assert_eq!(result(&Value::Null), r#"{"i":1,"d":null}"#);
    assert_eq!(result(&[(); 1]), r#"{"i":1,"d":[null]}"#);
    assert_eq!(result(&json!(false)), r#"{"i":1,"d":false}"#);
}

#[test]
fn absent_arguments_are_omitted_only_at_the_end() {
    let encode = |arguments: &[Option<u32>]| {
        let mut call = CallEncoder::new("e");
        for argument in arguments {
            call.argument(argument).expect("JSON");
        }
        String::from_utf8(call.finish(None).into_event()).expect("UTF-8")
    };
    assert_eq!(encode(&[]), r#"{"a":["e"]}"#);
    assert_eq!(encode(&[None, None]), r#"{"a":["e"]}"#);
    assert_eq!(encode(&[None, Some(1)]), r#"{"a":["e",null,1]}"#);
    assert_eq!(encode(&[Some(1), None]), r#"{"a":["e",1]}"#);
    let mut call = CallEncoder::new("e");
    call.argument(&Value::Null).expect("JSON");
    call.argument(&None::<u32>).expect("JSON");
    assert_eq!(call.finish(Some("x")).into_event(), br#"{"a":["e",null],"c":"x"}"#);
}

#[test]
fn null_and_absent_optional_arguments_are_read_alike() {
    let mut arguments = call(r#"{"a":["e",null,1]}"#).arguments;
    assert!(matches!(arguments.next::<Option<u32>>(), Ok(None)));
    assert!(matches!(arguments.next::<Option<u32>>(), Ok(Some(1))));
    assert!(matches!(arguments.next::<Option<u32>>(), Ok(None)));
    assert!(matches!(arguments.next::<u32>(), Err(ArgumentsError::Missing)));
    assert!(matches!(arguments.next::<Value>(), Err(ArgumentsError::Missing)));
    assert_eq!(arguments.taken(), 2);
    assert!(matches!(arguments.finish(), Ok(0)));
}

#[test]
fn argument_of_a_wrong_type_is_an_error_and_can_be_read_as_another_type() {
    let mut arguments = call(r#"{"a":["e",null,"x",3]}"#).arguments;
    assert!(matches!(arguments.next::<u32>(), Err(ArgumentsError::Decode(_))));
    assert!(matches!(arguments.next::<()>(), Ok(())));
    assert!(matches!(arguments.next::<u32>(), Err(ArgumentsError::Decode(_))));
    assert!(matches!(arguments.next::<&str>(), Ok("x")));
    assert!(matches!(arguments.finish(), Ok(1)));
}

#[test]
fn response_without_a_pending_call_is_ignored() {
    let mut peer = connected();
    let call = request(&mut peer, 1, None);
    let now = Instant::now();
    let response = format!(r#"{{"i":{call},"d":1}}"#);
    for frame in [r#"{"i":1,"d":1}"#, r#"{"i":1,"e":1}"#, r#"{"i":1}"#, r#"{"d":1}"#, r#"{"i":268435456}"#] {
        assert!(matches!(peer.handle_frame(frame, now), Incoming::Nothing), "{frame}");
    }
    assert!(matches!(peer.handle_frame(&response, now), Incoming::Response(1, Response::Result(Some("1")))));
    assert!(matches!(peer.handle_frame(&response, now), Incoming::Nothing));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn other_keys_of_a_response_are_ignored() {
    let mut peer = connected();
    let call = request(&mut peer, 1, None);
    let frame = format!(r#"{{"c":"elsewhere","zzz":1,"i":{call},"d":1}}"#);
    assert!(matches!(peer.handle_frame(&frame, Instant::now()), Incoming::Response(1, _)));
}

#[test]
fn rejection_takes_precedence_over_channel_and_channel_over_result() {
    let response = |frame| match Message::decode(frame) {
        Message::Response(_, response) => response,
        other => panic!("{other:?}"),
    };
    assert!(matches!(response(r#"{"i":1,"d":1,"h":1,"e":1}"#), Response::Rejection(_)));
    assert!(matches!(response(r#"{"i":1,"d":1,"e":null}"#), Response::Rejection(_)));
    assert!(matches!(response(r#"{"i":1,"d":1,"h":0}"#), Response::Channel));
    assert!(matches!(response(r#"{"i":1,"d":1,"h":false}"#), Response::Channel));
    assert!(matches!(response(r#"{"i":1,"d":1,"h":null}"#), Response::Result(Some("1"))));
}

#[test]
fn ids_of_the_two_directions_are_independent() {
    let mut peer = connected();
    let call = request(&mut peer, 1, None);
    let now = Instant::now();
    peer.handler_started(call, 5, None);
    let cancellation = format!(r#"{{"i":{call},"x":"stop"}}"#);
    assert!(matches!(peer.handle_frame(&cancellation, now), Incoming::Cancelled(5, _)));
    assert!(matches!(peer.handle_frame(&cancellation, now), Incoming::Nothing));
    assert_eq!(peer.pending_calls(), 1);
    let response = format!(r#"{{"i":{call}}}"#);
    assert!(matches!(peer.handle_frame(&response, now), Incoming::Response(1, Response::Result(None))));
}

#[test]
fn cancellation_of_a_repeated_id_cancels_the_newer_handler() {
    let mut peer = connected();
    peer.handler_started(id(1), 10, None);
    peer.handler_started(id(1), 11, None);
    peer.handler_finished(id(1), &10);
    let incoming = peer.handle_frame(r#"{"i":1,"x":"stop"}"#, Instant::now());
    assert!(matches!(incoming, Incoming::Cancelled(11, _)), "{incoming:?}");
    assert_eq!(peer.running_handlers(), 0);
}

#[test]
fn ids_of_client_and_server_start_at_different_numbers() {
    for (side, first) in [(Side::Client, 268_435_457), (Side::Server, 536_870_913)] {
        let mut peer = Peer::new(side, 10);
        peer.open();
        assert_eq!(request(&mut peer, 1, None).get(), first);
        assert_eq!(request(&mut peer, 2, None).get(), first + 1);
        peer.close();
        peer.open();
        assert_eq!(request(&mut peer, 3, None).get(), first + 2);
    }
}
