//! The settings that the builders of servers and of clients have in common.

use crate::engine::{
    AuthRules, BackgroundTasks, Budget, CallSteps, ChannelPattern, DynamicHandlers, Hooks, LocalEndpoint, Observers,
    Step, Totals,
};
use crate::error::MountError;
use crate::limits::Limits;
use crate::proto::Side;
use crate::service::Router;
use std::fmt;
use std::sync::Arc;
use tokio::sync::SetOnce;

/// The settings of a server or a client.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) router: Router,
    /// The guards and layers of all calls.
    pub(crate) steps: Vec<Step>,
    /// Those of the calls on single channels.
    pub(crate) channel_steps: Vec<(ChannelPattern, Step)>,
    pub(crate) auth_rules: AuthRules,
    pub(crate) limits: Limits,
    pub(crate) hooks: Hooks,
    pub(crate) observers: Observers,
    /// The first setting that is invalid.
    error: Option<MountError>,
}

impl Settings {
    /// Keeps the error of a setting, which the build returns.
    pub(crate) fn note(&mut self, result: Result<(), MountError>) {
        self.error = self.error.take().or(result.err());
    }

    /// Fails if a setting is invalid.
    #[cfg(feature = "websocket")]
    pub(crate) fn check(&self) -> Result<(), MountError> {
        self.error.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn build(self, side: Side) -> Result<LocalEndpoint, MountError> {
        let Self { router, steps, channel_steps, auth_rules, limits, hooks, observers, error } = self;
        match error {
            Some(error) => Err(error),
            None => {
                let router = router.build()?;
                for (channel, _) in channel_steps.iter().filter(|(channel, _)| !router.is_mounted_on(channel)) {
                    // It may be one of a handler that is added later.
                    tracing::warn!("no service is mounted on the channel `{}` of a guard or a layer", channel.text());
                }
                let steps = CallSteps::new(&steps, &channel_steps);
                let (handlers, budget) = (DynamicHandlers::default(), Budget::new(limits.max_buffered_bytes));
                let background = Arc::new(BackgroundTasks::new(limits.max_background_tasks));
                let (drain_began, totals, own_tasks) = (SetOnce::new(), Arc::<Totals>::default(), Arc::default());
                Ok(LocalEndpoint {
                    side,
                    steps,
                    auth_rules,
                    router,
                    handlers,
                    limits,
                    hooks,
                    observers,
                    budget,
                    drain_began,
                    totals,
                    own_tasks,
                    background,
                    drain_event: None,
                })
            }
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("router", &self.router)
            .field("limits", &self.limits)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// Defines the methods of a builder with a field `settings`.
macro_rules! settings_methods {
    () => {
        /// Mounts a service: one object that serves all connections; see [`Router::service`](crate::Router::service).
        ///
        /// If a service cannot be mounted, building the server or connecting the client returns the error.
        pub fn service<C, S>(self, service: S) -> Self
        where
            S: crate::service::Serve<C>, // Of several contracts, name one: `service_as::<dyn Contract>`.
            C: crate::service::Contract + ?Sized,
        {
            self.with_router(|router| router.service(service))
        }

        /// Mounts a service for one of the contracts that its type serves: `.service_as::<dyn Math>(desk)`.
        pub fn service_as<C: crate::service::Contract + ?Sized>(self, service: impl crate::service::Serve<C>) -> Self {
            self.with_router(|router| router.service_as(service))
        }

        /// Mounts a service on this channel instead of the channel of its contract; see
        /// [`Router::service_at`](crate::Router::service_at).
        pub fn service_at<C: crate::service::Contract + ?Sized>(
            self,
            channel: &str,
            service: impl crate::service::Serve<C>,
        ) -> Self {
            self.with_router(|router| router.service_at(channel, service))
        }

        /// Mounts a service with one object for each connection; see
        /// [`Router::service_with`](crate::Router::service_with).
        pub fn service_with<C, S, F>(self, make: F) -> Self
        where
            S: crate::service::Serve<C>, // Of several contracts, name one: `service_with::<dyn Contract, _, _>`.
            C: crate::service::Contract + ?Sized,
            F: Fn(&crate::Peer) -> S + Send + Sync + 'static,
        {
            self.with_router(|router| router.service_with(make))
        }

        /// Adds a guard for all calls: also for those of closures, on anonymous channels, and of unknown events.
        ///
        /// Guards and layers of the builder come before those of the services, in the order in which they were added; see
        /// [`layer`](crate::service::layer).
        pub fn guard(mut self, guard: impl crate::service::layer::Guard) -> Self {
            self.settings.steps.push(crate::service::layer::guard_step(guard));
            self
        }

        /// Adds a layer around all calls: also around those of closures, on anonymous channels, and of unknown events.
        ///
        /// The layer that was added first is the outermost; see [`layer`](crate::service::layer).
        pub fn layer(mut self, layer: impl crate::service::layer::Layer) -> Self {
            self.settings.steps.push(crate::service::layer::layer_step(layer));
            self
        }

        /// Adds a guard for the calls on one named channel, and on the anonymous ones that its handlers open, behind those for
        /// all calls.
        ///
        /// A pattern, `doc/{id}`, is for each channel whose name matches. A name that matches several passes all their
        /// guards and layers, in the order in which they were added. If no mounted service has such a channel, a warning is
        /// logged, because a misspelt channel is guarded by nobody.
        pub fn guard_on(self, channel: &str, guard: impl crate::service::layer::Guard) -> Self {
            self.step_on(channel, crate::service::layer::guard_step(guard))
        }

        /// Adds a layer around the calls on one named channel, or on those that match a pattern, inside those around all
        /// calls; see [`guard_on`](Self::guard_on).
        pub fn layer_on(self, channel: &str, layer: impl crate::service::layer::Layer) -> Self {
            self.step_on(channel, crate::service::layer::layer_step(layer))
        }

        fn step_on(mut self, channel: &str, step: crate::engine::Step) -> Self {
            match crate::engine::ChannelPattern::parse(channel) {
                Ok(channel) => self.settings.channel_steps.push((channel, step)),
                Err(error) => self.settings.note(Err(error)),
            }
            self
        }

        /// Mounts the services of a router, in addition to those that are mounted already.
        pub fn router(self, router: crate::Router) -> Self {
            self.with_router(|own| own.merge(router))
        }

        /// Adds a hook that runs before the first call of a peer on a channel; see
        /// [`Router::on_enter`](crate::Router::on_enter).
        pub fn on_enter<F, Fut>(self, channel: &str, hook: F) -> Self
        where
            F: Fn(crate::observe::ChannelVisit) -> Fut + Send + Sync + 'static,
            Fut: std::future::Future<Output: crate::observe::EnterResult> + Send + 'static,
        {
            self.with_router(|router| router.on_enter(channel, hook))
        }

        /// Adds a hook that runs when a peer leaves a channel that it has entered; see
        /// [`Router::on_leave`](crate::Router::on_leave).
        pub fn on_leave<F, Fut>(self, channel: &str, hook: F) -> Self
        where
            F: Fn(crate::observe::ChannelVisit) -> Fut + Send + Sync + 'static,
            Fut: std::future::Future<Output = ()> + Send + 'static,
        {
            self.with_router(|router| router.on_leave(channel, hook))
        }

        fn with_router(mut self, change: impl FnOnce(crate::Router) -> crate::Router) -> Self {
            self.settings.router = change(std::mem::take(&mut self.settings.router));
            self
        }

        /// Sets the limits of each connection. The default is [`Limits::default`](crate::Limits::default).
        pub fn limits(mut self, limits: crate::Limits) -> Self {
            self.settings.limits = limits.with_minimums();
            self
        }

        /// Adds a hook that runs for each new connection, before its first call starts.
        ///
        /// Several hooks run one after the other. After an error the others do not run.
        ///
        /// The hook may call the peer and add handlers for it alone. The peer's calls wait until the hook returns; if
        /// the hooks of both endpoints call each other, give those calls a timeout. At a client, all other calls and
        /// events wait, too, so those of the hook are the first of the connection. It runs for each connection of a client
        /// that [connects again](crate::client::ClientBuilder::reconnect); [`Peer::epoch`](crate::Peer::epoch) counts them.
        ///
        /// The hook returns `()` or a `Result`, see [`OpenResult`](crate::observe::OpenResult). If it returns an error,
        /// or does not return within [`open_timeout`](crate::Limits::open_timeout), the connection is closed with
        /// status 1011. The failure is passed to [`on_error`](Self::on_error); the peer does not receive its text. A
        /// panic is such a failure. To tell the peer the reason, the hook closes the connection itself, for example by
        /// `peer.close(4401, "log in first")`.
        ///
        /// [`Client::connect`](crate::Client::connect) waits for the hook of its own builder, and fails with
        /// [`ConnectError::Open`](crate::error::ConnectError::Open). So does [`Client::rebind`](crate::Client::rebind). A
        /// failure while a client connects again is a failed attempt, and the next one follows. They do not wait for the
        /// hook of the server: if that fails, the client's calls fail with [`CallError::Closed`](crate::CallError::Closed)
        /// and status 1011. `Client::connect_transport` waits for no hook; after a failure the calls of its client fail
        /// with status 1011, too.
        ///
        /// ```
        /// # use wswrapper::{CallError, Server, error::Rejection};
        /// let server = Server::builder().on_open(|peer| async move {
        ///     let name = peer.request::<String>("name", ()).timeout(std::time::Duration::from_secs(5)).await?;
        ///     println!("{name} is connected, by {}", peer.handshake().path());
        ///     Ok::<(), CallError<Rejection>>(())
        /// });
        /// ```
        pub fn on_open<F, Fut>(mut self, hook: F) -> Self
        where
            F: Fn(crate::Peer) -> Fut + Send + Sync + 'static,
            Fut: std::future::Future<Output: crate::observe::OpenResult> + Send + 'static,
        {
            self.settings.hooks.add_open(crate::observe::hooks::open(hook));
            self
        }

        /// Adds a hook that runs for each closed connection, after its handlers and services were dropped.
        ///
        /// Several hooks run one after the other.
        ///
        /// The [extensions](crate::Peer::extensions) of the connection are still there. Whoever waits for the
        /// close, for example in [`Peer::closed`], waits for the hook too, so the hook itself must not. The next attempt of
        /// a client that [connects again](crate::client::ClientBuilder::reconnect) begins after the hook, which has
        /// [`open_timeout`](crate::Limits::open_timeout) and is dropped then. It is not called
        /// if the task of the connection is aborted, for example with its runtime.
        ///
        /// ```
        /// # use wswrapper::{Server, connection::CloseCause};
        /// let server = Server::builder().on_close(|peer, closed| async move {
        ///     match closed.cause {
        ///         CloseCause::Local | CloseCause::Remote => {}
        ///         _ => println!("{}: {closed}", peer.id()),
        ///     }
        /// });
        /// ```
        pub fn on_close<F, Fut>(mut self, hook: F) -> Self
        where
            F: Fn(crate::Peer, crate::connection::Closed) -> Fut + Send + Sync + 'static,
            Fut: std::future::Future<Output = ()> + Send + 'static,
        {
            self.settings.hooks.add_close(crate::observe::hooks::close(hook));
            self
        }

        /// Adds a hook for errors while this endpoint serves a peer: dropped events, internal errors, panics of
        /// handlers and of their background work, and errors of the transport and of [`on_open`](Self::on_open).
        ///
        /// Each error is also logged by `tracing` as a warning. Panics of hooks are only logged.
        ///
        /// ```
        /// # use wswrapper::{Server, error::ServiceError};
        /// let server = Server::builder().on_error(|peer, error| match error {
        ///     ServiceError::Internal { event, source } => eprintln!("{event}: {source}"),
        ///     other => eprintln!("peer {}: {other}", peer.id()),
        /// });
        /// ```
        pub fn on_error(
            self,
            hook: impl Fn(&crate::Peer, &crate::error::ServiceError) + Send + Sync + 'static,
        ) -> Self {
            self.observer(crate::observe::hooks::ErrorHook(hook))
        }

        /// Adds a hook that observes each incoming message, for logging.
        ///
        /// It is called when the message arrives. For a call it is called again when the handler finishes, with the
        /// time that the handler took and its outcome. Without a hook there is no cost.
        ///
        /// ```
        /// # use wswrapper::Server;
        /// let server = Server::builder().on_message(|peer, message| {
        ///     let event = message.event.unwrap_or("-");
        ///     match (message.took, message.outcome) {
        ///         (Some(took), Some(outcome)) => println!("{} {event}: {outcome:?} after {took:?}", peer.id()),
        ///         _ => println!("{} {:?} {event}: {} bytes, {}", peer.id(), message.kind, message.bytes, message.text),
        ///     }
        /// });
        /// ```
        pub fn on_message(
            self,
            hook: impl Fn(&crate::Peer, &crate::observe::MessageLog<'_>) + Send + Sync + 'static,
        ) -> Self {
            self.observer(crate::observe::hooks::MessageHook(hook))
        }

        /// Adds a hook that observes each outgoing message, for logging.
        ///
        /// It is called when the message moves from its queue to the output of the connection, in the order in which
        /// the messages are sent. A message that is still queued when the connection closes is not reported. Without a
        /// hook there is no cost. The hook must not send a message for each message that it gets.
        ///
        /// ```
        /// # use wswrapper::Server;
        /// let server = Server::builder().on_message_sent(|peer, message| {
        ///     println!("to {}: {:?}, {} bytes, {}", peer.id(), message.kind, message.bytes, message.text);
        /// });
        /// ```
        pub fn on_message_sent(
            self,
            hook: impl Fn(&crate::Peer, &crate::observe::MessageLog<'_>) + Send + Sync + 'static,
        ) -> Self {
            self.observer(crate::observe::hooks::SentMessageHook(hook))
        }

        /// Adds a hook that observes each ping of the peer, with its payload.
        ///
        /// The transport answers the ping. Without a hook there is no cost.
        pub fn on_ping(self, hook: impl Fn(&crate::Peer, &[u8]) + Send + Sync + 'static) -> Self {
            self.observer(crate::observe::hooks::PingHook(hook))
        }

        /// Adds a hook that observes each pong of the peer, with its payload.
        ///
        /// A pong answers a ping of the [heartbeat](crate::Limits::heartbeat_interval) or of
        /// [`Peer::ping`](crate::Peer::ping), or was not asked for. Without a hook there is no cost.
        ///
        /// ```
        /// # use wswrapper::Server;
        /// let server = Server::builder().on_pong(|peer, _payload| println!("{} is there", peer.id()));
        /// ```
        pub fn on_pong(self, hook: impl Fn(&crate::Peer, &[u8]) + Send + Sync + 'static) -> Self {
            self.observer(crate::observe::hooks::PongHook(hook))
        }

        /// Logs each message in both directions, with long values cut and chosen members redacted.
        ///
        /// Several logs are independent of each other. Without a log there is no cost.
        ///
        /// ```
        /// # use wswrapper::{Server, observe::WireLog};
        /// let server = Server::builder().wire_log(WireLog::tracing().redact(["password", "token"]));
        /// ```
        pub fn wire_log(mut self, log: crate::observe::WireLog) -> Self {
            log.add_to(&mut self.settings.observers);
            self
        }

        /// Creates spans of `tracing` for connections and calls. They replace spans that were mounted before.
        ///
        /// ```
        /// # use wswrapper::{Server, observe::Spans};
        /// let server = Server::builder().spans(Spans::new());
        /// ```
        pub fn spans(mut self, spans: crate::observe::Spans) -> Self {
            self.settings.observers.set_spans(spans);
            self
        }

        /// Counts connections, calls and bytes by the facade [`metrics`].
        ///
        /// ```
        /// # use wswrapper::{Server, observe::Metrics};
        /// let server = Server::builder().metrics(Metrics::new());
        /// ```
        #[cfg(feature = "metrics")]
        pub fn metrics(self, metrics: crate::observe::Metrics) -> Self {
            self.observer(metrics.observer())
        }

        /// Adds an observer, which is told what happens on the connections.
        pub fn observer(mut self, observer: impl crate::observe::Observer) -> Self {
            self.settings.observers.add(observer);
            self
        }
    };
}
pub(crate) use settings_methods;
