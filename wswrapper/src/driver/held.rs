//! Calls that wait for their turn to start.

use bytes::Bytes;
use std::collections::VecDeque;

/// Events and requests that came while none could start.
#[derive(Default)]
pub(super) struct Held {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

impl Held {
    pub(super) fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
