//! Ids of requests.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU64;

/// The largest integer that every peer represents exactly.
const MAX_ID: u64 = (1 << 53) - 1;

/// The id of a request: an integer from 1 to 2^53 - 1 [P-12].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(NonZeroU64);

impl RequestId {
    /// Creates an id, or returns `None` if `number` is out of range.
    #[inline]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(id) if number <= MAX_ID => Some(Self(id)),
            _ => None,
        }
    }

    /// Returns the id as an integer.
    #[inline]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Reads a JSON value. `1.0` and `1e2` are integers too [P-14].
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Self::new(text.parse().ok()?);
        }
        if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return None;
        }
        let number: f64 = text.parse().ok()?;
        if number.fract() != 0.0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, still out of range")]
        Self::new(number as u64)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The role of the local endpoint.
///
/// Each side takes its request ids from a range of its own, which peers that count from 1 do not reach [P-68].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The local endpoint opened the connection.
    Client,
    /// The local endpoint accepted the connection.
    Server,
}

impl Side {
    /// Returns the id of this side's first request.
    pub const fn first_id(self) -> RequestId {
        match self {
            Self::Client => RequestId(NonZeroU64::MIN.saturating_add(1 << 28)),
            Self::Server => RequestId(NonZeroU64::MIN.saturating_add(1 << 29)),
        }
    }

    /// Returns the last id of this side's first range.
    const fn last_id(self) -> RequestId {
        match self {
            Self::Client => RequestId(NonZeroU64::MIN.saturating_add((1 << 29) - 1)),
            Self::Server => RequestId(NonZeroU64::MIN.saturating_add((1 << 30) - 1)),
        }
    }

    /// Returns the first id that this side takes beyond both first ranges.
    const fn first_id_beyond(self) -> u64 {
        match self {
            Self::Client => (1 << 30) + 1,
            Self::Server => (1 << 30) + 2,
        }
    }

    /// Returns true if `id` is one that this side takes beyond both first ranges.
    const fn is_beyond(self, id: RequestId) -> bool {
        id.get() >= self.first_id_beyond() && id.get() % 2 == self.first_id_beyond() % 2
    }
}

/// Issues request ids, each once [P-36].
///
/// A side that has used up its first range takes every second id above it: the client the odd ones, the server the even
/// ones [P-68].
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    side: Side,
    first: RequestId,
    /// `None` once all ids were issued.
    next: Option<RequestId>,
}

impl Ids {
    pub(crate) fn new(side: Side) -> Self {
        Self::starting_at(side, side.first_id())
    }

    pub(crate) fn starting_at(side: Side, first: RequestId) -> Self {
        Self { side, first, next: Some(first) }
    }

    pub(crate) const fn side(&self) -> Side {
        self.side
    }

    /// Returns true if `id` was issued.
    #[inline]
    pub(crate) fn has_issued(&self, id: RequestId) -> bool {
        let is_past = id >= self.first && self.next.is_none_or(|next| id < next);
        is_past && (id <= self.side.last_id() || self.side.is_beyond(id))
    }

    /// Issues an id that `is_taken` does not reject, or returns `None` if there is none left.
    #[inline]
    pub(crate) fn next(&mut self, is_taken: impl Fn(RequestId) -> bool) -> Option<RequestId> {
        loop {
            let id = self.next?;
            let following = match id.cmp(&self.side.last_id()) {
                Ordering::Less => id.get() + 1,
                Ordering::Equal => self.side.first_id_beyond(),
                Ordering::Greater => id.get() + 2,
            };
            self.next = RequestId::new(following);
            if !is_taken(id) {
                return Some(id);
            }
        }
    }
}
