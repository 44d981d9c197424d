//! Those who are present in a room.

mod concurrent;
mod lifetimes;
mod streams;
mod users;
mod wire;

use futures_util::{FutureExt, StreamExt};
use std::collections::BTreeMap;
use wswrapper::server::{Presence, PresenceChange, PresenceChanges, PresenceKey, Present};
use wswrapper::transport::memory;
use wswrapper::{Client, Peer, Server};

/// A client, and its peer at the server.
struct Visitor {
    client: Client,
    peer: Peer,
}

impl Visitor {
    fn of(server: &Server) -> Self {
        let (near, far) = memory::pair();
        let client = Client::connect_transport(near).expect("nothing is mounted");
        Self { client, peer: server.accept_transport(far).expect("the server is open") }
    }

    fn of_user(server: &Server, user: &str) -> Self {
        let visitor = Self::of(server);
        visitor.peer.set_user(user).expect("the connection is open");
        visitor
    }

    /// Closes the connection, and waits until the server has seen it.
    async fn close(self) {
        self.client.close(1000, "");
        self.peer.closed().await;
    }
}

fn user(name: &str) -> PresenceKey {
    PresenceKey::User(name.into())
}

/// Returns keys and metadata.
fn shown<M: Clone + PartialEq + Send + Sync + 'static>(presence: &Presence<M>) -> Vec<(String, M)> {
    presence.snapshot().into_iter().map(|present| (present.key.to_string(), present.meta)).collect()
}

/// Returns those of whom `all` tells, with the kind of the change.
fn text<M: ToString>(change: PresenceChange<M>) -> String {
    let name = |present: Present<M>| format!("{} {}", present.key, present.meta.to_string());
    match change {
        PresenceChange::Snapshot(all) => format!("all: {}", all.into_iter().map(name).collect::<Vec<_>>().join(", ")),
        PresenceChange::Joined(one) => format!("joined: {}", name(one)),
        PresenceChange::Changed(one) => format!("changed: {}", name(one)),
        PresenceChange::Left(one) => format!("left: {}", name(one)),
    }
}

/// Takes all changes that are there.
fn told<M: Clone + ToString>(changes: &mut PresenceChanges<M>) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(Some(change)) = changes.next().now_or_never() {
        all.push(text(change));
    }
    all
}

/// A copy of those present, which the changes keep up to date.
type Copy<M> = BTreeMap<PresenceKey, Present<M>>;
