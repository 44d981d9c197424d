//! Anonymous channels, and the streams on them.

use super::{Channel, Model, Timed};
use crate::proto::{Allowance, CallEncoder, CallFailure, Notification, Role};
use proptest::sample::Index;
use std::time::Duration;

impl Model {
    /// Selects one of the open channels.
    fn channel(&self, index: Index) -> Option<u32> {
        let serials: Vec<u32> = self.channels.keys().copied().collect();
        (!serials.is_empty()).then(|| *index.get(&serials))
    }

    pub(super) fn call_on(&mut self, index: Index, timeout: Option<u64>) {
        let Some(channel) = self.channel(index) else { return };
        let key = self.channels[&channel].key;
        let waiter = u32::try_from(self.completions.len()).expect("the number of calls is small");
        let deadline = timeout.map(|timeout| self.now + Duration::from_millis(timeout));
        let sent = self.connection.request(CallEncoder::new("q").finish_on(key), waiter, deadline, None, None);
        assert_eq!(sent.map(|_| ()), self.acceptance());
        if let Ok(id) = sent {
            self.requested(id, Timed { on: Some(channel), ..Timed::new(waiter, deadline) });
        }
    }

    pub(super) fn stream(&mut self, index: Index, window: Option<u32>) {
        let Some(serial) = self.channel(index) else { return };
        let channel = self.channels.get_mut(&serial).expect("an open channel");
        let key = channel.key;
        match (channel.role, self.connection.producer(key).allowance()) {
            (Role::Consumer | Role::Upload, _) if !channel.started => {
                channel.started = true;
                assert!(self.connection.consumer(key).start(window));
            }
            (Role::Consumer | Role::Upload, _) => {
                self.connection.consumer(key).take(channel.held, 1);
                channel.held = 0;
            }
            (Role::Producer, Allowance::OneRequest) => {
                let id = self.connection.producer(key).item_request().expect("an open channel");
                assert!(!self.used_ids.contains(&id), "an id is used once");
                self.used_ids.push(id);
                assert_eq!(self.connection.producer(key).allowance(), Allowance::Blocked);
            }
            (Role::Producer, Allowance::Items(items)) => {
                self.connection.producer(key).sent(items);
                assert_eq!(self.connection.producer(key).allowance(), Allowance::Blocked);
            }
            (Role::Producer | Role::Plain, _) => {}
        }
    }

    pub(super) fn close_or_abort(&mut self, index: Index, abort: bool) {
        let Some(serial) = self.channel(index) else { return };
        let Channel { key, handler, .. } = self.channels[&serial];
        let reason = self.reason.take();
        let state = if abort {
            self.connection.abort_channel(key, reason.as_ref())
        } else {
            self.connection.close_channel(key)
        };
        assert_eq!(state, Some(serial));
        assert_eq!((self.connection.close_channel(key), self.connection.abort_channel(key, None)), (None, None));
        self.channels.remove(&serial);
        self.running.retain(|_, running| Some(running.serial) != handler);
        self.fail_calls();
    }

    /// Records that no more items follow. An upload's channel stays open for the result.
    pub(super) fn finish_stream(&mut self, serial: u32) {
        let channel = self.channels.get_mut(&serial).expect("an open channel");
        assert!(!std::mem::replace(&mut channel.ended, true), "a stream finishes once");
        if channel.role != Role::Upload {
            self.channels.remove(&serial);
        }
    }

    /// Takes the failures of calls whose channels were closed.
    pub(super) fn fail_calls(&mut self) {
        while let Some(notification) = self.connection.poll_notification() {
            let Notification::CallFailed(call, CallFailure::Closed) = notification else { panic!("{notification:?}") };
            let on = self.take_pending(call).on.expect("a call on a channel");
            assert!(self.channels.get(&on).is_none_or(|channel| channel.ended));
        }
    }
}
