//! The protocol's rules that no recording covers, one by one.

mod outgoing;

use outgoing::assert_valid;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wswrapper::Rejection;
use wswrapper::proto::{
    Answer, ArgumentsError, Call, CallEncoder, ChannelName, Connection, Ended, Event, Incoming, Message, NameError,
    Outgoing, RESERVED, RawReason, RequestId, Scope, SendRefused, Side, check_event, encode,
};

type Peer = Connection<u32, u32, u32>;

fn connected() -> Peer {
    let mut peer = Peer::new(Side::Dialling, 10);
    peer.open();
    peer
}

fn id(number: u64) -> RequestId {
    RequestId::new(number).expect("an id")
}

/// The frames that wait to be sent.
fn sent(peer: &mut Peer) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some(frame) = peer.poll_transmit() {
        assert_valid(frame.as_bytes());
        frames.push(String::from_utf8(frame.as_bytes().to_vec()).expect("UTF-8"));
    }
    frames
}

/// What is sent at once in answer to a frame that no handler gets to see.
fn answered(frame: &str) -> Vec<String> {
    let mut peer = connected();
    let now = Instant::now();
    let mut incoming = peer.handle_frame(frame, now);
    if let Incoming::Call(Call { mut arguments, .. }) = incoming
        && arguments.finish().is_err()
    {
        incoming = peer.handle(Message::decode_whole(frame), now);
    }
    assert!(matches!(incoming, Incoming::Nothing), "{frame}: {incoming:?}");
    sent(&mut peer)
}

/// Starts a call and takes its frame out of the queue.
fn request(peer: &mut Peer, waiter: u32, deadline: Option<Instant>) -> RequestId {
    let id = peer.request(CallEncoder::new("q").finish(None), waiter, deadline, None, None).expect("room");
    sent(peer);
    id
}

fn call(frame: &str) -> Call<'_> {
    match Message::decode_whole(frame) {
        Message::Call(call) => call,
        other => panic!("{frame} is {other:?}"),
    }
}

fn rejection(frame: &str) -> Rejection {
    match Message::decode(frame) {
        Message::Response(_, Answer::Rejected(reason)) => reason.read(),
        other => panic!("{frame} is {other:?}"),
    }
}

// Frames [P-02 to P-08].

#[test]
fn what_is_no_json_object_is_nothing() {
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
fn only_false_says_that_a_frame_is_not_ours() {
    for value in ["0", "null", "\"false\"", "[]", "true", "\"\""] {
        let frame = format!(r#"{{"ws-wrapper":{value},"i":1,"d":2}}"#);
        assert!(matches!(Message::decode(&frame), Message::Response(..)), "{frame}");
    }
    for frame in [r#"{"i":1,"d":2,"ws-wrapper":false}"#, r#"{"a":["e"],"ws\u002dwrapper": false ,"i":1}"#] {
        assert!(matches!(Message::decode_whole(frame), Message::Nothing), "{frame}");
    }
}

#[test]
fn last_of_a_repeated_key_counts() {
    let frame = r#"{"a":["e",1],"i":1,"c":"x","a":["f",2],"i":2,"c":"y"}"#;
    let Call { id: last, scope, event, mut arguments, .. } = call(frame);
    assert_eq!((last, scope, &*event), (Some(id(2)), Scope::Named("y".into()), "f"));
    assert_eq!(arguments.collect::<Value>().expect("JSON"), [json!(2)]);
}

#[test]
fn keys_are_case_sensitive() {
    assert!(matches!(Message::decode(r#"{"A":["e"],"I":1}"#), Message::Nothing));
    assert_eq!(call(r#"{"a":["e"],"I":1,"C":"x","H":5}"#).id, None);
}

#[test]
fn deep_nesting_and_huge_frames_do_no_harm() {
    for depth in [200, 100_000] {
        let frame = format!(r#"{{"a":["e",{}{}],"i":1}}"#, "[".repeat(depth), "]".repeat(depth));
        let mut arguments = call(&frame).arguments;
        assert!(matches!(arguments.next::<Value>(), Err(ArgumentsError::Decode(_))));
        assert!(matches!(call(&frame).arguments.finish(), Ok(1)));
        let frame = format!(r#"{{"i":1,"e":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert_eq!(rejection(&frame), Rejection::new(""));
    }
}

// Classification [P-10 to P-19].

#[test]
fn what_is_no_list_with_a_name_is_no_call() {
    for a in ["[]", "[ ]", "\"echo\"", "{\"0\":\"echo\"}", "null", "5"] {
        let frame = format!(r#"{{"a":{a},"i":1,"d":2}}"#);
        assert!(matches!(Message::decode(&frame), Message::Response(_, Answer::Result(Some("2")))), "{frame}");
    }
}

#[test]
fn usable_call_makes_the_keys_of_answers_meaningless() {
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
fn ids_beyond_the_range_cannot_be_made() {
    assert_eq!(RequestId::new(0), None);
    assert_eq!(RequestId::new(1).map(RequestId::get), Some(1));
    assert_eq!(RequestId::new((1 << 53) - 1).map(RequestId::get), Some((1 << 53) - 1));
    assert_eq!(RequestId::new(1 << 53), None);
    assert_eq!(RequestId::new(u64::MAX), None);
}

#[test]
fn numbers_and_numeric_strings_name_anonymous_channels() {
    for (h, number) in [("7", 7), ("7.0", 7), ("7e0", 7), ("\"7\"", 7), ("9007199254740991", (1 << 53) - 1)] {
        assert_eq!(call(&format!(r#"{{"a":["e"],"h":{h}}}"#)).scope, Scope::Anonymous(id(number)), "{h}");
        let frame = format!(r#"{{"h":{h},"x":"end"}}"#);
        let Message::Abort(scope, _) = Message::decode(&frame) else { panic!("{frame}") };
        assert_eq!(scope, Scope::Anonymous(id(number)), "{h}");
    }
    assert_eq!(call(r#"{"a":["e"],"h":null}"#).scope, Scope::Main);
    assert_eq!(call(r#"{"a":["e"],"h":null,"c":"x"}"#).scope, Scope::Named("x".into()));
}

#[test]
fn what_is_no_number_names_no_anonymous_channel() {
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
        assert_eq!(call(&frame).scope, Scope::NoAnonymous(h), "{h}");
        assert!(answered(&frame).is_empty(), "{h}");
    }
}

#[test]
fn anonymous_channel_wins_over_a_named_one() {
    assert_eq!(call(r#"{"a":["e"],"c":"x","h":7}"#).scope, Scope::Anonymous(id(7)));
    assert_eq!(call(r#"{"a":["e"],"h":7,"c":5}"#).scope, Scope::Anonymous(id(7)));
}

#[test]
fn channel_that_cannot_exist_is_named_in_the_answer() {
    assert_eq!(call(r#"{"a":["e"],"c":null,"i":1}"#).scope, Scope::Main);
    let empty = call(r#"{"a":["e"],"c":"","i":1}"#);
    assert_eq!(empty.scope, Scope::Named("".into()));
    let answer = Rejection::no_listener(&empty.event, &empty.scope, false);
    assert_eq!(answer, Rejection::new("Channel '' does not exist"));
    for c in ["5", "true", "[\"x\"]", "{}"] {
        let answers = answered(&format!(r#"{{"a":["e"],"c":{c},"i":1}}"#));
        assert_eq!(rejection(&answers[0]), Rejection::new(format!("Channel '{c}' does not exist")));
        assert_eq!(answers.len(), 1);
        assert!(answered(&format!(r#"{{"a":["e"],"c":{c}}}"#)).is_empty());
    }
}

#[test]
fn empty_event_name_is_a_name() {
    assert_eq!(call(r#"{"a":[""],"i":1}"#).event, "");
    let Message::Call(quick) = Message::decode(r#"{"a":["",1],"c":"x","i":1}"#) else { panic!("a call") };
    assert_eq!(quick.event, "");
}

#[test]
fn name_that_is_no_string_calls_nothing_and_a_request_is_told() {
    for name in ["[\"echo\"]", "5", "null", "true", "{}", "[[\"echo\"]]"] {
        for rest in ["", ",7", " , 7 "] {
            let answers = answered(&format!(r#"{{"a":[{name}{rest}],"i":7}}"#));
            assert_eq!(answers.len(), 1, "{name}");
            assert!(answers[0].starts_with(r#"{"i":7,"e":{"message":""#) && answers[0].ends_with(r#""},"_":1}"#));
            assert!(answered(&format!(r#"{{"a":[{name}{rest}]}}"#)).is_empty(), "{name}");
        }
    }
}

// Reserved names [P-20, P-21].

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
        assert!(matches!(Message::decode(&frame), Message::Response(_, Answer::Result(Some("5")))), "{frame}");
    }
    assert!(!matches!(Message::decode(r#"{"a":["\u006fpen"],"i":1}"#), Message::Call(_)));
}

#[test]
fn reserved_name_is_ordinary_elsewhere() {
    for name in RESERVED {
        for channel in [r#""c":"x""#, r#""c":"x","h":0"#, r#""c":"\ud800""#, r#""h":7"#, r#""h":"7""#, r#""h":-1"#] {
            let frame = format!(r#"{{"a":["{name}"],"i":1,{channel}}}"#);
            assert!(matches!(Message::decode(&frame), Message::Call(_)), "{frame}");
        }
    }
}

#[test]
fn names_that_must_not_be_sent_are_refused() {
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

// Requests and responses [P-30 to P-39].

#[test]
fn nothing_null_and_none_are_told_apart_in_results() {
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
fn absent_arguments_are_left_out_at_the_end_only() {
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
fn null_and_absence_are_alike_for_an_optional_argument() {
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
fn argument_of_a_wrong_type_is_an_error_and_can_be_taken_otherwise() {
    let mut arguments = call(r#"{"a":["e",null,"x",3]}"#).arguments;
    assert!(matches!(arguments.next::<u32>(), Err(ArgumentsError::Decode(_))));
    assert!(matches!(arguments.next::<()>(), Ok(())));
    assert!(matches!(arguments.next::<u32>(), Err(ArgumentsError::Decode(_))));
    assert!(matches!(arguments.next::<&str>(), Ok("x")));
    assert!(matches!(arguments.finish(), Ok(1)));
}

#[test]
fn response_to_what_is_not_pending_is_ignored() {
    let mut peer = connected();
    let call = request(&mut peer, 1, None);
    let now = Instant::now();
    let answer = format!(r#"{{"i":{call},"d":1}}"#);
    for frame in [r#"{"i":1,"d":1}"#, r#"{"i":1,"e":1}"#, r#"{"i":1}"#, r#"{"d":1}"#, r#"{"i":268435456}"#] {
        assert!(matches!(peer.handle_frame(frame, now), Incoming::Nothing), "{frame}");
    }
    assert!(matches!(peer.handle_frame(&answer, now), Incoming::Response(1, Answer::Result(Some("1")))));
    assert!(matches!(peer.handle_frame(&answer, now), Incoming::Nothing));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn other_keys_of_a_response_do_not_matter() {
    let mut peer = connected();
    let call = request(&mut peer, 1, None);
    let frame = format!(r#"{{"c":"elsewhere","zzz":1,"i":{call},"d":1}}"#);
    assert!(matches!(peer.handle_frame(&frame, Instant::now()), Incoming::Response(1, _)));
}

#[test]
fn rejection_wins_over_channel_and_channel_over_result() {
    let answer = |frame| match Message::decode(frame) {
        Message::Response(_, answer) => answer,
        other => panic!("{other:?}"),
    };
    assert!(matches!(answer(r#"{"i":1,"d":1,"h":1,"e":1}"#), Answer::Rejected(_)));
    assert!(matches!(answer(r#"{"i":1,"d":1,"e":null}"#), Answer::Rejected(_)));
    assert!(matches!(answer(r#"{"i":1,"d":1,"h":0}"#), Answer::Channel));
    assert!(matches!(answer(r#"{"i":1,"d":1,"h":false}"#), Answer::Channel));
    assert!(matches!(answer(r#"{"i":1,"d":1,"h":null}"#), Answer::Result(Some("1"))));
}

#[test]
fn ids_of_the_two_directions_are_independent() {
    let mut peer = connected();
    let call = request(&mut peer, 1, None);
    let now = Instant::now();
    peer.begin(call, 5, None);
    let cancellation = format!(r#"{{"i":{call},"x":"stop"}}"#);
    assert!(matches!(peer.handle_frame(&cancellation, now), Incoming::Cancelled(5, _)));
    assert!(matches!(peer.handle_frame(&cancellation, now), Incoming::Nothing));
    assert_eq!(peer.pending(), 1);
    let answer = format!(r#"{{"i":{call}}}"#);
    assert!(matches!(peer.handle_frame(&answer, now), Incoming::Response(1, Answer::Result(None))));
}

#[test]
fn newer_handler_of_a_repeated_id_is_the_one_cancelled() {
    let mut peer = connected();
    peer.begin(id(1), 10, None);
    peer.begin(id(1), 11, None);
    peer.end(id(1), &10);
    let incoming = peer.handle_frame(r#"{"i":1,"x":"stop"}"#, Instant::now());
    assert!(matches!(incoming, Incoming::Cancelled(11, _)), "{incoming:?}");
    assert_eq!(peer.running(), 0);
}

#[test]
fn each_side_counts_from_a_start_of_its_own() {
    for (side, first) in [(Side::Dialling, 268_435_457), (Side::Accepting, 536_870_913)] {
        let mut peer = Peer::new(side, 10);
        peer.open();
        assert_eq!(request(&mut peer, 1, None).get(), first);
        assert_eq!(request(&mut peer, 2, None).get(), first + 1);
        peer.close();
        peer.open();
        assert_eq!(request(&mut peer, 3, None).get(), first + 2);
    }
}

// Errors [P-40 to P-47].

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
        matches!(null, Message::Response(_, Answer::Rejected(RawReason { value: "null", error: false }))),
        "{null:?}"
    );
}

#[test]
fn error_of_an_odd_form_is_read_as_one() {
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
fn missing_handler_or_channel_is_told_in_the_words_of_javascript() {
    let text = |scope, exists| Rejection::no_listener("E", &scope, exists).to_string();
    assert_eq!(text(Scope::Main, true), "No event listener for 'E'");
    assert_eq!(text(Scope::Named("C".into()), true), "No event listener for 'E' on channel 'C'");
    assert_eq!(text(Scope::Named("C".into()), false), "Channel 'C' does not exist");
    assert_eq!(text(Scope::Anonymous(id(7)), false), "Anonymous channel '7' does not exist");
}

// Cancellation and timeouts [P-50 to P-57].

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
        peer.begin(id(1), 5, None);
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
    assert_eq!(peer.pending(), 1);
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn cancellation_with_a_channel_is_an_abort_of_it() {
    let mut peer = connected();
    peer.begin(id(1), 5, None);
    assert!(matches!(peer.handle_frame(r#"{"i":1,"x":"stop","h":7}"#, Instant::now()), Incoming::Nothing));
    assert_eq!(peer.running(), 1);
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
fn call_times_out_when_its_time_is_over_and_not_before() {
    let now = Instant::now();
    let after = |milliseconds| now + Duration::from_millis(milliseconds);
    let mut peer = connected();
    let late = request(&mut peer, 1, Some(after(50)));
    let soon = request(&mut peer, 2, Some(after(40)));
    let answered = request(&mut peer, 3, Some(after(30)));
    request(&mut peer, 4, None);
    assert_eq!(peer.poll_timeout(), Some(after(30)));
    peer.handle_frame(&format!(r#"{{"i":{answered}}}"#), now);
    assert_eq!(peer.poll_timeout(), Some(after(40)));
    peer.handle_timeout(after(39));
    assert_eq!(peer.poll_event(), None);
    peer.handle_timeout(after(40));
    assert_eq!(peer.poll_event(), Some(Event::Ended(2, Ended::TimedOut)));
    peer.handle_timeout(after(1000));
    assert_eq!(peer.poll_event(), Some(Event::Ended(1, Ended::TimedOut)));
    assert_eq!((peer.poll_event(), peer.poll_timeout(), peer.pending()), (None, None, 1));
    let aborted = |id| format!(r#"{{"i":{id},"x":{{"message":"Request aborted"}},"_":1}}"#);
    assert_eq!(sent(&mut peer), [aborted(soon), aborted(late)]);
}

#[test]
fn deadline_that_is_set_anew_is_the_only_one() {
    let now = Instant::now();
    let after = |milliseconds| now + Duration::from_millis(milliseconds);
    let mut peer = connected();
    let call = request(&mut peer, 1, Some(after(30)));
    for deadline in [None, Some(after(20)), Some(after(50))] {
        peer.set_deadline(call, deadline);
        assert_eq!(peer.poll_timeout(), deadline);
    }
    peer.handle_timeout(after(49));
    assert_eq!((peer.poll_event(), peer.poll_timeout()), (None, Some(after(50))));
    peer.handle_timeout(after(50));
    assert_eq!(peer.poll_event(), Some(Event::Ended(1, Ended::TimedOut)));
    peer.set_deadline(call, Some(after(60)));
    assert_eq!(peer.poll_timeout(), None);
}

#[test]
fn handler_expires_and_nothing_is_sent() {
    let now = Instant::now();
    let mut peer = connected();
    peer.begin(id(1), 5, Some(now + Duration::from_millis(20)));
    peer.begin(id(2), 6, Some(now + Duration::from_millis(10)));
    peer.end(id(2), &6);
    peer.handle_timeout(now + Duration::from_millis(20));
    assert_eq!((peer.poll_event(), peer.poll_event()), (Some(Event::Expired(5)), None));
    assert!(sent(&mut peer).is_empty());
}

#[test]
fn time_that_a_caller_waits_is_told_in_milliseconds() {
    let mut peer = connected();
    let call = CallEncoder::new("q").finish(Some("io"));
    peer.request(call, 1, None, Some(Duration::from_micros(1_500_900)), None).expect("room");
    assert_eq!(sent(&mut peer), [r#"{"a":["q"],"c":"io","i":268435457,"m":{"t":1500}}"#]);
}

// The connection [P-90 to P-92].

#[test]
fn queue_before_the_first_opening_limits_events_and_requests_only() {
    let event = || Outgoing::Owned(CallEncoder::new("e").finish(None).into_event());
    let mut peer = Peer::new(Side::Accepting, 2);
    let call = peer.request(CallEncoder::new("q").finish(None), 1, None, None, None).expect("room");
    assert_eq!(peer.event(event()), Ok(()));
    assert_eq!(peer.event(event()), Err(SendRefused::QueueFull));
    let refused = peer.request(CallEncoder::new("q").finish(None), 2, None, None, None);
    assert_eq!((refused, peer.pending()), (Err(SendRefused::QueueFull), 1));
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
fn loss_ends_calls_and_drops_what_was_queued() {
    let mut peer = connected();
    let later = Instant::now() + Duration::from_secs(1);
    let call = request(&mut peer, 1, Some(later));
    peer.begin(id(1), 5, Some(later));
    peer.event(Outgoing::Shared(br#"{"a":["e"]}"#.as_slice().into())).expect("open");
    assert_eq!(peer.queued_bytes(), 11);
    peer.close();
    assert_eq!(peer.event(Outgoing::Owned(Vec::new())), Err(SendRefused::Closed));
    peer.handle_frame(r#"{"a":["e"],"h":7}"#, later);
    peer.open();
    assert_eq!((peer.poll_event(), peer.poll_event()), (Some(Event::Ended(1, Ended::Closed)), None));
    assert_eq!((peer.pending(), peer.running(), peer.poll_timeout()), (0, 0, None));
    assert!(sent(&mut peer).is_empty());
    assert!(matches!(peer.handle_frame(&format!(r#"{{"i":{call},"d":1}}"#), later), Incoming::Nothing));
    peer.handle_timeout(later);
    assert_eq!(peer.poll_event(), None);
}
