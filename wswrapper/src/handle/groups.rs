//! The rooms and the user of a peer.

use super::audience::Audience;
use super::peer::Peer;
use crate::engine::Selection;
use crate::error::GroupError;
use std::sync::Arc;

impl Peer {
    /// Adds the peer to a room, which exists while it has members. Returns false if the peer is in it already.
    ///
    /// A room is a group of connections with a name. [`Server::room`](crate::Server::room) is the target for events to all
    /// of them. A peer leaves its rooms by [`leave`](Self::leave), or when its connection is closed.
    ///
    /// Fails if the connection is closed, if the peer is in
    /// [`max_rooms_per_peer`](crate::Limits::max_rooms_per_peer) rooms, if the server has
    /// [`max_rooms`](crate::Limits::max_rooms), or if the name is empty or has more than 256 bytes.
    ///
    /// The room is one of the local endpoint: at a client it has at most one member, and the server does not know of it.
    ///
    /// ```
    /// # use wswrapper::{Context, Server, error::GroupError, ws_handlers};
    /// struct Chat;
    ///
    /// #[ws_handlers(channel = "chat")]
    /// impl Chat {
    ///     pub async fn enter(&self, ctx: Context, room: String) -> Result<usize, String> {
    ///         ctx.peer().join(&room).map_err(|error| error.to_string())?;
    ///         Ok(ctx.room(&room).len())
    ///     }
    /// }
    /// ```
    pub fn join(&self, room: &str) -> Result<bool, GroupError> {
        self.shared().members.join_room(self.shared(), room, None)
    }

    /// Removes the peer from a room. Returns false if it is not in it.
    pub fn leave(&self, room: &str) -> bool {
        self.shared().members.leave_room(self.shared(), room)
    }

    /// Returns the names of the peer's rooms, in alphabetical order.
    ///
    /// After the connection was closed they are those that the peer had at its end, so that
    /// [`on_close`](crate::server::ServerBuilder::on_close) can use them.
    pub fn rooms(&self) -> Vec<Arc<str>> {
        self.shared().membership.rooms()
    }

    /// Returns true if the peer is in a room.
    pub fn is_in(&self, room: &str) -> bool {
        self.shared().membership.is_in(room)
    }

    /// Makes the connection one of a user's, and of no other user's.
    ///
    /// [`Server::user`](crate::Server::user) is the target for events to all connections of the user. The user of a new
    /// connection can come from its [authentication](crate::server::ServerBuilder::user_id).
    ///
    /// Fails if the connection is closed, or if `user` is empty or has more than 256 bytes. At a client the server does not know of it.
    pub fn set_user(&self, user: &str) -> Result<(), GroupError> {
        self.shared().members.set_user(self.shared(), Some(user))
    }

    /// Makes the connection nobody's. Fails if it is closed.
    pub fn clear_user(&self) -> Result<(), GroupError> {
        self.shared().members.set_user(self.shared(), None)
    }

    /// Returns the user whose connection this is. After the connection was closed it is the last one.
    pub fn user(&self) -> Option<Arc<str>> {
        self.shared().membership.user()
    }

    /// Returns the target for events to all peers of the local endpoint; a client has one peer.
    pub fn broadcast(&self) -> Audience {
        self.audience(Selection::All)
    }

    /// Returns the target for events to all peers of the local endpoint in a room; see
    /// [`Server::room`](crate::Server::room).
    pub fn room(&self, room: &str) -> Audience {
        self.audience(Selection::Room(room.into()))
    }

    pub(crate) fn audience(&self, selection: Selection) -> Audience {
        Audience::new(&self.shared().members, &self.shared().endpoint.limits, selection)
    }
}
