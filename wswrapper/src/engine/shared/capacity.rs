//! Calls, events and senders that wait until they can be sent, in order of arrival.

use super::Shared;
use super::latest_events::LatestEvents;
use super::phase::{FailedWaiting, Phase};
use super::state::State;
use super::unsent::{Blocked, EventSender, Waiting, WaitingCall, WaitingEvent, WaitingFlush};
use crate::engine::flushes::Flushes;
use crate::engine::on_full::UnsentEvent;
use crate::engine::slot::{CallProgress, CallSlot, Completion, OfflineWait};
use crate::error::SendError;
use crate::proto::{Outgoing, QueueError};
use crate::rt;
use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;
use std::time::Instant;
use tokio::sync::oneshot;

/// Everything that waits on one connection: for capacity of its queue, for the `on_open` hook, or for the connection
/// itself. Each has a ticket, and a smaller ticket goes first.
///
/// A call is sent by the driver, so its task is not woken before the call has completed. An event that waits for the
/// connection, or as the newest of its key, is sent by the driver, too. A sender of events or items is woken. It sends by itself, and takes its old
/// place again if it finds no capacity.
#[derive(Default)]
pub(super) struct CapacityQueue {
    /// The wakers of senders. `None` for a sender that was woken in the last turn of the driver.
    senders: BTreeMap<u64, Option<Waker>>,
    /// Calls and events that the driver sends.
    waiting: BTreeMap<u64, Waiting>,
    /// The number of calls among them.
    calls: usize,
    /// The bytes of the calls and events.
    bytes: usize,
    /// The number of flushes among what waits.
    flushes: usize,
    /// The deadlines of the calls and events.
    deadlines: BTreeSet<(Instant, u64)>,
    /// The events of which only the newest waits. `None` if there are none.
    latest: Option<Box<LatestEvents>>,
    /// The number of tickets of each kind. Never reset, because a sender keeps its ticket.
    tickets: u64,
    urgent_tickets: u64,
}

/// The first ticket that is not urgent.
const NOT_URGENT: u64 = 1 << 63;

impl CapacityQueue {
    /// Returns the number of waiting calls.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// Returns the first call or event that is not blocked.
    fn first(&self, blocked: Blocked) -> Option<u64> {
        match (blocked, self.waiting.len() - self.calls) {
            (Blocked::None, _) => self.waiting.keys().next().copied(),
            (Blocked::AllCalls, 0) => None,
            _ => self.waiting.iter().find(|(_, waiting)| !waiting.is_blocked(blocked)).map(|(ticket, _)| *ticket),
        }
    }

    /// Returns true if something waits that goes before `ticket`. Without a ticket, all that waits goes first, or what
    /// is urgent before an `urgent` newcomer.
    ///
    /// Those that are blocked are left out.
    pub(super) fn precedes(&self, ticket: Option<u64>, urgent: bool, blocked: Blocked) -> bool {
        let ticket = ticket.unwrap_or(if urgent { NOT_URGENT } else { u64::MAX });
        let first_sender = self.senders.keys().next().copied();
        first_sender.into_iter().chain(self.first(blocked)).any(|first| first < ticket)
    }

    fn new_ticket(&mut self, urgent: bool) -> u64 {
        if urgent {
            self.urgent_tickets += 1;
            self.urgent_tickets
        } else {
            self.tickets += 1;
            NOT_URGENT + self.tickets
        }
    }

    /// Returns true for the ticket of a sender that goes before everything else.
    pub(super) fn is_urgent_ticket(ticket: u64) -> bool {
        ticket < NOT_URGENT
    }

    /// Returns true if this sender is registered with the same waker.
    pub(super) fn is_registered(&self, ticket: Option<u64>, waker: &Waker) -> bool {
        let registered = ticket.and_then(|ticket| self.senders.get(&ticket)?.as_ref());
        registered.is_some_and(|registered| registered.will_wake(waker))
    }

    /// Registers a sender, with its earlier ticket if it has one. Returns the former waker, to be dropped outside the
    /// lock.
    pub(super) fn register(&mut self, ticket: &mut Option<u64>, urgent: bool, waker: Waker) -> Option<Waker> {
        let ticket = *ticket.get_or_insert_with(|| self.new_ticket(urgent));
        self.senders.insert(ticket, Some(waker)).flatten()
    }

    /// Removes a sender. Returns its waker, to be dropped outside the lock.
    pub(super) fn remove_sender(&mut self, ticket: u64) -> Option<Waker> {
        self.senders.remove(&ticket).flatten()
    }

    /// Adds a call or an event, and returns its ticket.
    fn push(&mut self, waiting: Waiting) -> u64 {
        let ticket = self.new_ticket(waiting.is_urgent());
        self.insert(ticket, waiting);
        ticket
    }

    fn insert(&mut self, ticket: u64, waiting: Waiting) {
        self.deadlines.extend(waiting.due().map(|due| (due, ticket)));
        self.calls += usize::from(waiting.is_call());
        self.bytes += waiting.len();
        self.flushes += usize::from(matches!(waiting, Waiting::Flush(_)));
        if let Some(key) = waiting.latest_key() {
            self.latest.get_or_insert_default().insert(key, ticket, waiting.len());
        }
        self.waiting.insert(ticket, waiting);
    }

    /// Removes a call or an event.
    pub(super) fn remove(&mut self, ticket: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&ticket)?;
        self.calls -= usize::from(waiting.is_call());
        self.bytes -= waiting.len();
        self.flushes -= usize::from(matches!(waiting, Waiting::Flush(_)));
        if let Some((key, latest)) = waiting.latest_key().zip(self.latest.as_mut()) {
            latest.remove(key, waiting.len());
            self.latest.take_if(|latest| latest.is_empty());
        }
        if let Some(due) = waiting.due() {
            self.deadlines.remove(&(due, ticket));
        }
        Some(waiting)
    }

    /// Removes the first call or event below `end` if no sender goes before it.
    fn pop(&mut self, blocked: Blocked, end: u64) -> Option<Waiting> {
        let first = self.first(blocked).filter(|first| *first < end)?;
        let is_next = self.senders.keys().next().is_none_or(|sender| first < *sender);
        if is_next { self.remove(first) } else { None }
    }

    /// Removes a call or an event whose deadline has passed. If it waited only for a connection, which there is now, it
    /// is put back and has no deadline for that any more.
    pub(super) fn pop_due(&mut self, now: Instant, is_online: bool) -> Option<Waiting> {
        while let Some((_, ticket)) = self.deadlines.first().copied().filter(|(due, _)| *due <= now) {
            let mut waiting = self.remove(ticket)?;
            match &mut waiting {
                Waiting::Call(WaitingCall { offline, .. }) | Waiting::Event(WaitingEvent { offline, .. })
                    if is_online && offline.deadline().is_some_and(|deadline| deadline <= now) =>
                {
                    *offline = OfflineWait::No;
                }
                _ => return Some(waiting),
            }
            self.insert(ticket, waiting);
        }
        None
    }

    /// Returns the events of which only the newest waits.
    pub(super) fn latest(&self) -> Option<&LatestEvents> {
        self.latest.as_deref()
    }

    /// Returns the length of the message that waits with a ticket, in bytes.
    pub(super) fn len_of(&self, ticket: u64) -> usize {
        self.waiting.get(&ticket).map_or(0, Waiting::len)
    }

    /// Returns the soonest deadline of a call or an event.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Returns the wakers of the senders below `end` and before the first call or event.
    ///
    /// They keep their places until the next time. So they can send before the calls behind them, and a sender that is
    /// no longer polled does not block the queue.
    fn wake_senders(&mut self, blocked: Blocked, end: u64) -> Vec<Waker> {
        self.senders.retain(|_, waker| waker.is_some());
        let first = self.first(blocked).map_or(end, |ticket| ticket.min(end));
        self.senders.range_mut(..first).filter_map(|(_, waker)| waker.take()).collect()
    }

    /// Returns true if nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.senders.is_empty() && self.waiting.is_empty()
    }

    /// Removes the senders, and returns their wakers.
    pub(super) fn take_senders(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.senders).into_values().flatten().collect()
    }

    /// Removes the calls and events that wait in a way that `fails` selects.
    fn take_failing(&mut self, fails: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let failing: Vec<u64> =
            self.waiting.iter().filter(|(_, waiting)| fails(waiting)).map(|(ticket, _)| *ticket).collect();
        failing.into_iter().filter_map(|ticket| self.remove(ticket)).collect()
    }
}

impl State {
    /// Fails the calls and events that wait in a way that `fails` selects, with the result of the connection.
    pub(super) fn fail_waiting(&mut self, fails: impl Fn(&Waiting) -> bool) -> FailedWaiting {
        let Some(queue) = &mut self.capacity_queue else { return FailedWaiting::default() };
        let dropped = queue.take_failing(fails);
        let mut wakers = Vec::new();
        for waiting in &dropped {
            if let Waiting::Call(call) = waiting {
                let closed = SendError::Closed(self.closed_result());
                wakers.extend(self.complete_call(call.slot, Completion::NotSent(closed)));
            }
        }
        FailedWaiting { wakers, dropped, ..FailedWaiting::default() }
    }

    /// Completes a call or an event whose deadline has passed.
    pub(super) fn expire(&mut self, waiting: Waiting, now: Instant, failed: &mut FailedWaiting) {
        if let Waiting::Call(call) = &waiting {
            let is_over = call.deadline.is_some_and(|deadline| deadline <= now);
            let completion = if is_over && call.urgent {
                // A part of a call that was sent.
                Completion::TimedOut
            } else if is_over {
                Completion::NotSent(SendError::TimedOut)
            } else {
                Completion::NotSent(SendError::Closed(self.closed_result()))
            };
            failed.wakers.extend(self.complete_call(call.slot, completion));
        }
        if let Waiting::Event(WaitingEvent { sender: EventSender::UntilQueued(..), .. }) = &waiting {
            self.drops.count_left_out();
        }
        failed.dropped.push(waiting);
    }

    /// Returns the number of calls and events that wait.
    pub(super) fn waiting(&self) -> usize {
        self.capacity_queue.as_ref().map_or(0, |queue| queue.waiting.len() - queue.flushes)
    }

    /// Returns the bytes of the calls and events that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.capacity_queue.as_ref().map_or(0, |queue| queue.bytes)
    }

    /// Returns true if calls or events wait, those of the `on_open` hook or any.
    pub(super) fn has_waiting(&self, urgent: bool) -> bool {
        let end = if urgent { NOT_URGENT } else { u64::MAX };
        self.capacity_queue.as_ref().is_some_and(|queue| queue.waiting.range(..end).next().is_some())
    }

    /// Lets a handle wait until everything that waits now was written, or only what the `on_open` hook has queued. Returns
    /// waits that were dropped, to be freed outside the lock.
    pub(super) fn add_waiting_flush(&mut self, written: oneshot::Sender<()>, urgent: bool) -> Flushes {
        let queue = self.capacity_queue.get_or_insert_default();
        let end = if urgent { NOT_URGENT } else { u64::MAX };
        if let Some((_, Waiting::Flush(flush))) = queue.waiting.range_mut(..end).next_back()
            && flush.urgent == urgent
        {
            return flush.flushes.push(written);
        }
        let mut flushes = Flushes::default();
        flushes.push_queued(written);
        queue.push(Waiting::Flush(WaitingFlush { flushes, urgent }));
        Flushes::default()
    }

    /// Returns how a call or event waits: one of a client that was not connected yet waits for its first connection.
    pub(super) fn first_wait(&self, offline: OfflineWait) -> OfflineWait {
        if offline == OfflineWait::No && self.phase == Phase::Unconnected { OfflineWait::First } else { offline }
    }

    /// Lets a call or an event wait, and returns its ticket.
    pub(super) fn add_waiting(&mut self, waiting: Waiting) -> u64 {
        self.capacity_queue.get_or_insert_default().push(waiting)
    }
}

impl Shared {
    /// Returns true if the queue of an open connection has reached its limit.
    pub(super) fn is_full(&self, state: &State) -> bool {
        state.core.queued_bytes() >= self.endpoint.limits.max_outbound_bytes && state.core.is_open()
    }

    /// Returns true if a frame can be queued now: the connection is open, the queue has capacity, and nothing waits for
    /// it that goes before `ticket`. `from_hook` is true for frames of the `on_open` hook.
    pub(super) fn has_capacity(&self, state: &State, ticket: Option<u64>, from_hook: bool) -> bool {
        let precedes = |queue: &CapacityQueue| queue.precedes(ticket, from_hook, self.blocked(state));
        state.sends(from_hook)
            && !self.is_full(state)
            && (ticket.is_some() || state.output_waiters.is_none())
            && !state.capacity_queue.as_deref().is_some_and(precedes)
    }

    /// Returns the waiting calls that cannot be sent now, although there is a connection.
    fn blocked(&self, state: &State) -> Blocked {
        if state.core.pending_calls() >= self.endpoint.limits.max_calls_in_flight {
            Blocked::AllCalls
        } else if state.continuity.peer_drains {
            Blocked::ThoseForTheNextConnection
        } else {
            Blocked::None
        }
    }

    /// Sends the calls and events that wait for capacity, or wakes the senders before them. Returns true if others wait
    /// behind these.
    ///
    /// Called once in a turn of the driver, because a sender that was woken loses its place at the next time.
    pub(super) fn use_capacity(&self, state: &mut State, sent: &mut FailedWaiting) -> bool {
        let Some(end) = state.end_of_tickets() else { return false };
        let blocked = self.blocked(state);
        let Some(queue) = state.capacity_queue.as_mut().filter(|queue| !queue.is_empty()) else { return false };
        let senders = queue.wake_senders(blocked, end);
        if !senders.is_empty() {
            sent.wakers.extend(senders);
            return true;
        }
        self.send_first(state, sent);
        false
    }

    /// Sends the calls and events that wait for capacity before the first sender.
    pub(super) fn send_first(&self, state: &mut State, sent: &mut FailedWaiting) {
        let Some(end) = state.end_of_tickets() else { return };
        let mut now = None;
        while !self.is_full(state) {
            let blocked = self.blocked(state);
            match state.capacity_queue.as_mut().and_then(|queue| queue.pop(blocked, end)) {
                Some(waiting) => state.send_waiting(waiting, &mut now, sent),
                None => break,
            }
        }
        self.count_queued(state);
    }

    /// Sends the events at the front, because the connection closes. A call is left, because no response to it would be
    /// read. Flushes before the first event that is left wait for nothing more.
    pub(super) fn send_first_events(&self, state: &mut State, sent: &mut FailedWaiting) {
        let is_event = |waiting: &Waiting| !waiting.is_call();
        while state.phase == Phase::Open && !self.is_full(state) {
            let queue = state.capacity_queue.as_mut();
            let queue = queue.filter(|queue| queue.waiting.values().next().is_some_and(is_event));
            let Some(event) = queue.and_then(|queue| queue.pop(Blocked::None, u64::MAX)) else { break };
            state.send_waiting(event, &mut None, sent);
        }
        let Some(queue) = &mut state.capacity_queue else { return };
        let before_events = queue.waiting.iter().take_while(|(_, waiting)| !matches!(waiting, Waiting::Event(_)));
        let is_flush = |waiting: &Waiting| matches!(waiting, Waiting::Flush(_));
        let flushes: Vec<_> = before_events.filter(|(_, it)| is_flush(it)).map(|(ticket, _)| *ticket).collect();
        for flush in flushes.into_iter().filter_map(|ticket| queue.remove(ticket)).collect::<Vec<_>>() {
            state.send_waiting(flush, &mut None, sent);
        }
    }
}

impl State {
    /// Returns the end of the tickets that may be sent now, or `None` if nothing may.
    fn end_of_tickets(&self) -> Option<u64> {
        match self.phase {
            Phase::Open => Some(u64::MAX),
            // The hook's own calls are urgent.
            Phase::Opening => Some(NOT_URGENT),
            Phase::Unconnected | Phase::Closing | Phase::Offline | Phase::Stopped => None,
        }
    }

    fn send_waiting(&mut self, waiting: Waiting, now: &mut Option<rt::Instant>, sent: &mut FailedWaiting) {
        match waiting {
            Waiting::Call(call) => self.send_waiting_call(call, now, &mut sent.wakers),
            Waiting::Event(event) => self.send_waiting_event(event, sent),
            Waiting::Flush(flush) => self.flushes.get_or_insert_default().append(flush.flushes, 0),
        }
    }

    fn send_waiting_call(&mut self, call: WaitingCall, now: &mut Option<rt::Instant>, wakers: &mut Vec<Waker>) {
        let WaitingCall { call, slot, expected_channel, deadline, sends_timeout, urgent, offline } = call;
        let channel = call.channel();
        // The rest of the timeout is the only reason to read the clock.
        let mut now = || *now.get_or_insert_with(rt::Instant::now);
        let deadline = match offline {
            OfflineWait::Unlimited { timeout: Some(timeout) } => Some(rt::after(now(), timeout).into_std()),
            _ => deadline,
        };
        let caller_timeout = deadline
            .filter(|_| sends_timeout)
            .map(|deadline| rt::Instant::from_std(deadline).saturating_duration_since(now()));
        match self.core.request(call, slot, deadline, caller_timeout, expected_channel) {
            Ok(id) => {
                if let Some(CallSlot::Waiting(progress, waker)) = self.calls.get_mut(slot) {
                    *progress = CallProgress::Sent(id);
                    wakers.extend(waker.take_if(|_| urgent));
                }
            }
            Err(error) => {
                let error = self.send_error(error, channel);
                wakers.extend(self.complete_call(slot, Completion::NotSent(error)));
            }
        }
    }

    fn send_waiting_event(&mut self, waiting: WaitingEvent, sent: &mut FailedWaiting) {
        let WaitingEvent { event, sender, .. } = waiting;
        match (self.emit(event), sender) {
            (Ok(()), EventSender::UntilWritten(written)) => self.flushes.get_or_insert_default().push_queued(written),
            (Ok(()), EventSender::UntilQueued(queued, _)) => sent.queued.push(queued),
            // The connection or the channel is closed. Whoever waits is woken outside the lock.
            (Err(_), EventSender::UntilWritten(sender) | EventSender::UntilQueued(sender, _)) => {
                sent.unwritten.push(sender);
            }
            (_, EventSender::Gone | EventSender::Latest(_)) => {}
        }
    }

    /// Queues an event.
    pub(super) fn emit(&mut self, event: UnsentEvent) -> Result<(), QueueError> {
        match event {
            UnsentEvent::Owned(event) => self.core.emit(event),
            UnsentEvent::Shared(frame) => self.core.emit_frame(Outgoing::Shared(frame)),
        }
    }
}
