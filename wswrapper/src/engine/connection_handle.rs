//! The reference to a connection that all handles, calls and streams hold.

use super::shared::Shared;
use crate::close::{Close, CloseRequest};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A reference to a connection. A reference that comes from a client keeps the connection open, as do its clones.
#[derive(Clone)]
pub struct ConnectionHandle {
    shared: Arc<Shared>,
    /// `None` for most references. It is one pointer, because each stream and each call has a reference.
    role: Option<Arc<Role>>,
}

/// The role of a reference.
#[derive(Clone, Default)]
struct Role {
    /// It keeps the connection open, together with all its clones.
    keep_open: Option<Arc<KeepOpen>>,
    /// It belongs to the `on_open` hook of this epoch. What it sends during the hook goes before everything else.
    hook: Option<u64>,
    defaults: CallDefaults,
}

/// The settings of the requests that are sent by a reference.
#[derive(Clone, Default)]
pub(crate) struct CallDefaults {
    pub(crate) timeout: Option<Duration>,
    /// The members of the metadata, without braces.
    pub(crate) members: Option<Arc<str>>,
}

/// Closes a client's connection when the last handle is dropped.
struct KeepOpen {
    shared: Arc<Shared>,
    /// Called after that.
    released: Box<dyn Fn() + Send + Sync>,
}

impl Drop for KeepOpen {
    fn drop(&mut self) {
        self.shared.close(CloseRequest::local(Close::NORMAL, ""));
        (self.released)();
    }
}

impl ConnectionHandle {
    /// Creates a reference that does not keep the connection open.
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), role: None }
    }

    /// Creates the reference of an `on_open` hook.
    pub(crate) fn of_hook(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            role: Some(Arc::new(Role { hook: Some(shared.epoch().number), ..Role::default() })),
        }
    }

    /// Creates a reference that keeps the connection open until it and all its clones are dropped. Then `released` is
    /// called.
    pub(crate) fn keeping_open(shared: &Arc<Shared>, released: Box<dyn Fn() + Send + Sync>) -> Self {
        let keep_open = Some(Arc::new(KeepOpen { shared: Arc::clone(shared), released }));
        Self { shared: Arc::clone(shared), role: Some(Arc::new(Role { keep_open, ..Role::default() })) }
    }

    /// Returns the number of the epoch whose `on_open` hook the reference belongs to.
    pub(crate) fn hook(&self) -> Option<u64> {
        self.role.as_ref().and_then(|role| role.hook)
    }

    /// Returns the settings of requests, if there are any.
    pub(crate) fn defaults(&self) -> Option<&CallDefaults> {
        self.role.as_deref().map(|role| &role.defaults)
    }

    /// Creates a reference with other settings of requests, and otherwise like this one.
    pub(crate) fn with_defaults(&self, change: impl FnOnce(&mut CallDefaults)) -> Self {
        let mut role = self.role.as_deref().cloned().unwrap_or_default();
        change(&mut role.defaults);
        Self { shared: Arc::clone(&self.shared), role: Some(Arc::new(role)) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns true if the reference keeps the connection open.
    pub(crate) fn keeps_open(&self) -> bool {
        self.role.as_ref().is_some_and(|role| role.keep_open.is_some())
    }
}

impl fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionHandle").field(&self.shared.id).finish()
    }
}
