//! The connections of a server or a client, and events to all of them.

mod broadcast;

pub use broadcast::{Broadcast, Delivery, EmitToAll};

use crate::engine::{Members, Shared};
use crate::lock::lock;
use slab::Slab;
use std::sync::{Arc, Mutex, MutexGuard};

/// The open connections of a server, or the one of a client.
#[derive(Default)]
pub(crate) struct Registry {
    connections: Mutex<Slab<Arc<Shared>>>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Slab<Arc<Shared>>> {
        lock(&self.connections)
    }
}

impl Members for Registry {
    fn join(&self, shared: Arc<Shared>) -> usize {
        self.lock().insert(shared)
    }

    fn leave(&self, index: usize) {
        let left = self.lock().try_remove(index);
        drop(left);
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns all connections, so that the caller works with them outside the lock.
    fn all(&self) -> Vec<Arc<Shared>> {
        self.lock().iter().map(|(_, shared)| Arc::clone(shared)).collect()
    }
}
