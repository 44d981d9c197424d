//! The reference to a connection in all handles, calls and streams.

use super::shared::Shared;
use crate::close::{Close, CloseRequest};
use std::fmt;
use std::sync::Arc;

/// A reference to a connection. The clones of one that a client has given keep its connection open.
#[derive(Clone)]
pub struct ConnectionHandle {
    shared: Arc<Shared>,
    keep_open: Option<Arc<KeepOpen>>,
}

/// Closes a client's connection when the last handle is gone.
struct KeepOpen {
    shared: Arc<Shared>,
}

impl Drop for KeepOpen {
    fn drop(&mut self) {
        self.shared.close(CloseRequest::Close(Close::new(1000, "")));
    }
}

impl ConnectionHandle {
    /// Keeps nothing open.
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), keep_open: None }
    }

    /// Keeps the connection open, together with its clones.
    pub(crate) fn keeping_open(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), keep_open: Some(Arc::new(KeepOpen { shared: Arc::clone(shared) })) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn keeps_open(&self) -> bool {
        self.keep_open.is_some()
    }
}

impl fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionHandle").field(&self.shared.id).finish()
    }
}
