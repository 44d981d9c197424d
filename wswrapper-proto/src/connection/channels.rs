//! Anonymous channels [P-60].

use super::calls::PendingCall;
use super::channel_table::Stream;
use super::flow_control::ConsumerState;
use super::not_found::no_channel;
use super::upload::UploadItems;
use super::{CallFailure, Connection, Incoming, Notification, QueueError, Role, State};
use crate::codec::stream;
use crate::time::Instant;
use crate::{Address, Call, ChannelKey, Item, Opener, RawReason, Reason, Rejection, RequestId, code, encode};

/// The channel that the response to a request may open.
#[derive(Clone, Debug)]
pub struct ExpectedChannel<C> {
    /// The local endpoint's part on the channel.
    pub role: Role,
    /// The state that the user of the core keeps for the channel.
    pub state: C,
}

/// The rest of a channel that was removed.
pub(super) struct Removed<H, C> {
    state: C,
    handler: Option<H>,
    /// Items that came as requests and still need a response [P-30].
    items: Vec<RequestId>,
    /// The request for the result of an upload whose handler has not finished.
    result: Option<RequestId>,
}

/// An error from opening a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenChannelError {
    /// [`Bounds::open_channels`](crate::Bounds::open_channels) are open.
    #[error("too many open channels")]
    TooMany,
    /// A channel with this id is open, because the peer has used the request's id before.
    #[error("channel '{0}' is open already")]
    Taken(RequestId),
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
}

impl From<OpenChannelError> for Rejection {
    fn from(error: OpenChannelError) -> Self {
        Self::from_display(error).with_code(match error {
            OpenChannelError::TooMany => code::TOO_MANY,
            OpenChannelError::Taken(_) => code::BAD_ARGUMENTS,
            OpenChannelError::Closed => code::CLOSING,
        })
    }
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// Opens a channel in response to the peer's request `id`.
    ///
    /// The caller sends the [response](encode::channel), which finishes the request [P-70]. A handler that runs while
    /// the channel is open is [attached](Self::attach) to it.
    pub fn open_channel(&mut self, id: RequestId, role: Role, state: C) -> Result<ChannelKey, OpenChannelError> {
        if self.state == State::Closed {
            return Err(OpenChannelError::Closed);
        }
        if self.channels.opened() >= self.bounds.open_channels {
            return Err(OpenChannelError::TooMany);
        }
        if self.channels.find(id, &self.ids).is_some() {
            return Err(OpenChannelError::Taken(id));
        }
        Ok(self.channels.add(id, Opener::Local, role, state))
    }

    /// Attaches a handler to a channel. It comes back when the channel is aborted, or when its stream may continue.
    pub fn attach(&mut self, channel: ChannelKey, handler: H) {
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.handler = Some(handler);
        }
    }

    /// Returns the state of an open channel.
    pub fn channel_state(&mut self, channel: ChannelKey) -> Option<&mut C> {
        self.channels.get_mut(channel).map(|channel| &mut channel.state)
    }

    /// Returns the number of open channels, whoever opened them.
    pub fn open_channels(&self) -> usize {
        self.channels.len()
    }

    /// Returns the number of open channels that carry a stream or an upload, in either direction.
    pub fn open_streams(&self) -> usize {
        self.channels.streams()
    }

    /// Returns true if a channel is open.
    pub fn is_channel_open(&self, channel: ChannelKey) -> bool {
        self.channels.get(channel).is_some()
    }

    /// Closes a channel without notifying the peer [P-66], and returns its state. Local calls on it fail.
    pub fn close_channel(&mut self, channel: ChannelKey) -> Option<C> {
        let removed = self.remove_channel(channel)?;
        let rejection = no_channel(&Address::Anonymous(channel.id()));
        for id in removed.items {
            self.send(|out| encode::rejection(out, id, &rejection));
        }
        Some(removed.state)
    }

    /// Closes a channel, notifies the peer [P-63] and returns the channel's state. Local calls on it fail.
    ///
    /// The peer's requests of its stream are rejected after the abort, with its reason.
    pub fn abort_channel(&mut self, channel: ChannelKey, reason: Option<&Reason>) -> Option<C> {
        let removed = self.remove_channel(channel)?;
        self.send(|out| encode::abort(out, channel.id(), reason));
        self.reject_unanswered(&removed, || {
            reason.cloned().unwrap_or_else(|| Reason::aborted().with_code(code::CHANNEL_CLOSED))
        });
        Some(removed.state)
    }

    /// Rejects the requests of an aborted stream, after the abort [P-63].
    pub(super) fn reject_unanswered(&mut self, removed: &Removed<H, C>, reason: impl FnOnce() -> Rejection) {
        let requests = removed.items.len() + usize::from(removed.result.is_some());
        if requests == 0 {
            return;
        }
        let reason = reason().for_requests(requests);
        for id in removed.items.iter().copied().chain(removed.result) {
            self.send(|out| encode::rejection(out, id, &reason));
        }
    }

    /// Returns the handler that is attached to a channel.
    pub fn channel_handler(&self, channel: ChannelKey) -> Option<H> {
        self.channels.get(channel)?.handler.clone()
    }

    pub(super) fn check_channel(&self, channel: Option<ChannelKey>) -> Result<(), QueueError> {
        let open = channel.is_none_or(|channel| self.is_channel_open(channel));
        if open || self.state == State::Closed { Ok(()) } else { Err(QueueError::ChannelClosed) }
    }

    /// Handles a call on an anonymous channel or on an address that does not exist.
    pub(super) fn channel_call<'f>(&mut self, call: Call<'f>, now: Instant) -> Incoming<'f, W, H, C> {
        let key = match call.address {
            Address::Anonymous(id) => self.channels.find(id, &self.ids),
            _ => None,
        };
        let Some((key, channel)) = key.and_then(|key| Some((key, self.channels.get_mut(key)?))) else {
            return self.refuse(&call);
        };
        let (state, handler) = (channel.state.clone(), channel.handler.clone());
        match (&mut channel.stream, &*call.event) {
            (Stream::Producer(producer), stream::CREDIT) => {
                let Some(items) = stream::credit(&call.arguments) else { return Incoming::NotJson };
                producer.add_credit(items);
                self.answer_if_request(&call);
                Incoming::Resumed(state, handler)
            }
            (Stream::Producer(producer), stream::START) => {
                if !call.arguments.is_json() {
                    return Incoming::NotJson;
                }
                producer.start();
                self.answer_if_request(&call);
                Incoming::Resumed(state, handler)
            }
            (Stream::Consumer(consumer), stream::NEXT) => match consumer.upload_items() {
                None | Some(UploadItems::Wanted) => match Item::read(&call.arguments) {
                    Some(item) => self.item(key, state, call.id, item),
                    None => Incoming::NotJson,
                },
                Some(UploadItems::Unwanted) => self.unwanted_item(key, &call, (state, handler)),
                Some(UploadItems::Finished) => self.refuse(&call),
            },
            (Stream::Consumer(consumer), stream::RESULT) => match (&mut consumer.upload, call.id) {
                (Some(upload), Some(id)) if upload.result.is_none() => {
                    if !call.arguments.is_json() {
                        return Incoming::NotJson;
                    }
                    upload.result = Some(id);
                    self.consumer(key).allow_start();
                    if let Some(handler) = handler.clone() {
                        let deadline = call.caller_timeout().and_then(|wait| now.checked_add(wait));
                        self.handler_started(id, handler, deadline);
                    }
                    Incoming::ResultAwaited(handler, id)
                }
                _ => Incoming::ChannelCall(state, call),
            },
            _ => Incoming::ChannelCall(state, call),
        }
    }

    /// Handles an abort by the peer. An unknown channel is ignored [P-65].
    pub(super) fn aborted<'f>(&mut self, address: &Address<'_>, reason: RawReason<'f>) -> Incoming<'f, W, H, C> {
        let Address::Anonymous(id) = *address else { return Incoming::Nothing };
        let Some(key) = self.channels.find(id, &self.ids) else { return Incoming::Nothing };
        match self.channels.consumer(key) {
            // Only the items are aborted. The handler of the upload finds that out when it takes the next one.
            Some(ConsumerState { upload: Some(upload), .. }) => {
                let was_finished = std::mem::replace(&mut upload.items, UploadItems::Finished) == UploadItems::Finished;
                let state = self.channels.get(key).filter(|_| !was_finished).map(|channel| channel.state.clone());
                state.map_or(Incoming::Nothing, |state| Incoming::ChannelAborted(key, state, None, reason))
            }
            _ => {
                let Some(removed) = self.remove_channel(key) else { return Incoming::Nothing };
                self.reject_unanswered(&removed, || reason.read());
                Incoming::ChannelAborted(key, removed.state, removed.handler, reason)
            }
        }
    }

    /// Removes a channel, and fails the local calls that are pending on it [P-63].
    pub(super) fn remove_channel(&mut self, key: ChannelKey) -> Option<Removed<H, C>> {
        let mut channel = self.channels.remove(key)?;
        let (mut items, mut result) = (Vec::new(), None);
        match &mut channel.stream {
            Stream::Producer(producer) => {
                producer.item_request.and_then(|id| self.channels.take_item_request(id));
            }
            Stream::Consumer(consumer) => {
                items = consumer.finish();
                if let (Some(id), Some(handler)) =
                    (consumer.upload.as_ref().and_then(|upload| upload.result), &channel.handler)
                {
                    result = self.handler_finished(id, handler).then_some(id);
                }
            }
            Stream::None => {}
        }
        if channel.pending_calls > 0 {
            let on_it =
                |call: &PendingCall<W, C>| call.channels.as_ref().is_some_and(|channels| channels.on == Some(key));
            let failed = self.pending.extract_if(|_, call| on_it(call));
            self.notifications
                .extend(failed.map(|(_, call)| Notification::CallFailed(call.waiter, CallFailure::Closed)));
        }
        Some(Removed { state: channel.state, handler: channel.handler, items, result })
    }

    /// Rejects a call on a channel that does not exist [P-47, P-64].
    fn refuse<'f>(&mut self, call: &Call<'_>) -> Incoming<'f, W, H, C> {
        if !call.arguments.is_json() {
            return Incoming::NotJson;
        }
        let rejection = no_channel(&call.address);
        if let Address::Anonymous(channel) = call.address {
            self.send(|out| encode::abort(out, channel, Some(&rejection)));
        }
        if let Some(id) = call.id {
            self.send(|out| encode::rejection(out, id, &rejection));
        }
        Incoming::Nothing
    }
}
