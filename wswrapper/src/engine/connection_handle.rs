//! The reference to a connection that all handles, calls and streams hold.

use super::shared::Shared;
use crate::close::{Close, CloseRequest};
use std::fmt;
use std::sync::Arc;

/// A reference to a connection. A reference that comes from a client keeps the connection open, as do its clones.
#[derive(Clone)]
pub struct ConnectionHandle {
    shared: Arc<Shared>,
    /// `None` if the reference does not keep the connection open.
    keep_open: Option<Arc<KeepOpen>>,
    /// True for the references of the `on_open` hook. What they send goes before everything else.
    is_of_hook: bool,
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
        Self { shared: Arc::clone(shared), keep_open: None, is_of_hook: false }
    }

    /// Creates the reference of an `on_open` hook.
    pub(crate) fn of_hook(shared: &Arc<Shared>) -> Self {
        Self { is_of_hook: true, ..Self::new(shared) }
    }

    /// Creates a reference that keeps the connection open until it and all its clones are dropped. Then `released` is
    /// called.
    pub(crate) fn keeping_open(shared: &Arc<Shared>, released: Box<dyn Fn() + Send + Sync>) -> Self {
        let keep_open = KeepOpen { shared: Arc::clone(shared), released };
        Self { keep_open: Some(Arc::new(keep_open)), ..Self::new(shared) }
    }

    /// Returns true for a reference of the `on_open` hook.
    pub(crate) fn is_of_hook(&self) -> bool {
        self.is_of_hook
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns true if the reference keeps the connection open.
    pub(crate) fn keeps_open(&self) -> bool {
        self.keep_open.is_some()
    }
}

impl fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionHandle").field(&self.shared.id).finish()
    }
}
