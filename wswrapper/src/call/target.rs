//! Targets of calls and events.

use super::response::FromResponse;
use crate::engine::ConnectionHandle;
use crate::error::SendError;
use crate::proto::{CallEncoder, EncodedCall};
use std::future::Future;

/// A target of events.
///
/// A [`Peer`](crate::Peer), a [`Channel`](crate::Channel), an [`AnonymousChannel`](crate::AnonymousChannel) or a
/// [`Broadcast`](crate::server::Broadcast). Only types of this crate are targets.
pub trait Target: SendTo + Clone + Send + Sync + 'static {
    /// The future of an event that was sent to the target.
    type Emit: Future + Send;

    /// The future of a request that was sent to the target: a [`Call`](crate::Call) for one peer.
    ///
    /// It is a type of each target, so that a proxy can name it. Only a [`RequestTarget`] can send one.
    type Request<T, E>;

    /// Completes an encoded call or event with its channel, by default the contract's.
    #[doc(hidden)]
    fn finish(&self, call: CallEncoder, contract: Option<&str>) -> Result<EncodedCall, SendError> {
        Ok(call.finish(contract))
    }

    /// Completes an encoded event. Otherwise like [`finish`](Self::finish).
    #[doc(hidden)]
    fn finish_event(&self, event: CallEncoder, contract: Option<&str>) -> Result<EncodedCall, SendError> {
        self.finish(event, contract)
    }

    #[doc(hidden)]
    fn emit(&self, event: Result<EncodedCall, SendError>) -> Self::Emit;
}

/// Seals [`Target`].
pub trait SendTo {}

/// A target of requests: a [`Target`] that is one peer and so gives one answer.
#[diagnostic::on_unimplemented(
    message = "requests cannot be sent to `{Self}`",
    label = "has no single answer",
    note = "call it on a peer, or mark the method `#[ws(event)]`"
)]
pub trait RequestTarget: Target {
    #[doc(hidden)]
    fn connection(&self) -> &ConnectionHandle;

    #[doc(hidden)]
    fn request<T: FromResponse, E>(&self, request: Result<EncodedCall, SendError>) -> Self::Request<T, E>;

    /// Marks a request as one that may be sent again.
    #[doc(hidden)]
    fn idempotent<T, E>(request: Self::Request<T, E>) -> Self::Request<T, E>;
}

/// A target that names no channel: the proxy of a contract on a channel with parameters, `doc/{id}`, names it.
#[diagnostic::on_unimplemented(
    message = "the channel of this contract has parameters, and `{Self}` is another channel",
    label = "names a channel itself",
    note = "pass `&client`, `&peer` or a broadcast to all, and the values of the parameters"
)]
pub trait UnnamedTarget: Target {}

/// A value that a proxy can be created for: a target, a reference to one, or a `&Client`.
#[diagnostic::on_unimplemented(
    message = "a proxy cannot send to `{Self}`",
    label = "not a client, peer, channel or broadcast",
    note = "pass `&client`, `&peer`, `&channel` or `server.broadcast()`",
    note = "in a handler, the caller is `ctx.peer()`, and the anonymous channel of the call is `ctx.current_channel()`"
)]
pub trait IntoTarget {
    /// The target of the proxy.
    type Target: Target;

    #[doc(hidden)]
    fn into_target(self) -> Self::Target;
}

/// Implements [`IntoTarget`] for handles and for references to them.
macro_rules! into_target {
    ($($target:ty),*) => {$(
        impl crate::call::IntoTarget for $target {
            type Target = Self;
            fn into_target(self) -> Self {
                self
            }
        }
        impl crate::call::IntoTarget for &$target {
            type Target = $target;
            fn into_target(self) -> $target {
                self.clone()
            }
        }
    )*};
}
pub(crate) use into_target;
