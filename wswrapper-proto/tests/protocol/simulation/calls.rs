//! Calls, and the handlers that answer them.

use super::Simulation;
use super::action::Kind;
use super::endpoint::{Call, Handler};
use super::streams::Stream;
use crate::proto::{CallEncoder, ExpectedChannel};
use std::time::Duration;

impl Simulation {
    pub(super) fn call(&mut self, n: usize, on: Option<u32>, kind: Kind, amount: u32) {
        let stream = self.streams.len();
        let end = &mut self.ends[n];
        let mut call = CallEncoder::new(kind.name());
        call.argument(&stream).expect("JSON");
        let call = match on {
            Some(on) => call.finish_on(end.channels[&on].key),
            None => call.finish(None),
        };
        let opens = kind.opens().map(|role| ExpectedChannel { role, state: end.number() });
        let wait = amount.is_multiple_of(3).then(|| Duration::from_millis(u64::from(amount) * 20 + 5));
        let waiter = u32::try_from(end.calls.len()).expect("few");
        let sent = end.core.request(call, waiter, wait.map(|wait| end.now + wait), wait, opens.clone());
        assert_eq!(sent.is_ok(), end.core.is_open());
        if let Ok(id) = sent {
            end.calls.push(Call { id, ends: 0, opens, stream, on, is_result: false });
            let total = u64::from(amount * amount);
            self.streams.push(Stream { total, ..Stream::default() });
        }
    }

    /// The caller of an upload waits for its result.
    pub(super) fn request_result(&mut self, n: usize, channel: u32, stream: usize) {
        let end = &mut self.ends[n];
        let key = end.channels[&channel].key;
        let waiter = u32::try_from(end.calls.len()).expect("few");
        let wait = stream.is_multiple_of(3).then(|| Duration::from_millis(100));
        let call = CallEncoder::new("result").finish_on(key);
        let id = end.core.request(call, waiter, wait.map(|wait| end.now + wait), wait, None).expect("an open channel");
        end.calls.push(Call { id, ends: 0, opens: None, stream, on: Some(channel), is_result: true });
    }

    pub(super) fn cancel(&mut self, n: usize, call: u32) {
        let end = &mut self.ends[n];
        let Call { id, ends, on, is_result, .. } = end.calls[call as usize];
        let waiter = end.core.cancel(id, None);
        assert_eq!(waiter, (ends == 0).then_some(call), "what was pending ends");
        if waiter.is_some() {
            end.call_ended(call);
            if let Some(channel) = on.filter(|_| is_result) {
                self.abort(n, channel);
            }
        }
    }

    pub(super) fn note(&mut self, n: usize, channel: u32) {
        let end = &mut self.ends[n];
        let channel = end.channels.get_mut(&channel).expect("an open channel");
        let mut note = CallEncoder::new("note");
        note.argument(&channel.notes.0).expect("JSON");
        channel.notes.0 += 1;
        end.core.emit(note.finish_on(channel.key)).expect("an open channel");
    }

    pub(super) fn settle(&mut self, n: usize, handler: u32) {
        let end = &mut self.ends[n];
        let id = end.handlers.remove(&handler).and_then(|handler| handler.id).expect("a request");
        end.core.handler_finished(id, &handler);
        end.answer(id);
    }

    /// A handler is dropped, and its channel with it.
    pub(super) fn handler_dropped(&mut self, n: usize, handler: u32) {
        let Handler { id, channel } = self.ends[n].handlers.remove(&handler).expect("it runs");
        let id = id.expect("it was to answer");
        self.asked[n].remove(&id.get());
        if let Some(channel) = channel {
            self.streams[self.ends[n].channels[&channel].stream].cut = true;
            self.close(n, channel);
        }
    }
}
