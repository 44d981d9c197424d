//! What a handler knows of its call.

use crate::engine::{CallState, PeerId, Shared};
use crate::handle::{AnonymousChannel, Peer};
use crate::handshake::Handshake;
use crate::proto::Reason;
use crate::registry::Broadcast;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a handler knows of its call: who called, over which connection, and whether anybody still waits.
///
/// A handler takes it as its first argument after `&self`; it is not on the wire and not in the proxy. It may be cloned
/// and kept, and does not keep the connection open.
///
/// ```
/// # use wswrapper::{ws_handlers, Context};
/// # struct Desk;
/// #[ws_handlers]
/// impl Desk {
///     async fn whoami(&self, ctx: Context) -> String {
///         format!("{}", ctx.peer().id())
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
    call: Arc<CallState>,
}

impl Context {
    pub(crate) fn new(shared: Arc<Shared>, call: Arc<CallState>) -> Self {
        Self { shared, call }
    }

    /// The other end: to call it back, to send it events, to close its connection.
    pub fn peer(&self) -> Peer {
        Peer::of(&self.shared)
    }

    /// The number of the other end's connection, unique in this process.
    pub fn peer_id(&self) -> PeerId {
        self.shared.id
    }

    /// The request with which the connection began: path, query, headers, address.
    pub fn handshake(&self) -> &Handshake {
        &self.shared.handshake
    }

    /// Makes an anonymous channel, for the handler to return as its answer, and so to give to the caller. One that is not
    /// returned ends with the handler.
    pub fn anonymous_channel(&self) -> AnonymousChannel {
        let channel = AnonymousChannel::new(self.peer());
        self.call.add_channel(&self.shared, channel.channel_state());
        channel
    }

    /// The anonymous channel of the call, if it is on one: a handler of a [`Scoped`](crate::Scoped) service calls its
    /// other end by it.
    pub fn called_on(&self) -> Option<AnonymousChannel> {
        self.call.channel_state.as_ref().map(|channel_state| AnonymousChannel::of(self.peer(), channel_state))
    }

    /// The named channel of the call; `None` is the main one, or an [anonymous](Self::called_on) one.
    pub fn channel(&self) -> Option<&str> {
        self.call.channel.as_deref()
    }

    /// Whether somebody waits for an answer; an event has none.
    pub fn is_request(&self) -> bool {
        self.call.id.is_some()
    }

    /// How long the caller said it would wait, counted from the arrival of its call [X-03].
    pub fn caller_waits(&self) -> Option<Duration> {
        self.call.caller_timeout
    }

    /// Everyone who is connected at this end, as a proxy's target for events.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.shared.members))
    }

    /// Whether the call was cancelled, by its caller or by the end of the connection.
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Why the call was cancelled.
    pub fn reason(&self) -> Option<&Reason> {
        self.call.cancelled.get()
    }

    /// Waits until the call is cancelled and tells why. Cancel-safe.
    ///
    /// The handler's own future is dropped when that happens; this is for what it has started elsewhere.
    pub async fn cancelled(&self) -> &Reason {
        self.call.cancelled.wait().await
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("peer", &self.shared.id)
            .field("request", &self.call.id)
            .field("channel", &self.channel())
            .field("cancelled", &self.reason())
            .finish_non_exhaustive()
    }
}
