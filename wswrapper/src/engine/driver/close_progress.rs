//! The closing of a connection.

use crate::close::{CloseCause, CloseRequest, Closed};
use crate::rt::Instant;

/// The progress of closing a connection.
#[derive(Default)]
pub(super) struct CloseProgress {
    /// True if a handle has requested a close that is not applied yet.
    pub(super) requested: bool,
    /// `None` while frames are exchanged, so an open connection has one thing to look at, and no memory for the rest.
    steps: Option<Box<Steps>>,
}

/// The steps that were taken, at least one. Each instant is the deadline of its step.
#[derive(Default)]
struct Steps {
    /// The result of the close frame that was written. The peer has until the deadline to answer it.
    sent: Option<(Closed, Instant)>,
    /// The result of the peer's close frame. The transport has until the deadline to finish.
    received: Option<(Closed, Instant)>,
    /// The final result, set once no more frames are read. Until the deadline the output may still be flushed.
    reading_finished: Option<(Closed, Instant)>,
}

impl CloseProgress {
    /// Returns true if frames are still exchanged.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.steps.is_none()
    }

    /// Returns true if no more frames are read.
    #[inline]
    pub(super) fn is_reading_finished(&self) -> bool {
        self.steps.as_ref().is_some_and(|steps| steps.reading_finished.is_some())
    }

    /// Returns true if a close request still has an effect.
    pub(super) fn accepts(&self, request: &CloseRequest) -> bool {
        match request {
            CloseRequest::Close(..) | CloseRequest::ServerCloses | CloseRequest::Drained => self.is_open(),
            CloseRequest::Abort => !self.is_reading_finished(),
        }
    }

    /// Records that the local close frame was written.
    pub(super) fn close_sent(&mut self, closed: Closed, deadline: Instant) {
        self.steps().sent = Some((closed, deadline));
    }

    /// Records the peer's close frame. Only the first one counts. Returns the result of the connection.
    pub(super) fn close_received(&mut self, closed: Closed, deadline: Instant) -> Closed {
        let steps = self.steps();
        let received = &*steps.received.get_or_insert((closed, deadline));
        let (closed, _) = steps.sent.as_ref().unwrap_or(received);
        closed.clone()
    }

    /// Records that no more frames can be read. `lost` is the result if neither side had closed; `deadline` limits the
    /// flush if neither side had set one.
    pub(super) fn finish_reading(&mut self, lost: Closed, deadline: Instant) {
        let steps = self.steps();
        if steps.reading_finished.is_some() {
            return;
        }
        let closed = steps.sent.clone().or_else(|| steps.received.take());
        steps.reading_finished = Some(closed.unwrap_or((lost, deadline)));
    }

    /// Disconnects at once, without a closing handshake.
    pub(super) fn abort(&mut self, cause: CloseCause, reason: &str, now: Instant) {
        self.steps().reading_finished.get_or_insert_with(|| (Closed::abnormal(cause, reason), now));
        self.flushed(now);
    }

    /// Records that everything was written, or that nothing more can be.
    #[inline]
    pub(super) fn flushed(&mut self, now: Instant) {
        if let Some(steps) = &mut self.steps
            && let Some((_, deadline)) = &mut steps.reading_finished
        {
            *deadline = now;
        }
    }

    /// Returns the result once the connection is closed.
    #[inline]
    pub(super) fn closed(&mut self, now: Instant) -> Option<Closed> {
        let (closed, deadline) = self.steps.as_ref()?.result()?;
        (now >= *deadline).then(|| closed.clone())
    }

    /// Returns the latest time at which the connection will be closed.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.steps.as_ref()?.result().map(|(_, deadline)| *deadline)
    }

    fn steps(&mut self) -> &mut Steps {
        self.steps.get_or_insert_default()
    }
}

impl Steps {
    fn result(&self) -> Option<&(Closed, Instant)> {
        self.reading_finished.as_ref().or(self.sent.as_ref()).or(self.received.as_ref())
    }
}
