//! Measurements of allocations, memory and fairness. They run one at a time.

mod allocations;
mod channel_names;
mod fairness;
mod handshakes;
mod large_messages;
mod memory;
mod soak;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits until no other test of this program runs. Each test takes the guard first.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    // A failed test does not affect the next one.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
