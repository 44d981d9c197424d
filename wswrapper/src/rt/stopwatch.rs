//! A clock that nobody pauses.

use std::time::{Duration, Instant};

/// Measures how long a thread is occupied.
///
/// It reads the clock of the system. Tests pause tokio's, which then stands still while a handler computes or blocks.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
