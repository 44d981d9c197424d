//! The set of connections that a connection belongs to.

use super::shared::Shared;
use std::sync::Arc;

/// The connections of a server; of a client its one.
pub(crate) trait Members: Send + Sync {
    /// Takes in a connection that opens; gives its place.
    fn join(&self, shared: Arc<Shared>) -> usize;

    /// The connection of this place has ended.
    fn leave(&self, key: usize);

    fn len(&self) -> usize;

    /// All connections now. What is then done to each happens outside any lock.
    fn all(&self) -> Vec<Arc<Shared>>;
}
