//! Reserved names [P-20, P-21].

use crate::proto::{ChannelName, Message, NameError, RESERVED, Response, check_event};

#[test]
fn reserved_name_is_no_call_on_the_main_channel() {
    for name in RESERVED {
        for channel in ["", r#","c":null"#, r#","c":"""#, r#","c":5"#, r#","h":0"#, r#","h":null"#] {
            let frame = format!(r#"{{"a":["{name}"],"i":1{channel}}}"#);
            assert!(!matches!(Message::decode(&frame), Message::Call(_)), "{frame}");
        }
        let frame = format!(r#"{{"a":["{name}"],"i":1,"x":"stop"}}"#);
        assert!(matches!(Message::decode(&frame), Message::Cancellation(..)), "{frame}");
        let frame = format!(r#"{{"a":["{name}"],"i":1,"d":5}}"#);
        assert!(matches!(Message::decode(&frame), Message::Response(_, Response::Result(Some("5")))), "{frame}");
    }
    assert!(!matches!(Message::decode(r#"{"a":["\u006fpen"],"i":1}"#), Message::Call(_)));
}

#[test]
fn reserved_name_is_a_call_on_other_channels() {
    for name in RESERVED {
        for channel in [r#""c":"x""#, r#""c":"x","h":0"#, r#""c":"\ud800""#, r#""h":7"#, r#""h":"7""#, r#""h":-1"#] {
            let frame = format!(r#"{{"a":["{name}"],"i":1,{channel}}}"#);
            assert!(matches!(Message::decode(&frame), Message::Call(_)), "{frame}");
        }
    }
}

#[test]
fn reserved_and_empty_names_are_refused_for_sending() {
    for name in RESERVED {
        assert_eq!(check_event(name, None), Err(NameError::Reserved(name.to_owned())));
        assert_eq!(check_event(name, Some("x")), Ok(()));
        assert_eq!(check_event(&name.to_uppercase(), None), Ok(()));
    }
    assert_eq!(check_event("", None), Err(NameError::EmptyEvent));
    assert_eq!(check_event("", Some("x")), Err(NameError::EmptyEvent));
    assert_eq!(ChannelName::new(""), Err(NameError::EmptyChannel));
    assert_eq!(ChannelName::new("x").map(|name| name.as_str().to_owned()), Ok("x".to_owned()));
}
