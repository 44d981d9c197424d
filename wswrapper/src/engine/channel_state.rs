//! The state of an anonymous channel.

use super::early_events::EarlyEvents;
use super::id::PeerId;
use super::layers::Steps;
use super::router::{DynamicHandlers, Entry, Lookup, Mounted};
use super::shared::Shared;
use crate::catch_panic::drop_catching_panic;
use crate::lock::lock;
use crate::proto::{Address, ChannelKey, Reason, Rejection, code};
use std::any::Any;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::Poll;
use tokio::sync::SetOnce;

/// Returns the reason of a channel that this endpoint has closed.
pub(crate) fn channel_closed_reason() -> Reason {
    Reason::new("Channel closed").with_code(code::CHANNEL_CLOSED)
}

/// The state that the handles of an anonymous channel share with the driver: its handlers, and whether it is closed.
pub(crate) struct ChannelState {
    /// Set when the channel is opened.
    key: SetOnce<ChannelKey>,
    /// The only connection on which it can be opened; `None` allows any.
    connection: Option<PeerId>,
    /// The guards and layers of its calls, if they are not only those of all calls.
    steps: OnceLock<Steps>,
    /// Handlers that are closures.
    handlers: DynamicHandlers,
    /// `None` once the channel is closed.
    services: Mutex<Option<Services>>,
    /// Events that are sent when the channel is opened.
    pub(super) early_events: Mutex<EarlyEvents>,
    /// Set when the channel is closed.
    closed: SetOnce<Reason>,
}

/// Services and their methods. A service without methods is kept too, because its drop may have an effect.
type Services = Vec<(Arc<dyn Any + Send + Sync>, Vec<Arc<Entry>>)>;

impl ChannelState {
    /// Creates the state of a channel that can be opened on any connection.
    pub(crate) fn new() -> Arc<Self> {
        Self::for_connection(None)
    }

    /// Creates the state of a channel that can be opened on `connection` only, or on any.
    pub(crate) fn for_connection(connection: Option<PeerId>) -> Arc<Self> {
        Arc::new(Self {
            key: SetOnce::new(),
            connection,
            steps: OnceLock::new(),
            handlers: DynamicHandlers::anonymous(),
            services: Mutex::new(Some(Vec::new())),
            early_events: Mutex::default(),
            closed: SetOnce::new(),
        })
    }

    /// Returns the state that is used for calls on the channel of a stream, which has no handlers.
    pub(crate) fn without_handlers() -> Arc<Self> {
        static NONE: OnceLock<Arc<ChannelState>> = OnceLock::new();
        Arc::clone(NONE.get_or_init(Self::new))
    }

    /// Returns the reason for which the channel cannot be opened on `connection`, if there is one.
    pub(crate) fn open_error(&self, connection: PeerId) -> Option<Rejection> {
        if self.is_closed() {
            Some(Rejection::new("The channel is closed").with_code(code::CHANNEL_CLOSED))
        } else if self.key().is_some() {
            Some(Rejection::new("The channel is open already").with_code(code::INTERNAL))
        } else if self.connection.is_some_and(|own| own != connection) {
            Some(Rejection::new("The channel is another connection's").with_code(code::INTERNAL))
        } else {
            None
        }
    }

    /// Lets the calls on the channel pass the steps of the call that opens it.
    pub(crate) fn inherit(&self, steps: &Steps) {
        // A channel is opened once.
        let _ = self.steps.set(Arc::clone(steps));
    }

    /// Returns the guards and layers of its calls, if they are not only those of all calls.
    pub(crate) fn steps(&self) -> Option<&Steps> {
        self.steps.get()
    }

    /// Records that the channel was opened.
    pub(crate) fn open(&self, key: ChannelKey) {
        let first = self.key.set(key).is_ok();
        debug_assert!(first || self.key() == Some(key), "a channel is opened once");
        // `close` takes this lock too. So either the closing task sees the key, or the caller sees the channel closed.
        drop(self.services());
    }

    /// Waits until the channel is opened or closed.
    pub(crate) async fn opened(&self) {
        let (mut opened, mut closed) = (pin!(self.key.wait()), pin!(self.closed.wait()));
        poll_fn(|cx| {
            let is_over = opened.as_mut().poll(cx).is_ready() || closed.as_mut().poll(cx).is_ready();
            if is_over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Returns the key of the channel once it was opened.
    pub(crate) fn key(&self) -> Option<ChannelKey> {
        self.key.get().copied()
    }

    /// Adds a service with its methods. A closed channel drops them.
    pub(crate) fn serve(&self, service: Arc<dyn Any + Send + Sync>, methods: Mounted) {
        let entries = methods.into_entries().map(Arc::new).collect();
        if let Some(services) = &mut *self.services() {
            services.push((service, entries));
        }
    }

    /// Returns the handlers that are closures.
    pub(crate) fn handlers(&self) -> &DynamicHandlers {
        &self.handlers
    }

    /// Returns the reason of the close, which can be waited for.
    pub(crate) fn closed(&self) -> &SetOnce<Reason> {
        &self.closed
    }

    /// Finds the handler of a call on the channel: a closure, or a method of a service.
    pub(crate) fn find_handler(&self, address: &Address<'_>, event: &str) -> Option<Lookup<'_>> {
        self.handlers.find(address, event).or_else(|| {
            let services = self.services();
            let mut entries = services.iter().flatten().flat_map(|(_, entries)| entries);
            entries.find(|entry| &*entry.event == event).cloned().map(Lookup::Shared)
        })
    }

    /// Returns true if the event has a handler on the channel.
    pub(crate) fn has_handler(&self, address: &Address<'_>, event: &str) -> bool {
        self.handlers.contains(address, event) || {
            let services = self.services();
            services.iter().flatten().flat_map(|(_, entries)| entries).any(|entry| &*entry.event == event)
        }
    }

    /// Returns the names of the events that are handled on the channel.
    pub(crate) fn event_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.handlers.add_event_names(None, &mut names);
        let services = self.services();
        let entries = services.iter().flatten().flat_map(|(_, entries)| entries);
        names.extend(entries.map(|entry| entry.event.to_string()));
        names
    }

    /// Returns true if the channel is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get().is_some()
    }

    /// Records that the channel is closed, and drops its handlers. Returns false if it was closed before.
    pub(crate) fn close(&self, shared: &Arc<Shared>, reason: Reason) -> bool {
        let first = self.closed.set(reason).is_ok();
        if first {
            self.drop_early_events(shared);
            let services = self.services().take();
            for handler in self.handlers.close() {
                shared.report_drop_panic(drop_catching_panic(handler), "an anonymous channel's handlers");
            }
            for service in services.into_iter().flatten() {
                shared.report_drop_panic(drop_catching_panic(service), "an anonymous channel's service");
            }
        }
        first
    }

    /// Closes the channel at both endpoints.
    pub(crate) fn abort(&self, shared: &Arc<Shared>, reason: Option<&Reason>) {
        let close_reason = reason.cloned().unwrap_or_else(Reason::aborted);
        if self.close(shared, close_reason)
            && let Some(key) = self.key.get()
        {
            shared.abort_channel(*key, reason);
        }
    }

    fn services(&self) -> MutexGuard<'_, Option<Services>> {
        lock(&self.services)
    }
}
