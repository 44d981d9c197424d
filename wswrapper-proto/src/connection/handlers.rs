//! Running handlers of the peer's requests.

use super::Connection;
use crate::RequestId;
use crate::time::Instant;
use std::collections::HashMap;

/// A handler without a response yet.
#[derive(Debug)]
pub(super) struct RunningHandler<H> {
    pub(super) handler: H,
    pub(super) deadline: Option<Instant>,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// Returns the number of handlers that have [started](Self::handler_started) and not finished.
    pub fn running_handlers(&self) -> usize {
        self.running.len()
    }

    /// Records that a handler runs for request `id`, so that the peer can cancel it.
    ///
    /// At `deadline` it is reported as [expired](crate::Notification::HandlerExpired). If the peer uses the id of a
    /// running handler again, only the newer handler can be cancelled [P-38].
    pub fn handler_started(&mut self, id: RequestId, handler: H, deadline: Option<Instant>) {
        if let Some(at) = deadline {
            let running = &self.running;
            let live = |id, at| running.get(&id).is_some_and(|call| call.deadline == Some(at));
            self.running_deadlines.add(at, id, running.len(), live);
        }
        self.running.insert(id, RunningHandler { handler, deadline });
    }

    /// Records that a handler has finished. Returns false if it was cancelled before, or another one has its id.
    pub fn handler_finished(&mut self, id: RequestId, handler: &H) -> bool {
        let is_running = self.running.get(&id).is_some_and(|running| running.handler == *handler);
        if is_running {
            self.running.remove(&id);
        }
        is_running
    }

    /// Forgets all handlers, because the connection is about to close.
    pub fn clear_handlers(&mut self) {
        self.running = HashMap::new();
        self.running_deadlines.clear();
    }
}
