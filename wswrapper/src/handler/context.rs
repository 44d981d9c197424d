//! What a handler knows of its call.

use crate::broadcast::Broadcast;
use crate::handshake::Handshake;
use crate::link::Link;
use crate::peer::{Peer, PeerId};
use crate::proto::{Reason, RequestId};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;

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
    link: Arc<Link>,
    call: Arc<CallState>,
}

/// What one call's contexts share with the driver.
pub(crate) struct CallState {
    id: Option<RequestId>,
    channel: Option<Box<str>>,
    wait: Option<Duration>,
    cancelled: OnceLock<Reason>,
    notify: Notify,
}

impl CallState {
    pub(crate) fn new(id: Option<RequestId>, channel: Option<&str>, wait: Option<Duration>) -> Self {
        Self { id, channel: channel.map(Into::into), wait, cancelled: OnceLock::new(), notify: Notify::new() }
    }

    /// Cancels the contexts of a call; only the first reason counts.
    pub(crate) fn cancel(&self, reason: Reason) {
        if self.cancelled.set(reason).is_ok() {
            self.notify.notify_waiters();
        }
    }
}

impl Context {
    pub(crate) fn new(link: Arc<Link>, call: Arc<CallState>) -> Self {
        Self { link, call }
    }

    /// The other end: to call it back, to send it events, to close its connection.
    pub fn peer(&self) -> Peer {
        Peer::of(&self.link)
    }

    /// The number of the other end's connection, unique in this process.
    pub fn peer_id(&self) -> PeerId {
        self.link.id
    }

    /// The request with which the connection began: path, query, headers, address.
    pub fn handshake(&self) -> &Handshake {
        &self.link.handshake
    }

    /// The channel of the call; `None` is the main one.
    pub fn channel(&self) -> Option<&str> {
        self.call.channel.as_deref()
    }

    /// Whether somebody waits for an answer; an event has none.
    pub fn is_request(&self) -> bool {
        self.call.id.is_some()
    }

    /// How long the caller said it would wait, counted from the arrival of its call [X-03].
    pub fn caller_waits(&self) -> Option<Duration> {
        self.call.wait
    }

    /// Everyone who is connected at this end, as a proxy's target for events.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.link.hub))
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
        loop {
            let notified = self.call.notify.notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            if let Some(reason) = self.reason() {
                return reason;
            }
            notified.await;
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("peer", &self.link.id)
            .field("request", &self.call.id)
            .field("channel", &self.channel())
            .field("cancelled", &self.reason())
            .finish_non_exhaustive()
    }
}
