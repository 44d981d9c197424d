//! The rooms and the user of a connection.

use super::room_watch::RoomWatches;
use crate::lock::explored::{Mutex, MutexGuard, lock};
use std::sync::Arc;

/// The groups of one connection.
///
/// Its lock is held while a group is changed, so that a connection that is removed has left each group that it has joined.
/// It is taken before the lock of a group.
#[derive(Default)]
pub(crate) struct Membership(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    /// True while the connection is a member of its server or client.
    pub(crate) is_member: bool,
    /// `None` for most connections. Kept after the connection was removed, for its last hooks.
    pub(crate) groups: Option<Box<PeerGroups>>,
}

/// The groups of a connection that has some.
#[derive(Default)]
pub(crate) struct PeerGroups {
    /// In alphabetical order.
    pub(crate) rooms: Vec<Arc<str>>,
    pub(crate) user: Option<Arc<str>>,
    /// Those who are told when the connection leaves a room. `None` for most connections.
    pub(crate) watches: Option<Box<RoomWatches>>,
}

impl Membership {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Returns the names of the rooms, in alphabetical order.
    pub(crate) fn rooms(&self) -> Vec<Arc<str>> {
        self.lock().groups.as_ref().map(|groups| groups.rooms.clone()).unwrap_or_default()
    }

    /// Returns the user.
    pub(crate) fn user(&self) -> Option<Arc<str>> {
        self.lock().groups.as_ref()?.user.clone()
    }

    /// Returns true if the object at this address is told when the connection leaves a room.
    pub(crate) fn is_watched<T: ?Sized>(&self, room: &str, watch: *const T) -> bool {
        let state = self.lock();
        let watches = state.groups.as_ref().and_then(|groups| groups.watches.as_ref());
        watches.is_some_and(|watches| watches.contains(room, watch))
    }

    /// Returns true if the connection is in a room.
    pub(crate) fn is_in(&self, room: &str) -> bool {
        self.lock().groups.as_ref().is_some_and(|groups| groups.position(room).is_ok())
    }
}

impl PeerGroups {
    /// Removes the watches of a room, and returns them. They are told after the lock was released.
    pub(crate) fn take_watches(&mut self, room: &str) -> Option<RoomWatches> {
        self.watches.as_mut().map(|watches| watches.take(room))
    }

    /// Returns the index of a room, or the one at which it belongs.
    pub(crate) fn position(&self, room: &str) -> Result<usize, usize> {
        self.rooms.binary_search_by(|other| (**other).cmp(room))
    }
}
