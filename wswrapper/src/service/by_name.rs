//! Calls, events and handlers by name, without a contract, as methods of every handle.

use super::closure::{HandlerFn, closure_handler};
use super::contract::{Contract, Serve};
use crate::call::{Call, Emit, FromResponse};
use crate::engine::{ChannelState, DynamicHandlers, Expected, Times};
use crate::error::SendError;
use crate::handle::{AnonymousChannel, Channel, Peer};
use crate::proto::{CallEncoder, ChannelKey, ChannelName, EncodedCall, NameError, Rejection, check_event};
use crate::registry::{Broadcast, BroadcastChannel, EmitToAll};
use crate::value::Encode;
use std::sync::Arc;

/// The arguments of a call by name.
///
/// A tuple holds up to eight arguments, `()` none. A slice holds any number of arguments of one type.
///
/// ```
/// # use wswrapper::{CallError, Peer, Rejection};
/// # async fn example(peer: &Peer) -> Result<(), CallError<Rejection>> {
/// let none = peer.request::<u64>("count", ()).await?;
/// let one = peer.request::<String>("greet", ("Ada",)).await?;
/// let many = peer.request::<i64>("sum", &[1, 2, 3][..]).await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of arguments",
    label = "not a tuple of up to eight values",
    note = "write a tuple: `()` for no argument, `(a,)` for one, `(a, b)` for two; or a slice: `&[a, b][..]`"
)]
pub trait IntoArguments {
    #[doc(hidden)]
    fn encode(self, call: &mut CallEncoder) -> Result<(), SendError>;
}

fn encode_argument<A: Encode + ?Sized>(call: &mut CallEncoder, position: usize, value: &A) -> Result<(), SendError> {
    call.argument(value).map_err(|source| SendError::Encode { position, source })
}

macro_rules! into_arguments {
    ($($type:ident $index:tt),*) => {
        impl<$($type: Encode),*> IntoArguments for ($($type,)*) {
            #[allow(unused_variables, reason = "without arguments there is nothing to encode")]
            fn encode(self, call: &mut CallEncoder) -> Result<(), SendError> {
                $(encode_argument(call, $index + 1, &self.$index)?;)*
                Ok(())
            }
        }
    };
}
into_arguments!();
into_arguments!(A 0);
into_arguments!(A 0, B 1);
into_arguments!(A 0, B 1, C 2);
into_arguments!(A 0, B 1, C 2, D 3);
into_arguments!(A 0, B 1, C 2, D 3, E 4);
into_arguments!(A 0, B 1, C 2, D 3, E 4, F 5);
into_arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
into_arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

impl<A: Encode> IntoArguments for &[A] {
    fn encode(self, call: &mut CallEncoder) -> Result<(), SendError> {
        self.iter().enumerate().try_for_each(|(index, value)| encode_argument(call, index + 1, value))
    }
}

/// Encodes a call by name, on a named channel or on the main channel.
pub(crate) fn encode_call(
    channel: Option<&str>,
    event: &str,
    arguments: impl IntoArguments,
) -> Result<EncodedCall, SendError> {
    channel.map(ChannelName::check).transpose()?;
    check_event(event, channel)?;
    let mut call = CallEncoder::new(event);
    arguments.encode(&mut call)?;
    Ok(call.finish(channel))
}

/// Encodes a call by name on an anonymous channel, where no name is reserved [P-21].
pub(crate) fn encode_on_channel(
    channel: ChannelKey,
    event: &str,
    arguments: impl IntoArguments,
) -> Result<EncodedCall, SendError> {
    check_event(event, Some(""))?;
    let mut call = CallEncoder::new(event);
    arguments.encode(&mut call)?;
    Ok(call.finish_on(channel))
}

/// Defines `on`, `once` and `off` for a handle.
///
/// `$scope` completes their documentation. `$table` is the table of the handlers, `$channel` the name of their
/// channel.
macro_rules! handler_methods {
    ($scope:literal, $self:ident => $table:expr, $channel:expr) => {
        $crate::service::handler_methods!(
            $scope,
            "the peer's `once`, the peer's `on`, the server's `once`, the server's `on`, a mounted service [P-93]",
            $self => $table, $channel
        );
    };
    ($scope:literal, $precedence:literal, $self:ident => $table:expr, $channel:expr) => {
        #[doc = concat!("Handles an event ", $scope, " with a closure.")]
        ///
        /// It replaces the closure of an earlier `on` for the same event. [`HandlerFn`](crate::HandlerFn) says which
        /// arguments and results a closure may have.
        ///
        #[doc = concat!("If an event has several handlers, the first of these runs: ", $precedence, ".")]
        pub fn on<M: 'static>(&$self, event: &str, handler: impl crate::HandlerFn<M>) -> Result<(), crate::NameError> {
            crate::service::add_closure($table, $channel, event, crate::engine::Times::Always, handler)
        }

        /// Handles an event once: the closure is removed before it runs.
        ///
        /// It replaces the closure of an earlier `once` for the same event, and runs before a closure that was added
        /// by [`on`](Self::on).
        pub fn once<M: 'static>(&$self, event: &str, handler: impl crate::HandlerFn<M>) -> Result<(), crate::NameError> {
            crate::service::add_closure($table, $channel, event, crate::engine::Times::Once, handler)
        }

        /// Removes the closures that [`on`](Self::on) and [`once`](Self::once) have added for an event.
        ///
        /// Returns true if there was one. A handler that is running continues.
        pub fn off(&$self, event: &str) -> bool {
            $table.remove($channel, event)
        }
    };
}
pub(crate) use handler_methods;

/// Defines `serve` for a handle whose handlers are on a named or the main channel.
macro_rules! serve_method {
    ($scope:literal, $self:ident => $table:expr, $channel:expr) => {
        #[doc = concat!("Serves a contract ", $scope, " while the program runs.")]
        ///
        /// Its methods replace the closures of [`on`](Self::on) for the same events, and precede services that were
        /// mounted before. [`off`](Self::off) removes one of them.
        pub fn serve<C: crate::Contract + ?Sized>(&$self, service: impl crate::Serve<C>) -> Result<(), crate::NameError> {
            crate::service::add_service($table, $channel, service)
        }
    };
}
pub(crate) use serve_method;

/// Adds the methods of a service to a table of handlers, on this channel or else on that of its contract.
pub(crate) fn add_service<C: Contract + ?Sized, S: Serve<C>>(
    table: &DynamicHandlers,
    channel: Option<&str>,
    service: S,
) -> Result<(), NameError> {
    let channel = channel.or(S::CHANNEL);
    S::shared(&Arc::new(service))
        .into_handlers()
        .try_for_each(|(event, handler)| table.add(channel, event.into(), Times::Always, handler))
}

/// Adds a closure to a table of handlers.
pub(crate) fn add_closure<M: 'static>(
    table: &DynamicHandlers,
    channel: Option<&str>,
    event: &str,
    times: Times,
    handler: impl HandlerFn<M>,
) -> Result<(), NameError> {
    let event: Arc<str> = event.into();
    table.add(channel, Arc::clone(&event), times, closure_handler(event, handler))
}

impl Peer {
    /// Sends an event by name, on the main channel: `peer.emit("moved", (x, y)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> Emit {
        Emit::new(self.connection().clone(), encode_call(None, event, arguments))
    }

    /// Sends a request by name, on the main channel: `peer.request::<i64>("add", (1, 2)).await`.
    ///
    /// Every rejection is returned as [`CallError::Handler`](crate::CallError::Handler).
    pub fn request<T: FromResponse>(&self, event: &str, arguments: impl IntoArguments) -> Call<T, Rejection> {
        Call::new(self.connection().clone(), encode_call(None, event, arguments))
    }

    handler_methods!("of this peer on the main channel", self => self.shared().handlers(), None);
    serve_method!("to this peer", self => self.shared().handlers(), None);
}

impl Channel {
    /// Sends an event by name: `channel.emit("moved", (x, y)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> Emit {
        Emit::new(self.peer().connection().clone(), self.encode(event, arguments))
    }

    /// Sends a request by name: `channel.request::<i64>("add", (1, 2)).await`.
    ///
    /// Every rejection is returned as [`CallError::Handler`](crate::CallError::Handler).
    pub fn request<T: FromResponse>(&self, event: &str, arguments: impl IntoArguments) -> Call<T, Rejection> {
        Call::new(self.peer().connection().clone(), self.encode(event, arguments))
    }

    handler_methods!("of this peer on the channel", self => self.peer().shared().handlers(), Some(self.name()));
    serve_method!("to this peer on the channel", self => self.peer().shared().handlers(), Some(self.name()));

    fn encode(&self, event: &str, arguments: impl IntoArguments) -> Result<EncodedCall, SendError> {
        if self.is_closed() {
            Err(SendError::channel_closed(self.name()))
        } else {
            encode_call(Some(self.name()), event, arguments)
        }
    }
}

impl AnonymousChannel {
    /// Sends an event by name: `channel.emit("moved", (x, y)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> Emit {
        Emit::new(self.peer().connection().clone(), self.encode(event, arguments))
    }

    /// Sends a request by name: `channel.request::<i64>("add", (1, 2)).await`.
    ///
    /// Every rejection is returned as [`CallError::Handler`](crate::CallError::Handler).
    pub fn request<T: FromResponse>(&self, event: &str, arguments: impl IntoArguments) -> Call<T, Rejection> {
        Call::new(self.peer().connection().clone(), self.encode(event, arguments))
    }

    /// Serves a contract on the channel.
    ///
    /// A closure that was added by [`on`](Self::on) or [`once`](Self::once) takes precedence.
    pub fn serve<C: Contract + ?Sized>(&self, service: impl Serve<C>) {
        serve(self.channel_state(), service);
    }

    handler_methods!(
        "of this channel",
        "the one of `once`, the one of `on`, a service",
        self => self.channel_state().handlers(), None
    );

    fn encode(&self, event: &str, arguments: impl IntoArguments) -> Result<EncodedCall, SendError> {
        encode_on_channel(self.key()?, event, arguments)
    }
}

impl Broadcast {
    /// Sends an event by name, on the main channel: `server.broadcast().emit("news", ("hello",)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> EmitToAll {
        self.send(encode_call(None, event, arguments))
    }
}

impl BroadcastChannel {
    /// Sends an event by name: `server.broadcast().channel("news").emit("flash", ("hello",)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> EmitToAll {
        self.send(encode_call(Some(self.name()), event, arguments))
    }
}

impl<E> Call<AnonymousChannel, E> {
    /// Handles an event on the channel, from the first event on.
    ///
    /// A handler that is added to the channel only when the call returns may miss the first events.
    pub fn on<M: 'static>(self, event: &str, handler: impl HandlerFn<M>) -> Result<Self, NameError> {
        if let Expected::Channel(channel_state) = self.expected() {
            add_closure(channel_state.handlers(), None, event, Times::Always, handler)?;
        }
        Ok(self)
    }

    /// Serves a contract on the channel, from the first event on.
    pub fn serve<C: Contract + ?Sized>(self, service: impl Serve<C>) -> Self {
        if let Expected::Channel(channel_state) = self.expected() {
            serve(channel_state, service);
        }
        self
    }
}

/// Serves a contract on an anonymous channel.
pub(super) fn serve<C: Contract + ?Sized, S: Serve<C>>(channel_state: &ChannelState, service: S) {
    let service = Arc::new(service);
    let methods = S::shared(&service);
    channel_state.serve(service, methods);
}
