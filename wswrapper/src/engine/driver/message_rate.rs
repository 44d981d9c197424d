//! The rate at which a message arrives.

use crate::rt::{Instant, after};
use crate::transport::BegunMessage;
use std::time::Duration;

/// The time in which a message may arrive at any rate.
const GRACE: Duration = Duration::from_secs(10);

/// Watches the message that has begun and is not complete.
///
/// It is looked at only when everything that has arrived was read, so a message that arrives faster than that costs
/// nothing.
#[derive(Default)]
pub(super) struct MessageRate {
    begun: Option<Begun>,
}

struct Begun {
    number: u64,
    since: Instant,
    /// The time until which the bytes that have arrived are enough.
    deadline: Option<Instant>,
    /// The time since when the local endpoint does not read.
    paused: Option<Instant>,
}

impl MessageRate {
    /// Records the message that has begun, after all bytes that have arrived were read. Returns true if it is slower
    /// than `min_rate` bytes per second on average after its first seconds.
    #[inline]
    pub(super) fn is_too_slow(&mut self, message: Option<BegunMessage>, min_rate: usize, now: Instant) -> bool {
        match message {
            Some(message) => self.is_begun_too_slow(message, min_rate, now),
            None => {
                self.begun = None;
                false
            }
        }
    }

    fn is_begun_too_slow(&mut self, message: BegunMessage, min_rate: usize, now: Instant) -> bool {
        let BegunMessage { number, bytes } = message;
        let begun = match &mut self.begun {
            Some(begun) if begun.number == number => begun,
            other => other.insert(Begun { number, since: now, deadline: None, paused: None }),
        };
        if let Some(paused) = begun.paused.take() {
            begun.since += now.saturating_duration_since(paused);
        }
        let enough_for = bytes.saturating_mul(1_000).checked_div(min_rate as u64).map(Duration::from_millis);
        begun.deadline = enough_for.map(|time| after(begun.since, time.max(GRACE)));
        begun.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Stops the clock while the local endpoint does not read.
    pub(super) fn pause(&mut self, now: Instant) {
        if let Some(begun) = &mut self.begun {
            begun.paused.get_or_insert(now);
        }
    }

    /// Returns the time at which the message will be too slow if no more of it arrives.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.begun.as_ref().filter(|begun| begun.paused.is_none())?.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = 1_000;

    fn message(number: u64, bytes: u64) -> BegunMessage {
        BegunMessage { number, bytes }
    }

    #[test]
    fn a_message_may_take_ten_seconds_and_must_then_have_the_rate() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut rate = MessageRate::default();
        assert!(!rate.is_too_slow(Some(message(0, 0)), RATE, start));
        assert_eq!(rate.deadline(), Some(start + 10 * second));
        assert!(!rate.is_too_slow(Some(message(0, 20_000)), RATE, start + 9 * second));
        assert_eq!(rate.deadline(), Some(start + 20 * second));
        assert!(!rate.is_too_slow(Some(message(0, 20_001)), RATE, start + 20 * second));
        assert!(rate.is_too_slow(Some(message(0, 20_001)), RATE, start + 21 * second));
        // Another message has its own time.
        assert!(!rate.is_too_slow(Some(message(1, 0)), RATE, start + 21 * second));
        assert!(!rate.is_too_slow(None, RATE, start + 22 * second));
        assert_eq!(rate.deadline(), None);
    }

    #[test]
    fn time_without_reading_does_not_count() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut rate = MessageRate::default();
        rate.is_too_slow(Some(message(0, 0)), RATE, start);
        rate.pause(start + second);
        rate.pause(start + 2 * second);
        assert_eq!(rate.deadline(), None);
        assert!(!rate.is_too_slow(Some(message(0, 0)), RATE, start + 31 * second));
        assert_eq!(rate.deadline(), Some(start + 40 * second));
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let mut rate = MessageRate::default();
        let start = Instant::now();
        rate.is_too_slow(Some(message(0, 0)), 0, start);
        assert!(!rate.is_too_slow(Some(message(0, 0)), 0, start + Duration::from_hours(100)));
        assert_eq!(rate.deadline(), None);
    }
}
