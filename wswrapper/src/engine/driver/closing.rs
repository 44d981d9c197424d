//! The end of a connection.

use crate::close::{Close, CloseRequest, Closed};
use tokio::time::Instant;

/// How far the end of a connection has come.
#[derive(Default)]
pub(super) struct CloseProgress {
    /// Our close frame was written; the peer has until then to answer it.
    ours: Option<(Close, Instant)>,
    /// The peer's close frame came.
    theirs: Option<(Close, Instant)>,
    /// Nothing more can be read; what is written is flushed until then.
    over: Option<(Closed, Instant)>,
}

impl CloseProgress {
    /// Whether frames are still exchanged.
    pub(super) fn is_open(&self) -> bool {
        self.ours.is_none() && self.theirs.is_none() && self.over.is_none()
    }

    /// Whether nothing more can be read.
    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// Whether a request to end the connection still changes anything.
    pub(super) fn accepts(&self, request: &CloseRequest) -> bool {
        match request {
            CloseRequest::Close(_) => self.is_open(),
            CloseRequest::Abort => !self.is_over(),
        }
    }

    /// Our close frame was written.
    pub(super) fn close_sent(&mut self, close: Close, until: Instant) {
        self.ours = Some((close, until));
    }

    /// The peer's close frame came.
    pub(super) fn close_received(&mut self, close: Close, until: Instant) {
        self.theirs.get_or_insert((close, until));
    }

    /// Nothing more can be read, `lost` saying why if nobody has closed; what is written has until then.
    pub(super) fn reading_ended(&mut self, lost: &str, until: Instant) {
        if self.over.is_some() {
            return;
        }
        self.over = Some(match (&self.ours, self.theirs.take()) {
            (Some((close, until)), _) => (Closed::by_us(close), *until),
            (None, Some((close, until))) => (Closed { code: close.code, reason: close.reason, by_us: false }, until),
            (None, None) => (Closed { code: Close::ABNORMAL, reason: lost.to_owned(), by_us: false }, until),
        });
    }

    /// This end ends the connection at once, without a handshake.
    pub(super) fn cut_off(&mut self, why: &str, now: Instant) {
        if self.over.is_none() {
            self.over = Some((Closed { code: Close::ABNORMAL, reason: why.to_owned(), by_us: true }, now));
        }
        self.flushed(now);
    }

    /// Everything was written, or nothing more can be.
    pub(super) fn flushed(&mut self, now: Instant) {
        if let Some((_, until)) = &mut self.over {
            *until = now;
        }
    }

    /// How the connection ended, if it has.
    pub(super) fn ended(&mut self, now: Instant) -> Option<Closed> {
        match (&self.over, &self.ours, &self.theirs) {
            (Some((closed, until)), ..) => (now >= *until).then(|| closed.clone()),
            (None, Some((close, until)), _) => (now >= *until).then(|| Closed::by_us(close)),
            (None, None, Some((Close { code, reason }, until))) => {
                (now >= *until).then(|| Closed { code: *code, reason: reason.clone(), by_us: false })
            }
            (None, None, None) => None,
        }
    }

    /// When it will have ended at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let over = self.over.as_ref().map(|(_, until)| *until);
        over.or(self.ours.as_ref().or(self.theirs.as_ref()).map(|(_, until)| *until))
    }
}
