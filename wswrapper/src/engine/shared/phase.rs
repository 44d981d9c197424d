//! The phase of a connection, which decides about what is sent.

use super::Shared;
use super::state::State;
use crate::close::{CloseRequest, Closed};
use crate::engine::extensions::Extensions;
use crate::handshake::Handshake;
use crate::proto::Side;
use crate::rt::{Instant, Timer};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use tokio::sync::oneshot;

/// The phase of a connection. That of a server is open until it is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// The client was not connected yet. A few calls and events wait [P-90].
    Unconnected,
    /// The client's `on_open` hook runs. Only what it sends is sent.
    Opening,
    Open,
    /// A close was requested by this endpoint. Nothing more is sent, and no response is read.
    Closing,
    /// The connection is closed. Calls that say so wait for the next one.
    Offline,
    /// The client was stopped. There is no next connection.
    Stopped,
}

/// A client that cannot be opened now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotReopened {
    /// The present connection is not closed.
    StillOpen,
    /// A handle has requested a close in the meantime.
    CloseRequested,
}

/// The requests that the task of a client without a connection has to handle.
pub(crate) struct OfflineState {
    /// A close that a handle has requested.
    pub(crate) close: Option<CloseRequest>,
    /// The time at which a waiting call expires.
    pub(crate) timeout: Option<Instant>,
}

impl Shared {
    /// Returns the phase of a connection that has a transport.
    pub(super) fn first_phase(&self) -> Phase {
        // A server holds the calls of its peer while the hook runs, and not its own.
        let holds = self.endpoint.side == Side::Client && self.endpoint.hooks.has_open_hook();
        if holds { Phase::Opening } else { Phase::Open }
    }

    /// Opens a connection that is closed, or was never open, over a transport.
    pub(crate) fn reopen(&self, handshake: Handshake, extensions: Extensions) -> Result<(), NotReopened> {
        let mut state = self.lock();
        if state.phase != Phase::Unconnected && state.epoch.result().is_none() {
            return Err(NotReopened::StillOpen);
        }
        if state.close.is_some() {
            return Err(NotReopened::CloseRequested);
        }
        let next = state.epoch.next(handshake, extensions);
        let old = (mem::replace(&mut state.epoch, Arc::clone(&next)), state.closed.take());
        (state.is_finished, state.continuity.peer_drains) = (false, false);
        state.continuity.was_open = self.first_phase() == Phase::Open;
        state.authentication = None;
        state.untaken_before = state.core.held_bytes();
        state.phase = self.first_phase();
        state.core.open();
        drop(state);
        old.0.set_replaced(&next);
        // Its error may be a user's.
        drop(old);
        Ok(())
    }

    /// Records that the `on_open` hook has returned, so that everything else is sent, too.
    pub(crate) fn finish_opening(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Opening {
            state.phase = Phase::Open;
            state.continuity.was_open = true;
        }
    }

    /// Records that the client has no connection. Returns the close that was requested for the last one.
    pub(crate) fn begin_offline(&self) -> Option<CloseRequest> {
        let mut state = self.lock();
        // No driver is awake any more.
        self.driver_awake.store(false, Ordering::Relaxed);
        state.close.take()
    }

    /// Handles the deadlines of the calls that wait for a connection, and registers the task of the client. Returns
    /// what it has to handle next.
    pub(crate) fn poll_offline(&self, cx: &Context<'_>, now: Instant) -> OfflineState {
        self.handle_timeout(now);
        let waker = cx.waker().clone();
        let mut state = self.lock();
        let old_waker = state.driver.replace(waker);
        let close = state.close.take();
        let timeout = state.capacity_queue.as_ref().and_then(|queue| queue.next_deadline()).map(Instant::from_std);
        drop(state);
        drop(old_waker);
        OfflineState { close, timeout }
    }

    /// Handles the deadlines of the calls that wait for a connection, while the last one finishes.
    pub(crate) fn keep_waiting_deadlines(&self, cx: &mut Context<'_>, timer: &mut Timer) {
        if self.endpoint.side == Side::Server {
            // Nothing waits there.
            return;
        }
        loop {
            self.handle_timeout(Instant::now());
            let waker = cx.waker().clone();
            let mut state = self.lock();
            // The driver is gone, so a call that begins to wait wakes this task.
            self.driver_awake.store(false, Ordering::Relaxed);
            let old_waker = state.driver.replace(waker);
            let queue = state.capacity_queue.as_ref();
            let deadline = queue.and_then(|queue| queue.next_deadline()).map(Instant::from_std);
            drop(state);
            drop(old_waker);
            if !timer.set(deadline, cx) {
                return;
            }
        }
    }

    /// Records that the client connects again by itself if the connection is lost.
    pub(crate) fn set_reconnects(&self, reconnects: bool) {
        self.lock().continuity.reconnects = reconnects;
    }

    /// Records that the client does not connect again by itself. Calls that wait without a limit fail, or all that wait if
    /// it was `stopped`. Their error is how the last connection was closed, or `closed` if there was none.
    pub(crate) fn give_up(&self, closed: &Arc<Closed>, stopped: bool) {
        let mut state = self.lock();
        state.continuity.reconnects = false;
        let mut old = None;
        if stopped || state.phase == Phase::Unconnected {
            old = state.closed.replace(Arc::clone(closed));
        }
        if stopped {
            state.phase = Phase::Stopped;
        }
        let failed = state.fail_waiting(|waiting| waiting.offline().is_unlimited() || stopped);
        // The task of a client that stops need not be woken, and its waker would keep its memory.
        let waker = state.driver.take_if(|_| stopped);
        drop(state);
        failed.finish();
        drop((old, waker));
        if stopped {
            self.end_pauses();
        }
    }

    /// Fails the calls and events that wait for a connection, because a handle has requested a close.
    ///
    /// It is the result of a client that was not connected yet. Another one shows how its last connection was closed.
    pub(crate) fn close_offline(&self, closed: &Arc<Closed>) {
        let mut state = self.lock();
        let epoch = Arc::clone(&state.epoch);
        let mut old = None;
        if state.phase == Phase::Unconnected {
            state.is_finished = true;
            old = state.closed.replace(Arc::clone(closed));
        }
        let failed = state.fail_waiting(|_| true);
        drop(state);
        // Another epoch has its result.
        epoch.set_closed(Arc::clone(closed));
        failed.finish();
        drop(old);
    }
}

impl State {
    /// Returns true if calls and events are sent now, as far as there is capacity. `from_hook` is true for those of the
    /// `on_open` hook.
    #[inline]
    pub(super) fn sends(&self, from_hook: bool) -> bool {
        match self.phase {
            Phase::Open => true,
            Phase::Opening => from_hook,
            Phase::Unconnected | Phase::Closing | Phase::Offline | Phase::Stopped => false,
        }
    }

    /// Returns true while the `on_open` hook of this epoch runs.
    pub(super) fn is_opened_by(&self, hook: Option<u64>) -> bool {
        self.phase == Phase::Opening && hook == Some(self.epoch.number)
    }

    /// Returns true if the connection is open, and this endpoint does not close it.
    pub(super) fn is_online(&self) -> bool {
        self.core.is_open() && self.phase != Phase::Closing
    }

    /// Records that this endpoint closes the connection.
    pub(super) fn begin_closing(&mut self) {
        if matches!(self.phase, Phase::Opening | Phase::Open) {
            self.phase = Phase::Closing;
        }
    }

    /// Records that the transport is gone.
    pub(super) fn go_offline(&mut self) {
        if self.phase != Phase::Stopped {
            self.phase = Phase::Offline;
        }
    }
}

/// The tasks and values of calls and events that were sent or failed under the lock.
#[must_use = "it has to be finished outside the lock"]
#[derive(Default)]
pub(super) struct FailedWaiting {
    pub(super) wakers: Vec<Waker>,
    /// Calls, events and the notifications of those who wait for an event.
    pub(super) dropped: Vec<super::unsent::Waiting>,
    /// The notifications of events that could not be sent.
    pub(super) unwritten: Vec<oneshot::Sender<()>>,
    /// The notifications of events that were queued.
    pub(super) queued: Vec<oneshot::Sender<()>>,
}

impl FailedWaiting {
    /// Wakes the tasks, and drops the calls. Called outside the lock.
    pub(super) fn finish(self) {
        drop((self.dropped, self.unwritten));
        for queued in self.queued {
            // Nobody waits any more if it fails.
            let _ = queued.send(());
        }
        self.wakers.into_iter().for_each(Waker::wake);
    }
}
