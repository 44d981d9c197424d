//! Services that are answers.

use super::by_name::serve;
use super::contract::{Contract, Serves};
use crate::call::{Call, Given, Proxy, Reply, Wish};
use crate::engine::{Answering, Answers, ChannelState, ConnectionHandle, Expected, Response};
use crate::handle::AnonymousChannel;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A service that a handler answers with: it lives on an anonymous channel of its own [P-60].
///
/// The caller gets the contract's proxy, bound to that channel. When the last clone of that is dropped the channel is
/// aborted, and the service is dropped; calls that are then under way end as [`Closed`](crate::CallError::Closed), and its
/// streams end too, with the error `Request aborted`: keep the proxy as long as you use what came from it, so not
/// `desk.register(1).await?.history().await?`.
///
/// ```
/// # use wswrapper::{AnonymousChannel, CallError, Peer, Scoped, ws_handlers, ws_service};
/// # use std::sync::Mutex;
/// #[ws_service]
/// pub trait Register {
///     async fn add(&self, n: i64) -> i64;
/// }
///
/// #[ws_service]
/// pub trait Desk {
///     async fn register(&self, start: i64) -> Scoped<dyn Register>;
/// }
///
/// struct Sum(Mutex<i64>);
///
/// #[ws_handlers]
/// impl Register for Sum {
///     async fn add(&self, n: i64) -> i64 {
///         let mut sum = self.0.lock().unwrap();
///         *sum += n;
///         *sum
///     }
/// }
///
/// struct Office;
///
/// #[ws_handlers]
/// impl Desk for Office {
///     async fn register(&self, start: i64) -> Scoped<dyn Register> {
///         Scoped::new(Sum(Mutex::new(start)))
///     }
/// }
///
/// async fn sum(peer: &Peer) -> Result<i64, CallError<std::convert::Infallible>> {
///     let register: RegisterProxy<AnonymousChannel> = DeskProxy::new(peer).register(1).await?;
///     register.add(2).await
/// }
/// ```
///
/// The channel is full duplex: the caller serves a contract on it too, by [`Call::serve`], and the service calls it by the
/// channel that its [`Context`](crate::Context::called_on) names. A service that wants the channel from the beginning is
/// built [on](Self::on) one. What several callers share is given to each as an [`Arc`]: `Scoped::new(Arc::clone(&sum))`.
pub struct Scoped<C: ?Sized> {
    channel_state: Arc<ChannelState>,
    contract: PhantomData<fn() -> Box<C>>,
}

impl<C: Contract + ?Sized> Scoped<C> {
    /// Serves the contract with this value.
    pub fn new(service: impl Serves<C>) -> Self {
        Self::with_channel_state(ChannelState::new(), service)
    }

    /// The same on a channel that was [made](crate::Context::anonymous_channel) for it, which the value can keep.
    pub fn on(channel: &AnonymousChannel, service: impl Serves<C>) -> Self {
        Self::with_channel_state(Arc::clone(channel.channel_state()), service)
    }

    fn with_channel_state(channel_state: Arc<ChannelState>, service: impl Serves<C>) -> Self {
        serve(&channel_state, service);
        Self { channel_state, contract: PhantomData }
    }
}

#[diagnostic::do_not_recommend]
impl<C: ?Sized> Response for Scoped<C> {
    fn answer(self, answers: &mut Answers<'_>, call: &Answering) {
        answers.channel(call, &self.channel_state);
    }
}

#[diagnostic::do_not_recommend]
impl<C: Contract + ?Sized> Reply for Scoped<C> {
    type Output = C::Proxy<AnonymousChannel>;

    fn expected() -> Wish {
        AnonymousChannel::expected()
    }

    fn from_answer(
        connection: &ConnectionHandle,
        wish: &Wish,
        answer: Given,
    ) -> Result<Self::Output, serde_json::Error> {
        AnonymousChannel::from_answer(connection, wish, answer).map(|channel| C::proxy(Proxy::new(channel, None)))
    }
}

impl<C: Contract + ?Sized, E> Call<Scoped<C>, E> {
    /// Serves a contract at this end of the channel, from its first event on.
    pub fn serve<D: Contract + ?Sized>(self, service: impl Serves<D>) -> Self {
        if let Expected::Channel(channel_state) = self.expected() {
            serve(channel_state, service);
        }
        self
    }

    /// Gives the channel itself instead of the contract's proxy, which can be made for it: `RegisterProxy::new(&channel)`.
    pub fn channel(self) -> Call<AnonymousChannel, E> {
        self.with_reply()
    }
}

impl<C: ?Sized> fmt::Debug for Scoped<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scoped")
    }
}
