//! Anonymous channels [P-60].

use super::calls::Pending;
use super::channel_table::{Role, Stream};
use super::consumer::{ConsumerState, UploadItems};
use super::not_found::no_channel;
use super::{Connection, Ended, Event, Incoming, SendRefused, State};
use crate::codec::stream;
use crate::time::Instant;
use crate::{Call, ChannelKey, Item, Opener, RawReason, Reason, RequestId, Scope, encode};

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
    /// [`open_channels`](crate::Bounds::open_channels) are open.
    #[error("too many open channels")]
    TooMany,
    /// A channel of this number is open: the peer has used its request's number before.
    #[error("channel '{0}' is open already")]
    Taken(RequestId),
    /// The connection was lost.
    #[error("the connection is closed")]
    Closed,
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
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.runner = Some(handler);
        }
    }

    /// What is kept of a channel.
    pub fn channel_end(&mut self, channel: ChannelKey) -> Option<&mut C> {
        self.channels.get_mut(channel).map(|channel| &mut channel.end)
    }

    /// Channels that are open, in both directions.
    pub fn open_channels(&self) -> usize {
        self.channels.len()
    }

    /// Whether a channel is open.
    pub fn is_channel_open(&self, channel: ChannelKey) -> bool {
        self.channels.get(channel).is_some()
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

    /// The handler that goes on while a channel is open.
    pub fn runner(&self, channel: ChannelKey) -> Option<R> {
        self.channels.get(channel)?.runner.clone()
    }

    pub(super) fn check_channel(&self, channel: Option<ChannelKey>) -> Result<(), SendRefused> {
        let open = channel.is_none_or(|channel| self.is_channel_open(channel));
        if open || self.state == State::Lost { Ok(()) } else { Err(SendRefused::ChannelClosed) }
    }

    /// A call on an anonymous channel, or on none that there is.
    pub(super) fn channel_call<'f>(&mut self, call: Call<'f>, now: Instant) -> Incoming<'f, W, R, C> {
        let key = match call.scope {
            Scope::Anonymous(id) => self.channels.find(id, &self.ids),
            _ => None,
        };
        let Some((key, channel)) = key.and_then(|key| Some((key, self.channels.get_mut(key)?))) else {
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

    /// The peer aborts a channel; an unknown one is ignored [P-65].
    pub(super) fn aborted<'f>(&mut self, scope: &Scope<'_>, reason: RawReason<'f>) -> Incoming<'f, W, R, C> {
        let Scope::Anonymous(id) = *scope else { return Incoming::Nothing };
        let Some(key) = self.channels.find(id, &self.ids) else { return Incoming::Nothing };
        match self.channels.consumer(key) {
            // The handler of an upload learns it from its items.
            Some(ConsumerState { upload: Some(upload), .. }) => {
                let ended = std::mem::replace(&mut upload.items, UploadItems::Ended) == UploadItems::Ended;
                let end = self.channels.get(key).filter(|_| !ended).map(|channel| channel.end.clone());
                end.map_or(Incoming::Nothing, |end| Incoming::Aborted(key, end, None, reason))
            }
            _ => self
                .end_channel(key)
                .map_or(Incoming::Nothing, |(end, runner)| Incoming::Aborted(key, end, runner, reason)),
        }
    }

    /// Ends a channel, and the calls that are pending on it [P-63].
    pub(super) fn end_channel(&mut self, key: ChannelKey) -> Option<(C, Option<R>)> {
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
