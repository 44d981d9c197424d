//! Everyone who is connected at this end.

mod broadcast;

pub use broadcast::{Broadcast, Delivery, EmitToAll};

use crate::engine::Link;
use crate::lock::lock;
use slab::Slab;
use std::sync::{Arc, Mutex, MutexGuard};

/// The connections of a server; of a client its one.
#[derive(Default)]
pub(crate) struct Hub {
    links: Mutex<Slab<Arc<Link>>>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Slab<Arc<Link>>> {
        lock(&self.links)
    }

    pub(crate) fn join(&self, link: Arc<Link>) -> usize {
        self.lock().insert(link)
    }

    pub(crate) fn leave(&self, place: usize) {
        let left = self.lock().try_remove(place);
        drop(left);
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// All connections now. What is then done to each happens outside the lock.
    pub(crate) fn all(&self) -> Vec<Arc<Link>> {
        self.lock().iter().map(|(_, link)| Arc::clone(link)).collect()
    }
}
