//! Numbers of requests.

use std::fmt;
use std::num::NonZeroU64;

/// The largest integer that every peer can represent: 2^53 - 1.
const MAX_ID: u64 = (1 << 53) - 1;

/// The number of a request, from 1 to 2^53 - 1 [P-12].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(NonZeroU64);

impl RequestId {
    /// The id with this number, if there can be one.
    #[inline]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(id) if number <= MAX_ID => Some(Self(id)),
            _ => None,
        }
    }

    /// The number.
    #[inline]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Reads the text of a JSON value: any number with an integral value in range, `1.0` and `1e2` too [P-14].
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
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is out of range stays so")]
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

/// Which end of the connection this is. Each numbers its requests from a range of its own, out of reach of peers
/// that count from 1 [P-68].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// This end opened the connection: a client.
    Client,
    /// This end accepted the connection: a server.
    Server,
}

impl Side {
    /// The number of this side's first request.
    pub const fn first_id(self) -> RequestId {
        match self {
            Self::Client => RequestId(NonZeroU64::MIN.saturating_add(1 << 28)),
            Self::Server => RequestId(NonZeroU64::MIN.saturating_add(1 << 29)),
        }
    }
}

/// Hands out ids; never the same twice [P-36].
#[derive(Debug)]
pub(crate) struct Ids {
    first: RequestId,
    next: RequestId,
}

impl Ids {
    pub(crate) fn new(side: Side) -> Self {
        Self { first: side.first_id(), next: side.first_id() }
    }

    /// Whether this id was handed out.
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

/// An anonymous channel of a connection; no two are the same, though a peer may use a number again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChannelKey {
    pub(crate) id: RequestId,
    pub(crate) opened_by: Opener,
    pub(crate) serial: u64,
}

/// Who has answered a request with the channel: numbers do not tell [P-68].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Opener {
    /// A handler of ours; its number is that of the peer's request.
    Local,
    /// A handler of the peer's; its number is that of our request.
    Remote,
}

impl ChannelKey {
    /// The channel's number on the wire.
    pub const fn id(self) -> RequestId {
        self.id
    }

    /// Who has answered a request with it.
    pub const fn opened_by(self) -> Opener {
        self.opened_by
    }
}
