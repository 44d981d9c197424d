//! The object of a frame, with its values still undecoded.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The values of the known keys. The last value of a repeated key counts [P-05].
#[derive(Default)]
pub(super) struct Envelope<'f> {
    pub(super) arguments: Option<&'f RawValue>,
    pub(super) channel: Option<&'f RawValue>,
    pub(super) id: Option<&'f RawValue>,
    pub(super) anonymous: Option<&'f RawValue>,
    pub(super) result: Option<&'f RawValue>,
    pub(super) rejection: Option<&'f RawValue>,
    pub(super) reason: Option<&'f RawValue>,
    pub(super) meta: Option<&'f RawValue>,
    pub(super) error_mark: Option<&'f RawValue>,
    wrapper: Option<&'f RawValue>,
}

impl Envelope<'_> {
    /// Returns true if the frame is marked as no message of this protocol [P-04].
    pub(super) fn is_foreign(&self) -> bool {
        self.wrapper.is_some_and(|value| value.get() == "false")
    }
}

impl<'de: 'f, 'f> Deserialize<'de> for Envelope<'f> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut envelope = Envelope::default();
                while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    let place = match &*key_text(key) {
                        "a" => &mut envelope.arguments,
                        "c" => &mut envelope.channel,
                        "i" => &mut envelope.id,
                        "h" => &mut envelope.anonymous,
                        "d" => &mut envelope.result,
                        "e" => &mut envelope.rejection,
                        "x" => &mut envelope.reason,
                        "m" => &mut envelope.meta,
                        "_" => &mut envelope.error_mark,
                        "ws-wrapper" => &mut envelope.wrapper,
                        _ => continue,
                    };
                    *place = Some(value);
                }
                Ok(envelope)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// Decodes a key. Keys are read as raw text, because a lone surrogate in one must not fail the whole frame.
pub(super) fn key_text(key: &RawValue) -> Cow<'_, str> {
    match key.get() {
        escaped if escaped.contains('\\') => Cow::Owned(serde_json::from_str(escaped).unwrap_or_default()),
        plain => Cow::Borrowed(plain.trim_matches('"')),
    }
}

/// Returns true if JavaScript treats this JSON value as true [P-43].
pub(super) fn is_truthy(json: &str) -> bool {
    match json {
        "null" | "false" | "\"\"" => false,
        // `-0` and `0e9` are zero too. A value that is not a number does not parse.
        other => !other.parse::<f64>().is_ok_and(|zero| zero == 0.0),
    }
}
