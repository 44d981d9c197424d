//! What holds for any frame, any value, and any order of frames, calls and time.

mod generate;
mod model;
mod outgoing;

use generate::{channel_frame, frame, name, object, value};
use model::{Action, Model};
use outgoing::assert_valid;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;
use wswrapper::Rejection;
use wswrapper::proto::{
    Answer, Call, CallEncoder, Item, Message, RawReason, RequestId, Role, Scope, check_event, encode,
};

/// So many times the usual number of cases, which `PROPTEST_CASES` sets.
fn many(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases * times, failure_persistence: None, ..usual }
}

// Frames.

/// What a frame says, read to the end.
#[derive(PartialEq, Debug)]
enum Said {
    Call { id: Option<RequestId>, scope: String, event: String, arguments: Vec<String>, meta: Option<String> },
    BadName(Option<RequestId>),
    Response(RequestId, Option<String>),
    Rejected(RequestId, String, bool),
    Channel(RequestId),
    Cancellation(RequestId, String, bool),
    Abort(String, String, bool),
    Nothing,
}

/// `None`: it is not what it seemed.
fn said(message: Message<'_>) -> Option<Said> {
    Some(match message {
        Message::Call(mut call) => Said::Call {
            arguments: call
                .arguments
                .collect::<&RawValue>()
                .ok()?
                .into_iter()
                .map(|raw| raw.get().to_owned())
                .collect(),
            id: call.id,
            scope: format!("{:?}", call.scope),
            event: call.event.into_owned(),
            meta: call.meta.map(|meta| meta.get().to_owned()),
        },
        Message::BadName(id) => Said::BadName(id),
        Message::Response(id, Answer::Result(json)) => Said::Response(id, json.map(|json| json.trim().to_owned())),
        Message::Response(id, Answer::Rejected(RawReason { value, error })) => {
            Said::Rejected(id, value.to_owned(), error)
        }
        Message::Response(id, Answer::Channel) => Said::Channel(id),
        Message::Cancellation(id, RawReason { value, error }) => Said::Cancellation(id, value.to_owned(), error),
        Message::Abort(scope, RawReason { value, error }) => Said::Abort(format!("{scope:?}"), value.to_owned(), error),
        Message::Nothing => Said::Nothing,
    })
}

fn said_whole(frame: &str) -> Said {
    said(Message::decode_whole(frame)).expect("the whole way proves a frame")
}

/// A call that was taken in the quick way.
fn is_quick(frame: &str) -> bool {
    matches!(Message::decode(frame), Message::Call(call) if !call.arguments.is_proven())
}

/// The rules of classification once more, over a tree; `None` where serde has no tree for the frame.
fn by_the_rules(frame: &str) -> Option<&'static str> {
    let tree = match serde_json::from_str(frame) {
        Ok(Value::Object(tree)) => tree,
        Ok(_) => return Some("nothing"),
        Err(_) => return serde_json::from_str::<&RawValue>(frame).map_or(Some("nothing"), |_| None),
    };
    let number =
        |value: &Value| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 1.0 && *n < 9_007_199_254_740_992.0);
    if tree.get("ws-wrapper") == Some(&Value::Bool(false)) {
        return Some("nothing");
    }
    let id = tree.get("i").and_then(number);
    let on_anonymous = tree.get("h").is_some_and(|h| !h.is_null());
    if let Some(Value::Array(call)) = tree.get("a")
        && let Some(event) = call.first()
    {
        let named = tree.get("c").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
        // A string or boolean that JavaScript makes 0 may be taken for one or not.
        let anonymous = tree.get("h").is_some_and(|h| if h.is_number() { is_truthy(h) } else { !h.is_null() });
        let vague = tree.get("h").is_some_and(|h| !h.is_number() && !h.is_null());
        let reserved = event.as_str().is_some_and(wswrapper::proto::is_reserved);
        match event {
            Value::String(_) if reserved && !named && vague => return None,
            Value::String(_) if !reserved || named || anonymous => return Some("call"),
            Value::String(_) => {}
            _ => return Some("bad name"),
        }
    }
    Some(match (id, tree.get("x"), tree.get("e")) {
        (_, Some(_), _) if on_anonymous => "abort",
        (Some(_), Some(_), _) => "cancellation",
        (None, ..) => "nothing",
        (_, _, Some(e)) if is_truthy(e) && tree.get("_").is_some_and(is_truthy) => "error",
        (_, _, Some(_)) => "bare rejection",
        _ if on_anonymous => "channel",
        _ if tree.contains_key("d") => "result",
        _ => "no result",
    })
}

/// The rules of items once more, over a tree; the value not as it was written. None if the frame is no call.
fn item_by_the_rules(frame: &str) -> Option<(Option<String>, bool, u64)> {
    by_the_rules(frame).filter(|kind| *kind == "call")?;
    let tree: Value = serde_json::from_str(frame).ok()?;
    let payload = tree.as_object()?.get("a")?.as_array()?.get(1).and_then(Value::as_object);
    let member = |name| payload.and_then(|payload| payload.get(name));
    let whole = |n: &f64| n.fract() == 0.0 && *n >= 1.0 && *n < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
    let lost = member("lost").and_then(Value::as_f64).filter(whole).map_or(0, |lost| lost as u64);
    Some((member("value").map(Value::to_string), member("done").is_some_and(is_truthy), lost))
}

/// Whether JavaScript takes it for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn kind(said: &Said) -> &'static str {
    match said {
        Said::Call { .. } => "call",
        Said::BadName(_) => "bad name",
        Said::Response(_, Some(_)) => "result",
        Said::Response(_, None) => "no result",
        Said::Rejected(_, _, true) => "error",
        Said::Rejected(_, _, false) => "bare rejection",
        Said::Channel(_) => "channel",
        Said::Cancellation(..) => "cancellation",
        Said::Abort(..) => "abort",
        Said::Nothing => "nothing",
    }
}

/// What a frame says as a stream's item; none if the frame is no call, or not what it seemed.
fn item(message: &Message<'_>) -> Option<(Option<String>, bool, u64)> {
    let Message::Call(call) = message else { return None };
    let Item { value, done, lost } = Item::read(&call.arguments)?;
    Some((value.map(|value| value.trim().to_owned()), done, lost))
}

/// How the two ways differ on a frame, if they do.
fn difference(frame: &str) -> Result<(), String> {
    let whole = said_whole(frame);
    let (quick_item, whole_item) = (item(&Message::decode(frame)), item(&Message::decode_whole(frame)));
    if quick_item.is_some() && quick_item != whole_item {
        return Err(format!("{frame:?} is the item {quick_item:?}, on the whole {whole_item:?}"));
    }
    if let Some(quick) = said(Message::decode(frame))
        && quick != whole
    {
        return Err(format!("{frame:?} is {quick:?}, on the whole {whole:?}"));
    }
    // Read as a handler does that knows how many arguments it wants.
    if let Message::Call(mut call) = Message::decode(frame)
        && let Ok(first) = call.arguments.next::<Option<&RawValue>>()
        && let Ok(left) = call.arguments.finish()
    {
        let arguments = match whole {
            Said::Call { arguments, .. } => arguments,
            other => return Err(format!("{frame:?} is a call, on the whole {other:?}")),
        };
        let seen = (first.map(RawValue::get), call.arguments.taken(), left);
        let first = arguments.first().map(String::as_str).filter(|first| *first != "null");
        if seen != (first, arguments.len(), arguments.len().saturating_sub(1)) {
            return Err(format!("{frame:?} has the arguments {seen:?}, on the whole {arguments:?}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(many(16))]

    #[test]
    fn quick_way_says_what_the_whole_way_says(frame in frame()) {
        prop_assert_eq!(difference(&frame), Ok(()));
    }

    #[test]
    fn quick_way_reads_the_items_that_the_whole_way_reads(frame in channel_frame(1..4_u64)) {
        prop_assert_eq!(difference(&frame), Ok(()));
    }

    #[test]
    fn items_are_read_by_the_rules(frame in channel_frame(1..4_u64)) {
        if let Some(item_by_the_rules) = item_by_the_rules(&frame) {
            let (value, done, lost) = item(&Message::decode_whole(&frame)).expect("a call");
            let value = value.map(|json| serde_json::from_str::<Value>(&json).expect("JSON").to_string());
            prop_assert_eq!((value, done, lost), item_by_the_rules);
        }
    }

    #[test]
    fn frames_are_classified_by_the_rules(frame in frame()) {
        if let Some(kind_by_the_rules) = by_the_rules(&frame) {
            prop_assert_eq!(kind(&said_whole(&frame)), kind_by_the_rules);
        }
    }
}

/// Texts that may look to one way like one thing and to the other like another.
const MADE_TO_PART_THE_WAYS: &[&str] = &[
    // Repeated keys, the last of which counts.
    r#"{"a":["e",1],"a":["f",2]}"#,
    r#"{"a":["e",1],"a":["f",2],"i":1}"#,
    r#"{"a":["e",1],"i":2,"i":1}"#,
    r#"{"i":1,"a":["e",1],"i":2}"#,
    r#"{"i":1,"i":2,"a":["e"]}"#,
    r#"{"c":"x","a":["e",1],"c":"y"}"#,
    r#"{"c":"x","c":"y","a":["e",1]}"#,
    r#"{"a":["e"],"c":"x","c":"y"}"#,
    r#"{"a":["e"],"c":"x","i":1,"c":"y"}"#,
    r#"{"c":"x","i":1,"c":"y","a":["e"]}"#,
    r#"{"a":["e"],"a":[]}"#,
    r#"{"a":["e"],"\u0061":["f"]}"#,
    r#"{"a":["e"],"\u0069":5,"i":1}"#,
    r#"{"i":1,"d":1,"d":2}"#,
    r#"{"i":1,"d":1,"i":2}"#,
    // Members that change what the frame is.
    r#"{"a":["e"],"ws-wrapper":false,"i":1}"#,
    r#"{"i":1,"a":["e"],"h":1}"#,
    r#"{"a":["e"],"h":[1],"i":1}"#,
    r#"{"a":["e"],"h":"7","c":"x"}"#,
    r#"{"a":["e"],"m":{"t":1},"i":1}"#,
    r#"{"a":["e"],"m":[1]}"#,
    r#"{"a":["e"],"h":1,"h":2}"#,
    r#"{"a":["e"],"h":1,"i":1,"h":2}"#,
    r#"{"h":1,"a":["e"],"h":2}"#,
    r#"{"a":["e"],"h":1,"h":null}"#,
    r#"{"a":["e"],"h":1,"\u0068":2}"#,
    r#"{"a":["e"],"h":1,"c":"x"}"#,
    r#"{"a":["e"],"c":"x","h":1}"#,
    r#"{"c":"x","a":["e"],"h":1}"#,
    r#"{"a":["open"],"h":1}"#,
    r#"{"a":["open"],"h":0}"#,
    r#"{"a":["open"],"h":null}"#,
    r#"{"a":["e"],"h":0}"#,
    r#"{"a":["e"],"h":01}"#,
    r#"{"a":["e"],"h":}"#,
    r#"{"a":["e"],"h":1.0}"#,
    r#"{"a":["e"],"h":-1}"#,
    r#"{"a":["e"],"h":9007199254740992}"#,
    r#"{"a":["e"],"h":1,"x":2}"#,
    r#"{"a":["e"],"h":1,"ws-wrapper":false,"i":1}"#,
    r#"{"a":["e","],\"h\":5"]}"#,
    r#"{"a":["e","],"h":5}"#,
    r#"{"a":["e],"h":5}"#,
    r#"{"a":["e",{"x":[1],"h":5}"#,
    r#"{"a":["e",1],"a":["f",2],"h":5}"#,
    r#"{"a":["e"],"a":[],"h":5}"#,
    r#"{"i":1,"d":1,"e":2}"#,
    r#"{"i":1,"d":1,"x":[2]}"#,
    // Items.
    r#"{"a":["next",{"value":1,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1,"done":true,"value":2,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1,"done":false,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1,"done":false},{"value":2,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1},{"value":2,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1,"done":false}],"a":["next",{"value":2,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1,"done":false}],"a":[{"value":2,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1,"done":false}],"a":[],"h":5}"#,
    r#"{"a":["next",{"value":"1,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":{"x":1,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":[{"x":1],"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":01,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value": 1 ,"done":false}],"h":5}"#,
    "{\"a\":[\"next\",{\"value\":1\u{c},\"done\":false}],\"h\":5}",
    r#"{"a":["next",{"value":1 2,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1,2,"done":false}],"h":5}"#,
    r#"{"a":["next",{"value":1,"done":false}]],"h":5}"#,
    r#"{"a":["next",{"value":"\",\"done\":true,\"x\":\"","done":false}],"h":5}"#,
    r#"{"a":["next",{"value":"\ud800","done":false}],"h":5}"#,
    r#"{"a":["next",{"\u0076alue":1,"\u0064one":true}],"h":5}"#,
    r#"{"a":["next",{"\ud800":1,"done":true}],"h":5}"#,
    r#"{"a":["next",{"value":1,"done":false}]}"#,
    r#"{"a":["next",{"value":1,"done":false}],"c":"x"}"#,
    r#"{"a":["next",{"done":true}],"a":["next",{"value":1}],"h":5}"#,
    r#"{"a":["next",{"done":true}],"h":5"#,
    r#"{"a":["next",{"done":tru}],"h":5}"#,
    r#"{"a":["next",null],"h":5}"#,
    r#"{"a":["next"],"h":5}"#,
    r#"{"a":["next",[]],"h":5}"#,
    // Brackets, quotes and keys in strings.
    r#"{"a":["e","],\"i\":5"]}"#,
    r#"{"a":["e","],\"i\":5"],"i":1}"#,
    r#"{"a":["e"],"c":"],\"i\":5"}"#,
    r#"{"a":["e"],"c":"\",\"c\":\"b"}"#,
    r#"{"a":["e"],"c":"b\\"}"#,
    r#"{"a":["e"],"c":"\\","i":1}"#,
    r#"{"a":["e",",","c"]}"#,
    r#"{"a":["e",",","c":"x"}"#,
    r#"{"a":["e]","i":5}"#,
    r#"{"a":["e],"c":"x"}"#,
    r#"{"a":["]"]}"#,
    r#"{"a":["]","i":5]}"#,
    r#"{"a":["e\\"]}"#,
    r#"{"a":["e\"],"i":5}"#,
    r#"{"a":["\u0065"]}"#,
    // Reserved and empty names.
    r#"{"a":["open"],"i":1}"#,
    r#"{"a":["\u006fpen"],"i":1}"#,
    r#"{"a":["open"],"c":"io","i":1}"#,
    r#"{"a":["open"],"c":"","i":1}"#,
    r#"{"c":"","a":["open"],"i":1}"#,
    r#"{"a":["e"],"c":"","i":1}"#,
    r#"{"a":[""],"i":1}"#,
    r#"{"a":[],"i":1}"#,
    // Ids.
    r#"{"a":["e"],"i":0}"#,
    r#"{"a":["e"],"i":01}"#,
    r#"{"i":01,"a":["e"]}"#,
    r#"{"i":00}"#,
    r#"{"i":01,"d":1}"#,
    r#"{"a":["e"],"i":}"#,
    r#"{"i":,"a":["e"]}"#,
    r#"{"i":}"#,
    r#"{"a":["e"],"i":-1}"#,
    r#"{"a":["e"],"i":1.0}"#,
    r#"{"a":["e"],"i":1e2}"#,
    r#"{"a":["e"],"i":9007199254740991}"#,
    r#"{"a":["e"],"i":9007199254740992}"#,
    r#"{"i":9007199254740992,"a":["e"]}"#,
    r#"{"i":9007199254740992,"d":1}"#,
    r#"{"a":["e"],"i":18446744073709551617}"#,
    r#"{"a":["e"],"i":99999999999999999999999999999999}"#,
    // Commas and brackets too many or too few.
    r#"{"a":["e",]}"#,
    r#"{"a":["e",,1]}"#,
    r#"{"a":["e"1]}"#,
    r#"{"a":["e" 1]}"#,
    r#"{"a":["e",1 2]}"#,
    r#"{"a":["e",1:2]}"#,
    r#"{"a":["e",1]]}"#,
    r#"{"a":["e",[1]}"#,
    r#"{"a":["e",{"x":[1],"i":5}"#,
    r#"{"a":["e",{"x":[1],"c":"y"}"#,
    r#"{"a":["e",1],}"#,
    r#"{"a":["e",1],,"i":1}"#,
    r#"{"i":1,,"a":["e"]}"#,
    r#"{,"a":["e"]}"#,
    r#"{"a":["e"]}}"#,
    r#"{"a":["e"]}x"#,
    r#"{{"a":["e"]}"#,
    r#"{"a":["e"]"i":1}"#,
    r#"{"i":1,"d":}"#,
    r#"{"i":1,"d":1,}"#,
    r#"{"i":1,}"#,
    // White space.
    " {\"a\":[\"e\"]}",
    "{ \"a\":[\"e\"]}",
    "{\"a\": [\"e\"]}",
    "{\"a\":[ \"e\"]}",
    "{\"a\":[\"e\" ,1 , 2 ] }\r\n",
    "{\"a\":[\"e\"\t]\n}",
    "{\"a\":[\"e\"] ,\"i\":1}",
    "{\"a\":[\"e\"],\"i\":1 }",
    "{\"a\":[\"e\"],\"c\":\"x\" }",
    "{\"i\":1 }",
    "{\"i\":1,\"d\": 1 }",
    // White space to Rust, but not to JSON.
    "{\"a\":[\"e\"]}\u{c}",
    "{\"a\":[\"e\",1],\"i\":1}\u{c}\n",
    "{\"a\":[\"e\"\u{c},1]}",
    "{\"a\":[\"e\",\u{c}1]}",
    "{\"a\":[\"e\",\"x\"\u{c}]}",
    "{\"a\":[\"e\",\"x\"\u{c},1]}",
    "{\"a\":[\"e\",1\u{c}]}",
    "{\"a\":[\"e\"\u{c}]}",
    "{\"i\":1}\u{c}",
    "{\"i\":1,\"d\":1}\u{c}",
    "{\"i\":1,\"d\":1\u{c}}",
    "{\"a\":[\"e\"]}\u{b}",
    "{\"a\":[\"e\"]}\u{a0}",
    "\u{feff}{\"a\":[\"e\"]}",
    // What no Rust string holds, and what no JSON string may hold.
    r#"{"a":["e","\ud800"]}"#,
    r#"{"a":["\ud800"],"i":1}"#,
    r#"{"a":["e"],"c":"\ud800"}"#,
    r#"{"a":["e"],"\ud800":1}"#,
    "{\"a\":[\"e\",\"\u{1}\"]}",
    "{\"a\":[\"\u{1}\"]}",
    "{\"a\":[\"e\"],\"c\":\"\u{1}\"}",
    "{\"c\":\"\n\",\"a\":[\"e\"]}",
    r#"{"a":["e","\x"]}"#,
    r#"{"a":["e",1e400]}"#,
    r#"{"a":["e",NaN]}"#,
    r#"{"a":["e",01]}"#,
    r#"{"a":["e",-]}"#,
    r#"{"a":["e",1.]}"#,
    r#"{"a":["e",nul]}"#,
];

#[test]
fn ways_agree_on_frames_made_to_part_them() {
    let parted: Vec<String> = MADE_TO_PART_THE_WAYS.iter().filter_map(|frame| difference(frame).err()).collect();
    assert!(parted.is_empty(), "{parted:#?}");
}

#[test]
fn ordinary_calls_are_taken_the_quick_way() {
    let frames = [
        r#"{"a":["add",1,2],"i":1}"#,
        r#"{"a":["add",1,2],"c":"io","i":1}"#,
        "{\"c\":\"io\",\"a\":[\"add\",1,2],\"i\":1}\n",
        r#"{"i":1,"c":"io","a":["add"]}"#,
        r#"{"a":["news",{"a":[1,"]"]}]}"#,
        r#"{"a":["start"],"h":1}"#,
        r#"{"a":["next",{"value":{"done":1},"done":false}],"h":1,"i":2}"#,
        "{\"a\":[\"next\",{\"done\":true}],\"h\":268435457}\n",
        r#"{"i":2,"a":["sum",1],"h":1}"#,
    ];
    for frame in frames {
        assert!(is_quick(frame), "{frame}");
        assert!(said(Message::decode(frame)).is_some(), "{frame}");
        assert_eq!(difference(frame), Ok(()));
    }
}

#[test]
fn generated_frames_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..4000 {
        let frame = frame().new_tree(&mut runner).expect("a frame").current();
        *kinds.entry(kind(&said_whole(&frame))).or_default() += 1;
        if is_quick(&frame) {
            let message = Message::decode(&frame);
            if let Message::Call(Call { scope: Scope::Anonymous(_), .. }) = message {
                *kinds.entry("quick on a channel").or_default() += 1;
            }
            let proven = said(message).is_some();
            *kinds.entry(if proven { "quick" } else { "not what it seemed" }).or_default() += 1;
        }
    }
    for (kind, least) in [
        ("call", 600),
        ("quick", 300),
        ("quick on a channel", 150),
        ("not what it seemed", 100),
        ("nothing", 600),
        ("bad name", 10),
        ("result", 20),
        ("no result", 20),
        ("error", 10),
        ("bare rejection", 20),
        ("channel", 10),
        ("cancellation", 20),
        ("abort", 10),
    ] {
        assert!(kinds.get(kind).is_some_and(|count| *count >= least), "{kind}: {kinds:?}");
    }
}

// A connection.

proptest! {
    #![proptest_config(many(2))]

    #[test]
    fn each_call_ends_once_and_only_the_protocol_is_sent(actions in vec(action(), 0..60), open in any::<bool>()) {
        let mut model = Model::new(open);
        for action in actions {
            model.act(action);
        }
        model.finish();
    }
}

fn action() -> BoxedStrategy<Action> {
    let timeout = || proptest::option::of(0..300_u64);
    let answer = prop_oneof![
        3 => (1..6_u64, value()).prop_map(|(id, value)| format!("{{\"i\":{},\"d\":{value}}}", Model::nth_id(id))),
        1 => (1..6_u64).prop_map(|id| format!("{{\"i\":{},\"h\":1}}", Model::nth_id(id))),
        1 => (1..6_u64, value()).prop_map(|(id, value)| format!("{{\"i\":{},\"e\":{value}}}", Model::nth_id(id))),
        1 => (1..6_u64).prop_map(|id| format!("{{\"i\":{},\"x\":null}}", Model::nth_id(id))),
    ];
    let request = (1..6_u64, name(), value())
        .prop_map(|(id, name, value)| format!("{{\"a\":[{},{value}],\"i\":{id}}}", Value::from(name)));
    let index = any::<prop::sample::Index>;
    let window = proptest::option::of(1..6_u32);
    let number = || prop_oneof![1..6_u64, (1..6_u64).prop_map(|n| Model::nth_id(n).get())];
    let abort = (number(), value()).prop_map(|(id, value)| format!("{{\"h\":{id},\"x\":{value}}}"));
    prop_oneof![
        6 => channel_frame(number()).prop_map(|frame| Action::Receive(frame, None)),
        1 => abort.prop_map(|frame| Action::Receive(frame, None)),
        6 => (frame(), timeout()).prop_map(|(frame, deadline)| Action::Receive(frame, deadline)),
        3 => (request, timeout()).prop_map(|(frame, deadline)| Action::Receive(frame, deadline)),
        3 => answer.prop_map(|frame| Action::Receive(frame, None)),
        1 => (1..6_u64, value()).prop_map(|(id, value)| Action::Receive(format!("{{\"i\":{id},\"x\":{value}}}"), None)),
        5 => (name(), timeout(), any::<bool>(), proptest::option::of(role()))
            .prop_map(|(event, timeout, tell, opens)| Action::Call { event, timeout, tell, opens }),
        2 => (index(), timeout()).prop_map(|(channel, timeout)| Action::CallOn(channel, timeout)),
        4 => (index(), window).prop_map(|(channel, window)| Action::Stream(channel, window)),
        1 => (index(), any::<bool>()).prop_map(|(channel, abort)| Action::End(channel, abort)),
        1 => (name(), vec(value(), 0..3)).prop_map(|(event, arguments)| Action::Emit(event, arguments)),
        2 => index().prop_map(Action::Cancel),
        1 => (index(), timeout()).prop_map(|(call, timeout)| Action::Extend(call, timeout)),
        3 => index().prop_map(Action::Settle),
        2 => (0..200_u64).prop_map(Action::Advance),
        2 => Just(Action::Transmit),
        1 => Just(Action::Disconnect),
        2 => Just(Action::Connect),
    ]
    .boxed()
}

fn role() -> impl Strategy<Value = Role> {
    select(vec![Role::Plain, Role::Producer, Role::Consumer, Role::Upload])
}

// There and back.

fn id() -> impl Strategy<Value = RequestId> {
    prop_oneof![1..10_u64, 1..1_u64 << 53].prop_map(|number| RequestId::new(number).expect("in range"))
}

fn rejection() -> impl Strategy<Value = Rejection> {
    let error = (any::<String>(), object()).prop_map(|(message, properties)| {
        properties.into_iter().fold(Rejection::new(message), |error, (name, value)| error.with_property(&name, value))
    });
    // A null is sent as something else.
    let bare = value().prop_filter("not null", |value| !value.is_null()).prop_map(Rejection::value);
    prop_oneof![error, bare]
}

fn text(frame: &[u8]) -> &str {
    assert_valid(frame);
    std::str::from_utf8(frame).expect("UTF-8")
}

/// The event or request that both ways read in the frame.
fn both_ways(frame: &str) -> Said {
    let whole = said_whole(frame);
    assert_eq!(said(Message::decode(frame)).as_ref(), Some(&whole), "{frame}");
    whole
}

proptest! {
    #![proptest_config(many(2))]

    #[test]
    fn events_and_requests_arrive_as_they_were_sent(
        event in name(),
        channel in proptest::option::of(name()),
        arguments in vec(proptest::option::weighted(0.8, value()), 0..5),
        request in proptest::option::of((id(), proptest::option::of(any::<u64>()))),
    ) {
        let channel = channel.as_deref().filter(|channel| !channel.is_empty());
        if check_event(&event, channel).is_err() {
            return Ok(());
        }
        let mut call = CallEncoder::new(&event);
        for argument in &arguments {
            call.argument(argument).expect("JSON");
        }
        let call = call.finish(channel);
        let (frame, wait) = match request {
            Some((id, wait)) => (call.into_request(id, wait.map(Duration::from_millis)), wait),
            None => (call.into_event(), None),
        };
        let end = arguments.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let sent: Vec<Value> = arguments[..end].iter().map(|argument| argument.clone().unwrap_or_default()).collect();
        let text = text(&frame);
        prop_assert_eq!(both_ways(text), Said::Call {
            id: request.map(|(id, _)| id),
            scope: format!("{:?}", channel.map_or(Scope::Main, |channel| Scope::Named(channel.into()))),
            event,
            arguments: sent.iter().map(Value::to_string).collect(),
            meta: wait.map(|wait| format!("{{\"t\":{}}}", wait.min((1 << 53) - 1))),
        });
        let Message::Call(mut call) = Message::decode(text) else { panic!("a call") };
        prop_assert_eq!(call.arguments.collect::<Value>().expect("JSON"), sent);
    }

    #[test]
    fn results_arrive_as_they_were_sent(id in id(), value in value()) {
        let mut frame = Vec::new();
        encode::result(&mut frame, id, &value).expect("JSON");
        prop_assert_eq!(both_ways(text(&frame)), Said::Response(id, Some(value.to_string())));
    }

    #[test]
    fn rejections_arrive_as_they_were_sent(id in id(), rejection in rejection()) {
        let mut frame = Vec::new();
        encode::rejection(&mut frame, id, &rejection);
        let Message::Response(seen, Answer::Rejected(reason)) = Message::decode(text(&frame)) else { panic!("{frame:?}") };
        prop_assert_eq!((seen, reason.read()), (id, rejection));
    }

    #[test]
    fn cancellations_and_aborts_arrive_as_they_were_sent(id in id(), reason in rejection()) {
        let mut frame = Vec::new();
        encode::cancellation(&mut frame, id, Some(&reason));
        let Message::Cancellation(seen, raw) = Message::decode(text(&frame)) else { panic!("{frame:?}") };
        prop_assert_eq!((seen, raw.read()), (id, reason.clone()));
        frame.clear();
        encode::abort(&mut frame, id, Some(&reason));
        let Message::Abort(seen, raw) = Message::decode(text(&frame)) else { panic!("{frame:?}") };
        prop_assert_eq!((seen, raw.read()), (Scope::Anonymous(id), reason));
    }

    #[test]
    fn items_arrive_as_they_were_sent(
        channel in id(),
        request in proptest::option::of(id()),
        lost in prop_oneof![Just(0), 1..1_u64 << 53],
        value in value(),
    ) {
        let mut frame = Vec::new();
        encode::item(&mut frame, channel, request, lost, &value).expect("JSON");
        let frame = text(&frame);
        prop_assert_eq!(item(&Message::decode(frame)), Some((Some(value.to_string()), false, lost)));
        let Said::Call { id, scope, event, .. } = both_ways(frame) else { panic!("{frame}") };
        prop_assert_eq!((id, scope, &*event), (request, format!("{:?}", Scope::Anonymous(channel)), "next"));
        if let Some(id) = request {
            let mut later = Vec::new();
            encode::item(&mut later, channel, None, lost, &value).expect("JSON");
            encode::item_as_request(&mut later, id);
            prop_assert_eq!(text(&later), frame);
        }
    }

    /// What a peer rejected with may be passed on to another.
    #[test]
    fn any_reason_that_came_can_be_sent_on(json in value(), error in any::<bool>()) {
        let reason = RawReason { value: &json.to_string(), error }.read();
        let mut frame = Vec::new();
        encode::rejection(&mut frame, RequestId::new(1).expect("an id"), &reason);
        assert_valid(&frame);
        frame.clear();
        encode::cancellation(&mut frame, RequestId::new(1).expect("an id"), Some(&reason));
        assert_valid(&frame);
    }
}
