//! Contracts, and the types that serve them.

use super::methods::{Methods, SharedService, handlers, handlers_per_connection};
use crate::call::FromResponse;
use crate::call::Target;
use crate::call::proxy::Proxy;
use crate::engine::Mounted;
use crate::handle::Peer;
use std::sync::Arc;

/// A contract: the methods that a service has on a channel.
///
/// The macros implement it. [`#[ws_service]`](macro@crate::ws_service) on a trait `Calc` implements it for
/// `dyn Calc`. [`#[ws_handlers]`](macro@crate::ws_handlers) on an `impl` without a trait implements it for the type
/// itself.
///
/// ```
/// use wswrapper::{service::Contract, ws_service};
///
/// #[ws_service(channel = "calc")]
/// pub trait Calc {
///     async fn add(&self, a: i64, b: i64) -> i64;
/// }
///
/// assert_eq!(<dyn Calc as Contract>::NAME, "Calc");
/// assert_eq!(<dyn Calc as Contract>::CHANNEL, Some("calc"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not a service",
    note = "add `#[ws_service]` above the trait"
)]
pub trait Contract {
    /// The name of the trait or of the type.
    const NAME: &'static str;
    /// The channel that the contract names.
    ///
    /// A contract with `None` is served on the channel where its service is mounted, by default the main channel. A channel
    /// with parameters is written as its pattern, `doc/{id}`.
    const CHANNEL: Option<&'static str>;
    /// The compile error for handlers that name another channel.
    #[doc(hidden)]
    const CHANNEL_MISMATCH: &'static str;
    /// The proxy that calls the methods through a target.
    type Proxy<T: Target>;
}

/// A contract whose channel has no parameters, so that it can be served on any channel. The macros implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be served on any channel",
    label = "not a service, or one whose channel has parameters",
    note = "a trait needs `#[ws_service]`",
    note = "a service whose channel has parameters is mounted by `.service(..)` of a builder, and cannot be scoped or added later"
)]
pub trait PlainContract: Contract {
    /// The proxy of a scoped service.
    #[doc(hidden)]
    type ScopedProxy: FromResponse;

    /// Creates the proxy.
    #[doc(hidden)]
    fn proxy<T: Target>(to: Proxy<T>) -> Self::Proxy<T>;
}

/// A type with handlers for the contract `C`. [`#[ws_handlers]`](macro@crate::ws_handlers) implements it.
///
/// An [`Arc`] of such a type serves the contract too, so the program can keep the object and use it:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use wswrapper::{Server, error::MountError, ws_handlers};
///
/// #[derive(Default)]
/// struct Counter(AtomicU64);
///
/// #[ws_handlers]
/// impl Counter {
///     pub async fn next(&self) -> u64 {
///         self.0.fetch_add(1, Ordering::Relaxed)
///     }
/// }
///
/// # fn main() -> Result<(), MountError> {
/// let counter = Arc::new(Counter::default());
/// let server = Server::builder().service(Arc::clone(&counter)).build()?;
/// println!("{} calls", counter.0.load(Ordering::Relaxed));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handlers",
    label = "no `#[ws_handlers]` impl for this type",
    note = "for a type of your own, add `#[ws_handlers]` above its `impl` block",
    note = "pass the service itself, or an `Arc` of its type; each service needs a call of its own"
)]
pub trait Serve<C: Contract + ?Sized>: Send + Sync + Sized + 'static {
    /// The channel that the service is mounted on by default.
    const CHANNEL: Option<&'static str> = C::CHANNEL;

    /// Adds the methods of the contract to `methods`.
    #[doc(hidden)]
    fn methods(methods: &mut Methods<Self>);

    /// Returns the handlers of one object that serves all connections.
    #[doc(hidden)]
    fn shared(service: &Arc<Self>) -> Mounted {
        handlers(Self::methods, |method| Box::new(SharedService { service: Arc::clone(service), method }))
    }

    /// Returns the handlers of a service with one object for each connection, which is stored in its sessions at
    /// `session_index`.
    #[doc(hidden)]
    fn per_connection(make: impl Fn(&Peer) -> Self + Send + Sync + 'static, session_index: usize) -> Mounted {
        handlers_per_connection(Self::methods, move |peer| Arc::new(make(peer)), session_index)
    }
}

#[diagnostic::do_not_recommend]
impl<C: Contract + ?Sized, S: Serve<C>> Serve<C> for Arc<S> {
    const CHANNEL: Option<&'static str> = S::CHANNEL;

    fn methods(_: &mut Methods<Self>) {}

    fn shared(service: &Arc<Self>) -> Mounted {
        S::shared(service)
    }

    fn per_connection(make: impl Fn(&Peer) -> Self + Send + Sync + 'static, session_index: usize) -> Mounted {
        handlers_per_connection(S::methods, make, session_index)
    }
}

/// The condition for handlers of a contract that is for clients alone. No type meets it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot serve a contract for clients alone",
    label = "the contract has no handlers to register",
    note = "remove `client` from the `#[ws_service]` of the trait"
)]
pub trait ServesClientContract {}

/// Checks in a constant that the contract names no other channel than `channel`.
///
/// # Panics
///
/// If the contract names another channel. In a constant, a panic is a compile error.
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
    } else {
        let mut index = 0;
        while index < channel.len() {
            assert!(
                channel.as_bytes()[index] != b'{',
                "the parameters of a channel belong to the trait\n\
                 help: write `#[ws_service(channel = \"..\")]` on the trait, whose methods take them"
            );
            index += 1;
        }
    }
}
