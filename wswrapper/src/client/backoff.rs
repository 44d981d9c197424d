//! The waits before the attempts to connect.

use super::reconnect::Reconnect;
use crate::rt::{Instant, after};
use std::time::Duration;

/// The waits of one client.
#[derive(Debug)]
pub(super) struct Backoff {
    policy: Reconnect,
    random: fastrand::Rng,
    /// The waits since the last reset.
    waits: u32,
    /// The attempts since then.
    attempts: u64,
    /// The time of the first failure or loss after the last connection.
    failing_since: Option<Instant>,
}

impl Backoff {
    pub(super) fn new(policy: Reconnect) -> Self {
        let random = policy.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { policy, random, waits: 0, attempts: 0, failing_since: None }
    }

    /// Starts again, because the program has asked for a connection.
    pub(super) fn reset(&mut self) {
        (self.waits, self.attempts, self.failing_since) = (0, 0, None);
    }

    /// Counts an attempt, and returns its number.
    pub(super) fn next_attempt(&mut self) -> u64 {
        self.attempts += 1;
        self.attempts
    }

    /// Returns the number of attempts.
    pub(super) fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Records that a connection is open.
    pub(super) fn opened(&mut self) {
        self.failing_since = None;
    }

    /// Records the loss of a connection that was open for this time.
    pub(super) fn connection_lost(&mut self, open_for: Duration) {
        // The attempt of the program itself does not count.
        if open_for >= self.policy.reset_after || self.waits == 0 {
            self.reset();
        }
    }

    /// Returns the time of the next attempt, which is at least `retry_after` from now. `None` if the client gives up.
    pub(super) fn next_time(&mut self, retry_after: Duration, now: Instant) -> Option<Instant> {
        if self.policy.max_attempts.is_some_and(|max| self.attempts >= max) {
            return None;
        }
        let longest =
            self.policy.base_delay.saturating_mul(2_u32.saturating_pow(self.waits)).min(self.policy.max_delay);
        let longest = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        let delay = Duration::from_nanos(self.random.u64(0..=longest));
        let time = after(now, retry_after.saturating_add(delay));
        let since = *self.failing_since.get_or_insert(now);
        if self.policy.max_time.is_some_and(|max| time.saturating_duration_since(since) > max) {
            return None;
        }
        self.waits = self.waits.saturating_add(1);
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Returns the waits of a client whose attempts all fail.
    fn waits(policy: Reconnect, count: usize) -> Vec<Duration> {
        let (mut backoff, now) = (Backoff::new(policy), Instant::now());
        let waits = std::iter::from_fn(|| {
            let time = backoff.next_time(Duration::ZERO, now)?;
            backoff.next_attempt();
            Some(time - now)
        });
        waits.take(count).collect()
    }

    #[test]
    fn each_wait_is_uniform_up_to_a_bound_that_doubles() {
        let all: Vec<_> = (0..2_000).map(|seed| waits(Reconnect::default().seed(seed), 10)).collect();
        for (n, bound) in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0].into_iter().enumerate() {
            let parts: Vec<_> = all.iter().map(|waits| waits[n].as_secs_f64() / bound).collect();
            assert!(parts.iter().all(|part| (0.0..=1.0).contains(part)), "wait {n}");
            for tenth in 0..10 {
                let lower = f64::from(tenth) / 10.0;
                let count = parts.iter().filter(|part| (lower..lower + 0.1).contains(*part)).count();
                assert!((130..270).contains(&count), "wait {n}: {count} of 2,000 from {lower} on");
            }
        }
    }

    #[test]
    fn the_waits_of_a_seed_are_always_the_same() {
        let seeded = Reconnect::default().seed(7);
        assert_eq!(waits(seeded.clone(), 20), waits(seeded, 20));
        assert_ne!(waits(Reconnect::default().seed(8), 20), waits(Reconnect::default().seed(9), 20));
        assert_ne!(waits(Reconnect::default(), 20), waits(Reconnect::default(), 20));
    }

    #[test]
    fn a_time_of_the_server_is_added() {
        let (mut backoff, now) = (Backoff::new(Reconnect::default()), Instant::now());
        for _ in 0..100 {
            backoff.reset();
            let wait = backoff.next_time(3 * SECOND, now).expect("it never gives up") - now;
            assert!((3 * SECOND..=3 * SECOND + SECOND / 2).contains(&wait), "{wait:?}");
        }
        assert!(backoff.next_time(Duration::MAX, now).expect("it never gives up") > now);
    }

    #[test]
    fn it_gives_up_after_the_attempts_or_the_time_of_the_policy() {
        assert_eq!(waits(Reconnect::default().max_attempts(3), 10).len(), 3);
        assert_eq!(waits(Reconnect::default().max_attempts(0), 10).len(), 0);
        let (mut backoff, start) = (Backoff::new(Reconnect::default().max_time(60 * SECOND)), Instant::now());
        let mut now = start;
        while let Some(time) = backoff.next_time(Duration::ZERO, now) {
            now = time;
        }
        assert!(now > start + 30 * SECOND && now <= start + 60 * SECOND);
    }

    #[test]
    fn only_a_connection_that_was_open_for_long_resets_the_waits() {
        let (mut backoff, now) = (Backoff::new(Reconnect::default().seed(1)), Instant::now());
        for _ in 0..8 {
            backoff.next_time(Duration::ZERO, now).expect("it never gives up");
            backoff.next_attempt();
        }
        backoff.connection_lost(29 * SECOND);
        assert_eq!((backoff.waits, backoff.attempts()), (8, 8));
        backoff.connection_lost(30 * SECOND);
        assert_eq!((backoff.waits, backoff.attempts()), (0, 0));
        // The delay of many waits does not overflow.
        backoff.waits = u32::MAX;
        assert!(backoff.next_time(Duration::ZERO, now).expect("it never gives up") <= now + 30 * SECOND);
    }
}
