//! What the driver of a connection and the handles to it share.

use crate::call::{CallSlot, End, Waiting};
use crate::closed::{CloseRequest, Closed};
use crate::data::Data;
use crate::error::{PeerError, SendError};
use crate::handler::RunningKey;
use crate::handlers::{DynamicHandlers, Found};
use crate::handshake::Handshake;
use crate::hooks::Hooks;
use crate::hub::Hub;
use crate::limits::Limits;
use crate::peer::{Counters, Peer, PeerId};
use crate::proto::{
    Answer, Connection, EncodedCall, Event, Incoming, Message, Outgoing, RawReason, Reason, RequestId, Scope, Side,
};
use crate::router::Router;
use crate::transport::Output;
use bytes::Bytes;
use slab::Slab;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The shared part of a connection.
pub(crate) struct Link {
    pub(crate) id: PeerId,
    pub(crate) handshake: Handshake,
    pub(crate) hub: Arc<Hub>,
    pub(crate) end: Arc<LocalEnd>,
    /// Handlers of this peer alone; most have none.
    handlers: OnceLock<Box<DynamicHandlers>>,
    pub(crate) data: Data,
    state: Mutex<LinkState>,
    /// Bytes in the core's queue: spares the driver a lock before each answer.
    queued: AtomicUsize,
    /// Blocking handlers that have not ended, those included that nobody waits for any more.
    blocked: AtomicUsize,
    ended: Notify,
}

/// What all connections of one server or client have in common.
pub(crate) struct LocalEnd {
    pub(crate) side: Side,
    pub(crate) router: Router,
    pub(crate) handlers: DynamicHandlers,
    pub(crate) limits: Limits,
    pub(crate) hooks: Hooks,
}

/// What the lock protects. No user code runs under it, wakers included.
pub(crate) struct LinkState {
    /// A call of ours waits in the slot with this key.
    pub(crate) core: Connection<usize, RunningKey>,
    pub(crate) calls: Slab<CallSlot>,
    /// Asked for by a handle.
    pub(crate) close: Option<CloseRequest>,
    /// Set while the driver sleeps.
    pub(crate) driver: Option<Waker>,
    /// Senders that wait for room.
    room: Vec<Waker>,
    /// How the connection ended, until another transport is bound.
    closed: Option<Closed>,
}

/// What the driver has to do about a message.
pub(crate) enum Handled {
    /// Wake the caller whose answer it brought.
    Caller(Waker),
    /// Stop this handler.
    Cancelled(RunningKey, Reason),
    Nothing,
}

impl LinkState {
    fn wait_for_room(&mut self, waker: &Waker) {
        if !self.room.iter().any(|waiting| waiting.will_wake(waker)) {
            self.room.push(waker.clone());
        }
    }

    /// Leaves the ends of calls in their slots: gives back who is to be woken, and the handlers that are to be stopped.
    ///
    /// Under the same lock as what has caused them, as a slot may be used again after that.
    fn take_events(&mut self) -> (Vec<Waker>, Vec<RunningKey>) {
        let (mut callers, mut expired) = (Vec::new(), Vec::new());
        while let Some(event) = self.core.poll_event() {
            match event {
                Event::Ended(slot, ended) => {
                    callers.extend(self.calls.get_mut(slot).and_then(|slot| slot.end(End::Without(ended))));
                }
                Event::Expired(handler) => expired.push(handler),
            }
        }
        (callers, expired)
    }
}

/// A thread of the blocking pool that a peer uses, until its handler has ended there: cancelling cannot stop it.
pub(crate) struct BlockedThread {
    link: Arc<Link>,
}

impl BlockedThread {
    pub(crate) fn new(link: &Arc<Link>) -> Self {
        link.blocked.fetch_add(1, Ordering::Release);
        Self { link: Arc::clone(link) }
    }
}

impl Drop for BlockedThread {
    fn drop(&mut self) {
        self.link.blocked.fetch_sub(1, Ordering::Release);
        // Another handler may start now.
        self.link.wake(self.link.lock());
    }
}

/// What the driver finds before it sleeps.
pub(crate) struct Rest {
    /// Something is to be sent.
    pub(crate) queued: bool,
    /// When time will pass.
    pub(crate) timeout: Option<Instant>,
    pub(crate) close: Option<CloseRequest>,
}

impl Link {
    pub(crate) fn new(end: Arc<LocalEnd>, hub: Arc<Hub>, handshake: Handshake) -> Self {
        let mut core = Connection::new(end.side, 0);
        core.open();
        let state = LinkState { core, calls: Slab::new(), close: None, driver: None, room: Vec::new(), closed: None };
        Self {
            id: PeerId::next(),
            handshake,
            hub,
            end,
            state: Mutex::new(state),
            queued: AtomicUsize::new(0),
            blocked: AtomicUsize::new(0),
            handlers: OnceLock::new(),
            data: Data::default(),
            ended: Notify::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the driver after something was queued under the lock.
    fn wake(&self, mut state: MutexGuard<'_, LinkState>) {
        self.count_queued(&state);
        let driver = state.driver.take();
        drop(state);
        driver.into_iter().for_each(Waker::wake);
    }

    /// Sends a request as soon as there is room.
    pub(crate) fn poll_request(
        &self,
        cx: &mut Context<'_>,
        call: &mut Option<EncodedCall>,
        timeout: Option<Duration>,
        tell: bool,
    ) -> Poll<Result<Waiting, SendError>> {
        let mut state = self.lock();
        if state.core.pending() >= self.end.limits.calls_in_flight {
            return Poll::Ready(Err(SendError::TooManyCalls));
        }
        if self.is_full(&state) {
            state.wait_for_room(cx.waker());
            return Poll::Pending;
        }
        // Polled after its end.
        let Some(call) = call.take() else { return Poll::Ready(Err(SendError::Closed)) };
        // A time beyond the clock's end is no limit.
        let deadline = timeout.and_then(|wait| Instant::now().checked_add(wait)).map(Instant::into_std);
        let slot = state.calls.insert(CallSlot::Waiting(cx.waker().clone()));
        match state.core.request(call, slot, deadline, timeout.filter(|_| tell)) {
            Ok(id) => {
                self.wake(state);
                Poll::Ready(Ok(Waiting { slot, id }))
            }
            Err(refused) => {
                let unused = state.calls.remove(slot);
                drop(state);
                drop(unused);
                Poll::Ready(Err(refused.into()))
            }
        }
    }

    /// Sends an event as soon as there is room.
    pub(crate) fn poll_event(&self, cx: &mut Context<'_>, frame: &mut Option<Vec<u8>>) -> Poll<Result<(), SendError>> {
        let mut state = self.lock();
        if self.is_full(&state) {
            state.wait_for_room(cx.waker());
            return Poll::Pending;
        }
        // Polled after its end.
        let Some(frame) = frame.take() else { return Poll::Ready(Err(SendError::Closed)) };
        let sent = state.core.event(Outgoing::Owned(frame));
        self.wake(state);
        Poll::Ready(sent.map_err(SendError::from))
    }

    /// Sends an event that many peers get, if there is room for it now.
    pub(crate) fn try_event(&self, frame: &Arc<[u8]>) -> Result<(), SendError> {
        let mut state = self.lock();
        if self.is_full(&state) {
            return Err(SendError::Full);
        }
        state.core.event(Outgoing::Shared(Arc::clone(frame)))?;
        self.wake(state);
        Ok(())
    }

    /// Nobody waits any more for this call.
    pub(crate) fn forget(&self, call: &Waiting, reason: Option<&Reason>) {
        let mut state = self.lock();
        let cancelled = state.core.cancel(call.id, reason).is_some();
        let slot = state.calls.try_remove(call.slot);
        if cancelled {
            self.wake(state);
        } else {
            drop(state);
        }
        drop(slot);
    }

    /// Asks the driver to end the connection. Only the first request counts, but for an abort after a close.
    pub(crate) fn close(&self, request: CloseRequest) {
        let mut state = self.lock();
        if state.close.is_none() || matches!(request, CloseRequest::Abort) {
            state.close = Some(request);
            self.wake(state);
        }
    }

    /// Whether calls and events can be sent.
    pub(crate) fn is_open(&self) -> bool {
        let state = self.lock();
        state.closed.is_none() && state.close.is_none()
    }

    /// Moves what the handles have queued to the output.
    pub(crate) fn drain(&self, output: &mut Output) {
        if self.queued_bytes() == 0 {
            return;
        }
        let mut state = self.lock();
        self.queued.store(0, Ordering::Release);
        while let Some(frame) = state.core.poll_transmit() {
            let text = frame.as_bytes();
            output.plain_text(text.len(), |out| out.extend_from_slice(text));
        }
    }

    /// Queues a response behind everything else.
    pub(crate) fn respond(&self, frame: Vec<u8>) {
        let mut state = self.lock();
        state.core.respond(frame);
        self.count_queued(&state);
    }

    /// What a message that is no call means to this end.
    pub(crate) fn handle(&self, message: Message<'_>, frame: &Bytes, now: Instant) -> Handled {
        let slice = |json: &str| frame.slice_ref(json.as_bytes());
        let mut state = self.lock();
        let LinkState { core, calls, .. } = &mut *state;
        let handled = match core.handle(message, now.into_std()) {
            Incoming::Response(slot, answer) => {
                let end = match answer {
                    Answer::Result(json) => End::Result(json.map(slice)),
                    Answer::Rejected(RawReason { value, error }) => End::Rejected { value: slice(value), error },
                    Answer::Channel => End::Channel,
                };
                calls.get_mut(slot).and_then(|slot| slot.end(end)).map_or(Handled::Nothing, Handled::Caller)
            }
            Incoming::Cancelled(handler, reason) => Handled::Cancelled(handler, reason.read()),
            Incoming::Call(_) | Incoming::Nothing => Handled::Nothing,
        };
        self.count_queued(&state);
        handled
    }

    /// The driver goes to sleep, to be woken by handles: says what they have asked for meanwhile.
    pub(crate) fn rest(&self, driver: &Waker) -> Rest {
        let mut state = self.lock();
        match &mut state.driver {
            Some(waker) => waker.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
        let close = state.close.clone();
        let queued = !state.core.is_drained();
        let timeout = state.core.poll_timeout().map(Instant::from_std);
        let room = if self.is_full(&state) { Vec::new() } else { std::mem::take(&mut state.room) };
        drop(state);
        room.into_iter().for_each(Waker::wake);
        Rest { queued, timeout, close }
    }

    /// Bytes that handles and the core have queued and that the driver has not taken yet.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued.load(Ordering::Acquire)
    }

    /// Blocking handlers that have not ended.
    pub(crate) fn blocked_threads(&self) -> usize {
        self.blocked.load(Ordering::Acquire)
    }

    fn count_queued(&self, state: &LinkState) {
        self.queued.store(state.core.queued_bytes(), Ordering::Release);
    }

    /// The connection is over: ends every call, tells everyone who waits.
    pub(crate) fn finish(&self, closed: Closed) {
        let mut state = self.lock();
        state.core.close();
        state.closed = Some(closed);
        let (callers, _) = state.take_events();
        let room = std::mem::take(&mut state.room);
        self.count_queued(&state);
        drop(state);
        drop(self.data.take());
        self.ended.notify_waiters();
        callers.into_iter().chain(room).for_each(Waker::wake);
    }

    /// Ends what is due; gives back the handlers whose callers' time ran out.
    pub(crate) fn pass_time(&self, now: Instant) -> Vec<RunningKey> {
        let mut state = self.lock();
        state.core.handle_timeout(now.into_std());
        let (callers, expired) = state.take_events();
        self.count_queued(&state);
        drop(state);
        callers.into_iter().for_each(Waker::wake);
        expired
    }

    /// How the connection ended, once it has.
    pub(crate) async fn closed(&self) -> Closed {
        loop {
            let notified = self.ended.notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            if let Some(closed) = self.close_info() {
                return closed;
            }
            notified.await;
        }
    }

    pub(crate) fn close_info(&self) -> Option<Closed> {
        self.lock().closed.clone()
    }

    /// Opens a connection that has ended for another transport; false if it has not ended.
    pub(crate) fn reopen(&self) -> bool {
        let mut state = self.lock();
        let ended = state.closed.take().is_some();
        if ended {
            state.close = None;
            state.core.open();
        }
        ended
    }

    /// The handlers of this peer alone.
    pub(crate) fn handlers(&self) -> &DynamicHandlers {
        self.handlers.get_or_init(Box::default)
    }

    /// The dynamic handler of an event, and where it was found.
    pub(crate) fn find_dynamic(&self, scope: &Scope<'_>, event: &str) -> Option<(Found, &DynamicHandlers)> {
        let mut tables = self.handlers.get().map(|handlers| &**handlers).into_iter().chain([&self.end.handlers]);
        tables.find_map(|handlers| handlers.find(scope, event).map(|found| (found, handlers)))
    }

    /// Whether the peer can call anything on the channel.
    pub(crate) fn has_channel(&self, scope: &Scope<'_>) -> bool {
        let dynamic = |name: &str| {
            self.end.handlers.has_channel(name)
                || self.handlers.get().is_some_and(|handlers| handlers.has_channel(name))
        };
        self.end.router.has_channel(scope) || matches!(scope, Scope::Named(name) if dynamic(name))
    }

    /// Tells this end of something that went wrong.
    pub(crate) fn report(self: &Arc<Self>, error: &PeerError) {
        tracing::warn!(peer = %self.id, "{error}");
        self.end.hooks.error(|| self.peer(), error);
    }

    fn is_full(&self, state: &LinkState) -> bool {
        state.core.queued_bytes() >= self.end.limits.outbound_bytes && state.core.is_open()
    }

    pub(crate) fn counters(&self) -> Counters {
        let state = self.lock();
        Counters {
            calls_in_flight: state.core.pending(),
            handlers_in_flight: state.core.running(),
            queued_bytes: state.core.queued_bytes(),
        }
    }

    /// A handle that does not keep the connection open.
    pub(crate) fn peer(self: &Arc<Self>) -> Peer {
        Peer::of(self)
    }

    /// A handler of this request goes on running.
    pub(crate) fn begin(&self, id: RequestId, key: RunningKey, deadline: Option<Instant>) {
        self.lock().core.begin(id, key, deadline.map(Instant::into_std));
    }
}
