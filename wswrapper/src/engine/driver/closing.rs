//! The closing of a connection.

use crate::close::{Close, CloseRequest, Closed};
use tokio::time::Instant;

/// The progress of closing a connection. Each instant is the deadline of its step.
#[derive(Default)]
pub(super) struct CloseProgress {
    /// The close frame that was written. The peer has until the deadline to answer it.
    sent: Option<(Close, Instant)>,
    /// The peer's close frame. The transport has until the deadline to finish.
    received: Option<(Close, Instant)>,
    /// The final result, set once no more frames are read. Until the deadline the output may still be flushed.
    reading_finished: Option<(Closed, Instant)>,
}

impl CloseProgress {
    /// Returns true if frames are still exchanged.
    pub(super) fn is_open(&self) -> bool {
        self.sent.is_none() && self.received.is_none() && self.reading_finished.is_none()
    }

    /// Returns true if no more frames are read.
    pub(super) fn is_reading_finished(&self) -> bool {
        self.reading_finished.is_some()
    }

    /// Returns true if a close request still has an effect.
    pub(super) fn accepts(&self, request: &CloseRequest) -> bool {
        match request {
            CloseRequest::Close(_) => self.is_open(),
            CloseRequest::Abort => !self.is_reading_finished(),
        }
    }

    /// Records that the local close frame was written.
    pub(super) fn close_sent(&mut self, close: Close, deadline: Instant) {
        self.sent = Some((close, deadline));
    }

    /// Records the peer's close frame. Only the first one counts.
    pub(super) fn close_received(&mut self, close: Close, deadline: Instant) {
        self.received.get_or_insert((close, deadline));
    }

    /// Records that no more frames can be read. `reason` is reported if neither side had closed; `deadline` limits the
    /// flush if neither side had set one.
    pub(super) fn finish_reading(&mut self, reason: &str, deadline: Instant) {
        if self.reading_finished.is_some() {
            return;
        }
        self.reading_finished = Some(match (&self.sent, self.received.take()) {
            (Some((close, deadline)), _) => (Closed::by_us(close), *deadline),
            (None, Some((close, deadline))) => {
                (Closed { code: close.code, reason: close.reason, by_us: false }, deadline)
            }
            (None, None) => (Closed { code: Close::ABNORMAL, reason: reason.to_owned(), by_us: false }, deadline),
        });
    }

    /// Disconnects at once, without a closing handshake.
    pub(super) fn abort(&mut self, reason: &str, now: Instant) {
        if self.reading_finished.is_none() {
            self.reading_finished =
                Some((Closed { code: Close::ABNORMAL, reason: reason.to_owned(), by_us: true }, now));
        }
        self.flushed(now);
    }

    /// Records that everything was written, or that nothing more can be.
    pub(super) fn flushed(&mut self, now: Instant) {
        if let Some((_, deadline)) = &mut self.reading_finished {
            *deadline = now;
        }
    }

    /// Returns the result once the connection is closed.
    pub(super) fn closed(&mut self, now: Instant) -> Option<Closed> {
        match (&self.reading_finished, &self.sent, &self.received) {
            (Some((closed, deadline)), ..) => (now >= *deadline).then(|| closed.clone()),
            (None, Some((close, deadline)), _) => (now >= *deadline).then(|| Closed::by_us(close)),
            (None, None, Some((Close { code, reason }, deadline))) => {
                (now >= *deadline).then(|| Closed { code: *code, reason: reason.clone(), by_us: false })
            }
            (None, None, None) => None,
        }
    }

    /// Returns the latest time at which the connection will be closed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let reading_finished = self.reading_finished.as_ref().map(|(_, deadline)| *deadline);
        reading_finished.or(self.sent.as_ref().or(self.received.as_ref()).map(|(_, deadline)| *deadline))
    }
}
