//! Checks of sent frames.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// Panics unless the frame has a form of the protocol that every peer can read.
pub(crate) fn assert_valid(frame: &[u8]) {
    let text = std::str::from_utf8(frame).expect("UTF-8");
    let Members(members) = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let keys: String = members.iter().map(|(key, _)| key.as_str()).collect();
    let call_forms = ["a", "ac", "ah", "ai", "aci", "ahi", "aim", "acim", "ahim"];
    let other_forms = ["i", "id", "ie", "ie_", "ix", "ix_", "ih", "hx", "hx_"];
    assert!(call_forms.contains(&&*keys) || other_forms.contains(&&*keys), "this is no form of the protocol: {text}");
    let is_channel_response = keys == "ih";
    if keys.starts_with("ah") {
        assert!(is_valid_on_anonymous_channel(members[0].1.get()), "this is no valid message of a stream: {text}");
    }
    for (key, raw) in members {
        // A value that is nested too deeply for this check is accepted as it is.
        let value: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Bool(true));
        let is_valid = match &*key {
            "a" => raw.get().starts_with("[\""),
            "c" => value.as_str().is_some_and(|name| !name.is_empty()),
            "h" if is_channel_response => raw.get() == "1",
            "i" | "h" => value.as_u64().is_some_and(|id| (1..1 << 53).contains(&id)),
            "_" => value == 1 && value.is_u64(),
            "e" | "x" => !value.is_null(),
            "m" => raw.get().starts_with('{'),
            _ => true,
        };
        assert!(is_valid, "`{key}` is invalid in {text}");
    }
    assert!(!text.ends_with('\n'), "a frame has no trailing newline");
}

/// Returns true if a call on an anonymous channel is a valid message of a stream, or no message of a stream.
fn is_valid_on_anonymous_channel(call: &str) -> bool {
    let Ok(call) = serde_json::from_str::<Vec<Value>>(call) else { return true };
    let payload = match (call[0].as_str(), &call[1..]) {
        (Some("start"), arguments) => return arguments.is_empty(),
        (Some("credit"), [items]) => return items.as_u64().is_some_and(|items| (1..=65_536).contains(&items)),
        (Some("next"), [Value::Object(payload)]) => payload,
        (Some("credit" | "next"), _) => return false,
        _ => return true,
    };
    payload.iter().all(|(key, value)| match &**key {
        "value" => true,
        "done" => value.is_boolean(),
        "lost" => value.as_u64().is_some_and(|lost| lost > 0),
        "at" => value.as_array().is_some_and(|at| {
            at.len() == 2 && at.iter().all(|number| number.as_u64().is_some_and(|it| (1..1 << 53).contains(&it)))
        }),
        _ => false,
    }) && payload.contains_key("done")
}

/// The members of an object, including repeated ones.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}
