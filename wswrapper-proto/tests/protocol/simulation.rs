//! Two ends and the wires between them, beside a plain account of what each must know.

mod action;
mod calls;
mod endpoint;
mod incoming;
mod properties;
mod streams;
mod wire;

use crate::proto::{Role, Side};
pub(crate) use action::{Action, Kind, What};
use endpoint::{Channel, End};
use proptest::sample::Index;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use streams::Stream;

#[derive(Default)]
pub(crate) struct Simulation {
    ends: Vec<End>,
    /// What each end has sent and the other has not got.
    wires: [VecDeque<String>; 2],
    streams: Vec<Stream>,
    /// The requests that each end has got and has not answered.
    asked: [BTreeSet<u64>; 2],
    /// How many streams came to their end with all that was sent.
    pub(crate) finished: usize,
    /// How many items were taken.
    pub(crate) taken: u64,
}

impl Simulation {
    pub(crate) fn new() -> Self {
        Self { ends: vec![End::new(Side::Client), End::new(Side::Server)], ..Self::default() }
    }

    pub(crate) fn act(&mut self, action: &Action) {
        let Action { end: n, what, which, amount } = *action;
        match what {
            What::Call(kind) => self.call(n, None, kind, amount),
            What::CallOn(kind) => {
                let on = self.channel(n, which, |channel| matches!(channel.role, Role::Plain));
                if let Some(on) = on {
                    self.call(n, Some(on), kind, amount);
                }
            }
            What::Note => {
                let channel = self.channel(n, which, |channel| channel.role == Role::Plain);
                if let Some(channel) = channel {
                    self.note(n, channel);
                }
            }
            What::Settle => {
                let handlers = &self.ends[n].handlers;
                let later: Vec<u32> =
                    handlers.iter().filter(|(_, handler)| handler.channel.is_none()).map(|(key, _)| *key).collect();
                if let Some(handler) = one(&later, which) {
                    self.settle(n, handler);
                }
            }
            What::Cancel => {
                let calls: Vec<u32> = (0..).take(self.ends[n].calls.len()).collect();
                if let Some(call) = one(&calls, which) {
                    self.cancel(n, call);
                }
            }
            What::Start => {
                let is_new = |channel: &Channel| channel.is_consumer() && !channel.started && !channel.ended;
                let channel = self.channel(n, which, is_new);
                if let Some(channel) = channel {
                    self.start(n, channel, (amount > 1).then(|| amount - 1));
                }
            }
            What::Take => {
                let channel = self.channel(n, which, |channel| !channel.held.is_empty());
                if let Some(channel) = channel {
                    self.take(n, channel, amount);
                }
            }
            What::Produce => {
                let channel = self.channel(n, which, |channel| channel.role == Role::Producer && !channel.ended);
                if let Some(channel) = channel {
                    self.produce(n, channel, amount);
                }
            }
            What::Abort => {
                let channel = self.channel(n, which, |_| true);
                if let Some(channel) = channel {
                    self.abort(n, channel);
                }
            }
            What::Close => {
                let channel = self.channel(n, which, |channel| channel.role == Role::Plain);
                if let Some(channel) = channel {
                    self.close(n, channel);
                }
            }
            What::AbortItems => {
                let is_upload =
                    |channel: &Channel| channel.role == Role::Producer && channel.handler.is_none() && !channel.ended;
                let channel = self.channel(n, which, is_upload);
                if let Some(channel) = channel {
                    self.abort_items(n, channel);
                }
            }
            What::Leave => {
                let channel = self.channel(n, which, |channel| channel.is_consumer() && !channel.ended);
                if let Some(channel) = channel {
                    self.leave(n, channel);
                }
            }
            What::AnswerUpload => {
                let channel = self.channel(n, which, |channel| channel.role == Role::Upload);
                if let Some(channel) = channel {
                    self.answer_upload(n, channel);
                }
            }
            What::Deliver => {
                for _ in 0..amount {
                    self.deliver(n);
                }
            }
            What::Advance => self.advance(Duration::from_millis(10 * u64::from(amount))),
            What::Disconnect => self.disconnect(),
            What::Connect => self.connect(),
        }
        self.transmit();
        self.ends.iter().for_each(End::check);
    }

    /// Lets everything come to its end: nothing may be left.
    pub(crate) fn finish(&mut self) {
        self.connect();
        while self.go_on() {}
        for end in &mut self.ends {
            end.check();
            assert!(end.handlers.is_empty(), "every handler has ended");
            assert_eq!((end.core.pending_calls(), end.core.running_handlers(), end.core.open_channels()), (0, 0, 0));
            assert_eq!((end.core.unanswered_items(), end.core.is_drained(), end.core.poll_timeout()), (0, true, None));
            assert_eq!(end.core.held_bytes(), 0, "no byte of an item is held");
            assert!(end.calls.iter().all(|call| call.ends == 1), "each call has ended once");
            assert!(end.ends.values().all(|ends| *ends == 1), "each channel came back once");
        }
        assert!(self.asked.iter().all(BTreeSet::is_empty), "each request was answered: {:?}", self.asked);
        assert!(self.streams.iter().all(|stream| stream.done || stream.cut || !stream.open), "no stream is stuck");
    }

    /// One more round of what the programs at both ends do if they neither fail nor give up.
    fn go_on(&mut self) -> bool {
        let mut went_on = false;
        for n in [0, 1] {
            while self.deliver(n) {
                went_on = true;
            }
            for handler in self.ends[n].handlers.keys().copied().collect::<Vec<_>>() {
                if self.ends[n].handlers.get(&handler).is_some_and(|handler| handler.channel.is_none()) {
                    self.settle(n, handler);
                    went_on = true;
                }
            }
            for channel in self.ends[n].channels.keys().copied().collect::<Vec<_>>() {
                went_on |= self.channel_goes_on(n, channel);
            }
        }
        self.transmit();
        went_on
    }

    fn channel_goes_on(&mut self, n: usize, number: u32) -> bool {
        let Some(channel) = self.ends[n].channels.get(&number) else { return false };
        match channel.role {
            Role::Plain => {
                self.abort(n, number);
                true
            }
            Role::Producer => !channel.ended && self.produce(n, number, 3),
            Role::Consumer | Role::Upload if !channel.started && !channel.ended => {
                self.start(n, number, Some(2));
                true
            }
            Role::Consumer | Role::Upload if !channel.held.is_empty() => {
                self.take(n, number, 1);
                true
            }
            Role::Upload if channel.ended => self.answer_upload(n, number),
            Role::Consumer | Role::Upload => false,
        }
    }

    /// One of an end's channels.
    fn channel(&self, n: usize, which: Index, can: impl Fn(&Channel) -> bool) -> Option<u32> {
        let channels = &self.ends[n].channels;
        let all: Vec<u32> = channels.iter().filter(|(_, channel)| can(channel)).map(|(number, _)| *number).collect();
        one(&all, which)
    }

    fn advance(&mut self, time: Duration) {
        for n in [0, 1] {
            let end = &mut self.ends[n];
            end.now += time;
            end.core.handle_timeout(end.now);
            self.poll_notifications(n);
        }
    }

    fn connect(&mut self) {
        self.ends.iter_mut().for_each(|end| end.core.open());
    }

    fn disconnect(&mut self) {
        self.streams.iter_mut().for_each(|stream| stream.cut = true);
        for n in [0, 1] {
            self.ends[n].core.close();
            self.poll_notifications(n);
            let end = &mut self.ends[n];
            end.handlers.clear();
            assert!(end.channels.is_empty() && end.calls.iter().all(|call| call.ends == 1));
            assert_eq!((end.core.unanswered_items(), end.core.is_drained(), end.core.poll_timeout()), (0, true, None));
        }
        (self.wires, self.asked) = Default::default();
    }
}

/// One of these, if there are any.
fn one(all: &[u32], which: Index) -> Option<u32> {
    (!all.is_empty()).then(|| *which.get(all))
}
