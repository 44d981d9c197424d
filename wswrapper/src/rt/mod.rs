//! The clock and the tasks of the runtime. No other module names tokio's, so this is the whole list of what the crate
//! needs of a runtime beside its channels and sockets.
//!
//! These are tokio's own functions and types. A trait object or a wrapper would cost each connection something, and
//! tests pause tokio's clock.

mod timer;

pub(crate) use timer::Timer;
#[cfg(feature = "tungstenite")]
pub(crate) use tokio::time::{sleep, timeout_at};
pub(crate) use tokio::{
    runtime::Handle as RuntimeHandle,
    task::{JoinError, JoinHandle, JoinSet, spawn, spawn_blocking, unconstrained},
    time::{Instant, timeout},
};

use std::time::Duration;

/// The longest wait, 30 years. The clock cannot express every longer one.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Returns the time `wait` after `start`. A wait longer than [`MAX_WAIT`] is shortened to it.
pub(crate) fn after(start: Instant, wait: Duration) -> Instant {
    start.checked_add(wait.min(MAX_WAIT)).unwrap_or(start)
}
