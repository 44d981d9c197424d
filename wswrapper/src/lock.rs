//! Locking without poisoning.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex and ignores poisoning.
///
/// No user code runs under the crate's locks, except the writer of a wire log under its own. If the crate itself panics
/// under one, a second panic would not help.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The mutex of the registry.
#[cfg(not(all(test, wswrapper_shuttle)))]
pub(crate) mod explored {
    pub(crate) use super::lock;
    pub(crate) use std::sync::{Mutex, MutexGuard};
}

/// The mutex of the registry, in a test that explores the orders in which threads take it.
#[cfg(all(test, wswrapper_shuttle))]
pub(crate) mod explored {
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
