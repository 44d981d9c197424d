//! The log entry of a message.

use crate::proto::{Address, Message, RequestId, Response};
use std::time::Duration;
use tokio::time::Instant;

/// A received message, or a finished handler, as [`on_message`](crate::Builder::on_message) sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MessageLog<'m> {
    /// The kind of the message.
    pub kind: MessageKind,
    /// The named channel of an event or a request; `None` is the main channel.
    pub channel: Option<&'m str>,
    /// The name of an event or a request.
    pub event: Option<&'m str>,
    /// The id of the request that the message is, responds to or cancels.
    pub id: Option<u64>,
    /// The length of the whole message in bytes.
    pub bytes: usize,
    /// The message itself, cut to [`TEXT_BYTES`](Self::TEXT_BYTES) bytes; empty for a finished handler.
    pub text: &'m str,
    /// The time that the handler took; `None` for a received message.
    pub took: Option<Duration>,
}

/// The kind of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MessageKind {
    /// An event.
    Event,
    /// A request.
    Request,
    /// The result of a local request.
    Response,
    /// The rejection of a local request.
    Rejection,
    /// The cancellation of a request by the peer.
    Cancellation,
    /// The abort of an anonymous channel.
    Abort,
    /// Not a message of the protocol.
    Ignored,
}

impl<'m> MessageLog<'m> {
    /// The length to which a logged message is cut, in bytes.
    pub const TEXT_BYTES: usize = 256;

    /// The entry of a received message.
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
        let channel = match address {
            Some(Address::Named(name)) => Some(&**name),
            _ => None,
        };
        let bytes = text.len();
        let text = &text[..text.floor_char_boundary(Self::TEXT_BYTES)];
        Self { kind, channel, event, id: id.map(RequestId::get), bytes, text, took: None }
    }
}

/// The part of a logged call that is kept until its handler has finished.
pub(crate) struct CallLog {
    kind: MessageKind,
    channel: Option<Box<str>>,
    event: Box<str>,
    id: Option<u64>,
    bytes: usize,
    started_at: Instant,
}

impl CallLog {
    pub(crate) fn new(message: &MessageLog<'_>) -> Self {
        Self {
            kind: message.kind,
            channel: message.channel.map(Into::into),
            event: message.event.unwrap_or_default().into(),
            id: message.id,
            bytes: message.bytes,
            started_at: Instant::now(),
        }
    }

    /// The entry of the finished handler.
    pub(crate) fn finished(&self) -> MessageLog<'_> {
        MessageLog {
            kind: self.kind,
            channel: self.channel.as_deref(),
            event: Some(&self.event),
            id: self.id,
            bytes: self.bytes,
            text: "",
            took: Some(self.started_at.elapsed()),
        }
    }
}
