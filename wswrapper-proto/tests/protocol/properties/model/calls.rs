//! Local calls, and handlers of the peer's calls.

use super::{HANDLERS, Model, QUEUE, Timed, assert_valid_response};
use crate::proto::{CallEncoder, ExpectedChannel, Outgoing, QueueError, Reason, RequestId, Role, check_event};
use proptest::sample::Index;
use serde_json::Value;
use std::time::Duration;

impl Model {
    pub(super) fn call(&mut self, event: &str, timeout: Option<u64>, send_timeout: bool, expected_role: Option<Role>) {
        if check_event(event, None).is_err() {
            return;
        }
        let waiter = u32::try_from(self.completions.len()).expect("the number of calls is small");
        let wait = timeout.map(Duration::from_millis);
        let deadline = wait.map(|wait| self.now + wait);
        let call = CallEncoder::new(event).finish(None);
        let expected_channel = expected_role.map(|role| ExpectedChannel { role, state: waiter });
        let sent = self.connection.request(call, waiter, deadline, wait.filter(|_| send_timeout), expected_channel);
        assert_eq!(sent.map(|_| ()), self.acceptance());
        if let Ok(id) = sent {
            self.requested(id, Timed { expected_role, ..Timed::new(waiter, deadline) });
        }
    }

    pub(super) fn requested(&mut self, id: RequestId, call: Timed) {
        assert!(!self.used_ids.contains(&id), "an id is used once");
        self.used_ids.push(id);
        self.completions.push(0);
        self.pending.insert(id, call);
    }

    pub(super) fn emit(&mut self, event: &str, arguments: &[Value]) {
        if check_event(event, Some("io")).is_err() {
            return;
        }
        let mut call = CallEncoder::new(event);
        for argument in arguments {
            call.argument(argument).expect("JSON");
        }
        let sent = self.connection.emit_frame(Outgoing::Owned(call.finish(Some("io")).into_event()));
        assert_eq!(sent, self.acceptance());
    }

    /// Returns the expected result of queueing an event or a request now, and counts it.
    pub(super) fn acceptance(&mut self) -> Result<(), QueueError> {
        match (self.open, self.lost) {
            (true, _) => Ok(()),
            (false, true) => Err(QueueError::Closed),
            (false, false) if self.queued == QUEUE => Err(QueueError::QueueFull),
            (false, false) => {
                self.queued += 1;
                Ok(())
            }
        }
    }

    /// Cancels any call that was ever sent. Only a pending call completes.
    pub(super) fn cancel(&mut self, index: Index) {
        if self.used_ids.is_empty() {
            return;
        }
        let id = *index.get(&self.used_ids);
        let before = self.connection.queued_bytes();
        let waiter = self.connection.cancel(id, self.reason.take().as_ref() as Option<&Reason>);
        assert_eq!(waiter, self.pending.get(&id).map(|call| call.serial));
        assert_eq!(
            self.connection.queued_bytes() > before,
            waiter.is_some(),
            "the peer is notified if the call was pending"
        );
        if let Some(waiter) = waiter {
            self.take_pending(waiter);
        }
    }

    pub(super) fn set_deadline(&mut self, index: Index, timeout: Option<u64>) {
        if self.used_ids.is_empty() {
            return;
        }
        let id = *index.get(&self.used_ids);
        let deadline = timeout.map(|timeout| self.now + Duration::from_millis(timeout));
        self.connection.set_deadline(id, deadline);
        if let Some(call) = self.pending.get_mut(&id) {
            call.deadline = deadline;
        }
    }

    pub(super) fn settle(&mut self, index: Index) {
        let ids: Vec<RequestId> = self.running.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = *index.get(&ids);
        let handler = self.running[&id].serial;
        if handler > HANDLERS {
            // An older handler of the same id may already be replaced, so this must have no effect.
            self.connection.handler_finished(id, &(handler - 1));
            assert_eq!(self.connection.running_handlers(), self.running.len());
        }
        self.connection.handler_finished(id, &handler);
        self.running.remove(&id);
        match self.reason.take() {
            Some(reason) => assert_valid_response(id, Err(reason)),
            None => assert_valid_response(id, Ok(Value::Null)),
        }
    }
}
