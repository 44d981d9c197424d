//! Contracts, and what serves them.

use super::methods::{Methods, SharedService, handlers, handlers_per_connection};
use crate::call::{Proxy, Target};
use crate::engine::Mounted;
use crate::handle::Peer;
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
        handlers(Self::methods, |method| Box::new(SharedService { service: Arc::clone(service), method }))
    }

    /// The handlers of objects that each connection has one of, in this place among its sessions.
    #[doc(hidden)]
    fn per_connection(make: impl Fn(&Peer) -> Self + Send + Sync + 'static, session_index: usize) -> Mounted {
        handlers_per_connection(Self::methods, move |peer| Arc::new(make(peer)), session_index)
    }
}

#[diagnostic::do_not_recommend]
impl<C: Contract + ?Sized, S: Serves<C>> Serves<C> for Arc<S> {
    const CHANNEL: Option<&'static str> = S::CHANNEL;

    fn methods(_: &mut Methods<Self>) {}

    fn shared(service: &Arc<Self>) -> Mounted {
        S::shared(service)
    }

    fn per_connection(make: impl Fn(&Peer) -> Self + Send + Sync + 'static, session_index: usize) -> Mounted {
        handlers_per_connection(S::methods, make, session_index)
    }
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
        let mut equal = a.len() == b.len();
        let mut index = 0;
        while equal && index < a.len() {
            equal = a[index] == b[index];
            index += 1;
        }
        assert!(equal, "{}", C::CHANNEL_MISMATCH);
    }
}
