//! Ids of requests.

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
}

/// Issues request ids, each once [P-36].
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    first: RequestId,
    next: RequestId,
}

impl Ids {
    pub(crate) fn new(side: Side) -> Self {
        Self { first: side.first_id(), next: side.first_id() }
    }

    /// Returns true if `id` was issued.
    #[inline]
    pub(crate) fn has_issued(&self, id: RequestId) -> bool {
        (self.first..self.next).contains(&id)
    }

    #[inline]
    pub(crate) fn next(&mut self) -> RequestId {
        let id = self.next;
        self.next = RequestId(id.0.saturating_add(1));
        id
    }
}
