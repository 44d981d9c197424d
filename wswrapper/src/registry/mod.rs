//! Everyone who is connected at this end.

mod broadcast;

pub use broadcast::{Broadcast, Delivery, EmitToAll};

use crate::engine::{Members, Shared};
use crate::lock::lock;
use slab::Slab;
use std::sync::{Arc, Mutex, MutexGuard};

/// The connections of a server; of a client its one.
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

    /// All connections now. What is then done to each happens outside the lock.
    fn all(&self) -> Vec<Arc<Shared>> {
        self.lock().iter().map(|(_, shared)| Arc::clone(shared)).collect()
    }
}
