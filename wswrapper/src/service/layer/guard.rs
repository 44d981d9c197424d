//! Guards: functions that let a call pass or reject it.

use crate::engine::{CallView, CheckCall, Extensions, MessageKind, PeerId, Step};
use crate::handle::Peer;
use crate::handshake::Handshake;
use crate::proto::{Address, Rejection};
use crate::value::WsError;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// A function that lets a call pass or rejects it: `|call: &GuardCall<'_>| -> Result<(), E>`, where `E` is a
/// [`WsError`].
///
/// A request that it rejects receives the error. An event is dropped, and counted as
/// [dropped](crate::server::ServerStatus::events_dropped). A panic rejects the call with `internal error`.
///
/// It runs in the task of the connection, so it should return at once. A [`Layer`](super::Layer) can wait.
#[diagnostic::on_unimplemented(
    message = "this cannot be a guard",
    label = "not a function that lets a call pass or rejects it",
    note = "a guard looks like `|call: &GuardCall<'_>| if call.event() == \"stop\" {{ Err(\"no\") }} else {{ Ok(()) }}`",
    note = "its error needs `WsError`; `&str` and `String` have it",
    note = "a guard is no `async fn`; what waits is a layer"
)]
pub trait Guard: Send + Sync + 'static {
    /// Checks a call.
    fn check(&self, call: &GuardCall<'_>) -> Result<(), Rejection>;
}

#[diagnostic::do_not_recommend]
impl<F, E> Guard for F
where
    F: Fn(&GuardCall<'_>) -> Result<(), E> + Send + Sync + 'static,
    E: WsError,
{
    fn check(&self, call: &GuardCall<'_>) -> Result<(), Rejection> {
        self(call).map_err(WsError::into_rejection)
    }
}

/// Converts a guard into a step of calls.
pub(crate) fn guard_step(guard: impl Guard) -> Step {
    struct Step<G>(G);
    impl<G: Guard> CheckCall for Step<G> {
        fn check(&self, call: CallView<'_>) -> Result<(), Rejection> {
            self.0.check(&GuardCall(call))
        }
    }
    crate::engine::Step::Guard(Arc::new(Step(guard)))
}

/// A call, as a [`Guard`] sees it.
///
/// Its frame is not always known to be JSON: a call of broken text may be seen before it is dropped [P-02]. A rejection
/// is only sent for one that is.
#[derive(Clone, Copy)]
pub struct GuardCall<'c>(CallView<'c>);

impl<'c> GuardCall<'c> {
    pub(super) fn new(call: CallView<'c>) -> Self {
        Self(call)
    }
}

impl GuardCall<'_> {
    /// Returns true if the connection was authenticated by its [first
    /// message](crate::server::ServerBuilder::first_message), or [until a time](Peer::authenticated_until).
    pub fn is_authenticated(&self) -> bool {
        self.0.epoch.is_authenticated()
    }

    /// Returns the peer that called.
    pub fn peer(&self) -> Peer {
        Peer::of(self.0.shared)
    }

    /// Returns the number of the connection.
    pub fn peer_id(&self) -> PeerId {
        self.0.shared.id
    }

    /// Returns the HTTP request that opened the connection.
    pub fn handshake(&self) -> &Handshake {
        &self.0.epoch.handshake
    }

    /// Returns the values that are stored with the connection.
    pub fn connection_extensions(&self) -> &Extensions {
        &self.0.epoch.extensions
    }

    /// Returns a copy of the value of this type that a layer has stored with the call, or that is stored with the
    /// connection.
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        match self.0.state {
            Some(state) => state.extension(),
            None => self.0.epoch.extensions.cloned(),
        }
    }

    /// Returns the name of the channel. `None` is the main channel, or an anonymous one.
    pub fn channel(&self) -> Option<&str> {
        match &self.0.call.address {
            Address::Named(name) => Some(name),
            _ => None,
        }
    }

    /// Returns the value of a [parameter](crate::guide::channels) of the channel. `None` if the channel of the mounted
    /// service has no such parameter, or the value is not one of this type.
    pub fn parameter<T: FromStr>(&self, name: &str) -> Option<T> {
        let value = self.0.shared.endpoint.router.parameter(name, self.channel()?)?;
        T::from_str(&value).ok()
    }

    /// Returns true if the call is on an anonymous channel, for example that of a scoped service.
    pub fn is_on_anonymous_channel(&self) -> bool {
        self.0.channel_state.is_some()
    }

    /// Returns the name of the event or the request.
    pub fn event(&self) -> &str {
        &self.0.call.event
    }

    /// Returns the kind: [`Request`](MessageKind::Request) or [`Event`](MessageKind::Event).
    pub fn kind(&self) -> MessageKind {
        if self.0.call.id.is_some() { MessageKind::Request } else { MessageKind::Event }
    }

    /// Returns the length of the whole message, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.text.len()
    }

    /// Returns an argument, counted from 0. `None` if there is none, or it has another type.
    ///
    /// It is decoded for this alone, and again for the handler.
    pub fn argument<T: DeserializeOwned>(&self, index: usize) -> Option<T> {
        let mut arguments = self.0.call.arguments;
        for _ in 0..index {
            arguments.next::<serde::de::IgnoredAny>().ok()?;
        }
        arguments.next_owned().ok()
    }

    /// Returns the metadata of the call.
    pub fn meta(&self) -> Option<&RawValue> {
        self.0.call.meta
    }

    /// Returns the time that is left until the caller stops waiting, or until which a layer has shortened the call.
    pub fn time_left(&self) -> Option<Duration> {
        self.0.deadline().map(|deadline| deadline.saturating_duration_since(crate::rt::Instant::now()))
    }
}

impl fmt::Debug for GuardCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardCall")
            .field("peer", &self.peer_id())
            .field("channel", &self.channel())
            .field("event", &self.event())
            .finish_non_exhaustive()
    }
}
