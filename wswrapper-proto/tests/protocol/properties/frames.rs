//! Any frame, decoded by the quick decoder, the whole decoder and the reference.

use super::decoders::{decoded, decoded_whole, difference, is_quick, item, kind};
use super::generate::{channel_frame, frame};
use super::multiplied_cases;
use super::reference::{reference_item, reference_kind};
use crate::proto::{Address, Call, Message};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(multiplied_cases(16))]

    #[test]
    fn quick_and_whole_decoder_agree_on_any_frame(frame in frame()) {
        prop_assert_eq!(difference(&frame), Ok(()));
    }

    #[test]
    fn quick_and_whole_decoder_agree_on_any_stream_frame(frame in channel_frame(1..4_u64)) {
        prop_assert_eq!(difference(&frame), Ok(()));
    }

    #[test]
    fn items_are_decoded_like_the_reference(frame in channel_frame(1..4_u64)) {
        if let Some(expected) = reference_item(&frame) {
            let (value, done, lost, _) = item(&Message::decode_whole(&frame)).expect("a call");
            let value = value.map(|json| serde_json::from_str::<Value>(&json).expect("JSON").to_string());
            prop_assert_eq!((value, done, lost), expected);
        }
    }

    #[test]
    fn frames_are_classified_like_the_reference(frame in frame()) {
        if let Some(expected) = reference_kind(&frame) {
            prop_assert_eq!(kind(&decoded_whole(&frame)), expected);
        }
    }
}

#[test]
fn ordinary_calls_are_decoded_by_the_quick_decoder() {
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
        assert!(decoded(Message::decode(frame)).is_some(), "{frame}");
        assert_eq!(difference(frame), Ok(()));
    }
}

#[test]
fn generated_frames_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..4000 {
        let frame = frame().new_tree(&mut runner).expect("a frame").current();
        *kinds.entry(kind(&decoded_whole(&frame))).or_default() += 1;
        if is_quick(&frame) {
            let message = Message::decode(&frame);
            if let Message::Call(Call { address: Address::Anonymous(_), .. }) = message {
                *kinds.entry("quick on a channel").or_default() += 1;
            }
            let is_valid = decoded(message).is_some();
            *kinds.entry(if is_valid { "quick" } else { "malformed call" }).or_default() += 1;
        }
    }
    for (kind, least) in [
        ("call", 600),
        ("quick", 300),
        ("quick on a channel", 150),
        ("malformed call", 100),
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
