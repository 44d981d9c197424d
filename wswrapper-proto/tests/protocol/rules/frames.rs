//! Frames [P-02 to P-08].

use super::{call, rejection};
use crate::core_peer::id;
use crate::proto::{Address, ArgumentsError, Call, Message, Rejection};
use serde_json::{Value, json};

#[test]
fn frame_that_is_no_json_object_is_ignored() {
    for frame in [
        "",
        " ",
        "nonsense",
        "\u{feff}{\"i\":1}",
        r#"{"i":1}x"#,
        r#"{"i":1}{"i":2}"#,
        r#"{"i":1,"d":NaN}"#,
        "{'i':1}",
        r#"{"i":1,}"#,
        r#"{"i":01}"#,
        "{\"i\":1,\"d\":\"\n\"}",
        "null",
        "5",
        "\"x\"",
        "[{\"i\":1}]",
    ] {
        assert!(matches!(Message::decode(frame), Message::Nothing), "{frame:?}");
    }
}

#[test]
fn only_ws_wrapper_false_excludes_a_frame() {
    for value in ["0", "null", "\"false\"", "[]", "true", "\"\""] {
        let frame = format!(r#"{{"ws-wrapper":{value},"i":1,"d":2}}"#);
        assert!(matches!(Message::decode(&frame), Message::Response(..)), "{frame}");
    }
    for frame in [r#"{"i":1,"d":2,"ws-wrapper":false}"#, r#"{"a":["e"],"ws\u002dwrapper": false ,"i":1}"#] {
        assert!(matches!(Message::decode_whole(frame), Message::Nothing), "{frame}");
    }
}

#[test]
fn last_value_of_a_repeated_key_is_used() {
    let frame = r#"{"a":["e",1],"i":1,"c":"x","a":["f",2],"i":2,"c":"y"}"#;
    let Call { id: last, address, event, mut arguments, .. } = call(frame);
    assert_eq!((last, address, &*event), (Some(id(2)), Address::Named("y".into()), "f"));
    assert_eq!(arguments.collect::<Value>().expect("JSON"), [json!(2)]);
}

#[test]
fn keys_are_case_sensitive() {
    assert!(matches!(Message::decode(r#"{"A":["e"],"I":1}"#), Message::Nothing));
    assert_eq!(call(r#"{"a":["e"],"I":1,"C":"x","H":5}"#).id, None);
}

#[test]
fn deeply_nested_and_huge_frames_are_decoded_without_a_crash() {
    for depth in [200, 100_000] {
        let frame = format!(r#"{{"a":["e",{}{}],"i":1}}"#, "[".repeat(depth), "]".repeat(depth));
        let mut arguments = call(&frame).arguments;
        assert!(matches!(arguments.next::<Value>(), Err(ArgumentsError::Decode(_))));
        assert!(matches!(call(&frame).arguments.finish(), Ok(1)));
        let frame = format!(r#"{{"i":1,"e":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert_eq!(rejection(&frame), Rejection::new(""));
    }
}
