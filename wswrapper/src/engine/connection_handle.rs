//! The reference to a connection that all handles, calls and streams hold.

use super::shared::Shared;
use crate::close::{Close, CloseRequest};
use std::fmt;
use std::sync::Arc;

/// A reference to a connection. A reference that comes from a client keeps the connection open, as do its clones.
#[derive(Clone)]
pub struct ConnectionHandle {
    shared: Arc<Shared>,
    /// `None` for most references. It is one pointer, because each stream and each call has a reference.
    role: Option<Arc<Role>>,
}

/// The role of a reference.
enum Role {
    /// It keeps the connection open, together with all its clones.
    KeepOpen { _until_dropped: KeepOpen },
    /// It belongs to the `on_open` hook of this epoch. What it sends during the hook goes before everything else.
    OpenHook(u64),
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
        Self { shared: Arc::clone(shared), role: Some(Arc::new(Role::OpenHook(shared.epoch().number))) }
    }

    /// Creates a reference that keeps the connection open until it and all its clones are dropped. Then `released` is
    /// called.
    pub(crate) fn keeping_open(shared: &Arc<Shared>, released: Box<dyn Fn() + Send + Sync>) -> Self {
        let keep_open = KeepOpen { shared: Arc::clone(shared), released };
        Self { shared: Arc::clone(shared), role: Some(Arc::new(Role::KeepOpen { _until_dropped: keep_open })) }
    }

    /// Returns the number of the epoch whose `on_open` hook the reference belongs to.
    pub(crate) fn hook(&self) -> Option<u64> {
        match self.role.as_deref() {
            Some(Role::OpenHook(epoch)) => Some(*epoch),
            _ => None,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns true if the reference keeps the connection open.
    pub(crate) fn keeps_open(&self) -> bool {
        matches!(self.role.as_deref(), Some(Role::KeepOpen { .. }))
    }
}

impl fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionHandle").field(&self.shared.id).finish()
    }
}
