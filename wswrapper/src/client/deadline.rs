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

    /// Returns the time that is left.
    pub(super) fn time_left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
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

#[cfg(test)]
mod tests {
    use super::Deadline;
    use crate::error::ConnectStep;
    use std::future::pending;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_steps_share_one_time_and_an_error_names_its_step() {
        let deadline = Deadline::after(Duration::from_secs(1));
        let half = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(())
        };
        deadline.limit(ConnectStep::Lookup, "desk:80", half).await.expect("it is in time");
        for (during, text) in [
            (ConnectStep::Lookup, "the lookup of its name"),
            (ConnectStep::Connect, "the connection"),
            (ConnectStep::Tls, "the TLS handshake"),
            (ConnectStep::Handshake, "the WebSocket handshake"),
        ] {
            let error = deadline.limit::<()>(during, "desk:80", pending()).await.expect_err("it never ends");
            assert_eq!(error.to_string(), format!("connecting to desk:80 took too long: {text} is not finished"));
        }
        assert_eq!(deadline.0.elapsed(), Duration::ZERO);
    }
}
