//! The closing of a connection, and the waits for it.

use super::Shared;
use super::phase::FailedWaiting;
use super::state::State;
use super::unsent::Waiting;
use crate::catch_panic::drop_catching_panic;
use crate::close::{Close, CloseCause, CloseRequest, Closed};
use crate::engine::channel_state::channel_closed_reason;
use crate::engine::epoch::{Epoch, connection_closed_reason};
use crate::engine::slot::OfflineWait;
use crate::engine::totals::Drops;
use crate::engine::traffic::Moved;
use crate::error::SendError;
use crate::proto::Side;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::task::Waker;

impl Shared {
    /// Requests the driver to close the connection. Only the first request counts, except that an abort follows a
    /// close. Returns the epoch that is closed.
    pub(crate) fn close(&self, request: CloseRequest) -> Arc<Epoch> {
        self.closes.fetch_add(1, Ordering::SeqCst);
        self.close_for_next(request)
    }

    /// Returns the number of closes that handles have requested.
    pub(crate) fn closes(&self) -> u64 {
        self.closes.load(Ordering::SeqCst)
    }

    /// Requests the driver to close the connection as [`close`](Self::close) does, because the client uses another one.
    pub(crate) fn close_for_next(&self, request: CloseRequest) -> Arc<Epoch> {
        let state = self.lock();
        // Read under the same lock, because a client may be bound to another transport after that.
        let epoch = Arc::clone(&state.epoch);
        if state.close.is_none() || matches!(request, CloseRequest::Abort) {
            self.request_close(state, request);
        }
        epoch
    }

    /// Requests a close, and releases the lock.
    fn request_close(&self, mut state: MutexGuard<'_, State>, request: CloseRequest) {
        state.close = Some(request);
        let mut sent = FailedWaiting::default();
        self.send_first_events(&mut state, &mut sent);
        state.begin_closing();
        // Senders that wait for capacity fail now.
        sent.wakers.extend(state.capacity_queue.as_mut().map(|queue| queue.take_senders()).unwrap_or_default());
        sent.dropped.extend(state.fail_waiting(Waiting::ends_with_close).dropped);
        self.wake(state);
        sent.finish();
    }

    /// Closes the connection because its queue is full. Returns the error of the event that says so.
    pub(super) fn close_full_queue(&self, mut state: MutexGuard<'_, State>) -> SendError {
        if state.close.is_some() {
            return SendError::Closed(state.closed_result());
        }
        let close = Close::new(Close::TRY_AGAIN_LATER, "the queue of this connection is full");
        let request = CloseRequest::Close(close, CloseCause::Limit);
        let error = SendError::Closed(Arc::new(request.result()));
        state.drops.closed_for_full_queue = true;
        self.closes.fetch_add(1, Ordering::SeqCst);
        self.request_close(state, request);
        error
    }

    /// Returns the close that a handle has requested.
    pub(crate) fn close_request(&self) -> Option<CloseRequest> {
        self.lock().close.clone()
    }

    /// Returns how the connection was closed, unless it is open.
    pub(crate) fn close_info(&self) -> Option<Closed> {
        let state = self.lock();
        state.closed.as_deref().filter(|_| state.is_finished).cloned()
    }

    /// Records how the connection will be closed, so that whatever fails from now on shows it. Nothing more is sent.
    pub(crate) fn announce_close(&self, closed: &Closed) {
        let closed = Arc::new(closed.clone());
        let mut state = self.lock();
        state.begin_closing();
        let old = state.closed.replace(closed);
        drop(state);
        // Outside the lock: its error may be a user's.
        drop(old);
    }

    /// Fails every pending call and closes every channel, because no more frames are exchanged.
    ///
    /// They fail with `closed`, as do later calls.
    pub(crate) fn disconnect(self: &Arc<Self>, closed: Closed) {
        self.disconnect_and(closed, |_| ());
    }

    /// Disconnects, and runs `update` under the same lock, before any task is woken.
    fn disconnect_and(self: &Arc<Self>, closed: Closed, update: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        let old = state.closed.replace(Arc::new(closed));
        state.core.close();
        let finished = state.take_notifications(channel_closed_reason);
        let mut wakers = state.take_output_waiters();
        let requests = (state.flushes.take(), state.pings.take());
        state.go_offline();
        wakers.extend(state.capacity_queue.as_mut().map(|queue| queue.take_senders()).unwrap_or_default());
        // A server's connection has no next one.
        let has_next = self.endpoint.side == Side::Client;
        // What the `on_open` hook has queued does not go before the next one.
        let was_open = state.continuity.was_open;
        let failed = state.fail_waiting(|waiting| {
            let ends = match waiting.offline() {
                OfflineWait::No => true,
                OfflineWait::First => was_open,
                OfflineWait::Until(_) | OfflineWait::Unlimited { .. } => false,
            };
            ends || waiting.is_urgent() || !has_next
        });
        update(&mut state);
        self.count_queued(&state);
        drop(state);
        failed.finish();
        drop(requests);
        let reason = connection_closed_reason();
        for channel in finished.channels {
            channel.close(self, reason.clone());
        }
        finished.wakers.into_iter().chain(wakers).for_each(Waker::wake);
        drop(old);
    }

    /// Moves the numbers of the connection to those of its server or client, which have them from now on. Returns them.
    pub(crate) fn move_to_totals(&self) -> (Moved, Drops) {
        let numbers = (self.moved.take(), mem::take(&mut self.lock().drops));
        self.endpoint.totals.add_moved(numbers.0);
        self.endpoint.totals.add_drops(numbers.1);
        numbers
    }

    /// Records how the connection was closed, before the `on_close` hook runs.
    pub(crate) fn begin_finish(self: &Arc<Self>, closed: Closed) {
        self.disconnect_and(closed, |state| {
            state.is_finished = true;
            (state.handlers, state.output_bytes, state.driver_bytes) = (0, 0, 0);
            state.withheld = None;
            // The untaken items of streams stay until their consumers are dropped.
            state.share.set(state.buffered_bytes());
        });
        // What was lost meanwhile.
        self.move_to_totals();
        self.epoch().set_disconnected();
        self.endpoint.budget.forget(self);
        self.endpoint.budget.wake_waiting();
        // A client may be bound again. A server's connection stays closed.
        if self.endpoint.side == Side::Server {
            self.drop_handlers();
        }
    }

    /// Drops the dynamic handlers of a connection that stays closed, because they may hold references to it.
    pub(crate) fn drop_handlers(self: &Arc<Self>) {
        for handler in self.handlers().close() {
            self.report_drop_panic(drop_catching_panic(handler), "the peer's handlers");
        }
    }

    /// Drops the extensions, records that the connection is closed, and wakes everyone who waits for it.
    pub(crate) fn set_closed(self: &Arc<Self>) {
        let state = self.lock();
        let (epoch, closed) = (Arc::clone(&state.epoch), state.closed_result());
        drop(state);
        // Left if the connection was not opened.
        let request = epoch.extensions.hide_request();
        self.report_drop_panic(drop_catching_panic(request), "the request's extensions");
        for value in epoch.extensions.close() {
            self.report_drop_panic(drop_catching_panic(value), "the peer's data");
        }
        // Left if the connection's task was dropped. They hold the connection.
        for hooks in epoch.entered_any().map(|entered| entered.take_all(self)).unwrap_or_default() {
            self.report_drop_panic(drop_catching_panic(hooks), "on_leave");
        }
        epoch.set_closed(closed);
        self.warn_left_out();
    }
}

#[cfg(test)]
mod tests {
    use crate::Client;
    use crate::close::{CloseCause, CloseRequest, Closed};
    use crate::connection::Extensions;
    use crate::connection::Handshake;
    use crate::transport::memory;
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    /// One thread closes the connection while another opens it again and again.
    #[test]
    fn a_close_request_returns_the_epoch_that_it_closes() {
        const CLOSED: usize = 1_000;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be started");
        // The runtime does not run, so no driver changes the state.
        let client = runtime.block_on(async { Client::connect_transport(memory::pair().0) }).expect("nothing to mount");
        let shared = client.peer().shared();
        let is_done = AtomicBool::new(false);
        let (requests, closed) = thread::scope(|scope| {
            let requests = scope.spawn(|| {
                let mut requests = HashMap::new();
                for n in 0.. {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    let epoch = shared.close(CloseRequest::local(4000, n.to_string()));
                    requests.insert(n.to_string(), epoch.number);
                }
                requests
            });
            let mut closed = Vec::new();
            for epoch in 1.. {
                if closed.len() == CLOSED {
                    break;
                }
                let request = shared.lock().close.clone();
                if let Some(CloseRequest::Close(close, _)) = request {
                    closed.push((close.reason, epoch));
                }
                shared.begin_finish(Closed::abnormal(CloseCause::Local, ""));
                shared.set_closed();
                shared.begin_offline();
                while shared.reopen(Handshake::default(), Extensions::new()).is_err() {
                    shared.begin_offline();
                }
            }
            is_done.store(true, Ordering::Relaxed);
            (requests.join().expect("no panic"), closed)
        });
        for (request, epoch) in closed {
            assert_eq!(requests[&request], epoch);
        }
    }
}
