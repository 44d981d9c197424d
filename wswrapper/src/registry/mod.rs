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
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    by_id: BTreeMap<PeerId, Arc<Shared>>,
    /// All connections, until one joins or leaves. A broadcast then copies one reference instead of each.
    list: Option<Arc<[Arc<Shared>]>>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Connections> {
        lock(&self.connections)
    }
}

impl Members for Registry {
    fn join(&self, shared: &Arc<Shared>) {
        let mut connections = self.lock();
        let replaced = (connections.by_id.insert(shared.id, Arc::clone(shared)), connections.list.take());
        drop(connections);
        drop(replaced);
    }

    fn leave(&self, id: PeerId) {
        let mut connections = self.lock();
        let left = (connections.by_id.remove(&id), connections.list.take());
        drop(connections);
        // Outside the lock: the last reference to a connection drops a user's values.
        drop(left);
    }

    fn find(&self, id: PeerId) -> Option<Arc<Shared>> {
        self.lock().by_id.get(&id).cloned()
    }

    fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    fn all(&self) -> Arc<[Arc<Shared>]> {
        let Connections { by_id, list } = &mut *self.lock();
        Arc::clone(list.get_or_insert_with(|| by_id.values().cloned().collect()))
    }
}
