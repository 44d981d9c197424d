//! The part of generated proxies that does not depend on the contract.

use super::response::FromResponse;
use super::source::Source;
use super::target::{EventFuture, IntoTarget, PeerTarget, RequestTarget, Target};
use super::upload::UploadCall;
use crate::engine::EventPolicy;
use crate::error::SendError;
use crate::proto::{CallEncoder, EncodedCall};
use crate::value::Encode;
use serde::Serialize;

/// A generated proxy without its contract.
#[derive(Clone, Debug)]
pub struct Proxy<T> {
    target: T,
    /// The contract's channel. A channel named by the target wins.
    channel: Option<&'static str>,
}

impl<T: Target> Proxy<T> {
    /// Creates a proxy for a target, on the contract's channel.
    pub fn new(to: impl IntoTarget<Target = T>, channel: Option<&'static str>) -> Self {
        Self { target: to.into_target(), channel }
    }

    /// Starts a call or an event.
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
    /// The first error. It is returned when the call is awaited.
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

    /// Returns the event.
    pub fn emit(self) -> T::Emit {
        let Proxy { target, channel } = self.proxy;
        target.emit(self.written().and_then(|event| target.finish_event(event, *channel)))
    }

    /// Returns the event of a method that says what happens at a full queue.
    pub fn emit_on_full(self, policy: EventPolicy) -> T::Emit {
        self.emit().with_policy(policy)
    }

    /// Returns the request.
    pub fn request<R: FromResponse, E>(self) -> T::Request<R, E>
    where
        T: RequestTarget,
    {
        let target = &self.proxy.target;
        target.request(self.finish())
    }

    /// Returns the request of a method that is marked as idempotent.
    pub fn idempotent_request<R: FromResponse, E>(self) -> T::Request<R, E>
    where
        T: RequestTarget,
    {
        T::idempotent(self.request())
    }

    /// Returns the request with the stream that it sends.
    pub fn upload<R, E>(self, source: Source) -> UploadCall<R, E>
    where
        T: PeerTarget,
    {
        let connection = self.proxy.target.connection().clone();
        UploadCall::new(connection, self.finish(), source)
    }

    fn finish(self) -> Result<EncodedCall, SendError> {
        let Proxy { target, channel } = self.proxy;
        self.written().and_then(|request| target.finish(request, *channel))
    }

    fn written(self) -> Result<CallEncoder, SendError> {
        self.error.map_or(Ok(self.encoder), Err)
    }
}

/// An argument that a proxy accepts for a parameter of type `T`. For a `String` it accepts any text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent for a `{T}`",
    label = "expected a `{T}` or a `&str`",
    note = "convert the value, for example with `.to_string()`"
)]
pub trait Text<T: ?Sized>: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Text<T> for T {}
#[diagnostic::do_not_recommend]
impl Text<String> for &str {}
#[diagnostic::do_not_recommend]
impl Text<String> for &String {}
#[diagnostic::do_not_recommend]
impl Text<String> for std::borrow::Cow<'_, str> {}
#[diagnostic::do_not_recommend]
impl Text<String> for Box<str> {}
