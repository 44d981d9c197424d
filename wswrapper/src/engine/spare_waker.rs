//! Registering a waker without running its code under a lock.

use std::task::Waker;

/// A clone of a task's waker that was made before a lock was taken.
///
/// Cloning and dropping a waker may run code of the executor, which may be the user's. The spare stays until it is
/// registered, so a task clones its waker as often as it is taken, and no more.
#[derive(Default)]
pub(crate) struct SpareWaker(Option<Waker>);

impl SpareWaker {
    /// Makes the spare a clone of `waker`. Called without a lock.
    pub(crate) fn prepare(&mut self, waker: &Waker) {
        if !self.0.as_ref().is_some_and(|spare| spare.will_wake(waker)) {
            self.0 = Some(waker.clone());
        }
    }

    /// Registers the spare under a lock. A waker that it replaces becomes the spare, and is dropped later.
    pub(crate) fn register(&mut self, registered: &mut Option<Waker>) {
        match (&registered, &self.0) {
            (Some(registered), Some(spare)) if registered.will_wake(spare) => {}
            _ => std::mem::swap(registered, &mut self.0),
        }
    }
}
