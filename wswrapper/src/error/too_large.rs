//! Outgoing messages above the limit of their size.

use super::SendError;
use crate::proto::Rejection;
use std::fmt;

/// An outgoing message is larger than [`max_outgoing_message_size`](crate::Limits::max_outgoing_message_size).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLarge {
    size: usize,
    limit: usize,
}

impl TooLarge {
    /// Fails if a message of `size` bytes is larger than `limit`.
    pub(crate) fn check(size: usize, limit: usize) -> Result<(), Self> {
        if size > limit { Err(Self { size, limit }) } else { Ok(()) }
    }

    /// Returns the rejection that is sent instead of the message.
    pub(crate) fn rejection(self) -> Rejection {
        Rejection::new(self.to_string()).with_code("ws:TooLarge")
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SendError::from(*self).fmt(f)
    }
}

impl From<TooLarge> for SendError {
    fn from(TooLarge { size, limit }: TooLarge) -> Self {
        Self::TooLarge { size, limit }
    }
}
