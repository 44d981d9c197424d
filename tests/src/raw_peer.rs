//! A peer that sends and receives single frames, for tests of the protocol.

use crate::connectors::one_after_the_other;
use serde_json::{Value, json};
use std::future::poll_fn;
use std::task::Poll;
use tokio::task::JoinHandle;
use wswrapper::client::Connector;
use wswrapper::error::RebindError;
use wswrapper::transport::memory::{self, Memory};
use wswrapper::transport::{Close, Frame, Transport};
use wswrapper::{Client, Peer, Server, client::ClientBuilder};

/// A peer that sends and receives single frames.
#[derive(Debug)]
pub struct RawPeer {
    transport: Memory,
}

impl RawPeer {
    /// Connects to a server. Returns also the server's handle of the connection.
    pub fn dial(server: &Server) -> (Self, Peer) {
        let (local, remote) = memory::pair();
        let peer = server.accept_transport(remote).expect("the server is open");
        (Self { transport: local }, peer)
    }

    /// Creates a peer on one transport of a pair.
    pub fn on(transport: Memory) -> Self {
        Self { transport }
    }

    /// Creates a peer to which a new client is connected.
    pub fn accept(client: ClientBuilder) -> (Self, Client) {
        let (local, remote) = memory::pair();
        (Self { transport: local }, client.connect_transport(remote).expect("the services can be mounted"))
    }

    /// Creates peers, and a connector to them, one after the other. Further attempts fail.
    pub fn in_turn<const N: usize>() -> ([Self; N], impl Connector) {
        let mut transports = Vec::new();
        let peers = [(); N].map(|()| {
            let (local, remote) = memory::pair();
            transports.push(remote);
            Self { transport: local }
        });
        (peers, one_after_the_other(transports))
    }

    /// Creates a peer to which a client is connected again.
    pub async fn rebind(client: &Client) -> Result<Self, RebindError> {
        let (local, remote) = memory::pair();
        client.rebind(remote).await?;
        Ok(Self { transport: local })
    }

    /// Creates a peer to which a client is connected again in a task, because its hooks may wait for frames.
    pub fn rebinding(client: &Client) -> (Self, JoinHandle<Result<(), RebindError>>) {
        let (local, remote) = memory::pair();
        (Self { transport: local }, rebinding(client, remote))
    }

    /// Writes a text frame without waiting until it has been sent.
    pub fn write(&mut self, text: &str) {
        self.transport.output().plain_text(text.len(), |out| out.extend_from_slice(text.as_bytes()));
    }

    /// Sends a text frame.
    pub async fn send(&mut self, text: &str) {
        self.write(text);
        poll_fn(|cx| self.transport.poll_flush(cx)).await.expect("the remote endpoint is connected");
    }

    /// Returns the next frame, or `None` after the connection was closed. Pings and pongs are left out.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            match self.any_frame().await {
                Some(Frame::Ping(_) | Frame::Pong(_)) => {}
                frame => return frame,
            }
        }
    }

    /// Returns the next frame, or `None` after the connection was closed. A ping is answered with the next frame that is
    /// waited for.
    pub async fn any_frame(&mut self) -> Option<Frame> {
        let frame = poll_fn(|cx| {
            // The remote endpoint may have made capacity for written frames.
            let _ = self.transport.poll_flush(cx);
            self.transport.poll_frame(cx)
        });
        frame.await.map(|frame| frame.expect("the transport in memory does not fail"))
    }

    /// Sends a ping.
    pub async fn ping(&mut self, payload: &[u8]) {
        self.transport.ping(payload);
        poll_fn(|cx| self.transport.poll_flush(cx)).await.expect("the remote endpoint is connected");
    }

    /// Returns the next text as JSON.
    pub async fn receive(&mut self) -> Value {
        match self.frame().await {
            Some(Frame::Text(text)) => serde_json::from_str(&text).expect("a frame is JSON"),
            other => panic!("expected a text, got {other:?}"),
        }
    }

    /// Returns the next text.
    pub async fn receive_text(&mut self) -> String {
        match self.frame().await {
            Some(Frame::Text(text)) => text.to_string(),
            other => panic!("expected a text, got {other:?}"),
        }
    }

    /// Sends a text frame and returns the next text as JSON.
    pub async fn ask(&mut self, text: &str) -> Value {
        self.send(text).await;
        self.receive().await
    }

    /// Checks that no frame comes while all other tasks run.
    pub async fn silence(&mut self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let mut frame = std::pin::pin!(self.frame());
        let now = poll_fn(|cx| Poll::Ready(frame.as_mut().poll(cx))).await;
        assert!(now.is_pending(), "expected nothing, got {now:?}");
    }

    /// Closes the connection.
    pub async fn close(&mut self, code: u16, reason: &str) {
        self.transport.close(&Close::new(code, reason));
        poll_fn(|cx| self.transport.poll_flush(cx)).await.expect("the remote endpoint is connected");
    }
}

/// Connects a client again in a task, because its hooks may take a while.
pub fn rebinding(client: &Client, transport: Memory) -> JoinHandle<Result<(), RebindError>> {
    let client = client.clone();
    tokio::spawn(async move { client.rebind(transport).await })
}

/// Returns the event that carries an item of a stream.
pub fn item(channel: u64, value: u32) -> Value {
    json!({"a": ["next", {"value": value, "done": false}], "h": channel})
}
