//! The rooms and users of a server.

use super::{Server, ServerBuilder};
use crate::catch_panic::catch_panic;
use crate::engine::{Extensions, Selection, Shared};
use crate::error::GroupError;
use crate::handle::{Audience, Peer};
use crate::observe::hooks::{AddedHook, RemovedHook};
use std::fmt;
use std::sync::Arc;

/// The function that names the user of a new connection.
#[derive(Default)]
pub(super) struct UserOf(Option<Box<NameUser>>);

type NameUser = dyn Fn(&Extensions) -> Option<String> + Send + Sync;

impl UserOf {
    /// Names the user of a connection that is not open yet.
    pub(super) fn identify(&self, shared: &Shared) {
        let Some(user_of) = &self.0 else { return };
        let extensions = &shared.epoch().extensions;
        let user = catch_panic(|| user_of(extensions)).unwrap_or_else(|message| {
            shared.report_hook_panic("user_id", &message);
            None
        });
        let Some(user) = user else { return };
        match GroupError::check_name(&user) {
            Ok(()) => shared.membership.lock().groups.get_or_insert_default().user = Some(user.into()),
            Err(error) => tracing::warn!(peer = %shared.id, "the connection has no user: {error}"),
        }
    }
}

impl fmt::Debug for UserOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserOf").field("is_set", &self.0.is_some()).finish()
    }
}

impl ServerBuilder {
    /// Names the user of each new connection by a function of the value that its
    /// [authentication](Self::authenticate) has returned.
    ///
    /// The name of the user has 1 to 256 bytes. With another one the connection has no user, and a warning is logged. A connection without a value
    /// of this type has none either. [`Peer::set_user`](crate::Peer::set_user) names the user later.
    ///
    /// ```
    /// # use wswrapper::{Server, server::Refusal};
    /// #[derive(Clone)]
    /// struct Account {
    ///     id: u64,
    /// }
    ///
    /// let server = Server::builder()
    ///     .authenticate(|_request| async { Ok::<_, Refusal>(Account { id: 7 }) })
    ///     .user_id(|account: &Account| account.id.to_string());
    /// ```
    pub fn user_id<U, I>(mut self, user_id: impl Fn(&U) -> I + Send + Sync + 'static) -> Self
    where
        U: Send + Sync + 'static,
        I: Into<String>,
    {
        self.user_of =
            UserOf(Some(Box::new(move |extensions| extensions.get::<U>().map(|account| user_id(&account).into()))));
        self
    }

    /// Adds a hook that is called when a connection was added to the server's peers, before its first message is read and
    /// before [`on_open`](Self::on_open).
    ///
    /// A peer that joins rooms in it is in them when its first call starts. The hook must not block.
    ///
    /// ```
    /// # use wswrapper::Server;
    /// let server = Server::builder().on_added(|peer| {
    ///     if let Err(error) = peer.join(peer.handshake().path()) {
    ///         eprintln!("{error}");
    ///     }
    /// });
    /// ```
    pub fn on_added(self, hook: impl Fn(&Peer) + Send + Sync + 'static) -> Self {
        self.observer(AddedHook(hook))
    }

    /// Adds a hook that is called when a connection was removed from the server's peers, its rooms and its user, before
    /// [`on_close`](Self::on_close).
    ///
    /// Its [extensions](Peer::extensions) are still there, and [`Peer::rooms`] and [`Peer::user`] are those that it had. The
    /// hook must not block.
    ///
    /// ```
    /// # use wswrapper::Server;
    /// let server = Server::builder().on_removed(|peer| {
    ///     println!("{:?} has left {:?}", peer.user(), peer.rooms());
    /// });
    /// ```
    pub fn on_removed(self, hook: impl Fn(&Peer) + Send + Sync + 'static) -> Self {
        self.observer(RemovedHook(hook))
    }
}

impl Server {
    /// Returns the audience of all connected peers: the target for events to all of them.
    pub fn broadcast(&self) -> Audience {
        self.audience(Selection::All)
    }

    /// Returns the audience of the peers in a [room](crate::Peer::join): the target for events to them.
    ///
    /// A room without members has an audience of nobody.
    ///
    /// ```
    /// # use wswrapper::{Server, error::SendError, ws_service};
    /// #[ws_service(channel = "news")]
    /// pub trait News {
    ///     #[ws(event)]
    ///     fn flash(&self, text: String);
    /// }
    ///
    /// # async fn example(server: &Server) -> Result<(), SendError> {
    /// let delivery = NewsProxy::new(server.room("tea")).flash("the kettle boils").await?;
    /// println!("sent to {} peers", delivery.sent);
    /// # Ok(())
    /// # }
    /// ```
    pub fn room(&self, room: &str) -> Audience {
        self.audience(Selection::Room(room.into()))
    }

    /// Returns the audience of all connections of a [user](crate::Peer::set_user).
    pub fn user(&self, user: &str) -> Audience {
        self.audience(Selection::User(user.into()))
    }

    /// Returns the names of the rooms that have a member, in alphabetical order.
    ///
    /// It copies all names, so it is not meant to be called for each message.
    pub fn rooms(&self) -> Vec<Arc<str>> {
        let mut rooms = self.registry().rooms();
        rooms.sort_unstable();
        rooms
    }

    fn audience(&self, selection: Selection) -> Audience {
        Audience::new(self.registry(), &self.endpoint().limits, selection)
    }
}
