//! Calls, events and handlers by name, without a contract, as methods of every handle.

use super::channel_call::serve;
use super::closure::{HandlerFn, closure_handler};
use super::contract::{Contract, PlainContract, Serve};
use crate::call::{Call, Emit, FromResponse, RequestTarget, Target};
use crate::engine::{DynamicHandlers, Times};
use crate::error::SendError;
use crate::handle::{AnonymousChannel, Audience, AudienceChannel, Calls, Channel, Each, EmitToAudience, Peer};
use crate::proto::{CallEncoder, ChannelName, EncodedCall, NameError, Rejection, check_event};
use crate::value::Encode;
use std::sync::Arc;

/// The arguments of a call by name.
///
/// A tuple holds up to eight arguments, `()` none. A slice holds any number of arguments of one type.
///
/// ```
/// # use wswrapper::{CallError, Peer, error::Rejection};
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
fn encode_on_channel(event: &str, arguments: impl IntoArguments) -> Result<CallEncoder, SendError> {
    check_event(event, Some(""))?;
    let mut call = CallEncoder::new(event);
    arguments.encode(&mut call)?;
    Ok(call)
}

/// Defines `on`, `once` and `off` for a handle.
///
/// `$scope` completes their documentation. `$table` is the table of the handlers, `$channel` the name of their
/// channel, and `$names` has the names of all events that are handled.
macro_rules! handler_methods {
    ($scope:literal, $self:ident => $table:expr, $channel:expr, $names:expr) => {
        $crate::service::handler_methods!(
            $scope,
            "the peer's `once`, the peer's `on`, the server's `once`, the server's `on`, a mounted service [P-93]",
            $self => $table, $channel, $names
        );
    };
    ($scope:literal, $precedence:literal, $self:ident => $table:expr, $channel:expr, $names:expr) => {
        #[doc = concat!("Handles an event ", $scope, " with a closure.")]
        ///
        /// It replaces the closure of an earlier `on` for the same event. [`HandlerFn`](crate::service::HandlerFn) says
        /// which arguments and results a closure may have.
        ///
        #[doc = concat!("If an event has several handlers, the first of these runs: ", $precedence, ".")]
        pub fn on<M: 'static>(
            &$self,
            event: &str,
            handler: impl crate::service::HandlerFn<M>,
        ) -> Result<(), crate::error::NameError> {
            crate::service::add_closure($table, $channel, event, crate::engine::Times::Always, handler)
        }

        /// Handles an event once: the closure is removed before it runs.
        ///
        /// It replaces the closure of an earlier `once` for the same event, and runs before a closure that was added
        /// by [`on`](Self::on).
        pub fn once<M: 'static>(
            &$self,
            event: &str,
            handler: impl crate::service::HandlerFn<M>,
        ) -> Result<(), crate::error::NameError> {
            crate::service::add_closure($table, $channel, event, crate::engine::Times::Once, handler)
        }

        /// Removes the closures that [`on`](Self::on) and [`once`](Self::once) have added for an event.
        ///
        /// Returns true if there was one. A handler that is running continues.
        pub fn off(&$self, event: &str) -> bool {
            $table.remove($channel, event)
        }

        #[doc = concat!("Returns the names of the events ", $scope, " that this endpoint handles, in alphabetical order.")]
        ///
        /// Handlers are closures and methods of services, wherever they were added. Those of other channels are not
        /// among them.
        pub fn event_names(&$self) -> Vec<String> {
            $names.into_iter().collect()
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
        pub fn serve<C: crate::service::PlainContract + ?Sized>(
            &$self,
            service: impl crate::service::Serve<C>,
        ) -> Result<(), crate::error::NameError> {
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

    handler_methods!(
        "of this peer on the main channel",
        self => self.shared().handlers(), None, self.shared().event_names(None)
    );
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

    handler_methods!(
        "of this peer on the channel",
        self => self.peer().shared().handlers(), Some(self.name()), self.peer().shared().event_names(Some(self.name()))
    );
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
    ///
    /// Before the channel is [opened](Self::opened), the event waits in it and is sent after the response that opens
    /// it. It is lost if the handler does not return the channel, and [`flush`](Self::flush) does not wait for it.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> Emit {
        let event = encode_on_channel(event, arguments).and_then(|call| self.finish_event(call, None));
        Target::emit(self, event)
    }

    /// Sends a request by name: `channel.request::<i64>("add", (1, 2)).await`.
    ///
    /// Every rejection is returned as [`CallError::Handler`](crate::CallError::Handler).
    pub fn request<T: FromResponse>(&self, event: &str, arguments: impl IntoArguments) -> Call<T, Rejection> {
        let request = encode_on_channel(event, arguments).and_then(|call| self.finish(call, None));
        Call::new(self.peer().connection().clone(), request)
    }

    /// Serves a contract on the channel.
    ///
    /// A closure that was added by [`on`](Self::on) or [`once`](Self::once) takes precedence.
    pub fn serve<C: PlainContract + ?Sized>(&self, service: impl Serve<C>) {
        serve(self.channel_state(), service);
    }

    handler_methods!(
        "of this channel",
        "the one of `once`, the one of `on`, a service",
        self => self.channel_state().handlers(), None, self.channel_state().event_names()
    );
}

impl Audience {
    /// Sends an event by name, on the main channel: `server.broadcast().emit("news", ("hello",)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> EmitToAudience {
        self.send(encode_call(None, event, arguments))
    }
}

impl AudienceChannel {
    /// Sends an event by name: `server.broadcast().channel("news").emit("flash", ("hello",)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> EmitToAudience {
        self.send(encode_call(Some(self.name()), event, arguments))
    }
}

impl Each<Audience> {
    /// Sends a request by name to each peer, on the main channel: `server.room("tea").each().request::<u32>("load", ())`.
    ///
    /// Every rejection is returned as [`CallError::Handler`](crate::CallError::Handler).
    pub fn request<T: FromResponse>(&self, event: &str, arguments: impl IntoArguments) -> Calls<T, Rejection> {
        RequestTarget::request(self, encode_call(None, event, arguments))
    }
}

impl Each<AudienceChannel> {
    /// Sends a request by name to each peer, on the channel.
    ///
    /// Every rejection is returned as [`CallError::Handler`](crate::CallError::Handler).
    pub fn request<T: FromResponse>(&self, event: &str, arguments: impl IntoArguments) -> Calls<T, Rejection> {
        RequestTarget::request(self, encode_call(Some(self.audience().name()), event, arguments))
    }
}
