//! The channels that a peer has entered, and the calls that wait to enter one.

use super::hooks::{ChannelFuture, ChannelHooks};
use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::engine::shared::Shared;
use crate::lock::lock;
use crate::proto::{Rejection, code};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// The bytes of names that are kept for each channel, on average.
const NAME_BYTES: usize = 256;

/// The channels with hooks of one connection.
#[derive(Default)]
pub(crate) struct EnteredChannels {
    channels: Mutex<Channels>,
}

#[derive(Default)]
struct Channels {
    by_name: HashMap<Arc<str>, Entry>,
    /// The bytes of all names.
    name_bytes: usize,
    /// The number of the next call or leave.
    next_ticket: u64,
}

struct Entry {
    hooks: Arc<ChannelHooks>,
    state: State,
    /// The calls that wait, in their order.
    queue: VecDeque<Waiting>,
    /// The waker of the future that leaves the channel.
    leaver: Option<Waker>,
}

struct Waiting {
    ticket: u64,
    waker: Option<Waker>,
}

enum State {
    /// The first call of the queue starts the hook.
    Outside,
    /// The hook runs. `None` while it is polled.
    Entering(Option<ChannelFuture>),
    Entered,
    /// The hook has refused the calls of the queue.
    Refused(Rejection),
    /// The `on_leave` hooks run. `None` while they are polled: by the future that leaves, or by a call that waits.
    Leaving {
        hooks: Option<ChannelFuture>,
        number: u64,
    },
}

/// The place of a call in the queue of a channel. It is left when this is dropped.
pub(super) struct Ticket {
    pub(super) channel: Arc<str>,
    number: u64,
}

/// A leave of a channel that has begun. It is given up when the future that leaves is dropped.
pub(super) struct Leave {
    channel: Arc<str>,
    number: u64,
    /// The hooks, if the connection has ended while they were polled.
    hooks: Option<ChannelFuture>,
}

impl EnteredChannels {
    /// Returns true if the peer is on the channel, and no earlier call waits for it.
    pub(super) fn is_inside(&self, channel: &str) -> bool {
        let channels = lock(&self.channels);
        let entry = channels.by_name.get(channel);
        entry.is_some_and(|entry| matches!(entry.state, State::Entered) && entry.queue.is_empty())
    }

    /// Queues a call. Fails if the peer is on `max` channels.
    pub(super) fn queue(&self, channel: &str, hooks: &Arc<ChannelHooks>, max: usize) -> Result<Ticket, Rejection> {
        let mut channels = lock(&self.channels);
        let number = channels.next_ticket;
        let known = channels.by_name.get_key_value(channel).map(|(name, _)| Arc::clone(name));
        let channel = match known {
            Some(name) => name,
            None => {
                let name_bytes = channels.name_bytes + channel.len();
                if channels.by_name.len() >= max {
                    return Err(Rejection::new("too many channels were entered").with_code(code::TOO_MANY));
                }
                if name_bytes > max.saturating_mul(NAME_BYTES) {
                    let text = "the names of the channels that were entered are too long together";
                    return Err(Rejection::new(text).with_code(code::TOO_MANY));
                }
                channels.name_bytes = name_bytes;
                let name = Arc::<str>::from(channel);
                let entry =
                    Entry { hooks: Arc::clone(hooks), state: State::Outside, queue: VecDeque::new(), leaver: None };
                channels.by_name.insert(Arc::clone(&name), entry);
                name
            }
        };
        channels.next_ticket += 1;
        if let Some(entry) = channels.by_name.get_mut(&channel) {
            entry.queue.push_back(Waiting { ticket: number, waker: None });
        }
        Ok(Ticket { channel, number })
    }

    /// Waits until the call may go on, or fails with the rejection of the hook. Polls the hook.
    pub(super) fn poll(
        &self,
        cx: &mut Context<'_>,
        shared: &Arc<Shared>,
        ticket: &Ticket,
    ) -> Poll<Result<(), Rejection>> {
        loop {
            let mut channels = lock(&self.channels);
            // The entry is there as long as a call waits.
            let Some(entry) = channels.by_name.get_mut(&ticket.channel) else {
                return Poll::Ready(Err(Rejection::internal_error()));
            };
            let is_first = entry.queue.front().is_some_and(|first| first.ticket == ticket.number);
            let hooks = match &mut entry.state {
                State::Outside => {
                    entry.state = State::Entering(None);
                    entry.hooks.enter(shared, &ticket.channel)
                }
                State::Entering(hooks) | State::Leaving { hooks, .. } => match hooks.take() {
                    Some(hooks) => hooks,
                    None => return entry.register(cx, ticket),
                },
                State::Entered if is_first => {
                    let next = entry.leave_queue(ticket);
                    drop(channels);
                    next.into_iter().for_each(Waker::wake);
                    return Poll::Ready(Ok(()));
                }
                State::Refused(rejection) if is_first => {
                    let rejection = rejection.clone();
                    let next = entry.leave_queue(ticket);
                    channels.remove_unused(&ticket.channel);
                    drop(channels);
                    next.into_iter().for_each(Waker::wake);
                    return Poll::Ready(Err(rejection));
                }
                State::Entered | State::Refused(_) => return entry.register(cx, ticket),
            };
            drop(channels);
            // Without an entry the connection has ended, and so has the call.
            let _ = self.poll_hooks(cx, shared, &ticket.channel, hooks);
            let mut channels = lock(&self.channels);
            if let Some(entry) = channels.by_name.get_mut(&ticket.channel)
                && entry.has_hooks()
            {
                return entry.register(cx, ticket);
            }
        }
    }

    /// Polls the hooks that run for a channel, outside the lock. Returns them if they have not finished and there is no
    /// entry for them any more.
    fn poll_hooks(
        &self,
        cx: &mut Context<'_>,
        shared: &Arc<Shared>,
        channel: &Arc<str>,
        mut hooks: ChannelFuture,
    ) -> Option<ChannelFuture> {
        let polled = catch_panic(|| hooks.as_mut().poll(cx)).unwrap_or_else(|message| {
            shared.report_hook_panic("on_enter", &message);
            Poll::Ready(Err(Rejection::internal_error()))
        });
        let mut channels = lock(&self.channels);
        let entry = channels.by_name.get_mut(channel);
        let Poll::Ready(result) = polled else {
            return match entry.map(|entry| &mut entry.state) {
                Some(State::Entering(place) | State::Leaving { hooks: place, .. }) => {
                    *place = Some(hooks);
                    None
                }
                _ => Some(hooks),
            };
        };
        let mut wakers = Vec::new();
        if let Some(entry) = entry {
            entry.state = match (&entry.state, result) {
                (State::Leaving { .. }, _) => State::Outside,
                (_, Ok(())) => State::Entered,
                (_, Err(rejection)) => State::Refused(rejection),
            };
            wakers = entry.take_wakers();
        }
        let removed = channels.remove_unused(channel);
        drop(channels);
        wakers.into_iter().for_each(Waker::wake);
        shared.report_drop_panic(drop_catching_panic(hooks), "on_enter");
        drop(removed);
        None
    }

    /// Removes a call from the queue. The next one goes on.
    pub(super) fn leave_queue(&self, ticket: &Ticket) {
        let mut channels = lock(&self.channels);
        let Some(entry) = channels.by_name.get_mut(&ticket.channel) else { return };
        // If it has polled the hook, the first one that is left does so from now on.
        let next = entry.leave_queue(ticket);
        let removed = channels.remove_unused(&ticket.channel);
        drop(channels);
        next.into_iter().for_each(Waker::wake);
        // With the hook, which is a user's.
        drop(removed);
    }

    /// Begins to leave a channel. Returns `None` if the peer is not on it.
    pub(super) fn begin_leave(&self, shared: &Arc<Shared>, channel: &str) -> Option<Leave> {
        let mut channels = lock(&self.channels);
        let number = channels.next_ticket;
        let channel = Arc::clone(channels.by_name.get_key_value(channel)?.0);
        let entry = channels.by_name.get_mut(&channel)?;
        if !matches!(entry.state, State::Entered) {
            return None;
        }
        entry.state = State::Leaving { hooks: Some(entry.hooks.leave(shared, &channel)), number };
        channels.next_ticket += 1;
        Some(Leave { channel, number, hooks: None })
    }

    /// Waits until a channel was left. Polls the hooks.
    pub(super) fn poll_leave(&self, cx: &mut Context<'_>, shared: &Arc<Shared>, leave: &mut Leave) -> Poll<()> {
        loop {
            let hooks = match leave.hooks.take() {
                Some(hooks) => hooks,
                None => {
                    let mut channels = lock(&self.channels);
                    let Some(entry) = channels.by_name.get_mut(&leave.channel) else { return Poll::Ready(()) };
                    match &mut entry.state {
                        State::Leaving { hooks, number } if *number == leave.number => match hooks.take() {
                            Some(hooks) => hooks,
                            None => {
                                entry.leaver = Some(cx.waker().clone());
                                return Poll::Pending;
                            }
                        },
                        _ => return Poll::Ready(()),
                    }
                }
            };
            leave.hooks = self.poll_hooks(cx, shared, &leave.channel, hooks);
            if leave.hooks.is_some() {
                return Poll::Pending;
            }
            let mut channels = lock(&self.channels);
            if let Some(entry) = channels.by_name.get_mut(&leave.channel)
                && entry.has_hooks()
            {
                entry.leaver = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
    }

    /// Lets a leave go on without its future: by the next call on the channel, or at the end of the connection.
    pub(super) fn give_up_leave(&self, leave: &Leave) {
        let mut channels = lock(&self.channels);
        let Some(entry) = channels.by_name.get_mut(&leave.channel) else { return };
        if matches!(entry.state, State::Leaving { number, .. } if number == leave.number) {
            let own = entry.leaver.take();
            let next = entry.queue.front_mut().and_then(|first| first.waker.take());
            drop(channels);
            next.into_iter().for_each(Waker::wake);
            drop(own);
        }
    }

    /// Removes all channels. Returns the `on_leave` hooks of those that the peer is on or is leaving.
    pub(crate) fn take_all(&self, shared: &Arc<Shared>) -> Vec<ChannelFuture> {
        let channels = std::mem::take(&mut *lock(&self.channels));
        let leave = |(name, entry): (Arc<str>, Entry)| {
            // A future that leaves has nothing more to wait for: the connection runs its hooks.
            entry.leaver.into_iter().for_each(Waker::wake);
            match entry.state {
                State::Entered => Some(entry.hooks.leave(shared, &name)),
                State::Leaving { hooks, .. } => hooks,
                State::Outside | State::Entering(_) | State::Refused(_) => None,
            }
        };
        channels.by_name.into_iter().filter_map(leave).collect()
    }
}

impl Channels {
    /// Removes and returns the entry of a channel that the peer is not on and for which no call waits.
    fn remove_unused(&mut self, channel: &str) -> Option<Entry> {
        let entry = self.by_name.get(channel)?;
        if !entry.queue.is_empty() || matches!(entry.state, State::Entered | State::Leaving { .. }) {
            return None;
        }
        self.name_bytes -= channel.len();
        self.by_name.remove(channel)
    }
}

impl Entry {
    /// Returns the place of a call in the queue, which is sorted by tickets.
    fn place(&self, ticket: &Ticket) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket.number, |waiting| waiting.ticket).ok()
    }

    fn register<R>(&mut self, cx: &Context<'_>, ticket: &Ticket) -> Poll<R> {
        if let Some(place) = self.place(ticket) {
            self.queue[place].waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Returns true if hooks run.
    fn has_hooks(&self) -> bool {
        matches!(self.state, State::Entering(_) | State::Leaving { .. })
    }

    /// Removes a call from the queue, if it waits there. Returns the waker of the first one that is left, and otherwise that
    /// of the future that leaves.
    fn leave_queue(&mut self, ticket: &Ticket) -> Option<Waker> {
        self.queue.remove(self.place(ticket)?);
        self.leaver.take().or_else(|| self.queue.front_mut()?.waker.take())
    }

    /// Returns the wakers of all calls that wait, in their order, and that of the future that leaves.
    fn take_wakers(&mut self) -> Vec<Waker> {
        self.queue.iter_mut().filter_map(|waiting| waiting.waker.take()).chain(self.leaver.take()).collect()
    }
}
