//! The table of those who are present, which its handles, its streams and the connections share.

use super::present::{PresenceKey, Present};
use super::state::{Outside, State};
use crate::catch_panic::drop_logging_panic;
use crate::engine::{Departure, RoomWatch, Shared};
use crate::lock::lock;
use crate::rt::Instant;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::Waker;

/// The entries of a presence. The connections that it shows have weak references to it, and it has none to them.
///
/// Its lock is taken before the lock of a connection's membership, and never after it.
pub(super) struct Table<M> {
    pub(super) room: Box<str>,
    state: Mutex<State<M>>,
}

impl<M> Table<M> {
    pub(super) fn new(room: &str) -> Self {
        Self { room: room.into(), state: Mutex::new(State::new()) }
    }

    /// Reports the leaves that are due, and runs a step under the lock. The step runs no code of the user; what it leaves
    /// in [`State::outside`] is woken and dropped after it.
    pub(super) fn with<R>(&self, step: impl FnOnce(&mut State<M>, Instant) -> R) -> R {
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.expire(now);
        let result = step(&mut state, now);
        let Outside { wakers, dropped } = mem::take(&mut state.outside);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        for present in dropped {
            drop_logging_panic(present, "the metadata of a presence");
        }
        result
    }

    /// Returns true if the table is told when the connection leaves the room. So the connection is in it, or the table will
    /// be told that it is not.
    fn watches(&self, shared: &Shared) -> bool {
        shared.membership.is_watched(&self.room, self)
    }
}

impl<M: PartialEq> Table<M> {
    /// Shows a connection that has joined the room.
    pub(super) fn join(&self, shared: &Shared, meta: M) {
        let key = PresenceKey::of(shared);
        // If it has left again, nobody would remove it.
        self.show(shared, Present::new(key.clone(), meta), |_| self.watches(shared).then(|| key.clone()));
    }

    /// Changes the metadata of the one whose connection it is. Returns false if it is not shown.
    pub(super) fn update(&self, shared: &Shared, meta: M) -> bool {
        let present = Present::new(PresenceKey::of(shared), meta);
        self.show(shared, present, |state| state.key(shared.id).cloned())
    }

    /// Shows a connection under a key, if it has one. The metadata is compared with the present one outside the lock.
    fn show(&self, shared: &Shared, mut present: Present<M>, key: impl Fn(&State<M>) -> Option<PresenceKey>) -> bool {
        // One who is present, and whether that metadata differs.
        let mut compared: Option<(Arc<Present<M>>, bool)> = None;
        loop {
            let step = self.with(|state, now| {
                let Some(key) = key(state) else { return Step::Refused(present) };
                present.key = key;
                let differs = match (state.get(&present.key), &compared) {
                    (None, _) => true,
                    (Some(earlier), Some((other, differs))) if Arc::ptr_eq(earlier, other) => *differs,
                    (Some(earlier), _) => return Step::Compare(Arc::clone(earlier), present),
                };
                state.show(shared.id, present, differs, now);
                Step::Shown
            });
            match step {
                Step::Shown => return true,
                Step::Refused(_) => return false,
                Step::Compare(earlier, returned) => {
                    let differs = earlier.meta != returned.meta;
                    present = returned;
                    compared = Some((earlier, differs));
                }
            }
        }
    }
}

/// The result of an attempt to show a connection.
enum Step<M> {
    Shown,
    /// The connection has left.
    Refused(Present<M>),
    /// The metadata has to be compared first.
    Compare(Arc<Present<M>>, Present<M>),
}

impl<M: Send + Sync> RoomWatch for Table<M> {
    fn left(&self, shared: &Shared, departure: Departure) {
        self.with(|state, now| {
            // A connection that has joined the room again meanwhile stays.
            if !self.watches(shared) {
                state.remove(shared.id, departure, now);
            }
        });
    }
}
