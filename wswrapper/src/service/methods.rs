//! The methods of a service, as shims over its type.

use super::invocation::Invocation;
use crate::call::{Proxy, Target};
use crate::engine::{BadCall, Handler, Label, Mounted, Start, Started};
use crate::handle::Peer;
use crate::proto::Rejection;
use std::fmt;
use std::sync::Arc;

/// A service's contract: what can be called on a channel. [`#[ws_service]`](macro@crate::ws_service) implements it for
/// `dyn Trait`, [`#[ws_handlers]`](macro@crate::ws_handlers) on a plain `impl` for the type itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not a service",
    note = "add `#[ws_service]` above the trait"
)]
pub trait Contract {
    /// The trait's or the type's name.
    const NAME: &'static str;
    /// The channel that the contract names; `None` leaves it to where it is mounted, by default the main channel.
    const CHANNEL: Option<&'static str>;
    /// What the compiler says when handlers name another channel.
    #[doc(hidden)]
    const CHANNEL_MISMATCH: &'static str;
    /// The typed caller.
    type Proxy<T: Target>;

    /// Makes one.
    #[doc(hidden)]
    fn proxy<T: Target>(to: Proxy<T>) -> Self::Proxy<T>;
}

/// A type with handlers for the contract `C`. [`#[ws_handlers]`](macro@crate::ws_handlers) implements it. An [`Arc`] of
/// such a type serves as well, for an object that has other users too: `.service(Arc::clone(&desk))`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handlers",
    label = "no `#[ws_handlers]` impl for this type",
    note = "add `#[ws_handlers]` above an `impl` block of `{Self}`"
)]
pub trait Serves<C: Contract + ?Sized>: Send + Sync + Sized + 'static {
    /// The channel to mount it on.
    const CHANNEL: Option<&'static str> = C::CHANNEL;

    /// Names the handlers.
    #[doc(hidden)]
    fn methods(methods: &mut Methods<Self>);

    /// The handlers of one object that serves all connections.
    #[doc(hidden)]
    fn shared(service: &Arc<Self>) -> Mounted {
        mounted(Self::methods, |method| Box::new(SharedService { service: Arc::clone(service), method }))
    }

    /// The handlers of objects that each connection has one of, in this place among its sessions.
    #[doc(hidden)]
    fn per_peer(make: impl Fn(&Peer) -> Self + Send + Sync + 'static, slot: usize) -> Mounted {
        mounted_per_peer(Self::methods, move |peer| Arc::new(make(peer)), slot)
    }
}

#[diagnostic::do_not_recommend]
impl<C: Contract + ?Sized, S: Serves<C>> Serves<C> for Arc<S> {
    const CHANNEL: Option<&'static str> = S::CHANNEL;

    fn methods(_: &mut Methods<Self>) {}

    fn shared(service: &Arc<Self>) -> Mounted {
        S::shared(service)
    }

    fn per_peer(make: impl Fn(&Peer) -> Self + Send + Sync + 'static, slot: usize) -> Mounted {
        mounted_per_peer(S::methods, make, slot)
    }
}

/// The methods that an expansion names, as handlers.
fn mounted<S>(name: impl FnOnce(&mut Methods<S>), handler: impl Fn(Method<S>) -> Box<dyn Handler>) -> Mounted {
    let mut methods = Methods { all: Vec::new() };
    name(&mut methods);
    Mounted::new(methods.all.into_iter().map(|method| (method.event, handler(method))))
}

/// The same for an object of each connection.
fn mounted_per_peer<S: Send + Sync + 'static>(
    name: impl FnOnce(&mut Methods<S>),
    make: impl Fn(&Peer) -> Arc<S> + Send + Sync + 'static,
    slot: usize,
) -> Mounted {
    let make: Make<S> = Arc::new(make);
    mounted(name, |method| Box::new(PerConnection { make: Arc::clone(&make), slot, method }))
}

/// Fails to compile if the contract names another channel.
///
/// # Panics
///
/// In a constant, where that is a compile error.
#[track_caller]
pub const fn check_channel<C: Contract + ?Sized>(channel: &str) {
    if let Some(contract) = C::CHANNEL {
        let (a, b) = (contract.as_bytes(), channel.as_bytes());
        let mut same = a.len() == b.len();
        let mut at = 0;
        while same && at < a.len() {
            same = a[at] == b[at];
            at += 1;
        }
        assert!(same, "{}", C::CHANNEL_MISMATCH);
    }
}

/// The methods of a service of type `S`, as they are named by an expansion.
pub struct Methods<S> {
    all: Vec<Method<S>>,
}

struct Method<S> {
    event: &'static str,
    parameters: &'static [&'static str],
    shim: Shim<S>,
}

/// Decodes the arguments of a call and starts its handler.
type Shim<S> = for<'c> fn(Invocation<'c, S>) -> Result<Started, BadCall>;

impl<S> Methods<S> {
    /// A method that is called by requests.
    pub fn request(&mut self, event: &'static str, parameters: &'static [&'static str], shim: Shim<S>) {
        self.all.push(Method { event, parameters, shim });
    }

    /// A method that is called by events. Whether an answer is sent is for the call to say, not for the method.
    pub fn event(&mut self, event: &'static str, parameters: &'static [&'static str], shim: Shim<S>) {
        self.request(event, parameters, shim);
    }
}

impl<S> fmt::Debug for Methods<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|method| method.event)).finish()
    }
}

/// A method of one object that serves all connections.
struct SharedService<S> {
    service: Arc<S>,
    method: Method<S>,
}

impl<S: Send + Sync> Handler for SharedService<S> {
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        self.method.start(Arc::clone(&self.service), start)
    }
}

/// Makes the object of a connection.
type Make<S> = Arc<dyn Fn(&Peer) -> Arc<S> + Send + Sync>;

/// A method of an object that each connection has one of.
struct PerConnection<S> {
    make: Make<S>,
    /// Its place among the connection's sessions.
    slot: usize,
    method: Method<S>,
}

impl<S: Send + Sync + 'static> Handler for PerConnection<S> {
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        if start.sessions.len() <= self.slot {
            start.sessions.resize(self.slot + 1, None);
        }
        let session = match &start.sessions[self.slot] {
            Some(session) => Arc::clone(session),
            None => {
                let session: Arc<dyn std::any::Any + Send + Sync> = (self.make)(&Peer::of(start.shared));
                start.sessions[self.slot] = Some(Arc::clone(&session));
                session
            }
        };
        match session.downcast() {
            Ok(session) => self.method.start(session, start),
            // Never: the slot belongs to this service alone.
            Err(_) => Err(BadCall::Rejected(Rejection::internal_error())),
        }
    }
}

impl<S> Method<S> {
    fn start(&self, service: Arc<S>, start: Start<'_>) -> Result<Started, BadCall> {
        (self.shim)(Invocation { service, event: Label::Fixed(self.event), parameters: self.parameters, start })
    }
}
