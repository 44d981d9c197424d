//! Watches of rooms, which are told when a connection leaves one.

use super::shared::Shared;
use std::ptr::addr_eq;
use std::sync::{Arc, Weak};

/// Is told when a connection has left a room.
pub(crate) trait RoomWatch: Send + Sync {
    /// Called without a lock, after the connection has left the room. It may have joined it again meanwhile.
    fn left(&self, shared: &Shared, departure: Departure);
}

/// The way in which a connection left a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Departure {
    /// The program removed it.
    Left,
    /// The connection was closed.
    Closed,
}

/// The watches of one connection. They do not keep those alive who watch.
#[derive(Default)]
pub(crate) struct RoomWatches(Vec<(Arc<str>, Weak<dyn RoomWatch>)>);

impl RoomWatches {
    /// Adds a watch of a room, unless it is there already.
    pub(crate) fn add(&mut self, room: &Arc<str>, watch: &Weak<dyn RoomWatch>) {
        self.0.retain(|(_, other)| other.strong_count() > 0);
        if !self.contains(room, watch.as_ptr()) {
            self.0.push((Arc::clone(room), Weak::clone(watch)));
        }
    }

    /// Returns true if a room is watched by the object at this address.
    pub(crate) fn contains<T: ?Sized>(&self, room: &str, watch: *const T) -> bool {
        self.0.iter().any(|(name, other)| **name == *room && addr_eq(other.as_ptr(), watch))
    }

    /// Removes the watches of a room, and returns them.
    pub(crate) fn take(&mut self, room: &str) -> Self {
        Self(self.0.extract_if(.., |(name, _)| **name == *room).collect())
    }

    /// Tells all that the connection has left. Called without a lock.
    pub(crate) fn tell(self, shared: &Shared, departure: Departure) {
        for watch in self.0.iter().filter_map(|(_, watch)| watch.upgrade()) {
            watch.left(shared, departure);
        }
    }
}
