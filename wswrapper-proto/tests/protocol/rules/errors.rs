//! Errors [P-40 to P-47].

use super::rejection;
use crate::core_peer::id;
use crate::outgoing::assert_valid;
use crate::proto::{Address, Message, RawReason, Rejection, Response, encode};
use serde_json::{Value, json};

#[test]
fn error_mark_counts_if_it_and_the_rejection_are_truthy() {
    for (mark, marked) in [
        ("1", true),
        ("true", true),
        ("2", true),
        ("\"0\"", true),
        ("\"false\"", true),
        ("[]", true),
        ("{}", true),
        ("1e-300", true),
        ("0", false),
        ("-0", false),
        ("0.0", false),
        ("0e9", false),
        ("1e-400", false),
        ("false", false),
        ("null", false),
        ("\"\"", false),
    ] {
        let seen = rejection(&format!(r#"{{"i":1,"e":{{"message":"m"}},"_":{mark}}}"#));
        assert_eq!(seen.is_error(), marked, "{mark}");
        assert_eq!(seen == Rejection::new("m"), marked, "{mark}");
    }
    for (bare, value) in [("false", json!(false)), ("0", json!(0)), ("\"\"", json!(""))] {
        assert_eq!(rejection(&format!(r#"{{"i":1,"e":{bare},"_":1}}"#)).as_value(), Some(&value), "{bare}");
    }
    let null = Message::decode(r#"{"i":1,"e":null,"_":1}"#);
    assert!(
        matches!(null, Message::Response(_, Response::Rejection(RawReason { value: "null", error: false }))),
        "{null:?}"
    );
}

#[test]
fn marked_rejection_of_any_form_is_read_as_an_error() {
    for odd in ["{}", "\"text\"", "5", "[1,2]", "true"] {
        let seen = rejection(&format!(r#"{{"i":1,"e":{odd},"_":1}}"#));
        assert_eq!(seen, Rejection::new(""), "{odd}");
    }
    let seen = rejection(r#"{"i":1,"e":{"message":5,"code":"Odd","data":[1]},"_":1}"#);
    assert_eq!((seen.message(), seen.code(), seen.data()), (Some("5"), Some("Odd"), Some(&json!([1]))));
    let seen = rejection(r#"{"i":1,"e":{"code":"Odd"},"_":1}"#);
    assert_eq!((seen.message(), seen.code()), (Some(""), Some("Odd")));
    for unreadable in [r#"{"message":"\ud800"}"#, "1e400"] {
        assert!(rejection(&format!(r#"{{"i":1,"e":{unreadable},"_":1}}"#)).is_error(), "{unreadable}");
    }
}

#[test]
fn null_is_never_sent_as_a_rejection_or_a_reason() {
    let received = RawReason { value: "null", error: false }.read();
    for rejection in [Rejection::value(Value::Null), received] {
        let mut frame = Vec::new();
        encode::rejection(&mut frame, id(1), &rejection);
        assert_eq!(String::from_utf8_lossy(&frame), r#"{"i":1,"e":{"message":"Error"},"_":1}"#);
        frame.clear();
        encode::cancellation(&mut frame, id(1), Some(&rejection));
        assert_valid(&frame);
    }
}

#[test]
fn missing_handler_or_channel_is_reported_with_the_text_of_the_javascript_library() {
    let text = |address, exists| Rejection::no_listener("E", &address, exists).to_string();
    assert_eq!(text(Address::Main, true), "No event listener for 'E'");
    assert_eq!(text(Address::Named("C".into()), true), "No event listener for 'E' on channel 'C'");
    assert_eq!(text(Address::Named("C".into()), false), "Channel 'C' does not exist");
    assert_eq!(text(Address::Anonymous(id(7)), false), "Anonymous channel '7' does not exist");
}
