//! The log entry of a message.

use super::call_log::{CallEnd, CallInfo};
use super::observer::Interest;
use super::outcome::CallOutcome;
use super::shared::Shared;
use crate::close::cut;
use crate::proto::{Address, Message, RequestId, Response, cut_name};
use std::sync::Arc;
use std::time::Duration;

/// A received message, a finished handler, or a sent message, as
/// [`on_message`](crate::server::ServerBuilder::on_message) and
/// [`on_message_sent`](crate::server::ServerBuilder::on_message_sent) see it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MessageLog<'m> {
    /// The kind of the message.
    pub kind: MessageKind,
    /// The named channel of an event or a request, cut to 64 characters; `None` is the main channel or an anonymous
    /// one.
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
            text: cut(text, Self::TEXT_BYTES),
            took: None,
            outcome: None,
            whole_text: text,
        }
    }

    /// The entry of a finished handler.
    pub(crate) fn finished(call: &CallInfo<'m>, end: &CallEnd<'m>) -> Self {
        Self {
            kind: call.kind,
            channel: call.channel_name,
            anonymous_channel: call.anonymous_channel,
            event: Some(call.event),
            id: call.id,
            bytes: call.bytes,
            text: "",
            took: Some(end.took),
            outcome: Some(end.outcome),
            whole_text: "",
        }
    }
}

impl Shared {
    /// Tells the observers of a received message.
    #[cold]
    pub(crate) fn observe_received(self: &Arc<Self>, text: &str) {
        // Decoded whole and for the log only, because the quick decoder takes some frames for calls that are none.
        let message = Message::decode_whole(text);
        let log = MessageLog::new(text, &message);
        self.endpoint.observers.tell(self, Interest::RECEIVED_MESSAGES, |observer, connection| {
            observer.message_received(connection, &log);
        });
    }

    /// Tells the observers of a sent message.
    #[cold]
    pub(crate) fn observe_sent(self: &Arc<Self>, frame: &[u8]) {
        let text = std::str::from_utf8(frame).unwrap_or_default();
        let message = Message::decode_whole(text);
        let log = MessageLog::new(text, &message);
        self.endpoint.observers.tell(self, Interest::SENT_MESSAGES, |observer, connection| {
            observer.message_sent(connection, &log);
        });
    }

    /// Returns true if sent messages are observed.
    #[inline]
    pub(crate) fn observes_sent(&self) -> bool {
        self.endpoint.observers.any_interest(Interest::SENT_MESSAGES)
    }
}
