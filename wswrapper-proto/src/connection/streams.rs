//! The two ends of a stream on an anonymous channel [P-80], uploads among them.

use super::channel_table::{Channel, Stream};
use super::consumer::{Consumer, Due, Overflow, Upload, UploadItems};
use super::producer::Allowance;
use super::{Connection, Incoming};
use crate::codec::stream;
use crate::{Call, ChannelKey, ITEM_BYTES, Item, Reason, Rejection, RequestId, Scope, encode};

/// Where the result of an upload goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AwaitedResult {
    /// To this request.
    Request(RequestId),
    /// The caller has not asked for it yet.
    NotYet,
    /// Nowhere: the caller has ended its items without asking.
    Never,
}

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

    /// Ends the items of an upload with an error [P-86]; its channel stays for the result.
    pub fn abort_items(&mut self, channel: ChannelKey, reason: &Reason) {
        if let Some(producer) = self.channels.producer(channel) {
            producer.end();
            self.send(|out| encode::abort(out, channel.id(), Some(reason)));
        }
    }

    /// Asks a stream's producer for the first items, with this much credit ahead; with none it sends without flow control
    /// [P-80, X-02]. False if the channel has ended.
    pub fn start(&mut self, channel: ChannelKey, window: Option<u32>) -> bool {
        let Some(consumer) = self.channels.consumer(channel) else { return false };
        if let Some(window) = window {
            consumer.start(window);
            self.send(|out| encode::credit(out, channel.id(), window));
        }
        self.send(|out| encode::start(out, channel.id()));
        true
    }

    /// Items of a stream were taken, of so many bytes, be it after its end: gives credit and answers for them when that is
    /// due. True if so.
    pub fn take(&mut self, channel: ChannelKey, items: u32, bytes: usize) -> bool {
        self.discard(bytes + items as usize * ITEM_BYTES);
        let Some(consumer) = self.channels.consumer(channel) else { return false };
        let Due { credit, answers } = consumer.take(items);
        let due = credit.is_some() || !answers.is_empty();
        for id in answers {
            self.send(|out| encode::nothing(out, id));
        }
        if let Some(credit) = credit {
            self.send(|out| encode::credit(out, channel.id(), credit));
        }
        due
    }

    /// So many bytes of items that came, and [`ITEM_BYTES`] for each, are dropped and will never be taken.
    pub fn discard(&mut self, bytes: usize) {
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
    }

    /// Bytes of items that came and were neither taken nor discarded, and [`ITEM_BYTES`] for each.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Nobody takes a stream's items any more: it is [aborted](Self::abort_channel), but for an upload, whose channel stays
    /// for the result. True if something is to be sent.
    pub fn leave(&mut self, channel: ChannelKey, reason: Option<&Reason>) -> bool {
        let Some(Consumer { upload: Some(upload), .. }) = self.channels.consumer(channel) else {
            return self.abort_channel(channel, reason).is_some();
        };
        if upload.items == UploadItems::Taken {
            upload.items = UploadItems::Unwanted;
        }
        let Some(consumer) = self.channels.consumer(channel) else { return false };
        let unanswered = consumer.end();
        let left = !unanswered.is_empty();
        for id in unanswered {
            self.reject_item(channel, id);
        }
        left
    }

    /// What a stream's producer may send now.
    pub fn allowance(&self, channel: ChannelKey) -> Allowance {
        match self.channels.get(channel).map(|channel| &channel.stream) {
            Some(Stream::Producer(producer)) => producer.allowance(),
            _ => Allowance::Gone,
        }
    }

    /// The first credit of a stream that has started: how far its producer may go ahead.
    pub fn window(&self, channel: ChannelKey) -> Option<u32> {
        match &self.channels.get(channel)?.stream {
            Stream::Producer(producer) => producer.window(),
            _ => None,
        }
    }

    /// So many items were sent as events.
    pub fn sent(&mut self, channel: ChannelKey, items: u32) {
        if let Some(producer) = self.channels.producer(channel) {
            producer.sent(items);
        }
    }

    /// The id for an item that is sent as a request [P-85]; none if the channel has ended.
    pub fn item_request(&mut self, channel: ChannelKey) -> Option<RequestId> {
        let producer = self.channels.producer(channel)?;
        let id = self.ids.next();
        producer.unanswered = Some(id);
        self.channels.ask(id, channel);
        Some(id)
    }

    /// The request that waits for the result of an upload.
    pub fn awaited_result(&self, channel: ChannelKey) -> AwaitedResult {
        let Some(Stream::Consumer(consumer)) = self.channels.get(channel).map(|channel| &channel.stream) else {
            return AwaitedResult::Never;
        };
        match &consumer.upload {
            Some(Upload { result: Some(id), .. }) => AwaitedResult::Request(*id),
            Some(Upload { items: UploadItems::Taken | UploadItems::Unwanted, .. }) => AwaitedResult::NotYet,
            _ => AwaitedResult::Never,
        }
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
        if self.awaited_result(key) == AwaitedResult::Never {
            Incoming::Resumed(end, runner)
        } else {
            Incoming::Nothing
        }
    }

    /// Whoever sends an item as a request learns that nobody takes it, and waits [P-85].
    fn reject_item(&mut self, key: ChannelKey, id: RequestId) {
        let rejection = Rejection::no_listener(stream::NEXT, &Scope::Anonymous(key.id()), true);
        self.send(|out| encode::rejection(out, id, &rejection));
    }

    /// Nothing more comes; the channel of an upload stays until its result is sent.
    fn end_stream(&mut self, key: ChannelKey) {
        match self.channels.consumer(key) {
            Some(Consumer { upload: Some(upload), .. }) => upload.items = UploadItems::Ended,
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
