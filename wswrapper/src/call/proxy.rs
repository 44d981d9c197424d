//! The part of generated proxies that does not depend on the contract.

use super::response::FromResponse;
use super::source::Source;
use super::target::{EventFuture, IntoTarget, PeerTarget, RequestTarget, Target};
use super::upload::UploadCall;
use crate::engine::{EventPolicy, encode_value};
use crate::error::SendError;
use crate::proto::{CallEncoder, EncodedCall, NameError};
use crate::value::{ChannelParameter, Encode};
use serde::Serialize;
use std::fmt::Display;
use std::sync::Arc;

/// A generated proxy without its contract.
#[derive(Clone, Debug)]
pub struct Proxy<T> {
    target: T,
    /// The contract's channel. A channel named by the target wins.
    channel: ProxyChannel,
}

/// The channel of a contract, with the values of its parameters.
#[derive(Clone, Debug)]
enum ProxyChannel {
    Fixed(Option<&'static str>),
    Named(Arc<str>),
    /// A parameter has no value.
    Invalid(Arc<NameError>),
}

impl ProxyChannel {
    fn name(&self) -> Result<Option<&str>, SendError> {
        match self {
            Self::Fixed(name) => Ok(*name),
            Self::Named(name) => Ok(Some(name)),
            Self::Invalid(error) => Err(NameError::clone(error).into()),
        }
    }
}

impl<T: Target> Proxy<T> {
    /// Creates a proxy for a target, on the contract's channel.
    pub fn new(to: impl IntoTarget<Target = T>, channel: Option<&'static str>) -> Self {
        Self { target: to.into_target(), channel: ProxyChannel::Fixed(channel) }
    }

    /// Creates a proxy on a channel with parameters, whose values are in the order of the pattern.
    pub fn with_parameters(to: impl IntoTarget<Target = T>, pattern: &'static str, values: &[&dyn Display]) -> Self {
        let channel = name_of_channel(pattern, values);
        let channel = channel
            .map_or_else(|error| ProxyChannel::Invalid(Arc::new(error)), |name| ProxyChannel::Named(name.into()));
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
        target.emit(self.written().and_then(|event| target.finish_event(event, channel.name()?)))
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
        self.written().and_then(|request| target.finish(request, channel.name()?))
    }

    fn written(self) -> Result<CallEncoder, SendError> {
        self.error.map_or(Ok(self.encoder), Err)
    }
}

/// Writes the values of parameters into a pattern. An empty value would make another pattern of it.
fn name_of_channel(pattern: &str, values: &[&dyn Display]) -> Result<String, NameError> {
    let mut name = String::new();
    let mut values = values.iter();
    for (at, segment) in pattern.split('/').enumerate() {
        if at > 0 {
            name.push('/');
        }
        let Some(parameter) = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) else {
            name.push_str(segment);
            continue;
        };
        if !values.next().is_some_and(|value| encode_value(&mut name, value)) {
            return Err(NameError::EmptyParameter(parameter.to_owned()));
        }
    }
    Ok(name)
}

/// Checks the type of a parameter of a channel.
pub fn channel_value<T: ChannelParameter>(value: &T) -> &dyn Display {
    value
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
