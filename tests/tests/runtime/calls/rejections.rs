//! Calls with wrong arguments, unknown events and unknown channels.

use super::{CalcProxy, calc_server};
use serde_json::json;
use wswrapper::{CallError, Server};
use wswrapper_tests::{RawPeer, pair};

#[tokio::test]
async fn wrong_arguments_are_rejected_with_position_name_and_reason() {
    let server = calc_server().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for (arguments, message) in [
        (r#""add",1,"x""#, "argument 2 (`b`) of `add`: invalid type: string \"x\", expected i64"),
        (r#""add",1,null"#, "argument 2 (`b`) of `add`: invalid type: null, expected i64"),
        (r#""add",1.5,2"#, "argument 1 (`a`) of `add`: invalid type: floating point `1.5`, expected i64"),
        (r#""add",1"#, "too few arguments for `add`: expected 2 (`a`, `b`), got 1"),
        (r#""add",1,2,3,4"#, "too many arguments for `add`: expected 2 (`a`, `b`), got 4"),
        (r#""nothing",1"#, "too many arguments for `nothing`: expected 0, got 1"),
        (r#""sum","?""#, "argument 1 (`bytes`) of `sum`: not base64: Invalid symbol 63, offset 0."),
    ] {
        let request = format!(r#"{{"a":[{arguments}],"c":"calc","i":5}}"#);
        assert_eq!(
            raw.ask(&request).await,
            json!({"i": 5, "e": {"message": message, "code": "ws:BadArguments"}, "_": 1}),
            "{arguments}"
        );
    }
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"c":"calc","i":6}"#).await, json!({"i": 6, "d": 3}));
}

#[tokio::test]
async fn unhandled_events_and_unknown_channels_are_rejected_with_the_texts_of_javascript() {
    let server = calc_server().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for (frame, message, code) in [
        (r#"{"a":["nope"],"i":1}"#, "No event listener for 'nope'", "ws:UnknownEvent"),
        (r#"{"a":["nope"],"c":"calc","i":1}"#, "No event listener for 'nope' on channel 'calc'", "ws:UnknownEvent"),
        (r#"{"a":["add",1,2],"c":"other","i":1}"#, "Channel 'other' does not exist", "ws:UnknownChannel"),
    ] {
        assert_eq!(raw.ask(frame).await, json!({"i": 1, "e": {"message": message, "code": code}, "_": 1}));
    }
    let refused = CalcProxy::new(&pair(Server::builder()).client).add(1, 2).await;
    assert!(matches!(
        refused,
        Err(CallError::Rejected(rejection)) if rejection.message() == Some("Channel 'calc' does not exist")
    ));
}
