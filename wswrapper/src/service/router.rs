//! The services that a server or a client mounts.

use super::contract::{Contract, Serve};
use super::layer::{Guard, Layer, guard_step, layer_step};
use crate::engine::{self, Step};
use crate::error::MountError;
use crate::handle::Peer;
use std::fmt;
use std::sync::Arc;

/// Services and their channels: *what* is served, apart from *how* it is reached.
///
/// A [server](crate::server::ServerBuilder::router) or a [client](crate::client::ClientBuilder::router) serves it.
/// Parts of a program may each make a router of their own, which are [merged](Self::merge). A clone serves the same
/// objects.
///
/// ```
/// use wswrapper::{Router, Server, error::MountError, ws_handlers};
///
/// struct Clock;
///
/// #[ws_handlers]
/// impl Clock {
///     pub async fn now(&self) -> u64 {
///         1_700_000_000
///     }
/// }
///
/// fn admin() -> Router {
///     Router::new().service_at("admin", Clock)
/// }
///
/// # fn main() -> Result<(), MountError> {
/// let server = Server::builder().router(Router::new().service(Clock).merge(admin())).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "a router serves nothing until it is given to a server or a client"]
pub struct Router {
    mounts: Vec<Mount>,
    /// Guards and layers, the outermost first.
    steps: Vec<Step>,
}

/// Mounts a service.
type Mount = Arc<dyn Fn(&mut engine::Router) -> Result<(), MountError> + Send + Sync>;

impl Router {
    /// Creates a router without services.
    pub fn new() -> Self {
        Self::default()
    }

    /// Mounts a service: one object that serves all connections.
    ///
    /// It is mounted on the channel that its contract or its handlers name, or else on the main channel. A type that
    /// serves several contracts is mounted by [`service_as`](Self::service_as). To keep using the object, mount it as
    /// an [`Arc`].
    pub fn service<C, S>(self, service: S) -> Self
    where
        S: Serve<C>, // Of several contracts, name one: `service_as::<dyn Contract>`.
        C: Contract + ?Sized,
    {
        self.service_as(service)
    }

    /// Mounts a service for one of the contracts that its type serves: `.service_as::<dyn Math>(desk)`.
    pub fn service_as<C: Contract + ?Sized>(self, service: impl Serve<C>) -> Self {
        let channel = channel_of(&service);
        self.mount(channel, service)
    }

    /// Mounts a service on this channel instead of the channel of its contract.
    ///
    /// The peer creates its proxy for [that channel](Peer::channel).
    pub fn service_at<C: Contract + ?Sized>(self, channel: &str, service: impl Serve<C>) -> Self {
        self.mount(Some(channel), service)
    }

    /// Mounts a service with one object for each connection.
    ///
    /// `make` creates the object at the connection's first call of the service. The object is dropped when the
    /// connection closes.
    pub fn service_with<C, S, F>(self, make: F) -> Self
    where
        S: Serve<C>, // Of several contracts, name one: `service_with::<dyn Contract, _, _>`.
        C: Contract + ?Sized,
        F: Fn(&Peer) -> S + Send + Sync + 'static,
    {
        let make = Arc::new(make);
        self.add(move |router| {
            let make = Arc::clone(&make);
            let session_index = router.add_session();
            router.add_all(S::CHANNEL, S::per_connection(move |peer| make(peer), session_index))
        })
    }

    /// Adds the services of another router, behind its guards and layers, and then those of this one.
    pub fn merge(self, other: Self) -> Self {
        if other.steps.is_empty() {
            let Self { mut mounts, steps } = self;
            mounts.extend(other.mounts);
            return Self { mounts, steps };
        }
        self.add(move |router| other.mount_all(router))
    }

    /// Adds a guard for the calls of all services of this router; see [`layer`](crate::service::layer).
    ///
    /// Guards and layers of a router are asked in the order in which they were added, for services that are mounted
    /// before and after them. They are not for the closures of the server or client, which has
    /// [guards](crate::server::ServerBuilder::guard) of its own.
    ///
    /// ```
    /// use wswrapper::service::layer::{self, GuardCall};
    /// use wswrapper::{Router, Server, error::{MountError, Rejection}, ws_handlers};
    ///
    /// #[derive(Clone)]
    /// struct Admin;
    ///
    /// struct Backup;
    ///
    /// #[ws_handlers(channel = "backup")]
    /// impl Backup {
    ///     pub async fn start(&self) {}
    /// }
    ///
    /// # fn main() -> Result<(), MountError> {
    /// let admin = Router::new().service(Backup).guard(layer::require::<Admin>());
    /// let server = Server::builder().router(admin).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn guard(mut self, guard: impl Guard) -> Self {
        self.steps.push(guard_step(guard));
        self
    }

    /// Adds a layer around the calls of all services of this router; see [`layer`](crate::service::layer).
    ///
    /// The layer that was added first is the outermost.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.steps.push(layer_step(layer));
        self
    }

    fn mount<C: Contract + ?Sized, S: Serve<C>>(self, channel: Option<&str>, service: S) -> Self {
        let (service, channel) = (Arc::new(service), channel.map(Box::<str>::from));
        self.add(move |router| router.add_all(channel.as_deref(), S::shared(&service)))
    }

    fn add(mut self, mount: impl Fn(&mut engine::Router) -> Result<(), MountError> + Send + Sync + 'static) -> Self {
        self.mounts.push(Arc::new(mount));
        self
    }

    /// Mounts all services. The first that cannot be mounted is an error.
    pub(crate) fn build(&self) -> Result<engine::Router, MountError> {
        let mut router = engine::Router::default();
        self.mount_all(&mut router)?;
        Ok(router)
    }

    fn mount_all(&self, router: &mut engine::Router) -> Result<(), MountError> {
        router.with_steps(&self.steps, |router| self.mounts.iter().try_for_each(|mount| mount(router)))
    }
}

fn channel_of<C: Contract + ?Sized, S: Serve<C>>(_: &S) -> Option<&'static str> {
    S::CHANNEL
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("services", &self.mounts.len()).finish_non_exhaustive()
    }
}
