//! The set of connections that a connection belongs to.

use super::shared::Shared;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// The connections of a server, or the connection of a client.
pub(crate) trait Members: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Adds a connection that was opened, and returns its key.
    fn join(&self, shared: Arc<Shared>) -> usize;

    /// Removes a connection that was closed.
    fn leave(&self, key: usize);

    /// Returns the number of connections.
    fn len(&self) -> usize;

    /// Returns all connections. The caller holds no lock while it uses them.
    fn all(&self) -> Vec<Arc<Shared>>;
}
