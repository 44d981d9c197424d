//! The clock and the tasks of the runtime. No other module names tokio's, so this is the whole list of what the crate
//! needs of a runtime beside its channels and sockets.
//!
//! These are tokio's own functions and types. A trait object or a wrapper would cost each connection something, and
//! tests pause tokio's clock.

#[cfg(debug_assertions)]
mod stopwatch;
mod timer;

#[cfg(debug_assertions)]
pub(crate) use stopwatch::Stopwatch;
pub(crate) use timer::Timer;
#[cfg(feature = "websocket")]
pub(crate) use tokio::time::timeout_at;
pub(crate) use tokio::{
    runtime::Handle as RuntimeHandle,
    task::{JoinError, JoinHandle, JoinSet, spawn, spawn_blocking, unconstrained, yield_now},
    time::{Instant, Sleep, sleep, timeout},
};

use std::sync::OnceLock;
use std::time::Duration;

/// The distance between the times that [`rounded_up`] returns.
pub(crate) const ROUNDING_STEP: Duration = Duration::from_millis(500);

/// Returns `time` or a time less than [`ROUNDING_STEP`] later, which is the same one for all connections whose times are
/// close.
///
/// Waking them together saves most of what it costs to wake them.
#[inline]
pub(crate) fn rounded_up(time: Instant) -> Instant {
    const STEP: u32 = ROUNDING_STEP.subsec_nanos();
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    let nanos = time.saturating_duration_since(start).subsec_nanos() % STEP;
    if nanos == 0 { time } else { time + Duration::from_nanos(u64::from(STEP - nanos)) }
}

/// The longest wait, 30 years. The clock cannot express every longer one.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Returns the time `wait` after `start`. A wait longer than [`MAX_WAIT`] is shortened to it.
pub(crate) fn after(start: Instant, wait: Duration) -> Instant {
    start.checked_add(wait.min(MAX_WAIT)).unwrap_or(start)
}
