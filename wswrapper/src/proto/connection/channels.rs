//! Anonymous channels [P-60], and the streams on them [P-80].

use super::{Connection, Ended, Event, Incoming, Pending, SendRefused, State, no_channel};
use crate::proto::channels::{Channel, ChannelKey, Opener, Role, Stream};
use crate::proto::codec::stream;
use crate::proto::consumer::{Consumer, Due, Overflow, Upload, UploadItems};
use crate::proto::{Allowance, Call, ITEM_BYTES, Item, RawReason, Reason, Rejection, RequestId, Scope, encode};
use std::time::Instant;

/// For what a request's answer may be an anonymous channel.
#[derive(Clone, Debug)]
pub struct Opens<C> {
    /// What the channel is for.
    pub role: Role,
    /// What the caller keeps of it.
    pub end: C,
}

/// Why a handler cannot answer with a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenRefused {
    /// [`open_channels`](crate::proto::Bounds::open_channels) are open.
    #[error("too many open channels")]
    TooMany,
    /// A channel of this number is open: the peer has used its request's number before.
    #[error("channel '{0}' is open already")]
    Taken(RequestId),
    /// The connection was lost.
    #[error("the connection is closed")]
    Closed,
}

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
    /// A handler answers this request with a channel; its creation frame is the caller's to [write](encode::channel).
    ///
    /// The request is thereby finished [P-70]. A handler that goes on while the channel is open is
    /// [attached](Self::attach).
    pub fn open_channel(&mut self, id: RequestId, role: Role, end: C) -> Result<ChannelKey, OpenRefused> {
        if self.state == State::Lost {
            return Err(OpenRefused::Closed);
        }
        if self.channels.opened() >= self.bounds.open_channels {
            return Err(OpenRefused::TooMany);
        }
        if self.channels.find(id, &self.ids).is_some() {
            return Err(OpenRefused::Taken(id));
        }
        Ok(self.channels.add(id, Opener::Us, role, end))
    }

    /// A handler goes on while its channel is open: it is given back when the channel is aborted, or resumed.
    pub fn attach(&mut self, channel: ChannelKey, handler: R) {
        if let Some(channel) = self.channels.get(channel) {
            channel.runner = Some(handler);
        }
    }

    /// What is kept of a channel.
    pub fn channel_end(&mut self, channel: ChannelKey) -> Option<&mut C> {
        self.channels.get(channel).map(|channel| &mut channel.end)
    }

    /// Channels that are open, in both directions.
    pub fn open_channels(&self) -> usize {
        self.channels.len()
    }

    /// Whether a channel is open.
    pub fn is_channel_open(&mut self, channel: ChannelKey) -> bool {
        self.channels.get(channel).is_some()
    }

    /// Whether a frame on this channel is for a stream's end and not for a handler.
    pub fn is_streams(&mut self, channel: RequestId, event: &str) -> bool {
        let found = self.channels.find(channel, &self.ids);
        match found.and_then(|key| self.channels.get(key)).map(|channel| &channel.stream) {
            Some(Stream::Producer(_)) => matches!(event, stream::START | stream::CREDIT),
            Some(Stream::Consumer(consumer)) => {
                event == stream::NEXT || (event == stream::RESULT && consumer.upload.is_some())
            }
            Some(Stream::None) | None => false,
        }
    }

    /// Closes a channel at this end alone [P-66]; gives back what was kept of it. Calls that are pending on it end.
    pub fn close_channel(&mut self, channel: ChannelKey) -> Option<C> {
        self.end_channel(channel).map(|(end, _)| end)
    }

    /// Closes a channel at both ends [P-63]; gives back what was kept of it. Calls that are pending on it end.
    pub fn abort_channel(&mut self, channel: ChannelKey, reason: Option<&Reason>) -> Option<C> {
        let (end, _) = self.end_channel(channel)?;
        self.send(|out| encode::abort(out, channel.id(), reason));
        Some(end)
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

    /// The handler that goes on while a channel is open.
    pub fn runner(&mut self, channel: ChannelKey) -> Option<R> {
        self.channels.get(channel)?.runner.clone()
    }

    /// What a stream's producer may send now.
    pub fn allowance(&mut self, channel: ChannelKey) -> Allowance {
        self.channels.producer(channel).map_or(Allowance::Gone, |producer| producer.allowance())
    }

    /// The first credit of a stream that has started: how far its producer may go ahead.
    pub fn window(&mut self, channel: ChannelKey) -> Option<u32> {
        self.channels.producer(channel)?.window()
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
    pub fn awaited_result(&mut self, channel: ChannelKey) -> AwaitedResult {
        match self.channels.consumer(channel).and_then(|consumer| consumer.upload.as_ref()) {
            Some(Upload { result: Some(id), .. }) => AwaitedResult::Request(*id),
            Some(Upload { items: UploadItems::Taken | UploadItems::Unwanted, .. }) => AwaitedResult::NotYet,
            _ => AwaitedResult::Never,
        }
    }

    pub(super) fn check_channel(&mut self, channel: Option<ChannelKey>) -> Result<(), SendRefused> {
        let open = channel.is_none_or(|channel| self.is_channel_open(channel));
        if open || self.state == State::Lost { Ok(()) } else { Err(SendRefused::ChannelClosed) }
    }

    /// A call on an anonymous channel, or on none that there is.
    pub(super) fn channel_call<'f>(&mut self, call: Call<'f>, now: Instant) -> Incoming<'f, W, R, C> {
        let key = match call.scope {
            Scope::Anonymous(id) => self.channels.find(id, &self.ids),
            _ => None,
        };
        let Some((key, channel)) = key.and_then(|key| Some((key, self.channels.get(key)?))) else {
            return self.refuse(&call);
        };
        let (end, runner) = (channel.end.clone(), channel.runner.clone());
        match (&mut channel.stream, &*call.event) {
            (Stream::Producer(producer), stream::CREDIT) => {
                let Some(items) = stream::credit(&call.arguments) else { return Incoming::NotJson };
                producer.credit(items);
                self.answer_if_request(&call);
                Incoming::Resumed(end, runner)
            }
            (Stream::Producer(producer), stream::START) => {
                if !call.arguments.prove() {
                    return Incoming::NotJson;
                }
                producer.start();
                self.answer_if_request(&call);
                Incoming::Resumed(end, runner)
            }
            (Stream::Consumer(consumer), stream::NEXT) => match consumer.upload_items() {
                None | Some(UploadItems::Taken) => match Item::read(&call.arguments) {
                    Some(item) => self.item(key, end, call.id, item),
                    None => Incoming::NotJson,
                },
                Some(UploadItems::Unwanted) => self.unwanted_item(key, &call, (end, runner)),
                Some(UploadItems::Ended) => self.refuse(&call),
            },
            (Stream::Consumer(consumer), stream::RESULT) => match (&mut consumer.upload, call.id) {
                (Some(upload), Some(id)) if upload.result.is_none() => {
                    if !call.arguments.prove() {
                        return Incoming::NotJson;
                    }
                    upload.result = Some(id);
                    if let Some(handler) = runner.clone() {
                        let deadline = call.caller_waits().and_then(|wait| now.checked_add(wait));
                        self.begin(id, handler, deadline);
                    }
                    Incoming::ResultAwaited(runner, id)
                }
                _ => Incoming::ChannelCall(end, call),
            },
            _ => Incoming::ChannelCall(end, call),
        }
    }

    /// What a stream's end sends as an event may come as a request [P-80].
    fn answer_if_request(&mut self, call: &Call<'_>) {
        if let Some(id) = call.id {
            self.send(|out| encode::nothing(out, id));
        }
    }

    fn item<'f>(&mut self, key: ChannelKey, end: C, id: Option<RequestId>, item: Item<'f>) -> Incoming<'f, W, R, C> {
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
    fn unwanted_item<'f>(
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

    /// The peer aborts a channel; an unknown one is ignored [P-65].
    pub(super) fn aborted<'f>(&mut self, scope: &Scope<'_>, reason: RawReason<'f>) -> Incoming<'f, W, R, C> {
        let Scope::Anonymous(id) = *scope else { return Incoming::Nothing };
        let Some(key) = self.channels.find(id, &self.ids) else { return Incoming::Nothing };
        match self.channels.consumer(key) {
            // The handler of an upload learns it from its items.
            Some(Consumer { upload: Some(upload), .. }) => {
                let ended = std::mem::replace(&mut upload.items, UploadItems::Ended) == UploadItems::Ended;
                let end = self.channels.get(key).filter(|_| !ended).map(|channel| channel.end.clone());
                end.map_or(Incoming::Nothing, |end| Incoming::Aborted(key, end, None, reason))
            }
            _ => self
                .end_channel(key)
                .map_or(Incoming::Nothing, |(end, runner)| Incoming::Aborted(key, end, runner, reason)),
        }
    }

    /// The consumer has answered an item that was sent as a request.
    pub(super) fn item_answered<'f>(&mut self, key: ChannelKey, taken: bool) -> Incoming<'f, W, R, C> {
        match self.channels.get(key) {
            Some(Channel { stream: Stream::Producer(producer), end, runner, .. }) => {
                producer.answered(taken);
                Incoming::Resumed(end.clone(), runner.clone())
            }
            _ => Incoming::Nothing,
        }
    }

    /// Ends a channel, and the calls that are pending on it [P-63].
    fn end_channel(&mut self, key: ChannelKey) -> Option<(C, Option<R>)> {
        let mut channel = self.channels.remove(key)?;
        match &mut channel.stream {
            Stream::Producer(producer) => {
                producer.unanswered.and_then(|id| self.channels.answered(id));
            }
            Stream::Consumer(consumer) => {
                let result = consumer.upload.as_ref().and_then(|upload| upload.result);
                if let (Some(id), Some(handler)) = (result, &channel.runner) {
                    self.end(id, handler);
                }
                // Items that nobody takes any more: each request has an answer [P-30].
                for id in consumer.end() {
                    let rejection = no_channel(&Scope::Anonymous(key.id()));
                    self.send(|out| encode::rejection(out, id, &rejection));
                }
            }
            Stream::None => {}
        }
        if channel.calls > 0 {
            let on_it = |call: &Pending<W, C>| call.channels.as_ref().is_some_and(|channels| channels.on == Some(key));
            let ended = self.pending.extract_if(|_, call| on_it(call));
            self.events.extend(ended.map(|(_, call)| Event::Ended(call.waiter, Ended::Closed)));
        }
        Some((channel.end, channel.runner))
    }

    /// Answers a call on a channel that there is not [P-47, P-64].
    fn refuse<'f>(&mut self, call: &Call<'_>) -> Incoming<'f, W, R, C> {
        if !call.arguments.prove() {
            return Incoming::NotJson;
        }
        let rejection = no_channel(&call.scope);
        if let Scope::Anonymous(channel) = call.scope {
            self.send(|out| encode::abort(out, channel, Some(&rejection)));
        }
        if let Some(id) = call.id {
            self.send(|out| encode::rejection(out, id, &rejection));
        }
        Incoming::Nothing
    }
}
