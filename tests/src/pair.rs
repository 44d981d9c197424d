//! A server and a client that are connected in memory.

use crate::until;
use wswrapper::transport::memory;
use wswrapper::{Client, Peer, Server, client::ClientBuilder, connection::Counters, server::ServerBuilder};

/// A server and a client that are connected in memory.
#[derive(Debug)]
pub struct Pair {
    /// The server, with one peer.
    pub server: Server,
    /// The server's handle of the client.
    pub peer: Peer,
    /// The client.
    pub client: Client,
}

/// Connects a client without services to a server.
pub fn pair(server: ServerBuilder) -> Pair {
    pair_with(server, Client::builder())
}

/// Connects a client to a server.
pub fn pair_with(server: ServerBuilder, client: ClientBuilder) -> Pair {
    let (local, remote) = memory::pair();
    let server = server.build().expect("the services can be mounted");
    let peer = server.accept_transport(remote).expect("the server is open");
    let client = client.connect_transport(local).expect("the services can be mounted");
    Pair { server, peer, client }
}

/// Waits until no call, handler, stream or channel is left on either side.
pub async fn nothing_is_left(pair: &Pair) {
    for peer in [&pair.peer, pair.client.peer()] {
        nothing_is_left_of(peer).await;
    }
}

/// Waits until no call, handler, stream or channel is left on one side.
pub async fn nothing_is_left_of(peer: &Peer) {
    until(|| peer.counters() == Counters::default()).await;
}
