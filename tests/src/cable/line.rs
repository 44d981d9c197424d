//! Clients that are connected to a server by a cable.

use super::{Cable, CableStream, Delivery};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinHandle;
use wswrapper::client::{ClientBuilder, Connector};
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

    /// Returns a connector for clients that connect again. `prepare` is called with the cable of each connection that is
    /// open, and with its number from 0 on.
    pub fn connector(
        server: &Server,
        delivery: Delivery,
        prepare: impl Fn(&Cable, u64) + Send + Sync + 'static,
    ) -> impl Connector {
        let (server, prepare, numbers) = (server.clone(), Arc::new(prepare), AtomicU64::new(0));
        move |_attempt| {
            let (server, prepare, number) =
                (server.clone(), Arc::clone(&prepare), numbers.fetch_add(1, Ordering::Relaxed));
            async move {
                let Self { stream, cable, accepting } = Self::to(&server, delivery);
                let dialled = Client::builder().dial_over(stream, Self::URL).await?;
                accepting.await.map_err(ConnectError::other)?.map_err(ConnectError::other)?;
                prepare(&cable, number);
                Ok(dialled)
            }
        }
    }

    /// Connects a client again. Returns the server's handle of the new connection.
    pub async fn rebind(self, client: &Client) -> Result<Peer, ConnectError> {
        let (transport, handshake) = Client::builder().dial_over(self.stream, Self::URL).await?;
        client.rebind_with(transport, handshake, Extensions::new()).await.expect("the client is not stopped");
        Ok(self.accepting.await.expect("no panic").expect("the handshake succeeds"))
    }
}
