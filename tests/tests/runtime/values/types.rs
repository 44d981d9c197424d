//! Types of each shape that serde knows.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Colour {
    Red,
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) u8);

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct Point(pub(super) i32, pub(super) i32);

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct Nothing;

#[derive(Serialize, Deserialize, Debug, Default)]
#[serde(default)]
pub(super) struct Options {
    name: String,
    list: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Options {
    pub(super) fn full() -> Self {
        Self { name: "n".to_owned(), list: vec![1], note: Some("x".to_owned()) }
    }
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Renamed {
    pub(super) first_name: u8,
    pub(super) r#type: u8,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct Flat {
    pub(super) id: u8,
    #[serde(flatten)]
    pub(super) more: Renamed,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct Wide {
    pub(super) n: u128,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct FlatWide {
    #[serde(flatten)]
    pub(super) more: Wide,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct FlatMap {
    #[serde(flatten)]
    pub(super) more: BTreeMap<u8, u8>,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) enum Shape {
    Empty,
    Circle(f64),
    Line(i32, i32),
    Box { w: i32, h: i32 },
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "kind")]
pub(super) enum Internal {
    Empty,
    Box { w: i32 },
    Of(Renamed),
    Map { keys: BTreeMap<u8, u8> },
    Wide { n: u128 },
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "t", content = "c")]
pub(super) enum Adjacent {
    Empty,
    Circle(f64),
    Line(i32, i32),
    Box { w: i32 },
    Map(BTreeMap<u8, u8>),
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(untagged)]
pub(super) enum Untagged {
    Empty,
    Number(u8),
    Text(String),
    Box { w: i32 },
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(untagged)]
pub(super) enum Numbers {
    Wide(u128),
    Map(BTreeMap<u8, u8>),
}
