//! The anonymous channels of a scenario's peer, and the consuming side of streams on them.

use super::peer::{Invocation, Peer, Unvalidated, thrown};
use super::scenario::{Action, Handler, Scenario, Thrown};
use crate::proto::{Call, ChannelKey, ExpectedChannel, Item, Rejection, RequestId, Role, encode};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet, VecDeque};

pub(super) type Incoming<'f, 's> = crate::proto::Incoming<'f, &'s str, Invocation, String>;

/// Channels by their names. `in:7` is the response of a handler to request 7, `out:r1` the response to call `r1`.
pub(super) struct AnonymousChannels<'s> {
    keys: HashMap<String, ChannelKey>,
    handlers: HashMap<String, &'s [Handler]>,
    /// Names of the channels that the scenario reads as streams.
    iterated: HashSet<&'s str>,
    streams: HashMap<String, Stream<'s>>,
    /// The channel of each iterator.
    iterators: HashMap<&'s str, &'s str>,
}

/// A stream's received items, and the reads that wait for more.
#[derive(Default)]
struct Stream<'s> {
    started: bool,
    held: VecDeque<Value>,
    waiting: VecDeque<&'s str>,
    /// Returned by each read after the stream has finished.
    finish_item: Option<Value>,
}

impl<'s> AnonymousChannels<'s> {
    pub(super) fn of(scenario: &'s Scenario) -> Self {
        let mut handlers: HashMap<String, &'s [Handler]> = HashMap::new();
        let mut iterated = HashSet::new();
        for step in &scenario.steps {
            match &step.action {
                Action::Call(request) => drop(handlers.insert(channel_of_call(&request.id), &request.on_channel)),
                Action::IterNew(iter) => drop(iterated.insert(&*iter.channel)),
                _ => {}
            }
        }
        Self { keys: HashMap::new(), handlers, iterated, streams: HashMap::new(), iterators: HashMap::new() }
    }

    pub(super) fn key(&self, channel: &str) -> ChannelKey {
        self.keys[channel]
    }

    /// Returns the channel to expect in the response to a call.
    pub(super) fn expected_channel(&self, call: &str) -> ExpectedChannel<String> {
        let state = channel_of_call(call);
        let role = if self.iterated.contains(&*state) { Role::Consumer } else { Role::Plain };
        ExpectedChannel { role, state }
    }
}

/// Returns the name of the channel in the response to a call.
fn channel_of_call(call: &str) -> String {
    format!("out:{call}")
}

impl<'s> Peer<'s> {
    /// Responds to request `id` with a channel that has these handlers.
    pub(super) fn respond_with_channel(&mut self, id: Option<RequestId>, handlers: &'s [Handler]) {
        let Some(id) = id else { return };
        let channel = format!("in:{id}");
        let key = self.connection.open_channel(id, Role::Plain, channel.clone()).expect("a free number");
        self.anonymous.keys.insert(channel.clone(), key);
        self.anonymous.handlers.insert(channel, handlers);
        let mut frame = Vec::new();
        encode::channel(&mut frame, id);
        self.send_response(&frame);
    }

    /// Records the channel that the peer opened in response to a call, and returns its name.
    pub(super) fn channel_opened(&mut self, call: &str, key: ChannelKey) -> String {
        let channel = channel_of_call(call);
        self.anonymous.keys.insert(channel.clone(), key);
        if self.anonymous.iterated.contains(&*channel) {
            self.anonymous.streams.insert(channel.clone(), Stream::default());
        }
        channel
    }

    pub(super) fn serve_on(&mut self, channel: &str, call: Call<'_>) -> Result<(), Unvalidated> {
        let handlers = self.anonymous.handlers[channel];
        let handler = handlers.iter().find(|handler| handler.event == call.event);
        self.serve_with(handler.map(|handler| (handler, format!("{channel}/{}", handler.event))), true, call)
    }

    pub(super) fn abort_channel(&mut self, channel: &str, reason: Option<&Thrown>) {
        let reason = reason.map(Thrown::to_reason);
        if let Some(channel) = self.connection.abort_channel(self.anonymous.key(channel), reason.as_ref()) {
            self.channel_closed(&channel, reason.as_ref());
        }
    }

    pub(super) fn close_channel(&mut self, channel: &str) {
        if let Some(channel) = self.connection.close_channel(self.anonymous.key(channel)) {
            self.channel_closed(&channel, None);
        }
    }

    pub(super) fn channel_closed(&mut self, channel: &str, reason: Option<&Rejection>) {
        let mut closed = json!({ "channel": channel });
        if let Some(reason) = reason {
            let (key, value) = thrown(reason);
            closed["reason"] = json!({ key: value });
        }
        self.effects.push(json!({ "channel_closed": closed }));
        self.finish_stream(channel, &json!({ "error": "the channel is closed" }));
    }

    pub(super) fn create_iterator(&mut self, iterator: &'s str, channel: &'s str) {
        assert_eq!(self.anonymous.iterators.insert(iterator, channel), None);
    }

    pub(super) fn next(&mut self, iterator: &str, name: &'s str) {
        let channel = self.anonymous.iterators[iterator];
        let stream = self.anonymous.streams.get_mut(channel).expect("a stream");
        stream.waiting.push_back(name);
        if !std::mem::replace(&mut stream.started, true) {
            // No window, because the recorded producers do not use credit.
            self.connection.consumer(self.anonymous.key(channel)).start(None);
        }
        self.deliver(channel);
    }

    pub(super) fn stop(&mut self, iterator: &str) {
        self.abort_channel(self.anonymous.iterators[iterator], None);
    }

    pub(super) fn item(&mut self, channel: &str, item: &Item<'_>) {
        let mut seen = Map::from_iter([("done".to_owned(), item.done.into())]);
        let value = item.value.map(|json| serde_json::from_str(json).expect("JSON"));
        seen.extend(value.map(|value| ("value".to_owned(), value)));
        if item.done {
            self.finish_stream(channel, &seen.into());
        } else {
            self.anonymous.streams.get_mut(channel).expect("a stream").held.push_back(seen.into());
            self.deliver(channel);
        }
    }

    pub(super) fn overflow(&mut self, channel: &str) {
        self.finish_stream(channel, &json!({ "error": "too many items" }));
    }

    fn finish_stream(&mut self, channel: &str, finish_item: &Value) {
        if let Some(stream) = self.anonymous.streams.get_mut(channel) {
            stream.finish_item.get_or_insert_with(|| finish_item.clone());
            self.deliver(channel);
        }
    }

    /// Passes received items to waiting reads.
    fn deliver(&mut self, channel: &str) {
        let stream = self.anonymous.streams.get_mut(channel).expect("a stream");
        while !stream.waiting.is_empty()
            && let Some(mut item) = stream.held.pop_front().or_else(|| stream.finish_item.clone())
        {
            let bytes = item.get("value").map_or(0, |value| value.to_string().len());
            self.connection.consumer(self.anonymous.keys[channel]).take(1, bytes);
            item["as"] = stream.waiting.pop_front().into();
            self.effects.push(json!({ "item": item }));
        }
    }
}
