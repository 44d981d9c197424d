//! The presence of a room: who is in it, with metadata of the program.

mod change;
mod changes;
mod log;
mod present;
mod state;
mod table;

pub use change::PresenceChange;
pub use changes::PresenceChanges;
pub use present::{PresenceKey, Present};

use crate::engine::RoomWatch;
use crate::error::GroupError;
use crate::handle::Peer;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;
use table::Table;

/// The users who are in a room, with their metadata, as a [snapshot](Self::snapshot) and as a [stream](Self::changes) of joins,
/// changes and leaves.
///
/// `M` is the metadata, for example a name and a status: a type with `Clone` and `PartialEq` that is `Send`, `Sync` and
/// `'static`, and with `Serialize` if the changes are streamed to clients. A peer that [joins](Self::join) by the presence joins the
/// [room](crate::Peer::join), too, and is shown with its metadata until it [leaves](Self::leave) the room or its connection
/// closes. Members of the room that have joined it otherwise are not shown.
///
/// **A user appears once.** All connections of a [user](crate::Peer::set_user) are one entry, with the metadata of the latest
/// join or [update](Self::update) by any of them. When the last of them has closed, the user stays for
/// [`leave_after`](Self::leave_after), 5 seconds by default. If one comes back within that time, nobody is told; if it
/// brings other metadata, that is a change. A connection without a user is an entry of its own. A peer is shown under the user
/// that it has when it joins; after [`set_user`](crate::Peer::set_user) it stays there until it joins again.
///
/// A presence is made before its server, and kept by a service. It is cheap to clone; the clones are the same presence. Two
/// that are made for one room do not know of each other. It has no task: leaves that are due are found by its streams and by
/// each use of a handle. When the last handle is dropped, all entries are dropped, and the streams finish.
///
/// ```
/// # use futures_util::StreamExt;
/// # use wswrapper::{Client, Server, transport::memory};
/// use wswrapper::server::{Presence, PresenceChange};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::builder().build()?;
/// # let (_client_transport, server_transport) = memory::pair();
/// # let peer = server.accept_transport(server_transport)?;
/// let tea = Presence::new("tea");
/// let mut changes = tea.changes();
/// assert_eq!(changes.next().await, Some(PresenceChange::Snapshot(vec![])));
///
/// peer.set_user("ada")?;
/// tea.join(&peer, "thirsty")?;
/// assert!(matches!(changes.next().await, Some(PresenceChange::Joined(ada)) if ada.user() == Some("ada")));
/// tea.update(&peer, "happy");
/// assert!(matches!(changes.next().await, Some(PresenceChange::Changed(ada)) if ada.meta == "happy"));
///
/// peer.close(1000, "");
/// // Five seconds later:
/// assert!(matches!(changes.next().await, Some(PresenceChange::Left(ada)) if ada.user() == Some("ada")));
/// assert!(tea.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Presence<M> {
    /// Dropped with the last clone, so that the streams finish.
    owner: Arc<Owner<M>>,
}

struct Owner<M>(Arc<Table<M>>);

impl<M: Clone + PartialEq + Send + Sync + 'static> Presence<M> {
    /// Creates the presence of a room, in which nobody is shown.
    pub fn new(room: &str) -> Self {
        Self { owner: Arc::new(Owner(Arc::new(Table::new(room)))) }
    }

    /// Sets the time for which a user is shown after the last connection was closed. Default 5 seconds.
    ///
    /// With zero, the leave is reported when the connection is closed. It applies to connections that close later, and is
    /// ended early for the longest absent if more than 16,384 are absent.
    #[must_use]
    pub fn leave_after(self, time: Duration) -> Self {
        self.table().with(|state, _| state.set_leave_after(time));
        self
    }

    /// Sets the number of changes that are kept for slow streams. Default 1,024.
    ///
    /// A change is kept until each stream has yielded it. A stream for which it is not kept yields a
    /// [snapshot](PresenceChange::Snapshot) instead of the changes that it has lost.
    #[must_use]
    pub fn max_changes(self, changes: usize) -> Self {
        self.table().with(|state, _| state.log.set_max_entries(changes));
        self
    }

    /// Adds a peer to the room, and shows it.
    ///
    /// A peer that is shown already is shown under its present user, with this metadata.
    ///
    /// Fails as [`Peer::join`] does. The peer is then not shown, or is shown as before.
    pub fn join(&self, peer: &Peer, meta: M) -> Result<(), GroupError> {
        let table = self.table();
        let watch: Weak<dyn RoomWatch> = Arc::<Table<M>>::downgrade(table);
        let shared = peer.shared();
        shared.members.join_room(shared, &table.room, Some(&watch))?;
        table.join(shared, meta);
        Ok(())
    }

    /// Replaces the metadata of the user whose connection this is. Returns false if the peer is not shown.
    ///
    /// Nobody is told if the metadata is equal.
    pub fn update(&self, peer: &Peer, meta: M) -> bool {
        self.table().update(peer.shared(), meta)
    }

    /// Removes a peer from the room, as [`Peer::leave`] does. Returns false if it is not in it.
    ///
    /// If it was the last connection of its user, the leave is reported at once, because it is meant.
    pub fn leave(&self, peer: &Peer) -> bool {
        peer.leave(self.room())
    }

    /// Returns all who are present, in the order of their keys: users in alphabetical order, then connections without a user.
    pub fn snapshot(&self) -> Vec<Present<M>> {
        self.table().with(|state, _| state.all()).into_iter().map(Arc::unwrap_or_clone).collect()
    }

    /// Returns a stream of a [snapshot](PresenceChange::Snapshot) and of the changes after it.
    ///
    /// The snapshot is made at the first poll; between it and the changes nothing is missing and nothing is double. The stream is the
    /// result of a method: `async fn who(&self) -> impl Stream<Item = PresenceChange<Status>> + Send`. A client applies the
    /// items to its own list by [`PresenceChange::apply`].
    ///
    /// A slow consumer costs at most [`max_changes`](Self::max_changes); then a new snapshot takes the place of what it has
    /// lost. A snapshot is one message, so rooms of very many need a larger
    /// [`max_message_size`](crate::Limits::max_message_size) at the client, and
    /// [`max_outgoing_message_size`](crate::Limits::max_outgoing_message_size) at the server.
    pub fn changes(&self) -> PresenceChanges<M> {
        PresenceChanges::new(self.table())
    }
}

impl<M> Presence<M> {
    /// Returns the name of the room.
    pub fn room(&self) -> &str {
        &self.table().room
    }

    /// Returns the number of those present.
    pub fn len(&self) -> usize {
        self.table().with(|state, _| state.len())
    }

    /// Returns true if nobody is present.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of shown connections of one who is present. It is 0 for one who is absent, also while that one is
    /// still shown.
    ///
    /// The streams do not report this number.
    pub fn connections(&self, key: &PresenceKey) -> usize {
        self.table().with(|state, _| state.connections(key))
    }

    fn table(&self) -> &Arc<Table<M>> {
        &self.owner.0
    }
}

impl<M> Drop for Owner<M> {
    fn drop(&mut self) {
        self.0.with(|state, _| state.finish());
    }
}

impl<M> Clone for Presence<M> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner) }
    }
}

impl<M> fmt::Debug for Presence<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("room", &self.room()).field("len", &self.len()).finish_non_exhaustive()
    }
}
