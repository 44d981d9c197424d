//! Positions in resumable streams.

use crate::RequestId;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The position of an item in a resumable stream.
///
/// Both numbers are below 2^53, so that JavaScript can read them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The history of which the item is a part. Another history has another number.
    pub epoch: u64,
    /// The number of the item, counted from 1.
    pub offset: u64,
}

/// The start of a resumable stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// A new stream.
    New,
    /// A stream that continues after this item.
    After(Position),
}

/// The elements of an array of one or two numbers.
#[derive(Deserialize)]
struct Pair<'j>(#[serde(borrow)] &'j RawValue, #[serde(borrow)] &'j RawValue);

impl Position {
    /// The largest number of an epoch and of an offset.
    pub const MAX: u64 = (1 << 53) - 1;

    /// Reads `[epoch, offset]`. Anything else is no position.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let Pair(epoch, offset) = serde_json::from_str(json).ok()?;
        let number = |value: &RawValue| RequestId::from_json(value.get()).map(RequestId::get);
        Some(Self { epoch: number(epoch)?, offset: number(offset)? })
    }
}

impl Resume {
    /// Reads `[]` or a position.
    pub(crate) fn read(json: &str) -> Option<Self> {
        match serde_json::from_str::<[(); 0]>(json) {
            Ok([]) => Some(Self::New),
            Err(_) => Position::read(json).map(Self::After),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, Resume};

    #[test]
    fn an_array_of_two_positive_integers_is_a_position() {
        let position = |epoch, offset| Some(Resume::After(Position { epoch, offset }));
        let cases = [
            ("[]", Some(Resume::New)),
            (" [ ] ", Some(Resume::New)),
            ("[7,12]", position(7, 12)),
            ("[ 7 , 12 ]", position(7, 12)),
            ("[7.0,1e2]", position(7, 100)),
            ("[9007199254740991,1]", position(Position::MAX, 1)),
            ("[9007199254740992,1]", None),
            ("[0,1]", None),
            ("[1,0]", None),
            ("[7]", None),
            ("[7,12,1]", None),
            ("[\"7\",12]", None),
            ("[null]", None),
            ("null", None),
            ("{}", None),
            ("7", None),
        ];
        for (json, expected) in cases {
            assert_eq!(Resume::read(json), expected, "{json}");
        }
    }
}
