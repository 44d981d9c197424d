//! The entries of a presence, under the lock of their table.

use super::log::{Kind, Log};
use super::present::{PresenceKey, Present};
use crate::engine::{Departure, PeerId};
use crate::rt::{Instant, after};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// The largest number of those without a connection who are still shown. Beyond it, the leave of the one that would be
/// reported next is reported at once.
const MAX_ABSENT: usize = 16_384;

/// The state under the lock. No user code runs while it is locked, so wakers and values are left in `outside`.
pub(super) struct State<M> {
    leave_after: Duration,
    shown: BTreeMap<PresenceKey, Shown<M>>,
    /// The keys under which connections are shown.
    keys: HashMap<PeerId, PresenceKey>,
    /// The entries without a connection, by the times at which their leaves are reported.
    absent: BTreeSet<(Instant, PresenceKey)>,
    pub(super) log: Log<M>,
    pub(super) is_finished: bool,
    pub(super) outside: Outside<M>,
}

/// One who is shown.
struct Shown<M> {
    present: Arc<Present<M>>,
    connections: usize,
    /// The time at which the leave is reported, if there are no connections.
    absent_until: Option<Instant>,
}

/// The wakers and values that are woken and dropped after the lock was released.
pub(super) struct Outside<M> {
    pub(super) wakers: Vec<Waker>,
    pub(super) dropped: Vec<Arc<Present<M>>>,
}

impl<M> State<M> {
    pub(super) fn new() -> Self {
        Self {
            leave_after: Duration::from_secs(5),
            shown: BTreeMap::new(),
            keys: HashMap::new(),
            absent: BTreeSet::new(),
            log: Log::new(),
            is_finished: false,
            outside: Outside::default(),
        }
    }

    pub(super) fn set_leave_after(&mut self, leave_after: Duration) {
        self.leave_after = leave_after;
    }

    /// Returns the key under which a connection is shown.
    pub(super) fn key(&self, id: PeerId) -> Option<&PresenceKey> {
        self.keys.get(&id)
    }

    /// Returns one who is present.
    pub(super) fn get(&self, key: &PresenceKey) -> Option<&Arc<Present<M>>> {
        self.shown.get(key).map(|shown| &shown.present)
    }

    /// Returns all who are present, in the order of their keys.
    pub(super) fn all(&self) -> Vec<Arc<Present<M>>> {
        self.shown.values().map(|shown| Arc::clone(&shown.present)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    /// Returns the number of connections of one who is present.
    pub(super) fn connections(&self, key: &PresenceKey) -> usize {
        self.shown.get(key).map_or(0, |shown| shown.connections)
    }

    /// Shows a connection under the key of `present`, and no longer under another. Replaces the metadata of one who is
    /// shown already if it differs.
    pub(super) fn show(&mut self, id: PeerId, present: Present<M>, differs: bool, now: Instant) {
        let key = present.key.clone();
        if self.keys.get(&id).is_some_and(|shown| *shown != key) {
            self.remove(id, Departure::Left, now);
        }
        let connections = usize::from(self.keys.insert(id, key.clone()).is_none());
        let Some(shown) = self.shown.get_mut(&key) else {
            let present = Arc::new(present);
            self.report(Kind::Joined, &present);
            self.shown.insert(key, Shown { present, connections, absent_until: None });
            return;
        };
        shown.connections += connections;
        if let Some(until) = shown.absent_until.take() {
            self.absent.remove(&(until, key));
        }
        if !differs {
            self.outside.dropped.push(Arc::new(present));
            return;
        }
        let changed = Arc::new(Present { since: shown.present.since, ..present });
        self.outside.dropped.push(mem::replace(&mut shown.present, Arc::clone(&changed)));
        self.report(Kind::Changed, &changed);
    }

    /// Removes a connection. The last one of a user who has closed it is shown for a while.
    pub(super) fn remove(&mut self, id: PeerId, departure: Departure, now: Instant) {
        let Some(key) = self.keys.remove(&id) else { return };
        if self.keys.capacity() > 64 && self.keys.len() < self.keys.capacity() / 4 {
            self.keys.shrink_to_fit();
        }
        let Some(shown) = self.shown.get_mut(&key) else { return };
        shown.connections -= 1;
        if shown.connections > 0 {
            return;
        }
        if departure == Departure::Left {
            self.leave(&key);
            return;
        }
        let until = after(now, self.leave_after);
        shown.absent_until = Some(until);
        self.absent.insert((until, key));
        if self.absent.len() > MAX_ABSENT
            && let Some((_, key)) = self.absent.pop_first()
        {
            self.leave(&key);
        }
        self.expire(now);
        if self.next_leave() == Some(until) {
            // The streams have no timer, or a later one.
            self.log.take_wakers(&mut self.outside.wakers);
        }
    }

    /// Reports the leaves of those who were away long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        while self.next_leave().is_some_and(|until| until <= now)
            && let Some((_, key)) = self.absent.pop_first()
        {
            self.leave(&key);
        }
    }

    /// Returns the time of the next leave.
    pub(super) fn next_leave(&self) -> Option<Instant> {
        self.absent.first().map(|(until, _)| *until)
    }

    /// Removes all. The streams finish.
    pub(super) fn finish(&mut self) {
        self.is_finished = true;
        self.keys = HashMap::new();
        self.absent.clear();
        self.outside.dropped.extend(mem::take(&mut self.shown).into_values().map(|shown| shown.present));
        self.log.clear(&mut self.outside.dropped);
        self.log.take_wakers(&mut self.outside.wakers);
    }

    fn leave(&mut self, key: &PresenceKey) {
        if let Some(shown) = self.shown.remove(key) {
            self.report(Kind::Left, &shown.present);
            self.outside.dropped.push(shown.present);
        }
    }

    fn report(&mut self, kind: Kind, present: &Arc<Present<M>>) {
        self.log.push(kind, present, &mut self.outside.dropped);
        self.log.take_wakers(&mut self.outside.wakers);
    }
}

impl<M> Default for Outside<M> {
    fn default() -> Self {
        Self { wakers: Vec::new(), dropped: Vec::new() }
    }
}
