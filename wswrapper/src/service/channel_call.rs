//! Calls whose response opens an anonymous channel.

use super::by_name::add_closure;
use super::closure::HandlerFn;
use super::contract::{Contract, PlainContract, Serve};
use crate::call::proxy::Proxy;
use crate::call::response::ReceivedResponse;
use crate::call::{Call, FromResponse};
use crate::engine::{ChannelState, Expected, Times};
use crate::error::NameError;
use crate::handle::{AnonymousChannel, ValueOrChannel};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A result on an anonymous channel: the channel, or a generated proxy that calls on it.
#[diagnostic::on_unimplemented(
    message = "a call of `{Self}` opens no channel",
    label = "not an `AnonymousChannel`, and not a proxy of one"
)]
pub trait OnChannel: FromResponse {}

impl OnChannel for AnonymousChannel {}
impl<T: DeserializeOwned> OnChannel for ValueOrChannel<T> {}

impl<T: OnChannel, E> Call<T, E> {
    /// Handles an event on the channel that the response opens, from the first event on.
    ///
    /// A handler that is added to the channel only when the call returns may miss the first events.
    pub fn on<M: 'static>(self, event: &str, handler: impl HandlerFn<M>) -> Result<Self, NameError> {
        self.handle(event, Times::Always, handler)
    }

    /// Handles an event once on the channel that the response opens, from the first event on.
    pub fn once<M: 'static>(self, event: &str, handler: impl HandlerFn<M>) -> Result<Self, NameError> {
        self.handle(event, Times::Once, handler)
    }

    /// Serves a contract on the caller's side of the channel that the response opens, from the first event on.
    pub fn serve<C: PlainContract + ?Sized>(self, service: impl Serve<C>) -> Self {
        if let Expected::Channel(channel_state) = self.expected() {
            serve(channel_state, service);
        }
        self
    }

    /// Returns the call with the channel itself as its result, instead of a proxy.
    ///
    /// A proxy can be created for the channel later: `RegisterProxy::new(&channel)`.
    pub fn into_channel(self) -> Call<AnonymousChannel, E> {
        self.with_result()
    }

    fn handle<M: 'static>(self, event: &str, times: Times, handler: impl HandlerFn<M>) -> Result<Self, NameError> {
        if let Expected::Channel(channel_state) = self.expected() {
            add_closure(channel_state.handlers(), None, event, times, handler)?;
        }
        Ok(self)
    }
}

/// Returns the base of a proxy on the channel that a response has opened.
pub fn proxy_on_channel(response: ReceivedResponse<'_>) -> Result<Proxy<AnonymousChannel>, serde_json::Error> {
    AnonymousChannel::from_response(response).map(|channel| Proxy::new(channel, None))
}

/// Serves a contract on an anonymous channel.
pub(super) fn serve<C: Contract + ?Sized, S: Serve<C>>(channel_state: &ChannelState, service: S) {
    let service = Arc::new(service);
    let methods = S::shared(&service);
    channel_state.serve(service, methods);
}
