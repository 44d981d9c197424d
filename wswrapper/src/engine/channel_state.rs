//! The part of an anonymous channel that its handles share with the driver.

use super::id::PeerId;
use super::router::{DynamicHandlers, Entry, Lookup, Mounted};
use super::shared::Shared;
use crate::catch_panic::drop_catching_panic;
use crate::lock::lock;
use crate::proto::{ChannelKey, Reason};
use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tokio::sync::SetOnce;

/// The end of a channel that this end has closed.
pub(crate) fn channel_closed_reason() -> Reason {
    Reason::new("Channel closed")
}

/// What both ends of this process know of a channel: its handlers and its end.
pub(crate) struct ChannelState {
    /// Known when the channel is open.
    key: OnceLock<ChannelKey>,
    /// The connection that it was made for; one that was made for none is for any.
    connection: Option<PeerId>,
    handlers: DynamicHandlers,
    /// None once the channel has ended.
    services: Mutex<Option<Services>>,
    closed: SetOnce<Reason>,
}

/// Services with their methods. One that has none is kept, too: it may do something when it is dropped.
type Services = Vec<(Arc<dyn Any + Send + Sync>, Vec<Arc<Entry>>)>;

impl ChannelState {
    pub(crate) fn new() -> Arc<Self> {
        Self::for_connection(None)
    }

    pub(crate) fn for_connection(connection: Option<PeerId>) -> Arc<Self> {
        Arc::new(Self {
            key: OnceLock::new(),
            connection,
            handlers: DynamicHandlers::anonymous(),
            services: Mutex::new(Some(Vec::new())),
            closed: SetOnce::new(),
        })
    }

    /// What calls on a stream's channel find.
    pub(crate) fn without_handlers() -> Arc<Self> {
        static NONE: OnceLock<Arc<ChannelState>> = OnceLock::new();
        Arc::clone(NONE.get_or_init(Self::new))
    }

    /// Why the channel cannot be opened on this connection.
    pub(crate) fn open_error(&self, connection: PeerId) -> Option<&'static str> {
        if self.is_closed() {
            Some("The channel is closed")
        } else if self.key().is_some() {
            Some("The channel is open already")
        } else if self.connection.is_some_and(|own| own != connection) {
            Some("The channel is another connection's")
        } else {
            None
        }
    }

    /// The channel is open.
    pub(crate) fn open(&self, key: ChannelKey) {
        let known = self.key.get_or_init(|| key);
        debug_assert_eq!(*known, key, "a channel is opened once");
        // Whoever ends it at the same time takes this lock too, and so finds the key or is found to have ended it.
        drop(self.services());
    }

    pub(crate) fn key(&self) -> Option<ChannelKey> {
        self.key.get().copied()
    }

    /// Adds a service with its methods. One that has none is kept, too: it may do something when it is dropped.
    pub(crate) fn serve(&self, service: Arc<dyn Any + Send + Sync>, methods: Mounted) {
        let entries = methods.into_entries().map(Arc::new).collect();
        // One that has ended keeps nothing.
        if let Some(services) = &mut *self.services() {
            services.push((service, entries));
        }
    }

    /// Handlers that are closures.
    pub(crate) fn handlers(&self) -> &DynamicHandlers {
        &self.handlers
    }

    /// How the channel has ended, and those who wait for it.
    pub(crate) fn closed(&self) -> &SetOnce<Reason> {
        &self.closed
    }

    /// The handler of an event.
    pub(crate) fn find_dynamic(&self, event: &str) -> Option<Lookup> {
        self.handlers.find(&crate::proto::Address::Main, event)
    }

    /// Gives back a handler that did not run.
    pub(crate) fn restore(&self, lookup: Lookup) {
        self.handlers.restore(&crate::proto::Address::Main, lookup);
    }

    /// The method of a service.
    pub(crate) fn find(&self, event: &str) -> Option<Arc<Entry>> {
        self.services().iter().flatten().flat_map(|(_, entries)| entries).find(|entry| &*entry.event == event).cloned()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get().is_some()
    }

    /// The channel has ended: drops its handlers; false if it had before.
    pub(crate) fn close(&self, shared: &Arc<Shared>, reason: Reason) -> bool {
        let first = self.closed.set(reason).is_ok();
        if first {
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
