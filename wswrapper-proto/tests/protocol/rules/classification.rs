//! Classification [P-10 to P-19].

use super::{call, rejection, responses_to};
use crate::core_peer::id;
use crate::proto::{Address, Message, Rejection, RequestId, Response};

#[test]
fn frame_without_a_nonempty_list_in_a_is_no_call() {
    for a in ["[]", "[ ]", "\"echo\"", "{\"0\":\"echo\"}", "null", "5"] {
        let frame = format!(r#"{{"a":{a},"i":1,"d":2}}"#);
        assert!(matches!(Message::decode(&frame), Message::Response(_, Response::Result(Some("2")))), "{frame}");
    }
}

#[test]
fn response_keys_in_a_call_are_ignored() {
    let frame = r#"{"i":1,"x":1,"e":2,"d":3,"_":1,"a":["e"]}"#;
    assert_eq!(call(frame).event, "e");
}

#[test]
fn integral_numbers_in_range_are_ids() {
    for (text, number) in [
        ("1", Some(1)),
        ("1.0", Some(1)),
        ("1e2", Some(100)),
        ("1E+2", Some(100)),
        ("100e-2", Some(1)),
        ("4294967296", Some(4_294_967_296)),
        ("9007199254740991", Some(9_007_199_254_740_991)),
        ("9007199254740991.0", Some(9_007_199_254_740_991)),
        ("9007199254740992", None),
        ("9007199254740993", None),
        ("9007199254740992.0", None),
        ("9.1e15", None),
        ("18446744073709551617", None),
        ("99999999999999999999999", None),
        ("1e400", None),
        ("0", None),
        ("-0", None),
        ("0.0", None),
        ("-1", None),
        ("-5e300", None),
        ("0.5", None),
        ("1.5", None),
        ("1e-400", None),
        ("\"5\"", None),
        ("null", None),
        ("true", None),
        ("[1]", None),
        ("{}", None),
        ("\"\"", None),
    ] {
        for frame in [format!(r#"{{"a":["e"],"i":{text}}}"#), format!(r#"{{"i":{text},"a":["e"]}}"#)] {
            let Message::Call(call) = Message::decode(&frame) else { panic!("{frame}") };
            assert_eq!(call.id.map(RequestId::get), number, "{frame}");
        }
        for frame in
            [format!(r#"{{"i":{text},"d":1}}"#), format!(r#"{{"i":{text}}}"#), format!(r#"{{"i":{text},"x":1}}"#)]
        {
            let seen = match Message::decode(&frame) {
                Message::Response(id, _) | Message::Cancellation(id, _) => Some(id.get()),
                Message::Nothing => None,
                other => panic!("{frame} is {other:?}"),
            };
            assert_eq!(seen, number, "{frame}");
        }
    }
}

#[test]
fn ids_outside_the_range_cannot_be_created() {
    assert_eq!(RequestId::new(0), None);
    assert_eq!(RequestId::new(1).map(RequestId::get), Some(1));
    assert_eq!(RequestId::new((1 << 53) - 1).map(RequestId::get), Some((1 << 53) - 1));
    assert_eq!(RequestId::new(1 << 53), None);
    assert_eq!(RequestId::new(u64::MAX), None);
}

#[test]
fn numbers_and_numeric_strings_address_anonymous_channels() {
    for (h, number) in [("7", 7), ("7.0", 7), ("7e0", 7), ("\"7\"", 7), ("9007199254740991", (1 << 53) - 1)] {
        assert_eq!(call(&format!(r#"{{"a":["e"],"h":{h}}}"#)).address, Address::Anonymous(id(number)), "{h}");
        let frame = format!(r#"{{"h":{h},"x":"end"}}"#);
        let Message::Abort(address, _) = Message::decode(&frame) else { panic!("{frame}") };
        assert_eq!(address, Address::Anonymous(id(number)), "{h}");
    }
    assert_eq!(call(r#"{"a":["e"],"h":null}"#).address, Address::Main);
    assert_eq!(call(r#"{"a":["e"],"h":null,"c":"x"}"#).address, Address::Named("x".into()));
}

#[test]
fn invalid_channel_number_addresses_no_anonymous_channel() {
    for h in [
        "true",
        "[1]",
        "{}",
        "\"abc\"",
        "\"\"",
        "\" \"",
        "-1",
        "1.5",
        "9007199254740992",
        "\"null\"",
        "\"inf\"",
        "\"NaN\"",
    ] {
        let frame = format!(r#"{{"a":["e"],"h":{h}}}"#);
        assert_eq!(call(&frame).address, Address::InvalidNumber(h), "{h}");
        assert!(responses_to(&frame).is_empty(), "{h}");
    }
}

#[test]
fn anonymous_channel_takes_precedence_over_a_named_one() {
    assert_eq!(call(r#"{"a":["e"],"c":"x","h":7}"#).address, Address::Anonymous(id(7)));
    assert_eq!(call(r#"{"a":["e"],"h":7,"c":5}"#).address, Address::Anonymous(id(7)));
}

#[test]
fn rejection_names_the_channel_that_cannot_exist() {
    assert_eq!(call(r#"{"a":["e"],"c":null,"i":1}"#).address, Address::Main);
    let empty = call(r#"{"a":["e"],"c":"","i":1}"#);
    assert_eq!(empty.address, Address::Named("".into()));
    let no_listener = Rejection::no_listener(&empty.event, &empty.address, false);
    let unknown =
        |channel| Rejection::new(format!("Channel '{channel}' does not exist")).with_code("ws:UnknownChannel");
    assert_eq!(no_listener, unknown(""));
    for c in ["5", "true", "[\"x\"]", "{}"] {
        let responses = responses_to(&format!(r#"{{"a":["e"],"c":{c},"i":1}}"#));
        assert_eq!(rejection(&responses[0]), unknown(c));
        assert_eq!(responses.len(), 1);
        assert!(responses_to(&format!(r#"{{"a":["e"],"c":{c}}}"#)).is_empty());
    }
}

#[test]
fn empty_event_name_is_accepted() {
    assert_eq!(call(r#"{"a":[""],"i":1}"#).event, "");
    let Message::Call(quick) = Message::decode(r#"{"a":["",1],"c":"x","i":1}"#) else { panic!("a call") };
    assert_eq!(quick.event, "");
}

#[test]
fn event_name_that_is_no_string_rejects_a_request_and_drops_an_event() {
    for name in ["[\"echo\"]", "5", "null", "true", "{}", "[[\"echo\"]]"] {
        for rest in ["", ",7", " , 7 "] {
            let responses = responses_to(&format!(r#"{{"a":[{name}{rest}],"i":7}}"#));
            assert_eq!(responses.len(), 1, "{name}");
            assert!(responses[0].starts_with(r#"{"i":7,"e":{"message":""#) && responses[0].ends_with(r#""},"_":1}"#));
            assert!(responses_to(&format!(r#"{{"a":[{name}{rest}]}}"#)).is_empty(), "{name}");
        }
    }
}
