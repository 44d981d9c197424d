//! The one timer of a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use tokio::time::{Instant, Sleep};

/// Wakes the driver at the soonest deadline; costs nothing while there is none.
#[derive(Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Whether the deadline has passed.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.sleep.as_ref().is_some_and(|sleep| sleep.deadline() <= now)
    }

    /// Sets the deadline; true if it has passed already.
    pub(crate) fn set(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline else {
            self.sleep = None;
            return false;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}
