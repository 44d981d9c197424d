//! Calls and their handlers.

use super::Simulation;
use super::action::Kind;
use super::endpoint::{Call, Handler};
use super::streams::Stream;
use crate::proto::{CallEncoder, ExpectedChannel};
use std::time::Duration;

impl Simulation {
    pub(super) fn call(&mut self, n: usize, on: Option<u32>, kind: Kind, amount: u32) {
        let stream = self.streams.len();
        let endpoint = &mut self.endpoints[n];
        let mut call = CallEncoder::new(kind.name());
        call.argument(&stream).expect("JSON");
        let call = match on {
            Some(on) => call.finish_on(endpoint.channels[&on].key),
            None => call.finish(None),
        };
        let expected_channel = kind.expected_role().map(|role| ExpectedChannel { role, state: endpoint.next_number() });
        let wait = amount.is_multiple_of(3).then(|| Duration::from_millis(u64::from(amount) * 20 + 5));
        let waiter = u32::try_from(endpoint.calls.len()).expect("the number of calls is small");
        let sent =
            endpoint.core.request(call, waiter, wait.map(|wait| endpoint.now + wait), wait, expected_channel.clone());
        assert_eq!(sent.is_ok(), endpoint.core.is_open());
        if let Ok(id) = sent {
            endpoint.calls.push(Call { id, completions: 0, expected_channel, stream, on, is_result: false });
            let total = u64::from(amount * amount);
            self.streams.push(Stream { total, ..Stream::default() });
        }
    }

    /// Requests the result of an upload.
    pub(super) fn request_result(&mut self, n: usize, channel: u32, stream: usize) {
        let endpoint = &mut self.endpoints[n];
        let key = endpoint.channels[&channel].key;
        let waiter = u32::try_from(endpoint.calls.len()).expect("the number of calls is small");
        let wait = stream.is_multiple_of(3).then(|| Duration::from_millis(100));
        let call = CallEncoder::new("result").finish_on(key);
        let id = endpoint
            .core
            .request(call, waiter, wait.map(|wait| endpoint.now + wait), wait, None)
            .expect("an open channel");
        endpoint.calls.push(Call {
            id,
            completions: 0,
            expected_channel: None,
            stream,
            on: Some(channel),
            is_result: true,
        });
    }

    pub(super) fn cancel(&mut self, n: usize, call: u32) {
        let endpoint = &mut self.endpoints[n];
        let Call { id, completions, on, is_result, .. } = endpoint.calls[call as usize];
        let waiter = endpoint.core.cancel(id, None);
        assert_eq!(waiter, (completions == 0).then_some(call), "exactly a pending call is cancelled");
        if waiter.is_some() {
            endpoint.call_finished(call);
            if let Some(channel) = on.filter(|_| is_result) {
                self.abort(n, channel);
            }
        }
    }

    pub(super) fn note(&mut self, n: usize, channel: u32) {
        let endpoint = &mut self.endpoints[n];
        let channel = endpoint.channels.get_mut(&channel).expect("an open channel");
        let mut note = CallEncoder::new("note");
        note.argument(&channel.notes.0).expect("JSON");
        channel.notes.0 += 1;
        endpoint.core.emit(note.finish_on(channel.key)).expect("an open channel");
    }

    pub(super) fn settle(&mut self, n: usize, handler: u32) {
        let endpoint = &mut self.endpoints[n];
        let id = endpoint.handlers.remove(&handler).and_then(|handler| handler.id).expect("a request");
        endpoint.core.handler_finished(id, &handler);
        endpoint.send_result(id);
    }

    /// Drops a handler and closes its channel.
    pub(super) fn drop_handler(&mut self, n: usize, handler: u32) {
        let Handler { id, channel } = self.endpoints[n].handlers.remove(&handler).expect("the handler runs");
        let id = id.expect("the handler has a request");
        self.unanswered[n].remove(&id.get());
        if let Some(channel) = channel {
            self.streams[self.endpoints[n].channels[&channel].stream].interrupted = true;
            self.close(n, channel);
        }
    }
}
