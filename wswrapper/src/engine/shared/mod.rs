//! The state that a connection's driver shares with its handles.
//!
//! The lock of [`Shared`] protects [`State`]: the protocol core, the slots of local calls, the inboxes of streams, and
//! the wakers of all that wait for them. It is held for short, synchronous steps. No user code runs under it, so wakers
//! and values of users are taken out, and woken or dropped after the lock was released.
//!
//! A handle queues its frames in the core (`outgoing`) and wakes the driver, unless the driver is in a turn, because a
//! turn ends with a look at the queue. The driver passes messages to the core (`incoming`, `channels`); a response is
//! left in the slot of its call, an item in the inbox of its stream, and the driver wakes the task that waits there. A
//! pong wakes the handles that wait for it (`pings`). At the end of a turn the driver also sends the calls that wait for
//! capacity, and wakes the senders that do (`capacity`). Everyone who waits is woken when the connection closes
//! (`closing`). Before that a server may drain (`draining`), and a client may pause (`pausing`). The `phase` of a client
//! decides about what is sent while it has no connection, and while its `on_open` hook runs; what is not sent then may wait
//! (`waiting`). What happens to an event that finds no capacity is in `full_queue`, and the events of which only the newest
//! waits in `latest_events`.

mod authentication;
mod capacity;
mod channels;
mod closing;
mod draining;
mod full_queue;
mod held;
mod incoming;
mod latest_events;
mod outgoing;
mod pausing;
mod phase;
mod pings;
mod reports;
mod state;
mod unsent;
mod waiting;

pub(crate) use channels::ChannelBinding;
pub(crate) use draining::Mode;
pub(crate) use full_queue::Emitted;
pub(crate) use incoming::{Action, Requested, SleepState};
pub(crate) use phase::{NotReopened, OfflineState};

use crate::close::Closed;
use crate::engine::authentication::{AuthRules, Authentication};
use crate::engine::background::BackgroundTasks;
use crate::engine::blocking::BlockingThreads;
use crate::engine::budget::{Budget, Share};
use crate::engine::epoch::Epoch;
use crate::engine::hooks::Hooks;
use crate::engine::id::{Counters, PeerId};
use crate::engine::label::Label;
use crate::engine::layers::CallSteps;
use crate::engine::loan::LoanSlot;
use crate::engine::members::Members;
use crate::engine::membership::Membership;
use crate::engine::observer::Observers;
use crate::engine::own_tasks::OwnTasks;
use crate::engine::router::{DynamicHandlers, Lookup, Router};
use crate::engine::totals::{Drops, Totals};
use crate::engine::traffic::MovedCell;
use crate::engine::warnings::Warnings;
use crate::limits::Limits;
use crate::lock::lock;
use crate::proto::{Address, Connection, Side};
use crate::rt::{Instant, after};
use phase::Phase;
use slab::Slab;
use state::{Continuity, State};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use tokio::sync::SetOnce;

/// The state of one connection, shared by its driver and its handles.
pub(crate) struct Shared {
    pub(crate) id: PeerId,
    pub(crate) members: Arc<dyn Members>,
    /// The rooms and the user of the connection.
    pub(crate) membership: Membership,
    pub(crate) endpoint: Arc<LocalEndpoint>,
    /// The dynamic handlers of this peer. Most connections have none.
    handlers: OnceLock<Box<DynamicHandlers>>,
    /// Used only by handlers that send streams.
    loan_slot: OnceLock<Box<LoanSlot>>,
    state: Mutex<State>,
    /// Bytes in the core's queue, or 1 if only a flush or a ping is requested. Without it, the driver would have to lock the
    /// state before each response.
    queued_bytes: AtomicUsize,
    /// True during a turn of the driver. It then needs no wake, because it looks at the state at the end of the turn.
    driver_awake: AtomicBool,
    /// True once the server or the connection drains. Changed under the lock, and read by the driver when its turn begins.
    draining: AtomicBool,
    /// The closes that handles have requested.
    closes: AtomicU64,
    /// The pauses that have not ended.
    pauses: AtomicUsize,
    /// The messages and bytes that the connection has moved.
    pub(crate) moved: MovedCell,
    /// Used only by blocking handlers.
    blocking_threads: OnceLock<Arc<BlockingThreads>>,
    /// True while the connection is queued in the budget.
    pub(crate) waits_for_budget: AtomicBool,
    /// Most connections cause no warning.
    warnings: OnceLock<Box<Warnings>>,
}

/// The configuration and handlers that all connections of one server or client have in common.
pub(crate) struct LocalEndpoint {
    pub(crate) side: Side,
    /// The guards and layers of calls, before the lookup of their handlers. `None` if there are none.
    pub(crate) steps: Option<Box<CallSteps>>,
    pub(crate) auth_rules: AuthRules,
    pub(crate) router: Router,
    pub(crate) handlers: DynamicHandlers,
    pub(crate) limits: Limits,
    pub(crate) hooks: Hooks,
    pub(crate) observers: Observers,
    /// The memory that all connections share.
    pub(crate) budget: Arc<Budget>,
    /// Set when the server begins to drain or to close, and when the client has stopped.
    pub(crate) drain_began: SetOnce<()>,
    /// The sums that closed connections leave behind.
    pub(crate) totals: Arc<Totals>,
    pub(crate) own_tasks: Arc<OwnTasks>,
    pub(crate) background: Arc<BackgroundTasks>,
    /// The frame of the event that peers receive when their connections begin to drain.
    pub(crate) drain_event: Option<Arc<[u8]>>,
}

impl LocalEndpoint {
    /// Returns the names of the events of any peer that are handled on a channel.
    pub(crate) fn event_names(&self, channel: Option<&str>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.router.add_event_names(channel, &mut names);
        self.handlers.add_event_names(channel, &mut names);
        names
    }
}

impl Shared {
    /// Creates the state of a connection that is open.
    pub(crate) fn new(endpoint: Arc<LocalEndpoint>, members: Arc<dyn Members>, epoch: Arc<Epoch>) -> Self {
        let mut shared = Self::unconnected(endpoint, members, epoch, None);
        let phase = shared.first_phase();
        let state = shared.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.core.open();
        state.phase = phase;
        state.continuity.was_open = phase == Phase::Open;
        let required = shared.endpoint.auth_rules.timeout.map(|timeout| after(Instant::now(), timeout));
        state.authentication = required.map(|until| Box::new(Authentication::Required(until)));
        state.retires_at = shared.endpoint.retirement(Instant::now());
        shared
    }

    /// Creates the state of a client that is not connected yet. What needs a connection fails with `closed`.
    pub(crate) fn unconnected(
        endpoint: Arc<LocalEndpoint>,
        members: Arc<dyn Members>,
        epoch: Arc<Epoch>,
        closed: Option<Arc<Closed>>,
    ) -> Self {
        let core = Connection::new(endpoint.side, 0).with_bounds(endpoint.limits.bounds());
        let state = State {
            core,
            calls: Slab::new(),
            inboxes: Slab::new(),
            closed_channels: Vec::new(),
            handlers: 0,
            output_bytes: 0,
            driver_bytes: 0,
            early_bytes: 0,
            drops: Drops::default(),
            share: Share::new(&endpoint.budget),
            withheld: None,
            close: None,
            driver: None,
            capacity_queue: None,
            output_waiters: None,
            flushes: None,
            pings: None,
            closed,
            is_finished: false,
            phase: Phase::Unconnected,
            untaken_before: 0,
            continuity: Continuity::default(),
            authentication: None,
            retires_at: None,
            drain_notice: None,
            epoch,
        };
        Self {
            id: PeerId::next(),
            members,
            membership: Membership::default(),
            endpoint,
            state: Mutex::new(state),
            queued_bytes: AtomicUsize::new(0),
            driver_awake: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            closes: AtomicU64::new(0),
            pauses: AtomicUsize::new(0),
            moved: MovedCell::default(),
            blocking_threads: OnceLock::new(),
            handlers: OnceLock::new(),
            loan_slot: OnceLock::new(),
            waits_for_budget: AtomicBool::new(false),
            warnings: OnceLock::new(),
        }
    }

    /// Returns the present or, if the connection is closed, the last epoch.
    pub(crate) fn epoch(&self) -> Arc<Epoch> {
        Arc::clone(&self.lock().epoch)
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
    #[inline]
    pub(crate) fn bytes_waiting_for_threads(&self) -> usize {
        self.blocking_threads.get().map_or(0, |threads| threads.waiting_bytes())
    }

    /// Publishes the number of queued bytes. Called before the lock is released.
    fn count_queued(&self, state: &State) {
        let bytes = state.core.queued_bytes().max(usize::from(state.has_requests()));
        self.queued_bytes.store(bytes, Ordering::Release);
    }

    /// Returns the slot through which the driver lends its output to the futures of handlers.
    pub(crate) fn loan_slot(&self) -> &LoanSlot {
        self.loan_slot.get_or_init(Box::default)
    }

    /// Returns the dynamic handlers of this peer.
    pub(crate) fn handlers(&self) -> &DynamicHandlers {
        self.handlers.get_or_init(Box::default)
    }

    /// Returns the names of the events of this peer that are handled on a channel.
    pub(crate) fn event_names(&self, channel: Option<&str>) -> BTreeSet<String> {
        let mut names = self.endpoint.event_names(channel);
        if let Some(handlers) = self.handlers.get() {
            handlers.add_event_names(channel, &mut names);
        }
        names
    }

    /// Finds the handler of a call on the main or a named channel [P-93]: a dynamic one of this peer, a dynamic one of
    /// the local endpoint, or a method of a mounted service.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the dispatch pays for a call otherwise, because others call it, too")]
    pub(crate) fn find_handler(&self, address: &Address<'_>, event: &str) -> Option<Lookup<'_>> {
        let LocalEndpoint { handlers, router, .. } = &*self.endpoint;
        let of_peer = self.handlers.get().and_then(|handlers| handlers.find(address, event));
        of_peer.or_else(|| handlers.find(address, event)).or_else(|| router.find(address, event).map(Lookup::Mounted))
    }

    /// Returns true if a call on the main or a named channel has a handler.
    pub(crate) fn has_handler(&self, address: &Address<'_>, event: &str) -> bool {
        let LocalEndpoint { handlers, router, .. } = &*self.endpoint;
        self.handlers.get().is_some_and(|handlers| handlers.contains(address, event))
            || handlers.contains(address, event)
            || router.find(address, event).is_some()
    }

    /// Returns the name of an event, for its handler. It is copied unless it is that of a mounted method.
    pub(crate) fn label(&self, address: &Address<'_>, event: &str) -> Label {
        let mounted = self.endpoint.router.find(address, event);
        mounted.map_or_else(|| Label::Shared(event.into()), |entry| entry.event.clone())
    }

    /// Returns true if the peer can call any event on the channel.
    pub(crate) fn has_channel(&self, address: &Address<'_>) -> bool {
        let dynamic = |name: &str| {
            self.endpoint.handlers.has_channel(name)
                || self.handlers.get().is_some_and(|handlers| handlers.has_channel(name))
        };
        self.endpoint.router.has_channel(address) || matches!(address, Address::Named(name) if dynamic(name))
    }

    /// Returns the counters of the connection.
    pub(crate) fn counters(&self) -> Counters {
        self.counters_of(&self.lock())
    }

    fn counters_of(&self, state: &State) -> Counters {
        Counters {
            calls_in_flight: state.core.pending_calls(),
            handlers_in_flight: state.handlers,
            blocked_threads: self.blocking_threads.get().map_or(0, |threads| threads.occupied()),
            open_channels: state.core.open_channels(),
            open_streams: state.core.open_streams(),
            queued_bytes: state.core.queued_bytes() + state.waiting_bytes() + state.output_bytes,
            buffered_bytes: state.buffered_bytes(),
        }
    }
}
