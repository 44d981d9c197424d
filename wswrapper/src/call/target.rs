//! Where a proxy sends.

use crate::engine::ConnectionHandle;
use crate::error::SendError;
use crate::proto::{CallEncoder, EncodedCall};
use std::future::Future;

/// What events can be sent to: a [`Peer`], a [`Channel`], an [`AnonymousChannel`], a [`Broadcast`].
pub trait Target: SendTo + Clone + Send + Sync + 'static {
    /// The future of an event that is sent.
    type Emit: Future + Send;

    /// Ends a call or event with the channel that it is on, by default the contract's.
    #[doc(hidden)]
    fn finish(&self, call: CallEncoder, contract: Option<&str>) -> Result<EncodedCall, SendError> {
        Ok(call.finish(contract))
    }

    #[doc(hidden)]
    fn emit(&self, event: Result<EncodedCall, SendError>) -> Self::Emit;
}

/// Only this crate's types are targets.
pub trait SendTo {}

/// What requests can be sent to: a [`Target`] with a single answer.
#[diagnostic::on_unimplemented(
    message = "requests cannot be sent to `{Self}`",
    label = "has no single answer",
    note = "call it on a peer, or mark the method `#[ws(event)]`"
)]
pub trait Caller: Target {
    #[doc(hidden)]
    fn connection(&self) -> &ConnectionHandle;
}

/// What a proxy can be made for.
#[diagnostic::on_unimplemented(
    message = "a proxy cannot send to `{Self}`",
    label = "not a client, peer, channel or broadcast",
    note = "pass `&client`, `&peer`, `&channel` or `server.broadcast()`",
    note = "in a handler, the caller is `ctx.peer()`, and the anonymous channel of the call is `ctx.called_on()`"
)]
pub trait IntoTarget {
    /// Where it then sends.
    type Target: Target;

    #[doc(hidden)]
    fn into_target(self) -> Self::Target;
}

/// Makes a handle a target by itself and by reference.
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
