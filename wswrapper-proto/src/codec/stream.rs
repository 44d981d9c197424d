//! Messages between the producer and the consumer of a stream.

use super::envelope::{is_truthy, key_text};
use crate::{Arguments, Item, Position, RequestId};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The consumer requests the first items [P-80].
pub(crate) const START: &str = "start";
/// The producer sends an item, or the end [P-81, P-82].
pub(crate) const NEXT: &str = "next";
/// The consumer grants credit for further items.
pub(crate) const CREDIT: &str = "credit";
/// The caller of an upload requests the handler's result.
pub(crate) const RESULT: &str = "result";

impl<'f> Item<'f> {
    /// Reads the arguments of `next`, or returns `None` if the frame is malformed.
    ///
    /// An argument that is not the object of an item is an item without a value [P-82].
    pub fn read(arguments: &Arguments<'f>) -> Option<Self> {
        if let Some(value) = plain_value(arguments.text()) {
            return Some(Self { value: Some(value), done: false, lost: 0, at: None });
        }
        let payload = first(arguments).and_then(|payload| serde_json::from_str(payload).ok());
        if !arguments.is_json() {
            return None;
        }
        let Payload { value, done, lost, at } = payload.unwrap_or_default();
        Some(Self {
            value: value.map(RawValue::get),
            done: done.is_some_and(|done| is_truthy(done.get())),
            lost: lost.and_then(|lost| RequestId::from_json(lost.get())).map_or(0, RequestId::get),
            at: at.and_then(|at| Position::read(at.get())),
        })
    }
}

/// Returns the value in `,{"value":…,"done":false}]`, the form that peers send. If it is one JSON value, the whole text
/// is well-formed.
fn plain_value(text: &str) -> Option<&str> {
    let value = text.strip_prefix(",{\"value\":")?.strip_suffix(",\"done\":false}]")?;
    serde_json::from_str::<IgnoredAny>(value).is_ok().then_some(value)
}

/// Reads the argument of `credit`, or returns `None` if the frame is malformed. A value that is not a positive integer
/// counts as 0.
pub(crate) fn credit(arguments: &Arguments<'_>) -> Option<u32> {
    let items = first(arguments).and_then(RequestId::from_json);
    arguments.is_json().then(|| items.and_then(|items| u32::try_from(items.get()).ok()).unwrap_or(0))
}

/// Returns the first argument as JSON text.
fn first<'f>(arguments: &Arguments<'f>) -> Option<&'f str> {
    { *arguments }.next::<Option<&RawValue>>().ok().flatten().map(RawValue::get)
}

/// The members of an item's object. The last value of a repeated member counts.
#[derive(Default)]
struct Payload<'f> {
    value: Option<&'f RawValue>,
    done: Option<&'f RawValue>,
    lost: Option<&'f RawValue>,
    at: Option<&'f RawValue>,
}

impl<'de: 'f, 'f> Deserialize<'de> for Payload<'f> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Payload<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut payload = Payload::default();
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    match &*key_text(name) {
                        "value" => payload.value = Some(value),
                        "done" => payload.done = Some(value),
                        "lost" => payload.lost = Some(value),
                        "at" => payload.at = Some(value),
                        _ => {}
                    }
                }
                Ok(payload)
            }
        }
        deserializer.deserialize_map(Members)
    }
}
