//! The end of a connection: by a close frame, a failure, or the drop of its task.

use super::Driver;
use super::opening::Opening;
use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::close::{ABORTED, CONNECTION_DRAINED, Close, CloseCause, CloseRequest, Closed, SERVER_CLOSES};
use crate::engine::call_log::CallLog;
use crate::engine::epoch::connection_closed_reason;
use crate::engine::handler::Sessions;
use crate::engine::hooks::OpenFuture;
use crate::engine::observer::Interest;
use crate::engine::outcome::Outcome;
use crate::engine::shared::Shared;
use crate::engine::tasks::RunningHandler;
use crate::error::ServiceError;
use crate::proto::{Message, Reason};
use crate::rt::{Instant, after};
use crate::transport::{Text, Transport};
use std::io;
use std::mem;
use std::sync::Arc;

impl<T: Transport> Driver<T> {
    /// Closes or aborts the connection if a handle has requested it.
    pub(super) fn apply_close_request(&mut self, now: Instant) {
        if !mem::take(&mut self.closing.requested) {
            return;
        }
        match self.shared.close_request().filter(|request| self.closing.accepts(request)) {
            Some(CloseRequest::Abort) => self.closing.abort(CloseCause::Local, ABORTED, now),
            Some(CloseRequest::Close(close, cause)) => self.close(&close, cause, now),
            Some(CloseRequest::ServerCloses) => {
                self.count_cut_off();
                self.close(&Close::new(Close::GOING_AWAY, SERVER_CLOSES), CloseCause::Local, now);
            }
            Some(CloseRequest::Drained) => {
                // The report of a server's drain has all that was cut off since it began.
                if self.shared.endpoint.drain_began.get().is_some() {
                    self.count_cut_off();
                }
                self.close(&Close::new(Close::GOING_AWAY, CONNECTION_DRAINED), CloseCause::Local, now);
            }
            None => {}
        }
    }

    /// Writes the local close frame after everything that was queued, and stops the handlers.
    pub(super) fn close(&mut self, close: &Close, cause: CloseCause, now: Instant) {
        if !self.closing.is_open() {
            return;
        }
        self.drain(now);
        self.transport.close(close);
        let closed = Closed::new(cause, close);
        self.shared.announce_close(&closed);
        self.stop_handlers();
        if cause != CloseCause::Local {
            // No more frames are read, so no response can come.
            self.shared.disconnect(closed.clone());
        }
        self.closing.close_sent(closed, after(now, self.shared.endpoint.limits.close_timeout));
    }

    /// Stops the running handlers, and drops the calls that wait to start.
    pub(super) fn stop_handlers(&mut self) {
        self.shared.forget_handlers();
        self.stop_running();
        self.drop_backlog();
    }

    /// Reports an error of the transport, after which no more frames can be read.
    pub(super) fn fail(&mut self, error: io::Error, now: Instant) {
        if self.closing.is_reading_finished() {
            return;
        }
        let source = Arc::new(error);
        self.shared.report(&ServiceError::Transport { source: Arc::clone(&source) });
        self.finish_reading(Closed::lost(Some(source)), now);
    }

    /// Records that no more frames can be read.
    pub(super) fn finish_reading(&mut self, lost: Closed, now: Instant) {
        self.closing.finish_reading(lost, after(now, self.shared.endpoint.limits.close_timeout));
    }
}

impl<T> Driver<T> {
    /// Drops everything that belongs to the connection, and records how it was closed. Returns false if that was done
    /// before.
    pub(super) fn finish(&mut self, closed: &Closed) -> bool {
        if mem::replace(&mut self.finished, true) {
            return false;
        }
        self.shared.members.remove(&self.shared);
        // At once, because the status has no numbers of a connection that is no member.
        let numbers = self.shared.move_to_totals();
        self.shared.announce_close(closed);
        self.stop_running();
        self.drop_open_hook(|opening| opening.disconnect(closed));
        for session in self.epoch.replace_sessions(Sessions::new()) {
            self.shared.report_drop_panic(drop_catching_panic(session), "a session");
        }
        self.drop_backlog();
        if self.shared.endpoint.observers.any_interest(Interest::TRAFFIC) {
            self.reported.get_or_insert_default().tell_end(&self.shared, numbers);
        }
        self.shared.begin_finish(closed.clone());
        self.shared.endpoint.observers.tell(&self.shared, Interest::NONE, |observer, connection| {
            observer.connection_closed(connection, closed);
        });
        true
    }

    /// Returns true if the driver has nothing left to do: no handler, no held call, no hook and no unsent output.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
            && self.backlog.is_empty()
            && self.opening.is_none()
            && !self.liveness.has_stalled_output()
    }

    /// Counts what runs on a connection that the server closes.
    fn count_cut_off(&self) {
        if !self.is_idle() || !self.shared.runs_nothing() {
            self.shared.endpoint.totals.add_cut_off(self.running.count() + self.backlog.count());
        }
    }

    /// Drops the `on_open` hook that `finish` returns.
    pub(super) fn drop_open_hook(&mut self, finish: impl FnOnce(Opening) -> OpenFuture) {
        if let Some(opening) = self.opening.take() {
            // The error of a hook may be a user's, and is dropped by `finish`.
            self.shared.report_drop_panic(catch_panic(|| drop(finish(*opening))), "on_open");
        }
    }

    /// Drops the calls that wait to start, and tells the observers.
    fn drop_backlog(&mut self) {
        let mut backlog = mem::take(&mut self.backlog);
        while self.shared.observes_calls()
            && let Some((text, _)) = backlog.pop()
        {
            self.tell_dropped(&text);
        }
    }

    /// Tells the observers of a call that was cancelled while it waited to start.
    pub(super) fn tell_dropped(&self, text: &Text) {
        if self.shared.observes_calls()
            && let Message::Call(call) = Message::decode_whole(text)
        {
            self.shared.tell_not_started(&call, text.len(), &Outcome::Cancelled, 0);
        }
    }

    pub(super) fn stop_running(&mut self) {
        let reason = connection_closed_reason();
        for handler in self.running.take_all() {
            self.stop(handler, reason.clone());
        }
    }

    /// Cancels the contexts of a handler, and drops its future.
    pub(super) fn stop(&self, handler: RunningHandler, reason: Reason) {
        if let Some(state) = &handler.state {
            state.cancel(reason);
            state.handler_finished(&self.shared);
        }
        let dropped = CallLog::scope(handler.log.as_deref(), || drop_catching_panic(handler.future));
        self.shared.report_drop_panic(dropped, &handler.event);
        if let Some(log) = handler.log {
            log.finish(&self.shared);
        }
    }
}

/// A driver that is dropped while it runs belonged to an aborted task.
impl<T> Drop for Driver<T> {
    fn drop(&mut self) {
        let is_cut_off = !self.finished && self.closing.is_open();
        if is_cut_off && matches!(self.shared.close_request(), Some(CloseRequest::ServerCloses)) {
            self.count_cut_off();
        }
        if self.finish(&Closed::abnormal(CloseCause::Local, "the connection's task was ended")) {
            self.shared.set_closed();
        }
    }
}

/// Records that a connection is closed when its `on_close` hook has returned or was cancelled.
pub(super) struct Finishing(pub(super) Arc<Shared>);

impl Drop for Finishing {
    fn drop(&mut self) {
        self.0.set_closed();
    }
}
