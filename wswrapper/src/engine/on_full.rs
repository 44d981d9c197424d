//! The treatment of an event at a peer whose queue is full.

use crate::proto::{Call, ChannelKey, EncodedCall, Message};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::sync::Arc;

/// The treatment of an event at a peer whose queue is full.
///
/// A queue is full while [`max_outbound_bytes`](crate::Limits::max_outbound_bytes) wait for the peer, and while anything
/// else waits for capacity. An event that finds capacity is queued like any other, whatever its treatment is.
///
/// It is set for one event by [`Emit::on_full`](crate::call::Emit::on_full) or
/// [`EmitToAudience::on_full`](crate::server::EmitToAudience::on_full), and for all events of a method by
/// `#[ws(event, on_full = "..")]`; see [events](crate::guide::events_and_channels).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OnFull {
    /// The event waits for capacity. This is the default for one peer.
    ///
    /// At an audience, the peers with capacity get the event at once. For the others it waits for at most
    /// [`write_timeout`](crate::Limits::write_timeout).
    Wait,
    /// The event is not sent to this peer. This is the default for an audience.
    Drop,
    /// The event waits until there is capacity, and a newer event of its name and channel replaces it.
    ///
    /// The event that is sent is the newest, after all that was sent to the peer before it.
    Latest,
    /// Like [`Latest`](Self::Latest), but only a newer event with the same key replaces it. Events of another name or
    /// channel have keys of their own.
    LatestOf(String),
    /// The connection is closed with status 1013.
    Close,
}

/// The treatment of an event, as the future of the event keeps it.
#[derive(Clone, Default, Debug)]
pub enum EventPolicy {
    /// Nothing was said: an event to one peer waits, and an audience leaves the peer out.
    #[default]
    Unset,
    /// See [`OnFull::Wait`].
    Wait,
    /// See [`OnFull::Drop`].
    Drop,
    /// See [`OnFull::Latest`] and [`OnFull::LatestOf`].
    Latest(LatestBy),
    /// See [`OnFull::Close`].
    Close,
}

/// The key of events of which only the newest waits, beside their name and channel.
#[derive(Clone, Debug)]
pub enum LatestBy {
    /// None.
    Event,
    /// The JSON of the argument at this position, from 0.
    Argument(usize),
    /// A text.
    Text(Arc<str>),
}

impl From<OnFull> for EventPolicy {
    fn from(on_full: OnFull) -> Self {
        match on_full {
            OnFull::Wait => Self::Wait,
            OnFull::Drop => Self::Drop,
            OnFull::Latest => Self::Latest(LatestBy::Event),
            OnFull::LatestOf(key) => Self::Latest(LatestBy::Text(key.into())),
            OnFull::Close => Self::Close,
        }
    }
}

/// An event that was not queued yet: one for a single connection, or the frame of one for many.
pub(crate) enum UnsentEvent {
    Owned(EncodedCall),
    Shared(Arc<[u8]>),
}

impl UnsentEvent {
    /// Returns the length of the message, in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Owned(event) => event.len(),
            Self::Shared(frame) => frame.len(),
        }
    }

    /// Returns the anonymous channel of the event.
    pub(crate) fn channel(&self) -> Option<ChannelKey> {
        match self {
            Self::Owned(event) => event.channel(),
            Self::Shared(_) => None,
        }
    }
}

/// The key of an event of which only the newest waits. Events with equal keys replace each other.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(crate) struct LatestKey {
    on: Option<ChannelKey>,
    channel: Option<Box<str>>,
    event: Box<str>,
    key: Option<Arc<str>>,
}

impl LatestKey {
    /// Returns the key of an event. The event is decoded for that, so this is done for a full queue only.
    pub(crate) fn of(event: &UnsentEvent, by: &LatestBy) -> Arc<Self> {
        let read = |call: &Call<'_>| Self {
            on: event.channel(),
            channel: match &call.address {
                crate::proto::Address::Named(channel) => Some(Box::from(&**channel)),
                _ => None,
            },
            event: Box::from(&*call.event),
            key: match by {
                LatestBy::Event => None,
                LatestBy::Argument(position) => argument(call, *position),
                LatestBy::Text(key) => Some(Arc::clone(key)),
            },
        };
        let key = match event {
            UnsentEvent::Owned(call) => call.inspect(read),
            UnsentEvent::Shared(frame) => match std::str::from_utf8(frame).map(Message::decode_whole) {
                Ok(Message::Call(call)) => Some(read(&call)),
                _ => None,
            },
        };
        // Never the default: the frame is that of an event.
        Arc::new(key.unwrap_or_else(|| Self { on: None, channel: None, event: Box::default(), key: None }))
    }

    /// Returns the length of the key, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.event.len() + self.channel.as_deref().map_or(0, str::len) + self.key.as_deref().map_or(0, str::len)
    }
}

/// Returns the JSON of the argument at a position.
fn argument(call: &Call<'_>, position: usize) -> Option<Arc<str>> {
    let mut arguments = call.arguments;
    for _ in 0..position {
        arguments.next::<IgnoredAny>().ok()?;
    }
    arguments.next::<&RawValue>().ok().map(|json| json.get().into())
}
