//! Arguments of a call, decoded one by one from the frame.

use super::negative_zero::without_negative_zeros;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

/// The white space of JSON. ASCII has more.
pub(crate) const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The arguments of a call, as JSON text in the frame.
///
/// Each is decoded directly into the type that the handler declares. [`Message::decode`](crate::Message::decode) does
/// not scan the arguments of most calls, so the frame is known to be well-formed only after [`finish`](Self::finish);
/// see [`ArgumentsError::NotJson`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arguments<'f> {
    /// The text after the name and the arguments taken so far: `,1,2]`, or `]`.
    rest: &'f str,
    validated: bool,
    taken: usize,
}

/// An error from reading an argument.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentsError {
    /// The argument does not decode to the type.
    #[error("the argument cannot be decoded: {0}")]
    Decode(#[source] serde_json::Error),
    /// The argument is missing.
    #[error("an argument is missing")]
    Missing,
    /// The frame is malformed. [Decode it again](crate::Message::decode_whole) and handle that message instead.
    #[error("the frame is not JSON")]
    NotJson,
}

impl<'f> Arguments<'f> {
    pub(crate) const fn new(rest: &'f str, validated: bool) -> Self {
        Self { rest, validated, taken: 0 }
    }

    /// Returns true if the whole frame was checked when it was decoded.
    #[inline]
    pub const fn is_validated(&self) -> bool {
        self.validated
    }

    /// Returns the JSON text of the remaining arguments, between a comma and the bracket that closes the list: `,1,2]`.
    #[inline]
    pub const fn text(&self) -> &'f str {
        self.rest
    }

    /// Returns the number of arguments that were taken.
    #[inline]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the next argument. A missing argument is `None` for an `Option` and an error for other types [P-34].
    #[expect(clippy::should_implement_trait, reason = "each argument has a type of its own")]
    pub fn next<T: Deserialize<'f>>(&mut self) -> Result<T, ArgumentsError> {
        match self.take()? {
            Some(argument) => Ok(argument),
            None => missing(),
        }
    }

    /// Takes the next argument as [`next`](Self::next) does. `-0` is accepted for an integer.
    #[inline]
    pub fn next_owned<T: DeserializeOwned>(&mut self) -> Result<T, ArgumentsError> {
        match self.take() {
            Ok(Some(argument)) => Ok(argument),
            Ok(None) => missing(),
            Err(ArgumentsError::Decode(error)) => self.next_without_negative_zeros(error),
            Err(error) => Err(error),
        }
    }

    /// Takes the next argument, which could not be decoded, with `0` for each `-0`.
    #[cold]
    fn next_without_negative_zeros<T: DeserializeOwned>(
        &mut self,
        error: serde_json::Error,
    ) -> Result<T, ArgumentsError> {
        let mut after = *self;
        let json = after.take::<&RawValue>().ok().flatten().map(RawValue::get);
        let Some(json) = json.and_then(|json| without_negative_zeros(json.as_bytes())) else {
            return Err(ArgumentsError::Decode(error));
        };
        let json = std::str::from_utf8(&json).unwrap_or_default();
        let value = serde_json::from_str(json).map_err(ArgumentsError::Decode)?;
        *self = after;
        Ok(value)
    }

    /// Skips and counts the remaining arguments, and checks the rest of the frame.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "each call pays for it")]
    pub fn finish(&mut self) -> Result<usize, ArgumentsError> {
        let mut left = 0;
        while self.take::<IgnoredAny>()?.is_some() {
            left += 1;
        }
        if !self.rest[1..].trim_start_matches(SPACE).is_empty() {
            return Err(ArgumentsError::NotJson);
        }
        Ok(left)
    }

    /// Returns true if the frame is well-formed. It is checked if that is not known yet.
    #[inline]
    pub fn is_json(&self) -> bool {
        self.validated || self.check()
    }

    #[cold]
    fn check(mut self) -> bool {
        self.finish().is_ok()
    }

    /// Takes all remaining arguments and checks the rest of the frame.
    pub fn collect<T: Deserialize<'f>>(&mut self) -> Result<Vec<T>, ArgumentsError> {
        let mut all = Vec::new();
        while let Some(argument) = self.take()? {
            all.push(argument);
        }
        self.finish().map(|_| all)
    }

    fn take<T: Deserialize<'f>>(&mut self) -> Result<Option<T>, ArgumentsError> {
        self.rest = self.rest.trim_start_matches(SPACE);
        match self.rest.as_bytes().first() {
            Some(b',') => {}
            Some(b']') => return Ok(None),
            _ => return Err(ArgumentsError::NotJson),
        }
        let mut values = serde_json::Deserializer::from_str(&self.rest[1..]).into_iter();
        match values.next() {
            Some(Ok(value)) => {
                self.rest = &self.rest[1 + values.byte_offset()..];
                self.taken += 1;
                Ok(Some(value))
            }
            Some(Err(error)) => Err(ArgumentsError::Decode(error)),
            None => Err(ArgumentsError::NotJson),
        }
    }
}

/// Decodes a missing value: `None` for an `Option`, an error for other types.
fn missing<'f, T: Deserialize<'f>>() -> Result<T, ArgumentsError> {
    struct Missing;
    #[derive(Debug)]
    struct Absent;
    impl std::fmt::Display for Absent {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("missing")
        }
    }
    impl std::error::Error for Absent {}
    impl serde::de::Error for Absent {
        fn custom<M: std::fmt::Display>(_: M) -> Self {
            Self
        }
    }
    impl<'de> serde::Deserializer<'de> for Missing {
        type Error = Absent;
        fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Absent> {
            Err(Absent)
        }
        fn deserialize_option<V: serde::de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Absent> {
            visitor.visit_none()
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
            newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
        }
    }
    T::deserialize(Missing).map_err(|_| ArgumentsError::Missing)
}
