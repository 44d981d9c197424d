//! Handles that wait for the answer to a ping.

use crate::rt::Instant;
use std::collections::VecDeque;
use std::mem;
use std::time::Duration;
use tokio::sync::oneshot;

/// Waits of handles, in the order of their requests. Dropping them fails the waits.
#[derive(Default)]
pub(crate) struct Pings {
    /// Those whose ping was not sent are at the end.
    waits: VecDeque<PingWait>,
    /// The length at which waits that nobody polls any more are removed.
    cleanup_at: usize,
}

struct PingWait {
    /// The number of the ping, and the time at which it was sent.
    sent: Option<(u64, Instant)>,
    waiter: PingWaiter,
}

/// Receives the round trip, or `None` if the transport cannot send pings.
type PingWaiter = oneshot::Sender<Option<Duration>>;
/// Returns the round trip, or `None` if the transport cannot send pings. Fails if the connection is closed.
pub(crate) type Pinged = oneshot::Receiver<Option<Duration>>;

/// Waits that are over. They are notified or dropped outside the lock.
#[derive(Default)]
pub(crate) struct FinishedPings(Vec<(PingWaiter, Option<Duration>)>);

impl Pings {
    /// Fewer waits are not cleaned up.
    const MIN_CLEANUP: usize = 64;

    /// Requests a ping, unless `limit` handles wait. Also returns waits that were dropped.
    pub(crate) fn request(&mut self, limit: usize) -> (Option<Pinged>, FinishedPings) {
        let is_full = self.waits.len() >= limit;
        let dropped = if is_full || self.waits.len() >= self.cleanup_at.max(Self::MIN_CLEANUP) {
            self.remove_dropped()
        } else {
            FinishedPings::default()
        };
        if self.waits.len() >= limit {
            return (None, dropped);
        }
        let (waiter, pinged) = oneshot::channel();
        self.waits.push_back(PingWait { sent: None, waiter });
        (Some(pinged), dropped)
    }

    fn remove_dropped(&mut self) -> FinishedPings {
        let (dropped, waits): (VecDeque<_>, _) =
            mem::take(&mut self.waits).into_iter().partition(|wait| wait.waiter.is_closed());
        self.waits = waits;
        self.cleanup_at = Self::MIN_CLEANUP + 2 * self.waits.len();
        FinishedPings(dropped.into_iter().map(|wait| (wait.waiter, None)).collect())
    }

    /// Returns true if a ping was requested and not sent.
    pub(crate) fn is_requested(&self) -> bool {
        self.waits.back().is_some_and(|wait| wait.sent.is_none())
    }

    /// Records the ping that was sent for all requests so far.
    pub(crate) fn sent(&mut self, number: u64, now: Instant) {
        for wait in self.waits.iter_mut().rev().take_while(|wait| wait.sent.is_none()) {
            wait.sent = Some((number, now));
        }
    }

    /// Takes the waits for the pings up to `number`, which were answered now.
    pub(crate) fn answered(&mut self, number: u64, now: Instant) -> FinishedPings {
        let mut answered = Vec::new();
        while let Some(PingWait { sent: Some((sent, at)), .. }) = self.waits.front()
            && *sent <= number
        {
            let round_trip = now.saturating_duration_since(*at);
            answered.extend(self.waits.pop_front().map(|wait| (wait.waiter, Some(round_trip))));
        }
        FinishedPings(answered)
    }

    /// Takes all waits, because no ping can be sent.
    pub(crate) fn take_all(&mut self) -> FinishedPings {
        FinishedPings(mem::take(&mut self.waits).into_iter().map(|wait| (wait.waiter, None)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }
}

impl FinishedPings {
    /// Notifies the handles that still wait.
    pub(crate) fn notify(self) {
        for (waiter, round_trip) in self.0 {
            // Nobody waits any more if it fails.
            let _ = waiter.send(round_trip);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn request(pings: &mut Pings) -> Pinged {
        pings.request(usize::MAX).0.expect("there is no limit")
    }

    #[test]
    fn a_pong_answers_all_pings_up_to_its_number() {
        let (mut pings, start) = (Pings::default(), Instant::now());
        let [mut first, mut second] = [(); 2].map(|()| request(&mut pings));
        assert!(pings.is_requested());
        pings.sent(3, start);
        let mut third = request(&mut pings);
        pings.sent(5, start + SECOND);
        let mut unsent = request(&mut pings);
        pings.answered(2, start + SECOND).notify();
        assert!(first.try_recv().is_err());
        pings.answered(4, start + 2 * SECOND).notify();
        assert_eq!([first.try_recv(), second.try_recv()].map(Result::ok), [Some(Some(2 * SECOND)); 2]);
        assert!(third.try_recv().is_err());
        pings.answered(6, start + 4 * SECOND).notify();
        assert_eq!(third.try_recv(), Ok(Some(3 * SECOND)));
        assert!(unsent.try_recv().is_err() && pings.is_requested());
        pings.take_all().notify();
        assert_eq!(unsent.try_recv(), Ok(None));
        assert!(pings.is_empty() && !pings.is_requested());
    }

    #[test]
    fn waits_are_bounded_and_dropped_waits_occupy_no_place() {
        let mut pings = Pings::default();
        let kept: Vec<_> = (0..3).map(|_| request(&mut pings)).collect();
        assert!(pings.request(3).0.is_none());
        for _ in 0..10_000 {
            assert!(pings.request(4).0.is_some());
        }
        assert!(pings.waits.len() <= 4);
        for _ in 0..10_000 {
            request(&mut pings);
        }
        assert!(pings.waits.len() <= 2 * Pings::MIN_CLEANUP, "{} waits", pings.waits.len());
        drop(kept);
    }
}
