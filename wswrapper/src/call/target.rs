//! Where a proxy sends.

use super::response::Reply;
use super::source::Source;
use super::upload::UploadCall;
use super::{Call, Emit};
use crate::error::SendError;
use crate::handle::{AnonymousChannel, Channel, Peer};
use crate::proto::{CallEncoder, ChannelName, EncodedCall};
use crate::registry::{Broadcast, EmitToAll};
use crate::value::Encode;
use serde::Serialize;
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
    fn peer(&self) -> &Peer;
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

impl SendTo for Peer {}

impl Target for Peer {
    type Emit = Emit;

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        Emit::new(self.clone(), event)
    }
}

impl Caller for Peer {
    fn peer(&self) -> &Peer {
        self
    }
}

impl SendTo for Channel {}

impl Target for Channel {
    type Emit = Emit;

    fn finish(&self, call: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        if self.is_closed() {
            return Err(SendError::ChannelClosed);
        }
        ChannelName::check(self.name())?;
        Ok(call.finish(Some(self.name())))
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        Emit::new(self.peer().clone(), event)
    }
}

impl Caller for Channel {
    fn peer(&self) -> &Peer {
        self.peer()
    }
}

impl Target for Broadcast {
    type Emit = EmitToAll;

    fn emit(&self, event: Result<EncodedCall, SendError>) -> EmitToAll {
        self.send(event)
    }
}

impl SendTo for AnonymousChannel {}

impl Target for AnonymousChannel {
    type Emit = Emit;

    fn finish(&self, call: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        Ok(call.finish_on(self.key()?))
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        Emit::new(self.peer().clone(), event)
    }
}

impl Caller for AnonymousChannel {
    fn peer(&self) -> &Peer {
        self.peer()
    }
}

macro_rules! into_target {
    ($($target:ty),*) => {$(
        impl IntoTarget for $target {
            type Target = Self;
            fn into_target(self) -> Self {
                self
            }
        }
        impl IntoTarget for &$target {
            type Target = $target;
            fn into_target(self) -> $target {
                self.clone()
            }
        }
    )*};
}
into_target!(Peer, Channel, Broadcast, AnonymousChannel);

/// The inside of a generated proxy.
#[derive(Clone, Debug)]
pub struct Proxy<T> {
    target: T,
    /// The contract's channel, unless the target says another.
    channel: Option<&'static str>,
}

impl<T: Target> Proxy<T> {
    /// For this target, on the contract's channel.
    pub fn new(to: impl IntoTarget<Target = T>, channel: Option<&'static str>) -> Self {
        Self { target: to.into_target(), channel }
    }

    /// Begins a call or an event.
    pub fn call(&self, event: &'static str) -> ProxyCall<'_, T> {
        ProxyCall { proxy: self, encoder: CallEncoder::new(event), arguments: 0, error: None }
    }
}

/// A call or event whose arguments are being encoded.
#[derive(Debug)]
pub struct ProxyCall<'p, T> {
    proxy: &'p Proxy<T>,
    encoder: CallEncoder,
    arguments: usize,
    /// Kept for the await.
    error: Option<SendError>,
}

impl<T: Target> ProxyCall<'_, T> {
    /// Encodes an argument.
    pub fn argument<A: Encode + ?Sized>(&mut self, value: &A) {
        self.arguments += 1;
        if self.error.is_none() {
            let position = self.arguments;
            let encoded = self.encoder.argument(value);
            self.error = encoded.err().map(|source| SendError::Encode { position, source });
        }
    }

    /// As an event.
    pub fn emit(self) -> T::Emit {
        let target = self.proxy.target.clone();
        target.emit(self.finish())
    }

    /// As a request.
    pub fn request<R: Reply, E>(self) -> Call<R, E>
    where
        T: Caller,
    {
        let peer = self.proxy.target.peer().clone();
        Call::new(peer, self.finish())
    }

    /// As a request that sends a stream.
    pub fn upload<R, E>(self, source: Source) -> UploadCall<R, E>
    where
        T: Caller,
    {
        let peer = self.proxy.target.peer().clone();
        UploadCall::new(peer, self.finish(), source)
    }

    fn finish(self) -> Result<EncodedCall, SendError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.proxy.target.finish(self.encoder, self.proxy.channel)
    }
}

/// What a proxy takes for a parameter of type `T`: a `String` is borrowed from whatever text there is.
pub trait Text<T: ?Sized>: Serialize {}

impl<T: Serialize + ?Sized> Text<T> for T {}
impl Text<String> for &str {}
impl Text<String> for &String {}
impl Text<String> for std::borrow::Cow<'_, str> {}
impl Text<String> for Box<str> {}
