//! A message as it is shown for logging.

use crate::proto::{Address, Message, RequestId, Response};
use std::time::Duration;
use tokio::time::Instant;

/// A message that came, as [`on_message`](crate::Builder::on_message) shows it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MessageLog<'m> {
    /// What it is.
    pub kind: MessageKind,
    /// The named channel of an event or request; `None` is the main one.
    pub channel: Option<&'m str>,
    /// The name of an event or request.
    pub event: Option<&'m str>,
    /// The request that it is, answers or cancels.
    pub id: Option<u64>,
    /// The length of the whole message in bytes.
    pub bytes: usize,
    /// The message itself, cut to [`TEXT_BYTES`](Self::TEXT_BYTES) bytes; empty when its handler has ended.
    pub text: &'m str,
    /// `None` when it has come; how long its handler took, once that has ended.
    pub took: Option<Duration>,
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MessageKind {
    /// An event.
    Event,
    /// A request.
    Request,
    /// The result of a request of ours.
    Response,
    /// The rejection of a request of ours.
    Rejection,
    /// The end of the peer's wait for a request.
    Cancellation,
    /// The end of an anonymous channel.
    Abort,
    /// Not a message of the protocol.
    Ignored,
}

impl<'m> MessageLog<'m> {
    /// The length to which a logged message is cut.
    pub const TEXT_BYTES: usize = 256;

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

/// What is kept of a logged call until its handler has ended.
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

    /// The handler has ended.
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
