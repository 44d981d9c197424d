//! Deadlines of calls and handlers, soonest first.

use crate::RequestId;
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A heap of deadlines. Stale entries stay until they come up, or until they outnumber the live ones.
#[derive(Default, Debug)]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, RequestId)>>,
}

impl Deadlines {
    /// Adds a deadline. `live` returns true for entries that still count, of which there are about `count`.
    pub(super) fn add(&mut self, at: Instant, id: RequestId, count: usize, live: impl Fn(RequestId, Instant) -> bool) {
        if self.heap.len() >= 64 + 2 * count {
            self.heap.retain(|Reverse((at, id))| live(*id, *at));
        }
        self.heap.push(Reverse((at, id)));
    }

    /// Returns the soonest live deadline.
    pub(super) fn next(&mut self, live: impl Fn(RequestId, Instant) -> bool) -> Option<Instant> {
        while let Some(Reverse((at, id))) = self.heap.peek() {
            if live(*id, *at) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    /// Removes an entry that is due, live or stale.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<RequestId> {
        self.heap.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.heap.pop().map(|Reverse((_, id))| id)
    }

    pub(super) fn clear(&mut self) {
        self.heap = BinaryHeap::new();
    }
}
