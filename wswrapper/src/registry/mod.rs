//! Everyone who is connected at this end.

mod broadcast;

pub use broadcast::{Broadcast, Delivery, EmitToAll};

use crate::engine::{Link, Members};
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
}

impl Members for Hub {
    fn join(&self, link: Arc<Link>) -> usize {
        self.lock().insert(link)
    }

    fn leave(&self, place: usize) {
        let left = self.lock().try_remove(place);
        drop(left);
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    /// All connections now. What is then done to each happens outside the lock.
    fn all(&self) -> Vec<Arc<Link>> {
        self.lock().iter().map(|(_, link)| Arc::clone(link)).collect()
    }
}
