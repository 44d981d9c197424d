//! The services that a server or a client mounts.

use super::contract::{Contract, Serve};
use super::layer::{Guard, Layer, guard_step, layer_step};
use crate::engine::{self, ChannelHook, ChannelPattern, Step};
use crate::error::MountError;
use crate::handle::Peer;
use crate::observe::{ChannelVisit, EnterResult, enter_hook, leave_hook};
use std::fmt;
use std::future::Future;
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
    /// The hooks of channels, in the order in which they were added.
    hooks: Vec<Result<(ChannelPattern, ChannelHook), MountError>>,
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
    /// The peer creates its proxy for [that channel](Peer::channel). Methods that take parameters from the name of their
    /// channel need a channel with these parameters: `archive/{id}`.
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
        let Self { mut mounts, steps, mut hooks } = self;
        hooks.extend(other.hooks.iter().cloned());
        if other.steps.is_empty() {
            mounts.extend(other.mounts);
            return Self { mounts, steps, hooks };
        }
        Self { mounts, steps, hooks }.add(move |router| other.mount_all(router))
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

    /// Adds a hook that runs before the first call of a peer on a channel: of one name, or of each that matches a pattern,
    /// `doc/{id}`.
    ///
    /// It runs when all guards and layers have let a call of a mounted service pass, before its arguments are read. The
    /// peer's calls on that channel wait for it, and are then handled in their order; others go on. If it returns an error,
    /// they are rejected with it, and the next call tries again. A panic is such an error. It may call the peer, but must not
    /// wait for calls of the peer on the same channel. It is dropped, and the channel not entered, if all calls that
    /// wait for it are cancelled or the connection is closed.
    ///
    /// A peer stays on the channel until [`Peer::leave_channel`] or the end of the connection. Then the hooks of
    /// [`on_leave`](Self::on_leave) run. It can be on at most [`max_channels_per_peer`](crate::Limits::max_channels_per_peer)
    /// channels with hooks; a call on a further one is rejected with the code `ws:TooMany`.
    ///
    /// Hooks hold for all services on the channel, also those of other routers. Several hooks of a channel run one after
    /// the other; after an error the others do not run. A hook for a channel without services is an error when the
    /// server is built or the client connects. Calls of closures and of services that are added later run no hooks.
    ///
    /// ```
    /// use wswrapper::{Router, observe::ChannelVisit, ws_service, ws_handlers};
    ///
    /// #[ws_service(channel = "doc/{id}")]
    /// pub trait Doc {
    ///     async fn text(&self, id: u64) -> String;
    /// }
    ///
    /// struct Docs;
    ///
    /// #[ws_handlers]
    /// impl Doc for Docs {
    ///     async fn text(&self, id: u64) -> String {
    ///         format!("the text of {id}")
    ///     }
    /// }
    ///
    /// let router = Router::new()
    ///     .service(Docs)
    ///     .on_enter("doc/{id}", |visit: ChannelVisit| async move {
    ///         match visit.parameter::<u64>("id") {
    ///             Some(0) => Err("this document is closed"),
    ///             _ => Ok(()),
    ///         }
    ///     })
    ///     .on_leave("doc/{id}", |visit: ChannelVisit| async move {
    ///         println!("{} has left {}", visit.peer().id(), visit.name());
    ///     });
    /// ```
    pub fn on_enter<F, Fut>(self, channel: &str, hook: F) -> Self
    where
        F: Fn(ChannelVisit) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: EnterResult> + Send + 'static,
    {
        self.add_hook(channel, enter_hook(hook))
    }

    /// Adds a hook that runs when a peer leaves a channel that it has [entered](Self::on_enter), which is of this name or
    /// matches this pattern.
    ///
    /// That is when [`Peer::leave_channel`] is called, or when the connection is closed, after its handlers were dropped and
    /// before [`on_close`](crate::server::ServerBuilder::on_close). The hooks of a closed connection run one after the
    /// other. A panic is logged. Without a hook of `on_enter`, a peer enters the channel with its first call.
    pub fn on_leave<F, Fut>(self, channel: &str, hook: F) -> Self
    where
        F: Fn(ChannelVisit) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.add_hook(channel, leave_hook(hook))
    }

    fn add_hook(mut self, channel: &str, hook: ChannelHook) -> Self {
        self.hooks.push(ChannelPattern::parse(channel).map(|pattern| (pattern, hook)));
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
        router.set_hooks(self.hooks.iter().cloned().collect::<Result<_, _>>()?);
        self.mount_all(&mut router)?;
        router.check_hooks()?;
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
