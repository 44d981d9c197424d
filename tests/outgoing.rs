//! The frames that may be sent.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// Panics unless the frame is one of the protocol's forms, and as every peer can read it.
pub(crate) fn assert_valid(frame: &[u8]) {
    let text = std::str::from_utf8(frame).expect("UTF-8");
    let Members(members) = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let keys: String = members.iter().map(|(key, _)| key.as_str()).collect();
    let forms = ["a", "ac", "ai", "aci", "aim", "acim", "i", "id", "ie", "ie_", "ix", "ix_", "hx", "hx_"];
    assert!(forms.contains(&&*keys), "no form of the protocol: {text}");
    for (key, raw) in members {
        // What a peer cannot be asked to read, since it is nested too deep, is as good as any other value.
        let value: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Bool(true));
        let good = match &*key {
            "a" => raw.get().starts_with("[\""),
            "c" => value.as_str().is_some_and(|name| !name.is_empty()),
            "i" | "h" => value.as_u64().is_some_and(|id| (1..1 << 53).contains(&id)),
            "_" => value == 1 && value.is_u64(),
            "e" | "x" => !value.is_null(),
            "m" => raw.get().starts_with('{'),
            _ => true,
        };
        assert!(good, "`{key}` in {text}");
    }
    assert!(!text.ends_with('\n'), "compact");
}

/// An object's members, repeated ones too.
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
