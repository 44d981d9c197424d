//! Locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what no user code runs under: a panic of ours leaves nothing half done that is worth a second one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
