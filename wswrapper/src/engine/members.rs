//! The set of connections that a connection belongs to, and its groups: rooms and users.

use super::id::PeerId;
use super::room_watch::RoomWatch;
use super::shared::Shared;
use crate::error::GroupError;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};

/// The connections of a server, or the connection of a client.
pub(crate) trait Members: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Adds a connection that was opened.
    fn add(&self, shared: &Arc<Shared>);

    /// Removes a connection that was closed, from its rooms and its user, too.
    fn remove(&self, shared: &Shared);

    /// Returns the number of connections.
    fn len(&self) -> usize;

    /// Returns the connection with this number.
    fn find(&self, id: PeerId) -> Option<Arc<Shared>>;

    /// Returns all connections, in the order of their numbers. The caller holds no lock while it uses them.
    fn all(&self) -> Arc<[Arc<Shared>]>;

    /// Returns the selected connections, in the order of their numbers, each once.
    fn select(&self, selection: &Selection) -> Arc<[Arc<Shared>]>;

    /// Returns the number of selected connections.
    fn count(&self, selection: &Selection) -> usize;

    /// Adds a connection to a room. Returns false if it is there already. The watch is told when it leaves the room.
    fn join_room(
        &self,
        shared: &Arc<Shared>,
        room: &str,
        watch: Option<&Weak<dyn RoomWatch>>,
    ) -> Result<bool, GroupError>;

    /// Removes a connection from a room. Returns false if it is not there.
    fn leave_room(&self, shared: &Shared, room: &str) -> bool;

    /// Makes a connection one of a user's, and of no other user's. `None` is no user.
    fn set_user(&self, shared: &Arc<Shared>, user: Option<&str>) -> Result<(), GroupError>;

    /// Returns the names of the rooms that have a member.
    fn rooms(&self) -> Vec<Arc<str>>;

    /// Returns the numbers of rooms and of users.
    fn group_counts(&self) -> (usize, usize);
}

/// A selection of connections. It names groups, and is looked up each time that it is used.
#[derive(Clone, Debug)]
pub(crate) enum Selection {
    All,
    Nobody,
    Peer(PeerId),
    Room(Arc<str>),
    User(Arc<str>),
    /// Flat, so that a union of many is not deep.
    Union(Arc<Vec<Self>>),
    Except(Arc<Except>),
}

/// A selection without the connections of others.
#[derive(Clone, Debug)]
pub(crate) struct Except {
    pub(crate) from: Selection,
    pub(crate) excepted: Vec<Selection>,
}

impl Selection {
    /// Returns the selection of the connections that either selects.
    pub(crate) fn union(self, other: Self) -> Self {
        let mut parts = match self {
            Self::Union(parts) => parts,
            first => Arc::new(vec![first]),
        };
        match other {
            Self::Union(others) => Arc::make_mut(&mut parts).extend(others.iter().cloned()),
            other => Arc::make_mut(&mut parts).push(other),
        }
        Self::Union(parts)
    }

    /// Returns the selection of the connections that `other` does not select.
    pub(crate) fn except(self, other: Self) -> Self {
        let mut except = match self {
            Self::Except(except) => except,
            from => Arc::new(Except { from, excepted: Vec::new() }),
        };
        Arc::make_mut(&mut except).excepted.push(other);
        Self::Except(except)
    }
}
