//! The time for connecting.

use crate::error::{ConnectError, ConnectStep};
use crate::rt::{self, Instant};
use std::time::Duration;

/// The time at which connecting fails.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        Self(rt::after(Instant::now(), timeout))
    }

    /// Waits for a step, or fails with the error that names it.
    pub(super) async fn limit<T>(
        self,
        during: ConnectStep,
        address: &str,
        step: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        let timed_out = |_| ConnectError::TimedOut { address: address.to_owned(), during };
        rt::timeout_at(self.0, step).await.map_err(timed_out)?
    }
}
