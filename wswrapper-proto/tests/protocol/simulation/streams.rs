//! Streams, and the closing of channels.

use super::Simulation;
use super::endpoint::Channel;
use crate::proto::{Allowance, AwaitedResult, Rejection, Role, encode};

/// The state of a stream at both endpoints together.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) total: u64,
    pub(super) window: Option<u32>,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) taken: u64,
    /// True if a consumer exists.
    pub(super) open: bool,
    /// True if the consumer has received `done`.
    pub(super) done: bool,
    /// True if an endpoint stopped the stream before its last item.
    pub(super) interrupted: bool,
}

impl Simulation {
    pub(super) fn start(&mut self, n: usize, number: u32, window: Option<u32>) {
        let endpoint = &mut self.endpoints[n];
        let channel = endpoint.channels.get_mut(&number).expect("an open channel");
        channel.started = true;
        self.streams[channel.stream].window = window;
        assert!(endpoint.core.consumer(channel.key).start(window));
    }

    pub(super) fn take(&mut self, n: usize, number: u32, items: u32) {
        let endpoint = &mut self.endpoints[n];
        let channel = endpoint.channels.get_mut(&number).expect("an open channel");
        let items = channel.held.len().min(items as usize);
        let bytes = channel.held.drain(..items).sum();
        self.streams[channel.stream].taken += items as u64;
        self.taken_items += items as u64;
        endpoint.core.consumer(channel.key).take(u32::try_from(items).expect("the number of items is small"), bytes);
    }

    /// Sends up to `items` items. Returns true if anything was sent.
    pub(super) fn produce(&mut self, n: usize, number: u32, items: u32) -> bool {
        let mut sent = false;
        for _ in 0..items {
            let endpoint = &mut self.endpoints[n];
            let Some(channel) = endpoint.channels.get_mut(&number).filter(|channel| !channel.finished) else { break };
            let (key, stream) = (channel.key, &mut self.streams[channel.stream]);
            let allowance = endpoint.core.producer(key).allowance();
            if stream.sent == stream.total && allowance != Allowance::Idle {
                channel.finished = true;
                let closes = channel.handler.is_some();
                endpoint.respond(|out| encode::done(out, key.id(), 0));
                if closes {
                    assert_eq!(endpoint.core.close_channel(key), Some(number));
                    endpoint.channel_closed(number);
                    self.poll_notifications(n);
                }
                return true;
            }
            let request = match allowance {
                Allowance::Items(_) => None,
                Allowance::OneRequest => Some(endpoint.core.producer(key).item_request().expect("an open channel")),
                Allowance::Idle | Allowance::Blocked => break,
                Allowance::Closed => panic!("the channel is open"),
            };
            if request.is_none() {
                endpoint.core.producer(key).sent(1);
            }
            let value = stream.sent;
            endpoint.respond(|out| encode::item(out, key.id(), request, 0, &value).expect("JSON"));
            stream.sent += 1;
            let ahead = stream.sent - stream.taken;
            assert!(ahead <= u64::from(stream.window.unwrap_or(1)), "{ahead} items ahead: {:?}", stream.window);
            sent = true;
        }
        sent
    }

    pub(super) fn abort(&mut self, n: usize, number: u32) {
        let endpoint = &mut self.endpoints[n];
        let key = endpoint.channels[&number].key;
        assert_eq!(endpoint.core.abort_channel(key, None), Some(number));
        let channel = endpoint.channel_closed(number);
        self.streams[channel.stream].interrupted = true;
        self.poll_notifications(n);
    }

    pub(super) fn stop(&mut self, n: usize, number: u32) {
        let endpoint = &mut self.endpoints[n];
        let channel = endpoint.channels.get_mut(&number).expect("an open channel");
        channel.finished = true;
        let (key, role) = (channel.key, channel.role);
        self.streams[channel.stream].interrupted = true;
        endpoint.discard(number);
        endpoint.core.consumer(key).stop(None);
        if role == Role::Consumer {
            endpoint.channel_closed(number);
            self.poll_notifications(n);
        }
    }

    pub(super) fn close(&mut self, n: usize, number: u32) {
        let endpoint = &mut self.endpoints[n];
        let key = endpoint.channels[&number].key;
        assert_eq!(endpoint.core.close_channel(key), Some(number));
        endpoint.channel_closed(number);
        self.poll_notifications(n);
    }

    pub(super) fn abort_items(&mut self, n: usize, number: u32) {
        let endpoint = &mut self.endpoints[n];
        let channel = endpoint.channels.get_mut(&number).expect("an open channel");
        channel.finished = true;
        self.streams[channel.stream].interrupted = true;
        endpoint.core.producer(channel.key).abort_items(&Rejection::new("no more"));
    }

    /// Responds to an upload and closes its channel. Returns false if the result was not requested yet.
    pub(super) fn finish_upload(&mut self, n: usize, number: u32) -> bool {
        let endpoint = &mut self.endpoints[n];
        let Channel { key, stream, finished: is_done, .. } = endpoint.channels[&number];
        match endpoint.core.consumer(key).awaited_result() {
            AwaitedResult::Request(id) => endpoint.send_result(id),
            AwaitedResult::Never => assert!(is_done),
            AwaitedResult::NotYet => return false,
        }
        self.streams[stream].interrupted |= !is_done;
        self.close(n, number);
        true
    }
}
