//! Clients that are connected to a server by a cable.

use super::{Cable, CableStream, Delivery};
use tokio::task::JoinHandle;
use wswrapper::client::ClientBuilder;
use wswrapper::connection::Extensions;
use wswrapper::error::{AcceptError, ConnectError};
use wswrapper::{Client, Peer, Server};

/// A stream to a server that accepts it.
///
/// [`ClientBuilder::connect_over`] and [`ClientBuilder::dial_over`] take the stream, with [`Line::URL`].
#[derive(Debug)]
pub struct Line {
    /// The client's stream.
    pub stream: CableStream,
    /// The control of the bytes.
    pub cable: Cable,
    /// The task in which the server accepts the connection.
    pub accepting: JoinHandle<Result<Peer, AcceptError>>,
}

/// A client that is connected by a cable.
#[derive(Debug)]
pub struct Connected {
    /// The client.
    pub client: Client,
    /// The server's handle of the connection.
    pub peer: Peer,
    /// The control of the bytes.
    pub cable: Cable,
}

impl Line {
    /// The URL of the server.
    pub const URL: &str = "ws://cable.test";

    /// Lays a cable to a server.
    #[must_use]
    pub fn to(server: &Server, delivery: Delivery) -> Self {
        let (stream, remote, cable) = Cable::lay(delivery);
        let server = server.clone();
        Self { stream, cable, accepting: tokio::spawn(async move { server.accept(remote).await }) }
    }

    /// Connects a new client. Panics if the handshake fails.
    pub async fn connect(self, builder: ClientBuilder) -> Connected {
        let client = builder.connect_over(self.stream, Self::URL).await.expect("the handshake succeeds");
        let peer = self.accepting.await.expect("no panic").expect("the handshake succeeds");
        Connected { client, peer, cable: self.cable }
    }

    /// Connects a client again that has no connection. Returns the server's handle of the new one. Panics if the old
    /// connection is not closed.
    pub async fn rebind(self, client: &Client) -> Result<Peer, ConnectError> {
        let (transport, handshake) = Client::builder().dial_over(self.stream, Self::URL).await?;
        client.rebind_with(transport, handshake, Extensions::new()).expect("the connection was closed");
        Ok(self.accepting.await.expect("no panic").expect("the handshake succeeds"))
    }
}
