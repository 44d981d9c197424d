//! A peer that sends and receives single frames, for tests of the protocol.

use serde_json::{Value, json};
use std::future::poll_fn;
use std::task::Poll;
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

/// Returns the event that carries an item of a stream.
pub fn item(channel: u64, value: u32) -> Value {
    json!({"a": ["next", {"value": value, "done": false}], "h": channel})
}
