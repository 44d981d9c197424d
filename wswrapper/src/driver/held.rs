//! Calls that wait for their turn to start.

use crate::proto::RequestId;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use tokio::time::Instant;

/// Events and requests that came while none could start, in their order.
#[derive(Default)]
pub(super) struct Held {
    /// A request that was cancelled meanwhile leaves its place empty.
    calls: VecDeque<Option<HeldCall>>,
    /// Where each request is, counted from the first call that was ever held.
    requests: HashMap<RequestId, usize>,
    /// How many have left.
    left: usize,
    bytes: usize,
}

struct HeldCall {
    frame: Bytes,
    id: Option<RequestId>,
    came: Instant,
}

impl Held {
    pub(super) fn push(&mut self, frame: Bytes, id: Option<RequestId>, came: Instant) {
        self.bytes += frame.len();
        if let Some(id) = id {
            self.requests.insert(id, self.left + self.calls.len());
        }
        self.calls.push_back(Some(HeldCall { frame, id, came }));
    }

    /// The next one, and when it came.
    pub(super) fn pop(&mut self) -> Option<(Bytes, Instant)> {
        while let Some(call) = self.calls.pop_front() {
            let place = self.left;
            self.left += 1;
            if let Some(HeldCall { frame, id, came }) = call {
                if let Some(id) = id.filter(|id| self.requests.get(id) == Some(&place)) {
                    self.requests.remove(&id);
                }
                self.bytes -= frame.len();
                return Some((frame, came));
            }
        }
        None
    }

    /// Forgets a request; of two with the same id the newer one [P-38]. False if there is none.
    pub(super) fn cancel(&mut self, id: RequestId) -> bool {
        let Some(place) = self.requests.remove(&id) else { return false };
        if let Some(call) = self.calls.get_mut(place - self.left).and_then(Option::take) {
            self.bytes -= call.frame.len();
        }
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
