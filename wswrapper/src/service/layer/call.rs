//! A call, as a layer sees it.

use crate::engine::{Extensions, LayeredCall, MessageKind, PeerId};
use crate::handle::Peer;
use crate::handshake::Handshake;
use crate::rt::{Instant, after};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A call, as a [`Layer`](super::Layer) sees it, until it passes it [on](super::Next::run).
///
/// Its frame is known to be JSON.
pub struct LayerCall(pub(super) LayeredCall);

impl LayerCall {
    /// Returns the peer that called.
    pub fn peer(&self) -> Peer {
        Peer::of(&self.0.shared)
    }

    /// Returns the number of the connection.
    pub fn peer_id(&self) -> PeerId {
        self.0.shared.id
    }

    /// Returns the HTTP request that opened the connection.
    pub fn handshake(&self) -> &Handshake {
        &self.0.state.epoch.handshake
    }

    /// Returns the values of this call. The handler and inner layers get them by
    /// [`Context::extension`](crate::Context::extension).
    pub fn call_extensions(&self) -> &Extensions {
        self.0.state.extensions()
    }

    /// Returns the values that are stored with the connection.
    pub fn connection_extensions(&self) -> &Extensions {
        &self.0.state.epoch.extensions
    }

    /// Returns a copy of the value of this type that an outer layer has stored with the call, or that is stored with the
    /// connection.
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.0.state.extension()
    }

    /// Returns the name of the channel. `None` is the main channel, or an anonymous one.
    pub fn channel(&self) -> Option<&str> {
        self.0.state.channel.as_deref()
    }

    /// Returns the value of a [parameter](crate::guide::channels) of the channel. `None` if the channel of the mounted
    /// service has no such parameter, or the value is not one of this type.
    pub fn parameter<T: FromStr>(&self, name: &str) -> Option<T> {
        let value = self.0.shared.endpoint.router.parameter(name, self.channel()?)?;
        T::from_str(&value).ok()
    }

    /// Returns true if the call is on an anonymous channel, for example that of a scoped service.
    pub fn is_on_anonymous_channel(&self) -> bool {
        self.0.state.channel_state.is_some()
    }

    /// Returns the name of the event or the request.
    pub fn event(&self) -> &str {
        &self.0.event
    }

    /// Returns the kind: [`Request`](MessageKind::Request) or [`Event`](MessageKind::Event).
    pub fn kind(&self) -> MessageKind {
        if self.0.state.id.is_some() { MessageKind::Request } else { MessageKind::Event }
    }

    /// Returns the length of the whole message, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.text.len()
    }

    /// Returns the arguments as JSON.
    pub fn arguments(&self) -> Vec<&RawValue> {
        let call = self.0.decode();
        call.and_then(|mut call| call.arguments.collect().ok()).unwrap_or_default()
    }

    /// Returns an argument, counted from 0. `None` if there is none, or it has another type.
    ///
    /// It is decoded for this alone, and again for the handler.
    pub fn argument<T: DeserializeOwned>(&self, index: usize) -> Option<T> {
        let mut arguments = self.0.decode()?.arguments;
        for _ in 0..index {
            arguments.next::<IgnoredAny>().ok()?;
        }
        arguments.next_owned().ok()
    }

    /// Returns the metadata of the call.
    pub fn meta(&self) -> Option<&RawValue> {
        self.0.decode()?.meta
    }

    /// Returns true if the event has a handler now.
    pub fn has_handler(&self) -> bool {
        self.0.has_handler()
    }

    /// Returns the time that is left until the caller stops waiting, or until which a layer has shortened the call.
    pub fn time_left(&self) -> Option<Duration> {
        let of_caller = self.0.state.caller_timeout.map(|timeout| after(self.0.received_at, timeout));
        let deadline = of_caller.into_iter().chain(self.0.state.deadline()).min();
        deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Shortens the time of the call: if no handler has responded until then, the handler is dropped, and the call is
    /// rejected with the code `ws:TimedOut`. A longer time than what is left changes nothing.
    ///
    /// The time ends with the response. What a stream sends after that is not limited.
    pub fn shorten(&mut self, timeout: Duration) {
        self.0.state.shorten(after(Instant::now(), timeout));
    }
}

impl fmt::Debug for LayerCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerCall")
            .field("peer", &self.peer_id())
            .field("channel", &self.channel())
            .field("event", &self.event())
            .finish_non_exhaustive()
    }
}
