//! Unions and differences of audiences.

use super::Audience;
use crate::engine::Selection;
use crate::handle::Peer;
use std::sync::Arc;

impl Audience {
    /// Returns the audience of the peers that are in either. A peer that is in both gets each event once.
    ///
    /// An audience of another server has no peer of this one.
    ///
    /// ```
    /// # use wswrapper::Server;
    /// # fn example(server: &Server) {
    /// let drinks = server.room("tea").union(server.room("coffee"));
    /// let many = ["tea", "coffee", "milk"].iter().map(|room| server.room(room)).reduce(|all, room| all.union(room));
    /// # }
    /// ```
    #[must_use]
    pub fn union(self, other: impl Into<Self>) -> Self {
        let other = self.selection_of(other.into());
        Self { selection: self.selection.union(other), ..self }
    }

    /// Returns the audience of the peers of this one that are not in `other`: an audience or a peer.
    ///
    /// Unions of differences are nested, and so are differences of unions. They are looked up recursively, so a program
    /// does not alternate between the two in a loop without a bound.
    ///
    /// ```
    /// # use wswrapper::{Context, ws_handlers};
    /// # struct Chat;
    /// # #[ws_handlers]
    /// # impl Chat {
    /// pub async fn say(&self, ctx: Context, room: String, text: String) {
    ///     let others = ctx.room(&room).except(ctx.peer());
    ///     others.emit("said", (text,)).await.ok();
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn except(self, other: impl Into<Self>) -> Self {
        let other = self.selection_of(other.into());
        Self { selection: self.selection.except(other), ..self }
    }

    /// Returns the selection of another audience, which is empty if it belongs to another server.
    fn selection_of(&self, other: Self) -> Selection {
        let same_server = std::ptr::addr_eq(Arc::as_ptr(&self.members), Arc::as_ptr(&other.members));
        if same_server { other.selection } else { Selection::Nobody }
    }
}

/// The audience of one peer.
impl From<&Peer> for Audience {
    fn from(peer: &Peer) -> Self {
        let shared = peer.shared();
        Self::new(&shared.members, &shared.endpoint.limits, Selection::Peer(shared.id))
    }
}

/// The audience of one peer.
impl From<Peer> for Audience {
    fn from(peer: Peer) -> Self {
        Self::from(&peer)
    }
}

impl AsRef<Self> for Audience {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl From<&Self> for Audience {
    fn from(audience: &Self) -> Self {
        audience.clone()
    }
}
