//! Targets of calls and events.

use super::response::FromResponse;
use crate::engine::{ConnectionHandle, EventPolicy};
use crate::error::SendError;
use crate::proto::{CallEncoder, EncodedCall};
use std::future::Future;

/// A target of events.
///
/// A [`Peer`](crate::Peer), a [`Channel`](crate::Channel), an [`AnonymousChannel`](crate::AnonymousChannel), an
/// [`Audience`](crate::server::Audience) or [`Each`](crate::server::Each) peer of one. Only types of this crate are targets.
pub trait Target: SendTo + Clone + Send + Sync + 'static {
    /// The future of an event that was sent to the target.
    type Emit: EventFuture;

    /// The value of a request that was sent to the target: a [`Call`](crate::Call) for one peer, and
    /// [`Calls`](crate::server::Calls) for each of many.
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

/// The future of an event: [`Emit`](super::Emit) or [`EmitToAudience`](crate::server::EmitToAudience).
///
/// Only types of this crate implement it.
pub trait EventFuture: Future + Send {
    /// Sets what happens if the queue of a peer is full.
    #[doc(hidden)]
    #[must_use]
    fn with_policy(self, policy: EventPolicy) -> Self;
}

/// Seals [`Target`].
pub trait SendTo {}

/// A target of requests: one peer, or each of many.
#[diagnostic::on_unimplemented(
    message = "requests cannot be sent to `{Self}`",
    label = "has no single answer",
    note = "to ask all of its peers, make the proxy for `.each()` of it: `CalcProxy::new(server.room(\"tea\").each())`",
    note = "otherwise call it on a peer, or mark the method `#[ws(event)]`"
)]
pub trait RequestTarget: Target {
    #[doc(hidden)]
    fn request<T: FromResponse, E>(&self, request: Result<EncodedCall, SendError>) -> Self::Request<T, E>;

    /// Marks a request as one that may be sent again.
    #[doc(hidden)]
    fn idempotent<T, E>(request: Self::Request<T, E>) -> Self::Request<T, E>;
}

/// A target of all kinds of requests, also of streams, uploads and scoped services: one peer.
#[diagnostic::on_unimplemented(
    message = "streams, uploads and scoped services need one peer, and `{Self}` is many",
    label = "is not one peer",
    note = "call it on a peer: a `Client`, a `Peer` or a channel of one"
)]
pub trait PeerTarget: RequestTarget {
    #[doc(hidden)]
    fn connection(&self) -> &ConnectionHandle;
}

/// A target that names no channel: the proxy of a contract on a channel with parameters, `doc/{id}`, names it.
#[diagnostic::on_unimplemented(
    message = "the channel of this contract has parameters, and `{Self}` is another channel",
    label = "names a channel itself",
    note = "pass `&client`, `&peer` or an audience, and the values of the parameters"
)]
pub trait UnnamedTarget: Target {}

/// A value that a proxy can be created for: a target, a reference to one, or a `&Client`.
#[diagnostic::on_unimplemented(
    message = "a proxy cannot send to `{Self}`",
    label = "not a client, peer, channel or audience",
    note = "pass `&client`, `&peer`, `&channel`, `server.broadcast()` or `server.room(..)`",
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
