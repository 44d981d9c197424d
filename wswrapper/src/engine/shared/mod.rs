//! The state that a connection's driver shares with its handles.
//!
//! The lock of [`Shared`] protects [`State`]: the protocol core, the slots of local calls, the inboxes of streams, and
//! the wakers of all that wait for them. It is held for short, synchronous steps. No user code runs under it, so wakers
//! and values of users are taken out, and woken or dropped after the lock was released.
//!
//! A handle queues its frames in the core (`outgoing`) and wakes the driver, unless the driver is in a turn, because a
//! turn ends with a look at the queue. The driver passes messages to the core (`incoming`, `channels`); a response is
//! left in the slot of its call, an item in the inbox of its stream, and the driver wakes the task that waits there. At
//! the end of a turn it also sends the calls that wait for capacity, and wakes the senders that do (`capacity`).
//! Everyone who waits is woken when the connection closes.

mod capacity;
mod channels;
mod held;
mod incoming;
mod outgoing;
mod state;

pub(crate) use channels::ChannelBinding;
pub(crate) use incoming::{Action, SleepState};

use crate::close::{CloseRequest, Closed};
use crate::engine::blocking::BlockingThreads;
use crate::engine::budget::{Budget, Share};
use crate::engine::extensions::Extensions;
use crate::engine::hooks::Hooks;
use crate::engine::id::{Counters, PeerId};
use crate::engine::loan::LoanSlot;
use crate::engine::members::Members;
use crate::engine::message_log::Outcomes;
use crate::engine::router::{DynamicHandlers, Lookup, Router};
use crate::engine::warnings::{LeftOut, OneLine, WarningKind, Warnings};
use crate::error::PeerError;
use crate::handshake::Handshake;
use crate::limits::Limits;
use crate::lock::lock;
use crate::proto::{Address, Connection, Side};
use capacity::CapacityQueue;
use slab::Slab;
use state::{Phase, State};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::Waker;
use tokio::sync::Notify;

/// The state of one connection, shared by its driver and its handles.
pub(crate) struct Shared {
    pub(crate) id: PeerId,
    pub(crate) handshake: Handshake,
    pub(crate) members: Arc<dyn Members>,
    pub(crate) endpoint: Arc<LocalEndpoint>,
    /// The dynamic handlers of this peer. Most connections have none.
    handlers: OnceLock<Box<DynamicHandlers>>,
    pub(crate) extensions: Extensions,
    /// Used only by handlers that send streams.
    loan_slot: OnceLock<Box<LoanSlot>>,
    state: Mutex<State>,
    /// Bytes in the core's queue, or 1 if only a flush is requested. Without it, the driver would have to lock the state
    /// before each response.
    queued_bytes: AtomicUsize,
    /// True during a turn of the driver. It then needs no wake, because it looks at the state at the end of the turn.
    driver_awake: AtomicBool,
    /// Used only by blocking handlers.
    blocking_threads: OnceLock<Arc<BlockingThreads>>,
    /// True while the connection is queued in the budget.
    pub(crate) waits_for_budget: AtomicBool,
    /// Used only if there is an `on_message` hook.
    outcomes: OnceLock<Box<Outcomes>>,
    /// Most connections cause no warning.
    warnings: OnceLock<Box<Warnings>>,
    /// Notified when the connection is closed.
    closed_notify: Notify,
}

/// The configuration and handlers that all connections of one server or client have in common.
pub(crate) struct LocalEndpoint {
    pub(crate) side: Side,
    pub(crate) router: Router,
    pub(crate) handlers: DynamicHandlers,
    pub(crate) limits: Limits,
    pub(crate) hooks: Hooks,
    /// The memory that all connections share.
    pub(crate) budget: Arc<Budget>,
}

impl Shared {
    /// Creates the state of a connection that is open.
    pub(crate) fn new(endpoint: Arc<LocalEndpoint>, members: Arc<dyn Members>, handshake: Handshake) -> Self {
        let mut core = Connection::new(endpoint.side, 0).with_bounds(endpoint.limits.bounds());
        core.open();
        let state = State {
            core,
            calls: Slab::new(),
            inboxes: Slab::new(),
            closed_channels: Vec::new(),
            handlers: 0,
            output_bytes: 0,
            driver_bytes: 0,
            share: Share::new(&endpoint.budget),
            withheld: None,
            close: None,
            driver: None,
            capacity_queue: None,
            output_waiters: None,
            flushes: None,
            closed: None,
            phase: Phase::Connected,
            previous_closed: None,
            close_count: 0,
        };
        Self {
            id: PeerId::next(),
            handshake,
            members,
            endpoint,
            state: Mutex::new(state),
            queued_bytes: AtomicUsize::new(0),
            driver_awake: AtomicBool::new(false),
            blocking_threads: OnceLock::new(),
            handlers: OnceLock::new(),
            extensions: Extensions::default(),
            loan_slot: OnceLock::new(),
            waits_for_budget: AtomicBool::new(false),
            outcomes: OnceLock::new(),
            warnings: OnceLock::new(),
            closed_notify: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Releases the lock after something was queued, and wakes the driver if it sleeps.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        self.count_queued(&state);
        let driver = state.driver.take_if(|_| !self.driver_awake.load(Ordering::Relaxed));
        drop(state);
        driver.into_iter().for_each(Waker::wake);
    }

    /// Requests the driver to close the connection. Only the first request counts, except that an abort follows a
    /// close. Returns how often the connection was closed before it was last opened.
    pub(crate) fn close(&self, request: CloseRequest) -> u64 {
        // Counted under the same lock, because a client may be bound to another transport after that.
        let mut state = self.lock();
        let past_closes = state.past_closes();
        if state.close.is_none() || matches!(request, CloseRequest::Abort) {
            state.close = Some(request);
            self.wake(state);
        }
        past_closes
    }

    /// Returns true if calls and events can be sent.
    pub(crate) fn is_open(&self) -> bool {
        let state = self.lock();
        state.core.is_open() && state.close.is_none()
    }

    /// Returns the threads of blocking handlers.
    pub(crate) fn blocking_threads(&self) -> &Arc<BlockingThreads> {
        self.blocking_threads.get_or_init(|| Arc::new(BlockingThreads::new(self.endpoint.limits.max_blocking_handlers)))
    }

    /// Returns the size of the calls that wait for a thread.
    pub(crate) fn bytes_waiting_for_threads(&self) -> usize {
        self.blocking_threads.get().map_or(0, |threads| threads.waiting_bytes())
    }

    /// Publishes the number of queued bytes. Called before the lock is released.
    fn count_queued(&self, state: &State) {
        let bytes = state.core.queued_bytes().max(usize::from(state.flushes.is_some()));
        self.queued_bytes.store(bytes, Ordering::Release);
    }

    /// Returns how often the connection was closed before it was last opened.
    pub(crate) fn past_closes(&self) -> u64 {
        self.lock().past_closes()
    }

    /// Waits until the connection was closed more than `past_closes` times. Cancel-safe.
    pub(crate) async fn closed_after(&self, past_closes: u64) -> Closed {
        loop {
            let notified = self.closed_notify.notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            if let Some(closed) = self.find_closed(past_closes) {
                return closed;
            }
            notified.await;
        }
    }

    fn find_closed(&self, past_closes: u64) -> Option<Closed> {
        let state = self.lock();
        if state.close_count > past_closes {
            let closed = state.closed.as_deref().filter(|_| state.phase == Phase::Closed);
            closed.or(state.previous_closed.as_deref()).cloned()
        } else {
            None
        }
    }

    /// Returns how the connection was closed, unless it is open.
    pub(crate) fn close_info(&self) -> Option<Closed> {
        let state = self.lock();
        state.closed.as_deref().filter(|_| state.phase != Phase::Connected).cloned()
    }

    /// Opens a closed connection again, for another transport. Returns false if it is not closed.
    pub(crate) fn reopen(&self) -> bool {
        let mut state = self.lock();
        if state.phase != Phase::Closed {
            return false;
        }
        let closed = state.closed.take();
        let old = mem::replace(&mut state.previous_closed, closed);
        state.phase = Phase::Connected;
        state.close = None;
        state.core.open();
        drop(state);
        // Its error may be a user's.
        drop(old);
        true
    }

    /// Returns the slot through which the driver lends its output to the futures of handlers.
    pub(crate) fn loan_slot(&self) -> &LoanSlot {
        self.loan_slot.get_or_init(Box::default)
    }

    /// Returns the place for the outcome of the handler that is being polled.
    pub(crate) fn outcomes(&self) -> &Outcomes {
        self.outcomes.get_or_init(Box::default)
    }

    /// Returns the dynamic handlers of this peer.
    pub(crate) fn handlers(&self) -> &DynamicHandlers {
        self.handlers.get_or_init(Box::default)
    }

    /// Finds the dynamic handler of an event: first among those of this peer, then of the local endpoint. Also returns
    /// the set that holds the handler.
    pub(crate) fn find_dynamic(&self, address: &Address<'_>, event: &str) -> Option<(Lookup, &DynamicHandlers)> {
        let mut tables = self.handlers.get().map(|handlers| &**handlers).into_iter().chain([&self.endpoint.handlers]);
        tables.find_map(|handlers| handlers.find(address, event).map(|found| (found, handlers)))
    }

    /// Returns true if the peer can call any event on the channel.
    pub(crate) fn has_channel(&self, address: &Address<'_>) -> bool {
        let dynamic = |name: &str| {
            self.endpoint.handlers.has_channel(name)
                || self.handlers.get().is_some_and(|handlers| handlers.has_channel(name))
        };
        self.endpoint.router.has_channel(address) || matches!(address, Address::Named(name) if dynamic(name))
    }

    /// Logs a local error, and passes it to the `on_error` hook. The log leaves out errors of one kind that come too
    /// fast; the hook gets all of them.
    pub(crate) fn report(self: &Arc<Self>, error: &PeerError) {
        if let Some(left_out) = self.admit_warning(WarningKind::Error(mem::discriminant(error))) {
            tracing::warn!(peer = %self.id, "{}{left_out}", OneLine(error));
        }
        self.endpoint.hooks.error(self, error);
    }

    /// Logs a panic of a hook that runs for single messages or errors.
    pub(crate) fn report_hook_panic(&self, hook: &'static str, message: &str) {
        if let Some(left_out) = self.admit_warning(WarningKind::HookPanic(hook)) {
            tracing::error!("{hook} panicked: {}{left_out}", OneLine(message));
        }
    }

    /// Returns the number of earlier warnings that were left out, or `None` if this one is left out too.
    fn admit_warning(&self, kind: WarningKind) -> Option<LeftOut> {
        self.warnings.get_or_init(Box::default).admit(kind).map(LeftOut)
    }

    /// Logs the number of warnings that were left out since the last ones.
    fn warn_left_out(&self) {
        let left_out = self.warnings.get().map_or(0, |warnings| warnings.take_left_out());
        if left_out > 0 {
            tracing::warn!(peer = %self.id, "{left_out} warnings were left out before the connection was closed");
        }
    }

    /// Reports a panic that a user's value caused when it was dropped.
    pub(crate) fn report_drop_panic(self: &Arc<Self>, dropped: Result<(), String>, event: &str) {
        if let Err(message) = dropped {
            self.report(&PeerError::Panicked { event: event.to_owned(), message });
        }
    }

    /// Returns true if the queue of an open connection has reached its limit.
    fn is_full(&self, state: &State) -> bool {
        state.core.queued_bytes() >= self.endpoint.limits.outbound_bytes && state.core.is_open()
    }

    /// Returns true if a frame can be queued now: the queue has capacity, and nothing waits for it that goes before
    /// `ticket`.
    fn has_capacity(&self, state: &State, ticket: Option<u64>) -> bool {
        let precedes = |queue: &CapacityQueue| queue.precedes(ticket, !self.has_free_slot(state));
        !self.is_full(state)
            && (ticket.is_some() || state.output_waiters.is_none())
            && !state.capacity_queue.as_deref().is_some_and(precedes)
    }

    /// Returns true if the number of pending calls is below its limit.
    fn has_free_slot(&self, state: &State) -> bool {
        state.core.pending_calls() < self.endpoint.limits.calls_in_flight
    }

    /// Returns the counters of the connection.
    pub(crate) fn counters(&self) -> Counters {
        let state = self.lock();
        Counters {
            calls_in_flight: state.core.pending_calls(),
            handlers_in_flight: state.handlers,
            blocked_threads: self.blocking_threads.get().map_or(0, |threads| threads.occupied()),
            open_channels: state.core.open_channels(),
            queued_bytes: state.core.queued_bytes() + state.output_bytes,
            buffered_bytes: state.buffered_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::close::{CloseCause, CloseRequest, Closed};
    use crate::transport::memory;
    use crate::{Client, Server};
    use std::collections::HashMap;
    use std::fmt::{Debug, Write as _};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::thread;
    use tracing::field::Field;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// Collects the messages of a log.
    #[derive(Clone, Default)]
    struct Messages(Arc<Mutex<Vec<String>>>);

    impl Subscriber for Messages {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, event: &Event<'_>) {
            let mut message = String::new();
            event.record(&mut |field: &Field, value: &dyn Debug| {
                if field.name() == "message" {
                    write!(message, "{value:?}").expect("a string accepts any text");
                }
            });
            self.0.lock().expect("no panic").push(message);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    /// One thread closes the connection while another opens it again and again.
    #[test]
    fn a_close_request_is_counted_for_the_connection_that_it_closes() {
        const CLOSED: usize = 1_000;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be started");
        // The runtime does not run, so no driver changes the state.
        let client = runtime.block_on(async { Client::over(memory::pair().0) }).expect("nothing to mount");
        let shared = client.peer().shared();
        let is_done = AtomicBool::new(false);
        let (requests, closed) = thread::scope(|scope| {
            let requests = scope.spawn(|| {
                let mut requests = HashMap::new();
                for n in 0.. {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    requests.insert(n.to_string(), shared.close(CloseRequest::local(4000, n.to_string())));
                }
                requests
            });
            let mut closed = Vec::new();
            for connection in 0.. {
                if closed.len() == CLOSED {
                    break;
                }
                let request = shared.lock().close.clone();
                if let Some(CloseRequest::Close(close, _)) = request {
                    closed.push((close.reason, connection));
                }
                shared.begin_finish(Closed::abnormal(CloseCause::Local, ""));
                shared.set_closed();
                assert!(shared.reopen());
            }
            is_done.store(true, Ordering::Relaxed);
            (requests.join().expect("no panic"), closed)
        });
        for (request, connection) in closed {
            assert_eq!(requests[&request], connection);
        }
    }

    fn logged(messages: &Messages, text: &str) -> Vec<String> {
        let messages = messages.0.lock().expect("no panic");
        messages.iter().filter(|message| message.contains(text)).cloned().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_dropped_events_is_logged_once_a_second_and_the_hook_sees_all() {
        let messages = Messages::default();
        let _log = tracing::subscriber::set_default(messages.clone());
        let errors = Arc::new(AtomicUsize::new(0));
        let server = Server::builder().on_error({
            let errors = Arc::clone(&errors);
            move |_, _| {
                errors.fetch_add(1, Ordering::Relaxed);
            }
        });
        let server = server.build().expect("nothing to mount");
        server.on("panics", |panics: bool| async move { assert!(!panics, "of another kind") }).expect("a valid name");
        let (near, far) = memory::pair();
        let peer = server.accept_transport(far).expect("it is open");
        let client = Client::over(near).expect("nothing to mount");
        let long = "n".repeat(10_000);
        for second in 0..3 {
            for _ in 0..100 {
                client.emit(&long, ()).await.expect("there is capacity");
            }
            client.request::<()>("panics", (true,)).await.expect_err("it panics");
            let dropped = logged(&messages, "was dropped");
            assert_eq!(dropped.len(), second + 1, "{dropped:?}");
            assert_eq!(logged(&messages, "of another kind").len(), second + 1);
            tokio::time::advance(std::time::Duration::from_secs(1)).await;
        }
        let dropped = logged(&messages, "was dropped");
        let text = format!("event `{0}…` was dropped: No event listener for '{0}…'", "n".repeat(64));
        assert_eq!(dropped[0], text);
        assert_eq!(dropped[2], format!("{text} (99 earlier warnings of this kind were left out)"));
        assert_eq!(errors.load(Ordering::Relaxed), 303);
        peer.close(1000, "").await;
        assert_eq!(
            logged(&messages, "left out before"),
            ["99 warnings were left out before the connection was closed"]
        );
    }

    #[tokio::test]
    async fn control_characters_in_an_event_name_are_escaped_in_the_log() {
        let messages = Messages::default();
        let _log = tracing::subscriber::set_default(messages.clone());
        let server = Server::builder().build().expect("nothing to mount");
        let (near, far) = memory::pair();
        server.accept_transport(far).expect("it is open");
        let client = Client::over(near).expect("nothing to mount");
        client.emit("x\n\r INFO `Ad\u{e4}` logged in \u{1b}[31m", ()).await.expect("there is capacity");
        // Its rejection arrives after the event was dropped.
        client.request::<()>("y", ()).await.expect_err("nobody handles it");
        let messages = messages.0.lock().expect("no panic").clone();
        let expected = r"event `x\n\r INFO `Adä` logged in \u{1b}[31m` was dropped: ";
        assert!(messages.iter().any(|message| message.starts_with(expected)), "{messages:?}");
    }
}
