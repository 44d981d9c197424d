//! Outgoing messages above the limit of their size.

use super::{SendError, ServiceError};
use crate::proto::{Rejection, code};
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

    /// Returns the local error of a result or an item.
    pub(crate) fn error(self, event: &str) -> ServiceError {
        ServiceError::TooLarge { event: event.to_owned(), size: self.size, limit: self.limit }
    }

    /// Returns the rejection that is sent instead of the message.
    pub(crate) fn rejection(self) -> Rejection {
        Rejection::new(self.to_string()).with_code(code::TOO_LARGE)
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, limit } = self;
        write!(f, "the message would have {size} bytes, and this endpoint sends at most {limit} bytes")
    }
}

impl From<TooLarge> for SendError {
    fn from(TooLarge { size, limit }: TooLarge) -> Self {
        Self::TooLarge { size, limit }
    }
}
