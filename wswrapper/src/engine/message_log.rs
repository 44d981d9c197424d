//! The log entry of a message.

use super::shared::Shared;
use crate::lock::lock;
use crate::proto::{Address, Message, Rejection, RequestId, Response, cut_name};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// A received message, a finished handler, or a sent message, as [`on_message`](crate::Builder::on_message) and
/// [`on_message_sent`](crate::Builder::on_message_sent) see it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MessageLog<'m> {
    /// The kind of the message.
    pub kind: MessageKind,
    /// The named channel of an event or a request, cut to 64 characters; `None` is the main channel or an anonymous one.
    pub channel: Option<&'m str>,
    /// The number of the anonymous channel of an event, a request or an abort. A response that opens a channel has the
    /// channel's number as its `id`.
    pub anonymous_channel: Option<u64>,
    /// The name of an event or a request, cut to 64 characters.
    pub event: Option<&'m str>,
    /// The id of the request that the message is, responds to or cancels.
    pub id: Option<u64>,
    /// The length of the whole message in bytes.
    pub bytes: usize,
    /// The message itself, cut to [`TEXT_BYTES`](Self::TEXT_BYTES) bytes; empty for a finished handler.
    ///
    /// [`whole_text`](Self::whole_text) returns the rest too.
    pub text: &'m str,
    /// The time that the handler took; `None` for a received or sent message.
    pub took: Option<Duration>,
    /// The outcome of the call, if this is the entry of a finished handler.
    pub outcome: Option<CallOutcome<'m>>,
    whole_text: &'m str,
}

/// The kind of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MessageKind {
    /// An event.
    Event,
    /// A request.
    Request,
    /// The result of a request, or the anonymous channel that it has opened.
    Response,
    /// The rejection of a request.
    Rejection,
    /// The cancellation of a request by its caller.
    Cancellation,
    /// The abort of an anonymous channel.
    Abort,
    /// Not a message of the protocol.
    Ignored,
}

/// The outcome of a call that this endpoint has served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CallOutcome<'m> {
    /// The handler has returned a value, or has handled an event.
    Ok,
    /// The call was rejected, by its handler or because no handler could be started. An event was dropped or has failed.
    Rejected {
        /// The property `code` of the rejection.
        code: Option<&'m str>,
    },
    /// The handler has panicked.
    Panicked,
    /// The call was cancelled, its time ran out, or its connection or channel was closed before the handler finished.
    Cancelled,
    /// The handler has opened an anonymous channel: a stream, or a scoped service.
    ChannelOpened,
}

impl<'m> MessageLog<'m> {
    /// The length to which the field `text` is cut, in bytes.
    pub const TEXT_BYTES: usize = 256;

    /// Returns the whole text of a received or sent message; empty for a finished handler.
    ///
    /// ```
    /// # use wswrapper::Server;
    /// let server = Server::builder().on_message(|peer, message| println!("{} {}", peer.id(), message.whole_text()));
    /// ```
    pub fn whole_text(&self) -> &'m str {
        self.whole_text
    }

    /// The entry of a received or sent message.
    pub(crate) fn new(text: &'m str, message: &'m Message<'_>) -> Self {
        let (kind, id, address, event) = match message {
            Message::Call(call) => {
                let kind = if call.id.is_some() { MessageKind::Request } else { MessageKind::Event };
                (kind, call.id, Some(&call.address), Some(&*call.event))
            }
            Message::BadName(id) => (MessageKind::Ignored, *id, None, None),
            Message::Response(id, Response::Rejection(_)) => (MessageKind::Rejection, Some(*id), None, None),
            Message::Response(id, _) => (MessageKind::Response, Some(*id), None, None),
            Message::Cancellation(id, _) => (MessageKind::Cancellation, Some(*id), None, None),
            Message::Abort(address, _) => (MessageKind::Abort, None, Some(address), None),
            Message::Nothing => (MessageKind::Ignored, None, None, None),
        };
        let (channel, anonymous_channel) = match address {
            Some(Address::Named(name)) => (Some(cut_name(name)), None),
            Some(Address::Anonymous(number)) => (None, Some(number.get())),
            _ => (None, None),
        };
        Self {
            kind,
            channel,
            anonymous_channel,
            event: event.map(cut_name),
            id: id.map(RequestId::get),
            bytes: text.len(),
            text: &text[..text.floor_char_boundary(Self::TEXT_BYTES)],
            took: None,
            outcome: None,
            whole_text: text,
        }
    }
}

/// The part of a logged call that is kept until its handler has finished.
pub(crate) struct CallLog {
    kind: MessageKind,
    channel: Option<Box<str>>,
    anonymous_channel: Option<u64>,
    event: Box<str>,
    id: Option<u64>,
    bytes: usize,
    started_at: Instant,
    /// `None` while neither a response nor an error is known.
    outcome: Option<Outcome>,
}

/// An owned [`CallOutcome`].
pub(crate) enum Outcome {
    Ok,
    Rejected(Option<Box<str>>),
    Panicked,
    ChannelOpened,
}

impl CallLog {
    pub(crate) fn new(message: &MessageLog<'_>) -> Self {
        Self {
            kind: message.kind,
            channel: message.channel.map(Into::into),
            anonymous_channel: message.anonymous_channel,
            event: message.event.unwrap_or_default().into(),
            id: message.id,
            bytes: message.bytes,
            started_at: Instant::now(),
            outcome: None,
        }
    }

    /// Records the outcome of the last poll of the handler, if there was one.
    pub(crate) fn update(&mut self, outcomes: &Outcomes) {
        if let Some(outcome) = outcomes.take() {
            self.outcome = Some(outcome);
        }
    }

    /// The entry of the finished handler.
    pub(crate) fn finished(&self) -> MessageLog<'_> {
        MessageLog {
            kind: self.kind,
            channel: self.channel.as_deref(),
            anonymous_channel: self.anonymous_channel,
            event: Some(&self.event),
            id: self.id,
            bytes: self.bytes,
            text: "",
            took: Some(self.started_at.elapsed()),
            outcome: Some(match &self.outcome {
                Some(Outcome::Ok) => CallOutcome::Ok,
                Some(Outcome::Rejected(code)) => CallOutcome::Rejected { code: code.as_deref() },
                Some(Outcome::Panicked) => CallOutcome::Panicked,
                Some(Outcome::ChannelOpened) => CallOutcome::ChannelOpened,
                None => CallOutcome::Cancelled,
            }),
            whole_text: "",
        }
    }
}

/// The outcome of the handler that the driver polls, until the driver [takes](CallLog::update) it.
///
/// One is enough, because the driver polls one handler at a time. Used only if there is an `on_message` hook.
#[derive(Default)]
pub(crate) struct Outcomes(Mutex<Option<Outcome>>);

impl Outcomes {
    fn take(&self) -> Option<Outcome> {
        lock(&self.0).take()
    }

    fn set(&self, outcome: Outcome) {
        *lock(&self.0) = Some(outcome);
    }
}

impl Shared {
    /// Records the outcome of the handler that is being polled, if there is an `on_message` hook.
    #[inline]
    pub(crate) fn record_outcome(&self, outcome: impl FnOnce() -> Outcome) {
        if self.endpoint.hooks.has_message_hook() {
            self.outcomes().set(outcome());
        }
    }

    /// Calls the `on_message_sent` hook.
    #[cold]
    pub(crate) fn log_sent(self: &Arc<Self>, frame: &[u8]) {
        let text = std::str::from_utf8(frame).unwrap_or_default();
        let message = Message::decode_whole(text);
        self.endpoint.hooks.message_sent(self, &MessageLog::new(text, &message));
    }
}

impl Outcome {
    pub(crate) fn rejected(rejection: &Rejection) -> Self {
        Self::Rejected(rejection.code().map(Into::into))
    }
}
