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

#[cfg(test)]
mod tests {
    use super::Timer;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};
    use std::time::Duration;
    use tokio::time::{Instant, sleep_until};

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_waker_is_woken_although_the_timer_is_seldom_polled() {
        let (first, last) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
        let wakers = [&first, &last].map(|wakes| Waker::from(Arc::clone(wakes)));
        let [first_cx, last_cx] = &mut wakers.each_ref().map(Context::from_waker);
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let mut timer = Timer::default();
        assert!(!timer.set(Some(second(1)), first_cx));
        // A later deadline keeps the timer, and another waker replaces the first.
        assert!(!timer.set(Some(second(2)), first_cx));
        assert!(!timer.set(Some(second(2)), last_cx));
        sleep_until(second(1)).await;
        assert_eq!((first.0.load(Ordering::Relaxed), last.0.load(Ordering::Relaxed)), (0, 1));
        // A withdrawn deadline, and a timer after it.
        assert!(!timer.set(None, last_cx));
        assert!(!timer.set(Some(second(3)), last_cx));
        sleep_until(second(3)).await;
        assert_eq!(last.0.load(Ordering::Relaxed), 2);
        assert!(timer.is_due(second(3)));
        assert!(!timer.set(Some(second(4)), last_cx));
        sleep_until(second(4)).await;
        assert_eq!((first.0.load(Ordering::Relaxed), last.0.load(Ordering::Relaxed)), (0, 3));
    }
}
