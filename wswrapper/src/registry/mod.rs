//! The connections of a server or a client, by number, by room and by user.

#[cfg(wswrapper_shuttle)]
mod explorations;
mod groups;

use crate::engine::{Departure, Members, PeerId, RoomWatch, Selection, Shared};
use crate::error::GroupError;
use crate::lock::explored::{Mutex, MutexGuard, lock};
use groups::Groups;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

/// The open connections of a server, or the one of a client.
pub(crate) struct Registry {
    connections: Mutex<Connections>,
    rooms: Groups<Arc<Shared>>,
    users: Groups<Arc<Shared>>,
}

#[derive(Default)]
struct Connections {
    by_id: BTreeMap<PeerId, Arc<Shared>>,
    /// All connections, until one is added or removed. A broadcast then copies one reference instead of each.
    list: Option<Arc<[Arc<Shared>]>>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self { connections: Mutex::default(), rooms: Groups::new(), users: Groups::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        lock(&self.connections)
    }

    /// Adds the connections of a selection to `selected`, perhaps several times.
    fn collect(&self, selection: &Selection, selected: &mut Vec<Arc<Shared>>) {
        match selection {
            Selection::All => selected.extend_from_slice(&self.all()),
            Selection::Nobody => {}
            Selection::Peer(id) => selected.extend(self.find(*id)),
            Selection::Room(room) => selected.extend_from_slice(&self.rooms.list(room)),
            Selection::User(user) => selected.extend_from_slice(&self.users.list(user)),
            Selection::Union(parts) => parts.iter().for_each(|part| self.collect(part, selected)),
            Selection::Except(except) => {
                let excepted: BTreeSet<_> = except.excepted.iter().flat_map(|part| self.ids(part)).collect();
                selected
                    .extend(self.select(&except.from).iter().filter(|shared| !excepted.contains(&shared.id)).cloned());
            }
        }
    }

    fn ids(&self, selection: &Selection) -> Vec<PeerId> {
        match selection {
            Selection::Peer(id) => vec![*id],
            others => self.select(others).iter().map(|shared| shared.id).collect(),
        }
    }
}

impl Members for Registry {
    fn add(&self, shared: &Arc<Shared>) {
        let mut membership = shared.membership.lock();
        membership.is_member = true;
        let groups = membership.groups.as_mut();
        let user = groups.and_then(|groups| {
            // Those of an earlier connection of a client.
            groups.rooms.clear();
            groups.user.clone()
        });
        if let Some(user) = user {
            // The number of users is not limited.
            let _ = self.users.join(&user, shared.id, Arc::clone(shared), usize::MAX);
        }
        let mut connections = self.lock();
        let replaced = (connections.by_id.insert(shared.id, Arc::clone(shared)), connections.list.take());
        drop(connections);
        drop(membership);
        drop(replaced);
    }

    fn remove(&self, shared: &Shared) {
        let mut connections = self.lock();
        let removed = (connections.by_id.remove(&shared.id), connections.list.take());
        drop(connections);
        let mut membership = shared.membership.lock();
        membership.is_member = false;
        let mut watches = None;
        if let Some(groups) = &mut membership.groups {
            groups.rooms.iter().for_each(|room| self.rooms.leave(room, shared.id));
            groups.user.iter().for_each(|user| self.users.leave(user, shared.id));
            watches = groups.watches.take();
        }
        drop(membership);
        if let Some(watches) = watches {
            watches.tell(shared, Departure::Closed);
        }
        // Outside the locks: the last reference to a connection drops a user's values.
        drop(removed);
    }

    fn find(&self, id: PeerId) -> Option<Arc<Shared>> {
        self.lock().by_id.get(&id).cloned()
    }

    fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    fn all(&self) -> Arc<[Arc<Shared>]> {
        let Connections { by_id, list } = &mut *self.lock();
        Arc::clone(list.get_or_insert_with(|| by_id.values().cloned().collect()))
    }

    fn select(&self, selection: &Selection) -> Arc<[Arc<Shared>]> {
        match selection {
            Selection::All => self.all(),
            Selection::Room(room) => self.rooms.list(room),
            Selection::User(user) => self.users.list(user),
            others => {
                let mut selected = Vec::new();
                self.collect(others, &mut selected);
                selected.sort_unstable_by_key(|shared| shared.id);
                selected.dedup_by_key(|shared| shared.id);
                selected.into()
            }
        }
    }

    fn count(&self, selection: &Selection) -> usize {
        match selection {
            Selection::All => self.len(),
            Selection::Room(room) => self.rooms.len(room),
            Selection::User(user) => self.users.len(user),
            others => self.select(others).len(),
        }
    }

    fn join_room(
        &self,
        shared: &Arc<Shared>,
        room: &str,
        watch: Option<&Weak<dyn RoomWatch>>,
    ) -> Result<bool, GroupError> {
        let limits = &shared.endpoint.limits;
        GroupError::check_name(room)?;
        let mut membership = shared.membership.lock();
        if !membership.is_member {
            return Err(GroupError::Closed);
        }
        let groups = membership.groups.get_or_insert_default();
        let position = groups.position(room);
        if let Err(position) = position {
            if groups.rooms.len() >= limits.max_rooms_per_peer {
                return Err(GroupError::TooManyOfPeer { limit: limits.max_rooms_per_peer });
            }
            let joined = self.rooms.join(room, shared.id, Arc::clone(shared), limits.max_rooms);
            let name = joined.map_err(|_| GroupError::TooMany { limit: limits.max_rooms })?;
            groups.rooms.insert(position, name);
        }
        let (Ok(index) | Err(index)) = position;
        if let Some(watch) = watch {
            groups.watches.get_or_insert_default().add(&groups.rooms[index], watch);
        }
        Ok(position.is_err())
    }

    fn leave_room(&self, shared: &Shared, room: &str) -> bool {
        let mut membership = shared.membership.lock();
        if !membership.is_member {
            return false;
        }
        let Some(groups) = &mut membership.groups else { return false };
        let Ok(position) = groups.position(room) else { return false };
        groups.rooms.remove(position);
        self.rooms.leave(room, shared.id);
        let watches = groups.take_watches(room);
        drop(membership);
        if let Some(watches) = watches {
            watches.tell(shared, Departure::Left);
        }
        true
    }

    fn set_user(&self, shared: &Arc<Shared>, user: Option<&str>) -> Result<(), GroupError> {
        user.map_or(Ok(()), GroupError::check_name)?;
        let mut membership = shared.membership.lock();
        if !membership.is_member {
            return Err(GroupError::Closed);
        }
        let present = membership.groups.as_ref().and_then(|groups| groups.user.clone());
        if present.as_deref() == user {
            return Ok(());
        }
        if let Some(present) = present {
            self.users.leave(&present, shared.id);
        }
        // The number of users is not limited.
        let joined = user.and_then(|user| self.users.join(user, shared.id, Arc::clone(shared), usize::MAX).ok());
        membership.groups.get_or_insert_default().user = joined;
        Ok(())
    }

    fn rooms(&self) -> Vec<Arc<str>> {
        self.rooms.names()
    }

    fn group_counts(&self) -> (usize, usize) {
        (self.rooms.count(), self.users.count())
    }
}
