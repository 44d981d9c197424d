//! The reference to a connection in all handles, calls and streams.

use super::shared::Link;
use crate::close::{Close, CloseRequest};
use std::fmt;
use std::sync::Arc;

/// A reference to a connection. The clones of one that a client has given keep its connection open.
#[derive(Clone)]
pub struct ConnectionHandle {
    link: Arc<Link>,
    keep: Option<Arc<KeepOpen>>,
}

/// Closes a client's connection when the last handle is gone.
struct KeepOpen {
    link: Arc<Link>,
}

impl Drop for KeepOpen {
    fn drop(&mut self) {
        self.link.close(CloseRequest::Close(Close::new(1000, "")));
    }
}

impl ConnectionHandle {
    /// Keeps nothing open.
    pub(crate) fn of(link: &Arc<Link>) -> Self {
        Self { link: Arc::clone(link), keep: None }
    }

    /// Keeps the connection open, together with its clones.
    pub(crate) fn keeping_open(link: &Arc<Link>) -> Self {
        Self { link: Arc::clone(link), keep: Some(Arc::new(KeepOpen { link: Arc::clone(link) })) }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(crate) fn keeps_open(&self) -> bool {
        self.keep.is_some()
    }
}

impl fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionHandle").field(&self.link.id).finish()
    }
}
