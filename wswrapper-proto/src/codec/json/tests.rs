//! Comparisons with the encoder of `serde_json`.

use super::{BLOCK, write};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A value with each shape that serde knows.
#[derive(Serialize, Debug)]
struct Shapes {
    text: String,
    #[serde(rename = "key \"\n")]
    renamed: Option<String>,
    unit: (),
    none: Option<u8>,
    tuple: (i8, char, f32, f64),
    wide: (i128, u128),
    map: BTreeMap<String, Vec<String>>,
    numbers: BTreeMap<u64, String>,
    variants: Vec<Shape>,
    newtype: Newtype,
    pair: Pair,
    nothing: Nothing,
    raw: Box<RawValue>,
    value: serde_json::Value,
    #[serde(serialize_with = "bytes")]
    bytes: Vec<u8>,
    #[serde(serialize_with = "displayed")]
    displayed: String,
    #[serde(flatten)]
    flattened: Flattened,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<u8>,
}

#[derive(Serialize, Debug)]
struct Newtype(String);

#[derive(Serialize, Debug)]
struct Pair(String, bool);

#[derive(Serialize, Debug)]
struct Nothing;

#[derive(Serialize, Debug)]
struct Flattened {
    inner: String,
}

#[derive(Serialize, Debug)]
enum Shape {
    Unit,
    Newtype(String),
    Tuple(String, u8),
    Struct { field: String },
}

fn bytes<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

fn displayed<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(text)
}

fn shapes(text: &str) -> Shapes {
    let text = text.to_owned();
    let json = serde_json::json!({ "a": [text, 1.5, null, true] });
    Shapes {
        renamed: Some(text.clone()),
        unit: (),
        none: None,
        tuple: (-1, '"', 0.1, f64::NAN),
        wide: (i128::MIN, u128::MAX),
        map: BTreeMap::from([(text.clone(), vec![text.clone(), String::new()])]),
        numbers: BTreeMap::from([(7, text.clone())]),
        variants: vec![
            Shape::Unit,
            Shape::Newtype(text.clone()),
            Shape::Tuple(text.clone(), 1),
            Shape::Struct { field: text.clone() },
        ],
        newtype: Newtype(text.clone()),
        pair: Pair(text.clone(), false),
        nothing: Nothing,
        raw: RawValue::from_string(json.to_string()).unwrap(),
        value: json,
        bytes: text.as_bytes().to_vec(),
        displayed: text.clone(),
        flattened: Flattened { inner: text.clone() },
        skipped: None,
        text,
    }
}

fn assert_as_serde_json<T: Serialize + ?Sized>(value: &T) {
    let mut written = Vec::new();
    write(&mut written, value).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(value).unwrap());
}

#[test]
fn each_byte_is_escaped_as_by_serde_json_at_each_position() {
    for byte in (0..0x80).map(char::from).chain(['ä', '€', '😀']) {
        for position in 0..=2 * BLOCK {
            let mut text = "x".repeat(2 * BLOCK);
            text.insert(position, byte);
            assert_as_serde_json(text.as_str());
        }
    }
}

#[test]
fn a_key_that_is_no_string_is_an_error() {
    assert!(write(&mut Vec::new(), &BTreeMap::from([(Some(vec![1]), 2)])).is_err());
}

proptest! {
    #[test]
    fn all_shapes_are_encoded_as_by_serde_json(text in "(?s).{0,80}", escapes in "[\"\\\\a-c\n\u{1}]{0,80}") {
        assert_as_serde_json(&shapes(&text));
        assert_as_serde_json(&shapes(&escapes));
    }
}
