//! The set of connections that a connection belongs to.

use super::id::PeerId;
use super::shared::Shared;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// The connections of a server, or the connection of a client.
pub(crate) trait Members: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Adds a connection that was opened.
    fn join(&self, shared: &Arc<Shared>);

    /// Removes a connection that was closed.
    fn leave(&self, id: PeerId);

    /// Returns the number of connections.
    fn len(&self) -> usize;

    /// Returns the connection with this number.
    fn find(&self, id: PeerId) -> Option<Arc<Shared>>;

    /// Returns all connections, in the order of their numbers. The caller holds no lock while it uses them.
    fn all(&self) -> Arc<[Arc<Shared>]>;
}
