//! Helpers that the suites in `tests/tests/` share.

#![allow(clippy::missing_panics_doc, reason = "a helper that panics fails the test")]

pub mod example;
pub mod node;
mod quiet;
pub mod websocket;

pub use quiet::nothing_is_left;

use serde_json::{Value, json};
use std::env;
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use wswrapper::transport::memory::{self, Memory};
use wswrapper::transport::{Close, Frame, Transport};
use wswrapper::{Client, ClientBuilder, Peer, Server, ServerBuilder};

/// A server and a client of it, in memory.
pub struct Pair {
    pub server: Server,
    /// The client, as the server has it.
    pub peer: Peer,
    pub client: Client,
}

pub fn pair(server: ServerBuilder) -> Pair {
    pair_with(server, Client::builder())
}

pub fn pair_with(server: ServerBuilder, client: ClientBuilder) -> Pair {
    let (near, far) = memory::pair();
    let server = server.build().expect("the services can be mounted");
    let peer = server.accept_transport(far).expect("the server is open");
    let client = client.over(near).expect("the services can be mounted");
    Pair { server, peer, client }
}

/// A peer that speaks in bare frames.
pub struct RawPeer {
    transport: Memory,
}

impl RawPeer {
    /// Connects to a server.
    pub fn dial(server: &Server) -> (Self, Peer) {
        let (near, far) = memory::pair();
        let peer = server.accept_transport(far).expect("the server is open");
        (Self { transport: near }, peer)
    }

    /// Is one end of a pair.
    pub fn on(transport: Memory) -> Self {
        Self { transport }
    }

    /// Is connected to by a client.
    pub fn accept(client: ClientBuilder) -> (Self, Client) {
        let (near, far) = memory::pair();
        (Self { transport: near }, client.over(far).expect("the services can be mounted"))
    }

    /// Writes a frame without waiting until it has left.
    pub fn write(&mut self, text: &str) {
        self.transport.output().plain_text(text.len(), |out| out.extend_from_slice(text.as_bytes()));
    }

    pub async fn send(&mut self, text: &str) {
        self.write(text);
        poll_fn(|cx| self.transport.poll_flush(cx)).await.expect("the other end is there");
    }

    /// The next frame; `None` at the end of the connection.
    pub async fn frame(&mut self) -> Option<Frame> {
        let frame = poll_fn(|cx| {
            // What was written leaves as the other end makes room.
            let _ = self.transport.poll_flush(cx);
            self.transport.poll_frame(cx)
        });
        frame.await.map(|frame| frame.expect("memory does not fail"))
    }

    /// The next text as JSON.
    pub async fn receive(&mut self) -> Value {
        match self.frame().await {
            Some(Frame::Text(text)) => serde_json::from_slice(&text).expect("a frame is JSON"),
            other => panic!("expected a text, got {other:?}"),
        }
    }

    /// The next text as it is.
    pub async fn receive_text(&mut self) -> String {
        match self.frame().await {
            Some(Frame::Text(text)) => String::from_utf8(text.to_vec()).expect("a text is UTF-8"),
            other => panic!("expected a text, got {other:?}"),
        }
    }

    /// Sends a frame and gives the next one that comes.
    pub async fn ask(&mut self, text: &str) -> Value {
        self.send(text).await;
        self.receive().await
    }

    /// Nothing comes, though the other end has had its turns.
    pub async fn silence(&mut self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let mut frame = std::pin::pin!(self.frame());
        let now = poll_fn(|cx| Poll::Ready(frame.as_mut().poll(cx))).await;
        assert!(now.is_pending(), "expected nothing, got {now:?}");
    }

    pub async fn close(&mut self, code: u16, reason: &str) {
        self.transport.close(&Close::new(code, reason));
        poll_fn(|cx| self.transport.poll_flush(cx)).await.expect("the other end is there");
    }
}

/// Counts what is alive.
#[derive(Clone, Default)]
pub struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub fn guard(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until so many are alive.
    pub async fn becomes(&self, count: usize) {
        until(|| self.count() == count).await;
    }
}

pub struct Guard(Alive);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits until something holds; fails after a while of the tests' clock.
pub async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.expect("it never came to hold");
}

/// Lets every other task run as long as it likes to.
pub async fn let_others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// An item of a stream, as an event.
pub fn item(channel: u64, value: u32) -> Value {
    json!({"a": ["next", {"value": value, "done": false}], "h": channel})
}

/// Collects what happened.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn add(&self, entry: impl Into<String>) {
        self.0.lock().expect("no panic while logging").push(entry.into());
    }

    pub fn entries(&self) -> Vec<String> {
        self.0.lock().expect("no panic while logging").clone()
    }

    pub async fn has(&self, count: usize) -> Vec<String> {
        until(|| self.entries().len() >= count).await;
        self.entries()
    }
}

/// Cargo's target directory. A test program is at `<target>/<profile>/deps/<program>`.
fn target_directory() -> PathBuf {
    let program = env::current_exe().expect("a running program has a path");
    program.ancestors().nth(3).expect("Cargo runs the tests").to_owned()
}
