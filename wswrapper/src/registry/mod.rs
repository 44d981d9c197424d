//! The connections of a server or a client, and events to all of them.

mod broadcast;
mod broadcast_channel;

pub use broadcast::{Broadcast, Delivery, EmitToAll};
pub use broadcast_channel::BroadcastChannel;

use crate::engine::{Members, PeerId, Shared};
use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The open connections of a server, or the one of a client.
#[derive(Default)]
pub(crate) struct Registry {
    connections: Mutex<BTreeMap<PeerId, Arc<Shared>>>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerId, Arc<Shared>>> {
        lock(&self.connections)
    }
}

impl Members for Registry {
    fn join(&self, shared: &Arc<Shared>) {
        self.lock().insert(shared.id, Arc::clone(shared));
    }

    fn leave(&self, id: PeerId) {
        let left = self.lock().remove(&id);
        drop(left);
    }

    fn find(&self, id: PeerId) -> Option<Arc<Shared>> {
        self.lock().get(&id).cloned()
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns all connections, so that the caller works with them outside the lock.
    fn all(&self) -> Vec<Arc<Shared>> {
        self.lock().values().cloned().collect()
    }
}
