//! Frames to be sent.

use std::collections::VecDeque;
use std::sync::Arc;

/// A frame to be sent as text.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// A frame for one connection.
    Owned(Vec<u8>),
    /// A frame for many connections: a broadcast.
    Shared(Arc<[u8]>),
}

impl Outgoing {
    /// Returns the JSON text.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// The queue of a connection's frames.
#[derive(Default, Debug)]
pub(super) struct Outbox {
    frames: VecDeque<Outgoing>,
    bytes: usize,
}

impl Outbox {
    #[inline]
    pub(super) fn push(&mut self, frame: Outgoing) {
        self.bytes += frame.as_bytes().len();
        self.frames.push_back(frame);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.as_bytes().len();
        if self.frames.is_empty() && self.frames.capacity() > 64 {
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
