//! Services that a handler answers with.

use super::channel_call::serve;
use super::contract::{PlainContract, Serve};
use crate::call::FromResponse;
use crate::engine::{Answering, Answers, ChannelState, Response};
use crate::handle::AnonymousChannel;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A service that a handler answers with. It is served on an anonymous channel of its own.
///
/// The caller gets a proxy that is bound to the channel [P-60]. When the last clone of the proxy is dropped, the
/// channel is aborted and the service is dropped. Calls under way fail with
/// [`CallError::Closed`](crate::CallError::Closed), and streams of the service finish with the error
/// `Request aborted`. So keep the proxy in a variable for as long as you use its streams:
/// `desk.register(1).await?.history().await?` drops it at once.
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
/// Calls can go in both directions. The caller can serve a contract on the channel too, with [`Call::serve`](crate::Call::serve); a handler
/// of the service calls it through [`Context::current_channel`](crate::Context::current_channel). A service that needs
/// the channel before its first call is created with [`Scoped::on`]. To share one service among several callers, wrap
/// it in an [`Arc`]: `Scoped::new(Arc::clone(&sum))`.
pub struct Scoped<C: ?Sized> {
    channel_state: Arc<ChannelState>,
    contract: PhantomData<fn() -> Box<C>>,
}

impl<C: PlainContract + ?Sized> Scoped<C> {
    /// Creates a scoped service that serves the contract on a new channel.
    pub fn new(service: impl Serve<C>) -> Self {
        Self::with_channel_state(ChannelState::new(), service)
    }

    /// Creates a scoped service on a channel from [`Context::open_channel`](crate::Context::open_channel).
    ///
    /// `service` can keep a clone of the channel.
    pub fn on(channel: &AnonymousChannel, service: impl Serve<C>) -> Self {
        Self::with_channel_state(Arc::clone(channel.channel_state()), service)
    }

    fn with_channel_state(channel_state: Arc<ChannelState>, service: impl Serve<C>) -> Self {
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

/// The result that a caller receives for a value of this type.
pub trait CallerResult {
    /// The type of the result.
    type Result: FromResponse;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> CallerResult for T {
    type Result = T;
}

impl<C: PlainContract + ?Sized> CallerResult for Scoped<C> {
    type Result = C::ScopedProxy;
}

impl<C: ?Sized> fmt::Debug for Scoped<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scoped")
    }
}
