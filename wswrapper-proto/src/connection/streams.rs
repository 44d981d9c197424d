//! Messages of streams on anonymous channels [P-80], including uploads.

use super::channel_table::{Channel, Stream};
use super::channels::Removed;
use super::consumer::AwaitedResult;
use super::flow_control::{ConsumerState, Received, TooManyItems};
use super::upload::UploadItems;
use super::{Connection, Incoming};
use crate::code;
use crate::codec::stream;
use crate::{Address, Call, ChannelKey, ITEM_OVERHEAD, Item, Reason, Rejection, RequestId, StreamBound, encode};

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// Returns true if `event` on this channel belongs to its stream and is not for a handler.
    pub fn is_stream_message(&self, channel: RequestId, event: &str) -> bool {
        let found = self.channels.find(channel, &self.ids);
        match found.and_then(|key| self.channels.get(key)).map(|channel| &channel.stream) {
            Some(Stream::Producer(_)) => matches!(event, stream::START | stream::CREDIT),
            Some(Stream::Consumer(consumer)) => {
                event == stream::NEXT || (event == stream::RESULT && consumer.upload.is_some())
            }
            Some(Stream::None) | None => false,
        }
    }

    /// Releases `bytes` of items that were dropped and will never be taken, [`ITEM_OVERHEAD`] included.
    pub fn discard(&mut self, bytes: usize) {
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
    }

    /// Returns the bytes of items that were neither taken nor discarded, plus [`ITEM_OVERHEAD`] for each.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Responds to a message of a stream that the peer has sent as a request [P-80].
    pub(super) fn answer_if_request(&mut self, call: &Call<'_>) {
        if let Some(id) = call.id {
            self.send(|out| encode::empty_result(out, id));
        }
    }

    /// Handles an item or the end of a stream.
    pub(super) fn item<'f>(
        &mut self,
        key: ChannelKey,
        state: C,
        id: Option<RequestId>,
        item: Item<'f>,
    ) -> Incoming<'f, W, H, C> {
        let Some(consumer) = self.channels.consumer(key) else { return Incoming::Nothing };
        if item.done {
            // All remaining items are taken: the producer waits for none of them.
            let answers: Vec<_> = consumer.finish().into_iter().chain(id).collect();
            for id in answers {
                self.send(|out| encode::empty_result(out, id));
            }
            let _ = self.finish_stream(key);
            return Incoming::Item(state, item);
        }
        let held_bytes = self.held_bytes + item.value.map_or(0, str::len) + ITEM_OVERHEAD;
        let bound = match consumer.receive(id, held_bytes, &self.bounds) {
            Ok(Received::WithCredit) => Ok(self.bounds.stream_bytes.saturating_mul(8)),
            Ok(Received::WithoutCredit) => Ok(self.bounds.stream_bytes),
            Err(TooManyItems) => Err(StreamBound::Items),
        };
        match bound {
            Ok(bytes) if held_bytes <= bytes => {
                self.held_bytes = held_bytes;
                Incoming::Item(state, item)
            }
            bound => {
                let reason = Reason::new("The consumer is too slow and its buffer is full").with_code(code::TOO_MANY);
                self.send(|out| encode::abort(out, key.id(), Some(&reason)));
                match self.finish_stream(key) {
                    Some(removed) => self.reject_unanswered(&removed, || reason),
                    // The earlier items of an upload are still taken.
                    None => {
                        if let Some(id) = id.filter(|id| self.forget_last_item(key, *id)) {
                            self.send(|out| encode::rejection(out, id, &reason));
                        }
                    }
                }
                Incoming::Overflow(state, bound.err().unwrap_or(StreamBound::Bytes))
            }
        }
    }

    /// Handles an item that the handler of an upload does not take any more.
    pub(super) fn unwanted_item<'f>(
        &mut self,
        key: ChannelKey,
        call: &Call<'f>,
        (state, handler): (C, Option<H>),
    ) -> Incoming<'f, W, H, C> {
        let Some(item) = Item::read(&call.arguments) else { return Incoming::NotJson };
        match call.id {
            Some(id) if item.done => self.send(|out| encode::empty_result(out, id)),
            Some(id) => self.reject_item(key, id),
            None => {}
        }
        if !item.done {
            return Incoming::Nothing;
        }
        let _ = self.finish_stream(key);
        // Its handler may have finished and wait for a request for its result, which will not come.
        if self.consumer(key).awaited_result() == AwaitedResult::Never {
            Incoming::Resumed(state, handler)
        } else {
            Incoming::Nothing
        }
    }

    /// Rejects an item that came as a request, so that the producer sends no more [P-85].
    pub(super) fn reject_item(&mut self, key: ChannelKey, id: RequestId) {
        let rejection = Rejection::no_listener(stream::NEXT, &Address::Anonymous(key.id()), true);
        self.send(|out| encode::rejection(out, id, &rejection));
    }

    /// Finishes a stream and closes its channel, except that of an upload, which stays open for the result.
    fn finish_stream(&mut self, key: ChannelKey) -> Option<Removed<H, C>> {
        match self.channels.consumer(key) {
            Some(ConsumerState { upload: Some(upload), .. }) => {
                upload.items = UploadItems::Finished;
                None
            }
            _ => self.remove_channel(key),
        }
    }

    /// Takes back the record of the last item. Returns false if it was not a request with this id.
    fn forget_last_item(&mut self, key: ChannelKey, id: RequestId) -> bool {
        self.channels.consumer(key).is_some_and(|consumer| consumer.forget_last(id))
    }

    /// Handles the response to an item that was sent as a request.
    pub(super) fn item_answered<'f>(&mut self, key: ChannelKey, taken: bool) -> Incoming<'f, W, H, C> {
        match self.channels.get_mut(key) {
            Some(Channel { stream: Stream::Producer(producer), state, handler, .. }) => {
                producer.answered(taken);
                Incoming::Resumed(state.clone(), handler.clone())
            }
            _ => Incoming::Nothing,
        }
    }
}
