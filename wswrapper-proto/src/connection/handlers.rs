//! Handlers that run for the peer's requests.

use super::Connection;
use crate::RequestId;
use crate::time::Instant;
use std::collections::HashMap;

#[derive(Debug)]
pub(super) struct Running<R> {
    pub(super) handler: R,
    pub(super) deadline: Option<Instant>,
}

impl<W, R: Clone + PartialEq, C: Clone> Connection<W, R, C> {
    /// Handlers that were [begun](Self::begin) and have not ended.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// A handler goes on running for this request, so that a cancellation can reach it; of two with the same id only
    /// the newer one can be reached [P-38].
    pub fn begin(&mut self, id: RequestId, handler: R, deadline: Option<Instant>) {
        if let Some(at) = deadline {
            let running = &self.running;
            let live = |id, at| running.get(&id).is_some_and(|call| call.deadline == Some(at));
            self.running_deadlines.add(at, id, running.len(), live);
        }
        self.running.insert(id, Running { handler, deadline });
    }

    /// A handler ended by itself.
    pub fn end(&mut self, id: RequestId, handler: &R) {
        if self.running.get(&id).is_some_and(|running| running.handler == *handler) {
            self.running.remove(&id);
        }
    }

    /// Every handler has ended: the connection is about to close.
    pub fn end_all(&mut self) {
        self.running = HashMap::new();
        self.running_deadlines.clear();
    }
}
