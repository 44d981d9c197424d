//! Named groups of connections: the rooms of a server, or its users.

use crate::engine::PeerId;
use crate::lock::explored::{Mutex, MutexGuard, lock};
use foldhash::quality::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The number of tables, each with a lock of its own. A power of two.
const SHARDS: usize = 16;

/// Groups by name. A group without members does not exist.
pub(super) struct Groups<M> {
    /// Made for the first member, because most clients have no groups.
    shards: OnceLock<Box<[Shard<M>; SHARDS]>>,
    /// The number of groups.
    count: AtomicUsize,
    /// Names may be chosen by peers.
    hasher: RandomState,
}

type Shard<M> = Mutex<HashMap<Arc<str>, Group<M>, RandomState>>;

struct Group<M> {
    members: BTreeMap<PeerId, M>,
    /// All members, until one joins or leaves. A send then copies one reference instead of each.
    list: Option<Arc<[M]>>,
}

/// All groups that may exist do.
#[derive(Debug)]
pub(super) struct TooManyGroups;

impl<M: Clone> Groups<M> {
    pub(super) fn new() -> Self {
        Self { shards: OnceLock::new(), count: AtomicUsize::new(0), hasher: RandomState::default() }
    }

    /// Returns the number of groups.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Adds a member to a group, which is created if there are fewer than `max`. Returns the name of the group.
    pub(super) fn join(&self, name: &str, id: PeerId, member: M, max: usize) -> Result<Arc<str>, TooManyGroups> {
        let mut shard = self.shard(name);
        if let Some(name) = shard.get_key_value(name).map(|(name, _)| Arc::clone(name)) {
            let group = shard.get_mut(&*name).map(|group| (group.members.insert(id, member), group.list.take()));
            drop(shard);
            // Outside the lock: the last reference to a connection drops a user's values.
            drop(group);
            return Ok(name);
        }
        if self
            .count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < max).then_some(count + 1))
            .is_err()
        {
            drop(shard);
            return Err(TooManyGroups);
        }
        let name: Arc<str> = name.into();
        let members = BTreeMap::from([(id, member)]);
        shard.insert(Arc::clone(&name), Group { members, list: None });
        Ok(name)
    }

    /// Removes a member from a group. The last one removes the group.
    pub(super) fn leave(&self, name: &str, id: PeerId) {
        let mut shard = self.shard(name);
        let Some(group) = shard.get_mut(name) else { return };
        let left = (group.members.remove(&id), group.list.take());
        let empty = if group.members.is_empty() { shard.remove_entry(name) } else { None };
        if empty.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
            // A server that had many groups once does not keep their table.
            if shard.capacity() > 64 && shard.len() < shard.capacity() / 4 {
                shard.shrink_to_fit();
            }
        }
        drop(shard);
        drop((left, empty));
    }

    /// Returns the members of a group, in the order of their numbers.
    pub(super) fn list(&self, name: &str) -> Arc<[M]> {
        if self.shards.get().is_none() {
            return Arc::default();
        }
        let mut shard = self.shard(name);
        let Some(Group { members, list }) = shard.get_mut(name) else { return Arc::default() };
        Arc::clone(list.get_or_insert_with(|| members.values().cloned().collect()))
    }

    /// Returns the number of members of a group.
    pub(super) fn len(&self, name: &str) -> usize {
        if self.shards.get().is_none() {
            return 0;
        }
        self.shard(name).get(name).map_or(0, |group| group.members.len())
    }

    /// Returns the names of all groups.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        let shards = self.shards.get().into_iter().flat_map(|shards| shards.iter());
        shards.flat_map(|shard| lock(shard).keys().cloned().collect::<Vec<_>>()).collect()
    }

    fn shard(&self, name: &str) -> MutexGuard<'_, HashMap<Arc<str>, Group<M>, RandomState>> {
        let hash = self.hasher.hash_one(name);
        let new_shard = || Mutex::new(HashMap::with_hasher(self.hasher.clone()));
        let shards = self.shards.get_or_init(|| Box::new(std::array::from_fn(|_| new_shard())));
        // The upper bits, because a table uses the lower ones, and its tags the highest seven.
        let index = usize::try_from(hash >> 32).unwrap_or_default() % SHARDS;
        lock(&shards[index])
    }
}
