//! Senders and calls that wait until the output queue has capacity, in order of arrival.

use super::Shared;
use super::channels::ChannelBinding;
use super::state::State;
use crate::engine::slot::{CallProgress, CallSlot, Completion};
use crate::proto::{EncodedCall, ExpectedChannel};
use crate::rt;
use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;
use std::time::Instant;

/// Everything that waits for capacity on one connection. Each has a ticket, and a smaller ticket goes first.
///
/// A call is sent by the driver, so its task is not woken before the call has completed. A sender of events or items
/// is woken. It sends by itself, and takes its old place again if it finds no capacity.
#[derive(Default)]
pub(super) struct CapacityQueue {
    /// The wakers of senders. `None` for a sender that was woken in the last turn of the driver.
    senders: BTreeMap<u64, Option<Waker>>,
    calls: BTreeMap<u64, WaitingCall>,
    /// The deadlines of the calls.
    deadlines: BTreeSet<(Instant, u64)>,
    /// The number of tickets of each kind. Never reset, because a sender keeps its ticket.
    tickets: u64,
    urgent_tickets: u64,
}

/// The first ticket that is not urgent.
const NOT_URGENT: u64 = 1 << 63;

/// A call that was not sent yet.
pub(super) struct WaitingCall {
    pub(super) call: EncodedCall,
    /// The slot of its caller.
    pub(super) slot: usize,
    pub(super) expected_channel: Option<ExpectedChannel<ChannelBinding>>,
    pub(super) deadline: Option<Instant>,
    /// True if the peer receives the rest of the timeout.
    pub(super) sends_timeout: bool,
    /// True if the call goes before everything else, and its caller is woken when it was sent.
    pub(super) urgent: bool,
}

impl CapacityQueue {
    /// Returns the number of waiting calls.
    pub(super) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Returns true if something waits that goes before `ticket`. Without a ticket, anything that waits goes first.
    ///
    /// Calls are left out if `calls_blocked`: they wait for the response to another call.
    pub(super) fn precedes(&self, ticket: Option<u64>, calls_blocked: bool) -> bool {
        let ticket = ticket.unwrap_or(u64::MAX);
        let first_call = self.calls.keys().next().filter(|_| !calls_blocked);
        self.senders.keys().next().into_iter().chain(first_call).any(|first| *first < ticket)
    }

    fn new_ticket(&mut self) -> u64 {
        self.tickets += 1;
        NOT_URGENT + self.tickets
    }

    /// Returns true if this sender is registered with the same waker.
    pub(super) fn is_registered(&self, ticket: Option<u64>, waker: &Waker) -> bool {
        let registered = ticket.and_then(|ticket| self.senders.get(&ticket)?.as_ref());
        registered.is_some_and(|registered| registered.will_wake(waker))
    }

    /// Registers a sender, with its earlier ticket if it has one. Returns the former waker, to be dropped outside the
    /// lock.
    pub(super) fn register(&mut self, ticket: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let ticket = *ticket.get_or_insert_with(|| self.new_ticket());
        self.senders.insert(ticket, Some(waker)).flatten()
    }

    /// Removes a sender. Returns its waker, to be dropped outside the lock.
    pub(super) fn remove_sender(&mut self, ticket: u64) -> Option<Waker> {
        self.senders.remove(&ticket).flatten()
    }

    /// Adds a call, and returns its ticket.
    pub(super) fn push_call(&mut self, call: WaitingCall) -> u64 {
        let ticket = if call.urgent {
            self.urgent_tickets += 1;
            self.urgent_tickets
        } else {
            self.new_ticket()
        };
        self.deadlines.extend(call.deadline.map(|deadline| (deadline, ticket)));
        self.calls.insert(ticket, call);
        ticket
    }

    /// Removes a call.
    pub(super) fn remove_call(&mut self, ticket: u64) -> Option<WaitingCall> {
        let call = self.calls.remove(&ticket)?;
        if let Some(deadline) = call.deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
        Some(call)
    }

    /// Removes the first call if no sender goes before it.
    pub(super) fn pop_call(&mut self) -> Option<WaitingCall> {
        let first = *self.calls.keys().next()?;
        let is_next = self.senders.keys().next().is_none_or(|sender| first < *sender);
        if is_next { self.remove_call(first) } else { None }
    }

    /// Removes a call whose deadline has passed.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<WaitingCall> {
        let (_, ticket) = *self.deadlines.first().filter(|(deadline, _)| *deadline <= now)?;
        self.remove_call(ticket)
    }

    /// Returns the soonest deadline of a call.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Returns the wakers of the senders before the first call, or of all senders if `calls_blocked`.
    ///
    /// They keep their places until the next time. So they can send before the calls behind them, and a sender that is
    /// no longer polled does not block the queue.
    pub(super) fn wake_senders(&mut self, calls_blocked: bool) -> Vec<Waker> {
        self.senders.retain(|_, waker| waker.is_some());
        let first_call = self.calls.keys().next().filter(|_| !calls_blocked).map_or(u64::MAX, |ticket| *ticket);
        self.senders.range_mut(..first_call).filter_map(|(_, waker)| waker.take()).collect()
    }

    /// Returns true if nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.senders.is_empty() && self.calls.is_empty()
    }

    /// Removes everything. Returns the wakers of the senders, and the slots of the calls.
    pub(super) fn clear(&mut self) -> (Vec<Waker>, Vec<usize>) {
        self.deadlines.clear();
        let senders = std::mem::take(&mut self.senders).into_values().flatten().collect();
        let slots = std::mem::take(&mut self.calls).into_values().map(|call| call.slot).collect();
        (senders, slots)
    }
}

impl Shared {
    /// Returns true if the queue of an open connection has reached its limit.
    pub(super) fn is_full(&self, state: &State) -> bool {
        state.core.queued_bytes() >= self.endpoint.limits.max_outbound_bytes && state.core.is_open()
    }

    /// Returns true if a frame can be queued now: the queue has capacity, and nothing waits for it that goes before
    /// `ticket`.
    pub(super) fn has_capacity(&self, state: &State, ticket: Option<u64>) -> bool {
        let precedes = |queue: &CapacityQueue| queue.precedes(ticket, !self.has_free_slot(state));
        !self.is_full(state)
            && (ticket.is_some() || state.output_waiters.is_none())
            && !state.capacity_queue.as_deref().is_some_and(precedes)
    }

    /// Returns true if the number of pending calls is below its limit.
    pub(super) fn has_free_slot(&self, state: &State) -> bool {
        state.core.pending_calls() < self.endpoint.limits.max_calls_in_flight
    }

    /// Sends the calls that wait for capacity, or wakes the senders before them. Returns true if others wait behind
    /// these.
    pub(super) fn use_capacity(&self, state: &mut State, wakers: &mut Vec<Waker>) -> bool {
        let calls_blocked = !self.has_free_slot(state);
        let Some(queue) = state.capacity_queue.as_mut().filter(|queue| !queue.is_empty()) else { return false };
        let senders = queue.wake_senders(calls_blocked);
        if !senders.is_empty() {
            wakers.extend(senders);
            return true;
        }
        let mut now = None;
        while !self.is_full(state)
            && self.has_free_slot(state)
            && let Some(call) = state.capacity_queue.as_mut().and_then(|queue| queue.pop_call())
        {
            let WaitingCall { call, slot, expected_channel, deadline, sends_timeout, urgent } = call;
            let channel = call.channel();
            // The rest of the timeout is the only reason to read the clock.
            let caller_timeout = deadline.filter(|_| sends_timeout).map(|deadline| {
                let now = *now.get_or_insert_with(rt::Instant::now);
                rt::Instant::from_std(deadline).saturating_duration_since(now)
            });
            match state.core.request(call, slot, deadline, caller_timeout, expected_channel) {
                Ok(id) => {
                    if let Some(CallSlot::Waiting(progress, waker)) = state.calls.get_mut(slot) {
                        *progress = CallProgress::Sent(id);
                        wakers.extend(waker.take_if(|_| urgent));
                    }
                }
                Err(error) => {
                    let error = state.send_error(error, channel);
                    wakers.extend(state.complete_call(slot, Completion::NotSent(error)));
                }
            }
        }
        self.count_queued(state);
        false
    }
}
