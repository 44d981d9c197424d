//! The one timer of a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use tokio::time::{Instant, Sleep};

/// Wakes the driver at the next deadline. No timer exists before the first deadline.
///
/// A later deadline does not change the timer. It then wakes the driver too early and is set again. This is cheaper,
/// because most deadlines are withdrawn long before they pass, and each change goes through the runtime's timer wheel.
/// A timer that need not change is not polled, because most turns leave it as it is.
#[derive(Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// The waker that the timer wakes when it fires.
    waker: Option<Waker>,
}

impl Timer {
    /// Returns true if the time of the timer has passed. Its deadline may have been withdrawn.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.sleep.as_ref().is_some_and(|sleep| sleep.deadline() <= now)
    }

    /// Sets the deadline. Returns true if the timer has fired already.
    pub(crate) fn set(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline else {
            if self.sleep.as_ref().is_some_and(|sleep| sleep.is_elapsed()) {
                *self = Self::default();
            }
            // Otherwise it stays set and may fire in vain. A new deadline may come before that.
            return false;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if deadline < sleep.deadline() || sleep.is_elapsed() {
            sleep.as_mut().reset(deadline);
        } else if self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            // If it fires now, it wakes the driver again.
            return false;
        }
        self.waker = Some(cx.waker().clone());
        sleep.as_mut().poll(cx).is_ready()
    }
}
