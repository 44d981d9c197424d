//! The two ends of a stream on an anonymous channel [P-80], uploads among them.

use super::channel_table::{Channel, Stream};
use super::consumer::{AwaitedResult, ConsumerState, Overflow, UploadItems};
use super::{Connection, Incoming};
use crate::codec::stream;
use crate::{Call, ChannelKey, ITEM_BYTES, Item, Reason, Rejection, RequestId, Scope, encode};

impl<W, R: Clone + PartialEq, C: Clone> Connection<W, R, C> {
    /// Whether a frame on this channel is for a stream's end and not for a handler.
    pub fn is_streams(&self, channel: RequestId, event: &str) -> bool {
        let found = self.channels.find(channel, &self.ids);
        match found.and_then(|key| self.channels.get(key)).map(|channel| &channel.stream) {
            Some(Stream::Producer(_)) => matches!(event, stream::START | stream::CREDIT),
            Some(Stream::Consumer(consumer)) => {
                event == stream::NEXT || (event == stream::RESULT && consumer.upload.is_some())
            }
            Some(Stream::None) | None => false,
        }
    }

    /// So many bytes of items that came, and [`ITEM_BYTES`] for each, are dropped and will never be taken.
    pub fn discard(&mut self, bytes: usize) {
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
    }

    /// Bytes of items that came and were neither taken nor discarded, and [`ITEM_BYTES`] for each.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// What a stream's end sends as an event may come as a request [P-80].
    pub(super) fn answer_if_request(&mut self, call: &Call<'_>) {
        if let Some(id) = call.id {
            self.send(|out| encode::nothing(out, id));
        }
    }

    pub(super) fn item<'f>(
        &mut self,
        key: ChannelKey,
        end: C,
        id: Option<RequestId>,
        item: Item<'f>,
    ) -> Incoming<'f, W, R, C> {
        let Some(consumer) = self.channels.consumer(key) else { return Incoming::Nothing };
        if item.done {
            // Whatever was not answered yet: the producer waits for nothing any more.
            let answers: Vec<_> = consumer.end().into_iter().chain(id).collect();
            for id in answers {
                self.send(|out| encode::nothing(out, id));
            }
            self.end_stream(key);
            return Incoming::Item(end, item);
        }
        let held_bytes = self.held_bytes + item.value.map_or(0, str::len) + ITEM_BYTES;
        match consumer.receive(id, &self.bounds) {
            Ok(()) if held_bytes <= self.bounds.stream_bytes => {
                self.held_bytes = held_bytes;
                Incoming::Item(end, item)
            }
            Ok(()) | Err(Overflow) => {
                let reason = Reason::new("The consumer is too slow and its buffer is full");
                self.send(|out| encode::abort(out, key.id(), Some(&reason)));
                self.end_stream(key);
                Incoming::Overflow(end)
            }
        }
    }

    /// An item that the handler of an upload does not take any more.
    pub(super) fn unwanted_item<'f>(
        &mut self,
        key: ChannelKey,
        call: &Call<'f>,
        (end, runner): (C, Option<R>),
    ) -> Incoming<'f, W, R, C> {
        let Some(item) = Item::read(&call.arguments) else { return Incoming::NotJson };
        match call.id {
            Some(id) if item.done => self.send(|out| encode::nothing(out, id)),
            Some(id) => self.reject_item(key, id),
            None => {}
        }
        if !item.done {
            return Incoming::Nothing;
        }
        self.end_stream(key);
        // Its handler may be done too, and wait for the request that asks for its result.
        if self.consumer(key).awaited_result() == AwaitedResult::Never {
            Incoming::Resumed(end, runner)
        } else {
            Incoming::Nothing
        }
    }

    /// Whoever sends an item as a request learns that nobody takes it, and waits [P-85].
    pub(super) fn reject_item(&mut self, key: ChannelKey, id: RequestId) {
        let rejection = Rejection::no_listener(stream::NEXT, &Scope::Anonymous(key.id()), true);
        self.send(|out| encode::rejection(out, id, &rejection));
    }

    /// Nothing more comes; the channel of an upload stays until its result is sent.
    fn end_stream(&mut self, key: ChannelKey) {
        match self.channels.consumer(key) {
            Some(ConsumerState { upload: Some(upload), .. }) => upload.items = UploadItems::Ended,
            _ => drop(self.end_channel(key)),
        }
    }

    /// The consumer has answered an item that was sent as a request.
    pub(super) fn item_answered<'f>(&mut self, key: ChannelKey, taken: bool) -> Incoming<'f, W, R, C> {
        match self.channels.get_mut(key) {
            Some(Channel { stream: Stream::Producer(producer), end, runner, .. }) => {
                producer.answered(taken);
                Incoming::Resumed(end.clone(), runner.clone())
            }
            _ => Incoming::Nothing,
        }
    }
}
