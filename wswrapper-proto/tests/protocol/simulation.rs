//! Simulates two endpoints and the wires between them, and compares each with a simple model of its state.

mod action;
mod calls;
mod endpoint;
mod incoming;
mod properties;
mod streams;
mod wire;

use crate::proto::{Role, Side};
pub(crate) use action::{Action, Kind, Operation};
use endpoint::{Channel, Endpoint};
use proptest::sample::Index;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use streams::Stream;

#[derive(Default)]
pub(crate) struct Simulation {
    endpoints: Vec<Endpoint>,
    /// Frames that each endpoint has sent and the other has not received.
    wires: [VecDeque<String>; 2],
    streams: Vec<Stream>,
    /// Requests that each endpoint has received and not answered.
    unanswered: [BTreeSet<u64>; 2],
    /// Number of streams that finished after all their items were received.
    pub(crate) finished_streams: usize,
    /// Number of items that were taken.
    pub(crate) taken_items: u64,
}

impl Simulation {
    pub(crate) fn new() -> Self {
        Self { endpoints: vec![Endpoint::new(Side::Client), Endpoint::new(Side::Server)], ..Self::default() }
    }

    pub(crate) fn act(&mut self, action: &Action) {
        let Action { endpoint: n, operation, index, amount } = *action;
        match operation {
            Operation::Call(kind) => self.call(n, None, kind, amount),
            Operation::CallOn(kind) => {
                let on = self.channel(n, index, |channel| matches!(channel.role, Role::Plain));
                if let Some(on) = on {
                    self.call(n, Some(on), kind, amount);
                }
            }
            Operation::Note => {
                let channel = self.channel(n, index, |channel| channel.role == Role::Plain);
                if let Some(channel) = channel {
                    self.note(n, channel);
                }
            }
            Operation::Settle => {
                let handlers = &self.endpoints[n].handlers;
                let later: Vec<u32> =
                    handlers.iter().filter(|(_, handler)| handler.channel.is_none()).map(|(key, _)| *key).collect();
                if let Some(handler) = pick(&later, index) {
                    self.settle(n, handler);
                }
            }
            Operation::Cancel => {
                let calls: Vec<u32> = (0..).take(self.endpoints[n].calls.len()).collect();
                if let Some(call) = pick(&calls, index) {
                    self.cancel(n, call);
                }
            }
            Operation::Start => {
                let is_new = |channel: &Channel| channel.is_consumer() && !channel.started && !channel.finished;
                let channel = self.channel(n, index, is_new);
                if let Some(channel) = channel {
                    self.start(n, channel, (amount > 1).then(|| amount - 1));
                }
            }
            Operation::Take => {
                let channel = self.channel(n, index, |channel| !channel.held.is_empty());
                if let Some(channel) = channel {
                    self.take(n, channel, amount);
                }
            }
            Operation::Produce => {
                let channel = self.channel(n, index, |channel| channel.role == Role::Producer && !channel.finished);
                if let Some(channel) = channel {
                    self.produce(n, channel, amount);
                }
            }
            Operation::Abort => {
                let channel = self.channel(n, index, |_| true);
                if let Some(channel) = channel {
                    self.abort(n, channel);
                }
            }
            Operation::Close => {
                let channel = self.channel(n, index, |channel| channel.role == Role::Plain);
                if let Some(channel) = channel {
                    self.close(n, channel);
                }
            }
            Operation::AbortItems => {
                let is_upload = |channel: &Channel| {
                    channel.role == Role::Producer && channel.handler.is_none() && !channel.finished
                };
                let channel = self.channel(n, index, is_upload);
                if let Some(channel) = channel {
                    self.abort_items(n, channel);
                }
            }
            Operation::Stop => {
                let channel = self.channel(n, index, |channel| channel.is_consumer() && !channel.finished);
                if let Some(channel) = channel {
                    self.stop(n, channel);
                }
            }
            Operation::FinishUpload => {
                let channel = self.channel(n, index, |channel| channel.role == Role::Upload);
                if let Some(channel) = channel {
                    self.finish_upload(n, channel);
                }
            }
            Operation::Deliver => {
                for _ in 0..amount {
                    self.deliver(n);
                }
            }
            Operation::Advance => self.advance(Duration::from_millis(10 * u64::from(amount))),
            Operation::Disconnect => self.disconnect(),
            Operation::Connect => self.connect(),
        }
        self.transmit();
        self.endpoints.iter().for_each(Endpoint::check);
    }

    /// Runs until no endpoint makes progress, and checks that nothing is left.
    pub(crate) fn finish(&mut self) {
        self.connect();
        while self.progress() {}
        for endpoint in &mut self.endpoints {
            endpoint.check();
            assert!(endpoint.handlers.is_empty(), "every handler has finished");
            assert_eq!(
                (endpoint.core.pending_calls(), endpoint.core.running_handlers(), endpoint.core.open_channels()),
                (0, 0, 0)
            );
            assert_eq!(
                (endpoint.core.unanswered_items(), endpoint.core.is_drained(), endpoint.core.poll_timeout()),
                (0, true, None)
            );
            assert_eq!(endpoint.core.held_bytes(), 0, "no bytes of items are held");
            assert!(endpoint.calls.iter().all(|call| call.completions == 1), "each call has completed once");
            assert!(endpoint.closings.values().all(|closings| *closings == 1), "each channel has closed once");
        }
        assert!(self.unanswered.iter().all(BTreeSet::is_empty), "each request was answered: {:?}", self.unanswered);
        assert!(
            self.streams.iter().all(|stream| stream.done || stream.interrupted || !stream.open),
            "no stream is stuck"
        );
    }

    /// Runs one round at both endpoints without failures. Returns false if nothing was left to do.
    fn progress(&mut self) -> bool {
        let mut progressed = false;
        for n in [0, 1] {
            while self.deliver(n) {
                progressed = true;
            }
            for handler in self.endpoints[n].handlers.keys().copied().collect::<Vec<_>>() {
                if self.endpoints[n].handlers.get(&handler).is_some_and(|handler| handler.channel.is_none()) {
                    self.settle(n, handler);
                    progressed = true;
                }
            }
            for channel in self.endpoints[n].channels.keys().copied().collect::<Vec<_>>() {
                progressed |= self.progress_channel(n, channel);
            }
        }
        self.transmit();
        progressed
    }

    fn progress_channel(&mut self, n: usize, number: u32) -> bool {
        let Some(channel) = self.endpoints[n].channels.get(&number) else { return false };
        match channel.role {
            Role::Plain => {
                self.abort(n, number);
                true
            }
            Role::Producer => !channel.finished && self.produce(n, number, 3),
            Role::Consumer | Role::Upload if !channel.started && !channel.finished => {
                self.start(n, number, Some(2));
                true
            }
            Role::Consumer | Role::Upload if !channel.held.is_empty() => {
                self.take(n, number, 1);
                true
            }
            Role::Upload if channel.finished => self.finish_upload(n, number),
            Role::Consumer | Role::Upload => false,
        }
    }

    /// Selects a suitable channel of endpoint `n`.
    fn channel(&self, n: usize, index: Index, is_suitable: impl Fn(&Channel) -> bool) -> Option<u32> {
        let channels = &self.endpoints[n].channels;
        let all: Vec<u32> =
            channels.iter().filter(|(_, channel)| is_suitable(channel)).map(|(number, _)| *number).collect();
        pick(&all, index)
    }

    fn advance(&mut self, time: Duration) {
        for n in [0, 1] {
            let endpoint = &mut self.endpoints[n];
            endpoint.now += time;
            endpoint.core.handle_timeout(endpoint.now);
            self.poll_notifications(n);
        }
    }

    fn connect(&mut self) {
        self.endpoints.iter_mut().for_each(|endpoint| endpoint.core.open());
    }

    fn disconnect(&mut self) {
        self.streams.iter_mut().for_each(|stream| stream.interrupted = true);
        for n in [0, 1] {
            self.endpoints[n].core.close();
            self.poll_notifications(n);
            let endpoint = &mut self.endpoints[n];
            endpoint.handlers.clear();
            assert!(endpoint.channels.is_empty() && endpoint.calls.iter().all(|call| call.completions == 1));
            assert_eq!(
                (endpoint.core.unanswered_items(), endpoint.core.is_drained(), endpoint.core.poll_timeout()),
                (0, true, None)
            );
        }
        (self.wires, self.unanswered) = Default::default();
    }
}

/// Selects one element, or returns `None` if there is none.
fn pick(all: &[u32], index: Index) -> Option<u32> {
    (!all.is_empty()).then(|| *index.get(all))
}
