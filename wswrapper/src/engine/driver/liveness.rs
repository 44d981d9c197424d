//! The signs of life of a peer: heartbeats, output that is not read, and probes while reading is paused.

use crate::limits::Limits;
use crate::proto::Side;
use crate::rt::{Instant, ROUNDING_STEP, after, rounded_up};
use std::time::Duration;

/// A deadline that is found this late was missed by the local process, which was stopped or busy. What the peer has sent
/// meanwhile may not be readable yet, so the peer is pinged again.
const LATE: Duration = Duration::from_secs(1);

/// The shortest interval of heartbeats that are rounded, so that connections are woken together.
const MIN_ROUNDED: Duration = Duration::from_secs(10);

/// Follows the signs of life of the peer.
pub(super) struct Liveness {
    /// The time without a received byte after which the peer is pinged. `None` if there are no heartbeats.
    interval: Option<Duration>,
    /// The time of the last turn that received something or, if a ping is not answered, of the ping. `None` before the
    /// first turn.
    quiet_since: Option<Instant>,
    /// True if nothing was received since the last ping.
    is_pinged: bool,
    /// The bytes that the transport has received.
    received_bytes: u64,
    /// The number of the last ping.
    last_ping: u64,
    /// The time of the next ping while reading is paused.
    probe_at: Option<Instant>,
    /// The time since when nothing could be written, and the number of bytes sent until then.
    stalled: Option<(Instant, u64)>,
}

/// The action that a silent peer requires of the driver.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Heartbeat {
    /// The peer was heard of lately, or has time left.
    Wait,
    /// Ping the peer.
    Ping,
    /// Disconnect the peer, which has not answered a ping.
    Dead,
}

impl Liveness {
    /// Follows a new connection. Connections with different `seed`s ping at different times.
    pub(super) fn new(limits: &Limits, side: Side, seed: u64) -> Self {
        Self {
            interval: limits.heartbeat_interval.map(|interval| jittered(interval_of(side, interval), seed)),
            quiet_since: None,
            is_pinged: false,
            received_bytes: 0,
            last_ping: 0,
            probe_at: None,
            stalled: None,
        }
    }

    /// Stops the heartbeats, because the transport cannot send pings.
    pub(super) fn disable_heartbeats(&mut self) {
        self.interval = None;
    }

    /// Records the reading of a turn: whether a frame came, and the number of bytes that were received so far.
    #[inline]
    pub(super) fn record_reading(&mut self, any_frame: bool, received_bytes: u64, now: Instant) {
        if any_frame || received_bytes != self.received_bytes || self.quiet_since.is_none() {
            self.received_bytes = received_bytes;
            self.record_life(now);
        }
    }

    #[inline]
    fn record_life(&mut self, now: Instant) {
        self.quiet_since = Some(now);
        self.is_pinged = false;
    }

    /// Records that reading is paused. Returns true if the peer has to be pinged.
    pub(super) fn pause_reading(&mut self, probe_interval: Duration, now: Instant) -> bool {
        let next_probe = after(now, probe_interval);
        let is_due = *self.probe_at.get_or_insert(next_probe) <= now;
        if is_due {
            self.probe_at = Some(next_probe);
        }
        is_due
    }

    /// Records that the transport is read. The time in which it was not is no silence of the peer.
    #[inline]
    pub(super) fn resume_reading(&mut self, now: Instant) {
        if self.probe_at.take().is_some() {
            self.record_life(now);
        }
    }

    #[inline]
    pub(super) fn is_reading_paused(&self) -> bool {
        self.probe_at.is_some()
    }

    /// Returns the number of the next ping.
    pub(super) fn next_ping(&mut self) -> u64 {
        self.last_ping += 1;
        self.last_ping
    }

    /// Returns the number of the last ping.
    pub(super) fn last_ping(&self) -> u64 {
        self.last_ping
    }

    /// Returns what a silent peer requires. Called when everything that has arrived was read.
    #[inline]
    pub(super) fn check_heartbeat(&mut self, grace: Duration, now: Instant) -> Heartbeat {
        match self.heartbeat_deadline(grace) {
            Some(deadline) if deadline <= now => self.heartbeat(deadline, now),
            _ => Heartbeat::Wait,
        }
    }

    #[cold]
    fn heartbeat(&mut self, deadline: Instant, now: Instant) -> Heartbeat {
        if self.is_pinged && now < deadline + LATE {
            return Heartbeat::Dead;
        }
        (self.quiet_since, self.is_pinged) = (Some(now), true);
        Heartbeat::Ping
    }

    /// Returns the time of the next heartbeat, or of the end of its grace. Reading that is paused shows no life, and a
    /// ping behind waiting output does not reach the peer, so there is none then.
    #[inline]
    fn heartbeat_deadline(&self, grace: Duration) -> Option<Instant> {
        let interval = self.interval.filter(|_| !self.is_reading_paused() && self.stalled.is_none())?;
        self.quiet_since.map(|since| after(since, if self.is_pinged { grace } else { interval }))
    }

    /// Returns the time at which the peer has to be pinged or disconnected, while frames are exchanged.
    #[inline]
    fn deadline(&self, grace: Duration) -> Option<Instant> {
        self.probe_at.or_else(|| self.heartbeat_deadline(grace))
    }

    /// Returns the time at which the driver has to look at the peer again. It may be later than the time of a heartbeat
    /// by less than [`LATE`].
    #[inline]
    pub(super) fn wake_time(&self, grace: Duration) -> Option<Instant> {
        let deadline = self.deadline(grace)?;
        let is_rounded = self.interval >= Some(MIN_ROUNDED) && !self.is_reading_paused();
        Some(if is_rounded { rounded_up(deadline) } else { deadline })
    }

    /// Records that all output was written. The grace of a ping behind that output begins now.
    #[inline]
    pub(super) fn flushed(&mut self, now: Instant) {
        if self.stalled.take().is_some() && self.is_pinged {
            self.quiet_since = Some(now);
        }
    }

    /// Records that output waits, after `sent` bytes. Returns true if nothing could be written for `write_timeout`.
    pub(super) fn is_stalled(&mut self, sent: u64, write_timeout: Duration, now: Instant) -> bool {
        match self.stalled {
            Some((since, sent_before)) if sent_before == sent => now >= after(since, write_timeout),
            _ => {
                self.stalled = Some((now, sent));
                false
            }
        }
    }

    /// Returns true if output waits for the peer to read.
    pub(super) fn has_stalled_output(&self) -> bool {
        self.stalled.is_some()
    }

    /// Returns the time at which a peer that reads nothing is disconnected.
    #[inline]
    pub(super) fn stall_deadline(&self, write_timeout: Duration) -> Option<Instant> {
        self.stalled.map(|(since, _)| after(since, write_timeout))
    }
}

/// Returns the interval of a side. A client's is a third longer, so that only the server pings if both have the same.
fn interval_of(side: Side, interval: Duration) -> Duration {
    match side {
        Side::Server => interval,
        Side::Client => interval.saturating_add(interval / 3),
    }
}

/// Returns an interval that differs by at most a tenth, so that connections of the same age do not all ping at once. The
/// rounding of a wake-up stays within the tenth.
fn jittered(interval: Duration, seed: u64) -> Duration {
    // The finish of SplitMix64, because neighbouring connections have neighbouring seeds.
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let parts = u32::try_from((mixed ^ (mixed >> 31)) % 2_049).unwrap_or_default();
    let tenth = interval / 10;
    let rounding = if interval >= MIN_ROUNDED { ROUNDING_STEP } else { Duration::ZERO };
    interval.saturating_sub(tenth).saturating_add(tenth.saturating_sub(rounding / 2) / 1_024 * parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const GRACE: Duration = Duration::from_secs(15);
    const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

    /// A peer that was heard of at `start`, and its interval.
    fn heard_of(start: Instant) -> (Liveness, Duration) {
        let mut liveness = Liveness::new(&Limits::default(), Side::Server, 1);
        liveness.record_reading(false, 0, start);
        let interval = liveness.interval.expect("it is on");
        (liveness, interval)
    }

    #[test]
    fn the_intervals_of_many_connections_differ_by_at_most_a_tenth_and_fill_that_range() {
        for (side, seconds) in [(Side::Server, 30), (Side::Client, 40)] {
            let middle = Duration::from_secs(seconds);
            let intervals: Vec<_> = (1..=10_000)
                .map(|seed| Liveness::new(&Limits::default(), side, seed).interval.expect("it is on"))
                .collect();
            let (least, most) = (intervals.iter().min().expect("some"), intervals.iter().max().expect("some"));
            assert!(*least >= middle * 9 / 10 && *most <= middle * 11 / 10, "{least:?} to {most:?}");
            assert!(*least < middle * 91 / 100 && *most > middle * 107 / 100, "{least:?} to {most:?}");
            let early = intervals.iter().filter(|interval| **interval < middle).count();
            assert!((4_500..5_500).contains(&early), "{early} of 10,000 are before the middle");
        }
        let same = |seed| Liveness::new(&Limits::default(), Side::Server, seed).interval;
        assert_eq!(same(7), same(7));
        for longest in [Duration::MAX, Duration::from_nanos(1)] {
            Liveness::new(&Limits::default().heartbeat_interval(Some(longest)), Side::Client, 1);
        }
    }

    #[test]
    fn a_silent_peer_is_pinged_and_then_dead() {
        let start = Instant::now();
        let (mut liveness, interval) = heard_of(start);
        let pinged = start + interval;
        assert_eq!(liveness.deadline(GRACE), Some(pinged));
        assert_eq!(liveness.check_heartbeat(GRACE, pinged - SECOND), Heartbeat::Wait);
        assert_eq!(liveness.check_heartbeat(GRACE, pinged), Heartbeat::Ping);
        assert_eq!(liveness.check_heartbeat(GRACE, pinged), Heartbeat::Wait);
        assert_eq!(liveness.deadline(GRACE), Some(pinged + GRACE));
        assert_eq!(liveness.check_heartbeat(GRACE, pinged + GRACE), Heartbeat::Dead);
    }

    #[test]
    fn connections_are_woken_together_for_long_intervals() {
        let start = Instant::now();
        let times = |limits: &Limits| {
            let wake_times = (0..1_000).map(|seed| {
                let mut liveness = Liveness::new(limits, Side::Server, seed);
                liveness.record_reading(false, 0, start);
                let (deadline, wake_time) = (liveness.deadline(GRACE), liveness.wake_time(GRACE));
                assert!(wake_time >= deadline && wake_time < deadline.map(|deadline| deadline + LATE));
                wake_time
            });
            wake_times.collect::<std::collections::BTreeSet<_>>().len()
        };
        assert!((10..=14).contains(&times(&Limits::default())), "five and a half seconds in steps of half a second");
        assert!(times(&Limits::default().heartbeat_interval(Some(SECOND))) > 500);
    }

    #[test]
    fn a_frame_or_a_byte_is_life() {
        let start = Instant::now();
        for (any_frame, bytes) in [(true, 0), (false, 1)] {
            let (mut liveness, interval) = heard_of(start);
            let answered = start + interval + SECOND;
            assert_eq!(liveness.check_heartbeat(GRACE, start + interval), Heartbeat::Ping);
            liveness.record_reading(any_frame, bytes, answered);
            assert_eq!(liveness.deadline(GRACE), Some(answered + interval));
            // The same number of bytes is silence.
            liveness.record_reading(false, bytes, answered + SECOND);
            assert_eq!(liveness.deadline(GRACE), Some(answered + interval));
        }
    }

    #[test]
    fn a_process_that_slept_over_the_grace_pings_again() {
        let start = Instant::now();
        let (mut liveness, interval) = heard_of(start);
        let (pinged, woken) = (start + interval, start + interval + GRACE + LATE);
        assert_eq!(liveness.check_heartbeat(GRACE, pinged), Heartbeat::Ping);
        assert_eq!(liveness.check_heartbeat(GRACE, woken), Heartbeat::Ping);
        assert_eq!(liveness.deadline(GRACE), Some(woken + GRACE));
        assert_eq!(liveness.check_heartbeat(GRACE, woken + GRACE), Heartbeat::Dead);
    }

    #[test]
    fn time_without_reading_is_no_silence() {
        let start = Instant::now();
        let (mut liveness, interval) = heard_of(start);
        assert_eq!(liveness.check_heartbeat(GRACE, start + interval), Heartbeat::Ping);
        let paused = start + interval + SECOND;
        assert!(!liveness.pause_reading(WRITE_TIMEOUT, paused));
        assert_eq!(liveness.deadline(GRACE), Some(paused + WRITE_TIMEOUT));
        assert_eq!(liveness.check_heartbeat(GRACE, paused + WRITE_TIMEOUT), Heartbeat::Wait);
        assert!(liveness.pause_reading(WRITE_TIMEOUT, paused + WRITE_TIMEOUT));
        assert!(!liveness.pause_reading(WRITE_TIMEOUT, paused + WRITE_TIMEOUT + SECOND));
        let resumed = paused + 100 * SECOND;
        liveness.resume_reading(resumed);
        liveness.record_reading(false, 0, resumed);
        assert_eq!(liveness.deadline(GRACE), Some(resumed + interval));
    }

    #[test]
    fn the_grace_begins_when_the_output_before_the_ping_was_written() {
        let start = Instant::now();
        let (mut liveness, interval) = heard_of(start);
        let pinged = start + interval;
        assert_eq!(liveness.check_heartbeat(GRACE, pinged), Heartbeat::Ping);
        assert!(!liveness.is_stalled(10, WRITE_TIMEOUT, pinged));
        assert_eq!(liveness.deadline(GRACE), None);
        assert_eq!(liveness.stall_deadline(WRITE_TIMEOUT), Some(pinged + WRITE_TIMEOUT));
        // The output moves.
        assert!(!liveness.is_stalled(20, WRITE_TIMEOUT, pinged + WRITE_TIMEOUT));
        assert_eq!(liveness.check_heartbeat(GRACE, pinged + WRITE_TIMEOUT), Heartbeat::Wait);
        let written = pinged + WRITE_TIMEOUT + SECOND;
        liveness.flushed(written);
        assert_eq!(liveness.deadline(GRACE), Some(written + GRACE));
        assert!(!liveness.is_stalled(20, WRITE_TIMEOUT, written));
        assert!(liveness.is_stalled(20, WRITE_TIMEOUT, written + WRITE_TIMEOUT));
    }

    #[test]
    fn without_an_interval_there_are_no_heartbeats() {
        let start = Instant::now();
        let mut off = Liveness::new(&Limits::default().heartbeat_interval(None), Side::Server, 1);
        let (mut disabled, _) = heard_of(start);
        disabled.disable_heartbeats();
        for liveness in [&mut off, &mut disabled] {
            liveness.record_reading(true, 0, start);
            assert_eq!(liveness.deadline(GRACE), None);
            assert_eq!(liveness.check_heartbeat(GRACE, start + 10_000 * SECOND), Heartbeat::Wait);
        }
    }
}
