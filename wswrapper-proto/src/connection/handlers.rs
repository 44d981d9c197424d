//! Handlers that run for the peer's requests.

use super::Connection;
use crate::RequestId;
use crate::time::Instant;
use std::collections::HashMap;

#[derive(Debug)]
pub(super) struct RunningHandler<H> {
    pub(super) handler: H,
    pub(super) deadline: Option<Instant>,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// Handlers that were [begun](Self::handler_started) and have not ended.
    pub fn running_handlers(&self) -> usize {
        self.running.len()
    }

    /// A handler goes on running for this request, so that a cancellation can reach it; of two with the same id only
    /// the newer one can be reached [P-38].
    pub fn handler_started(&mut self, id: RequestId, handler: H, deadline: Option<Instant>) {
        if let Some(at) = deadline {
            let running = &self.running;
            let live = |id, at| running.get(&id).is_some_and(|call| call.deadline == Some(at));
            self.running_deadlines.add(at, id, running.len(), live);
        }
        self.running.insert(id, RunningHandler { handler, deadline });
    }

    /// A handler ended by itself.
    pub fn handler_finished(&mut self, id: RequestId, handler: &H) {
        if self.running.get(&id).is_some_and(|running| running.handler == *handler) {
            self.running.remove(&id);
        }
    }

    /// Every handler has ended: the connection is about to close.
    pub fn clear_handlers(&mut self) {
        self.running = HashMap::new();
        self.running_deadlines.clear();
    }
}
