//! The one timer of a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The end of a wait; one that is beyond the clock's end is as good as none.
pub(crate) fn after(start: Instant, wait: Duration) -> Instant {
    const MAX_WAIT: Duration = Duration::from_hours(24 * 365 * 30);
    start.checked_add(wait.min(MAX_WAIT)).unwrap_or(start)
}

/// Wakes the driver at the soonest deadline; costs nothing while there has been none.
///
/// A timer that is set too early is left alone: most deadlines are taken back long before they come, and each change
/// goes through the runtime's timer wheel.
#[derive(Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Whether the time has come for which it was set, or a deadline that was taken back.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.sleep.as_ref().is_some_and(|sleep| sleep.deadline() <= now)
    }

    /// Sets the deadline; true if it has passed already.
    pub(crate) fn set(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline else {
            if self.sleep.as_ref().is_some_and(|sleep| sleep.is_elapsed()) {
                self.sleep = None;
            }
            // Else it fires once for nothing: by then there may be another.
            return self.sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready());
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if deadline < sleep.deadline() || sleep.is_elapsed() {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}
