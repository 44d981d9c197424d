//! The end of a connection.

use crate::close::{Close, CloseRequest, Closed};
use tokio::time::Instant;

/// How far the end of a connection has come.
#[derive(Default)]
pub(super) struct CloseProgress {
    /// Our close frame was written; the peer has until then to answer it.
    sent: Option<(Close, Instant)>,
    /// The peer's close frame came.
    received: Option<(Close, Instant)>,
    /// Nothing more can be read; what is written is flushed until then.
    reading_finished: Option<(Closed, Instant)>,
}

impl CloseProgress {
    /// Whether frames are still exchanged.
    pub(super) fn is_open(&self) -> bool {
        self.sent.is_none() && self.received.is_none() && self.reading_finished.is_none()
    }

    /// Whether nothing more can be read.
    pub(super) fn is_reading_finished(&self) -> bool {
        self.reading_finished.is_some()
    }

    /// Whether a request to end the connection still changes anything.
    pub(super) fn accepts(&self, request: &CloseRequest) -> bool {
        match request {
            CloseRequest::Close(_) => self.is_open(),
            CloseRequest::Abort => !self.is_reading_finished(),
        }
    }

    /// Our close frame was written.
    pub(super) fn close_sent(&mut self, close: Close, deadline: Instant) {
        self.sent = Some((close, deadline));
    }

    /// The peer's close frame came.
    pub(super) fn close_received(&mut self, close: Close, deadline: Instant) {
        self.received.get_or_insert((close, deadline));
    }

    /// Nothing more can be read, `reason` saying why if nobody has closed; what is written has until then.
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

    /// This end ends the connection at once, without a handshake.
    pub(super) fn abort(&mut self, reason: &str, now: Instant) {
        if self.reading_finished.is_none() {
            self.reading_finished =
                Some((Closed { code: Close::ABNORMAL, reason: reason.to_owned(), by_us: true }, now));
        }
        self.flushed(now);
    }

    /// Everything was written, or nothing more can be.
    pub(super) fn flushed(&mut self, now: Instant) {
        if let Some((_, deadline)) = &mut self.reading_finished {
            *deadline = now;
        }
    }

    /// How the connection ended, if it has.
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

    /// When it will have ended at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let reading_finished = self.reading_finished.as_ref().map(|(_, deadline)| *deadline);
        reading_finished.or(self.sent.as_ref().or(self.received.as_ref()).map(|(_, deadline)| *deadline))
    }
}
